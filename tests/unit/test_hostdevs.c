// SPDX-License-Identifier: GPL-2.0-or-later
/* The emulated host as the command line describes it: places, drivers, whole dumps. */
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/err.h"
#include "host_util.h"
#include "hw/dev/zoo.h"
#include "vfio/pci/driver.h"
#include "vm/board.h"

static char *data(const char *folder, const char *name)
{
	return g_test_build_filename(G_TEST_DIST, "..", "data", folder, name, NULL);
}

static void device(struct vm_config *c, const char *model, const char *addr, const char *driver)
{
	struct vm_device *d = vm_device_new(model);

	vm_device_set(d, "addr", addr);
	if (driver)
		vm_device_set(d, "driver", driver);
	g_ptr_array_add(c->host_devices, d);
}

static struct host *good(const struct vm_config *c)
{
	struct host *h;
	struct err *e = NULL;

	hostdevs_new(c, &h, &e);
	g_assert_cmpstr(err_text(e), ==, "");
	return h;
}

static void bad(const struct vm_config *c, const char *text)
{
	struct host *h;
	struct err *e = NULL;

	g_assert_cmpint(hostdevs_new(c, &h, &e), <, 0);
	g_assert_null(h);
	if (!strstr(err_text(e), text))
		g_error("'%s' is not in '%s'", text, err_text(e));
	err_free(e);
}

static uint32_t ids(struct host *h, const char *bdf)
{
	struct hostdev *d = host_find(h, bdf);
	uint32_t v = 0;

	if (d)
		g_assert_cmpint(host_cfg_read(d, 0, 4, &v), ==, 0);
	return v;
}

static void driver_is(struct host *h, const char *bdf, const char *driver)
{
	g_autofree char *path = g_strdup_printf("devices/%s/driver", bdf);
	char name[64] = "none";

	host_sysfs_readlink(h, path, name, sizeof(name));
	g_assert_cmpstr(name, ==, driver);
}

static void nothing(void)
{
	struct vm_config *c = vm_config_new();

	g_assert_null(good(c));
	vm_config_free(c);
}

static void devices(void)
{
	struct vm_config *c = vm_config_new();
	struct host *h;

	device(c, "edu", "0000:01:00.1", "vfio-pci");
	device(c, "edu", "01:00.0", NULL);
	device(c, "edu", "0000:00:05.0", NULL);
	h = good(c);
	g_assert_cmphex(ids(h, "0000:01:00.0"), ==, 0x11e81234);
	g_assert_cmphex(ids(h, "0000:00:05.0"), ==, 0x11e81234);
	g_assert_cmphex(hostdev_model(host_find(h, "0000:01:00.0"))->cfg[PCI_HEADER_TYPE], ==,
			0x80);
	driver_is(h, "0000:01:00.0", "none");
	driver_is(h, "0000:01:00.1", "vfio-pci");
	vfio_host_free(h);
	vm_config_free(c);
}

static void refused(void)
{
	struct vm_config *c = vm_config_new();

	device(c, "edu", "01:00.0", NULL);
	device(c, "edu", "01:00.0", NULL);
	bad(c, "-host-device edu: edu: address 00.0 is taken by edu");
	vm_config_free(c);
	c = vm_config_new();
	device(c, "edu", "1:2", NULL);
	bad(c, "-host-device edu: addr=1:2 is no address on the emulated host");
	vm_config_free(c);
	c = vm_config_new();
	device(c, "vfio-pci", "01:00.0", NULL);
	bad(c, "it belongs to the guest");
	vm_config_free(c);
}

/* Everything but bridges and what has no registers; devices from elsewhere find room beside. */
static void dumps(void)
{
	g_autofree char *file = data("dumps", "machine.txt");
	struct vm_config *c = vm_config_new();
	struct host *h;

	g_ptr_array_add(c->host_dumps, g_strdup(file));
	device(c, "edu", "0000:05:00.0", NULL);
	for (unsigned i = 0; i < 3; i++)
		g_test_expect_message(NULL, G_LOG_LEVEL_MESSAGE,
				      i == 0   ? "*00:01.0 is left out: it is a bridge*"
				      : i == 1 ? "*02:00.0 is left out: its vendor id*"
					       : "*03:01.0 is left out: below a root port*");
	h = good(c);
	g_test_assert_expected_messages();
	g_assert_cmphex(ids(h, "0000:00:1f.6"), ==, 0x10d31d6b);
	g_assert_cmphex(ids(h, "0000:01:00.0"), ==, 0x1cb31d6b);
	g_assert_cmphex(ids(h, "0000:01:00.1"), ==, 0x1cb31d6b);
	g_assert_cmphex(ids(h, "0000:05:00.0"), ==, 0x11e81234);
	g_assert_null(host_find(h, "0000:00:01.0"));
	g_assert_null(host_find(h, "0000:02:00.0"));
	vfio_host_free(h);
	device(c, "edu", "0000:01:00.0", NULL);
	bad(c, "-host-dump: dump-01:00.0: address 00.0 is taken by edu");
	vm_config_free(c);
	c = vm_config_new();
	g_ptr_array_add(c->host_dumps, g_strdup("/nonexistent"));
	bad(c, "-host-dump: open the dump '/nonexistent'");
	vm_config_free(c);
}

