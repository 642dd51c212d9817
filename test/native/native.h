/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The other bodies of kernel.h's names: maps in this process's memory, a clock that main.c sets, events that
 * are kept until they are asked for. Every value is a heap block of exactly its size, and what lies around a
 * frame is guarded, so that the sanitizers see each byte that the verdict reads beside it.
 */
#ifndef RINGWALL_NATIVE_H
#define RINGWALL_NATIVE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/types.h>

#define SEC(name)

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#include "layout.h"
#include "scratch.h"

enum native_kind {
    NATIVE_ARRAY, /* a per-CPU array too: there is one CPU */
    NATIVE_HASH,
    NATIVE_LRU,  /* a full one lets go of what was looked up least recently */
    NATIVE_LPM,  /* the longest prefix that covers the key, none longer than the key's */
    NATIVE_MAPS, /* an array of session tables: arrays of sets, or LRU */
};

struct native_entry;

struct confirm_timer {
    struct bpf_timer timer;
};

struct native_map {
    const char *name;
    enum native_kind kind;
    __u32 key_size;
    __u32 value_size;
    __u32 max_entries;
    __u32 count;      /* entries of a hash */
    __u64 turn;       /* LRU: number of the last use */
    __u32 table;      /* of sessions: enum session_table */
    __u32 number;     /* of the interface whose table it is */
    void **elements;  /* arrays: a block each, made when first used */
    __u8 *is_touched; /* arrays: a byte for each place that may not be zero any more */
    __u32 *touched;   /* arrays: those places */
    __u32 touched_count, touched_room;
    struct native_entry **buckets; /* hashes */
    __u32 *lengths;                /* LPM: entries by length of prefix */
};

/* Every map that the verdict names: name, kind, key, value, entries. */
#define NATIVE_MAP_LIST(X)                                                                                   \
    X(rw_devices, NATIVE_ARRAY, __u32, struct device, DEVICES_NEAR)                                          \
    X(rw_devices_far, NATIVE_HASH, __u32, struct device, DEVICES_FAR)                                        \
    X(rw_marks, NATIVE_ARRAY, __u32, struct mark, DEVICES_NEAR)                                              \
    X(rw_uplinks, NATIVE_HASH, struct uplink_key, __u32, UPLINK_ADDRESSES_MAX)                               \
    X(rw_ports, NATIVE_ARRAY, __u32, struct bridge_port, DEVICES_NEAR)                                       \
    X(rw_direct, NATIVE_HASH, struct direct_key, struct direct, DIRECT_MAX)                                  \
    X(rw_targets, NATIVE_HASH, __u32, __u32, DIRECT_MAX)                                                     \
    X(rw_learnt, NATIVE_ARRAY, __u32, __u32, DEVICES_NEAR)                                                   \
    X(rw_heard, NATIVE_LRU, struct direct_key, __u32, HEARD_MAX)                                             \
    X(rw_confirm_time, NATIVE_ARRAY, __u32, struct confirm_timer, 1)                                         \
    X(rw_confirm, NATIVE_ARRAY, __u32, __u64, CONFIRM_PLACES)                                                \
    X(rw_confirm_list, NATIVE_ARRAY, __u32, struct confirm_entry, CONFIRM_ENTRIES_MAX)                       \
    X(rw_settings, NATIVE_ARRAY, __u32, struct settings, 1)                                                  \
    X(rw_interfaces, NATIVE_ARRAY, __u32, struct interface, INTERFACES_MAX *RECORDS_PER_INTERFACE)           \
    X(rw_owned, NATIVE_LPM, struct owned_key, __u32, OWNED_MAX)                                              \
    X(rw_listed, NATIVE_HASH, struct listed_key, __u32, OWNED_MAX)                                           \
    X(rw_identities, NATIVE_HASH, struct identity_key, struct identity, IDENTITIES_MAX)                      \
    X(rw_slots, NATIVE_ARRAY, __u32, struct slot, SLOTS_MAX)                                                 \
    X(rw_policies, NATIVE_ARRAY, __u32, struct policy, POLICIES_MAX)                                         \
    X(rw_cells, NATIVE_ARRAY, __u32, struct cell, CELLS_MAX)                                                 \
    X(rw_words, NATIVE_ARRAY, __u32, __u64, WORDS_MAX)                                                       \
    X(rw_prefixes, NATIVE_LPM, struct prefix_key, struct bits, PREFIXES_MAX)                                 \
    X(rw_group_bits, NATIVE_HASH, struct group_key, struct bits, GROUP_BITS_MAX)                             \
    X(rw_opening, NATIVE_MAPS, __u32, struct native_map, INTERFACES_MAX)                                     \
    X(rw_answered, NATIVE_MAPS, __u32, struct native_map, INTERFACES_MAX)                                    \
    X(rw_established, NATIVE_MAPS, __u32, struct native_map, INTERFACES_MAX)                                 \
    X(rw_hash, NATIVE_ARRAY, __u32, struct hash_seeds, 1)                                                    \
    X(rw_rates, NATIVE_ARRAY, __u32, struct rate, INTERFACES_MAX *RATES_PER_INTERFACE)                       \
    X(rw_dhcp, NATIVE_ARRAY, __u32, struct dhcp, INTERFACES_MAX)                                             \
    X(rw_counters, NATIVE_ARRAY, __u32, struct counters, INTERFACES_MAX)                                     \
    X(rw_passed, NATIVE_ARRAY, __u32, struct counter, INTERFACES_MAX * 2)                                    \
    X(rw_tables, NATIVE_ARRAY, __u32, struct table_counter, INTERFACES_MAX *TABLES_MAX)                      \
    X(rw_headers, NATIVE_ARRAY, __u32, struct headers, 1)                                                    \
    X(rw_packet, NATIVE_ARRAY, __u32, struct packet, 1)                                                      \
    X(rw_bits, NATIVE_ARRAY, __u32, struct policy_bits, 1)                                                   \
    X(rw_denied, NATIVE_ARRAY, __u32, struct denied, 1 + (1 << DENIED_BITS))                                 \
    X(rw_alive, NATIVE_ARRAY, __u32, __u32, 1 << ALIVE_BITS)                                                 \
    X(rw_proven, NATIVE_ARRAY, __u32, struct proven, (1 << PROVEN_BITS) / PROVEN_LINE)                       \
    X(rw_lost, NATIVE_ARRAY, __u32, __u64, LOST_MAX)                                                         \
    X(rw_trace, NATIVE_ARRAY, __u32, struct trace, 1)

