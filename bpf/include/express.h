/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The express way: a packet that goes on with a proven session, as nine of ten do.
 *
 *   untagged IPv4 without options or IPv6 without extension headers, whole; TCP without SYN, FIN, RST, or UDP
 * that is no DHCP; the guest's own MAC and a listed address; a session that both sides proved, alive, judged
 * under the present rules
 *
 * Of such a packet judge() would say `session`. Here the same is found out with less: no packet in a map, one
 * look-up that costs. Whatever is not so plain, or wrong in any way, goes the whole way through judge().
 */
#ifndef RINGWALL_EXPRESS_H
#define RINGWALL_EXPRESS_H

#include "judge.h"
#include "account.h"
#include "proven.h"

/* What is read of a frame, and what its session needs of it once it goes on. */
struct express {
    const struct wire_ethernet *ethernet;
    struct session_key *key; /* while the session is looked for */
    struct session *session;
    struct counter *counter;
    __u32 number; /* of the interface */
    __u32 direction;
    __u32 length;  /* of the frame, bytes */
    __u32 offset;  /* of the transport header */
    __u32 end;     /* of the IP packet */
    __u32 version; /* of the policy */
    __u32 now;
    __u32 sequence; /* TCP: after the last byte of the packet */
    bool is_tcp;
    bool unproven; /* there is no proven session of this key: judge() need not ask for it again */
};

/* No driver begins another piece of a frame before the first one holds so much: Ethernet's header, 1,500
 * bytes. */
enum { EXPRESS_PIECE = 1514 };

/* Bytes of the frame, whose IP packet ends at `end`. The kernel is not asked where they are beyond doubt: a
 * call costs as much as a look-up. */
static __always_inline __u32 express_length(const struct frame *frame, __u32 end) {
    __u32 first = frame->end - frame->data;

    if (!frame->pieces)
        return frame->length;
    return first == end && first <= EXPRESS_PIECE ? first : kernel_frame_length(frame->pieces);
}

static __always_inline bool port_is_dhcp(__u16 port) {
    return port - PORT_DHCP_SERVER <= 1U || port - PORT_DHCPV6_CLIENT <= 1U;
}

/* Beyond doubt no forgery: what spoof_check lets through without a look-up. The own address is in the key. */
static __always_inline bool express_is_own(const struct express *express, const struct interface *iface) {
    if (iface->flags & (INTERFACE_NOT_READY | INTERFACE_REMOVED | INTERFACE_SPOOF_OBSERVE))
        return false;
    if (!(iface->flags & INTERFACE_ANTI_SPOOFING))
        return true;
    if (express->direction == EGRESS)
        return mac_equal(express->ethernet->source, iface->mac) && own_inline(iface, express->key->local);
    return !(iface->flags & INTERFACE_OWNED) && mac_equal(express->ethernet->destination, iface->mac) &&
           !own_inline(iface, express->key->remote);
}

/* Has it no proven session? So it may be where the packet before it had none: then a look shows mostly that
 * its table need not be asked. Where that one had its session, as nearly always, nothing is asked here. */
static __always_inline bool express_is_strange(const struct express *express, __u32 hz) {
    return *(const volatile __u64 *)&express->counter->bytes & COUNTER_STRANGE &&
           !proven_may_be(express->key, hz, express->now);
}

/* Is the packet's session proven, alive and judged? Else judge() has to look. */
static __always_inline bool express_session(struct express *express, const struct interface *iface,
                                            __u32 state) {
    __u32 zero = 0, slot = iface->slot, generation;
    const struct settings *settings = map_lookup(rw_settings, &zero);
    const struct slot *live = map_lookup(rw_slots, &slot);
    struct session *session;
    __u64 word;

    express->counter = account_counter(express->number, express->direction, true, REASON_SESSION);
    /* unreachable: there are always settings; the verifier asks of every look-up */
    if (!settings || !live || !express->counter)
        return false;
    express->now = kernel_jiffies();
    /* This asks for the counter's line of the cache, too, which comes while the session's do: no load is
     * begun behind a function's return before it has returned. */
    express->unproven = express_is_strange(express, settings->hz);
    if (express->unproven)
        return false;
    session = session_lookup(state == STATE_TCP_ESTABLISHED ? TABLE_ESTABLISHED : TABLE_ANSWERED,
                             express->number, express->key);
    express->unproven = !session;
    if (!session)
        express->counter->bytes |= COUNTER_STRANGE;
    if (!session || session->state != state)
        return false;
    express->session = session;
    word = *(const volatile __u64 *)live;
    express->version = word;
    generation = word >> 32;
    if ((__s32)(iface->generation - generation) > 0)
        generation = iface->generation;
    if (!flags_allow(session, generation) || session->cell || !express->version || !settings->hz ||
        express->now - session->seen >= settings->timeouts[state])
        return false;
    /* Now and then a packet of each session goes the whole way, where rw_alive is told of it. */
    return !((session->seen ^ express->now) >> ALIVE_SHIFT);
}

