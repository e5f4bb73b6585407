// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rows of the SSE and MMX instructions, and how a form of one is found by its operands.
 * decode.c calls bind functions through x86_rows_simd; handlers call the cold ends at the bottom.
 * It knows no instruction: the lists of forms are beside their handlers.
 */
#include "cpu/simd.h"
#include "cpu/simd_list.h"

static unsigned reg_kind(ZydisRegister reg)
{
	switch (ZydisRegisterGetClass(reg)) {
	case ZYDIS_REGCLASS_XMM:
		return SIMD_X;
	case ZYDIS_REGCLASS_MMX:
		return SIMD_MM;
	case ZYDIS_REGCLASS_GPR32:
		return SIMD_R4;
	case ZYDIS_REGCLASS_GPR64:
		return SIMD_R8;
	default:
		return 0;
	}
}

static unsigned kind(const struct x86_bind *b, unsigned n)
{
	if (n >= b->in->operand_count_visible)
		return SIMD_NONE;
	if (x86_is_mem(b, n))
		return SIMD_MEM;
	return x86_is_reg(b, n) ? reg_kind(b->opnd[n].reg.value) : SIMD_IMM;
}

static void bind_operands(struct x86_bind *b)
{
	for (unsigned i = 0; i < b->in->operand_count_visible; i++) {
		if (x86_is_mem(b, i))
			x86_bind_mem(b, i);
		else if (x86_is_imm(b, i))
			b->op->imm = (uint8_t)b->opnd[i].imm.value.u;
		else if (i == 0)
			b->op->d = x86_bind_reg(b, i);
		else if (i == 1)
			b->op->s = x86_bind_reg(b, i);
	}
	b->op->size = b->in->operand_width == 64 ? 8 : 4;
}

bool x86_simd_bind_forms(struct x86_bind *b, const struct x86_simd_form *f)
{
	unsigned d = kind(b, 0), s = kind(b, 1);

	while (f->fn && !((f->d & d) && (f->s & s)))
		f++;
	if (!f->fn)
		return false;
	bind_operands(b);
	b->op->fn = f->fn;
	return true;
}

bool x86_simd_bind(struct x86_bind *b)
{
	return x86_simd_bind_forms(b, b->row->ptr);
}

bool x86_bind_movsd_sse(struct x86_bind *b)
{
	return x86_simd_bind_forms(b, x86_simd_MOVSD);
}

bool x86_bind_cmpsd_sse(struct x86_bind *b)
{
	return x86_simd_bind_forms(b, x86_simd_CMPSD);
}

bool x86_simd_bind_maskmov(struct x86_bind *b)
{
	if (!x86_simd_bind_forms(b, b->row->ptr))
		return false;
	for (unsigned i = 2; i < b->in->operand_count; i++) {
		if (b->opnd[i].type == ZYDIS_OPERAND_TYPE_MEMORY) {
			x86_bind_mem(b, i);
			return true;
		}
	}
	return false;
}

/* clang-format off */
#define ROW(M, ...) {ZYDIS_MNEMONIC_##M, x86_simd_bind, 0, x86_simd_##M},
#define ROW_MASKMOV(M) {ZYDIS_MNEMONIC_##M, x86_simd_bind_maskmov, 0, x86_simd_##M},
const struct x86_row x86_rows_simd[] = {
	SIMD_LIST_MMX(ROW)
	SIMD_LIST_SHIFT(ROW)
	SIMD_LIST_XMM(ROW)
	SIMD_LIST_XMM_IMM(ROW)
	SIMD_LIST_OWN(ROW)
	SIMD_LIST_FP(ROW)
	SIMD_LIST_FP_IMM(ROW)
	SIMD_LIST_MASKMOV(ROW_MASKMOV)
	{ZYDIS_MNEMONIC_INVALID},
};
/* clang-format on */

/* --- cold ends of handlers --- */

void x86_simd_off(struct x86_cpu *c)
{
	if ((c->cr0 & X86_CR0_EM) || !(c->cr4 & X86_CR4_OSFXSR))
		x86_ud(c);
	x86_raise(c, X86_NM, 0);
}

void x86_mmx_off(struct x86_cpu *c)
{
	if (c->cr0 & X86_CR0_EM)
		x86_ud(c);
	x86_raise(c, c->cr0 & X86_CR0_TS ? X86_NM : X86_MF, 0);
}

__attribute__((noinline)) x86_xmm x86_ldv_slow(struct x86_cpu *c, uint64_t lin)
{
	union x86_vec v;

	x86_load_buf(c, lin, &v, sizeof(v));
	return _mm_load_si128((const x86_xmm *)&v);
}

__attribute__((noinline)) void x86_stv_slow(struct x86_cpu *c, uint64_t lin, x86_xmm v)
{
	x86_store_buf(c, lin, &v, sizeof(v));
}
