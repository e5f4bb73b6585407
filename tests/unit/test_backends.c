// SPDX-License-Identifier: GPL-2.0-or-later
/* What -object, -drive and -blockdev mean, and what of them is refused. */
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "hw/dev/drive.h"
#include "vm/backends.h"

/* "driver,id=x,key=value" to an entry as the command line makes it. */
static void add(GPtrArray *list, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, ",", -1);
	struct vm_device *d = vm_device_new(words[0]);

	for (int i = 1; words[i]; i++) {
		char *eq = strchr(words[i], '=');

		*eq = 0;
		if (!strcmp(words[i], "id"))
			d->id = g_strdup(eq + 1);
		else
			vm_device_set(d, words[i], eq + 1);
	}
	g_ptr_array_add(list, d);
}

static struct vm_config *config(const char *object, const char *drive)
{
	struct vm_config *c = vm_config_new();

	if (object)
		add(c->objects, object);
	if (drive)
		add(c->drives, drive);
	return c;
}

static void refused(const char *object, const char *drive, const char *text, const char *hint)
{
	struct vm_config *c = config(object, drive);
	struct err *e = NULL;

	g_assert_cmpint(backends_validate(c, &e), <, 0);
	g_assert_cmpstr(err_text(e), ==, text);
	if (hint && !strstr(err_hints(e), hint))
		g_error("no '%s' in: %s", hint, err_hints(e));
	err_free(e);
	vm_config_free(c);
}

static void memory(void)
{
	struct vm_config *c = config("memory-backend-ram,id=m0,size=8,share=on", NULL);
	struct err *e = NULL;
	struct ram *ram;
	GPtrArray *all;

	add(c->objects, "memory-backend-memfd,id=m1,size=1M,hugetlb=off,prealloc=on");
	g_assert_cmpint(backends_validate(c, NULL), ==, 0);
	all = backends_new(c, NULL);
	g_assert_nonnull(all);
	ram = backends_memory(all, "m0", NULL);
	g_assert_cmpuint(ram->size, ==, 4096); /* whole pages */
	g_assert_cmpint(ram->region.host[7], ==, 0);
	g_assert_cmpuint(backends_memory(all, "m1", NULL)->size, ==, 1 << 20);
	g_assert_null(backends_memory(all, "m3", &e));
	g_assert_cmpstr(err_text(e), ==, "there is no memory 'm3'");
	g_assert_nonnull(strstr(err_hints(e), "memory-backend-ram,id=m3"));
	err_free(e);
	g_assert_null(backends_memory(NULL, "m0", NULL));
	g_ptr_array_free(all, TRUE);
	vm_config_free(c);
}

