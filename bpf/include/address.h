/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses (16 bytes, IPv4 mapped) and MACs: compare, classify. All of them lie at any alignment. */
#ifndef RINGWALL_ADDRESS_H
#define RINGWALL_ADDRESS_H

#include "layout.h"

/* The target has no loads of its own for what may lie unaligned, and clang takes a byte at a time for memcpy.
 * Kernels with efficient unaligned access (CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS) let wide loads through. */
typedef __u16 __attribute__((may_alias)) wide16;
typedef __u32 __attribute__((may_alias)) wide32;
typedef __u64 __attribute__((may_alias)) wide64;

/* Word n (32 bits, as on the wire) of an address. */
static __always_inline __u32 address_word(const __u8 *address, __u32 n) {
    return *(const wide32 *)(address + n * 4);
}

static __always_inline bool address_equal(const __u8 *left, const __u8 *right) {
    return *(const wide64 *)left == *(const wide64 *)right &&
           *(const wide64 *)(left + 8) == *(const wide64 *)(right + 8);
}

static __always_inline void address_copy(__u8 *to, const __u8 *from) {
    *(wide64 *)to = *(const wide64 *)from;
    *(wide64 *)(to + 8) = *(const wide64 *)(from + 8);
}

/* From four bytes of the wire to the mapped form. */
static __always_inline void address_map(__u8 *to, __u32 ipv4) {
    *(wide64 *)to = 0;
    *(wide32 *)(to + 8) = __builtin_bswap32(0xffff);
    *(wide32 *)(to + 12) = ipv4;
}

static __always_inline bool address_is_mapped(const __u8 *address) {
    return address_word(address, 0) == 0 && address_word(address, 1) == 0 &&
           address_word(address, 2) == __builtin_bswap32(0xffff);
}

/* 0.0.0.0 or :: */
static __always_inline bool address_is_unspecified(const __u8 *address, __u32 family) {
    if (address_word(address, 3) != 0)
        return false;
    return family == 4 ||
           (address_word(address, 0) == 0 && address_word(address, 1) == 0 && address_word(address, 2) == 0);
}

static __always_inline bool address_is_multicast(const __u8 *address, __u32 family) {
    return family == 4 ? (address[12] & 0xf0) == 0xe0 : address[0] == 0xff;
}

static __always_inline bool address_is_loopback(const __u8 *address, __u32 family) {
    if (family == 4)
        return address[12] == 127;
    return address_word(address, 0) == 0 && address_word(address, 1) == 0 && address_word(address, 2) == 0 &&
           address_word(address, 3) == __builtin_bswap32(1);
}

/* 255.255.255.255 */
static __always_inline bool address_is_broadcast(const __u8 *address) {
    return address_word(address, 3) == 0xffffffff;
}

/* fe80::/10 */
static __always_inline bool address_is_link_local(const __u8 *address) {
    return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

/* ff02::1:2, all DHCP relay agents and servers (RFC 8415, 7.1) */
static __always_inline bool address_is_dhcpv6_servers(const __u8 *address) {
    return address_word(address, 0) == __builtin_bswap32(0xff020000) && address_word(address, 1) == 0 &&
           address_word(address, 2) == 0 && address_word(address, 3) == __builtin_bswap32(0x00010002);
}

static __always_inline bool mac_equal(const __u8 *left, const __u8 *right) {
    return *(const wide32 *)left == *(const wide32 *)right &&
           *(const wide16 *)(left + 4) == *(const wide16 *)(right + 4);
}

static __always_inline bool mac_is_group(const __u8 *mac) {
    return mac[0] & 1;
}

#endif
