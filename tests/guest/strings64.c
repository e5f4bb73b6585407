// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * String instructions: over the border of two pages of which one is missing (what the registers
 * then say, and going on from there), overlaps, both directions, widths of addresses, count 0,
 * interrupts on the way.  SDM 1, 7.3.9; SDM 2B, REP.
 */
#include "kit/irq.h"
#include "kit/trap.h"

enum { P = 1, W = 2, PAGE = 4096, BIG = 0x40000 };

#define AT 0x10000000000ull
#define LOW_AT 0x20000000ull /* below 4 GiB */
#define FROM (AT + PAGE)     /* pages 1 and 2: the source */
#define TO (AT + 5 * PAGE)   /* pages 5 and 6: the destination */

static uint64_t pdpt[512] __attribute__((aligned(4096)));
static uint64_t pd[512] __attribute__((aligned(4096)));
static uint64_t pt[512] __attribute__((aligned(4096)));
static uint8_t ram[8][PAGE] __attribute__((aligned(4096)));
static uint8_t big[2 * BIG];

const struct gap kvm_gaps[] = {
	{NULL, NULL},
};

struct regs {
	uint64_t cx, si, di, ax, flags;
};
static struct regs r;

static void map(unsigned n, bool present)
{
	*(volatile uint64_t *)&pt[n] = present ? (uintptr_t)ram[n] | P | W : 0;
	invlpg(AT + (uint64_t)PAGE * n);
}

static void fresh(void)
{
	for (unsigned n = 0; n < 8; n++) {
		map(n, n == 1 || n == 2 || n == 5 || n == 6);
		for (unsigned i = 0; i < PAGE; i++)
			ram[n][i] = (uint8_t)(n < 4 ? i * 7 + n : 0xcc);
	}
}

static void tables(void)
{
	uint64_t *root = (uint64_t *)get_cr3();

	pd[0] = (uintptr_t)pt | P | W;
	pdpt[0] = (uintptr_t)pd | P | W;
	root[AT >> 39] = (uintptr_t)pdpt | P | W;
	fresh();
	set_cr3(get_cr3());
}

static void set(uint64_t cx, uint64_t si, uint64_t di, uint64_t ax)
{
	r = (struct regs){cx, si, di, ax, 0};
}

#define STRING(text)                                                        \
	ASM(text "; pushfq; pop %4; cld"                                    \
	    : "+c"(r.cx), "+S"(r.si), "+D"(r.di), "+a"(r.ax), "=m"(r.flags) \
	    :                                                               \
	    : "memory", "cc")

/* One that is to stop at the border with its registers as they should be there. */
static void stopped(const char *name, unsigned error, uint64_t cr2, uint64_t cx, uint64_t si,
		    uint64_t di)
{
	uint64_t wrong = trap.vector != PF || trap.error != error;

	if (gap(name))
		return;
	wrong |= (uint64_t)(trap.cr2 != cr2) << 1 | (uint64_t)(trap.frame.cx != cx) << 2 |
		 (uint64_t)(trap.frame.si != si) << 3 | (uint64_t)(trap.frame.di != di) << 4;
	check(name, wrong, 0);
}

#define STOPS(name, text, error, cr2, cx, si, di)      \
	do {                                           \
		TRY(STRING(text));                     \
		stopped(name, error, cr2, cx, si, di); \
	} while (0)

