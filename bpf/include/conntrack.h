/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sessions: three tables an interface, the first of sets (opening.h), the others LRU hashes.
 *
 *   opening      nothing proven yet: SYNs, requests without an answer, remembered first fragments
 *   answered     UDP, ICMP and others that were answered
 *   established  TCP that both sides have acknowledged (and its close)
 *
 * An entry of an LRU changes only in place: an update of a key that exists would take a fresh element first
 * and evict another session for it. Expiry is lazy: idle past its timeout is a miss, and the entry is used
 * again.
 */
#ifndef RINGWALL_CONNTRACK_H
#define RINGWALL_CONNTRACK_H

#include "kernel.h"
#include "claim.h"
#include "proven.h"
#include "packet.h"
#include "tcp.h"

/* What a look-up found, until session_leave(). */
struct session_found {
    struct session *live;
    struct session *stale; /* among the proven ones, and expired: a new session of the key takes its place */
    __u64 *owner;          /* of the entry in the opening table, held; `live`, where that has not expired */
};

/* Of proven sessions. */
static __always_inline void *session_map(__u32 table, __u32 number) {
    if (table == TABLE_ESTABLISHED)
        return map_inner(rw_established, &number);
    return map_inner(rw_answered, &number);
}

/* In a table of proven ones. */
static __always_inline struct session *session_lookup(__u32 table, __u32 number,
                                                      const struct session_key *key) {
    void *map = session_map(table, number);

    return map ? inner_lookup(map, key) : NULL;
}

static __always_inline __u32 session_timeout(const struct settings *settings, __u32 state) {
    return state < STATES_MAX ? settings->timeouts[state] : 0;
}

/* By so many jiffies another CPU may have seen a session later than this one's `now`, which was read before,
 * and perhaps long before where the host runs something else meanwhile. */
enum { JIFFIES_AHEAD = 1 << 14 };

static __always_inline bool session_is_idle(const struct session *session, const struct settings *settings,
                                            __u32 now) {
    return now + JIFFIES_AHEAD - session->seen >= session_timeout(settings, session->state) + JIFFIES_AHEAD;
}

static __always_inline bool state_is_tcp(__u32 state) {
    return state <= STATE_TCP_CLOSING;
}

/* A revoked TCP session stays revoked without a time limit: a keepalive revives nothing. */
static __always_inline bool session_is_over(const struct session *session, const struct settings *settings,
                                            __u32 now) {
    if (session->flags & SESSION_REVOKED && state_is_tcp(session->state))
        return false;
    return session_is_idle(session, settings, now);
}

static __always_inline __u32 table_of_proven(const struct session_key *key) {
    return key->protocol == PROTO_TCP ? TABLE_ESTABLISHED : TABLE_ANSWERED;
}

/* Asks the table of proven sessions first, then the opening one. `unproven`: the former was asked already,
 * and has none of this key. */
static __always_inline void session_find(struct session_found *found, __u32 number,
                                         const struct session_key *key, const struct settings *settings,
                                         __u32 now, bool unproven) {
    __u32 proven = table_of_proven(key);
    struct session *session = unproven ? NULL : session_lookup(proven, number, key);
    struct opening_held held;

    found->live = found->stale = NULL;
    found->owner = NULL;
    if (session) {
        if (!session_is_over(session, settings, now)) {
            found->live = session;
            return;
        }
        found->stale = session;
    }
    if (!opening_lookup(&held, number, key))
        return;
    found->owner = held.owner;
    if (!session_is_over(held.session, settings, now))
        found->live = held.session;
}

static __always_inline void session_leave(const struct session_found *found, __u32 now) {
    struct opening_held held = {.owner = found->owner};

    if (found->owner && found->live && found->live->seen == now)
        opening_renew(found->owner);
    else
        opening_leave(&held);
}

/* Where a new session of the key goes; NULL: to the opening table. */
static __always_inline struct session *session_place(const struct session_found *found) {
    if (found->stale)
        return found->stale;
    return found->owner ? NULL : found->live;
}

