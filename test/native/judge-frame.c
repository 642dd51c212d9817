/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The only file that compiles the verdict and its programs: a changed header costs no more than this one. */
#include <stdio.h>
#include <stdlib.h>
#include "../ringwall.bpf.c"
#include "judge-frame.h"
#include "lent.h"

/* What a hook is given. */
union context {
    struct xdp_md xdp;
    struct __sk_buff skb;
};

/* XDP has neither tags beside the bytes nor segments. */
static __u32 hook_of(const struct native_frame *native) {
    return native->direction == EGRESS && !native->tagged && !native->segmented ? HOOK_XDP : HOOK_TC_EGRESS;
}

static union context context_of(const struct native_frame *native, __u32 hook, __u32 ifindex) {
    __u32 data = (__u64)lent.data, end = data + lent.together, meta = data - lent.meta;

    if (hook_is_xdp(hook))
        return (union context){
            .xdp = {.data = data, .data_end = end, .data_meta = meta, .ingress_ifindex = ifindex}};
    return (union context){
        .skb =
            {
                .data = data,
                .data_end = end,
                .data_meta = meta,
                .ifindex = ifindex,
                .len = native->size,
                .gso_size = native->segmented,
                .vlan_present = native->tagged,
                .vlan_tci = native->tag,
            },
    };
}

static void answer_with(struct native_answer *answer, const struct verdict *verdict, __u32 version) {
    *answer = (struct native_answer){
        .action = verdict->action,
        .reason = verdict->reason,
        .session = verdict->session,
        .rule = verdict->rule,
        .rule_side = verdict->rule_side,
        .version = version,
    };
}

static bool pass_express(const struct frame *frame, const struct native_frame *native,
                         const struct interface *iface, struct native_answer *answer, bool *unproven) {
    struct verdict verdict = verdict_accept(REASON_SESSION);
    const struct slot *slot = map_lookup(rw_slots, &iface->slot);

    struct express express = {};

    if (native->no_express || native->early)
        return false;
    if (!express_finds(&express, frame, iface, native->record, native->direction)) {
        *unproven = express.unproven;
        return false;
    }
    express_account(&express, iface);
    verdict.session = SESSION_ESTABLISHED;
    answer_with(answer, &verdict, slot->version);
    answer->express = true;
    return true;
}

static __u32 parse(union context *context, const struct native_frame *native, struct packet *packet) {
    __u32 reason =
        hook_is_xdp(hook_of(native)) ? parse_xdp(&context->xdp, packet) : parse_skb(&context->skb, packet);

    open_copy();
    return reason;
}

/* As judge_uplink() does, for the interface that was found. */
static void conclude_early(struct packet *packet, const struct interface *iface, __u32 reason) {
    packet->verdict = verdict_continue();
    if (reason != REASON_NONE || !packet->family || packet->vlans[0] || packet->vlans[1])
        return;
    if (judge(packet, iface, true) == DROP)
        account(packet, iface);
}

void native_judge(const struct native_frame *native, struct native_answer *answer) {
    struct interface iface = *(const struct interface *)native_lookup(&rw_interfaces, &native->record);
    __u32 hook = native->early ? HOOK_UPLINK : native->direction == EGRESS ? HOOK_XDP : HOOK_TC_EGRESS;
    union context context;
    struct frame frame = {};
    struct packet *packet;
    bool unproven = false;
    __u32 reason;

    lend_frame(native->data, native->size, native->size - native->hidden);
    context = context_of(native, hook_of(native), 0);
    context_frame(&frame, &context, hook_of(native));
    iface.flags |= native->flags;
    if (pass_express(&frame, native, &iface, answer, &unproven)) {
        take_frame_back();
        return;
    }
    packet = packet_begin(native->direction, hook, native->record);
    packet->unproven = unproven;
    reason = parse(&context, native, packet);
    take_frame_back();
    if (native->early)
        conclude_early(packet, &iface, reason);
    else
        conclude(packet, &iface, reason);
    answer_with(answer, &packet->verdict, packet->version);
}

static void end_session(const void *key, const void *value, void *settings) {
    struct session *session = (struct session *)value;
    __u32 now = native_time.clock.jiffies;

    if (session->state == STATE_FRAGMENT || session_is_over(session, settings, now))
        return;
    alive_note(ends_hash(key), now, true);
    session->flags |= SESSION_REVOKED | SESSION_ENDED;
    session->seen = now;
}

