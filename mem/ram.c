// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the memory file of guest RAM; called by the board; never touches the contents. */
#include "mem/ram.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

#define HUGE_PAGE (2ull << 20)
#define SHMEM_ENABLED "/sys/kernel/mm/transparent_hugepage/shmem_enabled"

/* Does the system give memfds huge pages on request?  The word in brackets is the one in force. */
static bool memfd_gets_huge_pages(void)
{
	g_autofree char *text = NULL;

	return g_file_get_contents(SHMEM_ENABLED, &text, NULL, NULL) && !strstr(text, "[never]") &&
	       !strstr(text, "[deny]");
}

/*
 * Most systems leave huge pages of shared memory off, which costs a page fault and an IOMMU entry
 * for each 4 KiB.  A tmpfs of our own may have them: a mount that is in no namespace and goes with
 * its last descriptor.  Needs CAP_SYS_ADMIN.
 */
static int huge_tmpfs_file(void)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), mnt = -1, fd = -1;

	if (fs < 0)
		return -1;
	if (fsconfig(fs, FSCONFIG_SET_STRING, "huge", "always", 0) == 0 &&
	    fsconfig(fs, FSCONFIG_SET_STRING, "size", "0", 0) == 0 &&
	    fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0700", 0) == 0 &&
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mnt = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (mnt >= 0)
		fd = openat(mnt, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (mnt >= 0)
		close(mnt);
	close(fs);
	return fd;
}

static int memory_file(const char *name, struct err **errp)
{
	int fd = memfd_gets_huge_pages() ? -1 : huge_tmpfs_file();

	if (fd < 0)
		fd = memfd_create(name, MFD_CLOEXEC);
	if (fd < 0)
		return err_set_errno(errp, -errno, "memfd_create for guest memory '%s'", name);
	return fd;
}

/* Huge pages can be mapped as such only where host and file addresses agree modulo their size. */
static void *map_aligned(uint64_t size, int fd)
{
	uint64_t room = size + HUGE_PAGE;
	char *hole =
		mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *at, *end;
	void *map;

	if (room < size || hole == MAP_FAILED)
		return MAP_FAILED;
	at = (char *)(((uintptr_t)hole + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
	end = at + size;
	if (at > hole)
		munmap(hole, (size_t)(at - hole));
	if (hole + room > end)
		munmap(end, (size_t)(hole + room - end));
	map = mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd, 0);
	if (map == MAP_FAILED)
		munmap(at, size);
	return map;
}

int ram_init(struct ram *ram, const char *name, uint64_t size, struct err **errp)
{
	int fd = memory_file(name, errp), ret;
	void *host;

	if (fd < 0)
		return fd;
	if (ftruncate(fd, (off_t)size) < 0) {
		ret = err_set_errno(errp, -errno, "size guest memory '%s' to %" PRIu64 " MiB", name,
				    size >> 20);
		goto out_fd;
	}
	host = map_aligned(size, fd);
	if (host == MAP_FAILED) {
		ret = err_set_errno(errp, -errno, "map %" PRIu64 " MiB of guest memory '%s'",
				    size >> 20, name);
		err_hint(errp, "Give the machine less memory (-m), or raise the address-space "
			       "limit (ulimit -v).");
		goto out_fd;
	}
	madvise(host, size, MADV_HUGEPAGE); /* best effort, as is the next */
	madvise(host, size, MADV_DONTFORK);
	region_init_ram(&ram->region, name, size, host, fd);
	ram->size = size;
	ram->fd = fd;
	return 0;

out_fd:
	close(fd);
	return ret;
}

static int open_path(const char *path, uint64_t size, struct err **errp)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EISDIR)
		fd = open(path, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set_errno(errp, -errno, "open %s for memory", path);
	if (fstat(fd, &st) < 0 || (S_ISREG(st.st_mode) && (uint64_t)st.st_size < size &&
				   ftruncate(fd, (off_t)size) < 0)) {
		int ret = err_set_errno(errp, -errno, "size %s to %" PRIu64 " bytes", path, size);

		close(fd);
		return ret;
	}
	return fd;
}

int ram_init_file(struct ram *ram, const char *name, const char *path, uint64_t size, bool share,
		  struct err **errp)
{
	int fd = open_path(path, size, errp), ret;
	void *host;

	if (fd < 0)
		return fd;
	host = mmap(NULL, size, PROT_READ | PROT_WRITE, share ? MAP_SHARED : MAP_PRIVATE, fd, 0);
	if (host == MAP_FAILED) {
		ret = err_set_errno(errp, -errno, "map %" PRIu64 " bytes of %s", size, path);
		close(fd);
		return ret;
	}
	madvise(host, size, MADV_DONTFORK);
	region_init_ram(&ram->region, name, size, host, share ? fd : -1);
	ram->size = size;
	ram->fd = fd;
	return 0;
}

void ram_fini(struct ram *ram)
{
	if (!ram->region.host)
		return;
	munmap(ram->region.host, ram->size);
	close(ram->fd);
	ram->region.host = NULL;
}
