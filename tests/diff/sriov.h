/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual functions of a physical device (SR-IOV 1.1, 3.3).
 *
 * Invariants: VFs are on the bus exactly while VF Enable is set; a reset of the PF silences them,
 * so that they read ones, until VF Enable is cleared and set again (as the recorded model does).
 * Called from config cycles and resets of the PF, with the host's lock held.
 */
#ifndef TESTS_DIFF_SRIOV_H
#define TESTS_DIFF_SRIOV_H

#include "hw/pci/pci.h"

#define SRIOV_VFS 8

/* Makes VF nr; its regions are what physdev_region() says. */
typedef struct pcidev *(*sriov_make_fn)(void *opaque, unsigned nr);

struct sriov {
	struct pcidev *pf;
	unsigned cap; /* of the PF */
	sriov_make_fn make;
	void *opaque;
	unsigned vfs;
	struct pcidev *vf[SRIOV_VFS];
	struct mmapping *map[SRIOV_VFS][PCI_BARS];
};

void sriov_init(struct sriov *s, struct pcidev *pf, unsigned cap, sriov_make_fn make, void *opaque);
/* The control register may have changed. */
void sriov_control(struct sriov *s);
void sriov_pf_reset(struct sriov *s);

#endif
