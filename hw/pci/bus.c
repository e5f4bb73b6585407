// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the hierarchy: slots, bus numbers, the way of a config cycle down and of an interrupt pin
 * up.  Called by host bridges and the board; never knows what a device is.
 */
#include "hw/pci/pci.h"

#include <errno.h>
#include <glib.h>
#include <stddef.h>
#include <string.h>

#include "base/err.h"

void pcihost_init(struct pcihost *h, const struct pcihost_ops *ops, void *opaque,
		  struct aspace *mem, struct aspace *io, struct aspace *dma)
{
	pthread_mutexattr_t attr;

	memset(h, 0, sizeof(*h));
	h->ops = ops;
	h->opaque = opaque;
	h->mem = mem;
	h->io = io;
	h->dma = dma;
	h->root.host = h;
	/* Recursive: a config write may reset the bus that it came over. */
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&h->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	pthread_mutex_init(&h->irq_lock, NULL);
}

static void free_bus(struct pcibus *b)
{
	for (int i = 255; i >= 0; i--) {
		struct pcidev *d = b->dev[i];

		if (!d)
			continue;
		if (d->child)
			free_bus(d->child);
		pcidev_unplug(d);
		d->ops->free(d);
	}
}

void pcihost_fini(struct pcihost *h)
{
	if (!h->ops)
		return;
	free_bus(&h->root);
	pthread_mutex_destroy(&h->lock);
	pthread_mutex_destroy(&h->irq_lock);
}

unsigned pcibus_nr(const struct pcibus *b)
{
	return b->bridge ? b->bridge->cfg[PCI_SECONDARY_BUS] : 0;
}

/* Read once: a device's own thread may race with the unplug. */
static struct pcibus *bus_of(const struct pcidev *d)
{
	return __atomic_load_n(&d->bus, __ATOMIC_ACQUIRE);
}

uint16_t pcidev_bdf(const struct pcidev *d)
{
	const struct pcibus *b = bus_of(d);

	return (uint16_t)((b ? pcibus_nr(b) : 0) << 8 | d->devfn);
}

static struct pcibus *find_below(struct pcibus *b, unsigned nr)
{
	for (struct pcidev *d = b->bridges; d; d = d->next_bridge) {
		unsigned secondary = d->cfg[PCI_SECONDARY_BUS];

		if (secondary && secondary == nr)
			return d->child;
		if (secondary && secondary < nr && nr <= d->cfg[PCI_SUBORDINATE_BUS])
			return find_below(d->child, nr);
	}
	return NULL;
}

struct pcibus *pcihost_bus(struct pcihost *h, unsigned nr)
{
	return nr ? find_below(&h->root, nr) : &h->root;
}

static struct pcidev *find_dev(struct pcihost *h, unsigned bdf)
{
	struct pcibus *b = pcihost_bus(h, bdf >> 8);

	return b ? b->dev[bdf & 0xff] : NULL;
}

static uint32_t ones(unsigned len)
{
	return len >= 4 ? UINT32_MAX : (1u << (8 * len)) - 1;
}

uint32_t pcidev_cycle_read(struct pcidev *d, unsigned off, unsigned len)
{
	uint32_t v = ones(len);

	pthread_mutex_lock(&d->bus->host->lock);
	if (off + len <= d->cfg_size)
		v = d->ops->cfg_read ? d->ops->cfg_read(d, off, len) : pcidev_cfg_read(d, off, len);
	pthread_mutex_unlock(&d->bus->host->lock);
	return v & ones(len);
}

void pcidev_cycle_write(struct pcidev *d, unsigned off, uint32_t val, unsigned len)
{
	pthread_mutex_t *lock = &d->bus->host->lock;

	val &= ones(len);
	pthread_mutex_lock(lock);
	if (off + len <= d->cfg_size) {
		if (d->ops->cfg_write)
			d->ops->cfg_write(d, off, val, len);
		else
			pcidev_cfg_write(d, off, val, len);
	}
	pthread_mutex_unlock(lock);
}

uint32_t pcihost_cfg_read(struct pcihost *h, unsigned bdf, unsigned off, unsigned len)
{
	struct pcidev *d;
	uint32_t v = ones(len);

	pthread_mutex_lock(&h->lock);
	d = find_dev(h, bdf);
	if (d)
		v = pcidev_cycle_read(d, off, len);
	pthread_mutex_unlock(&h->lock);
	return v;
}

void pcihost_cfg_write(struct pcihost *h, unsigned bdf, unsigned off, uint32_t val, unsigned len)
{
	struct pcidev *d;

	pthread_mutex_lock(&h->lock);
	d = find_dev(h, bdf);
	if (d)
		pcidev_cycle_write(d, off, val, len);
	pthread_mutex_unlock(&h->lock);
}

