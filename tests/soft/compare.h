/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judgement: what of two outcomes must be the same.
 *
 * Invariants: left out is what the manuals leave undefined, by Zydis' list and by the exceptions
 * that compare.c gives reasons for; everything else is compared, the whole memory too.
 */
#ifndef TESTS_SOFT_COMPARE_H
#define TESTS_SOFT_COMPARE_H

#include "gen.h"

enum {
	DIFF_GPR = 1,
	DIFF_FLAGS = 2,
	DIFF_RIP = 4,
	DIFF_VECTOR = 8,
	DIFF_X87 = 16,
	DIFF_XMM = 32,
	DIFF_MXCSR = 64,
	DIFF_MEMORY = 128
};

/* DIFF_*, 0: the same.  Memory is the same afterwards in any case. */
unsigned compare(struct gen *g, const struct insn *i, const struct state *in,
		 const struct state *host, const struct state *soft);
/* To stdout, as TAP's comments. */
void compare_print(const struct insn *i, const struct state *in, const struct state *host,
		   const struct state *soft, unsigned diff);

#endif
