/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VFIO user API of an emulated host: what open(2), ioctl(2), pread(2), pwrite(2), mmap(2) and
 * close(2) do on /dev/vfio.  The structs and numbers are those of <linux/vfio.h>.
 *
 * Invariants: every function answers as the system call does, failures as -errno.  An open file has
 * a descriptor number of this process, taken from the kernel, so that numbers travel through the
 * API (GROUP_SET_CONTAINER, GROUP_GET_DEVICE_FD, PCI_HOT_RESET) and never meet a foreign one; but
 * only these functions serve it.  A NULL buffer or argument is -EFAULT.  Eventfds that are handed
 * over are duplicated: the caller closes its own as it likes.  Any thread may call; a file may be
 * closed while no call on it is under way.
 */
#ifndef VFIO_FILE_H
#define VFIO_FILE_H

#include <linux/vfio.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct host;
struct vfio_file;
struct vfio_vma;

/* path: /dev/vfio/vfio or /dev/vfio/N.  -ENOENT, -EBUSY, -EMFILE ... */
int vfio_open(struct host *h, const char *path, struct vfio_file **out);
/* Drops the file; the last reference to a device or group lets it go.  NULL is accepted. */
void vfio_close(struct vfio_file *f);
/* The file behind a descriptor number; NULL where it is none of this host's. */
struct vfio_file *vfio_fget(struct host *h, int fd);
int vfio_fileno(const struct vfio_file *f);

long vfio_ioctl(struct vfio_file *f, unsigned long cmd, void *arg);
ssize_t vfio_pread(struct vfio_file *f, void *buf, size_t len, uint64_t off);
ssize_t vfio_pwrite(struct vfio_file *f, const void *buf, size_t len, uint64_t off);

/*
 * A mapping of a device's region.  An emulated device's registers cannot be memory of the process,
 * so accesses go through the two functions; they fail with -EFAULT where the processor would get
 * SIGBUS.  vfio_vma_ptr: the memory itself where the BAR is memory, else NULL; whoever uses it
 * unmaps before memory decode goes off.
 */
int vfio_mmap(struct vfio_file *f, uint64_t off, size_t len, int prot, int flags,
	      struct vfio_vma **out);
void vfio_munmap(struct vfio_vma *v);
int vfio_vma_read(struct vfio_vma *v, uint64_t off, void *buf, size_t len);
int vfio_vma_write(struct vfio_vma *v, uint64_t off, const void *buf, size_t len);
void *vfio_vma_ptr(struct vfio_vma *v);

/* Returns when every unmask eventfd that was written before the call has been acted upon. */
void vfio_virqfd_sync(struct host *h);

#endif
