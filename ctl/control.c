// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the front ends and what joins them to the machine.  Called by main.c; decides nothing
 * itself.
 */
#include "ctl/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/loop_thread.h"
#include "ctl/device_text.h"
#include "ctl/info.h"
#include "ctl/info_vfio.h"
#include "ctl/monitor.h"
#include "ctl/qmp.h"
#include "ctl/qtest.h"
#include "vm/board.h"
#include "vm/chardevs.h"
#include "vm/config.h"
#include "vm/devs.h"
#include "vm/vm.h"

struct control {
	const struct vm_config *config;
	struct vm *vm;
	struct vm_ops ops;
	struct loop_thread *thread; /* hears QMP clients */
	struct qmp *qmp;
	struct monitor *hmp; /* without a terminal: QMP's human-monitor-command */
	GPtrArray *monitors; /* of struct monitor */
	struct qtest_server *qtest;
};

/* --- what people's monitors do --- */

static void mon_quit(void *opaque)
{
	vm_quit(((struct control *)opaque)->vm, 0, "host-qmp-quit");
}

static void mon_stop(void *opaque)
{
	vm_stop(((struct control *)opaque)->vm);
}

static void mon_cont(void *opaque)
{
	vm_cont(((struct control *)opaque)->vm);
}

static void mon_reset(void *opaque)
{
	vm_system_reset(((struct control *)opaque)->vm);
}

static void mon_powerdown(void *opaque)
{
	vm_powerdown(((struct control *)opaque)->vm);
}

static void mon_nmi(void *opaque)
{
	vm_nmi(((struct control *)opaque)->vm, NULL); /* none before the machine is built */
}

/* --preconfig: there is a monitor, but nothing to look at. */
static bool is_built(struct control *c, GString *out)
{
	bool built = vm_state(c->vm) != VM_PRECONFIG;

	if (!built)
		g_string_append(out,
				"The machine is not built yet: QMP's x-exit-preconfig does it\n");
	return built;
}

static bool mon_info(void *opaque, const char *what, GString *out)
{
	if (!is_built(opaque, out))
		return true;
	return info_show(((struct control *)opaque)->vm, what, out);
}

static void mon_x(void *opaque, const char *args, GString *out)
{
	if (is_built(opaque, out))
		info_memory(((struct control *)opaque)->vm, args, false, out);
}

static void mon_xp(void *opaque, const char *args, GString *out)
{
	if (is_built(opaque, out))
		info_memory(((struct control *)opaque)->vm, args, true, out);
}

static void say_error(struct err *e, GString *out)
{
	if (e)
		g_string_append_printf(out, "Error: %s\n%s", err_text(e), err_hints(e));
	err_free(e);
}

/* "help", or "DRIVER,help": the answer; false where it is no question. */
static bool device_help(const char *args, GString *out)
{
	g_auto(GStrv) words = g_strsplit(args, ",", 2);
	bool all = words[0] && (!strcmp(words[0], "help") || !strcmp(words[0], "?"));
	struct err *e = NULL;
	char *text = NULL;
	size_t len;
	FILE *f;

	if (!all && (!words[0] || !words[1] || (strcmp(words[1], "help") && strcmp(words[1], "?"))))
		return false;
	f = open_memstream(&text, &len);
	if (!f)
		return true;
	if (all)
		devs_help(f);
	else
		devs_help_model(f, words[0], &e);
	fclose(f);
	g_string_append(out, text);
	free(text);
	say_error(e, out);
	return true;
}

static void mon_device_add(void *opaque, const char *args, GString *out)
{
	struct control *c = opaque;
	struct vm_device *d;
	struct err *e = NULL;

	g_autofree char *plain = g_strdup(args);

	g_strdelimit(plain, "\"", ' ');
	g_strstrip(plain);
	if (device_help(plain, out) || !is_built(c, out))
		return;
	d = vm_device_new(NULL);
	if (cli_fill(d, plain, "driver", &e) >= 0 && d->driver && *d->driver)
		vm_device_add(c->vm, d, &e);
	else
		err_set(&e, -EINVAL, "which driver? 'device_add help' lists them");
	vm_device_free(d);
	say_error(e, out);
}

static void mon_device_del(void *opaque, const char *args, GString *out)
{
	struct err *e = NULL;

	if (!is_built(opaque, out))
		return;
	vm_device_del(((struct control *)opaque)->vm, args, &e);
	say_error(e, out);
}

static void mon_vfio_config(void *opaque, const char *args, bool color, GString *out)
{
	info_vfio_config(vm_board(((struct control *)opaque)->vm)->vfio, args, color, out);
}

static const char *mon_word(void *opaque, const char *command, size_t i, const char **help)
{
	struct control *c = opaque;
	struct board *b = vm_board(c->vm);
	struct devs_model m;

	*help = NULL;
	if (!strcmp(command, "info") && info_topic(i)) {
		*help = info_topic(i)->help;
		return info_topic(i)->name;
	}
	if (!strcmp(command, "device_add"))
		return devs_model(i, &m) ? m.name : NULL;
	if (!strcmp(command, "device_del") || !strcmp(command, "x-vfio-config"))
		return b->plugged && i < b->plugged->len
			       ? ((struct board_device *)b->plugged->pdata[i])->conf->id ?: ""
			       : NULL;
	return NULL;
}

static const struct monitor_ops monitor_ops = {
	.quit = mon_quit,
	.stop = mon_stop,
	.cont = mon_cont,
	.system_reset = mon_reset,
	.system_powerdown = mon_powerdown,
	.nmi = mon_nmi,
	.info = mon_info,
	.x = mon_x,
	.xp = mon_xp,
	.device_add = mon_device_add,
	.device_del = mon_device_del,
	.vfio_config = mon_vfio_config,
	.word = mon_word,
};

