// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the emulated host: its start and end, its lock, and the list of functions.  Called by vm/
 * and tests; what a scan finds is scan.c's.
 */
#include "vfio/host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "vfio/host/private.h"

int host_step(struct host *h)
{
	return G_UNLIKELY(h->fault) && !--h->fault ? -ENOMEM : 0;
}

void host_fail_step(struct host *h, unsigned n)
{
	h->fault = n;
}

void host_set_memlock(struct host *h, uint64_t bytes)
{
	h->conf.memlock = bytes;
}

void host_lock(struct host *h)
{
	pthread_mutex_lock(&h->lock);
}

void host_unlock(struct host *h)
{
	pthread_mutex_unlock(&h->lock);
}

bool host_wait(struct host *h, unsigned ms)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += ms / 1000;
	end.tv_nsec += (long)(ms % 1000) * 1000000;
	if (end.tv_nsec >= 1000000000) {
		end.tv_sec++;
		end.tv_nsec -= 1000000000;
	}
	return pthread_cond_timedwait(&h->changed, &h->lock, &end) != ETIMEDOUT;
}

void host_wake(struct host *h)
{
	pthread_cond_broadcast(&h->changed);
}

bool host_fd_is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

struct pcihost *host_pci(struct host *h)
{
	return &h->pci;
}

struct pcidev *hostdev_model(struct hostdev *d)
{
	return d->pci;
}

struct hostdev *host_at(struct host *h, const struct pcidev *p)
{
	for (guint i = 0; i < h->devs->len; i++) {
		struct hostdev *d = h->devs->pdata[i];

		if (d->pci == p)
			return d;
	}
	return NULL;
}

struct hostdev *host_find(struct host *h, const char *bdf)
{
	struct hostdev *found = NULL;

	host_lock(h);
	for (guint i = 0; i < h->devs->len && !found; i++) {
		struct hostdev *d = h->devs->pdata[i];

		if (!strcmp(d->bdf, bdf))
			found = d;
	}
	host_unlock(h);
	return found;
}

/* For waits that end after a time, whatever is done to the wall clock. */
static void cond_init(pthread_cond_t *c)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
}

static void mutex_init(pthread_mutex_t *m)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(m, &attr);
	pthread_mutexattr_destroy(&attr);
}

int host_add(struct host *h, struct pcidev *p, struct hostdev *physfn, struct hostdev **out)
{
	struct hostdev *d;
	int ret = host_step(h);

	if (ret < 0)
		return ret;
	d = g_new0(struct hostdev, 1);
	d->host = h;
	d->pci = p;
	d->physfn = physfn;
	d->parent = p->bus->bridge ? host_at(h, p->bus->bridge) : NULL;
	d->no_command_memory = physfn != NULL;
	mutex_init(&d->lock);
	snprintf(d->bdf, sizeof(d->bdf), "0000:%02x:%02x.%x", pcibus_nr(p->bus) & 0xff,
		 PCI_SLOT(p->devfn), PCI_FUNC(p->devfn));
	if (physfn) {
		d->vendor = physfn->vendor;
		d->device = (uint16_t)hd_read(physfn, physfn->sriov_cap + PCI_SRIOV_VF_DID, 2);
	}
	hd_setup(d);
	d->no_iommu = g_ptr_array_find_with_equal_func(h->no_iommu, d->bdf, g_str_equal, NULL);
	g_ptr_array_add(h->devs, d);
	*out = d;
	return 0;
}

void host_no_iommu(struct host *h, const char *bdf)
{
	host_lock(h);
	g_ptr_array_add(h->no_iommu, g_strdup(bdf));
	host_unlock(h);
}

static void hostdev_free(struct hostdev *d)
{
	pcidev_silence(d->pci); /* no DMA of it is under way when its IOMMU group goes */
	iommu_group_remove(d);
	g_free(d->override);
	pthread_mutex_destroy(&d->lock);
	g_free(d);
}

/* Somebody who depends on d: a function below it, a VF of it. */
static struct hostdev *dependant(struct hostdev *d)
{
	GPtrArray *devs = d->host->devs;
	struct hostdev *found = NULL;

	host_lock(d->host);
	for (guint i = devs->len; i-- && !found;) {
		struct hostdev *o = devs->pdata[i];

		if ((o->parent == d || o->physfn == d) && !o->removed)
			found = o;
	}
	host_unlock(d->host);
	return found;
}

void host_remove_below(struct hostdev *d)
{
	struct hostdev *o;

	while ((o = dependant(d)))
		host_remove(o);
}

void host_remove(struct hostdev *d)
{
	struct host *h = d->host;
	bool theirs;

	host_lock(h);
	theirs = d->removed; /* somebody is at it */
	d->removed = true;
	host_unlock(h);
	if (theirs)
		return;
	host_remove_below(d);
	hostdev_unbind(d);
	host_lock(h);
	g_ptr_array_remove(h->devs, d);
	hostdev_free(d);
	host_unlock(h);
}

void host_remove_all(struct host *h)
{
	while (h->devs->len)
		host_remove(h->devs->pdata[h->devs->len - 1]);
}

struct host *host_new(const struct host_conf *conf)
{
	struct host *h = g_new0(struct host, 1);

	if (conf)
		h->conf = *conf;
	mutex_init(&h->lock);
	cond_init(&h->changed);
	pthread_cond_init(&h->unblocked, NULL);
	h->mem = aspace_new("host memory", 0);
	h->io = aspace_new("host I/O", 0x10000);
	h->dma = aspace_new("host DMA", 0);
	h->devs = g_ptr_array_new();
	h->drivers = g_ptr_array_new();
	h->groups = g_ptr_array_new();
	h->no_iommu = g_ptr_array_new_with_free_func(g_free);
	host_irq_init(h);
	pcihost_init(&h->pci, &host_pci_ops, h, h->mem, h->io, h->dma);
	if (host_drivers_init(h) < 0) {
		host_free(h);
		return NULL;
	}
	return h;
}

void host_free(struct host *h)
{
	if (!h)
		return;
	host_remove_all(h);
	host_drivers_fini(h);
	pcihost_fini(&h->pci);
	host_irq_fini(h);
	aspace_sync();
	aspace_free(h->mem);
	aspace_free(h->io);
	aspace_free(h->dma);
	g_ptr_array_unref(h->devs);
	g_ptr_array_unref(h->drivers);
	g_ptr_array_unref(h->groups);
	g_ptr_array_unref(h->no_iommu);
	pthread_cond_destroy(&h->changed);
	pthread_cond_destroy(&h->unblocked);
	pthread_mutex_destroy(&h->lock);
	g_free(h);
}

static bool cfg_args(const struct hostdev *d, unsigned off, unsigned len)
{
	return (len == 1 || len == 2 || len == 4) && !(off & (len - 1)) && off < d->cfg_size &&
	       len <= d->cfg_size - off;
}

int host_cfg_read(struct hostdev *d, unsigned off, unsigned len, uint32_t *val)
{
	if (!cfg_args(d, off, len))
		return -EINVAL;
	*val = hd_user_read(d, off, len);
	return 0;
}

int host_cfg_write(struct hostdev *d, unsigned off, unsigned len, uint32_t val)
{
	if (!cfg_args(d, off, len))
		return -EINVAL;
	hd_user_write(d, off, len, val);
	return 0;
}
