// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the control side of the x87: control and status words, tags, environments, FNSAVE's images,
 * and when #NM and #MF are due.  Called through the ops that fpu.c binds, by fxsave.c and by the
 * CPU's reset.  Never computes.
 */
#include "cpu/fpu_int.h"

#define CW_INIT 0x037f
#define CW_BITS 0x1f3f /* the others are fixed: bit 6 reads as one */

void x86_fpu_stop(struct x86_cpu *c)
{
	if (c->cr0 & (X86_CR0_EM | X86_CR0_TS))
		x86_raise(c, X86_NM, 0);
	if (c->fpu.fsw & X87_ES)
		x86_raise(c, X86_MF, 0);
}

void x86_fpu_summary(struct x86_fpu *f)
{
	f->fsw &= (uint16_t)~X87_ES;
	if (f->fsw & ~f->fcw & X87_EXCEPTIONS)
		f->fsw |= X87_ES;
}

void x86_fpu_set_cw(struct x86_fpu *f, uint16_t cw)
{
	f->fcw = (cw & CW_BITS) | 0x40;
	x86_fpu_summary(f);
}

void x86_fpu_set_sw(struct x86_fpu *f, uint16_t sw)
{
	f->top = sw >> X87_TOP_SHIFT & 7;
	f->fsw = sw & (X87_EXCEPTIONS | X87_SF | X87_CC);
	x86_fpu_summary(f);
}

uint16_t x86_fpu_sw(const struct x86_cpu *c)
{
	const struct x86_fpu *f = &c->fpu;

	return f->fsw | (uint16_t)(f->top << X87_TOP_SHIFT) | (f->fsw & X87_ES ? X87_B : 0);
}

void x86_fpu_init(struct x86_cpu *c)
{
	struct x86_fpu *f = &c->fpu;

	f->fcw = CW_INIT;
	f->fsw = 0;
	f->top = f->valid = 0;
	f->fop = f->fcs = f->fds = 0;
	f->fip = f->fdp = 0;
}

static unsigned tag_of(const struct x86_fpu *f, unsigned i)
{
	unsigned exp = f->reg[i].exp & 0x7fff;

	if (!(f->valid >> i & 1))
		return 3;
	if (!exp && !f->reg[i].mant)
		return 1;
	return exp == 0 || exp == 0x7fff || !(f->reg[i].mant >> 63) ? 2 : 0;
}

uint16_t x86_fpu_tag_word(const struct x86_cpu *c)
{
	unsigned tw = 0;

	for (unsigned i = 0; i < 8; i++)
		tw |= tag_of(&c->fpu, i) << 2 * i;
	return (uint16_t)tw;
}

static void set_tag_word(struct x86_fpu *f, uint16_t tw)
{
	f->valid = 0;
	for (unsigned i = 0; i < 8; i++)
		if ((tw >> 2 * i & 3) != 3)
			f->valid |= (uint8_t)(1u << i);
}

/* --- instructions on single words --- */

const struct x86_op *x87_fnop(struct x86_cpu *c, const struct x86_op *op)
{
	x86_fpu_wait(c);
	return x87_done(c, op);
}

/* FNENI, FNDISI, FNSETPM of the 8087 and 80287: nothing is done, and nothing is waited for. */
const struct x86_op *x87_fn8087(struct x86_cpu *c, const struct x86_op *op)
{
	x86_fpu_no_wait(c);
	return NEXT(op);
}

/* CR0.EM does not matter, TS only with MP. */
const struct x86_op *x87_fwait(struct x86_cpu *c, const struct x86_op *op)
{
	if ((c->cr0 & (X86_CR0_MP | X86_CR0_TS)) == (X86_CR0_MP | X86_CR0_TS))
		x86_raise(c, X86_NM, 0);
	if (c->fpu.fsw & X87_ES)
		x86_raise(c, X86_MF, 0);
	return NEXT(op);
}

