// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the tests of the protocol itself: every verb with right and with wrong arguments, framing,
 * the order of replies and interrupt reports.
 */
#include <string.h>

#include "tests/qtest/libqtest.h"

#define RAM 0x100000

/* One request, and the reply that it must have. */
struct exchange {
	const char *request, *reply;
};

static void check(struct qtest *q, const struct exchange *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		g_autofree char *reply = qtest_request(q, "%s", x[i].request);

		if (strcmp(reply, x[i].reply))
			g_error("request: %s; reply: %s; expected: %s", x[i].request, reply,
				x[i].reply);
	}
}

static void run(const struct exchange *x, size_t n)
{
	struct qtest *q = qtest_init("");

	check(q, x, n);
	qtest_quit(q);
}

/*
 * Requests that are wrong have a test of their own in each group: QEMU, which the others may be run
 * against, ends at most of them, and answers some by what it has read past a buffer's end.
 */
static void test_ports(void)
{
	static const struct exchange x[] = {
		{"outb 0x70 0x40", "OK"},   /* a byte of CMOS RAM is behind 0x71 */
		{"inb 0x999", "OK 0x00ff"}, /* nobody is there */
		{"inw 0x999", "OK 0xffff"},
		{"inl 0x999", "OK 0xffffffff"},
		{"outb 0x71 0x42", "OK"},
		{"inb 0x71", "OK 0x0042"},
		{"inb 113", "OK 0x0042"},
		{"inb 0161", "OK 0x0042"},
		{"outb 0x71 0x1234", "OK"}, /* cut to the width */
		{"inb 0x71", "OK 0x0034"},
		{"outb 0x71 -1", "OK"},
		{"inb 0x71", "OK 0x00ff"},
		{"outl 0xcf8 0x80000000", "OK"},
		{"inl 0xcf8", "OK 0x80000000"},
		{"inl 0xcfc", "OK 0x29c08086"},
		{"inw 0xcfe", "OK 0x29c0"},
		{"inb 0xcfd", "OK 0x0080"},
		{"inb 0xffff", "OK 0x00ff"},
		{"inb 0x71 and more words than anybody wants to have", "OK 0x00ff"},
	};

	run(x, G_N_ELEMENTS(x));
}

static void test_bad_ports(void)
{
	static const struct exchange x[] = {
		{"inl 0xffff", "OK 0xffffffff"}, /* over the last port */
		{"outl 0xffff 0", "OK"},
		{"inb 0x10000", "FAIL inb: port 0x10000: the last one is 0xffff"},
		{"outb 0x10000 0", "FAIL outb: port 0x10000: the last one is 0xffff"},
		{"inb", "FAIL inb: '' is not a number"},
		{"inb x", "FAIL inb: 'x' is not a number"},
		{"inb 0x71x", "FAIL inb: '0x71x' is not a number"},
		{"outb 0x71", "FAIL outb: '' is not a number"},
		{"outb 0x71 ", "FAIL outb: '' is not a number"},
		{"outb 0x71 z", "FAIL outb: 'z' is not a number"},
	};

	run(x, G_N_ELEMENTS(x));
}

static void test_memory(void)
{
	static const struct exchange x[] = {
		{"writeq 0x100000 0x1122334455667788", "OK"},
		{"readq 0x100000", "OK 0x1122334455667788"},
		{"readl 0x100000", "OK 0x0000000055667788"},
		{"readw 0x100000", "OK 0x0000000000007788"},
		{"readb 0x100007", "OK 0x0000000000000011"},
		{"readl 0x100003", "OK 0x0000000022334455"}, /* any alignment */
		{"writeb 0x100000 0xabcd", "OK"},            /* cut to the width */
		{"writew 0x100003 -2", "OK"},
		{"writel 0x100008 0x100000000", "OK"},
		{"read 0x100000 12", "OK 0xcd7766feff332211"
				     "00000000"},
		{"readq 0x90000000", "OK 0x0000000000000000"}, /* nobody is there */
		{"writeq 0x90000000 1", "OK"},
		{"readb 0xffffffffffffffff", "OK 0x0000000000000000"},
		{"readq 0xffffffffffffffff", "OK 0x0000000000000000"}, /* over the end */
		{"writeq 0xffffffffffffffff 5", "OK"},
		{"readq 0xfffffffffffffff8", "OK 0x0000000000000000"},
	};

	run(x, G_N_ELEMENTS(x));
}

