/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nvme: an NVM Express 1.4 controller with one namespace of 512-byte blocks (1b36:0010).
 *
 * Invariants: register and doorbell accesses return at once; commands are fetched and done in the
 * controller's own thread, one after the other.  BAR 0 has the registers, the doorbells and the
 * MSI-X table; there are one vector and one completion queue more than I/O queue pairs.  BAR 2 has
 * the controller memory buffer, BAR 4 the persistent memory region, where there are such.  Source:
 * NVM Express 1.4.
 */
#ifndef HW_DEV_NVME_H
#define HW_DEV_NVME_H

#include "hw/pci/pci.h"

#define NVME_PAIRS_DEFAULT 64u
#define NVME_PAIRS_MAX 255u /* what the doorbell and table pages hold */
#define NVME_SERIAL_MAX 20u

struct err;

struct nvme_conf {
	const char *id;   /* its name, NULL = the model's */
	const char *file; /* image; NULL = memory of `size` bytes */
	uint64_t size;    /* 0 with a file */
	/* Printable ASCII, 1 to NVME_SERIAL_MAX characters; NULL = made from file and id, of which
	 * there must be one: two controllers with one serial number do not go together in a guest.
	 */
	const char *serial;
	unsigned max_ioqpairs; /* 1..NVME_PAIRS_MAX */
	bool readonly;
	unsigned sriov_max_vfs; /* 0..PCI_SRIOV_VFS: controllers of their own on the same blocks */
	bool no_msix;           /* it has MSI and INTx only */
	uint32_t cmb_size_mb;   /* MiB of controller memory buffer, a power of two; 0 = none */
	/* RAM of the persistent memory region, the caller's, a power of two; NULL = none. */
	const struct region *pmr;
};

/* A controller, not plugged yet.  -EINVAL for a bad configuration, or drive_open's errors. */
int pci_nvme_new(struct pcidev **out, const struct nvme_conf *conf, struct err **errp);

#endif
