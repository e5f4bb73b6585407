// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Firmware's placement of PCI devices: what every operating system relies on, for random machines.
 */
#include <errno.h>

#include "hw/q35/q35.h"
#include "mem/layout.h"
#include "pci_util.h"

static const struct pci_windows board_windows = {
	.mem32 = LAYOUT_PCI32,
	.mem32_end = LAYOUT_PCI32_END,
	.mem64 = 32 * GIB,
	.mem64_end = 1ull << 39,
	.io = 0x1000,
	.io_end = 0xf000,
};

struct range {
	uint64_t start, end;
	bool io;
};

struct survey {
	const struct pci_windows *w;
	GArray *ranges;
	unsigned bars;
};

static bool bar_io(const struct pcidev *d, unsigned n)
{
	return n < PCI_BARS && d->bar[n].flags & PCI_BASE_ADDRESS_SPACE_IO;
}

static bool within(uint64_t at, uint64_t end, uint64_t lo, uint64_t hi)
{
	return at >= lo && end <= hi;
}

/* Placed, aligned, inside its window; 32-bit ones below 4 GiB. */
static void check_bar(struct survey *s, struct pcidev *d, unsigned n)
{
	uint64_t at = pcidev_bar_value(d, n), end = at + d->bar[n].size;
	bool io = bar_io(d, n), wide = d->bar[n].flags & PCI_BASE_ADDRESS_MEM_TYPE_64;
	struct range r = {at, end, io};

	s->bars++;
	g_assert_cmphex(at, !=, 0);
	g_assert_cmphex(at & (d->bar[n].size - 1), ==, 0);
	if (io)
		g_assert_true(within(at, end, s->w->io, s->w->io_end));
	else
		g_assert_true(
			within(at, end, s->w->mem32, s->w->mem32_end) ||
			(n < PCI_BARS && wide && within(at, end, s->w->mem64, s->w->mem64_end)));
	for (guint i = 0; i < s->ranges->len; i++) {
		const struct range *o = &g_array_index(s->ranges, struct range, i);

		g_assert_true(o->io != io || end <= o->start || at >= o->end);
		/* Memory BARs do not share a page: each can be mapped. */
		g_assert_true(io || o->io || at >> 12 != (o->end - 1) >> 12 || end <= o->start);
	}
	g_array_append_val(s->ranges, r);
}

/* Does the whole chain of bridges forward it?  Decided by the model itself: with decoding on, it
 * shows. */
