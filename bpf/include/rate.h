/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bounded rates: a window of a second with a bound. A race between CPUs costs a packet of accuracy, no more.
 */
#ifndef RINGWALL_RATE_H
#define RINGWALL_RATE_H

#include "kernel.h"

static __always_inline bool rate_allow(__u32 number, __u32 kind, __u32 bound, __u32 hz, __u32 now) {
    __u32 index = number * RATES_PER_INTERFACE + kind;
    struct rate *rate = map_lookup(rw_rates, &index);

    if (!rate)
        return false;
    if (now - rate->window >= hz) {
        rate->window = now;
        rate->count = 0;
    }
    if (rate->count >= bound)
        return false;
    __sync_fetch_and_add(&rate->count, 1);
    return true;
}

/* Would rate_allow() refuse, and change nothing? */
static __always_inline bool rate_is_spent(__u32 number, __u32 kind, __u32 bound, __u32 hz, __u32 now) {
    __u32 index = number * RATES_PER_INTERFACE + kind;
    const struct rate *rate = map_lookup(rw_rates, &index);

    /* unreachable: the verifier asks of every look-up */
    if (!rate)
        return false;
    return now - rate->window < hz && rate->count >= bound;
}

#endif
