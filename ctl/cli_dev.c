// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns -device in both spellings, key=value and JSON, -global, and the emulated host's options.
 * Called from the table in cli.c; whether the model and its properties exist is asked of vm/devs.h
 * (help) or found out when it is made.
 */
#include "ctl/cli_int.h"

#include <errno.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "vm/devs.h"

static int set_member(struct vm_device *d, const char *key, const char *value, struct err **errp)
{
	if (!*key)
		return err_set(errp, -EINVAL, "a property without a name");
	if (!strcmp(key, "driver")) {
		replace(&d->driver, value);
	} else if (!strcmp(key, "id")) {
		replace(&d->id, value);
		return check_id(value, errp);
	} else {
		vm_device_set(d, key, value);
	}
	return 0;
}

/* Scalars only; numbers and truth values become what the key=value spelling would have had. */
static char *scalar_text(JsonNode *node)
{
	char number[G_ASCII_DTOSTR_BUF_SIZE];
	GType type;

	if (!JSON_NODE_HOLDS_VALUE(node))
		return NULL;
	type = json_node_get_value_type(node);
	if (type == G_TYPE_BOOLEAN)
		return g_strdup(json_node_get_boolean(node) ? "on" : "off");
	if (type == G_TYPE_INT64)
		return g_strdup_printf("%" G_GINT64_FORMAT, json_node_get_int(node));
	if (type == G_TYPE_DOUBLE)
		return g_strdup(g_ascii_dtostr(number, sizeof(number), json_node_get_double(node)));
	return g_strdup(json_node_get_string(node));
}

static int fill_from_object(struct vm_device *d, const char *prefix, JsonObject *object,
			    bool nested, struct err **errp);

static int fill_member(struct vm_device *d, const char *key, JsonNode *node, bool nested,
		       struct err **errp)
{
	g_autofree char *value = scalar_text(node);

	if (value)
		return set_member(d, key, value, errp);
	if (nested && JSON_NODE_HOLDS_OBJECT(node))
		return fill_from_object(d, key, json_node_get_object(node), nested, errp);
	return err_set(errp, -EINVAL, "'%s': only strings, numbers, true and false are taken", key);
}

/* A member of a member is "outer.inner", as key=value would have it; the parser bounds the depth. */
static int fill_from_object(struct vm_device *d, const char *prefix, JsonObject *object,
			    bool nested, struct err **errp)
{
	g_autoptr(GList) keys = json_object_get_members(object);
	int ret = 0;

	for (GList *k = keys; ret == 0 && k; k = k->next) {
		g_autofree char *key = g_strconcat(prefix ?: "", prefix ? "." : "", k->data, NULL);

		ret = fill_member(d, key, json_object_get_member(object, k->data), nested, errp);
	}
	return ret;
}

int device_from_json(struct vm_device *d, JsonObject *object, bool nested, struct err **errp)
{
	return fill_from_object(d, NULL, object, nested, errp);
}

static int fill_from_json(struct vm_device *d, const char *arg, bool nested, struct err **errp)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autoptr(GError) error = NULL;
	JsonNode *root;

	if (!json_parser_load_from_data(parser, arg, -1, &error))
		return err_set(errp, -EINVAL, "not JSON: %s", error->message);
	root = json_parser_get_root(parser);
	if (!root || !JSON_NODE_HOLDS_OBJECT(root))
		return err_set(errp, -EINVAL, "not a JSON object");
	return fill_from_object(d, NULL, json_node_get_object(root), nested, errp);
}

static int fill_from_list(struct vm_device *d, const GArray *list, struct err **errp)
{
	int ret = 0;

	for (guint i = 0; ret == 0 && i < list->len; i++) {
		const struct kv *kv = &g_array_index(list, struct kv, i);

		ret = set_member(d, kv->key, kv->value ?: "on", errp);
	}
	return ret;
}

int cli_fill(struct vm_device *d, const char *arg, const char *first, struct err **errp)
{
	g_autoptr(GArray) list = NULL;

	if (*arg == '{')
		return fill_from_json(d, arg, true, errp);
	list = kv_parse(arg, first);
	return fill_from_list(d, list, errp);
}

