// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns config cycles, the walk over the buses and what firmware does to bridges.  Called by tests
 * and by the drivers beside it; knows no device but the host bridge.
 */
#include "tests/qtest/libpci.h"

#define PCIEXBAR 0x60
#define BUSES 256

/* --- config cycles --- */

static uint64_t window(const struct qpci *pci, unsigned bus, unsigned devfn, unsigned off)
{
	return pci->ecam + ((uint64_t)bus << 20 | devfn << 12 | off);
}

static uint16_t select_port(struct qpci *pci, unsigned bus, unsigned devfn, unsigned off)
{
	qtest_outl(pci->q, 0xcf8, 1u << 31 | bus << 16 | devfn << 8 | (off & 0xfc));
	return (uint16_t)(0xcfc + (off & 3));
}

static uint32_t read_port(struct qtest *q, uint16_t port, unsigned len)
{
	return len == 1 ? qtest_inb(q, port) : len == 2 ? qtest_inw(q, port) : qtest_inl(q, port);
}

static uint32_t read_memory(struct qtest *q, uint64_t addr, unsigned len)
{
	return len == 1   ? qtest_readb(q, addr)
	       : len == 2 ? qtest_readw(q, addr)
			  : qtest_readl(q, addr);
}

uint32_t qpci_read(struct qpci *pci, unsigned bus, unsigned devfn, unsigned off, unsigned len)
{
	uint32_t val;

	if (pci->by_ecam || off > 0xff)
		return read_memory(pci->q, window(pci, bus, devfn, off), len);
	qtest_batch_begin(pci->q); /* both in one segment */
	val = read_port(pci->q, select_port(pci, bus, devfn, off), len);
	qtest_batch_end(pci->q);
	return val;
}

static void write_port(struct qtest *q, uint16_t port, uint32_t val, unsigned len)
{
	if (len == 1)
		qtest_outb(q, port, (uint8_t)val);
	else if (len == 2)
		qtest_outw(q, port, (uint16_t)val);
	else
		qtest_outl(q, port, val);
}

static void write_memory(struct qtest *q, uint64_t addr, uint32_t val, unsigned len)
{
	if (len == 1)
		qtest_writeb(q, addr, (uint8_t)val);
	else if (len == 2)
		qtest_writew(q, addr, (uint16_t)val);
	else
		qtest_writel(q, addr, val);
}

void qpci_write(struct qpci *pci, unsigned bus, unsigned devfn, unsigned off, uint32_t val,
		unsigned len)
{
	if (pci->by_ecam || off > 0xff) {
		write_memory(pci->q, window(pci, bus, devfn, off), val, len);
		return;
	}
	qtest_batch_begin(pci->q);
	write_port(pci->q, select_port(pci, bus, devfn, off), val, len);
	qtest_batch_end(pci->q);
}

uint8_t qpci_config_readb(struct qpci_dev *d, unsigned off)
{
	return (uint8_t)qpci_read(d->pci, d->bus, d->devfn, off, 1);
}

uint16_t qpci_config_readw(struct qpci_dev *d, unsigned off)
{
	return (uint16_t)qpci_read(d->pci, d->bus, d->devfn, off, 2);
}

uint32_t qpci_config_readl(struct qpci_dev *d, unsigned off)
{
	return qpci_read(d->pci, d->bus, d->devfn, off, 4);
}

void qpci_config_writeb(struct qpci_dev *d, unsigned off, uint8_t val)
{
	qpci_write(d->pci, d->bus, d->devfn, off, val, 1);
}

void qpci_config_writew(struct qpci_dev *d, unsigned off, uint16_t val)
{
	qpci_write(d->pci, d->bus, d->devfn, off, val, 2);
}

void qpci_config_writel(struct qpci_dev *d, unsigned off, uint32_t val)
{
	qpci_write(d->pci, d->bus, d->devfn, off, val, 4);
}

/* --- bridges --- */

