/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What always works, whatever the rules say: ARP, neighbour discovery, group membership, DHCP as a client
 * (docs/semantics.md). What a guest sends of it has a bounded rate, so that it is no channel.
 */
#ifndef RINGWALL_ALWAYS_H
#define RINGWALL_ALWAYS_H

#include "spoof.h"
#include "rate.h"

/* A frame of a kind that always works, within its rate when the guest sends it. */
static __always_inline struct verdict always_pass(const struct packet *packet, const struct interface *iface,
                                                  const struct settings *settings, __u32 kind, __u32 reason,
                                                  __u32 now) {
    if (packet->direction == EGRESS &&
        !rate_allow(iface->number, kind, settings->always_per_second, settings->hz, now))
        return verdict_drop(REASON_RATE_LIMIT);
    return verdict_accept(reason);
}

/* Is it one of the messages that always work in its direction? The hop limit that they must have, or 0. */
static __always_inline __u32 neighbour_hop_limit(const struct packet *packet, const struct interface *iface) {
    bool egress = packet->direction == EGRESS;

    if (packet_is_icmpv6_of(packet, ND_NEIGHBOUR_SOLICIT, ND_NEIGHBOUR_ADVERT))
        return 255;
    if (packet_is_icmpv6_of(packet, ND_ROUTER_SOLICIT, ND_ROUTER_SOLICIT))
        return egress ? 255 : 0;
    if (packet_is_icmpv6_of(packet, ND_ROUTER_ADVERT, ND_ROUTER_ADVERT))
        return !egress && iface->flags & (INTERFACE_IPV6 | INTERFACE_NO_ADDRESSES) ? 255 : 0;
    if (packet_is_mld_report(packet))
        return egress ? 1 : 0;
    if (packet_is_icmpv6_of(packet, MLD_QUERY, MLD_QUERY))
        return egress ? 0 : 1;
    if (packet->family == 4 && packet->key.protocol == PROTO_IGMP && !(packet->marks & MARK_FRAGMENT_LATER)) {
        if (packet->icmp_type == IGMP_QUERY)
            return egress ? 0 : 1;
        if (packet->icmp_type == IGMP_REPORT_V1 || packet->icmp_type == IGMP_REPORT_V2 ||
            packet->icmp_type == IGMP_REPORT_V3 || packet->icmp_type == IGMP_LEAVE)
            return egress ? 1 : 0;
    }
    return 0;
}

/* A routed or fragmented one is an evasion of guards on the way (RFC 4861, RFC 6980, RFC 7113). */
static __always_inline struct verdict always_neighbour(const struct packet *packet,
                                                       const struct interface *iface,
                                                       const struct settings *settings, __u32 now) {
    __u32 hop_limit = neighbour_hop_limit(packet, iface);

    if (!hop_limit)
        return verdict_continue();
    if (packet->hop_limit != hop_limit || packet->marks & MARK_FRAGMENT)
        return verdict_drop(REASON_NEIGHBOUR_DISCOVERY);
    return always_pass(packet, iface, settings, ALWAYS_NEIGHBOUR, REASON_NEIGHBOUR_DISCOVERY, now);
}

static __always_inline bool dhcp_knows(const struct dhcp *dhcp, const __u8 *server) {
    for (__u32 n = 0; n < DHCP_SERVERS; n++) {
        if (address_equal(dhcp->servers[n], server))
            return true;
    }
    return false;
}

/* A server's answer makes it one to which requests may go by unicast, if the guest has asked lately. */
static __always_inline void dhcp_learn(struct dhcp *dhcp, const __u8 *server,
                                       const struct settings *settings) {
    __u64 asked = dhcp->asked;
    __u32 turn;

    if (!asked || kernel_jiffies64() - asked > settings->dhcp_window || dhcp_knows(dhcp, server))
        return;
    turn = dhcp->turn++ % DHCP_SERVERS;
    address_copy(dhcp->servers[turn], server);
}

static __always_inline struct verdict always_dhcp_request(const struct packet *packet,
                                                          const struct interface *iface,
                                                          const struct settings *settings, __u32 now) {
    const __u8 *server = packet->key.remote;
    __u32 number = iface->number;
    struct dhcp *dhcp = map_lookup(rw_dhcp, &number);
    struct verdict verdict;

    if (!dhcp)
        return verdict_continue();
    if (!(packet->family == 4 ? address_is_broadcast(server) : address_is_dhcpv6_servers(server)) &&
        !dhcp_knows(dhcp, server))
        return verdict_continue();
    verdict = always_pass(packet, iface, settings, ALWAYS_DHCP, REASON_DHCP, now);
    if (verdict.action == ACCEPT)
        dhcp->asked = kernel_jiffies64();
    return verdict;
}

static __always_inline struct verdict always_dhcp_answer(const struct packet *packet,
                                                         const struct interface *iface,
                                                         const struct settings *settings, bool early) {
    __u32 number = iface->number;
    struct dhcp *dhcp;

    if (packet->family == 4 && (packet_source_port(packet) != PORT_DHCP_SERVER ||
                                packet_destination_port(packet) != PORT_DHCP_CLIENT))
        return verdict_continue();
    if (packet->family == 6 &&
        (packet_destination_port(packet) != PORT_DHCPV6_CLIENT || !address_is_link_local(packet->key.local)))
        return verdict_continue();
    dhcp = early ? NULL : map_lookup(rw_dhcp, &number);
    if (dhcp)
        dhcp_learn(dhcp, packet->key.remote, settings);
    return verdict_accept(REASON_DHCP);
}

static __always_inline struct verdict always_check(const struct packet *packet, const struct interface *iface,
                                                   const struct settings *settings, bool early, __u32 now) {
    if (packet->ethertype == ETHERTYPE_ARP || packet->ethertype == ETHERTYPE_RARP)
        return always_pass(packet, iface, settings, ALWAYS_ARP, REASON_ARP, now);
    if (packet_is_udp(packet)) {
        if (packet->direction == INGRESS)
            return always_dhcp_answer(packet, iface, settings, early);
        if (packet_is_dhcp_request(packet))
            return always_dhcp_request(packet, iface, settings, now);
        return verdict_continue();
    }
    return always_neighbour(packet, iface, settings, now);
}

#endif
