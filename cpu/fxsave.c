// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * FXSAVE, XSAVE and their kin: the x87 and SSE state as one image in memory, and XCR0.  Called
 * through the ops that decode.c binds.  Knows of no component but x87 and SSE, of no format but the
 * standard one, and never touches what the instruction leaves to software.
 */
#include "cpu/fpu.h"

#define MXCSR_INIT 0x1f80u
#define MXCSR_MASK 0xffffu

enum { XCR0_X87 = 1, XCR0_SSE = 2, XCR0_ALL = XCR0_X87 | XCR0_SSE };

/* SDM 1, tables 10-2 and 13-1. */
struct legacy {
	uint16_t fcw, fsw;
	uint8_t ftw, zero;
	uint16_t fop;
	uint64_t fip, fdp; /* without REX.W: 32 bits and a selector */
	uint32_t mxcsr, mxcsr_mask;
	uint8_t st[8][16];
	union x86_vec xmm[16];
	uint8_t software[96];
};
struct image {
	struct legacy legacy;
	uint64_t xstate_bv, xcomp_bv, zero[6];
};
_Static_assert(sizeof(struct legacy) == 512, "SDM 1, 10.5.1");
_Static_assert(sizeof(struct image) == 576, "SDM 1, 13.4");

static unsigned xmm_regs(const struct x86_cpu *c)
{
	return x86_code64(c) ? 16 : 8;
}

/* --- state to image --- */

static void put_x87(const struct x86_cpu *c, struct legacy *l, bool wide)
{
	const struct x86_fpu *f = &c->fpu;

	l->fcw = f->fcw;
	l->fsw = x86_fpu_sw(c);
	l->ftw = f->valid;
	l->zero = 0;
	l->fop = f->fop;
	l->fip = wide ? f->fip : (uint32_t)f->fip | (uint64_t)f->fcs << 32;
	l->fdp = wide ? f->fdp : (uint32_t)f->fdp | (uint64_t)f->fds << 32;
	for (unsigned i = 0; i < 8; i++) {
		memset(l->st[i], 0, 16);
		memcpy(l->st[i], f->reg[(f->top + i) & 7].bytes, 10);
	}
}

static void put_mxcsr(const struct x86_cpu *c, struct legacy *l)
{
	l->mxcsr = c->mxcsr;
	l->mxcsr_mask = MXCSR_MASK;
}

static void put_xmm(const struct x86_cpu *c, struct legacy *l)
{
	memcpy(l->xmm, c->v, xmm_regs(c) * sizeof(l->xmm[0]));
}

/* --- image to state: nothing here can fault --- */

static void get_x87(struct x86_cpu *c, const struct legacy *l, bool wide)
{
	struct x86_fpu *f = &c->fpu;

	x86_fpu_set_sw(f, l->fsw);
	x86_fpu_set_cw(f, l->fcw);
	f->valid = l->ftw;
	f->fop = l->fop & 0x7ff;
	f->fip = wide ? l->fip : (uint32_t)l->fip;
	f->fdp = wide ? l->fdp : (uint32_t)l->fdp;
	f->fcs = wide ? 0 : (uint16_t)(l->fip >> 32);
	f->fds = wide ? 0 : (uint16_t)(l->fdp >> 32);
	for (unsigned i = 0; i < 8; i++)
		memcpy(f->reg[(f->top + i) & 7].bytes, l->st[i], 10);
}

static void get_xmm(struct x86_cpu *c, const struct legacy *l)
{
	memcpy(c->v, l->xmm, xmm_regs(c) * sizeof(l->xmm[0]));
}

static void init_x87(struct x86_cpu *c)
{
	x86_fpu_init(c);
	memset(c->fpu.reg, 0, sizeof(c->fpu.reg));
}

static void init_xmm(struct x86_cpu *c)
{
	memset(c->v, 0, xmm_regs(c) * sizeof(c->v[0]));
}

/* --- FXSAVE, FXRSTOR --- */

static uint64_t image_at(struct x86_cpu *c, uint64_t lin, unsigned align)
{
	if (lin & (align - 1))
		x86_gp(c, 0);
	return lin;
}

static const struct x86_op *fxsave(struct x86_cpu *c, const struct x86_op *op)
{
	unsigned size = (unsigned)offsetof(struct legacy, xmm) + 16 * xmm_regs(c);
	struct legacy l;
	uint64_t lin;

	x86_fpu_no_wait(c);
	lin = image_at(c, x86_ea_w(c, op, sizeof(l)), 16);
	put_x87(c, &l, op->d);
	put_mxcsr(c, &l);
	put_xmm(c, &l);
	x86_probe_write(c, lin, sizeof(l));
	x86_store_buf(c, lin, &l, size);
	return NEXT(op);
}

static const struct x86_op *fxrstor(struct x86_cpu *c, const struct x86_op *op)
{
	struct legacy l;

	x86_fpu_no_wait(c);
	x86_load_buf(c, image_at(c, x86_ea_r(c, op, sizeof(l)), 16), &l, sizeof(l));
	if (l.mxcsr & ~MXCSR_MASK)
		x86_gp(c, 0);
	get_x87(c, &l, op->d);
	c->mxcsr = l.mxcsr;
	get_xmm(c, &l);
	return NEXT(op);
}

/* --- XSAVE, XRSTOR (SDM 1, 13.7 and 13.8) --- */

static void need_osxsave(struct x86_cpu *c)
{
	if (!(c->cr4 & X86_CR4_OSXSAVE))
		x86_ud(c);
}

