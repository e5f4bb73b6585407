// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the soft CPU as an accelerator (-accel soft, or tcg): the CPUs of cpu/ with the local APICs
 * and the interrupt lines of hw/irq around them.  Called through soft_accel_ops; all CPUs run in
 * turn on one thread (accel_ops.one_thread), which sleeps here while none has anything to do.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "accel/vcpu.h"
#include "base/err.h"
#include "base/vclock.h"
#include "cpu/cpu.h"
#include "hw/irq/lapic.h"
#include "hw/irq/softirq.h"

enum {
	PHYS_BITS = 40,
	SLICE_ALONE = 20000000, /* instructions; a kick ends a slice, too */
	SLICE_SHARED = 50000,
	DUE_ROUNDS = 16, /* of timers, before the CPUs get their turn in any case */
};

/* ns: a timer that far away never comes; time would not fit behind it. */
#define NEVER (INT64_MAX / 2)

struct soft_cpu {
	struct soft *soft;
	struct lapic *lapic;
	struct x86_cpu *x86;
};

struct soft {
	struct accel accel;
	struct cpu_spec spec;
	struct cpu_topology topology;
	struct cpuid_table supported;
	struct vclock *clock;
	struct lapics *lapics;
	struct softirq *irq;
	struct x86_set *set;
	struct soft_cpu *cpu;
	/*
	 * clock=insn: a nanosecond is an instruction of any CPU; where all of them wait, time
	 * jumps to the next deadline.
	 */
	bool insn, eoi_told;
	int64_t jumped;
	uint64_t retired; /* in earlier turns */
	struct x86_cpu *running;
	uint64_t run_start;
	unsigned idle; /* CPUs asked in a row that had nothing to do */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool poked;      /* under lock */
	uint64_t eoi[4]; /* vectors that ended and nobody was told of; the CPUs' thread only */
};

static struct soft *soft_of(struct accel *a)
{
	return (struct soft *)a;
}

/* --- waking --- */

