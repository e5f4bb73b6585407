// SPDX-License-Identifier: GPL-2.0-or-later
/* Multiboot 1: the header, both image kinds, modules, the information structure. */
#include "boot_elf_util.h"

#define HDR 0x104 /* of the header in the file */
#define OFF 0x1000
#define LEN 0x2345
#define AT MIB

struct fix {
	struct guest g;
	struct image i, m1, m2;
	struct x86_regs regs;
};

static void put_header(struct image *i, size_t at, uint32_t flags)
{
	put(i, at, 0x1badb002, 4);
	put(i, at + 4, flags, 4);
	put(i, at + 8, -(0x1badb002u + flags), 4);
}

static void put_addrs(struct image *i, uint32_t header, uint32_t load, uint32_t load_end,
		      uint32_t bss_end, uint32_t entry)
{
	const uint32_t f[5] = {header, load, load_end, bss_end, entry};

	put_bytes(i, HDR + 12, f, sizeof(f));
}

static void make_elf(struct image *i)
{
	const struct seg s = {PT_LOAD, OFF, AT, AT, LEN, LEN + 100};

	put_pattern(i, 0, OFF + LEN);
	put_elf32(i, AT + 0x20, &s, 1);
	put_header(i, HDR, 7);
}

/* Loaded from file offset 0x100 on, the header being 4 bytes into it. */
static void make_kludge(struct image *i)
{
	put_pattern(i, 0, OFF + LEN);
	put_header(i, HDR, 0x10003);
	put_addrs(i, AT + 4, AT, AT + 0x800, AT + 0x1000, AT + 0x40);
}

static void setup(struct fix *f, gconstpointer data)
{
	guest_init(&f->g, 16 * MIB, 8 * MIB);
	image_init(&f->i);
	image_init(&f->m1);
	image_init(&f->m2);
	memset(f->g.low.region.host, 0xee, 4 * MIB);
}

static void teardown(struct fix *f, gconstpointer data)
{
	image_fini(&f->m2);
	image_fini(&f->m1);
	image_fini(&f->i);
	guest_fini(&f->g);
}

static uint64_t mem(struct fix *f, uint64_t addr, unsigned len)
{
	return aspace_read(f->g.as, addr, len);
}

static uint32_t info(struct fix *f, unsigned off)
{
	return mem(f, f->regs.gpr[X86_RBX] + off, 4);
}

static void run(struct fix *f, const char *initrd, const char *append)
{
	boots(&f->g, f->i.path, initrd, append, "multiboot", &f->regs);
}

static void refuse(struct fix *f, const char *initrd, int code, const char *text, const char *text2)
{
	refused(&f->g, f->i.path, initrd, NULL, code, text, text2);
}

static void elf(struct fix *f, gconstpointer data)
{
	make_elf(&f->i);
	run(f, NULL, NULL);
	g_assert_cmphex(f->regs.rip, ==, AT + 0x20);
	g_assert_cmphex(f->regs.gpr[X86_RAX], ==, 0x2badb002);
	g_assert_cmphex(f->regs.gpr[X86_RBX], ==, 0x2000);
	g_assert_cmphex(f->regs.cr0, ==, X86_CR0_PE | X86_CR0_ET);
	g_assert_cmphex(f->regs.rflags, ==, 2);
	gdt_backed(&f->g, &f->regs, 0x00cf9b000000ffff);
	same_bytes(&f->g, AT, &f->i, OFF, LEN);
	g_assert_cmphex(mem(f, AT + LEN + 92, 8), ==, 0);
	g_assert_cmphex(mem(f, AT + LEN + 100, 8), ==, 0xeeeeeeeeeeeeeeee);
}

static void elf64_virtual(struct fix *f, gconstpointer data)
{
	const struct seg s = {PT_LOAD, OFF, 0xffffffff80000000, 3 * MIB, LEN, LEN};

	put_pattern(&f->i, 0, OFF + LEN);
	put_elf64(&f->i, 0xffffffff80000010, &s, 1);
	put_header(&f->i, HDR, 3);
	run(f, NULL, NULL);
	g_assert_cmphex(f->regs.rip, ==, 3 * MIB + 0x10);
	same_bytes(&f->g, 3 * MIB, &f->i, OFF, LEN);
}

