// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Task switches by JMP, CALL, IRET and through a task gate (a double fault among them), and
 * virtual-8086 mode.  SDM 3A, chapter 7; 3B, chapter 20.
 */
#include "kit/trap.h"

enum {
	TSS_A = SEL_FREE,
	TSS_B = SEL_FREE + 8,
	TASK_GATE = SEL_FREE + 16,
	TSS_SHORT = SEL_FREE + 24
};

#define NO_TASKS "the emulator has no task switches"
#define NO_V86 "the emulator has no IRET in protected mode"

const struct gap kvm_gaps[] = {
	{"task-jmp", NO_TASKS},
	{"task-jmp-ecx", NO_TASKS},
	{"task-jmp-ts", NO_TASKS},
	{"task-jmp-tr", NO_TASKS},
	{"task-jmp-saved-ecx", NO_TASKS},
	{"task-jmp-goes-on", NO_TASKS},
	{"task-jmp-second", NO_TASKS},
	{"task-call", NO_TASKS},
	{"task-call-nt", NO_TASKS},
	{"task-call-link", NO_TASKS},
	{"task-gate-call", NO_TASKS},
	{"task-gate-call-goes-on", NO_TASKS},
	{"task-busy", NO_TASKS},
	{"task-short", NO_TASKS},
	{"task-not-present", NO_TASKS},
	{"task-bad-ss", NO_TASKS},
	{"task-gate-int", NO_TASKS},
	{"task-gate-int-nt", NO_TASKS},
	{"task-gate-df", NO_TASKS},
	{"task-gate-df-error", NO_TASKS},
	{"task-gate-df-saw", NO_TASKS},
	{"task-gate-df-link", NO_TASKS},
	{"v86", NO_V86},
	{"v86-ax", NO_V86},
	{"v86-flags", NO_V86},
	{"v86-cs-ip", NO_V86},
	{"v86-segments", NO_V86},
	{"v86-es", NO_V86},
	{"v86-reads", NO_V86},
	{"v86-reads-al", NO_V86},
	{"v86-ds", NO_V86},
	{"v86-cli", NO_V86},
	{"v86-pushf", NO_V86},
	{"v86-iret", NO_V86},
	{"v86-int", NO_V86},
	{"v86-int3", NO_V86},
	{"v86-cli-iopl-3", NO_V86},
	{"v86-int-iopl-3", NO_V86},
	{"v86-in", NO_V86},
	{"v86-hlt", NO_V86},
	{"v86-mov-cr0", NO_V86},
	{"v86-lar", NO_V86},
	{"v86-far-jump", NO_V86},
	{"v86-far-jump-cs", NO_V86},
	{"v86-limit", NO_V86},
	{NULL, NULL},
};

struct tss {
	uint32_t link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, ip, flags;
	uint32_t ax, cx, dx, bx, sp, bp, si, di;
	uint32_t es, cs, ss, ds, fs, gs, ldt, map;
};
static struct tss other, home;
static uint8_t other_stack[4096];

extern volatile uint32_t task_saw[8]; /* named in the text below */
volatile uint32_t task_saw[8];
extern const uint8_t task_jumps[], task_irets[], task_faults[], task_ud[];
/* ECX says where from; each notes what it finds. */
__asm__(".text;"
	"task_jumps: movl %ecx, task_saw; pushfl; popl task_saw + 4; movl %cr0, %eax; movl %eax, task_saw + 8;"
	"str %eax; movl %eax, task_saw + 12; incl %ecx; ljmpl $0xb0, $0; jmp task_jumps;"
	"task_irets: movl %ecx, task_saw; pushfl; popl task_saw + 4; iretl; incl %ecx; jmp task_irets;"
	"task_faults: popl task_saw; pushfl; popl task_saw + 4; movl $0x55, task_saw + 8; clts; int $0x80;"
	"task_ud: ud2");

