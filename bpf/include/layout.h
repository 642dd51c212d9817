/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every key, value, enum and limit that the kernel programs and the agent share.
 * The TypeScript codecs (src/kernel/layout.gen.ts) are generated from this header's BTF.
 *
 * Addresses are 16 bytes everywhere: IPv6 as on the wire, IPv4 as IPv4-mapped (RFC 4291, 2.5.5.2).
 * The wire never carries IPv4-mapped addresses (they are malformed), so the two families never meet.
 * The one exception is a trie's key, where an IPv4 prefix stands in the first four bytes and the family
 * is part of the head: a walk then compares four bytes less often.
 *
 * Byte order: addresses and ports are as on the wire (big endian), everything else is the host's.
 * Time: jiffies, low 32 bits, compared by wrap-safe subtraction; seconds of TAI where it says so.
 */
#ifndef RINGWALL_LAYOUT_H
#define RINGWALL_LAYOUT_H

#include <linux/types.h>

enum limit {
    DEVICES_NEAR = 65536,      /* rw_devices: a power of two, indexed by the low bits of the ifindex */
    DEVICES_FAR = 4096,        /* rw_devices_far: devices whose place in rw_devices is taken */
    INTERFACES_MAX = 1024,     /* interface numbers, when the agent does not say otherwise at load */
    RECORDS_PER_INTERFACE = 2, /* records are written beside the live one, then switched to */
    SLOTS_MAX = 8192,          /* sets of groups in use on this host */
    POLICIES_MAX = 16384,      /* live and coming versions of policies */
    CELLS_MAX = 1048576,       /* rw_cells */
    WORDS_MAX = 2097152,       /* rw_words */
    PREFIXES_MAX = 4194304,    /* rw_prefixes (allocated as used) */
    GROUP_BITS_MAX = 4194304,  /* rw_group_bits (allocated as used) */
    IDENTITIES_MAX = 1048576,  /* rw_identities (allocated as used) */
    OWNED_MAX = 1048576,       /* rw_owned, rw_listed (allocated as used) */
    UPLINK_ADDRESSES_MAX = 1048576,
    RULES_PER_SIDE = 4096, /* 64 words of 64 rules: one summary word says which words are not zero */
    WORD_BITS = 64,
    ADDRESSES_INLINE = 4, /* addresses of an interface that need no look-up */
    DHCP_SERVERS = 4,
    REASONS_MAX = 32,
    COUNTERS_PER_INTERFACE = 128, /* direction x verdict x reason */
    EVENTS_BYTES = 1048576,       /* ring buffer */
    SESSION_TABLE_MIN = 512,
    CONFIRM_ENTRIES_MAX = 16384, /* rw_confirm_list: there only while a change waits */
    DIRECT_MAX = 16384,          /* rw_direct, rw_targets */
    HEARD_MAX = 16384,           /* rw_heard: MACs behind uplinks */
    DENIED_BITS = 10,            /* rw_denied: as many places, and one */
    ALIVE_BITS = 18,             /* rw_alive: as many places */
    PROVEN_BITS = 20,            /* rw_proven: as many places, */
    PROVEN_LINE = 64,            /* so many of them in a line of the cache */
    SESSION_SECONDS_MAX = 910,   /* no timeout of a session is longer */
};

/* Egress is what the guest sends, ingress what reaches it. Also the index of a policy's side. */
enum direction { EGRESS = 0, INGRESS = 1 };

enum action { CONTINUE = 0, ACCEPT = 1, DROP = 2 };

/* One list for kernel, metrics, events and docs: the name in lower case, dashes for underscores,
 * without the prefix. New ones go to the end: the numbers are in counters that outlive a program. */
