// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * 4-level paging: the error code of each kind of fault and CR2, large pages of both sizes, A and D,
 * WP, NX, SMEP, SMAP, global pages, INVLPG, accesses over the border of two pages.  SDM 3A, 4.5 to
 * 4.10.
 */
#include "kit/trap.h"

enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40, PS = 0x80, G = 0x100 };
#define NX (1ull << 63)
#define ENTRY(table, i) (*(volatile uint64_t *)&(table)[i])

/* Where tests map things: a level 4 entry of their own. */
#define AT 0x10000000000ull
#define HUGE_AT (AT + (1ull << 30))
#define LARGE_AT (AT + (2ull << 20))

static uint64_t pdpt[512] __attribute__((aligned(4096)));
static uint64_t pd[512] __attribute__((aligned(4096)));
static uint64_t pt[512] __attribute__((aligned(4096)));
static uint8_t pages[4][4096] __attribute__((aligned(4096)));
static uint8_t code_page[4096] __attribute__((aligned(4096)));

const struct gap kvm_gaps[] = {
	{"smap-stac", "the emulator has no STAC"},
	{"smap-clac", "the emulator has no STAC"},
	{"border-nothing-written", "the emulator writes the first page before it faults"},
	{"border-add-nothing", "the emulator writes the first page before it faults"},
	{"border-ro-nothing", "the emulator writes the first page before it faults"},
	{NULL, NULL},
};

static uint64_t *root(void)
{
	return (uint64_t *)get_cr3();
}

static void flush(void)
{
	set_cr3(get_cr3());
}

static void map(unsigned n, void *page, uint64_t bits)
{
	ENTRY(pt, n) = (uintptr_t)page | bits;
	invlpg(AT + 4096ull * n);
}

static uintptr_t at(unsigned n)
{
	return AT + 4096ull * n;
}

static void tables(void)
{
	ENTRY(pd, 0) = (uintptr_t)pt | P | W | U;
	ENTRY(pdpt, 0) = (uintptr_t)pd | P | W | U;
	ENTRY(root(), AT >> 39) = (uintptr_t)pdpt | P | W | U;
	flush();
}

/* --- user accesses ---------------------------------------------------------------------------- */

/* At ring 3 (the guest's own pages are opened to it): one access at rdi, then UD2. */
extern const uint8_t user_read[], user_write[], user_run[];
__asm__(".text; "
	"user_read: movb (%rdi), %al; ud2; user_write: movb %al, (%rdi); ud2; user_run: jmp *%rdi");

static uintptr_t user_target;

static void user(const uint8_t *code)
{
	ASM("mov %0, %%rdi; mov $0x202, %%edx; push $0x3b; push $trap_user_stack + 0x4000; push $2;"
	    "push $0x43; push %1; iretq"
	    :
	    : "r"(user_target), "r"(code)
	    : "rdi", "rdx", "memory");
}

/* The whole image lies in the first 2 MiB. */
static void open_image(bool open)
{
	uint64_t *down = (uint64_t *)(ENTRY(root(), 0) & ~0xfffull);
	uint64_t *next = (uint64_t *)(ENTRY(down, 0) & ~0xfffull);

	if (open) {
		ENTRY(root(), 0) |= U;
		ENTRY(down, 0) |= U;
		ENTRY(next, 0) |= U;
	} else {
		ENTRY(next, 0) &= ~(uint64_t)U;
	}
	flush();
}

#define USER(name, vector, error, code, to)             \
	do {                                            \
		user_target = to;                       \
		TRAPS(name, vector, error, user(code)); \
	} while (0)

static void user_faults(void)
{
	open_image(true);
	map(0, pages[0], P | W | U);
	map(1, pages[1], P | W);
	map(2, pages[2], P | U);
	map(3, pages[3], 0);
	USER("user-reads", UD, 0, user_read, at(0));
	USER("user-writes", UD, 0, user_write, at(0));
	USER("user-reads-kernel", PF, P | U, user_read, at(1));
	USER("user-writes-kernel", PF, P | U | W, user_write, at(1));
	USER("user-writes-read-only", PF, P | U | W, user_write, at(2));
	USER("user-reads-nothing", PF, U, user_read, at(3));
	USER("user-writes-nothing", PF, U | W, user_write, at(3));
	USER("user-runs-nothing", PF, U, user_run, at(3));
	verify("user-runs-cr2", trap.cr2, at(3));
	ENTRY(pd, 0) &= ~(uint64_t)U;
	flush();
	USER("user-above-forbids", PF, P | U, user_read, at(0));
	ENTRY(pd, 0) |= U;
	ENTRY(pdpt, 0) &= ~(uint64_t)W;
	flush();
	USER("write-above-forbids", PF, P | U | W, user_write, at(0));
	ENTRY(pdpt, 0) |= W;
	flush();
	open_image(false);
}

