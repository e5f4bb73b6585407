// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns a container's mappings: which I/O virtual address is which memory of the user (type 1 and
 * type 1 v2).  Called by container.c under the host's lock; devices' accesses are served by the
 * domain (vfio/host/iommu.h), which is told of each mapping.
 *
 * Mappings are a balanced tree by address: a map costs log n, however many there are.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "vfio/device.h"
#include "vfio/host/iommu.h"

#define PAGE 4096ull
#define DMA_ENTRIES 65535u
#define BITMAP_MAX (1ull << 28) /* bytes: 2^31 pages */
#define PAGE_SIZES 0x40201000ull

struct dma {
	uint64_t iova, size, vaddr;
	uint32_t prot; /* VFIO_DMA_MAP_FLAG_* */
	bool vaddr_invalid;
};

struct type1 {
	struct host *host;
	bool v2, dirty;
	GTree *dmas; /* by iova */
	unsigned avail;
	uint64_t pinned;
	struct iommu_domain *domain; /* shared by the container's groups */
	unsigned groups;
};

bool type1_extension(const struct type1 *t, unsigned long ext)
{
	switch (ext) {
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
	case VFIO_TYPE1_NESTING_IOMMU:
	case VFIO_UNMAP_ALL:
		return true;
	case VFIO_UPDATE_VADDR:
		return t != NULL;
	default:
		return false;
	}
}

static gint by_iova(gconstpointer a, gconstpointer b, gpointer opaque)
{
	const struct dma *x = a, *y = b;

	return x->iova < y->iova ? -1 : x->iova > y->iova;
}

int type1_open(struct host *h, unsigned long type, struct type1 **out)
{
	struct type1 *t;
	int ret = host_step(h);

	if (ret < 0)
		return ret;
	if (type != VFIO_TYPE1_IOMMU && type != VFIO_TYPE1v2_IOMMU &&
	    type != VFIO_TYPE1_NESTING_IOMMU)
		return -EINVAL;
	t = g_new0(struct type1, 1);
	t->host = h;
	t->v2 = type != VFIO_TYPE1_IOMMU;
	t->avail = DMA_ENTRIES;
	t->dmas = g_tree_new_full(by_iova, NULL, g_free, NULL);
	t->domain = iommu_domain_new(h);
	*out = t;
	return 0;
}

void type1_free(struct type1 *t)
{
	if (!t)
		return;
	iommu_domain_free(t->domain);
	g_tree_unref(t->dmas);
	g_free(t);
}

int type1_attach(struct type1 *t, struct iommu_group *g)
{
	int ret = host_step(t->host);

	if (ret < 0)
		return ret;
	iommu_attach(g, t->domain);
	t->groups++;
	return 0;
}

void type1_detach(struct type1 *t, struct iommu_group *g)
{
	iommu_attach(g, NULL);
	t->groups--;
}

/* --- finding --- */

static struct dma *value(GTreeNode *n)
{
	return n ? g_tree_node_value(n) : NULL;
}

/* The first mapping that ends after start. */
static GTreeNode *first_node(struct type1 *t, uint64_t start)
{
	struct dma key = {.iova = start};
	GTreeNode *n = g_tree_upper_bound(t->dmas, &key); /* the first with iova > start */
	GTreeNode *p = n ? g_tree_node_previous(n) : g_tree_node_last(t->dmas);
	struct dma *d = value(p);

	return d && d->iova + d->size > start ? p : n;
}

/* A mapping that shares a byte with [start, start + size); size 0: that holds start. */
static struct dma *find_dma(struct type1 *t, uint64_t start, uint64_t size)
{
	struct dma *d = value(first_node(t, start));

	return d && d->iova < start + (size ? size : 1) ? d : NULL;
}

/* --- map --- */

/* Memory of the process from here on, readable or writable as asked? */
static bool in_maps(uint64_t addr, uint64_t size, bool write)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long long start, end;
	char perms[5], line[4200];
	uint64_t at = addr;

	while (f && at < addr + size && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx-%llx %4s", &start, &end, perms) != 3 || end <= at)
			continue;
		if (start > at || perms[0] != 'r' || (write && perms[1] != 'w'))
			break;
		at = end;
	}
	if (f)
		fclose(f);
	return at >= addr + size;
}

