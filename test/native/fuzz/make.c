/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include "make.h"
#include "headers.h"
#include "packet.h"
#include "world.h"

__u32 chance_below(struct chance *chance, __u32 bound) {
    chance->state ^= chance->state >> 12;
    chance->state ^= chance->state << 25;
    chance->state ^= chance->state >> 27;
    return (chance->state * 0x2545f4914f6cdd1dULL >> 32) % bound;
}

#define one_of(chance, ...)                                                                                  \
    ({                                                                                                       \
        static const __u32 choices[] = {__VA_ARGS__};                                                        \
        choices[chance_below(chance, sizeof(choices) / sizeof(choices[0]))];                                 \
    })

/* ---- bytes ---- */

static void put(struct made *made, const void *bytes, __u32 size) {
    if (made->size + size > FRAME_MAX)
        size = FRAME_MAX - made->size;
    memcpy(made->bytes + made->size, bytes, size);
    made->size += size;
}

static void put8(struct made *made, __u32 value) {
    put(made, &(__u8){value}, 1);
}

static void put16(struct made *made, __u32 value) {
    put(made, (__u8[]){value >> 8, value}, 2);
}

static void put32(struct made *made, __u32 value) {
    put16(made, value >> 16);
    put16(made, value);
}

static void put_any(struct made *made, struct chance *chance, __u32 size) {
    while (size--)
        put8(made, chance_below(chance, 256));
}

static __u32 get16(const struct made *made, __u32 at) {
    return at + 2 <= made->size ? made->bytes[at] << 8 | made->bytes[at + 1] : 0;
}

static __u32 get32(const struct made *made, __u32 at) {
    return get16(made, at) << 16 | get16(made, at + 2);
}

static void set16(struct made *made, __u32 at, __u32 value) {
    if (at + 2 > made->size)
        return;
    made->bytes[at] = value >> 8;
    made->bytes[at + 1] = value;
}

static void set32(struct made *made, __u32 at, __u32 value) {
    set16(made, at, value >> 16);
    set16(made, at + 2, value);
}

static void put_from(struct made *made, struct chance *chance, enum pool_kind kind) {
    const struct pool *pool = &world.pools[kind];

    put(made, pool->bytes[chance_below(chance, pool->count)], pool->size);
}

static __u32 any_port(struct chance *chance) {
    const __u8 *bytes = world.pools[POOL_PORT].bytes[chance_below(chance, world.pools[POOL_PORT].count)];

    return chance_one_in(chance, 8) ? chance_below(chance, 65536) : (__u32)(bytes[0] << 8 | bytes[1]);
}

/* ---- where layers stand ---- */

/* Of a frame that is there: offset and protocol of what follows the IP header; false: no IP. */
struct layout {
    __u32 ip, family, transport, protocol;
};

static bool find_layers(const struct made *made, struct layout *layout) {
    __u32 at = 12;

    while (get16(made, at) == ETHERTYPE_VLAN || get16(made, at) == ETHERTYPE_QINQ)
        at += 4;
    layout->ip = at + 2;
    switch (get16(made, at)) {
    case ETHERTYPE_IPV4:
        layout->family = 4;
        layout->transport = layout->ip + (made->bytes[layout->ip] & 15) * 4;
        layout->protocol = made->bytes[layout->ip + 9];
        return layout->ip + 20 <= made->size;
    case ETHERTYPE_IPV6:
        layout->family = 6;
        layout->transport = layout->ip + 40;
        layout->protocol = made->bytes[layout->ip + 6];
        return layout->ip + 40 <= made->size;
    default:
        return false;
    }
}

static void exchange(struct made *made, __u32 left, __u32 right, __u32 size) {
    __u8 held[16];

    if (right + size > made->size)
        return;
    memcpy(held, made->bytes + left, size);
    memcpy(made->bytes + left, made->bytes + right, size);
    memcpy(made->bytes + right, held, size);
}

