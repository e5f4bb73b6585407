// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the memfd of guest RAM; called by the board; never touches the contents. */
#include "mem/ram.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"

int ram_init(struct ram *ram, const char *name, uint64_t size, struct err **errp)
{
	void *host;
	int fd, ret;

	fd = memfd_create(name, MFD_CLOEXEC);
	if (fd < 0)
		return err_set_errno(errp, -errno, "memfd_create for guest memory '%s'", name);
	if (ftruncate(fd, (off_t)size) < 0) {
		ret = err_set_errno(errp, -errno, "size guest memory '%s' to %" PRIu64 " MiB", name,
				    size >> 20);
		goto out_fd;
	}
	host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (host == MAP_FAILED) {
		ret = err_set_errno(errp, -errno, "map %" PRIu64 " MiB of guest memory '%s'",
				    size >> 20, name);
		err_hint(errp, "Give the machine less memory (-m), or raise the address-space "
			       "limit (ulimit -v).");
		goto out_fd;
	}
	madvise(host, size, MADV_HUGEPAGE); /* best effort: fewer DMA entries, fewer faults */
	madvise(host, size, MADV_DONTFORK);
	region_init_ram(&ram->region, name, size, host, fd);
	ram->size = size;
	ram->fd = fd;
	return 0;

out_fd:
	close(fd);
	return ret;
}

void ram_fini(struct ram *ram)
{
	if (!ram->region.host)
		return;
	munmap(ram->region.host, ram->size);
	close(ram->fd);
	ram->region.host = NULL;
}
