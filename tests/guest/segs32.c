// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Segments of protected mode: limits both ways, types, levels, what loading a selector checks,
 * questions about descriptors, far transfers, call gates, the LDT, levels of stacks.  SDM 3A,
 * chapter 5.
 */
#include "kit/trap.h"

enum {
	S1 = SEL_FREE,
	S2 = SEL_FREE + 8,
	S3 = SEL_FREE + 16,
	GATE = SEL_FREE + 24,
	LDT = SEL_FREE + 32
};
enum { DPL3 = 3 << 5, PRESENT = 0x80 };

#define NO_QUESTIONS "the emulator has none of LAR, LSL, VERR, VERW, ARPL"
#define NO_FAR "the emulator has no far CALL and JMP like this"
#define NO_RETF "the emulator has no RETF to another level"

const struct gap kvm_gaps[] = {
	{"cs-limit", NO_FAR},
	{"lar", NO_QUESTIONS},
	{"lsl", NO_QUESTIONS},
	{"lar-null", NO_QUESTIONS},
	{"lar-beyond", NO_QUESTIONS},
	{"lar-rpl", NO_QUESTIONS},
	{"lar-tss", NO_QUESTIONS},
	{"lsl-tss", NO_QUESTIONS},
	{"lar-gate", NO_QUESTIONS},
	{"lar-call-gate", NO_QUESTIONS},
	{"lsl-call-gate", NO_QUESTIONS},
	{"verr-data", NO_QUESTIONS},
	{"verw-data", NO_QUESTIONS},
	{"verr-code", NO_QUESTIONS},
	{"verw-code", NO_QUESTIONS},
	{"verr-execute-only", NO_QUESTIONS},
	{"verr-system", NO_QUESTIONS},
	{"verr-null", NO_QUESTIONS},
	{"arpl-raises", NO_QUESTIONS},
	{"arpl-keeps", NO_QUESTIONS},
	{"gate-same-level", NO_FAR},
	{"gate-same-level-cs", NO_FAR},
	{"gate-same-level-arg", NO_FAR},
	{"gate-code-null", NO_FAR},
	{"gate-code-data", NO_FAR},
	{"gate-not-present", NO_FAR},
	{"retf-inward", NO_RETF},
	{"retf-null-ss", NO_RETF},
	{"ring-3", NO_RETF},
	{"ring-3-cs", NO_RETF},
	{"ring-3-ss", NO_RETF},
	{"ring-3-stack", NO_RETF},
	{"gate-dpl", NO_RETF},
	{"gate-inner", NO_RETF},
	{"gate-inner-back", NO_RETF},
	{"gate-inner-cs", NO_RETF},
	{"gate-inner-arg-1", NO_RETF},
	{"gate-inner-arg-2", NO_RETF},
	{"gate-inner-sp", NO_RETF},
	{"gate-inner-dropped", NO_RETF},
	{"gate-jump-inner", NO_RETF},
	{"ring-3-again", NO_RETF},
	{"ring-3-load", NO_RETF},
	{"ring-3-far-inner", NO_RETF},
	{"ring-3-conforming", NO_RETF},
	{"ring-3-conforming-cs", NO_RETF},
	{"into", "the emulator has no INTO"},
	{"bound-above", "the emulator has no BOUND"},
	{"bound-below", "the emulator has no BOUND"},
	{"bound-inside", "the emulator has no BOUND"},
	{"ud-les-register", "the emulator stops at LES of a register"},
	{NULL, NULL},
};

static uint8_t data[64] __attribute__((aligned(64)));
static uint64_t ldt[4];

static void define(unsigned sel, const void *base, uint32_t limit, unsigned flags)
{
	gdt_set(sel, descriptor((uint32_t)(uintptr_t)base, limit, flags));
}

static void load_es(unsigned sel)
{
	ASM("mov %0, %%es" : : "r"(sel) : "memory");
}

static uint32_t es_read(uint32_t off)
{
	uint32_t v;

	ASM("movl %%es:(%1), %0" : "=r"(v) : "r"(off) : "memory");
	return v;
}

static void es_write(uint32_t off, uint8_t v)
{
	ASM("movb %0, %%es:(%1)" : : "q"(v), "r"(off) : "memory");
}

#define WITH_ES(name, vector, error, code) \
	TRAPS(name, vector, error, load_es(S1); code; load_es(SEL_DATA))

/* --- limits ----------------------------------------------------------------------------------- */

