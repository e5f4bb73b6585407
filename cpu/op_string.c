// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns string instructions and REP (SDM 1, 7.3.9).  Bound by decode.c, called by blocks.  A
 * repeated one writes rCX, rSI and rDI back before each access that can fault, so that it goes on
 * where it stood; after a while it lets interrupts in.
 */
#include <glib.h>

#include "cpu/handlers.h"
#include "cpu/simd.h"

enum { ROUND = 4096 }; /* elements between two looks at c->limit */

static inline uint64_t offset(const struct x86_cpu *c, const struct x86_op *op, unsigned reg)
{
	uint64_t v = c->r[reg];

	return op->flags & X86_OPF_A16 ? (uint16_t)v : op->flags & X86_OPF_A32 ? (uint32_t)v : v;
}

static inline void set_offset(struct x86_cpu *c, const struct x86_op *op, unsigned reg, uint64_t v)
{
	x86_put(c, 8 * reg, v, op->flags & X86_OPF_A16 ? 2 : op->flags & X86_OPF_A32 ? 4 : 8);
}

static inline void advance(struct x86_cpu *c, const struct x86_op *op, unsigned reg, uint64_t n)
{
	set_offset(c, op, reg, c->rflags & X86_DF ? c->r[reg] - n : c->r[reg] + n);
}

/* --- many elements at once: DF clear, plain RAM, no segment's end --- */

/* How many of n bytes at seg:off may be touched through *host. */
static unsigned run(struct x86_cpu *c, const struct x86_op *op, unsigned seg, uint64_t off,
		    uint64_t n, bool write, uint8_t **host)
{
	const struct x86_segcache *s = &c->sc[seg];
	unsigned len = (unsigned)MIN(n, 0x1000);

	if (!x86_code64(c) || op->flags & X86_OPF_SLOW_EA) {
		int64_t last = write ? s->wmax : s->rmax;

		if (op->flags & X86_OPF_A16)
			last = MIN(last, 0xffff);
		if (!x86_code64(c) && (int64_t)off > last)
			return 0;
		if (!x86_code64(c))
			len = (unsigned)MIN(len, last - (int64_t)off + 1);
		if (len < op->size) /* #GP, even where the page faults, too */
			return 0;
		if (op->flags & (X86_OPF_A16 | X86_OPF_A32) && off + len > 0x100000000)
			return 0;
	}
	*host = x86_host_ptr(c, (s->base + off) & (x86_code64(c) ? ~0ull : 0xffffffff), write,
			     &len);
	return *host ? len : 0;
}

static void copy(uint8_t *to, const uint8_t *from, unsigned n, unsigned size)
{
	if (to <= from || to >= from + n)
		memmove(to, from, n);
	else /* overlapping forward: what was copied is copied again */
		for (unsigned i = 0; i < n; i += size)
			memmove(to + i, from + i, size);
}

static void fill(uint8_t *to, uint64_t v, unsigned n, unsigned size)
{
	if (size == 1)
		memset(to, (int)v, n);
	else
		for (unsigned i = 0; i < n; i += size)
			memcpy(to + i, &v, size);
}

/* Returns the number of elements done, 0 where it takes the long way. */
static unsigned many_movs(struct x86_cpu *c, const struct x86_op *op, uint64_t count)
{
	uint8_t *from, *to;
	unsigned n;

	if (c->rflags & X86_DF || count < 4)
		return 0;
	n = run(c, op, op->seg, offset(c, op, X86_RSI), count * op->size, false, &from);
	if (n < op->size) /* it must fault before the store does */
		return 0;
	n = run(c, op, X86_ES, offset(c, op, X86_RDI), n, true, &to);
	n -= n % op->size;
	if (!n)
		return 0;
	copy(to, from, n, op->size);
	advance(c, op, X86_RSI, n);
	advance(c, op, X86_RDI, n);
	return n / op->size;
}

static unsigned many_stos(struct x86_cpu *c, const struct x86_op *op, uint64_t count)
{
	uint8_t *to;
	unsigned n;

	if (c->rflags & X86_DF || count < 4)
		return 0;
	n = run(c, op, X86_ES, offset(c, op, X86_RDI), count * op->size, true, &to);
	n -= n % op->size;
	if (!n)
		return 0;
	fill(to, c->r[X86_RAX], n, op->size);
	advance(c, op, X86_RDI, n);
	return n / op->size;
}

/* --- one element --- */

static inline uint64_t load_si(struct x86_cpu *c, const struct x86_op *op)
{
	return x86_load(c, x86_seg_lin(c, op->seg, offset(c, op, X86_RSI), op->size, false),
			op->size);
}

static inline uint64_t load_di(struct x86_cpu *c, const struct x86_op *op)
{
	return x86_load(c, x86_seg_lin(c, X86_ES, offset(c, op, X86_RDI), op->size, false),
			op->size);
}

static inline void store_di(struct x86_cpu *c, const struct x86_op *op, uint64_t v)
{
	x86_store(c, x86_seg_lin(c, X86_ES, offset(c, op, X86_RDI), op->size, true), v, op->size);
}

static void movs(struct x86_cpu *c, const struct x86_op *op)
{
	store_di(c, op, load_si(c, op));
	advance(c, op, X86_RSI, op->size);
	advance(c, op, X86_RDI, op->size);
}

