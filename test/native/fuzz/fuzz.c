/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The target of libFuzzer. The world is read from the file that RINGWALL_FUZZ_WORLD names. Programs are
 * changed operation by operation: frames that are made up, answers, fragments and errors of those that are
 * there, mistakes, whatever else may happen to a program in between.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "commands.h"
#include "make.h"
#include "program.h"

size_t LLVMFuzzerMutate(__u8 *data, size_t size, size_t room);
int LLVMFuzzerInitialize(int *count, char ***words);
int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);
size_t LLVMFuzzerCustomMutator(__u8 *data, size_t size, size_t room, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const __u8 *left, size_t left_size, const __u8 *right, size_t right_size,
                                 __u8 *out, size_t room, unsigned int seed);

static unsigned long long judged;

static void say_judged(void) {
    fprintf(stderr, "stat::frames_judged: %llu\n", judged);
}

int LLVMFuzzerInitialize(int *count, char ***words) {
    const char *path = getenv("RINGWALL_FUZZ_WORLD");
    FILE *file = path ? fopen(path, "r") : NULL;
    char *line = NULL;
    size_t room = 0;

    (void)count;
    (void)words;
    if (!file) {
        fprintf(stderr, "RINGWALL_FUZZ_WORLD names no file that can be read\n");
        exit(2);
    }
    while (getline(&line, &room, file) > 0)
        command_run(line);
    free(line);
    fclose(file);
    atexit(say_judged);
    return 0;
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size) {
    judged += program_check_quickly(data, size);
    return 0;
}

/* ---- a program as a list of operations ---- */

enum { STEPS_MAX = 128 };

struct edit {
    __u8 *data;
    size_t size, room;
    __u32 count;
    struct step steps[STEPS_MAX];
    struct chance chance;
};

static void read_steps(struct edit *edit) {
    __u32 at = PROGRAM_HEAD;

    for (edit->count = 0;
         edit->count < STEPS_MAX && program_step(edit->data, edit->size, at, &edit->steps[edit->count]);
         at = edit->steps[edit->count++].end)
        ;
}

/* Puts bytes in place of those from `at` to `end`. */
static void replace(struct edit *edit, size_t at, size_t end, const void *bytes, size_t size) {
    if (edit->size - (end - at) + size > edit->room)
        return;
    memmove(edit->data + at + size, edit->data + end, edit->size - end);
    memcpy(edit->data + at, bytes, size);
    edit->size = edit->size - (end - at) + size;
}

static void put_frame(struct edit *edit, size_t at, size_t end, const struct made *made) {
    static __u8 bytes[4 + FRAME_MAX];

    bytes[0] = OP_FRAME;
    bytes[1] = made->flags;
    bytes[2] = made->size;
    bytes[3] = made->size >> 8;
    memcpy(bytes + 4, made->bytes, made->size);
    replace(edit, at, end, bytes, 4 + made->size);
}

static void take_frame(const struct step *step, struct made *made) {
    made->flags = step->argument[0];
    made->size = step->size;
    memcpy(made->bytes, step->data, step->size);
}

/* Any operation, or NULL. */
static struct step *any_step(struct edit *edit) {
    return edit->count ? &edit->steps[chance_below(&edit->chance, edit->count)] : NULL;
}

static struct step *any_frame(struct edit *edit) {
    for (int attempt = 0; attempt < 8; attempt++) {
        struct step *step = any_step(edit);

        if (step && step->operation == OP_FRAME)
            return step;
    }
    return NULL;
}

static size_t any_place(struct edit *edit) {
    struct step *step = any_step(edit);

    return step ? (chance_one_in(&edit->chance, 2) ? step->at : step->end) : PROGRAM_HEAD;
}

/* ---- changes ---- */

/* A frame, and some of what may follow it. */
static void insert_talk(struct edit *edit) {
    struct chance *chance = &edit->chance;
    size_t at = chance_one_in(chance, 3) ? any_place(edit)
                : edit->count            ? edit->steps[edit->count - 1].end
                                         : PROGRAM_HEAD;
    static struct made made;

    make_frame(&made, chance);
    for (__u32 turns = 1 + chance_below(chance, 6); turns; turns--) {
        size_t before = edit->size;

        put_frame(edit, at, at, &made);
        at += edit->size - before;
        if (chance_one_in(chance, 3))
            make_next(&made, chance);
        else
            make_answer(&made, chance);
    }
}

/* What follows a frame that is there, somewhere behind it. */
static void insert_after(struct edit *edit) {
    struct step *step = any_frame(edit);
    static struct made made;
    bool fits = true;

    if (!step)
        return;
    take_frame(step, &made);
    switch (chance_below(&edit->chance, 5)) {
    case 0:
        fits = make_error(&made, &edit->chance);
        break;
    case 1:
        make_next(&made, &edit->chance);
        break;
    case 2:
        break;
    default:
        make_answer(&made, &edit->chance);
    }
    if (fits)
        put_frame(edit, step->end, step->end, &made);
}

