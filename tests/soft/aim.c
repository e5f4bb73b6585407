// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns what an instruction is given: registers that lead its memory operands into the sandbox (or,
 * now and then, over its borders), counts, divisors and images that make sense.
 */
#include <string.h>

#include "cpu/state.h"
#include "gen.h"

/* --- memory of both machines --- */

static void poke_part(struct gen *g, uint64_t va, const uint8_t *data, unsigned len, uint64_t first,
		      uint64_t end)
{
	uint64_t from = MAX(va, first), to = MIN(va + len, end);

	if (from >= to)
		return;
	memcpy(box_ptr(from), data + (from - va), to - from);
	memcpy(guest_ptr(g->guest, from), data + (from - va), to - from);
}

void aim_poke(struct gen *g, uint64_t va, const void *data, unsigned len)
{
	poke_part(g, va, data, len, BOX_DATA, BOX_DATA + BOX_DATA_SIZE);
	poke_part(g, va, data, len, BOX_STACK, BOX_STACK + BOX_STACK_SIZE);
}

/* --- registers --- */

static unsigned gpr_of(ZydisRegister r)
{
	return (unsigned)ZydisRegisterGetId(
		ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r));
}

static bool is_gpr(const ZydisDecodedOperand *o)
{
	if (o->type != ZYDIS_OPERAND_TYPE_REGISTER)
		return false;
	switch (ZydisRegisterGetClass(o->reg.value)) {
	case ZYDIS_REGCLASS_GPR16:
	case ZYDIS_REGCLASS_GPR32:
	case ZYDIS_REGCLASS_GPR64:
		return true;
	default:
		return false;
	}
}

static bool hidden(const struct insn *i, unsigned n)
{
	return n >= i->in.operand_count_visible;
}

static bool is_memory(const struct insn *i, unsigned n)
{
	return i->opnd[n].type == ZYDIS_OPERAND_TYPE_MEMORY;
}

/* --- where to --- */

static bool pops_flags(const struct insn *i)
{
	return i->in.mnemonic == ZYDIS_MNEMONIC_POPF || i->in.mnemonic == ZYDIS_MNEMONIC_POPFD ||
	       i->in.mnemonic == ZYDIS_MNEMONIC_POPFQ;
}

