/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual time and timers.
 *
 * Invariants: a vclock counts nanoseconds while the machine runs and stands still while it is
 * stopped.  Timers fire on the main loop's thread, in order of their deadline, never before it.
 * vclock_now() may be called from any thread and takes no lock; vtimer_* may be called from any
 * thread.  A callback runs without the clock's lock held and may re-arm its own timer.
 * Devices keep time only by this; the clock may belong to a test client (accel/qtest).
 */
#ifndef BASE_VCLOCK_H
#define BASE_VCLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct vclock;

struct vtimer {
	struct vclock *clock;
	void (*fire)(void *opaque);
	void *opaque;
	int64_t deadline; /* ns of the clock; -1 = not armed */
};

/* A stopped clock at 0 ns, served by the default main context.  Free it after its last timer. */
struct vclock *vclock_new(void);
void vclock_free(struct vclock *c);

void vclock_start(struct vclock *c);
void vclock_stop(struct vclock *c);
int64_t vclock_now(const struct vclock *c); /* ns */

void vtimer_init(struct vtimer *t, struct vclock *c, void (*fire)(void *opaque), void *opaque);
void vtimer_arm(struct vtimer *t, int64_t deadline_ns); /* replaces an earlier deadline */
void vtimer_disarm(struct vtimer *t);                   /* no-op where not armed */
static inline bool vtimer_armed(const struct vtimer *t)
{
	return t->deadline >= 0;
}

#endif
