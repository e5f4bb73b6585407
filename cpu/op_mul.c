// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns multiplication and division (SDM 1, 5.1.2).  Bound by decode.c, called by blocks.  SF, ZF,
 * AF and PF are undefined after them: those of the low half after a product, unchanged after a
 * quotient.
 */
#include "cpu/handlers.h"

static void product_flags(struct x86_cpu *c, int64_t low, bool over)
{
	c->fl_res = low;
	c->fl_cv = over ? X86_CV_CF : 0; /* CF and OF */
}

/* The operand: a register, or memory where base is one. */
static inline uint64_t operand(struct x86_cpu *c, const struct x86_op *op, unsigned size)
{
	if (op->imm)
		return x86_load(c, x86_ea_r(c, op, size), size);
	return x86_get(c, op->s, size);
}

/* --- rDX:rAX = rAX * operand --- */

#define MUL(bits, wide, swide)                                                               \
	OP(mul_##bits)                                                                       \
	{                                                                                    \
		wide r = (wide)(uint##bits##_t)c->r[X86_RAX] *                               \
			 (uint##bits##_t)operand(c, op, bits / 8);                           \
                                                                                             \
		x86_put(c, 8 * X86_RAX, (uint64_t)r, bits / 8);                              \
		x86_put(c, 8 * X86_RDX, (uint64_t)(r >> bits), bits / 8);                    \
		product_flags(c, (int##bits##_t)r, (r >> bits) != 0);                        \
		return NEXT(op);                                                             \
	}                                                                                    \
	OP(imul_##bits)                                                                      \
	{                                                                                    \
		swide r = (swide)(int##bits##_t)c->r[X86_RAX] *                              \
			  (int##bits##_t)operand(c, op, bits / 8);                           \
                                                                                             \
		x86_put(c, 8 * X86_RAX, (uint64_t)r, bits / 8);                              \
		x86_put(c, 8 * X86_RDX, (uint64_t)(r >> bits), bits / 8);                    \
		product_flags(c, (int##bits##_t)r, r != (int##bits##_t)r);                   \
		return NEXT(op);                                                             \
	}                                                                                    \
	OP(imul2_##bits) /* d *= operand */                                                  \
	{                                                                                    \
		swide r = (swide)(int##bits##_t)x86_get(c, op->d, bits / 8) *                \
			  (int##bits##_t)operand(c, op, bits / 8);                           \
                                                                                             \
		x86_put(c, op->d, (uint64_t)r, bits / 8);                                    \
		product_flags(c, (int##bits##_t)r, r != (int##bits##_t)r);                   \
		return NEXT(op);                                                             \
	}                                                                                    \
	OP(imul3_r_##bits) /* d = s * imm */                                                 \
	{                                                                                    \
		swide r = (swide)(int##bits##_t)x86_get(c, op->s, bits / 8) *                \
			  (int##bits##_t)op->imm;                                            \
                                                                                             \
		x86_put(c, op->d, (uint64_t)r, bits / 8);                                    \
		product_flags(c, (int##bits##_t)r, r != (int##bits##_t)r);                   \
		return NEXT(op);                                                             \
	}                                                                                    \
	OP(imul3_m_##bits)                                                                   \
	{                                                                                    \
		swide r = (swide)(int##bits##_t)x86_ld##bits(c, x86_ea_r(c, op, bits / 8)) * \
			  (int##bits##_t)op->imm;                                            \
                                                                                             \
		x86_put(c, op->d, (uint64_t)r, bits / 8);                                    \
		product_flags(c, (int##bits##_t)r, r != (int##bits##_t)r);                   \
		return NEXT(op);                                                             \
	}
MUL(16, uint32_t, int32_t)
MUL(32, uint64_t, int64_t)
MUL(64, unsigned __int128, __int128)

OP(mul_8)
{
	uint16_t r = (uint16_t)((uint8_t)c->r[X86_RAX] * (uint8_t)operand(c, op, 1));

	x86_put(c, 0, r, 2);
	product_flags(c, (int8_t)r, r >> 8);
	return NEXT(op);
}

OP(imul_8)
{
	int16_t r = (int16_t)((int8_t)c->r[X86_RAX] * (int8_t)operand(c, op, 1));

	x86_put(c, 0, (uint16_t)r, 2);
	product_flags(c, (int8_t)r, r != (int8_t)r);
	return NEXT(op);
}

/* --- division: #DE where the quotient does not fit --- */

#define DIV(bits, wide, swide)                                               \
	OP(div_##bits)                                                       \
	{                                                                    \
		wide n = (wide)(uint##bits##_t)c->r[X86_RDX] << bits |       \
			 (uint##bits##_t)c->r[X86_RAX];                      \
		uint##bits##_t d = (uint##bits##_t)operand(c, op, bits / 8); \
                                                                             \
		if (!d || n / d > (uint##bits##_t) - 1)                      \
			x86_raise(c, X86_DE, 0);                             \
		x86_put(c, 8 * X86_RAX, (uint64_t)(n / d), bits / 8);        \
		x86_put(c, 8 * X86_RDX, (uint64_t)(n % d), bits / 8);        \
		return NEXT(op);                                             \
	}                                                                    \
	OP(idiv_##bits)                                                      \
	{                                                                    \
		wide n = (wide)(uint##bits##_t)c->r[X86_RDX] << bits |       \
			 (uint##bits##_t)c->r[X86_RAX];                      \
		int##bits##_t d = (int##bits##_t)operand(c, op, bits / 8);   \
		swide q;                                                     \
                                                                             \
		if (!d || (d == -1 && n == (wide)1 << (2 * bits - 1)))       \
			x86_raise(c, X86_DE, 0);                             \
		q = (swide)n / d;                                            \
		if (q != (int##bits##_t)q)                                   \
			x86_raise(c, X86_DE, 0);                             \
		x86_put(c, 8 * X86_RAX, (uint64_t)q, bits / 8);              \
		x86_put(c, 8 * X86_RDX, (uint64_t)((swide)n % d), bits / 8); \
		return NEXT(op);                                             \
	}
DIV(16, uint32_t, int32_t)
DIV(32, uint64_t, int64_t)

/* Most quotients of 64 bits need no 128-bit division. */
OP(div_64)
{
	unsigned __int128 n = (unsigned __int128)c->r[X86_RDX] << 64 | c->r[X86_RAX];
	uint64_t d = operand(c, op, 8), hi = c->r[X86_RDX], lo = c->r[X86_RAX];

	if (d <= hi) /* also of zero */
		x86_raise(c, X86_DE, 0);
	c->r[X86_RAX] = hi ? (uint64_t)(n / d) : lo / d;
	c->r[X86_RDX] = hi ? (uint64_t)(n % d) : lo % d;
	return NEXT(op);
}

OP(idiv_64)
{
	unsigned __int128 n = (unsigned __int128)c->r[X86_RDX] << 64 | c->r[X86_RAX];
	int64_t d = (int64_t)operand(c, op, 8);
	__int128 q;

	if (!d || (d == -1 && n == (unsigned __int128)1 << 127))
		x86_raise(c, X86_DE, 0);
	q = (__int128)n / d;
	if (q != (int64_t)q)
		x86_raise(c, X86_DE, 0);
	c->r[X86_RAX] = (uint64_t)q;
	c->r[X86_RDX] = (uint64_t)((__int128)n % d);
	return NEXT(op);
}

OP(div_8)
{
	uint16_t n = (uint16_t)c->r[X86_RAX];
	uint8_t d = (uint8_t)operand(c, op, 1);

	if (!d || n / d > 0xff)
		x86_raise(c, X86_DE, 0);
	x86_put(c, 0, (uint64_t)(n % d << 8 | n / d), 2);
	return NEXT(op);
}

OP(idiv_8)
{
	int16_t n = (int16_t)c->r[X86_RAX];
	int8_t d = (int8_t)operand(c, op, 1);
	int q;

	if (!d)
		x86_raise(c, X86_DE, 0);
	q = n / d;
	if (q != (int8_t)q)
		x86_raise(c, X86_DE, 0);
	x86_put(c, 0, (uint64_t)(((uint8_t)(n % d)) << 8 | (uint8_t)q), 2);
	return NEXT(op);
}

static x86_fn *const fns[4][4] = {SIZES(mul), SIZES(imul), SIZES(div), SIZES(idiv)};
static x86_fn *const imul2[] = {NULL, imul2_16, imul2_32, imul2_64};
static x86_fn *const imul3_r[] = {NULL, imul3_r_16, imul3_r_32, imul3_r_64};
static x86_fn *const imul3_m[] = {NULL, imul3_m_16, imul3_m_32, imul3_m_64};

static void bind_operand(struct x86_bind *b, unsigned n)
{
	b->op->imm = x86_bind_rm(b, n, &b->op->s);
}

static bool bind_mul(struct x86_bind *b)
{
	unsigned k = x86_size_index(x86_opnd_size(b, 0));

	if (b->in->operand_count_visible == 1) {
		bind_operand(b, 0);
		b->op->fn = fns[b->row->arg][k];
		return true;
	}
	bind_operand(b, 1);
	b->op->d = x86_bind_reg(b, 0);
	b->op->fn = imul2[k];
	if (b->in->operand_count_visible == 3) {
		b->op->fn = x86_is_mem(b, 1) ? imul3_m[k] : imul3_r[k];
		b->op->imm = b->opnd[2].imm.value.u;
	}
	return true;
}

const struct x86_row x86_rows_mul[] = {
	{ZYDIS_MNEMONIC_MUL, bind_mul, 0}, {ZYDIS_MNEMONIC_IMUL, bind_mul, 1},
	{ZYDIS_MNEMONIC_DIV, bind_mul, 2}, {ZYDIS_MNEMONIC_IDIV, bind_mul, 3},
	{ZYDIS_MNEMONIC_INVALID},
};
