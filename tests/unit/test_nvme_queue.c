// SPDX-License-Identifier: GPL-2.0-or-later
/* The NVMe controller's thread: rings that turn, queues that are full, resets in the middle. */
#include "nvme_util.h"

static struct nvcmd read_one(void)
{
	return nv_rw(NVME_IO_READ, 0, 1, NV_DATA, 0);
}

/* Each entry is used many times over; the phase tells new from old. */
static void turning(void)
{
	struct nv s;

	nv_init(&s);
	for (unsigned i = 0; i < 500; i++)
		g_assert_cmphex(nv_io(&s, read_one()), ==, NVME_OK);
	for (unsigned i = 0; i < 40; i++)
		g_assert_cmphex(nv_admin(&s, (struct nvcmd){.dw0 = NVME_ADM_ABORT}), ==, NVME_OK);
	nv_fini(&s);
}

/* Many with one doorbell; the order of one queue is kept. */
static void batches(void)
{
	struct nv s;
	uint16_t first;

	nv_init(&s);
	for (unsigned round = 0; round < 10; round++) {
		first = (uint16_t)(s.cid + 1);
		for (unsigned i = 0; i < 63; i++)
			nv_put(&s, &s.io, read_one());
		nv_doorbell(&s, 1, false, s.io.tail);
		for (unsigned i = 0; i < 63; i++)
			g_assert_cmphex(nv_take(&s, &s.io).cid, ==, first + i);
		g_assert_false(nv_ready(&s, &s.io));
		nv_doorbell(&s, 1, true, s.io.head);
	}
	nv_fini(&s);
}

/* A completion queue of four entries takes three: the fourth waits until there is room. */
static void full_queue(void)
{
	struct nv s;
	struct nvq *q = &s.io;
	uint16_t first;

	nv_plug(&s, &(struct nvme_conf){.id = "nv0", .size = NV_SIZE, .max_ioqpairs = 4});
	nv_enable(&s);
	nvq_reset(&s, q, 1, 16, NV_QUEUE(1), NV_QUEUE(1) + 0x10000);
	g_assert_cmphex(nv_admin(&s, nv_create_cq(1, 4, 0, 3)), ==, NVME_OK);
	g_assert_cmphex(nv_admin(&s, nv_create_sq(1, 16, 1)), ==, NVME_OK);
	first = (uint16_t)(s.cid + 1);
	for (unsigned i = 0; i < 15; i++)
		nv_put(&s, q, read_one());
	nv_doorbell(&s, 1, false, q->tail);
	q->entries = 4; /* from here on it is the completion queue's */
	for (unsigned i = 0; i < 15; i++) {
		g_assert_cmphex(nv_take(&s, q).cid, ==, first + i);
		if (i % 3 == 2) { /* full: nothing more until now */
			g_assert_cmphex(nv_admin(&s, (struct nvcmd){.dw0 = NVME_ADM_ABORT}), ==,
					NVME_OK);
			g_assert_false(nv_ready(&s, q));
			nv_doorbell(&s, 1, true, q->head);
		}
	}
	nv_fini(&s);
}

/* Several queues, two of them with one completion queue. */
static void several(void)
{
	struct nvq q[3];
	struct nv s;
	unsigned got[3] = {0};

	nv_plug(&s, &(struct nvme_conf){.id = "nv0", .size = NV_SIZE, .max_ioqpairs = 255});
	nv_enable(&s);
	for (unsigned i = 0; i < 3; i++) {
		struct nvcmd cq = nv_create_cq(i ? 255 : 7, 64, 0, 1);
		struct nvcmd sq = nv_create_sq(i + 100, 64, i ? 255 : 7);

		nvq_reset(&s, &q[i], i + 100, 64, NV_QUEUE(1 + i),
			  NV_QUEUE(1 + (i ? 1 : 0)) + 0x10000);
		cq.prp1 = q[i].cq;
		sq.prp1 = q[i].sq;
		if (i < 2)
			g_assert_cmphex(nv_admin(&s, cq), ==, NVME_OK);
		g_assert_cmphex(nv_admin(&s, sq), ==, NVME_OK);
	}
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned k = 0; k < 20; k++)
			nv_put(&s, &q[i], read_one());
		nv_doorbell(&s, q[i].id, false, q[i].tail);
	}
	for (unsigned k = 0; k < 20; k++)
		got[nv_take(&s, &q[0]).sqid - 100]++;
	for (unsigned k = 0; k < 40; k++)
		got[nv_take(&s, &q[1]).sqid - 100]++;
	for (unsigned i = 0; i < 3; i++)
		g_assert_cmpuint(got[i], ==, 20);
	nv_fini(&s);
}

