// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a made-up sysfs and procfs say about a device, its driver, its group and who holds it, and
 * what the user is told.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "hw/vfio/sysfs.h"
#include "vfio_util.h"

#define BDF "0000:01:00.0"

struct tree {
	char *root;
};

static void tree_init(struct tree *t)
{
	t->root = g_dir_make_tmp("sluice-sysfs-XXXXXX", NULL);
	g_assert_nonnull(t->root);
}

static void remove_below(const char *path)
{
	g_autoptr(GDir) dir = NULL;
	const char *name;

	if (!g_file_test(path, G_FILE_TEST_IS_SYMLINK) && g_file_test(path, G_FILE_TEST_IS_DIR)) {
		dir = g_dir_open(path, 0, NULL);
		while ((name = g_dir_read_name(dir))) {
			g_autofree char *child = g_build_filename(path, name, NULL);

			remove_below(child);
		}
	}
	g_remove(path);
}

static void tree_fini(struct tree *t)
{
	remove_below(t->root);
	g_free(t->root);
}

static char *make_path(struct tree *t, const char *path)
{
	char *full = g_strconcat(t->root, path, NULL);
	g_autofree char *dir = g_path_get_dirname(full);

	g_assert_cmpint(g_mkdir_with_parents(dir, 0700), ==, 0);
	return full;
}

static void put(struct tree *t, const char *path, const char *text)
{
	g_autofree char *full = make_path(t, path);

	g_assert_true(g_file_set_contents(full, text, -1, NULL));
}

static void make_link(struct tree *t, const char *path, const char *target)
{
	g_autofree char *full = make_path(t, path);

	g_remove(full);
	g_assert_cmpint(symlink(target, full), ==, 0);
}

/* driver, group: NULL and -1 = none. */
static void device(struct tree *t, const char *bdf, const char *driver, int group)
{
	g_autofree char *base = g_strdup_printf("/sys/bus/pci/devices/%s", bdf);
	g_autofree char *vendor = g_strdup_printf("%s/vendor", base);
	g_autofree char *dev = g_strdup_printf("%s/device", base);
	g_autofree char *class = g_strdup_printf("%s/class", base);

	put(t, vendor, "0x10de\n");
	put(t, dev, "0x1c03\n");
	put(t, class, "0x030000\n");
	if (driver) {
		g_autofree char *path = g_strdup_printf("%s/driver", base);
		g_autofree char *to = g_strdup_printf("../../../../bus/pci/drivers/%s", driver);

		make_link(t, path, to);
	}
	if (group >= 0) {
		g_autofree char *path = g_strdup_printf("%s/iommu_group", base);
		g_autofree char *to = g_strdup_printf("../../../kernel/iommu_groups/%d", group);
		g_autofree char *member =
			g_strdup_printf("/sys/kernel/iommu_groups/%d/devices/%s", group, bdf);

		make_link(t, path, to);
		make_link(t, member, "elsewhere");
	}
}

/* --- addresses ------------------------------------------------------------------------------ */

static void parses(const char *text, const char *want)
{
	struct err *e = NULL;
	g_autofree char *have = bdf_parse(text, &e);

	g_assert_cmpstr(have, ==, want);
	g_assert_cmpint(err_code(e), ==, want ? 0 : -EINVAL);
	if (!want) {
		assert_contains(err_text(e), text);
		assert_contains(err_hints(e), "0000:01:00.0");
	}
	err_free(e);
}

static void addresses(void)
{
	static const char *const bad[] = {
		"",           "1",        "01:00",         "01:00.8",
		"01:20.0",    "100:00.0", "01:00.0 ",      " 01:00.0",
		"01:00.0x",   "01:00.",   "0000:01:00.0.", "0000:0001:00.0",
		"+1:00.0",    "-1:00.0",  "0000:+1:00.0",  "0x01:00.0",
		"g1:00.0",    "01:00:0",  "01.00.0",       "0000:01:00.0:",
		"0000::00.0", "01: 0.0",  "0000:01:00.00"};

	parses("01:00.0", "0000:01:00.0");
	parses("1:2.3", "0000:01:02.3");
	parses("0000:01:00.0", BDF);
	parses("ff:1f.7", "0000:ff:1f.7");
	parses("00Ab:cD:1e.5", "00ab:cd:1e.5");
	parses("10000:e1:00.0", "10000:e1:00.0"); /* VMD */
	for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++)
		parses(bad[i], NULL);
	g_assert_null(bdf_parse("nonsense", NULL));
}

