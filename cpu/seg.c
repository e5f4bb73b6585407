// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns segment registers, descriptors and what follows from them: the mode, checks of an access.
 * Called by instructions and events; never transfers control.
 */
#include "cpu/seg.h"

#include "cpu/handlers.h"

/* --- mode and caches --- */

static void cache_segment(struct x86_cpu *c, unsigned i)
{
	const struct x86_seg *s = &c->seg[i];
	struct x86_segcache *k = &c->sc[i];
	uint32_t a = s->attrs;

	k->base = s->base;
	k->rmax = k->wmax = -1;
	if (x86_code64(c)) {
		if (i != X86_FS && i != X86_GS)
			k->base = 0;
		k->rmax = k->wmax = INT64_MAX;
	} else if (x86_real(c)) {
		k->rmax = k->wmax = s->limit;
	} else if (!(a & X86_ATTR_UNUSABLE) && a & X86_ATTR_P) {
		if (a & X86_ATTR_CODE)
			k->rmax = a & X86_ATTR_RW ? (int64_t)s->limit : -1;
		else if (!(a & X86_ATTR_DC)) {
			k->rmax = s->limit;
			k->wmax = a & X86_ATTR_RW ? (int64_t)s->limit : -1;
		}
	}
}

/* Trap flag, breakpoints: each instruction is looked at. */
static bool stepping(const struct x86_cpu *c)
{
	return c->rflags & X86_TF || c->dr[7] & 0xff;
}

void x86_mode_update(struct x86_cpu *c)
{
	unsigned m = c->seg[X86_CS].attrs & X86_ATTR_DB ? 1 : 0;

	if (!(c->cr0 & X86_CR0_PE) || c->rflags & X86_VM)
		m |= X86_MODE_REAL;
	if (c->rflags & X86_VM)
		m |= X86_MODE_VM;
	if (x86_long(c) && c->seg[X86_CS].attrs & X86_ATTR_L)
		m = 2;
	if (c->seg[X86_SS].attrs & X86_ATTR_DB)
		m |= X86_MODE_SS32;
	if (c->cpl == 3)
		m |= X86_MODE_USER;
	if (stepping(c))
		m |= X86_MODE_STEP;
	c->mode = m;
	if (c->cs_base != c->seg[X86_CS].base) { /* rip means another place */
		c->cs_base = c->seg[X86_CS].base;
		c->gen[1] = ++c->set->gen << 8;
	}
	c->gen[1] = (c->gen[1] & ~(uint64_t)0xff) | m;
	c->tlb_watch = c->dr[7] & 0xff;
	c->rip_max = (m & X86_MODE_WIDTH) == 2 ? ~(uint64_t)0 : c->seg[X86_CS].limit;
	for (unsigned i = 0; i < X86_SEGS; i++)
		cache_segment(c, i);
	c->sc[X86_SEGS] = (struct x86_segcache){0, INT64_MAX, INT64_MAX};
	x86_tlb_select(c);
}

/* --- addresses --- */

static bool expand_down_ok(const struct x86_seg *s, uint64_t off, unsigned size, bool write)
{
	uint32_t a = s->attrs;

	if (a & (X86_ATTR_UNUSABLE | X86_ATTR_CODE) || !(a & X86_ATTR_P) || !(a & X86_ATTR_DC) ||
	    (write && !(a & X86_ATTR_RW)))
		return false;
	return off > s->limit && off + size - 1 <= (a & X86_ATTR_DB ? 0xffffffff : 0xffff);
}

uint64_t x86_seg_lin(struct x86_cpu *c, unsigned seg, uint64_t off, unsigned size, bool write)
{
	const struct x86_segcache *s = &c->sc[seg];

	if (x86_code64(c))
		return s->base + off;
	if ((int64_t)(off + size - 1) <= (write ? s->wmax : s->rmax) ||
	    expand_down_ok(&c->seg[seg], off, size, write))
		return (s->base + off) & 0xffffffff;
	x86_raise(c, seg == X86_SS ? X86_SS_FAULT : X86_GP, 0);
}

uint64_t x86_ea_slow(struct x86_cpu *c, const struct x86_op *op, uint64_t off, unsigned size,
		     bool write)
{
	if (op->flags & X86_OPF_A16)
		off = (uint16_t)off;
	else if (op->flags & X86_OPF_A32)
		off = (uint32_t)off;
	return x86_seg_lin(c, op->seg, off, size, write);
}

/* --- descriptors --- */

