// SPDX-License-Identifier: GPL-2.0-or-later
/* The controller memory buffer and the persistent memory region: registers, BARs, DMA within. */
#include <errno.h>

#include "mem/ram.h"
#include "nvme_util.h"

#define MIB (1ull << 20)
#define CMB 0xd0000000u
#define PMR 0xd8000000u
#define CMB_SIZE (2 * MIB)
#define PMR_SIZE 0x10000u
#define LENT 0x123400000000ull /* where the controller finds it; nothing is there on the bus */

struct lender {
	struct nv s;
	struct ram pmr;
};

static void place(struct lender *l)
{
	nv_place(&l->s);
	cfg_w(&l->s.b, NV, PCI_BASE_ADDRESS_2, CMB, 4);
	cfg_w(&l->s.b, NV, PCI_BASE_ADDRESS_4, PMR, 4);
}

static void lender_init(struct lender *l)
{
	struct nvme_conf conf = {.id = "nv0",
				 .size = NV_SIZE,
				 .max_ioqpairs = 4,
				 .cmb_size_mb = CMB_SIZE / MIB,
				 .pmr = &l->pmr.region};

	memset(l, 0, sizeof(*l));
	g_assert_cmpint(ram_init(&l->pmr, "pmr", PMR_SIZE, NULL), ==, 0);
	nv_plug(&l->s, &conf);
	place(l);
}

static void lender_fini(struct lender *l)
{
	nv_fini(&l->s);
	ram_fini(&l->pmr);
}

static uint64_t at(struct lender *l, uint64_t addr, unsigned len)
{
	return aspace_read(l->s.b.mem, addr, len);
}

static void put(struct lender *l, uint64_t addr, uint64_t val, unsigned len)
{
	aspace_write(l->s.b.mem, addr, val, len);
}

static void capabilities(void)
{
	struct lender l;
	struct nv plain;

	lender_init(&l);
	g_assert_cmphex(nv_r(&l.s, NVME_CAP, 8), ==, 0x034000200f0107ff);
	g_assert_cmphex(nv_r(&l.s, NVME_CAP, 4), ==, 0x0f0107ff);
	g_assert_cmphex(nv_r(&l.s, NVME_CAP + 4, 4), ==, 0x03400020);
	g_assert_cmphex(cfg_r(&l.s.b, NV, PCI_BASE_ADDRESS_2, 4) & 15, ==, PREF64);
	g_assert_cmphex(cfg_r(&l.s.b, NV, PCI_BASE_ADDRESS_4, 4) & 15, ==, PREF64);
	lender_fini(&l);
	nv_plug(&plain, &(struct nvme_conf){.id = "n", .size = NV_SIZE, .max_ioqpairs = 4});
	nv_w(&plain, NVME_CMBMSC, 3, 8);
	nv_w(&plain, NVME_PMRCTL, 1, 4);
	for (unsigned off = NVME_CMBLOC; off < NVME_DOORBELLS; off += 4)
		g_assert_cmphex(nv_r(&plain, off, 4), ==, 0);
	nv_fini(&plain);
}

