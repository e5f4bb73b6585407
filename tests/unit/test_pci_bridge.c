// SPDX-License-Identifier: GPL-2.0-or-later
/* The bridge to conventional PCI and the ports of a switch: registers, buses below, resets. */
#include "pci_util.h"

#include "hw/pci/bridge.h"

#define AT 0x08
#define EXP BRIDGE_CAP_EXP
#define ACS_ALL 0x5f

static struct pcidev *plug_at(struct pciboard *b, struct pcidev *d, struct pcibus *bus,
			      uint8_t devfn)
{
	g_assert_cmpint(pcidev_plug(d, bus, devfn, NULL), ==, 0);
	return d;
}

static struct pcidev *bridge(struct pciboard *b)
{
	pb_init(b);
	return plug_at(b, pcie_pci_bridge_new("br1"), &b->host.root, AT);
}

/* Root port at 00:01.0, switch below it: 01:00.0, its downstream ports at 02:00.0 and 02:05.0. */
struct sw {
	struct pciboard b;
	struct pcidev *root, *up, *down[2];
};

static void sw_init(struct sw *s)
{
	const struct pcie_port_conf up = {.id = "up", .port = 7}, d0 = {.id = "d0", .slot = 0x123};

	pb_init(&s->b);
	s->root = port_plug(&s->b, "rp", &s->b.host.root, AT);
	s->up = plug_at(&s->b, pcie_switch_up_new(&up), s->root->child, 0);
	s->down[0] = plug_at(&s->b, pcie_switch_down_new(&d0), s->up->child, 0);
	s->down[1] = plug_at(&s->b, pcie_switch_down_new(&(struct pcie_port_conf){.port = 1}),
			     s->up->child, PCI_DEVFN(5, 0));
	set_buses(&s->b, AT, 1, 4);
	set_buses(&s->b, 0x100, 2, 4);
	set_buses(&s->b, 0x200, 3, 3);
	set_buses(&s->b, 0x228, 4, 4);
}

static void identity(void)
{
	struct pciboard b;
	struct pcidev *d = bridge(&b);

	g_assert_cmphex(cfg_r(&b, AT, 0, 4), ==, 0x000e1b36);
	g_assert_cmphex(cfg_r(&b, AT, PCI_CLASS_REVISION, 4) >> 8, ==, 0x060400);
	g_assert_cmphex(cfg_r(&b, AT, PCI_HEADER_TYPE, 1), ==, 1);
	g_assert_cmpstr(d->name, ==, "br1");
	g_assert_cmphex(pci_cap_find(d->cfg, PCI_CAP_ID_EXP), ==, EXP);
	g_assert_cmphex(cfg_r(&b, AT, EXP + PCI_EXP_FLAGS, 2), ==, 0x0072); /* v2, PCI bridge */
	g_assert_cmphex(cfg_r(&b, AT, EXP + PCI_EXP_LNKSTA, 2), ==, 0x0011);
	g_assert_cmpuint(pci_cap_find(d->cfg, PCI_CAP_ID_PM), >, 0);
	g_assert_cmphex(cfg_r(&b, AT, PCI_CFG_CONV, 4), ==, 0);
	g_assert_cmphex(cfg_r(&b, AT, PCI_SEC_STATUS, 2), ==, 0x0280);
	g_assert_false(pcibus_express(d->child));
	g_assert_true(pcibus_express(&b.host.root));
	pb_fini(&b);
}