static void kludge(struct fix *f, gconstpointer data)
{
	make_kludge(&f->i);
	run(f, NULL, NULL);
	g_assert_cmphex(f->regs.rip, ==, AT + 0x40);
	same_bytes(&f->g, AT, &f->i, 0x100, 0x800);
	g_assert_cmphex(mem(f, AT + 0x800, 8), ==, 0);
	g_assert_cmphex(mem(f, AT + 0xff8, 8), ==, 0);
	g_assert_cmphex(mem(f, AT + 0x1000, 8), ==, 0xeeeeeeeeeeeeeeee);
	/* Without ends: the whole file, no bss. */
	put_addrs(&f->i, AT + 4, AT, 0, 0, AT);
	run(f, NULL, NULL);
	same_bytes(&f->g, AT, &f->i, 0x100, OFF + LEN - 0x100);
	g_assert_cmphex(mem(f, AT + OFF + LEN - 0x100, 8), ==, 0xeeeeeeeeeeeeeeee);
	/* Address fields win over ELF. */
	make_elf(&f->i);
	make_kludge(&f->i);
	run(f, NULL, NULL);
	g_assert_cmphex(f->regs.rip, ==, AT + 0x40);
}

static void information(struct fix *f, gconstpointer data)
{
	g_autofree char *line = NULL;
	uint64_t map;

	make_elf(&f->i);
	run(f, NULL, "a=1 b");
	g_assert_cmphex(info(f, 0), ==, 1 << 0 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9);
	g_assert_cmpuint(info(f, 4), ==, 639);
	g_assert_cmpuint(info(f, 8), ==, 15 * 1024);
	line = g_strdup_printf("%s a=1 b", f->i.path);
	same_text(&f->g, info(f, 16), line);
	g_assert_cmpuint(info(f, 20), ==, 0);
	g_assert_cmpuint(info(f, 44), ==, 5 * 24);
	map = info(f, 48);
	g_assert_cmphex(mem(f, map, 4), ==, 20);
	g_assert_cmphex(mem(f, map + 12, 8), ==, LAYOUT_EBDA);
	g_assert_cmphex(mem(f, map + 24 + 20, 4), ==, 2);
	g_assert_cmphex(mem(f, map + 4 * 24 + 4, 8), ==, 4 * GIB);
	g_assert_cmphex(mem(f, map + 4 * 24 + 12, 8), ==, 8 * MIB);
	g_assert_cmphex(mem(f, map + 4 * 24 + 20, 4), ==, 1);
	same_text(&f->g, info(f, 64), "sluice");
	run(f, NULL, NULL);
	g_free(line);
	line = g_strdup_printf("%s ", f->i.path);
	same_text(&f->g, info(f, 16), line);
}

static void modules(struct fix *f, gconstpointer data)
{
	g_autofree char *list = g_strdup_printf("%s one,, two, %s", f->m1.path, f->m2.path);
	g_autofree char *name1 = g_strdup_printf("%s one, two", f->m1.path);
	uint64_t mods;

	put_pattern(&f->m1, 0, 5000);
	put_pattern(&f->m2, 0, 4096);
	make_elf(&f->i);
	run(f, list, NULL);
	g_assert_cmpuint(info(f, 20), ==, 2);
	mods = info(f, 24);
	g_assert_cmphex(mem(f, mods, 4), ==, AT + 0x3000);
	g_assert_cmphex(mem(f, mods + 4, 4), ==, AT + 0x3000 + 5000);
	same_text(&f->g, mem(f, mods + 8, 4), name1);
	g_assert_cmphex(mem(f, mods + 12, 4), ==, 0);
	g_assert_cmphex(mem(f, mods + 16, 4), ==, AT + 0x5000);
	g_assert_cmphex(mem(f, mods + 20, 4), ==, AT + 0x6000);
	same_text(&f->g, mem(f, mods + 24, 4), f->m2.path);
	same_bytes(&f->g, AT + 0x3000, &f->m1, 0, 5000);
	same_bytes(&f->g, AT + 0x5000, &f->m2, 0, 4096);
}

