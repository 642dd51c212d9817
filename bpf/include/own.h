/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an interface has: MACs, addresses, and what it lists (VLANs, ethertypes). */
#ifndef RINGWALL_OWN_H
#define RINGWALL_OWN_H

#include "kernel.h"
#include "packet.h"
#include "address.h"

static __always_inline bool listed_has(__u32 record, __u32 kind, const void *data, __u32 size) {
    struct listed_key key = {.record = record, .kind = kind};

    __builtin_memcpy(key.data, data, size);
    return map_lookup(rw_listed, &key) != NULL;
}

static __always_inline bool listed_has_short(__u32 record, __u32 kind, __u16 value) {
    __u16 data = __builtin_bswap16(value);

    return listed_has(record, kind, &data, sizeof(data));
}

/* Its own MAC, or one of a pair. */
static __always_inline bool own_mac(const struct packet *packet, const struct interface *iface,
                                    const __u8 *mac) {
    if (mac_equal(mac, iface->mac))
        return true;
    return iface->flags & INTERFACE_LISTED && listed_has(packet->record, LISTED_MAC, mac, 6);
}

/* rw_owned's word on (MAC, address): enum owned_flag, 0 for none. */
static __always_inline __u32 owned_flags(const struct packet *packet, const struct interface *iface,
                                         const __u8 *mac, const __u8 *address) {
    struct owned_key key = {.record = packet->record, .family = packet->family == 6 ? 6 : 4};
    const __u32 *flags;

    if (!(iface->flags & INTERFACE_OWNED))
        return 0;
    __builtin_memcpy(key.mac, mac, 6);
    if (key.family == 4) {
        key.prefixlen = OWNED_HEAD_BITS + 32;
        __builtin_memcpy(key.address, address + 12, 4);
    } else {
        key.prefixlen = OWNED_HEAD_BITS + 128;
        address_copy(key.address, address);
    }
    flags = map_lookup(rw_owned, &key);
    return flags ? *flags : 0;
}

static __always_inline bool own_inline(const struct interface *iface, const __u8 *address) {
    for (__u32 n = 0; n < ADDRESSES_INLINE; n++) {
        if (n < iface->addresses_count && address_equal(address, iface->addresses[n]))
            return true;
    }
    return false;
}

/* One of its listed addresses. */
static __always_inline bool own_listed(const struct packet *packet, const struct interface *iface,
                                       const __u8 *address) {
    return own_inline(iface, address) || owned_flags(packet, iface, iface->mac, address) & OWNED_LISTED;
}

/* May it send from this address with this MAC: listed, the link-local one of its MAC, or of a pair? */
static __always_inline bool own_address(const struct packet *packet, const struct interface *iface,
                                        const __u8 *mac, const __u8 *address) {
    if (mac_equal(mac, iface->mac) &&
        (own_inline(iface, address) || address_equal(address, iface->link_local)))
        return true;
    return owned_flags(packet, iface, mac, address) != 0;
}

#endif
