// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns exceptions and interrupts: raising, delivery through IVT and IDT, IRET (SDM 3A, chapter 6).
 * Called by the dispatcher and, to raise, by everything in cpu/; never looks for what comes next.
 */
#include "cpu/seg.h"
#include "cpu/stack.h"

/* --- raising --- */

static bool pushes_error(unsigned vector)
{
	return vector == X86_DFAULT || (vector >= X86_TS && vector <= X86_PAGE) ||
	       vector == X86_ALIGN;
}

void x86_raise(struct x86_cpu *c, unsigned vector, uint32_t error)
{
	if (c->op) {
		c->rip = x86_op_rip(c, c->op);
		c->icount -= c->op->left;
		c->op = NULL;
	}
	c->fault.vector = (uint8_t)vector;
	c->fault.has_error = pushes_error(vector) && !(x86_real(c) && !(c->mode & X86_MODE_VM));
	c->fault.error = error;
	siglongjmp(c->escape, 1);
}

void x86_ud(struct x86_cpu *c)
{
	x86_raise(c, X86_UD, 0);
}

void x86_gp(struct x86_cpu *c, uint32_t error)
{
	x86_raise(c, X86_GP, error);
}

void x86_page_fault(struct x86_cpu *c, uint64_t lin, uint32_t error)
{
	c->cr2 = lin;
	x86_raise(c, X86_PAGE, error);
}

/* --- a stack that is not yet the CPU's --- */

struct stack {
	uint64_t base, sp, mask;
	uint64_t limit; /* of the segment, where it is checked */
	bool user, checked;
};

static void push(struct x86_cpu *c, struct stack *s, uint64_t v, unsigned size)
{
	uint64_t sp = (s->sp - size) & s->mask, lin = s->base + sp;

	if (s->checked && sp + size - 1 > s->limit)
		x86_raise(c, X86_SS_FAULT, 0);
	if (!x86_long(c))
		lin &= 0xffffffff;
	else if ((uint64_t)((int64_t)(lin << 16) >> 16) != lin)
		x86_raise(c, X86_SS_FAULT, 0);
	if (s->user)
		x86_store(c, lin, v, size);
	else
		x86_store_sys(c, lin, v, size);
	s->sp = (s->sp & ~s->mask) | sp;
}

static struct stack stack_of(const struct x86_seg *ss, uint64_t sp, bool user)
{
	bool big = ss->attrs & X86_ATTR_DB;

	return (struct stack){
		.base = ss->base,
		.sp = sp,
		.mask = big ? 0xffffffff : 0xffff,
		.limit = ss->limit,
		.checked = !(ss->attrs & X86_ATTR_DC),
		.user = user,
	};
}

/* --- real mode (SDM 3B, 20.1.4) --- */

static void deliver_real(struct x86_cpu *c, unsigned vector)
{
	struct stack s = stack_of(&c->seg[X86_SS], c->r[X86_RSP], false);
	uint32_t entry;

	if (4 * vector + 3 > c->idt_limit)
		x86_raise(c, X86_GP, 8 * vector + 2);
	entry = (uint32_t)x86_load_sys(c, c->idt_base + 4 * vector, 4);
	s.checked = false;
	push(c, &s, x86_flags(c), 2);
	push(c, &s, c->seg[X86_CS].sel, 2);
	push(c, &s, c->rip, 2);
	x86_set_sp(c, s.sp);
	x86_seg_real(c, X86_CS, (uint16_t)(entry >> 16));
	c->rip = entry & 0xffff;
	c->rflags &= ~(uint64_t)(X86_IF | X86_TF | X86_AC | X86_RF);
	x86_mode_update(c);
}

/* --- gates --- */

struct gate {
	uint64_t offset;
	uint16_t sel;
	unsigned type, dpl, ist;
	bool present;
	uint32_t error; /* code for what is wrong with it */
};

static void gate_read(struct x86_cpu *c, unsigned vector, bool soft, struct gate *g)
{
	unsigned size = x86_long(c) ? 16 : 8;
	uint64_t at = c->idt_base + vector * size, lo;

	g->error = vector * 8 + 2 + !soft;
	if (vector * size + size - 1 > c->idt_limit)
		x86_gp(c, g->error);
	lo = x86_load_sys(c, at, 8);
	g->offset = (lo & 0xffff) | (lo >> 32 & 0xffff0000);
	g->sel = (uint16_t)(lo >> 16);
	g->ist = x86_long(c) ? lo >> 32 & 7 : 0;
	g->type = lo >> 40 & 31;
	g->dpl = lo >> 45 & 3;
	g->present = lo >> 47 & 1;
	if (x86_long(c))
		g->offset |= x86_load_sys(c, at + 8, 4) << 32;
	if (x86_long(c) ? g->type != X86_SYS_INT && g->type != X86_SYS_TRAP
			: g->type != X86_SYS_TASK_GATE && (g->type & ~9u) != 6)
		x86_gp(c, g->error);
	if (soft && g->dpl < c->cpl)
		x86_gp(c, g->error);
	if (!g->present)
		x86_raise(c, X86_NP, g->error);
}

