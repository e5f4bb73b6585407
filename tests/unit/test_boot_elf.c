// SPDX-License-Identifier: GPL-2.0-or-later
/* ELF headers to struct boot_elf; the errors and the loading are in test_boot_pvh.c. */
#include "boot_elf_util.h"
#include "vm/boot_impl.h"

static const struct seg segs[] = {
	{PT_LOAD, 0x11111111, 0x22222222, 0x33333333, 0x44444444, 0x55555555},
	{PT_NOTE, 1, 2, 3, 4, 5},
};

/* The head of an image, as boot_open() takes it. */
static int read_elf(struct image *i, struct boot_elf *elf)
{
	struct boot_file f = {.fd = i->fd, .size = i->len, .label = (char *)"kernel x"};
	g_autofree struct boot_image *b = g_new0(struct boot_image, 1);

	b->kernel = &f;
	b->head_len = i->len;
	g_assert_cmpint(pread(i->fd, b->head, i->len, 0), ==, i->len);
	g_assert_true(boot_elf_probe(b));
	return boot_elf_read(b, elf, NULL);
}

static void same(const struct boot_elf *elf)
{
	g_assert_cmpuint(elf->n, ==, 2);
	for (unsigned i = 0; i < 2; i++) {
		g_assert_cmphex(elf->ph[i].type, ==, segs[i].type);
		g_assert_cmphex(elf->ph[i].off, ==, segs[i].off);
		g_assert_cmphex(elf->ph[i].vaddr, ==, segs[i].vaddr);
		g_assert_cmphex(elf->ph[i].paddr, ==, segs[i].paddr);
		g_assert_cmphex(elf->ph[i].filesz, ==, segs[i].filesz);
		g_assert_cmphex(elf->ph[i].memsz, ==, segs[i].memsz);
		g_assert_cmphex(elf->ph[i].align, ==, 4);
	}
}

static void both_classes(void)
{
	struct boot_elf elf;
	struct image i;

	image_init(&i);
	put_elf64(&i, 0x123456789abcdef0, segs, 2);
	g_assert_cmpint(read_elf(&i, &elf), ==, 0);
	g_assert_true(elf.is64);
	g_assert_cmphex(elf.entry, ==, 0x123456789abcdef0);
	same(&elf);
	put_elf32(&i, 0x89abcdef, segs, 2);
	g_assert_cmpint(read_elf(&i, &elf), ==, 0);
	g_assert_false(elf.is64);
	g_assert_cmphex(elf.entry, ==, 0x89abcdef);
	same(&elf);
	image_fini(&i);
}

static void full_table(void)
{
	struct boot_elf elf;
	struct image i;

	image_init(&i);
	put_elf64(&i, 0, segs, 2);
	image_size(&i, 64 + BOOT_ELF_MAX * 56);
	put(&i, 56, BOOT_ELF_MAX, 2);
	g_assert_cmpint(read_elf(&i, &elf), ==, 0);
	g_assert_cmpuint(elf.n, ==, BOOT_ELF_MAX);
	put(&i, 56, BOOT_ELF_MAX + 1, 2);
	g_assert_cmpint(read_elf(&i, &elf), ==, -ENOEXEC);
	put(&i, 56, BOOT_ELF_MAX, 2);
	image_size(&i, i.len - 1);
	g_assert_cmpint(read_elf(&i, &elf), ==, -ENOEXEC);
	image_fini(&i);
}

static void probe(void)
{
	g_autofree struct boot_image *b = g_new0(struct boot_image, 1);

	memcpy(b->head, ELFMAG, 4);
	b->head_len = 3;
	g_assert_false(boot_elf_probe(b));
	b->head_len = 4;
	g_assert_true(boot_elf_probe(b));
	g_assert_cmpint(boot_le16((const uint8_t *)"\x34\x12"), ==, 0x1234);
	g_assert_cmphex(boot_le32((const uint8_t *)"\x78\x56\x34\xf2"), ==, 0xf2345678);
	g_assert_cmphex(boot_le64((const uint8_t *)"\1\2\3\4\5\6\7\xf8"), ==, 0xf807060504030201);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/boot-elf/both-classes", both_classes);
	g_test_add_func("/boot-elf/full-table", full_table);
	g_test_add_func("/boot-elf/probe", probe);
	return g_test_run();
}
