// SPDX-License-Identifier: GPL-2.0-or-later
/* Properties: every type, every spelling, every refusal. */
#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/props.h"

struct conf {
	char *host;
	bool before, flag, after;
	uint32_t low, number, high;
	char *path;
	uint64_t below, bytes, above;
};

static const struct prop table[] = {
	{"host", PROP_STR, offsetof(struct conf, host), NULL, "where"},
	{"path", PROP_STR, offsetof(struct conf, path), "/none", "a file"},
	{"x-flag", PROP_BOOL, offsetof(struct conf, flag), "on", "a switch"},
	{"number", PROP_U32, offsetof(struct conf, number), "0x501", "a number"},
	{"bytes", PROP_U64, offsetof(struct conf, bytes), "64M", "a size"},
	{0},
};

static void defaults(void)
{
	struct conf c = {0};

	props_defaults(&c, table);
	g_assert_null(c.host);
	g_assert_cmpstr(c.path, ==, "/none");
	g_assert_true(c.flag);
	g_assert_cmphex(c.number, ==, 0x501);
	g_assert_cmphex(c.bytes, ==, 64 << 20);
	props_clear(&c, table);
	g_assert_null(c.path);
	props_clear(&c, table);
}

static void strings(void)
{
	struct conf c = {0};

	props_defaults(&c, table);
	g_assert_cmpint(props_set(&c, table, "path", "/a,b=c", NULL), ==, 0);
	g_assert_cmpint(props_set(&c, table, "path", "", NULL), ==, 0); /* the last one counts */
	g_assert_cmpstr(c.path, ==, "");
	props_clear(&c, table);
}

static void booleans(void)
{
	static const char *const on[] = {"on", "yes", "true", "y"};
	static const char *const off[] = {"off", "no", "false", "n"};
	static const char *const bad[] = {"", "ON", "1", "0", "onn", "of"};
	struct conf c = {0};

	for (unsigned i = 0; i < 4; i++) {
		g_assert_cmpint(props_set(&c, table, "x-flag", on[i], NULL), ==, 0);
		g_assert_true(c.flag);
		g_assert_cmpint(props_set(&c, table, "x-flag", off[i], NULL), ==, 0);
		g_assert_false(c.flag);
		g_assert_false(c.before || c.after);
	}
	c.flag = true;
	for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
		struct err *e = NULL;

		g_assert_cmpint(props_set(&c, table, "x-flag", bad[i], &e), ==, -EINVAL);
		g_assert_nonnull(strstr(err_text(e), "'x-flag' takes on or off"));
		g_assert_true(c.flag);
		err_free(e);
	}
}

static void numbers(void)
{
	static const char *const bad[] = {"",
					  "-1",
					  "+1",
					  " 1",
					  "1 ",
					  "4294967296",
					  "0x",
					  "12k",
					  "1.",
					  " -18446744073709551615",
					  "99999999999999999999"};
	struct conf c = {.low = 1, .high = 2};

	g_assert_cmpint(props_set(&c, table, "number", "4294967295", NULL), ==, 0);
	g_assert_cmphex(c.number, ==, UINT32_MAX);
	g_assert_cmpint(props_set(&c, table, "number", "0xFf", NULL), ==, 0);
	g_assert_cmphex(c.number, ==, 255);
	g_assert_cmpint(props_set(&c, table, "number", "0", NULL), ==, 0);
	g_assert_cmphex(c.number, ==, 0);
	c.number = 77;
	for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
		struct err *e = NULL;

		g_assert_cmpint(props_set(&c, table, "number", bad[i], &e), ==, -EINVAL);
		g_assert_nonnull(strstr(err_text(e), "'number' takes a number"));
		g_assert_nonnull(strstr(err_text(e), bad[i]));
		g_assert_cmphex(c.number, ==, 77);
		err_free(e);
	}
	g_assert_cmpuint(c.low, ==, 1);
	g_assert_cmpuint(c.high, ==, 2);
}

static void sizes(void)
{
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = {
		{"0", 0},
		{"0xffffffffffffffff", UINT64_MAX},
		{"512", 512},
		{"3k", 3072},
		{"2M", 2 << 20},
		{"0x10G", 16ull << 30},
		{"5t", 5ull << 40},
		{"18446744073709551615", UINT64_MAX},
		{"16777215T", 16777215ull << 40},
	};
	static const char *const bad[] = {"",    "K",  "-1", " 1",        "1KB",
					  "1 K", "1P", "0x", "16777216T", "18446744073709551616"};
	struct conf c = {.below = 1, .above = 2};

	for (unsigned i = 0; i < G_N_ELEMENTS(good); i++) {
		g_assert_cmpint(props_set(&c, table, "bytes", good[i].text, NULL), ==, 0);
		g_assert_cmphex(c.bytes, ==, good[i].value);
	}
	for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
		struct err *e = NULL;

		c.bytes = 77;
		g_assert_cmpint(props_set(&c, table, "bytes", bad[i], &e), ==, -EINVAL);
		g_assert_nonnull(strstr(err_text(e), "'bytes' takes a number such as 4096"));
		g_assert_cmphex(c.bytes, ==, 77);
		err_free(e);
	}
	g_assert_cmpuint(c.below, ==, 1);
	g_assert_cmpuint(c.above, ==, 2);
}

static void unknown_key(void)
{
	struct conf c = {0};
	struct err *e = NULL;

	g_assert_cmpint(props_set(&c, table, "hots", "1", &e), ==, -EINVAL);
	g_assert_cmpstr(err_text(e), ==, "there is no property 'hots'");
	g_assert_cmpstr(err_hints(e), ==, "Did you mean 'host'?\n");
	err_free(e);
	e = NULL;
	g_assert_cmpint(props_set(&c, table, "colour", "red", &e), ==, -EINVAL);
	g_assert_cmpstr(err_hints(e), ==, "");
	err_free(e);
	g_assert_cmpint(props_set(&c, table + 5, "host", "x", NULL), ==,
			-EINVAL); /* no properties */
}

static void help(void)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	props_help(f, table);
	fclose(f);
	g_assert_nonnull(strstr(text, "host=<str>"));
	g_assert_nonnull(strstr(text, "x-flag=<bool>"));
	g_assert_nonnull(strstr(text, "number=<uint32>"));
	g_assert_nonnull(strstr(text, "bytes=<uint64>"));
	g_assert_nonnull(strstr(text, "a number (default: 0x501)\n"));
	g_assert_nonnull(strstr(text, "- where\n"));
	free(text);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/props/defaults", defaults);
	g_test_add_func("/props/strings", strings);
	g_test_add_func("/props/booleans", booleans);
	g_test_add_func("/props/numbers", numbers);
	g_test_add_func("/props/sizes", sizes);
	g_test_add_func("/props/unknown-key", unknown_key);
	g_test_add_func("/props/help", help);
	return g_test_run();
}
