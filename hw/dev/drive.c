// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the file behind a disk model.  Called by models, from their own threads but for set-up;
 * never knows a guest.
 */
#include "hw/dev/drive.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

#define ZEROES 65536u /* bytes written at once where the host cannot punch holes */

static int cannot_open(const char *who, const char *file, bool readonly, int e, struct err **errp)
{
	err_set_errno(errp, -e, "%s: open the image %s", who, file);
	if (e == ENOENT)
		err_hint(errp, "Make one: truncate -s 1G '%s'", file);
	else if (readonly)
		err_hint(errp, "Let this user read it: ls -l '%s'", file);
	else if (e == EACCES || e == EPERM || e == EROFS)
		err_hint(errp, "Let this user write it (ls -l '%s'), or say readonly=on.", file);
	else if (e == EISDIR)
		err_hint(errp, "Name a file in it.");
	return -e;
}

static int lock_image(struct drive *dr, const char *who, const char *file, struct err **errp)
{
	if (!flock(dr->fd, (dr->readonly ? LOCK_SH : LOCK_EX) | LOCK_NB) || errno != EWOULDBLOCK)
		return 0; /* a file system without locks is no reason to fail */
	err_set(errp, -EBUSY, "%s: the image %s is in use", who, file);
	err_hint(errp, "'fuser %s' tells by whom; readonly=on for all of them lets them share it.",
		 file);
	return -EBUSY;
}

static int check_size(struct drive *dr, const char *who, const char *file, struct err **errp)
{
	off_t size = lseek(dr->fd, 0, SEEK_END);

	if (size < 0)
		return err_set_errno(errp, -errno, "%s: ask for the size of %s", who, file);
	dr->size = (uint64_t)size;
	if (dr->size && dr->size % DRIVE_SECTOR == 0)
		return 0;
	if (dr->size)
		err_set(errp, -EINVAL,
			"%s: the image %s has %" PRIu64
			" bytes, which is no whole number of blocks of %u",
			who, file, dr->size, DRIVE_SECTOR);
	else
		err_set(errp, -EINVAL, "%s: the image %s is empty", who, file);
	err_hint(errp, "Bring it to a size: truncate -s %s '%s'", dr->size ? "%512" : "1G", file);
	return -EINVAL;
}

static int open_file(struct drive *dr, const char *who, const char *file, struct err **errp)
{
	struct stat st;
	int ret;

	dr->fd = open(file, (dr->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
	if (dr->fd < 0)
		return cannot_open(who, file, dr->readonly, errno, errp);
	if (fstat(dr->fd, &st) < 0)
		return err_set_errno(errp, -errno, "%s: look at the image %s", who, file);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
		err_set(errp, -EINVAL, "%s: the image %s is no file and no block device", who,
			file);
		err_hint(errp, "'file %s' tells what it is.", file);
		return -EINVAL;
	}
	ret = check_size(dr, who, file, errp);
	return ret < 0 ? ret : lock_image(dr, who, file, errp);
}

static int check_bytes(const char *who, uint64_t size, const char *what, struct err **errp)
{
	if (size && size % DRIVE_SECTOR == 0 && size <= INT64_MAX)
		return 0;
	err_set(errp, -EINVAL, "%s: %" PRIu64 " bytes of %s is no size of a drive", who, size,
		what);
	err_hint(errp, "It is a multiple of %u, such as size=64M.", DRIVE_SECTOR);
	return -EINVAL;
}

static int open_null(struct drive *dr, const char *who, uint64_t size, struct err **errp)
{
	dr->null = true;
	dr->size = size ? size : DRIVE_NULL_SIZE;
	return check_bytes(who, dr->size, DRIVE_NULL, errp);
}

static int open_memory(struct drive *dr, const char *who, uint64_t size, struct err **errp)
{
	if (check_bytes(who, size, "memory", errp) < 0)
		return -EINVAL;
	dr->fd = memfd_create("drive", MFD_CLOEXEC);
	if (dr->fd < 0 || ftruncate(dr->fd, (off_t)size) < 0)
		return err_set_errno(errp, -errno, "%s: take %" PRIu64 " bytes of memory", who,
				     size);
	dr->size = size;
	return 0;
}

int drive_open(struct drive *dr, const char *who, const char *file, uint64_t size, bool readonly,
	       struct err **errp)
{
	int ret;

	*dr = (struct drive){.fd = -1, .readonly = readonly};
	if (file && g_str_has_prefix(file, DRIVE_NULL))
		return open_null(dr, who, size, errp);
	if (file && size) {
		err_set(errp, -EINVAL, "%s: the image %s has its own size", who, file);
		err_hint(errp, "Leave size= out, or the file to have memory instead.");
		return -EINVAL;
	}
	ret = file ? open_file(dr, who, file, errp) : open_memory(dr, who, size, errp);
	if (ret < 0)
		drive_close(dr);
	return ret;
}

int drive_share(struct drive *dr, const struct drive *of)
{
	*dr = *of;
	if (of->null)
		return 0;
	dr->fd = fcntl(of->fd, F_DUPFD_CLOEXEC, 3);
	return dr->fd < 0 ? -errno : 0;
}

void drive_close(struct drive *dr)
{
	if (dr->fd >= 0)
		close(dr->fd);
	dr->fd = -1;
}

int drive_read(struct drive *dr, uint64_t off, void *buf, size_t len)
{
	uint8_t *p = buf;

	if (dr->null)
		memset(buf, 0, len);
	while (len && !dr->null) {
		ssize_t n = pread(dr->fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) /* 0: somebody cut the file */
			return n ? -errno : -EIO;
		p += n, off += (size_t)n, len -= (size_t)n;
	}
	return 0;
}

int drive_write(struct drive *dr, uint64_t off, const void *buf, size_t len)
{
	const uint8_t *p = buf;

	while (len && !dr->null) {
		ssize_t n = pwrite(dr->fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		p += n, off += (size_t)n, len -= (size_t)n;
	}
	return 0;
}

static bool punch(struct drive *dr, uint64_t off, uint64_t len)
{
	return !len || dr->null ||
	       !fallocate(dr->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)off,
			  (off_t)len);
}

int drive_zero(struct drive *dr, uint64_t off, uint64_t len)
{
	g_autofree uint8_t *zeroes = NULL;

	if (punch(dr, off, len))
		return 0;
	zeroes = g_malloc0(ZEROES);
	while (len) {
		size_t n = len < ZEROES ? (size_t)len : ZEROES;
		int ret = drive_write(dr, off, zeroes, n);

		if (ret < 0)
			return ret;
		off += n, len -= n;
	}
	return 0;
}

void drive_discard(struct drive *dr, uint64_t off, uint64_t len)
{
	if (!punch(dr, off, len))
		g_debug("discard at 0x%" PRIx64 ": %s", off, g_strerror(errno));
}

int drive_flush(struct drive *dr)
{
	return dr->readonly || dr->null || !fdatasync(dr->fd) ? 0 : -errno;
}
