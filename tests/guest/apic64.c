// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The local APIC from one CPU: its registers, IPIs to itself in every form, priorities, TPR and
 * CR8, in-service, the timer in all its modes; the same through x2APIC's MSRs.  SDM 3A, chapter 11.
 */
#include "kit/irq.h"
#include "kit/trap.h"

#define LOW 0x41
#define HIGH 0x91
#define SOON (PM_HZ / 1000)
#define MSR_APIC_BASE 0x1b
#define MSR_DEADLINE 0x6e0
#define X2(reg) (0x800 + (reg) / 16)

#define ENDED "this host ends interrupts at delivery"

const struct gap kvm_gaps[] = {
	{"in-service-holds", ENDED},
	{"isr", ENDED},
	{"ppr", ENDED},
	{"same-vector-waits", ENDED},
	{"x2-in-service-holds", ENDED},
	{"x2-isr", ENDED},
	{"x2-ppr", ENDED},
	{"x2-same-vector-waits", ENDED},
	{"x2-eoi-not-0", "this host takes any EOI"},
	{NULL, NULL},
};

static volatile uint32_t count[256], order[8], ordered;
static bool x2, eoi_later;

static uint32_t get(unsigned reg)
{
	return x2 ? (uint32_t)rdmsr(X2(reg)) : lapic_read(reg);
}

static void put_reg(unsigned reg, uint32_t v)
{
	if (x2)
		wrmsr(X2(reg), v);
	else
		lapic_write(reg, v);
}

static bool on_irq(struct trap_frame *f)
{
	count[f->vector]++;
	if (ordered < 8)
		order[ordered++] = (uint32_t)f->vector;
	if (!eoi_later)
		put_reg(LAPIC_EOI, 0);
	return true;
}

static void send(uint32_t dest, uint32_t low)
{
	if (x2)
		wrmsr(X2(LAPIC_ICR), (uint64_t)dest << 32 | low);
	else
		lapic_ipi((uint8_t)dest, low);
}

static void forget(void)
{
	memset((void *)(uintptr_t)count, 0, sizeof(count));
	ordered = 0;
}

static void let(void)
{
	sti();
	pass_ticks(SOON);
	cli();
}

static uint64_t get_cr8(void)
{
	uint64_t v;

	ASM("mov %%cr8, %0" : "=r"(v) : : "memory");
	return v;
}

static void set_cr8(uint64_t v)
{
	ASM("mov %0, %%cr8" : : "r"(v) : "memory");
}

static const char *named(const char *name)
{
	static char text[64];
	unsigned n = 0;

	for (const char *s = x2 ? "x2-" : ""; *s; s++)
		text[n++] = *s;
	for (; *name && n < 63; name++)
		text[n++] = *name;
	text[n] = 0;
	return text;
}

static bool bit_of(unsigned reg, unsigned vector)
{
	return get(reg + vector / 32 * 16) >> (vector & 31) & 1;
}

/* --- IPIs and priorities ---------------------------------------------------------------------- */

static void to_itself(void)
{
	uint32_t id = x2 ? get(LAPIC_ID) : get(LAPIC_ID) >> 24;

	forget();
	send(id, LOW);
	check(named("irr-while-if-is-off"), bit_of(0x200, LOW), 1);
	let();
	verify(named("by-id"), count[LOW], 1);
	send(0, LOW | 1 << 18);
	let();
	verify(named("self-shorthand"), count[LOW], 2);
	send(0, LOW | 2 << 18);
	let();
	verify(named("all-including-self"), count[LOW], 3);
	send(0, LOW | ICR_ALL_BUT_SELF);
	let();
	verify(named("all-but-self"), count[LOW], 3);
	send(x2 ? 0xffffffff : 0xff, LOW);
	let();
	verify(named("broadcast"), count[LOW], 4);
	if (!x2)
		put_reg(0xd0, 1u << 24);
	send(1, LOW | 1 << 11);
	let();
	verify(named("logical"), count[LOW], 5);
	send(2, LOW | 1 << 11);
	let();
	verify(named("logical-other"), count[LOW], 5);
	if (x2) {
		wrmsr(0x83f, LOW);
		let();
		verify("x2-self-ipi", count[LOW], 6);
	}
	forget();
	send(id, LOW);
	send(id, LOW);
	let();
	verify(named("pending-once"), count[LOW], 1);
}

