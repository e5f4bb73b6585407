// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes inputs for fuzz_qmp: requests of every command in the program's own table, their arguments
 * from its types, with names of what is there, numbers right and wrong, and noise now and then.
 * Called by smoke.c.
 */
#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "ctl/qmp.h"
#include "ctl/qmp_schema.h"
#include "tests/fuzz/fuzz.h"

enum { INPUT_MAX = 8000, DEPTH_MAX = 5 };
const size_t fuzz_input_max = INPUT_MAX;

struct out {
	uint64_t *s;
	GString *text;
};

static uint32_t next(struct out *o, uint32_t n)
{
	return fuzz_next(o->s) % n;
}

static const char *pick(struct out *o, const char *const *list, size_t n)
{
	return list[next(o, (uint32_t)n)];
}

#define PICK(o, list) pick(o, list, G_N_ELEMENTS(list))

/* --- values --- */

static void put_string(struct out *o)
{
	static const char *const strings[] = {
		"e0",
		"n0",
		"rp0",
		"d0",
		"m0",
		"c0",
		"q",
		"x1",
		"x2",
		"edu",
		"nvme",
		"pci-zoo",
		"vfio-pci",
		"pcie-root-port",
		"01:00.0",
		"02:00.0",
		"/",
		"/machine",
		"/machine/peripheral/e0",
		"type",
		"qemu64",
		"",
		"device",
		"memory-backend-ram",
		"info pci",
		"info qtree",
		"info mtree",
		"info registers",
		"info vfio",
		"info qom-tree",
		"x /4xw 0",
		"xp /99xg 0x1000",
		"device_del e0",
		"help",
		"stop",
		"0.1",
		"on",
		"fd0",
		"\\u00e9\\ud83d\\ude00",
		"\\\"\\\\\\n",
	};

	g_string_append_printf(o->text, "\"%s\"", PICK(o, strings));
}

static void put_int(struct out *o)
{
	uint32_t r = fuzz_next(o->s);

	if (r % 4 == 0)
		g_string_append_printf(o->text, "%" PRId64,
				       (int64_t)((uint64_t)fuzz_next(o->s) << 32 | r));
	else if (r % 4 == 1)
		g_string_append_printf(o->text, "%" PRIu64, (uint64_t)1 << (r >> 8 & 63));
	else
		g_string_append_printf(o->text, "%d", (int)(r >> 8 & 0x3ff) - 4);
}

static void put_junk(struct out *o)
{
	static const char *const junk[] = {"null",        "true",   "[]",     "{}",
					   "0.5",         "-1e400", "[[{}]]", "{\"a\":1,\"a\":2}",
					   "\"\\ud800\"", "[1,]",   "nul"};

	g_string_append(o->text, PICK(o, junk));
}

static void put_type(struct out *o, const char *type, int depth);

static void put_object(struct out *o, const char *def, int depth);

static void put_named(struct out *o, const char *def, int depth)
{
	g_auto(GStrv) words = g_strsplit(def + 1, "|", -1);
	const char *word = pick(o, (const char *const *)words, g_strv_length(words));

	if (*def == '=')
		g_string_append_printf(o->text, "\"%s\"", word);
	else
		put_type(o, word, depth);
}

static void put_type(struct out *o, const char *type, int depth)
{
	const struct qmp_type *t = qmp_type_find(type);

	if (next(o, 24) == 0 || depth > DEPTH_MAX) {
		put_junk(o);
	} else if (*type == '[') {
		g_autofree char *element = g_strndup(type + 1, strlen(type) - 2);

		g_string_append_c(o->text, '[');
		put_type(o, element, depth + 1);
		g_string_append_c(o->text, ']');
	} else if (t && (*t->def == '=' || *t->def == '|')) {
		put_named(o, t->def, depth + 1);
	} else if (t) {
		g_string_append_c(o->text, '{');
		put_object(o, t->def, depth + 1);
		g_string_append_c(o->text, '}');
	} else if (!strcmp(type, "str") || (!strcmp(type, "any") && next(o, 2))) {
		put_string(o);
	} else if (!strcmp(type, "bool")) {
		g_string_append(o->text, next(o, 2) ? "true" : "false");
	} else {
		put_int(o);
	}
}

/* --- objects --- */

static void comma(struct out *o)
{
	if (!strchr("{", o->text->str[o->text->len - 1]))
		g_string_append_c(o->text, ',');
}

