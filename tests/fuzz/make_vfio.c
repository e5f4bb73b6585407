// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes inputs for fuzz_vfio: config spaces whose chains of capabilities are wrong more often than
 * right, and what is done with them.  Called by smoke.c.
 */
#include <linux/pci_regs.h>

#include "tests/fuzz/fuzz.h"

#define CONFIG 4096u
#define INPUT_MAX (CONFIG + 1200u)

const size_t fuzz_input_max = INPUT_MAX;

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

/* Where a chain goes on: in the right place, or anywhere. */
static uint32_t somewhere(uint64_t *s, uint32_t first, uint32_t last)
{
	uint32_t at = first + fuzz_next(s) % (last - first);

	return fuzz_next(s) % 4 ? at & ~3u : at;
}

static void caps(uint64_t *s, uint8_t *c)
{
	uint32_t at = somewhere(s, 0x40, 0x100);

	c[PCI_CAPABILITY_LIST] = (uint8_t)at;
	for (unsigned n = fuzz_next(s) % 12; n; n--) {
		uint32_t to = n == 1 ? 0 : somewhere(s, 0x40, 0x100);

		c[at] = (uint8_t)(fuzz_next(s) % 8 ? fuzz_next(s) % 0x16 : fuzz_next(s));
		c[at + 1] = (uint8_t)to;
		at = to ? to : 0x40;
	}
}

static void ecaps(uint64_t *s, uint8_t *c)
{
	uint32_t at = 0x100;

	for (unsigned n = fuzz_next(s) % 16; n; n--) {
		uint32_t to = n == 1 ? 0 : somewhere(s, 0x100, 0xffc) & 0xffc;

		put16(c + at, fuzz_next(s) % 8 ? fuzz_next(s) % 0x30 : fuzz_next(s));
		put16(c + at + 2, 1 | to << 4);
		at = to;
		if (at < 0x100)
			break;
	}
}

size_t fuzz_make(uint64_t *s, uint8_t *in)
{
	size_t len = CONFIG + fuzz_next(s) % (INPUT_MAX - CONFIG);
	uint32_t density = fuzz_next(s) % 4;

	for (size_t i = 0; i < len; i++)
		in[i] = i >= CONFIG || fuzz_next(s) % 4 < density ? (uint8_t)fuzz_next(s) : 0;
	put16(in + PCI_VENDOR_ID, 0x1234);
	in[PCI_HEADER_TYPE] = (uint8_t)(fuzz_next(s) % 16 ? 0 : fuzz_next(s));
	put16(in + PCI_STATUS, PCI_STATUS_CAP_LIST);
	in[PCI_CLASS_REVISION + 3] = (uint8_t)(fuzz_next(s) % 8); /* displays, disks */
	in[PCI_INTERRUPT_PIN] = (uint8_t)(fuzz_next(s) % 8 ? fuzz_next(s) % 5 : fuzz_next(s));
	caps(s, in);
	ecaps(s, in);
	return len;
}
