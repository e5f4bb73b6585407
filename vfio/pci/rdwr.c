// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns a user's trapped accesses to BARs, the ROM and VGA, and the doorbell eventfds.  Called by
 * core.c with the device's lock held; the accesses go over the host's bus.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "vfio/host/private.h"
#include "vfio/pci/vpci.h"
#include "vfio/virqfd.h"

struct window {
	struct vfio_pci_device *v;
	struct aspace *as;
	uint64_t base;
	bool memory;         /* accesses fail while memory decode is off */
	uint64_t hole, last; /* what is kept from the user: [hole, last) */
};

static int access1(const struct window *w, uint64_t off, uint8_t *buf, unsigned n, bool write)
{
	uint64_t val = 0;

	if (w->memory && !vpci_memory_enabled(w->v))
		return -EIO;
	if (write) {
		memcpy(&val, buf, n);
		aspace_write(w->as, w->base + off, GUINT64_FROM_LE(val), n);
	} else {
		val = GUINT64_TO_LE(aspace_read(w->as, w->base + off, n));
		memcpy(buf, &val, n);
	}
	return 0;
}

/* Aligned pieces of at most 4 bytes; reads of the hole give ones, writes to it are dropped. */
static ssize_t do_io_rw(const struct window *w, uint64_t off, uint8_t *buf, size_t len, bool write)
{
	size_t done = 0;

	while (done < len) {
		size_t left = len - done, n;
		int ret;

		if (off >= w->hole && off < w->last) {
			n = MIN(left, w->last - off);
			if (!write)
				memset(buf + done, 0xff, n);
		} else {
			if (off < w->hole)
				left = MIN(left, w->hole - off);
			n = left >= 4 && !(off & 3) ? 4 : left >= 2 && !(off & 1) ? 2 : 1;
			ret = access1(w, off, buf + done, (unsigned)n, write);
			if (ret < 0)
				return ret;
		}
		done += n;
		off += n;
	}
	return (ssize_t)done;
}

static ssize_t rom_rw(struct vfio_pci_device *v, uint8_t *buf, size_t len, uint64_t pos)
{
	struct hostdev *d = v->pci;
	uint64_t end = hd_res_len(d, HOSTRES_ROM);
	uint64_t valid = hd_rom_size(d);
	struct window w = {v, d->host->mem, d->res[HOSTRES_ROM].start, true, valid, end};
	uint32_t reg = hd_read(d, PCI_ROM_ADDRESS, 4);
	ssize_t ret;

	if (!valid)
		return -ENOMEM;
	if (d->res[HOSTRES_ROM].flags & HOSTRES_ROM_SHADOW)
		return do_io_rw(&w, pos, buf, len, false);
	hd_write(d, PCI_ROM_ADDRESS, 4, reg | PCI_ROM_ADDRESS_ENABLE);
	ret = do_io_rw(&w, pos, buf, len, false);
	hd_write(d, PCI_ROM_ADDRESS, 4, reg & ~PCI_ROM_ADDRESS_ENABLE);
	return ret;
}

ssize_t vpci_bar_rw(struct vfio_pci_device *v, unsigned bar, uint8_t *buf, size_t len, uint64_t pos,
		    bool write)
{
	struct hostdev *d = v->pci;
	const struct hostres *r = &d->res[bar];
	uint64_t end = r->start ? hd_res_len(d, bar) : 0;
	bool io = r->flags & HOSTRES_IO;
	struct window w = {v,         io ? d->host->io : d->host->mem, r->start, !io, UINT64_MAX,
			   UINT64_MAX};

	if (!end || pos >= end)
		return -EINVAL;
	len = MIN(len, end - pos);
	if (!buf)
		return -EFAULT;
	if (bar == HOSTRES_ROM)
		return rom_rw(v, buf, len, pos);
	if (bar == v->msix_bar) {
		w.hole = v->msix_offset;
		w.last = v->msix_offset + v->msix_size;
	}
	return do_io_rw(&w, pos, buf, len, write);
}

/* The legacy ranges: 0xa0000 of memory, 0x3b0 and 0x3c0 of ports; offsets are addresses. */
ssize_t vpci_vga_rw(struct vfio_pci_device *v, uint8_t *buf, size_t len, uint64_t pos, bool write)
{
	struct host *h = v->pci->host;
	struct window w = {v, h->io, 0, false, UINT64_MAX, UINT64_MAX};
	uint64_t last;

	if (!v->has_vga)
		return -EINVAL;
	if (pos > 0xbfffful)
		return -EINVAL;
	if (pos >= 0xa0000 && pos <= 0xbffff) {
		w.as = h->mem;
		last = 0xbffff;
	} else if (pos >= 0x3b0 && pos <= 0x3bb) {
		last = 0x3bb;
	} else if (pos >= 0x3c0 && pos <= 0x3df) {
		last = 0x3df;
	} else {
		return -EINVAL;
	}
	if (!buf)
		return -EFAULT;
	return do_io_rw(&w, pos, buf, MIN(len, last - pos + 1), write);
}

