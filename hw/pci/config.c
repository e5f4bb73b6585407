// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the config space of a device model and where its BARs are mapped.  Called by the bus for
 * config cycles and by models for set-up; never knows what is behind a BAR.
 */
#include <string.h>

#include "hw/pci/pci.h"
#include "mem/access.h"

void pcidev_init(struct pcidev *d, const struct pcidev_ops *ops, unsigned cfg_size, uint16_t vendor,
		 uint16_t device, uint32_t class, uint8_t revision)
{
	d->ops = ops;
	d->cfg_size = cfg_size;
	pci_set16(d->cfg + PCI_VENDOR_ID, vendor);
	pci_set16(d->cfg + PCI_DEVICE_ID, device);
	pci_set32(d->cfg + PCI_CLASS_REVISION, class << 8 | revision);
	pci_set16(d->wmask + PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
						  PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
						  PCI_COMMAND_INTX_DISABLE);
	pci_set16(d->w1c + PCI_STATUS, 0xf900);
	d->wmask[PCI_CACHE_LINE_SIZE] = 0xff;
	d->wmask[PCI_INTERRUPT_LINE] = 0xff;
	for (int i = 0; i <= PCI_ROM_BAR; i++)
		d->bar[i].addr = UINT64_MAX;
	if (!d->name[0])
		strncpy(d->name, ops->model, sizeof(d->name) - 1);
}

static unsigned bar_off(const struct pcidev *d, unsigned n)
{
	if (n == PCI_ROM_BAR)
		return d->cfg[PCI_HEADER_TYPE] & 1 ? PCI_ROM_ADDRESS1 : PCI_ROM_ADDRESS;
	return PCI_BASE_ADDRESS_0 + 4 * n;
}

