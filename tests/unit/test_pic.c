// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of hw/irq/pic.c. */
#include "board_util.h"
#include "hw/irq/pic.h"

#define M 0x20
#define S 0xa0
#define INTR 0
#define EOI 0x20

struct rig {
	struct board b;
	struct pic *p;
};

/* The usual words: vectors from 0x30 and 0x38, all inputs open. */
static void init_words(struct rig *r, uint8_t icw4)
{
	static const uint8_t words[2][3] = {{0x11, 0x30, 0x04}, {0x11, 0x38, 0x02}};

	for (unsigned i = 0; i < 2; i++) {
		uint16_t port = i ? S : M;

		out8(&r->b, port, words[i][0]);
		out8(&r->b, port + 1, words[i][1]);
		out8(&r->b, port + 1, words[i][2]);
		out8(&r->b, port + 1, icw4);
		out8(&r->b, port + 1, 0);
	}
}

static void setup(struct rig *r)
{
	board_init(&r->b);
	r->p = pic_new(r->b.io, board_wire(&r->b, INTR));
	init_words(r, 0x01);
}

static void teardown(struct rig *r)
{
	pic_free(r->p);
	board_fini(&r->b);
}

static void pulse(struct rig *r, int n)
{
	pic_set(r->p, n, true);
	pic_set(r->p, n, false);
}

static uint8_t isr(struct rig *r, uint16_t port)
{
	out8(&r->b, port, 0x0b);
	return in8(&r->b, port);
}

static uint8_t irr(struct rig *r, uint16_t port)
{
	out8(&r->b, port, 0x0a);
	return in8(&r->b, port);
}

static void silent_until_init(void)
{
	struct board b;
	struct pic *p;

	board_init(&b);
	p = pic_new(b.io, board_wire(&b, INTR));
	pic_set(p, 1, true);
	g_assert_false(b.level[INTR]);
	out8(&b, M, 0x11);
	out8(&b, M + 1, 0x30);
	out8(&b, M + 1, 0x04);
	out8(&b, M + 1, 0x01);
	g_assert_false(b.level[INTR]); /* ICW1 forgot the edge */
	pic_set(p, 1, false);
	pic_set(p, 1, true);
	g_assert_true(b.level[INTR]);
	g_assert_cmphex(pic_ack(p), ==, 0x31);
	pic_reset(p);
	g_assert_false(b.level[INTR]);
	pic_free(p);
	pic_free(NULL);
	board_fini(&b);
}

static void edges(void)
{
	struct rig r;

	setup(&r);
	pic_set(r.p, 4, true);
	g_assert_true(r.b.level[INTR]);
	g_assert_cmphex(irr(&r, M), ==, 0x10);
	g_assert_cmphex(isr(&r, M), ==, 0x00);
	g_assert_cmphex(pic_ack(r.p), ==, 0x34);
	g_assert_false(r.b.level[INTR]);
	g_assert_cmphex(irr(&r, M), ==, 0x00);
	g_assert_cmphex(isr(&r, M), ==, 0x10);
	out8(&r.b, M, EOI);
	g_assert_cmphex(isr(&r, M), ==, 0x00);
	g_assert_false(r.b.level[INTR]); /* still high is no new edge */
	pic_set(r.p, 4, true);
	g_assert_false(r.b.level[INTR]);
	pulse(&r, 4);
	g_assert_false(r.b.level[INTR]);
	pulse(&r, 4);
	g_assert_true(r.b.level[INTR]);
	g_assert_cmphex(pic_ack(r.p), ==, 0x34);
	teardown(&r);
}

static void levels(void)
{
	struct rig r;

	setup(&r);
	out8(&r.b, 0x4d0, 0xff);
	out8(&r.b, 0x4d1, 0xff);
	g_assert_cmphex(in8(&r.b, 0x4d0), ==, 0xf8);
	g_assert_cmphex(in8(&r.b, 0x4d1), ==, 0xde);
	pic_set(r.p, 11, true);
	g_assert_cmphex(pic_ack(r.p), ==, 0x3b);
	out8(&r.b, S, EOI);
	out8(&r.b, M, EOI);
	g_assert_true(r.b.level[INTR]); /* not served yet */
	g_assert_cmphex(pic_ack(r.p), ==, 0x3b);
	pic_set(r.p, 11, false);
	out8(&r.b, S, EOI);
	out8(&r.b, M, EOI);
	g_assert_false(r.b.level[INTR]);
	g_assert_cmphex(irr(&r, S), ==, 0);
	teardown(&r);
}

