// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns VFIO groups: the unit that a user gets.  Called by device.c for registration and by files;
 * the isolation behind it is the host's (vfio/host/iommu.c).
 *
 * The group's file is held by itself and by each file of a device of it: it is released, and the
 * container with it, when the last of them goes.
 */
#include <errno.h>
#include <string.h>

#include "vfio/device.h"

struct vfio_group *vfio_group_get_from_iommu(struct iommu_group *ig)
{
	if (ig->vfio)
		ig->vfio->refs++;
	return ig->vfio;
}

static void iommu_gone(struct iommu_group *ig)
{
	if (ig->vfio)
		ig->vfio->iommu = NULL;
}

struct vfio_group *vfio_create_group(struct host *h, struct iommu_group *ig)
{
	struct vfio_group *g;

	if (host_step(h) < 0)
		return NULL;
	g = vfio_group_get_from_iommu(ig);
	if (g) /* somebody was faster */
		return g;
	g = g_new0(struct vfio_group, 1);
	g->host = h;
	g->iommu = ig;
	g->refs = 1;
	g->devices = g_ptr_array_new();
	ig->vfio = g;
	ig->gone = iommu_gone;
	return g;
}

struct vfio_device *vfio_group_get_device(struct vfio_group *g, struct hostdev *hd)
{
	for (guint i = 0; i < g->devices->len; i++) {
		struct vfio_device *d = g->devices->pdata[i];

		if (d->hd == hd)
			return d;
	}
	return NULL;
}

/* The last device gone, the IOMMU group is free of us, though a file may linger. */
void vfio_group_put(struct vfio_group *g)
{
	if (!g->devices->len && g->iommu) {
		if (g->container)
			vfio_container_detach(g);
		g->iommu->vfio = NULL;
		g->iommu = NULL;
	}
	if (--g->refs)
		return;
	g_ptr_array_unref(g->devices);
	g_free(g);
}

void vfio_group_drop(struct vfio_group *g)
{
	if (--g->holders)
		return;
	if (g->container)
		vfio_container_detach(g);
	g->opened = false;
	vfio_group_put(g);
}

/* --- ioctls --- */

static long get_status(struct vfio_group *g, void *arg)
{
	struct vfio_group_status st;

	if (!arg)
		return -EFAULT;
	memcpy(&st, arg, sizeof(st));
	if (st.argsz < sizeof(st))
		return -EINVAL;
	st.flags = 0;
	if (!g->iommu || !g->devices->len)
		return -ENODEV;
	if (g->container)
		st.flags = VFIO_GROUP_FLAGS_CONTAINER_SET | VFIO_GROUP_FLAGS_VIABLE;
	else if (!g->iommu->owners && !g->iommu->owner)
		st.flags = VFIO_GROUP_FLAGS_VIABLE;
	memcpy(arg, &st, sizeof(st));
	return 0;
}

static long set_container(struct vfio_group *g, void *arg)
{
	struct vfio_file *f;
	int32_t fd;

	if (!arg)
		return -EFAULT;
	memcpy(&fd, arg, sizeof(fd));
	f = vfio_fget(g->host, fd);
	if (!f)
		return fd < 0 || !host_fd_is_open(fd) ? -EBADF : -EINVAL;
	if (f->ops != &vfio_container_fops)
		return -EINVAL;
	if (g->container)
		return -EINVAL;
	if (!g->iommu || !g->devices->len)
		return -ENODEV;
	return vfio_container_attach(f->priv, g);
}

static long unset_container(struct vfio_group *g)
{
	if (!g->container)
		return -EINVAL;
	if (g->container_users != 1)
		return -EBUSY;
	vfio_container_detach(g);
	return 0;
}

static int find_by_name(struct vfio_group *g, const char *name, struct vfio_device **out)
{
	for (guint i = 0; i < g->devices->len; i++) {
		struct vfio_device *d = g->devices->pdata[i];
		int ret = d->ops->match(d, name);

		if (ret < 0)
			return ret;
		if (ret && d->registered) {
			*out = d;
			return 0;
		}
		if (ret && d->refs) {
			*out = d;
			return 0;
		}
	}
	return -ENODEV;
}

static long get_device_fd(struct vfio_group *g, const char *name)
{
	struct vfio_device *d;
	struct vfio_file *f;
	int ret, fd;

	if (!name)
		return -EFAULT;
	ret = find_by_name(g, name, &d);
	if (ret < 0)
		return ret;
	if (!g->container || !vfio_container_ready(g->container))
		return -EINVAL;
	ret = d->users ? 0 : d->ops->open(d);
	if (ret < 0)
		return ret;
	vfio_device_get(d);
	fd = vfio_file_new(g->host, &vfio_device_fops, d, &f);
	if (fd < 0) {
		vfio_device_put(d);
		return fd;
	}
	g->container_users++;
	g->holders++;
	return fd;
}

static long group_ioctl(struct vfio_file *f, unsigned long cmd, void *arg)
{
	struct vfio_group *g = f->priv;
	long ret = -ENOTTY;

	host_lock(f->host);
	switch (cmd) {
	case VFIO_GROUP_GET_STATUS:
		ret = get_status(g, arg);
		break;
	case VFIO_GROUP_SET_CONTAINER:
		ret = set_container(g, arg);
		break;
	case VFIO_GROUP_UNSET_CONTAINER:
		ret = unset_container(g);
		break;
	case VFIO_GROUP_GET_DEVICE_FD:
		ret = get_device_fd(g, arg);
		break;
	}
	host_unlock(f->host);
	return ret;
}

static void group_release(struct vfio_file *f)
{
	host_lock(f->host);
	vfio_group_drop(f->priv);
	host_unlock(f->host);
}

const struct vfio_fops vfio_group_fops = {
	.name = "group", .release = group_release, .ioctl = group_ioctl};