/* BAR 2 is memory; its registers show when the host asked for them. */
static void buffer(void)
{
	struct lender l;

	lender_init(&l);
	put(&l, CMB, 0xccbbaa99, 4);
	g_assert_cmphex(at(&l, CMB, 1), ==, 0x99);
	g_assert_cmphex(at(&l, CMB, 2), ==, 0xaa99);
	put(&l, CMB + CMB_SIZE - 1, 0x44332211, 4); /* over its end */
	g_assert_cmphex(at(&l, CMB + CMB_SIZE - 1, 1), ==, 0x11);
	g_assert_cmphex(at(&l, CMB + CMB_SIZE - 1, 2), ==, 0xff11);
	g_assert_cmphex(at(&l, CMB + CMB_SIZE - 1, 4), ==, 0xffffff11);
	g_assert_cmphex(nv_r(&l.s, NVME_CMBLOC, 8), ==, 0);
	nv_w(&l.s, NVME_CMBMSC, 1, 4);
	g_assert_cmphex(nv_r(&l.s, NVME_CMBLOC, 4), ==, 0x62);
	g_assert_cmphex(nv_r(&l.s, NVME_CMBSZ, 4), ==, 0x221d);
	nv_w(&l.s, NVME_CMBSZ, 0, 4);
	g_assert_cmphex(nv_r(&l.s, NVME_CMBSZ, 4), ==, 0x221d);
	nv_w(&l.s, NVME_CMBMSC, 0xfffffffffffff003, 8);
	g_assert_cmphex(nv_r(&l.s, NVME_CMBMSC, 8), ==, 0xfffffffffffff003);
	g_assert_cmphex(nv_r(&l.s, NVME_CMBSTS, 4), ==, 1); /* no address for its end */
	nv_w(&l.s, NVME_CMBMSC + 4, 0x1234, 4);
	g_assert_cmphex(nv_r(&l.s, NVME_CMBSTS, 4), ==, 0);
	nv_enable(&l.s);
	nv_disable(&l.s); /* a reset of the controller is none of it */
	g_assert_cmphex(nv_r(&l.s, NVME_CMBMSC + 4, 4), ==, 0x1234);
	pcihost_reset(&l.s.b.host);
	place(&l);
	g_assert_cmphex(nv_r(&l.s, NVME_CMBMSC, 8), ==, 0);
	g_assert_cmphex(at(&l, CMB, 4), ==, 0xccbbaa99);
	lender_fini(&l);
}

static void region(void)
{
	struct lender l;

	lender_init(&l);
	g_assert_cmphex(nv_r(&l.s, NVME_PMRCAP, 4), ==, 0x01000898);
	g_assert_cmphex(nv_r(&l.s, NVME_PMRSTS, 4), ==, 0x100);
	for (int again = 0; again < 2; again++) {
		put(&l, PMR, 0x44332211, 4); /* not enabled */
		g_assert_cmphex(at(&l, PMR, 4), ==, UINT32_MAX);
		nv_w(&l.s, NVME_PMRCTL, 0xffffffff, 4);
		g_assert_cmphex(nv_r(&l.s, NVME_PMRCTL, 4), ==, 1);
		g_assert_cmphex(nv_r(&l.s, NVME_PMRSTS, 4), ==, 0);
		put(&l, PMR, 0x88776655, 4);
		g_assert_cmphex(at(&l, PMR, 2), ==, 0x6655);
		g_assert_cmphex(l.pmr.region.host[3], ==, 0x88);
		nv_w(&l.s, NVME_PMRCTL, 0, 4);
		g_assert_cmphex(at(&l, PMR, 1), ==, 0xff);
		g_assert_cmphex(nv_r(&l.s, NVME_PMRSTS, 4), ==, 0x100);
	}
	nv_w(&l.s, NVME_PMRCTL, 1, 4);
	nv_w(&l.s, NVME_PMRMSCU, UINT32_MAX, 4);
	nv_w(&l.s, NVME_PMRMSCL, 0xffffffff, 4);
	g_assert_cmphex(nv_r(&l.s, NVME_PMRMSCL, 4), ==, 0xfffff002);
	g_assert_cmphex(nv_r(&l.s, NVME_PMRMSCU, 4), ==, UINT32_MAX);
	g_assert_cmphex(nv_r(&l.s, NVME_PMRSTS, 4), ==, 0x1000);
	nv_w(&l.s, NVME_PMRMSCU, 0, 4);
	g_assert_cmphex(nv_r(&l.s, NVME_PMRSTS, 4), ==, 0);
	g_assert_cmphex(nv_r(&l.s, NVME_PMREBS, 8), ==, 0);
	pcihost_reset(&l.s.b.host);
	place(&l);
	g_assert_cmphex(nv_r(&l.s, NVME_PMRSTS, 4), ==, 0x100);
	g_assert_cmphex(at(&l, PMR, 1), ==, 0xff);
	g_assert_cmphex(l.pmr.region.host[0], ==, 0x55); /* it is persistent */
	lender_fini(&l);
}

