/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -daemonize: the parent exits when the machine is built, with the status that it then has.
 *
 * Invariants: called before any thread exists; the child leads a session of its own; errors until
 * daemon_ready() reach the parent's stderr and exit status.
 */
#ifndef BASE_DAEMON_H
#define BASE_DAEMON_H

struct err;

/* Returns in the child only: a descriptor for daemon_ready(), or -errno in the parent before the
 * fork. */
int daemon_start(struct err **errp);
int daemon_ready(int fd, struct err **errp); /* stdio goes to /dev/null; the parent exits with 0 */

#endif
