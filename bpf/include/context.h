/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * XDP's and tc's contexts behind one set of names. `hook` (enum hook) is a constant wherever these are
 * called, so no branch on it is left in a program.
 */
#ifndef RINGWALL_CONTEXT_H
#define RINGWALL_CONTEXT_H

#include "kernel.h"
#include "headers.h"

static __always_inline bool hook_is_xdp(__u32 hook) {
    return hook == HOOK_XDP || hook == HOOK_UPLINK;
}

/* The frame where it lies. */
static __always_inline void context_frame(struct frame *frame, void *ctx, __u32 hook) {
    const struct __sk_buff *skb = ctx;
    struct xdp_md *xdp = ctx;

    if (hook_is_xdp(hook)) {
        frame->data = (void *)(long)xdp->data;
        frame->end = (void *)(long)xdp->data_end;
        frame->pieces = xdp;
        return;
    }
    /* Not joined with other loads of it: the verifier takes no pointer into a context for another one's. */
    frame->data = (void *)(long)*(const volatile __u32 *)&skb->data;
    frame->end = (void *)(long)skb->data_end;
    frame->length = skb->len;
    frame->segmented = skb->gso_size;
    frame->tagged = !!skb->vlan_present;
    frame->tag = skb->vlan_tci & VLAN_ID_MASK;
}

/* Copies bytes of the frame. 0, or a negative errno. */
static __always_inline long context_load(void *ctx, __u32 hook, __u32 offset, void *to, __u32 size) {
    return hook_is_xdp(hook) ? kernel_xdp_load(ctx, offset, to, size)
                             : kernel_skb_load(ctx, offset, to, size);
}

#endif
