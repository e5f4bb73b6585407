// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the tests of BARs over every plug: sizing, placing, moving, overlapping, decoding on and
 * off; memory of 32 and 64 bits, ports.
 */
#include "hw/dev/edu.h"
#include "hw/dev/zoo.h"
#include "tests/qtest/libplug.h"

#define ZOO_SIZE 0x200000u

static void check_bar(struct qpci_dev *d, unsigned nr, uint64_t size, bool io, bool wide,
		      bool prefetch)
{
	struct qpci_bar bar = qpci_bar_probe(d, nr);

	g_assert_cmphex(bar.size, ==, size);
	g_assert_cmpint(bar.io, ==, io);
	g_assert_cmpint(bar.wide, ==, wide);
	g_assert_cmpint(bar.prefetch, ==, prefetch);
}

static void test_sizes(struct qpci_dev *d)
{
	check_bar(d, 0, 0x1000, false, false, false);
	check_bar(d, 1, 0x20, true, false, false);
	check_bar(d, 2, ZOO_SIZE, false, true, true);
	check_bar(d, 4, 0x4000, false, true, false);
	g_assert_cmphex(qpci_config_readl(d, PCI_ROM_ADDRESS) & PCI_ROM_ADDRESS_ENABLE, ==, 0);
	qpci_config_writel(d, PCI_ROM_ADDRESS, PCI_ROM_ADDRESS_MASK);
	g_assert_cmphex(qpci_config_readl(d, PCI_ROM_ADDRESS), ==, (uint32_t)-ZOO_ROM_SIZE);
}

static void test_edu_size(struct qpci_dev *d)
{
	check_bar(d, 0, EDU_BAR_SIZE, false, false, false);
	for (unsigned i = 1; i < QPCI_BARS; i++)
		check_bar(d, i, 0, false, false, false);
}

static void test_nvme_size(struct qpci_dev *d)
{
	check_bar(d, 0, 0x4000, false, true, false);
}

static void check_moves(struct qpci_bar *bar, enum qpci_space space)
{
	uint64_t old = bar->addr;

	for (unsigned i = 0; i < 3; i++) {
		struct qpci_bar was = *bar;

		g_assert_cmphex(qpci_io_readl(bar, ZOO_ID), ==, ZOO_ID_VALUE);
		qpci_io_writel(bar, ZOO_SCRATCH, 0x100 + i);
		qpci_bar_set(bar, qpci_alloc(bar->dev, space, bar->size));
		g_assert_cmphex(qpci_io_readl(&was, ZOO_ID), !=, ZOO_ID_VALUE);
		g_assert_cmphex(qpci_io_readl(bar, ZOO_SCRATCH), ==, 0x100 + i);
	}
	qpci_bar_set(bar, old);
	g_assert_cmphex(qpci_io_readl(bar, ZOO_ID), ==, ZOO_ID_VALUE);
}

static void test_moves(struct qpci_dev *d)
{
	check_moves(qpci_iomap(d, 0), QPCI_MEM);
	check_moves(qpci_iomap(d, 1), QPCI_IO);
}

/* Memory of 64 bits: above and below 4 GiB, its ends. */
static void test_wide(struct qpci_dev *d)
{
	struct qpci_bar *bar = qpci_iomap(d, 2);
	struct qtest *q = d->pci->q;
	uint64_t high = bar->addr, low;

	g_assert_cmphex(high, >, UINT32_MAX);
	qpci_io_writeq(bar, 0, 0x1122334455667788);
	qpci_io_writeq(bar, ZOO_SIZE - 8, 0x99aabbccddeeff00);
	low = qpci_alloc(d, QPCI_MEM, ZOO_SIZE);
	if (!d->bridge) { /* a bridge forwards prefetchable memory by another window */
		qpci_bar_set(bar, low);
		g_assert_cmphex(qpci_io_readq(bar, 0), ==, 0x1122334455667788);
		g_assert_cmphex(qtest_readq(q, high), ==, 0);
		qpci_bar_set(bar, high);
		g_assert_cmphex(qtest_readq(q, low), ==, 0);
	}
	g_assert_cmphex(qpci_io_readq(bar, 0), ==, 0x1122334455667788);
	g_assert_cmphex(qpci_io_readq(bar, ZOO_SIZE - 8), ==, 0x99aabbccddeeff00);
	g_assert_cmphex(qtest_readq(q, high + ZOO_SIZE), ==, 0);
	g_assert_cmphex(qtest_readq(q, high - 8), ==, 0);
	/* A transfer over its end. */
	g_assert_cmphex(qtest_readq(q, high + ZOO_SIZE - 4), ==, 0x99aabbcc);
}

