// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the open files of a host: numbers, and which of the three kinds answers.  Called by users of
 * the VFIO API; never knows what an ioctl means.
 */
#include "vfio/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfio/device.h"

/* A number that no other file of the process has: a descriptor of something that does nothing. */
int vfio_file_new(struct host *h, const struct vfio_fops *ops, void *priv, struct vfio_file **out)
{
	struct vfio_file *f;
	int fd = host_step(h);

	if (!fd)
		fd = open("/dev/null", O_PATH | O_CLOEXEC);
	if (fd < 0)
		return fd == -1 ? -errno : fd;
	f = g_new(struct vfio_file, 1);
	*f = (struct vfio_file){ops, h, fd, priv};
	host_lock(h);
	g_hash_table_insert(h->vfio->files, GINT_TO_POINTER(fd), f);
	host_unlock(h);
	*out = f;
	return fd;
}

struct vfio_file *vfio_fget(struct host *h, int fd)
{
	struct vfio_file *f;

	host_lock(h);
	f = fd < 0 ? NULL : g_hash_table_lookup(h->vfio->files, GINT_TO_POINTER(fd));
	host_unlock(h);
	return f;
}

int vfio_fileno(const struct vfio_file *f)
{
	return f->fd;
}

static int open_container(struct host *h, struct vfio_file **out)
{
	struct vfio_container *c = vfio_container_new(h);
	int fd = c ? vfio_file_new(h, &vfio_container_fops, c, out) : -ENOMEM;

	if (fd < 0 && c)
		vfio_container_put(c);
	return fd < 0 ? fd : 0;
}

static int open_group(struct host *h, unsigned id, struct vfio_file **out)
{
	struct vfio_group *g = NULL;
	int ret = -ENOENT;

	host_lock(h);
	for (guint i = 0; i < h->groups->len; i++) {
		struct iommu_group *ig = h->groups->pdata[i];

		if (ig->id == id)
			g = ig->vfio;
	}
	if (g && g->devices->len)
		ret = g->opened ? -EBUSY : 0;
	if (!ret) {
		ret = vfio_file_new(h, &vfio_group_fops, g, out);
		if (ret >= 0) {
			g->opened = true;
			g->holders = 1;
			g->refs++;
			ret = 0;
		}
	}
	host_unlock(h);
	return ret;
}

int vfio_open(struct host *h, const char *path, struct vfio_file **out)
{
	const char *name = g_str_has_prefix(path, "/dev/vfio/") ? path + 10 : NULL;
	unsigned long id;
	char *end;

	if (!name || !*name)
		return -ENOENT;
	if (!strcmp(name, "vfio"))
		return open_container(h, out);
	id = strtoul(name, &end, 10);
	if (*end || !g_ascii_isdigit(*name) || id > UINT32_MAX)
		return -ENOENT;
	return open_group(h, (unsigned)id, out);
}

void vfio_close(struct vfio_file *f)
{
	struct host *h;

	if (!f)
		return;
	h = f->host;
	host_lock(h);
	g_hash_table_remove(h->vfio->files, GINT_TO_POINTER(f->fd));
	host_unlock(h);
	f->ops->release(f);
	close(f->fd);
	g_free(f);
}

long vfio_ioctl(struct vfio_file *f, unsigned long cmd, void *arg)
{
	return f->ops->ioctl(f, cmd, arg);
}

ssize_t vfio_pread(struct vfio_file *f, void *buf, size_t len, uint64_t off)
{
	return f->ops->rw ? f->ops->rw(f, buf, len, off, false) : -EINVAL;
}

ssize_t vfio_pwrite(struct vfio_file *f, const void *buf, size_t len, uint64_t off)
{
	return f->ops->rw ? f->ops->rw(f, (void *)buf, len, off, true) : -EINVAL;
}

int vfio_mmap(struct vfio_file *f, uint64_t off, size_t len, int prot, int flags,
	      struct vfio_vma **out)
{
	return f->ops->mmap ? f->ops->mmap(f, off, len, prot, flags, out) : -ENODEV;
}