#define NATIVE_DECLARE(name, kind, key, value, entries) extern struct native_map name;
NATIVE_MAP_LIST(NATIVE_DECLARE)
#undef NATIVE_DECLARE

/* The value, which stays where it is until it is deleted; or NULL. */
void *native_lookup(struct native_map *map, const void *key);
/* 0, -EEXIST (BPF_NOEXIST), or -E2BIG: full, or beyond an array's end. */
int native_update(struct native_map *map, const void *key, const void *value, __u64 flags);
/* 0, or -ENOENT. */
int native_delete(struct native_map *map, const void *key);
struct native_map *native_inner(struct native_map *map, const __u32 *index);

/* ---- for the program around the verdict ---- */

/* What the kernel may do to a program at any moment. Counts of what is to happen, but for `failed`. */
struct native_faults {
    __u32 inserts;  /* so many inserts of sessions fail, */
    int error;      /* with this errno */
    __u32 recycled; /* so many look-ups of identities find an element of another address */
    __u32 events;   /* so many events find no room */
    __u32 deletes;  /* so many sessions that are deleted were let go of just before, by another CPU */
    __u32 proven;   /* so many sessions of the opening table are proven just before they are held, by another
                       CPU */
    __u32 revokes;  /* so many flags are set just after another CPU has revoked the session */
    __u32 metas; /* bit n: of a program's moves of metadata the n-th is refused, as by a driver without it */
    __u32 loads; /* bit n: of its copies of the frame's bytes the n-th is refused */
    __u32 failed[TABLES_MAX]; /* inserts that failed so, by table */
};
extern struct native_faults native_faults;

/* What was asked of maps: look-ups by kind of map, and changes. Whoever reads it sets it to zero before. */
struct native_work {
    __u32 arrays; /* a look-up that programs need no call for */
    __u32 hashes;
    __u32 tries;
    __u32 updates;
    __u32 deletes;
};
extern struct native_work native_work;

