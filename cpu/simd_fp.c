// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SSE floating point: the guest's MXCSR around the host's instruction.  It owns c->mxcsr's flags.
 * x86_simd_bind() finds the forms.
 * Never lets the host trap: the guest's unmasked exceptions are looked for afterwards.
 */
#include "cpu/flags.h"
#include "cpu/simd.h"
#include "cpu/simd_list.h"

enum {
	MX_FLAGS = 0x3f, /* IE DE ZE OE UE PE */
	MX_BEFORE = 0x7, /* found before the operation: those others are then not found out */
	MX_MASKS = 0x1f80,
	MX_MASK_SHIFT = 7,
	MX_PE = 0x20,
	MX_UM = 1 << 11,
	MX_FTZ = 1 << 15,
	MX_ALL = 0xffff,
};

/* --- MXCSR around an instruction --- */

static inline uint32_t host_mxcsr(void)
{
	uint32_t v;

	__asm__ volatile("stmxcsr %0" : "=m"(v));
	return v;
}

static inline void host_set_mxcsr(uint32_t v)
{
	__asm__ volatile("ldmxcsr %0" : : "m"(v));
}

/*
 * The guest's control with all masked and no flags.  Unmasked underflow is met by tiny results
 * that are exact, too (SDM 1, 4.9.1.5); under FTZ, the masked one is as well.  A deviation:
 * with unmasked overflow or underflow PE is always set, not only where the result is inexact, too.
 */
static __attribute__((noinline)) void fp_enter(struct x86_cpu *c)
{
	uint32_t v = (c->mxcsr & ~(uint32_t)MX_FLAGS) | MX_MASKS;

	if (!(c->mxcsr & MX_UM))
		v |= MX_FTZ;
	host_set_mxcsr(v);
}

/*
 * Returns the host's MXCSR.  Where its control is the guest's (so all is masked) and the guest has
 * its flags, it can stay as it is.
 */
static inline uint32_t fp_begin(struct x86_cpu *c)
{
	uint32_t host = host_mxcsr();

	if (!x86_likely(
		    !(((host ^ c->mxcsr) & ~(uint32_t)MX_FLAGS) | (host & ~c->mxcsr & MX_FLAGS))))
		fp_enter(c);
	return host;
}

static __attribute__((noinline)) void fp_leave(struct x86_cpu *c, uint32_t host, uint32_t flags)
{
	uint32_t unmasked = ~(c->mxcsr >> MX_MASK_SHIFT) & MX_FLAGS;

	host_set_mxcsr(host);
	if (flags & unmasked & MX_BEFORE)
		flags &= MX_BEFORE;
	c->mxcsr |= flags;
	if (flags & unmasked)
		x86_raise(c, c->cr4 & X86_CR4_OSXMMEXCPT ? X86_XM : X86_UD, 0);
}

/* Flags to the guest; its unmasked exceptions are raised here. */
static inline void fp_end(struct x86_cpu *c, uint32_t host)
{
	uint32_t v = host_mxcsr();

	if (x86_likely(!(((v ^ host) | (v ^ c->mxcsr)) & ~(uint32_t)MX_FLAGS)))
		c->mxcsr |= v & MX_FLAGS;
	else
		fp_leave(c, host, v & MX_FLAGS);
}

/* --- most instructions need not look at the host's MXCSR, which takes long --- */

enum fp_how {
	FP_ANY, /* not looked at */
	FP_32,  /* a scalar of two */
	FP_64,
	FP_32TO32, /* a scalar of the source */
	FP_64TO64,
	FP_32TO64, /* exact */
	FP_64TO32,
};

/* Control is the default, which is the host's, and PE is there already. */
static inline bool fp_calm(const struct x86_cpu *c)
{
	return x86_likely((c->mxcsr & ~(uint32_t)(MX_FLAGS & ~MX_PE)) == (MX_MASKS | MX_PE));
}

SIMD_INLINE bool zero32(x86_xmm v)
{
	return !((uint32_t)_mm_cvtsi128_si32(v) << 1);
}

/* Zero or normal: by itself no reason for IE or DE. */
SIMD_INLINE bool plain32(x86_xmm v)
{
	return zero32(v) || ((uint32_t)_mm_cvtsi128_si32(v) << 1) - (1u << 24) < 0xfeu << 24;
}

/* A result of plain numbers that is away from the ends of the range: no IE, ZE, OE, UE. */
SIMD_INLINE bool middle32(x86_xmm v)
{
	return ((uint32_t)_mm_cvtsi128_si32(v) << 1) - (2u << 24) < 0xfcu << 24;
}

/* v of d and s; of zero by multiplication or division, zero is exact. */
SIMD_INLINE bool quiet32(x86_xmm d, x86_xmm s, x86_xmm v)
{
	return plain32(d) && plain32(s) && (middle32(v) || (zero32(v) && (zero32(d) || zero32(s))));
}

