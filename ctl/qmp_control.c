// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the commands about the interface itself: negotiation, introspection, the other monitor's
 * commands, passed descriptors, the end.  Called through the table.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "ctl/monitor.h"
#include "ctl/qmp_cmds.h"
#include "ctl/qmp_int.h"
#include "ctl/qmp_schema.h"
#include "vm/vm.h"

JsonNode *qmp_capabilities(struct qmp_call *c, struct err **errp)
{
	JsonArray *enable = c->args && json_object_has_member(c->args, "enable")
				    ? json_object_get_array_member(c->args, "enable")
				    : NULL;

	g_mutex_lock(&c->q->lock);
	c->session->negotiated = true;
	c->session->oob = enable && json_array_get_length(enable); /* there is one capability */
	g_mutex_unlock(&c->q->lock);
	return NULL;
}

JsonNode *qmp_query_version(struct qmp_call *c, struct err **errp)
{
	return qmp_version();
}

static void add_name(JsonArray *a, const char *name)
{
	JsonObject *o = json_object_new();

	json_object_set_string_member(o, "name", name);
	json_array_add_object_element(a, o);
}

JsonNode *qmp_query_commands(struct qmp_call *c, struct err **errp)
{
	JsonArray *a = json_array_new();

	for (const struct qmp_command *cmd = qmp_commands; cmd->name; cmd++)
		add_name(a, cmd->name);
	return qmp_array(a);
}

JsonNode *qmp_query_events(struct qmp_call *c, struct err **errp)
{
	JsonArray *a = json_array_new();

	for (const struct qmp_event_type *e = qmp_events; e->name; e++)
		add_name(a, e->name);
	return qmp_array(a);
}

JsonNode *qmp_query_schema(struct qmp_call *c, struct err **errp)
{
	struct qmp_schema *s = qmp_schema_new();

	for (const struct qmp_command *cmd = qmp_commands; cmd->name; cmd++)
		qmp_schema_command(s, cmd->name, cmd->args, cmd->ret, cmd->flags & QMP_OOB);
	for (const struct qmp_event_type *e = qmp_events; e->name; e++)
		qmp_schema_event(s, e->name, e->data);
	return qmp_schema_end(s);
}

/* Monitors end lines with CR LF, this command's clients know them so. */
JsonNode *qmp_human_monitor_command(struct qmp_call *c, struct err **errp)
{
	g_autoptr(GString) out = g_string_new(NULL);

	monitor_command(qmp_hmp(c->q), qmp_str(c, "command-line"), out);
	g_string_replace(out, "\n", "\r\n", 0);
	return qmp_string(out->str);
}

/* --- descriptors --- */

JsonNode *qmp_getfd(struct qmp_call *c, struct err **errp)
{
	const char *name = qmp_str(c, "fdname");
	int fd;

	if (g_ascii_isdigit(*name)) {
		err_set(errp, -EINVAL,
			"Parameter 'fdname' expects a name not starting with a digit");
		return NULL;
	}
	fd = qmp_take_passed_fd(c->session);
	if (fd < 0)
		err_set(errp, -EBADF, "No file descriptor supplied via SCM_RIGHTS");
	else
		g_hash_table_insert(qmp_fds(c->q), g_strdup(name), GINT_TO_POINTER(fd + 1));
	return NULL;
}

JsonNode *qmp_closefd(struct qmp_call *c, struct err **errp)
{
	const char *name = qmp_str(c, "fdname");

	if (!g_hash_table_remove(qmp_fds(c->q), name))
		err_set(errp, -ENOENT, "File descriptor named '%s' not found", name);
	return NULL;
}

/* A set is the descriptors of one number; its name among the others is /NUMBER/FD. */
static char *set_name(gint64 set, int fd)
{
	return g_strdup_printf("/%" G_GINT64_FORMAT "/%d", set, fd);
}

static bool in_set(const char *name, gint64 *set, int *fd)
{
	return sscanf(name, "/%" G_GINT64_FORMAT "/%d", set, fd) == 2;
}

