/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the families of integer instructions are written: one function for each width and form, made
 * by macros, chosen once when a block is made.  For cpu/op_*.c.
 */
#ifndef CPU_HANDLERS_H
#define CPU_HANDLERS_H

#include "cpu/access.h"
#include "cpu/flags.h"
#include "cpu/set.h"

#define OP(name) static const struct x86_op *name(struct x86_cpu *c, const struct x86_op *op)

#define FOR_SIZES(M) M(8) M(16) M(32) M(64)
#define SIZES(name)                                       \
	{                                                 \
		name##_8, name##_16, name##_32, name##_64 \
	}

/* The conditions of Jcc, SETcc, CMOVcc in the order of their numbers (SDM 1, appendix B). */
#define FOR_CONDITIONS(M)                          \
	M(o, x86_of(c))                            \
	M(no, !x86_of(c))                          \
	M(b, x86_cf(c))                            \
	M(nb, !x86_cf(c))                          \
	M(z, x86_zf(c))                            \
	M(nz, !x86_zf(c))                          \
	M(be, x86_cf(c) || x86_zf(c))              \
	M(nbe, !(x86_cf(c) || x86_zf(c)))          \
	M(s, x86_sf(c))                            \
	M(ns, !x86_sf(c))                          \
	M(p, x86_pf(c))                            \
	M(np, !x86_pf(c))                          \
	M(l, x86_sf(c) != x86_of(c))               \
	M(nl, x86_sf(c) == x86_of(c))              \
	M(le, x86_zf(c) || x86_sf(c) != x86_of(c)) \
	M(nle, !(x86_zf(c) || x86_sf(c) != x86_of(c)))
#define CONDITIONS(name)                                                                           \
	{                                                                                          \
		name##_o, name##_no, name##_b, name##_nb, name##_z, name##_nz, name##_be,          \
			name##_nbe, name##_s, name##_ns, name##_p, name##_np, name##_l, name##_nl, \
			name##_le, name##_nle                                                      \
	}

/* MOV to and from segment, control and debug registers (op_far.c, op_system.c). */
bool x86_bind_mov_special(struct x86_bind *b);
bool x86_bind_mov_control(struct x86_bind *b);
/* A string instruction: fn and element size from the row. */
bool x86_bind_string(struct x86_bind *b);

/* The end of a block that ran into nothing else: on to the next one (op_branch.c). */
x86_fn x86_op_fall;

/* --- going on in another block (exec.h has how) --- */

static inline struct x86_link *x86_links(const struct x86_op *op)
{
	return (struct x86_link *)(uintptr_t)(op + 1);
}

static inline const struct x86_op *x86_enter(struct x86_cpu *c, struct x86_block *b, uint64_t rip)
{
	c->r[X86_R_BLOCK] = rip;
	c->icount += b->n;
	return b->ops;
}

/*
 * What a link must bear to lead to rip: out of the page, this mapping, this mode and this linear
 * address, for the block may be mapped at several.
 */
static inline uint64_t x86_link_key(const struct x86_cpu *c, bool far, uint64_t rip)
{
	return far ? c->gen[1] + (rip >> 12) * 0x9e3779b97f4a7c15 : c->gen[0];
}

/* To rip through link `way`, which stands behind the op.  The block has op_n = 2. */
static inline const struct x86_op *x86_goto(struct x86_cpu *c, const struct x86_op *op, int way,
					    uint64_t rip)
{
	struct x86_link *l = &x86_links(op)[way];

	if (x86_likely(l->gen == x86_link_key(c, op->flags & X86_OPF_FAR, rip) &&
		       c->icount < __atomic_load_n(&c->limit, __ATOMIC_RELAXED))) {
		c->via = l;
		return x86_enter(c, l->to, rip);
	}
	c->rip = rip;
	c->want = l;
	c->want_far = op->flags & X86_OPF_FAR;
	return NULL;
}

static inline unsigned x86_jump_slot(uint64_t lin)
{
	return (unsigned)(lin ^ lin >> 12) & (X86_JUMPS - 1);
}

/* To a computed rip. */
static inline const struct x86_op *x86_goto_any(struct x86_cpu *c, uint64_t rip)
{
	const struct x86_jump *j = &c->jump[x86_jump_slot(rip)];

	if (x86_likely(j->lin == rip && j->gen == c->gen[1] &&
		       c->icount < __atomic_load_n(&c->limit, __ATOMIC_RELAXED))) {
		c->via = NULL;
		return x86_enter(c, j->to, rip);
	}
	c->rip = rip;
	return NULL;
}

#endif
