// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the back end "socket": UNIX and TCP, server and client, one peer at a time.  Called by
 * chardev_new() and the main loop; a server listens again when its peer has left, a client with
 * reconnect tries again.  Never blocks after chardev_socket_new() has returned.
 */
#include "base/chardev_int.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ACCEPT_RETRY 1 /* seconds, where the process is out of descriptors */

struct sock {
	struct stream *s;
	char *name; /* unix:PATH, tcp:HOST:PORT, fd:N */
	char *unlink;
	struct sockaddr_storage addr;
	socklen_t addr_len;
	int listen_fd;  /* -1 = client */
	int connecting; /* a connect(2) under way, -1 = none */
	int reconnect;
	GSource *watch; /* on listen_fd, connecting, or a timer; NULL while a peer is there */
};

static void try_connect(struct sock *k);
static void listen_again(struct sock *k);

static void unwatch(struct sock *k)
{
	if (!k->watch)
		return;
	g_source_destroy(k->watch);
	g_source_unref(k->watch);
	k->watch = NULL;
}

static void set_watch(struct sock *k, GSource *src, GSourceFunc fn)
{
	unwatch(k);
	k->watch = src;
	g_source_set_callback(src, fn, k, NULL);
	g_source_attach(src, k->s->base.context);
}

static void got_peer(struct sock *k, int fd)
{
	int one = 1;

	unwatch(k);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* no-op on UNIX sockets */
	stream_connect(k->s, fd, fd);
}

static gboolean on_accept_timer(gpointer opaque)
{
	listen_again(opaque);
	return G_SOURCE_REMOVE;
}

static gboolean on_peer(gint fd, GIOCondition cond, gpointer opaque)
{
	struct sock *k = opaque;
	int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (peer >= 0)
		got_peer(k, peer);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
		set_watch(k, g_timeout_source_new_seconds(ACCEPT_RETRY), on_accept_timer);
	return G_SOURCE_CONTINUE;
}

static void listen_again(struct sock *k)
{
	set_watch(k, g_unix_fd_source_new(k->listen_fd, G_IO_IN), G_SOURCE_FUNC(on_peer));
}

static gboolean on_retry_timer(gpointer opaque)
{
	try_connect(opaque);
	return G_SOURCE_REMOVE;
}

static void retry_later(struct sock *k)
{
	set_watch(k, g_timeout_source_new_seconds(k->reconnect), on_retry_timer);
}

static gboolean on_connect(gint fd, GIOCondition cond, gpointer opaque)
{
	struct sock *k = opaque;
	int error = 0;
	socklen_t len = sizeof(error);

	k->connecting = -1;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && !error) {
		got_peer(k, fd);
	} else {
		close(fd);
		retry_later(k);
	}
	return G_SOURCE_REMOVE;
}

/* A client that may wait: one attempt without blocking, the rest by the main loop. */
static void try_connect(struct sock *k)
{
	int fd = socket(k->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0) {
		retry_later(k);
	} else if (connect(fd, (struct sockaddr *)&k->addr, k->addr_len) == 0) {
		got_peer(k, fd);
	} else if (errno == EINPROGRESS) {
		k->connecting = fd;
		set_watch(k, g_unix_fd_source_new(fd, G_IO_OUT), G_SOURCE_FUNC(on_connect));
	} else {
		close(fd);
		retry_later(k);
	}
}

static void sock_gone(struct stream *s)
{
	struct sock *k = s->priv;

	if (k->listen_fd >= 0)
		listen_again(k);
	else if (k->reconnect > 0)
		retry_later(k);
}

static void sock_describe(struct stream *s, GString *out)
{
	struct sock *k = s->priv;

	g_string_append_printf(out, "%s%s%s", s->connected ? "" : "disconnected:", k->name,
			       k->listen_fd >= 0 ? ",server=on" : "");
}

static void sock_fini(struct stream *s)
{
	struct sock *k = s->priv;

	unwatch(k);
	if (k->connecting >= 0)
		close(k->connecting);
	if (k->listen_fd >= 0)
		close(k->listen_fd);
	if (k->unlink)
		unlink(k->unlink);
	g_free(k->unlink);
	g_free(k->name);
	g_free(k);
}

static const struct stream_ops sock_ops = {
	.gone = sock_gone, .describe = sock_describe, .fini = sock_fini};

static int unix_address(struct sock *k, const char *path, struct err **errp)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&k->addr;

	if (strlen(path) >= sizeof(un->sun_path))
		return err_set(errp, -ENAMETOOLONG,
			       "socket path %s has %zu bytes, the limit is %zu", path, strlen(path),
			       sizeof(un->sun_path) - 1);
	un->sun_family = AF_UNIX;
	strcpy(un->sun_path, path);
	k->addr_len = sizeof(*un);
	return 0;
}

