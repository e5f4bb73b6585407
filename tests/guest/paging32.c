// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Paging of protected mode: 32-bit tables with pages of 4 KiB and 4 MiB, PAE tables with 4 KiB and
 * 2 MiB; error codes, CR2, A and D, reserved bits, what CR0 and CR4 allow.  SDM 3A, 4.3 and 4.4.
 */
#include "kit/trap.h"

enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40, PS = 0x80, PAGE = 4096 };
#define AT 0x40000000u
#define LARGE_AT 0x80000000u

static uint32_t pd32[1024] __attribute__((aligned(4096)));
static uint32_t pt32[1024] __attribute__((aligned(4096)));
static uint64_t pdpt[4] __attribute__((aligned(4096)));
static uint64_t pd[4][512] __attribute__((aligned(4096)));
static uint64_t pt[512] __attribute__((aligned(4096)));
static uint8_t pages[2][PAGE] __attribute__((aligned(4096)));
static uint8_t code_page[PAGE] __attribute__((aligned(4096)));

#define NO_PAGING "this host has paging in long mode alone"

const struct gap kvm_gaps[] = {

	{"32-bit-tables", NO_PAGING},
	{"pae-tables", NO_PAGING},
	{NULL, NULL},
};

static bool pae;

static void put_entry(unsigned n, uintptr_t page, uint64_t bits)
{
	if (pae)
		*(volatile uint64_t *)&pt[n] = page | bits;
	else
		*(volatile uint32_t *)&pt32[n] = page | (uint32_t)bits;
	invlpg(AT + PAGE * n);
}

static uint32_t entry(unsigned n)
{
	return pae ? (uint32_t) * (volatile uint64_t *)&pt[n] : *(volatile uint32_t *)&pt32[n];
}

static void put_large(uint64_t bits)
{
	if (pae)
		*(volatile uint64_t *)&pd[LARGE_AT >> 30][0] = bits;
	else
		*(volatile uint32_t *)&pd32[LARGE_AT >> 22] = (uint32_t)bits;
	set_cr3(get_cr3());
}

static uint32_t large_entry(void)
{
	return pae ? (uint32_t)pd[LARGE_AT >> 30][0] : pd32[LARGE_AT >> 22];
}

static void tables(void)
{
	for (unsigned i = 0; i < 4; i++)
		pdpt[i] = (uintptr_t)pd[i] | P;
	for (unsigned i = 0; i < 512; i++) {
		pd[0][i] = (uint64_t)i << 21 | P | W | PS;
		pd[3][i] = (3ull << 30) | (uint64_t)i << 21 | P | W | PS;
	}
	for (unsigned i = 0; i < 1024; i++)
		pd32[i] = i << 22 | P | W | PS;
	pd[AT >> 30][0] = (uintptr_t)pt | P | W | U;
	pd32[AT >> 22] = (uintptr_t)pt32 | P | W | U;
	pd32[LARGE_AT >> 22] = 0;
}

/* A check's name with the kind of tables in front. */
static const char *named(const char *name)
{
	static char text[64];
	unsigned n = 0;

	for (const char *s = pae ? "pae-" : "32-"; *s; s++)
		text[n++] = *s;
	for (; *name && n < 63; name++)
		text[n++] = *name;
	text[n] = 0;
	return text;
}

#define FAULT(name, vector, error, code) TRAPS(named(name), vector, error, code)

static void small(void)
{
	put_entry(0, (uintptr_t)pages[0], P | W);
	put_entry(1, (uintptr_t)pages[1], P);
	put_entry(2, 0, 0);
	FAULT("reads", NONE, 0, read8(AT));
	verify(named("accessed"), entry(0) & (A | D), A);
	FAULT("writes", NONE, 0, write8(AT, 0x21));
	verify(named("dirty"), entry(0) & (A | D), A | D);
	verify(named("written"), pages[0][0], 0x21);
	FAULT("nothing", PF, 0, read8(AT + 2 * PAGE + 7));
	verify(named("nothing-cr2"), trap.cr2, AT + 2 * PAGE + 7);
	FAULT("nothing-written", PF, W, write8(AT + 2 * PAGE, 1));
	FAULT("no-wp", NONE, 0, write8(AT + PAGE, 1));
	set_cr0(get_cr0() | CR0_WP);
	FAULT("wp", PF, P | W, write8(AT + PAGE, 1));
	set_cr0(get_cr0() & ~CR0_WP);
	FAULT("border", PF, W, write32(AT + 2 * PAGE - 2, 1));
	verify(named("border-cr2"), trap.cr2, AT + 2 * PAGE);
	FAULT("fetch", PF, 0, ASM("jmp *%0" : : "r"(AT + 2 * PAGE + 9)));
	verify(named("fetch-eip"), trap.frame.ip, AT + 2 * PAGE + 9);
	code_page[0] = 0xc3;
	put_entry(3, (uintptr_t)code_page, P);
	FAULT("runs", NONE, 0, ASM("call *%0" : : "r"(AT + 3 * PAGE) : "memory"));
}

