// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of hw/irq/lapic_bus.c: priorities, destinations, delivery modes, LINT0. */
#include "lapic_util.h"

#define LOGICAL 0x4u /* address */
#define HINT 0x8u
#define LEVEL 0xc000u /* data, asserted */
#define ALL ((1u << CPUS) - 1)

/* ICR */
#define I_LOGICAL 0x800u
#define I_LEVEL 0x8000u
#define I_ASSERT 0x4000u
#define I_SELF 0x40000u
#define I_ALL 0x80000u
#define I_OTHERS 0xc0000u
#define NMI 0x400u
#define INIT 0x500u
#define SIPI 0x600u
#define EXTINT 0x700u

/* --- priorities ----------------------------------------------------------------------------- */

static void nesting(void)
{
	struct apics a;

	apics_start(&a);
	msi(&a, 0, 0, 0x45);
	msi(&a, 0, 0, 0x31);
	msi(&a, 0, 0, 0x43);
	g_assert_cmpuint(ev(&a, 0), ==, LAPIC_EV_INTR);
	g_assert_cmpint(ack(&a, 0), ==, 0x45);
	g_assert_true(in_set(&a, 0, ISR, 0x45));
	g_assert_false(in_set(&a, 0, IRR, 0x45));
	g_assert_cmphex(rd(&a, 0, PPR), ==, 0x40);
	g_assert_cmpuint(ev(&a, 0), ==, 0); /* 0x43 is of the same class */
	msi(&a, 0, 0, 0x51);
	g_assert_cmpint(ack(&a, 0), ==, 0x51);
	g_assert_cmphex(rd(&a, 0, PPR), ==, 0x50);
	eoi(&a, 0);
	g_assert_false(in_set(&a, 0, ISR, 0x51));
	g_assert_cmphex(rd(&a, 0, PPR), ==, 0x40);
	g_assert_cmpuint(ev(&a, 0), ==, 0);
	eoi(&a, 0);
	g_assert_cmpint(ack(&a, 0), ==, 0x43);
	eoi(&a, 0);
	g_assert_cmpint(ack(&a, 0), ==, 0x31);
	eoi(&a, 0);
	eoi(&a, 0); /* of nothing */
	g_assert_cmpuint(ev(&a, 0), ==, 0);
	g_assert_cmphex(rd(&a, 0, PPR), ==, 0);
	apics_fini(&a);
}

/* One bit in IRR, one in ISR: two of a vector can wait, a third is lost. */
static void coalesced(void)
{
	struct apics a;

	apics_start(&a);
	msi(&a, 0, 0, 0xff);
	g_assert_cmpint(ack(&a, 0), ==, 0xff);
	msi(&a, 0, 0, 0xff);
	msi(&a, 0, 0, 0xff);
	eoi(&a, 0);
	g_assert_cmpint(ack(&a, 0), ==, 0xff);
	eoi(&a, 0);
	g_assert_cmpuint(ev(&a, 0), ==, 0);
	msi(&a, 0, 0, 0x10); /* the lowest legal one */
	g_assert_cmpint(ack(&a, 0), ==, 0x10);
	apics_fini(&a);
}

static void task_priority(void)
{
	struct apics a;

	apics_start(&a);
	wr(&a, 0, TPR, 0x4f);
	g_assert_cmphex(rd(&a, 0, PPR), ==, 0x4f);
	msi(&a, 0, 0, 0x4f);
	g_assert_cmpuint(ev(&a, 0), ==, 0);
	msi(&a, 0, 0, 0x50);
	g_assert_cmpint(ack(&a, 0), ==, 0x50);
	g_assert_cmphex(rd(&a, 0, PPR), ==, 0x50);
	wr(&a, 0, TPR, 0x51);
	g_assert_cmphex(rd(&a, 0, PPR), ==, 0x51); /* TPR where the classes are equal */
	wr(&a, 0, TPR, 0x3f);
	g_assert_cmpuint(ev(&a, 0), ==, 0);
	eoi(&a, 0);
	g_assert_cmpint(ack(&a, 0), ==, 0x4f);
	apics_fini(&a);
}

