/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The soft x86-64 CPU: one guest CPU, executed by decoded blocks (docs/cpu.md).
 *
 * Invariants: the CPUs of a machine are made together (struct x86_set) because they share the
 * blocks; all of them run on one thread, one at a time, so that an instruction is atomic towards
 * the others.  x86_kick(), x86_notice() and x86_dma_hint() are for any thread, all else is for
 * the thread that runs them, or while it stands.  Memory is reached through the address
 * spaces alone; what else surrounds a CPU (its local APIC, its clock) is handed down in x86_env.
 */
#ifndef CPU_CPU_H
#define CPU_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/x86.h"

struct aspace;
struct cpuid_table;
struct err;
struct x86_cpu;
struct x86_set;

/* What a CPU may have to look at (SDM 3A, 6.9), as x86_env.events tells it. */
enum {
	X86_EV_INTR = 1 << 0, /* a maskable interrupt: intack() has its vector */
	X86_EV_NMI = 1 << 1,
	X86_EV_INIT = 1 << 2,
	X86_EV_SIPI = 1 << 3,
};

/* The surroundings of one CPU; opaque is the CPU's own. */
struct x86_env {
	unsigned (*events)(void *opaque);            /* X86_EV_*; cheap */
	int (*intack)(void *opaque);                 /* vector of the interrupt that is taken now */
	uint8_t (*taken)(void *opaque, unsigned ev); /* this NMI, INIT or SIPI is; SIPI: vector */
	uint64_t (*cr8)(void *opaque);
	void (*set_cr8)(void *opaque, uint64_t v);         /* 0..15 */
	uint64_t (*apic_base)(void *opaque);               /* IA32_APIC_BASE */
	uint32_t (*apic_read)(void *opaque, unsigned off); /* xAPIC page, off 0..0xfff */
	void (*apic_write)(void *opaque, unsigned off, uint32_t v);
	bool (*msr_read)(void *opaque, uint32_t msr, uint64_t *v); /* of the APIC; false = #GP */
	bool (*msr_write)(void *opaque, uint32_t msr, uint64_t v);
	void (*set_tsc_offset)(void *opaque, int64_t off); /* guest's TSC = now() + off */
	int64_t (*now)(void *opaque);                      /* ns of the machine's clock */
	/* Port or memory-mapped I/O was written: let the devices do it first.  NULL: no need. */
	void (*settle)(void *opaque);
	void *opaque;
};

struct x86_set_conf {
	unsigned cpus;
	struct aspace *mem, *io;
	unsigned phys_bits; /* of a physical address: 32..52 */
	bool repeatable;    /* no chance: random numbers come from a seed */
};

/* NULL and an error where memory is short. */
struct x86_set *x86_set_new(const struct x86_set_conf *conf, struct err **errp);
void x86_set_free(struct x86_set *s); /* and all CPUs */

/* CPU n of the set, at power-on state and waiting for SIPI; cpuid is copied. */
struct x86_cpu *x86_new(struct x86_set *s, unsigned n, const struct x86_env *env,
			const struct cpuid_table *cpuid);
/* To power-on state; regs as in accel_ops.vcpu_reset: NULL = wait for SIPI. */
void x86_reset(struct x86_cpu *c, const struct x86_regs *regs);
void x86_get_regs(struct x86_cpu *c, struct x86_regs *regs);

enum x86_stop {
	X86_STOP_SLICE,    /* budget used up, or somebody asked */
	X86_STOP_HALT,     /* HLT or wait for SIPI: nothing to do until an event */
	X86_STOP_SHUTDOWN, /* triple fault */
};

/* Execute about `budget` instructions (at least one). */
enum x86_stop x86_run(struct x86_cpu *c, uint64_t budget);
/* Any thread: x86_run() looks at events and comes back soon. */
void x86_kick(struct x86_cpu *c);
void x86_notice(struct x86_cpu *c);   /* any thread: x86_run() looks at events, and goes on */
bool x86_runnable(struct x86_cpu *c); /* not halted, or an event would end that */

uint64_t x86_icount(const struct x86_cpu *c); /* instructions executed since power-on */

/* A device may have written memory: pages of code are compared before they run again. */
void x86_dma_hint(struct x86_set *s);

/* All that this CPU can show. */
void x86_cpuid_supported(struct cpuid_table *out, unsigned phys_bits);

#endif
