// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns QMP sessions: framing, queues, replies, events.  Called by chardevs on their context's
 * thread and by the main loop; what a command means is qmp_dispatch.c's and the table's.
 */
#include "ctl/qmp_int.h"

#include <string.h>
#include <unistd.h>

#include "base/chardev.h"
#include "ctl/json_read.h"
#include "ctl/json_text.h"

enum {
	QUEUE = 8,         /* requests that wait until the client is not read any more */
	ROOM = 4096,       /* bytes read at once */
	OUT_MAX = 1 << 24, /* bytes of events that a client may leave unread; replies always go */
};

static void request_free(struct qmp_request *r)
{
	if (r->fd >= 0)
		close(r->fd);
	if (r->node)
		json_node_unref(r->node);
	g_free(r->error);
	g_free(r);
}

/* --- output; any thread --- */

/* Lock held. */
static void push_out(struct qmp_session *s)
{
	if (s->out->len)
		g_string_erase(s->out, 0, (gssize)chardev_write(s->c, s->out->str, s->out->len));
}

/* Lock held. */
static void put_line(struct qmp_session *s, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			g_string_append_c(s->out, '\r');
		g_string_append_c(s->out, *text);
	}
	g_string_append(s->out, "\r\n");
	push_out(s);
}

void qmp_session_send(struct qmp_session *s, unsigned peer, JsonNode *node)
{
	g_autoptr(GString) text = g_string_new(NULL);

	json_text_append(text, node, s->pretty);
	g_mutex_lock(&s->q->lock);
	if (s->open && s->peer == peer)
		put_line(s, text->str);
	g_mutex_unlock(&s->q->lock);
}

void qmp_broadcast(struct qmp *q, JsonNode *node)
{
	g_autoptr(GString) plain = g_string_new(NULL), pretty = g_string_new(NULL);

	json_text_append(plain, node, false);
	json_text_append(pretty, node, true);
	g_mutex_lock(&q->lock);
	for (guint i = 0; i < q->sessions->len; i++) {
		struct qmp_session *s = q->sessions->pdata[i];

		if (s->open && s->negotiated && s->out->len < OUT_MAX)
			put_line(s, s->pretty ? pretty->str : plain->str);
	}
	g_mutex_unlock(&q->lock);
}

static void on_drained(void *opaque)
{
	struct qmp_session *s = opaque;

	g_mutex_lock(&s->q->lock);
	push_out(s);
	g_mutex_unlock(&s->q->lock);
	chardev_accept_input(s->c);
}

/* --- the main loop's part --- */

/* The next request, of another client than the last one where there is one. */
static struct qmp_request *next_request(struct qmp *q, struct qmp_session **from, bool *more)
{
	struct qmp_request *r = NULL;
	guint n = q->sessions->len, first = q->turn;

	*more = false;
	g_mutex_lock(&q->lock);
	for (guint i = 0; i < n; i++) {
		struct qmp_session *s = q->sessions->pdata[(first + i) % n];

		if (!r && (r = g_queue_pop_head(&s->requests))) {
			*from = s;
			q->turn = (first + i + 1) % n;
		}
		*more |= !g_queue_is_empty(&s->requests);
	}
	g_mutex_unlock(&q->lock);
	return r;
}

static gboolean answer_next(gpointer opaque)
{
	struct qmp *q = opaque;
	struct qmp_session *s = NULL;
	struct qmp_request *r;
	bool more;

	g_source_set_ready_time(q->wake, -1);
	r = next_request(q, &s, &more);
	if (more)
		g_source_set_ready_time(q->wake, 0);
	if (!r)
		return G_SOURCE_CONTINUE;
	qmp_answer(s, r);
	request_free(r);
	chardev_accept_input(s->c);
	return G_SOURCE_CONTINUE;
}

/* --- the clients' thread --- */

static void drop_requests(struct qmp_session *s)
{
	struct qmp_request *r;

	while ((r = g_queue_pop_head(&s->requests)))
		request_free(r);
}

static void on_value(void *opaque, const char *text, size_t len, const char *error)
{
	struct qmp_session *s = opaque;
	struct qmp_request *r = g_new0(struct qmp_request, 1);

	r->peer = s->peer;
	r->fd = -1;
	r->node = text ? json_read(text, len, &r->error) : NULL;
	if (!text)
		r->error = g_strdup(error);
	/* Taken now: the next message of the client may bring others. */
	if (r->node && qmp_takes_fd(r->node))
		r->fd = chardev_take_fd(s->c);
	if (r->node && s->oob && qmp_is_oob(r->node)) {
		qmp_answer(s, r);
		request_free(r);
		return;
	}
	g_mutex_lock(&s->q->lock);
	g_queue_push_tail(&s->requests, r);
	g_mutex_unlock(&s->q->lock);
	g_source_set_ready_time(s->q->wake, 0);
}

