// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of base/names.c. */
#include <errno.h>
#include <glib.h>

#include "base/err.h"
#include "base/names.h"

static const char *const known[] = {"kernel",    "initrd", "append", "device", "machine",
				    "nographic", "m",      "smp",    "q35",    NULL};

static const struct {
	const char *given, *nearest;
} cases[] = {
	{"kernel", "kernel"}, {"kernl", "kernel"},
	{"kerenl", "kernel"}, {"kernels", "kernel"},
	{"devise", "device"}, {"NoGraphic", "nographic"},
	{"Q35", "q35"},       {"q53", "q35"},
	{"smpp", "smp"},      {"nografic", "nographic"},
	{"m", "m"},           {"x", NULL},
	{"zzzzzz", NULL},     {"", NULL},
	{NULL, NULL},         {"foo", NULL},
};

static void nearest(void)
{
	g_autofree char *huge = g_strnfill(100000, 'k');

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_cmpstr(nearest_name(cases[i].given, known), ==, cases[i].nearest);
	g_assert_null(nearest_name(huge, known));
	huge[64] = 0;
	g_assert_null(nearest_name(huge, known));
}

static void too_long_entries_are_skipped(void)
{
	g_autofree char *huge = g_strnfill(1000, 'k');
	const char *const list[] = {huge, "kk", NULL};

	g_assert_cmpstr(nearest_name("k", list), ==, "kk");
}

static void hint(void)
{
	struct err *e = NULL;

	err_set(&e, -EINVAL, "unknown");
	err_hint_nearest(&e, "zzzzz", known);
	g_assert_cmpstr(err_hints(e), ==, "");
	err_hint_nearest(&e, "kernle", known);
	g_assert_cmpstr(err_hints(e), ==, "Did you mean 'kernel'?\n");
	err_free(e);
	err_hint_nearest(NULL, "kernle", known);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/names/nearest", nearest);
	g_test_add_func("/names/too-long", too_long_entries_are_skipped);
	g_test_add_func("/names/hint", hint);
	return g_test_run();
}
