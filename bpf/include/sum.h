/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The internet checksum (RFC 1071): whether a datagram's is right as its bytes stand. */
#ifndef RINGWALL_SUM_H
#define RINGWALL_SUM_H

#include "context.h"
#include "address.h"

enum {
    SUM_BYTES = 512, /* bytes that the kernel sums up at a time */
    SUM_STEPS = 4,
};

/* A sum of 16-bit words in one's complement (RFC 1071), folded. Never 0 where a word was not. */
static __always_inline __u16 sum_fold(__u64 sum) {
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* The pseudo-header's words (RFC 9293, 3.1; RFC 8200, 8.1). `length`: of what the checksum covers, bytes. */
static __always_inline __u64 sum_pseudo(const __u8 *addresses, __u32 words, __u32 protocol, __u32 length) {
    __u64 sum = __builtin_bswap16(protocol) + __builtin_bswap16(length);

    for (__u32 n = 0; n < words; n++)
        sum += address_word(addresses, n);
    return sum;
}

/* A datagram whose checksum has to be counted before it may go on without its skb. */
struct forward_sum {
    __u64 pseudo;
    __u32 offset; /* of the UDP header in the frame; 0: nothing is to be counted */
    __u32 length; /* from there on, bytes */
};

/* Is the checksum of the datagram right as its bytes stand? */
static __attribute__((noinline)) bool sum_is_right(struct xdp_md *ctx, const struct forward_sum *datagram) {
    __u32 zero = 0, offset = datagram->offset, left = datagram->length;
    struct headers *headers = map_lookup(rw_headers, &zero);
    __s64 sum = sum_fold(datagram->pseudo);

    /* unreachable: the verifier asks of every look-up */
    if (!headers)
        return false;
    for (int n = 0; n < SUM_STEPS && left; n++) {
        /* The last byte's place, as in last_of(). */
        __u32 last = (left < SUM_BYTES ? left : SUM_BYTES) - 1;

        keep_order(last);
        /* unreachable: something is left; the verifier has lost that */
        if (last >= SUM_BYTES)
            return false;
        /* The last word is filled up with zeros. */
        *(wide32 *)(headers->bytes + (last & (SUM_BYTES - 4))) = 0;
        if (context_load(ctx, HOOK_XDP, offset, headers->bytes, last + 1))
            return false;
        sum = kernel_sum(headers->bytes, (last + 4) & ~3U, sum);
        /* unreachable: the kernel refuses only what is no whole words */
        if (sum < 0)
            return false;
        offset += last + 1;
        left -= last + 1;
    }
    return !left && sum_fold(sum) == 0xffff;
}

#endif
