/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The shipped programs, the same text, behind what makes every packet another one. */
#include "../../bpf/ringwall.bpf.c"
#include "vary.h"
#include "key.h"

/* The key of the packet under way, and the number of its interface; false: it is none. */
static __always_inline bool insert_key(struct xdp_md *ctx, struct session_key *key, __u32 *number) {
    __u32 zero = 0;
    const struct state *state = bpf_map_lookup_elem(&bench_state, &zero);

    if (!state || !parse_key((void *)(long)ctx->data, (void *)(long)ctx->data_end, key))
        return false;
    *number = state->place;
    return true;
}

/* A look-up that finds nothing in the opening table; and the insert after it: their difference is what an
 * insert costs. */
SEC("xdp.frags")
int insert_not(struct xdp_md *ctx) {
    struct session_key key = {};
    __u32 number;

    return insert_key(ctx, &key, &number) && !opening_has(number, &key) ? XDP_PASS : XDP_DROP;
}

SEC("xdp.frags")
int insert(struct xdp_md *ctx) {
    struct session fresh = {}, *session;
    struct session_key key = {};
    struct opening_new new;
    __u32 number;

    if (!insert_key(ctx, &key, &number) || opening_has(number, &key) ||
        !opening_place(&new.place, number, &key))
        return XDP_DROP;
    fresh.seen = kernel_jiffies();
    session = opening_begin(&new, &key);
    if (session)
        __builtin_memcpy(session, &fresh, sizeof(*session));
    return session_shown(&new, number, &key, session) ? XDP_DROP : XDP_PASS;
}

WAYS((void *)&guest_xdp, (void *)&insert_not, (void *)&insert);

SEC("xdp.frags")
int vary(struct xdp_md *ctx) {
    vary_frame(ctx, &bench_ways);
    return XDP_ABORTED;
}
