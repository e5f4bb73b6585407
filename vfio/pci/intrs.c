// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns SET_IRQS: which eventfd hears which interrupt.  Called by core.c with the device's lock
 * held, by the host's interrupts (which only signal), and by unmask eventfds.
 *
 * What the interrupt road reads of INTx (ctx[0].masked, virq_disabled, the trigger) is under the
 * host's irq_lock.  Source: Linux 6.1, VFIO_DEVICE_SET_IRQS.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vfio/host/private.h"
#include "vfio/pci/vpci.h"
#include "vfio/virqfd.h"

static bool is_intx(const struct vfio_pci_device *v)
{
	return v->irq_type == VFIO_PCI_INTX_IRQ_INDEX;
}

static bool is_none(const struct vfio_pci_device *v)
{
	return v->irq_type == VPCI_NO_IRQ;
}

static int fd_at(const void *data, unsigned i)
{
	int32_t fd;

	memcpy(&fd, (const uint8_t *)data + 4 * i, 4);
	return fd;
}

static void contexts_new(struct vfio_pci_device *v, unsigned n, unsigned type)
{
	v->ctx = g_new0(struct irq_ctx, n);
	for (unsigned i = 0; i < n; i++)
		v->ctx[i].trigger = -1;
	v->nctx = n;
	v->irq_type = type;
}

static void contexts_free(struct vfio_pci_device *v)
{
	v->irq_type = VPCI_NO_IRQ;
	v->nctx = 0;
	g_free(v->ctx);
	v->ctx = NULL;
}

/* --- INTx --- */

/* irq_lock held or the device's interrupt cannot run. */
static void send_intx(struct vfio_pci_device *v)
{
	if (is_intx(v) && !v->virq_disabled && v->ctx[0].trigger >= 0)
		virqfd_signal(v->ctx[0].trigger);
}

/* The line is up; irq_lock is held. */
static void intx_handler(void *opaque)
{
	struct vfio_pci_device *v = opaque;
	bool ours = true;

	if (!v->pci_2_3)
		hd_line_mask(v->pci, true);
	else
		ours = !v->ctx[0].masked && hd_intx_check_and_mask(v->pci);
	if (!ours)
		return;
	v->ctx[0].masked = true;
	send_intx(v);
}

void vpci_intx_mask(struct vfio_pci_device *v)
{
	if (!is_intx(v)) { /* the device's bit follows the user's, used or not */
		if (v->pci_2_3)
			hd_intx(v->pci, false);
		return;
	}
	hd_irq_lock(v->pci);
	if (!v->ctx[0].masked) {
		if (v->pci_2_3)
			pcidev_intx_gate(v->pci->pci, true);
		else
			hd_line_mask(v->pci, true);
		v->ctx[0].masked = true;
	}
	hd_irq_unlock(v->pci);
}

/* True: an interrupt is pending; it stays masked, and the user hears of it. */
static bool unmask_handler(void *opaque)
{
	struct vfio_pci_device *v = opaque;
	bool pending = false;

	hd_irq_lock(v->pci);
	if (is_intx(v) && v->ctx[0].masked && !v->virq_disabled) {
		if (v->pci_2_3) {
			pending = !hd_intx_check_and_unmask(v->pci);
			v->ctx[0].masked = pending;
		} else {
			v->ctx[0].masked = false;
			hd_line_mask(v->pci, false); /* may mask again at once */
		}
	}
	hd_irq_unlock(v->pci);
	return pending;
}

static void unmask_send(void *opaque)
{
	struct vfio_pci_device *v = opaque;

	hd_irq_lock(v->pci);
	send_intx(v);
	hd_irq_unlock(v->pci);
}

void vpci_intx_unmask(struct vfio_pci_device *v)
{
	if (!is_intx(v)) {
		if (v->pci_2_3)
			hd_intx(v->pci, true);
		return;
	}
	if (unmask_handler(v))
		unmask_send(v);
}

