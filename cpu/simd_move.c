// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Moves of vectors and of their parts: between XMM, MMX, general registers and memory.
 * x86_simd_bind() finds the forms.
 * Never looks at MXCSR: what is moved has no type.
 */
#include "cpu/simd.h"
#include "cpu/simd_list.h"

/* --- stores; m128: aligned or #GP(0) --- */

static inline void st_m128(struct x86_cpu *c, const struct x86_op *op, x86_xmm v)
{
	uint64_t lin = x86_ea_w(c, op, 16);

	if (!x86_likely(!(lin & 15)))
		x86_gp(c, 0);
	x86_stv(c, lin, v);
}

static inline void st_u128(struct x86_cpu *c, const struct x86_op *op, x86_xmm v)
{
	x86_stv(c, x86_ea_w(c, op, 16), v);
}

static inline void st_m64(struct x86_cpu *c, const struct x86_op *op, x86_xmm v)
{
	x86_st64(c, x86_ea_w(c, op, 8), (uint64_t)_mm_cvtsi128_si64(v));
}

static inline void st_m32(struct x86_cpu *c, const struct x86_op *op, x86_xmm v)
{
	x86_st32(c, x86_ea_w(c, op, 4), (uint32_t)_mm_cvtsi128_si32(v));
}

#define STORE(name, store, value)    \
	SIMD_FN(name)                \
	{                            \
		simd_sse(c);         \
		store(c, op, value); \
		return NEXT(op);     \
	}
#define LOAD(name, load)                         \
	SIMD_FN(name)                            \
	{                                        \
		simd_sse(c);                     \
		simd_put(c, op->d, load(c, op)); \
		return NEXT(op);                 \
	}

/* --- 128 bits --- */

LOAD(load_m128, simd_m128)
LOAD(load_u128, simd_u128)
STORE(store_m128, st_m128, simd_get(c, op->s))
STORE(store_u128, st_u128, simd_get(c, op->s))

SIMD_FN(mov_xx)
{
	simd_sse(c);
	simd_put(c, op->d, simd_get(c, op->s));
	return NEXT(op);
}

