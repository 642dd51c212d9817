/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an uplink drops early: only what is beyond doubt for an interface of this host. */
#ifndef RINGWALL_UPLINK_H
#define RINGWALL_UPLINK_H

#include "receive.h"
#include "judge.h"
#include "account.h"

/* The interface that a frame at an uplink is for, where that is beyond doubt: untagged, its MAC or the
 * host's, an address that exactly one interface of this host holds. */
static __always_inline const struct interface *interface_behind(struct packet *packet, __u32 ifindex,
                                                                __u32 *record) {
    struct uplink_key key = {.ifindex = ifindex};
    const struct interface *iface;
    const __u32 *found;

    if (!packet->family || packet->vlans[0] || packet->vlans[1])
        return NULL;
    address_copy(key.address, packet->key.local);
    found = map_lookup(rw_uplinks, &key);
    if (!found)
        return NULL;
    *record = *found;
    iface = map_lookup(rw_interfaces, record);
    if (!iface || mac_equal(packet->destination_mac, iface->mac))
        return iface;
    if (!listed_has(0, LISTED_HOST_MAC, packet->destination_mac, 6))
        return NULL;
    /* The host will route it: it reaches the guest under the guest's own MAC. */
    __builtin_memcpy(packet->destination_mac, iface->mac, 6);
    return iface;
}

#endif
