// SPDX-License-Identifier: GPL-2.0-or-later
/* The host bridge: configuration mechanism #1, the PCI Express window, the reset register. */
#include "hw/q35/q35.h"
#include "mem/layout.h"
#include "pci_util.h"

#define PCIEXBAR 0x60
#define ECAM_TOP (LAYOUT_ECAM + LAYOUT_ECAM_SIZE)

struct mb {
	struct pciboard b;
	struct mch *m;
	struct tpci *conv, *ext;
	unsigned resets;
};

static void hard_reset(void *opaque)
{
	((struct mb *)opaque)->resets++;
}

static void mb_init(struct mb *s)
{
	memset(s, 0, sizeof(*s));
	pb_init(&s->b);
	s->m = mch_new(&s->b.host, &(struct mch_conf){hard_reset, s}, NULL);
	s->conv = tpci_plug(&s->b, 1, &s->b.host.root, PCI_DEVFN(1, 0));
	s->ext = tpci_new(&s->b, 2, PCI_CFG_EXT);
	g_assert_cmpint(pcidev_plug(&s->ext->dev, &s->b.host.root, PCI_DEVFN(31, 7), NULL), ==, 0);
	for (unsigned i = 0x40; i < PCI_CFG_EXT; i++)
		s->conv->dev.cfg[i] = s->ext->dev.cfg[i] = (uint8_t)(i ^ i >> 8);
	memset(s->ext->dev.wmask + 0x40, 0xff, PCI_CFG_EXT - 0x40);
	pcihost_reset(&s->b.host);
}

static void mb_fini(struct mb *s)
{
	pcihost_fini(&s->b.host);
	mch_free(s->m);
	s->b.host.ops = NULL;
	pb_fini(&s->b);
}

static uint32_t in(struct mb *s, uint16_t port, unsigned len)
{
	return (uint32_t)aspace_read(s->b.io, port, len);
}

static void out(struct mb *s, uint16_t port, uint32_t val, unsigned len)
{
	aspace_write(s->b.io, port, val, len);
}

static uint64_t mem(struct mb *s, uint64_t addr, unsigned len)
{
	return aspace_read(s->b.mem, addr, len);
}

static uint32_t cfg_bytes(const struct tpci *t, unsigned off, unsigned len)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < len; i++)
		v |= (uint32_t)t->dev.cfg[off + i] << (8 * i);
	return v;
}

static void mechanism_one(void)
{
	struct mb s;

	mb_init(&s);
	out(&s, 0xcf8, 0x80000000, 4);
	g_assert_cmphex(in(&s, 0xcf8, 4), ==, 0x80000000);
	g_assert_cmphex(in(&s, 0xcfc, 4), ==, 0x29c08086);
	g_assert_cmphex(in(&s, 0xcfe, 2), ==, 0x29c0);
	for (unsigned reg = 0x40; reg < 0x100; reg += 4) {
		out(&s, 0xcf8, 0x80000000 | 0xff00 | reg, 4);
		for (unsigned len = 1; len <= 4; len *= 2)
			for (unsigned off = 0; off + len <= 4; off++)
				g_assert_cmphex(in(&s, (uint16_t)(0xcfc + off), len), ==,
						cfg_bytes(s.ext, reg + off, len));
	}
	out(&s, 0xcf8, 0x8000ff42, 4); /* the register's low bits, as libqos gives them */
	g_assert_cmphex(in(&s, 0xcfc, 1), ==, cfg_bytes(s.ext, 0x42, 1));
	g_assert_cmphex(in(&s, 0xcfc, 2), ==, cfg_bytes(s.ext, 0x42, 2));
	out(&s, 0xcf8, 0x8000ff40, 4);
	out(&s, 0xcfd, 0xbbaa, 2);
	out(&s, 0xcff, 0xcc, 1);
	g_assert_cmphex(cfg_bytes(s.ext, 0x40, 4), ==, 0xccbbaa40);
	out(&s, 0xcf8, 0x80000100 | 0x10 << 8, 4); /* nobody there */
	g_assert_cmphex(in(&s, 0xcfc, 4), ==, UINT32_MAX);
	out(&s, 0xcfc, 0, 4);
	mb_fini(&s);
}

