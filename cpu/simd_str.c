// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What sets EFLAGS from packed integers: PTEST and the string comparisons of SSE4.2.
 * x86_simd_bind() finds the forms.
 * Never changes EFLAGS or a register before the operand in memory is there.
 */
#include "cpu/flags.h"
#include "cpu/simd.h"
#include "cpu/simd_list.h"

/* clang-format off */

/* --- PTEST --- */

static inline void do_PTEST(struct x86_cpu *c, x86_xmm d, x86_xmm s)
{
	int z, cf;

	__asm__("PTEST %3, %2" : "=@ccz"(z), "=@ccc"(cf) : "x"(d), "x"(s));
	x86_set_arith(c, (z ? X86_ZF : 0) | (cf ? X86_CF : 0));
}

/* Handlers of do_<M>(c, d, s); load: of the source in memory. */
#define WITH_FLAGS(M, load, call)                                                              \
	SIMD_FN(M##_xx)                                                                        \
	{                                                                                      \
		x86_xmm s;                                                                     \
                                                                                               \
		simd_sse(c);                                                                   \
		s = simd_get(c, op->s);                                                        \
		call;                                                                          \
		return NEXT(op);                                                               \
	}                                                                                      \
	SIMD_FN(M##_xm)                                                                        \
	{                                                                                      \
		x86_xmm s;                                                                     \
                                                                                               \
		simd_sse(c);                                                                   \
		s = load(c, op);                                                               \
		call;                                                                          \
		return NEXT(op);                                                               \
	}                                                                                      \
	const struct x86_simd_form x86_simd_##M[] = {                                          \
		{SIMD_X, SIMD_X, M##_xx}, {SIMD_X, SIMD_MEM, M##_xm}, {0}};
WITH_FLAGS(PTEST, simd_m128, do_PTEST(c, simd_get(c, op->d), s))

/* --- PCMPxSTRx (SDM 2B, 4.1) --- */

/* Source and result of the host's instruction. */
struct strings {
	x86_xmm d, s;
	uint32_t dlen, slen; /* elements of the explicit ones */
	uint32_t index;
	x86_xmm mask;
	int z, sf, o, cf;
};

#define FLAGS_OUT(x) "=@ccz"(x->z), "=@ccs"(x->sf), "=@cco"(x->o), "=@ccc"(x->cf)
#define INDEX_OUT(x) "=c"(x->index)
#define MASK_OUT(x) "=Yz"(x->mask)
#define LENGTHS_IN(x) , "a"(x->dlen), "d"(x->slen)
#define NO_LENGTHS(x)

#define STR_CASE_1(M, out, in, n)                                                              \
	case n:                                                                                \
		__asm__(M " %7, %6, %5"                                                        \
			: FLAGS_OUT(x), out(x)                                                 \
			: "x"(x->d), "x"(x->s), "i"(n) in(x));                                 \
		break;
#define STR_CASE_4(M, out, in, n)                                                              \
	STR_CASE_1(M, out, in, n)                                                              \
	STR_CASE_1(M, out, in, (n) + 1)                                                        \
	STR_CASE_1(M, out, in, (n) + 2)                                                        \
	STR_CASE_1(M, out, in, (n) + 3)
#define STR_CASE_16(M, out, in, n)                                                             \
	STR_CASE_4(M, out, in, n)                                                              \
	STR_CASE_4(M, out, in, (n) + 4)                                                        \
	STR_CASE_4(M, out, in, (n) + 8)                                                        \
	STR_CASE_4(M, out, in, (n) + 12)
#define STR_CASE_64(M, out, in, n)                                                             \
	STR_CASE_16(M, out, in, n)                                                             \
	STR_CASE_16(M, out, in, (n) + 16)                                                      \
	STR_CASE_16(M, out, in, (n) + 32)                                                      \
	STR_CASE_16(M, out, in, (n) + 48)

/* Bit 7 of imm means nothing. */
#define STRINGS(M, out, in)                                                                    \
	static __attribute__((noinline)) void host_##M(struct strings *x, unsigned imm)        \
	{                                                                                      \
		switch (imm & 0x7f) {                                                          \
			STR_CASE_64(#M, out, in, 0)                                            \
			STR_CASE_64(#M, out, in, 64)                                           \
		}                                                                              \
	}

STRINGS(PCMPESTRI, INDEX_OUT, LENGTHS_IN)
STRINGS(PCMPESTRM, MASK_OUT, LENGTHS_IN)
STRINGS(PCMPISTRI, INDEX_OUT, NO_LENGTHS)
STRINGS(PCMPISTRM, MASK_OUT, NO_LENGTHS)
/* clang-format on */

static void set_flags(struct x86_cpu *c, const struct strings *x)
{
	x86_set_arith(c, (x->cf ? X86_CF : 0) | (x->z ? X86_ZF : 0) | (x->sf ? X86_SF : 0) |
				 (x->o ? X86_OF : 0));
}

/* |length|, no more than 16: what is above counts as that. */
static uint32_t length(const struct x86_cpu *c, unsigned reg, unsigned size)
{
	int64_t v = size == 8 ? (int64_t)c->r[reg] : (int32_t)c->r[reg];
	uint64_t n = v < 0 ? -(uint64_t)v : (uint64_t)v;

	return n > 16 ? 16 : (uint32_t)n;
}

static struct strings operands(const struct x86_cpu *c, const struct x86_op *op, x86_xmm s)
{
	struct strings x = {.d = simd_get(c, op->d), .s = s};

	x.dlen = length(c, X86_RAX, op->size);
	x.slen = length(c, X86_RDX, op->size);
	return x;
}

static void set_index(struct x86_cpu *c, const struct strings *x)
{
	set_flags(c, x);
	c->r[X86_RCX] = x->index;
}

static void set_mask(struct x86_cpu *c, const struct strings *x)
{
	set_flags(c, x);
	simd_put(c, 0, x->mask);
}

/* clang-format off */
#define COMPARE(M, set)                                                                        \
	static void do_##M(struct x86_cpu *c, const struct x86_op *op, x86_xmm s)              \
	{                                                                                      \
		struct strings x = operands(c, op, s);                                         \
                                                                                               \
		host_##M(&x, (unsigned)op->imm);                                               \
		set(c, &x);                                                                    \
	}                                                                                      \
	WITH_FLAGS(M, simd_u128, do_##M(c, op, s))
COMPARE(PCMPESTRI, set_index)
COMPARE(PCMPESTRM, set_mask)
COMPARE(PCMPISTRI, set_index)
COMPARE(PCMPISTRM, set_mask)
/* clang-format on */
