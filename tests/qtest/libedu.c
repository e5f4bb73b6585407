// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the driver of the edu device.  Called by tests. */
#include "tests/qtest/libedu.h"

void qedu_init(struct qedu *e, struct qpci_dev *d)
{
	e->q = d->pci->q;
	e->bar = qpci_iomap(d, 0);
	g_assert_cmphex(qpci_io_readl(e->bar, EDU_ID), ==, EDU_ID_VALUE);
}

uint32_t qedu_factorial(struct qedu *e, uint32_t n, bool irq)
{
	qpci_io_writel(e->bar, EDU_STATUS, irq ? EDU_STATUS_IRQ : 0);
	qpci_io_writel(e->bar, EDU_FACTORIAL, n);
	QTEST_WAIT(e->q, !(qpci_io_readl(e->bar, EDU_STATUS) & EDU_STATUS_COMPUTING));
	return qpci_io_readl(e->bar, EDU_FACTORIAL);
}

void qedu_raise(struct qedu *e, uint32_t bits)
{
	qpci_io_writel(e->bar, EDU_IRQ_RAISE, bits);
}

uint32_t qedu_ack(struct qedu *e)
{
	uint32_t bits = qpci_io_readl(e->bar, EDU_IRQ_STATUS);

	qpci_io_writel(e->bar, EDU_IRQ_ACK, bits);
	return bits;
}

static void dma(struct qedu *e, uint64_t from, uint64_t to, uint32_t len, uint32_t cmd)
{
	qtest_batch_begin(e->q);
	qpci_io_writeq(e->bar, EDU_DMA_SRC, from);
	qpci_io_writeq(e->bar, EDU_DMA_DST, to);
	qpci_io_writeq(e->bar, EDU_DMA_COUNT, len);
	qpci_io_writel(e->bar, EDU_DMA_CMD, cmd | EDU_CMD_START);
	qtest_batch_end(e->q);
	QTEST_WAIT(e->q, !(qpci_io_readl(e->bar, EDU_DMA_CMD) & EDU_CMD_START));
}

void qedu_dma_to_device(struct qedu *e, uint64_t ram, uint32_t off, uint32_t len, bool irq)
{
	dma(e, ram, EDU_BUF + off, len, irq ? EDU_CMD_IRQ : 0);
}

void qedu_dma_from_device(struct qedu *e, uint64_t ram, uint32_t off, uint32_t len, bool irq)
{
	dma(e, EDU_BUF + off, ram, len, EDU_CMD_TO_RAM | (irq ? EDU_CMD_IRQ : 0));
}
