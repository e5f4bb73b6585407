// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the host's interrupts: vectors that MSI and MSI-X messages name, and the INTx lines.  Called
 * by models through the bus (messages, levels) and by drivers for set-up; never holds a lock of the
 * PCI bus while a message is delivered.
 *
 * A message's data is a vector's number: the host's interrupt remapping in one line.
 */
#include <errno.h>

#include "vfio/host/private.h"

#define MSI_ADDR 0xfee00000u
#define MSI_MASK_BITS 32u /* a capability can claim more vectors than that */

/* --- vectors --- */

static struct host_irq *irq_slot(struct host *h, unsigned n)
{
	if (!h->irq[n]) {
		struct host_irq *irq = g_new0(struct host_irq, 1);

		irq->nr = n;
		pthread_mutex_init(&irq->lock, NULL);
		__atomic_store_n(&h->irq[n], irq, __ATOMIC_RELEASE);
	}
	return h->irq[n];
}

/* n in a row from a multiple of n's power of two: MSI counts them in the data's low bits. */
static int irq_alloc(struct host *h, unsigned n, unsigned align)
{
	for (unsigned base = align; base + n <= HOST_IRQS; base += align) {
		unsigned i;

		for (i = 0; i < n && !(h->irq[base + i] && h->irq[base + i]->used); i++)
			;
		if (i < n)
			continue;
		for (i = 0; i < n; i++)
			irq_slot(h, base + i)->used = true;
		return (int)base;
	}
	return -ENOSPC;
}

static void on_msi(void *opaque, struct pcidev *p, struct msi_msg msg)
{
	struct host *h = opaque;
	unsigned n = msg.data & 0xffff;
	struct host_irq *irq;

	irq = (msg.addr & ~0xfffffull) == MSI_ADDR && n < HOST_IRQS
		      ? __atomic_load_n(&h->irq[n], __ATOMIC_ACQUIRE)
		      : NULL;
	if (!irq)
		return; /* as on real hosts, a stray message is lost */
	pthread_mutex_lock(&irq->lock);
	if (irq->fn)
		irq->fn(irq->opaque);
	pthread_mutex_unlock(&irq->lock);
}

/* --- MSI capability (PCI 3.0, 6.8.1) --- */

static unsigned msi_mask_off(struct hostdev *d, uint16_t flags)
{
	return d->msi_cap + (flags & PCI_MSI_FLAGS_64BIT ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32);
}

static unsigned log2_up(unsigned n)
{
	return n <= 1 ? 0 : 32 - (unsigned)__builtin_clz(n - 1);
}

/*
 * The message of a live first vector, nothing of a dead one: Linux takes it out of the device when
 * an interrupt is let go, and puts it back when it is taken.  The number of vectors goes with it.
 */
static void msi_program(struct hostdev *d)
{
	uint16_t flags = (uint16_t)hd_read(d, d->msi_cap + PCI_MSI_FLAGS, 2);
	unsigned data =
		d->msi_cap + (flags & PCI_MSI_FLAGS_64BIT ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32);

	flags &= (uint16_t)~PCI_MSI_FLAGS_QSIZE;
	flags |= (uint16_t)(log2_up(d->vectors) << 4);
	hd_write(d, d->msi_cap + PCI_MSI_FLAGS, 2, flags);
	hd_write(d, d->msi_cap + PCI_MSI_ADDRESS_LO, 4, d->msi_live ? MSI_ADDR : 0);
	if (flags & PCI_MSI_FLAGS_64BIT)
		hd_write(d, d->msi_cap + PCI_MSI_ADDRESS_HI, 4, 0);
	hd_write(d, data, 2, d->msi_live ? d->irq[0]->nr : 0);
}

static void msi_set_live(struct hostdev *d, bool live)
{
	d->msi_live = live;
	msi_program(d);
}