static void stos(struct x86_cpu *c, const struct x86_op *op)
{
	store_di(c, op, c->r[X86_RAX]);
	advance(c, op, X86_RDI, op->size);
}

static void lods(struct x86_cpu *c, const struct x86_op *op)
{
	x86_put(c, 8 * X86_RAX, load_si(c, op), op->size);
	advance(c, op, X86_RSI, op->size);
}

/* As SUB of a and b would set them. */
static void compare(struct x86_cpu *c, uint64_t a, uint64_t b, unsigned size)
{
	unsigned up = 64 - 8 * size;
	uint64_t r = a - b, borrow = (~a & b) | ((~a | b) & r);

	c->fl_res = (int64_t)(r << up) >> up;
	c->fl_cv = (uint32_t)(borrow << up >> 32 & (X86_CV_CF | X86_CV_IN)) |
		   ((uint32_t)borrow & X86_CV_AF);
}

static void cmps(struct x86_cpu *c, const struct x86_op *op)
{
	uint64_t a = load_si(c, op), b = load_di(c, op);

	compare(c, a, b, op->size);
	advance(c, op, X86_RSI, op->size);
	advance(c, op, X86_RDI, op->size);
}

static void scas(struct x86_cpu *c, const struct x86_op *op)
{
	compare(c, x86_get(c, 8 * X86_RAX, op->size), load_di(c, op), op->size);
	advance(c, op, X86_RDI, op->size);
}

/* --- REP --- */

typedef void element_fn(struct x86_cpu *c, const struct x86_op *op);
typedef unsigned many_fn(struct x86_cpu *c, const struct x86_op *op, uint64_t count);

static inline __attribute__((always_inline)) const struct x86_op *
repeat(struct x86_cpu *c, const struct x86_op *op, element_fn *one, many_fn *many, bool until)
{
	uint64_t done = 0, n;

	if (!(op->flags & (X86_OPF_REP | X86_OPF_REPNE))) {
		one(c, op);
		return NEXT(op);
	}
	while ((n = offset(c, op, X86_RCX))) {
		unsigned k = many ? many(c, op, n) : 0;

		if (!k) {
			one(c, op);
			k = 1;
		}
		set_offset(c, op, X86_RCX, n - k);
		if (until && x86_zf(c) == !(op->flags & X86_OPF_REP))
			break;
		done += k;
		if (done >= ROUND && n > k && c->icount + done >= c->limit) {
			c->icount += done - op->left;
			c->rip = x86_op_rip(c, op);
			return NULL;
		}
	}
	c->icount += done;
	return NEXT(op);
}

#define STRING(name, many, until)                        \
	OP(rep_##name)                                   \
	{                                                \
		return repeat(c, op, name, many, until); \
	}
STRING(movs, many_movs, false)
STRING(stos, many_stos, false)
STRING(lods, NULL, false)
STRING(cmps, NULL, true)
STRING(scas, NULL, true)

bool x86_bind_string(struct x86_bind *b)
{
	struct x86_op *op = b->op;

	op->seg = X86_DS;
	for (unsigned n = 0; n < b->in->operand_count; n++)
		if (x86_is_mem(b, n) && b->opnd[n].mem.base != ZYDIS_REGISTER_RDI &&
		    b->opnd[n].mem.base != ZYDIS_REGISTER_EDI &&
		    b->opnd[n].mem.base != ZYDIS_REGISTER_DI)
			op->seg = (uint8_t)ZydisRegisterGetId(b->opnd[n].mem.segment);
	if (b->in->address_width == 16)
		op->flags |= X86_OPF_A16;
	if (b->in->address_width == 32)
		op->flags |= X86_OPF_A32;
	op->size = (uint8_t)b->row->arg;
	op->fn = (x86_fn *)b->row->ptr;
	return true;
}

#define ROWS(NAME, fn)                                              \
	{ZYDIS_MNEMONIC_##NAME##B, x86_bind_string, 1, fn},         \
		{ZYDIS_MNEMONIC_##NAME##W, x86_bind_string, 2, fn}, \
	{                                                           \
		ZYDIS_MNEMONIC_##NAME##Q, x86_bind_string, 8, fn    \
	}

/* MOVSD and CMPSD are the names of SSE instructions, too. */
static bool bind_movsd(struct x86_bind *b)
{
	return x86_bind_movsd_sse(b) || x86_bind_string(b);
}

static bool bind_cmpsd(struct x86_bind *b)
{
	return x86_bind_cmpsd_sse(b) || x86_bind_string(b);
}

const struct x86_row x86_rows_string[] = {
	ROWS(MOVS, rep_movs),
	ROWS(STOS, rep_stos),
	ROWS(LODS, rep_lods),
	ROWS(CMPS, rep_cmps),
	ROWS(SCAS, rep_scas),
	{ZYDIS_MNEMONIC_MOVSD, bind_movsd, 4, rep_movs},
	{ZYDIS_MNEMONIC_CMPSD, bind_cmpsd, 4, rep_cmps},
	{ZYDIS_MNEMONIC_STOSD, x86_bind_string, 4, rep_stos},
	{ZYDIS_MNEMONIC_LODSD, x86_bind_string, 4, rep_lods},
	{ZYDIS_MNEMONIC_SCASD, x86_bind_string, 4, rep_scas},
	{ZYDIS_MNEMONIC_INVALID},
};
