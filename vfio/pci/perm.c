// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the permission tables: who holds each bit of config space, and the plain ways to read and
 * write by them.  Built once for all devices; called by config.c for each access; effects of writes
 * are in effects.c.
 */
#include <errno.h>
#include <string.h>

#include "vfio/host/private.h"
#include "vfio/pci/vpci.h"

#define NO_VIRT 0u
#define ALL_VIRT UINT32_MAX
#define NO_WRITE 0u
#define ALL_WRITE UINT32_MAX

/* --- tables --- */

/* Zero state: readable, not writable, not virtual. */
static int alloc_perm_bits(struct perm_bits *p, unsigned size)
{
	size = (size + 3) & ~3u; /* accesses are within a dword */
	p->len = size;
	p->virt = g_malloc0(size);
	p->write = g_malloc0(size);
	p->readfn = vpci_default_read;
	p->writefn = vpci_default_write;
	return 0;
}

static void free_perm_bits(struct perm_bits *p)
{
	g_free(p->virt);
	g_free(p->write);
	p->virt = p->write = NULL;
}

static void p_setb(struct perm_bits *p, unsigned off, uint8_t virt, uint8_t write)
{
	p->virt[off] = virt;
	p->write[off] = write;
}

static void p_setw(struct perm_bits *p, unsigned off, uint16_t virt, uint16_t write)
{
	pci_set16(p->virt + off, virt);
	pci_set16(p->write + off, write);
}

static void p_setd(struct perm_bits *p, unsigned off, uint32_t virt, uint32_t write)
{
	pci_set32(p->virt + off, virt);
	pci_set32(p->write + off, write);
}

/* The next pointer is ours in every capability: entries can be taken out of the chain. */
static void own_next(struct perm_bits *p)
{
	p_setb(p, PCI_CAP_LIST_NEXT, (uint8_t)ALL_VIRT, NO_WRITE);
}

static void init_basic(struct perm_bits *p)
{
	p->readfn = vpci_basic_read;
	p->writefn = vpci_basic_write;
	/* VFs have none of their own in hardware */
	p_setw(p, PCI_VENDOR_ID, (uint16_t)ALL_VIRT, NO_WRITE);
	p_setw(p, PCI_DEVICE_ID, (uint16_t)ALL_VIRT, NO_WRITE);
	p_setw(p, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, (uint16_t)ALL_WRITE);
	p_setw(p, PCI_STATUS, PCI_STATUS_CAP_LIST, NO_WRITE);
	p_setb(p, PCI_CACHE_LINE_SIZE, NO_VIRT, (uint8_t)ALL_WRITE);
	p_setb(p, PCI_LATENCY_TIMER, NO_VIRT, (uint8_t)ALL_WRITE);
	p_setb(p, PCI_BIST, NO_VIRT, (uint8_t)ALL_WRITE);
	for (unsigned i = 0; i < PCI_BARS; i++)
		p_setd(p, PCI_BASE_ADDRESS_0 + 4 * i, ALL_VIRT, ALL_WRITE);
	p_setd(p, PCI_ROM_ADDRESS, ALL_VIRT, ALL_WRITE);
	p_setb(p, PCI_CAPABILITY_LIST, (uint8_t)ALL_VIRT, NO_WRITE);
	p_setb(p, PCI_INTERRUPT_LINE, (uint8_t)ALL_VIRT, (uint8_t)ALL_WRITE);
	p_setb(p, PCI_INTERRUPT_PIN, (uint8_t)ALL_VIRT, NO_WRITE);
}

static void init_pm(struct perm_bits *p)
{
	const uint32_t pme = PCI_PM_CTRL_PME_ENABLE | PCI_PM_CTRL_PME_STATUS;

	p->writefn = vpci_pm_write;
	own_next(p);
	p_setw(p, PCI_PM_PMC, PCI_PM_CAP_PME_MASK, NO_WRITE);
	p_setd(p, PCI_PM_CTRL, pme, ~(pme | (uint32_t)PCI_PM_CTRL_STATE_MASK));
}

static void init_vpd(struct perm_bits *p)
{
	p->writefn = vpci_vpd_write;
	own_next(p);
	p_setw(p, PCI_VPD_ADDR, (uint16_t)ALL_VIRT, (uint16_t)ALL_WRITE);
	p_setd(p, PCI_VPD_DATA, ALL_VIRT, ALL_WRITE);
}

