// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns virtual time: the offset from the host's monotonic clock, the armed timers sorted by
 * deadline and the one timerfd that wakes the main loop for the nearest.  Called by device models
 * and the VM; never knows what a timer is for.
 */
#include "base/vclock.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000ll
#define FIRE_BATCH 256  /* timers run before other sources of the main loop get their turn */
#define STUCK_MAX 65536 /* timers run at one instant of a manual clock; more is a loop */

struct vclock {
	/* Read without the lock under seq: now = origin, plus the host's clock while running. */
	uint32_t seq; /* odd while a writer is at work */
	bool running;
	int64_t origin;

	GMutex lock;       /* all below, and the writers of the above */
	GPtrArray *timers; /* of struct vtimer *, nearest first */
	bool manual;
	/* A counter's; set before any other thread reads the clock. */
	int64_t (*count)(void *opaque);
	void (*nearest)(void *opaque);
	void *opaque;
	int fd;
	GSource *source;
};

static int64_t host_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS + ts.tv_nsec;
}

int64_t vclock_now(const struct vclock *c)
{
	uint32_t seq;
	int64_t now;

	if (c->count)
		return c->count(c->opaque);
	do {
		seq = __atomic_load_n(&c->seq, __ATOMIC_ACQUIRE);
		now = __atomic_load_n(&c->origin, __ATOMIC_ACQUIRE);
		if (__atomic_load_n(&c->running, __ATOMIC_ACQUIRE))
			now += host_now();
	} while ((seq & 1) || seq != __atomic_load_n(&c->seq, __ATOMIC_RELAXED));
	return now;
}

/*
 * Lock held.  The host's clock is read inside the odd phase, so that no reader sees a later time.
 */
static void set_state(struct vclock *c, bool running, int64_t stopped_at)
{
	int64_t origin;

	__atomic_store_n(&c->seq, c->seq + 1, __ATOMIC_SEQ_CST);
	if (running)
		origin = c->origin - host_now();
	else
		origin = c->running ? c->origin + host_now() : stopped_at;
	__atomic_store_n(&c->origin, origin, __ATOMIC_RELEASE);
	__atomic_store_n(&c->running, running, __ATOMIC_RELEASE);
	__atomic_store_n(&c->seq, c->seq + 1, __ATOMIC_RELEASE);
}

/* Lock held: let the timerfd follow the nearest deadline; it is silent while the clock stands. */
static void rearm(struct vclock *c)
{
	struct itimerspec its = {};

	if (c->nearest) {
		c->nearest(c->opaque);
		return;
	}
	if (c->running && c->timers->len) {
		const struct vtimer *t = g_ptr_array_index(c->timers, 0);
		int64_t at;

		if (__builtin_sub_overflow(t->deadline, c->origin, &at))
			at = INT64_MAX;
		at = MAX(at, 1);
		its.it_value.tv_sec = at / NS;
		its.it_value.tv_nsec = at % NS;
	}
	timerfd_settime(c->fd, TFD_TIMER_ABSTIME, &its, NULL);
}

