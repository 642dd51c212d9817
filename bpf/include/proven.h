/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When a session of a key was last among the proven ones: of a packet that opens a session it says that the
 * table of these need not be asked. Large tables are memory that no cache holds, and most packets of a flood
 * are of none.
 *
 *   key ── hash ──▶ rw_proven: a byte, in which age of 2^ALIVE_SHIFT jiffies ─┐
 *   its ends ─────▶ rw_alive: whether one of them was revoked (alive.h) ──────┴▶ may there be one?
 *
 * Whatever puts a session into such a table, or refreshes it there, has said so here before; of one that goes
 * on by the express way once in an age. Nobody takes anything away: what is longer ago than any timeout is
 * over, and other keys may have the same place. So, as with rw_alive, that there is a session is never sure,
 * that there is none always. A revoked session of TCP has no timeout: that stands in rw_alive, where no other
 * CPU can write over it. Here two may write at once, but the same, or one age apart.
 */
#ifndef RINGWALL_PROVEN_H
#define RINGWALL_PROVEN_H

#include "alive.h"

/* Ages that a byte tells apart; more than a timeout has, twice over. */
enum { PROVEN_AGES = 128 };

/* `ends`: ends_hash() of the key; here its ports, protocol and kind come to it. */
static __always_inline __u8 *proven_place(__u64 ends, const struct session_key *key) {
    const wide64 *words = (const wide64 *)key;
    __u64 place = (ends ^ words[4]) * HASH_MIX >> (64 - PROVEN_BITS);
    __u32 line = place / PROVEN_LINE;
    struct proven *proven = map_lookup(rw_proven, &line);

    /* unreachable: the verifier asks of every look-up */
    return proven ? &proven->places[place % PROVEN_LINE] : NULL;
}

/* A session of this key is put among the proven ones, or refreshed there. A function of its own, as the next
 * one: the program would have it once for each family, protocol and hook. */
global_function int proven_note(const struct session_key *key, __u32 now) {
    __u8 age = (now >> ALIVE_SHIFT) * 2 | 1, *place;

    /* unreachable: the verifier asks of every argument */
    if (!key)
        return 0;
    place = proven_place(ends_hash(key), key);
    /* unreachable: the verifier asks of every look-up */
    if (!place)
        return 0;
    if (*(volatile __u8 *)place != age)
        *(volatile __u8 *)place = age;
    return 0;
}

/* May a session of this key be alive among the proven ones, or revoked? Both places are found before either
 * is read: they come from memory together. */
global_function int proven_may_be(const struct session_key *key, __u32 hz, __u32 now) {
    const __u32 *revoked;
    const __u8 *place;
    __u32 last, age;
    __u64 ends;

    /* unreachable: the verifier asks of every argument */
    if (!key)
        return 1;
    ends = ends_hash(key);
    revoked = alive_place(ends);
    place = proven_place(ends, key);
    /* unreachable: the verifier asks of every look-up */
    if (!revoked || !place)
        return 1;
    last = *(const volatile __u32 *)revoked;
    age = *(const volatile __u8 *)place;
    if (last == ALIVE_REVOKED)
        return 1;
    /* Another CPU may be ahead by a moment. What was seen in an age may have been noted in the one before. */
    return age && ((now >> ALIVE_SHIFT) + 1 - age / 2) % PROVEN_AGES <=
                      (hz * SESSION_SECONDS_MAX >> ALIVE_SHIFT) + 4;
}

#endif
