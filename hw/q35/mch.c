// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the host bridge: configuration mechanism #1, the PCI Express window, the reset control
 * register; system management memory is smram.c's.  Called by vCPU threads through its regions;
 * never knows what a config cycle reaches.
 */
#include <glib.h>
#include <string.h>

#include "base/err.h"
#include "hw/q35/q35.h"
#include "mem/access.h"
#include "mem/layout.h"

#define MCH_VENDOR 0x8086
#define MCH_DEVICE 0x29c0
#define MCH_PCIEXBAR 0x60
#define MCH_PAM0 0x90

struct mch {
	struct pcidev dev;
	struct pcihost *host;
	uint32_t address; /* CONFIG_ADDRESS; atomic */
	uint8_t reset_control;
	struct mch_conf conf;
	struct smram smram;
	struct region ports, data, ecam;
	struct mmapping *ports_map, *data_map, *ecam_map;
};

/* --- ports (316966, 3.9) --- */

static uint64_t ports_read(void *opaque, uint64_t off, unsigned len)
{
	struct mch *m = opaque;

	if (off == 1 && len == 1)
		return m->reset_control;
	if (off == 0 && len == 4)
		return __atomic_load_n(&m->address, __ATOMIC_RELAXED);
	return UINT64_MAX;
}

static void ports_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct mch *m = opaque;

	if (off == 0 && len == 4) {
		__atomic_store_n(&m->address, (uint32_t)val, __ATOMIC_RELAXED);
	} else if (off == 1 && len == 1) { /* RST_CNT (316972, 13.7.5) */
		m->reset_control = val & 0xa;
		if (val & 4)
			m->conf.hard_reset(m->conf.opaque);
	}
}

static const struct region_ops ports_ops = {ports_read, ports_write, 1, 4, true};

/*
 * Bits 1:0 of CONFIG_ADDRESS are the register's, where the chip set would drop them: QEMU has it
 * so, and libqos writes the whole offset there.  Software that leaves them 0 sees no difference.
 */
static unsigned cfg_offset(uint32_t address, uint64_t off)
{
	return (address & 0xff) | (unsigned)off;
}

static uint64_t data_read(void *opaque, uint64_t off, unsigned len)
{
	struct mch *m = opaque;
	uint32_t a = __atomic_load_n(&m->address, __ATOMIC_RELAXED);

	if (!(a & 1u << 31))
		return UINT64_MAX;
	return pcihost_cfg_read(m->host, a >> 8 & 0xffff, cfg_offset(a, off), len);
}

static void data_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct mch *m = opaque;
	uint32_t a = __atomic_load_n(&m->address, __ATOMIC_RELAXED);

	if (a & 1u << 31)
		pcihost_cfg_write(m->host, a >> 8 & 0xffff, cfg_offset(a, off), (uint32_t)val, len);
}

static const struct region_ops data_ops = {data_read, data_write, 1, 4, false};

/* --- PCI Express window: bus 27:20, devfn 19:12, register 11:0 --- */

static uint64_t ecam_read(void *opaque, uint64_t off, unsigned len)
{
	struct mch *m = opaque;

	return pcihost_cfg_read(m->host, (unsigned)(off >> 12), off & 0xfff, len);
}

static void ecam_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct mch *m = opaque;

	pcihost_cfg_write(m->host, (unsigned)(off >> 12), off & 0xfff, (uint32_t)val, len);
}

static const struct region_ops ecam_ops = {ecam_read, ecam_write, 1, 4, false};

/* Address bits below the window's length read 0 (316966, 5.1.17: 128ADMSK, 64ADMSK). */
static void place_ecam(struct mch *m)
{
	uint32_t low = pci_get32(m->dev.cfg + MCH_PCIEXBAR);
	uint64_t size = LAYOUT_ECAM_SIZE >> (low >> 1 & 3);
	uint64_t base = (low & 0xfc000000 & ~(uint32_t)(size - 1)) |
			(uint64_t)(m->dev.cfg[MCH_PCIEXBAR + 4] & 0xf) << 32;

	pci_set32(m->dev.cfg + MCH_PCIEXBAR, (uint32_t)base | (low & 7));
	aspace_begin(m->host->mem);
	aspace_unmap(m->host->mem, m->ecam_map);
	m->ecam_map = NULL;
	if (low & 1 && (low >> 1 & 3) != 3)
		m->ecam_map = aspace_map(m->host->mem, &m->ecam, base, 0, size, 1);
	aspace_commit(m->host->mem);
}