static void put_member(struct out *o, const char *member, int depth)
{
	const char *colon = strchr(member, ':'), *name = member + (*member == '*');

	if (next(o, *member == '*' ? 3 : 24) == 0)
		return;
	comma(o);
	g_string_append_printf(o->text, "\"%.*s\":", (int)(colon - name), name);
	put_type(o, colon + 1, depth);
}

/* Members, and those of one variant, whose name stands for the tag. */
static void put_object(struct out *o, const char *def, int depth)
{
	g_auto(GStrv) parts = g_strsplit(def, "?", 2);
	g_auto(GStrv) members = g_strsplit(parts[0] ?: "", ",", -1);
	g_auto(GStrv) cases = g_strsplit(parts[0] && parts[1] ? parts[1] : "", "/", -1);
	guint n = g_strv_length(cases);
	const char *chosen = n > 1 ? cases[1 + next(o, n - 1)] : NULL, *colon;

	for (char **m = members; *m && **m; m++) {
		if (chosen && g_str_has_prefix(*m, cases[0]) && (*m)[strlen(cases[0])] == ':')
			continue;
		put_member(o, *m, depth);
	}
	if (!chosen)
		return;
	colon = strchr(chosen, ':');
	comma(o);
	g_string_append_printf(o->text, "\"%s\":\"%.*s\"", cases[0], (int)(colon - chosen), chosen);
	put_object(o, qmp_type_find(colon + 1)->def, depth + 1);
}

/* What QMP_OPEN lets through. */
static void put_open(struct out *o)
{
	static const char *const names[] = {"addr",      "multifunction", "host",   "dma_mask",
					    "x-no-mmap", "hotplug",       "serial", "no-such"};

	comma(o);
	g_string_append_printf(o->text, "\"%s\":", PICK(o, names));
	put_type(o, next(o, 2) ? "str" : "int", 0);
}

/* --- requests --- */

static void request(struct out *o)
{
	const struct qmp_command *c = qmp_commands;
	size_t n = 0;

	while (qmp_commands[n].name)
		n++;
	c += next(o, (uint32_t)n);
	if (!strcmp(c->name, "quit") && next(o, 8))
		return;
	g_string_append_printf(o->text, "{\"%s\":\"%s\"", next(o, 16) ? "execute" : "exec-oob",
			       c->name);
	if (c->args || next(o, 8) == 0) {
		g_string_append(o->text, ",\"arguments\":{");
		put_object(o, c->args ?: "", 0);
		if (c->flags & QMP_OPEN)
			put_open(o);
		g_string_append_c(o->text, '}');
	}
	if (next(o, 4) == 0) {
		g_string_append(o->text, ",\"id\":");
		put_type(o, "any", 0);
	}
	g_string_append(o->text, next(o, 8) ? "}\n" : "}");
}

/* One byte of what is there is another one, or not there. */
static void damage(struct out *o, size_t from)
{
	size_t at;

	if (o->text->len == from)
		return;
	at = from + next(o, (uint32_t)(o->text->len - from));
	if (next(o, 2))
		o->text->str[at] = (char)fuzz_next(o->s);
	else
		g_string_erase(o->text, (gssize)at, 1);
}

size_t fuzz_make(uint64_t *s, uint8_t *in)
{
	struct out o = {s, g_string_new(NULL)};
	unsigned requests = next(&o, 60);
	size_t len;

	in[0] = (uint8_t)fuzz_next(s);
	in[1] = (uint8_t)(next(&o, 4) ? 0 : fuzz_next(s));
	if (next(&o, 8))
		g_string_append(o.text, next(&o, 2) ? "{\"execute\":\"qmp_capabilities\"}"
						    : "{\"execute\":\"qmp_capabilities\","
						      "\"arguments\":{\"enable\":[\"oob\"]}}");
	if (next(&o, 2))
		g_string_append(o.text, "{\"execute\":\"x-exit-preconfig\"}");
	while (requests-- && o.text->len < INPUT_MAX - 1000) {
		size_t from = o.text->len;

		request(&o);
		if (next(&o, 16) == 0)
			damage(&o, from);
	}
	len = MIN(o.text->len, INPUT_MAX - 2);
	memcpy(in + 2, o.text->str, len);
	g_string_free(o.text, TRUE);
	return len + 2;
}
