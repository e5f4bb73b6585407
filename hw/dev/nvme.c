// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the NVMe controller as a PCI device: registers, doorbells, reset, set-up (NVM Express 1.4,
 * 3.1, 7.3).  Called through its BAR and config space; never waits for a command, which are the
 * controller's thread's (nvme_queue.c).
 */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "hw/dev/nvme_int.h"
#include "mem/access.h"

#define BAR_SIZE 0x4000u
#define MSIX_TABLE 0x2000u
#define MSIX_PBA 0x3000u
#define CAP_PM 0x40
#define CAP_MSI 0x50
#define CAP_MSIX 0x70
#define CAP_EXP 0x80
#define ECAP_SRIOV 0x100

/* Queues contiguous, 7.5 s to become ready, the NVM command set, pages of 4 to 64 KiB (3.1.1). */
#define CAP_VALUE                                                       \
	((NVME_MAX_ENTRIES - 1) | 1u << 16 | 15ull << 24 | 1ull << 37 | \
	 (uint64_t)(NVME_PAGE_BITS_MAX - 12) << 52)
#define VS_VALUE 0x00010400u

void nvme_mistake(struct nvme *n, const char *fmt, ...)
{
	g_autofree char *text = NULL;
	va_list ap;

	if (n->told)
		return;
	n->told = true;
	va_start(ap, fmt);
	text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	g_message("%s: the guest's driver %s; told once", n->dev.name, text);
}

/* --- interrupts --- */

static bool waiting(const struct nvme_cq *cq)
{
	return cq->entries && cq->irq && cq->head != cq->tail;
}

void nvme_drive_pin(struct nvme *n)
{
	bool level = false;

	if (!pcimsix_enabled(n->dev.msix) && !pcimsi_enabled(&n->msi))
		for (unsigned i = 0; i <= n->pairs && !level; i++)
			level = waiting(&n->cq[i]) && !(n->intms >> (n->cq[i].vector & 31) & 1);
	if (level != __atomic_load_n(&n->dev.intx_level, __ATOMIC_RELAXED))
		pcidev_intx(&n->dev, level);
}

/* Under the lock: vectors of MSI that wait and have just lost their mask. */
static uint32_t unmask(struct nvme *n, uint32_t bits)
{
	uint32_t due = 0, opened = n->intms & bits;

	n->intms &= ~bits;
	if (!opened || !pcimsi_enabled(&n->msi))
		return 0;
	for (unsigned i = 0; i <= n->pairs; i++) {
		uint32_t bit = opened & 1u << (n->cq[i].vector & 31);

		if (!bit || !waiting(&n->cq[i]))
			continue;
		n->cq[i].due = false; /* this one is it */
		due |= bit;
	}
	return due;
}

/* --- registers --- */

/* Under the lock. */
static void write_cc(struct nvme *n, uint32_t val)
{
	uint32_t old = n->cc;

	n->cc = val & NVME_CC_BITS;
	if (old & NVME_CC_EN && !(val & NVME_CC_EN))
		n->reset_due = true;
	if (val & NVME_CC_SHN && !(old & NVME_CC_SHN)) {
		n->csts = (n->csts & ~NVME_CSTS_SHST) | NVME_CSTS_SHST_BUSY;
		n->stop_due = true;
	} else if (!(val & NVME_CC_SHN)) {
		n->csts &= ~NVME_CSTS_SHST;
		n->stop_due = false;
	}
}

static void set_half(uint64_t *reg, bool high, uint32_t val)
{
	unsigned shift = high ? 32 : 0;

	*reg = (*reg & ~((uint64_t)UINT32_MAX << shift)) | (uint64_t)val << shift;
}

