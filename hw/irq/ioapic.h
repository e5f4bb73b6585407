/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 82093AA I/O APIC, version 0x20 (with an EOI register), 24 pins.  It speaks to the local APICs
 * in MSI messages, so whoever delivers those (KVM's split irqchip, hw/irq/lapic.c) can stand
 * behind it.
 *
 * Invariants: pin levels are remembered for ever, also over a reset, because wires tell only
 * changes.  A level pin sends one message and waits for its EOI (remote IRR); an edge on a masked
 * pin is lost (82093AA 3.2.4, "Interrupt mask").  Polarity is ignored: wires carry asserted or
 * not.  deliver and changed are called with the lock held and must not come back; eoied is called
 * without it and may well drive the pin.
 */
#ifndef HW_IRQ_IOAPIC_H
#define HW_IRQ_IOAPIC_H

#include <stdint.h>

#include "hw/irq/wire.h"
#include "mem/aspace.h"

#define IOAPIC_PINS 24
#define IOAPIC_SIZE 0x1000

struct ioapic;

/* What an entry says, as an MSI message (SDM 3A 11.11); NULL members are not called. */
struct ioapic_ops {
	/* An interrupt: from a pin that is not masked. */
	void (*deliver)(void *opaque, uint64_t msi_addr, uint32_t msi_data);
	/* The entry of a pin was written, or reset: now it means this message, unless masked. */
	void (*changed)(void *opaque, int pin, uint64_t msi_addr, uint32_t msi_data, bool masked);
	/*
	 * A level interrupt of the pin was finished, or one of another pin with the same vector.
	 * If the pin is still high when this returns, the interrupt is delivered again.
	 */
	void (*eoied)(void *opaque, int pin);
};

/* At base (LAYOUT_IOAPIC) of mem.  ops is kept, not copied. */
struct ioapic *ioapic_new(struct aspace *mem, uint64_t base, const struct ioapic_ops *ops,
			  void *opaque);
void ioapic_free(struct ioapic *s);
void ioapic_reset(struct ioapic *s); /* every pin masked, told by changed() */

/* Wire receiver, opaque is the struct ioapic; n: 0 to 23. */
void ioapic_set(void *opaque, int n, bool level);

/* EOI broadcast of a local APIC, vector 0 to 255: ends the level interrupts that have it. */
void ioapic_eoi(struct ioapic *s, uint8_t vector);

#endif
