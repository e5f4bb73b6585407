// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns data movement between registers and memory (SDM 1, 5.1.1), but strings, stacks and special
 * registers.  Bound by decode.c, called by blocks; changes no flag.
 */
#include "cpu/handlers.h"

/* --- MOV --- */

#define MOV(bits)                                                                             \
	OP(mov_rr_##bits)                                                                     \
	{                                                                                     \
		x86_put(c, op->d, x86_get(c, op->s, bits / 8), bits / 8);                     \
		return NEXT(op);                                                              \
	}                                                                                     \
	OP(mov_ri_##bits)                                                                     \
	{                                                                                     \
		x86_put(c, op->d, op->imm, bits / 8);                                         \
		return NEXT(op);                                                              \
	}                                                                                     \
	OP(mov_rm_##bits)                                                                     \
	{                                                                                     \
		x86_put(c, op->d, x86_ld##bits(c, x86_ea(c, op, bits / 8, false)), bits / 8); \
		return NEXT(op);                                                              \
	}                                                                                     \
	OP(mov_mr_##bits)                                                                     \
	{                                                                                     \
		x86_st##bits(c, x86_ea(c, op, bits / 8, true),                                \
			     (uint##bits##_t)x86_get(c, op->s, bits / 8));                    \
		return NEXT(op);                                                              \
	}                                                                                     \
	OP(mov_mi_##bits)                                                                     \
	{                                                                                     \
		x86_st##bits(c, x86_ea(c, op, bits / 8, true), (uint##bits##_t)op->imm);      \
		return NEXT(op);                                                              \
	}                                                                                     \
	/* XCHG with memory is always locked */                                               \
	OP(xchg_rr_##bits)                                                                    \
	{                                                                                     \
		uint64_t a = x86_get(c, op->d, bits / 8);                                     \
                                                                                              \
		x86_put(c, op->d, x86_get(c, op->s, bits / 8), bits / 8);                     \
		x86_put(c, op->s, a, bits / 8);                                               \
		return NEXT(op);                                                              \
	}                                                                                     \
	OP(xchg_mr_##bits)                                                                    \
	{                                                                                     \
		struct x86_rmw m;                                                             \
		uint64_t a = x86_rmw_begin(c, &m, x86_ea(c, op, bits / 8, true), bits / 8);   \
                                                                                              \
		x86_rmw_end(c, &m, x86_get(c, op->s, bits / 8), bits / 8);                    \
		x86_put(c, op->s, a, bits / 8);                                               \
		return NEXT(op);                                                              \
	}
FOR_SIZES(MOV)

static x86_fn *const mov_rr[] = SIZES(mov_rr), *const mov_ri[] = SIZES(mov_ri),
		     *const mov_rm[] = SIZES(mov_rm), *const mov_mr[] = SIZES(mov_mr),
		     *const mov_mi[] = SIZES(mov_mi), *const xchg_rr[] = SIZES(xchg_rr),
		     *const xchg_mr[] = SIZES(xchg_mr);

/* A0..A3: a 64-bit offset does not fit in disp. */
OP(mov_al_moffs)
{
	uint64_t lin = x86_seg_lin(c, op->seg, op->imm, op->size, false);

	x86_put(c, op->d, x86_load(c, lin, op->size), op->size);
	return NEXT(op);
}

OP(mov_moffs_al)
{
	uint64_t lin = x86_seg_lin(c, op->seg, op->imm, op->size, true);

	x86_store(c, lin, x86_get(c, op->s, op->size), op->size);
	return NEXT(op);
}

static bool is_gpr(const struct x86_bind *b, unsigned n)
{
	switch (ZydisRegisterGetClass(b->opnd[n].reg.value)) {
	case ZYDIS_REGCLASS_GPR8:
	case ZYDIS_REGCLASS_GPR16:
	case ZYDIS_REGCLASS_GPR32:
	case ZYDIS_REGCLASS_GPR64:
		return true;
	default:
		return false;
	}
}

static bool bind_moffs(struct x86_bind *b, unsigned mem)
{
	unsigned k = x86_size_index(x86_opnd_size(b, 0));

	x86_bind_mem(b, mem);
	if (b->in->address_width != 64) {
		b->op->fn = mem ? mov_rm[k] : mov_mr[k];
		return true;
	}
	b->op->imm = (uint64_t)b->opnd[mem].mem.disp.value;
	b->op->size = (uint8_t)x86_opnd_size(b, 0);
	b->op->fn = mem ? mov_al_moffs : mov_moffs_al;
	return true;
}

static bool bind_mov(struct x86_bind *b)
{
	unsigned size = x86_opnd_size(b, 0), k;
	struct x86_op *op = b->op;

	if ((x86_is_reg(b, 0) && !is_gpr(b, 0)) || (x86_is_reg(b, 1) && !is_gpr(b, 1)))
		return x86_bind_mov_special(b);
	k = x86_size_index(size);
	if (x86_is_reg(b, 0))
		op->d = x86_bind_reg(b, 0);
	if (x86_is_reg(b, 1))
		op->s = x86_bind_reg(b, 1);
	if (b->in->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && b->in->opcode >= 0xa0 &&
	    b->in->opcode <= 0xa3)
		return bind_moffs(b, x86_is_mem(b, 1));
	if (x86_is_imm(b, 1)) {
		op->imm = b->opnd[1].imm.value.u;
		op->fn = x86_is_mem(b, 0) ? mov_mi[k] : mov_ri[k];
	} else if (x86_is_mem(b, 1)) {
		op->fn = mov_rm[k];
	} else {
		op->fn = x86_is_mem(b, 0) ? mov_mr[k] : mov_rr[k];
	}
	if (x86_is_mem(b, 0) || x86_is_mem(b, 1))
		x86_bind_mem(b, x86_is_mem(b, 1));
	return true;
}

static bool bind_xchg(struct x86_bind *b)
{
	unsigned k = x86_size_index(x86_opnd_size(b, 0)), mem = x86_is_mem(b, 1);

	if (x86_is_mem(b, 0) || mem) {
		x86_bind_mem(b, mem);
		b->op->s = x86_bind_reg(b, !mem);
		b->op->fn = xchg_mr[k];
		return true;
	}
	b->op->d = x86_bind_reg(b, 0);
	b->op->s = x86_bind_reg(b, 1);
	b->op->fn = xchg_rr[k];
	return true;
}

/* --- wider --- */

#define WIDEN(name, from, to, type)                                                     \
	OP(name##_rr_##from##_##to)                                                     \
	{                                                                               \
		x86_put(c, op->d, (uint64_t)(type)x86_get(c, op->s, from / 8), to / 8); \
		return NEXT(op);                                                        \
	}                                                                               \
	OP(name##_rm_##from##_##to)                                                     \
	{                                                                               \
		uint64_t lin = x86_ea(c, op, from / 8, false);                          \
                                                                                        \
		x86_put(c, op->d, (uint64_t)(type)x86_ld##from(c, lin), to / 8);        \
		return NEXT(op);                                                        \
	}
#define WIDENS(name, prefix)                                          \
	WIDEN(name, 8, 16, prefix##8_t)                               \
	WIDEN(name, 8, 32, prefix##8_t)                               \
	WIDEN(name, 8, 64, prefix##8_t)                               \
	WIDEN(name, 16, 16, prefix##16_t)                             \
	WIDEN(name, 16, 32, prefix##16_t)                             \
	WIDEN(name, 16, 64, prefix##16_t)                             \
	WIDEN(name, 32, 16, prefix##32_t)                             \
	WIDEN(name, 32, 32, prefix##32_t)                             \
	WIDEN(name, 32, 64, prefix##32_t)                             \
	static x86_fn *const name##_rr[3][3] = {                      \
		{name##_rr_8_16, name##_rr_8_32, name##_rr_8_64},     \
		{name##_rr_16_16, name##_rr_16_32, name##_rr_16_64},  \
		{name##_rr_32_16, name##_rr_32_32, name##_rr_32_64}}; \
	static x86_fn *const name##_rm[3][3] = {                      \
		{name##_rm_8_16, name##_rm_8_32, name##_rm_8_64},     \
		{name##_rm_16_16, name##_rm_16_32, name##_rm_16_64},  \
		{name##_rm_32_16, name##_rm_32_32, name##_rm_32_64}};
WIDENS(movzx, uint)
WIDENS(movsx, int)

static bool bind_widen(struct x86_bind *b)
{
	unsigned from = x86_size_index(x86_opnd_size(b, 1));
	unsigned to = x86_size_index(x86_opnd_size(b, 0)) - 1;
	bool sign = b->row->arg;

	b->op->d = x86_bind_reg(b, 0);
	if (x86_is_mem(b, 1)) {
		x86_bind_mem(b, 1);
		b->op->fn = sign ? movsx_rm[from][to] : movzx_rm[from][to];
		return true;
	}
	b->op->s = x86_bind_reg(b, 1);
	b->op->fn = sign ? movsx_rr[from][to] : movzx_rr[from][to];
	return true;
}

/* CBW, CWDE, CDQE widen the accumulator; CWD, CDQ, CQO spread its sign over rDX. */
static bool bind_widen_acc(struct x86_bind *b)
{
	unsigned to = b->row->arg;

	b->op->fn = movsx_rr[to - 1][to - 1];
	return true;
}

#define SPREAD(bits)                                                                      \
	OP(spread_##bits)                                                                 \
	{                                                                                 \
		x86_put(c, 8 * X86_RDX,                                                   \
			(uint64_t)((int##bits##_t)x86_get(c, 0, bits / 8) >> (bits - 1)), \
			bits / 8);                                                        \
		return NEXT(op);                                                          \
	}
SPREAD(16)
SPREAD(32)
SPREAD(64)

static bool bind_spread(struct x86_bind *b)
{
	b->op->fn = (x86_fn *)b->row->ptr;
	return true;
}

/* --- LEA --- */

OP(lea_64)
{
	c->r[op->d / 8] = x86_ea_off(c, op);
	return NEXT(op);
}

OP(lea_slow)
{
	uint64_t off = x86_ea_off(c, op);

	if (op->flags & X86_OPF_A16)
		off = (uint16_t)off;
	else if (op->flags & X86_OPF_A32)
		off = (uint32_t)off;
	x86_put(c, op->d, off, op->size);
	return NEXT(op);
}

static bool bind_lea(struct x86_bind *b)
{
	b->op->d = x86_bind_reg(b, 0);
	b->op->size = (uint8_t)x86_opnd_size(b, 0);
	x86_bind_mem(b, 1);
	b->op->fn = b->op->size == 8 && b->in->address_width == 64 ? lea_64 : lea_slow;
	return true;
}

/* --- CMOVcc, SETcc --- */

/* CMOV reads its operand in any case, and a 32-bit one clears the upper half in any case. */
#define CMOV(cc, cond)                                                                            \
	OP(cmov_##cc)                                                                             \
	{                                                                                         \
		uint64_t v = op->base == 0xff ? x86_get(c, op->s, op->size)                       \
					      : x86_load(c, x86_ea_r(c, op, op->size), op->size); \
                                                                                                  \
		x86_put(c, op->d, (cond) ? v : x86_get(c, op->d, op->size), op->size);            \
		return NEXT(op);                                                                  \
	}                                                                                         \
	OP(cmov64_##cc)                                                                           \
	{                                                                                         \
		if (cond)                                                                         \
			c->r[op->d / 8] = c->r[op->s / 8];                                        \
		return NEXT(op);                                                                  \
	}                                                                                         \
	OP(set_r_##cc)                                                                            \
	{                                                                                         \
		((uint8_t *)c->r)[op->d] = (cond);                                                \
		return NEXT(op);                                                                  \
	}                                                                                         \
	OP(set_m_##cc)                                                                            \
	{                                                                                         \
		x86_st8(c, x86_ea_w(c, op, 1), (cond));                                           \
		return NEXT(op);                                                                  \
	}
FOR_CONDITIONS(CMOV)

static x86_fn *const cmov[16] = CONDITIONS(cmov), *const cmov64[16] = CONDITIONS(cmov64),
		     *const set_r[16] = CONDITIONS(set_r), *const set_m[16] = CONDITIONS(set_m);

static bool bind_cmov(struct x86_bind *b)
{
	unsigned cc = b->in->opcode & 15;

	b->op->d = x86_bind_reg(b, 0);
	b->op->size = (uint8_t)x86_opnd_size(b, 0);
	b->op->fn = cmov[cc];
	if (x86_is_mem(b, 1)) {
		x86_bind_mem(b, 1);
		return true;
	}
	b->op->s = x86_bind_reg(b, 1);
	b->op->base = 0xff;
	if (b->op->size == 8)
		b->op->fn = cmov64[cc];
	return true;
}

static bool bind_set(struct x86_bind *b)
{
	unsigned cc = b->in->opcode & 15;

	if (x86_is_mem(b, 0)) {
		x86_bind_mem(b, 0);
		b->op->fn = set_m[cc];
		return true;
	}
	b->op->d = x86_bind_reg(b, 0);
	b->op->fn = set_r[cc];
	return true;
}

/* --- the rest --- */

static uint64_t swapped(uint64_t v, unsigned size)
{
	return __builtin_bswap64(v) >> (64 - 8 * size);
}

OP(bswap)
{
	/* 16 bits are undefined; processors give zero */
	uint64_t v = op->size == 2 ? 0 : swapped(x86_get(c, op->d, op->size), op->size);

	x86_put(c, op->d, v, op->size);
	return NEXT(op);
}

static bool bind_bswap(struct x86_bind *b)
{
	b->op->d = x86_bind_reg(b, 0);
	b->op->size = (uint8_t)x86_opnd_size(b, 0);
	b->op->fn = bswap;
	return true;
}

OP(movbe_load)
{
	x86_put(c, op->d, swapped(x86_load(c, x86_ea_r(c, op, op->size), op->size), op->size),
		op->size);
	return NEXT(op);
}

OP(movbe_store)
{
	x86_store(c, x86_ea_w(c, op, op->size), swapped(x86_get(c, op->s, op->size), op->size),
		  op->size);
	return NEXT(op);
}

static bool bind_movbe(struct x86_bind *b)
{
	bool load = x86_is_mem(b, 1);

	b->op->size = (uint8_t)x86_opnd_size(b, 0);
	x86_bind_mem(b, load);
	if (load)
		b->op->d = x86_bind_reg(b, 0);
	else
		b->op->s = x86_bind_reg(b, 1);
	b->op->fn = load ? movbe_load : movbe_store;
	return true;
}

OP(xlat)
{
	uint64_t off = c->r[X86_RBX] + (uint8_t)c->r[X86_RAX];

	if (op->flags & X86_OPF_A16)
		off = (uint16_t)off;
	else if (op->flags & X86_OPF_A32)
		off = (uint32_t)off;
	x86_put(c, 0, x86_ld8(c, x86_seg_lin(c, op->seg, off, 1, false)), 1);
	return NEXT(op);
}

static bool bind_xlat(struct x86_bind *b)
{
	unsigned n = 0;

	while (n < b->in->operand_count && !x86_is_mem(b, n))
		n++;
	x86_bind_mem(b, n);
	b->op->fn = xlat;
	return true;
}

OP(nop)
{
	return NEXT(op);
}

static bool bind_nop(struct x86_bind *b)
{
	b->op->fn = nop;
	return true;
}

#define ROW_CMOV(cc)                             \
	{ZYDIS_MNEMONIC_CMOV##cc, bind_cmov},    \
	{                                        \
		ZYDIS_MNEMONIC_SET##cc, bind_set \
	}

const struct x86_row x86_rows_move[] = {
	{ZYDIS_MNEMONIC_MOV, bind_mov},
	{ZYDIS_MNEMONIC_MOVNTI, bind_mov},
	{ZYDIS_MNEMONIC_XCHG, bind_xchg},
	{ZYDIS_MNEMONIC_MOVZX, bind_widen},
	{ZYDIS_MNEMONIC_MOVSX, bind_widen, 1},
	{ZYDIS_MNEMONIC_MOVSXD, bind_widen, 1},
	{ZYDIS_MNEMONIC_CBW, bind_widen_acc, 1},
	{ZYDIS_MNEMONIC_CWDE, bind_widen_acc, 2},
	{ZYDIS_MNEMONIC_CDQE, bind_widen_acc, 3},
	{ZYDIS_MNEMONIC_CWD, bind_spread, 0, spread_16},
	{ZYDIS_MNEMONIC_CDQ, bind_spread, 0, spread_32},
	{ZYDIS_MNEMONIC_CQO, bind_spread, 0, spread_64},
	{ZYDIS_MNEMONIC_LEA, bind_lea},
	{ZYDIS_MNEMONIC_BSWAP, bind_bswap},
	{ZYDIS_MNEMONIC_MOVBE, bind_movbe},
	{ZYDIS_MNEMONIC_XLAT, bind_xlat},
	{ZYDIS_MNEMONIC_NOP, bind_nop},
	{ZYDIS_MNEMONIC_PREFETCH, bind_nop},
	{ZYDIS_MNEMONIC_PREFETCHNTA, bind_nop},
	{ZYDIS_MNEMONIC_PREFETCHT0, bind_nop},
	{ZYDIS_MNEMONIC_PREFETCHT1, bind_nop},
	{ZYDIS_MNEMONIC_PREFETCHT2, bind_nop},
	{ZYDIS_MNEMONIC_PREFETCHW, bind_nop},
	{ZYDIS_MNEMONIC_LFENCE, bind_nop},
	{ZYDIS_MNEMONIC_SFENCE, bind_nop},
	{ZYDIS_MNEMONIC_MFENCE, bind_nop},
	ROW_CMOV(O),
	ROW_CMOV(NO),
	ROW_CMOV(B),
	ROW_CMOV(NB),
	ROW_CMOV(Z),
	ROW_CMOV(NZ),
	ROW_CMOV(BE),
	ROW_CMOV(NBE),
	ROW_CMOV(S),
	ROW_CMOV(NS),
	ROW_CMOV(P),
	ROW_CMOV(NP),
	ROW_CMOV(L),
	ROW_CMOV(NL),
	ROW_CMOV(LE),
	ROW_CMOV(NLE),
	{ZYDIS_MNEMONIC_INVALID},
};
