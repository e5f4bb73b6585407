// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns system instructions (SDM 1, 5.20): software interrupts, table registers, fast system calls,
 * HLT, CPUID, time.  Bound by decode.c, called by blocks.  CRn and DRn are
 * op_control.c's, MSRs msr.c's.
 */
#include "cpu/seg.h"
#include "cpu/stack.h"
#include "cpu/system.h"

static bool iopl_allows(const struct x86_cpu *c)
{
	return c->cpl <= (c->rflags >> 12 & 3);
}

/* --- interrupts --- */

OP(cli)
{
	if (!iopl_allows(c))
		x86_gp(c, 0);
	c->rflags &= ~(uint64_t)X86_IF;
	return NEXT(op);
}

OP(sti)
{
	if (!iopl_allows(c))
		x86_gp(c, 0);
	if (!(c->rflags & X86_IF))
		c->shadow = X86_SHADOW_STI;
	c->rflags |= X86_IF;
	c->attention = true;
	return x86_leave(c, op);
}

OP(int_n)
{
	if (op->s && c->mode & X86_MODE_VM && (c->rflags & X86_IOPL) != X86_IOPL)
		x86_gp(c, 0); /* INT n, but not INT3 (SDM 3B, 20.2.7) */
	c->rip = c->r[X86_R_BLOCK] + op->ip;
	x86_deliver(c, (uint8_t)op->imm, true, false, 0);
	c->no_step = true;
	return NULL;
}

static bool bind_int(struct x86_bind *b)
{
	b->op->imm = x86_is_imm(b, 0) ? b->opnd[0].imm.value.u : b->row->arg;
	b->op->s = x86_is_imm(b, 0);
	b->op->fn = int_n;
	b->end = true;
	return true;
}

OP(into)
{
	if (!x86_of(c))
		return x86_leave(c, op);
	c->rip = c->r[X86_R_BLOCK] + op->ip;
	x86_deliver(c, X86_OFLOW, true, false, 0);
	c->no_step = true;
	return NULL;
}

OP(int1)
{
	c->rip = c->r[X86_R_BLOCK] + op->ip;
	x86_deliver(c, X86_DB, false, false, 0);
	c->no_step = true;
	return NULL;
}

OP(iret)
{
	c->rip = c->r[X86_R_BLOCK] + op->ip; /* a task goes on behind it */
	x86_iret(c, op->size);
	return NULL;
}

OP(bound)
{
	uint64_t lin = x86_ea_r(c, op, 2u * op->size);
	int64_t i = (int32_t)x86_get(c, op->d, op->size), lo, hi;

	lo = (int32_t)x86_load(c, lin, op->size);
	hi = (int32_t)x86_load(c, lin + op->size, op->size);
	if (op->size == 2) {
		i = (int16_t)i;
		lo = (int16_t)lo;
		hi = (int16_t)hi;
	}
	if (i < lo || i > hi)
		x86_raise(c, X86_BR, 0);
	return NEXT(op);
}

static bool bind_bound(struct x86_bind *b)
{
	b->op->d = x86_bind_reg(b, 0);
	b->op->size = (uint8_t)x86_opnd_size(b, 0);
	x86_bind_mem(b, 1);
	b->op->fn = bound;
	return true;
}

OP(ud)
{
	x86_ud(c);
}

/* --- waiting --- */

OP(hlt)
{
	x86_need_cpl0(c);
	c->halted = true;
	c->attention = true;
	return x86_leave(c, op);
}

OP(pause_op)
{
	c->yield = c->set->conf.cpus > 1;
	return c->yield ? x86_leave(c, op) : NEXT(op);
}

static bool bind_pause(struct x86_bind *b)
{
	b->op->fn = pause_op;
	b->end = b->cpu->set->conf.cpus > 1;
	return true;
}

/* --- descriptor tables --- */

/* op->s: IDT; 64-bit mode has 8 bytes of base, 16-bit operands 3 */
OP(load_table)
{
	unsigned n = x86_code64(c) ? 8 : 4;
	uint64_t lin, base;
	uint16_t limit;

	x86_need_cpl0(c);
	lin = x86_ea_r(c, op, n + 2);
	limit = x86_ld16(c, lin);
	base = x86_load(c, lin + 2, n);
	if (!x86_code64(c) && op->size == 2)
		base &= 0xffffff;
	if (x86_code64(c) && (uint64_t)((int64_t)(base << 16) >> 16) != base)
		x86_gp(c, 0);
	*(op->s ? &c->idt_base : &c->gdt_base) = base;
	*(op->s ? &c->idt_limit : &c->gdt_limit) = limit;
	return NEXT(op);
}

