/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of PCI share: a host whose pins, messages and GSIs are recorded, and a device
 * model whose BARs say which device and which BAR they are.  Each test makes one struct pciboard
 * and frees it.
 */
#ifndef TESTS_UNIT_PCI_UTIL_H
#define TESTS_UNIT_PCI_UTIL_H

#include <glib.h>
#include <string.h>

#include "base/err.h"
#include "hw/pci/pci.h"

#define NOWHERE UINT64_MAX
#define MEM32 PCI_BASE_ADDRESS_SPACE_MEMORY
#define MEM64 PCI_BASE_ADDRESS_MEM_TYPE_64
#define PREF64 (PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH)
#define IO PCI_BASE_ADDRESS_SPACE_IO

struct pciboard {
	struct aspace *mem, *io;
	struct pcihost host;
	bool pin[32][4];       /* level, as the host was told */
	unsigned edges;        /* calls of the pin function */
	unsigned alive;        /* devices not freed yet */
	unsigned msis;         /* messages sent */
	struct msi_msg last;   /* of them */
	struct pcidev *sender; /* of the last one */
	unsigned offs;         /* slots that the guest turned off */
	struct pcidev *off;    /* the last of them */
};

struct tpci {
	struct pcidev dev;
	struct pciboard *board;
	struct region region[PCI_BARS + 1];
	uint8_t tag;
	unsigned resets, routed, moved;
};

static inline void pb_intx(void *opaque, unsigned slot, unsigned pin, bool level)
{
	struct pciboard *b = opaque;

	g_assert_cmpuint(pin, >=, 1);
	g_assert_cmpuint(pin, <=, 4);
	b->pin[slot][pin - 1] = level;
	__atomic_add_fetch(&b->edges, 1, __ATOMIC_RELEASE);
}

static inline int pb_gsi(void *opaque, unsigned slot, unsigned pin)
{
	return (int)(slot * 10 + pin);
}

static inline void pb_msi(void *opaque, struct pcidev *d, struct msi_msg msg)
{
	struct pciboard *b = opaque;

	b->last = msg;
	b->sender = d;
	__atomic_add_fetch(&b->msis, 1, __ATOMIC_RELEASE);
}

static inline void pb_slot_off(void *opaque, struct pcidev *port)
{
	struct pciboard *b = opaque;

	b->offs++;
	b->off = port;
}

static const struct pcihost_ops pb_ops = {pb_intx, pb_gsi, pb_msi, pb_slot_off};

static inline void pb_init(struct pciboard *b)
{
	*b = (struct pciboard){};
	b->mem = aspace_new("mem", 0);
	b->io = aspace_new("io", 0x10000);
	pcihost_init(&b->host, &pb_ops, b, b->mem, b->io, b->mem);
}

static inline void pb_fini(struct pciboard *b)
{
	pcihost_fini(&b->host);
	g_assert_cmpuint(b->alive, ==, 0);
	aspace_free(b->mem);
	aspace_free(b->io);
}

/* Every word of a BAR reads tag << 8 | BAR number. */
static inline uint64_t tbar_read(void *opaque, uint64_t off, unsigned len)
{
	return *(const uint16_t *)opaque;
}

static inline void tbar_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
}

static const struct region_ops tbar_ops = {tbar_read, tbar_write, 2, 2, false};

static inline void tpci_reset(struct pcidev *d)
{
	((struct tpci *)d->priv)->resets++;
}

static inline void tpci_routed(struct pcidev *d)
{
	((struct tpci *)d->priv)->routed++;
}

static inline void tpci_moved(struct pcidev *d)
{
	((struct tpci *)d->priv)->moved++;
}

static inline void tpci_free(struct pcidev *d)
{
	struct tpci *t = d->priv;

	t->board->alive--;
	aspace_sync();
	for (unsigned i = 0; i <= PCI_ROM_BAR; i++)
		g_free(t->region[i].opaque);
	g_free(t);
}

static const struct pcidev_ops tpci_ops = {
	.model = "tpci",
	.reset = tpci_reset,
	.intx_routed = tpci_routed,
	.bars_moved = tpci_moved,
	.free = tpci_free,
};

/* A device, not plugged; tag also is its device id. */
static inline struct tpci *tpci_new(struct pciboard *b, uint8_t tag, unsigned cfg_size)
{
	struct tpci *t = g_new0(struct tpci, 1);

	t->board = b;
	t->tag = tag;
	t->dev.priv = t;
	g_snprintf(t->dev.name, sizeof(t->dev.name), "dev%u", tag);
	pcidev_init(&t->dev, &tpci_ops, cfg_size, 0x1234, tag, 0x020000, 7);
	b->alive++;
	return t;
}

static inline void tpci_bar(struct tpci *t, unsigned n, uint64_t size, uint32_t flags)
{
	uint16_t *what = g_new(uint16_t, 1);

	*what = (uint16_t)(t->tag << 8 | n);
	region_init_io(&t->region[n], "bar", size, &tbar_ops, what);
	pcidev_set_bar(&t->dev, n, &t->region[n], size, flags);
}

static inline struct tpci *tpci_plug(struct pciboard *b, uint8_t tag, struct pcibus *bus,
				     uint8_t devfn)
{
	struct tpci *t = tpci_new(b, tag, PCI_CFG_CONV);

	g_assert_cmpint(pcidev_plug(&t->dev, bus, devfn, NULL), ==, 0);
	return t;
}

static inline struct pcidev *port_plug(struct pciboard *b, const char *id, struct pcibus *bus,
				       uint8_t devfn)
{
	struct pcie_port_conf conf = {.id = id};
	struct pcidev *d = pcie_root_port_new(&conf);

	g_assert_cmpint(pcidev_plug(d, bus, devfn, NULL), ==, 0);
	return d;
}

static inline uint32_t cfg_r(struct pciboard *b, unsigned bdf, unsigned off, unsigned len)
{
	return pcihost_cfg_read(&b->host, bdf, off, len);
}

static inline void cfg_w(struct pciboard *b, unsigned bdf, unsigned off, uint32_t val, unsigned len)
{
	pcihost_cfg_write(&b->host, bdf, off, val, len);
}

/* Bus numbers of a bridge. */
static inline void set_buses(struct pciboard *b, unsigned bdf, unsigned sec, unsigned sub)
{
	cfg_w(b, bdf, PCI_PRIMARY_BUS, bdf >> 8 | sec << 8 | sub << 16, 4);
}

/* What a read of the first word at addr gives: who is mapped there; 0xffff = nobody. */
static inline unsigned mem_at(struct pciboard *b, uint64_t addr)
{
	return (unsigned)aspace_read(b->mem, addr, 2);
}

static inline unsigned io_at(struct pciboard *b, uint16_t port)
{
	return (unsigned)aspace_read(b->io, port, 2);
}

/* For models with a thread of their own: until a counter of the board's is n, 10 s at most. */
static inline void pb_wait(const unsigned *counter, unsigned n)
{
	gint64 end = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;

	while (__atomic_load_n(counter, __ATOMIC_ACQUIRE) < n && g_get_monotonic_time() < end)
		g_thread_yield();
	g_assert_cmpuint(__atomic_load_n(counter, __ATOMIC_ACQUIRE), ==, n);
}

#endif
