// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the physical device of a trace (FORMAT.md, "What the physical device does").  Created by
 * topo.c, driven over the emulated host's bus; knows nothing of what is recorded after its start.
 */
#include "tests/diff/physdev.h"

#include <glib.h>
#include <string.h>

#include "mem/access.h"
#include "tests/diff/cfgtest.h"

#define PAGE 4096u
#define STATUS_W1C 0xf9
/* Registers of the edu device, in BAR 0. */
#define EDU_RAISE 0x60
#define EDU_ACK 0x64
/* Control registers of a synthetic device. */
#define CTL_RAISE 0x00
#define CTL_LOWER 0x04
#define CTL_MESSAGE 0x08
#define CTL_CONFIG 0x40

enum kind { PLAIN, EDU, CFGTEST };

struct physdev;

struct physbar {
	struct physdev *p;
	unsigned nr;
	struct region region;
	uint8_t *mem;
	uint64_t mask; /* mem repeats: a page, or the whole ROM */
};

struct physdev {
	struct pcidev dev;
	enum kind kind;
	struct cfgtest *syn; /* of a CFGTEST */
	struct physbar bar[PCI_BARS + 1];
	unsigned msi, msix, exp; /* capabilities; 0 = not there */
	struct sriov sriov;      /* cap 0: none */
	bool silent;
	uint8_t power_on[PCI_CFG_EXT];
	bool host_message[PCI_CFG_EXT];
	uint32_t causes; /* of INTx */
};

static struct physdev *phys(const struct pcidev *d)
{
	return d->priv;
}

/* --- MSI --- */

static bool msi_64bit(const struct physdev *p)
{
	return p->dev.cfg[p->msi + PCI_MSI_FLAGS] & PCI_MSI_FLAGS_64BIT;
}

static unsigned msi_data(const struct physdev *p)
{
	return p->msi + (msi_64bit(p) ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32);
}

/* 0 = vectors cannot be masked. */
static unsigned msi_mask(const struct physdev *p)
{
	if (!(pci_get16(p->dev.cfg + p->msi + PCI_MSI_FLAGS) & PCI_MSI_FLAGS_MASKBIT))
		return 0;
	return p->msi + (msi_64bit(p) ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32);
}

static bool msi_on(const struct physdev *p)
{
	return p->msi && p->dev.cfg[p->msi + PCI_MSI_FLAGS] & PCI_MSI_FLAGS_ENABLE;
}

static void msi_send(struct physdev *p, unsigned nr)
{
	const uint8_t *c = p->dev.cfg;
	unsigned vectors = 1u << ((c[p->msi + PCI_MSI_FLAGS] & PCI_MSI_FLAGS_QSIZE) >> 4);
	unsigned mask = msi_mask(p);
	struct msi_msg m = {pci_get32(c + p->msi + PCI_MSI_ADDRESS_LO), pci_get16(c + msi_data(p))};

	if (nr >= vectors)
		return;
	if (mask && pci_get32(c + mask) >> nr & 1) {
		pci_set32(p->dev.cfg + mask + 4, pci_get32(c + mask + 4) | 1u << nr);
		return;
	}
	if (msi_64bit(p))
		m.addr |= (uint64_t)pci_get32(c + p->msi + PCI_MSI_ADDRESS_HI) << 32;
	m.data = (m.data & ~(vectors - 1)) | nr;
	pcidev_msi_send(&p->dev, m);
}

/* The capability was written: messages that waited for their mask bit go now. */
static void msi_written(struct physdev *p)
{
	unsigned mask = msi_mask(p);
	uint8_t *c = p->dev.cfg;
	uint32_t ready;

	if (!msi_on(p))
		return;
	pcidev_intx(&p->dev, false);
	if (!mask)
		return;
	ready = pci_get32(c + mask + 4) & ~pci_get32(c + mask);
	pci_set32(c + mask + 4, pci_get32(c + mask + 4) & ~ready);
	for (unsigned nr = 0; nr < 32; nr++)
		if (ready >> nr & 1)
			msi_send(p, nr);
}

