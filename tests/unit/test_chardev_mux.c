// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of base/chardev_mux.c: the escapes, and two front ends that share one stream. */
#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/chardev_util.h"

struct muxed {
	struct chardev *c;
	struct chardev_mux *m;
	struct fe quit, serial, monitor;
	int far;
};

static void mux_open(struct muxed *x)
{
	x->quit = (struct fe){};
	x->c = open_pair(&x->far);
	x->m = chardev_mux_new(x->c, fe_quit, &x->quit);
	fe_attach(&x->serial, chardev_mux_side(x->m, 0));
	fe_attach(&x->monitor, chardev_mux_side(x->m, 1));
}

static void mux_close(struct muxed *x)
{
	chardev_mux_free(x->m);
	chardev_free(x->c);
	close(x->far);
	fe_free(&x->serial);
	fe_free(&x->monitor);
}

static void type(struct muxed *x, const char *text)
{
	g_assert_cmpint(write(x->far, text, strlen(text)), ==, strlen(text));
}

static void mux_escapes(void)
{
	struct muxed x;

	mux_open(&x);
	g_assert_cmpint(x.serial.opened, ==, 1);
	g_assert_cmpint(x.monitor.opened, ==, 0);
	type(&x, "a\x01\x01z\x01q\x01"
		 "b");
	RUN_UNTIL(x.serial.breaks == 1);
	g_assert_cmpstr(x.serial.got->str, ==, "a\x01z");
	type(&x, "1\x01"
		 "c2");
	RUN_UNTIL(x.monitor.got->len == 1);
	g_assert_cmpstr(x.serial.got->str, ==, "a\x01z1");
	g_assert_cmpstr(x.monitor.got->str, ==, "2");
	g_assert_cmpint(x.monitor.opened, ==, 1);
	chardev_write(chardev_mux_side(x.m, 0), "S", 1); /* both may write */
	chardev_write(chardev_mux_side(x.m, 1), "M", 1);
	expect(x.far, "SM");
	type(&x, "\x01"
		 "c3\x01h");
	RUN_UNTIL(x.monitor.closed == 1 && x.serial.got->len == 5);
	expect(x.far, "\r\nC-a h ");
	type(&x, "\x01x");
	RUN_UNTIL(x.quit.quits == 1);
	mux_close(&x);
}

/* The escapes work although the guest is deaf; what it missed comes when it listens again. */
static void mux_deaf_guest(void)
{
	struct muxed x;

	mux_open(&x);
	x.serial.room = 0;
	type(&x, "hello\x01x");
	RUN_UNTIL(x.quit.quits == 1);
	g_assert_cmpuint(x.serial.got->len, ==, 0);
	x.serial.room = 2;
	chardev_accept_input(chardev_mux_side(x.m, 0));
	RUN_UNTIL(x.serial.got->len == 2);
	x.serial.room = 100;
	chardev_accept_input(chardev_mux_side(x.m, 0));
	RUN_UNTIL(x.serial.got->len == 5);
	g_assert_cmpstr(x.serial.got->str, ==, "hello");
	mux_close(&x);
}

/* A paste far larger than any buffer reaches a slow guest complete. */
static void mux_paste(void)
{
	struct muxed x;
	g_autofree char *text = g_strnfill(20000, 'p');

	mux_open(&x);
	x.serial.room = 0;
	type(&x, text);
	while (x.serial.got->len < 20000) {
		x.serial.room = 16;
		chardev_accept_input(chardev_mux_side(x.m, 0));
		RUN_UNTIL(x.serial.room == 0);
	}
	mux_close(&x);
}

static void mux_without_monitor(void)
{
	struct muxed x;

	mux_open(&x);
	chardev_attach(chardev_mux_side(x.m, 1), NULL);
	type(&x, "\x01"
		 "cA");
	RUN_UNTIL(x.serial.got->len == 1);
	close(x.far);
	RUN_UNTIL(x.serial.closed == 1);
	x.far = -1;
	mux_close(&x);
	chardev_mux_free(NULL);
	chardev_free(NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/chardev/mux/escapes", mux_escapes);
	g_test_add_func("/chardev/mux/deaf-guest", mux_deaf_guest);
	g_test_add_func("/chardev/mux/paste", mux_paste);
	g_test_add_func("/chardev/mux/no-monitor", mux_without_monitor);
	return g_test_run();
}
