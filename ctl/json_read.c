// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the parser of JSON values.  Called by QMP for each value that its lexer has cut out; knows
 * no message.  Recursion is as deep as the lexer lets values be.
 */
#include "ctl/json_read.h"

#include <errno.h>
#include <string.h>

struct reader {
	const char *at, *end;
	char *error;
};

static JsonNode *fail(struct reader *r, const char *error)
{
	if (!r->error)
		r->error = g_strdup_printf("JSON parse error, %s", error);
	return NULL;
}

/* The first byte of the next token, 0 at the end. */
static char peek(struct reader *r)
{
	while (r->at < r->end && *r->at == ' ')
		r->at++;
	return r->at < r->end ? *r->at : 0;
}

/* --- strings --- */

static bool is_noncharacter(gunichar c)
{
	return (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

static bool four_digits(const char *s, const char *end, gunichar *c)
{
	*c = 0;
	for (int i = 0; i < 4; i++) {
		if (s + i >= end || !g_ascii_isxdigit(s[i]))
			return false;
		*c = *c << 4 | (gunichar)g_ascii_xdigit_value(s[i]);
	}
	return true;
}

/* After "\u"; two of them may be one character (RFC 8259, 7). */
static const char *unicode_escape(struct reader *r, const char *s, GString *out)
{
	const char *from = s - 2;
	gunichar c, low;
	bool good = four_digits(s, r->end, &c);

	s = MIN(s + 4, r->end);
	if (good && (c & 0xfc00) == 0xd800 && s + 1 < r->end && s[0] == '\\' && s[1] == 'u' &&
	    four_digits(s + 2, r->end, &low) && (low & 0xfc00) == 0xdc00) {
		c = 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
		s += 6;
	}
	if (!good || !c || (c & 0xfffff800) == 0xd800 || is_noncharacter(c)) {
		g_autofree char *text = g_strndup(from, (gsize)(s - from));
		g_autofree char *why = g_strdup_printf("%s is not a valid Unicode character", text);

		fail(r, why);
		return NULL;
	}
	g_string_append_unichar(out, c);
	return s;
}

/* After the backslash; where the string goes on, NULL = wrong. */
static const char *escape(struct reader *r, const char *s, GString *out)
{
	static const char letters[] = "\"\\/'bfnrt", bytes[] = "\"\\/'\b\f\n\r\t";
	const char *found = s < r->end && *s ? strchr(letters, *s) : NULL;

	if (found) {
		g_string_append_c(out, bytes[found - letters]);
		return s + 1;
	}
	if (s < r->end && *s == 'u')
		return unicode_escape(r, s + 1, out);
	fail(r, "invalid escape sequence in string");
	return NULL;
}

static bool valid_text(const GString *s)
{
	if (!g_utf8_validate(s->str, (gssize)s->len, NULL))
		return false;
	for (const char *p = s->str; *p; p = g_utf8_next_char(p))
		if (is_noncharacter(g_utf8_get_char(p)))
			return false;
	return true;
}

static char *read_string(struct reader *r)
{
	g_autoptr(GString) out = g_string_new(NULL);
	const char *s = r->at + 1;

	while (s && s < r->end && *s != '"') {
		if (*s == '\\')
			s = escape(r, s + 1, out);
		else
			g_string_append_c(out, *s++);
	}
	if (s && s == r->end)
		fail(r, "premature EOI");
	else if (s && !valid_text(out))
		fail(r, "invalid UTF-8 sequence in string");
	if (r->error)
		return NULL;
	r->at = s + 1;
	return g_strdup(out->str);
}

/* --- other scalars --- */

static char *take_word(struct reader *r)
{
	const char *from = r->at;

	while (r->at < r->end && *r->at != ' ')
		r->at++;
	return g_strndup(from, (gsize)(r->at - from));
}

static JsonNode *read_number(struct reader *r)
{
	g_autofree char *word = take_word(r);
	JsonNode *n = json_node_new(JSON_NODE_VALUE);
	gint64 v;

	errno = 0;
	v = g_ascii_strtoll(word, NULL, 10);
	if (!errno && !strpbrk(word, ".eE"))
		json_node_set_int(n, v);
	else
		json_node_set_double(n, g_ascii_strtod(word, NULL));
	return n;
}

static JsonNode *read_keyword(struct reader *r)
{
	g_autofree char *word = take_word(r), *why = NULL;
	bool yes = !strcmp(word, "true");
	JsonNode *n;

	if (!strcmp(word, "null"))
		return json_node_new(JSON_NODE_NULL);
	if (yes || !strcmp(word, "false")) {
		n = json_node_new(JSON_NODE_VALUE);
		json_node_set_boolean(n, yes);
		return n;
	}
	why = g_strdup_printf("invalid keyword '%s'", word);
	return fail(r, why);
}

static JsonNode *read_text(struct reader *r)
{
	g_autofree char *s = read_string(r);
	JsonNode *n;

	if (!s)
		return NULL;
	n = json_node_new(JSON_NODE_VALUE);
	json_node_set_string(n, s);
	return n;
}

/* --- what holds others --- */

static JsonNode *read_value(struct reader *r);

static char *read_key(struct reader *r)
{
	g_autoptr(JsonNode) key = NULL;
	char c = peek(r);

	if (c == '"')
		return read_string(r);
	key = read_value(r);
	if (key)
		fail(r, "key is not a string in object");
	return NULL;
}

static void read_pair(struct reader *r, JsonObject *o)
{
	g_autofree char *key = read_key(r);
	JsonNode *value;

	if (!key)
		return;
	if (peek(r) != ':') {
		fail(r, peek(r) ? "missing : in object pair" : "premature EOI");
		return;
	}
	r->at++;
	value = read_value(r);
	if (value && json_object_has_member(o, key)) {
		fail(r, "duplicate key");
		json_node_unref(value);
	} else if (value) {
		json_object_set_member(o, key, value);
	}
}

static void read_element(struct reader *r, JsonArray *a)
{
	JsonNode *value = read_value(r);

	if (value)
		json_array_add_element(a, value);
}

/* After each pair or element but the last one there is a comma; true: it goes on. */
static bool goes_on(struct reader *r, char close, const char *otherwise)
{
	char c = peek(r);

	if (r->error)
		return false;
	r->at += c != 0;
	if (c == close)
		return false;
	if (c != ',')
		fail(r, c ? otherwise : "premature EOI");
	return c == ',';
}

static JsonNode *read_object(struct reader *r)
{
	g_autoptr(JsonObject) o = json_object_new();
	JsonNode *n;

	r->at++;
	if (peek(r) == '}')
		r->at++;
	else
		do
			read_pair(r, o);
		while (goes_on(r, '}', "expected separator in dict"));
	if (r->error)
		return NULL;
	n = json_node_new(JSON_NODE_OBJECT);
	json_node_set_object(n, o);
	return n;
}

static JsonNode *read_array(struct reader *r)
{
	g_autoptr(JsonArray) a = json_array_new();
	JsonNode *n;

	r->at++;
	if (peek(r) == ']')
		r->at++;
	else
		do
			read_element(r, a);
		while (goes_on(r, ']', "expected separator in list"));
	if (r->error)
		return NULL;
	n = json_node_new(JSON_NODE_ARRAY);
	json_node_set_array(n, a);
	return n;
}

static JsonNode *read_value(struct reader *r)
{
	char c = peek(r);

	if (c == '{')
		return read_object(r);
	if (c == '[')
		return read_array(r);
	if (c == '"')
		return read_text(r);
	if (c == '-' || g_ascii_isdigit(c))
		return read_number(r);
	if (g_ascii_islower(c))
		return read_keyword(r);
	return fail(r, c ? "expecting value" : "premature EOI");
}

JsonNode *json_read(const char *text, size_t len, char **error)
{
	struct reader r = {text, text + len, NULL};
	JsonNode *node = read_value(&r);

	*error = r.error;
	return node;
}
