// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the back ends "stdio" and "pty" and the terminal's modes; called by chardev_new().  Never
 * makes standard input or output non-blocking for others that share it, but where nothing else is
 * allowed, and then puts it back.
 */
#include "base/chardev_int.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define PTY_POLL_MS 200 /* a pty does not say when somebody opens it */

struct tty {
	bool is_raw;
	struct termios saved;
	int flags[2]; /* of standard input and output before we changed them; -1 = we did not */
};

/*
 * A background process that sets the terminal's modes is stopped by SIGTTOU unless it is blocked.
 */
static int set_modes(int fd, const struct termios *t)
{
	sigset_t block, old;
	int ret;

	sigemptyset(&block);
	sigaddset(&block, SIGTTOU);
	pthread_sigmask(SIG_BLOCK, &block, &old);
	ret = tcsetattr(fd, TCSANOW, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ret;
}

/* Raw but for output processing, which the shell's own messages rely on. */
static void make_raw(struct tty *tty, bool signal_keys)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &tty->saved) < 0 || tcgetpgrp(STDIN_FILENO) != getpgrp())
		return;
	t = tty->saved;
	cfmakeraw(&t);
	t.c_oflag = tty->saved.c_oflag;
	if (signal_keys)
		t.c_lflag |= ISIG;
	tty->is_raw = set_modes(STDIN_FILENO, &t) == 0;
}

/* A description of its own where the kind of file can block and /proc allows it. */
static int own_description(struct tty *tty, int fd, int mode)
{
	g_autofree char *self = g_strdup_printf("/proc/self/fd/%d", fd);
	struct stat st;
	int copy = -1;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode)) {
		copy = open(self, mode | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
		if (copy >= 0)
			return copy;
		tty->flags[fd] = fcntl(fd, F_GETFL);
		fcntl(fd, F_SETFL, tty->flags[fd] | O_NONBLOCK);
	}
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return copy < 0 ? -errno : copy;
}

static void restore_tty(struct tty *tty)
{
	if (tty->is_raw)
		set_modes(STDIN_FILENO, &tty->saved);
	for (int fd = 0; fd < 2; fd++)
		if (tty->flags[fd] >= 0)
			fcntl(fd, F_SETFL, tty->flags[fd]);
	g_free(tty);
}

static void stdio_fini(struct stream *s)
{
	restore_tty(s->priv);
}

static void stdio_describe(struct stream *s, GString *out)
{
	g_string_append(out, "stdio");
}

static const struct stream_ops stdio_ops = {
	.describe = stdio_describe, .fini = stdio_fini, .half = true};

struct chardev *chardev_stdio_new(const struct chardev_conf *conf, struct err **errp)
{
	struct tty *tty = g_new0(struct tty, 1);
	int in, out;

	tty->flags[0] = tty->flags[1] = -1;
	in = own_description(tty, STDIN_FILENO,
			     O_RDONLY); /* may be closed: then there is no input */
	out = own_description(tty, STDOUT_FILENO, O_WRONLY);
	if (out < 0) {
		err_set_errno(errp, out, "chardev %s: standard output", conf->id);
		if (in >= 0)
			close(in);
		restore_tty(tty);
		return NULL;
	}
	make_raw(tty, conf->signal);
	return stream_new(conf, &stdio_ops, tty, in, out);
}

struct pty {
	GSource *timer;
	char name[64];
};

static gboolean pty_poll(gpointer opaque)
{
	struct stream *s = opaque;
	struct pty *pty = s->priv;
	struct pollfd p = {.fd = s->in_fd, .events = POLLOUT};

	if (poll(&p, 1, 0) < 0 || (p.revents & POLLHUP))
		return G_SOURCE_CONTINUE;
	g_source_unref(pty->timer);
	pty->timer = NULL;
	stream_connect(s, s->in_fd, s->in_fd);
	return G_SOURCE_REMOVE;
}

static void pty_gone(struct stream *s)
{
	struct pty *pty = s->priv;

	pty->timer = g_timeout_source_new(PTY_POLL_MS);
	g_source_set_callback(pty->timer, pty_poll, s, NULL);
	g_source_attach(pty->timer, s->base.context);
}

static void pty_fini(struct stream *s)
{
	struct pty *pty = s->priv;

	if (pty->timer) {
		g_source_destroy(pty->timer);
		g_source_unref(pty->timer);
	}
	g_free(pty);
}

static void pty_describe(struct stream *s, GString *out)
{
	g_string_append_printf(out, "pty:%s", ((struct pty *)s->priv)->name);
}

static const struct stream_ops pty_ops = {
	.gone = pty_gone, .describe = pty_describe, .fini = pty_fini, .keep_fds = true};

/* The master's descriptor with a raw terminal behind it; -errno. */
static int open_pty(char *name, size_t size)
{
	struct termios t;
	int ret, user;
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (grantpt(fd) < 0 || unlockpt(fd) < 0 || (errno = ptsname_r(fd, name, size)) != 0)
		goto out;
	user = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (user < 0)
		goto out;
	if (tcgetattr(user, &t) == 0) {
		cfmakeraw(&t);
		set_modes(user, &t);
	}
	close(user);
	return fd;
out:
	ret = -errno;
	close(fd);
	return ret;
}

struct chardev *chardev_pty_new(const struct chardev_conf *conf, struct err **errp)
{
	struct pty *pty = g_new0(struct pty, 1);
	int fd = open_pty(pty->name, sizeof(pty->name));
	struct stream *s;

	if (fd < 0) {
		err_set_errno(errp, fd, "chardev %s: open a pseudo terminal", conf->id);
		g_free(pty);
		return NULL;
	}
	s = (struct stream *)stream_new(conf, &pty_ops, pty, fd, fd);
	s->connected = false;
	pty_gone(s);
	printf("char device redirected to %s (label %s)\n", pty->name, conf->id);
	fflush(stdout);
	return &s->base;
}
