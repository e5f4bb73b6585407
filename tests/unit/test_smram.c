// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory for system management mode: what its registers open, close and lock, on a host bridge with
 * 32 MiB of RAM.
 */
#include <errno.h>

#include "hw/q35/q35.h"
#include "mem/layout.h"
#include "mem/ram.h"
#include "pci_util.h"

#define RAM (32 * MIB)
#define EXT_TSEG 0x50
#define F_SMBASE 0x9c
#define SMRAM 0x9d
#define ESMRAMC 0x9e
#define LOW 0xa0000
#define HIGH 0xfeda0000

enum { D_OPEN = 0x40, D_CLS = 0x20, D_LCK = 0x10, G_SMRAME = 8 };
enum { H_SMRAME = 0x80, T_EN = 1 };

struct rig {
	struct pciboard b;
	struct ram ram;
	struct mmapping *map;
	struct mch *m;
};

static void no_reset(void *opaque)
{
}

static void rig_init(struct rig *r, unsigned tseg_mbytes, bool no_smbase)
{
	struct mch_conf conf = {.hard_reset = no_reset};

	*r = (struct rig){};
	pb_init(&r->b);
	g_assert_cmpint(ram_init(&r->ram, "ram", RAM, NULL), ==, 0);
	r->map = aspace_map(r->b.mem, &r->ram.region, 0, 0, RAM, 0);
	conf.smram = (struct smram_conf){&r->ram.region, RAM, tseg_mbytes, no_smbase};
	r->m = mch_new(&r->b.host, &conf, NULL);
	pcihost_reset(&r->b.host);
}

static void rig_fini(struct rig *r)
{
	pcihost_fini(&r->b.host);
	mch_free(r->m);
	r->b.host.ops = NULL;
	aspace_unmap(r->b.mem, r->map);
	g_assert_cmphex(aspace_read(r->b.mem, LOW, 1), ==, 0xff); /* nothing is left */
	pb_fini(&r->b);
	ram_fini(&r->ram);
}

static uint8_t get(struct rig *r, unsigned reg)
{
	return (uint8_t)cfg_r(&r->b, 0, reg, 1);
}

static void set(struct rig *r, unsigned reg, unsigned val)
{
	cfg_w(&r->b, 0, reg, val, 1);
}

static bool is_ram(struct rig *r, uint64_t addr)
{
	uint64_t len = 1;

	return aspace_ptr(r->b.mem, addr, &len, true) != NULL;
}

/* Ones, and nothing that is written stays. */
static void check_hole(struct rig *r, uint64_t addr)
{
	uint8_t old = r->ram.region.host[addr];

	g_assert_false(is_ram(r, addr));
	g_assert_cmphex(aspace_read(r->b.mem, addr, 1), ==, 0xff);
	g_assert_cmphex(aspace_read(r->b.mem, addr, 8), ==, UINT64_MAX);
	aspace_write(r->b.mem, addr, (uint8_t)~old, 1);
	g_assert_cmphex(aspace_read(r->b.mem, addr, 1), ==, 0xff);
	g_assert_cmphex(r->ram.region.host[addr], ==, old);
}

static void open_and_lock(void)
{
	struct rig r;

	rig_init(&r, 16, false);
	for (int again = 0; again < 2; again++) {
		g_assert_cmphex(get(&r, SMRAM), ==, 2);
		set(&r, SMRAM, 0xff & ~D_OPEN & ~D_LCK);
		g_assert_cmphex(get(&r, SMRAM), ==, D_CLS | G_SMRAME | 2);
		check_hole(&r, LOW);
		check_hole(&r, LOW + 0x1fff8);
		set(&r, SMRAM, D_OPEN);
		g_assert_cmphex(get(&r, SMRAM), ==, D_OPEN | 2);
		aspace_write(r.b.mem, LOW + 5, 0x77, 1);
		g_assert_cmphex(r.ram.region.host[LOW + 5], ==, 0x77);
		set(&r, SMRAM, D_OPEN | D_LCK); /* the lock closes it */
		g_assert_cmphex(get(&r, SMRAM), ==, D_LCK | 2);
		set(&r, SMRAM, D_OPEN | G_SMRAME);
		g_assert_cmphex(get(&r, SMRAM), ==, D_LCK | 2);
		set(&r, ESMRAMC, 0xff);
		g_assert_cmphex(get(&r, ESMRAMC), ==, 0x38);
		check_hole(&r, LOW + 5);
		g_assert_true(is_ram(&r, LOW - 1));
		g_assert_true(is_ram(&r, LOW + 0x20000));
		g_assert_cmphex(r.ram.region.host[LOW + 5], ==, 0x77);
		pcihost_reset(&r.b.host);
	}
	rig_fini(&r);
}

/* With H_SMRAME the opened memory is at its high address. */
static void high(void)
{
	struct rig r;

	rig_init(&r, 16, false);
	set(&r, ESMRAMC, H_SMRAME);
	g_assert_false(is_ram(&r, HIGH));
	set(&r, SMRAM, D_OPEN);
	check_hole(&r, LOW);
	aspace_write(r.b.mem, HIGH + 0x123, 0x55, 1);
	g_assert_cmphex(r.ram.region.host[LOW + 0x123], ==, 0x55);
	set(&r, ESMRAMC, 0);
	g_assert_cmphex(aspace_read(r.b.mem, LOW + 0x123, 1), ==, 0x55);
	g_assert_false(is_ram(&r, HIGH));
	rig_fini(&r);
}

