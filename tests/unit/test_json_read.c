// SPDX-License-Identifier: GPL-2.0-or-later
/* JSON text to trees: values come out as they were said, wrong ones as an error in QEMU's words. */
#include "ctl/json_read.h"

#include <glib.h>
#include <string.h>

#include "ctl/json_text.h"

static const struct {
	const char *in, *out; /* printed again */
} good[] = {
	{"{ }", "{}"},
	{"[ ]", "[]"},
	{"{ \"a\" : [ 1 , true , false , null , \"x\" ] }",
	 "{\"a\": [1, true, false, null, \"x\"]}"},
	{"9223372036854775807", "9223372036854775807"},
	{"-9223372036854775808", "-9223372036854775808"},
	{"9223372036854775808", "9.2233720368547758e+18"},
	{"18446744073709551615", "1.8446744073709552e+19"},
	{"-9223372036854775809", "-9.2233720368547758e+18"},
	{"0.5", "0.5"},
	{"-1e3", "-1000"},
	{"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
	{"\"\\u0041\\u00e9\\ud83d\\ude00\"", "\"A\\u00E9\\uD83D\\uDE00\""},
	{"\"\xc3\xa9 \\u00e9\"", "\"\\u00E9 \\u00E9\""},
	{"\"a b { } [ ] , :\"", "\"a b { } [ ] , :\""},
};

static void values(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
		g_autoptr(GString) text = g_string_new(NULL);
		char *error = NULL;
		g_autoptr(JsonNode) node = json_read(good[i].in, strlen(good[i].in), &error);

		g_assert_cmpstr(error, ==, NULL);
		json_text_append(text, node, false);
		g_assert_cmpstr(text->str, ==, good[i].out);
	}
}

static const struct {
	const char *in, *error;
} bad[] = {
	{"}", "expecting value"},
	{"]", "expecting value"},
	{",", "expecting value"},
	{":", "expecting value"},
	{"[ }", "expecting value"},
	{"{ ]", "expecting value"},
	{"{ , }", "expecting value"},
	{"{ \"a\" : ] }", "expecting value"},
	{"{ \"a\" : 1 , }", "expecting value"},
	{"[ 1 , ]", "expecting value"},
	{"[ 1 2 ]", "expected separator in list"},
	{"[ 1 } ]", "expected separator in list"},
	{"{ \"a\" : 1 \"b\" }", "expected separator in dict"},
	{"{ \"a\" }", "missing : in object pair"},
	{"{ \"a\" 1 }", "missing : in object pair"},
	{"{ 1 : 2 }", "key is not a string in object"},
	{"{ { } : 2 }", "key is not a string in object"},
	{"{ \"a\" : 1 , \"a\" : 2 }", "duplicate key"},
	{"{ \"a\" : { \"b\" : 1 , \"\\u0062\" : 2 } }", "duplicate key"},
	{"truex", "invalid keyword 'truex'"},
	{"[ nul ]", "invalid keyword 'nul'"},
	{"{", "premature EOI"},
	{"[ 1", "premature EOI"},
	{"{ \"a\"", "premature EOI"},
	{"\"\\x\"", "invalid escape sequence in string"},
	{"\"\\u12\"", "\\u12\" is not a valid Unicode character"},
	{"\"\\ud800\"", "\\ud800 is not a valid Unicode character"},
	{"\"\\ud800\\u0041\"", "\\ud800 is not a valid Unicode character"},
	{"\"\\udc00\"", "\\udc00 is not a valid Unicode character"},
	{"\"\\uffff\"", "\\uffff is not a valid Unicode character"},
	{"\"\\u0000\"", "\\u0000 is not a valid Unicode character"},
	{"\"\xc3(\"", "invalid UTF-8 sequence in string"},
	{"\"\xed\xa0\x80\"", "invalid UTF-8 sequence in string"},
	{"\"\xef\xbf\xbf\"", "invalid UTF-8 sequence in string"},
	{"\"\xc0\x80\"", "invalid UTF-8 sequence in string"},
};

static void errors(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autofree char *want = g_strdup_printf("JSON parse error, %s", bad[i].error);
		char *error = NULL;
		JsonNode *node = json_read(bad[i].in, strlen(bad[i].in), &error);

		g_assert_null(node);
		g_assert_cmpstr(error, ==, want);
		g_free(error);
	}
}

/* Every value cut short at every byte: an error, or a shorter value, and nothing past the end. */
static void cut(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
		for (size_t len = 1; len < strlen(good[i].in); len++) {
			char *copy = g_memdup2(good[i].in, len), *error = NULL;
			JsonNode *node = json_read(copy, len, &error);

			g_assert_true(!node == !!error);
			if (node)
				json_node_unref(node);
			g_free(error);
			g_free(copy);
		}
}

static void deep(void)
{
	g_autoptr(GString) text = g_string_new(NULL);
	char *error = NULL;
	JsonNode *node;

	for (unsigned i = 0; i < 1024; i++)
		g_string_append(text, "[ ");
	for (unsigned i = 0; i < 1024; i++)
		g_string_append(text, i ? " ]" : "]");
	node = json_read(text->str, text->len, &error);
	g_assert_nonnull(node);
	json_node_unref(node);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/json-read/values", values);
	g_test_add_func("/json-read/errors", errors);
	g_test_add_func("/json-read/cut", cut);
	g_test_add_func("/json-read/deep", deep);
	return g_test_run();
}
