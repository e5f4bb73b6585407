// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the IDT and the programming of the interrupt chips.  Entered from the vectors in start*.S.
 */
#include "kit/irq.h"

#define AP_START 0x8000u

extern const uint8_t irq_entry[]; /* 16 bytes a vector */

static irq_handler *handlers[256];

struct gate {
	uint16_t low, sel;
	uint8_t ist, type;
	uint16_t mid;
#ifdef __x86_64__
	uint32_t high, zero;
#endif
} __attribute__((packed));

static struct gate idt[256];

void irq_dispatch(uintptr_t vector, uintptr_t ip, uintptr_t error)
{
	if (handlers[vector]) {
		handlers[vector]((unsigned)vector);
		return;
	}
	say("unexpected vector", vector);
	say("at", ip);
	say("error code", error);
	check("no-unexpected-vector", vector, 0xffff);
	guest_exit();
}

void irq_load(void)
{
	struct {
		uint16_t limit;
		uintptr_t base;
	} __attribute__((packed)) desc = {sizeof(idt) - 1, (uintptr_t)idt};

	__asm__ volatile("lidt %0" : : "m"(desc));
}

void irq_init(void)
{
	for (unsigned i = 0; i < 256; i++) {
		uintptr_t at = (uintptr_t)irq_entry + 16 * i;

		idt[i].low = (uint16_t)at;
		idt[i].mid = (uint16_t)(at >> 16);
		idt[i].sel = 8;
		idt[i].type = 0x8e;
	}
	irq_load();
}

void irq_set(unsigned vector, irq_handler *handler)
{
	handlers[vector] = handler;
}

/* --- 8259 ------------------------------------------------------------------------------------- */

void pic_init(uint8_t base)
{
	outb(0x20, 0x11);
	outb(0x21, base);
	outb(0x21, 4);
	outb(0x21, 1);
	outb(0xa0, 0x11);
	outb(0xa1, (uint8_t)(base + 8));
	outb(0xa1, 2);
	outb(0xa1, 1);
	pic_mask_all();
}

void pic_mask_all(void)
{
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

void pic_unmask(unsigned irq)
{
	if (irq < 8) {
		outb(0x21, (uint8_t)(inb(0x21) & ~(1u << irq)));
	} else {
		outb(0xa1, (uint8_t)(inb(0xa1) & ~(1u << (irq - 8))));
		outb(0x21, inb(0x21) & 0xfb);
	}
}

void pic_eoi(unsigned irq)
{
	if (irq >= 8)
		outb(0xa0, 0x20);
	outb(0x20, 0x20);
}

/* --- APICs ------------------------------------------------------------------------------------ */

void ioapic_write(unsigned reg, uint32_t v)
{
	write32(IOAPIC, reg);
	write32(IOAPIC + 0x10, v);
}

uint32_t ioapic_read(unsigned reg)
{
	write32(IOAPIC, reg);
	return read32(IOAPIC + 0x10);
}

void ioapic_route(unsigned pin, uint32_t low, uint8_t dest)
{
	ioapic_write(0x11 + 2 * pin, (uint32_t)dest << 24);
	ioapic_write(0x10 + 2 * pin, low);
}

void lapic_enable(void)
{
	lapic_write(LAPIC_SVR, 0x1ff);
	lapic_write(LAPIC_LVT0, 0x10000);
}

void lapic_ipi(uint8_t dest, uint32_t low)
{
	while (lapic_read(LAPIC_ICR) & 0x1000)
		relax();
	lapic_write(LAPIC_ICR + 0x10, (uint32_t)dest << 24);
	lapic_write(LAPIC_ICR, low | ICR_ASSERT);
}

static volatile uint32_t probes, probe_isr;

static void on_probe(unsigned v)
{
	probe_isr = lapic_read(LAPIC_ISR + v / 32 * 16);
	probes++;
	lapic_eoi();
}

bool lapic_keeps_in_service(void)
{
	irq_set(0xe0, on_probe);
	lapic_ipi((uint8_t)(lapic_read(LAPIC_ID) >> 24), 0xe0);
	sti();
	wait_for(&probes, 1);
	cli();
	return probe_isr & 1;
}

#ifndef __x86_64__
extern const uint8_t ap_code[], ap_code_end[];

void ap_start_all(void)
{
	memcpy((void *)AP_START, ap_code, (size_t)(ap_code_end - ap_code));
	lapic_ipi(0, ICR_INIT | ICR_ALL_BUT_SELF);
	pass_ticks(PM_HZ / 100); /* 10 ms, as the specification wants */
	lapic_ipi(0, ICR_SIPI | ICR_ALL_BUT_SELF | AP_START >> 12);
}

/* Guests with one CPU need none of their own. */
__attribute__((weak)) void ap_main(void)
{
}
#endif
