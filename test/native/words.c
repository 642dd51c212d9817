/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "words.h"

void refuse(const char *what, const char *word) {
    fprintf(stderr, "%s: %s\n", what, word ? word : "nothing");
    exit(2);
}

char *next_word(void) {
    char *word = strtok(NULL, " \n");

    if (!word)
        refuse("the line ends too soon", NULL);
    return word;
}

__u64 next_number(void) {
    char *word = next_word(), *end;
    __u64 number = strtoull(word, &end, 10);

    if (*end)
        refuse("not a decimal number", word);
    return number;
}

__u32 next_place(__u32 room) {
    __u64 place = next_number();

    if (place >= room)
        refuse("a place beyond the last", NULL);
    return place;
}

static __u8 hex_digit(char digit) {
    const char *digits = "0123456789abcdef", *at = digit ? strchr(digits, digit) : NULL;

    if (!at)
        refuse("not lower-case hex of whole bytes", (char[]){digit, 0});
    return at - digits;
}

/* A heap block of exactly the bytes that the word says. */
__u8 *next_bytes(__u32 *size) {
    char *word = next_word();
    __u8 *bytes;

    if (!strcmp(word, "-"))
        *word = 0;
    *size = (strlen(word) + 1) / 2;
    bytes = malloc(*size);
    if (!bytes && *size)
        refuse("no memory for", word);
    for (__u32 n = 0; n < *size; n++)
        bytes[n] = hex_digit(word[2 * n]) << 4 | hex_digit(word[2 * n + 1]);
    return bytes;
}

/* Bytes of one size only. */
void next_block(void *to, __u32 wanted) {
    __u32 size;
    __u8 *bytes = next_bytes(&size);

    if (size != wanted)
        refuse("bytes of the wrong number", NULL);
    memcpy(to, bytes, size);
    free(bytes);
}

struct native_map *next_map(void) {
    char *word = next_word();
    struct native_map *map = native_find(word);

    if (!map || map->kind == NATIVE_MAPS)
        refuse("not a map that can be set", word);
    return map;
}

void print_bytes(const void *bytes, size_t size) {
    putchar(' ');
    for (size_t n = 0; n < size; n++)
        printf("%02x", ((const __u8 *)bytes)[n]);
}
