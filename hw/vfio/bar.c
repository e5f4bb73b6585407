// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the BARs of an assigned device: what the guest reaches by mapping and what traps.  The
 * trap region covers the whole BAR and goes to the host by read and write; the mapped parts lie
 * on top of it, the MSI-X table and PBA (msix.c) on top of those.  Called by vdev.c and by the
 * bus when a BAR moves; never decides where a BAR is.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "base/err.h"
#include "hw/vfio/ctx.h"
#include "hw/vfio/vdev.h"
#include "mem/access.h"

#define PAGE 4096ull

static uint64_t bar_read(void *opaque, uint64_t off, unsigned len)
{
	struct vdev_bar *b = opaque;
	uint8_t buf[8];
	ssize_t n = -EIO;

	b->reads++;
	if (off + len <= b->info.size && !b->v->gone)
		n = b->v->be->ops->read(b->v->be, b->nr, off, buf, len);
	if (n != (ssize_t)len) {
		vdev_warn(b->v, "read BAR %u + 0x%" PRIx64 ", %u bytes: %s", b->nr, off, len,
			  n < 0 ? g_strerror((int)-n) : "short");
		memset(buf, 0xff, sizeof(buf));
	}
	vdev_intx_eoi(b->v);
	return le_load(buf, len);
}

static void bar_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct vdev_bar *b = opaque;
	uint8_t buf[8];
	ssize_t n = -EIO;

	b->writes++;
	le_store(buf, val, len);
	if (off + len <= b->info.size && !b->v->gone)
		n = b->v->be->ops->write(b->v->be, b->nr, off, buf, len);
	if (n != (ssize_t)len)
		vdev_warn(b->v, "write BAR %u + 0x%" PRIx64 ", %u bytes: %s", b->nr, off, len,
			  n < 0 ? g_strerror((int)-n) : "short");
	vdev_intx_eoi(b->v);
}

static const struct region_ops bar_ops = {bar_read, bar_write, 1, 8, false};

/* --- mapped parts --------------------------------------------------------------------------- */

/* The pages of the MSI-X table, where the host does not allow them mapped: cut out of an area. */
static unsigned cut_table(const struct vdev *v, unsigned nr, struct vfio_area a,
			  struct vfio_area out[2])
{
	uint64_t start = v->msix.table_off & ~(PAGE - 1);
	uint64_t end = (v->msix.table_off + 16ull * v->msix.vectors + PAGE - 1) & ~(PAGE - 1);
	unsigned n = 0;

	if (!v->msix.pos || v->msix.table_bar != nr || end <= a.off || start >= a.off + a.size) {
		out[0] = a;
		return 1;
	}
	if (a.off < start)
		out[n++] = (struct vfio_area){a.off, start - a.off};
	if (end < a.off + a.size)
		out[n++] = (struct vfio_area){end, a.off + a.size - end};
	return n;
}

/* a in whole pages: the last one may reach past the end of a BAR, but of no area inside of it. */
static struct vfio_area whole_pages(const struct vdev_bar *b, struct vfio_area a)
{
	uint64_t start = (a.off + PAGE - 1) & ~(PAGE - 1), end = a.off + a.size;

	end = end < b->info.size ? end & ~(PAGE - 1) : (end + PAGE - 1) & ~(PAGE - 1);
	return (struct vfio_area){start, end > start ? end - start : 0};
}

static void map_area(struct vdev_bar *b, struct vfio_area area)
{
	struct vfio_area a = whole_pages(b, area);
	bool write = b->info.flags & VFIO_REGION_INFO_FLAG_WRITE;
	struct vdev_map *m;
	void *host;

	if (b->n_maps == G_N_ELEMENTS(b->map) || !a.size)
		return;
	host = b->v->be->ops->map(b->v->be, b->nr, a.off, a.size, write);
	if (host == MAP_FAILED) {
		b->map_errno = errno;
		g_message(VDEV_FMT
			  ": BAR %u, 0x%" PRIx64 " bytes at 0x%" PRIx64
			  " cannot be mapped (%s): each access "
			  "will exit.  /proc/iomem tells whether another driver claims the range.",
			  VDEV_ARG(b->v), b->nr, a.size, a.off, g_strerror(errno));
		return;
	}
	m = &b->map[b->n_maps++];
	*m = (struct vdev_map){.host = host, .off = a.off, .size = a.size};
	region_init_ram(&m->region, "vfio-bar", a.size, host, -1);
	if (!write)
		m->region.kind = REGION_ROM;
	m->region.device = true;
	region_add_sub(&b->trap, &m->region, a.off);
}

