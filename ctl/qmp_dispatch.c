// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns what a QMP message is: parse, envelope, lookup in the table, arguments, reply, negotiation.
 * Called by qmp.c; words of errors are QEMU's, because clients show and match them.
 */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "ctl/qmp_int.h"
#include "ctl/qmp_schema.h"
#include "vm/vm.h"

/* What clients decide by: the interface is that of this version of QEMU. */
enum { QEMU_MAJOR = 7, QEMU_MINOR = 2, QEMU_MICRO = 0 };

JsonNode *qmp_object(JsonObject *o)
{
	JsonNode *n = json_node_new(JSON_NODE_OBJECT);

	json_node_take_object(n, o);
	return n;
}

JsonNode *qmp_array(JsonArray *a)
{
	JsonNode *n = json_node_new(JSON_NODE_ARRAY);

	json_node_take_array(n, a);
	return n;
}

JsonNode *qmp_string(const char *s)
{
	JsonNode *n = json_node_new(JSON_NODE_VALUE);

	json_node_set_string(n, s);
	return n;
}

static JsonNode *argument(const struct qmp_call *c, const char *name)
{
	return c->args ? json_object_get_member(c->args, name) : NULL;
}

const char *qmp_str(const struct qmp_call *c, const char *name)
{
	JsonNode *n = argument(c, name);

	return n ? json_node_get_string(n) : NULL;
}

bool qmp_bool(const struct qmp_call *c, const char *name, bool def)
{
	JsonNode *n = argument(c, name);

	return n ? json_node_get_boolean(n) : def;
}

gint64 qmp_int(const struct qmp_call *c, const char *name, gint64 def)
{
	JsonNode *n = argument(c, name);

	return n ? json_node_get_int(n) : def;
}

JsonNode *qmp_version(void)
{
	JsonObject *o = json_object_new(), *v = json_object_new();

	json_object_set_int_member(v, "micro", QEMU_MICRO);
	json_object_set_int_member(v, "minor", QEMU_MINOR);
	json_object_set_int_member(v, "major", QEMU_MAJOR);
	json_object_set_object_member(o, "qemu", v);
	json_object_set_string_member(o, "package", "sluice " SLUICE_VERSION);
	return qmp_object(o);
}

JsonNode *qmp_greeting(void)
{
	JsonObject *o = json_object_new(), *g = json_object_new();
	JsonArray *caps = json_array_new();

	json_array_add_string_element(caps, "oob");
	json_object_set_member(g, "version", qmp_version());
	json_object_set_array_member(g, "capabilities", caps);
	json_object_set_object_member(o, "QMP", g);
	return qmp_object(o);
}

/* --- the envelope --- */

struct message {
	const char *command;
	bool oob; /* exec-oob */
	JsonObject *args;
};

bool qmp_is_oob(JsonNode *request)
{
	JsonObject *o = JSON_NODE_HOLDS_OBJECT(request) ? json_node_get_object(request) : NULL;

	return o && json_object_has_member(o, "exec-oob") && !json_object_has_member(o, "execute");
}

static int take_command(struct message *m, const char *name, JsonNode *node, struct err **errp)
{
	if (m->command)
		return err_set(errp, -EINVAL, "QMP input member '%s' clashes with '%s'", name,
			       m->oob ? "exec-oob" : "execute");
	if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_STRING)
		return err_set(errp, -EINVAL, "QMP input member '%s' must be a string", name);
	m->command = json_node_get_string(node);
	m->oob = !strcmp(name, "exec-oob");
	return 0;
}

static int take_member(struct message *m, const char *name, JsonNode *node, bool allow_oob,
		       struct err **errp)
{
	if (!strcmp(name, "execute") || (allow_oob && !strcmp(name, "exec-oob")))
		return take_command(m, name, node, errp);
	if (!strcmp(name, "id"))
		return 0;
	if (strcmp(name, "arguments"))
		return err_set(errp, -EINVAL, "QMP input member '%s' is unexpected", name);
	if (!JSON_NODE_HOLDS_OBJECT(node))
		return err_set(errp, -EINVAL, "QMP input member 'arguments' must be an object");
	m->args = json_node_get_object(node);
	return 0;
}

static int open_envelope(struct message *m, JsonNode *request, bool allow_oob, struct err **errp)
{
	g_autoptr(GList) names = NULL;
	JsonObject *o;
	int ret = 0;

	*m = (struct message){};
	if (!JSON_NODE_HOLDS_OBJECT(request))
		return err_set(errp, -EINVAL, "QMP input must be a JSON object");
	o = json_node_get_object(request);
	names = json_object_get_members(o);
	for (GList *n = names; ret == 0 && n; n = n->next)
		ret = take_member(m, n->data, json_object_get_member(o, n->data), allow_oob, errp);
	if (ret == 0 && !m->command)
		ret = err_set(errp, -EINVAL, "QMP input lacks member 'execute'");
	return ret;
}