static void msi_reset(struct physdev *p)
{
	unsigned mask = msi_mask(p), data = msi_data(p);
	uint8_t *c = p->dev.cfg;

	c[p->msi + PCI_MSI_FLAGS] &= (uint8_t) ~(PCI_MSI_FLAGS_QSIZE | PCI_MSI_FLAGS_ENABLE);
	memset(c + p->msi + PCI_MSI_ADDRESS_LO, 0, msi_64bit(p) ? 8 : 4);
	pci_set16(c + data, 0);
	if (mask)
		memset(c + mask, 0, 8);
}

static void msix_control(struct physdev *p)
{
	uint16_t control = pci_get16(p->dev.cfg + p->msix + PCI_MSIX_FLAGS);

	if (!p->dev.msix)
		return;
	if (control & PCI_MSIX_FLAGS_ENABLE)
		pcidev_intx(&p->dev, false);
	pcimsix_control(p->dev.msix, control);
}

/* --- interrupts the tester asks for --- */

static void send_message(struct physdev *p, unsigned nr)
{
	if (p->dev.msix && p->dev.msix->enabled)
		pcimsix_raise(p->dev.msix, nr);
	else if (msi_on(p))
		msi_send(p, nr);
}

static void set_causes(struct physdev *p, uint32_t causes)
{
	p->causes = causes;
	pcidev_intx(&p->dev, causes != 0);
}

static void control_write(struct physdev *p, uint64_t off, uint32_t val)
{
	if (off == CTL_RAISE && p->syn->intx)
		set_causes(p, p->causes | val);
	else if (off == CTL_LOWER && p->syn->intx)
		set_causes(p, p->causes & ~val);
	else if (off == CTL_MESSAGE)
		send_message(p, val);
	else if (off == CTL_CONFIG)
		p->dev.cfg[val & (PCI_CFG_EXT - 1)] = (uint8_t)(val >> 16);
}

static void edu_write(struct physdev *p, uint64_t off, uint32_t val)
{
	if (off == EDU_RAISE) {
		p->causes |= val;
		if (msi_on(p) && p->causes)
			msi_send(p, 0);
		else
			set_causes(p, p->causes);
	} else if (off == EDU_ACK) {
		p->causes &= ~val;
		if (!p->causes && !msi_on(p))
			pcidev_intx(&p->dev, false);
	}
}

/* --- BARs --- */

static uint64_t bar_read(void *opaque, uint64_t off, unsigned len)
{
	struct physbar *b = opaque;

	if (b->p->syn && b->p->syn->hwbar == (int)b->nr)
		return 0;
	return le_load(b->mem + (off & b->mask), len);
}

static void bar_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct physbar *b = opaque;

	if (b->p->syn && b->p->syn->hwbar == (int)b->nr)
		control_write(b->p, off, (uint32_t)val);
	else if (b->p->kind == EDU && b->nr == 0 && off < 0x80)
		edu_write(b->p, off, (uint32_t)val);
	else
		le_store(b->mem + (off & b->mask), val, len);
}

static void rom_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
}

static const struct region_ops bar_ops = {bar_read, bar_write, 1, 4, false};
static const struct region_ops rom_ops = {bar_read, rom_write, 1, 4, false};

static void init_region(struct physdev *p, unsigned n, uint64_t size)
{
	struct physbar *b = &p->bar[n];
	uint64_t mem = n == PCI_ROM_BAR ? size : PAGE;

	*b = (struct physbar){.p = p, .nr = n, .mem = g_malloc0(mem), .mask = mem - 1};
	region_init_io(&b->region, n == PCI_ROM_BAR ? "rom" : "bar", size,
		       n == PCI_ROM_BAR ? &rom_ops : &bar_ops, b);
}

static void init_bar(struct physdev *p, unsigned n, uint64_t size, uint32_t flags)
{
	init_region(p, n, size);
	pcidev_set_bar(&p->dev, n, &p->bar[n].region, size, flags);
}

static bool is_bridge(const struct physdev *p)
{
	return p->dev.cfg[PCI_HEADER_TYPE] & 1;
}

