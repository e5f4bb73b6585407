// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the notation of QMP's types: walks it, checks arguments against it, prints it as
 * introspection.  Called by the dispatcher and by query-qmp-schema; knows no command.
 */
#include "ctl/qmp_schema.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

#define DEPTH 16 /* of types in each other; more is a mistake in the table */

/* The scalar types: what a node must hold, and how QEMU names it. */
static const struct scalar {
	const char *name, *json, *expected;
	gint64 min, max;
} scalars[] = {
	{"str", "string", "string", 0, 0},
	{"bool", "boolean", "boolean", 0, 0},
	{"number", "number", "number", 0, 0},
	{"null", "null", "null", 0, 0},
	{"int", "int", "integer", INT64_MIN, INT64_MAX},
	{"int64", "int", "integer", INT64_MIN, INT64_MAX},
	{"uint8", "int", "uint8_t", 0, UINT8_MAX},
	{"uint16", "int", "uint16_t", 0, UINT16_MAX},
	{"uint32", "int", "uint32_t", 0, UINT32_MAX},
	{"uint64", "int", "integer", INT64_MIN, INT64_MAX},
	{"size", "int", "integer", INT64_MIN, INT64_MAX},
	{"any", "value", "any", 0, 0},
};

static const struct scalar *find_scalar(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(scalars); i++)
		if (!strcmp(scalars[i].name, name))
			return &scalars[i];
	return NULL;
}

const struct qmp_type *qmp_type_find(const char *name)
{
	for (const struct qmp_type *t = qmp_types; t->name; t++)
		if (!strcmp(t->name, name))
			return t;
	return NULL;
}

/* --- the notation --- */

struct member {
	char *name, *type;
	bool optional;
};

static void member_clear(gpointer p)
{
	struct member *m = p;

	g_free(m->name);
	g_free(m->type);
}

/* An object's definition, taken apart. */
struct object {
	GArray *members; /* of struct member */
	char *tag;       /* NULL = no variants */
	GArray *cases;   /* of struct member: the tag's value and the type */
};

static void add_member(GArray *list, const char *text)
{
	const char *colon = strchr(text, ':');
	struct member m = {.optional = *text == '*'};

	text += m.optional;
	m.name = g_strndup(text, (gsize)(colon - text));
	m.type = g_strdup(colon + 1);
	g_array_append_val(list, m);
}

static void object_parse(struct object *o, const char *def)
{
	g_auto(GStrv) parts = g_strsplit(def, "?", 2);
	g_auto(GStrv) members = g_strsplit(parts[0] ?: "", ",", -1);
	g_auto(GStrv) cases = g_strsplit(parts[0] && parts[1] ? parts[1] : "", "/", -1);

	*o = (struct object){g_array_new(FALSE, FALSE, sizeof(struct member)), NULL,
			     g_array_new(FALSE, FALSE, sizeof(struct member))};
	g_array_set_clear_func(o->members, member_clear);
	g_array_set_clear_func(o->cases, member_clear);
	for (char **m = members; *m && **m; m++)
		add_member(o->members, *m);
	o->tag = g_strdup(cases[0]);
	for (char **c = cases[0] ? cases + 1 : cases; *c; c++)
		add_member(o->cases, *c);
}

static void object_clear(struct object *o)
{
	g_array_free(o->members, TRUE);
	g_array_free(o->cases, TRUE);
	g_free(o->tag);
}

static char *element_of(const char *list_type)
{
	return g_strndup(list_type + 1, strlen(list_type) - 2);
}

void qmp_types_of(const char *def, void (*fn)(void *opaque, const char *type), void *opaque)
{
	struct object o;

	if (!def || *def == '=')
		return;
	if (*def == '|') {
		g_auto(GStrv) types = g_strsplit(def + 1, "|", -1);

		for (char **t = types; *t; t++)
			fn(opaque, *t);
		return;
	}
	object_parse(&o, def);
	for (guint i = 0; i < o.members->len; i++)
		fn(opaque, g_array_index(o.members, struct member, i).type);
	for (guint i = 0; i < o.cases->len; i++)
		fn(opaque, g_array_index(o.cases, struct member, i).type);
	object_clear(&o);
}

