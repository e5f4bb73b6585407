// SPDX-License-Identifier: GPL-2.0-or-later
/* What disks keep their blocks in, and what is told where an image will not do. */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "hw/dev/drive.h"

struct dv {
	char *dir, *path;
	struct drive dr;
};

static void dv_init(struct dv *s, size_t size)
{
	g_autofree char *zeroes = g_malloc0(size);

	s->dir = g_dir_make_tmp("sluice-drive-XXXXXX", NULL);
	g_assert_nonnull(s->dir);
	s->path = g_build_filename(s->dir, "disk.img", NULL);
	g_assert_true(g_file_set_contents(s->path, zeroes, (gssize)size, NULL));
}

static void dv_fini(struct dv *s)
{
	g_unlink(s->path);
	g_rmdir(s->dir);
	g_free(s->path);
	g_free(s->dir);
}

/* Both texts are there: what is wrong, and what to do. */
static void refused(const char *file, uint64_t size, bool readonly, int code, const char *text,
		    const char *hint)
{
	struct err *e = NULL;
	struct drive dr;

	g_assert_cmpint(drive_open(&dr, "d0", file, size, readonly, &e), ==, code);
	g_assert_cmpint(dr.fd, ==, -1);
	if (!strstr(err_text(e), text) || !g_str_has_prefix(err_text(e), "d0: "))
		g_error("no '%s' in: %s", text, err_text(e));
	if (file && !strstr(err_text(e), file))
		g_error("no path in: %s", err_text(e));
	if (!strstr(err_hints(e), hint))
		g_error("no '%s' in: %s", hint, err_hints(e));
	err_free(e);
	drive_close(&dr);
}

static void use(struct drive *dr)
{
	uint8_t a[2048], b[2048];

	for (unsigned i = 0; i < sizeof(a); i++)
		a[i] = (uint8_t)(i * 3 + 1);
	g_assert_cmpint(drive_write(dr, 4096, a, sizeof(a)), ==, 0);
	g_assert_cmpint(drive_flush(dr), ==, 0);
	g_assert_cmpint(drive_read(dr, 4096, b, sizeof(b)), ==, 0);
	g_assert_cmpmem(a, sizeof(a), b, sizeof(b));
	g_assert_cmpint(drive_zero(dr, 4096 + 512, 1024), ==, 0);
	g_assert_cmpint(drive_zero(dr, 4096, 0), ==, 0);
	memset(a + 512, 0, 1024);
	g_assert_cmpint(drive_read(dr, 4096, b, sizeof(b)), ==, 0);
	g_assert_cmpmem(a, sizeof(a), b, sizeof(b));
	drive_discard(dr, 0, dr->size);
	g_assert_cmpint(drive_read(dr, dr->size - 512, b, 512), ==, 0);
	g_assert_cmpint(drive_read(dr, dr->size - 512, b, 1024), ==, -EIO);
}

static void memory(void)
{
	struct drive dr;

	g_assert_cmpint(drive_open(&dr, "d0", NULL, 1 << 20, false, NULL), ==, 0);
	g_assert_cmpuint(dr.size, ==, 1 << 20);
	use(&dr);
	drive_close(&dr);
	drive_close(&dr);
	refused(NULL, 0, false, -EINVAL, "0 bytes of memory", "size=64M");
	refused(NULL, 513, false, -EINVAL, "513 bytes of memory", "multiple of 512");
	refused(NULL, 1ull << 63, false, -EINVAL, "9223372036854775808 bytes", "multiple of 512");
}

static void image(void)
{
	struct dv s;
	uint8_t b[512];

	dv_init(&s, 65536);
	g_assert_cmpint(drive_open(&s.dr, "d0", s.path, 0, false, NULL), ==, 0);
	g_assert_cmpuint(s.dr.size, ==, 65536);
	use(&s.dr);
	g_assert_cmpint(drive_write(&s.dr, 512, "kept", 4), ==, 0);
	drive_close(&s.dr);
	g_assert_cmpint(drive_open(&s.dr, "d0", s.path, 0, true, NULL), ==, 0);
	g_assert_cmpint(drive_read(&s.dr, 512, b, 512), ==, 0);
	g_assert_cmpstr((char *)b, ==, "kept");
	g_assert_cmpint(drive_write(&s.dr, 512, "lost", 4), ==, -EBADF);
	g_assert_cmpint(drive_zero(&s.dr, 512, 512), <, 0);
	g_assert_cmpint(drive_flush(&s.dr), ==, 0);
	g_assert_cmpint(truncate(s.path, 4096), ==, 0); /* behind our back */
	g_assert_cmpint(drive_read(&s.dr, 32768, b, 512), ==, -EIO);
	drive_close(&s.dr);
	dv_fini(&s);
}

