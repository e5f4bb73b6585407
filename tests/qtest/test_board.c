// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the tests of the board as a whole: PM timer, SCI, power off, every way to reset. */
#include "hw/dev/zoo.h"
#include "tests/qtest/libirq.h"
#include "tests/qtest/libplug.h"

#define PMBASE 0x600
#define PM_STS (PMBASE + 0)
#define PM_EN (PMBASE + 2)
#define PM_CNT (PMBASE + 4)
#define PM_TMR (PMBASE + 8)
#define TMROF 1
#define SCI 9
#define PMTMR_HZ 3579545ll
#define SECOND 1000000000ll

/* The block is where this puts it, firmware or not. */
static struct qpci *pm_on(struct qtest *q)
{
	struct qpci *pci = qpci_init(q);
	struct qpci_dev *lpc = qpci_at(pci, 0, QPCI_DEVFN(31, 0));

	qpci_config_writel(lpc, 0x40, PMBASE | 1);
	qpci_config_writeb(lpc, 0x44, 0x80);
	return pci;
}

static uint32_t ticks_of(int64_t ns)
{
	return (uint32_t)((__int128)ns * PMTMR_HZ / SECOND) & 0xffffff;
}

/* --- PM timer --- */

static void test_timer(void)
{
	static const int64_t steps[] = {1, 279, 1000, 999999, SECOND, 5 * SECOND, 86400 * SECOND};
	struct qtest *q = qtest_init("");
	struct qpci *pci = pm_on(q);

	g_assert_cmphex(qtest_inl(q, PM_TMR), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
		uint32_t want = ticks_of(qtest_clock_step(q, steps[i]));

		g_assert_cmphex(qtest_inl(q, PM_TMR), ==, want);
		g_assert_cmphex(qtest_inw(q, PM_TMR), ==, want & 0xffff);
		g_assert_cmphex(qtest_inb(q, PM_TMR + 2), ==, want >> 16);
	}
	qpci_free(pci);
	qtest_quit(q);
}

/* Bit 23 changes every 2^23 ticks, 2.34 s: that is what the status bit tells. */
static void test_overflow(void)
{
	const int64_t half = (int64_t)((__int128)(1 << 23) * SECOND / PMTMR_HZ) + 1;
	struct qtest *q = qtest_init("");
	struct qpci *pci = pm_on(q);

	qtest_irq_intercept_in(q, "ioapic");
	qtest_outw(q, PM_STS, TMROF);
	qtest_clock_set(q, half - 1000);
	g_assert_false(qtest_inw(q, PM_STS) & TMROF);
	qtest_clock_set(q, half);
	g_assert_true(qtest_inw(q, PM_STS) & TMROF);
	g_assert_false(qtest_get_irq(q, SCI)); /* not enabled */
	qtest_outw(q, PM_EN, TMROF);
	g_assert_true(qtest_get_irq(q, SCI));
	qtest_outw(q, PM_STS, TMROF); /* one clears */
	g_assert_false(qtest_inw(q, PM_STS) & TMROF);
	g_assert_false(qtest_get_irq(q, SCI));
	/* Enabled, it comes by itself, at the right time. */
	qtest_clock_set(q, 2 * half - 1000);
	g_assert_false(qtest_get_irq(q, SCI));
	qtest_clock_set(q, 2 * half);
	g_assert_true(qtest_get_irq(q, SCI));
	qpci_free(pci);
	qtest_quit(q);
}

/* --- the end --- */

/* S5 with SLP_EN: the reply comes, then the process ends. */
static void test_power_off(void)
{
	struct qtest *q = qtest_init("-device edu");
	struct qpci *pci = pm_on(q);

	qpci_free(pci);
	qtest_outw(q, PM_CNT, 7 << 10); /* the type alone does nothing */
	g_assert_cmphex(qtest_inw(q, PM_CNT) & 0x1c00, ==, 7 << 10);
	g_free(qtest_request(q, "outw 0x%x 0x%x", PM_CNT, 1 << 13 | 7 << 10));
	qtest_wait_exit(q, 0);
}

static void test_no_reboot(void)
{
	struct qtest *q = qtest_init("-no-reboot");

	g_free(qtest_request(q, "outb 0xcf9 6"));
	qtest_wait_exit(q, 0);
}

/* --- resets --- */

static void by_cf9(struct qtest *q)
{
	qtest_outb(q, 0xcf9, 0x02);
	qtest_outb(q, 0xcf9, 0x06);
}

static void by_port92(struct qtest *q)
{
	qtest_outb(q, 0x92, 0x01);
}

static void by_keyboard(struct qtest *q)
{
	qtest_outb(q, 0x64, 0xfe);
}

