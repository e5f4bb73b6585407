// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cpu/simd_*.c: every form of every row beside the host's execution of the same; then faults.
 */
#include <glib.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "cpu/flags.h"
#include "cpu/simd.h"
#include "cpu/simd_list.h"
#include "tests/unit/fp_edges.h"

#define PAGE 4096u
#define SPAN 64u /* bytes of memory that are compared, at rsi and rdi */

struct fx_image { /* FXSAVE64 (SDM 1, table 10-2) */
	uint16_t fcw, fsw;
	uint8_t tag, zero;
	uint16_t fop;
	uint64_t fip, fdp;
	uint32_t mxcsr, mxcsr_mask;
	uint8_t st[8][16];
	uint8_t xmm[16][16];
	uint8_t rest[96];
} __attribute__((aligned(16)));

struct native {
	struct fx_image fx;
	uint64_t rax, rcx, rdx, rsi, rdi, flags;
};

struct fixture {
	struct x86_cpu *c;
	uint8_t *code, *page;
	uint8_t *mem;    /* the last SPAN bytes of page; what follows cannot be accessed */
	unsigned off;    /* of rsi in mem */
	bool misalign;   /* rsi */
	bool calm;       /* MXCSR as it mostly is, and floating point */
	bool unmask;     /* exceptions in MXCSR */
	unsigned shapes; /* that were tried */
	unsigned traps;  /* that the host took */
	ZydisDecoder decoder;
};

static const struct x86_row shared_rows[] = {
	{ZYDIS_MNEMONIC_MOVSD, x86_bind_movsd_sse, 0, x86_simd_MOVSD},
	{ZYDIS_MNEMONIC_CMPSD, x86_bind_cmpsd_sse, 0, x86_simd_CMPSD},
	{ZYDIS_MNEMONIC_INVALID},
};

/* Guest's linear addresses are the host's. */
static void map_page(struct x86_cpu *c, const uint8_t *page)
{
	struct x86_tlbe *e = x86_tlbe(c, (uintptr_t)page);

	e->rtag = e->wtag = (uintptr_t)page;
}

