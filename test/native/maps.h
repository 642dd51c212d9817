/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What maps are made of, for the files around maps.c alone. */
#ifndef RINGWALL_NATIVE_MAPS_H
#define RINGWALL_NATIVE_MAPS_H

#include "native.h"

/* The value is a block of its own: a byte beside it is nobody's. */
struct native_entry {
    struct native_entry *next;
    __u64 used;
    void *value;
    __u8 key[];
};

/* Zeroed; ends the program where there is no memory. */
void *make_block(size_t count, size_t size);
/* Session tables are many and mostly hold little: each is walked at every program's end. */
__u32 bucket_count(const struct native_map *map);
/* Takes out and frees the entry that this link points to. */
void unlink_entry(struct native_map *map, struct native_entry **link);
/* 0, or -E2BIG; a full LRU lets go of another one. The key must not be there. */
int insert_entry(struct native_map *map, const __u8 *key, const void *value);

/* What a look-up sees of an element that became another address's meanwhile: that one's echo and groups. */
struct identity *native_recycled(const struct identity *found);

#endif
