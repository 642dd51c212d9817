/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The opening table in this process's memory, what is done to it, and what must be so then (sets.c). */
#ifndef RINGWALL_SETS_H
#define RINGWALL_SETS_H

#include "native.h"

enum {
    SETS_MAX = 8,
    OTHERS = 40, /* flows of a flood: more than two sets hold */
};

extern struct opening_set sets[SETS_MAX];
extern struct native_map table;

/* Empty, with so many sets. `alike`: every key has one hash, so one tag. */
void begin(__u32 count, bool alike);
__u64 mix(__u64 word);

/* Threads run, which give their turn away now and then; or one of two CPUs runs, whose steps count. */
extern bool yields, counts;
void give_turn(void);
void count_step(void);

/* Before each step that another CPU may come before: millions of them. */
static inline void step(void) {
    if (yields)
        give_turn();
    if (counts)
        count_step();
}

/* What one CPU did. */
struct doing {
    __u64 inserted, removed, refused, met; /* `met`: another CPU was first */
    bool found;                            /* by the last operation */
};

/* Says of which order and of what in it, and ends with 1. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
extern __thread const char *doing_what;
extern char order[128];

/* Each with one flow, as a packet of it would. */
void look(struct doing *doing, __u32 flow);
void forget(struct doing *doing, __u32 flow);
void see(struct doing *doing, __u32 flow);
void open_flow(struct doing *doing, __u32 flow);
void renew(struct doing *doing, __u32 flow);
void flood(struct doing *doing, __u32 flow);
void open_other(struct doing *doing, __u32 flow);

/* Entries of a flow, and of all; the latter fails where one is not whole, twice, held or written. */
__u32 count_of(__u32 flow);
__u32 count_all(void);

/* Every so many-th order of two CPUs; how many. And one CPU at full sets. */
__u64 run_steps(__u32 every);
void run_gaps(void);
void run_ages(void);

/* Threads at so many sets. */
void run_hammer(__u64 seed, __u32 count);

#endif
