// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the maps of address spaces.  Called by the board and the buses (changes), by vCPU threads
 * and device models (accesses).  Never knows what a region is for.
 */
#define _LGPL_SOURCE /* liburcu's read side inline */
#include "mem/aspace.h"

#include <glib.h>
#include <string.h>
#include <urcu.h>

#include "mem/access.h"

struct map {
	struct rcu_head rcu;
	size_t n;
	struct mrange r[];
};

struct mmapping {
	struct region *region;
	uint64_t addr, off, size;
	int prio;
};

struct aspace {
	const char *name;
	uint64_t last;
	pthread_mutex_t lock; /* recursive: held from begin to commit */
	unsigned depth;
	GPtrArray *mappings; /* of struct mmapping, sorted by prio, stable */
	struct aspace_listener *listeners;
	struct map *map; /* RCU */
};

static struct map *map_new(const GArray *ranges)
{
	struct map *m = g_malloc(sizeof(*m) + ranges->len * sizeof(struct mrange));

	m->n = ranges->len;
	if (m->n)
		memcpy(m->r, ranges->data, m->n * sizeof(struct mrange));
	return m;
}

static void map_free_rcu(struct rcu_head *head)
{
	g_free(caa_container_of(head, struct map, rcu));
}

struct aspace *aspace_new(const char *name, uint64_t size)
{
	struct aspace *as = g_new0(struct aspace, 1);
	pthread_mutexattr_t attr;
	g_autoptr(GArray) none = g_array_new(FALSE, FALSE, sizeof(struct mrange));

	as->name = name;
	as->last = size - 1;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&as->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	as->mappings = g_ptr_array_new_with_free_func(g_free);
	as->map = map_new(none);
	return as;
}

void aspace_free(struct aspace *as)
{
	if (!as)
		return;
	aspace_sync();
	g_ptr_array_free(as->mappings, TRUE);
	g_free(as->map);
	pthread_mutex_destroy(&as->lock);
	g_free(as);
}

/* --- making a map: painter's algorithm, lowest first --- */

static void paint(GArray *ranges, struct mrange new)
{
	guint i = 0;

	while (i < ranges->len) {
		struct mrange *r = &g_array_index(ranges, struct mrange, i);
		struct mrange old = *r;

		if (old.last < new.start) {
			i++;
			continue;
		}
		if (old.start > new.last)
			break;
		g_array_remove_index(ranges, i);
		if (old.start < new.start) {
			struct mrange head = old;

			head.last = new.start - 1;
			g_array_insert_val(ranges, i, head);
			i++;
		}
		if (old.last > new.last) {
			struct mrange tail = old;

			tail.off += new.last + 1 - tail.start;
			tail.start = new.last + 1;
			g_array_insert_val(ranges, i, tail);
			break;
		}
	}
	g_array_insert_val(ranges, i, new);
}

/*
 * win: the part of the address space that the region may show in; base: address of its first byte.
 */
static void paint_region(GArray *ranges, struct region *r, uint64_t base, uint64_t start,
			 uint64_t last)
{
	if (r->disabled)
		return;
	if (r->kind != REGION_CONTAINER)
		paint(ranges, (struct mrange){start, last, r, start - base});
	for (struct region *s = r->subs; s; s = s->next) {
		uint64_t sub = base + s->off, sub_last = sub + s->size - 1;

		if (s->off >= r->size || sub > last || sub_last < start)
			continue;
		paint_region(ranges, s, sub, MAX(sub, start), MIN(sub_last, last));
	}
}

static void merge(GArray *ranges)
{
	guint out = 0;

	for (guint i = 1; i < ranges->len; i++) {
		struct mrange *a = &g_array_index(ranges, struct mrange, out);
		struct mrange *b = &g_array_index(ranges, struct mrange, i);

		if (a->region == b->region && a->last + 1 == b->start &&
		    a->off + (b->start - a->start) == b->off)
			a->last = b->last;
		else
			g_array_index(ranges, struct mrange, ++out) = *b;
	}
	if (ranges->len)
		g_array_set_size(ranges, out + 1);
}

static struct map *render(struct aspace *as)
{
	g_autoptr(GArray) ranges = g_array_new(FALSE, FALSE, sizeof(struct mrange));

	for (guint i = 0; i < as->mappings->len; i++) {
		struct mmapping *m = as->mappings->pdata[i];
		uint64_t last = m->addr + m->size - 1;

		if (m->addr > as->last || !m->size)
			continue;
		if (last < m->addr || last > as->last)
			last = as->last;
		paint_region(ranges, m->region, m->addr - m->off, m->addr, last);
	}
	merge(ranges);
	return map_new(ranges);
}

static bool same(const struct mrange *a, const struct mrange *b)
{
	return a->start == b->start && a->last == b->last && a->region == b->region &&
	       a->off == b->off;
}

