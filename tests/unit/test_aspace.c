// SPDX-License-Identifier: GPL-2.0-or-later
/* Address spaces: painting, widths, listeners, and readers racing with a writer. */
#include <glib.h>
#include <string.h>

#include "base/err.h"
#include "mem/access.h"
#include "mem/aspace.h"
#include "mem/ram.h"

struct reg {
	uint8_t bytes[64];
	unsigned reads, writes, last_len;
	uint64_t last_off;
};

static uint64_t reg_read(void *opaque, uint64_t off, unsigned len)
{
	struct reg *g = opaque;

	g->reads++;
	g->last_len = len;
	g->last_off = off;
	return le_load(g->bytes + off, len);
}

static void reg_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct reg *g = opaque;

	g->writes++;
	g->last_len = len;
	g->last_off = off;
	le_store(g->bytes + off, val, len);
}

static const struct region_ops ops_any = {reg_read, reg_write, 1, 8, true};
static const struct region_ops ops_dword = {reg_read, reg_write, 4, 4, false};
static const struct region_ops ops_word_max = {reg_read, reg_write, 1, 2, false};

static void count(struct reg *g)
{
	memset(g, 0, sizeof(*g));
	for (unsigned i = 0; i < sizeof(g->bytes); i++)
		g->bytes[i] = (uint8_t)i;
}

static void widths(void)
{
	struct aspace *as = aspace_new("t", 0);
	struct region a, d, w;
	struct reg ga, gd, gw;

	count(&ga), count(&gd), count(&gw);
	region_init_io(&a, "any", 64, &ops_any, &ga);
	region_init_io(&d, "dword", 64, &ops_dword, &gd);
	region_init_io(&w, "word", 64, &ops_word_max, &gw);
	aspace_map(as, &a, 0x1000, 0, 64, 0);
	aspace_map(as, &d, 0x2000, 0, 64, 0);
	aspace_map(as, &w, 0x3000, 0, 64, 0);

	g_assert_cmphex(aspace_read(as, 0x1003, 4), ==, 0x06050403);
	g_assert_cmpuint(ga.reads, ==, 1);
	g_assert_cmphex(aspace_read(as, 0x2005, 1), ==, 0x05);
	g_assert_cmpuint(gd.last_off, ==, 4);
	g_assert_cmphex(aspace_read(as, 0x2006, 4), ==, 0x09080706);
	g_assert_cmpuint(gd.reads, ==, 3);
	g_assert_cmphex(aspace_read(as, 0x2000, 8), ==, 0x0706050403020100);
	g_assert_cmphex(aspace_read(as, 0x3001, 4), ==, 0x04030201);
	aspace_write(as, 0x2005, 0xaa, 1); /* the rest of the dword keeps its value */
	g_assert_cmphex(aspace_read(as, 0x2004, 4), ==, 0x0706aa04);
	aspace_write(as, 0x3003, 0x11223344, 4);
	g_assert_cmphex(aspace_read(as, 0x3003, 4), ==, 0x11223344);
	g_assert_cmphex(gw.bytes[7], ==, 7);
	aspace_free(as);
}

static void holes_and_edges(void)
{
	struct aspace *as = aspace_new("t", 0), *io = aspace_new("io", 0x10000);
	struct region r;
	struct reg g;
	uint8_t buf[8];

	count(&g);
	region_init_io(&r, "r", 4, &ops_any, &g);
	aspace_map(as, &r, 0xfffffffffffffffc, 0, 4, 0);
	aspace_map(as, &r, 0x100, 0, 4, 0);
	g_assert_cmphex(aspace_read(as, 0xfffffffffffffffc, 4), ==, 0x03020100);
	g_assert_cmphex(aspace_read(as, 0x50, 8), ==, UINT64_MAX);
	g_assert_cmphex(aspace_read(as, 0x102, 4), ==, 0xffff0302);
	g_assert_cmphex(aspace_read(as, 0xfe, 4), ==, 0x0100ffff);
	aspace_write(as, 0xfe, 0xbbaa0000, 4);
	g_assert_cmphex(g.bytes[0], ==, 0xaa);
	g_assert_false(aspace_read_buf(as, 0xfe, buf, 8));
	g_assert_cmphex(le_load(buf, 8), ==, 0xffff0302bbaaffff);
	aspace_map(io, &r, 0xfffe, 0, 4, 0); /* clipped to the space */
	g_assert_cmphex(aspace_read(io, 0xffff, 1), ==, 0xbb);
	g_assert_cmphex(aspace_read(io, 0x10000, 1), ==, 0xff);
	aspace_free(io);
	aspace_free(as);
}

