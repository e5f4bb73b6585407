// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the tests of chips that keep time or carry characters: the clock, the serial port. */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/qtest/libqtest_int.h"

#define SECOND 1000000000ll

/* --- the clock (MC146818A) --- */

enum { SEC = 0, SEC_ALARM, MIN, MIN_ALARM, HOUR, HOUR_ALARM, MDAY = 7, MONTH, YEAR, A, B, C, D };
enum { B_SET = 0x80, B_PIE = 0x40, B_AIE = 0x20, B_UIE = 0x10, B_BINARY = 4, B_24H = 2 };
enum { C_IRQF = 0x80, C_PF = 0x40, C_AF = 0x20, C_UF = 0x10 };
#define RTC_IRQ 8

static uint8_t cmos(struct qtest *q, uint8_t reg)
{
	qtest_outb(q, 0x70, reg);
	return qtest_inb(q, 0x71);
}

static void set_cmos(struct qtest *q, uint8_t reg, uint8_t val)
{
	qtest_batch_begin(q);
	qtest_outb(q, 0x70, reg);
	qtest_outb(q, 0x71, val);
	qtest_batch_end(q);
}

/* 23:59:58 of December 31st 1999, in binary, 24 hours. */
static struct qtest *rtc_start(void)
{
	struct qtest *q = qtest_init("-rtc clock=vm");

	qtest_irq_intercept_in(q, "ioapic");
	set_cmos(q, B, B_SET | B_BINARY | B_24H);
	set_cmos(q, SEC, 58);
	set_cmos(q, MIN, 59);
	set_cmos(q, HOUR, 23);
	set_cmos(q, MDAY, 31);
	set_cmos(q, MONTH, 12);
	set_cmos(q, YEAR, 99);
	set_cmos(q, 0x32, 19);
	set_cmos(q, B, B_BINARY | B_24H);
	return q;
}

static void check_time(struct qtest *q, unsigned hour, unsigned min, unsigned sec)
{
	g_assert_cmpuint(cmos(q, HOUR), ==, hour);
	g_assert_cmpuint(cmos(q, MIN), ==, min);
	g_assert_cmpuint(cmos(q, SEC), ==, sec);
}

static void test_rtc_time(void)
{
	struct qtest *q = rtc_start();

	g_assert_cmphex(cmos(q, D), ==, 0x80); /* RAM and time are valid */
	check_time(q, 23, 59, 58);
	qtest_clock_step(q, SECOND);
	check_time(q, 23, 59, 59);
	qtest_clock_step(q, SECOND);
	check_time(q, 0, 0, 0);
	g_assert_cmpuint(cmos(q, MDAY), ==, 1);
	g_assert_cmpuint(cmos(q, MONTH), ==, 1);
	g_assert_cmpuint(cmos(q, YEAR), ==, 0);
	g_assert_cmpuint(cmos(q, 0x32), ==, 20);
	qtest_clock_step(q, 86399 * SECOND);
	check_time(q, 23, 59, 59);
	/* While SET holds it the time stands. */
	set_cmos(q, B, B_SET | B_BINARY | B_24H);
	qtest_clock_step(q, 100 * SECOND);
	check_time(q, 23, 59, 59);
	qtest_quit(q);
}

static void test_rtc_alarm(void)
{
	struct qtest *q = rtc_start();

	set_cmos(q, HOUR_ALARM, 0xff); /* any */
	set_cmos(q, MIN_ALARM, 1);
	set_cmos(q, SEC_ALARM, 5);
	set_cmos(q, B, B_AIE | B_BINARY | B_24H);
	qtest_clock_step(q, 66 * SECOND);
	g_assert_false(qtest_get_irq(q, RTC_IRQ)); /* it is 0:01:04 */
	qtest_clock_step(q, SECOND);
	g_assert_true(qtest_get_irq(q, RTC_IRQ));
	g_assert_cmphex(cmos(q, C) & (C_IRQF | C_AF), ==, C_IRQF | C_AF);
	g_assert_false(qtest_get_irq(q, RTC_IRQ)); /* reading C ends it */
	g_assert_cmphex(cmos(q, C) & C_IRQF, ==, 0);
	/* An hour later again; the clock knows when. */
	for (unsigned i = 0; i < 20000 && !qtest_get_irq(q, RTC_IRQ); i++)
		qtest_clock_step_next(q);
	check_time(q, 1, 1, 5);
	qtest_quit(q);
}

