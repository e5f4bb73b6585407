// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Exceptions of 64-bit mode: which vector, which error code, where the saved RIP points, on which
 * stack; double faults, interrupt shadows, NMIs.  SDM 3A, chapter 6.
 */
#include "kit/irq.h"
#include "kit/trap.h"

#define NOWHERE 0x3ffffffff000ull /* canonical, not mapped */
#define CROOKED 0x800000000000ull /* not canonical */
#define INVALID_OPCODE ".byte 0x0f, 0x0b"

#define NO_INT "the emulator has no INT n in protected and long mode"

const struct gap kvm_gaps[] = {
	{"int3", NO_INT},
	{"int3-after", NO_INT},
	{"int-3", NO_INT},
	{"int-n", NO_INT},
	{"icebp", "the emulator has no INT1"},
	{"icebp-after", "the emulator has no INT1"},
	{"ud-aaa", "the emulator stops at AAA in long mode"},
	{"gp-cr0-high", "this host drops the upper half of CR0"},
	{NULL, NULL},
};

/* --- where each comes from -------------------------------------------------------------------- */

static void arithmetic(void)
{
	TRAPS("de-by-zero", DE, 0,
	      ASM("xorl %%ecx, %%ecx; movl $1, %%eax; cltd; idivl %%ecx"
		  :
		  :
		  : "eax", "ecx", "edx"));
	TRAPS("de-overflow", DE, 0,
	      ASM("movl $2, %%ecx; movl $2, %%edx; divl %%ecx"
		  :
		  :
		  : "eax", "ecx", "edx"));
	TRAPS("de-int-min", DE, 0,
	      ASM("movl $-1, %%ecx; movl $0x80000000, %%eax; cltd; idivl %%ecx"
		  :
		  :
		  : "eax", "ecx", "edx"));
	TRAPS("de-byte", DE, 0,
	      ASM("movw $0x1000, %%ax; movb $2, %%cl; divb %%cl"
		  :
		  :
		  : "eax", "ecx"));
}

static void software(void)
{
	static uintptr_t at;

	TRAPS("int3", BP, 0,
	      ASM("lea 1f(%%rip), %%rax; mov %%rax, %0; int3; 1:"
		  : "=m"(at)
		  :
		  : "rax"));
	verify("int3-after", trap.frame.ip, at);
	TRAPS("int-3", BP, 0, ASM(".byte 0xcd, 3"));
	TRAPS("int-n", 0x81, 0, ASM("int $0x81"));
	TRAPS("icebp", DB, 0,
	      ASM("lea 1f(%%rip), %%rax; mov %%rax, %0; .byte 0xf1; 1:"
		  : "=m"(at)
		  :
		  : "rax"));
	verify("icebp-after", trap.frame.ip, at);
	TRAPS("ud2", UD, 0,
	      ASM("lea 1f(%%rip), %%rax; mov %%rax, %0; 1: ud2"
		  : "=m"(at)
		  :
		  : "rax"));
	verify("ud2-at", trap.frame.ip, at);
	verify("ud2-rf", trap.frame.flags & FL_RF, FL_RF);
	TRAPS("ud-into", UD, 0, ASM(".byte 0xce"));
	TRAPS("ud-aaa", UD, 0, ASM(".byte 0x37"));
	TRAPS("ud-push-cs", UD, 0, ASM(".byte 0x0e"));
	TRAPS("ud-lock-nop", UD, 0, ASM(".byte 0xf0, 0x90"));
	TRAPS("ud-lock-mov", UD, 0, ASM(".byte 0xf0; movl %%eax, (%%rsp)" : : : "memory"));
	TRAPS("ud-mov-cr1", UD, 0, ASM(".byte 0x0f, 0x20, 0xc8"));
	TRAPS("ud-mov-cs", UD, 0, ASM(".byte 0x8e, 0xc8"));
	TRAPS("gp-15-bytes", GP, 0,
	      ASM(".byte 0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x90"));
}

