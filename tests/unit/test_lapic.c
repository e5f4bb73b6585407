// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of hw/irq/lapic.c: registers, modes, resets. */
#include "lapic_util.h"

static void power_on(void)
{
	struct apics a;

	apics_init(&a);
	for (unsigned i = 0; i < CPUS; i++) {
		g_assert_cmphex(lapic_base(a.cpu[i]), ==, 0xfee00800 | (i ? 0 : 0x100));
		g_assert_true(lapic_mmio_enabled(a.cpu[i]));
		g_assert_cmphex(rd(&a, i, ID), ==, i << 24);
		g_assert_cmpuint(ev(&a, i), ==, 0);
	}
	g_assert_cmphex(rd(&a, 0, VERSION), ==, 0x01050014);
	g_assert_cmphex(rd(&a, 0, SVR), ==, 0xff);
	g_assert_cmphex(rd(&a, 0, DFR), ==, 0xffffffff);
	for (unsigned off = LVT_T; off <= LVT_E; off += 16)
		g_assert_cmphex(rd(&a, 0, off), ==, MASKED);
	for (unsigned off = ISR; off < ESR; off += 16)
		g_assert_cmphex(rd(&a, 0, off), ==, 0);
	g_assert_cmphex(rd(&a, 0, TPR) | rd(&a, 0, PPR) | rd(&a, 0, LDR) | rd(&a, 0, ICR), ==, 0);
	apics_fini(&a);
	lapics_free(NULL);
}

/* What sticks of all ones. */
static void writable_bits(void)
{
	static const struct {
		uint32_t off, sticks;
	} regs[] = {
		{ID, 0x03000000},
		{VERSION, 0x01050014},
		{TPR, 0xff},
		{PPR, 0xff}, /* follows TPR */
		{LDR, 0xff000000},
		{DFR, 0xffffffff},
		{SVR, 0x13ff},
		{ISR, 0},
		{TMR, 0},
		{IRR, 0},
		{ICR_HIGH, 0xff000000},
		{LVT_T, 0x700ff},
		{0x330, 0x107ff},
		{0x340, 0x107ff},
		{LVT_0, 0x1a7ff},
		{LVT_1, 0x1a7ff},
		{LVT_E, 0x100ff},
		{INITIAL, 0xffffffff},
		{DIVIDE, 0xb},
	};
	struct apics a;

	apics_start(&a);
	for (unsigned i = 0; i < G_N_ELEMENTS(regs); i++) {
		if (regs[i].off == INITIAL)
			wr(&a, 3, LVT_T, MASKED);
		wr(&a, 3, regs[i].off, 0xffffffff);
		g_assert_cmphex(rd(&a, 3, regs[i].off), ==, regs[i].sticks);
	}
	wr(&a, 3, DFR, 0);
	g_assert_cmphex(rd(&a, 3, DFR), ==, 0x0fffffff);
	wr(&a, 3, ESR, 0);
	g_assert_cmphex(rd(&a, 3, ESR), ==, 0); /* none of that was an error */
	apics_fini(&a);
}

static void illegal_registers(void)
{
	static const uint32_t offs[] = {0,     0x10,  0x40,  0x70,  0x290,
					0x2f0, 0x3a0, 0x3f0, 0x400, 0xff0};
	struct apics a;

	apics_start(&a);
	for (unsigned i = 0; i < G_N_ELEMENTS(offs); i++) {
		g_assert_cmphex(rd(&a, 0, offs[i]), ==, 0);
		wr(&a, 0, ESR, 0);
		g_assert_cmphex(rd(&a, 0, ESR), ==, 0x80);
		wr(&a, 0, offs[i], 0x30);
		wr(&a, 0, ESR, 0);
		g_assert_cmphex(rd(&a, 0, ESR), ==, 0x80);
	}
	wr(&a, 0, SVR + 4, 0);
	g_assert_cmphex(rd(&a, 0, SVR + 4), ==, 0);
	g_assert_cmphex(rd(&a, 0, SVR), ==, SVR_ON);
	g_assert_cmphex(rd(&a, 0, 0x90) | rd(&a, 0, EOI) | rd(&a, 0, 0xc0), ==, 0);
	wr(&a, 0, ESR, 0);
	g_assert_cmphex(rd(&a, 0, ESR), ==, 0);
	apics_fini(&a);
}

