// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns a fuzz target for QMP over a whole machine: the first two bytes of an input say what is
 * plugged, when the machine is built and how the text is cut into segments, the rest is what a
 * client sends.  Called by libFuzzer, or by smoke.c; fuzz_vfio.c says how.
 *
 * After whatever it was the client must be heard again, and the machine must end.  Commands that
 * would write or open files, wait for somebody, or take much memory because they ask for it are
 * left out, found by the program's own parser: what it does not see is not run, either.
 */
#include "tests/fuzz/fuzz.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "ctl/cli.h"
#include "ctl/control.h"
#include "tests/fuzz/client.h"
#include "ctl/json_read.h"
#include "ctl/json_stream.h"
#include "vm/config.h"
#include "vm/vm.h"

#define HEAD 2
#define MAX_NUMBER (1 << 24)
/* Ends what is open, whatever it is. */
#define LAST "\xff\n{\"execute\": \"query-name\", \"id\": \"that-is-all\"}"
#define LAST_REPLY "\"id\": \"that-is-all\"" /* and what ends it, on a line or on two */

/* --- what is left out --- */

static bool harmful_text(const char *s)
{
	static const char *const words[] = {"file",   "path", "pipe", "pty",    "stdio",
					    "socket", "size", "/",    "config", "drive"};

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (strstr(s, words[i]))
			return true;
	return false;
}

static bool harmful_node(JsonNode *node);

static GType value_type(JsonNode *node)
{
	return JSON_NODE_HOLDS_VALUE(node) ? json_node_get_value_type(node) : G_TYPE_INVALID;
}

/* The text of a member; "" where it is none. */
static const char *text_of(JsonObject *o, const char *name)
{
	JsonNode *node = o ? json_object_get_member(o, name) : NULL;

	return node && value_type(node) == G_TYPE_STRING ? json_node_get_string(node) : "";
}

/* Sizes as numbers are looked at as numbers; this disk is in memory. */
static bool harmless_member(JsonObject *o, const char *name)
{
	if (!strcmp(name, "size"))
		return value_type(json_object_get_member(o, name)) == G_TYPE_INT64;
	return !strcmp(name, "drive") && !strcmp(text_of(o, name), "d0");
}

static bool harmful_members(JsonObject *o)
{
	JsonObjectIter i;
	const char *name;
	JsonNode *node;
	bool harm = false;

	json_object_iter_init(&i, o);
	while (!harm && json_object_iter_next(&i, &name, &node))
		harm = (!harmless_member(o, name) && harmful_text(name)) || harmful_node(node);
	return harm;
}

static bool harmful_node(JsonNode *node)
{
	JsonArray *a;
	bool harm = false;

	if (JSON_NODE_HOLDS_OBJECT(node))
		return harmful_members(json_node_get_object(node));
	if (JSON_NODE_HOLDS_ARRAY(node)) {
		a = json_node_get_array(node);
		for (guint i = 0; !harm && i < json_array_get_length(a); i++)
			harm = harmful_node(json_array_get_element(a, i));
		return harm;
	}
	switch (value_type(node)) {
	case G_TYPE_STRING:
		return harmful_text(json_node_get_string(node)) ||
		       (g_ascii_isdigit(*json_node_get_string(node)) &&
			strlen(json_node_get_string(node)) > 7);
	case G_TYPE_INT64:
		return json_node_get_int(node) > MAX_NUMBER;
	case G_TYPE_DOUBLE:
		return json_node_get_double(node) > MAX_NUMBER;
	default:
		return false;
	}
}

static bool harmful_request(JsonObject *o, const char *command)
{
	static const char *const never[] = {"pmemsave", "memsave", NULL};
	static const char *const careful[] = {"blockdev-add", "chardev-add", "device_add",
					      "object-add", NULL};
	JsonNode *args = json_object_get_member(o, "arguments");

	if (g_strv_contains(never, command))
		return true;
	if (!args || !JSON_NODE_HOLDS_OBJECT(args))
		return false;
	if (!strcmp(command, "human-monitor-command"))
		return strstr(text_of(json_node_get_object(args), "command-line"), "add");
	return g_strv_contains(careful, command) && harmful_node(args);
}

/* True: it is to be left out. */
static bool harmful(const char *text, size_t len)
{
	char *error = NULL;
	g_autoptr(JsonNode) node = json_read(text, len, &error);
	JsonObject *o = node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;

	g_free(error);
	return o && (harmful_request(o, text_of(o, "execute")) ||
		     harmful_request(o, text_of(o, "exec-oob")));
}

struct filter {
	const char *data;
	size_t begin, at; /* of the value, and of the byte that is fed */
	GString *out;
};

