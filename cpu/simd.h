/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MMX and SSE up to SSE4.2, AES and PCLMULQDQ: what the files simd_*.c share.
 *
 * Invariants: the host executes the guest's instruction itself, on copies of the guest's operands:
 * one asm statement an instruction, so that NaNs, roundings and flags are the hardware's.  A
 * compute function do_<mnemonic>(d, s, imm) returns the new destination and touches nothing else;
 * a handler checks, loads, computes and stores, in that order.  Legacy MMX is never executed: its
 * operands go through the low halves of XMM registers.  The host's MXCSR is the default (0x1f80)
 * before and after but for its flags, which may be left dirty.
 */
#ifndef CPU_SIMD_H
#define CPU_SIMD_H

#include <emmintrin.h>

#include "cpu/access.h"

typedef __m128i x86_xmm;

/* --- operand forms of a mnemonic, as the manual lists them --- */

enum {
	SIMD_X = 1,  /* XMM register */
	SIMD_MM = 2, /* MMX register */
	SIMD_R4 = 4, /* general register */
	SIMD_R8 = 8,
	SIMD_R = SIMD_R4 | SIMD_R8,
	SIMD_MEM = 16,
	SIMD_IMM = 32,
	SIMD_NONE = 64, /* there is no such operand */
};

/* Kinds of the first two operands, of which one bit each is met, and who executes that. */
struct x86_simd_form {
	uint8_t d, s;
	x86_fn *fn; /* NULL: end of the list */
};

/* Of a row: ptr is its list of forms.  op->d, op->s: registers; op->imm: imm8, op->size: REX.W. */
bool x86_simd_bind(struct x86_bind *b);
bool x86_simd_bind_forms(struct x86_bind *b, const struct x86_simd_form *f);
/* MASKMOVQ, MASKMOVDQU: memory is at the implicit [rDI]. */
bool x86_simd_bind_maskmov(struct x86_bind *b);
/* Zydis has one mnemonic for these and the string instructions: false where it is a string. */
bool x86_bind_movsd_sse(struct x86_bind *b);
bool x86_bind_cmpsd_sse(struct x86_bind *b);

#define SIMD_FN(name) static const struct x86_op *name(struct x86_cpu *c, const struct x86_op *op)

/* --- what must hold before (SDM 3A, 2.5, 13.1.4, table 23-3) --- */

/* CR0.EM, CR4.OSFXSR: #UD; CR0.TS: #NM; an x87 exception pending (MMX): #MF. */
void x86_simd_off(struct x86_cpu *c) __attribute__((noreturn));
void x86_mmx_off(struct x86_cpu *c) __attribute__((noreturn));

#define X86_FSW_ES 0x80u

static inline void simd_sse(struct x86_cpu *c)
{
	uint64_t bad = (c->cr0 & (X86_CR0_EM | X86_CR0_TS)) | (~c->cr4 & X86_CR4_OSFXSR);

	if (!x86_likely(!bad))
		x86_simd_off(c);
}

static inline void simd_mmx(struct x86_cpu *c)
{
	if (!x86_likely(!((c->cr0 & (X86_CR0_EM | X86_CR0_TS)) | (c->fpu.fsw & X86_FSW_ES))))
		x86_mmx_off(c);
}

/* An instruction of both worlds. */
static inline void simd_both(struct x86_cpu *c)
{
	simd_sse(c);
	simd_mmx(c);
}

/* --- registers --- */

static inline x86_xmm simd_get(const struct x86_cpu *c, unsigned n)
{
	return _mm_load_si128((const x86_xmm *)&c->v[n]);
}

static inline void simd_put(struct x86_cpu *c, unsigned n, x86_xmm v)
{
	_mm_store_si128((x86_xmm *)&c->v[n], v);
}

/* The state after any MMX instruction but EMMS (SDM 3A, 12.2). */
static inline void mmx_enter(struct x86_cpu *c)
{
	c->fpu.top = 0;
	c->fpu.valid = 0xff;
}

static inline x86_xmm mmx_get(const struct x86_cpu *c, unsigned n)
{
	return _mm_cvtsi64_si128((int64_t)c->fpu.reg[n].mant);
}

static inline void mmx_put(struct x86_cpu *c, unsigned n, x86_xmm v)
{
	mmx_enter(c);
	c->fpu.reg[n].mant = (uint64_t)_mm_cvtsi128_si64(v);
	c->fpu.reg[n].exp = 0xffff;
}

/* --- memory, by linear address --- */

x86_xmm x86_ldv_slow(struct x86_cpu *c, uint64_t lin);
void x86_stv_slow(struct x86_cpu *c, uint64_t lin, x86_xmm v);

static inline x86_xmm x86_ldv(struct x86_cpu *c, uint64_t lin)
{
	const struct x86_tlbe *e = x86_tlbe(c, lin);

	if (!x86_likely(e->rtag == ((lin + 15) & X86_PAGE_MASK)))
		return x86_ldv_slow(c, lin);
	return _mm_loadu_si128((const x86_xmm *)(uintptr_t)(lin + e->addend));
}