/* ---- transports ---- */

static void put_tcp(struct made *made, struct chance *chance) {
    __u32 options = chance_one_in(chance, 4) ? chance_below(chance, 4) : 0;

    put16(made, any_port(chance));
    put16(made, any_port(chance));
    put32(made, one_of(chance, 1000, 0, 0xffffffff, 0x7fffffff, 0xfffffff0));
    put32(made, one_of(chance, 0, 1001, 0x80000000));
    put8(made, (5 + options) << 4);
    put8(made, one_of(chance, TCP_SYN, TCP_SYN, TCP_ACK, TCP_ACK | TCP_PSH, TCP_SYN | TCP_ACK, TCP_RST,
                      TCP_RST | TCP_ACK, TCP_FIN | TCP_ACK, TCP_SYN | TCP_FIN, 0));
    put_any(made, chance, 6 + options * 4 + one_of(chance, 0, 0, 1, 20));
}

/* DHCP as a client or its server, or any ports. */
static void put_ports_of_udp(struct made *made, struct chance *chance) {
    static const __u16 pairs[][2] = {
        {PORT_DHCP_CLIENT, PORT_DHCP_SERVER},
        {PORT_DHCP_SERVER, PORT_DHCP_CLIENT},
        {PORT_DHCPV6_CLIENT, PORT_DHCPV6_SERVER},
        {PORT_DHCPV6_SERVER, PORT_DHCPV6_CLIENT},
    };
    __u32 n = chance_below(chance, 4);

    if (chance_one_in(chance, 3)) {
        put16(made, pairs[n][0]);
        put16(made, pairs[n][1]);
        return;
    }
    put16(made, any_port(chance));
    put16(made, any_port(chance));
}

static void put_udp(struct made *made, struct chance *chance) {
    __u32 payload = one_of(chance, 0, 1, 20, 300);

    put_ports_of_udp(made, chance);
    put16(made, 8 + payload + one_of(chance, 0, 0, 0, 0, 1, 0xffff));
    put_any(made, chance, 2 + payload);
}

static void put_options_of_neighbour(struct made *made, struct chance *chance) {
    for (__u32 n = one_of(chance, 0, 1, 1, 2, 3, 70); n; n--) {
        put8(made, one_of(chance, ND_OPTION_SOURCE, ND_OPTION_TARGET, 5));
        put8(made, chance_one_in(chance, 16) ? chance_below(chance, 4) : 1);
        put_from(made, chance, POOL_MAC);
    }
}

static void put_icmpv6(struct made *made, struct chance *chance) {
    __u32 type = one_of(chance, ICMPV6_ECHO, ICMPV6_ECHO_REPLY, ND_NEIGHBOUR_SOLICIT, ND_NEIGHBOUR_ADVERT,
                        ND_NEIGHBOUR_ADVERT, ND_ROUTER_SOLICIT, ND_ROUTER_ADVERT, ND_REDIRECT, MLD_QUERY,
                        MLD_REPORT, MLD_DONE, MLDV2_REPORT, ICMPV6_UNREACHABLE, ICMPV6_PARAMETER, 5, 200);

    put8(made, type);
    put8(made, chance_below(chance, 2));
    put16(made, 0);
    put32(made, one_of(chance, 0x00010001, 0x00020001, 0));
    if (type == ND_ROUTER_ADVERT)
        put_any(made, chance, 8);
    if (type == ND_NEIGHBOUR_SOLICIT || type == ND_NEIGHBOUR_ADVERT || type == ND_REDIRECT ||
        type <= MLD_DONE)
        put_from(made, chance, POOL_IPV6);
    if (type == ND_REDIRECT)
        put_from(made, chance, POOL_IPV6);
    if (type >= ND_ROUTER_SOLICIT && type <= ND_REDIRECT)
        put_options_of_neighbour(made, chance);
}