OP(store_table)
{
	unsigned n = x86_code64(c) ? 8 : 4;
	uint64_t lin;

	x86_umip(c);
	lin = x86_ea_w(c, op, n + 2);
	x86_probe_write(c, lin, n + 2);
	x86_st16(c, lin, op->s ? c->idt_limit : c->gdt_limit);
	x86_store(c, lin + 2, op->s ? c->idt_base : c->gdt_base, n);
	return NEXT(op);
}

static bool bind_table(struct x86_bind *b)
{
	x86_bind_mem(b, 0);
	b->op->s = (uint8_t)b->row->arg;
	b->op->size = b->in->operand_width / 8;
	b->op->fn = (x86_fn *)b->row->ptr;
	return true;
}

OP(sldt)
{
	if (x86_real(c))
		x86_ud(c);
	x86_umip(c);
	x86_put16(c, op, c->ldt.sel);
	return NEXT(op);
}

OP(str)
{
	if (x86_real(c))
		x86_ud(c);
	x86_umip(c);
	x86_put16(c, op, c->tr.sel);
	return NEXT(op);
}

static void system_segment(struct x86_cpu *c, uint16_t sel, unsigned types, struct x86_desc *d)
{
	if (sel & 4)
		x86_gp(c, sel & 0xfffc);
	x86_desc_need(c, sel, X86_GP, d);
	if (d->seg.attrs & X86_ATTR_S || !(types >> (d->seg.attrs & 15) & 1))
		x86_gp(c, sel & 0xfffc);
	if (!(d->seg.attrs & X86_ATTR_P))
		x86_raise(c, X86_NP, sel & 0xfffc);
}

OP(lldt)
{
	struct x86_desc d = {.seg.attrs = X86_ATTR_UNUSABLE};
	uint16_t sel;

	if (x86_real(c))
		x86_ud(c);
	x86_need_cpl0(c);
	sel = x86_get16(c, op);
	d.seg.sel = sel;
	if (sel & 0xfffc)
		system_segment(c, sel, 1u << X86_SYS_LDT, &d);
	c->ldt = d.seg;
	return NEXT(op);
}

OP(ltr)
{
	struct x86_desc d;
	uint16_t sel;

	if (x86_real(c))
		x86_ud(c);
	x86_need_cpl0(c);
	sel = x86_get16(c, op);
	if (!(sel & 0xfffc))
		x86_gp(c, 0);
	system_segment(c, sel, 1u << X86_SYS_TSS | (x86_long(c) ? 0 : 1u << X86_SYS_TSS16), &d);
	x86_store_sys(c, d.at + 5, (d.raw >> 40 | 2) & 0xff, 1);
	d.seg.attrs |= 2; /* busy */
	c->tr = d.seg;
	return NEXT(op);
}

/* --- TLB, caches --- */

OP(invlpg)
{
	x86_need_cpl0(c);
	x86_tlb_flush_page(c, x86_ea_r(c, op, 1));
	return x86_leave(c, op);
}

OP(clflush)
{
	x86_ld8(c, x86_ea_r(c, op, 1));
	return NEXT(op);
}

static bool bind_address(struct x86_bind *b)
{
	x86_bind_mem(b, 0);
	b->op->fn = (x86_fn *)b->row->ptr;
	b->end = b->row->arg;
	return true;
}

OP(wbinvd)
{
	x86_need_cpl0(c);
	return NEXT(op);
}

/* --- fast system calls (AMD APM 2, 6.1; SDM 2B) --- */

static void flat_segment(struct x86_cpu *c, unsigned seg, unsigned sel, uint32_t attrs)
{
	c->seg[seg] = (struct x86_seg){.sel = (uint16_t)sel, .limit = 0xffffffff, .attrs = attrs};
}

enum { CODE64 = 0xa09b, CODE32 = 0xc09b, DATA = 0xc093, USER = 3 << 5 };

