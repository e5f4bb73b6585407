// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the qom commands, and objects that come and go.  Called through the table. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/props.h"
#include "ctl/qmp_cmds.h"
#include "ctl/qom.h"
#include "vm/board.h"
#include "vm/devs.h"
#include "vm/vm.h"

struct type_query {
	JsonArray *out;
	const char *implements;
	bool abstract;
};

static bool implements(const struct qom_type *t, const char *what)
{
	const struct qom_type *parent = t->parent ? qom_type_find(t->parent) : NULL;

	return !strcmp(t->name, what) || (parent && qom_is_a(parent, what));
}

static void add_type(void *opaque, const struct qom_type *t)
{
	struct type_query *q = opaque;
	JsonObject *o;

	if ((t->abstract && !q->abstract) || (q->implements && !implements(t, q->implements)))
		return;
	o = json_object_new();
	json_object_set_string_member(o, "name", t->name);
	if (t->abstract)
		json_object_set_boolean_member(o, "abstract", TRUE);
	if (t->parent)
		json_object_set_string_member(o, "parent", t->parent);
	json_array_add_object_element(q->out, o);
}

JsonNode *qmp_qom_list_types(struct qmp_call *c, struct err **errp)
{
	struct type_query q = {json_array_new(), qmp_str(c, "implements"),
			       qmp_bool(c, "abstract", false)};

	qom_types(add_type, &q);
	return qmp_array(q.out);
}

/* --- the tree --- */

static struct qom_object *find(struct qmp_call *c, GPtrArray *tree, struct err **errp)
{
	struct qom_object *o = qom_find(tree, qmp_str(c, "path"), errp);

	if (!o)
		c->error_class = "DeviceNotFound";
	return o;
}

static void add_property(JsonArray *a, const char *name, const char *type)
{
	JsonObject *o = json_object_new();

	json_object_set_string_member(o, "name", name);
	json_object_set_string_member(o, "type", type);
	json_array_add_object_element(a, o);
}

/* The name of a child of path; NULL where it is none, or not a direct one. */
static const char *child_name(const char *path, const char *of)
{
	size_t n = strcmp(path, "/") ? strlen(path) : 0;

	if (strncmp(of, path, n) || of[n] != '/' || !of[n + 1] || strchr(of + n + 1, '/'))
		return NULL;
	return of + n + 1;
}

/* What type a property of a device's table has; else text. */
static enum prop_type type_of(const char *driver, const char *name)
{
	struct devs_model m;

	for (size_t i = 0; devs_model(i, &m); i++)
		for (const struct prop *p = strcmp(m.name, driver) ? NULL : m.props; p && p->name;
		     p++)
			if (!strcmp(p->name, name))
				return p->type;
	return PROP_STR;
}

JsonNode *qmp_qom_list(struct qmp_call *c, struct err **errp)
{
	static const char *const names[] = {[PROP_STR] = "string",
					    [PROP_BOOL] = "bool",
					    [PROP_U32] = "uint32",
					    [PROP_U64] = "uint64"};
	g_autoptr(GPtrArray) tree = qom_tree(c->vm);
	struct qom_object *o = find(c, tree, errp);
	JsonArray *a;

	if (!o)
		return NULL;
	a = json_array_new();
	add_property(a, "type", "string");
	for (guint i = 0; i < o->names->len; i++)
		add_property(a, o->names->pdata[i], names[type_of(o->type, o->names->pdata[i])]);
	for (guint i = 0; i < tree->len; i++) {
		const struct qom_object *k = tree->pdata[i];
		const char *name = child_name(o->path, k->path);
		g_autofree char *type = g_strdup_printf("child<%s>", k->type);

		if (name)
			add_property(a, name, type);
	}
	return qmp_array(a);
}

static JsonNode *value_of(const struct qom_object *o, const char *name, const char *text)
{
	JsonNode *n = json_node_new(JSON_NODE_VALUE);

	switch (type_of(o->type, name)) {
	case PROP_BOOL:
		json_node_set_boolean(n, !strcmp(text, "on") || !strcmp(text, "true") ||
						 !strcmp(text, "yes"));
		break;
	case PROP_U32:
	case PROP_U64:
		json_node_set_int(n, (gint64)g_ascii_strtoull(text, NULL, 0));
		break;
	case PROP_STR:
		json_node_set_string(n, text);
		break;
	}
	return n;
}

JsonNode *qmp_qom_get(struct qmp_call *c, struct err **errp)
{
	const char *name = qmp_str(c, "property");
	g_autoptr(GPtrArray) tree = qom_tree(c->vm);
	struct qom_object *o = find(c, tree, errp);

	if (!o)
		return NULL;
	if (!strcmp(name, "type"))
		return qmp_string(o->type);
	for (guint i = 0; i < o->names->len; i++)
		if (!strcmp(o->names->pdata[i], name))
			return value_of(o, name, o->values->pdata[i]);
	for (guint i = 0; i < tree->len; i++) {
		const struct qom_object *k = tree->pdata[i];

		if (!g_strcmp0(child_name(o->path, k->path), name))
			return qmp_string(k->path);
	}
	err_set(errp, -ENOENT, "Property '%s.%s' not found", o->type, name);
	return NULL;
}

JsonNode *qmp_qom_set(struct qmp_call *c, struct err **errp)
{
	const char *name = qmp_str(c, "property");
	g_autoptr(GPtrArray) tree = qom_tree(c->vm);
	struct qom_object *o = find(c, tree, errp);

	if (!o)
		return NULL;
	for (guint i = 0; i < o->names->len; i++)
		if (!strcmp(o->names->pdata[i], name)) {
			err_set(errp, -EPERM, "Property '%s.%s' cannot be set after the start",
				o->type, name);
			return NULL;
		}
	err_set(errp, -ENOENT, "Property '%s.%s' not found", o->type, name);
	return NULL;
}
