// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the binding of x87 instructions and the quick ways of the usual ones: moves in C, arithmetic
 * by one host instruction between FLD and FSTP.  Called by decode.c through x86_rows_fpu.  A quick
 * way is only for masked exceptions and a stack that does not fault; fpu_native.c does the rest, so
 * nothing here knows how an exception is answered.
 *
 * Invariants: the host's x87 is empty and has control word 37f between instructions.  Its sticky
 * flags may stay set as long as the guest's are set too: nothing is lost then.
 */
#include "cpu/flags.h"
#include "cpu/fpu_int.h"

#define CW_MASKS 0x7f
#define CW_RULES 0x0f00 /* precision and rounding */
#define CW_USUAL 0x0300 /* 64 bits, to nearest: the host's own */

typedef __typeof__(((struct x86_fpu *)0)->reg[0]) reg;

static inline reg *st(struct x86_fpu *f, unsigned i)
{
	return &f->reg[(f->top + i) & 7];
}

static inline bool masked(const struct x86_fpu *f)
{
	return (f->fcw & X87_EXCEPTIONS) == X87_EXCEPTIONS;
}

static inline bool filled(const struct x86_fpu *f, unsigned i)
{
	return f->valid >> ((f->top + i) & 7) & 1;
}

static inline void pop(struct x86_fpu *f)
{
	f->valid &= (uint8_t) ~(1u << f->top);
	f->top = (f->top + 1) & 7;
}

static inline reg *push(struct x86_fpu *f)
{
	f->top = (f->top - 1) & 7;
	f->valid |= (uint8_t)(1u << f->top);
	f->fsw &= (uint16_t)~X87_C1;
	return &f->reg[f->top];
}

/* --- on the host --- */

static const uint16_t host_cw = CW_USUAL | CW_MASKS;

static inline void enter(const struct x86_fpu *f)
{
	uint16_t sw, cw;

	__asm__ volatile("fnstsw %0" : "=a"(sw));
	if (!x86_likely(!(sw & ~f->fsw & X87_EXCEPTIONS)))
		__asm__ volatile("fnclex");
	if (!x86_likely((f->fcw & CW_RULES) == CW_USUAL)) {
		cw = (f->fcw & CW_RULES) | CW_MASKS;
		__asm__ volatile("fldcw %0" : : "m"(cw));
	}
}

static inline void leave(const struct x86_fpu *f)
{
	if (!x86_likely((f->fcw & CW_RULES) == CW_USUAL))
		__asm__ volatile("fldcw %0" : : "m"(host_cw));
}

/* cc: the condition codes that the instruction defines. */
static inline void raised(struct x86_fpu *f, uint16_t sw, unsigned cc)
{
	f->fsw = (uint16_t)((f->fsw & ~cc) | (sw & (X87_EXCEPTIONS | cc)));
}

#define HOST2 "st", "st(1)"

/* --- arithmetic: a = a op b --- */

#define ARITH_MEM(name, insn, bits)                                                  \
	static const struct x86_op *name(struct x86_cpu *c, const struct x86_op *op) \
	{                                                                            \
		struct x86_fpu *f = &c->fpu;                                         \
		uint##bits##_t m;                                                    \
		uint16_t sw;                                                         \
		reg *a;                                                              \
                                                                                     \
		x86_fpu_wait(c);                                                     \
		m = x86_ld##bits(c, x86_ea_r(c, op, bits / 8));                      \
		if (!masked(f) || !filled(f, 0))                                     \
			return x87_native_with(c, op, &m);                           \
		a = st(f, 0);                                                        \
		enter(f);                                                            \
		__asm__ volatile("fldt %1\n\t" insn " %2\n\tfnstsw %0\n\tfstpt %1"   \
				 : "=&a"(sw), "+m"(*a)                               \
				 : "m"(m)                                            \
				 : HOST2);                                           \
		leave(f);                                                            \
		raised(f, sw, X87_C1);                                               \
		return x87_done_mem(c, op);                                          \
	}

