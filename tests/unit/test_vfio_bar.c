// SPDX-License-Identifier: GPL-2.0-or-later
/* BARs of an assigned device: what is mapped, what traps, how both move. */
#include <errno.h>
#include <string.h>

#include "vfio_util.h"

/* Guest memory at addr shows [start, last] of the named region. */
static void shows(struct vt *t, uint64_t addr, const char *name, uint64_t start, uint64_t last)
{
	uint64_t s = 0, l = 0;

	g_assert_cmpstr(vt_region_at(t, addr, &s, &l), ==, name);
	g_assert_cmphex(s, ==, start);
	g_assert_cmphex(l, ==, last);
}

static void is_mapped(struct vt *t, uint64_t addr, unsigned bar, uint64_t off)
{
	unsigned reads = t->fake.region[bar].reads;

	pci_set32(t->fake.region[bar].data + off, 0x11223344);
	g_assert_cmphex(aspace_read(t->mem, addr, 4), ==, 0x11223344);
	aspace_write(t->mem, addr, 0x55667788, 4);
	g_assert_cmphex(pci_get32(t->fake.region[bar].data + off), ==, 0x55667788);
	g_assert_cmpuint(t->fake.region[bar].reads, ==, reads);
}

static void traps(struct vt *t, uint64_t addr, unsigned bar, uint64_t off)
{
	unsigned reads = t->fake.region[bar].reads, writes = t->fake.region[bar].writes;

	pci_set32(t->fake.region[bar].data + off, 0x11223344);
	g_assert_cmphex(aspace_read(t->mem, addr, 4), ==, 0x11223344);
	aspace_write(t->mem, addr, 0x55667788, 4);
	g_assert_cmphex(pci_get32(t->fake.region[bar].data + off), ==, 0x55667788);
	g_assert_cmpuint(t->fake.region[bar].reads, ==, reads + 1);
	g_assert_cmpuint(t->fake.region[bar].writes, ==, writes + 1);
}

/* --- whole BARs ----------------------------------------------------------------------------- */

static void whole(struct vt *t)
{
	shows(t, AT_BAR2, "vfio-bar", AT_BAR2, AT_BAR2 + 0xfffff);
	is_mapped(t, AT_BAR2, 2, 0);
	is_mapped(t, AT_BAR2 + 0xffffc, 2, 0xffffc);
	g_assert_cmphex(t->fake.region[0].maps, ==, 1);
	/* Table and PBA lie on top; the rest of their pages stays mapped. */
	shows(t, AT_BAR0, "vfio-bar", AT_BAR0, AT_BAR0 + STD_TABLE - 1);
	shows(t, AT_BAR0 + STD_TABLE, "msix-table", AT_BAR0 + STD_TABLE, AT_BAR0 + 0x207f);
	shows(t, AT_BAR0 + 0x2080, "vfio-bar", AT_BAR0 + 0x2080, AT_BAR0 + 0x2fff);
	shows(t, AT_BAR0 + STD_PBA, "msix-pba", AT_BAR0 + STD_PBA, AT_BAR0 + STD_PBA + 7);
	is_mapped(t, AT_BAR0 + 0x2080, 0, 0x2080);
	is_mapped(t, AT_BAR0 + 0x3008, 0, 0x3008);
	/* The physical table is never touched. */
	aspace_write(t->mem, AT_BAR0 + STD_TABLE, 0xfee00000, 4);
	g_assert_cmphex(pci_get32(t->fake.region[0].data + STD_TABLE), ==, 0);
	g_assert_cmphex(aspace_read(t->mem, AT_BAR0 + STD_TABLE, 4), ==, 0xfee00000);
}