static void desc_parse(struct x86_desc *d)
{
	uint32_t lo = (uint32_t)d->raw, hi = (uint32_t)(d->raw >> 32);

	d->seg.base = lo >> 16 | (hi & 0xff) << 16 | (hi & 0xff000000);
	d->seg.limit = (lo & 0xffff) | (hi & 0xf0000);
	d->seg.attrs = hi >> 8 & 0xf0ff;
	if (d->seg.attrs & X86_ATTR_G)
		d->seg.limit = d->seg.limit << 12 | 0xfff;
}

bool x86_desc_read(struct x86_cpu *c, uint16_t sel, struct x86_desc *d)
{
	uint64_t base = c->gdt_base;
	uint32_t limit = c->gdt_limit, off = sel & 0xfff8u;
	bool system;

	if (sel & 4) {
		if (c->ldt.attrs & X86_ATTR_UNUSABLE || !(c->ldt.attrs & X86_ATTR_P))
			return false;
		base = c->ldt.base;
		limit = c->ldt.limit;
	}
	if (off + 7 > limit)
		return false;
	d->at = base + off;
	if (!x86_long(c))
		d->at &= 0xffffffff;
	d->raw = x86_load_sys(c, d->at, 8);
	d->high = 0;
	desc_parse(d);
	d->seg.sel = sel;
	system = !(d->seg.attrs & X86_ATTR_S);
	if (x86_long(c) && system && off + 15 <= limit) {
		d->high = x86_load_sys(c, d->at + 8, 8);
		d->seg.base |= d->high << 32;
	}
	return true;
}

void x86_desc_need(struct x86_cpu *c, uint16_t sel, unsigned vector, struct x86_desc *d)
{
	if (!x86_desc_read(c, sel, d))
		x86_raise(c, vector, sel & 0xfffc);
}

void x86_desc_accessed(struct x86_cpu *c, struct x86_desc *d)
{
	if (d->seg.attrs & X86_ATTR_ACCESSED)
		return;
	d->raw |= 1ull << 40;
	d->seg.attrs |= X86_ATTR_ACCESSED;
	x86_store_sys(c, d->at + 5, d->raw >> 40 & 0xff, 1);
}

/* --- loading --- */

void x86_seg_real(struct x86_cpu *c, unsigned seg, uint16_t sel)
{
	struct x86_seg *s = &c->seg[seg];

	s->sel = sel;
	s->base = (uint64_t)sel << 4;
	if (c->rflags & X86_VM) {
		s->limit = 0xffff;
		s->attrs = 0xf3;
	} else if (seg == X86_CS) {
		s->attrs = (s->attrs & X86_ATTR_DB) | 0x9b;
	} else { /* the limit stays what it was (unreal mode) */
		s->attrs = (s->attrs & (X86_ATTR_DB | X86_ATTR_G)) | 0x93;
	}
}

static void load_null(struct x86_cpu *c, unsigned seg, uint16_t sel)
{
	c->seg[seg] = (struct x86_seg){.sel = sel, .attrs = X86_ATTR_UNUSABLE};
}

void x86_ss_check(struct x86_cpu *c, uint16_t sel, unsigned cpl, unsigned vector,
		  struct x86_desc *d)
{
	uint32_t a;

	if (!(sel & 0xfffc))
		x86_raise(c, vector, 0);
	x86_desc_need(c, sel, vector, d);
	a = d->seg.attrs;
	if ((sel & 3) != cpl || x86_dpl(&d->seg) != cpl || !(a & X86_ATTR_S) || a & X86_ATTR_CODE ||
	    !(a & X86_ATTR_RW))
		x86_raise(c, vector, sel & 0xfffc);
	if (!(a & X86_ATTR_P))
		x86_raise(c, X86_SS_FAULT, sel & 0xfffc);
}

static void data_check(struct x86_cpu *c, uint16_t sel, struct x86_desc *d)
{
	uint32_t a;
	unsigned rpl = sel & 3;

	x86_desc_need(c, sel, X86_GP, d);
	a = d->seg.attrs;
	if (!(a & X86_ATTR_S) || (a & X86_ATTR_CODE && !(a & X86_ATTR_RW)))
		x86_gp(c, sel & 0xfffc);
	if ((a & (X86_ATTR_CODE | X86_ATTR_DC)) != (X86_ATTR_CODE | X86_ATTR_DC) &&
	    (rpl > x86_dpl(&d->seg) || c->cpl > x86_dpl(&d->seg)))
		x86_gp(c, sel & 0xfffc);
	if (!(a & X86_ATTR_P))
		x86_raise(c, X86_NP, sel & 0xfffc);
}

