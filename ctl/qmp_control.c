// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the commands about the interface itself: negotiation, introspection, the other monitor's
 * commands, passed descriptors, the end.  Called through the table.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

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
	if (c->session->peer == c->peer) {
		c->session->negotiated = true;
		c->session->oob = enable && json_array_get_length(enable); /* there is one */
	}
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

/* What came with this command; one that is refused has used it up, too. */
static int take_passed_fd(struct qmp_call *c, struct err **errp)
{
	int fd = *c->fd;

	*c->fd = -1;

	return fd >= 0 ? fd : err_set(errp, -EBADF, "No file descriptor supplied via SCM_RIGHTS");
}

JsonNode *qmp_getfd(struct qmp_call *c, struct err **errp)
{
	const char *name = qmp_str(c, "fdname");
	int fd = take_passed_fd(c, errp);

	if (fd < 0)
		return NULL;
	if (g_ascii_isdigit(*name)) {
		close(fd);
		err_set(errp, -EINVAL,
			"Parameter 'fdname' expects a name not starting with a digit");
	} else {
		g_hash_table_insert(qmp_fds(c->q), g_strdup(name), GINT_TO_POINTER(fd + 1));
	}
	return NULL;
}

JsonNode *qmp_closefd(struct qmp_call *c, struct err **errp)
{
	const char *name = qmp_str(c, "fdname");

	if (!g_hash_table_remove(qmp_fds(c->q), name))
		err_set(errp, -ENOENT, "File descriptor named '%s' not found", name);
	return NULL;
}

/* --- sets of descriptors: those of one number --- */

static gint64 free_set(const GPtrArray *all)
{
	for (gint64 n = 0;; n++) {
		guint i;

		for (i = 0; i < all->len && ((struct fdset_fd *)all->pdata[i])->set != n; i++)
			;
		if (i == all->len)
			return n;
	}
}

JsonNode *qmp_add_fd(struct qmp_call *c, struct err **errp)
{
	bool given = c->args && json_object_has_member(c->args, "fdset-id");
	gint64 set = qmp_int(c, "fdset-id", -1);
	struct fdset_fd *f;
	JsonObject *o;
	int fd;

	fd = take_passed_fd(c, errp);
	if (fd < 0)
		return NULL;
	if (set < 0 && given) {
		close(fd);
		err_set(errp, -EINVAL, "Parameter 'fdset-id' expects a non-negative value");
		return NULL;
	}
	f = g_new0(struct fdset_fd, 1);
	f->set = given ? set : free_set(c->q->fdsets);
	f->fd = fd;
	f->opaque = g_strdup(qmp_str(c, "opaque"));
	g_ptr_array_add(c->q->fdsets, f);
	o = json_object_new();
	json_object_set_int_member(o, "fdset-id", f->set);
	json_object_set_int_member(o, "fd", fd);
	return qmp_object(o);
}

JsonNode *qmp_remove_fd(struct qmp_call *c, struct err **errp)
{
	gint64 set = qmp_int(c, "fdset-id", -1), fd = qmp_int(c, "fd", -1);
	bool one = json_object_has_member(c->args, "fd"), found = false;

	for (guint i = c->q->fdsets->len; i-- > 0;) {
		const struct fdset_fd *f = c->q->fdsets->pdata[i];

		if (f->set != set || (one && f->fd != fd))
			continue;
		g_ptr_array_remove_index(c->q->fdsets, i);
		found = true;
	}
	if (!found && one)
		err_set(errp, -ENOENT,
			"File descriptor named 'fdset-id:%" G_GINT64_FORMAT ", fd:%" G_GINT64_FORMAT
			"' not found",
			set, fd);
	else if (!found)
		err_set(errp, -ENOENT,
			"File descriptor named 'fdset-id:%" G_GINT64_FORMAT "' not found", set);
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

	for (guint i = 0; i < c->q->fdsets->len; i++) {
		const struct fdset_fd *f = c->q->fdsets->pdata[i];
		JsonObject *o = json_object_new();

		json_object_set_int_member(o, "fd", f->fd);
		if (f->opaque)
			json_object_set_string_member(o, "opaque", f->opaque);
		json_array_add_object_element(
			json_object_get_array_member(set_object(sets, f->set), "fds"), o);
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
