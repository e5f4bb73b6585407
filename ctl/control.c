// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the front ends and what joins them to the machine.  Called by main.c; decides nothing
 * itself.
 */
#include "ctl/control.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/loop_thread.h"
#include "ctl/monitor.h"
#include "ctl/qtest.h"
#include "vm/config.h"
#include "vm/vm.h"

struct control {
	const struct vm_config *config;
	struct vm *vm;
	struct vm_ops ops;
	struct loop_thread *thread; /* hears QMP clients */
	GPtrArray *monitors;        /* of struct monitor */
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

static bool mon_info(void *opaque, const char *what, GString *out)
{
	return vm_info(((struct control *)opaque)->vm, what, out);
}

static const struct monitor_ops monitor_ops = {mon_quit,  mon_stop,      mon_cont,
					       mon_reset, mon_powerdown, mon_info};

/* --- events --- */

static void on_event(void *opaque, const struct vm_event *ev)
{
}

/* --- life --- */

struct control *control_new(const struct vm_config *config)
{
	struct control *c = g_new0(struct control, 1);

	c->config = config;
	c->thread = loop_thread_new();
	c->ops = (struct vm_ops){on_event, c, loop_thread_context(c->thread)};
	c->monitors = g_ptr_array_new_with_free_func((GDestroyNotify)monitor_free);
	return c;
}

const struct vm_ops *control_vm_ops(struct control *c)
{
	return &c->ops;
}

void control_attach(struct control *c, struct vm *vm)
{
	c->vm = vm;
}

int control_serve(struct control *c, struct err **errp)
{
	struct chardev *chr;

	if (c->config->qtest && !c->qtest) {
		chr = vm_take_chardev(c->vm, c->config->qtest, errp);
		if (chr)
			c->qtest = qtest_server_new(c->vm, chr, c->config->qtest_log, errp);
		if (!c->qtest)
			return -EIO;
	}
	for (guint i = 0; !c->monitors->len && i < c->config->monitors->len; i++) {
		const struct vm_monitor *m = c->config->monitors->pdata[i];

		chr = m->control ? NULL : vm_monitor_chardev(c->vm, m->chardev);
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
}

void control_free(struct control *c)
{
	if (!c)
		return;
	g_ptr_array_free(c->monitors, TRUE);
	loop_thread_free(c->thread);
	g_free(c);
}
