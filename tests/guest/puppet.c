// SPDX-License-Identifier: GPL-2.0-or-later
/* The guest of tests/kvm/test_accel.c: reads, writes and interrupts as puppet.h says. */
#include "puppet.h"

#include "kit/irq.h"

static uint32_t door_read(enum puppet_port p)
{
	return inl((uint16_t)(PUPPET_PORT + p));
}

static void door_write(enum puppet_port p, uint32_t v)
{
	outl((uint16_t)(PUPPET_PORT + p), v);
}

static void on_any(unsigned v)
{
	bool in_service = lapic_read(LAPIC_ISR + v / 32 * 16) >> (v % 32) & 1;

	door_write(PUPPET_EVENT, v | (in_service ? IN_SERVICE : 0));
	while (door_read(PUPPET_GATE) == GATE_SHUT)
		;
	lapic_eoi();
}

static uint32_t load(uint32_t addr, uint32_t width)
{
	return width == 1 ? read8(addr) : width == 2 ? read16(addr) : read32(addr);
}

static void store(uint32_t addr, uint32_t v, uint32_t width)
{
	if (width == 1)
		write8(addr, (uint8_t)v);
	else if (width == 2)
		write16(addr, (uint16_t)v);
	else
		write32(addr, v);
}

static uint32_t in(uint16_t port, uint32_t width)
{
	return width == 1 ? inb(port) : width == 2 ? inw(port) : inl(port);
}

static void out(uint16_t port, uint32_t v, uint32_t width)
{
	if (width == 1)
		outb(port, (uint8_t)v);
	else if (width == 2)
		outw(port, (uint16_t)v);
	else
		outl(port, v);
}

static void obey(uint32_t order)
{
	uint32_t addr = door_read(PUPPET_ADDR), v = door_read(PUPPET_VALUE);
	uint32_t width = door_read(PUPPET_WIDTH);

	switch (order) {
	case PUPPET_READ:
		v = load(addr, width);
		break;
	case PUPPET_WRITE:
		store(addr, v, width);
		break;
	case PUPPET_IN:
		v = in((uint16_t)addr, width);
		break;
	case PUPPET_OUT:
		out((uint16_t)addr, v, width);
		break;
	}
	door_write(PUPPET_RESULT, v);
}

void guest(uint32_t magic, uintptr_t info)
{
	irq_init();
	pic_mask_all();
	lapic_enable();
	for (unsigned v = 0x20; v < 0xff; v++)
		irq_set(v, on_any);
	door_write(PUPPET_RESULT, PUPPET_READY);
	sti();
	for (;;) {
		uint32_t order = door_read(PUPPET_ORDER);

		if (order != PUPPET_NONE)
			obey(order);
	}
}
