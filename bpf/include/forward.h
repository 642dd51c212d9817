/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Direct forwarding: where an accepted frame goes past its bridge.
 *
 *   guest or uplink ──▶ bridge ──▶ guest        the kernel's way: always right
 *          └──────────────────────▶ guest       the direct way: where the bridge would do nothing else
 *
 * Which devices and MACs these are the agent says (rw_ports, rw_direct); here stands which frames: unicast
 * IP, untagged, from the sender's own MAC, no longer than the bridge would hand on. A frame of each sender
 * goes the bridge's way now and then, so that the bridge goes on learning. Without an skb, what the skb knew
 * of a checksum is lost; so there the checksum has to stand in the bytes.
 */
#ifndef RINGWALL_FORWARD_H
#define RINGWALL_FORWARD_H

#include "express.h"
#include "sum.h"

/* Of an IP packet with UDP in it: what is shorter carries none. */
enum { INNER_BYTES_MIN = 28 };

/* The bridge of a device whose frames may go past it; 0: they may not, as nearly everywhere. So this is asked
 * before anything is called. */
static __always_inline __u32 forward_bridge(__u32 ifindex) {
    __u32 near = ifindex & (DEVICES_NEAR - 1);
    const struct bridge_port *port = map_lookup(rw_ports, &near);
    __u64 word;

    /* unreachable: the verifier asks of every look-up */
    if (!port)
        return 0;
    /* Device and bridge in one read: they change together. */
    word = *(const volatile __u64 *)port;
    return (__u32)word == ifindex ? word >> 32 : 0;
}

/* Where this bridge has the frame's destination; NULL: not known beyond doubt. `key`: bridge and MAC. */
static __always_inline const struct direct *forward_find(__u32 ifindex, const struct wire_ethernet *ethernet,
                                                         struct direct_key *key) {
    const struct direct *direct;

    key->bridge = forward_bridge(ifindex);
    if (!key->bridge)
        return NULL;
    __builtin_memcpy(key->mac, ethernet->destination, 6);
    direct = map_lookup(rw_direct, key);
    return direct && direct->ifindex != ifindex ? direct : NULL;
}

/* The record that judges what reaches the device is still that of this MAC. */
static __always_inline bool forward_meets(const struct interface *target,
                                          const struct wire_ethernet *ethernet) {
    return target && mac_equal(target->mac, ethernet->destination);
}

/* Two guests of one network, and the sender's own MAC: of others nobody counts when the bridge saw them. */
static __always_inline bool forward_leaves(const struct interface *sender, const struct interface *target,
                                           const struct wire_ethernet *ethernet) {
    return sender && sender->network == target->network && mac_equal(sender->mac, ethernet->source);
}

/* Is it so long since the bridge was shown a frame? `take`: then it is shown this one. */
static __always_inline bool forward_is_due(__u32 *shown, bool take) {
    __u32 zero = 0, now = kernel_jiffies();
    const struct settings *settings = map_lookup(rw_settings, &zero);

    /* unreachable: the verifier asks of every look-up */
    if (!shown || !settings)
        return true;
    /* Without jiffies a second no time is short. */
    if (now - *shown < settings->hz * LEARN_SECONDS)
        return false;
    if (take)
        *shown = now;
    return true;
}

/* The bridge is due to be shown a frame of the guest on this device. XDP leaves such a frame to tc, and tc,
 * the last that could send it past the bridge, takes it. */
static __always_inline bool forward_guest_is_due(__u32 ifindex, bool take) {
    __u32 near = ifindex & (DEVICES_NEAR - 1);

    return forward_is_due(map_lookup(rw_learnt, &near), take);
}

/* The same of a MAC behind an uplink. */
static __always_inline bool forward_outer_is_due(__u32 bridge, const __u8 *mac) {
    struct direct_key key = {.bridge = bridge};
    __u32 *shown, now = kernel_jiffies();

    __builtin_memcpy(key.mac, mac, 6);
    shown = map_lookup(rw_heard, &key);
    if (shown)
        return forward_is_due(shown, true);
    map_update(rw_heard, &key, &now, 0);
    return true;
}

