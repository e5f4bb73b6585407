// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Port and memory accesses of every width that leave the guest, against pc-testdev's cells (0xe0,
 * 0xe8, 0xff000000) and against addresses where nothing is.  Built for 32 and for 64 bits.
 */
#include "kit/kit.h"

#define CELLS 0xe0
#define BYTES 0xe8
#define IOMEM 0xff000000u
#define IOMEM_SIZE 0x10000u
#define NOWHERE 0xd0000000u
#define NO_PORT 0x5678

static uint8_t buf[64] __attribute__((aligned(16)));

static void ports(void)
{
	outl(CELLS, 0x44332211);
	check("port-read-4", inl(CELLS), 0x44332211);
	check("port-read-2", inw(CELLS), 0x2211);
	check("port-read-2-upper", inw(CELLS + 2), 0x4433);
	check("port-read-2-unaligned", inw(CELLS + 1), 0x3322);
	check("port-read-1", inb(CELLS + 3), 0x44);
	outb(CELLS + 1, 0xaa);
	check("port-write-1", inl(CELLS), 0x4433aa11);
	outw(CELLS + 2, 0xbbcc);
	check("port-write-2", inl(CELLS), 0xbbccaa11);
	outw(CELLS + 1, 0x1234);
	check("port-write-2-unaligned", inl(CELLS), 0xbb123411);
	outb(BYTES, 0xfe);
	outw(BYTES + 2, 0x0bad); /* the device takes single bytes */
	check("port-wide-on-narrow-write", inb(BYTES + 3), 0x0b);
	check("port-crossing-devices", inl(BYTES), 0x0bad00fe | DEBUGCON << 8);
	outb(0x80, 0x5a);
	check("port-80", inb(0x80), 0x5a);
}

static void no_ports(void)
{
	check("port-none-1", inb(NO_PORT), 0xff);
	check("port-none-2", inw(NO_PORT), 0xffff);
	check("port-none-4", inl(NO_PORT), 0xffffffff);
	outl(NO_PORT, 0);
	check("port-none-written", inl(NO_PORT), 0xffffffff);
	outb(BYTES + 3, 0x77);
	check("port-past-the-end", inw(BYTES + 3), 0xff77);
	check("port-last", inb(0xffff), 0xff);
}

/* rep outs and ins: count, width and direction of the string. */
static void strings(void)
{
	const void *from = buf;
	void *to = buf + 32;
	uintptr_t n;

	for (unsigned i = 0; i < 32; i++)
		buf[i] = (uint8_t)(i + 1);
	n = 5;
	__asm__ volatile("rep outsb" : "+S"(from), "+c"(n) : "d"(BYTES) : "memory");
	check("outsb-last", inb(BYTES), 5);
	check("outsb-moved", (uintptr_t)from - (uintptr_t)buf, 5);
	from = buf;
	n = 4;
	__asm__ volatile("rep outsl" : "+S"(from), "+c"(n) : "d"(CELLS) : "memory");
	check("outsl-last", inl(CELLS), 0x100f0e0d);
	check("outsl-moved", (uintptr_t)from - (uintptr_t)buf, 16);
	n = 3;
	__asm__ volatile("rep insw" : "+D"(to), "+c"(n) : "d"(CELLS) : "memory");
	check("insw-first", read16((uintptr_t)buf + 32), 0x0e0d);
	check("insw-last", read16((uintptr_t)buf + 36), 0x0e0d);
	check("insw-no-more", buf[38], 0);
	check("insw-moved", (uintptr_t)to - (uintptr_t)buf, 38);
	from = buf + 7;
	n = 3;
	__asm__ volatile("std; rep outsb; cld" : "+S"(from), "+c"(n) : "d"(BYTES) : "memory");
	check("outsb-down", inb(BYTES), 6);
}

