/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The shipped programs, and one that calls a helper which this kernel does not have, as on one that is too
 * old. */
#include "../../bpf/ringwall.bpf.c"

static long (*helper_of_tomorrow)(void) = (void *)4095;

SEC("xdp")
int helpless(struct xdp_md *ctx) {
    (void)ctx;
    return helper_of_tomorrow() & 1;
}
