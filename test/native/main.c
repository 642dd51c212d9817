/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The verdict as a host program. Commands on stdin, one a line, numbers decimal, bytes in hex:
 *
 *   set MAP KEY VALUE                          an entry, as the agent writes it
 *   clear MAP                                  all of a map's entries
 *   tables NUMBER ENTRIES                      session tables of an interface number, empty
 *   frame DIRECTION RECORD FLAGS JIFFIES TAI BYTES
 *                                              judges a frame (enum direction; enum interface_flag beside the
 * record's own; "-": of no bytes) sessions NUMBER                            tells the session tables of an
 * interface number
 *
 *   faults INSERTS ERRNO DELETES               so many inserts of sessions fail with this errno, and so many
 * deletions come too late events                                     tells the events since it was asked
 * last, at most 1,000
 *
 *   work                                       look-ups in arrays, hashes and tries, updates, deletions
 *                                              since it was asked last: `work` and five numbers
 *
 * and those of fuzz/world.h. Each frame is answered by a line: action, reason, session, rule, rule's side,
 * version, 1 where it went the express way; the enums' numbers. Each event by `event` and its bytes, each
 * session by a line: `session`, table (enum), key and value in hex; `end` follows the last. Whatever is wrong
 * with a command ends the program with exit code 2.
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
