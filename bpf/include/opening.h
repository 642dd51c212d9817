/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The opening table: what is not proven yet, and remembered first fragments. Every packet of a flood of new
 * flows writes here: that costs a few lines of the cache, where an LRU hash of the kernel takes 200 ns to let
 * an entry go.
 *
 *   key ── hash ─┬▶ set ── owners: word, word … ─▶ way, one of SET_WAYS: key and session
 *                └▶ set
 *
 *   word of a way: 63 … tag, of the key's hash … 32 │ 31 … stamp, when it was put in … 16 │ holders … 0
 *
 * A new entry goes to the emptier of its key's two sets; where both are full it takes the place of what was
 * silent longest among all their ways. That is LRU within two sets.
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
 * its own. Two CPUs that open one flow at once both show an entry; each then looks for the other's, and the
 * one that a look-up finds later goes (opening_settle). The agent does the same with words that it maps
 * (src/kernel/opening-table.ts). Where one is killed while it holds, that way stays as it is.
 */
#ifndef RINGWALL_OPENING_H
#define RINGWALL_OPENING_H

#include "kernel.h"
#include "address.h"
#include "verdict.h"

#define STAMP_SHIFT 16
#define HOLDERS 0xffffULL
/* Of a stamp, in powers of two of ns: 4 µs, so they come round after 268 ms. It tells which of two entries is
 * older that were seen in one tick, in which a flood fills the whole table. */
#define STAMP_UNIT 12

/* Where a key may stand, and by which tag it is known. */
struct opening_place {
    struct opening_set *sets[2];
    __u64 tag;
};

/* A way of the 16 that is being written. */
struct opening_new {
    struct opening_place place;
    __u64 way;
    __u64 stamp;
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
    place->tag = (hash & 0xffffffff) | TAG_LEAST;
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

/* A set's empty ways: how many, and the last of them in the lowest bits; less than SET_WAYS: there are none.
 */
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

/* How old the entry of a way is, by when it was seen, then by its stamp; the way in the lowest bits. 0: it is
 * held, or not shown. */
static __always_inline __u64 opening_age(const struct opening_set *set, __u64 way, __u64 owner, __u32 now,
                                         __u64 stamp) {
    __u64 silent = (__s64)(__s32)(now - *(const volatile __u32 *)&set->ways[way].session.seen), age;

    /* Below zero: another CPU read the clock later. */
    silent *= 1 - word_is_negative(silent);
    age = (silent + 1) << 16 | ((stamp - (owner >> STAMP_SHIFT)) & 0xffff);
    age *= word_is_zero(owner & HOLDERS) * (1 - word_is_zero(owner >> (TAG_SHIFT + 1)));
    return age * SET_WAYS + way;
}

/* That of the eldest. */
static __always_inline __u64 opening_eldest(const struct opening_set *set, __u32 now, __u64 stamp) {
    __u64 eldest = 0;

#pragma clang loop unroll(disable)
    for (__u64 n = 0; n < SET_WAYS; n++) {
        __u64 age = opening_age(set, n, owner_read(&set->owners[n]), now, stamp);

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

/* Another CPU opened the same flow at the same time as this one, which has shown its entry at place `own` of
 * the key's 16, and may not have seen it. The first of them stays. How many others were taken out; -EEXIST:
 * this one was. Where somebody else took it out it was in, and counts. */
static __always_inline int opening_settle(struct opening_set *first, struct opening_set *other, __u64 tag,
                                          const struct session_key *key, __u64 own) {
    __u64 place = (__u32)opening_way(first, other, tag, key), gone = 0;

    /* unreachable: that it was taken out between two looks; then it was in, and counts */
    if (place >= 2 * SET_WAYS)
        return 0;
    owner_add(&opening_set(first, other, place)->owners[place % SET_WAYS], -1);
    if (place != own)
        return place < own && opening_drop(opening_set(first, other, own), own % SET_WAYS, tag, key) ? -EEXIST
                                                                                                     : 0;
#pragma clang loop unroll(disable)
    for (__u64 n = 0; n < 2 * SET_WAYS; n++)
        if (word_is_negative(own - n))
            gone += opening_drop(opening_set(first, other, n), n % SET_WAYS, tag, key);
    return gone;
}

/* Claims a way for a new entry, of the 16 that a key's sets have; 16: other CPUs write to all that there are.
 */
global_function must_check int opening_claim(struct opening_set *first, struct opening_set *other, __u32 now,
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
            offer = opening_eldest(first, now, stamp);
            another = opening_eldest(other, now, stamp);
        }
        if (another > offer) {
            set = other;
            base = SET_WAYS;
            offer = another;
        }
        way = offer % SET_WAYS;
        before = owner_read(&set->owners[way]);
        /* It may have changed hands since: what is new is not given up for what was there. */
        if (full && (offer < SET_WAYS || opening_age(set, way, before, now, stamp) != offer))
            continue;
        if (owner_claim(&set->owners[way], full ? before : 0, (__u64)TAG_BUSY << TAG_SHIFT))
            return base + way;
    }
    return 2 * SET_WAYS;
}

/* The session to be written at a new way of the place, which nobody else sees; NULL: there is none. Once it
 * is whole, opening_end(). The key was not found. */
static __always_inline struct session *opening_begin(struct opening_new *new, const struct session_key *key,
                                                     __u32 now) {
    const struct opening_place *place = &new->place;
    struct opening_entry *entry;

    new->stamp = kernel_monotonic() >> STAMP_UNIT & 0xffff;
    new->way = (__u32)opening_claim(place->sets[0], place->sets[1], now, new->stamp);
    if (new->way >= 2 * SET_WAYS)
        return NULL;
    entry = &opening_set(place->sets[0], place->sets[1], new->way)->ways[new->way % SET_WAYS];
    entry->key = *key;
    return &entry->session;
}

/* `tagged`: the tag, and above it the stamp. How many others of the key it took out, mostly 0; -EEXIST:
 * another CPU put it in at the same time. A function of its own, as opening_claim is: two are not too long
 * for one stack. */
global_function int opening_show(struct opening_set *first, struct opening_set *other, __u64 tagged,
                                 const struct session_key *key, __u64 way) {
    __u64 tag = tagged & 0xffffffff;

    /* unreachable: the verifier asks of every argument */
    if (!first || !other || !key || way >= 2 * SET_WAYS)
        return 0;
    owner_add(&opening_set(first, other, way)->owners[way % SET_WAYS],
              ((tag - TAG_BUSY) << TAG_SHIFT) + (tagged >> TAG_SHIFT << STAMP_SHIFT));
    if (opening_count(first, tag) + opening_count(other, tag) == 1)
        return 0;
    return opening_settle(first, other, tag, key, way);
}

static __always_inline int opening_end(const struct opening_new *new, const struct session_key *key) {
    const struct opening_place *place = &new->place;

    return opening_show(place->sets[0], place->sets[1], place->tag | new->stamp << TAG_SHIFT, key, new->way);
}

#endif
