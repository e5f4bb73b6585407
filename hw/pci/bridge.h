/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the bridges of hw/pci have in common: root and switch ports (port.c), the bridge to
 * conventional PCI (bridge.c).  Private to this room.
 *
 * Invariants: all have a type 1 header with 16-bit I/O, 32-bit memory and 64-bit prefetchable
 * windows, and the capabilities PM, PCI Express and subsystem ids at the same offsets.  dev.express
 * of a bridge says that below it is a PCI Express link, which has slot 0 only: false for the
 * internal bus of a switch and for a conventional bus.
 */
#ifndef HW_PCI_BRIDGE_H
#define HW_PCI_BRIDGE_H

#include "hw/pci/slot.h"

#define BRIDGE_CAP_PM 0x40
#define BRIDGE_CAP_EXP 0x50
#define BRIDGE_CAP_SSVID 0x90
#define BRIDGE_CAP_MSI 0xa0
#define BRIDGE_LINK_UP (PCI_EXP_LNKSTA_CLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1)

struct pcibridge {
	struct pcidev dev;
	struct pcibus bus; /* below */
	struct pcimsi msi; /* of ports that interrupt; dev NULL = it has none */
	struct pcislot slot;
};

struct pcibridge_conf {
	const char *id;
	uint16_t vendor, device;
	unsigned type; /* PCI_EXP_TYPE_* (PCI Express 3.0, 7.8.2) */
	unsigned port; /* link capability's port number, 0..255 */
};

/* Identity, header, PM, PCI Express and SSVID capabilities; the state is that after a reset. */
struct pcidev *pcibridge_new(const struct pcidev_ops *ops, const struct pcibridge_conf *conf);

/* For struct pcidev_ops: writes with the secondary bus reset, reset of all the above, free. */
void pcibridge_cfg_write(struct pcidev *d, unsigned off, uint32_t val, unsigned len);
void pcibridge_reset(struct pcidev *d);
void pcibridge_free(struct pcidev *d);

#endif
