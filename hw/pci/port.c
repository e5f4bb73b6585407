// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the models of PCI Express ports: root port, upstream and downstream port of a switch (PCI
 * Express 3.0, 7.5, 7.8, 7.10, 7.16; PCI-to-PCI Bridge 1.2, 3.2).  Created by boards, the root port
 * from -device pcie-root-port; never touches what is plugged below but through bridge.c.
 */
#include "hw/pci/bridge.h"

#define PORT_VENDOR 0x1b36 /* Red Hat's generic root port: guests know it */
#define PORT_DEVICE 0x000c
#define SWITCH_VENDOR 0x104c /* Texas Instruments XIO3130 */
#define SWITCH_UP_DEVICE 0x8232
#define SWITCH_DOWN_DEVICE 0x8233
#define IOH_VENDOR 0x8086 /* Intel 5520 */
#define IOH_DEVICE 0x3420
#define EXT_AER 0x100
#define EXT_ACS 0x148
#define ACS_BITS (PCI_ACS_SV | PCI_ACS_TB | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF | PCI_ACS_DT)

struct port_kind {
	uint16_t vendor, device;
	uint8_t revision;
	uint8_t type;        /* PCI_EXP_TYPE_* */
	uint8_t msi_vectors; /* 0 = one of them, of 64-bit addresses, where there are events */
};

/* --- the link below: root and downstream ports --- */

static uint32_t slot_cfg_read(struct pcidev *d, unsigned off, unsigned len)
{
	if (!d->slot && pci_hits(off, len, BRIDGE_CAP_EXP, PCI_CAP_EXP_ENDPOINT_SIZEOF_V2))
		pcislot_refresh(d, BRIDGE_CAP_EXP);
	return pcidev_cfg_read(d, off, len);
}

/* Errors have a message of their own where the guest gave two (PCI Express 3.0, 7.10.10). */
static void number_aer_message(struct pcidev *d)
{
	const struct pcibridge *b = d->priv;
	uint8_t *status = d->cfg + EXT_AER + PCI_ERR_ROOT_STATUS + 3;

	*status = (uint8_t)((*status & 7) | (b->msi.allocated > 1 ? 1 << 3 : 0));
}

static void slot_cfg_write(struct pcidev *d, unsigned off, uint32_t val, unsigned len)
{
	uint16_t control = pci_get16(d->cfg + BRIDGE_CAP_EXP + PCI_EXP_SLTCTL);
	struct pcibridge *b = d->priv;

	pcibridge_cfg_write(d, off, val, len);
	if (b->msi.dev) {
		pcimsi_written(&b->msi, off, len);
		number_aer_message(d);
	}
	if (d->slot)
		pcislot_written(d->slot, control, off, len);
}

static void init_events(struct pcidev *d, const struct pcie_port_conf *conf,
			const struct port_kind *kind)
{
	struct pcibridge *b = d->priv;

	if (kind->msi_vectors)
		pcimsi_init(&b->msi, d, BRIDGE_CAP_MSI, kind->msi_vectors, false, true);
	else if (conf->hotplug)
		pcimsi_init(&b->msi, d, BRIDGE_CAP_MSI, 1, true, true);
	if (conf->hotplug)
		pcislot_init(&b->slot, d, BRIDGE_CAP_EXP, &b->msi);
}

static void init_slot(struct pcidev *d, const struct pcie_port_conf *conf)
{
	uint8_t *c = d->cfg + BRIDGE_CAP_EXP, *w = d->wmask + BRIDGE_CAP_EXP;

	d->express = true;
	pci_set16(c + PCI_EXP_FLAGS, pci_get16(c + PCI_EXP_FLAGS) | PCI_EXP_FLAGS_SLOT);
	pci_set32(c + PCI_EXP_LNKCAP, pci_get32(c + PCI_EXP_LNKCAP) | PCI_EXP_LNKCAP_DLLLARC);
	pci_set32(c + PCI_EXP_SLTCAP, (uint32_t)conf->slot << 19);
	pci_set16(w + PCI_EXP_SLTCTL, 0x1fff);
	pci_set32(c + PCI_EXP_DEVCAP2, PCI_EXP_DEVCAP2_ARI);
	pci_set16(w + PCI_EXP_DEVCTL2, PCI_EXP_DEVCTL2_ARI);
	pci_set16(c + PCI_EXP_LNKSTA, 0); /* nothing is there yet */
}

/* --- error reporting that reports nothing, but whose registers are those of a port --- */

static void init_aer(struct pcidev *d)
{
	pcidev_add_ext_cap(d, PCI_EXT_CAP_ID_ERR, 2, EXT_AER);
	pci_set32(d->wmask + EXT_AER + PCI_ERR_UNCOR_MASK, 0x003ff030);
	pci_set32(d->wmask + EXT_AER + PCI_ERR_UNCOR_SEVER, 0x003ff030);
	pci_set32(d->wmask + EXT_AER + PCI_ERR_COR_MASK, 0x0000f1c1);
}

