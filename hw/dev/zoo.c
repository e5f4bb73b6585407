// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the pci-zoo model: registers, capabilities and what acts in them.  Called through its BARs
 * and its config space; never has a thread and never touches anybody's memory.
 */
#include "hw/dev/zoo.h"

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "base/err.h"
#include "mem/access.h"
#include "mem/ram.h"

#define REGS_SIZE 0x1000
#define PORTS_SIZE 0x20
#define MSIX_BAR_SIZE 0x4000
#define VPD_SIZE 128
#define MAX_SIZE (1ull << 36)
#define AER_SIZE 0x48

struct zoo {
	struct pcidev dev;
	struct region regs, ports, msix, rom;
	struct ram ram;
	struct pcimsi msi;
	uint8_t init[PCI_CFG_EXT]; /* config space after a reset */
	uint8_t vpd[VPD_SIZE], image[ZOO_ROM_SIZE];
	pthread_mutex_t lock; /* of what follows */
	bool level;
	uint32_t scratch, resets;
};

/* --- what there is --- */

struct cap {
	uint16_t id, version, off;
};

/* Those that need no more than their place; PM, MSI, PCI Express and MSI-X are made elsewhere. */
static const struct cap std_caps[] = {
	{PCI_CAP_ID_VPD, 0, ZOO_CAP_VPD}, {PCI_CAP_ID_VNDR, 0, ZOO_CAP_VNDR},
	{PCI_CAP_ID_AF, 0, ZOO_CAP_AF},   {PCI_CAP_ID_PCIX, 0, 0xc8},
	{PCI_CAP_ID_AGP, 0, 0xd0},        {PCI_CAP_ID_SLOTID, 0, 0xdc},
	{PCI_CAP_ID_CHSWP, 0, 0xe0},      {PCI_CAP_ID_DBG, 0, 0xe4},
	{PCI_CAP_ID_SSVID, 0, 0xe8},      {PCI_CAP_ID_SATA, 0, 0xf0},
	{PCI_CAP_ID_EA, 0, 0xf8},         {PCI_CAP_ID_CCRC, 0, 0xfc},
};

static const struct cap ext_caps[] = {
	{PCI_EXT_CAP_ID_ERR, 2, ZOO_EXT_AER}, {PCI_EXT_CAP_ID_VC, 1, 0x148},
	{PCI_EXT_CAP_ID_DSN, 1, 0x164},       {PCI_EXT_CAP_ID_PWR, 1, ZOO_EXT_PWR},
	{PCI_EXT_CAP_ID_VNDR, 1, 0x180},      {PCI_EXT_CAP_ID_ACS, 1, 0x1a0},
	{PCI_EXT_CAP_ID_ARI, 1, 0x1a8},       {PCI_EXT_CAP_ID_ATS, 1, 0x1b0},
	{PCI_EXT_CAP_ID_LTR, 1, ZOO_EXT_LTR}, {PCI_EXT_CAP_ID_TPH, 1, 0x1c0},
	{PCI_EXT_CAP_ID_DPA, 1, 0x1d0},       {PCI_EXT_CAP_ID_REBAR, 1, 0x1e4},
	{PCI_EXT_CAP_ID_L1SS, 1, 0x1f0},      {PCI_EXT_CAP_ID_PTM, 1, 0x200},
	{PCI_EXT_CAP_ID_PASID, 1, 0x20c},     {PCI_EXT_CAP_ID_PRI, 1, 0x214},
	{PCI_EXT_CAP_ID_MCAST, 1, 0x224},     {PCI_EXT_CAP_ID_DVSEC, 1, 0x254},
	{PCI_EXT_CAP_ID_DLF, 1, 0x264},       {PCI_EXT_CAP_ID_PL_16GT, 1, 0x270},
	{PCI_EXT_CAP_ID_SECPCI, 1, 0x294},
};