/* A frame in two fragments, in order mostly. */
static void insert_fragments(struct edit *edit) {
    struct step *step = any_frame(edit);
    static struct made first, later;
    static const __u32 cuts[] = {8, 16, 24, 24, 32, 64};
    __u32 cut = cuts[chance_below(&edit->chance, 6)], size;

    if (!step)
        return;
    take_frame(step, &first);
    later = first;
    size = first.size > 54 + cut ? first.size - 54 - cut : 8;
    if (!make_fragment(&first, &edit->chance, 0, cut, true) ||
        !make_fragment(&later, &edit->chance, cut, size & ~7U, chance_one_in(&edit->chance, 3)))
        return;
    if (chance_one_in(&edit->chance, 4)) {
        put_frame(edit, step->end, step->end, &first);
        put_frame(edit, step->end, step->end, &later);
    } else {
        put_frame(edit, step->end, step->end, &later);
        put_frame(edit, step->end, step->end, &first);
    }
}

static void spoil_frame(struct edit *edit) {
    struct step *step = any_frame(edit);
    static struct made made;

    if (!step)
        return;
    take_frame(step, &made);
    make_wrong(&made, &edit->chance);
    put_frame(edit, step->at, step->end, &made);
}

static void turn_flag(struct edit *edit) {
    struct step *step = any_frame(edit);
    static const __u8 bits[] = {1,
                                2,
                                4,
                                1,
                                2,
                                4,
                                FRAME_INGRESS,
                                FRAME_EARLY,
                                FRAME_EARLY,
                                FRAME_SEGMENTED,
                                FRAME_NOT_READY,
                                FRAME_REMOVED};

    if (step)
        edit->data[step->at + 1] ^= bits[chance_below(&edit->chance, sizeof(bits))];
}

static void mutate_frame(struct edit *edit) {
    struct step *step = any_frame(edit);
    static struct made made;

    if (!step)
        return;
    take_frame(step, &made);
    made.size = LLVMFuzzerMutate(made.bytes, made.size, FRAME_MAX);
    put_frame(edit, step->at, step->end, &made);
}

static void insert_event(struct edit *edit) {
    static const __u8 sizes[] = {0, 0, 3, 1, 3, 2, 2, 2};
    __u32 operation = 2 + chance_below(&edit->chance, 6);
    __u8 bytes[3] = {operation, chance_below(&edit->chance, 256), chance_below(&edit->chance, 256)};
    size_t at = any_place(edit);

    replace(edit, at, at, bytes, sizes[operation]);
}

static void drop_step(struct edit *edit) {
    struct step *step = any_step(edit);

    if (step)
        replace(edit, step->at, step->end, "", 0);
}

static void repeat_step(struct edit *edit) {
    struct step *step = any_step(edit);
    static __u8 bytes[4 + FRAME_MAX];
    size_t at = any_place(edit), size;

    if (!step)
        return;
    size = step->end - step->at;
    memcpy(bytes, edit->data + step->at, size);
    replace(edit, at, at, bytes, size);
}

static void change_head(struct edit *edit) {
    edit->data[chance_below(&edit->chance, PROGRAM_HEAD)] = chance_below(&edit->chance, 4);
}

size_t LLVMFuzzerCustomMutator(__u8 *data, size_t size, size_t room, unsigned int seed) {
    static void (*const changes[])(struct edit *) = {
        insert_talk, insert_talk, insert_after, insert_after, insert_after, insert_fragments,
        spoil_frame, spoil_frame, turn_flag,    mutate_frame, insert_event, insert_event,
        drop_step,   drop_step,   repeat_step,  change_head,
    };
    static struct edit edit;

    if (room < PROGRAM_HEAD)
        return size;
    if (size < PROGRAM_HEAD) {
        memset(data, 0, PROGRAM_HEAD);
        size = PROGRAM_HEAD;
    }
    edit.data = data;
    edit.size = size;
    edit.room = room;
    edit.chance.state = seed * 0x9e3779b97f4a7c15ULL | 1;
    for (__u32 turns = 1 + chance_below(&edit.chance, 3); turns; turns--) {
        read_steps(&edit);
        changes[chance_below(&edit.chance, sizeof(changes) / sizeof(changes[0]))](&edit);
    }
    return edit.size;
}

/* The beginning of one program and the end of another, cut between operations. */
size_t LLVMFuzzerCustomCrossOver(const __u8 *left, size_t left_size, const __u8 *right, size_t right_size,
                                 __u8 *out, size_t room, unsigned int seed) {
    struct chance chance = {.state = seed * 0x9e3779b97f4a7c15ULL | 1};
    size_t cut = PROGRAM_HEAD, from = PROGRAM_HEAD;
    struct step step;

    if (left_size < PROGRAM_HEAD || right_size < PROGRAM_HEAD)
        return 0;
    while (program_step(left, left_size, cut, &step) && !chance_one_in(&chance, 6))
        cut = step.end;
    while (program_step(right, right_size, from, &step) && !chance_one_in(&chance, 6))
        from = step.end;
    if (cut + right_size - from > room)
        return 0;
    memcpy(out, left, cut);
    memcpy(out + cut, right + from, right_size - from);
    return cut + right_size - from;
}
