/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "talk.h"
#include "world.h"

enum { HEARD = 256, TC_LEAST = 54, TC_MOST = 2000 };

/* The latest frames of each interface. */
static struct made heard[WORLD_INTERFACES][HEARD];
static __u32 heard_count[WORLD_INTERFACES];

void talk_begin(__u32 choice, __u32 entries) {
    world_begin(choice, entries);
    for (__u32 n = 0; n < WORLD_INTERFACES; n++)
        heard_count[n] = 0;
}

/* Of a frame that goes the other way: an answer or an error. Of one that goes this way: the next one or a
 * fragment. */
static void follow(struct made *made, struct chance *chance, __u8 flags) {
    if ((made->flags & FRAME_INGRESS) != (flags & FRAME_INGRESS)) {
        if (!chance_one_in(chance, 6) || !make_error(made, chance))
            make_answer(made, chance);
        return;
    }
    if (chance_one_in(chance, 4))
        make_fragment(made, chance, chance_one_in(chance, 2) ? 0 : 24, 24, !chance_one_in(chance, 3));
    else
        make_next(made, chance);
}

static void make_any(struct made *made, struct chance *chance, __u8 flags) {
    __u32 place = flags & FRAME_INTERFACE;
    __u32 known = heard_count[place] < HEARD ? heard_count[place] : HEARD;

    if (!known || chance_one_in(chance, 3)) {
        make_frame_at(made, chance, flags);
    } else {
        *made = heard[place][chance_below(chance, known)];
        follow(made, chance, flags);
    }
    made->flags = flags;
    if (chance_one_in(chance, 8))
        make_wrong(made, chance);
}

void talk(__u64 seed, __u32 count, __u8 flags, __u64 milliseconds, talk_tell *tell) {
    struct chance chance = {.state = seed * 0x9e3779b97f4a7c15ULL | 1};
    __u32 place = flags & FRAME_INTERFACE;

    native_time.clock.jiffies = world.jiffies + milliseconds * world.hz / 1000;
    native_time.clock.tai = world.tai + milliseconds * 1000000;
    native_time.monotonic = native_time.clock.tai;
    while (count) {
        struct made *made = &heard[place][heard_count[place] % HEARD], next;
        struct native_answer answer;

        make_any(&next, &chance, flags);
        if (next.size < TC_LEAST || next.size > TC_MOST)
            continue;
        *made = next;
        heard_count[place]++;
        count--;
        native_judge(&(struct native_frame){.data = made->bytes,
                                            .size = made->size,
                                            .direction = flags & FRAME_INGRESS ? INGRESS : EGRESS,
                                            .record = world.records[0][place]},
                     &answer);
        tell(made, &answer);
    }
}
