// SPDX-License-Identifier: GPL-2.0-or-later
/* PRP entries and lists: every way to lay out a command's data, and every wrong one. */
#include "nvme_util.h"

#define LIST (NV_RAM + 0x180000u) /* pages for lists */
#define MAX_BLOCKS 1024u

static void start(struct nv *s, unsigned mps)
{
	nv_plug(s, &(struct nvme_conf){.id = "nv0", .size = NV_SIZE, .max_ioqpairs = 4});
	nv_enable_mps(s, mps);
	nv_io_queue(s, 64, 0);
}

static void entry(struct nv *s, uint64_t at, uint64_t value)
{
	le_store(nv_at(s, at), value, 8);
}

static unsigned rd(struct nv *s, unsigned blocks, uint64_t prp1, uint64_t prp2)
{
	return nv_io(s, nv_rw(NVME_IO_READ, 0, blocks, prp1, prp2));
}

static unsigned wr(struct nv *s, unsigned blocks, uint64_t prp1, uint64_t prp2)
{
	return nv_io(s, nv_rw(NVME_IO_WRITE, 0, blocks, prp1, prp2));
}

/* A page and a half from the middle of a page on: two entries. */
static void two_pages(void)
{
	struct nv s;

	start(&s, 0);
	nv_fill(&s, NV_DATA + 0x800, 0x800, 1);
	nv_fill(&s, NV_DATA + 0x4000, 0x1000, 2);
	g_assert_cmphex(wr(&s, 12, NV_DATA + 0x800, NV_DATA + 0x4000), ==, NVME_OK);
	g_assert_cmphex(rd(&s, 12, NV_DATA + 0x800, NV_DATA + 0x4008), ==, NVME_PRP_OFFSET);
	entry(&s, LIST, NV_DATA + 0xa000);
	entry(&s, LIST + 8, NV_DATA + 0xc000);
	g_assert_cmphex(rd(&s, 12, NV_DATA + 0x9e00, LIST), ==, NVME_OK);
	g_assert_cmpmem(nv_at(&s, NV_DATA + 0x9e00), 0x200, nv_at(&s, NV_DATA + 0x800), 0x200);
	g_assert_cmpmem(nv_at(&s, NV_DATA + 0xa000), 0x600, nv_at(&s, NV_DATA + 0xa00), 0x600);
	g_assert_cmpmem(nv_at(&s, NV_DATA + 0xa600), 0xa00, nv_at(&s, NV_DATA + 0x4000), 0xa00);
	g_assert_cmpmem(nv_at(&s, NV_DATA + 0xc000), 0x600, nv_at(&s, NV_DATA + 0x4a00), 0x600);
	nv_fini(&s);
}

/* Offsets of dwords in the first page; the second entry is not looked at where one will do. */
static void one_page(void)
{
	struct nv s;

	start(&s, 0);
	nv_fill(&s, NV_DATA, 4096, 7);
	g_assert_cmphex(wr(&s, 8, NV_DATA, 0xdeadbeefdeadbeef), ==, NVME_OK);
	for (unsigned off = 4; off <= 3584; off += 716) {
		memset(nv_at(&s, NV_DATA + 0x4000), 0, 8192);
		g_assert_cmphex(rd(&s, 1, NV_DATA + 0x4000 + off, 1), ==, NVME_OK);
		g_assert_cmpmem(nv_at(&s, NV_DATA + 0x4000 + off), 512, nv_at(&s, NV_DATA), 512);
		g_assert_cmphex(nv_at(&s, NV_DATA + 0x4000 + off)[512], ==, 0);
	}
	for (unsigned off = 1; off < 4; off++)
		g_assert_cmphex(rd(&s, 1, NV_DATA + off, 0), ==, NVME_PRP_OFFSET);
	nv_fini(&s);
}

/* The most that a command may move, with the list at the end of a page: it goes on in others. */
static void chained(void)
{
	struct nv s;

	for (unsigned mps = 0; mps < 5; mps++) {
		unsigned page = 4096u << mps, n = MAX_BLOCKS * 512 / page;
		/* At the last entry but one; beyond it: as the list is continued. */
		uint64_t at = LIST + page - 16;

		if (n < 4)
			break;
		start(&s, mps);
		nv_fill(&s, NV_DATA, MAX_BLOCKS * 512, mps);
		entry(&s, at, NV_DATA + page);
		entry(&s, at + 8, LIST + 0x40000);
		for (unsigned i = 0; i < n; i++)
			entry(&s, LIST + 0x40000 + 8 * i, NV_DATA + page * (2 + i));
		g_assert_cmphex(wr(&s, MAX_BLOCKS, NV_DATA, at), ==, NVME_OK);
		memset(nv_at(&s, NV_DATA + 0x100000), 0, 0x100000);
		for (unsigned i = 0; i < n; i++) /* back in the other order of pages, shifted */
			entry(&s, LIST + 8 * i, NV_DATA + 0x100000 + page * (n - 1 - i));
		g_assert_cmphex(rd(&s, MAX_BLOCKS, NV_DATA + 0x100000 + page * (n + 1) - 512, LIST),
				==, NVME_OK);
		for (unsigned i = 0; i < n; i++) {
			uint64_t want = NV_DATA + 512 + page * i;
			size_t len = i == n - 1 ? page - 512 : page;

			g_assert_cmpmem(nv_at(&s, NV_DATA + 0x100000 + page * (n - 1 - i)), len,
					nv_at(&s, want), len);
		}
		nv_fini(&s);
	}
}

