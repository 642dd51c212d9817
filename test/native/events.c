/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Events as the kernel's ring buffer has them: kept until somebody reads them, in memory that was not
 * cleared. */
#include <stdlib.h>
#include <string.h>
#include "native.h"

struct event *event_reserve(void) {
    struct event *event;

    if (native_faults.events) {
        native_faults.events--;
        return NULL;
    }
    event = malloc(sizeof(*event));
    if (!event)
        abort();
    memset(event, 0xa5, sizeof(*event));
    return event;
}

static struct event *events[NATIVE_EVENTS];
static __u32 events_count;

void event_submit(struct event *event) {
    if (events_count < NATIVE_EVENTS)
        events[events_count++] = event;
    else
        free(event);
}

void native_tell_events(void (*tell)(const struct event *event)) {
    for (__u32 n = 0; n < events_count; n++) {
        tell(events[n]);
        free(events[n]);
    }
    events_count = 0;
}