/* Checks, and the components that EDX:EAX and XCR0 ask for. */
static uint64_t requested(struct x86_cpu *c)
{
	need_osxsave(c);
	if (c->cr0 & X86_CR0_TS)
		x86_raise(c, X86_NM, 0);
	return ((uint32_t)c->r[X86_RAX] | c->r[X86_RDX] << 32) & c->xcr0;
}

static bool x87_in_use(const struct x86_cpu *c)
{
	const struct x86_fpu *f = &c->fpu;
	uint64_t any = f->fsw | f->top | f->valid | f->fop | f->fip | f->fdp | f->fcs | f->fds;

	for (unsigned i = 0; i < 8; i++)
		any |= f->reg[i].mant | f->reg[i].exp;
	return any || f->fcw != 0x37f;
}

/* XINUSE; MXCSR has no part in it. */
static uint64_t in_use(const struct x86_cpu *c)
{
	uint64_t any = 0;

	for (unsigned i = 0; i < 16; i++)
		any |= c->v[i].u64[0] | c->v[i].u64[1];
	return (x87_in_use(c) ? XCR0_X87 : 0) | (any ? XCR0_SSE : 0);
}

static const struct x86_op *xsave(struct x86_cpu *c, const struct x86_op *op)
{
	uint64_t rfbm = requested(c), lin;
	struct image im;

	lin = image_at(c, x86_ea_w(c, op, sizeof(im)), 64);
	x86_probe_write(c, lin, sizeof(im));   /* a fault is a write's */
	x86_load_buf(c, lin, &im, sizeof(im)); /* what is not asked for stays */
	if (rfbm & XCR0_X87)
		put_x87(c, &im.legacy, op->d);
	if (rfbm & XCR0_SSE) {
		put_mxcsr(c, &im.legacy);
		put_xmm(c, &im.legacy);
	}
	im.xstate_bv = (im.xstate_bv & ~rfbm) | (in_use(c) & rfbm);
	x86_store_buf(c, lin, &im, sizeof(im));
	return NEXT(op);
}

static void check_image(struct x86_cpu *c, const struct image *im, uint64_t rfbm)
{
	if (im->xcomp_bv || im->zero[0] || (im->xstate_bv & ~c->xcr0))
		x86_gp(c, 0);
	if ((rfbm & XCR0_SSE) && (im->legacy.mxcsr & ~MXCSR_MASK))
		x86_gp(c, 0);
}

static const struct x86_op *xrstor(struct x86_cpu *c, const struct x86_op *op)
{
	uint64_t rfbm = requested(c);
	struct image im;

	x86_load_buf(c, image_at(c, x86_ea_r(c, op, sizeof(im)), 64), &im, sizeof(im));
	check_image(c, &im, rfbm);
	if (rfbm & im.xstate_bv & XCR0_X87)
		get_x87(c, &im.legacy, op->d);
	else if (rfbm & XCR0_X87)
		init_x87(c);
	if (rfbm & XCR0_SSE)
		c->mxcsr = im.legacy.mxcsr;
	if (rfbm & im.xstate_bv & XCR0_SSE)
		get_xmm(c, &im.legacy);
	else if (rfbm & XCR0_SSE)
		init_xmm(c);
	return NEXT(op);
}

/* --- XCR0 --- */

static const struct x86_op *xgetbv(struct x86_cpu *c, const struct x86_op *op)
{
	need_osxsave(c);
	if ((uint32_t)c->r[X86_RCX] != 0)
		x86_gp(c, 0);
	c->r[X86_RAX] = (uint32_t)c->xcr0;
	c->r[X86_RDX] = c->xcr0 >> 32;
	return NEXT(op);
}

static const struct x86_op *xsetbv(struct x86_cpu *c, const struct x86_op *op)
{
	uint64_t v = (uint32_t)c->r[X86_RAX] | c->r[X86_RDX] << 32;

	need_osxsave(c);
	if (c->cpl || (uint32_t)c->r[X86_RCX] != 0)
		x86_gp(c, 0);
	if (!(v & XCR0_X87) || (v & ~(uint64_t)XCR0_ALL))
		x86_gp(c, 0);
	c->xcr0 = v;
	return NEXT(op);
}

/* --- binding: arg says whether the pointers of the x87 have 64 bits --- */

static bool bind_image(struct x86_bind *b)
{
	b->op->fn = (x86_fn *)b->row->ptr;
	b->op->d = (uint8_t)b->row->arg;
	x86_bind_mem(b, 0);
	return true;
}

static bool bind_plain(struct x86_bind *b)
{
	b->op->fn = (x86_fn *)b->row->ptr;
	return true;
}

const struct x86_row x86_rows_fxsave[] = {
	{ZYDIS_MNEMONIC_FXSAVE, bind_image, 0, (const void *)fxsave},
	{ZYDIS_MNEMONIC_FXSAVE64, bind_image, 1, (const void *)fxsave},
	{ZYDIS_MNEMONIC_FXRSTOR, bind_image, 0, (const void *)fxrstor},
	{ZYDIS_MNEMONIC_FXRSTOR64, bind_image, 1, (const void *)fxrstor},
	{ZYDIS_MNEMONIC_XSAVE, bind_image, 0, (const void *)xsave},
	{ZYDIS_MNEMONIC_XSAVE64, bind_image, 1, (const void *)xsave},
	{ZYDIS_MNEMONIC_XRSTOR, bind_image, 0, (const void *)xrstor},
	{ZYDIS_MNEMONIC_XRSTOR64, bind_image, 1, (const void *)xrstor},
	{ZYDIS_MNEMONIC_XGETBV, bind_plain, 0, (const void *)xgetbv},
	{ZYDIS_MNEMONIC_XSETBV, bind_plain, 0, (const void *)xsetbv},
	{ZYDIS_MNEMONIC_INVALID},
};