static void priorities(void)
{
	struct rig r;

	setup(&r);
	pulse(&r, 5);
	pulse(&r, 3);
	pulse(&r, 12);
	g_assert_cmphex(pic_ack(r.p), ==, 0x3c); /* the slave sits at input 2 */
	g_assert_false(r.b.level[INTR]);
	pulse(&r, 0);
	g_assert_cmphex(pic_ack(r.p), ==, 0x30); /* nests */
	g_assert_cmphex(isr(&r, M), ==, 0x05);
	out8(&r.b, M, EOI);
	g_assert_cmphex(isr(&r, M), ==, 0x04);
	pulse(&r, 8); /* higher within the slave: its master is still in service */
	g_assert_false(r.b.level[INTR]);
	g_assert_cmphex(irr(&r, M), ==, 0x2c);
	out8(&r.b, S, 0x64); /* specific EOI of 12 */
	out8(&r.b, M, EOI);
	g_assert_cmphex(pic_ack(r.p), ==, 0x38);
	out8(&r.b, S, EOI);
	out8(&r.b, M, EOI);
	g_assert_cmphex(pic_ack(r.p), ==, 0x33);
	out8(&r.b, M, EOI);
	g_assert_cmphex(pic_ack(r.p), ==, 0x35);
	out8(&r.b, M, EOI);
	g_assert_false(r.b.level[INTR]);
	teardown(&r);
}

static void fully_nested_slave(void)
{
	struct rig r;

	setup(&r);
	init_words(&r, 0x11); /* special fully nested mode */
	pulse(&r, 12);
	g_assert_cmphex(pic_ack(r.p), ==, 0x3c);
	pulse(&r, 9);
	g_assert_true(r.b.level[INTR]);
	g_assert_cmphex(pic_ack(r.p), ==, 0x39);
	g_assert_cmphex(isr(&r, S), ==, 0x12);
	teardown(&r);
}

static void masks(void)
{
	struct rig r;

	setup(&r);
	out8(&r.b, M + 1, 0xfb);
	out8(&r.b, S + 1, 0xfe);
	g_assert_cmphex(in8(&r.b, M + 1), ==, 0xfb);
	g_assert_cmphex(in8(&r.b, S + 1), ==, 0xfe);
	pulse(&r, 1);
	pulse(&r, 10);
	g_assert_false(r.b.level[INTR]);
	pulse(&r, 8);
	g_assert_cmphex(pic_ack(r.p), ==, 0x38);
	out8(&r.b, S, EOI), out8(&r.b, M, EOI);
	out8(&r.b, M + 1, 0x00); /* the masked edge was kept */
	g_assert_cmphex(pic_ack(r.p), ==, 0x31);
	teardown(&r);
}

static void spurious(void)
{
	struct rig r;

	setup(&r);
	out8(&r.b, 0x4d0, 0x20);
	out8(&r.b, 0x4d1, 0x02);
	g_assert_cmphex(pic_ack(r.p), ==, 0x37);
	pic_set(r.p, 5, true);
	pic_set(r.p, 5, false);
	g_assert_cmphex(pic_ack(r.p), ==, 0x37);
	g_assert_cmphex(isr(&r, M), ==, 0x00);
	pulse(&r, 10); /* edge, then masked on the slave only after the master decided */
	out8(&r.b, S + 1, 0xff);
	g_assert_false(r.b.level[INTR]);
	out8(&r.b, S + 1, 0x00);
	g_assert_cmphex(pic_ack(r.p), ==, 0x3a);
	teardown(&r);
}

static void auto_eoi(void)
{
	struct rig r;

	setup(&r);
	init_words(&r, 0x03);
	pulse(&r, 6);
	g_assert_cmphex(pic_ack(r.p), ==, 0x36);
	g_assert_cmphex(isr(&r, M), ==, 0);
	out8(&r.b, M, 0x80); /* rotate in automatic EOI mode */
	pulse(&r, 3);
	pic_ack(r.p);
	pulse(&r, 3);
	pulse(&r, 4);
	g_assert_cmphex(pic_ack(r.p), ==, 0x34);
	g_assert_cmphex(pic_ack(r.p), ==, 0x33);
	teardown(&r);
}

