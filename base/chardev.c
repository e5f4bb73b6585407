// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns what all chardevs share: the table of back ends, the front end's callbacks, the log file.
 * Called by devices, the monitor and the VM; never touches a descriptor of a back end.
 */
#include "base/chardev_int.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/names.h"

static struct chardev *null_new(const struct chardev_conf *conf, struct err **errp);

#define BACKENDS(X)                     \
	X("stdio", chardev_stdio_new)   \
	X("file", chardev_file_new)     \
	X("pipe", chardev_pipe_new)     \
	X("socket", chardev_socket_new) \
	X("pty", chardev_pty_new)       \
	X("null", null_new)

static const struct {
	const char *name;
	struct chardev *(*open)(const struct chardev_conf *conf, struct err **errp);
} backends[] = {
#define X(n, f) {n, f},
	BACKENDS(X)
#undef X
};

static const char *const backend_names[] = {
#define X(n, f) n,
	BACKENDS(X)
#undef X
		NULL};

const char *const *chardev_backends(void)
{
	return backend_names;
}

struct chardev_conf *chardev_conf_new(const char *id, const char *backend)
{
	struct chardev_conf *conf = g_new0(struct chardev_conf, 1);

	conf->id = g_strdup(id);
	conf->backend = g_strdup(backend);
	conf->fd = -1;
	conf->wait = true;
	conf->signal = true;
	return conf;
}

void chardev_conf_free(struct chardev_conf *conf)
{
	if (!conf)
		return;
	g_free(conf->id);
	g_free(conf->backend);
	g_free(conf->path);
	g_free(conf->host);
	g_free(conf->port);
	g_free(conf->logfile);
	g_free(conf);
}

static int open_log(struct chardev *c, const struct chardev_conf *conf, struct err **errp)
{
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (conf->logappend ? O_APPEND : O_TRUNC);

	if (!conf->logfile)
		return 0;
	c->log_fd = open(conf->logfile, flags, 0666);
	if (c->log_fd < 0)
		return err_set_errno(errp, -errno, "chardev %s: open log file %s", conf->id,
				     conf->logfile);
	return 0;
}

struct chardev *chardev_new(const struct chardev_conf *conf, struct err **errp)
{
	struct chardev *c = NULL;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(backends); i++)
		if (!g_strcmp0(conf->backend, backends[i].name))
			break;
	if (i == G_N_ELEMENTS(backends)) {
		err_set(errp, -EINVAL, "chardev %s: unknown back end '%s'", conf->id,
			conf->backend ?: "");
		err_hint_nearest(errp, conf->backend, backend_names);
		return NULL;
	}
	signal(SIGPIPE, SIG_IGN);
	c = backends[i].open(conf, errp);
	if (c && open_log(c, conf, errp) < 0) {
		chardev_free(c);
		c = NULL;
	}
	return c;
}

void chardev_init(struct chardev *c, const struct chardev_ops *ops, const char *id,
		  GMainContext *context)
{
	c->ops = ops;
	c->context = context;
	c->id = g_strdup(id);
	c->log_fd = -1;
}

void chardev_fini(struct chardev *c)
{
	if (c->log_fd >= 0)
		close(c->log_fd);
	g_free(c->id);
}

void chardev_free(struct chardev *c)
{
	if (!c)
		return;
	c->has_fe = false;
	c->fe = (struct chardev_fe){};
	c->ops->free(c);
	chardev_fini(c);
	g_free(c);
}

void chardev_attach(struct chardev *c, const struct chardev_fe *fe)
{
	c->fe = fe ? *fe : (struct chardev_fe){};
	c->has_fe = fe;
	c->ops->attached(c);
}

static void write_log(struct chardev *c, const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(c->log_fd, buf, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		buf += n;
		len -= n;
	}
}

size_t chardev_write(struct chardev *c, const void *buf, size_t len)
{
	size_t n = len ? c->ops->write(c, buf, len) : 0;

	if (n && c->log_fd >= 0)
		write_log(c, buf, n);
	return n;
}

void chardev_accept_input(struct chardev *c)
{
	c->ops->accept_input(c);
}

int chardev_take_fd(struct chardev *c)
{
	return c->ops->take_fd ? c->ops->take_fd(c) : -1;
}

const char *chardev_id(const struct chardev *c)
{
	return c->id;
}

void chardev_describe(struct chardev *c, GString *out)
{
	c->ops->describe(c, out);
}

void chardev_event(struct chardev *c, int event)
{
	if (c->fe.event)
		c->fe.event(c->fe.opaque, event);
}

size_t chardev_room(struct chardev *c)
{
	if (!c->has_fe)
		return 0;
	if (!c->fe.read || !c->fe.can_read)
		return SIZE_MAX;
	return c->fe.can_read(c->fe.opaque);
}

void chardev_input(struct chardev *c, const uint8_t *buf, size_t len)
{
	if (c->fe.read)
		c->fe.read(c->fe.opaque, buf, len);
}

struct bh {
	GSource source;
	void (*fn)(void *opaque);
	void *opaque;
};

static gboolean bh_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
	struct bh *bh = (struct bh *)source;

	g_source_set_ready_time(source, -1);
	bh->fn(bh->opaque);
	return G_SOURCE_CONTINUE;
}

static const GSourceFuncs bh_funcs = {.dispatch = bh_dispatch};

GSource *chardev_bh_new(void (*fn)(void *opaque), void *opaque, GMainContext *context)
{
	GSource *source = g_source_new((GSourceFuncs *)&bh_funcs, sizeof(struct bh));
	struct bh *bh = (struct bh *)source;

	bh->fn = fn;
	bh->opaque = opaque;
	g_source_attach(source, context);
	return source;
}

void chardev_bh_kick(GSource *bh)
{
	g_source_set_ready_time(bh, 0);
}

void chardev_bh_free(GSource *bh)
{
	if (!bh)
		return;
	g_source_destroy(bh);
	g_source_unref(bh);
}

static size_t null_write(struct chardev *c, const uint8_t *buf, size_t len)
{
	return len;
}

static void null_nothing(struct chardev *c)
{
}

static void null_describe(struct chardev *c, GString *out)
{
	g_string_append(out, "null");
}

static const struct chardev_ops null_ops = {
	.write = null_write,
	.attached = null_nothing,
	.accept_input = null_nothing,
	.describe = null_describe,
	.free = null_nothing,
};

static struct chardev *null_new(const struct chardev_conf *conf, struct err **errp)
{
	struct chardev *c = g_new0(struct chardev, 1);

	chardev_init(c, &null_ops, conf->id, conf->context);
	return c;
}