static void many_modules(struct fix *f, gconstpointer data)
{
	GString *list = g_string_new(NULL);
	uint64_t mods;

	put_pattern(&f->m1, 0, 10);
	make_elf(&f->i);
	for (int i = 0; i < 1000; i++)
		g_string_append_printf(list, "%s %d,", f->m1.path, i);
	run(f, list->str, NULL);
	mods = info(f, 24);
	g_assert_cmpuint(info(f, 20), ==, 1000);
	g_assert_cmphex(mem(f, mods + 999 * 16, 4), ==, AT + 0x3000 + 999 * 4096);
	g_string_free(list, TRUE);
}

static void bad_modules(struct fix *f, gconstpointer data)
{
	g_autofree char *list = g_strdup_printf("%s,/nonexistent/m x", f->m1.path);

	put_pattern(&f->m1, 0, 10);
	make_elf(&f->i);
	refuse(f, list, -ENOENT, "module /nonexistent/m", "No such file");
	image_size(&f->m1, 15 * MIB);
	refuse(f, f->m1.path, -EFBIG, "has 15728640 bytes", "0x1000000");
	image_size(&f->m1, 1);
	run(f, ",", NULL); /* no module at all */
	g_assert_cmpuint(info(f, 20), ==, 0);
}

/* The loaders' structures step aside for a kernel in low memory. */
static void low_kernel(struct fix *f, gconstpointer data)
{
	make_kludge(&f->i);
	put_addrs(&f->i, 0x1004, 0x1000, 0x1800, 0x70000, 0x1040);
	put_pattern(&f->m1, 0, 10);
	run(f, f->m1.path, NULL);
	g_assert_cmphex(f->regs.gpr[X86_RBX], >=, 0x70000);
	g_assert_cmphex(f->regs.gpr[X86_RBX], <, 0x90000);
	g_assert_cmphex(mem(f, info(f, 24), 4), ==, MIB);
	gdt_backed(&f->g, &f->regs, 0x00cf9b000000ffff);
	same_bytes(&f->g, 0x1000, &f->i, 0x100, 0x800);
}

static void header_place(struct fix *f, gconstpointer data)
{
	const struct seg s = {PT_LOAD, OFF, AT, AT, LEN, LEN};

	put_pattern(&f->i, 0, 16384);
	put_elf32(&f->i, AT, &s, 1);
	put_header(&f->i, 8192 - 12, 0); /* the last place */
	run(f, NULL, NULL);
	put(&f->i, 8192 - 12, 0, 4);
	put_header(&f->i, 8192 - 8, 0);
	refuse(f, NULL, -ENOEXEC, "neither a PVH note", "multiboot header");
	put_header(&f->i, 0x802, 0); /* not aligned */
	refuse(f, NULL, -ENOEXEC, "neither a PVH note", "multiboot header");
	put_header(&f->i, 8192 - 12, 1 << 16);
	refuse(f, NULL, -ENOEXEC, "header at offset 0x1ff4 has 32 bytes", "only 12");
}

static void bad_header(struct fix *f, gconstpointer data)
{
	make_elf(&f->i);
	put_header(&f->i, HDR, 0x8);
	refuse(f, NULL, -ENOEXEC, "flags 0x8 demand", "(0x8)");
	put_header(&f->i, HDR, 0x80008007);
	refuse(f, NULL, -ENOEXEC, "0x80008007", "(0x8000)");
	put_header(&f->i, HDR, 0x80000007); /* optional features may be unknown */
	run(f, NULL, NULL);
	put(&f->i, HDR + 8, 1, 4);
	refuse(f, NULL, -ENOEXEC, "neither", "multiboot");
	put_header(&f->i, HDR, 0);
	put(&f->i, 0, 0, 4);
	refuse(f, NULL, -ENOEXEC, "neither ELF nor with address fields", "bit 16");
}

