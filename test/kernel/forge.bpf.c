/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A guest that answers each frame with one of a MAC that is not its own, behind a mark that claims it was
 * judged; and what counts such frames behind the judging programs. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "Dual BSD/GPL";

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 2);
    __type(key, __u32);
    __type(value, __u64);
} forge SEC(".maps"); /* 0: the mark, 1: frames counted */

enum { FORGED_MAC = 0x99 };

SEC("xdp")
int lay_mark(struct xdp_md *ctx) {
    __u32 zero = 0;
    __u64 *mark = bpf_map_lookup_elem(&forge, &zero), *meta;
    __u8 *frame;

    if (!mark || bpf_xdp_adjust_meta(ctx, -(int)sizeof(*meta)))
        return XDP_DROP;
    meta = (void *)(long)ctx->data_meta;
    frame = (void *)(long)ctx->data;
    if ((void *)(meta + 1) > (void *)frame || frame + 14 > (__u8 *)(long)ctx->data_end)
        return XDP_DROP;
    *meta = *mark;
    for (int n = 0; n < 6; n++) {
        frame[n] = frame[6 + n];
        frame[6 + n] = n ? 0 : 2;
    }
    frame[11] = FORGED_MAC;
    return XDP_PASS;
}

SEC("tc")
int send_back(struct __sk_buff *ctx) {
    return bpf_redirect(ctx->ifindex, 0);
}

SEC("tc")
int count_forged(struct __sk_buff *ctx) {
    __u32 one = 1;
    __u64 *count = bpf_map_lookup_elem(&forge, &one);
    const __u8 *frame = (void *)(long)ctx->data;

    if (count && frame + 14 <= (__u8 *)(long)ctx->data_end && frame[11] == FORGED_MAC)
        __sync_fetch_and_add(count, 1);
    return TC_ACT_UNSPEC;
}

/* Ends the hook: whatever comes behind it never sees a frame. */
SEC("tc")
int pass_all(struct __sk_buff *ctx) {
    (void)ctx;
    return TC_ACT_OK;
}
