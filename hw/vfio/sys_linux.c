// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns Linux as a host that has devices: system calls, and the messages that need its facts. */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include "base/err.h"
#include "hw/vfio/sys.h"
#include "hw/vfio/sysfs.h"

static int linux_open(void *opaque, const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static void linux_close(void *opaque, int fd)
{
	close(fd);
}

static int linux_ioctl(void *opaque, int fd, unsigned long req, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, req, arg);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

static ssize_t linux_pread(void *opaque, int fd, void *buf, size_t len, uint64_t off)
{
	ssize_t n = pread(fd, buf, len, (off_t)off);

	return n < 0 ? -errno : n;
}

static ssize_t linux_pwrite(void *opaque, int fd, const void *buf, size_t len, uint64_t off)
{
	ssize_t n = pwrite(fd, buf, len, (off_t)off);

	return n < 0 ? -errno : n;
}

static void *linux_map(void *opaque, int fd, uint64_t off, size_t len, bool write)
{
	return mmap(NULL, len, PROT_READ | (write ? PROT_WRITE : 0), MAP_SHARED, fd, (off_t)off);
}

static int linux_check(void *opaque, const char *bdf, struct err **errp)
{
	return sysfs_check_assignable("", bdf, errp);
}

static int linux_group_of(void *opaque, const char *bdf)
{
	return sysfs_group("", bdf);
}

static ssize_t linux_config(void *opaque, const char *bdf, uint8_t *buf, size_t len)
{
	return sysfs_config("", bdf, buf, len);
}

static int linux_explain_group(void *opaque, const char *bdf, int group, struct err **errp)
{
	return sysfs_explain_group("", bdf, group, errp);
}

static int linux_explain_open(void *opaque, const char *path, int ret, struct err **errp)
{
	g_autofree char *holder = ret == -EBUSY ? procfs_holder("", path) : NULL;

	err_set_errno(errp, ret, "open %s", path);
	if (holder)
		err_hint(errp, "It is held by %s.", holder);
	else if (ret == -EBUSY)
		err_hint(errp,
			 "Another process (perhaps of another user) holds it: 'fuser -v %s' as "
			 "root tells.",
			 path);
	else if (ret == -EACCES)
		err_hint(errp,
			 "You are uid %d: 'sudo chown %d %s', or a udev rule for the group's "
			 "owner.",
			 (int)getuid(), (int)getuid(), path);
	else if (ret == -ENOENT)
		err_hint(errp,
			 "The group has a VFIO driver but no node: in a container, pass %s in; "
			 "else udev or devtmpfs should have made it.",
			 path);
	else if (ret == -EPERM)
		err_hint(errp, "A device cgroup or the kernel's lockdown forbids it.");
	return ret;
}

const struct vfio_sys vfio_sys_linux = {
	.name = "group",
	.in_kernel = true,
	.open = linux_open,
	.close = linux_close,
	.ioctl = linux_ioctl,
	.pread = linux_pread,
	.pwrite = linux_pwrite,
	.map = linux_map,
	.check = linux_check,
	.group_of = linux_group_of,
	.config = linux_config,
	.explain_group = linux_explain_group,
	.explain_open = linux_explain_open,
};
