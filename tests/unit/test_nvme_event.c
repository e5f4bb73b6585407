// SPDX-License-Identifier: GPL-2.0-or-later
/* Asynchronous events of the NVMe controller, its error log, its temperature. */
#include "nvme_util.h"

static uint16_t request(struct nv *s)
{
	uint16_t cid = nv_put(s, &s->admin, (struct nvcmd){.dw0 = NVME_ADM_AER});

	nv_doorbell(s, 0, false, s->admin.tail);
	return cid;
}

static void set_feature(struct nv *s, unsigned id, uint32_t val)
{
	nv_put(s, &s->admin, (struct nvcmd){.dw0 = NVME_ADM_SET_FEATURES, .dw10 = id, .dw11 = val});
	nv_doorbell(s, 0, false, s->admin.tail);
}

static unsigned take(struct nv *s, uint16_t cid, uint32_t result)
{
	struct nvcqe e = nv_take(s, &s->admin);

	nv_doorbell(s, 0, true, s->admin.head);
	g_assert_cmphex(e.cid, ==, cid);
	g_assert_cmphex(e.result, ==, result);
	return e.status & NVME_STATUS;
}

static void read_log(struct nv *s, unsigned id, bool keep)
{
	g_assert_cmphex(nv_admin(s, (struct nvcmd){.dw0 = NVME_ADM_GET_LOG,
						   .prp1 = NV_DATA,
						   .dw10 = id | (unsigned)keep << 15 | 127u << 16}),
			==, NVME_OK);
}

static void bad_doorbell(struct nv *s)
{
	nv_doorbell(s, 4, false, 1);
}

#define DOORBELL_EVENT (NVME_LOG_ERROR << 16 | NVME_ERROR_DOORBELL_REG << 8 | NVME_EVENT_ERROR)
#define SMART_EVENT (NVME_LOG_SMART << 16 | NVME_SMART_TEMPERATURE << 8 | NVME_EVENT_SMART)

/* No more than the controller has said; none is completed by itself. */
static void limit(void)
{
	struct nv s;
	uint16_t first = 0, last = 0;

	nv_init(&s);
	for (unsigned i = 0; i < 5; i++) {
		last = request(&s);
		first = i ? first : last;
	}
	g_assert_cmphex(take(&s, last, 0), ==, NVME_AER_LIMIT);
	bad_doorbell(&s);
	g_assert_cmphex(take(&s, first, DOORBELL_EVENT), ==, NVME_OK);
	nv_disable(&s); /* the others are gone without a word */
	nv_enable(&s);
	bad_doorbell(&s);
	g_assert_cmphex(nv_admin(&s, (struct nvcmd){.dw0 = NVME_ADM_ABORT}), ==, NVME_OK);
	nv_fini(&s);
}

/* One event of a type until its log has been read, and then the next. */
static void masks(void)
{
	struct nv s;
	uint16_t a, b;

	nv_init(&s);
	bad_doorbell(&s); /* before anybody asks */
	bad_doorbell(&s);
	a = request(&s);
	g_assert_cmphex(take(&s, a, DOORBELL_EVENT), ==, NVME_OK);
	a = request(&s);
	b = request(&s);
	bad_doorbell(&s);
	read_log(&s, NVME_LOG_ERROR, true); /* looks without having seen */
	read_log(&s, NVME_LOG_SMART, false);
	nv_put(&s, &s.admin,
	       (struct nvcmd){.dw0 = NVME_ADM_GET_LOG,
			      .prp1 = NV_DATA,
			      .dw10 = NVME_LOG_ERROR | 127u << 16});
	nv_doorbell(&s, 0, false, s.admin.tail);
	g_assert_cmphex(take(&s, s.cid, 0), ==, NVME_OK);
	g_assert_cmphex(take(&s, a, DOORBELL_EVENT), ==, NVME_OK);
	set_feature(&s, NVME_FEAT_EVENTS, NVME_WARN_TEMPERATURE); /* another type has its own */
	g_assert_cmphex(take(&s, s.cid, 0), ==, NVME_OK);
	set_feature(&s, NVME_FEAT_TEMPERATURE, 300);
	g_assert_cmphex(take(&s, s.cid, 0), ==, NVME_OK);
	g_assert_cmphex(take(&s, b, SMART_EVENT), ==, NVME_OK);
	nv_fini(&s);
}

static void temperature(void)
{
	struct nv s;
	uint16_t a;

	nv_init(&s);
	a = request(&s);
	set_feature(&s, NVME_FEAT_TEMPERATURE, 1 << 20 | 330); /* too cold, but nobody listens */
	g_assert_cmphex(take(&s, s.cid, 0), ==, NVME_OK);
	read_log(&s, NVME_LOG_SMART, false);
	g_assert_cmphex(nv_at(&s, NV_DATA)[0], ==, NVME_WARN_TEMPERATURE);
	set_feature(&s, NVME_FEAT_EVENTS, 0xff);
	g_assert_cmphex(take(&s, s.cid, 0), ==, NVME_OK);
	g_assert_cmphex(take(&s, a, SMART_EVENT), ==, NVME_OK);
	set_feature(&s, NVME_FEAT_TEMPERATURE, 1 << 20 | 200);
	g_assert_cmphex(take(&s, s.cid, 0), ==, NVME_OK);
	read_log(&s, NVME_LOG_SMART, false);
	g_assert_cmphex(nv_at(&s, NV_DATA)[0], ==, 0);
	nv_fini(&s);
}

/* Errors of commands, the latest first, the oldest forgotten. */
static void error_log(void)
{
	const uint8_t *p;
	struct nvcqe e;
	struct nv s;

	nv_init(&s);
	p = nv_at(&s, NV_DATA);
	for (unsigned i = 0; i < 20; i++) {
		e = nv_do(&s, &s.io, nv_rw(NVME_IO_READ, 100 + i, 1, NV_HOLE, 0));
		g_assert_cmphex(e.status, ==, NVME_TRANSFER_ERROR | NVME_MORE);
	}
	e = nv_do(&s, &s.admin,
		  (struct nvcmd){.dw0 = NVME_ADM_GET_LOG,
				 .prp1 = NV_DATA,
				 .dw10 = NVME_LOG_ERROR | 255u << 16});
	g_assert_cmphex(e.status, ==, NVME_OK);
	for (unsigned i = 0; i < 16; i++) {
		g_assert_cmpuint(le_load(p + 64 * i, 8), ==, 20 - i);
		g_assert_cmphex(pci_get16(p + 64 * i + 8), ==, 1);
		g_assert_cmphex(pci_get16(p + 64 * i + 10), ==, s.cid - 1 - i);
		g_assert_cmphex(pci_get16(p + 64 * i + 12), ==, NVME_TRANSFER_ERROR << 1);
		g_assert_cmpuint(le_load(p + 64 * i + 16, 8), ==, 119 - i);
		g_assert_cmpuint(pci_get32(p + 64 * i + 24), ==, 1);
	}
	nv_fini(&s);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/nvme-event/limit", limit);
	g_test_add_func("/nvme-event/masks", masks);
	g_test_add_func("/nvme-event/temperature", temperature);
	g_test_add_func("/nvme-event/error-log", error_log);
	return g_test_run();
}