static void software_disable(void)
{
	struct apics a;

	apics_init(&a);
	wr(&a, 0, LVT_T, 0x40);
	g_assert_cmphex(rd(&a, 0, LVT_T), ==, MASKED | 0x40); /* not before SVR */
	msi(&a, 0, 0, 0x41);
	g_assert_cmpuint(ev(&a, 0), ==, 0);
	wr(&a, 0, SVR, SVR_ON);
	g_assert_cmphex(rd(&a, 0, LVT_T), ==, MASKED | 0x40);
	wr(&a, 0, LVT_T, 0x40);
	wr(&a, 0, LVT_E, 0x42);
	g_assert_cmphex(rd(&a, 0, LVT_T), ==, 0x40);
	msi(&a, 0, 0, 0x51);
	msi(&a, 0, 0, 0x61);
	g_assert_cmpint(ack(&a, 0), ==, 0x61);
	wr(&a, 0, SVR, 0xff);
	g_assert_cmphex(rd(&a, 0, LVT_T), ==, MASKED | 0x40);
	g_assert_cmphex(rd(&a, 0, LVT_E), ==, MASKED | 0x42);
	g_assert_true(in_set(&a, 0, ISR, 0x61)); /* kept, and served */
	eoi(&a, 0);
	g_assert_cmpint(ack(&a, 0), ==, 0x51);
	msi(&a, 0, 0, 0x71);
	g_assert_false(in_set(&a, 0, IRR, 0x71));
	msi(&a, 0, 0, 0x400); /* NMI, INIT and SIPI still come (SDM 3A, 11.4.7.2) */
	msi(&a, 0, 0, 0x500);
	g_assert_cmpuint(ev(&a, 0), ==, LAPIC_EV_NMI | LAPIC_EV_INIT);
	apics_fini(&a);
}

static void errors(void)
{
	struct apics a;

	apics_start(&a);
	wr(&a, 0, LVT_E, 0x3e);
	msi(&a, 0, 0, 0x0f); /* illegal */
	g_assert_false(in_set(&a, 0, IRR, 0x0f));
	g_assert_cmphex(rd(&a, 0, ESR), ==, 0); /* shown by a write only */
	g_assert_cmpint(ack(&a, 0), ==, 0x3e);
	eoi(&a, 0);
	wr(&a, 0, ICR, 0x05);
	g_assert_cmpuint(ev(&a, 0), ==, 0); /* one interrupt until software looks */
	wr(&a, 0, ESR, 0);
	g_assert_cmphex(rd(&a, 0, ESR), ==, 0x60);
	wr(&a, 0, ESR, 0);
	g_assert_cmphex(rd(&a, 0, ESR), ==, 0);
	rd(&a, 0, 0x10);
	g_assert_cmpint(ack(&a, 0), ==, 0x3e);
	eoi(&a, 0);
	wr(&a, 0, ESR, 0);
	wr(&a, 0, LVT_E, 0x0e); /* an error whose interrupt is an error */
	rd(&a, 0, 0x10);
	g_assert_cmpuint(ev(&a, 0), ==, 0);
	wr(&a, 0, ESR, 0);
	g_assert_cmphex(rd(&a, 0, ESR), ==, 0xc0);
	wr(&a, 0, LVT_E, MASKED | 0x3e);
	rd(&a, 0, 0x10);
	g_assert_cmpuint(ev(&a, 0), ==, 0);
	apics_fini(&a);
}

#define XAPIC APIC_BASE_ENABLE
#define X2APIC (APIC_BASE_ENABLE | APIC_BASE_X2APIC)
#define INVALID APIC_BASE_X2APIC

