/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The session tables of each interface, by its number: what judges fills them, count.bpf.c counts them. */
#ifndef RINGWALL_TABLES_H
#define RINGWALL_TABLES_H

#include "layout.h"

/* By size: the types behind an inner map's pointers do not reach the object's BTF. */
struct session_map {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, SESSION_TABLE_MIN);
    __uint(key_size, sizeof(struct session_key));
    __uint(value_size, sizeof(struct session));
};

/* So that tables of any size may stand in the array of them; the agent writes words of it in place. */
struct opening_map {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, SESSION_TABLE_MIN / SET_WAYS);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(struct opening_set));
    __uint(map_flags, BPF_F_INNER_MAP | BPF_F_MMAPABLE);
};

#define SESSION_MAPS(name, kind)                                                                             \
    struct {                                                                                                 \
        __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);                                                            \
        __uint(max_entries, INTERFACES_MAX);                                                                 \
        __type(key, __u32);                                                                                  \
        __array(values, struct kind);                                                                        \
    } name SEC(".maps")

SESSION_MAPS(rw_opening, opening_map);
SESSION_MAPS(rw_answered, session_map);
SESSION_MAPS(rw_established, session_map);

#endif