static void test_bad_memory(void)
{
	static const struct exchange x[] = {
		{"readb 0x10000000000000000", "FAIL readb: '0x10000000000000000' is not a number"},
		{"readb", "FAIL readb: '' is not a number"},
		{"writeb 0x100000", "FAIL writeb: '' is not a number"},
		{"writeq 0x100000 1g", "FAIL writeq: '1g' is not a number"},
	};

	run(x, G_N_ELEMENTS(x));
}

static void test_blocks(void)
{
	static const struct exchange x[] = {
		{"write 0x100000 4 0x01020aFf", "OK"},
		{"read 0x100000 4", "OK 0x01020aff"},
		{"write 0x100000 4 zz55", "OK"}, /* two characters skipped, missing bytes are 0 */
		{"read 0x100000 4", "OK 0x55000000"},
		{"write 0x100000 2 0x11223344", "OK"}, /* surplus ignored */
		{"read 0x100000 4", "OK 0x11220000"},
		{"write 0x100000 2 0x445", "OK"}, /* odd last digit ignored */
		{"read 0x100000 2", "OK 0x4400"},
		{"write 0x100000 0 0x99", "OK"},
		{"read 0x100000 1", "OK 0x44"},
		{"write 0x100000 2 0x", "ERR invalid argument size"},
		{"memset 0x100000 5 0x1a5", "OK"},
		{"read 0x100000 6", "OK 0xa5a5a5a5a500"},
		{"memset 0x100000 0 0xff", "OK"},
		{"read 0x100000 1", "OK 0xa5"},
		{"b64write 0x100000 5 aGVsbG8=", "OK"},
		{"read 0x100000 5", "OK 0x68656c6c6f"},
		{"b64read 0x100000 5", "OK aGVsbG8="},
		{"b64read 0x100000 0", "OK "},
		{"b64write 0x100000 2 a", "ERR invalid argument size"},
	};

	run(x, G_N_ELEMENTS(x));
}

static void test_bad_blocks(void)
{
	static const struct exchange x[] = {
		{"b64write 0x100000 5 aGVsbG8=", "OK"},
		{"b64write 0x100000 9 aGVs", "OK"}, /* no more than what is there */
		{"b64write 0x100000 1 eGVs", "OK"},
		{"b64read 0x100000 6", "OK eGVsbG8A"},
		{"write 0x100000 2", "ERR invalid argument size"},
		{"write 0x100000", "FAIL write: '' is not a number"},
		{"read 0x100000 0", "FAIL read: 0 bytes"},
		{"read 0x100000", "FAIL read: '' is not a number"},
		{"read 0x100000 67108865", "FAIL read: 67108865 bytes: 67108864 are the most"},
		{"memset 0x100000 5", "FAIL memset: '' is not a number"},
		{"memset 0 -1 0", "FAIL memset: 18446744073709551615 bytes: 67108864 are the most"},
		{"b64write 0x100000", "FAIL b64write: '' is not a number"},
		{"b64read", "FAIL b64read: '' is not a number"},
	};

	run(x, G_N_ELEMENTS(x));
}

static void test_clock(void)
{
	static const struct exchange x[] = {
		{"clock_step 0", "OK 0"},      {"clock_step 1000", "OK 1000"},
		{"clock_step -5", "OK 1000"},  {"clock_set 5000", "OK 5000"},
		{"clock_set 4000", "OK 5000"}, {"clock_set -1", "OK 5000"},
	};

	run(x, G_N_ELEMENTS(x));
}

static void test_bad_clock(void)
{
	static const struct exchange x[] = {
		{"clock_set", "FAIL clock_set: '' is not a number"},
		{"clock_set 1s", "FAIL clock_set: '1s' is not a number"},
		{"clock_step x", "FAIL clock_step: 'x' is not a number"},
	};

	run(x, G_N_ELEMENTS(x));
}

