// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fast system calls, the bases of FS and GS, and what ring 3 may and may not: IOPL, the map of I/O
 * permissions, privileged instructions.  SDM 2B; SDM 1, 19.5.
 */
#include "kit/trap.h"

#define CROOKED 0x800000000000ull
#define MSR_SYSENTER_CS 0x174
#define MSR_STAR 0xc0000081u
#define MSR_LSTAR 0xc0000082u
#define MSR_FMASK 0xc0000084u
#define MSR_FS_BASE 0xc0000100u
#define MSR_GS_BASE 0xc0000101u
#define MSR_KERNEL_GS 0xc0000102u

#define NO_INT "the emulator has no INT n in protected and long mode"

const struct gap kvm_gaps[] = {
	{"ring3-int-gate", NO_INT},
	{"ring3-int-allowed", NO_INT},
	{"tsd-rdtsc", "this host does not trap RDTSC"},
	{"iopl-3-in", "this host runs ring 3 with IOPL 0"},
	{"iopl-3-cli", "this host runs ring 3 with IOPL 0"},
	{"iopl-3-cli-if", "this host runs ring 3 with IOPL 0"},
	{"iopl-3-popf-if", "this host runs ring 3 with IOPL 0"},
	{"rdfsbase-off", "this host lets RDFSBASE through"},
	{"syscall-cs", "this host emulates SYSCALL for its own use"},
	{"syscall-ss", "this host emulates SYSCALL for its own use"},
	{"syscall-r11", "this host emulates SYSCALL for its own use"},
	{"syscall-flags", "this host emulates SYSCALL for its own use"},
	{"sysretl-cs", "this host emulates SYSCALL for its own use"},
	{"sysretl-is-32-bit", "this host emulates SYSCALL for its own use"},
	{"sysenter-without-cs", "this host has no SYSENTER in long mode"},
	{"sysenter-rip", "this host has no SYSENTER in long mode"},
	{"sysenter-rsp", "this host has no SYSENTER in long mode"},
	{"sysenter-cs", "this host has no SYSENTER in long mode"},
	{"sysenter-ss", "this host has no SYSENTER in long mode"},
	{NULL, NULL},
};

static uint64_t cell[2] = {0x1111, 0x2222};

/* The first 2 MiB, where all of the image is, are open to ring 3. */
static void open_image(void)
{
	uint64_t *level = (uint64_t *)get_cr3();

	for (int i = 0; i < 3; i++) {
		*(volatile uint64_t *)level |= 4;
		level = (uint64_t *)(*level & ~0xfffull);
	}
	set_cr3(get_cr3());
}

/* Run the text at ring 3, up to its UD2. */
#define USER_FLAGS(flags, text)                                                               \
	ASM("lea 1f(%%rip), %%rdi; mov $0x43, %%esi; mov %0, %%rdx; jmp trap_ring3; 1: " text \
	    "; ud2"                                                                           \
	    :                                                                                 \
	    : "r"((uint64_t)(flags))                                                          \
	    : "rdi", "rsi", "rdx", "memory")
#define USER(text) USER_FLAGS(2, text)

/* --- SYSCALL ---------------------------------------------------------------------------------- */

extern const uint8_t system_entry[], after_syscall[];
__asm__(".text; system_entry: ud2");

static void syscall_in(void)
{
	TRAPS("syscall-without-sce", UD, 0, USER("syscall"));
	verify("syscall-without-sce-ring", trap.frame.cs, SEL_UCODE64);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 1);
	wrmsr(MSR_STAR, (uint64_t)SEL_UCODE32 << 48 | (uint64_t)SEL_CODE << 32);
	wrmsr(MSR_LSTAR, (uintptr_t)system_entry);
	wrmsr(MSR_FMASK, FL_CF | FL_DF);
	TRAPS("syscall", UD, 0,
	      USER_FLAGS(FL_CF | FL_DF | FL_ZF | 2, "syscall; after_syscall: nop"));
	verify("syscall-rip", trap.frame.ip, (uintptr_t)system_entry);
	verify("syscall-cs", trap.frame.cs, SEL_CODE);
	verify("syscall-ss", trap.frame.ss, SEL_DATA);
	verify("syscall-rcx", trap.frame.cx, (uintptr_t)after_syscall);
	verify("syscall-r11", trap.frame.r11, FL_CF | FL_DF | FL_ZF | 2);
	verify("syscall-flags", trap.frame.flags & ~(uint64_t)FL_RF, FL_ZF | 2);
	verify("syscall-rsp", trap.frame.sp, (uintptr_t)trap_user_stack + sizeof(trap_user_stack));
}

