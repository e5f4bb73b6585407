/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stack as instructions use it (SDM 1, 6.2).
 *
 * Invariants: rSP is written after the last access that can fault; in 64-bit mode it is RSP,
 * elsewhere ESP or SP as SS.B says, whose other bits stay.
 */
#ifndef CPU_STACK_H
#define CPU_STACK_H

#include "cpu/handlers.h"

static inline uint64_t x86_sp(const struct x86_cpu *c)
{
	if (x86_code64(c))
		return c->r[X86_RSP];
	return c->mode & X86_MODE_SS32 ? (uint32_t)c->r[X86_RSP] : (uint16_t)c->r[X86_RSP];
}

static inline void x86_set_sp(struct x86_cpu *c, uint64_t sp)
{
	if (x86_likely(x86_code64(c)))
		c->r[X86_RSP] = sp;
	else
		x86_put(c, 8 * X86_RSP, sp, c->mode & X86_MODE_SS32 ? 4 : 2);
}

static inline uint64_t x86_sp_wrap(const struct x86_cpu *c, uint64_t sp)
{
	return c->mode & X86_MODE_SS32 ? (uint32_t)sp : (uint16_t)sp;
}

static inline __attribute__((always_inline)) uint64_t x86_stack_load(struct x86_cpu *c, uint64_t sp,
								     unsigned size)
{
	if (!x86_likely(x86_code64(c)))
		sp = x86_seg_lin(c, X86_SS, x86_sp_wrap(c, sp), size, false);
	return x86_load(c, sp, size);
}

static inline __attribute__((always_inline)) void x86_stack_store(struct x86_cpu *c, uint64_t sp,
								  uint64_t v, unsigned size)
{
	if (!x86_likely(x86_code64(c)))
		sp = x86_seg_lin(c, X86_SS, x86_sp_wrap(c, sp), size, true);
	x86_store(c, sp, v, size);
}

/* Faults as a write would. */
static inline void x86_stack_probe(struct x86_cpu *c, uint64_t sp, unsigned size)
{
	if (!x86_likely(x86_code64(c)))
		sp = x86_seg_lin(c, X86_SS, x86_sp_wrap(c, sp), size, true);
	x86_probe_write(c, sp, size);
}

static inline __attribute__((always_inline)) void x86_push(struct x86_cpu *c, uint64_t v,
							   unsigned size)
{
	uint64_t sp = x86_sp(c) - size;

	x86_stack_store(c, sp, v, size);
	x86_set_sp(c, sp);
}

/* Far CALL, JMP, RET (op_far.c). */
bool x86_bind_far(struct x86_bind *b);

#endif
