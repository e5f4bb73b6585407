// SPDX-License-Identifier: GPL-2.0-or-later
/* Values cut out of a stream: framing, lexical errors and what comes after them, limits. */
#include "ctl/json_stream.h"

#include <glib.h>
#include <string.h>

struct box {
	struct json_stream *s;
	GString *seen; /* values and errors, one a line */
};

static void on_value(void *opaque, const char *text, size_t len, const char *error)
{
	struct box *b = opaque;

	if (error)
		g_string_append_printf(b->seen, "! %s\n", error);
	else
		g_string_append_printf(b->seen, "%.*s\n", (int)len, text);
}

static const struct json_stream_ops ops = {on_value};

static void open_box(struct box *b)
{
	b->s = json_stream_new(&ops, b);
	b->seen = g_string_new(NULL);
}

static void close_box(struct box *b)
{
	json_stream_free(b->s);
	g_string_free(b->seen, TRUE);
}

static void feed(struct box *b, const char *text)
{
	json_stream_feed(b->s, (const uint8_t *)text, strlen(text));
}

static const struct {
	const char *in, *out;
} cases[] = {
	{"{}", "{ }\n"},
	{"{\"a\":[1,2]}{}", "{ \"a\" : [ 1 , 2 ] }\n{ }\n"},
	{" \r\n\t{\n}\n", "{ }\n"},
	{"null ", "null\n"},
	{"12]", "12\n]\n"},
	{"-0.5e+3 ", "-0.5e+3\n"},
	{"\"a\"", "\"a\"\n"},
	{"{'a':'b\"c\\'d'}", "{ \"a\" : \"b\\\"c'd\" }\n"},
	{"\"\\u0041\\\\\"", "\"\\u0041\\\\\"\n"},
	{"{]", "{ ]\n"},
	{"}{}", "}\n{ }\n"},
	{"{\x01{}", "! JSON parse error, stray '\x01'\n{ }\n"},
	{"{\xff{}", "! JSON parse error, stray '\xef\xbf\xbd'\n{ }\n"},
	{"%p{}", "! JSON parse error, stray '%'\n{ }\n"},
	{"\"a\n{}", "! JSON parse error, stray '\"a\n'\n{ }\n"},
	{"01 {}", "! JSON parse error, stray '01'\n{ }\n"},
	{"1.x {}", "! JSON parse error, stray '1.x'\n{ }\n"},
	{"-x{}", "! JSON parse error, stray '-x'\n{ }\n"},
	{"1e+,", "! JSON parse error, stray '1e+,'\n"},
	{"$abc,{}", "! JSON parse error, stray '$'\n,\n{ }\n"},
};

static void table(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct box b;

		open_box(&b);
		feed(&b, cases[i].in);
		g_assert_cmpstr(b.seen->str, ==, cases[i].out);
		close_box(&b);
	}
}

/* Told at the byte that is wrong, or that ends the value, not one later. */
static void at_once(void)
{
	struct box b;

	open_box(&b);
	feed(&b, "{\"id\":1");
	g_assert_cmpstr(b.seen->str, ==, "");
	feed(&b, "}");
	g_assert_cmpstr(b.seen->str, ==, "{ \"id\" : 1 }\n");
	g_string_truncate(b.seen, 0);
	feed(&b, "{\xfe");
	g_assert_true(g_str_has_prefix(b.seen->str, "! JSON parse error"));
	g_string_truncate(b.seen, 0);
	feed(&b, "xyz \xfe\xff"); /* still the same mistake */
	g_assert_cmpstr(b.seen->str, ==, "");
	close_box(&b);
}

static void another_peer(void)
{
	struct box b;

	open_box(&b);
	feed(&b, "{\"a\":");
	json_stream_reset(b.s);
	feed(&b, "{}");
	g_assert_cmpstr(b.seen->str, ==, "{ }\n");
	close_box(&b);
}

static void limits(void)
{
	struct box b;

	open_box(&b);
	for (int i = 0; i <= JSON_STREAM_DEPTH; i++)
		feed(&b, "[");
	g_assert_cmpstr(b.seen->str, ==, "! JSON nesting depth limit exceeded\n");
	g_string_truncate(b.seen, 0);
	feed(&b, "\n\"");
	for (unsigned i = 0; i <= JSON_STREAM_BYTES / 1024 && !b.seen->len; i++) {
		uint8_t chunk[1024];

		memset(chunk, 'x', sizeof(chunk));
		json_stream_feed(b.s, chunk, sizeof(chunk));
	}
	g_assert_cmpstr(b.seen->str, ==, "! JSON token size limit exceeded\n");
	g_string_truncate(b.seen, 0);
	feed(&b, "\n{}");
	g_assert_cmpstr(b.seen->str, ==, "{ }\n");
	g_string_truncate(b.seen, 0);
	feed(&b, "[");
	for (unsigned i = 0; i <= JSON_STREAM_TOKENS && !b.seen->len; i++)
		feed(&b, ",");
	g_assert_cmpstr(b.seen->str, ==, "! JSON token count limit exceeded\n");
	close_box(&b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/json-stream/table", table);
	g_test_add_func("/json-stream/at-once", at_once);
	g_test_add_func("/json-stream/another-peer", another_peer);
	g_test_add_func("/json-stream/limits", limits);
	return g_test_run();
}
