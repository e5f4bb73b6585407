// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns binary arithmetic and logic (SDM 1, 5.1.2, 5.1.4), compare-and-exchange, and the
 * instructions on flags alone.  Bound by decode.c, called by blocks.
 */
#include "cpu/handlers.h"

enum alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };

#define INLINE static inline __attribute__((always_inline))

INLINE int64_t sign(uint64_t v, unsigned bits)
{
	return (int64_t)(v << (64 - bits)) >> (64 - bits);
}

/* carries: bit n is the carry or borrow out of bit n */
INLINE void set_flags(struct x86_cpu *c, uint64_t r, uint64_t carries, unsigned bits)
{
	uint32_t top = bits == 64 ? (uint32_t)(carries >> 32) : (uint32_t)carries << (32 - bits);

	c->fl_res = sign(r, bits);
	c->fl_cv = (top & (X86_CV_CF | X86_CV_IN)) | ((uint32_t)carries & X86_CV_AF);
}

INLINE uint64_t alu(struct x86_cpu *c, enum alu k, uint64_t a, uint64_t b, unsigned bits)
{
	uint64_t r;

	switch (k) {
	case ALU_ADD:
	case ALU_ADC:
		r = a + b + (k == ALU_ADC && x86_cf(c));
		set_flags(c, r, (a & b) | ((a | b) & ~r), bits);
		return r;
	case ALU_SUB:
	case ALU_SBB:
	case ALU_CMP:
		r = a - b - (k == ALU_SBB && x86_cf(c));
		set_flags(c, r, (~a & b) | ((~a | b) & r), bits);
		return r;
	case ALU_AND:
		r = a & b;
		break;
	case ALU_OR:
		r = a | b;
		break;
	default:
		r = a ^ b;
	}
	c->fl_res = sign(r, bits);
	c->fl_cv = 0;
	return r;
}

