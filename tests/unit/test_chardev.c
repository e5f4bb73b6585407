// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of base/chardev*.c: streams, files, sockets, terminals; slow and lost peers. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <pty.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utmp.h>

#include "tests/unit/chardev_util.h"

static void open_bad(struct chardev_conf *conf, const char *text)
{
	struct err *e = NULL;

	g_assert_null(chardev_new(conf, &e));
	if (!strstr(err_text(e), text))
		g_error("'%s' not in '%s'", text, err_text(e));
	err_free(e);
	chardev_conf_free(conf);
}

static char *scratch(const char *name)
{
	g_autofree char *dir = g_dir_make_tmp("sluice-XXXXXX", NULL);

	return g_build_filename(dir, name, NULL);
}

static void scratch_free(char *path)
{
	g_autofree char *dir = g_path_get_dirname(path);

	g_unlink(path);
	g_assert_cmpint(g_rmdir(dir), ==, 0);
	g_free(path);
}

static void assert_file(const char *path, const char *want)
{
	g_autofree char *text = NULL;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_assert_cmpstr(text, ==, want);
}

static void assert_described(struct chardev *c, const char *want)
{
	GString *s = g_string_new(NULL);

	chardev_describe(c, s);
	g_assert_cmpstr(s->str, ==, want);
	g_string_free(s, TRUE);
}

static void null_and_log(void)
{
	char *log = scratch("log");
	struct chardev_conf *conf = chardev_conf_new("n", "null");
	struct chardev *c;

	conf->logfile = g_strdup(log);
	c = open_ok(conf);
	g_assert_cmpstr(chardev_id(c), ==, "n");
	g_assert_cmpuint(chardev_write(c, "hello", 5), ==, 5);
	assert_described(c, "null");
	chardev_free(c);
	assert_file(log, "hello");
	conf = chardev_conf_new("n", "null");
	conf->logfile = g_strdup(log);
	conf->logappend = true;
	c = open_ok(conf);
	chardev_write(c, "!", 1);
	chardev_free(c);
	assert_file(log, "hello!");
	scratch_free(log);
}

static void file(void)
{
	char *path = scratch("out");
	struct chardev_conf *conf = chardev_conf_new("f", "file");
	struct chardev *c;

	conf->path = g_strdup(path);
	c = open_ok(conf);
	g_assert_cmpuint(chardev_write(c, "one", 3), ==, 3);
	chardev_free(c);
	assert_file(path, "one");
	conf = chardev_conf_new("f", "file");
	conf->path = g_strdup(path);
	conf->append = true;
	c = open_ok(conf);
	chardev_write(c, "two", 3);
	chardev_free(c);
	assert_file(path, "onetwo");
	scratch_free(path);
}

static struct chardev_conf *conf_with(const char *backend, const char *path)
{
	struct chardev_conf *conf = chardev_conf_new("bad", backend);

	conf->path = g_strdup(path);
	return conf;
}

static void errors(void)
{
	g_autofree char *huge = g_strnfill(200, 'a');
	struct chardev_conf *conf;
	struct err *e = NULL;

	open_bad(conf_with("file", NULL), "chardev bad: file: no path");
	open_bad(conf_with("file", "/nonexistent/x"),
		 "chardev bad: open /nonexistent/x: No such file");
	open_bad(conf_with("pipe", "/nonexistent/x"), "open /nonexistent/x: No such file");
	open_bad(conf_with("socket", NULL), "needs a path");
	open_bad(conf_with("socket", huge), "has 200 bytes, the limit is 107");
	open_bad(conf_with("socket", "/nonexistent/x"), "unix:/nonexistent/x: connect: No such");
	conf = conf_with("socket", "/nonexistent/x");
	conf->server = true;
	open_bad(conf, "unix:/nonexistent/x: bind: No such");
	conf = conf_with("socket", NULL);
	conf->fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	open_bad(conf, "fd=");
	conf = conf_with("null", NULL);
	conf->logfile = g_strdup("/nonexistent/log");
	open_bad(conf, "open log file /nonexistent/log: No such");
	conf = conf_with("fiel", NULL);
	g_assert_null(chardev_new(conf, &e));
	g_assert_cmpstr(err_text(e), ==, "chardev bad: unknown back end 'fiel'");
	g_assert_cmpstr(err_hints(e), ==, "Did you mean 'file'?\n");
	err_free(e);
	chardev_conf_free(conf);
}

