/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI as a device model sees it: its config space, its BARs, its capabilities, its interrupts, its
 * bus.
 *
 * Invariants: a device knows only its bus; the address map, interrupts and DMA are asked of the
 * bus's owner through struct pcihost_ops.  The same model plugs into the guest's board and into the
 * emulated host.  Config accesses and resets of one host are serialised by the host's lock
 * (`pcihost.lock`), which is the first in the lock order; everything here that changes BAR mappings
 * is called with it held.  Numbers are little endian. Sources: PCI 3.0 (chapter 6), PCI Express
 * Base 3.0 (chapter 7), PCI-to-PCI Bridge 1.2.
 */
#ifndef HW_PCI_PCI_H
#define HW_PCI_PCI_H

#include <linux/pci_regs.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "hw/irq/irqchip.h"
#include "mem/aspace.h"

#define PCI_DEVFN(slot, fn) ((uint8_t)((slot) << 3 | (fn)))
#define PCI_SLOT(devfn) ((devfn) >> 3)
#define PCI_FUNC(devfn) ((devfn)&7)
#define PCI_CFG_CONV 256u
#define PCI_CFG_EXT 4096u
#define PCI_BARS 6
#define PCI_ROM_BAR 6 /* index of the expansion ROM in pcidev.bar */

struct err;
struct pcibus;
struct pcidev;
struct pcihost;

/* The whole contract of a device model with its bus; functions may be NULL where not said
 * otherwise. */
struct pcidev_ops {
	const char *model; /* as -device names it */
	/* Config access below the bus: NULL = pcidev_cfg_read/_write.  off + len <= cfg_size. */
	uint32_t (*cfg_read)(struct pcidev *d, unsigned off, unsigned len);
	void (*cfg_write)(struct pcidev *d, unsigned off, uint32_t val, unsigned len);
	void (*reset)(struct pcidev *d);       /* after the generic reset of config space */
	void (*intx_routed)(struct pcidev *d); /* the GSI behind the pin may have changed */
	void (*bars_moved)(struct pcidev *d);  /* bar[].addr were brought up to date */
	/* Returns when all that was asked of the device is done; NULL = it always is. */
	void (*settle)(struct pcidev *d);
	void (*leave)(struct pcidev *d); /* it is about to leave its bus; the lock is held */
	void (*free)(struct pcidev *d);  /* must be there; the device is unplugged */
};

struct pcibar {
	struct region *region; /* NULL = not implemented */
	uint64_t size;         /* a power of two */
	uint32_t flags;        /* PCI_BASE_ADDRESS_* low bits; 0 for the ROM */
	uint64_t addr;         /* where it is mapped now; UINT64_MAX = nowhere */
	struct mmapping *map;
};

struct pcimsix;
struct pcislot;

/* Where a device's DMA goes; false: an IOMMU fault or nothing there, reads give ones. */
struct pcidma {
	bool (*read)(void *opaque, struct pcidev *d, uint64_t addr, void *buf, size_t len);
	bool (*write)(void *opaque, struct pcidev *d, uint64_t addr, const void *buf, size_t len);
	void *opaque;
};

struct pcidev {
	const struct pcidev_ops *ops;
	struct pcibus *bus; /* NULL = not plugged */
	uint8_t devfn;
	bool express;
	char name[40]; /* id, or the model */
	unsigned cfg_size;
	uint8_t cfg[PCI_CFG_EXT];
	uint8_t wmask[PCI_CFG_EXT]; /* bits that a config write changes */
	uint8_t w1c[PCI_CFG_EXT];   /* bits that a written one clears */
	struct pcibar bar[PCI_BARS + 1];
	bool intx_level;      /* what the device wants */
	bool intx_driven;     /* what its pin does: INTx-disable and unplug cut it */
	struct pcibus *child; /* of a bridge */
	struct pcidev *next_bridge;
	struct pcimsix *msix;
	struct pcislot *slot;     /* of a port that takes devices at run time (slot.h) */
	const struct pcidma *dma; /* NULL = the host's DMA space as it is */
	void *priv;
};