/* Under the lock; gives the vectors to send for. */
static uint32_t write_reg(struct nvme *n, unsigned off, uint32_t val)
{
	switch (off) {
	case NVME_INTMS:
		n->intms |= val;
		break;
	case NVME_INTMC:
		return unmask(n, val);
	case NVME_CC:
		write_cc(n, val);
		break;
	case NVME_AQA:
		n->aqa = val & 0x0fff0fff;
		break;
	case NVME_ASQ:
	case NVME_ASQ + 4:
		set_half(&n->asq, off & 4, val);
		n->asq &= ~0xfffull;
		break;
	case NVME_ACQ:
	case NVME_ACQ + 4:
		set_half(&n->acq, off & 4, val);
		n->acq &= ~0xfffull;
		break;
	default:
		nvme_mem_write(n, off, val);
	}
	return 0;
}

static void registers(const struct nvme *n, uint8_t r[NVME_REGS])
{
	memset(r, 0, NVME_REGS);
	le_store(r + NVME_CAP, CAP_VALUE | nvme_mem_cap(n), 8);
	le_store(r + NVME_VS, VS_VALUE, 4);
	le_store(r + NVME_INTMS, n->intms, 4);
	le_store(r + NVME_INTMC, n->intms, 4);
	le_store(r + NVME_CC, n->cc, 4);
	le_store(r + NVME_CSTS, n->csts, 4);
	le_store(r + NVME_AQA, n->aqa, 4);
	le_store(r + NVME_ASQ, n->asq, 8);
	le_store(r + NVME_ACQ, n->acq, 8);
	nvme_mem_registers(n, r);
}

/* --- doorbells (3.1.24, 3.1.25) --- */

/* The thread has something to do: a command, or room for a completion that waits. */
static bool set_tail(struct nvme_sq *sq, unsigned val, bool *work)
{
	if (val >= sq->entries)
		return false;
	*work = sq->tail != val;
	sq->tail = val;
	return true;
}

/* The host may take back what was given to it, no more. */
static bool set_head(struct nvme_cq *cq, unsigned val, bool *work)
{
	unsigned given = (cq->tail + cq->entries - cq->head) % cq->entries;

	if (val >= cq->entries || (val + cq->entries - cq->head) % cq->entries > given)
		return false;
	*work = given == cq->entries - 1;
	cq->head = val;
	return true;
}

/* Under the lock; true where the thread has something to do. */
static bool ring(struct nvme *n, unsigned nr, unsigned val)
{
	unsigned qid = nr / 2;
	bool is_cq = nr & 1, good, work = true;

	if (!n->running) {
		nvme_mistake(n, "rings doorbell %u of a controller that is not enabled", nr);
		return false;
	}
	if (qid > n->pairs || !(is_cq ? n->cq[qid].entries : n->sq[qid].entries)) {
		nvme_mistake(n, "rings doorbell %u of a queue that is not there", nr);
		n->bad_doorbell[NVME_ERROR_DOORBELL_REG] = true;
		return true;
	}
	good = is_cq ? set_head(&n->cq[qid], val, &work) : set_tail(&n->sq[qid], val, &work);
	if (!good) {
		nvme_mistake(n, "writes %u to doorbell %u", val, nr);
		n->bad_doorbell[NVME_ERROR_DOORBELL_VALUE] = true;
	}
	return work;
}

/* --- the BAR --- */

static uint64_t pmr_read(struct nvme *n, unsigned off, unsigned len)
{
	uint8_t r[NVME_PMR_REGS];

	if (pci_hits(off, len, NVME_PMRSTS - NVME_PMR, 4))
		nvme_mem_persist(n);
	pthread_mutex_lock(&n->lock);
	nvme_mem_pmr_registers(n, r);
	pthread_mutex_unlock(&n->lock);
	return le_load(r + off, len);
}

static bool is_pmr(uint64_t off, unsigned len)
{
	return off >= NVME_PMR && off + len <= NVME_PMR + NVME_PMR_REGS;
}

