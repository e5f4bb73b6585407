// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packed integers, logic, shuffles, blends, AES and PCLMULQDQ, on XMM and MMX registers: what
 * computes a register from registers and raises nothing but for memory.
 * x86_simd_bind() finds the forms; no state but the operands is touched.
 */
#include "cpu/simd.h"
#include "cpu/simd_list.h"

/* --- XMM and MMX --- */

/*
 * An MMX instruction on the low halves of XMM registers.  The upper halves of d and s are zero;
 * of the result the lower half counts.  PAIR: the instruction puts what it makes of d before what
 * it makes of s.  HIGH: it reads the upper half of each operand, of 64 bits as of 128.
 */
#define MMX_SAME(M, d, s) do_##M(d, s, 0)
#define MMX_LOW(M, d, s) do_##M(d, s, 0)
#define MMX_HIGH(M, d, s) do_##M(_mm_slli_si128(d, 4), _mm_slli_si128(s, 4), 0)
#define MMX_PAIR(M, d, s) do_##M(_mm_unpacklo_epi64(d, s), _mm_unpacklo_epi64(d, s), 0)
#define MMX_INDEX(M, d, s) do_##M(d, _mm_and_si128(s, _mm_set1_epi8((char)0x87)), 0)

/* The source in memory: PUNPCKL* reads what it needs (SDM 2B, PUNPCKLBW). */
#define MMX_SAME_LOAD simd_m64
#define MMX_LOW_LOAD simd_m32
#define MMX_HIGH_LOAD simd_m64
#define MMX_PAIR_LOAD simd_m64
#define MMX_INDEX_LOAD simd_m64