struct native_map *native_find(const char *name);
/* Forgets all entries; an array's become zero. */
void native_clear(struct native_map *map);
/* The three session tables of an interface number, empty; seeds of their hash where there are none. */
void native_make_tables(__u32 number, __u32 entries);
/* Ends the program where another CPU, that looks for a session of the key as a packet does, would find none
 * at this moment: it is about to be put among the proven ones. Whoever looks into the opening table first,
 * then for its note (proven.h), then there, has to find one of them. */
void native_expect_seen(__u32 number, const struct session_key *key);
typedef void native_visit(const void *key, const void *value, void *context);
/* Every entry of a hash or of sets, in an order that depends on the keys and on when they came. */
void native_each(struct native_map *map, native_visit *visit, void *context);
/* Every place of an array that may not be zero, in the order in which they were first used. */
void native_each_place(struct native_map *map, void (*visit)(__u32 index, void *value));
/* The session tables of an interface number, by enum session_table; NULL: there are none. */
struct native_map *native_table(__u32 table, __u32 number);
/* Lets go of an entry of either: the place is counted in that order, modulo their number. */
void native_evict(struct native_map *map, __u32 place);

/* Tells each event since it was asked last (at most NATIVE_EVENTS) and forgets it. */
enum { NATIVE_EVENTS = 1000 };
void native_tell_events(void (*tell)(const struct event *event));

#define map_lookup(map, key) native_lookup(&map, key)
#define map_update(map, key, value, flags) native_update(&map, key, value, flags)
#define map_delete(map, key) native_delete(&map, key)
#define map_inner(map, index) native_inner(&map, index)
#define inner_lookup(map, key) native_lookup(map, key)
#define inner_update(map, key, value, flags) native_update(map, key, value, flags)
#define inner_delete(map, key) native_delete(map, key)
#define inner_entries(map) (((const struct native_map *)(map))->max_entries)
/* What other CPUs do just before is what native_faults says. */
__u64 owner_read(const __u64 *owner);
bool owner_claim(__u64 *owner, __u64 before, __u64 after);
bool owner_swap(__u64 *owner, __u64 before, __u64 after);
void word_or(__u32 *word, __u32 bits);
#define word_and(word, bits) ((void)__sync_fetch_and_and(word, bits))
__u64 owner_add(__u64 *owner, __u64 by);
__u64 owner_forget(__u64 *owner);

/* What the frame in hand is told the time is; `monotonic` is nanoseconds, `clock.tai` too. */
struct native_time {
    struct clock clock;
    __u64 monotonic;
};
extern struct native_time native_time;

static __always_inline __u64 kernel_jiffies64(void) {
    return native_time.clock.jiffies;
}

static __always_inline __u32 kernel_jiffies(void) {
    return (__u32)kernel_jiffies64();
}

static __always_inline __u64 kernel_tai_seconds(void) {
    return native_time.clock.tai / 1000000000ULL;
}

static __always_inline __u64 kernel_monotonic(void) {
    return native_time.monotonic;
}

/* The one timer that there is (confirm.c). */
typedef int native_callback(void *map, __u32 *key, struct confirm_timer *timer);
__u64 kernel_boot(void);
long timer_init(struct confirm_timer *timer);
long timer_aim(struct confirm_timer *timer, native_callback *callback);
long timer_start(struct confirm_timer *timer, __u64 span);

/* A block of its own, full of what was there before. */
struct event *event_reserve(void);
void event_submit(struct event *event);

/* What the kernel knows of the frame in hand, and does with it (lent.h). */
__u32 kernel_frame_length(struct xdp_md *pieces);
long kernel_xdp_load(struct xdp_md *ctx, __u32 offset, void *to, __u32 size);
long kernel_skb_load(const struct __sk_buff *ctx, __u32 offset, void *to, __u32 size);
long kernel_move_meta(struct xdp_md *ctx, int by);
__s64 kernel_sum(const __u8 *from, __u32 size, __u32 seed);
int kernel_redirect(__u32 ifindex);
int kernel_redirect_xdp(__u32 ifindex);

#define kernel_packet(packet) (packet)
#define kernel_loop(count, step, context) native_loop(count, step, context)

static inline void native_loop(__u32 count, long (*step)(__u32, void *), void *context) {
    for (__u32 n = 0; n < count; n++)
        if (step(n, context))
            return;
}

#define global_function __attribute__((noinline))

#endif