static int tcp_address(struct sock *k, const struct chardev_conf *conf, struct err **errp)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = conf->server ? AI_PASSIVE : 0};
	struct addrinfo *found;
	const char *host = conf->host && *conf->host ? conf->host : NULL;
	int ret = getaddrinfo(host, conf->port, &hints, &found);

	if (ret)
		return err_set(errp, -EINVAL, "%s: %s", k->name, gai_strerror(ret));
	memcpy(&k->addr, found->ai_addr, found->ai_addrlen);
	k->addr_len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static int find_address(struct sock *k, const struct chardev_conf *conf, struct err **errp)
{
	if (conf->path) {
		k->name = g_strdup_printf("unix:%s", conf->path);
		return unix_address(k, conf->path, errp);
	}
	if (!conf->port)
		return err_set(errp, -EINVAL, "socket: needs a path, or a port, or an fd");
	k->name = g_strdup_printf("tcp:%s:%s", conf->host ?: "", conf->port);
	return tcp_address(k, conf, errp);
}

/* Removes a socket that an earlier run left behind; nothing else is ever removed. */
static void unlink_stale(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
}

static int start_listening(struct sock *k, const struct chardev_conf *conf, struct err **errp)
{
	int one = 1;
	int fd = socket(k->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_set_errno(errp, -errno, "%s: socket", k->name);
	k->listen_fd = fd;
	if (conf->path)
		unlink_stale(conf->path);
	else
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&k->addr, k->addr_len) < 0)
		return err_set_errno(errp, -errno, "%s: bind", k->name);
	k->unlink = g_strdup(conf->path);
	if (listen(fd, 1) < 0)
		return err_set_errno(errp, -errno, "%s: listen", k->name);
	return 0;
}

/* The only place that blocks: the user asked to start when a peer is there. */
static int wait_for_peer(struct sock *k, struct err **errp)
{
	struct pollfd p = {.fd = k->listen_fd, .events = POLLIN};
	int fd;

	fprintf(stderr, "sluice: waiting for a connection on %s\n", k->name);
	while (poll(&p, 1, -1) > 0) { /* a signal ends the wait, too */
		fd = accept4(k->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0) {
			got_peer(k, fd);
			return 0;
		}
		if (errno != EAGAIN && errno != ECONNABORTED)
			break;
	}
	return err_set_errno(errp, -errno, "%s: accept", k->name);
}

static int start_server(struct sock *k, const struct chardev_conf *conf, struct err **errp)
{
	int ret = 0;

	if (conf->wait)
		ret = wait_for_peer(k, errp);
	fcntl(k->listen_fd, F_SETFL, fcntl(k->listen_fd, F_GETFL) | O_NONBLOCK);
	if (!conf->wait)
		listen_again(k);
	return ret;
}

static int start_client(struct sock *k, struct err **errp)
{
	int fd;

	if (k->reconnect > 0) {
		try_connect(k);
		return 0;
	}
	fd = socket(k->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set_errno(errp, -errno, "%s: socket", k->name);
	if (connect(fd, (struct sockaddr *)&k->addr, k->addr_len) < 0) {
		int ret = -errno;

		close(fd);
		return err_set_errno(errp, ret, "%s: connect", k->name);
	}
	got_peer(k, fd);
	return 0;
}

static int start_fd(struct sock *k, const struct chardev_conf *conf, struct err **errp)
{
	int listening = 0;
	socklen_t len = sizeof(listening);

	k->name = g_strdup_printf("fd:%d", conf->fd);
	if (getsockopt(conf->fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) < 0) {
		int ret = -errno;

		close(conf->fd); /* it is ours, as in every other case */
		return err_set_errno(errp, ret, "fd=%d", conf->fd);
	}
	fcntl(conf->fd, F_SETFD, FD_CLOEXEC);
	if (!listening) {
		got_peer(k, conf->fd);
		return 0;
	}
	k->listen_fd = conf->fd;
	return start_server(k, conf, errp);
}

static int start(struct sock *k, const struct chardev_conf *conf, struct err **errp)
{
	int ret;

	if (conf->fd >= 0)
		return start_fd(k, conf, errp);
	ret = find_address(k, conf, errp);
	if (ret < 0 || !conf->server)
		return ret < 0 ? ret : start_client(k, errp);
	ret = start_listening(k, conf, errp);
	return ret < 0 ? ret : start_server(k, conf, errp);
}

struct chardev *chardev_socket_new(const struct chardev_conf *conf, struct err **errp)
{
	struct sock *k = g_new0(struct sock, 1);

	k->listen_fd = k->connecting = -1;
	k->reconnect = conf->reconnect;
	k->s = (struct stream *)stream_new(conf, &sock_ops, k, -1, -1);
	if (start(k, conf, errp) < 0) {
		err_prefix(errp, "chardev %s", conf->id);
		chardev_free(&k->s->base);
		return NULL;
	}
	return &k->s->base;
}