/* A list whose first page has the pointer to the next one only. */
static void pointer_only(void)
{
	struct nv s;

	start(&s, 0);
	nv_fill(&s, NV_DATA, 0x3000, 3);
	entry(&s, LIST + 4088, LIST + 0x2000);
	entry(&s, LIST + 0x2000, NV_DATA + 0x1000);
	entry(&s, LIST + 0x2008, NV_DATA + 0x2000);
	g_assert_cmphex(wr(&s, 24, NV_DATA, LIST + 4088), ==, NVME_OK);
	g_assert_cmphex(nv_io(&s, nv_rw(NVME_IO_COMPARE, 16, 8, NV_DATA + 0x2000, 0)), ==, NVME_OK);
	nv_fini(&s);
}

static void wrong_lists(void)
{
	struct nv s;

	start(&s, 0);
	entry(&s, LIST, NV_DATA + 0x1000);
	entry(&s, LIST + 8, NV_DATA + 0x2000);
	for (unsigned off = 1; off < 8; off++)
		g_assert_cmphex(rd(&s, 24, NV_DATA, LIST + off), ==, NVME_PRP_OFFSET);
	entry(&s, LIST + 8, NV_DATA + 0x2004); /* an entry within a page */
	g_assert_cmphex(rd(&s, 24, NV_DATA, LIST), ==, NVME_PRP_OFFSET);
	entry(&s, LIST + 4088, LIST + 0x2008); /* a page of the list within a page */
	g_assert_cmphex(rd(&s, 24, NV_DATA, LIST + 4088), ==, NVME_PRP_OFFSET);
	entry(&s, LIST, LIST); /* data over its own list: as the host wants it */
	entry(&s, LIST + 8, LIST);
	g_assert_cmphex(rd(&s, 24, NV_DATA, LIST), ==, NVME_OK);
	g_assert_cmphex(rd(&s, 24, NV_DATA, NV_HOLE), ==, NVME_TRANSFER_ERROR);
	entry(&s, LIST, NV_DATA);
	entry(&s, LIST + 8, NV_HOLE);
	g_assert_cmphex(rd(&s, 24, NV_DATA, LIST), ==, NVME_TRANSFER_ERROR);
	g_assert_cmphex(wr(&s, 24, NV_DATA, LIST), ==, NVME_TRANSFER_ERROR);
	g_assert_cmphex(rd(&s, 8, 0xfffffffffffff000, 0), ==, NVME_TRANSFER_ERROR);
	g_assert_cmphex(rd(&s, 16, NV_RAM + NV_RAM_SIZE - 4096, NV_RAM + NV_RAM_SIZE), ==,
			NVME_TRANSFER_ERROR);
	nv_fini(&s);
}

/* Any numbers at all: each command comes back, and nothing is written where it must not. */
static void random_entries(void)
{
	GRand *rnd = g_rand_new_with_seed(11);
	struct nv s;

	start(&s, 0);
	for (int round = 0; round < 2000; round++) {
		uint64_t prp[2];
		unsigned op = g_rand_boolean(rnd) ? NVME_IO_READ : NVME_IO_WRITE;

		for (unsigned i = 0; i < 32; i++)
			entry(&s, LIST + 8 * i,
			      (NV_DATA + (g_rand_int(rnd) & 0x1fffff)) & ~0xfffull);
		if (g_rand_int_range(rnd, 0, 4) == 0)
			entry(&s, LIST + 8 * (g_rand_int(rnd) % 32), g_rand_int(rnd));
		for (unsigned i = 0; i < 2; i++)
			prp[i] = (i && g_rand_boolean(rnd) ? LIST : NV_DATA) +
				 (g_rand_int(rnd) & (g_rand_boolean(rnd) ? 0xff8 : 0x1ff000));
		if (prp[1] >= LIST && prp[1] < LIST + 0x20000)
			prp[1] = LIST + (prp[1] & 0x78);
		nv_io(&s, nv_rw(op, g_rand_int(rnd) & 0xffff, 1 + (g_rand_int(rnd) & 0xff), prp[0],
				prp[1]));
	}
	g_assert_cmphex(nv_r(&s, NVME_CSTS, 4), ==, NVME_CSTS_RDY);
	nv_fini(&s);
	g_rand_free(rnd);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/nvme-prp/two-pages", two_pages);
	g_test_add_func("/nvme-prp/one-page", one_page);
	g_test_add_func("/nvme-prp/chained", chained);
	g_test_add_func("/nvme-prp/pointer-only", pointer_only);
	g_test_add_func("/nvme-prp/wrong-lists", wrong_lists);
	g_test_add_func("/nvme-prp/random", random_entries);
	return g_test_run();
}
