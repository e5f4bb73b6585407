// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the MSI capability of a device model (PCI 3.0, 6.8.1).  Called by the model: at set-up,
 * after config writes, and from any thread to raise; never decides whether MSI, MSI-X or the pin is
 * the one to use.
 */
#include <string.h>

#include "hw/pci/pci.h"

static unsigned data_off(const struct pcimsi *m)
{
	return m->off + (m->is64 ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32);
}

static unsigned mask_off(const struct pcimsi *m)
{
	return m->off + (m->is64 ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32);
}

static unsigned cap_len(const struct pcimsi *m)
{
	if (m->maskbit)
		return mask_off(m) + 8 - m->off;
	return data_off(m) + 2 - m->off;
}

static uint32_t all_vectors(const struct pcimsi *m)
{
	return m->vectors == 32 ? UINT32_MAX : (1u << m->vectors) - 1;
}

void pcimsi_init(struct pcimsi *m, struct pcidev *d, unsigned off, unsigned vectors, bool is64,
		 bool maskbit)
{
	unsigned order = (unsigned)__builtin_ctz(vectors);
	uint8_t *c = d->cfg + off, *w = d->wmask + off;

	*m = (struct pcimsi){
		.dev = d, .off = off, .vectors = vectors, .is64 = is64, .maskbit = maskbit};
	pthread_mutex_init(&m->lock, NULL);
	pcidev_add_cap(d, PCI_CAP_ID_MSI, off);
	pci_set16(c + PCI_MSI_FLAGS, (uint16_t)(order << 1 | (is64 ? PCI_MSI_FLAGS_64BIT : 0) |
						(maskbit ? PCI_MSI_FLAGS_MASKBIT : 0)));
	pci_set16(w + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	pci_set32(w + PCI_MSI_ADDRESS_LO, ~3u);
	if (is64)
		pci_set32(w + PCI_MSI_ADDRESS_HI, UINT32_MAX);
	pci_set16(d->wmask + data_off(m), UINT16_MAX);
	if (maskbit)
		pci_set32(d->wmask + mask_off(m), all_vectors(m));
}

void pcimsi_fini(struct pcimsi *m)
{
	if (m->dev)
		pthread_mutex_destroy(&m->lock);
	m->dev = NULL;
}

/* Under the lock: what the registers say is what raising goes by, never half a write. */
static void take_registers(struct pcimsi *m)
{
	const uint8_t *c = m->dev->cfg + m->off;
	uint16_t flags = pci_get16(c + PCI_MSI_FLAGS);
	unsigned allocated = 1u << ((flags & PCI_MSI_FLAGS_QSIZE) >> 4);

	m->enabled = flags & PCI_MSI_FLAGS_ENABLE;
	m->allocated = allocated < m->vectors ? allocated : m->vectors;
	m->msg.addr = pci_get32(c + PCI_MSI_ADDRESS_LO);
	if (m->is64)
		m->msg.addr |= (uint64_t)pci_get32(c + PCI_MSI_ADDRESS_HI) << 32;
	m->msg.data = pci_get16(m->dev->cfg + data_off(m));
	m->mask = m->maskbit ? pci_get32(m->dev->cfg + mask_off(m)) : 0;
}

static void set_pending(struct pcimsi *m, uint32_t pending)
{
	m->pending = pending;
	if (m->maskbit)
		pci_set32(m->dev->cfg + mask_off(m) + 4, pending);
}

static struct msi_msg message(const struct pcimsi *m, unsigned vector)
{
	struct msi_msg msg = m->msg;

	msg.data = (msg.data & ~(m->allocated - 1)) | vector;
	return msg;
}

void pcimsi_written(struct pcimsi *m, unsigned off, unsigned len)
{
	struct msi_msg due[32];
	unsigned n = 0;

	if (!pci_hits(off, len, m->off, cap_len(m)))
		return;
	pthread_mutex_lock(&m->lock);
	take_registers(m);
	for (unsigned v = 0; m->enabled && v < m->allocated; v++)
		if ((m->pending & ~m->mask) >> v & 1) {
			set_pending(m, m->pending & ~(1u << v));
			due[n++] = message(m, v);
		}
	pthread_mutex_unlock(&m->lock);
	for (unsigned i = 0; i < n; i++)
		pcidev_msi_send(m->dev, due[i]);
}

void pcimsi_raise(struct pcimsi *m, unsigned vector)
{
	struct msi_msg msg;
	bool send = false;

	pthread_mutex_lock(&m->lock);
	if (m->enabled && vector < m->vectors) {
		vector &= m->allocated - 1;
		msg = message(m, vector);
		send = !(m->mask >> vector & 1);
		if (!send)
			set_pending(m, m->pending | 1u << vector);
	}
	pthread_mutex_unlock(&m->lock);
	if (send)
		pcidev_msi_send(m->dev, msg);
}

bool pcimsi_enabled(struct pcimsi *m)
{
	bool enabled;

	pthread_mutex_lock(&m->lock);
	enabled = m->enabled;
	pthread_mutex_unlock(&m->lock);
	return enabled;
}

void pcimsi_reset(struct pcimsi *m)
{
	uint8_t *c = m->dev->cfg + m->off, *w = m->dev->wmask + m->off;

	pthread_mutex_lock(&m->lock);
	for (unsigned i = PCI_MSI_FLAGS; i < cap_len(m); i++)
		c[i] &= (uint8_t)~w[i];
	set_pending(m, 0);
	take_registers(m);
	pthread_mutex_unlock(&m->lock);
}
