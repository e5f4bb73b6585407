// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the byte-to-capability map and the making of vconfig: both chains are walked once at open,
 * bounded, and what may not be shown is cut out of them.  Called by core.c; never writes to the
 * device.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "vfio/host/private.h"
#include "vfio/pci/vpci.h"

#define VARIABLE 0xff /* the length is in the capability */
/* A capability may begin in the last bytes; its registers behind them are nobody's. */
#define SLACK 64

/* Bytes of each capability that a user may see; 0 = hidden. */
static const uint8_t cap_length[VPCI_CAPS] = {
	[PCI_CAP_ID_BASIC] = PCI_STD_HEADER_SIZEOF,
	[PCI_CAP_ID_PM] = PCI_PM_SIZEOF,
	[PCI_CAP_ID_AGP] = PCI_AGP_SIZEOF,
	[PCI_CAP_ID_VPD] = PCI_CAP_VPD_SIZEOF,
	[PCI_CAP_ID_MSI] = VARIABLE,
	[PCI_CAP_ID_PCIX] = VARIABLE,
	[PCI_CAP_ID_HT] = VARIABLE,
	[PCI_CAP_ID_VNDR] = VARIABLE,
	[PCI_CAP_ID_EXP] = VARIABLE,
	[PCI_CAP_ID_MSIX] = PCI_CAP_MSIX_SIZEOF,
	[PCI_CAP_ID_SATA] = VARIABLE,
	[PCI_CAP_ID_AF] = PCI_CAP_AF_SIZEOF,
};

static const uint8_t ecap_length[VPCI_ECAPS] = {
	[PCI_EXT_CAP_ID_ERR] = PCI_ERR_ROOT_COMMAND,
	[PCI_EXT_CAP_ID_VC] = VARIABLE,
	[PCI_EXT_CAP_ID_DSN] = PCI_EXT_CAP_DSN_SIZEOF,
	[PCI_EXT_CAP_ID_PWR] = PCI_EXT_CAP_PWR_SIZEOF,
	[PCI_EXT_CAP_ID_MFVC] = VARIABLE,
	[PCI_EXT_CAP_ID_VC9] = VARIABLE,
	[PCI_EXT_CAP_ID_VNDR] = VARIABLE,
	[PCI_EXT_CAP_ID_ACS] = VARIABLE,
	[PCI_EXT_CAP_ID_ARI] = PCI_EXT_CAP_ARI_SIZEOF,
	[PCI_EXT_CAP_ID_ATS] = PCI_EXT_CAP_ATS_SIZEOF,
	[PCI_EXT_CAP_ID_SRIOV] = PCI_EXT_CAP_SRIOV_SIZEOF,
	[PCI_EXT_CAP_ID_MCAST] = PCI_EXT_CAP_MCAST_ENDPOINT_SIZEOF,
	[PCI_EXT_CAP_ID_PRI] = PCI_EXT_CAP_PRI_SIZEOF,
	[PCI_EXT_CAP_ID_REBAR] = VARIABLE,
	[PCI_EXT_CAP_ID_DPA] = VARIABLE,
	[PCI_EXT_CAP_ID_TPH] = VARIABLE,
	[PCI_EXT_CAP_ID_LTR] = PCI_EXT_CAP_LTR_SIZEOF,
};

unsigned vpci_cap_start(const struct vfio_pci_device *v, unsigned pos)
{
	unsigned base = pos >= PCI_CFG_CONV ? PCI_CFG_CONV : PCI_STD_HEADER_SIZEOF;
	uint8_t id = v->map[pos];

	/* Two that touch and have one id look like one, as they do to Linux. */
	while (pos > base && v->map[pos - 1] == id)
		pos--;
	return pos;
}

/* --- lengths --- */

static uint32_t rd(struct vfio_pci_device *v, unsigned off, unsigned len)
{
	uint32_t val = 0;

	if (!v->image)
		return hd_read(v->pci, off, len);
	if (off + len > v->pci->cfg_size)
		return UINT32_MAX >> (32 - 8 * len);
	memcpy(&val, v->image + off, len);
	return GUINT32_FROM_LE(val);
}

static void see_extended(struct vfio_pci_device *v)
{
	if (v->pci->cfg_size > PCI_CFG_CONV)
		v->extended_caps = rd(v, PCI_CFG_CONV, 4) != 0;
}

