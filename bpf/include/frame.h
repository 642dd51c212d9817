/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A frame's bytes, for every hook alike, in one of two ways:
 *
 *   the quick way   data ... end: where the packet lies; plain TCP and UDP, nine packets of ten
 *   the long way    headers: a copy of its first bytes; everything else. Functions of their own read it,
 * which the verifier walks once each instead of once for every way to reach them.
 *
 * parse.h is one text for both. Where the quick way does not go on it answers PARSE_LONG.
 */
#ifndef RINGWALL_FRAME_H
#define RINGWALL_FRAME_H

#include "layout.h"

enum {
    FRAME_HEADERS = 768,              /* bytes that hold every header that is looked at */
    FRAME_MASK = 1023,                /* what keeps an offset inside struct headers for the verifier */
    FRAME_BYTES = FRAME_MASK + 1 + 40 /* room behind the last offset: the largest fixed header */
};

/* parse's answer beside reasons: take the long way. */
enum { PARSE_LONG = 255 };

/* Hides a value's range from the compiler, so that a check stands where it is written. */
#define keep_order(value) asm volatile("" : "+r"(value))

struct headers {
    __u32 length;    /* of the whole frame, bytes */
    __u32 segmented; /* a GSO packet: its headers may say no length (BIG TCP) */
    __u16 tag;       /* VLAN id of the outermost tag, where the hook has it outside the bytes (tc) */
    __u8 tagged;
    __u8 zero;
    __u32 room; /* bytes that were copied */
    __u8 bytes[FRAME_BYTES];
};

struct frame {
    void *data;
    void *end;
    const struct headers *headers; /* NULL on the quick way */
    struct xdp_md *pieces;         /* of XDP: there may be more of it than data ... end */
    __u32 length;                  /* of the whole frame, bytes; not yet known where `pieces` are */
    __u32 segmented;
    __u16 tag;
    __u8 tagged;
};

static __always_inline void frame_of_headers(struct frame *frame, const struct headers *headers) {
    frame->headers = headers;
    frame->length = headers->length;
    frame->segmented = headers->segmented;
    frame->tagged = headers->tagged;
    frame->tag = headers->tag;
}

/* `size` bytes at `offset`, or NULL. The only way to a frame's bytes. */
static __always_inline const void *frame_at(const struct frame *frame, __u32 offset, __u32 size) {
    const __u8 *at;

    if (frame->headers) {
        if (offset > FRAME_HEADERS - size || offset + size > frame->headers->room)
            return NULL;
        keep_order(offset); /* the compiler knows the bound above, the verifier has lost it by now */
        return frame->headers->bytes + (offset & FRAME_MASK);
    }
    at = (const __u8 *)frame->data + offset;
    if (at + size > (const __u8 *)frame->end)
        return NULL;
    return at;
}

/* Why frame_at() gave nothing: on the long way the bytes are not there, or further on than headers may be. */
static __always_inline __u32 frame_missing(const struct frame *frame, __u32 offset, __u32 size) {
    if (!frame->headers)
        return PARSE_LONG;
    return offset + size <= frame->length ? REASON_UNSUPPORTED : REASON_MALFORMED;
}

#endif
