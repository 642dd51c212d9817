/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RINGWALL_BENCH_KEY_H
#define RINGWALL_BENCH_KEY_H

/* The session's key of plain TCP or UDP, at its sender's end: all the parsing that nobody can do without. */
static __always_inline bool parse_key(const void *data, const void *end, struct session_key *key) {
    const struct wire_ethernet *ethernet = data;
    const struct wire_udp *ports;

    if ((const void *)(ethernet + 1) > end)
        return false;
    if (ethernet->type == __builtin_bswap16(ETHERTYPE_IPV4)) {
        const struct wire_ipv4 *ip = (const void *)(ethernet + 1);

        if ((const void *)(ip + 1) > end)
            return false;
        address_map(key->local, ip->source);
        address_map(key->remote, ip->destination);
        key->protocol = ip->protocol;
        ports = (const void *)(ip + 1);
    } else {
        const struct wire_ipv6 *ip = (const void *)(ethernet + 1);

        if ((const void *)(ip + 1) > end)
            return false;
        address_copy(key->local, ip->source);
        address_copy(key->remote, ip->destination);
        key->protocol = ip->next;
        ports = (const void *)(ip + 1);
    }
    if ((const void *)(ports + 1) > end)
        return false;
    key->local_port = ports->source;
    key->remote_port = ports->destination;
    return true;
}

#endif
