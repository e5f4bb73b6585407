/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by tests of character devices: a front end that records, a pair of socket ends. */
#ifndef TESTS_UNIT_CHARDEV_UTIL_H
#define TESTS_UNIT_CHARDEV_UTIL_H

#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/chardev.h"
#include "base/err.h"

/* A front end that records what it is told. */
struct fe {
	struct chardev *c;
	GString *got;
	size_t room;
	int opened, closed, breaks, drained, quits;
};

static size_t fe_can_read(void *opaque)
{
	return ((struct fe *)opaque)->room;
}

static void fe_read(void *opaque, const uint8_t *buf, size_t len)
{
	struct fe *f = opaque;

	g_assert_cmpuint(len, >, 0);
	g_assert_cmpuint(len, <=, f->room);
	f->room -= len;
	g_string_append_len(f->got, (const char *)buf, len);
}

static void fe_event(void *opaque, int event)
{
	struct fe *f = opaque;

	f->opened += event == CHARDEV_EV_OPENED;
	f->closed += event == CHARDEV_EV_CLOSED;
	f->breaks += event == CHARDEV_EV_BREAK;
}

static void fe_drained(void *opaque)
{
	((struct fe *)opaque)->drained++;
}

G_GNUC_UNUSED static void fe_quit(void *opaque)
{
	((struct fe *)opaque)->quits++;
}

static void fe_attach(struct fe *f, struct chardev *c)
{
	struct chardev_fe fe = {fe_can_read, fe_read, fe_event, f, fe_drained};

	*f = (struct fe){.c = c, .got = g_string_new(NULL), .room = 1 << 20};
	chardev_attach(c, &fe);
}

static void fe_free(struct fe *f)
{
	g_string_free(f->got, TRUE);
}

#define RUN_UNTIL(cond)                                       \
	do {                                                  \
		while (!(cond))                               \
			g_main_context_iteration(NULL, TRUE); \
	} while (0)

G_GNUC_UNUSED static void settle(void)
{
	while (g_main_context_iteration(NULL, FALSE))
		;
}

static struct chardev *open_ok(struct chardev_conf *conf)
{
	struct err *e = NULL;
	struct chardev *c = chardev_new(conf, &e);

	g_assert_cmpstr(err_text(e), ==, "");
	g_assert_nonnull(c);
	chardev_conf_free(conf);
	return c;
}

G_GNUC_UNUSED /* A chardev on one end of a socket pair; *far is the other. */
	static struct chardev *
	open_pair(int *far)
{
	struct chardev_conf *conf = chardev_conf_new("pair", "socket");
	int fd[2];

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), ==, 0);
	conf->fd = fd[0];
	*far = fd[1];
	return open_ok(conf);
}

G_GNUC_UNUSED static void expect(int fd, const char *want)
{
	g_autofree char *buf = g_malloc0(strlen(want) + 1);

	g_assert_cmpint(recv(fd, buf, strlen(want), MSG_WAITALL), ==, strlen(want));
	g_assert_cmpstr(buf, ==, want);
}

#endif
