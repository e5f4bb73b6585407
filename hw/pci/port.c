// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the PCI Express root port model (PCI Express 3.0, 7.5, 7.8; PCI-to-PCI Bridge 1.2, 3.2).
 * Created by the board from -device pcie-root-port; never touches what is plugged below but to tell
 * it that a window moved.
 */
#include <glib.h>

#include "hw/pci/pci.h"

#define PORT_VENDOR 0x1b36 /* Red Hat's generic root port: guests know it */
#define PORT_DEVICE 0x000c
#define CAP_PM 0x40
#define CAP_EXP 0x50
#define CAP_SSVID 0x90
#define EXT_AER 0x100

struct port {
	struct pcidev dev;
	struct pcibus bus;
};

/* Presence is what stands in slot 0; the link is up exactly then. */
static void refresh_slot(struct port *p)
{
	bool present = false;

	for (unsigned fn = 0; fn < 8; fn++)
		present |= p->bus.dev[fn] != NULL;
	pci_set16(p->dev.cfg + CAP_EXP + PCI_EXP_SLTSTA, present ? PCI_EXP_SLTSTA_PDS : 0);
	pci_set16(p->dev.cfg + CAP_EXP + PCI_EXP_LNKSTA,
		  present ? PCI_EXP_LNKSTA_CLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1 | PCI_EXP_LNKSTA_DLLLA
			  : 0);
}

static uint32_t port_cfg_read(struct pcidev *d, unsigned off, unsigned len)
{
	if (pci_hits(off, len, CAP_EXP, PCI_CAP_EXP_ENDPOINT_SIZEOF_V2))
		refresh_slot(d->priv);
	return pcidev_cfg_read(d, off, len);
}

static void port_cfg_write(struct pcidev *d, unsigned off, uint32_t val, unsigned len)
{
	uint8_t old = d->cfg[PCI_BRIDGE_CONTROL];

	pcidev_cfg_write(d, off, val, len);
	/* Secondary bus reset acts when the bit is set. */
	if (~old & d->cfg[PCI_BRIDGE_CONTROL] & PCI_BRIDGE_CTL_BUS_RESET)
		pcibus_reset(d->child);
}

/* Error reporting that reports nothing, but whose registers are those of a port. */
static void reset_aer(struct pcidev *d)
{
	uint8_t *c = d->cfg + EXT_AER;

	pci_set32(c + PCI_ERR_UNCOR_MASK, 0);
	pci_set32(c + PCI_ERR_UNCOR_SEVER, 0x00062030);
	pci_set32(c + PCI_ERR_COR_MASK, 0x00002000);
	pci_set32(c + PCI_ERR_ROOT_COMMAND, 0);
}

static void port_reset(struct pcidev *d)
{
	static const uint8_t zero[] = {PCI_PRIMARY_BUS, PCI_SECONDARY_BUS, PCI_SUBORDINATE_BUS,
				       PCI_BRIDGE_CONTROL};

	for (unsigned i = 0; i < G_N_ELEMENTS(zero); i++)
		d->cfg[zero[i]] = 0;
	/* Windows closed: base above limit. */
	d->cfg[PCI_IO_BASE] = 0xf0 | PCI_IO_RANGE_TYPE_16;
	d->cfg[PCI_IO_LIMIT] = PCI_IO_RANGE_TYPE_16;
	pci_set16(d->cfg + PCI_MEMORY_BASE, 0xfff0);
	pci_set16(d->cfg + PCI_MEMORY_LIMIT, 0);
	pci_set16(d->cfg + PCI_PREF_MEMORY_BASE, 0xfff0 | PCI_PREF_RANGE_TYPE_64);
	pci_set16(d->cfg + PCI_PREF_MEMORY_LIMIT, PCI_PREF_RANGE_TYPE_64);
	pci_set32(d->cfg + PCI_PREF_BASE_UPPER32, 0);
	pci_set32(d->cfg + PCI_PREF_LIMIT_UPPER32, 0);
	pci_set16(d->cfg + CAP_EXP + PCI_EXP_DEVCTL, 0);
	pci_set16(d->cfg + CAP_EXP + PCI_EXP_LNKCTL, 0);
	pci_set16(d->cfg + CAP_EXP + PCI_EXP_SLTCTL, 0);
	pci_set16(d->cfg + CAP_EXP + PCI_EXP_RTCTL, 0);
	pci_set16(d->cfg + CAP_EXP + PCI_EXP_DEVCTL2, 0);
	pci_set16(d->cfg + CAP_PM + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET); /* D0 */
	reset_aer(d);
	pcidev_update_bars(d);
}

static void port_free(struct pcidev *d)
{
	g_free(d->priv);
}

static const struct pcidev_ops port_ops = {
	.model = "pcie-root-port",
	.cfg_read = port_cfg_read,
	.cfg_write = port_cfg_write,
	.reset = port_reset,
	.free = port_free,
};

