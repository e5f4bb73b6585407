// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the machine's chardevs by id.  Called by the machine and by QMP; reads and writes none. */
#include "vm/chardevs.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "vm/config.h"

struct port_chardev {
	char *id;
	struct chardev *chr;
	struct chardev_mux *mux;
	bool taken;
};

struct chardevs {
	const struct vm_config *config;
	GMainContext *control;
	GArray *list; /* of struct port_chardev */
};

struct chardevs *chardevs_new(const struct vm_config *config, GMainContext *control)
{
	struct chardevs *s = g_new0(struct chardevs, 1);

	s->config = config;
	s->control = control;
	s->list = g_array_new(FALSE, TRUE, sizeof(struct port_chardev));
	return s;
}

/* QMP is read by a thread of its own, so that it is heard whatever the main loop does. */
static GMainContext *context_of(const struct chardevs *s, const struct chardev_conf *conf)
{
	for (guint i = 0; !conf->mux && i < s->config->monitors->len; i++) {
		const struct vm_monitor *m = s->config->monitors->pdata[i];

		if (m->control && !strcmp(m->chardev, conf->id))
			return s->control;
	}
	return NULL;
}

int chardevs_open(struct chardevs *s, void (*quit)(void *opaque), void *opaque, struct err **errp)
{
	for (guint i = 0; i < s->config->chardevs->len; i++) {
		struct chardev_conf *conf = s->config->chardevs->pdata[i];
		struct port_chardev p = {.id = g_strdup(conf->id)};

		conf->context = context_of(s, conf);
		p.chr = chardev_new(conf, errp);
		if (p.chr && conf->mux)
			p.mux = chardev_mux_new(p.chr, quit, opaque);
		g_array_append_val(s->list, p);
		if (!p.chr)
			return -EIO;
	}
	return 0;
}

struct chardev *chardevs_take(struct chardevs *s, const char *id, struct err **errp)
{
	for (guint i = 0; i < s->list->len; i++) {
		struct port_chardev *p = &g_array_index(s->list, struct port_chardev, i);

		if (strcmp(p->id, id))
			continue;
		if (p->taken) {
			err_set(errp, -EBUSY, "chardev '%s' is used by another device", id);
			return NULL;
		}
		p->taken = true;
		return p->mux ? chardev_mux_side(p->mux, 0) : p->chr;
	}
	err_set(errp, -ENOENT, "there is no chardev '%s'", id);
	return NULL;
}

struct chardev *chardevs_monitor(struct chardevs *s, const char *id)
{
	for (guint i = 0; i < s->list->len; i++) {
		struct port_chardev *p = &g_array_index(s->list, struct port_chardev, i);

		if (!strcmp(p->id, id))
			return p->mux ? chardev_mux_side(p->mux, 1) : p->chr;
	}
	return NULL;
}

int chardevs_add(struct chardevs *s, struct chardev_conf *conf, struct err **errp)
{
	struct port_chardev p = {.id = g_strdup(conf->id)};

	if (vm_config_chardev(s->config, conf->id)) {
		g_free(p.id);
		return err_set(errp, -EEXIST, "Chardev with id '%s' already exists", conf->id);
	}
	p.chr = chardev_new(conf, errp);
	if (!p.chr) {
		g_free(p.id);
		return -EIO;
	}
	g_array_append_val(s->list, p);
	g_ptr_array_add(s->config->chardevs, conf);
	return 0;
}

static bool is_monitor(const struct chardevs *s, const char *id)
{
	for (guint i = 0; i < s->config->monitors->len; i++)
		if (!strcmp(((struct vm_monitor *)s->config->monitors->pdata[i])->chardev, id))
			return true;
	return false;
}

int chardevs_remove(struct chardevs *s, const char *id, struct err **errp)
{
	for (guint i = 0; i < s->list->len; i++) {
		struct port_chardev *p = &g_array_index(s->list, struct port_chardev, i);

		if (strcmp(p->id, id))
			continue;
		if (p->taken || p->mux || is_monitor(s, id))
			return err_set(errp, -EBUSY, "Chardev '%s' is busy", id);
		chardev_free(p->chr);
		g_free(p->id);
		g_array_remove_index(s->list, i);
		g_ptr_array_remove(s->config->chardevs, vm_config_chardev(s->config, id));
		return 0;
	}
	return err_set(errp, -ENOENT, "Chardev '%s' not found", id);
}

void chardevs_describe(struct chardevs *s, const char *id, GString *out)
{
	for (guint i = 0; i < s->list->len; i++) {
		struct port_chardev *p = &g_array_index(s->list, struct port_chardev, i);

		if (!strcmp(p->id, id) && p->chr)
			chardev_describe(p->chr, out);
	}
}

void chardevs_free(struct chardevs *s)
{
	if (!s)
		return;
	for (guint i = 0; i < s->list->len; i++) {
		struct port_chardev *p = &g_array_index(s->list, struct port_chardev, i);

		chardev_mux_free(p->mux);
		chardev_free(p->chr);
		g_free(p->id);
	}
	g_array_free(s->list, TRUE);
	g_free(s);
}
