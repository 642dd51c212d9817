/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TCP's states. Sequence numbers decide whether a packet may change the state, never whether it passes
 * (RFC 5961; dropping on windows hangs retransmissions).
 *
 *   opening ── both sides have acknowledged ──▶ established ── both FINs, or an exact RST ──▶ closing
 *
 * By the sender's direction: `next` is the sequence after its highest byte, `base` the lowest acknowledgement
 * of its bytes that proves anything. A blind flood cannot establish: it would have to guess them.
 */
#ifndef RINGWALL_TCP_H
#define RINGWALL_TCP_H

#include "flags.h"
#include "packet.h"

/* No segment reaches further than the largest window (RFC 7323). */
enum { TCP_REACH = 1 << 30 };

static __always_inline bool tcp_is_opening_syn(const struct packet *packet) {
    return (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

static __always_inline bool tcp_knows(const struct session *session, __u32 direction) {
    return session->known >> direction & 1;
}

static __always_inline __u32 tcp_end(const struct packet *packet) {
    return packet->sequence + packet->payload + !!(packet->tcp_flags & TCP_SYN) +
           !!(packet->tcp_flags & TCP_FIN);
}

static __always_inline void tcp_learn(struct session *session, __u32 direction, __u32 base, __u32 next) {
    /* Constant indices: a fresh session lies on the stack, where the verifier allows no others. */
    if (direction == EGRESS) {
        session->base[EGRESS] = base;
        session->next[EGRESS] = next;
    } else {
        session->base[INGRESS] = base;
        session->next[INGRESS] = next;
    }
    session->known |= 1 << direction;
}

/* Does this packet acknowledge bytes that the other side is known to have sent? */
static __always_inline bool tcp_acknowledges(const struct session *session, const struct packet *packet) {
    __u32 other = !packet->direction;

    return packet->tcp_flags & TCP_ACK && tcp_knows(session, other) &&
           (__s32)(packet->acknowledgement - session->base[other]) >= 0 &&
           (__s32)(session->next[other] - packet->acknowledgement) >= 0;
}

static __always_inline void tcp_note_acknowledgement(struct session *session, const struct packet *packet) {
    if (tcp_acknowledges(session, packet))
        flags_set(session, packet->direction == EGRESS ? SESSION_ACKED_LOCAL : SESSION_ACKED_REMOTE);
}

static __always_inline bool tcp_is_acknowledged(const struct session *session) {
    return (session->flags & (SESSION_ACKED_LOCAL | SESSION_ACKED_REMOTE)) ==
           (SESSION_ACKED_LOCAL | SESSION_ACKED_REMOTE);
}

static __always_inline void tcp_begin(struct session *session, const struct packet *packet) {
    __u32 direction = packet->direction & 1;

    tcp_learn(session, direction, packet->sequence + !!(packet->tcp_flags & TCP_SYN), tcp_end(packet));
    if (packet->tcp_flags & TCP_FIN)
        flags_set(session, direction == EGRESS ? SESSION_FIN_LOCAL : SESSION_FIN_REMOTE);
}

static __always_inline void tcp_advance(struct session *session, __u32 direction, __u32 end) {
    __s32 ahead = end - session->next[direction];

    if (ahead > 0 && ahead < TCP_REACH)
        session->next[direction] = end;
}

/* A reset counts at the exact next sequence; after a FIN anywhere; to a SYN when it acknowledges it. */
static __always_inline bool tcp_reset_counts(const struct session *session, const struct packet *packet) {
    __u32 direction = packet->direction & 1;
    __u32 other = !direction;

    if (session->flags & (SESSION_FIN_LOCAL | SESSION_FIN_REMOTE))
        return true;
    if (tcp_knows(session, direction) && packet->sequence == session->next[direction])
        return true;
    return session->state == STATE_TCP_OPENING && packet->tcp_flags & TCP_ACK && tcp_knows(session, other) &&
           packet->acknowledgement == session->next[other];
}

/* A FIN is right where it continues what its side (which is known) has sent, or repeats its end. */
static __always_inline bool tcp_fin_is_right(const struct session *session, const struct packet *packet) {
    __u32 direction = packet->direction & 1;

    return (__s32)(session->next[direction] - packet->sequence) >= 0 &&
           (__s32)(tcp_end(packet) - session->next[direction]) >= 0;
}

/* SYN in an opening session: a repeated one prolongs nothing; the other side's is a simultaneous open. */
static __always_inline bool tcp_open_syn(struct session *session, const struct packet *packet) {
    __u32 direction = packet->direction & 1;
    bool repeated = tcp_knows(session, direction);

    tcp_learn(session, direction, packet->sequence + 1, tcp_end(packet));
    return !repeated;
}

/* A SYN-ACK proves nothing unless it acknowledges the SYN; a stale one must not spoil the right one. */
static __always_inline bool tcp_open_synack(struct session *session, const struct packet *packet) {
    if (!tcp_acknowledges(session, packet))
        return false;
    tcp_learn(session, packet->direction & 1, packet->sequence + 1, tcp_end(packet));
    tcp_note_acknowledgement(session, packet);
    return true;
}

static __always_inline bool tcp_fin(struct session *session, const struct packet *packet) {
    if (!tcp_fin_is_right(session, packet))
        return false;
    session->next[packet->direction & 1] = tcp_end(packet);
    flags_set(session, packet->direction == EGRESS ? SESSION_FIN_LOCAL : SESSION_FIN_REMOTE);
    if ((session->flags & (SESSION_FIN_LOCAL | SESSION_FIN_REMOTE)) ==
        (SESSION_FIN_LOCAL | SESSION_FIN_REMOTE))
        session->state = STATE_TCP_CLOSING;
    return true;
}

/* Changes the state by a packet of a live session. True: the packet refreshes the session. */
static __always_inline bool tcp_update(struct session *session, const struct packet *packet) {
    __u32 direction = packet->direction & 1;

    if (packet->tcp_flags & TCP_RST) {
        if (!tcp_reset_counts(session, packet))
            return false;
        session->state = STATE_TCP_CLOSING;
        return true;
    }
    if (packet->tcp_flags & TCP_SYN) {
        if (session->state != STATE_TCP_OPENING)
            return false;
        return packet->tcp_flags & TCP_ACK ? tcp_open_synack(session, packet) : tcp_open_syn(session, packet);
    }
    if (!tcp_knows(session, direction))
        tcp_learn(session, direction, packet->sequence, packet->sequence);
    if (packet->tcp_flags & TCP_FIN && !tcp_fin(session, packet))
        return false;
    tcp_note_acknowledgement(session, packet);
    tcp_advance(session, direction, tcp_end(packet));
    return true;
}

#endif