static void map_bar(struct vdev_bar *b)
{
	struct vfio_area part[2];

	if (!(b->info.flags & VFIO_REGION_INFO_FLAG_MMAP) || b->v->conf.no_mmap)
		return;
	for (unsigned i = 0; i < b->info.n_areas; i++) {
		unsigned n = 1;

		if (b->info.msix_mappable)
			part[0] = b->info.area[i];
		else
			n = cut_table(b->v, b->nr, b->info.area[i], part);
		for (unsigned k = 0; k < n; k++)
			map_area(b, part[k]);
	}
}

/* reg: the register as the device has it. */
static void init_bar(struct vdev_bar *b, uint32_t reg)
{
	bool io = reg & PCI_BASE_ADDRESS_SPACE_IO;

	if (b->nr == PCI_BARS - 1 && !io) /* the last one has no upper half */
		reg &= ~(uint32_t)PCI_BASE_ADDRESS_MEM_TYPE_64;
	for (b->size = io ? 4 : 16; b->size < b->info.size; b->size *= 2)
		;
	region_init_io(&b->trap, io ? "vfio-io" : "vfio-mem", b->size, &bar_ops, b);
	b->trap.lock = &b->v->lock;
	pcidev_set_bar(&b->v->dev, b->nr, &b->trap, b->size, reg & (io ? 3 : 15));
	if (!io)
		map_bar(b);
}

int vdev_bars_init(struct vdev *v, struct err **errp)
{
	uint32_t reg[PCI_BARS];

	for (unsigned i = 0; i < PCI_BARS; i++) {
		if (v->bar[i].info.size > 1ull << 62)
			return err_set(errp, -EINVAL,
				       "BAR %u of 0x%" PRIx64 " bytes: no BAR is that large", i,
				       v->bar[i].info.size);
		reg[i] = pci_get32(v->dev.cfg + PCI_BASE_ADDRESS_0 + 4 * i);
		memset(v->emu + PCI_BASE_ADDRESS_0 + 4 * i, 0xff, 4);
		pci_set32(v->dev.cfg + PCI_BASE_ADDRESS_0 + 4 * i, 0);
	}
	for (unsigned i = 0; i < PCI_BARS; i++)
		if (v->bar[i].info.size)
			init_bar(&v->bar[i], reg[i]);
	return 0;
}

void vdev_bars_shrink(struct vdev *v)
{
	for (unsigned i = 0; i < PCI_BARS; i++) {
		aspace_unmap(v->ctx->env.mem, v->bar[i].grown);
		v->bar[i].grown = NULL;
	}
}

void vdev_bars_fini(struct vdev *v)
{
	for (unsigned i = 0; i < PCI_BARS; i++) {
		struct vdev_bar *b = &v->bar[i];

		for (unsigned k = 0; k < b->n_maps; k++) {
			region_del_sub(&b->trap, &b->map[k].region);
			munmap(b->map[k].host, b->map[k].size);
		}
		b->n_maps = 0;
	}
}

/*
 * Off: every access traps, so that one of them can tell that the guest serves its interrupt.  A
 * device that sleeps stays off, whoever asks.
 */
void vdev_bars_enable_maps(struct vdev *v, bool on)
{
	struct aspace *mem = v->ctx->env.mem;
	bool change = false;

	on = on && !v->asleep;
	for (unsigned i = 0; i < PCI_BARS; i++)
		for (unsigned k = 0; k < v->bar[i].n_maps; k++)
			change |= v->bar[i].map[k].region.disabled == on;
	if (!change)
		return;
	aspace_begin(mem);
	for (unsigned i = 0; i < PCI_BARS; i++)
		for (unsigned k = 0; k < v->bar[i].n_maps; k++)
			v->bar[i].map[k].region.disabled = !on;
	aspace_commit(mem);
}

/*
 * A BAR smaller than a page can only be mapped as a whole page.  Where the guest put it at the
 * start of one, the rest of that page shows the same mapping below everything else, which makes
 * the page whole.
 */
void vdev_bars_moved(struct pcidev *d)
{
	struct vdev *v = vdev_of(d);
	struct aspace *mem = v->ctx->env.mem;

	for (unsigned i = 0; i < PCI_BARS; i++) {
		struct vdev_bar *b = &v->bar[i];
		uint64_t addr = d->bar[i].addr;

		if (!b->n_maps || b->size >= PAGE)
			continue;
		aspace_begin(mem);
		aspace_unmap(mem, b->grown);
		b->grown = NULL;
		if (addr != UINT64_MAX && !(addr & (PAGE - 1)))
			b->grown = aspace_map(mem, &b->map[0].region, addr, 0, PAGE, -2);
		aspace_commit(mem);
	}
}
