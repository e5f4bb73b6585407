/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual functions of a physical function's model (SR-IOV 1.1, 3.3).
 *
 * Invariants: a VF is made when it is enabled for the first time and freed with the PF; it is on
 * the bus exactly while VF Enable is set.  A reset of the PF clears VF Enable, but the VFs stay
 * where they are and read ones until software sets it again or takes them away: whoever holds one
 * is not left with nothing.  Called from config cycles and resets of the PF, with the host's lock
 * held.
 */
#ifndef HW_PCI_SRIOV_H
#define HW_PCI_SRIOV_H

#include "hw/pci/pci.h"

#define PCI_SRIOV_VFS 7 /* what fits into the PF's slot */

struct pcisriov {
	struct pcidev *pf;
	unsigned cap;
	/* VF nr, in no slot yet; 0 or -errno. */
	int (*make)(void *opaque, unsigned nr, struct pcidev **out);
	void *opaque;
	unsigned vfs; /* on the bus */
	bool silent;  /* the PF was reset under them */
	struct pcidev *vf[PCI_SRIOV_VFS];
	struct mmapping *map[PCI_SRIOV_VFS][PCI_BARS];
};

/*
 * Add the capability at off of pf's extended space.  total: 1..PCI_SRIOV_VFS; vf_device: the VFs'
 * device id.  Then the VFs' BARs, each 64-bit.
 */
void pcisriov_init(struct pcisriov *s, struct pcidev *pf, unsigned off, unsigned total,
		   uint16_t vf_device);
void pcisriov_set_bar(struct pcisriov *s, unsigned n, uint64_t size);
/* The PF is about to leave its bus (pcidev_ops.leave): its VFs leave theirs. */
void pcisriov_leave(struct pcisriov *s);
void pcisriov_fini(struct pcisriov *s); /* frees the VFs; the PF is on no bus any more */

void pcisriov_written(struct pcisriov *s, unsigned off, unsigned len);
void pcisriov_reset(struct pcisriov *s);

void pcisriov_forget(struct pcisriov *s, unsigned nr); /* VF nr is being freed by its bus */

/* Turn a model's function into a VF: ids of ones, BARs and decoding that are the PF's. */
void pcisriov_make_vf(struct pcidev *d);
/* Does the function at hand answer?  False for a VF whose PF was reset. */
bool pcisriov_answers(const struct pcisriov *s);

#endif