static gint64 free_set(GHashTable *fds)
{
	for (gint64 n = 0;; n++) {
		GHashTableIter i;
		gpointer name;
		bool used = false;

		g_hash_table_iter_init(&i, fds);
		while (g_hash_table_iter_next(&i, &name, NULL)) {
			gint64 set;
			int fd;

			used |= in_set(name, &set, &fd) && set == n;
		}
		if (!used)
			return n;
	}
}

JsonNode *qmp_add_fd(struct qmp_call *c, struct err **errp)
{
	gint64 set = qmp_int(c, "fdset-id", -1);
	JsonObject *o;
	int fd;

	if (set < 0 && c->args && json_object_has_member(c->args, "fdset-id")) {
		err_set(errp, -EINVAL, "Parameter 'fdset-id' expects a non-negative value");
		return NULL;
	}
	fd = qmp_take_passed_fd(c->session);
	if (fd < 0) {
		err_set(errp, -EBADF, "No file descriptor supplied via SCM_RIGHTS");
		return NULL;
	}
	if (set < 0)
		set = free_set(qmp_fds(c->q));
	g_hash_table_insert(qmp_fds(c->q), set_name(set, fd), GINT_TO_POINTER(fd + 1));
	o = json_object_new();
	json_object_set_int_member(o, "fdset-id", set);
	json_object_set_int_member(o, "fd", fd);
	return qmp_object(o);
}

struct fd_match {
	gint64 set, fd; /* fd -1 = any */
};

static gboolean matches(gpointer name, gpointer value, gpointer opaque)
{
	const struct fd_match *m = opaque;
	gint64 set;
	int fd;

	return in_set(name, &set, &fd) && set == m->set && (m->fd < 0 || fd == m->fd);
}

JsonNode *qmp_remove_fd(struct qmp_call *c, struct err **errp)
{
	struct fd_match m = {qmp_int(c, "fdset-id", -1), qmp_int(c, "fd", -1)};

	if (!g_hash_table_foreach_remove(qmp_fds(c->q), matches, &m))
		err_set(errp, -ENOENT,
			"File descriptor named 'fdset-id:%" G_GINT64_FORMAT "' not found", m.set);
	return NULL;
}

static JsonObject *set_object(JsonArray *sets, gint64 set)
{
	JsonObject *o;

	for (guint i = 0; i < json_array_get_length(sets); i++) {
		o = json_array_get_object_element(sets, i);
		if (json_object_get_int_member(o, "fdset-id") == set)
			return o;
	}
	o = json_object_new();
	json_object_set_int_member(o, "fdset-id", set);
	json_object_set_array_member(o, "fds", json_array_new());
	json_array_add_object_element(sets, o);
	return o;
}

JsonNode *qmp_query_fdsets(struct qmp_call *c, struct err **errp)
{
	JsonArray *sets = json_array_new();
	GHashTableIter i;
	gpointer name;

	g_hash_table_iter_init(&i, qmp_fds(c->q));
	while (g_hash_table_iter_next(&i, &name, NULL)) {
		JsonObject *o;
		gint64 set;
		int fd;

		if (!in_set(name, &set, &fd))
			continue;
		o = json_object_new();
		json_object_set_int_member(o, "fd", fd);
		json_array_add_object_element(
			json_object_get_array_member(set_object(sets, set), "fds"), o);
	}
	return qmp_array(sets);
}

/* --- the end, and the beginning --- */

static void do_quit(struct vm *vm)
{
	vm_quit(vm, 0, "host-qmp-quit");
}

JsonNode *qmp_quit(struct qmp_call *c, struct err **errp)
{
	c->after = do_quit;
	return NULL;
}

JsonNode *qmp_exit_preconfig(struct qmp_call *c, struct err **errp)
{
	if (vm_state(c->vm) != VM_PRECONFIG)
		err_set(errp, -EINVAL,
			"The command is permitted only before machine initialization");
	else
		c->after = vm_exit_preconfig;
	return NULL;
}