static void setup(struct fixture *f, gconstpointer data)
{
	void *p = NULL;

	g_assert_cmpint(posix_memalign(&p, 64, sizeof(*f->c)), ==, 0);
	memset(p, 0, sizeof(*f->c));
	f->c = p;
	f->code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	f->page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	g_assert_true(f->code != MAP_FAILED && f->page != MAP_FAILED);
	g_assert_cmpint(mprotect(f->page + PAGE, PAGE, PROT_NONE), ==, 0);
	f->mem = f->page + PAGE - SPAN;
	ZydisDecoderInit(&f->decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	f->c->mode = 2;
	f->c->cr0 = X86_CR0_PE | X86_CR0_NE;
	f->c->cr4 = X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT;
	f->c->mxcsr = 0x1f80;
	f->c->fpu.fcw = 0x37f;
	f->c->tlb = f->c->tlbs[0];
	for (unsigned i = 0; i < X86_TLB_SIZE; i++)
		f->c->tlb[i].rtag = f->c->tlb[i].wtag = ~(uint64_t)0;
	map_page(f->c, f->page);
}

static void teardown(struct fixture *f, gconstpointer data)
{
	munmap(f->code, PAGE);
	munmap(f->page, 2 * PAGE);
	free(f->c);
}

/* --- values --- */

static uint64_t r64(void)
{
	return (uint64_t)g_test_rand_int() << 32 | (uint32_t)g_test_rand_int();
}

static bool one_in(unsigned n)
{
	return (uint32_t)g_test_rand_int() % n == 0;
}

static uint32_t edge_float(void)
{
	static const uint32_t e[] = {FLOAT_EDGES};

	return one_in(6) ? (uint32_t)g_test_rand_int()
			 : e[(uint32_t)g_test_rand_int() % G_N_ELEMENTS(e)];
}

static uint64_t edge_double(void)
{
	static const uint64_t e[] = {DOUBLE_EDGES};

	return one_in(6) ? r64() : e[(uint32_t)g_test_rand_int() % G_N_ELEMENTS(e)];
}

static uint16_t edge_word(void)
{
	static const uint16_t e[] = {0,      1,      2,      0x7f,   0x80,   0xff,   0x100,
				     0x7ffe, 0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff, 0x8080};

	return e[(uint32_t)g_test_rand_int() % G_N_ELEMENTS(e)];
}

static union x86_vec random_vec(bool fp)
{
	unsigned how = fp ? 2 + (r64() & 3) : r64() & 7;
	union x86_vec v = {.u64 = {r64(), r64()}};

	for (unsigned i = 0; i < 16; i++)
		if (how == 0)
			v.u8[i] = (uint8_t)(one_in(6) ? 0 : 'a' + v.u8[i] % 4);
	for (unsigned i = 0; i < 8; i++)
		if (how == 1)
			v.u16[i] = edge_word();
	for (unsigned i = 0; i < 4; i++)
		if (how == 2 || how == 3)
			v.u32[i] = edge_float();
	for (unsigned i = 0; i < 2; i++)
		if (how == 4 || how == 5)
			v.u64[i] = edge_double();
	if (how == 6)
		v.u64[0] %= 70; /* count of a shift */
	return v;
}

static uint64_t random_gpr(void)
{
	switch ((uint32_t)g_test_rand_int() % 4) {
	case 0:
		return r64();
	case 1:
		return r64() % 20;
	case 2:
		return -(r64() % 20);
	default:
		return (r64() & ~(uint64_t)0xffffffff) | (uint32_t) - (int32_t)(r64() % 20);
	}
}

static void random_state(struct fixture *f)
{
	struct x86_cpu *c = f->c;

	for (unsigned i = 0; i < 16; i++) {
		union x86_vec v = random_vec(f->calm);

		c->v[i] = v;
		c->r[i] = random_gpr();
	}
	for (unsigned i = 0; i < 8; i++) {
		c->fpu.reg[i].mant = random_vec(f->calm).u64[0];
		c->fpu.reg[i].exp = 0x3fff + (uint16_t)i;
	}
	for (unsigned i = 0; i < SPAN / 16; i++) {
		union x86_vec v = random_vec(f->calm);

		memcpy(f->mem + 16 * i, &v, sizeof(v));
	}
	c->fpu.top = r64() & 7;
	c->fpu.valid = (uint8_t)r64();
	c->r[X86_RSI] = (uintptr_t)f->mem + f->off;
	c->r[X86_RDI] = (uintptr_t)f->mem;
	c->mxcsr = 0x1f80 | (uint32_t)(r64() & 0x3f);
	if (one_in(2))
		c->mxcsr |= r64() & 0xe040;
	if (f->unmask)
		c->mxcsr &= 0xe07f | (uint32_t)r64();
	if (f->unmask && one_in(2))
		c->mxcsr &= ~0x3fu;
	if (f->calm)
		c->mxcsr = one_in(8) ? 0x1f80 : 0x1fa0;
	x86_set_arith(c, (uint32_t)r64() & X86_ARITH);
}

/* --- the host --- */

static void to_native(struct native *n, const struct x86_cpu *c)
{
	memset(n, 0, sizeof(*n));
	n->fx.fcw = c->fpu.fcw;
	n->fx.fsw = (uint16_t)(c->fpu.top << 11);
	n->fx.tag = c->fpu.valid;
	n->fx.mxcsr = c->mxcsr;
	for (unsigned i = 0; i < 8; i++)
		memcpy(n->fx.st[i], c->fpu.reg[(c->fpu.top + i) & 7].bytes, 10);
	memcpy(n->fx.xmm, c->v, sizeof(c->v));
	n->rax = c->r[X86_RAX];
	n->rcx = c->r[X86_RCX];
	n->rdx = c->r[X86_RDX];
	n->rsi = c->r[X86_RSI];
	n->rdi = c->r[X86_RDI];
	n->flags = 2 | x86_arith(c);
}

/* Where a signal of the instruction's goes, and MXCSR at that time. */
static struct {
	sigjmp_buf back;
	volatile bool armed;
	uint32_t mxcsr;
} trap;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	const ucontext_t *u = context;

	if (!trap.armed)
		abort();
	trap.mxcsr = u->uc_mcontext.fpregs->mxcsr;
	siglongjmp(trap.back, sig);
}