/* --- kernel accesses -------------------------------------------------------------------------- */

static void kernel_faults(void)
{
	map(0, pages[0], P | W);
	map(1, pages[1], P);
	map(2, pages[2], 0);
	TRAPS("reads", NONE, 0, read8(at(0)));
	TRAPS("writes", NONE, 0, write8(at(0), 1));
	TRAPS("reads-nothing", PF, 0, read8(at(2) + 0x123));
	verify("reads-nothing-cr2", trap.cr2, at(2) + 0x123);
	TRAPS("writes-nothing", PF, W, write8(at(2), 1));
	TRAPS("no-wp-writes", NONE, 0, write8(at(1), 0x77));
	set_cr0(get_cr0() | CR0_WP);
	TRAPS("wp-forbids", PF, P | W, write8(at(1), 0x78));
	verify("wp-unchanged", pages[1][0], 0x77);
	TRAPS("wp-reads", NONE, 0, read8(at(1)));
	set_cr0(get_cr0() & ~(uintptr_t)CR0_WP);
	TRAPS("no-wp-again", NONE, 0, write8(at(1), 0x79));
	ENTRY(pt, 2) = (uintptr_t)pages[2] | P | W; /* became present: no flush is needed */
	TRAPS("present-now", NONE, 0, read8(at(2)));
}

static void reserved(void)
{
	map(0, pages[0], P | W | 1ull << 51);
	TRAPS("rsvd-pte", PF, P | 8, read8(at(0)));
	TRAPS("rsvd-pte-write", PF, P | W | 8, write8(at(0), 0));
	map(0, pages[0], 1ull << 51);
	TRAPS("rsvd-not-present", PF, 0, read8(at(0)));
	map(0, pages[0], P | W);
	ENTRY(pd, 1) = P | W | PS | 1u << 13;
	flush();
	TRAPS("rsvd-2m", PF, P | 8, read8(LARGE_AT));
	ENTRY(pdpt, 1) = P | W | PS | 1u << 20;
	flush();
	TRAPS("rsvd-1g", PF, P | 8, read8(HUGE_AT));
	ENTRY(pdpt, 1) = 0;
	ENTRY(pd, 1) = 0;
	ENTRY(root(), AT >> 39) |= PS;
	flush();
	TRAPS("rsvd-level-4-ps", PF, P | 8, read8(at(0)));
	ENTRY(root(), AT >> 39) &= ~(uint64_t)PS;
	flush();
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~0x800ull);
	map(0, pages[0], P | W | NX);
	TRAPS("rsvd-nx-off", PF, P | 8, read8(at(0)));
	map(0, pages[0], P | W);
}

static void large(void)
{
	bool huge = cpuid(0x80000001, 0).d >> 26 & 1;

	write32((uintptr_t)pages[0], 0x1234);
	ENTRY(pd, 1) = P | W | PS;
	TRAPS("2m", NONE, 0, check("2m-reads", read32(LARGE_AT + (uintptr_t)pages[0]), 0x1234));
	verify("2m-accessed", ENTRY(pd, 1) & (A | D), A);
	TRAPS("2m-write", NONE, 0, write32(LARGE_AT + (uintptr_t)pages[0] + 4, 5));
	verify("2m-dirty", ENTRY(pd, 1) & (A | D), A | D);
	verify("2m-written", read32((uintptr_t)pages[0] + 4), 5);
	if (!huge) {
		skip("1g", "the CPU has no pages of 1 GiB");
		return;
	}
	ENTRY(pdpt, 1) = P | W | PS;
	TRAPS("1g", NONE, 0, check("1g-reads", read32(HUGE_AT + (uintptr_t)pages[0]), 0x1234));
	verify("1g-accessed", ENTRY(pdpt, 1) & (A | D), A);
	TRAPS("1g-write", NONE, 0, write32(HUGE_AT + (uintptr_t)pages[0] + 4, 6));
	verify("1g-dirty", ENTRY(pdpt, 1) & (A | D), A | D);
	ENTRY(pdpt, 1) = 0;
	invlpg(HUGE_AT + (uintptr_t)pages[0]);
	TRAPS("1g-gone", PF, 0, read32(HUGE_AT + (uintptr_t)pages[0]));
	ENTRY(pd, 1) = 0;
	invlpg(LARGE_AT);
	TRAPS("2m-gone", PF, 0, read32(LARGE_AT + (uintptr_t)pages[0]));
}

