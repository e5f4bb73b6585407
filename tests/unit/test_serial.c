// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of hw/isa/serial.c. */
#include "board_util.h"
#include "fake_chardev.h"
#include "hw/isa/serial.h"

#define COM SERIAL_COM1
#define IRQ 4
#define RBR (COM + 0)
#define THR (COM + 0)
#define IER (COM + 1)
#define IIR (COM + 2)
#define FCR (COM + 2)
#define LCR (COM + 3)
#define MCR (COM + 4)
#define LSR (COM + 5)
#define MSR (COM + 6)
#define SCR (COM + 7)

struct uart {
	struct board b;
	struct chardev c;
	struct serial *s;
};

static void setup(struct uart *u)
{
	board_init(&u->b);
	fake_chardev_init(&u->c);
	u->s = serial_new(u->b.io, COM, board_wire(&u->b, IRQ), &u->c, u->b.clk);
}

static void teardown(struct uart *u)
{
	serial_free(u->s);
	g_assert_null(u->c.fe.read);
	g_assert_cmphex(in8(&u->b, SCR), ==, 0xff);
	fake_chardev_fini(&u->c);
	board_fini(&u->b);
}

static size_t can_read(struct uart *u)
{
	return u->c.fe.can_read(u->c.fe.opaque);
}

static void receive(struct uart *u, const char *text)
{
	u->c.fe.read(u->c.fe.opaque, (const uint8_t *)text, strlen(text));
}

static void registers(void)
{
	struct uart u;

	setup(&u);
	g_assert_cmphex(in8(&u.b, IER), ==, 0);
	g_assert_cmphex(in8(&u.b, IIR), ==, 1);
	g_assert_cmphex(in8(&u.b, LSR), ==, 0x60);
	g_assert_cmphex(in8(&u.b, MSR), ==, 0xb0);
	out8(&u.b, SCR, 0x5a);
	g_assert_cmphex(in8(&u.b, SCR), ==, 0x5a);
	out8(&u.b, IER, 0xf0);
	g_assert_cmphex(in8(&u.b, IER), ==, 0);
	out8(&u.b, LCR, 0x83);
	out8(&u.b, COM + 0, 0x34);
	out8(&u.b, COM + 1, 0x12);
	g_assert_cmphex(in8(&u.b, COM + 0), ==, 0x34);
	g_assert_cmphex(in8(&u.b, COM + 1), ==, 0x12);
	out8(&u.b, LCR, 0x03);
	g_assert_cmphex(in8(&u.b, IER), ==, 0);
	g_assert_cmpuint(u.c.out->len, ==, 0);
	out8(&u.b, MCR, 0xff);
	g_assert_cmphex(in8(&u.b, MCR), ==, 0x1f);
	serial_reset(u.s);
	g_assert_cmphex(in8(&u.b, MCR), ==, 0);
	g_assert_cmphex(in8(&u.b, SCR), ==, 0x5a);
	teardown(&u);
}

/* The steps by which Linux' 8250 driver tells a 16550A from its relatives. */
static void linux_probe(void)
{
	struct uart u;

	setup(&u);
	out8(&u.b, IER, 0);
	g_assert_cmphex(in8(&u.b, IER) & 0xf, ==, 0);
	out8(&u.b, IER, 0x0f);
	g_assert_cmphex(in8(&u.b, IER) & 0xf, ==, 0xf);
	out8(&u.b, IER, 0);
	out8(&u.b, MCR, 0x10 | 0x0a);
	g_assert_cmphex(in8(&u.b, MSR) & 0xf0, ==, 0x90);
	out8(&u.b, MCR, 0);
	g_assert_cmphex(in8(&u.b, IIR) >> 6, ==, 0);
	out8(&u.b, FCR, 0x01);
	g_assert_cmphex(in8(&u.b, IIR), ==, 0xc1);
	out8(&u.b, LCR, 0x80);
	out8(&u.b, FCR, 0x21);
	out8(&u.b, LCR, 0);
	g_assert_cmphex(in8(&u.b, IIR) >> 5, ==, 6); /* not a 16750 */
	/* THRE comes each time that its enable rises. */
	for (int i = 0; i < 2; i++) {
		out8(&u.b, IER, 2);
		g_assert_cmphex(in8(&u.b, IIR), ==, 0xc2);
		g_assert_cmphex(in8(&u.b, IIR), ==, 0xc1);
		out8(&u.b, IER, 0);
	}
	teardown(&u);
}

static void transmit(void)
{
	struct uart u;

	setup(&u);
	out8(&u.b, IER, 2);
	g_assert_true(u.b.level[IRQ]);
	g_assert_cmphex(in8(&u.b, IIR), ==, 2);
	g_assert_false(u.b.level[IRQ]);
	out8(&u.b, THR, 'h');
	g_assert_true(u.b.level[IRQ]);
	out8(&u.b, THR, 'i');
	fake_chardev_expect(&u.c, "hi");
	out8(&u.b, IER, 0);
	g_assert_false(u.b.level[IRQ]);
	teardown(&u);
}