static void test_others(void)
{
	static const struct exchange x[] = {
		{"endianness", "OK little"},
		{"endianness of what", "OK little"},
		{"INB 0x71", "FAIL Unknown command 'INB'"},
		{"rtas a 0 0 0 0", "FAIL Unknown command 'rtas'"},
		{"endianness\r", "FAIL Unknown command 'endianness\r'"},
		{"set_irq_in", "FAIL Unknown device"},
		{"set_irq_in nobody unnamed-gpio-in 0 1", "FAIL Unknown device"},
		{"set_irq_in ioapic unnamed-gpio-in 1 -1", "OK"},
		{"set_irq_in ioapic unnamed-gpio-in 1 0", "OK"},
		{"irq_intercept_in", "FAIL Unknown device"},
		{"irq_intercept_in nobody", "FAIL Unknown device"},
		{"irq_intercept_in rtc", "FAIL Unknown device"}, /* it has outputs */
		{"irq_intercept_out ioapic", "FAIL Unknown device"},
		{"irq_intercept_in ioapic", "OK"},
		{"irq_intercept_in /machine/q35/ioapic", "OK"}, /* the same one */
		{"irq_intercept_out rtc", "FAIL IRQ intercept already enabled"},
	};

	run(x, G_N_ELEMENTS(x));
}

static void test_bad_others(void)
{
	static const struct exchange x[] = {
		{"", "FAIL Unknown command ''"},
		{" ", "FAIL Unknown command ''"},
		{"module_load hw- x", "FAIL"},
		{"inb  0x71", "FAIL inb: '' is not a number"},
		{"outb 0x71  0x71", "FAIL outb: '' is not a number"},
		{"inb 0x71\r", "FAIL inb: '0x71\r' is not a number"},
		{"set_irq_in ioapic", "FAIL Unknown input ''"},
		{"set_irq_in ioapic a 0 1", "FAIL Unknown input 'a'"},
		{"set_irq_in ioapic unnamed-gpio-in 24 1", "FAIL ioapic has no input '24'"},
		{"set_irq_in ioapic unnamed-gpio-in 1", "FAIL set_irq_in: '' is not a number"},
		{"irq_intercept_in ioapic name", "FAIL Unknown input 'name'"},
	};

	run(x, G_N_ELEMENTS(x));
}

/* A reply as it must come next. */
static void expect_line(struct qtest *q, const char *want)
{
	g_autofree char *line = qtest_recv_line(q);

	g_assert_cmpstr(line, ==, want);
}

static void send_text(struct qtest *q, const char *text)
{
	qtest_send(q, text, strlen(text));
}

static void test_irq_order(void)
{
	struct qtest *q = qtest_init("");

	qtest_irq_intercept_in(q, "ioapic");
	send_text(q, "set_irq_in ioapic unnamed-gpio-in 5 1\n"
		     "set_irq_in ioapic unnamed-gpio-in 5 1\n"
		     "set_irq_in ioapic unnamed-gpio-in 6 1\n"
		     "set_irq_in ioapic unnamed-gpio-in 5 0\n"
		     "endianness\n");
	expect_line(q, "IRQ raise 5");
	expect_line(q, "OK");
	expect_line(q, "OK"); /* no change, no report */
	expect_line(q, "IRQ raise 6");
	expect_line(q, "OK");
	expect_line(q, "IRQ lower 5");
	expect_line(q, "OK");
	expect_line(q, "OK little");
	qtest_quit(q);
}

/* An output, numbered from 0: the clock's periodic interrupt. */
static void test_irq_out(void)
{
	struct qtest *q = qtest_init("");

	qtest_irq_intercept_out(q, "rtc");
	qtest_outb(q, 0x70, 0x0a);
	qtest_outb(q, 0x71, 0x26); /* 1024 Hz */
	qtest_outb(q, 0x70, 0x0b);
	qtest_outb(q, 0x71, 0x42);
	qtest_clock_step(q, 2000000);
	g_assert_cmpuint(qtest_irq_raises(q, 0), ==, 1);
	g_assert_true(qtest_get_irq(q, 0));
	qtest_outb(q, 0x70, 0x0c);
	qtest_inb(q, 0x71);
	g_assert_false(qtest_get_irq(q, 0));
	qtest_quit(q);
}

