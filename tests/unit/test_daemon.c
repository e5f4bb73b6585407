// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of base/daemon.c: the parent's exit status tells whether the daemon came up. */
#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/daemon.h"
#include "base/err.h"

/* Runs a process that becomes a daemon; what its first process exits with. */
static int status_of(void (*daemon)(int ready_fd))
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		daemon(daemon_start(NULL)); /* only the daemon comes back */
		_exit(99);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void comes_up(int fd)
{
	if (fd < 0 || daemon_ready(fd, NULL) < 0)
		_exit(1);
	_exit(5); /* later: nobody hears of it */
}

static void dies_early(int fd)
{
	_exit(fd < 0 ? 1 : 7);
}

static void leads_session(int fd)
{
	_exit(fd >= 0 && getsid(0) == getpid() ? 21 : 1);
}

static void loses_stdio(int fd)
{
	if (fd < 0 || daemon_ready(fd, NULL) < 0 || isatty(0) || write(1, "lost", 4) != 4)
		_exit(1);
	_exit(0);
}

static void up(void)
{
	g_assert_cmpint(status_of(comes_up), ==, 0);
	g_assert_cmpint(status_of(loses_stdio), ==, 0);
}

static void early_end(void)
{
	g_assert_cmpint(status_of(dies_early), ==, 7);
	g_assert_cmpint(status_of(leads_session), ==, 21);
}

static void parent_gone(void)
{
	struct err *e = NULL;
	int fds[2];

	g_assert_cmpint(pipe(fds), ==, 0);
	close(fds[0]);
	if (!fork()) { /* its stdio goes: not the test's */
		int ret = daemon_ready(fds[1], &e);

		_exit(ret == -EPIPE && err_code(e) == -EPIPE ? 0 : 1);
	}
	close(fds[1]);
	g_assert_cmpint(wait(&fds[0]), >, 0);
	g_assert_cmpint(fds[0], ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	signal(SIGPIPE, SIG_IGN);
	g_test_add_func("/daemon/up", up);
	g_test_add_func("/daemon/early-end", early_end);
	g_test_add_func("/daemon/parent-gone", parent_gone);
	return g_test_run();
}