/* Lock held: index of the first timer later than the deadline. */
static guint upper_bound(const struct vclock *c, int64_t deadline)
{
	guint lo = 0, hi = c->timers->len;

	while (lo < hi) {
		guint mid = lo + (hi - lo) / 2;
		const struct vtimer *t = g_ptr_array_index(c->timers, mid);

		if (t->deadline <= deadline)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Lock held.  True where the nearest deadline changed by it. */
static bool take_out(struct vclock *c, struct vtimer *t)
{
	guint i;

	if (t->deadline < 0)
		return false;
	for (i = upper_bound(c, t->deadline); i-- > 0;)
		if (g_ptr_array_index(c->timers, i) == t)
			break;
	g_ptr_array_remove_index(c->timers, i);
	__atomic_store_n(&t->deadline, -1, __ATOMIC_RELAXED);
	return i == 0;
}

/* The next timer due at the given time, taken out; NULL if none is. */
static struct vtimer *pop_due(struct vclock *c, int64_t now)
{
	struct vtimer *t = NULL;

	g_mutex_lock(&c->lock);
	if (c->timers->len) {
		t = g_ptr_array_index(c->timers, 0);
		if (t->deadline <= now)
			take_out(c, t);
		else
			t = NULL;
	}
	g_mutex_unlock(&c->lock);
	return t;
}

static gboolean on_timerfd(gint fd, GIOCondition cond, gpointer opaque)
{
	struct vclock *c = opaque;
	struct vtimer *t;
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		return G_SOURCE_CONTINUE;
	if (__atomic_load_n(&c->running, __ATOMIC_RELAXED)) {
		int64_t now = vclock_now(c);

		for (int i = 0; i < FIRE_BATCH && (t = pop_due(c, now)); i++)
			t->fire(t->opaque);
	}
	g_mutex_lock(&c->lock);
	rearm(c);
	g_mutex_unlock(&c->lock);
	return G_SOURCE_CONTINUE;
}

struct vclock *vclock_new(void)
{
	struct vclock *c;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd < 0)
		return NULL;
	c = g_new0(struct vclock, 1);
	c->fd = fd;
	g_mutex_init(&c->lock);
	c->timers = g_ptr_array_new();
	c->source = g_unix_fd_source_new(fd, G_IO_IN);
	g_source_set_callback(c->source, G_SOURCE_FUNC(on_timerfd), c, NULL);
	g_source_attach(c->source, NULL);
	return c;
}

void vclock_free(struct vclock *c)
{
	if (!c)
		return;
	g_source_destroy(c->source);
	g_source_unref(c->source);
	close(c->fd);
	g_ptr_array_free(c->timers, TRUE);
	g_mutex_clear(&c->lock);
	g_free(c);
}

static void set_running(struct vclock *c, bool on)
{
	g_mutex_lock(&c->lock);
	if (!c->manual && c->running != on) {
		set_state(c, on, 0);
		rearm(c);
	}
	g_mutex_unlock(&c->lock);
}

void vclock_start(struct vclock *c)
{
	set_running(c, true);
}

void vclock_stop(struct vclock *c)
{
	set_running(c, false);
}

void vclock_set_manual(struct vclock *c)
{
	vclock_stop(c);
	g_mutex_lock(&c->lock);
	c->manual = true;
	g_mutex_unlock(&c->lock);
}

void vclock_set_counter(struct vclock *c, int64_t (*count)(void *opaque),
			void (*nearest)(void *opaque), void *opaque)
{
	int64_t now = vclock_now(c);

	vclock_set_manual(c);
	g_mutex_lock(&c->lock);
	c->count = count;
	c->nearest = count ? nearest : NULL;
	c->opaque = opaque;
	if (!count)
		set_state(c, false, now);
	g_mutex_unlock(&c->lock);
}

unsigned vclock_run_due(struct vclock *c)
{
	struct vtimer *t;
	unsigned n = 0;

	for (; n < FIRE_BATCH && (t = pop_due(c, vclock_now(c))); n++)
		t->fire(t->opaque);
	return n;
}

int64_t vclock_next_deadline(struct vclock *c)
{
	int64_t at = -1;

	g_mutex_lock(&c->lock);
	if (c->timers->len)
		at = ((struct vtimer *)g_ptr_array_index(c->timers, 0))->deadline;
	g_mutex_unlock(&c->lock);
	return at;
}

static void move_to(struct vclock *c, int64_t at)
{
	g_mutex_lock(&c->lock);
	if (c->manual && at > c->origin)
		set_state(c, false, at);
	g_mutex_unlock(&c->lock);
}

int64_t vclock_step_to(struct vclock *c, int64_t target_ns)
{
	int64_t at, before = -1;
	struct vtimer *t;
	int stuck = 0;

	if (target_ns < vclock_now(c))
		return vclock_now(c);
	while ((at = vclock_next_deadline(c)) >= 0 && at <= target_ns) {
		stuck = at <= before ? stuck + 1 : 0;
		if (stuck > STUCK_MAX)
			break;
		before = MAX(before, at);
		move_to(c, at);
		t = pop_due(c, at);
		if (t)
			t->fire(t->opaque);
	}
	move_to(c, target_ns);
	return vclock_now(c);
}

void vtimer_init(struct vtimer *t, struct vclock *c, void (*fire)(void *opaque), void *opaque)
{
	*t = (struct vtimer){.clock = c, .fire = fire, .opaque = opaque, .deadline = -1};
}

void vtimer_arm(struct vtimer *t, int64_t deadline_ns)
{
	struct vclock *c = t->clock;
	bool nearest;
	guint at;

	g_mutex_lock(&c->lock);
	nearest = take_out(c, t);
	deadline_ns = MAX(deadline_ns, 0);
	at = upper_bound(c, deadline_ns);
	g_ptr_array_insert(c->timers, at, t);
	__atomic_store_n(&t->deadline, deadline_ns, __ATOMIC_RELAXED);
	if (nearest || at == 0)
		rearm(c);
	g_mutex_unlock(&c->lock);
}

void vtimer_disarm(struct vtimer *t)
{
	struct vclock *c = t->clock;

	if (!vtimer_armed(t))
		return;
	g_mutex_lock(&c->lock);
	if (take_out(c, t))
		rearm(c);
	g_mutex_unlock(&c->lock);
}
