/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A flood from the kernel itself: each run makes another packet of the one given, and goes on into a program
 * under test. So a test run of a million packets is one call, and the program that judges them is the shipped
 * one. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "Dual BSD/GPL";

enum { PLACES_MAX = 128, HEAD_BYTES = 54 };

/* What the next run does. */
struct flood {
    __u32 number; /* of its packet; goes up */
    __u32 low;    /* places in the frame of the number's low and high 16 bits */
    __u32 high;
    __u32 program; /* place in the array below */
    /* As live frames: what a frame begins with. Their memory is used again, with what was written there
     * since. */
    __u8 head[HEAD_BYTES];
    __u16 zero;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct flood);
} flood SEC(".maps");

#define PROGRAMS(name)                                                                                       \
    struct {                                                                                                 \
        __uint(type, BPF_MAP_TYPE_PROG_ARRAY);                                                               \
        __uint(max_entries, 2);                                                                              \
        __type(key, __u32);                                                                                  \
        __type(value, __u32);                                                                                \
    } name SEC(".maps")

PROGRAMS(flood_into_xdp); /* 0: guest_xdp, 1: uplink_xdp */
PROGRAMS(flood_into_tc);  /* 0: guest_tc_egress */

static __always_inline void write16(void *data, const void *end, __u32 place, __u16 value) {
    __u16 *number = data + (place & (PLACES_MAX - 1));

    if ((void *)(number + 1) <= end)
        *number = __builtin_bswap16(value);
}

/* Makes the next packet; NULL where nobody said how. */
static __always_inline const struct flood *flood_next(void *data, const void *end) {
    __u32 zero = 0;
    struct flood *next = bpf_map_lookup_elem(&flood, &zero);

    if (!next)
        return NULL;
    write16(data, end, next->low, next->number);
    write16(data, end, next->high, next->number >> 16);
    next->number++;
    return next;
}

SEC("xdp.frags")
int flood_xdp(struct xdp_md *ctx) {
    const struct flood *next = flood_next((void *)(long)ctx->data, (void *)(long)ctx->data_end);

    if (next)
        bpf_tail_call(ctx, &flood_into_xdp, next->program);
    return XDP_ABORTED;
}

/* As live frames: out of the device that they seem to have come in by. */
SEC("xdp")
int flood_live(struct xdp_md *ctx) {
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    __u32 zero = 0;
    const struct flood *next = bpf_map_lookup_elem(&flood, &zero);

    if (!next || data + HEAD_BYTES > end)
        return XDP_DROP;
    __builtin_memcpy(data, next->head, HEAD_BYTES);
    return flood_next(data, end) ? XDP_TX : XDP_DROP;
}

SEC("tc")
int flood_tc(struct __sk_buff *ctx) {
    const struct flood *next = flood_next((void *)(long)ctx->data, (void *)(long)ctx->data_end);

    if (next)
        bpf_tail_call(ctx, &flood_into_tc, next->program);
    return TC_ACT_STOLEN;
}