#define ALU(name, kind, bits)                                                                    \
	OP(name##_rr_##bits)                                                                     \
	{                                                                                        \
		x86_put(c, op->d,                                                                \
			alu(c, kind, x86_get(c, op->d, bits / 8), x86_get(c, op->s, bits / 8),   \
			    bits),                                                               \
			bits / 8);                                                               \
		return NEXT(op);                                                                 \
	}                                                                                        \
	OP(name##_ri_##bits)                                                                     \
	{                                                                                        \
		x86_put(c, op->d, alu(c, kind, x86_get(c, op->d, bits / 8), op->imm, bits),      \
			bits / 8);                                                               \
		return NEXT(op);                                                                 \
	}                                                                                        \
	OP(name##_rm_##bits)                                                                     \
	{                                                                                        \
		uint64_t b = x86_ld##bits(c, x86_ea(c, op, bits / 8, false));                    \
                                                                                                 \
		x86_put(c, op->d, alu(c, kind, x86_get(c, op->d, bits / 8), b, bits), bits / 8); \
		return NEXT(op);                                                                 \
	}                                                                                        \
	OP(name##_mr_##bits)                                                                     \
	{                                                                                        \
		struct x86_rmw m;                                                                \
		uint64_t a = x86_rmw_begin(c, &m, x86_ea(c, op, bits / 8, true), bits / 8);      \
                                                                                                 \
		a = alu(c, kind, a, x86_get(c, op->s, bits / 8), bits);                          \
		x86_rmw_end(c, &m, a, bits / 8);                                                 \
		return NEXT(op);                                                                 \
	}                                                                                        \
	OP(name##_mi_##bits)                                                                     \
	{                                                                                        \
		struct x86_rmw m;                                                                \
		uint64_t a = x86_rmw_begin(c, &m, x86_ea(c, op, bits / 8, true), bits / 8);      \
                                                                                                 \
		a = alu(c, kind, a, op->imm, bits);                                              \
		x86_rmw_end(c, &m, a, bits / 8);                                                 \
		return NEXT(op);                                                                 \
	}
/* No result: CMP, TEST */
#define COMPARE(name, kind, bits)                                                             \
	OP(name##_rr_##bits)                                                                  \
	{                                                                                     \
		alu(c, kind, x86_get(c, op->d, bits / 8), x86_get(c, op->s, bits / 8), bits); \
		return NEXT(op);                                                              \
	}                                                                                     \
	OP(name##_ri_##bits)                                                                  \
	{                                                                                     \
		alu(c, kind, x86_get(c, op->d, bits / 8), op->imm, bits);                     \
		return NEXT(op);                                                              \
	}                                                                                     \
	OP(name##_rm_##bits)                                                                  \
	{                                                                                     \
		uint64_t b = x86_ld##bits(c, x86_ea(c, op, bits / 8, false));                 \
                                                                                              \
		alu(c, kind, x86_get(c, op->d, bits / 8), b, bits);                           \
		return NEXT(op);                                                              \
	}                                                                                     \
	OP(name##_mr_##bits)                                                                  \
	{                                                                                     \
		uint64_t a = x86_ld##bits(c, x86_ea(c, op, bits / 8, false));                 \
                                                                                              \
		alu(c, kind, a, x86_get(c, op->s, bits / 8), bits);                           \
		return NEXT(op);                                                              \
	}                                                                                     \
	OP(name##_mi_##bits)                                                                  \
	{                                                                                     \
		alu(c, kind, x86_ld##bits(c, x86_ea(c, op, bits / 8, false)), op->imm, bits); \
		return NEXT(op);                                                              \
	}

#define ALUS(bits)                  \
	ALU(add, ALU_ADD, bits)     \
	ALU(or, ALU_OR, bits)       \
	ALU(adc, ALU_ADC, bits)     \
	ALU(sbb, ALU_SBB, bits)     \
	ALU(and, ALU_AND, bits)     \
	ALU(sub, ALU_SUB, bits)     \
	ALU(xor, ALU_XOR, bits)     \
	COMPARE(cmp, ALU_CMP, bits) \
	COMPARE(test, ALU_AND, bits)
FOR_SIZES(ALUS)

enum form { FORM_RR, FORM_RI, FORM_RM, FORM_MR, FORM_MI };

#define FORMS(n)                                                                          \
	{                                                                                 \
		SIZES(n##_rr), SIZES(n##_ri), SIZES(n##_rm), SIZES(n##_mr), SIZES(n##_mi) \
	}
static x86_fn *const alu_fn[9][5][4] = {
	FORMS(add), FORMS(or),  FORMS(adc), FORMS(sbb),  FORMS(and),
	FORMS(sub), FORMS(xor), FORMS(cmp), FORMS(test),
};

static enum form bind_operands(struct x86_bind *b)
{
	struct x86_op *op = b->op;
	bool imm = x86_is_imm(b, 1);

	if (imm)
		op->imm = b->opnd[1].imm.value.u;
	else if (x86_is_reg(b, 1))
		op->s = x86_bind_reg(b, 1);
	if (x86_is_mem(b, 0)) {
		x86_bind_mem(b, 0);
		return imm ? FORM_MI : FORM_MR;
	}
	op->d = x86_bind_reg(b, 0);
	if (x86_is_mem(b, 1)) {
		x86_bind_mem(b, 1);
		return FORM_RM;
	}
	return imm ? FORM_RI : FORM_RR;
}

static bool bind_alu(struct x86_bind *b)
{
	unsigned k = x86_size_index(x86_opnd_size(b, 0));

	b->op->fn = alu_fn[b->row->arg][bind_operands(b)][k];
	return true;
}

/* --- one operand: INC, DEC (CF stays), NOT (no flags), NEG --- */

enum unary { UN_INC, UN_DEC, UN_NOT, UN_NEG };

INLINE uint64_t unary(struct x86_cpu *c, enum unary k, uint64_t a, unsigned bits)
{
	bool cf = x86_cf(c);
	uint64_t r;

	switch (k) {
	case UN_NOT:
		return ~a;
	case UN_NEG:
		return alu(c, ALU_SUB, 0, a, bits);
	case UN_INC:
		r = alu(c, ALU_ADD, a, 1, bits);
		break;
	default:
		r = alu(c, ALU_SUB, a, 1, bits);
	}
	x86_set_cf(c, cf);
	return r;
}

#define UNARY(name, kind, bits)                                                                 \
	OP(name##_r_##bits)                                                                     \
	{                                                                                       \
		x86_put(c, op->d, unary(c, kind, x86_get(c, op->d, bits / 8), bits), bits / 8); \
		return NEXT(op);                                                                \
	}                                                                                       \
	OP(name##_m_##bits)                                                                     \
	{                                                                                       \
		struct x86_rmw m;                                                               \
		uint64_t a = x86_rmw_begin(c, &m, x86_ea(c, op, bits / 8, true), bits / 8);     \
                                                                                                \
		x86_rmw_end(c, &m, unary(c, kind, a, bits), bits / 8);                          \
		return NEXT(op);                                                                \
	}
#define UNARIES(bits)            \
	UNARY(inc, UN_INC, bits) \
	UNARY(dec, UN_DEC, bits) \
	UNARY(not, UN_NOT, bits) \
	UNARY(neg, UN_NEG, bits)
FOR_SIZES(UNARIES)

static x86_fn *const unary_fn[4][2][4] = {{SIZES(inc_r), SIZES(inc_m)},
					  {SIZES(dec_r), SIZES(dec_m)},
					  {SIZES(not_r), SIZES(not_m)},
					  {SIZES(neg_r), SIZES(neg_m)}};

static bool bind_unary(struct x86_bind *b)
{
	unsigned k = x86_size_index(x86_opnd_size(b, 0));
	bool mem = x86_bind_rm(b, 0, &b->op->d);

	b->op->fn = unary_fn[b->row->arg][mem][k];
	return true;
}

/* --- XADD, CMPXCHG: atomic as every instruction is (cpu.h) --- */

#define EXCHANGES(bits)                                                                     \
	OP(xadd_r_##bits)                                                                   \
	{                                                                                   \
		uint64_t a = x86_get(c, op->d, bits / 8);                                   \
		uint64_t r = alu(c, ALU_ADD, a, x86_get(c, op->s, bits / 8), bits);         \
                                                                                            \
		x86_put(c, op->s, a, bits / 8);                                             \
		x86_put(c, op->d, r, bits / 8);                                             \
		return NEXT(op);                                                            \
	}                                                                                   \
	OP(xadd_m_##bits)                                                                   \
	{                                                                                   \
		struct x86_rmw m;                                                           \
		uint64_t a = x86_rmw_begin(c, &m, x86_ea(c, op, bits / 8, true), bits / 8); \
                                                                                            \
		x86_rmw_end(c, &m, alu(c, ALU_ADD, a, x86_get(c, op->s, bits / 8), bits),   \
			    bits / 8);                                                      \
		x86_put(c, op->s, a, bits / 8);                                             \
		return NEXT(op);                                                            \
	}                                                                                   \
	OP(cmpxchg_r_##bits)                                                                \
	{                                                                                   \
		uint64_t a = x86_get(c, op->d, bits / 8);                                   \
                                                                                            \
		alu(c, ALU_CMP, x86_get(c, 0, bits / 8), a, bits);                          \
		if (x86_zf(c))                                                              \
			x86_put(c, op->d, x86_get(c, op->s, bits / 8), bits / 8);           \
		else                                                                        \
			x86_put(c, 0, a, bits / 8);                                         \
		return NEXT(op);                                                            \
	}                                                                                   \
	/* writes the destination in any case */                                            \
	OP(cmpxchg_m_##bits)                                                                \
	{                                                                                   \
		struct x86_rmw m;                                                           \
		uint64_t a = x86_rmw_begin(c, &m, x86_ea(c, op, bits / 8, true), bits / 8); \
                                                                                            \
		alu(c, ALU_CMP, x86_get(c, 0, bits / 8), a, bits);                          \
		if (x86_zf(c)) {                                                            \
			x86_rmw_end(c, &m, x86_get(c, op->s, bits / 8), bits / 8);          \
		} else {                                                                    \
			x86_rmw_end(c, &m, a, bits / 8);                                    \
			x86_put(c, 0, a, bits / 8);                                         \
		}                                                                           \
		return NEXT(op);                                                            \
	}
FOR_SIZES(EXCHANGES)

static x86_fn *const exchange_fn[2][2][4] = {{SIZES(xadd_r), SIZES(xadd_m)},
					     {SIZES(cmpxchg_r), SIZES(cmpxchg_m)}};

static bool bind_exchange(struct x86_bind *b)
{
	unsigned k = x86_size_index(x86_opnd_size(b, 0));
	bool mem = x86_bind_rm(b, 0, &b->op->d);

	b->op->s = x86_bind_reg(b, 1);
	b->op->fn = exchange_fn[b->row->arg][mem][k];
	return true;
}

static void set_zf(struct x86_cpu *c, bool zf)
{
	x86_set_arith(c, (x86_arith(c) & ~X86_ZF) | (zf ? X86_ZF : 0));
}

OP(cmpxchg8b)
{
	uint64_t lin = x86_ea_w(c, op, 8), v, want;
	struct x86_rmw m;

	v = x86_rmw_begin(c, &m, lin, 8);
	want = (uint32_t)c->r[X86_RAX] | c->r[X86_RDX] << 32;
	if (v == want) {
		x86_rmw_end(c, &m, (uint32_t)c->r[X86_RBX] | c->r[X86_RCX] << 32, 8);
	} else {
		x86_rmw_end(c, &m, v, 8);
		c->r[X86_RAX] = (uint32_t)v;
		c->r[X86_RDX] = v >> 32;
	}
	set_zf(c, v == want);
	return NEXT(op);
}

OP(cmpxchg16b)
{
	uint64_t lin = x86_ea_w(c, op, 16), lo, hi;
	bool same;

	if (lin & 15)
		x86_gp(c, 0);
	x86_probe_write(c, lin, 16);
	lo = x86_ld64(c, lin);
	hi = x86_ld64(c, lin + 8);
	same = lo == c->r[X86_RAX] && hi == c->r[X86_RDX];
	x86_st64(c, lin, same ? c->r[X86_RBX] : lo);
	x86_st64(c, lin + 8, same ? c->r[X86_RCX] : hi);
	if (!same) {
		c->r[X86_RAX] = lo;
		c->r[X86_RDX] = hi;
	}
	set_zf(c, same);
	return NEXT(op);
}

static bool bind_cmpxchg_pair(struct x86_bind *b)
{
	x86_bind_mem(b, 0);
	b->op->fn = (x86_fn *)b->row->ptr;
	return true;
}

/* --- decimal arithmetic (SDM 1, 7.3.3; not in 64-bit mode) --- */

OP(daa)
{
	uint8_t al = (uint8_t)c->r[X86_RAX], old = al;
	bool cf = x86_cf(c), af = x86_af(c), sub = op->size;

	if ((al & 15) > 9 || af) {
		cf |= sub ? al < 6 : al > 0xf9;
		al = (uint8_t)(sub ? al - 6 : al + 6);
		af = true;
	}
	if (old > 0x99 || x86_cf(c)) {
		al = (uint8_t)(sub ? al - 0x60 : al + 0x60);
		cf = true;
	}
	x86_put(c, 0, al, 1);
	c->fl_res = (int8_t)al;
	c->fl_cv = (af ? X86_CV_AF : 0) | (cf ? X86_CV_CF | X86_CV_IN : 0);
	return NEXT(op);
}

OP(aaa)
{
	uint16_t ax = (uint16_t)c->r[X86_RAX];
	bool adjust = (ax & 15) > 9 || x86_af(c);

	if (adjust)
		ax = (uint16_t)(op->size ? ax - 0x106 : ax + 0x106);
	x86_put(c, 0, ax & 0xff0f, 2);
	x86_set_arith(c, (x86_arith(c) & ~(X86_AF | X86_CF)) | (adjust ? X86_AF | X86_CF : 0));
	return NEXT(op);
}

OP(aam)
{
	uint8_t al = (uint8_t)c->r[X86_RAX];

	if (!op->imm)
		x86_raise(c, X86_DE, 0);
	x86_put(c, 0, (uint64_t)(al / op->imm << 8 | al % op->imm), 2);
	c->fl_res = (int8_t)c->r[X86_RAX];
	c->fl_cv = 0;
	return NEXT(op);
}

OP(aad)
{
	uint16_t ax = (uint16_t)c->r[X86_RAX];

	x86_put(c, 0, (uint8_t)((ax & 0xff) + (ax >> 8) * op->imm), 2);
	c->fl_res = (int8_t)c->r[X86_RAX];
	c->fl_cv = 0;
	return NEXT(op);
}

static bool bind_decimal(struct x86_bind *b)
{
	b->op->size = (uint8_t)b->row->arg;
	if (x86_is_imm(b, 0))
		b->op->imm = b->opnd[0].imm.value.u & 0xff;
	b->op->fn = (x86_fn *)b->row->ptr;
	return true;
}

/* --- flags alone --- */

OP(clc)
{
	x86_set_cf(c, false);
	return NEXT(op);
}

OP(stc)
{
	x86_set_cf(c, true);
	return NEXT(op);
}

OP(cmc)
{
	x86_set_cf(c, !x86_cf(c));
	return NEXT(op);
}

OP(cld)
{
	c->rflags &= ~(uint64_t)X86_DF;
	return NEXT(op);
}

OP(std_df)
{
	c->rflags |= X86_DF;
	return NEXT(op);
}

OP(lahf)
{
	x86_put(c, 1, (x86_arith(c) & 0xd5) | 2, 1);
	return NEXT(op);
}

OP(sahf)
{
	x86_set_arith(c, (x86_arith(c) & X86_OF) | (x86_get(c, 1, 1) & 0xd5));
	return NEXT(op);
}

OP(salc)
{
	x86_put(c, 0, x86_cf(c) ? 0xff : 0, 1);
	return NEXT(op);
}

static bool bind_flag(struct x86_bind *b)
{
	b->op->fn = (x86_fn *)b->row->ptr;
	return true;
}

const struct x86_row x86_rows_alu[] = {
	{ZYDIS_MNEMONIC_ADD, bind_alu, 0},
	{ZYDIS_MNEMONIC_OR, bind_alu, 1},
	{ZYDIS_MNEMONIC_ADC, bind_alu, 2},
	{ZYDIS_MNEMONIC_SBB, bind_alu, 3},
	{ZYDIS_MNEMONIC_AND, bind_alu, 4},
	{ZYDIS_MNEMONIC_SUB, bind_alu, 5},
	{ZYDIS_MNEMONIC_XOR, bind_alu, 6},
	{ZYDIS_MNEMONIC_CMP, bind_alu, 7},
	{ZYDIS_MNEMONIC_TEST, bind_alu, 8},
	{ZYDIS_MNEMONIC_INC, bind_unary, UN_INC},
	{ZYDIS_MNEMONIC_DEC, bind_unary, UN_DEC},
	{ZYDIS_MNEMONIC_NOT, bind_unary, UN_NOT},
	{ZYDIS_MNEMONIC_NEG, bind_unary, UN_NEG},
	{ZYDIS_MNEMONIC_XADD, bind_exchange, 0},
	{ZYDIS_MNEMONIC_CMPXCHG, bind_exchange, 1},
	{ZYDIS_MNEMONIC_CMPXCHG8B, bind_cmpxchg_pair, 0, cmpxchg8b},
	{ZYDIS_MNEMONIC_CMPXCHG16B, bind_cmpxchg_pair, 0, cmpxchg16b},
	{ZYDIS_MNEMONIC_DAA, bind_decimal, 0, daa},
	{ZYDIS_MNEMONIC_DAS, bind_decimal, 1, daa},
	{ZYDIS_MNEMONIC_AAA, bind_decimal, 0, aaa},
	{ZYDIS_MNEMONIC_AAS, bind_decimal, 1, aaa},
	{ZYDIS_MNEMONIC_AAM, bind_decimal, 0, aam},
	{ZYDIS_MNEMONIC_AAD, bind_decimal, 0, aad},
	{ZYDIS_MNEMONIC_CLC, bind_flag, 0, clc},
	{ZYDIS_MNEMONIC_STC, bind_flag, 0, stc},
	{ZYDIS_MNEMONIC_CMC, bind_flag, 0, cmc},
	{ZYDIS_MNEMONIC_CLD, bind_flag, 0, cld},
	{ZYDIS_MNEMONIC_STD, bind_flag, 0, std_df},
	{ZYDIS_MNEMONIC_LAHF, bind_flag, 0, lahf},
	{ZYDIS_MNEMONIC_SAHF, bind_flag, 0, sahf},
	{ZYDIS_MNEMONIC_SALC, bind_flag, 0, salc},
	{ZYDIS_MNEMONIC_INVALID},
};
