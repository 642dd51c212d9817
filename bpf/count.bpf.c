/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counts the sessions of a table where they lie, by a run for each table: a copy would be large, and an
 * iterator over its elements takes several times as long. No packet runs it.
 *
 * A walk takes no lock, so it is right where nothing enters the table meanwhile: an LRU reuses what it holds,
 * and sets hold nothing for who reads them (opening.h).
 */
#include <linux/bpf.h>
#include <linux/errno.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include "tables.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* A quarter of the way round of the 32 bits that `seen` has. */
enum { LONG_IDLE = 1 << 30 };
/* Another CPU's time may lie this little in the future. */
enum { SLACK = 1 << 20 };

static __always_inline void count_session(struct session_count *count, const struct session *session) {
    __u32 idle = count->now - session->seen;
    __u8 state = session->state;

    count->present++;
    /* One that was revoked stays so without a limit of time (session_is_over). */
    if (session->flags & SESSION_REVOKED && state >= STATE_TCP_OPENING && state <= STATE_TCP_CLOSING) {
        count->alive++;
        return;
    }
    if (idle >= LONG_IDLE && idle < -(__u32)SLACK) {
        count->ancient++;
        return;
    }
    if (idle >= -(__u32)SLACK)
        idle = 0;
    if (state < STATES_MAX && idle < count->timeouts[state])
        count->alive++;
}

static long count_entry(void *table, const void *key, const struct session *session,
                        struct session_count *count) {
    (void)table;
    (void)key;
    count_session(count, session);
    return 0;
}

static long count_set(void *table, const void *key, const struct opening_set *set,
                      struct session_count *count) {
    (void)table;
    (void)key;
    for (__u32 way = 0; way < SET_WAYS; way++)
        if (set->owners[way] >> TAG_SHIFT >= TAG_LEAST)
            count_session(count, &set->ways[way].session);
    return 0;
}

/* 0, or an errno; then nothing was counted. A callback is given no program's context, but what lies on the
 * stack. */
static __always_inline int count_table(struct session_count *asked, void *tables, void *callback) {
    struct session_count count = *asked;
    void *table = bpf_map_lookup_elem(tables, &count.number);
    int walked; /* whatever the helper's type says: kernel.h, map_update() */

    if (!table)
        return ENOENT;
    walked = bpf_for_each_map_elem(table, callback, &count, 0);
    if (walked < 0)
        return -walked;
    asked->present = count.present;
    asked->alive = count.alive;
    asked->ancient = count.ancient;
    return 0;
}

SEC("syscall")
int count_opening(struct session_count *asked) {
    return count_table(asked, &rw_opening, count_set);
}

SEC("syscall")
int count_answered(struct session_count *asked) {
    return count_table(asked, &rw_answered, count_entry);
}

SEC("syscall")
int count_established(struct session_count *asked) {
    return count_table(asked, &rw_established, count_entry);
}
