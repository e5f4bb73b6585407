/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * struct irqchip in software, for accelerators whose local APICs are hw/irq/lapic.c: GSIs 0..23 are
 * pins of the board, the ones above are MSI routes, and a thread hears the irqfds.
 *
 * Invariants: line is called with the lock held, msi with it where an irqfd sends it; neither may
 * come back here, both are leaves that only change chips.  The level of a pin is the OR of
 * line_set() and of its irqfds with a resamplefd.  After irqfd_del() nothing more is delivered from
 * that descriptor and nothing is read from it: what its counter holds stays.  A counter that is not
 * zero when irqfd_add() comes is delivered before that returns.  Descriptors are the caller's, who
 * keeps them open until irqfd_del(); they may block, and are never waited for.
 */
#ifndef HW_IRQ_SOFTIRQ_H
#define HW_IRQ_SOFTIRQ_H

#include "hw/irq/irqchip.h"

#define SOFTIRQ_GSIS 4096 /* pins and routes */

struct err;
struct softirq;

struct softirq_ops {
	void (*line)(void *opaque, int gsi, bool level); /* gsi 0..23; may repeat a level */
	void (*msi)(void *opaque, struct msi_msg msg);
};

/* Starts the thread.  ops is kept, not copied.  NULL with errp set where the host refuses. */
struct softirq *softirq_new(const struct softirq_ops *ops, void *opaque, struct err **errp);
void softirq_free(struct softirq *s); /* no more deliveries; irqfds need not be deleted before */

/*
 * The controller.  irqfd_add: -EBADF where fd is closed, -EINVAL where fd or resamplefd is no
 * eventfd, there is no such GSI, or resamplefd comes with one that is not a pin; -EBUSY where fd
 * is an irqfd already.  irqfd_del: -ENOENT where it is not one of that gsi.
 */
struct irqchip softirq_chip(struct softirq *s);

/*
 * The guest ended the interrupt of a pin, 0..23 (the IO-APIC's eoied): its irqfds lower it, and
 * their resamplefds are written, as KVM_IRQFD_FLAG_RESAMPLE has it.
 */
void softirq_eoi(struct softirq *s, int pin);

/* Whatever was signalled before the call is delivered when it returns.  True: something was. */
bool softirq_settle(struct softirq *s);

#endif
