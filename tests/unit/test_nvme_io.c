// SPDX-License-Identifier: GPL-2.0-or-later
/* The NVM commands: what reaches the drive, what comes back, what is refused. */
#include <glib/gstdio.h>
#include <unistd.h>

#include "nvme_util.h"

#define BLOCKS (NV_SIZE / 512)

static void write_at(struct nv *s, uint64_t lba, unsigned seed)
{
	nv_fill(s, NV_DATA, 4096, seed);
	g_assert_cmphex(nv_io(s, nv_rw(NVME_IO_WRITE, lba, 8, NV_DATA, 0)), ==, NVME_OK);
}

/* Eight blocks at lba are what nv_fill makes of seed; -1: zeroes. */
static void expect(struct nv *s, uint64_t lba, int seed)
{
	uint64_t got = NV_DATA + 0x10000, want = NV_DATA + 0x20000;

	memset(nv_at(s, got), 0xee, 4096);
	g_assert_cmphex(nv_io(s, nv_rw(NVME_IO_READ, lba, 8, got, 0)), ==, NVME_OK);
	if (seed < 0)
		memset(nv_at(s, want), 0, 4096);
	else
		nv_fill(s, want, 4096, (unsigned)seed);
	g_assert_cmpmem(nv_at(s, got), 4096, nv_at(s, want), 4096);
}

static void read_and_write(void)
{
	struct nv s;

	nv_init(&s);
	expect(&s, 0, -1);
	write_at(&s, 0, 1);
	write_at(&s, 8, 2);
	write_at(&s, BLOCKS - 8, 3);
	expect(&s, 0, 1);
	expect(&s, 8, 2);
	expect(&s, 16, -1);
	expect(&s, BLOCKS - 8, 3);
	g_assert_cmphex(nv_io(&s, nv_rw(NVME_IO_WRITE, 20, 1, NV_DATA + 512 * 5, 0)), ==, NVME_OK);
	g_assert_cmphex(nv_io(&s, nv_rw(NVME_IO_READ, 20, 1, NV_DATA + 512 * 6, 0)), ==, NVME_OK);
	g_assert_cmpmem(nv_at(&s, NV_DATA + 512 * 5), 512, nv_at(&s, NV_DATA + 512 * 6), 512);
	nv_fini(&s);
}

static void ranges(void)
{
	static const struct {
		uint64_t lba;
		unsigned blocks, status;
	} cases[] = {
		{BLOCKS, 1, NVME_LBA_RANGE},     {BLOCKS - 1, 2, NVME_LBA_RANGE},
		{UINT64_MAX, 1, NVME_LBA_RANGE}, {UINT64_MAX - 6, 8, NVME_LBA_RANGE},
		{1ull << 55, 1, NVME_LBA_RANGE}, {BLOCKS - 1, 1, NVME_OK},
		{0, 1025, NVME_INVALID_FIELD},   {0, 65536, NVME_INVALID_FIELD},
	};
	static const unsigned ops[] = {NVME_IO_READ, NVME_IO_WRITE, NVME_IO_COMPARE};
	struct nv s;

	nv_init(&s);
	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++)
		for (unsigned op = 0; op < G_N_ELEMENTS(ops); op++)
			g_assert_cmphex(nv_io(&s, nv_rw(ops[op], cases[i].lba, cases[i].blocks,
							NV_DATA, 0)),
					==, cases[i].status);
	g_assert_cmphex(nv_io(&s, nv_rw(NVME_IO_WRITE_ZEROES, BLOCKS - 1, 2, 0, 0)), ==,
			NVME_LBA_RANGE);
	nv_fini(&s);
}

static void namespaces(void)
{
	static const uint32_t nsids[] = {0, 2, NVME_NSID_ALL};
	struct nv s;

	nv_init(&s);
	for (unsigned i = 0; i < G_N_ELEMENTS(nsids); i++) {
		struct nvcmd c = nv_rw(NVME_IO_READ, 0, 1, NV_DATA, 0);

		c.nsid = nsids[i];
		g_assert_cmphex(nv_io(&s, c), ==, NVME_INVALID_NS);
		c.dw0 = NVME_IO_FLUSH;
		g_assert_cmphex(nv_io(&s, c), ==, i == 2 ? NVME_OK : NVME_INVALID_NS);
	}
	for (unsigned op = 0; op < 256; op++) {
		struct nvcqe e;

		if (op <= NVME_IO_READ || op == NVME_IO_COMPARE || op == NVME_IO_DSM ||
		    op == NVME_IO_WRITE_ZEROES)
			continue;
		e = nv_do(&s, &s.io, nv_rw(op, 0, 1, NV_DATA, 0));
		g_assert_cmphex(e.status, ==, NVME_INVALID_OPCODE | NVME_DNR);
	}
	nv_fini(&s);
}

