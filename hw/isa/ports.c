// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the one-register devices of the I/O bus.  Created by vm/machine.c, entered by the address
 * space (vCPU threads).  Never ends the process or resets the machine itself: callbacks ask for
 * it.
 */
#include "hw/isa/ports.h"

#include <glib.h>
#include <string.h>
#include <sys/mman.h>

#include "mem/access.h"

/* What they all have: a region with a lock, placed in one address space. */
struct part {
	pthread_mutex_t lock;
	struct region region;
	struct aspace *as;
	struct mmapping *map;
};

static void part_init_prio(struct part *p, struct aspace *as, const char *name, uint64_t addr,
			   uint64_t size, const struct region_ops *ops, void *opaque, int prio)
{
	pthread_mutex_init(&p->lock, NULL);
	region_init_io(&p->region, name, size, ops, opaque);
	p->region.lock = &p->lock;
	p->as = as;
	p->map = aspace_map(as, &p->region, addr, 0, size, prio);
}

static void part_init(struct part *p, struct aspace *as, const char *name, uint64_t addr,
		      uint64_t size, const struct region_ops *ops, void *opaque)
{
	part_init_prio(p, as, name, addr, size, ops, opaque, 0);
}

static void part_fini(struct part *p)
{
	aspace_unmap(p->as, p->map);
	aspace_sync();
	pthread_mutex_destroy(&p->lock);
}

/* --- port 0x80 ------------------------------------------------------------------------------ */

struct port80 {
	struct part part;
	uint8_t last;
};

static uint64_t port80_read(void *opaque, uint64_t off, unsigned len)
{
	struct port80 *p = opaque;

	return p->last;
}

static void port80_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct port80 *p = opaque;

	p->last = val;
}

static const struct region_ops port80_ops = {
	.read = port80_read, .write = port80_write, .min = 1, .max = 1};

struct port80 *port80_new(struct aspace *io)
{
	struct port80 *p = g_new0(struct port80, 1);

	part_init(&p->part, io, "port80", 0x80, 1, &port80_ops, p);
	return p;
}

void port80_free(struct port80 *p)
{
	if (!p)
		return;
	part_fini(&p->part);
	g_free(p);
}

void port80_reset(struct port80 *p)
{
	pthread_mutex_lock(&p->part.lock);
	p->last = 0;
	pthread_mutex_unlock(&p->part.lock);
}

/* --- port 0x92 ------------------------------------------------------------------------------ */

enum { P92_RESET = 1, P92_A20 = 2 };

struct port92 {
	struct part part;
	struct wire a20;
	void (*reset)(void *opaque);
	void *opaque;
	uint8_t val;
};

static uint64_t port92_read(void *opaque, uint64_t off, unsigned len)
{
	struct port92 *p = opaque;

	return p->val;
}

static void port92_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct port92 *p = opaque;
	uint8_t rose = val & ~p->val;

	p->val = val & (P92_RESET | P92_A20);
	wire_set(&p->a20, p->val & P92_A20);
	if ((rose & P92_RESET) && p->reset)
		p->reset(p->opaque);
}

static const struct region_ops port92_ops = {
	.read = port92_read, .write = port92_write, .min = 1, .max = 1};

struct port92 *port92_new(struct aspace *io, struct wire a20, void (*reset)(void *opaque),
			  void *opaque)
{
	struct port92 *p = g_new0(struct port92, 1);

	p->a20 = a20;
	p->reset = reset;
	p->opaque = opaque;
	p->val = P92_A20;
	part_init(&p->part, io, "port92", 0x92, 1, &port92_ops, p);
	return p;
}

void port92_free(struct port92 *p)
{
	if (!p)
		return;
	part_fini(&p->part);
	g_free(p);
}

void port92_reset(struct port92 *p)
{
	pthread_mutex_lock(&p->part.lock);
	p->val = P92_A20;
	wire_set(&p->a20, true);
	pthread_mutex_unlock(&p->part.lock);
}

/* --- isa-debug-exit ------------------------------------------------------------------------- */

struct debugexit {
	struct part part;
	void (*exit_with)(void *opaque, int status);
	void *opaque;
};

static uint64_t debugexit_read(void *opaque, uint64_t off, unsigned len)
{
	return 0;
}

static void debugexit_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct debugexit *d = opaque;

	d->exit_with(d->opaque, (int)((uint32_t)val << 1 | 1));
}

static const struct region_ops debugexit_ops = {
	.read = debugexit_read, .write = debugexit_write, .min = 1, .max = 4, .unaligned = true};

struct debugexit *debugexit_new(struct aspace *io, uint16_t iobase, uint8_t iosize,
				void (*exit_with)(void *opaque, int status), void *opaque)
{
	struct debugexit *d = g_new0(struct debugexit, 1);

	d->exit_with = exit_with;
	d->opaque = opaque;
	part_init(&d->part, io, "debug-exit", iobase, iosize, &debugexit_ops, d);
	return d;
}

void debugexit_free(struct debugexit *d)
{
	if (!d)
		return;
	part_fini(&d->part);
	g_free(d);
}

void debugexit_reset(struct debugexit *d)
{
}

/* --- debugcon ------------------------------------------------------------------------------- */

struct debugcon {
	struct part part;
	struct chardev *chr;
	uint8_t readback;
};

static uint64_t debugcon_read(void *opaque, uint64_t off, unsigned len)
{
	struct debugcon *d = opaque;

	return d->readback;
}

static void debugcon_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct debugcon *d = opaque;
	uint8_t byte = val;

	if (d->chr)
		chardev_write(d->chr, &byte, 1);
}

