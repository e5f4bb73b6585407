// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * BARs: sized, moved while in use, behind a port whose windows open and close; and pci-testdev's
 * ioeventfds, which have to move along. The machine: a pcie-root-port at 4 with a pci-testdev
 * below, a pci-testdev at 6.
 */
#include "kit/pci.h"

#define PORT (4 << 3)
#define BELOW (1 << 8)
#define DEV (6 << 3)
#define BAR(n) (0x10 + 4 * (n))
#define NAME 16
#define COUNT 12
#define OFFSET 4
#define DATA 8

static void text_from(uintptr_t at, bool io, char *buf, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		buf[i] = (char)(io ? inb((uint16_t)(at + i)) : read8(at + i));
	buf[n - 1] = 0;
}

static bool shows(uintptr_t at, bool io)
{
	char name[20];

	if (io)
		outb((uint16_t)at, 0);
	else
		write8(at, 0);
	text_from(at + NAME, io, name, sizeof(name));
	return same_text(name, io ? "portio-no-eventfd" : "mmio-no-eventfd");
}

static void sizes(unsigned bdf, const char *mem, const char *io)
{
	uint32_t old[2] = {cfg_read32(bdf, BAR(0)), cfg_read32(bdf, BAR(1))};

	cfg_write32(bdf, BAR(0), 0xffffffff);
	cfg_write32(bdf, BAR(1), 0xffffffff);
	check(mem, cfg_read32(bdf, BAR(0)), 0xfffff000);
	check(io, cfg_read32(bdf, BAR(1)), 0xffffff01);
	cfg_write32(bdf, BAR(2), 0xffffffff);
	cfg_write32(bdf, BAR(0), old[0]);
	cfg_write32(bdf, BAR(1), old[1]);
}

static void placed(void)
{
	uintptr_t mem = cfg_read32(DEV, BAR(0)), io = cfg_read32(DEV, BAR(1)) & ~3u;

	check_true("firmware-placed-mem",
		   mem >= 0xc0000000u && mem < 0xfec00000u && !(mem & 0xfff));
	check_true("firmware-placed-io", io >= 0x1000 && io < 0xf000 && !(io & 0xff));
	check("decoding-off", cfg_read16(DEV, 4) & 3, 0);
	check("mem-off", read32(mem), 0xffffffff);
	check("io-off", inl((uint16_t)io), 0xffffffff);
	sizes(DEV, "size-mem", "size-io");
	check("unimplemented", cfg_read32(DEV, BAR(2)), 0);
	cfg_write16(DEV, 4, CMD_MEM);
	check_true("mem-on", shows(mem, false));
	check("io-still-off", inl((uint16_t)io), 0xffffffff);
	cfg_write16(DEV, 4, CMD_MEM | CMD_IO);
	check_true("io-on", shows(io, true));
	sizes(DEV, "size-mem-live", "size-io-live");
	check_true("mem-after-sizing", shows(mem, false));
}

static void moved(void)
{
	uintptr_t old = cfg_read32(DEV, BAR(0)), old_io = cfg_read32(DEV, BAR(1)) & ~3u;

	cfg_write32(DEV, BAR(0), 0xe0000000);
	check_true("mem-moved", shows(0xe0000000, false));
	check("mem-left", read32(old), 0xffffffff);
	cfg_write32(DEV, BAR(1), 0xc100);
	check_true("io-moved", shows(0xc100, true));
	check("io-left", inl((uint16_t)old_io), 0xffffffff);
	cfg_write16(DEV, BAR(0) + 2, 0xe100); /* half of the register */
	check_true("mem-moved-by-half", shows(0xe1000000, false));
	cfg_write32(DEV, BAR(0), 0xe0000000);
	cfg_write32(DEV, BAR(0), 0xb0000000); /* onto the config window: that wins */
	check("mem-misplaced", read32(0xb0000000), MCH_ID);
	cfg_write32(DEV, BAR(0), 0x01000000); /* onto RAM: that wins */
	write32(0x01000000, 0x13572468);
	check("mem-on-ram", read32(0x01000000), 0x13572468);
	cfg_write32(DEV, BAR(0), 0xe0000000);
	check_true("mem-back", shows(0xe0000000, false));
	cfg_write16(DEV, 4, CMD_IO);
	check("mem-decoding-off", read32(0xe0000000), 0xffffffff);
	cfg_write16(DEV, 4, CMD_MEM | CMD_IO);
}