/* Commands and data in the lent memory, by the addresses that the controller has for it. */
static void dma(void)
{
	struct lender l;
	uint8_t *sq, block[512];

	lender_init(&l);
	nv_enable(&l.s);
	nv_io_queue(&l.s, 64, 0);
	g_assert_cmphex(nv_io(&l.s, nv_rw(NVME_IO_READ, 0, 1, LENT, 0)), ==, NVME_TRANSFER_ERROR);
	nv_w(&l.s, NVME_CMBMSC, LENT | 3, 8);
	nv_w(&l.s, NVME_PMRCTL, 1, 4);
	nv_w(&l.s, NVME_PMRMSCL, 2, 4);
	nv_w(&l.s, NVME_PMRMSCU, 0x5678, 4);
	for (unsigned i = 0; i < 512; i++)
		put(&l, CMB + 0x1000 + i, block[i] = (uint8_t)(i * 7), 1);
	g_assert_cmphex(nv_io(&l.s, nv_rw(NVME_IO_WRITE, 9, 1, LENT + 0x1000, 0)), ==, NVME_OK);
	g_assert_cmphex(nv_io(&l.s, nv_rw(NVME_IO_READ, 9, 1, 0x567800000000 + PMR_SIZE - 512, 0)),
			==, NVME_OK);
	g_assert_cmpmem(l.pmr.region.host + PMR_SIZE - 512, 512, block, 512);
	g_assert_cmphex(nv_io(&l.s, nv_rw(NVME_IO_READ, 9, 1, 0x567800000000 + PMR_SIZE - 256, 0)),
			==, NVME_TRANSFER_ERROR); /* over its end */
	/* The buffer as the host has it on the bus: without an address of its own, too. */
	nv_w(&l.s, NVME_CMBMSC, 1, 8);
	g_assert_cmphex(nv_io(&l.s, nv_rw(NVME_IO_READ, 9, 1, CMB + 0x3000, 0)), ==, NVME_OK);
	g_assert_cmphex(at(&l, CMB + 0x3000 + 4, 1), ==, 28);
	nv_w(&l.s, NVME_CMBMSC, LENT | 3, 8);
	/* A submission queue in it. */
	sq = nv_at(&l.s, l.s.admin.sq);
	nv_disable(&l.s);
	nvq_reset(&l.s, &l.s.admin, 0, 16, NV_ASQ, NV_ACQ);
	nv_w(&l.s, NVME_ASQ, LENT + 0x10000, 8);
	nv_w(&l.s, NVME_CC, 0x00460001, 4);
	nv_wait(&l.s, NVME_CSTS, NVME_CSTS_RDY, NVME_CSTS_RDY);
	nv_put(&l.s, &l.s.admin,
	       (struct nvcmd){.dw0 = NVME_ADM_IDENTIFY, .prp1 = LENT, .dw10 = NVME_CNS_CTRL});
	for (unsigned i = 0; i < NVME_SQE; i++)
		put(&l, CMB + 0x10000 + i, sq[i], 1);
	nv_doorbell(&l.s, 0, false, 1);
	g_assert_cmphex(nv_take(&l.s, &l.s.admin).status, ==, NVME_OK);
	g_assert_cmphex(at(&l, CMB, 2), ==, 0x1b36);
	lender_fini(&l);
}

static void refused(const struct nvme_conf *conf, const char *text, const char *hint)
{
	struct pcidev *d;
	struct err *e = NULL;

	g_assert_cmpint(pci_nvme_new(&d, conf, &e), ==, -EINVAL);
	g_assert_nonnull(strstr(err_text(e), text));
	g_assert_nonnull(strstr(err_hints(e), hint));
	err_free(e);
}

static void sizes(void)
{
	struct nvme_conf conf = {.id = "nv0", .size = NV_SIZE, .max_ioqpairs = 4, .cmb_size_mb = 3};
	struct region r;
	uint8_t byte;

	refused(&conf, "nv0: cmb_size_mb=3", "power of two");
	conf.cmb_size_mb = 1u << 20;
	refused(&conf, "nv0: cmb_size_mb=1048576", "power of two");
	conf.cmb_size_mb = 1;
	region_init_ram(&r, "odd", 0x3000, &byte, -1);
	conf.pmr = &r;
	refused(&conf, "nv0: pmrdev=: 12288 bytes", "power of two");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/nvme-mem/capabilities", capabilities);
	g_test_add_func("/nvme-mem/buffer", buffer);
	g_test_add_func("/nvme-mem/region", region);
	g_test_add_func("/nvme-mem/dma", dma);
	g_test_add_func("/nvme-mem/sizes", sizes);
	return g_test_run();
}
