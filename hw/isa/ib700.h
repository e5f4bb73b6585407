/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iBASE IB700 watchdog: port 0x443 starts it (again), port 0x441 stops it.
 *
 * Invariants: time is the virtual clock's, so a stopped machine has no time-out.  The low four bits
 * written to 0x443 choose the time: 30 seconds less two for each, 0x0f = at once (iBASE IB700
 * user's manual, watchdog timer configuration).  It barks once; then it is stopped.  Both ports
 * read ones.
 */
#ifndef HW_ISA_IB700_H
#define HW_ISA_IB700_H

#include "base/vclock.h"
#include "mem/aspace.h"

#define IB700_DISABLE 0x441
#define IB700_ENABLE 0x443

struct ib700;

/*
 * A stopped watchdog.  watchdog(opaque) is called when its time is over, on the thread that runs
 * the clock's timers and without a lock: it may only leave word for the main loop.
 */
struct ib700 *ib700_new(struct aspace *io, struct vclock *clock, void (*watchdog)(void *opaque),
			void *opaque);
void ib700_free(struct ib700 *w);  /* main loop's thread; NULL is accepted */
void ib700_reset(struct ib700 *w); /* stops it */

#endif
