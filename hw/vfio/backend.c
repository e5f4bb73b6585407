// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the making of VFIO_DEVICE_SET_IRQS requests (<linux/vfio.h>); called by the interrupt files; keeps nothing. */
#include "hw/vfio/backend.h"

#include <glib.h>
#include <string.h>

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
