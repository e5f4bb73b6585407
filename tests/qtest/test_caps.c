// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the tests of config space over every plug: ids, what may be written, capabilities and those
 * that act: vital product data, function level reset, power states.
 */
#include <string.h>

#include "hw/dev/zoo.h"
#include "tests/qtest/libplug.h"

static void test_header(struct qpci_dev *d)
{
	g_assert_cmphex(qpci_config_readl(d, PCI_VENDOR_ID), ==, ZOO_DEVICE << 16 | ZOO_VENDOR);
	g_assert_cmphex(qpci_config_readb(d, PCI_HEADER_TYPE), ==, 0);
	g_assert_cmphex(qpci_config_readl(d, PCI_SUBSYSTEM_VENDOR_ID), ==, 0x11001af4);
	g_assert_cmphex(qpci_config_readb(d, PCI_INTERRUPT_PIN), ==, 1);
	/* What is read-only stays, what is the guest's is kept. */
	qpci_config_writel(d, PCI_VENDOR_ID, 0);
	qpci_config_writel(d, PCI_CLASS_REVISION, 0);
	qpci_config_writeb(d, PCI_INTERRUPT_PIN, 3);
	qpci_config_writeb(d, PCI_INTERRUPT_LINE, 0x2a);
	g_assert_cmphex(qpci_config_readl(d, PCI_VENDOR_ID), ==, ZOO_DEVICE << 16 | ZOO_VENDOR);
	g_assert_cmphex(qpci_config_readl(d, PCI_CLASS_REVISION), ==, 0xff000001);
	g_assert_cmphex(qpci_config_readb(d, PCI_INTERRUPT_PIN), ==, 1);
	g_assert_cmphex(qpci_config_readb(d, PCI_INTERRUPT_LINE), ==, 0x2a);
	qpci_config_writew(d, PCI_COMMAND, 0xffff);
	g_assert_cmphex(qpci_config_readw(d, PCI_COMMAND) & 7, ==, 7);
	qpci_config_writew(d, PCI_COMMAND, 0);
	g_assert_cmphex(qpci_config_readw(d, PCI_COMMAND), ==, 0);
}

/* By both ways, and by every width, config space is one. */
static void test_widths(struct qpci_dev *d)
{
	uint32_t words[64];

	for (unsigned i = 0; i < 64; i++)
		words[i] = qpci_config_readl(d, 4 * i);
	d->pci->by_ecam = true;
	for (unsigned i = 0; i < 64; i++) {
		g_assert_cmphex(qpci_config_readl(d, 4 * i), ==, words[i]);
		g_assert_cmphex(qpci_config_readw(d, 4 * i + 2), ==, words[i] >> 16);
		g_assert_cmphex(qpci_config_readb(d, 4 * i + 1), ==, words[i] >> 8 & 0xff);
	}
}

static void test_chains(struct qpci_dev *d)
{
	static const uint8_t caps[] = {PCI_CAP_ID_PM,  PCI_CAP_ID_MSI,  PCI_CAP_ID_EXP,
				       PCI_CAP_ID_VPD, PCI_CAP_ID_MSIX, PCI_CAP_ID_VNDR,
				       PCI_CAP_ID_AF};
	static const uint16_t ext[] = {PCI_EXT_CAP_ID_ERR, PCI_EXT_CAP_ID_DSN, PCI_EXT_CAP_ID_PWR,
				       PCI_EXT_CAP_ID_VNDR};

	for (size_t i = 0; i < G_N_ELEMENTS(caps); i++) {
		unsigned at = qpci_find_capability(d, caps[i], 0);

		g_assert_cmpuint(at, !=, 0);
		g_assert_cmphex(qpci_config_readb(d, at), ==, caps[i]);
		g_assert_cmpuint(qpci_find_capability(d, caps[i], at), ==, 0);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(ext); i++) {
		unsigned at = qpci_find_ext_capability(d, ext[i], 0);

		g_assert_cmpuint(at, >=, PCI_CFG_SPACE_SIZE);
		g_assert_cmphex(PCI_EXT_CAP_ID(qpci_config_readl(d, at)), ==, ext[i]);
	}
	g_assert_cmpuint(qpci_find_capability(d, 0x7f, 0), ==, 0);
	g_assert_cmpuint(qpci_find_ext_capability(d, 0x7fff, 0), ==, 0);
}