static void sysret(void)
{
	TRAPS("sysret", UD, 0,
	      ASM("lea 1f(%%rip), %%rcx; mov $0x246, %%r11d; sysretq; 1: ud2"
		  :
		  :
		  : "rcx", "r11"));
	verify("sysret-cs", trap.frame.cs, SEL_UCODE64);
	verify("sysret-ss", trap.frame.ss, SEL_UDATA);
	verify("sysret-flags", trap.frame.flags & ~(uint64_t)FL_RF, 0x246);
	TRAPS("sysretl", UD, 0,
	      ASM("lea 1f(%%rip), %%rcx; mov $2, %%r11d; sysretl; 1: xorl %%eax, %%eax; .byte 0x40; ud2"
		  :
		  :
		  : "rax", "rcx", "r11"));
	verify("sysretl-cs", trap.frame.cs, SEL_UCODE32);
	verify("sysretl-is-32-bit", trap.frame.ax, 1);
	TRAPS("sysret-not-canonical", GP, 0,
	      ASM("mov %0, %%rcx; mov $2, %%r11d; sysretq"
		  :
		  : "r"(CROOKED)
		  : "rcx", "r11"));
	TRAPS("sysret-at-ring-3", GP, 0, USER("sysretq"));
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~1ull);
	TRAPS("sysret-without-sce", UD, 0, ASM("sysretq"));
}

/* --- SYSENTER --------------------------------------------------------------------------------- */

static void sysenter(void)
{
	wrmsr(MSR_SYSENTER_CS, 0);
	TRAPS("sysenter-without-cs", GP, 0, USER("sysenter"));
	TRAPS("sysexit-without-cs", GP, 0, ASM(".byte 0x0f, 0x35"));
	wrmsr(MSR_SYSENTER_CS, SEL_FAST);
	wrmsr(MSR_SYSENTER_CS + 1, (uintptr_t)trap_stack + 4096);
	wrmsr(MSR_SYSENTER_CS + 2, (uintptr_t)system_entry);
	TRAPS("sysenter", UD, 0, USER_FLAGS(FL_ZF | 2, "sysenter"));
	verify("sysenter-rip", trap.frame.ip, (uintptr_t)system_entry);
	verify("sysenter-rsp", trap.frame.sp, (uintptr_t)trap_stack + 4096);
	verify("sysenter-cs", trap.frame.cs, SEL_FAST);
	verify("sysenter-ss", trap.frame.ss, SEL_FAST + 8);
	verify("sysenter-flags", trap.frame.flags & ~(uint64_t)FL_RF, FL_ZF | 2);
	TRAPS("sysexitq", UD, 0,
	      ASM("lea 1f(%%rip), %%rdx; mov %0, %%rcx; .byte 0x48, 0x0f, 0x35; 1: ud2"
		  :
		  : "r"(trap_user_stack + 512)
		  : "rcx", "rdx"));
	verify("sysexitq-cs", trap.frame.cs, SEL_FAST + 32 + 3);
	verify("sysexitq-ss", trap.frame.ss, SEL_FAST + 40 + 3);
	verify("sysexitq-rsp", trap.frame.sp, (uintptr_t)trap_user_stack + 512);
	TRAPS("sysexit", UD, 0,
	      ASM("lea 1f(%%rip), %%rdx; mov %0, %%rcx; .byte 0x0f, 0x35; 1: xorl %%eax, %%eax; .byte 0x40; ud2"
		  :
		  : "r"(trap_user_stack + 512)
		  : "rax", "rcx", "rdx"));
	verify("sysexit-cs", trap.frame.cs, SEL_FAST + 16 + 3);
	verify("sysexit-is-32-bit", trap.frame.ax, 1);
	TRAPS("sysexit-at-ring-3", GP, 0, USER(".byte 0x0f, 0x35"));
}

/* --- FS and GS -------------------------------------------------------------------------------- */

static uint64_t gs_word(void)
{
	uint64_t v;

	ASM("mov %%gs:0, %0" : "=r"(v));
	return v;
}