enum reason {
    REASON_NONE = 0,
    REASON_RULE = 1,
    REASON_SESSION = 2,
    REASON_RELATED = 3,
    REASON_INNER_ACCESS = 4,
    REASON_DEFAULT_EGRESS = 5,
    REASON_NO_RULE = 6,
    REASON_DEFAULT_DROP = 7,
    REASON_SPOOFED_MAC = 8,
    REASON_SPOOFED_ADDRESS = 9,
    REASON_OTHER_MAC = 10,
    REASON_REDIRECT = 11,
    REASON_SOURCE_ROUTE = 12,
    REASON_ARP = 13,
    REASON_NEIGHBOUR_DISCOVERY = 14,
    REASON_DHCP = 15,
    REASON_ROUTER_ADVERTISEMENT = 16,
    REASON_MALFORMED = 17,
    REASON_FRAGMENT = 18,
    REASON_UNSUPPORTED = 19,
    REASON_TABLE_FULL = 20,
    REASON_NOT_READY = 21,
    REASON_REVOKED = 22,
    REASON_OBSERVED = 23,
    REASON_MIDSTREAM = 24,
    REASON_RATE_LIMIT = 25,
    REASON_ETHER_TYPE = 26, /* a type that the interface lists */
};

/* What the packet was to the session tables; `replay` and `explain` print it. */
enum session_use { SESSION_NONE = 0, SESSION_NEW = 1, SESSION_ESTABLISHED = 2, SESSION_RELATED = 3 };

/* ---- settings: rw_settings[0]; each field stands alone, so a reload may change any of them live ---- */

enum setting_flag {
    SETTING_KEEP = 1,           /* establishedSessions: keep */
    SETTING_MIDSTREAM_DROP = 2, /* midstream: drop */
    SETTING_FAIL_OPEN = 4,      /* onFailure: open */
};

/* A session's state is the index of its timeout in struct settings. */
enum session_state {
    STATE_NONE = 0,
    STATE_TCP_OPENING = 1,
    STATE_TCP_ESTABLISHED = 2,
    STATE_TCP_CLOSING = 3,
    STATE_UDP_UNREPLIED = 4,
    STATE_UDP_REPLIED = 5,
    STATE_ICMP = 6,
    STATE_OTHERS = 7,
    STATE_FRAGMENT = 8, /* a first fragment's verdict, kept among the opening sessions */
    STATES_MAX = 9,
};

struct settings {
    __u32 hz;    /* jiffies per second, learnt by the agent; 0: no program judges (not-ready) */
    __u32 flags; /* enum setting_flag */
    __u32 timeouts[STATES_MAX]; /* idle time of each state, jiffies */
    __u32 dhcp_window;          /* how long an answer of a DHCP server is expected after a request, jiffies */
    __u32 always_per_second;    /* what always works, for each interface and kind */
    __u32 events_per_second;    /* drop events, for each interface and reason */
    __s32 tai_offset;           /* CLOCK_TAI - CLOCK_REALTIME, s */
    __u32 zero;
};

/* ---- devices and interfaces ---- */

/* rw_devices[ifindex % DEVICES_NEAR]: one aligned word, switched whole. ifindex 0: empty.
 * rw_devices_far has the same word by ifindex. */
struct device {
    __u32 ifindex;
    __u32 record; /* index in rw_interfaces */
};

enum interface_flag {
    INTERFACE_ANTI_SPOOFING = 1,
    INTERFACE_SPOOF_OBSERVE = 2, /* antiSpoofing: observe */
    INTERFACE_NOT_READY = 4,     /* attached, policy not yet in force: only what always works */
    INTERFACE_REMOVED = 8,       /* left the model while its device stays: drops everything */
    INTERFACE_TRACE = 16,        /* writes each verdict to rw_trace (replay, explain, tests) */
    INTERFACE_IPV6 = 32,         /* has an IPv6 address or pair */
    INTERFACE_NO_ADDRESSES = 64, /* addresses: [] - only its MAC is checked */
    INTERFACE_OWNED = 128,       /* rw_owned holds pairs, or addresses beyond the inline ones */
    INTERFACE_LISTED = 256,      /* rw_listed holds VLANs, ethertypes or MACs of pairs */
};