/* Conventional: 32 slots, pins swizzled, devices behind the windows only. */
static void below(void)
{
	struct pciboard b;
	struct pcidev *d = bridge(&b);
	struct tpci *t;

	set_buses(&b, AT, 1, 1);
	g_assert_cmpint(pcibus_free_slot(d->child, 0), ==, 0);
	for (unsigned slot = 0; slot < 32; slot++)
		tpci_plug(&b, (uint8_t)(slot + 1), d->child, PCI_DEVFN(slot, 0));
	g_assert_cmpint(pcibus_free_slot(d->child, 0), <, 0);
	g_assert_cmphex(cfg_r(&b, 0x1f8, 0, 4), ==, 0x00201234);
	t = d->child->dev[PCI_DEVFN(5, 0)]->priv;
	tpci_bar(t, 0, 4096, MEM32);
	t->dev.cfg[PCI_INTERRUPT_PIN] = 1;
	pcidev_intx(&t->dev, true);
	g_assert_true(b.pin[1][1]); /* INTA# of slot 5 is INTB# of the bridge */
	cfg_w(&b, 0x128, PCI_BASE_ADDRESS_0, 0xc0000000, 4);
	cfg_w(&b, 0x128, PCI_COMMAND, 2, 2);
	g_assert_cmphex(mem_at(&b, 0xc0000000), ==, 0xffff);
	cfg_w(&b, AT, PCI_MEMORY_BASE, 0xc000c000, 4);
	cfg_w(&b, AT, PCI_COMMAND, 2, 2);
	g_assert_cmphex(mem_at(&b, 0xc0000000), ==, 6 << 8);
	pb_fini(&b);
}

static void bridge_reset(void)
{
	struct pciboard b;
	struct pcidev *d = bridge(&b);
	g_autofree uint8_t *fresh = g_memdup2(d->cfg, sizeof(d->cfg));
	struct tpci *t = tpci_plug(&b, 1, d->child, PCI_DEVFN(3, 1));
	unsigned at;

	cfg_w(&b, AT, PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_SERR, 2);
	g_assert_cmpuint(t->resets, ==, 0);
	cfg_w(&b, AT, PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET, 2);
	cfg_w(&b, AT, PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET, 2);
	g_assert_cmpuint(t->resets, ==, 1);
	cfg_w(&b, AT, PCI_BRIDGE_CONTROL, 0, 2);
	for (unsigned off = 4; off < PCI_CFG_EXT; off += 4)
		cfg_w(&b, AT, off, UINT32_MAX, 4);
	g_assert_cmpuint(t->resets, ==, 2);
	g_assert_cmphex(cfg_r(&b, AT, PCI_BRIDGE_CONTROL, 2), ==, 0x00ef);
	pcihost_reset(&b.host);
	for (at = 0; at < sizeof(d->cfg) && d->cfg[at] == fresh[at]; at++)
		;
	g_assert_cmphex(at, ==, sizeof(d->cfg));
	pb_fini(&b);
}

static void switch_identity(void)
{
	struct sw s;

	sw_init(&s);
	g_assert_cmphex(cfg_r(&s.b, 0x100, 0, 4), ==, 0x8232104c);
	g_assert_cmphex(cfg_r(&s.b, 0x200, 0, 4), ==, 0x8233104c);
	g_assert_cmphex(cfg_r(&s.b, 0x228, 0, 4), ==, 0x8233104c);
	g_assert_cmpstr(s.down[1]->name, ==, "xio3130-downstream");
	g_assert_cmphex(cfg_r(&s.b, 0x100, EXP + PCI_EXP_FLAGS, 2), ==, 0x0052);
	g_assert_cmphex(cfg_r(&s.b, 0x200, EXP + PCI_EXP_FLAGS, 2), ==, 0x0162); /* has a slot */
	g_assert_cmphex(cfg_r(&s.b, 0x200, EXP + PCI_EXP_SLTCAP, 4) >> 19, ==, 0x123);
	g_assert_cmphex(cfg_r(&s.b, 0x100, EXP + PCI_EXP_LNKCAP, 4), ==, 0x07000011);
	g_assert_cmphex(cfg_r(&s.b, 0x228, EXP + PCI_EXP_LNKCAP, 4), ==, 0x01100011);
	g_assert_cmphex(cfg_r(&s.b, 0x100, EXP + PCI_EXP_LNKSTA, 2), ==, 0x0011);
	g_assert_cmphex(cfg_r(&s.b, 0x200, EXP + PCI_EXP_LNKSTA, 2), ==, 0);
	tpci_plug(&s.b, 1, s.down[0]->child, 0);
	g_assert_cmphex(cfg_r(&s.b, 0x200, EXP + PCI_EXP_LNKSTA, 2), ==, 0x2011);
	g_assert_cmphex(cfg_r(&s.b, 0x300, 0, 4), ==, 0x00011234);
	pb_fini(&s.b);
}

