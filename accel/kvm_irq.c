// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the kernel's interrupt chips, the GSI routing table and irqfds
 * (Documentation/virt/kvm/api.rst: KVM_CREATE_IRQCHIP, KVM_CAP_SPLIT_IRQCHIP, KVM_SET_GSI_ROUTING,
 * KVM_IRQFD).  Called through struct irqchip by devices' back ends; never knows whose interrupt it
 * is.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "accel/kvm.h"
#include "base/err.h"

#define GSI_MAX 4096

static bool gsi_used(const struct kvm_irq *q, unsigned gsi)
{
	return q->used[gsi / 64] >> (gsi % 64) & 1;
}

static struct kvm_irq_routing_entry *route_new(struct kvm_irq *q, unsigned gsi, uint32_t type)
{
	struct kvm_irq_routing_entry *e;

	if (q->n == q->max) {
		q->max = q->max ? 2 * q->max : 64;
		q->routes = g_renew(struct kvm_irq_routing_entry, q->routes, q->max);
	}
	e = &q->routes[q->n++];
	*e = (struct kvm_irq_routing_entry){.gsi = gsi, .type = type};
	q->used[gsi / 64] |= 1ull << (gsi % 64);
	q->dirty = true;
	return e;
}

static void route_chip(struct kvm_irq *q, unsigned gsi, unsigned chip, unsigned pin)
{
	struct kvm_irq_routing_entry *e = route_new(q, gsi, KVM_IRQ_ROUTING_IRQCHIP);

	e->u.irqchip.irqchip = chip;
	e->u.irqchip.pin = pin;
}

static void route_msi(struct kvm_irq_routing_entry *e, struct msi_msg msg)
{
	e->type = KVM_IRQ_ROUTING_MSI;
	memset(&e->u, 0, sizeof(e->u));
	e->u.msi.address_lo = (uint32_t)msg.addr;
	e->u.msi.address_hi = (uint32_t)(msg.addr >> 32);
	e->u.msi.data = msg.data;
}

static struct kvm_irq_routing_entry *route_find(struct kvm_irq *q, unsigned gsi)
{
	for (unsigned i = 0; i < q->n; i++)
		if (q->routes[i].gsi == gsi)
			return &q->routes[i];
	return NULL;
}

static int push(struct kvm *k)
{
	struct kvm_irq *q = &k->irq;
	g_autofree struct kvm_irq_routing *t = NULL;

	if (!q->dirty)
		return 0;
	t = g_malloc0(sizeof(*t) + q->n * sizeof(*q->routes));
	t->nr = q->n;
	memcpy(t->entries, q->routes, q->n * sizeof(*q->routes));
	q->dirty = false;
	return kvm_ioctl(k->vm_fd, KVM_SET_GSI_ROUTING, t);
}

static void irq_begin(void *opaque)
{
	struct kvm *k = opaque;

	pthread_mutex_lock(&k->irq.lock);
	k->irq.depth++;
	pthread_mutex_unlock(&k->irq.lock);
}

static int irq_commit(void *opaque)
{
	struct kvm *k = opaque;
	int ret = 0;

	pthread_mutex_lock(&k->irq.lock);
	if (!--k->irq.depth)
		ret = push(k);
	pthread_mutex_unlock(&k->irq.lock);
	if (ret < 0)
		g_warning("kvm: KVM_SET_GSI_ROUTING with %u routes: %s", k->irq.n,
			  g_strerror(-ret));
	return ret;
}

static void route_drop(struct kvm_irq *q, struct kvm_irq_routing_entry *e)
{
	q->used[e->gsi / 64] &= ~(1ull << (e->gsi % 64));
	*e = q->routes[--q->n];
	q->dirty = true;
}