static int msi_length(struct vfio_pci_device *v, unsigned pos)
{
	uint16_t flags = (uint16_t)rd(v, pos + PCI_MSI_FLAGS, 2);
	int len = 10;

	len += flags & PCI_MSI_FLAGS_64BIT ? 4 : 0;
	len += flags & PCI_MSI_FLAGS_MASKBIT ? 10 : 0;
	if (!v->msi_perm)
		v->msi_perm = vpci_msi_perm((unsigned)len, flags);
	return len;
}

static int exp_length(struct vfio_pci_device *v)
{
	/* Version and type are those of the capability that the host uses, if it does. */
	unsigned host = v->pci->exp_cap;
	uint16_t flags = host ? (uint16_t)rd(v, host + PCI_EXP_FLAGS, 2) : 0;
	bool linkless = (flags & PCI_EXP_FLAGS_TYPE) >> 4 == PCI_EXP_TYPE_RC_END;

	see_extended(v);
	if ((flags & PCI_EXP_FLAGS_VERS) == 1)
		return linkless ? PCI_CAP_EXP_RC_ENDPOINT_SIZEOF_V1
				: PCI_CAP_EXP_ENDPOINT_SIZEOF_V1;
	return linkless ? PCI_CAP_EXP_RC_ENDPOINT_SIZEOF_V2 : PCI_CAP_EXP_ENDPOINT_SIZEOF_V2;
}

/* Bytes, or -EFAULT: a register at an odd address cannot be read, and the open fails. */
static int variable_length(struct vfio_pci_device *v, uint8_t id, unsigned pos)
{
	if (pos & 1 && (id == PCI_CAP_ID_MSI || id == PCI_CAP_ID_PCIX))
		return -EFAULT;
	switch (id) {
	case PCI_CAP_ID_MSI:
		return msi_length(v, pos);
	case PCI_CAP_ID_PCIX:
		if (!PCI_X_CMD_VERSION(rd(v, pos + PCI_X_CMD, 2)))
			return PCI_CAP_PCIX_SIZEOF_V0;
		see_extended(v);
		return PCI_CAP_PCIX_SIZEOF_V2;
	case PCI_CAP_ID_HT:
		return rd(v, pos + 3, 1) & HT_3BIT_CAP_MASK ? HT_CAP_SIZEOF_SHORT
							    : HT_CAP_SIZEOF_LONG;
	case PCI_CAP_ID_VNDR:
		return (int)rd(v, pos + PCI_CAP_FLAGS, 1);
	case PCI_CAP_ID_EXP:
		return exp_length(v);
	case PCI_CAP_ID_SATA:
		return (rd(v, pos + PCI_SATA_REGS, 1) & PCI_SATA_REGS_MASK) == PCI_SATA_REGS_INLINE
			       ? PCI_SATA_SIZEOF_LONG
			       : PCI_SATA_SIZEOF_SHORT;
	default:
		return 0;
	}
}

static unsigned vc_length(struct vfio_pci_device *v, unsigned pos)
{
	unsigned extended = rd(v, pos + PCI_VC_PORT_CAP1, 4) & PCI_VC_CAP1_EVCC;
	uint32_t cap2 = rd(v, pos + PCI_VC_PORT_CAP2, 4);
	unsigned phases = cap2 & PCI_VC_CAP2_128_PHASE  ? 128
			  : cap2 & PCI_VC_CAP2_64_PHASE ? 64
			  : cap2 & PCI_VC_CAP2_32_PHASE ? 32
							: 0;
	unsigned len = (1 + extended) * PCI_CAP_VC_PER_VC_SIZEOF + PCI_CAP_VC_BASE_SIZEOF;

	return phases ? (len + 15) / 16 * 16 + phases / 2 : len; /* a nibble a phase */
}

static unsigned acs_length(struct vfio_pci_device *v, unsigned pos)
{
	unsigned bits;

	if (!(rd(v, pos + PCI_ACS_CAP, 1) & PCI_ACS_EC))
		return 8;
	bits = rd(v, pos + PCI_ACS_EGRESS_BITS, 1);
	return 8 + (bits ? (bits + 31) / 32 * 32 : 256) / 8;
}

static unsigned tph_length(struct vfio_pci_device *v, unsigned pos)
{
	uint32_t cap = rd(v, pos + PCI_TPH_CAP, 4);

	if ((cap & PCI_TPH_CAP_LOC_MASK) != PCI_TPH_LOC_CAP)
		return PCI_TPH_BASE_SIZEOF;
	return PCI_TPH_BASE_SIZEOF + ((cap & PCI_TPH_CAP_ST_MASK) >> PCI_TPH_CAP_ST_SHIFT) * 2 + 2;
}

