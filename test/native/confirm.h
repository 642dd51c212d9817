/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The programs of bpf/confirm.bpf.c, and the timer that they have here: somebody has to say that it expires.
 */
#ifndef RINGWALL_NATIVE_CONFIRM_H
#define RINGWALL_NATIVE_CONFIRM_H

#include "native.h"

/* In this order the timer is set. */
enum confirm_timer_step { CONFIRM_INIT, CONFIRM_AIM, CONFIRM_START, CONFIRM_STEPS };

struct native_confirm {
    int errors[CONFIRM_STEPS]; /* errno of each step; 0: it is done */
    native_callback *callback;
    __u64 span; /* ns; 0: the timer was not started */
};
extern struct native_confirm native_confirm;

/* A program by its name, or `expire`: what the timer calls, where one was started. False: there is no such
 * program. */
bool confirm_run(const char *program, int *answer);

#endif