static void on_value(void *opaque, const char *text, size_t len, const char *error)
{
	struct filter *f = opaque;
	/* Numbers and words end with the byte after them, which is of the next value. */
	size_t end = f->at + (!text || !(g_ascii_isalnum(*text) || *text == '-'));

	if (text && harmful(text, len))
		g_string_append_c(f->out, '\n'); /* between values, as the value would */
	else
		g_string_append_len(f->out, f->data + f->begin, (gssize)(end - f->begin));
	f->begin = end;
}

static GString *filtered(const uint8_t *data, size_t size)
{
	static const struct json_stream_ops ops = {on_value};
	struct filter f = {.data = (const char *)data, .out = g_string_new(NULL)};
	struct json_stream *s = json_stream_new(&ops, &f);

	for (f.at = 0; f.at < size; f.at++)
		json_stream_feed(s, data + f.at, 1);
	json_stream_free(s);
	g_string_append_len(f.out, f.data + f.begin, (gssize)(size - f.begin));
	g_string_append(f.out, LAST);
	return f.out;
}

/* --- the machine --- */

static void must(int ret, struct err *e)
{
	if (ret >= 0)
		return;
	err_report_free(e);
	abort();
}

static struct vm_config *make_config(unsigned what, int fd)
{
	static const char *const machines[] = {
		"-M q35 -m 4 -device pcie-root-port,id=rp0,addr=5 -device edu,id=e0,bus=rp0"
		" -device nvme,drive=d0,serial=s,id=n0,addr=6 -device ib700 -device pvpanic",
		"-M q35 -m 4 -smp 2 -device pcie-root-port,id=rp0,addr=5"
		" -device vfio-pci,host=01:00.0,id=e0,bus=rp0"
		" -host-device edu,addr=0000:01:00.0,driver=vfio-pci"
		" -host-device pci-zoo,addr=0000:02:00.0,driver=vfio-pci",
		"-M q35 -m 4 -S -device pcie-root-port,id=rp0,addr=5",
		"-M none",
	};
	g_autofree char *text = g_strdup_printf(
		"fuzz %s -accel qtest -nodefaults -serial null -no-shutdown%s -chardev null,id=c0"
		" -object memory-backend-ram,id=m0,size=64K"
		" -blockdev driver=null-co,node-name=d0,size=64K"
		" -chardev socket,id=q,fd=%d -mon chardev=q,mode=control%s",
		machines[what % G_N_ELEMENTS(machines)], what & 4 ? " --preconfig" : "", fd,
		what & 8 ? ",pretty=on" : "");
	g_auto(GStrv) argv = g_strsplit(text, " ", -1);
	struct vm_config *config = vm_config_new();
	struct cli_result cli = {0};
	struct err *e = NULL;
	int ret = cli_parse((int)g_strv_length(argv), argv, config, &cli, &e);

	must(ret, e);
	vm_config_complete(config);
	ret = vm_config_validate(config, &e);
	must(ret, e);
	return config;
}

static void run_machine(const struct vm_config *config, struct client *c)
{
	struct control *control = control_new(config);
	struct err *e = NULL;
	GThread *thread;
	int ret = vm_new(&c->vm, config, control_vm_ops(control), &e);

	must(ret, e);
	control_attach(control, c->vm);
	thread = g_thread_new("client", client_main, c);
	ret = config->preconfig ? vm_preconfig(c->vm) : 0;
	if (!ret) {
		ret = vm_build(c->vm, &e);
		/* A client may have taken away what a device wants. */
		if (ret >= 0)
			ret = vm_run(c->vm);
		if (ret < 0 && !config->preconfig)
			must(ret, e);
		err_free(e);
	}
	control_detach(control);
	vm_free(c->vm);
	g_thread_join(thread);
	g_source_remove_by_user_data(c); /* where the machine ended before */
	control_free(control);
}

static void be_quiet(const char *domain, GLogLevelFlags level, const char *text, void *opaque)
{
	if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL) && domain)
		fprintf(stderr, "%s\n", text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct client c = {.last_reply = LAST_REPLY, .segment = SIZE_MAX};
	struct vm_config *config;
	int fd[2];

	if (size < HEAD || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0)
		return 0;
	g_log_set_default_handler(be_quiet, NULL);
	config = make_config(data[0], fd[1]);
	c.fd = fd[0];
	c.text = filtered(data + HEAD, size - HEAD);
	c.tail = g_string_new(NULL);
	if (data[1])
		c.segment = data[1];
	run_machine(config, &c);
	close(fd[0]);
	g_string_free(c.text, TRUE);
	g_string_free(c.tail, TRUE);
	vm_config_free(config);
	return 0;
}