/* --- checking --- */

static int check_type(const char *type, JsonNode *node, const char *path, int depth,
		      struct err **errp);

static int wrong_type(const char *path, const char *expected, struct err **errp)
{
	return err_set(errp, -EINVAL, "Invalid parameter type for '%s', expected: %s", path,
		       expected);
}

static bool holds(const char *json, JsonNode *node)
{
	GType type = JSON_NODE_HOLDS_VALUE(node) ? json_node_get_value_type(node) : G_TYPE_INVALID;

	if (!strcmp(json, "value"))
		return true;
	if (!strcmp(json, "null"))
		return JSON_NODE_HOLDS_NULL(node);
	if (!strcmp(json, "string"))
		return type == G_TYPE_STRING;
	if (!strcmp(json, "boolean"))
		return type == G_TYPE_BOOLEAN;
	if (!strcmp(json, "number") && type == G_TYPE_DOUBLE)
		return true;
	return type == G_TYPE_INT64;
}

static int check_scalar(const struct scalar *s, JsonNode *node, const char *path, struct err **errp)
{
	gint64 v;

	if (!holds(s->json, node))
		return wrong_type(path, strcmp(s->json, "int") ? s->expected : "integer", errp);
	if (strcmp(s->json, "int"))
		return 0;
	v = json_node_get_int(node);
	if (v < s->min || v > s->max)
		return err_set(errp, -EINVAL, "Parameter '%s' expects %s", path, s->expected);
	return 0;
}

static int check_enum(const char *def, JsonNode *node, const char *path, struct err **errp)
{
	g_auto(GStrv) values = g_strsplit(def + 1, "|", -1);

	if (!holds("string", node))
		return wrong_type(path, "string", errp);
	if (g_strv_contains((const char *const *)values, json_node_get_string(node)))
		return 0;
	return err_set(errp, -EINVAL, "Parameter '%s' does not accept value '%s'", path,
		       json_node_get_string(node));
}

static int check_alternate(const char *def, JsonNode *node, const char *path, int depth,
			   struct err **errp)
{
	g_auto(GStrv) types = g_strsplit(def + 1, "|", -1);

	for (char **t = types; *t; t++)
		if (check_type(*t, node, path, depth, NULL) == 0)
			return 0;
	return wrong_type(path, types[0], errp);
}

static int check_list(const char *type, JsonNode *node, const char *path, int depth,
		      struct err **errp)
{
	g_autofree char *element = element_of(type);
	JsonArray *array;
	int ret = 0;

	if (!JSON_NODE_HOLDS_ARRAY(node))
		return wrong_type(path, "array", errp);
	array = json_node_get_array(node);
	for (guint i = 0; ret == 0 && i < json_array_get_length(array); i++) {
		g_autofree char *at = g_strdup_printf("%s[%u]", path, i);

		ret = check_type(element, json_array_get_element(array, i), at, depth, errp);
	}
	return ret;
}

/* One member; takes its name out of `left`. */
static int check_member(const struct member *m, JsonObject *object, GHashTable *left,
			const char *path, int depth, struct err **errp)
{
	JsonNode *node = object ? json_object_get_member(object, m->name) : NULL;
	g_autofree char *at = path ? g_strdup_printf("%s.%s", path, m->name) : g_strdup(m->name);

	if (!node)
		return m->optional ? 0 : err_set(errp, -EINVAL, "Parameter '%s' is missing", at);
	g_hash_table_remove(left, m->name);
	return check_type(m->type, node, at, depth, errp);
}

static int check_members(const char *def, JsonObject *object, GHashTable *left, const char *path,
			 int depth, struct err **errp)
{
	struct object o;
	const char *value;
	int ret = 0;

	object_parse(&o, def);
	for (guint i = 0; ret == 0 && i < o.members->len; i++)
		ret = check_member(&g_array_index(o.members, struct member, i), object, left, path,
				   depth, errp);
	value = ret == 0 && o.tag && object && json_object_has_member(object, o.tag)
			? json_object_get_string_member(object, o.tag)
			: NULL;
	for (guint i = 0; value && ret == 0 && i < o.cases->len; i++) {
		const struct member *c = &g_array_index(o.cases, struct member, i);

		if (!strcmp(c->name, value))
			ret = check_members(qmp_type_find(c->type)->def, object, left, path, depth,
					    errp);
	}
	object_clear(&o);
	return ret;
}

