// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the guest's view of an assigned device's config space: forward, then overlay, then effects (docs/config-bits.md).  Called
 * by the bus; never keeps a copy of a bit that the device owns, but to follow where BARs are.
 */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "hw/vfio/vdev.h"
#include "mem/access.h"

uint32_t vdev_dev_read(struct vdev *v, unsigned off, unsigned len)
{
	uint8_t buf[4];
	ssize_t n = v->gone ? -ENODEV
			    : v->be->ops->read(v->be, VFIO_PCI_CONFIG_REGION_INDEX, off, buf, len);

	if (n != (ssize_t)len) {
		vdev_warn(v, "read config 0x%x, %u bytes: %s", off, len,
			  n < 0 ? g_strerror((int)-n) : "short");
		return UINT32_MAX;
	}
	return (uint32_t)le_load(buf, len);
}

void vdev_dev_write(struct vdev *v, unsigned off, uint32_t val, unsigned len)
{
	uint8_t buf[4];
	ssize_t n;

	le_store(buf, val, len);
	n = v->gone ? -ENODEV
		    : v->be->ops->write(v->be, VFIO_PCI_CONFIG_REGION_INDEX, off, buf, len);
	if (n != (ssize_t)len)
		vdev_warn(v, "write config 0x%x = 0x%x, %u bytes: %s", off, val, len,
			  n < 0 ? g_strerror((int)-n) : "short");
}

/* --- set-up ------------------------------------------------------------------------------------------- */

static int snapshot(struct vdev *v, struct err **errp)
{
	ssize_t n = v->be->ops->read(v->be, VFIO_PCI_CONFIG_REGION_INDEX, 0, v->dev.cfg,
				     v->dev.cfg_size);

	if (n == (ssize_t)v->dev.cfg_size)
		return 0;
	return err_set(errp, n < 0 ? (int)n : -EIO, "read config space: %zd of %u bytes", n,
		       v->dev.cfg_size);
}

static void emulate(struct vdev *v, unsigned off, unsigned len)
{
	memset(v->emu + off, 0xff, len);
}

static void override16(struct vdev *v, unsigned off, uint32_t val)
{
	if (val == UINT32_MAX)
		return;
	pci_set16(v->dev.cfg + off, (uint16_t)val);
	emulate(v, off, 2);
}

/* Shadow of the endpoint's Express capability as its place in the guest's topology wants it. */
static void fix_express(struct vdev *v, bool on_root)
{
	uint8_t *c = v->dev.cfg + v->exp_pos;
	uint16_t flags = pci_get16(c + PCI_EXP_FLAGS);
	unsigned type = (flags & PCI_EXP_FLAGS_TYPE) >> 4;

	if (on_root && type == PCI_EXP_TYPE_ENDPOINT) {
		type = PCI_EXP_TYPE_RC_END;
		pci_set32(c + PCI_EXP_LNKCAP, 0);
		pci_set32(c + PCI_EXP_LNKCTL, 0);
		emulate(v, v->exp_pos + PCI_EXP_LNKCAP, 8);
		if ((flags & PCI_EXP_FLAGS_VERS) > 1) {
			pci_set32(c + PCI_EXP_LNKCAP2, 0);
			pci_set32(c + PCI_EXP_LNKCTL2, 0);
			emulate(v, v->exp_pos + PCI_EXP_LNKCAP2, 8);
		}
	} else if (!on_root && type == PCI_EXP_TYPE_RC_END) {
		type = PCI_EXP_TYPE_ENDPOINT;
		pci_set32(c + PCI_EXP_LNKCAP, PCI_EXP_LNKCAP_SLS_2_5GB | 1 << 4);
		pci_set16(c + PCI_EXP_LNKSTA, PCI_EXP_LNKSTA_CLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1);
		emulate(v, v->exp_pos + PCI_EXP_LNKCAP, 4);
		emulate(v, v->exp_pos + PCI_EXP_LNKSTA, 2);
	}
	flags = (uint16_t)((flags & ~PCI_EXP_FLAGS_TYPE) | type << 4);
	if (!(flags & PCI_EXP_FLAGS_VERS))
		flags |= 1;
	pci_set16(c + PCI_EXP_FLAGS, flags);
	emulate(v, v->exp_pos + PCI_EXP_FLAGS, 2);
}

