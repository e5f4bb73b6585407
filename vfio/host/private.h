/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * struct host, as the files of vfio/ share it.
 *
 * Invariants: `lock` (recursive) covers the lists, drivers, groups and files; it is dropped where
 * the kernel would sleep for a user (host_wait).
 */
#ifndef VFIO_HOST_PRIVATE_H
#define VFIO_HOST_PRIVATE_H

#include "vfio/host/hostdev.h"

#define HOST_IRQS 4096
#define HOST_LINES 128 /* 32 slots of the root bus, 4 pins each */

struct vfio_core;
struct virqfd_worker;

/* --- drivers (bind.c) --- */

struct host_id { /* struct pci_device_id; ANY = UINT32_MAX */
	uint32_t vendor, device, subvendor, subdevice, class, class_mask;
	uint64_t data;
	bool override_only;
};
#define HOST_ANY UINT32_MAX

struct hostdrv_ops {
	const char *name;
	const struct host_id *ids; /* ended by all zero; NULL = none */
	int (*probe)(struct hostdev *d);
	void (*remove)(struct hostdev *d);           /* may wait */
	int (*sriov)(struct hostdev *d, unsigned n); /* sriov_configure; NULL = not supported */
	void (*reset_prepare)(struct hostdev *d);
	void (*reset_done)(struct hostdev *d);
	bool dma_owner; /* driver_managed_dma: may share a group with a VFIO user */
	bool takes_vfs; /* binds VFs of its PFs by override (vfio-pci) */
};

struct hostdrv {
	const struct hostdrv_ops *ops;
	GArray *dynids; /* struct host_id */
};

/* --- groups (iommu.c) --- */

struct iommu_group {
	unsigned id;
	GPtrArray *devs;                     /* of struct hostdev */
	unsigned owners;                     /* drivers that use the DMA API: exclude a VFIO user */
	void *owner;                         /* the VFIO group that has taken it, or NULL */
	struct vfio_group *vfio;             /* made when vfio-pci gets its first device */
	void (*gone)(struct iommu_group *g); /* tells that one; NULL = nobody */
	pthread_rwlock_t lock; /* read for the time of a DMA, written to change domain */
	struct iommu_domain *domain;
};

struct host_irq {
	pthread_mutex_t lock;
	unsigned nr;
	void (*fn)(void *opaque);
	void *opaque;
	bool used; /* under irq_alloc */
};

struct hostline {
	bool level;
	int masked; /* depth */
	struct hostline_action {
		struct hostdev *dev;
		void (*fn)(void *opaque);
		void *opaque;
		struct hostline_action *next;
	} * actions;
	bool exclusive;
};

struct host {
	struct host_conf conf;
	struct pcihost pci;
	struct aspace *mem, *io, *dma;
	pthread_mutex_t lock;
	pthread_cond_t changed;   /* with lock: users, references, bindings */
	pthread_cond_t unblocked; /* with pci.lock */
	GPtrArray *devs;          /* of struct hostdev, bus order; under lock */
	GPtrArray *drivers;       /* of struct hostdrv */
	GPtrArray *groups;        /* of struct iommu_group */
	unsigned next_group;
	GPtrArray *no_iommu; /* of char *, addresses */
	struct host_irq
		*irq[HOST_IRQS]; /* made on demand under irq_alloc, never freed before the host */
	pthread_mutex_t irq_alloc;
	struct hostline line[HOST_LINES]; /* under pci.irq_lock */
	struct vfio_core *vfio;
	struct virqfd_worker *virqfd;
	unsigned fault; /* the n-th fallible step from now fails; 0 = none */
};

/* A step of the host's own software that may fail: 0, or -ENOMEM when its turn has come (tests). */
int host_step(struct host *h);

/* host.c */
void host_lock(struct host *h);
void host_unlock(struct host *h);
/*
 * With lock held once: drops it until something changed (true) or ms have passed (false).
 */
bool host_wait(struct host *h, unsigned ms);
void host_wake(struct host *h);
bool host_fd_is_open(int fd);
struct hostdev *host_at(struct host *h, const struct pcidev *p);
int host_add(struct host *h, struct pcidev *p, struct hostdev *physfn, struct hostdev **out);
void host_remove(struct hostdev *d);       /* and whoever depends on it, first */
void host_remove_below(struct hostdev *d); /* those alone */

/* irq.c */
void host_irq_init(struct host *h);
void host_irq_fini(struct host *h);
extern const struct pcihost_ops host_pci_ops;

/* scan.c */
int host_assign(struct hostdev *d, struct err **errp); /* size and place its BARs */
void host_number_buses(struct host *h);

/* iommu.c */
int iommu_group_add(struct hostdev *d);
void iommu_group_remove(struct hostdev *d);
int iommu_use_default(struct hostdev *d); /* a driver that uses the DMA API; -EBUSY */
void iommu_unuse_default(struct hostdev *d);
int iommu_claim(struct iommu_group *g, void *owner); /* -EPERM in use by drivers, -EBUSY */
void iommu_release(struct iommu_group *g);

/* bind.c */
int host_drivers_init(struct host *h); /* those of the host itself */
void host_drivers_fini(struct host *h);
/* Asked before those that are there, as a module that was loaded early. */
int host_driver_add(struct host *h, const struct hostdrv_ops *ops);
void host_driver_del(struct host *h, const struct hostdrv_ops *ops);
struct hostdrv *host_driver(struct host *h, const char *name);
int hostdev_attach(struct hostdev *d); /* first driver that matches; 0, 1, -errno */
int hostdev_bind(struct hostdev *d, struct hostdrv *drv); /* explicit */
int hostdev_unbind(struct hostdev *d);
bool hostdev_matches(struct hostdev *d, struct hostdrv *drv);
int hostdrv_new_id(struct host *h, struct hostdrv *drv, const char *text);
int hostdrv_remove_id(struct host *h, struct hostdrv *drv, const char *text);

/* sriov.c */
int host_sriov_enable(struct hostdev *d, unsigned n);
void host_sriov_disable(struct hostdev *d);
unsigned host_sriov_total(struct hostdev *d);
void host_sriov_restore(struct hostdev *d);
int host_sriov_store(struct hostdev *d, const char *text);

#endif