static void port_reset(struct pcidev *d)
{
	uint8_t *aer = d->cfg + EXT_AER;
	struct pcibridge *b = d->priv;

	pcibridge_reset(d);
	if (b->msi.dev) {
		pcimsi_reset(&b->msi);
		number_aer_message(d);
	}
	if (d->slot)
		pcislot_reset(d->slot);
	pci_set32(aer + PCI_ERR_UNCOR_MASK, 0);
	pci_set32(aer + PCI_ERR_UNCOR_SEVER, 0x00062030);
	pci_set32(aer + PCI_ERR_COR_MASK, 0x00002000);
	pci_set32(aer + PCI_ERR_ROOT_COMMAND, 0);
	pci_set16(d->cfg + EXT_ACS + PCI_ACS_CTRL, 0);
}

/*
 * Access control (PCI Express 3.0, 6.12): nothing here forwards from one port to another, so that
 * all the guarantees that there are to enable hold.
 */
static void init_acs(struct pcidev *d)
{
	pcidev_add_ext_cap(d, PCI_EXT_CAP_ID_ACS, 1, EXT_ACS);
	pci_set16(d->cfg + EXT_ACS + PCI_ACS_CAP, ACS_BITS);
	pci_set16(d->wmask + EXT_ACS + PCI_ACS_CTRL, ACS_BITS);
}

/* --- the kinds --- */

static struct pcidev *port_new(const struct pcidev_ops *ops, const struct pcie_port_conf *conf,
			       const struct port_kind *kind)
{
	const struct pcibridge_conf c = {conf->id, kind->vendor, kind->device, kind->type,
					 conf->port};
	struct pcidev *d = pcibridge_new(ops, &c);

	d->cfg[PCI_REVISION_ID] = kind->revision;
	init_aer(d);
	if (kind->type != PCI_EXP_TYPE_UPSTREAM) {
		init_slot(d, conf);
		init_events(d, conf, kind);
		init_acs(d);
	}
	if (kind->type == PCI_EXP_TYPE_ROOT_PORT) {
		pci_set16(d->wmask + BRIDGE_CAP_EXP + PCI_EXP_RTCTL, 0x1f);
		pci_set32(d->wmask + EXT_AER + PCI_ERR_ROOT_COMMAND, 7);
	}
	port_reset(d);
	return d;
}

static const struct pcidev_ops root_ops = {
	.model = "pcie-root-port",
	.cfg_read = slot_cfg_read,
	.cfg_write = slot_cfg_write,
	.reset = port_reset,
	.free = pcibridge_free,
};

struct pcidev *pcie_root_port_new(const struct pcie_port_conf *conf)
{
	static const struct port_kind kind = {PORT_VENDOR, PORT_DEVICE,
					      .type = PCI_EXP_TYPE_ROOT_PORT};

	return port_new(&root_ops, conf, &kind);
}

static const struct pcidev_ops ioh_ops = {
	.model = "ioh3420",
	.cfg_read = slot_cfg_read,
	.cfg_write = slot_cfg_write,
	.reset = port_reset,
	.free = pcibridge_free,
};

struct pcidev *pcie_ioh3420_new(const struct pcie_port_conf *conf)
{
	static const struct port_kind kind = {IOH_VENDOR, IOH_DEVICE, 2, PCI_EXP_TYPE_ROOT_PORT, 2};

	return port_new(&ioh_ops, conf, &kind);
}

static const struct pcidev_ops up_ops = {
	.model = "x3130-upstream",
	.cfg_write = pcibridge_cfg_write,
	.reset = port_reset,
	.free = pcibridge_free,
};

struct pcidev *pcie_switch_up_new(const struct pcie_port_conf *conf)
{
	static const struct port_kind kind = {SWITCH_VENDOR, SWITCH_UP_DEVICE,
					      .type = PCI_EXP_TYPE_UPSTREAM};

	return port_new(&up_ops, conf, &kind);
}

static const struct pcidev_ops down_ops = {
	.model = "xio3130-downstream",
	.cfg_read = slot_cfg_read,
	.cfg_write = slot_cfg_write,
	.reset = port_reset,
	.free = pcibridge_free,
};

struct pcidev *pcie_switch_down_new(const struct pcie_port_conf *conf)
{
	static const struct port_kind kind = {SWITCH_VENDOR, SWITCH_DOWN_DEVICE,
					      .type = PCI_EXP_TYPE_DOWNSTREAM};

	return port_new(&down_ops, conf, &kind);
}
