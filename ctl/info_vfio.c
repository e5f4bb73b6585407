// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the texts about assigned devices.  Called by the monitor; all that it knows is in the views
 * of hw/vfio.
 */
#include "ctl/info_vfio.h"

#include <inttypes.h>
#include <string.h>

#include "base/err.h"
#include "hw/vfio/owners.h"
#include "hw/vfio/view.h"

/* --- info vfio --- */

static void show_range(const struct view_range *r, GString *out)
{
	g_string_append_printf(out, "    0x%" PRIx64 "-0x%" PRIx64 " %s%s\n", r->off,
			       r->off + r->size - 1, r->why ? "traps: " : "mapped", r->why ?: "");
}

static void show_region(const struct view_region *r, GString *out)
{
	if (strcmp(r->kind, "rom"))
		g_string_append_printf(out, "  BAR %u:", r->index);
	else
		g_string_append(out, "  ROM:");
	g_string_append_printf(
		out, " %s%s%s, 0x%" PRIx64 " bytes", strcmp(r->kind, "io") ? "memory" : "I/O ports",
		r->is_64 ? ", 64 bits" : "", r->prefetch ? ", prefetchable" : "", r->size);
	if (r->addr == UINT64_MAX)
		g_string_append(out, " not decoded");
	else
		g_string_append_printf(out, " at 0x%" PRIx64, r->addr);
	g_string_append_printf(
		out, ", 0x%" PRIx64 " mapped, %" PRIu64 " reads and %" PRIu64 " writes trapped\n",
		view_mapped(r), r->reads, r->writes);
	for (guint i = 0; i < r->ranges->len; i++)
		show_range(&g_array_index(r->ranges, struct view_range, i), out);
}

static void show_interrupts(const struct view_interrupts *irq, GString *out)
{
	g_string_append_printf(out, "  Interrupts: %s, %u vectors asked for, %u armed", irq->mode,
			       irq->asked, irq->armed);
	g_string_append_printf(out, ": %u by irqfd, %u watched here with %" PRIu64 " events\n",
			       irq->irqfd, irq->watched, irq->watched_events);
}

static void show_resets(const struct view_resets *r, GString *out)
{
	g_string_append_printf(out, "  Resets: %s%s%s%s", r->ioctl ? "VFIO_DEVICE_RESET" : "none",
			       r->flr ? ", function level" : "",
			       r->pm ? ", by power management" : "",
			       r->hot_known && !r->hot ? ", bus or slot" : "");
	if (r->hot_known && r->hot < 0)
		g_string_append_printf(out, "; not bus or slot: %s", g_strerror(-r->hot));
	g_string_append_c(out, '\n');
}

static void show_device(const struct vfio_view *w, GString *out)
{
	g_string_append_printf(out, "%s: host %s, backend %s, group %u", w->id, w->host, w->backend,
			       w->group);
	if (w->has_dma)
		g_string_append_printf(out, ", container %u", w->dma.container);
	g_string_append_printf(out, ", guest %s%s%s\n", *w->guest ? w->guest : "nowhere",
			       w->asleep ? ", asleep" : "", w->gone ? ", gone" : "");
	for (guint i = 0; i < w->regions->len; i++)
		show_region(&g_array_index(w->regions, struct view_region, i), out);
	show_interrupts(&w->irq, out);
	show_resets(&w->resets, out);
	g_string_append_printf(
		out, "  Config space: %" PRIu64 " reads and %" PRIu64 " writes of the guest\n",
		w->cfg_reads, w->cfg_writes);
	if (w->has_dma)
		g_string_append_printf(out,
				       "  DMA: %" PRIu64 " mappings, %" PRIu64
				       " MiB of the container; %" PRIu64 " ranges of other devices "
				       "not reachable\n",
				       w->dma.maps, w->dma.bytes >> 20, w->dma.failed);
}

