// SPDX-License-Identifier: GPL-2.0-or-later
/* The NVMe controller as a PCI device: registers, enabling, resets, doorbells, interrupts. */
#include <errno.h>

#include "nvme_util.h"

#define EXP 0x80

static const struct nvme_conf plain = {.id = "nv0", .size = NV_SIZE, .max_ioqpairs = 64};

static void identity(void)
{
	struct nv s;

	nv_plug(&s, &plain);
	g_assert_cmphex(cfg_r(&s.b, NV, 0, 4), ==, 0x00101b36);
	g_assert_cmphex(cfg_r(&s.b, NV, PCI_CLASS_REVISION, 4) >> 8, ==, 0x010802);
	g_assert_cmphex(cfg_r(&s.b, NV, PCI_BASE_ADDRESS_0, 4), ==, NV_BAR | 4);
	cfg_w(&s.b, NV, PCI_BASE_ADDRESS_0, UINT32_MAX, 4);
	cfg_w(&s.b, NV, PCI_BASE_ADDRESS_1, UINT32_MAX, 4);
	g_assert_cmphex(cfg_r(&s.b, NV, PCI_BASE_ADDRESS_0, 4), ==, 0xffffc004);
	g_assert_cmphex(cfg_r(&s.b, NV, PCI_BASE_ADDRESS_1, 4), ==, UINT32_MAX);
	nv_place(&s);
	g_assert_cmphex(pci_cap_find(s.d->cfg, PCI_CAP_ID_EXP), ==, EXP);
	g_assert_cmphex(pci_cap_find(s.d->cfg, PCI_CAP_ID_PM), ==, 0x40);
	g_assert_cmphex(pci_cap_find(s.d->cfg, PCI_CAP_ID_MSI), ==, 0x50);
	g_assert_cmphex(cfg_r(&s.b, NV, 0x72, 2), ==, 64); /* MSI-X: 65 vectors */
	g_assert_cmphex(cfg_r(&s.b, NV, 0x74, 4), ==, 0x2000);
	g_assert_cmphex(cfg_r(&s.b, NV, 0x78, 4), ==, 0x3000);
	g_assert_cmphex(nv_r(&s, 0x2000 + 16 * 64 + 12, 4), ==, 1);
	nv_fini(&s);
}

static void registers(void)
{
	struct nv s;

	nv_plug(&s, &plain);
	g_assert_cmphex(nv_r(&s, NVME_CAP, 8), ==, 0x004000200f0107ff);
	g_assert_cmphex(nv_r(&s, NVME_CAP + 4, 4), ==, 0x00400020);
	g_assert_cmphex(nv_r(&s, NVME_VS, 4), ==, 0x00010400);
	nv_w(&s, NVME_AQA, UINT32_MAX, 4);
	g_assert_cmphex(nv_r(&s, NVME_AQA, 4), ==, 0x0fff0fff);
	nv_w(&s, NVME_ASQ, 0x123456789abcdef0, 8);
	g_assert_cmphex(nv_r(&s, NVME_ASQ, 8), ==, 0x123456789abcd000);
	nv_w(&s, NVME_ACQ + 4, 0x55, 4);
	nv_w(&s, NVME_ACQ, 0xfff, 4);
	g_assert_cmphex(nv_r(&s, NVME_ACQ, 8), ==, 0x5500000000);
	nv_w(&s, NVME_INTMS, 0xf0, 4);
	nv_w(&s, NVME_INTMC, 0x30, 4);
	g_assert_cmphex(nv_r(&s, NVME_INTMS, 4), ==, 0xc0);
	nv_w(&s, NVME_VS, 0, 4);
	nv_w(&s, NVME_CAP, 0, 8);
	nv_w(&s, NVME_CSTS, UINT32_MAX, 4);
	g_assert_cmphex(nv_r(&s, NVME_CSTS, 4), ==, 0);
	for (unsigned off = 0; off < 0x4000; off += 3) /* any size and place; nothing comes of it */
		for (unsigned len = 1; len <= 8; len++) {
			nv_r(&s, off, len);
			if (!pci_hits(off, len, NVME_CC, 4))
				nv_w(&s, off, 0x5a5a5a5a5a5a5a5a, len);
		}
	g_assert_cmphex(nv_r(&s, NVME_CSTS, 4), ==, 0);
	g_assert_cmphex(nv_r(&s, NVME_DOORBELLS, 4), ==, 0);
	nv_fini(&s);
}