static void overlaps(void)
{
	struct aspace *as = aspace_new("t", 0);
	struct region low, high, sub;
	struct reg gl, gh, gs;
	struct mmapping *m;

	count(&gl), count(&gh), count(&gs);
	memset(gh.bytes, 0xee, 64);
	memset(gs.bytes, 0x55, 64);
	region_init_io(&low, "low", 64, &ops_any, &gl);
	region_init_io(&high, "high", 16, &ops_any, &gh);
	region_init_io(&sub, "sub", 4, &ops_any, &gs);
	region_add_sub(&low, &sub, 8);
	m = aspace_map(as, &high, 16, 0, 16, 1);
	aspace_map(as, &low, 0, 0, 64, 0);
	g_assert_cmphex(aspace_read(as, 14, 4), ==, 0xeeee0f0e);
	g_assert_cmphex(aspace_read(as, 30, 4), ==, 0x2120eeee);
	g_assert_cmphex(aspace_read(as, 6, 4), ==, 0x55550706);
	aspace_begin(as);
	sub.disabled = true;
	aspace_commit(as);
	g_assert_cmphex(aspace_read(as, 6, 4), ==, 0x09080706);
	aspace_unmap(as, m);
	g_assert_cmphex(aspace_read(as, 14, 4), ==, 0x11100f0e);
	region_del_sub(&low, &sub);
	g_assert_null(low.subs);
	aspace_free(as);
}

struct log {
	struct aspace_listener l;
	GString *s;
};

static void log_add(struct aspace_listener *l, const struct mrange *r)
{
	g_string_append_printf(((struct log *)l)->s, "+%lx-%lx@%lx ", (long)r->start, (long)r->last,
			       (long)r->off);
}

static void log_del(struct aspace_listener *l, const struct mrange *r)
{
	g_string_append_printf(((struct log *)l)->s, "-%lx-%lx@%lx ", (long)r->start, (long)r->last,
			       (long)r->off);
}

static void expect_log(struct log *l, const char *want)
{
	g_assert_cmpstr(l->s->str, ==, want);
	g_string_truncate(l->s, 0);
}

static void listeners(void)
{
	struct aspace *as = aspace_new("t", 0);
	struct log l = {{log_add, log_del}, g_string_new(NULL)};
	struct region ram, hole;
	struct reg g;
	struct err *e = NULL;
	struct ram mem = {0};
	struct mmapping *m;

	g_assert_cmpint(ram_init(&mem, "ram", 0x10000, &e), ==, 0);
	region_init_container(&ram, "c", 0x20000);
	region_init_io(&hole, "hole", 0x1000, &ops_dword, &g);
	aspace_map(as, &mem.region, 0, 0, 0x10000, 0);
	aspace_listen(as, &l.l);
	expect_log(&l, "+0-ffff@0 ");
	m = aspace_map(as, &hole, 0x8000, 0, 0x1000, 1);
	expect_log(&l, "-0-ffff@0 +0-7fff@0 +8000-8fff@0 +9000-ffff@9000 ");
	aspace_begin(as); /* a move within one transaction: nothing but the difference is told */
	aspace_unmap(as, m);
	m = aspace_map(as, &hole, 0x8000, 0, 0x1000, 1);
	aspace_commit(as);
	expect_log(&l, "");
	aspace_unmap(as, m);
	expect_log(&l, "-0-7fff@0 -8000-8fff@0 -9000-ffff@9000 +0-ffff@0 ");
	aspace_unlisten(as, &l.l);
	expect_log(&l, "-0-ffff@0 ");
	aspace_free(as);
	ram_fini(&mem);
	g_string_free(l.s, TRUE);
}

