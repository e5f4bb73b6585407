// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the legacy interface: /dev/vfio/N, containers of TYPE1v2 or TYPE1, device descriptors
 * (Linux,
 * Documentation/driver-api/vfio.rst), on whichever host has the device: struct vfio_sys.  Called by
 * vdev.c through vfio_dev_ops; never interprets a device.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/err.h"
#include "hw/vfio/backend.h"
#include "hw/vfio/ctx.h"
#include "hw/vfio/dma.h"
#include "hw/vfio/sys.h"

struct vfio_container {
	struct vfio_ctx *ctx;
	const struct vfio_sys *sys;
	int fd, type;
	unsigned nr, groups;
	struct vfio_dma dma;
};

struct vfio_group {
	struct vfio_ctx *ctx;
	const struct vfio_sys *sys;
	struct vfio_container *container;
	int fd, nr;
	unsigned devices;
	bool in_accel;
};

struct group_dev {
	struct vfio_dev dev;
	const struct vfio_sys *sys;
	struct vfio_group *group;
	int fd;
	uint64_t *region_off; /* by index */
	uint32_t regions, irqs;
};

static int xioctl(const struct vfio_sys *sys, int fd, unsigned long req, void *arg)
{
	return sys->ioctl(sys->opaque, fd, req, arg);
}

static int group_ioctl(struct vfio_group *g, unsigned long req, void *arg)
{
	return xioctl(g->sys, g->fd, req, arg);
}

static int dev_ioctl(struct group_dev *d, unsigned long req, void *arg)
{
	return xioctl(d->sys, d->fd, req, arg);
}

/* --- container ------------------------------------------------------------------------------ */

static int type1_map(void *opaque, uint64_t iova, uint64_t size, void *host, bool write)
{
	struct vfio_container *c = opaque;
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | (write ? VFIO_DMA_MAP_FLAG_WRITE : 0),
		.vaddr = (uintptr_t)host,
		.iova = iova,
		.size = size,
	};

	return xioctl(c->sys, c->fd, VFIO_IOMMU_MAP_DMA, &map);
}

static int type1_unmap(void *opaque, uint64_t iova, uint64_t size)
{
	struct vfio_container *c = opaque;
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = iova, .size = size};

	return xioctl(c->sys, c->fd, VFIO_IOMMU_UNMAP_DMA, &unmap);
}

static const struct vfio_dma_ops type1_ops = {type1_map, type1_unmap};

static void container_fatal(void *opaque, const char *text)
{
	struct vfio_container *c = opaque;

	c->ctx->env.fatal(c->ctx->env.opaque, text);
}

static void read_info(struct vfio_container *c)
{
	uint32_t size = sizeof(struct vfio_iommu_type1_info);
	g_autofree struct vfio_iommu_type1_info *info = g_malloc0(size);

	for (int tries = 0; tries < 2; tries++) {
		info->argsz = size;
		if (xioctl(c->sys, c->fd, VFIO_IOMMU_GET_INFO, info) < 0)
			return;
		if (info->argsz <= size)
			break;
		size = info->argsz;
		g_free(info);
		info = g_malloc0(size);
	}
	vfio_dma_parse_info(&c->dma, info, MIN(info->argsz, size));
}

static bool has_extension(struct vfio_container *c, unsigned long ext)
{
	return xioctl(c->sys, c->fd, VFIO_CHECK_EXTENSION, (void *)ext) > 0;
}

static void container_free(struct vfio_container *c)
{
	if (c->dma.windows)
		g_array_free(c->dma.windows, TRUE);
	if (c->fd >= 0)
		c->sys->close(c->sys->opaque, c->fd);
	g_ptr_array_remove(c->ctx->containers, c);
	g_free(c);
}

static struct vfio_container *container_new(struct vfio_ctx *ctx, const struct vfio_sys *sys,
					    struct err **errp)
{
	struct vfio_container *c = g_new0(struct vfio_container, 1);
	int version;