static void input_respects_room(void)
{
	struct fe f;
	int far;
	struct chardev *c = open_pair(&far);

	fe_attach(&f, c);
	g_assert_cmpint(f.opened, ==, 1);
	f.room = 3;
	g_assert_cmpint(write(far, "abcdefgh", 8), ==, 8);
	RUN_UNTIL(f.got->len == 3);
	settle();
	g_assert_cmpstr(f.got->str, ==, "abc");
	f.room = 2;
	chardev_accept_input(c);
	RUN_UNTIL(f.got->len == 5);
	f.room = 100;
	chardev_accept_input(c);
	chardev_accept_input(c);
	RUN_UNTIL(f.got->len == 8);
	g_assert_cmpstr(f.got->str, ==, "abcdefgh");
	chardev_attach(c, NULL);
	g_assert_cmpint(write(far, "x", 1), ==, 1);
	settle();
	g_assert_cmpuint(f.got->len, ==, 8);
	chardev_free(c);
	close(far);
	fe_free(&f);
}

static void output_only_front_end_sees_the_peer_leave(void)
{
	int far;
	struct chardev *c = open_pair(&far);
	struct fe f = {};
	struct chardev_fe fe = {.event = fe_event, .opaque = &f};

	chardev_attach(c, &fe);
	g_assert_cmpint(write(far, "ignored", 7), ==, 7);
	close(far);
	RUN_UNTIL(f.closed == 1);
	g_assert_cmpuint(chardev_write(c, "gone", 4), ==, 4);
	chardev_free(c);
}

static size_t read_all(int fd, GString *into)
{
	char buf[4096];
	ssize_t n;
	size_t all = 0;

	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		g_string_append_len(into, buf, n);
		all += n;
	}
	return all;
}

/* A peer that does not read: short writes, no blocking, nothing lost of what was taken. */
static void slow_peer(void)
{
	struct fe f;
	int far;
	struct chardev *c = open_pair(&far);
	GString *out = g_string_new(NULL);
	char chunk[1000];
	size_t taken = 0, n;

	fe_attach(&f, c);
	for (;;) {
		for (size_t i = 0; i < sizeof(chunk); i++)
			chunk[i] = 'a' + (taken + i) % 23;
		n = chardev_write(c, chunk, sizeof(chunk));
		taken += n;
		if (n < sizeof(chunk))
			break;
	}
	g_assert_cmpuint(taken, >=, CHARDEV_QUEUE);
	g_assert_cmpuint(chardev_write(c, "x", 1), ==, 0);
	settle();
	g_assert_cmpint(f.drained, ==, 0);
	while (out->len < taken)
		if (!read_all(far, out))
			g_main_context_iteration(NULL, TRUE);
	for (size_t i = 0; i < taken; i++)
		g_assert_cmpint(out->str[i], ==, 'a' + i % 23);
	RUN_UNTIL(f.drained == 1);
	g_assert_cmpuint(chardev_write(c, "x", 1), ==, 1);
	chardev_free(c);
	close(far);
	g_string_free(out, TRUE);
	fe_free(&f);
}

static void peer_leaves_with_a_full_queue(void)
{
	struct fe f;
	int far;
	struct chardev *c = open_pair(&far);
	char chunk[4096] = {};

	fe_attach(&f, c);
	while (chardev_write(c, chunk, sizeof(chunk)) == sizeof(chunk))
		;
	close(far);
	RUN_UNTIL(f.closed == 1);
	g_assert_cmpint(f.drained, ==, 1);
	g_assert_cmpuint(chardev_write(c, chunk, sizeof(chunk)), ==, sizeof(chunk));
	chardev_free(c);
	fe_free(&f);
}

struct writer {
	struct chardev *c;
	char letter;
};

static gpointer write_many(gpointer opaque)
{
	struct writer *w = opaque;

	for (int i = 0; i < 20000; i++)
		while (!chardev_write(w->c, &w->letter, 1))
			g_thread_yield();
	return NULL;
}

