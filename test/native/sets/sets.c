/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The opening table under two CPUs, and under many threads.
 *
 *   sets steps STRIDE   each pair of operations, one CPU stopped before each of its steps, the other before
 *                       each of its own, then the first to its end, then the other: every STRIDE-th order
 *   sets hammer SEED    threads at two sets and at eight, so many operations each
 *
 * After each order, and while an entry is held: whoever finds a session finds one of its own key, whole; no
 * key stands twice; nobody holds and nobody writes any more; what was inserted and not taken out is there.
 * Ends with 1, saying what was wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sets.h"

int main(int count, char **words) {
    if (count > 2 && !strcmp(words[1], "hammer")) {
        __u64 seed = strtoull(words[2], NULL, 10);

        run_hammer(seed, 2);
        run_hammer(seed, SETS_MAX);
        return 0;
    }
    if (count < 3 || strcmp(words[1], "steps") || !strtoul(words[2], NULL, 10))
        fail("steps STRIDE, or hammer SEED");
    run_gaps();
    run_ages();
    printf("%llu orders\n", run_steps(strtoul(words[2], NULL, 10)));
    return 0;
}
