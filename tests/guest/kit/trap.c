// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the IDT, the GDT and the TSS of guests that test exceptions.  Entered from trap*.S.
 */
#include "kit/trap.h"

extern const uint8_t trap_entry[]; /* 16 bytes a vector */

volatile struct trap trap;
struct trap_gate trap_idt[256] __attribute__((aligned(16)));
uint64_t trap_gdt[GDT_ENTRIES] __attribute__((aligned(16)));
uint8_t trap_tss[0x68 + 0x2000 + 1] __attribute__((aligned(16)));
uint8_t trap_stack[0x4000] __attribute__((aligned(16)));
uint8_t trap_ist[0x2000] __attribute__((aligned(16)));
uint8_t trap_user_stack[0x4000] __attribute__((aligned(16)));

static trap_hook *hooks[256];
static volatile bool armed;

/* --- entries ---------------------------------------------------------------------------------- */

static void nobody_expects(const struct trap_frame *f)
{
	say("unexpected vector", f->vector);
	say("at", f->ip);
	say("error code", f->error);
	check("no-unexpected-vector", f->vector, 0xffff);
	guest_exit();
}

void trap_dispatch(struct trap_frame *f)
{
	uintptr_t cr2;

	if (hooks[f->vector] && hooks[f->vector](f))
		return;
	if (!armed)
		nobody_expects(f);
	armed = false;
	ASM("mov %%cr2, %0" : "=r"(cr2));
	trap.vector = (uint32_t)f->vector;
	trap.error = (uint32_t)f->error;
	trap.cr2 = cr2;
	trap.frame = *f;
	trap.frame_at = (uintptr_t)f;
	trap_back();
}

/* Called by trap_try(). */
void trap_arm(void);
void trap_arm(void)
{
	trap.vector = NONE;
	trap.error = 0;
	armed = true;
}

void trap_end(void)
{
	armed = false;
}

void trap_hook_set(unsigned vector, trap_hook *hook)
{
	hooks[vector] = hook;
}

/* --- tables ----------------------------------------------------------------------------------- */

struct table {
	uint16_t limit;
	uintptr_t base;
} __attribute__((packed));

void trap_idt_load(unsigned limit)
{
	struct table desc = {(uint16_t)limit, (uintptr_t)trap_idt};

	ASM("lidt %0" : : "m"(desc));
}

void trap_gdt_load(unsigned limit)
{
	struct table desc = {(uint16_t)limit, (uintptr_t)trap_gdt};

	ASM("lgdt %0" : : "m"(desc));
}

void trap_gate_set(unsigned vector, uintptr_t to, unsigned sel, unsigned type, unsigned ist)
{
	struct trap_gate *g = &trap_idt[vector];

	g->low = (uint16_t)to;
	g->mid = (uint16_t)(to >> 16);
#ifdef __x86_64__
	g->high = (uint32_t)(to >> 32);
#endif
	g->sel = (uint16_t)sel;
	g->type = (uint8_t)type;
	g->ist = (uint8_t)ist;
}

uint64_t descriptor(uint32_t base, uint32_t limit, unsigned flags)
{
	if (flags & 0x8000)
		limit >>= 12;
	return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)flags << 40 |
	       (uint64_t)(limit >> 16 & 15) << 48 | (uint64_t)(base >> 24) << 56;
}

void gdt_set(unsigned sel, uint64_t desc)
{
	((volatile uint64_t *)trap_gdt)[sel >> 3] = desc;
}

static void segments(void)
{
	const unsigned four_gib = 0xffffffff, user = 3 << 5;
	const unsigned c32 = 0xc09b, c64 = 0xa09b, data = 0xc093;

	gdt_set(SEL_CODE, descriptor(0, four_gib, sizeof(uintptr_t) == 8 ? c64 : c32));
	gdt_set(SEL_DATA, descriptor(0, four_gib, data));
	gdt_set(SEL_CODE32, descriptor(0, four_gib, c32));
	gdt_set(SEL_CODE16, descriptor(0, four_gib, 0x809b));
	gdt_set(SEL_DATA16, descriptor(0, 0xffff, 0x0093));
	gdt_set(SEL_UCODE32, descriptor(0, four_gib, c32 | user));
	gdt_set(SEL_UDATA, descriptor(0, four_gib, data | user));
	gdt_set(SEL_UCODE64, descriptor(0, four_gib, c64 | user));
	gdt_set(SEL_FAST, trap_gdt[SEL_CODE / 8]);
	gdt_set(SEL_FAST + 8, trap_gdt[SEL_DATA / 8]);
	gdt_set(SEL_FAST + 16, trap_gdt[SEL_UCODE32 / 8]);
	gdt_set(SEL_FAST + 24, trap_gdt[SEL_UDATA / 8]);
	gdt_set(SEL_FAST + 32, trap_gdt[SEL_UCODE64 / 8]);
	gdt_set(SEL_FAST + 40, trap_gdt[SEL_UDATA / 8]);
}

static void task_state(void)
{
	uintptr_t at = (uintptr_t)trap_tss, top = (uintptr_t)trap_stack + sizeof(trap_stack);

	memset(trap_tss + 0x68, 0xff, sizeof(trap_tss) - 0x68);
#ifdef __x86_64__
	write64(at + 4, top);
	write64(at + 0x24, (uintptr_t)trap_ist + sizeof(trap_ist));
#else
	write32(at + 4, top);
	write32(at + 8, SEL_DATA);
#endif
	write16(at + 0x66, 0x68);
	gdt_set(SEL_TSS, descriptor((uint32_t)at, sizeof(trap_tss) - 1, 0x89));
	gdt_set(SEL_TSS + 8, 0);
	ASM("ltr %w0" : : "r"(SEL_TSS));
}

void trap_init(void)
{
	for (unsigned i = 0; i < 256; i++)
		trap_gate_set(i, (uintptr_t)trap_entry + 16 * i, SEL_CODE,
			      i == BP || i == OF || i == BACK ? 0xee : 0x8e,
			      sizeof(uintptr_t) == 8 && i == DF);
	segments();
	trap_gdt_load(sizeof(trap_gdt) - 1);
	task_state();
	trap_idt_load(sizeof(trap_idt) - 1);
}

/* --- checks ----------------------------------------------------------------------------------- */

void check_trap(const char *name, unsigned vector, uint32_t error)
{
	check(name, (uint64_t)trap.vector << 32 | trap.error, (uint64_t)vector << 32 | error);
}

bool gap(const char *name)
{
	if (!arg_is("accel", "kvm"))
		return false;
	for (const struct gap *g = kvm_gaps; g->name; g++)
		if (same_text(g->name, name)) {
			skip(name, g->why);
			return true;
		}
	return false;
}

void verify(const char *name, uint64_t got, uint64_t want)
{
	if (!gap(name))
		check(name, got, want);
}
