/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The words of a command's line (strtok has it), and words that are answered. What is not as it is asked for
 * ends the process: exit code 2. */
#ifndef RINGWALL_NATIVE_WORDS_H
#define RINGWALL_NATIVE_WORDS_H

#include "native.h"

__attribute__((noreturn)) void refuse(const char *what, const char *word);
char *next_word(void);
__u64 next_number(void);
/* A number below `room`. */
__u32 next_place(__u32 room);
/* A heap block of exactly the bytes that the word says. */
__u8 *next_bytes(__u32 *size);
/* Bytes of one size only. */
void next_block(void *to, __u32 wanted);
struct native_map *next_map(void);
void print_bytes(const void *bytes, size_t size);

#endif