/* clang-format off */
#define MOV_128(M, a)                                                                          \
	const struct x86_simd_form x86_simd_##M[] = {{SIMD_X, SIMD_X, mov_xx},                 \
						     {SIMD_X, SIMD_MEM, load_##a},             \
						     {SIMD_MEM, SIMD_X, store_##a}, {0}};
#define FORM_1(M, d, s, fn) const struct x86_simd_form x86_simd_##M[] = {{d, s, fn}, {0}};

MOV_128(MOVAPS, m128)
MOV_128(MOVAPD, m128)
MOV_128(MOVDQA, m128)
MOV_128(MOVUPS, u128)
MOV_128(MOVUPD, u128)
MOV_128(MOVDQU, u128)
FORM_1(LDDQU, SIMD_X, SIMD_MEM, load_u128)
FORM_1(MOVNTDQA, SIMD_X, SIMD_MEM, load_m128)
FORM_1(MOVNTPS, SIMD_MEM, SIMD_X, store_m128)
FORM_1(MOVNTPD, SIMD_MEM, SIMD_X, store_m128)
FORM_1(MOVNTDQ, SIMD_MEM, SIMD_X, store_m128)

/* --- scalars: a load clears the rest, a move between registers keeps it --- */

LOAD(load_m32, simd_m32)
LOAD(load_m64, simd_m64)
STORE(store_m32, st_m32, simd_get(c, op->s))
STORE(store_m64, st_m64, simd_get(c, op->s))

SIMD_FN(movss_xx)
{
	simd_sse(c);
	c->v[op->d].u32[0] = c->v[op->s].u32[0];
	return NEXT(op);
}

SIMD_FN(movsd_xx)
{
	simd_sse(c);
	c->v[op->d].u64[0] = c->v[op->s].u64[0];
	return NEXT(op);
}

const struct x86_simd_form x86_simd_MOVSS[] = {{SIMD_X, SIMD_X, movss_xx},
					       {SIMD_X, SIMD_MEM, load_m32},
					       {SIMD_MEM, SIMD_X, store_m32}, {0}};
const struct x86_simd_form x86_simd_MOVSD[] = {{SIMD_X, SIMD_X, movsd_xx},
					       {SIMD_X, SIMD_MEM, load_m64},
					       {SIMD_MEM, SIMD_X, store_m64}, {0}};

/* --- halves --- */

#define HALF(name, to, source)                                                                 \
	SIMD_FN(name)                                                                          \
	{                                                                                      \
		simd_sse(c);                                                                   \
		c->v[op->d].u64[to] = source;                                                  \
		return NEXT(op);                                                               \
	}
HALF(movlps_xm, 0, x86_ld64(c, x86_ea_r(c, op, 8)))
HALF(movhps_xm, 1, x86_ld64(c, x86_ea_r(c, op, 8)))
HALF(movhlps_xx, 0, c->v[op->s].u64[1])
HALF(movlhps_xx, 1, c->v[op->s].u64[0])

STORE(movhps_mx, st_m64, _mm_srli_si128(simd_get(c, op->s), 8))

#define MOV_HALF(M, load, store)                                                               \
	const struct x86_simd_form x86_simd_##M[] = {{SIMD_X, SIMD_MEM, load},                 \
						     {SIMD_MEM, SIMD_X, store}, {0}};
MOV_HALF(MOVLPS, movlps_xm, store_m64)
MOV_HALF(MOVLPD, movlps_xm, store_m64)
MOV_HALF(MOVHPS, movhps_xm, movhps_mx)
MOV_HALF(MOVHPD, movhps_xm, movhps_mx)
FORM_1(MOVHLPS, SIMD_X, SIMD_X, movhlps_xx)
FORM_1(MOVLHPS, SIMD_X, SIMD_X, movlhps_xx)

/* --- general registers and MMX --- */

SIMD_FN(movd_xr)
{
	simd_sse(c);
	simd_put(c, op->d, _mm_cvtsi32_si128((int32_t)x86_get(c, op->s, 4)));
	return NEXT(op);
}

SIMD_FN(movq_xr)
{
	simd_sse(c);
	simd_put(c, op->d, _mm_cvtsi64_si128((int64_t)x86_get(c, op->s, 8)));
	return NEXT(op);
}

SIMD_FN(movd_rx)
{
	simd_sse(c);
	x86_put(c, op->d, c->v[op->s].u32[0], 4);
	return NEXT(op);
}

SIMD_FN(movq_rx)
{
	simd_sse(c);
	x86_put(c, op->d, c->v[op->s].u64[0], 8);
	return NEXT(op);
}

SIMD_FN(movq_xx)
{
	simd_sse(c);
	simd_put(c, op->d, _mm_move_epi64(simd_get(c, op->s)));
	return NEXT(op);
}

#define TO_MM(name, check, source)                                                             \
	SIMD_FN(name)                                                                          \
	{                                                                                      \
		check(c);                                                                      \
		mmx_put(c, op->d, source);                                                     \
		return NEXT(op);                                                               \
	}
/* target = the low part of MMX register op->s */
#define FROM_MM(name, check, put)                                                              \
	SIMD_FN(name)                                                                          \
	{                                                                                      \
		uint64_t v = c->fpu.reg[op->s].mant;                                           \
                                                                                               \
		check(c);                                                                      \
		put;                                                                           \
		mmx_enter(c);                                                                  \
		return NEXT(op);                                                               \
	}
TO_MM(movd_mmr, simd_mmx, _mm_cvtsi32_si128((int32_t)x86_get(c, op->s, 4)))
TO_MM(movq_mmr, simd_mmx, _mm_cvtsi64_si128((int64_t)x86_get(c, op->s, 8)))
TO_MM(movd_mmm, simd_mmx, simd_m32(c, op))
TO_MM(movq_mmm, simd_mmx, simd_m64(c, op))
TO_MM(movq_mmmm, simd_mmx, mmx_get(c, op->s))
TO_MM(movdq2q, simd_both, simd_get(c, op->s))
FROM_MM(movd_rmm, simd_mmx, x86_put(c, op->d, v, 4))
FROM_MM(movq_rmm, simd_mmx, x86_put(c, op->d, v, 8))
FROM_MM(movd_mmmx, simd_mmx, x86_st32(c, x86_ea_w(c, op, 4), (uint32_t)v))
FROM_MM(movq_mmmx, simd_mmx, x86_st64(c, x86_ea_w(c, op, 8), v))
FROM_MM(movq2dq, simd_both, simd_put(c, op->d, _mm_cvtsi64_si128((int64_t)v)))

const struct x86_simd_form x86_simd_MOVD[] = {
	{SIMD_X, SIMD_R4, movd_xr}, {SIMD_X, SIMD_MEM, load_m32},
	{SIMD_R4, SIMD_X, movd_rx}, {SIMD_MEM, SIMD_X, store_m32},
	{SIMD_MM, SIMD_R4, movd_mmr}, {SIMD_MM, SIMD_MEM, movd_mmm},
	{SIMD_R4, SIMD_MM, movd_rmm}, {SIMD_MEM, SIMD_MM, movd_mmmx}, {0}};
const struct x86_simd_form x86_simd_MOVQ[] = {
	{SIMD_X, SIMD_X, movq_xx}, {SIMD_MM, SIMD_MM, movq_mmmm},
	{SIMD_X, SIMD_R8, movq_xr}, {SIMD_X, SIMD_MEM, load_m64},
	{SIMD_R8, SIMD_X, movq_rx}, {SIMD_MEM, SIMD_X, store_m64},
	{SIMD_MM, SIMD_R8, movq_mmr}, {SIMD_MM, SIMD_MEM, movq_mmm},
	{SIMD_R8, SIMD_MM, movq_rmm}, {SIMD_MEM, SIMD_MM, movq_mmmx}, {0}};
FORM_1(MOVQ2DQ, SIMD_X, SIMD_MM, movq2dq)
FORM_1(MOVDQ2Q, SIMD_MM, SIMD_X, movdq2q)
FORM_1(MOVNTQ, SIMD_MEM, SIMD_MM, movq_mmmx)

/* --- masks of signs --- */

#define MASK(name, value)                                                                      \
	SIMD_FN(name)                                                                          \
	{                                                                                      \
		simd_sse(c);                                                                   \
		x86_put(c, op->d, (uint32_t)value, 4);                                         \
		return NEXT(op);                                                               \
	}
MASK(movmskps, _mm_movemask_ps(_mm_castsi128_ps(simd_get(c, op->s))))
MASK(movmskpd, _mm_movemask_pd(_mm_castsi128_pd(simd_get(c, op->s))))
MASK(pmovmskb, _mm_movemask_epi8(simd_get(c, op->s)))
FROM_MM(pmovmskb_mm, simd_mmx,
	x86_put(c, op->d, (uint32_t)_mm_movemask_epi8(_mm_cvtsi64_si128((int64_t)v)), 4))

FORM_1(MOVMSKPS, SIMD_R, SIMD_X, movmskps)
FORM_1(MOVMSKPD, SIMD_R, SIMD_X, movmskpd)
const struct x86_simd_form x86_simd_PMOVMSKB[] = {{SIMD_R, SIMD_X, pmovmskb},
						  {SIMD_R, SIMD_MM, pmovmskb_mm}, {0}};

/* --- one element out or in --- */

#define EXTRACT(M, rsize, field, msize)                                                        \
	SIMD_FN(M##_rx)                                                                        \
	{                                                                                      \
		simd_sse(c);                                                                   \
		x86_put(c, op->d, c->v[op->s].field[op->imm & (16 / msize - 1)], rsize);       \
		return NEXT(op);                                                               \
	}                                                                                      \
	SIMD_FN(M##_mx)                                                                        \
	{                                                                                      \
		simd_sse(c);                                                                   \
		x86_store(c, x86_ea_w(c, op, msize),                                           \
			  c->v[op->s].field[op->imm & (16 / msize - 1)], msize);               \
		return NEXT(op);                                                               \
	}
#define EXTRACT_FORMS(M) {SIMD_R, SIMD_X, M##_rx}, {SIMD_MEM, SIMD_X, M##_mx}
EXTRACT(PEXTRB, 4, u8, 1)
EXTRACT(PEXTRW, 4, u16, 2)
EXTRACT(PEXTRD, 4, u32, 4)
EXTRACT(PEXTRQ, 8, u64, 8)
FROM_MM(pextrw_mm, simd_mmx, x86_put(c, op->d, (uint16_t)(v >> (op->imm & 3) * 16), 4))

const struct x86_simd_form x86_simd_PEXTRB[] = {EXTRACT_FORMS(PEXTRB), {0}};
const struct x86_simd_form x86_simd_PEXTRD[] = {EXTRACT_FORMS(PEXTRD), {0}};
const struct x86_simd_form x86_simd_PEXTRQ[] = {EXTRACT_FORMS(PEXTRQ), {0}};
const struct x86_simd_form x86_simd_EXTRACTPS[] = {EXTRACT_FORMS(PEXTRD), {0}};
const struct x86_simd_form x86_simd_PEXTRW[] = {EXTRACT_FORMS(PEXTRW),
						{SIMD_R, SIMD_MM, pextrw_mm}, {0}};

#define INSERT(M, field, msize)                                                                \
	SIMD_FN(M##_xr)                                                                        \
	{                                                                                      \
		simd_sse(c);                                                                   \
		x86_fit(&c->v[op->d].field[op->imm & (16 / msize - 1)],                        \
			x86_get(c, op->s, msize));                                             \
		return NEXT(op);                                                               \
	}                                                                                      \
	SIMD_FN(M##_xm)                                                                        \
	{                                                                                      \
		simd_sse(c);                                                                   \
		x86_fit(&c->v[op->d].field[op->imm & (16 / msize - 1)],                        \
			x86_load(c, x86_ea_r(c, op, msize), msize));                           \
		return NEXT(op);                                                               \
	}
#define x86_fit(to, value) (*(to) = (__typeof__(*(to)))(value))
#define INSERT_FORMS(M) {SIMD_X, SIMD_R, M##_xr}, {SIMD_X, SIMD_MEM, M##_xm}
INSERT(PINSRB, u8, 1)
INSERT(PINSRW, u16, 2)
INSERT(PINSRD, u32, 4)
INSERT(PINSRQ, u64, 8)

static inline x86_xmm insert_mm(const struct x86_cpu *c, const struct x86_op *op, uint64_t v)
{
	unsigned at = (op->imm & 3) * 16;
	uint64_t mask = (uint64_t)0xffff << at;

	return _mm_cvtsi64_si128((int64_t)((c->fpu.reg[op->d].mant & ~mask) | v << at));
}
TO_MM(pinsrw_mmr, simd_mmx, insert_mm(c, op, x86_get(c, op->s, 2)))
TO_MM(pinsrw_mmm, simd_mmx, insert_mm(c, op, x86_ld16(c, x86_ea_r(c, op, 2))))

const struct x86_simd_form x86_simd_PINSRB[] = {INSERT_FORMS(PINSRB), {0}};
const struct x86_simd_form x86_simd_PINSRD[] = {INSERT_FORMS(PINSRD), {0}};
const struct x86_simd_form x86_simd_PINSRQ[] = {INSERT_FORMS(PINSRQ), {0}};
const struct x86_simd_form x86_simd_PINSRW[] = {INSERT_FORMS(PINSRW),
						{SIMD_MM, SIMD_R, pinsrw_mmr},
						{SIMD_MM, SIMD_MEM, pinsrw_mmm}, {0}};
/* clang-format on */

/* --- chosen bytes to [rDI] --- */

/* Faults first: on the page of the first byte and on that of the last. */
static void store_masked(struct x86_cpu *c, uint64_t lin, const union x86_vec *v, unsigned mask)
{
	if (!mask)
		return;
	x86_probe_write(c, lin + (unsigned)__builtin_ctz(mask), 1);
	x86_probe_write(c, lin + 31 - (unsigned)__builtin_clz(mask), 1);
	for (; mask; mask &= mask - 1) {
		unsigned i = (unsigned)__builtin_ctz(mask);

		x86_st8(c, lin + i, v->u8[i]);
	}
}

SIMD_FN(maskmovdqu)
{
	simd_sse(c);
	store_masked(c, x86_ea_w(c, op, 16), &c->v[op->d],
		     (unsigned)_mm_movemask_epi8(simd_get(c, op->s)));
	return NEXT(op);
}

SIMD_FN(maskmovq)
{
	union x86_vec v;

	simd_mmx(c);
	v.u64[0] = c->fpu.reg[op->d].mant;
	store_masked(c, x86_ea_w(c, op, 8), &v, (unsigned)_mm_movemask_epi8(mmx_get(c, op->s)));
	mmx_enter(c);
	return NEXT(op);
}

FORM_1(MASKMOVDQU, SIMD_X, SIMD_X, maskmovdqu)
FORM_1(MASKMOVQ, SIMD_MM, SIMD_MM, maskmovq)

SIMD_FN(emms)
{
	simd_mmx(c);
	c->fpu.top = 0;
	c->fpu.valid = 0;
	return NEXT(op);
}

FORM_1(EMMS, SIMD_NONE, SIMD_NONE, emms)
