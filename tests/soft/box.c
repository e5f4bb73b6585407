// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the native side: the sandbox's mappings, the way into an instruction with a whole user state
 * and out of it again, the signals that stand for exceptions.  Never judges what comes out.
 */
#include "box.h"

#include <asm/ldt.h>
#include <asm/prctl.h>
#include <cpuid.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "cpu/state.h"

#define SIGNAL_STACK 0x10000u
#define BOX_GATE 0x20050000u
#define BOX_GATE_SIZE 0x1000u
enum { HOST_CS = 0x33, HOST_CS32 = 0x23, HOST_LDT0 = 7 }; /* Linux's */
/* CPUID.1:ECX: SSE3, PCLMULQDQ, SSSE3, CX16, SSE4.1, SSE4.2, MOVBE, POPCNT, AES */
#define NEEDED_ECX 0x02d82203u

struct box_rt {
	struct state in, out;
	uint64_t host_rsp, exit[2];
	uint32_t mxcsr, taken;
	uint64_t entry; /* where box_enter ends */
	struct {
		uint32_t eip;
		uint16_t cs;
	} far;
	bool armed, narrow;
	sigjmp_buf back;
	uint16_t cs;        /* of the exception */
	uint16_t ds;        /* what DS and ES are */
	void *signal_stack; /* elsewhere: RSP must never lead into it by chance */
};
_Static_assert(offsetof(struct state, gpr) == 512 && offsetof(struct state, flags) == 648 &&
		       sizeof(struct state) == 704 && offsetof(struct box_rt, host_rsp) == 1408 &&
		       offsetof(struct box_rt, entry) == 1440 &&
		       offsetof(struct box_rt, far) == 1448,
	       "the assembly below");

void box_enter(void) __attribute__((visibility("hidden")));
void box_far(void) __attribute__((visibility("hidden")));
void box_exit_0(void) __attribute__((visibility("hidden")));
void box_exit_1(void) __attribute__((visibility("hidden")));

/* All registers are the instruction's: memory is reached by absolute addresses (BOX_RT). */
__asm__(".pushsection .text\n"
	".set RT, 0x20040000\n"
	".set OUT, RT + 704\n"
	".set HOST_RSP, RT + 1408\n"
	".set MXCSR, RT + 1432\n"
	".set TAKEN, RT + 1436\n"
	".set ENTRY, RT + 1440\n"
	".set FAR, RT + 1448\n"
	".type box_enter, @function\n"
	"box_enter:\n"
	"	push %rbx\n	push %rbp\n"
	"	push %r12\n	push %r13\n	push %r14\n	push %r15\n"
	"	mov %rsp, HOST_RSP\n"
	"	fxrstor64 RT\n"
	"	pushq RT + 648\n"
	"	popfq\n"
	"	mov RT + 512, %rax\n	mov RT + 520, %rcx\n"
	"	mov RT + 528, %rdx\n	mov RT + 536, %rbx\n"
	"	mov RT + 544, %rsp\n	mov RT + 552, %rbp\n"
	"	mov RT + 560, %rsi\n	mov RT + 568, %rdi\n"
	"	mov RT + 576, %r8\n	mov RT + 584, %r9\n"
	"	mov RT + 592, %r10\n	mov RT + 600, %r11\n"
	"	mov RT + 608, %r12\n	mov RT + 616, %r13\n"
	"	mov RT + 624, %r14\n	mov RT + 632, %r15\n"
	"	jmp *ENTRY\n"
	"box_far:\n"
	"	ljmp *FAR\n"
	"box_exit_1:\n"
	"	movl $1, TAKEN\n"
	"box_exit_0:\n"
	"	mov %rsp, OUT + 544\n"
	"	mov HOST_RSP, %rsp\n"
	"	pushfq\n"
	"	popq OUT + 648\n"
	"	mov %rax, OUT + 512\n	mov %rcx, OUT + 520\n"
	"	mov %rdx, OUT + 528\n	mov %rbx, OUT + 536\n"
	"	mov %rbp, OUT + 552\n"
	"	mov %rsi, OUT + 560\n	mov %rdi, OUT + 568\n"
	"	mov %r8, OUT + 576\n	mov %r9, OUT + 584\n"
	"	mov %r10, OUT + 592\n	mov %r11, OUT + 600\n"
	"	mov %r12, OUT + 608\n	mov %r13, OUT + 616\n"
	"	mov %r14, OUT + 624\n	mov %r15, OUT + 632\n"
	"	fxsave64 OUT\n"
	"	cld\n"
	"	fninit\n"
	"	ldmxcsr MXCSR\n"
	"	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n"
	"	pop %rbp\n	pop %rbx\n"
	"	ret\n"
	".size box_enter, . - box_enter\n"
	".popsection\n");

