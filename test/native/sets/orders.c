/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Two CPUs at one table, step by step: each stopped before each of its steps. And one CPU at full sets. */
#include <stdio.h>
#include <string.h>
#include <ucontext.h>
#include "sets.h"

enum { STACK_BYTES = 1 << 16 };

struct operation {
    const char *name;
    void (*run)(struct doing *doing, __u32 flow);
    bool opens, removes; /* flow 1 */
    bool fills;          /* the sets */
};

static const struct operation operations[] = {
    {"look", look, false, false, false},     {"see", see, false, false, false},
    {"open", open_flow, true, false, false}, {"forget", forget, false, true, false},
    {"renew", renew, true, true, false},     {"open another", open_other, false, false, false},
    {"flood", flood, false, false, true},
};
enum { OPERATIONS_OF = sizeof(operations) / sizeof(operations[0]) };

struct cpu {
    ucontext_t context;
    const struct operation *operation;
    struct doing doing;
    __u32 steps, stop; /* it stops before the step of this number, from 1; 0: never */
    bool done;
};

static struct cpu cpus[2];
static struct cpu *running;
bool counts;
static ucontext_t scheduler;
void count_step(void) {
    if (++running->steps == running->stop)
        swapcontext(&running->context, &scheduler);
}

static void run_operation(int number) {
    struct cpu *cpu = &cpus[number];

    cpu->operation->run(&cpu->doing, 1);
    cpu->done = true;
}

static void prepare(int number, const struct operation *operation, __u32 stop) {
    static char stacks[2][STACK_BYTES];
    struct cpu *cpu = &cpus[number];

    *cpu = (struct cpu){.operation = operation, .stop = stop};
    getcontext(&cpu->context);
    cpu->context.uc_stack.ss_sp = stacks[number];
    cpu->context.uc_stack.ss_size = STACK_BYTES;
    cpu->context.uc_link = &scheduler;
    makecontext(&cpu->context, (void (*)(void))run_operation, 1, number);
}

/* Until it stops or is done. */
static void go(struct cpu *cpu) {
    running = cpu;
    counts = true;
    doing_what = cpu->operation->name;
    swapcontext(&scheduler, &cpu->context);
    counts = false;
}

/* What the sets hold before: so many flows, and flow 1 where it is there. */
struct stage {
    __u32 others;
    bool there;
    bool alike; /* in their hash */
};

static void check_order(const struct stage *stage, const struct doing *before) {
    const struct operation *left = cpus[0].operation, *right = cpus[1].operation;
    const struct doing *one = &cpus[0].doing, *two = &cpus[1].doing;
    __u64 inserted = before->inserted + one->inserted + two->inserted;
    __u64 removed = before->removed + one->removed + two->removed;
    __u32 present = count_all(), flow = count_of(1);
    bool roomy = stage->others < SET_WAYS && !left->fills && !right->fills;

    doing_what = "at the end";
    if (one->refused || two->refused)
        fail("an entry found no way");
    if (inserted - removed < present)
        fail("%llu inserted, %llu removed, %u there", inserted, removed, present);
    if (!roomy)
        return;
    if (inserted - removed != present)
        fail("%llu inserted, %llu removed, %u there, and nothing had to go", inserted, removed, present);
    if ((left->opens || right->opens || stage->there) && !left->removes && !right->removes && flow != 1)
        fail("the flow is lost");
    if (stage->there && !left->removes && !right->removes &&
        (((left->run == look || left->run == see) && !one->found) ||
         ((right->run == look || right->run == see) && !two->found)))
        fail("the flow was there, and was not found");
    if (one->met + two->met && !(left->opens && right->opens) && left->run != right->run)
        fail("met another one that nobody made");
}