static void rotation(void)
{
	struct rig r;

	setup(&r);
	out8(&r.b, M, 0xc4); /* 4 is the lowest, 5 the highest */
	pulse(&r, 0);
	pulse(&r, 4);
	pulse(&r, 6);
	g_assert_cmphex(pic_ack(r.p), ==, 0x36);
	out8(&r.b, M, 0xa0); /* rotate on non-specific EOI: 6 is the lowest */
	pulse(&r, 6);
	g_assert_cmphex(pic_ack(r.p), ==, 0x30);
	out8(&r.b, M, 0xe0); /* rotate on specific EOI of 0 */
	g_assert_cmphex(isr(&r, M), ==, 0);
	pulse(&r, 0);
	g_assert_cmphex(pic_ack(r.p), ==, 0x34);
	out8(&r.b, M, EOI);
	g_assert_cmphex(pic_ack(r.p), ==, 0x36);
	out8(&r.b, M, EOI);
	g_assert_cmphex(pic_ack(r.p), ==, 0x30);
	teardown(&r);
}

static void special_mask(void)
{
	struct rig r;

	setup(&r);
	pulse(&r, 1);
	pic_ack(r.p);
	pulse(&r, 6);
	g_assert_false(r.b.level[INTR]);
	out8(&r.b, M + 1, 0x02);
	g_assert_false(r.b.level[INTR]);
	out8(&r.b, M, 0x68); /* special mask mode: a masked input in service holds nothing up */
	g_assert_true(r.b.level[INTR]);
	g_assert_cmphex(pic_ack(r.p), ==, 0x36);
	out8(&r.b, M, EOI); /* ends 6, the masked 1 is passed over */
	g_assert_cmphex(isr(&r, M), ==, 0x02);
	out8(&r.b, M, 0x48);
	pulse(&r, 6);
	g_assert_false(r.b.level[INTR]);
	teardown(&r);
}

static void poll(void)
{
	struct rig r;

	setup(&r);
	out8(&r.b, M, 0x0c);
	g_assert_cmphex(in8(&r.b, M), ==, 0x00);
	pulse(&r, 6);
	out8(&r.b, M, 0x0c);
	g_assert_cmphex(in8(&r.b, M), ==, 0x86);
	g_assert_false(r.b.level[INTR]);
	g_assert_cmphex(isr(&r, M), ==, 0x40);
	out8(&r.b, M, EOI);
	pulse(&r, 13);
	out8(&r.b, S, 0x0c);
	g_assert_cmphex(in8(&r.b, S + 1), ==, 0x85);
	g_assert_cmphex(in8(&r.b, S + 1), ==, 0x00); /* one read only: the mask again */
	g_assert_false(r.b.level[INTR]);
	teardown(&r);
}

static void odd_inputs(void)
{
	struct rig r;

	setup(&r);
	pic_set(r.p, 2, true); /* the cascade has no pin */
	pic_set(r.p, -1, true);
	pic_set(r.p, 16, true);
	g_assert_false(r.b.level[INTR]);
	out8(&r.b, M, 0x18 | 0x02); /* level triggered all over, no ICW4, single */
	out8(&r.b, M + 1, 0x47);
	out8(&r.b, M + 1, 0x04);
	pic_set(r.p, 1, true);
	g_assert_cmphex(pic_ack(r.p), ==, 0x41);
	out8(&r.b, M, EOI);
	g_assert_true(r.b.level[INTR]);
	teardown(&r);
}

int main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/pic/silent-until-init", silent_until_init);
	g_test_add_func("/pic/edges", edges);
	g_test_add_func("/pic/levels", levels);
	g_test_add_func("/pic/priorities", priorities);
	g_test_add_func("/pic/fully-nested-slave", fully_nested_slave);
	g_test_add_func("/pic/masks", masks);
	g_test_add_func("/pic/spurious", spurious);
	g_test_add_func("/pic/auto-eoi", auto_eoi);
	g_test_add_func("/pic/rotation", rotation);
	g_test_add_func("/pic/special-mask", special_mask);
	g_test_add_func("/pic/poll", poll);
	g_test_add_func("/pic/odd-inputs", odd_inputs);
	rc = g_test_run();
	aspace_thread_leave();
	return rc;
}