static void writers_on_threads(void)
{
	int far;
	struct chardev *c = open_pair(&far);
	struct writer w[2] = {{c, 'a'}, {c, 'b'}};
	GThread *t[2];
	GString *out = g_string_new(NULL);
	int count[2] = {};

	for (int i = 0; i < 2; i++)
		t[i] = g_thread_new("writer", write_many, &w[i]);
	while (out->len < 40000) {
		read_all(far, out);
		g_main_context_iteration(NULL, FALSE);
	}
	for (int i = 0; i < 2; i++)
		g_thread_join(t[i]);
	for (size_t i = 0; i < out->len; i++)
		count[out->str[i] - 'a']++;
	g_assert_cmpint(count[0], ==, 20000);
	g_assert_cmpint(count[1], ==, 20000);
	chardev_free(c);
	close(far);
	g_string_free(out, TRUE);
}

static int dial(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_strlcpy(un.sun_path, path, sizeof(un.sun_path));
	g_assert_cmpint(connect(fd, (struct sockaddr *)&un, sizeof(un)), ==, 0);
	return fd;
}

static void unix_server(void)
{
	char *path = scratch("sock");
	g_autofree char *off = g_strdup_printf("disconnected:unix:%s,server=on", path);
	g_autofree char *on = g_strdup_printf("unix:%s,server=on", path);
	struct chardev_conf *conf = conf_with("socket", path);
	struct chardev *c;
	struct fe f;

	conf->server = true;
	conf->wait = false;
	c = open_ok(conf);
	fe_attach(&f, c);
	g_assert_cmpint(f.opened, ==, 0);
	assert_described(c, off);
	g_assert_cmpuint(chardev_write(c, "lost", 4), ==, 4);
	for (int i = 1; i <= 3; i++) { /* re-accepts */
		int fd = dial(path);

		RUN_UNTIL(f.opened == i);
		assert_described(c, on);
		chardev_write(c, "hi", 2);
		expect(fd, "hi");
		g_assert_cmpint(write(fd, "yo", 2), ==, 2);
		close(fd);
		RUN_UNTIL(f.closed == i);
	}
	g_assert_cmpstr(f.got->str, ==, "yoyoyo");
	chardev_free(c);
	g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
	scratch_free(path);
	fe_free(&f);
}

/* The socket is connected before the server exists: an inherited listening descriptor. */
static void waits_for_a_peer(void)
{
	char *path = scratch("sock");
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct chardev_conf *conf = chardev_conf_new("s", "socket");
	struct chardev *c;
	int fd;

	g_strlcpy(un.sun_path, path, sizeof(un.sun_path));
	conf->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(bind(conf->fd, (struct sockaddr *)&un, sizeof(un)), ==, 0);
	g_assert_cmpint(listen(conf->fd, 1), ==, 0);
	conf->server = true;
	fd = dial(path);
	c = open_ok(conf);
	chardev_write(c, "hi", 2);
	expect(fd, "hi");
	close(fd);
	chardev_free(c);
	g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS)); /* not ours to remove */
	scratch_free(path);
}

static void stale_socket_is_replaced_but_no_file(void)
{
	char *path = scratch("sock");
	struct chardev_conf *conf;
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_strlcpy(un.sun_path, path, sizeof(un.sun_path));
	g_assert_cmpint(bind(fd, (struct sockaddr *)&un, sizeof(un)), ==, 0);
	close(fd);
	conf = conf_with("socket", path);
	conf->server = true;
	conf->wait = false;
	chardev_free(open_ok(conf));
	g_assert_true(g_file_set_contents(path, "precious", -1, NULL));
	conf = conf_with("socket", path);
	conf->server = true;
	conf->wait = false;
	open_bad(conf, "Address already in use");
	assert_file(path, "precious");
	scratch_free(path);
}

static void client_reconnects(void)
{
	char *path = scratch("sock");
	struct chardev_conf *conf = conf_with("socket", path);
	struct chardev *client, *server;
	struct fe f, g;

	conf->reconnect = 1;
	client = open_ok(conf); /* nobody there yet */
	fe_attach(&f, client);
	for (int i = 1; i <= 2; i++) {
		conf = conf_with("socket", path);
		conf->server = true;
		conf->wait = false;
		server = open_ok(conf);
		fe_attach(&g, server);
		RUN_UNTIL(f.opened == i && g.opened == 1);
		chardev_write(client, "x", 1);
		RUN_UNTIL(g.got->len == 1);
		chardev_free(server);
		RUN_UNTIL(f.closed == i);
		fe_free(&g);
	}
	chardev_free(client);
	scratch_free(path);
	fe_free(&f);
}

