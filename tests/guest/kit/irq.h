/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts: the IDT, the 8259s, the IO-APIC, the local APIC, other CPUs.
 *
 * Invariants: handlers run with interrupts off and acknowledge by themselves (lapic_eoi,
 * pic_eoi).  An exception that nobody handles is a failed check and ends the guest.
 */
#ifndef GUEST_IRQ_H
#define GUEST_IRQ_H

#include "kit/kit.h"

#define LAPIC 0xfee00000u
#define IOAPIC 0xfec00000u
#define IOAPIC_LEVEL (1u << 15)
#define IOAPIC_MASKED (1u << 16)
#define LAPIC_ID 0x20
#define LAPIC_EOI 0xb0
#define LAPIC_SVR 0xf0
#define LAPIC_ISR 0x100
#define LAPIC_ICR 0x300
#define LAPIC_LVT_TIMER 0x320
#define LAPIC_LVT0 0x350
#define LAPIC_TIMER_INIT 0x380
#define LAPIC_TIMER_NOW 0x390
#define LAPIC_TIMER_DIV 0x3e0
#define ICR_INIT 0x500
#define ICR_SIPI 0x600
#define ICR_ASSERT 0x4000
#define ICR_ALL_BUT_SELF 0xc0000

typedef void irq_handler(unsigned vector);

void irq_init(void); /* load an IDT with all vectors */
void irq_load(void); /* the same IDT, on another CPU */
void irq_set(unsigned vector, irq_handler *handler);
void irq_dispatch(uintptr_t vector, uintptr_t ip, uintptr_t error);

/* The 8259s with vectors base..base + 15, all masked; one IRQ on. */
void pic_init(uint8_t base);
void pic_unmask(unsigned irq);
void pic_mask_all(void);
void pic_eoi(unsigned irq);

void ioapic_write(unsigned reg, uint32_t v);
uint32_t ioapic_read(unsigned reg);
void ioapic_route(unsigned pin, uint32_t low, uint8_t dest); /* low: vector, trigger, mask */

void lapic_enable(void); /* on, spurious vector 0xff, LINT0 masked */
static inline void lapic_write(unsigned reg, uint32_t v)
{
	write32(LAPIC + reg, v);
}

static inline uint32_t lapic_read(unsigned reg)
{
	return read32(LAPIC + reg);
}

static inline void lapic_eoi(void)
{
	lapic_write(LAPIC_EOI, 0);
}

void lapic_ipi(uint8_t dest, uint32_t low);

/*
 * Does the host keep an interrupt in service until the guest's EOI?  Some that run guests without
 * VMX or SVM end it at delivery: a level interrupt then comes once more than its line asks for.
 * Uses vector 0xe0.
 */
bool lapic_keeps_in_service(void);

/*
 * Start all other CPUs (32-bit guests only); they run ap_main() of the guest.  ap_count: how many
 * came.
 */
extern volatile uint32_t ap_count;
void ap_main(void);
void ap_start_all(void);

#endif
