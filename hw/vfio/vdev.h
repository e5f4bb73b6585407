/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest-facing passthrough device, as the files of hw/vfio share it.
 *
 * Invariants: `lock` covers everything below it; it is taken after the PCI host's lock and before
 * the address space's.  Interrupts live in exactly one mode.  dev.cfg is the overlay: what the
 * guest sees where `emu` has a bit; all other bits are the device's, read on each access
 * (docs/config-bits.md).
 */
#ifndef HW_VFIO_VDEV_H
#define HW_VFIO_VDEV_H

#include <glib.h>

#include "base/vclock.h"
#include "hw/pci/pci.h"
#include "hw/vfio/backend.h"
#include "hw/vfio/vfio.h"

enum vdev_int_mode { VDEV_INT_NONE, VDEV_INT_INTX, VDEV_INT_MSI, VDEV_INT_MSIX };

/* A part of a BAR that the guest reaches without an exit. */
struct vdev_map {
	struct region region;
	void *host;
	uint64_t off, size;
};

struct vdev_bar {
	struct vdev *v;
	unsigned nr;
	struct vfio_region info;
	uint64_t size;      /* a power of two; 0 = the device has none */
	struct region trap; /* the whole BAR, by read and write */
	unsigned n_maps;
	struct vdev_map map[16];
	struct mmapping *grown; /* a sub-page BAR alone in its page: the rest of the page */
	int map_errno;          /* of the last area that the host would not map */
	uint64_t reads, writes; /* that trapped */
};

/* One interrupt vector (INTx has one): what the guest asked for and what the host has. */
struct vdev_vector {
	int fd;             /* eventfd that the host signals; -1 = none */
	int gsi;            /* route; -1 = none */
	bool bound;         /* the irqchip takes fd */
	bool armed;         /* the host signals fd */
	struct msi_msg msg; /* what the route says */
	guint watch;        /* main-loop source where the irqchip is not to take it */
	struct vdev *v;
};

struct vdev_intx {
	int trigger, resample; /* eventfds; -1 = off */
	int gsi;               /* bound to this GSI; -1 = watched here */
	guint watch;
	bool pending; /* watched here: the line is up */
	struct vtimer unmap_timer;
	uint64_t count;
};

struct vdev_msi {
	unsigned pos; /* of the capability; 0 = none */
	bool is_64, maskbit;
	unsigned max; /* vectors that the device can ask for */
	unsigned n;   /* vectors armed now */
	struct vdev_vector vec[32];
};

struct vdev_msix {
	unsigned pos; /* 0 = none */
	unsigned vectors, table_bar, pba_bar;
	uint32_t table_off, pba_off;
	bool resizable;  /* the host arms vectors one by one (no NORESIZE) */
	unsigned host_n; /* vectors that the host has enabled; 0 = off */
	struct pcimsix *state;
	struct vdev_vector *vec;
};

struct vdev_rom {
	struct region region;
	uint64_t size;
	uint8_t *data; /* read on first access */
	uint64_t reads;
};

struct vdev {
	struct pcidev dev; /* first: a vdev is a pcidev */
	struct vfio_ctx *ctx;
	struct vdev_conf conf;
	struct vfio_dev *be;
	pthread_mutex_t lock;
	bool gone;                /* shut down for good: the host took the device back */
	uint8_t emu[PCI_CFG_EXT]; /* bits that the overlay owns */
	unsigned pm_pos, exp_pos;
	bool flr;    /* the device has a function level reset, hidden from the guest or not */
	bool asleep; /* not in D0: BARs do not answer, so none is mapped */
	struct vdev_bar bar[PCI_BARS];
	struct vdev_rom rom;
	enum vdev_int_mode mode;
	struct vdev_intx intx;
	struct vdev_msi msi;
	struct vdev_msix msix;
	int err_fd, req_fd;
	guint err_watch, req_watch;
	gint64 last_warning;            /* rate limit of run-time messages, monotonic µs */
	uint64_t cfg_reads, cfg_writes; /* of the guest; cfg_reads atomic */
	uint64_t heard;                 /* MSI and MSI-X that were delivered here */
};