/* The bits that software cannot set are the size: what a driver finds by sizing. */
static void init_bars(struct physdev *p, const uint8_t *cfg, const uint8_t *wmask)
{
	unsigned n = is_bridge(p) ? 2 : PCI_BARS;
	uint32_t rom = pci_get32(wmask + (is_bridge(p) ? PCI_ROM_ADDRESS1 : PCI_ROM_ADDRESS)) &
		       PCI_ROM_ADDRESS_MASK;

	for (unsigned i = 0; i < n; i++) {
		unsigned off = PCI_BASE_ADDRESS_0 + 4 * i;
		uint32_t flags =
			cfg[off] & PCI_BASE_ADDRESS_SPACE_IO ? cfg[off] & 3 : cfg[off] & 15;
		uint64_t mask = pci_get32(wmask + off) & ~15u;
		bool wide = !(flags & PCI_BASE_ADDRESS_SPACE_IO) &&
			    flags & PCI_BASE_ADDRESS_MEM_TYPE_64 && i + 1 < n;

		if (flags & PCI_BASE_ADDRESS_SPACE_IO)
			mask = pci_get32(wmask + off) & ~3u;
		if (wide)
			mask |= (uint64_t)pci_get32(wmask + off + 4) << 32;
		if (mask)
			init_bar(p, i, mask & -mask, flags);
		i += wide;
	}
	if (rom)
		init_bar(p, PCI_ROM_BAR, rom & -rom, 0);
}

/* A structure of the MSI-X capability lies in its BAR, if that is there and large enough. */
static void lay_msix(struct physdev *p, unsigned reg, struct region *r)
{
	uint32_t where = pci_get32(p->dev.cfg + p->msix + reg);
	unsigned n = where & PCI_MSIX_TABLE_BIR;
	uint64_t off = where & PCI_MSIX_TABLE_OFFSET;

	if (n < PCI_BARS && p->bar[n].mem && off + r->size <= p->bar[n].region.size)
		region_add_sub(&p->bar[n].region, r, off);
}

static void init_msix(struct physdev *p)
{
	uint16_t control = pci_get16(p->dev.cfg + p->msix + PCI_MSIX_FLAGS);

	p->dev.msix = pcimsix_new(&p->dev, (control & PCI_MSIX_FLAGS_QSIZE) + 1u, NULL, NULL);
	lay_msix(p, PCI_MSIX_TABLE, &p->dev.msix->table_region);
	lay_msix(p, PCI_MSIX_PBA, &p->dev.msix->pba_region);
	pcimsix_control(p->dev.msix, control);
}

/* --- reset --- */

/* The emulated PCI core's part; the header was done by pcidev_reset_config(). */
static void phys_reset(struct pcidev *d)
{
	struct physdev *p = phys(d);

	p->causes = 0;
	if (p->kind == CFGTEST) {
		memcpy(d->cfg + 0x40, p->power_on + 0x40, d->cfg_size - 0x40);
		d->cfg[PCI_LATENCY_TIMER] = p->power_on[PCI_LATENCY_TIMER];
		d->cfg[PCI_BIST] = p->power_on[PCI_BIST];
	}
	if (p->msi)
		msi_reset(p);
	if (p->dev.msix) {
		uint8_t *control = d->cfg + p->msix + PCI_MSIX_FLAGS + 1;

		*control &= (uint8_t)~d->wmask[p->msix + PCI_MSIX_FLAGS + 1];
		pcimsix_reset(d->msix);
	}
	if (p->sriov.cap)
		sriov_pf_reset(&p->sriov);
}

static void reset_function(struct physdev *p)
{
	pcidev_reset_config(&p->dev);
	phys_reset(&p->dev);
}

/* --- config cycles --- */

static void note_host_message(struct physdev *p, unsigned off, unsigned len)
{
	unsigned data = msi_data(p);

	for (unsigned i = off; i < off + len; i++)
		if ((i >= p->msi + PCI_MSI_ADDRESS_LO && i < p->msi + PCI_MSI_ADDRESS_LO + 4) ||
		    (i >= data && i < data + 2))
			p->host_message[i] = true;
}