static void test_rtc_periodic(void)
{
	struct qtest *q = rtc_start();
	unsigned before;

	set_cmos(q, A, 0x26); /* 1024 Hz */
	set_cmos(q, B, B_PIE | B_BINARY | B_24H);
	before = qtest_irq_raises(q, RTC_IRQ);
	for (unsigned i = 0; i < 64; i++) {
		qtest_clock_step(q, SECOND / 1024 + 1);
		cmos(q, C);
	}
	g_assert_cmpuint(qtest_irq_raises(q, RTC_IRQ) - before, >=, 63);
	g_assert_cmpuint(qtest_irq_raises(q, RTC_IRQ) - before, <=, 65);
	set_cmos(q, B, B_UIE | B_BINARY | B_24H);
	cmos(q, C);
	qtest_clock_step(q, SECOND);
	g_assert_true(qtest_get_irq(q, RTC_IRQ));
	g_assert_true(cmos(q, C) & C_UF);
	qtest_quit(q);
}

/* --- the serial port (PC16550D) --- */

#define COM1 0x3f8
#define SERIAL_IRQ 4
enum { DATA, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCRATCH };
enum { LSR_DR = 1, LSR_OE = 2, LSR_THRE = 0x20, LSR_TEMT = 0x40, MCR_LOOP = 0x10 };

static uint8_t uart(struct qtest *q, unsigned reg)
{
	return qtest_inb(q, (uint16_t)(COM1 + reg));
}

static void set_uart(struct qtest *q, unsigned reg, uint8_t val)
{
	qtest_outb(q, (uint16_t)(COM1 + reg), val);
}

static void test_serial_registers(void)
{
	struct qtest *q = qtest_init("-serial null");

	set_uart(q, SCRATCH, 0xa5);
	g_assert_cmphex(uart(q, SCRATCH), ==, 0xa5);
	g_assert_cmphex(uart(q, LSR), ==, LSR_THRE | LSR_TEMT);
	set_uart(q, LCR, 0x83); /* the divisor */
	set_uart(q, DATA, 0x34);
	set_uart(q, IER, 0x12);
	g_assert_cmphex(uart(q, DATA) | uart(q, IER) << 8, ==, 0x1234);
	set_uart(q, LCR, 0x03);
	g_assert_cmphex(uart(q, IER), ==, 0);
	set_uart(q, IER, 0xff);
	g_assert_cmphex(uart(q, IER), ==, 0x0f);
	g_assert_cmphex(qtest_inb(q, 0x2f8 + SCRATCH), ==, 0xff); /* there is no second one */
	qtest_quit(q);
}

static void test_serial_loopback(void)
{
	struct qtest *q = qtest_init("-serial null");

	qtest_irq_intercept_in(q, "ioapic");
	set_uart(q, MCR, MCR_LOOP | 0x0f);
	g_assert_cmphex(uart(q, MSR) & 0xf0, ==, 0xf0); /* the outputs come back as inputs */
	uart(q, MSR);
	set_uart(q, DATA, 0x42);
	g_assert_true(uart(q, LSR) & LSR_DR);
	g_assert_false(qtest_get_irq(q, SERIAL_IRQ));
	set_uart(q, IER, 1);
	g_assert_true(qtest_get_irq(q, SERIAL_IRQ));
	g_assert_cmphex(uart(q, IIR_FCR) & 0x0f, ==, 4);
	g_assert_cmphex(uart(q, DATA), ==, 0x42);
	g_assert_false(qtest_get_irq(q, SERIAL_IRQ));
	g_assert_cmphex(uart(q, IIR_FCR) & 0x0f, ==, 1);
	/* One more than the receiver holds without its FIFO. */
	set_uart(q, DATA, 1);
	set_uart(q, DATA, 2);
	g_assert_cmphex(uart(q, LSR) & (LSR_DR | LSR_OE), ==, LSR_DR | LSR_OE);
	g_assert_cmphex(uart(q, LSR) & LSR_OE, ==, 0);
	qtest_quit(q);
}

