// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns -chardev, -serial, -monitor, -mon, -qmp, -qtest, -debugcon and the short way to write a
 * chardev ("mon:stdio", "unix:PATH,server=on").  Called from the table in cli.c; opens nothing.
 */
#include "ctl/cli_int.h"

#include <errno.h>
#include <string.h>

#include "base/names.h"

#define AT(field) offsetof(struct chardev_conf, field)

enum { STDIO = 1, FILE_ = 2, PIPE = 4, SOCKET = 8, OTHER = 16 };

static const struct prop chardev_props[] = {
	{"backend", PROP_ACCEPT},
	{"id", PROP_ACCEPT},
	{"mux", PROP_BOOL, AT(mux)},
	{"logfile", PROP_STR, AT(logfile)},
	{"logappend", PROP_BOOL, AT(logappend)},
	{"signal", PROP_BOOL, AT(signal), .kinds = STDIO},
	{"append", PROP_BOOL, AT(append), .kinds = FILE_},
	{"path", PROP_STR, AT(path), .kinds = FILE_ | PIPE | SOCKET},
	{"host", PROP_STR, AT(host), .kinds = SOCKET},
	{"port", PROP_STR, AT(port), .kinds = SOCKET},
	{"fd", PROP_UINT, AT(fd), .kinds = SOCKET},
	{"server", PROP_BOOL, AT(server), .kinds = SOCKET},
	{"wait", PROP_BOOL, AT(wait), .kinds = SOCKET},
	{"reconnect", PROP_UINT, AT(reconnect), .kinds = SOCKET},
	{"delay", PROP_BOOL, PROP_NOWHERE, .kinds = SOCKET},   /* also "nodelay" */
	{"nodelay", PROP_BOOL, PROP_NOWHERE, .kinds = SOCKET}, /* "nodelay=on"; it always is */
	{"telnet", PROP_CHOICE, PROP_NOWHERE, choices_off, .kinds = SOCKET},
	{"websocket", PROP_CHOICE, PROP_NOWHERE, choices_off, .kinds = SOCKET},
	{},
};

static unsigned kind_of(const char *backend)
{
	static const struct choice kinds[] = {
		{"stdio", STDIO}, {"file", FILE_}, {"pipe", PIPE}, {"socket", SOCKET}, {NULL, 0}};

	for (const struct choice *k = kinds; k->name; k++)
		if (!strcmp(backend, k->name))
			return k->value;
	return OTHER;
}

static int check_socket(const struct chardev_conf *conf, const GArray *list, struct err **errp)
{
	bool wait = kv_get(list, "wait") || kv_get(list, "nowait");

	if (!!conf->path + !!conf->port + (conf->fd >= 0) != 1)
		return err_set(errp, -EINVAL, "a socket needs one of path=, port= and fd=");
	if (conf->host && !conf->port)
		return err_set(errp, -EINVAL, "host= needs port=");
	if (wait && !conf->server && conf->fd < 0)
		return err_set(errp, -EINVAL, "wait= is for server=on");
	if (conf->reconnect && (conf->server || conf->fd >= 0))
		return err_set(errp, -EINVAL, "reconnect= is for clients that connect themselves");
	return 0;
}

static int apply(struct chardev_conf *conf, const GArray *list, struct err **errp)
{
	unsigned kind = kind_of(conf->backend);
	int ret = props_apply(chardev_props, conf, kind, list, errp);

	if (ret == 0 && (kind & (FILE_ | PIPE)) && !conf->path)
		ret = err_set(errp, -EINVAL, "path= is missing");
	if (ret == 0 && kind == SOCKET)
		ret = check_socket(conf, list, errp);
	return ret;
}

static int check_backend(const char *backend, struct err **errp)
{
	g_autofree char *all = g_strjoinv(", ", (char **)chardev_backends());

	for (const char *const *b = chardev_backends(); *b; b++)
		if (!g_strcmp0(backend, *b))
			return 0;
	if (!backend)
		return err_set(errp, -EINVAL, "no back end named (known: %s)", all);
	err_set(errp, -EINVAL, "unknown back end '%s' (known: %s)", backend, all);
	err_hint_nearest(errp, backend, chardev_backends());
	return -EINVAL;
}

static void chardev_help(FILE *f)
{
	fprintf(f, "Available chardev back ends:\n");
	for (const char *const *b = chardev_backends(); *b; b++)
		fprintf(f, "  %s\n", *b);
}

