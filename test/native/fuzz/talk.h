/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Frames that are made up by the thousand and judged at once, for whoever asks somebody else the same. */
#ifndef RINGWALL_FUZZ_TALK_H
#define RINGWALL_FUZZ_TALK_H

#include "make.h"

/* Nothing is remembered, the rules are the first stage's: before the first talk of a life. */
void talk_begin(__u32 choice, __u32 entries);
typedef void talk_tell(const struct made *made, const struct native_answer *answer);
/* So many frames of one interface and direction (their flags), at one time: new ones, and what may follow
 * those of the same life. None that a test run of tc refuses. */
void talk(__u64 seed, __u32 count, __u8 flags, __u64 milliseconds, talk_tell *tell);

#endif