static void ram_pointers(void)
{
	struct aspace *as = aspace_new("t", 0);
	struct ram mem = {0};
	struct err *e = NULL;
	uint64_t len = 0x10000;
	char buf[6];

	g_assert_cmpint(ram_init(&mem, "ram", 0x4000, &e), ==, 0);
	aspace_map(as, &mem.region, 0x1000, 0x2000, 0x2000, 0); /* the upper half of the RAM */
	g_assert_true(aspace_write_buf(as, 0x1ffd, "hello", 6));
	g_assert_cmpstr((char *)mem.region.host + 0x2ffd, ==, "hello");
	g_assert_true(aspace_read_buf(as, 0x1ffd, buf, 6));
	g_assert_cmpstr(buf, ==, "hello");
	g_assert_true(aspace_ptr(as, 0x1800, &len, true) == mem.region.host + 0x2800);
	g_assert_cmphex(len, ==, 0x1800);
	g_assert_null(aspace_ptr(as, 0x3000, &len, false));
	aspace_free(as);
	ram_fini(&mem);
	ram_fini(&mem);
	g_assert_cmpint(ram_init(&mem, "huge", 1ull << 62, &e), <, 0);
	g_assert_nonnull(strstr(err_text(e), "huge"));
	err_free(e);
}

struct race {
	struct aspace *as;
	volatile bool stop;
};

static void *reader(void *opaque)
{
	struct race *r = opaque;

	aspace_thread_enter();
	while (!r->stop) { /* the window is either there or not, never anything else */
		uint64_t v = aspace_read(r->as, 0x1004, 4);

		g_assert_true(v == 0x07060504 || v == 0xffffffff);
	}
	aspace_thread_leave();
	return NULL;
}

static void concurrent(void)
{
	struct race r = {aspace_new("t", 0), false};
	struct region reg;
	struct reg g;
	pthread_t t;

	count(&g);
	region_init_io(&reg, "r", 64, &ops_any, &g);
	pthread_create(&t, NULL, reader, &r);
	for (int i = 0; i < 5000; i++)
		aspace_unmap(r.as, aspace_map(r.as, &reg, 0x1000, 0, 64, 0));
	r.stop = true;
	pthread_join(t, NULL);
	aspace_free(r.as);
}

/* Random overlapping mappings against a byte-by-byte model. */
static void random_maps(void)
{
	GRand *rnd = g_rand_new_with_seed(42);

	for (int round = 0; round < 200; round++) {
		struct aspace *as = aspace_new("t", 0);
		struct region r[8];
		struct reg g[8];
		uint8_t want[256];

		memset(want, 0xff, sizeof(want));
		for (int i = 0; i < 8; i++) {
			unsigned at = g_rand_int_range(rnd, 0, 200);
			unsigned n = g_rand_int_range(rnd, 1, 57);

			memset(g[i].bytes, i, 64);
			region_init_io(&r[i], "r", 64, &ops_any, &g[i]);
			aspace_map(as, &r[i], at, 0, n, 0);
			memset(want + at, i, n);
		}
		for (unsigned a = 0; a < 256; a++)
			g_assert_cmphex(aspace_read(as, a, 1), ==, want[a]);
		aspace_free(as);
	}
	g_rand_free(rnd);
}

int main(int argc, char **argv)
{
	int ret;

	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/aspace/widths", widths);
	g_test_add_func("/aspace/holes-and-edges", holes_and_edges);
	g_test_add_func("/aspace/overlaps", overlaps);
	g_test_add_func("/aspace/listeners", listeners);
	g_test_add_func("/aspace/ram-pointers", ram_pointers);
	g_test_add_func("/aspace/concurrent", concurrent);
	g_test_add_func("/aspace/random", random_maps);
	ret = g_test_run();
	aspace_thread_leave();
	return ret;
}