static void new_task(const uint8_t *code)
{
	memset(&other, 0, sizeof(other));
	other.ip = (uint32_t)(uintptr_t)code;
	other.flags = 2;
	other.cx = 0x1000;
	other.sp = (uint32_t)(uintptr_t)other_stack + sizeof(other_stack);
	other.es = other.ss = other.ds = SEL_DATA;
	other.cs = SEL_CODE;
	other.map = 0x68 << 16;
	gdt_set(TSS_B, descriptor((uint32_t)(uintptr_t)&other, 0x67, 0x89));
}

static unsigned type_of(unsigned sel)
{
	return ((volatile uint64_t *)trap_gdt)[sel / 8] >> 40 & 15;
}

static void jumps(void)
{
	memset(&home, 0, sizeof(home));
	gdt_set(TSS_A, descriptor((uint32_t)(uintptr_t)&home, 0x67, 0x89));
	TRAPS("ltr", NONE, 0, ASM("ltr %w0" : : "r"(TSS_A)));
	verify("ltr-busy", type_of(TSS_A), 11);
	new_task(task_jumps);
	TRAPS("task-jmp", NONE, 0, ASM("ljmpl $0xb8, $0" : : : "memory"));
	verify("task-jmp-ecx", task_saw[0], 0x1000);
	verify("task-jmp-flags", task_saw[1] & (FL_NT | FL_IF), 0);
	verify("task-jmp-ts", task_saw[2] & CR0_TS, CR0_TS);
	verify("task-jmp-tr", task_saw[3], TSS_B);
	verify("task-jmp-back-busy", type_of(TSS_A) << 4 | type_of(TSS_B), 0xb9);
	verify("task-jmp-saved-ecx", other.cx, 0x1001);
	verify("task-jmp-link", other.link, 0);
	TRAPS("task-jmp-goes-on", NONE, 0, ASM("ljmpl $0xb8, $0" : : : "memory"));
	verify("task-jmp-second", task_saw[0], 0x1001);
	ASM("clts");
}

static void calls(void)
{
	new_task(task_irets);
	TRAPS("task-call", NONE, 0, ASM("lcall $0xb8, $0" : : : "memory"));
	verify("task-call-nt", task_saw[1] & FL_NT, FL_NT);
	verify("task-call-link", other.link, TSS_A);
	verify("task-call-busy", type_of(TSS_A) << 4 | type_of(TSS_B), 0xb9);
	verify("task-call-nt-saved", other.flags & FL_NT, 0);
	gdt_set(TASK_GATE, (uint64_t)TSS_B << 16 | (uint64_t)0x85 << 40);
	TRAPS("task-gate-call", NONE, 0, ASM("lcall $0xc0, $0" : : : "memory"));
	verify("task-gate-call-goes-on", task_saw[0], 0x1001);
	ASM("clts");
	TRAPS("task-busy", GP, TSS_A, ASM("ljmpl $0xb0, $0"));
	gdt_set(TSS_SHORT, descriptor((uint32_t)(uintptr_t)&other, 0x66, 0x89));
	TRAPS("task-short", TS, TSS_SHORT, ASM("ljmpl $0xc8, $0"));
	gdt_set(TSS_SHORT, descriptor((uint32_t)(uintptr_t)&other, 0x67, 0x09));
	TRAPS("task-not-present", NP, TSS_SHORT, ASM("ljmpl $0xc8, $0"));
	new_task(task_ud);
	other.ss = SEL_CODE;
	TRAPS("task-bad-ss", TS, SEL_CODE, ASM("ljmpl $0xb8, $0"));
}

/* The machine's own task again, whatever runs. */
static void at_home(void)
{
	gdt_set(TSS_A, descriptor((uint32_t)(uintptr_t)&home, 0x67, 0x89));
	ASM("ltr %w0" : : "r"(TSS_A));
	ASM("clts");
}

