/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's driver for NVM Express controllers, by qtest: admin queue, one I/O queue pair, commands
 * with up to two pages of data.  Source: NVM Express 1.4.
 *
 * Invariants: a queue has one command in flight; qnvme_post() starts it, qnvme_reap() waits for its
 * completion and takes it from the queue, which ends its interrupt.
 */
#ifndef TESTS_QTEST_LIBNVME_H
#define TESTS_QTEST_LIBNVME_H

#include "hw/dev/nvme_spec.h"
#include "tests/qtest/libpci.h"

#define QNVME_BLOCK 512u
#define QNVME_MAX_DATA 8192u
#define QNVME_ENTRIES 8u

struct qnvme_queue {
	unsigned id, tail, head;
	bool phase;
	uint64_t sq, cq; /* in guest memory */
	uint16_t cid;
};

struct qnvme {
	struct qtest *q;
	struct qpci_bar *bar;
	unsigned stride; /* of doorbells, in bytes */
	struct qnvme_queue admin, io;
};

struct qnvme_cmd {
	uint8_t opcode;
	uint32_t nsid, dw10, dw11, dw12;
	uint64_t data; /* page-aligned guest memory, QNVME_MAX_DATA at most */
};

/* Reset the controller, give it its admin queues, enable it. */
void qnvme_init(struct qnvme *n, struct qpci_dev *d);
/* Make the I/O queue pair; its completions interrupt by this vector. */
void qnvme_create_io(struct qnvme *n, unsigned vector);

void qnvme_post(struct qnvme *n, struct qnvme_queue *s, const struct qnvme_cmd *c);
bool qnvme_completed(struct qnvme *n, struct qnvme_queue *s);
/* The status: NVME_OK, or what NVME_STATUS has of it; result: dword 0, may be NULL. */
unsigned qnvme_reap(struct qnvme *n, struct qnvme_queue *s, uint32_t *result);

/* Both at once. */
unsigned qnvme_admin(struct qnvme *n, const struct qnvme_cmd *c, uint32_t *result);
void qnvme_identify(struct qnvme *n, unsigned cns, uint32_t nsid, uint64_t page);
struct qnvme_cmd qnvme_rw(uint8_t opcode, uint64_t lba, unsigned blocks, uint64_t data);
unsigned qnvme_read(struct qnvme *n, uint64_t lba, unsigned blocks, uint64_t data);
unsigned qnvme_write(struct qnvme *n, uint64_t lba, unsigned blocks, uint64_t data);

#endif
