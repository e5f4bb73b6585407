// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the pci-dump model: its BARs and what acts when a register is written.  Called through its
 * config space; never raises an interrupt and never touches anybody's memory.
 */
#include "hw/dev/dump.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "base/err.h"
#include "mem/access.h"
#include "mem/ram.h"

#define PAGE 4096u
#define GUESS_MEM 0x10000ull   /* of a BAR without an address */
#define GUESS_MAX 0x1000000ull /* of one whose address is aligned to more */
#define GUESS_IO 0x100ull
#define GUESS_ROM 0x10000ull
#define MIN_ROM 0x800ull
#define MAX_MEM (1ull << 36)
#define MAX_MEM32 (1ull << 31)

struct dumpbar {
	struct ram ram; /* behind memory of a page or more */
	struct region region;
	uint8_t *mem;
};

struct dump {
	struct pcidev dev;
	struct dump_regs regs;
	struct pcimsi msi;
	struct dumpbar bar[PCI_BARS + 1];
};

/* --- BARs as the file has them --- */

struct rawbar {
	bool there, io, wide;
	uint64_t addr;
	uint32_t flags;
};

static unsigned bars_of(const uint8_t *cfg)
{
	switch (cfg[PCI_HEADER_TYPE] & 0x7f) {
	case PCI_HEADER_TYPE_NORMAL:
		return PCI_BARS;
	case PCI_HEADER_TYPE_BRIDGE:
		return 2;
	}
	return 0;
}

/* Register n of `bars`; the upper half of one before it is not there. */
static struct rawbar raw_bar(const uint8_t *cfg, unsigned n, unsigned bars)
{
	uint32_t v = pci_get32(cfg + PCI_BASE_ADDRESS_0 + 4 * n);
	struct rawbar b = {.there = v && v != UINT32_MAX, .io = v & PCI_BASE_ADDRESS_SPACE_IO};