/* --- can it be assigned? -------------------------------------------------------------------- */

static struct err *refused(struct tree *t, int code)
{
	struct err *e = NULL;

	g_assert_cmpint(sysfs_check_assignable(t->root, BDF, &e), ==, code);
	g_assert_cmpint(err_code(e), ==, code);
	return e;
}

static void no_device(void)
{
	struct tree t;
	struct err *e;

	tree_init(&t);
	device(&t, "0000:02:00.0", "vfio-pci", 1);
	e = refused(&t, -ENODEV);
	assert_contains(err_text(e), "no such PCI device on this host");
	assert_contains(err_hints(e), "lspci -D");
	err_free(e);
	tree_fini(&t);
}

static void no_group(void)
{
	struct tree t;
	struct err *e;

	tree_init(&t);
	device(&t, BDF, "vfio-pci", -1);
	put(&t, "/proc/cmdline", "root=/dev/vda quiet\n");
	e = refused(&t, -ENOENT);
	assert_contains(err_text(e), "in no IOMMU group");
	assert_contains(err_hints(e), "no DMAR or IVRS table");
	err_free(e);
	/* Firmware has one, the kernel does not use it. */
	put(&t, "/sys/firmware/acpi/tables/IVRS", "x");
	e = refused(&t, -ENOENT);
	assert_contains(err_hints(e), "intel_iommu=on");
	assert_contains(err_hints(e), "The command line is: root=/dev/vda quiet\n");
	g_assert_null(strstr(err_hints(e), "no DMAR"));
	err_free(e);
	/* It is on, but not for this device; an empty class is none. */
	put(&t, "/sys/class/iommu/dmar0/name", "x");
	e = refused(&t, -ENOENT);
	assert_contains(err_hints(e), "not behind it");
	g_assert_null(strstr(err_hints(e), "intel_iommu"));
	err_free(e);
	tree_fini(&t);
}

static void drivers(void)
{
	static const char *const ours[] = {"vfio-pci", "mlx5_vfio_pci", "hisi_acc_vfio_pci",
					   "nvgrace-gpu-vfio-pci"};
	struct tree t;
	struct err *e;

	tree_init(&t);
	device(&t, BDF, "nouveau", 1);
	e = refused(&t, -EPERM);
	assert_contains(err_text(e),
			"(10de:1c03, class 0300) is bound to the host's driver nouveau");
	assert_contains(err_hints(e), "echo " BDF " > /sys/bus/pci/devices/" BDF "/driver/unbind");
	assert_contains(err_hints(e),
			"echo vfio-pci > /sys/bus/pci/devices/" BDF "/driver_override");
	assert_contains(err_hints(e), "echo " BDF " > /sys/bus/pci/drivers_probe");
	err_free(e);
	tree_fini(&t);

	tree_init(&t);
	device(&t, BDF, NULL, 1);
	e = refused(&t, -EPERM);
	assert_contains(err_text(e), "is bound to no driver");
	assert_contains(err_hints(e), "modprobe vfio-pci");
	g_assert_null(strstr(err_hints(e), "unbind"));
	err_free(e);
	for (unsigned i = 0; i < G_N_ELEMENTS(ours); i++) {
		device(&t, BDF, ours[i], 12);
		g_assert_cmpint(sysfs_check_assignable(t.root, BDF, NULL), ==, 0);
	}
	g_assert_cmpint(sysfs_group(t.root, BDF), ==, 12);
	g_assert_cmpint(sysfs_group(t.root, "0000:09:00.0"), ==, -ENOENT);
	g_assert_true(sysfs_has_device(t.root, BDF));
	tree_fini(&t);
}

/* --- a group that is not viable ------------------------------------------------------------- */

