// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns what a host does at boot: bus numbers, the size of BARs (found by writing ones, PCI 3.0
 * 6.2.5.1) and their places, bridge windows.  Called by host_scan; a value that is there already,
 * as firmware leaves it, is kept.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/err.h"
#include "vfio/host/private.h"

#define MIB 0x100000ull

struct aperture {
	uint64_t first, last;
};

static const struct aperture root_io = {0x1000, 0xffff};
static const struct aperture root_mem = {0xc0000000, 0xfebfffff};
static const struct aperture root_pref = {0x4000000000, 0x7fffffffff};

/* --- bus numbers --- */

static void number_bus(struct pcibus *b, unsigned *next)
{
	for (unsigned i = 0; i < 256; i++) {
		struct pcidev *p = b->dev[i];

		if (!p || !p->child)
			continue;
		if (!p->cfg[PCI_SECONDARY_BUS]) {
			p->cfg[PCI_PRIMARY_BUS] = (uint8_t)pcibus_nr(b);
			p->cfg[PCI_SECONDARY_BUS] = (uint8_t)++ * next;
			p->cfg[PCI_SUBORDINATE_BUS] = 0xff;
		}
		if (*next < p->cfg[PCI_SECONDARY_BUS])
			*next = p->cfg[PCI_SECONDARY_BUS];
		number_bus(p->child, next);
		if (p->cfg[PCI_SUBORDINATE_BUS] == 0xff || p->cfg[PCI_SUBORDINATE_BUS] < *next)
			p->cfg[PCI_SUBORDINATE_BUS] = (uint8_t)*next;
	}
}

void host_number_buses(struct host *h)
{
	unsigned next = 0;

	pthread_mutex_lock(&h->pci.lock);
	number_bus(&h->pci.root, &next);
	pthread_mutex_unlock(&h->pci.lock);
}

/* --- sizes --- */

static uint32_t probe(struct hostdev *d, unsigned off, uint32_t ones, uint32_t *old)
{
	uint32_t v;

	*old = hd_read(d, off, 4);
	hd_write(d, off, 4, *old | ones);
	v = hd_read(d, off, 4);
	hd_write(d, off, 4, *old);
	return v == UINT32_MAX && !(ones & 1) ? 0 : v;
}

static void set_res(struct hostres *r, uint64_t start, uint64_t mask, uint32_t flags)
{
	uint64_t size = mask & (~mask + 1);

	r->flags = flags;
	r->start = start;
	r->end = start + size - 1;
}

/* One BAR; returns how many registers it took. */
static unsigned size_bar(struct hostdev *d, unsigned n, unsigned base, struct hostres *r)
{
	uint32_t old, old_hi = 0, low = probe(d, base + 4 * n, UINT32_MAX, &old), hi = 0;
	uint32_t flags = HOSTRES_SIZEALIGN;
	uint64_t mask;

	if (!low)
		return 1;
	if (old & PCI_BASE_ADDRESS_SPACE_IO) {
		mask = low & ~3u & 0xffff;
		if (mask)
			set_res(r, old & ~3u & 0xffff, mask | ~0xffffull,
				flags | HOSTRES_IO | (old & 3));
		return 1;
	}
	flags |= HOSTRES_MEM | (old & 0xf);
	if (old & PCI_BASE_ADDRESS_MEM_PREFETCH)
		flags |= HOSTRES_PREFETCH;
	if ((old & PCI_BASE_ADDRESS_MEM_TYPE_MASK) != PCI_BASE_ADDRESS_MEM_TYPE_64) {
		mask = (low & ~15u) | ~0xffffffffull;
		if (low & ~15u)
			set_res(r, old & ~15u, mask, flags);
		return 1;
	}
	hi = n < PCI_BARS - 1 ? probe(d, base + 4 * n + 4, UINT32_MAX, &old_hi) : 0;
	mask = (uint64_t)hi << 32 | (low & ~15u);
	if (mask)
		set_res(r, (uint64_t)old_hi << 32 | (old & ~15u), mask, flags | HOSTRES_MEM64);
	return 2;
}

static void size_rom(struct hostdev *d)
{
	uint32_t old, v = probe(d, PCI_ROM_ADDRESS, PCI_ROM_ADDRESS_MASK, &old);

	if (v & PCI_ROM_ADDRESS_MASK)
		set_res(&d->res[HOSTRES_ROM], old & PCI_ROM_ADDRESS_MASK,
			(v & PCI_ROM_ADDRESS_MASK) | ~0xffffffffull,
			HOSTRES_SIZEALIGN | HOSTRES_READONLY | HOSTRES_PREFETCH | HOSTRES_MEM |
				(old & PCI_ROM_ADDRESS_ENABLE));
}

