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

/* The verdict on a later fragment, and on broken first ones. */
static __always_inline struct verdict fragment_recall(const struct packet *packet,
                                                      const struct interface *iface,
                                                      const struct settings *settings, __u32 generation,
                                                      __u32 now) {
    struct session_key key;
    const struct session *first;
    struct verdict verdict;

    if (packet->marks & MARK_FRAGMENT_BAD)
        return verdict_drop(REASON_FRAGMENT);
    if (!(packet->marks & MARK_FRAGMENT_LATER))
        return verdict_continue();
    fragment_key(&key, packet);
    first = session_lookup(TABLE_OPENING, iface->number, &key);
    if (!first || session_is_idle(first, settings, now) || first->flags & SESSION_DROPPED ||
        packet->fragment_offset / 8 < first->header)
        return verdict_drop(REASON_FRAGMENT);
    verdict = verdict_accept(first->reason);
    /* A number means a rule only under the policy that judged. */
    verdict.rule = first->generation == generation ? first->rule : RULE_NONE;
    verdict.rule_side = first->flags & SESSION_ORIGIN_INGRESS ? INGRESS : EGRESS;
    verdict.session = first->known;
    return verdict;
}

/* What the first fragment got: packet->verdict. That a dropped one is not remembered drops its followers all
 * the same; but it must replace an accepted one of the same identification. 0, or negative: no room to
 * remember an accepted one. */
global_function must_check int fragment_remember(const struct packet *packet, __u32 number, __u32 now) {
    const struct verdict *verdict;
    struct session_key key;
    struct session *first, fresh = {.seen = now, .opened = now, .state = STATE_FRAGMENT};

    packet = kernel_packet(packet);
    /* unreachable: the verifier asks of every argument */
    if (!packet)
        return -ENOENT;
    verdict = &packet->verdict;
    fresh.generation = packet->generation;
    fresh.rule = verdict->rule;
    fresh.reason = verdict->reason;
    fresh.header = packet->shielded;
    fresh.flags = (verdict->action == DROP ? SESSION_DROPPED : 0) |
                  (verdict->rule_side == INGRESS ? SESSION_ORIGIN_INGRESS : 0);
    fresh.known = verdict->session == SESSION_NEW ? SESSION_ESTABLISHED : verdict->session;
    fragment_key(&key, packet);
    first = session_lookup(TABLE_OPENING, number, &key);
    if (first) {
        __builtin_memcpy(first, &fresh, sizeof(*first));
        return 0;
    }
    return verdict->action == DROP ? 0 : session_insert(TABLE_OPENING, number, &key, &fresh);
}

#endif
