/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A physical function in the hands of vfio-pci, as the files of vfio/pci share it.
 *
 * Invariants: `lock` covers all of it (the kernel's igate and memory_lock in one) but the interrupt
 * state that the interrupt road needs, which is under the host's irq_lock.  vconfig and map are
 * there exactly while the device is open.  Behaviour: Linux 6.1, drivers/vfio/pci.
 */
#ifndef VFIO_PCI_VPCI_H
#define VFIO_PCI_VPCI_H

#include <linux/vfio.h>

#include "vfio/device.h"
#include "vfio/host/hostdev.h"

#define VPCI_OFFSET_SHIFT 40
#define VPCI_OFFSET_MASK ((1ull << VPCI_OFFSET_SHIFT) - 1)
#define VPCI_NO_IRQ VFIO_PCI_NUM_IRQS

/* Ids in the byte map (PCI_CAP_ID_*, extended ones truncated to a byte). */
#define MAP_UNASSIGNED 0xff
#define MAP_VIRTUAL 0xfe

struct vfio_pci_device;

/*
 * Permissions of one capability: bits of `virt` are in vconfig and not in hardware, bits of `write`
 * may be written by the user, wherever they are.  NULL masks: nothing is virtual, nothing writable.
 * read and write do one access of 1, 2 or 4 bytes, aligned, within one dword and one capability.
 */
struct perm_bits {
	unsigned len;
	uint8_t *virt, *write;
	int (*readfn)(struct vfio_pci_device *v, unsigned pos, unsigned len,
		      const struct perm_bits *p, unsigned off, uint32_t *val);
	int (*writefn)(struct vfio_pci_device *v, unsigned pos, unsigned len,
		       const struct perm_bits *p, unsigned off, uint32_t val);
};

#define PCI_CAP_ID_BASIC 0 /* the header, in the byte map */
#define VPCI_CAPS (PCI_CAP_ID_EA + 1)
#define VPCI_ECAPS (PCI_EXT_CAP_ID_MAX + 1)

/* Made once for all devices by vfio_pci_init. */
struct vpci_perms {
	struct perm_bits cap[VPCI_CAPS], ecap[VPCI_ECAPS];
};

struct irq_ctx {
	int trigger;    /* eventfd; -1 = none */
	bool may_block; /* a write to it */
	struct virqfd *unmask;
	bool masked;
};

struct vpci_ioeventfd;

struct vfio_pci_device {
	struct vfio_device dev; /* what the VFIO core knows */
	struct hostdev *pci;
	const struct vpci_perms *perms;
	pthread_mutex_t lock; /* recursive */

	uint8_t *map, *vconfig; /* cfg_size bytes each, vconfig and a little more */
	/* What the walk reads in place of the device, cfg_size bytes; NULL = the device. */
	const uint8_t *image;
	bool extended_caps, bardirty;
	uint32_t rbar[7];
	struct perm_bits *msi_perm;
	unsigned msi_qmax; /* log2 of the vectors last enabled */

	bool reset_works, has_vga, nointx, needs_reset;
	bool pci_2_3;       /* INTx is masked in the device */
	bool virq_disabled; /* COMMAND.INTX_DISABLE as the user sees it */
	bool pm_restore;    /* leaving D3hot loses the configuration */
	bool bar_mmap[6];
	struct hoststate saved, pm_save;
	bool has_saved, has_pm_save;

	unsigned msix_bar; /* 7 = none */
	uint64_t msix_offset, msix_size;

	unsigned irq_type; /* VFIO_PCI_*_IRQ_INDEX, VPCI_NO_IRQ */
	unsigned nctx;
	struct irq_ctx *ctx;
	int err_trigger, req_trigger;
	unsigned req_count;
	GSList *ioeventfds;
	unsigned nioeventfds;
	GSList *vmas; /* of struct vfio_vma */

	bool low_power; /* the user asked for the low power state */
	int wake_trigger;

	/* SR-IOV: a PF's token, and who of its VFs is open; a VF's PF, if vfio-pci has it. */
	bool has_token;
	uint8_t token[16];
	unsigned token_users;
	struct vfio_pci_device *pf;
};

static inline struct vfio_pci_device *vpci_of(struct vfio_device *d)
{
	return (struct vfio_pci_device *)d;
}

/* perm.c */
int vpci_perms_init(struct host *h, struct vpci_perms *p);
void vpci_perms_fini(struct vpci_perms *p);
struct perm_bits *vpci_msi_perm(unsigned len, uint16_t flags);
void vpci_perm_free(struct perm_bits *p); /* NULL is accepted */
const struct perm_bits *vpci_perm_at(struct vfio_pci_device *v, unsigned pos, unsigned *off);
/* Bits of one byte that a user reads from vconfig; the others come from the device. */
uint8_t vpci_virtual_bits(struct vfio_pci_device *v, unsigned pos);
int vpci_default_read(struct vfio_pci_device *v, unsigned pos, unsigned len,
		      const struct perm_bits *p, unsigned off, uint32_t *val);
int vpci_default_write(struct vfio_pci_device *v, unsigned pos, unsigned len,
		       const struct perm_bits *p, unsigned off, uint32_t val);
/* effects.c: functions of capabilities whose writes do something */
int vpci_basic_read(struct vfio_pci_device *v, unsigned pos, unsigned len,
		    const struct perm_bits *p, unsigned off, uint32_t *val);
int vpci_basic_write(struct vfio_pci_device *v, unsigned pos, unsigned len,
		     const struct perm_bits *p, unsigned off, uint32_t val);
int vpci_pm_write(struct vfio_pci_device *v, unsigned pos, unsigned len, const struct perm_bits *p,
		  unsigned off, uint32_t val);
int vpci_vpd_write(struct vfio_pci_device *v, unsigned pos, unsigned len, const struct perm_bits *p,
		   unsigned off, uint32_t val);
int vpci_exp_write(struct vfio_pci_device *v, unsigned pos, unsigned len, const struct perm_bits *p,
		   unsigned off, uint32_t val);
int vpci_af_write(struct vfio_pci_device *v, unsigned pos, unsigned len, const struct perm_bits *p,
		  unsigned off, uint32_t val);
int vpci_msi_write(struct vfio_pci_device *v, unsigned pos, unsigned len, const struct perm_bits *p,
		   unsigned off, uint32_t val);

/* capmap.c */
int vpci_config_init(struct vfio_pci_device *v);
void vpci_config_free(struct vfio_pci_device *v);
unsigned vpci_cap_start(const struct vfio_pci_device *v, unsigned pos);

/* config.c */
ssize_t vpci_config_rw(struct vfio_pci_device *v, uint8_t *buf, size_t len, uint64_t pos,
		       bool write);
bool vpci_memory_enabled(const struct vfio_pci_device *v);

/* rdwr.c */
ssize_t vpci_bar_rw(struct vfio_pci_device *v, unsigned bar, uint8_t *buf, size_t len, uint64_t pos,
		    bool write);
ssize_t vpci_vga_rw(struct vfio_pci_device *v, uint8_t *buf, size_t len, uint64_t pos, bool write);
long vpci_ioeventfd(struct vfio_pci_device *v, void *arg);
void vpci_ioeventfds_free(struct vfio_pci_device *v);

/* mmap.c */
int vpci_mmap(struct vfio_pci_device *v, uint64_t off, size_t len, int prot, int flags,
	      struct vfio_vma **out);
void vpci_zap(struct vfio_pci_device *v); /* what is mapped faults anew */
void vpci_probe_mmaps(struct vfio_pci_device *v);

/* intrs.c */
unsigned vpci_irq_count(struct vfio_pci_device *v, unsigned index);
int vpci_set_irqs(struct vfio_pci_device *v, uint32_t flags, unsigned index, unsigned start,
		  unsigned count, const void *data);
void vpci_intx_mask(struct vfio_pci_device *v);
void vpci_intx_unmask(struct vfio_pci_device *v);

/* core.c */
extern const struct vfio_device_ops vpci_ops;
int vpci_set_power(struct vfio_pci_device *v, enum host_power state);
void vpci_lock_and_set_power(struct vfio_pci_device *v, enum host_power state);
int vpci_probe(struct hostdev *d);
void vpci_remove(struct hostdev *d);

/* token.c */
int vpci_match(struct vfio_device *d, const char *name);
void vpci_token_init(struct vfio_pci_device *v);

/* feature.c */
long vpci_feature(struct vfio_pci_device *v, void *arg);
void vpci_low_power_exit(struct vfio_pci_device *v);

/* hotreset.c */
long vpci_hot_reset_info(struct vfio_pci_device *v, void *arg);
long vpci_hot_reset(struct vfio_pci_device *v, void *arg);
void vpci_try_bus_reset(struct vfio_pci_device *v);

#endif
