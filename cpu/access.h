/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory as instructions reach it: addresses, the TLB's fast path, the slow one's entry.
 *
 * Invariants: what crosses no page and is RAM with the rights of the moment takes one compare;
 * everything else (miss, fault, MMIO, page crossing, page with code) goes to mmu.c, which may not
 * return.  Linear addresses; little endian; any alignment.
 */
#ifndef CPU_ACCESS_H
#define CPU_ACCESS_H

#include <string.h>

#include "cpu/op.h"

#define X86_PAGE_MASK (~(uint64_t)0xfff)
#define x86_likely(x) __builtin_expect(!!(x), 1)

/* --- mmu.c: the slow ways --- */
uint64_t x86_load_slow(struct x86_cpu *c, uint64_t lin, unsigned size);
void x86_store_slow(struct x86_cpu *c, uint64_t lin, uint64_t val, unsigned size);
/* size up to 576: vector and state images; faults before anything is written. */
void x86_load_buf(struct x86_cpu *c, uint64_t lin, void *buf, unsigned size);
void x86_store_buf(struct x86_cpu *c, uint64_t lin, const void *buf, unsigned size);
/* Both as supervisor, whatever CPL is: descriptor tables, TSS. */
uint64_t x86_load_sys(struct x86_cpu *c, uint64_t lin, unsigned size);
void x86_store_sys(struct x86_cpu *c, uint64_t lin, uint64_t val, unsigned size);
/* Faults now if a write of size bytes would. */
void x86_probe_write(struct x86_cpu *c, uint64_t lin, unsigned size);
/* The host's address of plain RAM at lin with *len cut at the page's end; NULL: go byte by byte. */
uint8_t *x86_host_ptr(struct x86_cpu *c, uint64_t lin, bool write, unsigned *len);

static inline struct x86_tlbe *x86_tlbe(struct x86_cpu *c, uint64_t lin)
{
	return &c->tlb[lin >> 12 & (X86_TLB_SIZE - 1)];
}

