// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns MSI-X of an assigned device (PCI 3.0, 6.8.2): the table and the pending bits that the
 * guest sees are ours, the host's vectors are armed by SET_IRQS.  Called through the table's
 * region and by config.c; never touches the physical table.
 *
 * Two states per vector, what the guest asked for and what the host has; reconcile() brings the
 * second to the first.
 */
#include <errno.h>
#include <inttypes.h>
#include <sys/eventfd.h>

#include "base/err.h"
#include "hw/vfio/ctx.h"
#include "hw/vfio/vdev.h"
#include "mem/access.h"

static int locate(struct vdev *v, struct err **errp)
{
	struct vdev_msix *x = &v->msix;
	const uint8_t *c = v->dev.cfg + x->pos;
	uint32_t table = pci_get32(c + PCI_MSIX_TABLE), pba = pci_get32(c + PCI_MSIX_PBA);
	struct vdev_bar *tb, *pb;

	x->vectors = (pci_get16(c + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE) + 1u;
	x->table_bar = table & PCI_MSIX_TABLE_BIR;
	x->table_off = table & PCI_MSIX_TABLE_OFFSET;
	x->pba_bar = pba & PCI_MSIX_PBA_BIR;
	x->pba_off = pba & PCI_MSIX_PBA_OFFSET;
	if (x->table_bar >= PCI_BARS || x->pba_bar >= PCI_BARS)
		return err_set(errp, -EINVAL,
			       "MSI-X table in BAR %u, PBA in BAR %u: there is no such BAR",
			       x->table_bar, x->pba_bar);
	tb = &v->bar[x->table_bar];
	pb = &v->bar[x->pba_bar];
	if ((uint64_t)x->table_off + 16 * x->vectors > tb->info.size)
		return err_set(errp, -EINVAL,
			       "MSI-X table (%u vectors at 0x%x) does not fit BAR %u of 0x%" PRIx64
			       " bytes",
			       x->vectors, x->table_off, x->table_bar, (uint64_t)tb->info.size);
	if ((uint64_t)x->pba_off + (x->vectors + 63) / 64 * 8 > pb->info.size)
		return err_set(errp, -EINVAL,
			       "MSI-X PBA (at 0x%x) does not fit BAR %u of 0x%" PRIx64 " bytes",
			       x->pba_off, x->pba_bar, (uint64_t)pb->info.size);
	return 0;
}

int vdev_msix_probe(struct vdev *v, struct err **errp)
{
	struct vdev_msix *x = &v->msix;
	struct vfio_irq irq;
	int ret;

	x->pos = pci_cap_find(v->dev.cfg, PCI_CAP_ID_MSIX);
	if (!x->pos)
		return 0;
	ret = locate(v, errp);
	if (ret < 0)
		return ret;
	ret = v->be->ops->irq_info(v->be, VFIO_PCI_MSIX_IRQ_INDEX, &irq);
	if (ret < 0)
		return err_set_errno(errp, ret, "ask for the MSI-X interrupt index");
	x->resizable = !(irq.flags & VFIO_IRQ_INFO_NORESIZE);
	return 0;
}

/* Every host vector from 0 to n - 1 in one call; in vectors that are off, a hole. */
static int arm_all(struct vdev *v, unsigned n)
{
	g_autofree int *fds = g_new(int, n);
	int ret;

	for (unsigned i = 0; i < n; i++)
		fds[i] = v->msix.vec[i].armed ? v->msix.vec[i].fd : -1;
	ret = vfio_irq_eventfds(v->be, VFIO_PCI_MSIX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER, 0, n,
				fds);
	if (ret > 0)
		ret = -ENOSPC;
	v->msix.host_n = ret < 0 ? 0 : n;
	return ret;
}

/*
 * The host cannot add a vector to those that it has: all are disarmed and armed again.  An
 * interrupt in between would be lost, so each vector that was armed is signalled once; a spurious
 * MSI-X does no harm.
 */
static int grow_by_rearm(struct vdev *v, unsigned n)
{
	unsigned old = v->msix.host_n;
	int ret;

	if (old)
		vfio_irq_disarm(v->be, VFIO_PCI_MSIX_IRQ_INDEX);
	ret = arm_all(v, n);
	if (ret < 0 && old) /* the new one cannot be had, but the others must not die of it */
		arm_all(v, old);
	for (unsigned i = 0; i < old; i++)
		if (v->msix.vec[i].armed)
			eventfd_write(v->msix.vec[i].fd, 1);
	return ret;
}

static int arm_one(struct vdev *v, unsigned nr)
{
	struct vdev_msix *x = &v->msix;
	struct vdev_vector *vec = &x->vec[nr];
	int ret;

	if (vec->armed)
		return 0;
	vec->armed = true;
	if (nr >= x->host_n && (!x->resizable || !x->host_n)) {
		ret = grow_by_rearm(v, nr + 1);
	} else {
		ret = vfio_irq_eventfds(v->be, VFIO_PCI_MSIX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER,
					nr, 1, &vec->fd);
		if (ret >= 0)
			x->host_n = MAX(x->host_n, nr + 1);
	}
	vec->armed = ret >= 0;
	return ret;
}

static void reconcile(struct vdev *v, unsigned nr)
{
	struct vdev_vector *vec = &v->msix.vec[nr];
	int ret;

	if (!pcimsix_vector_on(v->msix.state, nr)) {
		vector_unbind(vec);
		return;
	}
	ret = vector_open(vec, pcimsix_msg(v->msix.state, nr));
	if (ret >= 0)
		ret = vector_bind(vec, !v->conf.no_kvm_msix);
	if (ret >= 0)
		ret = arm_one(v, nr);
	if (ret < 0)
		vdev_warn(v, "MSI-X vector %u of %u: %s", nr, v->msix.vectors, g_strerror(-ret));
}

static void table_changed(void *opaque, unsigned nr)
{
	struct vdev *v = opaque;

	if (v->mode == VDEV_INT_MSIX)
		reconcile(v, nr);
}

static const struct pcimsix_ops table_ops = {table_changed};

static void close_vectors(struct vdev *v)
{
	irqchip_begin(v->ctx->env.irq);
	for (unsigned i = 0; i < v->msix.vectors; i++)
		vector_close(&v->msix.vec[i]);
	irqchip_commit(v->ctx->env.irq);
}

/* Open routes in one batch first, so that the controller is told once. */
static void msix_enable(struct vdev *v)
{
	struct vdev_msix *x = &v->msix;
	unsigned highest = 0;
	int ret;

	vdev_interrupts_off(v);
	v->mode = VDEV_INT_MSIX;
	irqchip_begin(v->ctx->env.irq);
	for (unsigned i = 0; i < x->vectors; i++)
		if (pcimsix_vector_on(x->state, i) &&
		    vector_open(&x->vec[i], pcimsix_msg(x->state, i)) >= 0)
			highest = i;
	if (irqchip_commit(v->ctx->env.irq) < 0)
		for (unsigned i = 0; i <= highest; i++)
			vector_unroute(&x->vec[i]);
	for (unsigned i = 0; i <= highest; i++)
		if (x->vec[i].fd >= 0) {
			vector_bind(&x->vec[i], !v->conf.no_kvm_msix);
			x->vec[i].armed = true;
		}
	/* The physical function is on even where no vector is, as the guest's is. */
	ret = arm_all(v, highest + 1);
	if (ret >= 0)
		return;
	vdev_warn(v, "enable MSI-X with %u vectors: %s", highest + 1, g_strerror(-ret));
	close_vectors(v);
}

void vdev_msix_disable(struct vdev *v)
{
	int ret = v->msix.host_n ? vfio_irq_disarm(v->be, VFIO_PCI_MSIX_IRQ_INDEX) : 0;

	if (ret < 0)
		vdev_warn(v, "disarm MSI-X: %s", g_strerror(-ret));
	close_vectors(v);
	v->msix.host_n = 0;
	v->mode = VDEV_INT_NONE;
}

void vdev_msix_config_written(struct vdev *v)
{
	struct vdev_msix *x = &v->msix;
	uint16_t control = pci_get16(v->dev.cfg + x->pos + PCI_MSIX_FLAGS);
	bool on = control & PCI_MSIX_FLAGS_ENABLE, was_on = x->state->enabled;

	if (was_on && !on && v->mode == VDEV_INT_MSIX)
		vdev_msix_disable(v);
	pcimsix_control(x->state, control);
	if (on && !was_on)
		msix_enable(v);
	else if (was_on && !on)
		vdev_intx_enable(v);
}

/* The pending bit of a masked vector is its eventfd. */
static uint64_t pba_read(void *opaque, uint64_t off, unsigned len)
{
	struct vdev *v = opaque;
	uint64_t bits = 0;

	for (unsigned i = 0; i < 8 * len; i++) {
		unsigned nr = (unsigned)(8 * off) + i;

		if (nr < v->msix.vectors && !v->msix.vec[nr].bound &&
		    vector_pending(&v->msix.vec[nr]))
			bits |= 1ull << i;
	}
	return bits;
}

static void pba_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
}

