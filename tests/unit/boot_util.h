/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small guest memory and images made byte by byte, for the tests of vm/boot*.c.
 *
 * Invariants: an image is a memfd; its path works for as long as the image lives.  Opening is done
 * without guest memory (env.mem NULL), so a boot_open() that touched the guest would crash.
 */
#ifndef TESTS_UNIT_BOOT_UTIL_H
#define TESTS_UNIT_BOOT_UTIL_H

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "cpu/x86.h"
#include "mem/aspace.h"
#include "mem/layout.h"
#include "mem/ram.h"
#include "vm/boot.h"

struct guest {
	struct ram low, high;
	struct aspace *as;
	struct e820_entry map[5];
	struct boot_env env;
};

/* high: bytes above 4 GiB, may be 0. */
static inline void guest_init(struct guest *g, uint64_t low, uint64_t high)
{
	const struct e820_entry map[5] = {
		{0, LAYOUT_EBDA, E820_RAM},
		{LAYOUT_EBDA, 0xa0000 - LAYOUT_EBDA, E820_RESERVED},
		{LAYOUT_BIOS, MIB - LAYOUT_BIOS, E820_RESERVED},
		{MIB, low - MIB, E820_RAM},
		{LAYOUT_HIGH, high, E820_RAM},
	};

	memset(g, 0, sizeof(*g));
	memcpy(g->map, map, sizeof(map));
	g->as = aspace_new("test", 0);
	g_assert_cmpint(ram_init(&g->low, "low", low, NULL), ==, 0);
	aspace_map(g->as, &g->low.region, 0, 0, low, 0);
	if (high) {
		g_assert_cmpint(ram_init(&g->high, "high", high, NULL), ==, 0);
		aspace_map(g->as, &g->high.region, LAYOUT_HIGH, 0, high, 0);
	}
	g->env = (struct boot_env){g->as, g->map, high ? 5 : 4, low, 0xe1230};
}

static inline void guest_fini(struct guest *g)
{
	aspace_free(g->as);
	aspace_sync();
	ram_fini(&g->low);
	ram_fini(&g->high);
}

struct image {
	int fd;
	size_t len;
	char path[32];
};

static inline void image_init(struct image *i)
{
	i->len = 0;
	i->fd = memfd_create("image", MFD_CLOEXEC);
	g_assert_cmpint(i->fd, >=, 0);
	snprintf(i->path, sizeof(i->path), "/proc/self/fd/%d", i->fd);
}

static inline void image_fini(struct image *i)
{
	close(i->fd);
}

static inline void image_size(struct image *i, size_t len)
{
	i->len = len;
	g_assert_cmpint(ftruncate(i->fd, len), ==, 0);
}

static inline void put_bytes(struct image *i, size_t off, const void *p, size_t n)
{
	g_assert_cmpint(pwrite(i->fd, p, n, off), ==, n);
	i->len = MAX(i->len, off + n);
}

/* n bytes, little endian */
static inline void put(struct image *i, size_t off, uint64_t val, unsigned n)
{
	val = GUINT64_TO_LE(val);
	put_bytes(i, off, &val, n);
}

/* Bytes that tell where they are. */
static inline void put_pattern(struct image *i, size_t off, size_t n)
{
	g_autofree uint8_t *buf = g_malloc(n);

	for (size_t k = 0; k < n; k++)
		buf[k] = (off + k) * 7 + ((off + k) >> 8) + 1;
	put_bytes(i, off, buf, n);
}

/* Guest memory at addr equals the image at off. */
static inline void same_bytes(struct guest *g, uint64_t addr, struct image *i, size_t off, size_t n)
{
	g_autofree uint8_t *a = g_malloc(n), *b = g_malloc(n);

	g_assert_cmpint(pread(i->fd, a, n, off), ==, n);
	g_assert_true(aspace_read_buf(g->as, addr, b, n));
	g_assert_cmpmem(a, n, b, n);
}

static inline void same_text(struct guest *g, uint64_t addr, const char *text)
{
	char buf[512] = "";

	g_assert_cmpuint(strlen(text), <, sizeof(buf));
	g_assert_true(aspace_read_buf(g->as, addr, buf, strlen(text) + 1));
	g_assert_cmpstr(buf, ==, text);
}

static inline struct boot_image *open_dry(struct guest *g, const char *kernel, const char *initrd,
					  const char *append, struct err **errp)
{
	struct boot_env dry = g->env;

	dry.mem = NULL;
	return boot_open(kernel, initrd, append, &dry, errp);
}

