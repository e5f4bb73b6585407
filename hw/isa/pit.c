// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the 8254 and port 0x61.  Created by vm/machine.c; entered by the address space (vCPU
 * threads) and the main loop (channel 0's timer).  Makes no sound.
 */
#include "hw/isa/pit.h"

#include <glib.h>

#define NS 1000000000ll
#define FAST 24          /* ticks, 20 us: the shortest period that channel 0 is followed at */
#define REFRESH_NS 15085 /* port 0x61 bit 4 toggles with each DRAM refresh */

enum { RW_LATCH, RW_LSB, RW_MSB, RW_WORD };
enum { READ_BACK = 3, RB_NO_COUNT = 0x20, RB_NO_STATUS = 0x10 };
enum { STATUS_OUT = 0x80, STATUS_NULL = 0x40 };
enum { P61_GATE2 = 0x01, P61_RW = 0x0f, P61_REFRESH = 0x10, P61_OUT2 = 0x20 };

struct channel {
	uint8_t mode, rw; /* mode: 0 to 5 */
	bool bcd, gate;
	bool armed;    /* a count was written since the control word */
	bool started;  /* `start` is meant: the counter counts, or did */
	bool paused;   /* gate low (not in modes 1 and 5): `start` holds the ticks done so far */
	uint32_t n;    /* initial count, 1 to 0x10000 */
	int64_t start; /* tick at which the counter held n */

	bool reload; /* a new count takes over at the end of the (half) period */
	uint32_t new_n;
	int64_t reload_at, reload_start; /* the tick, and `start` from then on */

	bool msb_next_write, msb_next_read;
	uint8_t lsb; /* first half of a word */
	bool count_latched, status_latched;
	uint16_t latch;
	uint8_t status;
};

struct pit {
	pthread_mutex_t lock;
	struct region timer, speaker;
	struct mmapping *timer_map, *speaker_map;
	struct aspace *io;
	struct wire irq;
	bool irq_high;
	struct vclock *clk;
	struct vtimer edge;
	struct channel ch[3];
	uint8_t p61;
	int64_t edge_tick; /* what the timer waits for; -1 = nothing */
	int64_t last_edge; /* when it last came */
};

static int64_t ticks_at(int64_t ns)
{
	return (int64_t)((__int128)ns * PIT_HZ / NS);
}

static int64_t tick_ns(int64_t tick)
{
	return (int64_t)(((__int128)tick * NS + PIT_HZ - 1) / PIT_HZ);
}

static int64_t now_ticks(const struct pit *p)
{
	return ticks_at(vclock_now(p->clk));
}

/* --- one channel as a function of time ------------------------------------------------------ */

static uint32_t modulus(const struct channel *c)
{
	return c->bcd ? 10000 : 0x10000;
}

/* Ticks that mode 3 spends with the output high; the rest of n it is low. */
static uint32_t high_part(uint32_t n)
{
	return (n + 1) / 2;
}

/* Adopt a count that was waiting for the end of a period. */
static void catch_up(struct channel *c, int64_t now)
{
	if (!c->reload || now < c->reload_at)
		return;
	c->reload = false;
	c->n = c->new_n;
	c->start = c->reload_start;
}

/* Ticks since the counter held n; negative in the tick before it is loaded. */
static int64_t elapsed(const struct channel *c, int64_t now)
{
	return c->paused ? c->start : now - c->start;
}

/* The counting element in mode 3: by two, twice per period (8254, "Mode 3", even and odd). */
static uint32_t square_count(uint32_t n, uint32_t d)
{
	uint32_t high = high_part(n);

	return (n & ~1u) - 2 * (d < high ? d : d - high);
}

static uint16_t count_now(const struct channel *c, int64_t now)
{
	int64_t d = elapsed(c, now);
	uint32_t count;

	if (!c->started || d < 0)
		count = c->n % modulus(c);
	else if (c->mode == 2)
		count = c->n - d % c->n;
	else if (c->mode == 3)
		count = square_count(c->n, d % c->n);
	else
		count = (c->n + modulus(c) - d % modulus(c)) % modulus(c);
	count %= modulus(c);
	if (!c->bcd)
		return count;
	return count / 1000 << 12 | count / 100 % 10 << 8 | count / 10 % 10 << 4 | count % 10;
}

static bool out_now(const struct channel *c, int64_t now)
{
	int64_t d = elapsed(c, now);

	if (!c->started || d < 0)
		return c->mode != 0;
	switch (c->mode) {
	case 0:
	case 1:
		return d >= c->n;
	case 2:
		return !c->gate || d % c->n != c->n - 1;
	case 3:
		return !c->gate || d % c->n < high_part(c->n);
	default:
		return d != c->n; /* a strobe of one tick */
	}
}

/* Mode 2's output is low for one tick only, nobody can follow a fast mode 3: shown as pulses. */
static bool pulses(const struct channel *c)
{
	return c->mode == 2 || (c->mode == 3 && c->n < FAST);
}

/* The next tick after now at which the output rises or, if it is followed, changes; -1 = never. */
static int64_t next_edge(const struct channel *c, int64_t now)
{
	int64_t from = MAX(now, c->start), d = from - c->start, in_period = d % c->n;

	if (!c->started || c->paused)
		return -1;
	switch (c->mode) {
	case 2:
	case 3:
		if (!pulses(c) && in_period < high_part(c->n))
			return from + high_part(c->n) - in_period;
		return from + c->n - in_period;
	case 0:
	case 1:
		return d < c->n ? c->start + c->n : -1;
	default:
		return d <= c->n ? c->start + c->n + 1 : -1;
	}
}

static void gate_falls(struct channel *c, int64_t now)
{
	if (!c->started || c->paused || c->mode == 1 || c->mode == 5)
		return;
	c->paused = true;
	c->start = now - c->start;
}

/* Modes 0 and 4 go on, the others start over (8254, "Gate pin operations summary"). */
static void gate_rises(struct channel *c, int64_t now)
{
	if (c->mode == 0 || c->mode == 4) {
		if (c->paused)
			c->start = now - c->start;
	} else if (c->armed) {
		if (c->reload)
			c->n = c->new_n;
		c->reload = false;
		c->started = true;
		c->start = now + 1;
	}
	c->paused = false;
}

static void set_gate(struct channel *c, bool gate, int64_t now)
{
	if (gate == c->gate)
		return;
	catch_up(c, now);
	c->gate = gate;
	if (gate)
		gate_rises(c, now);
	else
		gate_falls(c, now);
}

/* --- programming ---------------------------------------------------------------------------- */

static void start_now(struct channel *c, uint32_t n, int64_t now)
{
	c->n = n;
	c->armed = true;
	c->reload = false;
	if (c->mode == 1 || c->mode == 5)
		return; /* waits for the gate */
	c->started = c->gate || c->mode == 0 || c->mode == 4;
	c->paused = c->started && !c->gate;
	c->start = c->paused ? 0 : now + 1;
}

/* Modes 2 and 3 finish the (half) period with the old count. */
static void start_later(struct channel *c, uint32_t n, int64_t now)
{
	uint32_t in_period, high = high_part(c->n);

	if (now < c->start) { /* the old one was not even loaded */
		c->n = n;
		return;
	}
	c->reload = true;
	c->new_n = n;
	in_period = (now - c->start) % c->n;
	c->reload_at = now + c->n - in_period;
	c->reload_start = c->reload_at;
	if (c->mode == 3 && in_period < high && c->n > 1) {
		c->reload_at = now + high - in_period;
		c->reload_start = c->reload_at - high_part(n);
	}
}

static uint32_t initial_count(const struct channel *c, uint16_t raw)
{
	uint32_t n = raw;

	if (c->bcd)
		n = (raw >> 12) * 1000 + (raw >> 8 & 0xf) * 100 + (raw >> 4 & 0xf) * 10 +
		    (raw & 0xf);
	n %= modulus(c);
	return n ? n : modulus(c);
}

static void load(struct channel *c, uint16_t raw, int64_t now)
{
	uint32_t n = initial_count(c, raw);

	catch_up(c, now);
	if ((c->mode == 1 || c->mode == 5) && c->started) {
		c->reload = true; /* taken over by the next trigger, never by time */
		c->reload_at = INT64_MAX;
		c->new_n = n;
	} else if ((c->mode == 2 || c->mode == 3) && c->started && c->gate) {
		start_later(c, n, now);
	} else {
		start_now(c, n, now);
	}
}

static void count_write(struct channel *c, uint8_t val, int64_t now)
{
	switch (c->rw) {
	case RW_LSB:
		load(c, val, now);
		return;
	case RW_MSB:
		load(c, val << 8, now);
		return;
	}
	if (c->msb_next_write) {
		load(c, c->lsb | val << 8, now);
	} else {
		c->lsb = val;
		if (c->mode == 0)
			c->started = c->paused = false; /* the first byte stops it, output low */
	}
	c->msb_next_write = !c->msb_next_write;
}

static void latch_count(struct channel *c, int64_t now)
{
	if (c->count_latched)
		return;
	c->count_latched = true;
	c->latch = count_now(c, now);
}

static bool null_count(const struct channel *c, int64_t now)
{
	return !c->armed || c->reload || (c->started && elapsed(c, now) < 0);
}

static void latch_status(struct channel *c, int64_t now)
{
	if (c->status_latched)
		return;
	c->status_latched = true;
	c->status = (out_now(c, now) ? STATUS_OUT : 0) | (null_count(c, now) ? STATUS_NULL : 0) |
		    c->rw << 4 | c->mode << 1 | c->bcd;
}

static void read_back(struct pit *p, uint8_t val, int64_t now)
{
	for (unsigned i = 0; i < 3; i++) {
		struct channel *c = &p->ch[i];

		if (!(val & 2 << i))
			continue;
		catch_up(c, now);
		if (!(val & RB_NO_COUNT))
			latch_count(c, now);
		if (!(val & RB_NO_STATUS))
			latch_status(c, now);
	}
}

static void set_mode(struct channel *c, uint8_t val)
{
	bool gate = c->gate;
	uint8_t mode = val >> 1 & 7;

	*c = (struct channel){
		.gate = gate,
		.rw = val >> 4 & 3,
		.mode = mode > 5 ? mode - 4 : mode, /* bit 2 is "don't care" in modes 2 and 3 */
		.bcd = val & 1,
		.n = c->n ? c->n : 0x10000,
	};
}

static void control_write(struct pit *p, uint8_t val, int64_t now)
{
	struct channel *c;

	if (val >> 6 == READ_BACK) {
		read_back(p, val, now);
		return;
	}
	c = &p->ch[val >> 6];
	catch_up(c, now);
	if ((val >> 4 & 3) == RW_LATCH)
		latch_count(c, now);
	else
		set_mode(c, val);
}

static uint8_t count_read(struct channel *c, int64_t now)
{
	uint16_t count;
	bool msb = c->rw == RW_MSB || (c->rw == RW_WORD && c->msb_next_read);

	if (c->status_latched) {
		c->status_latched = false;
		return c->status;
	}
	count = c->count_latched ? c->latch : count_now(c, now);
	if (c->rw == RW_WORD)
		c->msb_next_read = !c->msb_next_read;
	if (c->rw != RW_WORD || msb)
		c->count_latched = false;
	return msb ? count >> 8 : count;
}

/* --- the chip ------------------------------------------------------------------------------- */

static void set_irq(struct pit *p, bool high)
{
	if (high != p->irq_high)
		wire_set(&p->irq, high);
	p->irq_high = high;
}

/* Arm the timer for the next change; a guest cannot make it fire without a pause. */
static void arm_edge(struct pit *p, int64_t now)
{
	const struct channel *c = &p->ch[0];
	int64_t next = next_edge(c, now);

	if (c->reload && c->reload_at < next)
		next = c->reload_at;
	if (next >= 0 && pulses(c))
		next = MAX(next, p->last_edge + FAST);
	p->edge_tick = next;
	if (next >= 0)
		vtimer_arm(&p->edge, tick_ns(next));
	else
		vtimer_disarm(&p->edge);
}

/* Make IRQ 0 agree with channel 0.  A pulse is both edges at once, when it ends. */
static void drive(struct pit *p)
{
	struct channel *c = &p->ch[0];
	int64_t now = now_ticks(p);
	bool edge = p->edge_tick >= 0 && now >= p->edge_tick;

	catch_up(c, now);
	if (edge)
		p->last_edge = now;
	if (edge && (pulses(c) || c->mode > 3))
		set_irq(p, false);
	set_irq(p, pulses(c) || out_now(c, now));
	arm_edge(p, now);
}

static void edge_due(void *opaque)
{
	struct pit *p = opaque;

	pthread_mutex_lock(&p->lock);
	drive(p);
	pthread_mutex_unlock(&p->lock);
}

static uint64_t timer_read(void *opaque, uint64_t off, unsigned len)
{
	struct pit *p = opaque;
	int64_t now = now_ticks(p);

	if (off == 3)
		return 0xff; /* the control register cannot be read */
	catch_up(&p->ch[off], now);
	return count_read(&p->ch[off], now);
}

static void timer_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct pit *p = opaque;

	drive(p); /* an edge that is due comes before the write */
	if (off == 3)
		control_write(p, val, now_ticks(p));
	else
		count_write(&p->ch[off], val, now_ticks(p));
	p->edge_tick = -1;
	drive(p);
}

