// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the tests of the host bridge: configuration mechanism #1, the PCI Express window, the MCFG
 * table that tells of it.
 */
#include <string.h>

#include "tests/qtest/libpci.h"

#define ADDRESS 0xcf8
#define DATA 0xcfc
#define ENABLE 0x80000000u
#define PCIEXBAR 0x60
#define MCH_ID 0x29c08086u

/* Byte, word and dword at each offset of the data register, where they fit. */
static void test_widths(void)
{
	struct qtest *q = qtest_init("");

	qtest_outl(q, ADDRESS, ENABLE);
	g_assert_cmphex(qtest_inl(q, DATA), ==, MCH_ID);
	for (unsigned i = 0; i < 4; i++)
		g_assert_cmphex(qtest_inb(q, (uint16_t)(DATA + i)), ==, MCH_ID >> 8 * i & 0xff);
	for (unsigned i = 0; i < 3; i++)
		g_assert_cmphex(qtest_inw(q, (uint16_t)(DATA + i)), ==, MCH_ID >> 8 * i & 0xffff);
	/* The low two bits of the address are the register's, as libqos writes them. */
	qtest_outl(q, ADDRESS, ENABLE | 3);
	g_assert_cmphex(qtest_inb(q, DATA), ==, MCH_ID >> 24);
	qtest_outl(q, ADDRESS, ENABLE | 2);
	g_assert_cmphex(qtest_inw(q, DATA), ==, MCH_ID >> 16);
	qtest_quit(q);
}

static void test_writes(void)
{
	struct qtest *q = qtest_init("-device edu,addr=3");
	const uint32_t reg = ENABLE | 3 << 11;

	/* A BAR takes what is written, bytes and words, too. */
	qtest_outl(q, ADDRESS, reg | PCI_BASE_ADDRESS_0);
	qtest_outl(q, DATA, 0xe1200000);
	g_assert_cmphex(qtest_inl(q, DATA), ==, 0xe1200000);
	qtest_outw(q, DATA + 2, 0xe340);
	g_assert_cmphex(qtest_inl(q, DATA), ==, 0xe3400000);
	qtest_outb(q, DATA + 3, 0xe5);
	g_assert_cmphex(qtest_inl(q, DATA), ==, 0xe5400000);
	qtest_outl(q, ADDRESS, reg | PCI_INTERRUPT_LINE);
	qtest_outb(q, DATA, 0x0b);
	g_assert_cmphex(qtest_inw(q, DATA), ==, 0x010b);
	qtest_quit(q);
}

static void test_address(void)
{
	struct qtest *q = qtest_init("");

	qtest_outl(q, ADDRESS, 0x12345678);
	g_assert_cmphex(qtest_inl(q, ADDRESS), ==, 0x12345678);
	/* Only a dword reaches it. */
	qtest_outb(q, ADDRESS, 0xff);
	qtest_outw(q, ADDRESS, 0xffff);
	g_assert_cmphex(qtest_inl(q, ADDRESS), ==, 0x12345678);
	/* Not enabled: nothing is there, and nothing is written. */
	qtest_outl(q, ADDRESS, 0);
	g_assert_cmphex(qtest_inl(q, DATA), ==, 0xffffffff);
	g_assert_cmphex(qtest_inb(q, DATA), ==, 0xff);
	/* Nobody at that slot, on that bus. */
	qtest_outl(q, ADDRESS, ENABLE | 9 << 11);
	g_assert_cmphex(qtest_inl(q, DATA), ==, 0xffffffff);
	qtest_outl(q, ADDRESS, ENABLE | 77 << 16);
	g_assert_cmphex(qtest_inl(q, DATA), ==, 0xffffffff);
	qtest_quit(q);
}

/* --- the window --- */

static uint64_t window_of(const struct qpci *pci, unsigned bus, unsigned devfn, unsigned off)
{
	return pci->ecam + (bus << 20 | devfn << 12 | off);
}

static void place(struct qpci *pci, uint64_t base, uint32_t low)
{
	qpci_write(pci, 0, 0, PCIEXBAR, 0, 4);
	qpci_write(pci, 0, 0, PCIEXBAR + 4, (uint32_t)(base >> 32), 4);
	qpci_write(pci, 0, 0, PCIEXBAR, (uint32_t)base | low, 4);
	pci->ecam = base;
}

static void test_window(void)
{
	struct qtest *q = qtest_init("-device pci-zoo,addr=3");
	struct qpci *pci = qpci_init(q);
	struct qpci_dev *d = qpci_at(pci, 0, QPCI_DEVFN(3, 0));
	uint64_t at = window_of(pci, 0, d->devfn, 0);

	g_assert_cmphex(qtest_readl(q, window_of(pci, 0, 0, 0)), ==, MCH_ID);
	for (unsigned i = 0; i < 4; i++)
		g_assert_cmphex(qtest_readb(q, window_of(pci, 0, 0, i)), ==,
				MCH_ID >> 8 * i & 0xff);
	g_assert_cmphex(qtest_readw(q, window_of(pci, 0, 0, 2)), ==, MCH_ID >> 16);
	/* Nobody there; extended config space of a device without and with one. */
	g_assert_cmphex(qtest_readl(q, window_of(pci, 0, QPCI_DEVFN(9, 0), 0)), ==, 0xffffffff);
	g_assert_cmphex(qtest_readl(q, window_of(pci, 200, 0, 0)), ==, 0xffffffff);
	g_assert_cmpuint(qpci_find_ext_capability(d, PCI_EXT_CAP_ID_ERR, 0), ==, 0x100);
	g_assert_cmpuint(qpci_find_ext_capability(d, PCI_EXT_CAP_ID_SECPCI, 0), ==, 0x294);
	g_assert_cmpuint(qpci_find_ext_capability(d, 0x7f, 0), ==, 0);
	/* What one way writes the other way reads. */
	qtest_writeb(q, at + PCI_INTERRUPT_LINE, 0x5a);
	g_assert_cmphex(qpci_config_readb(d, PCI_INTERRUPT_LINE), ==, 0x5a);
	qpci_config_writeb(d, PCI_INTERRUPT_LINE, 0xa5);
	g_assert_cmphex(qtest_readb(q, at + PCI_INTERRUPT_LINE), ==, 0xa5);
	/* 8 bytes are two accesses. */
	g_assert_cmphex(qtest_readq(q, at), ==,
			qpci_config_readl(d, 0) | (uint64_t)qpci_config_readl(d, 4) << 32);
	qpci_free(pci);
	qtest_quit(q);
}

