// SPDX-License-Identifier: GPL-2.0-or-later
/* PVH: the note, segments, hvm_start_info, registers; and what ELF images get wrong. */
#include "boot_elf_util.h"

#define TEXT_OFF 0x1000
#define TEXT_LEN 0x3000
#define NOTE_OFF 0x4000
#define DATA_OFF 0x5000
#define DATA_LEN 0x1800
#define TEXT_AT (2 * MIB)
#define DATA_AT (4 * MIB)
#define VIRT 0xffffffff80000000

struct fix {
	struct guest g;
	struct image i, rd;
	struct x86_regs regs;
};

static const struct seg segs[] = {
	{PT_LOAD, TEXT_OFF, VIRT + TEXT_AT, TEXT_AT, TEXT_LEN, TEXT_LEN},
	{PT_LOAD, DATA_OFF, VIRT + DATA_AT, DATA_AT, DATA_LEN, 0x10000},
	{PT_LOAD, 0, 0, 0, 0, 0},
	{PT_NOTE, NOTE_OFF, 0, 0, 96, 96},
};

/* The note comes after another owner's and another type of Xen's; each is 4-aligned. */
static void put_notes(struct image *i, size_t at, uint64_t entry, unsigned descsz)
{
	const struct {
		uint32_t namesz, descsz, type;
		char name[8];
		uint32_t desc[2];
	} other[2] = {{6, 5, 18, "Linux", {1, 2}}, {4, 4, 6, "Xen\0\1\2\3", {0, 0}}};

	put_bytes(i, at, &other[0], 28);
	put_bytes(i, at + 28, &other[1], 20);
	put(i, at + 48, 4, 4);
	put(i, at + 52, descsz, 4);
	put(i, at + 56, 18, 4);
	put_bytes(i, at + 60, "Xen", 4);
	put(i, at + 64, entry, descsz);
}

static void make(struct image *i)
{
	put_pattern(i, 0, DATA_OFF + DATA_LEN);
	put_elf64(i, VIRT + TEXT_AT, segs, G_N_ELEMENTS(segs));
	put_notes(i, NOTE_OFF, TEXT_AT + 0x40, 8);
}

static void setup(struct fix *f, gconstpointer data)
{
	guest_init(&f->g, 32 * MIB, 8 * MIB);
	image_init(&f->i);
	image_init(&f->rd);
	make(&f->i);
	memset(f->g.low.region.host, 0xee, 8 * MIB);
}

static void teardown(struct fix *f, gconstpointer data)
{
	image_fini(&f->rd);
	image_fini(&f->i);
	guest_fini(&f->g);
}

static uint64_t mem(struct fix *f, uint64_t addr, unsigned len)
{
	return aspace_read(f->g.as, addr, len);
}

static void run(struct fix *f, const char *initrd, const char *append)
{
	boots(&f->g, f->i.path, initrd, append, "pvh", &f->regs);
}

static void registers(struct fix *f, gconstpointer data)
{
	run(f, NULL, NULL);
	g_assert_cmphex(f->regs.rip, ==, TEXT_AT + 0x40);
	g_assert_cmphex(f->regs.gpr[X86_RBX], ==, 0x2000);
	g_assert_cmphex(f->regs.cr0, ==, X86_CR0_PE | X86_CR0_ET);
	g_assert_cmphex(f->regs.cr4, ==, 0);
	g_assert_cmphex(f->regs.efer, ==, 0);
	g_assert_cmphex(f->regs.rflags, ==, 2);
	g_assert_cmphex(f->regs.tr.limit, ==, 0x67);
	gdt_backed(&f->g, &f->regs, 0x00cf9b000000ffff);
}

static void segments(struct fix *f, gconstpointer data)
{
	run(f, NULL, NULL);
	same_bytes(&f->g, TEXT_AT, &f->i, TEXT_OFF, TEXT_LEN);
	same_bytes(&f->g, DATA_AT, &f->i, DATA_OFF, DATA_LEN);
	g_assert_cmphex(mem(f, DATA_AT + DATA_LEN, 8), ==, 0);
	g_assert_cmphex(mem(f, DATA_AT + 0xfff8, 8), ==, 0);
	g_assert_cmphex(mem(f, DATA_AT + 0x10000, 8), ==, 0xeeeeeeeeeeeeeeee);
}

