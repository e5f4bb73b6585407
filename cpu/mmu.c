// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the software TLBs: what the fast path of cpu/access.h misses comes here.  Asks walk.c for
 * translations; reaches memory through the address space; never decodes anything.
 */
#include "cpu/walk.h"

#include <glib.h>

#include "cpu/access.h"
#include "cpu/set.h"
#include "mem/access.h"

#define NOTHING (~(uint64_t)0)

static bool in_ram(const struct x86_set *s, uint64_t phys)
{
	return phys >= s->ram_first && phys <= s->ram_last;
}

/* What covers only a part of its page is left to the address space, which knows the bytes. */
uint8_t *x86_phys_ptr(struct x86_set *s, uint64_t phys, bool write)
{
	uint64_t len = ~(uint64_t)0xfff;
	uint8_t *p;

	if (in_ram(s, phys))
		return s->ram_host + (phys - s->ram_first);
	p = aspace_ptr(s->conf.mem, phys, &len, write);
	if (p && len < 0x1000 - (phys & 0xfff))
		return NULL;
	if (p && write && len > 0x100000 && !aspace_is_device(s->conf.mem, phys)) {
		s->ram_first = phys & X86_PAGE_MASK;
		s->ram_last = phys + len - 1;
		s->ram_host = p - (phys & 0xfff);
	}
	return p;
}

static bool is_device(struct x86_set *s, uint64_t phys)
{
	return !in_ram(s, phys) && aspace_is_device(s->conf.mem, phys);
}

/* --- flushing --- */

static void new_mapping(struct x86_cpu *c)
{
	c->gen[1] = ++c->set->gen << 8 | c->mode;
}

static void flush_set(struct x86_cpu *c, unsigned k, bool global_too)
{
	for (unsigned i = 0; i < X86_TLB_SIZE; i++)
		if (global_too || !(c->tlbs[k][i].phys & X86_TLB_GLOBAL))
			c->tlbs[k][i].rtag = c->tlbs[k][i].wtag = NOTHING;
	if (global_too)
		c->tlbs_used &= (uint8_t) ~(1u << k);
}

void x86_tlb_flush(struct x86_cpu *c, bool global_too)
{
	for (unsigned k = 0; k < X86_TLBS; k++)
		if (c->tlbs_used >> k & 1)
			flush_set(c, k, global_too);
	for (unsigned i = 0; i < X86_ITLB_SIZE; i++)
		if (global_too || !c->itlb[i].global)
			c->itlb[i].tag = NOTHING;
	if (global_too)
		c->large = 0;
	new_mapping(c);
}

void x86_tlb_reset(struct x86_cpu *c)
{
	c->tlbs_used = (1u << X86_TLBS) - 1;
	x86_tlb_flush(c, true);
}

static uint64_t large_bit(uint64_t lin)
{
	return 1ull << (lin >> 30 & 63);
}

/* Any part of a large page: all of it goes, wherever it was used. */
static void flush_large(struct x86_cpu *c, uint64_t lin)
{
	for (unsigned k = 0; k < X86_TLBS; k++)
		for (unsigned i = 0; i < X86_TLB_SIZE; i++) {
			struct x86_tlbe *e = &c->tlbs[k][i];

			if (e->phys & X86_TLB_LARGE &&
			    ((e->rtag >> 30 == lin >> 30) || (e->wtag >> 30 == lin >> 30)))
				e->rtag = e->wtag = NOTHING;
		}
	for (unsigned i = 0; i < X86_ITLB_SIZE; i++)
		if (c->itlb[i].large && c->itlb[i].tag >> 30 == lin >> 30)
			c->itlb[i].tag = NOTHING;
}

void x86_tlb_flush_page(struct x86_cpu *c, uint64_t lin)
{
	uint64_t page = lin & X86_PAGE_MASK;

	if (c->large & large_bit(lin))
		flush_large(c, lin);
	for (unsigned k = 0; k < X86_TLBS; k++) {
		struct x86_tlbe *e = &c->tlbs[k][lin >> 12 & (X86_TLB_SIZE - 1)];

		if ((e->rtag & X86_PAGE_MASK) == page || (e->wtag & X86_PAGE_MASK) == page)
			e->rtag = e->wtag = NOTHING;
	}
	for (unsigned k = 0; k < 2; k++) {
		struct x86_itlbe *i = &c->itlb[(lin >> 12) % (X86_ITLB_SIZE / 2) * 2 + k];

		if ((i->tag & X86_PAGE_MASK) == page)
			i->tag = NOTHING;
	}
	new_mapping(c);
}

