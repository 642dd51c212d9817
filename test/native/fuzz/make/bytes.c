/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include "layers.h"

__u32 chance_below(struct chance *chance, __u32 bound) {
    chance->state ^= chance->state >> 12;
    chance->state ^= chance->state << 25;
    chance->state ^= chance->state >> 27;
    return (chance->state * 0x2545f4914f6cdd1dULL >> 32) % bound;
}

void put(struct made *made, const void *bytes, __u32 size) {
    if (made->size + size > FRAME_MAX)
        size = FRAME_MAX - made->size;
    memcpy(made->bytes + made->size, bytes, size);
    made->size += size;
}

void put8(struct made *made, __u32 value) {
    put(made, &(__u8){value}, 1);
}

void put16(struct made *made, __u32 value) {
    put(made, (__u8[]){value >> 8, value}, 2);
}

void put32(struct made *made, __u32 value) {
    put16(made, value >> 16);
    put16(made, value);
}

void put_any(struct made *made, struct chance *chance, __u32 size) {
    while (size--)
        put8(made, chance_below(chance, 256));
}

__u32 get16(const struct made *made, __u32 at) {
    return at + 2 <= made->size ? made->bytes[at] << 8 | made->bytes[at + 1] : 0;
}

__u32 get32(const struct made *made, __u32 at) {
    return get16(made, at) << 16 | get16(made, at + 2);
}

void set16(struct made *made, __u32 at, __u32 value) {
    if (at + 2 > made->size)
        return;
    made->bytes[at] = value >> 8;
    made->bytes[at + 1] = value;
}

void set32(struct made *made, __u32 at, __u32 value) {
    set16(made, at, value >> 16);
    set16(made, at + 2, value);
}

void put_from(struct made *made, struct chance *chance, enum pool_kind kind) {
    const struct pool *pool = &world.pools[kind];

    put(made, pool->bytes[chance_below(chance, pool->count)], pool->size);
}

__u32 any_port(struct chance *chance) {
    const __u8 *bytes = world.pools[POOL_PORT].bytes[chance_below(chance, world.pools[POOL_PORT].count)];

    return chance_one_in(chance, 8) ? chance_below(chance, 65536) : (__u32)(bytes[0] << 8 | bytes[1]);
}

bool find_layers(const struct made *made, struct layout *layout) {
    __u32 at = 12;

    while (get16(made, at) == ETHERTYPE_VLAN || get16(made, at) == ETHERTYPE_QINQ)
        at += 4;
    layout->ip = at + 2;
    switch (get16(made, at)) {
    case ETHERTYPE_IPV4:
        layout->family = 4;
        layout->transport = layout->ip + (made->bytes[layout->ip] & 15) * 4;
        layout->protocol = made->bytes[layout->ip + 9];
        return layout->ip + 20 <= made->size;
    case ETHERTYPE_IPV6:
        layout->family = 6;
        layout->transport = layout->ip + 40;
        layout->protocol = made->bytes[layout->ip + 6];
        return layout->ip + 40 <= made->size;
    default:
        return false;
    }
}

void exchange(struct made *made, __u32 left, __u32 right, __u32 size) {
    __u8 held[16];

    if (right + size > made->size)
        return;
    memcpy(held, made->bytes + left, size);
    memcpy(made->bytes + left, made->bytes + right, size);
    memcpy(made->bytes + right, held, size);
}
