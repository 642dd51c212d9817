/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The other file that compiles programs of bpf/. A licence of this name judge-frame.c has, too. */
#define _license confirm_license
#include "../confirm.bpf.c"
#include <string.h>
#include "confirm.h"

struct native_confirm native_confirm;

__u64 kernel_boot(void) {
    return native_time.monotonic;
}

long timer_init(struct confirm_timer *timer) {
    (void)timer;
    return -native_confirm.errors[CONFIRM_INIT];
}

long timer_aim(struct confirm_timer *timer, native_callback *callback) {
    (void)timer;
    native_confirm.callback = callback;
    return -native_confirm.errors[CONFIRM_AIM];
}

long timer_start(struct confirm_timer *timer, __u64 span) {
    (void)timer;
    if (!native_confirm.errors[CONFIRM_START])
        native_confirm.span = span;
    return -native_confirm.errors[CONFIRM_START];
}

/* -1: there is no timer that could expire. */
static int expire(struct xdp_md *ctx) {
    struct confirm_timer timer = {};
    __u32 zero = 0;

    (void)ctx;
    if (!native_confirm.span)
        return -1;
    native_confirm.span = 0;
    return native_confirm.callback(&rw_confirm_time, &zero, &timer);
}

bool confirm_run(const char *program, int *answer) {
    static const struct {
        const char *name;
        int (*run)(struct xdp_md *ctx);
    } programs[] = {
        {"confirm_begin", confirm_begin},
        {"confirm_keep", confirm_keep},
        {"confirm_undo", confirm_undo},
        {"expire", expire},
    };
    struct xdp_md ctx = {};

    for (size_t n = 0; n < sizeof(programs) / sizeof(programs[0]); n++)
        if (!strcmp(programs[n].name, program)) {
            *answer = programs[n].run(&ctx);
            return true;
        }
    return false;
}