/* Decoding is COMMAND's; the address stays. */
static void test_decoding(struct qpci_dev *d)
{
	struct qpci_bar *mem = qpci_iomap(d, 0), *io = qpci_iomap(d, 1), *ram = qpci_iomap(d, 2);

	qpci_io_writel(ram, 0, 0x12345678);
	qpci_config_writew(d, PCI_COMMAND, PCI_COMMAND_IO);
	g_assert_cmphex(qpci_io_readl(mem, ZOO_ID), ==, 0);
	g_assert_cmphex(qpci_io_readl(ram, 0), ==, 0);
	g_assert_cmphex(qpci_io_readl(io, ZOO_ID), ==, ZOO_ID_VALUE);
	qpci_config_writew(d, PCI_COMMAND, PCI_COMMAND_MEMORY);
	g_assert_cmphex(qpci_io_readl(mem, ZOO_ID), ==, ZOO_ID_VALUE);
	g_assert_cmphex(qpci_io_readl(ram, 0), ==, 0x12345678);
	g_assert_cmphex(qpci_io_readl(io, ZOO_ID), ==, 0xffffffff);
	qpci_device_disable(d);
	qpci_io_writel(mem, ZOO_SCRATCH, 1);
	qpci_io_writel(io, ZOO_SCRATCH, 2);
	qpci_io_writel(ram, 0, 3);
	qpci_device_enable(d);
	g_assert_cmphex(qpci_io_readl(mem, ZOO_SCRATCH), ==, 0);
	g_assert_cmphex(qpci_io_readl(ram, 0), ==, 0x12345678);
}

/* All ones and 0 are what sizing and firmware leave; nothing must come of it, RAM stays RAM. */
static void test_odd_places(struct qpci_dev *d)
{
	struct qpci_bar *mem = qpci_iomap(d, 0), *wide = qpci_iomap(d, 2);
	uint64_t old = mem->addr, old_wide = wide->addr, word = qtest_alloc(d->pci->q, 8);

	qtest_writeq(d->pci->q, word, 77);
	qpci_bar_set(mem, UINT32_MAX);
	qpci_bar_set(wide, UINT64_MAX);
	g_assert_cmphex(qpci_config_readl(d, PCI_BASE_ADDRESS_0), ==, 0xfffff000);
	qpci_bar_set(mem, 0);
	qpci_bar_set(wide, 0);
	qpci_bar_set(mem, word);
	qpci_bar_set(mem, 0xfee00000);
	qpci_bar_set(mem, old);
	qpci_bar_set(wide, old_wide);
	g_assert_cmphex(qtest_readq(d->pci->q, word), ==, 77);
	g_assert_cmphex(qpci_io_readl(mem, ZOO_ID), ==, ZOO_ID_VALUE);
	qpci_io_writel(wide, 8, 0x42);
	g_assert_cmphex(qpci_io_readl(wide, 8), ==, 0x42);
}

/* One BAR over another: one of them answers, and both do when it is gone. */
static void test_overlap(struct qpci_dev *d)
{
	struct qpci_bar *regs = qpci_iomap(d, 0), *msix = qpci_iomap(d, 4);
	uint64_t old = regs->addr;

	qpci_io_writel(msix, 0, 0xfee00000);
	qpci_io_writel(msix, 0x1000, 0);
	qpci_bar_set(regs, msix->addr);
	g_assert_true(qpci_io_readl(regs, ZOO_ID) == ZOO_ID_VALUE ||
		      qpci_io_readl(msix, 0) == 0xfee00000);
	qpci_bar_set(regs, old);
	g_assert_cmphex(qpci_io_readl(regs, ZOO_ID), ==, ZOO_ID_VALUE);
	g_assert_cmphex(qpci_io_readl(msix, 0), ==, 0xfee00000);
}

static void test_rom(struct qpci_dev *d)
{
	struct qtest *q = d->pci->q;
	uint32_t at = (uint32_t)qpci_alloc(d, QPCI_MEM, ZOO_ROM_SIZE);

	qpci_config_writel(d, PCI_ROM_ADDRESS, at);
	g_assert_cmphex(qtest_readw(q, at), ==, 0);
	qpci_config_writel(d, PCI_ROM_ADDRESS, at | PCI_ROM_ADDRESS_ENABLE);
	g_assert_cmphex(qtest_readw(q, at), ==, 0xaa55);
	g_assert_cmphex(qtest_readl(q, at + 0x40), ==, 0x52494350); /* PCIR */
	qtest_writel(q, at, 0);
	g_assert_cmphex(qtest_readw(q, at), ==, 0xaa55);
	qpci_config_writew(d, PCI_COMMAND, 0);
	g_assert_cmphex(qtest_readw(q, at), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	qplug_add("/bars/sizes", "pci-zoo,size=2M", test_sizes);
	qplug_add("/bars/edu", "edu", test_edu_size);
	qplug_add("/bars/nvme", "nvme,size=1M,serial=s", test_nvme_size);
	qplug_add("/bars/moves", "pci-zoo", test_moves);
	qplug_add("/bars/wide", "pci-zoo,size=2M", test_wide);
	qplug_add("/bars/decoding", "pci-zoo", test_decoding);
	qplug_add("/bars/odd-places", "pci-zoo", test_odd_places);
	qplug_add("/bars/overlap", "pci-zoo", test_overlap);
	qplug_add("/bars/rom", "pci-zoo", test_rom);
	return g_test_run();
}