static void check_shows(struct pcidev *d)
{
	uint16_t old = pci_get16(d->cfg + PCI_COMMAND);

	g_assert_cmphex(old & 7, ==, d->child ? 7 : 0);
	if (d->child) { /* the window says that it is one of 64 bits */
		g_assert_cmphex(d->cfg[PCI_PREF_MEMORY_BASE] & 15, ==, PCI_PREF_RANGE_TYPE_64);
		g_assert_cmphex(d->cfg[PCI_PREF_MEMORY_LIMIT] & 15, ==, PCI_PREF_RANGE_TYPE_64);
	}
	pci_set16(d->cfg + PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	if (d->bar[PCI_ROM_BAR].region)
		d->cfg[d->child ? PCI_ROM_ADDRESS1 : PCI_ROM_ADDRESS] |= PCI_ROM_ADDRESS_ENABLE;
	pcidev_update_bars(d);
	for (unsigned n = 0; n <= PCI_ROM_BAR; n++)
		if (d->bar[n].region)
			g_assert_cmphex(d->bar[n].addr, ==, pcidev_bar_value(d, n));
	pci_set16(d->cfg + PCI_COMMAND, old);
	pcidev_update_bars(d);
}

static void check_device(void *opaque, struct pcidev *d)
{
	for (unsigned n = 0; n <= PCI_ROM_BAR; n++)
		if (d->bar[n].region)
			check_bar(opaque, d, n);
	check_shows(d);
}

/* Numbers ascend, nest, and are found again. */
static unsigned check_numbers(struct pcihost *h, struct pcibus *b, unsigned nr)
{
	unsigned last = nr;

	g_assert_true(pcihost_bus(h, nr) == b);
	for (unsigned i = 0; i < 256; i++) {
		struct pcidev *d = b->dev[i];

		if (!d || !d->child)
			continue;
		g_assert_cmpuint(d->cfg[PCI_PRIMARY_BUS], ==, nr);
		g_assert_cmpuint(d->cfg[PCI_SECONDARY_BUS], ==, last + 1);
		last = check_numbers(h, d->child, last + 1);
		g_assert_cmpuint(d->cfg[PCI_SUBORDINATE_BUS], ==, last);
	}
	return last;
}

static unsigned check_machine(struct pciboard *b, const struct pci_windows *w)
{
	struct survey s = {w, g_array_new(FALSE, FALSE, sizeof(struct range)), 0};

	check_numbers(&b->host, &b->host.root, 0);
	pcihost_foreach(&b->host, check_device, &s);
	g_array_free(s.ranges, TRUE);
	return s.bars;
}

static unsigned random_bars(GRand *rnd, struct tpci *t)
{
	unsigned bars = 0;

	for (unsigned n = 0; n < PCI_BARS; n++)
		switch (g_rand_int_range(rnd, 0, 7)) {
		case 0:
			tpci_bar(t, n, 4ull << g_rand_int_range(rnd, 0, 7), IO);
			bars++;
			break;
		case 1:
			tpci_bar(t, n, 16ull << g_rand_int_range(rnd, 0, 17), MEM32);
			bars++;
			break;
		case 2:
			if (n < PCI_BARS - 1) {
				tpci_bar(t, n++, 16ull << g_rand_int_range(rnd, 0, 29), PREF64);
				bars++;
			}
			break;
		case 3:
			if (n < PCI_BARS - 1) {
				tpci_bar(t, n++, 16ull << g_rand_int_range(rnd, 0, 17), MEM64);
				bars++;
			}
			break;
		}
	if (!g_rand_int_range(rnd, 0, 3)) {
		tpci_bar(t, PCI_ROM_BAR, 2048ull << g_rand_int_range(rnd, 0, 8), 0);
		bars++;
	}
	return bars;
}

static struct pcidev *hotplug_port(struct pciboard *b, struct pcibus *bus, unsigned devfn)
{
	const struct pcie_port_conf conf = {.id = "hp", .hotplug = true};
	struct pcidev *d = pcie_root_port_new(&conf);

	g_assert_cmpint(pcidev_plug(d, bus, (uint8_t)devfn, NULL), ==, 0);
	return d;
}

static unsigned populate(GRand *rnd, struct pciboard *b, struct pcibus *bus, unsigned depth)
{
	unsigned bars = 0;

	for (unsigned i = 0; i < 32; i++) {
		int kind = g_rand_int_range(rnd, 0, 20);

		if (kind == 0 && depth < 3) {
			struct pcidev *p = i & 1 ? port_plug(b, NULL, bus, PCI_DEVFN(i, 0))
						 : hotplug_port(b, bus, PCI_DEVFN(i, 0));

			p->express = g_rand_boolean(rnd);
			bars += populate(rnd, b, p->child, depth + 1);
		} else if (kind < 3) {
			uint8_t devfn = PCI_DEVFN(i, (unsigned)g_rand_int_range(rnd, 0, 8));
			struct tpci *t = tpci_new(b, (uint8_t)i, PCI_CFG_CONV);

			bars += random_bars(rnd, t);
			g_assert_cmpint(pcidev_plug(&t->dev, bus, devfn, NULL), ==, 0);
		}
		if (bus->bridge && bus->bridge->express)
			break;
	}
	return bars;
}

static void random_machines(void)
{
	GRand *rnd = g_rand_new_with_seed(21);
	unsigned placed = 0;

	for (int round = 0; round < 300; round++) {
		struct pciboard b;
		struct err *e = NULL;
		unsigned bars;
		int ret;

		pb_init(&b);
		bars = populate(rnd, &b, &b.host.root, 0);
		for (int again = 0; again < 2; again++) { /* the second time as after a reset */
			pcihost_reset(&b.host);
			ret = q35_setup_pci(&b.host, &board_windows, again ? NULL : &e);
		}
		g_assert_cmpstr(err_text(e), ==, ""); /* all of these machines fit */
		g_assert_cmpint(ret, ==, 0);
		g_assert_cmpuint(check_machine(&b, &board_windows), ==, bars);
		placed += bars;
		err_free(e);
		pb_fini(&b);
	}
	g_assert_cmpuint(placed, >, 2000);
	g_rand_free(rnd);
}

/* --- single facts --- */

static void where_things_go(void)
{
	struct pciboard b;
	struct pcidev *port;
	struct tpci *t, *u;

	pb_init(&b);
	port = port_plug(&b, "p", &b.host.root, PCI_DEVFN(1, 0));
	t = tpci_new(&b, 1, PCI_CFG_CONV);
	tpci_bar(t, 0, 0x1000, PREF64);
	tpci_bar(t, 2, 0x1000, MEM64);
	tpci_bar(t, 4, 64 * MIB, MEM64);
	g_assert_cmpint(pcidev_plug(&t->dev, port->child, 0, NULL), ==, 0);
	u = tpci_new(&b, 2, PCI_CFG_CONV);
	tpci_bar(u, 0, 64 * MIB, MEM64);
	tpci_bar(u, 2, 64 * MIB, MEM32);
	g_assert_cmpint(pcidev_plug(&u->dev, &b.host.root, PCI_DEVFN(2, 0), NULL), ==, 0);
	pcihost_reset(&b.host);
	g_assert_cmpuint(q35_last_bus(&b.host), ==, 0);
	g_assert_cmpint(q35_setup_pci(&b.host, &board_windows, NULL), ==, 0);
	g_assert_cmpuint(q35_last_bus(&b.host), ==, 1);
	g_assert_cmphex(pcidev_bar_value(&t->dev, 0), >=, 32 * GIB);
	g_assert_cmphex(pcidev_bar_value(&t->dev, 2), <, 4 * GIB); /* the port has no such window */
	g_assert_cmphex(pcidev_bar_value(&t->dev, 4), <, 4 * GIB);
	g_assert_cmphex(pcidev_bar_value(&u->dev, 0), >=,
			32 * GIB); /* large, and on the root bus */
	g_assert_cmphex(pcidev_bar_value(&u->dev, 2), <, 4 * GIB);
	g_assert_cmphex(cfg_r(&b, 8, PCI_IO_BASE, 1), >,
			cfg_r(&b, 8, PCI_IO_LIMIT, 1)); /* unused */
	pb_fini(&b);
}

static int setup_one(struct pciboard *b, const struct pci_windows *w, struct err **errp)
{
	pcihost_reset(&b->host);
	return q35_setup_pci(&b->host, w, errp);
}

static void expect_full(struct pciboard *b, const struct pci_windows *w, const char *text,
			const char *hint)
{
	struct err *e = NULL;

	g_assert_cmpint(setup_one(b, w, &e), ==, -ENOSPC);
	g_assert_cmpstr(err_text(e), ==, text);
	g_assert_nonnull(strstr(err_hints(e), hint));
	err_free(e);
	pb_fini(b);
}

static struct tpci *one_device(struct pciboard *b)
{
	pb_init(b);
	return tpci_plug(b, 7, &b->host.root, 8);
}

static void no_room(void)
{
	struct pci_windows small = board_windows;
	struct pciboard b;
	struct pcidev *port;
	struct tpci *t;

	tpci_bar(one_device(&b), 3, 2 * GIB, MEM32);
	expect_full(&b, &board_windows,
		    "dev7: BAR 3 needs 0x80000000 bytes at 0x100000000, but the 32-bit PCI window "
		    "ends at 0xfec00000",
		    "fewer devices");
	tpci_bar(one_device(&b), 2, 1ull << 39, PREF64);
	expect_full(
		&b, &board_windows,
		"dev7: BAR 2 needs 0x8000000000 bytes at 0x8000000000, but the 64-bit PCI window "
		"ends at 0x8000000000",
		"processor cannot address more");
	small.io_end = 0x1000;
	tpci_bar(one_device(&b), 0, 4, IO);
	expect_full(&b, &small,
		    "dev7: BAR 0 needs 0x4 bytes at 0x1000, but the I/O PCI window ends at 0x1000",
		    "fewer devices");
	small.mem32_end = small.mem32 + 0x1000;
	tpci_bar(one_device(&b), 6, 0x2000, 0);
	expect_full(
		&b, &small,
		"dev7: its ROM needs 0x2000 bytes at 0xc0000000, but the 32-bit PCI window ends "
		"at 0xc0001000",
		"rombar=0");
	pb_init(&b);
	port = port_plug(&b, "rp", &b.host.root, 8);
	t = tpci_plug(&b, 7, port->child, 0);
	tpci_bar(t, 0, 16, MEM32);
	expect_full(
		&b, &small,
		"rp: the window of its bus needs 0x100000 bytes at 0xc0000000, but the 32-bit PCI "
		"window ends at 0xc0001000",
		"fewer devices");
}

/* The last byte of a window is usable; sizes whose sum overflows are refused, not lost. */
static void limits(void)
{
	struct pci_windows w = board_windows;
	struct pciboard b;
	struct pcidev *port;
	struct tpci *t;
	struct err *e = NULL;

	w.mem32_end = w.mem32 + 0x4000;
	w.io_end = w.io + 0x100;
	t = one_device(&b);
	tpci_bar(t, 0, 0x4000, MEM32);
	tpci_bar(t, 1, 0x100, IO);
	g_assert_cmpint(setup_one(&b, &w, NULL), ==, 0);
	g_assert_cmphex(pcidev_bar_value(&t->dev, 0), ==, w.mem32);
	pb_fini(&b);

	w.mem32_end = w.mem32 + 0x5000; /* fits only without a gap: the larger one first */
	t = one_device(&b);
	tpci_bar(t, 0, 0x1000, MEM32);
	tpci_bar(t, 1, 0x4000, MEM32);
	g_assert_cmpint(setup_one(&b, &w, NULL), ==, 0);
	g_assert_cmphex(pcidev_bar_value(&t->dev, 0), ==, w.mem32 + 0x4000);
	pb_fini(&b);

	pb_init(&b);
	port = port_plug(&b, "rp", &b.host.root, 8);
	t = tpci_plug(&b, 7, port->child, 0);
	tpci_bar(t, 0, 1ull << 63, PREF64);
	tpci_bar(t, 2, 1ull << 63, PREF64);
	g_assert_cmpint(setup_one(&b, &board_windows, &e), ==, -ENOSPC);
	g_assert_nonnull(strstr(err_text(e), "rp: the window of its bus"));
	err_free(e);
	pb_fini(&b);
}

static void too_many_buses(void)
{
	struct pciboard b;
	unsigned n = 0;

	pb_init(&b);
	for (unsigned i = 0; i < 32; i++)
		for (unsigned fn = 0; fn < 8; fn++)
			if (i || fn)
				port_plug(&b, NULL, &b.host.root, PCI_DEVFN(i, fn));
	port_plug(&b, "last", b.host.root.dev[255]->child, 0);
	g_assert_cmpint(setup_one(&b, &board_windows, NULL), ==, 0);
	for (unsigned i = 1; i < 256; i++)
		n += b.host.root.dev[i]->cfg[PCI_SECONDARY_BUS] == i;
	g_assert_cmpuint(n, ==, 255);
	g_assert_cmphex(b.host.root.dev[255]->cfg[PCI_SUBORDINATE_BUS], ==, 255);
	g_assert_cmphex(b.host.root.dev[255]->child->dev[0]->cfg[PCI_SECONDARY_BUS], ==, 0);
	g_assert_cmphex(b.host.root.dev[255]->child->dev[0]->cfg[PCI_PRIMARY_BUS], ==, 0);
	pb_fini(&b);
}

/* --- windows for what is plugged in later --- */

static bool has_io(const struct pcidev *port)
{
	return port->cfg[PCI_IO_BASE] <= port->cfg[PCI_IO_LIMIT];
}

static uint64_t pref_base(const struct pcidev *port)
{
	return (uint64_t)pci_get32(port->cfg + PCI_PREF_BASE_UPPER32) << 32 |
	       (pci_get16(port->cfg + PCI_PREF_MEMORY_BASE) & 0xfff0u) << 16;
}

/* An empty slot gets windows; a device that comes later finds its room there. */
static void empty_slot(void)
{
	struct pciboard b;
	struct pcidev *hp, *rp;
	struct tpci *t;
	uint64_t mem, pref;

	pb_init(&b);
	hp = hotplug_port(&b, &b.host.root, 8);
	rp = port_plug(&b, "rp", &b.host.root, 16);
	g_assert_cmpint(setup_one(&b, &board_windows, NULL), ==, 0);
	g_assert_cmpuint(hp->cfg[PCI_SECONDARY_BUS], ==, 1);
	g_assert_true(has_io(hp));
	g_assert_false(has_io(rp));
	g_assert_cmphex(pci_get16(rp->cfg + PCI_MEMORY_BASE), >,
			pci_get16(rp->cfg + PCI_MEMORY_LIMIT));
	mem = (uint64_t)pci_get16(hp->cfg + PCI_MEMORY_BASE) << 16;
	pref = pref_base(hp);
	g_assert_cmphex(mem & (2 * MIB - 1), ==, 0);
	g_assert_cmphex(pci_get16(hp->cfg + PCI_MEMORY_LIMIT), ==, (mem + MIB) >> 16);
	g_assert_cmphex(pref & (32 * MIB - 1), ==, 0);
	g_assert_cmphex(pref, >=, 32 * GIB);

	t = tpci_new(&b, 1, PCI_CFG_CONV);
	tpci_bar(t, 0, 2 * MIB, MEM32);
	tpci_bar(t, 2, 32 * MIB, PREF64);
	tpci_bar(t, 4, 0x1000, IO);
	g_assert_cmpint(pcidev_plug(&t->dev, hp->child, 0, NULL), ==, 0);
	pcidev_set_bar_value(&t->dev, 0, mem);
	pcidev_set_bar_value(&t->dev, 2, pref);
	pcidev_set_bar_value(&t->dev, 4, (uint64_t)(hp->cfg[PCI_IO_BASE] & 0xf0) << 8);
	cfg_w(&b, 0x100, PCI_COMMAND, 3, 2);
	g_assert_cmphex(t->dev.bar[0].addr, ==, mem);
	g_assert_cmphex(t->dev.bar[2].addr, ==, pref);
	g_assert_cmphex(t->dev.bar[4].addr, !=, UINT64_MAX);
	pb_fini(&b);
}

/* Ports and memory of devices that are there come first; the slots share what is left. */
static void slots_share(void)
{
	struct pci_windows w = board_windows;
	struct pciboard b;
	struct pcidev *hp[32];
	struct tpci *t;
	unsigned n = 0;

	w.mem32_end = w.mem32 + 5 * MIB;
	pb_init(&b);
	for (unsigned i = 1; i < 31; i++)
		hp[i] = hotplug_port(&b, &b.host.root, PCI_DEVFN(i, 0));
	t = tpci_plug(&b, 7, &b.host.root, PCI_DEVFN(31, 0));
	tpci_bar(t, 0, 0x100, IO);
	tpci_bar(t, 1, 16, MEM32);
	g_assert_cmpint(setup_one(&b, &w, NULL), ==, 0);
	for (unsigned i = 1; i < 31; i++)
		n += has_io(hp[i]);
	g_assert_cmpuint(n, ==, 13); /* of 14 pages one is the device's */
	g_assert_true(has_io(hp[1]));
	g_assert_true(has_io(hp[13]));
	g_assert_cmphex(pci_get16(hp[2]->cfg + PCI_MEMORY_BASE), <=,
			pci_get16(hp[2]->cfg + PCI_MEMORY_LIMIT));
	g_assert_cmphex(pci_get16(hp[3]->cfg + PCI_MEMORY_BASE), >,
			pci_get16(hp[3]->cfg + PCI_MEMORY_LIMIT));
	g_assert_cmphex(pref_base(hp[30]), !=, 0);
	g_assert_cmphex(pcidev_bar_value(&t->dev, 1), !=, 0);
	pb_fini(&b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/setup/where-things-go", where_things_go);
	g_test_add_func("/setup/no-room", no_room);
	g_test_add_func("/setup/limits", limits);
	g_test_add_func("/setup/too-many-buses", too_many_buses);
	g_test_add_func("/setup/empty-slot", empty_slot);
	g_test_add_func("/setup/slots-share", slots_share);
	g_test_add_func("/setup/random-machines", random_machines);
	return g_test_run();
}
