// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns what an IOMMU container maps: follows guest memory (see passthrough in docs/paths.md).
 * Called by the memory's address space under its lock; never decides what memory there is.
 */
#include "hw/vfio/dma.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"

static void parse_windows(struct vfio_dma *d, const char *p, size_t n)
{
	struct vfio_iommu_type1_info_cap_iova_range cap;
	struct vfio_iova_range w;

	if (n < sizeof(cap))
		return;
	memcpy(&cap, p, sizeof(cap));
	p += sizeof(cap);
	n -= sizeof(cap);
	for (uint32_t i = 0; i < cap.nr_iovas && n >= sizeof(w); i++) {
		memcpy(&w, p, sizeof(w));
		p += sizeof(w);
		n -= sizeof(w);
		g_array_append_val(d->windows, w);
	}
}

void vfio_dma_parse_info(struct vfio_dma *d, const void *buf, size_t len)
{
	struct vfio_iommu_type1_info info = {0};
	struct vfio_iommu_type1_info_dma_avail avail;
	struct vfio_info_cap_header h;
	uint32_t off;

	memcpy(&info, buf, MIN(len, sizeof(info)));
	if (info.flags & VFIO_IOMMU_INFO_PGSIZES && info.iova_pgsizes)
		d->pgsize = MAX(4096, info.iova_pgsizes & -info.iova_pgsizes);
	off = info.flags & VFIO_IOMMU_INFO_CAPS ? info.cap_offset : 0;
	for (int ttl = 32; ttl && vfio_cap_header(buf, len, off, &h); ttl--) {
		if (h.id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE) {
			parse_windows(d, (const char *)buf + off, len - off);
		} else if (h.id == VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL && len - off >= sizeof(avail)) {
			memcpy(&avail, (const char *)buf + off, sizeof(avail));
			d->avail = avail.avail;
		}
		off = h.next;
	}
}

struct piece {
	uint64_t iova, size;
	uint8_t *host;
	bool write;
};

/* Whole IOMMU pages of a range of memory; false = nothing to map. */
static bool piece_of(const struct vfio_dma *d, const struct mrange *r, struct piece *p)
{
	uint64_t mask = d->pgsize - 1;
	uint64_t start = (r->start + mask) & ~mask, end = (r->last + 1) & ~mask;

	if (!r->region->host || start < r->start || end <= start)
		return false;
	*p = (struct piece){start, end - start, r->region->host + r->off + (start - r->start),
			    r->region->kind == REGION_RAM};
	return true;
}

/*
 * The pages behind an IOVA must begin where the IOVA's page does; only a region of odd offset
 * could differ.
 */
static bool aligned(const struct vfio_dma *d, const struct piece *p)
{
	return !((uintptr_t)p->host & (d->pgsize - 1));
}

static bool in_window(const struct vfio_dma *d, const struct piece *p)
{
	if (!d->windows->len)
		return true;
	for (guint i = 0; i < d->windows->len; i++) {
		const struct vfio_iova_range *w =
			&g_array_index(d->windows, struct vfio_iova_range, i);

		if (p->iova >= w->start && p->iova + p->size - 1 <= w->end)
			return true;
	}
	return false;
}

static void hint_windows(const struct vfio_dma *d, struct err **errp)
{
	g_autoptr(GString) s = g_string_new("The IOMMU's windows are:");

	for (guint i = 0; i < d->windows->len; i++) {
		const struct vfio_iova_range *w =
			&g_array_index(d->windows, struct vfio_iova_range, i);

		g_string_append_printf(s, " 0x%llx-0x%llx", w->start, w->end);
	}
	err_hint(errp, "%s.", s->str);
}

/* Does the kernel hold this process to its memlock limit? */
static bool limited(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	if (syscall(SYS_capget, &head, data) < 0)
		return true;
	return !(data[0].effective & 1u << CAP_IPC_LOCK);
}

static void hint_entries(const struct vfio_dma *d, struct err **errp)
{
	g_autofree char *left =
		d->avail ? g_strdup_printf("%u", d->avail) : g_strdup("an unknown number of");

	err_hint(
		errp,
		"The container had %s DMA entries left at the start, %" PRIu64
		" are in use: raise the limit, 'modprobe vfio_iommu_type1 dma_entry_limit=...', or "
		"give the guest memory in fewer pieces.",
		left, d->maps);
}

/* ENOMEM has several causes, and a user can tell none from the number. */
static void hint_enomem(const struct vfio_dma *d, const struct piece *p, struct err **errp)
{
	struct rlimit lim;
	uint64_t need = d->ram_bytes + p->size;

	if (limited() && getrlimit(RLIMIT_MEMLOCK, &lim) == 0 && lim.rlim_cur != RLIM_INFINITY &&
	    lim.rlim_cur < need) {
		err_hint(errp,
			 "Passthrough pins all guest memory: at least %" PRIu64
			 " MiB must be lockable, the limit (memlock) is %" PRIu64 " KiB.",
			 (need + 0xfffff) >> 20, (uint64_t)lim.rlim_cur >> 10);
		err_hint(errp,
			 "Raise it: 'ulimit -l %" PRIu64
			 "' as root, LimitMEMLOCK= of a systemd unit, "
			 "or memlock in /etc/security/limits.conf.",
			 (need >> 10) + 65536);
		return;
	}
	err_hint(
		errp,
		"The memlock limit is not the cause: the host is out of memory, or of DMA entries.");
	hint_entries(d, errp);
}

