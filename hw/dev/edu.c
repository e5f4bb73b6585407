// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the edu model: registers, interrupt status, DMA engine.  Called through its BAR, its config
 * space and by its own thread; never touches guest memory from a vCPU's thread.
 */
#include "hw/dev/edu.h"

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "base/err.h"
#include "hw/dev/worker.h"

#define CAP_MSI 0x40

enum { R_SRC, R_DST, R_COUNT, R_CMD, R_DMA };

struct edu {
	struct pcidev dev;
	struct region mmio;
	struct pcimsi msi;
	struct devworker worker;
	uint64_t dma_mask;
	pthread_mutex_t lock; /* of what follows */
	uint32_t live, factorial, status, irq_status;
	uint64_t dma[R_DMA];
	bool told;                 /* a mistake of the guest's was logged */
	uint8_t buf[EDU_BUF_SIZE]; /* the thread's own, but for resets */
};

/* Once for each device: a driver that is wrong tends to be so each time. */
static void mistake(struct edu *e, const char *what, uint64_t value)
{
	if (!e->told)
		g_message("%s: the guest's driver %s (0x%" PRIx64 "); told once", e->dev.name, what,
			  value);
	e->told = true;
}

/* --- interrupts --- */

/* Under the lock: the pin stays down while MSI is on. */
static void drive_pin(struct edu *e)
{
	pcidev_intx(&e->dev, e->irq_status && !pcimsi_enabled(&e->msi));
}

/* Under the lock; the message follows without it. */
static void set_irq(struct edu *e, uint32_t bits)
{
	e->irq_status |= bits;
	drive_pin(e);
}

/* --- the thread's work --- */

/* Modulo 2^32, which is 0 from 34! on, and after as many steps. */
static uint32_t factorial(uint32_t n)
{
	uint32_t f = 1;

	for (; n > 1 && f; n--)
		f *= n;
	return f;
}

static void compute(struct edu *e)
{
	bool irq = false;

	pthread_mutex_lock(&e->lock);
	if (!devworker_stale(&e->worker) && e->status & EDU_STATUS_COMPUTING) {
		e->factorial = factorial(e->factorial);
		e->status &= ~EDU_STATUS_COMPUTING;
		irq = e->status & EDU_STATUS_IRQ;
	}
	if (irq)
		set_irq(e, EDU_IRQ_FACTORIAL);
	pthread_mutex_unlock(&e->lock);
	if (irq)
		pcimsi_raise(&e->msi, 0);
}

/* A transfer as it was started: addresses cut to the engine's bits, the buffer's part checked. */
struct transfer {
	uint64_t ram, at, count; /* at: offset in the buffer */
	bool to_ram, irq;
};

/* Under the lock; false: the guest asks for what there is not. */
static bool take_transfer(struct edu *e, struct transfer *t)
{
	bool to_ram = e->dma[R_CMD] & EDU_CMD_TO_RAM;
	uint64_t ram = e->dma[to_ram ? R_DST : R_SRC], at = e->dma[to_ram ? R_SRC : R_DST];

	*t = (struct transfer){.ram = ram & e->dma_mask,
			       .at = at - EDU_BUF,
			       .count = e->dma[R_COUNT],
			       .to_ram = to_ram,
			       .irq = e->dma[R_CMD] & EDU_CMD_IRQ};
	if (at < EDU_BUF || t->at > EDU_BUF_SIZE || t->count > EDU_BUF_SIZE - t->at) {
		mistake(e, "has DMA outside of the buffer", at);
		return false;
	}
	if (ram & ~e->dma_mask)
		mistake(e, "has DMA at an address of too many bits", ram);
	return true;
}

static bool move(struct edu *e, const struct transfer *t)
{
	if (!t->count)
		return true;
	if (t->to_ram)
		return devworker_write(&e->worker, t->ram, e->buf + t->at, t->count);
	return devworker_read(&e->worker, t->ram, e->buf + t->at, t->count);
}

