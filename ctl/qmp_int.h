/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What qmp.c (sessions), qmp_dispatch.c (messages) and qmp_event.c share.  Nobody else includes it.
 *
 * Invariants: lock guards the list of sessions and what a comment says; it is held around
 * chardev_write(), never around a handler.
 */
#ifndef CTL_QMP_INT_H
#define CTL_QMP_INT_H

#include <glib.h>

#include "ctl/json_stream.h"
#include "ctl/qmp.h"

struct throttle;

/* One descriptor of add-fd. */
struct fdset_fd {
	gint64 set;
	int fd;
	char *opaque; /* the client's word on it, may be NULL */
};

struct qmp {
	struct vm *vm;
	struct monitor *hmp;
	GMutex lock;
	GPtrArray *sessions; /* of struct qmp_session */
	guint turn;          /* whose request is next; main loop's thread */
	GSource *wake;       /* on the main loop: there are requests */
	GHashTable *fds;
	GPtrArray *fdsets;          /* of struct fdset_fd; main loop's thread, as is fds */
	struct throttle *throttles; /* qmp_event.c */
};

/* One thing that a client sent and that has to be answered. */
struct qmp_request {
	unsigned peer;  /* of the session */
	int fd;         /* the descriptor that came with it, -1 = none */
	JsonNode *node; /* NULL: error says what was wrong with it */
	char *error;
};

struct qmp_session {
	struct qmp *q;
	struct chardev *c;
	bool pretty;
	struct json_stream *in; /* the clients' thread only */
	/* Under the lock. */
	GQueue requests;
	GString *out; /* not taken by the chardev yet */
	bool open, negotiated;
	unsigned peer; /* counts those that have come; written by the clients' thread */
	bool oob;      /* changed with the lock held, read by the clients' thread as well */
};

/* qmp.c */
void qmp_session_send(struct qmp_session *s, unsigned peer, JsonNode *node); /* if it is there */
void qmp_broadcast(struct qmp *q, JsonNode *event); /* to all that have negotiated */

/* qmp_dispatch.c */
JsonNode *qmp_greeting(void);
JsonNode *qmp_version(void);
bool qmp_is_oob(JsonNode *request);
bool qmp_takes_fd(JsonNode *request);
void qmp_answer(struct qmp_session *s, struct qmp_request *r);

/* qmp_event.c */
void qmp_events_start(struct qmp *q); /* q->vm is there */
void qmp_events_stop(struct qmp *q);  /* what was held back is told now */

#endif