void x86_tlb_select(struct x86_cpu *c)
{
	unsigned k = X86_TLB_KERNEL;

	if (c->cpl == 3)
		k = c->cr0 & X86_CR0_AM && c->rflags & X86_AC ? X86_TLB_USER_AC : X86_TLB_USER;
	else if (!(c->cr4 & X86_CR4_SMAP) || c->rflags & X86_AC)
		k = X86_TLB_KERNEL_AC;
	c->tlb = c->tlbs[k];
}

void x86_tlb_protect(struct x86_set *s, uint64_t page)
{
	for (unsigned n = 0; n < s->conf.cpus; n++)
		for (unsigned k = 0; s->cpu[n] && k < X86_TLBS; k++)
			for (unsigned i = 0; i < X86_TLB_SIZE; i++) {
				struct x86_tlbe *e = &s->cpu[n]->tlbs[k][i];

				if ((e->phys & X86_PAGE_MASK) == page && e->wtag != NOTHING) {
					e->wtag |= 1;
					e->phys |= X86_TLB_CODE;
				}
			}
}

/* --- filling --- */

static unsigned rights_of(const struct x86_cpu *c, const struct x86_tlbe *tlb)
{
	return (unsigned)((tlb - c->tlbs[0]) / X86_TLB_SIZE);
}

static bool is_apic(struct x86_cpu *c, uint64_t page)
{
	uint64_t base = c->env.apic_base(c->env.opaque);

	return (base & 0xc00) == 0x800 && (base & X86_PAGE_MASK) == page;
}

static bool watched(const struct x86_cpu *c, uint64_t page)
{
	for (int i = 0; c->tlb_watch && i < 4; i++)
		if (c->dr[7] >> (2 * i) & 3 && (c->dr[i] & X86_PAGE_MASK) == page)
			return true;
	return false;
}

static void fill(struct x86_cpu *c, struct x86_tlbe *e, uint64_t lin, const struct x86_xlat *x,
		 bool writable)
{
	uint64_t page = lin & X86_PAGE_MASK, phys = x->phys & X86_PAGE_MASK;
	uint8_t *host = is_apic(c, phys) ? NULL : x86_phys_ptr(c->set, phys, true);
	uint8_t *rom = host ? host : is_apic(c, phys) ? NULL : x86_phys_ptr(c->set, phys, false);
	uint64_t slow = watched(c, page) || e >= c->tlbs[X86_TLB_USER_AC];

	e->phys = phys | (x->global ? X86_TLB_GLOBAL : 0) | (x->large ? X86_TLB_LARGE : 0);
	e->rtag = page | slow;
	e->wtag = writable ? page | slow : NOTHING;
	if (x->large)
		c->large |= large_bit(lin);
	c->tlbs_used |= (uint8_t)(1u << rights_of(c, e));
	if (host && is_device(c->set, phys))
		e->phys |= X86_TLB_DEVICE;
	if (!rom) {
		e->phys |= X86_TLB_IO;
		e->rtag |= 1;
	} else {
		e->addend = (uint64_t)(uintptr_t)rom - page;
	}
	if (!host && writable)
		e->wtag |= 1;
	if (host && writable && x86_codepage_find(c->set, phys)) {
		e->phys |= X86_TLB_CODE;
		e->wtag |= 1;
	}
}

/* The entry for an access that stays in one page; faults where it is not allowed. */
static struct x86_tlbe *entry(struct x86_cpu *c, struct x86_tlbe *tlb, uint64_t lin, bool write)
{
	struct x86_tlbe *e = &tlb[lin >> 12 & (X86_TLB_SIZE - 1)];
	uint64_t tag = write ? e->wtag : e->rtag;
	unsigned rights = rights_of(c, tlb);
	struct x86_xlat x;

	if ((tag & X86_PAGE_MASK) == (lin & X86_PAGE_MASK) && tag != NOTHING)
		return e;
	x86_translate(c, lin, write ? X86_WRITE : X86_READ, rights, &x);
	fill(c, e, lin, &x, write || x.dirty);
	return e;
}

