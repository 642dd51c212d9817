/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The shipped programs, the same text, behind what makes every packet another one. */
#include "../../bpf/ringwall.bpf.c"
#include "vary.h"

WAYS((void *)&guest_xdp);

SEC("xdp.frags")
int vary(struct xdp_md *ctx) {
    vary_frame(ctx, &bench_ways);
    return XDP_ABORTED;
}
