/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What CPUs do with flows of the opening table, and what it holds when nobody is at it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "claim.h"
#include "sets.h"

/* ---- the maps that the header asks ---- */

struct opening_set sets[SETS_MAX];
static struct hash_seeds seeds;
struct native_map table;
struct native_map rw_hash, rw_opening;
struct native_time native_time;

void *native_lookup(struct native_map *map, const void *key) {
    __u32 index = *(const __u32 *)key;

    if (map == &rw_hash)
        return &seeds;
    return index < table.max_entries ? &sets[index] : NULL;
}

struct native_map *native_inner(struct native_map *map, const __u32 *index) {
    (void)map;
    (void)index;
    return &table;
}

__u64 mix(__u64 word) {
    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
    word = (word ^ word >> 27) * 0x94d049bb133111eb;
    return word ^ word >> 31;
}

void begin(__u32 count, bool alike) {
    memset(sets, 0, sizeof(sets));
    table.max_entries = count;
    seeds.first = mix(1);
    for (__u64 n = 0; n < HASH_WORDS; n++)
        seeds.words[n] = alike ? 0 : mix(n + 2);
}

/* ---- words that other CPUs change ---- */

__u64 owner_read(const __u64 *owner) {
    step();
    return __atomic_load_n(owner, __ATOMIC_RELAXED);
}

bool owner_claim(__u64 *owner, __u64 before, __u64 after) {
    step();
    return __sync_bool_compare_and_swap(owner, before, after);
}

bool owner_swap(__u64 *owner, __u64 before, __u64 after) {
    step();
    return __sync_bool_compare_and_swap(owner, before, after);
}

__u64 owner_add(__u64 *owner, __u64 by) {
    step();
    return __sync_fetch_and_add(owner, by);
}

__u64 owner_forget(__u64 *owner) {
    step();
    return __sync_fetch_and_and(owner, 0xffff);
}

/* ---- operations ---- */

__thread const char *doing_what = "nothing";
char order[128];

void fail(const char *format, ...) {
    va_list words;

    va_start(words, format);
    fprintf(stderr, "%s, %s: ", order, doing_what);
    vfprintf(stderr, format, words);
    fputc('\n', stderr);
    exit(1);
}

static struct session_key key_of(__u32 flow) {
    struct session_key key = {.protocol = 17, .local_port = flow, .remote_port = 53};

    key.local[15] = flow;
    key.remote[12] = flow * 7;
    return key;
}

/* Every word of a session says of which flow it is, and which one of that flow's. */
static void write_session(struct session *session, __u32 flow, __u32 serial, __u32 seen) {
    session->bytes = mix((__u64)flow << 32 | serial);
    session->known = flow;
    step();
    session->opened = serial;
    session->next[0] = session->base[1] = serial;
    session->seen = seen;
}

static void read_session(const struct session *session, __u32 flow) {
    struct session copy;

    copy.known = session->known;
    copy.opened = session->opened;
    step();
    copy.bytes = session->bytes;
    copy.next[0] = session->next[0];
    step();
    copy.base[1] = session->base[1];
    if (copy.known != flow)
        fail("found the session of flow %u at the key of flow %u", copy.known, flow);
    if (copy.bytes != mix((__u64)flow << 32 | copy.opened) || copy.next[0] != copy.opened ||
        copy.base[1] != copy.opened)
        fail("a session of flow %u is of two", flow);
}

void look(struct doing *doing, __u32 flow) {
    struct session_key key = key_of(flow);
    struct opening_held held;

    doing->found = opening_lookup(&held, 0, &key);
    if (doing->found)
        read_session(held.session, flow);
    opening_leave(&held);
}

void forget(struct doing *doing, __u32 flow) {
    struct session_key key = key_of(flow);
    struct opening_held held;

    doing->found = opening_lookup(&held, 0, &key);
    if (doing->found) {
        doing->removed += opening_forget(held.owner);
        read_session(held.session, flow);
    }
    opening_leave(&held);
}

/* In the units of a stamp too. */
static __u32 clock_now;
static __u32 serials;

static __u32 tick(void) {
    __u32 now = __atomic_add_fetch(&clock_now, 1, __ATOMIC_RELAXED);

    __atomic_store_n(&native_time.monotonic, (__u64)now << STAMP_UNIT, __ATOMIC_RELAXED);
    return now;
}

/* As a packet of a session that goes on does. */
void see(struct doing *doing, __u32 flow) {
    struct session_key key = key_of(flow);
    struct opening_held held;

    tick();
    doing->found = opening_lookup(&held, 0, &key);
    if (!doing->found)
        return;
    read_session(held.session, flow);
    opening_renew(held.owner);
}

/* In the place of the one that is there (renew), or where there is none. */
static void put(struct doing *doing, __u32 flow, bool renew) {
    struct session_key key = key_of(flow);
    __u32 now = tick();
    struct opening_held held;
    struct opening_new new;
    struct session *session;
    int result;

    doing->found = opening_lookup(&held, 0, &key);
    if (!doing->found || renew) {
        session = opening_place(&new.place, 0, &key) ? opening_begin(&new, &key) : NULL;
        if (session) {
            if (doing->found)
                doing->removed += opening_forget(held.owner);
            write_session(session, flow, __atomic_add_fetch(&serials, 1, __ATOMIC_RELAXED), now);
            result = opening_end(&new, &key);
            if (result == -EEXIST)
                doing->met++;
            else
                doing->inserted++;
            doing->removed += result > 0 ? result : 0;
        } else {
            doing->refused++;
        }
    }
    opening_leave(&held);
}

void open_flow(struct doing *doing, __u32 flow) {
    put(doing, flow, false);
}

void renew(struct doing *doing, __u32 flow) {
    put(doing, flow, true);
}

void flood(struct doing *doing, __u32 flow) {
    (void)flow;
    for (__u32 n = 0; n < OTHERS; n++)
        open_flow(doing, 1000 + n);
}

void open_other(struct doing *doing, __u32 flow) {
    open_flow(doing, flow + 500);
}

__u32 count_of(__u32 flow) {
    struct session_key key = key_of(flow);
    __u32 count = 0;

    for (__u32 set = 0; set < table.max_entries; set++)
        for (__u32 way = 0; way < SET_WAYS; way++)
            count += sets[set].owners[way] >> TAG_SHIFT >= TAG_LEAST &&
                     !memcmp(&sets[set].ways[way].key, &key, sizeof(key));
    return count;
}

__u32 count_all(void) {
    __u32 count = 0;

    for (__u32 set = 0; set < table.max_entries; set++)
        for (__u32 way = 0; way < SET_WAYS; way++) {
            __u64 owner = sets[set].owners[way];

            if (owner & HOLDERS || owner >> TAG_SHIFT == TAG_BUSY)
                fail("a way is left with the word %#llx", owner);
            if (!owner)
                continue;
            count++;
            read_session(&sets[set].ways[way].session, sets[set].ways[way].key.local_port);
            if (count_of(sets[set].ways[way].key.local_port) != 1)
                fail("flow %u stands %u times", sets[set].ways[way].key.local_port,
                     count_of(sets[set].ways[way].key.local_port));
        }
    return count;
}
