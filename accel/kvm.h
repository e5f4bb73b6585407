/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the KVM accelerator share.  Nobody outside accel/kvm*.c includes this.
 *
 * Invariants: one struct kvm per machine.  lock_irq covers routes and irqfds (a leaf lock); the
 * slots are covered by the lock of the memory's address space.
 */
#ifndef ACCEL_KVM_H
#define ACCEL_KVM_H

#include <glib.h>
#include <linux/kvm.h>
#include <pthread.h>

#include "accel/accel.h"
#include "mem/aspace.h"

struct vcpu;

struct kvm_slot {
	uint64_t gpa, size; /* size 0 = free */
	void *host;
	uint32_t flags;
};

struct kvm_mem {
	struct aspace_listener listener;
	struct kvm_slot *slots;
	unsigned n, max;
	GArray *going, *coming; /* struct mrange of the commit under way */
	int error;              /* first failure, -errno; reported at start-up, logged later */
	bool closing;           /* the VM goes, and its slots with it */
};

struct kvm_irq {
	pthread_mutex_t lock;
	struct kvm_irq_routing_entry *routes; /* indexed by position; gsi inside */
	unsigned n, max, limit;
	uint64_t used[64]; /* GSIs taken: bit set of 4096 */
	unsigned depth;
	bool dirty;
	int resample; /* the kernel has irqfd with resample */
	/* Power-on state of the kernel's chips, given back at reset. */
	struct kvm_irqchip chips[3];
	struct kvm_pit_state2 pit;
};

/* Keeps vCPUs out of the guest while slots are cut; one holder at a time (the space's lock). */
struct kvm_hold {
	pthread_mutex_t lock;
	pthread_cond_t out, over;
	bool on; /* atomic: also read without the lock on the way into the guest */
};

struct kvm {
	struct accel accel;
	int dev_fd, vm_fd, vfio_fd;
	int run_size;
	bool tsc_deadline, has_clock;
	bool extint; /* split irqchip: the PIC has an interrupt for CPU 0; atomic */
	struct kvm_hold hold;
	struct vcpu **vcpu; /* accel.cpus; NULL = not open */
	struct kvm_clock_data clock;
	struct cpu_spec cpu;
	struct cpu_topology topology;
	struct cpuid_table supported;
	struct kvm_mem mem;
	struct kvm_irq irq;
};

static inline struct kvm *kvm_of(struct accel *a)
{
	return (struct kvm *)a;
}

/* ioctl that survives signals; -errno on failure. */
int kvm_ioctl(int fd, unsigned long req, void *arg);
int kvm_cap(const struct kvm *k, int cap);
unsigned kvm_phys_bits(struct kvm *k);
/* -ENOTSUP where this KVM interprets guests; takes some 30 ms there, else nothing. */
int kvm_check_speed(struct kvm *k, struct err **errp);

/* kvm_mem.c */
int kvm_mem_init(struct kvm *k, struct err **errp);
void kvm_mem_fini(struct kvm *k);

/* kvm_irq.c */
int kvm_irq_init(struct kvm *k, struct err **errp);
void kvm_irq_fini(struct kvm *k);
int kvm_irq_reset(struct kvm *k);
void kvm_irq_extint(struct accel *a, bool level);
void kvm_irq_pin(struct accel *a, int pin, struct msi_msg msg, bool masked);

/* kvm_vcpu.c, kvm_state.c */
struct kvm_power_on; /* a vCPU's registers and chips as KVM made them */
struct kvm_vcpu {
	int fd;
	struct kvm_run *run;
	bool inside; /* in KVM_RUN, or about to be; atomic */
	struct kvm_power_on *power_on;
};
int kvm_vcpu_open(struct vcpu *v, struct err **errp);
void kvm_vcpu_close(struct vcpu *v);
int kvm_vcpu_run(struct vcpu *v, struct vcpu_exit *x);
void kvm_vcpu_kick(struct vcpu *v);

/*
 * From any thread but one that is within KVM_RUN: return when no vCPU runs guest code, and none
 * enters until kvm_release.  Device code may run meanwhile.
 */
void kvm_hold(struct kvm *k);
void kvm_release(struct kvm *k);
int kvm_vcpu_save_power_on(struct vcpu *v, struct err **errp);
int kvm_vcpu_reset(struct vcpu *v, const struct x86_regs *regs, struct err **errp);
int kvm_vcpu_regs(struct vcpu *v, struct x86_regs *regs);
void kvm_vcpu_dump(struct vcpu *v, const char *why);

#endif