/* The image is refused: with this code, and a message and hints that have each of the texts. */
static inline void refused(struct guest *g, const char *kernel, const char *initrd,
			   const char *append, int code, const char *text, const char *text2)
{
	struct err *e = NULL;
	struct boot_image *b = open_dry(g, kernel, initrd, append, &e);

	g_assert_null(b);
	g_test_message("%s", err_text(e));
	g_assert_cmpint(err_code(e), ==, code);
	if (!strstr(err_text(e), text) || !strstr(err_text(e), text2))
		g_error("message \"%s\" lacks \"%s\" or \"%s\"", err_text(e), text, text2);
	err_free(e);
}

/* Open, load and forget; what is loaded stays in the guest. */
static inline void boots(struct guest *g, const char *kernel, const char *initrd,
			 const char *append, const char *protocol, struct x86_regs *regs)
{
	struct err *e = NULL;
	struct boot_image *b = open_dry(g, kernel, initrd, append, &e);

	g_assert_cmpstr(err_text(e), ==, "");
	g_assert_cmpstr(boot_protocol(b), ==, protocol);
	g_assert_cmpint(boot_load(b, &g->env, regs, &e), ==, 0);
	boot_free(b);
}

/* Whatever the image is: a clean refusal, or it loads. */
static inline bool survives(struct guest *g, const char *kernel, const char *initrd)
{
	struct err *e = NULL;
	struct x86_regs regs;
	struct boot_image *b = open_dry(g, kernel, initrd, NULL, &e);

	g_assert_true(!b == !!e);
	if (b)
		g_assert_cmpint(boot_load(b, &g->env, &regs, &e), ==, 0);
	else
		g_assert_true(err_code(e) == -ENOEXEC || err_code(e) == -EFBIG);
	boot_free(b);
	err_free(e);
	return b;
}

/*
 * Overwrite a few random bytes of [from, to) at a time, mostly with values that are near
 * some limit; the image is put back after each round.
 */
static inline void fuzz(struct guest *g, struct image *i, const char *initrd, size_t from,
			size_t to, unsigned rounds)
{
	static const uint64_t edges[] = {
		0,        1,         0x7fffffff, 0x80000000, 0xffffffff,
		0x100000, 0x1000000, UINT64_MAX, 1ull << 63, 0xfffffffffffff000};
	g_autofree uint8_t *orig = g_malloc(to - from);

	g_assert_cmpint(pread(i->fd, orig, to - from, from), ==, to - from);
	for (unsigned r = 0; r < rounds; r++) {
		for (int n = g_test_rand_int_range(1, 4); n > 0; n--) {
			unsigned width = 1u << g_test_rand_int_range(0, 4);
			uint64_t val = edges[g_test_rand_int_range(0, G_N_ELEMENTS(edges))];

			if (g_test_rand_bit())
				val = (uint64_t)g_test_rand_int() << 32 |
				      (uint32_t)g_test_rand_int();
			put(i, g_test_rand_int_range(from, to - width), val, width);
		}
		survives(g, i->path, initrd);
		put_bytes(i, from, orig, to - from);
	}
}

/* Cut the image at every length from 0 up to len (exclusive): always a refusal. */
static inline void cut_everywhere(struct guest *g, struct image *i, size_t len)
{
	size_t whole = i->len;
	g_autofree uint8_t *orig = g_malloc(whole);

	g_assert_cmpint(pread(i->fd, orig, whole, 0), ==, whole);
	for (size_t n = len; n-- > 0;) {
		g_assert_cmpint(ftruncate(i->fd, n), ==, 0);
		if (survives(g, i->path, NULL))
			g_error("an image of %zu bytes cut to %zu was taken", whole, n);
	}
	put_bytes(i, 0, orig, whole);
}

/* Both descriptors are in the guest's own memory, where the selectors of regs point. */
static inline void gdt_backed(struct guest *g, const struct x86_regs *regs, uint64_t code)
{
	g_assert_cmphex(regs->gdt_base, <, 0x90000);
	g_assert_cmpuint(regs->gdt_limit, ==, 31);
	g_assert_cmphex(regs->seg[X86_CS].sel, ==, 0x10);
	g_assert_cmphex(regs->seg[X86_DS].sel, ==, 0x18);
	g_assert_cmphex(regs->seg[X86_SS].sel, ==, 0x18);
	g_assert_cmphex(aspace_read(g->as, regs->gdt_base + 0x10, 8), ==, code);
	g_assert_cmphex(aspace_read(g->as, regs->gdt_base + 0x18, 8), ==, 0x00cf93000000ffff);
}

#endif