static inline void x86_stv(struct x86_cpu *c, uint64_t lin, x86_xmm v)
{
	const struct x86_tlbe *e = x86_tlbe(c, lin);

	if (x86_likely(e->wtag == ((lin + 15) & X86_PAGE_MASK)))
		_mm_storeu_si128((x86_xmm *)(uintptr_t)(lin + e->addend), v);
	else
		x86_stv_slow(c, lin, v);
}

/* Handlers of one instruction each: no call in the common case. */
#define SIMD_INLINE static inline __attribute__((always_inline))

/* --- the source in memory, by its size; m128: aligned or #GP(0), u128: anywhere --- */

SIMD_INLINE x86_xmm simd_m128(struct x86_cpu *c, const struct x86_op *op)
{
	uint64_t lin = x86_ea_r(c, op, 16);

	if (!x86_likely(!(lin & 15)))
		x86_gp(c, 0);
	return x86_ldv(c, lin);
}

SIMD_INLINE x86_xmm simd_u128(struct x86_cpu *c, const struct x86_op *op)
{
	return x86_ldv(c, x86_ea_r(c, op, 16));
}

SIMD_INLINE x86_xmm simd_m64(struct x86_cpu *c, const struct x86_op *op)
{
	return _mm_cvtsi64_si128((int64_t)x86_ld64(c, x86_ea_r(c, op, 8)));
}

SIMD_INLINE x86_xmm simd_m32(struct x86_cpu *c, const struct x86_op *op)
{
	return _mm_cvtsi32_si128((int32_t)x86_ld32(c, x86_ea_r(c, op, 4)));
}

SIMD_INLINE x86_xmm simd_m16(struct x86_cpu *c, const struct x86_op *op)
{
	return _mm_cvtsi32_si128(x86_ld16(c, x86_ea_r(c, op, 2)));
}

/* --- compute functions --- */

#define SIMD_ASM(M)                                                      \
	static inline x86_xmm do_##M(x86_xmm d, x86_xmm s, unsigned imm) \
	{                                                                \
		__asm__ volatile(#M " %1, %0" : "+x"(d) : "x"(s));       \
		return d;                                                \
	}

/* An immediate is part of the host's instruction, too: one for each value. */
#define SIMD_CASE_1(M, n)                                                     \
	case n:                                                               \
		__asm__ volatile(M " %2, %1, %0" : "+x"(d) : "x"(s), "i"(n)); \
		break;
#define SIMD_CASE_4(M, n)       \
	SIMD_CASE_1(M, n)       \
	SIMD_CASE_1(M, (n) + 1) \
	SIMD_CASE_1(M, (n) + 2) \
	SIMD_CASE_1(M, (n) + 3)
#define SIMD_CASE_8(M, n) SIMD_CASE_4(M, n) SIMD_CASE_4(M, (n) + 4)
#define SIMD_CASE_16(M, n) SIMD_CASE_8(M, n) SIMD_CASE_8(M, (n) + 8)
#define SIMD_CASE_32(M, n) SIMD_CASE_16(M, n) SIMD_CASE_16(M, (n) + 16)
#define SIMD_CASE_64(M, n) SIMD_CASE_32(M, n) SIMD_CASE_32(M, (n) + 32)
#define SIMD_CASE_256(M, n)        \
	SIMD_CASE_64(M, n)         \
	SIMD_CASE_64(M, (n) + 64)  \
	SIMD_CASE_64(M, (n) + 128) \
	SIMD_CASE_64(M, (n) + 192)

/* values: 4, 8, 16, 32 or 256, how many the instruction looks at. */
#define SIMD_ASM_IMM(M, values)                                   \
	static x86_xmm do_##M(x86_xmm d, x86_xmm s, unsigned imm) \
	{                                                         \
		switch (imm & (values - 1)) {                     \
			SIMD_CASE_##values(#M, 0)                 \
		}                                                 \
		return d;                                         \
	}

/* --- handlers: XMM with a register or memory --- */

#define SIMD_XX(M)                                                                           \
	SIMD_FN(M##_xx)                                                                      \
	{                                                                                    \
		simd_sse(c);                                                                 \
		simd_put(c, op->d,                                                           \
			 do_##M(simd_get(c, op->d), simd_get(c, op->s), (unsigned)op->imm)); \
		return NEXT(op);                                                             \
	}
#define SIMD_XM(M, load)                                                              \
	SIMD_FN(M##_xm)                                                               \
	{                                                                             \
		x86_xmm s;                                                            \
                                                                                      \
		simd_sse(c);                                                          \
		s = load(c, op);                                                      \
		simd_put(c, op->d, do_##M(simd_get(c, op->d), s, (unsigned)op->imm)); \
		return NEXT(op);                                                      \
	}

#endif