/* rw_interfaces[record]: never changed while a device names it; a change is a new record, then one
 * switched word in rw_devices. Of 128 bytes: with a thousand guests a packet finds its record in two lines of
 * the cache, not three. */
struct interface {
    __u64 id;      /* digest of the interface's id */
    __u64 network; /* digest of the network's id */
    __u32 number;  /* its place in session tables, counters, events, dhcp, rates: of each number the records
                    * from number * RECORDS_PER_INTERFACE on */
    __u32 slot;    /* index in rw_slots */
    __u32 generation; /* host-wide number of the change that made this record */
    __u32 flags;      /* enum interface_flag */
    __u8 mac[6];
    __u8 addresses_count; /* of the inline ones */
    __u8 zero;
    __u8 addresses[ADDRESSES_INLINE][16]; /* listed addresses */
    __u8 link_local[16];                  /* from the MAC (RFC 4291, appendix A) */
} __attribute__((aligned(64)));

enum owned_flag { OWNED_LISTED = 1, OWNED_PAIR = 2 };

/* rw_owned, LPM: may this interface send from this address with this MAC? Pairs, and listed addresses
 * beyond the inline ones. prefixlen = OWNED_HEAD_BITS + the prefix's length. Value: __u32 owned_flag. */
enum owned_head { OWNED_HEAD_BITS = 96 };
struct owned_key {
    __u32 prefixlen;
    __u32 record;
    __u8 mac[6];
    __u8 family; /* 4 or 6 */
    __u8 zero;
    __u8 address[16]; /* IPv4 in the first four bytes */
};

/* rw_listed, hash: what an interface lists. Value: __u32, 1. */
enum listed_kind {
    LISTED_VLAN = 1,      /* data: VLAN id, big endian */
    LISTED_ETHERTYPE = 2, /* data: ethertype, big endian */
    LISTED_MAC = 3,       /* data: a pair's MAC */
    LISTED_HOST_MAC = 4,  /* record 0; data: a MAC of the host's own devices (uplink program) */
};
struct listed_key {
    __u32 record;
    __u16 kind;
    __u8 data[6];
};

/* rw_uplinks, hash: what an uplink may judge early. Value: __u32, the record. */
struct uplink_key {
    __u32 ifindex;
    __u32 zero;
    __u8 address[16];
};

/* ---- identities: which set of groups an address belongs to ---- */

/* rw_identities, hash. An identity is the digest of a set of groups; 0 is no set.
 * A value has two versions: a policy of an older generation sees `before`, any other `after`. So a change
 * of rules and members together meets every packet whole, and costs one entry for each address changed. */
struct identity_key {
    __u64 network;
    __u8 address[16];
};
enum identity_flag { IDENTITY_GATEWAY = 1 };
struct identity {
    __u32 echo; /* the four words of the address and both of the network (as they lie), XORed: a recycled
                 * element is told from the one looked up */
    __u32 generation; /* the first generation that sees `after` */
    __u64 before;
    __u64 after;
    __u32 flags; /* enum identity_flag */
    __u32 zero;
};

/* ---- policies ---- */

/* rw_slots[slot]: one aligned word, stored atomically. version 0: no policy yet (not-ready). */
struct slot {
    __u32 version;    /* index in rw_policies */
    __u32 generation; /* host-wide number of the last change of rules or members that this policy feels */
};

/* A set of rules: bit n of the whole is rule n of the side. The summary says which words are not zero;
 * word w stands at rw_words[base + w]. */
struct bits {
    __u64 summary;
    __u32 base;
    __u32 flags; /* enum bits_flag, in rw_group_bits */
};
enum bits_flag {
    BITS_INNER_ACCESS = 1,          /* shares a basic group with innerAccess: accept */
    BITS_INNER_ACCESS_ENFORCED = 2, /* likewise, among the groups that enforce */
};

