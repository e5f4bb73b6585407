/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where messages go.  Code writes them with GLib's g_debug, g_info, g_message, g_warning and
 * g_critical.
 *
 * Invariants: messages and worse always show; info and debug only where -d asks for them.  Each
 * line begins with "sluice: ".  Control-path errors are not logged but returned (base/err.h).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

struct err;
struct log;

/*
 * path: -D file, NULL = stderr.  items: -d list, NULL = nothing more; "help" is answered by the
 * command line. 0, -EINVAL for an unknown item, or open's -errno.  Once per process.
 */
int log_start(struct log **out, const char *path, const char *items, struct err **errp);
void log_stop(struct log *log); /* messages go to stderr again; NULL is accepted */

/* Names that -d takes, NULL at the end. */
const char *const *log_items(void);

#endif