static __always_inline struct table_counter *session_counter(__u32 table, __u32 number) {
    __u32 index = number * TABLES_MAX + table;

    return map_lookup(rw_tables, &index);
}

/* Counts what became of an insert: a negative errno, or how many others it took out. 0, or -1: a full table
 * or a lost race for memory. That another CPU made the same session a moment ago is no fault. */
static __always_inline must_check int session_note(__u32 table, __u32 number, int result) {
    struct table_counter *counter = session_counter(table, number);

    if (result == -EEXIST)
        return 0;
    if (!counter)
        return -1;
    if (result < 0) {
        counter->refused++;
        return -1;
    }
    counter->inserted++;
    counter->removed += result;
    return 0;
}

/* The table is one of proven sessions. One of the key that is there is another CPU's, of this moment, and
 * stays; or it expired so long ago that who opened this one was told of none (proven.h). */
static __always_inline must_check int session_insert(__u32 table, __u32 number, const struct session_key *key,
                                                     const struct session *session) {
    void *map = session_map(table, number);
    struct session *there;
    int result;

    proven_note(key, session->seen);
    /* unreachable: where the opening table is the others are; the verifier asks of every look-up */
    result = map ? inner_update(map, key, session, BPF_NOEXIST) : -ENOENT;
    there = result == -EEXIST ? inner_lookup(map, key) : NULL;
    if (there && (__s32)(session->seen - there->seen) >> ALIVE_SHIFT > 0)
        __builtin_memcpy(there, session, sizeof(*there));
    return session_note(table, number, result);
}

/* Ends what opening_begin() began; `session`: its answer. */
static __always_inline must_check int session_shown(const struct opening_new *new, __u32 number,
                                                    const struct session_key *key,
                                                    const struct session *session) {
    return session_note(TABLE_OPENING, number, session ? opening_end(new, key) : -ENOENT);
}

/* Takes an entry that is held out of the opening table. */
static __always_inline void session_forget(__u64 *owner, __u32 number) {
    struct table_counter *counter = session_counter(TABLE_OPENING, number);

    /* unreachable: every table has a counter; the verifier asks */
    if (opening_forget(owner) && counter)
        counter->removed++;
}

/* Moves a session that was proven out of the opening table. Where that fails it stays there, unproven. */
static __always_inline void session_promote(__u32 table, __u32 number, const struct session_key *key,
                                            const struct session *session, __u32 state, __u64 *owner) {
    struct session proven;

    __builtin_memcpy(&proven, session, sizeof(proven));
    proven.state = state;
    if (session_insert(table, number, key, &proven) < 0)
        return;
    session_forget(owner, number);
}

static __always_inline __u32 session_first_state(const struct session_key *key) {
    switch (key->protocol) {
    case PROTO_TCP:
        return STATE_TCP_OPENING;
    case PROTO_UDP:
        return STATE_UDP_UNREPLIED;
    default:
        return key->kind == KIND_PLAIN ? STATE_OTHERS : STATE_ICMP;
    }
}

/* A session as its first packet and the rules' verdict on it make it. */
static __always_inline void session_begin(struct session *session, const struct packet *packet, __u32 now) {
    const struct verdict *verdict = &packet->ruling.verdict;

    __builtin_memset(session, 0, sizeof(*session));
    session->seen = session->opened = now;
    session->generation = packet->generation;
    session->rule = verdict->rule;
    session->state = session_first_state(&packet->key);
    session->flags = verdict->rule_side == INGRESS ? SESSION_ORIGIN_INGRESS : 0;
    session->reason = verdict->reason;
    session->cell = packet->ruling.cell;
    session->icmp = packet->icmp_type << 8 | packet->icmp_code;
    session->bytes = packet->length;
    session->packets = 1;
    if (packet->key.protocol == PROTO_TCP)
        tcp_begin(session, packet);
}

/* Makes the session that this packet opens: in the place of an expired or revoked one among the proven ones,
 * else in the opening table, where another CPU that uses the one before (`owner`) keeps that whole. Without
 * room for a new one, the one before stays: what was revoked stays revoked. 0, or a negative errno. */