static void init_pcix(struct perm_bits *p)
{
	own_next(p);
	p_setw(p, PCI_X_CMD, NO_VIRT, (uint16_t)ALL_WRITE);
	p_setd(p, PCI_X_ECC_CSR, NO_VIRT, ALL_WRITE);
}

static void init_exp(struct perm_bits *p)
{
	p->writefn = vpci_exp_write;
	own_next(p);
	/* Phantom functions would confuse the IOMMU; payload sizes are the host's to choose. */
	p_setw(p, PCI_EXP_DEVCTL,
	       PCI_EXP_DEVCTL_BCR_FLR | PCI_EXP_DEVCTL_PAYLOAD | PCI_EXP_DEVCTL_READRQ,
	       (uint16_t)~PCI_EXP_DEVCTL_PHANTOM);
	p_setw(p, PCI_EXP_DEVCTL2, NO_VIRT, (uint16_t)~PCI_EXP_DEVCTL2_ARI);
}

static void init_af(struct perm_bits *p)
{
	p->writefn = vpci_af_write;
	own_next(p);
	p_setb(p, PCI_AF_CTRL, PCI_AF_CTRL_FLR, PCI_AF_CTRL_FLR);
}

static void init_err(struct perm_bits *p)
{
	const uint32_t uncor = PCI_ERR_UNC_UND | PCI_ERR_UNC_DLP | PCI_ERR_UNC_SURPDN |
			       PCI_ERR_UNC_POISON_TLP | PCI_ERR_UNC_FCP | PCI_ERR_UNC_COMP_TIME |
			       PCI_ERR_UNC_COMP_ABORT | PCI_ERR_UNC_UNX_COMP | PCI_ERR_UNC_RX_OVER |
			       PCI_ERR_UNC_MALF_TLP | PCI_ERR_UNC_ECRC | PCI_ERR_UNC_UNSUP |
			       PCI_ERR_UNC_ACSV | PCI_ERR_UNC_INTN | PCI_ERR_UNC_MCBTLP |
			       PCI_ERR_UNC_ATOMEG | PCI_ERR_UNC_TLPPRE;
	const uint32_t cor = PCI_ERR_COR_RCVR | PCI_ERR_COR_BAD_TLP | PCI_ERR_COR_BAD_DLLP |
			     PCI_ERR_COR_REP_ROLL | PCI_ERR_COR_REP_TIMER | PCI_ERR_COR_ADV_NFAT |
			     PCI_ERR_COR_INTERNAL | PCI_ERR_COR_LOG_OVER;

	p_setd(p, 0, ALL_VIRT, NO_WRITE);
	p_setd(p, PCI_ERR_UNCOR_STATUS, NO_VIRT, uncor);
	p_setd(p, PCI_ERR_UNCOR_MASK, NO_VIRT, uncor);
	p_setd(p, PCI_ERR_UNCOR_SEVER, NO_VIRT, uncor);
	p_setd(p, PCI_ERR_COR_STATUS, NO_VIRT, cor);
	p_setd(p, PCI_ERR_COR_MASK, NO_VIRT, cor);
	p_setd(p, PCI_ERR_CAP, NO_VIRT, PCI_ERR_CAP_ECRC_GENE | PCI_ERR_CAP_ECRC_CHKE);
}

static void init_pwr(struct perm_bits *p)
{
	p_setd(p, 0, ALL_VIRT, NO_WRITE);
	/* As Linux has it: the data register, where the selector was meant. */
	p_setb(p, PCI_PWR_DATA, NO_VIRT, (uint8_t)ALL_WRITE);
}

struct perm_bits *vpci_msi_perm(unsigned len, uint16_t flags)
{
	struct perm_bits *p = g_new0(struct perm_bits, 1);
	bool is64 = flags & PCI_MSI_FLAGS_64BIT;
	unsigned data = is64 ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32;
	unsigned mask = is64 ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32;