static void transfer(struct edu *e)
{
	struct transfer t = {0};
	bool due, ok;

	pthread_mutex_lock(&e->lock);
	due = !devworker_stale(&e->worker) && e->dma[R_CMD] & EDU_CMD_START;
	ok = due && take_transfer(e, &t);
	pthread_mutex_unlock(&e->lock);
	if (!due)
		return;
	if (ok)
		ok = move(e, &t);
	pthread_mutex_lock(&e->lock);
	due = !devworker_stale(&e->worker);
	if (due) {
		e->dma[R_CMD] &= ~(uint64_t)EDU_CMD_START;
		/* The device has no error to report: its user finds the data missing. */
		if (!ok && devworker_may_dma(&e->worker))
			mistake(e, "has DMA that nothing answers", t.ram);
		if (t.irq)
			set_irq(e, EDU_IRQ_DMA);
	}
	pthread_mutex_unlock(&e->lock);
	if (due && t.irq)
		pcimsi_raise(&e->msi, 0);
}

static void run(void *opaque)
{
	compute(opaque);
	transfer(opaque);
}

/* --- registers --- */

static bool good_size(uint64_t off, unsigned len)
{
	return len == 4 || (len == 8 && off >= EDU_DMA_SRC);
}

/* The DMA registers are 64 bits wide and reached by halves, too. */
static bool dma_reg(uint64_t off, unsigned *nr, unsigned *shift)
{
	if (off < EDU_DMA_SRC || off >= EDU_DMA_CMD + 8)
		return false;
	*nr = (unsigned)(off - EDU_DMA_SRC) / 8;
	*shift = off & 4 ? 32 : 0;
	return true;
}

static uint64_t read_reg(struct edu *e, uint64_t off)
{
	unsigned nr, shift;

	switch (off) {
	case EDU_ID:
		return EDU_ID_VALUE;
	case EDU_LIVE:
		return e->live;
	case EDU_FACTORIAL:
		return e->factorial;
	case EDU_STATUS:
		return e->status;
	case EDU_IRQ_STATUS:
		return e->irq_status;
	}
	return dma_reg(off, &nr, &shift) ? e->dma[nr] >> shift : UINT64_MAX;
}

static uint64_t edu_read(void *opaque, uint64_t off, unsigned len)
{
	struct edu *e = opaque;
	uint64_t v = UINT64_MAX;

	pthread_mutex_lock(&e->lock);
	if (good_size(off, len))
		v = read_reg(e, off);
	else
		mistake(e, "reads by a size that the register has not", off);
	pthread_mutex_unlock(&e->lock);
	return v;
}

/* Each of these: under the lock; true where the thread has something to do. */

static bool write_factorial(struct edu *e, uint32_t val)
{
	if (e->status & EDU_STATUS_COMPUTING)
		return false;
	e->factorial = val;
	e->status |= EDU_STATUS_COMPUTING;
	return true;
}

/* Nothing about a transfer changes while it is under way. */
static bool write_dma(struct edu *e, unsigned nr, unsigned shift, uint64_t val, unsigned len)
{
	uint64_t mask = len == 8 ? UINT64_MAX : (uint64_t)UINT32_MAX << shift;

	if (e->dma[R_CMD] & EDU_CMD_START) {
		mistake(e, "writes DMA registers during a transfer", val);
		return false;
	}
	e->dma[nr] = (e->dma[nr] & ~mask) | (val << shift & mask);
	return e->dma[R_CMD] & EDU_CMD_START;
}