static void bases(void)
{
	uint64_t v;

	wrmsr(MSR_GS_BASE, (uintptr_t)&cell[0]);
	wrmsr(MSR_KERNEL_GS, (uintptr_t)&cell[1]);
	check("gs-base", gs_word(), 0x1111);
	TRAPS("swapgs", NONE, 0, ASM("swapgs"));
	verify("swapgs-base", gs_word(), 0x2222);
	verify("swapgs-msr", rdmsr(MSR_KERNEL_GS), (uintptr_t)&cell[0]);
	TRAPS("swapgs-at-ring-3", GP, 0, USER("swapgs"));
	wrmsr(MSR_FS_BASE, (uintptr_t)&cell[1] - 0x1000);
	ASM("mov %%fs:0x1000, %0" : "=r"(v));
	check("fs-base", v, 0x2222);
	ASM(".byte 0x64; lea 0x10, %0" : "=r"(v)); /* an override that means nothing */
	check("lea-has-no-base", v, 0x10);
	gdt_set(SEL_FREE, descriptor((uint32_t)(uintptr_t)&cell[0], 0xfffff, 0xc093));
	ASM("mov %0, %%fs" : : "r"(SEL_FREE));
	check("fs-from-descriptor", rdmsr(MSR_FS_BASE), (uintptr_t)&cell[0]);
	if (!(cpuid(7, 0).b & 1)) {
		skip("fsgsbase", "the CPU has none");
		return;
	}
	TRAPS("rdfsbase-off", UD, 0, ASM("rdfsbase %%rax" : : : "rax"));
	set_cr4(get_cr4() | CR4_FSGSBASE);
	TRAPS("rdfsbase", NONE, 0, ASM("rdfsbase %%rax; mov %%rax, %0" : "=m"(cell[0]) : : "rax"));
	verify("rdfsbase-value", cell[0], (uintptr_t)&cell[0]);
	TRAPS("wrgsbase", NONE, 0, ASM("wrgsbase %0" : : "r"(0x123456789abcull)));
	verify("wrgsbase-value", rdmsr(MSR_GS_BASE), 0x123456789abc);
	TRAPS("wrgsbase-32", NONE, 0, ASM("wrgsbase %k0" : : "r"(0xffff800000001234ull)));
	verify("wrgsbase-32-value", rdmsr(MSR_GS_BASE), 0x1234);
	TRAPS("wrfsbase-not-canonical", GP, 0, ASM("wrfsbase %0" : : "r"(CROOKED)));
	TRAPS("fsgsbase-at-ring-3", UD, 0,
	      USER("mov $0x4321, %%eax; wrfsbase %%rax; rdfsbase %%rcx"));
	verify("fsgsbase-at-ring-3-value", trap.frame.cx, 0x4321);
	set_cr4(get_cr4() & ~(uintptr_t)CR4_FSGSBASE);
}

/* --- ring 3 ----------------------------------------------------------------------------------- */

static void forbidden(void)
{
	TRAPS("ring3", UD, 0, USER("nop"));
	verify("ring3-cs", trap.frame.cs, SEL_UCODE64);
	verify("ring3-ss", trap.frame.ss, SEL_UDATA);
	verify("ring3-stack", trap.frame_at + sizeof(struct trap_frame),
	       (uintptr_t)trap_stack + sizeof(trap_stack));
	TRAPS("ring3-cli", GP, 0, USER("cli"));
	TRAPS("ring3-sti", GP, 0, USER("sti"));
	TRAPS("ring3-hlt", GP, 0, USER("hlt"));
	TRAPS("ring3-in", GP, 0, USER("inb $0x80, %%al"));
	TRAPS("ring3-mov-cr0", GP, 0, USER("mov %%cr0, %%rax"));
	TRAPS("ring3-mov-to-cr3", GP, 0, USER("mov %%rax, %%cr3"));
	TRAPS("ring3-mov-dr7", GP, 0, USER("mov %%dr7, %%rax"));
	TRAPS("ring3-clts", GP, 0, USER("clts"));
	TRAPS("ring3-rdmsr", GP, 0, USER("rdmsr"));
	TRAPS("ring3-wrmsr", GP, 0, USER("wrmsr"));
	TRAPS("ring3-lgdt", GP, 0, USER("lgdt (%%rsp)"));
	TRAPS("ring3-lidt", GP, 0, USER("lidt -16(%%rsp)"));
	TRAPS("ring3-ltr", GP, 0, USER("ltr %%ax"));
	TRAPS("ring3-lldt", GP, 0, USER("lldt %%ax"));
	TRAPS("ring3-lmsw", GP, 0, USER("lmsw %%ax"));
	TRAPS("ring3-invlpg", GP, 0, USER("invlpg -16(%%rsp)"));
	TRAPS("ring3-wbinvd", GP, 0, USER("wbinvd"));
	TRAPS("ring3-invd", GP, 0, USER("invd"));
	TRAPS("ring3-load-kernel-data", GP, SEL_DATA, USER("mov $0x10, %%eax; mov %%eax, %%ds"));
	TRAPS("ring3-null-ss", GP, 0, USER("xor %%eax, %%eax; mov %%eax, %%ss"));
	TRAPS("ring3-int-gate", GP, 0x81 * 8 + 2, USER("int $0x81"));
	TRAPS("ring3-int-allowed", BACK, 0, USER("int $0x80"));
	TRAPS("ring3-int3", BP, 0, USER("int3"));
	TRAPS("ring3-icebp", DB, 0, USER(".byte 0xf1"));
	TRAPS("ring3-iret-inward", GP, SEL_CODE,
	      USER("push $0x10; push %%rsp; pushfq; push $8; push $0; iretq"));
}

