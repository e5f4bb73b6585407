// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the ICH9 LPC bridge: the ACPI power-management block (316972, 13.8.3), the PIRQ routers
 * (13.1.17), the SCI, and where the watchdog's registers (tco.c) are seen.  Called by vCPU threads
 * through its regions and by the PCI host for INTx; never knows which device pulls a pin.
 */
#include <glib.h>
#include <string.h>

#include "base/err.h"
#include "hw/q35/q35.h"
#include "hw/q35/tco.h"
#include "mem/access.h"

#define LPC_VENDOR 0x8086
#define LPC_DEVICE 0x2918
#define LPC_CFG_PMBASE 0x40
#define LPC_CFG_ACPI_CNTL 0x44
#define LPC_CFG_PIRQA 0x60
#define LPC_CFG_PIRQE 0x68
#define LPC_CFG_RCBA 0xf0
#define RCBA_ENABLE 1u
#define RCBA_ADDR 0xffffc000u
#define PIRQ_OFF 0x80

#define PM_STS 0x00
#define PM_EN 0x02
#define PM_CNT 0x04
#define PM_TMR 0x08
#define PM_GPE 0x20
#define PM_SMI 0x30
#define PM_TCO 0x60
#define PM_SIZE 0x80
#define STS_TMROF 0x0001
#define STS_GBL 0x0020
#define STS_PWRBTN 0x0100
#define STS_RTC 0x0400
#define STS_WAK 0x8000
#define CNT_SCI_EN 0x0001
#define CNT_SLP_EN 0x2000
#define CNT_SLP_TYP(v) ((v) >> 10 & 7)
#define SLP_TYP_S5 7
#define PMTMR_HZ 3579545ll

struct lpc {
	struct pcidev dev;
	struct pcihost *host;
	struct lpc_conf conf;
	pthread_mutex_t pm_lock;
	struct region pm;
	struct mmapping *pm_map, *rcba_map;
	struct tco *tco;
	uint16_t sts, en, cnt;
	uint8_t gpe[16], smi[8];
	uint64_t overflow_at; /* tick at which bit 23 changes next, since TMROF was cleared */
	struct vtimer overflow;
	/* Lines, under the PCI host's irq lock. */
	uint16_t count[8]; /* root pins that pull each PIRQ */
	bool sci;
};

/* --- PM timer: 24 bits at 3.579545 MHz --- */

static uint64_t ticks(const struct lpc *l)
{
	return (uint64_t)((__int128)vclock_now(l->conf.clock) * PMTMR_HZ / 1000000000);
}

static uint8_t route_of(const struct lpc *l, unsigned pirq)
{
	return l->dev.cfg[pirq < 4 ? LPC_CFG_PIRQA + pirq : LPC_CFG_PIRQE + pirq - 4];
}

/* The ISA line that a route leads to; 0 = none: off, or one of the reserved values (13.1.17). */
static unsigned isa_line(uint8_t route)
{
	const unsigned lines = 0xdef8; /* 3-7, 9-12, 14, 15 */

	return !(route & PIRQ_OFF) && lines >> (route & 15) & 1 ? route & 15u : 0;
}

/* An ISA line is as high as any of the PIRQs routed to it; the SCI shares its own with them. */
static void drive_isa(struct lpc *l, unsigned line)
{
	bool level = line == LPC_SCI_GSI && l->sci;

	for (unsigned i = 0; i < 8; i++)
		level |= isa_line(route_of(l, i)) == line && l->count[i];
	wire_set(&l->conf.gsi[line], level);
}

static void update_sci(struct lpc *l)
{
	uint16_t on = l->sts & l->en & (STS_TMROF | STS_GBL | STS_PWRBTN | STS_RTC);
	bool gpe = false;

	for (unsigned i = 0; i < 8; i++)
		gpe |= l->gpe[i] & l->gpe[8 + i];
	pthread_mutex_lock(&l->host->irq_lock);
	l->sci = l->cnt & CNT_SCI_EN && (on || gpe);
	drive_isa(l, LPC_SCI_GSI);
	pthread_mutex_unlock(&l->host->irq_lock);
}

static void next_overflow(struct lpc *l)
{
	l->overflow_at = (ticks(l) | 0x7fffff) + 1;
}

