/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvpanic: one byte by which a guest's kernel says that it has crashed; on the ISA bus, and as a
 * PCI device (1b36:0011, class 0880, revision 1).
 *
 * Invariants: the byte reads as the events that the machine takes, and each one of these that a
 * write names is passed on at once: bit 0, the guest has panicked; bit 1, it has loaded a crash
 * kernel, and runs it (docs/specs/pvpanic of QEMU, <linux/misc/pvpanic.h>).  A panic outweighs the
 * other.  Nothing is kept, so there is nothing to reset.
 */
#ifndef HW_DEV_PVPANIC_H
#define HW_DEV_PVPANIC_H

#include "hw/pci/pci.h"

#define PVPANIC_PORT 0x505 /* where guests look for the ISA one */
#define PVPANIC_BAR_SIZE 16u
#define PVPANIC_PANICKED 0x01u
#define PVPANIC_CRASH_LOADED 0x02u
#define PVPANIC_EVENTS 0x03u

struct err;

/* Called on the vCPU's thread without a lock: it may only leave word for the main loop. */
struct pvpanic_ops {
	void (*panicked)(void *opaque, bool crash_loaded); /* NULL = nobody wants to know */
	void *opaque;
};

struct pvpanic;

/* At port (0 to 0xffff) of io; events: PVPANIC_* bits that it takes. */
struct pvpanic *pvpanic_new(struct aspace *io, uint16_t port, uint8_t events,
			    const struct pvpanic_ops *ops);
void pvpanic_free(struct pvpanic *p); /* NULL is accepted */

/* A PCI function, not plugged yet.  id: its name, NULL = the model's. */
struct pcidev *pci_pvpanic_new(const char *id, uint8_t events, const struct pvpanic_ops *ops);

#endif
