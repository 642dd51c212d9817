/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is too large for a program's 512 bytes of stack lies in per-CPU maps of one element. Programs run with
 * softirqs off and nest in nothing of ours, so a CPU judges one packet at a time.
 */
#ifndef RINGWALL_SCRATCH_H
#define RINGWALL_SCRATCH_H

#include "frame.h"
#include "packet.h"

/* What the dimensions of a packet say together (policy.h). */
struct policy_bits {
    struct bits prefixes, groups, service;
    struct bits source_port, local, expires; /* read where `rare` says so */
    __u64 rules;                             /* words in which every dimension has a rule */
    __u64 summary;                           /* those of them that are still to be read */
    __u64 rare;
};

/* What was dropped at an uplink by the rules, all that they asked about (denied.h). */
struct denied {
    __u8 local[16];
    __u8 remote[16];
    __be16 local_port;
    __u8 protocol;
    __u8 segment;  /* DENIED_SEGMENT, or 0 */
    __u32 ifindex; /* of the uplink */
    __u32 record;  /* of the interface that drops it */
    __u32 tick;    /* jiffies when it was judged */
    __u64 moment;  /* generation << 32 | version that judged it */
    __u8 mac[6];   /* that the frame was for */
    __u8 reason;
    __u8 zero;
};

#endif