/* Without the bus nothing is fetched; it all comes when the bus is there again. */
static void bus_master(void)
{
	struct nv s;

	nv_init(&s);
	cfg_w(&s.b, NV, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	nv_put(&s, &s.io, read_one());
	nv_doorbell(&s, 1, false, s.io.tail);
	for (unsigned i = 0; i < 1000; i++)
		nv_r(&s, NVME_CSTS, 4);
	g_assert_false(nv_ready(&s, &s.io));
	cfg_w(&s.b, NV, PCI_COMMAND, NV_CMD, 2);
	g_assert_cmphex(nv_take(&s, &s.io).status, ==, NVME_OK);
	g_assert_cmphex(nv_r(&s, NVME_CSTS, 4), ==, NVME_CSTS_RDY);
	nv_fini(&s);
}

/* Queues where there is no memory: fatal, until the controller is reset. */
static void no_memory(void)
{
	struct nv s;

	for (unsigned i = 0; i < 3; i++) {
		struct nvcmd cq = nv_create_cq(2, 16, 0, 3), sq = nv_create_sq(2, 16, 2);

		nv_init(&s);
		cq.prp1 = i == 1 ? NV_HOLE : NV_DATA;
		sq.prp1 = i == 0 ? NV_HOLE : NV_DATA + 0x1000;
		memset(nv_at(&s, NV_DATA), 0, 0x2000);
		g_assert_cmphex(nv_admin(&s, cq), ==, NVME_OK);
		g_assert_cmphex(nv_admin(&s, sq), ==, NVME_OK);
		if (i == 2) { /* the admin queues themselves */
			nv_disable(&s);
			nv_w(&s, NVME_ASQ, NV_HOLE, 8);
			nv_w(&s, NVME_CC, 0x00460001, 4);
			nv_wait(&s, NVME_CSTS, UINT32_MAX, NVME_CSTS_RDY);
		}
		nv_doorbell(&s, i == 2 ? 0 : 2, false, 1);
		nv_wait(&s, NVME_CSTS, UINT32_MAX, NVME_CSTS_RDY | NVME_CSTS_CFS);
		nv_disable(&s);
		nv_enable(&s);
		nv_io_queue(&s, 64, 0);
		g_assert_cmphex(nv_io(&s, read_one()), ==, NVME_OK);
		nv_fini(&s);
	}
}

/* Kinds of end that may come while commands are under way. */
enum { DISABLE, FLR, BUS_RESET, KINDS };

static void end(struct nv *s, unsigned kind)
{
	if (kind == DISABLE)
		nv_disable(s);
	else if (kind == FLR)
		cfg_w(&s->b, NV, 0x88, PCI_EXP_DEVCTL_BCR_FLR, 2);
	else
		pcihost_reset(&s->b.host);
}

/* After it nothing is written to memory any more, and the controller can be used as ever. */
static void reset_under_load(void)
{
	g_autofree uint8_t *before = g_malloc(NV_RAM_SIZE);
	struct nv s;

	nv_init(&s);
	for (unsigned round = 0; round < 60; round++) {
		for (unsigned i = 0; i < 40; i++)
			nv_put(&s, &s.io,
			       nv_rw(NVME_IO_READ, i, 16, NV_DATA + 0x2000 * i,
				     NV_DATA + 0x2000 * i + 0x1000));
		nv_doorbell(&s, 1, false, s.io.tail);
		for (unsigned i = 0; i < round; i++)
			nv_r(&s, NVME_CSTS, 4);
		end(&s, round % KINDS);
		memcpy(before, s.mem, NV_RAM_SIZE);
		nv_place(&s);
		g_assert_cmphex(nv_r(&s, NVME_CSTS, 4), ==, 0);
		g_assert_cmpmem(before, NV_RAM_SIZE, s.mem, NV_RAM_SIZE);
		g_assert_false(s.b.pin[1][0]);
		nv_enable(&s);
		nv_io_queue(&s, 64, 0);
		g_assert_cmphex(nv_io(&s, read_one()), ==, NVME_OK);
	}
	nv_fini(&s);
}

/* A queue that goes away with commands in it takes them along; another one is none the worse. */
static void deleted_queue(void)
{
	struct nv s;

	nv_init(&s);
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = 0; i < 40; i++)
			nv_put(&s, &s.io, read_one());
		nv_doorbell(&s, 1, false, s.io.tail);
		g_assert_cmphex(nv_admin(&s, (struct nvcmd){.dw0 = NVME_ADM_DELETE_SQ, .dw10 = 1}),
				==, NVME_OK);
		g_assert_cmphex(nv_admin(&s, (struct nvcmd){.dw0 = NVME_ADM_DELETE_CQ, .dw10 = 1}),
				==, NVME_OK);
		nv_io_queue(&s, 64, 0);
		g_assert_cmphex(nv_io(&s, read_one()), ==, NVME_OK);
	}
	nv_fini(&s);
}

