// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns port I/O: IN, OUT, INS, OUTS and the permission to do it (SDM 1, chapter 19).  Bound by
 * decode.c, called by blocks.
 */
#include "cpu/seg.h"
#include "cpu/stack.h"

/* The bit map in the task state (SDM 1, 19.5.2). */
static void permit(struct x86_cpu *c, uint16_t port, unsigned size)
{
	uint64_t map, bits;

	if (!(c->cr0 & X86_CR0_PE) || (!(c->mode & X86_MODE_VM) && c->cpl <= (c->rflags >> 12 & 3)))
		return;
	if (!(c->tr.attrs & 8) || c->tr.limit < 0x67)
		x86_gp(c, 0);
	map = x86_load_sys(c, c->tr.base + 0x66, 2) + port / 8;
	if (map + 1 > c->tr.limit)
		x86_gp(c, 0);
	bits = x86_load_sys(c, c->tr.base + map, 2) >> (port & 7);
	if (bits & ((1u << size) - 1))
		x86_gp(c, 0);
}

static uint64_t in(struct x86_cpu *c, uint16_t port, unsigned size)
{
	uint64_t v;

	x86_outside(c);
	v = aspace_read(c->set->conf.io, port, size);
	x86_inside(c, false);
	return v;
}

static void out(struct x86_cpu *c, uint16_t port, uint64_t v, unsigned size)
{
	x86_outside(c);
	aspace_write(c->set->conf.io, port, v, size);
	x86_inside(c, true);
}

static uint16_t port_of(const struct x86_cpu *c, const struct x86_op *op)
{
	return op->s ? (uint16_t)c->r[X86_RDX] : (uint8_t)op->imm;
}

OP(in_op)
{
	uint16_t port = port_of(c, op);

	permit(c, port, op->size);
	x86_put(c, 8 * X86_RAX, in(c, port, op->size), op->size);
	return NEXT(op);
}

OP(out_op)
{
	uint16_t port = port_of(c, op);

	permit(c, port, op->size);
	out(c, port, x86_get(c, 8 * X86_RAX, op->size), op->size);
	return x86_leave(c, op); /* it may have reset, or stopped, the machine */
}

static bool bind_io(struct x86_bind *b)
{
	bool write = b->row->arg;
	unsigned port = !write;

	b->op->s = x86_is_reg(b, port);
	if (!b->op->s)
		b->op->imm = b->opnd[port].imm.value.u;
	b->op->size = (uint8_t)x86_opnd_size(b, write);
	b->op->fn = write ? out_op : in_op;
	b->end = write;
	return true;
}

/* --- strings: one element at a time, and then a look around --- */

static uint64_t offset(const struct x86_cpu *c, const struct x86_op *op, unsigned reg)
{
	uint64_t v = c->r[reg];

	return op->flags & X86_OPF_A16 ? (uint16_t)v : op->flags & X86_OPF_A32 ? (uint32_t)v : v;
}

static void set_offset(struct x86_cpu *c, const struct x86_op *op, unsigned reg, uint64_t v)
{
	x86_put(c, 8 * reg, v, op->flags & X86_OPF_A16 ? 2 : op->flags & X86_OPF_A32 ? 4 : 8);
}

static void ins(struct x86_cpu *c, const struct x86_op *op)
{
	uint64_t lin = x86_seg_lin(c, X86_ES, offset(c, op, X86_RDI), op->size, true);

	x86_probe_write(c, lin, op->size);
	x86_store(c, lin, in(c, (uint16_t)c->r[X86_RDX], op->size), op->size);
	set_offset(c, op, X86_RDI,
		   c->r[X86_RDI] + (c->rflags & X86_DF ? -(uint64_t)op->size : op->size));
}

static void outs(struct x86_cpu *c, const struct x86_op *op)
{
	uint64_t lin = x86_seg_lin(c, op->seg, offset(c, op, X86_RSI), op->size, false);

	out(c, (uint16_t)c->r[X86_RDX], x86_load(c, lin, op->size), op->size);
	set_offset(c, op, X86_RSI,
		   c->r[X86_RSI] + (c->rflags & X86_DF ? -(uint64_t)op->size : op->size));
}

static const struct x86_op *repeat(struct x86_cpu *c, const struct x86_op *op,
				   void (*one)(struct x86_cpu *c, const struct x86_op *op))
{
	uint64_t n;

	permit(c, (uint16_t)c->r[X86_RDX], op->size);
	if (!(op->flags & (X86_OPF_REP | X86_OPF_REPNE))) {
		one(c, op);
		return x86_leave(c, op);
	}
	n = offset(c, op, X86_RCX);
	if (!n)
		return x86_leave(c, op);
	one(c, op);
	set_offset(c, op, X86_RCX, n - 1);
	if (n == 1)
		return x86_leave(c, op);
	c->rip = x86_op_rip(c, op);
	return NULL;
}

OP(rep_ins)
{
	return repeat(c, op, ins);
}

OP(rep_outs)
{
	return repeat(c, op, outs);
}

static bool bind_string_io(struct x86_bind *b)
{
	b->end = true;
	return x86_bind_string(b);
}

const struct x86_row x86_rows_io[] = {
	{ZYDIS_MNEMONIC_IN, bind_io, 0},
	{ZYDIS_MNEMONIC_OUT, bind_io, 1},
	{ZYDIS_MNEMONIC_INSB, bind_string_io, 1, rep_ins},
	{ZYDIS_MNEMONIC_INSW, bind_string_io, 2, rep_ins},
	{ZYDIS_MNEMONIC_INSD, bind_string_io, 4, rep_ins},
	{ZYDIS_MNEMONIC_OUTSB, bind_string_io, 1, rep_outs},
	{ZYDIS_MNEMONIC_OUTSW, bind_string_io, 2, rep_outs},
	{ZYDIS_MNEMONIC_OUTSD, bind_string_io, 4, rep_outs},
	{ZYDIS_MNEMONIC_INVALID},
};
