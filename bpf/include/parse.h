/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a frame's bytes to struct packet. The last stage that touches bytes. Answers REASON_NONE, a reason to
 * drop (malformed, unsupported), or PARSE_LONG where the quick way ends (frame.h).
 */
#ifndef RINGWALL_PARSE_H
#define RINGWALL_PARSE_H

#include "walk.h"
#include "quote.h"
#include "address.h"

/* Ports and addresses by side: the guest's is local, whichever way the packet goes. */
static __always_inline void packet_set_ports(struct packet *packet, __be16 source, __be16 destination) {
    bool egress = packet->direction == EGRESS;

    packet->key.local_port = egress ? source : destination;
    packet->key.remote_port = egress ? destination : source;
}

static __always_inline __u8 *packet_source_place(struct packet *packet) {
    return packet->direction == EGRESS ? packet->key.local : packet->key.remote;
}

static __always_inline __u8 *packet_destination_place(struct packet *packet) {
    return packet->direction == EGRESS ? packet->key.remote : packet->key.local;
}

/* A transport header that is not all there. */
static __always_inline __u32 parse_truncated(struct packet *packet) {
    if (!(packet->marks & MARK_FRAGMENT_FIRST))
        return REASON_MALFORMED;
    packet->marks |= MARK_FRAGMENT_BAD;
    return REASON_NONE;
}

static __always_inline __u32 parse_tcp(const struct frame *frame, struct packet *packet,
                                       const struct walk *walk) {
    const struct wire_tcp *tcp;
    __u32 room = walk->end - walk->offset;
    __u8 flags;

    if (room < TCP_BYTES)
        return parse_truncated(packet);
    tcp = frame_at(frame, walk->offset, sizeof(*tcp));
    if (!tcp)
        return frame_missing(frame, walk->offset, sizeof(*tcp));
    packet->header = (tcp->offset >> 4) * 4;
    flags = tcp->flags & TCP_FLAGS;
    /* Malformed before fragment: in a first fragment that lacks its options, too. */
    if (packet->header < TCP_BYTES || !flags || (flags & TCP_SYN && flags & (TCP_FIN | TCP_RST)))
        return REASON_MALFORMED;
    if (packet->header > room)
        return parse_truncated(packet);
    packet_set_ports(packet, tcp->source, tcp->destination);
    packet->tcp_flags = flags;
    packet->sequence = read32(tcp->sequence);
    packet->acknowledgement = read32(tcp->acknowledgement);
    packet->payload = room - packet->header;
    return REASON_NONE;
}

static __always_inline __u32 parse_udp(const struct frame *frame, struct packet *packet,
                                       const struct walk *walk) {
    const struct wire_udp *udp;
    __u32 room = walk->end - walk->offset;

    packet->header = UDP_BYTES;
    if (room < UDP_BYTES)
        return parse_truncated(packet);
    udp = frame_at(frame, walk->offset, sizeof(*udp));
    if (!udp)
        return frame_missing(frame, walk->offset, sizeof(*udp));
    /* A length speaks of the whole datagram: only a packet that is whole can contradict it. */
    if (!(packet->marks & MARK_FRAGMENT_FIRST) && !frame->segmented) {
        __u16 length = read16(udp->length);

        if (length < UDP_BYTES || length > room)
            return REASON_MALFORMED;
    }
    packet_set_ports(packet, udp->source, udp->destination);
    return REASON_NONE;
}

/* A walk over the options of neighbour discovery. */
struct option_walker {
    const struct frame *frame;
    struct packet *packet;
    __u32 offset;
    __u32 end;
    __u32 reason;
};

/* Two different ones are kept; no stack reads more, and a third is refused. */
static __always_inline void neighbour_note(struct about_neighbour *neighbour, const __u8 *mac) {
    if (!neighbour->link_layers) {
        __builtin_memcpy(neighbour->link_layer, mac, 6);
        neighbour->link_layers = 1;
    } else if (!mac_equal(neighbour->link_layer, mac)) {
        if (neighbour->link_layers == 2 && !mac_equal(neighbour->other_link_layer, mac))
            neighbour->link_layers = 3;
        else if (neighbour->link_layers == 1) {
            __builtin_memcpy(neighbour->other_link_layer, mac, 6);
            neighbour->link_layers = 2;
        }
    }
}

