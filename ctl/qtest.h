/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server of QEMU's qtest protocol: a client drives the machine by lines of text.
 *
 * Invariants: runs on the main loop's thread; one request is done, with all that its devices make
 * of it, before the next one is read.  Replies come in the order of the requests, and those of one
 * segment leave together.  A client's mistake is answered by FAIL; nothing that it sends ends the
 * process.  The clock's verbs exist only with -accel qtest, which gives the clock away.
 */
#ifndef CTL_QTEST_H
#define CTL_QTEST_H

struct chardev;
struct err;
struct qtest_server;
struct vm;

/*
 * Serve on c, which stays the caller's, a machine that is built.  log: file name, NULL = stderr,
 * "none" = no log.  NULL where the log cannot be opened.
 */
struct qtest_server *qtest_server_new(struct vm *vm, struct chardev *c, const char *log,
				      struct err **errp);
void qtest_server_free(struct qtest_server *s); /* detaches; NULL is accepted */

#endif
