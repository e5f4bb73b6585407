// SPDX-License-Identifier: GPL-2.0-or-later
/* BARs: sizing, placing, moving, and when they do not show. */
#include "pci_util.h"

#define DEV 0x08 /* 00:01.0 */
#define ALL (PCI_COMMAND_IO | PCI_COMMAND_MEMORY)
#define BAR(n) (PCI_BASE_ADDRESS_0 + 4 * (n))

static struct tpci *device(struct pciboard *b)
{
	struct tpci *t;

	pb_init(b);
	t = tpci_plug(b, 0x40, &b->host.root, DEV);
	tpci_bar(t, 0, 0x4000, MEM32);
	tpci_bar(t, 1, 0x20, IO);
	tpci_bar(t, 2, 1ull << 33, PREF64);
	tpci_bar(t, 4, 0x1000, MEM64);
	tpci_bar(t, 6, 0x10000, 0);
	return t;
}

static uint32_t size_of(struct pciboard *b, unsigned off)
{
	uint32_t old = cfg_r(b, DEV, off, 4), mask;

	cfg_w(b, DEV, off, UINT32_MAX, 4);
	mask = cfg_r(b, DEV, off, 4);
	cfg_w(b, DEV, off, old, 4);
	g_assert_cmphex(cfg_r(b, DEV, off, 4), ==, old);
	return mask;
}

static void sizing(void)
{
	struct pciboard b;

	device(&b);
	g_assert_cmphex(size_of(&b, BAR(0)), ==, 0xffffc000);
	g_assert_cmphex(size_of(&b, BAR(1)), ==, 0xffffffe1);
	g_assert_cmphex(size_of(&b, BAR(2)), ==, 0x0000000c); /* 8 GiB: all in the upper half */
	g_assert_cmphex(size_of(&b, BAR(3)), ==, 0xfffffffe);
	g_assert_cmphex(size_of(&b, BAR(4)), ==, 0xfffff004);
	g_assert_cmphex(size_of(&b, BAR(5)), ==, 0xffffffff);
	g_assert_cmphex(size_of(&b, PCI_ROM_ADDRESS), ==, 0xffff0001);
	cfg_w(&b, DEV, BAR(0), 0xffffffff, 2); /* half of a register */
	g_assert_cmphex(cfg_r(&b, DEV, BAR(0), 4), ==, 0xc000);
	pb_fini(&b);
}

static void not_implemented(void)
{
	struct pciboard b;

	pb_init(&b);
	tpci_plug(&b, 1, &b.host.root, DEV);
	for (unsigned i = 0; i < 6; i++)
		g_assert_cmphex(size_of(&b, BAR(i)), ==, 0);
	g_assert_cmphex(size_of(&b, PCI_ROM_ADDRESS), ==, 0);
	pb_fini(&b);
}

