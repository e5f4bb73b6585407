// SPDX-License-Identifier: GPL-2.0-or-later
/* The emulated host as the command line describes it: places, drivers, whole dumps. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
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

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/hostdevs/nothing", nothing);
	g_test_add_func("/hostdevs/devices", devices);
	g_test_add_func("/hostdevs/refused", refused);
	g_test_add_func("/hostdevs/dumps", dumps);
	return g_test_run();
}
