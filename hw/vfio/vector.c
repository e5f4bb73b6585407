// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the eventfd between the host's interrupt and the guest's irqchip.  Called by msi.c and
 * msix.c; never talks to the host.
 *
 * A vector that nobody takes (masked) keeps what was signalled in its eventfd's counter: that
 * counter is its pending bit, and binding it again delivers what waited.  So masking needs no
 * handler, and nothing is lost.
 */
#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hw/vfio/ctx.h"
#include "hw/vfio/vdev.h"

void vector_init(struct vdev_vector *vec, struct vdev *v)
{
	*vec = (struct vdev_vector){.fd = -1, .gsi = -1, .v = v};
}

static const struct irqchip *chip(const struct vdev_vector *vec)
{
	return vec->v->ctx->env.irq;
}

int vector_open(struct vdev_vector *vec, struct msi_msg msg)
{
	if (vec->fd < 0)
		vec->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vec->fd < 0)
		return -errno;
	if (vec->gsi >= 0) {
		vector_set_msg(vec, msg);
		return 0;
	}
	/*
	 * A full table of routes costs speed, not the interrupt: the vector is then watched here.
	 */
	vec->gsi = irqchip_route_add(chip(vec), msg);
	vec->msg = msg;
	return 0;
}

void vector_set_msg(struct vdev_vector *vec, struct msi_msg msg)
{
	if (vec->msg.addr == msg.addr && vec->msg.data == msg.data)
		return;
	vec->msg = msg;
	if (vec->gsi >= 0)
		irqchip_route_set(chip(vec), vec->gsi, msg);
}

void vector_unroute(struct vdev_vector *vec)
{
	if (vec->gsi >= 0)
		irqchip_route_del(chip(vec), vec->gsi);
	vec->gsi = -1;
}

void vector_hear(struct vdev_vector *vec)
{
	eventfd_t n;

	if (!vec->watch || eventfd_read(vec->fd, &n) < 0)
		return;
	vec->v->heard++;
	irqchip_msi_send(chip(vec), vec->msg);
}

static gboolean vector_fired(gint fd, GIOCondition cond, gpointer opaque)
{
	struct vdev_vector *vec = opaque;
	struct vdev *v = vec->v;

	pthread_mutex_lock(&v->lock);
	vector_hear(vec);
	pthread_mutex_unlock(&v->lock);
	return G_SOURCE_CONTINUE;
}

int vector_bind(struct vdev_vector *vec, bool kernel)
{
	if (vec->bound || vec->watch)
		return 0;
	if (kernel && vec->gsi >= 0 && irqchip_irqfd_add(chip(vec), vec->gsi, vec->fd, -1) >= 0) {
		vec->bound = true;
		return 0;
	}
	vec->watch = g_unix_fd_add(vec->fd, G_IO_IN, vector_fired, vec);
	return 0;
}

void vector_unbind(struct vdev_vector *vec)
{
	if (vec->bound)
		irqchip_irqfd_del(chip(vec), vec->gsi, vec->fd);
	if (vec->watch)
		g_source_remove(vec->watch);
	vec->bound = false;
	vec->watch = 0;
}

bool vector_pending(const struct vdev_vector *vec)
{
	struct pollfd p = {.fd = vec->fd, .events = POLLIN};

	return vec->fd >= 0 && poll(&p, 1, 0) == 1;
}

void vector_close(struct vdev_vector *vec)
{
	vector_unbind(vec);
	vector_unroute(vec);
	if (vec->fd >= 0)
		close(vec->fd);
	vec->fd = -1;
	vec->armed = false;
}
