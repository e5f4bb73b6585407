// SPDX-License-Identifier: GPL-2.0-or-later
/* Native hotplug: what the slot says, by which interrupt, and what the guest's commands do. */
#include <errno.h>

#include "hw/pci/slot.h"
#include "pci_util.h"

#define PORT 0x08
#define EXP 0x50
#define MSI 0xa0
#define CTL (EXP + PCI_EXP_SLTCTL)
#define STA (EXP + PCI_EXP_SLTSTA)
#define OFF (PCI_EXP_SLTCTL_ATTN_IND_OFF | PCI_EXP_SLTCTL_PWR_IND_OFF | PCI_EXP_SLTCTL_PCC)
#define ON (PCI_EXP_SLTCTL_ATTN_IND_OFF | PCI_EXP_SLTCTL_PWR_IND_ON)
#define ENABLES \
	(PCI_EXP_SLTCTL_ABPE | PCI_EXP_SLTCTL_PDCE | PCI_EXP_SLTCTL_HPIE | PCI_EXP_SLTCTL_DLLSCE)
#define NEWS (PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC)

struct slotrig {
	struct pciboard b;
	struct pcidev *port;
	struct tpci *t;
};

static void rig_init(struct slotrig *r, bool occupied)
{
	const struct pcie_port_conf conf = {.id = "rp1", .slot = 3, .hotplug = true};

	*r = (struct slotrig){};
	pb_init(&r->b);
	r->port = pcie_root_port_new(&conf);
	g_assert_cmpint(pcidev_plug(r->port, &r->b.host.root, PORT, NULL), ==, 0);
	if (occupied)
		r->t = tpci_plug(&r->b, 1, r->port->child, 0);
	pcihost_reset(&r->b.host);
	set_buses(&r->b, PORT, 1, 1);
	cfg_w(&r->b, PORT, PCI_COMMAND, 7, 2);
}

static uint16_t ctl(struct slotrig *r)
{
	return (uint16_t)cfg_r(&r->b, PORT, CTL, 2);
}

static uint16_t sta(struct slotrig *r)
{
	return (uint16_t)cfg_r(&r->b, PORT, STA, 2);
}

static void command(struct slotrig *r, unsigned val)
{
	cfg_w(&r->b, PORT, CTL, val, 2);
}

/* Acknowledge all events, the command's own with them. */
static void ack(struct slotrig *r)
{
	cfg_w(&r->b, PORT, STA, 0xffff, 2);
}

static void use_msi(struct slotrig *r)
{
	cfg_w(&r->b, PORT, MSI + PCI_MSI_ADDRESS_LO, 0xfee00000, 4);
	cfg_w(&r->b, PORT, MSI + PCI_MSI_DATA_64, 0x41, 2);
	cfg_w(&r->b, PORT, MSI + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE, 2);
}

static void insert(struct slotrig *r)
{
	r->t = tpci_plug(&r->b, 1, r->port->child, 0);
	pcislot_inserted(r->port);
}

static void take_out(struct slotrig *r)
{
	pcidev_unplug(&r->t->dev);
	tpci_free(&r->t->dev);
	pcislot_surprise_removed(r->port);
}

static void capability(void)
{
	struct slotrig r;
	struct pcidev *plain;

	rig_init(&r, false);
	g_assert_cmphex(cfg_r(&r.b, PORT, EXP + PCI_EXP_SLTCAP, 4), ==,
			3u << 19 | PCI_EXP_SLTCAP_EIP | 0x7b);
	g_assert_cmphex(pci_cap_find(r.port->cfg, PCI_CAP_ID_MSI), ==, MSI);
	g_assert_cmphex(cfg_r(&r.b, PORT, EXP + PCI_EXP_FLAGS, 2) & PCI_EXP_FLAGS_IRQ, ==, 0);
	g_assert_true(pcislot_hotpluggable(r.port->child));
	g_assert_false(pcislot_hotpluggable(&r.b.host.root));
	plain = port_plug(&r.b, "plain", &r.b.host.root, 16);
	g_assert_false(pcislot_hotpluggable(plain->child));
	g_assert_cmphex(pci_cap_find(plain->cfg, PCI_CAP_ID_MSI), ==, 0);
	pcislot_inserted(plain); /* nothing happens */
	pcislot_surprise_removed(plain);
	g_assert_cmpint(pcislot_ask_eject(plain, NULL), ==, -ENOTSUP);
	pb_fini(&r.b);
}