static uint64_t speaker_read(void *opaque, uint64_t off, unsigned len)
{
	struct pit *p = opaque;
	int64_t now = now_ticks(p);
	uint8_t val = p->p61;

	catch_up(&p->ch[2], now);
	if (vclock_now(p->clk) / REFRESH_NS & 1)
		val |= P61_REFRESH;
	if (out_now(&p->ch[2], now))
		val |= P61_OUT2;
	return val;
}

static void speaker_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct pit *p = opaque;

	p->p61 = val & P61_RW;
	set_gate(&p->ch[2], val & P61_GATE2, now_ticks(p));
}

static const struct region_ops timer_ops = {
	.read = timer_read, .write = timer_write, .min = 1, .max = 1};
static const struct region_ops speaker_ops = {
	.read = speaker_read, .write = speaker_write, .min = 1, .max = 1};

void pit_reset(struct pit *p)
{
	pthread_mutex_lock(&p->lock);
	for (unsigned i = 0; i < 3; i++)
		p->ch[i] = (struct channel){.mode = 0, .rw = RW_WORD, .n = 0x10000, .gate = i != 2};
	p->p61 = 0;
	p->edge_tick = -1;
	vtimer_disarm(&p->edge);
	set_irq(p, false);
	pthread_mutex_unlock(&p->lock);
}

struct pit *pit_new(struct aspace *io, struct wire irq, struct vclock *clk)
{
	struct pit *p = g_new0(struct pit, 1);

	pthread_mutex_init(&p->lock, NULL);
	p->io = io;
	p->irq = irq;
	p->clk = clk;
	vtimer_init(&p->edge, clk, edge_due, p);
	pit_reset(p);
	region_init_io(&p->timer, "pit", 4, &timer_ops, p);
	region_init_io(&p->speaker, "speaker", 1, &speaker_ops, p);
	p->timer.lock = p->speaker.lock = &p->lock;
	p->timer_map = aspace_map(io, &p->timer, 0x40, 0, 4, 0);
	p->speaker_map = aspace_map(io, &p->speaker, 0x61, 0, 1, 0);
	return p;
}

void pit_free(struct pit *p)
{
	if (!p)
		return;
	aspace_unmap(p->io, p->timer_map);
	aspace_unmap(p->io, p->speaker_map);
	aspace_sync();
	vtimer_disarm(&p->edge);
	pthread_mutex_destroy(&p->lock);
	g_free(p);
}
