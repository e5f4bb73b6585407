/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DMA map: guest memory as one container's IOMMU shows it to devices.
 *
 * Invariants: it is a listener of guest memory; RAM is mapped while it is in the map, so a device
 * reaches exactly what a CPU reaches.  A failure for RAM before `ready` is kept and fails
 * start-up; later it is fatal.  A failure for a BAR (peer to peer) is only noted.
 */
#ifndef HW_VFIO_DMA_H
#define HW_VFIO_DMA_H

#include <glib.h>

#include "hw/vfio/backend.h"
#include "mem/aspace.h"

struct vfio_dma {
	struct aspace_listener listener;
	struct aspace *mem;
	const struct vfio_dma_ops *ops;
	void *opaque;
	uint64_t pgsize;    /* smallest IOMMU page */
	GArray *windows;    /* of the UAPI's struct vfio_iova_range; empty = everything */
	uint32_t avail;     /* DMA entries left, as the container said; 0 = unknown */
	GHashTable *failed; /* iova of ranges that are not mapped */
	/* Atomic: changed under the address space's lock, read by anybody. */
	uint64_t maps, bytes, nfailed;
	bool ready;
	struct err *error;
	uint64_t ram_bytes; /* mapped now */
	void (*fatal)(void *opaque, const char *text);
	void *fatal_opaque;
};

/*
 * Page size, windows and entries left, from a VFIO_IOMMU_GET_INFO answer of len bytes; nothing
 * outside of it is read.
 */
void vfio_dma_parse_info(struct vfio_dma *d, const void *buf, size_t len);

/* Map all of mem now and follow it.  Returns the first error for RAM, facts included. */
int vfio_dma_start(struct vfio_dma *d, struct aspace *mem, struct err **errp);
void vfio_dma_stop(struct vfio_dma *d);
void vfio_dma_count(const struct vfio_dma *d, struct vfio_dma_info *info); /* any thread */

#endif
