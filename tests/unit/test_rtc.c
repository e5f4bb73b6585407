// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of hw/isa/rtc.c. */
#include "board_util.h"
#include "hw/isa/rtc.h"

#define IRQ 8
#define UIP_NS 244140
#define START 1700000000ll /* Tue Nov 14 22:13:20 UTC 2023 */
#define GIB (1ull << 30)

enum {
	SEC = 0,
	SEC_ALARM = 1,
	MIN_ALARM = 3,
	HOUR = 4,
	HOUR_ALARM = 5,
	WDAY = 6,
	A = 0xa,
	B = 0xb,
	C = 0xc,
	D = 0xd,
	CENTURY = 0x32
};

struct clock {
	struct board b;
	struct rtc *r;
	unsigned changes; /* the clock was set */
	int64_t offset;
};

static void changed(void *opaque, int64_t offset)
{
	struct clock *c = opaque;

	c->changes++;
	c->offset = offset;
}

static void setup(struct clock *c)
{
	struct rtc_conf conf = {.start = START * SECOND,
				.below_4g = 2 * GIB,
				.above_4g = 5 * GIB,
				.cpus = 3,
				.changed = changed,
				.opaque = c};

	c->changes = 0;

	board_init(&c->b);
	c->r = rtc_new(c->b.io, board_wire(&c->b, IRQ), c->b.clk, &conf);
}

static void teardown(struct clock *c)
{
	rtc_free(c->r);
	g_assert_cmphex(in8(&c->b, 0x71), ==, 0xff);
	board_fini(&c->b);
}

static uint8_t get(struct clock *c, uint8_t i)
{
	out8(&c->b, 0x70, i);
	return in8(&c->b, 0x71);
}

static void set(struct clock *c, uint8_t i, uint8_t val)
{
	out8(&c->b, 0x70, i);
	out8(&c->b, 0x71, val);
}

/* h as the register shows it. */
static void expect(struct clock *c, uint8_t h, uint8_t m, uint8_t s)
{
	g_assert_cmphex(get(c, 4), ==, h);
	g_assert_cmphex(get(c, 2), ==, m);
	g_assert_cmphex(get(c, 0), ==, s);
}

static void expect_date(struct clock *c, uint8_t century, uint8_t y, uint8_t m, uint8_t d)
{
	g_assert_cmphex(get(c, CENTURY), ==, century);
	g_assert_cmphex(get(c, 9), ==, y);
	g_assert_cmphex(get(c, 8), ==, m);
	g_assert_cmphex(get(c, 7), ==, d);
}

static void set_date(struct clock *c, uint8_t century, uint8_t y, uint8_t m, uint8_t d)
{
	set(c, CENTURY, century);
	set(c, 9, y);
	set(c, 8, m);
	set(c, 7, d);
}

/* With the divider held, as firmware does it; the first second is half as long. */
static void set_time(struct clock *c, uint8_t mode, uint8_t h, uint8_t m, uint8_t s)
{
	set(c, B, mode);
	set(c, A, 0x76);
	set(c, 4, h);
	set(c, 2, m);
	set(c, 0, s);
	set(c, A, 0x26);
}

/* Whoever keeps the host's side learns how far off the guest's clock is. */
static void tells_changes(void)
{
	struct clock c;

	setup(&c);
	get(&c, 0);
	set(&c, 1, 0x30); /* an alarm byte is no time */
	g_assert_cmpuint(c.changes, ==, 0);
	set(&c, 7, 0x15); /* a day later */
	g_assert_cmpuint(c.changes, ==, 1);
	g_assert_cmpint(c.offset, ==, 86400);
	set(&c, B, 0x82); /* held: the bytes are only memory */
	set(&c, 7, 0x16);
	g_assert_cmpuint(c.changes, ==, 1);
	set(&c, B, 0x02);
	g_assert_cmpuint(c.changes, ==, 2);
	g_assert_cmpint(c.offset, ==, 2 * 86400);
	teardown(&c);
}

