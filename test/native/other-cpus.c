/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What other CPUs do to maps between two looks of this one: as native_faults says. */
#include <stdlib.h>
#include "judge-frame.h"
#include "maps.h"

struct identity *native_recycled(const struct identity *found) {
    static struct identity *other;

    free(other);
    other = make_block(1, sizeof(*other));
    *other = *found;
    other->echo = ~found->echo;
    other->before = other->after = found->after ? 0 : 1;
    return other;
}

/* The way whose word it is, and the table that it stands in. */
static struct opening_entry *entry_of(const __u64 *owner, struct native_map **table) {
    for (__u32 number = 0; number < INTERFACES_MAX; number++) {
        *table = rw_opening.elements ? rw_opening.elements[number] : NULL;
        for (__u32 n = 0; *table && n < (*table)->touched_count; n++) {
            struct opening_set *set = (*table)->elements[(*table)->touched[n]];

            if (owner >= set->owners && owner < set->owners + SET_WAYS)
                return &set->ways[owner - set->owners];
        }
    }
    return NULL;
}

/* Another CPU proves a session: it stands in the other table, and no more in the opening one. */
static void prove_elsewhere(__u64 *owner) {
    struct native_map *opening;
    struct opening_entry *entry = entry_of(owner, &opening);
    bool is_tcp = entry->key.protocol == PROTO_TCP;
    struct session proven = entry->session;

    native_note_proven(&entry->key);
    proven.state = is_tcp ? STATE_TCP_ESTABLISHED : STATE_UDP_REPLIED;
    insert_entry(native_table(is_tcp ? TABLE_ESTABLISHED : TABLE_ANSWERED, opening->number),
                 (const __u8 *)&entry->key, &proven);
    *owner &= 0xffff;
}

__u64 owner_read(const __u64 *owner) {
    return *(const volatile __u64 *)owner;
}

/* An insert fails when no try could claim a way. */
bool owner_claim(__u64 *owner, __u64 before, __u64 after) {
    static __u32 failures;

    if (native_faults.inserts && native_faults.error != EEXIST) {
        if (++failures == OPENING_TRIES) {
            failures = 0;
            native_faults.inserts--;
            native_faults.failed[TABLE_OPENING]++;
        }
        return false;
    }
    return __sync_bool_compare_and_swap(owner, before, after);
}

bool owner_swap(__u64 *owner, __u64 before, __u64 after) {
    return __sync_bool_compare_and_swap(owner, before, after);
}

/* No word but the one in which a session's flags are is changed so (flags.h). */
void word_or(__u32 *word, __u32 bits) {
    struct session *session = (void *)word - offsetof(struct session, state);

    if (native_faults.revokes) {
        native_faults.revokes--;
        session->flags |= SESSION_REVOKED;
    }
    __sync_fetch_and_or(word, bits);
}

__u64 owner_add(__u64 *owner, __u64 by) {
    if (by == 1 && native_faults.proven) {
        native_faults.proven--;
        prove_elsewhere(owner);
    }
    return __sync_fetch_and_add(owner, by);
}

__u64 owner_forget(__u64 *owner) {
    __u64 before = __sync_fetch_and_and(owner, 0xffff);

    if (!native_faults.deletes)
        return before;
    native_faults.deletes--;
    return before & 0xffff;
}
