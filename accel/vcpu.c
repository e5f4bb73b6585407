// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the vCPU threads and the table of exit handlers.  Called by vm/; never decides what a port
 * or an address means: that is the address space's.
 */
#include "accel/vcpu.h"

#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "mem/access.h"
#include "mem/aspace.h"

struct vcpus {
	struct accel *accel;
	struct vcpus_ops ops;
	pthread_mutex_t lock;
	pthread_cond_t go, parked;
	bool stop; /* atomic: also read without the lock on the run path */
	bool quit;
	bool live; /* the accelerator's clocks run: start was called, stop not yet */
	enum vcpu_event event;
	unsigned event_cpu;
	guint source;
	unsigned n;
	struct vcpu cpu[];
};

void vcpus_eoi(struct vcpus *s, uint8_t vector)
{
	if (s->ops.eoi)
		s->ops.eoi(s->ops.eoi_opaque, vector);
}

/* --- exits --- */

static void exit_none(struct vcpu *v, const struct vcpu_exit *x)
{
}

static void exit_io(struct vcpu *v, const struct vcpu_exit *x)
{
	uint8_t *p = x->data;

	for (uint32_t i = 0; i < x->count; i++, p += x->len)
		if (x->write)
			aspace_write(v->accel->io, x->addr, le_load(p, x->len), x->len);
		else
			le_store(p, aspace_read(v->accel->io, x->addr, x->len), x->len);
}

static void exit_mmio(struct vcpu *v, const struct vcpu_exit *x)
{
	if (x->write)
		aspace_write(v->accel->mem, x->addr, le_load(x->data, x->len), x->len);
	else
		le_store(x->data, aspace_read(v->accel->mem, x->addr, x->len), x->len);
}

static void exit_eoi(struct vcpu *v, const struct vcpu_exit *x)
{
	vcpus_eoi(v->set, x->vector);
}

static void exit_shutdown(struct vcpu *v, const struct vcpu_exit *x)
{
	vcpus_raise(v->set, VCPU_EV_TRIPLE, v->id);
}

static void exit_reset(struct vcpu *v, const struct vcpu_exit *x)
{
	vcpus_raise(v->set, VCPU_EV_RESET, v->id);
}

static void exit_halt(struct vcpu *v, const struct vcpu_exit *x)
{
	vcpus_raise(v->set, VCPU_EV_SHUTDOWN, v->id);
}

static void exit_fail(struct vcpu *v, const struct vcpu_exit *x)
{
	vcpus_raise(v->set, VCPU_EV_FAIL, v->id);
}

static void (*const exit_table[VCPU_EXIT_KINDS])(struct vcpu *v, const struct vcpu_exit *x) = {
	[VCPU_EXIT_NONE] = exit_none,         [VCPU_EXIT_IO] = exit_io,
	[VCPU_EXIT_MMIO] = exit_mmio,         [VCPU_EXIT_EOI] = exit_eoi,
	[VCPU_EXIT_SHUTDOWN] = exit_shutdown, [VCPU_EXIT_RESET] = exit_reset,
	[VCPU_EXIT_HALT] = exit_halt,         [VCPU_EXIT_FAIL] = exit_fail,
};

/* --- threads --- */

/* Wait until the set runs.  False = the thread shall end. */
static bool park(struct vcpu *v)
{
	struct vcpus *s = v->set;
	bool go_on;

	pthread_mutex_lock(&s->lock);
	v->parked = true;
	pthread_cond_signal(&s->parked);
	while (__atomic_load_n(&s->stop, __ATOMIC_RELAXED) && !s->quit)
		pthread_cond_wait(&s->go, &s->lock);
	v->parked = false;
	go_on = !s->quit;
	pthread_mutex_unlock(&s->lock);
	return go_on;
}

