// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of base/vclock.c. */
#include <glib.h>

#include "base/vclock.h"

#define MS 1000000ll
#define N 300

struct probe {
	struct vtimer t;
	int64_t deadline, fired_at;
	int order, *counter, rearm;
	int64_t period;
};

static void fired(void *opaque)
{
	struct probe *p = opaque;

	p->fired_at = vclock_now(p->t.clock);
	g_assert_cmpint(p->fired_at, >=, p->deadline);
	g_assert_false(vtimer_armed(&p->t));
	p->order = ++*p->counter;
	if (p->rearm-- > 0) {
		p->deadline += p->period;
		vtimer_arm(&p->t, p->deadline);
	}
}

static void probe_init(struct probe *p, struct vclock *c, int *counter, int64_t deadline)
{
	*p = (struct probe){.deadline = deadline, .counter = counter};
	vtimer_init(&p->t, c, fired, p);
}

static void run_until(const int *counter, int n)
{
	while (*counter < n)
		g_main_context_iteration(NULL, TRUE);
}

static void stands_until_started(void)
{
	struct vclock *c = vclock_new();
	int64_t a;

	g_assert_cmpint(vclock_now(c), ==, 0);
	g_assert_cmpint(vclock_now(c), ==, 0);
	vclock_start(c);
	vclock_start(c);
	while (vclock_now(c) < 1000)
		;
	vclock_stop(c);
	a = vclock_now(c);
	g_assert_cmpint(a, >=, 1000);
	g_assert_cmpint(vclock_now(c), ==, a);
	vclock_start(c);
	while (vclock_now(c) == a)
		;
	g_assert_cmpint(vclock_now(c), >, a);
	vclock_free(c);
	vclock_free(NULL);
}

static void in_order_never_early(void)
{
	struct vclock *c = vclock_new();
	struct probe p[N];
	int counter = 0;

	/* Armed backwards; pairs share a deadline and fire in the order armed. */
	for (int i = 0; i < N; i++) {
		probe_init(&p[i], c, &counter, (N - i) / 2 * 10000);
		vtimer_arm(&p[i].t, p[i].deadline);
	}
	vclock_start(c);
	run_until(&counter, N);
	for (int i = 0; i < N; i++)
		for (int j = i + 1; j < N; j++)
			if (p[i].deadline <= p[j].deadline)
				g_assert_cmpint(p[i].order, <, p[j].order);
			else
				g_assert_cmpint(p[i].order, >, p[j].order);
	vclock_free(c);
}

static void disarm_and_replace(void)
{
	struct vclock *c = vclock_new();
	struct probe a, b, d;
	int counter = 0;

	probe_init(&a, c, &counter, 0);
	probe_init(&b, c, &counter, 2 * MS);
	probe_init(&d, c, &counter, 0);
	vtimer_disarm(&a.t);
	vtimer_arm(&a.t, 1000);
	g_assert_true(vtimer_armed(&a.t));
	g_assert_cmpint(vclock_next_deadline(c), ==, 1000);
	vtimer_disarm(&a.t);
	g_assert_false(vtimer_armed(&a.t));
	vtimer_arm(&b.t, 1ll << 60);
	vtimer_arm(&b.t, b.deadline);
	vtimer_arm(&d.t, -5); /* the past: at once */
	g_assert_cmpint(vclock_next_deadline(c), ==, 0);
	vclock_start(c);
	run_until(&counter, 2);
	g_assert_cmpint(a.order, ==, 0);
	g_assert_cmpint(d.order, ==, 1);
	g_assert_cmpint(b.order, ==, 2);
	g_assert_cmpint(vclock_next_deadline(c), ==, -1);
	vclock_free(c);
}

static void rearms_itself(void)
{
	struct vclock *c = vclock_new();
	struct probe p;
	int counter = 0;

	probe_init(&p, c, &counter, 0);
	p.rearm = 1000; /* more than one batch */
	p.period = 1;
	vtimer_arm(&p.t, 0);
	vclock_start(c);
	run_until(&counter, 1001);
	g_assert_cmpint(p.deadline, ==, 1000);
	g_assert_false(vtimer_armed(&p.t));
	vclock_free(c);
}