/* A cell of a sorted dimension: it begins at `first` and ends before the next cell's. */
struct cell {
    __u32 first;
    __u32 base;
    __u64 summary;
};

/* The service dimension: protocol << 16 | destination port (TCP, UDP), | type << 8 | code (ICMP in IPv4,
 * ICMPv6 in IPv6), | 0 (others). SERVICE_OTHER_FAMILY | protocol << 16: ICMP in IPv6 or ICMPv6 in IPv4,
 * which only `all` matches. A later or portless packet never reaches the rules. */
enum service { SERVICE_OTHER_FAMILY = 1 << 24 };

enum side_flag {
    SIDE_PREFIXES = 1,                  /* rw_prefixes has remote prefixes of this side */
    SIDE_GROUPS = 2,                    /* rw_group_bits has entries of this side (rules or inner access) */
    SIDE_LOCALS = 4,                    /* some rule names a local prefix */
    SIDE_SOURCE_PORTS = 8,              /* some rule names source ports */
    SIDE_EXPIRES = 16,                  /* some rule expires */
    SIDE_DEFAULT_ACCEPT = 32,           /* what no rule matches is accepted (egress) */
    SIDE_OBSERVES = 64,                 /* some group observes: `enforced` is asked after a drop */
    SIDE_DEFAULT_ACCEPT_ENFORCED = 128, /* the default of the enforcing groups alone */
};

struct policy_side {
    __u32 flags;   /* enum side_flag */
    __u32 rules;   /* number of rules */
    __u32 service; /* first cell, absolute index in rw_cells */
    __u32 service_cells;
    __u32 source_port;
    __u32 source_port_cells;
    __u32 expires; /* cells by seconds of UTC */
    __u32 expires_cells;
    __u32 accepts;  /* first word of the mask of the rules that accept, in rw_words; ceil(rules / 64) words */
    __u32 enforced; /* first word of the mask of the enforcing groups' rules, in rw_words */
    __u32 enforced_words;
    __u32 zero;
};

/* rw_policies[version] */
struct policy {
    __u64 key;        /* digest of what it is for: network, nic type, set of groups */
    __u64 content[2]; /* digest of all that was compiled: an agent that finds it need not write it again */
    __u32 cells;      /* the range of rw_cells that it owns */
    __u32 cells_count;
    __u32 words; /* the range of rw_words that it owns */
    __u32 words_count;
    struct policy_side sides[2]; /* by enum direction */
};

/* rw_prefixes, LPM -> struct bits: every entry carries the rules of all prefixes that cover it.
 * prefixlen = PREFIX_HEAD_BITS + the prefix's length. */
enum prefix_head {
    PREFIX_HEAD_BITS = 32,
    PREFIX_IPV6 = 1,
    PREFIX_LOCAL = 2,
    PREFIX_INGRESS = 4,
    PREFIX_VERSION_SHIFT = 3
};
struct prefix_key {
    __u32 prefixlen;
    __u32 head;       /* version << PREFIX_VERSION_SHIFT | PREFIX_* */
    __u8 address[16]; /* IPv4 in the first four bytes */
};

/* rw_group_bits, hash -> struct bits: the rules of a side that name a group of this identity. */
struct group_key {
    __u32 version;
    __u32 side; /* enum direction */
    __u64 identity;
};

/* ---- sessions: rw_opening [interface number] -> sets; rw_answered, rw_established -> LRU hash ---- */

enum session_table { TABLE_OPENING = 0, TABLE_ANSWERED = 1, TABLE_ESTABLISHED = 2, TABLES_MAX = 3 };

/* A request and its answer share a key (local, remote); echo and timestamp keys also hold who asked, so
 * that a request of the other side is no answer. A remembered fragment's ports hold its identification. */
enum session_kind {
    KIND_PLAIN = 0,
    KIND_ECHO_BY_LOCAL = 2,
    KIND_ECHO_BY_REMOTE = 3,
    KIND_TIMESTAMP_BY_LOCAL = 4,
    KIND_TIMESTAMP_BY_REMOTE = 5,
    KIND_FRAGMENT_EGRESS = 6,
    KIND_FRAGMENT_INGRESS = 7,
};