/* --- VFIO_DEVICE_IOEVENTFD: an eventfd that writes one value to one register --- */

#define IOEVENTFDS 1000

struct vpci_ioeventfd {
	struct vfio_pci_device *v;
	struct virqfd *virqfd;
	uint64_t data;
	unsigned bar, count;
	uint64_t pos;
	bool memory;
};

static bool ioeventfd_fire(void *opaque)
{
	struct vpci_ioeventfd *e = opaque;
	const struct hostdev *d = e->v->pci;

	/* No lock: virqfd_disable, which waits for this, is called with it held. */
	if (!e->memory || vpci_memory_enabled(e->v))
		aspace_write(e->memory ? d->host->mem : d->host->io, d->res[e->bar].start + e->pos,
			     e->data, e->count);
	return false;
}

static bool same_register(const struct vpci_ioeventfd *a, const struct vpci_ioeventfd *b)
{
	return a->pos == b->pos && a->bar == b->bar && a->data == b->data && a->count == b->count;
}

static void ioeventfd_free(struct vfio_pci_device *v, struct vpci_ioeventfd *e)
{
	v->ioeventfds = g_slist_remove(v->ioeventfds, e);
	v->nioeventfds--;
	virqfd_disable(&e->virqfd);
	g_free(e);
}

void vpci_ioeventfds_free(struct vfio_pci_device *v)
{
	while (v->ioeventfds)
		ioeventfd_free(v, v->ioeventfds->data);
}

static int ioeventfd_set(struct vfio_pci_device *v, const struct vpci_ioeventfd *want, int fd)
{
	struct vpci_ioeventfd *e;
	int ret;

	for (GSList *l = v->ioeventfds; l; l = l->next) {
		if (!same_register(l->data, want))
			continue;
		if (fd >= 0)
			return -EEXIST;
		ioeventfd_free(v, l->data);
		return 0;
	}
	if (fd < 0)
		return -ENODEV;
	if (v->nioeventfds >= IOEVENTFDS)
		return -ENOSPC;
	e = g_memdup2(want, sizeof(*want));
	ret = virqfd_enable(v->pci->host, &e->virqfd, ioeventfd_fire, NULL, e, fd);
	if (ret < 0) {
		g_free(e);
		return ret;
	}
	v->ioeventfds = g_slist_prepend(v->ioeventfds, e);
	v->nioeventfds++;
	return 0;
}

/* Registers that vfio-pci itself drives take no doorbells. */
static bool touches_msix(const struct vfio_pci_device *v, const struct vpci_ioeventfd *e)
{
	return e->bar == v->msix_bar && e->pos < v->msix_offset + v->msix_size &&
	       e->pos + e->count > v->msix_offset;
}

long vpci_ioeventfd(struct vfio_pci_device *v, void *arg)
{
	const size_t min = offsetof(struct vfio_device_ioeventfd, fd) + sizeof(int32_t);
	struct vfio_device_ioeventfd in;
	struct vpci_ioeventfd e = {.v = v};
	unsigned count;

	if (!arg)
		return -EFAULT;
	memcpy(&in, arg, min);
	if (in.argsz < min || in.flags & ~(uint32_t)VFIO_DEVICE_IOEVENTFD_SIZE_MASK)
		return -EINVAL;
	count = in.flags & VFIO_DEVICE_IOEVENTFD_SIZE_MASK;
	if (__builtin_popcount(count) != 1 || in.fd < -1)
		return -EINVAL;
	e.bar = (unsigned)(in.offset >> VPCI_OFFSET_SHIFT);
	e.pos = in.offset & VPCI_OFFSET_MASK;
	e.count = count;
	e.data = in.data;
	/* Linux takes the index as a signed number: below BAR 0 nothing is checked, nor written. */
	if ((int64_t)in.offset < 0)
		return 0;
	if (e.bar > VFIO_PCI_BAR5_REGION_INDEX)
		return -EINVAL;
	if (e.pos + count > (v->pci->res[e.bar].start ? hd_res_len(v->pci, e.bar) : 0))
		return -EINVAL;
	if (touches_msix(v, &e))
		return -EINVAL;
	e.memory = !(v->pci->res[e.bar].flags & HOSTRES_IO);
	return ioeventfd_set(v, &e, in.fd);
}
