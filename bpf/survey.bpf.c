/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the agent reads of all objects of a kind at once; asking for each takes thousands of system calls. No
 * packet runs it.
 *
 *   see_devices    what stands at the hooks of which devices; looked at each second
 *   list_counters  what rw_counters counts that is not zero; most places are
 *
 * The structs are the kernel's, with the members that are read here; where those lie is found out when a
 * program is loaded.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/errno.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "layout.h"

/* Its helpers for reading the kernel's memory are for GPL programs. */
char _license[] SEC("license") = "Dual BSD/GPL";

/* BPF_MPROG_MAX, and the modes of XDP (__MAX_XDP_MODE). */
enum { PROGRAMS_PER_HOOK = 64, XDP_MODES = 3 };
/* Devices that are gone through at most, and those among them that have programs. */
enum { DEVICES_MAX = 1 << 20, DEVICES_TOLD = 1 << 14 };

struct bpf_prog_aux {
    __u32 id;
} __attribute__((preserve_access_index));

struct bpf_prog {
    struct bpf_prog_aux *aux;
} __attribute__((preserve_access_index));

struct bpf_link {
    struct bpf_prog *prog;
} __attribute__((preserve_access_index));

struct bpf_mprog_bundle;

struct bpf_mprog_fp {
    struct bpf_prog *prog;
} __attribute__((preserve_access_index));

struct bpf_mprog_entry {
    struct bpf_mprog_fp fp_items[PROGRAMS_PER_HOOK];
    struct bpf_mprog_bundle *parent;
} __attribute__((preserve_access_index));

struct bpf_mprog_cp {
    struct bpf_link *link;
} __attribute__((preserve_access_index));

struct bpf_mprog_bundle {
    struct bpf_mprog_cp cp_items[PROGRAMS_PER_HOOK];
} __attribute__((preserve_access_index));

struct list_head {
    struct list_head *next;
} __attribute__((preserve_access_index));

struct net {
    struct list_head dev_base_head;
} __attribute__((preserve_access_index));

struct bpf_xdp_link {
    struct bpf_link link;
} __attribute__((preserve_access_index));

struct bpf_xdp_entity {
    struct bpf_prog *prog;
    struct bpf_xdp_link *link;
} __attribute__((preserve_access_index));

struct net_device {
    int ifindex;
    struct list_head dev_list;
    struct bpf_xdp_entity xdp_state[XDP_MODES];
    struct bpf_mprog_entry *tcx_ingress;
    struct bpf_mprog_entry *tcx_egress;
} __attribute__((preserve_access_index));

struct nsproxy {
    struct net *net_ns;
} __attribute__((preserve_access_index));

struct task_struct {
    struct nsproxy *nsproxy;
} __attribute__((preserve_access_index));

/* One device of the reader's network namespace at whose hooks programs stand. The agent compares these bytes,
 * and takes no more out of them than whose they are (src/kernel/device-rows.ts). */
struct device_seen {
    __u32 ifindex;
    __u32 zero;
    __u64 link;     /* 0 */
    __u64 standing; /* of programs, where they stand and in which order: another where any of it is */
};

/* What see_devices told last, from the first place on. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, DEVICES_TOLD);
    __type(key, __u32);
    __type(value, struct device_seen);
} rw_devices_seen SEC(".maps");

/* Linux 6.2: the verifier takes a pointer for one to a type, and what lies there is read by loads. Elsewhere
 * a helper reads it, and each time costs as much as a look-up. */
extern void *bpf_rdonly_cast(const void *object, __u32 type) __ksym __weak;
extern void bpf_rcu_read_lock(void) __ksym __weak;
extern void bpf_rcu_read_unlock(void) __ksym __weak;

#define CAST(type, pointer) ((type *)bpf_rdonly_cast(pointer, bpf_core_type_id_kernel(type)))
/* What the kernel has at a member of what `pointer` points to. */
#define READ(pointer, member) (bpf_rdonly_cast ? (pointer)->member : BPF_CORE_READ(pointer, member))

/* Values in their order; the factor is odd, so that none is lost. */
static __always_inline void fold(struct device_seen *seen, __u64 value) {
    seen->standing = seen->standing * 0x9e3779b97f4a7c15ULL + value;
}

/* `hook`: not 0, and another for each. `link`: null where it was attached without. An address is a link's own
 * as long as somebody holds it, as the agent does those that it made. */
static __always_inline void see_program(struct device_seen *seen, __u32 hook, struct bpf_prog *program,
                                        void *link) {
    struct bpf_prog_aux *aux = READ(program, aux);

    fold(seen, hook);
    fold(seen, READ(aux, id));
    /* What the verifier knows for a pointer is no number to it, until it was stored. */
    *(void *volatile *)&seen->link = link;
    fold(seen, *(volatile __u64 *)&seen->link);
}

/* Programs of a tcx hook, in the order in which they run. */
static __noinline void see_tcx(struct device_seen *seen, __u32 hook, struct bpf_mprog_entry *entry) {
    if (!entry)
        return;
#pragma unroll
    for (__u32 place = 0; place < PROGRAMS_PER_HOOK; place++) {
        struct bpf_prog *program = entry->fp_items[place].prog;

        if (!program)
            return;
        see_program(seen, hook, program, entry->parent->cp_items[place].link);
    }
}

