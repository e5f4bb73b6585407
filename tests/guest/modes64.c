// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Modes and the ways between them, from long mode: compatibility mode with 32 and 16 bits,
 * protected mode, real mode, and back.  SDM 3A, 9.8 and 9.9; 3B, chapter 20.
 */
#include "kit/trap.h"

#define PLACE 0x8000
#define SAW(n) read16(0x7000 + 2 * (n))

extern const uint8_t real_code[], real_code_end[];
void real_trip(void);

const struct gap kvm_gaps[] = {
	{"compat-aaa", "the emulator has no AAA"},
	{"compat-aaa-ax", "the emulator has no AAA"},
	{NULL, NULL},
};

/* --- compatibility mode ----------------------------------------------------------------------- */

extern uint32_t seen[8]; /* named in the text below */
uint32_t seen[8];

static void compat32(void)
{
	ASM("mov $0x1122334455667788, %%rax; mov %%rsp, %%rbx; push $0x18; push $1f; lretq; .code32;"
	    "1: .byte 0x40; movl %%eax, seen; movl $0x10, %%ecx; movl %%ecx, %%ds; pushl $0x5a;"
	    "popl %%eax; movl %%eax, seen + 4; movl $-1, %%esi; movl seen + 5(%%esi), %%eax;"
	    "movl %%eax, seen + 8; ljmpl $8, $2f; .code64; 2: mov %%rbx, %%rsp; mov %%rcx, %%rax"
	    :
	    :
	    : "rax", "rbx", "rcx", "rsi", "memory", "cc");
	check("compat-inc", seen[0], 0x55667789);
	check("compat-push", seen[1], 0x5a);
	check("compat-address-wraps", seen[2], 0x5a);
	TRAPS("compat-ud", UD, 0,
	      ASM("push $0x18; push $1f; lretq; .code32; 1: movl $7, %%eax; ud2; .code64"
		  :
		  :
		  : "rax", "memory"));
	verify("compat-ud-cs", trap.frame.cs, SEL_CODE32);
	verify("compat-ud-eax", trap.frame.ax, 7);
	gdt_set(SEL_FREE, descriptor((uint32_t)(uintptr_t)seen, 7, 0x4093));
	TRAPS("compat-limit", GP, 0,
	      ASM("push $0x18; push $1f; lretq; .code32; 1: movl $0xb0, %%eax; movl %%eax, %%es;"
		  "movl %%es:4, %%ecx; movl %%es:5, %%edx; ud2; .code64"
		  :
		  :
		  : "rax", "rcx", "rdx", "memory"));
	verify("compat-base", trap.frame.cx, 0x5a);
	TRAPS("compat-aaa", UD, 0,
	      ASM("push $0x18; push $1f; lretq; .code32; 1: movl $0x0b, %%eax; .byte 0x37; ud2; .code64"
		  :
		  :
		  : "rax", "memory"));
	verify("compat-aaa-ax", trap.frame.ax & 0xffff, 0x101);
}

static void compat16(void)
{
	TRAPS("compat16", UD, 0,
	      ASM("push $0x20; push $1f; lretq; .code16; 1: movw $0x1234, %%ax; movl $0x10001, %%ecx; incw %%cx; ud2; .code64"
		  :
		  :
		  : "rax", "rcx", "memory"));
	verify("compat16-ax", trap.frame.ax & 0xffff, 0x1234);
	verify("compat16-ecx", trap.frame.cx, 0x10002);
	verify("compat16-cs", trap.frame.cs, SEL_CODE16);
	TRAPS("compat-segment-l-and-d", GP, SEL_FREE,
	      gdt_set(SEL_FREE, descriptor(0, 0xffffffff, 0xe09b));
	      ASM("push $0xb0; push $0; lretq"
		  :
		  :
		  : "memory"));
	TRAPS("compat-pg-off", NONE, 0, real_trip());
}

/* --- down to real mode ------------------------------------------------------------------------ */

static void trip(void)
{
	memcpy((void *)PLACE, real_code, (size_t)(real_code_end - real_code));
	memset((void *)0x7000, 0xee, 128);
	write16(0, 0x5aa5);
	real_trip();
	check("protected-lma-off", SAW(28) & 0x400, 0);
	check("protected-push", read32(0x7000 + 52), 0x12345678);
	check("protected-16-esp", SAW(25), PLACE);
	check("real-cs", SAW(0), PLACE >> 4);
	check("real-int", SAW(1), 0x21);
	check("real-int-sp", SAW(2), 0);
	check("real-int-flags", SAW(3) & (FL_CF | FL_IF), FL_CF | FL_IF);
	check("real-segment", SAW(4), 0xbeef);
	check("real-above-64k", SAW(5), 0x4321);
	check("real-big-limit", read32(0x700c), read32(0x100000));
	verify("real-gp-limit", SAW(9), 2);
	check("real-de", SAW(10), 1);
	check("real-ud-sldt", SAW(11), 1);
	check("real-stack-wraps", SAW(12), 0xfffe);
	check("real-smsw", SAW(13) & 1, 0);
	check("real-far-call", SAW(14), 0x77);
	check("real-movs-wraps", SAW(15), 2);
	check("real-movs-read", read16(0x7102), 0x5aa5);
	check("long-lma-on", SAW(30) & 0x500, 0x500);
}

void guest(uint32_t magic, uintptr_t info)
{
	trap_init();
	trip();
	compat32();
	compat16();
}
