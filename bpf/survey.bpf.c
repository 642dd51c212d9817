/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the agent reads of all objects of a kind at once, by iterators; asking for each takes thousands of
 * system calls. No packet runs them.
 *
 *   list_links     which links stand on which devices, and what they run; looked at each second
 *   list_counters  what rw_counters counts that is not zero; most places are
 *
 * The structs are the kernel's, with the members that are read here; where those lie is found out when a
 * program is loaded.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "layout.h"

/* Its helpers for reading the kernel's memory are for GPL programs. */
char _license[] SEC("license") = "Dual BSD/GPL";

/* BPF_LINK_TYPE_TCX of Linux 6.6, which older headers lack. */
enum { LINK_TYPE_TCX = 11 };

struct bpf_prog_aux {
    __u32 id;
} __attribute__((preserve_access_index));

struct bpf_prog {
    struct bpf_prog_aux *aux;
} __attribute__((preserve_access_index));

struct bpf_link {
    __u32 id;
    enum bpf_link_type type;
    struct bpf_prog *prog;
} __attribute__((preserve_access_index));

struct bpf_mprog_fp {
    struct bpf_prog *prog;
} __attribute__((preserve_access_index));

struct bpf_mprog_entry {
    struct bpf_mprog_fp fp_items[64];
} __attribute__((preserve_access_index));

struct net;

typedef struct {
    struct net *net;
} __attribute__((preserve_access_index)) possible_net_t;

struct net_device {
    possible_net_t nd_net;
    struct bpf_mprog_entry *tcx_ingress;
    struct bpf_mprog_entry *tcx_egress;
} __attribute__((preserve_access_index));

struct bpf_xdp_link {
    struct bpf_link link;
    struct net_device *dev;
} __attribute__((preserve_access_index));

struct tcx_link {
    struct bpf_link link;
    struct net_device *dev;
} __attribute__((preserve_access_index));

struct nsproxy {
    struct net *net_ns;
} __attribute__((preserve_access_index));

struct task_struct {
    struct nsproxy *nsproxy;
} __attribute__((preserve_access_index));

struct seq_file;

struct bpf_iter_meta {
    struct seq_file *seq;
} __attribute__((preserve_access_index));

struct bpf_iter__bpf_link {
    struct bpf_iter_meta *meta;
    struct bpf_link *link;
} __attribute__((preserve_access_index));

struct bpf_iter__bpf_map_elem {
    struct bpf_iter_meta *meta;
    __u32 *key;
    void *value;
} __attribute__((preserve_access_index));

/* One link on a device of the reader's network namespace. The agent compares these bytes, and takes no more
 * out of them than whose they are (src/kernel/link-rows.ts). */
struct link_seen {
    __u32 link;          /* its id; first */
    __u32 program;       /* id of the program that it runs */
    __u64 first_ingress; /* what runs first at the tcx hooks of the device, for a tcx link; 0: nothing */
    __u64 first_egress;
};

/* Linux 6.2: the verifier takes a pointer for one to a type, and what lies there is read by loads. Elsewhere
 * a helper reads it, and each time costs as much as a look-up. */
extern void *bpf_rdonly_cast(const void *object, __u32 type) __ksym __weak;

#define CAST(type, pointer) ((type *)bpf_rdonly_cast(pointer, bpf_core_type_id_kernel(type)))

/* A device may go while it is read: what is read of it then is wrong, never unsafe, and differs from what was
 * read before, so the agent asks the kernel itself. */
static __always_inline void see_hooks(struct link_seen *seen, struct net_device *device) {
    if (!bpf_core_field_exists(struct net_device, tcx_ingress))
        return;
    if (bpf_rdonly_cast) {
        seen->first_ingress = (__u64)device->tcx_ingress->fp_items[0].prog;
        seen->first_egress = (__u64)device->tcx_egress->fp_items[0].prog;
        return;
    }
    seen->first_ingress = (__u64)BPF_CORE_READ(device, tcx_ingress, fp_items[0].prog);
    seen->first_egress = (__u64)BPF_CORE_READ(device, tcx_egress, fp_items[0].prog);
}

