// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the walk through page tables of all three kinds: 32-bit, PAE, 4-level (SDM 3A, 4.3 to 4.7).
 * Called by mmu.c on a TLB miss; keeps nothing.
 */
#include "cpu/walk.h"

#include "cpu/access.h"
#include "cpu/set.h"
#include "mem/access.h"

enum { PTE_P = 1, PTE_W = 2, PTE_U = 4, PTE_A = 0x20, PTE_D = 0x40, PTE_PS = 0x80, PTE_G = 0x100 };
#define PTE_NX (1ull << 63)
enum { PF_P = 1, PF_W = 2, PF_U = 4, PF_RSVD = 8, PF_I = 16 };

struct walk {
	struct x86_cpu *c;
	uint64_t lin, entry;
	unsigned size; /* bytes of an entry */
	uint64_t pte, pte_at;
	unsigned shift; /* of the page found */
	uint32_t err;   /* PF_P, PF_RSVD where it ends in a fault */
};

static uint64_t entry_load(struct walk *w, uint64_t at)
{
	const uint8_t *p = x86_phys_ptr(w->c->set, at, false);

	w->pte_at = at;
	w->pte = p ? le_load(p, w->size) : 0; /* a device's registers are no page tables */
	return w->pte;
}

/* Set bits in the entry last loaded; a device may write it at the same time. */
static void entry_mark(struct walk *w, uint64_t bits)
{
	uint8_t *p;

	if ((w->pte & bits) == bits)
		return;
	w->pte |= bits;
	p = x86_phys_ptr(w->c->set, w->pte_at, true);
	if (p)
		__atomic_fetch_or((uint32_t *)(void *)p, (uint32_t)bits, __ATOMIC_RELAXED);
}

static uint64_t frame(const struct walk *w)
{
	return w->pte & ((1ull << w->c->set->conf.phys_bits) - 1) & X86_PAGE_MASK;
}

static bool reserved(struct walk *w, uint64_t bits)
{
	if (w->pte & bits)
		w->err = PF_P | PF_RSVD;
	return w->pte & bits;
}

/* Bits that no entry of PAE and 4-level paging may have. */
static uint64_t high_reserved(const struct walk *w)
{
	uint64_t bits = ((1ull << 52) - 1) & ~((1ull << w->c->set->conf.phys_bits) - 1);

	if (!(w->c->efer & X86_EFER_NXE))
		bits |= PTE_NX;
	return x86_long(w->c) ? bits : bits | 0x7ff0000000000000;
}

/* One level: true = go on below. x gathers the rights. */
static bool level(struct walk *w, struct x86_xlat *x, uint64_t table, unsigned shift, bool may_ps)
{
	entry_load(w, table + (w->lin >> shift & (w->size == 8 ? 511 : 1023)) * w->size);
	w->shift = shift;
	if (!(w->pte & PTE_P))
		return false;
	if (w->size == 8 && reserved(w, high_reserved(w)))
		return false;
	if (w->pte & PTE_PS && shift > 12 && !may_ps && reserved(w, PTE_PS))
		return false;
	x->user &= !!(w->pte & PTE_U);
	x->write &= !!(w->pte & PTE_W);
	x->nx |= w->size == 8 && w->pte & PTE_NX;
	if (shift == 12 || w->pte & PTE_PS) {
		w->err = PF_P;
		return true;
	}
	entry_mark(w, PTE_A);
	return true;
}

static bool is_leaf(const struct walk *w, uint64_t ps_allowed)
{
	return w->shift == 12 || (w->pte & PTE_PS && ps_allowed);
}

static bool walk_long(struct walk *w, struct x86_xlat *x)
{
	uint64_t table = w->c->cr3 & ((1ull << 52) - 1) & X86_PAGE_MASK;
	unsigned shift = 39;

	w->size = 8;
	for (;; shift -= 9) {
		if (!level(w, x, table, shift, shift < 39))
			return false;
		if (is_leaf(w, true))
			break;
		table = frame(w);
	}
	x->phys = frame(w) & ~((1ull << w->shift) - 1); /* bit 12 of a large one is PAT */
	return shift == 12 || !reserved(w, ((1ull << shift) - 1) & ~(uint64_t)0x1fff);
}

