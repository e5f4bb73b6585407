// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns a device that is only a copy of a config space, for as long as it takes to ask the engine
 * about it.  Called by the views of hw/vfio; never opens, reads or writes a device.
 */
#include "vfio/pci/policy.h"

#include "vfio/host/private.h"
#include "vfio/pci/vpci.h"

int vpci_policy(const uint8_t *cfg, unsigned size, struct vpci_byte *out)
{
	g_autofree struct host *nowhere = g_new0(struct host, 1);
	g_autofree struct vpci_perms *perms = g_new0(struct vpci_perms, 1);
	struct hostdev d = {.host = nowhere, .cfg_size = size, .bdf = "copy"};
	struct vfio_pci_device v = {.pci = &d, .perms = perms, .image = cfg};
	int ret = vpci_perms_init(nowhere, perms);

	if (ret < 0)
		return ret;
	d.exp_cap = (uint8_t)pci_cap_find(cfg, PCI_CAP_ID_EXP);
	ret = vpci_config_init(&v);
	for (unsigned i = 0; !ret && i < size; i++) {
		bool header = i < PCI_STD_HEADER_SIZEOF;

		out[i].virt = vpci_virtual_bits(&v, i);
		out[i].cap = header                       ? 0
			     : v.map[i] == MAP_UNASSIGNED ? VPCI_NOBODY
							  : (uint16_t)vpci_cap_start(&v, i);
	}
	if (!ret)
		vpci_config_free(&v);
	vpci_perms_fini(perms);
	return ret;
}
