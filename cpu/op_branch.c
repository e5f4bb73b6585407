// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns near transfers of control: Jcc, JMP, CALL, RET, LOOP (SDM 1, 5.1.7), and the end of a block.
 * Bound by decode.c, called by blocks.  Far ones are op_far.c's.
 */
#include "cpu/handlers.h"
#include "cpu/stack.h"

/* Where a relative branch leads: rip cut to the operand size, #GP beyond the segment. */
static inline uint64_t target(struct x86_cpu *c, const struct x86_op *op)
{
	uint64_t rip = c->r[X86_R_BLOCK] + op->ip + op->imm;

	if (x86_likely(op->size == 8))
		return rip;
	rip = op->size == 4 ? (uint32_t)rip : (uint16_t)rip;
	if (rip > c->rip_max)
		x86_gp(c, 0);
	return rip;
}

static inline uint64_t behind(const struct x86_cpu *c, const struct x86_op *op)
{
	uint64_t rip = c->r[X86_R_BLOCK] + op->ip;

	return op->size == 8 ? rip : (uint32_t)rip;
}

const struct x86_op *x86_op_fall(struct x86_cpu *c, const struct x86_op *op)
{
	return x86_goto(c, op, 0, c->r[X86_R_BLOCK] + op->ip);
}

#define JCC(cc, cond)                                             \
	OP(j_##cc)                                                \
	{                                                         \
		if (cond)                                         \
			return x86_goto(c, op, 1, target(c, op)); \
		return x86_goto(c, op, 0, behind(c, op));         \
	}
FOR_CONDITIONS(JCC)
static x86_fn *const jcc[16] = CONDITIONS(j);

OP(jmp_rel)
{
	return x86_goto(c, op, 1, target(c, op));
}

OP(call_rel)
{
	uint64_t rip = target(c, op);

	x86_push(c, behind(c, op), op->size);
	return x86_goto(c, op, 1, rip);
}

/* The displacement of a relative branch, and whether a link may lead there for good. */
static void bind_relative(struct x86_bind *b)
{
	struct x86_op *op = b->op;
	int64_t to;

	op->imm = b->opnd[0].imm.value.u;
	op->size = (b->mode & X86_MODE_WIDTH) == 2 ? 8 : b->in->operand_width / 8;
	to = (int64_t)b->page_off + op->ip + (int64_t)op->imm;
	if (to < 0 || to > 0xfff || b->page_off + op->ip > 0xfff || op->size < 4)
		op->flags |= X86_OPF_FAR;
	b->op_n = 2;
	b->end = true;
}

static bool bind_jcc(struct x86_bind *b)
{
	bind_relative(b);
	b->op->fn = jcc[b->in->opcode & 15];
	return true;
}

/* --- LOOP, JrCXZ: the count is as wide as addresses --- */

static uint64_t count(struct x86_cpu *c, const struct x86_op *op, unsigned less)
{
	unsigned size = op->flags & X86_OPF_A16 ? 2 : op->flags & X86_OPF_A32 ? 4 : 8;
	uint64_t n = x86_get(c, 8 * X86_RCX, size) - less;

	if (less)
		x86_put(c, 8 * X86_RCX, n, size);
	return size == 2 ? (uint16_t)n : size == 4 ? (uint32_t)n : n;
}

#define LOOP(name, less, cond)                                    \
	OP(name)                                                  \
	{                                                         \
		uint64_t n = count(c, op, less);                  \
                                                                  \
		if (cond)                                         \
			return x86_goto(c, op, 1, target(c, op)); \
		return x86_goto(c, op, 0, behind(c, op));         \
	}
LOOP(loop, 1, n)
LOOP(loope, 1, n &&x86_zf(c))
LOOP(loopne, 1, n && !x86_zf(c))
LOOP(jrcxz, 0, !n)

static bool bind_loop(struct x86_bind *b)
{
	bind_relative(b);
	if (b->in->address_width == 16)
		b->op->flags |= X86_OPF_A16;
	if (b->in->address_width == 32)
		b->op->flags |= X86_OPF_A32;
	b->op->fn = (x86_fn *)b->row->ptr;
	return true;
}

/* --- computed --- */

static inline const struct x86_op *jump_to(struct x86_cpu *c, const struct x86_op *op, uint64_t rip)
{
	if (x86_code64(c)) {
		if (!x86_likely((uint64_t)((int64_t)(rip << 16) >> 16) == rip))
			x86_gp(c, 0);
		return x86_goto_any(c, rip);
	}
	if (rip > c->seg[X86_CS].limit)
		x86_gp(c, 0);
	c->rip = rip;
	return NULL;
}

static inline uint64_t operand(struct x86_cpu *c, const struct x86_op *op)
{
	return op->imm ? x86_load(c, x86_ea_r(c, op, op->size), op->size)
		       : x86_get(c, op->s, op->size);
}

OP(jmp_any)
{
	return jump_to(c, op, operand(c, op));
}

OP(call_any)
{
	uint64_t rip = operand(c, op);

	if (x86_code64(c) ? (uint64_t)((int64_t)(rip << 16) >> 16) != rip : rip > c->rip_max) {
		x86_stack_probe(c, x86_sp(c) - op->size, op->size); /* the stack's fault is first */
		x86_gp(c, 0);
	}
	x86_push(c, behind(c, op), op->size);
	return jump_to(c, op, rip);
}

/* imm: bytes of arguments to drop */
OP(ret_near)
{
	uint64_t sp = x86_sp(c), rip = x86_stack_load(c, sp, op->size);

	if (x86_code64(c) && (uint64_t)((int64_t)(rip << 16) >> 16) != rip)
		x86_gp(c, 0);
	x86_set_sp(c, sp + op->size + op->imm);
	return jump_to(c, op, rip);
}

static bool is_far(const struct x86_bind *b)
{
	return b->in->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
}

static bool bind_jump(struct x86_bind *b)
{
	bool call = b->row->arg;

	if (is_far(b))
		return x86_bind_far(b);
	if (x86_is_imm(b, 0)) {
		bind_relative(b);
		b->op->fn = call ? call_rel : jmp_rel;
		b->op->flags |= X86_OPF_SS;
		return true;
	}
	b->op->size = (uint8_t)x86_opnd_size(b, 0);
	b->op->imm = x86_bind_rm(b, 0, &b->op->s);
	if (!b->op->imm)
		b->op->flags |= X86_OPF_SS;
	b->op->fn = call ? call_any : jmp_any;
	b->end = true;
	return true;
}

static bool bind_ret(struct x86_bind *b)
{
	if (is_far(b))
		return x86_bind_far(b);
	b->op->size = (b->mode & X86_MODE_WIDTH) == 2 ? 8 : b->in->operand_width / 8;
	if (x86_is_imm(b, 0))
		b->op->imm = b->opnd[0].imm.value.u & 0xffff;
	b->op->flags |= X86_OPF_SS;
	b->op->fn = ret_near;
	b->end = true;
	return true;
}

#define ROW_J(cc)                              \
	{                                      \
		ZYDIS_MNEMONIC_J##cc, bind_jcc \
	}

const struct x86_row x86_rows_branch[] = {
	ROW_J(O),
	ROW_J(NO),
	ROW_J(B),
	ROW_J(NB),
	ROW_J(Z),
	ROW_J(NZ),
	ROW_J(BE),
	ROW_J(NBE),
	ROW_J(S),
	ROW_J(NS),
	ROW_J(P),
	ROW_J(NP),
	ROW_J(L),
	ROW_J(NL),
	ROW_J(LE),
	ROW_J(NLE),
	{ZYDIS_MNEMONIC_JCXZ, bind_loop, 0, jrcxz},
	{ZYDIS_MNEMONIC_JECXZ, bind_loop, 0, jrcxz},
	{ZYDIS_MNEMONIC_JRCXZ, bind_loop, 0, jrcxz},
	{ZYDIS_MNEMONIC_LOOP, bind_loop, 0, loop},
	{ZYDIS_MNEMONIC_LOOPE, bind_loop, 0, loope},
	{ZYDIS_MNEMONIC_LOOPNE, bind_loop, 0, loopne},
	{ZYDIS_MNEMONIC_JMP, bind_jump, 0},
	{ZYDIS_MNEMONIC_CALL, bind_jump, 1},
	{ZYDIS_MNEMONIC_RET, bind_ret},
	{ZYDIS_MNEMONIC_INVALID},
};