static void transmit_blocked(void)
{
	struct uart u;

	setup(&u);
	out8(&u.b, FCR, 1);
	u.c.room = 1;
	out8(&u.b, THR, 'a');
	g_assert_cmphex(in8(&u.b, LSR), ==, 0x60);
	out8(&u.b, IER, 2);
	in8(&u.b, IIR);
	for (char ch = 'b'; ch <= 'r'; ch++) /* 17: the last one finds the FIFO full */
		out8(&u.b, THR, ch);
	g_assert_cmphex(in8(&u.b, LSR), ==, 0x00);
	g_assert_false(u.b.level[IRQ]);
	board_step(&u.b, SECOND);
	g_assert_cmphex(in8(&u.b, LSR), ==, 0x00);
	u.c.room = 3;
	board_step(&u.b, SECOND);
	g_assert_cmphex(in8(&u.b, LSR), ==, 0x00);
	u.c.room = 100;
	board_step(&u.b, SECOND);
	g_assert_cmphex(in8(&u.b, LSR), ==, 0x60);
	g_assert_true(u.b.level[IRQ]);
	fake_chardev_expect(&u.c, "abcdefghijklmnopq");
	g_assert_cmpint(vclock_next_deadline(u.b.clk), ==, -1);
	u.c.room = 0;
	out8(&u.b, THR, 'z');
	u.c.room = 1;
	u.c.fe.drained(u.c.fe.opaque); /* sooner than the clock */
	g_assert_cmphex(in8(&u.b, LSR), ==, 0x60);
	u.c.room = 0;
	out8(&u.b, THR, 'y');
	out8(&u.b, FCR, 1 | 4);
	g_assert_cmphex(in8(&u.b, LSR), ==, 0x60);
	u.c.room = 1;
	board_step(&u.b, SECOND);
	fake_chardev_expect(&u.c, "abcdefghijklmnopqz");
	teardown(&u);
}

static void receive_plain(void)
{
	struct uart u;

	setup(&u);
	g_assert_cmpuint(can_read(&u), ==, 1);
	out8(&u.b, IER, 1);
	receive(&u, "A");
	g_assert_true(u.b.level[IRQ]);
	g_assert_cmphex(in8(&u.b, IIR), ==, 4);
	g_assert_cmphex(in8(&u.b, LSR), ==, 0x61);
	g_assert_cmpuint(can_read(&u), ==, 0);
	g_assert_cmphex(in8(&u.b, RBR), ==, 'A');
	g_assert_cmpuint(u.c.accepts, ==, 1);
	g_assert_false(u.b.level[IRQ]);
	g_assert_cmphex(in8(&u.b, RBR), ==, 'A');
	receive(&u, "B");
	receive(&u, "C"); /* against the rules: an overrun, the newcomer stays */
	g_assert_cmphex(in8(&u.b, LSR), ==, 0x63);
	g_assert_cmphex(in8(&u.b, LSR), ==, 0x61);
	g_assert_cmphex(in8(&u.b, RBR), ==, 'C');
	teardown(&u);
}

static void receive_fifo(void)
{
	struct uart u;

	setup(&u);
	out8(&u.b, FCR, 0x81); /* trigger at 8 */
	out8(&u.b, LCR, 0x03);
	out8(&u.b, IER, 1);
	g_assert_cmpuint(can_read(&u), ==, 16);
	receive(&u, "1234567");
	g_assert_false(u.b.level[IRQ]);
	receive(&u, "8");
	g_assert_cmphex(in8(&u.b, IIR), ==, 0xc4);
	g_assert_cmphex(in8(&u.b, RBR), ==, '1');
	g_assert_false(u.b.level[IRQ]);
	/* Four characters of 10 bits at 9600 baud: 4166666 ns. */
	board_step(&u.b, 4166665);
	g_assert_false(u.b.level[IRQ]);
	board_step(&u.b, 1);
	g_assert_cmphex(in8(&u.b, IIR), ==, 0xcc);
	g_assert_cmphex(in8(&u.b, RBR), ==, '2');
	g_assert_cmphex(in8(&u.b, IIR), ==, 0xc1);
	receive(&u, "9abcdefghi");
	g_assert_cmpuint(can_read(&u), ==, 0);
	receive(&u, "!");
	g_assert_cmphex(in8(&u.b, LSR), ==, 0x63);
	for (const char *p = "3456789abcdefghi"; *p; p++) {
		g_assert_cmphex(in8(&u.b, LSR) & 1, ==, 1);
		g_assert_cmphex(in8(&u.b, RBR), ==, *p);
	}
	g_assert_cmphex(in8(&u.b, LSR), ==, 0x60);
	g_assert_cmpint(vclock_next_deadline(u.b.clk), ==, -1);
	receive(&u, "x");
	out8(&u.b, FCR, 0x83);
	g_assert_cmphex(in8(&u.b, LSR), ==, 0x60);
	teardown(&u);
}