static void not_viable(void)
{
	struct tree t;
	struct err *e = NULL;

	tree_init(&t);
	device(&t, "0000:01:00.1", "snd_hda_intel", 1);
	device(&t, BDF, "vfio-pci", 1);
	device(&t, "0000:00:01.0", "pcieport", 1);
	device(&t, "0000:01:00.3", NULL, 1);
	device(&t, "0000:01:00.2", "xhci_hcd", 1);
	device(&t, "0000:05:00.0", "e1000e", 2); /* another group's business */
	g_assert_cmpint(sysfs_explain_group(t.root, BDF, 1, &e), ==, -EPERM);
	assert_contains(err_text(e), BDF ": group 1 is not viable. It has 5 members; blocked by: "
					 "0000:01:00.1 (snd_hda_intel), 0000:01:00.2 (xhci_hcd)");
	assert_contains(err_hints(e), "Not in the way: 0000:00:01.0 (pcieport), " BDF
				      " (vfio-pci), 0000:01:00.3 (no driver).");
	assert_contains(err_hints(e), "> /sys/bus/pci/devices/0000:01:00.1/driver/unbind");
	assert_contains(err_hints(e), "> /sys/bus/pci/devices/0000:01:00.2/driver/unbind");
	g_assert_null(strstr(err_hints(e), "0000:00:01.0/driver"));
	g_assert_null(strstr(err_hints(e), "0000:05"));
	err_free(e);
	tree_fini(&t);
}

static void nobody_to_blame(void)
{
	struct tree t;
	struct err *e = NULL;

	tree_init(&t);
	device(&t, BDF, "vfio-pci", 1);
	device(&t, "0000:01:00.1", "pci-stub", 1);
	device(&t, "0000:01:00.2", "mlx5_vfio_pci", 1);
	g_assert_cmpint(sysfs_explain_group(t.root, BDF, 1, &e), ==, -EPERM);
	assert_contains(err_text(e), "blocked by: a driver that sysfs does not show");
	g_clear_pointer(&e, err_free);
	g_assert_cmpint(sysfs_explain_group(t.root, BDF, 99, &e), ==, -EPERM);
	assert_contains(err_text(e), "0 members");
	err_free(e);
	tree_fini(&t);
}

/* --- who holds it --------------------------------------------------------------------------- */

static void holder(void)
{
	g_autofree char *who = NULL, *none = NULL, *gone = NULL;
	struct tree t;

	tree_init(&t);
	make_link(&t, "/proc/self/fd/3", "/dev/vfio/12"); /* not a pid */
	make_link(&t, "/proc/77/fd/0", "/dev/null");
	make_link(&t, "/proc/77/fd/5", "/dev/vfio/123");
	make_link(&t, "/proc/4123/fd/31", "/dev/vfio/12");
	put(&t, "/proc/4123/comm", "qemu-system-x86\n");
	who = procfs_holder(t.root, "/dev/vfio/12");
	g_assert_cmpstr(who, ==, "pid 4123 (qemu-system-x86), fd 31");
	none = procfs_holder(t.root, "/dev/vfio/1");
	g_assert_cmpstr(none, ==, NULL);
	make_link(&t, "/proc/500/fd/9", "/dev/vfio/9"); /* ended in between: no name */
	gone = procfs_holder(t.root, "/dev/vfio/9");
	g_assert_cmpstr(gone, ==, "pid 500 (?), fd 9");
	tree_fini(&t);
}

/* --- config space behind VFIO's back -------------------------------------------------------- */

static void config(void)
{
	uint8_t buf[16];
	struct tree t;

	tree_init(&t);
	g_assert_cmpint(sysfs_config(t.root, BDF, buf, sizeof(buf)), ==, -ENOENT);
	put(&t, "/sys/bus/pci/devices/" BDF "/config", "abcdefgh");
	g_assert_cmpint(sysfs_config(t.root, BDF, buf, sizeof(buf)), ==, 8);
	g_assert_cmpmem(buf, 8, "abcdefgh", 8);
	g_assert_cmpint(sysfs_config(t.root, BDF, buf, 4), ==, 4);
	tree_fini(&t);
}

int main(int argc, char **argv)
{
	vt_test_init(&argc, &argv);
	g_test_add_func("/vfio-sysfs/addresses", addresses);
	g_test_add_func("/vfio-sysfs/no-device", no_device);
	g_test_add_func("/vfio-sysfs/no-group", no_group);
	g_test_add_func("/vfio-sysfs/drivers", drivers);
	g_test_add_func("/vfio-sysfs/not-viable", not_viable);
	g_test_add_func("/vfio-sysfs/nobody-to-blame", nobody_to_blame);
	g_test_add_func("/vfio-sysfs/holder", holder);
	g_test_add_func("/vfio-sysfs/config", config);
	return g_test_run();
}
