// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the two 8259As.  Created by vm/machine.c where the accelerator has none; entered by the
 * address space, by wires and by the accelerator's INTA.  Knows neither vCPUs nor the IO-APIC.
 */
#include "hw/irq/pic.h"

#include <glib.h>

enum { ICW1_IC4 = 0x01, ICW1_LTIM = 0x08, ICW1 = 0x10 };
enum { ICW4_AEOI = 0x02, ICW4_SFNM = 0x10 };
enum { OCW2_EOI = 0x20, OCW2_SPECIFIC = 0x40, OCW2_ROTATE = 0x80 };
enum {
	OCW3 = 0x08,
	OCW3_RIS = 0x01,
	OCW3_RR = 0x02,
	OCW3_POLL = 0x04,
	OCW3_SMM = 0x20,
	OCW3_ESMM = 0x40
};
enum { POLL_YES = 0x80, CASCADE = 2, NO_INPUT = -1, SPURIOUS = 7 };

/* Next initialisation word that the chip waits for. */
enum icw { ICW_NONE, ICW_2, ICW_3, ICW_4 };

struct chip {
	uint8_t line;  /* input levels */
	uint8_t edges; /* rising edges not acknowledged yet */
	uint8_t imr, isr;
	uint8_t elcr, elcr_mask;
	uint8_t base;   /* vector of input 0 */
	uint8_t lowest; /* input of lowest priority: 7 unless rotated */
	enum icw init;
	bool alive; /* was initialised */
	bool want_icw4, ltim, aeoi, sfnm, smm, rotate_on_aeoi;
	bool read_isr, poll;
};

struct pic {
	pthread_mutex_t lock;
	struct region ports[2], elcr;
	struct mmapping *maps[2], *elcr_map;
	struct aspace *io;
	struct wire intr;
	bool intr_high;
	struct chip chip[2]; /* master, slave */
};

/* --- one chip ------------------------------------------------------------------------------- */

static bool is_master(const struct pic *p, const struct chip *c)
{
	return c == &p->chip[0];
}

/* Inputs that act on their level; the cascade does, so that it is just the slave's output. */
static uint8_t level_inputs(const struct pic *p, const struct chip *c)
{
	if (c->ltim)
		return 0xff;
	return c->elcr | (is_master(p, c) ? 1 << CASCADE : 0);
}

static uint8_t irr(const struct pic *p, const struct chip *c)
{
	uint8_t level = level_inputs(p, c);

	return (c->line & level) | (c->edges & ~level);
}

/* The input of highest priority among a set, or NO_INPUT. */
static int highest(const struct chip *c, uint8_t set)
{
	for (int i = 1; i <= 8; i++) {
		int n = (c->lowest + i) & 7;

		if (set & 1 << n)
			return n;
	}
	return NO_INPUT;
}

static int rank(const struct chip *c, int n)
{
	return n == NO_INPUT ? 8 : (n - c->lowest - 1) & 7; /* 0 is the highest */
}

/* The input that makes INT high, or NO_INPUT. */
static int requesting(const struct pic *p, const struct chip *c)
{
	uint8_t in_service = c->isr;
	int n, busy;

	if (!c->alive || c->init != ICW_NONE)
		return NO_INPUT;
	if (c->smm)
		in_service &= ~c->imr;
	if (c->sfnm && is_master(p, c))
		in_service &= ~(1 << CASCADE); /* the slave may nest within itself */
	n = highest(c, irr(p, c) & ~c->imr);
	busy = highest(c, in_service);
	return rank(c, n) < rank(c, busy) ? n : NO_INPUT;
}

/* Propagate: slave's INT to the master's input, master's INT to the wire. */
static void update(struct pic *p)
{
	struct chip *m = &p->chip[0];
	bool intr;

	if (requesting(p, &p->chip[1]) != NO_INPUT)
		m->line |= 1 << CASCADE;
	else
		m->line &= ~(1 << CASCADE);
	intr = requesting(p, m) != NO_INPUT;
	if (intr != p->intr_high)
		wire_set(&p->intr, intr);
	p->intr_high = intr;
}

static void end_of_interrupt(struct chip *c, int n, bool rotate)
{
	if (n == NO_INPUT)
		return;
	c->isr &= ~(1 << n);
	if (rotate)
		c->lowest = n;
}

/* The chip's part of INTA: the input goes into service.  Returns it, or NO_INPUT. */
static int take(struct pic *p, struct chip *c)
{
	int n = requesting(p, c);

	if (n == NO_INPUT)
		return NO_INPUT;
	c->edges &= ~(1 << n);
	c->isr |= 1 << n;
	if (c->aeoi)
		end_of_interrupt(c, n, c->rotate_on_aeoi);
	return n;
}

int pic_ack(struct pic *p)
{
	struct chip *c = &p->chip[0];
	int n, vector;

	pthread_mutex_lock(&p->lock);
	n = take(p, c);
	if (n == CASCADE) {
		c = &p->chip[1];
		n = take(p, c);
	}
	vector = c->base + (n == NO_INPUT ? SPURIOUS : n);
	update(p);
	pthread_mutex_unlock(&p->lock);
	return vector;
}

void pic_set(void *opaque, int n, bool level)
{
	struct pic *p = opaque;
	struct chip *c = &p->chip[n >> 3 & 1];
	uint8_t bit = 1 << (n & 7);

	if (n < 0 || n >= PIC_INPUTS || n == CASCADE)
		return;
	pthread_mutex_lock(&p->lock);
	if (!level) {
		c->line &= ~bit;
	} else {
		if (!(c->line & bit))
			c->edges |= bit;
		c->line |= bit;
	}
	update(p);
	pthread_mutex_unlock(&p->lock);
}

/* --- command words -------------------------------------------------------------------------- */