static void missing_pages(void)
{
	fresh();
	map(6, false);
	set(100, FROM, TO + PAGE - 10, 0);
	STOPS("movsb-to", "rep movsb", W, TO + PAGE, 90, FROM + 10, TO + PAGE);
	check("movsb-to-done", (uint64_t)memcmp(ram[1], ram[5] + PAGE - 10, 10), 0);
	fresh();
	map(2, false);
	set(100, FROM + PAGE - 12, TO, 0);
	STOPS("movsl-from", "rep movsl", 0, FROM + PAGE, 97, FROM + PAGE, TO + 12);
	check("movsl-from-no-more", read32((uintptr_t)ram[5] + 12), 0xcccccccc);
	set(100, FROM + PAGE - 14, TO, 0);
	STOPS("movsq-over-border", "rep movsq", 0, FROM + PAGE, 99, FROM + PAGE - 6, TO + 8);
	set(100, FROM + 100, TO, 0);
	map(4, false);
	STOPS("movsb-down-to", "std; rep movsb; cld", W, TO - 1, 99, FROM + 99, TO - 1);
	fresh();
	map(6, false);
	set(1000, 0, TO + PAGE - 64, 0x1122334455667788);
	STOPS("stosq", "rep stosq", W, TO + PAGE, 992, 0, TO + PAGE);
	check("stosq-done", read64((uintptr_t)ram[5] + PAGE - 8), 0x1122334455667788);
	set(1000, 0, TO + PAGE - 4, 0x1122334455667788);
	STOPS("stosq-over-border", "rep stosq", W, TO + PAGE, 1000, 0, TO + PAGE - 4);
	set(50, 0, TO + PAGE - 8, 0xcc);
	memset(ram[5], 0xcc, PAGE);
	STOPS("repe-scasb", "repe scasb", 0, TO + PAGE, 42, 0, TO + PAGE);
	memcpy(ram[1], ram[5], PAGE);
	set(50, FROM + PAGE - 8, TO + PAGE - 8, 0);
	STOPS("repe-cmpsw", "repe cmpsw", 0, TO + PAGE, 46, FROM + PAGE, TO + PAGE);
	map(2, false);
	set(50, FROM + PAGE - 8, 0, 0);
	STOPS("rep-lodsl", "rep lodsl", 0, FROM + PAGE, 48, FROM + PAGE, 0);
}

static bool bring_in(struct trap_frame *f)
{
	uintptr_t cr2;

	ASM("mov %%cr2, %0" : "=r"(cr2));
	if (cr2 < AT || cr2 >= AT + 8 * PAGE)
		return false;
	map((unsigned)((cr2 - AT) / PAGE), true);
	return true;
}

static void going_on(void)
{
	trap_hook_set(PF, bring_in);
	fresh();
	map(2, false);
	map(5, false);
	map(6, false);
	set(5000, FROM, TO + 3, 0);
	STRING("rep movsb");
	check("goes-on", (uint64_t)memcmp(ram[1], ram[5] + 3, 5000), 0);
	check("goes-on-count", r.cx, 0);
	check("goes-on-rsi", r.si, FROM + 5000);
	fresh();
	map(1, false);
	map(2, false);
	map(5, false);
	set(1000, FROM + 8000 - 8, TO + 7995 - 8, 0);
	STRING("std; rep movsq; cld");
	check("goes-on-down", (uint64_t)memcmp(ram[1], ram[5] - 5, 8000), 0);
	check("goes-on-down-rdi", r.di, TO - 5 - 8);
	fresh();
	map(6, false);
	set(3, 0, TO + PAGE - 3, 0x0807060504030201);
	STRING("rep stosq");
	check("element-over-border", read64((uintptr_t)ram[6] - 3), 0x0807060504030201);
	fresh();
	map(6, false);
	memset(ram[5], 0x55, 2 * PAGE);
	ram[6][77] = 1;
	set(5000, 0, TO + 10, 0x55);
	STRING("repe scasb");
	check("scas-finds", r.di, TO + PAGE + 78);
	check("scas-flags", r.flags & (FL_ZF | FL_CF), 0);
	trap_hook_set(PF, NULL);
}

/* --- without faults --------------------------------------------------------------------------- */

static void none(void)
{
	set(0, 1, 2, 3);
	TRAPS("count-0-movs", NONE, 0, STRING("rep movsq"));
	check("count-0-registers", r.si == 1 && r.di == 2 && !r.cx, 1);
	TRAPS("count-0-stos", NONE, 0, STRING("rep stosb"));
	ASM("xorl %%eax, %%eax; cmpl $1, %%eax" : : : "eax", "cc");
	set(0, 1, 2, 3);
	STRING("xor %%edx, %%edx; repe cmpsb");
	check("count-0-flags", r.flags & FL_ZF, FL_ZF);
	set(0x500000000, 0, LOW_AT, 0x77);
	TRAPS("count-0-ecx", NONE, 0, STRING("addr32 rep stosb"));
}

