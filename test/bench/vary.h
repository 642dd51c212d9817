/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Makes every packet of a test run another one. A test run repeats one frame; vary writes another flow into
 * it each time and calls who judges, so that tables are met at random places, or each packet opens a session.
 * What vary costs is measured in front of `nothing` and taken off.
 *
 *   vary ── tail call ──▶ bench_ways[state.way]
 */
#ifndef RINGWALL_BENCH_VARY_H
#define RINGWALL_BENCH_VARY_H

/* One end of flows: its packets, each with another local port. Addresses, ports and MAC as on the wire. */
struct target {
    __u8 local[16]; /* IPv4 in the first four bytes */
    __u8 remote[16];
    __u8 mac[6];
    __be16 remote_port;
    __u32 record; /* of the interface, in rw_devices of the loopback; 0: as it is */
    __u32 place;  /* in floor_tables, or the number of the interface */
};
enum { TARGETS_MAX = 8192, LOOPBACK = 1 };

MAP(bench_targets, BPF_MAP_TYPE_ARRAY, __u32, struct target, TARGETS_MAX, 0);

/* bench_state[0] */
struct state {
    __u32 way; /* place in bench_ways: who judges */
    __u32 targets;
    __u32 flows;      /* of all targets together: targets x local ports */
    __u32 first_port; /* local ports count from here */
    __u32 random;     /* 0: flows in their order, a new one for each packet */
    __u32 next;
    __u32 place; /* of the packet under way, the target's */
    __u32 zero;
};
MAP(bench_state, BPF_MAP_TYPE_ARRAY, __u32, struct state, 1, 0);

SEC("xdp.frags")
int nothing(struct xdp_md *ctx) {
    (void)ctx;
    return XDP_PASS;
}

/* Who judges; the first is nobody. */
#define WAYS(...)                                                                                            \
    struct {                                                                                                 \
        __uint(type, BPF_MAP_TYPE_PROG_ARRAY);                                                               \
        __uint(max_entries, 8);                                                                              \
        __uint(key_size, sizeof(__u32));                                                                     \
        __array(values, int(void *));                                                                        \
    } bench_ways SEC(".maps") = {.values = {(void *)&nothing, __VA_ARGS__}}

/* Writes a flow into the frame: MAC, addresses and ports of the target, the local port of the flow. */
static __always_inline bool write_flow(struct xdp_md *ctx, const struct target *target, __be16 local_port) {
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct wire_ethernet *ethernet = data;
    struct wire_udp *ports;

    if ((void *)(ethernet + 1) > end)
        return false;
    __builtin_memcpy(ethernet->source, target->mac, 6);
    if (ethernet->type == __builtin_bswap16(ETHERTYPE_IPV4)) {
        struct wire_ipv4 *ip = (void *)(ethernet + 1);

        if ((void *)(ip + 1) > end)
            return false;
        ip->source = *(const __be32 *)target->local;
        ip->destination = *(const __be32 *)target->remote;
        ports = (void *)(ip + 1);
    } else {
        struct wire_ipv6 *ip = (void *)(ethernet + 1);

        if ((void *)(ip + 1) > end)
            return false;
        __builtin_memcpy(ip->source, target->local, 16);
        __builtin_memcpy(ip->destination, target->remote, 16);
        ports = (void *)(ip + 1);
    }
    if ((void *)(ports + 1) > end)
        return false;
    ports->source = local_port;
    ports->destination = target->remote_port;
    return true;
}

/* The next flow: a random one, or the one after the last. */
static __always_inline __u32 choose_flow(struct state *state) {
    __u32 now = state->next;

    if (!state->random) {
        state->next = now + 1;
        return now % state->flows;
    }
    state->next = now * 1664525 + 1013904223; /* Numerical Recipes, 7.1: a quick and dirty generator */
    return ((__u64)state->next * state->flows) >> 32;
}

static __always_inline void vary_frame(struct xdp_md *ctx, void *ways) {
    struct target *target;
    struct device *device;
    __u32 zero = 0, loopback = LOOPBACK, flow, which;
    struct state *state = bpf_map_lookup_elem(&bench_state, &zero);

    /* What the last run laid before the frame would still be there. */
    if (!state || !state->targets || !state->flows || bpf_xdp_adjust_meta(ctx, ctx->data - ctx->data_meta))
        return;
    flow = choose_flow(state);
    which = flow % state->targets;
    target = bpf_map_lookup_elem(&bench_targets, &which);
    device = bpf_map_lookup_elem(&rw_devices, &loopback);
    if (!target || !device)
        return;
    state->place = target->place;
    /* One store, as the agent's: a load of the whole word would wait for half of it. */
    if (target->record)
        *(__u64 *)device = (__u64)target->record << 32 | LOOPBACK;
    if (!write_flow(ctx, target, __builtin_bswap16(state->first_port + flow / state->targets)))
        return;
    bpf_tail_call(ctx, ways, state->way);
}

#endif
