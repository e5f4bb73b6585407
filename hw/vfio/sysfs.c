// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the reading of the host's sysfs and procfs; called by the Linux backends for facts and
 * messages; changes nothing.
 */
#include "hw/vfio/sysfs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

char *bdf_parse(const char *text, struct err **errp)
{
	unsigned dom = 0, bus = 256, slot = 0, fn = 0;
	int end = 0;

	/* sscanf alone would take signs and spaces; VMD has domains of five digits. */
	if (text[strspn(text, "0123456789abcdefABCDEF:.")])
		bus = 256;
	else if (sscanf(text, "%6x:%2x:%2x.%1o%n", &dom, &bus, &slot, &fn, &end) != 4 ||
		 text[end]) {
		dom = 0;
		if (sscanf(text, "%2x:%2x.%1o%n", &bus, &slot, &fn, &end) != 3 || text[end])
			bus = 256;
	}
	if (bus > 255 || slot > 31) {
		err_set(errp, -EINVAL, "host=%s is not a PCI address", text);
		err_hint(errp,
			 "Write [domain:]bus:slot.function in hexadecimal, such as 0000:01:00.0.");
		return NULL;
	}
	return g_strdup_printf("%04x:%02x:%02x.%o", dom, bus, slot, fn);
}

static char *dev_path(const char *root, const char *bdf, const char *file)
{
	return g_strdup_printf("%s/sys/bus/pci/devices/%s%s%s", root, bdf, file ? "/" : "",
			       file ? file : "");
}

static char *link_base(const char *path)
{
	char buf[4096];
	ssize_t n = readlink(path, buf, sizeof(buf) - 1);

	if (n < 0)
		return NULL;
	buf[n] = 0;
	return g_path_get_basename(buf);
}

bool sysfs_has_device(const char *root, const char *bdf)
{
	g_autofree char *path = dev_path(root, bdf, NULL);

	return access(path, F_OK) == 0;
}

char *sysfs_driver(const char *root, const char *bdf)
{
	g_autofree char *path = dev_path(root, bdf, "driver");

	return link_base(path);
}

int sysfs_group(const char *root, const char *bdf)
{
	g_autofree char *path = dev_path(root, bdf, "iommu_group");
	g_autofree char *base = link_base(path);

	return base ? atoi(base) : -ENOENT;
}

static unsigned read_hex(const char *root, const char *bdf, const char *file)
{
	g_autofree char *path = dev_path(root, bdf, file);
	g_autofree char *text = NULL;

	return g_file_get_contents(path, &text, NULL, NULL) ? (unsigned)strtoul(text, NULL, 16) : 0;
}

char *sysfs_name(const char *root, const char *bdf)
{
	return g_strdup_printf("%04x:%04x, class %04x", read_hex(root, bdf, "vendor"),
			       read_hex(root, bdf, "device"), read_hex(root, bdf, "class") >> 8);
}

ssize_t sysfs_config(const char *root, const char *bdf, uint8_t *buf, size_t len)
{
	g_autofree char *path = dev_path(root, bdf, "config");
	g_autofree char *all = NULL;
	gsize n;

	if (!g_file_get_contents(path, &all, &n, NULL))
		return -ENOENT;
	n = MIN(n, len);
	memcpy(buf, all, n);
	return (ssize_t)n;
}

static void hint_bind(const char *bdf, const char *driver, struct err **errp)
{
	err_hint(errp, "Give it to vfio-pci, as root:");
	err_hint(errp, "  modprobe vfio-pci");
	if (driver)
		err_hint(errp, "  echo %s > /sys/bus/pci/devices/%s/driver/unbind", bdf, bdf);
	err_hint(errp, "  echo vfio-pci > /sys/bus/pci/devices/%s/driver_override", bdf);
	err_hint(errp, "  echo %s > /sys/bus/pci/drivers_probe", bdf);
}

static bool dir_has_entries(const char *root, const char *path)
{
	g_autofree char *full = g_strconcat(root, path, NULL);
	g_autoptr(GDir) dir = g_dir_open(full, 0, NULL);

	return dir && g_dir_read_name(dir);
}

static bool file_exists(const char *root, const char *path)
{
	g_autofree char *full = g_strconcat(root, path, NULL);

	return access(full, F_OK) == 0;
}

/* No iommu_group: firmware, kernel command line, or the device itself? */
static int explain_no_group(const char *root, const char *bdf, struct err **errp)
{
	bool table = file_exists(root, "/sys/firmware/acpi/tables/DMAR") ||
		     file_exists(root, "/sys/firmware/acpi/tables/IVRS");
	g_autofree char *path = g_strconcat(root, "/proc/cmdline", NULL);
	g_autofree char *cmdline = NULL;

	err_set(errp, -ENOENT, "%s is in no IOMMU group, so it cannot be assigned safely", bdf);
	if (dir_has_entries(root, "/sys/class/iommu"))
		err_hint(errp,
			 "The host has an IOMMU that is on, but this device is not behind it.");
	else if (!table)
		err_hint(
			errp,
			"The firmware describes no IOMMU (no DMAR or IVRS table): turn on VT-d, AMD-Vi or "
			"\"IOMMU\" in its setup.");
	else if (g_file_get_contents(path, &cmdline, NULL, NULL))
		err_hint(
			errp,
			"The firmware has an IOMMU but Linux does not use it: boot with intel_iommu=on (Intel) "
			"or without amd_iommu=off (AMD).  The command line is: %s",
			g_strchomp(cmdline));
	return -ENOENT;
}

