/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What programs leave behind, as numbers that can be compared. */
#ifndef RINGWALL_FUZZ_DIGEST_H
#define RINGWALL_FUZZ_DIGEST_H

#include "program.h"

/* Of bytes, begun with any number. */
__u64 digest(__u64 hash, const void *bytes, size_t size);
/* Of sessions, counters, DHCP servers, lost events and the trace of every interface of the world. */
void digest_state(struct answers *answers);

#endif