static void decode_bits(void)
{
	struct pciboard b;
	struct tpci *t = device(&b);

	cfg_w(&b, DEV, BAR(0), 0xc0000000, 4);
	cfg_w(&b, DEV, BAR(1), 0xc000, 4);
	cfg_w(&b, DEV, PCI_ROM_ADDRESS, 0xd0000001, 4);
	g_assert_cmphex(mem_at(&b, 0xc0000000), ==, 0xffff);
	cfg_w(&b, DEV, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	g_assert_cmphex(mem_at(&b, 0xc0000000), ==, 0x4000);
	g_assert_cmphex(mem_at(&b, 0xc0003ffe), ==, 0x4000);
	g_assert_cmphex(mem_at(&b, 0xc0004000), ==, 0xffff);
	g_assert_cmphex(mem_at(&b, 0xbffffffe), ==, 0xffff);
	g_assert_cmphex(mem_at(&b, 0xd0000000), ==, 0x4006);
	g_assert_cmphex(io_at(&b, 0xc000), ==, 0xffff);
	cfg_w(&b, DEV, PCI_COMMAND, PCI_COMMAND_IO, 2);
	g_assert_cmphex(mem_at(&b, 0xc0000000), ==, 0xffff);
	g_assert_cmphex(io_at(&b, 0xc000), ==, 0x4001);
	g_assert_cmphex(io_at(&b, 0xc01e), ==, 0x4001);
	g_assert_cmphex(io_at(&b, 0xc020), ==, 0xffff);
	g_assert_cmphex(t->dev.bar[1].addr, ==, 0xc000);
	cfg_w(&b, DEV, PCI_COMMAND, ALL, 2);
	cfg_w(&b, DEV, PCI_ROM_ADDRESS, 0xd0000000, 4); /* the ROM has a switch of its own */
	g_assert_cmphex(mem_at(&b, 0xd0000000), ==, 0xffff);
	g_assert_cmphex(mem_at(&b, 0xc0000000), ==, 0x4000);
	pb_fini(&b);
}

/* Registers that hold all ones, or nothing, or too much, are no place. */
static void odd_values(void)
{
	static const uint32_t nowhere[] = {0, 0xffffffff, 0xffffc000};
	struct pciboard b;
	struct tpci *t = device(&b);

	cfg_w(&b, DEV, PCI_COMMAND, ALL, 2);
	for (unsigned i = 0; i < 3; i++) {
		cfg_w(&b, DEV, BAR(0), nowhere[i], 4);
		g_assert_cmphex(t->dev.bar[0].addr, ==, NOWHERE);
	}
	cfg_w(&b, DEV, BAR(0), 0xffff8000, 4);
	g_assert_cmphex(t->dev.bar[0].addr, ==, 0xffff8000);
	cfg_w(&b, DEV, BAR(1), 0x1c000, 4); /* ports end at 64 Ki */
	g_assert_cmphex(t->dev.bar[1].addr, ==, NOWHERE);
	cfg_w(&b, DEV, BAR(1), 0xffffffff, 4);
	g_assert_cmphex(t->dev.bar[1].addr, ==, NOWHERE);
	cfg_w(&b, DEV, BAR(2), 0, 4);
	cfg_w(&b, DEV, BAR(3), 0xffffffff, 4);
	g_assert_cmphex(t->dev.bar[2].addr, ==, NOWHERE);
	cfg_w(&b, DEV, BAR(3), 0x00100000, 4); /* bit 52: above any address */
	g_assert_cmphex(t->dev.bar[2].addr, ==, NOWHERE);
	cfg_w(&b, DEV, BAR(3), 0x12, 4);
	g_assert_cmphex(t->dev.bar[2].addr, ==, 0x1200000000);
	g_assert_cmphex(mem_at(&b, 0x1200000000), ==, 0x4002);
	g_assert_cmphex(mem_at(&b, 0x13fffffffe), ==, 0x4002);
	cfg_w(&b, DEV, BAR(5), UINT32_MAX, 4);
	cfg_w(&b, DEV, BAR(4), UINT32_MAX, 4);
	g_assert_cmphex(t->dev.bar[4].addr, ==, NOWHERE);
	pb_fini(&b);
}

static void live_move(void)
{
	struct pciboard b;
	struct tpci *t = device(&b);
	unsigned moved;

	cfg_w(&b, DEV, PCI_COMMAND, ALL, 2);
	cfg_w(&b, DEV, BAR(0), 0xc0000000, 4);
	moved = t->moved;
	cfg_w(&b, DEV, BAR(0), 0xc0100000, 4);
	g_assert_cmpuint(t->moved, ==, moved + 1);
	g_assert_cmphex(mem_at(&b, 0xc0000000), ==, 0xffff);
	g_assert_cmphex(mem_at(&b, 0xc0100000), ==, 0x4000);
	cfg_w(&b, DEV, BAR(0) + 2, 0xc0a0, 2); /* by halves */
	g_assert_cmphex(t->dev.bar[0].addr, ==, 0xc0a00000);
	cfg_w(&b, DEV, BAR(0) + 3, 0xe1, 1);
	g_assert_cmphex(mem_at(&b, 0xe1a00000), ==, 0x4000);
	cfg_w(&b, DEV, PCI_LATENCY_TIMER, 0, 1); /* not a register that moves anything */
	g_assert_cmpuint(t->moved, ==, moved + 3);
	pcidev_set_bar_value(&t->dev, 2, 0x7f00000000);
	g_assert_cmphex(pcidev_bar_value(&t->dev, 2), ==, 0x7f00000000);
	g_assert_cmphex(cfg_r(&b, DEV, BAR(2), 4), ==, 0x0000000c);
	pcidev_update_bars(&t->dev);
	g_assert_cmphex(t->dev.bar[2].addr, ==, 0x7e00000000); /* aligned to its 8 GiB */
	pb_fini(&b);
}

/* A BAR over RAM or over the board's registers hides nothing. */
static void below_the_board(void)
{
	uint8_t ram[0x1000];
	struct pciboard b;
	struct region r;
	struct mmapping *m;

	memset(ram, 0x77, sizeof(ram));
	device(&b);
	region_init_ram(&r, "ram", sizeof(ram), ram, -1);
	cfg_w(&b, DEV, BAR(0), 0x100000, 4);
	m = aspace_map(b.mem, &r, 0x100000, 0, sizeof(ram), 0);
	cfg_w(&b, DEV, PCI_COMMAND, ALL, 2);
	g_assert_cmphex(mem_at(&b, 0x100000), ==, 0x7777);
	g_assert_cmphex(mem_at(&b, 0x101000), ==, 0x4000);
	aspace_unmap(b.mem, m);
	pb_fini(&b);
}

static void unplug_and_reset(void)
{
	struct pciboard b;
	struct tpci *t = device(&b);

	cfg_w(&b, DEV, PCI_COMMAND, ALL, 2);
	cfg_w(&b, DEV, BAR(0), 0xc0000000, 4);
	cfg_w(&b, DEV, BAR(1), 0xc000, 4);
	cfg_w(&b, DEV, BAR(3), 0x12, 4);
	cfg_w(&b, DEV, PCI_ROM_ADDRESS, 0xd0000001, 4);
	pcihost_reset(&b.host);
	g_assert_cmphex(mem_at(&b, 0xc0000000), ==, 0xffff);
	for (unsigned n = 0; n <= PCI_ROM_BAR; n++)
		g_assert_cmphex(t->dev.bar[n].addr, ==, NOWHERE);
	g_assert_cmphex(cfg_r(&b, DEV, BAR(1), 4), ==, 1); /* the type stays */
	g_assert_cmphex(cfg_r(&b, DEV, BAR(2), 4), ==, 0xc);
	g_assert_cmphex(cfg_r(&b, DEV, BAR(3), 4), ==, 0);
	g_assert_cmphex(cfg_r(&b, DEV, PCI_ROM_ADDRESS, 4), ==, 0);

	cfg_w(&b, DEV, PCI_COMMAND, ALL, 2);
	cfg_w(&b, DEV, BAR(0), 0xc0000000, 4);
	cfg_w(&b, DEV, BAR(1), 0xc000, 4);
	pcidev_unplug(&t->dev);
	g_assert_cmphex(mem_at(&b, 0xc0000000), ==, 0xffff);
	g_assert_cmphex(io_at(&b, 0xc000), ==, 0xffff);
	g_assert_null(t->dev.bar[0].map);
	pcidev_update_bars(&t->dev); /* not plugged: nothing */
	g_assert_cmpint(pcidev_plug(&t->dev, &b.host.root, DEV, NULL), ==, 0);
	cfg_w(&b, DEV, PCI_COMMAND, ALL, 2);
	g_assert_cmphex(mem_at(&b, 0xc0000000), ==, 0x4000);
	pb_fini(&b);
}

/* --- below bridges --- */

#define P1 0x10   /* 00:02.0 */
#define P2 0x0100 /* 01:00.0 */
#define LEAF 0x0200

struct below {
	struct pciboard b;
	struct tpci *t;
};

static void windows(struct pciboard *b, unsigned bdf, uint32_t mem, uint32_t pref, uint32_t io)
{
	cfg_w(b, bdf, PCI_MEMORY_BASE, mem, 4);
	cfg_w(b, bdf, PCI_PREF_MEMORY_BASE, pref, 4);
	cfg_w(b, bdf, PCI_IO_BASE, io, 2);
}

static void below_init(struct below *s)
{
	struct pcidev *p1, *p2;

	pb_init(&s->b);
	p1 = port_plug(&s->b, "p1", &s->b.host.root, P1);
	p2 = port_plug(&s->b, "p2", p1->child, 0);
	s->t = tpci_plug(&s->b, 0x40, p2->child, 0);
	tpci_bar(s->t, 0, 0x4000, MEM32);
	tpci_bar(s->t, 1, 0x20, IO);
	tpci_bar(s->t, 2, 0x200000, PREF64);
	set_buses(&s->b, P1, 1, 2);
	set_buses(&s->b, P2, 2, 2);
	for (unsigned i = 0; i < 2; i++) {
		windows(&s->b, i ? P2 : P1, 0xc010c000, 0x00310001, 0xd0c0);
		cfg_w(&s->b, i ? P2 : P1, PCI_PREF_BASE_UPPER32, 0x80, 4);
		cfg_w(&s->b, i ? P2 : P1, PCI_PREF_LIMIT_UPPER32, 0x80, 4);
		cfg_w(&s->b, i ? P2 : P1, PCI_COMMAND, ALL, 2);
	}
	cfg_w(&s->b, LEAF, BAR(0), 0xc0000000, 4);
	cfg_w(&s->b, LEAF, BAR(1), 0xc000, 4);
	cfg_w(&s->b, LEAF, BAR(3), 0x80, 4);
	cfg_w(&s->b, LEAF, BAR(2), 0x200000, 4);
	cfg_w(&s->b, LEAF, PCI_COMMAND, ALL, 2);
}

static void check(const struct below *s, uint64_t mem, uint64_t io, uint64_t pref)
{
	g_assert_cmphex(s->t->dev.bar[0].addr, ==, mem);
	g_assert_cmphex(s->t->dev.bar[1].addr, ==, io);
	g_assert_cmphex(s->t->dev.bar[2].addr, ==, pref);
}

/* Each bridge on the way can cut a BAR off, by its command register or its windows. */
static void bridge_cuts(unsigned bdf)
{
	struct below s;

	below_init(&s);
	check(&s, 0xc0000000, 0xc000, 0x8000200000);
	cfg_w(&s.b, bdf, PCI_COMMAND, PCI_COMMAND_IO, 2);
	check(&s, NOWHERE, 0xc000, NOWHERE);
	cfg_w(&s.b, bdf, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	check(&s, 0xc0000000, NOWHERE, 0x8000200000);
	cfg_w(&s.b, bdf, PCI_COMMAND, ALL, 2);
	cfg_w(&s.b, bdf, PCI_MEMORY_BASE, 0xc010c010, 4); /* starts above it */
	check(&s, NOWHERE, 0xc000, 0x8000200000);
	cfg_w(&s.b, bdf, PCI_MEMORY_BASE, 0xc000c010, 4); /* closed */
	check(&s, NOWHERE, 0xc000, 0x8000200000);
	cfg_w(&s.b, bdf, PCI_MEMORY_BASE, 0xc010c000, 4);
	cfg_w(&s.b, bdf, PCI_PREF_LIMIT_UPPER32, 0x7f, 4);
	check(&s, 0xc0000000, 0xc000, NOWHERE);
	cfg_w(&s.b, bdf, PCI_PREF_LIMIT_UPPER32, 0x81, 4);
	check(&s, 0xc0000000, 0xc000, 0x8000200000);
	cfg_w(&s.b, bdf, PCI_IO_BASE, 0xd0d0, 2);
	check(&s, 0xc0000000, NOWHERE, 0x8000200000);
	cfg_w(&s.b, bdf, PCI_IO_LIMIT, 0xc0, 1);
	check(&s, 0xc0000000, NOWHERE, 0x8000200000);
	cfg_w(&s.b, bdf, PCI_IO_BASE, 0xc0, 1);
	check(&s, 0xc0000000, 0xc000, 0x8000200000);
	pb_fini(&s.b);
}

static void bridges(void)
{
	bridge_cuts(P1);
	bridge_cuts(P2);
}

/* The first and last byte of a window count; a BAR that straddles its end does not show. */
static void window_edges(void)
{
	struct below s;

	below_init(&s);
	cfg_w(&s.b, P2, PCI_MEMORY_BASE, 0xc000c000, 4); /* 0xc0000000-0xc00fffff */
	cfg_w(&s.b, LEAF, BAR(0), 0xc00fc000, 4);
	check(&s, 0xc00fc000, 0xc000, 0x8000200000);
	cfg_w(&s.b, LEAF, BAR(0), 0xc0100000, 4);
	check(&s, NOWHERE, 0xc000, 0x8000200000);
	cfg_w(&s.b, LEAF, BAR(0), 0xbfffc000, 4);
	check(&s, NOWHERE, 0xc000, 0x8000200000);
	cfg_w(&s.b, LEAF, BAR(1), 0xdfe0, 4); /* the I/O limit's low 12 bits are ones */
	check(&s, NOWHERE, 0xdfe0, 0x8000200000);
	cfg_w(&s.b, LEAF, BAR(1), 0xe000, 4);
	check(&s, NOWHERE, NOWHERE, 0x8000200000);
	cfg_w(&s.b, P2, PCI_PREF_MEMORY_BASE, 0x00210001, 4); /* ends 1 MiB too early for BAR 2 */
	check(&s, NOWHERE, NOWHERE, NOWHERE);
	cfg_w(&s.b, LEAF, BAR(2), 0, 4); /* a prefetchable BAR may sit in either window */
	cfg_w(&s.b, LEAF, BAR(3), 0, 4);
	check(&s, NOWHERE, NOWHERE, NOWHERE);
	cfg_w(&s.b, LEAF, BAR(2), 0xc0000000, 4);
	check(&s, NOWHERE, NOWHERE, NOWHERE); /* it is too long for this one */
	cfg_w(&s.b, P2, PCI_MEMORY_BASE, 0xc010c000, 4);
	check(&s, NOWHERE, NOWHERE, 0xc0000000);
	pcihost_reset(&s.b.host);
	check(&s, NOWHERE, NOWHERE, NOWHERE);
	pb_fini(&s.b);
}

/*
 * Any write of a guest, anywhere: a BAR that shows lies where its register says, and no assertion.
 */
static void random_writes(void)
{
	static const unsigned who[] = {P1, P2, LEAF};
	GRand *rnd = g_rand_new_with_seed(11);
	struct below s;

	below_init(&s);
	for (int i = 0; i < 20000; i++) {
		unsigned len = 1u << g_rand_int_range(rnd, 0, 3);
		unsigned off = (unsigned)g_rand_int_range(rnd, 0, 0x40) & ~(len - 1);
		uint32_t val = g_rand_boolean(rnd) ? g_rand_int(rnd) : 0xc010c000;

		cfg_w(&s.b, who[g_rand_int_range(rnd, 0, 3)], off, val, len);
		for (unsigned n = 0; n < 3; n++) {
			const struct pcibar *bar = &s.t->dev.bar[n];

			if (bar->addr == NOWHERE)
				continue;
			g_assert_cmphex(bar->addr, ==,
					pcidev_bar_value(&s.t->dev, n) & ~(bar->size - 1));
			g_assert_cmphex((n == 1 ? io_at(&s.b, (uint16_t)bar->addr)
						: mem_at(&s.b, bar->addr)) >>
						8,
					==, 0x40);
		}
		if (!(i % 50)) { /* back to a state in which something shows */
			struct pcidev *p2 = s.t->dev.bus->bridge, *p1 = p2->bus->bridge;

			memcpy(p1->cfg + 0x18, "\0\1\2", 3);
			memcpy(p2->cfg + 0x18, "\1\2\2", 3);
		}
	}
	pb_fini(&s.b);
	g_rand_free(rnd);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/pci-config/sizing", sizing);
	g_test_add_func("/pci-config/not-implemented", not_implemented);
	g_test_add_func("/pci-config/decode-bits", decode_bits);
	g_test_add_func("/pci-config/odd-values", odd_values);
	g_test_add_func("/pci-config/live-move", live_move);
	g_test_add_func("/pci-config/below-the-board", below_the_board);
	g_test_add_func("/pci-config/unplug-and-reset", unplug_and_reset);
	g_test_add_func("/pci-config/bridges", bridges);
	g_test_add_func("/pci-config/window-edges", window_edges);
	g_test_add_func("/pci-config/random-writes", random_writes);
	return g_test_run();
}
