// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Exits by the thousand, for tests/bench: rounds of n config reads (one port each), n reads of the
 * PCI Express window and n reads of pci-testdev's registers, a letter before each.  For ever.
 * Arguments: n; mode=hold stops after the first letter, to be weighed.  pci-testdev at 6.
 */
#include "kit/pci.h"

#define DEV (6 << 3)
#define BAR 0xe0000000u

static void ports(uint32_t n)
{
	cf8(MCH, 0);
	while (n--)
		inl(0xcfc);
}

static void memory(uintptr_t at, uint32_t n)
{
	while (n--)
		read32(at);
}

void guest(uint32_t magic, uintptr_t info)
{
	uint32_t n = arg_num("n", 1000);

	/* Wherever firmware put them. */
	cfg_write32(MCH, MCH_PCIEXBAR + 4, 0);
	cfg_write32(MCH, MCH_PCIEXBAR, ECAM | 1);
	cfg_write32(DEV, 0x10, BAR);
	cfg_write16(DEV, 4, CMD_MEM);
	if (cfg_read32(DEV, 0) != TESTDEV_ID || read32(ECAM) != MCH_ID) {
		put("!");
		return;
	}
	put("H");
	while (arg_is("mode", "hold"))
		__asm__ volatile("cli; hlt");
	for (;;) {
		put("a");
		ports(n);
		put("b");
		memory(ECAM, n);
		put("c");
		memory(BAR, n);
		put("d");
	}
}
