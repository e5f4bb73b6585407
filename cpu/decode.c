// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the way from bytes to ops: Zydis decodes, the family's row binds, what is common is filled
 * in here.  Called by block.c; never reads memory or executes.
 */
#include <string.h>

#include "cpu/handlers.h"

/* --- what bind functions ask --- */

bool x86_is_mem(const struct x86_bind *b, unsigned n)
{
	return n < b->in->operand_count && b->opnd[n].type == ZYDIS_OPERAND_TYPE_MEMORY;
}

bool x86_is_reg(const struct x86_bind *b, unsigned n)
{
	return n < b->in->operand_count && b->opnd[n].type == ZYDIS_OPERAND_TYPE_REGISTER;
}

bool x86_is_imm(const struct x86_bind *b, unsigned n)
{
	return n < b->in->operand_count && b->opnd[n].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
}

unsigned x86_opnd_size(const struct x86_bind *b, unsigned n)
{
	return b->opnd[n].size / 8;
}

static uint8_t gpr8(ZydisRegister r)
{
	unsigned i = (unsigned)(r - ZYDIS_REGISTER_AL);

	if (i < 4)
		return (uint8_t)(8 * i);
	return (uint8_t)(i < 8 ? 8 * (i - 4) + 1 : 8 * (i - 4));
}

uint8_t x86_bind_reg(struct x86_bind *b, unsigned n)
{
	ZydisRegister r = b->opnd[n].reg.value;

	switch (ZydisRegisterGetClass(r)) {
	case ZYDIS_REGCLASS_GPR8:
		return gpr8(r);
	case ZYDIS_REGCLASS_GPR16:
	case ZYDIS_REGCLASS_GPR32:
	case ZYDIS_REGCLASS_GPR64:
		return (uint8_t)(8 * ZydisRegisterGetId(r));
	default:
		return (uint8_t)ZydisRegisterGetId(r);
	}
}

static uint8_t address_slot(ZydisRegister r)
{
	if (r == ZYDIS_REGISTER_NONE)
		return X86_R_ZERO;
	if (r == ZYDIS_REGISTER_RIP || r == ZYDIS_REGISTER_EIP)
		return X86_R_BLOCK;
	return (uint8_t)ZydisRegisterGetId(r);
}

/* SIB without a base: Zydis 4.0 makes R13D of it where 67 and REX.B stand before. */
static bool has_no_base(const ZydisDecodedInstruction *in)
{
	return in->address_width != 16 && in->raw.modrm.mod == 0 && in->raw.modrm.rm == 4 &&
	       in->raw.sib.base == 5;
}

void x86_bind_mem(struct x86_bind *b, unsigned n)
{
	const ZydisDecodedOperandMem *m = &b->opnd[n].mem;
	unsigned seg = m->segment == ZYDIS_REGISTER_NONE ? X86_DS
							 : (unsigned)ZydisRegisterGetId(m->segment);
	struct x86_op *op = b->op;

	op->base = address_slot(m->base);
	op->index = address_slot(m->index);
	op->scale = (uint8_t)(m->scale ? __builtin_ctz(m->scale) : 0);
	op->disp = (int32_t)m->disp.value;
	if (b->in->attributes & ZYDIS_ATTRIB_HAS_SIB && has_no_base(b->in)) {
		op->base = X86_R_ZERO;
		op->disp = (int32_t)b->in->raw.disp.value;
	}
	if (op->base == X86_R_BLOCK)
		op->disp += op->ip;
	op->seg = (uint8_t)seg;
	if (seg == X86_SS)
		op->flags |= X86_OPF_SS;
	if (b->in->address_width == 16)
		op->flags |= X86_OPF_A16 | X86_OPF_SLOW_EA;
	if (b->in->address_width == 32)
		op->flags |= X86_OPF_A32 | X86_OPF_SLOW_EA;
	if ((b->mode & X86_MODE_WIDTH) != 2 || seg == X86_FS || seg == X86_GS)
		op->flags |= X86_OPF_SLOW_EA;
	else
		op->seg = X86_SEGS;
}

bool x86_bind_rm(struct x86_bind *b, unsigned n, uint8_t *reg)
{
	if (!x86_is_mem(b, n)) {
		*reg = x86_bind_reg(b, n);
		return false;
	}
	x86_bind_mem(b, n);
	return true;
}