/* --- framing --- */

/* Every way to cut three requests into two segments, and each byte alone. */
static void test_segments(void)
{
	static const char text[] = "outb 0x71 0x5a\ninb 0x71\nendianness\n";
	struct qtest *q = qtest_init("");

	qtest_outb(q, 0x70, 0x40);
	for (size_t cut = 0; cut < sizeof(text); cut++) {
		for (size_t i = 0; i < sizeof(text) - 1; i++) {
			size_t n = cut == 0 ? 1 : i == 0 ? cut : sizeof(text) - 1 - cut;

			qtest_send(q, text + i, n);
			i += n - 1;
		}
		expect_line(q, "OK");
		expect_line(q, "OK 0x005a");
		expect_line(q, "OK little");
	}
	qtest_quit(q);
}

/* More requests at once than the server takes in, and more replies than the socket holds. */
static void test_pipeline(void)
{
	enum { PAIRS = 20000 };
	g_autoptr(GString) all = g_string_new(NULL);
	struct qtest *q = qtest_init("");

	for (unsigned i = 0; i < PAIRS; i++)
		g_string_append_printf(all, "writel 0x100000 %u\nreadl 0x100000\n", i);
	qtest_send(q, all->str, all->len);
	for (unsigned i = 0; i < PAIRS; i++) {
		g_autofree char *reply = g_strdup_printf("OK 0x%016x", i);

		expect_line(q, "OK");
		expect_line(q, reply);
	}
	qtest_quit(q);
}

static void test_long_lines(void)
{
	enum { SIZE = 300000 };
	g_autofree uint8_t *in = g_malloc(SIZE), *out = g_malloc(SIZE);
	g_autofree char *junk = g_strnfill(65536, 'a');
	struct qtest *q = qtest_init("");
	char *reply;

	for (size_t i = 0; i < SIZE; i++)
		in[i] = (uint8_t)(i ^ i >> 8);
	qtest_memwrite(q, RAM, in, SIZE);
	qtest_memread(q, RAM, out, SIZE);
	g_assert_cmpmem(in, SIZE, out, SIZE);
	qtest_bufwrite(q, RAM + 1, in, SIZE);
	qtest_bufread(q, RAM + 1, out, SIZE);
	g_assert_cmpmem(in, SIZE, out, SIZE);
	qtest_memset(q, RAM, 0xff, SIZE);
	g_assert_cmphex(qtest_readl(q, RAM + SIZE - 3), ==,
			0xffffffu | (uint32_t)in[SIZE - 1] << 24);
	reply = qtest_request(q, "%s", junk);
	g_assert_true(g_str_has_prefix(reply, "FAIL Unknown command 'aaaa"));
	g_free(reply);
	reply = qtest_request(q, "inb 0x71 %s", junk);
	g_assert_true(g_str_has_prefix(reply, "OK 0x"));
	g_free(reply);
	/* A byte that ends a C string does not end the line. */
	qtest_send(q, "inb 0x71\0 xyz\nendianness\n", 25);
	g_free(qtest_recv(q));
	expect_line(q, "OK little");
	qtest_quit(q);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/protocol/ports", test_ports);
	g_test_add_func("/protocol/bad-ports", test_bad_ports);
	g_test_add_func("/protocol/memory", test_memory);
	g_test_add_func("/protocol/bad-memory", test_bad_memory);
	g_test_add_func("/protocol/blocks", test_blocks);
	g_test_add_func("/protocol/bad-blocks", test_bad_blocks);
	g_test_add_func("/protocol/clock", test_clock);
	g_test_add_func("/protocol/bad-clock", test_bad_clock);
	g_test_add_func("/protocol/others", test_others);
	g_test_add_func("/protocol/bad-others", test_bad_others);
	g_test_add_func("/protocol/irq-order", test_irq_order);
	g_test_add_func("/protocol/irq-out", test_irq_out);
	g_test_add_func("/protocol/segments", test_segments);
	g_test_add_func("/protocol/pipeline", test_pipeline);
	g_test_add_func("/protocol/long-lines", test_long_lines);
	return g_test_run();
}
