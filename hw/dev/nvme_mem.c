// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the memory that the controller lends to its host: the controller memory buffer in BAR 2, the
 * persistent memory region in BAR 4 (NVM Express 1.4, 3.1.11 to 3.1.22), and the way of the
 * controller's own DMA, which may end in them.  Called by nvme.c for registers, by the controller's
 * thread for DMA.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "base/err.h"
#include "hw/dev/nvme_int.h"
#include "mem/access.h"

#define CMB_BAR 2u
#define PMR_BAR 4u
#define BAR_FLAGS (PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH)
#define MIB (1ull << 20)
#define CMB_MBYTES_MAX 0xfffffu /* what CMBSZ holds */

/* Commands in it, from BAR 2: data of commands, PRP lists; no completion queues. */
#define CMBLOC_VALUE (CMB_BAR | 3u << 5)
#define CMBSZ_VALUE(mbytes) (0x1du | 2u << 8 | (uint32_t)(mbytes) << 12)
enum { CMBMSC_CRE = 1, CMBMSC_CMSE = 2, CMBSTS_CBAI = 1 };
/* Reads, writes; a read of PMRSTS has what was written made persistent; it can be moved. */
#define PMRCAP_VALUE (3u << 3 | PMR_BAR << 5 | 2u << 10 | 1u << 24)
enum { PMRCTL_EN = 1, PMRMSC_CMSE = 2, PMRSTS_NRDY = 1 << 8, PMRSTS_CBAI = 1 << 12 };
#define BASE_MASK (~0xfffull)

static bool enabled(const struct nvme_mem *m)
{
	return m->pmrctl & PMRCTL_EN;
}

/* Where the controller finds it; false: nowhere, or beyond the last address. */
static bool placed(uint64_t msc, unsigned enable, uint64_t size)
{
	return msc & enable && (msc & BASE_MASK) + size > (msc & BASE_MASK);
}

static bool cmb_placed(const struct nvme_mem *m)
{
	return m->cmbmsc & CMBMSC_CRE && placed(m->cmbmsc, CMBMSC_CMSE, m->cmb.size);
}

static bool pmr_placed(const struct nvme_mem *m)
{
	return enabled(m) && placed(m->pmrmsc, PMRMSC_CMSE, m->pmr.size);
}

/* --- registers; under the lock --- */

uint64_t nvme_mem_cap(const struct nvme *n)
{
	return (n->mem.pmr.size ? 1ull << 56 : 0) | (n->mem.cmb.size ? 1ull << 57 : 0);
}

void nvme_mem_registers(const struct nvme *n, uint8_t r[NVME_REGS])
{
	const struct nvme_mem *m = &n->mem;

	if (!m->cmb.size)
		return;
	le_store(r + NVME_CMBMSC, m->cmbmsc, 8);
	if (m->cmbmsc & CMBMSC_CRE) {
		le_store(r + NVME_CMBLOC, CMBLOC_VALUE, 4);
		le_store(r + NVME_CMBSZ, CMBSZ_VALUE(m->cmb.size / MIB), 4);
		if (m->cmbmsc & CMBMSC_CMSE && !cmb_placed(m))
			le_store(r + NVME_CMBSTS, CMBSTS_CBAI, 4);
	}
}

static uint32_t pmrsts(const struct nvme_mem *m)
{
	if (!enabled(m))
		return PMRSTS_NRDY;
	return m->pmrmsc & PMRMSC_CMSE && !pmr_placed(m) ? PMRSTS_CBAI : 0;
}

void nvme_mem_pmr_registers(const struct nvme *n, uint8_t r[NVME_PMR_REGS])
{
	const struct nvme_mem *m = &n->mem;

	memset(r, 0, NVME_PMR_REGS);
	if (!m->pmr.size)
		return;
	le_store(r + NVME_PMRCAP - NVME_PMR, PMRCAP_VALUE, 4);
	le_store(r + NVME_PMRCTL - NVME_PMR, m->pmrctl, 4);
	le_store(r + NVME_PMRSTS - NVME_PMR, pmrsts(m), 4);
	le_store(r + NVME_PMRMSCL - NVME_PMR, m->pmrmsc, 8);
}

static void show_pmr(struct nvme *n)
{
	struct pcibus *bus = __atomic_load_n(&n->dev.bus, __ATOMIC_ACQUIRE); /* it may leave */
	struct aspace *as = bus ? bus->host->mem : NULL;

	if (n->mem.pmr.disabled == !enabled(&n->mem))
		return;
	if (as)
		aspace_begin(as);
	n->mem.pmr.disabled = !enabled(&n->mem);
	if (as)
		aspace_commit(as);
}

static void set_half(uint64_t *reg, bool high, uint32_t val, uint64_t mask)
{
	unsigned shift = high ? 32 : 0;

	*reg = ((*reg & ~((uint64_t)UINT32_MAX << shift)) | (uint64_t)val << shift) & mask;
}

