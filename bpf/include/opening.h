/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The opening table: what is not proven yet, and remembered first fragments. Every packet of a flood of new
 * flows writes here: that costs a few lines of the cache, where an LRU hash of the kernel takes 200 ns to let
 * an entry go.
 *
 *   key ── hash ─┬▶ set ── owners: word, word … ─▶ way, one of SET_WAYS: key and session
 *                └▶ set
 *
 *   word of a way: 63 … tag, of the key's hash … 42 │ 41 … stamp, when it was seen … 16 │ 15 … holders … 0
 *
 * A new entry goes to the emptier of its key's two sets; where both are full it takes the place of what was
 * silent longest among all their ways: LRU within two sets, of which their 16 words tell. What lies behind
 * the words is not read for it: that would be 16 lines of the cache more.
 *
 * Other CPUs are at the same ways all the time. A way changes hands by its word alone, in one operation:
 *
 *   hold     +1, then the tag is looked at: what has it and is held stays this entry, so whoever found a
 *            session reads and writes that one, whole, until opening_leave()
 *   claim    tag and no holders, to TAG_BUSY: fails where anybody holds it, came, or claimed it first
 *   show     TAG_BUSY to the tag, once key and session are written: nobody finds one half written
 *   forget   the tag to TAG_EMPTY, holders stay: nobody finds it any more; who holds it may go on, and the
 *            way is claimed when the last one has left. Whom it answers the tag, and nobody else, took it out
 *
 * Each is a full barrier. A session is never written over by another one of its key: that one gets a way of
 * its own (claim.h). The agent does the same with words that it maps (src/kernel/opening-table.ts), and has
 * a bit of its own among the holders: where it is killed while it holds, that way is given to nobody else
 * until the next agent starts.
 */
#ifndef RINGWALL_OPENING_H
#define RINGWALL_OPENING_H

#include "kernel.h"
#include "address.h"
#include "verdict.h"

#define HOLDERS ((1ULL << STAMP_SHIFT) - 1)
#define STAMPS ((1ULL << (TAG_SHIFT - STAMP_SHIFT)) - 1)
#define TAGS ((1ULL << (64 - TAG_SHIFT)) - 1)

/* Where a key may stand, and by which tag it is known. */
struct opening_place {
    struct opening_set *sets[2];
    __u64 tag;
};

/* An entry that cannot become another one until opening_leave(); or NULL. */
struct opening_held {
    struct session *session;
    __u64 *owner;
};

/* Linear with seeds that nobody knows, so nobody can tell which keys meet; then mixed, since keys that count
 * up would come in a row. */
static __always_inline __u64 opening_hash(const struct hash_seeds *seeds, const struct session_key *key) {
    const wide32 *words = (const wide32 *)key;
    __u64 sum = seeds->first;

    for (int n = 0; n < HASH_WORDS; n++)
        sum += seeds->words[n] * words[n];
    sum = (sum ^ sum >> 32) * HASH_MIX;
    return sum ^ sum >> 32;
}

/* False where the interface has no table. */
static __always_inline bool opening_place(struct opening_place *place, __u32 number,
                                          const struct session_key *key) {
    __u32 zero = 0, index, other;
    __u64 hash;
    const struct hash_seeds *seeds = map_lookup(rw_hash, &zero);
    void *map = map_inner(rw_opening, &number);

    /* unreachable: there are always seeds; the verifier asks of every look-up */
    if (!seeds)
        return false;
    if (!map)
        return false;
    hash = opening_hash(seeds, key);
    index = (hash >> 32) * inner_entries(map) >> 32;
    other = (hash & 0xffffffff) * inner_entries(map) >> 32;
    /* Never one set twice: which of two entries comes first must be plain. */
    if (other == index)
        other = index ? index - 1 : 1;
    place->tag = (hash & TAGS) | TAG_LEAST;
    place->sets[0] = inner_lookup(map, &index);
    place->sets[1] = inner_lookup(map, &other);
    /* unreachable: no table has one set only; the verifier asks of every look-up */
    return place->sets[0] && place->sets[1];
}