/* trigger: ours from here on; -1 = none.  The line stays requested either way. */
static void intx_set_trigger(struct vfio_pci_device *v, int trigger)
{
	int old;

	hd_irq_lock(v->pci);
	old = v->ctx[0].trigger;
	v->ctx[0].trigger = trigger;
	hd_irq_unlock(v->pci);
	if (old >= 0)
		close(old);
}

static int intx_enable(struct vfio_pci_device *v, int trigger)
{
	bool masked = v->virq_disabled; /* from config space, before: it stays so */
	int ret;

	if (!v->pci->pin)
		return -ENODEV;
	contexts_new(v, 1, VFIO_PCI_INTX_IRQ_INDEX);
	v->ctx[0].masked = masked;
	v->ctx[0].trigger = trigger;
	if (v->pci_2_3)
		hd_intx(v->pci, !masked);
	ret = hd_line_request(v->pci, v->pci_2_3, !v->pci_2_3 && masked, intx_handler, v);
	if (ret < 0)
		contexts_free(v);
	return ret;
}

static void intx_disable(struct vfio_pci_device *v)
{
	virqfd_disable(&v->ctx[0].unmask);
	hd_line_free(v->pci, v);
	intx_set_trigger(v, -1);
	contexts_free(v);
}

static int intx_set_signal(struct vfio_pci_device *v, int fd)
{
	int trigger = -1, ret = fd < 0 ? 0 : virqfd_dup(fd, &trigger);

	if (ret < 0)
		return ret;
	if (is_intx(v)) {
		intx_set_trigger(v, trigger);
		return 0;
	}
	ret = intx_enable(v, trigger);
	if (ret < 0 && trigger >= 0)
		close(trigger);
	return ret;
}

/* --- MSI, MSI-X --- */

static void msi_handler(void *opaque)
{
	const struct irq_ctx *ctx = opaque;

	if (G_UNLIKELY(ctx->may_block))
		virqfd_signal(ctx->trigger);
	else
		eventfd_write(ctx->trigger, 1);
}

static int msi_enable(struct vfio_pci_device *v, unsigned n, bool msix)
{
	uint16_t cmd;
	int got;

	if (!is_none(v))
		return -EINVAL;
	cmd = hd_memory_on(v->pci);
	got = hd_alloc_vectors(v->pci, n, msix);
	if (got < (int)n) {
		if (got > 0)
			hd_free_vectors(v->pci);
		hd_memory_restore(v->pci, cmd);
		return got;
	}
	hd_memory_restore(v->pci, cmd);
	contexts_new(v, n, msix ? VFIO_PCI_MSIX_IRQ_INDEX : VFIO_PCI_MSI_IRQ_INDEX);
	if (!msix)
		v->msi_qmax = 31 - (unsigned)__builtin_clz(n * 2 - 1);
	return 0;
}

static int msi_set_signal(struct vfio_pci_device *v, unsigned vector, int fd, bool msix)
{
	struct irq_ctx *ctx = &v->ctx[vector];
	int trigger = -1, ret;
	uint16_t cmd;

	if (ctx->trigger >= 0) {
		cmd = hd_memory_on(v->pci);
		hd_vector_free(v->pci, vector);
		hd_memory_restore(v->pci, cmd);
		close(ctx->trigger);
		ctx->trigger = -1;
	}
	if (fd < 0)
		return 0;
	ret = virqfd_dup(fd, &trigger);
	if (ret < 0)
		return ret;
	ctx->trigger = trigger;
	ctx->may_block = virqfd_may_block(trigger);
	/* A reset behind our back may have cleared the entry. */
	cmd = hd_memory_on(v->pci);
	if (msix)
		hd_rewrite_msix(v->pci, vector);
	hd_vector_request(v->pci, vector, msi_handler, ctx);
	hd_memory_restore(v->pci, cmd);
	return 0;
}

static int msi_set_block(struct vfio_pci_device *v, unsigned start, unsigned count, const void *fds,
			 bool msix)
{
	int ret = 0;
	unsigned i;

	if (start >= v->nctx || count > v->nctx - start)
		return -EINVAL;
	for (i = 0; i < count && !ret; i++)
		ret = msi_set_signal(v, start + i, fd_at(fds, i), msix);
	while (ret && i--)
		msi_set_signal(v, start + i, -1, msix);
	return ret;
}

