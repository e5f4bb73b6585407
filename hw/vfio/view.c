// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the making of views: facts of a device gathered under its lock.  Called by the monitors;
 * changes nothing and prints nothing.
 */
#include "hw/vfio/view.h"

#include <string.h>

#include "hw/vfio/ctx.h"
#include "hw/vfio/vdev.h"

#define PAGE 4096ull

/* --- what is mapped ------------------------------------------------------------------------- */

struct piece {
	uint64_t start, end;
};

/* The pages that hold size bytes at off. */
static struct piece pages(uint64_t off, uint64_t size)
{
	return (struct piece){off & ~(PAGE - 1), (off + size + PAGE - 1) & ~(PAGE - 1)};
}

static bool in(struct piece p, uint64_t off)
{
	return off >= p.start && off < p.end;
}

static struct piece table_of(const struct vdev_bar *b)
{
	const struct vdev_msix *x = &b->v->msix;

	return x->pos && x->table_bar == b->nr ? pages(x->table_off, 16ull * x->vectors)
					       : (struct piece){0, 0};
}

static struct piece pba_of(const struct vdev_bar *b)
{
	const struct vdev_msix *x = &b->v->msix;

	return x->pos && x->pba_bar == b->nr ? pages(x->pba_off, (x->vectors + 63) / 64 * 8)
					     : (struct piece){0, 0};
}

static const struct vdev_map *map_at(const struct vdev_bar *b, uint64_t off)
{
	for (unsigned i = 0; i < b->n_maps; i++)
		if (off >= b->map[i].off && off - b->map[i].off < b->map[i].size)
			return &b->map[i];
	return NULL;
}

static bool in_area(const struct vdev_bar *b, uint64_t off)
{
	for (unsigned i = 0; i < b->info.n_areas; i++)
		if (off >= b->info.area[i].off && off - b->info.area[i].off < b->info.area[i].size)
			return true;
	return false;
}

/* There is no mapping of it in this process. */
static char *why_never(const struct vdev_bar *b, uint64_t off)
{
	if (b->v->conf.no_mmap)
		return g_strdup("x-no-mmap");
	if (b->info.registers)
		return g_strdup("registers of an emulated device");
	if (!(b->info.flags & VFIO_REGION_INFO_FLAG_MMAP))
		return g_strdup(b->info.size < PAGE
					? "BAR smaller than a page, which the host does not map"
					: "the host does not allow mapping");
	if (b->info.sparse && !in_area(b, off))
		return g_strdup("hole in the host's list of areas to map");
	if (b->map_errno)
		return g_strdup_printf("the host's mmap failed: %s", g_strerror(b->map_errno));
	return g_strdup("no whole page of an area to map");
}

/* There is one, which the guest does not have for now. */
static char *why_now(const struct vdev *v)
{
	if (v->asleep)
		return g_strdup("the device sleeps");
	if (v->intx.pending)
		return g_strdup("INTx is pending: the first access is its EOI");
	return g_strdup("INTx was pending: mapped again when it has been quiet");
}

struct look {
	uint64_t addr;
	const struct region *region; /* what guest memory shows of the page at addr, if only one */
};

static void look_at(void *opaque, const struct mrange *r)
{
	struct look *l = opaque;

	if (r->start <= l->addr && l->addr + PAGE - 1 <= r->last)
		l->region = r->region;
}

/* A BAR below a page is reached without an exit where it has the page to itself. */
static char *why_small(const struct vdev_bar *b)
{
	struct look l = {.addr = b->v->dev.bar[b->nr].addr};

	if (l.addr == UINT64_MAX || l.addr & (PAGE - 1))
		return g_strdup("BAR smaller than a page, not at the start of one");
	aspace_foreach(b->v->ctx->env.mem, look_at, &l);
	return l.region == &b->map[0].region ? NULL
					     : g_strdup("BAR smaller than a page, which it shares");
}

static char *why_traps(const struct vdev_bar *b, uint64_t off)
{
	const struct vdev_map *m;

	if (b->v->dev.bar[b->nr].flags & PCI_BASE_ADDRESS_SPACE_IO)
		return g_strdup("I/O ports");
	if (in(table_of(b), off))
		return g_strdup(in(pba_of(b), off) ? "MSI-X table and pending bits in that page"
						   : "MSI-X table in that page");
	if (in(pba_of(b), off))
		return g_strdup("MSI-X pending bits in that page");
	m = map_at(b, off);
	if (!m && off >= b->info.size)
		return g_strdup("past the end of the host's region");
	if (!m)
		return why_never(b, off);
	if (m->region.disabled)
		return why_now(b->v);
	return b->size < PAGE ? why_small(b) : NULL;
}

