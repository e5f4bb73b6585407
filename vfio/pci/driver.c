// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the start and end of vfio-pci on a host, and the driver's entry in the host's table.  Called
 * by whoever wants VFIO on a host; what the driver does with a device is core.c's.
 */
#include "vfio/pci/driver.h"

#include <errno.h>

#include "vfio/device.h"
#include "vfio/pci/vpci.h"
#include "vfio/virqfd.h"

/* Only where driver_override asks for it: the table takes nobody by itself. */
static const struct host_id ids[] = {
	{HOST_ANY, HOST_ANY, HOST_ANY, HOST_ANY, 0, 0, 0, true},
	{0},
};

static int sriov_configure(struct hostdev *d, unsigned n)
{
	if (!d->host->conf.enable_sriov)
		return -ENOENT;
	if (!n) {
		host_sriov_disable(d);
		return 0;
	}
	return host_sriov_enable(d, n);
}

static const struct hostdrv_ops vfio_pci_driver = {
	.name = "vfio-pci",
	.ids = ids,
	.probe = vpci_probe,
	.remove = vpci_remove,
	.sriov = sriov_configure,
	.dma_owner = true,
	.takes_vfs = true,
};

/* --- start-up: each step with what undoes it --- */

static int perms_start(struct host *h)
{
	struct vpci_perms *p = g_new0(struct vpci_perms, 1);
	int ret = vpci_perms_init(h, p);

	if (ret < 0)
		g_free(p);
	else
		h->vfio->perms = p;
	return ret;
}

static void perms_stop(struct host *h)
{
	vpci_perms_fini(h->vfio->perms);
	g_free(h->vfio->perms);
	h->vfio->perms = NULL;
}

static int files_start(struct host *h)
{
	int ret = host_step(h);

	if (!ret)
		h->vfio->files = g_hash_table_new(NULL, NULL);
	return ret;
}

static void files_stop(struct host *h)
{
	g_hash_table_unref(h->vfio->files);
	h->vfio->files = NULL;
}

static int register_driver(struct host *h)
{
	return host_driver_add(h, &vfio_pci_driver);
}

static void unregister_driver(struct host *h)
{
	host_driver_del(h, &vfio_pci_driver);
}

static const struct {
	int (*start)(struct host *h);
	void (*stop)(struct host *h);
} steps[] = {
	{perms_start, perms_stop},
	{files_start, files_stop},
	{virqfd_worker_start, virqfd_worker_stop},
	{register_driver, unregister_driver},
};

int vfio_pci_init(struct host *h)
{
	unsigned i;
	int ret = 0;

	h->vfio = g_new0(struct vfio_core, 1);
	for (i = 0; i < G_N_ELEMENTS(steps) && !ret; i++)
		ret = steps[i].start(h);
	h->vfio->started = ret ? 0 : i;
	if (!ret)
		return 0;
	for (i--; i--;)
		steps[i].stop(h);
	g_free(h->vfio);
	h->vfio = NULL;
	return ret;
}

void vfio_pci_cleanup(struct host *h)
{
	if (!h->vfio)
		return;
	for (unsigned i = h->vfio->started; i--;)
		steps[i].stop(h);
	g_free(h->vfio);
	h->vfio = NULL;
}

struct host *vfio_host_new(const struct host_conf *conf)
{
	struct host *h = host_new(conf);

	if (h && vfio_pci_init(h) < 0) {
		host_free(h);
		return NULL;
	}
	return h;
}

void vfio_host_free(struct host *h)
{
	if (!h)
		return;
	host_remove_all(h);
	vfio_pci_cleanup(h);
	host_free(h);
}
