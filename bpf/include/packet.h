/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is known of a packet once its bytes were read. parse.h fills it and is the last to touch bytes;
 * every later stage reads this struct, so the same verdict code serves XDP, tc and the native build.
 *
 * The session's key stands in it ready to use: local is the guest's side, remote the other,
 * whichever way the packet goes.
 */
#ifndef RINGWALL_PACKET_H
#define RINGWALL_PACKET_H

#include "verdict.h"

enum packet_mark {
    MARK_FRAGMENT = 1,       /* has a fragment header (IPv6: an atomic one too) */
    MARK_FRAGMENT_FIRST = 2, /* first of several */
    MARK_FRAGMENT_LATER = 4, /* carries no transport header */
    MARK_FRAGMENT_BAD = 8,   /* incomplete transport header in a first one, nested headers */
    MARK_SOURCE_ROUTE = 16,  /* source-route option, routing header type 0 */
    MARK_QUOTED = 64,        /* an ICMP error with a readable quote: about.quoted */
};

enum tcp_flag {
    TCP_FIN = 1,
    TCP_SYN = 2,
    TCP_RST = 4,
    TCP_PSH = 8,
    TCP_ACK = 16,
    TCP_URG = 32,
    TCP_FLAGS = 63
};

enum protocol {
    PROTO_ICMP = 1,
    PROTO_IGMP = 2,
    PROTO_TCP = 6,
    PROTO_UDP = 17,
    PROTO_ICMPV6 = 58,
};

enum icmp_type {
    ICMP_ECHO_REPLY = 0,
    ICMP_UNREACHABLE = 3,
    ICMP_REDIRECT = 5,
    ICMP_ECHO = 8,
    ICMP_TIME_EXCEEDED = 11,
    ICMP_PARAMETER = 12,
    ICMP_TIMESTAMP = 13,
    ICMP_TIMESTAMP_REPLY = 14,
    ICMPV6_UNREACHABLE = 1,
    ICMPV6_PARAMETER = 4,
    ICMPV6_ECHO = 128,
    ICMPV6_ECHO_REPLY = 129,
    MLD_QUERY = 130,
    MLD_REPORT = 131,
    MLD_DONE = 132,
    ND_ROUTER_SOLICIT = 133,
    ND_ROUTER_ADVERT = 134,
    ND_NEIGHBOUR_SOLICIT = 135,
    ND_NEIGHBOUR_ADVERT = 136,
    ND_REDIRECT = 137,
    MLDV2_REPORT = 143,
    IGMP_QUERY = 0x11,
    IGMP_REPORT_V1 = 0x12,
    IGMP_REPORT_V2 = 0x16,
    IGMP_LEAVE = 0x17,
    IGMP_REPORT_V3 = 0x22,
};

enum ethertype {
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_ARP = 0x0806,
    ETHERTYPE_RARP = 0x8035,
    ETHERTYPE_IPV6 = 0x86dd,
    ETHERTYPE_VLAN = 0x8100,
    ETHERTYPE_QINQ = 0x88a8,
};

enum port {
    PORT_DHCP_SERVER = 67,
    PORT_DHCP_CLIENT = 68,
    PORT_DHCPV6_CLIENT = 546,
    PORT_DHCPV6_SERVER = 547
};

/* ARP, RARP (RFC 826, RFC 903). */
struct about_arp {
    __u8 sender_address[16]; /* IPv4-mapped */
    __u8 sender_mac[6];
    __u8 target_mac[6];
    __u16 operation;
};

/* Neighbour discovery (RFC 4861). */
struct about_neighbour {
    __u8 target[16];
    __u8 link_layer[6];       /* source or target link-layer address option */
    __u8 other_link_layer[6]; /* another one that differs */
    __u8 link_layers;         /* how many different ones; 3: more than two */
};

/* What the rules say of a session. */
struct ruling {
    struct verdict verdict;
    __u32 cell; /* the time cell that it holds for, 0 where no rule of the side expires */
};

struct packet {
    struct session_key key;
    union {
        struct about_arp arp;
        struct about_neighbour neighbour;
        struct session_key quoted; /* of the packet that an ICMP error quotes, as a key of this interface */
        struct session fresh;      /* of one that opens a session: that, before it is in a table */
    } about;
    struct verdict verdict;
    struct ruling ruling; /* policy_match's last answer */
    __u32 length;         /* of the frame, bytes */
    __u32 sequence;
    __u32 acknowledgement;
    __u32 payload;         /* bytes behind the transport header (TCP) */
    __u32 fragment_id;     /* host order */
    __u32 version;         /* of the policy that judged */
    __u32 generation;      /* that it is judged under */
    __u32 record;          /* of the interface, for what it owns and lists */
    __u16 fragment_offset; /* bytes */
    __u16 ethertype;       /* behind VLAN tags, host order */
    __u16 vlans[2];        /* host order; 0: none, or a priority tag */
    __u16 quoted_icmp;     /* type << 8 | code of a quoted request */
    __u8 direction;        /* enum direction */
    __u8 family;           /* 4, 6; 0: not IP */
    __u8 marks;            /* enum packet_mark */
    __u8 tcp_flags;
    __u8 icmp_type; /* ICMP, ICMPv6, IGMP */
    __u8 icmp_code;
    __u8 hop_limit;
    __u8 header;   /* bytes of the transport header */
    __u8 shielded; /* first fragment: units of 8 bytes up to the end of that header, options before it too */
    __u8 observed; /* anti-spoofing observes and would have dropped it */
    __u8 hook;     /* enum hook */
    __u8 unproven; /* express.h asked for a proven session of this key: there is none */
    __u8 source_mac[6];
    __u8 destination_mac[6];
} __attribute__((aligned(8))); /* so that it is cleared by whole words */

static __always_inline const __u8 *packet_source(const struct packet *packet) {
    return packet->direction == EGRESS ? packet->key.local : packet->key.remote;
}

static __always_inline const __u8 *packet_destination(const struct packet *packet) {
    return packet->direction == EGRESS ? packet->key.remote : packet->key.local;
}

/* Host order. */
static __always_inline __u16 packet_source_port(const struct packet *packet) {
    return __builtin_bswap16(packet->direction == EGRESS ? packet->key.local_port : packet->key.remote_port);
}

static __always_inline __u16 packet_destination_port(const struct packet *packet) {
    return __builtin_bswap16(packet->direction == EGRESS ? packet->key.remote_port : packet->key.local_port);
}

/* ICMP of the packet's own family. */
static __always_inline bool packet_is_icmp(const struct packet *packet) {
    return (packet->key.protocol == PROTO_ICMP && packet->family == 4) ||
           (packet->key.protocol == PROTO_ICMPV6 && packet->family == 6);
}

#endif
