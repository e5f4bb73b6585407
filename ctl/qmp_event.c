// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns QMP events: time stamps, and the limit of one a second of the machine's time for those that
 * a guest could make many of.  Called by ctl/control.c from any thread.
 */
#include <string.h>

#include "base/vclock.h"
#include "ctl/qmp_int.h"
#include "vm/board.h"
#include "vm/vm.h"

#define SECOND 1000000000ll

static const char *const limited[] = {"RTC_CHANGE", "WATCHDOG"};

struct throttle {
	struct qmp *q;
	const char *name;
	bool armed;     /* under the lock, as is held */
	JsonNode *held; /* the last one that came too early */
	struct vtimer timer;
};

static JsonNode *make_event(const char *name, JsonObject *data)
{
	gint64 now = g_get_real_time();
	JsonObject *o = json_object_new(), *stamp = json_object_new();

	json_object_set_int_member(stamp, "seconds", now / G_USEC_PER_SEC);
	json_object_set_int_member(stamp, "microseconds", now % G_USEC_PER_SEC);
	json_object_set_object_member(o, "timestamp", stamp);
	json_object_set_string_member(o, "event", name);
	if (data)
		json_object_set_object_member(o, "data", data);
	return qmp_object(o);
}

static void send_event(struct qmp *q, JsonNode *event)
{
	qmp_broadcast(q, event);
	json_node_unref(event);
}

static void arm(struct throttle *t)
{
	struct vclock *clock = vm_board(t->q->vm)->clock;

	vtimer_arm(&t->timer, vclock_now(clock) + SECOND);
}

static void second_over(void *opaque)
{
	struct throttle *t = opaque;
	JsonNode *event;

	g_mutex_lock(&t->q->lock);
	event = g_steal_pointer(&t->held);
	t->armed = event;
	g_mutex_unlock(&t->q->lock);
	if (!event)
		return;
	arm(t);
	send_event(t->q, event);
}

/* True: it is not time yet, and the event is kept. */
static bool hold(struct throttle *t, JsonNode *event)
{
	JsonNode *old = NULL;
	bool held;

	g_mutex_lock(&t->q->lock);
	held = t->armed;
	t->armed = true;
	if (held) {
		old = t->held;
		t->held = event;
	}
	g_mutex_unlock(&t->q->lock);
	if (old)
		json_node_unref(old);
	if (!held)
		arm(t);
	return held;
}

static struct throttle *throttle_of(struct qmp *q, const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(limited); i++)
		if (q->throttles && !strcmp(name, limited[i]))
			return &q->throttles[i];
	return NULL;
}

void qmp_event(struct qmp *q, const char *name, JsonObject *data)
{
	JsonNode *event = make_event(name, data);
	struct throttle *t = throttle_of(q, name);

	if (!t || !hold(t, event))
		send_event(q, event);
}

void qmp_events_start(struct qmp *q)
{
	q->throttles = g_new0(struct throttle, G_N_ELEMENTS(limited));
	for (size_t i = 0; i < G_N_ELEMENTS(limited); i++) {
		struct throttle *t = &q->throttles[i];

		t->q = q;
		t->name = limited[i];
		vtimer_init(&t->timer, vm_board(q->vm)->clock, second_over, t);
	}
}

void qmp_events_stop(struct qmp *q)
{
	for (size_t i = 0; q->throttles && i < G_N_ELEMENTS(limited); i++) {
		vtimer_disarm(&q->throttles[i].timer);
		if (q->throttles[i].held)
			send_event(q, g_steal_pointer(&q->throttles[i].held));
	}
	g_clear_pointer(&q->throttles, g_free);
}