	alloc_perm_bits(p, len);
	p->writefn = vpci_msi_write;
	own_next(p);
	p_setb(p, PCI_MSI_FLAGS, (uint8_t)ALL_VIRT, (uint8_t)ALL_WRITE);
	p_setd(p, PCI_MSI_ADDRESS_LO, ALL_VIRT, ALL_WRITE);
	if (is64)
		p_setd(p, PCI_MSI_ADDRESS_HI, ALL_VIRT, ALL_WRITE);
	p_setw(p, data, (uint16_t)ALL_VIRT, (uint16_t)ALL_WRITE);
	if (flags & PCI_MSI_FLAGS_MASKBIT) {
		p_setd(p, mask, NO_VIRT, ALL_WRITE);
		p_setd(p, mask + 4, NO_VIRT, ALL_WRITE);
	}
	return p;
}

void vpci_perm_free(struct perm_bits *p)
{
	if (!p)
		return;
	free_perm_bits(p);
	g_free(p);
}

/* --- plain accesses --- */

static uint32_t ones(unsigned len)
{
	return UINT32_MAX >> (32 - 8 * len);
}

static uint32_t load(const uint8_t *p, unsigned len)
{
	uint32_t v = 0;

	memcpy(&v, p, len);
	return GUINT32_FROM_LE(v);
}

static void store(uint8_t *p, uint32_t v, unsigned len)
{
	v = GUINT32_TO_LE(v);
	memcpy(p, &v, len);
}

/* Capabilities of one id that touch look like one, which may go on past its table. */
static uint32_t load_mask(const struct perm_bits *p, const uint8_t *mask, unsigned off,
			  unsigned len)
{
	return off < p->len ? load(mask + off, MIN(len, p->len - off)) : 0;
}

int vpci_default_read(struct vfio_pci_device *v, unsigned pos, unsigned len,
		      const struct perm_bits *p, unsigned off, uint32_t *val)
{
	uint32_t virt = load_mask(p, p->virt, off, len);

	*val = load(v->vconfig + pos, len);
	if (virt != ones(len))
		*val = (hd_user_read(v->pci, pos, len) & ~virt) | (*val & virt);
	return 0;
}

int vpci_default_write(struct vfio_pci_device *v, unsigned pos, unsigned len,
		       const struct perm_bits *p, unsigned off, uint32_t val)
{
	uint32_t write = load_mask(p, p->write, off, len);
	uint32_t virt = load_mask(p, p->virt, off, len);

	if (write & virt) {
		uint32_t old = load(v->vconfig + pos, len);

		store(v->vconfig + pos, (old & ~(write & virt)) | (val & write & virt), len);
	}
	if (write & ~virt) {
		uint32_t old = hd_user_read(v->pci, pos, len);

		hd_user_write(v->pci, pos, len, (old & ~(write & ~virt)) | (val & write & ~virt));
	}
	return 0;
}

/* Straight from the device, but for the header of a capability, which leads to the next. */
static int direct_read(struct vfio_pci_device *v, unsigned pos, unsigned len,
		       const struct perm_bits *p, unsigned off, uint32_t *val)
{
	*val = hd_user_read(v->pci, pos, len);
	if (pos >= PCI_CFG_CONV) {
		if (off < 4)
			*val = load(v->vconfig + pos, len);
	} else if (pos >= PCI_STD_HEADER_SIZEOF) {
		if (off == PCI_CAP_LIST_ID && len > 1)
			*val = (*val & ~0xffffu) | load(v->vconfig + pos, 2);
		else if (off == PCI_CAP_LIST_NEXT)
			*val = v->vconfig[pos];
	}
	return 0;
}

static int raw_read(struct vfio_pci_device *v, unsigned pos, unsigned len,
		    const struct perm_bits *p, unsigned off, uint32_t *val)
{
	*val = hd_user_read(v->pci, pos, len);
	return 0;
}

static int raw_write(struct vfio_pci_device *v, unsigned pos, unsigned len,
		     const struct perm_bits *p, unsigned off, uint32_t val)
{
	hd_user_write(v->pci, pos, len, val);
	return 0;
}

static int virt_read(struct vfio_pci_device *v, unsigned pos, unsigned len,
		     const struct perm_bits *p, unsigned off, uint32_t *val)
{
	*val = load(v->vconfig + pos, len);
	return 0;
}