static void disabled(void)
{
	struct mb s;

	mb_init(&s);
	g_assert_cmphex(in(&s, 0xcf8, 4), ==, 0);
	out(&s, 0xcf8, 0x0000ff40, 4);
	for (unsigned len = 1; len <= 4; len *= 2)
		g_assert_cmphex(in(&s, 0xcfc, len), ==, UINT32_MAX >> (32 - 8 * len));
	out(&s, 0xcfc, 0, 4);
	g_assert_cmphex(cfg_bytes(s.ext, 0x40, 4), ==, 0x43424140);
	out(&s, 0xcf8, 0x8000ff40, 4);
	out(&s, 0xcf8, 0x12, 1); /* CONFIG_ADDRESS is one dword: narrower ones pass by */
	out(&s, 0xcfa, 0x1234, 2);
	g_assert_cmphex(in(&s, 0xcf8, 4), ==, 0x8000ff40);
	g_assert_cmphex(in(&s, 0xcf8, 1), ==, 0xff);
	g_assert_cmphex(in(&s, 0xcfa, 2), ==, 0xffff);
	mb_fini(&s);
}

static void reset_register(void)
{
	struct mb s;

	mb_init(&s);
	for (unsigned v = 0; v < 256; v++) {
		unsigned before = s.resets;

		out(&s, 0xcf9, v, 1);
		g_assert_cmpuint(s.resets - before, ==, v >> 2 & 1);
		g_assert_cmphex(in(&s, 0xcf9, 1), ==, v & 0xa);
	}
	out(&s, 0xcf8, 0x80000400, 4); /* bit 2 of this byte is an address bit */
	out(&s, 0xcf9, 0x0606, 2);
	g_assert_cmpuint(s.resets, ==, 128);
	out(&s, 0xcf9, 2, 1);
	pcihost_reset(&s.b.host);
	g_assert_cmphex(in(&s, 0xcf9, 1), ==, 0);
	g_assert_cmphex(in(&s, 0xcf8, 4), ==, 0);
	mb_fini(&s);
}

static void ecam(void)
{
	const uint64_t conv = LAYOUT_ECAM + 0x8000, ext = LAYOUT_ECAM + 0xff000;
	struct mb s;

	mb_init(&s);
	g_assert_cmphex(mem(&s, LAYOUT_ECAM, 4), ==, 0x29c08086);
	for (unsigned off = 0x40; off < 0x1000; off++)
		for (unsigned len = 1; len <= 4 && off + len <= 0x1000; len *= 2)
			g_assert_cmphex(mem(&s, ext + off, len), ==, cfg_bytes(s.ext, off, len));
	g_assert_cmphex(mem(&s, ext + 0x40, 8), ==, 0x4746454443424140);
	g_assert_cmphex(mem(&s, conv + 0xfc, 4), ==, 0xfffefdfc);
	g_assert_cmphex(mem(&s, conv + 0x100, 4), ==, UINT32_MAX); /* conventional: no more */
	g_assert_cmphex(mem(&s, conv + 0xfe, 4), ==, 0xfffffffe | 0xff00);
	aspace_write(s.b.mem, ext + 0xffc, 0x11223344, 4);
	g_assert_cmphex(cfg_bytes(s.ext, 0xffc, 4), ==, 0x11223344);
	aspace_write(s.b.mem, ext + 0xffe, 0xaabbccdd, 4); /* runs into the next function: nobody */
	g_assert_cmphex(cfg_bytes(s.ext, 0xffc, 4), ==, 0xccdd3344);
	aspace_write(s.b.mem, conv + 0x100, 0, 4);
	g_assert_cmphex(s.conv->dev.cfg[0x100], ==, 0x01);
	g_assert_cmphex(mem(&s, LAYOUT_ECAM + (1 << 20), 4), ==, UINT32_MAX);
	g_assert_cmphex(mem(&s, ECAM_TOP - 4, 4), ==, UINT32_MAX);
	mb_fini(&s);
}

static void expect_window(struct mb *s, uint64_t base, uint64_t size)
{
	static const uint64_t all[] = {0xb0000000, 0xb4000000, 0xb8000000, 0xe0000000, 0xf80000000};

	if (size) {
		g_assert_cmphex(mem(s, base, 4), ==, 0x29c08086);
		g_assert_cmphex(mem(s, base + 0xff040, 4), ==, 0x43424140);
	}
	for (unsigned i = 0; i < G_N_ELEMENTS(all); i++)
		if (all[i] != base || !size)
			g_assert_cmphex(mem(s, all[i], 4), ==, UINT32_MAX);
}

static void ranges(void *opaque, const struct mrange *r)
{
	if (!strcmp(r->region->name, "pcie-mmcfg")) {
		*(uint64_t *)opaque = r->last - r->start + 1;
		g_assert_cmphex(r->off, ==, 0);
	}
}

static uint64_t window_size(struct mb *s)
{
	uint64_t size = 0;

	aspace_foreach(s->b.mem, ranges, &size);
	return size;
}

