// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the rules of access width and alignment; called by the address space; never decides what an
 * address means.
 */
#include "mem/access.h"

#include <stddef.h>

/* Unaligned, alias everything: the bytes are whatever the owner of the memory says. */
typedef uint16_t __attribute__((aligned(1), may_alias)) u16_any;
typedef uint32_t __attribute__((aligned(1), may_alias)) u32_any;
typedef uint64_t __attribute__((aligned(1), may_alias)) u64_any;

/* Single loads and stores, because the bytes may be a device's. */
uint64_t le_load(const void *p, unsigned len)
{
	uint64_t v = 0;

	switch (len) {
	case 1:
		return *(const volatile uint8_t *)p;
	case 2:
		return *(const volatile u16_any *)p;
	case 4:
		return *(const volatile u32_any *)p;
	case 8:
		return *(const volatile u64_any *)p;
	}
	for (unsigned i = 0; i < len; i++)
		v |= (uint64_t)((const volatile uint8_t *)p)[i] << (8 * i);
	return v;
}

void le_store(void *p, uint64_t val, unsigned len)
{
	switch (len) {
	case 1:
		*(volatile uint8_t *)p = (uint8_t)val;
		return;
	case 2:
		*(volatile u16_any *)p = (uint16_t)val;
		return;
	case 4:
		*(volatile u32_any *)p = (uint32_t)val;
		return;
	case 8:
		*(volatile u64_any *)p = val;
		return;
	}
	for (unsigned i = 0; i < len; i++)
		((volatile uint8_t *)p)[i] = (uint8_t)(val >> (8 * i));
}

static unsigned op_min(const struct region_ops *ops)
{
	return ops->min ? ops->min : 1;
}

static unsigned op_max(const struct region_ops *ops)
{
	return ops->max ? ops->max : 8;
}

static bool fits(const struct region_ops *ops, uint64_t off, unsigned len)
{
	return len >= op_min(ops) && len <= op_max(ops) && !(len & (len - 1)) &&
	       (ops->unaligned || !(off & (len - 1)));
}

/*
 * The next piece of a misfit access: `at`/`n` is what the ops are asked for, `skip`/`take` the
 * bytes of it that belong to the access.
 */
struct piece {
	uint64_t at;
	unsigned n, skip, take;
};

static struct piece next_piece(const struct region_ops *ops, uint64_t off, unsigned len)
{
	struct piece p = {.at = off, .n = op_max(ops)};

	while (p.n > op_min(ops) && (p.n > len || (!ops->unaligned && (off & (p.n - 1)))))
		p.n /= 2;
	if (!ops->unaligned || p.n > len)
		p.at = off & ~(uint64_t)(p.n - 1);
	p.skip = (unsigned)(off - p.at);
	p.take = p.n - p.skip < len ? p.n - p.skip : len;
	return p;
}

static uint64_t ones(unsigned len)
{
	return len >= 8 ? UINT64_MAX : (1ull << (8 * len)) - 1;
}

static uint64_t io_read(struct region *r, uint64_t off, unsigned len)
{
	const struct region_ops *ops = r->ops;
	uint64_t v = 0;
	unsigned done = 0;

	if (!ops || !ops->read)
		return ones(len);
	if (fits(ops, off, len))
		return ops->read(r->opaque, off, len);
	while (done < len) {
		struct piece p = next_piece(ops, off + done, len - done);
		uint64_t w = ops->read(r->opaque, p.at, p.n) >> (8 * p.skip);

		v |= (w & ones(p.take)) << (8 * done);
		done += p.take;
	}
	return v;
}

static void io_write(struct region *r, uint64_t off, uint64_t val, unsigned len)
{
	const struct region_ops *ops = r->ops;
	unsigned done = 0;

	if (!ops || !ops->write)
		return;
	if (fits(ops, off, len)) {
		ops->write(r->opaque, off, val, len);
		return;
	}
	while (done < len) {
		struct piece p = next_piece(ops, off + done, len - done);
		uint64_t w = (val >> (8 * done)) & ones(p.take);

		if (p.take <
		    p.n) { /* narrower than the ops take: the other bytes keep their value */
			uint64_t mask = ones(p.take) << (8 * p.skip);
			uint64_t old = ops->read ? ops->read(r->opaque, p.at, p.n) : 0;

			w = ((old & ~mask) | (w << (8 * p.skip))) & ones(p.n);
		}
		ops->write(r->opaque, p.at, w, p.n);
		done += p.take;
	}
}

uint64_t region_read(struct region *r, uint64_t off, unsigned len)
{
	uint64_t v;

	if (r->host)
		return le_load(r->host + off, len);
	if (!r->lock)
		return io_read(r, off, len) & ones(len);
	pthread_mutex_lock(r->lock);
	v = io_read(r, off, len);
	pthread_mutex_unlock(r->lock);
	return v & ones(len);
}

void region_write(struct region *r, uint64_t off, uint64_t val, unsigned len)
{
	if (r->kind == REGION_RAM) {
		le_store(r->host + off, val, len);
		return;
	}
	val &= ones(len);
	if (r->lock)
		pthread_mutex_lock(r->lock);
	io_write(r, off, val, len);
	if (r->lock)
		pthread_mutex_unlock(r->lock);
}