SIMD_INLINE bool zero64(x86_xmm v)
{
	return !((uint64_t)_mm_cvtsi128_si64(v) << 1);
}

/* Zero or normal: by itself no reason for IE or DE. */
SIMD_INLINE bool plain64(x86_xmm v)
{
	return zero64(v) || ((uint64_t)_mm_cvtsi128_si64(v) << 1) - (1ull << 53) < 0x7feull << 53;
}

/* A result of plain numbers that is away from the ends of the range: no IE, ZE, OE, UE. */
SIMD_INLINE bool middle64(x86_xmm v)
{
	return ((uint64_t)_mm_cvtsi128_si64(v) << 1) - (2ull << 53) < 0x7fcull << 53;
}

/* v of d and s; of zero by multiplication or division, zero is exact. */
SIMD_INLINE bool quiet64(x86_xmm d, x86_xmm s, x86_xmm v)
{
	return plain64(d) && plain64(s) && (middle64(v) || (zero64(v) && (zero64(d) || zero64(s))));
}

/* v = f(d, s) raised nothing but perhaps PE. */
SIMD_INLINE bool fp_quiet(enum fp_how how, x86_xmm d, x86_xmm s, x86_xmm v)
{
	switch (how) {
	case FP_32:
		return quiet32(d, s, v);
	case FP_64:
		return quiet64(d, s, v);
	case FP_32TO32:
		return plain32(s) && (middle32(v) || zero32(s));
	case FP_64TO64:
		return plain64(s) && (middle64(v) || zero64(s));
	case FP_32TO64:
		return plain32(s);
	case FP_64TO32:
		return plain64(s) && (middle32(v) || zero64(s));
	default:
		return false;
	}
}

SIMD_FN(LDMXCSR_m)
{
	uint32_t v;

	simd_sse(c);
	v = x86_ld32(c, x86_ea_r(c, op, 4));
	if (v & ~(uint32_t)MX_ALL)
		x86_gp(c, 0);
	c->mxcsr = v;
	return NEXT(op);
}

SIMD_FN(STMXCSR_m)
{
	simd_sse(c);
	x86_st32(c, x86_ea_w(c, op, 4), c->mxcsr);
	return NEXT(op);
}

/* clang-format off */
const struct x86_simd_form x86_simd_LDMXCSR[] = {{SIMD_MEM, SIMD_NONE, LDMXCSR_m}, {0}};
const struct x86_simd_form x86_simd_STMXCSR[] = {{SIMD_MEM, SIMD_NONE, STMXCSR_m}, {0}};

/* --- XMM to XMM --- */