static void shows_start(void)
{
	struct clock c;

	setup(&c);
	g_assert_cmphex(get(&c, A), ==, 0x26);
	g_assert_cmphex(get(&c, B), ==, 0x02);
	g_assert_cmphex(get(&c, C), ==, 0x00);
	g_assert_cmphex(get(&c, D), ==, 0x80);
	expect_date(&c, 0x20, 0x23, 0x11, 0x14);
	expect(&c, 0x22, 0x13, 0x20);
	g_assert_cmphex(get(&c, WDAY), ==, 3);
	board_step(&c.b, 3600 * SECOND * 2 - 1);
	expect(&c, 0x00, 0x13, 0x19);
	board_step(&c.b, 1);
	expect(&c, 0x00, 0x13, 0x20);
	expect_date(&c, 0x20, 0x23, 0x11, 0x15);
	g_assert_cmpint(rtc_guest_time(c.r), ==, START + 7200);
	g_assert_cmphex(get(&c, 0x80 | SEC), ==, 0x20); /* bit 7 is the NMI mask */
	teardown(&c);
}

static void formats(void)
{
	struct clock c;

	setup(&c);
	set(&c, B, 0x06);
	expect(&c, 22, 13, 20);
	expect_date(&c, 20, 23, 11, 14);
	set(&c, B, 0x04);
	expect(&c, 10 | 0x80, 13, 20);
	set(&c, B, 0x00);
	expect(&c, 0x90, 0x13, 0x20);
	set_time(&c, 0, 0x12, 0x59, 0x59); /* midnight is 12 AM */
	board_step(&c.b, SECOND);
	expect(&c, 0x01, 0x00, 0x00);
	set_time(&c, 0, 0x92, 0x59, 0x59); /* noon is 12 PM */
	board_step(&c.b, SECOND);
	expect(&c, 0x81, 0x00, 0x00);
	set_time(&c, 0, 0x11, 0x59, 0x59);
	board_step(&c.b, SECOND);
	expect(&c, 0x92, 0x00, 0x00);
	teardown(&c);
}

static void set_bit(void)
{
	struct clock c;

	setup(&c);
	board_step(&c.b, SECOND / 4);
	set(&c, B, 0x92);
	g_assert_cmphex(get(&c, B), ==, 0x82); /* SET clears UIE */
	set_date(&c, 0x19, 0x80, 0x12, 0x31);
	set(&c, 4, 0x23), set(&c, 2, 0x59), set(&c, 0, 0x58);
	board_step(&c.b, 10 * SECOND);
	expect(&c, 0x23, 0x59, 0x58);
	set(&c, B, 0x02);
	expect(&c, 0x23, 0x59, 0x58);
	board_step(&c.b, SECOND * 3 / 4 - 1); /* the divider went on meanwhile */
	expect(&c, 0x23, 0x59, 0x58);
	board_step(&c.b, 1);
	expect(&c, 0x23, 0x59, 0x59);
	board_step(&c.b, SECOND);
	expect(&c, 0x00, 0x00, 0x00);
	expect_date(&c, 0x19, 0x81, 0x01, 0x01);
	set(&c, 2, 0x30); /* without SET */
	board_step(&c.b, SECOND);
	expect(&c, 0x00, 0x30, 0x01);
	teardown(&c);
}

