// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns shifts and rotates (SDM 1, 5.1.5).  Bound by decode.c, called by blocks.  Where a flag is
 * undefined it gets what common processors give.
 */
#include "cpu/handlers.h"

#define INLINE static inline __attribute__((always_inline))

enum shift { ROL, ROR, RCL, RCR, SHL, SHR, SAR };

INLINE uint64_t mask(unsigned bits)
{
	return ~(uint64_t)0 >> (64 - bits);
}

INLINE bool bit(uint64_t v, unsigned n)
{
	return v >> n & 1;
}

INLINE void set_shift_flags(struct x86_cpu *c, uint64_t r, unsigned bits, bool cf, bool of)
{
	c->fl_res = (int64_t)(r << (64 - bits)) >> (64 - bits);
	c->fl_cv = (uint32_t)cf << 31 | (uint32_t)(cf ^ of) << 30;
}

/* a is zero-extended; n is 1..63 (31 for narrower operands) */
INLINE uint64_t shl(struct x86_cpu *c, uint64_t a, unsigned n, unsigned bits)
{
	uint64_t r = n < bits ? a << n & mask(bits) : 0;
	bool cf = n <= bits && bit(a, bits - n);

	set_shift_flags(c, r, bits, cf, bit(r, bits - 1) ^ cf);
	return r;
}

INLINE uint64_t shr(struct x86_cpu *c, uint64_t a, unsigned n, unsigned bits)
{
	uint64_t r = n < bits ? a >> n : 0;

	set_shift_flags(c, r, bits, n <= bits && bit(a, n - 1), bit(a, bits - 1));
	return r;
}

INLINE uint64_t sar(struct x86_cpu *c, uint64_t a, unsigned n, unsigned bits)
{
	int64_t s = (int64_t)(a << (64 - bits)) >> (64 - bits);
	uint64_t r = (uint64_t)(s >> n) & mask(bits);

	set_shift_flags(c, r, bits, (s >> (n - 1)) & 1, false);
	return r;
}

INLINE uint64_t rol(struct x86_cpu *c, uint64_t a, unsigned n, unsigned bits)
{
	unsigned k = n % bits;
	uint64_t r = k ? (a << k | a >> (bits - k)) & mask(bits) : a;

	x86_set_cf_of(c, r & 1, bit(r, bits - 1) ^ (r & 1));
	return r;
}

INLINE uint64_t ror(struct x86_cpu *c, uint64_t a, unsigned n, unsigned bits)
{
	unsigned k = n % bits;
	uint64_t r = k ? (a >> k | a << (bits - k)) & mask(bits) : a;

	x86_set_cf_of(c, bit(r, bits - 1), bit(r, bits - 1) ^ bit(r, bits - 2));
	return r;
}

/* Through the carry: bits + 1 wide. */
INLINE uint64_t rcl(struct x86_cpu *c, uint64_t a, unsigned n, unsigned bits)
{
	unsigned k = n % (bits + 1);
	bool cf = x86_cf(c);
	uint64_t r = a;

	if (k) {
		r = (k < bits ? a << k : 0) | (uint64_t)cf << (k - 1);
		if (k > 1)
			r |= a >> (bits + 1 - k);
		cf = bit(a, bits - k);
		r &= mask(bits);
	}
	x86_set_cf_of(c, cf, bit(r, bits - 1) ^ cf);
	return r;
}

INLINE uint64_t rcr(struct x86_cpu *c, uint64_t a, unsigned n, unsigned bits)
{
	unsigned k = n % (bits + 1);
	bool cf = x86_cf(c);
	uint64_t r = a;

	if (k) {
		r = (k < bits ? a >> k : 0) | (uint64_t)cf << (bits - k);
		if (k > 1)
			r |= a << (bits + 1 - k);
		cf = bit(a, k - 1);
		r &= mask(bits);
	}
	x86_set_cf_of(c, cf, bit(r, bits - 1) ^ bit(r, bits - 2));
	return r;
}

INLINE uint64_t shift(struct x86_cpu *c, enum shift kind, uint64_t a, unsigned n, unsigned bits)
{
	switch (kind) {
	case ROL:
		return rol(c, a, n, bits);
	case ROR:
		return ror(c, a, n, bits);
	case RCL:
		return rcl(c, a, n, bits);
	case RCR:
		return rcr(c, a, n, bits);
	case SHL:
		return shl(c, a, n, bits);
	case SHR:
		return shr(c, a, n, bits);
	default:
		return sar(c, a, n, bits);
	}
}