static void *vcpu_main(void *opaque)
{
	struct vcpu *v = opaque, *turn = v;
	const struct accel_ops *ops = v->accel->ops;
	struct vcpu_exit x;

	__atomic_store_n(&v->tid, gettid(), __ATOMIC_RELAXED);
	aspace_thread_enter();
	while (park(v)) {
		while (!__atomic_load_n(&v->set->stop, __ATOMIC_ACQUIRE)) {
			int ret = ops->vcpu_run(turn, &x);

			if (ret < 0) {
				g_critical("CPU %u cannot run: %s", turn->id, g_strerror(-ret));
				vcpus_raise(v->set, VCPU_EV_FAIL, turn->id);
				break;
			}
			turn->exits[x.kind]++;
			exit_table[x.kind](turn, &x);
			if (ops->one_thread)
				turn = &v->set->cpu[(turn->id + 1) % v->set->n];
		}
	}
	aspace_thread_leave();
	return NULL;
}

static void kick_handler(int sig)
{
}

static gboolean tell_owner(gpointer opaque)
{
	struct vcpus *s = opaque;
	enum vcpu_event ev;
	unsigned cpu;

	/* First: what other CPUs raise until they are parked is part of this event. */
	vcpus_stop(s);
	pthread_mutex_lock(&s->lock);
	ev = s->event;
	cpu = s->event_cpu;
	s->event = VCPU_EV_NONE;
	s->source = 0;
	pthread_mutex_unlock(&s->lock);
	s->ops.event(s->ops.opaque, ev, cpu);
	return G_SOURCE_REMOVE;
}

static void kick_all(struct vcpus *s)
{
	__atomic_store_n(&s->stop, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < s->n; i++)
		if (s->cpu[i].started)
			s->accel->ops->vcpu_kick(&s->cpu[i]);
}

static bool is_reset(enum vcpu_event ev)
{
	return ev == VCPU_EV_RESET || ev == VCPU_EV_TRIPLE;
}

/* The first one counts, but an end of the machine outweighs its reset, and each mere word. */
static bool outweighs(enum vcpu_event ev, enum vcpu_event old)
{
	if (old == VCPU_EV_NONE || old == VCPU_EV_TOLD)
		return true;
	return is_reset(old) && !is_reset(ev) && ev != VCPU_EV_TOLD;
}

void vcpus_raise(struct vcpus *s, enum vcpu_event ev, unsigned cpu)
{
	pthread_mutex_lock(&s->lock);
	if (s->quit)
		goto out;
	if (s->event == VCPU_EV_NONE)
		s->source = g_idle_add_full(G_PRIORITY_HIGH, tell_owner, s, NULL);
	if (outweighs(ev, s->event)) {
		s->event = ev;
		s->event_cpu = cpu;
	}
	kick_all(s);
out:
	pthread_mutex_unlock(&s->lock);
}

struct vcpus *vcpus_new(struct accel *a, const struct vcpus_ops *ops, struct err **errp)
{
	struct vcpus *s = g_malloc0(sizeof(*s) + a->cpus * sizeof(struct vcpu));
	struct sigaction sa = {.sa_handler = kick_handler};

	s->accel = a;
	s->ops = *ops;
	s->stop = true;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->go, NULL);
	pthread_cond_init(&s->parked, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	for (unsigned i = 0; i < a->cpus; i++) {
		struct vcpu *v = &s->cpu[i];

		*v = (struct vcpu){.set = s, .accel = a, .id = i};
		if (a->ops->vcpu_open(v, errp) < 0) {
			vcpus_free(s);
			return NULL;
		}
		s->n++;
	}
	return s;
}

static void join_all(struct vcpus *s)
{
	pthread_mutex_lock(&s->lock);
	s->quit = true;
	pthread_cond_broadcast(&s->go);
	pthread_mutex_unlock(&s->lock);
	for (unsigned i = 0; i < s->n; i++)
		if (s->cpu[i].started)
			pthread_join(s->cpu[i].thread, NULL);
}

