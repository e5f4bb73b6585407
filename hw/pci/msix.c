// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns an MSI-X table and pending bits as a guest sees them (PCI 3.0, 6.8.2).  Called through its
 * two regions, by the owner of the capability, and by a model's threads to raise; never sends by
 * itself what the owner delivers another way.
 */
#include <glib.h>
#include <string.h>

#include "hw/pci/pci.h"
#include "mem/access.h"

static uint64_t table_read(void *opaque, uint64_t off, unsigned len)
{
	struct pcimsix *m = opaque;
	uint64_t v;

	pthread_mutex_lock(&m->lock);
	v = le_load(m->table + off, len);
	pthread_mutex_unlock(&m->lock);
	return v;
}

/* --- under the lock --- */

static bool is_on(const struct pcimsix *m, unsigned nr)
{
	return m->enabled && !m->masked &&
	       !(pci_get32(m->table + 16 * nr + PCI_MSIX_ENTRY_VECTOR_CTRL) &
		 PCI_MSIX_ENTRY_CTRL_MASKBIT);
}

static struct msi_msg message(const struct pcimsix *m, unsigned nr)
{
	const uint8_t *e = m->table + 16 * nr;

	return (struct msi_msg){pci_get32(e) | (uint64_t)pci_get32(e + 4) << 32, pci_get32(e + 8)};
}

static bool is_pending(const struct pcimsix *m, unsigned nr)
{
	return m->pending[nr / 64] >> (nr % 64) & 1;
}

static void mark(struct pcimsix *m, unsigned nr, bool pending)
{
	uint64_t bit = 1ull << (nr % 64);

	m->pending[nr / 64] = (m->pending[nr / 64] & ~bit) | (pending ? bit : 0);
}

/* --- what others ask --- */

bool pcimsix_enabled(struct pcimsix *m)
{
	bool enabled;

	pthread_mutex_lock(&m->lock);
	enabled = m->enabled;
	pthread_mutex_unlock(&m->lock);
	return enabled;
}

bool pcimsix_vector_on(struct pcimsix *m, unsigned nr)
{
	bool on;

	pthread_mutex_lock(&m->lock);
	on = is_on(m, nr);
	pthread_mutex_unlock(&m->lock);
	return on;
}

struct msi_msg pcimsix_msg(struct pcimsix *m, unsigned nr)
{
	struct msi_msg msg;

	pthread_mutex_lock(&m->lock);
	msg = message(m, nr);
	pthread_mutex_unlock(&m->lock);
	return msg;
}

bool pcimsix_pending(struct pcimsix *m, unsigned nr)
{
	bool pending;

	pthread_mutex_lock(&m->lock);
	pending = is_pending(m, nr);
	pthread_mutex_unlock(&m->lock);
	return pending;
}

void pcimsix_set_pending(struct pcimsix *m, unsigned nr, bool pending)
{
	pthread_mutex_lock(&m->lock);
	mark(m, nr, pending);
	pthread_mutex_unlock(&m->lock);
}

static void vector_changed(struct pcimsix *m, unsigned nr)
{
	struct msi_msg msg;
	bool due;

	if (m->ops && m->ops->vector)
		m->ops->vector(m->opaque, nr);
	pthread_mutex_lock(&m->lock);
	due = is_on(m, nr) && is_pending(m, nr);
	if (due) {
		mark(m, nr, false);
		msg = message(m, nr);
	}
	pthread_mutex_unlock(&m->lock);
	if (due)
		pcidev_msi_send(m->dev, msg);
}

static void table_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct pcimsix *m = opaque;
	unsigned first = (unsigned)off / 16, n = (unsigned)(off + len - 1) / 16 - first + 1;
	uint8_t old[32], new[32];

	pthread_mutex_lock(&m->lock);
	memcpy(old, m->table + 16 * first, 16 * n);
	le_store(m->table + off, val, len);
	memcpy(new, m->table + 16 * first, 16 * n);
	pthread_mutex_unlock(&m->lock);
	for (unsigned i = 0; i < n; i++)
		if (memcmp(old + 16 * i, new + 16 * i, 16))
			vector_changed(m, first + i);
}

