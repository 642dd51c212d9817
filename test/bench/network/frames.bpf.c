/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Frames for the bench, made and counted in XDP:
 *
 *   stream   run with live frames at a guest's end: makes each frame the next of many UDP flows, sends it out
 *   tally    at a guest's end: counts what comes out, and drops it
 *   forward  at the host's device of a guest: a redirect to the other guest's, and nothing else
 *   look_out, look_in  at tc of the host's device of a guest: one look-up in an LRU table, one timestamp
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include "headers.h"
#include "packet.h"
#include "address.h"
#include "../key.h"

char _license[] SEC("license") = "Dual BSD/GPL";

#define DEVICES 1024

/* What had come out when a batch began. */
struct moment {
    __u64 time; /* ns */
    __u64 count;
};

/* How a run of live frames goes through its flows; written before each run, read after it. */
struct run {
    __u64 next;  /* flow of the next frame */
    __u64 flows; /* after the last comes the first */
    __u64 sent;
    __u32 back; /* not 0: frames are the answers, ports change places */
    __u32 to;   /* ifindex that frames come out of */
    struct moment first, last;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct run);
} rw_run SEC(".maps");

/* Frames that came out, by ifindex. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, DEVICES);
    __type(key, __u32);
    __type(value, __u64);
} rw_tally SEC(".maps");

/* Where forward sends what came in on an ifindex. */
struct {
    __uint(type, BPF_MAP_TYPE_DEVMAP);
    __uint(max_entries, DEVICES);
    __type(key, __u32);
    __type(value, __u32);
} rw_forward SEC(".maps");

/* Sessions of both guests, each at its own end; sized by who attaches look_out and look_in. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 1024);
    __type(key, struct session_key);
    __type(value, struct session);
} rw_looked SEC(".maps");

struct udp_frame {
    struct wire_ethernet ethernet;
    struct wire_ipv4 ipv4;
    struct wire_udp udp;
} __attribute__((packed));

#define FIRST_SOURCE_PORT 1024
#define SOURCE_PORTS 60000
/* The last rule of the bench's accepts as many. */
#define FIRST_PORT 40000
#define PORTS 256

/* The kernel's own, of live frames. */
#define BATCH 64

/* Where a batch begins. A run takes long to begin and to end (the kernel waits for grace periods), so that
 * the time of the call says little: between two of these marks there is nothing but frames. */
static __always_inline void mark_batch(struct run *run) {
    __u32 to = run->to;
    const __u64 *count = bpf_map_lookup_elem(&rw_tally, &to);

    run->last.time = bpf_ktime_get_ns();
    run->last.count = count ? *count : 0;
    if (!run->sent)
        run->first = run->last;
}

/* Other ports under a checksum that stays right (RFC 1624, equation 3): a page of frames is used again and
 * again. */
static __always_inline void set_ports(struct udp_frame *frame, __u16 source, __u16 destination) {
    __u32 sum = (__u16)~frame->udp.checksum;

    sum += (__u16)~frame->udp.source + source;
    sum += (__u16)~frame->udp.destination + destination;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    frame->udp.source = source;
    frame->udp.destination = destination;
    frame->udp.checksum = sum == 0xffff ? 0xffff : ~sum;
}

SEC("xdp")
int stream(struct xdp_md *ctx) {
    struct udp_frame *frame = (void *)(long)ctx->data;
    __u16 client, server;
    __u32 zero = 0;
    struct run *run = bpf_map_lookup_elem(&rw_run, &zero);
    __u64 flow;

    if (!run || (void *)(frame + 1) > (void *)(long)ctx->data_end)
        return XDP_ABORTED;
    if (run->sent % BATCH == 0)
        mark_batch(run);
    run->sent++;
    flow = run->next;
    run->next = flow + 1 < run->flows ? flow + 1 : 0;
    client = __builtin_bswap16(FIRST_SOURCE_PORT + flow % SOURCE_PORTS);
    server = __builtin_bswap16(FIRST_PORT + flow / SOURCE_PORTS % PORTS);
    set_ports(frame, run->back ? server : client, run->back ? client : server);
    return XDP_TX;
}

/* A switch in user space sends from any CPU. */
SEC("xdp.frags")
int tally(struct xdp_md *ctx) {
    __u32 place = ctx->ingress_ifindex;
    __u64 *count = bpf_map_lookup_elem(&rw_tally, &place);

    if (count)
        __sync_fetch_and_add(count, 1);
    return XDP_DROP;
}

SEC("xdp.frags")
int forward(struct xdp_md *ctx) {
    return bpf_redirect_map(&rw_forward, ctx->ingress_ifindex, XDP_PASS);
}

/* What a stateful firewall at tc has to do at least: its session of the frame, which is made where there is
 * none. */
static __always_inline int look(const struct __sk_buff *ctx, bool in) {
    struct session_key sent = {}, key;
    struct session *session, fresh = {};

    if (!parse_key((void *)(long)ctx->data, (void *)(long)ctx->data_end, &sent))
        return TC_ACT_UNSPEC;
    key = sent;
    if (in) {
        address_copy(key.local, sent.remote);
        address_copy(key.remote, sent.local);
        key.local_port = sent.remote_port;
        key.remote_port = sent.local_port;
    }
    session = bpf_map_lookup_elem(&rw_looked, &key);
    fresh.seen = bpf_jiffies64();
    if (session)
        session->seen = fresh.seen;
    else
        bpf_map_update_elem(&rw_looked, &key, &fresh, BPF_ANY);
    return TC_ACT_UNSPEC;
}

SEC("tc")
int look_out(struct __sk_buff *ctx) {
    return look(ctx, false);
}

SEC("tc")
int look_in(struct __sk_buff *ctx) {
    return look(ctx, true);
}