/* --- events --- */

static JsonObject *cause(const struct vm_event *ev)
{
	JsonObject *o = json_object_new();

	json_object_set_boolean_member(o, "guest", ev->guest);
	json_object_set_string_member(o, "reason", ev->reason);
	return o;
}

static JsonObject *action(const struct vm_event *ev)
{
	JsonObject *o = json_object_new();

	json_object_set_string_member(o, "action", ev->reason);
	return o;
}

static JsonObject *device(const struct vm_event *ev, const char *where)
{
	JsonObject *o = json_object_new();

	if (ev->device)
		json_object_set_string_member(o, "device", ev->device);
	json_object_set_string_member(o, where, ev->path);
	return o;
}

static JsonObject *at_path(const struct vm_event *ev)
{
	return device(ev, "path");
}

static JsonObject *at_host(const struct vm_event *ev)
{
	return device(ev, "host");
}

static JsonObject *rtc_offset(const struct vm_event *ev)
{
	JsonObject *o = json_object_new();

	json_object_set_int_member(o, "offset", ev->offset);
	json_object_set_string_member(o, "qom-path", "/machine/unattached/rtc");
	return o;
}

static JsonObject *host_write(const struct vm_event *ev)
{
	JsonObject *o = json_object_new();

	json_object_set_string_member(o, "path", ev->path);
	if (ev->reason)
		json_object_set_string_member(o, "error", ev->reason);
	return o;
}

static const struct {
	const char *name;
	JsonObject *(*data)(const struct vm_event *ev);
} events[] = {
	[VM_EV_STOP] = {"STOP"},
	[VM_EV_RESUME] = {"RESUME"},
	[VM_EV_RESET] = {"RESET", cause},
	[VM_EV_SHUTDOWN] = {"SHUTDOWN", cause},
	[VM_EV_POWERDOWN] = {"POWERDOWN"},
	[VM_EV_WATCHDOG] = {"WATCHDOG", action},
	[VM_EV_PANICKED] = {"GUEST_PANICKED", action},
	[VM_EV_CRASHLOADED] = {"GUEST_CRASHLOADED", action},
	[VM_EV_RTC_CHANGE] = {"RTC_CHANGE", rtc_offset},
	[VM_EV_DEVICE_DELETED] = {"DEVICE_DELETED", at_path},
	[VM_EV_UNPLUG_REFUSED] = {"DEVICE_UNPLUG_GUEST_ERROR", at_path},
	[VM_EV_VFIO_REQUEST] = {"x-VFIO_DEVICE_REQUEST", at_host},
	[VM_EV_VFIO_ERROR] = {"x-VFIO_DEVICE_ERROR", at_host},
	[VM_EV_HOST_WRITTEN] = {"x-HOST_SYSFS_WRITTEN", host_write},
};

static void on_event(void *opaque, const struct vm_event *ev)
{
	struct control *c = opaque;

	if (c->vm)
		qmp_event(c->qmp, events[ev->kind].name,
			  events[ev->kind].data ? events[ev->kind].data(ev) : NULL);
}

/* --- life --- */

struct control *control_new(const struct vm_config *config)
{
	struct control *c = g_new0(struct control, 1);

	c->config = config;
	c->thread = loop_thread_new();
	c->ops = (struct vm_ops){on_event, c, loop_thread_context(c->thread)};
	c->monitors = g_ptr_array_new_with_free_func((GDestroyNotify)monitor_free);
	c->qmp = qmp_new();
	c->hmp = monitor_new(NULL, &monitor_ops, c);
	qmp_set_hmp(c->qmp, c->hmp);
	return c;
}

const struct vm_ops *control_vm_ops(struct control *c)
{
	return &c->ops;
}

void control_attach(struct control *c, struct vm *vm)
{
	bool any = false;

	c->vm = vm;
	qmp_set_vm(c->qmp, vm);
	for (guint i = 0; i < c->config->monitors->len; i++) {
		const struct vm_monitor *m = c->config->monitors->pdata[i];
		struct chardev *chr =
			m->control ? chardevs_monitor(vm_chardevs(vm), m->chardev) : NULL;

		if (chr)
			qmp_attach(c->qmp, chr, m->pretty);
		any |= chr != NULL;
	}
	if (any)
		loop_thread_start(c->thread, "qmp");
}

int control_serve(struct control *c, struct err **errp)
{
	struct chardev *chr;

	if (c->config->qtest && !c->qtest) {
		chr = chardevs_take(vm_chardevs(c->vm), c->config->qtest, errp);
		if (chr)
			c->qtest = qtest_server_new(c->vm, chr, c->config->qtest_log, errp);
		if (!c->qtest)
			return -EIO;
	}
	for (guint i = 0; !c->monitors->len && i < c->config->monitors->len; i++) {
		const struct vm_monitor *m = c->config->monitors->pdata[i];

		chr = m->control ? NULL : chardevs_monitor(vm_chardevs(c->vm), m->chardev);
		if (chr)
			g_ptr_array_add(c->monitors, monitor_new(chr, &monitor_ops, c));
	}
	return 0;
}

void control_detach(struct control *c)
{
	loop_thread_stop(c->thread);
	g_clear_pointer(&c->qtest, qtest_server_free);
	g_ptr_array_set_size(c->monitors, 0);
	qmp_close(c->qmp);
	qmp_set_vm(c->qmp, NULL);
	c->vm = NULL;
}

void control_free(struct control *c)
{
	if (!c)
		return;
	g_ptr_array_free(c->monitors, TRUE);
	qmp_free(c->qmp);
	monitor_free(c->hmp);
	loop_thread_free(c->thread);
	g_free(c);
}
