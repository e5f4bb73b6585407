// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the comparison of two outcomes and the report of a difference; never executes anything. */
#include "compare.h"

#include <stdio.h>
#include <string.h>

#include "cpu/state.h"

#define FSW_C1 0x0200u

/* --- what does not count --- */

struct ignore {
	uint64_t flags;
	uint16_t fsw;
	unsigned gprs; /* a bit each */
	uint32_t mxcsr;
	bool result; /* the first operand */
	bool pushed; /* eight registers */
};

static bool counts_by_cl(const struct insn *i)
{
	unsigned last = i->in.operand_count_visible - 1u;

	return i->opnd[last].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       i->opnd[last].reg.value == ZYDIS_REGISTER_CL && last;
}

static unsigned shift_count(const struct insn *i, const struct state *in)
{
	unsigned mask = i->opnd[0].size == 64 ? 63 : 31;
	unsigned last = i->in.operand_count_visible - 1u;

	if (counts_by_cl(i))
		return in->gpr[X86_RCX] & mask;
	if (i->opnd[last].type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
		return i->opnd[last].imm.value.u & mask;
	return 1;
}

/* SDM 2B, SAL and RCL: by count, which Zydis does not know. */
static void ignore_shift(const struct insn *i, const struct state *in, struct ignore *g)
{
	unsigned n = shift_count(i, in), size = i->opnd[0].size;
	bool twice = i->in.mnemonic == ZYDIS_MNEMONIC_SHLD || i->in.mnemonic == ZYDIS_MNEMONIC_SHRD;
	bool rotates = i->in.meta.category == ZYDIS_CATEGORY_ROTATE;

	g->flags = rotates || !n ? 0 : X86_AF;
	if (n > 1)
		g->flags |= X86_OF;
	if (!rotates && n >= size && i->in.mnemonic != ZYDIS_MNEMONIC_SAR)
		g->flags |= X86_CF;
	if (twice && n > size) { /* the result, too */
		g->flags |= X86_ARITH;
		g->result = true;
	}
}

/* These clear C1 (SDM 2A) or leave it alone (AMD's). */
static bool compares_to_flags(const struct insn *i)
{
	switch (i->in.mnemonic) {
	case ZYDIS_MNEMONIC_FCOMI:
	case ZYDIS_MNEMONIC_FCOMIP:
	case ZYDIS_MNEMONIC_FUCOMI:
	case ZYDIS_MNEMONIC_FUCOMIP:
		return true;
	default:
		return false;
	}
}

/*
 * After an exception that is not masked (cpu/simd_fp.c): whether a result out of range is inexact,
 * too, and at which of its steps DPPS or DPPD ended.
 */
static uint32_t ignore_mxcsr(const struct insn *i, const struct state *host)
{
	if (host->vector != X86_XM)
		return 0;
	if (i->in.mnemonic == ZYDIS_MNEMONIC_DPPS || i->in.mnemonic == ZYDIS_MNEMONIC_DPPD)
		return 0x3f;
	return host->fx.mxcsr & ~host->fx.mxcsr >> 7 & 0x18 ? 0x20 : 0;
}

/* What PUSHA and POPA have done before a fault; they start again with the old ESP. */
static void ignore_all(const struct insn *i, const struct state *host, struct ignore *g)
{
	if (host->vector == BOX_NO_VECTOR)
		return;
	switch (i->in.mnemonic) {
	case ZYDIS_MNEMONIC_PUSHA:
	case ZYDIS_MNEMONIC_PUSHAD:
		g->pushed = true;
		break;
	case ZYDIS_MNEMONIC_POPA:
	case ZYDIS_MNEMONIC_POPAD:
		g->gprs = 0xffu & ~(1u << X86_RSP);
		break;
	default:
		break;
	}
}

static void ignore_of(const struct insn *i, const struct state *in, const struct state *host,
		      struct ignore *g)
{
	*g = (struct ignore){0};
	if (i->in.cpu_flags)
		g->flags = i->in.cpu_flags->undefined;
	if (i->family == FAMILY_SHIFT)
		ignore_shift(i, in, g);
	if (i->family == FAMILY_X87 && compares_to_flags(i))
		g->fsw = FSW_C1;
	if (g->result && i->opnd[0].type == ZYDIS_OPERAND_TYPE_REGISTER)
		g->gprs = 1u << ZydisRegisterGetId(i->opnd[0].reg.value);
	ignore_all(i, host, g);
	g->flags |= X86_RF;
}

/* --- memory --- */

/* Bytes that need not be the same, because they are addresses of the x87's or reserved. */
static void forgive(struct gen *g, uint64_t va, unsigned off, unsigned len)
{
	va += off;
	if (va >= BOX_DATA && va + len <= BOX_DATA + BOX_DATA_SIZE)
		memcpy(guest_ptr(g->guest, va), box_ptr(va), len);
}

static void forgive_stack(struct gen *g, uint64_t va, unsigned len)
{
	for (; len--; va++)
		if (va >= BOX_STACK && va < BOX_STACK + BOX_STACK_SIZE)
			*guest_ptr(g->guest, va) = *box_ptr(va);
}

/* The x87's pointers to its last instruction: AMD's CPUs hold them only for exceptions. */
static void forgive_image(struct gen *g, const struct insn *i, const struct state *in)
{
	uint64_t va;

	switch (i->in.mnemonic) {
	case ZYDIS_MNEMONIC_FNSTENV:
	case ZYDIS_MNEMONIC_FNSAVE:
		va = aim_address(i, 0, in);
		if (i->opnd[0].size == 14 * 8 || i->opnd[0].size == 94 * 8)
			forgive(g, va, 6, 8);
		else
			forgive(g, va, 12, 16);
		break;
	case ZYDIS_MNEMONIC_FXSAVE: /* MXCSR_MASK, too */
	case ZYDIS_MNEMONIC_FXSAVE64:
		va = aim_address(i, 0, in);
		forgive(g, va, 6, 18);
		forgive(g, va, 28, 4);
		break;
	default:
		break;
	}
}

static bool same_memory(struct gen *g)
{
	return !memcmp(box_ptr(BOX_DATA), guest_ptr(g->guest, BOX_DATA), BOX_DATA_SIZE) &&
	       !memcmp(box_ptr(BOX_STACK), guest_ptr(g->guest, BOX_STACK), BOX_STACK_SIZE);
}

/* --- registers --- */

static unsigned diff_gprs(const struct state *a, const struct state *b, const struct ignore *g)
{
	for (unsigned n = 0; n < 16; n++)
		if (a->gpr[n] != b->gpr[n] && !(g->gprs >> n & 1))
			return DIFF_GPR;
	return 0;
}

static unsigned diff_x87(const struct fx *a, const struct fx *b, const struct ignore *g)
{
	bool same = a->fcw == b->fcw && !((a->fsw ^ b->fsw) & ~g->fsw) && a->ftw == b->ftw;

	for (unsigned n = 0; n < 8; n++)
		same &= !memcmp(a->st[n], b->st[n], 10);
	return same ? 0 : DIFF_X87;
}

/* In which order the bytes of an image are accessed is nobody's promise. */
static bool is_long(const struct insn *i)
{
	for (unsigned n = 0; n < i->in.operand_count; n++)
		if (i->opnd[n].type == ZYDIS_OPERAND_TYPE_MEMORY && i->opnd[n].size > 80 &&
		    i->opnd[n].size != 128)
			return true;
	return i->in.mnemonic == ZYDIS_MNEMONIC_MASKMOVQ ||
	       i->in.mnemonic == ZYDIS_MNEMONIC_MASKMOVDQU;
}

/* How far behind the start of its first operand. */
static uint64_t offset_in(const struct insn *i, const struct state *in, uint64_t va)
{
	uint64_t off = va - aim_address(i, 0, in);

	return i->in.address_width == 16 ? (uint16_t)off : off;
}

/* Where both pages of an image fault, either may be the first. */
static bool same_cr2(const struct insn *i, const struct state *in, uint64_t a, uint64_t b)
{
	uint64_t size = i->opnd[0].size / 8;

	if (!is_long(i))
		return a == b;
	if (a >> 12 == b >> 12)
		return true;
	if (!gen_narrow(i) || i->opnd[0].type != ZYDIS_OPERAND_TYPE_MEMORY)
		return false;
	return offset_in(i, in, a) < size && offset_in(i, in, b) < size;
}

/*
 * A write that is both to what can only be read and over the segment's limit, in more than one
 * access: #PF or #GP.
 */
static bool either_fault(const struct insn *i, const struct state *in, const struct state *a,
			 const struct state *b)
{
	const uint64_t end = BOX_LOW_BASE + BOX_LOW_LIMIT + 1ull;
	unsigned size = i->opnd[0].size / 8;

	if (!gen_narrow(i) || i->opnd[0].type != ZYDIS_OPERAND_TYPE_MEMORY || size < 10 ||
	    size == 16 || a->vector != X86_PAGE || b->vector != X86_GP)
		return false;
	return a->cr2 >= BOX_RO && a->cr2 < end && aim_address(i, 0, in) + size > end;
}

static unsigned diff_exception(const struct insn *i, const struct state *in, const struct state *a,
			       const struct state *b)
{
	if (either_fault(i, in, a, b) || either_fault(i, in, b, a))
		return 0;
	return a->vector == b->vector && a->error == b->error && same_cr2(i, in, a->cr2, b->cr2)
		       ? 0
		       : DIFF_VECTOR;
}

static bool uses_mmx(const struct insn *i)
{
	for (unsigned n = 0; n < i->in.operand_count; n++)
		if (i->opnd[n].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    ZydisRegisterGetClass(i->opnd[n].reg.value) == ZYDIS_REGCLASS_MMX)
			return true;
	return false;
}

/*
 * The change to MMX: before a fault of the same instruction on AMD's CPUs; CVTPI2PS from memory is
 * one in the SDM (2A), on AMD's it is none.
 */
static bool mmx_differs(const struct insn *i, const struct state *host)
{
	if (i->in.mnemonic == ZYDIS_MNEMONIC_CVTPI2PS &&
	    i->opnd[1].type == ZYDIS_OPERAND_TYPE_MEMORY)
		return true;
	return host->vector != BOX_NO_VECTOR && uses_mmx(i);
}

unsigned compare(struct gen *g, const struct insn *i, const struct state *in,
		 const struct state *host, const struct state *soft)
{
	struct ignore skip;
	unsigned diff;

	ignore_of(i, in, host, &skip);
	skip.mxcsr = ignore_mxcsr(i, host);
	diff = diff_gprs(host, soft, &skip) | diff_exception(i, in, host, soft);
	if (!mmx_differs(i, host))
		diff |= diff_x87(&host->fx, &soft->fx, &skip);
	if ((host->flags ^ soft->flags) & ~skip.flags)
		diff |= DIFF_FLAGS;
	if (host->rip != soft->rip)
		diff |= DIFF_RIP;
	if (memcmp(host->fx.xmm, soft->fx.xmm, sizeof(host->fx.xmm)))
		diff |= DIFF_XMM;
	if ((host->fx.mxcsr ^ soft->fx.mxcsr) & ~skip.mxcsr)
		diff |= DIFF_MXCSR;
	forgive_image(g, i, in);
	if (skip.pushed)
		forgive_stack(g, in->gpr[X86_RSP] - 32, 32);
	if (aim_pushes_half(i))
		forgive_stack(g, in->gpr[X86_RSP] - 2, 2);
	if (skip.result && i->opnd[0].type == ZYDIS_OPERAND_TYPE_MEMORY)
		forgive(g, aim_address(i, 0, in), 0, i->opnd[0].size / 8);
	if (same_memory(g))
		return diff;
	memcpy(guest_ptr(g->guest, BOX_DATA), box_ptr(BOX_DATA), BOX_DATA_SIZE);
	memcpy(guest_ptr(g->guest, BOX_STACK), box_ptr(BOX_STACK), BOX_STACK_SIZE);
	return diff | DIFF_MEMORY;
}

/* --- the report --- */

static void print_st(const char *who, const struct fx *fx)
{
	printf("# %s: fcw %04x fsw %04x ftw %02x\n", who, fx->fcw, fx->fsw, fx->ftw);
	for (unsigned n = 0; n < 8; n++) {
		uint64_t m;
		uint16_t e;

		memcpy(&m, fx->st[n], 8);
		memcpy(&e, fx->st[n] + 8, 2);
		printf("#   st%u %04x %016lx\n", n, e, m);
	}
}

static void print_xmm(const char *who, const struct fx *fx)
{
	for (unsigned n = 0; n < 16; n++) {
		uint64_t v[2];

		memcpy(v, fx->xmm[n], 16);
		printf("# %s:   xmm%u %016lx%016lx\n", who, n, v[1], v[0]);
	}
}

static void print_state(const char *who, const struct state *s, unsigned diff)
{
	printf("# %s: rip %lx flags %lx vector %d error %x cr2 %lx mxcsr %x\n", who, s->rip,
	       s->flags, s->vector, s->error, s->cr2, s->fx.mxcsr);
	for (unsigned n = 0; n < 16; n += 4)
		printf("#   r%-2u %016lx %016lx %016lx %016lx\n", n, s->gpr[n], s->gpr[n + 1],
		       s->gpr[n + 2], s->gpr[n + 3]);
	if (diff & DIFF_X87)
		print_st(who, &s->fx);
	if (diff & DIFF_XMM)
		print_xmm(who, &s->fx);
}

void compare_print(const struct insn *i, const struct state *in, const struct state *host,
		   const struct state *soft, unsigned diff)
{
	static const char *const what[] = {"registers", "flags", "rip",   "exception",
					   "x87",       "xmm",   "mxcsr", "memory"};
	ZydisFormatter f;
	char text[128];

	ZydisFormatterInit(&f, ZYDIS_FORMATTER_STYLE_INTEL);
	ZydisFormatterFormatInstruction(&f, &i->in, i->opnd, i->in.operand_count_visible, text,
					sizeof(text), i->at, NULL);
	if (i->setup_n)
		printf("# first:");
	for (unsigned n = 0; n < i->setup_len; n++)
		printf(" %02x%s", i->setup[n], n + 1 == i->setup_len ? "\n" : "");
	if (gen_narrow(i))
		printf("# 32-bit code, DS and ES %x\n", in->ds);
	printf("# %s:", text);
	for (unsigned n = 0; n < i->len; n++)
		printf(" %02x", i->code[n]);
	printf("; different:");
	for (unsigned n = 0; n < G_N_ELEMENTS(what); n++)
		if (diff >> n & 1)
			printf(" %s", what[n]);
	printf("\n");
	print_state("before", in, diff);
	print_state("host", host, diff);
	print_state("soft", soft, diff);
}
