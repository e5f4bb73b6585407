// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns random values full of edges, for registers and memory; knows no instruction. */
#include <string.h>

#include "cpu/state.h"
#include "gen.h"
#include "tests/unit/fp_edges.h"

uint64_t value_int(struct rng *r)
{
	uint64_t v = rnd(r);
	unsigned size = 8u << (v >> 8 & 3); /* bits */
	int64_t edge = (int64_t)(1ull << (size - 1));

	switch (v & 7) {
	case 0:
		return v >> 16 & 15;
	case 1:
		return (uint64_t) - (int64_t)(v >> 16 & 15);
	case 2: /* around the sign of a size */
		return (uint64_t)edge + (v >> 16 & 3) - 2;
	case 3: /* around the end of a size */
		return 2 * (uint64_t)edge + (v >> 16 & 3) - 2;
	case 4:
		return 1ull << (v >> 16 & 63);
	case 5: /* of a size, with its sign */
		return (uint64_t)((int64_t)rnd(r) >> (64 - size));
	default:
		return rnd(r);
	}
}

/* --- floating point --- */

static uint32_t value_float(struct rng *r)
{
	static const uint32_t e[] = {FLOAT_EDGES};

	return one_in(r, 3) ? (uint32_t)rnd(r) : e[below(r, G_N_ELEMENTS(e))];
}

static uint64_t value_double(struct rng *r)
{
	static const uint64_t e[] = {DOUBLE_EDGES};

	return one_in(r, 3) ? rnd(r) : e[below(r, G_N_ELEMENTS(e))];
}

static uint16_t value_word(struct rng *r)
{
	static const uint16_t e[] = {0,      1,      2,      0x7f,   0x80,   0xff,   0x100,
				     0x7ffe, 0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff, 0x8080};

	return e[below(r, G_N_ELEMENTS(e))];
}

void value_vec(struct rng *r, uint8_t *p)
{
	uint64_t v[2] = {rnd(r), rnd(r)};
	uint16_t w[8];
	uint32_t d[4];
	unsigned how = below(r, 8);

	for (unsigned i = 0; i < 16; i++) /* text, for comparisons */
		p[i] = (uint8_t)(v[i / 8] >> i % 8 * 8);
	for (unsigned i = 0; how == 0 && i < 16; i++)
		p[i] = p[i] % 7 ? 'a' + p[i] % 4 : 0;
	for (unsigned i = 0; i < 8; i++)
		w[i] = how == 1 ? value_word(r) : 0;
	for (unsigned i = 0; i < 4; i++)
		d[i] = how == 2 || how == 3 ? value_float(r) : 0;
	if (how == 1)
		memcpy(p, w, 16);
	if (how == 2 || how == 3)
		memcpy(p, d, 16);
	if (how == 4 || how == 5)
		for (unsigned i = 0; i < 2; i++)
			v[i] = value_double(r);
	if (how == 6) /* a count */
		v[0] %= 70;
	if (how >= 4)
		memcpy(p, v, 16);
}

static uint64_t value_mant(struct rng *r)
{
	static const uint64_t e[] = {SIGNIFICAND_EDGES};

	switch (below(r, 4)) {
	case 0:
		return e[below(r, G_N_ELEMENTS(e))];
	case 1:
		return rnd(r) << below(r, 63);
	case 2:
		return rnd(r);
	default:
		return rnd(r) | 1ull << 63;
	}
}

void value_st(struct rng *r, uint8_t *p)
{
	static const uint16_t e[] = {0,      1,      0x7fff, 0x7ffe, 0x3fff, 0x3ffe,
				     0x3ffd, 0x4000, 0x3c01, 0x3c00, 0x3bcd, 0x43fe,
				     0x43ff, 0x3f81, 0x3f80, 0x3f6a, 0x407e, 0x407f,
				     0x400e, 0x401e, 0x403e, 0x403d, 0x3fbf, 0x3fc0};
	uint64_t m = value_mant(r);
	uint16_t exp = e[below(r, G_N_ELEMENTS(e))];

	if (one_in(r, 3))
		exp = (uint16_t)(0x3fe0 + below(r, 0x62));
	else if (one_in(r, 3))
		exp = (uint16_t)below(r, 0x8000);
	exp |= rnd(r) & 0x8000;
	memcpy(p, &m, 8);
	memcpy(p + 8, &exp, 2);
}

/* --- whole states --- */

/* Control and status word; seldom with an exception that is pending. */
static void value_x87(struct rng *r, struct fx *fx)
{
	bool full = one_in(r, 2);

	fx->fcw = (uint16_t)(0x40 | (rnd(r) & 0x1f3f));
	if (!one_in(r, 4))
		fx->fcw |= 0x3f;
	if (one_in(r, 4))
		fx->fcw = 0x37f;
	fx->fsw = (uint16_t)rnd(r) & 0x7f7f;
	if (one_in(r, 2))
		fx->fsw &= (uint16_t)~0x7f;
	if (!one_in(r, 50))
		fx->fsw &= (uint16_t) ~(~fx->fcw & 0x3f);
	if (fx->fsw & ~fx->fcw & 0x3f)
		fx->fsw |= 0x8080;
	fx->ftw = (uint8_t)rnd(r);
	if (full)
		fx->ftw = (uint8_t) ~(1u << (((fx->fsw >> 11) - 1) & 7));
	if (full && one_in(r, 3))
		fx->ftw = 0xff;
	for (int i = 0; i < 8; i++)
		value_st(r, fx->st[i]);
}

static void value_mxcsr(struct rng *r, struct fx *fx)
{
	fx->mxcsr = 0x1f80 | (uint32_t)(rnd(r) & 0x3f);
	if (one_in(r, 2))
		fx->mxcsr |= rnd(r) & 0xe040;
	if (one_in(r, 40)) /* not all are masked */
		fx->mxcsr &= 0xe07f | (uint32_t)rnd(r);
}

void value_image(struct rng *r, struct fx *fx)
{
	memset(fx, 0, sizeof(*fx));
	value_x87(r, fx);
	value_mxcsr(r, fx);
	for (unsigned i = 0; i < 16; i++)
		value_vec(r, fx->xmm[i]);
}

static bool uses_vectors(enum family f)
{
	return f == FAMILY_SSE || f == FAMILY_SSE4 || f == FAMILY_AES || f == FAMILY_MMX ||
	       f == FAMILY_FXSAVE || f == FAMILY_X87;
}

void value_state(struct rng *r, struct state *s, enum family family)
{
	for (unsigned i = 0; i < 16; i++)
		s->gpr[i] = value_int(r);
	s->flags = (rnd(r) & X86_ARITH) | (one_in(r, 4) ? X86_DF : 0) | X86_IF | 2;
	s->cr2 = 0;
	s->vector = BOX_NO_VECTOR;
	s->error = 0;
	if (uses_vectors(family) || one_in(r, 64))
		value_image(r, &s->fx);
	if (!uses_vectors(family) || (family != FAMILY_X87 && one_in(r, 2)))
		s->fx.fsw &= (uint16_t)~0x80ff; /* nothing pending */
}