static void range_clear(gpointer p)
{
	g_free(((struct view_range *)p)->why);
}

static gint by_value(gconstpointer a, gconstpointer b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void cut(GArray *at, const struct vdev_bar *b, uint64_t start, uint64_t end)
{
	start = MIN(start, b->size);
	end = MIN(end, b->size);
	g_array_append_val(at, start);
	g_array_append_val(at, end);
}

/* Every offset where the answer may change. */
static GArray *cuts(const struct vdev_bar *b)
{
	GArray *at = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	struct piece table = table_of(b), pba = pba_of(b);

	cut(at, b, 0, b->size);
	cut(at, b, 0, b->info.size);
	cut(at, b, table.start, table.end);
	cut(at, b, pba.start, pba.end);
	for (unsigned i = 0; i < b->n_maps; i++)
		cut(at, b, b->map[i].off, b->map[i].off + b->map[i].size);
	for (unsigned i = 0; i < b->info.n_areas; i++)
		cut(at, b, b->info.area[i].off, b->info.area[i].off + b->info.area[i].size);
	g_array_sort(at, by_value);
	return at;
}

static void add_range(GArray *ranges, uint64_t start, uint64_t end, char *why)
{
	struct view_range r = {start, end - start, why};
	struct view_range *last =
		ranges->len ? &g_array_index(ranges, struct view_range, ranges->len - 1) : NULL;

	if (last && !g_strcmp0(last->why, why)) {
		last->size += r.size;
		g_free(why);
	} else {
		g_array_append_val(ranges, r);
	}
}

static GArray *ranges_new(void)
{
	GArray *ranges = g_array_new(FALSE, FALSE, sizeof(struct view_range));

	g_array_set_clear_func(ranges, range_clear);
	return ranges;
}

static GArray *ranges_of(const struct vdev_bar *b)
{
	GArray *ranges = ranges_new();
	g_autoptr(GArray) at = cuts(b);

	for (guint i = 1; i < at->len; i++) {
		uint64_t start = g_array_index(at, uint64_t, i - 1);
		uint64_t end = g_array_index(at, uint64_t, i);

		if (start < end)
			add_range(ranges, start, end, why_traps(b, start));
	}
	return ranges;
}

/* --- regions -------------------------------------------------------------------------------- */

static void add_bar(GArray *regions, const struct vdev_bar *b)
{
	const struct pcibar *bar = &b->v->dev.bar[b->nr];
	bool io = bar->flags & PCI_BASE_ADDRESS_SPACE_IO;
	struct view_region r = {
		.index = b->nr,
		.kind = io ? "io" : "memory",
		.is_64 = !io && bar->flags & PCI_BASE_ADDRESS_MEM_TYPE_64,
		.prefetch = !io && bar->flags & PCI_BASE_ADDRESS_MEM_PREFETCH,
		.size = b->size,
		.addr = bar->addr,
		.reads = b->reads,
		.writes = b->writes,
	};

	if (!b->size)
		return;
	r.ranges = ranges_of(b);
	g_array_append_val(regions, r);
}

static void add_rom(GArray *regions, const struct vdev *v)
{
	struct view_region r = {
		.index = VFIO_PCI_ROM_REGION_INDEX,
		.kind = "rom",
		.size = v->rom.size,
		.addr = v->dev.bar[PCI_ROM_BAR].addr,
		.reads = v->rom.reads,
	};

	if (!v->rom.size)
		return;
	r.ranges = ranges_new();
	add_range(r.ranges, 0, r.size,
		  g_strdup(v->conf.romfile ? "the file of romfile=" : "a copy, read once"));
	g_array_append_val(regions, r);
}

static void region_clear(gpointer p)
{
	g_array_free(((struct view_region *)p)->ranges, TRUE);
}

static GArray *regions_of(const struct vdev *v)
{
	GArray *regions = g_array_new(FALSE, FALSE, sizeof(struct view_region));

	g_array_set_clear_func(regions, region_clear);
	for (unsigned i = 0; i < PCI_BARS; i++)
		add_bar(regions, &v->bar[i]);
	add_rom(regions, v);
	return regions;
}

uint64_t view_mapped(const struct view_region *r)
{
	uint64_t n = 0;

	for (guint i = 0; i < r->ranges->len; i++) {
		const struct view_range *x = &g_array_index(r->ranges, struct view_range, i);

		n += x->why ? 0 : x->size;
	}
	return n;
}

/* --- interrupts ----------------------------------------------------------------------------- */

static void count_vector(struct view_interrupts *irq, const struct vdev_vector *vec)
{
	irq->irqfd += vec->bound;
	irq->watched += vec->watch != 0;
}

/* By the guest's registers, whatever became of its wish. */
static unsigned asked(const struct vdev *v)
{
	unsigned n = 0;

	if (v->msix.state && pcimsix_enabled(v->msix.state)) {
		for (unsigned i = 0; i < v->msix.vectors; i++)
			n += pcimsix_vector_on(v->msix.state, i);
		return n;
	}
	if (vdev_msi_on(v))
		return vdev_msi_asked(v);
	return v->dev.cfg[PCI_INTERRUPT_PIN] &&
	       !(pci_get16(v->dev.cfg + PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE);
}

static struct view_interrupts interrupts_of(const struct vdev *v)
{
	static const char *const modes[] = {
		[VDEV_INT_NONE] = "none",
		[VDEV_INT_INTX] = "INTx",
		[VDEV_INT_MSI] = "MSI",
		[VDEV_INT_MSIX] = "MSI-X",
	};
	struct view_interrupts irq = {
		.mode = modes[v->mode],
		.asked = asked(v),
		.watched_events = v->heard + v->intx.count,
	};

	if (v->mode == VDEV_INT_INTX) {
		irq.armed = 1;
		irq.irqfd = v->intx.gsi >= 0;
		irq.watched = v->intx.watch != 0;
	}
	for (unsigned i = 0; v->mode == VDEV_INT_MSI && i < v->msi.n; i++) {
		irq.armed++;
		count_vector(&irq, &v->msi.vec[i]);
	}
	for (unsigned i = 0; v->mode == VDEV_INT_MSIX && i < v->msix.vectors; i++) {
		irq.armed += v->msix.vec[i].armed;
		count_vector(&irq, &v->msix.vec[i]);
	}
	return irq;
}

/* --- the whole ------------------------------------------------------------------------------ */

static struct view_resets resets_of(struct vdev *v)
{
	struct view_resets r = {
		.ioctl = v->be->flags & VFIO_DEVICE_FLAGS_RESET,
		.flr = v->flr,
		.pm = vdev_has_pm_reset(v),
		.hot_known = v->be->ops->hot_reset_check,
	};

	if (r.hot_known)
		r.hot = v->be->ops->hot_reset_check(v->be);
	return r;
}

static struct vfio_view *view_of(struct vdev *v)
{
	struct vfio_view *w = g_new0(struct vfio_view, 1);
	uint16_t bdf;

	g_strlcpy(w->id, v->dev.name, sizeof(w->id));
	g_strlcpy(w->host, v->be->bdf, sizeof(w->host));
	if (v->dev.bus) {
		bdf = pcidev_bdf(&v->dev);
		g_snprintf(w->guest, sizeof(w->guest), "%02x:%02x.%x", bdf >> 8,
			   PCI_SLOT(v->dev.devfn), PCI_FUNC(v->dev.devfn));
	}
	w->backend = v->be->backend ?: v->be->ops->name;
	w->group = v->be->group;
	w->asleep = v->asleep;
	w->gone = v->gone;
	w->regions = regions_of(v);
	w->irq = interrupts_of(v);
	w->resets = resets_of(v);
	w->cfg_reads = __atomic_load_n(&v->cfg_reads, __ATOMIC_RELAXED);
	w->cfg_writes = v->cfg_writes;
	w->has_dma = v->be->ops->dma_info;
	if (w->has_dma)
		v->be->ops->dma_info(v->be, &w->dma);
	return w;
}

static void view_free(gpointer p)
{
	struct vfio_view *w = p;

	g_array_free(w->regions, TRUE);
	g_free(w);
}

/* Addresses are the bus's: its lock comes first. */
static struct vfio_view *view_locked(struct vdev *v)
{
	struct pcihost *host = v->dev.bus ? v->dev.bus->host : NULL;
	struct vfio_view *w;

	if (host)
		pthread_mutex_lock(&host->lock);
	pthread_mutex_lock(&v->lock);
	w = view_of(v);
	pthread_mutex_unlock(&v->lock);
	if (host)
		pthread_mutex_unlock(&host->lock);
	return w;
}

GPtrArray *vfio_view_all(struct vfio_ctx *ctx)
{
	GPtrArray *all = g_ptr_array_new_with_free_func(view_free);

	for (guint i = 0; i < ctx->devices->len; i++)
		g_ptr_array_add(all, view_locked(ctx->devices->pdata[i]));
	return all;
}
