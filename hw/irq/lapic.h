/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The local APICs of a machine (xAPIC and x2APIC, version 0x14, EOI broadcast suppression) and the
 * message bus between them, for a CPU that is software (SDM 3A, chapter 11).
 *
 * Invariants: the APIC id of a CPU is its number.  One leaf lock guards all of it; kick and eoi are
 * called without it.  What a CPU has to look at is one word, lapic_events(), read without the lock;
 * kick follows each bit that becomes set in it, whoever set it, the CPU's own register writes
 * included.  Functions on a struct lapic belong to that CPU's thread, but for lapic_events();
 * functions on the struct lapics may be called from any thread but new, free and reset (main
 * loop's thread, no CPU running).  The level of LINT0 is remembered for ever, also over a reset,
 * because wires tell only changes.  A CPU decides what an INIT or SIPI means in its state: this
 * module only latches them.
 *
 * LINT0 of CPU 0 is the PIC's output.  While that APIC is disabled, by software or by hardware, the
 * PIC reaches the CPU past it: there is no firmware that would set up virtual wire mode.  LINT1
 * and the thermal and performance inputs are not connected; there is no CMCI and no SMM.
 */
#ifndef HW_IRQ_LAPIC_H
#define HW_IRQ_LAPIC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vclock.h"
#include "hw/irq/irqchip.h"

#define LAPICS_MAX 255 /* CPUs; APIC id 255 is the broadcast */
#define LAPIC_SIZE 0x1000

#define MSR_APIC_BASE 0x1b
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC_FIRST 0x800
#define MSR_X2APIC_LAST 0x8ff

#define APIC_BASE_BSP (1u << 8)
#define APIC_BASE_X2APIC (1u << 10)
#define APIC_BASE_ENABLE (1u << 11)
#define APIC_BASE_ADDR 0xffffffffff000ull

/* lapic_events() */
#define LAPIC_EV_INTR 0x1u /* lapic_ack() has a vector above the PPR, or an ExtINT */
#define LAPIC_EV_NMI 0x2u
#define LAPIC_EV_INIT 0x4u
#define LAPIC_EV_SIPI 0x8u

struct lapics;
struct lapic;

/* Called without the lock, but with what the caller holds: maybe a chip's lock. */
struct lapics_ops {
	/* The CPU should look at lapic_events(); any thread.  Wakes it, calls nothing here. */
	void (*kick)(void *opaque, unsigned cpu);
	/* A level-triggered vector has ended (SDM 3A, 11.8.5); on the thread that wrote EOI. */
	void (*eoi)(void *opaque, uint8_t vector);
};

/* cpus: 1 to LAPICS_MAX.  ops is kept, not copied.  All are in their power-on state. */
struct lapics *lapics_new(unsigned cpus, struct vclock *clock, const struct lapics_ops *ops,
			  void *opaque);
void lapics_free(struct lapics *s);
void lapics_reset(struct lapics *s); /* power-on (SDM 3A, 11.4.7.1); CPU 0 is the BSP */
struct lapic *lapics_get(struct lapics *s, unsigned cpu); /* NULL past the end */

/*
 * Deliver a message in MSI format (SDM 3A, 11.11).  Address bits 11:5 are destination bits 14:8,
 * as KVM_FEATURE_MSI_EXT_DEST_ID has them, so with LAPICS_MAX they name nobody in physical mode.
 * Dropped: what is not for 0xfeexxxxx, SMI, SIPI and the reserved delivery mode, the deassertion of
 * a level, and what addresses nobody.
 */
void lapics_msi(struct lapics *s, struct msi_msg msg);

/* The PIC's output. */
void lapics_extint(struct lapics *s, bool level);

/* --- the CPU's side ------------------------------------------------------------------------- */

/*
 * The xAPIC page, off: 0 to 0xfff, whole registers of 4 bytes at multiples of 16.  What is between
 * them reads as 0; without lapic_mmio_enabled() all reads are ones, writes are dropped.
 */
uint32_t lapic_read(struct lapic *l, uint32_t off);
void lapic_write(struct lapic *l, uint32_t off, uint32_t val);

/*
 * MSR_APIC_BASE, MSR_TSC_DEADLINE and the x2APIC's MSRs (SDM 3A, 11.12.1.2); false = #GP, also for
 * any other MSR.  Base bits above MAXPHYADDR, but below 52, are the caller's to refuse.
 */
bool lapic_msr_read(struct lapic *l, uint32_t msr, uint64_t *val);
bool lapic_msr_write(struct lapic *l, uint32_t msr, uint64_t val);

uint64_t lapic_base(const struct lapic *l);      /* IA32_APIC_BASE */
bool lapic_mmio_enabled(const struct lapic *l);  /* enabled, and not in x2APIC mode */
uint64_t lapic_cr8(const struct lapic *l);       /* TPR bits 7:4 (SDM 3A, 11.8.6) */
void lapic_set_cr8(struct lapic *l, uint64_t v); /* only bits 3:0 count */

unsigned lapic_events(const struct lapic *l); /* LAPIC_EV_*; any thread */

/*
 * Take the interrupt (SDM 3A, 11.8.4).  Returns the vector, which is in service now; -1: it is an
 * ExtINT, and the caller asks the PIC; where the interrupt went away, the spurious vector
 * (11.9), which is not in service.
 */
int lapic_ack(struct lapic *l);
void lapic_take(struct lapic *l, unsigned ev);           /* NMI, INIT, SIPI: no longer latched */
uint8_t lapic_sipi_vector(const struct lapic *l);        /* of the SIPI that is or was latched */
void lapic_init(struct lapic *l);                        /* registers after INIT (11.4.7.3) */
void lapic_set_tsc_offset(struct lapic *l, int64_t off); /* guest's TSC = vclock's ns + off */

#endif