	c->ctx = ctx;
	c->sys = sys;
	c->nr = ctx->next_container++;
	c->dma.windows = g_array_new(FALSE, FALSE, sizeof(struct vfio_iova_range));
	c->dma.ops = &type1_ops;
	c->dma.opaque = c;
	c->dma.fatal = container_fatal;
	c->dma.fatal_opaque = c;
	c->dma.pgsize = 4096;
	g_ptr_array_add(ctx->containers, c);
	c->fd = sys->open(sys->opaque, "/dev/vfio/vfio");
	if (c->fd < 0) {
		int ret = err_set_errno(errp, c->fd, "open /dev/vfio/vfio");

		err_hint(
			errp,
			ret == -EACCES || ret == -EPERM
				? "Its mode should be 0666; a udev rule or a device cgroup changed that."
				: "Load the module: modprobe vfio-pci.");
		goto out;
	}
	version = xioctl(sys, c->fd, VFIO_GET_API_VERSION, NULL);
	if (version != VFIO_API_VERSION) {
		err_set(errp, -ENOTSUP, "/dev/vfio/vfio speaks API version %d, this program %d",
			version, VFIO_API_VERSION);
		goto out;
	}
	if (has_extension(c, VFIO_TYPE1v2_IOMMU))
		c->type = VFIO_TYPE1v2_IOMMU;
	else if (has_extension(c, VFIO_TYPE1_IOMMU))
		c->type = VFIO_TYPE1_IOMMU;
	if (c->type)
		return c;
	err_set(errp, -ENOTSUP, "this host's VFIO has no TYPE1 IOMMU driver");
	err_hint(errp, "Load the module: modprobe vfio_iommu_type1.");
out:
	container_free(c);
	return NULL;
}

static int set_iommu(struct vfio_container *c, struct err **errp)
{
	int ret = xioctl(c->sys, c->fd, VFIO_SET_IOMMU, (void *)(uintptr_t)c->type);

	if (ret >= 0)
		return 0;
	err_set_errno(errp, ret, "set the container's IOMMU type");
	if (ret == -EPERM)
		err_hint(
			errp,
			"Usual causes: the IOMMU cannot remap interrupts (dmesg: \"No interrupt remapping\"; turn on "
			"x2APIC in the firmware, or trust the guest with "
			"vfio_iommu_type1.allow_unsafe_interrupts=1), or the firmware reserves memory for the "
			"device (dmesg: RMRR).");
	return ret;
}

/* --- group ---------------------------------------------------------------------------------- */

static void detach(struct vfio_group *g)
{
	struct vfio_container *c = g->container;

	if (!c)
		return;
	if (c->groups == 1)
		vfio_dma_stop(&c->dma);
	if (g->in_accel)
		g->ctx->env.accel_group(g->ctx->env.opaque, g->fd, false);
	group_ioctl(g, VFIO_GROUP_UNSET_CONTAINER, NULL);
	g->container = NULL;
	if (!--c->groups)
		container_free(c);
}

static void group_free(struct vfio_group *g)
{
	detach(g);
	if (g->fd >= 0)
		g->sys->close(g->sys->opaque, g->fd);
	g_ptr_array_remove(g->ctx->groups, g);
	g_free(g);
}

static void join_accel(struct vfio_group *g)
{
	int ret;

	if (!g->ctx->env.accel_group || !g->sys->in_kernel)
		return;
	ret = g->ctx->env.accel_group(g->ctx->env.opaque, g->fd, true);
	g->in_accel = ret >= 0;
	if (ret < 0 && ret != -ENOTSUP)
		g_warning(
			"vfio: tell the hypervisor of group %d: %s; non-coherent DMA may misbehave",
			g->nr, g_strerror(-ret));
}