	if (b.io) {
		b.flags = PCI_BASE_ADDRESS_SPACE_IO;
		b.addr = v & ~3u & 0xffff;
		return b;
	}
	b.flags = v & (PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
	b.addr = v & ~15u;
	b.wide = v & PCI_BASE_ADDRESS_MEM_TYPE_64 && n + 1 < bars;
	if (b.wide)
		b.addr |= (uint64_t)pci_get32(cfg + PCI_BASE_ADDRESS_0 + 4 * n + 4) << 32;
	else
		b.flags &= PCI_BASE_ADDRESS_MEM_PREFETCH;
	return b;
}

/* Where the next BAR or ROM of the whole machine begins above addr; UINT64_MAX = none. */
static uint64_t next_bar(const struct pcidump *dump, bool io, uint64_t addr)
{
	uint64_t next = UINT64_MAX;

	for (guint i = 0; i < dump->devs->len; i++) {
		const struct pcidump_dev *d = dump->devs->pdata[i];
		uint32_t rom = pci_get32(d->cfg + PCI_ROM_ADDRESS) & (uint32_t)PCI_ROM_ADDRESS_MASK;
		unsigned bars = bars_of(d->cfg);

		if (bars == PCI_BARS && !io && rom > addr && rom < next)
			next = rom;

		for (unsigned n = 0; n < bars; n++) {
			struct rawbar b = raw_bar(d->cfg, n, bars);

			if (b.there && b.io == io && b.addr > addr && b.addr < next)
				next = b.addr;
			n += b.wide;
		}
	}
	return next;
}

/* A BAR is aligned to its size and does not reach the next one. */
static uint64_t natural(const struct pcidump *dump, bool io, uint64_t addr, uint64_t max)
{
	uint64_t size = MIN(addr & -addr, max), next = next_bar(dump, io, addr);

	while (size > next - addr)
		size >>= 1;
	return size;
}

/* The Resizable BAR capability knows (PCI Express 3.0, 7.22); 0 = it does not. */
static uint64_t rebar_size(const struct dump_regs *r, unsigned n)
{
	unsigned at = pci_ext_cap_find(r->init, r->size, PCI_EXT_CAP_ID_REBAR), count;

	if (!at || at + 12 > r->size)
		return 0;
	count = (pci_get32(r->init + at + PCI_REBAR_CTRL) & PCI_REBAR_CTRL_NBAR_MASK) >>
		PCI_REBAR_CTRL_NBAR_SHIFT;
	for (at += PCI_REBAR_CTRL; count && at + 4 <= r->size; count--, at += 8) {
		uint32_t ctrl = pci_get32(r->init + at);
		unsigned order = 20 + ((ctrl & PCI_REBAR_CTRL_BAR_SIZE) >> 8);

		if ((ctrl & PCI_REBAR_CTRL_BAR_IDX) == n)
			return order <= 36 ? 1ull << order : 0;
	}
	return 0;
}

/* What MSI-X needs of BAR n. */
static uint64_t msix_end(const struct dump_regs *r, unsigned n)
{
	const uint8_t *c = r->init + r->msix;
	uint64_t vectors, end = 0;
	uint32_t table, pba;

	if (!r->msix)
		return 0;
	vectors = (pci_get16(c + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE) + 1u;
	table = pci_get32(c + PCI_MSIX_TABLE);
	pba = pci_get32(c + PCI_MSIX_PBA);
	if ((table & PCI_MSIX_TABLE_BIR) == n)
		end = (table & PCI_MSIX_TABLE_OFFSET) + 16 * vectors;
	if ((pba & PCI_MSIX_PBA_BIR) == n)
		end = MAX(end, (pba & PCI_MSIX_PBA_OFFSET) + 8 * ((vectors + 63) / 64));
	return end;
}

static uint64_t guess(const struct dump_regs *r, const struct pcidump *dump, const struct rawbar *b,
		      unsigned n)
{
	uint64_t size = b->io ? GUESS_IO : GUESS_MEM, exact = b->io ? 0 : rebar_size(r, n);
	uint64_t most = b->wide ? MAX_MEM : MAX_MEM32, end = msix_end(r, n);

	if (exact && exact <= most && !(b->addr & (exact - 1)))
		return exact;
	if (b->addr)
		size = natural(dump, b->io, b->addr, b->io ? GUESS_IO : GUESS_MAX);
	while (!b->io && size < end && size < most && !(b->addr & (2 * size - 1)))
		size *= 2;
	return size;
}

/* --- memory behind BARs --- */

static uint64_t bar_read(void *opaque, uint64_t off, unsigned len)
{
	const struct dumpbar *b = opaque;

	return le_load(b->mem + off, len);
}

static void bar_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	const struct dumpbar *b = opaque;

	le_store(b->mem + off, val, len);
}

static void rom_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
}

static const struct region_ops bar_ops = {bar_read, bar_write, 1, 8, false};
static const struct region_ops rom_ops = {bar_read, rom_write, 1, 8, false};

static int add_bar(struct dump *p, unsigned n, uint64_t size, uint32_t flags, struct err **errp)
{
	struct dumpbar *b = &p->bar[n];
	struct region *r = &b->region;
	int ret;

	if (n == PCI_ROM_BAR || flags & PCI_BASE_ADDRESS_SPACE_IO || size < PAGE) {
		b->mem = g_malloc0(size);
		region_init_io(r, "dump-bar", size, n == PCI_ROM_BAR ? &rom_ops : &bar_ops, b);
	} else {
		r = &b->ram.region;
		ret = ram_init(&b->ram, "dump-bar", size, errp);
		if (ret < 0)
			return ret;
		r->device = true;
	}
	pcidev_set_bar(&p->dev, n, r, size, flags);
	return 0;
}

static int check_size(const struct rawbar *b, unsigned n, uint64_t size, struct err **errp)
{
	uint64_t least = b->io ? 4 : 16, most = b->io ? 256 : b->wide ? MAX_MEM : MAX_MEM32;

	if (size >= least && size <= most && !(size & (size - 1)))
		return 0;
	return err_set(errp, -EINVAL,
		       "bar%u=%" PRIu64 ": its size must be a power of two, %" PRIu64
		       " to %" PRIu64,
		       n, size, least, most);
}

