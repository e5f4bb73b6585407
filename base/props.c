// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the filling of config structs by tables; called by vm/devs.c; knows no device. */
#include "base/props.h"

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/names.h"

static const char *const wanted[] = {
	[PROP_STR] = "a text",
	[PROP_BOOL] = "on or off",
	[PROP_U32] = "a number up to 4294967295",
	[PROP_U64] = "a number such as 4096, 0x1000, 64M or 1G",
};
static const char *const type_names[] = {"str", "bool", "uint32", "uint64"};

static int set_bool(bool *field, const char *value)
{
	static const char *const on[] = {"on", "yes", "true", "y", NULL};
	static const char *const off[] = {"off", "no", "false", "n", NULL};

	if (!g_strv_contains(on, value) && !g_strv_contains(off, value))
		return -EINVAL;
	*field = g_strv_contains(on, value);
	return 0;
}

static int set_u32(uint32_t *field, const char *value)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(value, &end, 0);
	if (!g_ascii_isdigit(value[0]) || *end || errno || v > UINT32_MAX)
		return -EINVAL;
	*field = (uint32_t)v;
	return 0;
}

static int set_u64(uint64_t *field, const char *value)
{
	static const char units[] = "KMGT";
	unsigned long long v;
	const char *unit;
	char *end;

	errno = 0;
	v = strtoull(value, &end, 0);
	if (!g_ascii_isdigit(value[0]) || errno)
		return -EINVAL;
	unit = *end ? strchr(units, g_ascii_toupper(*end)) : NULL;
	for (const char *u = units; unit && u <= unit; u++)
		if (__builtin_mul_overflow(v, 1024ull, &v))
			return -EINVAL;
	if (unit ? end[1] : *end)
		return -EINVAL;
	*field = v;
	return 0;
}

static int set(void *conf, const struct prop *p, const char *value)
{
	void *field = (char *)conf + p->off;

	switch (p->type) {
	case PROP_BOOL:
		return set_bool(field, value);
	case PROP_U32:
		return set_u32(field, value);
	case PROP_U64:
		return set_u64(field, value);
	case PROP_STR:
		g_free(*(char **)field);
		*(char **)field = g_strdup(value);
		return 0;
	}
	return -EINVAL;
}

void props_defaults(void *conf, const struct prop *table)
{
	for (; table->name; table++)
		if (table->def)
			set(conf, table, table->def);
}

static int unknown(const struct prop *table, const char *key, struct err **errp)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	for (; table->name; table++)
		g_ptr_array_add(names, (char *)table->name);
	g_ptr_array_add(names, NULL);
	err_set(errp, -EINVAL, "there is no property '%s'", key);
	err_hint_nearest(errp, key, (const char *const *)names->pdata);
	return -EINVAL;
}

int props_set(void *conf, const struct prop *table, const char *key, const char *value,
	      struct err **errp)
{
	const struct prop *p = table;

	while (p->name && strcmp(p->name, key))
		p++;
	if (!p->name)
		return unknown(table, key, errp);
	if (set(conf, p, value) < 0)
		return err_set(errp, -EINVAL, "property '%s' takes %s, not '%s'", key,
			       wanted[p->type], value);
	return 0;
}

void props_clear(void *conf, const struct prop *table)
{
	for (; table->name; table++)
		if (table->type == PROP_STR)
			g_clear_pointer((char **)((char *)conf + table->off), g_free);
}

void props_help(FILE *f, const struct prop *table)
{
	for (; table->name; table++) {
		g_autofree char *head =
			g_strdup_printf("%s=<%s>", table->name, type_names[table->type]);

		fprintf(f, "  %-34s - %s", head, table->help);
		if (table->def)
			fprintf(f, " (default: %s)", table->def);
		fprintf(f, "\n");
	}
}
