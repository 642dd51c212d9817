/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses (16 bytes, IPv4 mapped) and MACs: compare, classify. All of them lie at any alignment. */
#ifndef RINGWALL_ADDRESS_H
#define RINGWALL_ADDRESS_H

#include "layout.h"

/* Word n (32 bits, as on the wire) of an address. */
static __always_inline __u32 address_word(const __u8 *address, __u32 n) {
    __u32 word;

    __builtin_memcpy(&word, address + n * 4, 4);
    return word;
}

static __always_inline bool address_equal(const __u8 *left, const __u8 *right) {
    __u64 a[2], b[2];

    __builtin_memcpy(a, left, 16);
    __builtin_memcpy(b, right, 16);
    return a[0] == b[0] && a[1] == b[1];
}

static __always_inline void address_copy(__u8 *to, const __u8 *from) {
    __builtin_memcpy(to, from, 16);
}

/* From four bytes of the wire to the mapped form. */
static __always_inline void address_map(__u8 *to, __u32 ipv4) {
    __u32 words[4] = {0, 0, __builtin_bswap32(0xffff), ipv4};

    __builtin_memcpy(to, words, 16);
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
    __u32 high[2];
    __u16 low[2];

    __builtin_memcpy(&high[0], left, 4);
    __builtin_memcpy(&high[1], right, 4);
    __builtin_memcpy(&low[0], left + 4, 2);
    __builtin_memcpy(&low[1], right + 4, 2);
    return high[0] == high[1] && low[0] == low[1];
}

static __always_inline bool mac_is_group(const __u8 *mac) {
    return mac[0] & 1;
}

#endif
