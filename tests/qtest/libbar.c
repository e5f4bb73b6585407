// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns base address registers: what they are, where they are put, accesses to what is behind.
 * Called by tests through libpci.h; knows no device.
 */
#include "tests/qtest/libpci.h"

uint64_t qpci_alloc(struct qpci_dev *d, enum qpci_space space, uint64_t size)
{
	struct qpci_arena *a = &(d->bridge ? d->bridge->window : d->pci->arena)[space];
	uint64_t at = (a->next + size - 1) & ~(size - 1);

	if (at + size > a->end)
		g_error("no room for %" G_GINT64_MODIFIER "u bytes of PCI", size);
	a->next = at + size;
	return at;
}

void qpci_device_enable(struct qpci_dev *d)
{
	qpci_config_writew(d, PCI_COMMAND,
			   qpci_config_readw(d, PCI_COMMAND) | PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
				   PCI_COMMAND_MASTER);
}

void qpci_device_disable(struct qpci_dev *d)
{
	qpci_config_writew(d, PCI_COMMAND,
			   qpci_config_readw(d, PCI_COMMAND) &
				   ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER));
}

/* --- registers --- */

static unsigned reg_of(unsigned nr)
{
	return PCI_BASE_ADDRESS_0 + 4 * nr;
}

/* What stands in a register after all ones were written; its value is put back. */
static uint32_t ones(struct qpci_dev *d, unsigned nr)
{
	uint32_t old = qpci_config_readl(d, reg_of(nr)), mask;

	qpci_config_writel(d, reg_of(nr), UINT32_MAX);
	mask = qpci_config_readl(d, reg_of(nr));
	qpci_config_writel(d, reg_of(nr), old);
	return mask;
}

struct qpci_bar qpci_bar_probe(struct qpci_dev *d, unsigned nr)
{
	uint16_t command = qpci_config_readw(d, PCI_COMMAND);
	uint32_t low = qpci_config_readl(d, reg_of(nr));
	struct qpci_bar bar = {.dev = d, .nr = nr, .io = low & PCI_BASE_ADDRESS_SPACE_IO};
	uint64_t mask;

	bar.wide =
		!bar.io && (low & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64;
	bar.prefetch = !bar.io && low & PCI_BASE_ADDRESS_MEM_PREFETCH;
	qpci_config_writew(d, PCI_COMMAND, command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
	bar.addr = low & (bar.io ? ~3u : ~15u);
	mask = ones(d, nr) & (bar.io ? ~3u : ~15u);
	if (bar.wide) {
		bar.addr |= (uint64_t)qpci_config_readl(d, reg_of(nr + 1)) << 32;
		mask |= (uint64_t)ones(d, nr + 1) << 32;
	} else if (mask) {
		mask |= UINT64_MAX << 32;
	}
	if (bar.io && mask)
		mask |= 0xffff0000; /* the upper half need not be there */
	bar.size = mask & -mask;
	qpci_config_writew(d, PCI_COMMAND, command);
	return bar;
}

void qpci_bar_set(struct qpci_bar *bar, uint64_t addr)
{
	bar->addr = addr;
	qpci_config_writel(bar->dev, reg_of(bar->nr), (uint32_t)addr);
	if (bar->wide)
		qpci_config_writel(bar->dev, reg_of(bar->nr + 1), (uint32_t)(addr >> 32));
}

struct qpci_bar *qpci_iomap(struct qpci_dev *d, unsigned nr)
{
	struct qpci_bar *bar = &d->bar[nr];
	enum qpci_space s;

	if (bar->dev)
		return bar;
	*bar = qpci_bar_probe(d, nr);
	if (!bar->size)
		g_error("%02x:%02x.%x has no BAR %u", d->bus, QPCI_SLOT(d->devfn), d->devfn & 7,
			nr);
	s = bar->io ? QPCI_IO : bar->wide && bar->prefetch ? QPCI_PREF : QPCI_MEM;
	/* A page at least, so that two devices never share one. */
	qpci_bar_set(bar, qpci_alloc(d, s, s == QPCI_IO ? bar->size : MAX(bar->size, 4096)));
	return bar;
}

/* --- accesses --- */

uint8_t qpci_io_readb(const struct qpci_bar *bar, uint64_t off)
{
	struct qtest *q = bar->dev->pci->q;

	return bar->io ? qtest_inb(q, (uint16_t)(bar->addr + off))
		       : qtest_readb(q, bar->addr + off);
}

uint16_t qpci_io_readw(const struct qpci_bar *bar, uint64_t off)
{
	struct qtest *q = bar->dev->pci->q;

	return bar->io ? qtest_inw(q, (uint16_t)(bar->addr + off))
		       : qtest_readw(q, bar->addr + off);
}

uint32_t qpci_io_readl(const struct qpci_bar *bar, uint64_t off)
{
	struct qtest *q = bar->dev->pci->q;

	return bar->io ? qtest_inl(q, (uint16_t)(bar->addr + off))
		       : qtest_readl(q, bar->addr + off);
}

uint64_t qpci_io_readq(const struct qpci_bar *bar, uint64_t off)
{
	g_assert_false(bar->io);
	return qtest_readq(bar->dev->pci->q, bar->addr + off);
}

void qpci_io_writeb(const struct qpci_bar *bar, uint64_t off, uint8_t val)
{
	if (bar->io)
		qtest_outb(bar->dev->pci->q, (uint16_t)(bar->addr + off), val);
	else
		qtest_writeb(bar->dev->pci->q, bar->addr + off, val);
}

void qpci_io_writew(const struct qpci_bar *bar, uint64_t off, uint16_t val)
{
	if (bar->io)
		qtest_outw(bar->dev->pci->q, (uint16_t)(bar->addr + off), val);
	else
		qtest_writew(bar->dev->pci->q, bar->addr + off, val);
}

void qpci_io_writel(const struct qpci_bar *bar, uint64_t off, uint32_t val)
{
	if (bar->io)
		qtest_outl(bar->dev->pci->q, (uint16_t)(bar->addr + off), val);
	else
		qtest_writel(bar->dev->pci->q, bar->addr + off, val);
}

void qpci_io_writeq(const struct qpci_bar *bar, uint64_t off, uint64_t val)
{
	g_assert_false(bar->io);
	qtest_writeq(bar->dev->pci->q, bar->addr + off, val);
}
