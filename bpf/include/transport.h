/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Transport headers into struct packet: TCP, UDP, ICMP, IGMP. Others have no ports. */
#ifndef RINGWALL_TRANSPORT_H
#define RINGWALL_TRANSPORT_H

#include "neighbour.h"
#include "quote.h"

/* Ports by side: the guest's is local, whichever way the packet goes. */
static __always_inline void packet_set_ports(struct packet *packet, __be16 source, __be16 destination) {
    bool egress = packet->direction == EGRESS;

    packet->key.local_port = egress ? source : destination;
    packet->key.remote_port = egress ? destination : source;
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
    /* unreachable: extension headers are bounded, so the copy holds every transport header */
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
    /* unreachable: IPv4 options are bounded, so the copy holds every transport header */
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

    /* unreachable: the verifier asks of every argument */
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

#endif