static void put_icmp(struct made *made, struct chance *chance) {
    put8(made, one_of(chance, ICMP_ECHO, ICMP_ECHO, ICMP_ECHO_REPLY, ICMP_TIMESTAMP, ICMP_TIMESTAMP_REPLY,
                      ICMP_UNREACHABLE, ICMP_REDIRECT, ICMP_TIME_EXCEEDED, ICMP_PARAMETER, 17));
    put8(made, chance_below(chance, 5));
    put16(made, 0);
    put32(made, one_of(chance, 0x00010001, 0x00020001));
    put_any(made, chance, one_of(chance, 0, 28, 40));
}

static void put_igmp(struct made *made, struct chance *chance) {
    put8(made, one_of(chance, IGMP_QUERY, IGMP_REPORT_V1, IGMP_REPORT_V2, IGMP_REPORT_V3, IGMP_LEAVE, 0x99));
    put_any(made, chance, 7);
}

static void put_transport(struct made *made, struct chance *chance, __u32 protocol, __u32 family) {
    switch (protocol) {
    case PROTO_TCP:
        put_tcp(made, chance);
        return;
    case PROTO_UDP:
        put_udp(made, chance);
        return;
    case PROTO_ICMP:
        put_icmp(made, chance);
        return;
    case PROTO_ICMPV6:
        put_icmpv6(made, chance);
        return;
    case PROTO_IGMP:
        put_igmp(made, chance);
        return;
    default:
        put_any(made, chance, family * 2);
    }
}

/* ---- IP, ARP ---- */

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

