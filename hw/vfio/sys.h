/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host that has devices to give: its system calls and what it knows of its devices.  Two of them:
 * Linux (sys_linux.c) and an emulated host in this process (sys_inproc.c).
 *
 * Invariants: functions answer as the system calls do, failures as -errno; the struct outlives
 * everything that was opened through it.
 */
#ifndef HW_VFIO_SYS_H
#define HW_VFIO_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct host;
struct vfio_ctx;
struct vfio_dev;

struct vfio_sys {
	const char *name;
	bool in_kernel; /* descriptors are the kernel's: other parts of it may be given them */
	void *opaque;
	int (*open)(void *opaque, const char *path);
	void (*close)(void *opaque, int fd);
	int (*ioctl)(void *opaque, int fd, unsigned long req, void *arg);
	ssize_t (*pread)(void *opaque, int fd, void *buf, size_t len, uint64_t off);
	ssize_t (*pwrite)(void *opaque, int fd, const void *buf, size_t len, uint64_t off);
	/* MAP_FAILED and errno */
	void *(*map)(void *opaque, int fd, uint64_t off, size_t len, bool write);
	/* Is the region that starts at off memory? NULL = whatever says so is. */
	bool (*mappable)(void *opaque, int fd, uint64_t off);
	/* May bdf be assigned?  Else an error with the culprit and the next command. */
	int (*check)(void *opaque, const char *bdf, struct err **errp);
	int (*group_of)(void *opaque, const char *bdf);
	/* Config space behind VFIO's back: bytes that came, or -errno. */
	ssize_t (*config)(void *opaque, const char *bdf, uint8_t *buf, size_t len);
	/* Why the group is not viable, or its node could not be opened; they return the error. */
	int (*explain_group)(void *opaque, const char *bdf, int group, struct err **errp);
	int (*explain_open)(void *opaque, const char *path, int ret, struct err **errp);
};

extern const struct vfio_sys vfio_sys_linux;

/* The emulated host; freed by the caller with vfio_sys_inproc_free. */
struct vfio_sys *vfio_sys_inproc_new(struct host *h);
void vfio_sys_inproc_free(struct vfio_sys *s);

/* bdf: as 0000:01:00.0. */
int vfio_sys_open_dev(struct vfio_dev **out, struct vfio_ctx *ctx, const struct vfio_sys *sys,
		      const char *bdf, struct err **errp);

#endif
