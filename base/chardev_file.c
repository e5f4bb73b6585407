// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the back ends "file" (output only) and "pipe" (two FIFOs, or one); called by chardev_new(). */
#include "base/chardev_int.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void describe(struct stream *s, GString *out)
{
	g_string_append_printf(out, "%s", (const char *)s->priv);
}

static void fini(struct stream *s)
{
	g_free(s->priv);
}

static const struct stream_ops file_ops = {.describe = describe, .fini = fini, .half = true};

struct chardev *chardev_file_new(const struct chardev_conf *conf, struct err **errp)
{
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY;
	int fd;

	if (!conf->path) {
		err_set(errp, -EINVAL, "chardev %s: file: no path", conf->id);
		return NULL;
	}
	fd = open(conf->path, flags | (conf->append ? O_APPEND : O_TRUNC), 0666);
	if (fd < 0) {
		err_set_errno(errp, -errno, "chardev %s: open %s", conf->id, conf->path);
		return NULL;
	}
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return stream_new(conf, &file_ops, g_strdup_printf("file:%s", conf->path), -1, fd);
}

static int open_fifo(const char *path, const char *suffix)
{
	g_autofree char *full = g_strconcat(path, suffix, NULL);

	/* Read and write: it opens at once, and no reader or writer at the far end is no end. */
	return open(full, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

struct chardev *chardev_pipe_new(const struct chardev_conf *conf, struct err **errp)
{
	int in, out;

	if (!conf->path) {
		err_set(errp, -EINVAL, "chardev %s: pipe: no path", conf->id);
		return NULL;
	}
	in = open_fifo(conf->path, ".in");
	out = open_fifo(conf->path, ".out");
	if (in < 0 || out < 0) {
		if (in >= 0)
			close(in);
		if (out >= 0)
			close(out);
		in = out = open_fifo(conf->path, "");
	}
	if (in < 0) {
		err_set_errno(errp, -errno, "chardev %s: open %s", conf->id, conf->path);
		err_hint(errp, "Make the pipes first: mkfifo %s.in %s.out", conf->path, conf->path);
		return NULL;
	}
	return stream_new(conf, &file_ops, g_strdup_printf("pipe:%s", conf->path), in, out);
}
