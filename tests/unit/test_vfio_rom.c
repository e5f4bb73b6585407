// SPDX-License-Identifier: GPL-2.0-or-later
/* The expansion ROM of an assigned device: the device's own, read late, or a file. */
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "vfio_util.h"

#define ROM VFIO_PCI_ROM_REGION_INDEX

static void with_rom(struct vt *t)
{
	fake_region(&t->fake, ROM, 0x10000, VFIO_REGION_INFO_FLAG_READ);
	for (unsigned i = 0; i < 0x10000; i++)
		t->fake.region[ROM].data[i] = (uint8_t)(i * 7);
	pci_set16(t->fake.region[ROM].data, 0xaa55);
}

static uint32_t rom_size(struct vt *t)
{
	vt_set_cfg(t, PCI_ROM_ADDRESS, 0xfffff800, 4);
	return vt_cfg(t, PCI_ROM_ADDRESS, 4);
}

static void show(struct vt *t)
{
	vt_set_cfg(t, PCI_ROM_ADDRESS, AT_ROM | PCI_ROM_ADDRESS_ENABLE, 4);
}

static void lazy(struct vt *t)
{
	g_assert_cmphex(rom_size(t), ==, 0xffff0000);
	g_assert_cmpuint(t->fake.region[ROM].reads, ==, 0);
	vt_set_cfg(t, PCI_ROM_ADDRESS, AT_ROM, 4); /* not enabled */
	g_assert_cmphex(aspace_read(t->mem, AT_ROM, 4), ==, UINT32_MAX);
	show(t);
	g_assert_cmpuint(t->fake.region[ROM].reads, ==, 0);
	t->fake.region[ROM].max_read = 0x1234; /* short reads go on */
	g_assert_cmphex(aspace_read(t->mem, AT_ROM, 2), ==, 0xaa55);
	g_assert_cmphex(aspace_read(t->mem, AT_ROM + 0xffff, 1), ==, (uint8_t)(0xffff * 7));
	g_assert_cmphex(aspace_read(t->mem, AT_ROM + 0x1233, 2), ==,
			pci_get16(t->fake.region[ROM].data + 0x1233));
	/* Read once; writes are dropped. */
	t->fake.region[ROM].data[4] ^= 0xff;
	aspace_write(t->mem, AT_ROM + 4, 0, 1);
	g_assert_cmphex(aspace_read(t->mem, AT_ROM + 4, 1), ==, 28);
	g_assert_cmpuint(t->fake.region[ROM].reads, ==, 15);
	g_assert_cmpstr(vt_messages(), ==, "");
}

static void bad_rom(struct vt *t)
{
	with_rom(t);
	memset(t->fake.region[ROM].data, 0xff, 16);
}

static void said_once(struct vt *t)
{
	show(t);
	g_assert_cmphex(aspace_read(t->mem, AT_ROM, 4), ==, UINT32_MAX);
	assert_contains(vt_messages(),
			"vfio-pci,host=0000:17:00.0: the ROM reads 0xffff, not 0xaa55");
	assert_contains(vt_messages(), "rombar=0");
	vt_messages_clear();
	aspace_read(t->mem, AT_ROM, 4);
	aspace_read(t->mem, AT_ROM + 8, 4);
	g_assert_cmpstr(vt_messages(), ==, "");
}

static void unreadable(struct vt *t)
{
	show(t);
	t->fake.fail_at = t->fake.calls + 1;
	g_assert_cmphex(aspace_read(t->mem, AT_ROM, 4), ==, UINT32_MAX);
	vt_assert_said("not 0xaa55");
}

/* 3000 bytes: the BAR has 4096, the rest reads ones. */
static void odd_rom(struct vt *t)
{
	with_rom(t);
	t->fake.region[ROM].info.size = 3000;
}

static void odd_size(struct vt *t)
{
	g_assert_cmphex(rom_size(t), ==, 0xfffff000);
	show(t);
	g_assert_cmphex(aspace_read(t->mem, AT_ROM + 2999, 1), ==, (uint8_t)(2999 * 7));
	g_assert_cmphex(aspace_read(t->mem, AT_ROM + 3000, 4), ==, UINT32_MAX);
}

