// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the hardware task switch (SDM 3A, 7.3), which kernels use for double faults in protected
 * mode.  Called by far transfers, gates and IRET; never in IA-32e mode.
 */
#include "cpu/seg.h"
#include "cpu/stack.h"

/* Where things are in a task state segment (SDM 3A, figures 7-2 and 7-10). */
struct layout {
	uint16_t min, ip, flags, gpr, seg, ldt;
	uint8_t width;
};
static const struct layout layout16 = {0x2b, 0x0e, 0x10, 0x12, 0x22, 0x2a, 2};
static const struct layout layout32 = {0x67, 0x20, 0x24, 0x28, 0x48, 0x60, 4};

static const struct layout *layout_of(const struct x86_seg *tss)
{
	return tss->attrs & 8 ? &layout32 : &layout16;
}

static void save(struct x86_cpu *c, uint64_t flags)
{
	const struct layout *l = layout_of(&c->tr);
	uint64_t at = c->tr.base;

	x86_store_sys(c, at + l->ip, c->rip, l->width);
	x86_store_sys(c, at + l->flags, flags, l->width);
	for (unsigned i = 0; i < 8; i++)
		x86_store_sys(c, at + l->gpr + i * l->width, c->r[i], l->width);
	for (unsigned i = 0; i < (l->width == 4 ? 6u : 4u); i++)
		x86_store_sys(c, at + l->seg + i * l->width, c->seg[i].sel, 2);
}

static void set_busy(struct x86_cpu *c, uint16_t sel, bool busy)
{
	struct x86_desc d;

	if (!x86_desc_read(c, sel, &d))
		return;
	d.raw = busy ? d.raw | 2ull << 40 : d.raw & ~(2ull << 40);
	x86_store_sys(c, d.at + 5, d.raw >> 40 & 0xff, 1);
}

struct task {
	uint64_t ip, flags, gpr[8], cr3;
	uint16_t sel[X86_SEGS], ldt;
};

static void load(struct x86_cpu *c, const struct x86_seg *tss, struct task *t)
{
	const struct layout *l = layout_of(tss);
	uint64_t at = tss->base;

	*t = (struct task){.ip = x86_load_sys(c, at + l->ip, l->width),
			   .flags = x86_load_sys(c, at + l->flags, l->width)};
	for (unsigned i = 0; i < 8; i++)
		t->gpr[i] = x86_load_sys(c, at + l->gpr + i * l->width, l->width);
	for (unsigned i = 0; i < (l->width == 4 ? 6u : 4u); i++)
		t->sel[i] = (uint16_t)x86_load_sys(c, at + l->seg + i * l->width, 2);
	t->ldt = (uint16_t)x86_load_sys(c, at + l->ldt, 2);
	t->cr3 = l->width == 4 ? x86_load_sys(c, at + 0x1c, 4) : c->cr3;
}

static void load_ldt(struct x86_cpu *c, uint16_t sel)
{
	struct x86_desc d;

	c->ldt = (struct x86_seg){.sel = sel, .attrs = X86_ATTR_UNUSABLE};
	if (!(sel & 0xfffc))
		return;
	x86_desc_need(c, sel, X86_TS, &d);
	if ((d.seg.attrs & 0x1f) != X86_SYS_LDT || !(d.seg.attrs & X86_ATTR_P) || sel & 4)
		x86_raise(c, X86_TS, sel & 0xfffc);
	c->ldt = d.seg;
}

static void load_segments(struct x86_cpu *c, const struct task *t)
{
	struct x86_desc d;

	if (c->rflags & X86_VM) {
		c->cpl = 3;
		for (unsigned i = 0; i < X86_SEGS; i++)
			x86_seg_real(c, i, t->sel[i]);
		return;
	}
	c->cpl = t->sel[X86_CS] & 3;
	x86_ss_check(c, t->sel[X86_SS], c->cpl, X86_TS, &d);
	c->seg[X86_SS] = d.seg;
	if (!(t->sel[X86_CS] & 0xfffc))
		x86_raise(c, X86_TS, 0);
	x86_desc_need(c, t->sel[X86_CS], X86_TS, &d);
	if ((d.seg.attrs & (X86_ATTR_S | X86_ATTR_CODE)) != (X86_ATTR_S | X86_ATTR_CODE))
		x86_raise(c, X86_TS, t->sel[X86_CS] & 0xfffc);
	if (!(d.seg.attrs & X86_ATTR_P))
		x86_raise(c, X86_NP, t->sel[X86_CS] & 0xfffc);
	x86_cs_set(c, t->sel[X86_CS], &d, c->cpl);
	for (unsigned i = 0; i < X86_SEGS; i++)
		if (i != X86_CS && i != X86_SS)
			x86_seg_load(c, i, t->sel[i]);
}

/* The new task's descriptor, checked for what leads to it. */
static void target(struct x86_cpu *c, uint16_t sel, enum x86_task_why why, struct x86_desc *d)
{
	unsigned vector = why == X86_TASK_IRET ? X86_TS : X86_GP, type;

	if (!(sel & 0xfffc) || sel & 4)
		x86_raise(c, vector, sel & 0xfffc);
	x86_desc_need(c, sel, vector, d);
	type = d->seg.attrs & 0x1f;
	if ((type & ~8u) != (why == X86_TASK_IRET ? X86_SYS_TSS16_BUSY : X86_SYS_TSS16))
		x86_raise(c, vector, sel & 0xfffc);
	if (!(d->seg.attrs & X86_ATTR_P))
		x86_raise(c, X86_NP, sel & 0xfffc);
	if (d->seg.limit < layout_of(&d->seg)->min)
		x86_raise(c, X86_TS, sel & 0xfffc);
}

void x86_task_switch(struct x86_cpu *c, uint16_t sel, enum x86_task_why why, bool has_error,
		     uint32_t error)
{
	uint64_t flags = x86_flags(c);
	uint16_t old = c->tr.sel;
	struct x86_desc d;
	struct task t;

	target(c, sel, why, &d);
	if (why == X86_TASK_IRET)
		flags &= ~(uint64_t)X86_NT;
	load(c, &d.seg, &t);
	save(c, flags);
	if (why != X86_TASK_CALL)
		set_busy(c, old, false);
	if (why == X86_TASK_CALL) {
		x86_store_sys(c, d.seg.base, old, 2);
		t.flags |= X86_NT;
	}
	if (why != X86_TASK_IRET)
		set_busy(c, sel, true);
	c->op = NULL; /* from here on, faults are the new task's */
	c->tr = d.seg;
	c->tr.attrs |= 2;
	c->cr0 |= X86_CR0_TS;
	if (c->cr0 & X86_CR0_PG && t.cr3 != c->cr3) {
		c->cr3 = t.cr3;
		x86_tlb_flush(c, false);
	}
	c->rip = t.ip;
	for (int i = 0; i < 8; i++)
		c->r[i] = (uint32_t)t.gpr[i];
	x86_set_flags(c, t.flags);
	load_ldt(c, t.ldt);
	load_segments(c, &t);
	x86_mode_update(c);
	if (has_error)
		x86_push(c, error, layout_of(&c->tr)->width);
	c->attention = true;
}