/* Words behind the headers: their value, the bits that software sets, those that it clears. */
static const struct word {
	uint16_t off;
	uint32_t value, write, clear;
} words[] = {
	{ZOO_CAP_VPD, 0, 0xffff0000, 0},
	{ZOO_CAP_VPD + 4, 0, 0xffffffff, 0},
	{ZOO_CAP_VNDR, 0x00100000, 0, 0}, /* 16 bytes */
	{ZOO_CAP_VNDR + 4, 0x5a5a5a5a, 0xffffffff, 0},
	{ZOO_CAP_AF, 0x03060000, 0, 0}, /* 6 bytes; TP, FLR */
	{0xc8, 0, 0x007f0000, 0},       /* PCI-X: command */
	{0xd0, 0x00300000, 0, 0},       /* AGP 3.0 */
	{0xd4, 0x1f00021b, 0, 0},
	{0xd8, 0, 0x0000031b, 0},
	{0xe4, 0x20000000, 0, 0}, /* debug port: BAR 1 */
	{0xec, 0x11001af4, 0, 0},
	{0xf0, 0x00100000, 0, 0}, /* SATA 1.0: index and data are behind it */
	{0xf4, 0x0000000f, 0, 0},
	{ZOO_EXT_AER + PCI_ERR_UNCOR_STATUS, 0, 0, 0x07fff030},
	{ZOO_EXT_AER + PCI_ERR_UNCOR_MASK, 0x00400000, 0x07fff030, 0},
	{ZOO_EXT_AER + PCI_ERR_UNCOR_SEVER, 0x00462030, 0x07fff030, 0},
	{ZOO_EXT_AER + PCI_ERR_COR_STATUS, 0, 0, 0x0000f1c1},
	{ZOO_EXT_AER + PCI_ERR_COR_MASK, 0x0000e000, 0x0000f1c1, 0},
	{ZOO_EXT_AER + PCI_ERR_CAP, 0x000000a0, 0x00000140, 0},
	{0x15c, 0x800000ff, 0x000000fe, 0}, /* VC 0 */
	{0x168, 0x00000001, 0, 0},          /* serial number */
	{0x16c, 0x5a4f4f00, 0, 0},
	{ZOO_EXT_PWR + PCI_PWR_DSR, 0, 0x000000ff, 0},
	{0x184, 0x02010001, 0, 0}, /* vendor specific: 32 bytes */
	{0x188, 0, 0xffffffff, 0},
	{0x1a4, 0x0000004c, 0x004c0000, 0}, /* ACS */
	{0x1b4, 0x00000020, 0x801f0000, 0}, /* ATS */
	{ZOO_EXT_LTR + 4, 0, 0x1fff1fff, 0},
	{0x1c4, 0x00000001, 0, 0}, /* TPH: no table */
	{0x1c8, 0, 0x00000307, 0},
	{0x1dc, 0x00000100, 0x001f0000, 0x00000100}, /* DPA */
	{0x1f4, 0x0028281f, 0, 0},                   /* L1 substates */
	{0x1f8, 0, 0xe3ffff0f, 0},
	{0x1fc, 0x00000028, 0x000000fb, 0},
	{0x204, 0x00000001, 0, 0}, /* PTM: requester */
	{0x208, 0, 0x0000ff01, 0},
	{0x210, 0x00001406, 0x00070000, 0}, /* PASID: 20 bits */
	{0x218, 0x01000000, 0x00000001, 0}, /* PRI: stopped */
	{0x21c, 0x00000040, 0, 0},
	{0x220, 0, 0x0000007f, 0},
	{0x228, 0x00000003, 0x803f0000, 0}, /* multicast: 4 groups */
	{0x22c, 0, 0xfffff03f, 0},
	{0x230, 0, 0xffffffff, 0},
	{0x234, 0, 0x0000000f, 0},
	{0x23c, 0, 0x0000000f, 0},
	{0x244, 0, 0x0000000f, 0},
	{0x258, 0x01001234, 0, 0}, /* DVSEC: 16 bytes */
	{0x25c, 0x00000005, 0, 0},
	{0x260, 0, 0xffffffff, 0},
	{0x268, 0x80000001, 0x80000000, 0}, /* data link feature */
};

/* Data of the power budgeting capability by its select register (PCI Express 3.0, 7.15). */
static const uint32_t power[] = {0x0001000a, 0x00008005, 0x00018002, 0};