static const struct json_stream_ops stream_ops = {on_value};

static void on_read(void *opaque, const uint8_t *buf, size_t len)
{
	json_stream_feed(((struct qmp_session *)opaque)->in, buf, len);
}

static size_t can_read(void *opaque)
{
	struct qmp_session *s = opaque;
	bool full; /* a client that sends without end must not make us keep it all */

	g_mutex_lock(&s->q->lock);
	full = g_queue_get_length(&s->requests) >= QUEUE || s->out->len >= OUT_MAX;
	g_mutex_unlock(&s->q->lock);
	return full ? 0 : ROOM;
}

static void on_event(void *opaque, int event)
{
	struct qmp_session *s = opaque;
	g_autoptr(JsonNode) greeting = NULL;

	if (event != CHARDEV_EV_OPENED && event != CHARDEV_EV_CLOSED)
		return;
	g_mutex_lock(&s->q->lock);
	s->open = event == CHARDEV_EV_OPENED;
	s->negotiated = s->oob = false;
	s->peer++;
	g_string_truncate(s->out, 0);
	drop_requests(s);
	g_mutex_unlock(&s->q->lock);
	json_stream_reset(s->in);
	if (!s->open)
		return;
	greeting = qmp_greeting();
	qmp_session_send(s, s->peer, greeting);
}

/* --- life --- */

static gboolean wake_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
	return callback(data);
}

static const GSourceFuncs wake_funcs = {.dispatch = wake_dispatch};

static void session_free(gpointer p)
{
	struct qmp_session *s = p;

	drop_requests(s);
	json_stream_free(s->in);
	g_string_free(s->out, TRUE);
	g_free(s);
}

static void close_fd(gpointer fd)
{
	close(GPOINTER_TO_INT(fd) - 1);
}

static void fdset_fd_free(gpointer p)
{
	struct fdset_fd *f = p;

	close(f->fd);
	g_free(f->opaque);
	g_free(f);
}

struct qmp *qmp_new(void)
{
	struct qmp *q = g_new0(struct qmp, 1);

	g_mutex_init(&q->lock);
	q->sessions = g_ptr_array_new_with_free_func(session_free);
	q->fds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, close_fd);
	q->fdsets = g_ptr_array_new_with_free_func(fdset_fd_free);
	q->wake = g_source_new((GSourceFuncs *)&wake_funcs, sizeof(GSource));
	g_source_set_callback(q->wake, answer_next, q, NULL);
	g_source_attach(q->wake, NULL);
	return q;
}

void qmp_close(struct qmp *q)
{
	qmp_events_stop(q);
	for (guint i = 0; i < q->sessions->len; i++) {
		struct qmp_session *s = q->sessions->pdata[i];

		chardev_attach(s->c, NULL);
	}
	g_ptr_array_set_size(q->sessions, 0);
}

void qmp_free(struct qmp *q)
{
	if (!q)
		return;
	qmp_close(q);
	g_source_destroy(q->wake);
	g_source_unref(q->wake);
	g_ptr_array_free(q->sessions, TRUE);
	g_hash_table_destroy(q->fds);
	g_ptr_array_free(q->fdsets, TRUE);
	g_mutex_clear(&q->lock);
	g_free(q);
}

void qmp_set_vm(struct qmp *q, struct vm *vm)
{
	qmp_events_stop(q);
	q->vm = vm;
	if (vm)
		qmp_events_start(q);
}

void qmp_set_hmp(struct qmp *q, struct monitor *hmp)
{
	q->hmp = hmp;
}

struct monitor *qmp_hmp(struct qmp *q)
{
	return q->hmp;
}

GHashTable *qmp_fds(struct qmp *q)
{
	return q->fds;
}

void qmp_attach(struct qmp *q, struct chardev *c, bool pretty)
{
	struct qmp_session *s = g_new0(struct qmp_session, 1);
	const struct chardev_fe fe = {
		.can_read = can_read,
		.read = on_read,
		.event = on_event,
		.drained = on_drained,
		.opaque = s,
	};

	s->q = q;
	s->c = c;
	s->pretty = pretty;
	s->out = g_string_new(NULL);
	s->in = json_stream_new(&stream_ops, s);
	g_queue_init(&s->requests);
	g_mutex_lock(&q->lock);
	g_ptr_array_add(q->sessions, s);
	g_mutex_unlock(&q->lock);
	chardev_attach(c, &fe);
}
