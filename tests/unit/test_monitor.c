// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of ctl/monitor.c. */
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/chardev.h"
#include "ctl/monitor.h"

struct box {
	int far;
	struct chardev *c;
	struct monitor *m;
	GString *seen;  /* what the terminal got */
	GString *calls; /* what the machine was asked */
	size_t info_lines;
};

#define OP(name)                                                           \
	static void op_##name(void *opaque)                                \
	{                                                                  \
		g_string_append(((struct box *)opaque)->calls, #name " "); \
	}
OP(quit)
OP(stop)
OP(cont)
OP(system_reset)
OP(system_powerdown)

static bool op_info(void *opaque, const char *what, GString *out)
{
	struct box *b = opaque;

	if (strcmp(what, "pci") && strcmp(what, "mtree"))
		return false;
	for (size_t i = 0; i < b->info_lines; i++)
		g_string_append_printf(out, "%s line %zu\n", what, i);
	return true;
}

static void op_device_del(void *opaque, const char *args, GString *out)
{
	g_string_append_printf(((struct box *)opaque)->calls, "device_del(%s) ", args);
}

static void op_vfio_config(void *opaque, const char *args, bool color, GString *out)
{
	g_string_append_printf(((struct box *)opaque)->calls, "vfio_config(%s, %s) ", args,
			       color ? "color" : "plain");
}

static const char *op_word(void *opaque, const char *command, size_t i, const char **about)
{
	static const char *const topics[][2] = {
		{"pci", "PCI devices"}, {"mtree", "memory map"}, {"pcie", NULL}};

	if (strcmp(command, "info") || i >= G_N_ELEMENTS(topics))
		return NULL;
	*about = topics[i][1];
	return topics[i][0];
}

static const struct monitor_ops ops = {
	.quit = op_quit,
	.stop = op_stop,
	.cont = op_cont,
	.system_reset = op_system_reset,
	.system_powerdown = op_system_powerdown,
	.info = op_info,
	.device_del = op_device_del,
	.vfio_config = op_vfio_config,
	.word = op_word,
};

static void open_box(struct box *b, const struct monitor_ops *with)
{
	struct chardev_conf *conf = chardev_conf_new("mon", "socket");
	int fd[2];

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), ==, 0);
	conf->fd = fd[0];
	*b = (struct box){.far = fd[1], .c = chardev_new(conf, NULL), .info_lines = 2};
	chardev_conf_free(conf);
	b->seen = g_string_new(NULL);
	b->calls = g_string_new(NULL);
	b->m = monitor_new(b->c, with, b);
}

static void close_box(struct box *b)
{
	monitor_free(b->m);
	chardev_free(b->c);
	close(b->far);
	g_string_free(b->seen, TRUE);
	g_string_free(b->calls, TRUE);
}

