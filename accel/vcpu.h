/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vCPU threads: run, take one exit record, call its handler, again.
 *
 * Invariants: a vCPU runs guest code only while the set is started; vcpus_stop() returns when every
 * thread is parked outside of all device code.  A thread that raises an event (vcpus_event) parks
 * by itself after the exit that it is handling; the event reaches the owner on the main loop's
 * thread, once for each vcpus_stop().
 */
#ifndef ACCEL_VCPU_H
#define ACCEL_VCPU_H

#include "accel/accel.h"

struct vcpus;

struct vcpu {
	struct vcpus *set;
	struct accel *accel;
	unsigned id;
	pthread_t thread;
	int tid;      /* of the thread that runs it; 0 = it has not run; atomic */
	bool started; /* thread exists */
	bool parked;  /* under the set's lock */
	void *priv;   /* the accelerator's */
	uint64_t exits[VCPU_EXIT_KINDS];
};

enum vcpu_event {
	VCPU_EV_NONE,
	VCPU_EV_TOLD, /* the owner has been told something else; any other event replaces it */
	VCPU_EV_RESET,
	VCPU_EV_SHUTDOWN,
	VCPU_EV_TRIPLE,
	VCPU_EV_FAIL,
};

struct vcpus_ops {
	void (*eoi)(void *opaque, uint8_t vector); /* split irqchip */
	void *eoi_opaque;
	void (*event)(void *opaque, enum vcpu_event ev, unsigned cpu);
	void *opaque;
};

struct vcpus *vcpus_new(struct accel *a, const struct vcpus_ops *ops, struct err **errp);
void vcpus_free(struct vcpus *s); /* stops and joins */
int vcpus_reset(struct vcpus *s, const struct x86_regs *bsp, struct err **errp); /* stopped */
int vcpus_start(struct vcpus *s, struct err **errp);
void vcpus_stop(struct vcpus *s);
bool vcpus_running(struct vcpus *s);
struct vcpu *vcpus_get(struct vcpus *s, unsigned id); /* NULL past the end */
int vcpus_tid(struct vcpus *s, unsigned id); /* its thread for the host, the main one before */

/* A local APIC ended a level interrupt of that vector: split irqchip, told to the board. */
void vcpus_eoi(struct vcpus *s, uint8_t vector);

/* From any thread: all vCPUs stop at once, the owner is told on the main loop. */
void vcpus_raise(struct vcpus *s, enum vcpu_event ev, unsigned cpu);
bool vcpus_raised(struct vcpus *s); /* something was, and the owner has not been told yet */

#endif