/* --- registers --- */

/* Under the lock: there is no INTx where messages are on (PCI 3.0, 6.8.3.3). */
static void drive_pin(struct zoo *z)
{
	pcidev_intx(&z->dev, z->level && !pcimsi_enabled(&z->msi) && !pcimsix_enabled(z->dev.msix));
}

static uint64_t regs_read(void *opaque, uint64_t off, unsigned len)
{
	struct zoo *z = opaque;
	uint32_t v = 0;

	pthread_mutex_lock(&z->lock);
	switch (off) {
	case ZOO_ID:
		v = ZOO_ID_VALUE;
		break;
	case ZOO_INTX:
		v = z->level;
		break;
	case ZOO_SCRATCH:
		v = z->scratch;
		break;
	case ZOO_RESETS:
		v = z->resets;
		break;
	}
	pthread_mutex_unlock(&z->lock);
	return v;
}

static void regs_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct zoo *z = opaque;

	pthread_mutex_lock(&z->lock);
	if (off == ZOO_INTX) {
		z->level = val & 1;
		drive_pin(z);
	} else if (off == ZOO_SCRATCH) {
		z->scratch = (uint32_t)val;
	}
	pthread_mutex_unlock(&z->lock);
	if (off == ZOO_MSI && val < ZOO_MSI_VECTORS)
		pcimsi_raise(&z->msi, (unsigned)val);
	else if (off == ZOO_MSIX && val < ZOO_MSIX_VECTORS)
		pcimsix_raise(z->dev.msix, (unsigned)val);
}

static const struct region_ops regs_ops = {regs_read, regs_write, 4, 4, false};

static uint64_t rom_read(void *opaque, uint64_t off, unsigned len)
{
	const struct zoo *z = opaque;

	return le_load(z->image + off, len);
}

static void rom_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
}

static const struct region_ops rom_ops = {rom_read, rom_write, 1, 8, false};

/* --- config space --- */

/* PCI 3.0, appendix I: the flag says which way, and turns when it is done. */
static void vpd_access(struct zoo *z)
{
	uint8_t *c = z->dev.cfg + ZOO_CAP_VPD;
	uint16_t addr = pci_get16(c + PCI_VPD_ADDR);
	unsigned at = addr & PCI_VPD_ADDR_MASK & ~3u;
	bool there = at + 4 <= VPD_SIZE;

	if (addr & PCI_VPD_ADDR_F && there)
		memcpy(z->vpd + at, c + PCI_VPD_DATA, 4);
	else if (!(addr & PCI_VPD_ADDR_F))
		pci_set32(c + PCI_VPD_DATA, there ? pci_get32(z->vpd + at) : UINT32_MAX);
	pci_set16(c + PCI_VPD_ADDR, addr ^ PCI_VPD_ADDR_F);
}

static void select_power(struct zoo *z)
{
	uint8_t *c = z->dev.cfg + ZOO_EXT_PWR;
	unsigned nr = MIN(c[PCI_PWR_DSR], G_N_ELEMENTS(power) - 1);

	pci_set32(c + PCI_PWR_DATA, power[nr]);
}

static void zoo_reset(struct pcidev *d)
{
	struct zoo *z = d->priv;

	/* Of error reporting no more is reset than bits that are not there (sticky, 7.10). */
	memcpy(d->cfg + PCI_STD_HEADER_SIZEOF, z->init + PCI_STD_HEADER_SIZEOF,
	       ZOO_EXT_AER - PCI_STD_HEADER_SIZEOF);
	memcpy(d->cfg + ZOO_EXT_AER + AER_SIZE, z->init + ZOO_EXT_AER + AER_SIZE,
	       PCI_CFG_EXT - ZOO_EXT_AER - AER_SIZE);
	pcimsi_reset(&z->msi);
	pcimsix_reset(d->msix);
	pthread_mutex_lock(&z->lock);
	z->level = false;
	z->scratch = 0;
	z->resets++;
	drive_pin(z);
	pthread_mutex_unlock(&z->lock);
}

