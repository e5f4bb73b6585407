// SPDX-License-Identifier: GPL-2.0-or-later
/* Linux bzImage: the header's checks, placement, the zero page, registers and page tables. */
#include <asm/bootparam.h>

#include "boot_util.h"

#define SETUP 2048u /* three setup sectors and the boot sector */
#define CODE 100000u
#define AT (16 * MIB)
#define ROOM (2 * MIB)
#define HEADER_END 0x26c

struct fix {
	struct guest g;
	struct image i, rd;
	struct x86_regs regs;
	struct boot_params zp;
};

static void make(struct image *i)
{
	put_pattern(i, 0, SETUP + CODE);
	put(i, 0x1f1, 3, 1);
	put(i, 0x1f4, CODE / 16, 4);
	put(i, 0x1fe, 0xaa55, 2);
	put(i, 0x200, 0xeb | (HEADER_END - 0x202) << 8, 2);
	put(i, 0x202, 0x53726448, 4);
	put(i, 0x206, 0x20f, 2);
	put(i, 0x210, 0, 1);
	put(i, 0x211, 1, 1); /* LOADED_HIGH */
	put(i, 0x22c, 0x7fffffff, 4);
	put(i, 0x230, 2 * MIB, 4);
	put(i, 0x234, 1, 1);
	put(i, 0x235, 21, 1);
	put(i, 0x236, 3, 2); /* 64-bit entry, above 4 GiB */
	put(i, 0x238, 100, 4);
	put(i, 0x250, 0x1122334455667788, 8); /* setup_data */
	put(i, 0x258, AT, 8);
	put(i, 0x260, ROOM, 4);
}

static void setup(struct fix *f, gconstpointer data)
{
	guest_init(&f->g, 32 * MIB, 8 * MIB);
	image_init(&f->i);
	image_init(&f->rd);
	make(&f->i);
}

static void teardown(struct fix *f, gconstpointer data)
{
	image_fini(&f->rd);
	image_fini(&f->i);
	guest_fini(&f->g);
}

static void run(struct fix *f, const char *initrd, const char *append)
{
	boots(&f->g, f->i.path, initrd, append, "linux", &f->regs);
	g_assert_true(aspace_read_buf(f->g.as, f->regs.gpr[X86_RSI], &f->zp, sizeof(f->zp)));
}

static void registers(struct fix *f, gconstpointer data)
{
	run(f, NULL, NULL);
	g_assert_cmphex(f->regs.rip, ==, AT + 0x200);
	g_assert_cmphex(f->regs.rflags, ==, 2);
	g_assert_cmphex(f->regs.efer, ==, X86_EFER_LME | X86_EFER_LMA);
	g_assert_cmphex(f->regs.cr0 & (X86_CR0_PE | X86_CR0_PG), ==, X86_CR0_PE | X86_CR0_PG);
	g_assert_cmphex(f->regs.cr4, ==, X86_CR4_PAE);
	g_assert_cmphex(f->regs.gpr[X86_RSI], ==, 0x2000);
	gdt_backed(&f->g, &f->regs, 0x00af9b000000ffff);
	same_bytes(&f->g, AT, &f->i, SETUP, CODE);
}

static void identity_map(struct fix *f, gconstpointer data)
{
	static const uint64_t at[] = {0, 0x1fffff, AT, GIB, 3 * GIB + 12345, 4 * GIB - 1};

	run(f, NULL, NULL);
	for (unsigned i = 0; i < G_N_ELEMENTS(at); i++) {
		uint64_t e = f->regs.cr3 | 1;

		for (int shift = 39; shift >= 21; shift -= 9) {
			g_assert_cmphex(e & 1, ==, 1);
			e = aspace_read(f->g.as, (e & ~0xfffull) + (at[i] >> shift) % 512 * 8, 8);
		}
		g_assert_cmphex(e, ==, (at[i] & ~0x1fffffull) | 0x83);
	}
}

