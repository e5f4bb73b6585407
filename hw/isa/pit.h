/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 8254 interval timer (ports 0x40-0x43) and port 0x61 with the speaker's gate.  For machines
 * whose accelerator has no timer of its own.
 *
 * Invariants: time is counted in ticks of 1193182 Hz of the virtual clock; a channel's state is a
 * function of its start tick and now, so nothing runs while nobody looks.  Only channel 0 has a
 * wire, and a timer while its output is going to change.  Edges that were missed are not made up
 * for.
 */
#ifndef HW_ISA_PIT_H
#define HW_ISA_PIT_H

#include "base/vclock.h"
#include "hw/irq/wire.h"
#include "mem/aspace.h"

#define PIT_HZ 1193182

struct pit;

/*
 * irq: IRQ 0, driven with the output of channel 0 (in mode 2 with the rising edge of its pulse).
 */
struct pit *pit_new(struct aspace *io, struct wire irq, struct vclock *clk);
void pit_free(struct pit *p);
void pit_reset(struct pit *p); /* no channel counts until it is programmed; the speaker is off */

#endif