int cli_chardev(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	g_autoptr(GArray) list = kv_parse(arg, "backend");
	const char *backend = kv_get(list, "backend"), *id = kv_get(list, "id");
	struct chardev_conf *conf;
	int ret;

	if ((backend && cli_is_help(backend)) || kv_has_help(list)) {
		chardev_help(s->out);
		cli_exit_now(s);
		return 0;
	}
	ret = check_backend(backend, errp);
	if (ret == 0)
		ret = id ? check_id(id, errp) : err_set(errp, -EINVAL, "id= is missing");
	if (ret < 0)
		return ret;
	conf = chardev_conf_new(id, backend);
	ret = apply(conf, list, errp);
	if (ret < 0)
		chardev_conf_free(conf);
	else
		g_ptr_array_add(s->c->chardevs, conf);
	return ret;
}

/* ---- the short way ---- */

static int short_path(struct chardev_conf *conf, const char *rest, struct err **errp)
{
	if (!*rest)
		return err_set(errp, -EINVAL, "no path after '%s:'", conf->backend);
	replace(&conf->path, rest);
	return 0;
}

static int short_unix(struct chardev_conf *conf, const char *rest, struct err **errp)
{
	g_autoptr(GArray) list = kv_parse(rest, "path");

	return apply(conf, list, errp);
}

/* "[HOST]:PORT,key=value": the address becomes two properties, the rest is as it is. */
static int short_tcp(struct chardev_conf *conf, const char *rest, struct err **errp)
{
	g_autoptr(GArray) list = kv_parse(rest, "port");
	struct kv *address = list->len ? &g_array_index(list, struct kv, 0) : NULL;
	char *colon = address && address->value ? strrchr(address->value, ':') : NULL;

	if (!colon || !colon[1] || strcmp(address->key, "port"))
		return err_set(errp, -EINVAL, "tcp: needs [HOST]:PORT");
	conf->host = g_strndup(address->value, colon - address->value);
	memmove(address->value, colon + 1, strlen(colon));
	return apply(conf, list, errp);
}

static int short_plain(struct chardev_conf *conf, const char *rest, struct err **errp)
{
	return 0;
}

static const struct {
	const char *word, *backend;
	bool rest; /* "word:rest" */
	int (*parse)(struct chardev_conf *conf, const char *rest, struct err **errp);
} shorts[] = {
	{"stdio", "stdio", false, short_plain}, {"null", "null", false, short_plain},
	{"pty", "pty", false, short_plain},     {"file", "file", true, short_path},
	{"pipe", "pipe", true, short_path},     {"unix", "socket", true, short_unix},
	{"tcp", "socket", true, short_tcp},
};

static struct chardev_conf *unknown_short(const char *spec, struct err **errp)
{
	static const char *const known[] = {"none", "stdio", "mon:stdio", "null",    "pty", "file",
					    "pipe", "unix",  "tcp",       "chardev", NULL};
	g_autofree char *word = g_strndup(spec, strcspn(spec, ":"));
	g_autofree char *all = g_strjoinv(", ", (char **)known);

	err_set(errp, -EINVAL, "unknown chardev '%s' (known: %s)", word, all);
	err_hint_nearest(errp, word, known);
	return NULL;
}

static struct chardev_conf *parse_short(const char *id, const char *spec, struct err **errp)
{
	size_t len = strcspn(spec, ":");

	for (size_t i = 0; i < G_N_ELEMENTS(shorts); i++) {
		struct chardev_conf *conf;

		if (strlen(shorts[i].word) != len || strncmp(shorts[i].word, spec, len) ||
		    shorts[i].rest != (spec[len] == ':'))
			continue;
		conf = chardev_conf_new(id, shorts[i].backend);
		if (shorts[i].parse(conf, spec + len + 1, errp) == 0)
			return conf;
		chardev_conf_free(conf);
		return NULL;
	}
	return unknown_short(spec, errp);
}

/* The last of several -qtest (or -debugcon) wins: what an earlier one made goes. */
static void drop_overridden(struct vm_config *c, const char *used, const char *label)
{
	struct chardev_conf *conf = vm_config_chardev(c, label);

	if (conf && !g_strcmp0(used, label))
		g_ptr_array_remove(c->chardevs, conf);
}

