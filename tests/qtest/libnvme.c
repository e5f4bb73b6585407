// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the driver of NVMe controllers.  Called by tests. */
#include "tests/qtest/libnvme.h"

#include <string.h>

#define CC_VALUE (6u << 16 | 4u << 20 | NVME_CC_EN) /* entries of 64 and 16 bytes, 4 KiB pages */

static void queue_init(struct qnvme *n, struct qnvme_queue *s, unsigned id)
{
	*s = (struct qnvme_queue){.id = id, .phase = true};
	s->sq = qtest_alloc(n->q, QNVME_ENTRIES * NVME_SQE);
	s->cq = qtest_alloc(n->q, QNVME_ENTRIES * NVME_CQE);
	qtest_memset(n->q, s->cq, 0, QNVME_ENTRIES * NVME_CQE);
}

/* --- commands --- */

static void doorbell(struct qnvme *n, const struct qnvme_queue *s, bool cq, unsigned val)
{
	qpci_io_writel(n->bar, NVME_DOORBELLS + (2 * s->id + cq) * n->stride, val);
}

void qnvme_post(struct qnvme *n, struct qnvme_queue *s, const struct qnvme_cmd *c)
{
	uint32_t dw[16] = {c->opcode | (uint32_t)++s->cid << 16, c->nsid};
	uint64_t second = c->data ? c->data + 4096 : 0;

	memcpy(dw + 6, &c->data, 8);
	memcpy(dw + 8, &second, 8);
	dw[10] = c->dw10;
	dw[11] = c->dw11;
	dw[12] = c->dw12;
	qtest_batch_begin(n->q);
	qtest_memwrite(n->q, s->sq + s->tail * NVME_SQE, dw, sizeof(dw));
	s->tail = (s->tail + 1) % QNVME_ENTRIES;
	doorbell(n, s, false, s->tail);
	qtest_batch_end(n->q);
}

static uint32_t completion(struct qnvme *n, struct qnvme_queue *s, unsigned dw)
{
	return qtest_readl(n->q, s->cq + s->head * NVME_CQE + 4 * dw);
}

bool qnvme_completed(struct qnvme *n, struct qnvme_queue *s)
{
	return (completion(n, s, 3) >> 16 & 1) == s->phase;
}

unsigned qnvme_reap(struct qnvme *n, struct qnvme_queue *s, uint32_t *result)
{
	uint32_t dw;

	QTEST_WAIT(n->q, qnvme_completed(n, s));
	dw = completion(n, s, 3);
	g_assert_cmpuint(dw & 0xffff, ==, s->cid);
	if (result)
		*result = completion(n, s, 0);
	s->head = (s->head + 1) % QNVME_ENTRIES;
	s->phase ^= s->head == 0;
	doorbell(n, s, true, s->head);
	return dw >> 17 & NVME_STATUS;
}

unsigned qnvme_admin(struct qnvme *n, const struct qnvme_cmd *c, uint32_t *result)
{
	qnvme_post(n, &n->admin, c);
	return qnvme_reap(n, &n->admin, result);
}

void qnvme_identify(struct qnvme *n, unsigned cns, uint32_t nsid, uint64_t page)
{
	const struct qnvme_cmd c = {
		.opcode = NVME_ADM_IDENTIFY, .nsid = nsid, .dw10 = cns, .data = page};

	g_assert_cmphex(qnvme_admin(n, &c, NULL), ==, NVME_OK);
}

struct qnvme_cmd qnvme_rw(uint8_t opcode, uint64_t lba, unsigned blocks, uint64_t data)
{
	return (struct qnvme_cmd){.opcode = opcode,
				  .nsid = 1,
				  .dw10 = (uint32_t)lba,
				  .dw11 = (uint32_t)(lba >> 32),
				  .dw12 = blocks - 1,
				  .data = data};
}

static unsigned rw(struct qnvme *n, uint8_t opcode, uint64_t lba, unsigned blocks, uint64_t data)
{
	const struct qnvme_cmd c = qnvme_rw(opcode, lba, blocks, data);

	qnvme_post(n, &n->io, &c);
	return qnvme_reap(n, &n->io, NULL);
}

unsigned qnvme_read(struct qnvme *n, uint64_t lba, unsigned blocks, uint64_t data)
{
	return rw(n, NVME_IO_READ, lba, blocks, data);
}

unsigned qnvme_write(struct qnvme *n, uint64_t lba, unsigned blocks, uint64_t data)
{
	return rw(n, NVME_IO_WRITE, lba, blocks, data);
}

/* --- set-up (7.6.1) --- */

static bool is_ready(struct qnvme *n)
{
	return qpci_io_readl(n->bar, NVME_CSTS) & NVME_CSTS_RDY;
}

void qnvme_init(struct qnvme *n, struct qpci_dev *d)
{
	n->q = d->pci->q;
	n->bar = qpci_iomap(d, 0);
	n->stride = 4u << (qpci_io_readl(n->bar, NVME_CAP + 4) & 15);
	qpci_io_writel(n->bar, NVME_CC, 0);
	QTEST_WAIT(n->q, !is_ready(n));
	queue_init(n, &n->admin, 0);
	qpci_io_writel(n->bar, NVME_AQA, (QNVME_ENTRIES - 1) << 16 | (QNVME_ENTRIES - 1));
	qpci_io_writeq(n->bar, NVME_ASQ, n->admin.sq);
	qpci_io_writeq(n->bar, NVME_ACQ, n->admin.cq);
	qpci_io_writel(n->bar, NVME_CC, CC_VALUE);
	QTEST_WAIT(n->q, is_ready(n));
}

void qnvme_create_io(struct qnvme *n, unsigned vector)
{
	struct qnvme_cmd cq = {.opcode = NVME_ADM_CREATE_CQ,
			       .dw10 = (QNVME_ENTRIES - 1) << 16 | 1,
			       .dw11 = vector << 16 | 3}; /* interrupts, contiguous */
	struct qnvme_cmd sq = {.opcode = NVME_ADM_CREATE_SQ,
			       .dw10 = (QNVME_ENTRIES - 1) << 16 | 1,
			       .dw11 = 1 << 16 | 1};

	queue_init(n, &n->io, 1);
	cq.data = n->io.cq;
	sq.data = n->io.sq;
	g_assert_cmphex(qnvme_admin(n, &cq, NULL), ==, NVME_OK);
	g_assert_cmphex(qnvme_admin(n, &sq, NULL), ==, NVME_OK);
}