static uint64_t bar_read(void *opaque, uint64_t off, unsigned len)
{
	struct nvme *n = opaque;
	uint8_t r[NVME_REGS];

	if (is_pmr(off, len))
		return pmr_read(n, (unsigned)off - NVME_PMR, len);
	if (off + len > NVME_REGS)
		return 0;
	pthread_mutex_lock(&n->lock);
	registers(n, r);
	pthread_mutex_unlock(&n->lock);
	return le_load(r + off, len);
}

static void write_registers(struct nvme *n, unsigned off, uint64_t val, unsigned len)
{
	uint32_t due;

	pthread_mutex_lock(&n->lock);
	due = write_reg(n, off, (uint32_t)val);
	if (len == 8)
		due |= write_reg(n, off + 4, (uint32_t)(val >> 32));
	nvme_drive_pin(n);
	pthread_mutex_unlock(&n->lock);
	for (unsigned v = 0; v < NVME_MSI_VECTORS; v++)
		if (due >> v & 1)
			pcimsi_raise(&n->msi, v);
	devworker_kick(&n->worker);
}

static void write_doorbell(struct nvme *n, unsigned nr, uint16_t val)
{
	bool work;

	pthread_mutex_lock(&n->lock);
	work = ring(n, nr, val);
	nvme_drive_pin(n);
	pthread_mutex_unlock(&n->lock);
	if (work)
		devworker_kick(&n->worker);
}

static void bar_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct nvme *n = opaque;

	if ((off < NVME_REGS || is_pmr(off, len)) && len >= 4) {
		write_registers(n, (unsigned)off, val, len);
	} else if (off >= NVME_DOORBELLS && off < MSIX_TABLE && len == 4) {
		write_doorbell(n, (unsigned)(off - NVME_DOORBELLS) / 4, (uint16_t)val);
	} else {
		pthread_mutex_lock(&n->lock);
		nvme_mistake(n, "writes %u bytes at 0x%x", len, (unsigned)off);
		pthread_mutex_unlock(&n->lock);
	}
}

static const struct region_ops bar_ops = {bar_read, bar_write, 1, 8, false};

/* --- the device on its bus --- */

static bool answers(const struct nvme *n)
{
	return !n->pf || pcisriov_answers(&n->pf->sriov);
}

static uint32_t nvme_cfg_read(struct pcidev *d, unsigned off, unsigned len)
{
	return answers(d->priv) ? pcie_endpoint_cfg_read(d, off, len) : UINT32_MAX;
}

static void nvme_cfg_write(struct pcidev *d, unsigned off, uint32_t val, unsigned len)
{
	struct nvme *n = d->priv;

	if (!answers(n))
		return;
	pcidev_cfg_write(d, off, val, len);
	if (n->sriov.cap)
		pcisriov_written(&n->sriov, off, len);
	if (pcie_endpoint_written(d, off, len))
		return;
	pcimsi_written(&n->msi, off, len);
	pcimsix_written(d, off, len);
	pthread_mutex_lock(&n->lock);
	nvme_drive_pin(n);
	pthread_mutex_unlock(&n->lock);
	if (pci_hits(off, len, PCI_COMMAND, 2))
		devworker_kick(&n->worker); /* commands may have waited for the bus */
}

void nvme_clear_queues(struct nvme *n)
{
	memset(n->sq, 0, sizeof(n->sq));
	memset(n->cq, 0, sizeof(n->cq));
	memset(n->bad_doorbell, 0, sizeof(n->bad_doorbell));
	n->running = false;
	n->csts = 0;
	nvme_drive_pin(n);
}

static void nvme_reset(struct pcidev *d)
{
	struct nvme *n = d->priv;

	pcie_endpoint_reset(d);
	pcimsi_reset(&n->msi);
	pcimsix_reset(d->msix);
	pthread_mutex_lock(&n->lock);
	devworker_cut(&n->worker);
	n->cc = n->aqa = n->intms = 0;
	n->asq = n->acq = 0;
	n->reset_due = n->stop_due = false;
	nvme_clear_queues(n);
	nvme_mem_reset(n);
	pthread_mutex_unlock(&n->lock);
	devworker_drain(&n->worker);
	if (n->sriov.cap)
		pcisriov_reset(&n->sriov);
}

