/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which device a frame goes to, past the bridge, from each hook that can send it. */
#ifndef RINGWALL_DIRECT_H
#define RINGWALL_DIRECT_H

#include "device.h"
#include "forward.h"

/* The device that a frame may go to without its skb; 0: the bridge has to see it. `uplink`: by which it came;
 * else from a guest. */
global_function __u32 target_of_xdp(struct xdp_md *ctx, __u32 uplink) {
    const struct interface *sender, *target;
    const struct wire_ethernet *ethernet;
    struct forward_sum sum = {};
    struct direct_key key = {};
    const struct direct *direct;
    struct frame frame = {};
    __u32 ifindex, record;

    context_frame(&frame, ctx, HOOK_XDP);
    ethernet = frame.data;
    if ((const void *)(ethernet + 1) > frame.end)
        return 0;
    direct = forward_find(ctx->ingress_ifindex, ethernet, &key);
    if (!direct || !(direct->flags & DIRECT_XDP) || frame.end - frame.data > direct->length)
        return 0;
    ifindex = direct->ifindex;
    target = interface_of(ifindex, &record);
    sender = uplink ? NULL : interface_of(ctx->ingress_ifindex, &record);
    if (!forward_meets(target, ethernet) ||
        (uplink ? mac_is_group(ethernet->source) : !forward_leaves(sender, target, ethernet)))
        return 0;
    if (!forward_is_plain(&frame, &sum) || (sum.offset && !sum_is_right(ctx, &sum)))
        return 0;
    /* Last: the bridge is shown what goes on. */
    if (uplink ? forward_outer_is_due(key.bridge, ethernet->source)
               : forward_guest_is_due(ctx->ingress_ifindex, false))
        return 0;
    return ifindex;
}

/* The same for a frame with its skb, of a guest: the tc egress program of that device judges it. */
static __always_inline __u32 target_of_skb(struct __sk_buff *ctx) {
    const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    const struct wire_ethernet *ethernet = data;
    const struct interface *sender, *target;
    struct direct_key key = {};
    const struct direct *direct;
    __u32 record;

    if (ctx->vlan_present || !forward_is_unicast_ip(data, end))
        return 0;
    direct = forward_find(ctx->ifindex, ethernet, &key);
    if (!direct || (!ctx->gso_size && ctx->len > direct->length))
        return 0;
    sender = interface_of(ctx->ifindex, &record);
    target = interface_of(direct->ifindex, &record);
    if (!forward_meets(target, ethernet) || !forward_leaves(sender, target, ethernet) ||
        forward_guest_is_due(ctx->ifindex, true))
        return 0;
    return direct->ifindex;
}

#endif
