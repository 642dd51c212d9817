/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rules' verdict on a packet that opens a session, in time that does not grow with the rules.
 *
 *   remote ── rw_prefixes ─▶ bits ┐
 *   remote ── rw_identities ─ rw_group_bits ─▶ bits ┴ OR ┐
 *   service ─ rw_cells ─▶ bits                           ├ AND ─▶ lowest bit: the rule
 *   source port, local, expiry, where some rule uses it ─┘
 *
 * Bits are two-level: the AND of the summaries leaves the words worth reading.
 */
#ifndef RINGWALL_POLICY_H
#define RINGWALL_POLICY_H

#include "kernel.h"
#include "packet.h"
#include "address.h"

enum { CELL_SEARCH_STEPS = 21 };

/* Words that one policy_first() reads: the verifier walks it once for each, and it is called for as many as
 * there may be. */
enum { WORDS_AT_ONCE = 8, WORDS_TURNS = RULES_PER_SIDE / WORD_BITS / WORDS_AT_ONCE };

/* Index of the lowest bit of a word that is not zero (de Bruijn: BPF has no such instruction). */
static __always_inline __u32 lowest_bit(__u64 word) {
    static const __u8 places[64] = {
        0,  1,  2,  53, 3,  7,  54, 27, 4,  38, 41, 8,  34, 55, 48, 28, 62, 5,  39, 46, 44, 42,
        22, 9,  24, 35, 59, 56, 49, 18, 29, 11, 63, 52, 6,  26, 37, 40, 33, 47, 61, 45, 43, 21,
        23, 58, 17, 10, 51, 25, 36, 32, 60, 20, 57, 16, 50, 31, 19, 15, 30, 14, 13, 12,
    };

    return places[((word & -word) * 0x022fdd63cc95386dULL) >> 58];
}

static __always_inline __u64 bits_word(__u32 base, __u32 n) {
    __u32 index = base + n;
    const __u64 *word = map_lookup(rw_words, &index);

    return word ? *word : 0;
}

/* The cell that `value` lies in: the last one that begins at or before it. `count` cells from `base`,
 * the first of which begins at 0. False where the policy is broken. */
static __always_inline must_check bool cell_find(__u32 base, __u32 count, __u32 value, struct bits *bits,
                                                 __u32 *place) {
    __u32 low = base;
    const struct cell *cell;

    /* unreachable: that the steps run out; the verifier asks for their bound */
    for (int step = 0; step < CELL_SEARCH_STEPS && count > 1; step++) {
        __u32 half = count / 2;
        __u32 middle = low + half;

        cell = map_lookup(rw_cells, &middle);
        if (!cell)
            return false;
        if (cell->first <= value)
            low = middle;
        count -= half;
    }
    cell = map_lookup(rw_cells, &low);
    if (!cell)
        return false;
    bits->summary = cell->summary;
    bits->base = cell->base;
    *place = low - base;
    return true;
}

/* The same as a function of its own: the verifier walks it once, not once for each dimension. */
global_function int policy_cell(__u32 base, __u32 count, __u32 value, struct bits *bits) {
    __u32 place = 0;

    /* unreachable: the verifier asks of every argument */
    if (!bits || !cell_find(base, count, value, bits, &place))
        return -1;
    return place;
}

static __always_inline void prefix_find(struct bits *bits, __u32 head, const __u8 *address, __u32 family) {
    struct prefix_key key = {.prefixlen = PREFIX_HEAD_BITS + (family == 4 ? 32 : 128), .head = head};
    const struct bits *found;

    if (family == 4) {
        __builtin_memcpy(key.address, address + 12, 4);
    } else {
        key.head |= PREFIX_IPV6;
        address_copy(key.address, address);
    }
    found = map_lookup(rw_prefixes, &key);
    if (found)
        *bits = *found;
}

static __always_inline __u32 identity_echo(const struct identity_key *key) {
    const __u8 *address = key->address;

    return address_word(address, 0) ^ address_word(address, 1) ^ address_word(address, 2) ^
           address_word(address, 3) ^ (__u32)key->network ^ (__u32)(key->network >> 32);
}

/* The set of groups behind an address as a generation sees it; 0: none. False where the element was
 * recycled under the look-up, twice. The echo stands first in memory and is read last. */
static __always_inline must_check bool identity_find(__u64 network, const __u8 *address, __u32 generation,
                                                     __u64 *identity) {
    struct identity_key key = {.network = network};
    const volatile struct identity *found;

    address_copy(key.address, address);
    *identity = 0;
    for (int attempt = 0; attempt < 2; attempt++) {
        found = map_lookup(rw_identities, &key);
        if (!found)
            return true;
        *identity = (__s32)(generation - found->generation) >= 0 ? found->after : found->before;
        if (found->echo == identity_echo(&key))
            return true;
    }
    return false;
}

/* Has no member an address, before or after a change, and is it no gateway's? Then there is no entry of it,
 * at whatever generation. What the entry says is not asked: it may be recycled under the look-up, for an
 * address that stands for less. */