static void memory_in_a_file(void)
{
	g_autofree char *dir = g_dir_make_tmp("sluice-backends-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "m", NULL);
	g_autofree char *text =
		g_strdup_printf("memory-backend-file,id=m,size=64K,share=on,mem-path=%s", path);
	g_autofree char *lost =
		g_strdup_printf("memory-backend-file,id=m,size=64K,mem-path=%s/x/y", dir);
	struct vm_config *c = config(text, NULL);
	struct err *e = NULL;

	for (int i = 0; i < 2; i++) { /* what is written stays */
		GPtrArray *all = backends_new(c, NULL);
		struct ram *ram = backends_memory(all, "m", NULL);

		g_assert_cmpint(ram->region.host[0xffff], ==, i);
		ram->region.host[0xffff] = 1;
		g_ptr_array_free(all, TRUE);
	}
	vm_config_free(c);
	c = config(lost, NULL);
	g_assert_cmpint(backends_validate(c, NULL), ==, 0);
	g_assert_null(backends_new(c, &e));
	g_assert_nonnull(strstr(err_text(e), "-object memory-backend-file,id=m: open"));
	err_free(e);
	vm_config_free(c);
	g_unlink(path);
	g_rmdir(dir);
}

static void wrong_objects(void)
{
	refused("memory-backend-rom,id=m,size=1M", NULL,
		"-object memory-backend-rom: there is no object type 'memory-backend-rom'",
		"Did you mean 'memory-backend-ram'?");
	refused("memory-backend-ram,id=m", NULL,
		"-object memory-backend-ram: it needs size=, such as size=64M", NULL);
	refused("memory-backend-ram,size=1M", NULL, "-object memory-backend-ram: it has no id",
		NULL);
	refused("memory-backend-ram,id=m,size=1M,mem-path=x", NULL,
		"-object memory-backend-ram: there is no property 'mem-path'", NULL);
	refused("memory-backend-file,id=m,size=1M", NULL,
		"-object memory-backend-file: it needs mem-path=", NULL);
	refused("memory-backend-ram,id=m,size=18446744073709551615", NULL,
		"-object memory-backend-ram: it needs size=, such as size=64M", NULL);
}

static void twice(void)
{
	struct vm_config *c = config("memory-backend-ram,id=m,size=1M", NULL);
	struct err *e = NULL;

	add(c->objects, "memory-backend-ram,id=m,size=2M");
	g_assert_cmpint(backends_validate(c, &e), ==, -EEXIST);
	g_assert_cmpstr(err_text(e), ==, "-object memory-backend-ram: the id 'm' is used twice");
	err_free(e);
	vm_config_free(c);
	c = config(NULL, "drive,id=d,if=none,file=x");
	add(c->drives, "file,id=d,filename=y");
	e = NULL;
	g_assert_cmpint(backends_validate(c, &e), ==, -EEXIST);
	g_assert_cmpstr(err_text(e), ==, "-blockdev d: the id 'd' is used twice");
	err_free(e);
	vm_config_free(c);
}

static void disks(void)
{
	static const struct {
		const char *text, *file;
		uint64_t size;
		bool readonly;
	} cases[] = {
		{"drive,id=d,if=none,file=a.img,format=raw", "a.img"},
		{"drive,id=d,if=none,file=file:a.img,read-only=on,cache=none", "a.img", 0, true},
		{"drive,id=d,if=none,file=null-co://,file.read-zeroes=on,format=raw", DRIVE_NULL},
		{"drive,id=d,if=none,driver=null-co,size=1M", DRIVE_NULL, 1 << 20},
		{"file,id=d,filename=b.img,read-only=on", "b.img", 0, true},
		{"raw,id=d,file.driver=file,file.filename=c.img", "c.img"},
		{"raw,id=d,file.driver=null-co,file.size=4096", DRIVE_NULL, 4096},
		{"null-co,id=d,read-zeroes=on", DRIVE_NULL},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct vm_config *c = config(NULL, cases[i].text);
		struct err *e = NULL;
		struct disk disk;

		g_assert_cmpint(backends_validate(c, &e), ==, 0);
		g_assert_cmpint(backends_disk(c, "d", &disk, &e), ==, 0);
		g_assert_cmpstr(disk.file, ==, cases[i].file);
		g_assert_cmpuint(disk.size, ==, cases[i].size);
		g_assert_cmpint(disk.readonly, ==, cases[i].readonly);
		g_assert_cmpint(backends_disk(c, "e", &disk, &e), ==, -ENOENT);
		g_assert_cmpint(backends_disk(c, NULL, &disk, &e), ==, -ENOENT);
		g_assert_null(e);
		vm_config_free(c);
	}
}

/* A node on a node, the last of which says what there is; a ring of them ends. */
static void nodes(void)
{
	struct vm_config *c = config(NULL, "raw,id=top,file=below,read-only=on");
	struct disk disk;

	add(c->drives, "null-co,id=below,size=8192");
	g_assert_cmpint(backends_disk(c, "top", &disk, NULL), ==, 0);
	g_assert_cmpstr(disk.file, ==, DRIVE_NULL);
	g_assert_cmpuint(disk.size, ==, 8192);
	g_assert_true(disk.readonly);
	vm_config_free(c);
	c = config(NULL, "raw,id=a,file=b");
	add(c->drives, "raw,id=b,file=a");
	g_assert_cmpint(backends_disk(c, "a", &disk, NULL), ==, -EINVAL);
	vm_config_free(c);
}

static void wrong_disks(void)
{
	refused(NULL, "drive,id=d,file=x", "-drive d: if=ide is not supported (known: none)", NULL);
	refused(NULL, "drive,id=d,if=none,file=x,format=qcow2",
		"-drive d: format=qcow2 is not supported (known: raw)", NULL);
	refused(NULL, "drive,id=d,if=none", "-drive d: it has no file", NULL);
	refused(NULL, "drive,if=none,file=x", "-drive : nobody can have it: it has no id", NULL);
	refused(NULL, "drive,id=d,if=none,fiel=x", "-drive d: there is no property 'fiel'",
		"Did you mean 'file'?");
	refused(NULL, "qcow2,id=n,file=x",
		"-blockdev n: driver=qcow2 is not supported (known: raw, file, host_device, "
		"null-co, null-aio)",
		NULL);
	refused(NULL, "raw,id=n,file=none", "-blockdev n: it has no file", NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/backends/memory", memory);
	g_test_add_func("/backends/memory-in-a-file", memory_in_a_file);
	g_test_add_func("/backends/wrong-objects", wrong_objects);
	g_test_add_func("/backends/twice", twice);
	g_test_add_func("/backends/disks", disks);
	g_test_add_func("/backends/nodes", nodes);
	g_test_add_func("/backends/wrong-disks", wrong_disks);
	return g_test_run();
}