static void mch_cfg_write(struct pcidev *d, unsigned off, uint32_t val, unsigned len)
{
	struct mch *m = d->priv;

	pcidev_cfg_write(d, off, val, len);
	if (pci_hits(off, len, MCH_PCIEXBAR, 8))
		place_ecam(m);
	smram_written(&m->smram, off, len);
}

/* Without firmware the window is where firmware would have put it. */
static void mch_reset(struct pcidev *d)
{
	struct mch *m = d->priv;

	m->address = 0;
	m->reset_control = 0;
	memset(d->cfg + MCH_PAM0, 0, 7);
	pci_set32(d->cfg + MCH_PCIEXBAR, LAYOUT_ECAM | 1);
	pci_set32(d->cfg + MCH_PCIEXBAR + 4, 0);
	place_ecam(m);
	smram_reset(&m->smram);
}

static void mch_dev_free(struct pcidev *d)
{
	struct mch *m = d->priv;

	aspace_unmap(m->host->mem, m->ecam_map);
	m->ecam_map = NULL;
	smram_fini(&m->smram);
}

static const struct pcidev_ops mch_ops = {
	.model = "mch",
	.cfg_write = mch_cfg_write,
	.reset = mch_reset,
	.free = mch_dev_free,
};

static int check_conf(const struct mch_conf *conf, struct err **errp)
{
	if (conf->smram.tseg_mbytes <= SMRAM_TSEG_MBYTES_MAX)
		return 0;
	err_set(errp, -ERANGE, "mch: extended-tseg-mbytes=%u", conf->smram.tseg_mbytes);
	err_hint(errp, "It goes from 0 to %u.", SMRAM_TSEG_MBYTES_MAX);
	return -ERANGE;
}

struct mch *mch_new(struct pcihost *host, const struct mch_conf *conf, struct err **errp)
{
	struct mch *m;
	struct pcidev *d;

	if (check_conf(conf, errp) < 0)
		return NULL;
	m = g_new0(struct mch, 1);
	d = &m->dev;
	m->host = host;
	m->conf = *conf;
	d->priv = m;
	pcidev_init(d, &mch_ops, PCI_CFG_CONV, MCH_VENDOR, MCH_DEVICE, 0x060000, 2);
	pci_set32(d->wmask + MCH_PCIEXBAR, 0xfc000007);
	d->wmask[MCH_PCIEXBAR + 4] = 0xf;
	memset(d->wmask + MCH_PAM0, 0x33, 7);
	pci_set16(d->cfg + PCI_SUBSYSTEM_VENDOR_ID, 0x1af4);
	pci_set16(d->cfg + PCI_SUBSYSTEM_ID, 0x1100);
	region_init_io(&m->ports, "pci-conf-addr", 4, &ports_ops, m);
	region_init_io(&m->data, "pci-conf-data", 4, &data_ops, m);
	region_init_io(&m->ecam, "pcie-mmcfg", LAYOUT_ECAM_SIZE, &ecam_ops, m);
	m->ports_map = aspace_map(host->io, &m->ports, 0xcf8, 0, 4, 0);
	m->data_map = aspace_map(host->io, &m->data, 0xcfc, 0, 4, 0);
	smram_init(&m->smram, d, host->mem, &conf->smram);
	if (pcidev_plug(d, &host->root, PCI_DEVFN(0, 0), errp) < 0) {
		mch_dev_free(d);
		mch_free(m);
		return NULL;
	}
	return m;
}

void mch_free(struct mch *m)
{
	if (!m)
		return;
	aspace_unmap(m->host->io, m->ports_map);
	aspace_unmap(m->host->io, m->data_map);
	aspace_sync();
	g_free(m);
}