/*
 * A sender that leaves the checksum to its device (CHECKSUM_PARTIAL; segments always) has put the
 * pseudo-header's sum in its place. So may the packet inside of a tunnel over UDP, whose outer header cannot
 * tell; but then the outer checksum is none, or wrong as the bytes stand.
 */
static __always_inline bool forward_transport(const void *transport, const void *end, __u32 protocol,
                                              struct forward_sum *sum) {
    const struct wire_tcp *tcp = transport;
    const struct wire_udp *udp = transport;

    if (protocol == PROTO_ICMP) {
        sum->offset = 0;
        return true;
    }
    if (protocol == PROTO_TCP) {
        sum->offset = 0;
        return (const void *)(tcp + 1) <= end && tcp->checksum != sum_fold(sum->pseudo);
    }
    if (protocol != PROTO_UDP || (const void *)(udp + 1) > end || !udp->checksum)
        return false;
    if (sum->length < UDP_BYTES + INNER_BYTES_MIN) {
        sum->offset = 0;
        return udp->checksum != sum_fold(sum->pseudo);
    }
    return true;
}

/* A frame in pieces goes the other way: few devices take those. */
static __always_inline bool forward_is_linear(const struct frame *frame, const struct forward_sum *sum) {
    return express_length(frame, sum->offset + sum->length) == frame->end - frame->data;
}

/* Can the frame go on without its skb? Plain TCP or UDP, or ICMP in IPv4, whole. */
static __always_inline bool forward_is_plain(const struct frame *frame, struct forward_sum *sum) {
    const struct wire_ethernet *ethernet = frame->data;
    const struct wire_ipv4 *ipv4 = (const void *)(ethernet + 1);
    const struct wire_ipv6 *ipv6 = (const void *)(ethernet + 1);
    __u32 protocol;

    if ((const void *)(ipv4 + 1) > frame->end)
        return false;
    if (ethernet->type == __builtin_bswap16(ETHERTYPE_IPV4)) {
        if (ipv4->version_ihl != 0x45 ||
            ipv4->fragment & __builtin_bswap16(IPV4_MORE_FRAGMENTS | IPV4_OFFSET_MASK))
            return false;
        protocol = ipv4->protocol;
        sum->offset = ETHERNET_BYTES + IPV4_BYTES;
        sum->length = read16(ipv4->length) - IPV4_BYTES;
        if (!forward_is_linear(frame, sum))
            return false;
        sum->pseudo = sum_pseudo((const __u8 *)&ipv4->source, 2, protocol, sum->length);
        return forward_transport(ipv4 + 1, frame->end, protocol, sum);
    }
    if (ethernet->type != __builtin_bswap16(ETHERTYPE_IPV6) || (const void *)(ipv6 + 1) > frame->end)
        return false;
    protocol = ipv6->next;
    sum->offset = ETHERNET_BYTES + IPV6_BYTES;
    sum->length = read16(ipv6->payload);
    if (!forward_is_linear(frame, sum))
        return false;
    sum->pseudo = sum_pseudo(ipv6->source, 8, protocol, sum->length);
    return forward_transport(ipv6 + 1, frame->end, protocol, sum);
}

/* With an skb everything of IP may go: its state goes with it. Neighbour discovery a bridge may answer
 * itself. */
static __always_inline bool forward_is_unicast_ip(const void *data, const void *end) {
    const struct wire_ethernet *ethernet = data;
    const struct wire_ipv6 *ipv6 = (const void *)(ethernet + 1);

    if ((const void *)(ethernet + 1) > end)
        return false;
    if (ethernet->type == __builtin_bswap16(ETHERTYPE_IPV4))
        return true;
    return ethernet->type == __builtin_bswap16(ETHERTYPE_IPV6) && (const void *)(ipv6 + 1) <= end &&
           ipv6->next != PROTO_ICMPV6;
}

#endif
