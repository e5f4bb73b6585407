// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the mappings of BARs and their faults: what is zapped when decode goes off comes back at the
 * next touch, if decode is on again.  Called by core.c and by the holder of a mapping.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "vfio/host/private.h"
#include "vfio/pci/vpci.h"

#define PAGE_UP(x) (((x) + HOST_PAGE - 1) & ~(uint64_t)(HOST_PAGE - 1))

struct vfio_vma {
	struct vfio_pci_device *v;
	unsigned bar;
	uint64_t off;
	size_t len;
	bool present; /* faulted in */
};

/* May the rest of a small BAR's page be given away?  Only where nobody else lives in it. */
static bool has_page_alone(const struct hostdev *d, unsigned bar)
{
	const struct hostres *r = &d->res[bar];
	uint64_t page = r->start & ~(uint64_t)(HOST_PAGE - 1);

	if (r->start & (HOST_PAGE - 1))
		return false;
	for (guint i = 0; i < d->host->devs->len; i++) {
		const struct hostdev *o = d->host->devs->pdata[i];

		for (unsigned n = 0; n <= HOSTRES_ROM; n++) {
			const struct hostres *x = &o->res[n];

			if (x == r || !x->start || !(x->flags & HOSTRES_MEM))
				continue;
			if (x->start < page + HOST_PAGE && x->end >= page)
				return false;
		}
	}
	return true;
}

void vpci_probe_mmaps(struct vfio_pci_device *v)
{
	const struct hostdev *d = v->pci;

	for (unsigned i = 0; i < PCI_BARS; i++) {
		uint64_t len = hd_res_len(d, i);

		v->bar_mmap[i] = d->res[i].flags & HOSTRES_MEM && len &&
				 (len >= HOST_PAGE || has_page_alone(d, i));
	}
}

int vpci_mmap(struct vfio_pci_device *v, uint64_t off, size_t len, int prot, int flags,
	      struct vfio_vma **out)
{
	unsigned index = (unsigned)(off >> VPCI_OFFSET_SHIFT);
	uint64_t at = off & VPCI_OFFSET_MASK;
	struct vfio_vma *m;

	if (!len || off & (HOST_PAGE - 1))
		return -EINVAL;
	len = PAGE_UP(len);
	if (off >> VPCI_OFFSET_SHIFT >= VFIO_PCI_NUM_REGIONS || !(flags & MAP_SHARED))
		return -EINVAL;
	if (index >= VFIO_PCI_ROM_REGION_INDEX || !v->bar_mmap[index])
		return -EINVAL;
	if (at + len > PAGE_UP(hd_res_len(v->pci, index)))
		return -EINVAL;
	m = g_new(struct vfio_vma, 1);
	*m = (struct vfio_vma){v, index, at, len, false};
	v->vmas = g_slist_prepend(v->vmas, m);
	vfio_device_get(&v->dev); /* a mapping keeps the file open */
	*out = m;
	return 0;
}

void vpci_zap(struct vfio_pci_device *v)
{
	for (GSList *l = v->vmas; l; l = l->next)
		((struct vfio_vma *)l->data)->present = false;
}

void vfio_munmap(struct vfio_vma *m)
{
	struct vfio_pci_device *v;

	if (!m)
		return;
	v = m->v;
	pthread_mutex_lock(&v->lock);
	v->vmas = g_slist_remove(v->vmas, m);
	pthread_mutex_unlock(&v->lock);
	g_free(m);
	vfio_device_put(&v->dev);
}

static bool fault(struct vfio_vma *m)
{
	if (!m->present)
		m->present = !m->v->low_power && vpci_memory_enabled(m->v);
	return m->present;
}

static int vma_access(struct vfio_vma *m, uint64_t off, uint8_t *buf, size_t len, bool write)
{
	const struct hostdev *d = m->v->pci;
	uint64_t addr = d->res[m->bar].start + m->off + off;
	int ret = -EFAULT;

	if (off >= m->len || len > m->len - off)
		return -EFAULT;
	pthread_mutex_lock(&m->v->lock);
	if (fault(m)) {
		if (write)
			aspace_write_buf(d->host->mem, addr, buf, len);
		else
			aspace_read_buf(d->host->mem, addr, buf, len);
		ret = 0;
	}
	pthread_mutex_unlock(&m->v->lock);
	return ret;
}

int vfio_vma_read(struct vfio_vma *m, uint64_t off, void *buf, size_t len)
{
	return vma_access(m, off, buf, len, false);
}

int vfio_vma_write(struct vfio_vma *m, uint64_t off, const void *buf, size_t len)
{
	return vma_access(m, off, (uint8_t *)buf, len, true);
}

void *vfio_vma_ptr(struct vfio_vma *m)
{
	const struct region *r = m->v->pci->pci->bar[m->bar].region;

	if (!r || r->kind != REGION_RAM || r->subs || m->off + m->len > r->size)
		return NULL;
	return r->host + m->off;
}
