// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the tests of what is around the protocol: connections that come and go, the log, how the
 * process ends, what is refused at the start.
 */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/qtest/libqtest_int.h"

/* --- connections --- */

/* The VMM listens; its state outlives connections, levels start at 0 again. */
static void test_reconnect(void)
{
	g_autofree char *dir = g_dir_make_tmp("qtest-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "q", NULL);
	g_autofree char *args = g_strdup_printf(
		"-M q35 -nodefaults -qtest unix:%s,server=on,wait=off -qtest-log none -accel qtest",
		path);
	struct qtest *q = qtest_spawn(args, -1);

	q->dir = g_steal_pointer(&dir);
	for (unsigned i = 0; i < 3; i++) {
		qtest_connect(q, path);
		g_assert_cmphex(qtest_readl(q, 0x100000), ==, i);
		qtest_writel(q, 0x100000, i + 1);
		g_assert_cmpint(qtest_clock_step(q, 10), ==, 10 * (i + 1));
		qtest_irq_intercept_in(q, "ioapic");
		qtest_set_irq_in(q, "ioapic", 5, 1);
		g_assert_cmpuint(qtest_irq_raises(q, 5), ==, i + 1);
		qtest_send(q, "outb 0x80 1\nhalf a requ", 23); /* dropped with the connection */
		g_free(qtest_recv(q));
		qtest_disconnect(q);
	}
	qtest_quit(q);
}

/* A client that goes away takes nothing with it. */
static void test_disconnect(void)
{
	struct qtest *q = qtest_init("");
	char byte;

	shutdown(q->fd, SHUT_WR);
	g_assert_cmpint(read(q->fd, &byte, 1), ==, 0); /* the VMM has seen it */
	qtest_disconnect(q);
	g_assert_cmpint(kill(q->pid, 0), ==, 0);
	qtest_quit(q);
}

/* A client that sends and never reads is not read for ever; it can still be ended. */
static void test_deaf(void)
{
	static const char ask[] = "b64read 0x100000 100000\n";
	struct qtest *q = qtest_init("");

	for (unsigned i = 0; i < 40; i++)
		qtest_send(q, ask, sizeof(ask) - 1);
	qtest_quit(q);
}

/* --- the log --- */

static void check_line(const char *line, const char *pattern)
{
	if (!g_regex_match_simple(pattern, line, 0, 0))
		g_error("log: '%s' does not match %s", line, pattern);
}

static void test_log(void)
{
	static const char *const patterns[] = {
		"^\\[I 0\\.000000\\] OPENED$",
		"^\\[R \\+\\d+\\.\\d{6}\\] endianness$",
		"^\\[S \\+\\d+\\.\\d{6}\\] OK little$",
		"^\\[R \\+\\d+\\.\\d{6}\\] inb 0x999$",
		"^\\[S \\+\\d+\\.\\d{6}\\] OK 0x00ff$",
		"^\\[R \\+\\d+\\.\\d{6}\\] irq_intercept_in ioapic$",
		"^\\[S \\+\\d+\\.\\d{6}\\] OK$",
		"^\\[R \\+\\d+\\.\\d{6}\\] set_irq_in ioapic unnamed-gpio-in 3 1$",
		"^\\[S \\+\\d+\\.\\d{6}\\] IRQ raise 3$",
		"^\\[S \\+\\d+\\.\\d{6}\\] OK$",
		"^\\[I \\+\\d+\\.\\d{6}\\] CLOSED$",
		"^$",
	};
	g_autofree char *path = NULL, *text = NULL;
	g_auto(GStrv) lines = NULL;
	struct qtest *q;
	int fd = g_file_open_tmp("qtest-XXXXXX", &path, NULL);
	char byte;

	g_assert_cmpint(write(fd, "old\n", 4), ==, 4); /* it is truncated */
	close(fd);
	q = qtest_initf("-qtest-log %s", path);
	qtest_inb(q, 0x999);
	qtest_irq_intercept_in(q, "ioapic");
	qtest_set_irq_in(q, "ioapic", 3, 1);
	shutdown(q->fd, SHUT_WR);
	g_assert_cmpint(read(q->fd, &byte, 1), ==, 0);
	qtest_quit(q);
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	unlink(path);
	lines = g_strsplit(text, "\n", -1);
	g_assert_cmpuint(g_strv_length(lines), ==, G_N_ELEMENTS(patterns));
	for (size_t i = 0; i < G_N_ELEMENTS(patterns); i++)
		check_line(lines[i], patterns[i]);
}

/* --- the end --- */

static void test_signals(void)
{
	static const int sigs[] = {SIGTERM, SIGINT, SIGHUP};

	for (size_t i = 0; i < G_N_ELEMENTS(sigs); i++) {
		struct qtest *q = qtest_init("-device edu");

		qtest_kill(q, sigs[i]);
		qtest_wait_exit(q, 0);
	}
}

/* Also with requests under way, and twice. */
static void test_busy_end(void)
{
	struct qtest *q = qtest_init("-device nvme,size=1M,serial=s");

	for (unsigned i = 0; i < 1000; i++)
		qtest_send(q, "inl 0xcfc\n", 10);
	qtest_kill(q, SIGTERM);
	qtest_kill(q, SIGINT);
	qtest_wait_exit(q, 0);
}

/* No CPU starts, but there is none; the machine is there and serves. */
static void test_stopped(void)
{
	struct qtest *q = qtest_init("-S");

	qtest_outl(q, 0xcf8, 0x80000000);
	g_assert_cmphex(qtest_inl(q, 0xcf8), ==, 0x80000000);
	g_assert_cmpint(qtest_clock_step(q, 100), ==, 100);
	qtest_quit(q);
}

/* --- what is refused --- */

static void check_refused(const char *args, const char *message)
{
	g_autofree char *path = NULL, *text = NULL;
	int fd = g_file_open_tmp("qtest-XXXXXX", &path, NULL);
	g_autofree char *all = g_strdup_printf("-M q35 -nodefaults -accel qtest %s", args);

	qtest_wait_exit(qtest_spawn(all, fd), 1);
	close(fd);
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	unlink(path);
	if (!strstr(text, message))
		g_error("%s: no '%s' in: %s", args, message, text);
}

static void test_refused(void)
{
	check_refused("-qtest nonsense:/tmp/x", "nonsense");
	check_refused("-qtest chardev:nobody", "nobody");
	check_refused("-qtest unix:/no/such/socket", "/no/such/socket");
	check_refused("-qtest null -qtest-log /no/such/log", "/no/such/log");
	check_refused("-chardev null,id=c -serial chardev:c -qtest chardev:c", "already taken");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/client/reconnect", test_reconnect);
	g_test_add_func("/client/disconnect", test_disconnect);
	g_test_add_func("/client/deaf", test_deaf);
	g_test_add_func("/client/log", test_log);
	g_test_add_func("/client/signals", test_signals);
	g_test_add_func("/client/busy-end", test_busy_end);
	g_test_add_func("/client/stopped", test_stopped);
	g_test_add_func("/client/refused", test_refused);
	return g_test_run();
}