static void comparing(void)
{
	struct nv s;

	nv_init(&s);
	write_at(&s, 40, 9);
	g_assert_cmphex(nv_io(&s, nv_rw(NVME_IO_COMPARE, 40, 8, NV_DATA, 0)), ==, NVME_OK);
	nv_at(&s, NV_DATA)[4095] ^= 1;
	g_assert_cmphex(nv_io(&s, nv_rw(NVME_IO_COMPARE, 40, 8, NV_DATA, 0)), ==,
			NVME_COMPARE_FAILURE);
	g_assert_cmphex(nv_io(&s, nv_rw(NVME_IO_COMPARE, 40, 7, NV_DATA, 0)), ==, NVME_OK);
	nv_fini(&s);
}

static void zeroes(void)
{
	struct nv s;

	nv_init(&s);
	for (unsigned i = 0; i < 4; i++)
		write_at(&s, 8 * i, 30 + i);
	g_assert_cmphex(nv_io(&s, nv_rw(NVME_IO_WRITE_ZEROES, 8, 16, 0, 0)), ==, NVME_OK);
	expect(&s, 0, 30);
	expect(&s, 8, -1);
	expect(&s, 16, -1);
	expect(&s, 24, 33);
	g_assert_cmphex(nv_io(&s, nv_rw(NVME_IO_WRITE_ZEROES, 0, 65536, 0, 0)), ==, NVME_OK);
	expect(&s, 0, -1);
	expect(&s, 24, -1);
	nv_fini(&s);
}

static void put_range(struct nv *s, unsigned nr, uint64_t lba, uint32_t blocks)
{
	uint8_t *p = nv_at(s, NV_DATA + 0x8000 + 16 * nr);

	memset(p, 0, 16);
	pci_set32(p + 4, blocks);
	le_store(p + 8, lba, 8);
}

static unsigned dsm(struct nv *s, unsigned n, unsigned attributes)
{
	return nv_io(s, (struct nvcmd){.dw0 = NVME_IO_DSM,
				       .nsid = 1,
				       .prp1 = NV_DATA + 0x8000,
				       .dw10 = n - 1,
				       .dw11 = attributes});
}

static void deallocate(void)
{
	struct nv s;

	nv_init(&s);
	for (unsigned i = 0; i < 4; i++)
		write_at(&s, 8 * i, 50 + i);
	put_range(&s, 0, 8, 8);
	put_range(&s, 1, 24, 8);
	g_assert_cmphex(dsm(&s, 2, 3), ==, NVME_OK); /* hints only */
	expect(&s, 8, 51);
	g_assert_cmphex(dsm(&s, 2, NVME_DSM_DEALLOCATE), ==, NVME_OK);
	expect(&s, 0, 50);
	expect(&s, 8, -1);
	expect(&s, 16, 52);
	expect(&s, 24, -1);
	put_range(&s, 0, 16, 8);
	put_range(&s, 1, BLOCKS - 1, 2); /* one is wrong: none is done */
	g_assert_cmphex(dsm(&s, 2, NVME_DSM_DEALLOCATE), ==, NVME_LBA_RANGE);
	expect(&s, 16, 52);
	put_range(&s, 1, UINT64_MAX, UINT32_MAX);
	g_assert_cmphex(dsm(&s, 2, NVME_DSM_DEALLOCATE), ==, NVME_LBA_RANGE);
	for (unsigned i = 0; i < 256; i++)
		put_range(&s, i, i, 0);
	g_assert_cmphex(dsm(&s, 256, NVME_DSM_DEALLOCATE), ==, NVME_OK);
	expect(&s, 16, 52);
	put_range(&s, 255, 0, BLOCKS);
	g_assert_cmphex(dsm(&s, 256, NVME_DSM_DEALLOCATE), ==, NVME_OK);
	expect(&s, 16, -1);
	nv_fini(&s);
}

/* --- on a file --- */

struct img {
	char *dir, *path;
};

static void img_init(struct img *i, size_t size)
{
	g_autofree char *bytes = g_malloc0(size);

	i->dir = g_dir_make_tmp("sluice-nvme-XXXXXX", NULL);
	i->path = g_build_filename(i->dir, "disk.img", NULL);
	g_assert_true(g_file_set_contents(i->path, bytes, (gssize)size, NULL));
}

static void img_fini(struct img *i)
{
	g_unlink(i->path);
	g_rmdir(i->dir);
	g_free(i->path);
	g_free(i->dir);
}

