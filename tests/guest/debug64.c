// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Single steps, breakpoints, the shadow behind STI and MOV SS, NMIs, coprocessor faults, double
 * faults, stacks of handlers, what gates allow.  SDM 3A, chapter 6; 3B, chapter 18.
 */
#include "kit/irq.h"
#include "kit/trap.h"

#define STEPS 32

#define NO_INT "the emulator has no INT n in protected and long mode"
#define NO_WATCH "this host has no data breakpoints"
#define NO_FPU "the emulator has no x87 and little SSE"
#define NO_GATES "this host does not check gates"
#define LATE "this host looks for interrupts late"

const struct gap kvm_gaps[] = {
	{"nm-x87-ts", NO_FPU},
	{"nm-wait-without-mp", NO_FPU},
	{"nm-wait-with-mp", NO_FPU},
	{"nm-sse-ts", NO_FPU},
	{"clts", NO_FPU},
	{"nm-x87-em", NO_FPU},
	{"ud-sse-em", NO_FPU},
	{"mf", NO_FPU},
	{"mf-again", NO_FPU},
	{"mf-not-by-fn", NO_FPU},
	{"xm", NO_FPU},
	{"ud-for-xm", NO_FPU},
	{"xm-masked", NO_FPU},
	{"gp-mxcsr", NO_FPU},
	{"ud-sse-without-osfxsr", NO_FPU},
	{"np-in-ud", "this host makes #DF of any two exceptions"},
	{"gp-handler-is-data", NO_GATES},
	{"gp-handler-is-32-bit", NO_GATES},
	{"gp-handler-null", NO_GATES},
	{"gp-gate-type", NO_GATES},
	{"gp-idt-limit", NO_INT},
	{"np-int-n", NO_INT},
	{"sti-shadow", LATE},
	{"popf-no-shadow", LATE},
	{"sti-mov-ss", LATE},
	{"tf-mov-ss", "the emulator traps behind MOV SS"},
	{"watch-write", NO_WATCH},
	{"watch-dr6", NO_WATCH},
	{"watch-both-read", NO_WATCH},
	{"watch-both-write", NO_WATCH},
	{"watch-8-bytes", NO_WATCH},
	{"watch-overlap", NO_WATCH},
	{"watch-rep", NO_WATCH},
	{"np-gate-external", "this host sets no EXT bit"},
	{NULL, NULL},
};

static volatile uint64_t steps[STEPS], count;
static uint64_t dr6;

static uint64_t get_dr6(void)
{
	uint64_t v;

	ASM("mov %%dr6, %0" : "=r"(v));
	return v;
}

static void set_dr6(uint64_t v)
{
	ASM("mov %0, %%dr6" : : "r"(v));
}

static void set_dr7(uint64_t v)
{
	ASM("mov %0, %%dr7" : : "r"(v) : "memory");
}

static void set_dr0(const void *at)
{
	ASM("mov %0, %%dr0" : : "r"(at));
}

static bool on_step(struct trap_frame *f)
{
	if (count < STEPS)
		steps[count] = f->ip;
	count++;
	dr6 = get_dr6();
	set_dr6(0xffff0ff0);
	return true;
}

/* --- single steps ----------------------------------------------------------------------------- */

#define STEP_BEGIN "pushfq; orl $0x100, (%%rsp); popfq;"
#define STEP_END "pushfq; andl $~0x100, (%%rsp); popfq;"

static uint64_t offsets(uintptr_t from)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < count && i < STEPS; i++)
		v = v << 8 | ((steps[i] - from) & 0xff);
	return v;
}

static void stepping(void)
{
	uintptr_t from;
	uint64_t n = 3, buf[2] = {0}, to = (uint64_t)buf;

	trap_hook_set(DB, on_step);
	count = 0;
	ASM("lea 1f(%%rip), %0;" STEP_BEGIN "1: nop; nop; xchg %%ax, %%ax; " STEP_END
	    : "=&r"(from)
	    :
	    : "memory", "cc");
	/* nop 1, nop 1, xchg 2, pushf 1, and 7, popf 1 */
	verify("tf-each", offsets(from), 0x010204050c0d);
	verify("tf-dr6", dr6 & 0xf00f, 0x4000);
	count = 0;
	ASM("lea 1f(%%rip), %0;" STEP_BEGIN "1: rep stosb; " STEP_END
	    : "=&r"(from), "+D"(to), "+c"(n)
	    : "a"(0)
	    : "memory", "cc");
	verify("tf-rep", offsets(from), 0x000002030a0b);
	count = 0;
	ASM("mov %%ss, %%ecx; lea 1f(%%rip), %0;" STEP_BEGIN
	    "1: mov %%ecx, %%ss; nop; nop;" STEP_END
	    : "=&r"(from)
	    :
	    : "rcx", "memory", "cc");
	verify("tf-mov-ss", offsets(from), 0x0304050c0d);
	count = 0;
	ASM("lea 1f(%%rip), %0;" STEP_BEGIN "1: sti; cli; nop;" STEP_END
	    : "=&r"(from)
	    :
	    : "memory", "cc");
	verify("tf-sti", offsets(from), 0x010203040b0c);
	count = 0;
	ASM("lea 1f(%%rip), %0;" STEP_BEGIN "1: jmp 2f; nop; 2: nop;" STEP_END
	    : "=&r"(from)
	    :
	    : "memory", "cc");
	verify("tf-jump", offsets(from), 0x0304050c0d);
	trap_hook_set(DB, NULL);
}

