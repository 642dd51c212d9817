/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include "layers.h"

/* A frame from or to an interface mostly bears its own MAC and address: the pools' first are theirs. */
static void own_ends(struct made *made, struct chance *chance) {
    __u32 place = made->flags & FRAME_INTERFACE, own = made->flags & FRAME_INGRESS ? 0 : 6;
    struct layout layout;

    if (place >= 2 || chance_one_in(chance, 6))
        return;
    memcpy(made->bytes + own, world.pools[POOL_MAC].bytes[place], 6);
    if (!find_layers(made, &layout))
        return;
    if (layout.family == 4)
        memcpy(made->bytes + layout.ip + (own ? 12 : 16), world.pools[POOL_IPV4].bytes[place], 4);
    else
        memcpy(made->bytes + layout.ip + (own ? 8 : 24), world.pools[POOL_IPV6].bytes[place], 16);
}

void make_frame(struct made *made, struct chance *chance) {
    make_frame_at(made, chance,
                  one_of(chance, 0, 0, 1, 1, 2, 3, 4, 5) | (chance_one_in(chance, 2) ? FRAME_INGRESS : 0));
}

void make_frame_at(struct made *made, struct chance *chance, __u8 flags) {
    __u32 type = one_of(chance, ETHERTYPE_IPV4, ETHERTYPE_IPV4, ETHERTYPE_IPV4, ETHERTYPE_IPV6,
                        ETHERTYPE_IPV6, ETHERTYPE_IPV6, ETHERTYPE_ARP, ETHERTYPE_RARP, 0x88b5, 0x1234);

    made->size = 0;
    made->flags = flags;
    put_from(made, chance, POOL_MAC);
    put_from(made, chance, POOL_MAC);
    if (chance_one_in(chance, 6))
        for (__u32 n = one_of(chance, 1, 1, 2, 3); n; n--) {
            put16(made, one_of(chance, ETHERTYPE_VLAN, ETHERTYPE_QINQ));
            put16(made, one_of(chance, 100, 0, 0xe000, 200, 101));
        }
    put16(made, type);
    switch (type) {
    case ETHERTYPE_IPV4:
        put_ipv4(made, chance);
        break;
    case ETHERTYPE_IPV6:
        put_ipv6(made, chance);
        break;
    case ETHERTYPE_ARP:
    case ETHERTYPE_RARP:
        put_arp(made, chance);
        break;
    default:
        put_any(made, chance, 46);
    }
    own_ends(made, chance);
}

void make_wrong(struct made *made, struct chance *chance) {
    __u32 at = made->size ? chance_below(chance, made->size < 90 ? made->size : 90) : 0;

    switch (chance_below(chance, 6)) {
    case 0:
        made->size = at;
        break;
    case 1:
        put_any(made, chance, 1 + chance_below(chance, 20));
        break;
    case 2:
        made->bytes[at] ^= 1 << chance_below(chance, 8);
        break;
    case 3:
        made->bytes[at] += one_of(chance, 1, -1);
        break;
    case 4:
        made->bytes[at] = one_of(chance, 0, 1, 0x7f, 0x80, 0xff);
        break;
    default:
        set16(made, at & ~1U, get16(made, at & ~1U) + one_of(chance, 1, -1, 8, -8));
    }
}