/* SDM 3A, figure 11-27. */
static void base_transitions(void)
{
	static const struct {
		uint64_t from, to;
		bool legal;
	} moves[] = {
		{0, 0, true},           {0, XAPIC, true},        {0, X2APIC, false},
		{0, INVALID, false},    {XAPIC, 0, true},        {XAPIC, XAPIC, true},
		{XAPIC, X2APIC, true},  {XAPIC, INVALID, false}, {X2APIC, 0, true},
		{X2APIC, XAPIC, false}, {X2APIC, X2APIC, true},  {X2APIC, INVALID, false},
	};
	const uint64_t addr = 0xfee00000;

	for (unsigned i = 0; i < G_N_ELEMENTS(moves); i++) {
		struct apics a;
		uint64_t want = moves[i].legal ? moves[i].to : moves[i].from;

		apics_init(&a);
		g_assert_true(set_msr(&a, 1, MSR_APIC_BASE, addr | moves[i].from));
		g_assert_true(set_msr(&a, 1, MSR_APIC_BASE, addr | moves[i].to) == moves[i].legal);
		g_assert_cmphex(get_msr(&a, 1, MSR_APIC_BASE), ==, addr | want);
		g_assert_true(lapic_mmio_enabled(a.cpu[1]) == (want == XAPIC));
		apics_fini(&a);
	}
}

static void base_bits(void)
{
	struct apics a;

	apics_init(&a);
	for (unsigned bit = 0; bit < 64; bit++) {
		bool reserved = bit < 8 || bit == 9 || bit >= 52;

		if (bit == 10 || bit == 11)
			continue;
		g_assert_true(set_msr(&a, 1, MSR_APIC_BASE, 1ull << bit | XAPIC) == !reserved);
	}
	g_assert_true(set_msr(&a, 1, MSR_APIC_BASE, 0x123456000 | XAPIC));
	g_assert_cmphex(lapic_base(a.cpu[1]), ==, 0x123456800);
	g_assert_false(set_msr(&a, 1, 0x1c, 0));
	g_assert_false(lapic_msr_read(a.cpu[1], 0x1c, &(uint64_t){0}));
	apics_fini(&a);
}

/* Disabled by hardware there is no APIC, and its state is lost. */
static void hardware_disable(void)
{
	struct apics a;

	apics_start(&a);
	wr(&a, 2, TPR, 0x20);
	wr(&a, 2, LVT_T, 0x30);
	msi(&a, 2, 0, 0x41);
	g_assert_true(set_msr(&a, 2, MSR_APIC_BASE, 0xfee00000));
	g_assert_cmpuint(ev(&a, 2), ==, 0);
	g_assert_cmphex(rd(&a, 2, TPR), ==, 0xffffffff);
	wr(&a, 2, TPR, 0x30);
	msi(&a, 2, 0, 0x400);
	msi(&a, 0xff, 0, 0x41);
	g_assert_cmpuint(ev(&a, 2), ==, 0);
	g_assert_true(set_msr(&a, 2, MSR_APIC_BASE, 0xfee00800));
	g_assert_cmphex(rd(&a, 2, TPR), ==, 0);
	g_assert_cmphex(rd(&a, 2, SVR), ==, 0xff);
	g_assert_cmphex(rd(&a, 2, LVT_T), ==, MASKED);
	g_assert_false(in_set(&a, 2, IRR, 0x41));
	apics_fini(&a);
}

/* SDM 3A, table 11-6: r read, w write; what is not there is #GP both ways. */
static bool x2_can(unsigned reg, bool write)
{
	switch (reg) {
	case 0x08:
	case 0x0f:
	case 0x28:
	case 0x30:
	case 0x32 ... 0x38:
	case 0x3e:
		return true;
	case 0x0b:
	case 0x3f:
		return write;
	case 0x02:
	case 0x03:
	case 0x0a:
	case 0x0d:
	case 0x10 ... 0x27:
	case 0x39:
		return !write;
	default:
		return false;
	}
}

static void x2apic_exists(void)
{
	struct apics a;
	uint64_t val;

	apics_start(&a);
	for (unsigned reg = 0; reg < 0x100; reg++) {
		g_assert_false(set_msr(&a, 1, 0x800 + reg, 0));
		g_assert_false(lapic_msr_read(a.cpu[1], 0x800 + reg, &val));
	}
	to_x2apic(&a, 1);
	for (unsigned reg = 0; reg < 0x100; reg++) {
		uint64_t legal = reg == 0x3f || reg == 0x30 ? 0x40 : 0;

		g_assert_true(lapic_msr_read(a.cpu[1], 0x800 + reg, &val) == x2_can(reg, false));
		g_assert_true(set_msr(&a, 1, 0x800 + reg, legal) == x2_can(reg, true));
	}
	g_assert_cmphex(rd(&a, 1, VERSION), ==, 0xffffffff); /* the page is gone */
	g_assert_cmphex(get_msr(&a, 1, MSR(VERSION)), ==, 0x01050014);
	apics_fini(&a);
}