static void msi_disable(struct vfio_pci_device *v, bool msix)
{
	uint16_t cmd;

	for (unsigned i = 0; i < v->nctx; i++)
		msi_set_signal(v, i, -1, msix);
	cmd = hd_memory_on(v->pci);
	hd_free_vectors(v->pci);
	hd_memory_restore(v->pci, cmd);
	if (v->nointx)
		hd_intx(v->pci, false);
	contexts_free(v);
}

/* --- SET_IRQS by index and action --- */

struct irqs {
	unsigned index, start, count;
	uint32_t flags;
	const uint8_t *data;
};

static int intx_args(const struct vfio_pci_device *v, const struct irqs *s)
{
	return !is_intx(v) || s->start || s->count != 1 ? -EINVAL : 0;
}

static int set_intx_unmask(struct vfio_pci_device *v, const struct irqs *s)
{
	int ret = intx_args(v, s), fd;

	if (ret < 0)
		return ret;
	if (s->flags & VFIO_IRQ_SET_DATA_NONE) {
		vpci_intx_unmask(v);
	} else if (s->flags & VFIO_IRQ_SET_DATA_BOOL) {
		if (s->data[0])
			vpci_intx_unmask(v);
	} else {
		fd = fd_at(s->data, 0);
		if (fd >= 0)
			return virqfd_enable(v->pci->host, &v->ctx[0].unmask, unmask_handler,
					     unmask_send, v, fd);
		virqfd_disable(&v->ctx[0].unmask);
	}
	return 0;
}

static int set_intx_mask(struct vfio_pci_device *v, const struct irqs *s)
{
	int ret = intx_args(v, s);

	if (ret < 0)
		return ret;
	if (s->flags & VFIO_IRQ_SET_DATA_EVENTFD)
		return -ENOTTY;
	if (s->flags & VFIO_IRQ_SET_DATA_NONE || s->data[0])
		vpci_intx_mask(v);
	return 0;
}

static int set_intx_trigger(struct vfio_pci_device *v, const struct irqs *s)
{
	if (is_intx(v) && !s->count && s->flags & VFIO_IRQ_SET_DATA_NONE) {
		intx_disable(v);
		return 0;
	}
	if (!(is_intx(v) || is_none(v)) || s->start || s->count != 1)
		return -EINVAL;
	if (s->flags & VFIO_IRQ_SET_DATA_EVENTFD)
		return intx_set_signal(v, fd_at(s->data, 0));
	if (!is_intx(v))
		return -EINVAL;
	if (s->flags & VFIO_IRQ_SET_DATA_NONE || s->data[0])
		unmask_send(v);
	return 0;
}

static int set_msi_trigger(struct vfio_pci_device *v, const struct irqs *s)
{
	bool msix = s->index == VFIO_PCI_MSIX_IRQ_INDEX, on = v->irq_type == s->index;
	int ret;

	if (on && !s->count && s->flags & VFIO_IRQ_SET_DATA_NONE) {
		msi_disable(v, msix);
		return 0;
	}
	if (!on && !is_none(v))
		return -EINVAL;
	if (s->flags & VFIO_IRQ_SET_DATA_EVENTFD) {
		if (on)
			return msi_set_block(v, s->start, s->count, s->data, msix);
		ret = msi_enable(v, s->start + s->count, msix);
		if (ret)
			return ret;
		ret = msi_set_block(v, s->start, s->count, s->data, msix);
		if (ret < 0)
			msi_disable(v, msix);
		return ret;
	}
	if (!on || s->start + s->count > v->nctx)
		return -EINVAL;
	for (unsigned i = 0; i < s->count; i++) {
		int fd = v->ctx[s->start + i].trigger;

		if (fd >= 0 && (s->flags & VFIO_IRQ_SET_DATA_NONE || s->data[i]))
			virqfd_signal(fd);
	}
	return 0;
}

