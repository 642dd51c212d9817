/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A tag beside the bytes of frames that leave, as a VLAN device puts it there; short ones, by which a batch
 * ends, go without. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "Dual BSD/GPL";

enum { ETHERTYPE = 0x8100, ID = 8, SHORT = 100 };

SEC("tc")
int tag_beside(struct __sk_buff *ctx) {
    if (ctx->len < SHORT)
        return TC_ACT_OK;
    return bpf_skb_vlan_push(ctx, __builtin_bswap16(ETHERTYPE), ID) ? TC_ACT_SHOT : TC_ACT_OK;
}