static void large(void)
{
	uintptr_t off = (uintptr_t)pages[0];

	put_large(P | W | PS);
	FAULT("large", NONE, 0, read8(LARGE_AT + off));
	verify(named("large-accessed"), large_entry() & (A | D), A);
	FAULT("large-write", NONE, 0, write8(LARGE_AT + off + 1, 0x31));
	verify(named("large-dirty"), large_entry() & (A | D), A | D);
	verify(named("large-written"), pages[0][1], 0x31);
	put_large(P | W | PS | (pae ? 1u << 13 : 1u << 21));
	FAULT("large-reserved", PF, P | 8, read8(LARGE_AT + off));
	put_large(P | PS);
	set_cr0(get_cr0() | CR0_WP);
	FAULT("large-wp", PF, P | W, write8(LARGE_AT + off, 0));
	set_cr0(get_cr0() & ~CR0_WP);
	put_large(0);
	FAULT("large-gone", PF, 0, read8(LARGE_AT + off));
}

static void with_32(void)
{
	pae = false;
	if (gap("32-bit-tables"))
		return;
	set_cr4(get_cr4() | CR4_PSE);
	set_cr3((uintptr_t)pd32);
	set_cr0(get_cr0() | CR0_PG);
	small();
	large();
	set_cr0(get_cr0() & ~CR0_PG);
}

static void with_pae(void)
{
	pae = true;
	if (gap("pae-tables"))
		return;
	set_cr4((get_cr4() & ~CR4_PSE) | CR4_PAE);
	set_cr3((uintptr_t)pdpt);
	set_cr0(get_cr0() | CR0_PG);
	small();
	large();
	put_entry(0, (uintptr_t)pages[0], P | W | 1ull << 60);
	FAULT("reserved", PF, P | 8, read8(AT));
	put_entry(0, (uintptr_t)pages[0], P | W | 1ull << 63);
	FAULT("nx-off", PF, P | 8, read8(AT));
	if (cpuid(0x80000001, 0).d >> 20 & 1) {
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 0x800);
		FAULT("nx-reads", NONE, 0, read8(AT));
		FAULT("nx", PF, P | 0x10, ASM("call *%0" : : "r"(AT) : "memory"));
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~0x800ull);
	} else {
		skip("pae-nx", "the CPU has none");
	}
	FAULT("cr4-pae-toggles", NONE, 0, set_cr0(get_cr0() & ~CR0_PG);
	      set_cr4(get_cr4() & ~CR4_PAE));
}

/* What enters long mode, and what must not. */
static void illegal(void)
{
	uintptr_t cr0 = get_cr0();

	TRAPS("pg-without-pe", GP, 0, set_cr0((cr0 | CR0_PG) & ~CR0_PE));
	TRAPS("nw-without-cd", GP, 0, set_cr0((cr0 | CR0_NW) & ~CR0_CD));
	set_cr3((uintptr_t)pd32);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 0x100);
	TRAPS("long-without-pae", GP, 0, set_cr0(cr0 | CR0_PG));
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~0x100ull);
	TRAPS("cr4-reserved", GP, 0, set_cr4(get_cr4() | 1u << 31));
	check("efer-lma-stays-off", rdmsr(MSR_EFER) >> 10 & 1, 0);
	check("cr0-as-before", get_cr0(), cr0);
}

void guest(uint32_t magic, uintptr_t info)
{
	trap_init();
	tables();
	illegal();
	with_32();
	with_pae();
}