/* The window of each kind that a bridge gets: a part of what is above it. */
static uint64_t share(const struct qpci_arena *above, enum qpci_space s)
{
	static const uint64_t usual[QPCI_SPACES] = {0x1000, 16 << 20, 1ull << 30};
	static const uint64_t least[QPCI_SPACES] = {0x1000, 1 << 20, 1 << 20};
	uint64_t half = (above->end - above->next) / 2 & ~(least[s] - 1);

	return MAX(least[s], MIN(usual[s], half));
}

static void open_windows(struct qpci_dev *d)
{
	const struct qpci_arena *w = d->window;

	for (int s = 0; s < QPCI_SPACES; s++) {
		struct qpci_arena *above = d->bridge ? d->bridge->window : d->pci->arena;
		uint64_t size = share(&above[s], (enum qpci_space)s);

		d->window[s].next = qpci_alloc(d, (enum qpci_space)s, size);
		d->window[s].end = d->window[s].next + size;
	}
	qpci_config_writew(
		d, PCI_IO_BASE,
		(uint16_t)((w[QPCI_IO].next >> 8 & 0xf0) | ((w[QPCI_IO].end - 1) & 0xf000)));
	qpci_config_writew(d, PCI_MEMORY_BASE, (uint16_t)(w[QPCI_MEM].next >> 16));
	qpci_config_writew(d, PCI_MEMORY_LIMIT, (uint16_t)((w[QPCI_MEM].end - 1) >> 16 & 0xfff0));
	qpci_config_writew(d, PCI_PREF_MEMORY_BASE, (uint16_t)(w[QPCI_PREF].next >> 16 & 0xfff0));
	qpci_config_writew(d, PCI_PREF_MEMORY_LIMIT,
			   (uint16_t)((w[QPCI_PREF].end - 1) >> 16 & 0xfff0));
	qpci_config_writel(d, PCI_PREF_BASE_UPPER32, (uint32_t)(w[QPCI_PREF].next >> 32));
	qpci_config_writel(d, PCI_PREF_LIMIT_UPPER32, (uint32_t)((w[QPCI_PREF].end - 1) >> 32));
	qpci_device_enable(d);
}

static void scan_bus(struct qpci *pci, unsigned bus, struct qpci_dev *bridge);

static void scan_below(struct qpci_dev *d)
{
	struct qpci *pci = d->pci;
	unsigned nr = ++pci->last_bus;

	g_assert_cmpuint(nr, <, BUSES);
	qpci_config_writeb(d, PCI_PRIMARY_BUS, d->bus);
	qpci_config_writeb(d, PCI_SECONDARY_BUS, (uint8_t)nr);
	qpci_config_writeb(d, PCI_SUBORDINATE_BUS, BUSES - 1);
	open_windows(d);
	scan_bus(pci, nr, d);
	qpci_config_writeb(d, PCI_SUBORDINATE_BUS, (uint8_t)pci->last_bus);
}

static bool scan_function(struct qpci *pci, unsigned bus, struct qpci_dev *bridge, unsigned devfn)
{
	uint32_t id = qpci_read(pci, bus, devfn, PCI_VENDOR_ID, 4);
	struct qpci_dev *d;

	if ((id & 0xffff) == 0xffff)
		return false;
	d = g_new0(struct qpci_dev, 1);
	d->pci = pci;
	d->bridge = bridge;
	d->bus = (uint8_t)bus;
	d->devfn = (uint8_t)devfn;
	d->vendor = (uint16_t)id;
	d->device = (uint16_t)(id >> 16);
	d->is_bridge = (qpci_config_readb(d, PCI_HEADER_TYPE) & 0x7f) == PCI_HEADER_TYPE_BRIDGE;
	g_ptr_array_add(pci->devs, d);
	if (d->is_bridge)
		scan_below(d);
	return true;
}

static void scan_bus(struct qpci *pci, unsigned bus, struct qpci_dev *bridge)
{
	for (unsigned slot = 0; slot < 32; slot++) {
		unsigned first = QPCI_DEVFN(slot, 0);

		if (!scan_function(pci, bus, bridge, first) ||
		    !(qpci_read(pci, bus, first, PCI_HEADER_TYPE, 1) & 0x80))
			continue;
		for (unsigned fn = 1; fn < 8; fn++)
			scan_function(pci, bus, bridge, first + fn);
	}
}