static void went_away(void)
{
	struct apics a;

	apics_start(&a);
	wr(&a, 0, SVR, 0x1ef);
	msi(&a, 0, 0, 0x40);
	wr(&a, 0, TPR, 0x40);
	g_assert_cmpint(ack(&a, 0), ==, 0xef);
	g_assert_false(in_set(&a, 0, ISR, 0xef));
	g_assert_true(in_set(&a, 0, IRR, 0x40));
	apics_fini(&a);
}

static void kicks(void)
{
	struct apics a;

	apics_start(&a);
	msi(&a, 3, 0, 0x40);
	g_assert_cmpuint(a.kicks[3], ==, 1);
	msi(&a, 3, 0, 0x50); /* it has been told to look */
	g_assert_cmpuint(a.kicks[3], ==, 1);
	msi(&a, 3, 0, NMI);
	g_assert_cmpuint(a.kicks[3], ==, 2);
	g_assert_cmpint(ack(&a, 3), ==, 0x50);
	eoi(&a, 3); /* uncovers 0x40, for which the CPU kicks itself */
	g_assert_cmpuint(ev(&a, 3), ==, LAPIC_EV_INTR | LAPIC_EV_NMI);
	msi(&a, 0xff, 0, INIT);
	for (unsigned i = 0; i < CPUS; i++)
		g_assert_cmpuint(a.kicks[i], ==, i == 3 ? 4 : 1);
	apics_fini(&a);
}

/* --- EOI ------------------------------------------------------------------------------------ */

static void eoi_broadcast(void)
{
	struct apics a;

	apics_start(&a);
	msi(&a, 1, 0, LEVEL | 0x60);
	msi(&a, 1, 0, 0x70);
	g_assert_true(in_set(&a, 1, TMR, 0x60));
	g_assert_cmpint(ack(&a, 1), ==, 0x70);
	eoi(&a, 1);
	g_assert_cmpuint(a.eois, ==, 0);
	g_assert_cmpint(ack(&a, 1), ==, 0x60);
	eoi(&a, 1);
	g_assert_cmpuint(a.eois, ==, 1);
	g_assert_cmphex(a.eoi, ==, 0x60);
	eoi(&a, 1);
	g_assert_cmpuint(a.eois, ==, 1);
	msi(&a, 1, 0, 0x60); /* an edge now */
	g_assert_false(in_set(&a, 1, TMR, 0x60));
	ack(&a, 1);
	eoi(&a, 1);
	g_assert_cmpuint(a.eois, ==, 1);
	wr(&a, 1, SVR, 0x1000 | SVR_ON); /* suppressed: software tells the IO-APIC */
	msi(&a, 1, 0, LEVEL | 0x60);
	ack(&a, 1);
	eoi(&a, 1);
	g_assert_cmpuint(a.eois, ==, 1);
	g_assert_false(in_set(&a, 1, ISR, 0x60));
	apics_fini(&a);
}

/* The line is still up: the IO-APIC sends again from within the broadcast. */
static void eoi_again(void)
{
	struct apics a;

	apics_start(&a);
	to_x2apic(&a, 2);
	a.again = (struct msi_msg){0xfee02000, LEVEL | 0x60};
	msi(&a, 2, 0, LEVEL | 0x60);
	for (unsigned i = 1; i < 4; i++) {
		g_assert_cmpint(ack(&a, 2), ==, 0x60);
		g_assert_true(set_msr(&a, 2, MSR(EOI), 0));
		g_assert_cmpuint(a.eois, ==, i);
	}
	apics_fini(&a);
}

/* --- messages ------------------------------------------------------------------------------- */

