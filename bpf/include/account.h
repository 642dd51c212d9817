/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a verdict leaves behind: a counter always, an event for what was dropped or observed, a trace on
 * request. */
#ifndef RINGWALL_ACCOUNT_H
#define RINGWALL_ACCOUNT_H

#include "kernel.h"
#include "packet.h"
#include "address.h"
#include "rate.h"

static __always_inline struct counter *account_counter(__u32 number, __u32 direction, bool accepted,
                                                       __u32 reason) {
    __u32 place = number * 2 + direction;
    struct counters *counters;

    if (accepted && reason == REASON_SESSION)
        return map_lookup(rw_passed, &place);
    counters = map_lookup(rw_counters, &number);
    if (!counters)
        return 0;
    place = (direction * 2 + accepted) * REASONS_MAX + reason;
    return &counters->of[place % COUNTERS_PER_INTERFACE]; /* as it is already, for the verifier */
}

static __always_inline void account_add(struct counter *counter, __u32 length) {
    if (!counter)
        return;
    counter->packets++;
    counter->bytes += length;
}

static __always_inline void account_count(const struct packet *packet, __u32 number) {
    bool accepted = packet->verdict.action == ACCEPT;

    account_add(account_counter(number, packet->direction, accepted, packet->verdict.reason), packet->length);
}

static __always_inline void account_lost(__u32 kind) {
    __u64 *lost = map_lookup(rw_lost, &kind);

    /* unreachable: the verifier asks of every look-up */
    if (lost)
        ++*lost;
}

static __always_inline void account_trace(const struct verdict *verdict, __u32 version) {
    __u32 zero = 0;
    struct trace *trace = map_lookup(rw_trace, &zero);

    /* unreachable: the verifier asks of every look-up */
    if (!trace)
        return;
    trace->count++;
    trace->version = version;
    trace->rule = verdict->rule;
    trace->action = verdict->action;
    trace->reason = verdict->reason;
    trace->session = verdict->session;
    trace->rule_side = verdict->rule_side;
}

static __always_inline void event_fill(struct event *event, const struct packet *packet,
                                       const struct interface *iface) {
    bool ports = packet->key.protocol == PROTO_TCP || packet->key.protocol == PROTO_UDP;

    event->time = kernel_monotonic();
    event->interface = iface->id;
    event->number = iface->number;
    event->rule = packet->verdict.rule;
    event->version = packet->version;
    event->length = packet->length;
    event->direction = packet->direction;
    event->action = packet->verdict.action;
    event->reason = packet->verdict.reason;
    event->hook = packet->hook;
    __builtin_memcpy(event->source_mac, packet->source_mac, 6);
    __builtin_memcpy(event->destination_mac, packet->destination_mac, 6);
    event->ethertype = packet->ethertype;
    event->protocol = packet->key.protocol;
    event->tcp_flags = packet->tcp_flags;
    address_copy(event->source, packet_source(packet));
    address_copy(event->destination, packet_destination(packet));
    event->source_port = ports ? __builtin_bswap16(packet_source_port(packet)) : 0;
    event->destination_port = ports ? __builtin_bswap16(packet_destination_port(packet)) : 0;
    event->icmp_type = packet->icmp_type;
    event->icmp_code = packet->icmp_code;
    event->zero = 0;
}

/* One of an interface and reason within its rate, so that a flood hides nothing of its neighbours. */
static __always_inline void account_event(const struct packet *packet, const struct interface *iface) {
    __u32 zero = 0;
    const struct settings *settings = map_lookup(rw_settings, &zero);
    struct event *event;

    /* unreachable: the verifier asks of every look-up */
    if (!settings)
        return;
    if (!rate_allow(iface->number, RATES_EVENTS + packet->verdict.reason, settings->events_per_second,
                    settings->hz, kernel_jiffies())) {
        account_lost(LOST_RATE);
        return;
    }
    event = event_reserve();
    if (!event) {
        account_lost(LOST_FULL);
        return;
    }
    event_fill(event, packet, iface);
    event_submit(event);
}

/* A trace, or an event. */
global_function int account_tell(const struct packet *packet, const struct interface *iface) {
    /* unreachable: the verifier asks of every argument */
    if (!packet || !iface)
        return 0;
    if (iface->flags & INTERFACE_TRACE)
        account_trace(&packet->verdict, packet->version);
    else
        account_event(packet, iface);
    return 0;
}

static __always_inline void account(const struct packet *packet, const struct interface *iface) {
    account_count(packet, iface->number);
    if (iface->flags & INTERFACE_TRACE || packet->verdict.action == DROP ||
        packet->verdict.reason == REASON_OBSERVED)
        account_tell(packet, iface);
}

#endif