static __always_inline bool identity_is_free(__u64 network, const __u8 *address) {
    struct identity_key key = {.network = network};

    address_copy(key.address, address);
    return !map_lookup(rw_identities, &key);
}

/* `icmp`: type << 8 | code. ICMP in IPv6 and ICMPv6 in IPv4 are protocols without ports. */
static __always_inline __u32 policy_service(const struct session_key *key, __u32 family, __u32 side,
                                            __u32 icmp) {
    __u32 protocol = (__u32)key->protocol << 16;

    if (key->protocol == PROTO_TCP || key->protocol == PROTO_UDP)
        return protocol | __builtin_bswap16(side == INGRESS ? key->local_port : key->remote_port);
    if (key->protocol == (family == 4 ? PROTO_ICMP : PROTO_ICMPV6))
        return protocol | (icmp & 0xffff);
    if (key->protocol == (family == 4 ? PROTO_ICMPV6 : PROTO_ICMP))
        return SERVICE_OTHER_FAMILY | protocol;
    return protocol;
}

/* Word n of every dimension, ANDed. One that is not used repeats the service's. */
static __always_inline __u64 policy_word(const struct policy_bits *all, __u32 n) {
    __u64 word = 0;

    if (all->prefixes.summary >> n & 1)
        word = bits_word(all->prefixes.base, n);
    if (all->groups.summary >> n & 1)
        word |= bits_word(all->groups.base, n);
    word &= bits_word(all->service.base, n);
    if (all->rare)
        word &= bits_word(all->source_port.base, n) & bits_word(all->local.base, n) &
                bits_word(all->expires.base, n);
    return word;
}

/* The first rule that matches among the next words of all->summary, which it takes out of it, and among the
 * rules of a mask where it has words; RULE_NONE: none of these. */
global_function int policy_first(struct policy_bits *all, __u32 mask, __u32 mask_words) {
    __u64 candidates;

    /* unreachable: the verifier asks of every argument */
    if (!all)
        return RULE_NONE;
    candidates = all->summary;
#pragma clang loop unroll(disable)
    for (__u64 step = 0; step < WORDS_AT_ONCE && candidates; step++) {
        __u32 n = lowest_bit(candidates);
        __u64 word = policy_word(all, n);

        if (mask_words)
            word &= bits_word(mask, n);
        if (word)
            return n * WORD_BITS + lowest_bit(word);
        candidates &= candidates - 1;
    }
    all->summary = candidates;
    return RULE_NONE;
}

/* The same among all words of `summary`. */
static __always_inline __u32 policy_first_of(struct policy_bits *all, __u64 summary, __u32 mask,
                                             __u32 mask_words) {
    __u32 rule = RULE_NONE;

    all->summary = summary;
    /* unreachable: that the turns run out, of which there is one for every word; the verifier asks for their
     * bound */
#pragma clang loop unroll(disable)
    for (__u64 turn = 0; turn < WORDS_TURNS && rule == RULE_NONE && all->summary; turn++)
        rule = policy_first(all, mask, mask_words);
    return rule;
}

/* Is this rule an accept? The mask of accepting rules stands behind the side's other words. */
static __always_inline bool policy_accepts(const struct policy_side *side, __u32 rule) {
    return bits_word(side->accepts, rule / WORD_BITS) >> (rule % WORD_BITS) & 1;
}

/* What stands behind the rules: inner access, then the default. */
static __always_inline struct verdict policy_default(__u32 direction, bool inner_access,
                                                     bool default_accept) {
    if (inner_access)
        return verdict_accept(REASON_INNER_ACCESS);
    if (default_accept)
        return verdict_accept(REASON_DEFAULT_EGRESS);
    return verdict_drop(direction == EGRESS ? REASON_DEFAULT_DROP : REASON_NO_RULE);
}

static __always_inline struct verdict policy_rule(const struct policy_side *side, __u32 rule) {
    struct verdict verdict =
        policy_accepts(side, rule) ? verdict_accept(REASON_RULE) : verdict_drop(REASON_RULE);

    verdict.rule = rule;
    return verdict;
}

/* The remote's groups: the rules that name one of them. False where its identity could not be read. */
static __always_inline must_check bool policy_groups(const struct packet *packet,
                                                     const struct interface *iface,
                                                     const struct session_key *key, __u32 side,
                                                     struct bits *bits) {
    struct group_key group = {.version = packet->version, .side = side};
    const struct bits *found;

    if (!identity_find(iface->network, key->remote, packet->generation, &group.identity))
        return false;
    found = group.identity ? map_lookup(rw_group_bits, &group) : NULL;
    if (found)
        *bits = *found;
    return true;
}