/* --- MMIO --- */

static uint64_t io_load(struct x86_cpu *c, uint64_t phys, unsigned size)
{
	uint64_t v;

	if (is_apic(c, phys & X86_PAGE_MASK)) {
		v = c->env.apic_read(c->env.opaque, phys & 0xffc) >> 8 * (phys & 3);

		return size < 8 ? v & ((1ull << 8 * size) - 1) : v;
	}
	x86_outside(c);
	v = aspace_read(c->set->conf.mem, phys, size);
	x86_inside(c, false);
	return v;
}

static void io_store(struct x86_cpu *c, uint64_t phys, uint64_t v, unsigned size)
{
	if (is_apic(c, phys & X86_PAGE_MASK)) {
		if (!(phys & 3)) /* SDM 3A, 11.4.1: 32 bits at a multiple of 16 */
			c->env.apic_write(c->env.opaque, phys & 0xffc, (uint32_t)v);
		return;
	}
	x86_outside(c);
	aspace_write(c->set->conf.mem, phys, v, size);
	x86_inside(c, true);
}

/* --- debug registers (SDM 3B, 18.2) --- */

static void watch(struct x86_cpu *c, uint64_t lin, unsigned size, bool write)
{
	static const uint8_t lens[] = {1, 2, 8, 4};

	for (int i = 0; i < 4; i++) {
		unsigned ctl = c->dr[7] >> (16 + 4 * i) & 15, n = lens[ctl >> 2];

		if (!(c->dr[7] >> (2 * i) & 3) || !(ctl & 1) || (!write && (ctl & 3) != 3))
			continue;
		if (lin < (c->dr[i] & ~(uint64_t)(n - 1)) + n && c->dr[i] < lin + size)
			c->dr6_pending |= 1u << i;
	}
}

/* --- the slow ways --- */

static bool crosses(uint64_t lin, unsigned size)
{
	return (lin & 0xfff) + size > 0x1000;
}

static uint64_t load_in_page(struct x86_cpu *c, struct x86_tlbe *tlb, uint64_t lin, unsigned size)
{
	struct x86_tlbe *e = entry(c, tlb, lin, false);

	if (c->tlb_watch)
		watch(c, lin, size, false);
	if (e->phys & X86_TLB_IO)
		return io_load(c, (e->phys & X86_PAGE_MASK) | (lin & 0xfff), size);
	return le_load((const void *)(uintptr_t)(lin + e->addend), size);
}

static void store_in_page(struct x86_cpu *c, struct x86_tlbe *tlb, uint64_t lin, uint64_t v,
			  unsigned size)
{
	struct x86_tlbe *e = entry(c, tlb, lin, true);
	uint64_t phys = (e->phys & X86_PAGE_MASK) | (lin & 0xfff);

	if (c->tlb_watch)
		watch(c, lin, size, true);
	if (e->phys & X86_TLB_IO || !x86_phys_ptr(c->set, phys, true)) {
		io_store(c, phys, v, size);
		return;
	}
	if (e->phys & X86_TLB_CODE && x86_code_write(c->set, phys, size)) {
		e->phys &= ~(uint64_t)X86_TLB_CODE;
		if (!watched(c, lin & X86_PAGE_MASK) && tlb != c->tlbs[X86_TLB_USER_AC])
			e->wtag &= ~(uint64_t)1;
	}
	le_store((void *)(uintptr_t)(lin + e->addend), v, size);
}

/* SDM 3A, 6.15, interrupt 17 */
static void alignment(struct x86_cpu *c, const struct x86_tlbe *tlb, uint64_t lin, unsigned size)
{
	if (tlb == c->tlbs[X86_TLB_USER_AC] && lin & (size - 1))
		x86_raise(c, X86_ALIGN, 0);
}

static uint64_t load(struct x86_cpu *c, struct x86_tlbe *tlb, uint64_t lin, unsigned size)
{
	uint64_t v = 0;

	alignment(c, tlb, lin, size);
	if (!crosses(lin, size))
		return load_in_page(c, tlb, lin, size);
	entry(c, tlb, lin, false); /* both pages, before a device sees anything */
	entry(c, tlb, (lin + size - 1) & X86_PAGE_MASK, false);
	for (unsigned i = 0; i < size; i++)
		v |= load_in_page(c, tlb, lin + i, 1) << 8 * i;
	return v;
}