#define FP(M, load, how)                                                                       \
	SIMD_INLINE x86_xmm fp_##M(struct x86_cpu *c, const struct x86_op *op, x86_xmm s)      \
	{                                                                                      \
		x86_xmm d = simd_get(c, op->d), v;                                             \
		uint32_t host;                                                                 \
                                                                                               \
		if (how != FP_ANY && fp_calm(c)) {                                             \
			v = do_##M(d, s, (unsigned)op->imm);                                   \
			if (x86_likely(fp_quiet(how, d, s, v)))                                \
				return v;                                                      \
		}                                                                              \
		host = fp_begin(c);                                                            \
		v = do_##M(d, s, (unsigned)op->imm);                                           \
		fp_end(c, host);                                                               \
		return v;                                                                      \
	}                                                                                      \
	SIMD_FN(M##_xx)                                                                        \
	{                                                                                      \
		simd_sse(c);                                                                   \
		simd_put(c, op->d, fp_##M(c, op, simd_get(c, op->s)));                         \
		return NEXT(op);                                                               \
	}                                                                                      \
	SIMD_FN(M##_xm)                                                                        \
	{                                                                                      \
		simd_sse(c);                                                                   \
		simd_put(c, op->d, fp_##M(c, op, load(c, op)));                                \
		return NEXT(op);                                                               \
	}                                                                                      \
	const struct x86_simd_form x86_simd_##M[] = {                                          \
		{SIMD_X, SIMD_X, M##_xx}, {SIMD_X, SIMD_MEM, M##_xm}, {0}};
#define FP_ASM(M, load, how) SIMD_ASM(M) FP(M, load, how)
#define FP_IMM(M, values, load) SIMD_ASM_IMM(M, values) FP(M, load, FP_ANY)
SIMD_LIST_FP(FP_ASM)
SIMD_LIST_FP_IMM(FP_IMM)
FP_IMM(CMPSD, 8, simd_m64)

/* --- comparisons to EFLAGS --- */

/* Of plain numbers they raise nothing. */
#define COMPARE(M, load, plain)                                                                \
	static inline uint32_t do_##M(x86_xmm d, x86_xmm s)                                    \
	{                                                                                      \
		int z, p, cf;                                                                  \
                                                                                               \
		__asm__ volatile(#M " %4, %3"                                                  \
				 : "=@ccz"(z), "=@ccp"(p), "=@ccc"(cf)                         \
				 : "x"(d), "x"(s));                                            \
		return (z ? X86_ZF : 0) | (p ? X86_PF : 0) | (cf ? X86_CF : 0);                \
	}                                                                                      \
	static inline const struct x86_op *M##_to(struct x86_cpu *c, const struct x86_op *op,  \
						  x86_xmm s)                                   \
	{                                                                                      \
		x86_xmm d = simd_get(c, op->d);                                                \
		uint32_t host, f;                                                              \
                                                                                               \
		if (x86_likely(plain(d) && plain(s))) {                                        \
			f = do_##M(d, s);                                                      \
		} else {                                                                       \
			host = fp_begin(c);                                                    \
			f = do_##M(d, s);                                                      \
			fp_end(c, host);                                                       \
		}                                                                              \
		x86_set_arith(c, f);                                                           \
		return NEXT(op);                                                               \
	}                                                                                      \
	SIMD_FN(M##_xx)                                                                        \
	{                                                                                      \
		simd_sse(c);                                                                   \
		return M##_to(c, op, simd_get(c, op->s));                                      \
	}                                                                                      \
	SIMD_FN(M##_xm)                                                                        \
	{                                                                                      \
		simd_sse(c);                                                                   \
		return M##_to(c, op, load(c, op));                                             \
	}                                                                                      \
	const struct x86_simd_form x86_simd_##M[] = {                                          \
		{SIMD_X, SIMD_X, M##_xx}, {SIMD_X, SIMD_MEM, M##_xm}, {0}};
COMPARE(COMISS, simd_m32, plain32)
COMPARE(COMISD, simd_m64, plain64)
COMPARE(UCOMISS, simd_m32, plain32)
COMPARE(UCOMISD, simd_m64, plain64)

/* --- general register or memory to XMM --- */

/* quiet: no exceptions, or PE alone and that is there already. */
#define FROM_INT(M, name, suffix, type, quiet, source)                                         \
	SIMD_FN(M##name)                                                                       \
	{                                                                                      \
		uint32_t host;                                                                 \
		x86_xmm v;                                                                     \
		type s;                                                                        \
                                                                                               \
		simd_sse(c);                                                                   \
		s = (type)source;                                                              \
		v = simd_get(c, op->d);                                                        \
		if (quiet) {                                                                   \
			__asm__ volatile(#M suffix " %1, %0" : "+x"(v) : "r"(s));              \
		} else {                                                                       \
			host = fp_begin(c);                                                    \
			__asm__ volatile(#M suffix " %1, %0" : "+x"(v) : "r"(s));              \
			fp_end(c, host);                                                       \
		}                                                                              \
		simd_put(c, op->d, v);                                                         \
		return NEXT(op);                                                               \
	}
#define CVT_FROM_INT(M, quiet32)                                                               \
	FROM_INT(M, _xr4, "L", uint32_t, quiet32, x86_get(c, op->s, 4))                        \
	FROM_INT(M, _xr8, "Q", uint64_t, fp_calm(c), x86_get(c, op->s, 8))                     \
	FROM_INT(M, _xm4, "L", uint32_t, quiet32, x86_ld32(c, x86_ea_r(c, op, 4)))             \
	FROM_INT(M, _xm8, "Q", uint64_t, fp_calm(c), x86_ld64(c, x86_ea_r(c, op, 8)))          \
	SIMD_FN(M##_xm)                                                                        \
	{                                                                                      \
		return op->size == 8 ? M##_xm8(c, op) : M##_xm4(c, op);                        \
	}                                                                                      \
	const struct x86_simd_form x86_simd_##M[] = {{SIMD_X, SIMD_R4, M##_xr4},               \
						     {SIMD_X, SIMD_R8, M##_xr8},               \
						     {SIMD_X, SIMD_MEM, M##_xm}, {0}};
CVT_FROM_INT(CVTSI2SS, fp_calm(c))
CVT_FROM_INT(CVTSI2SD, true)

/* --- XMM or memory to general register --- */

/* Only the integer indefinite may be IE; there is no DE. */
#define TO_INT(M, name, type, source)                                                          \
	SIMD_FN(M##name)                                                                       \
	{                                                                                      \
		uint32_t host;                                                                 \
		x86_xmm s;                                                                     \
		type v;                                                                        \
                                                                                               \
		simd_sse(c);                                                                   \
		s = source;                                                                    \
		__asm__ volatile(#M " %1, %0" : "=r"(v) : "x"(s));                             \
		if (!(fp_calm(c) && x86_likely((type)(v << 1)))) {                             \
			host = fp_begin(c);                                                    \
			__asm__ volatile(#M " %1, %0" : "=r"(v) : "x"(s));                     \
			fp_end(c, host);                                                       \
		}                                                                              \
		x86_put(c, op->d, v, sizeof(v));                                               \
		return NEXT(op);                                                               \
	}
#define CVT_TO_INT(M, load)                                                                    \
	TO_INT(M, _r4x, uint32_t, simd_get(c, op->s))                                          \
	TO_INT(M, _r8x, uint64_t, simd_get(c, op->s))                                          \
	TO_INT(M, _r4m, uint32_t, load(c, op))                                                 \
	TO_INT(M, _r8m, uint64_t, load(c, op))                                                 \
	const struct x86_simd_form x86_simd_##M[] = {                                          \
		{SIMD_R4, SIMD_X, M##_r4x}, {SIMD_R8, SIMD_X, M##_r8x},                        \
		{SIMD_R4, SIMD_MEM, M##_r4m}, {SIMD_R8, SIMD_MEM, M##_r8m}, {0}};
CVT_TO_INT(CVTSS2SI, simd_m32)
CVT_TO_INT(CVTSD2SI, simd_m64)
CVT_TO_INT(CVTTSS2SI, simd_m32)
CVT_TO_INT(CVTTSD2SI, simd_m64)

/* --- between MMX and XMM, through the conversion between XMM registers (via) --- */

/* Two floats or all of a destination's 128 bits come from the conversion. */
#define HALF(d, v) _mm_castpd_si128(_mm_move_sd(_mm_castsi128_pd(d), _mm_castsi128_pd(v)))
#define WHOLE(d, v) (v)

#define FROM_MMX(M, name, via, part, check, source, enter)                                     \
	SIMD_FN(M##name)                                                                       \
	{                                                                                      \
		x86_xmm d = simd_get(c, op->d), v;                                             \
		uint32_t host;                                                                 \
                                                                                               \
		check(c);                                                                      \
		v = source;                                                                    \
		host = fp_begin(c);                                                            \
		v = do_##via(d, v, 0);                                                         \
		fp_end(c, host);                                                               \
		enter;                                                                         \
		simd_put(c, op->d, part(d, v));                                                \
		return NEXT(op);                                                               \
	}
#define CVT_FROM_MMX(M, via, part, check_mem, enter_mem)                                       \
	FROM_MMX(M, _xmm, via, part, simd_both, mmx_get(c, op->s), mmx_enter(c))               \
	FROM_MMX(M, _xm, via, part, check_mem, simd_m64(c, op), enter_mem)                     \
	const struct x86_simd_form x86_simd_##M[] = {                                          \
		{SIMD_X, SIMD_MM, M##_xmm}, {SIMD_X, SIMD_MEM, M##_xm}, {0}};
CVT_FROM_MMX(CVTPI2PS, CVTDQ2PS, HALF, simd_both, mmx_enter(c))
/* From memory this one is no MMX instruction (SDM 2A, CVTPI2PD). */
CVT_FROM_MMX(CVTPI2PD, CVTDQ2PD, WHOLE, simd_sse, (void)0)

#define TO_MMX(M, name, via, source)                                                           \
	SIMD_FN(M##name)                                                                       \
	{                                                                                      \
		uint32_t host;                                                                 \
		x86_xmm v;                                                                     \
                                                                                               \
		simd_both(c);                                                                  \
		v = source;                                                                    \
		host = fp_begin(c);                                                            \
		v = do_##via(v, v, 0);                                                         \
		fp_end(c, host);                                                               \
		mmx_put(c, op->d, v);                                                          \
		return NEXT(op);                                                               \
	}
/* Two floats alone: the upper ones shall raise nothing. */
#define CVT_TO_MMX(M, via, source, load)                                                       \
	TO_MMX(M, _mmx, via, source)                                                           \
	TO_MMX(M, _mmem, via, load(c, op))                                                     \
	const struct x86_simd_form x86_simd_##M[] = {                                          \
		{SIMD_MM, SIMD_X, M##_mmx}, {SIMD_MM, SIMD_MEM, M##_mmem}, {0}};
CVT_TO_MMX(CVTPS2PI, CVTPS2DQ, _mm_move_epi64(simd_get(c, op->s)), simd_m64)
CVT_TO_MMX(CVTTPS2PI, CVTTPS2DQ, _mm_move_epi64(simd_get(c, op->s)), simd_m64)
CVT_TO_MMX(CVTPD2PI, CVTPD2DQ, simd_get(c, op->s), simd_m128)
CVT_TO_MMX(CVTTPD2PI, CVTTPD2DQ, simd_get(c, op->s), simd_m128)
/* clang-format on */