static int attach(struct vfio_group *g, struct err **errp)
{
	struct vfio_ctx *ctx = g->ctx;
	struct vfio_container *c;
	int ret;

	for (guint i = 0; i < ctx->containers->len; i++) {
		c = ctx->containers->pdata[i];
		if (c->sys == g->sys && group_ioctl(g, VFIO_GROUP_SET_CONTAINER, &c->fd) >= 0) {
			g->container = c;
			c->groups++;
			join_accel(g);
			return 0;
		}
	}
	c = container_new(ctx, g->sys, errp);
	if (!c)
		return err_code(errp ? *errp : NULL) ? err_code(*errp) : -EIO;
	ret = group_ioctl(g, VFIO_GROUP_SET_CONTAINER, &c->fd);
	if (ret < 0) {
		err_set_errno(errp, ret, "put group %d into a container", g->nr);
		container_free(c);
		return ret;
	}
	g->container = c;
	c->groups = 1;
	ret = set_iommu(c, errp);
	if (ret < 0)
		return ret;
	read_info(c);
	join_accel(g);
	return vfio_dma_start(&c->dma, ctx->env.mem, errp);
}

static int group_check(struct vfio_group *g, const char *bdf, struct err **errp)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};
	int ret = group_ioctl(g, VFIO_GROUP_GET_STATUS, &status);

	if (ret < 0)
		return err_set_errno(errp, ret, "read the status of group %d", g->nr);
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return g->sys->explain_group(g->sys->opaque, bdf, g->nr, errp);
	return 0;
}

static struct vfio_group *group_get(struct vfio_ctx *ctx, const struct vfio_sys *sys, int nr,
				    const char *bdf, struct err **errp)
{
	g_autofree char *path = g_strdup_printf("/dev/vfio/%d", nr);
	struct vfio_group *g;

	for (guint i = 0; i < ctx->groups->len; i++) {
		g = ctx->groups->pdata[i];
		if (g->sys == sys && g->nr == nr)
			return g;
	}
	g = g_new0(struct vfio_group, 1);
	g->ctx = ctx;
	g->sys = sys;
	g->nr = nr;
	g_ptr_array_add(ctx->groups, g);
	g->fd = sys->open(sys->opaque, path);
	if (g->fd < 0)
		sys->explain_open(sys->opaque, path, g->fd, errp);
	else if (group_check(g, bdf, errp) >= 0 && attach(g, errp) >= 0)
		return g;
	group_free(g);
	return NULL;
}

/* --- device --------------------------------------------------------------------------------- */

static struct group_dev *of(struct vfio_dev *d)
{
	return (struct group_dev *)d;
}

static void dev_close(struct vfio_dev *dev)
{
	struct group_dev *d = of(dev);

	if (d->fd >= 0) {
		d->sys->close(d->sys->opaque, d->fd);
		d->group->devices--;
	}
	if (d->group && !d->group->devices)
		group_free(d->group);
	g_free(d->region_off);
	g_free(d);
}

static int dev_region_info(struct vfio_dev *dev, unsigned index, struct vfio_region *r)
{
	struct group_dev *d = of(dev);
	uint32_t size = sizeof(struct vfio_region_info);
	g_autofree struct vfio_region_info *info = g_malloc0(size);

	memset(r, 0, sizeof(*r));
	for (int tries = 0; tries < 2; tries++) {
		int ret;

		info->argsz = size;
		info->index = index;
		ret = dev_ioctl(d, VFIO_DEVICE_GET_REGION_INFO, info);
		if (ret < 0)
			return ret;
		if (info->argsz <= size)
			break;
		size = info->argsz;
		g_free(info);
		info = g_malloc0(size);
	}
	if (index < d->regions)
		d->region_off[index] = info->offset;
	vfio_region_parse(r, info, MIN(info->argsz, size));
	if (r->flags & VFIO_REGION_INFO_FLAG_MMAP && d->sys->mappable &&
	    !d->sys->mappable(d->sys->opaque, d->fd, info->offset)) {
		r->flags &= ~(uint32_t)VFIO_REGION_INFO_FLAG_MMAP;
		r->registers = true;
	}
	return 0;
}

