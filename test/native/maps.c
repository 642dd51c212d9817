/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Maps in memory that answer as the kernel's do. What is deleted is freed at once: a later use is an error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "maps.h"

enum { LENGTH_BYTES = 4 /* of a trie key's prefixlen, which stands first */ };

#define NATIVE_DEFINE(map_name, map_kind, key, value, entries)                                               \
    struct native_map map_name = {                                                                           \
        .name = #map_name,                                                                                   \
        .kind = map_kind,                                                                                    \
        .key_size = sizeof(key),                                                                             \
        .value_size = sizeof(value),                                                                         \
        .max_entries = entries,                                                                              \
    };
NATIVE_MAP_LIST(NATIVE_DEFINE)

struct native_time native_time;
struct native_faults native_faults;
struct native_work native_work;

void *make_block(size_t count, size_t size) {
    void *block = calloc(count, size);

    if (!block) {
        fprintf(stderr, "no memory for %zu blocks of %zu bytes\n", count, size);
        abort();
    }
    return block;
}

/* ---- arrays ---- */

static bool is_array(const struct native_map *map) {
    return map->kind == NATIVE_ARRAY || map->kind == NATIVE_MAPS;
}

/* So that an array is cleared without a walk over all of it. */
static void note_touched(struct native_map *map, __u32 index) {
    map->is_touched[index] = 1;
    if (map->touched_count == map->touched_room) {
        map->touched_room = map->touched_room ? map->touched_room * 2 : 16;
        map->touched = realloc(map->touched, map->touched_room * sizeof(*map->touched));
        if (!map->touched)
            abort();
    }
    map->touched[map->touched_count++] = index;
}

static void *array_element(struct native_map *map, const void *key) {
    __u32 index;

    memcpy(&index, key, sizeof(index));
    if (index >= map->max_entries)
        return NULL;
    if (!map->elements) {
        map->elements = make_block(map->max_entries, sizeof(void *));
        map->is_touched = make_block(map->max_entries, 1);
    }
    if (map->kind == NATIVE_ARRAY && !map->is_touched[index]) {
        if (!map->elements[index])
            map->elements[index] = make_block(1, map->value_size);
        note_touched(map, index);
    }
    return map->elements[index];
}

/* ---- hashes ---- */

__u32 bucket_count(const struct native_map *map) {
    return map->kind == NATIVE_LRU ? 64 : 1024;
}

static __u32 hash_of(const struct native_map *map, const __u8 *key) {
    __u64 hash = map->key_size;
    __u32 word = 0;

    for (__u32 n = 0; n < map->key_size; n += sizeof(word)) {
        memcpy(&word, key + n, map->key_size - n < sizeof(word) ? map->key_size - n : sizeof(word));
        hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    }
    return (hash >> 32) % bucket_count(map);
}

/* The link that points to the key's entry, or to NULL. */
static struct native_entry **find_link(struct native_map *map, const __u8 *key) {
    struct native_entry **link;

    if (!map->buckets)
        map->buckets = make_block(bucket_count(map), sizeof(struct native_entry *));
    link = &map->buckets[hash_of(map, key)];
    while (*link && memcmp((*link)->key, key, map->key_size))
        link = &(*link)->next;
    return link;
}

static __u32 prefix_length(const __u8 *key) {
    __u32 length;

    memcpy(&length, key, sizeof(length));
    return length;
}

void unlink_entry(struct native_map *map, struct native_entry **link) {
    struct native_entry *entry = *link;

    *link = entry->next;
    map->count--;
    if (map->kind == NATIVE_LPM)
        map->lengths[prefix_length(entry->key)]--;
    free(entry->value);
    free(entry);
}

static void evict_oldest(struct native_map *map) {
    struct native_entry **oldest = NULL;

    for (__u32 n = 0; n < bucket_count(map); n++)
        for (struct native_entry **link = &map->buckets[n]; *link; link = &(*link)->next)
            if (!oldest || (*link)->used < (*oldest)->used)
                oldest = link;
    unlink_entry(map, oldest);
}