void native_end_sessions(__u32 number) {
    __u32 zero = 0;

    for (__u32 n = 0; n < TABLES_MAX; n++)
        native_each(native_table(n, number), end_session, native_lookup(&rw_settings, &zero));
}

void native_note_proven(const struct session_key *key) {
    proven_note(key, kernel_jiffies());
}

/* native_put() is at work, which no packet does. */
static bool is_putting;

void native_expect_seen(__u32 number, const struct session_key *key) {
    const struct native_work work = native_work;
    const struct native_faults faults = native_faults;
    __u32 zero = 0;
    const struct settings *settings = map_lookup(rw_settings, &zero);

    native_faults = (struct native_faults){};
    if (!proven_may_be(key, settings->hz, kernel_jiffies()) || !(is_putting || opening_has(number, key))) {
        fprintf(stderr, "another CPU would not find a session that is being proven\n");
        abort();
    }
    native_work = work;
    native_faults = faults;
}

static int put(__u32 table, __u32 number, const struct session_key *key, const struct session *session) {
    struct opening_held held;
    struct opening_new new;
    struct session *there;

    alive_note(ends_hash(key), session->seen, session->flags & SESSION_REVOKED);
    if (table != TABLE_OPENING) {
        there = session_lookup(table, number, key);
        if (!there)
            return session_insert(table, number, key, session);
        proven_note(key, session->seen);
        *there = *session;
        return 0;
    }
    if (opening_lookup(&held, number, key))
        opening_forget(held.owner);
    opening_leave(&held);
    there = opening_place(&new.place, number, key) ? opening_begin(&new, key) : NULL;
    if (there)
        *there = *session;
    return session_shown(&new, number, key, there);
}

int native_put(__u32 table, __u32 number, const struct session_key *key, const struct session *session) {
    int result;

    is_putting = true;
    result = put(table, number, key, session);
    is_putting = false;
    return result;
}

/* ---- whole programs ---- */

typedef int native_program(union context *context);

static int run_guest_xdp(union context *context) {
    return guest_xdp(&context->xdp);
}

static int run_guest_xdp_generic(union context *context) {
    return guest_xdp_generic(&context->xdp);
}

static int run_guest_tc_ingress(union context *context) {
    return guest_tc_ingress(&context->skb);
}

static int run_guest_tc_egress(union context *context) {
    return guest_tc_egress(&context->skb);
}

static int run_uplink_xdp(union context *context) {
    return uplink_xdp(&context->xdp);
}

static int run_uplink_xdp_generic(union context *context) {
    return uplink_xdp_generic(&context->xdp);
}

static int run_clock_probe(union context *context) {
    return clock_probe(&context->xdp);
}

static const struct {
    const char *name;
    __u32 hook;
    native_program *run;
} programs[] = {
    {"guest_xdp", HOOK_XDP, run_guest_xdp},
    {"guest_xdp_generic", HOOK_XDP, run_guest_xdp_generic},
    {"guest_tc_ingress", HOOK_TC_INGRESS, run_guest_tc_ingress},
    {"guest_tc_egress", HOOK_TC_EGRESS, run_guest_tc_egress},
    {"uplink_xdp", HOOK_UPLINK, run_uplink_xdp},
    {"uplink_xdp_generic", HOOK_UPLINK, run_uplink_xdp_generic},
    {"clock_probe", HOOK_XDP, run_clock_probe},
};

bool native_run(const char *program, struct native_run *run) {
    for (size_t n = 0; n < sizeof(programs) / sizeof(programs[0]); n++) {
        union context context;

        if (strcmp(programs[n].name, program))
            continue;
        lend_frame(run->frame.data, run->frame.size, run->frame.size - run->frame.hidden);
        lend_meta(run->meta, run->meta_size);
        context = context_of(&run->frame, programs[n].hook, run->ifindex);
        run->action = programs[n].run(&context);
        open_copy();
        run->target = lent.target;
        run->meta_size = lent.meta;
        memcpy(run->meta, lent.data - lent.meta, lent.meta);
        take_frame_back();
        return true;
    }
    return false;
}
