// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns what goes between the local APICs and into them: destinations, acceptance, priorities, EOI,
 * LINT0, and the word of events that a CPU watches.  Called by lapic.c, and by chips and devices
 * with messages and the PIC's level.  Never runs a callback with the lock held.
 */
#include "hw/irq/lapic_int.h"

#include <string.h>

enum { SHORT_NONE, SHORT_SELF, SHORT_ALL, SHORT_OTHERS };

/* ICR (SDM 3A, 11.6.1). */
#define ICR_LOGICAL (1u << 11)
#define ICR_ASSERT (1u << 14)
#define ICR_LEVEL (1u << 15)
#define ICR_SHORTHAND_SHIFT 18

/* Message address and data (SDM 3A, 11.11). */
#define MSI_BASE 0xfeeull
#define MSI_BASE_SHIFT 20
#define MSI_LOGICAL (1u << 2)
#define MSI_REDIRECT (1u << 3)
#define MSI_ASSERT (1u << 14)
#define MSI_LEVEL (1u << 15)

/* One message on the bus. */
struct message {
	uint32_t dest;
	unsigned shorthand;
	const struct lapic *from; /* whom a shorthand is relative to */
	bool wide;                /* dest has 32 bits: an IPI in x2APIC mode */
	bool logical, level;
	bool lowest; /* one of those addressed, not all */
	enum lapic_mode mode;
	uint8_t vector;
};

/* --- the lock, and whom to kick after it ---------------------------------------------------- */

void lapics_lock(struct lapics *s)
{
	pthread_mutex_lock(&s->lock);
}

void lapics_unlock(struct lapics *s)
{
	uint64_t kicks[sizeof(s->kicks) / sizeof(s->kicks[0])];
	bool kick = s->kick;

	if (kick) {
		memcpy(kicks, s->kicks, sizeof(kicks));
		memset(s->kicks, 0, sizeof(s->kicks));
		s->kick = false;
	}
	pthread_mutex_unlock(&s->lock);
	for (unsigned i = 0; kick && i < s->cpus; i++)
		if (kicks[i / 64] >> (i % 64) & 1)
			s->ops->kick(s->opaque, i);
}

/* --- priorities ----------------------------------------------------------------------------- */

static bool test_bit(const uint32_t *set, uint8_t vector)
{
	return set[vector / 32] >> (vector % 32) & 1;
}

static void put_bit(uint32_t *set, uint8_t vector, bool on)
{
	if (on)
		set[vector / 32] |= 1u << (vector % 32);
	else
		set[vector / 32] &= ~(1u << (vector % 32));
}

/* Vectors below 16 are never set, so 0 is none. */
static uint8_t highest(const uint32_t *set)
{
	for (int i = LAPIC_VECTORS / 32 - 1; i >= 0; i--)
		if (set[i])
			return (uint8_t)(i * 32 + 31 - __builtin_clz(set[i]));
	return 0;
}

/* SDM 3A, 11.8.3.1. */
uint8_t lapic_ppr(const struct lapic *l)
{
	uint8_t served = highest(l->isr) & 0xf0;

	return (l->tpr & 0xf0) >= served ? (uint8_t)l->tpr : served;
}

/* The vector that the CPU would get now; 0 = none. */
static uint8_t deliverable(const struct lapic *l)
{
	uint8_t vector = highest(l->irr);

	return lapic_hw_enabled(l) && vector >> 4 > lapic_ppr(l) >> 4 ? vector : 0;
}

static enum lapic_mode lvt_mode(uint32_t lvt)
{
	return (enum lapic_mode)((lvt & LVT_MODE) >> 8);
}

/* An ExtINT has no priority; it waits for nothing but the CPU's IF. */
static bool extint(const struct lapic *l)
{
	uint32_t lvt = l->lvt[LVT_LINT0];

	if (l->extint)
		return true;
	if (l->id != 0 || !l->s->lint0)
		return false;
	return !lapic_sw_enabled(l) || (!(lvt & LVT_MASKED) && lvt_mode(lvt) == MODE_EXTINT);
}

void lapic_update(struct lapic *l)
{
	uint32_t old = __atomic_load_n(&l->events, __ATOMIC_RELAXED), ev = l->latched;

	if (deliverable(l) || extint(l))
		ev |= LAPIC_EV_INTR;
	__atomic_store_n(&l->events, ev, __ATOMIC_SEQ_CST);
	if (ev & ~old) {
		l->s->kicks[l->id / 64] |= 1ull << (l->id % 64);
		l->s->kick = true;
	}
}

/* --- acceptance ----------------------------------------------------------------------------- */

/* An error interrupt for the first of what the next write to ESR shows (SDM 3A, 11.5.3). */
void lapic_error(struct lapic *l, unsigned esr_bit)
{
	bool first = !l->errors;

	l->errors |= esr_bit;
	if (first)
		lapic_local(l, LVT_ERROR);
}