static void enabling(void)
{
	struct nv s;

	nv_plug(&s, &plain);
	for (unsigned mps = 0; mps <= 4; mps++) {
		nv_enable_mps(&s, mps);
		g_assert_cmphex(nv_admin(&s, (struct nvcmd){.dw0 = NVME_ADM_ABORT}), ==, NVME_OK);
		nv_disable(&s);
		g_assert_cmphex(nv_r(&s, NVME_ASQ, 8), ==, NV_ASQ); /* the queues' places stay */
		g_assert_cmphex(nv_r(&s, NVME_AQA, 4), ==, 0x000f000f);
	}
	nv_fini(&s);
}

/* What the controller cannot be enabled with; a disable makes it well again. */
static void bad_enabling(void)
{
	static const struct {
		uint32_t cc, aqa;
		uint64_t asq, acq;
	} bad[] = {
		{0x00460281 | 0, 0x000f000f, NV_ASQ, NV_ACQ}, /* pages of 128 KiB */
		{0x00460011, 0x000f000f, NV_ASQ, NV_ACQ},     /* another command set */
		{0x00460801, 0x000f000f, NV_ASQ, NV_ACQ},     /* weighted arbitration */
		{0x00460001, 0x000f0000, NV_ASQ, NV_ACQ},     /* one entry */
		{0x00460001, 0x0000000f, NV_ASQ, NV_ACQ},
		{0x00460201, 0x000f000f, NV_ASQ + 0x1000, NV_ACQ}, /* not at a page of 64 KiB */
		{0x00460201, 0x000f000f, NV_ASQ, NV_ACQ + 0x8000},
	};
	struct nv s;

	nv_plug(&s, &plain);
	for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
		nv_w(&s, NVME_AQA, bad[i].aqa, 4);
		nv_w(&s, NVME_ASQ, bad[i].asq, 8);
		nv_w(&s, NVME_ACQ, bad[i].acq, 8);
		nv_w(&s, NVME_CC, bad[i].cc, 4);
		nv_wait(&s, NVME_CSTS, UINT32_MAX, NVME_CSTS_CFS);
		nv_disable(&s);
	}
	nv_enable(&s);
	nv_fini(&s);
}

static void shutdown(void)
{
	struct nv s;

	nv_init(&s);
	for (uint32_t how = 1; how <= 2; how++) {
		nv_w(&s, NVME_CC, 0x00460001 | how << 14, 4);
		nv_wait(&s, NVME_CSTS, UINT32_MAX, NVME_CSTS_RDY | NVME_CSTS_SHST_DONE);
		nv_w(&s, NVME_CC, 0x00460000, 4);
		nv_wait(&s, NVME_CSTS, UINT32_MAX, 0);
		nv_enable(&s);
	}
	nv_disable(&s);
	nv_w(&s, NVME_CC, 1u << 14, 4); /* of a disabled one */
	nv_wait(&s, NVME_CSTS, UINT32_MAX, NVME_CSTS_SHST_DONE);
	nv_w(&s, NVME_CC, 0, 4);
	nv_wait(&s, NVME_CSTS, UINT32_MAX, 0);
	nv_enable(&s);
	nv_w(&s, NVME_CC, 1u << 14, 4); /* both at once */
	nv_wait(&s, NVME_CSTS, UINT32_MAX, NVME_CSTS_SHST_DONE);
	nv_fini(&s);
}

static void forgets_queues(struct nv *s)
{
	nv_enable(s);
	g_assert_cmphex(nv_admin(s, nv_create_sq(1, 16, 1)), ==, NVME_CQ_INVALID);
	nv_io_queue(s, 64, 0);
	g_assert_cmphex(nv_io(s, nv_rw(NVME_IO_READ, 0, 1, NV_DATA, 0)), ==, NVME_OK);
}

