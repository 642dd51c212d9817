/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a guest may not send, and what may not reach it, whatever the rules say (docs/semantics.md, "What a
 * guest may not do"). First of all stages that judge: an old session must not excuse a forged packet.
 */
#ifndef RINGWALL_SPOOF_H
#define RINGWALL_SPOOF_H

#include "own.h"
#include "policy.h"

static __always_inline bool packet_is_icmpv6_of(const struct packet *packet, __u32 first, __u32 last) {
    return packet->family == 6 && packet->key.protocol == PROTO_ICMPV6 &&
           !(packet->marks & MARK_FRAGMENT_LATER) && packet->icmp_type >= first && packet->icmp_type <= last;
}

static __always_inline bool packet_is_mld_report(const struct packet *packet) {
    return packet_is_icmpv6_of(packet, MLD_REPORT, MLD_DONE) ||
           packet_is_icmpv6_of(packet, MLDV2_REPORT, MLDV2_REPORT);
}

/* Reports and queries. */
static __always_inline bool packet_is_mld(const struct packet *packet) {
    return packet_is_mld_report(packet) || packet_is_icmpv6_of(packet, MLD_QUERY, MLD_QUERY);
}

static __always_inline bool packet_is_udp(const struct packet *packet) {
    return packet->key.protocol == PROTO_UDP && !(packet->marks & MARK_FRAGMENT_LATER);
}

static __always_inline bool packet_is_dhcp_request(const struct packet *packet) {
    if (!packet_is_udp(packet))
        return false;
    if (packet->family == 4)
        return packet_source_port(packet) == PORT_DHCP_CLIENT &&
               packet_destination_port(packet) == PORT_DHCP_SERVER;
    return packet_source_port(packet) == PORT_DHCPV6_CLIENT &&
           packet_destination_port(packet) == PORT_DHCPV6_SERVER;
}

/* 0.0.0.0 and :: are everyone's, for what needs them. */
static __always_inline bool spoof_unspecified_is_fine(const struct packet *packet) {
    if (packet->family == 4)
        return packet_is_dhcp_request(packet) || packet->key.protocol == PROTO_IGMP;
    return packet_is_icmpv6_of(packet, ND_NEIGHBOUR_SOLICIT, ND_NEIGHBOUR_SOLICIT) ||
           packet_is_icmpv6_of(packet, ND_ROUTER_SOLICIT, ND_ROUTER_SOLICIT) || packet_is_mld(packet);
}

/* Privacy and stable link-local addresses (RFC 7217): any fe80::/10 that nobody else has, for what keeps a
 * link going. */
static __always_inline bool spoof_link_local_is_free(const struct packet *packet,
                                                     const struct interface *iface, const __u8 *mac,
                                                     const __u8 *address) {
    if (packet->family != 6 || !address_is_link_local(address) || !mac_equal(mac, iface->mac))
        return false;
    if (!packet_is_icmpv6_of(packet, ND_ROUTER_SOLICIT, ND_REDIRECT) && !packet_is_mld(packet) &&
        !packet_is_dhcp_request(packet))
        return false;
    return identity_is_free(iface->network, address);
}

static __always_inline bool spoof_address_is_own(const struct packet *packet, const struct interface *iface,
                                                 const __u8 *mac, const __u8 *address) {
    if (iface->flags & INTERFACE_NO_ADDRESSES)
        return true;
    return own_address(packet, iface, mac, address) || spoof_link_local_is_free(packet, iface, mac, address);
}

static __always_inline bool spoof_source_is_own(const struct packet *packet, const struct interface *iface) {
    const __u8 *source = packet->key.local;

    return spoof_address_is_own(packet, iface, packet->source_mac, source) ||
           (address_is_unspecified(source, packet->family) && spoof_unspecified_is_fine(packet));
}

/* A sender without an address yet asks (RFC 5227, RFC 903); what answers or tells has one. */
static __always_inline bool arp_may_be_unspecified(const struct about_arp *arp) {
    return arp->operation == ARP_REQUEST || arp->operation == RARP_REQUEST;
}

static __always_inline struct verdict spoof_arp(const struct packet *packet, const struct interface *iface) {
    const struct about_arp *arp = &packet->about.arp;

    if (!own_mac(packet, iface, arp->sender_mac))
        return verdict_drop(REASON_SPOOFED_MAC);
    if (address_is_unspecified(arp->sender_address, 4) && arp_may_be_unspecified(arp))
        return verdict_continue();
    if (spoof_address_is_own(packet, iface, arp->sender_mac, arp->sender_address))
        return verdict_continue();
    return verdict_drop(REASON_SPOOFED_ADDRESS);
}

/* What a message binds to its link-layer addresses: an advertisement its target, a solicitation its source.
 */
static __always_inline const __u8 *neighbour_claim(const struct packet *packet) {
    return packet->icmp_type == ND_NEIGHBOUR_ADVERT ? packet->about.neighbour.target : packet->key.local;
}

/* An advertisement speaks of its target, and every solicitation of its sender's MAC (CVE-2021-20267). */
static __always_inline struct verdict spoof_neighbour(const struct packet *packet,
                                                      const struct interface *iface) {
    const struct about_neighbour *neighbour = &packet->about.neighbour;
    const __u8 *mac, *claim = neighbour_claim(packet);

    if (!packet_is_icmpv6_of(packet, ND_ROUTER_SOLICIT, ND_NEIGHBOUR_ADVERT) ||
        packet->icmp_type == ND_ROUTER_ADVERT || packet->marks & MARK_FRAGMENT_FIRST)
        return verdict_continue();
    if ((neighbour->link_layers > 0 && !own_mac(packet, iface, neighbour->link_layer)) ||
        (neighbour->link_layers > 1 && !own_mac(packet, iface, neighbour->other_link_layer)) ||
        neighbour->link_layers > 2)
        return verdict_drop(REASON_SPOOFED_MAC);
    if (packet->icmp_type != ND_NEIGHBOUR_ADVERT && address_is_unspecified(claim, 6))
        return verdict_continue();
    mac = neighbour->link_layers ? neighbour->link_layer : packet->source_mac;
    if (!spoof_address_is_own(packet, iface, mac, claim) ||
        (neighbour->link_layers > 1 &&
         !spoof_address_is_own(packet, iface, neighbour->other_link_layer, claim)))
        return verdict_drop(REASON_SPOOFED_ADDRESS);
    return verdict_continue();
}

/* What only a router or a DHCP server sends. */
static __always_inline struct verdict spoof_role(const struct packet *packet) {
    if (packet->marks & MARK_SOURCE_ROUTE)
        return verdict_drop(REASON_SOURCE_ROUTE);
    if (packet_is_udp(packet)) {
        __u16 port = packet_destination_port(packet);

        if (port == PORT_DHCP_CLIENT || port == PORT_DHCPV6_CLIENT)
            return verdict_drop(REASON_DHCP);
    }
    if (packet_is_icmpv6_of(packet, ND_ROUTER_ADVERT, ND_ROUTER_ADVERT))
        return verdict_drop(REASON_ROUTER_ADVERTISEMENT);
    if (packet_is_icmpv6_of(packet, ND_REDIRECT, ND_REDIRECT))
        return verdict_drop(REASON_REDIRECT);
    if (packet->family == 4 && packet->key.protocol == PROTO_ICMP && !(packet->marks & MARK_FRAGMENT_LATER) &&
        packet->icmp_type == ICMP_REDIRECT)
        return verdict_drop(REASON_REDIRECT);
    return verdict_continue();
}

static __always_inline struct verdict spoof_egress(const struct packet *packet,
                                                   const struct interface *iface) {
    struct verdict verdict;

    if (!own_mac(packet, iface, packet->source_mac))
        return verdict_drop(REASON_SPOOFED_MAC);
    if (packet->ethertype == ETHERTYPE_ARP || packet->ethertype == ETHERTYPE_RARP)
        return spoof_arp(packet, iface);
    if (!packet->family)
        return verdict_continue();
    if (!spoof_source_is_own(packet, iface))
        return verdict_drop(REASON_SPOOFED_ADDRESS);
    verdict = spoof_neighbour(packet, iface);
    if (verdict.action != CONTINUE)
        return verdict;
    return spoof_role(packet);
}

static __always_inline struct verdict spoof_ingress(const struct packet *packet,
                                                    const struct interface *iface) {
    if (packet->family && own_listed(packet, iface, packet->key.remote) &&
        !packet_is_icmpv6_of(packet, ND_ROUTER_SOLICIT, ND_REDIRECT))
        return verdict_drop(REASON_SPOOFED_ADDRESS);
    if (!mac_is_group(packet->destination_mac) && !own_mac(packet, iface, packet->destination_mac))
        return verdict_drop(REASON_OTHER_MAC);
    return verdict_continue();
}

/* antiSpoofing: observe lets it go on to the rules, and marks it. */
static __always_inline struct verdict spoof_check(struct packet *packet, const struct interface *iface) {
    struct verdict verdict;

    if (!(iface->flags & (INTERFACE_ANTI_SPOOFING | INTERFACE_SPOOF_OBSERVE)))
        return verdict_continue();
    verdict = packet->direction == EGRESS ? spoof_egress(packet, iface) : spoof_ingress(packet, iface);
    if (verdict.action == DROP && iface->flags & INTERFACE_SPOOF_OBSERVE) {
        packet->observed = 1;
        return verdict_continue();
    }
    return verdict;
}

#endif