static void x2apic_reserved(void)
{
	static const struct {
		uint32_t off;
		uint64_t reserved;
	} regs[] = {
		{TPR, ~0xffull},      {EOI, ~0ull},         {SVR, ~0x13ffull},
		{ESR, ~0ull},         {ICR, 0xfff32000},    {LVT_T, ~0x710ffull},
		{0x330, ~0x117ffull}, {0x340, ~0x117ffull}, {LVT_0, ~0x1f7ffull},
		{LVT_1, ~0x1f7ffull}, {LVT_E, ~0x110ffull}, {INITIAL, ~0xffffffffull},
		{DIVIDE, ~0xbull},    {0x3f0, ~0xffull},
	};
	struct apics a;

	apics_start(&a);
	to_x2apic(&a, 1);
	for (unsigned i = 0; i < G_N_ELEMENTS(regs); i++)
		for (unsigned bit = 0; bit < 64; bit++)
			g_assert_true(set_msr(&a, 1, MSR(regs[i].off), 1ull << bit) !=
				      (regs[i].reserved >> bit & 1));
	apics_fini(&a);
}

static void x2apic_state(void)
{
	struct apics a;

	apics_start(&a);
	wr(&a, 18, TPR, 0x55);
	wr(&a, 18, LDR, 0x55000000);
	wr(&a, 18, ICR_HIGH, 0x03000000);
	msi(&a, 18, 0, 0x91);
	to_x2apic(&a, 18);
	g_assert_cmphex(get_msr(&a, 18, MSR(ID)), ==, 18);
	g_assert_cmphex(get_msr(&a, 18, MSR(LDR)), ==, 0x00010004);
	g_assert_cmphex(get_msr(&a, 18, MSR(TPR)), ==, 0x55);
	g_assert_cmphex(get_msr(&a, 18, MSR(ICR)), ==, 0);
	g_assert_cmphex(get_msr(&a, 18, MSR(IRR) + 4), ==, 1u << 17);
	g_assert_cmpint(ack(&a, 18), ==, 0x91);
	g_assert_cmphex(get_msr(&a, 18, MSR(PPR)), ==, 0x90);
	g_assert_true(set_msr(&a, 18, MSR(EOI), 0));
	g_assert_cmphex(get_msr(&a, 18, MSR(PPR)), ==, 0x55);
	g_assert_true(set_msr(&a, 18, MSR(ICR), 0x0000000300000051));
	g_assert_cmphex(get_msr(&a, 18, MSR(ICR)), ==, 0x0000000300000051);
	lapic_init(a.cpu[18]);
	g_assert_cmphex(lapic_base(a.cpu[18]), ==, 0xfee00c00);
	g_assert_cmphex(get_msr(&a, 18, MSR(LDR)), ==, 0x00010004);
	g_assert_cmphex(get_msr(&a, 18, MSR(TPR)), ==, 0);
	g_assert_true(set_msr(&a, 18, MSR_APIC_BASE, 0xfee00000));
	g_assert_true(set_msr(&a, 18, MSR_APIC_BASE, 0xfee00800));
	g_assert_cmphex(rd(&a, 18, LDR), ==, 0);
	g_assert_cmphex(rd(&a, 18, ID), ==, 18u << 24);
	apics_fini(&a);
}

static void cr8(void)
{
	struct apics a;

	apics_start(&a);
	wr(&a, 0, TPR, 0x5f);
	g_assert_cmphex(lapic_cr8(a.cpu[0]), ==, 5);
	lapic_set_cr8(a.cpu[0], 0x7);
	g_assert_cmphex(rd(&a, 0, TPR), ==, 0x70);
	msi(&a, 0, 0, 0x7f);
	g_assert_cmpuint(ev(&a, 0), ==, 0);
	g_assert_cmpuint(a.kicks[0], ==, 0);
	lapic_set_cr8(a.cpu[0], 0x6);
	g_assert_cmpuint(ev(&a, 0), ==, LAPIC_EV_INTR);
	g_assert_cmpuint(a.kicks[0], ==, 1);
	lapic_set_cr8(a.cpu[0], 0x6);
	lapic_set_cr8(a.cpu[0], 0xf);
	g_assert_cmpuint(ev(&a, 0), ==, 0);
	apics_fini(&a);
}