static void msi_switch(struct hostdev *d, bool on)
{
	uint16_t flags = (uint16_t)hd_read(d, d->msi_cap + PCI_MSI_FLAGS, 2);

	flags &= (uint16_t)~PCI_MSI_FLAGS_ENABLE;
	hd_write(d, d->msi_cap + PCI_MSI_FLAGS, 2, flags | (on ? PCI_MSI_FLAGS_ENABLE : 0));
}

static void msi_mask_vectors(struct hostdev *d, uint32_t mask)
{
	uint16_t flags = (uint16_t)hd_read(d, d->msi_cap + PCI_MSI_FLAGS, 2);

	if (flags & PCI_MSI_FLAGS_MASKBIT)
		hd_write(d, msi_mask_off(d, flags), 4, mask);
}

/* --- MSI-X table (PCI 3.0, 6.8.2), over the host's bus --- */

static uint64_t msix_entry(struct hostdev *d, unsigned vector)
{
	uint32_t table = hd_read(d, d->msix_cap + PCI_MSIX_TABLE, 4);
	const struct hostres *r = &d->res[table & PCI_MSIX_TABLE_BIR];

	return r->start + (table & PCI_MSIX_TABLE_OFFSET) + 16ull * vector;
}

static void msix_write(struct hostdev *d, unsigned vector, unsigned reg, uint32_t v)
{
	aspace_write(d->host->mem, msix_entry(d, vector) + reg, v, 4);
}

static void msix_mask(struct hostdev *d, unsigned vector, bool mask)
{
	msix_write(d, vector, PCI_MSIX_ENTRY_VECTOR_CTRL, mask ? PCI_MSIX_ENTRY_CTRL_MASKBIT : 0);
}

static void msix_message(struct hostdev *d, unsigned vector)
{
	msix_write(d, vector, PCI_MSIX_ENTRY_LOWER_ADDR, MSI_ADDR);
	msix_write(d, vector, PCI_MSIX_ENTRY_UPPER_ADDR, 0);
	msix_write(d, vector, PCI_MSIX_ENTRY_DATA, d->irq[vector]->nr);
}

static void msix_control(struct hostdev *d, uint16_t clear, uint16_t set)
{
	uint16_t v = (uint16_t)hd_read(d, d->msix_cap + PCI_MSIX_FLAGS, 2);

	hd_write(d, d->msix_cap + PCI_MSIX_FLAGS, 2, (uint16_t)((v & ~clear) | set));
}