static void accessed(void)
{
	ENTRY(pd, 0) &= ~(uint64_t)A;
	ENTRY(pdpt, 0) &= ~(uint64_t)A;
	flush();
	map(0, pages[0], P | W);
	verify("a-not-yet", ENTRY(pt, 0) & (A | D), 0);
	read8(at(0));
	verify("a-by-read", ENTRY(pt, 0) & (A | D), A);
	verify("a-above", (ENTRY(pd, 0) & A) && (ENTRY(pdpt, 0) & A), 1);
	write8(at(0), 1);
	verify("d-by-write", ENTRY(pt, 0) & (A | D), A | D);
	map(1, pages[1], P);
	set_cr0(get_cr0() | CR0_WP);
	TRY(write8(at(1), 1));
	verify("d-not-by-fault", ENTRY(pt, 1) & D, 0);
	set_cr0(get_cr0() & ~(uintptr_t)CR0_WP);
	map(1, code_page, P | W);
	code_page[0] = 0xc3;
	ASM("call *%0" : : "r"(at(1)) : "memory");
	verify("a-by-fetch", ENTRY(pt, 1) & (A | D), A);
}

/* --- rights by EFER and CR4 ------------------------------------------------------------------- */

static void no_execute(void)
{
	code_page[0] = 0xc3;
	if (!(cpuid(0x80000001, 0).d >> 20 & 1)) {
		skip("nx", "the CPU has none");
		return;
	}
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 0x800);
	map(0, code_page, P | W | NX);
	TRAPS("nx-forbids", PF, P | 0x10, ASM("call *%0" : : "r"(at(0)) : "memory"));
	TRAPS("nx-reads", NONE, 0, read8(at(0)));
	map(0, code_page, P | W);
	TRAPS("nx-clear-runs", NONE, 0, ASM("call *%0" : : "r"(at(0)) : "memory"));
	map(0, code_page, 0);
	TRAPS("nx-on-fetch-of-nothing", PF, 0x10, ASM("call *%0" : : "r"(at(0)) : "memory"));
	map(0, code_page, P | W);
	ENTRY(pd, 0) |= NX;
	flush();
	TRAPS("nx-above-forbids", PF, P | 0x10, ASM("call *%0" : : "r"(at(0)) : "memory"));
	ENTRY(pd, 0) &= ~NX;
	flush();
}

static void smep(void)
{
	if (!(cpuid(7, 0).b >> 7 & 1)) {
		skip("smep", "the CPU has none");
		return;
	}
	map(0, code_page, P | W | U);
	TRAPS("smep-off", NONE, 0, ASM("call *%0" : : "r"(at(0)) : "memory"));
	set_cr4(get_cr4() | CR4_SMEP);
	TRAPS("smep-forbids", PF, P | 0x10, ASM("call *%0" : : "r"(at(0)) : "memory"));
	TRAPS("smep-reads", NONE, 0, read8(at(0)));
	map(0, code_page, P | W);
	TRAPS("smep-kernel-page", NONE, 0, ASM("call *%0" : : "r"(at(0)) : "memory"));
	set_cr4(get_cr4() & ~(uintptr_t)CR4_SMEP);
}

static void smap(void)
{
	if (!(cpuid(7, 0).b >> 20 & 1)) {
		skip("smap", "the CPU has none");
		return;
	}
	map(0, pages[0], P | W | U);
	set_cr4(get_cr4() | CR4_SMAP);
	TRAPS("smap-read", PF, P, read8(at(0)));
	TRAPS("smap-write", PF, P | W, write8(at(0), 1));
	TRAPS("smap-stac", NONE, 0, ASM("stac"); read8(at(0)); write8(at(0), 2); ASM("clac"));
	TRAPS("smap-clac", PF, P, ASM("stac"); read8(at(0)); ASM("clac"); read8(at(0)));
	TRAPS("smap-popf", NONE, 0, set_flags(FL_AC | 2); read8(at(0)); set_flags(2));
	set_cr4(get_cr4() & ~(uintptr_t)CR4_SMAP);
	TRAPS("smap-off", NONE, 0, read8(at(0)));
}

