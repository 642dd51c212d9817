/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* IPv4 with options, IPv6 with extension headers, ARP. */
#include "layers.h"

/* IPv4: the bytes of options are whole words. */
static __u32 put_ipv4_options(__u8 *options, struct chance *chance) {
    __u32 size = 0;

    while (size < 36 && !chance_one_in(chance, 3)) {
        __u32 kind =
            one_of(chance, IPV4_OPTION_NOP, IPV4_OPTION_END, 7, IPV4_OPTION_LSRR, IPV4_OPTION_SSRR, 148);

        options[size++] = kind;
        if (kind <= IPV4_OPTION_NOP)
            continue;
        options[size] = one_of(chance, 4, 3, 2, 1, 0, 200);
        size += 2 + chance_below(chance, 2);
    }
    return (size + 3) & ~3U;
}

void put_ipv4(struct made *made, struct chance *chance) {
    __u8 options[64] = {};
    __u32 at = made->size, size = chance_one_in(chance, 5) ? put_ipv4_options(options, chance) : 0;
    __u32 protocol = one_of(chance, PROTO_TCP, PROTO_TCP, PROTO_UDP, PROTO_UDP, PROTO_ICMP, PROTO_ICMP,
                            PROTO_IGMP, 47, PROTO_ICMPV6);

    if (size > IPV4_OPTIONS_MAX)
        size = IPV4_OPTIONS_MAX;
    put8(made, 0x40 | (5 + size / 4));
    put8(made, 0);
    put16(made, 0);
    put16(made, one_of(chance, 1, 2));
    put16(made, chance_one_in(chance, 12) ? one_of(chance, 0x2000, 0x0001, 0x2001, 0x1fff, 0x0003) : 0x4000);
    put8(made, one_of(chance, 64, 64, 1, 255));
    put8(made, protocol);
    put16(made, 0);
    put_from(made, chance, POOL_IPV4);
    put_from(made, chance, POOL_IPV4);
    put(made, options, size);
    put_transport(made, chance, protocol, 4);
    set16(made, at + 2, made->size - at);
}

/* Extension headers that lead to the protocol; answers the first one's number. */
static __u32 put_extensions(struct made *made, struct chance *chance, __u32 protocol) {
    __u32 kinds[10], count = chance_one_in(chance, 4) ? one_of(chance, 1, 1, 1, 2, 3, 9) : 0;

    for (__u32 n = 0; n < count; n++)
        kinds[n] = one_of(chance, EXTENSION_HOP_BY_HOP, EXTENSION_ROUTING, EXTENSION_FRAGMENT,
                          EXTENSION_DESTINATION, EXTENSION_MOBILITY, EXTENSION_HIP, EXTENSION_SHIM6);
    for (__u32 n = 0; n < count; n++) {
        __u32 words = kinds[n] == EXTENSION_FRAGMENT || !chance_one_in(chance, 4)
                          ? 0
                          : one_of(chance, 1, 2, 30, 63, 64, 255);

        put8(made, n + 1 < count ? kinds[n + 1] : protocol);
        put8(made, words);
        put16(made, kinds[n] == EXTENSION_FRAGMENT ? one_of(chance, 0, 1, 1, 8, 16, 0xfff9)
                                                   : one_of(chance, 0, 0x0200));
        put32(made, one_of(chance, 1, 2, 0x10001));
        put_any(made, chance, words > 64 ? 0 : words * 8);
    }
    return count ? kinds[0] : protocol;
}

void put_ipv6(struct made *made, struct chance *chance) {
    __u32 at = made->size;
    __u32 protocol = one_of(chance, PROTO_TCP, PROTO_TCP, PROTO_UDP, PROTO_UDP, PROTO_ICMPV6, PROTO_ICMPV6,
                            PROTO_ICMPV6, 59, 50, PROTO_ICMP, PROTO_IGMP);
    __u32 first;

    put32(made, 0x60000000);
    put16(made, 0);
    put8(made, protocol);
    put8(made, one_of(chance, 64, 255, 255, 1));
    put_from(made, chance, POOL_IPV6);
    put_from(made, chance, POOL_IPV6);
    first = put_extensions(made, chance, protocol);
    made->bytes[at + 6] = first;
    put_transport(made, chance, protocol, 6);
    set16(made, at + 4, made->size - at - IPV6_BYTES);
}

void put_arp(struct made *made, struct chance *chance) {
    put16(made, 1);
    put16(made, ETHERTYPE_IPV4);
    put16(made, 0x0604);
    put16(made, chance_below(chance, 5));
    put_from(made, chance, POOL_MAC);
    put_from(made, chance, POOL_IPV4);
    put_from(made, chance, POOL_MAC);
    put_from(made, chance, POOL_IPV4);
}
