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

/* The whole way of a frame of the guest behind `record`, or for it: its action, once it is counted. */
static __always_inline int judge_whole(void *ctx, __u32 hook, __u32 direction, const struct interface *iface,
                                       __u32 record, bool unproven) {
    struct packet *packet = packet_begin(direction, hook, record);

    /* unreachable: the verifier asks of every look-up */
    if (!packet)
        return DROP;
    packet->unproven = unproven;
    return conclude(packet, iface, hook_is_xdp(hook) ? parse_xdp(ctx, packet) : parse_skb(ctx, packet));
}

/* A frame of the guest on a device, or for it: its action, once it is counted. */
static __always_inline int judge_guest(void *ctx, __u32 hook, __u32 direction, __u32 ifindex) {
    const struct interface *iface;
    struct express express = {};
    struct frame frame = {};
    __u32 record;

    iface = interface_of(ifindex, &record);
    if (!iface)
        return fails_open() ? ACCEPT : DROP;
    context_frame(&frame, ctx, hook);
    if (express_finds(&express, &frame, iface, record, direction)) {
        express_account(&express, iface);
        return ACCEPT;
    }
    return judge_whole(ctx, hook, direction, iface, record, express.unproven);
}

#endif