/* --- the command --- */

static const struct qmp_command *find_command(const char *name)
{
	for (const struct qmp_command *c = qmp_commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

static const struct qmp_command *permitted(struct qmp_call *c, const struct message *m,
					   struct err **errp)
{
	const struct qmp_command *cmd = find_command(m->command);
	bool negotiation = cmd && cmd->flags & QMP_NO_NEG;

	if (!c->session->negotiated && !negotiation) {
		c->error_class = "CommandNotFound";
		err_set(errp, -ENOENT,
			"Expecting capabilities negotiation with 'qmp_capabilities'");
	} else if (!cmd) {
		c->error_class = "CommandNotFound";
		err_set(errp, -ENOENT, "The command %s has not been found", m->command);
	} else if (negotiation && c->session->negotiated) {
		c->error_class = "CommandNotFound";
		err_set(errp, -ENOENT,
			"Capabilities negotiation is already complete, command ignored");
	} else if (m->oob && !(cmd->flags & QMP_OOB)) {
		err_set(errp, -EINVAL, "The command %s does not support OOB", m->command);
	} else if (!c->vm || (vm_state(c->vm) == VM_PRECONFIG && !(cmd->flags & QMP_EARLY))) {
		err_set(errp, -EBUSY,
			"The command '%s' is permitted only after machine initialization has completed",
			m->command);
	} else {
		return cmd;
	}
	return NULL;
}

static JsonNode *run(struct qmp_call *c, JsonNode *request, struct err **errp)
{
	const struct qmp_command *cmd;
	struct message m;

	if (open_envelope(&m, request, c->session->oob, errp) < 0)
		return NULL;
	cmd = permitted(c, &m, errp);
	if (!cmd || qmp_check_args(cmd->args, m.args, cmd->flags & QMP_OPEN, errp) < 0)
		return NULL;
	c->args = m.args;
	return cmd->run(c, errp);
}

/* --- replies --- */

static JsonObject *error_object(const char *class, const char *desc, const char *hints)
{
	JsonObject *o = json_object_new();
	g_autofree char *more = g_strdelimit(g_strstrip(g_strdup(hints ?: "")), "\n", ' ');
	g_autofree char *text = g_strconcat(desc, *more ? ". " : "", more, NULL);

	json_object_set_string_member(o, "class", class ?: "GenericError");
	json_object_set_string_member(o, "desc", text);
	return o;
}

static void send_reply(struct qmp_session *s, unsigned peer, JsonObject *reply, JsonNode *request)
{
	JsonObject *o =
		request && JSON_NODE_HOLDS_OBJECT(request) ? json_node_get_object(request) : NULL;
	g_autoptr(JsonNode) node = qmp_object(reply);

	if (o && json_object_has_member(o, "id"))
		json_object_set_member(reply, "id", json_object_dup_member(o, "id"));
	qmp_session_send(s, peer, node);
}

bool qmp_takes_fd(JsonNode *request)
{
	JsonObject *o = JSON_NODE_HOLDS_OBJECT(request) ? json_node_get_object(request) : NULL;
	JsonNode *n = o ? json_object_get_member(o, "execute") : NULL;
	const struct qmp_command *cmd = NULL;

	if (n && JSON_NODE_HOLDS_VALUE(n) && json_node_get_value_type(n) == G_TYPE_STRING)
		cmd = find_command(json_node_get_string(n));
	return cmd && cmd->flags & QMP_FD;
}

static void answer_error(struct qmp_session *s, const struct qmp_request *r)
{
	JsonObject *reply = json_object_new();

	json_object_set_object_member(reply, "error", error_object(NULL, r->error, NULL));
	send_reply(s, r->peer, reply, NULL);
}

void qmp_answer(struct qmp_session *s, struct qmp_request *r)
{
	struct qmp_call c = {
		.q = s->q, .session = s, .vm = s->q->vm, .peer = r->peer, .fd = &r->fd};
	JsonObject *reply;
	struct err *e = NULL;
	JsonNode *value;

	if (!r->node) {
		answer_error(s, r);
		return;
	}
	reply = json_object_new();
	value = run(&c, r->node, &e);
	if (e)
		json_object_set_object_member(
			reply, "error", error_object(c.error_class, err_text(e), err_hints(e)));
	else if (value)
		json_object_set_member(reply, "return", value);
	else
		json_object_set_object_member(reply, "return", json_object_new());
	send_reply(s, r->peer, reply, r->node);
	if (!e && c.after)
		c.after(c.vm);
	err_free(e);
}