static int map_piece(struct vfio_dma *d, const struct piece *p)
{
	int ret = d->ops->map(d->opaque, p->iova, p->size, p->host, p->write);

	if (ret == -EBUSY && d->ops->unmap(d->opaque, p->iova, p->size) == 0)
		ret = d->ops->map(d->opaque, p->iova, p->size, p->host, p->write);
	return ret;
}

/* For views: no order with anything else is wanted. */
static void add(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

static void remember_failed(struct vfio_dma *d, uint64_t iova)
{
	uint64_t *key = g_new(uint64_t, 1);

	*key = iova;
	g_hash_table_add(d->failed, key);
	add(&d->nfailed, 1);
}

static void ram_failed(struct vfio_dma *d, const struct mrange *r, const struct piece *p, int ret)
{
	struct err *e = NULL;

	remember_failed(d, p->iova);
	err_set_errno(&e, ret,
		      "map guest memory 0x%" PRIx64 "-0x%" PRIx64 " (%s, %" PRIu64 " MiB) for DMA",
		      p->iova, p->iova + p->size - 1, r->region->name, p->size >> 20);
	if (ret == -ENOMEM)
		hint_enomem(d, p, &e);
	else if (ret == -ENOSPC) /* how the kernel says that dma_entry_limit is reached */
		hint_entries(d, &e);
	else if (d->windows->len)
		hint_windows(d, &e);
	if (d->ready) {
		g_autofree char *text = g_strdup_printf("%s\n%s", err_text(e), err_hints(e));

		d->fatal(d->fatal_opaque, text);
		err_free(e);
	} else {
		err_move(&d->error, e);
	}
}

static void p2p_failed(struct vfio_dma *d, const struct mrange *r, const struct piece *p, int ret)
{
	remember_failed(d, p->iova);
	g_info("vfio: %s at 0x%" PRIx64
	       " is not reachable by other devices' DMA (%s); only peer to "
	       "peer is affected",
	       r->region->name, p->iova, g_strerror(-ret));
}

static void dma_add(struct aspace_listener *l, const struct mrange *r)
{
	struct vfio_dma *d = (struct vfio_dma *)l;
	struct piece p;
	int ret;

	if (!piece_of(d, r, &p))
		return;
	ret = in_window(d, &p) && aligned(d, &p) ? map_piece(d, &p) : -EINVAL;
	if (ret < 0) {
		if (r->region->device)
			p2p_failed(d, r, &p, ret);
		else
			ram_failed(d, r, &p, ret);
		return;
	}
	add(&d->maps, 1);
	add(&d->bytes, p.size);
	if (!r->region->device)
		d->ram_bytes += p.size;
}

static void dma_del(struct aspace_listener *l, const struct mrange *r)
{
	struct vfio_dma *d = (struct vfio_dma *)l;
	struct piece p;
	int ret;

	if (!piece_of(d, r, &p))
		return;
	if (g_hash_table_remove(d->failed, &p.iova)) {
		add(&d->nfailed, -1ull);
		return;
	}
	ret = d->ops->unmap(d->opaque, p.iova, p.size);
	if (ret < 0 && (d->ready || ret != -EINVAL))
		g_warning("vfio: unmap 0x%" PRIx64 "-0x%" PRIx64 " (%s): %s", p.iova,
			  p.iova + p.size - 1, r->region->name, g_strerror(-ret));
	add(&d->maps, -1ull);
	add(&d->bytes, -p.size);
	if (!r->region->device)
		d->ram_bytes -= p.size;
}

int vfio_dma_start(struct vfio_dma *d, struct aspace *mem, struct err **errp)
{
	int ret;

	d->mem = mem;
	d->listener.add = dma_add;
	d->listener.del = dma_del;
	d->failed = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	aspace_listen(mem, &d->listener);
	d->ready = true;
	ret = err_code(d->error);
	if (ret < 0) {
		err_move(errp, d->error);
		d->error = NULL;
	}
	return ret;
}

void vfio_dma_stop(struct vfio_dma *d)
{
	if (!d->mem)
		return;
	/* A host that takes its last device back ends the mappings, maybe before we do. */
	d->ready = false;
	aspace_unlisten(d->mem, &d->listener);
	g_hash_table_destroy(d->failed);
	d->mem = NULL;
}

void vfio_dma_count(const struct vfio_dma *d, struct vfio_dma_info *info)
{
	info->maps = __atomic_load_n(&d->maps, __ATOMIC_RELAXED);
	info->bytes = __atomic_load_n(&d->bytes, __ATOMIC_RELAXED);
	info->failed = __atomic_load_n(&d->nfailed, __ATOMIC_RELAXED);
}
