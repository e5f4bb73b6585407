/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a disk model keeps its blocks in: an image file, a block device, memory, or nothing.
 *
 * Invariants: the size is a multiple of 512 bytes and stays as it was when opened.  Offsets and
 * lengths are the caller's to check against it.  An image is locked against writers in other
 * processes, and against readers if it is written.  All calls but open and close: any thread.
 */
#ifndef HW_DEV_DRIVE_H
#define HW_DEV_DRIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DRIVE_SECTOR 512u

struct err;

/* In place of a path: reads zeroes, keeps nothing. */
#define DRIVE_NULL "null-co://"
#define DRIVE_NULL_SIZE (1ull << 30)

struct drive {
	int fd; /* -1 = not open */
	uint64_t size;
	bool readonly;
	bool null; /* there is nothing behind it, and no fd */
};

/*
 * who: the device, for messages.  file: path of the image, or NULL for zeroed memory of size bytes,
 * which is taken from the host as it is written.  size: 0 with an image; of DRIVE_NULL, 0 =
 * DRIVE_NULL_SIZE.
 * -EINVAL for a size that cannot be, -EBUSY for an image in use, or the errno of the system call;
 * the message has the path and what to do.
 */
int drive_open(struct drive *dr, const char *who, const char *file, uint64_t size, bool readonly,
	       struct err **errp);
int drive_share(struct drive *dr, const struct drive *of); /* the same blocks; 0 or -errno */
void drive_close(struct drive *dr);

/* All of it, or -errno. */
int drive_read(struct drive *dr, uint64_t off, void *buf, size_t len);
int drive_write(struct drive *dr, uint64_t off, const void *buf, size_t len);
int drive_zero(struct drive *dr, uint64_t off, uint64_t len); /* reads zeroes from now on */
/* Gives the space back where the host can: the range reads zeroes then, or what it did. */
void drive_discard(struct drive *dr, uint64_t off, uint64_t len);
int drive_flush(struct drive *dr); /* what was written survives the host's crash */

#endif
