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

enum { CELL_SEARCH_STEPS = 21, SUMMARY_BITS = 64 };

/* Which rules, of what, under which version: policy_match's question. */
struct policy_question {
    __u64 network;
    __u32 version;
    __u32 generation;
    __u32 side; /* enum direction: whose rules */
    __u32 icmp; /* type << 8 | code */
    __u32 family;
    __u32 other_family; /* ICMP of the other family: a protocol without ports */
};

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
                                                     __u64 *identity, __u32 *flags) {
    struct identity_key key = {.network = network};
    const volatile struct identity *found;

    address_copy(key.address, address);
    *identity = 0;
    *flags = 0;
    for (int attempt = 0; attempt < 2; attempt++) {
        found = map_lookup(rw_identities, &key);
        if (!found)
            return true;
        *identity = (__s32)(generation - found->generation) >= 0 ? found->after : found->before;
        *flags = found->flags;
        if (found->echo == identity_echo(&key))
            return true;
    }
    return false;
}

static __always_inline __u32 policy_service(const struct policy_question *question,
                                            const struct session_key *key) {
    __u32 protocol = (__u32)key->protocol << 16;

    if (question->other_family)
        return SERVICE_OTHER_FAMILY | protocol;
    if (key->protocol == PROTO_TCP || key->protocol == PROTO_UDP)
        return protocol | __builtin_bswap16(question->side == INGRESS ? key->local_port : key->remote_port);
    if (key->protocol == PROTO_ICMP || key->protocol == PROTO_ICMPV6)
        return protocol | (question->icmp & 0xffff);
    return protocol;
}

/* Reads word n of every dimension. A dimension that is not used repeats the service's: AND changes nothing.
 */
static __always_inline __u64 policy_word(const struct policy_bits *all, __u32 n) {
    __u64 remote = 0;

    if (all->prefixes.summary >> n & 1)
        remote = bits_word(all->prefixes.base, n);
    if (all->groups.summary >> n & 1)
        remote |= bits_word(all->groups.base, n);
    return remote & bits_word(all->service.base, n) & bits_word(all->source_port.base, n) &
           bits_word(all->local.base, n) & bits_word(all->expires.base, n);
}

/* The first rule that matches, among the rules of a mask; RULE_NONE where none does. */
global_function int policy_first(const struct policy_bits *all, __u32 mask, __u32 mask_words) {
    __u64 candidates;

    if (!all)
        return RULE_NONE;
    candidates = all->summary;
    for (int step = 0; step < SUMMARY_BITS && candidates; step++) {
        __u32 n = lowest_bit(candidates);
        __u64 word = policy_word(all, n);

        if (mask_words)
            word &= n < mask_words ? bits_word(mask, n) : 0;
        if (word)
            return n * WORD_BITS + lowest_bit(word);
        candidates &= candidates - 1;
    }
    return RULE_NONE;
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

/* Fills the dimensions. False where the policy is broken or an identity could not be read. */
static __always_inline must_check bool policy_dimensions(const struct policy_question *question,
                                                         const struct session_key *key,
                                                         const struct policy_side *side,
                                                         struct policy_bits *all, __u32 *cell) {
    __u32 head = question->version << PREFIX_VERSION_SHIFT | (question->side == INGRESS ? PREFIX_INGRESS : 0);

    if (policy_cell(side->service, side->service_cells, policy_service(question, key), &all->service) < 0)
        return false;
    all->source_port = all->local = all->expires = all->service;
    if (side->flags & SIDE_PREFIXES)
        prefix_find(&all->prefixes, head, key->remote, question->family);
    if (side->flags & SIDE_GROUPS) {
        struct group_key group = {.version = question->version, .side = question->side};
        const struct bits *found;
        __u32 flags;

        if (!identity_find(question->network, key->remote, question->generation, &group.identity, &flags))
            return false;
        found = group.identity ? map_lookup(rw_group_bits, &group) : NULL;
        if (found)
            all->groups = *found;
    }
    if (side->flags & SIDE_SOURCE_PORTS) {
        /* A packet without ports counts as port 0: a rule with source ports names a protocol that has them.
         */
        __u32 port = 0;

        if (key->protocol == PROTO_TCP || key->protocol == PROTO_UDP)
            port = __builtin_bswap16(question->side == INGRESS ? key->remote_port : key->local_port);
        if (policy_cell(side->source_port, side->source_port_cells, port, &all->source_port) < 0)
            return false;
    }
    if (side->flags & SIDE_LOCALS) {
        all->local.summary = 0;
        prefix_find(&all->local, head | PREFIX_LOCAL, key->local, question->family);
    }
    if (side->flags & SIDE_EXPIRES) {
        __u32 zero = 0;
        const struct settings *settings = map_lookup(rw_settings, &zero);
        int place;

        if (!settings)
            return false;
        place = policy_cell(side->expires, side->expires_cells, kernel_tai_seconds() - settings->tai_offset,
                            &all->expires);
        if (place < 0)
            return false;
        *cell = place + 1; /* 0 is for sides without expiry */
    }
    all->summary = (all->prefixes.summary | all->groups.summary) & all->service.summary &
                   all->source_port.summary & all->local.summary & all->expires.summary;
    return true;
}

/* The verdict of the rules. `cell`: the time cell that it holds for, 0 where no rule expires. */
global_function int policy_match(const struct policy_question *question, const struct session_key *key,
                                 struct verdict *verdict, __u32 *cell) {
    __u32 zero = 0;
    struct policy_bits *all = map_lookup(rw_bits, &zero);
    const struct policy *policy;
    const struct policy_side *side;
    __u32 version, rule;

    if (!question || !key || !verdict || !cell || !all)
        return -1;
    __builtin_memset(all, 0, sizeof(*all));
    *cell = 0;
    *verdict = verdict_drop(REASON_NOT_READY);
    version = question->version;
    policy = map_lookup(rw_policies, &version);
    if (!policy || !version)
        return 0;
    side = &policy->sides[question->side == INGRESS ? INGRESS : EGRESS];
    if (!policy_dimensions(question, key, side, all, cell))
        return 0;
    rule = policy_first(all, 0, 0);
    if (rule < RULES_PER_SIDE)
        *verdict = policy_rule(side, rule);
    else
        *verdict = policy_default(question->side, all->groups.flags & BITS_INNER_ACCESS,
                                  side->flags & SIDE_DEFAULT_ACCEPT);
    if (verdict->action == DROP && side->flags & SIDE_OBSERVES) {
        struct verdict enforced;

        /* Would the groups that enforce drop it too? */
        rule = side->enforced_words ? policy_first(all, side->enforced, side->enforced_words) : RULE_NONE;
        if (rule < RULES_PER_SIDE)
            enforced = policy_rule(side, rule);
        else
            enforced = policy_default(question->side, all->groups.flags & BITS_INNER_ACCESS_ENFORCED,
                                      side->flags & SIDE_DEFAULT_ACCEPT_ENFORCED);
        if (enforced.action == ACCEPT) {
            verdict->action = ACCEPT;
            verdict->reason = REASON_OBSERVED;
        }
    }
    verdict->rule_side = question->side;
    return 0;
}

#endif
