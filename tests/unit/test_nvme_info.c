// SPDX-License-Identifier: GPL-2.0-or-later
/* What the NVMe controller tells of itself: Identify data and log pages. */
#include "nvme_util.h"

static unsigned identify(struct nv *s, unsigned cns, uint32_t nsid)
{
	memset(nv_at(s, NV_DATA), 0xee, 8192);
	return nv_admin(
		s, (struct nvcmd){
			   .dw0 = NVME_ADM_IDENTIFY, .nsid = nsid, .prp1 = NV_DATA, .dw10 = cns});
}

static void start(struct nv *s, bool readonly)
{
	nv_plug(s, &(struct nvme_conf){.id = "nv0",
				       .size = NV_SIZE,
				       .serial = "S-1 2",
				       .max_ioqpairs = 4,
				       .readonly = readonly});
	nv_enable(s);
}

static void controller(void)
{
	const uint8_t *p;
	char nqn[256];
	struct nv s;

	start(&s, false);
	g_assert_cmphex(identify(&s, NVME_CNS_CTRL, 0), ==, NVME_OK);
	p = nv_at(&s, NV_DATA);
	g_assert_cmphex(pci_get32(p), ==, 0x1af41b36);
	g_assert_cmpmem(p + 4, 20, "S-1 2               ", 20);
	g_assert_cmpmem(p + 24, 18, "sluice NVMe drive ", 18);
	g_assert_cmphex(p[63], ==, ' ');
	g_assert_cmpmem(p + 64, 8, "1.0     ", 8);
	g_assert_cmpuint(p[77], ==, 7);
	g_assert_cmphex(pci_get32(p + 80), ==, 0x00010400);
	g_assert_cmpuint(p[111], ==, 1);
	g_assert_cmphex(pci_get16(p + 256), ==, 0); /* no optional admin commands */
	g_assert_cmphex(p[512], ==, 0x66);
	g_assert_cmphex(p[513], ==, 0x44);
	g_assert_cmpuint(pci_get32(p + 516), ==, 1);
	g_assert_cmphex(pci_get16(p + 520), ==, 0x1d);
	g_assert_cmphex(p[525], ==, 7);
	memcpy(nqn, p + 768, sizeof(nqn));
	g_assert_cmpuint(strnlen(nqn, sizeof(nqn)), ==, 68);
	g_assert_true(g_str_has_prefix(nqn, "nqn.2014-08.org.nvmexpress:uuid:"));
	g_assert_true(g_uuid_string_is_valid(nqn + 32));
	g_assert_cmphex(p[4096], ==, 0xee);
	nv_fini(&s);
}

static void name_space(void)
{
	struct nv s;

	for (unsigned readonly = 0; readonly < 2; readonly++) {
		const uint8_t *p;

		start(&s, readonly);
		g_assert_cmphex(identify(&s, NVME_CNS_NS, 1), ==, NVME_OK);
		p = nv_at(&s, NV_DATA);
		for (unsigned i = 0; i < 3; i++)
			g_assert_cmpuint(le_load(p + 8 * i, 8), ==, NV_SIZE / 512);
		g_assert_cmpuint(p[25], ==, 0);
		g_assert_cmpuint(p[26], ==, 0);
		g_assert_cmphex(p[33], ==, 9);
		g_assert_cmpuint(le_load(p + 48, 8), ==, NV_SIZE);
		g_assert_cmphex(p[99], ==, readonly);
		g_assert_cmphex(pci_get32(p + 128), ==, 9 << 16);
		g_assert_cmphex(identify(&s, NVME_CNS_NS, 0), ==, NVME_INVALID_NS);
		g_assert_cmphex(identify(&s, NVME_CNS_NS, 2), ==, NVME_INVALID_NS);
		g_assert_cmphex(identify(&s, NVME_CNS_NS, NVME_NSID_ALL), ==, NVME_INVALID_NS);
		nv_fini(&s);
	}
}