void nvme_mem_write(struct nvme *n, unsigned off, uint32_t val)
{
	struct nvme_mem *m = &n->mem;

	if (m->cmb.size && (off == NVME_CMBMSC || off == NVME_CMBMSC + 4)) {
		set_half(&m->cmbmsc, off & 4, val, BASE_MASK | CMBMSC_CRE | CMBMSC_CMSE);
	} else if (m->pmr.size && off == NVME_PMRCTL) {
		m->pmrctl = val & PMRCTL_EN;
		show_pmr(n);
	} else if (m->pmr.size && (off == NVME_PMRMSCL || off == NVME_PMRMSCU)) {
		set_half(&m->pmrmsc, off == NVME_PMRMSCU, val, BASE_MASK | PMRMSC_CMSE);
	}
}

void nvme_mem_persist(struct nvme *n)
{
	if (n->mem.pmr.size)
		msync(n->mem.pmr.host, n->mem.pmr.size, MS_SYNC);
}

void nvme_mem_reset(struct nvme *n)
{
	n->mem.cmbmsc = n->mem.pmrmsc = 0;
	n->mem.pmrctl = 0;
	show_pmr(n);
}

/* --- the controller's own accesses --- */

static uint8_t *within(uint64_t base, const struct region *r, uint64_t addr, size_t len)
{
	uint64_t off = addr - base;

	return off < r->size && len <= r->size - off ? r->host + off : NULL;
}

/* NULL = on the bus.  The registers are the guest's to change meanwhile: it gets what it does. */
static uint8_t *own_memory(struct nvme *n, uint64_t addr, size_t len)
{
	struct nvme_mem *m = &n->mem;
	uint8_t *p = NULL;

	if (!m->cmb.size && !m->pmr.size)
		return NULL;
	pthread_mutex_lock(&n->lock);
	if (cmb_placed(m))
		p = within(m->cmbmsc & BASE_MASK, &m->cmb.region, addr, len);
	if (!p && pmr_placed(m))
		p = within(m->pmrmsc & BASE_MASK, &m->pmr, addr, len);
	pthread_mutex_unlock(&n->lock);
	return p;
}

bool nvme_dma_read(struct nvme *n, uint64_t addr, void *buf, size_t len)
{
	const uint8_t *p = own_memory(n, addr, len);

	if (!p)
		return devworker_read(&n->worker, addr, buf, len);
	memcpy(buf, p, len);
	return true;
}

bool nvme_dma_write(struct nvme *n, uint64_t addr, const void *buf, size_t len)
{
	uint8_t *p = own_memory(n, addr, len);

	if (!p)
		return devworker_write(&n->worker, addr, buf, len);
	memcpy(p, buf, len);
	return true;
}

/* --- set-up --- */

static int init_cmb(struct nvme *n, uint32_t mbytes, struct err **errp)
{
	int ret;

	if (mbytes & (mbytes - 1) || mbytes > CMB_MBYTES_MAX) {
		err_set(errp, -EINVAL, "%s: cmb_size_mb=%u", n->dev.name, mbytes);
		err_hint(errp, "It is a power of two.");
		return -EINVAL;
	}
	ret = ram_init(&n->mem.cmb, "nvme-cmb", mbytes * MIB, errp);
	if (ret < 0)
		return ret;
	n->mem.cmb.region.device = true;
	pcidev_set_bar(&n->dev, CMB_BAR, &n->mem.cmb.region, n->mem.cmb.size, BAR_FLAGS);
	return 0;
}

static int init_pmr(struct nvme *n, const struct region *ram, struct err **errp)
{
	uint64_t size = ram->size;

	if (size & (size - 1)) {
		err_set(errp, -EINVAL, "%s: pmrdev=: %" PRIu64 " bytes", n->dev.name, size);
		err_hint(errp, "The size of its memory is a power of two.");
		return -EINVAL;
	}
	region_init_ram(&n->mem.pmr, "nvme-pmr", size, ram->host, ram->fd);
	n->mem.pmr.device = true;
	n->mem.pmr.disabled = true;
	region_init_container(&n->mem.pmr_bar, "nvme-pmr-bar", size);
	region_add_sub(&n->mem.pmr_bar, &n->mem.pmr, 0);
	pcidev_set_bar(&n->dev, PMR_BAR, &n->mem.pmr_bar, size, BAR_FLAGS);
	return 0;
}

int nvme_mem_init(struct nvme *n, const struct nvme_conf *conf, struct err **errp)
{
	int ret = conf->cmb_size_mb ? init_cmb(n, conf->cmb_size_mb, errp) : 0;

	return ret < 0 || !conf->pmr ? ret : init_pmr(n, conf->pmr, errp);
}

void nvme_mem_fini(struct nvme *n)
{
	ram_fini(&n->mem.cmb);
}