static void wait_for(struct box *b, const char *text)
{
	char buf[512];
	ssize_t n;

	while (!strstr(b->seen->str, text)) {
		g_main_context_iteration(NULL, FALSE);
		while ((n = recv(b->far, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
			g_string_append_len(b->seen, buf, n);
	}
}

static void type(struct box *b, const char *text)
{
	g_string_truncate(b->seen, 0);
	g_assert_cmpint(write(b->far, text, strlen(text)), ==, strlen(text));
}

static void commands(void)
{
	struct box b;

	open_box(&b, &ops);
	wait_for(&b, "monitor - type 'help' for more information\r\n(sluice) ");
	type(&b, "stop\r\nc\nsystem_reset\rsystem_powerdown\r  cont \r\rq\r");
	while (!strstr(b.calls->str, "quit"))
		g_main_context_iteration(NULL, TRUE);
	g_assert_cmpstr(b.calls->str, ==, "stop cont system_reset system_powerdown cont quit ");
	wait_for(&b, "q\r\n");
	g_assert_true(g_str_has_suffix(b.seen->str, "(sluice) q\r\n")); /* no prompt after it */
	close_box(&b);
}

static void run(struct box *b, const char *line, const char *want)
{
	GString *out = g_string_new(NULL);

	monitor_command(b->m, line, out);
	if (!strstr(out->str, want))
		g_error("%s: '%s' not in '%s'", line, want, out->str);
	g_string_free(out, TRUE);
}

static void answers(void)
{
	struct box b;

	open_box(&b, &ops);
	run(&b, "", "");
	run(&b, "help", "system_powerdown -- press the power button\n");
	run(&b, "?", "quit|q -- ");
	run(&b, "help q", "quit|q -- end the machine");
	run(&b, "help info", "info pci -- PCI devices\n");
	run(&b, "help qiut", "unknown command: 'qiut'; did you mean 'quit'?\n");
	run(&b, "info", "info mtree -- memory map\n");
	run(&b, "info pci", "pci line 0\npci line 1\n");
	run(&b, "  info \t pci  ", "pci line 1\n");
	run(&b, "info vfio", "unknown topic: 'vfio'\n");
	run(&b, "info pcl", "unknown topic: 'pcl'; did you mean 'pci'?\n");
	run(&b, "sytem_reset", "unknown command: 'sytem_reset'; did you mean 'system_reset'?\n");
	run(&b, "xyzzy", "unknown command: 'xyzzy'\n");
	run(&b, "stop it", "stop: takes no argument, got 'it'\n");
	g_assert_cmpstr(b.calls->str, ==, "");
	close_box(&b);
}

static void without_ops(void)
{
	static const struct monitor_ops none;
	struct box b;

	open_box(&b, &none);
	run(&b, "stop", "stop: not available in this machine\n");
	run(&b, "info pci", "info pci: not available in this machine\n");
	run(&b, "x-vfio-config d", "x-vfio-config: not available in this machine\n");
	close_box(&b);
	monitor_free(NULL);
}

/* Colours go to a terminal, not to a program. */
static void colors(void)
{
	GString *out = g_string_new(NULL);
	struct monitor *m;
	struct box b;

	open_box(&b, &ops);
	type(&b, "x-vfio-config d0\r");
	while (!b.calls->len)
		g_main_context_iteration(NULL, TRUE);
	g_assert_cmpstr(b.calls->str, ==, "vfio_config(d0, color) ");
	g_string_truncate(b.calls, 0);
	m = monitor_new(NULL, &ops, &b);
	monitor_command(m, "x-vfio-config d0", out);
	g_assert_cmpstr(b.calls->str, ==, "vfio_config(d0, plain) ");
	monitor_free(m);
	close_box(&b);
	g_string_free(out, TRUE);
}

static void editing(void)
{
	static const struct {
		const char *typed, *calls;
	} cases[] = {
		{"stopp\b\r", "stop "},
		{"stopx\x7f\r", "stop "},
		{"garbage\x15stop\r", "stop "},
		{"garbage\x03stop\r", "stop "},
		{"two words\x17\x17stop\r", "stop "},
		{"\b\b\x15\x17stop\r", "stop "},
		{"s\x1b[At\x1bOBop\x1b[1;5C\x1bx\r", "stop "},
		{"st\x02op\r", "stop "},
		{"sto\t\r", "stop "},
		{"syst\t\tr\t\r", "system_reset "},
		{"zz\t\x15info m\t\x15stop\r", "stop "},
		{"device_d\tx\r", "device_del(x) "},
	};
	struct box b;

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		open_box(&b, &ops);
		type(&b, cases[i].typed);
		while (!b.calls->len)
			g_main_context_iteration(NULL, TRUE);
		g_assert_cmpstr(b.calls->str, ==, cases[i].calls);
		close_box(&b);
	}
}

static void endless_line(void)
{
	g_autofree char *text = g_strnfill(20000, 'x');
	struct box b;

	open_box(&b, &ops);
	type(&b, text);
	type(&b, "\x15stop\r");
	while (!b.calls->len)
		g_main_context_iteration(NULL, TRUE);
	close_box(&b);
}

/* Far more output than the chardev queues reaches a peer that reads late, complete and in order. */
static void long_answer(void)
{
	struct box b;

	open_box(&b, &ops);
	b.info_lines = 100000;
	type(&b, "info mtree\rstop\r");
	while (!b.calls->len)
		g_main_context_iteration(NULL, TRUE);
	wait_for(&b, "(sluice) stop\r\n(sluice) ");
	g_assert_nonnull(strstr(b.seen->str, "mtree line 99999\r\n"));
	g_assert_nonnull(strstr(b.seen->str, "mtree line 50000\r\nmtree line 50001\r\n"));
	close_box(&b);
}

static void shares_a_mux(void)
{
	struct chardev_conf *conf = chardev_conf_new("mux", "socket");
	struct box b = {.seen = g_string_new(NULL), .calls = g_string_new(NULL)};
	struct chardev_mux *mux;
	struct chardev *c;
	int fd[2];

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), ==, 0);
	conf->fd = fd[0];
	b.far = fd[1];
	c = chardev_new(conf, NULL);
	chardev_conf_free(conf);
	mux = chardev_mux_new(c, op_quit, &b);
	b.m = monitor_new(chardev_mux_side(mux, 1), &ops, &b);
	type(&b, "\x01"
		 "cstop\r");
	wait_for(&b, "(sluice) stop\r\n(sluice) ");
	g_assert_cmpstr(b.calls->str, ==, "stop ");
	monitor_free(b.m);
	chardev_mux_free(mux);
	chardev_free(c);
	close(b.far);
	g_string_free(b.seen, TRUE);
	g_string_free(b.calls, TRUE);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/monitor/commands", commands);
	g_test_add_func("/monitor/answers", answers);
	g_test_add_func("/monitor/without-ops", without_ops);
	g_test_add_func("/monitor/colors", colors);
	g_test_add_func("/monitor/editing", editing);
	g_test_add_func("/monitor/endless-line", endless_line);
	g_test_add_func("/monitor/long-answer", long_answer);
	g_test_add_func("/monitor/mux", shares_a_mux);
	return g_test_run();
}