/* SDM 3A, 11.8.4.  An APIC that software disabled keeps what it has but takes no more. */
static void accept_vector(struct lapic *l, uint8_t vector, bool level)
{
	if (!lapic_sw_enabled(l))
		return;
	if (vector < LAPIC_FIRST_VECTOR) {
		lapic_error(l, ESR_RECV_ILLEGAL);
		return;
	}
	put_bit(l->irr, vector, true);
	put_bit(l->tmr, vector, level);
	lapic_update(l);
}

static void latch(struct lapic *l, unsigned ev)
{
	if (ev == LAPIC_EV_INIT)
		l->latched &= ~LAPIC_EV_SIPI; /* it was for the state before this INIT */
	l->latched |= ev;
	lapic_update(l);
}

static void accept(struct lapic *l, enum lapic_mode mode, uint8_t vector, bool level)
{
	switch (mode) {
	case MODE_FIXED:
	case MODE_LOWEST:
		accept_vector(l, vector, level);
		break;
	case MODE_NMI:
		latch(l, LAPIC_EV_NMI);
		break;
	case MODE_INIT:
		latch(l, LAPIC_EV_INIT);
		break;
	case MODE_SIPI:
		__atomic_store_n(&l->sipi_vector, vector, __ATOMIC_RELAXED);
		latch(l, LAPIC_EV_SIPI);
		break;
	case MODE_EXTINT:
		l->extint = true;
		lapic_update(l);
		break;
	default: /* there is no SMM */
		break;
	}
}

void lapic_local(struct lapic *l, enum lvt i)
{
	if (!(l->lvt[i] & LVT_MASKED))
		accept(l, lvt_mode(l->lvt[i]), (uint8_t)(l->lvt[i] & LVT_VECTOR), false);
}

/* --- LINT0 of CPU 0 ------------------------------------------------------------------------- */

/* Only fixed interrupts know levels (SDM 3A, 11.5.1, "Trigger Mode"). */
static bool lint0_is_level(uint32_t lvt)
{
	return (lvt & LVT_LEVEL) && lvt_mode(lvt) == MODE_FIXED;
}

void lapic_lint0(struct lapic *l, bool rise)
{
	uint32_t *lvt = &l->lvt[LVT_LINT0];
	uint8_t vector = *lvt & LVT_VECTOR;

	if (l->id == 0 && !(*lvt & LVT_MASKED) && lint0_is_level(*lvt)) {
		if (l->s->lint0 && !(*lvt & LVT_REMOTE_IRR)) {
			if (vector >= LAPIC_FIRST_VECTOR)
				*lvt |= LVT_REMOTE_IRR;
			accept_vector(l, vector, true);
		}
	} else if (rise && lapic_hw_enabled(l) && lvt_mode(*lvt) != MODE_EXTINT) {
		lapic_local(l, LVT_LINT0);
	}
	lapic_update(l); /* the level itself is the ExtINT */
}

void lapics_extint(struct lapics *s, bool level)
{
	bool rise;

	lapics_lock(s);
	rise = level && !s->lint0;
	s->lint0 = level;
	lapic_lint0(&s->cpu[0], rise);
	lapics_unlock(s);
}

/* --- destinations --------------------------------------------------------------------------- */

/* Flat or cluster model (SDM 3A, 11.6.2.2); what DFR says beyond these addresses nobody. */
static bool match_xapic_logical(const struct lapic *l, uint32_t dest)
{
	uint32_t ldr = l->ldr >> 24;

	if (dest > 0xff)
		return false;
	switch (l->dfr >> 28) {
	case 0xf:
		return ldr & dest;
	case 0:
		return ldr >> 4 == dest >> 4 && (ldr & dest & 0xf);
	default:
		return false;
	}
}

/* Cluster and members, 16 bits each (SDM 3A, 11.12.10.1). */
static bool match_logical(const struct lapic *l, uint32_t dest)
{
	if (!lapic_x2apic(l))
		return match_xapic_logical(l, dest);
	return l->ldr >> 16 == dest >> 16 && (l->ldr & dest & 0xffff);
}

static bool addressed(const struct lapic *l, const struct message *m)
{
	if (!lapic_hw_enabled(l))
		return false;
	switch (m->shorthand) {
	case SHORT_SELF:
		return l == m->from;
	case SHORT_ALL:
		return true;
	case SHORT_OTHERS:
		return l != m->from;
	}
	if (m->dest == (m->wide ? UINT32_MAX : 0xff))
		return true;
	return m->logical ? match_logical(l, m->dest) : m->dest == l->id;
}

/*
 * Lowest priority (SDM 3A, 11.6.2.4): of those addressed whose APIC takes interrupts, the lowest
 * PPR, then the lowest id, so that a run can be repeated.
 */
static struct lapic *arbitrate(struct lapics *s, const struct message *m)
{
	struct lapic *best = NULL;

