// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the syntax below an option: key=value lists, tables of properties, numbers, sizes, choices.
 * Called by the option handlers in cli_*.c; never knows what a property means.
 */
#include "ctl/cli_int.h"

#include <errno.h>
#include <string.h>

#include "base/names.h"

const struct choice choices_on_off[] = {{"on", ON},  {"off", OFF}, {"yes", ON},
					{"no", OFF}, {"true", ON}, {"false", OFF},
					{"y", ON},   {"n", OFF},   {NULL, 0}};
const struct choice choices_on_off_auto[] = {{"auto", AUTO}, {"on", ON}, {"off", OFF}, {NULL, 0}};
const struct choice choices_off[] = {{"off", OFF}, {NULL, 0}};
const struct choice choices_on[] = {{"on", ON}, {NULL, 0}};

void replace(char **where, const char *value)
{
	g_free(*where);
	*where = g_strdup(value);
}

static void kv_clear(gpointer p)
{
	struct kv *kv = p;

	g_free(kv->key);
	g_free(kv->value);
}

/* Up to a single comma, doubled ones folded; *p stands on that comma or the end. */
static char *take_value(const char **p)
{
	GString *value = g_string_new(NULL);

	for (; **p; (*p)++) {
		if (**p == ',' && *++*p != ',') {
			--*p;
			break;
		}
		g_string_append_c(value, **p);
	}
	return g_string_free(value, FALSE);
}

GArray *kv_parse(const char *text, const char *first)
{
	GArray *list = g_array_new(FALSE, FALSE, sizeof(struct kv));
	const char *p = text;

	g_array_set_clear_func(list, kv_clear);
	while (*p) {
		size_t len = strcspn(p, "=,");
		struct kv kv = {};

		if (p[len] != '=' && p == text && first) {
			kv.key = g_strdup(first);
			kv.value = take_value(&p);
		} else {
			kv.key = g_strndup(p, len);
			p += len;
			if (*p == '=') {
				p++;
				kv.value = take_value(&p);
			}
		}
		g_array_append_val(list, kv);
		if (*p == ',')
			p++;
	}
	return list;
}

const char *kv_get(const GArray *list, const char *key)
{
	for (guint i = list->len; i-- > 0;) {
		const struct kv *kv = &g_array_index(list, struct kv, i);

		if (!strcmp(kv->key, key))
			return kv->value ?: "on";
	}
	return NULL;
}

bool cli_is_help(const char *word)
{
	return !strcmp(word, "help") || !strcmp(word, "?");
}

bool kv_has_help(const GArray *list)
{
	for (guint i = 0; i < list->len; i++) {
		const struct kv *kv = &g_array_index(list, struct kv, i);

		if (!kv->value && cli_is_help(kv->key))
			return true;
	}
	return false;
}

int check_id(const char *id, struct err **errp)
{
	size_t len = strspn(id, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "-._");

	if (!g_ascii_isalpha(*id) || id[len])
		return err_set(errp, -EINVAL,
			       "id '%s': must be a letter, then letters, digits, '-', '.', '_'",
			       id);
	return 0;
}

int parse_choice(const struct choice *choices, const char *value, int *out, struct err **errp)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autofree char *all = NULL;

	for (; choices->name; choices++) {
		g_ptr_array_add(names, (gpointer)choices->name);
		if (!strcmp(value, choices->name)) {
			*out = choices->value;
			return 0;
		}
	}
	g_ptr_array_add(names, NULL);
	all = g_strjoinv(", ", (char **)names->pdata);
	err_set(errp, -EINVAL, "unknown value '%s' (known: %s)", value, all);
	err_hint_nearest(errp, value, (const char *const *)names->pdata);
	return -EINVAL;
}

static int parse_uint(const char *value, unsigned min, unsigned max, unsigned *out,
		      struct err **errp)
{
	char *end;
	guint64 n;

	errno = 0;
	n = g_ascii_strtoull(value, &end, 0);
	if (!g_ascii_isdigit(*value) || *end || errno || n < min || n > max)
		return err_set(errp, -EINVAL, "'%s' is not a number from %u to %u", value, min,
			       max);
	*out = n;
	return 0;
}

/* 1 << shift of the letter; -1 for no such letter. */
static int unit_shift(char letter)
{
	static const char letters[] = "BKMGTPE";
	const char *at = strchr(letters, g_ascii_toupper(letter));

	return letter && at ? (at - letters) * 10 : -1;
}

