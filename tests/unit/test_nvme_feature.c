// SPDX-License-Identifier: GPL-2.0-or-later
/* Features of the NVMe controller: what they begin with, may be, and are after a reset. */
#include "nvme_util.h"

#define BAD UINT32_MAX

static void start(struct nv *s)
{
	nv_plug(s, &(struct nvme_conf){.id = "nv0", .size = NV_SIZE, .max_ioqpairs = 4});
	nv_enable(s);
}

static struct nvcqe get(struct nv *s, unsigned id, unsigned sel, uint32_t nsid, uint32_t dw11)
{
	return nv_do(s, &s->admin,
		     (struct nvcmd){.dw0 = NVME_ADM_GET_FEATURES,
				    .nsid = nsid,
				    .dw10 = id | sel << 8,
				    .dw11 = dw11});
}

/* The value, BAD where there is an error. */
static uint32_t value(struct nv *s, unsigned id, unsigned sel)
{
	struct nvcqe e = get(s, id, sel, 1, 0);

	return e.status ? BAD : e.result;
}

static struct nvcqe set_ns(struct nv *s, unsigned id, uint32_t nsid, uint32_t val)
{
	return nv_do(s, &s->admin,
		     (struct nvcmd){
			     .dw0 = NVME_ADM_SET_FEATURES, .nsid = nsid, .dw10 = id, .dw11 = val});
}

static unsigned set(struct nv *s, unsigned id, uint32_t val)
{
	return set_ns(s, id, id == NVME_FEAT_ERROR_RECOVERY ? 1 : 0, val).status & NVME_STATUS;
}

static const struct {
	unsigned id, def, val, got, caps;
} plain[] = {
	{NVME_FEAT_ARBITRATION, 3, 0x010203ff, 0x01020307, 4},
	{NVME_FEAT_POWER, 0, 0x20, 0x20, 4},
	{NVME_FEAT_ERROR_RECOVERY, 0, 0x1234, 0x1234, 6},
	{NVME_FEAT_WRITE_CACHE, 1, 0xfffffffe, 0, 4},
	{NVME_FEAT_COALESCING, 0, 0x12345, 0x2345, 4},
	{NVME_FEAT_ATOMICITY, 0, 1, 1, 4},
	{NVME_FEAT_EVENTS, 0, 0xffff, 0xff, 4},
};

static void values(void)
{
	struct nv s;

	start(&s);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < G_N_ELEMENTS(plain); i++) {
			unsigned id = plain[i].id;

			g_assert_cmphex(value(&s, id, 0), ==, plain[i].def);
			g_assert_cmphex(set(&s, id, plain[i].val), ==, NVME_OK);
			g_assert_cmphex(value(&s, id, 0), ==, plain[i].got);
			g_assert_cmphex(value(&s, id, 1), ==, plain[i].def);
			g_assert_cmphex(value(&s, id, 2), ==, plain[i].def);
			g_assert_cmphex(value(&s, id, 3), ==, plain[i].caps);
			g_assert_cmphex(value(&s, id, 4), ==, BAD);
		}
		nv_disable(&s); /* forgets all of it */
		nv_enable(&s);
	}
	nv_fini(&s);
}

static void refusals(void)
{
	struct nvcqe e;
	struct nv s;

	start(&s);
	g_assert_cmphex(set(&s, NVME_FEAT_POWER, 1), ==, NVME_INVALID_FIELD);
	g_assert_cmphex(set(&s, NVME_FEAT_ERROR_RECOVERY, 1 << 16), ==, NVME_INVALID_FIELD);
	g_assert_cmphex(set(&s, NVME_FEAT_POWER | 1u << 31, 0), ==, NVME_NOT_SAVEABLE);
	e = set_ns(&s, NVME_FEAT_POWER, 1, 0);
	g_assert_cmphex(e.status & NVME_STATUS, ==, NVME_FEATURE_NOT_NS);
	e = set_ns(&s, NVME_FEAT_POWER, 2, 0);
	g_assert_cmphex(e.status & NVME_STATUS, ==, NVME_INVALID_NS);
	e = set_ns(&s, NVME_FEAT_ERROR_RECOVERY, 0, 0);
	g_assert_cmphex(e.status & NVME_STATUS, ==, NVME_INVALID_NS);
	e = set_ns(&s, NVME_FEAT_ERROR_RECOVERY, NVME_NSID_ALL, 0);
	g_assert_cmphex(e.status, ==, NVME_OK);
	e = get(&s, NVME_FEAT_ERROR_RECOVERY, 0, 0, 0);
	g_assert_cmphex(e.status & NVME_STATUS, ==, NVME_INVALID_NS);
	for (unsigned id = 0; id < 256; id++) {
		if (id && id <= NVME_FEAT_EVENTS && id != 3)
			continue;
		g_assert_cmphex(set(&s, id, 0), ==, NVME_INVALID_FIELD);
		e = get(&s, id, 0, 0, 0);
		g_assert_cmphex(e.status & NVME_STATUS, ==, NVME_INVALID_FIELD);
		g_assert_cmphex(e.result, ==, 0);
	}
	nv_fini(&s);
}

