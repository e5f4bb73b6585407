// SPDX-License-Identifier: GPL-2.0-or-later
/* JSON trees as text: plain and pretty, and back through a parser. */
#include "ctl/json_text.h"

#include <glib.h>

static void check(const char *in, bool pretty, const char *out)
{
	g_autoptr(JsonNode) node = json_from_string(in, NULL), again = NULL;
	g_autoptr(GString) text = g_string_new(NULL);

	json_text_append(text, node, pretty);
	g_assert_cmpstr(text->str, ==, out);
	again = json_from_string(text->str, NULL);
	g_assert_true(json_node_equal(node, again));
}

static void plain(void)
{
	check("{}", false, "{}");
	check("[]", false, "[]");
	check("{\"a\":1,\"b\":[true,null,-2.5]}", false, "{\"a\": 1, \"b\": [true, null, -2.5]}");
	check("[\"\\u00e4\\n\\\"\\\\\\u0001\"]", false, "[\"\\u00E4\\n\\\"\\\\\\u0001\"]");
	check("[\"\\ud83d\\ude00\"]", false, "[\"\\uD83D\\uDE00\"]");
	check("[9223372036854775807]", false, "[9223372036854775807]");
}

static void pretty(void)
{
	check("{\"a\":{\"b\":[1,2]},\"c\":{}}", true,
	      "{\n    \"a\": {\n        \"b\": [\n            1,\n            2\n        ]\n"
	      "    },\n    \"c\": {}\n}");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/json-text/plain", plain);
	g_test_add_func("/json-text/pretty", pretty);
	return g_test_run();
}
