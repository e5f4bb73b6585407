// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the tests of the edu device over every plug: registers, factorials, interrupts, DMA. */
#include <string.h>

#include "tests/qtest/libedu.h"
#include "tests/qtest/libirq.h"
#include "tests/qtest/libplug.h"

static void test_registers(struct qpci_dev *d)
{
	struct qedu e;

	qedu_init(&e, d);
	qpci_io_writel(e.bar, EDU_LIVE, 0x12345678);
	g_assert_cmphex(qpci_io_readl(e.bar, EDU_LIVE), ==, ~0x12345678u);
	/* A size that the device does not have. */
	qpci_io_writeb(e.bar, EDU_LIVE, 0);
	g_assert_cmphex(qpci_io_readl(e.bar, EDU_LIVE), ==, ~0x12345678u);
	g_assert_cmphex(qpci_io_readw(e.bar, EDU_LIVE), ==, 0xffff);
	g_assert_cmpuint(qedu_factorial(&e, 10, false), ==, 3628800);
	g_assert_cmpuint(qedu_factorial(&e, 0, false), ==, 1);
	g_assert_cmphex(qpci_io_readl(e.bar, EDU_IRQ_STATUS), ==, 0);
}

static void check_irq(struct qpci_dev *d, enum qirq_kind kind)
{
	struct qedu e;
	struct qirq irq;

	qedu_init(&e, d);
	qirq_init(&irq, d, kind);
	g_assert_false(qirq_fired(&irq));
	for (uint32_t i = 1; i < 4; i++) {
		qedu_raise(&e, i);
		qirq_wait(&irq);
		g_assert_cmphex(qedu_ack(&e), ==, i);
		qirq_done(&irq);
		g_assert_false(qirq_fired(&irq));
	}
	g_assert_cmpuint(qedu_factorial(&e, 5, true), ==, 120);
	qirq_wait(&irq);
	g_assert_cmphex(qedu_ack(&e), ==, EDU_IRQ_FACTORIAL);
	qirq_done(&irq);
	g_assert_false(qirq_fired(&irq));
}

static void test_intx(struct qpci_dev *d)
{
	check_irq(d, QIRQ_INTX);
}

static void test_msi(struct qpci_dev *d)
{
	check_irq(d, QIRQ_MSI);
}

static void test_dma(struct qpci_dev *d)
{
	uint8_t in[EDU_BUF_SIZE], out[EDU_BUF_SIZE + 2];
	struct qedu e;
	struct qirq irq;
	uint64_t from, to;

	qedu_init(&e, d);
	qirq_init(&irq, d, QIRQ_MSI);
	from = qtest_alloc(e.q, sizeof(in));
	to = qtest_alloc(e.q, sizeof(out));
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 7 + i / 256);
	qtest_bufwrite(e.q, from, in, sizeof(in));
	qtest_memset(e.q, to, 0xee, sizeof(out));
	qedu_dma_to_device(&e, from, 0, sizeof(in), false);
	g_assert_false(qirq_fired(&irq));
	qedu_dma_from_device(&e, to + 1, 0, sizeof(in), true);
	qirq_wait(&irq);
	g_assert_cmphex(qedu_ack(&e), ==, EDU_IRQ_DMA);
	qtest_bufread(e.q, to, out, sizeof(out));
	g_assert_cmpmem(out + 1, sizeof(in), in, sizeof(in));
	g_assert_cmphex(out[0], ==, 0xee);
	g_assert_cmphex(out[sizeof(out) - 1], ==, 0xee);
	/* A part of the buffer, and a place of no memory: nothing is written, nothing breaks. */
	qedu_dma_from_device(&e, to, 100, 8, false);
	qtest_bufread(e.q, to, out, 8);
	g_assert_cmpmem(out, 8, in + 100, 8);
	qedu_dma_to_device(&e, 0x0fff0000, 0, 16, false);
	qedu_dma_to_device(&e, from, 4090, 16, false);
}

/* Without bus mastering there is neither DMA nor a message. */
static void test_no_master(struct qpci_dev *d)
{
	struct qedu e;
	struct qirq irq;
	uint64_t ram;

	qedu_init(&e, d);
	qirq_init(&irq, d, QIRQ_MSI);
	ram = qtest_alloc(e.q, 16);
	qtest_memset(e.q, ram, 0x55, 16);
	qpci_config_writew(d, PCI_COMMAND, PCI_COMMAND_MEMORY);
	qedu_dma_from_device(&e, ram, 0, 16, true);
	g_assert_cmphex(qtest_readq(e.q, ram), ==, 0x5555555555555555);
	g_assert_false(qirq_fired(&irq));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	qplug_add("/edu/registers", "edu", test_registers);
	qplug_add("/edu/intx", "edu", test_intx);
	qplug_add("/edu/msi", "edu", test_msi);
	qplug_add("/edu/dma", "edu", test_dma);
	qplug_add("/edu/no-master", "edu", test_no_master);
	return g_test_run();
}