bool x86_has(const struct x86_cpu *c, uint32_t leaf, enum cpuid_reg reg, unsigned bit)
{
	const struct cpuid_leaf *l = cpuid_find((struct cpuid_table *)&c->cpuid, leaf, 0);

	return l && l->reg[reg] >> bit & 1;
}

/* --- instructions that CPUID can hide --- */

static const struct {
	ZydisISASet set;
	uint32_t leaf;
	enum cpuid_reg reg;
	uint8_t bit;
} gates[] = {
	{ZYDIS_ISA_SET_SSE3, 1, CPUID_ECX, 0},
	{ZYDIS_ISA_SET_SSE3X87, 1, CPUID_ECX, 0},
	{ZYDIS_ISA_SET_PCLMULQDQ, 1, CPUID_ECX, 1},
	{ZYDIS_ISA_SET_SSSE3, 1, CPUID_ECX, 9},
	{ZYDIS_ISA_SET_SSSE3MMX, 1, CPUID_ECX, 9},
	{ZYDIS_ISA_SET_CMPXCHG16B, 1, CPUID_ECX, 13},
	{ZYDIS_ISA_SET_SSE4, 1, CPUID_ECX, 19},
	{ZYDIS_ISA_SET_SSE42, 1, CPUID_ECX, 20},
	{ZYDIS_ISA_SET_MOVBE, 1, CPUID_ECX, 22},
	{ZYDIS_ISA_SET_POPCNT, 1, CPUID_ECX, 23},
	{ZYDIS_ISA_SET_AES, 1, CPUID_ECX, 25},
	{ZYDIS_ISA_SET_XSAVE, 1, CPUID_ECX, 26},
	{ZYDIS_ISA_SET_RDRAND, 1, CPUID_ECX, 30},
	{ZYDIS_ISA_SET_CMOV, 1, CPUID_EDX, 15},
	{ZYDIS_ISA_SET_FCMOV, 1, CPUID_EDX, 15},
	{ZYDIS_ISA_SET_CLFSH, 1, CPUID_EDX, 19},
	{ZYDIS_ISA_SET_FXSAVE, 1, CPUID_EDX, 24},
	{ZYDIS_ISA_SET_FXSAVE64, 1, CPUID_EDX, 24},
	{ZYDIS_ISA_SET_SSE, 1, CPUID_EDX, 25},
	{ZYDIS_ISA_SET_SSEMXCSR, 1, CPUID_EDX, 25},
	{ZYDIS_ISA_SET_SSE2, 1, CPUID_EDX, 26},
	{ZYDIS_ISA_SET_SSE2MMX, 1, CPUID_EDX, 26},
	{ZYDIS_ISA_SET_PENTIUMMMX, 1, CPUID_EDX, 23},
	{ZYDIS_ISA_SET_RDWRFSGS, 7, CPUID_EBX, 0},
	{ZYDIS_ISA_SET_RDSEED, 7, CPUID_EBX, 18},
	{ZYDIS_ISA_SET_SMAP, 7, CPUID_EBX, 20},
	{ZYDIS_ISA_SET_RDTSCP, 0x80000001, CPUID_EDX, 27},
};

static bool hidden(const struct x86_cpu *c, const ZydisDecodedInstruction *in)
{
	for (size_t i = 0; i < sizeof(gates) / sizeof(gates[0]); i++)
		if (gates[i].set == in->meta.isa_set)
			return !x86_has(c, gates[i].leaf, gates[i].reg, gates[i].bit);
	return false;
}

/* --- ops that are no instruction of the guest's --- */

static const struct x86_op *invalid(struct x86_cpu *c, const struct x86_op *op)
{
	x86_ud(c);
}

static const struct x86_op *too_long(struct x86_cpu *c, const struct x86_op *op)
{
	x86_gp(c, 0);
}

/* --- blocks --- */

static void prefixes(struct x86_bind *b)
{
	if (b->in->attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE))
		b->op->flags |= X86_OPF_REP;
	if (b->in->attributes & ZYDIS_ATTRIB_HAS_REPNE)
		b->op->flags |= X86_OPF_REPNE;
}

static void bind(struct x86_bind *b)
{
	b->row = b->cpu->set->row[b->in->mnemonic];
	prefixes(b);
	if (!b->row || hidden(b->cpu, b->in) || !b->row->bind(b)) {
		b->op->fn = invalid;
		b->op_n = 1;
		b->end = true;
	}
}

