// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtual functions: an NVMe controller with two of them on an emulated host, from sriov_numvfs to
 * a user's registers and away again.
 */
#include <glib.h>
#include <string.h>

#include "hw/dev/nvme.h"
#include "hw/pci/sriov.h"
#include "vfio/file.h"
#include "vfio/pci/driver.h"

#define PF "0000:01:00.0"
#define VF "0000:01:00.1"
#define CONFIG ((uint64_t)VFIO_PCI_CONFIG_REGION_INDEX << 40)
#define NVME_VS 8

static void write_sysfs(struct host *h, const char *path, const char *text)
{
	g_assert_cmpint(host_sysfs_write(h, path, text, strlen(text)), ==, strlen(text));
}

static struct host *make_host(void)
{
	const struct nvme_conf nvme = {
		.id = "n", .size = 1 << 20, .serial = "s", .max_ioqpairs = 4, .sriov_max_vfs = 2};
	const struct pcie_port_conf rp = {.id = "rp"};
	struct host *h = vfio_host_new(NULL);
	struct pcidev *port = pcie_root_port_new(&rp), *d;

	g_assert_cmpint(pci_nvme_new(&d, &nvme, NULL), ==, 0);
	g_assert_cmpint(pcidev_plug(port, &host_pci(h)->root, 8, NULL), ==, 0);
	g_assert_cmpint(pcidev_plug(d, port->child, 0, NULL), ==, 0);
	g_assert_cmpint(host_scan(h, NULL), ==, 0);
	return h;
}

static uint32_t physical(struct host *h, const char *bdf, unsigned off)
{
	uint32_t v = 0;

	g_assert_cmpint(host_cfg_read(host_find(h, bdf), off, 4, &v), ==, 0);
	return v;
}

static void test_appear(void)
{
	struct host *h = make_host();
	char buf[64];

	g_assert_null(host_find(h, VF));
	write_sysfs(h, "devices/" PF "/sriov_numvfs", "2");
	g_assert_nonnull(host_find(h, VF));
	g_assert_nonnull(host_find(h, "0000:01:00.2"));
	g_assert_cmphex(physical(h, VF, PCI_VENDOR_ID), ==, UINT32_MAX);
	g_assert_cmphex(physical(h, VF, PCI_BASE_ADDRESS_0), ==, 0);
	g_assert_cmpint(host_sysfs_read(h, "devices/" VF "/vendor", buf, sizeof(buf)), >, 0);
	g_assert_cmpstr(buf, ==, "0x1b36\n");
	g_assert_cmpint(host_sysfs_readlink(h, "devices/" VF "/physfn", buf, sizeof(buf)), >, 0);
	g_assert_cmpstr(buf, ==, PF);
	write_sysfs(h, "devices/" PF "/sriov_numvfs", "0");
	g_assert_null(host_find(h, VF));
	write_sysfs(h, "devices/" PF "/sriov_numvfs", "1"); /* the same one again */
	g_assert_nonnull(host_find(h, VF));
	g_assert_cmpint(host_sysfs_write(h, "devices/" PF "/sriov_numvfs", "3", 1), <, 0);
	vfio_host_free(h);
}

static struct vfio_file *open_vf(struct host *h, struct vfio_file **c, struct vfio_file **g)
{
	char id[32];
	g_autofree char *path = NULL;
	int fd;

	g_assert_cmpint(host_sysfs_readlink(h, "devices/" VF "/iommu_group", id, sizeof(id)), >, 0);
	path = g_strdup_printf("/dev/vfio/%s", id);
	g_assert_cmpint(vfio_open(h, "/dev/vfio/vfio", c), ==, 0);
	g_assert_cmpint(vfio_open(h, path, g), ==, 0);
	fd = vfio_fileno(*c);
	g_assert_cmpint(vfio_ioctl(*g, VFIO_GROUP_SET_CONTAINER, &fd), ==, 0);
	g_assert_cmpint(vfio_ioctl(*c, VFIO_SET_IOMMU, (void *)VFIO_TYPE1v2_IOMMU), ==, 0);
	fd = (int)vfio_ioctl(*g, VFIO_GROUP_GET_DEVICE_FD, (void *)VF);
	g_assert_cmpint(fd, >=, 0);
	return vfio_fget(h, fd);
}

static void test_assign(void)
{
	struct host *h = make_host();
	struct vfio_file *c, *g, *d;
	uint32_t v;

	write_sysfs(h, "devices/" PF "/sriov_numvfs", "2");
	write_sysfs(h, "drivers/nvme/unbind", VF);
	write_sysfs(h, "devices/" VF "/driver_override", "vfio-pci");
	write_sysfs(h, "drivers_probe", VF);
	d = open_vf(h, &c, &g);
	g_assert_cmpint(vfio_pread(d, &v, 4, CONFIG), ==, 4);
	g_assert_cmphex(v, ==, 0x00101b36);
	g_assert_cmpint(vfio_pread(d, &v, 4, NVME_VS), ==, 4);
	g_assert_cmphex(v, ==, 0x00010400);
	g_assert_cmpint(vfio_ioctl(d, VFIO_DEVICE_RESET, NULL), ==, 0);
	g_assert_cmpint(vfio_pread(d, &v, 4, NVME_VS), ==, 4);
	g_assert_cmphex(v, ==, 0x00010400);
	/* The PF's reset takes the VFs with it, and its driver's restore brings them back. */
	write_sysfs(h, "devices/" PF "/reset", "1");
	g_assert_cmphex(physical(h, PF, PCI_VENDOR_ID), ==, 0x00101b36);
	g_assert_cmpint(vfio_pread(d, &v, 4, NVME_VS), ==, 4);
	g_assert_cmphex(v, ==, 0x00010400);
	vfio_close(d);
	vfio_close(g);
	vfio_close(c);
	vfio_host_free(h);
}

int main(int argc, char **argv)
{
	int ret;

	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/pci-sriov/appear", test_appear);
	g_test_add_func("/pci-sriov/assign", test_assign);
	ret = g_test_run();
	aspace_thread_leave();
	return ret;
}