static int dev_irq_info(struct vfio_dev *dev, unsigned index, struct vfio_irq *irq)
{
	struct vfio_irq_info info = {.argsz = sizeof(info), .index = index};
	int ret = dev_ioctl(of(dev), VFIO_DEVICE_GET_IRQ_INFO, &info);

	*irq = (struct vfio_irq){0};
	if (ret < 0)
		return ret;
	*irq = (struct vfio_irq){info.count, info.flags};
	return 0;
}

static ssize_t dev_read(struct vfio_dev *dev, unsigned region, uint64_t off, void *buf, size_t len)
{
	struct group_dev *d = of(dev);

	return d->sys->pread(d->sys->opaque, d->fd, buf, len, d->region_off[region] + off);
}

static ssize_t dev_write(struct vfio_dev *dev, unsigned region, uint64_t off, const void *buf,
			 size_t len)
{
	struct group_dev *d = of(dev);

	return d->sys->pwrite(d->sys->opaque, d->fd, buf, len, d->region_off[region] + off);
}

static void *dev_map(struct vfio_dev *dev, unsigned region, uint64_t off, size_t len, bool write)
{
	struct group_dev *d = of(dev);

	return d->sys->map(d->sys->opaque, d->fd, d->region_off[region] + off, len, write);
}

static int dev_set_irqs(struct vfio_dev *dev, struct vfio_irq_set *set)
{
	return dev_ioctl(of(dev), VFIO_DEVICE_SET_IRQS, set);
}

static int dev_reset(struct vfio_dev *dev)
{
	return dev_ioctl(of(dev), VFIO_DEVICE_RESET, NULL);
}

static struct vfio_group *find_group(struct vfio_ctx *ctx, uint32_t nr)
{
	for (guint i = 0; i < ctx->groups->len; i++)
		if (((struct vfio_group *)ctx->groups->pdata[i])->nr == (int)nr)
			return ctx->groups->pdata[i];
	return NULL;
}

static struct vfio_pci_hot_reset_info *hot_reset_info(struct group_dev *d, int *ret)
{
	struct vfio_pci_hot_reset_info *info = g_malloc0(sizeof(*info));
	uint32_t n;

	info->argsz = sizeof(*info);
	*ret = dev_ioctl(d, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info);
	if (*ret != -ENOSPC)
		return info;
	n = info->count;
	g_free(info);
	info = g_malloc0(sizeof(*info) + n * sizeof(info->devices[0]));
	info->argsz = (uint32_t)(sizeof(*info) + n * sizeof(info->devices[0]));
	*ret = dev_ioctl(d, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info);
	return info;
}

/* The request for a reset of all that info names; NULL and *ret where it must not be. */
static struct vfio_pci_hot_reset *
hot_reset_request(struct group_dev *d, const struct vfio_pci_hot_reset_info *info, int *ret)
{
	g_autofree struct vfio_pci_hot_reset *reset =
		g_malloc0(sizeof(*reset) + info->count * sizeof(int32_t));

	for (uint32_t i = 0; i < info->count; i++) {
		struct vfio_group *g = find_group(d->group->ctx, info->devices[i].group_id);
		bool seen = false;

		/* Somebody else's device would be reset, too; or one of ours behind its back. */
		*ret = !g ? -EPERM : g != d->group || g->devices > 1 ? -EBUSY : 0;
		if (*ret < 0)
			return NULL;
		for (uint32_t k = 0; k < reset->count; k++)
			seen |= reset->group_fds[k] == g->fd;
		if (!seen)
			reset->group_fds[reset->count++] = g->fd;
	}
	reset->argsz = (uint32_t)(sizeof(*reset) + reset->count * sizeof(int32_t));
	return g_steal_pointer(&reset);
}