static void resets(void)
{
	struct nv s;

	nv_init(&s);
	nv_disable(&s);
	forgets_queues(&s);
	nv_w(&s, NVME_CC, 0x00460000, 4); /* off and on before anybody could look */
	nv_w(&s, NVME_CC, 0x00460001, 4);
	nv_wait(&s, NVME_CSTS, UINT32_MAX, NVME_CSTS_RDY);
	nv_disable(&s);
	forgets_queues(&s);
	cfg_w(&s.b, NV, EXP + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
	g_assert_cmphex(cfg_r(&s.b, NV, PCI_COMMAND, 2), ==, 0);
	nv_place(&s);
	g_assert_cmphex(nv_r(&s, NVME_CC, 8), ==, 0);
	g_assert_cmphex(nv_r(&s, NVME_CSTS, 4), ==, 0);
	g_assert_cmphex(nv_r(&s, NVME_ASQ, 8), ==, 0);
	forgets_queues(&s);
	pcihost_reset(&s.b.host);
	nv_place(&s);
	g_assert_cmphex(nv_r(&s, NVME_CSTS, 4), ==, 0);
	forgets_queues(&s);
	nv_fini(&s);
}

/* Doorbells that are wrong in every way: the controller goes on, and tells of it. */
static void bad_doorbells(void)
{
	static const struct {
		unsigned off;
		uint32_t val;
		unsigned info;
	} bad[] = {
		{0x1000 + 8 * 2, 1, 0},                          /* no such queue */
		{0x1000 + 8 * 2 + 4, 0, 0},                      /* neither */
		{0x1000 + 8 * 200, 1, 0},                        /* past the last */
		{0x1ffc, UINT32_MAX, 0},    {0x1000 + 8, 64, 1}, /* past the queue's end */
		{0x1000 + 8, 0xffff, 1},    {0x1000 + 8 + 4, 64, 1},
		{0x1000 + 8 + 4, 1, 1}, /* nothing was given there */
		{0x1000 + 4, 9, 1},
	};
	struct nv s;

	nv_plug(&s, &plain);
	nv_doorbell(&s, 0, false, 1); /* not enabled */
	nv_enable(&s);
	nv_io_queue(&s, 64, 0);
	for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
		struct nvcqe e;
		uint16_t cid = nv_put(&s, &s.admin, (struct nvcmd){.dw0 = NVME_ADM_AER});

		nv_doorbell(&s, 0, false, s.admin.tail);
		nv_w(&s, bad[i].off, bad[i].val, 4);
		e = nv_take(&s, &s.admin);
		nv_doorbell(&s, 0, true, s.admin.head);
		g_assert_cmphex(e.cid, ==, cid);
		g_assert_cmphex(e.result, ==, NVME_LOG_ERROR << 16 | bad[i].info << 8);
		g_assert_cmphex(nv_admin(&s, (struct nvcmd){.dw0 = NVME_ADM_GET_LOG,
							    .prp1 = NV_DATA,
							    .dw10 = NVME_LOG_ERROR | 15 << 16}),
				==, NVME_OK);
		g_assert_cmpuint(nv_at(&s, NV_DATA)[0], ==, i + 1);
		g_assert_cmphex(pci_get16(nv_at(&s, NV_DATA + 8)), ==, 0xffff);
	}
	nv_w(&s, 0x1008, 5, 2); /* wrong sizes are no doorbells */
	nv_w(&s, 0x1008, 5, 8);
	g_assert_cmphex(nv_io(&s, nv_rw(NVME_IO_READ, 0, 1, NV_DATA, 0)), ==, NVME_OK);
	g_assert_cmphex(nv_r(&s, NVME_CSTS, 4), ==, NVME_CSTS_RDY);
	nv_fini(&s);
}

/* --- interrupts --- */

static struct nvcmd read_one(void)
{
	return nv_rw(NVME_IO_READ, 0, 1, NV_DATA, 0);
}

static void submit(struct nv *s, struct nvq *q, struct nvcmd c)
{
	nv_put(s, q, c);
	nv_doorbell(s, q->id, false, q->tail);
}

static void take(struct nv *s, struct nvq *q)
{
	nv_take(s, q);
	nv_doorbell(s, q->id, true, q->head);
}

