// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the guest's view of an assigned device's config space: forward, then overlay, then effects
 * (docs/config-bits.md).  Called by the bus; never keeps a copy of a bit that the device owns,
 * but to follow where BARs are.
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

/* --- set-up --------------------------------------------------------------------------------- */

static int snapshot(struct vdev *v, struct err **errp)
{
	ssize_t n = v->be->ops->read(v->be, VFIO_PCI_CONFIG_REGION_INDEX, 0, v->dev.cfg,
				     v->dev.cfg_size);

	if (n == (ssize_t)v->dev.cfg_size)
		return 0;
	if (n < 0)
		err_set_errno(errp, (int)n, "read config space");
	else
		err_set(errp, -EIO, "read config space: only %zd of %u bytes came", n,
			v->dev.cfg_size);
	err_hint(errp, "dmesg on the host tells what became of the device.");
	return n < 0 ? (int)n : -EIO;
}

static void emulate(struct vdev *v, unsigned off, unsigned len)
{
	memset(v->emu + off, 0xff, len);
}

static int override_ids(struct vdev *v, struct err **errp)
{
	const struct {
		const char *name;
		unsigned off;
		uint32_t val, max;
	} ids[] = {
		{"vendor-id", PCI_VENDOR_ID, v->conf.vendor_id, 0xfffe},
		{"device-id", PCI_DEVICE_ID, v->conf.device_id, 0xffff},
		{"sub-vendor-id", PCI_SUBSYSTEM_VENDOR_ID, v->conf.sub_vendor_id, 0xffff},
		{"sub-device-id", PCI_SUBSYSTEM_ID, v->conf.sub_device_id, 0xffff},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
		if (ids[i].val == UINT32_MAX)
			continue;
		if (ids[i].val > ids[i].max)
			return err_set(errp, -EINVAL, "x-pci-%s=0x%x is no id: at most 0x%x",
				       ids[i].name, ids[i].val, ids[i].max);
		pci_set16(v->dev.cfg + ids[i].off, (uint16_t)ids[i].val);
		emulate(v, ids[i].off, 2);
	}
	return 0;
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
		if ((flags & PCI_EXP_FLAGS_VERS) > 1 &&
		    v->exp_pos + PCI_EXP_LNKCTL2 + 4 <= PCI_CFG_CONV) {
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

/* Bytes that a capability must have in conventional config space to be what its id says. */
static unsigned cap_size(const uint8_t *c)
{
	switch (c[0]) {
	case PCI_CAP_ID_PM:
		return PCI_PM_SIZEOF;
	case PCI_CAP_ID_MSI:
		return pci_get16(c + PCI_MSI_FLAGS) & PCI_MSI_FLAGS_64BIT ? PCI_MSI_DATA_64 + 2
									  : PCI_MSI_DATA_32 + 2;
	case PCI_CAP_ID_MSIX:
		return PCI_CAP_MSIX_SIZEOF;
	case PCI_CAP_ID_EXP:
		return PCI_CAP_EXP_ENDPOINT_SIZEOF_V1;
	case PCI_CAP_ID_AF:
		return PCI_CAP_AF_SIZEOF;
	}
	return 2;
}

/* May the guest see this capability where it will sit? */
static bool keep_cap(struct vdev *v, unsigned pos, bool on_express, bool on_root)
{
	unsigned type;

	if (pos + cap_size(v->dev.cfg + pos) > PCI_CFG_CONV)
		return false;
	if (v->dev.cfg[pos] != PCI_CAP_ID_EXP)
		return true;
	type = (pci_get16(v->dev.cfg + pos + PCI_EXP_FLAGS) & PCI_EXP_FLAGS_TYPE) >> 4;
	if (type != PCI_EXP_TYPE_ENDPOINT && type != PCI_EXP_TYPE_LEG_END &&
	    type != PCI_EXP_TYPE_RC_END)
		return false;
	return on_express && !(on_root && type == PCI_EXP_TYPE_LEG_END);
}

/* What a reset must know, whether the guest sees the capability or not. */
static void note_cap(struct vdev *v, unsigned pos)
{
	const uint8_t *c = v->dev.cfg + pos;

	if (pos + cap_size(c) > PCI_CFG_CONV)
		return;
	if (c[0] == PCI_CAP_ID_PM && !v->pm_pos)
		v->pm_pos = pos;
	if (c[0] == PCI_CAP_ID_EXP && pci_get32(c + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR)
		v->flr = true;
	if (c[0] == PCI_CAP_ID_AF && c[PCI_AF_CAP] & PCI_AF_CAP_FLR)
		v->flr = true;
}

/*
 * The chain is the overlay's: same order as the hardware's, without what is hidden; a loop is cut
 * where it closes.
 */
static void relink_caps(struct vdev *v, bool on_express, bool on_root)
{
	uint8_t *c = v->dev.cfg;
	unsigned pos = c[PCI_CAPABILITY_LIST] & ~3u, link = PCI_CAPABILITY_LIST;
	uint64_t seen = 0; /* a bit for each dword */

	emulate(v, PCI_CAPABILITY_LIST, 1);
	if (!(pci_get16(c + PCI_STATUS) & PCI_STATUS_CAP_LIST))
		pos = 0;
	c[PCI_CAPABILITY_LIST] = 0;
	while (pos >= PCI_STD_HEADER_SIZEOF && !(seen >> pos / 4 & 1)) {
		unsigned next = c[pos + 1] & ~3u;

		seen |= 1ull << pos / 4;
		note_cap(v, pos);
		if (keep_cap(v, pos, on_express, on_root)) {
			c[link] = (uint8_t)pos;
			link = pos + 1;
			emulate(v, link, 1);
			c[link] = 0;
			if (c[pos] == PCI_CAP_ID_EXP && !v->exp_pos)
				v->exp_pos = pos;
		}
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

/* Let the next pointer of the extended capability at pos be next. */
static void link_ext(uint8_t *c, unsigned pos, unsigned next)
{
	pci_set32(c + pos, (pci_get32(c + pos) & 0xfffff) | next << 20);
}

/*
 * Extended chain, in the hardware's order: hidden ones are skipped over; a hidden head stays as
 * an empty one with id 0 (a guest then follows its next pointer).  A loop is cut where it closes.
 */
static void relink_ext_caps(struct vdev *v, bool on_express)
{
	uint8_t *c = v->dev.cfg, seen[PCI_CFG_EXT / 4] = {0};
	unsigned pos = PCI_CFG_CONV, last = PCI_CFG_CONV;

	if (v->dev.cfg_size <= PCI_CFG_CONV)
		return;
	if (!on_express || !v->exp_pos) {
		memset(c + PCI_CFG_CONV, 0, PCI_CFG_EXT - PCI_CFG_CONV);
		emulate(v, PCI_CFG_CONV, PCI_CFG_EXT - PCI_CFG_CONV);
		return;
	}
	while (pos >= PCI_CFG_CONV && !seen[pos / 4]) {
		uint32_t head = pci_get32(c + pos);
		unsigned next = head == UINT32_MAX ? 0 : PCI_EXT_CAP_NEXT(head) & ~3u;
		bool hidden = !head || head == UINT32_MAX || hide_ext(PCI_EXT_CAP_ID(head));

		seen[pos / 4] = 1;
		emulate(v, pos, 4);
		if (hidden && pos == PCI_CFG_CONV) {
			pci_set32(c + pos, 0);
		} else if (!hidden) {
			link_ext(c, pos, 0);
			if (pos != PCI_CFG_CONV)
				link_ext(c, last, pos);
			last = pos;
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

static int check_header(const struct vdev *v, struct err **errp)
{
	const uint8_t *c = v->dev.cfg;

	if (c[PCI_HEADER_TYPE] == 0xff) {
		err_set(errp, -EIO,
			"config space reads ones (header type 127): the device does not answer");
		err_hint(
			errp,
			"It may be in D3cold: 'modprobe vfio-pci disable_idle_d3=1' keeps it awake.");
		err_hint(errp,
			 "Or a reset killed it: rescan (echo 1 > /sys/bus/pci/devices/%s/remove; "
			 "echo 1 > /sys/bus/pci/rescan) or switch the host off and on.",
			 v->be->bdf);
		return -EIO;
	}
	if (c[PCI_HEADER_TYPE] & 0x7f) {
		err_set(errp, -EINVAL, "header type %u: a bridge cannot be assigned",
			c[PCI_HEADER_TYPE] & 0x7f);
		err_hint(errp, "Assign the devices behind it.");
		return -EINVAL;
	}
	return 0;
}

int vdev_config_init(struct vdev *v, bool on_express, bool on_root, struct err **errp)
{
	int ret = snapshot(v, errp);

	if (ret >= 0)
		ret = check_header(v, errp);
	if (ret >= 0)
		ret = override_ids(v, errp);
	if (ret < 0)
		return ret;
	emulate(v, PCI_HEADER_TYPE, 1);
	v->dev.cfg[PCI_HEADER_TYPE] = v->conf.multifunction ? 0x80 : 0;
	relink_caps(v, on_express, on_root);
	if (v->exp_pos)
		fix_express(v, on_root);
	v->dev.express = v->exp_pos;
	relink_ext_caps(v, on_express);
	emulate_msi(v);
	emulate_msix(v);
	return 0;
}

/* --- config cycles -------------------------------------------------------------------------- */

uint32_t vdev_cfg_read(struct pcidev *d, unsigned off, unsigned len)
{
	struct vdev *v = vdev_of(d);
	uint32_t emu = (uint32_t)le_load(v->emu + off, len);
	uint32_t all = len == 4 ? UINT32_MAX : (1u << (8 * len)) - 1;
	uint32_t phys = 0;

	__atomic_fetch_add(&v->cfg_reads, 1, __ATOMIC_RELAXED);
	if (v->gone)
		return UINT32_MAX;
	if (emu != all)
		phys = vdev_dev_read(v, off, len);
	return ((uint32_t)le_load(d->cfg + off, len) & emu) | (phys & ~emu);
}

/* Interrupt effects of a write: each capability is compared with what it was, and acts once. */
static void interrupt_effects(struct vdev *v, unsigned off, unsigned len, bool msi_was_on)
{
	if (v->msi.pos && pci_hits(off, len, v->msi.pos, v->msi.is_64 ? 14 : 10))
		vdev_msi_config_written(v, msi_was_on);
	if (v->msix.pos && pci_hits(off, len, v->msix.pos + PCI_MSIX_FLAGS, 2))
		vdev_msix_config_written(v);
}

void vdev_power_changed(struct vdev *v)
{
	v->asleep =
		v->pm_pos && vdev_dev_read(v, v->pm_pos + PCI_PM_CTRL, 2) & PCI_PM_CTRL_STATE_MASK;
	/* While INTx waits for its EOI, mapping is not ours to begin. */
	if (v->asleep || !v->intx.pending)
		vdev_bars_enable_maps(v, !v->asleep);
}

/*
 * The host takes a sleeping device's mappings away (a guest's access would then kill the
 * machine), so they leave the guest before the device is sent to sleep, and come back after it
 * woke up.
 */
static void forward(struct vdev *v, unsigned off, uint32_t val, unsigned len)
{
	unsigned ctrl = v->pm_pos + PCI_PM_CTRL;
	bool power = v->pm_pos && pci_hits(off, len, ctrl, 1);

	if (power && val >> 8 * (ctrl - off) & PCI_PM_CTRL_STATE_MASK)
		vdev_bars_enable_maps(v, false);
	vdev_dev_write(v, off, val, len);
	if (power)
		vdev_power_changed(v);
}

/*
 * Memory decoding goes off: the host takes the mappings away at that moment, so they leave the
 * guest first.  Another CPU that still uses the BAR then reads ones instead of faulting.
 */
static bool closes_memory(const struct vdev *v, unsigned off, uint32_t val, unsigned len)
{
	return pci_hits(off, len, PCI_COMMAND, 1) && v->dev.cfg[PCI_COMMAND] & PCI_COMMAND_MEMORY &&
	       !(val >> 8 * (PCI_COMMAND - off) & PCI_COMMAND_MEMORY);
}

/* The lock is held throughout: an interrupt in between would see half of the write. */
void vdev_cfg_write(struct pcidev *d, unsigned off, uint32_t val, unsigned len)
{
	struct vdev *v = vdev_of(d);
	bool msi_was_on;

	pthread_mutex_lock(&v->lock);
	v->cfg_writes++;
	if (!v->gone) {
		msi_was_on = vdev_msi_on(v);
		if (closes_memory(v, off, val, len)) {
			pcidev_cfg_write(d, off, val, len);
			forward(v, off, val, len);
		} else {
			forward(v, off, val, len);
			pcidev_cfg_write(d, off, val, len);
		}
		interrupt_effects(v, off, len, msi_was_on);
	}
	pthread_mutex_unlock(&v->lock);
}