/* What few sides ask about: source port, local prefix, time. False where the policy is broken. */
static __always_inline must_check bool policy_rare(const struct session_key *key, __u32 family,
                                                   __u32 direction, __u32 head,
                                                   const struct policy_side *side, struct policy_bits *all,
                                                   __u32 *cell) {
    all->rare = true;
    all->source_port = all->local = all->expires = all->service;
    if (side->flags & SIDE_SOURCE_PORTS) {
        /* A packet without ports counts as port 0: a rule with source ports names a protocol that has them.
         */
        __u32 port = 0;

        if (key->protocol == PROTO_TCP || key->protocol == PROTO_UDP)
            port = __builtin_bswap16(direction == INGRESS ? key->remote_port : key->local_port);
        if (policy_cell(side->source_port, side->source_port_cells, port, &all->source_port) < 0)
            return false;
    }
    if (side->flags & SIDE_LOCALS) {
        all->local.summary = 0;
        prefix_find(&all->local, head | PREFIX_LOCAL, key->local, family);
    }
    if (side->flags & SIDE_EXPIRES) {
        __u32 zero = 0;
        const struct settings *settings = map_lookup(rw_settings, &zero);
        int place;

        /* unreachable: the verifier asks of every look-up */
        if (!settings)
            return false;
        place = policy_cell(side->expires, side->expires_cells, kernel_tai_seconds() - settings->tai_offset,
                            &all->expires);
        if (place < 0)
            return false;
        *cell = place + 1; /* 0 is for sides without expiry */
    }
    all->rules &= all->source_port.summary & all->local.summary & all->expires.summary;
    return true;
}

/* Fills the dimensions. False where the policy is broken or an identity could not be read. */
static __always_inline must_check bool policy_dimensions(struct packet *packet, const struct interface *iface,
                                                         const struct session_key *key, __u32 direction,
                                                         __u32 icmp, const struct policy_side *side,
                                                         struct policy_bits *all) {
    __u32 head = packet->version << PREFIX_VERSION_SHIFT | (direction == INGRESS ? PREFIX_INGRESS : 0);

    if (policy_cell(side->service, side->service_cells, policy_service(key, packet->family, direction, icmp),
                    &all->service) < 0)
        return false;
    if (side->flags & SIDE_PREFIXES)
        prefix_find(&all->prefixes, head, key->remote, packet->family);
    if (side->flags & SIDE_GROUPS && !policy_groups(packet, iface, key, direction, &all->groups))
        return false;
    all->rules = (all->prefixes.summary | all->groups.summary) & all->service.summary;
    if (!(side->flags & (SIDE_SOURCE_PORTS | SIDE_LOCALS | SIDE_EXPIRES)))
        return true;
    return policy_rare(key, packet->family, direction, head, side, all, &packet->ruling.cell);
}

/* The rules' verdict on a session of this key whose original direction is `direction`: in packet->ruling.
 * 0, or -1 where there is nothing to judge by. */
global_function int policy_match(struct packet *packet, const struct interface *iface,
                                 const struct session_key *key, __u32 direction, __u32 icmp) {
    __u32 zero = 0;
    struct policy_bits *all = map_lookup(rw_bits, &zero);
    const struct policy *policy;
    const struct policy_side *side;
    struct verdict verdict;
    __u32 version, rule;

    /* unreachable: the verifier asks of every argument */
    if (!packet || !iface || !key || !all)
        return -1;
    packet->ruling.verdict = verdict_drop(REASON_NOT_READY);
    packet->ruling.cell = 0;
    version = packet->version;
    policy = map_lookup(rw_policies, &version);
    if (!policy)
        return 0;
    __builtin_memset(all, 0, sizeof(*all));
    direction = direction == INGRESS ? INGRESS : EGRESS;
    side = &policy->sides[direction];
    /* Where no rule names anybody the default is all there is. */
    if (side->flags & (SIDE_PREFIXES | SIDE_GROUPS) &&
        !policy_dimensions(packet, iface, key, direction, icmp, side, all))
        return 0;
    rule = policy_first_of(all, all->rules, 0, 0);
    if (rule < RULES_PER_SIDE)
        verdict = policy_rule(side, rule);
    else
        verdict = policy_default(direction, all->groups.flags & BITS_INNER_ACCESS,
                                 side->flags & SIDE_DEFAULT_ACCEPT);
    if (verdict.action == DROP && side->flags & SIDE_OBSERVES) {
        struct verdict enforced;

        /* Would the groups that enforce drop it too? */
        rule = side->enforced_words ? policy_first_of(all, all->rules, side->enforced, side->enforced_words)
                                    : RULE_NONE;
        if (rule < RULES_PER_SIDE)
            enforced = policy_rule(side, rule);
        else
            enforced = policy_default(direction, all->groups.flags & BITS_INNER_ACCESS_ENFORCED,
                                      side->flags & SIDE_DEFAULT_ACCEPT_ENFORCED);
        if (enforced.action == ACCEPT) {
            verdict.action = ACCEPT;
            verdict.reason = REASON_OBSERVED;
        }
    }
    verdict.rule_side = direction;
    packet->ruling.verdict = verdict;
    return 0;
}

#endif