/* 1 = it was a question and is answered. */
static int answer_help(struct cli *s, const GArray *list, struct err **errp)
{
	const char *driver = kv_get(list, "driver");
	int ret = 0;

	if (driver && cli_is_help(driver))
		devs_help(s->out);
	else if (driver && kv_has_help(list))
		ret = devs_help_model(s->out, driver, errp);
	else
		return 0;
	if (ret < 0)
		return ret;
	cli_exit_now(s);
	return 1;
}

int cli_device(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	g_autoptr(GArray) list = NULL;
	struct vm_device *d;
	int ret;

	if (*arg != '{') {
		list = kv_parse(arg, "driver");
		ret = answer_help(s, list, errp);
		if (ret)
			return MIN(ret, 0);
	}
	d = vm_device_new(NULL);
	ret = list ? fill_from_list(d, list, errp) : fill_from_json(d, arg, false, errp);
	if (ret == 0 && (!d->driver || !*d->driver))
		ret = err_set(errp, -EINVAL, "no driver named");
	if (ret < 0)
		vm_device_free(d);
	else
		g_ptr_array_add(s->c->devices, d);
	return ret;
}

/* Model names have no dot; a property's may.  Also driver=DRIVER,property=PROP,value=VALUE. */
int cli_global(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	g_autoptr(GArray) list = kv_parse(arg, NULL);
	const char *driver = kv_get(list, "driver"), *prop = kv_get(list, "property");
	const char *value = kv_get(list, "value"), *dot = strchr(arg, '.'), *eq = strchr(arg, '=');
	g_autofree char *first = NULL, *second = NULL;

	if (dot && eq && dot > arg && dot < eq - 1) {
		driver = first = g_strndup(arg, (gsize)(dot - arg));
		prop = second = g_strndup(dot + 1, (gsize)(eq - dot - 1));
		value = eq + 1;
	}
	if (!driver || !prop || !value) {
		err_set(errp, -EINVAL, "not DRIVER.PROP=VALUE");
		err_hint(errp, "Such as -global mch.extended-tseg-mbytes=16.");
		return -EINVAL;
	}
	g_ptr_array_add(s->c->globals, vm_global_new(driver, prop, value));
	return 0;
}

/* -host-device MODEL,addr=BDF[,driver=NAME][,PROP=V...]: here "driver" is the host's, a property. */
int cli_host_device(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	g_autoptr(GArray) list = kv_parse(arg, "model");
	const char *model = kv_get(list, "model");
	struct vm_device *d;
	int ret = 0;

	if (!model || !*model)
		return err_set(errp, -EINVAL, "no model named");
	if (cli_is_help(model) || kv_has_help(list)) {
		if (cli_is_help(model))
			devs_help(s->out);
		else
			ret = devs_help_model(s->out, model, errp);
		if (ret == 0)
			cli_exit_now(s);
		return ret;
	}
	d = vm_device_new(model);
	for (guint i = 0; ret == 0 && i < list->len; i++) {
		const struct kv *kv = &g_array_index(list, struct kv, i);

		if (!strcmp(kv->key, "id")) {
			replace(&d->id, kv->value);
			ret = check_id(d->id, errp);
		} else if (strcmp(kv->key, "model")) {
			vm_device_set(d, kv->key, kv->value ?: "on");
		}
	}
	if (ret == 0 && !vm_device_get(d, "addr")) {
		ret = err_set(errp, -EINVAL, "-host-device %s has no address", model);
		err_hint(errp, "Add addr=0000:01:00.0, as the guest's host= will name it.");
	}
	if (ret < 0)
		vm_device_free(d);
	else
		g_ptr_array_add(s->c->host_devices, d);
	return ret;
}

/* -host-sysfs PATH=TEXT: a write to a file below the emulated host's /sys/bus/pci. */
int cli_host_sysfs(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	const char *eq = strchr(arg, '=');
	struct kv kv;

	if (!eq || eq == arg) {
		int ret = err_set(errp, -EINVAL, "'%s' is not PATH=TEXT", arg);

		err_hint(errp, "Such as -host-sysfs 'drivers/vfio-pci/new_id=1b36 0010'.");
		return ret;
	}
	kv = (struct kv){g_strndup(arg, (gsize)(eq - arg)), g_strdup(eq + 1)};
	g_array_append_val(s->c->host_sysfs, kv);
	return 0;
}
