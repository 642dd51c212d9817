/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Frames that are made up, as stacks of layers that mostly fit together, from a seeded source of chance. Also
 * what is made of a frame that is there: its answer, its fragments, an error that quotes it.
 */
#ifndef RINGWALL_FUZZ_MAKE_H
#define RINGWALL_FUZZ_MAKE_H

#include "program.h"

/* xorshift64*; the seed is not zero. */
struct chance {
    __u64 state;
};

/* 0 up to, without, the bound. */
__u32 chance_below(struct chance *chance, __u32 bound);
static inline bool chance_one_in(struct chance *chance, __u32 bound) {
    return !chance_below(chance, bound);
}

struct made {
    __u32 size;
    __u8 flags; /* of the operation: interface and direction */
    __u8 bytes[FRAME_MAX];
};

/* Any frame. */
void make_frame(struct made *made, struct chance *chance);
/* The same, for an interface and direction. */
void make_frame_at(struct made *made, struct chance *chance, __u8 flags);
/* The frame's answer: ends, ports and direction exchanged, flags and numbers as TCP would answer. */
void make_answer(struct made *made, struct chance *chance);
/* Another frame of the same flow and direction: TCP goes on with its bytes. */
void make_next(struct made *made, struct chance *chance);
/* One of the frame's fragments; `more` frames of it follow at `offset` (bytes of the IP payload). False: it
 * has no IP header that could be fragmented. */
bool make_fragment(struct made *made, struct chance *chance, __u32 offset, __u32 bytes, bool more);
/* An ICMP error about the frame, from the other side or a router. False: it is no IP. */
bool make_error(struct made *made, struct chance *chance);
/* Changes a field, a length, a bit, or the end. */
void make_wrong(struct made *made, struct chance *chance);

#endif
