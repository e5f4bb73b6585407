/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Regions: what an address range does.
 *
 * Invariants: a region does not know where it is mapped; its ops get offsets from its own start.
 * A region is of one kind: I/O (ops), RAM (host pointer), ROM (host pointer for reads, ops for
 * writes, if any), or a plain container.  A region may hold sub-regions, which lie on top of it.
 * An access that reaches ops is of a size in [ops->min, ops->max] and, unless ops->unaligned,
 * aligned to its size: the address space splits or widens what the guest did. The owner keeps a
 * region alive until aspace_sync() has returned after it was unmapped.
 */
#ifndef MEM_REGION_H
#define MEM_REGION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct region_ops {
	/* off: bytes from the region's start; len: 1, 2, 4 or 8. */
	uint64_t (*read)(void *opaque, uint64_t off, unsigned len);
	void (*write)(void *opaque, uint64_t off, uint64_t val, unsigned len);
	uint8_t min, max; /* access sizes the functions take; 0 = 1 and 8 */
	bool unaligned;   /* they take any alignment, too */
};

enum region_kind { REGION_IO, REGION_RAM, REGION_ROM, REGION_CONTAINER };

struct region {
	const char *name; /* owned by the region's owner */
	enum region_kind kind;
	uint64_t size;
	const struct region_ops *ops;
	void *opaque;
	pthread_mutex_t
		*lock; /* held around ops by the address space; NULL = ops lock for themselves */
	uint8_t *host; /* RAM, ROM */
	int fd;        /* RAM: memfd behind it, or -1 */
	bool device;   /* RAM that is a device's (a mapped BAR), not system memory */
	bool disabled; /* as a sub-region: not shown now */
	uint64_t off;  /* as a sub-region: offset in its parent */
	struct region *subs; /* first sub-region; later ones lie above earlier ones */
	struct region *next;
};

void region_init_io(struct region *r, const char *name, uint64_t size, const struct region_ops *ops,
		    void *opaque);
void region_init_ram(struct region *r, const char *name, uint64_t size, void *host, int fd);
void region_init_container(struct region *r, const char *name, uint64_t size);

/* Put sub on top of parent at off; it is clipped to the parent.  Call before mapping or commit
 * after. */
void region_add_sub(struct region *parent, struct region *sub, uint64_t off);
void region_del_sub(struct region *parent, struct region *sub);

#endif