static void window_moves(void)
{
	struct mb s;

	mb_init(&s);
	expect_window(&s, 0xb0000000, LAYOUT_ECAM_SIZE);
	g_assert_cmphex(window_size(&s), ==, 256 * MIB);
	cfg_w(&s.b, 0, PCIEXBAR, 0xe0000001, 4);
	expect_window(&s, 0xe0000000, LAYOUT_ECAM_SIZE);
	cfg_w(&s.b, 0, PCIEXBAR, 0, 1); /* off */
	expect_window(&s, 0, 0);
	g_assert_cmphex(window_size(&s), ==, 0);
	cfg_w(&s.b, 0, PCIEXBAR + 4, 0xf, 4);
	cfg_w(&s.b, 0, PCIEXBAR, 0x80000001, 4); /* above 4 GiB */
	expect_window(&s, 0xf80000000, LAYOUT_ECAM_SIZE);
	aspace_write(s.b.mem, 0xf80000000 + PCIEXBAR, 0xe0000001, 4); /* through itself */
	expect_window(&s, 0, 0);
	g_assert_cmphex(mem(&s, 0xfe0000000, 4), ==, 0x29c08086);
	pcihost_reset(&s.b.host);
	expect_window(&s, 0xb0000000, LAYOUT_ECAM_SIZE);
	mb_fini(&s);
}

/* 128 and 64 MiB: more address bits count; 3 is reserved. */
static void window_length(void)
{
	struct mb s;

	mb_init(&s);
	cfg_w(&s.b, 0, PCIEXBAR, 0xbfffffff & ~6u, 4);
	g_assert_cmphex(cfg_r(&s.b, 0, PCIEXBAR, 4), ==, 0xb0000001);
	cfg_w(&s.b, 0, PCIEXBAR, 0xb8000003, 4);
	g_assert_cmphex(cfg_r(&s.b, 0, PCIEXBAR, 4), ==, 0xb8000003);
	expect_window(&s, 0xb8000000, 128 * MIB);
	g_assert_cmphex(window_size(&s), ==, 128 * MIB);
	cfg_w(&s.b, 0, PCIEXBAR, 0xbc000003, 4); /* bit 26 is within the window */
	g_assert_cmphex(cfg_r(&s.b, 0, PCIEXBAR, 4), ==, 0xb8000003);
	cfg_w(&s.b, 0, PCIEXBAR, 0xb4000005, 4);
	expect_window(&s, 0xb4000000, 64 * MIB);
	g_assert_cmphex(window_size(&s), ==, 64 * MIB);
	cfg_w(&s.b, 0, PCIEXBAR, 0xb0000007, 4);
	g_assert_cmphex(window_size(&s), ==, 0);
	cfg_w(&s.b, 0, PCIEXBAR, 0xb0000001, 4);
	g_assert_cmphex(window_size(&s), ==, 256 * MIB);
	mb_fini(&s);
}

/* The guest's own trouble: the window over everything, and moved while it is used. */
static void window_random(void)
{
	GRand *rnd = g_rand_new_with_seed(9);
	struct mb s;

	mb_init(&s);
	for (int i = 0; i < 5000; i++) {
		uint64_t size;

		cfg_w(&s.b, 0, PCIEXBAR + (unsigned)g_rand_int_range(rnd, 0, 5), g_rand_int(rnd),
		      1u << g_rand_int_range(rnd, 0, 3));
		size = window_size(&s);
		g_assert_true(!size || size == 64 * MIB || size == 128 * MIB || size == 256 * MIB);
	}
	mb_fini(&s);
	g_rand_free(rnd);
}

static void slot_taken(void)
{
	struct pciboard b;
	struct err *e = NULL;

	pb_init(&b);
	tpci_plug(&b, 1, &b.host.root, 0);
	g_assert_null(mch_new(&b.host, &(struct mch_conf){hard_reset}, &e));
	g_assert_nonnull(strstr(err_text(e), "is taken by dev1"));
	err_free(e);
	g_assert_cmphex(aspace_read(b.io, 0xcf8, 4), ==, UINT32_MAX); /* nothing is left */
	pb_fini(&b);
	mch_free(NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/mch/mechanism-one", mechanism_one);
	g_test_add_func("/mch/disabled", disabled);
	g_test_add_func("/mch/reset-register", reset_register);
	g_test_add_func("/mch/ecam", ecam);
	g_test_add_func("/mch/window-moves", window_moves);
	g_test_add_func("/mch/window-length", window_length);
	g_test_add_func("/mch/window-random", window_random);
	g_test_add_func("/mch/slot-taken", slot_taken);
	return g_test_run();
}
