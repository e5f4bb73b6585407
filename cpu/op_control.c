// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns control and debug registers (SDM 3A, 2.5; 3B, 18.2) and what changing them entails.  Bound
 * by decode.c, called by blocks.
 */
#include "cpu/seg.h"
#include "cpu/system.h"

bool x86_bind_plain(struct x86_bind *b)
{
	b->op->fn = (x86_fn *)b->row->ptr;
	b->op->size = b->in->operand_width / 8;
	b->end = b->row->arg;
	return true;
}

bool x86_bind_16(struct x86_bind *b)
{
	b->op->imm = x86_bind_rm(b, 0, &b->op->d);
	b->op->size = (uint8_t)x86_opnd_size(b, 0);
	b->op->fn = (x86_fn *)b->row->ptr;
	b->end = b->row->arg;
	return true;
}

/* --- MOV CRn --- */

static uint64_t read_cr(struct x86_cpu *c, unsigned n)
{
	switch (n) {
	case 0:
		return c->cr0;
	case 2:
		return c->cr2;
	case 3:
		return c->cr3;
	case 4:
		return c->cr4;
	default:
		return c->env.cr8(c->env.opaque);
	}
}

static void leave_long_mode(struct x86_cpu *c)
{
	if (x86_code64(c))
		x86_gp(c, 0);
	c->efer &= ~(uint64_t)X86_EFER_LMA;
}

static void enter_long_mode(struct x86_cpu *c)
{
	if (!(c->cr4 & X86_CR4_PAE) || c->seg[X86_CS].attrs & X86_ATTR_L)
		x86_gp(c, 0);
	c->efer |= X86_EFER_LMA;
}

static void set_cr0(struct x86_cpu *c, uint64_t v)
{
	uint64_t changed;

	if (v >> 32 || (v & X86_CR0_PG && !(v & X86_CR0_PE)) ||
	    (v & X86_CR0_NW && !(v & X86_CR0_CD)))
		x86_gp(c, 0);
	v = (v & 0xe005003f) | X86_CR0_ET;
	changed = v ^ c->cr0;
	if (changed & X86_CR0_PG && c->efer & X86_EFER_LME) {
		if (v & X86_CR0_PG)
			enter_long_mode(c);
		else
			leave_long_mode(c);
	}
	c->cr0 = v;
	if (changed & (X86_CR0_PG | X86_CR0_PE | X86_CR0_WP))
		x86_tlb_flush(c, true);
	if (changed & X86_CR0_PE && !(v & X86_CR0_PE))
		c->cpl = 0;
	x86_mode_update(c);
}

static void set_cr3(struct x86_cpu *c, uint64_t v)
{
	if (x86_long(c) && v >> c->set->conf.phys_bits)
		x86_gp(c, 0);
	c->cr3 = v;
	x86_tlb_flush(c, false);
}

static void set_cr4(struct x86_cpu *c, uint64_t v)
{
	const uint64_t known = X86_CR4_TSD | X86_CR4_DE | X86_CR4_PSE | X86_CR4_PAE | X86_CR4_MCE |
			       X86_CR4_PGE | X86_CR4_PCE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT |
			       X86_CR4_UMIP | X86_CR4_FSGSBASE | X86_CR4_OSXSAVE | X86_CR4_SMEP |
			       X86_CR4_SMAP;
	const uint64_t paging =
		X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PGE | X86_CR4_SMEP | X86_CR4_SMAP;
	uint64_t may = known, changed = v ^ c->cr4;

	if (!x86_has(c, 1, CPUID_ECX, 26))
		may &= ~(uint64_t)X86_CR4_OSXSAVE;
	if (!x86_has(c, 7, CPUID_EBX, 0))
		may &= ~(uint64_t)X86_CR4_FSGSBASE;
	if (!x86_has(c, 7, CPUID_EBX, 7))
		may &= ~(uint64_t)X86_CR4_SMEP;
	if (!x86_has(c, 7, CPUID_EBX, 20))
		may &= ~(uint64_t)X86_CR4_SMAP;
	if (!x86_has(c, 7, CPUID_ECX, 2))
		may &= ~(uint64_t)X86_CR4_UMIP;
	if (v & ~may || (x86_long(c) && !(v & X86_CR4_PAE)))
		x86_gp(c, 0);
	c->cr4 = v;
	if (changed & paging)
		x86_tlb_flush(c, true);
	x86_mode_update(c);
}

