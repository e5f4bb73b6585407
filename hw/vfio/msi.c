// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns MSI of an assigned device (PCI 3.0, 6.8.1): the guest's capability is the overlay's, the
 * host's is armed by SET_IRQS.  Called by config.c after a write; never touches the physical
 * capability.
 */
#include <errno.h>

#include "base/err.h"
#include "hw/vfio/ctx.h"
#include "hw/vfio/vdev.h"

void vdev_msi_init(struct vdev *v)
{
	struct vdev_msi *m = &v->msi;
	uint16_t flags;

	for (unsigned i = 0; i < G_N_ELEMENTS(m->vec); i++)
		vector_init(&m->vec[i], v);
	m->pos = pci_cap_find(v->dev.cfg, PCI_CAP_ID_MSI);
	if (!m->pos)
		return;
	flags = pci_get16(v->dev.cfg + m->pos + PCI_MSI_FLAGS);
	m->is_64 = flags & PCI_MSI_FLAGS_64BIT;
	m->maskbit = flags & PCI_MSI_FLAGS_MASKBIT;
	m->max = MIN(1u << ((flags & PCI_MSI_FLAGS_QMASK) >> 1), 32);
}

bool vdev_msi_on(const struct vdev *v)
{
	return v->msi.pos && v->dev.cfg[v->msi.pos + PCI_MSI_FLAGS] & PCI_MSI_FLAGS_ENABLE;
}

/* The message of a vector: its number replaces the low bits of the data. */
static struct msi_msg msg_of(const struct vdev *v, unsigned nr)
{
	const uint8_t *c = v->dev.cfg + v->msi.pos;
	unsigned log = (pci_get16(c + PCI_MSI_FLAGS) & PCI_MSI_FLAGS_QSIZE) >> 4;
	struct msi_msg msg = {.addr = pci_get32(c + PCI_MSI_ADDRESS_LO)};

	if (v->msi.is_64)
		msg.addr |= (uint64_t)pci_get32(c + PCI_MSI_ADDRESS_HI) << 32;
	msg.data = pci_get16(c + (v->msi.is_64 ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32));
	msg.data = (msg.data & ~((1u << log) - 1)) | nr;
	return msg;
}

unsigned vdev_msi_asked(const struct vdev *v)
{
	unsigned log =
		(pci_get16(v->dev.cfg + v->msi.pos + PCI_MSI_FLAGS) & PCI_MSI_FLAGS_QSIZE) >> 4;

	return MIN(1u << log, v->msi.max);
}

static void close_vectors(struct vdev *v)
{
	irqchip_begin(v->ctx->env.irq);
	for (unsigned i = 0; i < G_N_ELEMENTS(v->msi.vec); i++)
		vector_close(&v->msi.vec[i]);
	irqchip_commit(v->ctx->env.irq);
	v->msi.n = 0;
}

/* 0, -errno, or the smaller number of vectors that the host could have. */
static int arm(struct vdev *v, unsigned n)
{
	int fds[32], ret = 0;

	irqchip_begin(v->ctx->env.irq);
	for (unsigned i = 0; i < n && !ret; i++)
		ret = vector_open(&v->msi.vec[i], msg_of(v, i));
	if (irqchip_commit(v->ctx->env.irq) < 0)
		for (unsigned i = 0; i < n; i++)
			vector_unroute(&v->msi.vec[i]);
	if (ret < 0)
		return ret;
	for (unsigned i = 0; i < n; i++) {
		vector_bind(&v->msi.vec[i], !v->conf.no_kvm_msi);
		fds[i] = v->msi.vec[i].fd;
	}
	return vfio_irq_eventfds(v->be, VFIO_PCI_MSI_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER, 0, n,
				 fds);
}

static void msi_enable(struct vdev *v)
{
	unsigned n = vdev_msi_asked(v);
	int ret;

	vdev_interrupts_off(v);
	while ((ret = arm(v, n)) != 0) {
		close_vectors(v);
		if (ret < 0 || (unsigned)ret >= n) {
			vdev_warn(v, "MSI with %u vectors: %s; the device has no interrupt", n,
				  g_strerror(ret < 0 ? -ret : EIO));
			v->mode = VDEV_INT_NONE;
			return;
		}
		n = (unsigned)ret;
	}
	v->mode = VDEV_INT_MSI;
	v->msi.n = n;
}

void vdev_msi_disable(struct vdev *v)
{
	int ret = vfio_irq_disarm(v->be, VFIO_PCI_MSI_IRQ_INDEX);

	if (ret < 0)
		vdev_warn(v, "disarm MSI: %s", g_strerror(-ret));
	close_vectors(v);
	v->mode = VDEV_INT_NONE;
}

static void refresh(struct vdev *v)
{
	irqchip_begin(v->ctx->env.irq);
	for (unsigned i = 0; i < v->msi.n; i++)
		vector_set_msg(&v->msi.vec[i], msg_of(v, i));
	irqchip_commit(v->ctx->env.irq);
}

void vdev_msi_config_written(struct vdev *v, bool was_on)
{
	bool on = vdev_msi_on(v);

	if (on && !was_on) {
		msi_enable(v);
	} else if (!on && was_on) {
		if (v->mode == VDEV_INT_MSI)
			vdev_msi_disable(v);
		vdev_intx_enable(v);
	} else if (on && v->mode == VDEV_INT_MSI) {
		refresh(v);
	}
}