/* A count of zero changes nothing but, in a register of 32 bits, the upper half. */
#define SHIFT_FORM(name, kind, bits, form, count)                                           \
	OP(name##_r##form##_##bits)                                                         \
	{                                                                                   \
		unsigned n = (count) & (bits == 64 ? 63 : 31);                              \
		uint64_t a = x86_get(c, op->d, bits / 8);                                   \
                                                                                            \
		x86_put(c, op->d, n ? shift(c, kind, a, n, bits) : a, bits / 8);            \
		return NEXT(op);                                                            \
	}                                                                                   \
	OP(name##_m##form##_##bits)                                                         \
	{                                                                                   \
		unsigned n = (count) & (bits == 64 ? 63 : 31);                              \
		struct x86_rmw m;                                                           \
		uint64_t a = x86_rmw_begin(c, &m, x86_ea(c, op, bits / 8, true), bits / 8); \
                                                                                            \
		x86_rmw_end(c, &m, n ? shift(c, kind, a, n, bits) : a, bits / 8);           \
		return NEXT(op);                                                            \
	}
#define SHIFT(name, kind, bits)                            \
	SHIFT_FORM(name, kind, bits, i, (unsigned)op->imm) \
	SHIFT_FORM(name, kind, bits, c, (unsigned)c->r[X86_RCX])
#define SHIFTS(bits)          \
	SHIFT(rol, ROL, bits) \
	SHIFT(ror, ROR, bits) \
	SHIFT(rcl, RCL, bits) \
	SHIFT(rcr, RCR, bits) \
	SHIFT(shl, SHL, bits) \
	SHIFT(shr, SHR, bits) \
	SHIFT(sar, SAR, bits)
FOR_SIZES(SHIFTS)

#define FORMS(n)                                                           \
	{                                                                  \
		SIZES(n##_ri), SIZES(n##_rc), SIZES(n##_mi), SIZES(n##_mc) \
	}
static x86_fn *const shift_fn[7][4][4] = {FORMS(rol), FORMS(ror), FORMS(rcl), FORMS(rcr),
					  FORMS(shl), FORMS(shr), FORMS(sar)};

static bool bind_shift(struct x86_bind *b)
{
	unsigned k = x86_size_index(x86_opnd_size(b, 0));
	bool cl = x86_is_reg(b, 1), mem = x86_is_mem(b, 0);

	x86_bind_rm(b, 0, &b->op->d);
	if (!cl)
		b->op->imm = b->opnd[1].imm.value.u;
	b->op->fn = shift_fn[b->row->arg][2 * mem + cl][k];
	return true;
}

/* --- SHLD, SHRD --- */

/* Counts beyond 16 bits are undefined; processors go on through source and destination again. */
INLINE uint64_t shift_double(struct x86_cpu *c, bool left, uint64_t a, uint64_t b, unsigned n,
			     unsigned bits)
{
	uint64_t r;
	bool cf;

	if (bits == 16) {
		uint64_t v = a << 32 | b << 16 | a;

		r = left ? v << n >> 32 & 0xffff : v >> n & 0xffff;
		cf = left ? v >> (48 - n) & 1 : v >> (n - 1) & 1;
	} else if (left) {
		r = (a << n | b >> (bits - n)) & mask(bits);
		cf = bit(a, bits - n);
	} else {
		r = (a >> n | b << (bits - n)) & mask(bits);
		cf = bit(a, n - 1);
	}
	set_shift_flags(c, r, bits, cf, bit(r, bits - 1) ^ bit(a, bits - 1));
	return r;
}

#define DOUBLE(bits)                                                                            \
	OP(double_r_##bits)                                                                     \
	{                                                                                       \
		unsigned n = (unsigned)(op->flags & X86_OPF_CL ? c->r[X86_RCX] : op->imm) &     \
			     (bits == 64 ? 63 : 31);                                            \
		uint64_t a = x86_get(c, op->d, bits / 8), b = x86_get(c, op->s, bits / 8);      \
                                                                                                \
		x86_put(c, op->d, n ? shift_double(c, op->size, a, b, n, bits) : a, bits / 8);  \
		return NEXT(op);                                                                \
	}                                                                                       \
	OP(double_m_##bits)                                                                     \
	{                                                                                       \
		unsigned n = (unsigned)(op->flags & X86_OPF_CL ? c->r[X86_RCX] : op->imm) &     \
			     (bits == 64 ? 63 : 31);                                            \
		uint64_t b = x86_get(c, op->s, bits / 8);                                       \
		struct x86_rmw m;                                                               \
		uint64_t a = x86_rmw_begin(c, &m, x86_ea(c, op, bits / 8, true), bits / 8);     \
                                                                                                \
		x86_rmw_end(c, &m, n ? shift_double(c, op->size, a, b, n, bits) : a, bits / 8); \
		return NEXT(op);                                                                \
	}
DOUBLE(16)
DOUBLE(32)
DOUBLE(64)

static x86_fn *const double_r[] = {double_r_16, double_r_32, double_r_64};
static x86_fn *const double_m[] = {double_m_16, double_m_32, double_m_64};

static bool bind_double(struct x86_bind *b)
{
	unsigned k = x86_size_index(x86_opnd_size(b, 0)) - 1;

	b->op->size = (uint8_t)b->row->arg; /* to the left */
	b->op->s = x86_bind_reg(b, 1);
	if (x86_is_imm(b, 2))
		b->op->imm = b->opnd[2].imm.value.u;
	else
		b->op->flags |= X86_OPF_CL; /* by CL */
	b->op->fn = x86_is_mem(b, 0) ? double_m[k] : double_r[k];
	x86_bind_rm(b, 0, &b->op->d);
	return true;
}

const struct x86_row x86_rows_shift[] = {
	{ZYDIS_MNEMONIC_ROL, bind_shift, ROL}, {ZYDIS_MNEMONIC_ROR, bind_shift, ROR},
	{ZYDIS_MNEMONIC_RCL, bind_shift, RCL}, {ZYDIS_MNEMONIC_RCR, bind_shift, RCR},
	{ZYDIS_MNEMONIC_SHL, bind_shift, SHL}, {ZYDIS_MNEMONIC_SHR, bind_shift, SHR},
	{ZYDIS_MNEMONIC_SAR, bind_shift, SAR}, {ZYDIS_MNEMONIC_SHLD, bind_double, 1},
	{ZYDIS_MNEMONIC_SHRD, bind_double, 0}, {ZYDIS_MNEMONIC_INVALID},
};