/* The device goes with work in hand. */
static void unplugged(void)
{
	for (unsigned round = 0; round < 20; round++) {
		struct nv s;

		nv_init(&s);
		for (unsigned i = 0; i < 60; i++)
			nv_put(&s, &s.io, read_one());
		nv_doorbell(&s, 1, false, s.io.tail);
		nv_fini(&s);
	}
}

/* An address in RAM, mostly: also in the queues themselves, in the BAR, and where nothing is. */
static uint64_t anywhere(GRand *rnd)
{
	uint64_t at = g_rand_int(rnd);

	switch (g_rand_int_range(rnd, 0, 8)) {
	case 0:
		return at << 32 | g_rand_int(rnd);
	case 1:
		return NV_BAR + (at & 0x3ffc);
	case 2:
		return NV_HOLE;
	default:
		return NV_RAM + (at & 0x3fffff & (at & 1u << 31 ? ~0xfffu : ~3u));
	}
}

static void put_noise(struct nv *s, struct nvq *q, GRand *rnd)
{
	uint8_t *p = nv_at(s, q->sq + NVME_SQE * q->tail);

	for (unsigned i = 0; i < 16; i++)
		pci_set32(p + 4 * i,
			  g_rand_int(rnd) & (g_rand_boolean(rnd) ? UINT32_MAX : 0x1f001f));
	p[0] = (uint8_t)g_rand_int_range(rnd, 0, 14);
	p[1] &= g_rand_int_range(rnd, 0, 8) ? 0 : 0xff;
	pci_set32(p + 4, (uint32_t)g_rand_int_range(rnd, 0, 8) ? 1 : g_rand_int(rnd));
	le_store(p + 24, anywhere(rnd), 8);
	le_store(p + 32, anywhere(rnd), 8);
	q->tail = (q->tail + 1) % q->entries;
}

/* Commands of noise, doorbells of noise, registers of noise: it can always be brought back. */
static void noise(void)
{
	GRand *rnd = g_rand_new_with_seed(77);
	struct nv s;

	nv_init(&s);
	for (unsigned round = 0; round < 300; round++) {
		for (unsigned i = 0; i < 30; i++) {
			struct nvq *q = g_rand_boolean(rnd) ? &s.admin : &s.io;

			put_noise(&s, q, rnd);
			nv_doorbell(&s, q->id, false, q->tail);
			if (g_rand_int_range(rnd, 0, 10) == 0)
				nv_doorbell(&s, g_rand_int(rnd) & 7, g_rand_boolean(rnd),
					    g_rand_int(rnd) & 63);
			if (g_rand_int_range(rnd, 0, 40) == 0)
				nv_w(&s, g_rand_int(rnd) & 0x3c, g_rand_int(rnd), 4);
			for (unsigned id = 0; id < 2; id++) /* it is to have room */
				for (unsigned h = 0; h < 64; h += 5)
					nv_doorbell(&s, id, true, h);
		}
		for (unsigned i = 0; i < 1000; i++) /* let it come to some of it */
			nv_r(&s, NVME_CSTS, 4);
		end(&s, FLR);
		nv_place(&s);
		memset(s.mem, 0, NV_RAM_SIZE / 4);
		nv_enable(&s);
		nv_io_queue(&s, 64, 0);
		g_assert_cmphex(nv_io(&s, read_one()), ==, NVME_OK);
	}
	nv_fini(&s);
	g_rand_free(rnd);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/nvme-queue/turning", turning);
	g_test_add_func("/nvme-queue/batches", batches);
	g_test_add_func("/nvme-queue/full", full_queue);
	g_test_add_func("/nvme-queue/several", several);
	g_test_add_func("/nvme-queue/bus-master", bus_master);
	g_test_add_func("/nvme-queue/no-memory", no_memory);
	g_test_add_func("/nvme-queue/reset-under-load", reset_under_load);
	g_test_add_func("/nvme-queue/deleted", deleted_queue);
	g_test_add_func("/nvme-queue/noise", noise);
	g_test_add_func("/nvme-queue/unplugged", unplugged);
	return g_test_run();
}