/* The handler's code segment; returns the level at which it runs. */
static unsigned handler_segment(struct x86_cpu *c, const struct gate *g, bool ext,
				struct x86_desc *d)
{
	uint32_t a;

	if (!(g->sel & 0xfffc))
		x86_gp(c, ext);
	if (!x86_desc_read(c, g->sel, d))
		x86_gp(c, (g->sel & 0xfffc) | ext);
	a = d->seg.attrs;
	if (!(a & X86_ATTR_S) || !(a & X86_ATTR_CODE) || x86_dpl(&d->seg) > c->cpl ||
	    (x86_long(c) && (!(a & X86_ATTR_L) || a & X86_ATTR_DB)))
		x86_gp(c, (g->sel & 0xfffc) | ext);
	if (!(a & X86_ATTR_P))
		x86_raise(c, X86_NP, (g->sel & 0xfffc) | ext);
	return a & X86_ATTR_DC ? c->cpl : x86_dpl(&d->seg);
}

static void enter_handler(struct x86_cpu *c, const struct gate *g, struct x86_desc *cs,
			  unsigned cpl)
{
	c->rip = g->offset;
	if (!(g->type & 1)) /* an interrupt gate */
		c->rflags &= ~(uint64_t)X86_IF;
	c->rflags &= ~(uint64_t)(X86_TF | X86_NT | X86_RF | X86_VM);
	x86_cs_set(c, g->sel, cs, cpl);
}

/* --- 64-bit mode (SDM 3A, 6.14) --- */

static uint64_t long_stack(struct x86_cpu *c, const struct gate *g, unsigned cpl)
{
	uint64_t sp = c->r[X86_RSP];
	uint16_t sel;

	if (g->ist) {
		if (0x24 + 8 * g->ist + 7 - 8 > c->tr.limit)
			x86_raise(c, X86_TS, c->tr.sel & 0xfffc);
		sp = x86_load_sys(c, c->tr.base + 0x1c + 8 * g->ist, 8);
	} else if (cpl < c->cpl) {
		x86_tss_stack(c, cpl, &sel, &sp);
	}
	return sp & ~(uint64_t)15;
}

static void deliver_long(struct x86_cpu *c, const struct gate *g, bool ext, bool has_error,
			 uint32_t error, uint64_t flags)
{
	struct stack s = {.mask = ~(uint64_t)0};
	struct x86_desc cs;
	unsigned cpl = handler_segment(c, g, ext, &cs);

	s.sp = long_stack(c, g, cpl);
	s.user = cpl == 3;
	if ((uint64_t)((int64_t)(g->offset << 16) >> 16) != g->offset)
		x86_gp(c, ext);
	push(c, &s, c->seg[X86_SS].sel, 8);
	push(c, &s, c->r[X86_RSP], 8);
	push(c, &s, flags, 8);
	push(c, &s, c->seg[X86_CS].sel, 8);
	push(c, &s, c->rip, 8);
	if (has_error)
		push(c, &s, error, 8);
	if (cpl < c->cpl)
		c->seg[X86_SS] = (struct x86_seg){.sel = (uint16_t)cpl, .attrs = X86_ATTR_UNUSABLE};
	c->r[X86_RSP] = s.sp;
	enter_handler(c, g, &cs, cpl);
}

/* --- protected mode (SDM 3A, 6.12) --- */

static void push_v86_segments(struct x86_cpu *c, struct stack *s, unsigned size)
{
	static const uint8_t order[] = {X86_GS, X86_FS, X86_DS, X86_ES};

	for (int i = 0; i < 4; i++)
		push(c, s, c->seg[order[i]].sel, size);
}

