/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who keeps the bits of a config space under vfio-pci, told from a copy of it: the byte map and the
 * permission tables that serve the emulated host's devices, asked about any device, the kernel's
 * included.
 *
 * Invariants: no device is touched; the copy is what a VFIO user reads, so capabilities that the
 * provider hides are not in its chains and their bytes are nobody's.  Linux 6.1's policy.
 */
#ifndef VFIO_PCI_POLICY_H
#define VFIO_PCI_POLICY_H

#include <stdint.h>

#define VPCI_NOBODY 0xffffu

struct vpci_byte {
	uint16_t cap; /* where its capability begins; 0 = the header, VPCI_NOBODY = none has it */
	uint8_t virt; /* bits that vfio-pci keeps; the others are read from the device */
};

/*
 * Fill out[0] to out[size - 1]; size: 256 or 4096.  -EFAULT: a capability that vfio-pci would not
 * open a device with (MSI or PCI-X at an odd address); out is then not filled.
 */
int vpci_policy(const uint8_t *cfg, unsigned size, struct vpci_byte *out);

#endif
