/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linear to physical addresses for whoever looks from outside: monitors and debuggers.
 *
 * Invariants: nothing is changed, no accessed bit either; rights are not asked.  Page tables of all
 * kinds (SDM 3A, 4.3 to 4.5), 4 levels at most.
 */
#ifndef CPU_LOOKUP_H
#define CPU_LOOKUP_H

#include <stdbool.h>

#include "cpu/x86.h"

struct aspace;

/* False: no page is there. */
bool x86_lookup(struct aspace *mem, const struct x86_regs *regs, uint64_t lin, uint64_t *phys);

#endif