void vcpus_free(struct vcpus *s)
{
	if (!s)
		return;
	vcpus_stop(s);
	join_all(s);
	if (s->source)
		g_source_remove(s->source);
	for (unsigned i = 0; i < s->n; i++)
		s->accel->ops->vcpu_close(&s->cpu[i]);
	pthread_cond_destroy(&s->go);
	pthread_cond_destroy(&s->parked);
	pthread_mutex_destroy(&s->lock);
	g_free(s);
}

/* A reset that was asked for and not done yet is done by this one. */
static void drop_reset_event(struct vcpus *s)
{
	pthread_mutex_lock(&s->lock);
	if (is_reset(s->event)) {
		g_source_remove(s->source);
		s->event = VCPU_EV_NONE;
		s->source = 0;
	}
	pthread_mutex_unlock(&s->lock);
}

int vcpus_reset(struct vcpus *s, const struct x86_regs *bsp, struct err **errp)
{
	int ret = 0;

	drop_reset_event(s);
	for (unsigned i = 0; i < s->n && !ret; i++)
		ret = s->accel->ops->vcpu_reset(&s->cpu[i], i ? NULL : bsp, errp);
	return ret;
}

/* Signals go to the main loop; only the kick reaches a vCPU. */
static int start_thread(struct vcpu *v)
{
	sigset_t all, old;
	char name[16];
	int ret;

	sigfillset(&all);
	sigdelset(&all, SIGUSR1);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&v->thread, NULL, vcpu_main, v);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret)
		return -ret;
	pthread_mutex_lock(&v->set->lock); /* whoever raises an event kicks what has started */
	v->started = true;
	pthread_mutex_unlock(&v->set->lock);
	snprintf(name, sizeof(name), "CPU %u", v->id & 0xffff);
	pthread_setname_np(v->thread, name);
	return 0;
}

static unsigned threads(const struct vcpus *s)
{
	if (!s->accel->ops->vcpu_run)
		return 0;
	return s->accel->ops->one_thread ? 1 : s->n;
}

int vcpus_start(struct vcpus *s, struct err **errp)
{
	if (vcpus_running(s))
		return 0;
	for (unsigned i = 0; i < threads(s); i++) {
		int ret = s->cpu[i].started ? 0 : start_thread(&s->cpu[i]);

		if (ret < 0)
			return err_set_errno(errp, ret, "start the thread of CPU %u", i);
	}
	if (s->accel->ops->start && !s->live)
		s->accel->ops->start(s->accel);
	s->live = true;
	pthread_mutex_lock(&s->lock);
	if (s->event == VCPU_EV_NONE) { /* else its owner hears of it first, and starts again */
		__atomic_store_n(&s->stop, false, __ATOMIC_RELEASE);
		pthread_cond_broadcast(&s->go);
	}
	pthread_mutex_unlock(&s->lock);
	return 0;
}

void vcpus_stop(struct vcpus *s)
{
	pthread_mutex_lock(&s->lock);
	kick_all(s);
	for (unsigned i = 0; i < s->n; i++)
		while (s->cpu[i].started && !s->cpu[i].parked)
			pthread_cond_wait(&s->parked, &s->lock);
	pthread_mutex_unlock(&s->lock);
	if (s->live && s->accel->ops->stop)
		s->accel->ops->stop(s->accel);
	s->live = false;
}

bool vcpus_raised(struct vcpus *s)
{
	bool any;

	pthread_mutex_lock(&s->lock);
	any = s->event != VCPU_EV_NONE;
	pthread_mutex_unlock(&s->lock);
	return any;
}

bool vcpus_running(struct vcpus *s)
{
	return !__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE);
}

int vcpus_tid(struct vcpus *s, unsigned id)
{
	unsigned runner = s->accel->ops->one_thread ? 0 : id;
	int tid = __atomic_load_n(&s->cpu[runner].tid, __ATOMIC_RELAXED);

	return tid ? tid : getpid();
}

struct vcpu *vcpus_get(struct vcpus *s, unsigned id)
{
	return id < s->n ? &s->cpu[id] : NULL;
}
