// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the tests of messages over every plug: vectors of MSI and MSI-X, their masks and pending
 * bits, where a message may go.
 */
#include "hw/dev/zoo.h"
#include "tests/qtest/libirq.h"
#include "tests/qtest/libplug.h"

#define BASE 0x5a00u
#define VECTOR 0x60 /* of the CPU */

struct fixture {
	struct qtest *q;
	struct qpci_bar *regs;
	struct qmsix msix;
	uint64_t word; /* where messages go */
};

static void fixture_init(struct fixture *f, struct qpci_dev *d)
{
	f->q = d->pci->q;
	f->regs = qpci_iomap(d, 0);
	f->word = qtest_alloc(f->q, 4 * ZOO_MSIX_VECTORS);
	g_assert_cmphex(qpci_io_readl(f->regs, ZOO_ID), ==, ZOO_ID_VALUE);
}

static void fixture_msix(struct fixture *f, struct qpci_dev *d)
{
	fixture_init(f, d);
	qmsix_enable(&f->msix, d);
	g_assert_cmpuint(f->msix.vectors, ==, ZOO_MSIX_VECTORS);
	for (unsigned i = 0; i < f->msix.vectors; i++)
		qmsix_set(&f->msix, i, f->word + 4 * i, BASE + i, false);
	/* A host that cannot add a vector arms all anew, and each may then come once more. */
	qtest_memset(f->q, f->word, 0, 4 * ZOO_MSIX_VECTORS);
}

/* What came to a word, which is cleared. */
static uint32_t take(struct fixture *f, unsigned nr)
{
	uint32_t v = qtest_readl(f->q, f->word + 4 * nr);

	qtest_writel(f->q, f->word + 4 * nr, 0);
	return v;
}

static void raise_msi(struct fixture *f, unsigned vector)
{
	qpci_io_writel(f->regs, ZOO_MSI, vector);
}

static void raise_msix(struct fixture *f, unsigned vector)
{
	qpci_io_writel(f->regs, ZOO_MSIX, vector);
}

/* --- MSI --- */

static void test_msi_vectors(struct qpci_dev *d)
{
	struct fixture f;

	fixture_init(&f, d);
	g_assert_cmpuint(qmsi_vectors(d), ==, ZOO_MSI_VECTORS);
	raise_msi(&f, 0);
	g_assert_cmphex(take(&f, 0), ==, 0); /* not enabled yet */
	for (unsigned n = ZOO_MSI_VECTORS; n; n /= 2) {
		qmsi_enable(d, f.word, BASE, n);
		for (unsigned i = 0; i < n; i++) {
			raise_msi(&f, i);
			g_assert_cmphex(take(&f, 0), ==, BASE + i);
		}
		qmsi_disable(d);
		raise_msi(&f, 0);
		g_assert_cmphex(take(&f, 0), ==, 0);
	}
}

static void test_msi_mask(struct qpci_dev *d)
{
	struct fixture f;

	fixture_init(&f, d);
	qmsi_enable(d, f.word, BASE, ZOO_MSI_VECTORS);
	qmsi_mask(d, 1u << 3);
	raise_msi(&f, 2);
	g_assert_cmphex(take(&f, 0), ==, BASE + 2);
	raise_msi(&f, 3);
	g_assert_cmphex(take(&f, 0), ==, 0);
	g_assert_cmphex(qmsi_pending(d), ==, 1u << 3);
	qmsi_mask(d, 0);
	g_assert_cmphex(take(&f, 0), ==, BASE + 3);
	g_assert_cmphex(qmsi_pending(d), ==, 0);
	raise_msi(&f, 3);
	g_assert_cmphex(take(&f, 0), ==, BASE + 3);
}

/* --- MSI-X --- */

static void test_msix_vectors(struct qpci_dev *d)
{
	struct fixture f;

	fixture_msix(&f, d);
	for (unsigned i = 0; i < f.msix.vectors; i++) {
		raise_msix(&f, i);
		for (unsigned j = 0; j < f.msix.vectors; j++)
			g_assert_cmphex(take(&f, j), ==, i == j ? BASE + i : 0);
	}
	/* Another address and other data, while enabled. */
	qmsix_set(&f.msix, 4, f.word + 4 * 5, 0xdeadbeef, false);
	raise_msix(&f, 4);
	g_assert_cmphex(take(&f, 4), ==, 0);
	g_assert_cmphex(take(&f, 5), ==, 0xdeadbeef);
	qmsix_disable(&f.msix);
	raise_msix(&f, 6);
	g_assert_cmphex(take(&f, 6), ==, 0);
}

static void test_msix_vector_mask(struct qpci_dev *d)
{
	struct fixture f;

	fixture_msix(&f, d);
	qmsix_mask(&f.msix, 7, true);
	raise_msix(&f, 7);
	raise_msix(&f, 7);
	raise_msix(&f, 8);
	g_assert_cmphex(take(&f, 7), ==, 0);
	g_assert_cmphex(take(&f, 8), ==, BASE + 8);
	g_assert_true(qmsix_pending(&f.msix, 7));
	g_assert_false(qmsix_pending(&f.msix, 8));
	qmsix_mask(&f.msix, 7, false);
	g_assert_cmphex(take(&f, 7), ==, BASE + 7);
	g_assert_false(qmsix_pending(&f.msix, 7));
	/* One message for all that waited. */
	qmsix_mask(&f.msix, 7, true);
	qmsix_mask(&f.msix, 7, false);
	g_assert_cmphex(take(&f, 7), ==, 0);
}