static void zero_page(struct fix *f, gconstpointer data)
{
	uint8_t clean[16] = {0};

	run(f, NULL, "console=ttyS0 quiet");
	g_assert_cmphex(f->zp.hdr.type_of_loader, ==, 0xff);
	g_assert_cmphex(f->zp.hdr.loadflags, ==, 1);
	g_assert_cmphex(f->zp.hdr.header, ==, 0x53726448);
	g_assert_cmphex(f->zp.hdr.setup_data, ==, 0x1122334455667788);
	g_assert_cmphex(f->zp.hdr.init_size, ==, ROOM);
	g_assert_cmphex(f->zp.hdr.code32_start, ==, AT);
	g_assert_cmphex(f->zp.acpi_rsdp_addr, ==, 0xe1230);
	g_assert_cmphex(f->zp.sentinel, ==, 0);
	g_assert_cmphex(f->zp.ext_cmd_line_ptr, ==, 0);
	g_assert_cmphex(f->zp.hdr.ramdisk_size, ==, 0);
	same_text(&f->g, f->zp.hdr.cmd_line_ptr, "console=ttyS0 quiet");
	g_assert_cmpmem((uint8_t *)&f->zp + HEADER_END, 16, clean, 16);
	g_assert_cmpuint(f->zp.e820_entries, ==, 5);
	g_assert_cmphex(f->zp.e820_table[3].addr, ==, MIB);
	g_assert_cmphex(f->zp.e820_table[3].size, ==, 31 * MIB);
	g_assert_cmphex(f->zp.e820_table[4].addr, ==, 4 * GIB);
	g_assert_cmphex(f->zp.e820_table[1].type, ==, 2);
}

/* A header that claims to go on to 0x301 must not reach the fields behind its room. */
static void longest_header(struct fix *f, gconstpointer data)
{
	put(&f->i, 0x201, 0xff, 1);
	run(f, NULL, NULL);
	g_assert_cmphex(((uint8_t *)&f->zp)[0x28f], !=, 0);
	g_assert_cmphex(f->zp.edd_mbr_sig_buffer[0], ==, 0);
}

static void initrd_top(struct fix *f, gconstpointer data)
{
	put_pattern(&f->rd, 0, 70000);
	run(f, f->rd.path, NULL);
	g_assert_cmphex(f->zp.hdr.ramdisk_image, ==, 32 * MIB - 18 * 4096);
	g_assert_cmpuint(f->zp.hdr.ramdisk_size, ==, 70000);
	g_assert_cmphex(f->zp.ext_ramdisk_image, ==, 0);
	same_bytes(&f->g, f->zp.hdr.ramdisk_image, &f->rd, 0, 70000);
}

static void initrd_limit(struct fix *f, gconstpointer data)
{
	put_pattern(&f->rd, 0, 70000);
	put(&f->i, 0x22c, 0x7fffff, 4);
	run(f, f->rd.path, NULL);
	g_assert_cmphex(f->zp.hdr.ramdisk_image, ==, 8 * MIB - 18 * 4096);
	put(&f->i, 0x22c, AT + MIB, 4); /* within the kernel's room */
	run(f, f->rd.path, NULL);
	g_assert_cmphex(f->zp.hdr.ramdisk_image, ==, AT - 18 * 4096);
}

static void initrd_above(struct fix *f, gconstpointer data)
{
	put_pattern(&f->rd, 0, 70000);
	put(&f->i, 0x22c, 0, 4);
	put(&f->i, 0x258, MIB * 2, 8);
	put(&f->i, 0x260, 30 * MIB, 4); /* nothing is left below 4 GiB but 1 MiB */
	image_size(&f->rd, 2 * MIB);
	run(f, f->rd.path, NULL);
	g_assert_cmphex(f->zp.ext_ramdisk_image, ==, 1);
	g_assert_cmphex(f->zp.hdr.ramdisk_image, ==, 6 * MIB);
	g_assert_cmpuint(f->zp.hdr.ramdisk_size, ==, 2 * MIB);
	same_bytes(&f->g, LAYOUT_HIGH + 6 * MIB, &f->rd, 0, 70000);
}

static void initrd_too_big(struct fix *f, gconstpointer data)
{
	image_size(&f->rd, 20 * MIB);
	put(&f->i, 0x236, 1, 2); /* not above 4 GiB */
	refused(&f->g, f->i.path, f->rd.path, NULL, -EFBIG, "has 20971520 bytes",
		"0x80000000 has 15728640");
	put(&f->i, 0x22c, 0x7fffff, 4);
	refused(&f->g, f->i.path, f->rd.path, NULL, -EFBIG, "has 20971520 bytes",
		"0x800000 has 7340032");
	put(&f->i, 0x22c, 0, 4);
	refused(&f->g, f->i.path, f->rd.path, NULL, -EFBIG, "0x1 has 0", "initrd /proc");
	put(&f->i, 0x236, 3, 2);
	refused(&f->g, f->i.path, f->rd.path, NULL, -EFBIG, "has 15728640", "does not fit");
}

static void command_line(struct fix *f, gconstpointer data)
{
	char line[102];

	memset(line, 'x', sizeof(line));
	line[101] = 0;
	refused(&f->g, f->i.path, NULL, line, -EFBIG, "101 characters", "limit is 100");
	line[100] = 0;
	run(f, NULL, line);
	same_text(&f->g, f->zp.hdr.cmd_line_ptr, line);
	put(&f->i, 0x238, 0xffffffff, 4);
	g_autofree char *huge = g_strnfill(70000, 'y');
	refused(&f->g, f->i.path, NULL, huge, -EFBIG, "70000 characters", "limit is 65535");
}

