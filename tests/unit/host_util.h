/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the emulated host share: devices below ports, binding by sysfs, and the way
 * from a BDF to an open device.  Functions return what the VFIO API does; those that return nothing
 * fail the test.
 */
#ifndef TESTS_UNIT_HOST_UTIL_H
#define TESTS_UNIT_HOST_UTIL_H

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "hw/dev/edu.h"
#include "hw/dev/nvme.h"
#include "vfio/file.h"
#include "vfio/pci/driver.h"

#define HU_REGION(n) ((uint64_t)(n) << 40)
#define HU_CONFIG HU_REGION(VFIO_PCI_CONFIG_REGION_INDEX)
#define HU_FIRST "0000:01:00.0" /* the device below the first port */
#define HU_SECOND "0000:02:00.0"

/* One user of one device: its three files. */
struct hu {
	struct host *h;
	struct vfio_file *container, *group, *dev;
};

/* --- devices --- */

static inline struct pcidev *hu_plug(struct pcidev *d, struct pcibus *bus, uint8_t devfn)
{
	g_assert_cmpint(pcidev_plug(d, bus, devfn, NULL), ==, 0);
	return d;
}

/* The bus below a new root port. */
static inline struct pcibus *hu_port(struct host *h, unsigned slot)
{
	struct pcie_port_conf conf = {.chassis = 1, .slot = slot, .port = slot};

	return hu_plug(pcie_root_port_new(&conf), &host_pci(h)->root, PCI_DEVFN(slot, 0))->child;
}

static inline struct pcidev *hu_edu(void)
{
	struct pcidev *d;

	g_assert_cmpint(pci_edu_new(&d, "edu0", EDU_DMA_MASK, NULL), ==, 0);
	return d;
}

static inline struct pcidev *hu_nvme(void)
{
	const struct nvme_conf c = {.id = "nv0", .size = 64 << 20, .max_ioqpairs = 4};
	struct pcidev *d;

	g_assert_cmpint(pci_nvme_new(&d, &c, NULL), ==, 0);
	return d;
}

/* --- sysfs --- */

static inline int hu_write(struct host *h, const char *path, const char *text)
{
	ssize_t n = host_sysfs_write(h, path, text, strlen(text));

	return n < 0 ? (int)n : 0;
}

static inline int hu_attr(struct host *h, const char *bdf, const char *attr, const char *text)
{
	char path[80];

	g_snprintf(path, sizeof(path), "devices/%s/%s", bdf, attr);
	return hu_write(h, path, text);
}

/* The last component of a link of the device's; "" = there is none. */
static inline const char *hu_link(struct host *h, const char *bdf, const char *name, char buf[64])
{
	char path[80];

	g_snprintf(path, sizeof(path), "devices/%s/%s", bdf, name);
	if (host_sysfs_readlink(h, path, buf, 64) < 0)
		buf[0] = 0;
	return buf;
}

/* As an administrator does: override, unbind from whatever has it, probe. */
static inline int hu_bind(struct host *h, const char *bdf)
{
	char drv[64], path[100];
	int ret = hu_attr(h, bdf, "driver_override", "vfio-pci\n");

	if (!ret && *hu_link(h, bdf, "driver", drv)) {
		g_snprintf(path, sizeof(path), "drivers/%s/unbind", drv);
		ret = hu_write(h, path, bdf);
	}
	if (!ret)
		ret = hu_write(h, "drivers_probe", bdf);
	return ret;
}

static inline bool hu_is_bound(struct host *h, const char *bdf)
{
	char drv[64];

	return !strcmp(hu_link(h, bdf, "driver", drv), "vfio-pci");
}

/* --- files --- */

static inline int hu_open_group(struct host *h, const char *bdf, struct vfio_file **out)
{
	char nr[64], path[80];

	if (!*hu_link(h, bdf, "iommu_group", nr))
		return -ENOENT;
	g_snprintf(path, sizeof(path), "/dev/vfio/%s", nr);
	return vfio_open(h, path, out);
}

