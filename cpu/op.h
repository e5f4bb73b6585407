/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A decoded instruction, and how one is made.
 *
 * Invariants: an op is 32 bytes, read-only while its block lives.  Its function does the
 * instruction and returns the op that follows: NEXT(op), the first op of another block, or NULL
 * after setting c->rip (x86_leave).  It changes no guest state before the last point where it can
 * fault (x86_raise and the functions of cpu/access.h do not return then).  c->op is the op that
 * runs.  A family of instructions exports one table of rows; decode.c fills what is common
 * (operands, lengths), the row's bind() chooses the function.
 */
#ifndef CPU_OP_H
#define CPU_OP_H

#include <Zydis/Zydis.h>

#include "cpu/state.h"

typedef const struct x86_op *x86_fn(struct x86_cpu *c, const struct x86_op *op);

struct x86_op {
	x86_fn *fn;
	union {
		uint64_t imm; /* sign-extended to 64 bits */
		const void *ptr;
	};
	int32_t disp;
	uint8_t base, index; /* slots of x86_cpu.r */
	uint8_t scale;       /* shift */
	uint8_t seg;         /* X86_SEGS: none (64-bit mode, not FS or GS) */
	uint8_t d, s;        /* registers: byte offsets in x86_cpu.r, or vector register numbers */
	uint8_t size;        /* bytes of the operand */
	uint8_t len;         /* bytes of the instruction */
	uint16_t ip;         /* from the block's start to the next instruction */
	uint8_t left;        /* instructions from this one to the block's end, both counted */
	uint8_t flags;
};
_Static_assert(sizeof(struct x86_op) == 32, "two to a cache line");

enum {
	X86_OPF_FAR = 1,      /* a link leaves the page: c->gen[1] */
	X86_OPF_SLOW_EA = 16, /* segment or address size: x86_ea() goes the long way */
	X86_OPF_A16 = 2,
	X86_OPF_A32 = 4,
	X86_OPF_SS = 8, /* through the stack segment: #SS, not #GP */
	X86_OPF_REP = 32,
	X86_OPF_REPNE = 64,
	X86_OPF_CL = 128, /* SHLD, SHRD by CL */
};

/*
 * On to the next instruction of the block.  A tail call, so that each handler predicts its own
 * successors; where the compiler makes it a plain one, a block's length bounds the depth.
 */
#define NEXT(op) ((c->op = (op) + 1)->fn(c, (op) + 1))

/* End the block after (_at: before) this instruction: the dispatcher looks at everything anew. */
static inline const struct x86_op *x86_leave(struct x86_cpu *c, const struct x86_op *op)
{
	c->rip = c->r[X86_R_BLOCK] + op->ip;
	return NULL;
}

static inline uint64_t x86_op_rip(const struct x86_cpu *c, const struct x86_op *op)
{
	return c->r[X86_R_BLOCK] + op->ip - op->len;
}

/* --- binding --- */

struct x86_bind;
struct x86_row {
	ZydisMnemonic mnemonic;
	/* Chooses b->op->fn; false: #UD. */
	bool (*bind)(struct x86_bind *b);
	uint32_t arg; /* the family's own */
	const void *ptr;
};

struct x86_bind {
	const ZydisDecodedInstruction *in;
	const ZydisDecodedOperand *opnd; /* in->operand_count_visible of them are explicit */
	const struct x86_row *row;
	struct x86_op *op; /* to be filled; zeroed but for ip, len */
	unsigned op_n;     /* ops that this instruction takes: 1; a block's end: 2 (links) */
	unsigned mode;     /* X86_MODE_* */
	unsigned page_off; /* of the block's start in its page */
	const struct x86_cpu *cpu; /* its CPUID */
	bool end;                  /* the block ends here */
};

/* What decode.c offers to bind functions. */
/* Address of memory operand n into base, index, scale, disp, seg, flags of the op. */
void x86_bind_mem(struct x86_bind *b, unsigned n);
/* Register operand n: general registers as a byte offset in x86_cpu.r (AH is 1), others a number */
uint8_t x86_bind_reg(struct x86_bind *b, unsigned n);
/* Operand n is memory, whose address is bound (true), or a register, which goes to *reg. */
bool x86_bind_rm(struct x86_bind *b, unsigned n, uint8_t *reg);
bool x86_is_mem(const struct x86_bind *b, unsigned n);
bool x86_is_reg(const struct x86_bind *b, unsigned n);
bool x86_is_imm(const struct x86_bind *b, unsigned n);
unsigned x86_opnd_size(const struct x86_bind *b, unsigned n); /* bytes */
/* 0..3 for 1, 2, 4, 8 bytes. */
static inline unsigned x86_size_index(unsigned size)
{
	return (unsigned)__builtin_ctz(size);
}

/* The families; each table ends with ZYDIS_MNEMONIC_INVALID. */
extern const struct x86_row x86_rows_move[], x86_rows_alu[], x86_rows_shift[], x86_rows_mul[],
	x86_rows_bit[], x86_rows_string[], x86_rows_branch[], x86_rows_stack[], x86_rows_far[],
	x86_rows_control[], x86_rows_system[], x86_rows_io[], x86_rows_fpu[], x86_rows_simd[],
	x86_rows_fxsave[];

#endif