static void downstream_port(void)
{
	struct slotrig r;
	struct pcie_port_conf up = {.id = "up"}, down = {.id = "down", .slot = 9, .hotplug = true};
	struct pcidev *u = pcie_switch_up_new(&up), *d = pcie_switch_down_new(&down);

	rig_init(&r, false);
	g_assert_cmpint(pcidev_plug(u, r.port->child, 0, NULL), ==, 0);
	g_assert_cmpint(pcidev_plug(d, u->child, 0, NULL), ==, 0);
	g_assert_false(pcislot_hotpluggable(u->child));
	g_assert_true(pcislot_hotpluggable(d->child));
	g_assert_cmphex(pci_get32(d->cfg + EXP + PCI_EXP_SLTCAP) & PCI_EXP_SLTCAP_HPC, !=, 0);
	g_assert_cmphex(pci_cap_find(d->cfg, PCI_CAP_ID_MSI), ==, MSI);
	pb_fini(&r.b);
}

static void after_reset(void)
{
	struct slotrig r;

	rig_init(&r, false);
	g_assert_cmphex(ctl(&r), ==, OFF);
	g_assert_cmphex(sta(&r), ==, 0);
	g_assert_cmphex(cfg_r(&r.b, PORT, EXP + PCI_EXP_LNKSTA, 2), ==, 0);
	pb_fini(&r.b);
	rig_init(&r, true);
	g_assert_cmphex(ctl(&r), ==, ON);
	g_assert_cmphex(sta(&r), ==, PCI_EXP_SLTSTA_PDS);
	g_assert_true(cfg_r(&r.b, PORT, EXP + PCI_EXP_LNKSTA, 2) & PCI_EXP_LNKSTA_DLLLA);
	use_msi(&r);
	command(&r, ON | ENABLES | PCI_EXP_SLTCTL_EIC);
	g_assert_cmpint(pcislot_ask_eject(r.port, NULL), ==, 0);
	pcihost_reset(&r.b.host);
	g_assert_cmphex(ctl(&r), ==, ON);
	g_assert_cmphex(sta(&r), ==, PCI_EXP_SLTSTA_PDS);
	g_assert_cmphex(cfg_r(&r.b, PORT, MSI + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_ENABLE, ==, 0);
	pb_fini(&r.b);
}

/* Each write of slot control is a command, and complete. */
static void commands(void)
{
	struct slotrig r;

	rig_init(&r, false);
	cfg_w(&r.b, PORT, PCI_BRIDGE_CONTROL, 0, 2);
	g_assert_cmphex(sta(&r), ==, 0);
	command(&r, 0xffff & ~PCI_EXP_SLTCTL_EIC);
	g_assert_cmphex(ctl(&r), ==, 0x17f9);
	g_assert_cmphex(sta(&r), ==, PCI_EXP_SLTSTA_CC);
	cfg_w(&r.b, PORT, STA, PCI_EXP_SLTSTA_ABP, 2);
	g_assert_cmphex(sta(&r), ==, PCI_EXP_SLTSTA_CC);
	ack(&r);
	g_assert_cmphex(sta(&r), ==, 0);
	cfg_w(&r.b, PORT, CTL + 1, 0xf, 1); /* the lock toggles; the bit reads 0 */
	g_assert_cmphex(ctl(&r), ==, 0x07f9);
	g_assert_cmphex(sta(&r), ==, PCI_EXP_SLTSTA_CC | PCI_EXP_SLTSTA_EIS);
	cfg_w(&r.b, PORT, CTL, (uint32_t)0xffff << 16 | OFF | PCI_EXP_SLTCTL_EIC, 4);
	g_assert_cmphex(ctl(&r), ==, OFF);
	g_assert_cmphex(sta(&r), ==, PCI_EXP_SLTSTA_CC);
	g_assert_cmpuint(r.b.offs, ==, 0); /* there is nothing to take out */
	pb_fini(&r.b);
}

/* A device comes: the guest is told, by a message for each time that there is something new. */
static void insertion(void)
{
	struct slotrig r;

	rig_init(&r, false);
	use_msi(&r);
	command(&r, OFF | ENABLES);
	ack(&r);
	g_assert_cmpuint(r.b.msis, ==, 0); /* completion was not asked for */
	insert(&r);
	g_assert_cmphex(sta(&r), ==, NEWS | PCI_EXP_SLTSTA_PDS);
	g_assert_true(cfg_r(&r.b, PORT, EXP + PCI_EXP_LNKSTA, 2) & PCI_EXP_LNKSTA_DLLLA);
	g_assert_cmpuint(r.b.msis, ==, 1);
	g_assert_cmphex(r.b.last.addr, ==, 0xfee00000);
	g_assert_cmphex(r.b.last.data, ==, 0x41);
	g_assert_true(r.b.sender == r.port);
	cfg_w(&r.b, PORT, STA, PCI_EXP_SLTSTA_ABP, 2); /* two are left: no other message */
	pcislot_inserted(r.port);                      /* nothing new */
	g_assert_cmphex(sta(&r), ==,
			PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC | PCI_EXP_SLTSTA_PDS);
	g_assert_cmpuint(r.b.msis, ==, 1);
	ack(&r);
	command(&r, ON | ENABLES | PCI_EXP_SLTCTL_CCIE);
	g_assert_cmphex(sta(&r), ==, PCI_EXP_SLTSTA_CC | PCI_EXP_SLTSTA_PDS);
	g_assert_cmpuint(r.b.msis, ==, 2);
	g_assert_false(r.b.pin[1][0]);
	g_assert_cmpuint(r.t->resets, ==, 0);
	take_out(&r);
	g_assert_cmphex(sta(&r), ==, PCI_EXP_SLTSTA_CC | PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	g_assert_cmphex(cfg_r(&r.b, PORT, EXP + PCI_EXP_LNKSTA, 2), ==, 0);
	pb_fini(&r.b);
}

/* The same without MSI: the pin follows status and enables. */
static void by_the_pin(void)
{
	struct slotrig r;

	rig_init(&r, false);
	insert(&r);
	g_assert_false(r.b.pin[1][0]);
	command(&r, OFF | PCI_EXP_SLTCTL_DLLSCE);
	g_assert_false(r.b.pin[1][0]); /* the enable for all is off */
	command(&r, OFF | PCI_EXP_SLTCTL_DLLSCE | PCI_EXP_SLTCTL_HPIE);
	g_assert_true(r.b.pin[1][0]);
	g_assert_true(cfg_r(&r.b, PORT, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	cfg_w(&r.b, PORT, STA, PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PDC, 2);
	g_assert_true(r.b.pin[1][0]);
	use_msi(&r);
	g_assert_false(r.b.pin[1][0]);
	cfg_w(&r.b, PORT, MSI + PCI_MSI_FLAGS, 0, 2);
	g_assert_true(r.b.pin[1][0]);
	cfg_w(&r.b, PORT, STA, PCI_EXP_SLTSTA_DLLSC, 2);
	g_assert_false(r.b.pin[1][0]);
	g_assert_cmpuint(r.b.msis, ==, 0);
	pb_fini(&r.b);
}

/* The device goes as the guest says: button, blinking, power off, indicator off. */
static void ejection(void)
{
	struct slotrig r;
	struct err *e = NULL;

	rig_init(&r, true);
	use_msi(&r);
	command(&r, ON | ENABLES);
	ack(&r);
	g_assert_cmpint(pcislot_ask_eject(r.port, NULL), ==, 0);
	g_assert_cmphex(sta(&r), ==, PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PDS);
	g_assert_cmpuint(r.b.msis, ==, 1);
	ack(&r);
	command(&r, (ON & ~PCI_EXP_SLTCTL_PIC) | PCI_EXP_SLTCTL_PWR_IND_BLINK | ENABLES);
	g_assert_cmpint(pcislot_ask_eject(r.port, &e), ==, -EBUSY);
	g_assert_nonnull(strstr(err_text(e), "rp1: the guest is busy"));
	err_free(e);
	command(&r, (OFF & ~PCI_EXP_SLTCTL_PIC) | PCI_EXP_SLTCTL_PWR_IND_BLINK | ENABLES);
	g_assert_cmpuint(r.b.offs, ==, 0);
	g_assert_cmpuint(r.t->resets, ==, 1); /* the machine's own */
	command(&r, OFF | ENABLES);
	g_assert_cmpuint(r.b.offs, ==, 1);
	g_assert_true(r.b.off == r.port);
	g_assert_cmpuint(r.t->resets, ==, 2);
	command(&r, OFF | ENABLES); /* off it was: not a second time */
	g_assert_cmpuint(r.b.offs, ==, 1);
	g_assert_cmpint(pcislot_ask_eject(r.port, NULL), ==, 0); /* there is nobody to ask */
	g_assert_cmpuint(r.b.offs, ==, 2);
	ack(&r);
	take_out(&r);
	g_assert_cmphex(sta(&r), ==, PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	g_assert_cmpint(pcislot_ask_eject(r.port, NULL), ==, -ENODEV);
	pb_fini(&r.b);
}

static const struct pcihost_ops deaf_ops = {pb_intx, pb_gsi, pb_msi};

/* A host that takes nothing out: the device has lost its power, and is there. */
static void nobody_takes_it(void)
{
	struct slotrig r;

	rig_init(&r, true);
	r.b.host.ops = &deaf_ops;
	command(&r, OFF);
	g_assert_cmpuint(r.t->resets, ==, 2);
	g_assert_cmphex(sta(&r), ==, PCI_EXP_SLTSTA_PDS | PCI_EXP_SLTSTA_CC);
	pb_fini(&r.b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/pci-slot/capability", capability);
	g_test_add_func("/pci-slot/downstream-port", downstream_port);
	g_test_add_func("/pci-slot/after-reset", after_reset);
	g_test_add_func("/pci-slot/commands", commands);
	g_test_add_func("/pci-slot/insertion", insertion);
	g_test_add_func("/pci-slot/by-the-pin", by_the_pin);
	g_test_add_func("/pci-slot/ejection", ejection);
	g_test_add_func("/pci-slot/nobody-takes-it", nobody_takes_it);
	return g_test_run();
}