#define MM_MM(M, how)                                                            \
	SIMD_FN(M##_mm)                                                          \
	{                                                                        \
		simd_mmx(c);                                                     \
		mmx_put(c, op->d, how(M, mmx_get(c, op->d), mmx_get(c, op->s))); \
		return NEXT(op);                                                 \
	}
#define MM_MEM(M, how)                                           \
	SIMD_FN(M##_mmem)                                        \
	{                                                        \
		x86_xmm s;                                       \
                                                                 \
		simd_mmx(c);                                     \
		s = how##_LOAD(c, op);                           \
		mmx_put(c, op->d, how(M, mmx_get(c, op->d), s)); \
		return NEXT(op);                                 \
	}
/* clang-format off */
#define FORMS_MMX(M)                                                                           \
	{SIMD_X, SIMD_X, M##_xx}, {SIMD_X, SIMD_MEM, M##_xm},                                  \
	{SIMD_MM, SIMD_MM, M##_mm}, {SIMD_MM, SIMD_MEM, M##_mmem}
#define BOTH(M, how)                                                                           \
	SIMD_ASM(M)                                                                            \
	SIMD_XX(M)                                                                             \
	SIMD_XM(M, simd_m128)                                                                  \
	MM_MM(M, how)                                                                          \
	MM_MEM(M, how)                                                                         \
	const struct x86_simd_form x86_simd_##M[] = {FORMS_MMX(M), {0}};
SIMD_LIST_MMX(BOTH)

/* --- shifts --- */

#define SHIFT_IMM(M)                                                                           \
	SIMD_FN(M##_xi)                                                                        \
	{                                                                                      \
		simd_sse(c);                                                                   \
		simd_put(c, op->d,                                                             \
			 do_##M(simd_get(c, op->d), _mm_cvtsi32_si128((int)op->imm), 0));      \
		return NEXT(op);                                                               \
	}                                                                                      \
	SIMD_FN(M##_mi)                                                                        \
	{                                                                                      \
		simd_mmx(c);                                                                   \
		mmx_put(c, op->d,                                                              \
			do_##M(mmx_get(c, op->d), _mm_cvtsi32_si128((int)op->imm), 0));        \
		return NEXT(op);                                                               \
	}
#define SHIFT(M)                                                                               \
	SIMD_ASM(M)                                                                            \
	SIMD_XX(M)                                                                             \
	SIMD_XM(M, simd_m128)                                                                  \
	MM_MM(M, MMX_SAME)                                                                     \
	MM_MEM(M, MMX_SAME)                                                                    \
	SHIFT_IMM(M)                                                                           \
	const struct x86_simd_form x86_simd_##M[] = {                                          \
		FORMS_MMX(M), {SIMD_X, SIMD_IMM, M##_xi}, {SIMD_MM, SIMD_IMM, M##_mi}, {0}};
SIMD_LIST_SHIFT(SHIFT)

/* By bytes. */
#define SHIFT_BYTES(M)                                                                         \
	static x86_xmm do_##M(x86_xmm d, unsigned imm)                                         \
	{                                                                                      \
		x86_xmm s = _mm_setzero_si128();                                               \
                                                                                               \
		switch (imm) {                                                                 \
			SHIFT_CASES(#M)                                                        \
		default:                                                                       \
			d = s;                                                                 \
		}                                                                              \
		return d;                                                                      \
	}                                                                                      \
	SIMD_FN(M##_xi)                                                                        \
	{                                                                                      \
		simd_sse(c);                                                                   \
		simd_put(c, op->d, do_##M(simd_get(c, op->d), (unsigned)op->imm));             \
		return NEXT(op);                                                               \
	}                                                                                      \
	const struct x86_simd_form x86_simd_##M[] = {{SIMD_X, SIMD_IMM, M##_xi}, {0}};
#define SHIFT_CASE(M, n)                                                                       \
	case n:                                                                                \
		__asm__(M " %1, %0" : "+x"(d) : "i"(n));                                       \
		break;
#define SHIFT_CASES(M)                                                                         \
	SHIFT_CASE(M, 0) SHIFT_CASE(M, 1) SHIFT_CASE(M, 2) SHIFT_CASE(M, 3)                    \
	SHIFT_CASE(M, 4) SHIFT_CASE(M, 5) SHIFT_CASE(M, 6) SHIFT_CASE(M, 7)                    \
	SHIFT_CASE(M, 8) SHIFT_CASE(M, 9) SHIFT_CASE(M, 10) SHIFT_CASE(M, 11)                  \
	SHIFT_CASE(M, 12) SHIFT_CASE(M, 13) SHIFT_CASE(M, 14) SHIFT_CASE(M, 15)
SHIFT_BYTES(PSLLDQ)
SHIFT_BYTES(PSRLDQ)

/* --- XMM --- */

#define XMM(M, load)                                                                           \
	SIMD_XX(M)                                                                             \
	SIMD_XM(M, load)                                                                       \
	const struct x86_simd_form x86_simd_##M[] = {                                          \
		{SIMD_X, SIMD_X, M##_xx}, {SIMD_X, SIMD_MEM, M##_xm}, {0}};
#define XMM_ASM(M, load) SIMD_ASM(M) XMM(M, load)
#define XMM_IMM(M, values) SIMD_ASM_IMM(M, values) XMM(M, simd_m128)
SIMD_LIST_XMM(XMM_ASM)
SIMD_LIST_XMM_IMM(XMM_IMM)

/* --- those with a twist: the immediate is more than the host's --- */

static x86_xmm do_PALIGNR(x86_xmm d, x86_xmm s, unsigned imm)
{
	if (imm >= 32)
		return _mm_setzero_si128();
	switch (imm) {
		SIMD_CASE_32("PALIGNR", 0)
	}
	return d;
}

/* Of 64 bits: d:s is one XMM register. */
static x86_xmm palignr_mmx(x86_xmm d, x86_xmm s, unsigned imm)
{
	return do_PALIGNR(_mm_setzero_si128(), _mm_unpacklo_epi64(s, d), imm);
}

SIMD_FN(PALIGNR_mm)
{
	simd_mmx(c);
	mmx_put(c, op->d,
		palignr_mmx(mmx_get(c, op->d), mmx_get(c, op->s), (unsigned)op->imm));
	return NEXT(op);
}

SIMD_FN(PALIGNR_mmem)
{
	x86_xmm s;

	simd_mmx(c);
	s = simd_m64(c, op);
	mmx_put(c, op->d, palignr_mmx(mmx_get(c, op->d), s, (unsigned)op->imm));
	return NEXT(op);
}

SIMD_XX(PALIGNR)
SIMD_XM(PALIGNR, simd_m128)
const struct x86_simd_form x86_simd_PALIGNR[] = {FORMS_MMX(PALIGNR), {0}};

SIMD_FN(PSHUFW_mm)
{
	simd_mmx(c);
	mmx_put(c, op->d,
		do_PSHUFLW(mmx_get(c, op->d), mmx_get(c, op->s), (unsigned)op->imm));
	return NEXT(op);
}

SIMD_FN(PSHUFW_mmem)
{
	x86_xmm s;

	simd_mmx(c);
	s = simd_m64(c, op);
	mmx_put(c, op->d, do_PSHUFLW(s, s, (unsigned)op->imm));
	return NEXT(op);
}

const struct x86_simd_form x86_simd_PSHUFW[] = {
	{SIMD_MM, SIMD_MM, PSHUFW_mm}, {SIMD_MM, SIMD_MEM, PSHUFW_mmem}, {0}};

/* Bits 0 and 4 choose halves. */
static x86_xmm do_PCLMULQDQ(x86_xmm d, x86_xmm s, unsigned imm)
{
	if (imm & 1)
		d = _mm_unpackhi_epi64(d, d);
	if (imm & 0x10)
		s = _mm_unpackhi_epi64(s, s);
	__asm__("PCLMULQDQ $0, %1, %0" : "+x"(d) : "x"(s));
	return d;
}
XMM(PCLMULQDQ, simd_m128)

/* The constant is added last, to dwords 1 and 3 (SDM 2A, AESKEYGENASSIST). */
static x86_xmm do_AESKEYGENASSIST(x86_xmm d, x86_xmm s, unsigned imm)
{
	__asm__("AESKEYGENASSIST $0, %1, %0" : "=x"(d) : "x"(s));
	return _mm_xor_si128(d, _mm_set_epi32((int)imm, 0, (int)imm, 0));
}
XMM(AESKEYGENASSIST, simd_m128)

/* From memory it is one element, whatever imm says about the source. */
#define FROM_M32 0x3f
static x86_xmm do_INSERTPS(x86_xmm d, x86_xmm s, unsigned imm)
{
	switch (imm) {
		SIMD_CASE_256("INSERTPS", 0)
	}
	return d;
}
SIMD_XX(INSERTPS)

SIMD_FN(INSERTPS_xm)
{
	x86_xmm s;

	simd_sse(c);
	s = simd_m32(c, op);
	simd_put(c, op->d, do_INSERTPS(simd_get(c, op->d), s, (unsigned)op->imm & FROM_M32));
	return NEXT(op);
}

const struct x86_simd_form x86_simd_INSERTPS[] = {
	{SIMD_X, SIMD_X, INSERTPS_xx}, {SIMD_X, SIMD_MEM, INSERTPS_xm}, {0}};

/* --- blends by XMM0 --- */

#define BLENDV(M)                                                                              \
	static inline x86_xmm do_##M(x86_xmm d, x86_xmm s, x86_xmm xmm0)                       \
	{                                                                                      \
		__asm__(#M " %%xmm0, %1, %0" : "+x"(d) : "x"(s), "Yz"(xmm0));                  \
		return d;                                                                      \
	}                                                                                      \
	SIMD_FN(M##_xx)                                                                        \
	{                                                                                      \
		simd_sse(c);                                                                   \
		simd_put(c, op->d,                                                             \
			 do_##M(simd_get(c, op->d), simd_get(c, op->s), simd_get(c, 0)));      \
		return NEXT(op);                                                               \
	}                                                                                      \
	SIMD_FN(M##_xm)                                                                        \
	{                                                                                      \
		x86_xmm s;                                                                     \
                                                                                               \
		simd_sse(c);                                                                   \
		s = simd_m128(c, op);                                                          \
		simd_put(c, op->d, do_##M(simd_get(c, op->d), s, simd_get(c, 0)));             \
		return NEXT(op);                                                               \
	}                                                                                      \
	const struct x86_simd_form x86_simd_##M[] = {                                          \
		{SIMD_X, SIMD_X, M##_xx}, {SIMD_X, SIMD_MEM, M##_xm}, {0}};
BLENDV(PBLENDVB)
BLENDV(BLENDVPS)
BLENDV(BLENDVPD)
/* clang-format on */
