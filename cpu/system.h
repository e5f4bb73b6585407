/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model-specific registers, time and chance; what instructions of the system have in common.  For
 * cpu/op_control.c and cpu/op_system.c.
 *
 * Invariants: false is #GP; an MSR that CPUID does not promise is not there.
 */
#ifndef CPU_SYSTEM_H
#define CPU_SYSTEM_H

#include "cpu/handlers.h"

bool x86_msr_read(struct x86_cpu *c, uint32_t msr, uint64_t *v);
bool x86_msr_write(struct x86_cpu *c, uint32_t msr, uint64_t v);
void x86_msr_reset(struct x86_cpu *c, bool power_on);
uint64_t x86_tsc(struct x86_cpu *c);
/* From the host's pool; with clock=insn from the CPU's own generator, the same in each run. */
uint64_t x86_random(struct x86_cpu *c);

static inline void x86_need_cpl0(struct x86_cpu *c)
{
	if (c->cpl)
		x86_gp(c, 0);
}

static inline void x86_umip(struct x86_cpu *c)
{
	if (c->cr4 & X86_CR4_UMIP && c->cpl)
		x86_gp(c, 0);
}

/* An operand of 16 bits: in memory, where imm says so, or a register. */
static inline void x86_put16(struct x86_cpu *c, const struct x86_op *op, uint64_t v)
{
	if (op->imm)
		x86_st16(c, x86_ea_w(c, op, 2), (uint16_t)v);
	else
		x86_put(c, op->d, v, op->size);
}

static inline uint16_t x86_get16(struct x86_cpu *c, const struct x86_op *op)
{
	return (uint16_t)(op->imm ? x86_ld16(c, x86_ea_r(c, op, 2)) : x86_get(c, op->d, 2));
}

/* fn from the row, operand size; arg: the block ends. */
bool x86_bind_plain(struct x86_bind *b);
/* ... and an operand for x86_put16(), x86_get16(). */
bool x86_bind_16(struct x86_bind *b);

#endif
