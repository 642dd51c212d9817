/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What IP carries: TCP, UDP and DHCP, ICMP, ICMPv6 with neighbour discovery, IGMP. */
#include "layers.h"

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

void put_transport(struct made *made, struct chance *chance, __u32 protocol, __u32 family) {
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