static void test_window_moves(void)
{
	struct qtest *q = qtest_init("");
	struct qpci *pci = qpci_init(q);
	const uint64_t first = pci->ecam, second = 0xc0000000, high = 0x840000000;

	place(pci, second, 1);
	g_assert_cmphex(qtest_readl(q, second), ==, MCH_ID);
	g_assert_cmphex(qtest_readl(q, first), ==, 0);
	place(pci, high, 1); /* 256 buses: base bits 27:26 are no part of it */
	pci->ecam = high & ~0xfffffffull;
	g_assert_cmphex(qtest_readl(q, pci->ecam), ==, MCH_ID);
	place(pci, second, 0);
	g_assert_cmphex(qtest_readl(q, second), ==, 0);
	g_assert_cmphex(qtest_readl(q, high), ==, 0);
	/* 128 and 64 buses; the last length there is none for. */
	place(pci, second, 3);
	g_assert_cmphex(qtest_readl(q, second), ==, MCH_ID);
	g_assert_cmphex(qtest_readl(q, second + (127 << 20)), ==, 0xffffffff);
	g_assert_cmphex(qtest_readl(q, second + (128 << 20)), ==, 0);
	place(pci, second, 5);
	g_assert_cmphex(qtest_readl(q, second + (63 << 20)), ==, 0xffffffff);
	g_assert_cmphex(qtest_readl(q, second + (64 << 20)), ==, 0);
	place(pci, second, 7);
	g_assert_cmphex(qtest_readl(q, second), ==, 0);
	/* A shorter window may start where a longer one cannot. */
	place(pci, 0xc4000000, 5);
	g_assert_cmphex(qtest_readl(q, 0xc4000000), ==, MCH_ID);
	g_assert_cmphex(qpci_read(pci, 0, 0, PCIEXBAR, 4), ==, 0xc4000005);
	qpci_free(pci);
	qtest_quit(q);
}

/* --- ACPI (6.3, 5.2.5; PCI Firmware 3.0, 4.1.2) --- */

static uint8_t sum(struct qtest *q, uint64_t at, uint32_t len)
{
	g_autofree uint8_t *data = g_malloc(len);
	uint8_t total = 0;

	qtest_bufread(q, at, data, len);
	for (uint32_t i = 0; i < len; i++)
		total = (uint8_t)(total + data[i]);
	return total;
}

static uint64_t find_rsdp(struct qtest *q)
{
	char mark[8];

	for (uint64_t at = 0xe0000; at < 0x100000; at += 16) {
		qtest_memread(q, at, mark, 8);
		if (!memcmp(mark, "RSD PTR ", 8) && sum(q, at, 20) == 0)
			return at;
	}
	g_error("there is no RSDP");
}

/* Entries of the XSDT. */
static uint64_t find_table(struct qtest *q, const char *name)
{
	uint64_t xsdt = qtest_readq(q, find_rsdp(q) + 24);
	uint32_t len = qtest_readl(q, xsdt + 4);
	char mark[4];

	g_assert_cmpuint(sum(q, xsdt, len), ==, 0);
	for (uint32_t off = 36; off + 8 <= len; off += 8) {
		uint64_t at = qtest_readq(q, xsdt + off);

		qtest_memread(q, at, mark, 4);
		if (!memcmp(mark, name, 4))
			return at;
	}
	g_error("there is no %s", name);
}

static void test_mcfg(void)
{
	struct qtest *q = qtest_init("-device pcie-root-port,id=rp -device edu,bus=rp");
	struct qpci *pci;
	uint64_t at, base;
	uint8_t first, last;

	if (!qtest_has_option("host-device")) { /* tables are made by firmware there */
		g_test_skip("the VMM writes no ACPI tables");
		qtest_quit(q);
		return;
	}
	at = find_table(q, "MCFG");
	g_assert_cmpuint(sum(q, at, qtest_readl(q, at + 4)), ==, 0);
	base = qtest_readq(q, at + 44);
	g_assert_cmpuint(qtest_readw(q, at + 52), ==, 0); /* segment */
	first = qtest_readb(q, at + 54);
	last = qtest_readb(q, at + 55);
	pci = qpci_init(q);
	g_assert_cmphex(base, ==, pci->ecam);
	g_assert_cmpuint(first, ==, 0);
	g_assert_cmpuint(last, >=, pci->last_bus);
	g_assert_cmphex(qtest_readl(q, base), ==, MCH_ID);
	qpci_free(pci);
	qtest_quit(q);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/mch/widths", test_widths);
	g_test_add_func("/mch/writes", test_writes);
	g_test_add_func("/mch/address", test_address);
	g_test_add_func("/mch/window", test_window);
	g_test_add_func("/mch/window-moves", test_window_moves);
	g_test_add_func("/mch/mcfg", test_mcfg);
	return g_test_run();
}
