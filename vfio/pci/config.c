// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the road of a user's config access: chop it to one capability and one dword first, decide by
 * the permission table after.  Called by core.c with the device's lock held.
 */
#include <errno.h>
#include <string.h>

#include "vfio/pci/vpci.h"

/* Bytes from pos that lie in one dword and one capability. */
static unsigned remaining(const struct vfio_pci_device *v, unsigned pos)
{
	uint8_t id = v->map[pos];
	unsigned n = 1;

	while ((pos + n) & 3 && pos + n < v->pci->cfg_size && v->map[pos + n] == id)
		n++;
	return n;
}

static unsigned chunk(const struct vfio_pci_device *v, unsigned pos, size_t len)
{
	unsigned n = remaining(v, pos);

	n = len < n ? (unsigned)len : n;
	if (n >= 4 && !(pos & 3))
		return 4;
	return n >= 2 && !(pos & 1) ? 2 : 1;
}

static int do_rw(struct vfio_pci_device *v, uint8_t *buf, unsigned pos, unsigned n, bool write)
{
	unsigned off;
	const struct perm_bits *p = vpci_perm_at(v, pos, &off);
	uint32_t val = 0;
	int ret;

	if (write) {
		if (!p->writefn)
			return 0; /* nothing in there may be written */
		if (!buf)
			return -EFAULT;
		memcpy(&val, buf, n);
		return p->writefn(v, pos, n, p, off, GUINT32_FROM_LE(val));
	}
	ret = p->readfn(v, pos, n, p, off, &val);
	if (ret < 0)
		return ret;
	if (!buf)
		return -EFAULT;
	val = GUINT32_TO_LE(val);
	memcpy(buf, &val, n);
	return 0;
}

ssize_t vpci_config_rw(struct vfio_pci_device *v, uint8_t *buf, size_t len, uint64_t pos,
		       bool write)
{
	size_t done = 0;

	while (done < len) {
		size_t left = len - done;
		unsigned n;
		int ret;

		if (pos >= v->pci->cfg_size || left > v->pci->cfg_size - pos)
			return -EFAULT;
		n = chunk(v, (unsigned)pos, left);
		ret = do_rw(v, buf ? buf + done : NULL, (unsigned)pos, n, write);
		if (ret < 0)
			return ret;
		done += n;
		pos += n;
	}
	return (ssize_t)done;
}

bool vpci_memory_enabled(const struct vfio_pci_device *v)
{
	return v->pci->power < HOST_D3HOT &&
	       (v->pci->no_command_memory || v->vconfig[PCI_COMMAND] & PCI_COMMAND_MEMORY);
}