static void modes(void)
{
	struct apics a;

	apics_start(&a);
	msi(&a, 5, 0, 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 1u << 5);
	msi(&a, 5, 0, 0x141); /* lowest priority */
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 1u << 5);
	msi(&a, 5, 0, 0x241); /* SMI */
	msi(&a, 5, 0, 0x341); /* reserved */
	msi(&a, 5, 0, SIPI | 0x41);
	g_assert_cmpuint(ev(&a, 5), ==, 0);
	msi(&a, 5, 0, NMI | 0x41);
	g_assert_cmpuint(ev(&a, 5), ==, LAPIC_EV_NMI);
	lapic_take(a.cpu[5], LAPIC_EV_NMI);
	g_assert_cmpuint(ev(&a, 5), ==, 0);
	msi(&a, 5, 0, INIT);
	g_assert_cmpuint(ev(&a, 5), ==, LAPIC_EV_INIT);
	lapic_take(a.cpu[5], LAPIC_EV_INIT);
	wr(&a, 5, TPR, 0xf0);
	msi(&a, 5, 0, EXTINT | 0x41); /* past the TPR; the vector is the PIC's */
	g_assert_cmpuint(ev(&a, 5), ==, LAPIC_EV_INTR);
	g_assert_cmpint(ack(&a, 5), ==, -1);
	g_assert_cmpuint(ev(&a, 5), ==, 0);
	apics_fini(&a);
}

static void dropped(void)
{
	struct apics a;

	apics_start(&a);
	lapics_msi(a.s, (struct msi_msg){0, 0x41});
	lapics_msi(a.s, (struct msi_msg){0xfed00000, 0x41});
	lapics_msi(a.s, (struct msi_msg){0x1fee00000, 0x41});
	lapics_msi(a.s, (struct msi_msg){0xfee00020, 0x41}); /* to CPU 256 */
	msi(&a, 0, 0, 0x8041);                               /* the level ended */
	msi(&a, 0, 0, 0x8500);
	msi(&a, CPUS, 0, 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR) | who(&a, LAPIC_EV_INIT), ==, 0);
	msi(&a, 0, 0, LEVEL | INIT);
	g_assert_cmphex(who(&a, LAPIC_EV_INIT), ==, 1);
	apics_fini(&a);
}

static void broadcast(void)
{
	struct apics a;

	apics_start(&a);
	to_x2apic(&a, 6);
	msi(&a, 0xff, 0, 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, ALL);
	msi(&a, 0xff, LOGICAL, 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, ALL);
	wr(&a, 4, SVR, 0xff); /* this one takes no vectors, but NMIs */
	msi(&a, 0xff, 0, 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, ALL & ~(1u << 4));
	msi(&a, 0xff, 0, NMI);
	g_assert_cmphex(who(&a, LAPIC_EV_NMI), ==, ALL);
	apics_fini(&a);
}

static void flat(void)
{
	struct apics a;

	apics_start(&a);
	for (unsigned i = 0; i < 8; i++)
		wr(&a, i, LDR, 1u << (24 + i));
	msi(&a, 0x25, LOGICAL, 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 0x25);
	msi(&a, 0x80, LOGICAL | HINT, 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 0x80);
	msi(&a, 0, LOGICAL, 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 0);
	wr(&a, 2, DFR, 0x5fffffff); /* no model */
	msi(&a, 0x04, LOGICAL, 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 0);
	apics_fini(&a);
}

static void cluster(void)
{
	struct apics a;

	apics_start(&a);
	for (unsigned i = 0; i < CPUS; i++) {
		wr(&a, i, DFR, 0x0fffffff);
		wr(&a, i, LDR, (i / 4) << 28 | 1u << (24 + i % 4));
	}
	msi(&a, 0x35, LOGICAL, 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 0x5000);
	msi(&a, 0x0f, LOGICAL, 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 0x000f);
	msi(&a, 0x50, LOGICAL, 0x41); /* nobody of cluster 5 */
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 0);
	msi(&a, 0xff, LOGICAL, 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, ALL);
	apics_fini(&a);
}

static void lowest_priority(void)
{
	struct apics a;

	apics_start(&a);
	for (unsigned i = 0; i < 8; i++)
		wr(&a, i, LDR, 1u << (24 + i));
	wr(&a, 1, TPR, 0x20);
	wr(&a, 2, TPR, 0x10);
	wr(&a, 3, TPR, 0x10);
	msi(&a, 0x0e, LOGICAL, 0x141);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 1u << 2); /* the lower id of two */
	msi(&a, 2, 0, 0x55);
	g_assert_cmpint(ack(&a, 2), ==, 0x55); /* busy: the PPR counts */
	msi(&a, 0x0e, LOGICAL | HINT, 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 1u << 3);
	wr(&a, 3, SVR, 0xff);
	msi(&a, 0x0e, LOGICAL | HINT, LEVEL | 0x41);
	g_assert_true(in_set(&a, 1, TMR, 0x41));
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 1u << 1);
	msi(&a, 0x08, LOGICAL, 0x141); /* nobody takes it */
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 0);
	wr(&a, 0, ICR_HIGH, 0x0e000000);
	wr(&a, 0, ICR, I_LOGICAL | 0x141);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 1u << 1);
	apics_fini(&a);
}

