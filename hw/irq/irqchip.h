/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's interrupt controller as devices' back ends see it: MSI messages, GSIs, eventfds.
 *
 * Invariants: a GSI names an input of the controller: 0..23 are the IO-APIC's pins, higher ones are
 * MSI routes. Changes of routes between irqchip_begin() and irqchip_commit() (they nest) reach the
 * controller at once, at the outermost commit; outside of such a pair each change is committed by
 * itself. All calls are allowed from any thread; none calls back into a device.
 */
#ifndef HW_IRQ_IRQCHIP_H
#define HW_IRQ_IRQCHIP_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#define GSI_PINS 24

/* An MSI message as the device would write it (PCI 3.0, 6.8.1; SDM 3A, 11.11). */
struct msi_msg {
	uint64_t addr;
	uint32_t data;
};

/* Is it one for a local APIC?  On this machine any other address is memory's (SDM 3A, 11.11.1). */
static inline bool msi_is_interrupt(struct msi_msg msg)
{
	return msg.addr >> 20 == 0xfee;
}

struct irqchip_ops {
	void (*begin)(void *opaque);
	int (*commit)(void *opaque); /* 0 or -errno */
	/* A GSI that sends msg; -ENOSPC where the table is full. */
	int (*route_add)(void *opaque, struct msi_msg msg);
	void (*route_set)(void *opaque, int gsi, struct msi_msg msg);
	void (*route_del)(void *opaque, int gsi);
	/*
	 * Raise gsi whenever fd (eventfd) is written.  resamplefd >= 0: gsi is a level pin that
	 * stays up until the guest's EOI, which lowers it and writes resamplefd; -ENOTSUP where the
	 * controller cannot (the caller then watches fd itself).
	 */
	int (*irqfd_add)(void *opaque, int gsi, int fd, int resamplefd);
	int (*irqfd_del)(void *opaque, int gsi, int fd);
	int (*msi_send)(void *opaque, struct msi_msg msg);
	void (*line_set)(void *opaque, int gsi, bool level); /* gsi 0..23 */
};

struct irqchip {
	const struct irqchip_ops *ops;
	void *opaque;
};

static inline void irqchip_begin(const struct irqchip *c)
{
	c->ops->begin(c->opaque);
}

static inline int irqchip_commit(const struct irqchip *c)
{
	return c->ops->commit(c->opaque);
}

static inline int irqchip_route_add(const struct irqchip *c, struct msi_msg msg)
{
	return c->ops->route_add(c->opaque, msg);
}

static inline void irqchip_route_set(const struct irqchip *c, int gsi, struct msi_msg msg)
{
	c->ops->route_set(c->opaque, gsi, msg);
}

static inline void irqchip_route_del(const struct irqchip *c, int gsi)
{
	c->ops->route_del(c->opaque, gsi);
}

static inline int irqchip_irqfd_add(const struct irqchip *c, int gsi, int fd, int resamplefd)
{
	return c->ops->irqfd_add(c->opaque, gsi, fd, resamplefd);
}

static inline int irqchip_irqfd_del(const struct irqchip *c, int gsi, int fd)
{
	return c->ops->irqfd_del(c->opaque, gsi, fd);
}

static inline int irqchip_msi_send(const struct irqchip *c, struct msi_msg msg)
{
	return c->ops->msi_send(c->opaque, msg);
}

#endif
