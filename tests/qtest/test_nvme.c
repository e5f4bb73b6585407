// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the tests of the NVMe controller over every plug: identify, read and write, errors, and each
 * kind of interrupt.
 */
#include <string.h>

#include "tests/qtest/libirq.h"
#include "tests/qtest/libnvme.h"
#include "tests/qtest/libplug.h"

#define NVME "nvme,size=64M,serial=SN1"
#define NVME_NO_MSIX NVME ",msix=off"
#define BLOCKS (64u * 2048)

static void test_identify(struct qpci_dev *d)
{
	struct qnvme n;
	uint8_t data[4096];
	uint64_t page = qtest_alloc(d->pci->q, sizeof(data));

	qnvme_init(&n, d);
	qnvme_identify(&n, NVME_CNS_CTRL, 0, page);
	qtest_bufread(n.q, page, data, sizeof(data));
	g_assert_cmphex(data[0] | data[1] << 8, ==, d->vendor);
	g_assert_cmpmem(data + 4, 4, "SN1 ", 4);
	qnvme_identify(&n, NVME_CNS_NS, 1, page);
	g_assert_cmpuint(qtest_readq(n.q, page), ==, BLOCKS);
	qnvme_identify(&n, NVME_CNS_ACTIVE, 0, page);
	g_assert_cmpuint(qtest_readl(n.q, page), ==, 1);
	g_assert_cmpuint(qtest_readl(n.q, page + 4), ==, 0);
}

static void test_data(struct qpci_dev *d)
{
	struct qnvme n;
	uint8_t in[QNVME_MAX_DATA], out[QNVME_MAX_DATA];
	uint64_t buf = qtest_alloc(d->pci->q, sizeof(in));
	const unsigned blocks = sizeof(in) / QNVME_BLOCK;

	qnvme_init(&n, d);
	qnvme_create_io(&n, 0);
	for (unsigned i = 0; i < 2 * QNVME_ENTRIES; i++) { /* both queues wrap */
		uint64_t lba = i % 2 ? BLOCKS - (i + 1) * blocks : i * blocks;

		for (size_t b = 0; b < sizeof(in); b++)
			in[b] = (uint8_t)(b * 13 + b / 256 + i);
		qtest_bufwrite(n.q, buf, in, sizeof(in));
		g_assert_cmphex(qnvme_write(&n, lba, blocks, buf), ==, NVME_OK);
		qtest_memset(n.q, buf, 0, sizeof(in));
		g_assert_cmphex(qnvme_read(&n, lba, blocks, buf), ==, NVME_OK);
		qtest_bufread(n.q, buf, out, sizeof(out));
		g_assert_cmpmem(out, sizeof(out), in, sizeof(in));
	}
	/* One block in the middle of what was written last. */
	g_assert_cmphex(qnvme_read(&n, BLOCKS - (2 * QNVME_ENTRIES) * blocks + 3, 1, buf), ==,
			NVME_OK);
	qtest_bufread(n.q, buf, out, QNVME_BLOCK);
	g_assert_cmpmem(out, QNVME_BLOCK, in + 3 * QNVME_BLOCK, QNVME_BLOCK);
}

static void test_errors(struct qpci_dev *d)
{
	const struct qnvme_cmd unknown = {.opcode = 0x7f};
	const struct qnvme_cmd queues = {.opcode = NVME_ADM_GET_FEATURES, .dw10 = NVME_FEAT_QUEUES};
	struct qnvme_cmd c;
	struct qnvme n;
	uint32_t result;
	uint64_t buf = qtest_alloc(d->pci->q, QNVME_MAX_DATA);

	qnvme_init(&n, d);
	qnvme_create_io(&n, 0);
	g_assert_cmphex(qnvme_read(&n, BLOCKS - 1, 1, buf), ==, NVME_OK);
	g_assert_cmphex(qnvme_read(&n, BLOCKS - 1, 2, buf), ==, NVME_LBA_RANGE);
	g_assert_cmphex(qnvme_write(&n, UINT64_MAX, 1, buf), ==, NVME_LBA_RANGE);
	c = qnvme_rw(NVME_IO_READ, 0, 1, buf);
	c.nsid = 2;
	qnvme_post(&n, &n.io, &c);
	g_assert_cmphex(qnvme_reap(&n, &n.io, NULL), ==, NVME_INVALID_NS);
	g_assert_cmphex(qnvme_admin(&n, &unknown, NULL), ==, NVME_INVALID_OPCODE);
	g_assert_cmphex(qnvme_admin(&n, &queues, &result), ==, NVME_OK);
	g_assert_cmphex(result, ==, 63 << 16 | 63);
	/* Data where there is no memory: the controller says so and goes on. */
	g_assert_cmphex(qnvme_read(&n, 0, 1, 0x90000000), ==, NVME_TRANSFER_ERROR);
	g_assert_cmphex(qnvme_read(&n, 0, 1, buf), ==, NVME_OK);
}

