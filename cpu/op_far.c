// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns far transfers (SDM 3A, 5.8), the instructions that load segment registers and those that ask
 * about descriptors.  Bound by decode.c, called by blocks.
 */
#include "cpu/seg.h"
#include "cpu/stack.h"

static bool canonical(uint64_t v)
{
	return (uint64_t)((int64_t)(v << 16) >> 16) == v;
}

/* --- where to --- */

static void offset_check(struct x86_cpu *c, const struct x86_desc *d, uint64_t rip)
{
	bool to64 = x86_long(c) && d->seg.attrs & X86_ATTR_L;

	if (to64 ? !canonical(rip) : rip > d->seg.limit)
		x86_gp(c, 0);
}

static void code_present(struct x86_cpu *c, const struct x86_desc *d, uint16_t sel)
{
	if (!(d->seg.attrs & X86_ATTR_P))
		x86_raise(c, X86_NP, sel & 0xfffc);
	if (x86_long(c) && d->seg.attrs & X86_ATTR_L && d->seg.attrs & X86_ATTR_DB)
		x86_gp(c, sel & 0xfffc);
}

/* A code segment named directly: same level. */
static void direct_check(struct x86_cpu *c, const struct x86_desc *d, uint16_t sel)
{
	unsigned dpl = x86_dpl(&d->seg);

	if (d->seg.attrs & X86_ATTR_DC ? dpl > c->cpl : (sel & 3u) > c->cpl || dpl != c->cpl)
		x86_gp(c, sel & 0xfffc);
	code_present(c, d, sel);
}

struct call_gate {
	uint16_t sel;
	uint64_t offset;
	unsigned params, size;
	struct x86_desc cs;
};

static void gate_check(struct x86_cpu *c, const struct x86_desc *d, uint16_t sel,
		       struct call_gate *g)
{
	unsigned dpl = x86_dpl(&d->seg), type = d->seg.attrs & 15;
	uint32_t a;

	if (dpl < c->cpl || dpl < (sel & 3u))
		x86_gp(c, sel & 0xfffc);
	if (!(d->seg.attrs & X86_ATTR_P))
		x86_raise(c, X86_NP, sel & 0xfffc);
	g->sel = (uint16_t)(d->raw >> 16);
	g->offset = (d->raw & 0xffff) | (d->raw >> 32 & 0xffff0000);
	g->params = d->raw >> 32 & 31;
	g->size = type == X86_SYS_CALL16 ? 2 : 4;
	if (g->size == 2)
		g->offset &= 0xffff;
	if (x86_long(c)) {
		g->offset |= d->high << 32;
		g->size = 8;
		g->params = 0;
	}
	if (!(g->sel & 0xfffc))
		x86_gp(c, 0);
	x86_desc_need(c, g->sel, X86_GP, &g->cs);
	a = g->cs.seg.attrs;
	if (!(a & X86_ATTR_S) || !(a & X86_ATTR_CODE) || x86_dpl(&g->cs.seg) > c->cpl ||
	    (x86_long(c) && !(a & X86_ATTR_L)))
		x86_gp(c, g->sel & 0xfffc);
	code_present(c, &g->cs, g->sel);
}

/* --- CALL through a gate to an inner level --- */

static void inner_call(struct x86_cpu *c, const struct x86_op *op, struct call_gate *g)
{
	unsigned cpl = x86_dpl(&g->cs.seg), size = g->size;
	uint64_t old_sp = x86_sp(c), sp, param[32];
	uint16_t old_ss = c->seg[X86_SS].sel, sel;
	struct x86_desc ss = {.seg = {.attrs = X86_ATTR_UNUSABLE}};
	uint64_t base = 0, at;

	x86_tss_stack(c, cpl, &sel, &sp);
	if (x86_long(c)) {
		ss.seg.sel = (uint16_t)cpl;
	} else {
		x86_ss_check(c, sel, cpl, X86_TS, &ss);
		base = ss.seg.base;
	}
	for (unsigned i = 0; i < g->params; i++)
		param[i] = x86_stack_load(c, old_sp + i * size, size);
	at = sp - (4 + g->params) * size;
	x86_store_sys(c, base + at, c->r[X86_R_BLOCK] + op->ip, size);
	x86_store_sys(c, base + at + size, c->seg[X86_CS].sel, size);
	for (unsigned i = 0; i < g->params; i++)
		x86_store_sys(c, base + at + (2 + i) * size, param[i], size);
	x86_store_sys(c, base + at + (2 + g->params) * size, old_sp, size);
	x86_store_sys(c, base + at + (3 + g->params) * size, old_ss, size);
	c->seg[X86_SS] = ss.seg;
	x86_cs_set(c, g->sel, &g->cs, cpl);
	x86_set_sp(c, at);
}