/* ICW1 clears the edge sense, the mask and all modes (8259A, "Initialization command words"). */
static void init_start(struct chip *c, uint8_t val)
{
	*c = (struct chip){
		.line = c->line,
		.elcr = c->elcr,
		.elcr_mask = c->elcr_mask,
		.base = c->base,
		.lowest = 7,
		.init = ICW_2,
		.alive = true,
		.want_icw4 = val & ICW1_IC4,
		.ltim = val & ICW1_LTIM,
	};
}

/* The chips are a pair, so ICW3 comes whatever the "single" bit said, and is ignored. */
static void init_next(struct chip *c, uint8_t val)
{
	switch (c->init) {
	case ICW_2:
		c->base = val & 0xf8;
		c->init = ICW_3;
		break;
	case ICW_3:
		c->init = c->want_icw4 ? ICW_4 : ICW_NONE;
		break;
	default:
		c->aeoi = val & ICW4_AEOI;
		c->sfnm = val & ICW4_SFNM;
		c->init = ICW_NONE;
		break;
	}
}

static void ocw2(struct chip *c, uint8_t val)
{
	bool rotate = val & OCW2_ROTATE;
	int n = val & 7;

	if (val & OCW2_EOI) {
		if (!(val & OCW2_SPECIFIC))
			n = highest(c, c->smm ? c->isr & ~c->imr : c->isr);
		end_of_interrupt(c, n, rotate);
	} else if (val & OCW2_SPECIFIC) {
		if (rotate)
			c->lowest = n; /* set priority; without R it is a no-operation */
	} else {
		c->rotate_on_aeoi = rotate;
	}
}

static void ocw3(struct chip *c, uint8_t val)
{
	if (val & OCW3_POLL)
		c->poll = true;
	if (val & OCW3_RR)
		c->read_isr = val & OCW3_RIS;
	if (val & OCW3_ESMM)
		c->smm = val & OCW3_SMM;
}

static void chip_write(struct pic *p, struct chip *c, unsigned a0, uint8_t val)
{
	if (a0 && c->init != ICW_NONE)
		init_next(c, val);
	else if (a0)
		c->imr = val;
	else if (val & ICW1)
		init_start(c, val);
	else if (val & OCW3)
		ocw3(c, val);
	else
		ocw2(c, val);
	update(p);
}

/* A poll is an INTA by software: one read of either port (8259A, "Poll command"). */
static uint8_t poll_read(struct pic *p, struct chip *c)
{
	int n = take(p, c);

	c->poll = false;
	update(p);
	return n == NO_INPUT ? 0 : POLL_YES | n;
}

static uint8_t chip_read(struct pic *p, struct chip *c, unsigned a0)
{
	if (c->poll)
		return poll_read(p, c);
	if (a0)
		return c->imr;
	return c->read_isr ? c->isr : irr(p, c);
}

/* --- ports ---------------------------------------------------------------------------------- */

static uint64_t master_read(void *opaque, uint64_t off, unsigned len)
{
	struct pic *p = opaque;

	return chip_read(p, &p->chip[0], off);
}

static void master_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct pic *p = opaque;

	chip_write(p, &p->chip[0], off, val);
}

static uint64_t slave_read(void *opaque, uint64_t off, unsigned len)
{
	struct pic *p = opaque;

	return chip_read(p, &p->chip[1], off);
}

static void slave_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct pic *p = opaque;

	chip_write(p, &p->chip[1], off, val);
}

static uint64_t elcr_read(void *opaque, uint64_t off, unsigned len)
{
	struct pic *p = opaque;

	return p->chip[off].elcr;
}

static void elcr_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct pic *p = opaque;

	p->chip[off].elcr = val & p->chip[off].elcr_mask;
	update(p);
}

static const struct region_ops ops[2] = {
	{.read = master_read, .write = master_write, .min = 1, .max = 1},
	{.read = slave_read, .write = slave_write, .min = 1, .max = 1},
};
static const struct region_ops elcr_ops = {
	.read = elcr_read, .write = elcr_write, .min = 1, .max = 1};

void pic_reset(struct pic *p)
{
	/* IRQs 0, 1, 2, 8 and 13 are edges by wiring (ICH9 datasheet 13.4.9, 13.4.10). */
	static const uint8_t elcr_mask[2] = {0xf8, 0xde};

	pthread_mutex_lock(&p->lock);
	for (unsigned i = 0; i < 2; i++)
		p->chip[i] = (struct chip){
			.line = p->chip[i].line, .lowest = 7, .elcr_mask = elcr_mask[i]};
	update(p);
	pthread_mutex_unlock(&p->lock);
}

struct pic *pic_new(struct aspace *io, struct wire intr)
{
	struct pic *p = g_new0(struct pic, 1);

	pthread_mutex_init(&p->lock, NULL);
	p->io = io;
	p->intr = intr;
	pic_reset(p);
	for (unsigned i = 0; i < 2; i++) {
		region_init_io(&p->ports[i], i ? "pic-slave" : "pic-master", 2, &ops[i], p);
		p->ports[i].lock = &p->lock;
		p->maps[i] = aspace_map(io, &p->ports[i], i ? 0xa0 : 0x20, 0, 2, 0);
	}
	region_init_io(&p->elcr, "elcr", 2, &elcr_ops, p);
	p->elcr.lock = &p->lock;
	p->elcr_map = aspace_map(io, &p->elcr, 0x4d0, 0, 2, 0);
	return p;
}

void pic_free(struct pic *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < 2; i++)
		aspace_unmap(p->io, p->maps[i]);
	aspace_unmap(p->io, p->elcr_map);
	aspace_sync();
	pthread_mutex_destroy(&p->lock);
	g_free(p);
}
