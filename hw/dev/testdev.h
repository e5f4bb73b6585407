/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pci-testdev: a PCI device that counts accesses, for tests of exits and of ioeventfds (1b36:0005).
 *
 * Invariants: BAR 0 is memory, BAR 1 I/O ports; each holds a header of registers for one test at a
 * time and one doorbell per test.  Where the accelerator takes an ioeventfd, a matching doorbell
 * write never reaches this code; the count that the guest reads is the eventfd's.
 */
#ifndef HW_DEV_TESTDEV_H
#define HW_DEV_TESTDEV_H

#include "hw/pci/pci.h"

/*
 * Assign (add) or take back an ioeventfd at a guest address; match NULL = any value; 0 or -errno.
 */
struct testdev_ops {
	int (*ioeventfd)(void *opaque, int fd, bool io, uint64_t addr, unsigned len,
			 const uint64_t *match, bool add);
	void *opaque;
};

struct pcidev *pci_testdev_new(const char *id, const struct testdev_ops *ops);

#endif
