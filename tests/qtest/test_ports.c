// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the tests of root ports: bus numbers, windows, what is forwarded to the bus below, its
 * reset.
 */
#include "hw/dev/edu.h"
#include "hw/dev/zoo.h"
#include "tests/qtest/libpci.h"
#include "tests/qtest/libplug.h"

#define EDU_PCI_ID 0x11e81234u

/* --- bus numbers --- */

static void set_numbers(struct qpci_dev *port, uint8_t secondary, uint8_t subordinate)
{
	qpci_config_writeb(port, PCI_SECONDARY_BUS, secondary);
	qpci_config_writeb(port, PCI_SUBORDINATE_BUS, subordinate);
}

static void test_numbers(struct qpci_dev *d)
{
	struct qpci *pci = d->pci;
	struct qpci_dev *port = d->bridge;
	uint32_t id = qpci_config_readl(d, 0);

	set_numbers(port, 7, 9);
	g_assert_cmphex(qpci_read(pci, d->bus, 0, 0, 4), ==, 0xffffffff);
	g_assert_cmphex(qpci_read(pci, 7, 0, 0, 4), ==, id);
	/* An Express link has one device; buses behind ours, but nobody there. */
	g_assert_cmphex(qpci_read(pci, 7, QPCI_DEVFN(1, 0), 0, 4), ==, 0xffffffff);
	g_assert_cmphex(qpci_read(pci, 8, 0, 0, 4), ==, 0xffffffff);
	g_assert_cmphex(qpci_read(pci, 10, 0, 0, 4), ==, 0xffffffff);
	pci->by_ecam = true;
	g_assert_cmphex(qpci_read(pci, 7, 0, 0, 4), ==, id);
	g_assert_cmphex(qpci_read(pci, 8, 0, 0, 4), ==, 0xffffffff);
	set_numbers(port, 255, 255);
	g_assert_cmphex(qpci_read(pci, 255, 0, 0, 4), ==, id);
	set_numbers(port, 0, 0); /* it does not forward */
	g_assert_cmphex(qpci_read(pci, 255, 0, 0, 4), ==, 0xffffffff);
	set_numbers(port, d->bus, d->bus);
	g_assert_cmphex(qpci_config_readl(d, 0), ==, id);
}

/* Two ports: each has its own numbers; what is below them may change places. */
static void test_two_ports(void)
{
	struct qtest *q = qtest_init("-device pcie-root-port,id=a,addr=4,chassis=1 "
				     "-device pcie-root-port,id=b,addr=5,chassis=2 "
				     "-device edu,bus=a -device pci-zoo,bus=b");
	struct qpci *pci = qpci_init(q);
	struct qpci_dev *a = qpci_at(pci, 0, QPCI_DEVFN(4, 0));
	struct qpci_dev *b = qpci_at(pci, 0, QPCI_DEVFN(5, 0));

	g_assert_cmphex(qpci_read(pci, 1, 0, 0, 4), ==, EDU_PCI_ID);
	g_assert_cmphex(qpci_read(pci, 2, 0, 0, 4), ==, ZOO_DEVICE << 16 | ZOO_VENDOR);
	set_numbers(a, 0, 0);
	set_numbers(b, 1, 1);
	set_numbers(a, 2, 2);
	g_assert_cmphex(qpci_read(pci, 2, 0, 0, 4), ==, EDU_PCI_ID);
	g_assert_cmphex(qpci_read(pci, 1, 0, 0, 4), ==, ZOO_DEVICE << 16 | ZOO_VENDOR);
	qpci_free(pci);
	qtest_quit(q);
}

