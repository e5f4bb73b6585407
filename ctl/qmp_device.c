// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the commands about devices that come and go, and about models.  Called through the table. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/props.h"
#include "ctl/device_text.h"
#include "ctl/qmp_cmds.h"
#include "ctl/qom.h"
#include "vm/board.h"
#include "vm/devs.h"
#include "vm/vm.h"

JsonNode *qmp_device_add(struct qmp_call *c, struct err **errp)
{
	struct vm_device *d = vm_device_new(NULL);

	if (device_from_json(d, c->args, false, errp) >= 0)
		vm_device_add(c->vm, d, errp);
	vm_device_free(d);
	return NULL;
}

/* The id of the device at this path; NULL = there is none, or it has no id. */
static const char *id_at(const struct board *b, const char *path)
{
	for (guint i = 0; b->plugged && i < b->plugged->len; i++) {
		const struct board_device *d = b->plugged->pdata[i];

		if (!strcmp(d->path, path))
			return d->conf->id;
	}
	return NULL;
}

JsonNode *qmp_device_del(struct qmp_call *c, struct err **errp)
{
	const char *name = qmp_str(c, "id");
	const char *id = *name == '/' ? id_at(vm_board(c->vm), name) : name;
	int ret = id ? vm_device_del(c->vm, id, errp)
		     : err_set(errp, -ENODEV, "Device '%s' not found", name);

	if (ret == -ENODEV)
		c->error_class = "DeviceNotFound";
	return NULL;
}

JsonNode *qmp_set_link(struct qmp_call *c, struct err **errp)
{
	c->error_class = "DeviceNotFound";
	err_set(errp, -ENODEV, "Device '%s' not found", qmp_str(c, "name"));
	return NULL;
}

/* --- models --- */

static JsonNode *default_of(const struct prop *p)
{
	JsonNode *n = json_node_new(JSON_NODE_VALUE);

	if (p->type == PROP_BOOL)
		json_node_set_boolean(n, p->def && !strcmp(p->def, "on"));
	else if (p->type == PROP_STR)
		json_node_set_string(n, p->def ?: "");
	else
		json_node_set_int(n, p->def ? (gint64)g_ascii_strtoull(p->def, NULL, 0) : 0);
	return n;
}

static void add_property(JsonArray *a, const struct prop *p)
{
	static const char *const types[] = {[PROP_STR] = "str",
					    [PROP_BOOL] = "bool",
					    [PROP_U32] = "uint32",
					    [PROP_U64] = "uint64"};
	JsonObject *o = json_object_new();

	json_object_set_string_member(o, "name", p->name);
	json_object_set_string_member(o, "type", types[p->type]);
	json_object_set_string_member(o, "description", p->help ?: "");
	if (p->def)
		json_object_set_member(o, "default-value", default_of(p));
	json_array_add_object_element(a, o);
}

JsonNode *qmp_device_list_properties(struct qmp_call *c, struct err **errp)
{
	const char *name = qmp_str(c, "typename");
	const struct qom_type *type = NULL;
	struct devs_model m;
	JsonArray *a;

	for (size_t i = 0; devs_model(i, &m); i++)
		if (!strcmp(m.name, name)) {
			a = json_array_new();
			for (const struct prop *p = m.props; p->name; p++)
				add_property(a, p);
			return qmp_array(a);
		}
	type = qom_type_find(name);
	if (!type) {
		c->error_class = "DeviceNotFound";
		err_set(errp, -ENODEV, "Device '%s' not found", name);
	} else if (type->abstract || !qom_is_a(type, "device")) {
		err_set(errp, -EINVAL, "Parameter 'typename' expects a non-abstract device type");
	} else {
		return qmp_array(json_array_new());
	}
	return NULL;
}
