/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Messages of neighbour discovery (RFC 4861): target and link-layer addresses, where someone says whose is
 * what. */
#ifndef RINGWALL_NEIGHBOUR_H
#define RINGWALL_NEIGHBOUR_H

#include "walk.h"
#include "address.h"

/* A transport header that is not all there. */
static __always_inline __u32 parse_truncated(struct packet *packet) {
    if (!(packet->marks & MARK_FRAGMENT_FIRST))
        return REASON_MALFORMED;
    packet->marks |= MARK_FRAGMENT_BAD;
    return REASON_NONE;
}

/* A walk over the options of neighbour discovery. */
struct option_walker {
    const struct frame *frame;
    struct packet *packet;
    __u32 offset;
    __u32 end;
    __u32 reason;
};

/* Ends the walk badly. */
static __always_inline long option_stop(struct option_walker *walker, __u32 reason) {
    walker->reason = reason;
    return 1;
}

/* Two different ones are kept; no stack reads more, and a third is refused. */
static __always_inline void neighbour_note(struct about_neighbour *neighbour, const __u8 *mac) {
    if (!neighbour->link_layers) {
        __builtin_memcpy(neighbour->link_layer, mac, 6);
        neighbour->link_layers = 1;
    } else if (!mac_equal(neighbour->link_layer, mac)) {
        if (neighbour->link_layers == 2 && !mac_equal(neighbour->other_link_layer, mac))
            neighbour->link_layers = 3;
        else if (neighbour->link_layers == 1) {
            __builtin_memcpy(neighbour->other_link_layer, mac, 6);
            neighbour->link_layers = 2;
        }
    }
}

static long neighbour_option_step(__u32 n, void *context) {
    struct option_walker *walker = context;
    struct about_neighbour *neighbour = &walker->packet->about.neighbour;
    const __u8 *option;

    (void)n;
    if (walker->offset >= walker->end)
        return 1;
    if (walker->offset + 8 > walker->end)
        return option_stop(walker, REASON_MALFORMED);
    option = frame_at(walker->frame, walker->offset, 8);
    if (!option)
        return option_stop(walker, frame_missing(walker->frame, walker->offset, 8));
    if (!option[1] || walker->offset + option[1] * 8 > walker->end)
        return option_stop(walker, REASON_MALFORMED);
    if (option[0] == ND_OPTION_SOURCE || option[0] == ND_OPTION_TARGET)
        neighbour_note(neighbour, option + 2);
    walker->offset += option[1] * 8;
    return 0;
}

/* Link-layer address options of neighbour discovery (RFC 4861, 4.6.1). */
global_function int parse_neighbour_options(const struct headers *headers, struct packet *packet,
                                            __u32 offset, __u32 end) {
    struct frame frame = {};
    struct option_walker walker = {.frame = &frame, .packet = packet, .offset = offset, .end = end};

    /* unreachable: the verifier asks of every argument */
    if (!headers || !packet)
        return REASON_UNSUPPORTED;
    frame_of_headers(&frame, headers);
    kernel_loop(ND_OPTIONS_MAX, neighbour_option_step, &walker);
    return walker.reason;
}

/* Bytes up to the options of each message (RFC 4861, 4.1 to 4.5). */
static __always_inline __u32 neighbour_fixed(__u32 type) {
    switch (type) {
    case ND_ROUTER_SOLICIT:
        return 8;
    case ND_ROUTER_ADVERT:
        return 16;
    case ND_REDIRECT:
        return 40;
    default:
        return 24;
    }
}

static __always_inline __u32 parse_neighbour(const struct frame *frame, struct packet *packet,
                                             const struct walk *walk) {
    __u32 fixed = neighbour_fixed(packet->icmp_type);
    const __u8 *message;

    if (walk->end - walk->offset < fixed)
        return parse_truncated(packet);
    if (fixed == ND_TARGET_BYTES) {
        message = frame_at(frame, walk->offset, ND_TARGET_BYTES);
        /* unreachable: extension headers are bounded, so the copy holds every transport header */
        if (!message)
            return frame_missing(frame, walk->offset, ND_TARGET_BYTES);
        address_copy(packet->about.neighbour.target, message + 8);
    }
    return parse_neighbour_options(frame->headers, packet, walk->offset + fixed, walk->end);
}

#endif
