// SPDX-License-Identifier: GPL-2.0-or-later
/* QMP's types: every name in the tables exists, arguments are checked in QEMU's words, and the
 * introspection is closed: what it mentions it describes. */
#include "ctl/qmp_schema.h"

#include <glib.h>
#include <string.h>

#include "base/err.h"
#include "ctl/qmp.h"

static void type_is_there(void *opaque, const char *type)
{
	static const char *const scalars[] = {"str",    "int",    "int64", "uint8",  "uint16",
					      "uint32", "uint64", "size",  "number", "bool",
					      "null",   "any",    NULL};
	g_autofree char *element = NULL;

	if (*type == '[') {
		element = g_strndup(type + 1, strlen(type) - 2);
		type_is_there(opaque, element);
	} else if (!g_strv_contains(scalars, type) && !qmp_type_find(type)) {
		g_error("%s: there is no type '%s'", (const char *)opaque, type);
	}
}

static void tables(void)
{
	for (const struct qmp_type *t = qmp_types; t->name; t++) {
		g_assert_true(qmp_type_find(t->name) == t); /* twice is a mistake */
		qmp_types_of(t->def, type_is_there, (void *)t->name);
	}
	for (const struct qmp_command *c = qmp_commands; c->name; c++) {
		g_assert_nonnull(c->run);
		qmp_types_of(c->args, type_is_there, (void *)c->name);
		if (c->ret)
			type_is_there((void *)c->name, c->ret);
		for (const struct qmp_command *o = c + 1; o->name; o++)
			g_assert_cmpstr(c->name, !=, o->name);
	}
	for (const struct qmp_event_type *e = qmp_events; e->name; e++)
		qmp_types_of(e->data, type_is_there, (void *)e->name);
}

static void check(const char *def, const char *args, const char *error)
{
	g_autoptr(JsonNode) node = json_from_string(args, NULL);
	struct err *e = NULL;

	qmp_check_args(def, json_node_get_object(node), false, &e);
	g_assert_cmpstr(err_text(e), ==, error);
	err_free(e);
}

static void arguments(void)
{
	static const char two[] = "a:str,*b:int";
	static const char socket[] = "id:str,backend:ChardevBackend";

	check("", "{}", "");
	check("", "{\"a\":1}", "Parameter 'a' is unexpected");
	check(two, "{}", "Parameter 'a' is missing");
	check(two, "{\"a\":1}", "Invalid parameter type for 'a', expected: string");
	check(two, "{\"a\":\"x\",\"b\":\"y\"}",
	      "Invalid parameter type for 'b', expected: integer");
	check(two, "{\"a\":\"x\",\"b\":1.5}", "Invalid parameter type for 'b', expected: integer");
	check(two, "{\"a\":\"x\",\"b\":-3}", "");
	check("a:uint8", "{\"a\":256}", "Parameter 'a' expects uint8_t");
	check("a:bool", "{\"a\":null}", "Invalid parameter type for 'a', expected: boolean");
	check("a:number", "{\"a\":1}", "");
	check("a:any", "{\"a\":[{}]}", "");
	check("a:[str]", "{\"a\":{}}", "Invalid parameter type for 'a', expected: array");
	check("a:[str]", "{\"a\":[\"x\",1]}",
	      "Invalid parameter type for 'a[1]', expected: string");
	check("a:RunState", "{\"a\":\"running\"}", "");
	check("a:RunState", "{\"a\":\"runing\"}", "Parameter 'a' does not accept value 'runing'");
	check("a:BlockdevRef", "{\"a\":\"node\"}", "");
	check("a:BlockdevRef", "{\"a\":{\"driver\":\"null-co\"}}", "");
	check("a:BlockdevRef", "{\"a\":7}", "Invalid parameter type for 'a', expected: str");
	check(socket, "{\"id\":\"c\",\"backend\":{\"type\":\"null\",\"data\":{}}}", "");
	check(socket, "{\"id\":\"c\",\"backend\":{\"type\":\"file\",\"data\":{}}}",
	      "Parameter 'backend.data.out' is missing");
	check(socket, "{\"id\":\"c\",\"backend\":{\"type\":\"nul\",\"data\":{}}}",
	      "Parameter 'backend.type' does not accept value 'nul'");
	check(socket, "{\"id\":\"c\",\"backend\":[]}",
	      "Invalid parameter type for 'backend', expected: object");
	g_assert_cmpint(qmp_check_args("a:str", NULL, false, NULL), <, 0);
	g_assert_cmpint(qmp_check_args(NULL, NULL, false, NULL), ==, 0);
}

static JsonNode *schema(void)
{
	struct qmp_schema *s = qmp_schema_new();

	for (const struct qmp_command *c = qmp_commands; c->name; c++)
		qmp_schema_command(s, c->name, c->args, c->ret, c->flags & QMP_OOB);
	for (const struct qmp_event_type *e = qmp_events; e->name; e++)
		qmp_schema_event(s, e->name, e->data);
	return qmp_schema_end(s);
}

static const char *const references[] = {"arg-type", "ret-type", "element-type"};

static void mentions(GHashTable *names, JsonObject *o)
{
	for (size_t i = 0; i < G_N_ELEMENTS(references); i++)
		if (json_object_has_member(o, references[i]))
			g_assert_true(g_hash_table_contains(
				names, json_object_get_string_member(o, references[i])));
}

static void members(GHashTable *names, JsonObject *o, const char *list)
{
	JsonArray *a =
		json_object_has_member(o, list) ? json_object_get_array_member(o, list) : NULL;

	for (guint i = 0; a && i < json_array_get_length(a); i++) {
		JsonObject *m = json_array_get_object_element(a, i);

		if (json_object_has_member(m, "type"))
			g_assert_true(g_hash_table_contains(
				names, json_object_get_string_member(m, "type")));
	}
}

static void introspection(void)
{
	g_autoptr(JsonNode) node = schema();
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
	JsonArray *a = json_node_get_array(node);

	for (guint i = 0; i < json_array_get_length(a); i++) {
		JsonObject *o = json_array_get_object_element(a, i);

		g_assert_true(
			g_hash_table_add(names, (char *)json_object_get_string_member(o, "name")));
	}
	for (guint i = 0; i < json_array_get_length(a); i++) {
		JsonObject *o = json_array_get_object_element(a, i);

		mentions(names, o);
		members(names, o, "members");
		members(names, o, "variants");
	}
	g_assert_true(g_hash_table_contains(names, "q_empty"));
	g_assert_true(g_hash_table_contains(names, "device_add"));
	g_assert_true(g_hash_table_contains(names, "[str]"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/qmp-schema/tables", tables);
	g_test_add_func("/qmp-schema/arguments", arguments);
	g_test_add_func("/qmp-schema/introspection", introspection);
	return g_test_run();
}