static void divider(void)
{
	struct clock c;

	setup(&c);
	set(&c, A, 0x76);
	set(&c, 0, 0x58);
	board_step(&c.b, 5 * SECOND);
	g_assert_cmphex(get(&c, SEC), ==, 0x58);
	set(&c, A, 0x26);
	board_step(&c.b, SECOND / 2 - UIP_NS - 1);
	g_assert_cmphex(get(&c, A), ==, 0x26);
	board_step(&c.b, 1);
	g_assert_cmphex(get(&c, A), ==, 0xa6);
	g_assert_cmphex(get(&c, SEC), ==, 0x58);
	board_step(&c.b, UIP_NS - 1);
	g_assert_cmphex(get(&c, A), ==, 0xa6);
	board_step(&c.b, 1);
	g_assert_cmphex(get(&c, A), ==, 0x26);
	g_assert_cmphex(get(&c, SEC), ==, 0x59);
	/* Released under SET: the phase is taken all the same. */
	set(&c, B, 0x82);
	set(&c, A, 0x76);
	board_step(&c.b, SECOND / 3);
	set(&c, A, 0x26);
	set(&c, B, 0x02);
	board_step(&c.b, SECOND / 2 - 1);
	g_assert_cmphex(get(&c, SEC), ==, 0x59);
	board_step(&c.b, 1);
	g_assert_cmphex(get(&c, SEC), ==, 0x00);
	teardown(&c);
}

/* UIP goes at the second's end, whatever happens to the alarm meanwhile. */
static void uip_goes(void)
{
	struct clock c;

	setup(&c);
	set_time(&c, 0x02, 0x02, 0x04, 0x58);
	get(&c, C);
	board_step(&c.b, SECOND / 2);
	g_assert_cmphex(get(&c, A), ==, 0x26);
	expect(&c, 0x02, 0x04, 0x59);
	set(&c, HOUR_ALARM, 0x02), set(&c, MIN_ALARM, 0xc0), set(&c, SEC_ALARM, 0xc0);
	board_step(&c.b, SECOND - UIP_NS / 2);
	g_assert_cmphex(get(&c, A), ==, 0xa6);
	set(&c, HOUR_ALARM, 0x03);
	board_step(&c.b, UIP_NS);
	g_assert_cmphex(get(&c, A), ==, 0x26);
	teardown(&c);
}

static void years(void)
{
	static const uint8_t all[][2] = {
		{0x20, 0x11}, {0x20, 0x80}, {0x19, 0x80}, {0x21, 0x99}, {0x19, 0x01}};
	struct clock c;

	setup(&c);
	for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
		set(&c, A, 0x76);
		set_date(&c, all[i][0], all[i][1], 0x02, 0x02);
		set(&c, A, 0x26);
		expect_date(&c, all[i][0], all[i][1], 0x02, 0x02);
		board_step(&c.b, 86400 * SECOND);
		expect_date(&c, all[i][0], all[i][1], 0x02, 0x03);
	}
	teardown(&c);
}

static void alarm_24h(void)
{
	struct clock c;

	setup(&c);
	set(&c, A, 0x20);
	set(&c, SEC_ALARM, 0x25);
	set(&c, MIN_ALARM, 0xc0);
	set(&c, HOUR_ALARM, 0xff);
	set(&c, B, 0x22);
	board_step(&c.b, 5 * SECOND - 1);
	g_assert_false(c.b.level[IRQ]);
	board_step(&c.b, 1);
	g_assert_true(c.b.level[IRQ]);
	g_assert_cmphex(get(&c, C), ==, 0xb0);
	g_assert_false(c.b.level[IRQ]);
	g_assert_cmphex(get(&c, C), ==, 0);
	board_step(&c.b, 60 * SECOND);
	g_assert_true(c.b.level[IRQ]);
	get(&c, C);
	set(&c, MIN_ALARM, 0x10); /* tomorrow, hour 1 */
	set(&c, HOUR_ALARM, 0x01);
	set(&c, SEC_ALARM, 0x00);
	g_assert_cmpint(vclock_next_deadline(c.b.clk), ==, (1700010600 - START) * SECOND);
	set(&c, SEC_ALARM, 0x7a); /* never */
	g_assert_cmpint(vclock_next_deadline(c.b.clk), ==, -1);
	board_step(&c.b, 2 * 86400 * SECOND);
	g_assert_cmphex(get(&c, C), ==, 0x10); /* UF is there for who polls */
	teardown(&c);
}

