/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include "digest.h"
#include "world.h"

__u64 digest(__u64 hash, const void *bytes, size_t size) {
    for (; size; size -= size < 8 ? size : 8, bytes = (const __u8 *)bytes + 8) {
        __u64 word = 0;

        memcpy(&word, bytes, size < 8 ? size : 8);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15;
        hash ^= hash >> 29;
    }
    return hash;
}

struct digests {
    __u64 state, bytes;
};

/* Sums, so that the order of entries says nothing. */
static void digest_session(const void *key, const void *value, void *context) {
    struct digests *digests = context;
    struct session session = *(const struct session *)value;
    __u64 hash = digest(0xcbf29ce484222325, key, sizeof(struct session_key));

    digests->bytes += digest(hash, &session.bytes, sizeof(session.bytes));
    session.bytes = 0;
    digests->state += digest(hash, &session, sizeof(session));
}

/* Of a map whose values are `each` counters. */
static void digest_counters(struct digests *digests, const struct native_map *map, __u32 each) {
    for (__u32 n = 0; n < map->touched_count; n++) {
        const struct counter *counters = map->elements[map->touched[n]];

        for (__u32 place = 0; place < each; place++) {
            const struct counter *counter = &counters[place];
            __u32 index = map->touched[n] * each + place;
            __u64 bytes = counter->bytes & ~COUNTER_STRANGE;

            /* One that was asked for and not used. */
            if (!counter->packets)
                continue;
            digests->state += digest(index, &counter->packets, sizeof(counter->packets));
            digests->bytes += digest(index, &bytes, sizeof(bytes));
        }
    }
}

static __u64 events_digest;

static void digest_event(const struct event *event) {
    events_digest += digest(1, event, sizeof(*event));
}

void digest_state(struct answers *answers) {
    struct digests digests = {};

    for (__u32 place = 0; place < world.interfaces; place++) {
        __u32 number = world.numbers[place];

        for (__u32 table = 0; table < TABLES_MAX; table++)
            native_each(native_table(table, number), digest_session, &digests);
        digests.state += digest(number, native_lookup(&rw_dhcp, &number), sizeof(struct dhcp));
    }
    digest_counters(&digests, &rw_counters, COUNTERS_PER_INTERFACE);
    digest_counters(&digests, &rw_passed, 1);
    events_digest = 0;
    native_tell_events(digest_event);
    digests.bytes += events_digest;
    for (__u32 n = 0; n < LOST_MAX; n++)
        digests.state += digest(n, native_lookup(&rw_lost, &n), sizeof(__u64));
    answers->state = digests.state + digest(0, native_lookup(&rw_trace, &(__u32){0}), sizeof(struct trace));
    answers->bytes = digests.bytes;
}
