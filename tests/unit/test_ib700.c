// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of hw/isa/ib700.c. */
#include "board_util.h"
#include "hw/isa/ib700.h"

struct rig {
	struct board b;
	struct ib700 *w;
	unsigned barks;
	int64_t at;
};

static void bark(void *opaque)
{
	struct rig *r = opaque;

	r->barks++;
	r->at = vclock_now(r->b.clk);
}

static void rig_init(struct rig *r)
{
	*r = (struct rig){};
	board_init(&r->b);
	r->w = ib700_new(r->b.io, r->b.clk, bark, r);
}

static void rig_fini(struct rig *r)
{
	ib700_free(r->w);
	board_fini(&r->b);
}

/* Each of the sixteen times, to the nanosecond. */
static void times(void)
{
	for (unsigned v = 0; v < 16; v++) {
		struct rig r;
		int64_t want = (30 - 2 * (int64_t)v) * SECOND;

		rig_init(&r);
		board_step(&r.b, 5 * SECOND);
		out8(&r.b, IB700_ENABLE, (uint8_t)(0xa0 | v)); /* the upper bits do not count */
		if (want) {
			board_step(&r.b, want - 1);
			g_assert_cmpuint(r.barks, ==, 0);
		}
		board_step(&r.b, 1);
		g_assert_cmpuint(r.barks, ==, 1);
		g_assert_cmpint(r.at, ==, 5 * SECOND + want);
		board_step(&r.b, 100 * SECOND); /* once */
		g_assert_cmpuint(r.barks, ==, 1);
		rig_fini(&r);
	}
}

static void stopped_and_fed(void)
{
	struct rig r;

	rig_init(&r);
	board_step(&r.b, 40 * SECOND);
	out8(&r.b, IB700_ENABLE, 14);
	board_step(&r.b, SECOND);
	out8(&r.b, IB700_ENABLE, 14);
	board_step(&r.b, SECOND);
	out8(&r.b, IB700_DISABLE, 1);
	board_step(&r.b, 3 * SECOND);
	g_assert_cmpuint(r.barks, ==, 0);
	out8(&r.b, IB700_ENABLE, 13);
	board_step(&r.b, 3 * SECOND);
	g_assert_cmpuint(r.barks, ==, 0);
	board_step(&r.b, 2 * SECOND);
	g_assert_cmpuint(r.barks, ==, 1);
	rig_fini(&r);
}

static void reset_stops(void)
{
	struct rig r;

	rig_init(&r);
	out8(&r.b, IB700_ENABLE, 0);
	ib700_reset(r.w);
	g_assert_cmpint(vclock_next_deadline(r.b.clk), ==, -1);
	board_step(&r.b, 60 * SECOND);
	g_assert_cmpuint(r.barks, ==, 0);
	rig_fini(&r);
}

static void ports(void)
{
	struct rig r;

	rig_init(&r);
	g_assert_cmphex(in8(&r.b, IB700_DISABLE), ==, 0xff);
	g_assert_cmphex(in8(&r.b, IB700_ENABLE), ==, 0xff);
	out8(&r.b, 0x440, 0);
	out8(&r.b, 0x442, 0);
	out8(&r.b, 0x444, 0);
	g_assert_cmpint(vclock_next_deadline(r.b.clk), ==, -1);
	out8(&r.b, IB700_ENABLE, 0);
	ib700_free(r.w); /* while it runs */
	r.w = NULL;
	board_step(&r.b, 60 * SECOND);
	g_assert_cmpuint(r.barks, ==, 0);
	rig_fini(&r);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/ib700/times", times);
	g_test_add_func("/ib700/stopped-and-fed", stopped_and_fed);
	g_test_add_func("/ib700/reset", reset_stops);
	g_test_add_func("/ib700/ports", ports);
	return g_test_run();
}