const struct x86_op *x87_fninit(struct x86_cpu *c, const struct x86_op *op)
{
	x86_fpu_no_wait(c);
	x86_fpu_init(c);
	return NEXT(op);
}

const struct x86_op *x87_fnclex(struct x86_cpu *c, const struct x86_op *op)
{
	x86_fpu_no_wait(c);
	c->fpu.fsw &= X87_CC;
	return NEXT(op);
}

const struct x86_op *x87_fldcw(struct x86_cpu *c, const struct x86_op *op)
{
	x86_fpu_wait(c);
	x86_fpu_set_cw(&c->fpu, x86_ld16(c, x86_ea_r(c, op, 2)));
	return NEXT(op);
}

const struct x86_op *x87_fnstcw(struct x86_cpu *c, const struct x86_op *op)
{
	x86_fpu_no_wait(c);
	x86_st16(c, x86_ea_w(c, op, 2), c->fpu.fcw);
	return NEXT(op);
}

const struct x86_op *x87_fnstsw(struct x86_cpu *c, const struct x86_op *op)
{
	x86_fpu_no_wait(c);
	x86_st16(c, x86_ea_w(c, op, 2), x86_fpu_sw(c));
	return NEXT(op);
}

const struct x86_op *x87_fnstsw_ax(struct x86_cpu *c, const struct x86_op *op)
{
	x86_fpu_no_wait(c);
	x86_put(c, X86_RAX * 8, x86_fpu_sw(c), 2);
	return NEXT(op);
}

/* --- environments (SDM 1, figures 8-9 to 8-12): 28 bytes, or 14 --- */

#define ENV32 28u
#define ENV16 14u

/* Where the pointers are: real formats have linear addresses, their upper bits with FOP. */
static void put_env32(const struct x86_cpu *c, uint32_t *e)
{
	const struct x86_fpu *f = &c->fpu;
	uint32_t ip = (uint32_t)f->fip, dp = (uint32_t)f->fdp;

	e[0] = 0xffff0000 | f->fcw;
	e[1] = 0xffff0000 | x86_fpu_sw(c);
	e[2] = 0xffff0000 | x86_fpu_tag_word(c);
	if (x86_real(c)) {
		ip += (uint32_t)f->fcs << 4;
		dp += (uint32_t)f->fds << 4;
		e[3] = 0xffff0000 | ip;
		e[4] = (ip >> 16 << 12) | f->fop;
		e[5] = 0xffff0000 | dp;
		e[6] = dp >> 16 << 12;
		return;
	}
	e[3] = ip;
	e[4] = (uint32_t)f->fop << 16 | f->fcs;
	e[5] = dp;
	e[6] = 0xffff0000 | f->fds;
}

static void put_env16(const struct x86_cpu *c, uint16_t *e)
{
	const struct x86_fpu *f = &c->fpu;
	uint32_t ip = (uint32_t)f->fip, dp = (uint32_t)f->fdp;

	e[0] = f->fcw;
	e[1] = x86_fpu_sw(c);
	e[2] = x86_fpu_tag_word(c);
	if (x86_real(c)) {
		ip += (uint32_t)f->fcs << 4;
		dp += (uint32_t)f->fds << 4;
	}
	e[3] = (uint16_t)ip;
	e[4] = x86_real(c) ? (uint16_t)((ip >> 16 & 15) << 12 | f->fop) : f->fcs;
	e[5] = (uint16_t)dp;
	e[6] = x86_real(c) ? (uint16_t)((dp >> 16 & 15) << 12) : f->fds;
}

static void set_words(struct x86_fpu *f, uint16_t cw, uint16_t sw, uint16_t tw)
{
	x86_fpu_set_sw(f, sw);
	x86_fpu_set_cw(f, cw);
	set_tag_word(f, tw);
}

