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
#include "context.h"
#include "parse.h"
#include "judge.h"
#include "account.h"
#include "express.h"
#include "forward.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* The interface behind a device; NULL where the agent has not said (a device is never attached before). */
static __always_inline const struct interface *interface_of(__u32 ifindex, __u32 *record) {
    __u32 near = ifindex & (DEVICES_NEAR - 1);
    const struct device *device = map_lookup(rw_devices, &near);
    __u64 word;

    if (!device)
        return NULL;
    /* ifindex and record in one read: they change together. */
    word = *(const volatile __u64 *)device;
    if ((__u32)word != ifindex) {
        device = map_lookup(rw_devices_far, &ifindex);
        if (!device)
            return NULL;
        word = *(const volatile __u64 *)device;
    }
    *record = word >> 32;
    return map_lookup(rw_interfaces, record);
}

static __always_inline bool fails_open(void) {
    __u32 zero = 0;
    const struct settings *settings = map_lookup(rw_settings, &zero);

    return settings && settings->flags & SETTING_FAIL_OPEN;
}

/* Where the first bytes of this CPU's frame go, and how many there are. */
static __always_inline struct headers *headers_of(const struct frame *frame) {
    __u32 zero = 0;
    struct headers *headers = map_lookup(rw_headers, &zero);

    if (!headers)
        return NULL;
    headers->length = frame->length;
    headers->segmented = frame->segmented;
    headers->tagged = frame->tagged;
    headers->tag = frame->tag;
    headers->room = frame->length < FRAME_HEADERS ? frame->length : FRAME_HEADERS;
    return headers;
}

/* Where the last of the bytes goes that are to be copied; beyond FRAME_HEADERS for an empty frame. So the
 * verifier knows that `last + 1` is not zero: before 6.8 it learns nothing from a comparison with zero. */
static __always_inline __u32 last_of(const struct headers *headers) {
    __u32 last = headers->room - 1;

    keep_order(last);
    return last;
}

/* This CPU's packet, empty but for what stands before any byte is read. */
static __always_inline struct packet *packet_begin(__u32 direction, __u32 hook, __u32 record) {
    __u32 zero = 0;
    struct packet *packet = map_lookup(rw_packet, &zero);

    if (!packet)
        return NULL;
    __builtin_memset(packet, 0, sizeof(*packet));
    packet->direction = direction;
    packet->hook = hook;
    packet->record = record;
    return packet;
}

/* A packet as it was before the quick way began to fill it. */
static __always_inline void packet_reset(struct packet *packet) {
    __u32 record = packet->record;
    __u8 direction = packet->direction, hook = packet->hook;

    __builtin_memset(packet, 0, sizeof(*packet));
    packet->record = record;
    packet->direction = direction;
    packet->hook = hook;
}

/* From a copy of the frame's first bytes. REASON_NONE, or a reason to drop. */
static __always_inline __u32 parse_long(void *ctx, __u32 hook, const struct frame *frame,
                                        struct packet *packet) {
    struct headers *headers = headers_of(frame);
    __u32 last;

    if (!headers)
        return REASON_UNSUPPORTED;
    last = last_of(headers);
    if (last >= FRAME_HEADERS || context_load(ctx, hook, headers->bytes, last + 1))
        return REASON_MALFORMED;
    return parse_headers(headers, packet);
}

static __always_inline __u32 parse_context(void *ctx, __u32 hook, struct packet *packet) {
    struct frame frame = {};
    __u32 reason;

    context_frame(&frame, ctx, hook);
    if (frame.pieces)
        frame.length = kernel_frame_length(frame.pieces);
    reason = parse_frame(&frame, packet);
    if (reason != PARSE_LONG)
        return reason;
    packet_reset(packet);
    return parse_long(ctx, hook, &frame, packet);
}

/* Parsing and judging are functions of their own: one after the other they fit on the stack. */
static __attribute__((noinline)) __u32 parse_xdp(struct xdp_md *ctx, struct packet *packet) {
    return parse_context(ctx, HOOK_XDP, packet);
}

static __attribute__((noinline)) __u32 parse_skb(struct __sk_buff *ctx, struct packet *packet) {
    return parse_context(ctx, HOOK_TC_EGRESS, packet);
}

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
    __u32 record;

    iface = interface_of(ifindex, &record);
    if (!iface)
        return fails_open() ? ACCEPT : DROP;
    context_frame(&frame, ctx, hook);
    if (express_passes(&frame, iface, direction))
        return ACCEPT;
    packet = packet_begin(direction, hook, record);
    if (!packet)
        return DROP;
    return conclude(packet, iface, hook_is_xdp(hook) ? parse_xdp(ctx, packet) : parse_skb(ctx, packet));
}

/* What marks a frame of this device as judged; 0: nothing does, since no XDP program of ours stands there. */
static __always_inline __u64 secret_of(__u32 ifindex) {
    __u32 near = ifindex & (DEVICES_NEAR - 1);
    const struct mark *mark = map_lookup(rw_marks, &near);

    return mark ? *(const volatile __u64 *)&mark->secret : 0;
}

/* Lays the mark before the frame. False where there is no room for it (a driver without metadata). */
static __always_inline bool mark_frame(struct xdp_md *ctx, __u64 secret) {
    struct mark *mark;

    /* Metadata that somebody else laid is written over, never left to be believed. */
    if (ctx->data_meta + sizeof(*mark) > ctx->data && bpf_xdp_adjust_meta(ctx, -(int)sizeof(*mark)))
        return false;
    mark = (void *)(long)ctx->data_meta;
    if ((void *)(mark + 1) > (void *)(long)ctx->data)
        return false;
    mark->secret = secret;
    return true;
}

