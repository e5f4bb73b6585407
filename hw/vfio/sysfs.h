/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Linux's sysfs and procfs say about a PCI device, its driver, its group and who holds it.
 *
 * Invariants: reads only.  root is put in front of every path ("" on a real machine), so that a
 * made-up tree can be asked in tests.  Strings returned are the caller's (g_free).
 */
#ifndef HW_VFIO_SYSFS_H
#define HW_VFIO_SYSFS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

/* "0000:01:00.0" from "01:00.0", "0000:01:00.0" and the like; NULL and *errp where it is none. */
char *bdf_parse(const char *text, struct err **errp);

bool sysfs_has_device(const char *root, const char *bdf);
char *sysfs_driver(const char *root, const char *bdf); /* NULL = no driver */
int sysfs_group(const char *root, const char *bdf);    /* number, or -ENOENT */
char *sysfs_name(const char *root, const char *bdf);   /* "8086:10d3, class 0200" */
/* The device's own config space: bytes that came (64 where this is not root), or -errno. */
ssize_t sysfs_config(const char *root, const char *bdf, uint8_t *buf, size_t len);

/*
 * -ENODEV, -ENOENT, -EPERM... with the reason and the commands where bdf cannot be assigned at
 * all.
 */
int sysfs_check_assignable(const char *root, const char *bdf, struct err **errp);
/* Fill *errp with the group's members and the culprits: the group is not viable. */
int sysfs_explain_group(const char *root, const char *bdf, int group, struct err **errp);
/* "pid 4123 (qemu-system-x86), fd 31" of who has path open; NULL = nobody found. */
char *procfs_holder(const char *root, const char *path);

#endif