static void placement(struct fix *f, gconstpointer data)
{
	put(&f->i, 0x258, AT + 5, 8); /* relocatable: rounded up */
	run(f, NULL, NULL);
	g_assert_cmphex(f->regs.rip, ==, AT + 2 * MIB + 0x200);
	put(&f->i, 0x258, 0, 8);
	run(f, NULL, NULL);
	g_assert_cmphex(f->regs.rip, ==, 2 * MIB + 0x200);
	put(&f->i, 0x258, 3 * MIB, 8);
	put(&f->i, 0x234, 0, 1); /* not relocatable: just there */
	run(f, NULL, NULL);
	g_assert_cmphex(f->regs.rip, ==, 3 * MIB + 0x200);
	put(&f->i, 0x258, 64 * MIB, 8);
	refused(&f->g, f->i.path, NULL, NULL, -EFBIG, "0x4000000", "ends at 0x2000000");
	put(&f->i, 0x258, 31 * MIB, 8);
	refused(&f->g, f->i.path, NULL, NULL, -EFBIG, "init_size", "ends at 0x2000000");
	put(&f->i, 0x258, 4 * GIB, 8);
	refused(&f->g, f->i.path, NULL, NULL, -ENOEXEC, "pref_address", "0x100000000");
	put(&f->i, 0x258, AT, 8);
	put(&f->i, 0x260, 0xffffffff, 4);
	refused(&f->g, f->i.path, NULL, NULL, -EFBIG, "init_size", "0x2000000");
}

static void not_bootable(struct fix *f, gconstpointer data)
{
	static const struct {
		unsigned off, val, len;
		const char *text, *text2;
	} bad[] = {
		{0x1fe, 0x1234, 2, "boot flag at offset 0x1fe is 0x1234", "0xaa55"},
		{0x206, 0x205, 2, "version at offset 0x206 is 0x205", "2.06"},
		{0x206, 0x20b, 2, "no 64-bit entry", "protocol 0x20b"},
		{0x236, 0x2, 2, "no 64-bit entry", "xloadflags 0x2"},
		{0x211, 0, 1, "loadflags", "zImage"},
		{0x201, 0x20, 1, "end of the setup header", "0x222"},
		{0x230, 0, 4, "kernel_alignment", "is 0x0"},
		{0x230, 0x300000, 4, "kernel_alignment", "power of two"},
		{0x1f4, 0xffffffff, 4, "truncated", "68719478768"},
		{0x1f1, 0xff, 1, "truncated", "0x20000"},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
		put(&f->i, bad[i].off, bad[i].val, bad[i].len);
		refused(&f->g, f->i.path, NULL, NULL, -ENOEXEC, bad[i].text, bad[i].text2);
		make(&f->i);
	}
}

/* No setup sectors means four of them. */
static void four_sectors(struct fix *f, gconstpointer data)
{
	put(&f->i, 0x1f1, 0, 1);
	put(&f->i, 0x1f4, (CODE - 512) / 16, 4);
	run(f, NULL, NULL);
	same_bytes(&f->g, AT, &f->i, 5 * 512, CODE - 512);
}

static void truncated(struct fix *f, gconstpointer data)
{
	image_size(&f->i, SETUP + CODE - 1);
	refused(&f->g, f->i.path, NULL, NULL, -ENOEXEC, "102047 bytes", "102048");
	image_size(&f->i, 0x210);
	refused(&f->g, f->i.path, NULL, NULL, -ENOEXEC, "528 bytes", "612");
	make(&f->i);
	cut_everywhere(&f->g, &f->i, SETUP + 0x210);
}

static void fuzzed(struct fix *f, gconstpointer data)
{
	put_pattern(&f->rd, 0, 9000);
	fuzz(&f->g, &f->i, f->rd.path, 0x1f0, 0x270, 6000);
}

int main(int argc, char **argv)
{
	int r;

	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
#define T(name, fn) g_test_add("/boot-linux/" name, struct fix, NULL, setup, fn, teardown)
	T("registers", registers);
	T("identity-map", identity_map);
	T("zero-page", zero_page);
	T("longest-header", longest_header);
	T("initrd-top", initrd_top);
	T("initrd-limit", initrd_limit);
	T("initrd-above-4g", initrd_above);
	T("initrd-too-big", initrd_too_big);
	T("command-line", command_line);
	T("placement", placement);
	T("not-bootable", not_bootable);
	T("four-sectors", four_sectors);
	T("truncated", truncated);
	T("fuzzed", fuzzed);
	r = g_test_run();
	aspace_thread_leave();
	return r;
}
