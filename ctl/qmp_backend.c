// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the commands about back ends: chardevs, memory objects, block nodes.  Called through the
 * table; what a back end means is base/chardev.h's and vm/backends.h's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/chardev.h"
#include "base/err.h"
#include "ctl/device_text.h"
#include "ctl/qmp_cmds.h"
#include "hw/dev/drive.h"
#include "vm/backends.h"
#include "vm/board.h"
#include "vm/chardevs.h"
#include "vm/vm.h"

/* --- chardevs --- */

JsonNode *qmp_query_chardev(struct qmp_call *c, struct err **errp)
{
	const GPtrArray *all = vm_config(c->vm)->chardevs;
	JsonArray *a = json_array_new();

	for (guint i = 0; i < all->len; i++) {
		const struct chardev_conf *conf = all->pdata[i];
		g_autoptr(GString) text = g_string_new(NULL);
		JsonObject *o = json_object_new();

		chardevs_describe(vm_chardevs(c->vm), conf->id, text);
		json_object_set_string_member(o, "label", conf->id);
		json_object_set_string_member(o, "filename", text->str);
		json_object_set_boolean_member(o, "frontend-open",
					       !g_str_has_prefix(text->str, "disconnected:"));
		json_array_add_object_element(a, o);
	}
	return qmp_array(a);
}

JsonNode *qmp_query_chardev_backends(struct qmp_call *c, struct err **errp)
{
	JsonArray *a = json_array_new();

	for (const char *const *b = chardev_backends(); *b; b++) {
		JsonObject *o = json_object_new();

		json_object_set_string_member(o, "name", *b);
		json_array_add_object_element(a, o);
	}
	return qmp_array(a);
}

static const char *text_of(JsonObject *o, const char *name)
{
	return json_object_has_member(o, name) ? json_object_get_string_member(o, name) : NULL;
}

static bool flag_of(JsonObject *o, const char *name, bool def)
{
	return json_object_has_member(o, name) ? json_object_get_boolean_member(o, name) : def;
}

/* One that getfd named, and no number: a client has no business with our own descriptors. */
static int fd_named(struct qmp_call *c, const char *name, struct err **errp)
{
	gpointer key, fd;

	if (!g_hash_table_steal_extended(qmp_fds(c->q), name, &key, &fd))
		return err_set(errp, -ENOENT, "File descriptor named '%s' has not been found",
			       name);
	g_free(key);
	return GPOINTER_TO_INT(fd) - 1;
}

static int fill_address(struct qmp_call *c, struct chardev_conf *conf, JsonObject *addr,
			struct err **errp)
{
	JsonObject *data = json_object_get_object_member(addr, "data");
	const char *type = json_object_get_string_member(addr, "type");

	if (!strcmp(type, "unix")) {
		conf->path = g_strdup(text_of(data, "path"));
	} else if (!strcmp(type, "inet")) {
		conf->host = g_strdup(text_of(data, "host"));
		conf->port = g_strdup(text_of(data, "port"));
	} else {
		conf->fd = fd_named(c, text_of(data, "str"), errp);
		return MIN(conf->fd, 0);
	}
	return 0;
}

static int fill_chardev(struct qmp_call *c, struct chardev_conf *conf, JsonObject *data,
			struct err **errp)
{
	conf->logfile = g_strdup(text_of(data, "logfile"));
	conf->logappend = flag_of(data, "logappend", false);
	conf->append = flag_of(data, "append", false);
	conf->signal = flag_of(data, "signal", true);
	if (text_of(data, "out"))
		conf->path = g_strdup(text_of(data, "out"));
	if (text_of(data, "device"))
		conf->path = g_strdup(text_of(data, "device"));
	if (!json_object_has_member(data, "addr"))
		return 0;
	conf->server = flag_of(data, "server", true);
	conf->wait = flag_of(data, "wait", false) && conf->server;
	if (conf->wait)
		return err_set(errp, -EINVAL,
			       "'wait' option is incompatible with socket in this command: the "
			       "machine would stand still");
	conf->reconnect = json_object_has_member(data, "reconnect")
				  ? (int)json_object_get_int_member(data, "reconnect")
				  : 0;
	if (flag_of(data, "telnet", false))
		return err_set(errp, -ENOTSUP, "'telnet' is not supported");
	return fill_address(c, conf, json_object_get_object_member(data, "addr"), errp);
}