static const struct x86_op *through_gate(struct x86_cpu *c, const struct x86_op *op,
					 struct call_gate *g, bool call)
{
	unsigned dpl = x86_dpl(&g->cs.seg);
	bool inner = !(g->cs.seg.attrs & X86_ATTR_DC) && dpl < c->cpl;

	if (!call && inner)
		x86_gp(c, g->sel & 0xfffc);
	offset_check(c, &g->cs, g->offset);
	if (inner) {
		inner_call(c, op, g);
	} else {
		if (call) {
			uint64_t sp = x86_sp(c);

			x86_stack_store(c, sp - g->size, c->seg[X86_CS].sel, g->size);
			x86_stack_store(c, sp - 2 * g->size, c->r[X86_R_BLOCK] + op->ip, g->size);
			x86_set_sp(c, sp - 2 * g->size);
		}
		x86_cs_set(c, g->sel, &g->cs, c->cpl);
	}
	c->rip = g->offset;
	return NULL;
}

/* --- JMP and CALL ptr16:n, m16:n --- */

static void push_return(struct x86_cpu *c, const struct x86_op *op)
{
	uint64_t sp = x86_sp(c);

	x86_stack_store(c, sp - op->size, c->seg[X86_CS].sel, op->size);
	x86_stack_store(c, sp - 2 * op->size, c->r[X86_R_BLOCK] + op->ip, op->size);
	x86_set_sp(c, sp - 2 * op->size);
}

static const struct x86_op *far_to(struct x86_cpu *c, const struct x86_op *op, uint16_t sel,
				   uint64_t rip, bool call)
{
	struct call_gate g;
	struct x86_desc d;

	if (x86_real(c)) {
		if (rip > 0xffff && !(c->mode & X86_MODE_WIDTH))
			x86_gp(c, 0);
		if (call)
			push_return(c, op);
		x86_seg_real(c, X86_CS, sel);
		c->rip = rip;
		x86_mode_update(c);
		return NULL;
	}
	if (!(sel & 0xfffc))
		x86_gp(c, 0);
	x86_desc_need(c, sel, X86_GP, &d);
	if (d.seg.attrs & X86_ATTR_S) {
		if (!(d.seg.attrs & X86_ATTR_CODE))
			x86_gp(c, sel & 0xfffc);
		direct_check(c, &d, sel);
		offset_check(c, &d, rip);
		if (call)
			push_return(c, op);
		x86_cs_set(c, sel, &d, c->cpl);
		c->rip = rip;
		return NULL;
	}
	switch (d.seg.attrs & 15) {
	case X86_SYS_CALL16:
		if (x86_long(c))
			break;
		/* fall through */
	case X86_SYS_CALL:
		gate_check(c, &d, sel, &g);
		return through_gate(c, op, &g, call);
	case X86_SYS_TASK_GATE:
	case X86_SYS_TSS16:
	case X86_SYS_TSS:
		if (x86_long(c) || x86_dpl(&d.seg) < c->cpl || x86_dpl(&d.seg) < (sel & 3u))
			break;
		if ((d.seg.attrs & 15) == X86_SYS_TASK_GATE)
			sel = (uint16_t)(d.raw >> 16);
		c->rip = c->r[X86_R_BLOCK] + op->ip;
		x86_task_switch(c, sel, call ? X86_TASK_CALL : X86_TASK_JUMP, false, 0);
		return NULL;
	}
	x86_gp(c, sel & 0xfffc);
}

OP(far_direct)
{
	return far_to(c, op, (uint16_t)(op->imm >> 32), (uint32_t)op->imm, op->s);
}

OP(far_memory)
{
	uint64_t lin = x86_ea_r(c, op, op->size + 2u), rip = x86_load(c, lin, op->size);

	return far_to(c, op, x86_ld16(c, lin + op->size), rip, op->s);
}

/* --- RET far --- */

OP(ret_far)
{
	uint64_t sp = x86_sp(c), rip = x86_stack_load(c, sp, op->size), rsp;
	uint16_t sel = (uint16_t)x86_stack_load(c, sp + op->size, op->size), ss;
	struct x86_desc d;
	unsigned rpl = sel & 3;

	sp += 2 * op->size + op->imm;
	if (x86_real(c)) {
		x86_set_sp(c, sp);
		x86_seg_real(c, X86_CS, sel);
		c->rip = rip;
		x86_mode_update(c);
		return NULL;
	}
	x86_return_segment(c, sel, &d);
	offset_check(c, &d, rip);
	if (rpl == c->cpl) {
		x86_set_sp(c, sp);
		x86_cs_set(c, sel, &d, rpl);
		c->rip = rip;
		return NULL;
	}
	rsp = x86_stack_load(c, sp, op->size);
	ss = (uint16_t)x86_stack_load(c, sp + op->size, op->size);
	x86_return_stack(c, ss, rpl, x86_long(c) && d.seg.attrs & X86_ATTR_L);
	x86_cs_set(c, sel, &d, rpl);
	c->rip = rip;
	x86_set_sp(c, rsp + op->imm);
	x86_segs_outer(c);
	x86_mode_update(c);
	return NULL;
}