static struct box_rt *rt(void)
{
	return (struct box_rt *)(uintptr_t)BOX_RT;
}

/* jmp *rt->exit[which], by its absolute address */
static void put_jump(uint8_t *code, unsigned which)
{
	static const uint8_t jmp[3] = {0xff, 0x24, 0x25};
	uint32_t at = BOX_RT + (uint32_t)offsetof(struct box_rt, exit) + 8 * which;

	memcpy(code, jmp, 3);
	memcpy(code + 3, &at, 4);
}

/* From 32-bit code: ljmp to such a jump in BOX_GATE, for the program itself is above 4 GiB. */
void box_put_exit(uint8_t *code, unsigned which)
{
	uint32_t gate = BOX_GATE + 16 * which;
	uint16_t cs = HOST_CS;

	if (!rt()->narrow) {
		put_jump(code, which);
		return;
	}
	code[0] = 0xea;
	memcpy(code + 1, &gate, 4);
	memcpy(code + 5, &cs, 2);
}

/* --- exceptions --- */

/* The order of the general registers in an instruction. */
static const uint8_t greg[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
				 REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
				 REG_R12, REG_R13, REG_R14, REG_R15};

static void on_signal(int sig, siginfo_t *info, void *context)
{
	const mcontext_t *m = &((const ucontext_t *)context)->uc_mcontext;
	struct state *s = &rt()->out;

	if (!rt()->armed) { /* not ours: again, and die of it */
		signal(sig, SIG_DFL);
		return;
	}
	memcpy(&s->fx, m->fpregs, sizeof(s->fx));
	for (unsigned i = 0; i < 16; i++)
		s->gpr[i] = (uint64_t)m->gregs[greg[i]];
	s->rip = (uint64_t)m->gregs[REG_RIP];
	s->flags = (uint64_t)m->gregs[REG_EFL];
	s->vector = (int32_t)m->gregs[REG_TRAPNO];
	s->error = (uint32_t)m->gregs[REG_ERR];
	s->cr2 = s->vector == X86_PAGE ? (uint64_t)m->gregs[REG_CR2] : 0;
	rt()->cs = (uint16_t)m->gregs[REG_CSGSFS];
	siglongjmp(rt()->back, 1);
}

static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};

static void take_signals(void)
{
	struct sigaction a = {.sa_sigaction = on_signal,
			      .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
	stack_t s = {.ss_sp = rt()->signal_stack, .ss_size = SIGNAL_STACK};

	sigaltstack(&s, NULL);
	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &a, NULL);
}

/* --- running --- */

static void enter(void)
{
	struct box_rt *r = rt();

	r->taken = 0;
	r->armed = true;
	if (!sigsetjmp(r->back, 0)) {
		box_enter();
		r->out.vector = BOX_NO_VECTOR;
		r->out.error = 0;
		r->out.cr2 = 0;
	}
	r->armed = false;
}

/* The upper halves are nobody's promise across the modes (SDM 1, 3.4.1.1). */
static void narrow_outcome(struct state *s)
{
	for (unsigned i = 0; i < 16; i++)
		s->gpr[i] = i < 8 ? (uint32_t)s->gpr[i] : 0;
}

static void load_data_segments(uint16_t sel)
{
	__asm__ volatile("mov %0, %%ds\n	mov %0, %%es" : : "r"((uint32_t)sel));
	rt()->ds = sel;
}