static void queues(void)
{
	struct nvcqe e;
	struct nv s;

	start(&s);
	g_assert_cmphex(value(&s, NVME_FEAT_QUEUES, 0), ==, 0x00030003);
	e = set_ns(&s, NVME_FEAT_QUEUES, 0, 0);
	g_assert_cmphex(e.status, ==, NVME_OK);
	g_assert_cmphex(e.result, ==, 0x00030003);
	e = set_ns(&s, NVME_FEAT_QUEUES, 0, 0xfffefffe);
	g_assert_cmphex(e.result, ==, 0x00030003);
	g_assert_cmphex(set(&s, NVME_FEAT_QUEUES, 0xffff), ==, NVME_INVALID_FIELD);
	g_assert_cmphex(set(&s, NVME_FEAT_QUEUES, 0xffff0000), ==, NVME_INVALID_FIELD);
	nv_io_queue(&s, 16, 0);
	g_assert_cmphex(set(&s, NVME_FEAT_QUEUES, 0x00010001), ==, NVME_SEQUENCE_ERROR);
	nv_fini(&s);
}

static void vectors(void)
{
	struct nv s;

	start(&s);
	g_assert_cmphex(set(&s, NVME_FEAT_VECTOR, 1 << 16 | 4), ==, NVME_OK);
	g_assert_cmphex(get(&s, NVME_FEAT_VECTOR, 0, 0, 4).result, ==, 1 << 16 | 4);
	g_assert_cmphex(get(&s, NVME_FEAT_VECTOR, 1, 0, 4).result, ==, 4);
	g_assert_cmphex(get(&s, NVME_FEAT_VECTOR, 0, 0, 3).result, ==, 3);
	g_assert_cmphex(set(&s, NVME_FEAT_VECTOR, 5), ==, NVME_INVALID_FIELD);
	g_assert_cmphex(set(&s, NVME_FEAT_VECTOR, 0xffff), ==, NVME_INVALID_FIELD);
	g_assert_cmphex(get(&s, NVME_FEAT_VECTOR, 0, 0, 5).status & NVME_STATUS, ==,
			NVME_INVALID_FIELD);
	g_assert_cmphex(value(&s, NVME_FEAT_VECTOR, 3), ==, 4);
	nv_fini(&s);
}

static void thresholds(void)
{
	struct nv s;

	start(&s);
	g_assert_cmphex(value(&s, NVME_FEAT_TEMPERATURE, 0), ==, 343);
	g_assert_cmphex(set(&s, NVME_FEAT_TEMPERATURE, 350), ==, NVME_OK);
	g_assert_cmphex(set(&s, NVME_FEAT_TEMPERATURE, 1 << 20 | 0xf << 16 | 280), ==, NVME_OK);
	g_assert_cmphex(value(&s, NVME_FEAT_TEMPERATURE, 0), ==, 350);
	g_assert_cmphex(value(&s, NVME_FEAT_TEMPERATURE, 1), ==, 343);
	g_assert_cmphex(get(&s, NVME_FEAT_TEMPERATURE, 0, 0, 1 << 20).result, ==, 280);
	g_assert_cmphex(get(&s, NVME_FEAT_TEMPERATURE, 1, 0, 1 << 20).result, ==, 0);
	g_assert_cmphex(set(&s, NVME_FEAT_TEMPERATURE, 2 << 20), ==, NVME_INVALID_FIELD);
	g_assert_cmphex(set(&s, NVME_FEAT_TEMPERATURE, 1 << 16), ==, NVME_INVALID_FIELD);
	nv_fini(&s);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/nvme-feature/values", values);
	g_test_add_func("/nvme-feature/refusals", refusals);
	g_test_add_func("/nvme-feature/queues", queues);
	g_test_add_func("/nvme-feature/vectors", vectors);
	g_test_add_func("/nvme-feature/thresholds", thresholds);
	return g_test_run();
}