/* "none", "chardev:ID", or a new chardev named id; the id to use, owned; NULL on error. */
static char *use_chardev(struct cli *s, const char *id, const char *spec, struct err **errp)
{
	struct chardev_conf *conf;

	if (!strcmp(spec, "none"))
		return g_strdup(spec);
	if (g_str_has_prefix(spec, "chardev:")) {
		spec += strlen("chardev:");
		return check_id(spec, errp) < 0 ? NULL : g_strdup(spec);
	}
	conf = parse_short(id, spec, errp);
	if (!conf)
		return NULL;
	g_ptr_array_add(s->c->chardevs, conf);
	return g_strdup(id);
}

/* "mon:": the serial port and the monitor share it, and Ctrl-C goes to the guest. */
static int share_with_monitor(struct cli *s, const char *id, struct err **errp)
{
	struct chardev_conf *conf = vm_config_chardev(s->c, id);

	if (!conf)
		return err_set(errp, -EINVAL, "mon: needs a back end, such as mon:stdio");
	conf->mux = true;
	conf->signal = false;
	g_ptr_array_add(s->c->monitors, vm_monitor_new(id, false));
	return 0;
}

int cli_serial(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	g_autofree char *label = g_strdup_printf("serial%u", s->c->serials->len);
	bool shared = g_str_has_prefix(arg, "mon:");
	char *id = use_chardev(s, label, shared ? arg + strlen("mon:") : arg, errp);

	if (!id)
		return -EINVAL;
	g_ptr_array_add(s->c->serials, id);
	return shared ? share_with_monitor(s, id, errp) : 0;
}

/* One more monitor; the chardevs made for them are numbered as QEMU numbers them. */
static int add_monitor(struct cli *s, const char *spec, bool control, bool pretty,
		       struct err **errp)
{
	g_autofree char *label = NULL, *id = NULL;
	struct vm_monitor *m;

	for (unsigned i = 0; !label || vm_config_chardev(s->c, label); i++) {
		g_free(label);
		label = g_strdup_printf("compat_monitor%u", i);
	}
	id = use_chardev(s, label, spec, errp);
	if (!id)
		return -EINVAL;
	if (!strcmp(id, "none"))
		return 0;
	m = vm_monitor_new(id, control);
	m->pretty = pretty;
	g_ptr_array_add(s->c->monitors, m);
	return 0;
}

int cli_monitor(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	s->c->no_monitor |= !strcmp(arg, "none");
	return add_monitor(s, arg, false, false, errp);
}

int cli_qmp(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	return add_monitor(s, arg, true, false, errp);
}

int cli_qmp_pretty(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	return add_monitor(s, arg, true, true, errp);
}

int cli_debugcon(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	char *id;

	drop_overridden(s->c, s->c->debugcon, "debugcon");
	id = use_chardev(s, "debugcon", arg, errp);
	if (!id)
		return -EINVAL;
	g_free(s->c->debugcon);
	s->c->debugcon = id;
	return 0;
}

int cli_qtest(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	char *id;

	drop_overridden(s->c, s->c->qtest, "qtest");
	id = use_chardev(s, "qtest", arg, errp);
	if (!id)
		return -EINVAL;
	g_free(s->c->qtest);
	s->c->qtest = id;
	return 0;
}

/* Target of the properties of -mon. */
struct mon_args {
	char *chardev;
	int control;
	bool pretty;
};

static const struct choice mon_modes[] = {{"readline", 0}, {"control", 1}, {NULL, 0}};

static const struct prop mon_props[] = {
	{"chardev", PROP_STR, offsetof(struct mon_args, chardev)},
	{"mode", PROP_CHOICE, offsetof(struct mon_args, control), mon_modes},
	{"pretty", PROP_BOOL, offsetof(struct mon_args, pretty)},
	{"id", PROP_ACCEPT},
	{},
};

int cli_mon(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	g_autoptr(GArray) list = kv_parse(arg, "chardev");
	struct mon_args a = {};
	int ret = props_apply(mon_props, &a, 0, list, errp);

	if (ret == 0 && !a.chardev)
		ret = err_set(errp, -EINVAL, "chardev= is missing");
	if (ret == 0 && a.pretty && !a.control)
		ret = err_set(errp, -EINVAL, "pretty= is for mode=control");
	if (ret == 0) {
		struct vm_monitor *m = vm_monitor_new(a.chardev, a.control);

		m->pretty = a.pretty;
		g_ptr_array_add(s->c->monitors, m);
	}
	g_free(a.chardev);
	return ret;
}