static void start_info(struct fix *f, gconstpointer data)
{
	uint64_t s, map;

	run(f, NULL, "root=/dev/vda");
	s = f->regs.gpr[X86_RBX];
	g_assert_cmphex(mem(f, s, 4), ==, 0x336ec578);
	g_assert_cmphex(mem(f, s + 4, 4), ==, 1);
	g_assert_cmphex(mem(f, s + 8, 4), ==, 0);
	g_assert_cmphex(mem(f, s + 12, 4), ==, 0);
	g_assert_cmphex(mem(f, s + 16, 8), ==, 0);
	same_text(&f->g, mem(f, s + 24, 8), "root=/dev/vda");
	g_assert_cmphex(mem(f, s + 32, 8), ==, 0xe1230);
	map = mem(f, s + 40, 8);
	g_assert_cmphex(mem(f, s + 48, 4), ==, 5);
	g_assert_cmphex(mem(f, map, 8), ==, 0);
	g_assert_cmphex(mem(f, map + 8, 8), ==, LAYOUT_EBDA);
	g_assert_cmphex(mem(f, map + 16, 4), ==, 1);
	g_assert_cmphex(mem(f, map + 2 * 24 + 16, 4), ==, 2);
	g_assert_cmphex(mem(f, map + 4 * 24, 8), ==, 4 * GIB);
	g_assert_cmphex(mem(f, map + 4 * 24 + 8, 8), ==, 8 * MIB);
}

static void initrd(struct fix *f, gconstpointer data)
{
	uint64_t s, mod;

	put_pattern(&f->rd, 0, 5001);
	run(f, f->rd.path, NULL);
	s = f->regs.gpr[X86_RBX];
	g_assert_cmphex(mem(f, s + 12, 4), ==, 1);
	mod = mem(f, s + 16, 8);
	g_assert_cmphex(mem(f, mod, 8), ==, 32 * MIB - 8192);
	g_assert_cmphex(mem(f, mod + 8, 8), ==, 5001);
	g_assert_cmphex(mem(f, mod + 16, 8), ==, 0);
	same_bytes(&f->g, mem(f, mod, 8), &f->rd, 0, 5001);
	image_size(&f->rd, 40 * MIB);
	refused(&f->g, f->i.path, f->rd.path, NULL, -EFBIG, "41943040 bytes", "has 29294592");
}

static void elf32(struct fix *f, gconstpointer data)
{
	const struct seg s[] = {
		{PT_NOTE, NOTE_OFF, 0, 0, 68, 68},
		{PT_LOAD, TEXT_OFF, TEXT_AT, TEXT_AT, TEXT_LEN, TEXT_LEN},
	};

	put_elf32(&f->i, TEXT_AT, s, 2);
	put_notes(&f->i, NOTE_OFF, TEXT_AT + 0x80, 4);
	run(f, NULL, NULL);
	g_assert_cmphex(f->regs.rip, ==, TEXT_AT + 0x80);
	same_bytes(&f->g, TEXT_AT, &f->i, TEXT_OFF, TEXT_LEN);
}

/* A kernel that lies in the loaders' low memory: they move. */
static void low_kernel(struct fix *f, gconstpointer data)
{
	struct seg s[] = {
		{PT_LOAD, TEXT_OFF, 0, 0x1000, TEXT_LEN, 0x7f000},
		{PT_NOTE, NOTE_OFF, 0, 0, 96, 96},
	};

	put_elf64(&f->i, 0, s, 2);
	put_notes(&f->i, NOTE_OFF, 0x1010, 8);
	run(f, NULL, NULL);
	g_assert_cmphex(f->regs.gpr[X86_RBX], >=, 0x80000);
	g_assert_cmphex(f->regs.gpr[X86_RBX], <, 0x90000);
	gdt_backed(&f->g, &f->regs, 0x00cf9b000000ffff);
	same_bytes(&f->g, 0x1000, &f->i, TEXT_OFF, TEXT_LEN);
	s[0].memsz = 0x90000;
	put_elf64(&f->i, 0, s, 2);
	run(f, NULL, NULL);
	g_assert_cmphex(f->regs.gpr[X86_RBX], >=, MIB);
}

static void no_note(struct fix *f, gconstpointer data)
{
	static const struct {
		unsigned off, val, len;
	} change[] = {
		{NOTE_OFF + 56, 17, 4},    {NOTE_OFF + 60, 'x', 1},   {NOTE_OFF + 48, 5, 4},
		{NOTE_OFF + 52, 12, 4},    {NOTE_OFF, 0xffffffff, 4}, {NOTE_OFF + 4, 0xfffffffd, 4},
		{64 + 3 * 56 + 32, 60, 8}, {64 + 3 * 56, 0, 4},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(change); i++) {
		put(&f->i, change[i].off, change[i].val, change[i].len);
		refused(&f->g, f->i.path, NULL, NULL, -ENOEXEC, "PVH note", "multiboot header");
		make(&f->i);
	}
}