static int hot_reset(struct group_dev *d, bool really)
{
	int ret;
	g_autofree struct vfio_pci_hot_reset_info *info = hot_reset_info(d, &ret);
	g_autofree struct vfio_pci_hot_reset *reset = NULL;

	if (ret >= 0)
		reset = hot_reset_request(d, info, &ret);
	if (!reset)
		return ret;
	return really ? dev_ioctl(d, VFIO_DEVICE_PCI_HOT_RESET, reset) : 0;
}

static int dev_hot_reset(struct vfio_dev *dev)
{
	return hot_reset(of(dev), true);
}

static int dev_hot_reset_check(struct vfio_dev *dev)
{
	return hot_reset(of(dev), false);
}

static void dev_dma_info(struct vfio_dev *dev, struct vfio_dma_info *info)
{
	const struct vfio_container *c = of(dev)->group->container;

	info->container = c->nr;
	vfio_dma_count(&c->dma, info);
}

static ssize_t dev_host_config(struct vfio_dev *dev, uint8_t *buf, size_t len)
{
	struct group_dev *d = of(dev);

	return d->sys->config(d->sys->opaque, d->dev.bdf, buf, len);
}

static const struct vfio_dev_ops group_dev_ops = {
	.name = "group",
	.close = dev_close,
	.region_info = dev_region_info,
	.irq_info = dev_irq_info,
	.read = dev_read,
	.write = dev_write,
	.map = dev_map,
	.set_irqs = dev_set_irqs,
	.reset = dev_reset,
	.hot_reset = dev_hot_reset,
	.hot_reset_check = dev_hot_reset_check,
	.dma_info = dev_dma_info,
	.host_config = dev_host_config,
};

static int get_device(struct group_dev *d, struct err **errp)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};
	int ret;

	d->fd = group_ioctl(d->group, VFIO_GROUP_GET_DEVICE_FD, d->dev.bdf);
	if (d->fd < 0) {
		ret = err_set_errno(errp, d->fd, "get the device from group %d", d->group->nr);
		err_hint(errp,
			 "dmesg says why vfio-pci could not enable it (reset, power state, BARs).");
		return ret;
	}
	d->group->devices++;
	ret = dev_ioctl(d, VFIO_DEVICE_GET_INFO, &info);
	if (ret < 0)
		return err_set_errno(errp, ret, "VFIO_DEVICE_GET_INFO");
	if (!(info.flags & VFIO_DEVICE_FLAGS_PCI) ||
	    info.num_regions <= VFIO_PCI_CONFIG_REGION_INDEX ||
	    info.num_irqs <= VFIO_PCI_MSIX_IRQ_INDEX)
		return err_set(errp, -EINVAL,
			       "the host offers no PCI device (flags 0x%x, %u regions, %u irqs)",
			       info.flags, info.num_regions, info.num_irqs);
	d->dev.flags = info.flags;
	d->regions = info.num_regions;
	d->irqs = info.num_irqs;
	d->region_off = g_new0(uint64_t, d->regions);
	return 0;
}

int vfio_sys_open_dev(struct vfio_dev **out, struct vfio_ctx *ctx, const struct vfio_sys *sys,
		      const char *bdf, struct err **errp)
{
	struct group_dev *d;
	int ret = sys->check(sys->opaque, bdf, errp);

	if (ret < 0)
		return ret;
	d = g_new0(struct group_dev, 1);
	d->fd = -1;
	d->sys = sys;
	d->dev.ops = &group_dev_ops;
	d->dev.backend = sys->name;
	g_strlcpy(d->dev.bdf, bdf, sizeof(d->dev.bdf));
	d->dev.group = (unsigned)sys->group_of(sys->opaque, bdf);
	d->group = group_get(ctx, sys, (int)d->dev.group, bdf, errp);
	if (!d->group) {
		ret = errp && *errp ? err_code(*errp) : -EIO;
		goto out;
	}
	ret = get_device(d, errp);
	if (ret < 0)
		goto out;
	*out = &d->dev;
	return 0;
out:
	dev_close(&d->dev);
	return ret;
}
