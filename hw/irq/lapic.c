// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the registers of the local APICs: the xAPIC page, the x2APIC's MSRs, IA32_APIC_BASE, resets.
 * Created by accel/soft.c; entered by the CPUs' threads.  Never decides who gets an interrupt
 * (lapic_bus.c) nor when the timer ends (lapic_timer.c).
 */
#include "hw/irq/lapic_int.h"

#include <glib.h>
#include <string.h>

#define VERSION (0x14u | (LVTS - 1) << 16 | 1u << 24) /* bit 24: SVR_NO_BROADCAST works */
#define BASE_DEFAULT 0xfee00000ull
#define BASE_WRITABLE (APIC_BASE_BSP | APIC_BASE_X2APIC | APIC_BASE_ENABLE | APIC_BASE_ADDR)

#define SVR_WRITABLE (0xffu | SVR_ENABLE | 1u << 9 | SVR_NO_BROADCAST)
#define LVT_READ_ONLY (LVT_STATUS | LVT_REMOTE_IRR)
#define LVT_BASIC (LVT_VECTOR | LVT_STATUS | LVT_MASKED)
#define LVT_INPUT (LVT_BASIC | LVT_MODE)
#define LVT_PIN (LVT_INPUT | LVT_POLARITY | LVT_REMOTE_IRR | LVT_LEVEL)
#define ICR_STATUS (1u << 12)
#define ICR_WRITABLE 0x000cdfffu

/* Registers by offset / 16, which is also the MSR's number from 0x800 on (SDM 3A, table 11-6). */
enum reg {
	REG_ID = 0x02,
	REG_VERSION = 0x03,
	REG_TPR = 0x08,
	REG_APR = 0x09,
	REG_PPR = 0x0a,
	REG_EOI = 0x0b,
	REG_RRD = 0x0c,
	REG_LDR = 0x0d,
	REG_DFR = 0x0e,
	REG_SVR = 0x0f,
	REG_ISR = 0x10,
	REG_TMR = 0x18,
	REG_IRR = 0x20,
	REG_ESR = 0x28,
	REG_ICR = 0x30,
	REG_ICR_HIGH = 0x31,
	REG_LVT = 0x32,
	REG_INITIAL = 0x38,
	REG_COUNT = 0x39,
	REG_DIVIDE = 0x3e,
	REG_SELF_IPI = 0x3f,
	REGS = 0x40
};

/* How a register exists: in the page (1), as an MSR (2). */
enum { R1 = 1, W1 = 2, R2 = 4, W2 = 8, RO = R1 | R2, WO = W1 | W2, RW = RO | WO };

struct rule {
	uint8_t how;
	uint32_t writable; /* an MSR refuses other bits, the page drops them */
};

/* APR and RRD are there, but no processor that has x2APIC arbitrates by them. */
static const struct rule rules[REGS] = {
	[REG_ID] = {RO | W1, 0},
	[REG_VERSION] = {RO, 0},
	[REG_TPR] = {RW, 0xff},
	[REG_APR] = {R1, 0},
	[REG_PPR] = {RO, 0},
	[REG_EOI] = {WO | R1, 0},
	[REG_RRD] = {R1, 0},
	[REG_LDR] = {RO | W1, 0xff000000},
	[REG_DFR] = {R1 | W1, 0xf0000000},
	[REG_SVR] = {RW, SVR_WRITABLE},
	[REG_ISR... REG_IRR + 7] = {RO, 0},
	[REG_ESR] = {RW, 0},
	[REG_ICR] = {RW, ICR_WRITABLE},
	[REG_ICR_HIGH] = {R1 | W1, 0xff000000},
	[REG_LVT + LVT_TIMER] = {RW, LVT_BASIC | LVT_TIMER_MODE},
	[REG_LVT + LVT_THERMAL... REG_LVT + LVT_PERF] = {RW, LVT_INPUT},
	[REG_LVT + LVT_LINT0... REG_LVT + LVT_LINT1] = {RW, LVT_PIN},
	[REG_LVT + LVT_ERROR] = {RW, LVT_BASIC},
	[REG_INITIAL] = {RW, UINT32_MAX},
	[REG_COUNT] = {RO, 0},
	[REG_DIVIDE] = {RW, 0xb},
	[REG_SELF_IPI] = {W2, 0xff},
};

