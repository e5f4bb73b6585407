/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arithmetic flags, kept as what they are made of (SDM 1, 3.4.3.1).
 *
 * Invariants: fl_res is the last result, sign-extended: ZF, SF and PF follow from it.  fl_cv holds
 * of the vector of carries (bit n: carry or borrow out of bit n) the one out of the top (bit 31,
 * CF), the one into the top (bit 30; OF is their difference) and the one out of bit 3 (bit 3, AF);
 * its bits 8 and 9 turn SF and PF over, for flags that no result explains.
 */
#ifndef CPU_FLAGS_H
#define CPU_FLAGS_H

#include "cpu/state.h"

#define X86_CV_CF (1u << 31)
#define X86_CV_IN (1u << 30)
#define X86_CV_AF (1u << 3)
#define X86_CV_SF (1u << 8)
#define X86_CV_PF (1u << 9)

static inline bool x86_cf(const struct x86_cpu *c)
{
	return c->fl_cv >> 31;
}

static inline bool x86_of(const struct x86_cpu *c)
{
	return (c->fl_cv ^ c->fl_cv << 1) >> 31;
}

static inline bool x86_zf(const struct x86_cpu *c)
{
	return c->fl_res == 0;
}

static inline bool x86_sf(const struct x86_cpu *c)
{
	return ((uint64_t)c->fl_res >> 63) ^ (c->fl_cv >> 8 & 1);
}

static inline bool x86_pf(const struct x86_cpu *c)
{
	return !((unsigned)__builtin_parity((uint8_t)c->fl_res) ^ (c->fl_cv >> 9 & 1));
}

static inline bool x86_af(const struct x86_cpu *c)
{
	return c->fl_cv >> 3 & 1;
}

/* The flags of X86_ARITH, in their places. */
static inline uint32_t x86_arith(const struct x86_cpu *c)
{
	return (uint32_t)x86_cf(c) | (uint32_t)x86_pf(c) << 2 | (uint32_t)x86_af(c) << 4 |
	       (uint32_t)x86_zf(c) << 6 | (uint32_t)x86_sf(c) << 7 | (uint32_t)x86_of(c) << 11;
}

static inline void x86_set_arith(struct x86_cpu *c, uint32_t f)
{
	uint32_t cv = 0;

	c->fl_res = f & X86_ZF ? 0 : 1; /* PF would be 1, and 0 */
	if (!!(f & X86_PF) != !!(f & X86_ZF))
		cv |= X86_CV_PF;
	if (f & X86_SF)
		cv |= X86_CV_SF;
	if (f & X86_CF)
		cv |= X86_CV_CF;
	if (!!(f & X86_CF) != !!(f & X86_OF))
		cv |= X86_CV_IN;
	if (f & X86_AF)
		cv |= X86_CV_AF;
	c->fl_cv = cv;
}

/* CF and OF anew, the others stay. */
static inline void x86_set_cf_of(struct x86_cpu *c, bool cf, bool of)
{
	c->fl_cv = (c->fl_cv & ~(X86_CV_CF | X86_CV_IN)) | (uint32_t)cf << 31 |
		   (uint32_t)(cf ^ of) << 30;
}

static inline void x86_set_cf(struct x86_cpu *c, bool cf)
{
	x86_set_cf_of(c, cf, x86_of(c));
}

static inline uint64_t x86_flags(const struct x86_cpu *c)
{
	return c->rflags | x86_arith(c) | 2;
}

#endif