static void addresses(void)
{
	static uintptr_t keep;

	TRAPS("gp-not-canonical", GP, 0, read8(CROOKED));
	TRAPS("gp-not-canonical-store", GP, 0, write8(CROOKED, 0));
	trap_idt[SS].ist = 1; /* not on that stack */
	TRAPS("ss-not-canonical", SS, 0,
	      ASM("mov %%rsp, %1; mov %0, %%rsp; push %%rax"
		  :
		  : "r"(CROOKED + 64), "m"(keep)
		  : "memory"));
	TRAPS("ss-not-canonical-bp", SS, 0,
	      ASM("mov %0, %%rbp; movl (%%rbp), %%eax"
		  :
		  : "r"(CROOKED)
		  : "eax", "memory"));
	trap_idt[SS].ist = 0;
	TRAPS("gp-not-canonical-jump", GP, 0, ASM("jmp *%0" : : "r"(CROOKED)));
	TRAPS("gp-not-canonical-ret", GP, 0, ASM("push %0; ret" : : "r"(CROOKED)));
	TRAPS("pf-read", PF, 0, read8(NOWHERE));
	verify("pf-cr2", trap.cr2, NOWHERE);
	TRAPS("pf-write", PF, 2, write8(NOWHERE + 5, 1));
	verify("pf-write-cr2", trap.cr2, NOWHERE + 5);
	TRAPS("pf-fetch", PF, 0, ASM("jmp *%0" : : "r"(NOWHERE + 9)));
	verify("pf-fetch-cr2", trap.cr2, NOWHERE + 9);
	verify("pf-fetch-rip", trap.frame.ip, NOWHERE + 9);
}

static void registers(void)
{
	uintptr_t cr0 = get_cr0(), cr4 = get_cr4();

	TRAPS("gp-cr0-nw", GP, 0, set_cr0((cr0 | CR0_NW) & ~(uintptr_t)CR0_CD));
	TRAPS("gp-cr0-pg-without-pe", GP, 0, set_cr0(cr0 & ~(uintptr_t)CR0_PE));
	TRAPS("gp-cr0-pg-off", GP, 0, set_cr0(cr0 & ~(uintptr_t)CR0_PG));
	TRAPS("gp-cr0-high", GP, 0, set_cr0(cr0 | 1ull << 40));
	TRAPS("gp-cr4-pae-off", GP, 0, set_cr4(cr4 & ~(uintptr_t)CR4_PAE));
	TRAPS("gp-cr4-reserved", GP, 0, set_cr4(cr4 | 1u << 31));
	TRAPS("gp-cr3-reserved", GP, 0, set_cr3(get_cr3() | 1ull << 62));
	TRAPS("gp-cr8-reserved", GP, 0, ASM("mov %0, %%cr8" : : "r"(16ul)));
	TRAPS("gp-efer-lme-off", GP, 0, wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~0x100ull));
	TRAPS("gp-efer-reserved", GP, 0, wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 1ull << 40));
	TRAPS("gp-msr-none", GP, 0, rdmsr(0x7fff1234));
	TRAPS("gp-msr-none-write", GP, 0, wrmsr(0x7fff1234, 1));
	TRAPS("gp-msr-canonical", GP, 0, wrmsr(0xc0000100, CROOKED));
	verify("cr0-as-before", get_cr0(), cr0);
	verify("cr4-as-before", get_cr4(), cr4);
}

static void selectors(void)
{
	TRAPS("gp-load-beyond-gdt", GP, 0x7f8, ASM("mov %0, %%ds" : : "r"(0x7f8)));
	gdt_set(SEL_FREE, descriptor(0, 0xfffff, 0x8013)); /* not present */
	TRAPS("np-load", NP, SEL_FREE, ASM("mov %0, %%ds" : : "r"(SEL_FREE)));
	TRAPS("ss-load-not-present", SS, SEL_FREE, ASM("mov %0, %%ss" : : "r"(SEL_FREE)));
	TRAPS("gp-load-ss-code", GP, SEL_CODE, ASM("mov %0, %%ss" : : "r"(SEL_CODE)));
	TRAPS("gp-load-system", GP, SEL_TSS, ASM("mov %0, %%es" : : "r"(SEL_TSS)));
	TRAPS("gp-load-ldt-none", GP, 0x14, ASM("mov %0, %%es" : : "r"(0x14)));
	TRAPS("null-data", NONE, 0, ASM("mov %0, %%es; mov %1, %%es" : : "r"(0), "r"(SEL_DATA)));
	TRAPS("null-ss-ring0", NONE, 0,
	      ASM("mov %0, %%ss; mov %1, %%ss"
		  :
		  : "r"(0), "r"(SEL_DATA)));
	TRAPS("gp-iret-null-cs", GP, 0,
	      ASM("pushq $0x10; pushq %%rsp; pushfq; pushq $0; pushq $0; iretq"
		  :
		  :
		  : "memory"));
	TRAPS("gp-iret-nt", GP, 0, set_flags(FL_NT | 2); ASM("pushq $0; iretq"));
}

void guest(uint32_t magic, uintptr_t info)
{
	trap_init();
	arithmetic();
	software();
	addresses();
	registers();
	selectors();
}
