// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns what every bridge does (PCI-to-PCI Bridge 1.2, 3.2; PCI Express 3.0, 7.5, 7.8) and the
 * model of a bridge from PCI Express to conventional PCI.  Called by port.c for its ports, by
 * boards for the bridge; never touches what is plugged below but to reset it or to tell it that a
 * window moved.
 */
#include "hw/pci/bridge.h"

#include <glib.h>

#define BRIDGE_VENDOR 0x1b36 /* the generic bridge that guests know */
#define BRIDGE_DEVICE 0x000e

void pcibridge_cfg_write(struct pcidev *d, unsigned off, uint32_t val, unsigned len)
{
	uint8_t old = d->cfg[PCI_BRIDGE_CONTROL];

	pcidev_cfg_write(d, off, val, len);
	/* Secondary bus reset acts when the bit is set. */
	if (~old & d->cfg[PCI_BRIDGE_CONTROL] & PCI_BRIDGE_CTL_BUS_RESET)
		pcibus_reset(d->child);
}

void pcibridge_reset(struct pcidev *d)
{
	static const uint8_t zero[] = {PCI_PRIMARY_BUS, PCI_SECONDARY_BUS, PCI_SUBORDINATE_BUS,
				       PCI_SEC_LATENCY_TIMER, PCI_BRIDGE_CONTROL};
	uint8_t *exp = d->cfg + BRIDGE_CAP_EXP;

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
	pci_set16(exp + PCI_EXP_DEVCTL, 0);
	pci_set16(exp + PCI_EXP_LNKCTL, 0);
	pci_set16(exp + PCI_EXP_SLTCTL, 0);
	pci_set16(exp + PCI_EXP_RTCTL, 0);
	pci_set16(exp + PCI_EXP_DEVCTL2, 0);
	pci_set16(d->cfg + BRIDGE_CAP_PM + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET); /* D0 */
	pcidev_update_bars(d);
}

void pcibridge_free(struct pcidev *d)
{
	struct pcibridge *b = d->priv;

	pcimsi_fini(&b->msi);
	g_free(b);
}

static void init_header(struct pcidev *d)
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

/* What all types have: device and link registers; the link of the primary side is up. */
static void init_express_cap(struct pcidev *d, const struct pcibridge_conf *conf)
{
	uint8_t *c = d->cfg + BRIDGE_CAP_EXP, *w = d->wmask + BRIDGE_CAP_EXP;

	pcidev_add_cap(d, PCI_CAP_ID_EXP, BRIDGE_CAP_EXP);
	pci_set16(c + PCI_EXP_FLAGS, (uint16_t)(2 | conf->type << 4));
	pci_set32(c + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_RBER);
	pci_set16(w + PCI_EXP_DEVCTL, 0x78ef);
	pci_set32(c + PCI_EXP_LNKCAP,
		  PCI_EXP_LNKCAP_SLS_2_5GB | 1 << 4 | (uint32_t)conf->port << 24);
	pci_set16(w + PCI_EXP_LNKCTL, 0x0fdb & ~PCI_EXP_LNKCTL_RL);
	pci_set16(c + PCI_EXP_LNKSTA, BRIDGE_LINK_UP);
	pci_set16(c + PCI_EXP_LNKCTL2, 1);
	pci_set32(c + PCI_EXP_LNKCAP2, PCI_EXP_LNKCAP2_SLS_2_5GB);
}

struct pcidev *pcibridge_new(const struct pcidev_ops *ops, const struct pcibridge_conf *conf)
{
	struct pcibridge *b = g_new0(struct pcibridge, 1);
	struct pcidev *d = &b->dev;

	d->priv = b;
	d->child = &b->bus;
	if (conf->id)
		g_strlcpy(d->name, conf->id, sizeof(d->name));
	pcidev_init(d, ops, PCI_CFG_EXT, conf->vendor, conf->device, 0x060400, 0);
	init_header(d);
	pcidev_add_cap(d, PCI_CAP_ID_SSVID, BRIDGE_CAP_SSVID);
	pci_set16(d->cfg + BRIDGE_CAP_SSVID + 4, conf->vendor);
	init_express_cap(d, conf);
	pcidev_add_cap(d, PCI_CAP_ID_PM, BRIDGE_CAP_PM);
	pci_set16(d->cfg + BRIDGE_CAP_PM + PCI_PM_PMC, 3 | 0xc800);
	pci_set16(d->wmask + BRIDGE_CAP_PM + PCI_PM_CTRL,
		  PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_PME_ENABLE);
	pcibridge_reset(d);
	return d;
}

bool pcibus_express(const struct pcibus *b)
{
	unsigned pos, type;

	if (!b->bridge)
		return true;
	pos = pci_cap_find(b->bridge->cfg, PCI_CAP_ID_EXP);
	if (!pos)
		return false;
	type = (pci_get16(b->bridge->cfg + pos + PCI_EXP_FLAGS) & PCI_EXP_FLAGS_TYPE) >> 4;
	return type != PCI_EXP_TYPE_PCI_BRIDGE;
}

/* --- PCI Express to PCI (PCI Express to PCI/PCI-X Bridge 1.0) --- */

static const struct pcidev_ops bridge_ops = {
	.model = "pcie-pci-bridge",
	.cfg_write = pcibridge_cfg_write,
	.reset = pcibridge_reset,
	.free = pcibridge_free,
};

struct pcidev *pcie_pci_bridge_new(const char *id)
{
	const struct pcibridge_conf conf = {
		.id = id,
		.vendor = BRIDGE_VENDOR,
		.device = BRIDGE_DEVICE,
		.type = PCI_EXP_TYPE_PCI_BRIDGE,
	};
	struct pcidev *d = pcibridge_new(&bridge_ops, &conf);

	/* Conventional PCI on the secondary side: 33 MHz, medium DEVSEL#, fast back-to-back. */
	pci_set16(d->cfg + PCI_SEC_STATUS, PCI_STATUS_FAST_BACK | PCI_STATUS_DEVSEL_MEDIUM);
	d->wmask[PCI_SEC_LATENCY_TIMER] = 0xf8;
	pci_set16(d->wmask + PCI_BRIDGE_CONTROL, pci_get16(d->wmask + PCI_BRIDGE_CONTROL) |
							 PCI_BRIDGE_CTL_MASTER_ABORT |
							 PCI_BRIDGE_CTL_FAST_BACK);
	return d;
}
