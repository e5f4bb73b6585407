// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ACPI power.  how=off: S5 by PM1a_CNT.  how=button: the power button's SCI first, when the
 * runner presses it.
 */
#include "kit/irq.h"

#define STS PMBASE
#define EN (PMBASE + 2)
#define CNT (PMBASE + 4)
#define PWRBTN 0x100

static volatile uint32_t scis;
static volatile uint16_t status;

static void on_sci(unsigned v)
{
	scis++;
	status |= inw(STS);
	outw(STS, status);
	lapic_eoi();
}

static void button(void)
{
	bool exact;

	irq_init();
	irq_set(0x59, on_sci);
	pic_mask_all();
	lapic_enable();
	exact = lapic_keeps_in_service();
	ioapic_route(9, 0x59 | IOAPIC_LEVEL, 0);
	outw(EN, PWRBTN);
	check("button-not-yet", inw(STS) & PWRBTN, 0);
	put("press\n");
	sti();
	check_true("sci", wait_for(&scis, 1));
	pass_ticks(2000);
	cli();
	check("sci-once", !exact && scis == 2 ? 1 : scis, 1);
	check("button-status", status & PWRBTN, PWRBTN);
	check("button-status-cleared", inw(STS) & PWRBTN, 0);
}

void guest(uint32_t magic, uintptr_t info)
{
	check("sci-enabled", inw(CNT) & 1, 1);
	if (arg_is("how", "button"))
		button();
	outw(CNT, 1 << 13 | 3 << 10); /* a sleep type that is none: nothing happens */
	put("off\n");
	outw(CNT, 1 << 13 | 7 << 10);
	for (;;)
		__asm__ volatile("cli; hlt");
}
