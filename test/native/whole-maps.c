/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is done to maps as a whole, by the program around the verdict: they are found, made, emptied and
 * listed. */
#include <stdlib.h>
#include <string.h>
#include "maps.h"

static struct native_map *const session_tables[TABLES_MAX] = {
    [TABLE_OPENING] = &rw_opening,
    [TABLE_ANSWERED] = &rw_answered,
    [TABLE_ESTABLISHED] = &rw_established,
};

struct native_map *native_table(__u32 table, __u32 number) {
    return native_inner(session_tables[table], &number);
}

struct native_map *native_find(const char *name) {
#define NATIVE_PLACE(map_name, kind, key, value, entries) &map_name,
    struct native_map *maps[] = {NATIVE_MAP_LIST(NATIVE_PLACE)};

    for (size_t n = 0; n < sizeof(maps) / sizeof(maps[0]); n++)
        if (!strcmp(maps[n]->name, name))
            return maps[n];
    return NULL;
}

void native_clear(struct native_map *map) {
    while (map->touched_count) {
        __u32 index = map->touched[--map->touched_count];

        memset(map->elements[index], 0, map->value_size);
        map->is_touched[index] = 0;
    }
    for (__u32 n = 0; map->count && n < bucket_count(map); n++)
        while (map->buckets[n])
            unlink_entry(map, &map->buckets[n]);
}

/* Numbers of no meaning, but always the same (splitmix64). */
static void seed_hash(void) {
    __u32 zero = 0;
    struct hash_seeds *seeds = native_lookup(&rw_hash, &zero);
    __u64 *words = &seeds->first;

    for (__u64 n = 0; !seeds->words[HASH_WORDS - 1] && n < sizeof(*seeds) / sizeof(*words); n++) {
        __u64 word = (n + 1) * 0x9e3779b97f4a7c15;

        word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
        word = (word ^ word >> 27) * 0x94d049bb133111eb;
        words[n] = word ^ word >> 31;
    }
}

static void forget_table(struct native_map *table) {
    native_clear(table);
    for (__u32 n = 0; table->elements && n < table->max_entries; n++)
        free(table->elements[n]);
    free(table->elements);
    free(table->is_touched);
    free(table->touched);
    free(table->buckets);
    free(table);
}

/* So many that hardly one is given up before there are as many entries, and two at least. */
static __u32 sets_of(__u32 entries) {
    __u32 sets = (entries * 5 / 4 + SET_WAYS - 1) / SET_WAYS;

    return sets < 2 ? 2 : sets;
}

void native_make_tables(__u32 number, __u32 entries) {
    seed_hash();
    for (int n = 0; n < TABLES_MAX; n++) {
        bool sets = n == TABLE_OPENING;
        struct native_map *table = native_table(n, number);

        if (table)
            forget_table(table);
        table = make_block(1, sizeof(*table));
        *table = (struct native_map){
            .name = session_tables[n]->name,
            .kind = sets ? NATIVE_ARRAY : NATIVE_LRU,
            .key_size = sets ? sizeof(__u32) : sizeof(struct session_key),
            .value_size = sets ? sizeof(struct opening_set) : sizeof(struct session),
            .max_entries = sets ? sets_of(entries) : entries,
            .table = n,
            .number = number,
        };
        session_tables[n]->elements[number] = table;
    }
}

static bool is_there(const struct opening_set *set, __u32 way) {
    return set->owners[way] >> TAG_SHIFT >= TAG_LEAST;
}

void native_each(struct native_map *map, native_visit *visit, void *context) {
    for (__u32 n = 0; n < map->touched_count; n++) {
        const struct opening_set *set = map->elements[map->touched[n]];

        for (__u32 way = 0; way < SET_WAYS; way++)
            if (is_there(set, way))
                visit(&set->ways[way].key, &set->ways[way].session, context);
    }
    for (__u32 n = 0; map->count && n < bucket_count(map); n++)
        for (struct native_entry *entry = map->buckets[n]; entry; entry = entry->next)
            visit(entry->key, entry->value, context);
}

void native_each_place(struct native_map *map, void (*visit)(__u32 index, void *value)) {
    for (__u32 n = 0; n < map->touched_count; n++)
        visit(map->touched[n], map->elements[map->touched[n]]);
}

static void count_entry(const void *key, const void *value, void *context) {
    (void)key;
    (void)value;
    ++*(__u32 *)context;
}

static void evict_of_sets(struct native_map *map, __u32 place) {
    __u32 count = 0;

    native_each(map, count_entry, &count);
    place = count ? place % count : 0;
    for (__u32 n = 0; n < map->touched_count; n++) {
        struct opening_set *set = map->elements[map->touched[n]];

        for (__u32 way = 0; way < SET_WAYS; way++)
            if (is_there(set, way) && !place--) {
                set->owners[way] = 0;
                return;
            }
    }
}

void native_evict(struct native_map *map, __u32 place) {
    if (map->kind == NATIVE_ARRAY)
        evict_of_sets(map, place);
    if (!map->count)
        return;
    place %= map->count;
    for (__u32 n = 0; n < bucket_count(map); n++)
        for (struct native_entry **link = &map->buckets[n]; *link; link = &(*link)->next)
            if (!place--) {
                unlink_entry(map, link);
                return;
            }
}