/* --- breakpoints ------------------------------------------------------------------------------ */

static bool on_break(struct trap_frame *f)
{
	on_step(f);
	f->flags |= FL_RF;
	return true;
}

static uint64_t watched[4] __attribute__((aligned(32)));

/* How often DR0 as ctl (R/W and length) says hits code. */
#define WATCH(name, ctl, hits, code)                    \
	do {                                            \
		count = 0;                              \
		set_dr7(0x401 | (uint64_t)(ctl) << 16); \
		code;                                   \
		set_dr7(0x400);                         \
		verify(name, count, hits);              \
	} while (0)

static void data_breakpoints(void)
{
	uintptr_t at = (uintptr_t)watched, to = at, from = at + 16, n = 3;

	trap_hook_set(DB, on_break);
	set_dr0(watched);
	WATCH("watch-write", 0xd, 1, write32(at, 1));
	verify("watch-dr6", dr6 & 0xf00f, 1);
	WATCH("watch-write-not-read", 0xd, 0, read32(at));
	WATCH("watch-both-read", 0xf, 1, read32(at));
	WATCH("watch-both-write", 0xf, 1, write8(at + 3, 1));
	WATCH("watch-outside", 0xf, 0, write8(at + 4, 1));
	WATCH("watch-1-byte", 0x3, 0, write8(at + 1, 1));
	WATCH("watch-8-bytes", 0xb, 1, write8(at + 7, 1));
	WATCH("watch-overlap", 0xf, 1, read64(at - 4 + 1));
	WATCH("watch-rep", 0x1, 1, ASM("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory"));
	set_dr7(0x400);
	count = 0;
	write32(at, 2);
	verify("watch-off", count, 0);
	trap_hook_set(DB, NULL);
}

extern const uint8_t exec_target[];
__asm__(".text; exec_target: nop; ret");

static void exec_breakpoints(void)
{
	trap_hook_set(DB, on_break);
	set_dr0(exec_target);
	WATCH("exec-break", 0, 1, ASM("call exec_target" : : : "memory"));
	verify("exec-break-rip", steps[0], (uintptr_t)exec_target);
	verify("exec-break-dr6", dr6 & 0xf00f, 1);
	WATCH("exec-break-off", 0, 1, ASM("call exec_target"); set_dr7(0x400);
	      ASM("call exec_target"));
	trap_hook_set(DB, NULL);
	set_dr7(0x401);
	TRAPS("exec-break-fault", DB, 0, ASM("call exec_target"));
	verify("exec-break-rf", trap.frame.flags & FL_RF, 0);
	set_dr7(0x2400);
	TRAPS("general-detect", DB, 0, set_dr0(exec_target));
	verify("general-detect-dr6", get_dr6() & 0x2000, 0x2000);
	set_dr6(0xffff0ff0);
	set_cr4(get_cr4() | CR4_DE);
	TRAPS("dr4-with-de", UD, 0, ASM("mov %%dr4, %%rax" : : : "rax"));
	set_cr4(get_cr4() & ~(uintptr_t)CR4_DE);
	TRAPS("dr4-without-de", NONE, 0, ASM("mov %%dr4, %%rax" : : : "rax"));
	TRAPS("dr7-high-bits", GP, 0, set_dr7(1ull << 32));
	TRAPS("dr6-high-bits", GP, 0, set_dr6(1ull << 32));
}

/* --- interrupts and shadows ------------------------------------------------------------------- */

static uintptr_t irq_at;

static bool on_irq(struct trap_frame *f)
{
	irq_at = f->ip;
	count++;
	lapic_eoi();
	return true;
}

static void pend(void)
{
	count = 0;
	irq_at = 0;
	lapic_ipi((uint8_t)(lapic_read(LAPIC_ID) >> 24), 0x51);
	pass_ticks(100);
}