/* A display's window shows where SMRAM is closed. */
static void below_a_display(void)
{
	uint16_t what = 0x1234;
	struct region vga;
	struct mmapping *m;
	struct rig r;

	rig_init(&r, 16, false);
	region_init_io(&vga, "vga", 0x20000, &tbar_ops, &what);
	m = aspace_map(r.b.mem, &vga, LOW, 0, 0x20000, MCH_PRIO_VGA);
	g_assert_cmphex(aspace_read(r.b.mem, LOW, 2), ==, 0x1234);
	set(&r, SMRAM, D_OPEN);
	g_assert_true(is_ram(&r, LOW));
	set(&r, SMRAM, 0);
	g_assert_cmphex(aspace_read(r.b.mem, LOW, 2), ==, 0x1234);
	aspace_unmap(r.b.mem, m);
	rig_fini(&r);
}

static void check_tseg(struct rig *r, unsigned code, uint64_t size)
{
	set(r, ESMRAMC, code << 1);
	set(r, SMRAM, G_SMRAME);
	g_assert_true(is_ram(r, RAM - 1)); /* T_EN is off */
	set(r, ESMRAMC, code << 1 | T_EN);
	g_assert_true(size == RAM || is_ram(r, RAM - size - 1));
	if (size) {
		check_hole(r, RAM - size);
		check_hole(r, RAM - 8);
	}
	set(r, SMRAM, G_SMRAME | D_LCK | D_CLS);
	set(r, ESMRAMC, 0);
	g_assert_true(!size || !is_ram(r, RAM - size));
	g_assert_true(size == RAM || is_ram(r, RAM - size - 1));
	pcihost_reset(&r->b.host);
	g_assert_true(is_ram(r, RAM - 1));
}

static void tseg(void)
{
	struct rig r;

	rig_init(&r, 16, false);
	check_tseg(&r, 0, MIB);
	check_tseg(&r, 1, 2 * MIB);
	check_tseg(&r, 2, 8 * MIB);
	check_tseg(&r, 3, 16 * MIB);
	set(&r, ESMRAMC, T_EN);
	g_assert_true(is_ram(&r, RAM - 1)); /* G_SMRAME is off */
	g_assert_cmphex(cfg_r(&r.b, 0, EXT_TSEG, 2), ==, 16);
	cfg_w(&r.b, 0, EXT_TSEG, 5, 2);
	g_assert_cmphex(cfg_r(&r.b, 0, EXT_TSEG, 2), ==, 5);
	cfg_w(&r.b, 0, EXT_TSEG, 0xffff, 2);
	g_assert_cmphex(cfg_r(&r.b, 0, EXT_TSEG, 2), ==, 16);
	rig_fini(&r);
	rig_init(&r, 0, false);
	check_tseg(&r, 3, 0);
	cfg_w(&r.b, 0, EXT_TSEG, 0xffff, 2);
	g_assert_cmphex(cfg_r(&r.b, 0, EXT_TSEG, 2), ==, 0xffff);
	rig_fini(&r);
	rig_init(&r, 4095, false); /* more than there is memory */
	check_tseg(&r, 3, RAM);
	rig_fini(&r);
}

static void smbase(void)
{
	struct rig r;

	rig_init(&r, 16, false);
	r.ram.region.host[0x30000] = 0x32;
	for (unsigned v = 0; v < 0xff; v++) {
		set(&r, F_SMBASE, v);
		g_assert_cmphex(get(&r, F_SMBASE), ==, 0);
	}
	set(&r, F_SMBASE, 0xff);
	g_assert_cmphex(get(&r, F_SMBASE), ==, 1);
	g_assert_true(is_ram(&r, 0x30000));
	set(&r, F_SMBASE, 0xfd);
	g_assert_cmphex(get(&r, F_SMBASE), ==, 1);
	set(&r, F_SMBASE, 2);
	for (unsigned v = 0; v <= 0xff; v++) {
		set(&r, F_SMBASE, v);
		g_assert_cmphex(get(&r, F_SMBASE), ==, 2);
		check_hole(&r, 0x30000);
		check_hole(&r, 0x4fff8);
	}
	g_assert_true(is_ram(&r, 0x2ffff));
	g_assert_true(is_ram(&r, 0x50000));
	pcihost_reset(&r.b.host);
	g_assert_cmphex(get(&r, F_SMBASE), ==, 0);
	g_assert_cmphex(aspace_read(r.b.mem, 0x30000, 1), ==, 0x32);
	rig_fini(&r);
	rig_init(&r, 16, true);
	for (unsigned v = 0; v <= 0xff; v++) {
		set(&r, F_SMBASE, v);
		g_assert_cmphex(get(&r, F_SMBASE), ==, v);
		g_assert_true(is_ram(&r, 0x30000));
	}
	rig_fini(&r);
}

static void too_large(void)
{
	struct pciboard b;
	struct err *e = NULL;

	pb_init(&b);
	g_assert_null(mch_new(&b.host, &(struct mch_conf){.smram.tseg_mbytes = 4096}, &e));
	g_assert_cmpint(err_code(e), ==, -ERANGE);
	g_assert_nonnull(strstr(err_text(e), "extended-tseg-mbytes=4096"));
	err_free(e);
	pb_fini(&b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/smram/open-and-lock", open_and_lock);
	g_test_add_func("/smram/high", high);
	g_test_add_func("/smram/below-a-display", below_a_display);
	g_test_add_func("/smram/tseg", tseg);
	g_test_add_func("/smram/smbase", smbase);
	g_test_add_func("/smram/too-large", too_large);
	return g_test_run();
}
