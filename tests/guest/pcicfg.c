// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Configuration space both ways, and bus numbers.  The machine: pcie-root-ports at 4 and 5
 * (nothing below 5), pci-testdev below 4 and at 6.
 */
#include "kit/pci.h"

#define PORT1 (4 << 3)
#define PORT2 (5 << 3)
#define ROOT_DEV (6 << 3)
#define BEHIND(bus) ((unsigned)(bus) << 8)
#define EMPTY (9 << 3)
#define MOVED 0xa0000000u

static void mechanism_1(void)
{
	check("cf8-id-4", cfg_read32(MCH, 0), MCH_ID);
	check("cf8-id-2", cfg_read16(MCH, 2), 0x29c0);
	check("cf8-id-1", cfg_read8(MCH, 3), 0x29);
	check("cf8-class", cfg_read32(MCH, 8) >> 8, 0x060000);
	check("cf8-lpc", cfg_read32(LPC, 0), 0x29188086);
	check("cf8-lpc-multifunction", cfg_read8(LPC, 14) & 0x80, 0x80);
	check("cf8-empty", cfg_read32(EMPTY, 0), 0xffffffff);
	check("cf8-empty-1", cfg_read8(EMPTY, 1), 0xff);
	check("cf8-function-1", cfg_read32(ROOT_DEV + 1, 0), 0xffffffff);
	outl(0xcf8, 0x80001234);
	check("cf8-address-reads-back", inl(0xcf8), 0x80001234);
	outl(0xcf8, MCH << 8);
	check("cf8-disabled", inl(0xcfc), 0xffffffff);
	cf8(MCH, 0);
	outb(0xcf8, 0x40); /* no dword: no address */
	check("cf8-byte-is-no-address", inl(0xcfc), MCH_ID);

	cfg_write8(ROOT_DEV, 0x3c, 0x5c);
	check("cf8-write-1", cfg_read8(ROOT_DEV, 0x3c), 0x5c);
	check("cf8-write-1-neighbours", cfg_read32(ROOT_DEV, 0x3c) & 0xffffff00, 0);
	cfg_write16(ROOT_DEV, 4, 0x0104);
	check("cf8-write-2", cfg_read16(ROOT_DEV, 4), 0x0104);
	cfg_write32(ROOT_DEV, 4, 0xffff0000);
	check("cf8-write-4", cfg_read16(ROOT_DEV, 4), 0);
	cfg_write32(ROOT_DEV, 0, 0);
	check("cf8-id-is-read-only", cfg_read32(ROOT_DEV, 0), TESTDEV_ID);
}

static void window(void)
{
	uintptr_t dev = ecam_at(ECAM, ROOT_DEV, 0), port = ecam_at(ECAM, PORT1, 0);

	check("ecam-id-4", read32(ecam_at(ECAM, MCH, 0)), MCH_ID);
	check("ecam-id-2", read16(dev + 2), 0x0005);
	check("ecam-id-1", read8(dev + 1), 0x1b);
	check("ecam-unaligned", read16(dev + 1), 0x051b);
	check("ecam-empty", read32(ecam_at(ECAM, EMPTY, 0)), 0xffffffff);
	check("ecam-conventional-beyond-256", read32(dev + 0x100), 0xffffffff);
	check("ecam-extended-header", read32(port + 0x100) & 0xffff, 0x0001);
	check("ecam-extended-last", read32(port + 0xffc), 0);
	write32(port + 0x108, 0xffffffff); /* AER mask */
	check("ecam-extended-write", read32(port + 0x108), 0x003ff030);
	write32(port + 0x108, 0);
	check("cf8-sees-no-extended", cfg_read32(PORT1, 0x108) == read32(port + 8), true);
	write8(dev + 0x3c, 0x77);
	check("ecam-write-1", cfg_read8(ROOT_DEV, 0x3c), 0x77);
	write16(dev + 4, 2);
	check("ecam-write-2", cfg_read16(ROOT_DEV, 4), 2);
	write32(dev + 4, 0);
	check("ecam-write-4", cfg_read16(ROOT_DEV, 4), 0);
#ifdef __x86_64__
	check("ecam-read-8", read64(dev), (uint64_t)cfg_read32(ROOT_DEV, 4) << 32 | TESTDEV_ID);
	write64(dev + 0x38, 0x1200000000);
	check("ecam-write-8", read8(dev + 0x3c), 0x12);
#endif
}