global_function must_check int session_create(struct session *place, struct packet *packet, __u64 *owner,
                                              __u32 number, __u32 now) {
    struct opening_new new;
    struct session *fresh;

    packet = kernel_packet(packet);
    /* unreachable: the verifier asks of every argument */
    if (!packet)
        return -ENOENT;
    fresh = &packet->about.fresh;
    session_begin(fresh, packet, now);
    /* At one go, here and below: other CPUs may read it. */
    if (place) {
        proven_note(&packet->key, now);
        __builtin_memcpy(place, fresh, sizeof(*place));
        if (owner)
            session_forget(owner, number);
        return 0;
    }
    if (opening_place(&new.place, number, &packet->key))
        place = opening_begin(&new, &packet->key);
    if (place) {
        if (owner)
            session_forget(owner, number);
        __builtin_memcpy(place, fresh, sizeof(*place));
    }
    return session_shown(&new, number, &packet->key, place);
}

static __always_inline bool session_asked_by(const struct session *session, __u32 direction) {
    return direction == (session->flags & SESSION_ORIGIN_INGRESS ? INGRESS : EGRESS);
}

/* A packet of a live session that is not TCP: refresh, and promote when the side that was asked answers; each
 * answer tries again, where there was no room. */
static __always_inline void session_answer(struct session *session, const struct packet *packet, __u64 *owner,
                                           __u32 number, __u32 now) {
    session->seen = now;
    if (session_asked_by(session, packet->direction))
        return;
    flags_set(session, SESSION_REPLIED);
    if (session->state == STATE_UDP_UNREPLIED)
        session->state = STATE_UDP_REPLIED;
    if (owner)
        session_promote(TABLE_ANSWERED, number, &packet->key, session, session->state, owner);
}

/* The state of a live session after this packet; `owner`: of one in the opening table. A function of its own:
 * the verifier would walk it once for each table that the session may lie in. */
global_function int session_update(struct session *session, const struct packet *packet, __u64 *owner,
                                   __u32 number, __u32 now) {
    packet = kernel_packet(packet);
    /* unreachable: the verifier asks of every argument */
    if (!session || !packet)
        return 0;
    session->bytes += packet->length;
    session->packets++;
    if (packet->key.protocol != PROTO_TCP) {
        session_answer(session, packet, owner, number, now);
        return 0;
    }
    if (tcp_update(session, packet))
        session->seen = now;
    if (session->state == STATE_TCP_OPENING && tcp_is_acknowledged(session)) {
        if (owner)
            session_promote(TABLE_ESTABLISHED, number, &packet->key, session, STATE_TCP_ESTABLISHED, owner);
        else
            session->state = STATE_TCP_ESTABLISHED;
    }
    return 0;
}

/* For a packet that would be dropped because it has no session: another CPU may have proven one between the
 * two looks, and taken it out of the opening table. 1: so it was, and the packet is of it. Most packets
 * without a session open one, so only those that do not pay for the third look.
 *
 * Nor do they where none of the key was proven. Who proves one notes it (proven.h), puts it in, and takes it
 * out of the opening table, in this order, the last a full barrier (opening.h); this CPU missed it there, and
 * asks for the note afterwards. So it sees it, where its own loads stay in order: on x86 they do, elsewhere
 * by a full barrier of its own, on a word that is nobody else's. */
global_function int session_meanwhile(const struct packet *packet, __u32 number, __u32 now, __u32 early) {
    __u32 zero = 0;
    const struct settings *settings = map_lookup(rw_settings, &zero);
    struct session *session;
    __u64 order = 0;

    packet = kernel_packet(packet);
    /* unreachable: the verifier asks of every argument and look-up */
    if (!packet || !settings)
        return 0;
    owner_add(&order, 0);
    if (!proven_may_be(&packet->key, settings->hz, now))
        return 0;
    session = session_lookup(table_of_proven(&packet->key), number, &packet->key);
    if (!session || session_is_over(session, settings, now))
        return 0;
    /* unreachable: that a third CPU revoked it in that moment */
    if (!flags_allow(session, packet->generation))
        return 0;
    if (!early)
        session_update(session, packet, NULL, number, now);
    return 1;
}

#endif
