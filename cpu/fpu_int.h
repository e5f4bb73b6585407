/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the files of the x87: fpu.c (the quick ways, binding), fpu_native.c (any instruction, on
 * the host), fpu_env.c (control words and images).
 *
 * Invariants: op->imm is the opcode as FOP has it (bits 10:8 of the first byte, 7:0 ModRM), op->d
 * the i of ST(i), op->size the bytes in memory.
 */
#ifndef CPU_FPU_INT_H
#define CPU_FPU_INT_H

#include "cpu/fpu.h"

/* --- fpu_native.c: what these do not know of an instruction, the host does --- */
x86_fn x87_native;       /* registers alone */
x86_fn x87_native_load;  /* op->size bytes are read */
x86_fn x87_native_store; /* op->size bytes are written */
const struct x86_op *x87_native_with(struct x86_cpu *c, const struct x86_op *op, const void *mem);

/* --- fpu_env.c --- */
x86_fn x87_fninit, x87_fnclex, x87_fldcw, x87_fnstcw, x87_fnstsw, x87_fnstsw_ax, x87_fldenv,
	x87_fnstenv, x87_frstor, x87_fnsave, x87_fwait, x87_fnop, x87_fn8087;

/* The last instruction that was not a control one (SDM 1, 8.1.8). */
static inline const struct x86_op *x87_done(struct x86_cpu *c, const struct x86_op *op)
{
	c->fpu.fip = x86_op_rip(c, op);
	c->fpu.fop = (uint16_t)op->imm;
	c->fpu.fcs = c->seg[X86_CS].sel;
	return NEXT(op);
}

/* The same, with an operand in memory. */
static inline const struct x86_op *x87_done_mem(struct x86_cpu *c, const struct x86_op *op)
{
	uint64_t off = x86_ea_off(c, op);

	if (op->flags & (X86_OPF_A16 | X86_OPF_A32))
		off &= op->flags & X86_OPF_A16 ? 0xffff : 0xffffffff;
	c->fpu.fdp = off;
	c->fpu.fds = op->seg < X86_SEGS ? c->seg[op->seg].sel : 0;
	return x87_done(c, op);
}

#endif
