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

#endif