static long neighbour_option_step(__u32 n, void *context) {
    struct option_walker *walker = context;
    struct about_neighbour *neighbour = &walker->packet->about.neighbour;
    const __u8 *option;

    (void)n;
    if (walker->offset >= walker->end)
        return 1;
    if (walker->offset + 8 > walker->end) {
        walker->reason = REASON_MALFORMED;
        return 1;
    }
    option = frame_at(walker->frame, walker->offset, 8);
    if (!option) {
        walker->reason = frame_missing(walker->frame, walker->offset, 8);
        return 1;
    }
    if (!option[1] || walker->offset + option[1] * 8 > walker->end) {
        walker->reason = REASON_MALFORMED;
        return 1;
    }
    if (option[0] == ND_OPTION_SOURCE || option[0] == ND_OPTION_TARGET)
        neighbour_note(neighbour, option + 2);
    walker->offset += option[1] * 8;
    return 0;
}

/* Link-layer address options of neighbour discovery (RFC 4861, 4.6.1); what goes on for too long is marked.
 */
global_function int parse_neighbour_options(const struct headers *headers, struct packet *packet,
                                            __u32 offset, __u32 end) {
    struct frame frame = {};
    struct option_walker walker = {.frame = &frame, .packet = packet, .offset = offset, .end = end};

    if (!headers || !packet)
        return REASON_UNSUPPORTED;
    frame_of_headers(&frame, headers);
    kernel_loop(ND_OPTIONS_MAX, neighbour_option_step, &walker);
    if (walker.offset < end)
        packet->marks |= MARK_BAD_OPTIONS;
    return walker.reason;
}

/* Bytes up to the options of each message (RFC 4861, 4.1 to 4.5). */
static __always_inline __u32 neighbour_fixed(__u32 type) {
    switch (type) {
    case ND_ROUTER_SOLICIT:
        return 8;
    case ND_ROUTER_ADVERT:
        return 16;
    case ND_REDIRECT:
        return 40;
    default:
        return 24;
    }
}

static __always_inline __u32 parse_neighbour(const struct frame *frame, struct packet *packet,
                                             const struct walk *walk) {
    __u32 fixed = neighbour_fixed(packet->icmp_type);
    const __u8 *message;

    if (walk->end - walk->offset < fixed)
        return parse_truncated(packet);
    if (fixed == ND_TARGET_BYTES) {
        message = frame_at(frame, walk->offset, ND_TARGET_BYTES);
        if (!message)
            return frame_missing(frame, walk->offset, ND_TARGET_BYTES);
        address_copy(packet->about.neighbour.target, message + 8);
    }
    return parse_neighbour_options(frame->headers, packet, walk->offset + fixed, walk->end);
}

static __always_inline bool icmp_is_error(const struct packet *packet) {
    if (packet->key.protocol == PROTO_ICMPV6)
        return packet->icmp_type >= ICMPV6_UNREACHABLE && packet->icmp_type <= ICMPV6_PARAMETER;
    return packet->icmp_type == ICMP_UNREACHABLE || packet->icmp_type == ICMP_TIME_EXCEEDED ||
           packet->icmp_type == ICMP_PARAMETER;
}

static __always_inline __u32 parse_icmp(const struct frame *frame, struct packet *packet,
                                        const struct walk *walk) {
    const struct wire_icmp *icmp;

    packet->header = ICMP_BYTES;
    if (walk->end - walk->offset < ICMP_BYTES)
        return parse_truncated(packet);
    icmp = frame_at(frame, walk->offset, sizeof(*icmp));
    if (!icmp)
        return frame_missing(frame, walk->offset, sizeof(*icmp));
    packet->icmp_type = icmp->type;
    packet->icmp_code = icmp->code;
    packet->key.kind = icmp_kind(packet->key.protocol, icmp->type, packet->direction);
    if (packet->key.kind != KIND_PLAIN) {
        packet->key.local_port = packet->key.remote_port = icmp->id;
        return REASON_NONE;
    }
    if (icmp_is_error(packet))
        return quote_parse(frame->headers, packet, walk->offset + ICMP_BYTES, walk->end);
    if (packet->key.protocol == PROTO_ICMPV6 && packet->icmp_type >= ND_ROUTER_SOLICIT &&
        packet->icmp_type <= ND_REDIRECT && !(packet->marks & MARK_FRAGMENT_FIRST))
        return parse_neighbour(frame, packet, walk);
    return REASON_NONE;
}

/* IGMP speaks with its first byte; routers answer only whole messages. */
static __always_inline __u32 parse_igmp(const struct frame *frame, struct packet *packet,
                                        const struct walk *walk) {
    const __u8 *type;

    packet->header = ICMP_BYTES;
    if (walk->end - walk->offset < ICMP_BYTES)
        return parse_truncated(packet);
    type = frame_at(frame, walk->offset, 1);
    if (!type)
        return frame_missing(frame, walk->offset, 1);
    packet->icmp_type = *type;
    return REASON_NONE;
}