static void deliver_protected(struct x86_cpu *c, const struct gate *g, bool ext, bool has_error,
			      uint32_t error, uint64_t flags)
{
	unsigned size = g->type & 8 ? 4 : 2, cpl;
	bool v86 = c->mode & X86_MODE_VM;
	struct x86_desc cs, ss = {.seg = c->seg[X86_SS]};
	struct stack s;
	uint64_t sp = x86_sp(c);
	uint16_t sel;

	cpl = handler_segment(c, g, ext, &cs);
	if (v86 && cpl)
		x86_gp(c, (g->sel & 0xfffc) | ext);
	if (cpl < c->cpl) {
		x86_tss_stack(c, cpl, &sel, &sp);
		x86_ss_check(c, sel, cpl, X86_TS, &ss);
	}
	s = stack_of(&ss.seg, sp, cpl == 3);
	if (v86)
		push_v86_segments(c, &s, size);
	if (cpl < c->cpl) {
		push(c, &s, c->seg[X86_SS].sel, size);
		push(c, &s, c->r[X86_RSP], size);
	}
	push(c, &s, flags, size);
	push(c, &s, c->seg[X86_CS].sel, size);
	push(c, &s, c->rip, size);
	if (has_error)
		push(c, &s, error, size);
	if (v86)
		for (int i = 0; i < X86_SEGS; i++)
			if (i != X86_CS && i != X86_SS)
				c->seg[i] = (struct x86_seg){.attrs = X86_ATTR_UNUSABLE};
	if (cpl < c->cpl) {
		x86_desc_accessed(c, &ss);
		c->seg[X86_SS] = ss.seg;
	}
	enter_handler(c, g, &cs, cpl);
	x86_set_sp(c, s.sp);
}

void x86_deliver(struct x86_cpu *c, unsigned vector, bool soft, bool has_error, uint32_t error)
{
	uint64_t flags = x86_flags(c);
	struct gate g;

	c->halted = false;
	if (!(c->cr0 & X86_CR0_PE)) {
		deliver_real(c, vector);
		return;
	}
	if (has_error || vector == X86_DE || vector == X86_UD || vector == X86_NM ||
	    vector == X86_MF || vector == X86_XM)
		flags |= soft ? 0 : X86_RF; /* a fault: SDM 3B, 18.3.1.1 */
	gate_read(c, vector, soft, &g);
	if (g.type == X86_SYS_TASK_GATE)
		x86_task_switch(c, g.sel, X86_TASK_CALL, has_error, error);
	else if (x86_long(c))
		deliver_long(c, &g, !soft, has_error, error, flags);
	else
		deliver_protected(c, &g, !soft, has_error, error, flags);
}

/* --- double faults (SDM 3A, table 6-5) --- */

static bool contributory(int v)
{
	return v == X86_DE || (v >= X86_TS && v <= X86_GP);
}

void x86_deliver_fault(struct x86_cpu *c)
{
	int first = c->delivering, v = c->fault.vector;

	if (first == X86_DFAULT) {
		c->shutdown = true;
		return;
	}
	if ((contributory(first) && contributory(v)) ||
	    (first == X86_PAGE && (contributory(v) || v == X86_PAGE))) {
		v = X86_DFAULT;
		c->fault.error = 0;
		c->fault.has_error = c->cr0 & X86_CR0_PE;
	}
	c->icount++; /* so that time goes on whatever happens */
	c->delivering = v;
	x86_deliver(c, (unsigned)v, false, c->fault.has_error, c->fault.error);
	c->delivering = -1;
}

/* --- IRET (SDM 2A) --- */

static void iret_real(struct x86_cpu *c, unsigned size)
{
	uint64_t sp = x86_sp(c), rip = x86_stack_load(c, sp, size);
	uint16_t sel = (uint16_t)x86_stack_load(c, sp + size, size);
	uint64_t flags = x86_stack_load(c, sp + 2 * size, size);
	uint64_t keep = c->mode & X86_MODE_VM ? X86_IOPL | X86_VM : X86_VM;

	if (c->mode & X86_MODE_VM && (c->rflags & X86_IOPL) != X86_IOPL)
		x86_gp(c, 0);
	if (rip > 0xffff)
		x86_gp(c, 0);
	x86_set_sp(c, sp + 3 * size);
	x86_seg_real(c, X86_CS, sel);
	c->rip = rip;
	if (size == 2)
		keep |= ~(uint64_t)0xffff;
	x86_set_flags(c, (x86_flags(c) & keep) | (flags & ~keep));
}

static void iret_to_v86(struct x86_cpu *c, uint64_t rip, uint16_t cs, uint64_t flags, uint64_t sp)
{
	uint64_t esp = x86_stack_load(c, sp, 4);
	uint16_t sel[5]; /* SS, ES, DS, FS, GS */
	static const uint8_t seg[] = {X86_SS, X86_ES, X86_DS, X86_FS, X86_GS};

	for (unsigned i = 0; i < 5; i++)
		sel[i] = (uint16_t)x86_stack_load(c, sp + 4 + 4 * i, 4);
	c->cpl = 3;
	x86_set_flags(c, flags);
	x86_seg_real(c, X86_CS, cs);
	for (int i = 0; i < 5; i++)
		x86_seg_real(c, seg[i], sel[i]);
	c->rip = rip & 0xffff;
	c->r[X86_RSP] = (uint32_t)esp;
	x86_mode_update(c);
}

