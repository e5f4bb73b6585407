// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Code that changes: by every kind of store, from every place, through aliases, over borders of
 * pages, by remapping; and the same bytes run at other widths and from other first bytes.  SDM 3A,
 * 9.1.3 and 12.6.
 */
#include "kit/trap.h"

enum { P = 1, W = 2, PAGE = 4096 };

#define AT 0x10000000000ull

static uint64_t pdpt[512] __attribute__((aligned(4096)));
static uint64_t pd[512] __attribute__((aligned(4096)));
static uint64_t pt[512] __attribute__((aligned(4096)));
static uint8_t code[4][PAGE] __attribute__((aligned(4096)));

const struct gap kvm_gaps[] = {
	{NULL, NULL},
};

static void map(unsigned n, const uint8_t *page)
{
	*(volatile uint64_t *)&pt[n] = page ? (uintptr_t)page | P | W : 0;
	invlpg(AT + (uint64_t)PAGE * n);
}

static void tables(void)
{
	uint64_t *root = (uint64_t *)get_cr3();

	pd[0] = (uintptr_t)pt | P | W;
	pdpt[0] = (uintptr_t)pd | P | W;
	root[AT >> 39] = (uintptr_t)pdpt | P | W;
	set_cr3(get_cr3());
}

/* mov $v, %eax; ret */
static void returns(void *at, uint32_t v)
{
	write8((uintptr_t)at, 0xb8);
	write32((uintptr_t)at + 1, v);
	write8((uintptr_t)at + 5, 0xc3);
}

static uint32_t call(const void *at)
{
	uint32_t v;

	ASM("call *%1" : "=a"(v) : "r"(at) : "rcx", "rdx", "memory", "cc");
	return v;
}

static void serialize(void)
{
	cpuid(0, 0);
}

/* --- into itself ------------------------------------------------------------------------------ */

static void next_instruction(void)
{
	uint32_t v, n, sum;

	ASM("movl $2, 1f + 1(%%rip); 1: movl $1, %%eax" : "=a"(v) : : "memory");
	check("next-instruction", v, 2);
	ASM("movb $3, 1f + 1(%%rip); 1: movl $1, %%eax" : "=a"(v) : : "memory");
	check("next-instruction-byte", v, 3);
	ASM("lea 1f(%%rip), %%rdi; mov $0x90, %%al; mov $5, %%ecx; xorl %%edx, %%edx; rep stosb;"
	    "1: movl $1, %%edx"
	    : "=d"(v)
	    :
	    : "rdi", "rcx", "rax", "memory");
	check("rep-stos-over-next", v, 0);
	ASM("mov $10, %1; xorl %2, %2; 1: mov $1, %0; add %0, %2; incl 1b + 1(%%rip); dec %1; jnz 1b"
	    : "=&r"(v), "=&r"(n), "=&r"(sum)
	    :
	    : "memory", "cc");
	check("loop-changes-itself", sum, 55);
	ASM("jmp 2f; 1: jmp 3f; mov $9, %0; jmp 4f; 2: movw $0x9090, 1b(%%rip); jmp 1b; 3: mov $7, %0;"
	    "4:"
	    : "=&r"(v)
	    :
	    : "memory", "cc");
	check("jump-becomes-nop", v, 9);
	ASM("xorl %%eax, %%eax; call 1f; movb $0x41, 2f + 2(%%rip); call 1f; jmp 3f;"
	    "1: nop; 2: add $0x20, %%eax; ret; 3:"
	    : "=a"(v)
	    :
	    : "memory", "cc");
	check("function-between-calls", v, 0x61);
}

/* --- by every kind of store ------------------------------------------------------------------- */

