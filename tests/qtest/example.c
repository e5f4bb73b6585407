// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the example of docs/testing.md, which has this file word for word: how a driver author tests
 * a device that is passed through.
 */
#include "tests/qtest/libirq.h"
#include "tests/qtest/libplug.h"

/* The device under test: edu, whose registers, DMA engine and interrupts a page describes. */
enum { ID = 0x00, FACTORIAL = 0x08, STATUS = 0x20, IRQ_STATUS = 0x24, IRQ_ACK = 0x64 };
enum { DMA_FROM = 0x80, DMA_TO = 0x88, DMA_COUNT = 0x90, DMA_CMD = 0x98 };
enum {
	STATUS_BUSY = 0x01,
	STATUS_IRQ = 0x80,
	DMA_START = 0x01,
	DMA_TO_RAM = 0x02,
	BUFFER = 0x40000
};

/* Registers: 10! is computed by the device while the driver polls. */
static void test_registers(struct qpci_dev *d)
{
	struct qpci_bar *bar = qpci_iomap(d, 0);

	g_assert_cmphex(qpci_io_readl(bar, ID) & 0xff, ==, 0xed);
	qpci_io_writel(bar, FACTORIAL, 10);
	QTEST_WAIT(d->pci->q, !(qpci_io_readl(bar, STATUS) & STATUS_BUSY));
	g_assert_cmpuint(qpci_io_readl(bar, FACTORIAL), ==, 3628800);
}

/* An interrupt instead of polling: wait, acknowledge, end it; then the line must be quiet. */
static void check_interrupt(struct qpci_dev *d, enum qirq_kind kind)
{
	struct qpci_bar *bar = qpci_iomap(d, 0);
	struct qirq irq;

	qirq_init(&irq, d, kind);
	qpci_io_writel(bar, STATUS, STATUS_IRQ);
	for (unsigned i = 0; i < 3; i++) {
		g_assert_false(qirq_fired(&irq));
		qpci_io_writel(bar, FACTORIAL, 5);
		qirq_wait(&irq);
		qpci_io_writel(bar, IRQ_ACK, qpci_io_readl(bar, IRQ_STATUS));
		qirq_done(&irq);
		g_assert_cmpuint(qpci_io_readl(bar, FACTORIAL), ==, 120);
	}
	g_assert_false(qirq_fired(&irq));
}

static void test_msi(struct qpci_dev *d)
{
	check_interrupt(d, QIRQ_MSI);
}

static void test_intx(struct qpci_dev *d)
{
	check_interrupt(d, QIRQ_INTX);
}

/* DMA: guest memory to the device's buffer, and back to another place. */
static void test_dma(struct qpci_dev *d)
{
	struct qpci_bar *bar = qpci_iomap(d, 0);
	struct qtest *q = d->pci->q;
	uint64_t from = qtest_alloc(q, 64), to = qtest_alloc(q, 64);
	const struct {
		uint64_t from, to;
		uint32_t cmd;
	} moves[] = {{from, BUFFER, DMA_START}, {BUFFER, to, DMA_START | DMA_TO_RAM}};
	char text[] = "guest memory, there and back", got[sizeof(text)];

	qtest_memwrite(q, from, text, sizeof(text));
	for (unsigned i = 0; i < 2; i++) {
		qpci_io_writel(bar, DMA_FROM, (uint32_t)moves[i].from);
		qpci_io_writel(bar, DMA_TO, (uint32_t)moves[i].to);
		qpci_io_writel(bar, DMA_COUNT, sizeof(text));
		qpci_io_writel(bar, DMA_CMD, moves[i].cmd);
		QTEST_WAIT(q, !(qpci_io_readl(bar, DMA_CMD) & DMA_START));
	}
	qtest_memread(q, to, got, sizeof(got));
	g_assert_cmpstr(got, ==, text);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	qplug_add("/example/registers", "edu", test_registers);
	qplug_add("/example/msi", "edu", test_msi);
	qplug_add("/example/intx", "edu", test_intx);
	qplug_add("/example/dma", "edu", test_dma);
	return g_test_run();
}
