/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs a program in ways that must agree, without asking an oracle:
 *
 *   plain       as the kernel takes it
 *   whole       the express way is closed: same answers, same sessions, same counters
 *   padded      what follows the packet in its frame says nothing
 *   beside      the outermost tag stands beside the bytes, as tc has it
 *   split       only some of the frame's first bytes lie together, the rest is loaded, as tc has it
 *   unrecycled  no look-up meets a recycled element: before answers differ, none was a drop only here
 *
 * Every way begins anew, so each is a replay to a fresh state, too.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "digest.h"
#include "program.h"
#include "world.h"

enum way { WAY_PLAIN, WAY_WHOLE, WAY_PADDED, WAY_BESIDE, WAY_SPLIT, WAY_UNRECYCLED, WAYS_MAX };
static const char *const way_names[] = {"plain", "whole", "padded", "beside", "split", "unrecycled"};

enum { PADDING = 23, HEADERS_COPIED = 768, ETHERNET_TYPE = 12, TAG_BYTES = 4 };
/* The place of the interface whose verdicts are traced; the others' are told by events. */
enum { TRACED = 0 };

/* A program on its way. */
struct run {
    const __u8 *program;
    __u32 size;
    enum way way;
    const struct answers *plain; /* what the first way answered */
    struct answers *answers;
    __u64 milliseconds;
    __u32 stage;
};

static __attribute__((noreturn, format(printf, 2, 3))) void fail(const struct run *run, const char *format,
                                                                 ...) {
    __builtin_va_list arguments;

    __builtin_va_start(arguments, format);
    fprintf(stderr, "%s way, frame %u: ", way_names[run->way], run->answers->count);
    vfprintf(stderr, format, arguments);
    __builtin_va_end(arguments);
    fprintf(stderr, "\nprogram ");
    for (__u32 n = 0; n < run->size; n++)
        fprintf(stderr, "%02x", run->program[n]);
    fprintf(stderr, "\n");
    abort();
}

/* ---- reading ---- */

static __u32 arguments_of(__u32 operation) {
    static const __u8 sizes[] = {3, 3, 2, 0, 2, 1, 1, 1};

    return sizes[operation];
}

bool program_step(const __u8 *program, __u32 size, __u32 at, struct step *step) {
    if (at >= size)
        return false;
    step->at = at;
    step->operation = program[at] & OP_MASK;
    step->argument = program + at + 1;
    step->end = at + 1 + arguments_of(step->operation);
    if (step->end > size)
        return false;
    if (step->operation > OP_FRAME_TOO)
        return true;
    step->operation = OP_FRAME;
    step->data = program + step->end;
    step->size = step->argument[1] | step->argument[2] << 8;
    if (step->size > FRAME_MAX)
        step->size = FRAME_MAX;
    if (step->size > size - step->end)
        step->size = size - step->end;
    step->end += step->size;
    return true;
}

/* ---- what every answer must be ---- */

static const __u32 accepting = 1U << REASON_RULE | 1U << REASON_SESSION | 1U << REASON_RELATED |
                               1U << REASON_INNER_ACCESS | 1U << REASON_DEFAULT_EGRESS | 1U << REASON_ARP |
                               1U << REASON_NEIGHBOUR_DISCOVERY | 1U << REASON_DHCP | 1U << REASON_NOT_READY |
                               1U << REASON_OBSERVED | 1U << REASON_ETHER_TYPE;
static const __u32 dropping =
    1U << REASON_RULE | 1U << REASON_NO_RULE | 1U << REASON_DEFAULT_DROP | 1U << REASON_SPOOFED_MAC |
    1U << REASON_SPOOFED_ADDRESS | 1U << REASON_OTHER_MAC | 1U << REASON_REDIRECT |
    1U << REASON_SOURCE_ROUTE | 1U << REASON_NEIGHBOUR_DISCOVERY | 1U << REASON_DHCP |
    1U << REASON_ROUTER_ADVERTISEMENT | 1U << REASON_MALFORMED | 1U << REASON_FRAGMENT |
    1U << REASON_UNSUPPORTED | 1U << REASON_TABLE_FULL | 1U << REASON_NOT_READY | 1U << REASON_REVOKED |
    1U << REASON_MIDSTREAM | 1U << REASON_RATE_LIMIT;

