/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the layers of made-up frames share: bytes in network order at a frame's end, or at a place in it. */
#ifndef RINGWALL_FUZZ_MAKE_LAYERS_H
#define RINGWALL_FUZZ_MAKE_LAYERS_H

#include "../make.h"
#include "../world.h"
#include "headers.h"
#include "packet.h"

#define one_of(chance, ...)                                                                                  \
    ({                                                                                                       \
        static const __u32 choices[] = {__VA_ARGS__};                                                        \
        choices[chance_below(chance, sizeof(choices) / sizeof(choices[0]))];                                 \
    })

/* At the end; what does not fit is left out. */
void put(struct made *made, const void *bytes, __u32 size);
void put8(struct made *made, __u32 value);
void put16(struct made *made, __u32 value);
void put32(struct made *made, __u32 value);
void put_any(struct made *made, struct chance *chance, __u32 size);
/* One of the pool's. */
void put_from(struct made *made, struct chance *chance, enum pool_kind kind);
__u32 any_port(struct chance *chance);

/* 0 for what lies beyond the end; nothing is set there. */
__u32 get16(const struct made *made, __u32 at);
__u32 get32(const struct made *made, __u32 at);
void set16(struct made *made, __u32 at, __u32 value);
void set32(struct made *made, __u32 at, __u32 value);

/* Of a frame that is there: offset and protocol of what follows the IP header. */
struct layout {
    __u32 ip, family, transport, protocol;
};
/* False: no IP. */
bool find_layers(const struct made *made, struct layout *layout);
/* The bytes of two places, the right one behind the left. */
void exchange(struct made *made, __u32 left, __u32 right, __u32 size);

/* Layers: what stands behind an IP header; IP and what it carries; ARP. */
void put_transport(struct made *made, struct chance *chance, __u32 protocol, __u32 family);
void put_ipv4(struct made *made, struct chance *chance);
void put_ipv6(struct made *made, struct chance *chance);
void put_arp(struct made *made, struct chance *chance);

#endif