static void lists(void)
{
	const uint8_t *p;
	struct nv s;

	start(&s, false);
	p = nv_at(&s, NV_DATA);
	g_assert_cmphex(identify(&s, NVME_CNS_ACTIVE, 0), ==, NVME_OK);
	g_assert_cmphex(le_load(p, 8), ==, 1);
	g_assert_cmphex(identify(&s, NVME_CNS_ACTIVE, 1), ==, NVME_OK);
	g_assert_cmphex(le_load(p, 8), ==, 0);
	g_assert_cmphex(identify(&s, NVME_CNS_ACTIVE, 0xfffffffe), ==, NVME_INVALID_NS);
	g_assert_cmphex(identify(&s, NVME_CNS_DESCS, 1), ==, NVME_OK);
	g_assert_cmphex(pci_get32(p), ==, 0x1003); /* a UUID */
	g_assert_cmphex(p[4 + 6] >> 4, ==, 5);
	g_assert_cmphex(p[4 + 8] >> 6, ==, 2);
	g_assert_cmphex(pci_get32(p + 20), ==, 0);
	g_assert_cmphex(identify(&s, NVME_CNS_DESCS, 2), ==, NVME_INVALID_NS);
	for (unsigned cns = 4; cns < 256; cns++)
		g_assert_cmphex(identify(&s, cns, 1), ==, NVME_INVALID_FIELD);
	g_assert_cmphex(p[0], ==, 0xee);
	nv_fini(&s);
}

/* No serial number: one is made, the same each time, of the image and the name. */
static void serials(void)
{
	static const char *const ids[] = {"a", "a", "b"};
	char got[3][20];
	struct nv s;

	for (unsigned i = 0; i < 3; i++) {
		nv_plug(&s, &(struct nvme_conf){.id = ids[i], .size = NV_SIZE, .max_ioqpairs = 1});
		nv_enable(&s);
		g_assert_cmphex(identify(&s, NVME_CNS_CTRL, 0), ==, NVME_OK);
		memcpy(got[i], nv_at(&s, NV_DATA + 4), 20);
		nv_fini(&s);
	}
	g_assert_cmpmem(got[0], 20, got[1], 20);
	g_assert_true(memcmp(got[0], got[2], 20));
	for (unsigned i = 0; i < 16; i++)
		g_assert_true(g_ascii_isxdigit(got[0][i]));
}

/* --- log pages --- */

static unsigned get_log(struct nv *s, unsigned id, uint32_t nsid, uint64_t off, uint64_t len)
{
	uint32_t dwords = (uint32_t)(len / 4 - 1);

	memset(nv_at(s, NV_DATA), 0xee, 8192);
	return nv_admin(s, (struct nvcmd){.dw0 = NVME_ADM_GET_LOG,
					  .nsid = nsid,
					  .prp1 = NV_DATA,
					  .prp2 = NV_DATA + 4096,
					  .dw10 = id | (dwords & 0xffff) << 16,
					  .dw11 = dwords >> 16,
					  .dw12 = (uint32_t)off,
					  .dw13 = (uint32_t)(off >> 32)});
}

static void smart(void)
{
	const uint8_t *p;
	struct nv s;

	nv_init(&s);
	p = nv_at(&s, NV_DATA);
	for (unsigned i = 0; i < 3; i++)
		g_assert_cmphex(nv_io(&s, nv_rw(NVME_IO_WRITE, 8 * i, 8, NV_DATA, 0)), ==, NVME_OK);
	g_assert_cmphex(nv_io(&s, nv_rw(NVME_IO_READ, 0, 8, NV_DATA, 0)), ==, NVME_OK);
	g_assert_cmphex(get_log(&s, NVME_LOG_SMART, NVME_NSID_ALL, 0, 512), ==, NVME_OK);
	g_assert_cmphex(p[0], ==, 0);
	g_assert_cmpuint(pci_get16(p + 1), ==, 323);
	g_assert_cmpuint(p[3], ==, 100);
	g_assert_cmpuint(le_load(p + 32, 8), ==, 1); /* begun thousands of blocks */
	g_assert_cmpuint(le_load(p + 48, 8), ==, 1);
	g_assert_cmpuint(le_load(p + 64, 8), ==, 1);
	g_assert_cmpuint(le_load(p + 80, 8), ==, 3);
	g_assert_cmpuint(le_load(p + 176, 8), ==, 0);
	g_assert_cmphex(p[512], ==, 0xee);
	g_assert_cmphex(get_log(&s, NVME_LOG_SMART, 1, 0, 512), ==, NVME_OK);
	g_assert_cmphex(get_log(&s, NVME_LOG_SMART, 2, 0, 512), ==, NVME_INVALID_NS);
	nv_fini(&s);
}

