/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What Ringwall's programs are held against: the least that a stateful firewall could do. */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "headers.h"
#include "packet.h"
#include "address.h"
#include "switched.h"
#include "vary.h"
#include "key.h"

char _license[] SEC("license") = "Dual BSD/GPL";

enum { FLOOR_TABLES_MAX = 1024 };

/* Sized by the bench as Ringwall's own tables are. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 1024);
    __type(key, struct session_key);
    __type(value, struct session);
} floor_table SEC(".maps");

/* Where sessions are spread over as many tables as there are interfaces. */
struct floor_inner {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 1024);
    __type(key, struct session_key);
    __type(value, struct session);
};
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, FLOOR_TABLES_MAX);
    __type(key, __u32);
    __array(values, struct floor_inner);
} floor_tables SEC(".maps");

/* The least that a stateful firewall could do: parse, look up one session in an LRU table, write one
 * timestamp. */
SEC("xdp.frags")
int floor_pass(struct xdp_md *ctx) {
    struct session_key key = {};
    struct session *session;

    if (!parse_key((void *)(long)ctx->data, (void *)(long)ctx->data_end, &key))
        return XDP_DROP;
    session = bpf_map_lookup_elem(&floor_table, &key);
    if (!session)
        return XDP_DROP;
    session->seen = bpf_jiffies64();
    return XDP_PASS;
}

/* The same where sessions are spread over as many tables as there are interfaces. */
SEC("xdp.frags")
int floor_pass_spread(struct xdp_md *ctx) {
    struct session_key key = {};
    struct session *session;
    struct state *state;
    __u32 zero = 0;
    void *table;

    if (!parse_key((void *)(long)ctx->data, (void *)(long)ctx->data_end, &key))
        return XDP_DROP;
    state = bpf_map_lookup_elem(&bench_state, &zero);
    table = state ? bpf_map_lookup_elem(&floor_tables, &state->place) : NULL;
    session = table ? bpf_map_lookup_elem(table, &key) : NULL;
    if (!session)
        return XDP_DROP;
    session->seen = bpf_jiffies64();
    return XDP_PASS;
}

WAYS((void *)&floor_pass, (void *)&floor_pass_spread);

SEC("xdp.frags")
int vary(struct xdp_md *ctx) {
    vary_frame(ctx, &bench_ways);
    return XDP_ABORTED;
}