static uint64_t pba_read(void *opaque, uint64_t off, unsigned len)
{
	struct pcimsix *m = opaque;
	uint64_t v;

	pthread_mutex_lock(&m->lock);
	v = le_load((uint8_t *)m->pending + off, len);
	pthread_mutex_unlock(&m->lock);
	return v;
}

static void pba_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
}

static const struct region_ops table_ops = {table_read, table_write, 1, 8, false};
static const struct region_ops pba_ops = {pba_read, pba_write, 1, 8, false};

struct pcimsix *pcimsix_new(struct pcidev *d, unsigned vectors, const struct pcimsix_ops *ops,
			    void *opaque)
{
	struct pcimsix *m = g_new0(struct pcimsix, 1);

	m->dev = d;
	m->vectors = vectors;
	m->ops = ops;
	m->opaque = opaque;
	pthread_mutex_init(&m->lock, NULL);
	m->table = g_malloc0(16 * (gsize)vectors);
	m->pending = g_new0(uint64_t, (vectors + 63) / 64);
	region_init_io(&m->table_region, "msix-table", 16 * (uint64_t)vectors, &table_ops, m);
	region_init_io(&m->pba_region, "msix-pba", 8 * (((uint64_t)vectors + 63) / 64), &pba_ops,
		       m);
	pcimsix_reset(m);
	return m;
}

void pcimsix_free(struct pcimsix *m)
{
	if (!m)
		return;
	pthread_mutex_destroy(&m->lock);
	g_free(m->table);
	g_free(m->pending);
	g_free(m);
}

void pcimsix_reset(struct pcimsix *m)
{
	pthread_mutex_lock(&m->lock);
	m->enabled = m->masked = false;
	memset(m->table, 0, 16 * (size_t)m->vectors);
	memset(m->pending, 0, 8 * ((m->vectors + 63) / 64));
	for (unsigned i = 0; i < m->vectors; i++)
		m->table[16 * i + PCI_MSIX_ENTRY_VECTOR_CTRL] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
	pthread_mutex_unlock(&m->lock);
	if (m->pos)
		pci_set16(m->dev->cfg + m->pos + PCI_MSIX_FLAGS, (uint16_t)(m->vectors - 1));
}

void pcimsix_control(struct pcimsix *m, uint16_t control)
{
	bool enabled = control & PCI_MSIX_FLAGS_ENABLE, masked = control & PCI_MSIX_FLAGS_MASKALL;

	if (enabled == m->enabled && masked == m->masked)
		return;
	pthread_mutex_lock(&m->lock);
	m->enabled = enabled;
	m->masked = masked;
	pthread_mutex_unlock(&m->lock);
	for (unsigned i = 0; i < m->vectors; i++)
		vector_changed(m, i);
}

void pcimsix_raise(struct pcimsix *m, unsigned nr)
{
	struct msi_msg msg;
	bool send = false;

	if (nr >= m->vectors)
		return;
	pthread_mutex_lock(&m->lock);
	if (is_on(m, nr)) {
		msg = message(m, nr);
		send = true;
	} else if (m->enabled) {
		mark(m, nr, true);
	}
	pthread_mutex_unlock(&m->lock);
	if (send)
		pcidev_msi_send(m->dev, msg);
}

/* --- the capability of a model --- */

void pcimsix_add_cap(struct pcidev *d, unsigned off, unsigned bar, uint32_t table_off,
		     uint32_t pba_off)
{
	struct pcimsix *m = d->msix;
	uint8_t *c = d->cfg + off;

	m->pos = off;
	pcidev_add_cap(d, PCI_CAP_ID_MSIX, off);
	pci_set16(c + PCI_MSIX_FLAGS, (uint16_t)(m->vectors - 1));
	pci_set16(d->wmask + off + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	pci_set32(c + PCI_MSIX_TABLE, table_off | bar);
	pci_set32(c + PCI_MSIX_PBA, pba_off | bar);
	region_add_sub(d->bar[bar].region, &m->table_region, table_off);
	region_add_sub(d->bar[bar].region, &m->pba_region, pba_off);
}

void pcimsix_written(struct pcidev *d, unsigned off, unsigned len)
{
	struct pcimsix *m = d->msix;

	if (m && m->pos && pci_hits(off, len, m->pos + PCI_MSIX_FLAGS, 2))
		pcimsix_control(m, pci_get16(d->cfg + m->pos + PCI_MSIX_FLAGS));
}