static bool write_reg(struct edu *e, uint64_t off, uint64_t val, unsigned len)
{
	unsigned nr, shift;

	switch (off) {
	case EDU_LIVE:
		e->live = ~(uint32_t)val;
		return false;
	case EDU_FACTORIAL:
		return write_factorial(e, (uint32_t)val);
	case EDU_STATUS:
		e->status = (e->status & ~EDU_STATUS_IRQ) | (val & EDU_STATUS_IRQ);
		return false;
	case EDU_IRQ_RAISE:
		set_irq(e, (uint32_t)val);
		return false;
	case EDU_IRQ_ACK:
		e->irq_status &= ~(uint32_t)val;
		drive_pin(e);
		return false;
	}
	return dma_reg(off, &nr, &shift) && write_dma(e, nr, shift, val, len);
}

static void edu_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct edu *e = opaque;
	bool work = false, irq;

	pthread_mutex_lock(&e->lock);
	if (good_size(off, len))
		work = write_reg(e, off, val, len);
	else
		mistake(e, "writes by a size that the register has not", off);
	irq = off == EDU_IRQ_RAISE && len == 4 && e->irq_status;
	pthread_mutex_unlock(&e->lock);
	if (work)
		devworker_kick(&e->worker);
	if (irq)
		pcimsi_raise(&e->msi, 0);
}

static const struct region_ops edu_mmio = {edu_read, edu_write, 1, 8, false};

/* --- the device on its bus --- */

static void edu_cfg_write(struct pcidev *d, unsigned off, uint32_t val, unsigned len)
{
	struct edu *e = d->priv;

	pcidev_cfg_write(d, off, val, len);
	pcimsi_written(&e->msi, off, len);
	pthread_mutex_lock(&e->lock);
	drive_pin(e);
	pthread_mutex_unlock(&e->lock);
}

static void edu_reset(struct pcidev *d)
{
	struct edu *e = d->priv;

	pcimsi_reset(&e->msi);
	pthread_mutex_lock(&e->lock);
	devworker_cut(&e->worker);
	e->live = e->factorial = e->status = e->irq_status = 0;
	memset(e->dma, 0, sizeof(e->dma));
	drive_pin(e);
	pthread_mutex_unlock(&e->lock);
	devworker_drain(&e->worker);
	memset(e->buf, 0, sizeof(e->buf));
}

static void edu_free(struct pcidev *d)
{
	struct edu *e = d->priv;

	devworker_stop(&e->worker);
	aspace_sync();
	pcimsi_fini(&e->msi);
	pthread_mutex_destroy(&e->lock);
	g_free(e);
}

static void edu_settle(struct pcidev *d)
{
	devworker_settle(&((struct edu *)d->priv)->worker);
}

static const struct pcidev_ops edu_ops = {
	.model = "edu",
	.cfg_write = edu_cfg_write,
	.reset = edu_reset,
	.settle = edu_settle,
	.free = edu_free,
};

int pci_edu_new(struct pcidev **out, const char *id, uint64_t dma_mask, struct err **errp)
{
	struct edu *e = g_new0(struct edu, 1);
	struct pcidev *d = &e->dev;
	int ret;

	e->dma_mask = dma_mask;
	d->priv = e;
	pthread_mutex_init(&e->lock, NULL);
	if (id)
		g_strlcpy(d->name, id, sizeof(d->name));
	pcidev_init(d, &edu_ops, PCI_CFG_CONV, 0x1234, 0x11e8, 0x00ff00, 0x10);
	pci_set16(d->cfg + PCI_SUBSYSTEM_VENDOR_ID, 0x1af4);
	pci_set16(d->cfg + PCI_SUBSYSTEM_ID, 0x1100);
	d->cfg[PCI_INTERRUPT_PIN] = 1;
	pcimsi_init(&e->msi, d, CAP_MSI, 1, true, false);
	region_init_io(&e->mmio, "edu", EDU_BAR_SIZE, &edu_mmio, e);
	pcidev_set_bar(d, 0, &e->mmio, EDU_BAR_SIZE, PCI_BASE_ADDRESS_SPACE_MEMORY);
	ret = devworker_start(&e->worker, d, run, e, errp);
	if (ret < 0) {
		edu_free(d);
		return ret;
	}
	*out = d;
	return 0;
}