static int add_bars(struct dump *p, const struct dump_conf *conf, const struct pcidump *dump,
		    const uint8_t *cfg, struct err **errp)
{
	for (unsigned n = 0; n < PCI_BARS; n++) {
		struct rawbar b = raw_bar(cfg, n, PCI_BARS);
		uint64_t size = conf->bar[n];
		int ret = size ? check_size(&b, n, size, errp) : 0;

		if (ret == 0 && !size && b.there)
			size = guess(&p->regs, dump, &b, n);
		if (ret == 0 && size)
			ret = add_bar(p, n, size, b.flags, errp);
		if (ret == 0 && b.wide && conf->bar[++n])
			ret = err_set(errp, -EINVAL, "bar%u: it is the upper half of BAR %u", n,
				      n - 1);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* Its contents are not in the dump; where it was given no address, nor is that it exists. */
static int add_rom(struct dump *p, const struct pcidump *dump, const uint8_t *cfg,
		   struct err **errp)
{
	uint32_t addr = pci_get32(cfg + PCI_ROM_ADDRESS) & (uint32_t)PCI_ROM_ADDRESS_MASK;
	uint64_t size = addr ? natural(dump, false, addr, GUESS_ROM) : 0;

	return size < MIN_ROM ? 0 : add_bar(p, PCI_ROM_BAR, size, 0, errp);
}

/* --- interrupts: only the registers are there --- */

static void add_msi(struct dump *p)
{
	uint16_t flags = pci_get16(p->regs.init + p->regs.msi + PCI_MSI_FLAGS);
	unsigned order = (flags & PCI_MSI_FLAGS_QMASK) >> 1;

	pcimsi_init(&p->msi, &p->dev, p->regs.msi, 1u << MIN(order, 5), flags & PCI_MSI_FLAGS_64BIT,
		    flags & PCI_MSI_FLAGS_MASKBIT);
}

/* A structure of MSI-X lies in its BAR where that is there and large enough. */
static bool lay(struct dump *p, unsigned reg, struct region *r)
{
	uint32_t where = pci_get32(p->regs.init + p->regs.msix + reg);
	unsigned n = where & PCI_MSIX_TABLE_BIR;
	uint64_t off = where & PCI_MSIX_TABLE_OFFSET;
	struct pcibar *b = n < PCI_BARS ? &p->dev.bar[n] : NULL;

	if (!b || !b->region || off + r->size > b->size)
		return false;
	region_add_sub(b->region, r, off);
	return true;
}

static void add_msix(struct dump *p)
{
	uint16_t flags = pci_get16(p->regs.init + p->regs.msix + PCI_MSIX_FLAGS);
	struct pcimsix *m = pcimsix_new(&p->dev, (flags & PCI_MSIX_FLAGS_QSIZE) + 1u, NULL, NULL);
	bool table = lay(p, PCI_MSIX_TABLE, &m->table_region);
	bool pba = lay(p, PCI_MSIX_PBA, &m->pba_region);

	p->dev.msix = m;
	if (!table || !pba)
		g_message("%s: its MSI-X %s lies outside of its BARs; barN= sets their sizes",
			  p->dev.name, table ? "PBA" : "table");
}

/* --- what acts --- */

static void dump_reset(struct pcidev *d)
{
	struct dump *p = d->priv;
	const struct dump_regs *r = &p->regs;

	d->cfg[PCI_LATENCY_TIMER] = 0;
	for (unsigned i = PCI_STD_HEADER_SIZEOF; i < r->size; i++)
		d->cfg[i] = (uint8_t)((d->cfg[i] & r->sticky[i]) | (r->init[i] & ~r->sticky[i]));
	if (r->msi)
		pcimsi_reset(&p->msi);
	if (d->msix)
		pcimsix_reset(d->msix);
	for (unsigned n = 0; n < PCI_BARS; n++) {
		struct dumpbar *b = &p->bar[n];

		if (b->mem)
			memset(b->mem, 0, d->bar[n].size);
		if (b->ram.region.host) /* back to the system, and zeros again */
			madvise(b->ram.region.host, b->ram.size, MADV_REMOVE);
	}
}

static void reset_function(struct pcidev *d)
{
	pcidev_reset_config(d);
	dump_reset(d);
}

/* PCI 3.0, appendix I: the flag says which way, and turns when it is done.  There is nothing. */
static void vpd_access(struct dump *p)
{
	uint8_t *c = p->dev.cfg + p->regs.vpd;
	uint16_t addr = pci_get16(c + PCI_VPD_ADDR);

	if (!(addr & PCI_VPD_ADDR_F))
		pci_set32(c + PCI_VPD_DATA, UINT32_MAX);
	pci_set16(c + PCI_VPD_ADDR, addr ^ PCI_VPD_ADDR_F);
}

/* PCI PM 1.2, 3.2.4: a state that the function has not is not taken. */
static void power_written(struct dump *p, uint8_t old)
{
	uint8_t *c = p->dev.cfg + p->regs.pm, *ctrl = c + PCI_PM_CTRL;
	uint16_t pmc = pci_get16(c + PCI_PM_PMC);
	unsigned now = *ctrl & PCI_PM_CTRL_STATE_MASK;

	if ((now == 1 && !(pmc & PCI_PM_CAP_D1)) || (now == 2 && !(pmc & PCI_PM_CAP_D2)))
		*ctrl = (uint8_t)((*ctrl & ~PCI_PM_CTRL_STATE_MASK) | old);
	else if (old == 3 && !now && !(*ctrl & PCI_PM_CTRL_NO_SOFT_RESET))
		reset_function(&p->dev);
}

/* The bits that a write puts into one byte; 0 where it does not reach it. */
static uint8_t byte_at(unsigned at, unsigned off, uint32_t val, unsigned len)
{
	return pci_hits(off, len, at, 1) ? (uint8_t)(val >> (8 * (at - off))) : 0;
}

static bool asks_reset(const struct dump *p, unsigned off, uint32_t val, unsigned len)
{
	const struct dump_regs *r = &p->regs;
	const uint8_t *c = r->init;

	if (r->exp && pci_get32(c + r->exp + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR &&
	    byte_at(r->exp + PCI_EXP_DEVCTL + 1, off, val, len) & PCI_EXP_DEVCTL_BCR_FLR >> 8)
		return true;
	return r->af && c[r->af + PCI_AF_CAP] & PCI_AF_CAP_FLR &&
	       byte_at(r->af + PCI_AF_CTRL, off, val, len) & PCI_AF_CTRL_FLR;
}

static void dump_cfg_write(struct pcidev *d, unsigned off, uint32_t val, unsigned len)
{
	struct dump *p = d->priv;
	const struct dump_regs *r = &p->regs;
	uint8_t state = d->cfg[r->pm + PCI_PM_CTRL] & PCI_PM_CTRL_STATE_MASK;

	pcidev_cfg_write(d, off, val, len);
	if (asks_reset(p, off, val, len)) {
		reset_function(d);
		return;
	}
	if (r->msi)
		pcimsi_written(&p->msi, off, len);
	if (r->msix && pci_hits(off, len, r->msix + PCI_MSIX_FLAGS, 2))
		pcimsix_control(d->msix, pci_get16(d->cfg + r->msix + PCI_MSIX_FLAGS));
	if (r->vpd && pci_hits(off, len, r->vpd + PCI_VPD_ADDR + 1, 1))
		vpd_access(p);
	if (r->pm && pci_hits(off, len, r->pm + PCI_PM_CTRL, 1))
		power_written(p, state);
}

static void dump_free(struct pcidev *d)
{
	struct dump *p = d->priv;

	aspace_sync();
	pcimsi_fini(&p->msi);
	pcimsix_free(d->msix);
	for (unsigned n = 0; n <= PCI_ROM_BAR; n++) {
		ram_fini(&p->bar[n].ram);
		g_free(p->bar[n].mem);
	}
	g_free(p);
}

static const struct pcidev_ops dump_ops = {
	.model = "pci-dump",
	.cfg_write = dump_cfg_write,
	.reset = dump_reset,
	.free = dump_free,
};

/* --- making --- */

const char *pcidump_unfit(const struct pcidump_dev *dev)
{
	uint16_t vendor = pci_get16(dev->cfg + PCI_VENDOR_ID);

	if (vendor == 0xffff || !vendor)
		return "its vendor id reads as none: a virtual function, or one without power";
	switch (dev->cfg[PCI_HEADER_TYPE] & 0x7f) {
	case PCI_HEADER_TYPE_NORMAL:
		return NULL;
	case PCI_HEADER_TYPE_BRIDGE:
		return "it is a bridge, not an endpoint";
	case PCI_HEADER_TYPE_CARDBUS:
		return "it is a CardBus bridge, not an endpoint";
	}
	return "its header type is none that there is";
}

static struct dump *alloc(const char *id, const struct pcidump_dev *dev)
{
	g_autofree char *where = pcidump_name(dev);
	struct dump *p = g_new0(struct dump, 1);
	struct pcidev *d = &p->dev;
	const uint8_t *c = p->regs.init;

	d->priv = p;
	g_snprintf(d->name, sizeof(d->name), "%s%s", id ? id : "dump-", id ? "" : where);
	dump_regs_init(&p->regs, dev);
	pcidev_init(d, &dump_ops, p->regs.size, pci_get16(c + PCI_VENDOR_ID),
		    pci_get16(c + PCI_DEVICE_ID), pci_get32(c + PCI_CLASS_REVISION) >> 8,
		    c[PCI_REVISION_ID]);
	for (unsigned i = 0; i < p->regs.size; i++) {
		d->wmask[i] |= p->regs.wmask[i];
		d->w1c[i] |= p->regs.w1c[i];
	}
	d->express = p->regs.exp;
	return p;
}

int pci_dump_make(struct pcidev **out, const struct dump_conf *conf, const struct pcidump *dump,
		  const struct pcidump_dev *dev, struct err **errp)
{
	const char *unfit = pcidump_unfit(dev);
	g_autofree char *where = pcidump_name(dev);
	uint8_t bars[4 * PCI_BARS], rom[4];
	struct dump *p;
	int ret;

	if (unfit)
		return err_set(errp, -EINVAL, "%s:%u: no model of %s can be made: %s", dump->file,
			       dev->line, where, unfit);
	p = alloc(conf->id, dev);
	if (p->regs.msi)
		add_msi(p);
	ret = add_bars(p, conf, dump, dev->cfg, errp);
	if (ret == 0)
		ret = add_rom(p, dump, dev->cfg, errp);
	if (ret < 0) {
		err_prefix(errp, "%s:%u: %s", dump->file, dev->line, where);
		dump_free(&p->dev);
		return ret;
	}
	if (p->regs.msix)
		add_msix(p);
	/* The registers of the BARs hold their flags by now, and MSI was linked once more. */
	memcpy(bars, p->dev.cfg + PCI_BASE_ADDRESS_0, sizeof(bars));
	memcpy(rom, p->dev.cfg + PCI_ROM_ADDRESS, sizeof(rom));
	memcpy(p->dev.cfg, p->regs.init, p->regs.size);
	memcpy(p->dev.cfg + PCI_BASE_ADDRESS_0, bars, sizeof(bars));
	memcpy(p->dev.cfg + PCI_ROM_ADDRESS, rom, sizeof(rom));
	*out = &p->dev;
	return 0;
}

int pci_dump_new(struct pcidev **out, const struct dump_conf *conf, struct err **errp)
{
	const struct pcidump_dev *dev;
	struct pcidump *dump;
	int ret = -ENOENT;

	if (!conf->file)
		return err_set(errp, -EINVAL, "file= is missing: the output of lspci -xxxx");
	dump = pcidump_read(conf->file, errp);
	if (!dump)
		return -EINVAL;
	dev = pcidump_find(dump, conf->device, errp);
	if (dev)
		ret = pci_dump_make(out, conf, dump, dev, errp);
	pcidump_free(dump);
	return ret;
}
