// SPDX-License-Identifier: GPL-2.0-or-later
/* What vfio-pci keeps of a config space, told from a copy of it: the same as it does. */
#include "vfio/pci/policy.h"

#include "host_util.h"
#include "hw/dev/zoo.h"

/* It says virtual exactly where the emulated host's vfio-pci answers by itself. */
static void policy(void)
{
	struct vpci_byte byte[PCI_CFG_EXT];
	struct host *h = vfio_host_new(NULL);
	uint8_t user[PCI_CFG_EXT];
	struct pcidev *d;
	struct hu u;

	g_assert_cmpint(pci_zoo_new(&d, "z0", 2 << 20, NULL), ==, 0);
	hu_plug(d, hu_port(h, 1), 0);
	g_assert_cmpint(host_scan(h, NULL), ==, 0);
	g_assert_cmpint(hu_bind(h, HU_FIRST), ==, 0);
	g_assert_cmpint(hu_open(&u, h, HU_FIRST), ==, 0);
	g_assert_cmpint(vfio_pread(u.dev, user, sizeof(user), HU_CONFIG), ==, sizeof(user));
	g_assert_cmpint(vpci_policy(user, sizeof(user), byte), ==, 0);
	for (unsigned i = 0; i < PCI_CFG_EXT; i++) {
		uint8_t was = d->cfg[i], seen;
		uint32_t raw;

		if (i == PCI_COMMAND) /* its bits are acted upon */
			continue;
		d->cfg[i] = (uint8_t)~was;
		seen = (uint8_t)hu_cfg_read(u.dev, i, 1);
		g_assert_cmpint(host_cfg_read(host_find(h, HU_FIRST), i, 1, &raw), ==, 0);
		d->cfg[i] = was;
		if (seen != ((user[i] & byte[i].virt) | ((uint8_t)raw & ~byte[i].virt)))
			g_error("0x%x: %02x, raw %02x, was read as %02x; virtual bits %02x", i,
				user[i], raw, seen, byte[i].virt);
	}
	g_assert_cmpuint(byte[PCI_COMMAND].virt, ==, 0);
	g_assert_cmpuint(byte[ZOO_CAP_MSI + 3].cap, ==, ZOO_CAP_MSI);
	g_assert_cmpuint(byte[0xe8].cap, ==, VPCI_NOBODY);
	hu_close(&u);
	vfio_host_free(h);
}

static void odd_msi(void)
{
	struct vpci_byte byte[PCI_CFG_CONV];
	uint8_t cfg[PCI_CFG_CONV] = {[PCI_STATUS] = PCI_STATUS_CAP_LIST,
				     [PCI_CAPABILITY_LIST] = 0x41,
				     [0x41] = PCI_CAP_ID_MSI};

	g_assert_cmpint(vpci_policy(cfg, sizeof(cfg), byte), ==, -EFAULT);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/policy/zoo", policy);
	g_test_add_func("/policy/odd-msi", odd_msi);
	return g_test_run();
}
