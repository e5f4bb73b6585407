// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns what happens when a user writes to the header, PM, VPD, PCI Express, AF and MSI: what is
 * stored is by the permission tables, what is done is here.  Called through struct perm_bits with
 * the device's lock held.
 */
#include <errno.h>
#include <string.h>

#include "vfio/host/hostdev.h"
#include "vfio/pci/vpci.h"

/* --- BARs --- */

static bool is_bar(unsigned pos)
{
	return (pos >= PCI_BASE_ADDRESS_0 && pos < PCI_BASE_ADDRESS_5 + 4) ||
	       (pos >= PCI_ROM_ADDRESS && pos < PCI_ROM_ADDRESS + 4);
}

static uint32_t bar_flags(const struct hostres *r)
{
	if (r->flags & HOSTRES_IO)
		return PCI_BASE_ADDRESS_SPACE_IO;
	return (r->flags & HOSTRES_PREFETCH ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0) |
	       (r->flags & HOSTRES_MEM64 ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0);
}

static uint32_t rom_mask(const struct hostdev *d)
{
	const struct hostres *r = &d->res[HOSTRES_ROM];

	if (r->start)
		return (uint32_t) ~(hd_res_len(d, HOSTRES_ROM) - 1) | PCI_ROM_ADDRESS_ENABLE;
	if (r->flags & HOSTRES_ROM_SHADOW)
		return ~(0x20000u - 1) | PCI_ROM_ADDRESS_ENABLE;
	return 0;
}

/* Bring the BARs to what a device of their size would hold: done when they are read. */
static void fix_bars(struct vfio_pci_device *v)
{
	const struct hostdev *d = v->pci;
	uint8_t *rom = v->vconfig + PCI_ROM_ADDRESS;

	if (!v->bardirty)
		return;
	for (unsigned i = 0; i < PCI_BARS; i++) {
		uint8_t *bar = v->vconfig + PCI_BASE_ADDRESS_0 + 4 * i;
		uint64_t mask;
		uint32_t val;

		if (!d->res[i].start) {
			pci_set32(bar, 0);
			continue;
		}
		mask = ~(hd_res_len(d, i) - 1);
		val = (pci_get32(bar) & (uint32_t)mask) | bar_flags(&d->res[i]);
		pci_set32(bar, val);
		if (val & PCI_BASE_ADDRESS_MEM_TYPE_64 && ++i < PCI_BARS)
			pci_set32(bar + 4, pci_get32(bar + 4) & (uint32_t)(mask >> 32));
	}
	pci_set32(rom, pci_get32(rom) & rom_mask(d));
	v->bardirty = false;
}

static bool bars_lost(struct vfio_pci_device *v)
{
	for (unsigned i = 0; i < PCI_BARS; i++)
		if (v->rbar[i] && hd_user_read(v->pci, PCI_BASE_ADDRESS_0 + 4 * i, 4) != v->rbar[i])
			return true;
	return false;
}

/* The device was reset behind our back: put its real BARs back before it decodes. */
static void restore_bars(struct vfio_pci_device *v)
{
	uint16_t cmd;

	if (v->pci->physfn)
		return;
	g_info("%s: reset recovery, restoring BARs", v->pci->bdf);
	for (unsigned i = 0; i < PCI_BARS; i++)
		hd_user_write(v->pci, PCI_BASE_ADDRESS_0 + 4 * i, 4, v->rbar[i]);
	hd_user_write(v->pci, PCI_ROM_ADDRESS, 4, v->rbar[6]);
	if (v->nointx) {
		cmd = (uint16_t)hd_user_read(v->pci, PCI_COMMAND, 2);
		hd_user_write(v->pci, PCI_COMMAND, 2, cmd | PCI_COMMAND_INTX_DISABLE);
	}
}

/* --- header --- */

