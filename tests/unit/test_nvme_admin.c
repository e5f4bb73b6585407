// SPDX-License-Identifier: GPL-2.0-or-later
/* Admin commands of the NVMe controller: queues, with every way to ask for a wrong one; abort. */
#include "nvme_util.h"

static struct nvcmd delete_sq(unsigned id)
{
	return (struct nvcmd){.dw0 = NVME_ADM_DELETE_SQ, .dw10 = id};
}

static struct nvcmd delete_cq(unsigned id)
{
	return (struct nvcmd){.dw0 = NVME_ADM_DELETE_CQ, .dw10 = id};
}

/* A fresh controller with four pairs, none created. */
static void start(struct nv *s)
{
	nv_plug(s, &(struct nvme_conf){.id = "nv0", .size = NV_SIZE, .max_ioqpairs = 4});
	nv_enable(s);
}

static void unknown(void)
{
	static const uint8_t known[] = {0, 1, 2, 4, 5, 6, 8, 9, 0xa, 0xc};
	struct nv s;
	struct nvcqe e;

	start(&s);
	for (unsigned op = 0; op < 256; op++) {
		if (memchr(known, (int)op, sizeof(known)))
			continue;
		e = nv_do(&s, &s.admin, (struct nvcmd){.dw0 = op});
		g_assert_cmphex(e.status, ==, NVME_INVALID_OPCODE | NVME_DNR);
	}
	g_assert_cmphex(nv_admin(&s, (struct nvcmd){.dw0 = NVME_ADM_ABORT | 1 << 8}), ==,
			NVME_INVALID_FIELD); /* fused */
	g_assert_cmphex(nv_admin(&s, (struct nvcmd){.dw0 = NVME_ADM_ABORT | 1 << 14}), ==,
			NVME_INVALID_FIELD); /* SGL */
	nv_fini(&s);
}

static unsigned cq(struct nv *s, unsigned id, unsigned entries, unsigned flags, uint64_t prp)
{
	struct nvcmd c = nv_create_cq(id, entries, 0, flags);

	c.prp1 = prp;
	return nv_admin(s, c);
}

static unsigned sq(struct nv *s, unsigned id, unsigned entries, unsigned cqid, uint64_t prp)
{
	struct nvcmd c = nv_create_sq(id, entries, cqid);

	c.prp1 = prp;
	return nv_admin(s, c);
}

static void completion_queues(void)
{
	struct nv s;

	start(&s);
	g_assert_cmphex(cq(&s, 0, 16, 3, NV_DATA), ==, NVME_QID_INVALID);
	g_assert_cmphex(cq(&s, 5, 16, 3, NV_DATA), ==, NVME_QID_INVALID);
	g_assert_cmphex(cq(&s, 0xffff, 16, 3, NV_DATA), ==, NVME_QID_INVALID);
	g_assert_cmphex(cq(&s, 1, 1, 3, NV_DATA), ==, NVME_QSIZE_INVALID);
	g_assert_cmphex(cq(&s, 1, 2049, 3, NV_DATA), ==, NVME_QSIZE_INVALID);
	g_assert_cmphex(cq(&s, 1, 65536, 3, NV_DATA), ==, NVME_QSIZE_INVALID);
	g_assert_cmphex(cq(&s, 1, 16, 2, NV_DATA), ==, NVME_INVALID_FIELD);
	g_assert_cmphex(cq(&s, 1, 16, 3, NV_DATA + 16), ==, NVME_PRP_OFFSET);
	g_assert_cmphex(cq(&s, 1, 16, 3, 0), ==, NVME_PRP_OFFSET);
	g_assert_cmphex(nv_admin(&s, nv_create_cq(1, 16, 1, 3)), ==, NVME_VECTOR_INVALID);
	g_assert_cmphex(cq(&s, 1, 2048, 3, NV_DATA), ==, NVME_OK);
	g_assert_cmphex(cq(&s, 1, 16, 3, NV_DATA), ==, NVME_QID_INVALID); /* is there */
	g_assert_cmphex(cq(&s, 4, 2, 1, NV_DATA), ==, NVME_OK);
	g_assert_cmphex(nv_admin(&s, delete_cq(0)), ==, NVME_QID_INVALID);
	g_assert_cmphex(nv_admin(&s, delete_cq(2)), ==, NVME_QID_INVALID);
	g_assert_cmphex(nv_admin(&s, delete_cq(9)), ==, NVME_QID_INVALID);
	g_assert_cmphex(nv_admin(&s, delete_cq(4)), ==, NVME_OK);
	g_assert_cmphex(nv_admin(&s, delete_cq(4)), ==, NVME_QID_INVALID);
	nv_fini(&s);
}

