/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page tables (SDM 3A, chapter 4): linear to physical addresses.  For cpu/mmu.c.
 *
 * Invariants: accessed and dirty bits are set where the manual sets them, atomically towards
 * devices; a translation that is not allowed raises #PF with CR2 and error code set.
 */
#ifndef CPU_WALK_H
#define CPU_WALK_H

#include "cpu/state.h"

enum x86_access_kind { X86_READ, X86_WRITE, X86_EXEC };

struct x86_xlat {
	uint64_t phys;
	bool user, write, nx, global, large;
	bool dirty; /* and so may be written without a new walk */
};

/* rights: X86_TLB_KERNEL, _USER, _KERNEL_AC.  Raises #PF, or #GP/#SS where lin is not canonical */
void x86_translate(struct x86_cpu *c, uint64_t lin, enum x86_access_kind kind, unsigned rights,
		   struct x86_xlat *x);

#endif
