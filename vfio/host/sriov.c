// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns virtual functions (SR-IOV 1.1, 3.3): makes a physical function show them, and takes what
 * appears on its bus into the host's list.  Called by drivers' sriov_configure and by sysfs.
 */
#include <errno.h>
#include <stdlib.h>

#include "vfio/host/private.h"

unsigned host_sriov_total(struct hostdev *d)
{
	return d->sriov_cap ? hd_read(d, d->sriov_cap + PCI_SRIOV_TOTAL_VF, 2) : 0;
}

static struct pcidev *vf_at(struct hostdev *pf, unsigned i)
{
	unsigned first = hd_read(pf, pf->sriov_cap + PCI_SRIOV_VF_OFFSET, 2);
	unsigned stride = hd_read(pf, pf->sriov_cap + PCI_SRIOV_VF_STRIDE, 2);
	unsigned rid = pcidev_bdf(pf->pci) + first + i * stride;
	struct pcibus *b = pcihost_bus(&pf->host->pci, rid >> 8);

	return b ? b->dev[rid & 0xff] : NULL;
}

/* A VF's BARs are slices of the PF's (3.3.14). */
static void slice_bars(struct hostdev *pf, struct hostdev *vf, unsigned i)
{
	unsigned total = host_sriov_total(pf);

	for (unsigned n = 0; n < PCI_BARS; n++) {
		const struct hostres *all = &pf->res[HOSTRES_VF + n];
		uint64_t size = all->flags ? (all->end - all->start + 1) / total : 0;

		if (!size)
			continue;
		vf->res[n] = (struct hostres){all->start + i * size,
					      all->start + (i + 1) * size - 1, all->flags};
	}
}

static int add_vf(struct hostdev *pf, unsigned i)
{
	struct pcidev *p = vf_at(pf, i);
	struct hostdev *vf;
	int ret;

	if (!p)
		return -ENODEV;
	ret = host_add(pf->host, p, pf, &vf);
	if (ret < 0)
		return ret;
	slice_bars(pf, vf, i);
	ret = iommu_group_add(vf);
	if (ret < 0)
		return ret;
	hd_reset_probe(vf);
	if (pf->drv && pf->drv->ops->takes_vfs)
		vf->override = g_strdup(pf->drv->ops->name);
	if (!pf->autoprobe_off)
		hostdev_attach(vf);
	return 0;
}

static void control(struct hostdev *d, uint16_t clear, uint16_t set)
{
	uint16_t v = (uint16_t)hd_read(d, d->sriov_cap + PCI_SRIOV_CTRL, 2);

	hd_write(d, d->sriov_cap + PCI_SRIOV_CTRL, 2, (uint16_t)((v & ~clear) | set));
}

int host_sriov_enable(struct hostdev *d, unsigned n)
{
	int ret = 0;

	hd_write(d, d->sriov_cap + PCI_SRIOV_NUM_VF, 2, n);
	control(d, 0, PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE);
	for (unsigned i = 0; i < n && !ret; i++) {
		ret = add_vf(d, i);
		d->numvfs += !ret;
	}
	if (ret < 0) {
		host_sriov_disable(d);
		return ret;
	}
	return (int)n;
}

void host_sriov_disable(struct hostdev *d)
{
	host_remove_below(d);
	d->numvfs = 0;
	if (!d->sriov_cap)
		return;
	control(d, PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE, 0);
	hd_write(d, d->sriov_cap + PCI_SRIOV_NUM_VF, 2, 0);
}

/* After a reset of the physical function, which has forgotten its VFs. */
void host_sriov_restore(struct hostdev *d)
{
	if (!d->numvfs || hd_read(d, d->sriov_cap + PCI_SRIOV_CTRL, 2) & PCI_SRIOV_CTRL_VFE)
		return;
	hd_write(d, d->sriov_cap + PCI_SRIOV_NUM_VF, 2, d->numvfs);
	control(d, 0, PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE);
}

int host_sriov_store(struct hostdev *d, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 0);

	if (end == text || (*end && *end != '\n') || n > 0xffff || *text == '-')
		return -EINVAL;
	if (n > host_sriov_total(d))
		return -ERANGE;
	if (n == d->numvfs)
		return 0;
	if (!d->drv || !d->drv->ops->sriov)
		return -ENOENT;
	if (n && d->numvfs)
		return -EBUSY;
	return MIN(0, d->drv->ops->sriov(d, (unsigned)n));
}
