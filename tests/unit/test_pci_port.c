// SPDX-License-Identifier: GPL-2.0-or-later
/* The root port's registers, and what its bridge control does to the devices below. */
#include "pci_util.h"

#define PORT 0x08
#define EXP 0x50

static struct pcidev *port(struct pciboard *b)
{
	struct pcie_port_conf conf = {.id = "rp1", .chassis = 1, .slot = 0x1234, .port = 0x56};
	struct pcidev *d = pcie_root_port_new(&conf);

	pb_init(b);
	g_assert_cmpint(pcidev_plug(d, &b->host.root, PORT, NULL), ==, 0);
	return d;
}

static void identity(void)
{
	struct pciboard b;
	struct pcidev *d = port(&b);

	g_assert_cmphex(cfg_r(&b, PORT, 0, 4), ==, 0x000c1b36);
	g_assert_cmphex(cfg_r(&b, PORT, PCI_CLASS_REVISION, 4) >> 8, ==, 0x060400);
	g_assert_cmphex(cfg_r(&b, PORT, PCI_HEADER_TYPE, 1), ==, 1);
	g_assert_cmphex(cfg_r(&b, PORT, PCI_INTERRUPT_PIN, 1), ==, 1);
	g_assert_cmpstr(d->name, ==, "rp1");
	g_assert_cmphex(pci_cap_find(d->cfg, PCI_CAP_ID_EXP), ==, EXP);
	g_assert_cmpuint(pci_cap_find(d->cfg, PCI_CAP_ID_PM), >, 0);
	g_assert_cmpuint(pci_cap_find(d->cfg, PCI_CAP_ID_SSVID), >, 0);
	g_assert_cmphex(pci_ext_cap_find(d->cfg, 4096, PCI_EXT_CAP_ID_ERR), ==, 0x100);
	g_assert_cmphex(cfg_r(&b, PORT, EXP + PCI_EXP_FLAGS, 2), ==,
			0x0142); /* v2, root port, slot */
	g_assert_cmphex(cfg_r(&b, PORT, EXP + PCI_EXP_LNKCAP, 4) >> 24, ==, 0x56);
	g_assert_cmphex(cfg_r(&b, PORT, EXP + PCI_EXP_SLTCAP, 4) >> 19, ==, 0x1234);
	g_assert_cmphex(cfg_r(&b, PORT, EXP + PCI_EXP_SLTCAP, 4) & PCI_EXP_SLTCAP_HPC, ==, 0);
	g_assert_cmphex(cfg_r(&b, PORT, 0xffc, 4), ==, 0);
	pb_fini(&b);
}

/* The other flavour: two vectors; with both, errors are told by the second. */
static void ioh3420(void)
{
	const struct pcie_port_conf conf = {.id = "ioh", .chassis = 1, .port = 1, .hotplug = true};
	struct pcidev *d = pcie_ioh3420_new(&conf);
	struct pciboard b;
	unsigned msi;

	pb_init(&b);
	g_assert_cmpint(pcidev_plug(d, &b.host.root, PORT, NULL), ==, 0);
	g_assert_cmphex(cfg_r(&b, PORT, 0, 4), ==, 0x34208086);
	g_assert_cmphex(cfg_r(&b, PORT, PCI_CLASS_REVISION, 4), ==, 0x06040002);
	g_assert_cmphex(cfg_r(&b, PORT, EXP + PCI_EXP_FLAGS, 2), ==, 0x0142);
	g_assert_cmphex(cfg_r(&b, PORT, EXP + PCI_EXP_SLTCAP, 4) & PCI_EXP_SLTCAP_HPC, !=, 0);
	msi = pci_cap_find(d->cfg, PCI_CAP_ID_MSI);
	g_assert_cmphex(cfg_r(&b, PORT, msi + PCI_MSI_FLAGS, 2), ==,
			PCI_MSI_FLAGS_MASKBIT | 1 << 1);
	g_assert_cmphex(cfg_r(&b, PORT, 0x100 + PCI_ERR_ROOT_STATUS, 4), ==, 0);
	cfg_w(&b, PORT, msi + PCI_MSI_FLAGS, 1 << 4, 2);
	g_assert_cmphex(cfg_r(&b, PORT, 0x100 + PCI_ERR_ROOT_STATUS, 4), ==, 1u << 27);
	pcihost_reset(&b.host);
	g_assert_cmphex(cfg_r(&b, PORT, 0x100 + PCI_ERR_ROOT_STATUS, 4), ==, 0);
	pb_fini(&b);
}