bool x86_bind_far(struct x86_bind *b)
{
	struct x86_op *op = b->op;

	op->size = b->in->operand_width / 8;
	b->end = true;
	if (b->in->mnemonic == ZYDIS_MNEMONIC_RET) {
		if (x86_is_imm(b, 0))
			op->imm = b->opnd[0].imm.value.u & 0xffff;
		op->fn = ret_far;
		return true;
	}
	op->s = b->in->mnemonic == ZYDIS_MNEMONIC_CALL;
	if (b->opnd[0].type == ZYDIS_OPERAND_TYPE_POINTER) {
		op->imm = (uint64_t)b->opnd[0].ptr.segment << 32 | b->opnd[0].ptr.offset;
		op->fn = far_direct;
		return true;
	}
	x86_bind_mem(b, 0);
	op->fn = far_memory;
	return true;
}

/* --- MOV Sreg, LDS ... --- */

OP(mov_to_seg)
{
	uint16_t sel = (uint16_t)(op->imm ? x86_ld16(c, x86_ea_r(c, op, 2)) : x86_get(c, op->s, 2));

	x86_seg_load(c, op->d, sel);
	if (op->d == X86_SS)
		c->shadow = X86_SHADOW_SS; /* until after the next instruction (SDM 3A, 6.8.3) */
	return x86_leave(c, op);
}

OP(mov_from_seg)
{
	if (op->imm)
		x86_st16(c, x86_ea_w(c, op, 2), c->seg[op->s].sel);
	else
		x86_put(c, op->d, c->seg[op->s].sel, op->size);
	return NEXT(op);
}

OP(load_far_pointer)
{
	uint64_t lin = x86_ea_r(c, op, op->size + 2u), v = x86_load(c, lin, op->size);

	x86_seg_load(c, op->s, x86_ld16(c, lin + op->size));
	x86_put(c, op->d, v, op->size);
	if (op->s == X86_SS)
		c->shadow = X86_SHADOW_SS;
	return x86_leave(c, op);
}

static bool is_class(const struct x86_bind *b, unsigned n, ZydisRegisterClass class)
{
	return x86_is_reg(b, n) && ZydisRegisterGetClass(b->opnd[n].reg.value) == class;
}

bool x86_bind_mov_special(struct x86_bind *b)
{
	struct x86_op *op = b->op;
	bool to = is_class(b, 0, ZYDIS_REGCLASS_SEGMENT);
	unsigned other = to;

	if (!to && !is_class(b, 1, ZYDIS_REGCLASS_SEGMENT))
		return x86_bind_mov_control(b);
	op->imm = x86_is_mem(b, other);
	if (op->imm)
		x86_bind_mem(b, other);
	if (to) {
		op->d = x86_bind_reg(b, 0);
		if (op->d == X86_CS || op->d >= X86_SEGS)
			return false;
		if (!op->imm)
			op->s = x86_bind_reg(b, 1);
		op->fn = mov_to_seg;
		b->end = true;
		return true;
	}
	op->s = x86_bind_reg(b, 1);
	if (op->s >= X86_SEGS)
		return false;
	if (!op->imm)
		op->d = x86_bind_reg(b, 0);
	op->size = (uint8_t)x86_opnd_size(b, 0);
	op->fn = mov_from_seg;
	return true;
}

static bool bind_far_pointer(struct x86_bind *b)
{
	b->op->s = (uint8_t)b->row->arg;
	b->op->d = x86_bind_reg(b, 0);
	b->op->size = (uint8_t)x86_opnd_size(b, 0);
	x86_bind_mem(b, 1);
	b->op->fn = load_far_pointer;
	b->end = true;
	return true;
}

/* --- questions about descriptors (SDM 3A, 5.10) --- */

static void need_protected(struct x86_cpu *c)
{
	if (x86_real(c))
		x86_ud(c);
}

static uint16_t selector(struct x86_cpu *c, const struct x86_op *op)
{
	return (uint16_t)(op->imm ? x86_ld16(c, x86_ea_r(c, op, 2)) : x86_get(c, op->s, 2));
}

static const struct x86_op *answer(struct x86_cpu *c, const struct x86_op *op, bool yes)
{
	x86_set_arith(c, (x86_arith(c) & ~X86_ZF) | (yes ? X86_ZF : 0));
	return NEXT(op);
}