static inline int hu_open_device(struct hu *u, const char *bdf, struct vfio_file **out)
{
	long fd = vfio_ioctl(u->group, VFIO_GROUP_GET_DEVICE_FD, (void *)(uintptr_t)bdf);

	if (fd < 0)
		return (int)fd;
	*out = vfio_fget(u->h, (int)fd);
	g_assert_nonnull(*out);
	return 0;
}

static inline void hu_close(struct hu *u)
{
	vfio_close(u->dev);
	vfio_close(u->group);
	vfio_close(u->container);
	*u = (struct hu){.h = u->h};
}

/* Everything, or an error and nothing. */
static inline int hu_open(struct hu *u, struct host *h, const char *bdf)
{
	int ret, fd;

	*u = (struct hu){.h = h};
	ret = vfio_open(h, "/dev/vfio/vfio", &u->container);
	if (!ret)
		ret = hu_open_group(h, bdf, &u->group);
	if (!ret) {
		fd = vfio_fileno(u->container);
		ret = (int)vfio_ioctl(u->group, VFIO_GROUP_SET_CONTAINER, &fd);
	}
	if (!ret)
		ret = (int)vfio_ioctl(u->container, VFIO_SET_IOMMU, (void *)VFIO_TYPE1v2_IOMMU);
	if (!ret)
		ret = hu_open_device(u, bdf, &u->dev);
	if (ret < 0)
		hu_close(u);
	return ret;
}

static inline long hu_map(const struct hu *u, uint64_t iova, void *mem, uint64_t size)
{
	struct vfio_iommu_type1_dma_map m = {
		.argsz = sizeof(m),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)mem,
		.iova = iova,
		.size = size,
	};

	return vfio_ioctl(u->container, VFIO_IOMMU_MAP_DMA, &m);
}

/* Bytes that went, or -errno. */
static inline int64_t hu_unmap(const struct hu *u, uint64_t iova, uint64_t size, uint32_t flags)
{
	struct vfio_iommu_type1_dma_unmap m = {
		.argsz = sizeof(m), .flags = flags, .iova = iova, .size = size};
	long ret = vfio_ioctl(u->container, VFIO_IOMMU_UNMAP_DMA, &m);

	return ret < 0 ? ret : (int64_t)m.size;
}

/* data: what SET_IRQS has after its header. */
static inline long hu_irqs(struct vfio_file *dev, uint32_t flags, unsigned index, unsigned start,
			   unsigned count, const void *data, size_t len)
{
	g_autofree struct vfio_irq_set *s = g_malloc0(sizeof(*s) + len);

	s->argsz = (uint32_t)(sizeof(*s) + len);
	s->flags = flags;
	s->index = index;
	s->start = start;
	s->count = count;
	if (len)
		memcpy(s->data, data, len);
	return vfio_ioctl(dev, VFIO_DEVICE_SET_IRQS, s);
}

static inline uint32_t hu_cfg_read(struct vfio_file *dev, unsigned off, unsigned len)
{
	uint32_t v = 0;

	g_assert_cmpint(vfio_pread(dev, &v, len, HU_CONFIG + off), ==, len);
	return v;
}

static inline void hu_cfg_write(struct vfio_file *dev, unsigned off, uint32_t v, unsigned len)
{
	g_assert_cmpint(vfio_pwrite(dev, &v, len, HU_CONFIG + off), ==, len);
}

/* nvme at HU_FIRST, edu at HU_SECOND, both in the hands of vfio-pci. */
static inline struct host *host_bound(void)
{
	struct host *h = vfio_host_new(NULL);

	hu_plug(hu_nvme(), hu_port(h, 1), 0);
	hu_plug(hu_edu(), hu_port(h, 2), 0);
	g_assert_cmpint(host_scan(h, NULL), ==, 0);
	g_assert_cmpint(hu_bind(h, HU_FIRST), ==, 0);
	g_assert_cmpint(hu_bind(h, HU_SECOND), ==, 0);
	g_assert_true(hu_is_bound(h, HU_FIRST));
	g_assert_true(hu_is_bound(h, HU_SECOND));
	return h;
}

#endif