static void priorities(void)
{
	uint32_t id = x2 ? get(LAPIC_ID) : get(LAPIC_ID) >> 24;

	forget();
	send(id, LOW);
	send(id, HIGH);
	let();
	verify(named("high-first"), ordered == 2 && order[0] == HIGH && order[1] == LOW, 1);
	forget();
	put_reg(0x80, 0x50);
	check(named("tpr-is-cr8"), get_cr8(), 5);
	send(id, LOW);
	send(id, HIGH);
	let();
	verify(named("tpr-lets-high"), count[HIGH] << 4 | count[LOW], 0x10);
	set_cr8(4);
	check(named("cr8-is-tpr"), get(0x80), 0x40);
	let();
	verify(named("cr8-same-class-waits"), count[LOW], 0);
	sti();
	set_cr8(3);
	pass_ticks(SOON);
	cli();
	verify(named("cr8-lowered"), count[LOW], 1);
	set_cr8(0);
	forget();
	eoi_later = true;
	send(id, HIGH);
	let();
	send(id, LOW);
	let();
	verify(named("in-service-holds"), count[LOW], 0);
	verify(named("isr"), bit_of(LAPIC_ISR, HIGH), 1);
	verify(named("ppr"), get(0xa0), 0x90);
	send(id, HIGH);
	let();
	verify(named("same-vector-waits"), count[HIGH], 1);
	eoi_later = false;
	put_reg(LAPIC_EOI, 0);
	let();
	verify(named("eoi-lets-both"), count[HIGH] << 4 | count[LOW], 0x21);
}

/* --- timer ------------------------------------------------------------------------------------ */

static bool comes(unsigned v, uint32_t n)
{
	bool ok;

	sti();
	ok = wait_for(&count[v], n);
	cli();
	return ok;
}

static void timer(void)
{
	forget();
	put_reg(LAPIC_TIMER_DIV, 0xb);
	put_reg(LAPIC_LVT_TIMER, LOW);
	put_reg(LAPIC_TIMER_INIT, 100000);
	check_true(named("one-shot"), comes(LOW, 1));
	check(named("one-shot-ended"), get(LAPIC_TIMER_NOW), 0);
	let();
	check(named("one-shot-once"), count[LOW], 1);
	put_reg(LAPIC_LVT_TIMER, 0x20000 | LOW);
	put_reg(LAPIC_TIMER_INIT, 200000);
	check_true(named("periodic"), comes(LOW, 5));
	put_reg(LAPIC_TIMER_INIT, 0);
	let();
	forget();
	put_reg(LAPIC_LVT_TIMER, 0x10000 | LOW);
	put_reg(LAPIC_TIMER_INIT, 1000);
	let();
	check(named("timer-masked"), count[LOW], 0);
	if (!(cpuid(1, 0).c >> 24 & 1)) {
		skip(named("deadline"), "the CPU has none");
		return;
	}
	put_reg(LAPIC_LVT_TIMER, 0x40000 | LOW);
	check(named("deadline-unarmed"), rdmsr(MSR_DEADLINE), 0);
	wrmsr(MSR_DEADLINE, rdtsc() + 100000);
	check_true(named("deadline"), comes(LOW, 1));
	check(named("deadline-over"), rdmsr(MSR_DEADLINE), 0);
	wrmsr(MSR_DEADLINE, 1);
	check_true(named("deadline-past"), comes(LOW, 2));
	wrmsr(MSR_DEADLINE, ~0ull >> 1);
	wrmsr(MSR_DEADLINE, 0);
	let();
	check(named("deadline-disarmed"), count[LOW], 2);
	put_reg(LAPIC_LVT_TIMER, 0x10000);
}

static void facts(void)
{
	check(named("version"), get(0x30) & 0xf0, 0x10);
	check_true(named("lvt-entries"), (get(0x30) >> 16 & 0xff) >= 4);
	check(named("id"), get(LAPIC_ID), 0);
	check(named("spurious-register"), get(LAPIC_SVR) & 0x1ff, 0x1ff);
}

static void x2apic(void)
{
	if (!(cpuid(1, 0).c >> 21 & 1)) {
		skip("x2apic", "the CPU has none");
		return;
	}
	TRAPS("x2-msr-without", GP, 0, rdmsr(0x802));
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 0x400);
	x2 = true;
	facts();
	check("x2-logical-id", get(0xd0), 1);
	to_itself();
	priorities();
	timer();
	TRAPS("x2-no-such-register", GP, 0, rdmsr(0x801));
	TRAPS("x2-no-icr2", GP, 0, rdmsr(0x831));
	TRAPS("x2-eoi-not-0", GP, 0, wrmsr(0x80b, 1));
	TRAPS("x2-id-is-read-only", GP, 0, wrmsr(0x802, 1));
	TRAPS("x2-back-to-xapic", GP, 0, wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) & ~0x400ull));
}

void guest(uint32_t magic, uintptr_t info)
{
	trap_init();
	trap_hook_set(LOW, on_irq);
	trap_hook_set(HIGH, on_irq);
	pic_mask_all();
	lapic_enable();
	facts();
	to_itself();
	priorities();
	timer();
	x2apic();
}