/* Presence and link follow what is plugged. */
static void slot_and_link(void)
{
	struct pciboard b;
	struct pcidev *d = port(&b);
	struct tpci *t;

	g_assert_cmphex(cfg_r(&b, PORT, EXP + PCI_EXP_SLTSTA, 2), ==, 0);
	g_assert_cmphex(cfg_r(&b, PORT, EXP + PCI_EXP_LNKSTA, 2), ==, 0);
	t = tpci_plug(&b, 1, d->child, PCI_DEVFN(0, 4));
	g_assert_cmphex(cfg_r(&b, PORT, EXP + PCI_EXP_SLTSTA, 2), ==, PCI_EXP_SLTSTA_PDS);
	g_assert_cmphex(cfg_r(&b, PORT, EXP + PCI_EXP_LNKSTA, 2), ==,
			PCI_EXP_LNKSTA_DLLLA | PCI_EXP_LNKSTA_NLW_X1 | PCI_EXP_LNKSTA_CLS_2_5GB);
	g_assert_cmphex(cfg_r(&b, PORT, EXP + PCI_EXP_LNKCTL, 4) >> 16, ==, 0x2011);
	g_assert_cmphex(cfg_r(&b, PORT, EXP + PCI_EXP_SLTSTA, 1), ==, PCI_EXP_SLTSTA_PDS);
	cfg_w(&b, PORT, EXP + PCI_EXP_LNKSTA, 0xffff, 2);
	cfg_w(&b, PORT, EXP + PCI_EXP_SLTSTA, 0xffff, 2);
	g_assert_cmphex(cfg_r(&b, PORT, EXP + PCI_EXP_SLTSTA, 2), ==, PCI_EXP_SLTSTA_PDS);
	pcidev_unplug(&t->dev);
	tpci_free(&t->dev);
	g_assert_cmphex(cfg_r(&b, PORT, EXP + PCI_EXP_SLTSTA, 2), ==, 0);
	g_assert_cmphex(cfg_r(&b, PORT, EXP + PCI_EXP_LNKSTA, 2), ==, 0);
	pb_fini(&b);
}

static void windows_closed(struct pciboard *b)
{
	g_assert_cmphex(cfg_r(b, PORT, PCI_PRIMARY_BUS, 4), ==, 0);
	g_assert_cmphex(cfg_r(b, PORT, PCI_IO_BASE, 1), >, cfg_r(b, PORT, PCI_IO_LIMIT, 1));
	g_assert_cmphex(cfg_r(b, PORT, PCI_MEMORY_BASE, 4), ==, 0x0000fff0);
	g_assert_cmphex(cfg_r(b, PORT, PCI_PREF_MEMORY_BASE, 4), ==, 0x0001fff1);
	g_assert_cmphex(cfg_r(b, PORT, PCI_PREF_BASE_UPPER32, 4), ==, 0);
	g_assert_cmphex(cfg_r(b, PORT, PCI_PREF_LIMIT_UPPER32, 4), ==, 0);
}

static void header_masks(void)
{
	struct pciboard b;

	port(&b);
	windows_closed(&b);
	for (unsigned off = PCI_BASE_ADDRESS_0; off < PCI_INTERRUPT_LINE; off += 4)
		cfg_w(&b, PORT, off, UINT32_MAX, 4);
	g_assert_cmphex(cfg_r(&b, PORT, PCI_BASE_ADDRESS_0, 4), ==, 0); /* no BARs of its own */
	g_assert_cmphex(cfg_r(&b, PORT, PCI_BASE_ADDRESS_1, 4), ==, 0);
	g_assert_cmphex(cfg_r(&b, PORT, PCI_PRIMARY_BUS, 4), ==, 0x00ffffff);
	g_assert_cmphex(cfg_r(&b, PORT, PCI_IO_BASE, 2), ==, 0xf0f0);
	g_assert_cmphex(cfg_r(&b, PORT, PCI_MEMORY_BASE, 4), ==, 0xfff0fff0);
	g_assert_cmphex(cfg_r(&b, PORT, PCI_PREF_MEMORY_BASE, 4), ==, 0xfff1fff1); /* 64 bits */
	g_assert_cmphex(cfg_r(&b, PORT, PCI_PREF_BASE_UPPER32, 4), ==, UINT32_MAX);
	g_assert_cmphex(cfg_r(&b, PORT, PCI_IO_BASE_UPPER16, 4), ==, 0); /* 16-bit I/O */
	g_assert_cmphex(cfg_r(&b, PORT, PCI_ROM_ADDRESS1, 4), ==, 0);
	pcihost_reset(&b.host);
	windows_closed(&b);
	pb_fini(&b);
}