static unsigned variable_elength(struct vfio_pci_device *v, uint16_t id, unsigned pos)
{
	switch (id) {
	case PCI_EXT_CAP_ID_VNDR:
		return rd(v, pos + PCI_VNDR_HEADER, 4) >> 20;
	case PCI_EXT_CAP_ID_VC:
	case PCI_EXT_CAP_ID_VC9:
	case PCI_EXT_CAP_ID_MFVC:
		return vc_length(v, pos);
	case PCI_EXT_CAP_ID_ACS:
		return acs_length(v, pos);
	case PCI_EXT_CAP_ID_REBAR:
		return 4 + 8 * ((rd(v, pos + PCI_REBAR_CTRL, 1) & PCI_REBAR_CTRL_NBAR_MASK) >>
				PCI_REBAR_CTRL_NBAR_SHIFT);
	case PCI_EXT_CAP_ID_DPA:
		return PCI_DPA_BASE_SIZEOF +
		       (rd(v, pos + PCI_DPA_CAP, 1) & PCI_DPA_CAP_SUBSTATE_MASK) + 1;
	case PCI_EXT_CAP_ID_TPH:
		return tph_length(v, pos);
	default:
		return 0;
	}
}

/* --- filling --- */

/* In the largest aligned pieces: devices see what they are used to. */
static void fill(struct vfio_pci_device *v, unsigned off, unsigned len)
{
	while (len) {
		unsigned n = !(off & 3) && len >= 4 ? 4 : !(off & 1) && len >= 2 ? 2 : 1;
		uint32_t val = GUINT32_TO_LE(rd(v, off, n));

		memcpy(v->vconfig + off, &val, n);
		off += n;
		len -= n;
	}
}

/* Claim [pos, pos + len) for a capability; what it overlaps is lost to it, and said. */
static void claim(struct vfio_pci_device *v, unsigned pos, unsigned len, uint16_t id)
{
	unsigned end = MIN(pos + len, v->pci->cfg_size);

	for (unsigned i = pos; i < end; i++)
		if (v->map[i] != MAP_UNASSIGNED) {
			g_info("%s: capability 0x%x at 0x%x overlaps capability 0x%x at 0x%x",
			       v->pci->bdf, id, pos, v->map[i], i);
			break;
		}
	memset(v->map + pos, (uint8_t)id, end - pos);
	fill(v, pos, end - pos);
}

/* Guests cannot take power management events. */
static void hide_pme(struct vfio_pci_device *v, unsigned pos)
{
	uint8_t *pmc = v->vconfig + pos + PCI_PM_PMC, *ctrl = v->vconfig + pos + PCI_PM_CTRL;

	if (pos + PCI_PM_SIZEOF > v->pci->cfg_size)
		return;
	pci_set16(pmc, pci_get16(pmc) & (uint16_t)~PCI_PM_CAP_PME_MASK);
	pci_set16(ctrl,
		  pci_get16(ctrl) & (uint16_t) ~(PCI_PM_CTRL_PME_ENABLE | PCI_PM_CTRL_PME_STATUS));
}