static void overlaps(void)
{
	fresh();
	ram[1][0] = 1;
	ram[1][1] = 2;
	ram[1][2] = 3;
	set(100, FROM, FROM + 3, 0);
	STRING("rep movsb");
	check("overlap-repeats", ram[1][100] | ram[1][101] << 8 | ram[1][102] << 16, 0x010302);
	fresh();
	write64((uintptr_t)ram[1], 0x1111111122222222);
	set(20, FROM, FROM + 4, 0);
	STRING("rep movsq");
	check("overlap-wide", read64((uintptr_t)ram[1] + 16), 0x6a635c556a635c55);
	fresh();
	set(4000, FROM + 4000 - 1, FROM + 4010 - 1, 0);
	STRING("std; rep movsb; cld");
	check("overlap-down", ram[1][10] == 1 && ram[1][4009] == (uint8_t)(3999 * 7 + 1), 1);
	fresh();
	set(4000, FROM + 10, FROM, 0);
	STRING("rep movsb");
	check("overlap-up", ram[1][0] == (uint8_t)(71) && ram[1][3999] == (uint8_t)(4009 * 7 + 1),
	      1);
	fresh();
	set(7, FROM, FROM, 0);
	STRING("rep movsw");
	check("onto-itself", ram[1][13], (uint8_t)(13 * 7 + 1));
}

static void widths(void)
{
	uint8_t *low = big;

	memset(low, 0, 64);
	set(0x100000003, 0, 0xabcd00000000 | (uintptr_t)low, 0x1234);
	STRING("addr32 rep stosw");
	check("addr32-stored", read64((uintptr_t)low), 0x123412341234);
	check("addr32-rdi", r.di, (uintptr_t)low + 6);
	check("addr32-rcx", r.cx, 0);
	set(5, (uintptr_t)low, (uintptr_t)low + 32, 0);
	STRING("addr32 rep movsb");
	check("addr32-moved", read64((uintptr_t)low + 32), 0x3412341234);
	set(2, (uintptr_t)low, 0, ~0ull);
	STRING("rep lodsl");
	check("lods-zero-extends", r.ax, 0x1234);
	set(1, (uintptr_t)low, 0, ~0ull);
	STRING("lodsb");
	check("lods-byte-merges", r.ax, 0xffffffffffffff34);
	set(10, 0, (uintptr_t)low, 0);
	STRING("repne scasb");
	check("scas-place", r.di, (uintptr_t)low + 7);
	check("scas-zero", r.flags & FL_ZF, FL_ZF);
	set(10, (uintptr_t)low, (uintptr_t)low + 32, 0);
	STRING("repe cmpsb");
	check("cmps-place", r.si, (uintptr_t)low + 6);
	check("cmps-carry", r.flags & (FL_ZF | FL_CF), 0);
}

/* --- interrupts on the way -------------------------------------------------------------------- */

static volatile uint32_t irqs, wrong;

static bool on_timer(struct trap_frame *f)
{
	irqs++;
	if (f->si >= (uintptr_t)big && f->si < (uintptr_t)big + BIG && f->cx <= BIG &&
	    f->si - (uintptr_t)big != BIG - f->cx)
		wrong++;
	lapic_eoi();
	return true;
}

static void interrupted(void)
{
	trap_hook_set(0x60, on_timer);
	for (unsigned i = 0; i < BIG; i++)
		big[i] = (uint8_t)(i * 13);
	lapic_write(LAPIC_TIMER_DIV, 0xb);
	lapic_write(LAPIC_LVT_TIMER, 0x20060);
	lapic_write(LAPIC_TIMER_INIT, 300000);
	for (unsigned i = 0; i < 20000000 && irqs < 3; i++) {
		memset(big + BIG, 0, 64);
		set(BIG, (uintptr_t)big, (uintptr_t)big + BIG, 0);
		STRING("sti; rep movsb; cli");
	}
	lapic_write(LAPIC_TIMER_INIT, 0);
	check_true("interrupts-came", irqs >= 3);
	check("interrupted-registers", wrong, 0);
	check("interrupted-copy", (uint64_t)memcmp(big, big + BIG, BIG), 0);
	check("interrupted-count", r.cx, 0);
}

void guest(uint32_t magic, uintptr_t info)
{
	trap_init();
	pic_mask_all();
	lapic_enable();
	tables();
	missing_pages();
	going_on();
	none();
	overlaps();
	widths();
	interrupted();
}