static void number(struct x86_block *b)
{
	unsigned left = b->n;

	for (unsigned i = 0; i < b->ops_n; i++)
		if (b->ops[i].len || b->ops[i].fn == invalid || b->ops[i].fn == too_long)
			b->ops[i].left = (uint8_t)left--;
}

static void fall_through(struct x86_block *b, unsigned page_off, unsigned off)
{
	struct x86_op *op = &b->ops[b->ops_n];

	memset(op, 0, 2 * sizeof(*op));
	op->fn = x86_op_fall;
	op->ip = (uint16_t)off;
	op->flags = page_off + off > 0xfff ? X86_OPF_FAR : 0;
	b->ops_n += 2;
	b->links = true;
}

int x86_decode(struct x86_cpu *c, struct x86_block *b, const uint8_t *code, unsigned len,
	       unsigned page_off, unsigned max)
{
	const ZydisDecoder *dec = &c->set->decoder[c->mode & X86_MODE_WIDTH];
	ZydisDecodedInstruction in;
	ZydisDecodedOperand opnd[ZYDIS_MAX_OPERAND_COUNT];
	struct x86_bind bind_to = {
		.in = &in, .opnd = opnd, .mode = c->mode, .cpu = c, .page_off = page_off};
	unsigned off = 0;

	memset(b, 0, sizeof(*b));
	while (b->n < max && off < len && !bind_to.end) {
		struct x86_op *op = &b->ops[b->ops_n];
		ZyanStatus st = ZydisDecoderDecodeFull(dec, code + off, len - off, &in, opnd);

		if (st == ZYDIS_STATUS_NO_MORE_DATA)
			break;
		memset(op, 0, 2 * sizeof(*op));
		op->ip = (uint16_t)off;
		bind_to.op = op;
		bind_to.op_n = 1;
		b->n++;
		if (ZYAN_SUCCESS(st)) {
			off += in.length;
			op->len = in.length;
			op->ip = (uint16_t)off;
			bind(&bind_to);
		} else {
			op->fn = st == ZYDIS_STATUS_INSTRUCTION_TOO_LONG ? too_long : invalid;
			off += off < len;
			bind_to.end = true;
		}
		b->ops_n += (uint16_t)bind_to.op_n;
		b->links = bind_to.op_n == 2;
	}
	if (!b->n)
		return -1;
	b->bytes = (uint16_t)off;
	if (!bind_to.end)
		fall_through(b, page_off, off);
	number(b);
	return 0;
}

static void add_rows(struct x86_set *s, const struct x86_row *r)
{
	for (; r->mnemonic != ZYDIS_MNEMONIC_INVALID; r++)
		s->row[r->mnemonic] = r;
}

void x86_decode_init(struct x86_set *s)
{
	static const ZydisMachineMode mode[3] = {ZYDIS_MACHINE_MODE_LEGACY_16,
						 ZYDIS_MACHINE_MODE_LEGACY_32,
						 ZYDIS_MACHINE_MODE_LONG_64};
	static const ZydisStackWidth width[3] = {ZYDIS_STACK_WIDTH_16, ZYDIS_STACK_WIDTH_32,
						 ZYDIS_STACK_WIDTH_64};
	static const ZydisDecoderMode off[] = {
		ZYDIS_DECODER_MODE_MPX,   ZYDIS_DECODER_MODE_CET,      ZYDIS_DECODER_MODE_LZCNT,
		ZYDIS_DECODER_MODE_TZCNT, ZYDIS_DECODER_MODE_CLDEMOTE, ZYDIS_DECODER_MODE_WBNOINVD};
	static const struct x86_row *const families[] = {
		x86_rows_move,   x86_rows_alu,    x86_rows_shift, x86_rows_mul,  x86_rows_bit,
		x86_rows_string, x86_rows_branch, x86_rows_stack, x86_rows_far,  x86_rows_control,
		x86_rows_system, x86_rows_io,     x86_rows_fpu,   x86_rows_simd, x86_rows_fxsave,
	};

	for (int i = 0; i < 3; i++) {
		ZydisDecoderInit(&s->decoder[i], mode[i], width[i]);
		for (size_t k = 0; k < sizeof(off) / sizeof(off[0]); k++)
			ZydisDecoderEnableMode(&s->decoder[i], off[k], ZYAN_FALSE);
	}
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		add_rows(s, families[i]);
}
