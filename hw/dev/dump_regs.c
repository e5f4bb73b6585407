// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns what each register of a dumped function is at power-on and which of its bits a write changes
 * or clears, by the specification of each capability.  Called once when the model is made; never
 * acts on a write.
 */
#include <string.h>

#include "hw/dev/dump.h"

/* PCI Express 3.0, 7.10: the bits of the error registers that are defined. */
#define UNCOR_BITS 0x07fff030u
#define COR_BITS 0xf1c1u
#define DEVCTL_DEFAULT (PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN | 0x2000)

static uint16_t get16(const struct dump_regs *r, unsigned at)
{
	return pci_get16(r->init + at);
}

static uint32_t get32(const struct dump_regs *r, unsigned at)
{
	return pci_get32(r->init + at);
}

static void or32(uint8_t *p, uint32_t bits)
{
	pci_set32(p, pci_get32(p) | bits);
}

/* Standard capabilities end at 256, whatever follows there. */
static bool fits(const struct dump_regs *r, unsigned at, unsigned len)
{
	return at + len <= (at < PCI_CFG_CONV ? PCI_CFG_CONV : r->size);
}

/* A register of 16 bits that software sets: these bits, and their value at power-on. */
static void control(struct dump_regs *r, unsigned at, uint16_t bits, uint16_t value)
{
	pci_set16(r->wmask + at, pci_get16(r->wmask + at) | bits);
	pci_set16(r->init + at, value);
}

/* --- standard capabilities: each fits at least its first register --- */

static void init_pm(struct dump_regs *r, unsigned at)
{
	uint16_t pmc = get16(r, at + PCI_PM_PMC), ctrl = get16(r, at + PCI_PM_CTRL);
	bool pme = pmc & PCI_PM_CAP_PME_MASK;
	const uint16_t moving =
		PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_PME_ENABLE | PCI_PM_CTRL_PME_STATUS;

	r->pm = at;
	control(r, at + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK | (pme ? PCI_PM_CTRL_PME_ENABLE : 0),
		ctrl & (uint16_t)~moving);
	if (pme)
		r->w1c[at + PCI_PM_CTRL + 1] |= PCI_PM_CTRL_PME_STATUS >> 8;
	if (pmc & PCI_PM_CAP_PME_D3cold) /* 3.2.4: then reset does not touch them */
		r->sticky[at + PCI_PM_CTRL + 1] |=
			(PCI_PM_CTRL_PME_ENABLE | PCI_PM_CTRL_PME_STATUS) >> 8;
}

static void init_vpd(struct dump_regs *r, unsigned at)
{
	r->vpd = at;
	control(r, at + PCI_VPD_ADDR, PCI_VPD_ADDR_MASK | PCI_VPD_ADDR_F, 0);
	pci_set32(r->wmask + at + PCI_VPD_DATA, UINT32_MAX);
	pci_set32(r->init + at + PCI_VPD_DATA, 0);
}

/* The writable bits are the business of hw/pci/msi.c. */
static void init_msi(struct dump_regs *r, unsigned at)
{
	uint16_t flags = get16(r, at + PCI_MSI_FLAGS);
	unsigned len = flags & PCI_MSI_FLAGS_64BIT ? 14 : 10;

	if (flags & PCI_MSI_FLAGS_MASKBIT)
		len += 10;
	if (!fits(r, at, len))
		return;
	r->msi = at;
	pci_set16(r->init + at + PCI_MSI_FLAGS,
		  flags & (uint16_t) ~(PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE));
	memset(r->init + at + PCI_MSI_ADDRESS_LO, 0, len - PCI_MSI_ADDRESS_LO);
}