static int irq_route_add(void *opaque, struct msi_msg msg)
{
	struct kvm *k = opaque;
	int gsi;

	pthread_mutex_lock(&k->irq.lock);
	for (gsi = GSI_PINS; gsi < GSI_MAX && gsi_used(&k->irq, (unsigned)gsi); gsi++)
		;
	if (gsi < GSI_MAX && k->irq.n < k->irq.limit) {
		route_msi(route_new(&k->irq, (unsigned)gsi, KVM_IRQ_ROUTING_MSI), msg);
		if (!k->irq.depth && push(k) < 0) {
			route_drop(&k->irq, &k->irq.routes[k->irq.n - 1]);
			gsi = -EIO;
		}
	} else {
		gsi = -ENOSPC;
	}
	pthread_mutex_unlock(&k->irq.lock);
	return gsi;
}

static void irq_route_set(void *opaque, int gsi, struct msi_msg msg)
{
	struct kvm *k = opaque;
	struct kvm_irq_routing_entry *e, old;

	pthread_mutex_lock(&k->irq.lock);
	e = route_find(&k->irq, (unsigned)gsi);
	if (e) {
		old = *e;
		route_msi(e, msg);
		if (memcmp(&old, e, sizeof(old)))
			k->irq.dirty = true;
		if (!k->irq.depth)
			push(k);
	}
	pthread_mutex_unlock(&k->irq.lock);
}

static void irq_route_del(void *opaque, int gsi)
{
	struct kvm *k = opaque;
	struct kvm_irq_routing_entry *e;

	pthread_mutex_lock(&k->irq.lock);
	e = route_find(&k->irq, (unsigned)gsi);
	if (e && gsi >= GSI_PINS) /* the next commit takes it out: unused, it does no harm */
		route_drop(&k->irq, e);
	pthread_mutex_unlock(&k->irq.lock);
}

static int irqfd(struct kvm *k, int gsi, int fd, int resamplefd, uint32_t flags)
{
	struct kvm_irqfd f = {.fd = (uint32_t)fd, .gsi = (uint32_t)gsi, .flags = flags};

	if (resamplefd >= 0) {
		f.flags |= KVM_IRQFD_FLAG_RESAMPLE;
		f.resamplefd = (uint32_t)resamplefd;
	}
	return kvm_ioctl(k->vm_fd, KVM_IRQFD, &f);
}

static int irq_irqfd_add(void *opaque, int gsi, int fd, int resamplefd)
{
	struct kvm *k = opaque;

	if (resamplefd >= 0 && (!k->irq.resample || k->accel.irqchip_mode == IRQCHIP_SPLIT))
		return -ENOTSUP;
	return irqfd(k, gsi, fd, resamplefd, 0);
}

static int irq_irqfd_del(void *opaque, int gsi, int fd)
{
	return irqfd(opaque, gsi, fd, -1, KVM_IRQFD_FLAG_DEASSIGN);
}

static int irq_msi_send(void *opaque, struct msi_msg msg)
{
	struct kvm *k = opaque;
	struct kvm_msi m = {
		.address_lo = (uint32_t)msg.addr,
		.address_hi = (uint32_t)(msg.addr >> 32),
		.data = msg.data,
	};

	return kvm_ioctl(k->vm_fd, KVM_SIGNAL_MSI, &m);
}

static void irq_line_set(void *opaque, int gsi, bool level)
{
	struct kvm *k = opaque;
	struct kvm_irq_level l = {.irq = (uint32_t)gsi, .level = level};

	kvm_ioctl(k->vm_fd, KVM_IRQ_LINE, &l);
}

static const struct irqchip_ops kvm_irqchip_ops = {
	.begin = irq_begin,
	.commit = irq_commit,
	.route_add = irq_route_add,
	.route_set = irq_route_set,
	.route_del = irq_route_del,
	.irqfd_add = irq_irqfd_add,
	.irqfd_del = irq_irqfd_del,
	.msi_send = irq_msi_send,
	.line_set = irq_line_set,
};

/*
 * Split: each pin of hw/irq's IO-APIC is a route, so that KVM knows which vectors' EOIs to report.
 */
void kvm_irq_pin(struct accel *a, int pin, struct msi_msg msg, bool masked)
{
	struct kvm *k = kvm_of(a);

	irq_route_set(k, pin, masked ? (struct msi_msg){0} : msg);
}