struct session_key {
    __u8 local[16];
    __u8 remote[16];
    __be16 local_port; /* ICMP: the identifier, in both */
    __be16 remote_port;
    __u8 protocol;
    __u8 kind; /* enum session_kind */
    __u16 zero;
} __attribute__((aligned(8)));

enum session_flag {
    SESSION_ORIGIN_INGRESS = 1, /* the remote side asked */
    SESSION_REVOKED = 2,        /* `seen` is then the time of the revocation */
    SESSION_ACKED_LOCAL = 4,    /* TCP: the local side has acknowledged */
    SESSION_ACKED_REMOTE = 8,
    SESSION_FIN_LOCAL = 16, /* TCP: the local side has sent its FIN */
    SESSION_FIN_REMOTE = 32,
    SESSION_REPLIED = 64, /* the side that was asked has answered */
    SESSION_ENDED = 128,  /* revoked by an operator: no rules bring it back */
};

/* Changed in place only, through the pointer of its look-up. What each packet of a proven session needs
 * stands first, beside the key: it lies in fewer lines of the cache. */
struct session {
    __u32 seen;       /* last packet that refreshed it, jiffies */
    __u32 generation; /* of the verdict that it lives by */
    __u8 state;       /* enum session_state */
    __u8 flags;       /* enum session_flag */
    __u16 cell;       /* the time cell of its verdict (rules that expire) */
    __u32 packets;
    __u64 bytes;   /* both directions, L3 bytes as counted by the metrics */
    __u32 next[2]; /* TCP, by the sender's direction: sequence after the highest byte sent */
    __u32 base[2]; /* TCP: the lowest acknowledgement of that side's bytes that counts while opening */
    __u32 known;   /* TCP, bit per direction: next and base of that side are known */
    __u32 opened;  /* jiffies */
    __u32 rule;    /* number of that rule on the side of its origin, under that generation, or RULE_NONE */
    __u8 reason;   /* of the verdict that opened it, or of the first fragment */
    __u8 header;   /* fragment memory: units of 8 bytes that nothing may overlay */
    __u16 icmp;    /* type << 8 | code of the request, to judge it again */
};
enum rule_number { RULE_NONE = 0xffffffff };

/* rw_alive[ends]: __u32, when a session of two ends was last alive (alive.h), odd jiffies; or one of these.
 */
enum alive { ALIVE_NEVER = 0, ALIVE_REVOKED = 2 };

/* rw_proven[some bits of a key's hash]: in which age a session was last proven (proven.h), odd; 0: never. */
struct proven {
    __u8 places[PROVEN_LINE];
};

/* The opening table of an interface is an array of sets (opening.h). A key's hash says which two of them it
 * may be in; there it may stand at any way. */
enum opening_limit {
    SET_WAYS = 8,
    HASH_WORDS = 10,     /* of a session's key, 32 bits each */
    OPENING_TRIES = 4,   /* attempts at ways that other CPUs claim at the same time */
    STAMP_SHIFT = 16,    /* where the stamp stands in a way's word, */
    TAG_SHIFT = 42,      /* and where the tag */
    STAMP_UNIT = 14,     /* of a stamp, in powers of two of ns: 16 µs, so they come round after 1,099 s */
    AGENT_HOLDS = 0x8000 /* what the agent adds to a way's holders; CPUs are fewer */
};

/* An odd number whose multiples spread (2^64 / the golden ratio). */
#define HASH_MIX 0x9e3779b97f4a7c15ULL

/* The upper bits of a way's word: of an entry that is there, some of its key's hash, with the bit TAG_LEAST.
 */
enum opening_tag { TAG_EMPTY = 0, TAG_BUSY = 1 /* is being written */, TAG_LEAST = 2 };