static void limits(void)
{
	data[4] = 0x44;
	define(S1, data, 7, 0x4093);
	WITH_ES("limit-inside", NONE, 0, data[9] = (uint8_t)es_read(4));
	verify("limit-reads", data[9], 0x44);
	WITH_ES("limit-over", GP, 0, es_read(5));
	WITH_ES("limit-write-over", GP, 0, es_write(8, 1));
	WITH_ES("limit-last", NONE, 0, es_write(7, 0));
	WITH_ES("limit-wraps", GP, 0, es_read(0xfffffffe));
	define(S1, data, 0xfff, 0x4097); /* expand down: above 0xfff */
	WITH_ES("down-below", GP, 0, es_write(0xfff, 1));
	WITH_ES("down-above", NONE, 0, es_read(0x1000));
	define(S1, data, 0xfff, 0x0097); /* up to 0xffff */
	WITH_ES("down-16-top", GP, 0, es_read(0xfffd));
	WITH_ES("down-16-last", NONE, 0, es_read(0xfffc));
	define(S1, data, 63, 0x4091);
	WITH_ES("read-only-write", GP, 0, es_write(0, 1));
	WITH_ES("read-only-read", NONE, 0, es_read(0));
	define(S1, data, 63, 0x409b);
	WITH_ES("code-write", GP, 0, es_write(0, 1));
	WITH_ES("code-read", NONE, 0, es_read(0));
	define(S1, data, 63, 0x4099);
	TRAPS("load-execute-only", GP, S1, load_es(S1));
	TRAPS("null-read", GP, 0, load_es(0); es_read(0));
	load_es(SEL_DATA);
	define(S1, data, 63, 0x4093);
	define(S1, 0, 0xffffff, 0xc093);
	TRAPS("stack-limit", SS, 0,
	      ASM("mov %0, %%ss; movl %%ss:0x1000000, %%eax"
		  :
		  : "r"(S1)
		  : "eax", "memory"));
	TRAPS("stack-limit-bp", SS, 0,
	      ASM("mov %0, %%ss; movl $0x1000000, %%ebp; movl (%%ebp), %%eax"
		  :
		  : "r"(S1)
		  : "eax", "memory"));
	TRAPS("cs-limit", GP, 0, define(S2, 0, 0xfffff, 0x409b); ASM("ljmpl $0xb8, $0x100000"));
}

/* --- loading ---------------------------------------------------------------------------------- */

static void loading(void)
{
	define(S1, data, 63, 0x4092);
	load_es(S1);
	load_es(SEL_DATA);
	check("accessed-set", trap_gdt[S1 / 8] >> 40 & 1, 1);
	define(S1, data, 63, 0x4013);
	TRAPS("load-not-present", NP, S1, load_es(S1));
	TRAPS("load-ss-not-present", SS, S1, ASM("mov %0, %%ss" : : "r"(S1)));
	TRAPS("load-beyond", GP, 0x3f8, trap_gdt_load(0x3f7 - 0x100); load_es(0x3f8));
	trap_gdt_load(sizeof(trap_gdt) - 1);
	TRAPS("load-system", GP, SEL_TSS, load_es(SEL_TSS));
	TRAPS("load-ss-null", GP, 0, ASM("mov %0, %%ss" : : "r"(0)));
	TRAPS("load-ss-read-only", GP, S1, define(S1, data, 63, 0x4091); ASM("mov %0, %%ss"
									     :
									     : "r"(S1)));
	TRAPS("load-ss-rpl", GP, SEL_DATA, ASM("mov %0, %%ss" : : "r"(SEL_DATA + 1)));
	TRAPS("load-ss-dpl", GP, SEL_UDATA - 3, ASM("mov %0, %%ss" : : "r"(SEL_UDATA - 3)));
	TRAPS("load-rpl", GP, SEL_DATA, load_es(SEL_DATA + 3));
	TRAPS("load-user-data", NONE, 0, load_es(SEL_UDATA); load_es(SEL_DATA));
	TRAPS("load-ldt-without", GP, 0x0c, load_es(0x0c));
	define(S1, data, 63, 0x409f); /* conforming, readable */
	TRAPS("load-conforming-rpl", NONE, 0, load_es(S1 + 3); load_es(SEL_DATA));
	define(LDT, ldt, sizeof(ldt) - 1, 0x82);
	ldt[1] = descriptor((uint32_t)(uintptr_t)data, 63, 0x4093);
	TRAPS("lldt", NONE, 0, ASM("lldt %w0" : : "r"(LDT)));
	TRAPS("load-ldt", NONE, 0, load_es(0x0c); data[9] = (uint8_t)es_read(4); load_es(SEL_DATA));
	verify("ldt-reads", data[9], data[4]);
	TRAPS("load-ldt-beyond", GP, 0x24, load_es(0x24));
	TRAPS("lldt-not-ldt", GP, S1, ASM("lldt %w0" : : "r"(S1)));
	TRAPS("lldt-null", NONE, 0, ASM("lldt %w0" : : "r"(0)));
	TRAPS("load-ldt-gone", GP, 0x0c, load_es(0x0c));
	TRAPS("ltr-busy", GP, SEL_TSS, ASM("ltr %w0" : : "r"(SEL_TSS)));
	TRAPS("ltr-null", GP, 0, ASM("ltr %w0" : : "r"(0)));
}

