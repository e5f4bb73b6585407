// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of hw/isa/pit.c. */
#include "board_util.h"
#include "hw/isa/pit.h"

#define IRQ 0
#define CH(n) (0x40 + (n))
#define CTRL 0x43
#define P61 0x61

struct timer {
	struct board b;
	struct pit *p;
};

static void setup(struct timer *t)
{
	board_init(&t->b);
	t->p = pit_new(t->b.io, board_wire(&t->b, IRQ), t->b.clk);
}

static void teardown(struct timer *t)
{
	pit_free(t->p);
	board_fini(&t->b);
}

static int64_t tick_ns(int64_t tick)
{
	return (tick * SECOND + PIT_HZ - 1) / PIT_HZ;
}

/* Go to a tick since the machine's start. */
static void at_tick(struct timer *t, int64_t tick)
{
	vclock_step_to(t->b.clk, tick_ns(tick));
}

static void program(struct timer *t, unsigned ch, uint8_t mode, uint16_t count)
{
	out8(&t->b, CTRL, ch << 6 | 0x30 | mode);
	out8(&t->b, CH(ch), count);
	out8(&t->b, CH(ch), count >> 8);
}

static uint16_t count16(struct timer *t, unsigned ch)
{
	uint16_t lsb;

	out8(&t->b, CTRL, ch << 6);
	lsb = in8(&t->b, CH(ch));
	return lsb | in8(&t->b, CH(ch)) << 8;
}

static uint8_t status8(struct timer *t, unsigned ch)
{
	out8(&t->b, CTRL, 0xe0 | 2 << ch);
	return in8(&t->b, CH(ch));
}

/* All counts are loaded at the tick after the write: tick 1 here. */
static void mode0(void)
{
	struct timer t;

	setup(&t);
	out8(&t.b, CTRL, 0x30);
	g_assert_cmphex(status8(&t, 0), ==, 0x70); /* output low, nothing loaded */
	program(&t, 0, 0, 1000);
	g_assert_cmphex(status8(&t, 0), ==, 0x70);
	at_tick(&t, 1);
	g_assert_cmphex(status8(&t, 0), ==, 0x30);
	g_assert_cmpuint(count16(&t, 0), ==, 1000);
	at_tick(&t, 1000);
	g_assert_cmpuint(count16(&t, 0), ==, 1);
	g_assert_false(t.b.level[IRQ]);
	g_assert_cmpint(vclock_next_deadline(t.b.clk), ==, tick_ns(1001));
	at_tick(&t, 1001);
	g_assert_true(t.b.level[IRQ]);
	g_assert_cmphex(status8(&t, 0), ==, 0xb0);
	at_tick(&t, 1003);
	g_assert_cmphex(count16(&t, 0), ==, 0xfffe);
	g_assert_cmpint(vclock_next_deadline(t.b.clk), ==, -1);
	out8(&t.b, CH(0), 5); /* the first byte takes the output down */
	g_assert_false(t.b.level[IRQ]);
	at_tick(&t, 5000);
	g_assert_false(t.b.level[IRQ]);
	out8(&t.b, CH(0), 0);
	at_tick(&t, 5006);
	g_assert_true(t.b.level[IRQ]);
	g_assert_cmpuint(t.b.rises[IRQ], ==, 2);
	teardown(&t);
}