/* --- resets --------------------------------------------------------------------------------- */

/* SDM 3A, 11.12.10.2. */
static uint32_t x2apic_ldr(const struct lapic *l)
{
	return (l->id >> 4) << 16 | 1u << (l->id & 0xf);
}

/* Lock held: the state after power-up and INIT (SDM 3A, 11.4.7.1, 11.4.7.3), but for the base. */
static void registers_reset(struct lapic *l)
{
	lapic_timer_reset(l);
	l->tpr = 0;
	l->ldr = lapic_x2apic(l) ? x2apic_ldr(l) : 0;
	l->dfr = UINT32_MAX;
	l->svr = 0xff;
	memset(l->isr, 0, sizeof(l->isr));
	memset(l->tmr, 0, sizeof(l->tmr));
	memset(l->irr, 0, sizeof(l->irr));
	l->esr = l->errors = 0;
	l->icr = l->icr_high = 0;
	for (unsigned i = 0; i < LVTS; i++)
		l->lvt[i] = LVT_MASKED;
	l->extint = false;
	l->broadcast = -1;
}

void lapic_init(struct lapic *l)
{
	lapics_lock(l->s);
	registers_reset(l);
	l->latched &= ~LAPIC_EV_NMI;
	lapic_update(l);
	lapics_unlock(l->s);
}

void lapics_reset(struct lapics *s)
{
	lapics_lock(s);
	for (unsigned i = 0; i < s->cpus; i++) {
		struct lapic *l = &s->cpu[i];

		l->base = BASE_DEFAULT | APIC_BASE_ENABLE | (i ? 0 : APIC_BASE_BSP);
		l->latched = 0;
		registers_reset(l);
		lapic_update(l);
	}
	lapics_unlock(s);
}

struct lapics *lapics_new(unsigned cpus, struct vclock *clock, const struct lapics_ops *ops,
			  void *opaque)
{
	struct lapics *s = g_malloc0(sizeof(*s) + cpus * sizeof(s->cpu[0]));

	pthread_mutex_init(&s->lock, NULL);
	s->ops = ops;
	s->opaque = opaque;
	s->clock = clock;
	s->cpus = cpus;
	for (unsigned i = 0; i < cpus; i++) {
		s->cpu[i].s = s;
		s->cpu[i].id = i;
		lapic_timer_init(&s->cpu[i]);
	}
	lapics_reset(s);
	return s;
}

void lapics_free(struct lapics *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->cpus; i++)
		vtimer_disarm(&s->cpu[i].timer.vt);
	pthread_mutex_destroy(&s->lock);
	g_free(s);
}

struct lapic *lapics_get(struct lapics *s, unsigned cpu)
{
	return cpu < s->cpus ? &s->cpu[cpu] : NULL;
}

/* --- registers, lock held ------------------------------------------------------------------- */

static uint32_t reg_read(const struct lapic *l, unsigned reg)
{
	switch (reg) {
	case REG_ID:
		return lapic_x2apic(l) ? l->id : l->id << 24;
	case REG_VERSION:
		return VERSION;
	case REG_TPR:
		return l->tpr;
	case REG_PPR:
		return lapic_ppr(l);
	case REG_LDR:
		return l->ldr;
	case REG_DFR:
		return l->dfr;
	case REG_SVR:
		return l->svr;
	case REG_ISR ... REG_ISR + 7:
		return l->isr[reg - REG_ISR];
	case REG_TMR ... REG_TMR + 7:
		return l->tmr[reg - REG_TMR];
	case REG_IRR ... REG_IRR + 7:
		return l->irr[reg - REG_IRR];
	case REG_ESR:
		return l->esr;
	case REG_ICR:
		return l->icr;
	case REG_ICR_HIGH:
		return l->icr_high;
	case REG_LVT ... REG_LVT + LVTS - 1:
		return l->lvt[reg - REG_LVT];
	case REG_INITIAL:
		return l->timer.initial;
	case REG_COUNT:
		return lapic_timer_count(l);
	case REG_DIVIDE:
		return l->timer.divide;
	default:
		return 0;
	}
}

