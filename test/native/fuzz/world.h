/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a fuzzed program runs in: interfaces of one host, settings to choose from, and stages, which are the
 * maps as one change of rules after the other left them. world.ts writes them as commands:
 *
 *   clock HZ JIFFIES TAI           when programs begin
 *   settings PLACE VALUE           a choice
 *   interface PLACE NUMBER         an interface, by its place in programs
 *   stage PLACE RECORD...          what "set" wrote since the last one is this stage; each interface's record
 *   pool mac|ipv4|ipv6|port BYTES  what frames that are made up are made of
 *   program BYTES                  runs a program (program.h)
 *   begin SETTINGS ENTRIES         nothing is remembered, session tables have so many entries
 *   talk SEED COUNT PLACE DIRECTION MILLISECONDS
 *                                  makes frames up and judges them (talk.h): "made BYTES", then the verdict
 */
#ifndef RINGWALL_FUZZ_WORLD_H
#define RINGWALL_FUZZ_WORLD_H

#include "native.h"

enum { WORLD_INTERFACES = 8, WORLD_STAGES = 8, WORLD_SETTINGS = 8, WORLD_POOL = 32 };

/* Values of one size. */
struct pool {
    __u32 size;
    __u32 count;
    __u8 bytes[WORLD_POOL][16];
};

enum pool_kind { POOL_MAC, POOL_IPV4, POOL_IPV6, POOL_PORT, POOLS_MAX };

struct world {
    __u64 hz, jiffies, tai; /* jiffies a second; tai is nanoseconds */
    __u32 interfaces, stages, settings;
    __u32 numbers[WORLD_INTERFACES];
    __u32 records[WORLD_STAGES][WORLD_INTERFACES];
    struct settings choices[WORLD_SETTINGS];
    struct pool pools[POOLS_MAX];
};
extern struct world world;

/* Keeps what the maps hold as a stage, and empties them. */
void world_keep_stage(__u32 place);
/* The maps as of a stage, and no state of any packet: sessions, rates, servers, counters. */
void world_begin(__u32 choice, __u32 entries);
/* The maps as of a stage; state stays. */
void world_switch(__u32 stage);

#endif