OP(syscall)
{
	uint64_t next = c->r[X86_R_BLOCK] + op->ip;
	unsigned sel = (unsigned)(c->msr.star >> 32 & 0xfffc);
	bool compat = x86_long(c) && !x86_code64(c);

	if (!(c->efer & X86_EFER_SCE) || !(c->cr0 & X86_CR0_PE))
		x86_ud(c);
	c->r[X86_RCX] = x86_long(c) ? next : (uint32_t)next;
	if (x86_long(c)) {
		c->r[11] = x86_flags(c) & ~(uint64_t)X86_RF;
		x86_set_flags(c, c->r[11] & ~c->msr.fmask);
		c->rip = compat ? c->msr.cstar : c->msr.lstar;
	} else {
		x86_set_flags(c, x86_flags(c) & ~(uint64_t)(X86_IF | X86_VM | X86_RF));
		c->rip = (uint32_t)c->msr.star;
	}
	flat_segment(c, X86_CS, sel, x86_long(c) ? CODE64 : CODE32);
	flat_segment(c, X86_SS, sel + 8, DATA);
	c->cpl = 0;
	c->no_step = !(c->rflags & X86_TF);
	x86_mode_update(c);
	return NULL;
}

OP(sysret)
{
	unsigned sel = (unsigned)(c->msr.star >> 48) | 3;
	uint64_t rip = c->r[X86_RCX];

	if (!(c->efer & X86_EFER_SCE) || !(c->cr0 & X86_CR0_PE))
		x86_ud(c);
	x86_need_cpl0(c);
	if (op->size == 8 && (uint64_t)((int64_t)(rip << 16) >> 16) != rip)
		x86_gp(c, 0);
	if (op->size == 8)
		flat_segment(c, X86_CS, sel + 16, CODE64 | USER);
	else
		flat_segment(c, X86_CS, sel, CODE32 | USER);
	flat_segment(c, X86_SS, sel + 8, DATA | USER);
	c->cpl = 3;
	c->rip = op->size == 8 ? rip : (uint32_t)rip;
	if (x86_long(c))
		x86_set_flags(c, c->r[11] & 0x3c7fd7);
	else
		x86_set_flags(c, x86_flags(c) | X86_IF);
	return NULL;
}

OP(sysenter)
{
	unsigned sel = (unsigned)(c->msr.sysenter_cs & 0xfffc);

	if (!(c->cr0 & X86_CR0_PE) || !sel)
		x86_gp(c, 0);
	flat_segment(c, X86_CS, sel, x86_long(c) ? CODE64 : CODE32);
	flat_segment(c, X86_SS, sel + 8, DATA);
	c->cpl = 0;
	c->r[X86_RSP] = x86_long(c) ? c->msr.sysenter_esp : (uint32_t)c->msr.sysenter_esp;
	c->rip = x86_long(c) ? c->msr.sysenter_eip : (uint32_t)c->msr.sysenter_eip;
	x86_set_flags(c, x86_flags(c) & ~(uint64_t)(X86_IF | X86_VM | X86_RF));
	return NULL;
}

OP(sysexit)
{
	unsigned sel = (unsigned)(c->msr.sysenter_cs & 0xfffc);
	bool wide = op->size == 8;

	if (!(c->cr0 & X86_CR0_PE) || !sel)
		x86_gp(c, 0);
	x86_need_cpl0(c);
	flat_segment(c, X86_CS, (sel + (wide ? 32 : 16)) | 3, (wide ? CODE64 : CODE32) | USER);
	flat_segment(c, X86_SS, (sel + (wide ? 40 : 24)) | 3, DATA | USER);
	c->cpl = 3;
	c->r[X86_RSP] = wide ? c->r[X86_RCX] : (uint32_t)c->r[X86_RCX];
	c->rip = wide ? c->r[X86_RDX] : (uint32_t)c->r[X86_RDX];
	x86_mode_update(c);
	return NULL;
}

OP(swapgs)
{
	uint64_t base = c->seg[X86_GS].base;

	x86_need_cpl0(c);
	c->seg[X86_GS].base = c->msr.kernel_gs;
	c->sc[X86_GS].base = c->msr.kernel_gs;
	c->msr.kernel_gs = base;
	return NEXT(op);
}

/* arg: the segment, + 8 to write */
OP(rdfsbase)
{
	if (!(c->cr4 & X86_CR4_FSGSBASE))
		x86_ud(c);
	x86_put(c, op->d, c->seg[op->s].base, op->size);
	return NEXT(op);
}