/* A tree from tests' sources, compiled; NULL where there is no compiler. */
static char *compiled(const char *name)
{
	g_autofree char *dtc = g_find_program_in_path("dtc");
	g_autofree char *dts =
		g_test_build_filename(G_TEST_DIST, "..", "..", "examples", name, NULL);
	g_autofree char *folder = dtc ? g_dir_make_tmp("hostdevs-XXXXXX", NULL) : NULL;
	char *dtb = dtc ? g_build_filename(folder, "dtb", NULL) : NULL;
	const char *argv[] = {dtc, "-q", "-O", "dtb", "-o", dtb, dts, NULL};
	int status = -1;

	if (!dtc)
		return NULL;
	g_assert_true(
		g_spawn_sync(NULL, (char **)argv, NULL, 0, NULL, NULL, NULL, NULL, &status, NULL));
	g_assert_cmpint(status, ==, 0);
	return dtb;
}

static void uncompiled(char *dtb)
{
	g_autofree char *folder = g_path_get_dirname(dtb);

	g_unlink(dtb);
	g_rmdir(folder);
	g_free(dtb);
}

/* Through VFIO: capabilities survive the walk, registers answer, the shared memory is mapped. */
static void use_zoo(struct host *h, const char *bdf, uint64_t size)
{
	struct hu u;
	struct vfio_vma *m;
	uint32_t v = 0x11223344;

	g_assert_cmpint(hu_open(&u, h, bdf), ==, 0);
	g_assert_cmphex(hu_cfg_read(u.dev, 0, 4), ==, ZOO_DEVICE << 16 | ZOO_VENDOR);
	g_assert_cmphex(hu_cfg_read(u.dev, PCI_CAPABILITY_LIST, 1), !=, 0);
	hu_cfg_write(u.dev, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	g_assert_cmpint(vfio_pwrite(u.dev, &v, 4, HU_REGION(2) + size - 4), ==, 4);
	g_assert_cmpint(
		vfio_mmap(u.dev, HU_REGION(2), size, PROT_READ | PROT_WRITE, MAP_SHARED, &m), ==,
		0);
	g_assert_cmpint(vfio_vma_read(m, size - 4, &v, 4), ==, 0);
	g_assert_cmphex(v, ==, 0x11223344);
	g_assert_cmphex(((uint8_t *)vfio_vma_ptr(m))[size - 4], ==, 0x44);
	vfio_munmap(m);
	g_assert_cmpint(vfio_pread(u.dev, &v, 4, HU_REGION(0)), ==, 4);
	g_assert_cmphex(v, ==, ZOO_ID_VALUE);
	g_assert_cmpint(vfio_pread(u.dev, &v, 2, HU_REGION(VFIO_PCI_ROM_REGION_INDEX)), ==, 2);
	g_assert_cmphex(v & 0xffff, ==, 0xaa55);
	g_assert_cmpint(vfio_ioctl(u.dev, VFIO_DEVICE_RESET, NULL), ==, 0);
	hu_close(&u);
}

static void trees(void)
{
	char *dtb = compiled("nic.dts");
	struct vm_config *c;
	struct host *h;

	if (!dtb) {
		g_test_skip("there is no dtc");
		return;
	}
	c = vm_config_new();
	g_ptr_array_add(c->host_dtbs, g_strdup(dtb));
	h = good(c);
	g_assert_nonnull(host_find(h, "0000:00:03.0")); /* the port is where the tree has it */
	driver_is(h, "0000:00:05.0", "none");
	driver_is(h, "0000:03:00.1", "vfio-pci");
	use_zoo(h, "0000:03:00.0", 1 << 20);
	use_zoo(h, "0000:03:00.1", 16 << 20);
	vfio_host_free(h);
	g_ptr_array_add(c->host_dtbs, g_strdup(dtb));
	bad(c, "dtb: /pcie@b0000000/pci@3,0: ");
	vm_config_free(c);
	c = vm_config_new();
	g_ptr_array_add(c->host_dtbs, g_strdup("/nonexistent"));
	bad(c, "-host-dtb: open the device tree '/nonexistent'");
	vm_config_free(c);
	uncompiled(dtb);
}

/* A dump, too, goes through all of VFIO. */
static void dump_assigned(void)
{
	g_autofree char *file = data("dumps", "nic.txt");
	struct vm_config *c = vm_config_new();
	struct host *h;
	struct hu u;

	device(c, "pci-dump", "01:00.0", "vfio-pci");
	vm_device_set(c->host_devices->pdata[0], "file", file);
	h = good(c);
	g_assert_cmpint(hu_open(&u, h, "0000:01:00.0"), ==, 0);
	g_assert_cmphex(hu_cfg_read(u.dev, 0, 4), ==, 0x10d31d6b);
	g_assert_cmphex(hu_cfg_read(u.dev, 0xc8, 1), ==, PCI_CAP_ID_PM);
	g_assert_cmpint(vfio_ioctl(u.dev, VFIO_DEVICE_RESET, NULL), ==, 0);
	hu_close(&u);
	vfio_host_free(h);
	vm_config_free(c);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/hostdevs/nothing", nothing);
	g_test_add_func("/hostdevs/devices", devices);
	g_test_add_func("/hostdevs/refused", refused);
	g_test_add_func("/hostdevs/dumps", dumps);
	g_test_add_func("/hostdevs/trees", trees);
	g_test_add_func("/hostdevs/dump-assigned", dump_assigned);
	return g_test_run();
}