void x86_seg_load(struct x86_cpu *c, unsigned seg, uint16_t sel)
{
	struct x86_desc d;

	if (x86_real(c)) {
		x86_seg_real(c, seg, sel);
	} else if (!(sel & 0xfffc)) {
		if (seg == X86_SS && !(x86_code64(c) && c->cpl < 3 && (sel & 3) == c->cpl))
			x86_gp(c, 0);
		load_null(c, seg, sel);
	} else {
		if (seg == X86_SS)
			x86_ss_check(c, sel, c->cpl, X86_GP, &d);
		else
			data_check(c, sel, &d);
		x86_desc_accessed(c, &d);
		c->seg[seg] = d.seg;
	}
	x86_mode_update(c);
}

void x86_cs_set(struct x86_cpu *c, uint16_t sel, struct x86_desc *d, unsigned cpl)
{
	x86_desc_accessed(c, d);
	c->seg[X86_CS] = d->seg;
	c->seg[X86_CS].sel = (uint16_t)((sel & 0xfffc) | cpl);
	c->cpl = (uint8_t)cpl;
	x86_mode_update(c);
}

void x86_segs_outer(struct x86_cpu *c)
{
	static const uint8_t data[] = {X86_ES, X86_DS, X86_FS, X86_GS};

	for (int i = 0; i < 4; i++) {
		struct x86_seg *s = &c->seg[data[i]];
		uint32_t conforming = X86_ATTR_CODE | X86_ATTR_DC;

		if (!(s->attrs & X86_ATTR_UNUSABLE) && (s->attrs & conforming) != conforming &&
		    x86_dpl(s) < c->cpl)
			load_null(c, data[i], 0);
	}
}

void x86_return_segment(struct x86_cpu *c, uint16_t sel, struct x86_desc *d)
{
	unsigned rpl = sel & 3;
	uint32_t a;

	if (!(sel & 0xfffc))
		x86_gp(c, 0);
	x86_desc_need(c, sel, X86_GP, d);
	a = d->seg.attrs;
	if (!(a & X86_ATTR_S) || !(a & X86_ATTR_CODE) || rpl < c->cpl ||
	    (a & X86_ATTR_DC ? x86_dpl(&d->seg) > rpl : x86_dpl(&d->seg) != rpl) ||
	    (x86_long(c) && a & X86_ATTR_L && a & X86_ATTR_DB))
		x86_gp(c, sel & 0xfffc);
	if (!(a & X86_ATTR_P))
		x86_raise(c, X86_NP, sel & 0xfffc);
}

void x86_return_stack(struct x86_cpu *c, uint16_t sel, unsigned cpl, bool to64)
{
	struct x86_desc ss;

	if (!(sel & 0xfffc) && to64 && cpl < 3 && (sel & 3) == cpl) {
		c->seg[X86_SS] = (struct x86_seg){.sel = sel, .attrs = X86_ATTR_UNUSABLE};
		return;
	}
	x86_ss_check(c, sel, cpl, X86_GP, &ss);
	x86_desc_accessed(c, &ss);
	c->seg[X86_SS] = ss.seg;
}

void x86_tss_stack(struct x86_cpu *c, unsigned cpl, uint16_t *sel, uint64_t *sp)
{
	bool wide = c->tr.attrs & 8; /* not a 16-bit TSS */
	unsigned off = x86_long(c) ? 4 + 8 * cpl : wide ? 4 + 8 * cpl : 2 + 4 * cpl;
	unsigned n = x86_long(c) ? 8 : wide ? 6 : 4;

	if (off + n - 1 > c->tr.limit)
		x86_raise(c, X86_TS, c->tr.sel & 0xfffc);
	*sp = x86_load_sys(c, c->tr.base + off, x86_long(c) ? 8 : wide ? 4 : 2);
	*sel = x86_long(c) ? (uint16_t)cpl
			   : (uint16_t)x86_load_sys(c, c->tr.base + off + (wide ? 4 : 2), 2);
}

/* --- flags --- */

void x86_set_flags(struct x86_cpu *c, uint64_t v)
{
	const uint64_t known =
		X86_TF | X86_IF | X86_DF | X86_IOPL | X86_NT | X86_RF | X86_VM | X86_AC | X86_ID;

	x86_set_arith(c, (uint32_t)v);
	c->rflags = v & known;
	c->attention = true; /* IF may have come */
	x86_mode_update(c);
}

void x86_load_flags(struct x86_cpu *c, uint64_t v, unsigned size)
{
	uint64_t may = X86_ARITH | X86_TF | X86_DF | X86_NT | X86_AC | X86_ID;
	uint64_t old = x86_flags(c);
	unsigned iopl = (unsigned)(c->rflags >> 12 & 3);

	if (c->cpl == 0)
		may |= X86_IOPL;
	if (c->cpl <= iopl || !(c->cr0 & X86_CR0_PE))
		may |= X86_IF;
	if (size == 2)
		may &= 0xffff;
	else
		old &= ~(uint64_t)X86_RF;
	x86_set_flags(c, (old & ~may) | (v & may));
}