static void drop(int *trigger)
{
	if (*trigger >= 0)
		close(*trigger);
	*trigger = -1;
}

/* Error and request interrupts: one vector that only software raises. */
static int set_single(int *trigger, const struct irqs *s)
{
	int fd, new, ret;

	if (s->start || s->count > 1)
		return -EINVAL;
	if (s->flags & VFIO_IRQ_SET_DATA_NONE) {
		if (*trigger < 0)
			return -EINVAL;
		if (s->count)
			virqfd_signal(*trigger);
		else
			drop(trigger);
		return 0;
	}
	if (!s->count)
		return -EINVAL;
	if (s->flags & VFIO_IRQ_SET_DATA_BOOL) {
		if (s->data[0] && *trigger >= 0)
			virqfd_signal(*trigger);
		return 0;
	}
	fd = fd_at(s->data, 0);
	if (fd < -1)
		return 0;
	if (fd >= 0) {
		ret = virqfd_dup(fd, &new);
		if (ret < 0)
			return ret;
	} else {
		new = -1;
	}
	drop(trigger);
	*trigger = new;
	return 0;
}

static int set_err_trigger(struct vfio_pci_device *v, const struct irqs *s)
{
	return v->pci->exp_cap ? set_single(&v->err_trigger, s) : -ENOTTY;
}

static int set_req_trigger(struct vfio_pci_device *v, const struct irqs *s)
{
	return set_single(&v->req_trigger, s);
}

typedef int irqs_fn(struct vfio_pci_device *v, const struct irqs *s);

/* [index][mask, unmask, trigger]; NULL = -ENOTTY */
static irqs_fn *const by_action[VFIO_PCI_NUM_IRQS][3] = {
	[VFIO_PCI_INTX_IRQ_INDEX] = {set_intx_mask, set_intx_unmask, set_intx_trigger},
	[VFIO_PCI_MSI_IRQ_INDEX] = {NULL, NULL, set_msi_trigger},
	[VFIO_PCI_MSIX_IRQ_INDEX] = {NULL, NULL, set_msi_trigger},
	[VFIO_PCI_ERR_IRQ_INDEX] = {NULL, NULL, set_err_trigger},
	[VFIO_PCI_REQ_IRQ_INDEX] = {NULL, NULL, set_req_trigger},
};

int vpci_set_irqs(struct vfio_pci_device *v, uint32_t flags, unsigned index, unsigned start,
		  unsigned count, const void *data)
{
	const struct irqs s = {index, start, count, flags, data};
	irqs_fn *fn = NULL;

	switch (flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) {
	case VFIO_IRQ_SET_ACTION_MASK:
		fn = by_action[index][0];
		break;
	case VFIO_IRQ_SET_ACTION_UNMASK:
		fn = by_action[index][1];
		break;
	case VFIO_IRQ_SET_ACTION_TRIGGER:
		fn = by_action[index][2];
		break;
	}
	return fn ? fn(v, &s) : -ENOTTY;
}

unsigned vpci_irq_count(struct vfio_pci_device *v, unsigned index)
{
	struct hostdev *d = v->pci;

	switch (index) {
	case VFIO_PCI_INTX_IRQ_INDEX:
		if (v->nointx || d->physfn)
			return 0;
		return hd_read(d, PCI_INTERRUPT_PIN, 1) ? 1 : 0;
	case VFIO_PCI_MSI_IRQ_INDEX:
		if (!d->msi_cap)
			return 0;
		return 1u << ((hd_read(d, d->msi_cap + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_QMASK) >>
			      1);
	case VFIO_PCI_MSIX_IRQ_INDEX:
		if (!d->msix_cap)
			return 0;
		return (hd_read(d, d->msix_cap + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_QSIZE) + 1;
	case VFIO_PCI_ERR_IRQ_INDEX:
		return d->exp_cap ? 1 : 0;
	default:
		return index == VFIO_PCI_REQ_IRQ_INDEX ? 1 : 0;
	}
}