static void bad_addresses(struct fix *f, gconstpointer data)
{
	static const struct {
		uint32_t a[5];
		int code;
		const char *text, *text2;
	} bad[] = {
		{{AT, AT + 4, 0, 0, AT}, -ENOEXEC, "load_addr 0x100004", "offset 0x104"},
		{{AT + 0x108, AT, 0, 0, AT}, -ENOEXEC, "header_addr 0x100108", "offset 0x104"},
		{{AT + 4, AT, AT, 0, AT}, -ENOEXEC, "load_end_addr 0x100000", "order"},
		{{AT + 4, AT, 5, 0, AT}, -ENOEXEC, "load_end_addr 0x5", "order"},
		{{AT + 4, AT, AT + 8, AT + 7, AT}, -ENOEXEC, "bss_end_addr 0x100007", "order"},
		{{AT + 4, AT, 0, AT + 7, AT}, -ENOEXEC, "bss_end_addr 0x100007", "order"},
		{{AT + 4, AT, AT + 0x4000, 0, AT}, -ENOEXEC, "truncated", "0x4000"},
		{{AT + 4, AT, 0, 0xffffffff, AT}, -EFBIG, "0xffefffff bytes", "0x1000000"},
		{{0xffff0004, 0xffff0000, 0, 0, AT}, -EFBIG, "0xffff0000", "there are 0x0"},
		{{AT + 4, AT, 0, 0, AT - 1}, -ENOEXEC, "entry point 0xfffff", "loaded"},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
		make_kludge(&f->i);
		put_addrs(&f->i, bad[i].a[0], bad[i].a[1], bad[i].a[2], bad[i].a[3], bad[i].a[4]);
		refuse(f, NULL, bad[i].code, bad[i].text, bad[i].text2);
	}
}

static void bad_elf(struct fix *f, gconstpointer data)
{
	make_elf(&f->i);
	put(&f->i, 24, AT - 1, 4);
	refuse(f, NULL, -ENOEXEC, "entry point 0xfffff", "loaded");
	make_elf(&f->i);
	put(&f->i, 52 + 16, LEN + 1, 4);
	refuse(f, NULL, -ENOEXEC, "truncated: ELF segment 0", "0x2346");
	make_elf(&f->i);
	put(&f->i, 52 + 12, 0xfffff000, 4);
	refuse(f, NULL, -EFBIG, "0xfffff000", "0x1000000");
}

static void command_line(struct fix *f, gconstpointer data)
{
	g_autofree char *line = g_strnfill(65536, 'z');

	make_elf(&f->i);
	refused(&f->g, f->i.path, NULL, line, -EFBIG, "characters", "limit is 65535");
}

static void truncated(struct fix *f, gconstpointer data)
{
	make_elf(&f->i);
	cut_everywhere(&f->g, &f->i, HDR + 0x40);
	make_kludge(&f->i);
	cut_everywhere(&f->g, &f->i, HDR + 0x40);
}

static void fuzzed(struct fix *f, gconstpointer data)
{
	put_pattern(&f->m1, 0, 9000);
	make_elf(&f->i);
	fuzz(&f->g, &f->i, f->m1.path, 0, 52 + 32, 3000);
	make_kludge(&f->i);
	fuzz(&f->g, &f->i, f->m1.path, HDR + 12, HDR + 32, 3000);
}

int main(int argc, char **argv)
{
	int r;

	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
#define T(name, fn) g_test_add("/boot-multiboot/" name, struct fix, NULL, setup, fn, teardown)
	T("elf", elf);
	T("elf64-virtual", elf64_virtual);
	T("kludge", kludge);
	T("information", information);
	T("modules", modules);
	T("many-modules", many_modules);
	T("bad-modules", bad_modules);
	T("low-kernel", low_kernel);
	T("header-place", header_place);
	T("bad-header", bad_header);
	T("bad-addresses", bad_addresses);
	T("bad-elf", bad_elf);
	T("command-line", command_line);
	T("truncated", truncated);
	T("fuzzed", fuzzed);
	r = g_test_run();
	aspace_thread_leave();
	return r;
}