/* A port with nothing below says so, and its bus is silent. */
static void test_empty(void)
{
	struct qtest *q =
		qtest_init("-device pcie-root-port,id=a,addr=4,chassis=1,slot=3 "
			   "-device pcie-root-port,id=b,addr=5,chassis=2 -device edu,bus=b");
	struct qpci *pci = qpci_init(q);
	struct qpci_dev *a = qpci_at(pci, 0, QPCI_DEVFN(4, 0));
	struct qpci_dev *b = qpci_at(pci, 0, QPCI_DEVFN(5, 0));
	unsigned exp = qpci_find_capability(a, PCI_CAP_ID_EXP, 0);

	g_assert_cmpuint(exp, !=, 0);
	g_assert_cmphex(qpci_config_readw(a, exp + PCI_EXP_FLAGS) & PCI_EXP_FLAGS_TYPE, ==,
			PCI_EXP_TYPE_ROOT_PORT << 4);
	g_assert_cmpuint(qpci_config_readl(a, exp + PCI_EXP_SLTCAP) >> 19, ==, 3);
	g_assert_false(qpci_config_readw(a, exp + PCI_EXP_SLTSTA) & PCI_EXP_SLTSTA_PDS);
	g_assert_true(qpci_config_readw(b, exp + PCI_EXP_SLTSTA) & PCI_EXP_SLTSTA_PDS);
	g_assert_true(qpci_config_readw(b, exp + PCI_EXP_LNKSTA) & PCI_EXP_LNKSTA_DLLLA);
	g_assert_cmphex(qpci_read(pci, qpci_config_readb(a, PCI_SECONDARY_BUS), 0, 0, 4), ==,
			0xffffffff);
	qpci_free(pci);
	qtest_quit(q);
}

/* --- windows --- */

static bool answers(struct qpci_bar *bar)
{
	return qpci_io_readl(bar, ZOO_ID) == ZOO_ID_VALUE;
}

/* What is outside of the port's window does not reach the device. */
static void test_windows(struct qpci_dev *d)
{
	struct qpci_bar *mem = qpci_iomap(d, 0), *io = qpci_iomap(d, 1);
	struct qpci_dev *port = d->bridge;
	uint16_t command, limit;

	g_assert_true(answers(mem));
	g_assert_true(answers(io));
	command = qpci_config_readw(port, PCI_COMMAND);
	qpci_config_writew(port, PCI_COMMAND, command & ~PCI_COMMAND_MEMORY);
	g_assert_false(answers(mem));
	g_assert_true(answers(io));
	qpci_config_writew(port, PCI_COMMAND, command & ~PCI_COMMAND_IO);
	g_assert_true(answers(mem));
	g_assert_false(answers(io));
	qpci_config_writew(port, PCI_COMMAND, command);
	limit = qpci_config_readw(port, PCI_MEMORY_LIMIT);
	qpci_config_writew(port, PCI_MEMORY_LIMIT, 0); /* closed: below the base */
	g_assert_false(answers(mem));
	qpci_config_writew(port, PCI_MEMORY_LIMIT, limit);
	g_assert_true(answers(mem));
	qpci_bar_set(mem, 0xfd000000); /* of the board, but not of the port */
	g_assert_false(answers(mem));
}

/* --- reset --- */

static void test_bus_reset(struct qpci_dev *d)
{
	struct qpci_bar *bar = qpci_iomap(d, 0);
	struct qpci_dev *port = d->bridge;
	uint32_t resets;

	resets = qpci_io_readl(bar, ZOO_RESETS);
	qpci_io_writel(bar, ZOO_SCRATCH, 0x1234);
	g_assert_cmphex(qpci_io_readl(bar, ZOO_SCRATCH), ==, 0x1234);
	qpci_config_writew(port, PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET);
	qpci_config_writew(port, PCI_BRIDGE_CONTROL, 0);
	g_assert_cmphex(qpci_config_readw(d, PCI_COMMAND), ==, 0);
	g_assert_false(answers(bar)); /* it does not decode any more */
	qpci_bar_set(bar, bar->addr);
	qpci_device_enable(d);
	g_assert_true(answers(bar));
	g_assert_cmphex(qpci_io_readl(bar, ZOO_SCRATCH), ==, 0);
	g_assert_cmpuint(qpci_io_readl(bar, ZOO_RESETS), >, resets);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	qplug_add_below("/ports/numbers", "pci-zoo", test_numbers);
	g_test_add_func("/ports/two", test_two_ports);
	g_test_add_func("/ports/empty", test_empty);
	qplug_add_below("/ports/windows", "pci-zoo", test_windows);
	qplug_add_below("/ports/bus-reset", "pci-zoo", test_bus_reset);
	return g_test_run();
}
