// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the sharing of one chardev by two front ends and the Ctrl-a escapes.  Called by the VM
 * (set-up) and, as a chardev, by both front ends; never frees the chardev underneath.
 */
#include "base/chardev_int.h"

#include <stdio.h>
#include <string.h>

#define ESCAPE 0x01 /* Ctrl-a */
#define MUX_BUFFER 4096

/* Buffers are touched only on the main thread; other threads look at len to see whether to kick. */
struct mux_side {
	struct chardev base;
	struct chardev_mux *mux;
	GSource *flush_bh;
	uint8_t buf[MUX_BUFFER];
	size_t len;
};

struct chardev_mux {
	struct chardev *c;
	struct mux_side *side[2];
	int focus;
	bool escaped, open;
	void (*quit)(void *opaque);
	void *opaque;
};

static const char help_text[] = "\r\n"
				"C-a h    print this help\r\n"
				"C-a x    exit sluice\r\n"
				"C-a b    send break\r\n"
				"C-a c    switch between console and monitor\r\n"
				"C-a C-a  send C-a\r\n";

static void print(struct chardev_mux *m, const char *text)
{
	chardev_write(m->c, text, strlen(text));
}

static void flush(void *opaque)
{
	struct mux_side *side = opaque;
	size_t room, n;

	while (side->len && (room = chardev_room(&side->base)) > 0) {
		uint8_t out[MUX_BUFFER];

		n = MIN(room, side->len);
		memcpy(out, side->buf, n);
		memmove(side->buf, side->buf + n, side->len - n);
		__atomic_store_n(&side->len, side->len - n, __ATOMIC_SEQ_CST);
		chardev_input(&side->base, out, n);
	}
	if (side->len < MUX_BUFFER)
		chardev_accept_input(side->mux->c);
}

static void push(struct mux_side *side, uint8_t byte)
{
	if (side->len == MUX_BUFFER)
		return;
	side->buf[side->len] = byte;
	__atomic_store_n(&side->len, side->len + 1, __ATOMIC_SEQ_CST);
}

static void switch_focus(struct chardev_mux *m)
{
	if (!m->side[!m->focus]->base.has_fe)
		return;
	m->focus = !m->focus;
	if (m->open)
		chardev_event(&m->side[1]->base,
			      m->focus == 1 ? CHARDEV_EV_OPENED : CHARDEV_EV_CLOSED);
}

static void escape(struct chardev_mux *m, uint8_t byte)
{
	switch (byte) {
	case 'h':
	case '?':
		print(m, help_text);
		break;
	case 'x':
		print(m, "sluice: Terminated\r\n");
		if (m->quit)
			m->quit(m->opaque);
		break;
	case 'b':
		chardev_event(&m->side[m->focus]->base, CHARDEV_EV_BREAK);
		break;
	case 'c':
		switch_focus(m);
		break;
	case ESCAPE:
		push(m->side[m->focus], ESCAPE);
		break;
	}
}

static void mux_read(void *opaque, const uint8_t *buf, size_t len)
{
	struct chardev_mux *m = opaque;

	for (size_t i = 0; i < len; i++) {
		if (m->escaped) {
			m->escaped = false;
			flush(m->side[m->focus]);
			escape(m, buf[i]);
		} else if (buf[i] == ESCAPE) {
			m->escaped = true;
		} else {
			push(m->side[m->focus], buf[i]);
		}
	}
	flush(m->side[m->focus]);
}

static size_t mux_can_read(void *opaque)
{
	struct chardev_mux *m = opaque;

	return MUX_BUFFER - m->side[m->focus]->len;
}

static void mux_event(void *opaque, int event)
{
	struct chardev_mux *m = opaque;

	if (event == CHARDEV_EV_BREAK) {
		chardev_event(&m->side[m->focus]->base, event);
		return;
	}
	m->open = event == CHARDEV_EV_OPENED;
	m->escaped = false;
	chardev_event(&m->side[0]->base, event);
	if (m->focus == 1)
		chardev_event(&m->side[1]->base, event);
}

static void mux_drained(void *opaque)
{
	struct chardev_mux *m = opaque;

	for (int i = 0; i < 2; i++)
		if (m->side[i]->base.fe.drained)
			m->side[i]->base.fe.drained(m->side[i]->base.fe.opaque);
}

static size_t side_write(struct chardev *c, const uint8_t *buf, size_t len)
{
	return chardev_write(((struct mux_side *)c)->mux->c, buf, len);
}

static void side_attached(struct chardev *c)
{
	struct mux_side *side = (struct mux_side *)c;
	struct chardev_mux *m = side->mux;

	if (m->open && (side == m->side[0] || m->focus == 1))
		chardev_event(c, CHARDEV_EV_OPENED);
	chardev_bh_kick(side->flush_bh);
}

static void side_accept_input(struct chardev *c)
{
	struct mux_side *side = (struct mux_side *)c;

	if (__atomic_load_n(&side->len, __ATOMIC_SEQ_CST))
		chardev_bh_kick(side->flush_bh);
}

static void side_describe(struct chardev *c, GString *out)
{
	g_string_append(out, "mux:");
	chardev_describe(((struct mux_side *)c)->mux->c, out);
}

static void side_free(struct chardev *c)
{
	chardev_bh_free(((struct mux_side *)c)->flush_bh);
}

static const struct chardev_ops side_ops = {
	.write = side_write,
	.attached = side_attached,
	.accept_input = side_accept_input,
	.describe = side_describe,
	.free = side_free,
};

static struct mux_side *side_new(struct chardev_mux *m, const char *id)
{
	struct mux_side *side = g_new0(struct mux_side, 1);

	chardev_init(&side->base, &side_ops, id, NULL);
	side->mux = m;
	side->flush_bh = chardev_bh_new(flush, side, NULL);
	return side;
}

struct chardev_mux *chardev_mux_new(struct chardev *c, void (*quit)(void *opaque), void *opaque)
{
	struct chardev_mux *m = g_new0(struct chardev_mux, 1);
	struct chardev_fe fe = {
		.can_read = mux_can_read,
		.read = mux_read,
		.event = mux_event,
		.drained = mux_drained,
		.opaque = m,
	};

	m->c = c;
	m->quit = quit;
	m->opaque = opaque;
	for (int i = 0; i < 2; i++)
		m->side[i] = side_new(m, chardev_id(c));
	chardev_attach(c, &fe);
	return m;
}

struct chardev *chardev_mux_side(struct chardev_mux *m, int side)
{
	return &m->side[side]->base;
}

void chardev_mux_free(struct chardev_mux *m)
{
	if (!m)
		return;
	chardev_attach(m->c, NULL);
	for (int i = 0; i < 2; i++)
		chardev_free(&m->side[i]->base);
	g_free(m);
}