static void mode2(void)
{
	struct timer t;
	unsigned base;

	setup(&t);
	program(&t, 0, 4, 1193);
	base = t.b.rises[IRQ];
	at_tick(&t, 1);
	g_assert_cmphex(status8(&t, 0), ==, 0xb4);
	g_assert_cmpuint(count16(&t, 0), ==, 1193);
	at_tick(&t, 1193);
	g_assert_cmpuint(count16(&t, 0), ==, 1);
	g_assert_cmphex(status8(&t, 0), ==, 0x34); /* low for the last tick */
	g_assert_cmpuint(t.b.rises[IRQ], ==, base);
	at_tick(&t, 1194);
	g_assert_cmpuint(t.b.rises[IRQ], ==, base + 1);
	g_assert_cmpuint(count16(&t, 0), ==, 1193);
	at_tick(&t, 1 + 1193 * 1000);
	g_assert_cmpuint(t.b.rises[IRQ], ==, base + 1000);
	/* A new count waits for the end of the period. */
	at_tick(&t, 1 + 1193 * 1000 + 100);
	out8(&t.b, CH(0), 2000 & 0xff);
	out8(&t.b, CH(0), 2000 >> 8);
	g_assert_cmphex(status8(&t, 0), ==, 0xf4);
	g_assert_cmpuint(count16(&t, 0), ==, 1093);
	at_tick(&t, 1 + 1193 * 1001);
	g_assert_cmpuint(count16(&t, 0), ==, 2000);
	g_assert_cmpuint(t.b.rises[IRQ], ==, base + 1001);
	at_tick(&t, 1 + 1193 * 1001 + 2000);
	g_assert_cmpuint(t.b.rises[IRQ], ==, base + 1002);
	teardown(&t);
}

static void mode3_even(void)
{
	struct timer t;
	unsigned base;

	setup(&t);
	program(&t, 0, 6, 100);
	base = t.b.rises[IRQ];
	at_tick(&t, 1);
	g_assert_cmpuint(count16(&t, 0), ==, 100);
	at_tick(&t, 50);
	g_assert_cmpuint(count16(&t, 0), ==, 2);
	g_assert_true(t.b.level[IRQ]);
	at_tick(&t, 51);
	g_assert_cmpuint(count16(&t, 0), ==, 100);
	g_assert_false(t.b.level[IRQ]);
	g_assert_cmphex(status8(&t, 0), ==, 0x36);
	at_tick(&t, 101);
	g_assert_true(t.b.level[IRQ]);
	g_assert_cmpuint(t.b.rises[IRQ], ==, base + 1);
	/* A new count waits for the half period: low part of 200 from tick 151 on. */
	out8(&t.b, CH(0), 200);
	out8(&t.b, CH(0), 0);
	at_tick(&t, 150);
	g_assert_true(t.b.level[IRQ]);
	at_tick(&t, 151);
	g_assert_false(t.b.level[IRQ]);
	g_assert_cmpuint(count16(&t, 0), ==, 200);
	at_tick(&t, 250);
	g_assert_false(t.b.level[IRQ]);
	at_tick(&t, 251);
	g_assert_true(t.b.level[IRQ]);
	teardown(&t);
}

static void mode3_odd(void)
{
	struct timer t;

	setup(&t);
	program(&t, 0, 6, 101);
	at_tick(&t, 1);
	g_assert_cmpuint(count16(&t, 0), ==, 100);
	at_tick(&t, 51);
	g_assert_cmpuint(count16(&t, 0), ==, 0); /* 51 ticks high */
	g_assert_true(t.b.level[IRQ]);
	at_tick(&t, 52);
	g_assert_false(t.b.level[IRQ]);
	g_assert_cmpuint(count16(&t, 0), ==, 100);
	at_tick(&t, 101);
	g_assert_false(t.b.level[IRQ]);
	g_assert_cmpuint(count16(&t, 0), ==, 2); /* 50 ticks low */
	at_tick(&t, 102);
	g_assert_true(t.b.level[IRQ]);
	teardown(&t);
}

