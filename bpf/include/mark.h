/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The mark: XDP lays it before a frame that it has judged, so that tc ingress of the same device does not
 * judge it again. Its secret is one that no guest and no other program knows.
 */
#ifndef RINGWALL_MARK_H
#define RINGWALL_MARK_H

#include "device.h"

/* Lays the mark before the frame. False where there is no room for it (a driver without metadata). */
static __always_inline bool mark_frame(struct xdp_md *ctx, __u64 secret) {
    struct mark *mark;

    /* Metadata that somebody else laid is written over, never left to be believed. */
    if (ctx->data_meta + sizeof(*mark) > ctx->data && kernel_move_meta(ctx, -(int)sizeof(*mark)))
        return false;
    mark = (void *)(long)ctx->data_meta;
    /* unreachable: there is room now, which the verifier does not know */
    if ((void *)(mark + 1) > (void *)(long)ctx->data)
        return false;
    mark->secret = secret;
    return true;
}

/* Takes it away: another device's guest is shown no mark. False where it stays. */
static __always_inline bool mark_remove(struct xdp_md *ctx) {
    return !kernel_move_meta(ctx, ctx->data - ctx->data_meta);
}

/* Has XDP judged this frame? Without a secret no mark is believed. */
static __always_inline bool mark_is_ours(const struct __sk_buff *ctx) {
    const struct mark *mark = (void *)(long)ctx->data_meta;

    return (void *)(mark + 1) <= (void *)(long)ctx->data && mark->secret &&
           mark->secret == secret_of(ctx->ifindex);
}

#endif
