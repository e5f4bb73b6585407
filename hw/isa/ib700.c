// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the IB700 watchdog: two ports and a timer.  Made by vm/devs.c, entered by the address space
 * (vCPU threads) and by the clock.  Never decides what a time-out means for the machine.
 */
#include "hw/isa/ib700.h"

#include <glib.h>

#define NS 1000000000ll
#define TIME_MAX 30 /* seconds, and how many less for each step */
#define TIME_STEP 2

struct ib700 {
	struct aspace *io;
	struct vclock *clock;
	struct region stop, start;
	struct mmapping *stop_map, *start_map;
	struct vtimer timer; /* knows its own lock: the ports need none */
	void (*watchdog)(void *opaque);
	void *opaque;
};

static void over(void *opaque)
{
	struct ib700 *w = opaque;

	w->watchdog(w->opaque);
}

static uint64_t no_read(void *opaque, uint64_t off, unsigned len)
{
	return UINT64_MAX;
}

static void stop_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	vtimer_disarm(&((struct ib700 *)opaque)->timer);
}

static void start_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct ib700 *w = opaque;
	int64_t seconds = TIME_MAX - TIME_STEP * (int64_t)(val & 0xf);

	vtimer_arm(&w->timer, vclock_now(w->clock) + seconds * NS);
}

static const struct region_ops stop_ops = {
	.read = no_read, .write = stop_write, .min = 1, .max = 1};
static const struct region_ops start_ops = {
	.read = no_read, .write = start_write, .min = 1, .max = 1};

struct ib700 *ib700_new(struct aspace *io, struct vclock *clock, void (*watchdog)(void *opaque),
			void *opaque)
{
	struct ib700 *w = g_new0(struct ib700, 1);

	w->io = io;
	w->clock = clock;
	w->watchdog = watchdog;
	w->opaque = opaque;
	vtimer_init(&w->timer, clock, over, w);
	region_init_io(&w->stop, "ib700-disable", 1, &stop_ops, w);
	region_init_io(&w->start, "ib700-enable", 1, &start_ops, w);
	w->stop_map = aspace_map(io, &w->stop, IB700_DISABLE, 0, 1, 0);
	w->start_map = aspace_map(io, &w->start, IB700_ENABLE, 0, 1, 0);
	return w;
}

void ib700_free(struct ib700 *w)
{
	if (!w)
		return;
	aspace_unmap(w->io, w->stop_map);
	aspace_unmap(w->io, w->start_map);
	aspace_sync();
	vtimer_disarm(&w->timer);
	g_free(w);
}

void ib700_reset(struct ib700 *w)
{
	vtimer_disarm(&w->timer);
}
