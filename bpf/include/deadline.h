/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The seam between confirm.bpf.c and the kernel, as kernel.h is that of what judges: its maps, and a timer.
 *
 *   map_lookup(map, key)                pointer to the value, or NULL
 *   kernel_loop(count, step, context)   calls `long step(__u32 n, void *context)` until it answers 1
 *   kernel_boot()                       the boot clock, ns: it goes on while the host is suspended
 *   timer_init(timer), timer_aim(timer, callback), timer_start(timer, span)
 *                                       0, or a negative errno; `span` ns from now the callback is called
 * once
 */
#ifndef RINGWALL_DEADLINE_H
#define RINGWALL_DEADLINE_H

#ifdef RINGWALL_NATIVE
#include "native.h"
#else

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/errno.h>
#include <bpf/bpf_helpers.h>
#include "switched.h"

/* The pin of this map keeps the timer running when no process holds it any more. */
struct confirm_timer {
    struct bpf_timer timer;
};
MAP(rw_confirm_time, BPF_MAP_TYPE_ARRAY, __u32, struct confirm_timer, 1, 0);
MAP(rw_confirm, BPF_MAP_TYPE_ARRAY, __u32, __u64, CONFIRM_PLACES, BPF_F_MMAPABLE);
MAP(rw_confirm_list, BPF_MAP_TYPE_ARRAY, __u32, struct confirm_entry, CONFIRM_ENTRIES_MAX, 0);

enum { CLOCK_OF_BOOT = 7 };

#define map_lookup(map, key) bpf_map_lookup_elem(&map, key)
#define kernel_loop(count, step, context) bpf_loop(count, step, context, 0)
#define kernel_boot() bpf_ktime_get_boot_ns()
#define timer_init(it) bpf_timer_init(&(it)->timer, &rw_confirm_time, CLOCK_OF_BOOT)
#define timer_aim(it, callback) bpf_timer_set_callback(&(it)->timer, callback)
#define timer_start(it, span) bpf_timer_start(&(it)->timer, span, 0)

#endif
#endif