static void init(void)
{
	struct apics a;

	apics_start(&a);
	wr(&a, 4, TPR, 0x10);
	wr(&a, 4, LDR, 0x01000000);
	wr(&a, 4, DFR, 0);
	wr(&a, 4, LVT_T, 0x20040);
	wr(&a, 4, DIVIDE, 0xb);
	wr(&a, 4, INITIAL, 100000);
	wr(&a, 4, 0x10, 0);
	msi(&a, 4, 0, 0x66);
	ack(&a, 4);
	msi(&a, 4, 0, 0xc066);
	msi(&a, 4, 0, 0x400);
	msi(&a, 4, 0, 0x700);
	g_assert_true(set_msr(&a, 4, MSR_APIC_BASE, 0x12345800));
	lapic_init(a.cpu[4]);
	g_assert_cmphex(lapic_base(a.cpu[4]), ==, 0x12345800);
	g_assert_cmphex(rd(&a, 4, ID), ==, 4u << 24);
	g_assert_cmphex(rd(&a, 4, SVR), ==, 0xff);
	g_assert_cmphex(rd(&a, 4, DFR), ==, 0xffffffff);
	g_assert_cmphex(rd(&a, 4, LVT_T), ==, MASKED);
	g_assert_cmphex(rd(&a, 4, TPR) | rd(&a, 4, LDR) | rd(&a, 4, INITIAL) | rd(&a, 4, COUNT) |
				rd(&a, 4, DIVIDE),
			==, 0);
	g_assert_false(in_set(&a, 4, IRR, 0x66) || in_set(&a, 4, ISR, 0x66) ||
		       in_set(&a, 4, TMR, 0x66));
	wr(&a, 4, ESR, 0);
	g_assert_cmphex(rd(&a, 4, ESR), ==, 0);
	g_assert_cmpuint(ev(&a, 4), ==, 0);
	g_assert_cmpint(vclock_next_deadline(a.clk), ==, -1);
	apics_fini(&a);
}

static void reset(void)
{
	struct apics a;

	apics_start(&a);
	lapics_extint(a.s, true);
	to_x2apic(&a, 0);
	to_x2apic(&a, 7);
	msi(&a, 7, 0, 0x400);
	msi(&a, 7, 0, 0x500);
	lapics_reset(a.s);
	g_assert_cmphex(lapic_base(a.cpu[0]), ==, 0xfee00900);
	g_assert_cmphex(lapic_base(a.cpu[7]), ==, 0xfee00800);
	g_assert_cmphex(rd(&a, 7, LDR), ==, 0);
	g_assert_cmpuint(ev(&a, 7), ==, 0);
	g_assert_cmpuint(ev(&a, 0), ==, LAPIC_EV_INTR); /* the line is still high */
	apics_fini(&a);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/lapic/power-on", power_on);
	g_test_add_func("/lapic/writable-bits", writable_bits);
	g_test_add_func("/lapic/illegal-registers", illegal_registers);
	g_test_add_func("/lapic/software-disable", software_disable);
	g_test_add_func("/lapic/errors", errors);
	g_test_add_func("/lapic/base-transitions", base_transitions);
	g_test_add_func("/lapic/base-bits", base_bits);
	g_test_add_func("/lapic/hardware-disable", hardware_disable);
	g_test_add_func("/lapic/x2apic-exists", x2apic_exists);
	g_test_add_func("/lapic/x2apic-reserved", x2apic_reserved);
	g_test_add_func("/lapic/x2apic-state", x2apic_state);
	g_test_add_func("/lapic/cr8", cr8);
	g_test_add_func("/lapic/init", init);
	g_test_add_func("/lapic/reset", reset);
	return g_test_run();
}
