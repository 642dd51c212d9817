/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What an uplink has just dropped by the rules, remembered for the rest of a tick of the clock (jiffy): of a
 * flood, the frames that differ from it in nothing that a rule asks about are dropped by one look into an
 * array, and one into another that says that no session of theirs is alive (alive.h).
 *
 *   untagged, plain IPv4 or IPv6, whole; UDP or TCP; for the same MAC, address and port, from the same
 * address; judged by the same version and generation; no event is due
 *
 * Of such a frame judge() would say the same again. Whatever is not so plain goes the whole way. A tick
 * bounds how long a change of what an uplink may judge (rw_uplinks, the host's MACs) can go unseen.
 */
#ifndef RINGWALL_DENIED_H
#define RINGWALL_DENIED_H

#include "express.h"

enum { DENIED_SEGMENT = 1 }; /* in the key's `kind`: TCP that is no SYN, which the midstream setting judges */

/* A frame of the uplink as the rules see it. */
struct denied_frame {
    const struct wire_ethernet *ethernet;
    struct session_key *key; /* of its session */
    __u64 ends;              /* ends_hash() of it */
    __u32 segment;           /* DENIED_SEGMENT, or 0 */
    __u32 length;            /* of the frame, bytes */
};

/* Services that always work are not judged by rules alone. */
static __always_inline bool denied_is_dhcp(__be16 local_port) {
    return local_port == __builtin_bswap16(PORT_DHCP_CLIENT) ||
           local_port == __builtin_bswap16(PORT_DHCPV6_CLIENT);
}

/* 0 is no entry's: there stands the tick of the last one. */
static __always_inline __u32 denied_place(__u64 ends) {
    return 1 + (ends >> (64 - DENIED_BITS));
}

/* Version and generation that an interface's packets are judged under now. */
static __always_inline __u64 denied_moment(const struct interface *iface) {
    __u32 slot = iface->slot;
    const struct slot *live = map_lookup(rw_slots, &slot);
    __u64 word;

    /* unreachable: the verifier asks of every look-up */
    if (!live)
        return 0;
    word = *(const volatile __u64 *)live;
    if ((__s32)(iface->generation - (__u32)(word >> 32)) > 0)
        word = (__u64)iface->generation << 32 | (__u32)word;
    return word;
}

/* Was a frame like this one dropped in this tick? NULL: not that it were remembered. */
static __always_inline const struct denied *denied_find(const struct denied_frame *frame, __u32 ifindex,
                                                        __u32 now) {
    const struct session_key *key = frame->key;
    __u32 place = denied_place(frame->ends);
    const struct denied *denied = map_lookup(rw_denied, &place);

    /* unreachable: the verifier asks of every look-up */
    if (!denied)
        return NULL;
    if (denied->tick != now || denied->ifindex != ifindex || denied->local_port != key->local_port ||
        denied->protocol != key->protocol || denied->segment != frame->segment ||
        !mac_equal(denied->mac, frame->ethernet->destination) || !address_equal(denied->local, key->local) ||
        !address_equal(denied->remote, key->remote))
        return NULL;
    return denied;
}

/* The interface that drops it, where it would do so again and nothing is to be told. */
static __always_inline const struct interface *denied_interface(const struct denied *denied,
                                                                const struct denied_frame *frame, __u32 now) {
    __u32 zero = 0, record = denied->record;
    const struct settings *settings = map_lookup(rw_settings, &zero);
    const struct interface *iface = map_lookup(rw_interfaces, &record);

    /* unreachable: the verifier asks of every look-up */
    if (!iface || !settings)
        return NULL;
    if (iface->flags & INTERFACE_TRACE || denied_moment(iface) != denied->moment ||
        (frame->segment && settings->flags & SETTING_MIDSTREAM_DROP) ||
        !rate_is_spent(iface->number, RATES_EVENTS + denied->reason, settings->events_per_second,
                       settings->hz, now))
        return NULL;
    if (!alive_may_be(frame->ends, settings, now))
        return iface;
    /* In this order: a session that another CPU proves meanwhile is in the other table before it leaves here.
     */
    return opening_has(iface->number, frame->key) ||
                   session_lookup(table_of_proven(frame->key), iface->number, frame->key)
               ? NULL
               : iface;
}

/* Ports, where the transport header is whole and nothing of it is malformed. */
static __always_inline bool denied_transport(struct denied_frame *frame, const void *transport,
                                             const void *end, __u32 room) {
    const struct wire_tcp *tcp = transport;
    const struct wire_udp *udp = transport;
    struct session_key *key = frame->key;

    key->kind = KIND_PLAIN;
    key->zero = 0;
    if ((const void *)(udp + 1) > end)
        return false;
    key->remote_port = udp->source;
    key->local_port = udp->destination;
    if (key->protocol == PROTO_UDP)
        return read16(udp->length) >= UDP_BYTES && read16(udp->length) <= room;
    if (key->protocol != PROTO_TCP || (const void *)(tcp + 1) > end || (tcp->offset >> 4) * 4 < TCP_BYTES ||
        (tcp->offset >> 4) * 4U > room || !(tcp->flags & TCP_FLAGS) ||
        (tcp->flags & TCP_SYN && tcp->flags & (TCP_FIN | TCP_RST)))
        return false;
    frame->segment = (tcp->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN ? 0 : DENIED_SEGMENT;
    return true;
}

/* False: not a frame that is remembered. */
static __always_inline bool denied_parse(struct denied_frame *frame, const struct frame *bytes) {
    const struct wire_ethernet *ethernet = bytes->data;
    const struct wire_ipv4 *ipv4 = (const void *)(ethernet + 1);
    const struct wire_ipv6 *ipv6 = (const void *)(ethernet + 1);
    __u32 end;

    if ((const void *)(ipv4 + 1) > bytes->end)
        return false;
    frame->ethernet = ethernet;
    if (ethernet->type == __builtin_bswap16(ETHERTYPE_IPV4)) {
        if (ipv4->version_ihl != 0x45 ||
            ipv4->fragment & __builtin_bswap16(IPV4_MORE_FRAGMENTS | IPV4_OFFSET_MASK))
            return false;
        end = ETHERNET_BYTES + read16(ipv4->length);
        frame->length = express_length(bytes, end);
        address_map(frame->key->local, ipv4->destination);
        address_map(frame->key->remote, ipv4->source);
        frame->key->protocol = ipv4->protocol;
        return end >= ETHERNET_BYTES + IPV4_BYTES && end <= frame->length &&
               denied_transport(frame, ipv4 + 1, bytes->end, end - ETHERNET_BYTES - IPV4_BYTES);
    }
    if (ethernet->type != __builtin_bswap16(ETHERTYPE_IPV6) || (const void *)(ipv6 + 1) > bytes->end ||
        ipv6->version_class >> 4 != 6 || address_is_mapped(ipv6->source) ||
        address_is_mapped(ipv6->destination))
        return false;
    end = ETHERNET_BYTES + IPV6_BYTES + read16(ipv6->payload);
    frame->length = express_length(bytes, end);
    address_copy(frame->key->local, ipv6->destination);
    address_copy(frame->key->remote, ipv6->source);
    frame->key->protocol = ipv6->next;
    return end <= frame->length &&
           denied_transport(frame, ipv6 + 1, bytes->end, end - ETHERNET_BYTES - IPV6_BYTES);
}

/* True: the frame is dropped as one like it just was, and counted. */
static __always_inline bool denied_drops(struct xdp_md *ctx) {
    __u32 zero = 0, now = kernel_jiffies();
    const struct denied *denied = map_lookup(rw_denied, &zero);
    const struct interface *iface;
    struct frame bytes = {};
    struct session_key key;
    struct denied_frame frame = {.key = &key};

    /* unreachable: the verifier asks of every look-up */
    if (!denied)
        return false;
    if (denied->tick != now)
        return false;
    context_frame(&bytes, ctx, HOOK_UPLINK);
    if (!denied_parse(&frame, &bytes))
        return false;
    frame.ends = ends_hash(&key);
    denied = denied_find(&frame, ctx->ingress_ifindex, now);
    iface = denied ? denied_interface(denied, &frame, now) : NULL;
    if (!iface)
        return false;
    account_add(account_counter(iface->number, INGRESS, false, denied->reason), frame.length);
    account_lost(LOST_RATE);
    return true;
}

/* Remembers a verdict that stands on nothing but what denied_find() compares: the rules', which alone name a
 * side. `mac`: the frame's. */
static __always_inline void denied_remember(const struct packet *packet, __u32 ifindex, const __u8 *mac) {
    const struct session_key *key = &packet->key;
    __u32 zero = 0, version = packet->version, place = denied_place(ends_hash(key));
    const struct policy *policy = map_lookup(rw_policies, &version);
    struct denied *last = map_lookup(rw_denied, &zero), *denied = map_lookup(rw_denied, &place);

    /* unreachable: the verifier asks of every look-up */
    if (!policy || !last || !denied)
        return;
    if (policy->sides[INGRESS].flags & (SIDE_SOURCE_PORTS | SIDE_EXPIRES) ||
        packet->verdict.rule_side != INGRESS || (key->protocol != PROTO_TCP && key->protocol != PROTO_UDP) ||
        packet->marks & MARK_FRAGMENT || denied_is_dhcp(key->local_port))
        return;
    address_copy(denied->local, key->local);
    address_copy(denied->remote, key->remote);
    denied->local_port = key->local_port;
    denied->protocol = key->protocol;
    denied->segment = key->protocol == PROTO_TCP && !tcp_is_opening_syn(packet) ? DENIED_SEGMENT : 0;
    denied->reason = packet->verdict.reason;
    denied->ifindex = ifindex;
    denied->record = packet->record;
    __builtin_memcpy(denied->mac, mac, 6);
    denied->moment = (__u64)packet->generation << 32 | packet->version;
    denied->tick = last->tick = kernel_jiffies();
}

#endif
