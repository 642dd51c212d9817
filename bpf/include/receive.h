/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From what a hook is given to a struct packet: parsed where it lies, else from a copy of its first bytes.
 * Both are functions of their own, one after the other with judging, so that they fit on the stack.
 */
#ifndef RINGWALL_RECEIVE_H
#define RINGWALL_RECEIVE_H

#include "context.h"
#include "parse.h"

/* Where the first bytes of this CPU's frame go, and how many there are. */
static __always_inline struct headers *headers_of(const struct frame *frame) {
    __u32 zero = 0;
    struct headers *headers = map_lookup(rw_headers, &zero);

    /* unreachable: the verifier asks of every look-up */
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

    /* unreachable: the verifier asks of every look-up */
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

    /* unreachable: the verifier asks of every look-up */
    if (!headers)
        return REASON_UNSUPPORTED;
    last = last_of(headers);
    if (last >= FRAME_HEADERS || context_load(ctx, hook, 0, headers->bytes, last + 1))
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

static __attribute__((noinline)) __u32 parse_xdp(struct xdp_md *ctx, struct packet *packet) {
    return parse_context(ctx, HOOK_XDP, packet);
}

static __attribute__((noinline)) __u32 parse_skb(struct __sk_buff *ctx, struct packet *packet) {
    return parse_context(ctx, HOOK_TC_EGRESS, packet);
}

#endif
