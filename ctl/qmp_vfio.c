// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the commands about assigned devices: the views of hw/vfio as JSON.  Called through the
 * table; changes nothing.
 */
#include <errno.h>

#include "base/err.h"
#include "ctl/qmp_cmds.h"
#include "hw/vfio/owners.h"
#include "hw/vfio/view.h"
#include "vm/board.h"
#include "vm/vm.h"

static void put(JsonObject *o, const char *name, uint64_t value)
{
	json_object_set_int_member(o, name, (gint64)value);
}

/* --- x-query-vfio --- */

static JsonArray *ranges_of(const GArray *ranges)
{
	JsonArray *a = json_array_new();

	for (guint i = 0; i < ranges->len; i++) {
		const struct view_range *r = &g_array_index(ranges, struct view_range, i);
		JsonObject *o = json_object_new();

		put(o, "offset", r->off);
		put(o, "size", r->size);
		json_object_set_boolean_member(o, "mapped", !r->why);
		if (r->why)
			json_object_set_string_member(o, "reason", r->why);
		json_array_add_object_element(a, o);
	}
	return a;
}

static JsonArray *regions_of(const GArray *regions)
{
	JsonArray *a = json_array_new();

	for (guint i = 0; i < regions->len; i++) {
		const struct view_region *r = &g_array_index(regions, struct view_region, i);
		JsonObject *o = json_object_new();

		put(o, "region", r->index);
		json_object_set_string_member(o, "kind", r->kind);
		put(o, "size", r->size);
		if (r->addr != UINT64_MAX)
			put(o, "guest-address", r->addr);
		json_object_set_boolean_member(o, "mem-type-64", r->is_64);
		json_object_set_boolean_member(o, "prefetch", r->prefetch);
		json_object_set_array_member(o, "ranges", ranges_of(r->ranges));
		put(o, "trapped-reads", r->reads);
		put(o, "trapped-writes", r->writes);
		json_array_add_object_element(a, o);
	}
	return a;
}

static JsonObject *interrupts_of(const struct view_interrupts *irq)
{
	JsonObject *o = json_object_new();

	json_object_set_string_member(o, "mode", irq->mode);
	put(o, "asked", irq->asked);
	put(o, "armed", irq->armed);
	put(o, "irqfd", irq->irqfd);
	put(o, "watched", irq->watched);
	put(o, "watched-events", irq->watched_events);
	return o;
}

static JsonObject *resets_of(const struct view_resets *r)
{
	JsonObject *o = json_object_new();

	json_object_set_boolean_member(o, "vfio-device-reset", r->ioctl);
	json_object_set_boolean_member(o, "flr", r->flr);
	json_object_set_boolean_member(o, "pm", r->pm);
	if (r->hot_known)
		json_object_set_boolean_member(o, "hot", r->hot >= 0);
	if (r->hot_known && r->hot < 0)
		json_object_set_string_member(o, "hot-refused", g_strerror(-r->hot));
	return o;
}

static JsonObject *dma_of(const struct vfio_dma_info *dma)
{
	JsonObject *o = json_object_new();

	put(o, "container", dma->container);
	put(o, "maps", dma->maps);
	put(o, "bytes", dma->bytes);
	put(o, "not-mapped", dma->failed);
	return o;
}

static JsonObject *device_of(const struct vfio_view *w)
{
	JsonObject *o = json_object_new();

	json_object_set_string_member(o, "id", w->id);
	json_object_set_string_member(o, "host", w->host);
	json_object_set_string_member(o, "backend", w->backend);
	put(o, "group", w->group);
	if (*w->guest)
		json_object_set_string_member(o, "bdf", w->guest);
	json_object_set_boolean_member(o, "asleep", w->asleep);
	json_object_set_boolean_member(o, "gone", w->gone);
	json_object_set_array_member(o, "regions", regions_of(w->regions));
	json_object_set_object_member(o, "interrupts", interrupts_of(&w->irq));
	json_object_set_object_member(o, "resets", resets_of(&w->resets));
	put(o, "config-reads", w->cfg_reads);
	put(o, "config-writes", w->cfg_writes);
	if (w->has_dma)
		json_object_set_object_member(o, "dma", dma_of(&w->dma));
	return o;
}

JsonNode *qmp_query_vfio(struct qmp_call *c, struct err **errp)
{
	struct vfio_ctx *ctx = vm_board(c->vm)->vfio;
	g_autoptr(GPtrArray) all = ctx ? vfio_view_all(ctx) : NULL;
	JsonArray *a = json_array_new();

	for (guint i = 0; all && i < all->len; i++)
		json_array_add_object_element(a, device_of(all->pdata[i]));
	return qmp_array(a);
}

/* --- x-vfio-config --- */

static JsonObject *span_of(const struct cfg_owners *m, const struct cfg_span *s)
{
	g_autoptr(GString) hex = g_string_new(NULL);
	JsonObject *o = json_object_new();

	for (unsigned i = 0; i < s->len; i++)
		g_string_append_printf(hex, "%02x", m->value[s->off + i]);
	put(o, "offset", s->off);
	put(o, "length", s->len);
	json_object_set_string_member(o, "owner", cfg_owner_names[s->owner]);
	if (s->mask != 0xff)
		put(o, "mask", s->mask);
	json_object_set_string_member(o, "name", s->name);
	json_object_set_string_member(o, "value", hex->str);
	return o;
}

JsonNode *qmp_vfio_config(struct qmp_call *c, struct err **errp)
{
	struct err *e = NULL;
	struct cfg_owners *m = cfg_owners_new(vm_board(c->vm)->vfio, qmp_str(c, "id"), &e);
	JsonArray *spans;
	JsonObject *o;

	if (!m) {
		if (err_code(e) == -ENODEV)
			c->error_class = "DeviceNotFound";
		err_move(errp, e);
		return NULL;
	}
	spans = json_array_new();
	for (guint i = 0; i < m->spans->len; i++)
		json_array_add_object_element(
			spans, span_of(m, &g_array_index(m->spans, struct cfg_span, i)));
	o = json_object_new();
	json_object_set_string_member(o, "id", m->id);
	json_object_set_string_member(o, "host", m->host);
	put(o, "size", m->size);
	json_object_set_array_member(o, "spans", spans);
	cfg_owners_free(m);
	return qmp_object(o);
}