/* A link that was detached, or whose device is gone, has none. */
static __always_inline struct net_device *device_of(struct bpf_link *link) {
    if (link->type == BPF_LINK_TYPE_XDP && bpf_core_type_exists(struct bpf_xdp_link)) {
        if (bpf_rdonly_cast)
            return CAST(struct bpf_xdp_link, link)->dev;
        return BPF_CORE_READ((struct bpf_xdp_link *)link, dev);
    }
    if (link->type == LINK_TYPE_TCX && bpf_core_type_exists(struct tcx_link)) {
        if (bpf_rdonly_cast)
            return CAST(struct tcx_link, link)->dev;
        return BPF_CORE_READ((struct tcx_link *)link, dev);
    }
    return 0;
}

/* The network namespace that a device is in. */
static __always_inline struct net *net_of(struct net_device *device) {
    return bpf_rdonly_cast ? device->nd_net.net : BPF_CORE_READ(device, nd_net.net);
}

SEC("iter/bpf_link")
int list_links(struct bpf_iter__bpf_link *context) {
    struct task_struct *reader = bpf_get_current_task_btf();
    struct bpf_link *link = context->link;
    struct link_seen seen = {};
    struct net_device *device;

    if (!link)
        return 0;
    device = device_of(link);
    if (!device || net_of(device) != reader->nsproxy->net_ns)
        return 0;
    seen.link = link->id;
    seen.program = link->prog->aux->id;
    if (link->type == LINK_TYPE_TCX)
        see_hooks(&seen, device);
    bpf_seq_write(context->meta->seq, &seen, sizeof(seen));
    return 0;
}

/* Possible CPUs: so many values has a place of a per-CPU map. */
const volatile __u32 cpus = 1;

/* One counter of an interface, summed over the CPUs. */
struct counter_seen {
    __u32 number;
    __u32 place; /* struct counters */
    __u64 packets;
    __u64 bytes;
};

/* The sum of an interface, and what one CPU counted: one interface after the other. */
struct counters_sum {
    struct counters sum;
    struct counters one;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct counters_sum);
} rw_counters_sum SEC(".maps");

struct counters_walk {
    const struct counters *counts; /* a value for each CPU */
    struct counters_sum *into;
};

/* Copied by a helper, which cannot fail, since the kernel made the value for this read: by loads it may be
 * read at constant places only, each of which the verifier would walk. */
static long add_counters(__u32 turn, struct counters_walk *walk) {
    struct counters_sum *into = walk->into;

    if (bpf_probe_read_kernel(&into->one, sizeof(into->one), walk->counts + 1 + turn))
        return 1;
    for (__u32 place = 0; place < COUNTERS_PER_INTERFACE; place++) {
        into->sum.of[place].packets += into->one.of[place].packets;
        into->sum.of[place].bytes += into->one.of[place].bytes;
    }
    return 0;
}

SEC("iter/bpf_map_elem")
int list_counters(struct bpf_iter__bpf_map_elem *context) {
    const __u32 *number = context->key;
    struct counters_walk walk = {.counts = context->value};
    __u32 zero = 0;

    walk.into = bpf_map_lookup_elem(&rw_counters_sum, &zero);
    if (!number || !walk.counts || !walk.into)
        return 0;
    /* The last byte is read by a load: a map with fewer CPUs' values is refused. */
    (void)*(volatile const __u64 *)&walk.counts[cpus - 1].of[COUNTERS_PER_INTERFACE - 1].bytes;
    if (bpf_probe_read_kernel(&walk.into->sum, sizeof(walk.into->sum), walk.counts))
        return 0;
    bpf_loop(cpus - 1, add_counters, &walk, 0);
    for (__u32 place = 0; place < COUNTERS_PER_INTERFACE; place++) {
        const struct counter *counter = &walk.into->sum.of[place];
        struct counter_seen seen = {*number, place, counter->packets, counter->bytes};

        if (seen.packets)
            bpf_seq_write(context->meta->seq, &seen, sizeof(seen));
    }
    return 0;
}
