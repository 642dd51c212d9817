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

/* What is read of a frame. */
struct express {
    const struct wire_ethernet *ethernet;
    struct session_key *key;
    __u32 direction;
    __u32 length;  /* of the frame, bytes */
    __u32 offset;  /* of the transport header */
    __u32 end;     /* of the IP packet */
    __u32 version; /* of the policy */
};

/* The transport's first bytes, where an IP header is so plain that nothing else can follow. NULL: it is not.
 */
static __always_inline const void *express_ip(struct express *express, const void *data, const void *end) {
    const struct wire_ethernet *ethernet = data;
    const struct wire_ipv4 *ipv4 = (const void *)(ethernet + 1);
    const struct wire_ipv6 *ipv6 = (const void *)(ethernet + 1);
    struct session_key *key = express->key;
    __u8 *source = express->direction == EGRESS ? key->local : key->remote;
    __u8 *destination = express->direction == EGRESS ? key->remote : key->local;

    express->ethernet = ethernet;
    if ((const void *)(ipv4 + 1) > end)
        return NULL;
    if (ethernet->type == __builtin_bswap16(ETHERTYPE_IPV4)) {
        if (ipv4->version_ihl != 0x45 ||
            ipv4->fragment & __builtin_bswap16(IPV4_MORE_FRAGMENTS | IPV4_OFFSET_MASK))
            return NULL;
        address_map(source, ipv4->source);
        address_map(destination, ipv4->destination);
        key->protocol = ipv4->protocol;
        express->offset = ETHERNET_BYTES + IPV4_BYTES;
        express->end = ETHERNET_BYTES + read16(ipv4->length);
        return ipv4 + 1;
    }
    if (ethernet->type != __builtin_bswap16(ETHERTYPE_IPV6) || (const void *)(ipv6 + 1) > end ||
        ipv6->version_class >> 4 != 6 || address_is_mapped(ipv6->source) ||
        address_is_mapped(ipv6->destination))
        return NULL;
    address_copy(source, ipv6->source);
    address_copy(destination, ipv6->destination);
    key->protocol = ipv6->next;
    express->offset = ETHERNET_BYTES + IPV6_BYTES;
    express->end = ETHERNET_BYTES + IPV6_BYTES + read16(ipv6->payload);
    return ipv6 + 1;
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

/* The packet's session, where it is proven, alive and judged. NULL: judge() has to look. */
static __always_inline struct session *express_session(struct express *express, const struct interface *iface,
                                                       __u32 state, __u32 now) {
    __u32 zero = 0, slot = iface->slot, generation;
    const struct settings *settings = map_lookup(rw_settings, &zero);
    const struct slot *live = map_lookup(rw_slots, &slot);
    struct session *session;
    __u64 word;

    if (!settings || !live)
        return NULL;
    session = session_lookup(state == STATE_TCP_ESTABLISHED ? TABLE_ESTABLISHED : TABLE_ANSWERED,
                             iface->number, express->key);
    if (!session || session->state != state)
        return NULL;
    word = *(const volatile __u64 *)live;
    express->version = word;
    generation = word >> 32;
    if ((__s32)(iface->generation - generation) > 0)
        generation = iface->generation;
    if (session->flags & SESSION_REVOKED || session->cell || session->generation != generation ||
        !express->version || !settings->hz || now - session->seen >= settings->timeouts[state])
        return NULL;
    return session;
}

/* What judge() and account() leave behind of it. */
static __always_inline void express_account(const struct express *express, const struct interface *iface,
                                            struct session *session, __u32 now) {
    session->bytes += express->length;
    session->packets++;
    session->seen = now;
    account_add(iface->number, express->direction, true, REASON_SESSION, express->length);
    if (iface->flags & INTERFACE_TRACE) {
        struct verdict verdict = verdict_accept(REASON_SESSION);

        verdict.session = SESSION_ESTABLISHED;
        account_trace(&verdict, express->version);
    }
}

static __always_inline bool express_tcp(struct express *express, const struct interface *iface,
                                        const struct wire_tcp *tcp, const void *end) {
    __u32 now = kernel_jiffies(), header, payload;
    struct session *session;

    if ((const void *)(tcp + 1) > end)
        return false;
    header = (tcp->offset >> 4) * 4;
    if (!(tcp->flags & TCP_FLAGS) || tcp->flags & (TCP_SYN | TCP_FIN | TCP_RST) || header < TCP_BYTES ||
        express->offset + header > express->end)
        return false;
    payload = express->end - express->offset - header;
    express->key->local_port = express->direction == EGRESS ? tcp->source : tcp->destination;
    express->key->remote_port = express->direction == EGRESS ? tcp->destination : tcp->source;
    session = express_session(express, iface, STATE_TCP_ESTABLISHED, now);
    if (!session)
        return false;
    /* Both sides have acknowledged, or it would not be established: nothing else can change. */
    tcp_advance(session, express->direction, read32(tcp->sequence) + payload);
    express_account(express, iface, session, now);
    return true;
}

static __always_inline bool express_udp(struct express *express, const struct interface *iface,
                                        const struct wire_udp *udp, const void *end) {
    __u32 now = kernel_jiffies(), length;
    struct session *session;

    if ((const void *)(udp + 1) > end)
        return false;
    length = read16(udp->length);
    if (length < UDP_BYTES || express->offset + length > express->end || port_is_dhcp(read16(udp->source)) ||
        port_is_dhcp(read16(udp->destination)))
        return false;
    express->key->local_port = express->direction == EGRESS ? udp->source : udp->destination;
    express->key->remote_port = express->direction == EGRESS ? udp->destination : udp->source;
    session = express_session(express, iface, STATE_UDP_REPLIED, now);
    if (!session)
        return false;
    express_account(express, iface, session, now);
    return true;
}

/* True: the frame is accepted as its session's, and counted. */
static __always_inline bool express_passes(const struct frame *frame, const struct interface *iface,
                                           __u32 direction) {
    struct session_key key = {};
    struct express express = {.key = &key, .direction = direction, .length = frame->length};
    const void *transport;

    if (frame->tagged)
        return false;
    transport = express_ip(&express, frame->data, frame->end);
    if (!transport || express.end > frame->length || express.end < express.offset ||
        !express_is_own(&express, iface))
        return false;
    if (key.protocol == PROTO_TCP)
        return express_tcp(&express, iface, transport, frame->end);
    if (key.protocol == PROTO_UDP)
        return express_udp(&express, iface, transport, frame->end);
    return false;
}

#endif