static void bad_images(void)
{
	g_autofree char *none = NULL;
	struct dv s;

	dv_init(&s, 1000);
	none = g_build_filename(s.dir, "none", NULL);
	refused(none, 0, false, -ENOENT, "No such file", "truncate -s 1G");
	refused(s.dir, 0, false, -EISDIR, "Is a directory", "Name a file");
	refused(s.dir, 0, true, -EINVAL, "no file and no block device", "file ");
	refused("/dev/null", 0, false, -EINVAL, "no file and no block device", "tells what it is");
	refused(s.path, 0, false, -EINVAL, "1000 bytes, which is no whole number of blocks of 512",
		"truncate -s %512");
	g_assert_cmpint(truncate(s.path, 0), ==, 0);
	refused(s.path, 0, false, -EINVAL, "is empty", "truncate -s 1G");
	refused(s.path, 4096, false, -EINVAL, "has its own size", "Leave size= out");
	dv_fini(&s);
}

/* As somebody else than root, who may do everything. */
static void permissions(void)
{
	uid_t me = geteuid();
	struct dv s;

	dv_init(&s, 4096);
	g_assert_cmpint(chmod(s.dir, 0755), ==, 0);
	g_assert_cmpint(chmod(s.path, 0444), ==, 0);
	if (!me)
		g_assert_cmpint(seteuid(65534), ==, 0);
	refused(s.path, 0, false, -EACCES, "Permission denied", "readonly=on");
	g_assert_cmpint(drive_open(&s.dr, "d0", s.path, 0, true, NULL), ==, 0);
	drive_close(&s.dr);
	g_assert_cmpint(seteuid(me), ==, 0);
	g_assert_cmpint(chmod(s.path, 0), ==, 0);
	if (!me)
		g_assert_cmpint(seteuid(65534), ==, 0);
	refused(s.path, 0, true, -EACCES, "Permission denied", "Let this user read it");
	g_assert_cmpint(seteuid(me), ==, 0);
	dv_fini(&s);
}

/* One writer, or any number of readers. */
static void sharing(void)
{
	struct drive other;
	struct dv s;

	dv_init(&s, 4096);
	g_assert_cmpint(drive_open(&s.dr, "d0", s.path, 0, false, NULL), ==, 0);
	refused(s.path, 0, false, -EBUSY, "in use", "fuser");
	refused(s.path, 0, true, -EBUSY, "in use", "readonly=on");
	drive_close(&s.dr);
	g_assert_cmpint(drive_open(&s.dr, "d0", s.path, 0, true, NULL), ==, 0);
	g_assert_cmpint(drive_open(&other, "d1", s.path, 0, true, NULL), ==, 0);
	refused(s.path, 0, false, -EBUSY, "in use", "fuser");
	drive_close(&other);
	drive_close(&s.dr);
	dv_fini(&s);
}

/* Nothing: zeroes, whatever is written. */
static void null(void)
{
	uint8_t buf[1024];
	struct drive dr, other;

	g_assert_cmpint(drive_open(&dr, "d0", DRIVE_NULL, 0, false, NULL), ==, 0);
	g_assert_cmpuint(dr.size, ==, 1 << 30);
	g_assert_cmpint(drive_share(&other, &dr), ==, 0);
	memset(buf, 0x55, sizeof(buf));
	g_assert_cmpint(drive_write(&dr, 512, buf, sizeof(buf)), ==, 0);
	g_assert_cmpint(drive_zero(&dr, 0, 1 << 20), ==, 0);
	drive_discard(&dr, 0, 1 << 20);
	g_assert_cmpint(drive_flush(&dr), ==, 0);
	g_assert_cmpint(drive_read(&other, 512, buf, sizeof(buf)), ==, 0);
	for (unsigned i = 0; i < sizeof(buf); i++)
		g_assert_cmphex(buf[i], ==, 0);
	drive_close(&other);
	drive_close(&dr);
	g_assert_cmpint(drive_open(&dr, "d0", DRIVE_NULL, 1 << 20, true, NULL), ==, 0);
	g_assert_cmpuint(dr.size, ==, 1 << 20);
	g_assert_true(dr.readonly);
	drive_close(&dr);
	refused(DRIVE_NULL, 513, false, -EINVAL, "513 bytes of null-co:// is no size", "size=64M");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/drive/memory", memory);
	g_test_add_func("/drive/image", image);
	g_test_add_func("/drive/bad-images", bad_images);
	g_test_add_func("/drive/permissions", permissions);
	g_test_add_func("/drive/sharing", sharing);
	g_test_add_func("/drive/null", null);
	return g_test_run();
}