static __always_inline bool opening_is(const struct opening_entry *entry, const struct session_key *key) {
    const wide64 *left = (const wide64 *)&entry->key, *right = (const wide64 *)key;
    __u64 differ = 0;

    for (int n = 0; n < HASH_WORDS / 2; n++)
        differ |= left[n] ^ right[n];
    return !differ;
}

/* False: the way is not the key's, and not held. */
static __always_inline bool opening_hold(struct opening_set *set, __u32 way, __u64 tag,
                                         const struct session_key *key) {
    __u64 *owner = &set->owners[way];

    if (owner_read(owner) >> TAG_SHIFT != tag)
        return false;
    if (owner_add(owner, 1) >> TAG_SHIFT == tag && opening_is(&set->ways[way], key))
        return true;
    owner_add(owner, -1);
    return false;
}

static __always_inline void opening_leave(const struct opening_held *held) {
    if (held->owner)
        owner_add(held->owner, -1);
}

static __always_inline __u64 opening_stamp(void) {
    return kernel_monotonic() >> STAMP_UNIT & STAMPS;
}

/* Leaves an entry whose session was just seen: nothing is younger. Where another CPU came between it has that
 * one's stamp. */
global_function int opening_renew(__u64 *owner) {
    __u64 before, after;

    /* unreachable: the verifier asks of every argument */
    if (!owner)
        return 0;
    before = owner_read(owner);
    after = (before & ~(STAMPS << STAMP_SHIFT)) | opening_stamp() << STAMP_SHIFT;
    if (before >> TAG_SHIFT == TAG_EMPTY || !owner_swap(owner, before, after - 1))
        owner_add(owner, -1);
    return 0;
}

static __always_inline struct opening_set *opening_set(struct opening_set *first, struct opening_set *other,
                                                       __u64 place) {
    return place < SET_WAYS ? first : other;
}

/* The key's place among the 16 ways of its sets, held; or 16. A function of its own, as the next ones are:
 * the verifier would walk what follows once for each way. */
global_function int opening_way(struct opening_set *first, struct opening_set *other, __u64 tag,
                                const struct session_key *key) {
    /* unreachable: the verifier asks of every argument */
    if (!first || !other || !key)
        return 2 * SET_WAYS;
#pragma clang loop unroll(disable)
    for (__u64 n = 0; n < 2 * SET_WAYS; n++)
        if (opening_hold(opening_set(first, other, n), n % SET_WAYS, tag, key))
            return n;
    return 2 * SET_WAYS;
}

/* False, and held->owner NULL: the key is in neither set. */
static __always_inline bool opening_find(struct opening_held *held, const struct opening_place *place,
                                         const struct session_key *key) {
    __u64 way = (__u32)opening_way(place->sets[0], place->sets[1], place->tag, key);
    struct opening_set *set;

    held->session = NULL;
    held->owner = NULL;
    if (way >= 2 * SET_WAYS)
        return false;
    set = opening_set(place->sets[0], place->sets[1], way);
    way %= SET_WAYS;
    held->session = &set->ways[way].session;
    held->owner = &set->owners[way];
    return true;
}

/* A function of its own: 512 bytes of stack are counted along a chain of calls. */
static __attribute__((noinline)) bool opening_lookup(struct opening_held *held, __u32 number,
                                                     const struct session_key *key) {
    struct opening_place place;

    held->session = NULL;
    held->owner = NULL;
    return opening_place(&place, number, key) && opening_find(held, &place, key);
}

/* Is it there? */
static __always_inline bool opening_has(__u32 number, const struct session_key *key) {
    struct opening_held held;
    bool found = opening_lookup(&held, number, key);

    opening_leave(&held);
    return found;
}

/* 1 where bit 63 is set, else 0: no branch, of which the verifier would walk both ways; nor may the compiler
 * make one of it. */
static __always_inline __u64 word_is_negative(__u64 word) {
    __u64 is = word >> 63;

    asm volatile("" : "+r"(is));
    return is;
}

static __always_inline __u64 word_is_zero(__u64 word) {
    return word_is_negative(~(word | -word));
}

/* 1: it was there, and this CPU took it out. The caller holds it. */
static __always_inline __u64 opening_forget(__u64 *owner) {
    return 1 - word_is_zero(owner_forget(owner) >> TAG_SHIFT);
}

#endif