static void get_env32(struct x86_cpu *c, const uint32_t *e)
{
	struct x86_fpu *f = &c->fpu;

	set_words(f, (uint16_t)e[0], (uint16_t)e[1], (uint16_t)e[2]);
	f->fip = e[3];
	f->fdp = e[5];
	f->fcs = (uint16_t)e[4];
	f->fds = (uint16_t)e[6];
	f->fop = e[4] >> 16 & 0x7ff;
	if (x86_real(c)) {
		f->fip = (e[3] & 0xffff) | (e[4] >> 12 & 0xffff) << 16;
		f->fdp = (e[5] & 0xffff) | (e[6] >> 12 & 0xffff) << 16;
		f->fcs = f->fds = 0;
		f->fop = e[4] & 0x7ff;
	}
}

static void get_env16(struct x86_cpu *c, const uint16_t *e)
{
	struct x86_fpu *f = &c->fpu;

	set_words(f, e[0], e[1], e[2]);
	f->fip = e[3];
	f->fdp = e[5];
	f->fcs = e[4];
	f->fds = e[6];
	f->fop = 0;
	if (x86_real(c)) {
		f->fip |= (uint32_t)(e[4] >> 12) << 16;
		f->fdp |= (uint32_t)(e[6] >> 12) << 16;
		f->fcs = f->fds = 0;
		f->fop = e[4] & 0x7ff;
	}
}

/* An environment, and with it the registers where size says so; returns the environment's size. */
struct frame {
	union {
		uint32_t env32[ENV32 / 4];
		uint16_t env16[ENV16 / 2];
		uint8_t bytes[ENV32 + 80];
	};
};

static unsigned put_env(const struct x86_cpu *c, struct frame *fr, bool wide)
{
	if (wide)
		put_env32(c, fr->env32);
	else
		put_env16(c, fr->env16);
	return wide ? ENV32 : ENV16;
}

static unsigned get_env(struct x86_cpu *c, const struct frame *fr, bool wide)
{
	if (wide)
		get_env32(c, fr->env32);
	else
		get_env16(c, fr->env16);
	return wide ? ENV32 : ENV16;
}

const struct x86_op *x87_fldenv(struct x86_cpu *c, const struct x86_op *op)
{
	struct frame fr;

	x86_fpu_wait(c);
	x86_load_buf(c, x86_ea_r(c, op, op->size), fr.bytes, op->size);
	get_env(c, &fr, op->size == ENV32);
	return NEXT(op);
}

const struct x86_op *x87_fnstenv(struct x86_cpu *c, const struct x86_op *op)
{
	struct frame fr;

	x86_fpu_no_wait(c);
	put_env(c, &fr, op->size == ENV32);
	x86_store_buf(c, x86_ea_w(c, op, op->size), fr.bytes, op->size);
	x86_fpu_set_cw(&c->fpu, c->fpu.fcw | X87_EXCEPTIONS);
	return NEXT(op);
}

const struct x86_op *x87_frstor(struct x86_cpu *c, const struct x86_op *op)
{
	struct x86_fpu *f = &c->fpu;
	struct frame fr;
	unsigned at;

	x86_fpu_wait(c);
	x86_load_buf(c, x86_ea_r(c, op, op->size), fr.bytes, op->size);
	at = get_env(c, &fr, op->size == ENV32 + 80);
	for (unsigned i = 0; i < 8; i++)
		memcpy(f->reg[(f->top + i) & 7].bytes, fr.bytes + at + 10 * i, 10);
	return NEXT(op);
}

const struct x86_op *x87_fnsave(struct x86_cpu *c, const struct x86_op *op)
{
	const struct x86_fpu *f = &c->fpu;
	struct frame fr;
	unsigned at;

	x86_fpu_no_wait(c);
	at = put_env(c, &fr, op->size == ENV32 + 80);
	for (unsigned i = 0; i < 8; i++)
		memcpy(fr.bytes + at + 10 * i, f->reg[(f->top + i) & 7].bytes, 10);
	x86_store_buf(c, x86_ea_w(c, op, op->size), fr.bytes, op->size);
	x86_fpu_init(c);
	return NEXT(op);
}
