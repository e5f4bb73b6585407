// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the writing of instructions: a form of a mnemonic with random prefixes, REX, ModRM, SIB,
 * displacement and immediate, decoded to see what it became.  Leaves the operands' values to aim.c.
 */
#include "gen.h"

#include <string.h>

/* --- bytes --- */

static unsigned put_prefixes(struct rng *r, enum family family, const struct form *f, uint8_t *p)
{
	static const uint8_t odd[] = {0x66, 0x66, 0x67, 0x67, 0x26, 0x2e, 0x36, 0x3e, 0x65};
	bool locks = family == FAMILY_ALU || family == FAMILY_BIT || family == FAMILY_MOVE;
	unsigned n = 0;

	if (f->prefix)
		p[n++] = f->prefix;
	for (unsigned k = 4; n < 4 && one_in(r, k); k = 2)
		p[n++] = odd[below(r, G_N_ELEMENTS(odd))];
	if (f->memory && locks && one_in(r, 8))
		p[n++] = 0xf0;
	if (family == FAMILY_STRING && one_in(r, 2))
		p[n++] = one_in(r, 2) ? 0xf2 : 0xf3;
	else if (one_in(r, 40))
		p[n++] = one_in(r, 2) ? 0xf2 : 0xf3;
	for (unsigned i = n; i > 1; i--) { /* in any order */
		unsigned k = below(r, i);
		uint8_t t = p[k];

		p[k] = p[i - 1];
		p[i - 1] = t;
	}
	return n;
}

/* The last prefix, or it is none (SDM 2A, 2.2.1). */
static unsigned put_rex(struct rng *r, const struct form *f, uint8_t *p, unsigned n)
{
	uint8_t rex = 0x40 | (f->rex_w ? 8 : 0) | (uint8_t)(rnd(r) & 7);

	if (one_in(r, 40)) {
		memmove(p + 1, p, n);
		p[0] = 0x40 | (uint8_t)(rnd(r) & 15);
		n++;
	}
	if (f->rex_w || one_in(r, 2))
		p[n++] = rex;
	return n;
}

static unsigned write_insn(struct gen *g, enum family family, const struct form *f, uint8_t *p)
{
	struct rng *r = &g->rng;
	unsigned n = put_prefixes(r, family, f, p);

	if (!g->families->narrow)
		n = put_rex(r, f, p, n);
	if (f->map)
		p[n++] = 0x0f;
	if (f->map > 1)
		p[n++] = f->map == 2 ? 0x38 : 0x3a;
	p[n++] = f->opcode;
	if (f->has_modrm)
		p[n++] =
			f->memory ? f->modrm | (uint8_t)(below(r, 3) << 6 | below(r, 8)) : f->modrm;
	for (unsigned i = 0; i < 12; i++)
		p[n + i] = (uint8_t)(one_in(r, 4) ? value_int(r) : rnd(r));
	return n + 12;
}

/* --- what must be so that it stays in the sandbox --- */

bool gen_uses_stack(const struct insn *i)
{
	if (i->family == FAMILY_STACK)
		return true;
	for (unsigned n = i->in.operand_count_visible; n < i->in.operand_count; n++)
		if (i->opnd[n].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    (i->opnd[n].mem.base == ZYDIS_REGISTER_RSP ||
		     i->opnd[n].mem.base == ZYDIS_REGISTER_ESP))
			return true;
	return false;
}

static const ZydisDecodedOperand *explicit_memory(const struct insn *i)
{
	for (unsigned n = 0; n < i->in.operand_count_visible; n++)
		if (i->opnd[n].type == ZYDIS_OPERAND_TYPE_MEMORY)
			return &i->opnd[n];
	return NULL;
}

static bool same_register(ZydisRegister a, ZydisRegister b)
{
	return a != ZYDIS_REGISTER_NONE &&
	       ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, a) ==
		       ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, b);
}