static void execute(struct native *n, const uint8_t *code)
{
	static const uint32_t mxcsr = 0x1f80;
	register const uint8_t *r12 __asm__("r12") = code;
	register const uint32_t *r13 __asm__("r13") = &mxcsr;

	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
			 "fxrstor64 (%%rbx)\n\t"
			 "mov 512(%%rbx), %%rax\n\t"
			 "mov 520(%%rbx), %%rcx\n\t"
			 "mov 528(%%rbx), %%rdx\n\t"
			 "mov 536(%%rbx), %%rsi\n\t"
			 "mov 544(%%rbx), %%rdi\n\t"
			 "pushq 552(%%rbx)\n\t"
			 "popfq\n\t"
			 "call *%%r12\n\t"
			 "pushfq\n\t"
			 "popq 552(%%rbx)\n\t"
			 "mov %%rax, 512(%%rbx)\n\t"
			 "mov %%rcx, 520(%%rbx)\n\t"
			 "mov %%rdx, 528(%%rbx)\n\t"
			 "fxsave64 (%%rbx)\n\t"
			 "fninit\n\t"
			 "ldmxcsr (%%r13)\n\t"
			 "lea 128(%%rsp), %%rsp"
			 :
			 : "b"(n), "r"(r12), "r"(r13)
			 : "rax", "rcx", "rdx", "rsi", "rdi", "memory", "cc", "xmm0", "xmm1",
			   "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
			   "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

/* Returns the signal that the instruction caused, or 0; then n is not filled but for MXCSR. */
static int run_native(struct native *n, const uint8_t *code)
{
	int sig = sigsetjmp(trap.back, 0);

	trap.armed = !sig;
	if (!sig)
		execute(n, code);
	else
		n->fx.mxcsr = trap.mxcsr;
	trap.armed = false;
	return sig;
}

/*
 * Returns the vector of the exception that the op raised, or 0.  The host's own flags may be
 * anything before; its control is the same after.
 */
static unsigned run_soft(struct fixture *f, const struct x86_op *op)
{
	volatile unsigned vector = 0;

	_mm_setcsr(0x1f80 | (one_in(2) ? (unsigned)r64() & 0x3f : 0));
	if (!sigsetjmp(f->c->escape, 0))
		g_assert_true(op->fn(f->c, op) == op + 1);
	else
		vector = f->c->fault.vector;
	g_assert_cmphex(_mm_getcsr() & ~0x3fu, ==, 0x1f80);
	return vector;
}

/* --- one form of one row --- */

struct shape {
	unsigned d, s, mem; /* SIMD_*; bytes of a memory operand */
	bool imm;
	bool alike; /* both registers are the same */
};

static ZydisEncoderOperand operand(unsigned kind, unsigned n, const struct shape *sh, uint8_t imm)
{
	ZydisEncoderOperand o = {.type = ZYDIS_OPERAND_TYPE_REGISTER};

	if (kind == SIMD_X)
		o.reg.value = (ZydisRegister)(ZYDIS_REGISTER_XMM1 + 8 * n);
	else if (kind == SIMD_MM)
		o.reg.value = (ZydisRegister)(ZYDIS_REGISTER_MM1 + 2 * n);
	else if (kind == SIMD_R4)
		o.reg.value = (ZydisRegister)(ZYDIS_REGISTER_ECX + n);
	else if (kind == SIMD_R8)
		o.reg.value = (ZydisRegister)(ZYDIS_REGISTER_RCX + n);
	else if (kind == SIMD_MEM) {
		o.type = ZYDIS_OPERAND_TYPE_MEMORY;
		o.mem.base = ZYDIS_REGISTER_RSI;
		o.mem.size = (ZyanU16)sh->mem;
	} else {
		o.type = ZYDIS_OPERAND_TYPE_IMMEDIATE;
		o.imm.u = imm;
	}
	return o;
}

/* Bytes of the instruction, or 0: there is none of that shape. */
static unsigned encode(uint8_t *code, ZydisMnemonic m, const struct shape *sh, uint8_t imm)
{
	ZydisEncoderRequest req = {.machine_mode = ZYDIS_MACHINE_MODE_LONG_64, .mnemonic = m};
	ZyanUSize len = 15;

	if (sh->d != SIMD_NONE)
		req.operands[req.operand_count++] = operand(sh->d, 0, sh, imm);
	if (sh->s != SIMD_NONE)
		req.operands[req.operand_count++] = operand(sh->s, !sh->alike, sh, imm);
	if (sh->imm)
		req.operands[req.operand_count++] = operand(SIMD_IMM, 2, sh, imm);
	return ZYAN_SUCCESS(ZydisEncoderEncodeInstruction(&req, code, &len)) ? (unsigned)len : 0;
}

static const struct x86_op *behind(struct x86_cpu *c, const struct x86_op *op)
{
	return op;
}

/* Makes op[0] as decode.c would; 1 + bytes of its memory operand, or 0 for a #UD. */
static unsigned bind_bytes(struct fixture *f, const struct x86_row *row, const uint8_t *code,
			   struct x86_op *op)
{
	ZydisDecodedOperand opnd[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction in;
	struct x86_bind b = {
		.in = &in, .opnd = opnd, .row = row, .op = op, .op_n = 1, .mode = 2, .cpu = f->c};

	memset(op, 0, 2 * sizeof(*op));
	op[1].fn = behind;
	g_assert_true(ZYAN_SUCCESS(ZydisDecoderDecodeFull(&f->decoder, code, 15, &in, opnd)));
	g_assert_cmpint(in.mnemonic, ==, row->mnemonic);
	op->len = in.length;
	op->ip = in.length;
	if (!row->bind(&b))
		return 0;
	for (unsigned i = 0; i < in.operand_count_visible; i++)
		if (opnd[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
			return 1 + opnd[i].size / 8;
	return 1;
}

static void compare(struct fixture *f, const struct native *n, const uint8_t *mem, const char *what)
{
	struct x86_cpu *c = f->c;
	struct native soft;

	to_native(&soft, c);
	for (unsigned i = 0; i < 16; i++) {
		if (!memcmp(soft.fx.xmm[i], n->fx.xmm[i], 16))
			continue;
		g_test_message("%s: xmm%u: %016lx%016lx, host %016lx%016lx", what, i,
			       ((uint64_t *)soft.fx.xmm[i])[1], ((uint64_t *)soft.fx.xmm[i])[0],
			       ((const uint64_t *)n->fx.xmm[i])[1],
			       ((const uint64_t *)n->fx.xmm[i])[0]);
		g_test_fail();
	}
	if (memcmp(soft.fx.st, n->fx.st, sizeof(soft.fx.st)) || soft.fx.tag != n->fx.tag ||
	    soft.fx.fsw != n->fx.fsw) {
		g_test_message("%s: x87 or MMX state: fsw %x tag %x, host %x %x", what, soft.fx.fsw,
			       soft.fx.tag, n->fx.fsw, n->fx.tag);
		g_test_fail();
	}
	if (soft.fx.mxcsr != n->fx.mxcsr || soft.rax != n->rax || soft.rcx != n->rcx ||
	    soft.rdx != n->rdx || ((soft.flags ^ n->flags) & X86_ARITH)) {
		g_test_message(
			"%s: mxcsr %x rax %lx rcx %lx rdx %lx flags %lx, host %x %lx %lx %lx %lx",
			what, soft.fx.mxcsr, soft.rax, soft.rcx, soft.rdx, soft.flags & X86_ARITH,
			n->fx.mxcsr, n->rax, n->rcx, n->rdx, n->flags & X86_ARITH);
		g_test_fail();
	}
	if (memcmp(f->mem, mem, SPAN)) {
		g_test_message("%s: memory", what);
		g_test_fail();
	}
}

/*
 * LDMXCSR: the host would answer with SIGSEGV.  CVTPI2PS from memory: in the SDM (2A) that is a
 * transition to MMX, on AMD's CPUs it is none; let nobody see it.
 */
static void tame(struct fixture *f, ZydisMnemonic m, const struct x86_op *op)
{
	if (m == ZYDIS_MNEMONIC_LDMXCSR) {
		uint32_t v = ((uint32_t)r64() & 0xffff) | 0x1f80;

		memcpy(f->mem + f->off, &v, sizeof(v));
	}
	if (m == ZYDIS_MNEMONIC_CVTPI2PS && op->base == X86_RSI) {
		f->c->fpu.top = 0;
		f->c->fpu.valid = 0xff;
	}
}

static int sig_of(unsigned vector)
{
	switch (vector) {
	case 0:
		return 0;
	case X86_XM:
		return SIGFPE;
	case X86_GP:
		return SIGSEGV;
	default:
		return -1;
	}
}

/*
 * What MXCSR's flags do not show after an unmasked exception (simd_fp.c): whether a result out of
 * range is inexact, too, and at which of its steps DPPS or DPPD ended.
 */
static void forgive(struct x86_cpu *c, const struct native *n, ZydisMnemonic m)
{
	uint32_t mask = 0;

	if (n->fx.mxcsr & ~n->fx.mxcsr >> 7 & 0x18)
		mask = 0x20;
	if (m == ZYDIS_MNEMONIC_DPPS || m == ZYDIS_MNEMONIC_DPPD)
		mask = 0x3f;
	c->mxcsr = (c->mxcsr & ~mask) | (n->fx.mxcsr & mask);
}

static void one(struct fixture *f, const struct x86_row *row, const struct x86_op *op)
{
	uint8_t before[SPAN], after[SPAN];
	const char *name = ZydisMnemonicGetString(row->mnemonic);
	struct native n;
	unsigned vector;
	int sig;

	random_state(f);
	tame(f, row->mnemonic, op);
	to_native(&n, f->c);
	memcpy(before, f->mem, SPAN);
	sig = run_native(&n, f->code);
	f->traps += sig != 0;
	memcpy(after, f->mem, SPAN);
	memcpy(f->mem, before, SPAN);
	vector = run_soft(f, op);
	if (sig_of(vector) != sig) {
		g_test_message("%s: exception %u, the host has signal %d", name, vector, sig);
		g_test_fail();
	}
	if (sig == SIGFPE)
		forgive(f->c, &n, row->mnemonic);
	compare(f, &n, after, name);
}

static bool try_shape(struct fixture *f, const struct x86_row *row, const struct shape *sh)
{
	unsigned rounds = sh->imm || sh->s == SIMD_IMM ? 32 : 1;

	for (unsigned i = 0; i < rounds; i++) {
		struct x86_op op[2];
		unsigned len = encode(f->code, row->mnemonic, sh, (uint8_t)r64());

		if (!len)
			return false;
		f->code[len] = 0xc3;
		if (bind_bytes(f, row, f->code, op) != 1 + sh->mem)
			return false;
		for (unsigned j = 0; j < 200 / rounds + 4 && !g_test_failed(); j++)
			one(f, row, op);
	}
	return true;
}

static unsigned try_sizes(struct fixture *f, const struct x86_row *row, struct shape *sh)
{
	unsigned n = 0;

	if (sh->d != SIMD_MEM && sh->s != SIMD_MEM) {
		n = try_shape(f, row, sh);
		sh->alike = true;
		n += try_shape(f, row, sh);
		sh->alike = false;
		return n;
	}
	for (sh->mem = 1; sh->mem <= 16; sh->mem *= 2) {
		f->off = f->misalign ? 1 : SPAN - sh->mem;
		n += try_shape(f, row, sh);
	}
	return n;
}

/* Every instruction that the form stands for: with or without imm8, by size of memory. */
static void try_form(struct fixture *f, const struct x86_row *row, const struct x86_simd_form *form)
{
	unsigned n = 0;

	for (unsigned d = 1; d <= SIMD_NONE; d *= 2)
		for (unsigned s = 1; s <= SIMD_NONE; s *= 2) {
			struct shape sh = {.d = d & form->d, .s = s & form->s};

			if (!sh.d || !sh.s)
				continue;
			n += try_sizes(f, row, &sh);
			sh.imm = true;
			n += try_sizes(f, row, &sh);
		}
	f->shapes += n;
	if (!n)
		g_test_message("%s: form %x %x cannot be encoded",
			       ZydisMnemonicGetString(row->mnemonic), form->d, form->s);
	g_assert_cmpuint(n, >, 0);
}

/* What the encoder does not choose: REX.W, the other direction, the other opcode. */
static void test_bytes(struct fixture *f, const struct x86_row *row)
{
	static const uint8_t bytes[][8] = {
		{0x66, 0x48, 0x0f, 0x3a, 0x60, 0xca,
		 0x4c}, /* pcmpestrm xmm1, xmm2, 0x4c; 64 bits */
		{0x66, 0x48, 0x0f, 0x3a, 0x61, 0xca, 0x0c}, /* pcmpestri */
		{0x66, 0x48, 0x0f, 0x3a, 0x61, 0xca, 0x19}, /* pcmpestri, words */
		{0xf3, 0x48, 0x0f, 0x2a, 0x0e},             /* cvtsi2ss xmm1, qword [rsi] */
		{0xf2, 0x48, 0x0f, 0x2a, 0x0e},             /* cvtsi2sd */
		{0xf3, 0x0f, 0x2a, 0x0e},                   /* cvtsi2ss xmm1, dword [rsi] */
		{0xf2, 0x0f, 0x2a, 0x0e},                   /* cvtsi2sd */
		{0x66, 0x48, 0x0f, 0x6e, 0x0e},             /* movq xmm1, [rsi] */
		{0x66, 0x48, 0x0f, 0x7e, 0x0e},             /* movq [rsi], xmm1 */
		{0xf3, 0x0f, 0x7e, 0x0e},                   /* movq xmm1, [rsi] */
		{0x66, 0x0f, 0xd6, 0xca},                   /* movq xmm2, xmm1 */
		{0x0f, 0x11, 0xca},                         /* movups xmm2, xmm1 */
		{0x0f, 0x29, 0xca},                         /* movaps */
		{0xf3, 0x0f, 0x11, 0xca},                   /* movss */
		{0xf2, 0x0f, 0x11, 0xca},                   /* movsd */
		{0x0f, 0x7f, 0xca},                         /* movq mm2, mm1 */
		{0x66, 0x0f, 0xc5, 0xca, 0x0b},             /* pextrw ecx, xmm2, 11 */
		{0x66, 0x48, 0x0f, 0xc5, 0xca, 0x0b},       /* pextrw rcx */
		{0x66, 0x0f, 0x3a, 0x15, 0xd1, 0x0b},       /* pextrw ecx, xmm2, 11 */
		{0x66, 0x48, 0x0f, 0x3a, 0x14, 0xd1, 0xff}, /* pextrb rcx, xmm2, 255 */
		{0x66, 0x48, 0x0f, 0xc4, 0xca, 0x0b},       /* pinsrw xmm1, rdx, 11 */
		{0x48, 0x0f, 0xc4, 0xca, 0x0b},             /* pinsrw mm1, rdx, 11 */
		{0x66, 0x48, 0x0f, 0x3a, 0x17, 0xd1, 0x0b}, /* extractps rcx, xmm2, 11 */
		{0x66, 0x48, 0x0f, 0xd7, 0xca},             /* pmovmskb rcx, xmm2 */
		{0x48, 0x0f, 0x50, 0xca},                   /* movmskps rcx, xmm2 */
		{0x0f, 0xc2, 0xca, 0xfb},                   /* cmpps xmm1, xmm2, 0xfb */
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(bytes); i++) {
		ZydisDecodedInstruction in;
		struct x86_op op[2];

		ZydisDecoderDecodeInstruction(&f->decoder, NULL, bytes[i], sizeof(bytes[i]), &in);
		if (in.mnemonic != row->mnemonic)
			continue;
		memcpy(f->code, bytes[i], in.length);
		f->code[in.length] = 0xc3;
		g_assert_cmpuint(bind_bytes(f, row, f->code, op), >, 0);
		f->off = 8;
		for (unsigned j = 0; j < 400; j++)
			one(f, row, op);
	}
}

static void test_rows(struct fixture *f, const struct x86_row *row)
{
	for (; row->mnemonic != ZYDIS_MNEMONIC_INVALID; row++) {
		for (const struct x86_simd_form *form = row->ptr; form->fn; form++)
			try_form(f, row, form);
		test_bytes(f, row);
	}
}

static void test_host(struct fixture *f, gconstpointer data)
{
	test_rows(f, x86_rows_simd);
	test_rows(f, shared_rows);
	g_assert_cmpuint(f->traps, ==, 0);
	g_test_message("%u shapes of instructions", f->shapes);
}

static void test_unmasked(struct fixture *f, gconstpointer data)
{
	f->unmask = true;
	test_rows(f, x86_rows_simd);
	test_rows(f, shared_rows);
	g_assert_cmpuint(f->traps, >, 1000);
}

/* The shortcuts of scalars: no flag is missed. */
static void test_calm(struct fixture *f, gconstpointer data)
{
/* clang-format off */
#define ROW(M, ...) {ZYDIS_MNEMONIC_##M, x86_simd_bind, 0, x86_simd_##M},
	static const struct x86_row rows[] = {
		SIMD_LIST_FP(ROW)
		ROW(COMISS) ROW(COMISD) ROW(UCOMISS) ROW(UCOMISD) ROW(CVTSI2SS) ROW(CVTSI2SD)
		ROW(CVTSS2SI) ROW(CVTSD2SI) ROW(CVTTSS2SI) ROW(CVTTSD2SI)
		{ZYDIS_MNEMONIC_INVALID},
	};
	/* clang-format on */

	f->calm = true;
	for (unsigned i = 0; i < 6; i++)
		test_rows(f, rows);
	g_assert_cmpuint(f->traps, ==, 0);
}

static void test_misaligned(struct fixture *f, gconstpointer data)
{
	f->misalign = true;
	test_rows(f, x86_rows_simd);
	test_rows(f, shared_rows);
	g_assert_cmpuint(f->traps, >, 1000);
}

/* --- faults before anything is done --- */

/* The exception of these bytes, 0: none. */
static unsigned fault_of(struct fixture *f, const uint8_t *code)
{
	const struct x86_row *row = x86_rows_simd;
	ZydisDecodedInstruction in;
	struct x86_op op[2];

	ZydisDecoderDecodeInstruction(&f->decoder, NULL, code, 15, &in);
	while (row->mnemonic != in.mnemonic && row->mnemonic != ZYDIS_MNEMONIC_INVALID)
		row++;
	g_assert_cmpuint(bind_bytes(f, row, code, op), >, 0);
	return run_soft(f, op);
}

static const uint8_t pxor_xmm[15] = {0x66, 0x0f, 0xef, 0xca}, pxor_mm[15] = {0x0f, 0xef, 0xca},
		     movq2dq[15] = {0xf3, 0x0f, 0xd6, 0xca}, emms[15] = {0x0f, 0x77},
		     divps[15] = {0x0f, 0x5e, 0xca}, ldmxcsr[15] = {0x0f, 0xae, 0x16},
		     cvtpi2pd_mem[15] = {0x66, 0x0f, 0x2a, 0x0e}, comiss[15] = {0x0f, 0x2f, 0xca},
		     cvtps2pi[15] = {0x0f, 0x2d, 0xca};

static void test_disabled(struct fixture *f, gconstpointer data)
{
	static const struct {
		uint64_t cr0, cr4;
		uint16_t fsw;
		uint8_t sse, mmx, both, pi2pd;
	} t[] = {
		{0, X86_CR4_OSFXSR, 0, 0, 0, 0, 0},
		{X86_CR0_EM, X86_CR4_OSFXSR, 0x80, X86_UD, X86_UD, X86_UD, X86_UD},
		{X86_CR0_TS, X86_CR4_OSFXSR, 0x80, X86_NM, X86_NM, X86_NM, X86_NM},
		{X86_CR0_TS | X86_CR0_EM, X86_CR4_OSFXSR, 0, X86_UD, X86_UD, X86_UD, X86_UD},
		{0, 0, 0, X86_UD, 0, X86_UD, X86_UD},
		{X86_CR0_TS, 0, 0, X86_UD, X86_NM, X86_UD, X86_UD},
		{0, X86_CR4_OSFXSR, 0x80, 0, X86_MF, X86_MF, 0},
	};

	f->c->r[X86_RSI] = (uintptr_t)f->mem;
	for (unsigned i = 0; i < G_N_ELEMENTS(t); i++) {
		f->c->cr0 = X86_CR0_PE | X86_CR0_NE | t[i].cr0;
		f->c->cr4 = t[i].cr4;
		f->c->fpu.fsw = t[i].fsw;
		g_assert_cmpuint(fault_of(f, pxor_xmm), ==, t[i].sse);
		g_assert_cmpuint(fault_of(f, comiss), ==, t[i].sse);
		g_assert_cmpuint(fault_of(f, pxor_mm), ==, t[i].mmx);
		g_assert_cmpuint(fault_of(f, emms), ==, t[i].mmx);
		g_assert_cmpuint(fault_of(f, movq2dq), ==, t[i].both);
		g_assert_cmpuint(fault_of(f, cvtps2pi), ==, t[i].both);
		g_assert_cmpuint(fault_of(f, cvtpi2pd_mem), ==, t[i].pi2pd);
	}
}

/* 1 / 0 with ZE unmasked: no result; without CR4.OSXMMEXCPT it is #UD. */
static void test_xm(struct fixture *f, gconstpointer data)
{
	struct x86_cpu *c = f->c;

	for (unsigned i = 0; i < 4; i++) {
		c->v[1].f32[i] = 1;
		c->v[2].f32[i] = 0;
	}
	c->mxcsr = 0x1f80 & ~0x200u;
	g_assert_cmpuint(fault_of(f, divps), ==, X86_XM);
	g_assert_cmphex(c->mxcsr, ==, 0x1d84);
	g_assert_true(c->v[1].f32[0] == 1);
	c->cr4 = X86_CR4_OSFXSR;
	g_assert_cmpuint(fault_of(f, divps), ==, X86_UD);
	c->mxcsr = 0x1f80;
	g_assert_cmpuint(fault_of(f, divps), ==, 0);
	g_assert_cmphex(c->mxcsr, ==, 0x1f84);
	g_assert_cmphex(c->v[1].u32[3], ==, 0x7f800000);
}

static void test_mxcsr(struct fixture *f, gconstpointer data)
{
	uint32_t v = 0x10000;

	f->c->r[X86_RSI] = (uintptr_t)f->mem;
	memcpy(f->mem, &v, sizeof(v));
	g_assert_cmpuint(fault_of(f, ldmxcsr), ==, X86_GP);
	g_assert_cmphex(f->c->mxcsr, ==, 0x1f80);
	v = 0xffff;
	memcpy(f->mem, &v, sizeof(v));
	g_assert_cmpuint(fault_of(f, ldmxcsr), ==, 0);
	g_assert_cmphex(f->c->mxcsr, ==, 0xffff);
}

/* 16 bytes of two pages; stores of that kind need a whole machine (mmu.c). */
static void test_crossing(struct fixture *f, gconstpointer data)
{
	static const uint8_t load[15] = {0x0f, 0x10, 0x0e};
	uint8_t *p = f->page + PAGE - 5;

	g_assert_cmpint(mprotect(f->page + PAGE, PAGE, PROT_READ | PROT_WRITE), ==, 0);
	map_page(f->c, f->page + PAGE);
	for (unsigned i = 0; i < 16; i++)
		p[i] = (uint8_t)(i + 1);
	f->c->r[X86_RSI] = (uintptr_t)p;
	g_assert_cmpuint(fault_of(f, load), ==, 0);
	g_assert_cmpmem(&f->c->v[1], 16, p, 16);
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_NODEFER};

	sigaction(SIGFPE, &sa, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add("/simd/host", struct fixture, NULL, setup, test_host, teardown);
	g_test_add("/simd/unmasked", struct fixture, NULL, setup, test_unmasked, teardown);
	g_test_add("/simd/calm", struct fixture, NULL, setup, test_calm, teardown);
	g_test_add("/simd/misaligned", struct fixture, NULL, setup, test_misaligned, teardown);
	g_test_add("/simd/disabled", struct fixture, NULL, setup, test_disabled, teardown);
	g_test_add("/simd/xm", struct fixture, NULL, setup, test_xm, teardown);
	g_test_add("/simd/mxcsr", struct fixture, NULL, setup, test_mxcsr, teardown);
	g_test_add("/simd/crossing", struct fixture, NULL, setup, test_crossing, teardown);
	return g_test_run();
}
