/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a frame's bytes to struct packet. The last stage that touches bytes. Answers REASON_NONE, a reason to
 * drop (malformed, unsupported), or PARSE_LONG where the quick way ends (frame.h).
 */
#ifndef RINGWALL_PARSE_H
#define RINGWALL_PARSE_H

#include "transport.h"
#include "address.h"

/* Addresses by side: the guest's is local, whichever way the packet goes. */
static __always_inline __u8 *packet_source_place(struct packet *packet) {
    return packet->direction == EGRESS ? packet->key.local : packet->key.remote;
}

static __always_inline __u8 *packet_destination_place(struct packet *packet) {
    return packet->direction == EGRESS ? packet->key.remote : packet->key.local;
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
    about->operation = read16(arp->operation);
    return REASON_NONE;
}

static __always_inline bool is_tag(__u32 ethertype) {
    return ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_QINQ;
}

/* Up to two tags, the outermost of which may stand beside the bytes. A priority tag (id 0) is no tag. */
static __always_inline __u32 parse_tags(const struct frame *frame, struct packet *packet, __u32 *offset) {
    __u32 tags = 0;

    if (!frame->headers)
        return frame->tagged || is_tag(packet->ethertype) ? PARSE_LONG : REASON_NONE;
    if (frame->tagged)
        packet->vlans[tags++] = frame->tag;
    for (; tags < 2 && is_tag(packet->ethertype); tags++) {
        const struct wire_vlan *vlan = frame_at(frame, *offset, sizeof(*vlan));

        if (!vlan)
            return frame_missing(frame, *offset, sizeof(*vlan));
        packet->vlans[tags & 1] = read16(vlan->tci) & VLAN_ID_MASK;
        packet->ethertype = read16(vlan->type);
        *offset += VLAN_BYTES;
    }
    return is_tag(packet->ethertype) ? REASON_UNSUPPORTED : REASON_NONE;
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

    /* unreachable: the verifier asks of every argument */
    if (!headers || !packet)
        return REASON_UNSUPPORTED;
    frame_of_headers(&frame, headers);
    return parse_frame(&frame, packet);
}

#endif
