/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One frame through the verdict, as the programs of bpf/ringwall.bpf.c take it. */
#ifndef RINGWALL_NATIVE_JUDGE_FRAME_H
#define RINGWALL_NATIVE_JUDGE_FRAME_H

#include "native.h"

struct native_frame {
    const __u8 *data;
    __u32 size;
    __u32 direction;
    __u32 record; /* of the interface, in rw_interfaces */
    __u32 flags;  /* enum interface_flag, beside the record's own */
    __u32 hidden; /* bytes at its end that do not lie with the others, as tc has them: they can only be loaded
                   */
    bool no_express;
    bool early; /* as at an uplink, for the interface; a frame that it leaves to the device has no action */
    bool segmented;
    bool tagged; /* the outermost tag stands beside the bytes */
    __u16 tag;
};

struct native_answer {
    __u8 action, reason, session, rule_side;
    __u32 rule, version;
    bool express; /* it went the express way */
};

/* The verdict, counted. Bytes are lent out in a place of exactly their size, until the stages that judge
 * begin: whoever reads beside them, or from there on, reads what the sanitizers guard. */
void native_judge(const struct native_frame *frame, struct native_answer *answer);

/* A session of the key, as if a packet had made it; 0, or a negative errno. */
int native_put(__u32 table, __u32 number, const struct session_key *key, const struct session *session);

/* Ends every session of an interface number now, as the agent does for an operator. */
void native_end_sessions(__u32 number);

/* As it says before another CPU proves a session of this key. */
void native_note_proven(const struct session_key *key);

/* A whole program at a device, with what lies before the frame and what it leaves there. */
struct native_run {
    struct native_frame frame; /* direction, record and flags are the program's business */
    __u32 ifindex;
    __u8 meta[32];
    __u32 meta_size;
    int action;   /* XDP_* or TC_ACT_* */
    __u32 target; /* the device that the frame is sent to; 0: none */
};

/* False: there is no program of this name. */
bool native_run(const char *program, struct native_run *run);

#endif
