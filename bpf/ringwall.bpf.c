/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Entry points. XDP_* and TC_* stand here only: each hook has its frame judged, and says the answer in its
 * own words.
 *
 *   guest_xdp         RX of a guest's device: what the guest sends. Marks the frame as judged.
 *   guest_tc_ingress  RX of the same device: what carries no mark (attachment mode tc, or missed by XDP)
 *   guest_tc_egress   TX of the same device: what reaches the guest, by whatever way
 *   uplink_xdp        RX of an uplink: drops early what a guest of this host would refuse
 */
#include "kernel.h"
#include <linux/pkt_cls.h>
#include "mark.h"
#include "guest.h"
#include "direct.h"
#include "uplink.h"
#include "denied.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* Straight to a guest's device, where it is judged as the device's tc egress program would. Counted, it is
 * lost where the device has just gone: no other program is to judge it again. */
static __always_inline int deliver_xdp(struct xdp_md *ctx, __u32 ifindex, __u32 uplink) {
    int action = uplink ? judge_guest(ctx, HOOK_UPLINK, INGRESS, ifindex)
                        : judge_guest(ctx, HOOK_XDP, INGRESS, ifindex);

    return action == ACCEPT ? kernel_redirect_xdp(ifindex) : XDP_DROP;
}

/* The device that an accepted frame goes to without its skb; 0: none. */
static __always_inline __u32 target_of_guest(struct xdp_md *ctx, bool native) {
    return native && forward_bridge(ctx->ingress_ifindex) ? target_of_xdp(ctx, 0) : 0;
}

static __always_inline int guest_at_xdp(struct xdp_md *ctx, bool native) {
    __u32 ifindex = ctx->ingress_ifindex, record, target;
    const struct interface *iface = interface_of(ifindex, &record);
    __u64 secret = secret_of(ifindex);
    struct express express = {};
    struct frame frame = {};

    context_frame(&frame, ctx, HOOK_XDP);
    if (iface && express_finds(&express, &frame, iface, record, EGRESS)) {
        target = target_of_guest(ctx, native);
        /* What goes straight to another device needs no mark. Where there is no room for it, tc judges. */
        if (!target && secret && !mark_frame(ctx, secret, 0))
            return XDP_PASS;
        express_account(&express, iface);
    } else {
        /* Without a secret both judge. */
        if (secret && !mark_frame(ctx, secret, mark_tag(ctx)))
            return XDP_PASS;
        if (!iface)
            return fails_open() ? XDP_PASS : XDP_DROP;
        if (judge_whole(ctx, HOOK_XDP, EGRESS, iface, record, express.unproven) != ACCEPT)
            return XDP_DROP;
        target = target_of_guest(ctx, native);
        /* No other guest is shown it. */
        if (target && secret && !mark_remove(ctx))
            return XDP_PASS;
    }
    return target ? deliver_xdp(ctx, target, 0) : XDP_PASS;
}

static __always_inline int guest_at_tc(struct __sk_buff *ctx, __u32 hook, __u32 direction) {
    return judge_guest(ctx, hook, direction, ctx->ifindex) == ACCEPT ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

SEC("xdp.frags")
int guest_xdp(struct xdp_md *ctx) {
    return guest_at_xdp(ctx, true);
}

/* Generic mode takes no program that knows fragments before Linux 6.9. */
SEC("xdp")
int guest_xdp_generic(struct xdp_md *ctx) {
    return guest_at_xdp(ctx, false);
}

SEC("tc")
int guest_tc_ingress(struct __sk_buff *ctx) {
    int action = mark_is_ours(ctx) ? TC_ACT_UNSPEC : guest_at_tc(ctx, HOOK_TC_INGRESS, EGRESS);
    __u32 ifindex;

    if (action != TC_ACT_UNSPEC)
        return action;
    ifindex = target_of_skb(ctx);
    return ifindex ? kernel_redirect(ifindex) : TC_ACT_UNSPEC;
}

SEC("tc")
int guest_tc_egress(struct __sk_buff *ctx) {
    return guest_at_tc(ctx, HOOK_TC_EGRESS, INGRESS);
}

static __always_inline int judge_uplink(struct xdp_md *ctx, bool native) {
    __u32 ifindex = native && forward_bridge(ctx->ingress_ifindex) ? target_of_xdp(ctx, 1) : 0;
    const struct interface *iface;
    struct packet *packet;
    __u8 mac[6];

    if (ifindex)
        return deliver_xdp(ctx, ifindex, 1);
    if (denied_drops(ctx))
        return XDP_DROP;
    packet = packet_begin(INGRESS, HOOK_UPLINK, 0);
    /* unreachable: the verifier asks of every look-up */
    if (!packet)
        return XDP_PASS;
    if (parse_xdp(ctx, packet) != REASON_NONE)
        return XDP_PASS;
    __builtin_memcpy(mac, packet->destination_mac, 6);
    iface = interface_behind(packet, ctx->ingress_ifindex, &packet->record);
    if (!iface || judge(packet, iface, true) != DROP)
        return XDP_PASS;
    /* Accepted ones are counted where they reach the guest. */
    account(packet, iface);
    denied_remember(packet, ctx->ingress_ifindex, mac);
    return XDP_DROP;
}

SEC("xdp.frags")
int uplink_xdp(struct xdp_md *ctx) {
    return judge_uplink(ctx, true);
}

SEC("xdp")
int uplink_xdp_generic(struct xdp_md *ctx) {
    return judge_uplink(ctx, false);
}

/* How many jiffies a second has: the agent reads it twice and compares with its own clock. */
SEC("xdp")
int clock_probe(struct xdp_md *ctx) {
    (void)ctx;
    return (__u32)kernel_jiffies64();
}