/* The longest period is of 65536 ticks; a mad guest's shortest cannot keep the main loop busy. */
static void extremes(void)
{
	struct timer t;

	setup(&t);
	program(&t, 0, 4, 0);
	g_assert_cmpint(vclock_next_deadline(t.b.clk), ==, tick_ns(65537));
	for (unsigned n = 0; n < 24; n++)
		for (uint8_t mode = 4; mode <= 6; mode += 2) {
			int64_t now;
			unsigned before;

			program(&t, 0, mode, n ? n : 1);
			board_step(&t.b, 100000);
			now = vclock_now(t.b.clk);
			before = t.b.rises[IRQ];
			board_step(&t.b, SECOND / 100);
			g_assert_cmpint(vclock_next_deadline(t.b.clk), >, now + SECOND / 100);
			g_assert_cmpuint(t.b.rises[IRQ] - before, >, 100);
			g_assert_cmpuint(t.b.rises[IRQ] - before, <=, 501);
		}
	teardown(&t);
}

static void gated(void)
{
	struct timer t;

	setup(&t);
	program(&t, 2, 0, 1000); /* the gate is low: loaded, does not count */
	at_tick(&t, 500);
	g_assert_cmpuint(count16(&t, 2), ==, 1000);
	out8(&t.b, P61, 1);
	at_tick(&t, 900);
	g_assert_cmpuint(count16(&t, 2), ==, 600);
	out8(&t.b, P61, 0);
	at_tick(&t, 5000);
	g_assert_cmpuint(count16(&t, 2), ==, 600);
	g_assert_cmphex(in8(&t.b, P61) & 0x2f, ==, 0x00);
	out8(&t.b, P61, 1);
	at_tick(&t, 5599);
	g_assert_cmphex(in8(&t.b, P61) & 0x2f, ==, 0x01);
	at_tick(&t, 5600);
	g_assert_cmphex(in8(&t.b, P61) & 0x2f, ==, 0x21);
	/* Mode 1: each rise of the gate starts a pulse of n ticks. */
	out8(&t.b, P61, 0);
	program(&t, 2, 2, 100);
	at_tick(&t, 6000);
	g_assert_cmphex(in8(&t.b, P61) & 0x20, ==, 0x20);
	out8(&t.b, P61, 1);
	at_tick(&t, 6001);
	g_assert_cmphex(in8(&t.b, P61) & 0x20, ==, 0x00);
	at_tick(&t, 6100);
	out8(&t.b, P61, 0); /* its fall does nothing */
	g_assert_cmphex(in8(&t.b, P61) & 0x20, ==, 0x00);
	at_tick(&t, 6101);
	g_assert_cmphex(in8(&t.b, P61) & 0x20, ==, 0x20);
	/* Mode 2 stops with the gate and starts over. */
	program(&t, 2, 4, 50);
	at_tick(&t, 7000);
	out8(&t.b, P61, 1);
	at_tick(&t, 7011);
	g_assert_cmpuint(count16(&t, 2), ==, 40);
	out8(&t.b, P61, 0);
	at_tick(&t, 7500);
	g_assert_cmpuint(count16(&t, 2), ==, 40);
	out8(&t.b, P61, 1);
	at_tick(&t, 7501);
	g_assert_cmpuint(count16(&t, 2), ==, 50);
	teardown(&t);
}

static void strobes(void)
{
	struct timer t;
	unsigned base;

	setup(&t);
	program(&t, 0, 8, 10); /* mode 4: by software */
	base = t.b.rises[IRQ];
	at_tick(&t, 10);
	g_assert_cmphex(status8(&t, 0), ==, 0xb8);
	at_tick(&t, 11);
	g_assert_cmphex(status8(&t, 0), ==, 0x38);
	at_tick(&t, 12);
	g_assert_cmphex(status8(&t, 0), ==, 0xb8);
	g_assert_cmpuint(t.b.rises[IRQ], ==, base + 1);
	program(&t, 2, 10, 10); /* mode 5: by the gate */
	at_tick(&t, 100);
	out8(&t.b, P61, 1);
	at_tick(&t, 110);
	g_assert_cmphex(in8(&t.b, P61) & 0x20, ==, 0x20);
	at_tick(&t, 111);
	g_assert_cmphex(in8(&t.b, P61) & 0x20, ==, 0x00);
	at_tick(&t, 112);
	g_assert_cmphex(in8(&t.b, P61) & 0x20, ==, 0x20);
	teardown(&t);
}