static void nvme_free(struct pcidev *d)
{
	struct nvme *n = d->priv;

	devworker_stop(&n->worker);
	if (n->pf)
		pcisriov_forget(&n->pf->sriov, n->vf_nr);
	pcisriov_fini(&n->sriov);
	aspace_sync();
	drive_close(&n->drive);
	nvme_mem_fini(n);
	pcimsi_fini(&n->msi);
	pcimsix_free(d->msix);
	pthread_mutex_destroy(&n->lock);
	g_free(n->data);
	g_free(n);
}

static void nvme_leave(struct pcidev *d)
{
	struct nvme *n = d->priv;

	if (n->sriov.cap)
		pcisriov_leave(&n->sriov);
}

static void nvme_settle(struct pcidev *d)
{
	devworker_settle(&((struct nvme *)d->priv)->worker);
}

static const struct pcidev_ops nvme_ops = {
	.model = "nvme",
	.cfg_read = nvme_cfg_read,
	.cfg_write = nvme_cfg_write,
	.reset = nvme_reset,
	.leave = nvme_leave,
	.settle = nvme_settle,
	.free = nvme_free,
};

/* --- set-up --- */

/* The same image under the same name has the same number each time. */
static void make_serial(struct nvme *n, const struct nvme_conf *conf)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

	for (int i = 0; i < 2; i++) {
		const char *text = (i ? conf->id : conf->file) ?: "";

		g_checksum_update(sum, (const guchar *)text, (gssize)strlen(text) + 1);
	}
	g_strlcpy(n->serial, g_checksum_get_string(sum), 17);
}

static int set_serial(struct nvme *n, const struct nvme_conf *conf, struct err **errp)
{
	size_t len = conf->serial ? strlen(conf->serial) : 0;

	if (!conf->serial && (conf->file || conf->id)) {
		make_serial(n, conf);
		return 0;
	}
	for (size_t i = 0; i < len; i++)
		if (!g_ascii_isprint(conf->serial[i]))
			len = 0;
	if (!len || len > NVME_SERIAL_MAX) {
		err_set(errp, -EINVAL, "%s: %s%s%s", n->dev.name, conf->serial ? "serial '" : "",
			conf->serial ?: "it has neither id, drive nor serial",
			conf->serial ? "' will not do" : "");
		err_hint(errp, "Give it serial= with 1 to %u printable ASCII characters.",
			 NVME_SERIAL_MAX);
		return -EINVAL;
	}
	g_strlcpy(n->serial, conf->serial, sizeof(n->serial));
	return 0;
}

static int check_conf(struct nvme *n, const struct nvme_conf *conf, struct err **errp)
{
	if (conf->max_ioqpairs < 1 || conf->max_ioqpairs > NVME_PAIRS_MAX) {
		err_set(errp, -EINVAL, "%s: max_ioqpairs=%u", n->dev.name, conf->max_ioqpairs);
		err_hint(errp, "It goes from 1 to %u.", NVME_PAIRS_MAX);
		return -EINVAL;
	}
	if (conf->sriov_max_vfs > PCI_SRIOV_VFS) {
		err_set(errp, -EINVAL, "%s: sriov_max_vfs=%u", n->dev.name, conf->sriov_max_vfs);
		err_hint(errp, "It goes from 0 to %u.", PCI_SRIOV_VFS);
		return -EINVAL;
	}
	if (!conf->file && !conf->size) {
		err_set(errp, -EINVAL, "%s: it has nothing to keep blocks in", n->dev.name);
		err_hint(errp, "Give it drive=FILE, or size=64M for memory.");
		return -EINVAL;
	}
	return set_serial(n, conf, errp);
}