static int virt_write(struct vfio_pci_device *v, unsigned pos, unsigned len,
		      const struct perm_bits *p, unsigned off, uint32_t val)
{
	store(v->vconfig + pos, val, len);
	return 0;
}

static const struct perm_bits unassigned_perms = {.readfn = raw_read, .writefn = raw_write};
static const struct perm_bits virt_perms = {.readfn = virt_read, .writefn = virt_write};
/* An id that no table knows, left in the map to anchor the extended chain. */
static const struct perm_bits anchor_perms = {.readfn = direct_read};

const struct perm_bits *vpci_perm_at(struct vfio_pci_device *v, unsigned pos, unsigned *off)
{
	uint8_t id = v->map[pos];

	*off = 0;
	if (id == MAP_UNASSIGNED)
		return &unassigned_perms;
	if (id == MAP_VIRTUAL)
		return &virt_perms;
	*off = id || pos >= PCI_CFG_CONV ? pos - vpci_cap_start(v, pos) : pos;
	if (pos >= PCI_CFG_CONV)
		return id < VPCI_ECAPS ? &v->perms->ecap[id] : &anchor_perms;
	if (id == PCI_CAP_ID_MSI)
		return v->msi_perm;
	return &v->perms->cap[id];
}

uint8_t vpci_virtual_bits(struct vfio_pci_device *v, unsigned pos)
{
	unsigned off;
	const struct perm_bits *p = vpci_perm_at(v, pos, &off);

	if (p->readfn == raw_read)
		return 0;
	if (p->readfn == virt_read)
		return 0xff;
	if (p->readfn == direct_read && pos >= PCI_CFG_CONV)
		return off < 4 ? 0xff : 0;
	if (p->readfn == direct_read)
		return off == PCI_CAP_LIST_NEXT ? 0xff : 0;
	return (uint8_t)load_mask(p, p->virt, off, 1);
}

/* --- all of them --- */

static const struct {
	uint8_t ext, id, size;
	void (*init)(struct perm_bits *p);
} tables[] = {
	{0, PCI_CAP_ID_BASIC, PCI_STD_HEADER_SIZEOF, init_basic},
	{0, PCI_CAP_ID_PM, PCI_PM_SIZEOF, init_pm},
	{0, PCI_CAP_ID_VPD, PCI_CAP_VPD_SIZEOF, init_vpd},
	{0, PCI_CAP_ID_PCIX, PCI_CAP_PCIX_SIZEOF_V2, init_pcix},
	{0, PCI_CAP_ID_EXP, PCI_CAP_EXP_ENDPOINT_SIZEOF_V2, init_exp},
	{0, PCI_CAP_ID_AF, PCI_CAP_AF_SIZEOF, init_af},
	{1, PCI_EXT_CAP_ID_ERR, PCI_ERR_ROOT_COMMAND, init_err},
	{1, PCI_EXT_CAP_ID_PWR, PCI_EXT_CAP_PWR_SIZEOF, init_pwr},
};

int vpci_perms_init(struct host *h, struct vpci_perms *p)
{
	memset(p, 0, sizeof(*p));
	for (unsigned i = 0; i < VPCI_CAPS; i++)
		p->cap[i].readfn = direct_read;
	for (unsigned i = 0; i < VPCI_ECAPS; i++)
		p->ecap[i].readfn = direct_read;
	p->cap[PCI_CAP_ID_VNDR].writefn = raw_write;
	p->ecap[PCI_EXT_CAP_ID_VNDR].writefn = raw_write;
	for (unsigned i = 0; i < G_N_ELEMENTS(tables); i++) {
		struct perm_bits *b =
			tables[i].ext ? &p->ecap[tables[i].id] : &p->cap[tables[i].id];
		int ret = host_step(h);

		if (ret < 0) {
			vpci_perms_fini(p);
			return ret;
		}
		alloc_perm_bits(b, tables[i].size);
		tables[i].init(b);
	}
	return 0;
}

void vpci_perms_fini(struct vpci_perms *p)
{
	for (unsigned i = 0; i < VPCI_CAPS; i++)
		free_perm_bits(&p->cap[i]);
	for (unsigned i = 0; i < VPCI_ECAPS; i++)
		free_perm_bits(&p->ecap[i]);
}
