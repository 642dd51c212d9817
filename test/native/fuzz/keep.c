/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Chooses programs to keep. Commands on stdin as for main.c, but "keep BYTES" runs a program and answers 1
 * where it went a way through the verdict that none before it went, else 0. Built with
 * -fsanitize-coverage=trace-pc-guard.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "commands.h"
#include "program.h"

void __sanitizer_cov_trace_pc_guard_init(__u32 *from, __u32 *to);
void __sanitizer_cov_trace_pc_guard(__u32 *guard);

enum { EDGES_MAX = 1 << 16 };

static __u8 seen[EDGES_MAX];
static __u32 edges;
static bool is_new;

void __sanitizer_cov_trace_pc_guard_init(__u32 *from, __u32 *to) {
    for (; from < to && !*from; from++)
        *from = ++edges;
}

void __sanitizer_cov_trace_pc_guard(__u32 *guard) {
    if (*guard >= EDGES_MAX || seen[*guard])
        return;
    seen[*guard] = 1;
    is_new = true;
}

static void keep(const char *hex) {
    static struct answers answers;
    static __u8 program[1 << 16];
    __u32 size = 0;
    unsigned int byte;

    for (; size < sizeof(program) && sscanf(hex + 2 * size, "%2x", &byte) == 1; size++)
        program[size] = byte;
    is_new = false;
    program_check(program, size, &answers);
    puts(is_new ? "1" : "0");
}

int main(void) {
    char *line = NULL;
    size_t room = 0;

    while (getline(&line, &room, stdin) > 0) {
        if (!strncmp(line, "keep ", 5))
            keep(line + 5);
        else
            command_run(line);
    }
    free(line);
    return 0;
}