void info_vfio(struct vfio_ctx *ctx, GString *out)
{
	g_autoptr(GPtrArray) all = ctx ? vfio_view_all(ctx) : NULL;

	for (guint i = 0; all && i < all->len; i++)
		show_device(all->pdata[i], out);
}

/* --- x-vfio-config --- */

#define ROW 16
#define PLAIN "\033[0m"

/* Letters, and colours that can be told apart on light and dark ground. */
static const struct {
	char letter;
	const char *color, *about;
} looks[CFG_OWNERS] = {
	[CFG_DEVICE] = {' ', PLAIN, "read from the hardware"},
	[CFG_VIRTUAL] = {'v', "\033[36m", "kept by the host's VFIO"},
	[CFG_OVERLAY] = {'o', "\033[1;32m", "kept by sluice"},
	[CFG_HIDDEN] = {'h', "\033[31m", "of a capability taken out of its chain"},
};

static void show_byte(const struct cfg_owners *o, unsigned i, bool color, GString *out)
{
	enum cfg_owner who = o->owner[i];

	if (!color)
		g_string_append_printf(out, " %02x%c", o->value[i], looks[who].letter);
	else
		g_string_append_printf(out, " %s%02x%s", looks[who].color, o->value[i],
				       who == CFG_DEVICE ? "" : PLAIN);
}

static bool same_as_last(const struct cfg_owners *o, unsigned row)
{
	return row && !memcmp(o->value + row, o->value + row - ROW, ROW) &&
	       !memcmp(o->owner + row, o->owner + row - ROW, ROW);
}

/* Rows that repeat the one before are one "*", as in other dumps. */
static void show_map(const struct cfg_owners *o, bool color, GString *out)
{
	bool star = false;

	for (unsigned row = 0; row < o->size; row += ROW) {
		if (same_as_last(o, row)) {
			g_string_append(out, star ? "" : "*\n");
			star = true;
			continue;
		}
		star = false;
		g_string_append_printf(out, "%03x:", row);
		for (unsigned i = row; i < row + ROW; i++)
			show_byte(o, i, color, out);
		g_string_truncate(out, out->len - (out->str[out->len - 1] == ' '));
		g_string_append_c(out, '\n');
	}
}

static void show_legend(bool color, GString *out)
{
	for (int i = 0; i < CFG_OWNERS; i++)
		if (color)
			g_string_append_printf(out, "%s%s" PLAIN ": %s\n", looks[i].color,
					       cfg_owner_names[i], looks[i].about);
		else
			g_string_append_printf(out, "%c %s: %s\n", looks[i].letter,
					       cfg_owner_names[i], looks[i].about);
}

static void show_span(const struct cfg_owners *o, const struct cfg_span *s, GString *out)
{
	g_string_append_printf(out, "%03x-%03x %-7s ", s->off, s->off + s->len - 1,
			       cfg_owner_names[s->owner]);
	if (s->mask == 0xff)
		g_string_append(out, "        ");
	else
		g_string_append_printf(out, "bits %02x ", s->mask);
	g_string_append(out, s->name);
	g_string_append(out, s->len > ROW ? " = ..." : " = ");
	for (unsigned i = 0; s->len <= ROW && i < s->len; i++)
		g_string_append_printf(out, "%02x", o->value[s->off + i]);
	g_string_append_c(out, '\n');
}

void info_vfio_config(struct vfio_ctx *ctx, const char *which, bool color, GString *out)
{
	struct err *e = NULL;
	struct cfg_owners *o = cfg_owners_new(ctx, which, &e);

	if (!o) {
		g_string_append_printf(out, "Error: %s\n%s", err_text(e), err_hints(e));
		err_free(e);
		return;
	}
	g_string_append_printf(out, "%s: host %s, %u bytes as the guest reads them\n", o->id,
			       o->host, o->size);
	show_map(o, color, out);
	show_legend(color, out);
	for (guint i = 0; i < o->spans->len; i++)
		show_span(o, &g_array_index(o->spans, struct cfg_span, i), out);
	cfg_owners_free(o);
}
