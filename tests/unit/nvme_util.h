/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver for the NVMe controller, as small as the tests of hw/dev/nvme*.c need it: a controller
 * on a struct pciboard, host memory, queues, one command at a time.
 */
#ifndef TESTS_UNIT_NVME_UTIL_H
#define TESTS_UNIT_NVME_UTIL_H

#include "hw/dev/nvme.h"
#include "hw/dev/nvme_spec.h"
#include "mem/access.h"
#include "pci_util.h"

#define NV 0x08 /* its devfn */
#define NV_BAR 0xc0000000u
#define NV_RAM 0x100000u
#define NV_RAM_SIZE 0x400000u
#define NV_ASQ (NV_RAM + 0x0000)
#define NV_ACQ (NV_RAM + 0x10000)
#define NV_QUEUE(id) (NV_RAM + 0x20000 + 0x20000 * (id)) /* I/O queue: SQ, CQ 64 KiB above */
#define NV_DATA (NV_RAM + 0x200000u)
#define NV_HOLE 0x80000000u /* nothing is there */
#define NV_CMD (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)
#define NV_SIZE (64u << 20)

struct nvq {
	unsigned id, entries, tail, head;
	uint64_t sq, cq;
	bool phase;
};

struct nv {
	struct pciboard b;
	struct pcidev *d;
	struct region ram;
	uint8_t *mem;
	struct nvq admin, io;
	uint16_t cid;
};

struct nvcmd {
	uint32_t dw0, nsid;
	uint64_t prp1, prp2;
	uint32_t dw10, dw11, dw12, dw13;
};

struct nvcqe {
	uint32_t result;
	unsigned head, sqid, cid, status; /* status with all its flags */
};

static inline uint8_t *nv_at(struct nv *s, uint64_t addr)
{
	g_assert_cmphex(addr, >=, NV_RAM);
	g_assert_cmphex(addr, <, NV_RAM + NV_RAM_SIZE);
	return s->mem + (addr - NV_RAM);
}

static inline uint64_t nv_r(struct nv *s, unsigned off, unsigned len)
{
	return aspace_read(s->b.mem, NV_BAR + off, len);
}

static inline void nv_w(struct nv *s, unsigned off, uint64_t val, unsigned len)
{
	aspace_write(s->b.mem, NV_BAR + off, val, len);
}

/* Until a register has these bits, ten seconds at most. */
static inline void nv_wait(struct nv *s, unsigned off, uint32_t mask, uint32_t want)
{
	gint64 end = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;

	while ((nv_r(s, off, 4) & mask) != want && g_get_monotonic_time() < end)
		g_thread_yield();
	g_assert_cmphex(nv_r(s, off, 4) & mask, ==, want);
}

static inline void nv_doorbell(struct nv *s, unsigned id, bool cq, unsigned val)
{
	nv_w(s, NVME_DOORBELLS + 8 * id + 4 * cq, val, 4);
}

/* What firmware or a kernel sets up in config space; again after a reset. */
static inline void nv_place(struct nv *s)
{
	cfg_w(&s->b, NV, PCI_BASE_ADDRESS_0, NV_BAR, 4);
	cfg_w(&s->b, NV, PCI_BASE_ADDRESS_1, 0, 4);
	cfg_w(&s->b, NV, PCI_COMMAND, NV_CMD, 2);
}

static inline void nv_plug(struct nv *s, const struct nvme_conf *conf)
{
	struct err *e = NULL;

	memset(s, 0, sizeof(*s));
	pb_init(&s->b);
	pci_nvme_new(&s->d, conf, &e);
	g_assert_cmpstr(err_text(e), ==, "");
	g_assert_cmpint(pcidev_plug(s->d, &s->b.host.root, NV, NULL), ==, 0);
	s->mem = g_malloc0(NV_RAM_SIZE);
	region_init_ram(&s->ram, "ram", NV_RAM_SIZE, s->mem, -1);
	aspace_map(s->b.mem, &s->ram, NV_RAM, 0, NV_RAM_SIZE, 0);
	nv_place(s);
}

static inline void nv_fini(struct nv *s)
{
	pb_fini(&s->b);
	g_free(s->mem);
}

static inline void nvq_reset(struct nv *s, struct nvq *q, unsigned id, unsigned entries,
			     uint64_t sq, uint64_t cq)
{
	*q = (struct nvq){.id = id, .entries = entries, .sq = sq, .cq = cq, .phase = true};
	memset(nv_at(s, cq), 0, NVME_CQE * entries);
}

/* Admin queues of 16 entries, pages of 4 KiB << mps; waits until it is ready. */
static inline void nv_enable_mps(struct nv *s, unsigned mps)
{
	nvq_reset(s, &s->admin, 0, 16, NV_ASQ, NV_ACQ);
	nv_w(s, NVME_AQA, 0x000f000f, 4);
	nv_w(s, NVME_ASQ, NV_ASQ, 8);
	nv_w(s, NVME_ACQ, NV_ACQ, 4);
	nv_w(s, NVME_ACQ + 4, 0, 4);
	nv_w(s, NVME_CC, 0x00460001 | mps << 7, 4);
	nv_wait(s, NVME_CSTS, NVME_CSTS_RDY | NVME_CSTS_CFS, NVME_CSTS_RDY);
}

static inline void nv_enable(struct nv *s)
{
	nv_enable_mps(s, 0);
}