/* --- IPIs ----------------------------------------------------------------------------------- */

static void ipi(struct apics *a, unsigned from, uint8_t dest, uint32_t low)
{
	wr(a, from, ICR_HIGH, (uint32_t)dest << 24);
	wr(a, from, ICR, low);
}

static void shorthands(void)
{
	struct apics a;

	apics_start(&a);
	ipi(&a, 3, 7, I_SELF | 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 1u << 3);
	ipi(&a, 3, 7, I_ALL | 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, ALL);
	ipi(&a, 3, 7, I_OTHERS | 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, ALL & ~(1u << 3));
	ipi(&a, 3, 7, I_OTHERS | NMI);
	g_assert_cmphex(who(&a, LAPIC_EV_NMI), ==, ALL & ~(1u << 3));
	ipi(&a, 3, 7, 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 1u << 7);
	ipi(&a, 3, 0xff, 0x1041);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, ALL);
	g_assert_cmphex(rd(&a, 3, ICR), ==, 0x41); /* delivered: bit 12 is 0 */
	g_assert_cmphex(rd(&a, 3, ICR_HIGH), ==, 0xff000000);
	apics_fini(&a);
}

static void ipi_modes(void)
{
	struct apics a;

	apics_start(&a);
	ipi(&a, 0, 1, I_LEVEL | I_ASSERT | 0x41); /* an edge all the same */
	g_assert_false(in_set(&a, 1, TMR, 0x41));
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 2);
	ipi(&a, 0, 1, I_LEVEL | 0x41);
	ipi(&a, 0, 1, EXTINT);
	ipi(&a, 0, 1, 0x200);
	ipi(&a, 0, 1, 0x300);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 0);
	for (unsigned vector = 0; vector < 16; vector++) {
		ipi(&a, 0, 1, I_ASSERT | vector);
		ipi(&a, 0, 1, I_ASSERT | 0x100 | vector);
		g_assert_cmpuint(ev(&a, 1), ==, 0);
		wr(&a, 0, ESR, 0);
		g_assert_cmphex(rd(&a, 0, ESR), ==, 0x20);
	}
	wr(&a, 1, ESR, 0);
	g_assert_cmphex(rd(&a, 1, ESR), ==, 0); /* it was not sent */
	ipi(&a, 0, 1, NMI | 2);
	g_assert_cmphex(who(&a, LAPIC_EV_NMI), ==, 2);
	apics_fini(&a);
}

/* How an AP is started (SDM 3A, 9.4.4). */
static void init_sipi(void)
{
	struct apics a;

	apics_start(&a);
	ipi(&a, 0, 1, I_LEVEL | I_ASSERT | INIT);
	g_assert_cmpuint(ev(&a, 1), ==, LAPIC_EV_INIT);
	ipi(&a, 0, 1, I_LEVEL | INIT); /* de-assert: nothing */
	lapic_take(a.cpu[1], LAPIC_EV_INIT);
	lapic_init(a.cpu[1]);
	g_assert_cmpuint(ev(&a, 1), ==, 0);
	ipi(&a, 0, 1, SIPI | 0x09); /* a page, not a vector */
	g_assert_cmpuint(ev(&a, 1), ==, LAPIC_EV_SIPI);
	g_assert_cmphex(lapic_sipi_vector(a.cpu[1]), ==, 0x09);
	lapic_take(a.cpu[1], LAPIC_EV_SIPI);
	g_assert_cmpuint(ev(&a, 1), ==, 0);
	ipi(&a, 0, 1, I_ASSERT | INIT); /* both before the CPU looks */
	ipi(&a, 0, 1, SIPI | 0x9a);
	g_assert_cmpuint(ev(&a, 1), ==, LAPIC_EV_INIT | LAPIC_EV_SIPI);
	lapic_init(a.cpu[1]);
	g_assert_cmpuint(ev(&a, 1), ==, LAPIC_EV_INIT | LAPIC_EV_SIPI);
	g_assert_cmphex(lapic_sipi_vector(a.cpu[1]), ==, 0x9a);
	ipi(&a, 0, 1, I_ASSERT | INIT); /* a SIPI before it is void */
	g_assert_cmpuint(ev(&a, 1), ==, LAPIC_EV_INIT);
	ipi(&a, 0, 0xff, I_OTHERS | INIT);
	g_assert_cmphex(who(&a, LAPIC_EV_INIT), ==, ALL & ~1u);
	apics_fini(&a);
}

