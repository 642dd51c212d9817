/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The only file that compiles the verdict itself: a changed header costs no more than this one. */
#include <stdlib.h>
#include <string.h>
#include "kernel.h"
#include "parse.h"
#include "judge.h"
#include "account.h"
#include "express.h"
#include "judge-frame.h"

#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>

/* The bytes of the frame in hand that lie together. Whoever touches what lies around them is told, and so is
 * who touches them once they were read. */
static __u8 frame_bytes[1 << 17] __attribute__((aligned(16)));

static __u8 *lend_bytes(const __u8 *from, size_t size) {
    static bool is_guarded;

    if (size > sizeof(frame_bytes))
        abort();
    if (!is_guarded)
        ASAN_POISON_MEMORY_REGION(frame_bytes, sizeof(frame_bytes));
    is_guarded = true;
    ASAN_UNPOISON_MEMORY_REGION(frame_bytes, size);
    if (size)
        memcpy(frame_bytes, from, size);
    return frame_bytes;
}

static void take_bytes_back(size_t size) {
    ASAN_POISON_MEMORY_REGION(frame_bytes, size);
}

static void guard_copy(struct headers *headers) {
    ASAN_POISON_MEMORY_REGION(headers->bytes + headers->room, sizeof(headers->bytes) - headers->room);
}

static void open_copy(struct headers *headers) {
    ASAN_UNPOISON_MEMORY_REGION(headers->bytes, sizeof(headers->bytes));
}

#else
#include <sys/mman.h>

/* Without sanitizers the bytes end where a page does that nobody may touch. */
enum { ROOM = 1 << 17 };

static __u8 *lend_bytes(const __u8 *from, size_t size) {
    static __u8 *room;

    if (!room) {
        room = mmap(NULL, 2 * ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (room == MAP_FAILED || mprotect(room, ROOM, PROT_READ | PROT_WRITE))
            abort();
    }
    if (size > ROOM)
        abort();
    return memcpy(room + ROOM - size, from, size);
}

static void take_bytes_back(size_t size) {
    (void)size;
}

/* What an earlier frame may have left there. */
static void guard_copy(struct headers *headers) {
    memset(headers->bytes + headers->room, 0xa5, sizeof(headers->bytes) - headers->room);
}

static void open_copy(struct headers *headers) {
    (void)headers;
}
#endif

/* What an XDP program asks the kernel with: here the frame itself. */
static struct xdp_md *pieces_of(const struct native_frame *native) {
    return native->direction == EGRESS && !native->tagged ? (struct xdp_md *)native : NULL;
}

__u32 kernel_frame_length(struct xdp_md *pieces) {
    return ((const struct native_frame *)pieces)->size;
}

static struct frame frame_of(const struct native_frame *native, __u8 *data) {
    return (struct frame){
        .pieces = pieces_of(native),
        .data = data,
        .end = data + native->size - native->hidden,
        .length = native->size,
        .segmented = native->segmented,
        .tagged = native->tagged,
        .tag = native->tag,
    };
}

/* The long way, from a copy of the first bytes. What was not copied is poisoned. */
static __u32 parse_long(const struct frame *frame, const struct native_frame *native, struct packet *packet) {
    __u32 zero = 0, reason;
    struct headers *headers = map_lookup(rw_headers, &zero);

    headers->length = frame->length;
    headers->segmented = frame->segmented;
    headers->tagged = frame->tagged;
    headers->tag = frame->tag;
    headers->room = frame->length < FRAME_HEADERS ? frame->length : FRAME_HEADERS;
    if (!headers->room)
        return REASON_MALFORMED;
    memcpy(headers->bytes, native->data, headers->room);
    guard_copy(headers);
    reason = parse_headers(headers, packet);
    open_copy(headers);
    return reason;
}

static void packet_begin(struct packet *packet, const struct native_frame *native) {
    memset(packet, 0, sizeof(*packet));
    packet->direction = native->direction;
    packet->hook = native->early ? HOOK_UPLINK : native->direction == EGRESS ? HOOK_XDP : HOOK_TC_EGRESS;
    packet->record = native->record;
}

static __u32 parse(const struct frame *frame, const struct native_frame *native, struct packet *packet) {
    __u32 reason;

    packet_begin(packet, native);
    reason = parse_frame(frame, packet);
    if (reason != PARSE_LONG)
        return reason;
    packet_begin(packet, native);
    return parse_long(frame, native, packet);
}

static void answer_with(struct native_answer *answer, const struct verdict *verdict, __u32 version) {
    *answer = (struct native_answer){
        .action = verdict->action,
        .reason = verdict->reason,
        .session = verdict->session,
        .rule = verdict->rule,
        .rule_side = verdict->rule_side,
        .version = version,
    };
}

static bool pass_express(const struct frame *frame, const struct native_frame *native,
                         const struct interface *iface, struct native_answer *answer) {
    struct verdict verdict = verdict_accept(REASON_SESSION);
    const struct slot *slot = map_lookup(rw_slots, &iface->slot);

    if (native->no_express || native->early || !express_passes(frame, iface, native->direction))
        return false;
    verdict.session = SESSION_ESTABLISHED;
    answer_with(answer, &verdict, slot->version);
    answer->express = true;
    return true;
}

/* As conclude() and judge_uplink() do. */
static void conclude(struct packet *packet, const struct interface *iface, const struct native_frame *native,
                     __u32 reason) {
    if (native->early) {
        packet->verdict = verdict_continue();
        if (reason != REASON_NONE || !packet->family || packet->vlans[0] || packet->vlans[1])
            return;
        if (judge(packet, iface, true) == DROP)
            account(packet, iface);
        return;
    }
    if (reason != REASON_NONE && !(iface->flags & INTERFACE_REMOVED))
        packet->verdict = verdict_drop(reason);
    else
        judge(packet, iface, false);
    account(packet, iface);
}

void native_judge(const struct native_frame *native, struct native_answer *answer) {
    __u32 zero = 0, reason, together = native->size - native->hidden;
    struct interface iface = *(const struct interface *)native_lookup(&rw_interfaces, &native->record);
    struct packet *packet = map_lookup(rw_packet, &zero);
    struct frame frame = frame_of(native, lend_bytes(native->data, together));

    iface.flags |= native->flags;
    if (pass_express(&frame, native, &iface, answer)) {
        take_bytes_back(together);
        return;
    }
    reason = parse(&frame, native, packet);
    take_bytes_back(together);
    conclude(packet, &iface, native, reason);
    answer_with(answer, &packet->verdict, packet->version);
}
