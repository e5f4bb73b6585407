/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of board devices share: an I/O space, a clock that only the test moves, wires that
 * record.  Each test makes one struct board and frees it.
 */
#ifndef TESTS_UNIT_BOARD_UTIL_H
#define TESTS_UNIT_BOARD_UTIL_H

#include <glib.h>

#include "base/vclock.h"
#include "hw/irq/wire.h"
#include "mem/aspace.h"

#define BOARD_LINES 24
#define SECOND 1000000000ll

struct board {
	struct aspace *io, *mem;
	struct vclock *clk;
	bool level[BOARD_LINES];
	unsigned rises[BOARD_LINES];
};

static inline void board_line(void *opaque, int n, bool level)
{
	struct board *b = opaque;

	if (level && !b->level[n])
		b->rises[n]++;
	b->level[n] = level;
}

static inline struct wire board_wire(struct board *b, int n)
{
	return (struct wire){board_line, b, n};
}

static inline void board_init(struct board *b)
{
	*b = (struct board){};
	b->io = aspace_new("io", 0x10000);
	b->mem = aspace_new("mem", 0);
	b->clk = vclock_new();
	g_assert_nonnull(b->clk);
	vclock_set_manual(b->clk);
}

static inline void board_fini(struct board *b)
{
	aspace_free(b->io);
	aspace_free(b->mem);
	vclock_free(b->clk);
}

static inline void board_step(struct board *b, int64_t ns)
{
	vclock_step_to(b->clk, vclock_now(b->clk) + ns);
}

static inline void out8(struct board *b, uint16_t port, uint8_t val)
{
	aspace_write(b->io, port, val, 1);
}

static inline uint8_t in8(struct board *b, uint16_t port)
{
	return aspace_read(b->io, port, 1);
}

#endif
