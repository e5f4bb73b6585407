/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plugs: the ways in which one device is reached.  A device test is written once, for a PCI
 * function, and runs over each: emulated on the guest's bus, or assigned to the guest from the
 * emulated host by vfio-pci; on bus 0 or below a root port.
 *
 * Invariants: each run has a machine of its own, whose buses are numbered and whose device decodes
 * and is bus master when the test begins; the machine must end with status 0 after it.
 */
#ifndef TESTS_QTEST_LIBPLUG_H
#define TESTS_QTEST_LIBPLUG_H

#include "tests/qtest/libpci.h"

/*
 * Add the test `path`/PLUG for each plug.  device: model and properties, as -device has them, such
 * as "nvme,size=64M".
 */
void qplug_add(const char *path, const char *device, void (*test)(struct qpci_dev *d));
/* The same for the plugs below a root port only. */
void qplug_add_below(const char *path, const char *device, void (*test)(struct qpci_dev *d));

/* The plugs by hand, for machines with more than one device. */
struct qplug {
	const char *name;
	bool assigned; /* by vfio-pci from the emulated host */
	bool below;    /* a root port */
	bool watched;  /* its eventfds are heard by the VMM's main loop, not by its irqchip */
};

extern const struct qplug qplugs[];
extern const unsigned qplug_count;

/*
 * The arguments for one device, number nr (0..7) of its machine: it sits in slot 4 + nr of bus 0,
 * or below the root port there.  g_free.
 */
char *qplug_args(const struct qplug *p, unsigned nr, const char *device);
/* Where qplug_args() has put it, enabled. */
struct qpci_dev *qplug_find(const struct qplug *p, unsigned nr, struct qpci *pci);
/* Can the VMM have it?  Else the test is to be skipped. */
bool qplug_usable(const struct qplug *p);
/* Adds `path`/PLUG, with the plug as the test's data. */
void qplug_add_raw(const char *path, void (*test)(gconstpointer plug));

#endif