/* The display that firmware used: its ROM was run from a copy in the legacy range. */
static bool is_boot_display(struct hostdev *d)
{
	if (d->class >> 8 != 0x0300 ||
	    !(hd_read(d, PCI_COMMAND, 2) & (PCI_COMMAND_IO | PCI_COMMAND_MEMORY)))
		return false;
	for (struct hostdev *b = d->parent; b; b = b->parent)
		if (!(hd_read(b, PCI_BRIDGE_CONTROL, 2) & PCI_BRIDGE_CTL_VGA))
			return false;
	for (guint i = 0; i < d->host->devs->len; i++) {
		const struct hostdev *o = d->host->devs->pdata[i];

		if (o != d && o->res[HOSTRES_ROM].flags & HOSTRES_ROM_SHADOW)
			return false;
	}
	return true;
}

static void size_all(struct hostdev *d)
{
	unsigned bars = d->hdr_type == PCI_HEADER_TYPE_NORMAL ? PCI_BARS : 2;
	uint16_t cmd = (uint16_t)hd_read(d, PCI_COMMAND, 2);
	bool boot_display = is_boot_display(d);

	memset(d->res, 0, sizeof(d->res));
	if (d->physfn)
		return;                                  /* sriov.c knows */
	if (cmd & (PCI_COMMAND_IO | PCI_COMMAND_MEMORY)) /* nothing moves while it decodes */
		hd_write(d, PCI_COMMAND, 2, cmd & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
	for (unsigned n = 0; n < bars;)
		n += size_bar(d, n, PCI_BASE_ADDRESS_0, &d->res[n]);
	if (d->hdr_type == PCI_HEADER_TYPE_NORMAL)
		size_rom(d);
	if (boot_display)
		d->res[HOSTRES_ROM] =
			(struct hostres){0xc0000, 0xdffff, HOSTRES_MEM | 0x10 | HOSTRES_ROM_SHADOW};
	for (unsigned n = 0; d->sriov_cap && n < PCI_BARS;)
		n += size_bar(d, n, d->sriov_cap + PCI_SRIOV_BAR, &d->res[HOSTRES_VF + n]);
	if (cmd & (PCI_COMMAND_IO | PCI_COMMAND_MEMORY))
		hd_write(d, PCI_COMMAND, 2, cmd);
}

/* --- places --- */

static uint64_t size_of(const struct hostres *r)
{
	return r->flags ? r->end - r->start + 1 : 0;
}

static bool taken(struct host *h, uint64_t first, uint64_t last, bool io, uint64_t *next)
{
	for (guint i = 0; i < h->devs->len; i++) {
		const struct hostdev *d = h->devs->pdata[i];

		for (unsigned n = 0; n < HOSTRES_N; n++) {
			const struct hostres *r = &d->res[n];

			if (!r->start || !(r->flags & HOSTRES_IO) == io)
				continue;
			if (first <= r->end && r->start <= last) {
				*next = r->end + 1;
				return true;
			}
		}
	}
	return false;
}

static uint64_t find_room(struct host *h, struct aperture a, uint64_t size, uint64_t align, bool io)
{
	uint64_t at = (a.first + align - 1) / align * align, next;

	while (at >= a.first && at + size - 1 <= a.last && at + size - 1 >= at) {
		if (!taken(h, at, at + size - 1, io, &next))
			return at;
		at = (next + align - 1) / align * align;
	}
	return 0;
}

enum kind { KIND_IO, KIND_MEM, KIND_PREF };

static enum kind kind_of(const struct hostres *r)
{
	if (r->flags & HOSTRES_IO)
		return KIND_IO;
	return r->flags & HOSTRES_MEM64 && r->flags & HOSTRES_PREFETCH ? KIND_PREF : KIND_MEM;
}

static struct aperture window_of(struct hostdev *bridge, enum kind k)
{
	const uint8_t *c;

	if (!bridge)
		return k == KIND_IO ? root_io : k == KIND_MEM ? root_mem : root_pref;
	c = bridge->pci->cfg;
	switch (k) {
	case KIND_IO:
		return (struct aperture){(uint64_t)(c[PCI_IO_BASE] & 0xf0) << 8,
					 (uint64_t)(c[PCI_IO_LIMIT] & 0xf0) << 8 | 0xfff};
	case KIND_MEM:
		return (struct aperture){(uint64_t)pci_get16(c + PCI_MEMORY_BASE) << 16,
					 (uint64_t)pci_get16(c + PCI_MEMORY_LIMIT) << 16 | 0xfffff};
	default:
		return (struct aperture){
			(uint64_t)(pci_get16(c + PCI_PREF_MEMORY_BASE) & 0xfff0u) << 16 |
				(uint64_t)pci_get32(c + PCI_PREF_BASE_UPPER32) << 32,
			(uint64_t)(pci_get16(c + PCI_PREF_MEMORY_LIMIT) & 0xfff0u) << 16 | 0xfffff |
				(uint64_t)pci_get32(c + PCI_PREF_LIMIT_UPPER32) << 32};
	}
}

static void write_bar(struct hostdev *d, unsigned n, const struct hostres *r)
{
	unsigned off = n == HOSTRES_ROM  ? PCI_ROM_ADDRESS
		       : n > HOSTRES_ROM ? d->sriov_cap + PCI_SRIOV_BAR + 4 * (n - HOSTRES_VF)
					 : PCI_BASE_ADDRESS_0 + 4 * n;

	hd_write(d, off, 4, (uint32_t)r->start);
	if (r->flags & HOSTRES_MEM64)
		hd_write(d, off + 4, 4, (uint32_t)(r->start >> 32));
}

static uint64_t vf_factor(struct hostdev *d, unsigned n)
{
	return n >= HOSTRES_VF ? MAX(1, host_sriov_total(d)) : 1;
}

static int place(struct hostdev *d, unsigned n, struct err **errp)
{
	struct hostres *r = &d->res[n];
	struct hostdev *bridge = d->parent;
	uint64_t size = size_of(r), all = size * vf_factor(d, n), at;
	enum kind k = kind_of(r);

	if (!size || r->start) {
		r->end = r->start ? r->start + all - 1 : r->end;
		return 0;
	}
	at = find_room(d->host, window_of(bridge, k), all, MAX(size, k == KIND_IO ? 4 : 16),
		       k == KIND_IO);
	if (!at && k == KIND_PREF)
		at = find_room(d->host, window_of(bridge, KIND_MEM), all, size, false);
	if (!at) {
		uint64_t need = all;

		*r = (struct hostres){0};
		return err_set(errp, -ENOSPC,
			       "host: %s: BAR %u needs 0x%" PRIx64 " bytes, and there is no room "
			       "for them %s%s",
			       d->bdf, n, need, bridge ? "in the window of " : "on the root bus",
			       bridge ? bridge->bdf : "");
	}
	r->start = at;
	r->end = at + all - 1;
	write_bar(d, n, r);
	return 0;
}

int host_assign(struct hostdev *d, struct err **errp)
{
	for (unsigned n = 0; n < HOSTRES_N; n++) {
		int ret = place(d, n, errp);

		if (ret < 0)
			return ret;
	}
	return 0;
}

/* --- bridge windows --- */

static uint64_t need_below(struct host *h, const struct pcibus *b, enum kind k, uint64_t *align)
{
	uint64_t sum = 0, unit = k == KIND_IO ? 0x1000 : MIB;

	for (guint i = 0; i < h->devs->len; i++) {
		struct hostdev *d = h->devs->pdata[i];
		uint64_t below, sub = unit;

		if (d->pci->bus != b)
			continue;
		for (unsigned n = 0; n < HOSTRES_N; n++) {
			uint64_t size = size_of(&d->res[n]);

			if (!size || kind_of(&d->res[n]) != k || d->res[n].start)
				continue;
			*align = MAX(*align, size);
			sum = (sum + size - 1) / size * size + size * vf_factor(d, n);
		}
		if (!d->pci->child)
			continue;
		below = need_below(h, d->pci->child, k, &sub);
		*align = MAX(*align, below ? sub : 0);
		sum = below ? (sum + sub - 1) / sub * sub + below : sum;
	}
	return (sum + unit - 1) / unit * unit;
}

static void set_window(struct hostdev *d, enum kind k, uint64_t first, uint64_t last)
{
	switch (k) {
	case KIND_IO:
		hd_write(d, PCI_IO_BASE, 1, (uint32_t)(first >> 8) & 0xf0);
		hd_write(d, PCI_IO_LIMIT, 1, (uint32_t)(last >> 8) & 0xf0);
		break;
	case KIND_MEM:
		hd_write(d, PCI_MEMORY_BASE, 2, (uint32_t)(first >> 16) & 0xfff0);
		hd_write(d, PCI_MEMORY_LIMIT, 2, (uint32_t)(last >> 16) & 0xfff0);
		break;
	case KIND_PREF:
		hd_write(d, PCI_PREF_MEMORY_BASE, 2, (uint32_t)(first >> 16) & 0xfff0);
		hd_write(d, PCI_PREF_MEMORY_LIMIT, 2, (uint32_t)(last >> 16) & 0xfff0);
		hd_write(d, PCI_PREF_BASE_UPPER32, 4, (uint32_t)(first >> 32));
		hd_write(d, PCI_PREF_LIMIT_UPPER32, 4, (uint32_t)(last >> 32));
		break;
	}
}

static bool has_window(struct hostdev *d, enum kind k)
{
	struct aperture a = window_of(d, k);

	return a.first && a.first <= a.last;
}

/* Siblings' windows must not overlap: what they hold is marked by a resource of the bridge. */
static void open_windows(struct hostdev *d)
{
	static const unsigned slot[] = {[KIND_IO] = 7, [KIND_MEM] = 8, [KIND_PREF] = 9};

	for (enum kind k = KIND_IO; k <= KIND_PREF; k++) {
		struct hostres *r = &d->res[slot[k]];
		uint64_t align = k == KIND_IO ? 0x1000 : MIB, size, at;

		if (has_window(d, k))
			continue;
		size = need_below(d->host, d->pci->child, k, &align);
		at = size ? find_room(d->host, window_of(d->parent, k), size, align, k == KIND_IO)
			  : 0;
		if (!at) { /* closed */
			set_window(d, k, k == KIND_IO ? 0xf000 : 0xfff00000, 0);
			continue;
		}
		r->start = at;
		r->end = at + size - 1;
		r->flags = k == KIND_IO ? HOSTRES_IO : HOSTRES_MEM;
		set_window(d, k, r->start, r->end);
	}
	hd_write(d, PCI_COMMAND, 2,
		 hd_read(d, PCI_COMMAND, 2) | PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
			 PCI_COMMAND_MASTER);
}

/* A window's marker steps aside while what is within is placed. */
static void place_below(struct host *h, struct pcibus *b, struct err **errp, int *ret)
{
	for (guint i = 0; i < h->devs->len && !*ret; i++) {
		struct hostdev *d = h->devs->pdata[i];

		if (d->pci->bus == b && !d->pci->child)
			*ret = host_assign(d, errp);
	}
	for (guint i = 0; i < h->devs->len && !*ret; i++) {
		struct hostdev *d = h->devs->pdata[i];
		struct hostres keep[3];

		if (d->pci->bus != b || !d->pci->child)
			continue;
		for (unsigned n = 0; n < 2 && !*ret; n++)
			*ret = place(d, n, errp);
		open_windows(d);
		memcpy(keep, &d->res[7], sizeof(keep));
		memset(&d->res[7], 0, sizeof(keep));
		place_below(h, d->pci->child, errp, ret);
		memcpy(&d->res[7], keep, sizeof(keep));
	}
}

/* --- the scan --- */

static void find_new(struct host *h, struct pcibus *b, int *ret)
{
	for (unsigned i = 0; i < 256 && !*ret; i++) {
		struct pcidev *p = b->dev[i];
		struct hostdev *d;

		if (!p)
			continue;
		if (!host_at(h, p)) {
			*ret = host_add(h, p, NULL, &d);
			if (*ret < 0)
				return;
			size_all(d);
		}
		if (p->child)
			find_new(h, p->child, ret);
	}
}

/* Whoever has no group is new, or was found by a scan that failed: all of them get one, or none. */
static int make_groups(struct host *h, GPtrArray *new, struct err **errp)
{
	int ret = 0;

	for (guint i = 0; i < h->devs->len && !ret; i++) {
		struct hostdev *d = h->devs->pdata[i];

		if (d->scanned || d->group)
			continue;
		ret = d->no_iommu ? 0 : iommu_group_add(d);
		d->scanned = !ret;
		if (ret < 0)
			err_set_errno(errp, ret, "host: group of %s", d->bdf);
		else
			g_ptr_array_add(new, d);
	}
	for (guint i = new->len; ret &&i--;) {
		((struct hostdev *)new->pdata[i])->scanned = false;
		iommu_group_remove(new->pdata[i]);
	}
	return ret;
}

int host_scan(struct host *h, struct err **errp)
{
	g_autoptr(GPtrArray) new = g_ptr_array_new();
	int ret = 0;

	host_lock(h);
	host_number_buses(h);
	find_new(h, &h->pci.root, &ret);
	if (ret < 0)
		err_set_errno(errp, ret, "host: scan of the PCI buses");
	if (!ret)
		place_below(h, &h->pci.root, errp, &ret);
	if (!ret)
		ret = make_groups(h, new, errp);
	for (guint i = 0; i < new->len && !ret; i++)
		hd_reset_probe(new->pdata[i]);
	host_unlock(h);
	for (guint i = 0; i < new->len && !ret; i++)
		hostdev_attach(new->pdata[i]);
	return ret;
}
