/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A change that goes back by itself. The agent loads this object when a change is to be confirmed, and pins
 * its maps; no packet runs it.
 *
 *   confirm_begin   starts the timer, then switches every word of rw_confirm_list to `after`, in one run: a
 *                   kill of the agent finds the whole change in force, or nothing of it
 *   confirm_expire  the timer's: puts `before` back, whether or not an agent is there
 *   confirm_keep, confirm_undo   decide earlier
 *
 * One word decides (CONFIRM_STATE): whoever takes it from WAITING does the rest, the others only learn of it.
 * Going back takes the order of a change in reverse (slots, then devices), so that no packet sees a mixture
 * that the change itself does not pass through. The old generations come back with the old words; identities
 * of the change are of a later one, so the old policies see what was before.
 */
#include "deadline.h"

char _license[] SEC("license") = "Dual BSD/GPL";

static __always_inline __u64 *confirm_word(__u32 place) {
    return map_lookup(rw_confirm, &place);
}

static __always_inline void store_word(void *where, __u64 word) {
    *(volatile __u64 *)where = word;
}

static __always_inline void switch_slot(__u32 slot, __u64 word) {
    struct slot *live = map_lookup(rw_slots, &slot);

    if (live)
        store_word(live, word);
}

/* A device that is gone has no word any more, and gets none. */
static __always_inline void switch_device(__u32 ifindex, __u64 record) {
    __u32 near = ifindex & (DEVICES_NEAR - 1);
    struct device *device = map_lookup(rw_devices, &near);

    /* unreachable: the verifier asks of every look-up */
    if (!device)
        return;
    if (device->ifindex != ifindex)
        device = map_lookup(rw_devices_far, &ifindex);
    if (device)
        store_word(device, record << 32 | ifindex);
}

struct confirm_pass {
    __u32 kind;
    __u32 back; /* to `before`; 0: to `after` */
};

static long confirm_step(__u32 n, void *context) {
    const struct confirm_pass *pass = context;
    struct confirm_entry *entry = map_lookup(rw_confirm_list, &n);
    struct identity *identity;
    __u64 word;

    if (!entry)
        return 1;
    if (entry->kind != pass->kind)
        return 0;
    word = pass->back ? entry->before : entry->after;
    switch (entry->kind) {
    case CONFIRM_SLOT:
        switch_slot(entry->index, word);
        break;
    case CONFIRM_DEVICE:
        switch_device(entry->index, word);
        break;
    default: /* CONFIRM_IDENTITY */
        identity = map_lookup(rw_identities, &entry->identity);
        if (identity)
            *(volatile __u32 *)&identity->flags = word;
        break;
    }
    return 0;
}

static __always_inline void confirm_walk(__u32 kind, bool back) {
    struct confirm_pass pass = {.kind = kind, .back = back};
    __u64 *count = confirm_word(CONFIRM_COUNT);

    /* unreachable: the verifier asks of every look-up */
    if (count)
        kernel_loop(*(volatile __u64 *)count, confirm_step, &pass);
}

static __always_inline void confirm_go_back(__u64 *state) {
    confirm_walk(CONFIRM_SLOT, true);
    confirm_walk(CONFIRM_DEVICE, true);
    confirm_walk(CONFIRM_IDENTITY, true);
    store_word(state, CONFIRM_REVERTED);
}

/* True for the one caller that ends the wait. */
static __always_inline bool confirm_decide(__u64 *state, __u64 decision) {
    return __sync_val_compare_and_swap(state, CONFIRM_WAITING, decision) == CONFIRM_WAITING;
}

static int confirm_expire(void *map, __u32 *key, struct confirm_timer *timer) {
    __u64 *state = confirm_word(CONFIRM_STATE);

    (void)map;
    (void)key;
    (void)timer;
    /* unreachable: the verifier asks of every look-up */
    if (!state)
        return 0;
    if (confirm_decide(state, CONFIRM_REVERTING))
        confirm_go_back(state);
    return 0;
}

/* 0, or an errno; then nothing was switched. */
SEC("xdp")
int confirm_begin(struct xdp_md *ctx) {
    __u32 zero = 0;
    struct confirm_timer *timer = map_lookup(rw_confirm_time, &zero);
    __u64 *state = confirm_word(CONFIRM_STATE), *span = confirm_word(CONFIRM_SPAN);
    __u64 *deadline = confirm_word(CONFIRM_DEADLINE);
    long error;

    (void)ctx;
    /* unreachable: the verifier asks of every look-up */
    if (!timer || !state || !span || !deadline)
        return ENOENT;
    error = timer_init(timer);
    if (!error)
        error = timer_aim(timer, confirm_expire);
    if (error)
        return -error;
    if (__sync_val_compare_and_swap(state, CONFIRM_NONE, CONFIRM_WAITING) != CONFIRM_NONE)
        return EBUSY;
    store_word(deadline, kernel_boot() + *span);
    error = timer_start(timer, *span);
    if (error) {
        store_word(state, CONFIRM_NONE);
        return -error;
    }
    /* Records first, slots second, as any change. */
    confirm_walk(CONFIRM_DEVICE, false);
    confirm_walk(CONFIRM_SLOT, false);
    return 0;
}

SEC("xdp")
int confirm_keep(struct xdp_md *ctx) {
    __u64 *state = confirm_word(CONFIRM_STATE);

    (void)ctx;
    /* unreachable: the verifier asks of every look-up */
    if (state)
        confirm_decide(state, CONFIRM_KEPT);
    return 0;
}

SEC("xdp")
int confirm_undo(struct xdp_md *ctx) {
    __u64 *state = confirm_word(CONFIRM_STATE);

    (void)ctx;
    /* unreachable: the verifier asks of every look-up */
    if (!state)
        return 0;
    if (confirm_decide(state, CONFIRM_REVERTING))
        confirm_go_back(state);
    return 0;
}
