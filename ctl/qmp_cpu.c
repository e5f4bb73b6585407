// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the commands about boards and CPUs that there are or could be.  Called by the table. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "accel/vcpu.h"
#include "base/err.h"
#include "cpu/cpu.h"
#include "ctl/qmp_cmds.h"
#include "vm/board.h"
#include "vm/vm.h"

/* --- machines --- */

static void add_machine(JsonArray *a, const char *name, const char *alias, bool is_default)
{
	bool none = !strcmp(name, "none");
	JsonObject *o = json_object_new();

	json_object_set_string_member(o, "name", name);
	if (alias)
		json_object_set_string_member(o, "alias", alias);
	if (is_default)
		json_object_set_boolean_member(o, "is-default", TRUE);
	json_object_set_int_member(o, "cpu-max", none ? 1 : VM_MAX_CPUS);
	json_object_set_boolean_member(o, "hotpluggable-cpus", FALSE);
	json_object_set_boolean_member(o, "numa-mem-supported", FALSE);
	json_object_set_boolean_member(o, "deprecated", FALSE);
	if (!none) {
		json_object_set_string_member(o, "default-cpu-type", "qemu64-x86_64-cpu");
		json_object_set_string_member(o, "default-ram-id", "pc.ram");
	}
	json_array_add_object_element(a, o);
}

JsonNode *qmp_query_machines(struct qmp_call *c, struct err **errp)
{
	JsonArray *a = json_array_new();

	add_machine(a, "pc-q35-7.2", "q35", true);
	add_machine(a, "pc", NULL, false);
	add_machine(a, "none", NULL, false);
	return qmp_array(a);
}

/* --- CPUs that there are --- */

/* Numbers as QEMU derives them from the index: threads first, then cores, dies, sockets. */
static JsonObject *place_of(const struct vm_config *config, unsigned i)
{
	JsonObject *o = json_object_new();
	unsigned core = i / config->threads, die = core / config->cores;

	json_object_set_int_member(o, "socket-id", die / config->dies);
	if (config->dies > 1)
		json_object_set_int_member(o, "die-id", die % config->dies);
	json_object_set_int_member(o, "core-id", core % config->cores);
	json_object_set_int_member(o, "thread-id", i % config->threads);
	return o;
}

static char *cpu_path(unsigned i)
{
	return g_strdup_printf("/machine/unattached/device[%u]", i);
}

JsonNode *qmp_query_cpus_fast(struct qmp_call *c, struct err **errp)
{
	JsonArray *a = json_array_new();

	for (unsigned i = 0; vm_vcpus(c->vm) && vcpus_get(vm_vcpus(c->vm), i); i++) {
		JsonObject *o = json_object_new();
		g_autofree char *path = cpu_path(i);

		json_object_set_int_member(o, "cpu-index", i);
		json_object_set_string_member(o, "qom-path", path);
		json_object_set_int_member(o, "thread-id", vcpus_tid(vm_vcpus(c->vm), i));
		json_object_set_object_member(o, "props", place_of(vm_config(c->vm), i));
		json_object_set_string_member(o, "target", "x86_64");
		json_array_add_object_element(a, o);
	}
	return qmp_array(a);
}

static char *cpu_type(const struct vm_config *config)
{
	struct cpu_spec spec;

	if (cpu_spec_parse(&spec, config->cpu, NULL) < 0)
		return g_strdup("qemu64-x86_64-cpu");
	return g_strdup_printf("%s-x86_64-cpu", cpu_spec_model(&spec));
}

JsonNode *qmp_query_hotpluggable_cpus(struct qmp_call *c, struct err **errp)
{
	const struct vm_config *config = vm_config(c->vm);
	g_autofree char *type = cpu_type(config);
	JsonArray *a;

	if (board_is_none(vm_board(c->vm))) {
		err_set(errp, -ENOTSUP, "this feature or command is not currently supported");
		return NULL;
	}
	a = json_array_new();
	for (unsigned i = config->maxcpus; i-- > 0;) {
		JsonObject *o = json_object_new();
		g_autofree char *path = cpu_path(i);

		json_object_set_object_member(o, "props", place_of(config, i));
		json_object_set_int_member(o, "vcpus-count", 1);
		if (i < config->cpus)
			json_object_set_string_member(o, "qom-path", path);
		json_object_set_string_member(o, "type", type);
		json_array_add_object_element(a, o);
	}
	return qmp_array(a);
}