/* --- TLB -------------------------------------------------------------------------------------- */

static void remapping(void)
{
	pages[0][0] = 10;
	pages[1][0] = 11;
	map(0, pages[0], P | W);
	check("tlb-first", read8(at(0)), 10);
	map(0, pages[1], P | W);
	check("invlpg", read8(at(0)), 11);
	ENTRY(pt, 0) = (uintptr_t)pages[0] | P | W;
	flush();
	check("cr3-flushes", read8(at(0)), 10);
	set_cr4(get_cr4() | CR4_PGE);
	map(0, pages[0], P | W | G);
	check("global-first", read8(at(0)), 10);
	ENTRY(pt, 0) = (uintptr_t)pages[1] | P | W | G;
	invlpg(at(0));
	check("global-invlpg", read8(at(0)), 11);
	ENTRY(pt, 0) = (uintptr_t)pages[0] | P | W | G;
	set_cr4(get_cr4() & ~(uintptr_t)CR4_PGE);
	check("global-pge-off", read8(at(0)), 10);
	map(0, pages[0], P | W);
	map(1, pages[0], P | W);
	write8(at(0) + 7, 0x5a);
	check("alias", read8(at(1) + 7), 0x5a);
}

static void upgrade(void)
{
	set_cr0(get_cr0() | CR0_WP);
	map(0, pages[0], P);
	read8(at(0));
	ENTRY(pt, 0) |= W; /* more rights: at most one fault, then it has to go */
	TRY(write8(at(0), 3));
	TRAPS("more-rights", NONE, 0, write8(at(0), 4));
	check("more-rights-written", pages[0][0], 4);
	set_cr0(get_cr0() & ~(uintptr_t)CR0_WP);
}

/* --- over the border -------------------------------------------------------------------------- */

static void borders(void)
{
	memset(pages[0], 0x11, 4096);
	memset(pages[1], 0x22, 4096);
	map(0, pages[0], P | W);
	map(1, pages[2], 0);
	TRAPS("border-read", PF, 0, read64(at(1) - 3));
	verify("border-read-cr2", trap.cr2, at(1));
	TRAPS("border-write", PF, W, write64(at(1) - 3, 0x8877665544332211));
	verify("border-write-cr2", trap.cr2, at(1));
	verify("border-nothing-written", read32((uintptr_t)pages[0] + 4092), 0x11111111);
	TRAPS("border-add", PF, W, ASM("addq $1, (%0)" : : "r"(at(1) - 3) : "memory"));
	verify("border-add-nothing", read32((uintptr_t)pages[0] + 4092), 0x11111111);
	map(1, pages[1], P);
	set_cr0(get_cr0() | CR0_WP);
	TRAPS("border-write-read-only", PF, P | W, write32(at(1) - 1, 0));
	verify("border-ro-nothing", pages[0][4095], 0x11);
	set_cr0(get_cr0() & ~(uintptr_t)CR0_WP);
	memset(pages[0], 0x11, 4096);
	memset(pages[1], 0x22, 4096);
	check("border-reads", read32(at(1) - 2), 0x22221111);
	map(0, pages[3], 0);
	map(1, pages[1], P | W);
	TRAPS("border-first-faults", PF, W, write32(at(1) - 2, 0));
	verify("border-first-cr2", trap.cr2, at(1) - 2);
	verify("border-second-unchanged", pages[1][0], 0x22);
}

static void code_border(void)
{
	map(0, code_page, P | W);
	map(1, pages[1], 0);
	code_page[4095] = 0xb8; /* mov $imm32, %eax */
	TRAPS("border-fetch", PF, rdmsr(MSR_EFER) & 0x800 ? 0x10 : 0,
	      ASM("jmp *%0"
		  :
		  : "r"(at(1) - 1)));
	verify("border-fetch-cr2", trap.cr2, at(1));
	verify("border-fetch-rip", trap.frame.ip, at(1) - 1);
	code_page[4095] = 0xc3;
	TRAPS("border-last-byte", NONE, 0, ASM("call *%0" : : "r"(at(1) - 1) : "memory"));
}

void guest(uint32_t magic, uintptr_t info)
{
	trap_init();
	tables();
	kernel_faults();
	user_faults();
	reserved();
	large();
	accessed();
	no_execute();
	smep();
	smap();
	remapping();
	upgrade();
	borders();
	code_border();
}
