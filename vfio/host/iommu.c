// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns IOMMU groups (who cannot be told apart, or can reach each other behind the IOMMU's back),
 * who uses them, and the domains that translate.  Called by the scan, drivers, and vfio/type1.c;
 * devices' DMA comes through struct pcidma.
 *
 * Grouping rules: PCI Express 6.12 (ACS), PCI-to-PCI bridges 1.2 (one requester id for all behind a
 * conventional bridge), multifunction devices without ACS.
 */
#include "vfio/host/iommu.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define MSI_FIRST 0xfee00000ull
#define MSI_LAST 0xfeefffffull

/* --- translation --- */

struct range {
	uint64_t iova, size;
	uint8_t *host;
	bool write;
};

struct iommu_domain {
	struct host *host;
	pthread_rwlock_t lock;
	GTree *ranges;
};

static gint by_iova(gconstpointer a, gconstpointer b, gpointer opaque)
{
	const struct range *x = a, *y = b;

	return x->iova < y->iova ? -1 : x->iova > y->iova;
}

struct iommu_domain *iommu_domain_new(struct host *h)
{
	struct iommu_domain *d = g_new0(struct iommu_domain, 1);

	d->host = h;
	pthread_rwlock_init(&d->lock, NULL);
	d->ranges = g_tree_new_full(by_iova, NULL, g_free, NULL);
	return d;
}

void iommu_domain_free(struct iommu_domain *d)
{
	if (!d)
		return;
	g_tree_unref(d->ranges);
	pthread_rwlock_destroy(&d->lock);
	g_free(d);
}

int iommu_map(struct iommu_domain *d, uint64_t iova, uint64_t size, void *host, bool write)
{
	struct range *r = g_new(struct range, 1);

	*r = (struct range){iova, size, host, write};
	pthread_rwlock_wrlock(&d->lock);
	g_tree_insert(d->ranges, r, r);
	pthread_rwlock_unlock(&d->lock);
	return 0;
}

void iommu_unmap(struct iommu_domain *d, uint64_t iova, uint64_t size)
{
	struct range key = {.iova = iova};

	pthread_rwlock_wrlock(&d->lock);
	g_tree_remove(d->ranges, &key);
	pthread_rwlock_unlock(&d->lock);
}

static struct range *lookup(struct iommu_domain *d, uint64_t iova)
{
	struct range key = {.iova = iova}, *r;
	GTreeNode *n = g_tree_upper_bound(d->ranges, &key);

	n = n ? g_tree_node_previous(n) : g_tree_node_last(d->ranges);
	r = n ? g_tree_node_value(n) : NULL;
	return r && iova - r->iova < r->size ? r : NULL;
}

static void fault(struct hostdev *d, uint64_t iova, bool write, const char *why)
{
	uint64_t n = __atomic_add_fetch(&d->dma_faults, 1, __ATOMIC_RELAXED);

	/* The first few tell what is wrong; a storm would only hide it. */
	if (n <= 8 || !(n & (n - 1)))
		g_warning("iommu: %s (%s): DMA %s of 0x%" PRIx64 ": %s (its fault %" PRIu64 ")",
			  d->bdf, d->pci->name, write ? "write" : "read", iova, why, n);
}

uint64_t hostdev_dma_faults(struct hostdev *d)
{
	return __atomic_load_n(&d->dma_faults, __ATOMIC_RELAXED);
}

/* Copy as far as ranges go on; one lock for all, so that an unmap sees it whole or not at all. */
static bool copy(struct iommu_domain *d, struct hostdev *hd, uint64_t iova, uint8_t *buf,
		 size_t len, bool write)
{
	bool ok = true;

	pthread_rwlock_rdlock(&d->lock);
	while (len && ok) {
		struct range *r = lookup(d, iova);
		size_t n;

		if (!r || (write && !r->write)) {
			fault(hd, iova, write, r ? "mapped for reading only" : "not mapped");
			ok = false;
			break;
		}
		n = MIN(len, r->size - (iova - r->iova));
		if (write)
			memcpy(r->host + (iova - r->iova), buf, n);
		else
			memcpy(buf, r->host + (iova - r->iova), n);
		iova += n;
		buf += n;
		len -= n;
	}
	pthread_rwlock_unlock(&d->lock);
	return ok;
}

static bool dma(struct hostdev *hd, uint64_t iova, uint8_t *buf, size_t len, bool write)
{
	struct iommu_group *g = hd->group;
	bool ok;

	pthread_rwlock_rdlock(&g->lock);
	ok = g->domain && copy(g->domain, hd, iova, buf, len, write);
	if (!g->domain)
		fault(hd, iova, write, "its group has no domain");
	pthread_rwlock_unlock(&g->lock);
	return ok;
}

static bool dma_read(void *opaque, struct pcidev *p, uint64_t addr, void *buf, size_t len)
{
	return dma(opaque, addr, buf, len, false);
}

static bool dma_write(void *opaque, struct pcidev *p, uint64_t addr, const void *buf, size_t len)
{
	return dma(opaque, addr, (uint8_t *)buf, len, true);
}

void iommu_attach(struct iommu_group *g, struct iommu_domain *d)
{
	pthread_rwlock_wrlock(&g->lock);
	g->domain = d;
	pthread_rwlock_unlock(&g->lock);
}

unsigned iommu_iova_ranges(const struct host *h, struct vfio_iova_range r[IOMMU_RANGES])
{
	unsigned bits = h->conf.iova_bits ? h->conf.iova_bits : 39;

	r[0] = (struct vfio_iova_range){0, MSI_FIRST - 1};
	r[1] = (struct vfio_iova_range){MSI_LAST + 1, bits >= 64 ? UINT64_MAX : (1ull << bits) - 1};
	return 2;
}