static void permitted(void)
{
	set_cr4(get_cr4() | CR4_TSD);
	TRAPS("tsd-rdtsc", GP, 0, USER("rdtsc"));
	TRAPS("tsd-ring-0", NONE, 0, rdtsc());
	set_cr4(get_cr4() & ~(uintptr_t)CR4_TSD);
	TRAPS("rdtsc", UD, 0, USER("rdtsc"));
	trap_tss[0x68 + 0x80 / 8] &= 0xfe;
	TRAPS("io-map-allows", UD, 0, USER("outb %%al, $0x80"));
	TRAPS("io-map-all-of-a-word", GP, 0, USER("outw %%ax, $0x80"));
	TRAPS("io-map-neighbour", GP, 0, USER("outb %%al, $0x81"));
	trap_tss[0x68 + 0x80 / 8] = 0xff;
	TRAPS("iopl-3-in", UD, 0, USER_FLAGS(FL_IOPL | 2, "inb $0x80, %%al"));
	TRAPS("iopl-3-cli", UD, 0, USER_FLAGS(FL_IOPL | FL_IF | 2, "cli"));
	verify("iopl-3-cli-if", trap.frame.flags & FL_IF, 0);
	TRAPS("ring3-popf", UD, 0, USER_FLAGS(FL_IF | 2, "push $0x3002; popfq"));
	verify("ring3-popf-keeps", trap.frame.flags & (FL_IF | FL_IOPL), FL_IF);
	TRAPS("iopl-3-popf", UD, 0, USER_FLAGS(FL_IOPL | FL_IF | 2, "push $2; popfq"));
	verify("iopl-3-popf-if", trap.frame.flags & (FL_IF | FL_IOPL), FL_IOPL);
	TRAPS("ring3-iret-keeps-iopl", UD, 0,
	      USER_FLAGS(
		      FL_IF | 2,
		      "mov %%rsp, %%rax; push $0x3b; push %%rax; push $0x3002; push $0x43; lea 2f(%%rip), %%rax; push %%rax; iretq; 2: nop"));
	verify("ring3-iret-flags", trap.frame.flags & (FL_IF | FL_IOPL), FL_IF);
}

static void umip(void)
{
	TRAPS("sgdt-ring-3", UD, 0,
	      USER("sgdt -32(%%rsp); sidt -32(%%rsp); str %%eax; sldt %%eax; smsw %%eax"));
	if (!(cpuid(7, 0).c >> 2 & 1)) {
		skip("umip", "the CPU has none");
		return;
	}
	set_cr4(get_cr4() | CR4_UMIP);
	TRAPS("umip-sgdt", GP, 0, USER("sgdt -32(%%rsp)"));
	TRAPS("umip-sidt", GP, 0, USER("sidt -32(%%rsp)"));
	TRAPS("umip-str", GP, 0, USER("str %%eax"));
	TRAPS("umip-sldt", GP, 0, USER("sldt %%eax"));
	TRAPS("umip-smsw", GP, 0, USER("smsw %%eax"));
	TRAPS("umip-ring-0", NONE, 0, ASM("smsw %%eax" : : : "eax"));
	set_cr4(get_cr4() & ~(uintptr_t)CR4_UMIP);
}

static void alignment(void)
{
	set_cr0(get_cr0() | CR0_AM);
	TRAPS("ac", AC, 0, USER_FLAGS(FL_AC | 2, "movl -15(%%rsp), %%eax"));
	TRAPS("ac-aligned", UD, 0, USER_FLAGS(FL_AC | 2, "movl -16(%%rsp), %%eax"));
	TRAPS("ac-flag-off", UD, 0, USER_FLAGS(2, "movl -15(%%rsp), %%eax"));
	TRAPS("ac-ring-0", NONE, 0, set_flags(FL_AC | 2); read32((uintptr_t)cell + 1);
	      set_flags(2));
	set_cr0(get_cr0() & ~(uintptr_t)CR0_AM);
}

void guest(uint32_t magic, uintptr_t info)
{
	trap_init();
	open_image();
	forbidden();
	permitted();
	umip();
	bases();
	syscall_in();
	sysret();
	sysenter();
	alignment();
}
