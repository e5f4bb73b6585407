// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns what PCI Express endpoints have in common: the PCI Express capability with function level
 * reset, the power management capability (PCI Express 3.0, 7.8, 6.6.2; PCI PM 1.2).  Called by
 * models; never knows what else a model resets.
 */
#include "hw/pci/pci.h"

#define LINK_UP (PCI_EXP_LNKSTA_CLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1)

void pcie_endpoint_add_caps(struct pcidev *d, unsigned exp, unsigned pm)
{
	uint8_t *c = d->cfg + exp, *w = d->wmask + exp;

	d->express = true;
	pcidev_add_cap(d, PCI_CAP_ID_EXP, exp);
	pci_set16(c + PCI_EXP_FLAGS, 2 | PCI_EXP_TYPE_ENDPOINT << 4);
	pci_set32(c + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_RBER | PCI_EXP_DEVCAP_FLR);
	pci_set16(w + PCI_EXP_DEVCTL, 0xf8ef);
	pci_set16(w + PCI_EXP_LNKCTL, 0x01db);
	pcidev_add_cap(d, PCI_CAP_ID_PM, pm);
	pci_set16(d->cfg + pm + PCI_PM_PMC, 3);
	pci_set16(d->cfg + pm + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET);
	pci_set16(d->wmask + pm + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK);
}

/* On the root bus it is an integrated endpoint, which has no link (7.8.2, 7.8.6). */
static void follow_bus(struct pcidev *d, uint8_t *c)
{
	bool integrated = d->bus && !d->bus->bridge;
	unsigned type = integrated ? PCI_EXP_TYPE_RC_END : PCI_EXP_TYPE_ENDPOINT;

	pci_set16(c + PCI_EXP_FLAGS, (uint16_t)(2 | type << 4));
	pci_set32(c + PCI_EXP_LNKCAP, integrated ? 0 : PCI_EXP_LNKCAP_SLS_2_5GB | 1 << 4);
	pci_set16(c + PCI_EXP_LNKSTA, integrated ? 0 : LINK_UP);
	pci_set32(c + PCI_EXP_LNKCAP2, integrated ? 0 : PCI_EXP_LNKCAP2_SLS_2_5GB);
	pci_set16(c + PCI_EXP_LNKCTL2, integrated ? 0 : 1);
}

uint32_t pcie_endpoint_cfg_read(struct pcidev *d, unsigned off, unsigned len)
{
	unsigned exp = pci_cap_find(d->cfg, PCI_CAP_ID_EXP);

	if (exp && pci_hits(off, len, exp, PCI_CAP_EXP_ENDPOINT_SIZEOF_V2 + 8))
		follow_bus(d, d->cfg + exp);
	return pcidev_cfg_read(d, off, len);
}

bool pcie_endpoint_written(struct pcidev *d, unsigned off, unsigned len)
{
	unsigned exp = pci_cap_find(d->cfg, PCI_CAP_ID_EXP);
	uint8_t *control = d->cfg + exp + PCI_EXP_DEVCTL;

	if (!exp || !pci_hits(off, len, exp + PCI_EXP_DEVCTL, 2) ||
	    !(pci_get16(control) & PCI_EXP_DEVCTL_BCR_FLR))
		return false;
	pci_set16(control, pci_get16(control) & (uint16_t)~PCI_EXP_DEVCTL_BCR_FLR);
	pcidev_reset_config(d);
	if (d->ops->reset)
		d->ops->reset(d);
	return true;
}

void pcie_endpoint_reset(struct pcidev *d)
{
	unsigned exp = pci_cap_find(d->cfg, PCI_CAP_ID_EXP);
	unsigned pm = pci_cap_find(d->cfg, PCI_CAP_ID_PM);

	pci_set16(d->cfg + exp + PCI_EXP_DEVCTL, 0);
	pci_set16(d->cfg + exp + PCI_EXP_LNKCTL, 0);
	pci_set16(d->cfg + pm + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET); /* D0 */
}