static __always_inline void see_hooks(struct device_seen *seen, struct net_device *device) {
#pragma unroll
    for (__u32 mode = 0; mode < XDP_MODES; mode++) {
        struct bpf_xdp_link *link = READ(device, xdp_state[mode].link);
        /* Where there is a link, it has the program. */
        struct bpf_prog *program = link ? READ(link, link.prog) : READ(device, xdp_state[mode].prog);

        if (program)
            see_program(seen, 1 + mode, program, link);
    }
    if (bpf_rdonly_cast && bpf_core_field_exists(struct net_device, tcx_ingress)) {
        see_tcx(seen, 1 + XDP_MODES, device->tcx_ingress);
        see_tcx(seen, 2 + XDP_MODES, device->tcx_egress);
    }
}

struct devices_walk {
    struct list_head *next;
    struct list_head *end;
    __u32 told;
    __u32 error;
};

static long see_device(__u32 turn, struct devices_walk *walk) {
    struct net_device *device = (void *)walk->next - bpf_core_field_offset(struct net_device, dev_list);
    struct device_seen *seen;

    (void)turn;
    if (walk->next == walk->end)
        return 1;
    seen = bpf_map_lookup_elem(&rw_devices_seen, &walk->told);
    if (!seen) {
        walk->error = E2BIG;
        return 1;
    }
    if (bpf_rdonly_cast)
        device = CAST(struct net_device, device);
    walk->next = READ(device, dev_list.next);
    seen->ifindex = READ(device, ifindex);
    seen->standing = 0;
    see_hooks(seen, device);
    seen->link = 0;
    walk->told += seen->standing != 0;
    return 0;
}

/* 0, or an errno: E2BIG where more devices have programs than the map has room for. `told`: how many have. A
 * device may go while it is read where the kernel has no lock to take (before 6.2): what is read of it then
 * is wrong, never unsafe, and differs from what was read before, so the agent asks the kernel itself. */
SEC("syscall")
int see_devices(__u32 *told) {
    struct task_struct *reader = bpf_get_current_task_btf();
    struct devices_walk walk = {};
    struct net *net = reader->nsproxy->net_ns;

    if (bpf_rcu_read_lock)
        bpf_rcu_read_lock();
    walk.end = &net->dev_base_head;
    walk.next = net->dev_base_head.next;
    bpf_loop(DEVICES_MAX, see_device, &walk, 0);
    if (bpf_rcu_read_lock)
        bpf_rcu_read_unlock();
    *told = walk.told;
    return walk.error;
}

/* Possible CPUs: so many values has a place of a per-CPU map. */
const volatile __u32 cpus = 1;

/* Numbers of interfaces that are gone through in a call at most, and counters that it tells. */
enum { NUMBERS_MAX = 1 << 20, COUNTERS_TOLD = 1 << 13 };

/* Stands in for the map of that name of the programs that judge. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct counters);
} rw_counters SEC(".maps");

/* One counter of an interface, summed over the CPUs. */
struct counter_seen {
    __u32 number;
    __u32 place; /* struct counters */
    __u64 packets;
    __u64 bytes;
};

/* What list_counters told last, from the first place on. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, COUNTERS_TOLD);
    __type(key, __u32);
    __type(value, struct counter_seen);
} rw_counters_seen SEC(".maps");

/* The sums of an interface, one after the other. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct counters);
} rw_counters_sum SEC(".maps");

/* `number`: the first interface to tell of, and then the first that was not told of. `told`: of how many
 * counters. */
struct counters_asked {
    __u32 number;
    __u32 told;
};

struct counters_walk {
    struct counters *sum;
    struct counters_asked asked;
};

static long add_counters(__u32 cpu, struct counters_walk *walk) {
    const struct counters *counters = bpf_map_lookup_percpu_elem(&rw_counters, &walk->asked.number, cpu);

    if (!counters)
        return 1;
    for (__u32 place = 0; place < COUNTERS_PER_INTERFACE; place++) {
        struct counter *sum = &walk->sum->of[place];

        sum->packets = (cpu ? sum->packets : 0) + counters->of[place].packets;
        sum->bytes = (cpu ? sum->bytes : 0) + counters->of[place].bytes;
    }
    return 0;
}

static long tell_counter(__u32 place, struct counters_walk *walk) {
    const struct counter *sum;
    struct counter_seen *seen;

    if (place >= COUNTERS_PER_INTERFACE)
        return 1;
    sum = &walk->sum->of[place];
    if (!sum->packets)
        return 0;
    seen = bpf_map_lookup_elem(&rw_counters_seen, &walk->asked.told);
    if (!seen)
        return 1;
    seen->number = walk->asked.number;
    seen->place = place;
    seen->packets = sum->packets;
    seen->bytes = sum->bytes;
    walk->asked.told++;
    return 0;
}

static long see_counters(__u32 turn, struct counters_walk *walk) {
    (void)turn;
    if (walk->asked.told > COUNTERS_TOLD - COUNTERS_PER_INTERFACE ||
        !bpf_map_lookup_elem(&rw_counters, &walk->asked.number))
        return 1;
    bpf_loop(cpus, add_counters, walk, 0);
    bpf_loop(COUNTERS_PER_INTERFACE, tell_counter, walk, 0);
    walk->asked.number++;
    return 0;
}

/* Tells of whole interfaces, as long as there is room for all counters of one more. */
SEC("syscall")
int list_counters(struct counters_asked *asked) {
    struct counters_walk walk = {.asked = {.number = asked->number}};
    __u32 zero = 0;

    walk.sum = bpf_map_lookup_elem(&rw_counters_sum, &zero);
    if (!walk.sum)
        return ENOENT;
    bpf_loop(NUMBERS_MAX, see_counters, &walk, 0);
    *asked = walk.asked;
    return 0;
}
