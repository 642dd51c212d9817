/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The mark: XDP lays it before a frame that it has judged, so that tc ingress of the same device does not
 * judge it again. Its secret is one that no guest and no other program knows.
 *
 * The mark says with which outermost tag the frame was judged. A device whose driver takes tags out of the
 * bytes (a veth's VLAN offload, to begin with) keeps them from XDP: tc has the tag, and judges such a frame
 * itself.
 */
#ifndef RINGWALL_MARK_H
#define RINGWALL_MARK_H

#include "device.h"
#include "headers.h"
#include "packet.h"

enum { MARK_TAGGED = VLAN_ID_MASK + 1 };

/* The outermost tag in the frame's bytes, which tc will have beside them; 0: none. */
static __always_inline __u64 mark_tag(const struct xdp_md *ctx) {
    const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    const struct wire_ethernet *ethernet = data;
    const __be16 *tag = (const void *)(ethernet + 1);

    if ((const void *)(tag + 1) > end || (ethernet->type != __builtin_bswap16(ETHERTYPE_VLAN) &&
                                          ethernet->type != __builtin_bswap16(ETHERTYPE_QINQ)))
        return 0;
    return MARK_TAGGED | (__builtin_bswap16(*tag) & VLAN_ID_MASK);
}

/* Lays the mark before the frame, whose outermost tag is `tag`. False where there is no room for it (a driver
 * without metadata). */
static __always_inline bool mark_frame(struct xdp_md *ctx, __u64 secret, __u64 tag) {
    struct mark *mark;

    /* Metadata that somebody else laid is written over, never left to be believed. */
    if (ctx->data_meta + sizeof(*mark) > ctx->data && kernel_move_meta(ctx, -(int)sizeof(*mark)))
        return false;
    mark = (void *)(long)ctx->data_meta;
    /* unreachable: there is room now, which the verifier does not know */
    if ((void *)(mark + 1) > (void *)(long)ctx->data)
        return false;
    mark->secret = secret ^ tag;
    return true;
}

/* Takes it away: another device's guest is shown no mark. False where it stays. */
static __always_inline bool mark_remove(struct xdp_md *ctx) {
    return !kernel_move_meta(ctx, ctx->data - ctx->data_meta);
}

/* Has XDP judged this frame, with its tag? Without a secret no mark is believed. */
static __always_inline bool mark_is_ours(const struct __sk_buff *ctx) {
    const struct mark *mark = (void *)(long)ctx->data_meta;
    __u64 secret, tag = ctx->vlan_present ? MARK_TAGGED | (ctx->vlan_tci & VLAN_ID_MASK) : 0;

    if ((void *)(mark + 1) > (void *)(long)ctx->data)
        return false;
    secret = secret_of(ctx->ifindex);
    return secret && mark->secret == (secret ^ tag);
}

#endif
