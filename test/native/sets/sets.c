/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The opening table under two CPUs, and under many threads.
 *
 *   sets steps STRIDE   each pair of operations, one CPU stopped before each of its steps, the other before
 *                       each of its own, then the first to its end, then the other: every STRIDE-th order
 *   sets hammer SEED    threads at two sets and at eight, so many operations each
 *
 * After each order, and while an entry is held: whoever finds a session finds one of its own key, whole; no
 * key stands twice; nobody holds and nobody writes any more; what was inserted and not taken out is there.
 * Ends with 1, saying what was wrong.
 */
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include "claim.h"

enum {
    SETS_MAX = 8,
    OTHERS = 40, /* flows of a flood: more than two sets hold */
    STACK_BYTES = 1 << 16,
    THREADS = 4,
    OPERATIONS = 40000, /* of each thread */
};

/* ---- the maps that the header asks ---- */

static struct opening_set sets[SETS_MAX];
static struct hash_seeds seeds;
static struct native_map table;
struct native_map rw_hash, rw_opening;
struct native_time native_time;

void *native_lookup(struct native_map *map, const void *key) {
    __u32 index = *(const __u32 *)key;

    if (map == &rw_hash)
        return &seeds;
    return index < table.max_entries ? &sets[index] : NULL;
}

struct native_map *native_inner(struct native_map *map, const __u32 *index) {
    (void)map;
    (void)index;
    return &table;
}

static __u64 mix(__u64 word) {
    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
    word = (word ^ word >> 27) * 0x94d049bb133111eb;
    return word ^ word >> 31;
}

/* `alike`: every key has one hash, so one tag. */
static void begin(__u32 count, bool alike) {
    memset(sets, 0, sizeof(sets));
    table.max_entries = count;
    seeds.first = mix(1);
    for (__u64 n = 0; n < HASH_WORDS; n++)
        seeds.words[n] = alike ? 0 : mix(n + 2);
}

/* ---- steps ---- */

static void step(void);

__u64 owner_read(const __u64 *owner) {
    step();
    return __atomic_load_n(owner, __ATOMIC_RELAXED);
}

bool owner_claim(__u64 *owner, __u64 before, __u64 after) {
    step();
    return __sync_bool_compare_and_swap(owner, before, after);
}

bool owner_swap(__u64 *owner, __u64 before, __u64 after) {
    step();
    return __sync_bool_compare_and_swap(owner, before, after);
}

__u64 owner_add(__u64 *owner, __u64 by) {
    step();
    return __sync_fetch_and_add(owner, by);
}

__u64 owner_forget(__u64 *owner) {
    step();
    return __sync_fetch_and_and(owner, 0xffff);
}

/* ---- operations ---- */

/* What one CPU did. */
struct doing {
    __u64 inserted, removed, refused, met; /* `met`: another CPU was first */
    bool found;                            /* by the last operation */
};

static __thread const char *doing_what = "nothing";
static __thread __u64 random_state;
static void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
static char order[128];

static void fail(const char *format, ...) {
    va_list words;

    va_start(words, format);
    fprintf(stderr, "%s, %s: ", order, doing_what);
    vfprintf(stderr, format, words);
    fputc('\n', stderr);
    exit(1);
}

static struct session_key key_of(__u32 flow) {
    struct session_key key = {.protocol = 17, .local_port = flow, .remote_port = 53};

    key.local[15] = flow;
    key.remote[12] = flow * 7;
    return key;
}

/* Every word of a session says of which flow it is, and which one of that flow's. */
static void write_session(struct session *session, __u32 flow, __u32 serial, __u32 seen) {
    session->bytes = mix((__u64)flow << 32 | serial);
    session->known = flow;
    step();
    session->opened = serial;
    session->next[0] = session->base[1] = serial;
    session->seen = seen;
}

static void read_session(const struct session *session, __u32 flow) {
    struct session copy;

    copy.known = session->known;
    copy.opened = session->opened;
    step();
    copy.bytes = session->bytes;
    copy.next[0] = session->next[0];
    step();
    copy.base[1] = session->base[1];
    if (copy.known != flow)
        fail("found the session of flow %u at the key of flow %u", copy.known, flow);
    if (copy.bytes != mix((__u64)flow << 32 | copy.opened) || copy.next[0] != copy.opened ||
        copy.base[1] != copy.opened)
        fail("a session of flow %u is of two", flow);
}

static void look(struct doing *doing, __u32 flow) {
    struct session_key key = key_of(flow);
    struct opening_held held;

    doing->found = opening_lookup(&held, 0, &key);
    if (doing->found)
        read_session(held.session, flow);
    opening_leave(&held);
}

static void forget(struct doing *doing, __u32 flow) {
    struct session_key key = key_of(flow);
    struct opening_held held;

    doing->found = opening_lookup(&held, 0, &key);
    if (doing->found) {
        doing->removed += opening_forget(held.owner);
        read_session(held.session, flow);
    }
    opening_leave(&held);
}

/* In the units of a stamp too. */
static __u32 clock_now;
static __u32 serials;

static __u32 tick(void) {
    __u32 now = __atomic_add_fetch(&clock_now, 1, __ATOMIC_RELAXED);

    __atomic_store_n(&native_time.monotonic, (__u64)now << STAMP_UNIT, __ATOMIC_RELAXED);
    return now;
}

/* As a packet of a session that goes on does. */
static void see(struct doing *doing, __u32 flow) {
    struct session_key key = key_of(flow);
    struct opening_held held;

    tick();
    doing->found = opening_lookup(&held, 0, &key);
    if (!doing->found)
        return;
    read_session(held.session, flow);
    opening_renew(held.owner);
}