JsonNode *qmp_chardev_add(struct qmp_call *c, struct err **errp)
{
	JsonObject *backend = json_object_get_object_member(c->args, "backend"), *out;
	const char *id = qmp_str(c, "id"), *type = json_object_get_string_member(backend, "type");
	struct chardev_conf *conf;
	g_autoptr(GString) text = g_string_new(NULL);

	if (check_id(id, errp) < 0)
		return NULL;
	if (vm_config_chardev(vm_config(c->vm), id)) {
		err_set(errp, -EEXIST, "Chardev with id '%s' already exists", id);
		return NULL;
	}
	conf = chardev_conf_new(id, type);
	if (fill_chardev(c, conf, json_object_get_object_member(backend, "data"), errp) < 0 ||
	    chardevs_add(vm_chardevs(c->vm), conf, errp) < 0) {
		chardev_conf_free(conf);
		return NULL;
	}
	out = json_object_new();
	chardevs_describe(vm_chardevs(c->vm), id, text);
	if (!strcmp(type, "pty") && g_str_has_prefix(text->str, "pty:"))
		json_object_set_string_member(out, "pty", text->str + strlen("pty:"));
	return qmp_object(out);
}

JsonNode *qmp_chardev_remove(struct qmp_call *c, struct err **errp)
{
	chardevs_remove(vm_chardevs(c->vm), qmp_str(c, "id"), errp);
	return NULL;
}

/* --- objects --- */

static struct vm_device *find_conf(const GPtrArray *all, const char *id)
{
	for (guint i = 0; i < all->len; i++) {
		struct vm_device *d = all->pdata[i];

		if (!g_strcmp0(d->id, id))
			return d;
	}
	return NULL;
}

/* All members but the two that are fields of their own. */
static int fill_conf(struct vm_device *d, JsonObject *args, const char *not_this, struct err **errp)
{
	g_autoptr(JsonObject) rest = json_object_new();
	g_autoptr(GList) names = json_object_get_members(args);

	for (GList *n = names; n; n = n->next)
		if (strcmp(n->data, not_this) && strcmp(n->data, "id") && strcmp(n->data, "driver"))
			json_object_set_member(rest, n->data,
					       json_object_dup_member(args, n->data));
	return device_from_json(d, rest, true, errp);
}

JsonNode *qmp_object_add(struct qmp_call *c, struct err **errp)
{
	GPtrArray *objects = vm_config(c->vm)->objects;
	struct board *b = vm_board(c->vm);
	const char *id = qmp_str(c, "id");
	struct vm_device *d;
	int ret;

	if (find_conf(objects, id)) {
		err_set(errp, -EEXIST,
			"attempt to add duplicate property '%s' to object (type 'container')", id);
		return NULL;
	}
	if (check_id(id, errp) < 0)
		return NULL;
	d = vm_device_new(qmp_str(c, "qom-type"));
	d->id = g_strdup(id);
	ret = fill_conf(d, c->args, "qom-type", errp);
	if (ret >= 0 && b->backends) /* else the board will, when it is built */
		ret = backends_add(b->backends, d, errp);
	if (ret < 0)
		vm_device_free(d);
	else
		g_ptr_array_add(objects, d);
	return NULL;
}

/* A device that names it keeps it. */
/* What the device was told, or -global tells all of its model. */
static const char *prop_of(const struct board *b, const struct board_device *d, const char *prop)
{
	return vm_device_get(d->conf, prop) ?: vm_config_global(b->config, d->conf->driver, prop);
}