/* What pinning would find out; pages that are there already cost little. */
static int check_memory(uint64_t addr, uint64_t size, bool write)
{
	if (addr >> 47)
		return -EFAULT;
	if (size <= 64 * PAGE && !madvise((void *)(uintptr_t)addr, size,
					  write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ))
		return 0;
	return in_maps(addr, size, write) ? 0 : -EFAULT;
}

static int pin_map(struct type1 *t, struct dma *d)
{
	bool write = d->prot & VFIO_DMA_MAP_FLAG_WRITE;
	uint64_t limit = t->host->conf.memlock;
	int ret = check_memory(d->vaddr, d->size, write);

	if (ret < 0)
		return ret;
	if (limit && t->pinned + d->size > limit)
		return -ENOMEM;
	ret = iommu_map(t->domain, d->iova, d->size, (void *)(uintptr_t)d->vaddr, write);
	if (!ret)
		t->pinned += d->size;
	return ret;
}

static int set_vaddr(struct dma *d, const struct vfio_iommu_type1_dma_map *m)
{
	if (!d)
		return -ENOENT;
	if (!d->vaddr_invalid || d->iova != m->iova || d->size != m->size)
		return -EINVAL;
	d->vaddr = m->vaddr;
	d->vaddr_invalid = false;
	return 0;
}

static int do_map(struct type1 *t, const struct vfio_iommu_type1_dma_map *m)
{
	const uint32_t rw = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
	bool renew = m->flags & VFIO_DMA_MAP_FLAG_VADDR;
	struct dma *d;
	int ret;

	if (!(m->flags & rw) != renew)
		return -EINVAL;
	if (!m->size || (m->size | m->iova | m->vaddr) & (PAGE - 1))
		return -EINVAL;
	if (m->iova + m->size - 1 < m->iova || m->vaddr + m->size - 1 < m->vaddr)
		return -EINVAL;
	d = find_dma(t, m->iova, m->size);
	if (renew)
		return set_vaddr(d, m);
	if (d)
		return -EEXIST;
	if (!t->avail)
		return -ENOSPC;
	if (!iommu_iova_ok(t->host, m->iova, m->iova + m->size - 1))
		return -EINVAL;
	ret = host_step(t->host);
	if (ret < 0)
		return ret;
	d = g_new0(struct dma, 1);
	*d = (struct dma){m->iova, m->size, m->vaddr, m->flags & rw, false};
	ret = pin_map(t, d);
	if (ret < 0) {
		g_free(d);
		return ret;
	}
	g_tree_insert(t->dmas, d, d);
	t->avail--;
	return 0;
}

static long map_dma(struct type1 *t, void *arg)
{
	const uint32_t known =
		VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE | VFIO_DMA_MAP_FLAG_VADDR;
	struct vfio_iommu_type1_dma_map m;

	if (!arg)
		return -EFAULT;
	memcpy(&m, arg, sizeof(m));
	if (m.argsz < sizeof(m) || m.flags & ~known)
		return -EINVAL;
	return do_map(t, &m);
}

/* --- unmap --- */

static void remove_dma(struct type1 *t, struct dma *d)
{
	iommu_unmap(t->domain, d->iova, d->size);
	t->pinned -= d->size;
	t->avail++;
	g_tree_remove(t->dmas, d);
}

/* v2: a mapping goes whole or not at all. */
static bool would_split(struct type1 *t, uint64_t iova, uint64_t size)
{
	struct dma *d = find_dma(t, iova, 1);

	if (d && d->iova != iova)
		return true;
	d = find_dma(t, iova + size - 1, 0);
	return d && d->iova + d->size != iova + size;
}

static int invalidate(struct type1 *t, GTreeNode *n, uint64_t end, uint64_t *done)
{
	GTreeNode *first = n;

	for (; n && value(n)->iova < end; n = g_tree_node_next(n)) {
		struct dma *d = value(n);

		if (d->vaddr_invalid) {
			for (GTreeNode *u = first; u != n; u = g_tree_node_next(u))
				value(u)->vaddr_invalid = false;
			*done = 0;
			return -EINVAL;
		}
		d->vaddr_invalid = true;
		*done += d->size;
	}
	return 0;
}

