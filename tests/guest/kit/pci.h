/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI configuration both ways, and what guests need to know of the board's devices.  bdf: bus <<
 * 8 | slot << 3 | function.
 */
#ifndef GUEST_PCI_H
#define GUEST_PCI_H

#include "kit/kit.h"

#define ECAM 0xb0000000u /* where the board puts it at reset */
#define MCH 0x0000
#define LPC 0x00f8
#define MCH_PCIEXBAR 0x60
#define TESTDEV_ID 0x00051b36u
#define PORT_ID 0x000c1b36u
#define MCH_ID 0x29c08086u
#define CMD_IO 1
#define CMD_MEM 2

static inline void cf8(unsigned bdf, unsigned off)
{
	outl(0xcf8, 1u << 31 | bdf << 8 | (off & 0xfc));
}

static inline uint32_t cfg_read32(unsigned bdf, unsigned off)
{
	cf8(bdf, off);
	return inl(0xcfc);
}

static inline uint16_t cfg_read16(unsigned bdf, unsigned off)
{
	cf8(bdf, off);
	return inw((uint16_t)(0xcfc + (off & 2)));
}

static inline uint8_t cfg_read8(unsigned bdf, unsigned off)
{
	cf8(bdf, off);
	return inb((uint16_t)(0xcfc + (off & 3)));
}

static inline void cfg_write32(unsigned bdf, unsigned off, uint32_t v)
{
	cf8(bdf, off);
	outl(0xcfc, v);
}

static inline void cfg_write16(unsigned bdf, unsigned off, uint16_t v)
{
	cf8(bdf, off);
	outw((uint16_t)(0xcfc + (off & 2)), v);
}

static inline void cfg_write8(unsigned bdf, unsigned off, uint8_t v)
{
	cf8(bdf, off);
	outb((uint16_t)(0xcfc + (off & 3)), v);
}

static inline uintptr_t ecam_at(uintptr_t base, unsigned bdf, unsigned off)
{
	return base + ((uintptr_t)bdf << 12) + off;
}

#endif