/* An APIC that software disabled masks its local vectors, and keeps them so (11.4.7.2). */
static void svr_write(struct lapic *l, uint32_t val)
{
	l->svr = val;
	if (val & SVR_ENABLE)
		return;
	for (unsigned i = 0; i < LVTS; i++)
		l->lvt[i] |= LVT_MASKED;
}

static bool keeps_remote_irr(uint32_t lvt)
{
	return (lvt & LVT_LEVEL) && (lvt & LVT_MODE) == 0;
}

static void lvt_write(struct lapic *l, enum lvt i, uint32_t val)
{
	val &= ~LVT_READ_ONLY;
	if (!lapic_sw_enabled(l))
		val |= LVT_MASKED;
	if (keeps_remote_irr(val))
		val |= l->lvt[i] & LVT_REMOTE_IRR;
	if (i == LVT_TIMER)
		lapic_timer_set_lvt(l, val);
	else
		l->lvt[i] = val;
	if (i == LVT_LINT0)
		lapic_lint0(l, false);
}

/* Shows what came since the last write, and lets errors interrupt again (SDM 3A, 11.5.3). */
static void esr_write(struct lapic *l)
{
	l->esr = l->errors;
	l->errors = 0;
}

static void reg_write(struct lapic *l, unsigned reg, uint32_t val)
{
	val &= rules[reg].writable;
	switch (reg) {
	case REG_TPR:
		l->tpr = val;
		break;
	case REG_EOI:
		lapic_end(l);
		break;
	case REG_LDR:
		l->ldr = val;
		break;
	case REG_DFR:
		l->dfr = val | 0x0fffffff;
		break;
	case REG_SVR:
		svr_write(l, val);
		break;
	case REG_ESR:
		esr_write(l);
		break;
	case REG_ICR:
		l->icr = val & ~ICR_STATUS;
		lapic_send(l);
		break;
	case REG_ICR_HIGH:
		l->icr_high = val;
		break;
	case REG_LVT ... REG_LVT + LVTS - 1:
		lvt_write(l, (enum lvt)(reg - REG_LVT), val);
		break;
	case REG_INITIAL:
		lapic_timer_set_initial(l, val);
		break;
	case REG_DIVIDE:
		lapic_timer_set_divide(l, val);
		break;
	case REG_SELF_IPI:
		lapic_send_self(l, (uint8_t)val);
		break;
	}
	lapic_update(l);
}

/* After the register: the lock goes, then the IO-APIC hears of the EOI. */
static void finish(struct lapic *l)
{
	int vector = l->broadcast;

	l->broadcast = -1;
	lapics_unlock(l->s);
	if (vector >= 0 && l->s->ops->eoi)
		l->s->ops->eoi(l->s->opaque, (uint8_t)vector);
}

/* --- the page ------------------------------------------------------------------------------- */

/* The register at an offset, or REGS where that address is illegal (SDM 3A, 11.5.3, bit 7). */
static unsigned reg_at(uint32_t off)
{
	unsigned reg = off / 16;

	return reg < REGS && (rules[reg].how & (R1 | W1)) ? reg : REGS;
}

uint32_t lapic_read(struct lapic *l, uint32_t off)
{
	unsigned reg = reg_at(off);
	uint32_t val = 0;

	if (!lapic_mmio_enabled(l))
		return UINT32_MAX;
	if (off & 0xf)
		return 0;
	lapics_lock(l->s);
	if (reg == REGS)
		lapic_error(l, ESR_ILLEGAL_REG);
	else
		val = reg_read(l, reg);
	lapics_unlock(l->s);
	return val;
}

void lapic_write(struct lapic *l, uint32_t off, uint32_t val)
{
	unsigned reg = reg_at(off);

	if (!lapic_mmio_enabled(l) || off & 0xf)
		return;
	lapics_lock(l->s);
	if (reg == REGS)
		lapic_error(l, ESR_ILLEGAL_REG);
	else if (rules[reg].how & W1)
		reg_write(l, reg, val);
	finish(l);
}

/* --- MSRs ----------------------------------------------------------------------------------- */