void kvm_irq_extint(struct accel *a, bool level)
{
	struct kvm *k = kvm_of(a);

	__atomic_store_n(&k->extint, level, __ATOMIC_SEQ_CST);
	if (level && k->vcpu[0])
		kvm_vcpu_kick(k->vcpu[0]);
}

static int init_split(struct kvm *k, struct err **errp)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_SPLIT_IRQCHIP, .args = {GSI_PINS}};
	int ret;

	if (!kvm_cap(k, KVM_CAP_SPLIT_IRQCHIP))
		return err_set(errp, -ENOTSUP,
			       "kvm: kernel-irqchip=split is not offered by this kernel");
	ret = kvm_ioctl(k->vm_fd, KVM_ENABLE_CAP, &cap);
	if (ret < 0)
		return err_set_errno(errp, ret, "kvm: enable the split irqchip");
	for (unsigned pin = 0; pin < GSI_PINS; pin++)
		route_msi(route_new(&k->irq, pin, KVM_IRQ_ROUTING_MSI), (struct msi_msg){0});
	return 0;
}

static int save_chips(struct kvm *k)
{
	int ret = 0;

	for (unsigned i = 0; i < 3 && ret >= 0; i++) {
		k->irq.chips[i].chip_id = i;
		ret = kvm_ioctl(k->vm_fd, KVM_GET_IRQCHIP, &k->irq.chips[i]);
	}
	return ret < 0 ? ret : kvm_ioctl(k->vm_fd, KVM_GET_PIT2, &k->irq.pit);
}

static int init_full(struct kvm *k, struct err **errp)
{
	struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};
	int ret;

	ret = kvm_ioctl(k->vm_fd, KVM_CREATE_IRQCHIP, NULL);
	if (ret < 0)
		return err_set_errno(errp, ret, "kvm: KVM_CREATE_IRQCHIP");
	ret = kvm_ioctl(k->vm_fd, KVM_CREATE_PIT2, &pit);
	if (ret < 0)
		return err_set_errno(errp, ret, "kvm: KVM_CREATE_PIT2");
	for (unsigned irq = 0; irq < 16; irq++)
		if (irq != 2)
			route_chip(&k->irq, irq,
				   irq < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE,
				   irq % 8);
	/* The timer's ISA IRQ 0 is wired to pin 2; MADT says so. */
	for (unsigned gsi = 0; gsi < GSI_PINS; gsi++)
		if (gsi != 2)
			route_chip(&k->irq, gsi, KVM_IRQCHIP_IOAPIC, gsi == 0 ? 2 : gsi);
	k->irq.used[0] |= 1u << 2;
	ret = save_chips(k);
	if (ret < 0)
		return err_set_errno(errp, ret, "kvm: read the interrupt chips");
	return 0;
}

int kvm_irq_init(struct kvm *k, struct err **errp)
{
	int ret;

	pthread_mutex_init(&k->irq.lock, NULL);
	k->irq.resample = kvm_cap(k, KVM_CAP_IRQFD_RESAMPLE);
	k->irq.limit = (unsigned)kvm_cap(k, KVM_CAP_IRQ_ROUTING);
	k->accel.irq = (struct irqchip){&kvm_irqchip_ops, k};
	ret = k->accel.irqchip_mode == IRQCHIP_SPLIT ? init_split(k, errp) : init_full(k, errp);
	if (ret < 0)
		return ret;
	ret = push(k);
	if (ret < 0)
		return err_set_errno(errp, ret, "kvm: KVM_SET_GSI_ROUTING");
	return 0;
}

void kvm_irq_fini(struct kvm *k)
{
	g_free(k->irq.routes);
	pthread_mutex_destroy(&k->irq.lock);
}

int kvm_irq_reset(struct kvm *k)
{
	int ret = 0;

	if (k->accel.irqchip_mode == IRQCHIP_SPLIT)
		return 0;
	for (unsigned i = 0; i < 3 && ret >= 0; i++)
		ret = kvm_ioctl(k->vm_fd, KVM_SET_IRQCHIP, &k->irq.chips[i]);
	return ret < 0 ? ret : kvm_ioctl(k->vm_fd, KVM_SET_PIT2, &k->irq.pit);
}