static void put_ipv4(struct made *made, struct chance *chance) {
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

static void put_ipv6(struct made *made, struct chance *chance) {
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

static void put_arp(struct made *made, struct chance *chance) {
    put16(made, 1);
    put16(made, ETHERTYPE_IPV4);
    put16(made, 0x0604);
    put16(made, chance_below(chance, 5));
    put_from(made, chance, POOL_MAC);
    put_from(made, chance, POOL_IPV4);
    put_from(made, chance, POOL_MAC);
    put_from(made, chance, POOL_IPV4);
}

/* ---- whole frames ---- */

/* A frame from or to an interface mostly bears its own MAC and address: the pools' first are theirs. */
static void own_ends(struct made *made, struct chance *chance) {
    __u32 place = made->flags & FRAME_INTERFACE, own = made->flags & FRAME_INGRESS ? 0 : 6;
    struct layout layout;

    if (place >= 2 || chance_one_in(chance, 6))
        return;
    memcpy(made->bytes + own, world.pools[POOL_MAC].bytes[place], 6);
    if (!find_layers(made, &layout))
        return;
    if (layout.family == 4)
        memcpy(made->bytes + layout.ip + (own ? 12 : 16), world.pools[POOL_IPV4].bytes[place], 4);
    else
        memcpy(made->bytes + layout.ip + (own ? 8 : 24), world.pools[POOL_IPV6].bytes[place], 16);
}

void make_frame(struct made *made, struct chance *chance) {
    __u32 type = one_of(chance, ETHERTYPE_IPV4, ETHERTYPE_IPV4, ETHERTYPE_IPV4, ETHERTYPE_IPV6,
                        ETHERTYPE_IPV6, ETHERTYPE_IPV6, ETHERTYPE_ARP, ETHERTYPE_RARP, 0x88b5, 0x1234);

    made->size = 0;
    made->flags = one_of(chance, 0, 0, 1, 1, 2, 3, 4, 5) | (chance_one_in(chance, 2) ? FRAME_INGRESS : 0);
    put_from(made, chance, POOL_MAC);
    put_from(made, chance, POOL_MAC);
    if (chance_one_in(chance, 6))
        for (__u32 n = one_of(chance, 1, 1, 2, 3); n; n--) {
            put16(made, one_of(chance, ETHERTYPE_VLAN, ETHERTYPE_QINQ));
            put16(made, one_of(chance, 100, 0, 0xe000, 200, 101));
        }
    put16(made, type);
    switch (type) {
    case ETHERTYPE_IPV4:
        put_ipv4(made, chance);
        break;
    case ETHERTYPE_IPV6:
        put_ipv6(made, chance);
        break;
    case ETHERTYPE_ARP:
    case ETHERTYPE_RARP:
        put_arp(made, chance);
        break;
    default:
        put_any(made, chance, 46);
    }
    own_ends(made, chance);
}

static void answer_tcp(struct made *made, struct chance *chance, __u32 at) {
    __u32 flags = at + 13 < made->size ? made->bytes[at + 13] : 0, sequence = get32(made, at + 4);

    if (at + 20 > made->size)
        return;
    set32(made, at + 4, flags & TCP_ACK ? get32(made, at + 8) : (__u32)one_of(chance, 5000, 0xfffffffe));
    set32(made, at + 8, sequence + !!(flags & (TCP_SYN | TCP_FIN)) + one_of(chance, 0, 0, 0, 0, 1, -1));
    made->bytes[at + 13] =
        (flags & (TCP_SYN | TCP_ACK)) == TCP_SYN
            ? one_of(chance, TCP_SYN | TCP_ACK, TCP_SYN | TCP_ACK, TCP_SYN | TCP_ACK, TCP_SYN,
                     TCP_RST | TCP_ACK)
            : one_of(chance, TCP_ACK, TCP_ACK, TCP_ACK | TCP_PSH, TCP_FIN | TCP_ACK, TCP_RST);
}

void make_answer(struct made *made, struct chance *chance) {
    struct layout layout;

    made->flags ^= FRAME_INGRESS;
    exchange(made, 0, 6, 6);
    if (!find_layers(made, &layout))
        return;
    if (layout.family == 4)
        exchange(made, layout.ip + 12, layout.ip + 16, 4);
    else
        exchange(made, layout.ip + 8, layout.ip + 24, 16);
    if (layout.transport + 8 > made->size)
        return;
    switch (layout.protocol) {
    case PROTO_TCP:
        exchange(made, layout.transport, layout.transport + 2, 2);
        answer_tcp(made, chance, layout.transport);
        break;
    case PROTO_UDP:
        exchange(made, layout.transport, layout.transport + 2, 2);
        break;
    case PROTO_ICMP:
        made->bytes[layout.transport] =
            made->bytes[layout.transport] == ICMP_TIMESTAMP ? ICMP_TIMESTAMP_REPLY : ICMP_ECHO_REPLY;
        break;
    case PROTO_ICMPV6:
        made->bytes[layout.transport] ^= 1;
        break;
    }
}

void make_next(struct made *made, struct chance *chance) {
    struct layout layout;
    __u32 flags;

    if (!find_layers(made, &layout) || layout.protocol != PROTO_TCP || layout.transport + 20 > made->size)
        return;
    flags = made->bytes[layout.transport + 13];
    set32(made, layout.transport + 4,
          get32(made, layout.transport + 4) + !!(flags & TCP_SYN) + one_of(chance, 0, 0, 0, 1, 20, -1));
    if (chance_one_in(chance, 3))
        set32(made, layout.transport + 8,
              get32(made, layout.transport + 8) + one_of(chance, 1, 1, 2, 20, 0x40000000));
    made->bytes[layout.transport + 13] = one_of(chance, TCP_ACK, TCP_ACK, TCP_ACK, TCP_ACK | TCP_PSH,
                                                TCP_FIN | TCP_ACK, TCP_RST, TCP_SYN, TCP_FIN);
}

static bool fragment_ipv6(struct made *made, struct chance *chance, const struct layout *layout, __u32 offset,
                          __u32 bytes, bool more) {
    __u32 behind = layout->ip + IPV6_BYTES, id = one_of(chance, 7, 7, 7, 8);

    if (behind + offset + bytes > made->size || made->size + 8 > FRAME_MAX)
        return false;
    memmove(made->bytes + behind + 8, made->bytes + behind + offset, bytes);
    made->size = behind + 8 + bytes;
    made->bytes[behind] = layout->protocol;
    made->bytes[behind + 1] = 0;
    made->bytes[layout->ip + 6] = EXTENSION_FRAGMENT;
    set16(made, behind + 2, offset | more);
    set32(made, behind + 4, id);
    set16(made, layout->ip + 4, 8 + bytes);
    return true;
}

bool make_fragment(struct made *made, struct chance *chance, __u32 offset, __u32 bytes, bool more) {
    struct layout layout;

    if (!find_layers(made, &layout))
        return false;
    if (layout.family == 6)
        return fragment_ipv6(made, chance, &layout, offset, bytes, more);
    if (layout.transport + offset + bytes > made->size)
        return false;
    memmove(made->bytes + layout.transport, made->bytes + layout.transport + offset, bytes);
    made->size = layout.transport + bytes;
    set16(made, layout.ip + 2, made->size - layout.ip);
    set16(made, layout.ip + 4, one_of(chance, 7, 7, 7, 8));
    set16(made, layout.ip + 6, offset / 8 | (more ? IPV4_MORE_FRAGMENTS : 0));
    return true;
}

bool make_error(struct made *made, struct chance *chance) {
    struct made quoted = *made;
    struct layout layout;
    __u32 size, at;

    if (!find_layers(made, &layout))
        return false;
    size = quoted.size - layout.ip;
    if (size > 400)
        size = 400;
    if (chance_one_in(chance, 4))
        size = chance_below(chance, size + 1);
    make_answer(made, chance);
    at = layout.ip + (layout.family == 4 ? IPV4_BYTES : IPV6_BYTES);
    if (layout.family == 4) {
        made->bytes[layout.ip] = 0x45;
        set16(made, layout.ip + 6, 0);
        made->bytes[layout.ip + 9] = PROTO_ICMP;
    } else {
        made->bytes[layout.ip + 6] = PROTO_ICMPV6;
    }
    made->size = at;
    put8(made, layout.family == 4
                   ? one_of(chance, ICMP_UNREACHABLE, ICMP_UNREACHABLE, ICMP_TIME_EXCEEDED, ICMP_PARAMETER)
                   : one_of(chance, 1, 2, 3, 4));
    put8(made, chance_below(chance, 5));
    put_any(made, chance, 6);
    put(made, quoted.bytes + layout.ip, size);
    if (layout.family == 4)
        set16(made, layout.ip + 2, made->size - layout.ip);
    else
        set16(made, layout.ip + 4, made->size - layout.ip - IPV6_BYTES);
    /* A router on the way sends it. */
    if (chance_one_in(chance, 2)) {
        const struct pool *pool = &world.pools[layout.family == 4 ? POOL_IPV4 : POOL_IPV6];

        memcpy(made->bytes + layout.ip + (layout.family == 4 ? 12 : 8),
               pool->bytes[chance_below(chance, pool->count)], pool->size);
    }
    return true;
}

void make_wrong(struct made *made, struct chance *chance) {
    __u32 at = made->size ? chance_below(chance, made->size < 90 ? made->size : 90) : 0;

    switch (chance_below(chance, 6)) {
    case 0:
        made->size = at;
        break;
    case 1:
        put_any(made, chance, 1 + chance_below(chance, 20));
        break;
    case 2:
        made->bytes[at] ^= 1 << chance_below(chance, 8);
        break;
    case 3:
        made->bytes[at] += one_of(chance, 1, -1);
        break;
    case 4:
        made->bytes[at] = one_of(chance, 0, 1, 0x7f, 0x80, 0xff);
        break;
    default:
        set16(made, at & ~1U, get16(made, at & ~1U) + one_of(chance, 1, -1, 8, -8));
    }
}
