/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every map. Sizes of those that count interfaces are multiplied by the agent at load. */
#ifndef RINGWALL_MAPS_H
#define RINGWALL_MAPS_H

#include "scratch.h"
#include "switched.h"
#include "tables.h"

MAP(rw_settings, BPF_MAP_TYPE_ARRAY, __u32, struct settings, 1, 0);

MAP(rw_interfaces, BPF_MAP_TYPE_ARRAY, __u32, struct interface, INTERFACES_MAX *RECORDS_PER_INTERFACE, 0);
MAP(rw_owned, BPF_MAP_TYPE_LPM_TRIE, struct owned_key, __u32, OWNED_MAX, BPF_F_NO_PREALLOC);
MAP(rw_listed, BPF_MAP_TYPE_HASH, struct listed_key, __u32, OWNED_MAX, BPF_F_NO_PREALLOC);
MAP(rw_uplinks, BPF_MAP_TYPE_HASH, struct uplink_key, __u32, UPLINK_ADDRESSES_MAX, BPF_F_NO_PREALLOC);

MAP(rw_policies, BPF_MAP_TYPE_ARRAY, __u32, struct policy, POLICIES_MAX, 0);
MAP(rw_cells, BPF_MAP_TYPE_ARRAY, __u32, struct cell, CELLS_MAX, BPF_F_MMAPABLE);
MAP(rw_words, BPF_MAP_TYPE_ARRAY, __u32, __u64, WORDS_MAX, BPF_F_MMAPABLE);
MAP(rw_prefixes, BPF_MAP_TYPE_LPM_TRIE, struct prefix_key, struct bits, PREFIXES_MAX, BPF_F_NO_PREALLOC);
MAP(rw_group_bits, BPF_MAP_TYPE_HASH, struct group_key, struct bits, GROUP_BITS_MAX, BPF_F_NO_PREALLOC);

MAP(rw_hash, BPF_MAP_TYPE_ARRAY, __u32, struct hash_seeds, 1, 0);

/* One place: an update of it returns after a grace period, which is all that it is for. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 1);
    __type(key, __u32);
    __array(values, struct session_map);
} rw_grace SEC(".maps");

MAP(rw_rates, BPF_MAP_TYPE_ARRAY, __u32, struct rate, INTERFACES_MAX *RATES_PER_INTERFACE, 0);
MAP(rw_dhcp, BPF_MAP_TYPE_ARRAY, __u32, struct dhcp, INTERFACES_MAX, 0);
MAP(rw_counters, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct counters, INTERFACES_MAX, 0);
MAP(rw_passed, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct counter, INTERFACES_MAX * 2, 0);
MAP(rw_marks, BPF_MAP_TYPE_ARRAY, __u32, struct mark, DEVICES_NEAR, BPF_F_MMAPABLE);
MAP(rw_tables, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct table_counter, INTERFACES_MAX *TABLES_MAX, 0);
MAP(rw_headers, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct headers, 1, 0);
MAP(rw_packet, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct packet, 1, 0);
MAP(rw_bits, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct policy_bits, 1, 0);
MAP(rw_denied, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct denied, 1 + (1 << DENIED_BITS), 0);
MAP(rw_alive, BPF_MAP_TYPE_ARRAY, __u32, __u32, 1 << ALIVE_BITS, 0);
MAP(rw_proven, BPF_MAP_TYPE_ARRAY, __u32, struct proven, (1 << PROVEN_BITS) / PROVEN_LINE, 0);
MAP(rw_lost, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, LOST_MAX, 0);
MAP(rw_ports, BPF_MAP_TYPE_ARRAY, __u32, struct bridge_port, DEVICES_NEAR, BPF_F_MMAPABLE);
MAP(rw_direct, BPF_MAP_TYPE_HASH, struct direct_key, struct direct, DIRECT_MAX, BPF_F_NO_PREALLOC);
MAP(rw_targets, BPF_MAP_TYPE_DEVMAP_HASH, __u32, __u32, DIRECT_MAX, 0);
MAP(rw_learnt, BPF_MAP_TYPE_ARRAY, __u32, __u32, DEVICES_NEAR, 0);
MAP(rw_heard, BPF_MAP_TYPE_LRU_HASH, struct direct_key, __u32, HEARD_MAX, 0);
MAP(rw_trace, BPF_MAP_TYPE_ARRAY, __u32, struct trace, 1, 0);
MAP(rw_clock, BPF_MAP_TYPE_ARRAY, __u32, struct clock, 1, 0);

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, EVENTS_BYTES);
} rw_events SEC(".maps");

#endif