static void gates(void)
{
	at_home();
	new_task(task_faults);
	trap_idt[0x41].sel = TSS_B;
	trap_idt[0x41].type = 0x85;
	TRAPS("task-gate-int", BACK, 0, ASM("int $0x41"));
	verify("task-gate-int-nt", task_saw[1] & FL_NT, FL_NT);
	at_home();
	new_task(task_faults);
	trap_idt[DF].sel = TSS_B;
	trap_idt[DF].type = 0x85;
	trap_idt[UD].type = 0x0e;
	trap_idt[NP].type = 0x0e;
	task_saw[0] = 0xff;
	TRAPS("task-gate-df", BACK, 0, ASM("ud2"));
	verify("task-gate-df-error", task_saw[0], 0);
	verify("task-gate-df-saw", task_saw[2], 0x55);
	verify("task-gate-df-link", other.link, TSS_A);
	trap_idt[UD].type = trap_idt[NP].type = 0x8e;
	at_home();
}

/* --- virtual-8086 mode ------------------------------------------------------------------------ */

static void v86(unsigned iopl, const uint8_t *code, unsigned n)
{
	memcpy((void *)0x9000, code, n);
	ASM("pushl $0x34; pushl $0x33; pushl $0x900; pushl $0x31; pushl $0x900; pushl $0xff0;"
	    "pushl %0; pushl $0x900; pushl $0; iretl"
	    :
	    : "r"(FL_VM | iopl << 12 | 2)
	    : "memory");
}

#define V86(name, vector, error, iopl, ...)                                    \
	do {                                                                   \
		static const uint8_t bytes_[] = {__VA_ARGS__, 0x0f, 0x0b};     \
		TRAPS(name, vector, error, v86(iopl, bytes_, sizeof(bytes_))); \
	} while (0)

static void virtual(void)
{
	V86("v86", UD, 0, 0, 0xb8, 0x34, 0x12); /* mov $0x1234, %ax */
	verify("v86-ax", trap.frame.ax & 0xffff, 0x1234);
	verify("v86-flags", trap.frame.flags & FL_VM, FL_VM);
	verify("v86-cs-ip", trap.frame.cs << 16 | trap.frame.ip, 0x9000003);
	verify("v86-segments", trap.frame.v_gs << 8 | (trap.frame.v_ds & 0xff), 0x3400);
	verify("v86-es", trap.frame.v_es, 0x31);
	verify("v86-data-nulled", trap.frame.ds | trap.frame.es, 0);
	V86("v86-reads", UD, 0, 0, 0xa0, 0, 0, 0x8c, 0xd9); /* mov 0, %al; mov %ds, %cx */
	verify("v86-reads-al", trap.frame.ax & 0xff, 0xa0);
	verify("v86-ds", trap.frame.cx & 0xffff, 0x900);
	V86("v86-cli", GP, 0, 0, 0xfa);
	V86("v86-pushf", GP, 0, 0, 0x9c);
	V86("v86-iret", GP, 0, 0, 0xcf);
	V86("v86-int", GP, 0, 0, 0xcd, 0x80);
	V86("v86-int3", BP, 0, 0, 0xcc);
	V86("v86-cli-iopl-3", UD, 0, 3, 0xfa);
	V86("v86-int-iopl-3", BACK, 0, 3, 0xcd, 0x80);
	V86("v86-in", GP, 0, 3, 0xe4, 0x80);
	V86("v86-hlt", GP, 0, 3, 0xf4);
	V86("v86-mov-cr0", GP, 0, 3, 0x0f, 0x20, 0xc0);
	V86("v86-lar", UD, 0, 3, 0x0f, 0x02, 0xc0);
	V86("v86-far-jump", UD, 0, 0, 0xea, 0x15, 0x00, 0xff, 0x08);
	verify("v86-far-jump-cs", trap.frame.cs, 0x8ff);
	V86("v86-limit", GP, 0, 0, 0xbb, 0xff, 0xff, 0x8b, 0x07); /* mov 0xffff, %ax as a word */
}

void guest(uint32_t magic, uintptr_t info)
{
	trap_init();
	jumps();
	calls();
	gates();
	trap_init();
	virtual();
}
