/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The emulated host: a PCI hierarchy of ordinary device models with what Linux keeps about it.
 * Names and rules are those of the Linux PCI core, driver core and sysfs (Documentation/ABI).
 *
 * Use: host_new, plug models into host_pci(), host_scan (as the kernel does at boot, or at a
 * rescan), then sysfs and vfio/file.h.  Any thread may call.
 *
 * Locks, outermost first: host.lock (drivers, groups, files, the device list), hostdev.lock (the
 * kernel's device_lock), vfio device's igate and memory_lock, pcihost.lock, pcihost.irq_lock.
 */
#ifndef VFIO_HOST_HOST_H
#define VFIO_HOST_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct host;
struct hostdev;
struct pcidev;
struct pcihost;

struct host_conf {
	uint64_t memlock;    /* bytes that mappings may pin; 0 = no limit */
	unsigned iova_bits;  /* width of the IOMMU's addresses; 0 = 39 */
	unsigned request_ms; /* a user that keeps a device is asked again after; 0 = 10,000 */
	bool nointxmask;     /* module parameter of vfio_pci: do not use DisINTx */
	bool no_idle_d3;     /* module parameter of vfio_pci: disable_idle_d3 */
	bool enable_sriov;   /* module parameter of vfio_pci */
	bool disable_vga;    /* module parameter of vfio_pci */
};

/* conf may be NULL.  Without VFIO; with it: vfio_host_new (vfio/pci/driver.h). */
struct host *host_new(const struct host_conf *conf);
void host_remove_all(struct host *h); /* unbinds and forgets every function */
void host_free(struct host *h);
struct pcihost *host_pci(struct host *h);

/* Bytes that mappings may pin from now on; 0 = no limit (a user with CAP_IPC_LOCK). */
void host_set_memlock(struct host *h, uint64_t bytes);
/* For tests: the n-th step from now that can fail does (-ENOMEM); 0 = none. */
void host_fail_step(struct host *h, unsigned n);

/*
 * The function that a later scan finds at bdf is not behind the IOMMU: it has no group, so VFIO
 * will not have it.
 */
void host_no_iommu(struct host *h, const char *bdf);

/*
 * Find functions that are not known yet: number buses and place BARs where the "firmware" did not
 * (a non-zero value that lies within its bridge's window is kept), make IOMMU groups, and give each
 * function to the first driver that matches.  Fails where a BAR finds no room.
 */
int host_scan(struct host *h, struct err **errp);

/* bdf: 0000:01:00.0.  NULL = not known. */
struct hostdev *host_find(struct host *h, const char *bdf);
struct pcidev *hostdev_model(struct hostdev *d);
/* DMA accesses of this function that the IOMMU refused, ever since. */
uint64_t hostdev_dma_faults(struct hostdev *d);

/*
 * sysfs below /sys/bus/pci: "devices/0000:01:00.0/vendor", "drivers/vfio-pci/new_id", "rescan"; an
 * absolute path reaches /sys/module/vfio_pci/parameters and /sys/kernel/iommu_groups.  As write(2)
 * and read(2) of the whole file; reads are NUL terminated.  _readlink: driver, iommu_group, physfn;
 * the last component of the target.  _list: names in a folder, NULL terminated, freed by
 * g_strfreev().
 */
ssize_t host_sysfs_write(struct host *h, const char *path, const char *text, size_t len);
ssize_t host_sysfs_read(struct host *h, const char *path, char *buf, size_t size);
int host_sysfs_readlink(struct host *h, const char *path, char *buf, size_t size);
char **host_sysfs_list(struct host *h, const char *path);

/*
 * Config space as sysfs' config file gives it: the device itself, behind the back of whatever
 * driver
 * it has.  Waits while a reset has accesses blocked.  off + len within the device's config size,
 * len 1, 2 or 4, aligned; -EINVAL otherwise.
 */
int host_cfg_read(struct hostdev *d, unsigned off, unsigned len, uint32_t *val);
int host_cfg_write(struct hostdev *d, unsigned off, unsigned len, uint32_t val);

#endif
