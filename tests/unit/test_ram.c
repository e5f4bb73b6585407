// SPDX-License-Identifier: GPL-2.0-or-later
/* Guest RAM: what it promises about its descriptor, and its failures. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "mem/ram.h"

static unsigned open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	g_assert_nonnull(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void shared(void)
{
	struct ram ram = {0};
	unsigned before = open_fds();
	struct stat st;
	char *again;

	g_assert_cmpint(ram_init(&ram, "pc.ram", 3 << 20, NULL), ==, 0);
	g_assert_cmpuint(ram.size, ==, 3 << 20);
	g_assert_cmpuint(ram.region.size, ==, 3 << 20);
	g_assert_cmpint(ram.region.kind, ==, REGION_RAM);
	g_assert_cmpint(ram.region.fd, ==, ram.fd);
	g_assert_false(ram.region.device);
	g_assert_cmpint(fstat(ram.fd, &st), ==, 0);
	g_assert_cmpint(st.st_size, ==, 3 << 20);
	g_assert_cmpint(st.st_blocks, ==, 0); /* nothing is allocated before its first touch */
	g_assert_true(fcntl(ram.fd, F_GETFD) & FD_CLOEXEC);
	again = mmap(NULL, ram.size, PROT_READ | PROT_WRITE, MAP_SHARED, ram.fd, 0);
	g_assert_true(again != MAP_FAILED);
	g_assert_cmpint(again[0x12345], ==, 0);
	ram.region.host[0x12345] = 0x5a;
	g_assert_cmpint(again[0x12345], ==, 0x5a);
	again[ram.size - 1] = 0x33;
	g_assert_cmpint(ram.region.host[ram.size - 1], ==, 0x33);
	munmap(again, ram.size);
	ram_fini(&ram);
	g_assert_null(ram.region.host);
	g_assert_cmpuint(open_fds(), ==, before);
	ram_fini(&ram);
	g_assert_cmpuint(open_fds(), ==, before);
}

/* In a file: what is written is there for the next one, unless it is not shared. */
static void in_a_file(void)
{
	g_autofree char *dir = g_dir_make_tmp("sluice-ram-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "m", NULL);
	unsigned before = open_fds();
	struct ram ram = {0};
	struct err *e = NULL;

	for (int i = 0; i < 3; i++) {
		g_assert_cmpint(ram_init_file(&ram, "m", path, 8192, i != 1, NULL), ==, 0);
		g_assert_cmpint(ram.region.host[8191], ==, i ? 1 : 0);
		g_assert_cmpint(ram.region.fd, ==, i == 1 ? -1 : ram.fd);
		ram.region.host[8191] = (uint8_t)(i + 1);
		ram_fini(&ram);
	}
	g_assert_cmpint(ram_init_file(&ram, "m", path, 4096, true, NULL), ==, 0); /* no shorter */
	ram_fini(&ram);
	g_assert_cmpint(ram_init_file(&ram, "m", path, 16384, true, NULL), ==, 0);
	g_assert_cmpint(ram.region.host[8191], ==, 3);
	g_assert_cmpint(ram.region.host[16383], ==, 0);
	ram_fini(&ram);
	g_assert_cmpint(ram_init_file(&ram, "m", dir, 4096, true, NULL), ==, 0); /* a folder */
	ram_fini(&ram);
	g_assert_cmpint(ram_init_file(&ram, "m", "/none/such", 4096, true, &e), ==, -ENOENT);
	g_assert_nonnull(strstr(err_text(e), "open /none/such for memory"));
	err_free(e);
	g_assert_cmpuint(open_fds(), ==, before);
	unlink(path);
	g_assert_cmpint(rmdir(dir), ==, 0);
}

static void fails(uint64_t size, const char *what, const char *hint)
{
	unsigned before = open_fds();
	struct ram ram = {0};
	struct err *e = NULL;
	int ret = ram_init(&ram, "pc.ram", size, &e);

	g_assert_cmpint(ret, <, 0);
	g_assert_cmpint(err_code(e), ==, ret);
	g_assert_nonnull(strstr(err_text(e), what));
	g_assert_nonnull(strstr(err_text(e), "'pc.ram'"));
	g_assert_nonnull(strstr(err_text(e), g_strerror(-ret)));
	if (hint)
		g_assert_nonnull(strstr(err_hints(e), hint));
	err_free(e);
	ram_fini(&ram);
	g_assert_cmpuint(open_fds(), ==, before);
}

static void failures(void)
{
	fails(UINT64_MAX & ~4095ull, "size guest memory", NULL); /* negative for the kernel */
	fails(1ull << 47, "map 134217728 MiB", "-m");            /* more than a process may map */
	fails(0, "map 0 MiB", NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ram/shared", shared);
	g_test_add_func("/ram/failures", failures);
	g_test_add_func("/ram/in-a-file", in_a_file);
	return g_test_run();
}
