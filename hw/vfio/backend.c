// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns what every backend shares: the making of VFIO_DEVICE_SET_IRQS requests and the reading of
 * info capabilities (<linux/vfio.h>).  Called by the interrupt files and by backends; keeps
 * nothing, believes no offset.
 */
#include "hw/vfio/backend.h"

#include <glib.h>
#include <string.h>

bool vfio_cap_header(const void *buf, size_t len, uint32_t off, struct vfio_info_cap_header *h)
{
	if (!off || off > len || len - off < sizeof(*h))
		return false;
	memcpy(h, (const char *)buf + off, sizeof(*h));
	return true;
}

/* p: the capability, n: bytes from it to the end of the answer. */
static void parse_sparse(struct vfio_region *r, const char *p, size_t n)
{
	struct vfio_region_info_cap_sparse_mmap cap;
	struct vfio_region_sparse_mmap_area a;

	if (n < sizeof(cap))
		return;
	memcpy(&cap, p, sizeof(cap));
	r->sparse = true;
	r->n_areas = 0;
	p += sizeof(cap);
	n -= sizeof(cap);
	for (uint32_t i = 0; i < cap.nr_areas && n >= sizeof(a); i++) {
		memcpy(&a, p, sizeof(a));
		p += sizeof(a);
		n -= sizeof(a);
		if (!a.size || a.offset >= r->size || a.size > r->size - a.offset)
			continue;
		if (r->n_areas == G_N_ELEMENTS(r->area))
			break;
		r->area[r->n_areas++] = (struct vfio_area){a.offset, a.size};
	}
}

void vfio_region_parse(struct vfio_region *r, const void *buf, size_t len)
{
	struct vfio_region_info info = {0};
	struct vfio_info_cap_header h;
	uint32_t off;

	memcpy(&info, buf, MIN(len, sizeof(info)));
	*r = (struct vfio_region){.size = info.size, .flags = info.flags};
	if (r->flags & VFIO_REGION_INFO_FLAG_MMAP && r->size) {
		r->n_areas = 1;
		r->area[0] = (struct vfio_area){0, r->size};
	}
	off = info.flags & VFIO_REGION_INFO_FLAG_CAPS ? info.cap_offset : 0;
	for (int ttl = 32; ttl && vfio_cap_header(buf, len, off, &h); ttl--) {
		if (h.id == VFIO_REGION_INFO_CAP_SPARSE_MMAP)
			parse_sparse(r, (const char *)buf + off, len - off);
		else if (h.id == VFIO_REGION_INFO_CAP_MSIX_MAPPABLE)
			r->msix_mappable = true;
		off = h.next;
	}
}

int vfio_irq_eventfds(struct vfio_dev *d, unsigned index, uint32_t action, unsigned start,
		      unsigned count, const int *fds)
{
	size_t size = sizeof(struct vfio_irq_set) + count * sizeof(int32_t);
	g_autofree struct vfio_irq_set *set = g_malloc0(size);

	set->argsz = (uint32_t)size;
	set->flags = VFIO_IRQ_SET_DATA_EVENTFD | action;
	set->index = index;
	set->start = start;
	set->count = count;
	memcpy(set->data, fds, count * sizeof(int32_t));
	return d->ops->set_irqs(d, set);
}

int vfio_irq_action(struct vfio_dev *d, unsigned index, uint32_t action)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | action,
		.index = index,
		.count = 1,
	};

	return d->ops->set_irqs(d, &set);
}

int vfio_irq_disarm(struct vfio_dev *d, unsigned index)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = index,
	};

	return d->ops->set_irqs(d, &set);
}