static void store(struct x86_cpu *c, struct x86_tlbe *tlb, uint64_t lin, uint64_t v, unsigned size)
{
	alignment(c, tlb, lin, size);
	if (!crosses(lin, size)) {
		store_in_page(c, tlb, lin, v, size);
		return;
	}
	entry(c, tlb, lin, true);
	entry(c, tlb, (lin + size - 1) & X86_PAGE_MASK, true);
	for (unsigned i = 0; i < size; i++)
		store_in_page(c, tlb, lin + i, v >> 8 * i, 1);
}

uint64_t x86_load_slow(struct x86_cpu *c, uint64_t lin, unsigned size)
{
	return load(c, c->tlb, lin, size);
}

void x86_store_slow(struct x86_cpu *c, uint64_t lin, uint64_t val, unsigned size)
{
	store(c, c->tlb, lin, val, size);
}

/* Descriptor tables and task states: as CPL 0, SMAP heeded (SDM 3A, 4.6.1, implicit accesses). */
uint64_t x86_load_sys(struct x86_cpu *c, uint64_t lin, unsigned size)
{
	return load(c, c->tlbs[c->cr4 & X86_CR4_SMAP ? X86_TLB_KERNEL : X86_TLB_KERNEL_AC], lin,
		    size);
}

void x86_store_sys(struct x86_cpu *c, uint64_t lin, uint64_t val, unsigned size)
{
	store(c, c->tlbs[c->cr4 & X86_CR4_SMAP ? X86_TLB_KERNEL : X86_TLB_KERNEL_AC], lin, val,
	      size);
}

void x86_probe_write(struct x86_cpu *c, uint64_t lin, unsigned size)
{
	entry(c, c->tlb, lin, true);
	if (crosses(lin, size))
		entry(c, c->tlb, (lin + size - 1) & X86_PAGE_MASK, true);
}

void x86_load_buf(struct x86_cpu *c, uint64_t lin, void *buf, unsigned size)
{
	uint8_t *p = buf;
	unsigned step;

	for (; size; size -= step, lin += step, p += step) {
		step = size >= 8 ? 8 : size >= 4 ? 4 : size >= 2 ? 2 : 1;
		le_store(p, x86_load(c, lin, step), step);
	}
}

void x86_store_buf(struct x86_cpu *c, uint64_t lin, const void *buf, unsigned size)
{
	const uint8_t *p = buf;
	unsigned step;

	x86_probe_write(c, lin, size);
	for (; size; size -= step, lin += step, p += step) {
		step = size >= 8 ? 8 : size >= 4 ? 4 : size >= 2 ? 2 : 1;
		x86_store(c, lin, le_load(p, step), step);
	}
}

uint8_t *x86_host_ptr(struct x86_cpu *c, uint64_t lin, bool write, unsigned *len)
{
	const struct x86_tlbe *e = entry(c, c->tlb, lin, write);

	if ((write ? e->wtag : e->rtag) & 1 || e->phys & X86_TLB_DEVICE)
		return NULL;
	*len = MIN(*len, 0x1000 - (unsigned)(lin & 0xfff));
	return (uint8_t *)(uintptr_t)(lin + e->addend);
}

/* --- code --- */

const struct x86_itlbe *x86_fetch_page(struct x86_cpu *c, uint64_t lin)
{
	struct x86_itlbe *e = &c->itlb[(lin >> 12) % (X86_ITLB_SIZE / 2) * 2 + (c->cpl == 3)];
	struct x86_xlat x;

	if (e->tag == (lin & X86_PAGE_MASK))
		return e;
	x86_translate(c, lin, X86_EXEC, c->cpl == 3 ? X86_TLB_USER : X86_TLB_KERNEL, &x);
	e->tag = lin & X86_PAGE_MASK;
	e->phys = x.phys & X86_PAGE_MASK;
	e->global = x.global;
	e->large = x.large;
	e->host = is_device(c->set, e->phys) ? NULL : x86_phys_ptr(c->set, e->phys, false);
	if (x.large)
		c->large |= large_bit(lin);
	x86_codepage_check(c->set, e->phys);
	return e;
}
