/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The seam between the verdict and the kernel: maps, clock, events. Verdict code calls nothing else, so it
 * also compiles as a host program: with RINGWALL_NATIVE, native.h (test/native/) gives the same names other
 * bodies.
 *
 *   map_lookup(map, key)                pointer to the value, or NULL
 *   map_update(map, key, value, flags)  0, or a negative errno
 *   map_delete(map, key)
 *   map_inner(map, index)               a map in an array of maps, or NULL
 *   inner_lookup, inner_update, inner_delete: the same on what map_inner gave; inner_entries(map): its places
 *   owner_read(owner)                   a word that other CPUs change, read once
 *   owner_claim(owner, before, after)   swaps it, whole; false where it was another one. A new entry's
 *   owner_swap(owner, before, after)    the same, of one that is there
 *   owner_add(owner, by)                adds; what it was before
 *   owner_forget(owner)                 keeps the lowest 16 bits; what it was before
 *     (these four are full barriers)
 *   word_or(word, bits), word_and(word, bits): change 32 bits that other CPUs change, too
 *   kernel_jiffies(), kernel_jiffies64(), kernel_tai_seconds(), kernel_monotonic()
 *   event_reserve(), event_submit(event)
 *   kernel_frame_length(pieces): bytes of an XDP frame that may lie in pieces
 *   kernel_xdp_load, kernel_skb_load (ctx, offset, to, size): 0, or a negative errno
 *   kernel_move_meta(ctx, by): moves where a frame's metadata begins. 0, or a negative errno
 *   kernel_sum(from, size, sum): a 32-bit sum of whole words, or a negative errno
 *   kernel_redirect(ifindex), kernel_redirect_xdp(ifindex): the action that sends the frame there
 *   kernel_packet(packet): the packet as the value of its map that it is: before 6.3 no key of a look-up
 *     may lie behind an argument of a global function
 *   kernel_loop(count, step, context): calls `long step(__u32 n, void *context)` until it answers 1; the
 *     verifier walks a step once, where it would walk a loop's every turn
 */
#ifndef RINGWALL_KERNEL_H
#define RINGWALL_KERNEL_H

#ifdef RINGWALL_NATIVE
#include "native.h"
#else

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/errno.h>
#include <bpf/bpf_helpers.h>
#include "config.h"
#include "maps.h"

#define kernel_xdp_load(ctx, offset, to, size) bpf_xdp_load_bytes(ctx, offset, to, size)
#define kernel_skb_load(ctx, offset, to, size) bpf_skb_load_bytes(ctx, offset, to, size)
#define kernel_move_meta(ctx, by) bpf_xdp_adjust_meta(ctx, by)
#define kernel_sum(from, size, sum) bpf_csum_diff(NULL, 0, (void *)(from), size, sum)
#define kernel_redirect(ifindex) bpf_redirect(ifindex, 0)
#define kernel_redirect_xdp(ifindex) bpf_redirect_map(&rw_targets, ifindex, XDP_DROP)

#define kernel_loop(count, step, context) bpf_loop(count, step, context, 0)

#define global_function __attribute__((noinline))

#define map_lookup(map, key) bpf_map_lookup_elem(&map, key)
/* Before Linux 6.4 a map's own function is called, and answers with an int: the upper half of the register is
 * anything (commit d7ba4cc900bf, "bpf: return long from bpf_map_ops funcs"). */
#define map_update(map, key, value, flags) ((int)bpf_map_update_elem(&map, key, value, flags))
#define map_delete(map, key) ((int)bpf_map_delete_elem(&map, key))
#define map_inner(map, index) bpf_map_lookup_elem(&map, index)
#define inner_lookup(map, key) bpf_map_lookup_elem(map, key)
#define inner_update(map, key, value, flags) ((int)bpf_map_update_elem(map, key, value, flags))
#define inner_delete(map, key) ((int)bpf_map_delete_elem(map, key))

/* What is read of the kernel's own struct. */
struct bpf_map {
    __u32 max_entries;
} __attribute__((preserve_access_index));
#define inner_entries(map) (((const struct bpf_map *)(map))->max_entries)

#define owner_read(owner) (*(const volatile __u64 *)(owner))
#define owner_swap(owner, before, after) __sync_bool_compare_and_swap(owner, before, after)
#define owner_claim owner_swap

/* An operation whose answer nobody wants would be none that is a barrier on every machine. */
static __always_inline __u64 owner_add(__u64 *owner, __u64 by) {
    __u64 before = __sync_fetch_and_add(owner, by);

    asm volatile("" : "+r"(before));
    return before;
}

static __always_inline __u64 owner_forget(__u64 *owner) {
    __u64 before = __sync_fetch_and_and(owner, 0xffffULL);

    asm volatile("" : "+r"(before));
    return before;
}

#define word_or(word, bits) ((void)__sync_fetch_and_or(word, bits))
#define word_and(word, bits) ((void)__sync_fetch_and_and(word, bits))

/* The clock of replay and tests stands in a map; the verifier removes the branch where it is not chosen. */
static __always_inline const struct clock *kernel_test_clock(void) {
    __u32 zero = 0;

    return rw_test_clock ? map_lookup(rw_clock, &zero) : NULL;
}

/* Never 0 and never back at an earlier value, for what may be asked about after any time. */
static __always_inline __u64 kernel_jiffies64(void) {
    const struct clock *clock = kernel_test_clock();

    return clock ? clock->jiffies : bpf_jiffies64();
}

/* Low 32 bits: they wrap 300 s after every boot, so times are compared by subtraction. */
static __always_inline __u32 kernel_jiffies(void) {
    return (__u32)kernel_jiffies64();
}

static __always_inline __u64 kernel_tai_seconds(void) {
    const struct clock *clock = kernel_test_clock();

    return (clock ? clock->tai : bpf_ktime_get_tai_ns()) / 1000000000ULL;
}

static __always_inline __u64 kernel_monotonic(void) {
    return bpf_ktime_get_ns();
}

static __always_inline __u32 kernel_frame_length(struct xdp_md *pieces) {
    return bpf_xdp_get_buff_len(pieces);
}

/* `packet` is always this CPU's: nothing else is handed on. */
static __always_inline struct packet *kernel_packet(const struct packet *packet) {
    __u32 zero = 0;

    return packet ? map_lookup(rw_packet, &zero) : NULL;
}

static __always_inline struct event *event_reserve(void) {
    return bpf_ringbuf_reserve(&rw_events, sizeof(struct event), 0);
}

static __always_inline void event_submit(struct event *event) {
    bpf_ringbuf_submit(event, 0);
}

#endif
#endif
