// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reset, in the way that argument how names, twice; the state must be that of power-on each time.
 * RAM keeps the number of the boot.  Two CPUs: the second one runs when the reset comes.
 */
#include "kit/irq.h"
#include "kit/pci.h"

#define BOOTS 3
#define COUNTER 0x800000u /* RAM that no loader writes */
#define SIGN 0xb0070000u

/* Not in the image, which is loaded again. */
#define alive (*(volatile uint32_t *)0x800004)

void ap_main(void)
{
	for (;;)
		alive++;
}

static uint32_t cr4(void)
{
	uintptr_t v;

	__asm__ volatile("mov %%cr4, %0" : "=r"(v));
	return (uint32_t)v;
}

static void fresh(void)
{
	check("reset-pciexbar", cfg_read32(MCH, MCH_PCIEXBAR), ECAM | 1);
	check("reset-ecam", read32(ECAM), MCH_ID);
	check("reset-ioapic", ioapic_read(0x10 + 10) & IOAPIC_MASKED, IOAPIC_MASKED);
	check("reset-lapic-svr", lapic_read(LAPIC_SVR), 0xff);
	check("reset-lapic-tpr", lapic_read(0x80), 0);
	check("reset-lapic-timer", lapic_read(LAPIC_TIMER_INIT), 0);
	check("reset-sysenter", rdmsr(0x174), 0);
	check("reset-cr4", cr4(), 0);
	check("reset-pm-enable", inw(PMBASE + 2), 0);
	check("reset-elcr", inb(0x4d1), 0);
	check("reset-pirq", cfg_read8(LPC, 0x60), 0x80);
	check("reset-serial", inb(0x3f8 + 1), 0);
	check("reset-firmware-bus", cfg_read32(4 << 3, 0x18) & 0xffffff, 0x010100);
	check("reset-cf8", cfg_read32(1 << 8, 0), TESTDEV_ID);
	check("reset-bar", cfg_read16(1 << 8, 4), 0);
	check("reset-image-data", ap_count, 0);
	alive = 0;
	pass_ticks(PM_HZ / 100);
	check("reset-other-cpu-stands", alive, 0);
}

static void dirty(void)
{
	uintptr_t v = 0x10;

	cfg_write32(4 << 3, 0x18, 0x050500);
	cfg_write16(5 << 8, 4, 2);
	cfg_write8(LPC, 0x60, 5);
	cfg_write32(MCH, MCH_PCIEXBAR, 0xa0000001);
	ioapic_route(5, 0x45 | IOAPIC_LEVEL, 1);
	lapic_enable();
	lapic_write(0x80, 0x20);
	lapic_write(LAPIC_LVT_TIMER, 0x10060);
	lapic_write(LAPIC_TIMER_INIT, 0x40000000);
	wrmsr(0x174, 8);
	__asm__ volatile("mov %0, %%cr4" : : "r"(v)); /* PSE */
	outw(PMBASE + 2, 0x100);
	outb(0x4d1, 4);
	outb(0x3f8 + 1, 1);
	ap_start_all();
	check_true("other-cpu-runs", wait_for(&alive, 10));
}

static void triple_fault(void)
{
	static const struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) none = {0, 0};

	__asm__ volatile("lidt %0; ud2" : : "m"(none));
}

static void reset(void)
{
	if (arg_is("how", "cf9")) {
		outb(0xcf9, 2);
		outb(0xcf9, 6);
	} else if (arg_is("how", "acpi")) {
		outb(0xcf9, 0x0e); /* the FADT's value */
	} else if (arg_is("how", "8042")) {
		outb(0x64, 0xfe);
	} else if (arg_is("how", "p92")) {
		outb(0x92, (uint8_t)(inb(0x92) | 1));
	} else if (arg_is("how", "triple")) {
		triple_fault();
	}
	for (;;)
		__asm__ volatile("hlt");
}

void guest(uint32_t magic, uintptr_t info)
{
	uint32_t boot = read32(COUNTER);

	boot = (boot & 0xffff0000) == SIGN ? boot & 0xffff : 0;
	write32(COUNTER, SIGN | (boot + 1));
	fresh();
	if (boot + 1 == BOOTS)
		return;
	dirty();
	say("boot", boot + 1);
	reset();
}