static inline void nv_disable(struct nv *s)
{
	nv_w(s, NVME_CC, 0x00460000, 4);
	nv_wait(s, NVME_CSTS, UINT32_MAX, 0);
}

/* Put a command into the queue; the doorbell is the caller's. */
static inline uint16_t nv_put(struct nv *s, struct nvq *q, struct nvcmd c)
{
	uint8_t *p = nv_at(s, q->sq + NVME_SQE * q->tail);
	uint16_t cid = ++s->cid;

	memset(p, 0, NVME_SQE);
	pci_set32(p, c.dw0 | (uint32_t)cid << 16);
	pci_set32(p + 4, c.nsid);
	le_store(p + 24, c.prp1, 8);
	le_store(p + 32, c.prp2, 8);
	pci_set32(p + 40, c.dw10);
	pci_set32(p + 44, c.dw11);
	pci_set32(p + 48, c.dw12);
	pci_set32(p + 52, c.dw13);
	q->tail = (q->tail + 1) % q->entries;
	return cid;
}

static inline bool nv_ready(struct nv *s, const struct nvq *q)
{
	const uint32_t *dw3 = (const uint32_t *)nv_at(s, q->cq + NVME_CQE * q->head + 12);

	return (__atomic_load_n(dw3, __ATOMIC_ACQUIRE) >> 16 & 1) == q->phase;
}

/* The next completion, taken from the queue without its doorbell. */
static inline struct nvcqe nv_take(struct nv *s, struct nvq *q)
{
	gint64 end = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;
	const uint8_t *p = nv_at(s, q->cq + NVME_CQE * q->head);
	struct nvcqe e;

	while (!nv_ready(s, q) && g_get_monotonic_time() < end)
		g_thread_yield();
	g_assert_true(nv_ready(s, q));
	e = (struct nvcqe){pci_get32(p), pci_get16(p + 8), pci_get16(p + 10), pci_get16(p + 12),
			   pci_get16(p + 14) >> 1};
	q->head = (q->head + 1) % q->entries;
	q->phase ^= !q->head;
	return e;
}

/* One command from its doorbell to its completion. */
static inline struct nvcqe nv_do(struct nv *s, struct nvq *q, struct nvcmd c)
{
	uint16_t cid = nv_put(s, q, c);
	struct nvcqe e;

	nv_doorbell(s, q->id, false, q->tail);
	e = nv_take(s, q);
	g_assert_cmphex(e.cid, ==, cid);
	g_assert_cmphex(e.sqid, ==, q->id);
	g_assert_cmphex(e.head, ==, q->tail);
	nv_doorbell(s, q->id, true, q->head);
	return e;
}

/* Its status: code type and code only. */
static inline unsigned nv_admin(struct nv *s, struct nvcmd c)
{
	return nv_do(s, &s->admin, c).status & NVME_STATUS;
}

static inline unsigned nv_io(struct nv *s, struct nvcmd c)
{
	return nv_do(s, &s->io, c).status & NVME_STATUS;
}

/* flags: bit 0, contiguous; bit 1, interrupts. */
static inline struct nvcmd nv_create_cq(unsigned id, unsigned entries, unsigned vector,
					unsigned flags)
{
	return (struct nvcmd){.dw0 = NVME_ADM_CREATE_CQ,
			      .prp1 = NV_QUEUE(1) + 0x10000,
			      .dw10 = id | (entries - 1) << 16,
			      .dw11 = flags | vector << 16};
}

static inline struct nvcmd nv_create_sq(unsigned id, unsigned entries, unsigned cqid)
{
	return (struct nvcmd){.dw0 = NVME_ADM_CREATE_SQ,
			      .prp1 = NV_QUEUE(1),
			      .dw10 = id | (entries - 1) << 16,
			      .dw11 = 1 | cqid << 16};
}

/* An I/O queue pair with id 1. */
static inline void nv_io_queue(struct nv *s, unsigned entries, unsigned vector)
{
	nvq_reset(s, &s->io, 1, entries, NV_QUEUE(1), NV_QUEUE(1) + 0x10000);
	g_assert_cmphex(nv_admin(s, nv_create_cq(1, entries, vector, 3)), ==, NVME_OK);
	g_assert_cmphex(nv_admin(s, nv_create_sq(1, entries, 1)), ==, NVME_OK);
}

/* A controller in memory, enabled, with one I/O queue pair. */
static inline void nv_init(struct nv *s)
{
	nv_plug(s, &(struct nvme_conf){.id = "nv0", .size = NV_SIZE, .max_ioqpairs = 4});
	nv_enable(s);
	nv_io_queue(s, 64, 0);
}

/* Of `blocks` blocks at lba, data at prp1 and, as one page of 4 KiB would not do, at prp2. */
static inline struct nvcmd nv_rw(unsigned opcode, uint64_t lba, unsigned blocks, uint64_t prp1,
				 uint64_t prp2)
{
	return (struct nvcmd){.dw0 = opcode,
			      .nsid = 1,
			      .prp1 = prp1,
			      .prp2 = prp2,
			      .dw10 = (uint32_t)lba,
			      .dw11 = (uint32_t)(lba >> 32),
			      .dw12 = blocks - 1};
}

/* Bytes that tell where they are. */
static inline void nv_fill(struct nv *s, uint64_t addr, size_t len, unsigned seed)
{
	uint8_t *p = nv_at(s, addr);

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)((i ^ (i >> 8)) * 5 + seed);
}

#endif
