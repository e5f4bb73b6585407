/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest RAM: one memory file (memfd, or the same on a tmpfs with huge pages, or a file of the
 * user's), mapped shared, never copied.
 *
 * Invariants: pages are allocated by first touch; the descriptor stays open so that the memory can
 * be shared with another process (vfio-user) and mapped again elsewhere.
 */
#ifndef MEM_RAM_H
#define MEM_RAM_H

#include <stdint.h>

#include "mem/region.h"

struct err;

struct ram {
	struct region region;
	uint64_t size;
	int fd;
};

/* size: bytes, a multiple of the host's page size.  -ENOMEM and others with the facts. */
int ram_init(struct ram *ram, const char *name, uint64_t size, struct err **errp);
/*
 * The same in a file that keeps its contents, made and lengthened where it must be; a folder (of
 * hugetlbfs, say): in a file without a name there.  share false: what is written stays in this
 * process, and the region has no descriptor.
 */
int ram_init_file(struct ram *ram, const char *name, const char *path, uint64_t size, bool share,
		  struct err **errp);
void ram_fini(struct ram *ram); /* after the region was unmapped; a zeroed struct is accepted */

#endif