/* Call fn for each range of a that b does not have. */
static void difference(const struct map *a, const struct map *b, struct aspace_listener *l,
		       void (*fn)(struct aspace_listener *l, const struct mrange *r))
{
	size_t j = 0;

	for (size_t i = 0; i < a->n; i++) {
		while (j < b->n && b->r[j].start < a->r[i].start)
			j++;
		if (j == b->n || !same(&a->r[i], &b->r[j]))
			fn(l, &a->r[i]);
	}
}

static void publish(struct aspace *as)
{
	struct map *old = as->map, *new = render(as);
	struct aspace_listener *l;

	for (l = as->listeners; l; l = l->next) {
		if (l->begin)
			l->begin(l);
		difference(old, new, l, l->del);
	}
	rcu_assign_pointer(as->map, new);
	for (l = as->listeners; l; l = l->next) {
		difference(new, old, l, l->add);
		if (l->end)
			l->end(l);
	}
	call_rcu(&old->rcu, map_free_rcu);
}

void aspace_begin(struct aspace *as)
{
	pthread_mutex_lock(&as->lock);
	as->depth++;
}

void aspace_commit(struct aspace *as)
{
	if (!--as->depth) {
		publish(as);
	}
	pthread_mutex_unlock(&as->lock);
}

struct mmapping *aspace_map(struct aspace *as, struct region *r, uint64_t addr, uint64_t off,
			    uint64_t size, int prio)
{
	struct mmapping *m = g_new(struct mmapping, 1);
	guint i;

	*m = (struct mmapping){r, addr, off, size, prio};
	aspace_begin(as);
	for (i = as->mappings->len; i > 0; i--)
		if (((struct mmapping *)as->mappings->pdata[i - 1])->prio <= prio)
			break;
	g_ptr_array_insert(as->mappings, (int)i, m);
	aspace_commit(as);
	return m;
}

void aspace_unmap(struct aspace *as, struct mmapping *m)
{
	if (!m)
		return;
	aspace_begin(as);
	g_ptr_array_remove(as->mappings, m);
	aspace_commit(as);
}

void aspace_sync(void)
{
	synchronize_rcu();
}

void aspace_listen(struct aspace *as, struct aspace_listener *l)
{
	pthread_mutex_lock(&as->lock);
	if (l->begin)
		l->begin(l);
	for (size_t i = 0; i < as->map->n; i++)
		l->add(l, &as->map->r[i]);
	if (l->end)
		l->end(l);
	l->next = as->listeners;
	as->listeners = l;
	pthread_mutex_unlock(&as->lock);
}

void aspace_unlisten(struct aspace *as, struct aspace_listener *l)
{
	struct aspace_listener **p;

	pthread_mutex_lock(&as->lock);
	for (p = &as->listeners; *p && *p != l; p = &(*p)->next)
		;
	if (*p) {
		*p = l->next;
		if (l->begin)
			l->begin(l);
		for (size_t i = 0; i < as->map->n; i++)
			l->del(l, &as->map->r[i]);
		if (l->end)
			l->end(l);
	}
	pthread_mutex_unlock(&as->lock);
}

/* --- readers --- */

/* The first range whose last byte is not below addr; NULL past the end. */
static const struct mrange *find(const struct map *m, uint64_t addr)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (m->r[mid].last < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < m->n ? &m->r[lo] : NULL;
}

static uint64_t all_ones(unsigned len)
{
	return len >= 8 ? UINT64_MAX : (1ull << (8 * len)) - 1;
}

static uint64_t read_bytes(const struct map *m, uint64_t addr, unsigned len)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < len; i++) {
		const struct mrange *r = find(m, addr + i);
		uint64_t b = 0xff;

		if (r && r->start <= addr + i)
			b = region_read(r->region, addr + i - r->start + r->off, 1);
		v |= b << (8 * i);
	}
	return v;
}

static void write_bytes(const struct map *m, uint64_t addr, uint64_t val, unsigned len)
{
	for (unsigned i = 0; i < len; i++) {
		const struct mrange *r = find(m, addr + i);

		if (r && r->start <= addr + i)
			region_write(r->region, addr + i - r->start + r->off,
				     (val >> (8 * i)) & 0xff, 1);
	}
}

uint64_t aspace_read(struct aspace *as, uint64_t addr, unsigned len)
{
	const struct map *m;
	const struct mrange *r;
	uint64_t v;

	rcu_read_lock();
	m = rcu_dereference(as->map);
	r = find(m, addr);
	if (r && r->start <= addr && r->last - addr >= len - 1)
		v = region_read(r->region, addr - r->start + r->off, len);
	else if (!r || (r->start > addr && r->start - addr >= len))
		v = all_ones(len);
	else
		v = read_bytes(m, addr, len);
	rcu_read_unlock();
	return v;
}

