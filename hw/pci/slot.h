/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Native hotplug of PCI Express: the slot of a root port or of a switch's downstream port (PCI
 * Express 3.0, 6.7, 7.8.9 to 7.8.11).
 *
 * Invariants: a slot has an attention button, a power controller, both indicators and an
 * interlock; every command to it is complete at once.  A port whose pcidev.slot is not NULL takes
 * devices at run time.  A reset takes what stands below as present from the start; after it,
 * presence and link change only by the functions here.  All of them take the PCI host's lock, and
 * may be called with it held.
 */
#ifndef HW_PCI_SLOT_H
#define HW_PCI_SLOT_H

#include "hw/pci/pci.h"

struct pcislot {
	struct pcidev *port;
	unsigned exp;       /* the port's PCI Express capability */
	struct pcimsi *msi; /* what its events interrupt by, where the guest turned it on */
	bool asserted;      /* some enabled event has happened */
	bool asked;         /* to give back what is in it, and not answered */
};

/* --- for the board --- */

/* Does this bus take a device at run time?  It does, if the port above it has hotplug=on. */
bool pcislot_hotpluggable(const struct pcibus *b);

/*
 * After pcidev_plug() of function 0 (the others come before it): presence, link and attention
 * button are reported to the guest, which will turn power on.  port: the bus's bridge.
 */
void pcislot_inserted(struct pcidev *port);

/*
 * Press the attention button: the guest is to give back what is in the slot, which it does by
 * pcihost_ops.slot_off.  That is called before this returns where the slot has no power.  -ENOTSUP
 * for a port without hotplug, -ENODEV for an empty slot, -EBUSY where the guest has not yet
 * answered the last press.
 */
int pcislot_ask_eject(struct pcidev *port, struct err **errp);

/* After the last function was unplugged, whether or not the guest had agreed. */
void pcislot_surprise_removed(struct pcidev *port);

/* --- for ports --- */

/* Put the slot capability's hotplug into d's config space; msi is d's.  Sets d->slot. */
void pcislot_init(struct pcislot *s, struct pcidev *d, unsigned exp, struct pcimsi *msi);
void pcislot_reset(struct pcislot *s);
/* To be called after each config write; old: the slot control register before it. */
void pcislot_written(struct pcislot *s, uint16_t old, unsigned off, unsigned len);

/* Presence and link say whether anything stands below; true where that is new. */
bool pcislot_refresh(struct pcidev *port, unsigned exp);

#endif
