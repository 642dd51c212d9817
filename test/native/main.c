/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The verdict and its programs as a host program. Commands on stdin, one a line, numbers decimal, bytes in
 * hex ("-": none):
 *
 *   set MAP KEY VALUE        an entry, as the agent writes it
 *   clear MAP                all of a map's entries
 *   tables NUMBER ENTRIES    session tables of an interface number, empty
 *   frame DIRECTION RECORD FLAGS JIFFIES TAI BYTES
 *                            judges a frame (enum direction; enum interface_flag beside the record's own)
 *   run PROGRAM IFINDEX JIFFIES HIDDEN SEGMENTED TAG META BYTES
 *                            runs a program of ringwall.bpf.c at a device; so many bytes at the frame's end
 *                            do not lie with the others; a tag beside the bytes (0: none); what lies before
 *   refuse METAS LOADS       bit n: a run's n-th move of metadata, its n-th copy of bytes is refused
 *   confirm PROGRAM MONOTONIC ERRNO ERRNO ERRNO
 *                            runs a program of confirm.bpf.c, or `expire`, what its timer calls; the timer's
 *                            making, aim and start fail with these (0: they do not)
 *   get MAP KEY              tells an entry
 *   counters                 tells rw_counters and rw_passed since it was asked last
 *   sessions NUMBER          tells the session tables of an interface number
 *   end NUMBER JIFFIES       an operator ends every session of an interface number
 *   owners NUMBER EVEN ODD   words of the ways of every set of an interface number's opening table, as other
 *                            CPUs leave them
 *   faults INSERTS ERRNO DELETES PROVEN
 *                            so many inserts of sessions fail with this errno; so many deletions are too
 *                            late; so many sessions leave the opening table just before they are found
 *   revokes COUNT            so many flags are set just after another CPU has revoked the session
 *   events                   tells the events since it was asked last, at most 1,000
 *   work                     look-ups in arrays, hashes and tries, updates, deletions since it was asked last
 *
 * and those of fuzz/world.h. Answers, a line each, the enums' numbers:
 *
 *   of a frame               action, reason, session, rule, rule's side, version, 1: it went the express way
 *   of a run                 `ran`, action, the device that the frame is sent to (0: none), metadata
 *   of a confirm             `ran` and what the program answers
 *   of a get                 `value` and its bytes
 *   of a counter             `counter`, number, direction, 1: accepted, reason, packets, bytes; `counted`
 * ends of an event              `event` and its bytes of a session             `session`, table, key and
 * value; then `end` of work                  `work` and five numbers
 *
 * Whatever is wrong with a command ends the program with exit code 2.
 */
#include <stdio.h>
#include <stdlib.h>
#include "commands.h"

int main(void) {
    char *line = NULL;
    size_t room = 0;

    while (getline(&line, &room, stdin) > 0)
        command_run(line);
    free(line);
    return 0;
}