static void write_cr(struct x86_cpu *c, unsigned n, uint64_t v)
{
	switch (n) {
	case 0:
		set_cr0(c, v);
		break;
	case 2:
		c->cr2 = v;
		break;
	case 3:
		set_cr3(c, v);
		break;
	case 4:
		set_cr4(c, v);
		break;
	default:
		if (v >> 4)
			x86_gp(c, 0);
		c->env.set_cr8(c->env.opaque, v);
		c->attention = true;
	}
}

OP(mov_from_cr)
{
	x86_need_cpl0(c);
	x86_put(c, op->d, read_cr(c, op->s), op->size);
	return NEXT(op);
}

OP(mov_to_cr)
{
	x86_need_cpl0(c);
	write_cr(c, op->d, x86_get(c, op->s, op->size));
	return x86_leave(c, op);
}

/* --- MOV DRn (SDM 3B, 18.2) --- */

static unsigned debug_register(struct x86_cpu *c, unsigned n)
{
	if (n == 4 || n == 5) {
		if (c->cr4 & X86_CR4_DE)
			x86_ud(c);
		n += 2;
	}
	x86_need_cpl0(c);
	if (c->dr[7] & 1u << 13) { /* general detect */
		c->dr[6] |= 1u << 13;
		c->dr[7] &= ~(uint64_t)(1u << 13);
		x86_raise(c, X86_DB, 0);
	}
	return n;
}

OP(mov_from_dr)
{
	x86_put(c, op->d, c->dr[debug_register(c, op->s)], op->size);
	return NEXT(op);
}

OP(mov_to_dr)
{
	unsigned n = debug_register(c, op->d);
	uint64_t v = x86_get(c, op->s, op->size);

	if (n >= 6 && v >> 32)
		x86_gp(c, 0);
	if (n == 6)
		v = (v & 0xe00f) | 0xffff0ff0;
	if (n == 7)
		v = (v & 0xffff2bff) | 0x400;
	c->dr[n] = v;
	x86_tlb_flush(c, true); /* pages that are watched */
	x86_mode_update(c);
	return x86_leave(c, op);
}

bool x86_bind_mov_control(struct x86_bind *b)
{
	bool to = x86_is_reg(b, 0) &&
		  ZydisRegisterGetClass(b->opnd[0].reg.value) >= ZYDIS_REGCLASS_CONTROL;
	unsigned special = !to;
	bool control = ZydisRegisterGetClass(b->opnd[special].reg.value) == ZYDIS_REGCLASS_CONTROL;
	unsigned n = x86_bind_reg(b, special);

	if (control ? n > 8 || !(0x11d >> n & 1) : n > 7)
		return false;
	b->op->d = x86_bind_reg(b, 0);
	b->op->s = x86_bind_reg(b, 1);
	b->op->size = (b->mode & X86_MODE_WIDTH) == 2 ? 8 : 4;
	if (control)
		b->op->fn = to ? mov_to_cr : mov_from_cr;
	else
		b->op->fn = to ? mov_to_dr : mov_from_dr;
	b->end = to;
	return true;
}

OP(clts)
{
	x86_need_cpl0(c);
	c->cr0 &= ~(uint64_t)X86_CR0_TS;
	return NEXT(op);
}

OP(smsw)
{
	x86_umip(c);
	x86_put16(c, op, c->cr0);
	return NEXT(op);
}

OP(lmsw) /* may set PE, not clear it */
{
	uint64_t v;

	x86_need_cpl0(c);
	v = x86_get16(c, op) & 15;
	set_cr0(c, (c->cr0 & ~(uint64_t)14) | v);
	return x86_leave(c, op);
}

const struct x86_row x86_rows_control[] = {
	{ZYDIS_MNEMONIC_CLTS, x86_bind_plain, 0, clts},
	{ZYDIS_MNEMONIC_SMSW, x86_bind_16, 0, smsw},
	{ZYDIS_MNEMONIC_LMSW, x86_bind_16, 1, lmsw},
	{ZYDIS_MNEMONIC_INVALID},
};
