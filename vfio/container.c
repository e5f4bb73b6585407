// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns containers: groups that share one address space, and the IOMMU driver that serves it.
 * Called by files and by group.c; the mappings are type1.c's.
 */
#include <errno.h>

#include "vfio/device.h"

struct vfio_container {
	struct host *host;
	unsigned refs;     /* its file and its groups */
	GPtrArray *groups; /* of struct vfio_group */
	struct type1 *iommu;
};

struct vfio_container *vfio_container_new(struct host *h)
{
	struct vfio_container *c;

	if (host_step(h) < 0)
		return NULL;
	c = g_new0(struct vfio_container, 1);
	c->host = h;
	c->refs = 1;
	c->groups = g_ptr_array_new();
	return c;
}

void vfio_container_get(struct vfio_container *c)
{
	c->refs++;
}

void vfio_container_put(struct vfio_container *c)
{
	if (--c->refs)
		return;
	g_ptr_array_unref(c->groups);
	g_free(c);
}

bool vfio_container_ready(const struct vfio_container *c)
{
	return c->iommu != NULL;
}

int vfio_container_attach(struct vfio_container *c, struct vfio_group *g)
{
	int ret = iommu_claim(g->iommu, g);

	if (ret < 0)
		return ret;
	if (c->iommu) {
		ret = type1_attach(c->iommu, g->iommu);
		if (ret < 0) {
			iommu_release(g->iommu);
			return ret;
		}
	}
	g->container = c;
	g->container_users = 1;
	g_ptr_array_add(c->groups, g);
	vfio_container_get(c);
	return 0;
}

/* Without a group a container is nobody: it loses its IOMMU and all mappings. */
void vfio_container_detach(struct vfio_group *g)
{
	struct vfio_container *c = g->container;

	if (c->iommu)
		type1_detach(c->iommu, g->iommu);
	iommu_release(g->iommu);
	g->container = NULL;
	g->container_users = 0;
	g_ptr_array_remove(c->groups, g);
	if (!c->groups->len) {
		type1_free(c->iommu);
		c->iommu = NULL;
	}
	vfio_container_put(c);
}

static long set_iommu(struct vfio_container *c, unsigned long type)
{
	struct type1 *t;
	int ret;

	if (!c->groups->len || c->iommu)
		return -EINVAL;
	if (!type1_extension(NULL, type))
		return -ENODEV;
	ret = type1_open(c->host, type, &t);
	for (guint i = 0; !ret && i < c->groups->len; i++) {
		ret = type1_attach(t, ((struct vfio_group *)c->groups->pdata[i])->iommu);
		while (ret && i--)
			type1_detach(t, ((struct vfio_group *)c->groups->pdata[i])->iommu);
		if (ret) {
			type1_free(t);
			return ret;
		}
	}
	if (!ret)
		c->iommu = t;
	return ret;
}

long vfio_container_ioctl(struct vfio_container *c, unsigned long cmd, void *arg)
{
	switch (cmd) {
	case VFIO_GET_API_VERSION:
		return VFIO_API_VERSION;
	case VFIO_CHECK_EXTENSION:
		return type1_extension(c->iommu, (unsigned long)arg);
	case VFIO_SET_IOMMU:
		return set_iommu(c, (unsigned long)arg);
	default:
		return c->iommu ? type1_ioctl(c->iommu, cmd, arg) : -EINVAL;
	}
}

static long container_ioctl(struct vfio_file *f, unsigned long cmd, void *arg)
{
	long ret;

	host_lock(f->host);
	ret = vfio_container_ioctl(f->priv, cmd, arg);
	host_unlock(f->host);
	return ret;
}

static void container_release(struct vfio_file *f)
{
	host_lock(f->host);
	vfio_container_put(f->priv);
	host_unlock(f->host);
}

const struct vfio_fops vfio_container_fops = {
	.name = "container", .release = container_release, .ioctl = container_ioctl};
