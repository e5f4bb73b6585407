/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Passthrough as the board sees it: one context per machine, one PCI device per -device vfio-pci.
 *
 * Invariants: the context owns groups and containers; the last device of a group closes it, the
 * last group of a container closes that.  A device that is gone has left nothing behind: no
 * descriptor, mapping, route or irqfd.
 */
#ifndef HW_VFIO_VFIO_H
#define HW_VFIO_VFIO_H

#include <stdbool.h>
#include <stdint.h>

#include "hw/irq/irqchip.h"
#include "hw/pci/pci.h"

struct aspace;
struct err;
struct host;
struct vclock;
struct vfio_ctx;
struct vfio_dev;

/* What the machine hands down. */
struct vfio_env {
	struct aspace *mem; /* guest memory: what devices may reach by DMA */
	const struct irqchip *irq;
	struct vclock *clock;
	/*
	 * The hypervisor's side of a group (KVM-VFIO device); NULL or -ENOTSUP where it has none.
	 */
	int (*accel_group)(void *opaque, int group_fd, bool add);
	struct host *host; /* an emulated host, asked before Linux; NULL = none */
	/* Who provides the device at bdf (0000:01:00.0), for tests; NULL = the two above. */
	int (*open)(void *opaque, struct vfio_dev **out, const char *bdf, struct err **errp);
	/*
	 * The host wants d (its address there: host) back; d may be gone on return.  NULL: it is
	 * taken out here.  error: it has failed; fatal() follows.  Main loop's thread.
	 */
	void (*request)(void *opaque, struct pcidev *d, const char *host);
	void (*error)(void *opaque, struct pcidev *d, const char *host);
	/* A device failed for good (error eventfd): stop the machine; text says what. */
	void (*fatal)(void *opaque, const char *text);
	void *opaque;
};

enum rombar { ROMBAR_AUTO, ROMBAR_OFF, ROMBAR_ON };

/* -device vfio-pci properties, as QEMU names them. */
struct vdev_conf {
	char *id;
	char *host; /* [domain:]bus:slot.function */
	char *sysfsdev;
	char *romfile;
	bool multifunction;
	bool no_mmap;                              /* x-no-mmap */
	bool no_kvm_intx, no_kvm_msi, no_kvm_msix; /* x-no-kvm-*: watch the eventfd here instead */
	bool no_err, no_req;
	uint32_t rombar;               /* 0 or 1; UINT32_MAX = as the device has it */
	uint32_t intx_mmap_timeout_ms; /* x-intx-mmap-timeout-ms, 0 = never */
	uint32_t vendor_id, device_id, sub_vendor_id,
		sub_device_id; /* x-pci-*; UINT32_MAX = device's */
};

struct vfio_ctx *vfio_ctx_new(const struct vfio_env *env);
void vfio_ctx_free(struct vfio_ctx *ctx); /* after its devices; NULL is accepted */

/*
 * Open the device and make the guest's PCI device of it, not plugged yet.  on_express: it will
 * sit on an express bus; on_root: that bus is the root complex's own (an endpoint becomes an
 * integrated one).
 */
int vdev_new(struct pcidev **out, struct vfio_ctx *ctx, const struct vdev_conf *conf,
	     bool on_express, bool on_root, struct err **errp);

#endif
