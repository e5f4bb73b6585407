/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who owns each byte of the config space that the guest of an assigned device reads
 * (docs/config-bits.md, of a device at hand).
 *
 * Invariants: plain data that outlives its device; making it reads the device and changes nothing.
 * Where the bits of one byte have several owners, the strongest is named, in this order: hidden,
 * overlay, virtual, device; mask says which bits it has.
 */
#ifndef HW_VFIO_OWNERS_H
#define HW_VFIO_OWNERS_H

#include <glib.h>

#include "hw/pci/pci.h"

struct err;
struct vfio_ctx;

enum cfg_owner {
	CFG_DEVICE,  /* read from the hardware */
	CFG_VIRTUAL, /* kept by the VFIO stack (the kernel's vconfig) for this user */
	CFG_OVERLAY, /* kept here (hw/vfio/config.c) */
	CFG_HIDDEN,  /* of a capability that was taken out of its chain, by the stack or here */
	CFG_OWNERS
};

struct cfg_span {
	unsigned off, len;
	enum cfg_owner owner;
	uint8_t mask; /* bits of each byte that are the owner's; 0xff = whole bytes */
	char name[64];
};

struct cfg_owners {
	char id[40], host[16];
	unsigned size;              /* 256 or 4096 */
	uint8_t value[PCI_CFG_EXT]; /* as the guest reads it */
	uint8_t owner[PCI_CFG_EXT]; /* enum cfg_owner */
	GArray *spans;              /* of struct cfg_span, in order, without gaps */
};

extern const char *const cfg_owner_names[CFG_OWNERS];

/*
 * which: the device's id, or its address on the host.  NULL and *errp: -ENODEV there is none, or
 * the device does not answer.  Main loop's thread.
 */
struct cfg_owners *cfg_owners_new(struct vfio_ctx *ctx, const char *which, struct err **errp);
void cfg_owners_free(struct cfg_owners *o); /* NULL is accepted */

#endif
