/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the local APICs share: a few of them with a clock that only the test moves,
 * kicks and EOIs that are counted.  Each test makes one struct apics and frees it.
 */
#ifndef TESTS_UNIT_LAPIC_UTIL_H
#define TESTS_UNIT_LAPIC_UTIL_H

#include <glib.h>

#include "hw/irq/lapic.h"

#define CPUS 20 /* more than one x2APIC cluster */

#define ID 0x20
#define VERSION 0x30
#define TPR 0x80
#define PPR 0xa0
#define EOI 0xb0
#define LDR 0xd0
#define DFR 0xe0
#define SVR 0xf0
#define ISR 0x100
#define TMR 0x180
#define IRR 0x200
#define ESR 0x280
#define ICR 0x300
#define ICR_HIGH 0x310
#define LVT_T 0x320
#define LVT_0 0x350
#define LVT_1 0x360
#define LVT_E 0x370
#define INITIAL 0x380
#define COUNT 0x390
#define DIVIDE 0x3e0

#define MASKED 0x10000u
#define SVR_ON 0x1ffu

#define MSR(off) (0x800u + (off) / 16)

struct apics {
	struct vclock *clk;
	struct lapics *s;
	struct lapic *cpu[CPUS];
	unsigned kicks[CPUS], eois; /* kicks: atomic */
	uint8_t eoi;
	struct msi_msg again; /* delivered from within the EOI: the line is still up */
};

static inline void apics_kick(void *opaque, unsigned cpu)
{
	struct apics *a = opaque;

	g_assert_cmpuint(lapic_events(a->cpu[cpu]), <=, 0xf);
	__atomic_add_fetch(&a->kicks[cpu], 1, __ATOMIC_SEQ_CST);
}

static inline void apics_eoi(void *opaque, uint8_t vector)
{
	struct apics *a = opaque;

	a->eois++;
	a->eoi = vector;
	if (a->again.addr)
		lapics_msi(a->s, a->again);
}

static inline void apics_init(struct apics *a)
{
	static const struct lapics_ops ops = {apics_kick, apics_eoi};

	*a = (struct apics){.clk = vclock_new()};
	g_assert_nonnull(a->clk);
	vclock_set_manual(a->clk);
	a->s = lapics_new(CPUS, a->clk, &ops, a);
	for (unsigned i = 0; i < CPUS; i++)
		a->cpu[i] = lapics_get(a->s, i);
	g_assert_null(lapics_get(a->s, CPUS));
}

static inline void apics_fini(struct apics *a)
{
	lapics_free(a->s);
	vclock_free(a->clk);
}

static inline uint32_t rd(struct apics *a, unsigned cpu, uint32_t off)
{
	return lapic_read(a->cpu[cpu], off);
}

static inline void wr(struct apics *a, unsigned cpu, uint32_t off, uint32_t val)
{
	lapic_write(a->cpu[cpu], off, val);
}

/* All are enabled by software, as an operating system does. */
static inline void apics_start(struct apics *a)
{
	apics_init(a);
	for (unsigned i = 0; i < CPUS; i++)
		wr(a, i, SVR, SVR_ON);
}

static inline unsigned ev(struct apics *a, unsigned cpu)
{
	return lapic_events(a->cpu[cpu]);
}

static inline int ack(struct apics *a, unsigned cpu)
{
	return lapic_ack(a->cpu[cpu]);
}

static inline void eoi(struct apics *a, unsigned cpu)
{
	wr(a, cpu, EOI, 0);
}

/* Is the vector in the ISR, TMR or IRR that begins at off? */
static inline bool in_set(struct apics *a, unsigned cpu, uint32_t off, uint8_t vector)
{
	return rd(a, cpu, off + vector / 32 * 16) >> (vector % 32) & 1;
}

/* A message to one CPU or more; flags: address bits (logical 4, redirection hint 8). */
static inline void msi(struct apics *a, uint8_t dest, unsigned flags, uint32_t data)
{
	lapics_msi(a->s, (struct msi_msg){0xfee00000u | (uint32_t)dest << 12 | flags, data});
}

static inline uint64_t get_msr(struct apics *a, unsigned cpu, uint32_t msr)
{
	uint64_t val = 0;

	g_assert_true(lapic_msr_read(a->cpu[cpu], msr, &val));
	return val;
}

static inline bool set_msr(struct apics *a, unsigned cpu, uint32_t msr, uint64_t val)
{
	return lapic_msr_write(a->cpu[cpu], msr, val);
}

static inline void to_x2apic(struct apics *a, unsigned cpu)
{
	g_assert_true(set_msr(a, cpu, MSR_APIC_BASE, lapic_base(a->cpu[cpu]) | APIC_BASE_X2APIC));
}

/* The CPUs whose LAPIC_EV bits are set, as a mask; NMIs are taken. */
static inline uint32_t who(struct apics *a, unsigned bit)
{
	uint32_t mask = 0;

	for (unsigned i = 0; i < CPUS; i++) {
		if (ev(a, i) & bit)
			mask |= 1u << i;
		if (bit == LAPIC_EV_INTR && (ev(a, i) & bit)) {
			ack(a, i);
			if (lapic_mmio_enabled(a->cpu[i]))
				eoi(a, i);
			else
				set_msr(a, i, MSR(EOI), 0);
		}
		lapic_take(a->cpu[i], bit);
	}
	return mask;
}

#endif