static int user_bitmap(struct type1 *t, const struct vfio_bitmap *b, uint64_t base,
		       const struct dma *d)
{
	uint8_t *bits = (uint8_t *)(uintptr_t)b->data;

	if (!bits)
		return -EFAULT;
	/* Everything that a device could write counts as written. */
	for (uint64_t page = (d->iova - base) / PAGE, n = d->size / PAGE; n; n--, page++)
		bits[page / 8] |= (uint8_t)(1u << (page % 8));
	return 0;
}

static int do_unmap(struct type1 *t, struct vfio_iommu_type1_dma_unmap *u,
		    const struct vfio_bitmap *b)
{
	bool all = u->flags & VFIO_DMA_UNMAP_FLAG_ALL;
	uint64_t iova = u->iova, size = u->size, done = 0;
	GTreeNode *n;
	int ret = 0;

	u->size = 0;
	if (iova & (PAGE - 1))
		return -EINVAL;
	if (all) {
		if (iova || size)
			return -EINVAL;
		size = UINT64_MAX;
	} else if (!size || size & (PAGE - 1) || iova + size - 1 < iova) {
		return -EINVAL;
	}
	if (b && (!t->dirty || b->pgsize != PAGE))
		return -EINVAL;
	if (t->v2 && !all && would_split(t, iova, size))
		return -EINVAL;
	n = first_node(t, iova);
	if (u->flags & VFIO_DMA_UNMAP_FLAG_VADDR) {
		ret = invalidate(t, n, iova + size, &done);
		n = NULL;
	}
	while (n && !ret) {
		struct dma *d = value(n);

		if (d->iova >= iova + size || (!t->v2 && iova > d->iova))
			break;
		if (b)
			ret = user_bitmap(t, b, iova, d);
		if (ret)
			break;
		done += d->size;
		n = g_tree_node_next(n);
		remove_dma(t, d);
	}
	u->size = done;
	return ret;
}

static bool bitmap_ok(uint64_t pages, uint64_t size)
{
	return pages && size && size <= BITMAP_MAX && size >= (pages + 63) / 64 * 8;
}

static unsigned shift_of(uint64_t pgsize)
{
	return pgsize ? (unsigned)__builtin_ctzll(pgsize) : 63;
}

static long unmap_dma(struct type1 *t, void *arg)
{
	const uint32_t dirty = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP;
	const uint32_t others = VFIO_DMA_UNMAP_FLAG_ALL | VFIO_DMA_UNMAP_FLAG_VADDR;
	struct vfio_iommu_type1_dma_unmap u;
	struct vfio_bitmap b;
	const size_t min = offsetof(struct vfio_iommu_type1_dma_unmap, size) + sizeof(u.size);
	long ret;

	if (!arg)
		return -EFAULT;
	memcpy(&u, arg, min);
	if (u.argsz < min || u.flags & ~(dirty | others))
		return -EINVAL;
	if (u.flags & dirty) {
		if (u.flags & others || u.argsz < min + sizeof(b))
			return -EINVAL;
		memcpy(&b, (uint8_t *)arg + min, sizeof(b));
		if (!bitmap_ok(u.size >> shift_of(b.pgsize), b.size))
			return -EINVAL;
	}
	ret = do_unmap(t, &u, u.flags & dirty ? &b : NULL);
	if (!ret)
		memcpy(arg, &u, min);
	return ret;
}

/* --- info --- */

struct chain {
	uint8_t buf[512];
	uint32_t len, last; /* offset of the last one; UINT32_MAX = none */
};

static void *chain_add(struct chain *c, uint16_t id, uint32_t size, uint32_t base)
{
	struct vfio_info_cap_header h = {.id = id, .version = 1};
	uint8_t *at = c->buf + c->len;

	if (c->last != UINT32_MAX)
		((struct vfio_info_cap_header *)(c->buf + c->last))->next = base + c->len;
	memcpy(at, &h, sizeof(h));
	c->last = c->len;
	c->len += size;
	return at;
}