/* The admin queue's interrupt is vector 0, that of the I/O queue the given one. */
static void check_irq(struct qpci_dev *d, enum qirq_kind kind)
{
	const unsigned vector = kind == QIRQ_MSIX ? 3 : 0;
	const struct qnvme_cmd c = {.opcode = NVME_ADM_GET_FEATURES, .dw10 = NVME_FEAT_QUEUES};
	struct qirq admin, io;
	struct qnvme n;
	struct qnvme_cmd read = qnvme_rw(NVME_IO_READ, 7, 2, qtest_alloc(d->pci->q, 8192));

	qirq_init(&admin, d, kind);
	io = admin;
	if (vector)
		qirq_init_vector(&io, &admin, vector);
	qnvme_init(&n, d);
	qnvme_create_io(&n, vector);
	qirq_done(&admin);
	g_assert_false(qirq_fired(&admin));
	for (unsigned i = 0; i < 3; i++) {
		qnvme_post(&n, &n.io, &read);
		qirq_wait(&io);
		g_assert_cmphex(qnvme_reap(&n, &n.io, NULL), ==, NVME_OK);
		qirq_done(&io);
		g_assert_false(qirq_fired(&io));
		g_assert_false(qirq_fired(&admin));
		qnvme_post(&n, &n.admin, &c);
		qirq_wait(&admin);
		g_assert_cmphex(qnvme_reap(&n, &n.admin, NULL), ==, NVME_OK);
		qirq_done(&admin);
		g_assert_false(qirq_fired(&admin));
	}
}

static void test_msix(struct qpci_dev *d)
{
	check_irq(d, QIRQ_MSIX);
}

static void test_msi(struct qpci_dev *d)
{
	g_assert_cmpuint(qpci_find_capability(d, PCI_CAP_ID_MSIX, 0), ==, 0);
	check_irq(d, QIRQ_MSI);
}

static void test_intx(struct qpci_dev *d)
{
	check_irq(d, QIRQ_INTX);
}

/* What was written outlives a reset of the controller; its queues do not. */
static void test_reset(struct qpci_dev *d)
{
	struct qnvme n;
	uint64_t buf = qtest_alloc(d->pci->q, 4096);

	qnvme_init(&n, d);
	qnvme_create_io(&n, 0);
	qtest_memset(n.q, buf, 0x77, QNVME_BLOCK);
	g_assert_cmphex(qnvme_write(&n, 99, 1, buf), ==, NVME_OK);
	qnvme_init(&n, d);
	qnvme_create_io(&n, 0);
	qtest_memset(n.q, buf, 0, QNVME_BLOCK);
	g_assert_cmphex(qnvme_read(&n, 99, 1, buf), ==, NVME_OK);
	g_assert_cmphex(qtest_readq(n.q, buf + QNVME_BLOCK - 8), ==, 0x7777777777777777);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	qplug_add("/nvme/identify", NVME, test_identify);
	qplug_add("/nvme/data", NVME, test_data);
	qplug_add("/nvme/errors", NVME, test_errors);
	qplug_add("/nvme/msix", NVME, test_msix);
	qplug_add("/nvme/msi", NVME_NO_MSIX, test_msi);
	qplug_add("/nvme/intx", NVME_NO_MSIX, test_intx);
	qplug_add("/nvme/intx-msix-off", NVME, test_intx);
	qplug_add("/nvme/reset", NVME, test_reset);
	return g_test_run();
}
