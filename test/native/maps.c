/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Maps in memory that answer as the kernel's do. What is deleted is freed at once: a later use is an error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "judge-frame.h"

enum { LENGTH_BYTES = 4 /* of a trie key's prefixlen, which stands first */ };

/* The value is a block of its own: a byte beside it is nobody's. */
struct native_entry {
    struct native_entry *next;
    __u64 used;
    void *value;
    __u8 key[];
};

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

static void *make_block(size_t count, size_t size) {
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

/* Session tables are many and mostly hold little: each is walked at every program's end. */
static __u32 bucket_count(const struct native_map *map) {
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

static void unlink_entry(struct native_map *map, struct native_entry **link) {
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

static int insert_entry(struct native_map *map, const __u8 *key, const void *value) {
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

/* ---- session tables ---- */

static struct native_map *const session_tables[TABLES_MAX] = {
    [TABLE_OPENING] = &rw_opening,
    [TABLE_ANSWERED] = &rw_answered,
    [TABLE_ESTABLISHED] = &rw_established,
};

struct native_map *native_table(__u32 table, __u32 number) {
    return native_inner(session_tables[table], &number);
}

/* The way whose word it is, and the table that it stands in. */
static struct opening_entry *entry_of(const __u64 *owner, struct native_map **table) {
    for (__u32 number = 0; number < INTERFACES_MAX; number++) {
        *table = rw_opening.elements ? rw_opening.elements[number] : NULL;
        for (__u32 n = 0; *table && n < (*table)->touched_count; n++) {
            struct opening_set *set = (*table)->elements[(*table)->touched[n]];

            if (owner >= set->owners && owner < set->owners + SET_WAYS)
                return &set->ways[owner - set->owners];
        }
    }
    return NULL;
}

/* Another CPU proves a session: it stands in the other table, and no more in the opening one. */
static void prove_elsewhere(__u64 *owner) {
    struct native_map *opening;
    struct opening_entry *entry = entry_of(owner, &opening);
    bool is_tcp = entry->key.protocol == PROTO_TCP;
    struct session proven = entry->session;

    native_note_proven(&entry->key);
    proven.state = is_tcp ? STATE_TCP_ESTABLISHED : STATE_UDP_REPLIED;
    insert_entry(native_table(is_tcp ? TABLE_ESTABLISHED : TABLE_ANSWERED, opening->number),
                 (const __u8 *)&entry->key, &proven);
    *owner &= 0xffff;
}

/* ---- what kernel.h names ---- */

/* What a look-up sees of an element that became another address's meanwhile: that one's echo and groups. */
static struct identity *recycled_identity(const struct identity *found) {
    static struct identity *other;

    free(other);
    other = make_block(1, sizeof(*other));
    *other = *found;
    other->echo = ~found->echo;
    other->before = other->after = found->after ? 0 : 1;
    return other;
}

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
        return recycled_identity(entry->value);
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

/* ---- words that other CPUs change ---- */

__u64 owner_read(const __u64 *owner) {
    return *(const volatile __u64 *)owner;
}

/* An insert fails when no try could claim a way. */
bool owner_claim(__u64 *owner, __u64 before, __u64 after) {
    static __u32 failures;

    if (native_faults.inserts && native_faults.error != EEXIST) {
        if (++failures == OPENING_TRIES) {
            failures = 0;
            native_faults.inserts--;
            native_faults.failed[TABLE_OPENING]++;
        }
        return false;
    }
    return __sync_bool_compare_and_swap(owner, before, after);
}

bool owner_swap(__u64 *owner, __u64 before, __u64 after) {
    return __sync_bool_compare_and_swap(owner, before, after);
}

__u64 owner_add(__u64 *owner, __u64 by) {
    if (by == 1 && native_faults.proven) {
        native_faults.proven--;
        prove_elsewhere(owner);
    }
    return __sync_fetch_and_add(owner, by);
}

__u64 owner_forget(__u64 *owner) {
    __u64 before = __sync_fetch_and_and(owner, 0xffff);

    if (!native_faults.deletes)
        return before;
    native_faults.deletes--;
    return before & 0xffff;
}

struct native_map *native_inner(struct native_map *map, const __u32 *index) {
    native_work.arrays++;
    return array_element(map, index);
}

/* ---- what only the program around it does ---- */

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