static void decoding(struct vt *t)
{
	vt_set_cfg(t, PCI_COMMAND, PCI_COMMAND_IO, 2);
	g_assert_cmpstr(vt_region_at(t, AT_BAR0, NULL, NULL), ==, "");
	g_assert_cmphex(aspace_read(t->io, AT_BAR4, 4), ==, 0);
	vt_set_cfg(t, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	g_assert_cmpstr(vt_region_at(t, AT_BAR0, NULL, NULL), ==, "vfio-bar");
	g_assert_cmphex(aspace_read(t->io, AT_BAR4, 4), ==, UINT32_MAX);
}

static void moves(struct vt *t)
{
	const uint64_t to = 0xd0000000;

	vt_set_cfg(t, PCI_BASE_ADDRESS_0, (uint32_t)to, 4);
	g_assert_cmphex(aspace_read(t->mem, AT_BAR0, 4), ==, UINT32_MAX);
	is_mapped(t, to, 0, 0);
	shows(t, to + STD_TABLE, "msix-table", to + STD_TABLE, to + 0x207f);
	/* 64 bits, half by half: in between it is where the halves say. */
	vt_set_cfg(t, PCI_BASE_ADDRESS_3, 9, 4);
	is_mapped(t, 0x900000010, 2, 16);
	vt_set_cfg(t, PCI_BASE_ADDRESS_2, 0x00700000, 4);
	is_mapped(t, 0x900700040, 2, 0x40);
	/* Sized while it decodes: it shows nowhere, and comes back. */
	vt_set_cfg(t, PCI_BASE_ADDRESS_0, UINT32_MAX, 4);
	g_assert_cmpstr(vt_region_at(t, to, NULL, NULL), ==, "");
	vt_set_cfg(t, PCI_BASE_ADDRESS_0, (uint32_t)to, 4);
	is_mapped(t, to, 0, 0);
	g_assert_cmpuint(t->fake.region[0].maps, ==, 1);
}

static void ports(struct vt *t)
{
	t->fake.region[4].data[5] = 0x77;
	g_assert_cmphex(aspace_read(t->io, AT_BAR4 + 5, 1), ==, 0x77);
	aspace_write(t->io, AT_BAR4 + 8, 0xbeef, 2);
	g_assert_true(fake_said(&t->fake, "bar4 0x8 = 0xbeef/2"));
	g_assert_cmpuint(t->fake.region[4].maps, ==, 0);
	vt_set_cfg(t, PCI_BASE_ADDRESS_4, 0xd000, 4);
	g_assert_cmphex(aspace_read(t->io, 0xd005, 1), ==, 0x77);
}

static void bars(void)
{
	vt_run_guest(NULL, whole);
	vt_run_guest(NULL, decoding);
	vt_run_guest(NULL, moves);
	vt_run_guest(NULL, ports);
}

/* --- the table's page, where the host does not allow it mapped ------------------------------ */

static void place_table(struct vt *t, uint32_t at, unsigned vectors)
{
	t->fake.region[0].info.msix_mappable = false;
	pci_set32(t->fake.cfg + STD_MSIX + PCI_MSIX_TABLE, at);
	pci_set32(t->fake.cfg + STD_MSIX + PCI_MSIX_PBA, 0x80 | 2); /* BAR 2 */
	pci_set16(t->fake.cfg + STD_MSIX + PCI_MSIX_FLAGS, (uint16_t)(vectors - 1));
}

static void cut(uint32_t at, unsigned vectors, const char *first, const char *second)
{
	struct vt t;

	vt_init(&t);
	place_table(&t, at, vectors);
	vt_start(&t);
	vt_place(&t);
	if (first)
		g_assert_true(fake_said(&t.fake, first));
	if (second)
		g_assert_true(fake_said(&t.fake, second));
	g_assert_cmpuint(t.fake.region[0].maps, ==, (first != NULL) + (second != NULL));
	shows(&t, AT_BAR0 + at, "msix-table", AT_BAR0 + at, AT_BAR0 + at + 16 * vectors - 1);
	if (16 * vectors % 4096 && at + 16 * vectors < 0x4000)
		traps(&t, AT_BAR0 + at + 16 * vectors, 0, at + 16 * vectors);
	vt_fini(&t);
}

static void table_cut(void)
{
	cut(0x0000, 8, "map bar0 0x1000+0x3000", NULL);
	cut(0x1000, 8, "map bar0 0x0+0x1000", "map bar0 0x2000+0x2000");
	cut(0x3f00, 16, "map bar0 0x0+0x3000", NULL);
	cut(0x1000, 300, "map bar0 0x0+0x1000", "map bar0 0x3000+0x1000");
	cut(0x0ff0, 2, "map bar0 0x2000+0x2000", NULL); /* over a page's border */
	cut(0x1000, 256, "map bar0 0x0+0x1000", "map bar0 0x2000+0x2000");
	cut(0x0000, 1024, NULL, NULL);
}

static void set_sparse(struct vt *t, const struct vfio_area *a, unsigned n)
{
	struct vfio_region *r = &t->fake.region[2].info;

	r->sparse = true;
	r->n_areas = n;
	for (unsigned i = 0; i < n; i++)
		r->area[i] = a[i];
}

static void sparse_setup(struct vt *t)
{
	const struct vfio_area a[] = {
		{0x1000, 0x2000}, {0x8000, 0x1800}, {0x20800, 0x1000}, {0xff000, 0x1000}};

	set_sparse(t, a, G_N_ELEMENTS(a));
}

static void sparse_areas(struct vt *t)
{
	traps(t, AT_BAR2, 2, 0);
	is_mapped(t, AT_BAR2 + 0x1000, 2, 0x1000);
	is_mapped(t, AT_BAR2 + 0x2ffc, 2, 0x2ffc);
	traps(t, AT_BAR2 + 0x3000, 2, 0x3000);
	/* An area shows whole pages of its own only. */
	is_mapped(t, AT_BAR2 + 0x8000, 2, 0x8000);
	traps(t, AT_BAR2 + 0x9000, 2, 0x9000);
	traps(t, AT_BAR2 + 0x20800, 2, 0x20800);
	traps(t, AT_BAR2 + 0x21000, 2, 0x21000);
	is_mapped(t, AT_BAR2 + 0xff000, 2, 0xff000);
	g_assert_cmpuint(t->fake.region[2].maps, ==, 3);
}

/* A sparse area that holds the table is cut as well. */
static void sparse_table(struct vt *t)
{
	struct vfio_region *r = &t->fake.region[0].info;

	place_table(t, STD_TABLE, 8);
	r->sparse = true;
	r->n_areas = 1;
	r->area[0] = (struct vfio_area){0x1000, 0x3000};
}

static void sparse_table_cut(struct vt *t)
{
	traps(t, AT_BAR0, 0, 0);
	is_mapped(t, AT_BAR0 + 0x1000, 0, 0x1000);
	traps(t, AT_BAR0 + 0x2800, 0, 0x2800);
	is_mapped(t, AT_BAR0 + 0x3000, 0, 0x3000);
}

static void no_areas(struct vt *t)
{
	set_sparse(t, NULL, 0);
}

static void all_traps(struct vt *t)
{
	g_assert_cmpuint(t->fake.region[2].maps, ==, 0);
	traps(t, AT_BAR2, 2, 0);
	traps(t, AT_BAR2 + 0xffffc, 2, 0xffffc);
}

static void sparse(void)
{
	vt_run_guest(sparse_setup, sparse_areas);
	vt_run_guest(sparse_table, sparse_table_cut);
	vt_run_guest(no_areas, all_traps);
}

/* --- not mapped ----------------------------------------------------------------------------- */

static void no_mmap(struct vt *t)
{
	t->conf.no_mmap = true;
}

static void mmap_fails(struct vt *t)
{
	t->fake.map_errno = EBUSY;
}

static void falls_back(struct vt *t)
{
	all_traps(t);
	traps(t, AT_BAR0 + 0x2080, 0, 0x2080);
	if (t->fake.map_errno) {
		assert_contains(vt_messages(),
				"vfio-pci,host=0000:17:00.0: BAR 0, 0x4000 bytes at 0x0");
		assert_contains(vt_messages(), "Device or resource busy");
		assert_contains(vt_messages(), "/proc/iomem");
	} else {
		g_assert_false(fake_said(&t->fake, "map bar2 0x0+0x100000"));
	}
}

static void no_mmap_flag(struct vt *t)
{
	t->fake.region[0].info.flags &= ~(uint32_t)VFIO_REGION_INFO_FLAG_MMAP;
	t->fake.region[2].info.flags &= ~(uint32_t)VFIO_REGION_INFO_FLAG_MMAP;
}

static void failures(struct vt *t)
{
	unsigned before = t->fake.region[2].writes;

	t->fake.fail_at = t->fake.calls + 1;
	g_assert_cmphex(aspace_read(t->mem, AT_BAR2 + 8, 8), ==, UINT64_MAX);
	vt_assert_said("vfio-pci,host=0000:17:00.0: read BAR 2 + 0x8, 8 bytes: Input/output error");
	t->v->last_warning = 0;
	t->fake.fail_at = t->fake.calls + 1;
	aspace_write(t->mem, AT_BAR2 + 8, 1, 4);
	vt_assert_said("write BAR 2 + 0x8, 4 bytes: Input/output error");
	g_assert_cmpuint(t->fake.region[2].writes, ==, before);
	g_assert_cmphex(pci_get32(t->fake.region[2].data + 8), ==, 0);
	/* A short read is as bad as none. */
	t->v->last_warning = 0;
	t->fake.region[2].max_read = 2;
	g_assert_cmphex(aspace_read(t->mem, AT_BAR2 + 8, 4), ==, UINT32_MAX);
	vt_assert_said("short");
}

static void trapped(void)
{
	vt_run_guest(no_mmap, falls_back);
	vt_run_guest(mmap_fails, falls_back);
	vt_run_guest(no_mmap_flag, falls_back);
	vt_run_guest(no_mmap, failures);
}

/* A region whose size is no power of two: the BAR is larger, the rest gives ones. */
static void odd_size(struct vt *t)
{
	t->conf.no_mmap = true;
	fake_bar(&t->fake, 1, 0x1800, 0);
}

static void past_the_end(struct vt *t)
{
	vt_set_cfg(t, PCI_BASE_ADDRESS_1, 0xc2000000, 4);
	g_assert_cmphex(vt_cfg(t, PCI_BASE_ADDRESS_1, 4), ==, 0xc2000000);
	vt_set_cfg(t, PCI_BASE_ADDRESS_1, 0xc2001000, 4); /* aligned down to 8 KiB */
	g_assert_cmphex(vt_cfg(t, PCI_BASE_ADDRESS_1, 4), ==, 0xc2000000);
	traps(t, 0xc2000000 + 0x17fc, 1, 0x17fc);
	g_assert_cmphex(aspace_read(t->mem, 0xc2001800, 4), ==, UINT32_MAX);
	g_assert_cmphex(aspace_read(t->mem, 0xc2001ffc, 4), ==, UINT32_MAX);
	aspace_write(t->mem, 0xc2001ffc, 1, 4);
	g_assert_false(fake_said(&t->fake, "bar1 0x1ffc = 0x1/4"));
}

static void read_only(struct vt *t)
{
	t->fake.region[2].info.flags &= ~(uint32_t)VFIO_REGION_INFO_FLAG_WRITE;
}

static void writes_dropped(struct vt *t)
{
	t->fake.region[2].data[0] = 0x42;
	g_assert_cmpstr(vt_region_at(t, AT_BAR2, NULL, NULL), ==, "vfio-bar");
	g_assert_cmphex(aspace_read(t->mem, AT_BAR2, 1), ==, 0x42);
	aspace_write(t->mem, AT_BAR2, 0x43, 1);
	g_assert_cmphex(t->fake.region[2].data[0], ==, 0x42);
}

static void too_large(void)
{
	struct err *e = NULL;
	struct vt t;

	vt_init(&t);
	t.fake.region[2].info.size = (1ull << 63) + 1;
	g_assert_cmpint(vt_try(&t, &e), ==, -EINVAL);
	assert_contains(err_text(e), "BAR 2 of 0x8000000000000001 bytes");
	err_free(e);
	vt_fini(&t);
}

static void odd(void)
{
	vt_run_guest(odd_size, past_the_end);
	vt_run_guest(read_only, writes_dropped);
	too_large();
}

/* --- BARs below a page ---------------------------------------------------------------------- */

static void small(struct vt *t)
{
	fake_bar(&t->fake, 1, 0x400, 0);
	fake_bar(&t->fake, 5, 0x100, 0);
}

static void set_small(struct vt *t, uint32_t bar1, uint32_t bar5)
{
	vt_set_cfg(t, PCI_BASE_ADDRESS_1, bar1, 4);
	vt_set_cfg(t, PCI_BASE_ADDRESS_5, bar5, 4);
}

static void grows(struct vt *t)
{
	g_assert_true(fake_said(&t->fake, "map bar1 0x0+0x1000"));
	/* Alone at the start of a page: the page is whole, so a slot can hold it. */
	set_small(t, 0xc2000000, 0xc3000000);
	shows(t, 0xc2000000, "vfio-bar", 0xc2000000, 0xc2000fff);
	shows(t, 0xc3000000, "vfio-bar", 0xc3000000, 0xc3000fff);
	is_mapped(t, 0xc2000010, 1, 0x10);
	/* Not at the start: its own bytes and no more. */
	set_small(t, 0xc2000400, 0xc3000000);
	shows(t, 0xc2000400, "vfio-bar", 0xc2000400, 0xc20007ff);
	g_assert_cmpstr(vt_region_at(t, 0xc2000000, NULL, NULL), ==, "");
	/* Two in one page: the other's bytes stay the other's. */
	set_small(t, 0xc2000000, 0xc2000800);
	shows(t, 0xc2000000, "vfio-bar", 0xc2000000, 0xc20007ff);
	shows(t, 0xc2000800, "vfio-bar", 0xc2000800, 0xc20008ff);
	t->fake.region[5].data[4] = 0x99;
	g_assert_cmphex(aspace_read(t->mem, 0xc2000804, 1), ==, 0x99);
	set_small(t, 0xc2001000, 0xc2000800);
	shows(t, 0xc2001000, "vfio-bar", 0xc2001000, 0xc2001fff);
	g_assert_cmpstr(vt_region_at(t, 0xc2000000, NULL, NULL), ==, "");
	/* Off, and gone with the device while it is grown (vt_fini looks). */
	vt_set_cfg(t, PCI_COMMAND, 0, 2);
	g_assert_cmpstr(vt_region_at(t, 0xc2001000, NULL, NULL), ==, "");
	g_assert_cmpstr(vt_region_at(t, 0xc2001f00, NULL, NULL), ==, "");
	vt_set_cfg(t, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	shows(t, 0xc2001000, "vfio-bar", 0xc2001000, 0xc2001fff);
}

static void sub_page(void)
{
	vt_run_guest(small, grows);
}

int main(int argc, char **argv)
{
	vt_test_init(&argc, &argv);
	g_test_add_func("/vfio-bar/whole", bars);
	g_test_add_func("/vfio-bar/table-cut", table_cut);
	g_test_add_func("/vfio-bar/sparse", sparse);
	g_test_add_func("/vfio-bar/trapped", trapped);
	g_test_add_func("/vfio-bar/odd", odd);
	g_test_add_func("/vfio-bar/sub-page", sub_page);
	return g_test_run();
}
