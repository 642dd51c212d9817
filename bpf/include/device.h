/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the agent said of a device: whose it is, and the secret that marks its frames. */
#ifndef RINGWALL_DEVICE_H
#define RINGWALL_DEVICE_H

#include "kernel.h"

/* The interface behind a device; NULL where the agent has not said (a device is never attached before). */
static __always_inline const struct interface *interface_of(__u32 ifindex, __u32 *record) {
    __u32 near = ifindex & (DEVICES_NEAR - 1);
    const struct device *device = map_lookup(rw_devices, &near);
    __u64 word;

    /* unreachable: the verifier asks of every look-up */
    if (!device)
        return NULL;
    /* ifindex and record in one read: they change together. */
    word = *(const volatile __u64 *)device;
    if ((__u32)word != ifindex) {
        device = map_lookup(rw_devices_far, &ifindex);
        if (!device)
            return NULL;
        word = *(const volatile __u64 *)device;
    }
    *record = word >> 32;
    return map_lookup(rw_interfaces, record);
}

static __always_inline bool fails_open(void) {
    __u32 zero = 0;
    const struct settings *settings = map_lookup(rw_settings, &zero);

    /* unreachable: the verifier asks of every look-up */
    return settings && settings->flags & SETTING_FAIL_OPEN;
}

/* What marks a frame of this device as judged; 0: nothing does, since no XDP program of ours stands there. */
static __always_inline __u64 secret_of(__u32 ifindex) {
    __u32 near = ifindex & (DEVICES_NEAR - 1);
    const struct mark *mark = map_lookup(rw_marks, &near);

    /* unreachable: the verifier asks of every look-up */
    return mark ? *(const volatile __u64 *)&mark->secret : 0;
}

#endif