static void window_moves(void)
{
	check("pciexbar", cfg_read32(MCH, MCH_PCIEXBAR), ECAM | 1);
	cfg_write32(MCH, MCH_PCIEXBAR, 0);
	check("ecam-off", read32(ECAM), 0xffffffff);
	cfg_write32(MCH, MCH_PCIEXBAR, MOVED | 1);
	check("ecam-moved", read32(MOVED), MCH_ID);
	check("ecam-moved-device", read32(ecam_at(MOVED, ROOT_DEV, 0)), TESTDEV_ID);
	check("ecam-left", read32(ECAM), 0xffffffff);
	cfg_write32(MCH, MCH_PCIEXBAR, ECAM | 5); /* 64 buses */
	check("ecam-short", read32(ECAM), MCH_ID);
	check("ecam-short-end", read32(ECAM + (64u << 20)), 0xffffffff);
	/* Moved by a write that comes through the window itself. */
	write32(ECAM + MCH_PCIEXBAR, MOVED | 1);
	check("ecam-moved-by-itself", read32(MOVED + MCH_PCIEXBAR), MOVED | 1);
	write32(MOVED + MCH_PCIEXBAR, ECAM | 1);
	check("ecam-back", read32(ECAM), MCH_ID);
}

static void buses(void)
{
	check("port-id", cfg_read32(PORT1, 0), PORT_ID);
	check("port-header", cfg_read8(PORT1, 14) & 0x7f, 1);
	check("port-buses", cfg_read32(PORT1, 0x18) & 0xffffff, 0x010100);
	check("port-2-buses", cfg_read32(PORT2, 0x18) & 0xffffff, 0x020200);
	check("behind-port", cfg_read32(BEHIND(1), 0), TESTDEV_ID);
	check("behind-port-ecam", read32(ecam_at(ECAM, BEHIND(1), 0)), TESTDEV_ID);
	check("behind-port-slot-1", cfg_read32(BEHIND(1) + 8, 0), 0xffffffff);
	check("behind-empty-port", cfg_read32(BEHIND(2), 0), 0xffffffff);
	check("no-such-bus", cfg_read32(BEHIND(3), 0), 0xffffffff);
	cfg_write32(PORT1, 0x18, 0x070700);
	check("bus-renumbered", cfg_read32(BEHIND(7), 0), TESTDEV_ID);
	check("bus-old-number", cfg_read32(BEHIND(1), 0), 0xffffffff);
	check("bus-renumbered-ecam", read32(ecam_at(ECAM, BEHIND(7), 0)), TESTDEV_ID);
	/* Two ports change their places. */
	cfg_write32(PORT2, 0x18, 0x010100);
	check("bus-of-the-other-port", cfg_read32(BEHIND(1), 0), 0xffffffff);
	cfg_write32(PORT2, 0x18, 0x020200);
	cfg_write32(PORT1, 0x18, 0x010100);
	check("bus-restored", cfg_read32(BEHIND(1), 0), TESTDEV_ID);
}

static unsigned find_cap(unsigned bdf, uint8_t id)
{
	unsigned at = cfg_read8(bdf, 0x34), left = 48;

	while (at >= 0x40 && left-- && cfg_read8(bdf, at) != id)
		at = cfg_read8(bdf, at + 1);
	return left < 48 && at >= 0x40 ? at : 0;
}

static void ports(void)
{
	unsigned exp = find_cap(PORT1, 0x10), exp2 = find_cap(PORT2, 0x10);

	check_true("port-express", exp);
	check("port-type", cfg_read16(PORT1, exp + 2) >> 4 & 0xf, 4);
	check("port-slot-implemented", cfg_read16(PORT1, exp + 2) >> 8 & 1, 1);
	check("port-slot-present", cfg_read16(PORT1, exp + 0x1a) >> 6 & 1, 1);
	check("port-link-up", cfg_read16(PORT1, exp + 0x12) >> 13 & 1, 1);
	check("port-2-slot-empty", cfg_read16(PORT2, exp2 + 0x1a) >> 6 & 1, 0);
	check("port-2-link-down", cfg_read16(PORT2, exp2 + 0x12) >> 13 & 1, 0);
	check("port-chassis-slot", cfg_read32(PORT1, exp + 0x14) >> 19, 3);
}

void guest(uint32_t magic, uintptr_t info)
{
	mechanism_1();
	window();
	window_moves();
	buses();
	ports();
}