int pcidev_plug(struct pcidev *d, struct pcibus *bus, uint8_t devfn, struct err **errp)
{
	struct pcidev *there;

	if (bus->bridge && bus->bridge->express && PCI_SLOT(devfn))
		return err_set(
			errp, -EINVAL,
			"%s: address %02x.%x does not exist below a PCI Express port: only slot 0",
			d->name, PCI_SLOT(devfn), PCI_FUNC(devfn));
	pthread_mutex_lock(&bus->host->lock);
	there = bus->dev[devfn];
	if (there) {
		pthread_mutex_unlock(&bus->host->lock);
		return err_set(errp, -EBUSY, "%s: address %02x.%x is taken by %s", d->name,
			       PCI_SLOT(devfn), PCI_FUNC(devfn), there->name);
	}
	d->bus = bus;
	d->devfn = devfn;
	if (d->child) {
		d->child->host = bus->host;
		d->child->bridge = d;
		d->next_bridge = bus->bridges;
		bus->bridges = d;
	}
	bus->dev[devfn] = d;
	pthread_mutex_unlock(&bus->host->lock);
	return 0;
}

void pcidev_silence(struct pcidev *d)
{
	struct pcihost *h = d->bus ? d->bus->host : NULL;

	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	pcidev_reset_config(d);
	if (d->ops->reset && !d->child)
		d->ops->reset(d);
	pthread_mutex_unlock(&h->lock);
}

static void let_go(struct pcidev *d);

void pcidev_unplug(struct pcidev *d)
{
	struct pcihost *h;

	if (!d->bus)
		return;
	h = d->bus->host;
	pthread_mutex_lock(&h->lock);
	if (d->ops->leave)
		d->ops->leave(d);
	pcidev_intx(d, false);
	for (int i = 0; i <= PCI_ROM_BAR; i++) {
		if (d->bar[i].map)
			aspace_unmap(d->bar[i].flags & PCI_BASE_ADDRESS_SPACE_IO ? h->io : h->mem,
				     d->bar[i].map);
		d->bar[i].map = NULL;
		d->bar[i].addr = UINT64_MAX;
	}
	for (struct pcidev **p = &d->bus->bridges; *p; p = &(*p)->next_bridge)
		if (*p == d) {
			*p = d->next_bridge;
			break;
		}
	d->bus->dev[d->devfn] = NULL;
	let_go(d);
	pthread_mutex_unlock(&h->lock);
}

int pcibus_free_slot(const struct pcibus *bus, unsigned from)
{
	unsigned end = bus->bridge && bus->bridge->express ? 1 : 32;

	for (unsigned slot = from; slot < end; slot++) {
		bool any = false;

		for (unsigned fn = 0; fn < 8; fn++)
			any |= bus->dev[PCI_DEVFN(slot, fn)] != NULL;
		if (!any)
			return PCI_DEVFN(slot, 0);
	}
	return -ENOSPC;
}

static void foreach_below(struct pcibus *b, void (*fn)(void *opaque, struct pcidev *d),
			  void *opaque)
{
	for (int i = 0; i < 256; i++) {
		struct pcidev *d = b->dev[i];

		if (!d)
			continue;
		fn(opaque, d);
		if (d->child)
			foreach_below(d->child, fn, opaque);
	}
}

void pcihost_foreach(struct pcihost *h, void (*fn)(void *opaque, struct pcidev *d), void *opaque)
{
	pthread_mutex_lock(&h->lock);
	foreach_below(&h->root, fn, opaque);
	pthread_mutex_unlock(&h->lock);
}

static void gather_busy(void *opaque, struct pcidev *d)
{
	if (d->ops->settle)
		g_ptr_array_add(opaque, d);
}

void pcihost_settle(struct pcihost *h)
{
	g_autoptr(GPtrArray) busy = g_ptr_array_new();

	pcihost_foreach(h, gather_busy, busy);
	for (guint i = 0; i < busy->len; i++) {
		struct pcidev *d = busy->pdata[i];

		d->ops->settle(d);
	}
}

static void reset_one(void *opaque, struct pcidev *d)
{
	pcidev_reset_config(d);
	if (d->ops->reset)
		d->ops->reset(d);
}

void pcihost_reset(struct pcihost *h)
{
	pcihost_foreach(h, reset_one, NULL);
}

void pcibus_reset(struct pcibus *b)
{
	foreach_below(b, reset_one, NULL);
}

static void reroute_one(void *opaque, struct pcidev *d)
{
	if (d->ops->intx_routed)
		d->ops->intx_routed(d);
}

void pcihost_intx_rerouted(struct pcihost *h)
{
	pcihost_foreach(h, reroute_one, NULL);
}

/* --- INTx: swizzled at each bridge on the way up (PCI-to-PCI Bridge 1.2, 9.1) --- */

struct pin {
	unsigned slot, pin; /* pin 0..3 */
};

