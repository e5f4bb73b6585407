/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors of set-up and control paths.
 *
 * Invariants: a function that can fail takes `struct err **errp` last and returns 0 or -errno.
 * *errp is NULL until the first failure; errp itself may be NULL (the caller wants only the code).
 * The innermost failure is set once with err_set(); each layer above may put its own facts in front
 * with err_prefix() and add next steps with err_hint().  Nothing is printed until the top does it.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

struct err;

/*
 * Record a failure.  code: negative errno, returned unchanged.  The text names the device, the
 * operation and the facts; err_set() adds nothing, err_set_errno() adds ": strerror(-code)".
 * Where *errp is already set the first failure is kept.
 */
int err_set(struct err **errp, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int err_set_errno(struct err **errp, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Put context in front of the message ("context: message").  No-op where nothing is set. */
void err_prefix(struct err **errp, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Add one next step, printed on a line of its own after the message. */
void err_hint(struct err **errp, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The message without hints, the hints ("" if none), and the code; e may be NULL. */
const char *err_text(const struct err *e);
const char *err_hints(const struct err *e);
int err_code(const struct err *e);

/* Hand e over to *errp (freed if errp is NULL or already holds an error). */
void err_move(struct err **errp, struct err *e);

/* Print "sluice: message" and the hints to stderr, then free.  NULL is accepted. */
void err_report_free(struct err *e);
void err_free(struct err *e);

#endif