static void shadows(void)
{
	uintptr_t want;

	trap_hook_set(0x51, on_irq);
	pend();
	verify("held-by-if", count, 0);
	ASM("lea 1f(%%rip), %0; sti; nop; 1: nop; nop; cli" : "=&r"(want) : : "memory");
	verify("sti-shadow", irq_at, want);
	pend();
	ASM("sti; cli" : : : "memory");
	verify("sti-cli", count, 0);
	ASM("lea 1f(%%rip), %0; pushfq; orl $0x200, (%%rsp); popfq; 1: nop; nop; cli"
	    : "=&r"(want)
	    :
	    : "memory");
	verify("popf-no-shadow", irq_at, want);
	pend();
	ASM("mov %%ss, %%ecx; lea 1f(%%rip), %0; sti; mov %%ecx, %%ss; nop; 1: cli"
	    : "=&r"(want)
	    :
	    : "rcx", "memory");
	verify("sti-mov-ss", count, 1);
	pend();
	while (!count)
		ASM("sti; hlt; cli" : : : "memory");
	verify("sti-hlt", count, 1);
	trap_idt[0x51].type = 0x8f; /* a trap gate */
	trap_hook_set(0x51, NULL);
	pend();
	TRAPS("trap-gate", 0x51, 0, sti(); pass_ticks(PM_HZ / 10));
	verify("trap-gate-if-in-frame", trap.frame.flags & FL_IF, FL_IF);
	lapic_eoi();
	trap_idt[0x51].type = 0x8e;
	pend();
	trap_idt[0x51].type = 0x0e;
	TRAPS("np-gate-external", NP, 0x51 * 8 + 3, sti(); pass_ticks(PM_HZ / 10));
	trap_idt[0x51].type = 0x8e;
	lapic_eoi();
	trap_hook_set(0x51, on_irq); /* whatever is still to come */
	sti();
	pass_ticks(PM_HZ / 1000);
	cli();
}

static void send_nmi(void)
{
	lapic_ipi((uint8_t)(lapic_read(LAPIC_ID) >> 24), 0x400);
	pass_ticks(100);
}

static volatile uint32_t nmis, deepest, depth;

static bool on_nmi(struct trap_frame *f)
{
	nmis++;
	if (++depth > deepest)
		deepest = depth;
	if (nmis == 1) {
		send_nmi();
		send_nmi(); /* one is remembered */
	}
	depth--;
	return true;
}

static void nmi(void)
{
	trap_hook_set(NMI, on_nmi);
	send_nmi();
	verify("nmi-count", nmis, 2);
	verify("nmi-not-nested", deepest, 1);
	trap_hook_set(NMI, NULL);
	TRAPS("nmi", NMI, 0, send_nmi());
	nmis = 1;
	trap_hook_set(NMI, on_nmi);
	send_nmi(); /* the way back was no IRET: still blocked */
	verify("nmi-blocked", nmis, 1);
	ASM("mov %%ss, %%eax; push %%rax; lea 8(%%rsp), %%rcx; push %%rcx; pushfq; mov %%cs, %%eax;"
	    "push %%rax; lea 1f(%%rip), %%rax; push %%rax; iretq; 1:"
	    :
	    :
	    : "rax", "rcx", "memory");
	pass_ticks(100);
	verify("nmi-after-iret", nmis, 2);
}

/* --- coprocessors ----------------------------------------------------------------------------- */

