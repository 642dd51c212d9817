/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What stands on devices, in one read. The agent looks each second whether its programs still do; asking a
 * thousand devices takes thousands of system calls, an iterator over all links takes one read. No packet runs
 * it.
 *
 * A device may go while it is read: what is read of it then is wrong, never unsafe, and differs from what was
 * read before, so the agent asks the kernel itself. The structs are the kernel's, with the members that are
 * read here; where those lie is found out when the program is loaded.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

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
    int ifindex;
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

/* One link on a device. The agent compares these bytes, and takes nothing out of them. */
struct link_seen {
    __u32 link;    /* its id */
    __u32 program; /* id of the program that it runs */
    __u32 ifindex;
    __u32 first_ingress; /* ids of the programs that run first at the tcx hooks of the device; 0: none */
    __u32 first_egress;
};

static __always_inline void see_tcx(struct link_seen *seen, struct net_device *device) {
    if (!bpf_core_field_exists(struct net_device, tcx_ingress))
        return;
    seen->first_ingress = BPF_CORE_READ(device, tcx_ingress, fp_items[0].prog, aux, id);
    seen->first_egress = BPF_CORE_READ(device, tcx_egress, fp_items[0].prog, aux, id);
}

static __always_inline bool is_here(struct net_device *device) {
    struct task_struct *reader = (void *)bpf_get_current_task();

    return BPF_CORE_READ(device, nd_net.net) == BPF_CORE_READ(reader, nsproxy, net_ns);
}

/* Links on devices of the reader's network namespace; one that was detached, or whose device is gone, is on
 * none. */
SEC("iter/bpf_link")
int list_links(struct bpf_iter__bpf_link *context) {
    struct bpf_link *link = context->link;
    struct link_seen seen = {};
    struct net_device *device;

    if (!link)
        return 0;
    if (link->type == BPF_LINK_TYPE_XDP && bpf_core_type_exists(struct bpf_xdp_link))
        device = BPF_CORE_READ((struct bpf_xdp_link *)link, dev);
    else if (link->type == LINK_TYPE_TCX && bpf_core_type_exists(struct tcx_link))
        device = BPF_CORE_READ((struct tcx_link *)link, dev);
    else
        return 0;
    if (!device || !is_here(device))
        return 0;
    seen.link = link->id;
    seen.program = link->prog->aux->id;
    seen.ifindex = BPF_CORE_READ(device, ifindex);
    if (link->type == LINK_TYPE_TCX)
        see_tcx(&seen, device);
    bpf_seq_write(context->meta->seq, &seen, sizeof(seen));
    return 0;
}
