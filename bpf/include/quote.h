/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The packet that an ICMP error quotes, as a session key of this interface (RFC 792, RFC 4443, RFC 5508). */
#ifndef RINGWALL_QUOTE_H
#define RINGWALL_QUOTE_H

#include "walk.h"
#include "address.h"

/* Which session an ICMP message belongs to: by kind and by who asked. KIND_PLAIN: to none. `direction`: of
 * the message. */
static __always_inline __u32 icmp_kind(__u32 protocol, __u32 type, __u32 direction) {
    if (protocol == PROTO_ICMPV6) {
        if (type == ICMPV6_ECHO)
            return direction == EGRESS ? KIND_ECHO_BY_LOCAL : KIND_ECHO_BY_REMOTE;
        if (type == ICMPV6_ECHO_REPLY)
            return direction == EGRESS ? KIND_ECHO_BY_REMOTE : KIND_ECHO_BY_LOCAL;
        return KIND_PLAIN;
    }
    switch (type) {
    case ICMP_ECHO:
        return direction == EGRESS ? KIND_ECHO_BY_LOCAL : KIND_ECHO_BY_REMOTE;
    case ICMP_ECHO_REPLY:
        return direction == EGRESS ? KIND_ECHO_BY_REMOTE : KIND_ECHO_BY_LOCAL;
    case ICMP_TIMESTAMP:
        return direction == EGRESS ? KIND_TIMESTAMP_BY_LOCAL : KIND_TIMESTAMP_BY_REMOTE;
    case ICMP_TIMESTAMP_REPLY:
        return direction == EGRESS ? KIND_TIMESTAMP_BY_REMOTE : KIND_TIMESTAMP_BY_LOCAL;
    default:
        return KIND_PLAIN;
    }
}

/* The quoted packet went the other way: what an ingress error quotes was sent by the guest. */
static __always_inline __u32 quote_direction(const struct packet *packet) {
    return packet->direction == INGRESS ? EGRESS : INGRESS;
}

static __always_inline void quote_addresses(struct session_key *quoted, const struct packet *packet,
                                            const __u8 *source, const __u8 *destination) {
    bool egress = quote_direction(packet) == EGRESS;

    address_copy(egress ? quoted->local : quoted->remote, source);
    address_copy(egress ? quoted->remote : quoted->local, destination);
}

/* Eight bytes of a transport header are always quoted; more is not asked for. */
static __always_inline void quote_transport(struct packet *packet, const struct walk *walk,
                                            const __u8 *bytes) {
    struct session_key *quoted = &packet->about.quoted;
    const struct wire_icmp *icmp = (const void *)bytes;
    const struct wire_udp *ports = (const void *)bytes;

    quoted->protocol = walk->protocol;
    if (walk->protocol == (packet->family == 4 ? PROTO_ICMP : PROTO_ICMPV6)) {
        quoted->kind = icmp_kind(walk->protocol, icmp->type, quote_direction(packet));
        if (quoted->kind == KIND_PLAIN)
            return;
        quoted->local_port = quoted->remote_port = icmp->id;
    } else if (walk->protocol == PROTO_TCP || walk->protocol == PROTO_UDP) {
        quoted->local_port = quote_direction(packet) == EGRESS ? ports->source : ports->destination;
        quoted->remote_port = quote_direction(packet) == EGRESS ? ports->destination : ports->source;
    }
    packet->marks |= MARK_QUOTED;
}

/* The quoted IP header; QUOTE_UNKNOWN where it is none that could be matched. */
enum { QUOTE_UNKNOWN = 254 };

static __always_inline __u32 quote_ipv4(const struct frame *frame, struct packet *packet, struct walk *walk) {
    const struct wire_ipv4 *ip = frame_at(frame, walk->offset, sizeof(*ip));
    __u8 source[16], destination[16];
    __u32 header;

    if (!ip)
        return frame_missing(frame, walk->offset, sizeof(*ip));
    header = (ip->version_ihl & 0x0f) * 4;
    if (ip->version_ihl >> 4 != 4 || header < IPV4_BYTES || read16(ip->fragment) & IPV4_OFFSET_MASK)
        return QUOTE_UNKNOWN;
    address_map(source, ip->source);
    address_map(destination, ip->destination);
    quote_addresses(&packet->about.quoted, packet, source, destination);
    walk->protocol = ip->protocol;
    walk->offset += header;
    return REASON_NONE;
}

static __always_inline __u32 quote_ipv6(const struct frame *frame, struct packet *packet, struct walk *walk) {
    const struct wire_ipv6 *ip = frame_at(frame, walk->offset, sizeof(*ip));
    __u32 reason;

    if (!ip)
        return frame_missing(frame, walk->offset, sizeof(*ip));
    if (ip->version_class >> 4 != 6)
        return QUOTE_UNKNOWN;
    quote_addresses(&packet->about.quoted, packet, ip->source, ip->destination);
    walk->protocol = ip->next;
    walk->offset += IPV6_BYTES;
    if (!is_extension(walk->protocol))
        return REASON_NONE;
    reason = walk_extensions(frame->headers, walk);
    if (reason)
        return reason;
    return walk->marks & (MARK_FRAGMENT_LATER | MARK_FRAGMENT_BAD) ? QUOTE_UNKNOWN : REASON_NONE;
}

/* A quote that cannot be read leaves the error to the rules. */
global_function int quote_parse(const struct headers *headers, struct packet *packet, __u32 offset,
                                __u32 end) {
    struct frame frame = {};
    struct walk walk = {.offset = offset, .end = end};
    const __u8 *bytes;
    __u32 reason;

    /* unreachable: the verifier asks of every argument */
    if (!headers || !packet)
        return REASON_UNSUPPORTED;
    frame_of_headers(&frame, headers);
    reason = packet->family == 4 ? quote_ipv4(&frame, packet, &walk) : quote_ipv6(&frame, packet, &walk);
    if (reason || walk.offset + 8 > end)
        return REASON_NONE;
    bytes = frame_at(&frame, walk.offset, 8);
    if (bytes)
        quote_transport(packet, &walk, bytes);
    return REASON_NONE;
}

#endif
