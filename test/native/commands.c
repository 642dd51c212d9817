/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "commands.h"
#include "judge-frame.h"
#include "fuzz/program.h"
#include "fuzz/talk.h"
#include "confirm.h"
#include "fuzz/world.h"
#include "words.h"

/* ---- maps and frames ---- */

static void do_set(void) {
    struct native_map *map = next_map();
    __u32 key_size, value_size;
    __u8 *key = next_bytes(&key_size), *value = next_bytes(&value_size);

    if (key_size != map->key_size || value_size != map->value_size)
        refuse("key or value of the wrong size for", map->name);
    if (native_update(map, key, value, BPF_ANY))
        refuse("no room in", map->name);
    free(key);
    free(value);
}

static void do_clear(void) {
    native_clear(next_map());
}

static void do_tables(void) {
    __u32 number = next_place(INTERFACES_MAX);
    __u64 entries = next_number();

    if (!entries)
        refuse("tables takes an interface number and at least one entry", NULL);
    native_make_tables(number, entries);
}

static void print_answer(const struct native_answer *answer) {
    printf("%u %u %u %u %u %u %u\n", answer->action, answer->reason, answer->session, answer->rule,
           answer->rule_side, answer->version, answer->express);
}

static void do_frame(void) {
    struct native_frame frame = {.direction = next_place(INGRESS + 1),
                                 .record = next_place(rw_interfaces.max_entries),
                                 .flags = next_number()};
    struct native_answer answer;
    __u8 *data;

    native_time.clock.jiffies = next_number();
    native_time.clock.tai = next_number();
    native_time.monotonic = native_time.clock.tai;
    frame.data = data = next_bytes(&frame.size);
    native_judge(&frame, &answer);
    free(data);
    print_answer(&answer);
}

static void do_run(void) {
    const char *program = next_word();
    struct native_run run = {.ifindex = next_number()};
    __u8 *data, *meta;

    native_time.clock.jiffies = next_number();
    run.frame.hidden = next_number();
    run.frame.segmented = next_number();
    run.frame.tag = next_number();
    run.frame.tagged = run.frame.tag;
    meta = next_bytes(&run.meta_size);
    if (run.meta_size > sizeof(run.meta))
        refuse("more metadata than there may be", NULL);
    memcpy(run.meta, meta, run.meta_size);
    free(meta);
    run.frame.data = data = next_bytes(&run.frame.size);
    if (run.frame.hidden > run.frame.size)
        refuse("more bytes apart than there are", NULL);
    if (!native_run(program, &run))
        refuse("not a program", program);
    free(data);
    printf("ran %d %u", run.action, run.target);
    print_bytes(run.meta, run.meta_size);
    putchar('\n');
}

static void do_confirm(void) {
    const char *program = next_word();
    int answer;

    native_time.monotonic = next_number();
    for (int n = 0; n < CONFIRM_STEPS; n++)
        native_confirm.errors[n] = next_number();
    if (!confirm_run(program, &answer))
        refuse("not a program", program);
    printf("ran %d\n", answer);
}

static void do_get(void) {
    struct native_map *map = next_map();
    __u32 size;
    __u8 *key = next_bytes(&size);
    const void *value;

    if (size != map->key_size)
        refuse("key of the wrong size for", map->name);
    value = native_lookup(map, key);
    printf("value");
    print_bytes(value, value ? map->value_size : 0);
    putchar('\n');
    free(key);
}

static void print_counter(__u32 number, __u32 direction, __u32 accepted, __u32 reason,
                          const struct counter *counter) {
    if (counter->packets)
        printf("counter %u %u %u %u %llu %llu\n", number, direction, accepted, reason, counter->packets,
               counter->bytes);
}

static void print_counters(__u32 number, void *value) {
    const struct counters *counters = value;

    for (__u32 place = 0; place < COUNTERS_PER_INTERFACE; place++)
        print_counter(number, place / REASONS_MAX / 2, place / REASONS_MAX % 2, place % REASONS_MAX,
                      &counters->of[place]);
}

static void print_passed(__u32 index, void *value) {
    struct counter counter = *(const struct counter *)value;

    counter.bytes &= ~COUNTER_STRANGE;
    print_counter(index / 2, index % 2, 1, REASON_SESSION, &counter);
}

static void do_counters(void) {
    native_each_place(&rw_counters, print_counters);
    native_each_place(&rw_passed, print_passed);
    native_clear(&rw_counters);
    native_clear(&rw_passed);
    puts("counted");
}

static void print_session(const void *key, const void *value, void *context) {
    printf("session %u", *(const __u32 *)context);
    print_bytes(key, sizeof(struct session_key));
    print_bytes(value, sizeof(struct session));
    putchar('\n');
}

static void do_sessions(void) {
    __u32 number = next_place(INTERFACES_MAX);

    for (__u32 n = 0; n < TABLES_MAX; n++) {
        struct native_map *table = native_table(n, number);

        if (!table)
            refuse("no session tables of this number", NULL);
        native_each(table, print_session, &n);
    }
    puts("end");
}

static void do_end(void) {
    __u32 number = next_place(INTERFACES_MAX);

    native_time.clock.jiffies = next_number();
    if (!native_table(TABLE_OPENING, number))
        refuse("no session tables of this number", NULL);
    native_end_sessions(number);
}

