/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Later fragments have no ports: they get what their datagram's first fragment got, at this interface and in
 * this direction. Remembered in the opening table, so that a flood of fragments turns over its own
 * interface's unproven entries only.
 *
 *   key: local, remote, ports = identification, kind = KIND_FRAGMENT_*
 */
#ifndef RINGWALL_FRAGMENT_H
#define RINGWALL_FRAGMENT_H

#include "conntrack.h"
#include "address.h"

static __always_inline void fragment_key(struct session_key *key, const struct packet *packet) {
    __builtin_memset(key, 0, sizeof(*key));
    address_copy(key->local, packet->key.local);
    address_copy(key->remote, packet->key.remote);
    key->local_port = packet->fragment_id >> 16;
    key->remote_port = packet->fragment_id;
    /* IPv6 knows a datagram by addresses and identification alone (RFC 8200, 4.5). */
    key->protocol = packet->family == 4 ? packet->key.protocol : 0;
    key->kind = packet->direction == EGRESS ? KIND_FRAGMENT_EGRESS : KIND_FRAGMENT_INGRESS;
}

/* The verdict on a later fragment, into packet->verdict: its first one's, where that is remembered. */
global_function int fragment_recall(struct packet *packet, __u32 number, __u32 now) {
    __u32 zero = 0;
    const struct settings *settings = map_lookup(rw_settings, &zero);
    struct session_key key;
    struct opening_held held;
    const struct session *first;
    struct verdict *verdict;

    packet = kernel_packet(packet);
    /* unreachable: the verifier asks of every argument and look-up */
    if (!packet || !settings)
        return 0;
    verdict = &packet->verdict;
    *verdict = verdict_drop(REASON_FRAGMENT);
    fragment_key(&key, packet);
    if (!opening_lookup(&held, number, &key))
        return 0;
    first = held.session;
    if (!session_is_idle(first, settings, now) && packet->fragment_offset / 8 >= first->header) {
        *verdict = verdict_accept(first->reason);
        /* A number means a rule only under the policy that judged. */
        verdict->rule = first->generation == packet->generation ? first->rule : RULE_NONE;
        verdict->rule_side = first->flags & SESSION_ORIGIN_INGRESS ? INGRESS : EGRESS;
        verdict->session = first->known;
    }
    opening_leave(&held);
    return 0;
}

/* Of later fragments, and of broken first ones. */
static __always_inline struct verdict fragment_check(struct packet *packet, __u32 number, __u32 now) {
    if (packet->marks & MARK_FRAGMENT_BAD)
        return verdict_drop(REASON_FRAGMENT);
    if (!(packet->marks & MARK_FRAGMENT_LATER))
        return verdict_continue();
    fragment_recall(packet, number, now);
    return packet->verdict;
}

/* What the first fragment got: packet->verdict. That a dropped one is not remembered drops its followers; an
 * earlier one of the same identification is forgotten. 0, or negative: no room to remember an accepted one.
 */
global_function must_check int fragment_remember(const struct packet *packet, __u32 number, __u32 now) {
    const struct verdict *verdict;
    struct session_key key;
    struct opening_held held;
    struct opening_new new;
    struct session *first;

    packet = kernel_packet(packet);
    /* unreachable: the verifier asks of every argument */
    if (!packet)
        return -ENOENT;
    verdict = &packet->verdict;
    fragment_key(&key, packet);
    if (!opening_place(&new.place, number, &key))
        return verdict->action == DROP ? 0 : session_shown(&new, number, &key, NULL);
    if (opening_find(&held, &new.place, &key))
        session_forget(held.owner, number);
    opening_leave(&held);
    if (verdict->action == DROP)
        return 0;
    first = opening_begin(&new, &key);
    if (first) {
        __builtin_memset(first, 0, sizeof(*first));
        first->seen = first->opened = now;
        first->state = STATE_FRAGMENT;
        first->generation = packet->generation;
        first->rule = verdict->rule;
        first->reason = verdict->reason;
        first->header = packet->shielded;
        first->flags = verdict->rule_side == INGRESS ? SESSION_ORIGIN_INGRESS : 0;
        first->known = verdict->session == SESSION_NEW ? SESSION_ESTABLISHED : verdict->session;
    }
    return session_shown(&new, number, &key, first);
}

#endif