static void poke(struct soft *s)
{
	pthread_mutex_lock(&s->lock);
	s->poked = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

static void sleep_until_poked(struct soft *s)
{
	pthread_mutex_lock(&s->lock);
	while (!s->poked)
		pthread_cond_wait(&s->wake, &s->lock);
	s->poked = false;
	pthread_mutex_unlock(&s->lock);
}

static void soft_kick(struct vcpu *v)
{
	struct soft *s = soft_of(v->accel);

	for (unsigned i = 0; i < s->accel.cpus; i++)
		if (s->cpu[i].x86)
			x86_kick(s->cpu[i].x86);
	poke(s);
}

/* --- clock=insn --- */

static int64_t insn_time(void *opaque)
{
	const struct soft *s = opaque;
	uint64_t n = s->retired;

	if (s->running)
		n += x86_icount(s->running) - s->run_start;
	return (int64_t)n + s->jumped;
}

/* A timer was armed: the turn may have to end earlier. */
static void insn_nearest(void *opaque)
{
	struct soft *s = opaque;

	if (s->running)
		x86_kick(s->running);
}

/* All that has been asked of devices happens now, before the next instruction. */
static void settle(struct soft *s)
{
	do {
		if (s->accel.settle)
			s->accel.settle(s->accel.settle_opaque);
	} while (softirq_settle(s->irq));
}

static void env_settle(void *opaque)
{
	settle(((struct soft_cpu *)opaque)->soft);
}

/* Instructions until the next timer, at most n. */
static uint64_t until_deadline(struct soft *s, uint64_t n)
{
	int64_t at, now;

	for (int i = 0; i < DUE_ROUNDS && vclock_run_due(s->clock); i++)
		settle(s);
	at = vclock_next_deadline(s->clock);
	now = insn_time(s);
	return at < 0 ? n : MIN(n, (uint64_t)MAX(at - now, 1));
}

/* Nobody has anything to do: false where no timer would change that. */
static bool jump_to_deadline(struct soft *s)
{
	int64_t at = vclock_next_deadline(s->clock);

	if (at < 0 || at > NEVER)
		return false;
	s->jumped += MAX(at - insn_time(s), 0);
	return true;
}

/* --- what the local APICs say --- */

static void apic_kick(void *opaque, unsigned cpu)
{
	struct soft *s = opaque;

	if (s->cpu[cpu].x86)
		x86_notice(s->cpu[cpu].x86);
	poke(s);
}

static void apic_eoi(void *opaque, uint8_t vector)
{
	struct soft *s = opaque;

	s->eoi[vector / 64] |= 1ull << (vector % 64);
	if (s->running) /* it is its own, and ends its turn */
		x86_kick(s->running);
}

static const struct lapics_ops lapics_ops = {.kick = apic_kick, .eoi = apic_eoi};

/* --- what a CPU asks --- */

static unsigned env_events(void *opaque)
{
	return lapic_events(((struct soft_cpu *)opaque)->lapic);
}

static int env_intack(void *opaque)
{
	struct soft_cpu *c = opaque;
	struct accel *a = &c->soft->accel;
	int vector = lapic_ack(c->lapic);

	if (vector < 0 && a->extint_ack)
		vector = a->extint_ack(a->extint_opaque);
	return vector;
}

static uint8_t env_taken(void *opaque, unsigned ev)
{
	struct soft_cpu *c = opaque;
	uint8_t vector = lapic_sipi_vector(c->lapic);

	lapic_take(c->lapic, ev);
	if (ev == X86_EV_INIT)
		lapic_init(c->lapic);
	return vector;
}

static uint64_t env_cr8(void *opaque)
{
	return lapic_cr8(((struct soft_cpu *)opaque)->lapic);
}

static void env_set_cr8(void *opaque, uint64_t v)
{
	lapic_set_cr8(((struct soft_cpu *)opaque)->lapic, v);
}

static uint64_t env_apic_base(void *opaque)
{
	return lapic_base(((struct soft_cpu *)opaque)->lapic);
}

static uint32_t env_apic_read(void *opaque, unsigned off)
{
	return lapic_read(((struct soft_cpu *)opaque)->lapic, off);
}

static void env_apic_write(void *opaque, unsigned off, uint32_t v)
{
	lapic_write(((struct soft_cpu *)opaque)->lapic, off, v);
}

static bool env_msr_read(void *opaque, uint32_t msr, uint64_t *v)
{
	return lapic_msr_read(((struct soft_cpu *)opaque)->lapic, msr, v);
}

static bool env_msr_write(void *opaque, uint32_t msr, uint64_t v)
{
	return lapic_msr_write(((struct soft_cpu *)opaque)->lapic, msr, v);
}

static void env_set_tsc_offset(void *opaque, int64_t off)
{
	lapic_set_tsc_offset(((struct soft_cpu *)opaque)->lapic, off);
}

static int64_t env_now(void *opaque)
{
	return vclock_now(((struct soft_cpu *)opaque)->soft->clock);
}

static const struct x86_env env = {
	.events = env_events,
	.intack = env_intack,
	.taken = env_taken,
	.cr8 = env_cr8,
	.set_cr8 = env_set_cr8,
	.apic_base = env_apic_base,
	.apic_read = env_apic_read,
	.apic_write = env_apic_write,
	.msr_read = env_msr_read,
	.msr_write = env_msr_write,
	.set_tsc_offset = env_set_tsc_offset,
	.now = env_now,
};

/* --- interrupt lines --- */

static void irq_line(void *opaque, int gsi, bool level)
{
	struct soft *s = opaque;

	if (s->accel.pin)
		s->accel.pin(s->accel.pin_opaque, gsi, level);
}

static void irq_msi(void *opaque, struct msi_msg msg)
{
	lapics_msi(((struct soft *)opaque)->lapics, msg);
}

static const struct softirq_ops irq_ops = {.line = irq_line, .msi = irq_msi};

static void soft_extint(struct accel *a, bool level)
{
	lapics_extint(soft_of(a)->lapics, level);
}

static void soft_pin_eoi(struct accel *a, int pin)
{
	softirq_eoi(soft_of(a)->irq, pin);
}

/* --- the machine --- */

static void soft_close(struct accel *a)
{
	struct soft *s = soft_of(a);

	softirq_free(s->irq);
	lapics_free(s->lapics);
	if (s->insn)
		vclock_set_counter(s->clock, NULL, NULL, NULL);
	x86_set_free(s->set);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->wake);
	g_free(s->cpu);
	g_free(s);
}

static int soft_open(struct accel **out, const struct accel_conf *conf, struct err **errp)
{
	struct soft *s = g_new0(struct soft, 1);
	const struct x86_set_conf set = {.cpus = conf->cpus,
					 .mem = conf->mem,
					 .io = conf->io,
					 .phys_bits = PHYS_BITS,
					 .repeatable = conf->insn_clock};

	s->accel = (struct accel){.ops = &soft_accel_ops,
				  .irqchip_mode = IRQCHIP_SPLIT,
				  .drives_pins = true,
				  .cpus = conf->cpus,
				  .phys_bits = PHYS_BITS,
				  .mem = conf->mem,
				  .io = conf->io};
	s->spec = *conf->cpu;
	s->topology = conf->topology;
	s->clock = conf->clock;
	s->insn = s->accel.repeatable = conf->insn_clock;
	s->cpu = g_new0(struct soft_cpu, conf->cpus);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	x86_cpuid_supported(&s->supported, PHYS_BITS);
	s->accel.cpuid = &s->supported;
	s->lapics = lapics_new(conf->cpus, conf->clock, &lapics_ops, s);
	s->set = x86_set_new(&set, errp);
	s->irq = s->set ? softirq_new(&irq_ops, s, errp) : NULL;
	if (!s->irq) {
		soft_close(&s->accel);
		return -ENOMEM;
	}
	s->accel.irq = softirq_chip(s->irq);
	if (s->insn)
		vclock_set_counter(s->clock, insn_time, insn_nearest, s);
	*out = &s->accel;
	return 0;
}