static void on_file(struct nv *s, const struct img *i, bool readonly)
{
	nv_plug(s, &(struct nvme_conf){.file = i->path, .max_ioqpairs = 2, .readonly = readonly});
	nv_enable(s);
	nv_io_queue(s, 32, 0);
}

static void file(void)
{
	struct nvcmd c = nv_rw(NVME_IO_WRITE, 4, 4, NV_DATA, 0);
	g_autofree char *text = NULL;
	gsize len;
	struct img i;
	struct nv s;

	img_init(&i, 65536);
	on_file(&s, &i, false);
	write_at(&s, 120, 77);
	c.dw12 |= NVME_RW_FUA;
	g_assert_cmphex(nv_io(&s, c), ==, NVME_OK);
	g_assert_cmphex(nv_io(&s, nv_rw(NVME_IO_FLUSH, 0, 1, 0, 0)), ==, NVME_OK);
	g_assert_true(g_file_get_contents(i.path, &text, &len, NULL));
	g_assert_cmpuint(len, ==, 65536);
	g_assert_cmpmem(text + 120 * 512, 4096, nv_at(&s, NV_DATA), 4096);
	g_assert_cmpmem(text + 4 * 512, 2048, nv_at(&s, NV_DATA), 2048);
	nv_fini(&s);
	on_file(&s, &i, true); /* it is still there, and stays */
	expect(&s, 120, 77);
	g_assert_cmphex(nv_io(&s, nv_rw(NVME_IO_WRITE, 0, 1, NV_DATA, 0)), ==,
			NVME_WRITE_PROTECTED);
	g_assert_cmphex(nv_io(&s, nv_rw(NVME_IO_WRITE_ZEROES, 0, 1, 0, 0)), ==,
			NVME_WRITE_PROTECTED);
	g_assert_cmphex(dsm(&s, 1, NVME_DSM_DEALLOCATE), ==, NVME_WRITE_PROTECTED);
	g_assert_cmphex(nv_io(&s, nv_rw(NVME_IO_FLUSH, 0, 1, 0, 0)), ==, NVME_OK);
	nv_fini(&s);
	img_fini(&i);
}

/* The host takes the image away under us: an error of the medium, told in the log. */
static void lost_blocks(void)
{
	const uint8_t *p;
	struct nvcqe e;
	struct img i;
	struct nv s;

	img_init(&i, 65536);
	on_file(&s, &i, false);
	g_assert_cmpint(truncate(i.path, 4096), ==, 0);
	e = nv_do(&s, &s.io, nv_rw(NVME_IO_READ, 64, 8, NV_DATA, 0));
	g_assert_cmphex(e.status, ==, NVME_READ_ERROR | NVME_MORE);
	e = nv_do(&s, &s.io, nv_rw(NVME_IO_COMPARE, 64, 8, NV_DATA, 0));
	g_assert_cmphex(e.status, ==, NVME_READ_ERROR | NVME_MORE);
	expect(&s, 0, -1);
	g_assert_cmphex(nv_admin(&s, (struct nvcmd){.dw0 = NVME_ADM_GET_LOG,
						    .prp1 = NV_DATA,
						    .dw10 = NVME_LOG_SMART | 127u << 16}),
			==, NVME_OK);
	p = nv_at(&s, NV_DATA);
	g_assert_cmpuint(le_load(p + 160, 8), ==, 2);
	g_assert_cmpuint(le_load(p + 176, 8), ==, 2);
	nv_fini(&s);
	img_fini(&i);
}

/* Without its cache each write is on the medium when it is done; nothing else changes. */
static void no_cache(void)
{
	struct img i;
	struct nv s;

	img_init(&i, 65536);
	on_file(&s, &i, false);
	g_assert_cmphex(nv_admin(&s, (struct nvcmd){.dw0 = NVME_ADM_SET_FEATURES,
						    .dw10 = NVME_FEAT_WRITE_CACHE}),
			==, NVME_OK);
	write_at(&s, 8, 5);
	g_assert_cmphex(nv_io(&s, nv_rw(NVME_IO_WRITE_ZEROES, 16, 8, 0, 0)), ==, NVME_OK);
	expect(&s, 8, 5);
	nv_fini(&s);
	img_fini(&i);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/nvme-io/read-and-write", read_and_write);
	g_test_add_func("/nvme-io/ranges", ranges);
	g_test_add_func("/nvme-io/namespaces", namespaces);
	g_test_add_func("/nvme-io/compare", comparing);
	g_test_add_func("/nvme-io/zeroes", zeroes);
	g_test_add_func("/nvme-io/deallocate", deallocate);
	g_test_add_func("/nvme-io/file", file);
	g_test_add_func("/nvme-io/lost-blocks", lost_blocks);
	g_test_add_func("/nvme-io/no-cache", no_cache);
	return g_test_run();
}
