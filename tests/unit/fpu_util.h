/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the tests of the x87 and of its images: a soft CPU with one page of data, instructions bound
 * without decoder and blocks, a page for native code, random states full of edges.
 */
#ifndef TESTS_UNIT_FPU_UTIL_H
#define TESTS_UNIT_FPU_UTIL_H

#include <glib.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "cpu/flags.h"
#include "cpu/fpu.h"
#include "tests/unit/fp_edges.h"

#define PAGE 0x10000u /* the guest's one page of data */
#define BLOCK 0x401000u
#define SLOT 32u

struct fx { /* FXSAVE64 */
	uint16_t fcw, fsw;
	uint8_t ftw, zero;
	uint16_t fop;
	uint64_t fip, fdp;
	uint32_t mxcsr, mxcsr_mask;
	uint8_t st[8][16], xmm[256], software[96];
} __attribute__((aligned(64)));
struct xs {
	struct fx fx;
	uint64_t header[8];
};

typedef void stub(struct fx *state, void *mem, uint64_t *flags);

struct insn {
	uint8_t bytes[8];
	unsigned len;
	struct x86_op op[2];
	char name[16];
	stub *native;
};

struct rig {
	struct x86_cpu *c;
	uint8_t *ram;
	uint8_t *code;
	GArray *insns;
	GRand *rnd;
};

/* --- binding and running --- */

static inline const struct x86_row *row_of(ZydisMnemonic m)
{
	const struct x86_row *tables[] = {x86_rows_fpu, x86_rows_fxsave};

	for (int t = 0; t < 2; t++)
		for (const struct x86_row *r = tables[t]; r->mnemonic != ZYDIS_MNEMONIC_INVALID;
		     r++)
			if (r->mnemonic == m)
				return r;
	return NULL;
}

/* What follows the instruction: the end. */
static const struct x86_op *behind(struct x86_cpu *c, const struct x86_op *op)
{
	return op;
}

static inline bool decode(struct insn *i, const struct x86_cpu *c)
{
	ZydisDecodedInstruction in;
	ZydisDecodedOperand opnd[ZYDIS_MAX_OPERAND_COUNT];
	struct x86_bind b = {.in = &in, .opnd = opnd, .op = i->op, .op_n = 1, .mode = 2, .cpu = c};
	ZydisDecoder d;

	ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&d, i->bytes, sizeof(i->bytes), &in, opnd)))
		return false;
	memset(i->op, 0, sizeof(i->op));
	i->op[1].fn = behind;
	i->len = i->op->len = in.length;
	i->op->ip = in.length + 0x10;
	g_strlcpy(i->name, ZydisMnemonicGetString(in.mnemonic), sizeof(i->name));
	b.row = row_of(in.mnemonic);
	g_assert_nonnull(b.row);
	g_assert_true(b.row->bind(&b));
	return true;
}

static inline struct insn make(const struct rig *r, const char *hex)
{
	struct insn i = {0};
	unsigned n = 0, v;

	memset(i.bytes, 0x90, sizeof(i.bytes));
	for (; sscanf(hex, "%2x", &v) == 1; hex += 2)
		i.bytes[n++] = (uint8_t)v;
	g_assert_true(decode(&i, r->c));
	g_assert_cmpuint(i.len, ==, n);
	return i;
}

/* The vector that was raised, or -1. */
static inline int run(struct x86_cpu *c, const struct insn *i)
{
	if (sigsetjmp(c->escape, 0))
		return c->fault.vector;
	c->op = i->op;
	g_assert_true(i->op->fn(c, i->op) == i->op + 1);
	return -1;
}

static inline void rig_cpu(struct rig *r)
{
	struct x86_cpu *c = r->c = g_new0(struct x86_cpu, 1);

	memset(c->tlbs, 0xff, sizeof(c->tlbs));
	c->tlb = c->tlbs[0];
	c->tlb[PAGE >> 12].rtag = c->tlb[PAGE >> 12].wtag = PAGE;
	c->tlb[PAGE >> 12].addend = (uint64_t)(uintptr_t)r->ram - PAGE;
	c->tlb[PAGE >> 12].phys = PAGE;
	c->mode = 2;
	c->cr0 = 0x80000031;
	c->cr4 = 0x40600;
	c->efer = X86_EFER_LME | X86_EFER_LMA;
	c->xcr0 = 3;
	c->mxcsr = 0x1f80;
	c->delivering = -1;
	c->r[X86_R_BLOCK] = BLOCK;
	c->r[X86_RSI] = PAGE;
	c->fl_res = 1;
	x86_fpu_init(c);
}