/* What owns a hierarchy: the guest's board, or the emulated host. */
struct pcihost_ops {
	/* Level of one pin (1..4) of a slot on the root bus, already swizzled; many devices may
	 * drive it.  Called with irq_lock held; may call pcidev_intx_gate(). */
	void (*intx)(void *opaque, unsigned slot, unsigned pin, bool level);
	/* The GSI behind that pin now; -1 = none. */
	int (*intx_gsi)(void *opaque, unsigned slot, unsigned pin);
	void (*msi)(void *opaque, struct pcidev *d, struct msi_msg msg);
	/*
	 * The guest has turned off the power of a slot with devices in it: they may go.  Called
	 * with the host's lock held, so that taking them out is for later.  NULL = they stay.
	 */
	void (*slot_off)(void *opaque, struct pcidev *port);
	/* It was asked for them and keeps the power on; likewise. */
	void (*slot_kept)(void *opaque, struct pcidev *port);
};

struct pcibus {
	struct pcihost *host;
	struct pcidev *bridge; /* NULL = root bus */
	struct pcidev *dev[256];
	struct pcidev *bridges; /* those of dev[] that have a bus below, linked by next_bridge */
};

struct pcihost {
	const struct pcihost_ops *ops;
	void *opaque;
	struct aspace *mem, *io, *dma;
	pthread_mutex_t lock;
	pthread_mutex_t irq_lock;   /* a leaf */
	uint16_t intx_count[32][4]; /* devices that drive each root slot's pin: lines are shared */
	struct pcibus root;
};

/* --- hierarchy (bus.c) --- */

void pcihost_init(struct pcihost *h, const struct pcihost_ops *ops, void *opaque,
		  struct aspace *mem, struct aspace *io, struct aspace *dma);
void pcihost_fini(struct pcihost *h); /* frees the devices that are left, bridges last */

/* The bus with this number, from the bridges' bus registers as the guest set them; NULL = none. */
struct pcibus *pcihost_bus(struct pcihost *h, unsigned nr);
unsigned pcibus_nr(const struct pcibus *b);
uint16_t pcidev_bdf(const struct pcidev *d); /* bus << 8 | devfn */

/*
 * Config access to bus:devfn as a bridge forwards it; nothing there: ones, dropped.  Takes the
 * host's lock. off + len within 4 KiB, naturally aligned or not; accesses past the device's config
 * size read ones.
 */
uint32_t pcihost_cfg_read(struct pcihost *h, unsigned bdf, unsigned off, unsigned len);
void pcihost_cfg_write(struct pcihost *h, unsigned bdf, unsigned off, uint32_t val, unsigned len);

/* The same to one device, by whoever holds it; an address past its config size reads ones. */
uint32_t pcidev_cycle_read(struct pcidev *d, unsigned off, unsigned len);
void pcidev_cycle_write(struct pcidev *d, unsigned off, uint32_t val, unsigned len);

/* Put a device into a slot: -EBUSY if taken, -EINVAL if devfn does not exist on that bus. */
int pcidev_plug(struct pcidev *d, struct pcibus *bus, uint8_t devfn, struct err **errp);
/* Resets the function, which ends its DMA and interrupts. */
void pcidev_silence(struct pcidev *d);
void pcidev_unplug(struct pcidev *d); /* unmaps its BARs, lowers its interrupt */
int pcibus_free_slot(const struct pcibus *bus, unsigned from); /* devfn, or -ENOSPC */

void pcihost_reset(struct pcihost *h); /* every device; with the lock held by nobody */
void pcibus_reset(struct pcibus *b);   /* every device below; the lock is held */
/* Returns when every device has done what was asked of it; no lock may be held. */
void pcihost_settle(struct pcihost *h);
void pcihost_foreach(struct pcihost *h, void (*fn)(void *opaque, struct pcidev *d), void *opaque);
void pcihost_intx_rerouted(struct pcihost *h); /* tells every device; the lock is held */

/* --- device (dev.c, config.c) --- */

/* cfg_size 256 or 4096; class: 24 bits, base class first. */
void pcidev_init(struct pcidev *d, const struct pcidev_ops *ops, unsigned cfg_size, uint16_t vendor,
		 uint16_t device, uint32_t class, uint8_t revision);
void pcidev_set_bar(struct pcidev *d, unsigned n, struct region *r, uint64_t size, uint32_t flags);
void pcidev_reset_config(struct pcidev *d); /* command, BARs, line: what every reset clears */