static void x2_ipi(struct apics *a, unsigned from, uint64_t dest, uint32_t low)
{
	g_assert_true(set_msr(a, from, MSR(ICR), dest << 32 | low));
}

static void x2apic_ipis(void)
{
	struct apics a;

	apics_start(&a);
	for (unsigned i = 0; i < CPUS; i++)
		to_x2apic(&a, i);
	x2_ipi(&a, 0, 17, 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 1u << 17);
	x2_ipi(&a, 0, 0x100 + 17, 0x41);
	x2_ipi(&a, 0, 0xff, 0x41); /* no broadcast here */
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 0);
	x2_ipi(&a, 0, 0xffffffff, 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, ALL);
	x2_ipi(&a, 0, 0xffffffff, I_LOGICAL | 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, ALL);
	x2_ipi(&a, 0, 0x0000a001, I_LOGICAL | 0x41); /* cluster 0 */
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 0xa001);
	x2_ipi(&a, 0, 0x0001000a, I_LOGICAL | 0x41); /* cluster 1 */
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 0xa0000);
	x2_ipi(&a, 0, 0x00020001, I_LOGICAL | 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 0);
	x2_ipi(&a, 5, 0, I_OTHERS | 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, ALL & ~(1u << 5));
	g_assert_true(set_msr(&a, 5, 0x83f, 0x41));
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 1u << 5);
	g_assert_true(set_msr(&a, 5, 0x83f, 0x0f));
	g_assert_true(set_msr(&a, 5, MSR(ESR), 0));
	g_assert_cmphex(get_msr(&a, 5, MSR(ESR)), ==, 0x20);
	msi(&a, 18, 0, 0x41); /* devices still have 8 bits */
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 1u << 18);
	msi(&a, 0x81, LOGICAL, 0x41); /* of cluster 0 */
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 0x81);
	apics_fini(&a);
}

/* While the CPUs change over, one by one, they still reach each other. */
static void mixed(void)
{
	struct apics a;

	apics_start(&a);
	to_x2apic(&a, 0);
	wr(&a, 1, LDR, 0x02000000);
	x2_ipi(&a, 0, 1, 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 2);
	x2_ipi(&a, 0, 2, I_LOGICAL | 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 2);
	x2_ipi(&a, 0, 0x102, I_LOGICAL | 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 0);
	x2_ipi(&a, 0, 0xffffffff, 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, ALL);
	ipi(&a, 1, 0, 0x41);
	g_assert_cmphex(who(&a, LAPIC_EV_INTR), ==, 1);
	apics_fini(&a);
}

/* --- LINT0 ---------------------------------------------------------------------------------- */

static void extint_disabled(void)
{
	struct apics a;

	apics_init(&a);
	lapics_extint(a.s, true); /* by software */
	g_assert_cmpuint(ev(&a, 0), ==, LAPIC_EV_INTR);
	g_assert_cmpuint(ev(&a, 1), ==, 0);
	g_assert_cmpuint(a.kicks[0], ==, 1);
	g_assert_cmpint(ack(&a, 0), ==, -1);
	g_assert_cmpuint(ev(&a, 0), ==, LAPIC_EV_INTR); /* until the PIC lowers it */
	lapics_extint(a.s, false);
	g_assert_cmpuint(ev(&a, 0), ==, 0);
	g_assert_true(set_msr(&a, 0, MSR_APIC_BASE, 0xfee00100)); /* by hardware */
	g_assert_cmpuint(ev(&a, 0), ==, 0);
	lapics_extint(a.s, true);
	g_assert_cmpuint(ev(&a, 0), ==, LAPIC_EV_INTR);
	g_assert_cmpint(ack(&a, 0), ==, -1);
	lapics_extint(a.s, false);
	g_assert_cmpint(ack(&a, 0), ==, -1); /* there is no other source of vectors */
	apics_fini(&a);
}