/* di, si: which of ST(0) and ST(op->d). */
#define ARITH_REG(name, insn, di, si, after)                                         \
	static const struct x86_op *name(struct x86_cpu *c, const struct x86_op *op) \
	{                                                                            \
		struct x86_fpu *f = &c->fpu;                                         \
		uint16_t sw;                                                         \
		reg *a = st(f, di), *b = st(f, si);                                  \
                                                                                     \
		x86_fpu_wait(c);                                                     \
		if (!masked(f) || !filled(f, di) || !filled(f, si))                  \
			return x87_native(c, op);                                    \
		enter(f);                                                            \
		__asm__ volatile("fldt %2\n\tfldt %1\n\t" insn " %%st(1), %%st\n\t"  \
				 "fnstsw %0\n\tfstpt %1\n\tfstp %%st(0)"             \
				 : "=&a"(sw), "+m"(*a)                               \
				 : "m"(*b)                                           \
				 : HOST2);                                           \
		leave(f);                                                            \
		raised(f, sw, X87_C1);                                               \
		after;                                                               \
		return x87_done(c, op);                                              \
	}

#define ARITH(name)                                            \
	ARITH_MEM(f##name##_m32, "f" #name "s", 32)            \
	ARITH_MEM(f##name##_m64, "f" #name "l", 64)            \
	ARITH_MEM(fi##name##_m16, "fi" #name "s", 16)          \
	ARITH_MEM(fi##name##_m32, "fi" #name "l", 32)          \
	ARITH_REG(f##name##_st, "f" #name, 0, op->d, (void)0)  \
	ARITH_REG(f##name##_sti, "f" #name, op->d, 0, (void)0) \
	ARITH_REG(f##name##p, "f" #name, op->d, 0, pop(f))
ARITH(add)
ARITH(mul)
ARITH(sub)
ARITH(subr)
ARITH(div)
ARITH(divr)

#define UNARY(name)                                                                  \
	static const struct x86_op *name(struct x86_cpu *c, const struct x86_op *op) \
	{                                                                            \
		struct x86_fpu *f = &c->fpu;                                         \
		uint16_t sw;                                                         \
		reg *a = st(f, 0);                                                   \
                                                                                     \
		x86_fpu_wait(c);                                                     \
		if (!masked(f) || !filled(f, 0))                                     \
			return x87_native(c, op);                                    \
		enter(f);                                                            \
		__asm__ volatile("fldt %1\n\t" #name "\n\tfnstsw %0\n\tfstpt %1"     \
				 : "=&a"(sw), "+m"(*a)                               \
				 :                                                   \
				 : HOST2);                                           \
		leave(f);                                                            \
		raised(f, sw, X87_C1);                                               \
		return x87_done(c, op);                                              \
	}
UNARY(fsqrt)
UNARY(frndint)

/* --- comparisons --- */

#define COMPARE_MEM(name, insn, bits, after)                                         \
	static const struct x86_op *name(struct x86_cpu *c, const struct x86_op *op) \
	{                                                                            \
		struct x86_fpu *f = &c->fpu;                                         \
		uint##bits##_t m;                                                    \
		uint16_t sw;                                                         \
                                                                                     \
		x86_fpu_wait(c);                                                     \
		m = x86_ld##bits(c, x86_ea_r(c, op, bits / 8));                      \
		if (!masked(f) || !filled(f, 0))                                     \
			return x87_native_with(c, op, &m);                           \
		enter(f);                                                            \
		__asm__ volatile("fldt %1\n\t" insn " %2\n\tfnstsw %0"               \
				 : "=&a"(sw)                                         \
				 : "m"(*st(f, 0)), "m"(m)                            \
				 : HOST2);                                           \
		leave(f);                                                            \
		raised(f, sw, X87_CC);                                               \
		after;                                                               \
		return x87_done_mem(c, op);                                          \
	}
#define COMPARES_MEM(name, insn, bits)                   \
	COMPARE_MEM(name##_m##bits, insn, bits, (void)0) \
	COMPARE_MEM(name##p_m##bits, insn, bits, pop(f))
COMPARES_MEM(fcom, "fcomps", 32)
COMPARES_MEM(ficom, "ficomps", 16)
COMPARES_MEM(ficom, "ficompl", 32)
COMPARE_MEM(fcom_m64, "fcompl", 64, (void)0)
COMPARE_MEM(fcomp_m64, "fcompl", 64, pop(f))

/* cc: where the outcome goes, X87_CC or, by `after`, RFLAGS. */
#define COMPARE_REG(name, insn, cc, after)                                           \
	static const struct x86_op *name(struct x86_cpu *c, const struct x86_op *op) \
	{                                                                            \
		struct x86_fpu *f = &c->fpu;                                         \
		uint16_t sw;                                                         \
                                                                                     \
		x86_fpu_wait(c);                                                     \
		if (!masked(f) || !filled(f, 0) || !filled(f, op->d))                \
			return x87_native(c, op);                                    \
		enter(f);                                                            \
		__asm__ volatile("fldt %2\n\tfldt %1\n\t" insn "\n\tfnstsw %0"       \
				 : "=&a"(sw)                                         \
				 : "m"(*st(f, 0)), "m"(*st(f, op->d))                \
				 : HOST2);                                           \
		leave(f);                                                            \
		raised(f, sw, cc);                                                   \
		after;                                                               \
		return x87_done(c, op);                                              \
	}

/* C0, C2 and C3 lie under CF, PF and ZF once shifted; the other flags are cleared. */
static inline void flags_of(struct x86_cpu *c, uint16_t sw)
{
	x86_set_arith(c, sw >> 8 & (X86_CF | X86_PF | X86_ZF));
}

COMPARE_REG(fcom, "fcompp", X87_CC, (void)0)
COMPARE_REG(fcomp, "fcompp", X87_CC, pop(f))
COMPARE_REG(fcompp, "fcompp", X87_CC, (pop(f), pop(f)))
COMPARE_REG(fucom, "fucompp", X87_CC, (void)0)
COMPARE_REG(fucomp, "fucompp", X87_CC, pop(f))
COMPARE_REG(fucompp, "fucompp", X87_CC, (pop(f), pop(f)))
COMPARE_REG(fcomi, "fcompp", X87_C1, flags_of(c, sw))
COMPARE_REG(fcomip, "fcompp", X87_C1, (flags_of(c, sw), pop(f)))
COMPARE_REG(fucomi, "fucompp", X87_C1, flags_of(c, sw))
COMPARE_REG(fucomip, "fucompp", X87_C1, (flags_of(c, sw), pop(f)))

/* --- loads --- */

/*
 * A binary32 (fbits 23, ebits 8) or binary64 (52, 11) as a register; false for what raises an
 * exception: denormals and signalling NaNs.
 */
static inline bool widen(reg *r, uint64_t v, unsigned fbits, unsigned ebits)
{
	unsigned emax = (1u << ebits) - 1, exp = v >> fbits & emax;
	uint64_t frac = v << (64 - fbits) >> 1;

	if (exp == 0 && frac)
		return false;
	if (exp == emax && frac && !(frac >> 62))
		return false;
	r->mant = exp ? frac | (uint64_t)1 << 63 : 0;
	if (exp == emax)
		exp = 0x7fff;
	else if (exp)
		exp += 0x3fff - (emax >> 1);
	r->exp = (uint16_t)(exp | (v >> (fbits + ebits) & 1) << 15);
	return true;
}

static inline void of_int(reg *r, int64_t v)
{
	uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;
	unsigned lz = u ? (unsigned)__builtin_clzll(u) : 0;

	r->mant = u << lz;
	r->exp = u ? (uint16_t)((0x3fff + 63 - lz) | (v < 0) << 15) : 0;
}

/* into: fills t from m, or is false. */
#define LOAD(name, bits, into)                                                       \
	static const struct x86_op *name(struct x86_cpu *c, const struct x86_op *op) \
	{                                                                            \
		struct x86_fpu *f = &c->fpu;                                         \
		uint##bits##_t m;                                                    \
		reg t;                                                               \
                                                                                     \
		x86_fpu_wait(c);                                                     \
		m = x86_ld##bits(c, x86_ea_r(c, op, bits / 8));                      \
		if (filled(f, 7) || !(into))                                         \
			return x87_native_with(c, op, &m);                           \
		reg *r = push(f);                                                    \
		r->mant = t.mant;                                                    \
		r->exp = t.exp;                                                      \
		return x87_done_mem(c, op);                                          \
	}
LOAD(fld_m32, 32, widen(&t, m, 23, 8))
LOAD(fld_m64, 64, widen(&t, m, 52, 11))
LOAD(fild_m16, 16, (of_int(&t, (int16_t)m), true))
LOAD(fild_m32, 32, (of_int(&t, (int32_t)m), true))
LOAD(fild_m64, 64, (of_int(&t, (int64_t)m), true))

static const struct x86_op *fld_st(struct x86_cpu *c, const struct x86_op *op)
{
	struct x86_fpu *f = &c->fpu;
	reg *from = st(f, op->d);

	x86_fpu_wait(c);
	if (!filled(f, op->d) || filled(f, 7))
		return x87_native(c, op);
	*push(f) = *from;
	return x87_done(c, op);
}

/* ST(0) = the constant; the other ones depend on the rounding: native. */
static const struct x86_op *fld_const(struct x86_cpu *c, const struct x86_op *op, uint64_t mant,
				      uint16_t exp)
{
	reg *r;

	x86_fpu_wait(c);
	if (filled(&c->fpu, 7))
		return x87_native(c, op);
	r = push(&c->fpu);
	r->mant = mant;
	r->exp = exp;
	return x87_done(c, op);
}

static const struct x86_op *fld1(struct x86_cpu *c, const struct x86_op *op)
{
	return fld_const(c, op, (uint64_t)1 << 63, 0x3fff);
}

static const struct x86_op *fldz(struct x86_cpu *c, const struct x86_op *op)
{
	return fld_const(c, op, 0, 0);
}

/* --- stores --- */

#define STORE(name, insn, bits, after)                                               \
	static const struct x86_op *name(struct x86_cpu *c, const struct x86_op *op) \
	{                                                                            \
		struct x86_fpu *f = &c->fpu;                                         \
		uint##bits##_t m;                                                    \
		uint64_t lin;                                                        \
		uint16_t sw;                                                         \
                                                                                     \
		x86_fpu_wait(c);                                                     \
		if (!masked(f) || !filled(f, 0))                                     \
			return x87_native_store(c, op);                              \
		lin = x86_ea_w(c, op, bits / 8);                                     \
		enter(f);                                                            \
		__asm__ volatile("fldt %2\n\t" insn " %1\n\tfnstsw %0"               \
				 : "=&a"(sw), "=m"(m)                                \
				 : "m"(*st(f, 0))                                    \
				 : HOST2);                                           \
		leave(f);                                                            \
		x86_st##bits(c, lin, m);                                             \
		raised(f, sw, X87_C1);                                               \
		after;                                                               \
		return x87_done_mem(c, op);                                          \
	}
#define STORES(name, insn, bits)                   \
	STORE(name##_m##bits, insn, bits, (void)0) \
	STORE(name##p_m##bits, insn, bits, pop(f))
STORES(fst, "fstps", 32)
STORES(fst, "fstpl", 64)
STORES(fist, "fistps", 16)
STORES(fist, "fistpl", 32)
STORE(fistp_m64, "fistpll", 64, pop(f))
STORE(fisttp_m16, "fisttps", 16, pop(f))
STORE(fisttp_m32, "fisttpl", 32, pop(f))
STORE(fisttp_m64, "fisttpll", 64, pop(f))

/* FST to an empty register fills it. */
static inline const struct x86_op *store_st(struct x86_cpu *c, const struct x86_op *op,
					    bool and_pop)
{
	struct x86_fpu *f = &c->fpu;

	x86_fpu_wait(c);
	if (!filled(f, 0))
		return x87_native(c, op);
	*st(f, op->d) = *st(f, 0);
	f->valid |= (uint8_t)(1u << ((f->top + op->d) & 7));
	f->fsw &= (uint16_t)~X87_C1;
	if (and_pop)
		pop(f);
	return x87_done(c, op);
}

static const struct x86_op *fst_st(struct x86_cpu *c, const struct x86_op *op)
{
	return store_st(c, op, false);
}

static const struct x86_op *fstp_st(struct x86_cpu *c, const struct x86_op *op)
{
	return store_st(c, op, true);
}

/* --- moves within the stack --- */

static const struct x86_op *fxch(struct x86_cpu *c, const struct x86_op *op)
{
	struct x86_fpu *f = &c->fpu;
	reg *a = st(f, 0), *b = st(f, op->d), t;

	x86_fpu_wait(c);
	if (!filled(f, 0) || !filled(f, op->d))
		return x87_native(c, op);
	t = *a;
	*a = *b;
	*b = t;
	f->fsw &= (uint16_t)~X87_C1;
	return x87_done(c, op);
}

/* DA is B, E, BE, U; DB the opposites. */
static bool cmov_holds(const struct x86_cpu *c, unsigned fop)
{
	bool holds[4] = {x86_cf(c), x86_zf(c), x86_cf(c) || x86_zf(c), x86_pf(c)};

	return holds[fop >> 3 & 3] != (fop >> 8 & 1);
}

static const struct x86_op *fcmov(struct x86_cpu *c, const struct x86_op *op)
{
	struct x86_fpu *f = &c->fpu;

	x86_fpu_wait(c);
	if (!filled(f, 0) || !filled(f, op->d))
		return x87_native(c, op);
	if (cmov_holds(c, (unsigned)op->imm))
		*st(f, 0) = *st(f, op->d);
	return x87_done(c, op);
}

static inline const struct x86_op *sign(struct x86_cpu *c, const struct x86_op *op, unsigned keep,
					unsigned flip)
{
	struct x86_fpu *f = &c->fpu;
	reg *a = st(f, 0);

	x86_fpu_wait(c);
	if (!filled(f, 0))
		return x87_native(c, op);
	a->exp = (uint16_t)((a->exp & keep) ^ flip);
	f->fsw &= (uint16_t)~X87_C1;
	return x87_done(c, op);
}

static const struct x86_op *fabs_(struct x86_cpu *c, const struct x86_op *op)
{
	return sign(c, op, 0x7fff, 0);
}

static const struct x86_op *fchs(struct x86_cpu *c, const struct x86_op *op)
{
	return sign(c, op, 0xffff, 0x8000);
}

/* --- which function: by the first byte and ModRM --- */

#define ARITHS(suffix, com)                                                           \
	{                                                                             \
		fadd##suffix, fmul##suffix, com, com##p, fsub##suffix, fsubr##suffix, \
			fdiv##suffix, fdivr##suffix                                   \
	}
#define ARITHS_MEM(i, m)                                                                    \
	{                                                                                   \
		f##i##add_##m, f##i##mul_##m, f##i##com_##m, f##i##comp_##m, f##i##sub_##m, \
			f##i##subr_##m, f##i##div_##m, f##i##divr_##m                       \
	}

/* [byte - d8][ModRM.reg] */
static x86_fn *const mem_fns[8][8] = {
	ARITHS_MEM(, m32),
	{fld_m32, NULL, fst_m32, fstp_m32, x87_fldenv, x87_fldcw, x87_fnstenv, x87_fnstcw},
	ARITHS_MEM(i, m32),
	{fild_m32, fisttp_m32, fist_m32, fistp_m32, NULL, x87_native_load, NULL, x87_native_store},
	ARITHS_MEM(, m64),
	{fld_m64, fisttp_m64, fst_m64, fstp_m64, x87_frstor, NULL, x87_fnsave, x87_fnstsw},
	ARITHS_MEM(i, m16),
	{fild_m16, fisttp_m16, fist_m16, fistp_m16, x87_native_load, fild_m64, x87_native_store,
	 fistp_m64},
};

/* The same with registers.  Where ModRM.rm is not i of ST(i), the row may know better. */
static x86_fn *const reg_fns[8][8] = {
	ARITHS(_st, fcom),
	{fld_st, fxch, x87_fnop, x87_native, x87_native, x87_native, x87_native, x87_native},
	{fcmov, fcmov, fcmov, fcmov, NULL, fucompp, NULL, NULL},
	{fcmov, fcmov, fcmov, fcmov, NULL, fucomi, fcomi, NULL},
	{fadd_sti, fmul_sti, fcom, fcomp, fsubr_sti, fsub_sti, fdivr_sti, fdiv_sti},
	{x87_native, fxch, fst_st, fstp_st, fucom, fucomp, NULL, NULL},
	{faddp, fmulp, fcomp, fcompp, fsubrp, fsubp, fdivrp, fdivp},
	{x87_native, fxch, fstp_st, fstp_st, x87_fnstsw_ax, fucomip, fcomip, NULL},
};

static bool bind_fpu(struct x86_bind *b)
{
	unsigned first = b->in->opcode & 7, modrm_reg = b->in->raw.modrm.reg;
	struct x86_op *op = b->op;

	op->imm = first << 8 | b->in->raw.modrm.mod << 6 | modrm_reg << 3 | b->in->raw.modrm.rm;
	op->d = b->in->raw.modrm.rm;
	if (x86_is_mem(b, 0)) {
		op->fn = mem_fns[first][modrm_reg];
		op->size = (uint8_t)x86_opnd_size(b, 0);
		x86_bind_mem(b, 0);
	} else {
		op->fn = b->row->ptr ? (x86_fn *)b->row->ptr : reg_fns[first][modrm_reg];
	}
	return op->fn != NULL;
}

static bool bind_fwait(struct x86_bind *b)
{
	b->op->fn = x87_fwait;
	return true;
}

#define ROW(name)                               \
	{                                       \
		ZYDIS_MNEMONIC_##name, bind_fpu \
	}
#define ROW_FN(name, fn)                                               \
	{                                                              \
		ZYDIS_MNEMONIC_##name, bind_fpu, 0, (const void *)(fn) \
	}

const struct x86_row x86_rows_fpu[] = {
	/* clang-format off */
	ROW(FLD), ROW(FST), ROW(FSTP), ROW(FSTPNCE), ROW(FXCH), ROW(FILD), ROW(FIST), ROW(FISTP),
	ROW(FISTTP), ROW(FBLD), ROW(FBSTP),
	ROW(FADD), ROW(FADDP), ROW(FIADD), ROW(FMUL), ROW(FMULP), ROW(FIMUL),
	ROW(FSUB), ROW(FSUBP), ROW(FISUB), ROW(FSUBR), ROW(FSUBRP), ROW(FISUBR),
	ROW(FDIV), ROW(FDIVP), ROW(FIDIV), ROW(FDIVR), ROW(FDIVRP), ROW(FIDIVR),
	ROW(FCOM), ROW(FCOMP), ROW(FCOMPP), ROW(FICOM), ROW(FICOMP), ROW(FUCOM), ROW(FUCOMP),
	ROW(FUCOMPP), ROW(FCOMI), ROW(FCOMIP), ROW(FUCOMI), ROW(FUCOMIP), ROW(FTST), ROW(FXAM),
	ROW(FCMOVB), ROW(FCMOVE), ROW(FCMOVBE), ROW(FCMOVU), ROW(FCMOVNB), ROW(FCMOVNE),
	ROW(FCMOVNBE), ROW(FCMOVNU),
	ROW_FN(FABS, fabs_), ROW_FN(FCHS, fchs), ROW_FN(FSQRT, fsqrt), ROW_FN(FRNDINT, frndint),
	ROW(FSCALE), ROW(FXTRACT), ROW(FPREM), ROW(FPREM1), ROW(FSIN), ROW(FCOS), ROW(FSINCOS),
	ROW(FPTAN), ROW(FPATAN), ROW(F2XM1), ROW(FYL2X), ROW(FYL2XP1),
	ROW_FN(FLD1, fld1), ROW_FN(FLDZ, fldz), ROW(FLDL2T), ROW(FLDL2E), ROW(FLDPI), ROW(FLDLG2),
	ROW(FLDLN2), ROW(FINCSTP), ROW(FDECSTP), ROW(FFREE), ROW(FFREEP),
	ROW(FLDCW), ROW(FNSTCW), ROW(FNSTSW), ROW(FLDENV), ROW(FNSTENV), ROW(FRSTOR), ROW(FNSAVE),
	ROW_FN(FNINIT, x87_fninit), ROW_FN(FNCLEX, x87_fnclex), ROW_FN(FNOP, x87_fnop),
	ROW_FN(FENI8087_NOP, x87_fn8087), ROW_FN(FDISI8087_NOP, x87_fn8087),
	ROW_FN(FSETPM287_NOP, x87_fn8087),
	{ZYDIS_MNEMONIC_FWAIT, bind_fwait},
	{ZYDIS_MNEMONIC_INVALID},
	/* clang-format on */
};
