/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Headers as they lie on the wire. Only the one with holes is packed: of what is packed clang loads a byte at
 * a time, and kernels with efficient unaligned access (CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS) let whole
 * words through. */
#ifndef RINGWALL_HEADERS_H
#define RINGWALL_HEADERS_H

#include <linux/types.h>

struct wire_ethernet {
    __u8 destination[6];
    __u8 source[6];
    __be16 type;
};

struct wire_vlan {
    __be16 tci;
    __be16 type;
};

struct wire_arp {
    __be16 hardware;
    __be16 protocol;
    __u8 hardware_size;
    __u8 protocol_size;
    __be16 operation;
    __u8 sender_mac[6];
    __be32 sender_address;
    __u8 target_mac[6];
    __be32 target_address;
} __attribute__((packed));

struct wire_ipv4 {
    __u8 version_ihl;
    __u8 tos;
    __be16 length;
    __be16 id;
    __be16 fragment;
    __u8 ttl;
    __u8 protocol;
    __be16 checksum;
    __be32 source;
    __be32 destination;
};

struct wire_ipv6 {
    __u8 version_class;
    __u8 class_flow[3];
    __be16 payload;
    __u8 next;
    __u8 hop_limit;
    __u8 source[16];
    __u8 destination[16];
};

/* Any IPv6 extension header: what follows, and how long it is (fragment headers have no length). */
struct wire_extension {
    __u8 next;
    __u8 length;
    __u8 type; /* routing header: its type */
    __u8 data;
    __be32 id; /* fragment header */
};

struct wire_tcp {
    __be16 source;
    __be16 destination;
    __be32 sequence;
    __be32 acknowledgement;
    __u8 offset;
    __u8 flags;
    __be16 window;
    __be16 checksum;
    __be16 urgent;
};

struct wire_udp {
    __be16 source;
    __be16 destination;
    __be16 length;
    __be16 checksum;
};

/* The head of every ICMP and ICMPv6 message (IGMP: type alone). */
struct wire_icmp {
    __u8 type;
    __u8 code;
    __be16 checksum;
    __be16 id;
    __be16 sequence;
};

enum {
    ETHERNET_BYTES = 14,
    VLAN_BYTES = 4,
    VLAN_ID_MASK = 0x0fff,
    IPV4_BYTES = 20,
    IPV4_OPTIONS_MAX = 40,
    IPV4_MORE_FRAGMENTS = 0x2000,
    IPV4_OFFSET_MASK = 0x1fff,
    IPV4_OPTION_END = 0,
    IPV4_OPTION_NOP = 1,
    IPV4_OPTION_LSRR = 131, /* loose source route */
    IPV4_OPTION_SSRR = 137, /* strict source route */
    DATAGRAM_MAX = 65535,   /* bytes of a datagram's payload, joined */
    IPV6_BYTES = 40,
    IPV6_EXTENSIONS_MAX = 8,
    IPV6_EXTENSION_BYTES_MAX = 512,
    IPV6_OFFSET_MASK = 0xfff8,
    IPV6_MORE_FRAGMENTS = 1,
    TCP_BYTES = 20,
    UDP_BYTES = 8,
    ICMP_BYTES = 8,
    ND_TARGET_BYTES = 24, /* up to the options of a neighbour solicitation or advertisement */
    ND_OPTIONS_MAX = 96,  /* more than begin in the bytes that are looked at */
    ND_OPTION_SOURCE = 1,
    ND_OPTION_TARGET = 2,
    ARP_ETHERNET = 1,
    ARP_REQUEST = 1,
    RARP_REQUEST = 3,
};

enum extension {
    EXTENSION_HOP_BY_HOP = 0,
    EXTENSION_ROUTING = 43,
    EXTENSION_FRAGMENT = 44,
    EXTENSION_DESTINATION = 60,
    EXTENSION_MOBILITY = 135,
    EXTENSION_HIP = 139,
    EXTENSION_SHIM6 = 140,
};

#define read16(value) __builtin_bswap16(value)
#define read32(value) __builtin_bswap32(value)

#endif