/* The frame goes on: what judge() and account() leave behind of it. */
static __always_inline void express_account(const struct express *express, const struct interface *iface) {
    struct session *session = express->session;

    /* Both sides have acknowledged, or it would not be established: nothing else can change. */
    if (express->is_tcp)
        tcp_advance(session, express->direction, express->sequence);
    session->bytes += express->length;
    session->packets++;
    session->seen = express->now;
    express->counter->packets++;
    express->counter->bytes = (express->counter->bytes & ~COUNTER_STRANGE) + express->length;
    if (iface->flags & INTERFACE_TRACE) {
        struct verdict verdict = verdict_accept(REASON_SESSION);

        verdict.session = SESSION_ESTABLISHED;
        account_trace(&verdict, express->version);
    }
}

static __always_inline bool express_tcp(struct express *express, const struct interface *iface,
                                        const struct wire_tcp *tcp, const void *end) {
    __u32 header;

    if ((const void *)(tcp + 1) > end)
        return false;
    header = (tcp->offset >> 4) * 4;
    if (!(tcp->flags & TCP_FLAGS) || tcp->flags & (TCP_SYN | TCP_FIN | TCP_RST) || header < TCP_BYTES ||
        express->offset + header > express->end)
        return false;
    express->is_tcp = true;
    express->sequence = read32(tcp->sequence) + express->end - express->offset - header;
    express->key->local_port = express->direction == EGRESS ? tcp->source : tcp->destination;
    express->key->remote_port = express->direction == EGRESS ? tcp->destination : tcp->source;
    return express_session(express, iface, STATE_TCP_ESTABLISHED);
}

static __always_inline bool express_udp(struct express *express, const struct interface *iface,
                                        const struct wire_udp *udp, const void *end) {
    __u32 length;

    if ((const void *)(udp + 1) > end)
        return false;
    length = read16(udp->length);
    if (length < UDP_BYTES || express->offset + length > express->end || port_is_dhcp(read16(udp->source)) ||
        port_is_dhcp(read16(udp->destination)))
        return false;
    express->key->local_port = express->direction == EGRESS ? udp->source : udp->destination;
    express->key->remote_port = express->direction == EGRESS ? udp->destination : udp->source;
    return express_session(express, iface, STATE_UDP_REPLIED);
}

/* What follows an IP header so plain that nothing else can. */
static __always_inline bool express_transport(struct express *express, const struct frame *frame,
                                              const struct interface *iface, const void *transport,
                                              __u32 protocol) {
    express->length = express_length(frame, express->end);
    if (express->end > express->length || express->end < express->offset || !express_is_own(express, iface))
        return false;
    express->key->protocol = protocol;
    express->key->kind = KIND_PLAIN;
    express->key->zero = 0;
    if (protocol == PROTO_TCP)
        return express_tcp(express, iface, transport, frame->end);
    if (protocol == PROTO_UDP)
        return express_udp(express, iface, transport, frame->end);
    return false;
}

static __always_inline __u8 *express_source(const struct express *express) {
    return express->direction == EGRESS ? express->key->local : express->key->remote;
}

static __always_inline __u8 *express_destination(const struct express *express) {
    return express->direction == EGRESS ? express->key->remote : express->key->local;
}

static __always_inline bool express_ipv4(struct express *express, const struct frame *frame,
                                         const struct interface *iface, const struct wire_ipv4 *ip) {
    if ((void *)(ip + 1) > frame->end || ip->version_ihl != 0x45 ||
        ip->fragment & __builtin_bswap16(IPV4_MORE_FRAGMENTS | IPV4_OFFSET_MASK))
        return false;
    address_map(express_source(express), ip->source);
    address_map(express_destination(express), ip->destination);
    express->offset = ETHERNET_BYTES + IPV4_BYTES;
    express->end = ETHERNET_BYTES + read16(ip->length);
    return express_transport(express, frame, iface, ip + 1, ip->protocol);
}

static __always_inline bool express_ipv6(struct express *express, const struct frame *frame,
                                         const struct interface *iface, const struct wire_ipv6 *ip) {
    if ((void *)(ip + 1) > frame->end || ip->version_class >> 4 != 6 || address_is_mapped(ip->source) ||
        address_is_mapped(ip->destination))
        return false;
    address_copy(express_source(express), ip->source);
    address_copy(express_destination(express), ip->destination);
    express->offset = ETHERNET_BYTES + IPV6_BYTES;
    express->end = ETHERNET_BYTES + IPV6_BYTES + read16(ip->payload);
    return express_transport(express, frame, iface, ip + 1, ip->next);
}

/* True: the frame is its session's, and goes on: nothing is written before express_account(). */
static __always_inline bool express_finds(struct express *express, const struct frame *frame,
                                          const struct interface *iface, __u32 record, __u32 direction) {
    const struct wire_ethernet *ethernet = frame->data;
    struct session_key key;

    express->ethernet = ethernet;
    express->key = &key;
    express->direction = direction;
    /* Not iface->number, which is the same: the table is then found before the record has come. */
    express->number = record / RECORDS_PER_INTERFACE;
    keep_order(express->number);
    if (frame->tagged || (void *)(ethernet + 1) > frame->end)
        return false;
    if (ethernet->type == __builtin_bswap16(ETHERTYPE_IPV4))
        return express_ipv4(express, frame, iface, (void *)(ethernet + 1));
    if (ethernet->type == __builtin_bswap16(ETHERTYPE_IPV6))
        return express_ipv6(express, frame, iface, (void *)(ethernet + 1));
    return false;
}

#endif