static bool root_pin(const struct pcidev *d, struct pin *p)
{
	unsigned pin = d->cfg[PCI_INTERRUPT_PIN];

	if (!pin || pin > 4 || !d->bus)
		return false;
	pin--;
	for (; d->bus->bridge; d = d->bus->bridge) {
		pin = (pin + PCI_SLOT(d->devfn)) % 4;
		if (!d->bus->bridge->bus)
			return false;
	}
	*p = (struct pin){PCI_SLOT(d->devfn), pin};
	return true;
}

/* Under irq_lock: bring the pin to what the device wants and INTx-disable allows. */
static void drive_pin(struct pcidev *d, struct pin p)
{
	bool drive = d->intx_level && !(pci_get16(d->cfg + PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE);
	struct pcihost *h = d->bus->host;
	uint16_t *count = &h->intx_count[p.slot][p.pin];

	if (drive == d->intx_driven)
		return;
	d->intx_driven = drive;
	*count = (uint16_t)(*count + (drive ? 1 : -1));
	if (*count == (drive ? 1 : 0))
		h->ops->intx(h->opaque, p.slot, p.pin + 1, drive);
}

/* Under irq_lock: the pin, where the device still is on a bus. */
static bool pin_of(struct pcidev *d, struct pin *p)
{
	return d->bus && root_pin(d, p);
}

void pcidev_intx(struct pcidev *d, bool level)
{
	struct pcibus *b = bus_of(d);
	struct pin p;

	if (!b) {
		d->intx_level = level;
		return;
	}
	pthread_mutex_lock(&b->host->irq_lock);
	d->intx_level = level;
	if (pin_of(d, &p)) {
		if (level)
			d->cfg[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
		else
			d->cfg[PCI_STATUS] &= (uint8_t)~PCI_STATUS_INTERRUPT;
		drive_pin(d, p);
	}
	pthread_mutex_unlock(&b->host->irq_lock);
}

void pcidev_intx_update(struct pcidev *d)
{
	struct pcibus *b = bus_of(d);
	struct pin p;

	if (!b)
		return;
	pthread_mutex_lock(&b->host->irq_lock);
	if (pin_of(d, &p))
		drive_pin(d, p);
	pthread_mutex_unlock(&b->host->irq_lock);
}

/* The device leaves: its pin goes down and stays down, whatever a thread of its own still says. */
static void let_go(struct pcidev *d)
{
	struct pcibus *b = d->bus;
	struct pin p;

	pthread_mutex_lock(&b->host->irq_lock);
	d->intx_level = false;
	if (root_pin(d, &p))
		drive_pin(d, p);
	__atomic_store_n(&d->bus, NULL, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&b->host->irq_lock);
}

void pcidev_intx_gate(struct pcidev *d, bool disable)
{
	uint16_t bit = pci_get16(d->wmask + PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE;
	uint16_t command = (uint16_t)(pci_get16(d->cfg + PCI_COMMAND) & ~bit);
	struct pin p;

	pci_set16(d->cfg + PCI_COMMAND, disable ? command | bit : command);
	if (root_pin(d, &p))
		drive_pin(d, p);
}

int pcidev_intx_gsi(const struct pcidev *d)
{
	struct pin p;

	if (!root_pin(d, &p) || !d->bus->host->ops->intx_gsi)
		return -1;
	return d->bus->host->ops->intx_gsi(d->bus->host->opaque, p.slot, p.pin + 1);
}

void pcidev_msi_send(struct pcidev *d, struct msi_msg msg)
{
	struct pcibus *b = bus_of(d);

	if (b && pci_get16(d->cfg + PCI_COMMAND) & PCI_COMMAND_MASTER)
		b->host->ops->msi(b->host->opaque, d, msg);
}

/* NULL = no DMA. */
static struct pcibus *master_of(const struct pcidev *d)
{
	struct pcibus *b = bus_of(d);

	return b && pci_get16(d->cfg + PCI_COMMAND) & PCI_COMMAND_MASTER ? b : NULL;
}

bool pcidev_dma_read(struct pcidev *d, uint64_t addr, void *buf, size_t len)
{
	struct pcibus *b = master_of(d);
	bool ok = b != NULL;

	if (ok)
		ok = d->dma ? d->dma->read(d->dma->opaque, d, addr, buf, len)
			    : aspace_read_buf(b->host->dma, addr, buf, len);
	if (!ok)
		memset(buf, 0xff, len);
	return ok;
}

bool pcidev_dma_write(struct pcidev *d, uint64_t addr, const void *buf, size_t len)
{
	struct pcibus *b = master_of(d);

	if (!b)
		return false;
	return d->dma ? d->dma->write(d->dma->opaque, d, addr, buf, len)
		      : aspace_write_buf(b->host->dma, addr, buf, len);
}
