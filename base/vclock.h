/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual time and timers.
 *
 * Invariants: a vclock counts nanoseconds while the machine runs and stands still while it is
 * stopped.  Timers fire on the main loop's thread, in order of their deadline (equal deadlines: in
 * the order armed), never before it.  vclock_now() may be called from any thread, takes no lock and
 * never goes backwards; vtimer_arm() and vtimer_disarm() may be called from any thread.  A callback
 * runs without the clock's lock held and may re-arm its own timer.  After vtimer_disarm() on the
 * main loop's thread the callback does not run any more; from another thread it may be running.
 * Devices keep time only by this; the clock may belong to a test client (accel/qtest) or to the
 * count of executed instructions (accel/soft), which then runs the timers in its thread.
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

/*
 * A stopped clock at 0 ns, served by the default main context.  NULL with errno set where the
 * process has no descriptor left (timerfd_create(2)).  Free it after its last timer.
 */
struct vclock *vclock_new(void);
void vclock_free(struct vclock *c);

void vclock_start(struct vclock *c);
void vclock_stop(struct vclock *c);
int64_t vclock_now(const struct vclock *c); /* ns */

/*
 * Hand the clock over to a client: from now on it ignores the host's clock, start and stop, and
 * moves only by vclock_step_to().  There is no way back.
 */
void vclock_set_manual(struct vclock *c);
/*
 * Manual clock, main loop's thread: go to target_ns in hops, one for each deadline on the way, and
 * run what is due at each.  A target in the past changes nothing.  Returns the new time.
 */
int64_t vclock_step_to(struct vclock *c, int64_t target_ns);
/*
 * Hand the clock over to who counts: count() is the time, from any thread; nearest() is called when
 * another deadline is the nearest one, with the clock's lock held.  Timers run when the counter's
 * thread says so.  There is no way back, but NULL for count stops the clock for good.
 */
void vclock_set_counter(struct vclock *c, int64_t (*count)(void *opaque),
			void (*nearest)(void *opaque), void *opaque);
/* The counter's thread: run what is due, in order.  Returns the number of timers that ran. */
unsigned vclock_run_due(struct vclock *c);
int64_t vclock_next_deadline(struct vclock *c); /* ns; -1 = no timer is armed */

void vtimer_init(struct vtimer *t, struct vclock *c, void (*fire)(void *opaque), void *opaque);
void vtimer_arm(struct vtimer *t, int64_t deadline_ns); /* replaces an earlier deadline */
void vtimer_disarm(struct vtimer *t);                   /* no-op where not armed */
static inline bool vtimer_armed(const struct vtimer *t)
{
	return __atomic_load_n(&t->deadline, __ATOMIC_RELAXED) >= 0;
}

#endif
