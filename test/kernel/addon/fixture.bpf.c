/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the addon's tests load: one map of each shape, one program of each kind. */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 65536);
    __type(key, __u32);
    __type(value, __u64);
} fx_hash SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1024);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, __u64);
} fx_words SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, __u32);
} fx_counts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 262144);
} fx_events SEC(".maps");

struct fx_inner {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 4);
    __type(key, __u32);
    __array(values, struct fx_inner);
} fx_outer SEC(".maps");

struct fx_trace {
    __u32 runs;
    __u32 length;
    __u64 clock;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct fx_trace);
} fx_trace SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} fx_clock SEC(".maps");

const volatile __u32 fx_answer = XDP_PASS;
const volatile __u64 fx_salt = 7;

static void count(__u32 place) {
    __u32 *counter = bpf_map_lookup_elem(&fx_counts, &place);
    if (counter)
        (*counter)++;
}

static void trace(__u32 length) {
    __u32 first = 0;
    struct fx_trace *trace = bpf_map_lookup_elem(&fx_trace, &first);
    __u64 *clock = bpf_map_lookup_elem(&fx_clock, &first);
    if (!trace || !clock)
        return;
    trace->runs++;
    trace->length = length;
    trace->clock = *clock;
}

/* Answers fx_answer. */
SEC("xdp.frags") int fx_xdp(struct xdp_md *context) {
    trace(context->data_end - context->data);
    count(0);
    return fx_answer;
}

/* Another program for the same place: a link's update shows. */
SEC("xdp.frags") int fx_xdp_other(struct xdp_md *context) {
    (void)context;
    count(3);
    return XDP_PASS;
}

/* The device that the packet came in on. */
SEC("xdp.frags") int fx_ifindex(struct xdp_md *context) {
    return context->ingress_ifindex;
}

/* One byte longer at the front. */
SEC("xdp.frags") int fx_grow(struct xdp_md *context) {
    return bpf_xdp_adjust_head(context, -1) ? XDP_ABORTED : XDP_PASS;
}

/* Writes fx_salt to fx_events once for each byte of the packet, with the place. */
SEC("xdp") int fx_emit(struct xdp_md *context) {
    for (__u32 i = 0; i < 4096; i++) {
        if (i >= context->data_end - context->data)
            break;
        __u64 record[2] = {fx_salt, i};
        if (bpf_ringbuf_output(&fx_events, record, sizeof(record), 0))
            return XDP_ABORTED;
    }
    return XDP_PASS;
}

/* The number in the inner map at place 1, or 99. */
SEC("xdp") int fx_inner_read(struct xdp_md *context) {
    __u32 place = 1, first = 0;
    (void)context;
    void *inner = bpf_map_lookup_elem(&fx_outer, &place);
    __u32 *number = inner ? bpf_map_lookup_elem(inner, &first) : 0;
    return number ? *number : 99;
}

SEC("tc") int fx_tc(struct __sk_buff *context) {
    trace(context->len);
    count(1);
    return -1; /* TC_ACT_UNSPEC: on to the next */
}

SEC("tc") int fx_tc_other(struct __sk_buff *context) {
    (void)context;
    count(2);
    return -1;
}

struct fx_question {
    __u32 place;  /* of fx_words */
    __u32 answer; /* the word there */
};

/* Answers in what it was asked with; of a place that is not there an errno. */
SEC("syscall") int fx_call(struct fx_question *question) {
    __u32 place = question->place;
    __u64 *word = bpf_map_lookup_elem(&fx_words, &place);

    if (!word)
        return 2; /* ENOENT */
    question->answer = *word;
    return 0;
}

/* What the verifier refuses: a byte that may lie outside the packet. Loaded only when asked for. */
SEC("xdp") int fx_refused(struct xdp_md *context) {
    return *(__u8 *)(long)context->data;
}

char _license[] SEC("license") = "Dual BSD/GPL";