static void flags_of_iret(struct x86_cpu *c, uint64_t v, unsigned size, unsigned old_cpl)
{
	uint64_t may = X86_ARITH | X86_TF | X86_DF | X86_NT | X86_RF | X86_AC | X86_ID;

	if (old_cpl == 0)
		may |= X86_IOPL;
	if (old_cpl <= (c->rflags >> 12 & 3))
		may |= X86_IF;
	if (size == 2)
		may &= 0xffff;
	x86_set_flags(c, (x86_flags(c) & ~may) | (v & may));
}

static void iret_protected(struct x86_cpu *c, unsigned size)
{
	uint64_t sp = x86_sp(c), rip = x86_stack_load(c, sp, size), flags, rsp = 0;
	uint16_t cs = (uint16_t)x86_stack_load(c, sp + size, size), ss = 0;
	unsigned old = c->cpl, rpl = cs & 3;
	struct x86_desc d;
	bool outer, to64;

	flags = x86_stack_load(c, sp + 2 * size, size);
	if (flags & X86_VM && c->cpl == 0 && size == 4 && !x86_long(c)) {
		iret_to_v86(c, rip, cs, flags, sp + 12);
		return;
	}
	x86_return_segment(c, cs, &d);
	to64 = x86_long(c) && d.seg.attrs & X86_ATTR_L;
	outer = rpl > old || x86_code64(c);
	if (outer) {
		rsp = x86_stack_load(c, sp + 3 * size, size);
		ss = (uint16_t)x86_stack_load(c, sp + 4 * size, size);
	}
	if (to64 ? (uint64_t)((int64_t)(rip << 16) >> 16) != rip : rip > d.seg.limit)
		x86_gp(c, 0);
	if (outer)
		x86_return_stack(c, ss, rpl, to64);
	else
		x86_set_sp(c, sp + 3 * size);
	x86_cs_set(c, cs, &d, rpl);
	c->rip = rip;
	flags_of_iret(c, flags, size, old);
	if (outer)
		x86_put(c, 8 * X86_RSP, rsp, x86_code64(c) ? 8 : c->mode & X86_MODE_SS32 ? 4 : 2);
	if (rpl > old)
		x86_segs_outer(c);
	x86_mode_update(c);
}

void x86_iret(struct x86_cpu *c, unsigned size)
{
	if (x86_real(c)) {
		iret_real(c, size);
	} else if (c->rflags & X86_NT) {
		if (x86_long(c))
			x86_gp(c, 0);
		x86_task_switch(c, (uint16_t)x86_load_sys(c, c->tr.base, 2), X86_TASK_IRET, false,
				0);
	} else {
		iret_protected(c, size);
	}
	c->nmi_blocked = false;
}

/* --- what comes from outside --- */

static void init_signal(struct x86_cpu *c)
{
	x86_reset_state(c, false);
	c->wait_sipi = c->id != 0;
	c->halted = false;
}

static void start_up(struct x86_cpu *c, uint8_t vector)
{
	c->wait_sipi = false;
	c->halted = false;
	x86_seg_real(c, X86_CS, (uint16_t)(vector << 8));
	c->rip = 0;
	x86_mode_update(c);
}

bool x86_check_events(struct x86_cpu *c)
{
	unsigned ev = c->env.events(c->env.opaque);

	if (ev & X86_EV_INIT) {
		c->env.taken(c->env.opaque, X86_EV_INIT);
		init_signal(c);
		return true;
	}
	if (ev & X86_EV_SIPI) {
		uint8_t vector = c->env.taken(c->env.opaque, X86_EV_SIPI);

		if (c->wait_sipi)
			start_up(c, vector);
		return true;
	}
	if (c->wait_sipi || c->shadow)
		return false;
	if (ev & X86_EV_NMI && !c->nmi_blocked) {
		c->env.taken(c->env.opaque, X86_EV_NMI);
		c->nmi_blocked = true;
		x86_deliver(c, X86_NMI, false, false, 0);
		return true;
	}
	if (ev & X86_EV_INTR && c->rflags & X86_IF) {
		int vector = c->env.intack(c->env.opaque);

		x86_dma_hint(c->set);
		c->halted = false;
		if (vector >= 0)
			x86_deliver(c, (unsigned)vector, false, false, 0);
		return true;
	}
	return false;
}
