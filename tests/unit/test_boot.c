// SPDX-License-Identifier: GPL-2.0-or-later
/* What the boot protocols share: files, sniffing, the plan, loading again. */
#include <sys/stat.h>

#include "boot_util.h"
#include "vm/boot_impl.h"

struct fix {
	struct guest g;
	struct image i, rd;
};

static void setup(struct fix *f, gconstpointer data)
{
	guest_init(&f->g, 32 * MIB, 0);
	image_init(&f->i);
	image_init(&f->rd);
}

static void teardown(struct fix *f, gconstpointer data)
{
	image_fini(&f->rd);
	image_fini(&f->i);
	guest_fini(&f->g);
}

/* Multiboot with address fields: the shortest header.  4 KiB at 2 MiB, 4 KiB of bss. */
static void small_kernel(struct image *i)
{
	put_pattern(i, 0, 4096);
	put(i, 0, 0x1badb002, 4);
	put(i, 4, 1 << 16, 4);
	put(i, 8, -(0x1badb002u + (1 << 16)), 4);
	put(i, 12, 2 * MIB, 4);
	put(i, 16, 2 * MIB, 4);
	put(i, 20, 0, 4);
	put(i, 24, 2 * MIB + 8192, 4);
	put(i, 28, 2 * MIB + 64, 4);
}

static void bad_files(struct fix *f, gconstpointer data)
{
	g_autofree char *dir = g_dir_make_tmp("boot-XXXXXX", NULL);
	g_autofree char *fifo = g_build_filename(dir, "fifo", NULL);

	refused(&f->g, "/nonexistent/k", NULL, NULL, -ENOENT, "kernel /nonexistent/k", "No such");
	refused(&f->g, dir, NULL, NULL, -EISDIR, dir, "directory");
	g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
	refused(&f->g, fifo, NULL, NULL, -EINVAL, fifo, "not a regular file");
	refused(&f->g, f->i.path, NULL, NULL, -ENOEXEC, f->i.path, "empty");
	small_kernel(&f->i);
	refused(&f->g, f->i.path, "/nonexistent/i", NULL, -ENOENT, "module /nonexistent/i", "No");
	refused(&f->g, f->i.path, f->rd.path, NULL, -ENOEXEC, f->rd.path, "empty");
	unlink(fifo);
	rmdir(dir);
}

static void unknown_kind(struct fix *f, gconstpointer data)
{
	put(&f->i, 0, 0x00088b1f, 4);
	refused(&f->g, f->i.path, NULL, NULL, -ENOEXEC, "neither a Linux bzImage",
		"starts with 1f 8b 08 00");
	put_pattern(&f->i, 0, 20000);
	refused(&f->g, f->i.path, NULL, NULL, -ENOEXEC, "neither", "multiboot");
}

static void map_too_long(struct fix *f, gconstpointer data)
{
	f->g.env.e820_n = BOOT_E820_MAX + 1;
	small_kernel(&f->i);
	refused(&f->g, f->i.path, NULL, NULL, -EFBIG, "129", "128");
}

static void no_ram(struct fix *f, gconstpointer data)
{
	small_kernel(&f->i);
	f->g.env.e820_n = 0;
	refused(&f->g, f->i.path, NULL, NULL, -EFBIG, "0x200000", "RAM");
}

/* A reset finds memory as the guest left it and must find it as at the start. */
static void load_again(struct fix *f, gconstpointer data)
{
	struct boot_image *b;
	struct x86_regs one, two;
	g_autofree char *first = g_malloc(4 * MIB), *second = g_malloc(4 * MIB);

	small_kernel(&f->i);
	put_pattern(&f->rd, 0, 5000);
	b = open_dry(&f->g, f->i.path, f->rd.path, "a b", NULL);
	g_assert_nonnull(b);
	memset(f->g.low.region.host, 0xee, 32 * MIB);
	g_assert_cmpint(boot_load(b, &f->g.env, &one, NULL), ==, 0);
	memcpy(first, f->g.low.region.host, 4 * MIB);
	memset(f->g.low.region.host, 0xee, 32 * MIB);
	g_assert_cmpint(boot_load(b, &f->g.env, &two, NULL), ==, 0);
	memcpy(second, f->g.low.region.host, 4 * MIB);
	g_assert_cmpmem(first, 4 * MIB, second, 4 * MIB);
	g_assert_cmpmem(&one, sizeof(one), &two, sizeof(two));
	g_assert_cmphex(aspace_read(f->g.as, 2 * MIB + 4096, 8), ==, 0);
	g_assert_cmphex(aspace_read(f->g.as, 2 * MIB + 8184, 8), ==, 0);
	g_assert_cmphex(aspace_read(f->g.as, 2 * MIB - 8, 8), ==, 0xeeeeeeeeeeeeeeee);
	boot_free(b);
}

