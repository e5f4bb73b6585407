// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns INTx of an assigned device.  With an irqchip that resamples, the line is its: the host's
 * eventfd raises the GSI, the guest's EOI unmasks the device, and no code here runs.  Otherwise
 * the eventfd is watched here, the BARs are trapped while the line is up, and the first trapped
 * access counts as the guest's EOI.  Called by config.c, reset and the main loop.
 */
#include <errno.h>
#include <glib-unix.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/err.h"
#include "hw/vfio/ctx.h"
#include "hw/vfio/vdev.h"

static void mask(struct vdev *v)
{
	vfio_irq_action(v->be, VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_MASK);
}

static void unmask(struct vdev *v)
{
	int ret = vfio_irq_action(v->be, VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_UNMASK);

	if (ret < 0)
		vdev_warn(v, "unmask INTx: %s", g_strerror(-ret));
}

/* --- watched here --------------------------------------------------------------------------- */

void vdev_intx_hear(struct vdev *v)
{
	eventfd_t n;

	if (!v->intx.watch || eventfd_read(v->intx.trigger, &n) < 0)
		return;
	v->intx.pending = true;
	v->intx.count++;
	pcidev_intx(&v->dev, true);
	vdev_bars_enable_maps(v, false);
	if (v->conf.intx_mmap_timeout_ms)
		vtimer_arm(&v->intx.unmap_timer, vclock_now(v->ctx->env.clock) +
							 v->conf.intx_mmap_timeout_ms * 1000000ll);
}

static gboolean intx_fired(gint fd, GIOCondition cond, gpointer opaque)
{
	struct vdev *v = opaque;

	pthread_mutex_lock(&v->lock);
	vdev_intx_hear(v);
	pthread_mutex_unlock(&v->lock);
	return G_SOURCE_CONTINUE;
}

void vdev_intx_eoi(struct vdev *v)
{
	if (!v->intx.pending)
		return;
	v->intx.pending = false;
	pcidev_intx(&v->dev, false);
	unmask(v);
}

/* Quiet for a while: the BARs may be mapped again. */
static void remap(void *opaque)
{
	struct vdev *v = opaque;

	pthread_mutex_lock(&v->lock);
	if (v->intx.pending)
		vtimer_arm(&v->intx.unmap_timer, vclock_now(v->ctx->env.clock) +
							 v->conf.intx_mmap_timeout_ms * 1000000ll);
	else
		vdev_bars_enable_maps(v, true);
	pthread_mutex_unlock(&v->lock);
}

static void watch(struct vdev *v)
{
	v->intx.gsi = -1;
	v->intx.watch = g_unix_fd_add(v->intx.trigger, G_IO_IN, intx_fired, v);
}

static void unwatch(struct vdev *v)
{
	if (!v->intx.watch)
		return;
	g_source_remove(v->intx.watch);
	v->intx.watch = 0;
	vtimer_disarm(&v->intx.unmap_timer);
	v->intx.pending = false;
	pcidev_intx(&v->dev, false);
	vdev_bars_enable_maps(v, true);
}

/* --- by the irqchip ------------------------------------------------------------------------- */

static bool bind_irqchip(struct vdev *v)
{
	int gsi = pcidev_intx_gsi(&v->dev), ret;

	if (gsi < 0 || v->conf.no_kvm_intx)
		return false;
	v->intx.resample = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (v->intx.resample < 0)
		return false;
	ret = irqchip_irqfd_add(v->ctx->env.irq, gsi, v->intx.trigger, v->intx.resample);
	if (ret >= 0) {
		ret = vfio_irq_eventfds(v->be, VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_UNMASK,
					0, 1, &v->intx.resample);
		if (ret >= 0) {
			v->intx.gsi = gsi;
			return true;
		}
		irqchip_irqfd_del(v->ctx->env.irq, gsi, v->intx.trigger);
		unmask(v); /* what the controller took in between comes again */
	}
	close(v->intx.resample);
	v->intx.resample = -1;
	return false;
}

static void unbind_irqchip(struct vdev *v)
{
	int off = -1;

	if (v->intx.gsi < 0)
		return;
	vfio_irq_eventfds(v->be, VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_UNMASK, 0, 1, &off);
	irqchip_irqfd_del(v->ctx->env.irq, v->intx.gsi, v->intx.trigger);
	close(v->intx.resample);
	v->intx.resample = v->intx.gsi = -1;
}

static void connect(struct vdev *v)
{
	if (!bind_irqchip(v))
		watch(v);
}

static void disconnect(struct vdev *v)
{
	unwatch(v);
	unbind_irqchip(v);
}

/* --- the mode ------------------------------------------------------------------------------- */

int vdev_intx_init(struct vdev *v, struct err **errp)
{
	v->intx.trigger = v->intx.resample = v->intx.gsi = -1;
	vtimer_init(&v->intx.unmap_timer, v->ctx->env.clock, remap, v);
	return 0;
}

int vdev_intx_enable(struct vdev *v)
{
	int ret;

	if (!v->dev.cfg[PCI_INTERRUPT_PIN] || v->mode != VDEV_INT_NONE || v->gone || !v->dev.bus)
		return 0;
	v->intx.trigger = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (v->intx.trigger < 0)
		return -errno;
	ret = vfio_irq_eventfds(v->be, VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER, 0, 1,
				&v->intx.trigger);
	if (ret < 0) {
		close(v->intx.trigger);
		v->intx.trigger = -1;
		vdev_warn(v, "arm INTx: %s%s", g_strerror(-ret),
			  ret == -EBUSY
				  ? " (the device cannot mask its pin and shares the host's line)"
				  : "");
		return ret;
	}
	connect(v);
	v->mode = VDEV_INT_INTX;
	return 0;
}

void vdev_intx_disable(struct vdev *v)
{
	if (v->mode != VDEV_INT_INTX)
		return;
	disconnect(v);
	vfio_irq_disarm(v->be, VFIO_PCI_INTX_IRQ_INDEX);
	close(v->intx.trigger);
	v->intx.trigger = -1;
	v->mode = VDEV_INT_NONE;
}

/*
 * The pin leads to another GSI now: masked while the ends are changed, and one EOI in case it was
 * missed.
 */
void vdev_intx_routed(struct pcidev *d)
{
	struct vdev *v = vdev_of(d);

	pthread_mutex_lock(&v->lock);
	if (v->mode == VDEV_INT_INTX && pcidev_intx_gsi(d) != v->intx.gsi) {
		mask(v);
		disconnect(v);
		connect(v);
		unmask(v);
	}
	pthread_mutex_unlock(&v->lock);
}