struct opening_entry {
    struct session_key key;
    struct session session;
};
/* The words lie in a line of the cache of their own. */
struct opening_set {
    __u64 owners[SET_WAYS]; /* enum opening_tag, stamp, who holds it: CPUs, the agent */
    struct opening_entry ways[SET_WAYS];
};

/* rw_hash[0]: what the hash of a session's key is made with. Random, and as long as the tables are there the
 * same: who knew it could aim at a set. */
struct hash_seeds {
    __u64 first;
    __u64 words[HASH_WORDS];
};

/* ---- what always works ---- */

enum always_kind { ALWAYS_ARP = 0, ALWAYS_NEIGHBOUR = 1, ALWAYS_DHCP = 2, ALWAYS_KINDS = 4 };

/* rw_rates[number * RATES_PER_INTERFACE + n]: always kinds first, then events by reason. A window of one
 * second: what is beyond the bound in it is refused. Races between CPUs cost a few packets of accuracy. */
enum rates { RATES_EVENTS = ALWAYS_KINDS, RATES_PER_INTERFACE = 64 };
struct rate {
    __u32 window; /* jiffies when the window began */
    __u32 count;
};

/* rw_dhcp[number] */
struct dhcp {
    __u64
        asked; /* last request of the guest, jiffies of 64 bits: 32 of them come round in 50 days; 0: never */
    __u32 turn; /* the place that the next new server takes */
    __u32 zero;
    __u8 servers[DHCP_SERVERS][16];
};

/* ---- counters, events, trace ---- */

/* What is accepted as its session's, nine packets of ten, in rw_passed[number * 2 + direction], per CPU:
 * close together, those of a thousand interfaces lie in as few lines and pages as they can. There the highest
 * bit of `bytes` is none of them: COUNTER_STRANGE. */
struct counter {
    __u64 packets;
    __u64 bytes; /* of the frame, without FCS; a GSO packet counts once, with all its bytes */
};
/* This CPU's last plain packet there had no proven session: nor may the next one (express.h). */
#define COUNTER_STRANGE (1ULL << 63)

/* rw_counters[number], per CPU: all else, at (direction * 2 + accepted) * REASONS_MAX + reason. One place an
 * interface, since reading a map costs by places. */
struct counters {
    struct counter of[COUNTERS_PER_INTERFACE];
};

/* rw_tables[number * TABLES_MAX + table], per CPU. What an LRU evicts it tells nobody: that is what was
 * inserted and neither was removed nor is there. */
struct table_counter {
    __u64 inserted;
    __u64 removed; /* by the programs: sessions that moved to another table */
    __u64 refused; /* inserts that failed */
};

/* rw_lost[n], per CPU, __u64 */
enum lost { LOST_FULL = 0, LOST_RATE = 1, LOST_MAX = 2 };

enum hook { HOOK_XDP = 1, HOOK_TC_EGRESS = 2, HOOK_TC_INGRESS = 3, HOOK_UPLINK = 4 };

/* rw_events, ring buffer */
struct event {
    __u64 time;      /* CLOCK_MONOTONIC, ns */
    __u64 interface; /* digest of the interface's id */
    __u32 number;
    __u32 rule;    /* number on its side, or RULE_NONE */
    __u32 version; /* of the policy that judged */
    __u32 length;  /* bytes of the frame */
    __u8 direction;
    __u8 action;
    __u8 reason;
    __u8 hook;
    __u8 source_mac[6];
    __u8 destination_mac[6];
    __u16 ethertype; /* host order, behind VLAN tags */
    __u8 protocol;
    __u8 tcp_flags;
    __u8 source[16]; /* all zero where the packet has none */
    __u8 destination[16];
    __be16 source_port; /* ICMP: 0 */
    __be16 destination_port;
    __u8 icmp_type;
    __u8 icmp_code;
    __u16 zero;
};