static bool asks_af_reset(unsigned off, uint32_t val, unsigned len)
{
	const unsigned at = ZOO_CAP_AF + PCI_AF_CTRL;

	return pci_hits(off, len, at, 1) && val >> (8 * (at - off)) & PCI_AF_CTRL_FLR;
}

static void zoo_cfg_write(struct pcidev *d, unsigned off, uint32_t val, unsigned len)
{
	struct zoo *z = d->priv;

	pcidev_cfg_write(d, off, val, len);
	pcimsi_written(&z->msi, off, len);
	pcimsix_written(d, off, len);
	if (pci_hits(off, len, ZOO_CAP_VPD + PCI_VPD_ADDR + 1, 1))
		vpd_access(z);
	if (pci_hits(off, len, ZOO_EXT_PWR + PCI_PWR_DSR, 1))
		select_power(z);
	if (asks_af_reset(off, val, len)) {
		pcidev_reset_config(d);
		zoo_reset(d);
	}
	pcie_endpoint_written(d, off, len);
	pthread_mutex_lock(&z->lock);
	drive_pin(z);
	pthread_mutex_unlock(&z->lock);
}

static void zoo_free(struct pcidev *d)
{
	struct zoo *z = d->priv;

	aspace_sync();
	pcimsi_fini(&z->msi);
	pcimsix_free(d->msix);
	ram_fini(&z->ram);
	pthread_mutex_destroy(&z->lock);
	g_free(z);
}

static const struct pcidev_ops zoo_ops = {
	.model = "pci-zoo",
	.cfg_read = pcie_endpoint_cfg_read,
	.cfg_write = zoo_cfg_write,
	.reset = zoo_reset,
	.free = zoo_free,
};

/* --- making --- */

/* PCI 3.0, 6.3.1: one image with nothing in it, whose bytes sum up to 0. */
static void init_image(struct zoo *z)
{
	uint8_t *m = z->image, *pcir = m + 0x40, sum = 0;

	pci_set16(m, 0xaa55);
	m[2] = ZOO_ROM_SIZE / 512;
	m[3] = 0xcb; /* its INIT returns */
	pci_set16(m + 0x18, 0x40);
	memcpy(pcir, "PCIR", 4);
	pci_set16(pcir + 4, ZOO_VENDOR);
	pci_set16(pcir + 6, ZOO_DEVICE);
	pci_set16(pcir + 10, 24);
	pcir[15] = 0xff; /* class */
	pci_set16(pcir + 16, ZOO_ROM_SIZE / 512);
	pcir[21] = 0x80; /* the last image */
	for (unsigned i = 0; i < ZOO_ROM_SIZE; i++)
		sum = (uint8_t)(sum + m[i]);
	m[ZOO_ROM_SIZE - 1] = (uint8_t)-sum;
}

/* PCI 3.0, appendix I: name, part and serial number, checksum, end. */
static void init_vpd(struct zoo *z)
{
	static const char text[] = "\x82\x07\x00pci-zoo"
				   "\x90\x12\x00PN\x04ZOO1SN\x04"
				   "0001RV\x01";
	size_t len = sizeof(text) - 1;
	uint8_t sum = 0;

	memcpy(z->vpd, text, len);
	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + z->vpd[i]);
	z->vpd[len] = (uint8_t)-sum;
	z->vpd[len + 1] = 0x78;
}

static void or32(uint8_t *p, uint32_t bits)
{
	pci_set32(p, pci_get32(p) | bits);
}