OP(wrfsbase)
{
	uint64_t v = x86_get(c, op->d, op->size);

	if (!(c->cr4 & X86_CR4_FSGSBASE))
		x86_ud(c);
	if ((uint64_t)((int64_t)(v << 16) >> 16) != v)
		x86_gp(c, 0);
	c->seg[op->s].base = c->sc[op->s].base = v;
	return NEXT(op);
}

static bool bind_fsbase(struct x86_bind *b)
{
	b->op->d = x86_bind_reg(b, 0);
	b->op->s = (uint8_t)b->row->arg;
	b->op->size = (uint8_t)x86_opnd_size(b, 0);
	b->op->fn = (x86_fn *)b->row->ptr;
	return true;
}

OP(stac)
{
	if (c->cpl)
		x86_ud(c);
	c->rflags = op->size ? c->rflags | X86_AC : c->rflags & ~(uint64_t)X86_AC;
	x86_tlb_select(c);
	return NEXT(op);
}

static bool bind_stac(struct x86_bind *b)
{
	b->op->size = (uint8_t)b->row->arg;
	b->op->fn = stac;
	return true;
}

/* --- facts --- */

static void cpuid_live(struct x86_cpu *c, uint32_t leaf, uint32_t reg[4])
{
	if (leaf == 1) {
		reg[CPUID_ECX] &= ~(1u << 27);
		if (c->cr4 & X86_CR4_OSXSAVE)
			reg[CPUID_ECX] |= 1u << 27;
		if (!(c->env.apic_base(c->env.opaque) & 0x800))
			reg[CPUID_EDX] &= ~(1u << 9);
	}
}

OP(cpuid)
{
	uint32_t leaf = (uint32_t)c->r[X86_RAX], sub = (uint32_t)c->r[X86_RCX];
	const struct cpuid_leaf *l = cpuid_find(&c->cpuid, leaf, sub);
	uint32_t reg[4] = {0};

	if (l)
		memcpy(reg, l->reg, sizeof(reg));
	cpuid_live(c, leaf, reg);
	c->r[X86_RAX] = reg[CPUID_EAX];
	c->r[X86_RBX] = reg[CPUID_EBX];
	c->r[X86_RCX] = reg[CPUID_ECX];
	c->r[X86_RDX] = reg[CPUID_EDX];
	return NEXT(op);
}

static void put_pair(struct x86_cpu *c, uint64_t v)
{
	c->r[X86_RAX] = (uint32_t)v;
	c->r[X86_RDX] = v >> 32;
}

/* op->size: RDTSCP */
OP(rdtsc)
{
	if (c->cr4 & X86_CR4_TSD && c->cpl)
		x86_gp(c, 0);
	put_pair(c, x86_tsc(c));
	if (op->s)
		c->r[X86_RCX] = (uint32_t)c->msr.tsc_aux;
	return NEXT(op);
}

static bool bind_rdtsc(struct x86_bind *b)
{
	b->op->s = (uint8_t)b->row->arg;
	b->op->fn = rdtsc;
	return true;
}

OP(rdpmc)
{
	x86_gp(c, 0);
}

OP(rdmsr)
{
	uint64_t v;

	x86_need_cpl0(c);
	if (!x86_msr_read(c, (uint32_t)c->r[X86_RCX], &v))
		x86_gp(c, 0);
	put_pair(c, v);
	return NEXT(op);
}

OP(wrmsr)
{
	x86_need_cpl0(c);
	if (!x86_msr_write(c, (uint32_t)c->r[X86_RCX],
			   (uint32_t)c->r[X86_RAX] | c->r[X86_RDX] << 32))
		x86_gp(c, 0);
	return x86_leave(c, op);
}

OP(rdrand)
{
	x86_put(c, op->d, x86_random(c), op->size);
	x86_set_arith(c, X86_CF);
	return NEXT(op);
}

static bool bind_rdrand(struct x86_bind *b)
{
	b->op->d = x86_bind_reg(b, 0);
	b->op->size = (uint8_t)x86_opnd_size(b, 0);
	b->op->fn = rdrand;
	return true;
}