static const struct region_ops pba_ops = {pba_read, pba_write, 1, 8, false};

int vdev_msix_init(struct vdev *v, struct err **errp)
{
	struct vdev_msix *x = &v->msix;
	struct region *pba;

	if (!x->pos)
		return 0;
	x->state = pcimsix_new(&v->dev, x->vectors, &table_ops, v);
	x->vec = g_new(struct vdev_vector, x->vectors);
	for (unsigned i = 0; i < x->vectors; i++)
		vector_init(&x->vec[i], v);
	pba = &x->state->pba_region;
	pba->ops = &pba_ops;
	pba->opaque = v;
	pba->lock = x->state->table_region.lock = &v->lock;
	region_add_sub(&v->bar[x->table_bar].trap, &x->state->table_region, x->table_off);
	region_add_sub(&v->bar[x->pba_bar].trap, pba, x->pba_off);
	return 0;
}

void vdev_msix_fini(struct vdev *v)
{
	struct vdev_msix *x = &v->msix;

	if (!x->state)
		return;
	region_del_sub(&v->bar[x->table_bar].trap, &x->state->table_region);
	region_del_sub(&v->bar[x->pba_bar].trap, &x->state->pba_region);
	pcimsix_free(x->state);
	g_free(x->vec);
	x->state = NULL;
	x->vec = NULL;
}
