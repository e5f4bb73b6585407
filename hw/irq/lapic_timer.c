// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the timers of the local APICs (SDM 3A, 11.5.4).  Called by lapic.c with the lock held, and
 * by the clock on the main loop's thread without it.  Counts 1 GHz of the clock before division;
 * never looks at the host's time.
 */
#include "hw/irq/lapic_int.h"

#include <glib.h>

/*
 * A guest may ask for an interrupt each nanosecond; the main loop, which serves all devices, must
 * survive it.  A periodic timer is not followed faster than this.
 */
#define MIN_PERIOD_NS 20000

static bool is_periodic(const struct lapic *l)
{
	return (l->lvt[LVT_TIMER] & LVT_TIMER_MODE) == LVT_TIMER_PERIODIC;
}

static bool is_deadline(const struct lapic *l)
{
	return l->lvt[LVT_TIMER] & LVT_TIMER_DEADLINE;
}

/* Divide configuration: bits 3, 1 and 0, where 111 is 1 and the others are 2 to 128. */
static unsigned shift(const struct lapic *l)
{
	uint32_t d = l->timer.divide;

	return (((d & 3) | (d & 8) >> 1) + 1) & 7;
}

static int64_t ticks_ns(const struct lapic *l, uint32_t ticks)
{
	return (int64_t)ticks << shift(l);
}

static int64_t period_ns(const struct lapic *l)
{
	return MAX(ticks_ns(l, l->timer.initial), MIN_PERIOD_NS);
}

static int64_t now_ns(const struct lapic *l)
{
	return vclock_now(l->s->clock);
}

static void stop(struct lapic *l)
{
	l->timer.expiry = -1;
	l->timer.deadline = 0;
	vtimer_disarm(&l->timer.vt);
}

static void start(struct lapic *l, int64_t at)
{
	l->timer.expiry = at;
	vtimer_arm(&l->timer.vt, at);
}

/* What a late main loop missed is one interrupt, as it would be in IRR. */
static void expire(struct lapic *l, int64_t now)
{
	int64_t period = period_ns(l), at = l->timer.expiry;

	if (is_periodic(l))
		start(l, at + ((now - at) / period + 1) * period);
	else
		stop(l);
	lapic_local(l, LVT_TIMER);
}

/* The CPU may have set or stopped the timer after the clock decided to call. */
static void fire(void *opaque)
{
	struct lapic *l = opaque;
	int64_t now;

	lapics_lock(l->s);
	now = now_ns(l);
	if (l->timer.expiry >= 0 && now >= l->timer.expiry)
		expire(l, now);
	lapics_unlock(l->s);
}

void lapic_timer_init(struct lapic *l)
{
	vtimer_init(&l->timer.vt, l->s->clock, fire, l);
	l->timer.expiry = -1;
}

void lapic_timer_reset(struct lapic *l)
{
	stop(l);
	l->timer.initial = 0;
	l->timer.divide = 0;
}

/* 0 in TSC-deadline mode, where the initial count is 0. */
uint32_t lapic_timer_count(const struct lapic *l)
{
	int64_t left, tick = ticks_ns(l, 1);

	if (l->timer.expiry < 0)
		return 0;
	left = l->timer.expiry - now_ns(l);
	if (left <= 0 && !is_periodic(l))
		return 0;
	if (left <= 0) /* the main loop is late */
		left = period_ns(l) - -left % period_ns(l);
	return MIN((left + tick - 1) / tick, l->timer.initial);
}

void lapic_timer_set_initial(struct lapic *l, uint32_t val)
{
	if (is_deadline(l))
		return;
	l->timer.initial = val;
	if (!val)
		stop(l);
	else
		start(l, now_ns(l) + ticks_ns(l, val));
}

/* A running timer goes on from its count at the new rate. */
void lapic_timer_set_divide(struct lapic *l, uint32_t val)
{
	uint32_t count = lapic_timer_count(l);

	l->timer.divide = val;
	if (count)
		start(l, now_ns(l) + ticks_ns(l, count));
}

/* Changing to or from TSC-deadline mode disarms the timer (SDM 3A, 11.5.4.1). */
void lapic_timer_set_lvt(struct lapic *l, uint32_t lvt)
{
	if ((lvt ^ l->lvt[LVT_TIMER]) & LVT_TIMER_DEADLINE) {
		stop(l);
		l->timer.initial = 0;
	}
	l->lvt[LVT_TIMER] = lvt;
}

/* The TSC is 64 bits without a sign; what lies beyond the clock's range never comes. */
static void start_deadline(struct lapic *l)
{
	int64_t now = now_ns(l);
	uint64_t tsc = (uint64_t)now + (uint64_t)l->timer.tsc_off;
	uint64_t left = l->timer.deadline - tsc;

	if (l->timer.deadline <= tsc) {
		l->timer.expiry = now;
		expire(l, now);
		return;
	}
	start(l, left > (uint64_t)(INT64_MAX - now) ? INT64_MAX : now + (int64_t)left);
}

void lapic_timer_set_deadline(struct lapic *l, uint64_t val)
{
	if (!is_deadline(l))
		return;
	stop(l);
	l->timer.deadline = val;
	if (val)
		start_deadline(l);
}

void lapic_timer_set_offset(struct lapic *l, int64_t off)
{
	l->timer.tsc_off = off;
	if (is_deadline(l) && l->timer.deadline)
		start_deadline(l);
}
