/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The least that a stateful firewall could do: parse the headers, look up one session in an LRU table of the
 * same key, value and size, write one timestamp. It makes the session when there is none.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "headers.h"
#include "packet.h"
#include "address.h"

char _license[] SEC("license") = "Dual BSD/GPL";

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 16384);
    __type(key, struct session_key);
    __type(value, struct session);
} floor_sessions SEC(".maps");

SEC("xdp")
int floor_xdp(struct xdp_md *ctx) {
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct wire_ethernet *ethernet = data;
    struct session_key key = {};
    struct session *session;
    struct wire_udp *ports;

    if ((void *)(ethernet + 1) > end)
        return XDP_DROP;
    if (read16(ethernet->type) == ETHERTYPE_IPV4) {
        struct wire_ipv4 *ip = (void *)(ethernet + 1);

        if ((void *)(ip + 1) > end)
            return XDP_DROP;
        address_map(key.local, ip->source);
        address_map(key.remote, ip->destination);
        key.protocol = ip->protocol;
        ports = (void *)(ip + 1);
    } else {
        struct wire_ipv6 *ip = (void *)(ethernet + 1);

        if ((void *)(ip + 1) > end)
            return XDP_DROP;
        address_copy(key.local, ip->source);
        address_copy(key.remote, ip->destination);
        key.protocol = ip->next;
        ports = (void *)(ip + 1);
    }
    if ((void *)(ports + 1) > end)
        return XDP_DROP;
    key.local_port = ports->source;
    key.remote_port = ports->destination;
    session = bpf_map_lookup_elem(&floor_sessions, &key);
    if (!session) {
        struct session fresh = {};

        bpf_map_update_elem(&floor_sessions, &key, &fresh, BPF_NOEXIST);
        return XDP_PASS;
    }
    session->seen = bpf_jiffies64();
    return XDP_PASS;
}
