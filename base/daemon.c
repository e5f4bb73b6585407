// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the fork of -daemonize; called by main; the only place that forks. */
#include "base/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"

/* The child closes the pipe without a byte only by dying: its status is the answer then. */
static void wait_for_child(pid_t child, int fd)
{
	char ok;
	int status = 0;

	if (read(fd, &ok, 1) == 1)
		_exit(0);
	waitpid(child, &status, 0);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

int daemon_start(struct err **errp)
{
	int fds[2];
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set_errno(errp, -errno, "-daemonize: make a pipe");
	child = fork();
	if (child < 0) {
		int ret = err_set_errno(errp, -errno, "-daemonize: fork");

		close(fds[0]);
		close(fds[1]);
		return ret;
	}
	if (child) {
		close(fds[1]);
		wait_for_child(child, fds[0]);
	}
	close(fds[0]);
	setsid();
	return fds[1];
}

int daemon_ready(int fd, struct err **errp)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return err_set_errno(errp, -errno, "-daemonize: open /dev/null");
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	close(null);
	if (write(fd, "", 1) != 1)
		return err_set_errno(errp, -errno,
				     "-daemonize: the process that started this one is gone");
	close(fd);
	return 0;
}