static void coprocessors(void)
{
	uintptr_t cr0 = get_cr0(), cr4 = get_cr4();
	static const uint16_t cw = 0x37b; /* division by zero is not masked */
	static const uint32_t csr = 0x1f80, loud = 0x1d80;

	set_cr0(cr0 | CR0_TS);
	TRAPS("nm-x87-ts", NM, 0, ASM("fnop"));
	TRAPS("nm-wait-without-mp", NONE, 0, ASM("fwait"));
	set_cr0(cr0 | CR0_TS | CR0_MP);
	TRAPS("nm-wait-with-mp", NM, 0, ASM("fwait"));
	set_cr4(cr4 | CR4_OSFXSR | CR4_OSXMMEXCPT);
	TRAPS("nm-sse-ts", NM, 0, ASM("xorps %xmm0, %xmm0"));
	ASM("clts");
	TRAPS("clts", NONE, 0, ASM("fnop; xorps %xmm0, %xmm0"));
	set_cr0(cr0 | CR0_EM);
	TRAPS("nm-x87-em", NM, 0, ASM("fnop"));
	TRAPS("ud-sse-em", UD, 0, ASM("xorps %xmm0, %xmm0"));
	set_cr0((cr0 | CR0_NE) & ~(uintptr_t)CR0_EM);
	TRAPS("mf", MF, 0, ASM("fninit; fldcw %0; fld1; fldz; fdivrp; fwait" : : "m"(cw)));
	TRAPS("mf-again", MF, 0, ASM("fld1"));
	TRAPS("mf-not-by-fn", NONE, 0, ASM("fnclex; fld1; fninit"));
	TRAPS("xm", XM, 0,
	      ASM("ldmxcsr %0; xorps %%xmm0, %%xmm0; xorps %%xmm1, %%xmm1; cmpeqps %%xmm1, %%xmm1; psrld $31, %%xmm1; cvtdq2ps %%xmm1, %%xmm1; divps %%xmm0, %%xmm1"
		  :
		  : "m"(loud)));
	set_cr4(cr4 | CR4_OSFXSR);
	TRAPS("ud-for-xm", UD, 0, ASM("divps %xmm0, %xmm1"));
	TRAPS("xm-masked", NONE, 0, ASM("ldmxcsr %0; divps %%xmm0, %%xmm1" : : "m"(csr)));
	TRAPS("gp-mxcsr", GP, 0, ASM("push $-1; ldmxcsr (%%rsp)" : : : "memory"));
	set_cr4(cr4 & ~(uintptr_t)CR4_OSFXSR);
	TRAPS("ud-sse-without-osfxsr", UD, 0, ASM("xorps %xmm0, %xmm0"));
	set_cr4(cr4);
	set_cr0(cr0);
}

/* --- double faults, gates, stacks ------------------------------------------------------------- */

static bool on_ist(void)
{
	return trap.frame_at >= (uintptr_t)trap_ist &&
	       trap.frame_at < (uintptr_t)trap_ist + sizeof(trap_ist);
}

static void double_faults(void)
{
	trap_idt[GP].type = 0x0e;
	TRAPS("df-np-in-gp", DF, 0, read8(0x800000000000));
	verify("df-stack", on_ist(), 1);
	TRAPS("np-in-ud", NP, UD * 8 + 3, trap_idt[UD].type = 0x0e; ASM("ud2"));
	trap_idt[UD].type = 0x8e;
	trap_idt[GP].type = 0x8e;
	trap_idt[PF].type = 0x0e;
	TRAPS("df-np-in-pf", DF, 0, read8(0x3ffffffff000));
	trap_idt[PF].type = 0x8e;
	trap_idt[PF].sel = 0x7f0;
	TRAPS("df-gp-in-pf", DF, 0, read8(0x3ffffffff000));
	trap_idt[PF].sel = SEL_CODE;
	TRAPS("df-pf-in-pf", DF, 0,
	      ASM("mov %0, %%rsp; push %%rax"
		  :
		  : "r"(0x3ffffffff000)
		  : "memory"));
	trap_idt[UD].sel = SEL_DATA;
	TRAPS("gp-handler-is-data", GP, SEL_DATA + 1, ASM("ud2"));
	trap_idt[UD].sel = SEL_CODE32;
	TRAPS("gp-handler-is-32-bit", GP, SEL_CODE32 + 1, ASM("ud2"));
	trap_idt[UD].sel = 0;
	TRAPS("gp-handler-null", GP, 1, ASM("ud2"));
	trap_idt[UD].sel = SEL_CODE;
	trap_idt[UD].type = 0x8c; /* a call gate */
	TRAPS("gp-gate-type", GP, UD * 8 + 3, ASM("ud2"));
	trap_idt[UD].type = 0x8e;
	trap_idt_load(16 * 0x40 - 1);
	TRAPS("gp-idt-limit", GP, 0x41 * 8 + 2, ASM("int $0x41"));
	trap_idt_load(sizeof(trap_idt) - 1);
	trap_idt[0x41].type = 0x0e;
	TRAPS("np-int-n", NP, 0x41 * 8 + 2, ASM("int $0x41"));
	trap_idt[0x41].type = 0x8e;
	trap_idt[UD].ist = 1;
	TRAPS("ist", UD, 0, ASM("ud2"));
	verify("ist-used", on_ist(), 1);
	trap_idt[UD].ist = 0;
	TRAPS("stack-aligned", UD, 0, ASM("sub $5, %rsp; ud2"));
	verify("stack-aligned-to-16", trap.frame_at & 15, 0);
}

void guest(uint32_t magic, uintptr_t info)
{
	trap_init();
	pic_mask_all();
	lapic_enable();
	coprocessors();
	double_faults();
	shadows();
	nmi();
	stepping();
	data_breakpoints();
	exec_breakpoints();
}