bool aim_pushes_half(const struct insn *i)
{
	return gen_narrow(i) && i->in.mnemonic == ZYDIS_MNEMONIC_PUSH &&
	       i->in.operand_width == 32 && i->opnd[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       ZydisRegisterGetClass(i->opnd[0].reg.value) == ZYDIS_REGCLASS_SEGMENT;
}

static uint64_t pick_stack(struct rng *r, const struct insn *i)
{
	if (one_in(r, 50) && !pops_flags(i) && !aim_pushes_half(i)) /* at one of its ends */
		return BOX_STACK + (one_in(r, 2) ? 0 : BOX_STACK_SIZE) + below(r, 33) - 16;
	if (one_in(r, 12))
		return BOX_STACK + 0x1000 + below(r, 17) - 8;
	return BOX_STACK + 0x800 + below(r, 0x1000) / (one_in(r, 8) ? 1 : 8) * 8;
}

static bool wants_alignment(const struct insn *i)
{
	return i->family == FAMILY_SSE || i->family == FAMILY_SSE4 || i->family == FAMILY_AES ||
	       i->family == FAMILY_FXSAVE || i->family == FAMILY_ALU;
}

/* A fault for bytes that the mask leaves out is up to the maker (SDM 2B, MASKMOVDQU). */
bool aim_stays_inside(const struct insn *i)
{
	return i->in.mnemonic == ZYDIS_MNEMONIC_MASKMOVQ ||
	       i->in.mnemonic == ZYDIS_MNEMONIC_MASKMOVDQU;
}

/* Mostly well inside the data; over borders of pages, into what can only be read, or not at all. */
static uint64_t pick(struct rng *r, const struct insn *i, unsigned size)
{
	unsigned how = below(r, 200);
	uint64_t va = BOX_DATA + 0x800 + below(r, BOX_DATA_SIZE - 0x1400);

	if (how < 14)
		return BOX_DATA + 0x1000 * (1 + below(r, BOX_DATA_SIZE / 0x1000 - 1)) - 1 -
		       below(r, size);
	if (aim_stays_inside(i))
		return va;
	if (how < 16)
		return BOX_RO - size + below(r, 2 * size);
	if (how == 17 && size <= 16)
		return BOX_RO + BOX_RO_SIZE - size + below(r, size + 1);
	if (how == 18)
		return BOX_DATA - below(r, size + 1);
	return wants_alignment(i) && how & 7 ? va & ~(uint64_t)15 : va;
}

/* --- base and index --- */

static uint64_t address_mask(const struct insn *i)
{
	return i->in.address_width == 64 ? ~(uint64_t)0 : (1ull << i->in.address_width) - 1;
}

static uint64_t segment_base(const struct insn *i, const ZydisDecodedOperandMem *m)
{
	switch (m->segment) {
	case ZYDIS_REGISTER_GS:
		return gen_narrow(i) ? BOX_LOW_BASE : BOX_GS_BASE;
	case ZYDIS_REGISTER_DS:
	case ZYDIS_REGISTER_ES:
		return i->low ? BOX_LOW_BASE : 0;
	default:
		return 0;
	}
}

uint64_t aim_address(const struct insn *i, unsigned n, const struct state *s)
{
	const ZydisDecodedOperandMem *m = &i->opnd[n].mem;
	uint64_t a = (uint64_t)m->disp.value;

	if (m->base == ZYDIS_REGISTER_RIP || m->base == ZYDIS_REGISTER_EIP)
		a += i->at + i->len;
	else if (m->base != ZYDIS_REGISTER_NONE)
		a += s->gpr[gpr_of(m->base)];
	if (m->index == ZYDIS_REGISTER_AL)
		a += s->gpr[X86_RAX] & 0xff;
	else if (m->index != ZYDIS_REGISTER_NONE)
		a += s->gpr[gpr_of(m->index)] * m->scale;
	return (a & address_mask(i)) + segment_base(i, m);
}

/* The upper part of a register does not matter for short addresses. */
static void set_address(struct rng *r, const struct insn *i, struct state *s, unsigned reg,
			uint64_t v)
{
	if (i->in.address_width == 16)
		v = (uint16_t)v | value_int(r) << 16;
	else if (i->in.address_width == 32)
		v = (uint32_t)v | (reg == X86_RSP ? 0 : value_int(r) << 32);
	s->gpr[reg] = v;
}

static bool has_registers(const ZydisDecodedOperandMem *m)
{
	return (m->base != ZYDIS_REGISTER_NONE && m->base != ZYDIS_REGISTER_RIP &&
		m->base != ZYDIS_REGISTER_EIP) ||
	       m->index != ZYDIS_REGISTER_NONE;
}

/* Choose registers so that the operand is at va, or a few bytes before it. */
static void aim(struct rng *r, const struct insn *i, const ZydisDecodedOperandMem *m,
		struct state *s, uint64_t va)
{
	uint64_t rest = va - segment_base(i, m) - (uint64_t)m->disp.value;
	bool base = m->base != ZYDIS_REGISTER_NONE, index = m->index != ZYDIS_REGISTER_NONE;

	if (m->index == ZYDIS_REGISTER_AL) {
		set_address(r, i, s, X86_RBX, rest - (s->gpr[X86_RAX] & 0xff));
	} else if (base && index && m->base == m->index) {
		rest &= address_mask(i);
		set_address(r, i, s, gpr_of(m->base), rest / (m->scale + 1u));
	} else if (base && index) {
		if (gen_uses_stack(i) || one_in(r, 2))
			s->gpr[gpr_of(m->index)] = below(r, 64) - 32ull;
		set_address(r, i, s, gpr_of(m->base), rest - s->gpr[gpr_of(m->index)] * m->scale);
	} else if (base) {
		set_address(r, i, s, gpr_of(m->base), rest);
	} else if (index) {
		rest &= address_mask(i);
		set_address(r, i, s, gpr_of(m->index), rest / m->scale);
	}
}

/*
 * Not canonical: #GP, or #SS for what goes through the stack segment.  Not where the address is
 * misaligned, too: #GP for that, and who comes first?
 */
static void spoil(struct rng *r, const struct insn *i, unsigned n, struct state *s)
{
	const ZydisDecodedOperandMem *m = &i->opnd[n].mem;

	if (aim_stays_inside(i) || (i->family >= FAMILY_SSE && aim_address(i, n, s) & 15))
		return;
	if (one_in(r, 200) && i->in.address_width == 64 && m->base != ZYDIS_REGISTER_NONE &&
	    has_registers(m) && m->base != m->index)
		s->gpr[gpr_of(m->base)] ^= 1ull << (48 + below(r, 16));
}

/* --- what lies there --- */

static void fill_float(struct rng *r, const ZydisDecodedOperand *o, uint8_t *p)
{
	double d = (double)(int64_t)value_int(r) / 8;
	float f = (float)d;

	value_vec(r, p);
	if (o->size == 80)
		value_st(r, p);
	else if (one_in(r, 2) && o->size == 64)
		memcpy(p, &d, sizeof(d));
	else if (one_in(r, 2) && o->size == 32)
		memcpy(p, &f, sizeof(f));
}

static void fill_decimal(struct rng *r, uint8_t *p)
{
	for (unsigned k = 0; k < 9; k++)
		p[k] = (uint8_t)(below(r, 10) << 4 | below(r, 10));
	p[9] = (uint8_t)(rnd(r) & 0x80);
}

static void fill_exchange(struct rng *r, const struct insn *i, const struct state *s, uint8_t *p)
{
	bool wide = i->in.mnemonic == ZYDIS_MNEMONIC_CMPXCHG16B;

	memcpy(p, &s->gpr[X86_RAX], 8);
	if (i->in.mnemonic != ZYDIS_MNEMONIC_CMPXCHG)
		memcpy(p + (wide ? 8 : 4), &s->gpr[X86_RDX], 8);
	if (one_in(r, 3))
		p[below(r, 8)] ^= (uint8_t)(1u << below(r, 8));
}

/* Around what BOUND compares to them. */
static void fill_bounds(struct rng *r, const struct insn *i, const struct state *s, uint8_t *p)
{
	unsigned size = i->opnd[0].size / 8;
	uint64_t v = s->gpr[gpr_of(i->opnd[0].reg.value)];
	uint64_t low = v - below(r, 4), high = v + below(r, 4);

	if (one_in(r, 4))
		high = v - one_in(r, 2);
	else if (one_in(r, 4))
		low = v + one_in(r, 2);
	memcpy(p, &low, size);
	memcpy(p + size, &high, size);
}

static void fill(struct gen *g, const struct insn *i, unsigned n, const struct state *s,
		 uint64_t va)
{
	struct rng *r = &g->rng;
	uint64_t v[3] = {value_int(r), value_int(r), 0};
	uint8_t *p = (uint8_t *)v;

	switch (i->in.mnemonic) {
	case ZYDIS_MNEMONIC_CMPXCHG:
	case ZYDIS_MNEMONIC_CMPXCHG8B:
	case ZYDIS_MNEMONIC_CMPXCHG16B:
		if (one_in(r, 2))
			fill_exchange(r, i, s, p);
		break;
	case ZYDIS_MNEMONIC_BOUND:
		if (one_in(r, 2))
			fill_bounds(r, i, s, p);
		break;
	case ZYDIS_MNEMONIC_FBLD:
		fill_decimal(r, p);
		break;
	case ZYDIS_MNEMONIC_LDMXCSR:
		if (!one_in(r, 16))
			v[0] &= 0xffff; /* or #GP, but for AMD's bit 17, which follows */
		v[0] &= ~(1ull << 17);
		break;
	default:
		if (i->family == FAMILY_BRANCH)
			v[0] = one_in(r, 50) ? v[0] | 1ull << 50 : i->target;
		else if (i->family == FAMILY_X87)
			fill_float(r, &i->opnd[n], p);
		else if (i->family >= FAMILY_MMX)
			value_vec(r, p);
	}
	aim_poke(g, va, v, 16);
}

static void fill_image(struct gen *g, const struct insn *i, uint64_t va)
{
	struct fx fx;

	value_image(&g->rng, &fx);
	if (one_in(&g->rng, 16))
		fx.mxcsr |= 1u << (18 + below(&g->rng, 14));
	aim_poke(g, va, &fx, sizeof(fx));
}

/* --- families --- */

static void count_hints(struct rng *r, const struct insn *i, struct state *s)
{
	if (one_in(r, 2))
		s->gpr[X86_RCX] = (s->gpr[X86_RCX] & ~(uint64_t)0xff) | below(r, 70);
}

/* Quotients that fit, mostly. */
static void divide_hints(struct rng *r, const struct insn *i, struct state *s)
{
	bool is_signed = i->in.mnemonic == ZYDIS_MNEMONIC_IDIV;
	unsigned size = i->opnd[0].size;
	uint64_t high = 0;

	if (one_in(r, 4))
		return;
	if (is_signed)
		high = (uint64_t)((int64_t)(s->gpr[X86_RAX] << (64 - size)) >> 63);
	if (one_in(r, 4))
		high += below(r, 16);
	if (size == 8)
		s->gpr[X86_RAX] = (s->gpr[X86_RAX] & ~(uint64_t)0xff00) | (high & 0xff) << 8;
	else
		s->gpr[X86_RDX] = high;
}

/* BT and its kin with an offset in a register go beyond their operand in memory. */
static void bit_hints(struct rng *r, const struct insn *i, struct state *s)
{
	const ZydisDecodedOperand *o = &i->opnd[1];
	uint64_t v = below(r, 0x2001) - 0x1000ull, mask;

	if (!is_memory(i, 0) || !is_gpr(o) || hidden(i, 1))
		return;
	mask = o->size == 64 ? ~(uint64_t)0 : (1ull << o->size) - 1;
	s->gpr[gpr_of(o->reg.value)] = (value_int(r) & ~mask) | (v & mask);
}

/* Memory of few different values, so that comparisons go on for a while. */
static void string_memory(struct gen *g, const struct state *s, uint64_t va)
{
	struct rng *r = &g->rng;
	uint8_t buf[1600];
	bool words = one_in(r, 2);

	for (unsigned k = 0; k < sizeof(buf); k++)
		buf[k] = (uint8_t)(s->gpr[X86_RAX] >> (words ? k % 8 * 8 : 0));
	for (unsigned k = below(r, 4); k; k--)
		buf[below(r, sizeof(buf))] ^= (uint8_t)rnd(r);
	aim_poke(g, (va & ~(uint64_t)7) - sizeof(buf) / 2, buf, sizeof(buf));
}

static void string_hints(struct gen *g, const struct insn *i, struct state *s)
{
	static const uint8_t reg[2] = {X86_RSI, X86_RDI};
	struct rng *r = &g->rng;

	for (unsigned k = 0; k < 2; k++) {
		bool wild = one_in(r, 40);
		uint64_t va = wild ? pick(r, i, 16) : BOX_DATA + 0x1400 + below(r, 0x1800);

		if (k == 1 && one_in(r, 8)) /* they overlap */
			va = s->gpr[X86_RSI] + below(r, 33) - 16;
		set_address(r, i, s, reg[k], va);
		if (one_in(r, 2))
			string_memory(g, s, va);
	}
	set_address(r, i, s, X86_RCX, below(r, one_in(r, 8) ? 600 : 40));
	for (unsigned n = 0; n < i->in.operand_count; n++)
		if (is_memory(i, n) && segment_base(i, &i->opnd[n].mem)) {
			unsigned k = gpr_of(i->opnd[n].mem.base);

			set_address(r, i, s, k, s->gpr[k] - segment_base(i, &i->opnd[n].mem));
		}
}

/* LOOP and JCXZ: all but zero, in the size that counts or in a longer one. */
static void set_count(struct rng *r, const struct insn *i, struct state *s)
{
	uint64_t upper = i->in.address_width == 16 ? ~(uint64_t)0xffff : ~(uint64_t)0xffffffff;

	s->gpr[X86_RCX] = (s->gpr[X86_RCX] & upper * below(r, 2)) | below(r, 3);
}

static void branch_hints(struct rng *r, const struct insn *i, struct state *s)
{
	if (is_gpr(&i->opnd[0]) && !hidden(i, 0))
		s->gpr[gpr_of(i->opnd[0].reg.value)] =
			one_in(r, 50) ? i->target | 1ull << (47 + below(r, 16)) : i->target;
	else if (one_in(r, 2))
		set_count(r, i, s);
}

/* What POPF may load: not TF, and not AC, for the host's kernel has CR0.AM set. */
static void stack_memory(struct gen *g, const struct insn *i, const struct state *s)
{
	uint64_t v = value_int(&g->rng), rsp = s->gpr[X86_RSP];

	if (pops_flags(i))
		v = rnd(&g->rng) & ~(uint64_t)(X86_TF | X86_AC);
	if (i->family == FAMILY_BRANCH)
		v = one_in(&g->rng, 50) ? 1ull << 48 : i->target;
	if (i->in.mnemonic == ZYDIS_MNEMONIC_LEAVE)
		rsp = s->gpr[X86_RBP];
	aim_poke(g, rsp, &v, sizeof(v));
}

static void family_hints(struct gen *g, const struct insn *i, struct state *s)
{
	struct rng *r = &g->rng;

	switch (i->family) {
	case FAMILY_SHIFT:
		count_hints(r, i, s);
		break;
	case FAMILY_MULDIV:
		if (i->in.mnemonic == ZYDIS_MNEMONIC_DIV || i->in.mnemonic == ZYDIS_MNEMONIC_IDIV)
			divide_hints(r, i, s);
		break;
	case FAMILY_BIT:
		bit_hints(r, i, s);
		break;
	case FAMILY_STRING:
		string_hints(g, i, s);
		break;
	case FAMILY_BRANCH:
		branch_hints(r, i, s);
		break;
	default:
		break;
	}
}

static void memory_operand(struct gen *g, const struct insn *i, unsigned n, struct state *s)
{
	const ZydisDecodedOperandMem *m = &i->opnd[n].mem;
	unsigned size = i->opnd[n].size / 8 ? i->opnd[n].size / 8 : 64;
	uint64_t va = pick(&g->rng, i, size);

	if (i->family == FAMILY_BIT && i->opnd[1].type == ZYDIS_OPERAND_TYPE_REGISTER)
		va = BOX_DATA + 0x1000 + below(&g->rng, 0x2000);
	if (m->type == ZYDIS_MEMOP_TYPE_AGEN && !one_in(&g->rng, 4))
		return;
	if (gen_uses_stack(i) && (gpr_of(m->base) == X86_RSP || gpr_of(m->index) == X86_RSP) &&
	    has_registers(m))
		va = pick_stack(&g->rng, i);
	if (has_registers(m))
		aim(&g->rng, i, m, s, va);
	if (i->family == FAMILY_FXSAVE)
		fill_image(g, i, aim_address(i, n, s));
	else
		fill(g, i, n, s, aim_address(i, n, s));
	spoil(&g->rng, i, n, s);
}

void aim_inputs(struct gen *g, const struct insn *i, struct state *s)
{
	value_state(&g->rng, s, i->family);
	s->rip = i->at - i->setup_len;
	s->ds = i->low ? g->low : BOX_DS;
	if (i->in.mnemonic == ZYDIS_MNEMONIC_CVTPI2PS) /* from memory: MMX or not, by maker */
		s->fx.fsw &= (uint16_t)~0x80ff;
	family_hints(g, i, s);
	if (gen_uses_stack(i)) {
		s->gpr[X86_RSP] = pick_stack(&g->rng, i);
		if (i->family == FAMILY_STACK)
			s->gpr[X86_RBP] = pick_stack(&g->rng, i);
	}
	for (unsigned n = 0; n < i->in.operand_count; n++) {
		const ZydisDecodedOperandMem *m = &i->opnd[n].mem;

		if (!is_memory(i, n) || i->family == FAMILY_STRING || i->family == FAMILY_TRAP)
			continue;
		if (!hidden(i, n) || (m->base != ZYDIS_REGISTER_NONE &&
				      (gpr_of(m->base) == X86_RBX || gpr_of(m->base) == X86_RDI)))
			memory_operand(g, i, n, s);
	}
	if (gen_uses_stack(i))
		stack_memory(g, i, s);
	for (unsigned n = 0; gen_narrow(i) && n < 16; n++)
		s->gpr[n] = n < 8 ? (uint32_t)s->gpr[n] : 0;
}

void aim_displacement(struct gen *g, struct insn *i)
{
	for (unsigned n = 0; n < i->in.operand_count_visible; n++) {
		const ZydisDecodedOperandMem *m = &i->opnd[n].mem;
		uint64_t v;

		if (!is_memory(i, n) || has_registers(m) || i->family == FAMILY_STRING)
			continue;
		v = pick(&g->rng, i, i->opnd[n].size / 8 ? i->opnd[n].size / 8 : 64);
		v -= segment_base(i, m);
		if (m->base != ZYDIS_REGISTER_NONE)
			v -= i->at + i->len;
		memcpy(i->code + i->in.raw.disp.offset, &v, i->in.raw.disp.size / 8);
		families_decode(g->families, i->code, 15, &i->in, i->opnd);
	}
}
