// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Interrupts of every kind a board device makes: PIT, RTC and serial port through the 8259s and
 * through the IO-APIC, edges and levels (by pc-testdev's lines), and the local APIC's own.  The
 * same with the chips in the kernel and with kernel-irqchip=split.
 */
#include "kit/irq.h"

#define LINE(gsi) (0x2000 + (gsi))
#define COM1 0x3f8
#define PIC_BASE 0x20
#define SOON 2000 /* ticks: longer than any pending interrupt takes */

static volatile uint32_t count[256];
static volatile uint32_t order[8], ordered;
static volatile uint32_t iir, in_handler, lower_at;
static volatile unsigned lowered_line;
static bool exact; /* lapic_keeps_in_service() */

/* --- devices ---------------------------------------------------------------------------------- */

static void pit_start(unsigned hz)
{
	unsigned n = 1193182 / hz;

	outb(0x43, 0x34); /* channel 0, both bytes, mode 2 */
	outb(0x40, (uint8_t)n);
	outb(0x40, (uint8_t)(n >> 8));
}

static void pit_stop(void)
{
	outb(0x43, 0x30); /* mode 0 that was given no count */
}

static uint8_t cmos_read(uint8_t reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static void cmos_write(uint8_t reg, uint8_t v)
{
	outb(0x70, reg);
	outb(0x71, v);
}

static void rtc_start(void)
{
	cmos_write(10, 0x2a); /* 64 Hz */
	cmos_write(11, 0x42); /* periodic interrupt, 24 hours */
	cmos_read(12);
}

static void rtc_stop(void)
{
	cmos_write(11, 0x02);
	cmos_read(12);
}

/* --- handlers --------------------------------------------------------------------------------- */

static void on_pic(unsigned v)
{
	count[v]++;
	if (ordered < 8)
		order[ordered++] = v - PIC_BASE;
	if (v == PIC_BASE + 8)
		cmos_read(12);
	if (lower_at && count[v] >= lower_at)
		outb((uint16_t)LINE(lowered_line), 0);
	pic_eoi(v - PIC_BASE);
}

static void on_apic(unsigned v)
{
	count[v]++;
	if (v == 0x48)
		cmos_read(12);
	if (v == 0x44)
		iir = inb(COM1 + 2);
	lapic_eoi();
}

/* A level line: what the IO-APIC thinks meanwhile, then down at the lower_at-th time. */
static void on_level(unsigned v)
{
	count[v]++;
	in_handler = ioapic_read(0x10 + 2 * lowered_line);
	if (count[v] >= lower_at)
		outb((uint16_t)LINE(lowered_line), 0);
	lapic_eoi();
}

static uint32_t settled(unsigned v)
{
	sti();
	pass_ticks(SOON);
	cli();
	return count[v];
}

static bool comes(unsigned v, uint32_t n)
{
	bool ok;

	sti();
	ok = wait_for(&count[v], n);
	cli();
	return ok;
}

/* --- 8259s ------------------------------------------------------------------------------------ */

static void pic_devices(void)
{
	pic_unmask(0);
	pit_start(100);
	check_true("pic-pit", comes(PIC_BASE, 3));
	pit_stop();
	pic_unmask(8);
	rtc_start();
	check_true("pic-rtc", comes(PIC_BASE + 8, 3));
	rtc_stop();
	pic_mask_all();
}

static void pic_lines(void)
{
	unsigned v = PIC_BASE + 10;

	pic_unmask(10);
	outb(LINE(10), 1);
	check("pic-edge", settled(v), 1);
	outb(LINE(10), 0);
	check("pic-edge-falls", settled(v), 1);

	outb(0x4d1, 1 << 2); /* ELCR: IRQ 10 is a level */
	count[v] = 0;
	lower_at = 3;
	lowered_line = 10;
	outb(LINE(10), 1);
	check("pic-level-again-until-low", settled(v), 3);
	lower_at = 0;
	outb(0x4d1, 0);
	pic_mask_all();

	ordered = 0;
	pic_unmask(5);
	pic_unmask(10);
	pic_unmask(3);
	outb(LINE(5), 1);
	outb(LINE(10), 1);
	outb(LINE(3), 1);
	settled(v);
	check("pic-priority", ordered == 3 ? order[0] << 8 | order[1] << 4 | order[2] : 0, 0xa35);
	outb(LINE(5), 0);
	outb(LINE(10), 0);
	outb(LINE(3), 0);
	pic_mask_all();
}

/* --- IO-APIC ---------------------------------------------------------------------------------- */

static void ioapic_devices(void)
{
	check("ioapic-pins", ioapic_read(1) >> 16 & 0xff, 23);
	ioapic_route(2, 0x42, 0);
	pit_start(100);
	check_true("ioapic-pit", comes(0x42, 3));
	pit_stop();
	ioapic_route(2, IOAPIC_MASKED, 0);
	ioapic_route(8, 0x48, 0);
	rtc_start();
	check_true("ioapic-rtc", comes(0x48, 3));
	rtc_stop();

	ioapic_route(4, 0x44, 0);
	outb(COM1 + 4, 8); /* OUT2 lets the interrupt through */
	outb(COM1 + 1, 2); /* transmitter empty: at once */
	check_true("ioapic-serial", comes(0x44, 1));
	check("serial-iir", iir & 0xf, 2);
	check("serial-iir-cleared", inb(COM1 + 2) & 0xf, 1);
	outb(COM1, 'x');
	check_true("ioapic-serial-sent", comes(0x44, 2));
	outb(COM1 + 1, 0);
}

/* How often the level interrupt came that its handler ends at the n-th time. */
static uint32_t level_count(uint32_t n)
{
	uint32_t got = settled(0x50);

	return !exact && got == n + 1 ? n : got;
}

static void ioapic_lines(void)
{
	ioapic_route(5, 0x45, 0);
	outb(LINE(5), 1);
	check("ioapic-edge", settled(0x45), 1);
	outb(LINE(5), 0);
	outb(LINE(5), 1);
	check("ioapic-edge-again", settled(0x45), 2);
	outb(LINE(5), 0);

	lower_at = 2;
	lowered_line = 16;
	irq_set(0x50, on_level);
	ioapic_route(16, 0x50 | IOAPIC_LEVEL, 0);
	outb(LINE(16), 1);
	check("ioapic-level-again-until-low", level_count(2), 2);
	if (exact)
		check("ioapic-remote-irr-in-service", in_handler >> 14 & 1, 1);
	else
		skip("ioapic-remote-irr-in-service", "the host ends interrupts at delivery");
	check("ioapic-remote-irr-after-eoi", ioapic_read(0x10 + 32) >> 14 & 1, 0);
	lower_at = 1;
	count[0x50] = 0;
	ioapic_route(16, 0x50 | IOAPIC_LEVEL | IOAPIC_MASKED, 0);
	outb(LINE(16), 1);
	check("ioapic-masked", settled(0x50), 0);
	ioapic_route(16, 0x50 | IOAPIC_LEVEL, 0);
	check("ioapic-unmasked", level_count(1), 1);
}

/* Two pins on two priorities: the task priority holds one back. */
static void priorities(void)
{
	irq_set(0x90, on_apic);
	irq_set(0x51, on_apic);
	ioapic_route(23, 0x90, 0);
	ioapic_route(22, 0x51, 0);
	lapic_write(0x80, 0x60);
	outb(LINE(22), 1);
	outb(LINE(23), 1);
	check("tpr-lets-high-pass", settled(0x90), 1);
	check("tpr-holds-low", count[0x51], 0);
	lapic_write(0x80, 0);
	check("tpr-lowered", settled(0x51), 1);
	outb(LINE(22), 0);
	outb(LINE(23), 0);
}

/* --- local APIC ------------------------------------------------------------------------------- */

static void lapic_own(void)
{
	irq_set(0x60, on_apic);
	irq_set(0x61, on_apic);
	lapic_ipi(0, 0x61);
	check_true("self-ipi", comes(0x61, 1));
	lapic_write(LAPIC_TIMER_DIV, 0xb); /* 1 */
	lapic_write(LAPIC_LVT_TIMER, 0x60);
	lapic_write(LAPIC_TIMER_INIT, 1000000);
	check_true("lapic-timer", comes(0x60, 1));
	lapic_write(LAPIC_LVT_TIMER, 0x20060);
	lapic_write(LAPIC_TIMER_INIT, 1000000);
	check_true("lapic-timer-periodic", comes(0x60, 4));
	lapic_write(LAPIC_TIMER_INIT, 0);

	count[0x60] = 0;
	lapic_write(LAPIC_LVT_TIMER, 0x60);
	lapic_write(LAPIC_TIMER_INIT, 5000000);
	while (!count[0x60])
		__asm__ volatile("sti; hlt; cli" : : : "memory");
	check("hlt-ends-with-interrupt", count[0x60], 1);
	if (!(cpuid(1, 0).c >> 24 & 1))
		return;
	lapic_write(LAPIC_LVT_TIMER, 0x40060);
	wrmsr(0x6e0, rdtsc() + 1000000);
	check_true("tsc-deadline", comes(0x60, 2));
}

void guest(uint32_t magic, uintptr_t info)
{
	irq_init();
	for (unsigned v = PIC_BASE; v < PIC_BASE + 16; v++)
		irq_set(v, on_pic);
	for (unsigned v = 0x42; v < 0x50; v++)
		irq_set(v, on_apic);
	pic_init(PIC_BASE);
	pic_devices();
	pic_lines();
	lapic_enable();
	ioapic_devices();
	exact = lapic_keeps_in_service();
	ioapic_lines();
	priorities();
	lapic_own();
}
