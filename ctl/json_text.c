// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the printing of JSON trees.  Called by QMP for replies and events; changes no tree. */
#include "ctl/json_text.h"

#include <math.h>
#include <string.h>

static void node_text(GString *out, JsonNode *node, int indent);

/* Line break and columns of a level where the text is pretty (indent >= 0). */
static void new_line(GString *out, int indent)
{
	if (indent < 0)
		return;
	g_string_append_c(out, '\n');
	for (int i = 0; i < indent; i++)
		g_string_append(out, "    ");
}

static void character(GString *out, gunichar c)
{
	static const char plain[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
	const char *at = c && c < 0x80 ? strchr(plain, (int)c) : NULL;

	if (at)
		g_string_append_printf(out, "\\%c", letter[at - plain]);
	else if (c >= 0x10000)
		g_string_append_printf(out, "\\u%04X\\u%04X", 0xd800 + ((c - 0x10000) >> 10),
				       0xdc00 + ((c - 0x10000) & 0x3ff));
	else if (c < 0x20 || c >= 0x7f)
		g_string_append_printf(out, "\\u%04X", c);
	else
		g_string_append_c(out, (char)c);
}

static void string_text(GString *out, const char *s)
{
	g_autofree char *valid = g_utf8_make_valid(s, -1);

	g_string_append_c(out, '"');
	for (const char *p = valid; *p; p = g_utf8_next_char(p))
		character(out, g_utf8_get_char(p));
	g_string_append_c(out, '"');
}

static void value_text(GString *out, JsonNode *node)
{
	char number[G_ASCII_DTOSTR_BUF_SIZE];
	GType type = json_node_get_value_type(node);
	double d;

	if (type == G_TYPE_STRING) {
		string_text(out, json_node_get_string(node));
	} else if (type == G_TYPE_BOOLEAN) {
		g_string_append(out, json_node_get_boolean(node) ? "true" : "false");
	} else if (type == G_TYPE_DOUBLE) {
		d = json_node_get_double(node);
		g_string_append(out, g_ascii_dtostr(number, sizeof(number), isfinite(d) ? d : 0));
	} else {
		g_string_append_printf(out, "%" G_GINT64_FORMAT, json_node_get_int(node));
	}
}

static void object_text(GString *out, JsonObject *object, int indent)
{
	int inner = indent < 0 ? -1 : indent + 1;
	JsonObjectIter i;
	const char *name;
	JsonNode *node;
	bool first = true;

	g_string_append_c(out, '{');
	json_object_iter_init_ordered(&i, object);
	while (json_object_iter_next_ordered(&i, &name, &node)) {
		if (!first)
			g_string_append(out, indent < 0 ? ", " : ",");
		first = false;
		new_line(out, inner);
		string_text(out, name);
		g_string_append(out, ": ");
		node_text(out, node, inner);
	}
	if (!first)
		new_line(out, indent);
	g_string_append_c(out, '}');
}

static void array_text(GString *out, JsonArray *array, int indent)
{
	int inner = indent < 0 ? -1 : indent + 1;
	guint n = json_array_get_length(array);

	g_string_append_c(out, '[');
	for (guint i = 0; i < n; i++) {
		if (i)
			g_string_append(out, indent < 0 ? ", " : ",");
		new_line(out, inner);
		node_text(out, json_array_get_element(array, i), inner);
	}
	if (n)
		new_line(out, indent);
	g_string_append_c(out, ']');
}

static void node_text(GString *out, JsonNode *node, int indent)
{
	if (JSON_NODE_HOLDS_OBJECT(node))
		object_text(out, json_node_get_object(node), indent);
	else if (JSON_NODE_HOLDS_ARRAY(node))
		array_text(out, json_node_get_array(node), indent);
	else if (JSON_NODE_HOLDS_VALUE(node))
		value_text(out, node);
	else
		g_string_append(out, "null");
}

void json_text_append(GString *out, JsonNode *node, bool pretty)
{
	node_text(out, node, pretty ? 0 : -1);
}