static void breaks(void)
{
	struct uart u;

	setup(&u);
	out8(&u.b, FCR, 0x01);
	out8(&u.b, IER, 0x05);
	receive(&u, "a");
	u.c.fe.event(u.c.fe.opaque, CHARDEV_EV_BREAK);
	g_assert_cmphex(in8(&u.b, IIR), ==, 0xc4);
	g_assert_cmphex(in8(&u.b, LSR), ==, 0xe1); /* an error is somewhere in the FIFO */
	g_assert_cmphex(in8(&u.b, RBR), ==, 'a');
	g_assert_cmphex(in8(&u.b, IIR), ==, 0xc6);
	g_assert_cmphex(in8(&u.b, LSR), ==, 0xf1);
	g_assert_cmphex(in8(&u.b, LSR), ==, 0x61);
	g_assert_cmphex(in8(&u.b, RBR), ==, 0);
	g_assert_false(u.b.level[IRQ]);
	teardown(&u);
}

static void loopback(void)
{
	struct uart u;

	setup(&u);
	out8(&u.b, MCR, 0x10);
	g_assert_cmphex(in8(&u.b, MSR), ==, 0x0b); /* CTS, DSR and DCD went away */
	g_assert_cmphex(in8(&u.b, MSR), ==, 0x00);
	out8(&u.b, IER, 0x08);
	out8(&u.b, MCR, 0x14); /* OUT1 is RI: its rise does not count */
	g_assert_cmphex(in8(&u.b, IIR), ==, 1);
	g_assert_cmphex(in8(&u.b, MSR), ==, 0x40);
	out8(&u.b, MCR, 0x10);
	g_assert_cmphex(in8(&u.b, IIR), ==, 0);
	g_assert_true(u.b.level[IRQ]);
	g_assert_cmphex(in8(&u.b, MSR), ==, 0x04);
	g_assert_false(u.b.level[IRQ]);
	out8(&u.b, THR, 0x77);
	g_assert_cmphex(in8(&u.b, LSR), ==, 0x61);
	g_assert_cmphex(in8(&u.b, RBR), ==, 0x77);
	g_assert_cmpuint(u.c.out->len, ==, 0);
	g_assert_cmpuint(can_read(&u), ==, 0); /* the line is cut */
	out8(&u.b, LCR, 0x43);
	g_assert_cmphex(in8(&u.b, LSR), ==, 0x71);
	in8(&u.b, RBR);
	g_assert_cmpuint(u.c.accepts, ==, 0);
	out8(&u.b, MCR, 0);
	g_assert_cmpuint(u.c.accepts, ==, 1);
	g_assert_cmpuint(can_read(&u), ==, 1);
	teardown(&u);
}

static void priorities(void)
{
	struct uart u;
	static const uint8_t order[] = {0x06, 0x04, 0x02, 0x00, 0x01};

	setup(&u);
	out8(&u.b, MCR, 0x10);
	out8(&u.b, THR, 1);
	out8(&u.b, THR, 2);
	out8(&u.b, IER, 0x0f);
	g_assert_cmphex(in8(&u.b, IIR), ==, order[0]);
	g_assert_cmphex(in8(&u.b, LSR), ==, 0x63);
	g_assert_cmphex(in8(&u.b, IIR), ==, order[1]);
	g_assert_cmphex(in8(&u.b, RBR), ==, 2);
	g_assert_cmphex(in8(&u.b, IIR), ==, order[2]); /* and reading it ends it */
	g_assert_cmphex(in8(&u.b, IIR), ==, order[3]);
	in8(&u.b, MSR);
	g_assert_cmphex(in8(&u.b, IIR), ==, order[4]);
	g_assert_cmpuint(u.b.rises[IRQ], ==, 1);
	teardown(&u);
}

static void no_peer(void)
{
	struct board b;
	struct serial *s;

	board_init(&b);
	s = serial_new(b.io, SERIAL_COM2, board_wire(&b, 3), NULL, b.clk);
	out8(&b, SERIAL_COM2, 'x');
	g_assert_cmphex(in8(&b, SERIAL_COM2 + 5), ==, 0x60);
	serial_free(s);
	serial_free(NULL);
	board_fini(&b);
}

int main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/serial/registers", registers);
	g_test_add_func("/serial/linux-probe", linux_probe);
	g_test_add_func("/serial/transmit", transmit);
	g_test_add_func("/serial/transmit-blocked", transmit_blocked);
	g_test_add_func("/serial/receive-plain", receive_plain);
	g_test_add_func("/serial/receive-fifo", receive_fifo);
	g_test_add_func("/serial/break", breaks);
	g_test_add_func("/serial/loopback", loopback);
	g_test_add_func("/serial/priorities", priorities);
	g_test_add_func("/serial/no-peer", no_peer);
	rc = g_test_run();
	aspace_thread_leave();
	return rc;
}
