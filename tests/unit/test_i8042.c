// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of hw/isa/i8042.c. */
#include "board_util.h"
#include "hw/isa/i8042.h"

#define DATA 0x60
#define CMD 0x64
#define IRQ 1
#define A20 20

struct kbc {
	struct board b;
	struct i8042 *k;
	unsigned resets;
};

static void count_reset(void *opaque)
{
	struct kbc *t = opaque;

	t->resets++;
}

static void setup(struct kbc *t)
{
	*t = (struct kbc){};
	board_init(&t->b);
	t->k = i8042_new(t->b.io, board_wire(&t->b, IRQ), board_wire(&t->b, A20), count_reset, t);
}

static void teardown(struct kbc *t)
{
	i8042_free(t->k);
	board_fini(&t->b);
}

static uint8_t status(struct kbc *t)
{
	return in8(&t->b, CMD);
}

/* The next byte, which must be there. */
static uint8_t next(struct kbc *t)
{
	g_assert_cmphex(status(t) & 1, ==, 1);
	return in8(&t->b, DATA);
}

static void expect_empty(struct kbc *t)
{
	g_assert_cmphex(status(t) & 1, ==, 0);
	g_assert_false(t->b.level[IRQ]);
}

static uint8_t ask(struct kbc *t, uint8_t command)
{
	out8(&t->b, CMD, command);
	return next(t);
}

static void command2(struct kbc *t, uint8_t command, uint8_t param)
{
	out8(&t->b, CMD, command);
	out8(&t->b, DATA, param);
}

static void controller(void)
{
	struct kbc t;

	setup(&t);
	g_assert_cmphex(status(&t), ==, 0x14);
	g_assert_cmphex(ask(&t, 0xaa), ==, 0x55);
	g_assert_cmphex(status(&t), ==, 0x1c); /* last write was a command */
	g_assert_cmphex(ask(&t, 0xab), ==, 0x00);
	g_assert_cmphex(ask(&t, 0x20), ==, 0x65);
	command2(&t, 0x60, 0x70);
	g_assert_cmphex(status(&t), ==, 0x10);
	g_assert_cmphex(ask(&t, 0x20), ==, 0x70);
	out8(&t.b, CMD, 0xae);
	g_assert_cmphex(ask(&t, 0x20), ==, 0x60);
	out8(&t.b, CMD, 0xad);
	out8(&t.b, CMD, 0xa8);
	g_assert_cmphex(ask(&t, 0x20), ==, 0x50);
	out8(&t.b, CMD, 0xa7);
	g_assert_cmphex(ask(&t, 0x20), ==, 0x70);
	command2(&t, 0x65, 0xab);
	g_assert_cmphex(ask(&t, 0x25), ==, 0xab);
	g_assert_cmphex(ask(&t, 0xa4), ==, 0xf1);
	g_assert_cmphex(ask(&t, 0xc0), ==, 0x80);
	g_assert_cmphex(ask(&t, 0xe0), ==, 0x00);
	i8042_reset(t.k);
	g_assert_cmphex(ask(&t, 0x20), ==, 0x65);
	expect_empty(&t);
	teardown(&t);
}

static void keyboard(void)
{
	struct kbc t;

	setup(&t);
	out8(&t.b, DATA, 0xff);
	g_assert_cmphex(next(&t), ==, 0xfa);
	g_assert_cmphex(next(&t), ==, 0xaa);
	expect_empty(&t);
	out8(&t.b, DATA, 0xf2); /* translated, as on a PC */
	g_assert_cmphex(next(&t), ==, 0xfa);
	g_assert_cmphex(next(&t), ==, 0xab);
	g_assert_cmphex(next(&t), ==, 0x41);
	command2(&t, 0x60, 0x25);
	out8(&t.b, DATA, 0xf2);
	next(&t), next(&t);
	g_assert_cmphex(next(&t), ==, 0x83);
	for (const char *p = "\xed\x07\xf3\x20\xf4\xf5\xf6\xf0\x03\xfb\x1c"; *p; p++) {
		out8(&t.b, DATA, *p);
		g_assert_cmphex(next(&t), ==, 0xfa);
		expect_empty(&t);
	}
	out8(&t.b, DATA, 0xf0);
	next(&t);
	out8(&t.b, DATA, 0x00);
	g_assert_cmphex(next(&t), ==, 0xfa);
	g_assert_cmphex(next(&t), ==, 0x03);
	out8(&t.b, DATA, 0xee);
	g_assert_cmphex(next(&t), ==, 0xee);
	out8(&t.b, DATA, 0xfe);
	g_assert_cmphex(next(&t), ==, 0xee);
	out8(&t.b, DATA, 0x12);
	g_assert_cmphex(next(&t), ==, 0xfe);
	out8(&t.b, DATA, 0xed); /* a command instead of the parameter */
	next(&t);
	out8(&t.b, DATA, 0xf4);
	g_assert_cmphex(next(&t), ==, 0xfa);
	for (int i = 0; i < 100; i++) /* more than the queue holds */
		out8(&t.b, DATA, 0xf2);
	for (int i = 0; i < 100 && (status(&t) & 1); i++)
		in8(&t.b, DATA);
	expect_empty(&t);
	teardown(&t);
}