static void init_bridge_header(struct pcidev *d)
{
	d->cfg[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_BRIDGE;
	d->cfg[PCI_INTERRUPT_PIN] = 1;
	d->wmask[PCI_PRIMARY_BUS] = d->wmask[PCI_SECONDARY_BUS] = 0xff;
	d->wmask[PCI_SUBORDINATE_BUS] = 0xff;
	d->wmask[PCI_IO_BASE] = d->wmask[PCI_IO_LIMIT] = 0xf0;
	pci_set16(d->wmask + PCI_MEMORY_BASE, 0xfff0);
	pci_set16(d->wmask + PCI_MEMORY_LIMIT, 0xfff0);
	pci_set16(d->wmask + PCI_PREF_MEMORY_BASE, 0xfff0);
	pci_set16(d->wmask + PCI_PREF_MEMORY_LIMIT, 0xfff0);
	pci_set32(d->wmask + PCI_PREF_BASE_UPPER32, UINT32_MAX);
	pci_set32(d->wmask + PCI_PREF_LIMIT_UPPER32, UINT32_MAX);
	pci_set16(d->wmask + PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_PARITY | PCI_BRIDGE_CTL_SERR |
							 PCI_BRIDGE_CTL_ISA | PCI_BRIDGE_CTL_VGA |
							 PCI_BRIDGE_CTL_BUS_RESET);
	pci_set16(d->w1c + PCI_SEC_STATUS, 0xf900);
}

static void init_express_cap(struct pcidev *d, const struct pcie_port_conf *conf)
{
	uint8_t *c = d->cfg + CAP_EXP, *w = d->wmask + CAP_EXP;

	pcidev_add_cap(d, PCI_CAP_ID_EXP, CAP_EXP);
	pci_set16(c + PCI_EXP_FLAGS, 2 | PCI_EXP_TYPE_ROOT_PORT << 4 | PCI_EXP_FLAGS_SLOT);
	pci_set32(c + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_RBER);
	pci_set16(w + PCI_EXP_DEVCTL, 0x78ef);
	pci_set32(c + PCI_EXP_LNKCAP, PCI_EXP_LNKCAP_SLS_2_5GB | 1 << 4 | PCI_EXP_LNKCAP_DLLLARC |
					      (uint32_t)conf->port << 24);
	pci_set16(w + PCI_EXP_LNKCTL, 0x0fdb & ~PCI_EXP_LNKCTL_RL);
	pci_set32(c + PCI_EXP_SLTCAP, (uint32_t)conf->slot << 19);
	pci_set16(w + PCI_EXP_SLTCTL, 0x1fff);
	pci_set16(w + PCI_EXP_RTCTL, 0x1f);
	pci_set32(c + PCI_EXP_DEVCAP2, PCI_EXP_DEVCAP2_ARI);
	pci_set16(w + PCI_EXP_DEVCTL2, PCI_EXP_DEVCTL2_ARI);
	pci_set16(c + PCI_EXP_LNKCTL2, 1);
	pci_set32(c + PCI_EXP_LNKCAP2, PCI_EXP_LNKCAP2_SLS_2_5GB);
}

static void init_aer(struct pcidev *d)
{
	pci_set32(d->cfg + EXT_AER, PCI_EXT_CAP_ID_ERR | 2 << 16);
	pci_set32(d->wmask + EXT_AER + PCI_ERR_UNCOR_MASK, 0x003ff030);
	pci_set32(d->wmask + EXT_AER + PCI_ERR_UNCOR_SEVER, 0x003ff030);
	pci_set32(d->wmask + EXT_AER + PCI_ERR_COR_MASK, 0x0000f1c1);
	pci_set32(d->wmask + EXT_AER + PCI_ERR_ROOT_COMMAND, 7);
}

struct pcidev *pcie_root_port_new(const struct pcie_port_conf *conf)
{
	struct port *p = g_new0(struct port, 1);
	struct pcidev *d = &p->dev;

	d->priv = p;
	d->express = true;
	d->child = &p->bus;
	if (conf->id)
		g_strlcpy(d->name, conf->id, sizeof(d->name));
	pcidev_init(d, &port_ops, PCI_CFG_EXT, PORT_VENDOR, PORT_DEVICE, 0x060400, 0);
	init_bridge_header(d);
	pcidev_add_cap(d, PCI_CAP_ID_SSVID, CAP_SSVID);
	pci_set16(d->cfg + CAP_SSVID + 4, PORT_VENDOR);
	init_express_cap(d, conf);
	pcidev_add_cap(d, PCI_CAP_ID_PM, CAP_PM);
	pci_set16(d->cfg + CAP_PM + PCI_PM_PMC, 3 | 0xc800);
	pci_set16(d->wmask + CAP_PM + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_PME_ENABLE);
	init_aer(d);
	port_reset(d);
	return d;
}
