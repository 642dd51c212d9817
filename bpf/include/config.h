/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Load-time constants. What may change while the programs run is in struct settings. */
#ifndef RINGWALL_CONFIG_H
#define RINGWALL_CONFIG_H

/* Time comes from rw_clock instead of the kernel: replay and tests drive hours in a moment. */
const volatile bool rw_test_clock = false;

#endif