/* TMROF_STS is set when bit 23 changes: seen when somebody looks, and by a timer where it
 * interrupts. */
static void latch_overflow(struct lpc *l)
{
	if (ticks(l) >= l->overflow_at)
		l->sts |= STS_TMROF;
}

static void arm_overflow(struct lpc *l)
{
	int64_t ns = (int64_t)((__int128)l->overflow_at * 1000000000 / PMTMR_HZ) + 1;

	if (l->en & STS_TMROF && !(l->sts & STS_TMROF))
		vtimer_arm(&l->overflow, ns);
	else
		vtimer_disarm(&l->overflow);
}

static void overflowed(void *opaque)
{
	struct lpc *l = opaque;

	pthread_mutex_lock(&l->pm_lock);
	latch_overflow(l);
	update_sci(l);
	pthread_mutex_unlock(&l->pm_lock);
}

/* --- PM block --- */

static uint16_t pm_get(struct lpc *l, unsigned off)
{
	switch (off) {
	case PM_STS:
		latch_overflow(l);
		return l->sts;
	case PM_EN:
		return l->en;
	case PM_CNT:
		return l->cnt;
	case PM_TMR:
		return (uint16_t)ticks(l);
	case PM_TMR + 2:
		return ticks(l) >> 16 & 0xff;
	}
	if (off >= PM_GPE && off < PM_GPE + sizeof(l->gpe))
		return pci_get16(l->gpe + off - PM_GPE);
	if (off >= PM_SMI && off < PM_SMI + sizeof(l->smi))
		return pci_get16(l->smi + off - PM_SMI);
	return 0;
}

static uint64_t pm_read(void *opaque, uint64_t off, unsigned len)
{
	struct lpc *l = opaque;
	uint32_t t;

	if (off == PM_TMR && len == 4) { /* both halves of one moment */
		t = ticks(l) & 0xffffff;
		return t;
	}
	if (len == 4)
		return pm_get(l, (unsigned)off) | (uint32_t)pm_get(l, (unsigned)off + 2) << 16;
	if (len == 1)
		return pm_get(l, (unsigned)off & ~1u) >> (8 * (off & 1)) & 0xff;
	return pm_get(l, (unsigned)off);
}

static void write_cnt(struct lpc *l, uint16_t val)
{
	l->cnt = (val & ~CNT_SLP_EN) | CNT_SCI_EN; /* no SMM: always in ACPI mode */
	if (val & CNT_SLP_EN && CNT_SLP_TYP(val) == SLP_TYP_S5)
		l->conf.power_off(l->conf.opaque);
}

static void pm_set(struct lpc *l, unsigned off, uint16_t val, uint16_t mask)
{
	switch (off) {
	case PM_STS:
		l->sts &= (uint16_t) ~(val & mask);
		if (val & mask & STS_TMROF)
			next_overflow(l);
		break;
	case PM_EN:
		l->en = (uint16_t)((l->en & ~mask) | (val & mask));
		break;
	case PM_CNT:
		write_cnt(l, (uint16_t)((l->cnt & ~mask) | (val & mask)));
		break;
	}
	for (unsigned i = 0; i < 2; i++) {
		uint8_t v = (uint8_t)(val >> (8 * i)), m = (uint8_t)(mask >> (8 * i));
		unsigned at = off + i;

		if (at >= PM_GPE && at < PM_GPE + 8) /* status: one clears */
			l->gpe[at - PM_GPE] &= (uint8_t) ~(v & m);
		else if (at >= PM_GPE + 8 && at < PM_GPE + 16)
			l->gpe[at - PM_GPE] = (uint8_t)((l->gpe[at - PM_GPE] & ~m) | (v & m));
		else if (at >= PM_SMI && at < PM_SMI + 8)
			l->smi[at - PM_SMI] = (uint8_t)((l->smi[at - PM_SMI] & ~m) | (v & m));
	}
}

static void pm_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct lpc *l = opaque;

	latch_overflow(l);
	if (len == 1)
		pm_set(l, (unsigned)off & ~1u, (uint16_t)(val << (8 * (off & 1))),
		       (uint16_t)(0xff << (8 * (off & 1))));
	for (unsigned i = 0; i + 2 <= len; i += 2)
		pm_set(l, (unsigned)off + i, (uint16_t)(val >> (8 * i)), 0xffff);
	arm_overflow(l);
	update_sci(l);
}

