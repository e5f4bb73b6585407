// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the texts about assigned devices.  Called by the monitor; all that it knows is in the views
 * of hw/vfio.
 */
#include "ctl/info_vfio.h"

#include <inttypes.h>
#include <string.h>

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
