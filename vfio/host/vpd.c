// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns access to a function's vital product data (PCI 3.0, appendix I) and the finding of its
 * length.  Called by vfio/pci for the virtual VPD register; never trusts what the device answers.
 */
#include <errno.h>

#include "vfio/host/hostdev.h"

#define VPD_MAX (PCI_VPD_ADDR_MASK + 1)
#define POLLS 4 /* an emulated device has answered when the write returns, or never will */

#define TAG_END 0x0f /* small resource item */

static int await(struct hostdev *d, bool flag)
{
	for (int i = 0; i < POLLS; i++)
		if (!!(hd_user_read(d, d->vpd_cap + PCI_VPD_ADDR, 2) & PCI_VPD_ADDR_F) == flag)
			return 0;
	return -ETIMEDOUT;
}

static int read_bytes(struct hostdev *d, unsigned off, uint8_t *buf, unsigned len)
{
	for (unsigned i = 0; i < len; i++) {
		unsigned at = off + i;
		int ret;

		hd_user_write(d, d->vpd_cap + PCI_VPD_ADDR, 2, at & ~3u);
		ret = await(d, true);
		if (ret < 0)
			return ret;
		buf[i] = (uint8_t)(hd_user_read(d, d->vpd_cap + PCI_VPD_DATA, 4) >> (8 * (at & 3)));
	}
	return (int)len;
}

/* Length of the resource at off incl. its tag; 0 = not a tag; *end = it is the last one. */
static unsigned item(struct hostdev *d, unsigned off, uint8_t tag, bool *end)
{
	uint8_t len[2];

	if (tag & 0x80) {
		if (read_bytes(d, off + 1, len, 2) != 2)
			return 0;
		return 3u + (unsigned)(len[0] | len[1] << 8);
	}
	*end = (tag >> 3) == TAG_END;
	return 1u + (tag & 7);
}

/* -1 = invalid from its first byte. */
static int find_length(struct hostdev *d)
{
	unsigned off = 0;
	uint8_t tag;
	bool end = false;

	while (off < VPD_MAX && read_bytes(d, off, &tag, 1) == 1) {
		unsigned n;

		if (!off && (tag == 0x00 || tag == 0xff))
			return -1;
		n = item(d, off, tag, &end);
		if (!n || off + n > VPD_MAX)
			return off ? (int)off : -1;
		off += n;
		if (end)
			break;
	}
	return (int)off;
}

static int available(struct hostdev *d)
{
	int len;

	if (!d->vpd_cap || d->vpd_bad)
		return -ENODEV;
	if (d->vpd_len)
		return 0;
	len = find_length(d);
	if (len < 0) {
		d->vpd_bad = true;
		return -ENODEV;
	}
	d->vpd_len = (unsigned)len;
	return 0;
}

int hd_vpd_read(struct hostdev *d, unsigned off, uint32_t *val)
{
	int ret = available(d);
	unsigned n;
	uint8_t b[4] = {0};

	if (ret < 0)
		return ret;
	if (off >= d->vpd_len)
		return 0;
	n = MIN(4, d->vpd_len - off);
	ret = read_bytes(d, off, b, n);
	if (ret > 0)
		*val = pci_get32(b);
	return ret;
}

int hd_vpd_write(struct hostdev *d, unsigned off, uint32_t val)
{
	int ret = available(d);

	if (ret < 0)
		return ret;
	if (off & 3 || off + 4 > d->vpd_len)
		return -EINVAL;
	hd_user_write(d, d->vpd_cap + PCI_VPD_DATA, 4, val);
	hd_user_write(d, d->vpd_cap + PCI_VPD_ADDR, 2, off | PCI_VPD_ADDR_F);
	ret = await(d, false);
	return ret < 0 ? ret : 4;
}