static __always_inline __u32 parse_walked(const struct frame *frame, struct packet *packet,
                                          const struct walk *walk) {
    packet->marks = walk->marks;
    packet->fragment_id = walk->fragment_id;
    packet->fragment_offset = walk->fragment_offset;
    packet->key.protocol = walk->protocol;
    if (walk->marks & (MARK_FRAGMENT_LATER | MARK_FRAGMENT_BAD))
        return REASON_NONE;
    switch (walk->protocol) {
    case PROTO_TCP:
        return parse_tcp(frame, packet, walk);
    case PROTO_UDP:
        return parse_udp(frame, packet, walk);
    case PROTO_ICMP:
    case PROTO_ICMPV6:
        if (!frame->headers)
            return PARSE_LONG;
        if (packet_is_icmp(packet))
            return parse_icmp(frame, packet, walk);
        return REASON_NONE;
    case PROTO_IGMP:
        if (!frame->headers)
            return PARSE_LONG;
        if (packet->family == 4)
            return parse_igmp(frame, packet, walk);
        return REASON_NONE;
    default:
        return REASON_NONE;
    }
}

global_function int parse_transport_long(const struct headers *headers, struct packet *packet,
                                         const struct walk *walk) {
    struct frame frame = {};
    __u32 reason, before;

    if (!headers || !packet || !walk)
        return REASON_UNSUPPORTED;
    frame_of_headers(&frame, headers);
    reason = parse_walked(&frame, packet, walk);
    before = walk->fragmented ? walk->offset - walk->fragmented : 0;
    packet->shielded = (before + packet->header + 7) / 8;
    return reason;
}

static __always_inline __u32 parse_transport(const struct frame *frame, struct packet *packet,
                                             const struct walk *walk) {
    return frame->headers ? (__u32)parse_transport_long(frame->headers, packet, walk)
                          : parse_walked(frame, packet, walk);
}

/* Sources that no packet has (RFC 1122 3.2.1.3, RFC 4291 2.7). */
static __always_inline bool parse_source_is_odd(const struct packet *packet) {
    const __u8 *source = packet_source(packet);

    return address_is_multicast(source, packet->family) || address_is_loopback(source, packet->family);
}

static __always_inline __u32 parse_ipv4(const struct frame *frame, struct packet *packet, __u32 offset) {
    const struct wire_ipv4 *ip = frame_at(frame, offset, sizeof(*ip));
    struct walk walk = {};
    __u32 header, length, fragment;

    if (!ip)
        return frame_missing(frame, offset, sizeof(*ip));
    header = (ip->version_ihl & 0x0f) * 4;
    length = read16(ip->length);
    if (!length && frame->segmented)
        length = frame->length - offset;
    /* Before 6.8 the verifier does not see that a length of 0 is less than a header of 20 to 60. */
    if (ip->version_ihl >> 4 != 4 || header < IPV4_BYTES || length < IPV4_BYTES || length < header ||
        offset + length > frame->length)
        return REASON_MALFORMED;
    packet->family = 4;
    packet->hop_limit = ip->ttl;
    address_map(packet_source_place(packet), ip->source);
    address_map(packet_destination_place(packet), ip->destination);
    if (parse_source_is_odd(packet))
        return REASON_MALFORMED;
    walk.offset = offset + header;
    walk.end = offset + length;
    walk.protocol = ip->protocol;
    fragment = read16(ip->fragment);
    if (!frame->headers && (header > IPV4_BYTES || fragment & (IPV4_MORE_FRAGMENTS | IPV4_OFFSET_MASK)))
        return PARSE_LONG;
    if (fragment & (IPV4_MORE_FRAGMENTS | IPV4_OFFSET_MASK) &&
        walk_fragment(&walk, walk.offset, (fragment & IPV4_OFFSET_MASK) * 8, fragment & IPV4_MORE_FRAGMENTS,
                      read16(ip->id)))
        return REASON_MALFORMED;
    if (header > IPV4_BYTES) {
        __u32 reason = walk_options(frame->headers, &walk, offset + IPV4_BYTES, header - IPV4_BYTES);

        if (reason)
            return reason;
    }
    return parse_transport(frame, packet, &walk);
}

