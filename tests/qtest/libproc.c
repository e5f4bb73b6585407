// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the VMM's process and its socket.  Called by tests through libqtest.h; never looks at what
 * goes over the socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "tests/qtest/libqtest_int.h"

#define FIRST_FREE 0x100000

static const char *program(void)
{
	const char *vmm = g_getenv("QTEST_QEMU_BINARY");

	if (!vmm)
		g_error("QTEST_QEMU_BINARY names no VMM, such as build/sluice");
	return vmm;
}

static char **split(const char *command)
{
	GError *e = NULL;
	char **argv;

	if (!g_shell_parse_argv(command, NULL, &argv, &e))
		g_error("%s: %s", command, e->message);
	return argv;
}

/* The child dies with this program, however that ends. */
static void run_child(char **argv, int output)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (output >= 0) {
		dup2(output, STDOUT_FILENO);
		dup2(output, STDERR_FILENO);
	} else {
		dup2(STDERR_FILENO, STDOUT_FILENO); /* stdout is the TAP stream */
	}
	execvp(argv[0], argv);
	_exit(127);
}

struct qtest *qtest_spawn(const char *args, int output)
{
	g_autofree char *command = g_strdup_printf("%s %s", program(), args);
	g_auto(GStrv) argv = split(command);
	struct qtest *q = g_new0(struct qtest, 1);

	q->fd = -1;
	q->in = g_string_new(NULL);
	q->out = g_string_new(NULL);
	q->waiting = g_ptr_array_new_with_free_func(g_free);
	q->free_memory = FIRST_FREE;
	q->pid = fork();
	if (q->pid == 0)
		run_child(argv, output);
	q->pidfd = pidfd_open(q->pid, 0);
	g_assert_cmpint(q->pidfd, >=, 0);
	return q;
}

char *qtest_path(struct qtest *q, const char *name)
{
	if (!q->dir)
		q->dir = g_dir_make_tmp("qtest-XXXXXX", NULL);
	g_assert_nonnull(q->dir);
	return g_build_filename(q->dir, name, NULL);
}

/* --- the socket --- */

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	g_assert_cmpuint(strlen(path), <, sizeof(a.sun_path));
	g_strlcpy(a.sun_path, path, sizeof(a.sun_path));
	return a;
}

static int listen_at(const char *path)
{
	struct sockaddr_un a = address(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_assert_cmpint(bind(fd, (struct sockaddr *)&a, sizeof(a)), ==, 0);
	g_assert_cmpint(listen(fd, 1), ==, 0);
	return fd;
}

/* The VMM's connection; or it ends, which shows as its process's descriptor. */
static void accept_from(struct qtest *q, int listener)
{
	struct pollfd p[] = {{listener, POLLIN, 0}, {q->pidfd, POLLIN, 0}};

	while (poll(p, G_N_ELEMENTS(p), -1) < 0 && errno == EINTR)
		;
	if (!(p[0].revents & POLLIN))
		qtest_fail(q, "the VMM ended before it connected");
	q->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	g_assert_cmpint(q->fd, >=, 0);
}

void qtest_connect(struct qtest *q, const char *path)
{
	struct sockaddr_un a = address(path);
	struct pollfd p = {q->pidfd, POLLIN, 0};

	q->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	while (connect(q->fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		if (poll(&p, 1, 10) > 0)
			qtest_fail(q, "the VMM ended before it listened at %s", path);
}

void qtest_disconnect(struct qtest *q)
{
	close(q->fd);
	q->fd = -1;
	g_string_truncate(q->in, 0);
	memset(q->level, 0, sizeof(q->level));
}

struct qtest *qtest_init(const char *args)
{
	g_autofree char *dir = g_dir_make_tmp("qtest-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "qtest.sock", NULL);
	g_autofree char *all =
		g_strdup_printf("-M q35 -nodefaults -display none -qtest unix:%s -qtest-log %s %s "
				"-accel qtest",
				path, g_getenv("QTEST_LOG") ? "/dev/fd/2" : "none", args);
	int listener = listen_at(path);
	struct qtest *q = qtest_spawn(all, -1);
	char *reply;

	q->dir = g_steal_pointer(&dir);
	accept_from(q, listener);
	close(listener);
	unlink(path);
	reply = qtest_request(q, "endianness");
	g_assert_cmpstr(reply, ==, "OK little");
	g_free(reply);
	return q;
}

struct qtest *qtest_initf(const char *fmt, ...)
{
	g_autofree char *args = NULL;
	va_list ap;

	va_start(ap, fmt);
	args = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	return qtest_init(args);
}

/* --- the end --- */

/* All that a test made there is a plain file or a socket. */
static void remove_dir(const char *path)
{
	GDir *dir = path ? g_dir_open(path, 0, NULL) : NULL;
	const char *name;

	if (!dir)
		return;
	while ((name = g_dir_read_name(dir))) {
		g_autofree char *file = g_build_filename(path, name, NULL);

		unlink(file);
	}
	g_dir_close(dir);
	g_rmdir(path);
}

/* Its wait status. */
static int reap(struct qtest *q)
{
	int status = -1;

	while (q->pid && waitpid(q->pid, &status, 0) < 0)
		g_assert_cmpint(errno, ==, EINTR);
	q->pid = 0;
	return status;
}

static void free_client(struct qtest *q)
{
	remove_dir(q->dir);
	g_free(q->dir);
	if (q->fd >= 0)
		close(q->fd);
	close(q->pidfd);
	g_string_free(q->in, TRUE);
	g_string_free(q->out, TRUE);
	g_ptr_array_free(q->waiting, TRUE);
	g_free(q);
}

void qtest_wait_exit(struct qtest *q, int status)
{
	int got = reap(q);

	if (!WIFEXITED(got) || WEXITSTATUS(got) != status)
		qtest_fail(q, "the VMM ended with %s %d, not with status %d",
			   WIFEXITED(got) ? "status" : "signal",
			   WIFEXITED(got) ? WEXITSTATUS(got) : WTERMSIG(got), status);
	free_client(q);
}

void qtest_kill(struct qtest *q, int sig)
{
	kill(q->pid, sig);
}

void qtest_quit(struct qtest *q)
{
	qtest_kill(q, SIGTERM);
	qtest_wait_exit(q, 0);
}

bool qtest_has_option(const char *option)
{
	g_autofree char *command = g_strdup_printf("%s -h", program());
	g_autofree char *told = NULL;
	g_autofree char *wanted = g_strdup_printf("\n *-%s ", option);

	return g_spawn_command_line_sync(command, &told, NULL, NULL, NULL) &&
	       g_regex_match_simple(wanted, told, 0, 0);
}

void qtest_fail(struct qtest *q, const char *fmt, ...)
{
	g_autofree char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	if (q->pid)
		kill(q->pid, SIGKILL);
	remove_dir(q->dir);
	g_error("%s", text);
}