/* What may follow what (SDM 3A, 11.12.5, figure 11-27). */
static bool legal_transition(uint64_t from, uint64_t to)
{
	from &= APIC_BASE_ENABLE | APIC_BASE_X2APIC;
	to &= APIC_BASE_ENABLE | APIC_BASE_X2APIC;
	switch (to) {
	case 0:
		return true;
	case APIC_BASE_ENABLE:
		return !(from & APIC_BASE_X2APIC);
	case APIC_BASE_ENABLE | APIC_BASE_X2APIC:
		return from & APIC_BASE_ENABLE;
	default:
		return false;
	}
}

/* Disabling loses the registers (SDM 3A, 11.4.3); the others change their form only. */
static bool base_write(struct lapic *l, uint64_t val)
{
	bool was_x2apic = lapic_x2apic(l);

	if ((val & ~BASE_WRITABLE) || !legal_transition(l->base, val))
		return false;
	lapics_lock(l->s);
	l->base = val;
	if (!lapic_hw_enabled(l)) {
		registers_reset(l);
	} else if (lapic_x2apic(l) && !was_x2apic) {
		l->ldr = x2apic_ldr(l);
		l->icr_high = 0;
	}
	lapic_update(l);
	lapics_unlock(l->s);
	return true;
}

static bool x2apic_reg(const struct lapic *l, uint32_t msr, uint8_t how)
{
	uint32_t reg = msr - MSR_X2APIC_FIRST;

	return lapic_x2apic(l) && reg < REGS && (rules[reg].how & how);
}

static uint64_t x2apic_read(struct lapic *l, unsigned reg)
{
	uint64_t val;

	lapics_lock(l->s);
	val = reg_read(l, reg);
	if (reg == REG_ICR)
		val |= (uint64_t)l->icr_high << 32;
	lapics_unlock(l->s);
	return val;
}

static bool x2apic_write(struct lapic *l, unsigned reg, uint64_t val)
{
	uint64_t writable = rules[reg].writable;

	if (reg == REG_ICR)
		writable |= 0xffffffffull << 32;
	if (val & ~writable)
		return false;
	lapics_lock(l->s);
	if (reg == REG_ICR)
		l->icr_high = (uint32_t)(val >> 32);
	reg_write(l, reg, (uint32_t)val);
	finish(l);
	return true;
}

bool lapic_msr_read(struct lapic *l, uint32_t msr, uint64_t *val)
{
	if (msr == MSR_APIC_BASE) {
		*val = l->base;
		return true;
	}
	if (msr == MSR_TSC_DEADLINE) {
		lapics_lock(l->s);
		*val = l->timer.deadline;
		lapics_unlock(l->s);
		return true;
	}
	if (!x2apic_reg(l, msr, R2))
		return false;
	*val = x2apic_read(l, msr - MSR_X2APIC_FIRST);
	return true;
}

bool lapic_msr_write(struct lapic *l, uint32_t msr, uint64_t val)
{
	if (msr == MSR_APIC_BASE)
		return base_write(l, val);
	if (msr == MSR_TSC_DEADLINE) {
		lapics_lock(l->s);
		lapic_timer_set_deadline(l, val);
		lapics_unlock(l->s);
		return true;
	}
	return x2apic_reg(l, msr, W2) && x2apic_write(l, msr - MSR_X2APIC_FIRST, val);
}

/* --- what the CPU keeps here ---------------------------------------------------------------- */

uint64_t lapic_base(const struct lapic *l)
{
	return l->base;
}

bool lapic_mmio_enabled(const struct lapic *l)
{
	return lapic_hw_enabled(l) && !lapic_x2apic(l);
}

/* Only this thread writes TPR. */
uint64_t lapic_cr8(const struct lapic *l)
{
	return l->tpr >> 4;
}

void lapic_set_cr8(struct lapic *l, uint64_t v)
{
	uint32_t tpr = (uint32_t)(v & 0xf) << 4;

	if (l->tpr == tpr)
		return;
	lapics_lock(l->s);
	l->tpr = tpr;
	lapic_update(l);
	lapics_unlock(l->s);
}

void lapic_set_tsc_offset(struct lapic *l, int64_t off)
{
	lapics_lock(l->s);
	lapic_timer_set_offset(l, off);
	lapics_unlock(l->s);
}