/* --- CPUs that could be --- */

JsonNode *qmp_query_cpu_definitions(struct qmp_call *c, struct err **errp)
{
	JsonArray *a = json_array_new();

	for (size_t i = 0; cpu_model_name(i); i++) {
		const char *name = cpu_model_name(i);
		g_autofree char *type = g_strdup_printf("%s-x86_64-cpu", name);
		JsonObject *o = json_object_new();

		json_object_set_string_member(o, "name", name);
		json_object_set_string_member(o, "typename", type);
		json_object_set_array_member(o, "unavailable-features", json_array_new());
		json_object_set_boolean_member(o, "static", FALSE);
		json_object_set_boolean_member(o, "migration-safe", *cpu_model_features(i) != 0);
		json_object_set_boolean_member(o, "deprecated", FALSE);
		json_array_add_object_element(a, o);
	}
	return qmp_array(a);
}

static bool has_word(char *const *words, const char *word)
{
	return g_strv_contains((const char *const *)words, word);
}

/* What the accelerator shows: the host's own CPU for KVM, else the soft CPU. */
static void supported(struct qmp_call *c, struct cpuid_table *t)
{
	const struct accel *a = vm_board(c->vm)->accel;

	if (a)
		*t = *a->cpuid;
	else
		x86_cpuid_supported(t, 40);
}

static int put_features(struct qmp_call *c, size_t model, JsonObject *props, struct err **errp)
{
	g_auto(GStrv) words = g_strsplit(cpu_model_features(model), " ", -1);
	bool all = !*cpu_model_features(model);
	g_autofree struct cpuid_table *t = g_new0(struct cpuid_table, 1);

	supported(c, t);
	for (size_t i = 0; cpu_feature_name(i); i++) {
		const char *f = cpu_feature_name(i);

		json_object_set_boolean_member(props, f,
					       cpuid_has(t, f) && (all || has_word(words, f)));
	}
	return 0;
}

/* The wishes of the question over what the model has. */
static int put_wishes(JsonObject *model, JsonObject *props, struct err **errp)
{
	JsonNode *wishes = json_object_get_member(model, "props");
	g_autoptr(GList) names = NULL;

	if (!wishes)
		return 0;
	if (!JSON_NODE_HOLDS_OBJECT(wishes))
		return err_set(errp, -EINVAL,
			       "Invalid parameter type for 'model.props', expected: object");
	names = json_object_get_members(json_node_get_object(wishes));
	for (GList *n = names; n; n = n->next) {
		JsonNode *v = json_object_get_member(json_node_get_object(wishes), n->data);

		if (!json_object_has_member(props, n->data))
			return err_set(errp, -EINVAL, "Property 'cpu.%s' not found",
				       (char *)n->data);
		json_object_set_member(props, n->data, json_node_copy(v));
	}
	return 0;
}

JsonNode *qmp_query_cpu_model_expansion(struct qmp_call *c, struct err **errp)
{
	JsonObject *model = json_object_get_object_member(c->args, "model"), *o, *out, *props;
	const char *name = json_object_get_string_member(model, "name");
	bool is_static = !strcmp(qmp_str(c, "type"), "static");
	size_t i;

	for (i = 0; cpu_model_name(i) && strcmp(cpu_model_name(i), name); i++)
		;
	if (!cpu_model_name(i)) {
		err_set(errp, -EINVAL, "CPU model '%s' not found", name);
		return NULL;
	}
	props = json_object_new();
	if (put_features(c, i, props, errp) < 0 || put_wishes(model, props, errp) < 0) {
		json_object_unref(props);
		return NULL;
	}
	o = json_object_new();
	out = json_object_new();
	json_object_set_string_member(o, "name", is_static ? "base" : name);
	json_object_set_object_member(o, "props", props);
	json_object_set_object_member(out, "model", o);
	return qmp_object(out);
}