/* A stock model: function level reset, and nothing else acts. */
static bool stock_written(const struct physdev *p, unsigned off, uint32_t val, unsigned len)
{
	unsigned at = p->exp + PCI_EXP_DEVCTL + 1;

	return p->exp && pci_hits(off, len, at, 1) && off <= at && val >> (8 * (at - off)) & 0x80 &&
	       pci_get32(p->dev.cfg + p->exp + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR;
}

static uint32_t phys_cfg_read(struct pcidev *d, unsigned off, unsigned len)
{
	return phys(d)->silent ? UINT32_MAX : pcidev_cfg_read(d, off, len);
}

/* Capabilities that act when they are written. */
static void caps_written(struct physdev *p, unsigned off, unsigned len)
{
	if (p->msi)
		note_host_message(p, off, len);
	if (p->msi && pci_hits(off, len, p->msi, 24))
		msi_written(p);
	if (p->msix && pci_hits(off, len, p->msix + PCI_MSIX_FLAGS, 2))
		msix_control(p);
	if (p->sriov.cap && pci_hits(off, len, p->sriov.cap + PCI_SRIOV_CTRL, 0x3c))
		sriov_control(&p->sriov);
}

static void phys_cfg_write(struct pcidev *d, unsigned off, uint32_t val, unsigned len)
{
	struct physdev *p = phys(d);
	uint8_t old_pm = p->syn ? d->cfg[p->syn->pm + PCI_PM_CTRL] : 0;
	bool reset;

	if (p->silent)
		return;
	pcidev_cfg_write(d, off, val, len);
	caps_written(p, off, len);
	if (p->syn)
		reset = cfgtest_written(p->syn, d->cfg, off, val, len, old_pm);
	else
		reset = stock_written(p, off, val, len);
	if (!reset)
		return;
	if (!p->syn) /* the bit clears itself */
		d->cfg[p->exp + PCI_EXP_DEVCTL + 1] &= 0x7f;
	reset_function(p);
}

static void phys_free(struct pcidev *d)
{
	struct physdev *p = phys(d);

	aspace_sync();
	for (unsigned i = 0; i <= PCI_ROM_BAR; i++)
		g_free(p->bar[i].mem);
	pcimsix_free(d->msix);
	g_free(d->child);
	g_free(p->syn);
	g_free(p);
}

static const struct pcidev_ops phys_ops = {
	.model = "recorded",
	.cfg_read = phys_cfg_read,
	.cfg_write = phys_cfg_write,
	.reset = phys_reset,
	.free = phys_free,
};

/* --- making one from a trace --- */

static bool rows(const struct trace *t, const char *type, uint8_t *buf, size_t size, bool *any)
{
	for (unsigned i = 0; i < t->recs; i++) {
		if (!trace_is(&t->rec[i], type))
			continue;
		if (any)
			*any = true;
		if (!trace_row(&t->rec[i], 1, buf, size))
			return false;
	}
	return true;
}

static bool boot_dump(const struct trace *t, uint8_t *cfg, size_t size)
{
	const struct rec *r = trace_find(t, 0, "physdump", "boot");

	if (!r)
		return false;
	for (unsigned i = (unsigned)(r - t->rec) + 1; i < t->recs && trace_is(&t->rec[i], "phys");
	     i++)
		if (!trace_row(&t->rec[i], 1, cfg, size))
			return false;
	return true;
}

/* The truth from inside the model if it was recorded, else what was found from outside. */
static bool masks(const struct trace *t, const struct cfgtest *syn, uint8_t *wmask, uint8_t *w1c,
		  size_t size)
{
	uint8_t skip[PCI_CFG_EXT] = {};
	bool inside = false;

	if (!rows(t, "qwmask", wmask, size, &inside) || !rows(t, "qw1cmask", w1c, size, NULL))
		return false;
	if (inside)
		return true;
	if (!rows(t, "wmask", wmask, size, NULL) || !rows(t, "w1cmask", w1c, size, NULL) ||
	    !rows(t, "pskip", skip, size, NULL))
		return false;
	/* From outside these two are not seen: bits that were 0, bits that were not tried. */
	w1c[PCI_STATUS + 1] |= STATUS_W1C;
	for (size_t i = 0; syn && i < size; i++) {
		wmask[i] |= skip[i] & syn->wmask[i];
		w1c[i] |= syn->w1c[i];
	}
	return true;
}

/* What reset brings back: the definition, with the MSI capabilities that the device made itself. */
static void init_power_on(struct physdev *p)
{
	const uint8_t *cfg = p->dev.cfg;

	memcpy(p->power_on, p->syn->init, PCI_CFG_EXT);
	if (p->msi)
		memcpy(p->power_on + p->msi + 2, cfg + p->msi + 2, msi_mask(p) ? 22 : 12);
	if (p->msix)
		memcpy(p->power_on + p->msix + 2, cfg + p->msix + 2, 10);
}

bool physdev_trace_is_vf(const struct trace *t)
{
	return trace_meta(t, "physfn")[0] && strcmp(trace_meta(t, "physfn"), "none");
}

/* Line n of the recorded resources. */
static bool resource(const struct trace *t, unsigned n, uint64_t *start, uint64_t *end)
{
	char key[] = {(char)('0' + n), '\0'};
	const struct rec *r = trace_find(t, 0, "res", key);

	return r && r->args == 5 && g_str_has_prefix(r->arg[2], "0x") &&
	       trace_hex(r->arg[2] + 2, start) && g_str_has_prefix(r->arg[3], "0x") &&
	       trace_hex(r->arg[3] + 2, end) && *end > *start;
}

/* A VF's BARs are not in its config space: the recorded resources tell.  The PF maps them. */
static void init_vf_bars(struct physdev *p, const struct trace *t)
{
	uint64_t start, end;

	for (unsigned n = 0; n < PCI_BARS; n++)
		if (resource(t, n, &start, &end))
			init_region(p, n, end - start + 1);
}

static struct cfgtest *load_syn(const struct trace *t, const char *folder, char **error)
{
	g_autofree char *file = g_strconcat(t->name, ".cfg", NULL);
	g_autofree char *path = g_build_filename(folder, file, NULL);

	return cfgtest_load(path, error);
}

/* The first 64 bytes of a valid ROM are recorded; the structure that says its length is, too, or
 * lies further behind and then is made up from the length that the header has. */
static void init_rom(struct physdev *p, const struct trace *t)
{
	struct physbar *b = &p->bar[PCI_ROM_BAR];
	uint8_t head[64], *pcir;
	const struct rec *r;
	unsigned at;

	for (r = trace_find(t, 0, "br", "6"); r;
	     r = trace_find(t, (unsigned)(r - t->rec) + 1, "br", "6"))
		if (r->res && g_str_has_prefix(r->res, "64 ") && !strcmp(r->arg[2], "0"))
			break;
	if (!r || !b->mem || b->mask < 63 || !trace_value(r->res + 3, 64, head))
		return;
	memcpy(b->mem, head, 64);
	at = pci_get16(head + 24);
	if (at + 24 <= 64 || at + 24 > b->mask)
		return;
	pcir = b->mem + at;
	memcpy(pcir, "PCIR", 4);
	pci_set16(pcir + 10, 24);
	pci_set16(pcir + 16, head[2]);
	pcir[21] = 0x80;
}

static void find_caps(struct physdev *p)
{
	if (p->syn) {
		p->msi = p->syn->msi;
		p->msix = p->syn->msix;
		p->exp = p->syn->exp;
		return;
	}
	p->msi = pci_cap_find(p->dev.cfg, PCI_CAP_ID_MSI);
	p->msix = pci_cap_find(p->dev.cfg, PCI_CAP_ID_MSIX);
	p->exp = pci_cap_find(p->dev.cfg, PCI_CAP_ID_EXP);
}

static void init_device(struct physdev *p, const struct trace *t, unsigned size, const uint8_t *cfg,
			const uint8_t *wmask, const uint8_t *w1c)
{
	struct pcidev *d = &p->dev;

	d->priv = p;
	g_strlcpy(d->name, t->name, sizeof(d->name));
	pcidev_init(d, &phys_ops, size, pci_get16(cfg), pci_get16(cfg + 2),
		    pci_get32(cfg + PCI_CLASS_REVISION) >> 8, cfg[PCI_REVISION_ID]);
	d->cfg[PCI_HEADER_TYPE] = cfg[PCI_HEADER_TYPE];
	if (physdev_trace_is_vf(t))
		init_vf_bars(p, t);
	else
		init_bars(p, cfg, wmask);
	memcpy(d->cfg, cfg, size);
	memcpy(d->wmask, wmask, size);
	memcpy(d->w1c, w1c, size);
	find_caps(p);
	d->express = pci_cap_find(cfg, PCI_CAP_ID_EXP);
	if (is_bridge(p))
		d->child = g_new0(struct pcibus, 1);
	if (p->msix)
		init_msix(p);
	if (p->syn)
		init_power_on(p);
	init_rom(p, t);
}

struct pcidev *physdev_new(const struct trace *t, const char *syn, char **error)
{
	uint8_t cfg[PCI_CFG_EXT] = {}, wmask[PCI_CFG_EXT] = {}, w1c[PCI_CFG_EXT] = {};
	struct physdev *p = g_new0(struct physdev, 1);
	uint64_t size;

	if (g_str_has_prefix(trace_meta(t, "qemu-device"), "cfgtest")) {
		p->kind = CFGTEST;
		p->syn = load_syn(t, syn, error);
		if (!p->syn)
			goto fail;
	} else if (!strcmp(trace_meta(t, "kind"), "edu")) {
		p->kind = EDU;
	}
	if (!trace_dec(trace_meta(t, "cfgsize"), &size) ||
	    (size != PCI_CFG_CONV && size != PCI_CFG_EXT) || !boot_dump(t, cfg, size) ||
	    !masks(t, p->syn, wmask, w1c, size)) {
		*error = g_strdup("its head does not describe a device");
		goto fail;
	}
	init_device(p, t, (unsigned)size, cfg, wmask, w1c);
	return &p->dev;
fail:
	g_free(p->syn);
	g_free(p);
	return NULL;
}

/* --- SR-IOV --- */

/* Extended capabilities of the made-up PF; its standard one is the VF's. */
#define PF_SRIOV 0x100

static void init_pf_sriov(struct physdev *p, const struct trace *vf, unsigned distance)
{
	uint8_t *c = p->dev.cfg + PF_SRIOV, *w = p->dev.wmask + PF_SRIOV;
	uint64_t start, end;

	pci_set32(c, PCI_EXT_CAP_ID_SRIOV | 1 << 16);
	pci_set16(c + PCI_SRIOV_INITIAL_VF, SRIOV_VFS);
	pci_set16(c + PCI_SRIOV_TOTAL_VF, SRIOV_VFS);
	pci_set16(c + PCI_SRIOV_VF_OFFSET, (uint16_t)distance);
	pci_set16(c + PCI_SRIOV_VF_STRIDE, 1);
	pci_set16(c + PCI_SRIOV_VF_DID, pci_get16(p->dev.cfg + PCI_DEVICE_ID));
	pci_set32(c + PCI_SRIOV_SUP_PGSIZE, 1);
	pci_set32(c + PCI_SRIOV_SYS_PGSIZE, 1);
	w[PCI_SRIOV_CTRL] = PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE;
	pci_set16(w + PCI_SRIOV_NUM_VF, 0xffff);
	for (unsigned n = 0; n + 1 < PCI_BARS; n += 2) {
		if (!resource(vf, n, &start, &end))
			continue;
		pci_set32(c + PCI_SRIOV_BAR + 4 * n,
			  (uint32_t)start | PCI_BASE_ADDRESS_MEM_TYPE_64);
		pci_set32(c + PCI_SRIOV_BAR + 4 * n + 4, (uint32_t)(start >> 32));
		pci_set32(w + PCI_SRIOV_BAR + 4 * n, (uint32_t) ~(end - start));
		pci_set32(w + PCI_SRIOV_BAR + 4 * n + 4, UINT32_MAX);
	}
}

static uint16_t id_of(const struct trace *t, const char *attr)
{
	g_autofree char *key = g_strconcat("sysfs ", attr, NULL);

	for (unsigned i = 0; i < t->recs; i++)
		if (g_str_has_prefix(t->rec[i].text, "meta ") &&
		    g_str_has_prefix(t->rec[i].text + 5, key))
			return (uint16_t)g_ascii_strtoull(t->rec[i].text + 6 + strlen(key), NULL,
							  16);
	return 0;
}

struct pcidev *physdev_new_pf(const struct trace *vf, unsigned pf_devfn, unsigned vf_devfn)
{
	struct physdev *p = g_new0(struct physdev, 1);
	struct pcidev *d = &p->dev;
	uint8_t cfg[PCI_CFG_EXT] = {};

	boot_dump(vf, cfg, sizeof(cfg));
	d->priv = p;
	d->express = true;
	g_strlcpy(d->name, "pf", sizeof(d->name));
	pcidev_init(d, &phys_ops, PCI_CFG_EXT, id_of(vf, "vendor"), id_of(vf, "device"),
		    pci_get32(cfg + PCI_CLASS_REVISION) >> 8, cfg[PCI_REVISION_ID]);
	pcidev_add_cap(d, PCI_CAP_ID_EXP, 0x40);
	pci_set16(d->cfg + 0x40 + PCI_EXP_FLAGS, 2 | PCI_EXP_TYPE_ENDPOINT << 4);
	pci_set32(d->cfg + 0x40 + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_RBER | PCI_EXP_DEVCAP_FLR);
	init_pf_sriov(p, vf, vf_devfn - pf_devfn);
	find_caps(p);
	return d;
}

void physdev_set_vfs(struct pcidev *d, sriov_make_fn make, void *opaque)
{
	unsigned cap = pci_ext_cap_find(d->cfg, d->cfg_size, PCI_EXT_CAP_ID_SRIOV);

	if (cap && cap + PCI_EXT_CAP_SRIOV_SIZEOF <= PCI_CFG_EXT)
		sriov_init(&phys(d)->sriov, d, cap, make, opaque);
}

void physdev_power_on(struct pcidev *d)
{
	reset_function(phys(d));
}

struct region *physdev_region(struct pcidev *d, unsigned n)
{
	return phys(d)->bar[n].mem ? &phys(d)->bar[n].region : NULL;
}

void physdev_silence(struct pcidev *d)
{
	phys(d)->silent = true;
}

/* --- the tester's hand --- */

void physdev_set(struct pcidev *d, unsigned off, uint8_t val)
{
	d->cfg[off] = val;
	phys(d)->host_message[off] = false;
}

void physdev_settle(struct pcidev *d)
{
	pthread_mutex_lock(&d->bus->host->lock);
	pcidev_update_bars(d);
	pcidev_intx_update(d);
	if (phys(d)->msix)
		msix_control(phys(d));
	pthread_mutex_unlock(&d->bus->host->lock);
}

bool physdev_is_host_message(const struct pcidev *d, unsigned off)
{
	return phys(d)->host_message[off] && msi_on(phys(d));
}

void physdev_tester_wrote(struct pcidev *d, unsigned off, unsigned len)
{
	memset(phys(d)->host_message + off, false, len);
}

bool physdev_is_driver_state(const struct pcidev *d, unsigned off)
{
	const struct physdev *p = phys(d);

	return off == PCI_COMMAND || off == PCI_COMMAND + 1 ||
	       (p->msi && off == p->msi + PCI_MSI_FLAGS) ||
	       (p->msix && off == p->msix + PCI_MSIX_FLAGS + 1) || (is_bridge(p) && off >= 0x40);
}

int physdev_control_bar(const struct pcidev *d)
{
	return phys(d)->syn ? phys(d)->syn->hwbar : -1;
}