bool iommu_iova_ok(const struct host *h, uint64_t first, uint64_t last)
{
	struct vfio_iova_range r[IOMMU_RANGES];
	unsigned n = iommu_iova_ranges(h, r);

	for (unsigned i = 0; i < n; i++)
		if (first >= r[i].start && last <= r[i].end)
			return true;
	return false;
}

/* --- groups --- */

/* May what comes up through this function go round the IOMMU? */
static bool isolates(const struct hostdev *d)
{
	const uint16_t need = PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF;
	struct hostdev *x = (struct hostdev *)d;
	unsigned type;

	if (!d->exp_cap)
		return false;
	type = (hd_read(x, d->exp_cap + PCI_EXP_FLAGS, 2) & PCI_EXP_FLAGS_TYPE) >> 4;
	switch (type) {
	case PCI_EXP_TYPE_ROOT_PORT:
	case PCI_EXP_TYPE_DOWNSTREAM:
		return d->acs_cap && (hd_read(x, d->acs_cap + PCI_ACS_CAP, 2) & need) == need;
	case PCI_EXP_TYPE_PCI_BRIDGE:
	case PCI_EXP_TYPE_PCIE_BRIDGE:
		return false;
	default: /* single functions have nobody to talk to */
		return !d->multifunction ||
		       (d->acs_cap && (hd_read(x, d->acs_cap + PCI_ACS_CAP, 2) &
				       (PCI_ACS_RR | PCI_ACS_CR)) == (PCI_ACS_RR | PCI_ACS_CR));
	}
}

/* Whose requester id the IOMMU sees: behind a conventional bridge, the bridge's. */
static struct hostdev *dma_alias(struct hostdev *d)
{
	struct hostdev *alias = d;

	for (struct hostdev *b = d->parent; b; b = b->parent) {
		unsigned type = b->exp_cap ? (hd_read(b, b->exp_cap + PCI_EXP_FLAGS, 2) &
					      PCI_EXP_FLAGS_TYPE) >>
						     4
					   : PCI_EXP_TYPE_PCI_BRIDGE;

		if (type == PCI_EXP_TYPE_PCI_BRIDGE || type == PCI_EXP_TYPE_PCIE_BRIDGE)
			alias = b;
	}
	return alias;
}

static struct iommu_group *group_of_siblings(struct hostdev *d)
{
	struct host *h = d->host;

	if (!d->multifunction || isolates(d) || d->physfn)
		return NULL;
	for (guint i = 0; i < h->devs->len; i++) {
		struct hostdev *o = h->devs->pdata[i];

		if (o != d && o->group && !o->physfn && o->pci->bus == d->pci->bus &&
		    PCI_SLOT(o->pci->devfn) == PCI_SLOT(d->pci->devfn) && !isolates(o))
			return o->group;
	}
	return NULL;
}

/* The group of the first bridge above that does not isolate, as whoever is below shares it. */
static struct iommu_group *group_from_above(struct hostdev *d)
{
	struct iommu_group *g = NULL;

	for (struct hostdev *b = d->parent; b; b = b->parent)
		if (!isolates(b) && b->exp_cap &&
		    (hd_read(b, b->exp_cap + PCI_EXP_FLAGS, 2) & PCI_EXP_FLAGS_TYPE) >> 4 !=
			    PCI_EXP_TYPE_UPSTREAM)
			g = b->group;
	return g;
}

static struct iommu_group *group_new(struct host *h)
{
	struct iommu_group *g = g_new0(struct iommu_group, 1);

	g->id = h->next_group++;
	g->devs = g_ptr_array_new();
	pthread_rwlock_init(&g->lock, NULL);
	g_ptr_array_add(h->groups, g);
	return g;
}

int iommu_group_add(struct hostdev *d)
{
	struct hostdev *alias = dma_alias(d);
	struct iommu_group *g = NULL;
	struct pcidma *dma_ops;
	int ret = host_step(d->host);

	if (ret < 0)
		return ret;
	if (alias != d)
		g = alias->group;
	if (!g && !d->physfn)
		g = group_from_above(d);
	if (!g)
		g = group_of_siblings(d);
	if (!g)
		g = group_new(d->host);
	g_ptr_array_add(g->devs, d);
	d->group = g;
	dma_ops = g_new(struct pcidma, 1);
	*dma_ops = (struct pcidma){dma_read, dma_write, d};
	d->pci->dma = dma_ops;
	return 0;
}

void iommu_group_remove(struct hostdev *d)
{
	struct iommu_group *g = d->group;

	if (!g)
		return;
	g_free((void *)d->pci->dma);
	d->pci->dma = NULL;
	d->group = NULL;
	g_ptr_array_remove(g->devs, d);
	if (g->devs->len)
		return;
	if (g->gone)
		g->gone(g);
	g_ptr_array_remove(d->host->groups, g);
	g_ptr_array_unref(g->devs);
	pthread_rwlock_destroy(&g->lock);
	g_free(g);
}

int iommu_use_default(struct hostdev *d)
{
	if (!d->group)
		return 0;
	if (d->group->owner)
		return -EBUSY;
	d->group->owners++;
	return 0;
}

void iommu_unuse_default(struct hostdev *d)
{
	if (d->group && d->group->owners)
		d->group->owners--;
}

int iommu_claim(struct iommu_group *g, void *owner)
{
	if (g->owners || g->owner)
		return -EPERM;
	g->owner = owner;
	return 0;
}

void iommu_release(struct iommu_group *g)
{
	g->owner = NULL;
}
