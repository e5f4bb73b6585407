// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns both kinds of pvpanic device.  Made by vm/devs.c, entered by the address space (vCPU
 * threads).  Never stops anything itself: its ops tell the machine.
 */
#include "hw/dev/pvpanic.h"

#include <glib.h>

struct event {
	struct region region;
	uint8_t events;
	bool told; /* an event that is none was logged; atomic */
	struct pvpanic_ops ops;
};

struct pvpanic {
	struct event event;
	struct aspace *io;
	struct mmapping *map;
};

struct pci_pvpanic {
	struct pcidev dev;
	struct event event;
};

static void unknown(struct event *e, uint8_t val)
{
	if (!__atomic_exchange_n(&e->told, true, __ATOMIC_RELAXED))
		g_message("pvpanic: the guest writes the event 0x%02x, of 0x%02x; told once", val,
			  e->events);
}

static uint64_t event_read(void *opaque, uint64_t off, unsigned len)
{
	return off ? 0 : ((struct event *)opaque)->events;
}

static void event_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct event *e = opaque;
	uint8_t taken = val & e->events;

	if (off)
		return;
	if ((uint8_t)val & ~e->events)
		unknown(e, (uint8_t)val);
	if (e->ops.panicked && taken & (PVPANIC_PANICKED | PVPANIC_CRASH_LOADED))
		e->ops.panicked(e->ops.opaque, !(taken & PVPANIC_PANICKED));
}

static const struct region_ops event_ops = {
	.read = event_read, .write = event_write, .min = 1, .max = 1};

static void event_init(struct event *e, uint64_t size, uint8_t events,
		       const struct pvpanic_ops *ops)
{
	e->events = events;
	e->ops = *ops;
	region_init_io(&e->region, "pvpanic", size, &event_ops, e);
}

struct pvpanic *pvpanic_new(struct aspace *io, uint16_t port, uint8_t events,
			    const struct pvpanic_ops *ops)
{
	struct pvpanic *p = g_new0(struct pvpanic, 1);

	event_init(&p->event, 1, events, ops);
	p->io = io;
	p->map = aspace_map(io, &p->event.region, port, 0, 1, 0);
	return p;
}

void pvpanic_free(struct pvpanic *p)
{
	if (!p)
		return;
	aspace_unmap(p->io, p->map);
	aspace_sync();
	g_free(p);
}

static void pci_free(struct pcidev *d)
{
	aspace_sync();
	g_free(d->priv);
}

static const struct pcidev_ops pci_ops = {.model = "pvpanic-pci", .free = pci_free};

struct pcidev *pci_pvpanic_new(const char *id, uint8_t events, const struct pvpanic_ops *ops)
{
	struct pci_pvpanic *p = g_new0(struct pci_pvpanic, 1);
	struct pcidev *d = &p->dev;

	d->priv = p;
	if (id)
		g_strlcpy(d->name, id, sizeof(d->name));
	pcidev_init(d, &pci_ops, PCI_CFG_CONV, 0x1b36, 0x0011, 0x088000, 1);
	pci_set16(d->cfg + PCI_SUBSYSTEM_VENDOR_ID, 0x1af4);
	pci_set16(d->cfg + PCI_SUBSYSTEM_ID, 0x1100);
	event_init(&p->event, PVPANIC_BAR_SIZE, events, ops);
	pcidev_set_bar(d, 0, &p->event.region, PVPANIC_BAR_SIZE, PCI_BASE_ADDRESS_SPACE_MEMORY);
	return d;
}