/* Chips that a register or two tell of. */
static void use_chips(struct qtest *q)
{
	qtest_outb(q, 0x3f9, 0x0f); /* serial port: all interrupts */
	qtest_outb(q, 0x3fb, 0x1b);
	qtest_outb(q, 0x64, 0x20); /* keyboard controller: a byte to be fetched */
	g_assert_true(qtest_inb(q, 0x64) & 1);
	qtest_outb(q, 0x70, 0x0b); /* clock: alarm interrupt */
	qtest_outb(q, 0x71, 0x22);
	qtest_outb(q, 0x70, 0x50);
	qtest_outb(q, 0x71, 0x5a);
	qioapic_write(q, 5, 0x45);
	qlapic_enable(q);
}

static void check_chips(struct qtest *q)
{
	g_assert_cmphex(qtest_inb(q, 0x3f9), ==, 0);
	g_assert_cmphex(qtest_inb(q, 0x3fb), ==, 0);
	g_assert_false(qtest_inb(q, 0x64) & 1);
	qtest_outb(q, 0x70, 0x0b);
	g_assert_cmphex(qtest_inb(q, 0x71) & 0x70, ==, 0);
	qtest_outb(q, 0x70, 0x50);
	g_assert_cmphex(qtest_inb(q, 0x71), ==, 0x5a); /* it has a battery */
	g_assert_cmphex(qioapic_read(q, 5) & QIOAPIC_MASKED, ==, QIOAPIC_MASKED);
	g_assert_cmphex(qtest_readl(q, 0xfee000f0), ==, 0xff);
	g_assert_cmphex(qtest_inb(q, 0x92) & 1, ==, 0);
	g_assert_cmphex(qtest_inb(q, 0xcf9), ==, 0);
}

/* Devices and chips are as at the start, RAM and the clock are not touched. */
static void check_reset(struct qtest *q, void (*reset)(struct qtest *q), const struct qplug *p)
{
	struct qpci *pci = pm_on(q);
	struct qpci_dev *d = qplug_find(p, 0, pci);
	struct qpci_bar *regs = qpci_iomap(d, 0);
	int64_t now = qtest_clock_step(q, 12345);

	qtest_irq_intercept_in(q, "ioapic");
	qtest_writeq(q, 0x200000, 0xfeedfacecafebeef);
	qpci_io_writel(regs, ZOO_SCRATCH, 0x77);
	qpci_io_writel(regs, ZOO_INTX, 1);
	g_assert_true(qtest_get_irq(q, qpci_intx_pin(d)));
	use_chips(q);
	reset(q);
	qtest_readq(q, 0x200000); /* reports that came late */
	for (int pin = 16; pin < 24; pin++)
		g_assert_false(qtest_get_irq(q, pin));
	g_assert_cmphex(qtest_readq(q, 0x200000), ==, 0xfeedfacecafebeef);
	g_assert_cmpint(qtest_clock_step(q, 0), ==, now);
	check_chips(q);
	qpci_free(pci);
	pci = pm_on(q);
	d = qplug_find(p, 0, pci);
	regs = qpci_iomap(d, 0);
	g_assert_cmphex(qpci_io_readl(regs, ZOO_SCRATCH), ==, 0);
	g_assert_cmphex(qpci_io_readl(regs, ZOO_INTX), ==, 0);
	qpci_free(pci);
}

static void test_resets(gconstpointer opaque)
{
	static void (*const ways[])(struct qtest * q) = {by_cf9, by_port92, by_keyboard};
	const struct qplug *p = opaque;
	g_autofree char *args = qplug_args(p, 0, "pci-zoo");
	struct qtest *q;

	if (!qplug_usable(p)) {
		g_test_skip("the VMM has no emulated host");
		return;
	}
	q = qtest_initf("-serial null %s", args);
	for (unsigned i = 0; i < 2 * G_N_ELEMENTS(ways); i++)
		check_reset(q, ways[i % G_N_ELEMENTS(ways)], p);
	qtest_quit(q);
}

/* A request that is behind the reset in the same segment meets the machine after it. */
static void test_reset_order(void)
{
	struct qtest *q = qtest_init("-device pci-zoo,addr=4");
	struct qpci *pci = pm_on(q);
	struct qpci_dev *d = qpci_at(pci, 0, QPCI_DEVFN(4, 0));

	for (unsigned i = 0; i < 50; i++) {
		qpci_device_enable(d);
		qtest_batch_begin(q);
		qtest_outb(q, 0xcf9, 0x06);
		g_assert_cmphex(qpci_config_readw(d, PCI_COMMAND), ==, 0);
		qtest_batch_end(q);
	}
	qpci_free(pci);
	qtest_quit(q);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pm/timer", test_timer);
	g_test_add_func("/pm/overflow", test_overflow);
	g_test_add_func("/pm/power-off", test_power_off);
	g_test_add_func("/reset/no-reboot", test_no_reboot);
	qplug_add_raw("/reset/state", test_resets);
	g_test_add_func("/reset/order", test_reset_order);
	return g_test_run();
}
