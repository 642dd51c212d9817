/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From an IP header to its transport header: IPv4 options, IPv6 extension headers, fragment headers. Used for
 * the packet itself and for the one that an ICMP error quotes. A walk that runs out refuses.
 */
#ifndef RINGWALL_WALK_H
#define RINGWALL_WALK_H

#include "kernel.h"
#include "frame.h"
#include "headers.h"
#include "packet.h"

struct walk {
    __u32 offset; /* of the next header */
    __u32 end;    /* of the IP packet */
    __u32 fragment_id;
    __u16 fragment_offset;
    __u16 fragmented; /* IPv6: offset behind the fragment header; 0: there is none */
    __u8 protocol;    /* of the next header */
    __u8 marks;       /* enum packet_mark */
};

static __always_inline bool is_extension(__u32 next) {
    return next == EXTENSION_HOP_BY_HOP || next == EXTENSION_ROUTING || next == EXTENSION_FRAGMENT ||
           next == EXTENSION_DESTINATION || next == EXTENSION_MOBILITY || next == EXTENSION_HIP ||
           next == EXTENSION_SHIM6;
}

/* What a fragment header says; `behind` is the offset of the fragment's own bytes. A fragment that ends
 * beyond the largest datagram (the ping of death) is malformed. */
static __always_inline __u32 walk_fragment(struct walk *walk, __u32 behind, __u32 offset, bool more,
                                           __u32 id) {
    if (offset + walk->end - behind > DATAGRAM_MAX)
        return REASON_MALFORMED;
    walk->marks |= MARK_FRAGMENT;
    walk->fragment_offset = offset;
    walk->fragment_id = id;
    if (offset)
        walk->marks |= MARK_FRAGMENT_LATER;
    else if (more)
        walk->marks |= MARK_FRAGMENT_FIRST;
    return REASON_NONE;
}

/* A header that the packet is too short for: a first fragment must have it (RFC 7112), others are malformed.
 */
static __always_inline __u32 walk_truncated(struct walk *walk) {
    if (!(walk->marks & MARK_FRAGMENT_FIRST))
        return REASON_MALFORMED;
    walk->marks |= MARK_FRAGMENT_BAD;
    return REASON_NONE;
}

/* One extension header. 0, or why the walk ends badly. */
static __always_inline __u32 walk_extension(const struct frame *frame, struct walk *walk) {
    const struct wire_extension *header;
    __u32 size = 8;

    if (walk->offset + size > walk->end)
        return walk_truncated(walk);
    header = frame_at(frame, walk->offset, sizeof(*header));
    if (!header)
        return frame_missing(frame, walk->offset, sizeof(*header));
    if (walk->protocol == EXTENSION_FRAGMENT) {
        __u16 word = (header->type << 8 | header->data);

        if (walk->marks & MARK_FRAGMENT) {
            walk->marks |= MARK_FRAGMENT_BAD; /* nested */
            return REASON_NONE;
        }
        if (walk_fragment(walk, walk->offset + size, word & IPV6_OFFSET_MASK, word & IPV6_MORE_FRAGMENTS,
                          read32(header->id)))
            return REASON_MALFORMED;
        walk->fragmented = walk->offset + size;
    } else {
        size = (header->length + 1) * 8;
        if (walk->protocol == EXTENSION_ROUTING && header->type == 0)
            walk->marks |= MARK_SOURCE_ROUTE;
        if (walk->offset + size > walk->end)
            return walk_truncated(walk);
    }
    walk->protocol = header->next;
    walk->offset += size;
    return REASON_NONE;
}

/* What the steps of a walk share. */
struct walker {
    const struct frame *frame;
    struct walk *walk;
    __u32 limit;  /* offset that the walk may not pass */
    __u32 reason; /* why it ended badly, or REASON_NONE */
};

/* Ends the walk badly. */
static __always_inline long walk_stop(struct walker *walker, __u32 reason) {
    walker->reason = reason;
    return 1;
}

static __always_inline bool walk_goes_on(const struct walk *walk) {
    return is_extension(walk->protocol) && !(walk->marks & (MARK_FRAGMENT_LATER | MARK_FRAGMENT_BAD));
}

static long walk_step(__u32 n, void *context) {
    struct walker *walker = context;

    (void)n;
    if (!walk_goes_on(walker->walk))
        return 1;
    walker->reason = walk_extension(walker->frame, walker->walk);
    if (!walker->reason && walker->walk->offset > walker->limit)
        walker->reason = REASON_UNSUPPORTED;
    return walker->reason != REASON_NONE;
}

/* IPv6: `walk` stands behind the fixed header. REASON_NONE, or why the walk ends badly. */
global_function int walk_extensions(const struct headers *headers, struct walk *walk) {
    struct frame frame = {};
    struct walker walker = {.frame = &frame, .walk = walk};

    /* unreachable: the verifier asks of every argument */
    if (!headers || !walk)
        return REASON_UNSUPPORTED;
    frame_of_headers(&frame, headers);
    walker.limit = walk->offset + IPV6_EXTENSION_BYTES_MAX;
    kernel_loop(IPV6_EXTENSIONS_MAX, walk_step, &walker);
    if (walker.reason)
        return walker.reason;
    return walk_goes_on(walk) ? REASON_UNSUPPORTED : REASON_NONE;
}

/* One IPv4 option. Here walk->offset is the option's. */
static long option_step(__u32 n, void *context) {
    struct walker *walker = context;
    const struct frame *frame = walker->frame;
    struct walk *walk = walker->walk;
    const __u8 *option;
    __u32 kind;

    (void)n;
    if (walk->offset >= walker->limit)
        return 1;
    option = frame_at(frame, walk->offset, 1);
    /* unreachable: IPv4 options are bounded, so the copy holds them */
    if (!option)
        return walk_stop(walker, frame_missing(frame, walk->offset, 1));
    kind = *option;
    if (kind == IPV4_OPTION_END)
        return 1;
    if (kind == IPV4_OPTION_NOP) {
        walk->offset++;
        return 0;
    }
    if (kind == IPV4_OPTION_LSRR || kind == IPV4_OPTION_SSRR)
        walk->marks |= MARK_SOURCE_ROUTE;
    option = frame_at(frame, walk->offset, 2);
    if (!option)
        return walk_stop(walker, frame_missing(frame, walk->offset, 2));
    if (option[1] < 2 || walk->offset + option[1] > walker->limit)
        return walk_stop(walker, REASON_MALFORMED);
    walk->offset += option[1];
    return 0;
}

/* IPv4 options: a source route is a guest's misdeed, a length that leads nowhere is malformed. */
global_function int walk_options(const struct headers *headers, struct walk *walk, __u32 offset, __u32 size) {
    struct frame frame = {};
    struct walk options = {.offset = offset};
    struct walker walker = {.frame = &frame, .walk = &options, .limit = offset + size};

    /* unreachable: the verifier asks of every argument */
    if (!headers || !walk)
        return REASON_UNSUPPORTED;
    frame_of_headers(&frame, headers);
    kernel_loop(IPV4_OPTIONS_MAX, option_step, &walker);
    walk->marks |= options.marks;
    return walker.reason;
}

#endif