uint32_t pcidev_cfg_read(struct pcidev *d, unsigned off, unsigned len);
void pcidev_cfg_write(struct pcidev *d, unsigned off, uint32_t val, unsigned len);
void pcidev_update_bars(struct pcidev *d); /* after the registers changed behind pcidev_cfg_write */
uint64_t pcidev_bar_value(const struct pcidev *d,
			  unsigned n); /* address bits as the register holds them */
void pcidev_set_bar_value(struct pcidev *d, unsigned n, uint64_t addr);

/* Interrupts and DMA.  pcidev_intx: the level of the device's own pin. */
void pcidev_intx(struct pcidev *d, bool level);
void pcidev_intx_update(struct pcidev *d); /* the command register changed; any thread */
/*
 * For whoever answers pcihost_ops.intx, with irq_lock held (it is, within that function): set
 * COMMAND.INTX_DISABLE, where the device has it, and bring the pin up to date.
 */
void pcidev_intx_gate(struct pcidev *d, bool disable);
int pcidev_intx_gsi(const struct pcidev *d); /* -1 = no pin or not routed */
void pcidev_msi_send(struct pcidev *d, struct msi_msg msg);
/* From any thread; need COMMAND.MASTER. */
bool pcidev_dma_read(struct pcidev *d, uint64_t addr, void *buf, size_t len);
bool pcidev_dma_write(struct pcidev *d, uint64_t addr, const void *buf, size_t len);
static inline struct aspace *pcidev_dma(const struct pcidev *d)
{
	return d->bus->host->dma;
}

static inline uint16_t pci_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t pci_get32(const uint8_t *p)
{
	return pci_get16(p) | (uint32_t)pci_get16(p + 2) << 16;
}

static inline void pci_set16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void pci_set32(uint8_t *p, uint32_t v)
{
	pci_set16(p, (uint16_t)v);
	pci_set16(p + 2, (uint16_t)(v >> 16));
}

/* Do [off, off+len) and [at, at+n) share a byte? */
static inline bool pci_hits(unsigned off, unsigned len, unsigned at, unsigned n)
{
	return off < at + n && at < off + len;
}

/* --- capabilities (cap.c) --- */

/* Offset of the first capability with this id, 0 = none.  Walks are bounded. */
unsigned pci_cap_find(const uint8_t *cfg, uint8_t id);
unsigned pci_ext_cap_find(const uint8_t *cfg, unsigned cfg_size, uint16_t id);
/* Link a capability at off (64..252, a multiple of 4) into d's chain, its header filled in. */
void pcidev_add_cap(struct pcidev *d, uint8_t id, unsigned off);
/*
 * Link an extended capability at off to the end of d's chain (PCI Express 3.0, 7.9.3).  off: a
 * multiple of 4; the first one must be at 256.
 */
void pcidev_add_ext_cap(struct pcidev *d, uint16_t id, unsigned version, unsigned off);

/* --- MSI of device models (msi.c) --- */

struct pcimsi {
	struct pcidev *dev;
	unsigned off, vectors;
	bool is64, maskbit;
	pthread_mutex_t lock; /* a leaf: nothing is sent with it held */
	/* The registers as last written, and what waits for a mask bit. */
	bool enabled;
	unsigned allocated;
	struct msi_msg msg;
	uint32_t mask, pending;
};

/*
 * Add an MSI capability at off, which takes 10 bytes; 4 more with is64, 10 more with maskbit
 * (per-vector masking).  vectors: 1, 2, 4, 8, 16 or 32.
 */
void pcimsi_init(struct pcimsi *m, struct pcidev *d, unsigned off, unsigned vectors, bool is64,
		 bool maskbit);
void pcimsi_fini(struct pcimsi *m);
void pcimsi_reset(struct pcimsi *m); /* off, nothing masked, nothing pending */
/* To be called after each config write: sends what became unmasked. */
void pcimsi_written(struct pcimsi *m, unsigned off, unsigned len);
/*
 * Any thread.  Sends, or sets the pending bit where masked; nothing where MSI is off.  Where the
 * guest gave fewer vectors than there are, they share the low ones.
 */
void pcimsi_raise(struct pcimsi *m, unsigned vector);
bool pcimsi_enabled(struct pcimsi *m);

/* --- MSI-X table and PBA (msix.c) --- */