static int soft_reset(struct accel *a)
{
	lapics_reset(soft_of(a)->lapics);
	memset(soft_of(a)->eoi, 0, sizeof(soft_of(a)->eoi));
	return 0;
}

/* --- CPUs --- */

static int soft_vcpu_open(struct vcpu *v, struct err **errp)
{
	struct soft *s = soft_of(v->accel);
	struct soft_cpu *c = &s->cpu[v->id];
	struct cpuid_table cpuid;
	struct x86_env e = env;
	int ret = cpuid_build(&cpuid, &s->spec, &s->supported, &s->topology, v->id, errp);

	if (ret < 0)
		return ret;
	c->soft = s;
	c->lapic = lapics_get(s->lapics, v->id);
	e.opaque = c;
	if (s->insn)
		e.settle = env_settle;
	c->x86 = x86_new(s->set, v->id, &e, &cpuid);
	v->priv = c;
	return 0;
}

static void soft_vcpu_close(struct vcpu *v)
{
}

static int soft_vcpu_reset(struct vcpu *v, const struct x86_regs *regs, struct err **errp)
{
	x86_reset(((struct soft_cpu *)v->priv)->x86, regs);
	return 0;
}

static int soft_vcpu_regs(struct vcpu *v, struct x86_regs *regs)
{
	x86_get_regs(((struct soft_cpu *)v->priv)->x86, regs);
	return 0;
}

/* A level interrupt has ended: the board's IO-APIC shall know. */
static bool take_eoi(struct soft *s, struct vcpu_exit *x)
{
	for (unsigned i = 0; i < 4; i++)
		if (s->eoi[i]) {
			x->kind = VCPU_EXIT_EOI;
			x->vector = (uint8_t)(64 * i + (unsigned)__builtin_ctzll(s->eoi[i]));
			s->eoi[i] &= s->eoi[i] - 1;
			s->eoi_told = true;
			return true;
		}
	return false;
}

/* A CPU has nothing to do; where that is true of all, wait. */
static void idle(struct soft *s)
{
	if (++s->idle < s->accel.cpus)
		return;
	s->idle = 0;
	if (!s->insn || !jump_to_deadline(s))
		sleep_until_poked(s);
}

static enum x86_stop take_turn(struct soft *s, struct x86_cpu *c)
{
	uint64_t n = s->accel.cpus > 1 ? SLICE_SHARED : SLICE_ALONE;
	enum x86_stop why;

	if (s->insn)
		n = until_deadline(s, n);
	s->run_start = x86_icount(c);
	s->running = c;
	why = x86_run(c, n);
	s->retired += x86_icount(c) - s->run_start;
	s->running = NULL;
	return why;
}

static int soft_vcpu_run(struct vcpu *v, struct vcpu_exit *x)
{
	struct soft *s = soft_of(v->accel);
	struct soft_cpu *c = v->priv;

	*x = (struct vcpu_exit){.kind = VCPU_EXIT_NONE};
	if (take_eoi(s, x))
		return 0;
	if (s->insn) {
		if (s->eoi_told) /* a line may have been let go */
			settle(s);
		s->eoi_told = false;
		until_deadline(s, 0);
	}
	if (!x86_runnable(c->x86)) {
		idle(s);
		return 0;
	}
	s->idle = 0;
	if (take_turn(s, c->x86) == X86_STOP_SHUTDOWN)
		x->kind = VCPU_EXIT_SHUTDOWN;
	else
		take_eoi(s, x);
	return 0;
}

const struct accel_ops soft_accel_ops = {
	.name = "soft",
	.help = "interprets instructions; tcg is another name for it",
	.one_thread = true,
	.open = soft_open,
	.close = soft_close,
	.reset = soft_reset,
	.extint = soft_extint,
	.pin_eoi = soft_pin_eoi,
	.vcpu_open = soft_vcpu_open,
	.vcpu_close = soft_vcpu_close,
	.vcpu_run = soft_vcpu_run,
	.vcpu_kick = soft_kick,
	.vcpu_reset = soft_vcpu_reset,
	.vcpu_regs = soft_vcpu_regs,
};
