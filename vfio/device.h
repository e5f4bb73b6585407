/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VFIO core: devices that drivers registered, the groups that they are in, containers, and the
 * open files of all three.  Behaviour: Linux 6.1, drivers/vfio/{vfio_main,container}.c.
 *
 * Invariants: all of it is under host.lock, but what a driver does within its ops.  One vfio_group
 * for each IOMMU group that has a registered device or a user; its number is the group's.  A
 * device's
 * `refs` count its registration and its open files; unregistering waits until the files are gone.
 */
#ifndef VFIO_DEVICE_H
#define VFIO_DEVICE_H

#include <glib.h>

#include "vfio/file.h"
#include "vfio/host/private.h"

struct vfio_device;
struct vfio_group;
struct vfio_container;

struct vfio_device_ops {
	const char *name;
	/* 1 = the name is this device, 0 = it is not, or -errno: an argument after it is bad */
	int (*match)(struct vfio_device *d, const char *name);
	int (*open)(struct vfio_device *d);   /* first user */
	void (*close)(struct vfio_device *d); /* last user */
	long (*ioctl)(struct vfio_device *d, unsigned long cmd, void *arg);
	ssize_t (*rw)(struct vfio_device *d, void *buf, size_t len, uint64_t off, bool write);
	int (*mmap)(struct vfio_device *d, uint64_t off, size_t len, int prot, int flags,
		    struct vfio_vma **out);
	void (*request)(struct vfio_device *d, unsigned count); /* the host wants it back */
};

struct vfio_device {
	const struct vfio_device_ops *ops;
	struct host *host;
	struct hostdev *hd;
	struct vfio_group *group;
	unsigned refs, users; /* users: open files and mappings */
	bool registered;
};

/* Registers with the group of its hostdev: -EINVAL without one, -EBUSY if it is in there. */
int vfio_register_device(struct vfio_device *d, struct hostdev *hd,
			 const struct vfio_device_ops *ops);
void vfio_unregister_device(struct vfio_device *d); /* waits for users, asking them */
void vfio_device_get(struct vfio_device *d);
void vfio_device_put(struct vfio_device *d); /* the last user closes it */

struct vfio_group {
	struct host *host;
	struct iommu_group *iommu; /* NULL: its last device is gone */
	unsigned refs;             /* devices and its open file */
	bool opened;               /* by a file, or by files of its devices */
	unsigned holders;          /* the file and its devices' files */
	struct vfio_container *container;
	unsigned container_users;
	GPtrArray *devices; /* of struct vfio_device */
};

/* group.c: finders and makers, as the kernel's; a lost race gives the winner. */
struct vfio_group *vfio_group_get_from_iommu(struct iommu_group *g); /* NULL = none yet */
struct vfio_group *vfio_create_group(struct host *h, struct iommu_group *g);
struct vfio_device *vfio_group_get_device(struct vfio_group *g, struct hostdev *hd);
struct vfio_device *vfio_group_create_device(struct vfio_group *g, struct vfio_device *d);
void vfio_group_put(struct vfio_group *g);
void vfio_group_drop(
	struct vfio_group *g); /* one of its files, or of its devices' files, is gone */

/* container.c */
struct vfio_container *vfio_container_new(struct host *h);
void vfio_container_get(struct vfio_container *c);
void vfio_container_put(struct vfio_container *c);
long vfio_container_ioctl(struct vfio_container *c, unsigned long cmd, void *arg);
int vfio_container_attach(struct vfio_container *c, struct vfio_group *g);
void vfio_container_detach(struct vfio_group *g);
bool vfio_container_ready(const struct vfio_container *c); /* SET_IOMMU was done */

/* type1.c */
struct type1;
bool type1_extension(const struct type1 *t, unsigned long ext);
int type1_open(struct host *h, unsigned long type, struct type1 **out);
void type1_free(struct type1 *t);
int type1_attach(struct type1 *t, struct iommu_group *g);
void type1_detach(struct type1 *t, struct iommu_group *g);
long type1_ioctl(struct type1 *t, unsigned long cmd, void *arg);

/* file.c */
struct vfio_fops {
	const char *name;
	void (*release)(struct vfio_file *f);
	long (*ioctl)(struct vfio_file *f, unsigned long cmd, void *arg);
	ssize_t (*rw)(struct vfio_file *f, void *buf, size_t len, uint64_t off, bool write);
	int (*mmap)(struct vfio_file *f, uint64_t off, size_t len, int prot, int flags,
		    struct vfio_vma **out);
};

struct vfio_file {
	const struct vfio_fops *ops;
	struct host *host;
	int fd;
	void *priv;
};

/* A descriptor number for a new file; -errno. */
int vfio_file_new(struct host *h, const struct vfio_fops *ops, void *priv, struct vfio_file **out);
extern const struct vfio_fops vfio_group_fops, vfio_container_fops, vfio_device_fops;

/* VFIO on this host: started and stopped in one place (pci/driver.c). */
struct vfio_core {
	GHashTable *files; /* fd -> struct vfio_file */
	struct vpci_perms *perms;
	unsigned started; /* steps of vfio_pci_init */
};

#endif