/* Is the checksum of the datagram right as its bytes stand? */
static __attribute__((noinline)) bool sum_is_right(struct xdp_md *ctx, const struct forward_sum *datagram) {
    __u32 zero = 0, offset = datagram->offset, left = datagram->length;
    struct headers *headers = map_lookup(rw_headers, &zero);
    __s64 sum = sum_fold(datagram->pseudo);

    if (!headers)
        return false;
    for (int n = 0; n < SUM_STEPS && left; n++) {
        /* The last byte's place, as in last_of(). */
        __u32 last = (left < SUM_BYTES ? left : SUM_BYTES) - 1;

        keep_order(last);
        if (last >= SUM_BYTES)
            return false;
        /* The last word is filled up with zeros. */
        *(wide32 *)(headers->bytes + (last & (SUM_BYTES - 4))) = 0;
        if (bpf_xdp_load_bytes(ctx, offset, headers->bytes, last + 1))
            return false;
        sum = bpf_csum_diff(NULL, 0, (void *)headers->bytes, (last + 4) & ~3U, sum);
        if (sum < 0)
            return false;
        offset += last + 1;
        left -= last + 1;
    }
    return !left && sum_fold(sum) == 0xffff;
}

/* The device that a frame may go to without its skb; 0: the bridge has to see it. `uplink`: by which it came;
 * else from a guest. */
static __attribute__((noinline)) __u32 target_of_xdp(struct xdp_md *ctx, __u32 uplink) {
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

/* Straight to a guest's device, where it is judged as the device's tc egress program would. Counted, it is
 * lost where the device has just gone: no other program is to judge it again. */
static __always_inline int deliver_xdp(struct xdp_md *ctx, __u32 ifindex, __u32 uplink) {
    int action = uplink ? judge_guest(ctx, HOOK_UPLINK, INGRESS, ifindex)
                        : judge_guest(ctx, HOOK_XDP, INGRESS, ifindex);

    return action == ACCEPT ? bpf_redirect_map(&rw_targets, ifindex, XDP_DROP) : XDP_DROP;
}

static __always_inline int guest_at_xdp(struct xdp_md *ctx, bool native) {
    __u32 ifindex = ctx->ingress_ifindex;
    __u64 secret = secret_of(ifindex);

    /* Where there is no room for the mark, tc judges. Without a secret both do. */
    if (secret && !mark_frame(ctx, secret))
        return XDP_PASS;
    if (judge_guest(ctx, HOOK_XDP, EGRESS, ifindex) != ACCEPT)
        return XDP_DROP;
    ifindex = native && forward_bridge(ifindex) ? target_of_xdp(ctx, 0) : 0;
    if (!ifindex)
        return XDP_PASS;
    /* The mark is for this device alone: no guest is shown it. */
    if (secret && bpf_xdp_adjust_meta(ctx, ctx->data - ctx->data_meta))
        return XDP_PASS;
    return deliver_xdp(ctx, ifindex, 0);
}

static __always_inline int guest_at_tc(struct __sk_buff *ctx, __u32 hook, __u32 direction) {
    return judge_guest(ctx, hook, direction, ctx->ifindex) == ACCEPT ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

/* What was accepted of a guest goes straight to the tc egress program of the device that it is for. */
static __always_inline int forward_skb(struct __sk_buff *ctx) {
    const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    const struct wire_ethernet *ethernet = data;
    const struct interface *sender, *target;
    struct direct_key key = {};
    const struct direct *direct;
    __u32 record;

    if (ctx->vlan_present || !forward_is_unicast_ip(data, end))
        return TC_ACT_UNSPEC;
    direct = forward_find(ctx->ifindex, ethernet, &key);
    if (!direct || (!ctx->gso_size && ctx->len > direct->length))
        return TC_ACT_UNSPEC;
    sender = interface_of(ctx->ifindex, &record);
    target = interface_of(direct->ifindex, &record);
    if (!forward_meets(target, ethernet) || !forward_leaves(sender, target, ethernet) ||
        forward_guest_is_due(ctx->ifindex, true))
        return TC_ACT_UNSPEC;
    return bpf_redirect(direct->ifindex, 0);
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
    const struct mark *mark = (void *)(long)ctx->data_meta;
    int action = TC_ACT_UNSPEC;

    if ((void *)(mark + 1) > (void *)(long)ctx->data || !mark->secret ||
        mark->secret != secret_of(ctx->ifindex))
        action = guest_at_tc(ctx, HOOK_TC_INGRESS, EGRESS);
    return action == TC_ACT_UNSPEC ? forward_skb(ctx) : action;
}

SEC("tc")
int guest_tc_egress(struct __sk_buff *ctx) {
    return guest_at_tc(ctx, HOOK_TC_EGRESS, INGRESS);
}

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

static __always_inline int judge_uplink(struct xdp_md *ctx, bool native) {
    __u32 ifindex = native && forward_bridge(ctx->ingress_ifindex) ? target_of_xdp(ctx, 1) : 0;
    const struct interface *iface;
    struct packet *packet;

    if (ifindex)
        return deliver_xdp(ctx, ifindex, 1);
    packet = packet_begin(INGRESS, HOOK_UPLINK, 0);
    if (!packet || parse_xdp(ctx, packet) != REASON_NONE)
        return XDP_PASS;
    iface = interface_behind(packet, ctx->ingress_ifindex, &packet->record);
    if (!iface || judge(packet, iface, true) != DROP)
        return XDP_PASS;
    /* Accepted ones are counted where they reach the guest. */
    account(packet, iface);
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
    return (__u32)bpf_jiffies64();
}
