// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the registration of devices and their open files.  Called by drivers and, for files, by
 * group.c; never knows what kind of device it is.
 */
#include "vfio/device.h"

#include <errno.h>

#define ASK_AGAIN_MS 10000 /* as Linux asks */

static int add_to_group(struct vfio_device *d, struct iommu_group *ig)
{
	struct vfio_group *g = vfio_group_get_from_iommu(ig);

	if (!g)
		g = vfio_create_group(d->host, ig);
	if (!g)
		return -ENOMEM;
	if (vfio_group_get_device(g, d->hd)) {
		vfio_group_put(g);
		return -EBUSY;
	}
	d->group = g; /* with the reference */
	g_ptr_array_add(g->devices, d);
	return 0;
}

int vfio_register_device(struct vfio_device *d, struct hostdev *hd,
			 const struct vfio_device_ops *ops)
{
	int ret;

	d->ops = ops;
	d->hd = hd;
	d->host = hd->host;
	if (!hd->group)
		return -EINVAL;
	host_lock(d->host);
	ret = host_step(d->host);
	if (!ret)
		ret = add_to_group(d, hd->group);
	if (!ret) {
		d->refs = 1;
		d->users = 0;
		d->registered = true;
	}
	host_unlock(d->host);
	return ret;
}

void vfio_unregister_device(struct vfio_device *d)
{
	unsigned asked = 0, ms = d->host->conf.request_ms;

	ms = ms ? ms : ASK_AGAIN_MS;
	host_lock(d->host);
	d->registered = false;
	d->refs--;
	while (d->refs) {
		if (d->ops->request)
			d->ops->request(d, asked++);
		while (d->refs && host_wait(d->host, ms))
			;
	}
	g_ptr_array_remove(d->group->devices, d);
	vfio_group_put(d->group);
	d->group = NULL;
	host_unlock(d->host);
}

void vfio_device_get(struct vfio_device *d)
{
	host_lock(d->host);
	d->refs++;
	d->users++;
	host_unlock(d->host);
}

void vfio_device_put(struct vfio_device *d)
{
	struct host *h = d->host;

	host_lock(h);
	if (!--d->users)
		d->ops->close(d);
	d->refs--;
	host_wake(h);
	host_unlock(h);
}

/* --- files --- */

static void device_release(struct vfio_file *f)
{
	struct vfio_device *d = f->priv;
	struct host *h = f->host;
	struct vfio_group *g = d->group;

	host_lock(h);
	vfio_device_put(d);
	g->container_users--;
	vfio_group_drop(g);
	host_unlock(h);
}

static long device_ioctl(struct vfio_file *f, unsigned long cmd, void *arg)
{
	struct vfio_device *d = f->priv;

	return d->ops->ioctl(d, cmd, arg);
}

static ssize_t device_rw(struct vfio_file *f, void *buf, size_t len, uint64_t off, bool write)
{
	struct vfio_device *d = f->priv;

	return d->ops->rw(d, buf, len, off, write);
}

static int device_mmap(struct vfio_file *f, uint64_t off, size_t len, int prot, int flags,
		       struct vfio_vma **out)
{
	struct vfio_device *d = f->priv;

	return d->ops->mmap(d, off, len, prot, flags, out);
}

const struct vfio_fops vfio_device_fops = {
	.name = "device",
	.release = device_release,
	.ioctl = device_ioctl,
	.rw = device_rw,
	.mmap = device_mmap,
};
