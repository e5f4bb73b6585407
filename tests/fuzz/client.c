// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the client of fuzz_qtest.c and fuzz_qmp.c, who run it as a thread; knows no protocol. */
#include "tests/fuzz/client.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

static gboolean quit(gpointer opaque)
{
	struct client *c = opaque;

	vm_quit(c->vm, 0, "host-ui");
	return G_SOURCE_REMOVE;
}

static void send_some(struct client *c)
{
	size_t len = MIN(c->segment, c->text->len - c->sent);
	ssize_t n = send(c->fd, c->text->str + c->sent, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0)
		c->sent += (size_t)n;
}

/* False: the server has closed. */
static bool receive(struct client *c)
{
	char buf[65536];
	ssize_t n = recv(c->fd, buf, sizeof(buf), 0);

	if (n <= 0)
		return false;
	g_string_append_len(c->tail, buf, n);
	c->answered |= strstr(c->tail->str, c->last_reply) != NULL; /* events may follow it */
	if (c->tail->len > 2 * strlen(c->last_reply))
		g_string_erase(c->tail, 0, (gssize)(c->tail->len - 2 * strlen(c->last_reply)));
	return true;
}

gpointer client_main(gpointer opaque)
{
	struct client *c = opaque;
	struct pollfd p = {.fd = c->fd};

	while (!c->answered) {
		p.events = (short)(POLLIN | (c->sent < c->text->len ? POLLOUT : 0));
		if (poll(&p, 1, -1) < 0)
			continue;
		if (p.revents & POLLOUT)
			send_some(c);
		if (p.revents & (POLLIN | POLLHUP | POLLERR) && !receive(c))
			break;
	}
	g_idle_add(quit, c);
	return NULL;
}