void box_run(const struct state *in, struct state *out, uint64_t behind, uint64_t there)
{
	struct box_rt *r = rt();

	r->in = *in;
	r->entry = r->narrow ? (uintptr_t)box_far : in->rip;
	r->far.eip = (uint32_t)in->rip;
	r->cs = 0;
	if (r->narrow && r->ds != in->ds)
		load_data_segments(in->ds);
	enter();
	*out = r->out;
	if (r->narrow)
		narrow_outcome(out);
	if (out->vector == BOX_NO_VECTOR)
		out->rip = r->taken ? there : behind;
}

/* --- the sandbox --- */

static bool map(uint64_t va, size_t size, int prot)
{
	return mmap(box_ptr(va), size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
	       MAP_FAILED;
}

static bool has_features(void)
{
	unsigned a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d))
		return false;
	return (c & NEEDED_ECX) == NEEDED_ECX;
}

const char *box_open(void)
{
	const int rw = PROT_READ | PROT_WRITE;

	if (!has_features())
		return "this CPU lacks one of SSE4.2, AES, PCLMULQDQ, MOVBE, POPCNT, CMPXCHG16B";
	if (mmap(box_ptr(BOX_BASE), BOX_SIZE, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != box_ptr(BOX_BASE))
		return "the addresses of the sandbox are in use";
	if (!map(BOX_CODE, BOX_CODE_SIZE, rw | PROT_EXEC))
		return "no memory that is writable and executable";
	if (!map(BOX_DATA, BOX_DATA_SIZE + BOX_RO_SIZE, rw) ||
	    !map(BOX_STACK, BOX_STACK_SIZE, rw) || !map(BOX_RT, sizeof(struct box_rt), rw) ||
	    !map(BOX_GATE, BOX_GATE_SIZE, rw | PROT_EXEC))
		return "no memory";
	if (syscall(SYS_arch_prctl, ARCH_SET_GS, BOX_GS_BASE))
		return "the base of GS cannot be set";
	rt()->signal_stack = mmap(NULL, SIGNAL_STACK, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (rt()->signal_stack == MAP_FAILED)
		return "no memory for signals";
	rt()->mxcsr = 0x1f80;
	rt()->exit[0] = (uintptr_t)box_exit_0;
	rt()->exit[1] = (uintptr_t)box_exit_1;
	take_signals();
	return NULL;
}

void box_protect(void)
{
	mprotect(box_ptr(BOX_RO), BOX_RO_SIZE, PROT_READ);
}

/* --- 32-bit code --- */

/* The data as a segment of the LDT, if the kernel has one for us. */
static uint16_t low_segment(void)
{
	struct user_desc d = {
		.base_addr = BOX_LOW_BASE, .limit = BOX_LOW_LIMIT, .seg_32bit = 1, .useable = 1};
	uint16_t sel = syscall(SYS_modify_ldt, 1, &d, sizeof(d)) ? 0 : HOST_LDT0;

	__asm__ volatile("mov %0, %%gs" : : "r"(sel));
	return sel;
}

/* Nothing but the way in and out, then a fault behind the way in. */
static bool narrow_works(void)
{
	struct state s = {.rip = BOX_CODE, .flags = 0x202}, out;

	__asm__ volatile("fxsave64 %0" : "=m"(s.fx));
	box_put_exit(box_ptr(BOX_CODE), 0);
	box_run(&s, &out, BOX_CODE, 0);
	if (out.vector != BOX_NO_VECTOR)
		return false;
	memset(box_ptr(BOX_CODE), 0xcc, BOX_EXIT_BYTES);
	box_run(&s, &out, BOX_CODE, 0);
	return out.vector == X86_BP && out.rip == BOX_CODE + 1 && rt()->cs == HOST_CS32;
}

const char *box_narrow(uint16_t *low)
{
	for (unsigned n = 0; n < 2; n++)
		put_jump(box_ptr(BOX_GATE + 16 * n), n);
	rt()->narrow = true;
	rt()->far.cs = HOST_CS32;
	if (!narrow_works())
		return "this host executes no 32-bit code";
	*low = low_segment();
	return NULL;
}

void box_close(void)
{
	stack_t none = {.ss_flags = SS_DISABLE};

	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
	sigaltstack(&none, NULL);
	munmap(rt()->signal_stack, SIGNAL_STACK);
	munmap(box_ptr(BOX_BASE), BOX_SIZE);
}