static void test_msix_function_mask(struct qpci_dev *d)
{
	struct fixture f;

	fixture_msix(&f, d);
	qmsix_mask_all(&f.msix, true);
	raise_msix(&f, 0);
	raise_msix(&f, 15);
	qmsix_mask(&f.msix, 15, true);
	g_assert_cmphex(take(&f, 0), ==, 0);
	g_assert_true(qmsix_pending(&f.msix, 0));
	g_assert_true(qmsix_pending(&f.msix, 15));
	g_assert_false(qmsix_pending(&f.msix, 1));
	qmsix_mask_all(&f.msix, false);
	g_assert_cmphex(take(&f, 0), ==, BASE);
	g_assert_cmphex(take(&f, 15), ==, 0); /* it has a mask of its own */
	g_assert_true(qmsix_pending(&f.msix, 15));
	qmsix_mask(&f.msix, 15, false);
	g_assert_cmphex(take(&f, 15), ==, BASE + 15);
	g_assert_false(qmsix_pending(&f.msix, 15));
}

/* An entry that is written while it is masked counts when the mask goes. */
static void test_msix_moved(struct qpci_dev *d)
{
	struct fixture f;

	fixture_msix(&f, d);
	qmsix_mask(&f.msix, 2, true);
	raise_msix(&f, 2);
	qmsix_set(&f.msix, 2, f.word + 4 * 9, 0x1234, true);
	g_assert_cmphex(take(&f, 9), ==, 0);
	qmsix_mask(&f.msix, 2, false);
	g_assert_cmphex(take(&f, 2), ==, 0);
	g_assert_cmphex(take(&f, 9), ==, 0x1234);
}

/* The table reads as it was written, by every size that is allowed. */
static void test_msix_table(struct qpci_dev *d)
{
	struct fixture f;
	uint64_t at;

	fixture_msix(&f, d);
	at = f.msix.table_off + 16 * 11;
	g_assert_cmphex(qpci_io_readl(f.msix.table, at), ==, (uint32_t)(f.word + 4 * 11));
	g_assert_cmphex(qpci_io_readl(f.msix.table, at + 8), ==, BASE + 11);
	qpci_io_writeq(f.msix.table, at, f.word + 4);
	g_assert_cmphex(qpci_io_readq(f.msix.table, at), ==, f.word + 4);
	raise_msix(&f, 11);
	g_assert_cmphex(take(&f, 1), ==, BASE + 11);
	qpci_io_writel(f.msix.pba, f.msix.pba_off, UINT32_MAX); /* read-only */
	g_assert_cmphex(qpci_io_readl(f.msix.pba, f.msix.pba_off), ==, 0);
}

/* --- to the CPU --- */

static void test_lapic(struct qpci_dev *d)
{
	struct fixture f;

	fixture_msix(&f, d);
	qlapic_enable(f.q);
	for (unsigned i = 0; i < 3; i++)
		qmsix_set(&f.msix, i, QLAPIC_MSI, VECTOR + 0x10 * i, false);
	raise_msix(&f, 0);
	raise_msix(&f, 2);
	g_assert_true(qlapic_pending(f.q, VECTOR));
	g_assert_false(qlapic_pending(f.q, VECTOR + 0x10));
	g_assert_true(qlapic_pending(f.q, VECTOR + 0x20));
	qlapic_eoi(f.q); /* the higher one first */
	g_assert_true(qlapic_pending(f.q, VECTOR));
	g_assert_false(qlapic_pending(f.q, VECTOR + 0x20));
	qlapic_eoi(f.q);
	g_assert_false(qlapic_pending(f.q, VECTOR));
	qmsix_disable(&f.msix);
	qmsi_enable(d, QLAPIC_MSI, VECTOR + 0x40, 4);
	raise_msi(&f, 3);
	g_assert_true(qlapic_pending(f.q, VECTOR + 0x43));
	g_assert_false(qlapic_pending(f.q, VECTOR + 0x40));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	qplug_add("/msi/vectors", "pci-zoo", test_msi_vectors);
	qplug_add("/msi/mask", "pci-zoo", test_msi_mask);
	qplug_add("/msix/vectors", "pci-zoo", test_msix_vectors);
	qplug_add("/msix/vector-mask", "pci-zoo", test_msix_vector_mask);
	qplug_add("/msix/function-mask", "pci-zoo", test_msix_function_mask);
	qplug_add("/msix/moved", "pci-zoo", test_msix_moved);
	qplug_add("/msix/table", "pci-zoo", test_msix_table);
	qplug_add("/msix/lapic", "pci-zoo", test_lapic);
	return g_test_run();
}
