/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the monitor's "info" shows: a part of the machine's state as lines for people.
 *
 * Invariants: main loop's thread; nothing is changed.  The vCPUs are parked for what they own
 * (registers), and only for that long.
 */
#ifndef CTL_INFO_H
#define CTL_INFO_H

#include <glib.h>
#include <stdbool.h>

struct vm;

struct info_topic {
	const char *name, *help;
};

const struct info_topic *info_topic(size_t i); /* by name; NULL past the last */

/* Appends lines that end with '\n'; false where there is no such topic. */
bool info_show(struct vm *vm, const char *topic, GString *out);

/*
 * The monitor's x and xp: args is "/FMT ADDR", FMT a count, a format (x d u o c) and a size (b h w
 * g).  Physical: xp.  What cannot be read or understood is said in out.
 */
void info_memory(struct vm *vm, const char *args, bool physical, GString *out);

#endif