static bool in_use(const struct board *b, const char *id)
{
	for (guint i = 0; b->plugged && i < b->plugged->len; i++) {
		const struct board_device *d = b->plugged->pdata[i];

		if (!g_strcmp0(prop_of(b, d, "pmrdev"), id) ||
		    !g_strcmp0(prop_of(b, d, "drive"), id))
			return true;
	}
	return false;
}

JsonNode *qmp_object_del(struct qmp_call *c, struct err **errp)
{
	GPtrArray *objects = vm_config(c->vm)->objects;
	struct board *b = vm_board(c->vm);
	const char *id = qmp_str(c, "id");
	struct vm_device *d = find_conf(objects, id);

	if (!d) {
		err_set(errp, -ENOENT, "object '%s' not found", id);
	} else if (in_use(b, id)) {
		err_set(errp, -EBUSY, "object '%s' is in use, can not be deleted", id);
	} else {
		backends_del(b->backends, id);
		g_ptr_array_remove(objects, d);
	}
	return NULL;
}

JsonNode *qmp_query_memdev(struct qmp_call *c, struct err **errp)
{
	const GPtrArray *all = vm_board(c->vm)->backends;
	JsonArray *a = json_array_new();

	for (guint i = 0; all && i < all->len; i++) {
		const struct memory_backend *m = all->pdata[i];
		JsonObject *o = json_object_new();

		json_object_set_string_member(o, "id", m->id);
		json_object_set_int_member(o, "size", (gint64)m->ram.region.size);
		json_object_set_boolean_member(o, "merge", TRUE);
		json_object_set_boolean_member(o, "dump", TRUE);
		json_object_set_boolean_member(o, "prealloc", FALSE);
		json_object_set_boolean_member(o, "share", m->share);
		json_object_set_boolean_member(o, "reserve", TRUE);
		json_object_set_array_member(o, "host-nodes", json_array_new());
		json_object_set_string_member(o, "policy", "default");
		json_array_add_object_element(a, o);
	}
	return qmp_array(a);
}

/* --- block nodes --- */

/* blkdebug's rules are read and left unused: there is nothing here that would fail by rule. */
static int read_rules(JsonObject *args, struct err **errp)
{
	const char *file = text_of(args, "config");
	g_autoptr(GError) e = NULL;
	g_autofree char *text = NULL;

	if (file && !g_file_get_contents(file, &text, NULL, &e))
		return err_set(errp, -EIO, "Could not read blkdebug config file: %s", e->message);
	return 0;
}

/* What it stands on must be there now, not when a device wants it.  blkdebug is nobody's disk. */
static int check_node(const struct vm_config *config, const struct vm_device *d, struct err **errp)
{
	const char *below = vm_device_get(d, "image");
	struct disk disk;
	int ret;

	if (!strcmp(d->driver, "blkdebug")) {
		if (!below || find_conf(config->drives, below))
			return 0;
		return err_set(errp, -ENOENT, "Cannot find device='' nor node-name='%s'", below);
	}
	below = strcmp(d->driver, "raw") ? NULL : vm_device_get(d, "file");
	if (below && !find_conf(config->drives, below))
		return err_set(errp, -ENOENT, "Cannot find device='' nor node-name='%s'", below);
	ret = backends_disk(config, d->id, &disk, errp);
	if (ret >= 0 && strcmp(disk.file, DRIVE_NULL) &&
	    access(disk.file, disk.readonly ? R_OK : R_OK | W_OK) < 0)
		ret = err_set_errno(errp, -errno, "Could not open '%s'", disk.file);
	return ret;
}

JsonNode *qmp_blockdev_add(struct qmp_call *c, struct err **errp)
{
	GPtrArray *drives = vm_config(c->vm)->drives;
	const char *name = qmp_str(c, "node-name");
	struct vm_device *d;

	if (!name) {
		err_set(errp, -EINVAL, "'node-name' must be specified for the root node");
		return NULL;
	}
	if (find_conf(drives, name)) {
		err_set(errp, -EEXIST, "Duplicate nodes with node-name='%s'", name);
		return NULL;
	}
	if (check_id(name, errp) < 0 || read_rules(c->args, errp) < 0)
		return NULL;
	d = vm_device_new(qmp_str(c, "driver"));
	d->id = g_strdup(name);
	if (fill_conf(d, c->args, "node-name", errp) < 0) {
		vm_device_free(d);
		return NULL;
	}
	g_ptr_array_add(drives, d);
	if (check_node(vm_config(c->vm), d, errp) < 0)
		g_ptr_array_remove(drives, d);
	return NULL;
}

