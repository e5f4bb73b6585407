// SPDX-License-Identifier: GPL-2.0-or-later
/* The walk that only looks: page tables of each kind, large pages, holes, tables outside of RAM. */
#include "cpu/lookup.h"

#include <glib.h>

#include "base/err.h"
#include "mem/aspace.h"
#include "mem/ram.h"

#define MIB (1ull << 20)

enum { P = 1, PS = 0x80, PDIR = 0x10000, TABLE = 0x11000, PDPT = 0x12000, PML4 = 0x13000 };

struct box {
	struct ram ram;
	struct aspace *mem;
	struct x86_regs regs;
};

static void open_box(struct box *b)
{
	struct err *e = NULL;

	*b = (struct box){};
	aspace_thread_enter();
	g_assert_cmpint(ram_init(&b->ram, "ram", MIB, &e), ==, 0);
	b->mem = aspace_new("memory", 0);
	aspace_map(b->mem, &b->ram.region, 0, 0, MIB, 0);
	b->regs.cr0 = X86_CR0_PG | 1;
}

static void close_box(struct box *b)
{
	aspace_free(b->mem);
	ram_fini(&b->ram);
	aspace_thread_leave();
}

static void entry32(struct box *b, uint64_t table, unsigned i, uint32_t val)
{
	aspace_write(b->mem, table + i * 4, val, 4);
}

static void entry64(struct box *b, uint64_t table, unsigned i, uint64_t val)
{
	aspace_write(b->mem, table + i * 8, val, 8);
}

static void is_at(struct box *b, uint64_t lin, uint64_t want)
{
	uint64_t phys = 0;

	g_assert_true(x86_lookup(b->mem, &b->regs, lin, &phys));
	g_assert_cmphex(phys, ==, want);
}

static void is_nowhere(struct box *b, uint64_t lin)
{
	uint64_t phys;

	g_assert_false(x86_lookup(b->mem, &b->regs, lin, &phys));
}

static void no_paging(void)
{
	struct box b;

	open_box(&b);
	b.regs.cr0 = 1;
	is_at(&b, 0x12345678, 0x12345678);
	is_at(&b, 0x112345678, 0x12345678); /* 32 bits, and no more */
	close_box(&b);
}

static void paging32(void)
{
	struct box b;

	open_box(&b);
	b.regs.cr3 = PDIR | 0x18; /* PWT, PCD */
	entry32(&b, PDIR, 0x300, TABLE | P);
	entry32(&b, TABLE, 0x3ff, 0xabcde000 | 0xfe0 | P); /* bits that are no address */
	is_at(&b, 0xc03ff123, 0xabcde123);
	is_nowhere(&b, 0xc03fe000);
	is_nowhere(&b, 0);
	is_at(&b, 0x1c03ff123, 0xabcde123);
	entry32(&b, PDIR, 0x301, 0xfff00000 | P); /* a table where there is no memory */
	is_nowhere(&b, 0xc0400000);
	close_box(&b);
}

static void pse(void)
{
	struct box b;

	open_box(&b);
	b.regs.cr3 = PDIR;
	entry32(&b, PDIR, 1, 0x40000000 | PS | P);
	entry32(&b, PDIR, 2, 0x80000000 | 0x7 << 13 | PS | P); /* PSE-36: bits 34..32 */
	entry32(&b, PDIR, 3, 0x40000000 | PS);
	is_nowhere(&b, 0x400000); /* without CR4.PSE it is a table, in no memory */
	b.regs.cr4 = X86_CR4_PSE;
	is_at(&b, 0x7fffff, 0x403fffff);
	is_at(&b, 0x812345, 0x780012345);
	is_nowhere(&b, 0xc00000);
	close_box(&b);
}

static void pae(void)
{
	struct box b;

	open_box(&b);
	b.regs.cr4 = X86_CR4_PAE;
	b.regs.cr3 = PDPT | 0x20 | 0x18; /* aligned to 32 bytes */
	entry64(&b, PDPT + 0x20, 3, PDIR | P);
	entry64(&b, PDIR, 0x1ff, TABLE | P);
	entry64(&b, PDIR, 0x1fe, 0x8000000c40000000ull | PS | P); /* no execution is no address */
	entry64(&b, TABLE, 0x1ff, 0x8000000fabcde000ull | P);
	is_at(&b, 0xfffff321, 0xfabcde321);
	is_at(&b, 0xffdabcde, 0xc401abcde);
	is_nowhere(&b, 0xffffe000);
	is_nowhere(&b, 0xc0000000);
	is_nowhere(&b, 0);
	close_box(&b);
}

static void four_levels(void)
{
	struct box b;

	open_box(&b);
	b.regs.cr4 = X86_CR4_PAE;
	b.regs.efer = X86_EFER_LMA;
	b.regs.cr3 = PML4;
	entry64(&b, PML4, 0x1ff, PDPT | P);
	entry64(&b, PDPT, 0x1ff, PDIR | P);
	entry64(&b, PDPT, 0x1fe, 0x80c0000000ull | PS | P);
	entry64(&b, PDIR, 0x1ff, TABLE | P);
	entry64(&b, PDIR, 0x1fe, 0x8000012340200000ull | PS | P | 0x1000); /* bit 12: PAT */
	entry64(&b, TABLE, 0x1ff, 0xffffffffff000ull | PS | P);            /* bit 7: PAT */
	is_at(&b, UINT64_MAX, 0xfffffffffffffull);
	is_at(&b, 0xffffffffffc12345, 0x12340212345);
	is_at(&b, 0xffffffff92345678, 0x80d2345678);
	is_nowhere(&b, 0xffffffffffffe000);
	is_nowhere(&b, 0xffffffffff800000);
	is_nowhere(&b, 0xffffff8000000000);
	is_nowhere(&b, 0);
	b.regs.cr3 = 1ull << 40;
	is_nowhere(&b, UINT64_MAX);
	close_box(&b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/lookup/no-paging", no_paging);
	g_test_add_func("/lookup/32", paging32);
	g_test_add_func("/lookup/pse", pse);
	g_test_add_func("/lookup/pae", pae);
	g_test_add_func("/lookup/4-levels", four_levels);
	return g_test_run();
}