/* A guest that has left the port asleep and its errors masked finds it as new after a reset. */
static void restores(struct pcidev *d)
{
	struct pciboard b;
	g_autofree uint8_t *fresh = g_memdup2(d->cfg, sizeof(d->cfg));
	unsigned at;

	pb_init(&b);
	g_assert_cmpint(pcidev_plug(d, &b.host.root, PORT, NULL), ==, 0);
	for (unsigned off = 4; off < PCI_CFG_EXT; off += 4)
		cfg_w(&b, PORT, off, UINT32_MAX, 4);
	g_assert_cmphex(cfg_r(&b, PORT, pci_cap_find(d->cfg, PCI_CAP_ID_PM) + PCI_PM_CTRL, 2) & 3,
			==, 3);
	pcihost_reset(&b.host);
	for (at = 0; at < sizeof(d->cfg) && d->cfg[at] == fresh[at]; at++)
		;
	g_assert_cmphex(at, ==, sizeof(d->cfg));
	pb_fini(&b);
}

static void reset_restores(void)
{
	struct pcie_port_conf conf = {.id = "p"};

	restores(pcie_root_port_new(&conf));
	conf.hotplug = true;
	restores(pcie_root_port_new(&conf));
	restores(pcie_ioh3420_new(&conf));
	restores(pcie_switch_down_new(&conf));
}

static void secondary_reset(void)
{
	struct pciboard b;
	struct pcidev *d = port(&b), *nested;
	struct tpci *t, *deep, *beside;

	t = tpci_plug(&b, 1, d->child, PCI_DEVFN(0, 1));
	nested = port_plug(&b, "n", d->child, 0);
	deep = tpci_plug(&b, 2, nested->child, 0);
	beside = tpci_plug(&b, 3, &b.host.root, PCI_DEVFN(2, 0));
	set_buses(&b, PORT, 1, 2);
	set_buses(&b, 0x100, 2, 2);
	cfg_w(&b, 0x101, PCI_COMMAND, 7, 2);
	t->dev.cfg[PCI_INTERRUPT_PIN] = 1;
	pcidev_intx(&t->dev, true);
	g_assert_true(b.pin[1][0]);
	cfg_w(&b, PORT, PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_SERR, 2);
	g_assert_cmpuint(t->resets, ==, 0);
	cfg_w(&b, PORT, PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET, 2);
	g_assert_cmpuint(t->resets, ==, 1);
	g_assert_cmpuint(deep->resets, ==, 1);
	g_assert_cmpuint(beside->resets, ==, 0);
	g_assert_false(b.pin[1][0]);
	g_assert_cmphex(t->dev.cfg[PCI_COMMAND], ==, 0);
	g_assert_cmphex(nested->cfg[PCI_SECONDARY_BUS], ==, 0);
	g_assert_cmphex(d->cfg[PCI_SECONDARY_BUS], ==, 1); /* its own registers stay */
	cfg_w(&b, PORT, PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET, 2); /* held: no second one */
	g_assert_cmpuint(t->resets, ==, 1);
	cfg_w(&b, PORT, PCI_BRIDGE_CONTROL, 0, 1);
	g_assert_cmpuint(t->resets, ==, 1);
	cfg_w(&b, PORT, PCI_INTERRUPT_LINE, PCI_BRIDGE_CTL_BUS_RESET << 16, 4);
	g_assert_cmpuint(t->resets, ==, 2);
	pb_fini(&b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/pci-port/identity", identity);
	g_test_add_func("/pci-port/ioh3420", ioh3420);
	g_test_add_func("/pci-port/slot-and-link", slot_and_link);
	g_test_add_func("/pci-port/header-masks", header_masks);
	g_test_add_func("/pci-port/reset-restores", reset_restores);
	g_test_add_func("/pci-port/secondary-reset", secondary_reset);
	return g_test_run();
}