/* The level stays while there is something to take, but for the mask. */
static void pin(void)
{
	unsigned edges;
	struct nv s;

	nv_init(&s);
	g_assert_false(s.b.pin[1][0]);
	edges = s.b.edges;
	submit(&s, &s.io, read_one());
	pb_wait(&s.b.edges, edges + 1);
	g_assert_true(s.b.pin[1][0]);
	nv_w(&s, NVME_INTMS, 1, 4);
	g_assert_false(s.b.pin[1][0]);
	nv_w(&s, NVME_INTMC, 1, 4);
	g_assert_true(s.b.pin[1][0]);
	submit(&s, &s.io, read_one());
	nv_take(&s, &s.io);
	nv_take(&s, &s.io); /* both are there before the first is given back */
	nv_doorbell(&s, 1, true, s.io.head - 1);
	g_assert_true(s.b.pin[1][0]);
	nv_doorbell(&s, 1, true, s.io.head);
	g_assert_false(s.b.pin[1][0]);
	submit(&s, &s.io, read_one());
	pb_wait(&s.b.edges, edges + 5);
	cfg_w(&s.b, NV, EXP + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
	g_assert_false(s.b.pin[1][0]);
	g_assert_cmpuint(s.b.msis, ==, 0);
	nv_fini(&s);
}

static void msix_vector(struct nv *s, unsigned nr, bool masked)
{
	nv_w(s, 0x2000 + 16 * nr, 0xfee00000, 8);
	nv_w(s, 0x2000 + 16 * nr + 8, 0x40 + nr, 4);
	nv_w(s, 0x2000 + 16 * nr + 12, masked, 4);
}

static void msix(void)
{
	unsigned edges, n;
	struct nv s;

	nv_plug(&s, &plain);
	nv_enable(&s);
	msix_vector(&s, 0, false);
	msix_vector(&s, 64, false);
	cfg_w(&s.b, NV, 0x72, PCI_MSIX_FLAGS_ENABLE, 2);
	g_assert_cmphex(nv_admin(&s, nv_create_cq(1, 16, 65, 3)), ==, NVME_VECTOR_INVALID);
	nv_io_queue(&s, 64, 64);
	pb_wait(&s.b.msis, 3); /* of the admin commands */
	edges = s.b.edges;
	n = s.b.msis;
	submit(&s, &s.io, read_one());
	pb_wait(&s.b.msis, n + 1);
	g_assert_cmphex(s.b.last.data, ==, 0x80);
	take(&s, &s.io);
	msix_vector(&s, 64, true);
	g_assert_cmphex(nv_io(&s, read_one()), ==, NVME_OK);
	nv_w(&s, NVME_INTMS, UINT32_MAX, 4); /* not for MSI-X */
	g_assert_cmpuint(s.b.msis, ==, n + 1);
	for (gint64 end = g_get_monotonic_time() + 10000000; !(nv_r(&s, 0x3008, 1) & 1);) {
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		g_thread_yield();
	}
	msix_vector(&s, 64, false);
	g_assert_cmpuint(s.b.msis, ==, n + 2);
	g_assert_cmpuint(s.b.edges, ==, edges);
	nv_fini(&s);
}

static void msi(void)
{
	unsigned n;
	struct nv s;

	nv_plug(&s, &plain);
	cfg_w(&s.b, NV, 0x54, 0xfee00000, 4);
	cfg_w(&s.b, NV, 0x5c, 0x40, 2);
	cfg_w(&s.b, NV, 0x52, PCI_MSI_FLAGS_ENABLE | 2 << 4, 2);
	nv_enable(&s);
	g_assert_cmphex(nv_admin(&s, nv_create_cq(1, 16, 32, 3)), ==, NVME_VECTOR_INVALID);
	nv_io_queue(&s, 64, 3);
	pb_wait(&s.b.msis, 3);
	n = s.b.msis;
	submit(&s, &s.io, read_one());
	pb_wait(&s.b.msis, n + 1);
	g_assert_cmphex(s.b.last.data, ==, 0x43);
	take(&s, &s.io);
	nv_w(&s, NVME_INTMS, 8, 4);
	submit(&s, &s.io, read_one());
	nv_take(&s, &s.io);
	nv_w(&s, NVME_INTMC, 8, 4); /* what waits comes now */
	nv_doorbell(&s, 1, true, s.io.head);
	pb_wait(&s.b.msis, n + 2);
	nv_w(&s, NVME_INTMS, 8, 4);
	nv_w(&s, NVME_INTMC, 8, 4); /* nothing waits */
	g_assert_cmpuint(s.b.msis, ==, n + 2);
	g_assert_cmpuint(s.b.edges, ==, 0);
	nv_fini(&s);
}

/* Writing where another has the enable bit and the table changes nothing. */
static void no_msix(void)
{
	const struct nvme_conf conf = {
		.id = "nv0", .size = NV_SIZE, .max_ioqpairs = 64, .no_msix = true};
	struct nv s;

	nv_plug(&s, &conf);
	g_assert_cmphex(pci_cap_find(s.d->cfg, PCI_CAP_ID_MSIX), ==, 0);
	g_assert_cmphex(pci_cap_find(s.d->cfg, PCI_CAP_ID_MSI), ==, 0x50);
	cfg_w(&s.b, NV, 0x72, PCI_MSIX_FLAGS_ENABLE, 2);
	g_assert_cmphex(cfg_r(&s.b, NV, 0x70, 4), ==, 0);
	g_assert_cmphex(nv_r(&s, 0x2000 + 12, 4), ==, 0);
	nv_enable(&s);
	g_assert_cmphex(nv_admin(&s, nv_create_cq(1, 16, 1, 3)), ==, NVME_VECTOR_INVALID);
	cfg_w(&s.b, NV, 0x52, PCI_MSI_FLAGS_ENABLE, 2);
	nv_io_queue(&s, 64, 3);
	nv_fini(&s);
}

/* --- set-up --- */

static void refused(const struct nvme_conf *conf, int code, const char *text, const char *hint)
{
	struct err *e = NULL;
	struct pcidev *d;

	g_assert_cmpint(pci_nvme_new(&d, conf, &e), ==, code);
	if (!strstr(err_text(e), text))
		g_error("no '%s' in: %s", text, err_text(e));
	if (!strstr(err_hints(e), hint))
		g_error("no '%s' in: %s", hint, err_hints(e));
	err_free(e);
}

static void configurations(void)
{
	static const char *const serials[] = {"", "123456789012345678901", "a\tb", "\xc3\xa4"};
	struct nvme_conf c = plain;

	c.max_ioqpairs = 0;
	refused(&c, -EINVAL, "nv0: max_ioqpairs=0", "from 1 to 255");
	c.max_ioqpairs = 256;
	refused(&c, -EINVAL, "nv0: max_ioqpairs=256", "from 1 to 255");
	c = plain;
	c.size = 0;
	refused(&c, -EINVAL, "nv0: it has nothing", "drive=FILE, or size=64M");
	c.size = 1000;
	refused(&c, -EINVAL, "nv0: 1000 bytes", "multiple of 512");
	c.size = 0;
	c.file = "/nowhere/disk";
	refused(&c, -ENOENT, "nv0: open the image /nowhere/disk", "truncate");
	c = plain;
	for (unsigned i = 0; i < G_N_ELEMENTS(serials); i++) {
		c.serial = serials[i];
		refused(&c, -EINVAL, "serial '", "1 to 20 printable");
	}
	c.id = c.serial = NULL;
	refused(&c, -EINVAL, "nvme: it has neither", "serial=");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/nvme/identity", identity);
	g_test_add_func("/nvme/registers", registers);
	g_test_add_func("/nvme/enabling", enabling);
	g_test_add_func("/nvme/bad-enabling", bad_enabling);
	g_test_add_func("/nvme/shutdown", shutdown);
	g_test_add_func("/nvme/resets", resets);
	g_test_add_func("/nvme/bad-doorbells", bad_doorbells);
	g_test_add_func("/nvme/pin", pin);
	g_test_add_func("/nvme/msix", msix);
	g_test_add_func("/nvme/msi", msi);
	g_test_add_func("/nvme/no-msix", no_msix);
	g_test_add_func("/nvme/configurations", configurations);
	return g_test_run();
}