static void submission_queues(void)
{
	struct nv s;

	start(&s);
	g_assert_cmphex(sq(&s, 1, 16, 1, NV_DATA), ==, NVME_CQ_INVALID);
	g_assert_cmphex(sq(&s, 1, 16, 0, NV_DATA), ==, NVME_QID_INVALID);
	g_assert_cmphex(sq(&s, 1, 16, 5, NV_DATA), ==, NVME_QID_INVALID);
	g_assert_cmphex(cq(&s, 2, 16, 3, NV_DATA), ==, NVME_OK);
	g_assert_cmphex(sq(&s, 0, 16, 2, NV_DATA), ==, NVME_QID_INVALID);
	g_assert_cmphex(sq(&s, 5, 16, 2, NV_DATA), ==, NVME_QID_INVALID);
	g_assert_cmphex(sq(&s, 1, 1, 2, NV_DATA), ==, NVME_QSIZE_INVALID);
	g_assert_cmphex(sq(&s, 1, 2049, 2, NV_DATA), ==, NVME_QSIZE_INVALID);
	g_assert_cmphex(sq(&s, 1, 16, 2, NV_DATA + 64), ==, NVME_PRP_OFFSET);
	g_assert_cmphex(sq(&s, 1, 16, 2, NV_DATA), ==, NVME_OK);
	g_assert_cmphex(sq(&s, 1, 16, 2, NV_DATA), ==, NVME_QID_INVALID);
	g_assert_cmphex(sq(&s, 3, 16, 2, NV_DATA), ==, NVME_OK); /* two share one */
	g_assert_cmphex(nv_admin(&s, delete_cq(2)), ==, NVME_QUEUE_DELETION);
	g_assert_cmphex(nv_admin(&s, delete_sq(2)), ==, NVME_QID_INVALID);
	g_assert_cmphex(nv_admin(&s, delete_sq(1)), ==, NVME_OK);
	g_assert_cmphex(nv_admin(&s, delete_cq(2)), ==, NVME_QUEUE_DELETION);
	g_assert_cmphex(nv_admin(&s, delete_sq(3)), ==, NVME_OK);
	g_assert_cmphex(nv_admin(&s, delete_sq(3)), ==, NVME_QID_INVALID);
	g_assert_cmphex(nv_admin(&s, delete_sq(0)), ==, NVME_QID_INVALID);
	g_assert_cmphex(nv_admin(&s, delete_cq(2)), ==, NVME_OK);
	nv_fini(&s);
}

/* Entry sizes are CC's, which must be those that there are. */
static void entry_sizes(void)
{
	struct nv s;

	start(&s);
	nv_w(&s, NVME_CC, 0x00550001, 4);
	g_assert_cmphex(cq(&s, 1, 16, 3, NV_DATA), ==, NVME_INVALID_FIELD);
	nv_w(&s, NVME_CC, 0x00450001, 4);
	g_assert_cmphex(cq(&s, 1, 16, 3, NV_DATA), ==, NVME_OK);
	g_assert_cmphex(sq(&s, 1, 16, 1, NV_DATA), ==, NVME_INVALID_FIELD);
	nv_w(&s, NVME_CC, 0x00460001, 4);
	g_assert_cmphex(sq(&s, 1, 16, 1, NV_DATA), ==, NVME_OK);
	nv_fini(&s);
}

static void aborting(void)
{
	struct nv s;
	uint16_t cid;
	struct nvcqe e;

	start(&s);
	cid = nv_put(&s, &s.admin, (struct nvcmd){.dw0 = NVME_ADM_AER});
	nv_doorbell(&s, 0, false, s.admin.tail);
	e = nv_do(&s, &s.admin,
		  (struct nvcmd){.dw0 = NVME_ADM_ABORT, .dw10 = (uint32_t)(cid + 1) << 16});
	g_assert_cmphex(e.result, ==, 1); /* not aborted */
	e = nv_do(&s, &s.admin,
		  (struct nvcmd){.dw0 = NVME_ADM_ABORT, .dw10 = (uint32_t)cid << 16 | 1});
	g_assert_cmphex(e.result, ==, 1);
	nv_put(&s, &s.admin, (struct nvcmd){.dw0 = NVME_ADM_ABORT, .dw10 = (uint32_t)cid << 16});
	nv_doorbell(&s, 0, false, s.admin.tail);
	e = nv_take(&s, &s.admin);
	g_assert_cmphex(e.cid, ==, cid);
	g_assert_cmphex(e.status, ==, NVME_ABORTED);
	e = nv_take(&s, &s.admin);
	g_assert_cmphex(e.cid, ==, s.cid);
	g_assert_cmphex(e.status, ==, NVME_OK);
	g_assert_cmphex(e.result, ==, 0);
	nv_fini(&s);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/nvme-admin/unknown", unknown);
	g_test_add_func("/nvme-admin/completion-queues", completion_queues);
	g_test_add_func("/nvme-admin/submission-queues", submission_queues);
	g_test_add_func("/nvme-admin/entry-sizes", entry_sizes);
	g_test_add_func("/nvme-admin/abort", aborting);
	return g_test_run();
}