/* Every bridge silent at first: what the board had numbered could hide what is numbered now. */
static void close_bridges(struct qpci *pci)
{
	for (unsigned devfn = 0; devfn < 256; devfn++)
		if (qpci_read(pci, 0, devfn, PCI_VENDOR_ID, 2) != 0xffff &&
		    (qpci_read(pci, 0, devfn, PCI_HEADER_TYPE, 1) & 0x7f) == PCI_HEADER_TYPE_BRIDGE)
			qpci_write(pci, 0, devfn, PCI_PRIMARY_BUS, 0, 4);
}

static void find_window(struct qpci *pci)
{
	uint32_t low = qpci_read(pci, 0, 0, PCIEXBAR, 4);

	if (!(low & 1)) {
		qpci_write(pci, 0, 0, PCIEXBAR + 4, 0, 4);
		qpci_write(pci, 0, 0, PCIEXBAR, QPCI_ECAM | 1, 4);
		low = QPCI_ECAM;
	}
	pci->ecam = (uint64_t)qpci_read(pci, 0, 0, PCIEXBAR + 4, 4) << 32 | (low & 0xfc000000);
}

struct qpci *qpci_init(struct qtest *q)
{
	struct qpci *pci = g_new0(struct qpci, 1);

	pci->q = q;
	pci->devs = g_ptr_array_new_with_free_func(g_free);
	pci->arena[QPCI_IO] = (struct qpci_arena){0xa000, 0xf000};
	pci->arena[QPCI_MEM] = (struct qpci_arena){0xe0000000, 0xfe000000};
	pci->arena[QPCI_PREF] = (struct qpci_arena){0x2000000000, 0x4000000000};
	find_window(pci);
	close_bridges(pci);
	scan_bus(pci, 0, NULL);
	return pci;
}

void qpci_free(struct qpci *pci)
{
	g_ptr_array_free(pci->devs, TRUE);
	g_free(pci);
}

/* --- what the walk found --- */

struct qpci_dev *qpci_at(struct qpci *pci, unsigned bus, unsigned devfn)
{
	for (guint i = 0; i < pci->devs->len; i++) {
		struct qpci_dev *d = pci->devs->pdata[i];

		if (d->bus == bus && d->devfn == devfn)
			return d;
	}
	g_error("there is no PCI device %02x:%02x.%x", bus, QPCI_SLOT(devfn), devfn & 7);
}

struct qpci_dev *qpci_find(struct qpci *pci, uint16_t vendor, uint16_t device)
{
	for (guint i = 0; i < pci->devs->len; i++) {
		struct qpci_dev *d = pci->devs->pdata[i];

		if (d->vendor == vendor && d->device == device)
			return d;
	}
	return NULL;
}

unsigned qpci_find_capability(struct qpci_dev *d, uint8_t id, unsigned start)
{
	unsigned at = start ? start + PCI_CAP_LIST_NEXT : PCI_CAPABILITY_LIST;

	if (!(qpci_config_readw(d, PCI_STATUS) & PCI_STATUS_CAP_LIST))
		return 0;
	for (unsigned n = 0; n < 48; n++) { /* a chain may be a circle */
		unsigned cap = qpci_config_readb(d, at) & 0xfc;

		if (!cap || qpci_config_readb(d, cap) == id)
			return cap;
		at = cap + PCI_CAP_LIST_NEXT;
	}
	return 0;
}

unsigned qpci_find_ext_capability(struct qpci_dev *d, uint16_t id, unsigned start)
{
	unsigned at = PCI_CFG_SPACE_SIZE;

	if (start)
		at = PCI_EXT_CAP_NEXT(qpci_config_readl(d, start));
	for (unsigned n = 0; at >= PCI_CFG_SPACE_SIZE && n < 480; n++) {
		uint32_t head = qpci_config_readl(d, at);

		if (!head || head == UINT32_MAX)
			return 0;
		if (PCI_EXT_CAP_ID(head) == id)
			return at;
		at = PCI_EXT_CAP_NEXT(head);
	}
	return 0;
}
