/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address spaces: guest memory, I/O ports, a device's view for DMA.
 *
 * Invariants: the current map is an immutable, sorted array of non-overlapping ranges, published by
 * one pointer store and read without a lock (RCU); readers are any threads.  Changes are serialised
 * by the space's own lock, which is taken last but for the leaf locks of accelerators and VFIO
 * containers. Listeners are told the difference between two maps, deletions first, under that lock.
 * Reads where nothing is mapped give ones, writes there are dropped.
 */
#ifndef MEM_ASPACE_H
#define MEM_ASPACE_H

#include <stddef.h>

#include "mem/region.h"

struct aspace;

/* One range of a published map; last is inclusive, so a range may end at 2^64 - 1. */
struct mrange {
	uint64_t start, last;
	struct region *region;
	uint64_t off; /* of `start` in the region */
};

struct mmapping; /* a region placed in an address space */

struct aspace_listener {
	/* A range appeared or went.  Both are called between begin and end. */
	void (*add)(struct aspace_listener *l, const struct mrange *r);
	void (*del)(struct aspace_listener *l, const struct mrange *r);
	void (*begin)(struct aspace_listener *l); /* may be NULL */
	void (*end)(struct aspace_listener *l);   /* may be NULL */
	struct aspace_listener *next;
};

/* size: bytes the space has, 0 = 2^64. */
struct aspace *aspace_new(const char *name, uint64_t size);
void aspace_free(struct aspace *as);

/*
 * Place [off, off + size) of a region at addr.  prio: the higher one is seen where two overlap; the
 * later one among equals.  Published at once unless within aspace_begin .. aspace_commit, which
 * nest.
 */
struct mmapping *aspace_map(struct aspace *as, struct region *r, uint64_t addr, uint64_t off,
			    uint64_t size, int prio);
void aspace_unmap(struct aspace *as, struct mmapping *m); /* NULL is accepted */
void aspace_begin(struct aspace *as);
void aspace_commit(struct aspace *as);

/* Wait until no reader can hold an older map.  Never from within region ops. */
void aspace_sync(void);

/* The current map is replayed to a new listener as additions, to a leaving one as deletions. */
void aspace_listen(struct aspace *as, struct aspace_listener *l);
void aspace_unlisten(struct aspace *as, struct aspace_listener *l);

/*
 * Access of len bytes (1, 2, 4, 8; _rw: any) at addr, of any alignment, little endian.
 * aspace_rw_* return false where some byte was not backed by anything.
 */
uint64_t aspace_read(struct aspace *as, uint64_t addr, unsigned len);
void aspace_write(struct aspace *as, uint64_t addr, uint64_t val, unsigned len);
bool aspace_read_buf(struct aspace *as, uint64_t addr, void *buf, size_t len);
bool aspace_write_buf(struct aspace *as, uint64_t addr, const void *buf, size_t len);

/*
 * A direct pointer to RAM at addr, with *len cut to what is contiguous; NULL where it is not RAM.
 * Valid while the region stays mapped: for system RAM, the life of the machine.
 */
void *aspace_ptr(struct aspace *as, uint64_t addr, uint64_t *len, bool write);

/*
 * How many bytes from addr on, at most len (1 or more), are alike: all backed, or none.
 */
uint64_t aspace_span(struct aspace *as, uint64_t addr, uint64_t len, bool *backed);

/* Is that the memory of a device (a mapped BAR), where the width of an access matters? */
bool aspace_is_device(struct aspace *as, uint64_t addr);

/* Every thread that reads address spaces calls these at its start and end. */
void aspace_thread_enter(void);
void aspace_thread_leave(void);

/* Call fn for each range of the current map, in order. */
void aspace_foreach(struct aspace *as, void (*fn)(void *opaque, const struct mrange *r),
		    void *opaque);

#endif