void aspace_write(struct aspace *as, uint64_t addr, uint64_t val, unsigned len)
{
	const struct map *m;
	const struct mrange *r;

	rcu_read_lock();
	m = rcu_dereference(as->map);
	r = find(m, addr);
	if (r && r->start <= addr && r->last - addr >= len - 1)
		region_write(r->region, addr - r->start + r->off, val, len);
	else if (r)
		write_bytes(m, addr, val, len);
	rcu_read_unlock();
}

/* Copy between buf and one range; I/O goes in aligned pieces of up to 8 bytes. */
static void copy_in(const struct mrange *r, uint64_t addr, uint8_t *buf, size_t n)
{
	uint64_t off = addr - r->start + r->off;

	if (r->region->host && !r->region->device) {
		memcpy(buf, r->region->host + off, n);
		return;
	}
	while (n) {
		unsigned c = 8;

		while (c > n || (off & (c - 1)))
			c /= 2;
		le_store(buf, region_read(r->region, off, c), c);
		buf += c, off += c, n -= c;
	}
}

static void copy_out(const struct mrange *r, uint64_t addr, const uint8_t *buf, size_t n)
{
	uint64_t off = addr - r->start + r->off;

	if (r->region->kind == REGION_RAM && !r->region->device) {
		memcpy(r->region->host + off, buf, n);
		return;
	}
	while (n) {
		unsigned c = 8;

		while (c > n || (off & (c - 1)))
			c /= 2;
		region_write(r->region, off, le_load(buf, c), c);
		buf += c, off += c, n -= c;
	}
}

bool aspace_read_buf(struct aspace *as, uint64_t addr, void *buf, size_t len)
{
	const struct map *m;
	uint8_t *p = buf;
	bool all = true;

	rcu_read_lock();
	m = rcu_dereference(as->map);
	while (len) {
		const struct mrange *r = find(m, addr);
		size_t n;

		if (r && r->start <= addr) {
			n = r->last - addr < len - 1 ? (size_t)(r->last - addr + 1) : len;
			copy_in(r, addr, p, n);
		} else {
			n = r && r->start - addr < len ? (size_t)(r->start - addr) : len;
			memset(p, 0xff, n);
			all = false;
		}
		p += n, addr += n, len -= n;
	}
	rcu_read_unlock();
	return all;
}

bool aspace_write_buf(struct aspace *as, uint64_t addr, const void *buf, size_t len)
{
	const struct map *m;
	const uint8_t *p = buf;
	bool all = true;

	rcu_read_lock();
	m = rcu_dereference(as->map);
	while (len) {
		const struct mrange *r = find(m, addr);
		size_t n;

		if (r && r->start <= addr) {
			n = r->last - addr < len - 1 ? (size_t)(r->last - addr + 1) : len;
			copy_out(r, addr, p, n);
		} else {
			n = r && r->start - addr < len ? (size_t)(r->start - addr) : len;
			all = false;
		}
		p += n, addr += n, len -= n;
	}
	rcu_read_unlock();
	return all;
}

void *aspace_ptr(struct aspace *as, uint64_t addr, uint64_t *len, bool write)
{
	const struct mrange *r;
	void *p = NULL;

	rcu_read_lock();
	r = find(rcu_dereference(as->map), addr);
	if (r && r->start <= addr && r->region->host && (r->region->kind == REGION_RAM || !write)) {
		p = r->region->host + (addr - r->start + r->off);
		if (*len - 1 > r->last - addr)
			*len = r->last - addr + 1;
	}
	rcu_read_unlock();
	return p;
}

uint64_t aspace_span(struct aspace *as, uint64_t addr, uint64_t len, bool *backed)
{
	const struct mrange *r;

	rcu_read_lock();
	r = find(rcu_dereference(as->map), addr);
	*backed = r && r->start <= addr;
	if (*backed)
		len = r->last - addr < len - 1 ? r->last - addr + 1 : len;
	else if (r && r->start - addr < len)
		len = r->start - addr;
	rcu_read_unlock();
	return len;
}

bool aspace_is_device(struct aspace *as, uint64_t addr)
{
	const struct mrange *r;
	bool device;

	rcu_read_lock();
	r = find(rcu_dereference(as->map), addr);
	device = r && r->start <= addr && r->region->device;
	rcu_read_unlock();
	return device;
}

void aspace_foreach(struct aspace *as, void (*fn)(void *opaque, const struct mrange *r),
		    void *opaque)
{
	const struct map *m;

	rcu_read_lock();
	m = rcu_dereference(as->map);
	for (size_t i = 0; i < m->n; i++)
		fn(opaque, &m->r[i]);
	rcu_read_unlock();
}

void aspace_thread_enter(void)
{
	rcu_register_thread();
}

void aspace_thread_leave(void)
{
	rcu_unregister_thread();
}
