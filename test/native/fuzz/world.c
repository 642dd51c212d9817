/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stages of the world: a switch exchanges whole maps, so that it costs nothing. */
#include <stdlib.h>
#include <string.h>
#include "world.h"

struct world world;

/* What a change writes. */
static struct native_map *const written[] = {
    &rw_interfaces, &rw_owned, &rw_listed, &rw_identities, &rw_slots,
    &rw_policies,   &rw_cells, &rw_words,  &rw_prefixes,   &rw_group_bits,
};
enum { WRITTEN = sizeof(written) / sizeof(written[0]) };

/* What packets leave behind. */
static struct native_map *const left[] = {
    &rw_rates, &rw_dhcp, &rw_counters, &rw_passed, &rw_headers, &rw_packet,
    &rw_bits,  &rw_lost, &rw_trace,    &rw_alive,  &rw_proven,
};
enum { LEFT = sizeof(left) / sizeof(left[0]) };

static struct native_map stages[WORLD_STAGES][WRITTEN];
/* The stage that the maps hold. */
static __u32 present = WORLD_STAGES;

void world_keep_stage(__u32 place) {
    for (__u32 n = 0; n < WRITTEN; n++) {
        struct native_map *map = written[n];

        stages[place][n] = *map;
        map->count = map->touched_count = map->touched_room = 0;
        map->elements = NULL;
        map->is_touched = NULL;
        map->touched = NULL;
        map->buckets = NULL;
        map->lengths = NULL;
    }
    if (place >= world.stages)
        world.stages = place + 1;
    present = WORLD_STAGES;
}

void world_switch(__u32 stage) {
    for (__u32 n = 0; n < WRITTEN; n++) {
        if (present < WORLD_STAGES)
            stages[present][n] = *written[n];
        *written[n] = stages[stage][n];
    }
    present = stage;
}

void world_begin(__u32 choice, __u32 entries) {
    __u32 zero = 0;

    memset(&native_faults, 0, sizeof(native_faults));
    for (__u32 n = 0; n < LEFT; n++)
        native_clear(left[n]);
    for (__u32 n = 0; n < world.interfaces; n++)
        native_make_tables(world.numbers[n], entries);
    native_update(&rw_settings, &zero, &world.choices[choice % world.settings], BPF_ANY);
    world_switch(0);
}
