/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The verdict as a host program. Commands on stdin, one a line, numbers decimal, bytes in hex:
 *
 *   set MAP KEY VALUE                          an entry, as the agent writes it
 *   clear MAP                                  all of a map's entries
 *   tables NUMBER ENTRIES                      session tables of an interface number, empty
 *   frame DIRECTION RECORD JIFFIES TAI BYTES   judges a frame (enum direction; "-": of no bytes)
 *   sessions NUMBER                            tells the session tables of an interface number
 *
 * Each frame is answered by a line: action, reason, session, rule, rule's side, version; the enums' numbers.
 * Each session by a line: `session`, table (enum), key and value in hex; `end` follows the last.
 * Whatever is wrong with a command ends the program with exit code 2.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sanitizer/asan_interface.h>
#include "kernel.h"
#include "parse.h"
#include "judge.h"
#include "account.h"
#include "express.h"

static __attribute__((noreturn)) void refuse(const char *what, const char *word) {
    fprintf(stderr, "%s: %s\n", what, word ? word : "nothing");
    exit(2);
}

static char *next_word(void) {
    char *word = strtok(NULL, " \n");

    if (!word)
        refuse("the line ends too soon", NULL);
    return word;
}

static __u64 next_number(void) {
    char *word = next_word(), *end;
    __u64 number = strtoull(word, &end, 10);

    if (*end)
        refuse("not a decimal number", word);
    return number;
}

static __u8 hex_digit(char digit) {
    const char *digits = "0123456789abcdef", *at = digit ? strchr(digits, digit) : NULL;

    if (!at)
        refuse("not lower-case hex of whole bytes", (char[]){digit, 0});
    return at - digits;
}

/* A heap block of exactly the bytes that the word says. */
static __u8 *next_bytes(__u32 *size) {
    char *word = next_word();
    __u8 *bytes;

    if (!strcmp(word, "-"))
        *word = 0;
    *size = (strlen(word) + 1) / 2;
    bytes = malloc(*size);
    if (!bytes)
        refuse("no memory for", word);
    for (__u32 n = 0; n < *size; n++)
        bytes[n] = hex_digit(word[2 * n]) << 4 | hex_digit(word[2 * n + 1]);
    return bytes;
}

static struct native_map *next_map(void) {
    char *word = next_word();
    struct native_map *map = native_find(word);

    if (!map || map->kind == NATIVE_MAPS)
        refuse("not a map that can be set", word);
    return map;
}

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

static void do_tables(void) {
    __u64 number = next_number(), entries = next_number();

    if (number >= INTERFACES_MAX || !entries)
        refuse("tables takes an interface number and at least one entry", NULL);
    native_make_tables(number, entries);
}

/* As guest_xdp does: the quick way, or a copy of the first bytes. What was not copied is poisoned. */
static __u32 parse_bytes(__u8 *data, __u32 size, struct packet *packet) {
    struct frame frame = {.data = data, .end = data + size, .length = size};
    struct packet empty = *packet;
    __u32 zero = 0, reason = parse_frame(&frame, packet);
    struct headers *headers;

    if (reason != PARSE_LONG)
        return reason;
    *packet = empty;
    headers = map_lookup(rw_headers, &zero);
    memset(headers, 0, offsetof(struct headers, bytes));
    headers->length = size;
    headers->room = size < FRAME_HEADERS ? size : FRAME_HEADERS;
    if (!headers->room)
        return REASON_MALFORMED;
    memcpy(headers->bytes, data, headers->room);
    ASAN_POISON_MEMORY_REGION(headers->bytes + headers->room, sizeof(headers->bytes) - headers->room);
    reason = parse_headers(headers, packet);
    ASAN_UNPOISON_MEMORY_REGION(headers->bytes, sizeof(headers->bytes));
    return reason;
}

static void answer(const struct verdict *verdict, __u32 version) {
    printf("%u %u %u %u %u %u\n", verdict->action, verdict->reason, verdict->session, verdict->rule,
           verdict->rule_side, version);
}

/* The express way, as guest_xdp tries it first. */
static bool express(__u8 *data, __u32 size, const struct interface *iface, __u32 direction) {
    struct frame frame = {.data = data, .end = data + size, .length = size};
    struct verdict verdict = verdict_accept(REASON_SESSION);
    const struct slot *slot = map_lookup(rw_slots, &iface->slot);

    if (!express_passes(&frame, iface, direction))
        return false;
    verdict.session = SESSION_ESTABLISHED;
    answer(&verdict, slot->version);
    return true;
}

static void do_frame(void) {
    __u32 direction = next_number(), record = next_number(), zero = 0, size, reason;
    struct packet *packet = map_lookup(rw_packet, &zero);
    const struct interface *iface = map_lookup(rw_interfaces, &record);
    __u8 *data;

    if (direction > INGRESS || !iface)
        refuse("frame takes direction 0 or 1 and the record of an interface", NULL);
    native_time.clock.jiffies = next_number();
    native_time.clock.tai = next_number();
    native_time.monotonic = native_time.clock.tai;
    data = next_bytes(&size);
    if (express(data, size, iface, direction)) {
        free(data);
        return;
    }
    memset(packet, 0, sizeof(*packet));
    packet->direction = direction;
    packet->hook = direction == EGRESS ? HOOK_XDP : HOOK_TC_EGRESS;
    packet->record = record;
    reason = parse_bytes(data, size, packet);
    /* Later stages see no bytes: whoever reads them from here on reads freed memory. */
    free(data);
    if (reason != REASON_NONE && !(iface->flags & INTERFACE_REMOVED))
        packet->verdict = verdict_drop(reason);
    else
        judge(packet, iface, false);
    account(packet, iface);
    answer(&packet->verdict, packet->version);
}

static void tell_bytes(const void *bytes, size_t size) {
    putchar(' ');
    for (size_t n = 0; n < size; n++)
        printf("%02x", ((const __u8 *)bytes)[n]);
}

static __u32 told_table;

static void tell_session(const void *key, const void *value) {
    printf("session %u", told_table);
    tell_bytes(key, sizeof(struct session_key));
    tell_bytes(value, sizeof(struct session));
    putchar('\n');
}

static void do_sessions(void) {
    struct native_map *outer[TABLES_MAX] = {
        [TABLE_OPENING] = &rw_opening,
        [TABLE_ANSWERED] = &rw_answered,
        [TABLE_ESTABLISHED] = &rw_established,
    };
    __u32 number = next_number();

    for (told_table = 0; told_table < TABLES_MAX; told_table++) {
        struct native_map *table = native_inner(outer[told_table], &number);

        if (!table)
            refuse("no session tables of this number", NULL);
        native_visit(table, tell_session);
    }
    puts("end");
}

int main(void) {
    char *line = NULL, *verb;
    size_t room = 0;

    while (getline(&line, &room, stdin) > 0) {
        verb = strtok(line, " \n");
        if (verb && !strcmp(verb, "set"))
            do_set();
        else if (verb && !strcmp(verb, "clear"))
            native_clear(next_map());
        else if (verb && !strcmp(verb, "tables"))
            do_tables();
        else if (verb && !strcmp(verb, "frame"))
            do_frame();
        else if (verb && !strcmp(verb, "sessions"))
            do_sessions();
        else
            refuse("not a command", verb);
    }
    free(line);
    return 0;
}