static void tcp(void)
{
	struct chardev_conf *conf = chardev_conf_new("t", "socket");
	struct chardev *c, *server = NULL;
	struct fe f, g;
	char port[8];

	conf->host = g_strdup("127.0.0.1");
	conf->server = true;
	conf->wait = false;
	for (int i = 0; i < 100 && !server; i++) { /* any port that is free */
		g_snprintf(port, sizeof(port), "%d", g_random_int_range(20000, 30000));
		g_free(conf->port);
		conf->port = g_strdup(port);
		server = chardev_new(conf, NULL);
	}
	g_assert_nonnull(server);
	chardev_conf_free(conf);
	fe_attach(&g, server);
	conf = chardev_conf_new("t", "socket");
	conf->host = g_strdup("127.0.0.1");
	conf->port = g_strdup(port);
	c = open_ok(conf);
	fe_attach(&f, c);
	chardev_write(c, "ping", 4);
	RUN_UNTIL(g.got->len == 4);
	chardev_write(server, "pong", 4);
	RUN_UNTIL(f.got->len == 4);
	chardev_free(c);
	RUN_UNTIL(g.closed == 1);
	chardev_free(server);
	fe_free(&f);
	fe_free(&g);
}

static void pipes(void)
{
	char *path = scratch("p");
	g_autofree char *in = g_strconcat(path, ".in", NULL);
	g_autofree char *out = g_strconcat(path, ".out", NULL);
	struct chardev *c;
	struct fe f;
	char buf[2];
	int w, r;

	g_assert_cmpint(mkfifo(in, 0600), ==, 0);
	g_assert_cmpint(mkfifo(out, 0600), ==, 0);
	c = open_ok(conf_with("pipe", path));
	fe_attach(&f, c);
	r = open(out, O_RDONLY | O_CLOEXEC);
	for (int i = 1; i <= 2; i++) { /* a writer that leaves is no end */
		w = open(in, O_WRONLY | O_CLOEXEC);
		g_assert_cmpint(write(w, "ab", 2), ==, 2);
		close(w);
		RUN_UNTIL(f.got->len == 2 * (size_t)i);
	}
	g_assert_cmpuint(chardev_write(c, "cd", 2), ==, 2);
	g_assert_cmpint(read(r, buf, 2), ==, 2);
	close(r);
	g_assert_cmpuint(chardev_write(c, "ef", 2), ==, 2);
	chardev_free(c);
	g_unlink(in);
	g_unlink(out);
	scratch_free(path);
	fe_free(&f);
}

/* What the pty prints goes to standard output: keep it out of the TAP stream. */
static char *pty_name(struct chardev *c)
{
	GString *s = g_string_new(NULL);

	chardev_describe(c, s);
	g_assert_true(g_str_has_prefix(s->str, "pty:/dev/"));
	g_string_erase(s, 0, 4);
	return g_string_free(s, FALSE);
}

static void pty(void)
{
	struct chardev *c;
	struct fe f;
	int saved = dup(STDOUT_FILENO), null = open("/dev/null", O_WRONLY);

	fflush(stdout);
	dup2(null, STDOUT_FILENO);
	c = open_ok(chardev_conf_new("p", "pty"));
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(null);
	fe_attach(&f, c);
	g_assert_cmpint(f.opened, ==, 0);
	g_assert_cmpuint(chardev_write(c, "lost", 4), ==, 4);
	for (int i = 1; i <= 2; i++) {
		g_autofree char *name = pty_name(c);
		int fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
		char buf[2];

		g_assert_cmpint(fd, >=, 0);
		RUN_UNTIL(f.opened == i);
		g_assert_cmpint(write(fd, "\x03y", 2), ==, 2); /* raw: Ctrl-C is a byte */
		RUN_UNTIL(f.got->len == 2 * (size_t)i);
		chardev_write(c, "ok", 2);
		g_assert_cmpint(read(fd, buf, 2), ==, 2);
		close(fd);
		RUN_UNTIL(f.closed == i);
	}
	chardev_free(c);
	fe_free(&f);
}

/* In a child on a terminal of its own: echo one line back, then end.  Exit status 0 = all well. */
static void stdio_child(bool signal_keys)
{
	struct chardev_conf *conf = chardev_conf_new("s", "stdio");
	struct chardev *c;
	struct fe f;

	conf->signal = signal_keys;
	c = open_ok(conf);
	fe_attach(&f, c);
	chardev_write(c, "ready\n", 6);
	RUN_UNTIL(f.got->len && f.got->str[f.got->len - 1] == '\r');
	chardev_write(c, f.got->str, f.got->len - 1);
	chardev_write(c, "\n", 1);
	/* Others that share the terminal still find it blocking. */
	g_assert_cmpint(fcntl(2, F_GETFL) & O_NONBLOCK, ==, 0);
	chardev_free(c);
	fe_free(&f);
	_exit(0);
}

