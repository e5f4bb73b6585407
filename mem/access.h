/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One access to one region: widths and alignment are brought to what its ops take.
 * Used by mem/aspace.c, and by whoever holds a region that is not mapped (tests, trap windows).
 */
#ifndef MEM_ACCESS_H
#define MEM_ACCESS_H

#include "mem/region.h"

/* off + len <= r->size; len 1..8, any alignment. */
uint64_t region_read(struct region *r, uint64_t off, unsigned len);
void region_write(struct region *r, uint64_t off, uint64_t val, unsigned len);

/* Little-endian load and store of 1..8 bytes; 1, 2, 4 and 8 are one access each when aligned. */
uint64_t le_load(const void *p, unsigned len);
void le_store(void *p, uint64_t val, unsigned len);

#endif