const struct x86_row x86_rows_system[] = {
	{ZYDIS_MNEMONIC_CLI, x86_bind_plain, 0, cli},
	{ZYDIS_MNEMONIC_STI, x86_bind_plain, 1, sti},
	{ZYDIS_MNEMONIC_INT, bind_int},
	{ZYDIS_MNEMONIC_INT3, bind_int, X86_BP},
	{ZYDIS_MNEMONIC_INTO, x86_bind_plain, 1, into},
	{ZYDIS_MNEMONIC_INT1, x86_bind_plain, 1, int1},
	{ZYDIS_MNEMONIC_IRET, x86_bind_plain, 1, iret},
	{ZYDIS_MNEMONIC_IRETD, x86_bind_plain, 1, iret},
	{ZYDIS_MNEMONIC_IRETQ, x86_bind_plain, 1, iret},
	{ZYDIS_MNEMONIC_BOUND, bind_bound},
	{ZYDIS_MNEMONIC_UD0, x86_bind_plain, 1, ud},
	{ZYDIS_MNEMONIC_UD1, x86_bind_plain, 1, ud},
	{ZYDIS_MNEMONIC_UD2, x86_bind_plain, 1, ud},
	{ZYDIS_MNEMONIC_HLT, x86_bind_plain, 1, hlt},
	{ZYDIS_MNEMONIC_PAUSE, bind_pause},
	{ZYDIS_MNEMONIC_LGDT, bind_table, 0, load_table},
	{ZYDIS_MNEMONIC_LIDT, bind_table, 1, load_table},
	{ZYDIS_MNEMONIC_SGDT, bind_table, 0, store_table},
	{ZYDIS_MNEMONIC_SIDT, bind_table, 1, store_table},
	{ZYDIS_MNEMONIC_SLDT, x86_bind_16, 0, sldt},
	{ZYDIS_MNEMONIC_STR, x86_bind_16, 0, str},
	{ZYDIS_MNEMONIC_LLDT, x86_bind_16, 0, lldt},
	{ZYDIS_MNEMONIC_LTR, x86_bind_16, 0, ltr},
	{ZYDIS_MNEMONIC_INVLPG, bind_address, 1, invlpg},
	{ZYDIS_MNEMONIC_CLFLUSH, bind_address, 0, clflush},
	{ZYDIS_MNEMONIC_WBINVD, x86_bind_plain, 0, wbinvd},
	{ZYDIS_MNEMONIC_INVD, x86_bind_plain, 0, wbinvd},
	{ZYDIS_MNEMONIC_SYSCALL, x86_bind_plain, 1, syscall},
	{ZYDIS_MNEMONIC_SYSRET, x86_bind_plain, 1, sysret},
	{ZYDIS_MNEMONIC_SYSENTER, x86_bind_plain, 1, sysenter},
	{ZYDIS_MNEMONIC_SYSEXIT, x86_bind_plain, 1, sysexit},
	{ZYDIS_MNEMONIC_SWAPGS, x86_bind_plain, 0, swapgs},
	{ZYDIS_MNEMONIC_RDFSBASE, bind_fsbase, X86_FS, rdfsbase},
	{ZYDIS_MNEMONIC_RDGSBASE, bind_fsbase, X86_GS, rdfsbase},
	{ZYDIS_MNEMONIC_WRFSBASE, bind_fsbase, X86_FS, wrfsbase},
	{ZYDIS_MNEMONIC_WRGSBASE, bind_fsbase, X86_GS, wrfsbase},
	{ZYDIS_MNEMONIC_STAC, bind_stac, 1},
	{ZYDIS_MNEMONIC_CLAC, bind_stac, 0},
	{ZYDIS_MNEMONIC_CPUID, x86_bind_plain, 0, cpuid},
	{ZYDIS_MNEMONIC_RDTSC, bind_rdtsc, 0},
	{ZYDIS_MNEMONIC_RDTSCP, bind_rdtsc, 1},
	{ZYDIS_MNEMONIC_RDPMC, x86_bind_plain, 0, rdpmc},
	{ZYDIS_MNEMONIC_RDMSR, x86_bind_plain, 0, rdmsr},
	{ZYDIS_MNEMONIC_WRMSR, x86_bind_plain, 1, wrmsr},
	{ZYDIS_MNEMONIC_RDRAND, bind_rdrand},
	{ZYDIS_MNEMONIC_RDSEED, bind_rdrand},
	{ZYDIS_MNEMONIC_INVALID},
};
