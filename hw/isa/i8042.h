/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 8042 keyboard controller (ports 0x60/0x64) with a keyboard that nobody types on, and no mouse.
 *
 * Invariants: IRQ 1 is high while the output buffer is full and bit 0 of the command byte is set;
 * it falls when port 0x60 is read and rises again for the next byte.  The controller says clearly
 * that the auxiliary port has nothing behind it: every command gets its answer at once, none is
 * left without one, so a driver's probe never waits for a time-out.
 */
#ifndef HW_ISA_I8042_H
#define HW_ISA_I8042_H

#include "hw/irq/wire.h"
#include "mem/aspace.h"

struct i8042;

/*
 * irq: IRQ 1.  a20: told the level of output port bit 1 when it is written; may be cut.
 * reset(opaque) is called for a reset pulse (command 0xfe, or bit 0 of the output port), on the
 * vCPU's thread and with the controller's lock held: it may only leave word for the main loop.
 * State: as firmware leaves it (self test done, keyboard on, translation on).
 */
struct i8042 *i8042_new(struct aspace *io, struct wire irq, struct wire a20,
			void (*reset)(void *opaque), void *opaque);
void i8042_free(struct i8042 *k);
void i8042_reset(struct i8042 *k);

#endif