static __always_inline __u32 parse_ipv6(const struct frame *frame, struct packet *packet, __u32 offset) {
    const struct wire_ipv6 *ip = frame_at(frame, offset, sizeof(*ip));
    struct walk walk = {};
    __u32 length, reason;

    if (!ip)
        return frame_missing(frame, offset, sizeof(*ip));
    length = read16(ip->payload);
    if (!length && frame->segmented)
        length = frame->length - offset - IPV6_BYTES;
    if (ip->version_class >> 4 != 6 || offset + IPV6_BYTES + length > frame->length ||
        address_is_mapped(ip->source) || address_is_mapped(ip->destination))
        return REASON_MALFORMED;
    packet->family = 6;
    packet->hop_limit = ip->hop_limit;
    address_copy(packet_source_place(packet), ip->source);
    address_copy(packet_destination_place(packet), ip->destination);
    if (parse_source_is_odd(packet))
        return REASON_MALFORMED;
    walk.offset = offset + IPV6_BYTES;
    walk.end = walk.offset + length;
    walk.protocol = ip->next;
    if (is_extension(walk.protocol)) {
        if (!frame->headers)
            return PARSE_LONG;
        reason = walk_extensions(frame->headers, &walk);
        if (reason)
            return reason;
    }
    return parse_transport(frame, packet, &walk);
}

static __always_inline __u32 parse_arp(const struct frame *frame, struct packet *packet, __u32 offset) {
    const struct wire_arp *arp = frame_at(frame, offset, sizeof(*arp));
    struct about_arp *about = &packet->about.arp;

    if (!arp)
        return frame_missing(frame, offset, sizeof(*arp));
    if (read16(arp->hardware) != ARP_ETHERNET || read16(arp->protocol) != ETHERTYPE_IPV4 ||
        arp->hardware_size != 6 || arp->protocol_size != 4)
        return REASON_MALFORMED;
    __builtin_memcpy(about->sender_mac, arp->sender_mac, 6);
    __builtin_memcpy(about->target_mac, arp->target_mac, 6);
    address_map(about->sender_address, arp->sender_address);
    return REASON_NONE;
}

/* Up to two tags, the outermost of which may stand beside the bytes. A priority tag (id 0) is no tag. */
static __always_inline __u32 parse_tags(const struct frame *frame, struct packet *packet, __u32 *offset) {
    __u32 tags = 0;

    if (!frame->headers)
        return frame->tagged || packet->ethertype == ETHERTYPE_VLAN || packet->ethertype == ETHERTYPE_QINQ
                   ? PARSE_LONG
                   : REASON_NONE;
    if (frame->tagged)
        packet->vlans[tags++] = frame->tag;
    for (int n = 0; n < 3; n++) {
        const struct wire_vlan *vlan;

        if (packet->ethertype != ETHERTYPE_VLAN && packet->ethertype != ETHERTYPE_QINQ)
            return REASON_NONE;
        if (tags >= 2)
            return REASON_UNSUPPORTED;
        vlan = frame_at(frame, *offset, sizeof(*vlan));
        if (!vlan)
            return frame_missing(frame, *offset, sizeof(*vlan));
        packet->vlans[tags & 1] = read16(vlan->tci) & VLAN_ID_MASK;
        tags++;
        packet->ethertype = read16(vlan->type);
        *offset += VLAN_BYTES;
    }
    return REASON_NONE;
}

/* Reads a frame into an empty packet whose direction is set. */
static __always_inline __u32 parse_frame(const struct frame *frame, struct packet *packet) {
    const struct wire_ethernet *ethernet = frame_at(frame, 0, sizeof(*ethernet));
    __u32 offset = ETHERNET_BYTES;
    __u32 reason;

    packet->length = frame->length;
    if (!ethernet)
        return frame_missing(frame, 0, sizeof(*ethernet));
    __builtin_memcpy(packet->destination_mac, ethernet->destination, 6);
    __builtin_memcpy(packet->source_mac, ethernet->source, 6);
    packet->ethertype = read16(ethernet->type);
    reason = parse_tags(frame, packet, &offset);
    if (reason)
        return reason;
    switch (packet->ethertype) {
    case ETHERTYPE_IPV4:
        return parse_ipv4(frame, packet, offset);
    case ETHERTYPE_IPV6:
        return parse_ipv6(frame, packet, offset);
    case ETHERTYPE_ARP:
    case ETHERTYPE_RARP:
        return frame->headers ? parse_arp(frame, packet, offset) : PARSE_LONG;
    default:
        return REASON_NONE;
    }
}

/* The long way: from a copy of the first bytes. REASON_NONE, or a reason to drop. */
global_function int parse_headers(const struct headers *headers, struct packet *packet) {
    struct frame frame = {};

    if (!headers || !packet)
        return REASON_UNSUPPORTED;
    frame_of_headers(&frame, headers);
    return parse_frame(&frame, packet);
}

#endif
