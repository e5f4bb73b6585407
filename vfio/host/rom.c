// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the host's look at a physical expansion ROM and at memory behind a device's back.  Called by
 * vfio/pci; every access goes over the host's bus, so decode must be on.
 */
#include "vfio/host/private.h"

uint16_t hd_memory_on(struct hostdev *d)
{
	uint16_t cmd = (uint16_t)hd_read(d, PCI_COMMAND, 2);

	if (!(cmd & PCI_COMMAND_MEMORY))
		hd_write(d, PCI_COMMAND, 2, cmd | PCI_COMMAND_MEMORY);
	return cmd;
}

void hd_memory_restore(struct hostdev *d, uint16_t command)
{
	hd_write(d, PCI_COMMAND, 2,
		 command); /* with all else that changed meanwhile, as Linux does */
}

static uint16_t word(struct hostdev *d, uint64_t addr)
{
	return (uint16_t)aspace_read(d->host->mem, addr, 2);
}

/* PCI Firmware Specification 3.0, 5.1: images follow each other until the one marked last. */
static uint64_t image_size(struct hostdev *d, uint64_t start, uint64_t size)
{
	uint64_t at = 0;
	bool last = false;

	while (!last && at + 28 < size) {
		uint64_t pcir = at + word(d, start + at + 24), len;

		if (word(d, start + at) != 0xaa55)
			break;
		if (aspace_read(d->host->mem, start + pcir, 4) != 0x52494350) /* PCIR */
			break;
		last = aspace_read(d->host->mem, start + pcir + 21, 1) & 0x80;
		len = word(d, start + pcir + 16) * 512ull;
		at += len;
		if (!len)
			break;
	}
	return MIN(at, size);
}

uint64_t hd_rom_size(struct hostdev *d)
{
	const struct hostres *r = &d->res[HOSTRES_ROM];
	uint64_t len = hd_res_len(d, HOSTRES_ROM), size;
	uint32_t old;

	if (!len)
		return 0;
	if (r->flags & HOSTRES_ROM_SHADOW)
		return image_size(d, r->start, len);
	old = hd_read(d, PCI_ROM_ADDRESS, 4);
	hd_write(d, PCI_ROM_ADDRESS, 4,
		 ((uint32_t)r->start & PCI_ROM_ADDRESS_MASK) | (old & 0x7ff) |
			 PCI_ROM_ADDRESS_ENABLE);
	size = image_size(d, r->start, len);
	hd_write(d, PCI_ROM_ADDRESS, 4, hd_read(d, PCI_ROM_ADDRESS, 4) & ~PCI_ROM_ADDRESS_ENABLE);
	return size;
}