/* --- questions -------------------------------------------------------------------------------- */

#define ASK(insn, sel)                                       \
	({                                                   \
		uint32_t v_ = 0xdead, z_;                    \
		ASM(insn " %2, %0; setz %b1; movzbl %b1, %1" \
		    : "+r"(v_), "=&q"(z_)                    \
		    : "r"(sel)                               \
		    : "cc");                                 \
		z_ ? v_ : 0xdead;                            \
	})
#define VER(insn, sel)                                                                    \
	({                                                                                \
		uint32_t z_;                                                              \
		ASM(insn " %w1; setz %b0; movzbl %b0, %0" : "=&q"(z_) : "r"(sel) : "cc"); \
		z_;                                                                       \
	})

static uint32_t answer;

#define QUESTION(name, expr, want)                 \
	do {                                       \
		if (!gap(name)) {                  \
			TRY(answer = (expr));      \
			check(name, answer, want); \
		}                                  \
	} while (0)

static void rights(void)
{
	define(S1, data, 0x12345fff, 0xd0f3);
	QUESTION("lar", ASK("lar", S1) & 0xf0ffff, 0xd0f300);
	QUESTION("lsl", ASK("lsl", S1), 0x12345fff);
	QUESTION("lar-null", ASK("lar", 0), 0xdead);
	QUESTION("lar-beyond", ASK("lar", 0x7f8), 0xdead);
	QUESTION("lar-rpl", ASK("lar", SEL_DATA + 3), 0xdead);
	QUESTION("lar-tss", ASK("lar", SEL_TSS), 0x8b00);
	QUESTION("lsl-tss", ASK("lsl", SEL_TSS), sizeof(trap_tss) - 1);
	define(S1, data, 0, 0x8e); /* an interrupt gate */
	QUESTION("lar-gate", ASK("lar", S1), 0xdead);
	define(S1, data, 0, 0x8c); /* a call gate */
	QUESTION("lar-call-gate", ASK("lar", S1), 0x8c00);
	QUESTION("lsl-call-gate", ASK("lsl", S1), 0xdead);
}

static uint32_t adjusted(uint32_t sel, uint32_t rpl)
{
	ASM("arpl %w1, %w0" : "+r"(sel) : "r"(rpl) : "cc");
	return sel;
}

static void verifications(void)
{
	define(S1, data, 63, 0x4099);
	QUESTION("verr-data", VER("verr", SEL_DATA), 1);
	QUESTION("verw-data", VER("verw", SEL_DATA), 1);
	QUESTION("verr-code", VER("verr", SEL_CODE), 1);
	QUESTION("verw-code", VER("verw", SEL_CODE), 0);
	QUESTION("verr-execute-only", VER("verr", S1), 0);
	QUESTION("verr-system", VER("verr", SEL_TSS), 0);
	QUESTION("verr-null", VER("verr", 0), 0);
	QUESTION("arpl-raises", adjusted(0x18, 3), 0x1b);
	QUESTION("arpl-keeps", adjusted(0x1b, 1), 0x1b);
}

/* --- far transfers and call gates ------------------------------------------------------------- */

extern const uint8_t gate_target[];
extern volatile uint32_t gate_saw[4]; /* named in the text below */
volatile uint32_t gate_saw[4];
__asm__(".text; gate_target: movl %esp, gate_saw; movl %cs, %eax; movl %eax, gate_saw + 4; movl 8(%esp), %eax;"
	"movl %eax, gate_saw + 8; movl 12(%esp), %eax; movl %eax, gate_saw + 12; lretl $8");

static void gate(unsigned dpl, unsigned sel, unsigned params)
{
	uint32_t at = (uint32_t)(uintptr_t)gate_target;

	gdt_set(GATE, (at & 0xffff) | sel << 16 |
			      ((uint64_t)((at & 0xffff0000) | 0x8c00 | dpl << 13 | params) << 32));
}