static void interrupts(void)
{
	struct kbc t;

	setup(&t);
	out8(&t.b, DATA, 0xff);
	g_assert_true(t.b.level[IRQ]);
	g_assert_cmpuint(t.b.rises[IRQ], ==, 1);
	in8(&t.b, DATA);
	g_assert_true(t.b.level[IRQ]);
	g_assert_cmpuint(t.b.rises[IRQ], ==, 2); /* an edge for each byte */
	in8(&t.b, DATA);
	g_assert_false(t.b.level[IRQ]);
	command2(&t, 0x60, 0x64);
	out8(&t.b, DATA, 0xf4);
	g_assert_false(t.b.level[IRQ]);
	command2(&t, 0x60, 0x65);
	g_assert_true(t.b.level[IRQ]);
	in8(&t.b, DATA);
	/* Held back while the interface is off, sent when it is turned on. */
	out8(&t.b, DATA, 0xff);
	out8(&t.b, CMD, 0xad);
	in8(&t.b, DATA);
	expect_empty(&t);
	out8(&t.b, CMD, 0xae);
	g_assert_cmphex(next(&t), ==, 0xaa);
	teardown(&t);
}

/* What Linux does to find a mouse: each step is answered at once, and the answer is no. */
static void no_mouse(void)
{
	struct kbc t;

	setup(&t);
	command2(&t, 0xd3, 0x5a);
	g_assert_cmphex(status(&t) & 0x21, ==, 0x01);
	g_assert_cmphex(next(&t), ==, 0x5a);
	g_assert_cmphex(ask(&t, 0xa9), ==, 0x01);
	command2(&t, 0xd4, 0xff);
	g_assert_cmphex(status(&t) & 0x61, ==, 0x61);
	g_assert_false(t.b.level[IRQ]);
	g_assert_cmphex(next(&t), ==, 0xfe);
	g_assert_cmphex(status(&t) & 0x61, ==, 0);
	command2(&t, 0xd2, 0x1c);
	g_assert_true(t.b.level[IRQ]);
	g_assert_cmphex(next(&t), ==, 0x1c);
	teardown(&t);
}

static void reset_and_a20(void)
{
	struct kbc t;

	setup(&t);
	g_assert_true(t.b.level[A20]);
	g_assert_cmphex(ask(&t, 0xd0), ==, 0xc3);
	command2(&t, 0xd1, 0xc1);
	g_assert_false(t.b.level[A20]);
	out8(&t.b, CMD, 0xdf);
	g_assert_true(t.b.level[A20]);
	out8(&t.b, CMD, 0xdd);
	g_assert_false(t.b.level[A20]);
	g_assert_cmpuint(t.resets, ==, 0);
	out8(&t.b, CMD, 0xff); /* pulses no line */
	g_assert_cmpuint(t.resets, ==, 0);
	out8(&t.b, CMD, 0xfe);
	g_assert_cmpuint(t.resets, ==, 1);
	command2(&t, 0xd1, 0x02);
	g_assert_cmpuint(t.resets, ==, 2);
	i8042_reset(t.k);
	g_assert_true(t.b.level[A20]);
	g_assert_cmphex(ask(&t, 0xd0), ==, 0xc3);
	out8(&t.b, DATA, 0xf4);
	g_assert_cmphex(status(&t) & 1, ==, 1);
	g_assert_cmphex(ask(&t, 0xd0), ==, 0xd3); /* bit 4 is IRQ 1 */
	teardown(&t);
}

int main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/i8042/controller", controller);
	g_test_add_func("/i8042/keyboard", keyboard);
	g_test_add_func("/i8042/interrupts", interrupts);
	g_test_add_func("/i8042/no-mouse", no_mouse);
	g_test_add_func("/i8042/reset-and-a20", reset_and_a20);
	rc = g_test_run();
	aspace_thread_leave();
	return rc;
}
