// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns PUSH, POP, ENTER, LEAVE, PUSHA, POPA, PUSHF, POPF (SDM 1, 5.1.1 and 6.2).  Bound by
 * decode.c, called by blocks.
 */
#include "cpu/seg.h"
#include "cpu/stack.h"

#define PUSH(bits)                                                                 \
	OP(push_r_##bits)                                                          \
	{                                                                          \
		x86_push(c, x86_get(c, op->s, bits / 8), bits / 8);                \
		return NEXT(op);                                                   \
	}                                                                          \
	OP(push_m_##bits)                                                          \
	{                                                                          \
		x86_push(c, x86_ld##bits(c, x86_ea_r(c, op, bits / 8)), bits / 8); \
		return NEXT(op);                                                   \
	}                                                                          \
	OP(push_i_##bits)                                                          \
	{                                                                          \
		x86_push(c, op->imm, bits / 8);                                    \
		return NEXT(op);                                                   \
	}                                                                          \
	OP(pop_r_##bits)                                                           \
	{                                                                          \
		uint64_t sp = x86_sp(c), v = x86_stack_load(c, sp, bits / 8);      \
                                                                                   \
		x86_set_sp(c, sp + bits / 8);                                      \
		x86_put(c, op->d, v, bits / 8);                                    \
		return NEXT(op);                                                   \
	}                                                                          \
	/* an address made of rSP is computed after it was changed */              \
	OP(pop_m_##bits)                                                           \
	{                                                                          \
		uint64_t old = c->r[X86_RSP], sp = x86_sp(c), lin;                 \
		uint64_t v = x86_stack_load(c, sp, bits / 8);                      \
                                                                                   \
		x86_set_sp(c, sp + bits / 8);                                      \
		lin = x86_ea_off(c, op);                                           \
		c->r[X86_RSP] = old;                                               \
		if (op->flags & X86_OPF_SLOW_EA)                                   \
			lin = x86_ea_slow(c, op, lin, bits / 8, true);             \
		x86_st##bits(c, lin, (uint##bits##_t)v);                           \
		x86_set_sp(c, sp + bits / 8);                                      \
		return NEXT(op);                                                   \
	}
PUSH(16)
PUSH(32)
PUSH(64)

#define WIDE(n)                        \
	{                              \
		n##_16, n##_32, n##_64 \
	}
static x86_fn *const push_r[] = WIDE(push_r), *const push_m[] = WIDE(push_m),
		     *const push_i[] = WIDE(push_i), *const pop_r[] = WIDE(pop_r),
		     *const pop_m[] = WIDE(pop_m);

OP(push_seg)
{
	uint64_t sp = x86_sp(c) - op->size;

	/* 16 bits are written whatever the operand size (SDM 2B, PUSH) */
	x86_stack_store(c, sp, c->seg[op->s].sel, op->size == 8 ? 8 : 2);
	x86_set_sp(c, sp);
	return NEXT(op);
}

OP(pop_seg)
{
	uint64_t sp = x86_sp(c);
	uint16_t sel = (uint16_t)x86_stack_load(c, sp, 2);

	x86_seg_load(c, op->d, sel);
	x86_set_sp(c, sp + op->size);
	if (op->d == X86_SS)
		c->shadow = X86_SHADOW_SS;
	return x86_leave(c, op);
}

static unsigned width(const struct x86_bind *b)
{
	return b->in->operand_width / 8;
}

static bool is_seg(const struct x86_bind *b)
{
	return x86_is_reg(b, 0) &&
	       ZydisRegisterGetClass(b->opnd[0].reg.value) == ZYDIS_REGCLASS_SEGMENT;
}

static bool bind_push(struct x86_bind *b)
{
	unsigned k = x86_size_index(width(b)) - 1;

	b->op->size = (uint8_t)width(b);
	b->op->flags |= X86_OPF_SS;
	if (is_seg(b)) {
		b->op->s = x86_bind_reg(b, 0);
		b->op->fn = push_seg;
	} else if (x86_is_mem(b, 0)) {
		b->op->flags &= (uint8_t)~X86_OPF_SS;
		x86_bind_mem(b, 0);
		b->op->fn = push_m[k];
	} else if (x86_is_imm(b, 0)) {
		b->op->imm = b->opnd[0].imm.value.u;
		b->op->fn = push_i[k];
	} else {
		b->op->s = x86_bind_reg(b, 0);
		b->op->fn = push_r[k];
	}
	return true;
}

static bool bind_pop(struct x86_bind *b)
{
	unsigned k = x86_size_index(width(b)) - 1;

	b->op->size = (uint8_t)width(b);
	b->op->flags |= X86_OPF_SS;
	if (is_seg(b)) {
		b->op->d = x86_bind_reg(b, 0);
		b->op->fn = pop_seg;
		b->end = true;
	} else if (x86_is_mem(b, 0)) {
		b->op->flags &= (uint8_t)~X86_OPF_SS;
		x86_bind_mem(b, 0);
		b->op->fn = pop_m[k];
	} else {
		b->op->d = x86_bind_reg(b, 0);
		b->op->fn = pop_r[k];
	}
	return true;
}

/* --- all registers at once (not in 64-bit mode) --- */

OP(pusha)
{
	uint64_t sp = x86_sp(c), old = c->r[X86_RSP];

	for (unsigned i = 1; i <= 8; i++) /* all or nothing; the first of them that faults */
		x86_stack_probe(c, sp - i * op->size, op->size);
	for (int i = 0; i < 8; i++) {
		sp -= op->size;
		x86_stack_store(c, sp, i == X86_RSP ? old : c->r[i], op->size);
	}
	x86_set_sp(c, sp);
	return NEXT(op);
}

OP(popa)
{
	uint64_t sp = x86_sp(c), v[8];

	for (int i = 7; i >= 0; i--, sp += op->size)
		v[i] = x86_stack_load(c, sp, op->size);
	for (int i = 0; i < 8; i++)
		if (i != X86_RSP)
			x86_put(c, 8 * (unsigned)i, v[i], op->size);
	x86_set_sp(c, sp);
	return NEXT(op);
}

/* --- frames (SDM 2A, ENTER) --- */

OP(enter)
{
	unsigned level = op->s & 31, size = op->size;
	uint64_t sp = x86_sp(c) - size, frame = sp, bp = c->r[X86_RBP];

	x86_stack_store(c, sp, bp, size);
	for (unsigned i = 1; i < level; i++) {
		bp -= size;
		sp -= size;
		x86_stack_store(c, sp, x86_stack_load(c, bp, size), size);
	}
	if (level) {
		sp -= size;
		x86_stack_store(c, sp, frame, size);
	}
	sp -= op->imm & 0xffff;
	x86_stack_probe(c, sp, size); /* the frame's end must be writable (SDM 2A) */
	x86_put(c, 8 * X86_RBP, frame, size);
	x86_set_sp(c, sp);
	return NEXT(op);
}

OP(leave)
{
	uint64_t sp = c->r[X86_RBP], v;

	if (!x86_code64(c))
		sp = x86_sp_wrap(c, sp);
	v = x86_stack_load(c, sp, op->size);
	x86_set_sp(c, sp + op->size);
	x86_put(c, 8 * X86_RBP, v, op->size);
	return NEXT(op);
}

/* --- flags --- */

static bool v86_denied(const struct x86_cpu *c)
{
	return c->mode & X86_MODE_VM && (c->rflags & X86_IOPL) != X86_IOPL;
}

OP(pushf)
{
	if (v86_denied(c))
		x86_gp(c, 0);
	x86_push(c, x86_flags(c) & ~(uint64_t)(X86_RF | X86_VM), op->size);
	return NEXT(op);
}

OP(popf)
{
	uint64_t sp = x86_sp(c), v;

	if (v86_denied(c))
		x86_gp(c, 0);
	v = x86_stack_load(c, sp, op->size);
	x86_set_sp(c, sp + op->size);
	x86_load_flags(c, v, op->size);
	return x86_leave(c, op);
}

static bool bind_simple(struct x86_bind *b)
{
	b->op->size = (uint8_t)width(b);
	b->op->flags |= X86_OPF_SS;
	b->op->fn = (x86_fn *)b->row->ptr;
	b->end = b->row->arg;
	return true;
}

static bool bind_enter(struct x86_bind *b)
{
	b->op->size = (uint8_t)width(b);
	b->op->flags |= X86_OPF_SS;
	b->op->imm = b->opnd[0].imm.value.u;
	b->op->s = (uint8_t)b->opnd[1].imm.value.u;
	b->op->fn = enter;
	return true;
}

const struct x86_row x86_rows_stack[] = {
	{ZYDIS_MNEMONIC_PUSH, bind_push},
	{ZYDIS_MNEMONIC_POP, bind_pop},
	{ZYDIS_MNEMONIC_PUSHA, bind_simple, 0, pusha},
	{ZYDIS_MNEMONIC_PUSHAD, bind_simple, 0, pusha},
	{ZYDIS_MNEMONIC_POPA, bind_simple, 0, popa},
	{ZYDIS_MNEMONIC_POPAD, bind_simple, 0, popa},
	{ZYDIS_MNEMONIC_ENTER, bind_enter},
	{ZYDIS_MNEMONIC_LEAVE, bind_simple, 0, leave},
	{ZYDIS_MNEMONIC_PUSHF, bind_simple, 0, pushf},
	{ZYDIS_MNEMONIC_PUSHFD, bind_simple, 0, pushf},
	{ZYDIS_MNEMONIC_PUSHFQ, bind_simple, 0, pushf},
	{ZYDIS_MNEMONIC_POPF, bind_simple, 1, popf},
	{ZYDIS_MNEMONIC_POPFD, bind_simple, 1, popf},
	{ZYDIS_MNEMONIC_POPFQ, bind_simple, 1, popf},
	{ZYDIS_MNEMONIC_INVALID},
};
