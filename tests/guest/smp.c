// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The other CPUs: INIT and SIPI, their ids, IPIs of every kind, atomic operations, start again.
 * Argument cpus: how many there are.
 */
#include "kit/irq.h"

#define MAX 8
#define ROUNDS 500

static volatile uint32_t ready, hits[MAX], nmis, go, total, ids, wrong_ids, x2_hits;

static unsigned self(void)
{
	return lapic_read(LAPIC_ID) >> 24;
}

static void on_ipi(unsigned v)
{
	__atomic_add_fetch(&hits[self()], 1, __ATOMIC_SEQ_CST);
	lapic_eoi();
}

static void on_x2_ipi(unsigned v)
{
	__atomic_add_fetch(&x2_hits, 1, __ATOMIC_SEQ_CST);
	lapic_eoi();
}

static void on_nmi(unsigned v)
{
	__atomic_add_fetch(&nmis, 1, __ATOMIC_SEQ_CST);
}

static void check_own_id(void)
{
	unsigned id = self();
	bool wrong = cpuid(1, 0).b >> 24 != id;

	if (cpuid(0, 0).a >= 0xb)
		wrong |= cpuid(0xb, 0).d != id;
	if (wrong)
		__atomic_add_fetch(&wrong_ids, 1, __ATOMIC_SEQ_CST);
	__atomic_or_fetch(&ids, 1u << id, __ATOMIC_SEQ_CST);
}

void ap_main(void)
{
	irq_load();
	lapic_enable();
	check_own_id();
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	while (!go)
		relax();
	for (unsigned i = 0; i < ROUNDS; i++)
		__atomic_add_fetch(&total, 1, __ATOMIC_SEQ_CST);
	sti();
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	for (;;)
		__asm__ volatile("hlt");
}

static void ipis(unsigned cpus)
{
	uint32_t wrong = 0;

	for (unsigned i = 1; i < cpus; i++) {
		lapic_ipi((uint8_t)i, 0x70);
		wrong += !wait_for(&hits[i], 1);
	}
	check("ipi-each", wrong, 0);
	lapic_ipi(0, 0x70 | ICR_ALL_BUT_SELF);
	for (unsigned i = 1; i < cpus; i++)
		wrong += !wait_for(&hits[i], 2);
	check("ipi-all-but-self", wrong, 0);
	check("ipi-not-self", hits[0], 0);
	lapic_ipi(0, 0x400 | ICR_ALL_BUT_SELF);
	check_true("nmi-all-but-self", wait_for(&nmis, cpus - 1));
	lapic_write(0xd0, 1u << 24); /* logical destination 1 */
	sti();
	lapic_ipi(1, 0x70 | 1 << 11);
	check_true("ipi-logical-self", wait_for(&hits[0], 1));
	cli();
	ioapic_route(5, 0x70, 1); /* a device's interrupt to the other CPU */
	outb(0x2000 + 5, 1);
	check_true("ioapic-to-other-cpu", wait_for(&hits[1], 3));
	outb(0x2000 + 5, 0);
}

static void again(void)
{
	uint32_t before = ap_count;

	lapic_ipi(1, ICR_INIT);
	pass_ticks(PM_HZ / 100);
	check("init-stops-it", ap_count, before);
	lapic_ipi(1, ICR_SIPI | 8);
	check_true("sipi-starts-it-again", wait_for(&ap_count, before + 1));
	check_true("second-start-ready", wait_for(&ready, 2 * before + 2));
}

static void x2apic(void)
{
	if (!(cpuid(1, 0).c >> 21 & 1))
		return;
	wrmsr(0x1b, rdmsr(0x1b) | 0x400);
	check("x2apic-id", rdmsr(0x802), 0);
	wrmsr(0x830, 1ull << 32 | ICR_ASSERT | 0x71);
	check_true("x2apic-ipi", wait_for(&x2_hits, 1));
}

void guest(uint32_t magic, uintptr_t info)
{
	unsigned cpus = arg_num("cpus", 4);

	irq_init();
	irq_set(0x70, on_ipi);
	irq_set(0x71, on_x2_ipi);
	irq_set(2, on_nmi);
	pic_mask_all();
	lapic_enable();
	check_own_id();
	pass_ticks(PM_HZ / 100);
	check("not-yet-started", ap_count, 0);
	ap_start_all();
	check_true("all-started", wait_for(&ready, cpus - 1));
	pass_ticks(PM_HZ / 100);
	check("no-more-than-that", ready, cpus - 1);
	check("apic-ids", ids, (1u << cpus) - 1);
	check("cpuid-ids", wrong_ids, 0);
	go = 1;
	for (unsigned i = 0; i < ROUNDS; i++)
		__atomic_add_fetch(&total, 1, __ATOMIC_SEQ_CST);
	check_true("all-counted", wait_for(&ready, 2 * (cpus - 1)));
	check("atomic-total", total, cpus * ROUNDS);
	ipis(cpus);
	again();
	x2apic();
}
