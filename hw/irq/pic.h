/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pair of 8259A interrupt controllers (ports 0x20/0x21 and 0xa0/0xa1, ELCR at 0x4d0/0x4d1), the
 * second one behind input 2 of the first.
 *
 * Invariants: input levels are remembered for ever, also over a reset, because wires tell only
 * changes.  An edge stays requested until it is acknowledged, even where the line fell meanwhile.
 * Input 2 of the master is the slave's output and nothing else.  pic_set() and pic_ack() are
 * leaves: any thread, any lock held; only the output wire is driven from within.
 */
#ifndef HW_IRQ_PIC_H
#define HW_IRQ_PIC_H

#include "hw/irq/wire.h"
#include "mem/aspace.h"

#define PIC_INPUTS 16

struct pic;

/* intr: the master's INT output, to the CPU's LINT0 or INTR. */
struct pic *pic_new(struct aspace *io, struct wire intr);
void pic_free(struct pic *p);
void pic_reset(struct pic *p); /* uninitialised: silent until ICW1 */

/* Wire receiver, opaque is the struct pic; n: 0 to 15 (2 is ignored). */
void pic_set(void *opaque, int n, bool level);

/*
 * INTA cycle (8259A, "Interrupt sequence").  Returns the vector, 0 to 255; where the request went
 * away that of input 7 of the chip which was asked.
 */
int pic_ack(struct pic *p);

#endif