/* Linux isolates what is below two ports only where both have access control. */
static void acs(void)
{
	struct sw s;
	unsigned at;

	sw_init(&s);
	g_assert_cmphex(pci_ext_cap_find(s.up->cfg, 4096, PCI_EXT_CAP_ID_ACS), ==, 0);
	g_assert_cmphex(pci_ext_cap_find(s.up->cfg, 4096, PCI_EXT_CAP_ID_ERR), ==, 0x100);
	at = pci_ext_cap_find(s.root->cfg, 4096, PCI_EXT_CAP_ID_ACS);
	g_assert_cmphex(at, >, 0x100);
	g_assert_cmphex(pci_ext_cap_find(s.down[0]->cfg, 4096, PCI_EXT_CAP_ID_ACS), ==, at);
	g_assert_cmphex(cfg_r(&s.b, 0x200, at + PCI_ACS_CAP, 2), ==, ACS_ALL);
	g_assert_cmphex(cfg_r(&s.b, AT, at + PCI_ACS_CAP, 2), ==, ACS_ALL);
	cfg_w(&s.b, 0x200, at + PCI_ACS_CTRL, 0xffff, 2);
	cfg_w(&s.b, 0x200, at + PCI_ACS_CAP, 0, 2);
	g_assert_cmphex(cfg_r(&s.b, 0x200, at + PCI_ACS_CAP, 4), ==, ACS_ALL << 16 | ACS_ALL);
	cfg_w(&s.b, 0x100, PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET, 2);
	g_assert_cmphex(s.down[0]->cfg[at + PCI_ACS_CTRL], ==, 0);
	pb_fini(&s.b);
}

/* Downstream ports stand where they like on the switch's bus; below each is slot 0 only. */
static void switch_slots(void)
{
	struct sw s;
	struct tpci *t;

	sw_init(&s);
	g_assert_cmpint(pcibus_free_slot(s.up->child, 0), ==, PCI_DEVFN(1, 0));
	g_assert_true(pcibus_express(s.up->child));
	g_assert_true(pcibus_express(s.down[1]->child));
	t = tpci_new(&s.b, 1, PCI_CFG_CONV);
	g_assert_cmpint(pcidev_plug(&t->dev, s.down[0]->child, PCI_DEVFN(1, 0), NULL), <, 0);
	g_assert_cmpint(pcidev_plug(&t->dev, s.down[0]->child, PCI_DEVFN(0, 7), NULL), ==, 0);
	pb_fini(&s.b);
}

static void switch_reset(void)
{
	struct sw s;
	struct tpci *t[2];

	sw_init(&s);
	for (unsigned i = 0; i < 2; i++)
		t[i] = tpci_plug(&s.b, (uint8_t)(i + 1), s.down[i]->child, 0);
	cfg_w(&s.b, 0x228, PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET, 2);
	g_assert_cmpuint(t[0]->resets, ==, 0);
	g_assert_cmpuint(t[1]->resets, ==, 1);
	g_assert_cmphex(s.down[1]->cfg[PCI_SECONDARY_BUS], ==, 4);
	cfg_w(&s.b, 0x100, PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET, 2);
	g_assert_cmpuint(t[0]->resets, ==, 1);
	g_assert_cmpuint(t[1]->resets, ==, 2);
	g_assert_cmphex(s.down[1]->cfg[PCI_SECONDARY_BUS], ==, 0);
	g_assert_cmphex(s.up->cfg[PCI_SECONDARY_BUS], ==, 2);
	pb_fini(&s.b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/pci-bridge/identity", identity);
	g_test_add_func("/pci-bridge/below", below);
	g_test_add_func("/pci-bridge/reset", bridge_reset);
	g_test_add_func("/pci-bridge/switch-identity", switch_identity);
	g_test_add_func("/pci-bridge/acs", acs);
	g_test_add_func("/pci-bridge/switch-slots", switch_slots);
	g_test_add_func("/pci-bridge/switch-reset", switch_reset);
	return g_test_run();
}