static void add_caps(struct zoo *z, uint64_t size)
{
	struct pcidev *d = &z->dev;
	uint8_t *pm = d->cfg + ZOO_CAP_PM, *rebar = d->cfg + 0x1e4;
	unsigned order = (unsigned)__builtin_ctzll(size);

	for (size_t i = 0; i < G_N_ELEMENTS(std_caps); i++)
		pcidev_add_cap(d, (uint8_t)std_caps[i].id, std_caps[i].off);
	pcie_endpoint_add_caps(d, ZOO_CAP_EXP, ZOO_CAP_PM);
	pci_set16(pm + PCI_PM_PMC, 3 | PCI_PM_CAP_D1 | PCI_PM_CAP_D2 | PCI_PM_CAP_PME_MASK);
	d->wmask[ZOO_CAP_PM + PCI_PM_CTRL + 1] |= PCI_PM_CTRL_PME_ENABLE >> 8;
	d->w1c[ZOO_CAP_PM + PCI_PM_CTRL + 1] |= PCI_PM_CTRL_PME_STATUS >> 8;
	pcimsi_init(&z->msi, d, ZOO_CAP_MSI, ZOO_MSI_VECTORS, true, true);
	pcimsix_add_cap(d, ZOO_CAP_MSIX, 4, 0, ZOO_PBA);
	for (size_t i = 0; i < G_N_ELEMENTS(ext_caps); i++)
		pcidev_add_ext_cap(d, ext_caps[i].id, ext_caps[i].version, ext_caps[i].off);
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		or32(d->cfg + words[i].off, words[i].value);
		or32(d->wmask + words[i].off, words[i].write);
		or32(d->w1c + words[i].off, words[i].clear);
	}
	if (order >= 20 && order < 40) { /* resizable BAR 2: to the size that it has */
		pci_set32(rebar + PCI_REBAR_CAP, 16u << (order - 20));
		pci_set32(rebar + PCI_REBAR_CTRL, 2 | 1 << 5 | (order - 20) << 8);
	}
	pci_set32(d->cfg + ZOO_EXT_PWR + PCI_PWR_DATA, power[0]);
}

static void add_bars(struct zoo *z)
{
	struct pcidev *d = &z->dev;

	region_init_io(&z->regs, "zoo-regs", REGS_SIZE, &regs_ops, z);
	region_init_io(&z->ports, "zoo-ports", PORTS_SIZE, &regs_ops, z);
	region_init_container(&z->msix, "zoo-msix", MSIX_BAR_SIZE);
	region_init_io(&z->rom, "zoo-rom", ZOO_ROM_SIZE, &rom_ops, z);
	z->ram.region.device = true;
	pcidev_set_bar(d, 0, &z->regs, REGS_SIZE, PCI_BASE_ADDRESS_SPACE_MEMORY);
	pcidev_set_bar(d, 1, &z->ports, PORTS_SIZE, PCI_BASE_ADDRESS_SPACE_IO);
	pcidev_set_bar(d, 2, &z->ram.region, z->ram.size,
		       PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
	pcidev_set_bar(d, 4, &z->msix, MSIX_BAR_SIZE, PCI_BASE_ADDRESS_MEM_TYPE_64);
	pcidev_set_bar(d, PCI_ROM_BAR, &z->rom, ZOO_ROM_SIZE, 0);
}

int pci_zoo_new(struct pcidev **out, const char *id, uint64_t size, struct err **errp)
{
	struct zoo *z;
	struct pcidev *d;
	int ret;

	if (size < 4096 || size > MAX_SIZE || size & (size - 1))
		return err_set(errp, -EINVAL,
			       "pci-zoo: size=%" PRIu64 ": it must be a power of two, 4K to 64G",
			       size);
	z = g_new0(struct zoo, 1);
	d = &z->dev;
	ret = ram_init(&z->ram, "pci-zoo", size, errp);
	if (ret < 0) {
		g_free(z);
		return ret;
	}
	d->priv = z;
	pthread_mutex_init(&z->lock, NULL);
	if (id)
		g_strlcpy(d->name, id, sizeof(d->name));
	pcidev_init(d, &zoo_ops, PCI_CFG_EXT, ZOO_VENDOR, ZOO_DEVICE, 0xff0000, 1);
	pci_set16(d->cfg + PCI_SUBSYSTEM_VENDOR_ID, 0x1af4);
	pci_set16(d->cfg + PCI_SUBSYSTEM_ID, 0x1100);
	d->cfg[PCI_INTERRUPT_PIN] = 1;
	d->msix = pcimsix_new(d, ZOO_MSIX_VECTORS, NULL, NULL);
	add_bars(z);
	init_image(z);
	init_vpd(z);
	add_caps(z, size);
	memcpy(z->init, d->cfg, sizeof(z->init));
	*out = d;
	return 0;
}
