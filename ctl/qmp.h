/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QMP: JSON commands, replies and events on chardevs (QEMU's docs/interop/qmp-spec).
 *
 * Invariants: clients are heard on the thread of the chardevs' context; commands run one at a time
 * on the main loop's thread, in the order in which each client sent them and in turns between
 * clients, but for out-of-band ones, which run where they are heard.  Events go to every client
 * that has negotiated.  A reply is never lost; a client that does not read is not read, either.
 */
#ifndef CTL_QMP_H
#define CTL_QMP_H

#include <json-glib/json-glib.h>
#include <stdbool.h>

struct chardev;
struct err;
struct monitor;
struct qmp;
struct qmp_session;
struct vm;

struct qmp *qmp_new(void);
void qmp_free(struct qmp *q);                         /* NULL is accepted */
void qmp_set_vm(struct qmp *q, struct vm *vm);        /* NULL: from now on commands are refused */
void qmp_set_hmp(struct qmp *q, struct monitor *hmp); /* for human-monitor-command */
/* Serve on c, which stays the caller's and outlives q's use of it (qmp_close()). */
void qmp_attach(struct qmp *q, struct chardev *c, bool pretty);
/* The contexts of the chardevs are not iterated any more: detach from all of them. */
void qmp_close(struct qmp *q);

/* Any thread; takes data over, which may be NULL.  name: one of qmp_events[]. */
void qmp_event(struct qmp *q, const char *name, JsonObject *data);

/* --- for the files of commands ------------------------------------------------------------- */

struct qmp_call {
	struct qmp *q;
	struct qmp_session *session;
	struct vm *vm;
	unsigned peer;           /* who asked: another one may be there now */
	int *fd;                 /* the descriptor that came along, -1 = none; taken: set to -1 */
	JsonObject *args;        /* checked against the command's definition; NULL = none given */
	const char *error_class; /* out: of the error; NULL = GenericError */
	void (*after)(struct vm *vm); /* out: to be done when the reply is on its way */
};

/* The value to return, NULL = an empty object; or NULL with *errp set. */
typedef JsonNode *qmp_handler(struct qmp_call *c, struct err **errp);

enum {
	QMP_OOB = 1,    /* may run out of band, on the clients' thread */
	QMP_EARLY = 2,  /* may run before the machine is built */
	QMP_OPEN = 4,   /* takes more arguments than those defined */
	QMP_NO_NEG = 8, /* before the negotiation, and only then */
	QMP_FD = 16,    /* takes the descriptor that came along */
};

struct qmp_command {
	const char *name;
	qmp_handler *run;
	const char *args; /* definition of an object (qmp_schema.h); NULL = none */
	const char *ret;  /* a type's name; NULL = nothing */
	unsigned flags;
};

extern const struct qmp_command qmp_commands[]; /* ends with a NULL name; qmp_table.c */

/* Arguments; what was not given is NULL, false, or def. */
const char *qmp_str(const struct qmp_call *c, const char *name);
bool qmp_bool(const struct qmp_call *c, const char *name, bool def);
gint64 qmp_int(const struct qmp_call *c, const char *name, gint64 def);

/* Nodes to return. */
JsonNode *qmp_object(JsonObject *o);
JsonNode *qmp_array(JsonArray *a);
JsonNode *qmp_string(const char *s);

struct monitor *qmp_hmp(struct qmp *q);
GHashTable *qmp_fds(struct qmp *q); /* getfd: name -> descriptor + 1; main loop's thread */

#endif