static void check_answer(const struct run *run, const struct native_answer *answer) {
    bool failed = native_faults.failed[TABLE_OPENING] && native_faults.error != EEXIST;

    if (answer->action != ACCEPT && answer->action != DROP)
        fail(run, "action %u", answer->action);
    if (answer->reason >= REASONS_MAX ||
        !((answer->action == ACCEPT ? accepting : dropping) >> answer->reason & 1))
        fail(run, "%s with reason %u", answer->action == ACCEPT ? "accept" : "drop", answer->reason);
    if (answer->session > SESSION_RELATED || (answer->action == DROP && answer->session))
        fail(run, "session %u of a verdict %u", answer->session, answer->action);
    if (failed != (answer->reason == REASON_TABLE_FULL))
        fail(run, "an insert %s, the reason is %u", failed ? "failed" : "did not fail", answer->reason);
}

/* ---- one way ---- */

/* Padding says nothing of a frame that was all there. */
static __u32 pad_frame(const struct run *run, __u8 *bytes, __u32 size) {
    __u32 reason = run->plain->list[run->answers->count].reason;

    if (reason == REASON_MALFORMED || reason == REASON_UNSUPPORTED)
        return size;
    memset(bytes + size, 0xa5, PADDING);
    return size + PADDING;
}

/* The rest of a frame whose outermost tag went beside it; headers further on than are copied stay there. */
static void take_tag(struct native_frame *frame, __u8 *bytes) {
    __u32 type = frame->size < ETHERNET_TYPE + 6 ? 0 : bytes[ETHERNET_TYPE] << 8 | bytes[ETHERNET_TYPE + 1];

    if ((type != 0x8100 && type != 0x88a8) || frame->size > HEADERS_COPIED)
        return;
    frame->tagged = true;
    frame->tag = (bytes[ETHERNET_TYPE + 2] << 8 | bytes[ETHERNET_TYPE + 3]) & 0x0fff;
    memmove(bytes + ETHERNET_TYPE, bytes + ETHERNET_TYPE + TAG_BYTES,
            frame->size - ETHERNET_TYPE - TAG_BYTES);
    frame->size -= TAG_BYTES;
}

static void set_clock(const struct run *run) {
    native_time.clock.jiffies = world.jiffies + run->milliseconds * world.hz / 1000;
    native_time.clock.tai = world.tai + run->milliseconds * 1000000;
    native_time.monotonic = native_time.clock.tai;
}

static void judge_early(const struct run *run, struct native_frame frame, struct native_answer *answer) {
    frame.early = true;
    native_judge(&frame, answer);
    if (answer->action == DROP)
        check_answer(run, answer);
    memset(native_faults.failed, 0, sizeof(native_faults.failed));
}

static void run_frame(struct run *run, const struct step *step) {
    __u8 bytes[FRAME_MAX + PADDING], flags = step->argument[0];
    bool steady = !native_faults.recycled;
    struct native_answer early = {}, *answer = &run->answers->list[run->answers->count];
    struct native_frame frame = {
        .data = bytes,
        .size = step->size,
        .direction = flags & FRAME_INGRESS ? INGRESS : EGRESS,
        .record = world.records[run->stage][(flags & FRAME_INTERFACE) % world.interfaces],
        .flags = (flags & FRAME_NOT_READY ? INTERFACE_NOT_READY : 0) |
                 (flags & FRAME_REMOVED ? INTERFACE_REMOVED : 0) |
                 ((flags & FRAME_INTERFACE) % world.interfaces == TRACED ? INTERFACE_TRACE : 0),
        .no_express = run->way == WAY_WHOLE,
        .segmented = flags & FRAME_SEGMENTED,
    };

    memcpy(bytes, step->data, step->size);
    /* A removed interface drops before it is asked whether all of the frame was there. */
    if (run->way == WAY_PADDED && !frame.segmented && !(flags & FRAME_REMOVED))
        frame.size = pad_frame(run, bytes, frame.size);
    if (run->way == WAY_BESIDE)
        take_tag(&frame, bytes);
    if (run->way == WAY_SPLIT)
        frame.hidden = digest(run->answers->count, bytes, frame.size) % (frame.size + 1);
    set_clock(run);
    memset(native_faults.failed, 0, sizeof(native_faults.failed));
    if (flags & FRAME_EARLY && flags & FRAME_INGRESS)
        judge_early(run, frame, &early);
    native_judge(&frame, answer);
    check_answer(run, answer);
    if (steady && early.action == DROP && answer->action != DROP)
        fail(run, "dropped early for reason %u, accepted at the device for %u", early.reason, answer->reason);
    run->answers->count++;
}

