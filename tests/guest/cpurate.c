// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The processor's speed, for tests/bench: a letter before and one behind each piece of work, for
 * ever.  Arguments: what=int (8 instructions a turn), copy (5 a turn, 8 bytes each), syscall (a
 * turn is SYSCALL, SYSRET and a loop in ring 3) or fault (a turn is a page fault of the kernel, a
 * page table entry written in the handler, IRET and INVLPG); n=turns.
 */
#include "kit/kit.h"

#define MSR_EFER 0xc0000080u
#define MSR_STAR 0xc0000081u
#define MSR_LSTAR 0xc0000082u
#define MSR_FMASK 0xc0000084u
#define WINDOW 0x40000000u /* a page there comes and goes */
#define PAGE 0x1000u

static uint64_t from[8192], to[8192];
static uint64_t table[512] __attribute__((aligned(4096)));
static uint64_t idt[64] __attribute__((aligned(16)));
static uint8_t user_stack[PAGE] __attribute__((aligned(16)));

/* Page table entry of lin at a level: 3 is the PML4's. */
static uint64_t *entry(uint64_t lin, int level)
{
	uint64_t cr3, *t;

	__asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
	t = (uint64_t *)(cr3 & ~0xfffull);
	for (int i = 3; i > level; i--)
		t = (uint64_t *)(t[lin >> (12 + 9 * i) & 511] & ~0xfffull);
	return &t[lin >> (12 + 9 * level) & 511];
}

/* --- the pieces --- */

static void integers(uint64_t n)
{
	__asm__ volatile("1: add %%rax, %%rdx\n"
			 "xor %%rdx, %%rsi\n"
			 "lea 3(%%rax,%%rsi,2), %%rax\n"
			 "shr $3, %%rsi\n"
			 "sub %%rsi, %%rdx\n"
			 "and $0x7fffffff, %%eax\n"
			 "dec %0\n"
			 "jnz 1b\n"
			 : "+r"(n)
			 :
			 : "rax", "rdx", "rsi", "cc");
}

static void copies(uint64_t n)
{
	uint64_t i = 0;

	__asm__ volatile("1: mov (%2,%1,8), %%rax\n"
			 "mov %%rax, (%3,%1,8)\n"
			 "inc %k1\n"
			 "and $8191, %k1\n"
			 "dec %0\n"
			 "jnz 1b\n"
			 : "+r"(n), "+r"(i)
			 : "r"(from), "r"(to)
			 : "rax", "cc", "memory");
}

/* rbx counts; the kernel's side only goes back, until the count is zero. */
__asm__(".balign 16\n"
	"user_code:\n"
	"1: syscall\n"
	"dec %rbx\n"
	"jnz 1b\n"
	"syscall\n"
	".balign 16\n"
	"kernel_entry:\n"
	"test %rbx, %rbx\n"
	"jz 2f\n"
	"sysretq\n"
	"2: mov kernel_sp(%rip), %rsp\n"
	"mov $0x10, %eax\n"
	"mov %eax, %ss\n"
	"pop %rbp\n"
	"pop %rbx\n"
	"ret\n"
	".globl enter_user\n"
	"enter_user:\n"
	"push %rbx\n"
	"push %rbp\n"
	"mov %rsp, kernel_sp(%rip)\n"
	"mov %rdi, %rbx\n"
	"mov %rsi, %rsp\n"
	"lea user_code(%rip), %rcx\n"
	"mov $2, %r11d\n"
	"sysretq\n"
	".balign 16\n"
	".globl fault_entry\n"
	"fault_entry:\n"
	"push %rax\n"
	"mov window_entry(%rip), %rax\n"
	"orq $1, (%rax)\n"
	"pop %rax\n"
	"add $8, %rsp\n"
	"iretq\n");

uint64_t kernel_sp;
uint64_t *window_entry;
void enter_user(uint64_t n, void *stack);
void kernel_entry(void);
void fault_entry(void);

static void set_up_syscall(void)
{
	for (uint64_t lin = 0; lin < 4 << 20; lin += 2 << 20) /* code and data are in ring 3, too */
		for (int level = 1; level < 4; level++)
			*entry(lin, level) |= 4;
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 1);
	wrmsr(MSR_STAR, 0x0008ull << 32 | 0x0010ull << 48);
	wrmsr(MSR_LSTAR, (uint64_t)(uintptr_t)kernel_entry);
	wrmsr(MSR_FMASK, 0x200);
}

static void faults(uint64_t n)
{
	while (n--) {
		*window_entry &= ~1ull;
		__asm__ volatile("invlpg %0" : : "m"(*(char *)WINDOW));
		write32(WINDOW, 1);
	}
}

static void set_up_faults(void)
{
	uint64_t at = (uint64_t)(uintptr_t)fault_entry;
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) desc = {sizeof(idt) - 1, (uint64_t)(uintptr_t)idt};

	table[0] = (uint64_t)(uintptr_t)to | 2;
	*entry(WINDOW, 1) = (uint64_t)(uintptr_t)table | 3;
	window_entry = table;
	idt[28] = (at & 0xffff) | 8ull << 16 | 0x8e00ull << 32 | (at & 0xffff0000) << 32;
	idt[29] = at >> 32;
	__asm__ volatile("lidt %0" : : "m"(desc));
}

void guest(uint32_t magic, uintptr_t info)
{
	uint32_t n = arg_num("n", 1000);

	set_up_syscall();
	set_up_faults();
	for (;;) {
		put("a");
		if (arg_is("what", "int"))
			integers(n);
		else if (arg_is("what", "copy"))
			copies(n);
		else if (arg_is("what", "syscall"))
			enter_user(n, user_stack + PAGE);
		else
			faults(n);
		put("b");
	}
}