static __u64 run_order(const struct stage *stage, const struct operation *left, const struct operation *right,
                       __u32 first, __u32 second) {
    struct doing before = {};

    snprintf(order, sizeof(order), "%u others%s; %s to step %u, %s to step %u", stage->others,
             stage->there ? " and the flow" : "", left->name, first, right->name, second);
    begin(2, stage->alike);
    for (__u32 n = 0; n < stage->others; n++)
        open_flow(&before, 2000 + n);
    if (stage->there)
        open_flow(&before, 1);
    prepare(0, left, first);
    prepare(1, right, second);
    go(&cpus[0]);
    if (!cpus[0].done) {
        go(&cpus[1]);
        go(&cpus[0]);
    }
    if (!cpus[0].done)
        fail("it does not end");
    if (!cpus[1].done)
        go(&cpus[1]);
    if (!cpus[1].done)
        go(&cpus[1]);
    check_order(stage, &before);
    return 1;
}

/* How many steps an operation takes when nobody disturbs it, and some more. */
static __u32 steps_of(const struct stage *stage, const struct operation *operation) {
    run_order(stage, operation, &operations[0], 0, 0);
    return cpus[0].steps + 8;
}

/* One CPU alone: where one way is empty, wherever that is, a new flow goes there; nothing is given up. */
void run_gaps(void) {
    enum { WAYS = 2 * SET_WAYS };

    for (__u32 gap = 0; gap < WAYS; gap++) {
        struct doing doing = {};

        snprintf(order, sizeof(order), "full but for one of %u, number %u", WAYS, gap);
        begin(2, false);
        for (__u32 n = 0; n < WAYS; n++)
            open_flow(&doing, 2000 + n);
        forget(&doing, 2000 + gap);
        open_flow(&doing, 1);
        doing_what = "at the end";
        if (doing.inserted != WAYS + 1 || doing.removed != 1 || count_all() != WAYS || count_of(1) != 1)
            fail("%llu inserted, %llu removed, %u there", doing.inserted, doing.removed, count_all());
    }
}

/* One CPU alone: what was seen last stays, whichever that is; what was silent longest makes room. */
void run_ages(void) {
    enum { WAYS = 2 * SET_WAYS };

    for (__u32 first = 0; first < WAYS; first++) {
        struct doing doing = {};

        snprintf(order, sizeof(order), "seen again from number %u of %u on", first, WAYS);
        begin(2, false);
        for (__u32 n = 0; n < WAYS; n++)
            open_flow(&doing, 2000 + n);
        for (__u32 n = 0; n < WAYS; n++)
            see(&doing, 2000 + (first + n) % WAYS);
        for (__u32 n = 0; n < WAYS; n++) {
            doing_what = "opening another one";
            open_flow(&doing, 3000 + n);
            if (count_all() != WAYS || count_of(2000 + (first + n) % WAYS))
                fail("after %u others flow %u is still there", n + 1, 2000 + (first + n) % WAYS);
        }
    }
}

__u64 run_steps(__u32 every) {
    /* With 3 others whoever claims last may stand before the others; with none it stands behind them. */
    static const struct stage stages[] = {{0, false, false}, {0, true, false},   {3, false, false},
                                          {3, true, false},  {16, false, false}, {15, true, false},
                                          {3, true, true}};
    __u64 orders = 0, turn = 0;

    for (__u32 s = 0; s < sizeof(stages) / sizeof(stages[0]); s++)
        for (__u32 l = 0; l < OPERATIONS_OF; l++)
            for (__u32 r = 0; r < OPERATIONS_OF; r++) {
                const struct operation *left = &operations[l], *right = &operations[r];
                __u32 firsts = steps_of(&stages[s], left), seconds = steps_of(&stages[s], right);
                /* Of a flood's many steps those that lie together are alike. */
                __u32 stride = left->fills || right->fills ? 7 : 1;

                for (__u32 first = 1; first <= firsts; first += stride)
                    for (__u32 second = 1; second <= seconds; second += stride)
                        if (turn++ % every == 0)
                            orders += run_order(&stages[s], left, right, first, second);
            }
    return orders;
}