static void test_serial_fifo(void)
{
	struct qtest *q = qtest_init("-serial null");

	qtest_irq_intercept_in(q, "ioapic");
	set_uart(q, IIR_FCR, 0x87); /* on, empty, interrupt at 8 */
	g_assert_cmphex(uart(q, IIR_FCR) & 0xc0, ==, 0xc0);
	set_uart(q, MCR, MCR_LOOP);
	set_uart(q, IER, 1);
	for (uint8_t i = 0; i < 16; i++) {
		g_assert_cmpint(qtest_get_irq(q, SERIAL_IRQ), ==, i >= 8);
		set_uart(q, DATA, i);
	}
	for (uint8_t i = 0; i < 16; i++)
		g_assert_cmphex(uart(q, DATA), ==, i);
	g_assert_false(uart(q, LSR) & LSR_DR);
	/* Fewer than 8: the time-out of four characters. */
	set_uart(q, DATA, 9);
	g_assert_false(qtest_get_irq(q, SERIAL_IRQ));
	qtest_clock_step(q, SECOND / 10);
	g_assert_true(qtest_get_irq(q, SERIAL_IRQ));
	g_assert_cmphex(uart(q, IIR_FCR) & 0x0f, ==, 0x0c);
	g_assert_cmphex(uart(q, DATA), ==, 9);
	g_assert_false(qtest_get_irq(q, SERIAL_IRQ));
	/* The transmitter is empty: so it says when it is asked to. */
	set_uart(q, IER, 2);
	g_assert_true(qtest_get_irq(q, SERIAL_IRQ));
	g_assert_cmphex(uart(q, IIR_FCR) & 0x0f, ==, 2);
	g_assert_false(qtest_get_irq(q, SERIAL_IRQ));
	qtest_quit(q);
}

static void test_serial_file(void)
{
	static const char text[] = "carried over the line\r\n\x01\xff";
	g_autofree char *path = NULL, *got = NULL;
	gsize len = 0;
	struct qtest *q;
	int fd = g_file_open_tmp("qtest-XXXXXX", &path, NULL);

	close(fd);
	q = qtest_initf("-serial file:%s", path);
	for (size_t i = 0; i < sizeof(text); i++)
		set_uart(q, DATA, (uint8_t)text[i]);
	qtest_quit(q);
	g_assert_true(g_file_get_contents(path, &got, &len, NULL));
	unlink(path);
	g_assert_cmpmem(got, len, text, sizeof(text));
}

/* The only thing here that comes when it likes. */
static void wait_for_input(struct qtest *q)
{
	while (!(uart(q, LSR) & LSR_DR))
		qtest_clock_step(q, 0);
}

static void test_serial_input(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	g_autofree char *path = NULL;
	struct qtest *q;
	int fd = g_file_open_tmp("qtest-XXXXXX", &path, NULL);

	close(fd);
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_strlcpy(a.sun_path, path, sizeof(a.sun_path));
	q = qtest_initf("-serial unix:%s,server=on,wait=off", path);
	g_assert_cmpint(connect(fd, (struct sockaddr *)&a, sizeof(a)), ==, 0);
	g_assert_cmpint(write(fd, "hi", 2), ==, 2);
	wait_for_input(q);
	g_assert_cmphex(uart(q, DATA), ==, 'h');
	wait_for_input(q);
	g_assert_cmphex(uart(q, DATA), ==, 'i');
	close(fd);
	qtest_quit(q);
	unlink(path);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rtc/time", test_rtc_time);
	g_test_add_func("/rtc/alarm", test_rtc_alarm);
	g_test_add_func("/rtc/periodic", test_rtc_periodic);
	g_test_add_func("/serial/registers", test_serial_registers);
	g_test_add_func("/serial/loopback", test_serial_loopback);
	g_test_add_func("/serial/fifo", test_serial_fifo);
	g_test_add_func("/serial/file", test_serial_file);
	g_test_add_func("/serial/input", test_serial_input);
	return g_test_run();
}
