/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The door: what hw/vfio asks of whoever provides the device.  The structs and numbers are those
 * of <linux/vfio.h>.
 *
 * Invariants: an index (region, irq) is VFIO's; errors are -errno exactly as the kernel gives
 * them; a backend calls nothing back, it only signals the eventfds that set_irqs handed over.
 */
#ifndef HW_VFIO_BACKEND_H
#define HW_VFIO_BACKEND_H

#include <linux/vfio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct vfio_ctx;
struct vfio_dev;

struct vfio_area {
	uint64_t off, size;
};

/* VFIO_DEVICE_GET_REGION_INFO with its capability chain taken apart. */
struct vfio_region {
	uint64_t size;
	uint32_t flags; /* VFIO_REGION_INFO_FLAG_* */
	bool sparse, msix_mappable;
	bool registers; /* of an emulated device: they are no memory that could be mapped */
	/* Where it may be mapped: one area for all without the sparse capability. */
	unsigned n_areas;
	struct vfio_area area[16];
};

struct vfio_irq {
	uint32_t count, flags; /* VFIO_IRQ_INFO_* */
};

/* What a device's DMA goes through. */
struct vfio_dma_info {
	unsigned container;   /* its number in this machine, from 0 */
	uint64_t maps, bytes; /* mapped now, for all devices of the container */
	uint64_t failed;      /* ranges that could not be: other devices' BARs */
};

struct vfio_dev_ops {
	const char *name;
	void (*close)(struct vfio_dev *d);
	int (*region_info)(struct vfio_dev *d, unsigned index, struct vfio_region *r);
	int (*irq_info)(struct vfio_dev *d, unsigned index, struct vfio_irq *irq);
	ssize_t (*read)(struct vfio_dev *d, unsigned region, uint64_t off, void *buf, size_t len);
	ssize_t (*write)(struct vfio_dev *d, unsigned region, uint64_t off, const void *buf,
			 size_t len);
	/* MAP_FAILED and errno on failure. */
	void *(*map)(struct vfio_dev *d, unsigned region, uint64_t off, size_t len, bool write);
	/* > 0: that many vectors only. */
	int (*set_irqs)(struct vfio_dev *d, struct vfio_irq_set *set);
	int (*reset)(struct vfio_dev *d);
	/* The whole reset scope, if all of it is this process's. */
	int (*hot_reset)(struct vfio_dev *d);
	/* For views; NULL = not known.  hot_reset_check: 0, or what hot_reset would fail with. */
	int (*hot_reset_check)(struct vfio_dev *d);
	void (*dma_info)(struct vfio_dev *d, struct vfio_dma_info *info);
	/* Config space as the host's own software reads it: bytes that came, or -errno. */
	ssize_t (*host_config)(struct vfio_dev *d, uint8_t *buf, size_t len);
};

struct vfio_dev {
	const struct vfio_dev_ops *ops;
	char bdf[16];        /* 0000:01:00.0 */
	uint32_t flags;      /* VFIO_DEVICE_FLAGS_* */
	unsigned group;      /* IOMMU group number */
	const char *backend; /* for views; NULL = ops->name */
};

/*
 * Take a VFIO_DEVICE_GET_REGION_INFO answer of len bytes apart.  Whatever it says, nothing
 * outside of it is read, and an area that does not lie within the region is left out.
 */
void vfio_region_parse(struct vfio_region *r, const void *buf, size_t len);
/* The header of the info capability at off; false where none fits into len bytes. */
bool vfio_cap_header(const void *buf, size_t len, uint32_t off, struct vfio_info_cap_header *h);

/* A container as the DMA listener sees it. */
struct vfio_dma_ops {
	int (*map)(void *opaque, uint64_t iova, uint64_t size, void *host, bool write);
	int (*unmap)(void *opaque, uint64_t iova, uint64_t size);
};

/* Helpers over set_irqs that every caller needs; data as the flags say. */
int vfio_irq_eventfds(struct vfio_dev *d, unsigned index, uint32_t action, unsigned start,
		      unsigned count, const int *fds);
int vfio_irq_action(struct vfio_dev *d, unsigned index, uint32_t action); /* DATA_NONE, vector 0 */
int vfio_irq_disarm(struct vfio_dev *d, unsigned index); /* DATA_NONE, TRIGGER, count 0 */

#endif
