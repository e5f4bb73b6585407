// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns single bits and counts of bits: BT, BTS, BTR, BTC, BSF, BSR, POPCNT, CRC32 (SDM 1, 5.1.6).
 * Bound by decode.c, called by blocks.
 */
#include "cpu/handlers.h"

#define INLINE static inline __attribute__((always_inline))

enum { BT, BTS, BTR, BTC };

INLINE uint64_t change(struct x86_cpu *c, unsigned k, uint64_t a, unsigned n)
{
	uint64_t m = 1ull << n;

	x86_set_cf(c, a & m); /* the others stay: they are undefined but ZF, which does */
	return k == BTS ? a | m : k == BTR ? a & ~m : k == BTC ? a ^ m : a;
}

/* With a register as index, memory is a string of bits that goes to both sides. */
static inline uint64_t bit_address(struct x86_cpu *c, const struct x86_op *op, unsigned size,
				   bool write, unsigned *n)
{
	int64_t index;

	if (op->size) { /* immediate */
		*n = (unsigned)op->imm & (8 * size - 1);
		return x86_ea(c, op, size, write);
	}
	index = (int64_t)(x86_get(c, op->s, size) << (64 - 8 * size)) >> (64 - 8 * size);
	*n = (unsigned)index & (8 * size - 1);
	index = (index >> (size == 8 ? 6 : size == 4 ? 5 : 4)) * size;
	if (!(op->flags & X86_OPF_SLOW_EA))
		return x86_ea_off(c, op) + (uint64_t)index;
	return x86_ea_slow(c, op, x86_ea_off(c, op) + (uint64_t)index, size, write);
}

#define BITS(name, k, bits)                                                                        \
	OP(name##_r_##bits)                                                                        \
	{                                                                                          \
		unsigned n =                                                                       \
			(unsigned)(op->size ? op->imm : x86_get(c, op->s, bits / 8)) & (bits - 1); \
		uint64_t r = change(c, k, x86_get(c, op->d, bits / 8), n);                         \
                                                                                                   \
		if (k != BT)                                                                       \
			x86_put(c, op->d, r, bits / 8);                                            \
		return NEXT(op);                                                                   \
	}                                                                                          \
	OP(name##_m_##bits)                                                                        \
	{                                                                                          \
		unsigned n;                                                                        \
		uint64_t lin = bit_address(c, op, bits / 8, k != BT, &n);                          \
		struct x86_rmw m;                                                                  \
                                                                                                   \
		if (k == BT)                                                                       \
			change(c, k, x86_ld##bits(c, lin), n);                                     \
		else                                                                               \
			x86_rmw_end(c, &m, change(c, k, x86_rmw_begin(c, &m, lin, bits / 8), n),   \
				    bits / 8);                                                     \
		return NEXT(op);                                                                   \
	}
#define ALL_BITS(bits)       \
	BITS(bt, BT, bits)   \
	BITS(bts, BTS, bits) \
	BITS(btr, BTR, bits) \
	BITS(btc, BTC, bits)
ALL_BITS(16)
ALL_BITS(32)
ALL_BITS(64)

#define WIDE(n)                        \
	{                              \
		n##_16, n##_32, n##_64 \
	}
static x86_fn *const bit_fn[4][2][3] = {{WIDE(bt_r), WIDE(bt_m)},
					{WIDE(bts_r), WIDE(bts_m)},
					{WIDE(btr_r), WIDE(btr_m)},
					{WIDE(btc_r), WIDE(btc_m)}};

static bool bind_bit(struct x86_bind *b)
{
	unsigned k = x86_size_index(x86_opnd_size(b, 0)) - 1;
	bool mem = x86_bind_rm(b, 0, &b->op->d);

	b->op->size = x86_is_imm(b, 1);
	if (b->op->size)
		b->op->imm = b->opnd[1].imm.value.u;
	else
		b->op->s = x86_bind_reg(b, 1);
	b->op->fn = bit_fn[b->row->arg][mem][k];
	return true;
}

/* --- scans and counts --- */

INLINE uint64_t source(struct x86_cpu *c, const struct x86_op *op)
{
	return op->imm ? x86_load(c, x86_ea_r(c, op, op->size), op->size)
		       : x86_get(c, op->s, op->size);
}

/* Of zero: ZF, and the destination stays, as both makers' processors do. */
static const struct x86_op *scan(struct x86_cpu *c, const struct x86_op *op, bool reverse)
{
	uint64_t v = source(c, op);

	if (v)
		x86_put(c, op->d,
			reverse ? 63 - (unsigned)__builtin_clzll(v) : (unsigned)__builtin_ctzll(v),
			op->size);
	x86_set_arith(c, (x86_arith(c) & ~X86_ZF) | (v ? 0 : X86_ZF));
	return NEXT(op);
}

OP(bsf)
{
	return scan(c, op, false);
}

OP(bsr)
{
	return scan(c, op, true);
}

OP(popcnt)
{
	uint64_t v = source(c, op);

	x86_put(c, op->d, (unsigned)__builtin_popcountll(v), op->size);
	x86_set_arith(c, v ? 0 : X86_ZF);
	return NEXT(op);
}

/* The polynomial of iSCSI, 11EDC6F41h, bits reversed (SDM 2A, CRC32). */
OP(crc32)
{
	uint64_t v = source(c, op);
	uint32_t crc = (uint32_t)c->r[op->d / 8];

	for (unsigned i = 0; i < op->size; i++, v >>= 8) {
		crc ^= (uint8_t)v;
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	c->r[op->d / 8] = crc;
	return NEXT(op);
}

static bool bind_scan(struct x86_bind *b)
{
	b->op->d = x86_bind_reg(b, 0);
	b->op->size = (uint8_t)x86_opnd_size(b, 1);
	b->op->imm = x86_bind_rm(b, 1, &b->op->s);
	b->op->fn = (x86_fn *)b->row->ptr;
	return true;
}

const struct x86_row x86_rows_bit[] = {
	{ZYDIS_MNEMONIC_BT, bind_bit, BT},
	{ZYDIS_MNEMONIC_BTS, bind_bit, BTS},
	{ZYDIS_MNEMONIC_BTR, bind_bit, BTR},
	{ZYDIS_MNEMONIC_BTC, bind_bit, BTC},
	{ZYDIS_MNEMONIC_BSF, bind_scan, 0, bsf},
	{ZYDIS_MNEMONIC_BSR, bind_scan, 0, bsr},
	{ZYDIS_MNEMONIC_POPCNT, bind_scan, 0, popcnt},
	{ZYDIS_MNEMONIC_CRC32, bind_scan, 0, crc32},
	{ZYDIS_MNEMONIC_INVALID},
};