	for (unsigned i = 0; i < s->cpus; i++) {
		struct lapic *l = &s->cpu[i];

		if (addressed(l, m) && lapic_sw_enabled(l) &&
		    (!best || lapic_ppr(l) < lapic_ppr(best)))
			best = l;
	}
	return best;
}

static void deliver(struct lapics *s, const struct message *m)
{
	struct lapic *one;

	if (m->lowest) {
		one = arbitrate(s, m);
		if (one)
			accept(one, m->mode, m->vector, m->level);
		return;
	}
	for (unsigned i = 0; i < s->cpus; i++)
		if (addressed(&s->cpu[i], m))
			accept(&s->cpu[i], m->mode, m->vector, m->level);
}

/* --- senders -------------------------------------------------------------------------------- */

static bool has_vector(enum lapic_mode mode)
{
	return mode == MODE_FIXED || mode == MODE_LOWEST;
}

void lapics_msi(struct lapics *s, struct msi_msg msg)
{
	uint32_t addr = (uint32_t)msg.addr;
	enum lapic_mode mode = (enum lapic_mode)(msg.data >> 8 & 7);
	struct message m = {
		.dest = (addr >> 12 & 0xff) | (addr >> 5 & 0x7f) << 8,
		.logical = addr & MSI_LOGICAL,
		.level = msg.data & MSI_LEVEL,
		.lowest = mode == MODE_LOWEST || (mode == MODE_FIXED && (addr & MSI_REDIRECT)),
		.mode = mode,
		.vector = msg.data & 0xff,
	};

	if (msg.addr >> MSI_BASE_SHIFT != MSI_BASE || mode == MODE_SIPI)
		return;
	if ((msg.data & MSI_LEVEL) && !(msg.data & MSI_ASSERT))
		return;
	lapics_lock(s);
	deliver(s, &m);
	lapics_unlock(s);
}

/*
 * Level deassertion is the "INIT level de-assert", which sets arbitration ids that no one has any
 * more; asserted, an IPI is an edge whatever bit 15 says (SDM 3A, 11.6.1, table 11-3).
 */
void lapic_send(struct lapic *l)
{
	struct message m = {
		.dest = lapic_x2apic(l) ? l->icr_high : l->icr_high >> 24,
		.shorthand = l->icr >> ICR_SHORTHAND_SHIFT & 3,
		.from = l,
		.wide = lapic_x2apic(l),
		.logical = l->icr & ICR_LOGICAL,
		.mode = lvt_mode(l->icr),
		.vector = l->icr & 0xff,
	};

	m.lowest = m.mode == MODE_LOWEST;
	if (m.mode == MODE_EXTINT || ((l->icr & ICR_LEVEL) && !(l->icr & ICR_ASSERT)))
		return;
	if (has_vector(m.mode) && m.vector < LAPIC_FIRST_VECTOR)
		lapic_error(l, ESR_SEND_ILLEGAL);
	else
		deliver(l->s, &m);
}

void lapic_send_self(struct lapic *l, uint8_t vector)
{
	if (vector < LAPIC_FIRST_VECTOR)
		lapic_error(l, ESR_SEND_ILLEGAL);
	else
		accept_vector(l, vector, false);
}

/* --- the CPU -------------------------------------------------------------------------------- */

unsigned lapic_events(const struct lapic *l)
{
	return __atomic_load_n(&l->events, __ATOMIC_SEQ_CST);
}

int lapic_ack(struct lapic *l)
{
	int vector;

	lapics_lock(l->s);
	if (extint(l)) {
		l->extint = false;
		vector = -1;
	} else if ((vector = deliverable(l))) {
		put_bit(l->irr, (uint8_t)vector, false);
		put_bit(l->isr, (uint8_t)vector, true);
	} else {
		vector = lapic_hw_enabled(l) ? (int)(l->svr & LVT_VECTOR) : -1;
	}
	lapic_update(l);
	lapics_unlock(l->s);
	return vector;
}

void lapic_end(struct lapic *l)
{
	uint32_t *lint0 = &l->lvt[LVT_LINT0];
	uint8_t vector = highest(l->isr);

	if (!vector)
		return;
	put_bit(l->isr, vector, false);
	if (test_bit(l->tmr, vector)) {
		if (!(l->svr & SVR_NO_BROADCAST))
			l->broadcast = vector;
		if ((*lint0 & LVT_REMOTE_IRR) && (*lint0 & LVT_VECTOR) == vector)
			*lint0 &= ~LVT_REMOTE_IRR;
		lapic_lint0(l, false);
	}
	lapic_update(l);
}

void lapic_take(struct lapic *l, unsigned ev)
{
	lapics_lock(l->s);
	l->latched &= ~ev;
	lapic_update(l);
	lapics_unlock(l->s);
}

uint8_t lapic_sipi_vector(const struct lapic *l)
{
	return __atomic_load_n(&l->sipi_vector, __ATOMIC_RELAXED);
}
