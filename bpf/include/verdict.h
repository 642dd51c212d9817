/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A verdict is a value: CONTINUE goes on to the next stage, ACCEPT and DROP end the walk and carry a reason.
 */
#ifndef RINGWALL_VERDICT_H
#define RINGWALL_VERDICT_H

#include "layout.h"

struct verdict {
    __u8 action;    /* enum action */
    __u8 reason;    /* enum reason */
    __u8 session;   /* enum session_use */
    __u8 rule_side; /* enum direction: the side that `rule` is numbered on */
    __u32 rule;     /* number, or RULE_NONE */
};

#define must_check __attribute__((warn_unused_result))

static __always_inline must_check struct verdict verdict_continue(void) {
    return (struct verdict){.action = CONTINUE, .rule = RULE_NONE};
}

static __always_inline must_check struct verdict verdict_accept(__u32 reason) {
    return (struct verdict){.action = ACCEPT, .reason = reason, .rule = RULE_NONE};
}

static __always_inline must_check struct verdict verdict_drop(__u32 reason) {
    return (struct verdict){.action = DROP, .reason = reason, .rule = RULE_NONE};
}

#endif