static bool bar_is_64(const struct pcibar *b)
{
	return !(b->flags & PCI_BASE_ADDRESS_SPACE_IO) &&
	       (b->flags & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64;
}

void pcidev_set_bar(struct pcidev *d, unsigned n, struct region *r, uint64_t size, uint32_t flags)
{
	struct pcibar *b = &d->bar[n];
	uint64_t mask = ~(size - 1);
	unsigned off = bar_off(d, n);

	*b = (struct pcibar){.region = r, .size = size, .flags = flags, .addr = UINT64_MAX};
	pci_set32(d->cfg + off, flags);
	pci_set32(d->wmask + off, (uint32_t)mask);
	if (n == PCI_ROM_BAR)
		d->wmask[off] |= PCI_ROM_ADDRESS_ENABLE;
	if (n < PCI_BARS - 1 && bar_is_64(b)) {
		pci_set32(d->cfg + off + 4, 0);
		pci_set32(d->wmask + off + 4, (uint32_t)(mask >> 32));
	}
}

uint64_t pcidev_bar_value(const struct pcidev *d, unsigned n)
{
	const struct pcibar *b = &d->bar[n];
	unsigned off = bar_off(d, n);
	uint64_t v = pci_get32(d->cfg + off);

	if (n == PCI_ROM_BAR)
		return v & PCI_ROM_ADDRESS_MASK;
	if (b->flags & PCI_BASE_ADDRESS_SPACE_IO)
		return v & ~3ull;
	v &= ~15ull;
	return bar_is_64(b) ? v | (uint64_t)pci_get32(d->cfg + off + 4) << 32 : v;
}

void pcidev_set_bar_value(struct pcidev *d, unsigned n, uint64_t addr)
{
	const struct pcibar *b = &d->bar[n];
	unsigned off = bar_off(d, n);

	if (n == PCI_ROM_BAR) {
		pci_set32(d->cfg + off, (uint32_t)addr | (d->cfg[off] & PCI_ROM_ADDRESS_ENABLE));
		return;
	}
	pci_set32(d->cfg + off, (uint32_t)addr | b->flags);
	if (bar_is_64(b))
		pci_set32(d->cfg + off + 4, (uint32_t)(addr >> 32));
}

/* --- where a BAR shows --- */

struct window {
	uint64_t base, last;
};

static struct window io_window(const uint8_t *c)
{
	return (struct window){(uint64_t)(c[PCI_IO_BASE] & 0xf0) << 8 |
				       (uint64_t)pci_get16(c + PCI_IO_BASE_UPPER16) << 16,
			       (uint64_t)(c[PCI_IO_LIMIT] & 0xf0) << 8 | 0xfff |
				       (uint64_t)pci_get16(c + PCI_IO_LIMIT_UPPER16) << 16};
}

static struct window mem_window(const uint8_t *c)
{
	return (struct window){(uint64_t)(pci_get16(c + PCI_MEMORY_BASE) & 0xfff0) << 16,
			       (uint64_t)(pci_get16(c + PCI_MEMORY_LIMIT) & 0xfff0) << 16 |
				       0xfffff};
}

static struct window pref_window(const uint8_t *c)
{
	return (struct window){(uint64_t)(pci_get16(c + PCI_PREF_MEMORY_BASE) & 0xfff0) << 16 |
				       (uint64_t)pci_get32(c + PCI_PREF_BASE_UPPER32) << 32,
			       (uint64_t)(pci_get16(c + PCI_PREF_MEMORY_LIMIT) & 0xfff0) << 16 |
				       0xfffff |
				       (uint64_t)pci_get32(c + PCI_PREF_LIMIT_UPPER32) << 32};
}

static bool inside(struct window w, uint64_t addr, uint64_t size)
{
	return w.base <= w.last && addr >= w.base && addr + size - 1 <= w.last;
}

/* Do all bridges above forward [addr, addr + size)? */
static bool forwarded(const struct pcidev *d, bool io, uint64_t addr, uint64_t size)
{
	for (const struct pcidev *b = d->bus->bridge; b; b = b->bus ? b->bus->bridge : NULL) {
		uint16_t cmd = pci_get16(b->cfg + PCI_COMMAND);

		if (!(cmd & (io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)))
			return false;
		if (io ? !inside(io_window(b->cfg), addr, size)
		       : !inside(mem_window(b->cfg), addr, size) &&
				    !inside(pref_window(b->cfg), addr, size))
			return false;
	}
	return true;
}

static bool decoding(const struct pcidev *d, unsigned n)
{
	uint16_t cmd = pci_get16(d->cfg + PCI_COMMAND);

	if (n == PCI_ROM_BAR)
		return cmd & PCI_COMMAND_MEMORY && d->cfg[bar_off(d, n)] & PCI_ROM_ADDRESS_ENABLE;
	return cmd &
	       (d->bar[n].flags & PCI_BASE_ADDRESS_SPACE_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY);
}

/*
 * UINT64_MAX where the BAR does not show: off, unset, being sized, or outside of a bridge's window.
 */
static uint64_t bar_addr(const struct pcidev *d, unsigned n)
{
	const struct pcibar *b = &d->bar[n];
	bool io = b->flags & PCI_BASE_ADDRESS_SPACE_IO;
	uint64_t addr, last, top = io ? 0xffff : bar_is_64(b) ? UINT64_MAX >> 12 : UINT32_MAX;

	if (!decoding(d, n))
		return UINT64_MAX;
	addr = pcidev_bar_value(d, n) & ~(b->size - 1);
	last = addr + b->size - 1;
	if (!addr || last < addr || last >= top || !forwarded(d, io, addr, b->size))
		return UINT64_MAX;
	return addr;
}

static void update_bar(struct pcidev *d, unsigned n)
{
	struct pcibar *b = &d->bar[n];
	struct aspace *as =
		b->flags & PCI_BASE_ADDRESS_SPACE_IO ? d->bus->host->io : d->bus->host->mem;
	uint64_t addr = bar_addr(d, n);

	if (addr == b->addr)
		return;
	aspace_begin(as);
	aspace_unmap(as, b->map);
	b->map = NULL;
	b->addr = addr;
	/* Below RAM and the board's own registers: a misplaced BAR hides nothing. */
	if (addr != UINT64_MAX)
		b->map = aspace_map(as, b->region, addr, 0, b->size, -1);
	aspace_commit(as);
}

void pcidev_update_bars(struct pcidev *d)
{
	if (!d->bus)
		return;
	for (unsigned n = 0; n <= PCI_ROM_BAR; n++)
		if (d->bar[n].region)
			update_bar(d, n);
	if (d->ops->bars_moved)
		d->ops->bars_moved(d);
	if (d->child)
		for (unsigned i = 0; i < 256; i++)
			if (d->child->dev[i])
				pcidev_update_bars(d->child->dev[i]);
}

/* --- config accesses --- */

uint32_t pcidev_cfg_read(struct pcidev *d, unsigned off, unsigned len)
{
	return (uint32_t)le_load(d->cfg + off, len);
}

/* The registers that move BARs: command, BARs, ROM; and a bridge's windows and bus numbers. */
static bool moves_bars(const struct pcidev *d, unsigned off, unsigned len)
{
	bool bridge = d->cfg[PCI_HEADER_TYPE] & 1;

	return pci_hits(off, len, PCI_COMMAND, 2) ||
	       pci_hits(off, len, PCI_BASE_ADDRESS_0, bridge ? 0x2c : 0x18) ||
	       pci_hits(off, len, bar_off(d, PCI_ROM_BAR), 4);
}

void pcidev_cfg_write(struct pcidev *d, unsigned off, uint32_t val, unsigned len)
{
	/* INTX_DISABLE and STATUS.INTERRUPT are changed by the interrupt road, too. */
	bool shared = d->bus && pci_hits(off, len, PCI_COMMAND, 4);

	if (shared)
		pthread_mutex_lock(&d->bus->host->irq_lock);
	for (unsigned i = 0; i < len; i++) {
		uint8_t b = (uint8_t)(val >> (8 * i)), *c = &d->cfg[off + i];
		uint8_t w = d->wmask[off + i], clear = d->w1c[off + i];

		*c = (uint8_t)(((*c & ~w) | (b & w)) & ~(b & clear));
	}
	if (shared)
		pthread_mutex_unlock(&d->bus->host->irq_lock);
	if (moves_bars(d, off, len))
		pcidev_update_bars(d);
	if (pci_hits(off, len, PCI_COMMAND, 2))
		pcidev_intx_update(d);
}

/* RST# and the like: what PCI 3.0 6.2 asks to be 0, plus the interrupt line. */
void pcidev_reset_config(struct pcidev *d)
{
	pthread_mutex_t *lock = d->bus ? &d->bus->host->irq_lock : NULL;

	pcidev_intx(d, false);
	if (lock)
		pthread_mutex_lock(lock);
	pci_set16(d->cfg + PCI_COMMAND, 0);
	pci_set16(d->cfg + PCI_STATUS,
		  (uint16_t)(pci_get16(d->cfg + PCI_STATUS) & ~pci_get16(d->w1c + PCI_STATUS)));
	if (lock)
		pthread_mutex_unlock(lock);
	d->cfg[PCI_CACHE_LINE_SIZE] = 0;
	d->cfg[PCI_INTERRUPT_LINE] = 0;
	if (d->bar[PCI_ROM_BAR].region)
		d->cfg[bar_off(d, PCI_ROM_BAR)] &= (uint8_t)~PCI_ROM_ADDRESS_ENABLE;
	for (unsigned n = 0; n <= PCI_ROM_BAR; n++)
		if (d->bar[n].region)
			pcidev_set_bar_value(d, n, 0);
	pcidev_update_bars(d);
}