static bool walk_pae(struct walk *w, struct x86_xlat *x)
{
	uint64_t table;

	w->size = 8;
	entry_load(w, (w->c->cr3 & 0xffffffe0) + (w->lin >> 30 & 3) * 8);
	if (!(w->pte & PTE_P) || reserved(w, 0x1e6 | (high_reserved(w) | PTE_NX)))
		return false;
	table = frame(w);
	if (!level(w, x, table, 21, true))
		return false;
	if (!is_leaf(w, true) && !level(w, x, frame(w), 12, false))
		return false;
	x->phys = frame(w) & ~((1ull << w->shift) - 1);
	return w->shift == 12 || !reserved(w, 0x1fe000);
}

/* 4 MiB pages may lie above 4 GiB (PSE-36, SDM 3A, table 4-4). */
static bool walk_32(struct walk *w, struct x86_xlat *x)
{
	bool pse = w->c->cr4 & X86_CR4_PSE;

	w->size = 4;
	if (!level(w, x, w->c->cr3 & 0xfffff000, 22, true))
		return false;
	if (is_leaf(w, pse)) {
		x->phys = (w->pte & 0xffc00000) | (w->pte >> 13 & 0xff) << 32;
		return !reserved(w, 0x200000);
	}
	if (!level(w, x, w->pte & 0xfffff000, 12, false))
		return false;
	x->phys = w->pte & 0xfffff000;
	return true;
}

static bool walk(struct walk *w, struct x86_xlat *x)
{
	bool ok;

	*x = (struct x86_xlat){.user = true, .write = true};
	w->err = 0;
	if (!(w->c->cr0 & X86_CR0_PG)) {
		x->phys = w->lin & 0xffffffff;
		x->dirty = true;
		return true;
	}
	if (x86_long(w->c))
		ok = walk_long(w, x);
	else
		ok = w->c->cr4 & X86_CR4_PAE ? walk_pae(w, x) : walk_32(w, x);
	if (!ok)
		return false;
	x->phys |= w->lin & ((1ull << w->shift) - 1);
	if (w->shift > 12)
		x->phys &= ~(uint64_t)0 >> 12;
	x->large = w->shift > 12;
	x->global = w->pte & PTE_G && w->c->cr4 & X86_CR4_PGE;
	return true;
}

/* SDM 3A, 4.6.1 */
static bool allowed(const struct x86_cpu *c, const struct x86_xlat *x, enum x86_access_kind kind,
		    unsigned rights)
{
	bool user = rights == X86_TLB_USER || rights == X86_TLB_USER_AC;

	if (user && !x->user)
		return false;
	if (kind == X86_EXEC)
		return !x->nx && (user || !x->user || !(c->cr4 & X86_CR4_SMEP));
	if (rights == X86_TLB_KERNEL && x->user && c->cr4 & X86_CR4_SMAP)
		return false;
	return kind == X86_READ || x->write || (!user && !(c->cr0 & X86_CR0_WP));
}

static void fault(struct x86_cpu *c, const struct walk *w, enum x86_access_kind kind,
		  unsigned rights)
{
	uint32_t err = w->err;

	if (kind == X86_WRITE)
		err |= PF_W;
	if (rights == X86_TLB_USER || rights == X86_TLB_USER_AC)
		err |= PF_U;
	if (kind == X86_EXEC &&
	    (c->cr4 & X86_CR4_SMEP || (c->cr4 & X86_CR4_PAE && c->efer & X86_EFER_NXE)))
		err |= PF_I;
	x86_page_fault(c, w->lin, err);
}

static bool canonical(uint64_t lin)
{
	return (uint64_t)((int64_t)(lin << 16) >> 16) == lin;
}

void x86_translate(struct x86_cpu *c, uint64_t lin, enum x86_access_kind kind, unsigned rights,
		   struct x86_xlat *x)
{
	struct walk w = {.c = c, .lin = lin};

	if (!x86_long(c))
		w.lin &= 0xffffffff;
	else if (!canonical(lin))
		x86_raise(c,
			  kind != X86_EXEC && c->op && c->op->flags & X86_OPF_SS ? X86_SS_FAULT
										 : X86_GP,
			  0);
	if (!walk(&w, x) || !allowed(c, x, kind, rights))
		fault(c, &w, kind, rights);
	if (!(c->cr0 & X86_CR0_PG))
		return;
	entry_mark(&w, kind == X86_WRITE ? PTE_A | PTE_D : PTE_A);
	x->dirty = w.pte & PTE_D && allowed(c, x, X86_WRITE, rights);
}