#define X86_ACCESS(bits)                                                                   \
	static inline uint##bits##_t x86_ld##bits(struct x86_cpu *c, uint64_t lin)         \
	{                                                                                  \
		const struct x86_tlbe *e = x86_tlbe(c, lin);                               \
		uint##bits##_t v;                                                          \
                                                                                           \
		if (!x86_likely(e->rtag == ((lin + bits / 8 - 1) & X86_PAGE_MASK)))        \
			return (uint##bits##_t)x86_load_slow(c, lin, bits / 8);            \
		memcpy(&v, (const void *)(uintptr_t)(lin + e->addend), sizeof(v));         \
		return v;                                                                  \
	}                                                                                  \
	static inline void x86_st##bits(struct x86_cpu *c, uint64_t lin, uint##bits##_t v) \
	{                                                                                  \
		const struct x86_tlbe *e = x86_tlbe(c, lin);                               \
                                                                                           \
		if (x86_likely(e->wtag == ((lin + bits / 8 - 1) & X86_PAGE_MASK)))         \
			memcpy((void *)(uintptr_t)(lin + e->addend), &v, sizeof(v));       \
		else                                                                       \
			x86_store_slow(c, lin, v, bits / 8);                               \
	}
X86_ACCESS(8)
X86_ACCESS(16)
X86_ACCESS(32)
X86_ACCESS(64)

static inline __attribute__((always_inline)) uint64_t x86_load(struct x86_cpu *c, uint64_t lin,
							       unsigned size)
{
	switch (size) {
	case 1:
		return x86_ld8(c, lin);
	case 2:
		return x86_ld16(c, lin);
	case 4:
		return x86_ld32(c, lin);
	default:
		return x86_ld64(c, lin);
	}
}

static inline __attribute__((always_inline)) void x86_store(struct x86_cpu *c, uint64_t lin,
							    uint64_t v, unsigned size)
{
	switch (size) {
	case 1:
		x86_st8(c, lin, (uint8_t)v);
		break;
	case 2:
		x86_st16(c, lin, (uint16_t)v);
		break;
	case 4:
		x86_st32(c, lin, (uint32_t)v);
		break;
	default:
		x86_st64(c, lin, v);
	}
}

/* --- registers by byte offset --- */

static inline __attribute__((always_inline)) uint64_t x86_get(const struct x86_cpu *c, unsigned off,
							      unsigned size)
{
	const uint8_t *p = (const uint8_t *)c->r + off;

	switch (size) {
	case 1:
		return *p;
	case 2:
		return *(const uint16_t *)p;
	case 4:
		return *(const uint32_t *)p;
	default:
		return *(const uint64_t *)p;
	}
}

/* 32 bits clear the upper half, fewer leave the rest (SDM 1, 3.4.1.1). */
static inline __attribute__((always_inline)) void x86_put(struct x86_cpu *c, unsigned off,
							  uint64_t v, unsigned size)
{
	uint8_t *p = (uint8_t *)c->r + off;

	switch (size) {
	case 1:
		*p = (uint8_t)v;
		break;
	case 2:
		*(uint16_t *)p = (uint16_t)v;
		break;
	case 4:
		*(uint64_t *)p = (uint32_t)v;
		break;
	default:
		*(uint64_t *)p = v;
	}
}

/* --- effective addresses --- */

/* Segment and address size; raises #GP or #SS where size bytes at the offset are out of bounds. */
uint64_t x86_ea_slow(struct x86_cpu *c, const struct x86_op *op, uint64_t off, unsigned size,
		     bool write);
/* offset in segment seg -> linear, checked in the same way. */
uint64_t x86_seg_lin(struct x86_cpu *c, unsigned seg, uint64_t off, unsigned size, bool write);

static inline uint64_t x86_ea_off(const struct x86_cpu *c, const struct x86_op *op)
{
	return c->r[op->base] + (c->r[op->index] << op->scale) + (uint64_t)(int64_t)op->disp;
}

/* Linear address of the op's memory operand. */
static inline __attribute__((always_inline)) uint64_t
x86_ea(struct x86_cpu *c, const struct x86_op *op, unsigned size, bool write)
{
	uint64_t off = x86_ea_off(c, op);

	if (x86_likely(!(op->flags & X86_OPF_SLOW_EA)))
		return off;
	return x86_ea_slow(c, op, off, size, write);
}

static inline uint64_t x86_ea_r(struct x86_cpu *c, const struct x86_op *op, unsigned size)
{
	return x86_ea(c, op, size, false);
}

static inline uint64_t x86_ea_w(struct x86_cpu *c, const struct x86_op *op, unsigned size)
{
	return x86_ea(c, op, size, true);
}

/* --- read, change, write: one operand, translated once --- */

struct x86_rmw {
	uint64_t lin;
	void *host; /* NULL: through buf */
	unsigned size;
};

/* Faults as a write would; returns the value. */
static inline __attribute__((always_inline)) uint64_t
x86_rmw_begin(struct x86_cpu *c, struct x86_rmw *m, uint64_t lin, unsigned size)
{
	const struct x86_tlbe *e = x86_tlbe(c, lin);
	uint64_t v = 0;

	m->lin = lin;
	m->size = size;
	if (x86_likely(e->wtag == ((lin + size - 1) & X86_PAGE_MASK))) {
		m->host = (void *)(uintptr_t)(lin + e->addend);
		memcpy(&v, m->host, size);
		return v;
	}
	m->host = NULL;
	x86_probe_write(c, lin, size);
	return x86_load_slow(c, lin, size);
}

static inline __attribute__((always_inline)) void
x86_rmw_end(struct x86_cpu *c, const struct x86_rmw *m, uint64_t v, unsigned size)
{
	if (x86_likely(m->host))
		memcpy(m->host, &v, size);
	else
		x86_store_slow(c, m->lin, v, size);
}

#endif