static void alarm_12h(void)
{
	struct clock c;

	setup(&c);
	set_time(&c, 0, 0x11, 0x59, 0x59);
	set(&c, SEC_ALARM, 0xc0), set(&c, MIN_ALARM, 0xc0), set(&c, HOUR_ALARM, 0x92);
	set(&c, B, 0x20);
	get(&c, C);
	board_step(&c.b, SECOND / 2 - 1);
	g_assert_false(c.b.level[IRQ]);
	board_step(&c.b, 1);
	g_assert_true(c.b.level[IRQ]);
	teardown(&c);
}

static void update_ended(void)
{
	struct clock c;

	setup(&c);
	board_step(&c.b, SECOND);
	g_assert_cmphex(get(&c, C) & 0x90, ==, 0x10);
	set(&c, B, 0x12);
	board_step(&c.b, SECOND - 1);
	g_assert_false(c.b.level[IRQ]);
	board_step(&c.b, 1);
	g_assert_true(c.b.level[IRQ]);
	board_step(&c.b, 10 * SECOND); /* nobody reads C: it stays up */
	g_assert_cmpuint(c.b.rises[IRQ], ==, 1);
	rtc_reset(c.r);
	g_assert_false(c.b.level[IRQ]);
	g_assert_cmphex(get(&c, B), ==, 0x02);
	expect(&c, 0x22, 0x13, 0x32);
	board_step(&c.b, SECOND);
	set(&c, B, 0x12); /* a flag that is up already interrupts at once */
	g_assert_true(c.b.level[IRQ]);
	teardown(&c);
}

static void periodic(void)
{
	struct clock c;

	setup(&c);
	set(&c, A, 0x2d); /* 8 Hz */
	set(&c, B, 0x42);
	for (int i = 1; i <= 100; i++) {
		g_assert_cmpint(vclock_next_deadline(c.b.clk), ==, i * (SECOND / 8));
		vclock_step_to(c.b.clk, i * (SECOND / 8));
		g_assert_true(c.b.level[IRQ]);
		g_assert_cmphex(get(&c, C) & 0xc0, ==, 0xc0);
		g_assert_false(c.b.level[IRQ]);
	}
	set(&c, A, 0x21); /* 256 Hz, by its other name */
	g_assert_cmpint(vclock_next_deadline(c.b.clk) - vclock_now(c.b.clk), ==, SECOND / 256);
	set(&c, A, 0x23); /* 8192 Hz: 122070.3 ns, rounded up */
	g_assert_cmpint(vclock_next_deadline(c.b.clk) - vclock_now(c.b.clk), ==, 122071);
	set(&c, A, 0x20);
	g_assert_cmpint(vclock_next_deadline(c.b.clk), ==, -1);
	set(&c, A, 0x7d);
	g_assert_cmpint(vclock_next_deadline(c.b.clk), ==, -1);
	teardown(&c);
}

/* Two rates in turn, each begun while the other's period has just ended: no time is lost. */
static void two_rates(void)
{
	int64_t next = 0;
	struct clock c;

	setup(&c);
	board_step(&c.b, 12345);
	set(&c, A, 13);
	set(&c, B, 0x42);
	for (int i = 0; i < 50; i++)
		for (unsigned rate = 13; rate <= 15; rate += 2) { /* 8 Hz, 2 Hz */
			set(&c, A, (uint8_t)rate);
			next = vclock_next_deadline(c.b.clk);
			vclock_step_to(c.b.clk, next);
			g_assert_true(c.b.level[IRQ]);
			g_assert_cmphex(get(&c, C) & 0x40, ==, 0x40);
			board_step(&c.b, 1000); /* the driver takes its time */
		}
	g_assert_cmpint(next, ==, 50 * (SECOND / 8 + SECOND / 2));
	set(&c, A, 14);
	board_step(&c.b, SECOND / 5);
	set(&c, A, 13); /* a shorter one, over already: it counts from the same time */
	g_assert_true(c.b.level[IRQ]);
	g_assert_cmpint(vclock_next_deadline(c.b.clk), ==, -1); /* until C is read */
	get(&c, C);
	g_assert_cmpint(vclock_next_deadline(c.b.clk), ==, next + SECOND / 4);
	teardown(&c);
}