static inline struct vdev *vdev_of(struct pcidev *d)
{
	return (struct vdev *)d;
}

/* "vfio-pci 0000:01:00.0" for messages. */
#define VDEV_FMT "vfio-pci,host=%s"
#define VDEV_ARG(v) (v)->be->bdf

/* A run-time complaint, at most one a second. */
void vdev_warn(struct vdev *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* config.c: overlay set-up and config cycles */
int vdev_config_init(struct vdev *v, bool on_express, bool on_root, struct err **errp);
uint32_t vdev_cfg_read(struct pcidev *d, unsigned off, unsigned len);
void vdev_cfg_write(struct pcidev *d, unsigned off, uint32_t val, unsigned len);
uint32_t vdev_dev_read(struct vdev *v, unsigned off, unsigned len); /* the device's own bits */
void vdev_dev_write(struct vdev *v, unsigned off, uint32_t val, unsigned len);
void vdev_power_changed(struct vdev *v); /* follow the device's D-state; with the lock held */

/* bar.c */
int vdev_bars_init(struct vdev *v, struct err **errp);
void vdev_bars_fini(struct vdev *v);
void vdev_bars_shrink(struct vdev *v); /* undo what vdev_bars_moved added for small BARs */
void vdev_bars_enable_maps(struct vdev *v, bool on);
void vdev_bars_moved(struct pcidev *d);

/* rom.c */
int vdev_rom_init(struct vdev *v, struct err **errp);
void vdev_rom_fini(struct vdev *v);

/* intx.c; all with the lock held */
int vdev_intx_init(struct vdev *v, struct err **errp);
int vdev_intx_enable(struct vdev *v);
void vdev_intx_disable(struct vdev *v);
void vdev_intx_eoi(struct vdev *v); /* a trapped BAR access: the guest may have served it */
void vdev_intx_routed(struct pcidev *d);
void vdev_intx_hear(struct vdev *v); /* watched here: raise the line if it was signalled */

/* msi.c, msix.c; all with the lock held */
void vdev_msi_init(struct vdev *v);
void vdev_msi_config_written(struct vdev *v, bool was_on);
void vdev_msi_disable(struct vdev *v);
bool vdev_msi_on(const struct vdev *v);
unsigned vdev_msi_asked(const struct vdev *v);          /* vectors that the guest gave it */
int vdev_msix_probe(struct vdev *v, struct err **errp); /* before the BARs are made */
int vdev_msix_init(struct vdev *v, struct err **errp);  /* after */
void vdev_msix_fini(struct vdev *v);
void vdev_msix_config_written(struct vdev *v);
void vdev_msix_disable(struct vdev *v);

/* vector.c: one eventfd between the host and the irqchip */
void vector_init(struct vdev_vector *vec, struct vdev *v);
int vector_open(struct vdev_vector *vec, struct msi_msg msg); /* fd and route; 0 or -errno */
void vector_set_msg(struct vdev_vector *vec, struct msi_msg msg);
void vector_unroute(struct vdev_vector *vec); /* not bound: its route could not be committed */
int vector_bind(struct vdev_vector *vec, bool kernel); /* kernel: by irqfd; else watched here */
void vector_unbind(struct vdev_vector *vec);
bool vector_pending(const struct vdev_vector *vec);
void vector_close(struct vdev_vector *vec);
void vector_hear(struct vdev_vector *vec); /* watched here: deliver what was signalled; lock held */

/* vdev.c: leave the mode that is on, and enter INTx if the device has a pin */
void vdev_interrupts_off(struct vdev *v);
bool vdev_has_pm_reset(const struct vdev *v); /* a return from D3hot resets the device */

#endif