static void malformed(struct fix *f, gconstpointer data)
{
	static const struct {
		unsigned off;
		uint64_t val;
		unsigned len;
		int code;
		const char *text, *text2;
	} bad[] = {
		{4, 3, 1, -ENOEXEC, "class 3", "expected"},
		{5, 2, 1, -ENOEXEC, "data 2", "expected"},
		{18, EM_AARCH64, 2, -ENOEXEC, "machine 183", "x86-64"},
		{16, ET_REL, 2, -ENOEXEC, "type 1", "executable"},
		{54, 32, 2, -ENOEXEC, "headers of 32 bytes", "56"},
		{56, 0, 2, -ENOEXEC, "0 program headers", "1 to 128"},
		{56, 0xffff, 2, -ENOEXEC, "65535 program headers", "1 to 128"},
		{32, 0x6800, 8, -ENOEXEC, "truncated", "header table"},
		{32, UINT64_MAX - 10, 8, -ENOEXEC, "truncated", "header table"},
		/* the first segment: offset, paddr, filesz, memsz */
		{64 + 8, 0x6000, 8, -ENOEXEC, "truncated: ELF segment 0", "0x6000"},
		{64 + 8, UINT64_MAX, 8, -ENOEXEC, "truncated: ELF segment 0", "0x6800"},
		{64 + 24, UINT64_MAX - 0xfff, 8, -EFBIG, "segment 0", "0x2000000"},
		{64 + 24, 32 * MIB - 4096, 8, -EFBIG, "needs 0x3000", "there are 0x1000"},
		{64 + 24, DATA_AT + 0xffff, 8, -ENOEXEC, "overlaps ELF segment 0", "segment 1"},
		{64 + 24, 0xa0000, 8, -EFBIG, "0xa0000", "there are 0x0"},
		{64 + 32, UINT64_MAX, 8, -ENOEXEC, "truncated", "0xffffffffffffffff"},
		{64 + 40, 0x2fff, 8, -ENOEXEC, "0x3000 bytes in the file", "0x2fff in memory"},
		{64 + 40, UINT64_MAX, 8, -EFBIG, "segment 0", "0xffffffffffffffff"},
		{64 + 3 * 56 + 8, 0x67ff, 8, -ENOEXEC, "truncated", "note"},
		{NOTE_OFF + 64, TEXT_AT - 1, 8, -ENOEXEC, "entry point 0x1fffff", "4 GiB"},
		{NOTE_OFF + 64, TEXT_AT + TEXT_LEN, 8, -ENOEXEC, "entry point 0x203000", "4 GiB"},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
		put(&f->i, bad[i].off, bad[i].val, bad[i].len);
		refused(&f->g, f->i.path, NULL, NULL, bad[i].code, bad[i].text, bad[i].text2);
		make(&f->i);
	}
}

static void entry_too_high(struct fix *f, gconstpointer data)
{
	struct seg s[] = {
		{PT_LOAD, TEXT_OFF, 0, LAYOUT_HIGH, TEXT_LEN, TEXT_LEN},
		{PT_NOTE, NOTE_OFF, 0, 0, 96, 96},
	};

	put_elf64(&f->i, 0, s, 2);
	put_notes(&f->i, NOTE_OFF, LAYOUT_HIGH, 8);
	refused(&f->g, f->i.path, NULL, NULL, -ENOEXEC, "entry point 0x100000000", "4 GiB");
}

static void nothing_to_load(struct fix *f, gconstpointer data)
{
	put_elf64(&f->i, 0, segs + 2, 2);
	refused(&f->g, f->i.path, NULL, NULL, -ENOEXEC, "no segment to load", "ELF");
}

static void command_line(struct fix *f, gconstpointer data)
{
	g_autofree char *line = g_strnfill(65536, 'z');

	refused(&f->g, f->i.path, NULL, line, -EFBIG, "65536 characters", "limit is 65535");
	line[65535] = 0;
	run(f, NULL, line);
	g_assert_cmphex(mem(f, mem(f, f->regs.gpr[X86_RBX] + 24, 8) + 65534, 2), ==, 'z');
}

static void truncated(struct fix *f, gconstpointer data)
{
	cut_everywhere(&f->g, &f->i, 64 + 4 * 56 + 100);
	image_size(&f->i, DATA_OFF + DATA_LEN - 1);
	refused(&f->g, f->i.path, NULL, NULL, -ENOEXEC, "truncated: ELF segment 1", "0x67ff");
}

static void fuzzed(struct fix *f, gconstpointer data)
{
	put_pattern(&f->rd, 0, 9000);
	fuzz(&f->g, &f->i, f->rd.path, 0, 64 + 4 * 56, 4000);
	fuzz(&f->g, &f->i, f->rd.path, NOTE_OFF, NOTE_OFF + 80, 2000);
}

int main(int argc, char **argv)
{
	int r;

	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
#define T(name, fn) g_test_add("/boot-pvh/" name, struct fix, NULL, setup, fn, teardown)
	T("registers", registers);
	T("segments", segments);
	T("start-info", start_info);
	T("initrd", initrd);
	T("elf32", elf32);
	T("low-kernel", low_kernel);
	T("no-note", no_note);
	T("malformed", malformed);
	T("entry-too-high", entry_too_high);
	T("nothing-to-load", nothing_to_load);
	T("command-line", command_line);
	T("truncated", truncated);
	T("fuzzed", fuzzed);
	r = g_test_run();
	aspace_thread_leave();
	return r;
}