static void do_session(void) {
    __u32 number = next_place(INTERFACES_MAX), table = next_place(TABLES_MAX);
    struct session_key key;
    struct session session;

    if (!native_table(table, number))
        refuse("no session tables of this number", NULL);
    next_block(&key, sizeof(key));
    next_block(&session, sizeof(session));
    if (native_put(table, number, &key, &session))
        refuse("no room for the session", NULL);
}

static void do_owners(void) {
    struct native_map *table = native_table(TABLE_OPENING, next_place(INTERFACES_MAX));
    __u64 even = next_number(), odd = next_number();

    if (!table)
        refuse("no session tables of this number", NULL);
    for (__u32 index = 0; index < table->max_entries; index++) {
        struct opening_set *set = native_lookup(table, &index);

        for (__u32 way = 0; way < SET_WAYS; way++)
            set->owners[way] = way % 2 ? odd : even;
    }
}

static void do_faults(void) {
    native_faults.inserts = next_number();
    native_faults.error = next_number();
    native_faults.deletes = next_number();
    native_faults.proven = next_number();
}

static void do_revokes(void) {
    native_faults.revokes = next_number();
}

static void do_refuse(void) {
    native_faults.metas = next_number();
    native_faults.loads = next_number();
}

static void do_work(void) {
    printf("work %u %u %u %u %u\n", native_work.arrays, native_work.hashes, native_work.tries,
           native_work.updates, native_work.deletes);
    native_work = (struct native_work){};
}

static void print_event(const struct event *event) {
    printf("event");
    print_bytes(event, sizeof(*event));
    putchar('\n');
}

static void do_events(void) {
    native_tell_events(print_event);
}

/* ---- the fuzzed world ---- */

static void do_clock(void) {
    world.hz = next_number();
    world.jiffies = next_number();
    world.tai = next_number();
}

static void do_settings(void) {
    __u32 place = next_place(WORLD_SETTINGS);

    next_block(&world.choices[place], sizeof(struct settings));
    if (place >= world.settings)
        world.settings = place + 1;
}

static void do_interface(void) {
    __u32 place = next_place(WORLD_INTERFACES);

    world.numbers[place] = next_place(INTERFACES_MAX);
    if (place >= world.interfaces)
        world.interfaces = place + 1;
}

static void do_stage(void) {
    __u32 place = next_place(WORLD_STAGES);

    for (__u32 n = 0; n < world.interfaces; n++)
        world.records[place][n] = next_place(rw_interfaces.max_entries);
    world_keep_stage(place);
}

static void do_pool(void) {
    static const struct {
        const char *name;
        __u32 size;
    } kinds[POOLS_MAX] = {{"mac", 6}, {"ipv4", 4}, {"ipv6", 16}, {"port", 2}};
    const char *word = next_word();

    for (__u32 n = 0; n < POOLS_MAX; n++) {
        struct pool *pool = &world.pools[n];

        if (strcmp(word, kinds[n].name))
            continue;
        if (pool->count == WORLD_POOL)
            refuse("no room in the pool", word);
        pool->size = kinds[n].size;
        next_block(pool->bytes[pool->count++], pool->size);
        return;
    }
    refuse("not a pool", word);
}

static void do_program(void) {
    static struct answers answers;
    __u32 size;
    __u8 *program = next_bytes(&size);

    if (!world.stages || !world.settings || !world.interfaces)
        refuse("a program needs a world", NULL);
    program_check(program, size, &answers);
    free(program);
    for (__u32 n = 0; n < answers.count; n++)
        print_answer(&answers.list[n]);
    printf("state %llu %llu\n", answers.state, answers.bytes);
}

static void do_begin(void) {
    __u32 choice = next_number();

    talk_begin(choice, next_number());
}

static void print_made(const struct made *made, const struct native_answer *answer) {
    printf("made");
    print_bytes(made->bytes, made->size);
    putchar('\n');
    print_answer(answer);
}

static void do_talk(void) {
    __u64 seed = next_number();
    __u32 count = next_number(), place = next_place(world.interfaces), direction = next_place(INGRESS + 1);

    talk(seed, count, place | (direction == INGRESS ? FRAME_INGRESS : 0), next_number(), print_made);
}

void command_run(char *line) {
    static const struct {
        const char *verb;
        void (*run)(void);
    } commands[] = {
        {"set", do_set},         {"clear", do_clear},       {"tables", do_tables},
        {"frame", do_frame},     {"sessions", do_sessions}, {"session", do_session},
        {"owners", do_owners},   {"events", do_events},     {"faults", do_faults},
        {"clock", do_clock},     {"settings", do_settings}, {"interface", do_interface},
        {"stage", do_stage},     {"pool", do_pool},         {"program", do_program},
        {"work", do_work},       {"begin", do_begin},       {"talk", do_talk},
        {"run", do_run},         {"counters", do_counters}, {"refuse", do_refuse},
        {"confirm", do_confirm}, {"get", do_get},           {"end", do_end},
        {"revokes", do_revokes},
    };
    const char *verb = strtok(line, " \n");

    for (size_t n = 0; verb && n < sizeof(commands) / sizeof(commands[0]); n++)
        if (!strcmp(commands[n].verb, verb)) {
            commands[n].run();
            return;
        }
    refuse("not a command", verb);
}
