/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When two ends last had a session: one look into an array, where the tables of sessions take two into
 * hashes.
 *
 *   two ends   the guest's address and port, and the address of who is remote: all sessions of a flood by one
 * sender to one port have one place
 *
 * Whatever makes a session, refreshes or revokes it has said so here before; of one that goes on by the
 * express way, once in 2^ALIVE_SHIFT jiffies. So where the last time is longer ago than any timeout, no
 * session of these ends is alive. Other ends may have the same place: that there is a session is never sure,
 * that there is none always. A revoked session of TCP has no timeout: its place says ALIVE_REVOKED from then
 * on.
 *
 * src/kernel/alive.ts has the same of what an operator ends. The map is as old as the tables, and goes with
 * them: a layout brings all of its maps.
 */
#ifndef RINGWALL_ALIVE_H
#define RINGWALL_ALIVE_H

#include "kernel.h"
#include "address.h"

enum { ALIVE_SHIFT = 14 };

/* Of two ends, whatever the protocol and the remote port. Its highest bits are the best. */
static __always_inline __u64 ends_hash(const struct session_key *key) {
    const wide64 *local = (const wide64 *)key->local, *remote = (const wide64 *)key->remote;
    __u64 mixed = (local[0] ^ local[1] ^ key->local_port) * 0x9e3779b97f4a7c15ULL;

    return (mixed ^ remote[0] ^ remote[1]) * 0xff51afd7ed558ccdULL;
}

static __always_inline __u32 *alive_place(__u64 ends) {
    __u32 place = ends >> (64 - ALIVE_BITS);

    return map_lookup(rw_alive, &place);
}

/* A session of this key is made or refreshed now; `revoked`: or revoked. Another CPU's word that one was
 * revoked is never written over. */
global_function int alive_note(__u64 ends, __u32 now, __u32 revoked) {
    __u32 *place = alive_place(ends), before;

    /* unreachable: the verifier asks of every look-up */
    if (!place)
        return 0;
    before = *(volatile __u32 *)place;
    if (revoked)
        *(volatile __u32 *)place = ALIVE_REVOKED;
    else if (before != ALIVE_REVOKED && (before == ALIVE_NEVER || (before ^ now) >> ALIVE_SHIFT))
        __sync_val_compare_and_swap(place, before, now | 1);
    return 0;
}

/* May a session of these ends be alive, or be revoked for good? */
static __always_inline bool alive_may_be(__u64 ends, const struct settings *settings, __u32 now) {
    const __u32 *place = alive_place(ends);
    __u32 last, slack = 2 << ALIVE_SHIFT;

    /* unreachable: the verifier asks of every look-up */
    if (!place)
        return true;
    last = *(const volatile __u32 *)place;
    if (last == ALIVE_REVOKED)
        return true;
    /* Another CPU may be ahead by a moment. */
    return last != ALIVE_NEVER && now + slack - last < settings->hz * SESSION_SECONDS_MAX + 2 * slack;
}

#endif