static void far_deadline(void)
{
	struct vclock *c = vclock_new();
	struct probe far, near;
	int counter = 0;

	probe_init(&far, c, &counter, INT64_MAX);
	probe_init(&near, c, &counter, 1000);
	vtimer_arm(&far.t, INT64_MAX);
	vtimer_arm(&near.t, 1000);
	vclock_start(c);
	run_until(&counter, 1);
	g_assert_cmpint(near.order, ==, 1);
	g_assert_true(vtimer_armed(&far.t));
	vtimer_disarm(&far.t);
	vclock_free(c);
}

static void stopped_is_silent(void)
{
	struct vclock *c = vclock_new();
	struct probe p;
	int counter = 0;

	probe_init(&p, c, &counter, 0);
	vtimer_arm(&p.t, 0);
	while (g_main_context_iteration(NULL, FALSE))
		;
	g_assert_cmpint(counter, ==, 0);
	vclock_start(c);
	vclock_stop(c);
	while (g_main_context_iteration(NULL, FALSE))
		;
	g_assert_cmpint(counter, ==, 0);
	vclock_start(c);
	run_until(&counter, 1);
	vclock_free(c);
}

static void manual(void)
{
	struct vclock *c = vclock_new();
	struct probe p, q;
	int counter = 0;

	vclock_set_manual(c);
	vclock_start(c); /* ignored */
	probe_init(&p, c, &counter, 100);
	probe_init(&q, c, &counter, 250);
	p.rearm = 2;
	p.period = 100;
	vtimer_arm(&p.t, 100);
	vtimer_arm(&q.t, 250);
	g_assert_cmpint(vclock_step_to(c, 99), ==, 99);
	g_assert_cmpint(counter, ==, 0);
	g_assert_cmpint(vclock_step_to(c, 50), ==, 99);
	g_assert_cmpint(vclock_step_to(c, 220), ==, 220);
	g_assert_cmpint(counter, ==, 2);
	g_assert_cmpint(p.fired_at, ==, 200);
	g_assert_cmpint(vclock_step_to(c, 1000), ==, 1000);
	g_assert_cmpint(counter, ==, 4);
	g_assert_cmpint(q.fired_at, ==, 250);
	g_assert_cmpint(q.order, ==, 3);
	g_assert_cmpint(p.fired_at, ==, 300);
	vclock_free(c);
}

static void rearm_same_instant(void *opaque)
{
	struct vtimer *t = opaque;

	vtimer_arm(t, vclock_now(t->clock));
}

static void manual_does_not_hang(void)
{
	struct vclock *c = vclock_new();
	struct vtimer t;

	vclock_set_manual(c);
	vtimer_init(&t, c, rearm_same_instant, &t);
	vtimer_arm(&t, 10);
	g_assert_cmpint(vclock_step_to(c, 100), ==, 100);
	vclock_free(c);
}

struct hammer {
	struct vclock *c;
	struct vtimer t;
	int stop, fires;
};

static void hammer_fired(void *opaque)
{
	struct hammer *h = opaque;

	g_atomic_int_inc(&h->fires);
}

static gpointer hammer_run(gpointer opaque)
{
	struct hammer *h = opaque;
	int64_t last = 0;

	while (!g_atomic_int_get(&h->stop)) {
		int64_t now = vclock_now(h->c);

		g_assert_cmpint(now, >=, last);
		last = now;
		vtimer_arm(&h->t, now);
		if (now % 3 == 0)
			vtimer_disarm(&h->t);
	}
	return NULL;
}

