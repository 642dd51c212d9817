/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A frame on a guest's device, or for it: from the context that a hook is given to an action. */
#ifndef RINGWALL_GUEST_H
#define RINGWALL_GUEST_H

#include "receive.h"
#include "device.h"
#include "express.h"

/* The verdict on a parsed (or unparsable) packet, counted. */
static __always_inline int conclude(struct packet *packet, const struct interface *iface, __u32 reason) {
    if (reason != REASON_NONE && !(iface->flags & INTERFACE_REMOVED))
        packet->verdict = verdict_drop(reason);
    else
        judge(packet, iface, false);
    account(packet, iface);
    return packet->verdict.action;
}

/* A frame of the guest on a device, or for it: its action, once it is counted. */
static __always_inline int judge_guest(void *ctx, __u32 hook, __u32 direction, __u32 ifindex) {
    const struct interface *iface;
    struct frame frame = {};
    struct packet *packet;
    bool unproven;
    __u32 record;

    iface = interface_of(ifindex, &record);
    if (!iface)
        return fails_open() ? ACCEPT : DROP;
    context_frame(&frame, ctx, hook);
    if (express_passes(&frame, iface, direction, &unproven))
        return ACCEPT;
    packet = packet_begin(direction, hook, record);
    /* unreachable: the verifier asks of every look-up */
    if (!packet)
        return DROP;
    packet->unproven = unproven;
    return conclude(packet, iface, hook_is_xdp(hook) ? parse_xdp(ctx, packet) : parse_skb(ctx, packet));
}

#endif
