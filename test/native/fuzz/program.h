/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A fuzzed program: bytes that are always one.
 *
 *   byte 0   which settings
 *   byte 1   size of the session tables
 *   then     operations, a byte each that says which (its low three bits), with their arguments:
 *
 *   0, 1   frame    flags, length (2, little endian), bytes
 *   2      advance  2, little endian: milliseconds (low 12 bits) times 1, 100, 1000, 10000 (the next two)
 *   3      change   to the next stage of the rules
 *   4      evict    which table, which entry
 *   5      fail     how many inserts of sessions (low four bits), errno (the others)
 *   6      recycle  how many look-ups of identities
 *   7      events   how many find no room (low four bits), how many deletions come too late (the others)
 *
 * A frame's flags: place of the interface (low three bits), 8 to the guest, 16 not ready, 32 removed, 64 an
 * aggregate of segments, 128 the uplink judges it first.
 */
#ifndef RINGWALL_FUZZ_PROGRAM_H
#define RINGWALL_FUZZ_PROGRAM_H

#include "judge-frame.h"

enum {
    PROGRAM_HEAD = 2,
    FRAME_MAX = 2048, /* bytes */
    FRAMES_MAX = 64,  /* a program's further frames are not judged */
};

enum operation {
    OP_FRAME = 0,
    OP_FRAME_TOO = 1,
    OP_ADVANCE = 2,
    OP_CHANGE = 3,
    OP_EVICT = 4,
    OP_FAIL = 5,
    OP_RECYCLE = 6,
    OP_EVENTS = 7,
    OP_MASK = 7,
};

enum frame_flag {
    FRAME_INTERFACE = 7,
    FRAME_INGRESS = 8,
    FRAME_NOT_READY = 16,
    FRAME_REMOVED = 32,
    FRAME_SEGMENTED = 64,
    FRAME_EARLY = 128,
};

/* One operation, as it lies in the program. */
struct step {
    __u32 operation;
    __u32 at, end; /* from its first byte to behind its last */
    const __u8 *argument;
    const __u8 *data; /* a frame's */
    __u32 size;
};

/* The next operation from `at` on; false where the program ends. */
bool program_step(const __u8 *program, __u32 size, __u32 at, struct step *step);

/* Answers of a run. */
struct answers {
    __u32 count;
    struct native_answer list[FRAMES_MAX];
    __u64 state; /* digest of sessions, counters and servers, without what counts bytes */
    __u64 bytes;
};

/* Runs it in all ways that must agree, and ends the process with a report where they do not. */
void program_check(const __u8 *program, __u32 size, struct answers *answers);
/* The same, but of the ways beside the first only one, which the bytes choose. Answers how many frames were
 * judged. */
__u32 program_check_quickly(const __u8 *program, __u32 size);

#endif