static void stores(void)
{
	uint8_t *f = code[0];
	uint64_t old, to, from, n;
	uint8_t model[8];

	returns(f, 1);
	check("first", call(f), 1);
	write32((uintptr_t)f + 1, 2);
	check("by-mov", call(f), 2);
	ASM("lock addl $1, %0" : "+m"(*(uint32_t *)(f + 1)) : : "memory");
	check("by-lock-add", call(f), 3);
	old = 3;
	ASM("lock cmpxchgl %2, %1" : "+a"(old), "+m"(*(uint32_t *)(f + 1)) : "r"(4) : "memory");
	check("by-lock-cmpxchg", call(f), 4);
	old = 5;
	ASM("xchgl %k0, %1" : "+r"(old), "+m"(*(uint32_t *)(f + 1)) : : "memory");
	check("by-xchg", call(f), 5);
	old = read64((uintptr_t)f);
	returns(model, 6);
	memcpy(model + 6, f + 6, 2);
	ASM("lock cmpxchg8b %1"
	    : "+a"(old), "+m"(*(uint64_t *)f)
	    : "d"(old >> 32), "b"(read32((uintptr_t)model)), "c"(read32((uintptr_t)model + 4))
	    : "memory");
	check("by-cmpxchg8b", call(f), 6);
	returns(model, 7);
	to = (uint64_t)f;
	from = (uint64_t)model;
	n = 6;
	ASM("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
	check("by-rep-movs", call(f), 7);
	to = (uint64_t)f + 1;
	ASM("stosl" : "+D"(to) : "a"(8) : "memory");
	check("by-stos", call(f), 8);
	returns(model, 9);
	ASM("mov %%rsp, %%rbx; lea 8(%0), %%rsp; push %1; mov %%rbx, %%rsp"
	    :
	    : "r"(f), "r"(read64((uintptr_t)model))
	    : "rbx", "memory");
	check("by-push", call(f), 9);
	ASM("btcl $3, %0" : "+m"(*(uint32_t *)(f + 1)) : : "memory");
	check("by-btc", call(f), 1);
	ASM("notb %0" : "+m"(f[1]) : : "memory");
	check("by-not", call(f), 0xfe);
	outl(0xe0, 0x0a);
	to = (uint64_t)f + 1;
	n = 1;
	ASM("rep insl" : "+D"(to), "+c"(n) : "d"(0xe0) : "memory");
	check("by-ins", call(f), 0x0a);
}

static void many(void)
{
	uint32_t wrong = 0;
	uint8_t *f = code[0] + 64;

	for (uint32_t i = 0; i < 300; i++) {
		returns(f, i);
		wrong += call(f) != i;
	}
	check("many-times", wrong, 0);
	for (uint32_t i = 0; i < 50; i++)
		returns(code[1] + 32 * i, i);
	for (uint32_t i = 0; i < 50; i++) {
		wrong += call(code[1] + 32 * i) != i;
		write8((uintptr_t)code[1] + 32 * ((i + 1) % 50) + 2, 1);
		wrong += call(code[1] + 32 * ((i + 1) % 50)) != (0x100 | (i + 1) % 50);
		write8((uintptr_t)code[1] + 32 * ((i + 1) % 50) + 2, 0);
	}
	check("neighbours", wrong, 0);
	for (uint32_t i = 0; i < 100; i++) { /* data beside code */
		write32((uintptr_t)code[1] + 2048, i);
		wrong += call(code[1]) != 0;
	}
	check("data-beside-code", wrong, 0);
}

/* --- through page tables ---------------------------------------------------------------------- */

static void aliases(void)
{
	map(0, code[0]);
	map(1, code[0]);
	returns(code[0], 1);
	check("alias-runs", call((void *)AT), 1);
	write32(AT + PAGE + 1, 2);
	serialize();
	check("through-alias", call((void *)AT), 2);
	check("through-alias-here", call(code[0]), 2);
	returns(code[1], 11);
	map(0, code[1]);
	check("remapped", call((void *)AT), 11);
	check("alias-stays", call((void *)(AT + PAGE)), 2);
	map(0, code[0]);
	check("mapped-back", call((void *)AT), 2);
	write32((uintptr_t)code[1] + 1, 12);
	map(0, code[1]);
	check("changed-while-away", call((void *)AT), 12);
}

static void borders(void)
{
	uint8_t *last = code[0] + PAGE - 2;

	map(0, code[0]);
	map(1, code[1]);
	write8((uintptr_t)last, 0xb8); /* mov $imm32, %eax in two pages */
	write8((uintptr_t)last + 1, 0x34);
	write32((uintptr_t)code[1], 0xc3000012);
	write32((uintptr_t)code[2], 0xc3000056);
	check("border", call((void *)(AT + PAGE - 2)), 0x1234);
	map(1, code[2]);
	check("border-remapped", call((void *)(AT + PAGE - 2)), 0x5634);
	write8((uintptr_t)code[2], 0x78);
	serialize();
	check("border-second-written", call((void *)(AT + PAGE - 2)), 0x7834);
	write8((uintptr_t)last + 1, 0x9a);
	serialize();
	check("border-first-written", call((void *)(AT + PAGE - 2)), 0x789a);
	map(1, NULL);
	TRAPS("border-second-gone", PF, 0, call((void *)(AT + PAGE - 2)));
	verify("border-second-gone-cr2", trap.cr2, AT + PAGE);
	verify("border-second-gone-rip", trap.frame.ip, AT + PAGE - 2);
	map(1, code[1]);
	check("border-second-back", call((void *)(AT + PAGE - 2)), 0x129a);
	write64(AT + PAGE - 2, 0xc344443322b8); /* one store into both pages */
	serialize();
	check("border-one-store", call((void *)(AT + PAGE - 2)), 0x44443322);
}

/* --- the same bytes otherwise ----------------------------------------------------------------- */

static void middle(void)
{
	static const uint8_t bytes[] = {0xb8, 0xb8, 0x11, 0x22, 0x33, 0x44, 0xc3, 0x90, 0x90};
	uint8_t *f = code[3];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		write8((uintptr_t)f + i, bytes[i]);
	write8((uintptr_t)f + 5, 0xc3);
	check("from-the-start", call(f), 0x332211b8);
	write8((uintptr_t)f + 5, 0x44);
	check("from-the-middle", call(f + 1), 0x44332211);
	write8((uintptr_t)f + 5, 0xc3);
	check("from-the-start-again", call(f), 0x332211b8);
}

static void enter(unsigned sel)
{
	struct {
		uint32_t off;
		uint16_t sel;
	} __attribute__((packed)) to = {(uint32_t)(uintptr_t)code[2], (uint16_t)sel};

	ASM("xorl %%eax, %%eax; ljmp *%0" : : "m"(to) : "rax", "memory");
}

/* Ends with UD2; what EAX is then says how the bytes were read. */
static void widths(void)
{
	static const uint8_t bytes[] = {0x66, 0xb8, 0x01, 0x00, 0x40, 0x40, 0x0f, 0x0b};

	for (unsigned i = 0; i < sizeof(bytes); i++)
		write8((uintptr_t)code[2] + i, bytes[i]);
	static unsigned round;

	for (round = 0; round < 2; round++) {
		TRAPS(round ? "again-64" : "as-64", UD, 0, enter(SEL_CODE));
		verify(round ? "again-64-eax" : "as-64-eax", trap.frame.ax, 1);
		TRAPS(round ? "again-32" : "as-32", UD, 0, enter(SEL_CODE32));
		verify(round ? "again-32-eax" : "as-32-eax", trap.frame.ax, 3);
		TRAPS(round ? "again-16" : "as-16", UD, 0, enter(SEL_CODE16));
		verify(round ? "again-16-eax" : "as-16-eax", trap.frame.ax, 0x40400001);
		write8((uintptr_t)code[2] + 3, 0);
	}
}

void guest(uint32_t magic, uintptr_t info)
{
	trap_init();
	tables();
	next_instruction();
	stores();
	many();
	aliases();
	borders();
	middle();
	widths();
}
