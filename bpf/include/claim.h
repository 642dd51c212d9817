/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How a new entry comes into the opening table (opening.h).
 *
 *   opening_begin() ── a way of the 16, TAG_BUSY ──▶ key and session are written ──▶ opening_end() shows it
 *
 * It goes to the emptier of its key's sets; where both are full it takes the place of what was silent longest
 * in them. Two CPUs that open one flow at once both show an entry; each then looks for the other's, and the
 * one that a look-up finds later goes (opening_settle). Whoever comes second has seen the first one's word,
 * since to show it is a full barrier; so one of them at least knows.
 */
#ifndef RINGWALL_CLAIM_H
#define RINGWALL_CLAIM_H

#include "opening.h"

/* So much later another CPU may have read the clock: 17 ms. */
#define STAMPS_AHEAD 1024
/* Of a way that is being written: nobody gives it to another entry. */
#define BUSY ((__u64)TAG_BUSY << TAG_SHIFT | 1)

/* A way of the 16 that is being written. */
struct opening_new {
    struct opening_place place;
    __u64 way;
    __u64 stamp;
};

/* A set's empty ways: how many, and the last of them in the lowest bits; less than SET_WAYS: none. */
static __always_inline __u64 opening_gaps(const struct opening_set *set) {
    __u64 count = 0, way = 0;

#pragma clang loop unroll(disable)
    for (__u64 n = 0; n < SET_WAYS; n++) {
        __u64 none = word_is_zero(owner_read(&set->owners[n]));

        count += none;
        way += none * (n - way);
    }
    return count * SET_WAYS + way;
}

/* How long the entry of a way has been silent at `stamp`; the way in the lowest bits, which alone are left
 * where it is held. */
static __always_inline __u64 opening_age(__u64 way, __u64 owner, __u64 stamp) {
    __u64 age = ((stamp + STAMPS_AHEAD - (owner >> STAMP_SHIFT)) & STAMPS) + 1;

    return age * word_is_zero(owner & HOLDERS) * SET_WAYS + way;
}

/* That of the eldest. */
static __always_inline __u64 opening_eldest(const struct opening_set *set, __u64 stamp) {
    __u64 eldest = 0;

#pragma clang loop unroll(disable)
    for (__u64 n = 0; n < SET_WAYS; n++) {
        __u64 age = opening_age(n, owner_read(&set->owners[n]), stamp);

        eldest += (age - eldest) * word_is_negative(eldest - age);
    }
    return eldest;
}

/* Takes the entry of the key at a way out, where it is still there. 1: this CPU did. */
static __always_inline __u64 opening_drop(struct opening_set *set, __u32 way, __u64 tag,
                                          const struct session_key *key) {
    __u64 gone;

    if (!opening_hold(set, way, tag, key))
        return 0;
    gone = opening_forget(&set->owners[way]);
    owner_add(&set->owners[way], -1);
    return gone;
}

/* Ways that have the tag. */
static __always_inline __u64 opening_count(const struct opening_set *set, __u64 tag) {
    __u64 count = 0;

#pragma clang loop unroll(disable)
    for (__u64 n = 0; n < SET_WAYS; n++)
        count += word_is_zero(owner_read(&set->owners[n]) >> TAG_SHIFT ^ tag);
    return count;
}

/* Takes the key's entries out that stand behind place `own` of the 16; how many there were. */
static __always_inline int opening_drop_behind(struct opening_set *first, struct opening_set *other,
                                               __u64 tag, const struct session_key *key, __u64 own) {
    __u64 gone = 0;

#pragma clang loop unroll(disable)
    for (__u64 n = 0; n < 2 * SET_WAYS; n++)
        if (word_is_negative(own - n))
            gone += opening_drop(opening_set(first, other, n), n % SET_WAYS, tag, key);
    return gone;
}

/* Another CPU opened the same flow at the same time as this one, which has shown its entry at place `own` of
 * the key's 16, and may not have seen it. The first of them stays. How many others were taken out; -EEXIST:
 * this one was. */
static __always_inline int opening_settle(struct opening_set *first, struct opening_set *other, __u64 tag,
                                          const struct session_key *key, __u64 own) {
    __u64 place = (__u32)opening_way(first, other, tag, key), gone = 0;

    /* Taken out meanwhile: then it was in, and counts. */
    if (place >= 2 * SET_WAYS)
        return 0;
    owner_add(&opening_set(first, other, place)->owners[place % SET_WAYS], -1);
    if (place != own) {
        if (place < own)
            gone = opening_drop(opening_set(first, other, own), own % SET_WAYS, tag, key);
        return gone ? -EEXIST : 0;
    }
    return opening_drop_behind(first, other, tag, key, own);
}

/* Claims a way for a new entry, of the 16 that a key's sets have; 16: other CPUs write to all that there are.
 */
global_function must_check int opening_claim(struct opening_set *first, struct opening_set *other,
                                             __u64 stamp) {
    /* unreachable: the verifier asks of every argument */
    if (!first || !other)
        return 2 * SET_WAYS;
#pragma clang loop unroll(disable)
    for (__u64 n = 0; n < OPENING_TRIES; n++) {
        __u64 offer = opening_gaps(first), another = opening_gaps(other), base = 0, before, way;
        bool full = offer + another < SET_WAYS;
        struct opening_set *set = first;

        if (full) {
            offer = opening_eldest(first, stamp);
            another = opening_eldest(other, stamp);
        }
        if (another > offer) {
            set = other;
            base = SET_WAYS;
            offer = another;
        }
        way = offer % SET_WAYS;
        before = owner_read(&set->owners[way]);
        /* It may have changed hands since: what is new is not given up for what was there. */
        if (full && (offer < SET_WAYS || opening_age(way, before, stamp) != offer))
            continue;
        if (owner_claim(&set->owners[way], full ? before : 0, BUSY))
            return base + way;
    }
    return 2 * SET_WAYS;
}

/* The session to be written at a new way of the place, which nobody else sees; NULL: there is none. Once it
 * is whole, opening_end(). The key was not found. */
static __always_inline struct session *opening_begin(struct opening_new *new, const struct session_key *key) {
    const struct opening_place *place = &new->place;
    struct opening_entry *entry;

    new->stamp = opening_stamp();
    new->way = (__u32)opening_claim(place->sets[0], place->sets[1], new->stamp);
    if (new->way >= 2 * SET_WAYS)
        return NULL;
    entry = &opening_set(place->sets[0], place->sets[1], new->way)->ways[new->way % SET_WAYS];
    entry->key = *key;
    return &entry->session;
}

/* `owner`: the word that the way gets. How many others of the key it took out, mostly 0; -EEXIST:
 * another CPU put it in at the same time. A function of its own, as opening_claim is: two are not too long
 * for one stack. */
global_function int opening_show(struct opening_set *first, struct opening_set *other, __u64 owner,
                                 const struct session_key *key, __u64 way) {
    __u64 tag = owner >> TAG_SHIFT;

    /* unreachable: the verifier asks of every argument */
    if (!first || !other || !key || way >= 2 * SET_WAYS)
        return 0;
    owner_add(&opening_set(first, other, way)->owners[way % SET_WAYS], owner - BUSY);
    if (opening_count(first, tag) + opening_count(other, tag) == 1)
        return 0;
    return opening_settle(first, other, tag, key, way);
}

static __always_inline int opening_end(const struct opening_new *new, const struct session_key *key) {
    const struct opening_place *place = &new->place;
    __u64 owner = place->tag << TAG_SHIFT | new->stamp << STAMP_SHIFT;

    return opening_show(place->sets[0], place->sets[1], owner, key, new->way);
}

#endif
