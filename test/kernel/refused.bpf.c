/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The shipped programs, and one that no kernel's verifier takes: it reads a packet without looking at its
 * end. */
#include "../../bpf/ringwall.bpf.c"

SEC("xdp")
int refused(struct xdp_md *ctx) {
    return *(__u32 *)(long)ctx->data & 1;
}