/* May the guest see this capability where it will sit? */
static bool keep_cap(struct vdev *v, unsigned pos, bool on_express, bool on_root)
{
	unsigned type;

	if (v->dev.cfg[pos] != PCI_CAP_ID_EXP)
		return true;
	type = (pci_get16(v->dev.cfg + pos + PCI_EXP_FLAGS) & PCI_EXP_FLAGS_TYPE) >> 4;
	if (type != PCI_EXP_TYPE_ENDPOINT && type != PCI_EXP_TYPE_LEG_END &&
	    type != PCI_EXP_TYPE_RC_END)
		return false;
	return on_express && !(on_root && type == PCI_EXP_TYPE_LEG_END);
}

/* The chain is the overlay's: same order as the hardware's, without what is hidden.  Bounded. */
static void relink_caps(struct vdev *v, bool on_express, bool on_root)
{
	uint8_t *c = v->dev.cfg;
	unsigned pos = c[PCI_CAPABILITY_LIST] & ~3u, link = PCI_CAPABILITY_LIST;

	emulate(v, PCI_CAPABILITY_LIST, 1);
	if (!(pci_get16(c + PCI_STATUS) & PCI_STATUS_CAP_LIST))
		pos = 0;
	c[PCI_CAPABILITY_LIST] = 0;
	for (int ttl = 48; ttl && pos >= PCI_STD_HEADER_SIZEOF; ttl--) {
		unsigned next = c[pos + 1] & ~3u;

		if (keep_cap(v, pos, on_express, on_root)) {
			c[link] = (uint8_t)pos;
			link = pos + 1;
			emulate(v, link, 1);
			if (c[pos] == PCI_CAP_ID_EXP)
				v->exp_pos = pos;
			if (c[pos] == PCI_CAP_ID_PM)
				v->pm_pos = pos;
			if (c[pos] == PCI_CAP_ID_AF)
				v->af_pos = pos;
		}
		c[link] = 0;
		pos = next;
	}
	if (!c[PCI_CAPABILITY_LIST]) {
		v->emu[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
		c[PCI_STATUS] &= (uint8_t)~PCI_STATUS_CAP_LIST;
	}
}

/* What the guest could not use, or could use against us, as the peers hide it. */
static bool hide_ext(uint16_t id)
{
	return id == 0 || id == PCI_EXT_CAP_ID_ARI || id == PCI_EXT_CAP_ID_SRIOV ||
	       id == PCI_EXT_CAP_ID_REBAR;
}

/*
 * Extended chain: hidden ones are skipped over; a hidden head stays as an empty one with id 0 (a guest then
 * follows its next pointer).
 */
static void relink_ext_caps(struct vdev *v, bool on_express)
{
	uint8_t *c = v->dev.cfg;
	unsigned pos = PCI_CFG_CONV, prev = 0;

	if (v->dev.cfg_size <= PCI_CFG_CONV)
		return;
	if (!on_express || !v->exp_pos) {
		memset(c + PCI_CFG_CONV, 0, PCI_CFG_EXT - PCI_CFG_CONV);
		emulate(v, PCI_CFG_CONV, PCI_CFG_EXT - PCI_CFG_CONV);
		return;
	}
	for (int ttl = 480; ttl && pos >= PCI_CFG_CONV; ttl--) {
		uint32_t head = pci_get32(c + pos);
		unsigned next = PCI_EXT_CAP_NEXT(head) & ~3u;
		bool hidden = !head || head == UINT32_MAX || hide_ext(PCI_EXT_CAP_ID(head));

		if (head == UINT32_MAX)
			next = 0;
		if (hidden && pos == PCI_CFG_CONV) {
			pci_set32(c + pos, next << 20);
		} else if (hidden) {
			uint32_t before = pci_get32(c + prev);

			pci_set32(c + prev, (before & 0xfffff) | next << 20);
		}
		if (!hidden || pos == PCI_CFG_CONV)
			prev = pos;
		emulate(v, pos, 4);
		if (next <= pos && next) { /* a chain that runs backwards ends here */
			pci_set32(c + prev, pci_get32(c + prev) & 0xfffff);
			next = 0;
		}
		pos = next;
	}
}

static void emulate_msi(struct vdev *v)
{
	unsigned pos = pci_cap_find(v->dev.cfg, PCI_CAP_ID_MSI), len;
	uint16_t flags;
	uint8_t *w;

	if (!pos)
		return;
	flags = pci_get16(v->dev.cfg + pos + PCI_MSI_FLAGS);
	len = flags & PCI_MSI_FLAGS_64BIT ? PCI_MSI_DATA_64 + 2 : PCI_MSI_DATA_32 + 2;
	/* Mask and pending bits stay the device's: the host's kernel lets the guest write them. */
	emulate(v, pos + PCI_MSI_FLAGS, len - PCI_MSI_FLAGS);
	w = v->dev.wmask + pos;
	pci_set16(w + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	pci_set32(w + PCI_MSI_ADDRESS_LO, 0xfffffffc);
	if (flags & PCI_MSI_FLAGS_64BIT)
		pci_set32(w + PCI_MSI_ADDRESS_HI, UINT32_MAX);
	pci_set16(w + len - 2, 0xffff);
	pci_set16(v->dev.cfg + pos + PCI_MSI_FLAGS,
		  flags & (uint16_t) ~(PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE));
}

static void emulate_msix(struct vdev *v)
{
	unsigned pos = pci_cap_find(v->dev.cfg, PCI_CAP_ID_MSIX);
	uint16_t flags;

	if (!pos)
		return;
	flags = pci_get16(v->dev.cfg + pos + PCI_MSIX_FLAGS);
	emulate(v, pos + PCI_MSIX_FLAGS, PCI_CAP_MSIX_SIZEOF - PCI_MSIX_FLAGS);
	pci_set16(v->dev.wmask + pos + PCI_MSIX_FLAGS,
		  PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	pci_set16(v->dev.cfg + pos + PCI_MSIX_FLAGS, flags & PCI_MSIX_FLAGS_QSIZE);
}

int vdev_config_init(struct vdev *v, bool on_express, bool on_root, struct err **errp)
{
	uint8_t *c = v->dev.cfg;
	int ret = snapshot(v, errp);

	if (ret < 0)
		return ret;
	if (c[PCI_HEADER_TYPE] & 0x7f)
		return err_set(errp, -EINVAL, "header type %u: bridges cannot be assigned",
			       c[PCI_HEADER_TYPE] & 0x7f);
	emulate(v, PCI_HEADER_TYPE, 1);
	c[PCI_HEADER_TYPE] = v->conf.multifunction ? 0x80 : 0;
	override16(v, PCI_VENDOR_ID, v->conf.vendor_id);
	override16(v, PCI_DEVICE_ID, v->conf.device_id);
	override16(v, PCI_SUBSYSTEM_VENDOR_ID, v->conf.sub_vendor_id);
	override16(v, PCI_SUBSYSTEM_ID, v->conf.sub_device_id);
	relink_caps(v, on_express, on_root);
	if (v->exp_pos)
		fix_express(v, on_root);
	v->dev.express = v->exp_pos;
	relink_ext_caps(v, on_express);
	emulate_msi(v);
	emulate_msix(v);
	return 0;
}

/* --- config cycles -------------------------------------------------------------------------------------- */

uint32_t vdev_cfg_read(struct pcidev *d, unsigned off, unsigned len)
{
	struct vdev *v = vdev_of(d);
	uint32_t emu = (uint32_t)le_load(v->emu + off, len);
	uint32_t all = len == 4 ? UINT32_MAX : (1u << (8 * len)) - 1;
	uint32_t phys = 0;

	v->cfg_reads++;
	if (v->gone)
		return UINT32_MAX;
	if (emu != all)
		phys = vdev_dev_read(v, off, len);
	return ((uint32_t)le_load(d->cfg + off, len) & emu) | (phys & ~emu);
}

/* Interrupt effects of a write: each capability is compared with what it was, and acts once. */
static void interrupt_effects(struct vdev *v, unsigned off, unsigned len, bool msi_was_on)
{
	pthread_mutex_lock(&v->lock);
	if (v->msi.pos && pci_hits(off, len, v->msi.pos, v->msi.is_64 ? 14 : 10))
		vdev_msi_config_written(v, msi_was_on);
	if (v->msix.pos && pci_hits(off, len, v->msix.pos + PCI_MSIX_FLAGS, 2))
		vdev_msix_config_written(v);
	pthread_mutex_unlock(&v->lock);
}

void vdev_cfg_write(struct pcidev *d, unsigned off, uint32_t val, unsigned len)
{
	struct vdev *v = vdev_of(d);
	bool msi_was_on = vdev_msi_on(v);

	v->cfg_writes++;
	if (v->gone)
		return;
	vdev_dev_write(v, off, val, len);
	pcidev_cfg_write(d, off, val, len);
	interrupt_effects(v, off, len, msi_was_on);
}
