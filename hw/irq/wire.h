/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A wire carries a level from the device that drives it to one pin of a chip.
 *
 * Invariants: a wire is a function, its opaque and a number; the receiver is told levels, not
 * edges, may be told the same level twice, and may be called from any thread.  A zeroed wire is
 * cut.
 */
#ifndef HW_IRQ_WIRE_H
#define HW_IRQ_WIRE_H

#include <stdbool.h>

struct wire {
	void (*set)(void *opaque, int n, bool level);
	void *opaque;
	int n;
};

static inline void wire_set(const struct wire *w, bool level)
{
	if (w->set)
		w->set(w->opaque, w->n, level);
}

#endif