static bool is_below(const GPtrArray *drives, const char *name)
{
	for (guint i = 0; i < drives->len; i++) {
		const struct vm_device *d = drives->pdata[i];

		if (strcmp(d->driver, "drive") && (!g_strcmp0(vm_device_get(d, "file"), name) ||
						   !g_strcmp0(vm_device_get(d, "image"), name)))
			return true;
	}
	return false;
}

JsonNode *qmp_blockdev_del(struct qmp_call *c, struct err **errp)
{
	GPtrArray *drives = vm_config(c->vm)->drives;
	const char *name = qmp_str(c, "node-name");
	struct vm_device *d = find_conf(drives, name);

	if (!d || !strcmp(d->driver, "drive"))
		err_set(errp, -ENOENT, "Failed to find node with node-name='%s'", name);
	else if (in_use(vm_board(c->vm), name))
		err_set(errp, -EBUSY, "Node %s is in use", name);
	else if (is_below(drives, name))
		err_set(errp, -EBUSY, "Block device %s is in use", name);
	else
		g_ptr_array_remove(drives, d);
	return NULL;
}

static const char *user_of(const struct board *b, const char *id)
{
	for (guint i = 0; b->plugged && i < b->plugged->len; i++) {
		const struct board_device *d = b->plugged->pdata[i];

		if (!g_strcmp0(vm_device_get(d->conf, "drive"), id))
			return d->path;
	}
	return NULL;
}

static JsonObject *node_info(const struct vm_config *config, const struct vm_device *d)
{
	struct disk disk = {};
	JsonObject *o = json_object_new();

	if (d->id)
		backends_disk(config, d->id, &disk, NULL);
	json_object_set_string_member(o, "file", disk.file ?: "null-co://");
	if (strcmp(d->driver, "drive"))
		json_object_set_string_member(o, "node-name", d->id);
	json_object_set_boolean_member(o, "ro", disk.readonly);
	json_object_set_string_member(o, "drv", strcmp(d->driver, "drive") ? d->driver : "raw");
	return o;
}

JsonNode *qmp_query_block(struct qmp_call *c, struct err **errp)
{
	const struct vm_config *config = vm_config(c->vm);
	JsonArray *a = json_array_new();

	for (guint i = 0; i < config->drives->len; i++) {
		const struct vm_device *d = config->drives->pdata[i];
		const char *user = user_of(vm_board(c->vm), d->id);
		bool drive = !strcmp(d->driver, "drive");
		JsonObject *o;

		if (!drive && !user) /* a node alone is no drive */
			continue;
		o = json_object_new();
		json_object_set_string_member(o, "device", drive && d->id ? d->id : "");
		if (user)
			json_object_set_string_member(o, "qdev", user);
		json_object_set_string_member(o, "type", "unknown");
		json_object_set_boolean_member(o, "removable", FALSE);
		json_object_set_boolean_member(o, "locked", FALSE);
		json_object_set_object_member(o, "inserted", node_info(config, d));
		json_array_add_object_element(a, o);
	}
	return qmp_array(a);
}

JsonNode *qmp_query_named_block_nodes(struct qmp_call *c, struct err **errp)
{
	const struct vm_config *config = vm_config(c->vm);
	JsonArray *a = json_array_new();

	for (guint i = 0; i < config->drives->len; i++) {
		const struct vm_device *d = config->drives->pdata[i];

		if (strcmp(d->driver, "drive"))
			json_array_add_object_element(a, node_info(config, d));
	}
	return qmp_array(a);
}