struct pcimsix_ops {
	/* The message or mask of a vector changed, or enable/function mask did (all vectors). */
	void (*vector)(void *opaque, unsigned nr);
};

struct pcimsix {
	unsigned vectors;
	uint8_t *table; /* 16 bytes a vector */
	uint64_t *pending;
	struct region table_region, pba_region;
	bool enabled, masked; /* the capability's bits, as the owner last told */
	unsigned pos;         /* of the capability that pcimsix_add_cap made, 0 = none */
	pthread_mutex_t lock; /* a leaf: held neither around ops nor while a message is sent */
	const struct pcimsix_ops *ops;
	void *opaque;
	struct pcidev *dev;
};

/*
 * Table and PBA regions to be laid over a BAR; all vectors masked.  pcimsix_raise, _pending,
 * _set_pending, _vector_on, _msg and _enabled are for any thread; the others for config cycles.
 */
struct pcimsix *pcimsix_new(struct pcidev *d, unsigned vectors, const struct pcimsix_ops *ops,
			    void *opaque);
void pcimsix_free(struct pcimsix *m);
void pcimsix_reset(struct pcimsix *m);
void pcimsix_control(struct pcimsix *m,
		     uint16_t control); /* the capability's control word changed */
bool pcimsix_enabled(struct pcimsix *m);
bool pcimsix_vector_on(struct pcimsix *m, unsigned nr); /* enabled and not masked at any level */
struct msi_msg pcimsix_msg(struct pcimsix *m, unsigned nr);
void pcimsix_raise(struct pcimsix *m, unsigned nr); /* send, or set the pending bit */
void pcimsix_set_pending(struct pcimsix *m, unsigned nr, bool pending);
bool pcimsix_pending(struct pcimsix *m, unsigned nr);
/*
 * For models, whose d->msix is what pcimsix_new gave: the capability at config offset off (12
 * bytes), table and PBA laid over a BAR that is set already.  table_off, pba_off: multiples of 8.
 */
void pcimsix_add_cap(struct pcidev *d, unsigned off, unsigned bar, uint32_t table_off,
		     uint32_t pba_off);
/* To be called after each config write: follows the control word. */
void pcimsix_written(struct pcidev *d, unsigned off, unsigned len);

/* --- PCI Express endpoints (endpoint.c) --- */

/*
 * The PCI Express capability (60 bytes at config offset exp) with function level reset, and the
 * power management capability (8 bytes at pm), which keeps all state in D3hot.
 */
void pcie_endpoint_add_caps(struct pcidev *d, unsigned exp, unsigned pm);
/* For pcidev_ops.cfg_read: what kind of endpoint it is depends on where it is plugged. */
uint32_t pcie_endpoint_cfg_read(struct pcidev *d, unsigned off, unsigned len);
/* To be called after each config write: does the function level reset; true if there was one. */
bool pcie_endpoint_written(struct pcidev *d, unsigned off, unsigned len);
void pcie_endpoint_reset(struct pcidev *d); /* both capabilities, for pcidev_ops.reset */

/* --- bridges (bridge.c, port.c) --- */

/*
 * A PCI Express to PCI bridge with one empty conventional bus of 32 slots (PCI Express to
 * PCI/PCI-X Bridge 1.0); id: its name, NULL = the model's.
 */
struct pcidev *pcie_pci_bridge_new(const char *id);

/* Do devices on this bus have PCI Express above them?  The root bus: yes. */
bool pcibus_express(const struct pcibus *b);

struct pcie_port_conf {
	const char *id;
	unsigned chassis, slot; /* of the slot capability */
	unsigned port;          /* link capability's port number */
	bool hotplug;           /* devices may come and go at run time (slot.h) */
};

/* A PCI Express root port with one empty downstream bus. */
struct pcidev *pcie_root_port_new(const struct pcie_port_conf *conf);
/* The same as Intel's 5520 has it, with two vectors of MSI. */
struct pcidev *pcie_ioh3420_new(const struct pcie_port_conf *conf);

/*
 * A switch: one upstream port, which sits below a root port or another downstream port, and on its
 * bus (32 slots) downstream ports with one empty bus each.  conf->slot is for downstream ports.
 */
struct pcidev *pcie_switch_up_new(const struct pcie_port_conf *conf);
struct pcidev *pcie_switch_down_new(const struct pcie_port_conf *conf);

#endif
