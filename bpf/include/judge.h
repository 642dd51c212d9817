/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The order of a verdict, as in docs/semantics.md:
 *
 *   removed ─▶ unsupported ─▶ spoofed, forbidden ─▶ what always works ─▶ not ready ─▶ fragment ─▶ session,
 * revoked ─▶ related ─▶ midstream ─▶ rules ─▶ table-full
 *
 * (malformed is parse.h's word.) The first stage that does not say CONTINUE decides.
 */
#ifndef RINGWALL_JUDGE_H
#define RINGWALL_JUDGE_H

#include "alive.h"
#include "always.h"
#include "fragment.h"

/* What stays the same while one packet is judged. */
struct moment {
    const struct settings *settings;
    __u32 version;    /* of the policy */
    __u32 generation; /* the later of the record's and the slot's */
    __u32 now;
    bool early; /* at an uplink: what it accepts is judged again at the device, so it changes nothing */
};

/* Tags and ethertypes that a guest may not use unless its interface lists them. */
static __always_inline struct verdict frame_check(const struct packet *packet,
                                                  const struct interface *iface) {
    for (int n = 0; n < 2; n++) {
        __u16 vlan = packet->vlans[n];

        if (vlan && !(iface->flags & INTERFACE_LISTED && listed_has_short(packet->record, LISTED_VLAN, vlan)))
            return verdict_drop(REASON_UNSUPPORTED);
    }
    if (packet->family || packet->ethertype == ETHERTYPE_ARP)
        return verdict_continue();
    if (packet->ethertype == ETHERTYPE_RARP) {
        const struct about_arp *arp = &packet->about.arp;

        if (packet->direction == EGRESS
                ? own_mac(packet, iface, packet->source_mac) && own_mac(packet, iface, arp->sender_mac)
                : own_mac(packet, iface, arp->target_mac))
            return verdict_continue();
    }
    if (iface->flags & INTERFACE_LISTED &&
        listed_has_short(packet->record, LISTED_ETHERTYPE, packet->ethertype))
        return verdict_continue();
    return verdict_drop(REASON_UNSUPPORTED);
}

/* The rules' verdict on a session of this key whose original direction is `side`; its cell is in
 * packet->ruling. */
static __always_inline struct verdict judge_rules(struct packet *packet, const struct interface *iface,
                                                  const struct session_key *key, __u32 side, __u32 icmp) {
    /* unreachable: no argument is missing; the verifier must see a verdict all the same */
    if (policy_match(packet, iface, key, side, icmp) < 0)
        return verdict_drop(REASON_NOT_READY);
    return packet->ruling.verdict;
}

/* Does a session live by a verdict of the present rules, members and time? */
static __always_inline bool session_is_judged(const struct session *session, const struct moment *moment) {
    const struct policy *policy;
    const struct policy_side *side;
    struct bits bits;
    __u32 version = moment->version;

    if (session->generation != moment->generation)
        return false;
    if (!session->cell)
        return true;
    policy = map_lookup(rw_policies, &version);
    if (!policy)
        return false;
    side = &policy->sides[session->flags & SESSION_ORIGIN_INGRESS ? INGRESS : EGRESS];
    return policy_cell(side->expires, side->expires_cells,
                       kernel_tai_seconds() - moment->settings->tai_offset, &bits) +
               1 ==
           session->cell;
}

/* Must the rules judge a session again? What an operator ended they bring back no more. */
static __always_inline bool session_is_due(const struct session *session, const struct moment *moment) {
    return !(moment->settings->flags & SETTING_KEEP) && !(session->flags & SESSION_ENDED) &&
           !session_is_judged(session, moment);
}

static __always_inline __u32 session_side(const struct session *session) {
    return session->flags & SESSION_ORIGIN_INGRESS ? INGRESS : EGRESS;
}

/* Judges a session again under new rules, in its original direction. CONTINUE: it lives by them. */
static __always_inline struct verdict session_revalidate(struct session *session, struct packet *packet,
                                                         const struct interface *iface,
                                                         const struct moment *moment) {
    struct verdict verdict = judge_rules(packet, iface, &packet->key, session_side(session), session->icmp);

    bool was_revoked = session->flags & SESSION_REVOKED;
    __u64 order = 0;

    if (verdict.action != ACCEPT && !was_revoked) {
        alive_note(ends_hash(&packet->key), moment->now, true);
        flags_set(session, SESSION_REVOKED);
        /* Another CPU may have a packet of it now: it finds it revoked as soon as it finds it judged. */
        owner_add(&order, 0);
        session->seen = moment->now;
    }
    session->cell = packet->ruling.cell;
    session->generation = moment->generation;
    if (verdict.action != ACCEPT)
        return was_revoked ? verdict_continue() : verdict;
    if (was_revoked) {
        flags_clear(session, SESSION_REVOKED);
        session->seen = moment->now;
    }
    session->rule = verdict.rule;
    session->reason = verdict.reason;
    return verdict_continue();
}

/* Does a packet of this kind make a session? Answers and the ICMP types that ask nothing do not. */
static __always_inline bool packet_opens(const struct packet *packet) {
    if (packet->key.protocol == PROTO_TCP)
        return !(packet->tcp_flags & TCP_RST) &&
               (packet->tcp_flags & (TCP_SYN | TCP_ACK)) != (TCP_SYN | TCP_ACK);
    if (!packet_is_icmp(packet))
        return true;
    return packet->key.kind == (packet->direction == EGRESS ? KIND_ECHO_BY_LOCAL : KIND_ECHO_BY_REMOTE) ||
           packet->key.kind ==
               (packet->direction == EGRESS ? KIND_TIMESTAMP_BY_LOCAL : KIND_TIMESTAMP_BY_REMOTE);
}

/* The rules' verdict on a packet without a session, and the session that it makes. */
static __always_inline struct verdict judge_opening(struct packet *packet, const struct interface *iface,
                                                    const struct moment *moment,
                                                    struct session_found *found) {
    __u32 icmp = packet->icmp_type << 8 | packet->icmp_code;
    struct verdict verdict = verdict_continue();

    if (packet->key.protocol == PROTO_TCP && !tcp_is_opening_syn(packet)) {
        if (moment->settings->flags & SETTING_MIDSTREAM_DROP)
            return verdict_drop(REASON_MIDSTREAM);
        /* From the guest first as an answer: then the ingress rules can end it. */
        if (packet->direction == EGRESS)
            verdict = judge_rules(packet, iface, &packet->key, INGRESS, icmp);
    }
    if (verdict.action != ACCEPT)
        verdict = judge_rules(packet, iface, &packet->key, packet->direction, icmp);
    if (verdict.action == DROP || moment->early || !packet_opens(packet))
        return verdict;
    alive_note(ends_hash(&packet->key), moment->now, false);
    if (session_create(session_place(found), packet, found->owner, iface->number, moment->now) < 0) {
        /* What stood before stays, but the rules have accepted this one: that is not why it is dropped. */
        found->live = NULL;
        return verdict_drop(REASON_TABLE_FULL);
    }
    verdict.session = SESSION_NEW;
    return verdict;
}

/* A packet of a live session. CONTINUE: a SYN that begins another one. */
static __always_inline struct verdict judge_session(struct session_found *found, struct packet *packet,
                                                    const struct interface *iface,
                                                    const struct moment *moment) {
    struct session *session = found->live;
    bool syn = packet->key.protocol == PROTO_TCP && tcp_is_opening_syn(packet);
    struct verdict verdict;

    alive_note(ends_hash(&packet->key), moment->now, false);
    if (!found->owner)
        proven_note(&packet->key, moment->now);
    if (syn && session->state == STATE_TCP_CLOSING && !(session->flags & SESSION_REVOKED))
        return verdict_continue();
    if (session_is_due(session, moment)) {
        verdict = session_revalidate(session, packet, iface, moment);
        if (verdict.action == DROP)
            return verdict;
    }
    /* One that was revoked while it was closing may be allowed again by now. */
    if (syn && (session->flags & SESSION_REVOKED || session->state == STATE_TCP_CLOSING))
        return verdict_continue();
    if (session->flags & SESSION_REVOKED)
        return verdict_drop(REASON_REVOKED);
    if (!moment->early)
        session_update(session, packet, found->owner, iface->number, moment->now);
    verdict = verdict_accept(REASON_SESSION);
    verdict.session = SESSION_ESTABLISHED;
    return verdict;
}

/* Is a session not revoked under the present rules? It stays as it is. */
static __always_inline bool session_lives(const struct session *session, struct packet *packet,
                                          const struct session_key *key, const struct interface *iface,
                                          const struct moment *moment) {
    if (!session_is_due(session, moment))
        return !(session->flags & SESSION_REVOKED);
    return judge_rules(packet, iface, key, session_side(session), session->icmp).action == ACCEPT;
}

/* May an ICMP error belong to the session that it quotes? The quoted packet's sender is who receives the
 * error; a router in between may send it. */
static __always_inline bool packet_is_about(const struct packet *packet) {
    const struct session_key *quoted = &packet->about.quoted;

    if (!(packet->marks & MARK_QUOTED))
        return false;
    return packet->direction == INGRESS ? address_equal(quoted->local, packet->key.local)
                                        : address_equal(quoted->remote, packet->key.remote);
}

/* By its session, or as one that opens. */
static __always_inline struct verdict judge_found(struct packet *packet, const struct interface *iface,
                                                  const struct moment *moment, struct session_found *found) {
    struct verdict verdict;

    if (found->live) {
        verdict = judge_session(found, packet, iface, moment);
        if (verdict.action != CONTINUE)
            return verdict;
    }
    verdict = judge_opening(packet, iface, moment, found);
    if (verdict.action == DROP && found->live && found->live->flags & SESSION_REVOKED)
        return verdict_drop(REASON_REVOKED);
    return verdict;
}

static __always_inline struct verdict judge_flow(struct packet *packet, const struct interface *iface,
                                                 const struct moment *moment) {
    bool belongs = !packet_is_icmp(packet) || packet->key.kind != KIND_PLAIN;
    bool quotes = !belongs && packet_is_about(packet), lives;
    const struct session_key *key = belongs ? &packet->key : &packet->about.quoted;
    struct session_found found = {};
    struct verdict verdict;

    if (belongs || quotes)
        session_find(&found, iface->number, key, moment->settings, moment->now,
                     (belongs && packet->unproven) || !proven_may_be(key, moment->settings->hz, moment->now));
    if (quotes) {
        /* It never changes the session that it quotes. */
        lives = found.live && session_lives(found.live, packet, key, iface, moment);
        session_leave(&found, moment->now);
        if (lives) {
            verdict = verdict_accept(REASON_RELATED);
            verdict.session = SESSION_RELATED;
            return verdict;
        }
        found = (struct session_found){};
    }
    verdict = judge_found(packet, iface, moment, &found);
    session_leave(&found, moment->now);
    if (verdict.action != DROP || found.live || !belongs ||
        !session_meanwhile(packet, iface->number, moment->now, moment->early))
        return verdict;
    verdict = verdict_accept(REASON_SESSION);
    verdict.session = SESSION_ESTABLISHED;
    return verdict;
}

static __always_inline struct verdict judge_stages(struct packet *packet, const struct interface *iface,
                                                   const struct moment *moment) {
    struct verdict verdict;

    verdict = frame_check(packet, iface);
    if (verdict.action != CONTINUE)
        return verdict;
    verdict = spoof_check(packet, iface);
    if (verdict.action != CONTINUE)
        return verdict;
    verdict = always_check(packet, iface, moment->settings, moment->early, moment->now);
    if (verdict.action != CONTINUE)
        return verdict;
    if (iface->flags & INTERFACE_NOT_READY || !moment->version)
        return moment->settings->flags & SETTING_FAIL_OPEN ? verdict_accept(REASON_NOT_READY)
                                                           : verdict_drop(REASON_NOT_READY);
    if (!packet->family)
        return verdict_accept(REASON_ETHER_TYPE);
    verdict = fragment_check(packet, iface->number, moment->now);
    if (verdict.action != CONTINUE)
        return verdict;
    return judge_flow(packet, iface, moment);
}

/* Judges a parsed packet at an interface; packet->verdict has the answer. Returns its action.
 * `early`: at an uplink. */
global_function int judge(struct packet *packet, const struct interface *iface, __u32 early) {
    struct moment moment = {.early = early};
    const struct slot *live;
    __u32 index = 0;
    __u64 word;

    packet = kernel_packet(packet);
    /* unreachable: the verifier asks of every argument */
    if (!packet || !iface)
        return DROP;
    packet->verdict = verdict_drop(REASON_NOT_READY);
    moment.settings = map_lookup(rw_settings, &index);
    index = iface->slot;
    live = map_lookup(rw_slots, &index);
    /* unreachable: there are always settings; the verifier asks of every look-up */
    if (!moment.settings || !moment.settings->hz || !live || iface->flags & INTERFACE_REMOVED)
        return DROP;
    /* Version and generation in one read: they change together. */
    word = *(const volatile __u64 *)live;
    moment.version = word;
    moment.generation = word >> 32;
    if ((__s32)(iface->generation - moment.generation) > 0)
        moment.generation = iface->generation;
    moment.now = kernel_jiffies();
    packet->version = moment.version;
    packet->generation = moment.generation;

    packet->verdict = judge_stages(packet, iface, &moment);
    if (packet->observed && packet->verdict.action == ACCEPT)
        packet->verdict.reason = REASON_OBSERVED;
    if (packet->marks & MARK_FRAGMENT_FIRST && (!early || packet->verdict.action == DROP) &&
        fragment_remember(packet, iface->number, moment.now) < 0)
        packet->verdict = verdict_drop(REASON_TABLE_FULL);
    return packet->verdict.action;
}

#endif
