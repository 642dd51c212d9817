/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Commands as text, a line each; main.c lists them. Whatever is wrong with one ends the process: exit code 2.
 */
#ifndef RINGWALL_NATIVE_COMMANDS_H
#define RINGWALL_NATIVE_COMMANDS_H

void command_run(char *line);

#endif
