// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns when virtual functions are on the bus and where their BARs show.  Called by the PF's model;
 * never looks into a VF.
 */
#include "hw/pci/sriov.h"

#include <string.h>

#define PAGE_SIZES 0x553u /* 4 KiB to 4 MiB, as the specification asks for (3.3.12) */

void pcisriov_init(struct pcisriov *s, struct pcidev *pf, unsigned off, unsigned total,
		   uint16_t vf_device)
{
	uint8_t *c = pf->cfg + off, *w = pf->wmask + off;

	s->pf = pf;
	s->cap = off;
	pcidev_add_ext_cap(pf, PCI_EXT_CAP_ID_SRIOV, 1, off);
	pci_set16(c + PCI_SRIOV_INITIAL_VF, (uint16_t)total);
	pci_set16(c + PCI_SRIOV_TOTAL_VF, (uint16_t)total);
	pci_set16(c + PCI_SRIOV_VF_OFFSET, 1);
	pci_set16(c + PCI_SRIOV_VF_STRIDE, 1);
	pci_set16(c + PCI_SRIOV_VF_DID, vf_device);
	pci_set32(c + PCI_SRIOV_SUP_PGSIZE, PAGE_SIZES);
	pci_set32(c + PCI_SRIOV_SYS_PGSIZE, 1);
	pci_set16(w + PCI_SRIOV_CTRL, PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE);
	pci_set16(w + PCI_SRIOV_NUM_VF, 0xff);
	pci_set32(w + PCI_SRIOV_SYS_PGSIZE, PAGE_SIZES);
}

void pcisriov_set_bar(struct pcisriov *s, unsigned n, uint64_t size)
{
	unsigned off = s->cap + PCI_SRIOV_BAR + 4 * n;
	uint64_t mask = ~(size - 1);

	pci_set32(s->pf->cfg + off, PCI_BASE_ADDRESS_MEM_TYPE_64);
	pci_set32(s->pf->wmask + off, (uint32_t)mask);
	pci_set32(s->pf->wmask + off + 4, (uint32_t)(mask >> 32));
}

static uint16_t control(const struct pcisriov *s)
{
	return pci_get16(s->pf->cfg + s->cap + PCI_SRIOV_CTRL);
}

/* VF BAR n of the first VF; 0 = not set. */
static uint64_t bar_base(const struct pcisriov *s, unsigned n)
{
	const uint8_t *c = s->pf->cfg + s->cap + PCI_SRIOV_BAR + 4 * n;

	return (pci_get32(c) & ~15u) | (uint64_t)pci_get32(c + 4) << 32;
}

static void map_bars(struct pcisriov *s, unsigned nr)
{
	struct aspace *mem = s->pf->bus->host->mem;
	bool on = control(s) & PCI_SRIOV_CTRL_MSE && !s->silent && nr < s->vfs;

	for (unsigned n = 0; n < PCI_BARS; n++) {
		struct pcibar *b = &s->vf[nr]->bar[n];
		uint64_t base = b->region ? bar_base(s, n) : 0;

		aspace_unmap(mem, s->map[nr][n]);
		s->map[nr][n] = NULL;
		if (on && base)
			s->map[nr][n] =
				aspace_map(mem, b->region, base + nr * b->size, 0, b->size, -1);
	}
}

static bool plug(struct pcisriov *s, unsigned nr)
{
	const uint8_t *c = s->pf->cfg + s->cap;
	unsigned devfn = s->pf->devfn + pci_get16(c + PCI_SRIOV_VF_OFFSET) +
			 nr * pci_get16(c + PCI_SRIOV_VF_STRIDE);

	if (!s->vf[nr] && s->make(s->opaque, nr, &s->vf[nr]) < 0)
		return false;
	return pcidev_plug(s->vf[nr], s->pf->bus, (uint8_t)devfn, NULL) == 0;
}

static void unplug_all(struct pcisriov *s)
{
	unsigned n = s->vfs;

	s->vfs = 0;
	while (n--) {
		map_bars(s, n);
		pcidev_silence(s->vf[n]);
		pcidev_unplug(s->vf[n]);
	}
}

void pcisriov_written(struct pcisriov *s, unsigned off, unsigned len)
{
	unsigned total = pci_get16(s->pf->cfg + s->cap + PCI_SRIOV_TOTAL_VF);
	unsigned n = pci_get16(s->pf->cfg + s->cap + PCI_SRIOV_NUM_VF);

	if (!pci_hits(off, len, s->cap + PCI_SRIOV_CTRL, 0x3c) || !s->pf->bus)
		return;
	if (!(control(s) & PCI_SRIOV_CTRL_VFE)) {
		s->silent = false;
		unplug_all(s);
		return;
	}
	s->silent = false;
	n = n < total ? n : total;
	while (s->vfs < n && plug(s, s->vfs))
		s->vfs++;
	for (unsigned nr = 0; nr < s->vfs; nr++)
		map_bars(s, nr);
}

void pcisriov_reset(struct pcisriov *s)
{
	uint8_t *c = s->pf->cfg + s->cap;

	pci_set16(c + PCI_SRIOV_CTRL, 0);
	pci_set16(c + PCI_SRIOV_NUM_VF, 0);
	s->silent = s->vfs;
	for (unsigned nr = 0; nr < s->vfs; nr++) {
		pcidev_silence(s->vf[nr]);
		map_bars(s, nr);
	}
}

bool pcisriov_answers(const struct pcisriov *s)
{
	return !s->silent;
}

void pcisriov_leave(struct pcisriov *s)
{
	s->silent = false;
	unplug_all(s);
}

void pcisriov_fini(struct pcisriov *s)
{
	for (unsigned nr = 0; nr < PCI_SRIOV_VFS; nr++)
		if (s->vf[nr])
			s->vf[nr]->ops->free(s->vf[nr]);
	memset(s->vf, 0, sizeof(s->vf));
}

void pcisriov_forget(struct pcisriov *s, unsigned nr)
{
	if (!s->vf[nr])
		return;
	for (unsigned n = 0; s->pf->bus && n < PCI_BARS; n++) {
		aspace_unmap(s->pf->bus->host->mem, s->map[nr][n]);
		s->map[nr][n] = NULL;
	}
	s->vf[nr] = NULL;
	s->vfs = nr < s->vfs ? nr : s->vfs;
}

void pcisriov_make_vf(struct pcidev *d)
{
	pci_set32(d->cfg + PCI_VENDOR_ID, UINT32_MAX);
	pci_set16(d->wmask + PCI_COMMAND, PCI_COMMAND_MASTER);
	memset(d->cfg + PCI_BASE_ADDRESS_0, 0, 24);
	memset(d->wmask + PCI_BASE_ADDRESS_0, 0, 24);
	for (unsigned n = 0; n < PCI_BARS; n++)
		d->bar[n].flags = 0;
	d->cfg[PCI_INTERRUPT_PIN] = d->wmask[PCI_INTERRUPT_LINE] = 0;
	d->wmask[PCI_CACHE_LINE_SIZE] = 0;
}
