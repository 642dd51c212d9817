/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What follows a frame that is there: its answer, the next one of its flow, its fragments, an error about it.
 */
#include <string.h>
#include "layers.h"

static void answer_tcp(struct made *made, struct chance *chance, __u32 at) {
    __u32 flags = at + 13 < made->size ? made->bytes[at + 13] : 0, sequence = get32(made, at + 4);

    if (at + 20 > made->size)
        return;
    set32(made, at + 4, flags & TCP_ACK ? get32(made, at + 8) : (__u32)one_of(chance, 5000, 0xfffffffe));
    set32(made, at + 8, sequence + !!(flags & (TCP_SYN | TCP_FIN)) + one_of(chance, 0, 0, 0, 0, 1, -1));
    made->bytes[at + 13] =
        (flags & (TCP_SYN | TCP_ACK)) == TCP_SYN
            ? one_of(chance, TCP_SYN | TCP_ACK, TCP_SYN | TCP_ACK, TCP_SYN | TCP_ACK, TCP_SYN,
                     TCP_RST | TCP_ACK)
            : one_of(chance, TCP_ACK, TCP_ACK, TCP_ACK | TCP_PSH, TCP_FIN | TCP_ACK, TCP_RST);
}

void make_answer(struct made *made, struct chance *chance) {
    struct layout layout;

    made->flags ^= FRAME_INGRESS;
    exchange(made, 0, 6, 6);
    if (!find_layers(made, &layout))
        return;
    if (layout.family == 4)
        exchange(made, layout.ip + 12, layout.ip + 16, 4);
    else
        exchange(made, layout.ip + 8, layout.ip + 24, 16);
    if (layout.transport + 8 > made->size)
        return;
    switch (layout.protocol) {
    case PROTO_TCP:
        exchange(made, layout.transport, layout.transport + 2, 2);
        answer_tcp(made, chance, layout.transport);
        break;
    case PROTO_UDP:
        exchange(made, layout.transport, layout.transport + 2, 2);
        break;
    case PROTO_ICMP:
        made->bytes[layout.transport] =
            made->bytes[layout.transport] == ICMP_TIMESTAMP ? ICMP_TIMESTAMP_REPLY : ICMP_ECHO_REPLY;
        break;
    case PROTO_ICMPV6:
        made->bytes[layout.transport] ^= 1;
        break;
    }
}

void make_next(struct made *made, struct chance *chance) {
    struct layout layout;
    __u32 flags;

    if (!find_layers(made, &layout) || layout.protocol != PROTO_TCP || layout.transport + 20 > made->size)
        return;
    flags = made->bytes[layout.transport + 13];
    set32(made, layout.transport + 4,
          get32(made, layout.transport + 4) + !!(flags & TCP_SYN) + one_of(chance, 0, 0, 0, 1, 20, -1));
    if (chance_one_in(chance, 3))
        set32(made, layout.transport + 8,
              get32(made, layout.transport + 8) + one_of(chance, 1, 1, 2, 20, 0x40000000));
    made->bytes[layout.transport + 13] = one_of(chance, TCP_ACK, TCP_ACK, TCP_ACK, TCP_ACK | TCP_PSH,
                                                TCP_FIN | TCP_ACK, TCP_RST, TCP_SYN, TCP_FIN);
}

static bool fragment_ipv6(struct made *made, struct chance *chance, const struct layout *layout, __u32 offset,
                          __u32 bytes, bool more) {
    __u32 behind = layout->ip + IPV6_BYTES, id = one_of(chance, 7, 7, 7, 8);

    if (behind + offset + bytes > made->size || made->size + 8 > FRAME_MAX)
        return false;
    memmove(made->bytes + behind + 8, made->bytes + behind + offset, bytes);
    made->size = behind + 8 + bytes;
    made->bytes[behind] = layout->protocol;
    made->bytes[behind + 1] = 0;
    made->bytes[layout->ip + 6] = EXTENSION_FRAGMENT;
    set16(made, behind + 2, offset | more);
    set32(made, behind + 4, id);
    set16(made, layout->ip + 4, 8 + bytes);
    return true;
}

bool make_fragment(struct made *made, struct chance *chance, __u32 offset, __u32 bytes, bool more) {
    struct layout layout;

    if (!find_layers(made, &layout))
        return false;
    if (layout.family == 6)
        return fragment_ipv6(made, chance, &layout, offset, bytes, more);
    if (layout.transport + offset + bytes > made->size)
        return false;
    memmove(made->bytes + layout.transport, made->bytes + layout.transport + offset, bytes);
    made->size = layout.transport + bytes;
    set16(made, layout.ip + 2, made->size - layout.ip);
    set16(made, layout.ip + 4, one_of(chance, 7, 7, 7, 8));
    set16(made, layout.ip + 6, offset / 8 | (more ? IPV4_MORE_FRAGMENTS : 0));
    return true;
}

bool make_error(struct made *made, struct chance *chance) {
    struct made quoted = *made;
    struct layout layout;
    __u32 size, at;

    if (!find_layers(made, &layout))
        return false;
    size = quoted.size - layout.ip;
    if (size > 400)
        size = 400;
    if (chance_one_in(chance, 4))
        size = chance_below(chance, size + 1);
    make_answer(made, chance);
    at = layout.ip + (layout.family == 4 ? IPV4_BYTES : IPV6_BYTES);
    if (layout.family == 4) {
        made->bytes[layout.ip] = 0x45;
        set16(made, layout.ip + 6, 0);
        made->bytes[layout.ip + 9] = PROTO_ICMP;
    } else {
        made->bytes[layout.ip + 6] = PROTO_ICMPV6;
    }
    made->size = at;
    put8(made, layout.family == 4
                   ? one_of(chance, ICMP_UNREACHABLE, ICMP_UNREACHABLE, ICMP_TIME_EXCEEDED, ICMP_PARAMETER)
                   : one_of(chance, 1, 2, 3, 4));
    put8(made, chance_below(chance, 5));
    put_any(made, chance, 6);
    put(made, quoted.bytes + layout.ip, size);
    if (layout.family == 4)
        set16(made, layout.ip + 2, made->size - layout.ip);
    else
        set16(made, layout.ip + 4, made->size - layout.ip - IPV6_BYTES);
    /* A router on the way sends it. */
    if (chance_one_in(chance, 2)) {
        const struct pool *pool = &world.pools[layout.family == 4 ? POOL_IPV4 : POOL_IPV6];

        memcpy(made->bytes + layout.ip + (layout.family == 4 ? 12 : 8),
               pool->bytes[chance_below(chance, pool->count)], pool->size);
    }
    return true;
}
