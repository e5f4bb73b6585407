// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the emulated host as a host that has devices: the same calls, answered by vfio/ in this
 * process.  Called by be_group.c; never knows what is behind a device.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <glib.h>

#include "base/err.h"
#include "hw/vfio/sys.h"
#include "mem/access.h"
#include "vfio/file.h"
#include "vfio/host/host.h"

static int inproc_open(void *opaque, const char *path)
{
	struct vfio_file *f;
	int ret = vfio_open(opaque, path, &f);

	return ret < 0 ? ret : vfio_fileno(f);
}

static void inproc_close(void *opaque, int fd)
{
	vfio_close(vfio_fget(opaque, fd));
}

static int inproc_ioctl(void *opaque, int fd, unsigned long req, void *arg)
{
	struct vfio_file *f = vfio_fget(opaque, fd);

	return f ? (int)vfio_ioctl(f, req, arg) : -EBADF;
}

static ssize_t inproc_pread(void *opaque, int fd, void *buf, size_t len, uint64_t off)
{
	struct vfio_file *f = vfio_fget(opaque, fd);

	return f ? vfio_pread(f, buf, len, off) : -EBADF;
}

static ssize_t inproc_pwrite(void *opaque, int fd, const void *buf, size_t len, uint64_t off)
{
	struct vfio_file *f = vfio_fget(opaque, fd);

	return f ? vfio_pwrite(f, buf, len, off) : -EBADF;
}

/* Registers of an emulated device trap; only a BAR that is memory can be shown as such. */
static bool inproc_mappable(void *opaque, int fd, uint64_t off)
{
	struct vfio_vma *m;
	bool ok;

	if (vfio_mmap(vfio_fget(opaque, fd), off, 1, PROT_READ, MAP_SHARED, &m) < 0)
		return false;
	ok = vfio_vma_ptr(m) != NULL;
	vfio_munmap(m);
	return ok;
}

/* The memory stays the model's: what the caller unmaps is a second mapping of it, if it can be. */
static void *inproc_map(void *opaque, int fd, uint64_t off, size_t len, bool write)
{
	struct vfio_vma *m;
	void *p;
	int ret = vfio_mmap(vfio_fget(opaque, fd), off, len, PROT_READ, MAP_SHARED, &m);

	if (ret < 0) {
		errno = -ret;
		return MAP_FAILED;
	}
	p = vfio_vma_ptr(m);
	/* An old size of 0 makes a second mapping of shared memory. */
	p = p ? mremap(p, 0, len, MREMAP_MAYMOVE) : MAP_FAILED;
	vfio_munmap(m);
	return p;
}

static int inproc_group_of(void *opaque, const char *bdf)
{
	g_autofree char *path = g_strdup_printf("devices/%s/iommu_group", bdf);
	char buf[32];

	return host_sysfs_readlink(opaque, path, buf, sizeof(buf)) < 0 ? -ENOENT : atoi(buf);
}

static ssize_t inproc_config(void *opaque, const char *bdf, uint8_t *buf, size_t len)
{
	struct hostdev *d = host_find(opaque, bdf);
	size_t n = 0;
	uint32_t val;

	for (; d && n + 4 <= len && host_cfg_read(d, (unsigned)n, 4, &val) == 0; n += 4)
		le_store(buf + n, val, 4);
	return n ? (ssize_t)n : -ENOENT;
}

static char *driver_of(struct host *h, const char *bdf)
{
	g_autofree char *path = g_strdup_printf("devices/%s/driver", bdf);
	char buf[64];

	return host_sysfs_readlink(h, path, buf, sizeof(buf)) < 0 ? NULL : g_strdup(buf);
}

static int inproc_check(void *opaque, const char *bdf, struct err **errp)
{
	g_autofree char *driver = NULL;

	if (!host_find(opaque, bdf))
		return err_set(errp, -ENODEV, "the emulated host has no device %s", bdf);
	driver = driver_of(opaque, bdf);
	if (driver && !strcmp(driver, "vfio-pci"))
		return 0;
	err_set(errp, -EBUSY, "%s of the emulated host is bound to %s", bdf,
		driver ? driver : "no driver");
	err_hint(errp, "Add driver=vfio-pci to its -host-device, or write its id to vfio-pci: "
		       "-host-sysfs drivers/vfio-pci/new_id=VENDOR:DEVICE with a space between.");
	return -EBUSY;
}

static int inproc_explain_group(void *opaque, const char *bdf, int group, struct err **errp)
{
	g_autofree char *path = g_strdup_printf("/sys/kernel/iommu_groups/%d/devices", group);
	g_auto(GStrv) member = host_sysfs_list(opaque, path);
	g_autoptr(GString) who = g_string_new(NULL);

	for (char **m = member; *m; m++) {
		g_autofree char *driver = driver_of(opaque, *m);

		if (driver && strcmp(driver, "vfio-pci") && strcmp(driver, "pcieport") &&
		    strcmp(driver, "pci-stub"))
			g_string_append_printf(who, "%s%s (%s)", who->len ? ", " : "", *m, driver);
	}
	err_set(errp, -EPERM, "group %d of %s is not viable: held on the emulated host by %s",
		group, bdf, who->len ? who->str : "another user");
	err_hint(errp, "Give every function of the group driver=vfio-pci.");
	return -EPERM;
}

static int inproc_explain_open(void *opaque, const char *path, int ret, struct err **errp)
{
	return err_set_errno(errp, ret, "open %s on the emulated host", path);
}

struct vfio_sys *vfio_sys_inproc_new(struct host *h)
{
	struct vfio_sys *s = g_new(struct vfio_sys, 1);

	*s = (struct vfio_sys){
		.name = "inproc",
		.opaque = h,
		.open = inproc_open,
		.close = inproc_close,
		.ioctl = inproc_ioctl,
		.pread = inproc_pread,
		.pwrite = inproc_pwrite,
		.map = inproc_map,
		.mappable = inproc_mappable,
		.check = inproc_check,
		.group_of = inproc_group_of,
		.config = inproc_config,
		.explain_group = inproc_explain_group,
		.explain_open = inproc_explain_open,
	};
	return s;
}

void vfio_sys_inproc_free(struct vfio_sys *s)
{
	g_free(s);
}