static void other_pages(void)
{
	const uint8_t *p;
	struct nv s;

	start(&s, false);
	p = nv_at(&s, NV_DATA);
	g_assert_cmphex(get_log(&s, NVME_LOG_FIRMWARE, 0, 0, 512), ==, NVME_OK);
	g_assert_cmphex(p[0], ==, 1);
	g_assert_cmpmem(p + 8, 8, "1.0     ", 8);
	g_assert_cmphex(get_log(&s, NVME_LOG_EFFECTS, 0, 0, 4096), ==, NVME_OK);
	g_assert_cmphex(pci_get32(p + 4 * NVME_ADM_IDENTIFY), ==, 1);
	g_assert_cmphex(pci_get32(p + 4 * 0x80), ==, 0);
	g_assert_cmphex(pci_get32(p + 1024 + 4 * NVME_IO_READ), ==, 1);
	g_assert_cmphex(pci_get32(p + 1024 + 4 * NVME_IO_WRITE), ==, 3);
	g_assert_cmphex(get_log(&s, NVME_LOG_ERROR, 0, 0, 1024), ==, NVME_OK);
	g_assert_cmphex(le_load(p, 8), ==, 0);
	g_assert_cmphex(get_log(&s, 0, 0, 0, 512), ==, NVME_LOG_INVALID);
	g_assert_cmphex(get_log(&s, 4, 0, 0, 512), ==, NVME_LOG_INVALID);
	g_assert_cmphex(get_log(&s, 0x80, 0, 0, 512), ==, NVME_LOG_INVALID);
	nv_fini(&s);
}

/* Pages by parts, and longer than they are. */
static void parts(void)
{
	const uint8_t *p;
	struct nv s;

	start(&s, false);
	p = nv_at(&s, NV_DATA);
	g_assert_cmphex(get_log(&s, NVME_LOG_FIRMWARE, 0, 8, 4), ==, NVME_OK);
	g_assert_cmpmem(p, 5, "1.0 \xee", 5);
	g_assert_cmphex(get_log(&s, NVME_LOG_FIRMWARE, 0, 508, 4096), ==, NVME_OK);
	g_assert_cmphex(p[3], ==, 0);
	g_assert_cmphex(p[4], ==, 0xee);
	g_assert_cmphex(get_log(&s, NVME_LOG_FIRMWARE, 0, 512, 4), ==, NVME_OK);
	g_assert_cmphex(p[0], ==, 0xee);
	g_assert_cmphex(get_log(&s, NVME_LOG_FIRMWARE, 0, 0, 16ull << 30), ==, NVME_OK);
	g_assert_cmphex(p[0], ==, 1);
	g_assert_cmphex(p[512], ==, 0xee);
	g_assert_cmphex(get_log(&s, NVME_LOG_FIRMWARE, 0, 516, 4), ==, NVME_INVALID_FIELD);
	g_assert_cmphex(get_log(&s, NVME_LOG_FIRMWARE, 0, 2, 4), ==, NVME_INVALID_FIELD);
	g_assert_cmphex(get_log(&s, NVME_LOG_FIRMWARE, 0, UINT64_MAX - 3, 4), ==,
			NVME_INVALID_FIELD);
	nv_fini(&s);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/nvme-info/controller", controller);
	g_test_add_func("/nvme-info/namespace", name_space);
	g_test_add_func("/nvme-info/lists", lists);
	g_test_add_func("/nvme-info/serials", serials);
	g_test_add_func("/nvme-info/smart", smart);
	g_test_add_func("/nvme-info/other-pages", other_pages);
	g_test_add_func("/nvme-info/parts", parts);
	return g_test_run();
}