static void tiny_rom(struct vt *t)
{
	with_rom(t);
	t->fake.region[ROM].info.size = 1;
	t->fake.region[ROM].data[0] = 0x55;
}

static void smallest(struct vt *t)
{
	g_assert_cmphex(rom_size(t), ==, 0xfffff800);
	show(t);
	g_assert_cmphex(aspace_read(t->mem, AT_ROM, 2), ==, 0xff55);
	vt_assert_said("not 0xaa55");
}

static void hidden(struct vt *t)
{
	with_rom(t);
	t->conf.rombar = 0;
}

static void no_rom(struct vt *t)
{
	g_assert_cmphex(rom_size(t), ==, 0);
	show(t);
	g_assert_cmphex(vt_cfg(t, PCI_ROM_ADDRESS, 4), ==, 0);
	g_assert_cmphex(aspace_read(t->mem, AT_ROM, 4), ==, UINT32_MAX);
	g_assert_cmpuint(t->fake.region[ROM].reads, ==, 0);
}

static void forced(struct vt *t)
{
	with_rom(t);
	t->conf.rombar = 1;
}

static void device_rom(void)
{
	vt_run_guest(with_rom, lazy);
	vt_run_guest(forced, lazy);
	vt_run_guest(bad_rom, said_once);
	vt_run_guest(with_rom, unreadable);
	vt_run_guest(odd_rom, odd_size);
	vt_run_guest(tiny_rom, smallest);
	vt_run_guest(hidden, no_rom);
	vt_run_guest(NULL, no_rom);
}

/* --- romfile -------------------------------------------------------------------------------- */

static char *dir;

static char *file(const char *name, const void *data, gssize len)
{
	char *path = g_build_filename(dir, name, NULL);

	g_assert_true(g_file_set_contents(path, data, len, NULL));
	return path;
}

static void from_file(struct vt *t)
{
	char data[5000];

	memset(data, 0x3c, sizeof(data));
	hidden(t); /* romfile wins over rombar and device */
	t->conf.romfile = file("rom", data, sizeof(data));
}

static void file_shown(struct vt *t)
{
	g_assert_cmphex(rom_size(t), ==, 0xffffe000);
	show(t);
	g_assert_cmphex(aspace_read(t->mem, AT_ROM + 4992, 8), ==, 0x3c3c3c3c3c3c3c3c);
	g_assert_cmphex(aspace_read(t->mem, AT_ROM + 5000, 8), ==, UINT64_MAX);
	g_assert_cmpuint(t->fake.region[ROM].reads, ==, 0);
	g_assert_cmpstr(vt_messages(), ==, "");
}

static void bad_file(char *path, int code, const char *text)
{
	struct err *e = NULL;
	struct vt t;

	vt_init(&t);
	t.conf.romfile = path;
	g_assert_cmpint(vt_try(&t, &e), ==, code);
	assert_contains(err_text(e), "vfio-pci,host=17:00.0: romfile=");
	assert_contains(err_text(e), text);
	err_free(e);
	vt_fini(&t);
}

static void rom_file(void)
{
	static char large[(16 << 20) + 1];

	vt_run_guest(from_file, file_shown);
	bad_file(g_build_filename(dir, "none", NULL), -ENOENT, "No such file");
	bad_file(file("empty", "", 0), -EINVAL, "has 0 bytes");
	bad_file(file("large", large, sizeof(large)), -EINVAL, "has 16777217 bytes");
}

static void clean_up(void)
{
	const char *names[] = {"rom", "empty", "large"};

	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_build_filename(dir, names[i], NULL);

		g_unlink(path);
	}
	g_rmdir(dir);
	g_free(dir);
}

int main(int argc, char **argv)
{
	int ret;

	vt_test_init(&argc, &argv);
	dir = g_dir_make_tmp("sluice-rom-XXXXXX", NULL);
	g_test_add_func("/vfio-rom/device", device_rom);
	g_test_add_func("/vfio-rom/file", rom_file);
	ret = g_test_run();
	clean_up();
	return ret;
}
