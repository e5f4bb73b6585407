// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the reading of recordings: lines, words, numbers.  Called by the replayer; never knows what
 * a record means.
 */
#include "tests/diff/trace.h"

#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

/* The arrow that parts a call from its result: text in quotes may hold another one. */
static char *find_arrow(char *s)
{
	bool quoted = false;

	for (; *s; s++) {
		if (quoted && *s == '\\' && s[1])
			s++;
		else if (*s == '"')
			quoted = !quoted;
		else if (!quoted && g_str_has_prefix(s, " -> "))
			return s;
	}
	return NULL;
}

static void add_line(GArray *recs, const char *line, unsigned nr, const char *before)
{
	struct rec r = {.line = nr, .text = g_strdup(line)};
	g_autofree char *left = g_strdup(line);
	char *arrow = find_arrow(left);

	if (arrow) {
		*arrow = '\0';
		r.res = r.text + (arrow - left) + strlen(" -> ");
	}
	r.arg = g_strsplit(*left ? left : "?", " ", -1); /* there is a type, if a strange one */
	r.args = g_strv_length(r.arg);
	if (before[0] == '#')
		r.note = g_strdup(before);
	g_array_append_val(recs, r);
}

struct trace *trace_load(const char *path, char **error)
{
	g_autofree char *base = g_path_get_basename(path);
	g_auto(GStrv) lines = NULL;
	g_autofree char *text = NULL;
	GError *e = NULL;
	struct trace *t;
	GArray *recs;

	if (!g_file_get_contents(path, &text, NULL, &e)) {
		*error = g_strdup(e->message);
		g_error_free(e);
		return NULL;
	}
	lines = g_strsplit(text, "\n", -1);
	recs = g_array_new(FALSE, TRUE, sizeof(struct rec));
	for (unsigned i = 0; lines[i]; i++)
		if (lines[i][0] && lines[i][0] != '#')
			add_line(recs, lines[i], i + 1, i ? lines[i - 1] : "");
	t = g_new0(struct trace, 1);
	t->path = g_strdup(path);
	t->folder = g_path_get_dirname(path);
	t->name = g_str_has_suffix(base, ".trace") ? g_strndup(base, strlen(base) - 6)
						   : g_strdup(base);
	t->recs = recs->len;
	t->rec = (struct rec *)(void *)g_array_free(recs, FALSE);
	return t;
}

void trace_free(struct trace *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->recs; i++) {
		g_free(t->rec[i].text);
		g_free(t->rec[i].note);
		g_strfreev(t->rec[i].arg);
	}
	g_free(t->rec);
	g_free(t->path);
	g_free(t->name);
	g_free(t->folder);
	g_free(t);
}

bool trace_is(const struct rec *r, const char *type)
{
	return !strcmp(r->arg[0], type);
}

const struct rec *trace_find(const struct trace *t, unsigned from, const char *type,
			     const char *key)
{
	for (unsigned i = from; i < t->recs; i++) {
		const struct rec *r = &t->rec[i];

		if (trace_is(r, type) && (!key || (r->args > 1 && !strcmp(r->arg[1], key))))
			return r;
	}
	return NULL;
}

const char *trace_meta(const struct trace *t, const char *key)
{
	const struct rec *r = trace_find(t, 0, "meta", key);

	return r && r->args > 2 ? r->text + strlen("meta ") + strlen(key) + 1 : "";
}

static bool number(const char *word, int base, uint64_t *v)
{
	char *end;

	if (!word || !g_ascii_isxdigit(*word))
		return false;
	errno = 0;
	*v = g_ascii_strtoull(word, &end, (guint)base);
	return !errno && !*end;
}

bool trace_hex(const char *word, uint64_t *v)
{
	/* strtoull would take 0x, too. */
	return word && !(word[0] == '0' && word[1] == 'x') && number(word, 16, v);
}

bool trace_dec(const char *word, uint64_t *v)
{
	return number(word, 10, v);
}

bool trace_ret(const char *res, long *ret, const char **rest)
{
	char *end;

	if (!res || !(g_ascii_isdigit(*res) || *res == '-'))
		return false;
	errno = 0;
	*ret = strtol(res, &end, 10);
	if (errno || end == res)
		return false;
	if (*end == '/')
		end += strcspn(end, " ");
	if (*end && *end != ' ')
		return false;
	*rest = *end ? end + 1 : end;
	return true;
}

static bool hex_byte(const char *s, uint8_t *b)
{
	if (!g_ascii_isxdigit(s[0]) || !g_ascii_isxdigit(s[1]))
		return false;
	*b = (uint8_t)(g_ascii_xdigit_value(s[0]) << 4 | g_ascii_xdigit_value(s[1]));
	return true;
}

bool trace_value(const char *word, size_t size, uint8_t *out)
{
	bool number_form = size == 1 || size == 2 || size == 4;

	if (!word)
		return false;
	if (!number_form) {
		if (!g_str_has_prefix(word, "x:"))
			return false;
		word += 2;
	}
	if (strlen(word) != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++)
		if (!hex_byte(word + 2 * i, &out[number_form ? size - 1 - i : i]))
			return false;
	return true;
}

static bool run(const struct rec *r, uint64_t off, uint8_t *buf, size_t size)
{
	uint64_t len;
	uint8_t b;

	if (r->args != 4 || !trace_hex(r->arg[2] + 1, &len) || len > size - off ||
	    !trace_value(r->arg[3], 1, &b))
		return false;
	memset(buf + off, b, len);
	return true;
}

bool trace_row(const struct rec *r, unsigned width, uint8_t *buf, size_t size)
{
	uint64_t off;

	if (r->args < 3 || !trace_hex(r->arg[1], &off) || off >= size)
		return false;
	if (r->arg[2][0] == '+')
		return run(r, off, buf, size);
	if ((r->args - 2) * width > MIN(16, size - off))
		return false;
	for (unsigned i = 2; i < r->args; i++, off += width)
		if (!trace_value(r->arg[i], width, buf + off))
			return false;
	return true;
}

char *trace_unquote(const char *quoted, size_t *len)
{
	size_t n = quoted ? strlen(quoted) : 0;
	g_autofree char *inner = NULL;
	char *text;

	if (n < 2 || quoted[0] != '"' || quoted[n - 1] != '"')
		return NULL;
	inner = g_strndup(quoted + 1, n - 2);
	text = g_strcompress(inner);
	*len = strlen(text);
	return text;
}
