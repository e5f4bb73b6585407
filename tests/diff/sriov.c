// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns a physical device's virtual functions: when they appear on the bus and where their BARs are.
 * Called by the PF's model; never looks into a VF.
 */
#include "tests/diff/sriov.h"

#include <glib.h>

#include "tests/diff/physdev.h"

void sriov_init(struct sriov *s, struct pcidev *pf, unsigned cap, sriov_make_fn make, void *opaque)
{
	*s = (struct sriov){.pf = pf, .cap = cap, .make = make, .opaque = opaque};
}

static uint16_t control(const struct sriov *s)
{
	return pci_get16(s->pf->cfg + s->cap + PCI_SRIOV_CTRL);
}

/* VF BAR n of the first VF; 0 = not set. */
static uint64_t bar_base(const struct sriov *s, unsigned n)
{
	const uint8_t *c = s->pf->cfg + s->cap + PCI_SRIOV_BAR + 4 * n;
	uint64_t addr = pci_get32(c) & ~15u;

	if ((c[0] & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64)
		addr |= (uint64_t)pci_get32(c + 4) << 32;
	return addr;
}

static void map_bars(struct sriov *s, unsigned nr)
{
	struct aspace *mem = s->pf->bus->host->mem;
	bool on = control(s) & PCI_SRIOV_CTRL_MSE;

	for (unsigned n = 0; n < PCI_BARS; n++) {
		struct region *r = physdev_region(s->vf[nr], n);
		uint64_t base = r ? bar_base(s, n) : 0;

		aspace_unmap(mem, s->map[nr][n]);
		s->map[nr][n] = NULL;
		if (on && base)
			s->map[nr][n] = aspace_map(mem, r, base + nr * r->size, 0, r->size, -1);
	}
}

static void add(struct sriov *s, unsigned nr)
{
	const uint8_t *c = s->pf->cfg + s->cap;
	unsigned first = pci_get16(c + PCI_SRIOV_VF_OFFSET),
		 step = pci_get16(c + PCI_SRIOV_VF_STRIDE);
	struct pcidev *d = s->make(s->opaque, nr);

	if (!d)
		return;
	if (pcidev_plug(d, s->pf->bus, (uint8_t)(s->pf->devfn + first + nr * step), NULL) < 0) {
		d->ops->free(d);
		return;
	}
	s->vf[s->vfs++] = d;
}

static void drop(struct sriov *s)
{
	while (s->vfs) {
		struct pcidev *d = s->vf[--s->vfs];

		for (unsigned n = 0; n < PCI_BARS; n++) {
			aspace_unmap(s->pf->bus->host->mem, s->map[s->vfs][n]);
			s->map[s->vfs][n] = NULL;
		}
		pcidev_unplug(d);
		d->ops->free(d);
	}
}

void sriov_control(struct sriov *s)
{
	unsigned n = pci_get16(s->pf->cfg + s->cap + PCI_SRIOV_NUM_VF);

	if (!(control(s) & PCI_SRIOV_CTRL_VFE))
		drop(s);
	else if (!s->vfs)
		for (unsigned nr = 0; nr < MIN(n, SRIOV_VFS); nr++)
			add(s, nr);
	for (unsigned nr = 0; nr < s->vfs; nr++)
		map_bars(s, nr);
}

void sriov_pf_reset(struct sriov *s)
{
	for (unsigned nr = 0; nr < s->vfs; nr++)
		physdev_silence(s->vf[nr]);
}