static void run_step(struct run *run, const struct step *step) {
    static const int errors[] = {EBUSY, E2BIG, ENOMEM, EEXIST};
    static const __u32 scales[] = {1, 100, 1000, 10000};
    const __u8 *argument = step->argument;

    switch (step->operation) {
    case OP_FRAME:
        if (run->answers->count < FRAMES_MAX)
            run_frame(run, step);
        break;
    case OP_ADVANCE:
        run->milliseconds +=
            (__u64)((argument[0] | argument[1] << 8) & 0x0fff) * scales[argument[1] >> 4 & 3];
        break;
    case OP_CHANGE:
        if (run->stage + 1 < world.stages)
            world_switch(++run->stage);
        break;
    case OP_EVICT:
        native_evict(native_table(argument[0] % TABLES_MAX,
                                  world.numbers[argument[0] / TABLES_MAX % world.interfaces]),
                     argument[1]);
        break;
    case OP_FAIL:
        native_faults.inserts = argument[0] & 15;
        native_faults.error = errors[argument[0] >> 4 & 3];
        break;
    case OP_RECYCLE:
        native_faults.recycled = run->way == WAY_UNRECYCLED ? 0 : argument[0];
        break;
    case OP_EVENTS:
        native_faults.events = argument[0] & 15;
        native_faults.deletes = argument[0] >> 4;
        break;
    }
}

static void run_way(struct run *run) {
    static const __u32 sizes[] = {4096, 4096, 3, 1};
    __u8 head[PROGRAM_HEAD] = {};
    struct step step;

    memcpy(head, run->program, run->size < PROGRAM_HEAD ? run->size : PROGRAM_HEAD);
    world_begin(head[0], sizes[head[1] & 3]);
    run->answers->count = 0;
    for (__u32 at = PROGRAM_HEAD; program_step(run->program, run->size, at, &step); at = step.end)
        run_step(run, &step);
    digest_state(run->answers);
}

/* ---- all ways ---- */

static bool is_same(const struct native_answer *left, const struct native_answer *right) {
    return left->action == right->action && left->reason == right->reason &&
           left->session == right->session && left->rule == right->rule &&
           left->rule_side == right->rule_side && left->version == right->version;
}

static void compare(struct run *run) {
    struct answers *answers = run->answers;
    const struct answers *plain = run->plain;
    __u32 count = answers->count;

    for (answers->count = 0; answers->count < count; answers->count++) {
        const struct native_answer *left = &plain->list[answers->count],
                                   *right = &answers->list[answers->count];

        if (is_same(left, right))
            continue;
        if (run->way == WAY_UNRECYCLED && (left->action == DROP || right->action == ACCEPT))
            return;
        fail(run, "action %u reason %u session %u rule %u, plainly %u %u %u %u", right->action, right->reason,
             right->session, right->rule, left->action, left->reason, left->session, left->rule);
    }
    if (run->way == WAY_UNRECYCLED)
        return;
    if (answers->state != plain->state)
        fail(run, "sessions, counters or servers differ");
    if (run->way == WAY_WHOLE && answers->bytes != plain->bytes)
        fail(run, "bytes of sessions or counters differ");
}

static void run_other(const __u8 *program, __u32 size, enum way way, const struct answers *plain) {
    static struct answers answers;
    struct run run = {.program = program, .size = size, .way = way, .plain = plain, .answers = &answers};

    run_way(&run);
    compare(&run);
}

void program_check(const __u8 *program, __u32 size, struct answers *answers) {
    struct run run = {.program = program, .size = size, .answers = answers};

    run_way(&run);
    for (enum way way = WAY_WHOLE; way < WAYS_MAX; way++)
        run_other(program, size, way, answers);
}

__u32 program_check_quickly(const __u8 *program, __u32 size) {
    static struct answers answers;
    struct run run = {.program = program, .size = size, .answers = &answers};

    run_way(&run);
    run_other(program, size, WAY_WHOLE + digest(0, program, size) % (WAYS_MAX - WAY_WHOLE), &answers);
    return 2 * answers.count;
}
