/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Many threads at one table. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include "sets.h"

enum {
    THREADS = 4,
    OPERATIONS = 40000, /* of each thread */
};

static __u64 hammer_seed;
static struct doing totals[THREADS];
bool yields;
static __thread __u64 random_state;

void give_turn(void) {
    if ((random_state = mix(random_state + 1)) % 4093 == 0)
        sched_yield();
}

static void *hammer(void *which) {
    static void (*const verbs[])(struct doing *, __u32) = {look, see, open_flow, open_flow, forget, renew};
    __u64 number = (__u64)which;

    random_state = mix(hammer_seed * THREADS + number);
    doing_what = "a thread";
    for (__u32 n = 0; n < OPERATIONS; n++) {
        random_state = mix(random_state + n);
        verbs[random_state % 6](&totals[number], 1 + (random_state >> 8) % OTHERS);
    }
    return NULL;
}

void run_hammer(__u64 seed, __u32 count) {
    pthread_t threads[THREADS];
    __u64 inserted = 0, removed = 0, met = 0;
    __u32 present;

    hammer_seed = seed;
    yields = true;
    snprintf(order, sizeof(order), "%u sets", count);
    begin(count, false);
    memset(totals, 0, sizeof(totals));
    for (__u64 n = 0; n < THREADS; n++)
        if (pthread_create(&threads[n], NULL, hammer, (void *)n))
            fail("no thread");
    for (__u32 n = 0; n < THREADS; n++) {
        pthread_join(threads[n], NULL);
        inserted += totals[n].inserted;
        removed += totals[n].removed;
        met += totals[n].met;
    }
    doing_what = "at the end";
    present = count_all();
    if (inserted < removed + present)
        fail("%llu inserted, %llu removed, %u there", inserted, removed, present);
    /* Eight sets have room for all of them: nothing is given up. */
    if (count == SETS_MAX && inserted != removed + present)
        fail("%llu inserted, %llu removed, %u there, and nothing had to go", inserted, removed, present);
    printf("%u sets: %llu inserted, %llu removed, %u there, %llu met another CPU\n", count, inserted, removed,
           present, met);
}