int parse_bytes(const char *value, uint64_t unit, uint64_t *out, struct err **errp)
{
	char *end;
	double fraction = 0;
	uint64_t whole, size;

	errno = 0;
	whole = g_ascii_strtoull(value, &end, strncmp(value, "0x", 2) ? 10 : 16);
	if (*end == '.')
		for (double scale = 0.1; g_ascii_isdigit(*++end); scale /= 10)
			fraction += scale * (*end - '0');
	if (*end && !end[1] && unit_shift(*end) >= 0)
		unit = 1ull << unit_shift(*end++);
	if (!g_ascii_isdigit(*value) || *end || errno)
		return err_set(errp, -EINVAL,
			       "'%s' is not a size: digits, then B, K, M, G, T, P or E", value);
	if (__builtin_mul_overflow(whole, unit, &size) ||
	    __builtin_add_overflow(size, (uint64_t)(fraction * (double)unit), &size))
		return err_set(errp, -ERANGE, "size '%s' is beyond 64 bits", value);
	*out = size;
	return 0;
}

static int set_choice(const struct prop *p, void *at, const char *value, struct err **errp)
{
	int n = 0, ret = parse_choice(p->choices, value, &n, errp);

	if (ret == 0 && at)
		*(int *)at = n;
	return ret;
}

static int set_bool(void *at, const char *value, struct err **errp)
{
	int n = 0, ret = parse_choice(choices_on_off, value, &n, errp);

	if (ret == 0 && at)
		*(bool *)at = n == ON;
	return ret;
}

static int set_bytes(void *at, const char *value, uint64_t unit, struct err **errp)
{
	uint64_t n = 0;
	int ret = parse_bytes(value, unit, &n, errp);

	if (ret == 0 && at)
		*(uint64_t *)at = n;
	return ret;
}

static int set_uint(void *at, const char *value, unsigned min, unsigned max, struct err **errp)
{
	unsigned n = 0;
	int ret = parse_uint(value, min, max, &n, errp);

	if (ret == 0 && at)
		*(unsigned *)at = n;
	return ret;
}

static int set_prop(const struct prop *p, void *target, const char *value, struct err **errp)
{
	void *at = p->offset == PROP_NOWHERE ? NULL : (char *)target + p->offset;

	switch (p->type) {
	case PROP_STR:
		replace(at, value);
		return 0;
	case PROP_BOOL:
		return set_bool(at, value, errp);
	case PROP_UINT:
		return set_uint(at, value, 0, INT_MAX, errp);
	case PROP_COUNT:
		return set_uint(at, value, 1, 65535, errp);
	case PROP_BYTES:
		return set_bytes(at, value, 1, errp);
	case PROP_MIB:
		return set_bytes(at, value, 1 << 20, errp);
	case PROP_CHOICE:
		return set_choice(p, at, value, errp);
	case PROP_CALL:
		return p->set(target, value, errp);
	case PROP_ACCEPT:
		return 0;
	}
	return -EINVAL;
}

static int no_such_prop(const struct prop *table, unsigned kind, const char *key, struct err **errp)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	bool elsewhere = false;

	for (; table->name; table++) {
		if (!table->kinds || (table->kinds & kind))
			g_ptr_array_add(names, (gpointer)table->name);
		else if (!strcmp(key, table->name))
			elsewhere = true;
	}
	g_ptr_array_add(names, NULL);
	err_set(errp, -EINVAL,
		elsewhere ? "property '%s' does not belong here" : "unknown property '%s'", key);
	err_hint_nearest(errp, key, (const char *const *)names->pdata);
	return -EINVAL;
}

static const struct prop *find_prop(const struct prop *table, unsigned kind, const char *key)
{
	for (; table->name; table++)
		if (!strcmp(table->name, key) && (!table->kinds || (table->kinds & kind)))
			return table;
	return NULL;
}

static int apply_one(const struct prop *table, void *target, unsigned kind, const struct kv *kv,
		     struct err **errp)
{
	const struct prop *p = find_prop(table, kind, kv->key);
	const char *value = kv->value ?: "on";
	int ret;

	if (!p && !kv->value && g_str_has_prefix(kv->key, "no")) {
		p = find_prop(table, kind, kv->key + 2);
		if (p && p->type != PROP_BOOL)
			p = NULL;
		value = "off";
	}
	if (!p)
		return no_such_prop(table, kind, kv->key, errp);
	if (!kv->value && p->type != PROP_BOOL && p->type != PROP_CHOICE && p->type != PROP_ACCEPT)
		return err_set(errp, -EINVAL, "property '%s' needs a value", p->name);
	ret = set_prop(p, target, value, errp);
	if (ret < 0)
		err_prefix(errp, "%s", p->name);
	return ret;
}

int props_apply(const struct prop *table, void *target, unsigned kind, const GArray *list,
		struct err **errp)
{
	int ret = 0;

	for (guint i = 0; ret == 0 && i < list->len; i++)
		ret = apply_one(table, target, kind, &g_array_index(list, struct kv, i), errp);
	return ret;
}