static int check_object(const char *def, JsonObject *object, bool open, const char *path, int depth,
			struct err **errp)
{
	g_autoptr(GList) names = object ? json_object_get_members(object) : NULL;
	g_autoptr(GHashTable) left = g_hash_table_new(g_str_hash, g_str_equal);
	int ret;

	for (GList *n = names; n; n = n->next)
		g_hash_table_add(left, n->data);
	ret = check_members(def, object, left, path, depth, errp);
	for (GList *n = names; ret == 0 && !open && n; n = n->next)
		if (g_hash_table_contains(left, n->data))
			ret = err_set(errp, -EINVAL, "Parameter '%s%s%s' is unexpected", path ?: "",
				      path ? "." : "", (char *)n->data);
	return ret;
}

static int check_type(const char *type, JsonNode *node, const char *path, int depth,
		      struct err **errp)
{
	const struct scalar *s = find_scalar(type);
	const struct qmp_type *t;

	if (depth > DEPTH)
		return err_set(errp, -EINVAL, "'%s' is too deep", path);
	if (s)
		return check_scalar(s, node, path, errp);
	if (*type == '[')
		return check_list(type, node, path, depth + 1, errp);
	t = qmp_type_find(type);
	if (*t->def == '=')
		return check_enum(t->def, node, path, errp);
	if (*t->def == '|')
		return check_alternate(t->def, node, path, depth + 1, errp);
	if (!JSON_NODE_HOLDS_OBJECT(node))
		return wrong_type(path, "object", errp);
	return check_object(t->def, json_node_get_object(node), false, path, depth + 1, errp);
}

int qmp_check_args(const char *def, JsonObject *args, bool open, struct err **errp)
{
	return check_object(def ?: "", args, open, NULL, 0, errp);
}

/* --- introspection --- */

struct qmp_schema {
	JsonArray *out;
	GHashTable *seen; /* types that are in out or in todo */
	GQueue todo;
};

struct qmp_schema *qmp_schema_new(void)
{
	struct qmp_schema *s = g_new0(struct qmp_schema, 1);

	s->out = json_array_new();
	s->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_queue_init(&s->todo);
	return s;
}

/* Ranges are one type to clients. */
static const char *schema_name(const char *type)
{
	const struct scalar *s = find_scalar(type);

	if (s && !strcmp(s->json, "int"))
		return "int";
	return type;
}

static void want(void *opaque, const char *type)
{
	struct qmp_schema *s = opaque;

	type = schema_name(type);
	if (g_hash_table_add(s->seen, g_strdup(type)))
		g_queue_push_tail(&s->todo, g_strdup(type));
}

static JsonObject *add_info(struct qmp_schema *s, const char *name, const char *meta)
{
	JsonObject *o = json_object_new();

	json_object_set_string_member(o, "name", name);
	json_object_set_string_member(o, "meta-type", meta);
	json_array_add_object_element(s->out, o);
	return o;
}

static JsonArray *members_of(const struct object *o)
{
	JsonArray *list = json_array_new();

	for (guint i = 0; i < o->members->len; i++) {
		const struct member *m = &g_array_index(o->members, struct member, i);
		JsonObject *info = json_object_new();

		json_object_set_string_member(info, "name", m->name);
		if (m->optional)
			json_object_set_null_member(info, "default");
		json_object_set_string_member(info, "type", schema_name(m->type));
		json_array_add_object_element(list, info);
	}
	return list;
}

static JsonArray *variants_of(const struct object *o)
{
	JsonArray *list = json_array_new();

	for (guint i = 0; i < o->cases->len; i++) {
		const struct member *c = &g_array_index(o->cases, struct member, i);
		JsonObject *info = json_object_new();

		json_object_set_string_member(info, "case", c->name);
		json_object_set_string_member(info, "type", c->type);
		json_array_add_object_element(list, info);
	}
	return list;
}