/* In the place of the one that is there (renew), or where there is none. */
static void put(struct doing *doing, __u32 flow, bool renew) {
    struct session_key key = key_of(flow);
    __u32 now = tick();
    struct opening_held held;
    struct opening_new new;
    struct session *session;
    int result;

    doing->found = opening_lookup(&held, 0, &key);
    if (!doing->found || renew) {
        session = opening_place(&new.place, 0, &key) ? opening_begin(&new, &key) : NULL;
        if (session) {
            if (doing->found)
                doing->removed += opening_forget(held.owner);
            write_session(session, flow, __atomic_add_fetch(&serials, 1, __ATOMIC_RELAXED), now);
            result = opening_end(&new, &key);
            if (result == -EEXIST)
                doing->met++;
            else
                doing->inserted++;
            doing->removed += result > 0 ? result : 0;
        } else {
            doing->refused++;
        }
    }
    opening_leave(&held);
}

static void open_flow(struct doing *doing, __u32 flow) {
    put(doing, flow, false);
}

static void renew(struct doing *doing, __u32 flow) {
    put(doing, flow, true);
}

static void flood(struct doing *doing, __u32 flow) {
    (void)flow;
    for (__u32 n = 0; n < OTHERS; n++)
        open_flow(doing, 1000 + n);
}

static void open_other(struct doing *doing, __u32 flow) {
    open_flow(doing, flow + 500);
}

/* ---- what must be so when nobody is at it ---- */

static __u32 count_of(__u32 flow) {
    struct session_key key = key_of(flow);
    __u32 count = 0;

    for (__u32 set = 0; set < table.max_entries; set++)
        for (__u32 way = 0; way < SET_WAYS; way++)
            count += sets[set].owners[way] >> TAG_SHIFT >= TAG_LEAST &&
                     !memcmp(&sets[set].ways[way].key, &key, sizeof(key));
    return count;
}

static __u32 count_all(void) {
    __u32 count = 0;

    for (__u32 set = 0; set < table.max_entries; set++)
        for (__u32 way = 0; way < SET_WAYS; way++) {
            __u64 owner = sets[set].owners[way];

            if (owner & HOLDERS || owner >> TAG_SHIFT == TAG_BUSY)
                fail("a way is left with the word %#llx", owner);
            if (!owner)
                continue;
            count++;
            read_session(&sets[set].ways[way].session, sets[set].ways[way].key.local_port);
            if (count_of(sets[set].ways[way].key.local_port) != 1)
                fail("flow %u stands %u times", sets[set].ways[way].key.local_port,
                     count_of(sets[set].ways[way].key.local_port));
        }
    return count;
}

/* ---- two CPUs, step by step ---- */

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
static struct cpu *running; /* NULL: nobody, a step is nothing; THREADS: see hammer */
static ucontext_t scheduler;
static bool yields;

static void step(void) {
    if (yields && (random_state = mix(random_state + 1)) % 4093 == 0)
        sched_yield();
    if (running && ++running->steps == running->stop)
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
    doing_what = cpu->operation->name;
    swapcontext(&scheduler, &cpu->context);
    running = NULL;
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
static void run_gaps(void) {
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
static void run_ages(void) {
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

static __u64 run_steps(__u32 every) {
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

/* ---- many threads ---- */

static __u64 hammer_seed;
static struct doing totals[THREADS];

static void *hammer(void *which) {
    static void (*const verbs[])(struct doing *, __u32) = {look, see, open_flow, open_flow, forget, renew};
    __u64 number = (__u64)which;

    random_state = mix(hammer_seed * THREADS + number);
    doing_what = "a thread";
    for (__u32 n = 0; n < OPERATIONS; n++) {
        random_state = mix(random_state + n);
        verbs[random_state % 6](&totals[number], 1 + (random_state >> 8) % OTHERS);
    }
    return NULL;
}

static __u64 run_hammer(__u32 count) {
    pthread_t threads[THREADS];
    __u64 inserted = 0, removed = 0, met = 0;
    __u32 present;

    snprintf(order, sizeof(order), "%u sets", count);
    begin(count, false);
    memset(totals, 0, sizeof(totals));
    for (__u64 n = 0; n < THREADS; n++)
        if (pthread_create(&threads[n], NULL, hammer, (void *)n))
            fail("no thread");
    for (__u32 n = 0; n < THREADS; n++) {
        pthread_join(threads[n], NULL);
        inserted += totals[n].inserted;
        removed += totals[n].removed;
        met += totals[n].met;
    }
    doing_what = "at the end";
    present = count_all();
    if (inserted < removed + present)
        fail("%llu inserted, %llu removed, %u there", inserted, removed, present);
    /* Eight sets have room for all of them: nothing is given up. */
    if (count == SETS_MAX && inserted != removed + present)
        fail("%llu inserted, %llu removed, %u there, and nothing had to go", inserted, removed, present);
    printf("%u sets: %llu inserted, %llu removed, %u there, %llu met another CPU\n", count, inserted, removed,
           present, met);
    return inserted;
}

int main(int count, char **words) {
    if (count > 2 && !strcmp(words[1], "hammer")) {
        hammer_seed = strtoull(words[2], NULL, 10);
        yields = true;
        run_hammer(2);
        run_hammer(SETS_MAX);
        return 0;
    }
    if (count < 3 || strcmp(words[1], "steps") || !strtoul(words[2], NULL, 10))
        fail("steps STRIDE, or hammer SEED");
    run_gaps();
    run_ages();
    printf("%llu orders\n", run_steps(strtoul(words[2], NULL, 10)));
    return 0;
}