static void transfers(void)
{
	TRAPS("far-jump", NONE, 0, ASM("ljmpl $0x18, $1f; 1: ljmpl $8, $2f; 2:"));
	TRAPS("far-call", NONE, 0,
	      ASM("lcall $0x18, $1f; jmp 2f; 1: lretl; 2: nop"
		  :
		  :
		  : "memory"));
	TRAPS("far-null", GP, 0, ASM("ljmpl $3, $0"));
	TRAPS("far-data", GP, SEL_DATA, ASM("ljmpl $0x10, $0"));
	TRAPS("far-user-code", GP, SEL_UCODE32 - 3, ASM("ljmpl $0x30, $0"));
	TRAPS("far-rpl", GP, SEL_CODE, ASM("ljmpl $0x0b, $0"));
	TRAPS("far-beyond", GP, 0x7f8, ASM("ljmpl $0x7f8, $0"));
	define(S1, 0, 0xffffffff, 0xc01b);
	TRAPS("far-not-present", NP, S1, ASM("ljmpl $0xb0, $0"));
	gate(0, SEL_CODE, 0);
	gate_saw[1] = 0;
	TRAPS("gate-same-level", NONE, 0,
	      ASM("pushl $0x22; pushl $0x11; lcall $0xc8, $0xabcdef"
		  :
		  :
		  : "eax", "memory"));
	verify("gate-same-level-cs", gate_saw[1], SEL_CODE);
	verify("gate-same-level-arg", gate_saw[2], 0x11);
	TRAPS("gate-code-null", GP, 0, gate(0, 0, 0); ASM("lcall $0xc8, $0"));
	TRAPS("gate-code-data", GP, SEL_DATA, gate(0, SEL_DATA, 0); ASM("lcall $0xc8, $0"));
	gdt_set(GATE, trap_gdt[GATE / 8] & ~(0x80ull << 40));
	TRAPS("gate-not-present", NP, GATE, ASM("lcall $0xc8, $0"));
	TRAPS("retf-inward", GP, SEL_CODE,
	      ASM("pushl $0x23; pushl $0; pushl $0x0b; pushl $0; lretl"
		  :
		  :
		  : "memory"));
	TRAPS("retf-null-ss", GP, 0,
	      ASM("pushl $0; pushl $0; pushl $0x33; pushl $0; lretl"
		  :
		  :
		  : "memory"));
}

#define USER(text) \
	ASM("pushl $1f; call trap_ring3; 1: " text "; ud2" : : : "eax", "ecx", "edx", "memory")

static void inner_level(void)
{
	TRAPS("ring-3", UD, 0, USER("nop"));
	verify("ring-3-cs", trap.frame.cs, SEL_UCODE32);
	verify("ring-3-ss", trap.frame.ss, SEL_UDATA);
	verify("ring-3-stack", trap.frame_at + 76, (uintptr_t)trap_stack + sizeof(trap_stack));
	gate(0, SEL_CODE, 2);
	TRAPS("gate-dpl", GP, GATE, USER("lcall $0xcb, $0"));
	gate(3, SEL_CODE, 2);
	TRAPS("gate-inner", UD, 0,
	      USER("pushl $0x22; pushl $0x11; lcall $0xcb, $0; movl %%esp, %%ecx"));
	verify("gate-inner-back", trap.frame.cs, SEL_UCODE32);
	verify("gate-inner-cs", gate_saw[1], SEL_CODE);
	verify("gate-inner-arg-1", gate_saw[2], 0x11);
	verify("gate-inner-arg-2", gate_saw[3], 0x22);
	verify("gate-inner-sp", gate_saw[0], (uintptr_t)trap_stack + sizeof(trap_stack) - 24);
	verify("gate-inner-dropped", trap.frame.cx,
	       (uintptr_t)trap_user_stack + sizeof(trap_user_stack));
	TRAPS("gate-jump-inner", GP, SEL_CODE, USER("ljmp $0xcb, $0"));
	TRAPS("ring-3-again", UD, 0, USER("nop"));
	TRAPS("ring-3-load", GP, SEL_DATA, USER("movl $0x10, %%eax; movl %%eax, %%es"));
	TRAPS("ring-3-far-inner", GP, SEL_CODE, USER("ljmpl $8, $0"));
	define(S3, 0, 0xffffffff, 0xc09f);
	TRAPS("ring-3-conforming", UD, 0, USER("ljmpl $0xc0, $9f; 9: nop"));
	verify("ring-3-conforming-cs", trap.frame.cs, S3 + 3);
}

/* What long mode has not. */
static void old_exceptions(void)
{
	static const int32_t range[2] = {-3, 9};

	TRAPS("into", OF, 0, ASM("movb $0x7f, %%al; addb $1, %%al; into" : : : "eax", "cc"));
	TRAPS("into-not", NONE, 0, ASM("xorl %%eax, %%eax; into" : : : "eax", "cc"));
	TRAPS("bound-above", BR, 0, ASM("bound %0, %1" : : "r"(10), "m"(range)));
	TRAPS("bound-below", BR, 0, ASM("bound %0, %1" : : "r"(-4), "m"(range)));
	TRAPS("bound-inside", NONE, 0, ASM("bound %0, %1" : : "r"(9), "m"(range)));
	TRAPS("aam-0", DE, 0, ASM("aam $0" : : : "eax"));
	TRAPS("ud-les-register", UD, 0, ASM(".byte 0xc4, 0xc0"));
}

void guest(uint32_t magic, uintptr_t info)
{
	trap_init();
	limits();
	loading();
	rights();
	verifications();
	transfers();
	inner_level();
	old_exceptions();
}