static unsigned msix_size(struct hostdev *d)
{
	return (hd_read(d, d->msix_cap + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_QSIZE) + 1;
}

void hd_rewrite_msix(struct hostdev *d, unsigned vector)
{
	msix_message(d, vector);
}

/* --- both --- */

static unsigned available(struct hostdev *d, bool msix)
{
	if (msix)
		return d->msix_cap ? msix_size(d) : 0;
	if (!d->msi_cap)
		return 0;
	return 1u << ((hd_read(d, d->msi_cap + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_QMASK) >> 1);
}

static void enable_msi(struct hostdev *d)
{
	d->msi_enabled = true;
	msi_switch(d, false);
	msi_mask_vectors(d, d->vectors > 16 ? UINT32_MAX : (1u << (1u << log2_up(d->vectors))) - 1);
	msi_set_live(d, true);
	hd_intx(d, false);
	msi_switch(d, true);
}

static void enable_msix(struct hostdev *d)
{
	unsigned size = msix_size(d);

	d->msix_enabled = true;
	msix_control(d, 0, PCI_MSIX_FLAGS_MASKALL | PCI_MSIX_FLAGS_ENABLE);
	for (unsigned i = 0; i < size; i++)
		msix_mask(d, i, true);
	for (unsigned i = 0; i < d->vectors; i++)
		msix_message(d, i);
	hd_intx(d, false);
	msix_control(d, PCI_MSIX_FLAGS_MASKALL, 0);
}

int hd_alloc_vectors(struct hostdev *d, unsigned n, bool msix)
{
	unsigned have = available(d, msix), size;
	int first;

	if (!n)
		return -ERANGE;
	if (!have || d->power != HOST_D0 || d->msi_enabled || d->msix_enabled)
		return -EINVAL;
	n = MIN(n, have);
	size = msix ? n : 1u << log2_up(n);
	pthread_mutex_lock(&d->host->irq_alloc);
	first = irq_alloc(d->host, size, msix ? 1 : size);
	pthread_mutex_unlock(&d->host->irq_alloc);
	if (first < 0)
		return first;
	d->vectors = n;
	d->irq = g_new(struct host_irq *, size);
	for (unsigned i = 0; i < size; i++)
		d->irq[i] = d->host->irq[(unsigned)first + i];
	if (msix)
		enable_msix(d);
	else
		enable_msi(d);
	return (int)n;
}

void hd_free_vectors(struct hostdev *d)
{
	unsigned size = d->msix_enabled ? d->vectors : 1u << log2_up(d->vectors);

	if (!d->vectors)
		return;
	if (d->msix_enabled) {
		for (unsigned i = 0; i < d->vectors; i++)
			msix_mask(d, i, true);
		msix_control(d, PCI_MSIX_FLAGS_ENABLE, 0);
	} else {
		msi_switch(d, false);
	}
	hd_intx(d, true);
	if (d->msi_enabled) {
		msi_mask_vectors(d, 0);
		msi_set_live(d, false);
	}
	pthread_mutex_lock(&d->host->irq_alloc);
	for (unsigned i = 0; i < size; i++)
		d->irq[i]->used = false;
	pthread_mutex_unlock(&d->host->irq_alloc);
	d->msi_enabled = d->msix_enabled = false;
	d->vectors = 0;
	g_free(d->irq);
	d->irq = NULL;
}

/* What the vectors' users want to hear: the mask of those requested. */
static bool requested(struct hostdev *d, unsigned vector)
{
	return d->irq[vector]->fn != NULL;
}

static void vector_unmask(struct hostdev *d, unsigned vector, bool unmask)
{
	uint16_t flags;
	unsigned off;

	if (d->msix_enabled) {
		msix_mask(d, vector, !unmask);
		return;
	}
	flags = (uint16_t)hd_read(d, d->msi_cap + PCI_MSI_FLAGS, 2);
	if (!(flags & PCI_MSI_FLAGS_MASKBIT) || vector >= MSI_MASK_BITS)
		return;
	off = msi_mask_off(d, flags);
	if (unmask)
		hd_write(d, off, 4, hd_read(d, off, 4) & ~(1u << vector));
	else
		hd_write(d, off, 4, hd_read(d, off, 4) | 1u << vector);
}

static void set_handler(struct host_irq *irq, void (*fn)(void *opaque), void *opaque)
{
	pthread_mutex_lock(&irq->lock);
	irq->opaque = opaque;
	irq->fn = fn;
	pthread_mutex_unlock(&irq->lock);
}

void hd_vector_request(struct hostdev *d, unsigned vector, void (*fn)(void *opaque), void *opaque)
{
	set_handler(d->irq[vector], fn, opaque);
	if (d->msi_enabled && !vector)
		msi_set_live(d, true);
	vector_unmask(d, vector, true);
}

void hd_vector_free(struct hostdev *d, unsigned vector)
{
	vector_unmask(d, vector, false);
	set_handler(d->irq[vector], NULL, NULL);
	if (d->msi_enabled && !vector)
		msi_set_live(d, false);
}

void hd_restore_msi(struct hostdev *d)
{
	if (d->msi_enabled) {
		uint32_t mask = 0;

		hd_intx(d, false);
		msi_switch(d, false);
		msi_program(d);
		for (unsigned i = 0; i < MIN(1u << log2_up(d->vectors), MSI_MASK_BITS); i++)
			mask |= requested(d, i) ? 0 : 1u << i;
		msi_mask_vectors(d, mask);
		msi_switch(d, true);
	} else if (d->msix_enabled) {
		hd_intx(d, false);
		msix_control(d, 0, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
		for (unsigned i = 0; i < d->vectors; i++) {
			msix_message(d, i);
			msix_mask(d, i, !requested(d, i));
		}
		msix_control(d, PCI_MSIX_FLAGS_MASKALL, 0);
	}
}

/* --- INTx lines --- */

static unsigned line_of(const struct hostdev *d)
{
	const struct pcidev *p = d->pci;
	unsigned pin = (unsigned)(d->pin - 1) & 3;

	for (; p->bus->bridge; p = p->bus->bridge)
		pin = (pin + PCI_SLOT(p->devfn)) & 3;
	return (unsigned)PCI_SLOT(p->devfn) * 4 + pin;
}

unsigned hd_line_number(const struct hostdev *d)
{
	unsigned line = line_of(d);

	return d->pin ? 16 + (line / 4 + line % 4) % 8 : 0;
}

static void run_line(struct hostline *l)
{
	if (!l->level || l->masked)
		return;
	for (struct hostline_action *a = l->actions; a; a = a->next)
		a->fn(a->opaque);
}

static void on_intx(void *opaque, unsigned slot, unsigned pin, bool level)
{
	struct host *h = opaque;
	struct hostline *l = &h->line[slot * 4 + (pin - 1)];

	l->level = level;
	if (level)
		run_line(l);
}

const struct pcihost_ops host_pci_ops = {.intx = on_intx, .msi = on_msi};

void hd_irq_lock(struct hostdev *d)
{
	pthread_mutex_lock(&d->host->pci.irq_lock);
}

void hd_irq_unlock(struct hostdev *d)
{
	pthread_mutex_unlock(&d->host->pci.irq_lock);
}

int hd_line_request(struct hostdev *d, bool shared, bool masked, void (*fn)(void *opaque),
		    void *opaque)
{
	struct hostline *l = &d->host->line[line_of(d)];
	struct hostline_action *a;

	hd_irq_lock(d);
	if (l->actions && (l->exclusive || !shared)) {
		hd_irq_unlock(d);
		return -EBUSY;
	}
	a = g_new(struct hostline_action, 1);
	*a = (struct hostline_action){d, fn, opaque, l->actions};
	l->actions = a;
	l->exclusive = !shared;
	if (!a->next)
		l->masked = masked;
	run_line(l);
	hd_irq_unlock(d);
	return 0;
}

void hd_line_free(struct hostdev *d, void *opaque)
{
	struct hostline *l = &d->host->line[line_of(d)];

	hd_irq_lock(d);
	for (struct hostline_action **p = &l->actions; *p; p = &(*p)->next) {
		struct hostline_action *a = *p;

		if (a->opaque != opaque)
			continue;
		*p = a->next;
		g_free(a);
		break;
	}
	if (!l->actions)
		l->exclusive = false;
	hd_irq_unlock(d);
}

void hd_line_mask(struct hostdev *d, bool mask)
{
	struct hostline *l = &d->host->line[line_of(d)];

	l->masked += mask ? 1 : -1;
	if (l->masked < 0)
		l->masked = 0;
	if (!mask)
		run_line(l);
}

static bool disabled(const struct hostdev *d)
{
	return pci_get16(d->pci->cfg + PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE;
}

bool hd_intx_check_and_mask(struct hostdev *d)
{
	if (!d->pci->intx_level)
		return false;
	if (!disabled(d))
		pcidev_intx_gate(d->pci, true);
	return true;
}

bool hd_intx_check_and_unmask(struct hostdev *d)
{
	if (d->pci->intx_level)
		return false;
	if (disabled(d))
		pcidev_intx_gate(d->pci, false);
	return true;
}

void host_irq_init(struct host *h)
{
	pthread_mutex_init(&h->irq_alloc, NULL);
}

void host_irq_fini(struct host *h)
{
	for (unsigned i = 0; i < HOST_IRQS; i++) {
		if (!h->irq[i])
			continue;
		pthread_mutex_destroy(&h->irq[i]->lock);
		g_free(h->irq[i]);
	}
	pthread_mutex_destroy(&h->irq_alloc);
}
