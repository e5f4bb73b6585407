/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A chardev under the test's control, in place of base/chardev.c: the linker takes these functions
 * because the program has them already.  Include from one source file only.
 */
#ifndef TESTS_UNIT_FAKE_CHARDEV_H
#define TESTS_UNIT_FAKE_CHARDEV_H

#include <glib.h>

#include "base/chardev.h"

struct chardev {
	struct chardev_fe fe;
	GByteArray *out;
	size_t room;      /* bytes that the next writes may take */
	unsigned accepts; /* calls of chardev_accept_input() */
};

void chardev_attach(struct chardev *c, const struct chardev_fe *fe)
{
	c->fe = fe ? *fe : (struct chardev_fe){};
}

size_t chardev_write(struct chardev *c, const void *buf, size_t len)
{
	size_t n = MIN(len, c->room);

	g_byte_array_append(c->out, buf, n);
	c->room -= n;
	return n;
}

void chardev_accept_input(struct chardev *c)
{
	c->accepts++;
}

static inline void fake_chardev_init(struct chardev *c)
{
	*c = (struct chardev){.out = g_byte_array_new(), .room = SIZE_MAX};
}

static inline void fake_chardev_fini(struct chardev *c)
{
	g_byte_array_free(c->out, TRUE);
}

#define fake_chardev_expect(c, text) \
	g_assert_cmpmem((c)->out->data, (c)->out->len, text, sizeof(text) - 1)

#endif