int vpci_basic_read(struct vfio_pci_device *v, unsigned pos, unsigned len,
		    const struct perm_bits *p, unsigned off, uint32_t *val)
{
	int ret;

	if (is_bar(off))
		fix_bars(v);
	ret = vpci_default_read(v, pos, len, p, off, val);
	if (off == PCI_COMMAND && v->pci->no_command_memory)
		*val |= v->vconfig[PCI_COMMAND] & PCI_COMMAND_MEMORY;
	return ret;
}

/*
 * Does the user turn on what he had on already, while the device has it off?  Then it lost its
 * BARs, too.
 */
static bool was_reset(struct vfio_pci_device *v, uint16_t new)
{
	uint16_t phys = (uint16_t)hd_user_read(v->pci, PCI_COMMAND, 2);
	uint16_t lost = new &pci_get16(v->vconfig + PCI_COMMAND) & (uint16_t)~phys;

	if (v->pci->no_command_memory)
		lost &= (uint16_t)~PCI_COMMAND_MEMORY;
	return lost & (PCI_COMMAND_MEMORY | PCI_COMMAND_IO) || bars_lost(v);
}

static void follow_intx_disable(struct vfio_pci_device *v)
{
	bool off = pci_get16(v->vconfig + PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE;

	if (off == v->virq_disabled)
		return;
	hd_irq_lock(v->pci);
	v->virq_disabled = off;
	hd_irq_unlock(v->pci);
	if (off)
		vpci_intx_mask(v);
	else
		vpci_intx_unmask(v);
}

int vpci_basic_write(struct vfio_pci_device *v, unsigned pos, unsigned len,
		     const struct perm_bits *p, unsigned off, uint32_t val)
{
	const uint8_t decode = PCI_COMMAND_MEMORY | PCI_COMMAND_IO;
	int ret;

	if (off == PCI_COMMAND) {
		if (!(val & PCI_COMMAND_MEMORY))
			vpci_zap(v);
		if (was_reset(v, (uint16_t)val))
			restore_bars(v);
	}
	ret = vpci_default_write(v, pos, len, p, off, val);
	if (ret < 0)
		return ret;
	if (off == PCI_COMMAND) /* what the next write is judged by */
		v->vconfig[PCI_COMMAND] =
			(uint8_t)((v->vconfig[PCI_COMMAND] & ~decode) | (val & decode));
	if (off == PCI_COMMAND || off == PCI_COMMAND + 1)
		follow_intx_disable(v);
	if (is_bar(off))
		v->bardirty = true;
	return 0;
}

/* --- capabilities --- */

int vpci_pm_write(struct vfio_pci_device *v, unsigned pos, unsigned len, const struct perm_bits *p,
		  unsigned off, uint32_t val)
{
	int ret = vpci_default_write(v, pos, len, p, off, val);

	if (!ret && off == PCI_PM_CTRL)
		vpci_lock_and_set_power(v, (enum host_power)(val & PCI_PM_CTRL_STATE_MASK));
	return ret;
}

/* The flag turns over when the access is done; where it could not be done, it stays. */
int vpci_vpd_write(struct vfio_pci_device *v, unsigned pos, unsigned len, const struct perm_bits *p,
		   unsigned off, uint32_t val)
{
	uint8_t *cap = v->vconfig + pos - off;
	int ret = vpci_default_write(v, pos, len, p, off, val);
	uint32_t data = 0;
	uint16_t addr;

	if (ret < 0 || off > PCI_VPD_ADDR + 1 || off + len <= PCI_VPD_ADDR + 1)
		return ret;
	addr = pci_get16(cap + PCI_VPD_ADDR);
	if (addr & PCI_VPD_ADDR_F) {
		data = pci_get32(cap + PCI_VPD_DATA);
		if (hd_vpd_write(v->pci, addr & PCI_VPD_ADDR_MASK, data) != 4)
			return 0;
	} else {
		if (hd_vpd_read(v->pci, addr, &data) < 0)
			return 0;
		pci_set32(cap + PCI_VPD_DATA, data);
	}
	pci_set16(cap + PCI_VPD_ADDR, addr ^ PCI_VPD_ADDR_F);
	return 0;
}

static void function_reset(struct vfio_pci_device *v)
{
	vpci_zap(v);
	hd_try_reset(v->pci);
}

static unsigned bytes_of(uint16_t devctl, uint16_t mask, unsigned shift)
{
	return 128u << ((devctl & mask) >> shift);
}

/* Requests may be any size that is legal, but never smaller than the host's payloads. */
static void set_read_request(struct vfio_pci_device *v, unsigned bytes)
{
	struct hostdev *d = v->pci;
	uint16_t phys;

	if (!d->exp_cap)
		return;
	phys = (uint16_t)hd_read(d, d->exp_cap + PCI_EXP_DEVCTL, 2);
	bytes = MAX(bytes, bytes_of(phys, PCI_EXP_DEVCTL_PAYLOAD, 5));
	if (bytes > 4096)
		return;
	hd_set_exp_word(d, PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_READRQ,
			(uint16_t)((unsigned)(__builtin_ctz(bytes) - 7) << 12));
}

int vpci_exp_write(struct vfio_pci_device *v, unsigned pos, unsigned len, const struct perm_bits *p,
		   unsigned off, uint32_t val)
{
	uint8_t *ctrl = v->vconfig + pos - off + PCI_EXP_DEVCTL;
	uint16_t before = pci_get16(ctrl) & PCI_EXP_DEVCTL_READRQ, now;
	int ret = vpci_default_write(v, pos, len, p, off, val);

	if (ret < 0)
		return ret;
	now = pci_get16(ctrl);
	if (now & PCI_EXP_DEVCTL_BCR_FLR) {
		now &= (uint16_t)~PCI_EXP_DEVCTL_BCR_FLR;
		pci_set16(ctrl, now);
		if (!((pos - off) & 3) && /* else it cannot be read */
		    hd_user_read(v->pci, pos - off + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR)
			function_reset(v);
	}
	if ((now & PCI_EXP_DEVCTL_READRQ) != before)
		set_read_request(v, bytes_of(now, PCI_EXP_DEVCTL_READRQ, 12));
	return 0;
}

int vpci_af_write(struct vfio_pci_device *v, unsigned pos, unsigned len, const struct perm_bits *p,
		  unsigned off, uint32_t val)
{
	const uint8_t can = PCI_AF_CAP_FLR | PCI_AF_CAP_TP;
	uint8_t *ctrl = v->vconfig + pos - off + PCI_AF_CTRL;
	int ret = vpci_default_write(v, pos, len, p, off, val);

	if (ret < 0 || !(*ctrl & PCI_AF_CTRL_FLR))
		return ret;
	*ctrl &= (uint8_t)~PCI_AF_CTRL_FLR;
	if ((hd_user_read(v->pci, pos - off + PCI_AF_CAP, 1) & can) == can)
		function_reset(v);
	return 0;
}

/* The flags reach the device, but only as far as SET_IRQS went before. */
int vpci_msi_write(struct vfio_pci_device *v, unsigned pos, unsigned len, const struct perm_bits *p,
		   unsigned off, uint32_t val)
{
	unsigned start = vpci_cap_start(v, pos);
	int ret = vpci_default_write(v, pos, len, p, off, val);
	uint16_t flags;

	if (ret < 0 || off > PCI_MSI_FLAGS || off + len < PCI_MSI_FLAGS)
		return ret;
	flags = pci_get16(v->vconfig + start + PCI_MSI_FLAGS);
	if (v->irq_type != VFIO_PCI_MSI_IRQ_INDEX)
		flags &= (uint16_t)~PCI_MSI_FLAGS_ENABLE;
	if ((unsigned)(flags & PCI_MSI_FLAGS_QSIZE) >> 4 > v->msi_qmax) {
		flags &= (uint16_t)~PCI_MSI_FLAGS_QSIZE;
		flags |= (uint16_t)(v->msi_qmax << 4);
	}
	pci_set16(v->vconfig + start + PCI_MSI_FLAGS, flags);
	if (start & 1)
		return -EFAULT;
	hd_user_write(v->pci, start + PCI_MSI_FLAGS, 2, flags);
	return 0;
}