static void extint_lvt(void)
{
	struct apics a;

	apics_start(&a);
	lapics_extint(a.s, true);
	g_assert_cmpuint(ev(&a, 0), ==, 0); /* masked */
	wr(&a, 0, LVT_0, EXTINT);
	g_assert_cmpuint(ev(&a, 0), ==, LAPIC_EV_INTR);
	g_assert_cmpuint(a.kicks[0], ==, 1);
	wr(&a, 0, TPR, 0xf0);
	g_assert_cmpuint(ev(&a, 0), ==, LAPIC_EV_INTR);
	wr(&a, 0, LVT_0, MASKED | EXTINT);
	g_assert_cmpuint(ev(&a, 0), ==, 0);
	g_assert_cmpint(ack(&a, 0), ==, 0xff); /* went away */
	wr(&a, 0, LVT_0, EXTINT);
	msi(&a, 0, 0, 0xf1);
	g_assert_cmpint(ack(&a, 0), ==, -1);
	lapics_extint(a.s, false);
	g_assert_cmpuint(ev(&a, 0), ==, 0);
	lapics_extint(a.s, true);
	lapics_extint(a.s, false);
	g_assert_cmpuint(ev(&a, 0), ==, 0); /* the PIC thought better of it */
	wr(&a, 0, TPR, 0);
	g_assert_cmpint(ack(&a, 0), ==, 0xf1);
	wr(&a, 1, LVT_0, EXTINT); /* the other CPUs' pins are open */
	lapics_extint(a.s, true);
	g_assert_cmpuint(ev(&a, 1), ==, 0);
	apics_fini(&a);
}

static void lint0_edge(void)
{
	struct apics a;

	apics_start(&a);
	wr(&a, 0, LVT_0, 0x35);
	lapics_extint(a.s, true);
	g_assert_cmpint(ack(&a, 0), ==, 0x35);
	eoi(&a, 0);
	lapics_extint(a.s, true); /* no edge */
	g_assert_cmpuint(ev(&a, 0), ==, 0);
	g_assert_cmpuint(a.eois, ==, 0);
	wr(&a, 0, LVT_0, NMI);
	g_assert_cmpuint(ev(&a, 0), ==, 0);
	lapics_extint(a.s, false);
	lapics_extint(a.s, true);
	g_assert_cmpuint(ev(&a, 0), ==, LAPIC_EV_NMI);
	lapic_take(a.cpu[0], LAPIC_EV_NMI);
	wr(&a, 0, LVT_0, MASKED | NMI);
	lapics_extint(a.s, false);
	lapics_extint(a.s, true);
	g_assert_cmpuint(ev(&a, 0), ==, 0);
	apics_fini(&a);
}

static void lint0_level(void)
{
	struct apics a;

	apics_start(&a);
	wr(&a, 0, LVT_0, 0x8035);
	lapics_extint(a.s, true);
	g_assert_cmphex(rd(&a, 0, LVT_0), ==, 0xc035); /* remote IRR */
	wr(&a, 0, LVT_0, 0x8035);
	g_assert_cmphex(rd(&a, 0, LVT_0), ==, 0xc035);
	g_assert_cmpint(ack(&a, 0), ==, 0x35);
	wr(&a, 0, LVT_0, 0x8035);
	g_assert_cmpuint(ev(&a, 0), ==, 0);
	g_assert_false(in_set(&a, 0, IRR, 0x35));
	eoi(&a, 0); /* still high */
	g_assert_cmpint(ack(&a, 0), ==, 0x35);
	lapics_extint(a.s, false);
	eoi(&a, 0);
	g_assert_cmpuint(ev(&a, 0), ==, 0);
	g_assert_cmphex(rd(&a, 0, LVT_0), ==, 0x8035);
	wr(&a, 0, LVT_0, MASKED | 0x8035);
	lapics_extint(a.s, true);
	g_assert_cmpuint(ev(&a, 0), ==, 0);
	wr(&a, 0, LVT_0, 0x8035); /* a level is not lost by the mask */
	g_assert_cmpint(ack(&a, 0), ==, 0x35);
	eoi(&a, 0);
	ack(&a, 0);
	wr(&a, 0, LVT_0, 0x35); /* as an edge it has none */
	g_assert_cmphex(rd(&a, 0, LVT_0), ==, 0x35);
	wr(&a, 0, LVT_0, 0x8005);
	wr(&a, 0, ESR, 0);
	g_assert_cmphex(rd(&a, 0, ESR), ==, 0x40);
	g_assert_cmphex(rd(&a, 0, LVT_0), ==, 0x8005);
	apics_fini(&a);
}