static void memory(void)
{
	write32(IOMEM, 0x44332211);
	check("mmio-read-4", read32(IOMEM), 0x44332211);
	check("mmio-read-2", read16(IOMEM + 2), 0x4433);
	check("mmio-read-1", read8(IOMEM + 1), 0x22);
	check("mmio-read-4-unaligned", read32(IOMEM + 1), 0x00443322);
	write8(IOMEM + 3, 0x99);
	check("mmio-write-1", read32(IOMEM), 0x99332211);
	write16(IOMEM + 1, 0xabcd);
	check("mmio-write-2-unaligned", read32(IOMEM), 0x99abcd11);
	write32(IOMEM + 0xffe, 0x0a0b0c0d); /* over a page's end */
	check("mmio-crossing-low", read16(IOMEM + 0xffe), 0x0c0d);
	check("mmio-crossing-high", read16(IOMEM + 0x1000), 0x0a0b);
	check("mmio-crossing-read", read32(IOMEM + 0xffe), 0x0a0b0c0d);
#ifdef __x86_64__
	write64(IOMEM + 0x20, 0x8877665544332211);
	check("mmio-read-8", read64(IOMEM + 0x20), 0x8877665544332211);
	check("mmio-read-8-upper", read32(IOMEM + 0x24), 0x88776655);
	write64(IOMEM + 0x2ffb, 0x0102030405060708);
	check("mmio-crossing-8", read64(IOMEM + 0x2ffb), 0x0102030405060708);
	check("mmio-crossing-8-upper", read8(IOMEM + 0x3002), 0x01);
#endif
}

static void no_memory(void)
{
	check("nowhere-1", read8(NOWHERE), 0xff);
	check("nowhere-2", read16(NOWHERE + 2), 0xffff);
	check("nowhere-4", read32(NOWHERE + 4), 0xffffffff);
	write32(NOWHERE, 0);
	check("nowhere-written", read32(NOWHERE), 0xffffffff);
#ifdef __x86_64__
	check("nowhere-8", read64(NOWHERE), 0xffffffffffffffff);
	check("nowhere-above-4g", read64(0x1c0000000), 0xffffffffffffffff);
#endif
	write16(IOMEM + IOMEM_SIZE - 2, 0x5566);
	write32(IOMEM + IOMEM_SIZE - 2, 0x11223344); /* half of it meets the device */
	check("mmio-end-write", read16(IOMEM + IOMEM_SIZE - 2), 0x3344);
	check("mmio-end-read", read32(IOMEM + IOMEM_SIZE - 2), 0xffff3344);
	check("mmio-start-read", read32(IOMEM - 2) >> 16, read16(IOMEM));
	check("mmio-start-ones", read32(IOMEM - 2) & 0xffff, 0xffff);
}

/* Instructions other than a plain move. */
static void forms(void)
{
	const void *from = buf;
	void *to = (void *)(uintptr_t)(IOMEM + 0x100);
	uintptr_t n = 4;
	uint32_t v = 0x01010101;

	for (unsigned i = 0; i < 16; i++)
		buf[i] = (uint8_t)(0xf0 + i);
	__asm__ volatile("rep movsl" : "+S"(from), "+D"(to), "+c"(n) : : "memory");
	check("movs-to-mmio", read32(IOMEM + 0x10c), 0xfffefdfc);
	from = (const void *)(uintptr_t)(IOMEM + 0x100);
	to = buf + 16;
	n = 16;
	__asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(n) : : "memory");
	check("movs-from-mmio", (uint64_t)memcmp(buf, buf + 16, 16), 0);
	__asm__ volatile("addl %1, (%0)" : : "r"((uintptr_t)IOMEM + 0x100), "r"(v) : "memory");
	check("add-to-mmio", read32(IOMEM + 0x100), 0xf4f3f2f1);
	v = 0x12345678;
	__asm__ volatile("xchgl %1, (%0)" : : "r"((uintptr_t)IOMEM + 0x100), "r"(v) : "memory");
	check("xchg-mmio", read32(IOMEM + 0x100), 0x12345678);
	__asm__ volatile("movzbl (%1), %0" : "=r"(v) : "r"((uintptr_t)IOMEM + 0x10c) : "memory");
	check("movzx-from-mmio", v, 0xfc);
	__asm__ volatile("movsbl (%1), %0" : "=r"(v) : "r"((uintptr_t)IOMEM + 0x10c) : "memory");
	check("movsx-from-mmio", v, 0xfffffffc);
	__asm__ volatile("orb $1, (%0)" : : "r"((uintptr_t)IOMEM + 0x10c) : "memory");
	check("or-to-mmio", read32(IOMEM + 0x10c), 0xfffefdfd);
	__asm__ volatile("rep stosb"
			 : "=D"(to), "=c"(n)
			 : "a"(0x3c), "0"((uintptr_t)IOMEM + 0x200), "1"((uintptr_t)5)
			 : "memory");
	check("stos-to-mmio", read32(IOMEM + 0x201), 0x3c3c3c3c);
	check("stos-no-more", read8(IOMEM + 0x205), 0);
}

void guest(uint32_t magic, uintptr_t info)
{
	ports();
	no_ports();
	strings();
	memory();
	no_memory();
	forms();
}