/* Two threads read, arm and disarm while the main thread starts, stops and fires. */
static void threads(void)
{
	struct vclock *c = vclock_new();
	struct hammer h[2] = {{.c = c}, {.c = c}};
	GThread *thread[2];
	int64_t last = 0;

	for (int i = 0; i < 2; i++) {
		vtimer_init(&h[i].t, c, hammer_fired, &h[i]);
		thread[i] = g_thread_new("hammer", hammer_run, &h[i]);
	}
	for (int i = 0; i < 2000 || !g_atomic_int_get(&h[0].fires); i++) {
		int64_t now;

		vclock_start(c);
		g_main_context_iteration(NULL, FALSE);
		vclock_stop(c);
		now = vclock_now(c);
		g_assert_cmpint(now, >=, last);
		g_assert_cmpint(vclock_now(c), ==, now);
		last = now;
	}
	for (int i = 0; i < 2; i++) {
		g_atomic_int_set(&h[i].stop, 1);
		g_thread_join(thread[i]);
		vtimer_disarm(&h[i].t);
	}
	vclock_free(c);
}

struct count {
	int64_t now;
	int nearest;
};

static int64_t count_now(void *opaque)
{
	return ((struct count *)opaque)->now;
}

static void count_nearest(void *opaque)
{
	((struct count *)opaque)->nearest++;
}

/* The counter is the time; timers run when it says so, and it hears of each new nearest one. */
static void counter(void)
{
	struct vclock *c = vclock_new();
	struct count n = {.now = 5};
	struct probe p[3];
	int order = 0;

	vclock_set_counter(c, count_now, count_nearest, &n);
	vclock_start(c); /* has no say any more */
	g_assert_cmpint(vclock_now(c), ==, 5);
	for (int i = 0; i < 3; i++)
		probe_init(&p[i], c, &order, 100 - 20 * i);
	vtimer_arm(&p[1].t, 80);
	g_assert_cmpint(n.nearest, ==, 1);
	vtimer_arm(&p[0].t, 100);
	g_assert_cmpint(n.nearest, ==, 1); /* not the nearest */
	vtimer_arm(&p[2].t, 60);
	g_assert_cmpint(n.nearest, ==, 2);
	g_assert_cmpint(vclock_next_deadline(c), ==, 60);
	g_assert_cmpuint(vclock_run_due(c), ==, 0);
	n.now = 90;
	g_main_context_iteration(NULL, FALSE); /* nor has the main loop */
	g_assert_cmpint(order, ==, 0);
	g_assert_cmpuint(vclock_run_due(c), ==, 2);
	g_assert_cmpint(p[2].order, ==, 1);
	g_assert_cmpint(p[1].order, ==, 2);
	g_assert_true(vtimer_armed(&p[0].t));
	vclock_set_counter(c, NULL, NULL, NULL); /* the counter goes: time stands */
	n.now = 1000;
	g_assert_cmpint(vclock_now(c), ==, 90);
	vtimer_disarm(&p[0].t);
	vclock_free(c);
}

/* A timer that is due again at once does not keep the counter's thread. */
static void counter_does_not_hang(void)
{
	struct vclock *c = vclock_new();
	struct count n = {.now = 10};
	struct probe p;
	int order = 0;

	vclock_set_counter(c, count_now, count_nearest, &n);
	probe_init(&p, c, &order, 10);
	p.rearm = 1000000;
	vtimer_arm(&p.t, 10);
	g_assert_cmpuint(vclock_run_due(c), ==, (unsigned)order);
	g_assert_cmpint(order, <, 1000000);
	vtimer_disarm(&p.t);
	vclock_free(c);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/vclock/stands-until-started", stands_until_started);
	g_test_add_func("/vclock/in-order-never-early", in_order_never_early);
	g_test_add_func("/vclock/disarm-and-replace", disarm_and_replace);
	g_test_add_func("/vclock/rearms-itself", rearms_itself);
	g_test_add_func("/vclock/far-deadline", far_deadline);
	g_test_add_func("/vclock/stopped-is-silent", stopped_is_silent);
	g_test_add_func("/vclock/manual", manual);
	g_test_add_func("/vclock/manual-does-not-hang", manual_does_not_hang);
	g_test_add_func("/vclock/counter", counter);
	g_test_add_func("/vclock/counter-does-not-hang", counter_does_not_hang);
	g_test_add_func("/vclock/threads", threads);
	return g_test_run();
}