static void behind_port(void)
{
	uintptr_t mem = cfg_read32(BELOW, BAR(0)), io = cfg_read32(BELOW, BAR(1)) & ~3u;
	uint32_t window = cfg_read32(PORT, 0x20), io_window = cfg_read16(PORT, 0x1c);

	sizes(BELOW, "below-size-mem", "below-size-io");
	cfg_write16(BELOW, 4, CMD_MEM | CMD_IO);
	check_true("below-mem", shows(mem, false));
	check_true("below-io", shows(io, true));
	cfg_write32(PORT, 0x20, 0x0000fff0); /* closed */
	check("below-mem-window-closed", read32(mem), 0xffffffff);
	check_true("below-io-stays", shows(io, true));
	cfg_write16(PORT, 0x1c, 0x00f0);
	check("below-io-window-closed", inl((uint16_t)io), 0xffffffff);
	cfg_write32(PORT, 0x20, 0xe2f0e200);
	check("below-mem-not-in-window", read32(mem), 0xffffffff);
	cfg_write32(BELOW, BAR(0), 0xe2800000);
	check_true("below-mem-moved-into-window", shows(0xe2800000, false));
	cfg_write32(BELOW, BAR(0), mem);
	cfg_write32(PORT, 0x20, window);
	check_true("below-mem-window-open", shows(mem, false));
	cfg_write16(PORT, 0x1c, (uint16_t)io_window);
	check_true("below-io-window-open", shows(io, true));
	cfg_write16(PORT, 4, CMD_IO);
	check("below-mem-port-off", read32(mem), 0xffffffff);
	cfg_write16(PORT, 4, CMD_MEM | CMD_IO | 4);
	check_true("below-mem-port-on", shows(mem, false));
	cfg_write8(PORT, 0x3e, 0x40); /* secondary bus reset */
	check("below-reset", cfg_read16(BELOW, 4), 0);
	cfg_write8(PORT, 0x3e, 0);
}

/*
 * Ring test t's doorbell `right` times with its data and `wrong` times with another; what the
 * device counted.
 */
static uint32_t ring(uintptr_t at, bool io, unsigned t, unsigned right, unsigned wrong)
{
	uintptr_t bell;
	uint8_t data;

	if (io)
		outb((uint16_t)at, (uint8_t)t);
	else
		write8(at, (uint8_t)t);
	bell = at + (io ? inl((uint16_t)(at + OFFSET)) : read32(at + OFFSET));
	data = io ? inb((uint16_t)(at + DATA)) : read8(at + DATA);
	for (unsigned i = 0; i < right + wrong; i++) {
		uint8_t v = (uint8_t)(i < right ? data : data + 1);

		if (io)
			outb((uint16_t)bell, v);
		else
			write8(bell, v);
	}
	return io ? inl((uint16_t)(at + COUNT)) : read32(at + COUNT);
}

/* A doorbell that is armed when its BAR moves: the old place is deaf, the new one hears. */
static void armed_move(void)
{
	uintptr_t bell, old = 0xe1000000, new = 0xe0000000;

	write8(old, 1);
	bell = read32(old + OFFSET);
	write8(old + bell, 1);
	cfg_write32(DEV, BAR(0), new);
	write8(old + bell, 1);
	write8(old + bell, 1);
	write8(new + bell, 1);
	check("mmio-armed-while-moved", read32(new + COUNT), 2);

	outb(0xc200, 1);
	bell = inl(0xc200 + OFFSET);
	outb((uint16_t)(0xc200 + bell), 1);
	cfg_write32(DEV, BAR(1), 0xc100);
	outb((uint16_t)(0xc200 + bell), 1);
	outb((uint16_t)(0xc100 + bell), 1);
	check("port-armed-while-moved", inl(0xc100 + COUNT), 2);
}

static void doorbells(void)
{
	check("mmio-no-eventfd", ring(0xe0000000, false, 0, 3, 2), 5);
	check("mmio-wildcard", ring(0xe0000000, false, 1, 3, 2), 5);
	check("mmio-datamatch", ring(0xe0000000, false, 2, 3, 2), 3);
	check("port-no-eventfd", ring(0xc100, true, 0, 3, 2), 5);
	check("port-wildcard", ring(0xc100, true, 1, 3, 2), 5);
	check("port-datamatch", ring(0xc100, true, 2, 3, 2), 3);
	cfg_write32(DEV, BAR(0), 0xe1000000);
	cfg_write32(DEV, BAR(1), 0xc200);
	check("mmio-wildcard-moved", ring(0xe1000000, false, 1, 4, 0), 4);
	check("mmio-datamatch-moved", ring(0xe1000000, false, 2, 4, 3), 4);
	check("port-wildcard-moved", ring(0xc200, true, 1, 4, 0), 4);
	check("port-datamatch-moved", ring(0xc200, true, 2, 4, 3), 4);
}

void guest(uint32_t magic, uintptr_t info)
{
	placed();
	moved();
	doorbells();
	armed_move();
	behind_port();
}