int insert_entry(struct native_map *map, const __u8 *key, const void *value) {
    struct native_entry **link = find_link(map, key);
    struct native_entry *entry;

    if (map->count >= map->max_entries) {
        if (map->kind != NATIVE_LRU)
            return -E2BIG;
        evict_oldest(map);
        link = find_link(map, key);
    }
    entry = make_block(1, sizeof(*entry) + map->key_size);
    entry->value = make_block(1, map->value_size);
    memcpy(entry->key, key, map->key_size);
    memcpy(entry->value, value, map->value_size);
    entry->used = ++map->turn;
    *link = entry;
    map->count++;
    if (map->kind == NATIVE_LPM)
        map->lengths[prefix_length(key)]++;
    return 0;
}

/* ---- tries: a hash of prefixes, asked from the longest length on ---- */

/* A key cut to `length` bits, the rest zero. */
static void cut_prefix(const struct native_map *map, const __u8 *key, __u32 length, __u8 *cut) {
    __u32 whole = length / 8, rest = length % 8;

    memset(cut, 0, map->key_size);
    memcpy(cut, &length, sizeof(length));
    memcpy(cut + LENGTH_BYTES, key + LENGTH_BYTES, whole);
    if (rest)
        cut[LENGTH_BYTES + whole] = key[LENGTH_BYTES + whole] & (0xff00 >> rest);
}

static __u32 longest_length(struct native_map *map) {
    __u32 bits = (map->key_size - LENGTH_BYTES) * 8;

    if (!map->lengths)
        map->lengths = make_block(bits + 1, sizeof(__u32));
    return bits;
}

static void *lookup_prefix(struct native_map *map, const __u8 *key) {
    __u32 length = prefix_length(key);
    __u8 cut[map->key_size];

    if (length > longest_length(map))
        return NULL;
    for (__s64 n = length; n >= 0; n--) {
        struct native_entry *entry;

        if (!map->lengths[n])
            continue;
        cut_prefix(map, key, n, cut);
        entry = *find_link(map, cut);
        if (entry)
            return entry->value;
    }
    return NULL;
}

/* The key under which an entry is kept. */
static bool stored_key(struct native_map *map, const __u8 *key, __u8 *stored) {
    if (map->kind != NATIVE_LPM) {
        memcpy(stored, key, map->key_size);
        return true;
    }
    if (prefix_length(key) > longest_length(map))
        return false;
    cut_prefix(map, key, prefix_length(key), stored);
    return true;
}

/* ---- what kernel.h names ---- */

void *native_lookup(struct native_map *map, const void *key) {
    struct native_entry *entry;

    if (is_array(map)) {
        native_work.arrays++;
        return array_element(map, key);
    }
    if (map->kind == NATIVE_LPM) {
        native_work.tries++;
        return lookup_prefix(map, key);
    }
    native_work.hashes++;
    entry = *find_link(map, key);
    if (!entry)
        return NULL;
    entry->used = ++map->turn;
    if (map == &rw_identities && native_faults.recycled) {
        native_faults.recycled--;
        return native_recycled(entry->value);
    }
    return entry->value;
}

int native_update(struct native_map *map, const void *key, const void *value, __u64 flags) {
    __u8 stored[map->key_size];
    struct native_entry *entry;

    native_work.updates++;
    if (is_array(map)) {
        void *element = array_element(map, key);

        if (!element)
            return -E2BIG;
        if (flags & BPF_NOEXIST)
            return -EEXIST;
        memcpy(element, value, map->value_size);
        return 0;
    }
    if (!stored_key(map, key, stored))
        return -EINVAL;
    entry = *find_link(map, stored);
    if (!entry) {
        if (map->kind == NATIVE_LRU && native_faults.inserts) {
            native_faults.inserts--;
            native_faults.failed[map->table]++;
            return -native_faults.error;
        }
        if (map->table != TABLE_OPENING)
            native_expect_seen(map->number, key);
        return insert_entry(map, stored, value);
    }
    if (flags & BPF_NOEXIST)
        return -EEXIST;
    memcpy(entry->value, value, map->value_size);
    return 0;
}

int native_delete(struct native_map *map, const void *key) {
    __u8 stored[map->key_size];
    struct native_entry **link;

    native_work.deletes++;
    if (is_array(map) || !stored_key(map, key, stored))
        return -EINVAL;
    link = find_link(map, stored);
    if (!*link)
        return -ENOENT;
    unlink_entry(map, link);
    if (map->kind == NATIVE_LRU && native_faults.deletes) {
        native_faults.deletes--;
        return -ENOENT;
    }
    return 0;
}

struct native_map *native_inner(struct native_map *map, const __u32 *index) {
    native_work.arrays++;
    return array_element(map, index);
}