/* May the program see this segment at all? */
static bool visible(struct x86_cpu *c, uint16_t sel, struct x86_desc *d)
{
	const uint32_t conforming = X86_ATTR_S | X86_ATTR_CODE | X86_ATTR_DC;

	if (!(sel & 0xfffc) || !x86_desc_read(c, sel, d))
		return false;
	if ((d->seg.attrs & conforming) == conforming)
		return true;
	return x86_dpl(&d->seg) >= c->cpl && x86_dpl(&d->seg) >= (sel & 3u);
}

/* Bit n: LAR (LSL) knows system descriptors of type n. */
static bool known_system(const struct x86_cpu *c, const struct x86_desc *d, bool limit)
{
	unsigned mask = limit ? 0x0a0e : 0x1a3e;

	if (x86_long(c))
		mask = limit ? 0x0a04 : 0x1a04;
	return d->seg.attrs & X86_ATTR_S || mask >> (d->seg.attrs & 15) & 1;
}

OP(lar)
{
	uint16_t sel;
	struct x86_desc d;
	bool ok;

	need_protected(c);
	sel = selector(c, op);
	ok = visible(c, sel, &d) && known_system(c, &d, false);
	if (ok)
		x86_put(c, op->d, d.raw >> 32 & 0xf0ff00, op->size);
	return answer(c, op, ok);
}

OP(lsl)
{
	uint16_t sel;
	struct x86_desc d;
	bool ok;

	need_protected(c);
	sel = selector(c, op);
	ok = visible(c, sel, &d) && known_system(c, &d, true);
	if (ok)
		x86_put(c, op->d, d.seg.limit, op->size);
	return answer(c, op, ok);
}

OP(verr)
{
	struct x86_desc d;
	uint16_t sel;
	bool ok;

	need_protected(c);
	sel = selector(c, op);
	ok = visible(c, sel, &d) && d.seg.attrs & X86_ATTR_S;
	if (ok && op->size) /* VERW */
		ok = !(d.seg.attrs & X86_ATTR_CODE) && d.seg.attrs & X86_ATTR_RW;
	else if (ok)
		ok = !(d.seg.attrs & X86_ATTR_CODE) || d.seg.attrs & X86_ATTR_RW;
	return answer(c, op, ok);
}

/* Writes where it changes something alone (SDM 2A, ARPL): what can only be read may have it. */
OP(arpl)
{
	uint64_t a, b = x86_get(c, op->s, 2), r;

	need_protected(c);
	a = op->imm ? x86_ld16(c, x86_ea_r(c, op, 2)) : x86_get(c, op->d, 2);
	r = (a & 3) < (b & 3) ? (a & ~(uint64_t)3) | (b & 3) : a;
	if (op->imm && r != a)
		x86_st16(c, x86_ea_w(c, op, 2), (uint16_t)r);
	else if (!op->imm)
		x86_put(c, op->d, r, 2);
	return answer(c, op, r != a);
}

static bool bind_question(struct x86_bind *b)
{
	unsigned n = b->in->operand_count_visible - 1u;

	b->op->imm = x86_bind_rm(b, n, &b->op->s);
	b->op->size = (uint8_t)b->row->arg;
	if (n) {
		b->op->d = x86_bind_reg(b, 0);
		b->op->size = (uint8_t)x86_opnd_size(b, 0);
	}
	b->op->fn = (x86_fn *)b->row->ptr;
	return true;
}

static bool bind_arpl(struct x86_bind *b)
{
	b->op->imm = x86_bind_rm(b, 0, &b->op->d);
	b->op->s = x86_bind_reg(b, 1);
	b->op->fn = arpl;
	return true;
}

const struct x86_row x86_rows_far[] = {
	{ZYDIS_MNEMONIC_LES, bind_far_pointer, X86_ES},
	{ZYDIS_MNEMONIC_LDS, bind_far_pointer, X86_DS},
	{ZYDIS_MNEMONIC_LSS, bind_far_pointer, X86_SS},
	{ZYDIS_MNEMONIC_LFS, bind_far_pointer, X86_FS},
	{ZYDIS_MNEMONIC_LGS, bind_far_pointer, X86_GS},
	{ZYDIS_MNEMONIC_LAR, bind_question, 0, lar},
	{ZYDIS_MNEMONIC_LSL, bind_question, 0, lsl},
	{ZYDIS_MNEMONIC_VERR, bind_question, 0, verr},
	{ZYDIS_MNEMONIC_VERW, bind_question, 1, verr},
	{ZYDIS_MNEMONIC_ARPL, bind_arpl},
	{ZYDIS_MNEMONIC_INVALID},
};