static void expect_tty(int fd, const char *want)
{
	GString *s = g_string_new(NULL);
	char ch;

	while (!strstr(s->str, want) && read(fd, &ch, 1) == 1)
		g_string_append_c(s, ch);
	if (!strstr(s->str, want))
		g_error("'%s' not in '%s'", want, s->str);
	g_string_free(s, TRUE);
}

static void stdio(void)
{
	struct termios before, during, after;
	int master, slave, status;
	pid_t pid;

	g_assert_cmpint(openpty(&master, &slave, NULL, NULL, NULL), ==, 0);
	g_assert_cmpint(tcgetattr(slave, &before), ==, 0);
	pid = fork();
	if (pid == 0) {
		close(master);
		login_tty(slave);
		stdio_child(false);
	}
	expect_tty(master, "ready\r\n");
	g_assert_cmpint(tcgetattr(slave, &during), ==, 0);
	g_assert_cmpuint(during.c_lflag & (ICANON | ECHO | ISIG), ==, 0);
	g_assert_cmpuint(during.c_oflag, ==, before.c_oflag);
	g_assert_cmpint(write(master, "a\x03\x04z\r", 5), ==, 5);
	expect_tty(master, "a\x03\x04z\r\n");
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	g_assert_cmpint(tcgetattr(slave, &after), ==, 0);
	g_assert_cmpuint(after.c_lflag, ==, before.c_lflag);
	g_assert_cmpuint(after.c_iflag, ==, before.c_iflag);
	close(master);
	close(slave);
}

static void stdio_signal_on(void)
{
	int master, slave, status;
	pid_t pid;

	g_assert_cmpint(openpty(&master, &slave, NULL, NULL, NULL), ==, 0);
	pid = fork();
	if (pid == 0) {
		close(master);
		login_tty(slave);
		stdio_child(true);
	}
	expect_tty(master, "ready\r\n");
	g_assert_cmpint(write(master, "\x03", 1), ==, 1);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
	close(master);
	close(slave);
}

/* Input at its end does not end the output. */
static void stdio_without_input(void)
{
	int out[2], status;
	char buf[3];
	pid_t pid;

	g_assert_cmpint(pipe(out), ==, 0);
	pid = fork();
	if (pid == 0) {
		struct chardev *c;
		struct fe f;

		dup2(open("/dev/null", O_RDONLY), 0);
		dup2(out[1], 1);
		c = open_ok(chardev_conf_new("s", "stdio"));
		fe_attach(&f, c);
		settle();
		g_assert_cmpint(f.closed, ==, 0);
		chardev_write(c, "out", 3);
		chardev_free(c);
		_exit(0);
	}
	close(out[1]);
	g_assert_cmpint(read(out[0], buf, 3), ==, 3);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	close(out[0]);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/chardev/null-and-log", null_and_log);
	g_test_add_func("/chardev/file", file);
	g_test_add_func("/chardev/errors", errors);
	g_test_add_func("/chardev/room", input_respects_room);
	g_test_add_func("/chardev/output-only", output_only_front_end_sees_the_peer_leave);
	g_test_add_func("/chardev/slow-peer", slow_peer);
	g_test_add_func("/chardev/full-queue", peer_leaves_with_a_full_queue);
	g_test_add_func("/chardev/threads", writers_on_threads);
	g_test_add_func("/chardev/unix-server", unix_server);
	g_test_add_func("/chardev/wait", waits_for_a_peer);
	g_test_add_func("/chardev/stale-socket", stale_socket_is_replaced_but_no_file);
	g_test_add_func("/chardev/reconnect", client_reconnects);
	g_test_add_func("/chardev/tcp", tcp);
	g_test_add_func("/chardev/pipes", pipes);
	g_test_add_func("/chardev/pty", pty);
	g_test_add_func("/chardev/stdio", stdio);
	g_test_add_func("/chardev/stdio-signal", stdio_signal_on);
	g_test_add_func("/chardev/stdio-no-input", stdio_without_input);
	return g_test_run();
}