static const struct region_ops pm_ops = {pm_read, pm_write, 1, 4, false};

void lpc_power_button(struct lpc *l)
{
	pthread_mutex_lock(&l->pm_lock);
	l->sts |= STS_PWRBTN;
	update_sci(l);
	pthread_mutex_unlock(&l->pm_lock);
}

/* --- PIRQ: slots 0-24 use E-H, 25-31 A-D; pins rotate with the slot (docs/paths.md,
 * hw/q35/dsdt.asl) --- */

static unsigned pirq_of(unsigned slot, unsigned pin)
{
	return (slot < 25 ? 4 : 0) + ((slot + pin - 1) & 3);
}

/* The IO-APIC's pin, and in PIC mode the ISA line that the guest chose. */
static void drive(struct lpc *l, unsigned pirq)
{
	unsigned line = isa_line(route_of(l, pirq));

	wire_set(&l->conf.gsi[16 + pirq], l->count[pirq]);
	if (line)
		drive_isa(l, line);
}

void lpc_intx(void *opaque, unsigned slot, unsigned pin, bool level)
{
	struct lpc *l = opaque;
	unsigned pirq = pirq_of(slot, pin);

	l->count[pirq] = (uint16_t)(l->count[pirq] + (level ? 1 : -1));
	drive(l, pirq);
}

int lpc_intx_gsi(void *opaque, unsigned slot, unsigned pin)
{
	struct lpc *l = opaque;
	unsigned pirq = pirq_of(slot, pin), line = isa_line(route_of(l, pirq));

	return line ? (int)line : 16 + (int)pirq;
}

static void rerouted(struct lpc *l, const uint8_t old[8])
{
	pthread_mutex_lock(&l->host->irq_lock);
	for (unsigned i = 0; i < 8; i++) /* the line that was left falls, if nobody else pulls it */
		if (old[i] != route_of(l, i) && isa_line(old[i]))
			drive_isa(l, isa_line(old[i]));
	for (unsigned i = 0; i < 8; i++)
		drive(l, i);
	pthread_mutex_unlock(&l->host->irq_lock);
	pcihost_intx_rerouted(l->host);
}

/* --- config space --- */

static void place_pm(struct lpc *l)
{
	uint16_t base = pci_get16(l->dev.cfg + LPC_CFG_PMBASE) & 0xff80;

	aspace_begin(l->host->io);
	aspace_unmap(l->host->io, l->pm_map);
	l->pm_map = NULL;
	if (l->dev.cfg[LPC_CFG_ACPI_CNTL] & 0x80 && base)
		l->pm_map = aspace_map(l->host->io, &l->pm, base, 0, PM_SIZE, 0);
	aspace_commit(l->host->io);
}

/* Over whatever else is there, as the chip decodes it first. */
static void place_rcba(struct lpc *l)
{
	uint32_t rcba = pci_get32(l->dev.cfg + LPC_CFG_RCBA);

	aspace_begin(l->host->mem);
	aspace_unmap(l->host->mem, l->rcba_map);
	l->rcba_map = NULL;
	if (rcba & RCBA_ENABLE)
		l->rcba_map = aspace_map(l->host->mem, tco_rcba(l->tco), rcba & RCBA_ADDR, 0,
					 RCBA_SIZE, 1);
	aspace_commit(l->host->mem);
}

static void lpc_cfg_write(struct pcidev *d, unsigned off, uint32_t val, unsigned len)
{
	struct lpc *l = d->priv;
	uint8_t old[8];

	for (unsigned i = 0; i < 8; i++)
		old[i] = route_of(l, i);
	pcidev_cfg_write(d, off, val, len);
	if (pci_hits(off, len, LPC_CFG_PMBASE, 5))
		place_pm(l);
	if (pci_hits(off, len, LPC_CFG_RCBA, 4))
		place_rcba(l);
	for (unsigned i = 0; i < 8; i++)
		if (old[i] != route_of(l, i)) {
			rerouted(l, old);
			break;
		}
}

