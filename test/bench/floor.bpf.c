/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What Ringwall's programs are held against: the least that a stateful firewall could do, and what an insert
 * costs. */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "headers.h"
#include "packet.h"
#include "address.h"
#include "switched.h"
#include "vary.h"

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

/* The session's key of plain TCP or UDP: all the parsing that nobody can do without. */
static __always_inline bool floor_parse(struct xdp_md *ctx, struct session_key *key) {
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct wire_ethernet *ethernet = data;
    struct wire_udp *ports;

    if ((void *)(ethernet + 1) > end)
        return false;
    if (ethernet->type == __builtin_bswap16(ETHERTYPE_IPV4)) {
        struct wire_ipv4 *ip = (void *)(ethernet + 1);

        if ((void *)(ip + 1) > end)
            return false;
        address_map(key->local, ip->source);
        address_map(key->remote, ip->destination);
        key->protocol = ip->protocol;
        ports = (void *)(ip + 1);
    } else {
        struct wire_ipv6 *ip = (void *)(ethernet + 1);

        if ((void *)(ip + 1) > end)
            return false;
        address_copy(key->local, ip->source);
        address_copy(key->remote, ip->destination);
        key->protocol = ip->next;
        ports = (void *)(ip + 1);
    }
    if ((void *)(ports + 1) > end)
        return false;
    key->local_port = ports->source;
    key->remote_port = ports->destination;
    return true;
}

/* The least that a stateful firewall could do: parse, look up one session in an LRU table, write one
 * timestamp. */
SEC("xdp.frags")
int floor_pass(struct xdp_md *ctx) {
    struct session_key key = {};
    struct session *session;

    if (!floor_parse(ctx, &key))
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

    if (!floor_parse(ctx, &key))
        return XDP_DROP;
    state = bpf_map_lookup_elem(&bench_state, &zero);
    table = state ? bpf_map_lookup_elem(&floor_tables, &state->place) : NULL;
    session = table ? bpf_map_lookup_elem(table, &key) : NULL;
    if (!session)
        return XDP_DROP;
    session->seen = bpf_jiffies64();
    return XDP_PASS;
}

/* A look-up that finds nothing, and the insert: their difference is what an insert costs. */
SEC("xdp.frags")
int floor_miss(struct xdp_md *ctx) {
    struct session_key key = {};

    if (!floor_parse(ctx, &key) || bpf_map_lookup_elem(&floor_table, &key))
        return XDP_DROP;
    return XDP_PASS;
}

SEC("xdp.frags")
int floor_open(struct xdp_md *ctx) {
    struct session fresh = {};
    struct session_key key = {};

    if (!floor_parse(ctx, &key) || bpf_map_lookup_elem(&floor_table, &key) ||
        bpf_map_update_elem(&floor_table, &key, &fresh, BPF_NOEXIST))
        return XDP_DROP;
    return XDP_PASS;
}

WAYS((void *)&floor_pass, (void *)&floor_pass_spread, (void *)&floor_miss, (void *)&floor_open);

SEC("xdp.frags")
int vary(struct xdp_md *ctx) {
    vary_frame(ctx, &bench_ways);
    return XDP_ABORTED;
}