static int walk_caps(struct vfio_pci_device *v)
{
	uint8_t *prev = &v->vconfig[PCI_CAPABILITY_LIST];
	unsigned loops = (PCI_CFG_CONV - PCI_STD_HEADER_SIZEOF) / PCI_CAP_SIZEOF, shown = 0;
	uint8_t pos;

	if (!(rd(v, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		return 0;
	pos = (uint8_t)rd(v, PCI_CAPABILITY_LIST, 1);
	while (pos && loops--) {
		uint8_t id = (uint8_t)rd(v, pos, 1), next = (uint8_t)rd(v, pos + 1u, 1);
		int len = id && id < VPCI_CAPS ? cap_length[id] : 0;
		int ret = host_step(v->pci->host);

		if (!ret && len == VARIABLE)
			len = ret = variable_length(v, id, pos);
		if (ret < 0)
			return ret;
		if (!len) {
			g_info("%s: hiding capability 0x%x at 0x%x", v->pci->bdf, id, pos);
			*prev = next;
			pos = next;
			continue;
		}
		claim(v, pos, (unsigned)len, id);
		if (id == PCI_CAP_ID_PM)
			hide_pme(v, pos);
		prev = &v->vconfig[pos + PCI_CAP_LIST_NEXT];
		pos = next;
		shown++;
	}
	if (!shown)
		v->vconfig[PCI_STATUS] &= (uint8_t)~PCI_STATUS_CAP_LIST;
	return 0;
}

static void set_next(uint8_t *head, unsigned next)
{
	pci_set32(head, (pci_get32(head) & ~(0xffcu << 20)) | next << 20);
}

/*
 * One extended capability at pos; prev: the header before it, NULL = this is the first.  A first
 * one that is hidden stays as an anchor of the chain, with its id gone.
 */
static uint8_t *take_ecap(struct vfio_pci_device *v, unsigned pos, uint32_t head, uint8_t *prev,
			  unsigned *shown)
{
	uint16_t id = PCI_EXT_CAP_ID(head);
	unsigned len = id < VPCI_ECAPS ? ecap_length[id] : 0;

	if (len == VARIABLE)
		len = variable_elength(v, id, pos);
	if (!len) {
		g_info("%s: hiding extended capability 0x%x at 0x%x", v->pci->bdf, id, pos);
		if (prev) {
			set_next(prev, PCI_EXT_CAP_NEXT(head));
			return prev;
		}
		claim(v, pos, PCI_CAP_SIZEOF, id);
		pci_set32(v->vconfig + pos, pci_get32(v->vconfig + pos) & (0xffcu << 20));
	} else {
		claim(v, pos, len, id);
		++*shown;
	}
	return v->vconfig + pos;
}

static int walk_ecaps(struct vfio_pci_device *v)
{
	unsigned loops, pos = PCI_CFG_CONV, shown = 0;
	uint8_t *prev = NULL;

	if (!v->extended_caps)
		return 0;
	loops = (v->pci->cfg_size - PCI_CFG_CONV) / PCI_CAP_SIZEOF;
	while (loops-- && pos >= PCI_CFG_CONV) {
		uint32_t head = rd(v, pos, 4);
		int ret = host_step(v->pci->host);

		if (ret < 0)
			return ret;
		prev = take_ecap(v, pos, head, prev, &shown);
		pos = PCI_EXT_CAP_NEXT(head);
	}
	if (!shown)
		pci_set32(v->vconfig + PCI_CFG_CONV, 0);
	return 0;
}

/* What SR-IOV leaves out of a VF's own registers (SR-IOV 1.1, 3.4.1). */
static void fill_vf(struct vfio_pci_device *v)
{
	pci_set16(v->vconfig + PCI_VENDOR_ID, v->pci->vendor);
	pci_set16(v->vconfig + PCI_DEVICE_ID, v->pci->device);
	v->vconfig[PCI_INTERRUPT_PIN] = 0;
	v->vconfig[PCI_COMMAND] |= PCI_COMMAND_MEMORY;
}

int vpci_config_init(struct vfio_pci_device *v)
{
	unsigned size = v->pci->cfg_size;
	int ret = host_step(v->pci->host);

	if (ret < 0)
		return ret;
	v->map = g_malloc(size);
	v->vconfig = g_malloc0(size + SLACK);
	memset(v->map, PCI_CAP_ID_BASIC, PCI_STD_HEADER_SIZEOF);
	memset(v->map + PCI_STD_HEADER_SIZEOF, MAP_UNASSIGNED, size - PCI_STD_HEADER_SIZEOF);
	fill(v, 0, PCI_STD_HEADER_SIZEOF);
	v->bardirty = true;
	for (unsigned i = 0; i < PCI_BARS; i++)
		v->rbar[i] = pci_get32(v->vconfig + PCI_BASE_ADDRESS_0 + 4 * i);
	v->rbar[6] = pci_get32(v->vconfig + PCI_ROM_ADDRESS);
	if (v->pci->physfn)
		fill_vf(v);
	if (v->nointx)
		v->vconfig[PCI_INTERRUPT_PIN] = 0;
	ret = walk_caps(v);
	if (!ret)
		ret = walk_ecaps(v);
	if (ret < 0)
		vpci_config_free(v);
	return ret;
}

void vpci_config_free(struct vfio_pci_device *v)
{
	g_free(v->map);
	g_free(v->vconfig);
	v->map = v->vconfig = NULL;
	vpci_perm_free(v->msi_perm);
	v->msi_perm = NULL;
	v->extended_caps = false;
}