static void changed_underneath(struct fix *f, gconstpointer data)
{
	struct boot_image *b;
	struct x86_regs regs;
	struct err *e = NULL;

	small_kernel(&f->i);
	b = open_dry(&f->g, f->i.path, NULL, NULL, NULL);
	g_assert_nonnull(b);
	image_size(&f->i, 100);
	g_assert_cmpint(boot_load(b, &f->g.env, &regs, &e), ==, -EIO);
	g_assert_nonnull(strstr(err_text(e), "changed while in use"));
	err_free(e);
	boot_free(b);
}

/* A map that promises RAM which the address space does not have. */
static void map_lies(struct fix *f, gconstpointer data)
{
	struct boot_image *b;
	struct x86_regs regs;
	struct err *e = NULL;

	small_kernel(&f->i);
	put(&f->i, 24, 40 * MIB, 4);
	f->g.map[3].size = 64 * MIB;
	b = open_dry(&f->g, f->i.path, NULL, NULL, NULL);
	g_assert_nonnull(b);
	g_assert_cmpint(boot_load(b, &f->g.env, &regs, &e), ==, -EFAULT);
	g_assert_nonnull(strstr(err_text(e), "0x2000000"));
	err_free(e);
	boot_free(b);
}

/* RAM in several regions: pieces and structures cross the seam. */
static void seams(struct fix *f, gconstpointer data)
{
	struct guest g = {.as = aspace_new("seams", 0), .env = f->g.env};
	struct x86_regs regs;

	for (uint64_t at = 0; at < 32 * MIB; at += 2 * MIB + 2048) {
		uint64_t len = MIN(2 * MIB + 2048, 32 * MIB - at);

		aspace_map(g.as, &f->g.low.region, at, 32 * MIB - at - len, len, 0);
	}
	g.env.mem = g.as;
	small_kernel(&f->i);
	boots(&g, f->i.path, NULL, NULL, "multiboot", &regs);
	same_bytes(&g, 2 * MIB, &f->i, 0, 4096);
	g_assert_cmphex(aspace_read(g.as, 2 * MIB + 4096, 8), ==, 0);
	aspace_free(g.as);
}

/* RAM with no file behind it is read into directly. */
static void anonymous_ram(struct fix *f, gconstpointer data)
{
	struct x86_regs regs;

	small_kernel(&f->i);
	put_pattern(&f->rd, 0, 70000);
	f->g.low.region.fd = -1;
	boots(&f->g, f->i.path, f->rd.path, NULL, "multiboot", &regs);
	same_bytes(&f->g, 2 * MIB, &f->i, 0, 4096);
	same_bytes(&f->g, 2 * MIB + 8192, &f->rd, 0, 70000);
}

static struct boot_image *bare(void)
{
	static const struct boot_file file = {.label = (char *)"kernel x"};
	struct boot_image *b = g_new0(struct boot_image, 1);

	b->kernel = &file;
	b->files = g_ptr_array_new();
	b->pieces = g_array_new(FALSE, FALSE, sizeof(struct boot_piece));
	b->claims = g_array_new(FALSE, FALSE, sizeof(struct boot_range));
	b->mods = g_array_new(FALSE, FALSE, sizeof(struct boot_mod));
	return b;
}