/* --- threads -------------------------------------------------------------------------------- */

#define SENDERS 3
#define SENT 3000

struct sender {
	struct apics *a;
	uint8_t vector;
	unsigned seen; /* atomic: how many the CPU took */
};

/* Sends one when the one before was taken, so none may be lost. */
static gpointer sender_main(gpointer opaque)
{
	struct sender *t = opaque;

	for (unsigned i = 0; i < SENT; i++) {
		msi(t->a, 0, 0, t->vector);
		while (__atomic_load_n(&t->seen, __ATOMIC_ACQUIRE) != i + 1)
			g_thread_yield();
	}
	return NULL;
}

static void threads(void)
{
	struct apics a;
	struct sender t[SENDERS];
	GThread *thread[SENDERS];

	apics_start(&a);
	for (unsigned i = 0; i < SENDERS; i++) {
		t[i] = (struct sender){&a, (uint8_t)(0x40 + 0x10 * i), 0};
		thread[i] = g_thread_new("sender", sender_main, &t[i]);
	}
	for (unsigned n = 0; n < SENDERS * SENT;) {
		if (!ev(&a, 0)) {
			g_thread_yield();
			continue;
		}
		struct sender *from = &t[ack(&a, 0) / 0x10 - 4];

		eoi(&a, 0);
		__atomic_add_fetch(&from->seen, 1, __ATOMIC_RELEASE);
		n++;
	}
	for (unsigned i = 0; i < SENDERS; i++)
		g_thread_join(thread[i]);
	g_assert_cmpuint(ev(&a, 0), ==, 0);
	apics_fini(&a);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/lapic-bus/nesting", nesting);
	g_test_add_func("/lapic-bus/coalesced", coalesced);
	g_test_add_func("/lapic-bus/task-priority", task_priority);
	g_test_add_func("/lapic-bus/went-away", went_away);
	g_test_add_func("/lapic-bus/kicks", kicks);
	g_test_add_func("/lapic-bus/eoi-broadcast", eoi_broadcast);
	g_test_add_func("/lapic-bus/eoi-again", eoi_again);
	g_test_add_func("/lapic-bus/modes", modes);
	g_test_add_func("/lapic-bus/dropped", dropped);
	g_test_add_func("/lapic-bus/broadcast", broadcast);
	g_test_add_func("/lapic-bus/flat", flat);
	g_test_add_func("/lapic-bus/cluster", cluster);
	g_test_add_func("/lapic-bus/lowest-priority", lowest_priority);
	g_test_add_func("/lapic-bus/shorthands", shorthands);
	g_test_add_func("/lapic-bus/ipi-modes", ipi_modes);
	g_test_add_func("/lapic-bus/init-sipi", init_sipi);
	g_test_add_func("/lapic-bus/x2apic-ipis", x2apic_ipis);
	g_test_add_func("/lapic-bus/mixed", mixed);
	g_test_add_func("/lapic-bus/extint-disabled", extint_disabled);
	g_test_add_func("/lapic-bus/extint-lvt", extint_lvt);
	g_test_add_func("/lapic-bus/lint0-edge", lint0_edge);
	g_test_add_func("/lapic-bus/lint0-level", lint0_level);
	g_test_add_func("/lapic-bus/threads", threads);
	return g_test_run();
}
