// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the walk that only looks.  Called by monitors while the CPUs are parked; keeps nothing. */
#include "cpu/lookup.h"

#include "mem/aspace.h"

enum { PTE_P = 1, PTE_PS = 0x80 };
#define FRAME 0x000ffffffffff000ull

static uint64_t entry(struct aspace *mem, uint64_t at, unsigned size)
{
	uint64_t len = size;

	return aspace_ptr(mem, at, &len, false) && len >= size ? aspace_read(mem, at, size) : 0;
}

static bool found(uint64_t pte, unsigned shift, uint64_t lin, uint64_t *phys)
{
	uint64_t mask = (1ull << shift) - 1;

	*phys = (pte & FRAME & ~mask) | (lin & mask);
	return pte & PTE_P;
}

static bool lookup32(struct aspace *mem, const struct x86_regs *r, uint64_t lin, uint64_t *phys)
{
	uint64_t pde = entry(mem, (r->cr3 & 0xfffff000) + (lin >> 22 & 0x3ff) * 4, 4);
	uint64_t high;

	if (!(pde & PTE_P))
		return false;
	if (pde & PTE_PS && r->cr4 & X86_CR4_PSE) {
		high = (pde >> 13 & 0xff) << 32; /* PSE-36 */
		return found((pde & 0xffc00001) | high, 22, lin, phys);
	}
	return found(entry(mem, (pde & 0xfffff000) + (lin >> 12 & 0x3ff) * 4, 4), 12, lin, phys);
}

bool x86_lookup(struct aspace *mem, const struct x86_regs *r, uint64_t lin, uint64_t *phys)
{
	bool longmode = r->efer & X86_EFER_LMA;
	unsigned shift = longmode ? 39 : 30;
	uint64_t table = r->cr3 & (longmode ? FRAME : 0xffffffe0ull), pte;

	if (!longmode)
		lin &= UINT32_MAX;
	*phys = lin;
	if (!(r->cr0 & X86_CR0_PG))
		return true;
	if (!(r->cr4 & X86_CR4_PAE))
		return lookup32(mem, r, lin, phys);
	for (;; shift -= 9) {
		pte = entry(mem, table + (lin >> shift & 0x1ff) * 8, 8);
		if (!(pte & PTE_P))
			return false;
		if (shift == 12 || (shift <= 30 && longmode && pte & PTE_PS) ||
		    (shift == 21 && pte & PTE_PS))
			return found(pte, shift, lin, phys);
		table = pte & FRAME;
	}
}