static inline void rig_init(struct rig *r)
{
	r->ram = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	r->code =
		mmap(NULL, 1024 * SLOT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	g_assert_true(r->ram != MAP_FAILED && r->code != MAP_FAILED);
	r->insns = g_array_new(FALSE, TRUE, sizeof(struct insn));
	r->rnd = g_rand_new_with_seed(87);
	rig_cpu(r);
}

static inline void rig_fini(struct rig *r)
{
	munmap(r->ram, 4096);
	munmap(r->code, 1024 * SLOT);
	g_array_free(r->insns, TRUE);
	g_rand_free(r->rnd);
	g_free(r->c);
}

/* --- random states --- */

static inline uint64_t rnd64(GRand *r)
{
	return (uint64_t)g_rand_int(r) << 32 | g_rand_int(r);
}

static inline uint64_t rnd_mant(GRand *r)
{
	static const uint64_t edge[] = {SIGNIFICAND_EDGES};

	switch (g_rand_int_range(r, 0, 4)) {
	case 0:
		return edge[g_rand_int_range(r, 0, G_N_ELEMENTS(edge))];
	case 1:
		return rnd64(r) << g_rand_int_range(r, 0, 63);
	case 2:
		return rnd64(r);
	default:
		return rnd64(r) | 1ull << 63;
	}
}

static inline uint16_t rnd_exp(GRand *r)
{
	static const uint16_t edge[] = {0,      1,      0x7fff, 0x7ffe, 0x3fff, 0x3ffe,
					0x3ffd, 0x4000, 0x3c01, 0x3c00, 0x3bcd, 0x43fe,
					0x43ff, 0x3f81, 0x3f80, 0x3f6a, 0x407e, 0x407f,
					0x400e, 0x401e, 0x403e, 0x403d, 0x3fbf, 0x3fc0};
	uint16_t sign = (uint16_t)(g_rand_int(r) & 0x8000);

	switch (g_rand_int_range(r, 0, 3)) {
	case 0:
		return sign | edge[g_rand_int_range(r, 0, G_N_ELEMENTS(edge))];
	case 1:
		return sign | (uint16_t)g_rand_int_range(r, 0x3fe0, 0x4042);
	default:
		return sign | (uint16_t)g_rand_int_range(r, 0, 0x8000);
	}
}

static inline void rnd_reg(GRand *r, uint8_t *p)
{
	uint64_t m = rnd_mant(r);
	uint16_t e = rnd_exp(r);

	memcpy(p, &m, 8);
	memcpy(p + 8, &e, 2);
}

/* A number of any format at the start of 128 bytes. */
static inline void rnd_mem(GRand *r, uint8_t *p)
{
	static const double d[] = {0.0,   -0.0,   1.0,      -1.0, 0.5, 2.0,
				   1e300, 1e-300, 4.9e-324, 3.0,  1e10};
	uint64_t v = rnd64(r);

	for (int i = 0; i < 128; i++)
		p[i] = (uint8_t)g_rand_int(r);
	switch (g_rand_int_range(r, 0, 8)) {
	case 0:
		memcpy(p, &d[g_rand_int_range(r, 0, G_N_ELEMENTS(d))], 8);
		break;
	case 1: /* binary64 with an edge of an exponent */
		v = (v & ~0x7ff0000000000000) | (v & 1 ? 0x7ff0000000000000 : 0);
		v = v & 2 ? v & ~0x000fffffffffffff : v;
		memcpy(p, &v, 8);
		break;
	case 2: /* binary32 likewise */
		v = (v & ~0x7f800000ull) | (v & 1 ? 0x7f800000 : 0);
		v = v & 2 ? v & ~0x007fffffull : v;
		memcpy(p, &v, 8);
		break;
	case 3: /* binary32, ordinary */
		v = (v & 0x80ffffff) | 0x3f000000;
		memcpy(p, &v, 4);
		break;
	case 4: /* integers, small */
		v = (uint64_t)((int64_t)v >> g_rand_int_range(r, 0, 64));
		memcpy(p, &v, 8);
		break;
	case 5: /* packed decimal */
		for (int i = 0; i < 9; i++)
			p[i] = (uint8_t)(g_rand_int_range(r, 0, 10) << 4 |
					 g_rand_int_range(r, 0, 10));
		p[9] &= 0x80;
		break;
	case 6:
		rnd_reg(r, p);
		break;
	}
}

static inline void rnd_state(GRand *r, struct fx *s)
{
	uint32_t bits = g_rand_int(r);
	bool masked = bits & 1, full = bits & 2;

	memset(s, 0, sizeof(*s));
	s->mxcsr = 0x1f80;
	s->fcw = (uint16_t)(0x40 | (g_rand_int(r) & 0x1f3f));
	if (masked)
		s->fcw |= 0x3f;
	if (masked && bits & 4)
		s->fcw = 0x37f;
	s->fsw = (uint16_t)g_rand_int(r) & 0x7f7f;
	if (bits & 8)
		s->fsw &= ~0x7f;
	s->fsw &= (uint16_t) ~(~s->fcw & 0x3f); /* nothing pending */
	s->ftw = full ? (uint8_t) ~(1u << (((s->fsw >> 11) - 1) & 7)) : (uint8_t)g_rand_int(r);
	if (full && bits & 16)
		s->ftw = 0xff;
	for (int i = 0; i < 8; i++)
		rnd_reg(r, s->st[i]);
}

#endif