static void lpc_reset(struct pcidev *d)
{
	struct lpc *l = d->priv;
	uint8_t old[8];

	for (unsigned i = 0; i < 8; i++)
		old[i] = route_of(l, i);
	memset(d->cfg + LPC_CFG_PIRQA, PIRQ_OFF, 4);
	memset(d->cfg + LPC_CFG_PIRQE, PIRQ_OFF, 4);
	rerouted(l, old);
	/* As firmware leaves it: ACPI mode, PM block on, chip configuration registers on. */
	pci_set32(d->cfg + LPC_CFG_PMBASE, LPC_PMBASE | 1);
	d->cfg[LPC_CFG_ACPI_CNTL] = 0x80;
	place_pm(l);
	pci_set32(d->cfg + LPC_CFG_RCBA, LPC_RCBA | RCBA_ENABLE);
	place_rcba(l);
	tco_reset(l->tco);
	pthread_mutex_lock(&l->pm_lock);
	l->sts = l->en = 0;
	l->cnt = CNT_SCI_EN;
	next_overflow(l);
	memset(l->gpe, 0, sizeof(l->gpe));
	memset(l->smi, 0, sizeof(l->smi));
	vtimer_disarm(&l->overflow);
	update_sci(l);
	pthread_mutex_unlock(&l->pm_lock);
}

static void lpc_dev_free(struct pcidev *d)
{
	struct lpc *l = d->priv;

	aspace_unmap(l->host->io, l->pm_map);
	aspace_unmap(l->host->mem, l->rcba_map);
	l->pm_map = l->rcba_map = NULL;
}

static const struct pcidev_ops lpc_ops = {
	.model = "ICH9-LPC",
	.cfg_write = lpc_cfg_write,
	.reset = lpc_reset,
	.free = lpc_dev_free,
};

struct lpc *lpc_new(struct pcihost *host, const struct lpc_conf *conf, struct err **errp)
{
	const struct tco_conf tco = {conf->clock, conf->no_reboot, conf->watchdog, conf->opaque};
	struct lpc *l = g_new0(struct lpc, 1);
	struct pcidev *d = &l->dev;

	l->host = host;
	l->conf = *conf;
	pthread_mutex_init(&l->pm_lock, NULL);
	vtimer_init(&l->overflow, conf->clock, overflowed, l);
	d->priv = l;
	pcidev_init(d, &lpc_ops, PCI_CFG_CONV, LPC_VENDOR, LPC_DEVICE, 0x060100, 2);
	d->cfg[PCI_HEADER_TYPE] = 0x80;
	pci_set16(d->cfg + PCI_SUBSYSTEM_VENDOR_ID, 0x1af4);
	pci_set16(d->cfg + PCI_SUBSYSTEM_ID, 0x1100);
	pci_set16(d->wmask + LPC_CFG_PMBASE, 0xff80);
	d->cfg[LPC_CFG_PMBASE] = 1;
	d->wmask[LPC_CFG_ACPI_CNTL] = 0x87;
	pci_set32(d->wmask + LPC_CFG_RCBA, RCBA_ADDR | RCBA_ENABLE);
	memset(d->wmask + LPC_CFG_PIRQA, 0x8f, 4);
	memset(d->wmask + LPC_CFG_PIRQE, 0x8f, 4);
	memset(d->cfg + LPC_CFG_PIRQA, PIRQ_OFF, 4);
	memset(d->cfg + LPC_CFG_PIRQE, PIRQ_OFF, 4);
	region_init_io(&l->pm, "acpi-pm", PM_SIZE, &pm_ops, l);
	l->pm.lock = &l->pm_lock;
	l->tco = tco_new(&tco);
	region_add_sub(&l->pm, tco_ports(l->tco), PM_TCO);
	if (pcidev_plug(d, &host->root, PCI_DEVFN(31, 0), errp) < 0) {
		lpc_free(l);
		return NULL;
	}
	return l;
}

void lpc_free(struct lpc *l)
{
	if (!l)
		return;
	vtimer_disarm(&l->overflow);
	aspace_sync();
	tco_free(l->tco);
	pthread_mutex_destroy(&l->pm_lock);
	g_free(l);
}