static void init_msix(struct dump_regs *r, unsigned at)
{
	r->msix = at;
	control(r, at + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL,
		get16(r, at + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE);
}

static void init_af(struct dump_regs *r, unsigned at)
{
	r->af = at;
	r->init[at + PCI_AF_CTRL] = 0;
	r->init[at + PCI_AF_STATUS] = 0;
}

static uint16_t devctl_bits(uint32_t cap)
{
	uint16_t bits = PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE |
			PCI_EXP_DEVCTL_URRE | PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_PAYLOAD |
			PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ;

	if (cap & PCI_EXP_DEVCAP_EXT_TAG)
		bits |= PCI_EXP_DEVCTL_EXT_TAG;
	if (cap & PCI_EXP_DEVCAP_PHANTOM)
		bits |= PCI_EXP_DEVCTL_PHANTOM;
	if (cap & PCI_EXP_DEVCAP_FLR)
		bits |= PCI_EXP_DEVCTL_BCR_FLR;
	return bits;
}

static uint16_t devctl2_bits(uint32_t cap)
{
	uint16_t bits = 0;

	if (cap & 0xf)
		bits |= PCI_EXP_DEVCTL2_COMP_TIMEOUT;
	if (cap & PCI_EXP_DEVCAP2_COMP_TMOUT_DIS)
		bits |= PCI_EXP_DEVCTL2_COMP_TMOUT_DIS;
	if (cap & (PCI_EXP_DEVCAP2_ATOMIC_COMP32 | PCI_EXP_DEVCAP2_ATOMIC_COMP64))
		bits |= PCI_EXP_DEVCTL2_ATOMIC_REQ;
	if (cap & PCI_EXP_DEVCAP2_LTR)
		bits |= PCI_EXP_DEVCTL2_LTR_EN;
	if (cap & PCI_EXP_DEVCAP2_OBFF_MASK)
		bits |= PCI_EXP_DEVCTL2_OBFF_MSGA_EN | PCI_EXP_DEVCTL2_OBFF_MSGB_EN;
	return bits | PCI_EXP_DEVCTL2_IDO_REQ_EN | PCI_EXP_DEVCTL2_IDO_CMP_EN;
}

static void init_link(struct dump_regs *r, unsigned at)
{
	uint16_t bits = PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_RCB | PCI_EXP_LNKCTL_CCC |
			PCI_EXP_LNKCTL_ES | PCI_EXP_LNKCTL_HAWD;

	if (get32(r, at + PCI_EXP_LNKCAP) & PCI_EXP_LNKCAP_CLKPM)
		bits |= PCI_EXP_LNKCTL_CLKREQ_EN;
	control(r, at + PCI_EXP_LNKCTL, bits, 0);
}

static void init_exp(struct dump_regs *r, unsigned at)
{
	uint16_t flags = get16(r, at + PCI_EXP_FLAGS);
	unsigned type = (flags & PCI_EXP_FLAGS_TYPE) >> 4;
	bool link = type == PCI_EXP_TYPE_ENDPOINT || type == PCI_EXP_TYPE_LEG_END;
	bool second = (flags & PCI_EXP_FLAGS_VERS) >= 2;
	uint16_t status =
		PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED | PCI_EXP_DEVSTA_FED | PCI_EXP_DEVSTA_URD;

	r->exp = at;
	control(r, at + PCI_EXP_DEVCTL, devctl_bits(get32(r, at + PCI_EXP_DEVCAP)), DEVCTL_DEFAULT);
	r->w1c[at + PCI_EXP_DEVSTA] |= (uint8_t)status;
	r->init[at + PCI_EXP_DEVSTA] &= (uint8_t) ~(status | PCI_EXP_DEVSTA_TRPND);
	if (link && fits(r, at, PCI_EXP_LNKSTA + 2))
		init_link(r, at);
	if (second && fits(r, at, PCI_EXP_DEVCTL2 + 2))
		control(r, at + PCI_EXP_DEVCTL2, devctl2_bits(get32(r, at + PCI_EXP_DEVCAP2)), 0);
	if (second && link && fits(r, at, PCI_EXP_LNKCTL2 + 2)) {
		pci_set16(r->wmask + at + PCI_EXP_LNKCTL2, 0xffbf);
		pci_set16(r->sticky + at + PCI_EXP_LNKCTL2, 0xffbf);
	}
}

/* --- extended capabilities --- */

static void init_aer(struct dump_regs *r, unsigned at)
{
	static const unsigned kept[] = {PCI_ERR_UNCOR_MASK, PCI_ERR_UNCOR_SEVER};
	uint32_t cap = get32(r, at + PCI_ERR_CAP), bits = 0;

	if (cap & PCI_ERR_CAP_ECRC_GENC)
		bits |= PCI_ERR_CAP_ECRC_GENE;
	if (cap & PCI_ERR_CAP_ECRC_CHKC)
		bits |= PCI_ERR_CAP_ECRC_CHKE;
	for (unsigned i = 0; i < 2; i++) {
		or32(r->wmask + at + kept[i], UNCOR_BITS);
		or32(r->sticky + at + kept[i], UNCOR_BITS);
	}
	or32(r->wmask + at + PCI_ERR_COR_MASK, COR_BITS);
	or32(r->sticky + at + PCI_ERR_COR_MASK, COR_BITS);
	or32(r->w1c + at + PCI_ERR_UNCOR_STATUS, UNCOR_BITS);
	or32(r->w1c + at + PCI_ERR_COR_STATUS, COR_BITS);
	or32(r->wmask + at + PCI_ERR_CAP, bits);
	or32(r->sticky + at + PCI_ERR_CAP, bits);
	pci_set32(r->init + at + PCI_ERR_UNCOR_STATUS, 0);
	pci_set32(r->init + at + PCI_ERR_COR_STATUS, 0);
	pci_set32(r->init + at + PCI_ERR_CAP, cap & ~(0x1fu | bits));
	memset(r->init + at + PCI_ERR_HEADER_LOG, 0, 16);
}

static void init_ltr(struct dump_regs *r, unsigned at)
{
	control(r, at + PCI_LTR_MAX_SNOOP_LAT, 0x1fff, 0);
	control(r, at + PCI_LTR_MAX_NOSNOOP_LAT, 0x1fff, 0);
}

/* Each control bit stands where the capability says that there is such a control. */
static void init_acs(struct dump_regs *r, unsigned at)
{
	control(r, at + PCI_ACS_CTRL, get16(r, at + PCI_ACS_CAP) & 0x7f, 0);
}

static void init_ari(struct dump_regs *r, unsigned at)
{
	uint16_t groups = get16(r, at + PCI_ARI_CAP) & (PCI_ARI_CAP_MFVC | PCI_ARI_CAP_ACS);

	control(r, at + PCI_ARI_CTRL, groups | (groups ? 0x70 : 0), 0);
}

/* No virtual function can be switched on: their BARs, whose sizes nobody knows, are not there. */
static void init_sriov(struct dump_regs *r, unsigned at)
{
	pci_set16(r->init + at + PCI_SRIOV_CTRL, 0);
	pci_set16(r->init + at + PCI_SRIOV_STATUS, 0);
	pci_set16(r->init + at + PCI_SRIOV_NUM_VF, 0);
	memset(r->init + at + PCI_SRIOV_BAR, 0, 4 * PCI_SRIOV_NUM_BARS);
}

/* --- chains --- */

struct cap {
	uint16_t id;
	unsigned len; /* what must fit; less is read-only */
	void (*init)(struct dump_regs *r, unsigned at);
};

static const struct cap std_caps[] = {
	{PCI_CAP_ID_PM, PCI_PM_SIZEOF, init_pm},
	{PCI_CAP_ID_VPD, PCI_CAP_VPD_SIZEOF, init_vpd},
	{PCI_CAP_ID_MSI, 10, init_msi},
	{PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF, init_msix},
	{PCI_CAP_ID_EXP, PCI_EXP_DEVSTA + 2, init_exp},
	{PCI_CAP_ID_AF, PCI_CAP_AF_SIZEOF, init_af},
	{},
};

static const struct cap ext_caps[] = {
	{PCI_EXT_CAP_ID_ERR, PCI_ERR_HEADER_LOG + 16, init_aer},
	{PCI_EXT_CAP_ID_LTR, 8, init_ltr},
	{PCI_EXT_CAP_ID_ACS, 8, init_acs},
	{PCI_EXT_CAP_ID_ARI, 8, init_ari},
	{PCI_EXT_CAP_ID_SRIOV, PCI_EXT_CAP_SRIOV_SIZEOF, init_sriov},
	{},
};

/* The first of each kind; bit i of done: table[i] was found. */
static void found(struct dump_regs *r, const struct cap *table, unsigned id, unsigned at,
		  uint32_t *done)
{
	for (unsigned i = 0; table[i].init; i++) {
		if (table[i].id != id || *done >> i & 1)
			continue;
		*done |= 1u << i;
		if (fits(r, at, table[i].len))
			table[i].init(r, at);
	}
}

static void walk_std(struct dump_regs *r)
{
	unsigned at = r->init[PCI_CAPABILITY_LIST] & ~3u;
	uint32_t done = 0;

	if (!(get16(r, PCI_STATUS) & PCI_STATUS_CAP_LIST))
		return;
	for (int left = 48; left && at >= PCI_STD_HEADER_SIZEOF; left--) {
		if (r->init[at] == 0xff)
			return;
		found(r, std_caps, r->init[at], at, &done);
		at = r->init[at + 1] & ~3u;
	}
}

static void walk_ext(struct dump_regs *r)
{
	unsigned at = PCI_CFG_CONV;
	uint32_t done = 0;

	for (int left = 480; left && at >= PCI_CFG_CONV && at + 4 <= r->size; left--) {
		uint32_t head = get32(r, at);

		if (!head || head == UINT32_MAX)
			return;
		found(r, ext_caps, PCI_EXT_CAP_ID(head), at, &done);
		at = PCI_EXT_CAP_NEXT(head) & ~3u;
	}
}

/* --- the header --- */

static void init_header(struct dump_regs *r, const struct pcidump_dev *dev)
{
	uint8_t *c = r->init;
	uint16_t status = pci_get16(c + PCI_STATUS) & 0x06b0; /* but for errors and interrupt */

	if (dev->size < PCI_CFG_CONV) /* the chain is not in the dump */
		status &= (uint16_t)~PCI_STATUS_CAP_LIST;
	if (!(status & PCI_STATUS_CAP_LIST))
		c[PCI_CAPABILITY_LIST] = 0;
	pci_set16(c + PCI_COMMAND, 0);
	pci_set16(c + PCI_STATUS, status);
	c[PCI_CACHE_LINE_SIZE] = c[PCI_LATENCY_TIMER] = c[PCI_INTERRUPT_LINE] = 0;
	c[PCI_HEADER_TYPE] &= 0x7f; /* whoever plugs it knows about other functions */
	if (c[PCI_INTERRUPT_PIN] > 4)
		c[PCI_INTERRUPT_PIN] = 0;
	memset(c + PCI_BASE_ADDRESS_0, 0, 4 * PCI_BARS);
	pci_set32(c + PCI_ROM_ADDRESS, 0);
}

void dump_regs_init(struct dump_regs *r, const struct pcidump_dev *dev)
{
	memset(r, 0, sizeof(*r));
	r->size = dev->size > PCI_CFG_CONV ? PCI_CFG_EXT : PCI_CFG_CONV;
	memcpy(r->init, dev->cfg, dev->size);
	init_header(r, dev);
	walk_std(r);
	if (r->size > PCI_CFG_CONV)
		walk_ext(r);
	if (!r->exp) /* PCI Express 3.0, 7.5.1.5: there it is read-only */
		r->wmask[PCI_LATENCY_TIMER] = 0xff;
}
