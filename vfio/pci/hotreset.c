// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns resets that hit more than one function: the ioctls, and the reset of a whole set when its
 * last user has gone.  Called by core.c with the host's lock held; who is hit is the host's to say.
 */
#include <errno.h>
#include <string.h>

#include "vfio/pci/vpci.h"

#define MIN_SIZE offsetof(struct vfio_pci_hot_reset_info, devices)

struct fill {
	struct vfio_pci_dependent_device *dev;
	unsigned max, n;
	int ret;
};

static void count_one(struct hostdev *d, void *opaque)
{
	++*(unsigned *)opaque;
}

static unsigned affected(struct hostdev *d)
{
	unsigned n = 0;

	hd_foreach_bus(d, count_one, &n);
	return n;
}

static void fill_one(struct hostdev *d, void *opaque)
{
	struct fill *f = opaque;

	if (f->n == f->max) {
		f->ret = -EAGAIN;
		return;
	}
	if (!d->group) {
		f->ret = -EPERM;
		return;
	}
	f->dev[f->n++] = (struct vfio_pci_dependent_device){
		d->group->id, 0, (uint8_t)pcibus_nr(d->pci->bus), d->pci->devfn};
}

long vpci_hot_reset_info(struct vfio_pci_device *v, void *arg)
{
	struct vfio_pci_hot_reset_info *out = arg, in;
	struct fill f = {0};

	if (!arg)
		return -EFAULT;
	memcpy(&in, arg, MIN_SIZE);
	if (in.argsz < MIN_SIZE)
		return -EINVAL;
	if (hd_probe_bus_reset(v->pci) < 0)
		return -ENODEV;
	f.max = affected(v->pci);
	in.flags = 0;
	in.count = f.max;
	if (in.argsz < MIN_SIZE + f.max * sizeof(*f.dev)) {
		memcpy(arg, &in, MIN_SIZE);
		return -ENOSPC;
	}
	f.dev = out->devices;
	hd_foreach_bus(v->pci, fill_one, &f);
	if (f.ret < 0)
		return f.ret;
	memcpy(arg, &in, MIN_SIZE);
	return 0;
}

/* --- reset --- */

struct owners {
	struct vfio_group **group;
	unsigned n;
	int ret;
};

static void check_driver(struct hostdev *d, void *opaque)
{
	if (!d->vfio)
		*(int *)opaque = -EINVAL;
}

/* Each function that is hit must be the user's: open functions are, by one of the groups given. */
static void check_owner(struct hostdev *d, void *opaque)
{
	struct owners *o = opaque;
	struct vfio_pci_device *v = d->vfio;

	for (unsigned i = 0; v && i < o->n; i++)
		if (v->dev.group == o->group[i])
			return;
	o->ret = -EINVAL;
}

static void to_d0(struct hostdev *d, void *opaque)
{
	struct vfio_pci_device *v = d->vfio;

	pthread_mutex_lock(&v->lock);
	vpci_zap(v);
	if (!v->dev.users && !d->host->conf.no_idle_d3)
		hd_runtime_resume(d);
	vpci_set_power(v, HOST_D0);
}

static void done(struct hostdev *d, void *opaque)
{
	struct vfio_pci_device *v = d->vfio;

	if (!v->dev.users && !d->host->conf.no_idle_d3)
		hd_runtime_suspend(d);
	pthread_mutex_unlock(&v->lock);
}

static int reset_set(struct vfio_pci_device *v, struct owners *o)
{
	int ret = 0;

	hd_foreach_bus(v->pci, check_driver, &ret);
	if (ret < 0)
		return ret;
	hd_foreach_bus(v->pci, check_owner, o);
	if (o->ret < 0)
		return o->ret;
	hd_foreach_bus(v->pci, to_d0, NULL);
	ret = hd_reset_bus(v->pci);
	hd_foreach_bus(v->pci, done, NULL);
	return ret;
}

static int find_groups(struct host *h, const int32_t *fds, struct owners *o)
{
	for (unsigned i = 0; i < o->n; i++) {
		struct vfio_file *f = vfio_fget(h, fds[i]);

		if (!f)
			return host_fd_is_open(fds[i]) ? -EINVAL : -EBADF;
		if (f->ops != &vfio_group_fops)
			return -EINVAL;
		o->group[i] = f->priv;
	}
	return 0;
}

long vpci_hot_reset(struct vfio_pci_device *v, void *arg)
{
	const size_t min = offsetof(struct vfio_pci_hot_reset, group_fds);
	const struct vfio_pci_hot_reset *in = arg;
	g_autofree int32_t *fds = NULL;
	struct vfio_pci_hot_reset hdr;
	struct owners o = {0};
	int ret;

	if (!arg)
		return -EFAULT;
	memcpy(&hdr, arg, min);
	if (hdr.argsz < min || hdr.flags)
		return -EINVAL;
	if (hd_probe_bus_reset(v->pci) < 0)
		return -ENODEV;
	if (!hdr.count || hdr.count > affected(v->pci))
		return -EINVAL;
	fds = g_memdup2(in->group_fds, hdr.count * sizeof(*fds));
	o.n = hdr.count;
	o.group = g_new(struct vfio_group *, o.n);
	ret = find_groups(v->dev.host, fds, &o);
	if (!ret)
		ret = reset_set(v, &o);
	g_free(o.group);
	return ret;
}

/* --- when the last of a set is closed --- */

static void check_idle(struct hostdev *d, void *opaque)
{
	struct vfio_pci_device *v = d->vfio;
	int *state = opaque; /* bit 0: may not, bit 1: wanted */

	if (!v || v->dev.users)
		*state |= 1;
	else if (v->needs_reset)
		*state |= 2;
}

static void clear_needs(struct hostdev *d, void *opaque)
{
	((struct vfio_pci_device *)d->vfio)->needs_reset = false;
}

void vpci_try_bus_reset(struct vfio_pci_device *v)
{
	int state = 0;

	if (hd_probe_bus_reset(v->pci) < 0)
		return;
	hd_foreach_bus(v->pci, check_idle, &state);
	if (state != 2)
		return;
	if (!hd_reset_bus(v->pci))
		hd_foreach_bus(v->pci, clear_needs, NULL);
}
