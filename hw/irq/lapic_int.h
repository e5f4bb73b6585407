/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the local APICs share: lapic.c (registers), lapic_bus.c (messages, priorities,
 * events), lapic_timer.c.
 *
 * Invariants: everything here needs the lock unless it says otherwise.  A function that may change
 * what the CPU has to look at ends in lapic_update(), which notes a kick; lapics_unlock() gives it.
 */
#ifndef HW_IRQ_LAPIC_INT_H
#define HW_IRQ_LAPIC_INT_H

#include <pthread.h>

#include "hw/irq/lapic.h"

#define LAPIC_VECTORS 256
#define LAPIC_FIRST_VECTOR 16 /* lower ones are illegal (SDM 3A, 11.5.2) */

/* ICR and LVT (SDM 3A, 11.6.1, 11.5.1). */
enum lapic_mode {
	MODE_FIXED,
	MODE_LOWEST,
	MODE_SMI,
	MODE_RESERVED,
	MODE_NMI,
	MODE_INIT,
	MODE_SIPI,
	MODE_EXTINT
};
#define LVT_VECTOR 0xffu
#define LVT_MODE 0x700u
#define LVT_STATUS (1u << 12)
#define LVT_POLARITY (1u << 13)
#define LVT_REMOTE_IRR (1u << 14)
#define LVT_LEVEL (1u << 15)
#define LVT_MASKED (1u << 16)
#define LVT_TIMER_PERIODIC (1u << 17)
#define LVT_TIMER_DEADLINE (1u << 18)
#define LVT_TIMER_MODE (LVT_TIMER_PERIODIC | LVT_TIMER_DEADLINE)

#define SVR_ENABLE (1u << 8)
#define SVR_NO_BROADCAST (1u << 12)

enum { ESR_SEND_ILLEGAL = 0x20, ESR_RECV_ILLEGAL = 0x40, ESR_ILLEGAL_REG = 0x80 };

enum lvt { LVT_TIMER, LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVTS };

struct lapic_timer {
	struct vtimer vt;
	uint32_t initial, divide; /* registers */
	uint64_t deadline;        /* IA32_TSC_DEADLINE; 0 in the other modes */
	int64_t tsc_off;
	int64_t expiry; /* ns of the clock; -1 = does not count */
};

struct lapic {
	struct lapics *s;
	unsigned id;
	uint32_t events; /* atomic; written under the lock */

	uint64_t base; /* changed only by the CPU's own thread, and by reset */
	uint32_t tpr, ldr, dfr, svr;
	uint32_t isr[LAPIC_VECTORS / 32], tmr[LAPIC_VECTORS / 32], irr[LAPIC_VECTORS / 32];
	uint32_t esr, errors; /* what software sees, what came since it last looked */
	uint32_t icr, icr_high;
	uint32_t lvt[LVTS];
	struct lapic_timer timer;

	unsigned latched; /* LAPIC_EV_NMI, _INIT, _SIPI */
	uint8_t sipi_vector;
	bool extint;   /* one came as a message */
	int broadcast; /* vector whose EOI the IO-APIC is to hear; -1 = none */
};

struct lapics {
	pthread_mutex_t lock;
	const struct lapics_ops *ops;
	void *opaque;
	struct vclock *clock;
	bool lint0; /* the PIC's output */
	bool kick;  /* some bit of kicks is set */
	uint64_t kicks[(LAPICS_MAX + 63) / 64];
	unsigned cpus;
	struct lapic cpu[];
};

static inline bool lapic_hw_enabled(const struct lapic *l)
{
	return l->base & APIC_BASE_ENABLE;
}

static inline bool lapic_x2apic(const struct lapic *l)
{
	return (l->base & APIC_BASE_ENABLE) && (l->base & APIC_BASE_X2APIC);
}

static inline bool lapic_sw_enabled(const struct lapic *l)
{
	return lapic_hw_enabled(l) && (l->svr & SVR_ENABLE);
}

/* --- lapic_bus.c ---------------------------------------------------------------------------- */

void lapics_lock(struct lapics *s);   /* without the lock */
void lapics_unlock(struct lapics *s); /* then kicks whom lapic_update() noted */

void lapic_update(struct lapic *l); /* recompute what lapic_events() says */
uint8_t lapic_ppr(const struct lapic *l);
void lapic_error(struct lapic *l, unsigned esr_bit);
void lapic_local(struct lapic *l, enum lvt i); /* the source of a local vector fires */
void lapic_lint0(struct lapic *l, bool rise);  /* the pin or its vector's state changed */
void lapic_end(struct lapic *l);               /* EOI; sets broadcast */
void lapic_send(struct lapic *l);              /* what ICR says */
void lapic_send_self(struct lapic *l, uint8_t vector);

/* --- lapic_timer.c -------------------------------------------------------------------------- */

void lapic_timer_init(struct lapic *l);
void lapic_timer_reset(struct lapic *l); /* but keeps the TSC's offset */
uint32_t lapic_timer_count(const struct lapic *l);
void lapic_timer_set_initial(struct lapic *l, uint32_t val);
void lapic_timer_set_divide(struct lapic *l, uint32_t val);
void lapic_timer_set_lvt(struct lapic *l, uint32_t lvt);
void lapic_timer_set_deadline(struct lapic *l, uint64_t val);
void lapic_timer_set_offset(struct lapic *l, int64_t off);

#endif
