// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns an MSI-X table and pending bits as a guest sees them (PCI 3.0, 6.8.2).  Called through its
 * two regions and by the owner of the capability; never sends by itself what the owner delivers
 * another way.
 */
#include <glib.h>
#include <string.h>

#include "hw/pci/pci.h"
#include "mem/access.h"

static uint64_t table_read(void *opaque, uint64_t off, unsigned len)
{
	struct pcimsix *m = opaque;

	return le_load(m->table + off, len);
}

static bool vector_masked(const struct pcimsix *m, unsigned nr)
{
	return pci_get32(m->table + 16 * nr + PCI_MSIX_ENTRY_VECTOR_CTRL) &
	       PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

bool pcimsix_vector_on(const struct pcimsix *m, unsigned nr)
{
	return m->enabled && !m->masked && !vector_masked(m, nr);
}

struct msi_msg pcimsix_msg(const struct pcimsix *m, unsigned nr)
{
	const uint8_t *e = m->table + 16 * nr;

	return (struct msi_msg){pci_get32(e) | (uint64_t)pci_get32(e + 4) << 32, pci_get32(e + 8)};
}

bool pcimsix_pending(const struct pcimsix *m, unsigned nr)
{
	return m->pending[nr / 64] >> (nr % 64) & 1;
}

void pcimsix_set_pending(struct pcimsix *m, unsigned nr, bool pending)
{
	uint64_t bit = 1ull << (nr % 64);

	m->pending[nr / 64] = (m->pending[nr / 64] & ~bit) | (pending ? bit : 0);
}

static void vector_changed(struct pcimsix *m, unsigned nr)
{
	if (m->ops && m->ops->vector)
		m->ops->vector(m->opaque, nr);
	if (pcimsix_vector_on(m, nr) && pcimsix_pending(m, nr)) {
		pcimsix_set_pending(m, nr, false);
		pcidev_msi_send(m->dev, pcimsix_msg(m, nr));
	}
}

static void table_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct pcimsix *m = opaque;
	unsigned first = (unsigned)off / 16, last = (unsigned)(off + len - 1) / 16;
	uint8_t old[32];

	memcpy(old, m->table + 16 * first, 16 * (last - first + 1));
	le_store(m->table + off, val, len);
	for (unsigned nr = first; nr <= last; nr++)
		if (memcmp(old + 16 * (nr - first), m->table + 16 * nr, 16))
			vector_changed(m, nr);
}

static uint64_t pba_read(void *opaque, uint64_t off, unsigned len)
{
	struct pcimsix *m = opaque;

	return le_load((uint8_t *)m->pending + off, len);
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
	g_free(m->table);
	g_free(m->pending);
	g_free(m);
}

void pcimsix_reset(struct pcimsix *m)
{
	m->enabled = m->masked = false;
	memset(m->table, 0, 16 * (size_t)m->vectors);
	memset(m->pending, 0, 8 * ((m->vectors + 63) / 64));
	for (unsigned i = 0; i < m->vectors; i++)
		m->table[16 * i + PCI_MSIX_ENTRY_VECTOR_CTRL] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

void pcimsix_control(struct pcimsix *m, uint16_t control)
{
	bool enabled = control & PCI_MSIX_FLAGS_ENABLE, masked = control & PCI_MSIX_FLAGS_MASKALL;

	if (enabled == m->enabled && masked == m->masked)
		return;
	m->enabled = enabled;
	m->masked = masked;
	for (unsigned i = 0; i < m->vectors; i++)
		vector_changed(m, i);
}

void pcimsix_raise(struct pcimsix *m, unsigned nr)
{
	if (nr >= m->vectors || !m->enabled)
		return;
	if (pcimsix_vector_on(m, nr))
		pcidev_msi_send(m->dev, pcimsix_msg(m, nr));
	else
		pcimsix_set_pending(m, nr, true);
}