/* BT with a bit offset that is also an address; memory that both the stack and RSP lead to. */
static bool entangled(const struct insn *i)
{
	const ZydisDecodedOperand *m = explicit_memory(i);
	const ZydisDecodedOperand *bit = &i->opnd[1];

	if (i->family == FAMILY_BRANCH && !m && i->opnd[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	    same_register(i->opnd[0].reg.value, ZYDIS_REGISTER_RSP))
		return true;
	if (!m)
		return false;
	if (gen_uses_stack(i) && (same_register(m->mem.base, ZYDIS_REGISTER_RSP) ||
				  same_register(m->mem.index, ZYDIS_REGISTER_RSP)))
		return m->mem.disp.value < -256 || m->mem.disp.value > 256;
	if (i->family == FAMILY_BIT && bit->type == ZYDIS_OPERAND_TYPE_REGISTER && m != bit)
		return same_register(m->mem.base, bit->reg.value) ||
		       same_register(m->mem.index, bit->reg.value);
	return false;
}

/* FS is the C library's. */
static bool reads_fs(const struct insn *i)
{
	for (unsigned n = 0; n < i->in.operand_count; n++)
		if (i->opnd[n].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    i->opnd[n].mem.segment == ZYDIS_REGISTER_FS)
			return true;
	return false;
}

/* 66 before a near branch: 16 bits on AMD's CPUs, ignored on Intel's (SDM 2A, Jcc). */
static bool differs_by_maker(const struct insn *i)
{
	for (unsigned n = 0; n < i->in.raw.prefix_count; n++)
		if (i->family == FAMILY_BRANCH && !gen_narrow(i) &&
		    i->in.raw.prefixes[n].value == 0x66)
			return true;
	return false;
}

static bool is_relative(const struct insn *i)
{
	return i->family == FAMILY_BRANCH && i->opnd[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
	       i->opnd[0].imm.is_relative;
}

/* A target for branches, clear of the instruction and what follows it. */
static void set_target(struct gen *g, struct insn *i)
{
	int64_t rel;
	unsigned size = i->in.raw.imm[0].size / 8;

	do {
		rel = size == 1 ? (int8_t)rnd(&g->rng)
				: (int64_t)(below(&g->rng, BOX_CODE_SIZE)) - (BOX_CODE_SIZE / 2);
		i->target = i->at + i->len + (uint64_t)rel;
	} while ((i->target + BOX_EXIT_BYTES > i->at - i->setup_len &&
		  i->target < i->at + i->len + BOX_EXIT_BYTES) ||
		 i->target < BOX_CODE || i->target + BOX_EXIT_BYTES > BOX_CODE + BOX_CODE_SIZE);
	if (is_relative(i))
		memcpy(i->code + i->in.raw.imm[0].offset, &rel, size);
}

static bool try_insn(struct gen *g, enum family family, struct insn *i)
{
	GArray *list = g->families->of[family];
	struct mnemonic *m = &g_array_index(list, struct mnemonic, below(&g->rng, list->len));
	GArray *forms = m->forms[one_in(&g->rng, 2)];
	unsigned n;

	if (!forms->len)
		forms = m->forms[!m->forms[0]->len];
	n = write_insn(g, family, &g_array_index(forms, struct form, below(&g->rng, forms->len)),
		       i->code);
	if (!families_decode(g->families, i->code, n < 15 ? n : 15, &i->in, i->opnd))
		return false;
	i->family = family_of(&i->in, i->opnd);
	i->mnemonic = families_find(g->families, family, i->in.mnemonic);
	i->len = i->in.length;
	i->low = gen_narrow(i) && one_in(&g->rng, 8) != (i->in.address_width == 16);
	return i->family == family && i->mnemonic &&
	       !(aim_stays_inside(i) && i->in.address_width == 16) && !entangled(i) &&
	       !reads_fs(i) && !differs_by_maker(i);
}

/* --- into the code of both machines --- */

static void clear_code(struct gen *g)
{
	memset(box_ptr(BOX_CODE), 0xcc, BOX_CODE_SIZE);
	memset(guest_ptr(g->guest, BOX_CODE), 0xcc, BOX_CODE_SIZE);
}

static void write_code(struct gen *g, uint64_t va, const uint8_t *code, unsigned len)
{
	memcpy(box_ptr(va), code, len);
	memcpy(guest_ptr(g->guest, va), code, len);
	if (len)
		guest_new_code(g->guest, va, len);
}

/* CMP of two registers of any size, TEST, CLC, STC, CMC, SAHF */
static unsigned put_setup(struct rng *r, uint8_t *p, bool narrow)
{
	static const uint8_t two[] = {0x38, 0x39, 0x39, 0x3a, 0x3b, 0x84, 0x85};
	static const uint8_t none[] = {0xf8, 0xf9, 0xf5, 0x9e};
	unsigned n = 0;

	if (one_in(r, 4)) {
		p[0] = none[below(r, sizeof(none))];
		return 1;
	}
	if (one_in(r, 4))
		p[n++] = 0x66;
	if (one_in(r, 2) && !narrow)
		p[n++] = 0x40 | (uint8_t)below(r, 16);
	p[n++] = two[below(r, sizeof(two))];
	p[n++] = 0xc0 | (uint8_t)below(r, 64);
	return n;
}

/* Flags are kept in other ways after arithmetic than after a state was loaded. */
static void set_up(struct rng *r, struct insn *i)
{
	for (unsigned n = below(r, 4); i->setup_n < n; i->setup_n++)
		i->setup_len += put_setup(r, i->setup + i->setup_len, gen_narrow(i));
}

static void publish(struct gen *g, struct insn *i)
{
	uint8_t exit[BOX_EXIT_BYTES];

	clear_code(g);
	box_put_exit(i->code + i->len, 0);
	write_code(g, i->at - i->setup_len, i->setup, i->setup_len);
	write_code(g, i->at, i->code, i->len + BOX_EXIT_BYTES);
	if (!i->target)
		return;
	box_put_exit(exit, 1);
	write_code(g, i->target, exit, sizeof(exit));
}

/* Anywhere in the code, often around the border of its pages. */
static uint64_t place(struct rng *r)
{
	if (one_in(r, 8))
		return BOX_CODE + 0x1000 - below(r, 16);
	return BOX_CODE + 256 + below(r, BOX_CODE_SIZE - 512);
}

void gen_insn(struct gen *g, enum family family, struct insn *i)
{
	memset(i, 0, sizeof(*i));
	while (!try_insn(g, family, i))
		;
	i->at = place(&g->rng);
	set_up(&g->rng, i);
	if (family == FAMILY_BRANCH)
		set_target(g, i);
	if (i->in.mnemonic == ZYDIS_MNEMONIC_ENTER && !one_in(&g->rng, 16))
		i->code[i->in.raw.imm[0].offset + 1] &= 1;
	aim_displacement(g, i);
	publish(g, i);
}
