/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flags of a session. CPUs that have packets of it at the same time set different ones: a byte that is
 * read, changed and written back would take away what another CPU set in between, were it that the rules have
 * revoked the session.
 */
#ifndef RINGWALL_FLAGS_H
#define RINGWALL_FLAGS_H

#include "kernel.h"
#include "layout.h"

/* No atomic operation is on a byte: on the word that `state` begins, which nothing else changes so. */
enum {
    FLAGS_SHIFT = 8 * (__builtin_offsetof(struct session, flags) - __builtin_offsetof(struct session, state))
};
_Static_assert(__builtin_offsetof(struct session, state) % sizeof(__u32) == 0, "state begins a word");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte of a word is its lowest");

static __always_inline __u32 *flags_word(struct session *session) {
    return (void *)session + __builtin_offsetof(struct session, state);
}

static __always_inline void flags_set(struct session *session, __u32 flags) {
    if ((session->flags & flags) != flags)
        word_or(flags_word(session), flags << FLAGS_SHIFT);
}

static __always_inline void flags_clear(struct session *session, __u32 flags) {
    word_and(flags_word(session), ~(flags << FLAGS_SHIFT));
}

/* Does it live by a verdict of this generation, not revoked? In this order: that it was revoked is written
 * before the generation under which it was. */
static __always_inline bool flags_allow(const struct session *session, __u32 generation) {
    return *(const volatile __u32 *)&session->generation == generation &&
           !(*(const volatile __u8 *)&session->flags & SESSION_REVOKED);
}

#endif