/* Vital product data (PCI 3.0, appendix I): address out, flag, data in. */
static void test_vpd(struct qpci_dev *d)
{
	unsigned cap = qpci_find_capability(d, PCI_CAP_ID_VPD, 0);
	uint8_t data[12];

	for (unsigned i = 0; i < sizeof(data); i += 4) {
		uint32_t v;

		qpci_config_writew(d, cap + PCI_VPD_ADDR, (uint16_t)i);
		g_assert_true(qpci_config_readw(d, cap + PCI_VPD_ADDR) & PCI_VPD_ADDR_F);
		v = qpci_config_readl(d, cap + PCI_VPD_DATA);
		memcpy(data + i, &v, 4);
	}
	g_assert_cmpmem(data, 10, "\x82\x07\x00pci-zoo", 10);
}

/* After a reset of the function its driver starts anew: nothing decodes until it says so. */
static void test_flr(struct qpci_dev *d)
{
	struct qpci_bar *regs = qpci_iomap(d, 0);
	unsigned exp = qpci_find_capability(d, PCI_CAP_ID_EXP, 0);
	uint32_t resets = qpci_io_readl(regs, ZOO_RESETS);

	g_assert_true(qpci_config_readl(d, exp + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR);
	qpci_io_writel(regs, ZOO_SCRATCH, 0x99);
	qpci_config_writew(d, exp + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR);
	g_assert_cmphex(qpci_config_readl(d, PCI_VENDOR_ID), ==, ZOO_DEVICE << 16 | ZOO_VENDOR);
	qpci_bar_set(regs, regs->addr);
	qpci_device_enable(d);
	g_assert_cmphex(qpci_io_readl(regs, ZOO_SCRATCH), ==, 0);
	g_assert_cmpuint(qpci_io_readl(regs, ZOO_RESETS), >, resets);
}

/*
 * Config space works in D3hot, and everything does in D0 again.  Registers are read between, but
 * what they give is not judged: models on the guest's own bus go on decoding, others do not.
 */
static void test_power(struct qpci_dev *d)
{
	struct qpci_bar *regs = qpci_iomap(d, 0);
	unsigned pm = qpci_find_capability(d, PCI_CAP_ID_PM, 0);
	uint16_t ctrl = qpci_config_readw(d, pm + PCI_PM_CTRL);

	qpci_config_writew(d, pm + PCI_PM_CTRL, ctrl | 3);
	g_assert_cmphex(qpci_config_readw(d, pm + PCI_PM_CTRL) & 3, ==, 3);
	g_assert_cmphex(qpci_config_readl(d, PCI_VENDOR_ID), ==, ZOO_DEVICE << 16 | ZOO_VENDOR);
	qpci_io_readl(regs, ZOO_ID);
	qpci_config_writew(d, pm + PCI_PM_CTRL, ctrl & ~3);
	g_assert_cmphex(qpci_config_readw(d, pm + PCI_PM_CTRL) & 3, ==, 0);
	qpci_bar_set(regs, regs->addr);
	qpci_device_enable(d);
	g_assert_cmphex(qpci_io_readl(regs, ZOO_ID), ==, ZOO_ID_VALUE);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	qplug_add("/caps/header", "pci-zoo", test_header);
	qplug_add("/caps/widths", "pci-zoo", test_widths);
	qplug_add("/caps/chains", "pci-zoo", test_chains);
	qplug_add("/caps/vpd", "pci-zoo", test_vpd);
	qplug_add("/caps/flr", "pci-zoo", test_flr);
	qplug_add("/caps/power", "pci-zoo", test_power);
	return g_test_run();
}