/* vfio-pci and its variants: mlx5_vfio_pci, nvgrace-gpu-vfio-pci, ... */
static bool is_vfio(const char *driver)
{
	return strstr(driver, "vfio");
}

int sysfs_check_assignable(const char *root, const char *bdf, struct err **errp)
{
	g_autofree char *driver = NULL, *name = NULL;

	if (!sysfs_has_device(root, bdf)) {
		err_set(errp, -ENODEV, "no such PCI device on this host");
		err_hint(errp, "'lspci -D' lists the addresses of all devices.");
		return -ENODEV;
	}
	if (sysfs_group(root, bdf) < 0)
		return explain_no_group(root, bdf, errp);
	driver = sysfs_driver(root, bdf);
	if (driver && is_vfio(driver))
		return 0;
	name = sysfs_name(root, bdf);
	if (driver)
		err_set(errp, -EPERM, "%s (%s) is bound to the host's driver %s, not to vfio-pci",
			bdf, name, driver);
	else
		err_set(errp, -EPERM, "%s (%s) is bound to no driver; vfio-pci must have it", bdf,
			name);
	hint_bind(bdf, driver, errp);
	return -EPERM;
}

/* Drivers that do no DMA on their own account, as the kernel's VFIO sees it. */
static bool driver_is_harmless(const char *driver)
{
	return !driver || is_vfio(driver) || !strcmp(driver, "pci-stub") ||
	       !strcmp(driver, "pcieport") || !strcmp(driver, "pci-pf-stub");
}

static gint by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static GPtrArray *group_members(const char *root, int group)
{
	g_autofree char *path =
		g_strdup_printf("%s/sys/kernel/iommu_groups/%d/devices", root, group);
	GPtrArray *members = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir)))
		g_ptr_array_add(members, g_strdup(name));
	g_ptr_array_sort(members, by_name);
	return members;
}

int sysfs_explain_group(const char *root, const char *bdf, int group, struct err **errp)
{
	g_autoptr(GPtrArray) members = group_members(root, group);
	g_autoptr(GString) bad = g_string_new(NULL), fine = g_string_new(NULL);

	for (guint i = 0; i < members->len; i++) {
		const char *m = members->pdata[i];
		g_autofree char *driver = sysfs_driver(root, m);
		GString *s = driver_is_harmless(driver) ? fine : bad;

		g_string_append_printf(s, "%s%s (%s)", s->len ? ", " : "", m,
				       driver ? driver : "no driver");
	}
	err_set(errp, -EPERM, "%s: group %d is not viable. It has %u members; blocked by: %s", bdf,
		group, members->len, bad->len ? bad->str : "a driver that sysfs does not show");
	if (fine->len)
		err_hint(errp, "Not in the way: %s.", fine->str);
	err_hint(
		errp,
		"All devices of a group share one IOMMU domain, so the host may use none of them.");
	for (guint i = 0; i < members->len; i++) {
		g_autofree char *driver = sysfs_driver(root, members->pdata[i]);

		if (!driver_is_harmless(driver))
			hint_bind(members->pdata[i], driver, errp);
	}
	return -EPERM;
}

static char *holder_in(const char *root, const char *pid, const char *path)
{
	g_autofree char *fds = g_strdup_printf("%s/proc/%s/fd", root, pid);
	g_autofree char *comm_path = g_strdup_printf("%s/proc/%s/comm", root, pid);
	g_autoptr(GDir) dir = g_dir_open(fds, 0, NULL);
	const char *fd;

	while (dir && (fd = g_dir_read_name(dir))) {
		g_autofree char *link = g_strdup_printf("%s/%s", fds, fd);
		g_autofree char *comm = NULL;
		char target[4096];
		ssize_t n = readlink(link, target, sizeof(target) - 1);

		if (n < 0)
			continue;
		target[n] = 0;
		if (strcmp(target, path))
			continue;
		if (g_file_get_contents(comm_path, &comm, NULL, NULL))
			g_strchomp(comm);
		return g_strdup_printf("pid %s (%s), fd %s", pid, comm ? comm : "?", fd);
	}
	return NULL;
}

char *procfs_holder(const char *root, const char *path)
{
	g_autofree char *proc = g_strconcat(root, "/proc", NULL);
	g_autoptr(GDir) dir = g_dir_open(proc, 0, NULL);
	const char *pid;

	while (dir && (pid = g_dir_read_name(dir))) {
		char *holder = g_ascii_isdigit(pid[0]) ? holder_in(root, pid, path) : NULL;

		if (holder)
			return holder;
	}
	return NULL;
}
