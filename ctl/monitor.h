/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The human monitor: a prompt on a chardev, one command a line.
 *
 * Invariants: runs on the main loop's thread; reaches the machine only through the ops handed down
 * here.  It does not own the chardev.  Output that the peer is too slow for is kept and sent later.
 */
#ifndef CTL_MONITOR_H
#define CTL_MONITOR_H

#include <glib.h>
#include <stdbool.h>

struct chardev;
struct monitor;

/* Any of them may be NULL: then the command says that it is not available. */
struct monitor_ops {
	void (*quit)(void *opaque); /* must not free the monitor before it has returned */
	void (*stop)(void *opaque);
	void (*cont)(void *opaque);
	void (*system_reset)(void *opaque);
	void (*system_powerdown)(void *opaque);
	void (*nmi)(void *opaque);
	/* These append lines that end with '\n'; info: false where there is no such topic. */
	bool (*info)(void *opaque, const char *what, GString *out);
	void (*x)(void *opaque, const char *args, GString *out);
	void (*xp)(void *opaque, const char *args, GString *out);
	void (*device_add)(void *opaque, const char *args, GString *out);
	void (*device_del)(void *opaque, const char *args, GString *out);
	/* color: out goes to a terminal, which is taken to know colours. */
	void (*vfio_config)(void *opaque, const char *args, bool color, GString *out);
	/*
	 * Words that may follow this command, one at a time; NULL past the last.  *help: what it
	 * is, or NULL.  For completion and "help".
	 */
	const char *(*word)(void *opaque, const char *command, size_t i, const char **help);
};

/* c NULL: no terminal, only monitor_command(). */
struct monitor *monitor_new(struct chardev *c, const struct monitor_ops *ops, void *opaque);
void monitor_free(struct monitor *m); /* detaches from the chardev */

/* Run one command without a terminal; what it prints is appended to out, lines end with '\n'. */
void monitor_command(struct monitor *m, const char *line, GString *out);

#endif
