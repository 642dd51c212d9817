/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The bytes of the frame in hand, as a program is given them: metadata, then what lies together of the frame.
 * Contexts hold addresses of 32 bits, so they lie in the first 4 GB of this process. Whoever touches what
 * lies around them is told, and so is who touches them once they were taken back.
 *
 *   | LENT_HEAD           | LENT_ROOM                   |
 *   | ... metadata ..data | ..end ... nobody's ...      |
 */
#ifndef RINGWALL_NATIVE_LENT_H
#define RINGWALL_NATIVE_LENT_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "native.h"

enum { LENT_HEAD = 4096, LENT_ROOM = 1 << 17, LENT_LOW = 0x50000000, META_MAX = 32 };

/* All of the frame, as the kernel has it. */
static struct {
    const __u8 *bytes;
    __u32 size;
    __u8 *data;         /* where it is lent */
    __u32 together;     /* bytes of it that lie there */
    __u32 meta;         /* bytes of metadata before it */
    __u32 target;       /* the device that it is sent to */
    __u32 moves, loads; /* that were asked for */
} lent;

static __u8 *lent_map(void) {
    __u8 *memory = mmap((void *)LENT_LOW, LENT_HEAD + 2 * LENT_ROOM, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED || (__u64)memory >> 31)
        abort();
    return memory;
}

#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>

static __u8 *lent_place(__u32 size) {
    static __u8 *memory;

    (void)size;
    if (!memory) {
        memory = lent_map();
        ASAN_POISON_MEMORY_REGION(memory, LENT_HEAD + 2 * LENT_ROOM);
    }
    return memory + LENT_HEAD;
}

static void lent_open(const void *from, size_t size) {
    ASAN_UNPOISON_MEMORY_REGION(from, size);
}

static void lent_close(void *from, size_t size) {
    ASAN_POISON_MEMORY_REGION(from, size);
}

#else

/* Without sanitizers the bytes end where a page does that nobody may touch. */
static __u8 *lent_place(__u32 size) {
    static __u8 *memory;

    if (!memory) {
        memory = lent_map();
        if (mprotect(memory + LENT_HEAD + LENT_ROOM, LENT_ROOM, PROT_NONE))
            abort();
    }
    return memory + LENT_HEAD + LENT_ROOM - size;
}

static void lent_open(const void *from, size_t size) {
    (void)from;
    (void)size;
}

/* What an earlier frame may have left there. */
static void lent_close(void *from, size_t size) {
    memset(from, 0xa5, size);
}

#endif

/* Lends the first `together` bytes of a frame. */
static void lend_frame(const __u8 *bytes, __u32 size, __u32 together) {
    if (together > LENT_ROOM)
        abort();
    lent.bytes = bytes;
    lent.size = size;
    lent.together = together;
    lent.meta = lent.target = lent.moves = lent.loads = 0;
    lent.data = lent_place(together);
    lent_open(lent.data, together);
    if (together)
        memcpy(lent.data, bytes, together);
}

/* What another program laid before it. */
static void lend_meta(const __u8 *bytes, __u32 size) {
    lent.meta = size;
    lent_open(lent.data - size, size);
    memcpy(lent.data - size, bytes, size);
}

static void take_frame_back(void) {
    lent_close(lent.data - lent.meta, lent.meta + lent.together);
}

/* What was copied of an earlier frame is nobody's, until the next copy. */
static struct headers *lent_copy;

static void open_copy(void) {
    if (lent_copy)
        lent_open(lent_copy->bytes, sizeof(lent_copy->bytes));
    lent_copy = NULL;
}

static long lent_load(__u32 offset, void *to, __u32 size) {
    struct headers *headers = to - offsetof(struct headers, bytes);

    if (native_faults.loads >> lent.loads++ & 1 || offset > lent.size || size > lent.size - offset)
        return -EINVAL;
    memcpy(to, lent.bytes + offset, size);
    if (offset)
        return 0;
    lent_copy = headers;
    lent_close(headers->bytes + size, sizeof(headers->bytes) - size);
    return 0;
}

long kernel_xdp_load(struct xdp_md *ctx, __u32 offset, void *to, __u32 size) {
    (void)ctx;
    return lent_load(offset, to, size);
}

long kernel_skb_load(const struct __sk_buff *ctx, __u32 offset, void *to, __u32 size) {
    (void)ctx;
    return lent_load(offset, to, size);
}

__u32 kernel_frame_length(struct xdp_md *pieces) {
    (void)pieces;
    return lent.size;
}

/* As bpf_xdp_adjust_meta: whole words, no more than META_MAX bytes. */
long kernel_move_meta(struct xdp_md *ctx, int by) {
    __u32 meta = ctx->data - ctx->data_meta - by;

    if (native_faults.metas >> lent.moves++ & 1)
        return -ENOTSUP;
    if (meta > META_MAX || meta % 4)
        return -EINVAL;
    lent_close(lent.data - lent.meta, lent.meta);
    lent_open(lent.data - meta, meta);
    lent.meta = meta;
    ctx->data_meta = ctx->data - meta;
    return 0;
}

__s64 kernel_sum(const __u8 *from, __u32 size, __u32 seed) {
    __u64 sum = seed;

    for (__u32 n = 0; n < size; n += sizeof(__u32)) {
        __u32 word;

        memcpy(&word, from + n, sizeof(word));
        sum += word;
    }
    while (sum >> 32)
        sum = (__u32)sum + (sum >> 32);
    return sum;
}

/* As the kernel answers them: to a device that it does not know XDP sends nothing. */
int kernel_redirect(__u32 ifindex) {
    lent.target = ifindex;
    return 7; /* TC_ACT_REDIRECT, which <linux/pkt_cls.h> names */
}

int kernel_redirect_xdp(__u32 ifindex) {
    if (!native_lookup(&rw_targets, &ifindex))
        return XDP_DROP;
    lent.target = ifindex;
    return XDP_REDIRECT;
}

#endif
