/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps whose words decide what a packet meets: a change switches them, and a change that is not confirmed
 * is switched back in them (confirm.bpf.c). */
#ifndef RINGWALL_SWITCHED_H
#define RINGWALL_SWITCHED_H

#include "layout.h"

#define MAP(name, map_type, key_type, value_type, entries, flags)                                            \
    struct {                                                                                                 \
        __uint(type, map_type);                                                                              \
        __uint(max_entries, entries);                                                                        \
        __uint(map_flags, flags);                                                                            \
        __type(key, key_type);                                                                               \
        __type(value, value_type);                                                                           \
    } name SEC(".maps")

MAP(rw_devices, BPF_MAP_TYPE_ARRAY, __u32, struct device, DEVICES_NEAR, BPF_F_MMAPABLE);
MAP(rw_devices_far, BPF_MAP_TYPE_HASH, __u32, struct device, DEVICES_FAR, BPF_F_NO_PREALLOC);
MAP(rw_identities, BPF_MAP_TYPE_HASH, struct identity_key, struct identity, IDENTITIES_MAX,
    BPF_F_NO_PREALLOC);
MAP(rw_slots, BPF_MAP_TYPE_ARRAY, __u32, struct slot, SLOTS_MAX, BPF_F_MMAPABLE);

#endif
