// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of base/err.c. */
#include <errno.h>
#include <glib.h>

#include "base/err.h"

static void keeps_first(void)
{
	struct err *e = NULL;

	g_assert_cmpint(err_set_errno(&e, -ENOENT, "open %s", "/x"), ==, -ENOENT);
	g_assert_cmpint(err_set(&e, -EIO, "later"), ==, -EIO);
	g_assert_cmpstr(err_text(e), ==, "open /x: No such file or directory");
	g_assert_cmpint(err_code(e), ==, -ENOENT);
	err_free(e);
}

static void prefix_and_hints(void)
{
	struct err *e = NULL, *other = NULL;

	err_prefix(&e, "nothing to prefix");
	err_hint(&e, "nothing to hint");
	g_assert_null(e);
	err_set(&e, -EBUSY, "held");
	err_prefix(&e, "%s", "0000:01:00.0");
	err_hint(&e, "Try %d.", 1);
	err_hint(&e, "Try %d.", 2);
	g_assert_cmpstr(err_text(e), ==, "0000:01:00.0: held");
	g_assert_cmpstr(err_hints(e), ==, "Try 1.\nTry 2.\n");
	err_move(&other, e);
	g_assert_cmpint(err_code(other), ==, -EBUSY);
	e = NULL;
	err_set(&e, -EIO, "second");
	err_move(&other, e);
	g_assert_cmpint(err_code(other), ==, -EBUSY);
	err_free(other);
}

static void null_is_fine(void)
{
	g_assert_cmpint(err_set(NULL, -EINVAL, "x"), ==, -EINVAL);
	g_assert_cmpstr(err_text(NULL), ==, "");
	g_assert_cmpint(err_code(NULL), ==, 0);
	err_free(NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/err/keeps-first", keeps_first);
	g_test_add_func("/err/prefix-and-hints", prefix_and_hints);
	g_test_add_func("/err/null", null_is_fine);
	return g_test_run();
}
