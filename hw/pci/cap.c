// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns walks over capability chains and their making; every walk is bounded, because chains come
 * from devices. */
#include "hw/pci/pci.h"

unsigned pci_cap_find(const uint8_t *cfg, uint8_t id)
{
	unsigned pos = cfg[PCI_CAPABILITY_LIST] & ~3u;

	if (!(pci_get16(cfg + PCI_STATUS) & PCI_STATUS_CAP_LIST))
		return 0;
	for (int ttl = 48; ttl && pos >= PCI_STD_HEADER_SIZEOF; ttl--) {
		if (cfg[pos] == id)
			return pos;
		pos = cfg[pos + 1] & ~3u;
	}
	return 0;
}

unsigned pci_ext_cap_find(const uint8_t *cfg, unsigned cfg_size, uint16_t id)
{
	unsigned pos = PCI_CFG_CONV;

	if (cfg_size < PCI_CFG_CONV + 4)
		return 0;
	for (int ttl = (PCI_CFG_EXT - PCI_CFG_CONV) / 8; ttl && pos >= PCI_CFG_CONV; ttl--) {
		uint32_t head;

		if (pos > cfg_size - 4)
			return 0;
		head = pci_get32(cfg + pos);
		if (!head || head == UINT32_MAX)
			return 0;
		if (PCI_EXT_CAP_ID(head) == id)
			return pos;
		pos = PCI_EXT_CAP_NEXT(head) & ~3u;
	}
	return 0;
}

void pcidev_add_cap(struct pcidev *d, uint8_t id, unsigned off)
{
	d->cfg[off] = id;
	d->cfg[off + 1] = d->cfg[PCI_CAPABILITY_LIST];
	d->cfg[PCI_CAPABILITY_LIST] = (uint8_t)off;
	d->cfg[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
}

void pcidev_add_ext_cap(struct pcidev *d, uint16_t id, unsigned version, unsigned off)
{
	unsigned last = PCI_CFG_CONV;

	pci_set32(d->cfg + off, id | (uint32_t)version << 16);
	if (off == last)
		return;
	while (PCI_EXT_CAP_NEXT(pci_get32(d->cfg + last)))
		last = PCI_EXT_CAP_NEXT(pci_get32(d->cfg + last));
	pci_set32(d->cfg + last, pci_get32(d->cfg + last) | (uint32_t)off << 20);
}