static void add_object(struct qmp_schema *s, const char *name, const char *def)
{
	JsonObject *info = add_info(s, name, "object");
	struct object o;

	object_parse(&o, def);
	json_object_set_array_member(info, "members", members_of(&o));
	if (o.tag) {
		json_object_set_string_member(info, "tag", o.tag);
		json_object_set_array_member(info, "variants", variants_of(&o));
	}
	object_clear(&o);
	qmp_types_of(def, want, s);
}

static void add_enum(struct qmp_schema *s, const char *name, const char *def)
{
	g_auto(GStrv) values = g_strsplit(def + 1, "|", -1);
	JsonObject *info = add_info(s, name, "enum");
	JsonArray *members = json_array_new(), *plain = json_array_new();

	for (char **v = values; *v; v++) {
		JsonObject *m = json_object_new();

		json_object_set_string_member(m, "name", *v);
		json_array_add_object_element(members, m);
		json_array_add_string_element(plain, *v);
	}
	json_object_set_array_member(info, "members", members);
	json_object_set_array_member(info, "values", plain);
}

static void add_alternate(struct qmp_schema *s, const char *name, const char *def)
{
	g_auto(GStrv) types = g_strsplit(def + 1, "|", -1);
	JsonObject *info = add_info(s, name, "alternate");
	JsonArray *members = json_array_new();

	for (char **t = types; *t; t++) {
		JsonObject *m = json_object_new();

		json_object_set_string_member(m, "type", schema_name(*t));
		json_array_add_object_element(members, m);
	}
	json_object_set_array_member(info, "members", members);
	qmp_types_of(def, want, s);
}

static void add_type(struct qmp_schema *s, const char *name)
{
	const struct scalar *sc = find_scalar(name);
	const struct qmp_type *t = sc || *name == '[' ? NULL : qmp_type_find(name);

	if (sc) {
		json_object_set_string_member(add_info(s, name, "builtin"), "json-type", sc->json);
	} else if (*name == '[') {
		g_autofree char *element = element_of(name);

		json_object_set_string_member(add_info(s, name, "array"), "element-type",
					      schema_name(element));
		want(s, element);
	} else if (*t->def == '=') {
		add_enum(s, name, t->def);
	} else if (*t->def == '|') {
		add_alternate(s, name, t->def);
	} else {
		add_object(s, name, t->def);
	}
}

/* The object of arguments or of an event's data: it has no name but that of its owner. */
static char *add_unnamed(struct qmp_schema *s, const char *owner, const char *def)
{
	char *name = g_strdup(def && *def ? owner : "q_empty");

	if (g_hash_table_add(s->seen, g_strdup(name)))
		add_object(s, name, def ?: "");
	return name;
}

void qmp_schema_command(struct qmp_schema *s, const char *name, const char *args, const char *ret,
			bool oob)
{
	JsonObject *info = add_info(s, name, "command");
	g_autofree char *owner = g_strdup_printf("q_obj_%s-arg", name);
	g_autofree char *type = add_unnamed(s, owner, args);
	g_autofree char *none = ret ? NULL : add_unnamed(s, "q_empty", NULL);

	json_object_set_string_member(info, "arg-type", type);
	json_object_set_string_member(info, "ret-type", ret ? schema_name(ret) : none);
	if (oob)
		json_object_set_boolean_member(info, "allow-oob", TRUE);
	if (ret)
		want(s, ret);
}

void qmp_schema_event(struct qmp_schema *s, const char *name, const char *data)
{
	JsonObject *info = add_info(s, name, "event");
	g_autofree char *owner = g_strdup_printf("q_obj_%s-arg", name);
	g_autofree char *type = add_unnamed(s, owner, data);

	json_object_set_string_member(info, "arg-type", type);
}

JsonNode *qmp_schema_end(struct qmp_schema *s)
{
	JsonNode *node = json_node_new(JSON_NODE_ARRAY);
	char *type;

	while ((type = g_queue_pop_head(&s->todo))) {
		add_type(s, type);
		g_free(type);
	}
	json_node_take_array(node, s->out);
	g_hash_table_destroy(s->seen);
	g_free(s);
	return node;
}