static void init_device(struct nvme *n)
{
	struct pcidev *d = &n->dev;

	pci_set16(d->cfg + PCI_SUBSYSTEM_VENDOR_ID, 0x1af4);
	pci_set16(d->cfg + PCI_SUBSYSTEM_ID, 0x1100);
	d->cfg[PCI_INTERRUPT_PIN] = 1;
	region_init_io(&n->bar, "nvme", BAR_SIZE, &bar_ops, n);
	pcidev_set_bar(d, 0, &n->bar, BAR_SIZE, PCI_BASE_ADDRESS_MEM_TYPE_64);
	d->msix = pcimsix_new(d, n->pairs + 1, NULL, NULL);
	pcie_endpoint_add_caps(d, CAP_EXP, CAP_PM);
	pcimsi_init(&n->msi, d, CAP_MSI, NVME_MSI_VECTORS, true, true);
	if (!n->no_msix)
		pcimsix_add_cap(d, CAP_MSIX, 0, MSIX_TABLE, MSIX_PBA);
}

/* A controller that has its drive: the rest of it.  Frees it where that fails. */
static int complete(struct nvme *n, struct err **errp)
{
	int ret;

	n->data = g_malloc(NVME_MAX_DATA);
	init_device(n);
	ret = devworker_start(&n->worker, &n->dev, nvme_run, n, errp);
	if (ret < 0)
		nvme_free(&n->dev);
	return ret;
}

static struct nvme *nvme_alloc(const char *name, unsigned pairs)
{
	struct nvme *n = g_new0(struct nvme, 1);

	n->dev.priv = n;
	n->drive.fd = -1;
	n->pairs = pairs;
	pthread_mutex_init(&n->lock, NULL);
	if (name)
		g_strlcpy(n->dev.name, name, sizeof(n->dev.name));
	pcidev_init(&n->dev, &nvme_ops, PCI_CFG_EXT, NVME_VENDOR, NVME_DEVICE, 0x010802, 2);
	return n;
}

static int make_vf(void *opaque, unsigned nr, struct pcidev **out)
{
	struct nvme *pf = opaque, *n = nvme_alloc(pf->dev.name, pf->pairs);
	int ret;

	n->vf_nr = nr;
	n->no_msix = pf->no_msix;
	g_strlcpy(n->serial, pf->serial, sizeof(n->serial));
	ret = drive_share(&n->drive, &pf->drive);
	if (ret < 0) {
		nvme_free(&n->dev);
		return ret;
	}
	ret = complete(n, NULL);
	if (ret < 0)
		return ret;
	n->pf = pf;
	pcisriov_make_vf(&n->dev);
	*out = &n->dev;
	return 0;
}

static void init_sriov(struct nvme *n, unsigned vfs)
{
	n->sriov.make = make_vf;
	n->sriov.opaque = n;
	pcisriov_init(&n->sriov, &n->dev, ECAP_SRIOV, vfs, NVME_DEVICE);
	pcisriov_set_bar(&n->sriov, 0, BAR_SIZE);
}

int pci_nvme_new(struct pcidev **out, const struct nvme_conf *conf, struct err **errp)
{
	struct nvme *n = nvme_alloc(conf->id, conf->max_ioqpairs);
	int ret = check_conf(n, conf, errp);

	if (ret >= 0)
		ret = drive_open(&n->drive, n->dev.name, conf->file, conf->size, conf->readonly,
				 errp);
	if (ret >= 0)
		ret = nvme_mem_init(n, conf, errp);
	if (ret < 0) {
		nvme_free(&n->dev);
		return ret;
	}
	n->no_msix = conf->no_msix;
	ret = complete(n, errp);
	if (ret < 0)
		return ret;
	if (conf->sriov_max_vfs)
		init_sriov(n, conf->sriov_max_vfs);
	*out = &n->dev;
	return 0;
}