static void access_modes(void)
{
	struct timer t;

	setup(&t);
	out8(&t.b, CTRL, 0x10 | 4); /* LSB only */
	out8(&t.b, CH(0), 50);
	at_tick(&t, 11);
	g_assert_cmpuint(in8(&t.b, CH(0)), ==, 40);
	g_assert_cmpuint(in8(&t.b, CH(0)), ==, 40);
	out8(&t.b, CTRL, 0x20 | 4); /* MSB only */
	out8(&t.b, CH(0), 0x12);
	at_tick(&t, 12);
	g_assert_cmphex(in8(&t.b, CH(0)), ==, 0x12);
	at_tick(&t, 13);
	g_assert_cmphex(in8(&t.b, CH(0)), ==, 0x11);
	/*
	 * A latched count stands until it is read; a second latch is ignored; status comes first.
	 */
	program(&t, 0, 4, 0x1234);
	out8(&t.b, CTRL, 0xe2); /* output high, count not loaded yet */
	at_tick(&t, 14);
	out8(&t.b, CTRL, 0xc2);
	at_tick(&t, 15);
	out8(&t.b, CTRL, 0x00);
	out8(&t.b, CTRL, 0xe2);
	g_assert_cmphex(in8(&t.b, CH(0)), ==, 0xf4);
	g_assert_cmphex(in8(&t.b, CH(0)), ==, 0x34);
	g_assert_cmphex(in8(&t.b, CH(0)), ==, 0x12);
	g_assert_cmphex(count16(&t, 0), ==, 0x1233);
	/* BCD */
	out8(&t.b, CTRL, 0x35);
	out8(&t.b, CH(0), 0x00);
	out8(&t.b, CH(0), 0x10);
	at_tick(&t, 16);
	g_assert_cmphex(count16(&t, 0), ==, 0x1000);
	at_tick(&t, 17);
	g_assert_cmphex(count16(&t, 0), ==, 0x0999);
	g_assert_cmphex(status8(&t, 0), ==, 0xb5);
	program(&t, 0, 0x0d, 0); /* mode 6 is mode 2; count 0 is 10000 */
	g_assert_cmphex(status8(&t, 0) & 0x3f, ==, 0x35);
	g_assert_cmpint(vclock_next_deadline(t.b.clk), ==, tick_ns(17 + 1 + 10000));
	g_assert_cmphex(in8(&t.b, CTRL), ==, 0xff);
	teardown(&t);
}

static void port61(void)
{
	struct timer t;
	uint8_t before;

	setup(&t);
	out8(&t.b, P61, 0xff);
	g_assert_cmphex(in8(&t.b, P61) & 0xcf, ==, 0x0f);
	before = in8(&t.b, P61);
	board_step(&t.b, 15085);
	g_assert_cmphex(in8(&t.b, P61) ^ before, ==, 0x10);
	program(&t, 0, 4, 1000);
	pit_reset(t.p);
	g_assert_false(t.b.level[IRQ]);
	g_assert_cmpint(vclock_next_deadline(t.b.clk), ==, -1);
	g_assert_cmphex(in8(&t.b, P61) & 0xcf, ==, 0);
	teardown(&t);
}

int main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/pit/mode0", mode0);
	g_test_add_func("/pit/mode2", mode2);
	g_test_add_func("/pit/mode3-even", mode3_even);
	g_test_add_func("/pit/mode3-odd", mode3_odd);
	g_test_add_func("/pit/extremes", extremes);
	g_test_add_func("/pit/gated", gated);
	g_test_add_func("/pit/strobes", strobes);
	g_test_add_func("/pit/access-modes", access_modes);
	g_test_add_func("/pit/port61", port61);
	rc = g_test_run();
	aspace_thread_leave();
	return rc;
}
