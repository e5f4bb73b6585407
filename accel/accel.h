/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accelerators: what runs the guest's CPUs and delivers their interrupts.
 *
 * Invariants: an accel is opened once per machine, knows no device and no board, and is driven by
 * ops. vCPU ops run on the vCPU's own thread or, while that thread is parked, on the main one.
 */
#ifndef ACCEL_ACCEL_H
#define ACCEL_ACCEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "cpu/cpuid.h"
#include "cpu/x86.h"
#include "hw/irq/irqchip.h"
#include "hw/irq/wire.h"

struct accel;
struct aspace;
struct err;
struct vcpu;
struct vclock;

/* Where PIC, PIT and IO-APIC live: in the kernel, or in hw/ with the local APICs in the kernel. */
enum irqchip_mode { IRQCHIP_FULL, IRQCHIP_SPLIT };

struct accel_conf {
	enum irqchip_mode irqchip;
	unsigned cpus;
	struct cpu_topology topology;
	const struct cpu_spec *cpu;
	struct aspace *mem, *io;
	struct vclock *clock;
	bool must_be_fast; /* kvm: not one that interprets its guests */
	bool insn_clock;   /* soft: time is the count of executed instructions */
};

/* Why a vCPU came back from the guest. */
enum vcpu_exit_kind {
	VCPU_EXIT_NONE, /* kicked, or nothing to do */
	VCPU_EXIT_IO,
	VCPU_EXIT_MMIO,
	VCPU_EXIT_EOI,      /* split irqchip: vector of a level interrupt */
	VCPU_EXIT_SHUTDOWN, /* triple fault */
	VCPU_EXIT_RESET,    /* the guest asked the hypervisor itself */
	VCPU_EXIT_HALT,     /* HLT that nothing can end */
	VCPU_EXIT_FAIL,     /* text says what; state was dumped */
	VCPU_EXIT_KINDS
};

struct vcpu_exit {
	enum vcpu_exit_kind kind;
	bool write;
	uint8_t len;
	uint8_t vector;
	uint32_t count; /* of units of len bytes: string I/O */
	uint64_t addr;
	void *data;
};

struct accel_ops {
	const char *name, *help;
	bool one_thread; /* the CPUs run in turn, on the thread of CPU 0 */
	int (*open)(struct accel **out, const struct accel_conf *conf, struct err **errp);
	void (*close)(struct accel *a);
	/*
	 * VFIO's link to the hypervisor: cache coherency and interrupt bypass of an assigned group.
	 */
	int (*vfio_group)(struct accel *a, int group_fd, bool add);
	int (*ioeventfd)(struct accel *a, int fd, bool io, uint64_t addr, unsigned len,
			 const uint64_t *match, bool add);
	void (*stop)(struct accel *a);  /* all vCPUs are parked: guest clocks stand */
	void (*start)(struct accel *a); /* before they go on */
	int (*reset)(struct accel *a);  /* interrupt chips to power-on state */
	/* Split irqchip; each but extint may be NULL. */
	void (*extint)(struct accel *a, bool level); /* the PIC's output changed */
	/* pin of hw/irq's IO-APIC now means this message */
	void (*ioapic_pin)(struct accel *a, int pin, struct msi_msg msg, bool masked);
	void (*pin_eoi)(struct accel *a, int pin); /* the guest ended a level interrupt of it */
	/* Delivers what irqfds were told; true: there was something.  NULL: they always are. */
	bool (*hear)(struct accel *a);

	int (*vcpu_open)(struct vcpu *v, struct err **errp);
	void (*vcpu_close)(struct vcpu *v);
	/* 0 or -errno; NULL: no guest code ever runs, no CPU has a thread. */
	int (*vcpu_run)(struct vcpu *v, struct vcpu_exit *x);
	void (*vcpu_kick)(struct vcpu *v); /* any thread */
	/* To power-on state; regs: CPU 0's first registers, NULL = wait for INIT/SIPI. */
	int (*vcpu_reset)(struct vcpu *v, const struct x86_regs *regs, struct err **errp);
	int (*vcpu_regs)(struct vcpu *v, struct x86_regs *regs);
};

struct accel {
	const struct accel_ops *ops;
	struct irqchip irq;
	enum irqchip_mode irqchip_mode;
	unsigned cpus;
	unsigned phys_bits;              /* of a guest physical address */
	const struct cpuid_table *cpuid; /* what CPUs can show, before -cpu cuts it */
	struct aspace *mem, *io;
	/* Split irqchip: the PIC's acknowledge cycle, asked by CPU 0's thread; a vector. */
	int (*extint_ack)(void *opaque);
	void *extint_opaque;
	/*
	 * Split irqchip: eventfds of a pin drive the board's chips, NULL until they are.  Then the
	 * board's wires go in by line_set, and what comes out here is the level of both.
	 */
	bool drives_pins;
	void (*pin)(void *opaque, int gsi, bool level);
	void *pin_opaque;
	bool repeatable; /* the board, too, shall do the same in each run */
	/* ... so this returns when the devices have done all that was asked; no lock is held */
	void (*settle)(void *opaque);
	void *settle_opaque;
};

/* The accelerators that this build has, in order of preference; ends with NULL. */
extern const struct accel_ops *const accel_list[];
extern const struct accel_ops kvm_accel_ops, soft_accel_ops, qtest_accel_ops;

/* name: kvm, soft (tcg), qtest.  -ENODEV with the reason where it cannot be had. */
int accel_open(struct accel **out, const char *name, const struct accel_conf *conf,
	       struct err **errp);
void accel_close(struct accel *a); /* NULL is accepted */

/* The wire into GSI n (0..23) of the accelerator's own chips. */
struct wire accel_gsi(struct accel *a, int n);

#endif