static void info_caps(struct type1 *t, struct chain *c, uint32_t base)
{
	struct vfio_iommu_type1_info_cap_migration *mig;
	struct vfio_iommu_type1_info_dma_avail *avail;
	struct vfio_iommu_type1_info_cap_iova_range iova;
	struct vfio_iova_range r[IOMMU_RANGES];
	uint32_t n = iommu_iova_ranges(t->host, r);
	uint8_t *at;

	mig = chain_add(c, VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION, sizeof(*mig), base);
	mig->pgsize_bitmap = PAGE;
	mig->max_dirty_bitmap_size = BITMAP_MAX;
	avail = chain_add(c, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, sizeof(*avail), base);
	avail->avail = t->avail;
	/* Each starts where the one before ends, aligned or not. */
	at = chain_add(c, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
		       (uint32_t)(sizeof(iova) + n * sizeof(r[0])), base);
	memcpy(at + offsetof(struct vfio_iommu_type1_info_cap_iova_range, nr_iovas), &n, 4);
	memcpy(at + sizeof(iova), r, n * sizeof(r[0]));
}

static long get_info(struct type1 *t, void *arg)
{
	const size_t min = offsetof(struct vfio_iommu_type1_info, iova_pgsizes) + 8;
	const size_t with_cap = offsetof(struct vfio_iommu_type1_info, cap_offset) + 4;
	struct vfio_iommu_type1_info info = {0};
	struct chain c = {.last = UINT32_MAX};
	size_t size = min;

	if (!arg)
		return -EFAULT;
	memcpy(&info, arg, min);
	if (info.argsz < min)
		return -EINVAL;
	if (info.argsz >= with_cap)
		size = with_cap;
	info.cap_offset = 0;
	info_caps(t, &c, sizeof(info));
	info.flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
	info.iova_pgsizes = PAGE_SIZES;
	if (info.argsz < sizeof(info) + c.len) {
		info.argsz = (uint32_t)(sizeof(info) + c.len);
	} else {
		memcpy((uint8_t *)arg + sizeof(info), c.buf, c.len);
		info.cap_offset = sizeof(info);
	}
	memcpy(arg, &info, size);
	return 0;
}

/* --- dirty pages: a device may have written all that it can --- */

static int dirty_bitmap(struct type1 *t, const struct vfio_iommu_type1_dirty_bitmap_get *g)
{
	if (g->iova + g->size < g->iova)
		return -EINVAL;
	if (!bitmap_ok(g->size >> shift_of(g->bitmap.pgsize), g->bitmap.size))
		return -EINVAL;
	if (g->bitmap.pgsize != PAGE || (g->iova | g->size) & (PAGE - 1) || !g->size)
		return -EINVAL;
	if (!t->dirty || would_split(t, g->iova, g->size))
		return -EINVAL;
	for (GTreeNode *n = first_node(t, g->iova); n; n = g_tree_node_next(n)) {
		int ret;

		if (value(n)->iova > g->iova + g->size - 1)
			break;
		ret = user_bitmap(t, &g->bitmap, g->iova, value(n));
		if (ret < 0)
			return ret;
	}
	return 0;
}

static long dirty_pages(struct type1 *t, void *arg)
{
	const size_t min = offsetof(struct vfio_iommu_type1_dirty_bitmap, flags) + 4;
	const uint32_t known = VFIO_IOMMU_DIRTY_PAGES_FLAG_START |
			       VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP |
			       VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP;
	struct vfio_iommu_type1_dirty_bitmap d;
	struct vfio_iommu_type1_dirty_bitmap_get g;

	if (!t->v2)
		return -EACCES;
	if (!arg)
		return -EFAULT;
	memcpy(&d, arg, min);
	if (d.argsz < min || d.flags & ~known || __builtin_popcount(d.flags) != 1)
		return -EINVAL;
	if (!(d.flags & VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP)) {
		t->dirty = d.flags & VFIO_IOMMU_DIRTY_PAGES_FLAG_START;
		return 0;
	}
	if (d.argsz - min < sizeof(g))
		return -EINVAL;
	memcpy(&g, (uint8_t *)arg + min, sizeof(g));
	return dirty_bitmap(t, &g);
}

long type1_ioctl(struct type1 *t, unsigned long cmd, void *arg)
{
	switch (cmd) {
	case VFIO_IOMMU_GET_INFO:
		return get_info(t, arg);
	case VFIO_IOMMU_MAP_DMA:
		return map_dma(t, arg);
	case VFIO_IOMMU_UNMAP_DMA:
		return unmap_dma(t, arg);
	case VFIO_IOMMU_DIRTY_PAGES:
		return dirty_pages(t, arg);
	default:
		return -ENOTTY;
	}
}