static const struct region_ops debugcon_ops = {
	.read = debugcon_read, .write = debugcon_write, .min = 1, .max = 1};

struct debugcon *debugcon_new(struct aspace *io, uint16_t iobase, uint8_t readback,
			      struct chardev *c)
{
	struct debugcon *d = g_new0(struct debugcon, 1);
	struct chardev_fe fe = {};

	d->chr = c;
	d->readback = readback;
	if (c)
		chardev_attach(c, &fe);
	/* pc-testdev has cells at 0xe8 to 0xeb: the console is seen where both are. */
	part_init_prio(&d->part, io, "debugcon", iobase, 1, &debugcon_ops, d, 1);
	return d;
}

void debugcon_free(struct debugcon *d)
{
	if (!d)
		return;
	part_fini(&d->part);
	if (d->chr)
		chardev_attach(d->chr, NULL);
	g_free(d);
}

void debugcon_reset(struct debugcon *d)
{
}

/* --- pc-testdev ----------------------------------------------------------------------------- */

/* Memory behind a part; the lock belongs to the part. */
struct cells {
	struct part part;
	uint8_t *bytes;
};

struct testdev {
	struct aspace *mem;
	struct wire irqs[TESTDEV_IRQS];
	struct part lines, flush;
	struct cells ports, byte_ports, iomem;
	uint8_t port_bytes[4], byte_port_bytes[4], iomem_bytes[TESTDEV_IOMEM_SIZE];
};

static uint64_t cells_read(void *opaque, uint64_t off, unsigned len)
{
	struct cells *c = opaque;

	return le_load(c->bytes + off, len);
}

static void cells_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct cells *c = opaque;

	le_store(c->bytes + off, val, len);
}

static uint64_t no_read(void *opaque, uint64_t off, unsigned len)
{
	return 0;
}

static void line_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct testdev *t = opaque;

	wire_set(&t->irqs[off], val);
}

struct page {
	uint64_t gpa;
	void *host;
};

static void find_page(void *opaque, const struct mrange *r)
{
	struct page *page = opaque;
	const struct region *mem = r->region;
	uint64_t in_range = page->gpa - r->start;

	/* Whole pages of a memfd only: private memory would lose its content. */
	if (page->gpa < r->start || r->last - r->start < 0xfff || mem->kind != REGION_RAM ||
	    mem->fd < 0 || mem->device || in_range > r->last - r->start - 0xfff)
		return;
	page->host = mem->host + r->off + in_range;
}

/*
 * The page stays as it is, but the host has to look it up again: so has whoever shadows its
 * tables.
 */
static void flush_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct testdev *t = opaque;
	struct page page = {.gpa = val & ~0xfffull};

	aspace_foreach(t->mem, find_page, &page);
	if (page.host)
		madvise(page.host, 0x1000, MADV_DONTNEED);
}

static const struct region_ops line_ops = {
	.read = no_read, .write = line_write, .min = 1, .max = 1};
static const struct region_ops flush_ops = {
	.read = no_read, .write = flush_write, .min = 4, .max = 4};
static const struct region_ops port_ops = {
	.read = cells_read, .write = cells_write, .min = 1, .max = 4, .unaligned = true};
static const struct region_ops byte_port_ops = {
	.read = cells_read, .write = cells_write, .min = 1, .max = 1};
static const struct region_ops iomem_ops = {
	.read = cells_read, .write = cells_write, .min = 1, .max = 8, .unaligned = true};

static void cells_init(struct cells *c, uint8_t *bytes, struct aspace *as, const char *name,
		       uint64_t addr, uint64_t size, const struct region_ops *ops)
{
	c->bytes = bytes;
	part_init(&c->part, as, name, addr, size, ops, c);
}

static void cells_clear(struct cells *c)
{
	pthread_mutex_lock(&c->part.lock);
	memset(c->bytes, 0, c->part.region.size);
	pthread_mutex_unlock(&c->part.lock);
}

struct testdev *testdev_new(struct aspace *io, struct aspace *mem,
			    const struct wire irqs[TESTDEV_IRQS])
{
	struct testdev *t = g_new0(struct testdev, 1);

	t->mem = mem;
	memcpy(t->irqs, irqs, sizeof(t->irqs));
	part_init(&t->lines, io, "testdev-irqs", 0x2000, TESTDEV_IRQS, &line_ops, t);
	part_init(&t->flush, io, "testdev-flush", 0xe4, 4, &flush_ops, t);
	cells_init(&t->ports, t->port_bytes, io, "testdev-ports", 0xe0, 4, &port_ops);
	cells_init(&t->byte_ports, t->byte_port_bytes, io, "testdev-bytes", 0xe8, 4,
		   &byte_port_ops);
	cells_init(&t->iomem, t->iomem_bytes, mem, "testdev-iomem", TESTDEV_IOMEM,
		   TESTDEV_IOMEM_SIZE, &iomem_ops);
	return t;
}

void testdev_free(struct testdev *t)
{
	if (!t)
		return;
	part_fini(&t->lines);
	part_fini(&t->flush);
	part_fini(&t->ports.part);
	part_fini(&t->byte_ports.part);
	part_fini(&t->iomem.part);
	g_free(t);
}

void testdev_reset(struct testdev *t)
{
	cells_clear(&t->ports);
	cells_clear(&t->byte_ports);
	cells_clear(&t->iomem);
	pthread_mutex_lock(&t->lines.lock);
	for (unsigned i = 0; i < TESTDEV_IRQS; i++)
		wire_set(&t->irqs[i], false);
	pthread_mutex_unlock(&t->lines.lock);
}
