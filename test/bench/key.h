/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RINGWALL_BENCH_KEY_H
#define RINGWALL_BENCH_KEY_H

/* The session's key of plain TCP or UDP: all the parsing that nobody can do without. */
static __always_inline bool parse_key(struct xdp_md *ctx, struct session_key *key) {
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

#endif