/* rw_trace[0] */
struct trace {
    __u32 count;   /* verdicts since the map was made: a test run that judged nothing is seen */
    __u32 version; /* of the policy that judged */
    __u32 rule;
    __u8 action;
    __u8 reason;
    __u8 session;   /* enum session_use */
    __u8 rule_side; /* enum direction: the side of `rule` (a mirrored midstream packet has the other one) */
};

/* rw_clock[0], read where the load-time constant rw_test_clock is set */
struct clock {
    __u64 jiffies;
    __u64 tai; /* ns */
};

/* ---- how many sessions a table holds (count.bpf.c) ---- */

/* Asked of one table: all but the last three, which are zero and answer. */
struct session_count {
    __u32 number;               /* whose table */
    __u32 now;                  /* jiffies */
    __u32 timeouts[STATES_MAX]; /* jiffies, by enum session_state */
    __u32 present;
    __u32 alive;
    __u32 ancient; /* idle for so long that its time is about to come round */
};

/* ---- a change that goes back by itself unless it is confirmed (confirm.bpf.c) ---- */

/* rw_confirm[place]: words */
enum confirm_place {
    CONFIRM_STATE = 0, /* enum confirm_state; the one word that decides */
    CONFIRM_SPAN = 1,  /* from the switch to the deadline, ns of the boot clock */
    CONFIRM_DEADLINE = 2,
    CONFIRM_COUNT = 3, /* entries of rw_confirm_list */
    CONFIRM_PLACES = 4,
};
enum confirm_state {
    CONFIRM_NONE = 0,
    CONFIRM_WAITING = 1,
    CONFIRM_REVERTING = 2,
    CONFIRM_REVERTED = 3,
    CONFIRM_KEPT = 4,
};

/* rw_confirm_list[n]: a word that the change switches, and what it was. */
enum confirm_kind {
    CONFIRM_SLOT = 1,   /* words of rw_slots[index] */
    CONFIRM_DEVICE = 2, /* records of the device whose ifindex is index, wherever its word stands */
    CONFIRM_IDENTITY =
        3, /* flags of the entry of rw_identities; written before the switch, so only put back */
};
struct confirm_entry {
    __u32 kind; /* enum confirm_kind */
    __u32 index;
    __u64 before;
    __u64 after;
    struct identity_key identity;
};

/* rw_marks[ifindex % DEVICES_NEAR]: what XDP lays before a frame's bytes for tc ingress of the same device:
 * judged, do not judge again; XORed with the tag that it was judged with (mark.h). Random for each device,
 * since whoever knows it could lay it himself; 0 where no XDP program of ours is on the device: no mark is
 * believed there. */
struct mark {
    __u64 secret;
};

/* ---- direct forwarding: past the bridge, where it would do nothing else (forward.h) ---- */

/* rw_ports[ifindex % DEVICES_NEAR]: one aligned word, switched whole. What comes in on the device may take
 * the direct way to the guests of this bridge. ifindex 0: empty. */
struct bridge_port {
    __u32 ifindex;
    __u32 bridge; /* ifindex of the bridge that the device is a port of */
};

/* rw_direct, hash: where a bridge has this MAC. */
struct direct_key {
    __u32 bridge;
    __u8 mac[6];
    __u16 zero;
};
enum direct_flag {
    DIRECT_XDP = 1 /* the device takes XDP frames, and nothing at its egress is jumped over */
};
struct direct {
    __u32 ifindex; /* of the guest's device; rw_targets has it under this number */
    __u32 flags;   /* enum direct_flag */
    __u32 length;  /* of the longest frame that the bridge would hand to it, bytes */
    __u32 zero;
};

/* rw_heard, LRU: when the bridge was last shown a frame of a MAC behind an uplink. Value: __u32, jiffies. Of
 * a guest's device rw_learnt[ifindex % DEVICES_NEAR] says so. */
enum direct_pace {
    LEARN_SECONDS = 1 /* how often a sender's frame goes the bridge's way, so that it learns */
};

#endif