static void claims(struct fix *f, gconstpointer data)
{
	struct boot_image *b = bare();
	const struct boot_env *env = &f->g.env;

	g_assert_cmpint(boot_claim(b, env, "a", MIB, MIB, NULL), ==, 0);
	g_assert_cmpint(boot_claim(b, env, "b", 2 * MIB, 1, NULL), ==, 0);
	g_assert_cmpint(boot_claim(b, env, "c", 2 * MIB - 1, 1, NULL), ==, -ENOEXEC);
	g_assert_cmpint(boot_claim(b, env, "d", MIB, 31 * MIB, NULL), ==, -ENOEXEC);
	g_assert_cmpint(boot_claim(b, env, "e", 31 * MIB, MIB, NULL), ==, 0);
	g_assert_cmpint(boot_claim(b, env, "f", 30 * MIB, MIB + 1, NULL), ==, -ENOEXEC);
	g_assert_cmpint(boot_claim(b, env, "g", 32 * MIB, 1, NULL), ==, -EFBIG);
	g_assert_cmpint(boot_claim(b, env, "h", 3 * MIB, UINT64_MAX, NULL), ==, -EFBIG);
	g_assert_cmpint(boot_claim(b, env, "i", UINT64_MAX, 2, NULL), ==, -EFBIG);
	g_assert_cmpint(boot_claim(b, env, "j", LAYOUT_EBDA - 1, 2, NULL), ==, -EFBIG);
	boot_free(b);
}

static void places(struct fix *f, gconstpointer data)
{
	struct boot_image *b = bare();
	const struct boot_env *env = &f->g.env;
	uint64_t at;

	g_assert_true(boot_find_high(b, env, 5000, UINT64_MAX, &at));
	g_assert_cmphex(at, ==, 32 * MIB - 8192);
	g_assert_true(boot_find_high(b, env, 31 * MIB, UINT64_MAX, &at));
	g_assert_cmphex(at, ==, MIB);
	g_assert_false(boot_find_high(b, env, 31 * MIB + 1, UINT64_MAX, &at));
	g_assert_false(boot_find_high(b, env, 4096, MIB, &at));
	g_assert_cmpint(boot_claim(b, env, "top", 31 * MIB, MIB, NULL), ==, 0);
	g_assert_cmpint(boot_claim(b, env, "low", MIB, MIB + 1, NULL), ==, 0);
	g_assert_true(boot_find_high(b, env, MIB, UINT64_MAX, &at));
	g_assert_cmphex(at, ==, 30 * MIB);
	g_assert_true(boot_find_low(b, env, MIB, MIB, 4 * GIB, &at));
	g_assert_cmphex(at, ==, 2 * MIB + 4096);
	g_assert_false(boot_find_low(b, env, 30 * MIB, MIB, 4 * GIB, &at));
	/* Preferred, next to it, above 1 MiB. */
	g_assert_cmpint(boot_place(b, env, "x", 0x2000, 100, &at, NULL), ==, 0);
	g_assert_cmphex(at, ==, 0x2000);
	g_assert_cmpint(boot_place(b, env, "y", 0x2000, 100, &at, NULL), ==, 0);
	g_assert_cmphex(at, ==, 0x3000);
	g_assert_cmpint(boot_place(b, env, "z", 0x2000, MIB, &at, NULL), ==, 0);
	g_assert_cmphex(at, ==, 2 * MIB + 4096);
	g_assert_cmpint(boot_place(b, env, "huge", 0x2000, 64 * MIB, &at, NULL), ==, -EFBIG);
	boot_free(b);
}

static void free_null(void)
{
	boot_free(NULL);
}

int main(int argc, char **argv)
{
	int r;

	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
#define T(name, fn) g_test_add("/boot/" name, struct fix, NULL, setup, fn, teardown)
	T("bad-files", bad_files);
	T("unknown-kind", unknown_kind);
	T("map-too-long", map_too_long);
	T("no-ram", no_ram);
	T("load-again", load_again);
	T("changed-underneath", changed_underneath);
	T("map-lies", map_lies);
	T("seams", seams);
	T("anonymous-ram", anonymous_ram);
	T("claims", claims);
	T("places", places);
	g_test_add_func("/boot/free-null", free_null);
	r = g_test_run();
	aspace_thread_leave();
	return r;
}