static void cmos(void)
{
	struct clock c;
	static const uint8_t expected[][2] = {
		{0x15, 0x80}, {0x16, 0x02}, {0x17, 0xff}, {0x18, 0xff}, {0x30, 0xff}, {0x31, 0xff},
		{0x34, 0x00}, {0x35, 0x7f}, {0x5b, 0x00}, {0x5c, 0x40}, {0x5d, 0x01}, {0x5f, 0x02},
	};

	setup(&c);
	for (unsigned i = 0; i < G_N_ELEMENTS(expected); i++)
		g_assert_cmphex(get(&c, expected[i][0]), ==, i == 9 ? 0x40 : expected[i][1]);
	set(&c, 0x40, 0x99);
	out8(&c.b, 0x72, 0xc0);
	out8(&c.b, 0x73, 0x66);
	g_assert_cmphex(in8(&c.b, 0x73), ==, 0x66);
	g_assert_cmphex(get(&c, 0x40), ==, 0x99);
	rtc_set_cmos(c.r, 0x3d, 0x21);
	g_assert_cmphex(get(&c, 0x3d), ==, 0x21);
	rtc_set_cmos(c.r, 0xb, 0);
	g_assert_cmphex(get(&c, B), ==, 0x02);
	set(&c, D, 0), set(&c, C, 0xff);
	g_assert_cmphex(get(&c, D), ==, 0x80);
	g_assert_cmphex(get(&c, C), ==, 0x00);
	g_assert_cmphex(in8(&c.b, 0x70), ==, 0xff);
	teardown(&c);
}

/* Any bytes in any order: no overflow (sanitizers), and a sane clock after setting it again. */
static void random_writes(void)
{
	struct clock c;

	setup(&c);
	for (int i = 0; i < 20000; i++) {
		uint8_t reg = g_test_rand_int_range(0, 16);

		set(&c, reg == 15 ? CENTURY : reg, g_test_rand_int_range(0, 256));
		get(&c, g_test_rand_int_range(0, 16));
		if (g_test_rand_int_range(0, 8) == 0)
			board_step(&c.b, g_test_rand_int_range(0, SECOND));
	}
	set_time(&c, 0x02, 0x23, 0x59, 0x59);
	set(&c, B, 0x82);
	set_date(&c, 0x20, 0x00, 0x02, 0x28);
	set(&c, B, 0x02);
	board_step(&c.b, SECOND / 2);
	expect(&c, 0x00, 0x00, 0x00);
	expect_date(&c, 0x20, 0x00, 0x02, 0x29);
	teardown(&c);
}

int main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/rtc/start", shows_start);
	g_test_add_func("/rtc/tells-changes", tells_changes);
	g_test_add_func("/rtc/formats", formats);
	g_test_add_func("/rtc/set-bit", set_bit);
	g_test_add_func("/rtc/divider", divider);
	g_test_add_func("/rtc/uip-goes", uip_goes);
	g_test_add_func("/rtc/years", years);
	g_test_add_func("/rtc/alarm", alarm_24h);
	g_test_add_func("/rtc/alarm-12h", alarm_12h);
	g_test_add_func("/rtc/update-ended", update_ended);
	g_test_add_func("/rtc/periodic", periodic);
	g_test_add_func("/rtc/two-rates", two_rates);
	g_test_add_func("/rtc/cmos", cmos);
	g_test_add_func("/rtc/random-writes", random_writes);
	rc = g_test_run();
	aspace_thread_leave();
	return rc;
}
