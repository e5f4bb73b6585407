/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 16550A UART (National Semiconductor PC16550D) with a character device behind it.
 *
 * Invariants: registers are touched only under the UART's own lock, which the address space takes
 * for accesses and the UART itself for its timers and input.  The chardev is called with that
 * lock held, so it must never call back from within chardev_write() or chardev_accept_input().
 * Bytes leave at once; line speed only sets the length of the receiver's time-out.  What the
 * chardev does not take stays in the transmitter's FIFO (THRE off) and is offered again a little
 * later.
 */
#ifndef HW_ISA_SERIAL_H
#define HW_ISA_SERIAL_H

#include <stdint.h>

#include "base/chardev.h"
#include "base/vclock.h"
#include "hw/irq/wire.h"
#include "mem/aspace.h"

#define SERIAL_COM1 0x3f8
#define SERIAL_COM2 0x2f8
#define SERIAL_COM3 0x3e8
#define SERIAL_COM4 0x2e8

struct serial;

/*
 * A UART at eight ports from base (0 to 0xfff8, PC16550D table I) of io, already reset.  c: its
 * peer, NULL = nobody listens and nothing comes; the caller keeps ownership of all it passes.
 * Modem inputs read as connected (CTS, DSR, DCD).
 */
struct serial *serial_new(struct aspace *io, uint16_t base, struct wire irq, struct chardev *c,
			  struct vclock *clk);
void serial_free(struct serial *s); /* main loop's thread; detaches from the chardev */

/*
 * Master reset (PC16550D table II).  The divisor is set to 9600 baud, the scratch register kept.
 */
void serial_reset(struct serial *s);

#endif
