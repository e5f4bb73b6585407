/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's end of the puppet guest: a machine of one CPU, RAM, an accelerator, and nothing
 * else.
 *
 * Invariants: the test's thread gives orders and waits; the vCPU's thread serves the door's
 * ports.  A wait ends after PATIENCE_S and fails the test.  Events queue up in the order in which
 * the guest's handlers ran.
 */
#ifndef TESTS_KVM_PUPPET_HOST_H
#define TESTS_KVM_PUPPET_HOST_H

#include <glib.h>

#include "accel/accel.h"
#include "accel/vcpu.h"
#include "mem/aspace.h"
#include "mem/ram.h"
#include "../guest/puppet.h"
#include "vm/boot.h"

#define PATIENCE_S 30
#define PUPPET_RAM (64ull << 20)
#define PUPPET_SPARE 0x2000000u  /* RAM that the guest leaves alone, in the slot of its code */
#define PUPPET_MSI 0xfee00000ull /* to CPU 0 */
#define EVENTS 256

struct puppet {
	struct aspace *mem, *io;
	struct ram ram;
	struct region door;
	struct accel *accel;
	struct vcpus *vcpus;
	struct boot_image *boot;
	GMutex lock;
	GCond changed;
	uint32_t order, addr, value, width; /* what the guest shall do */
	uint32_t result;
	bool done;
	uint32_t events[EVENTS]; /* vector, IN_SERVICE */
	unsigned got, seen;
	enum puppet_gate gate;
	bool failed; /* the vCPU raised an event */
};

/* Build and start; path: the guest's image.  The gate is open. */
void puppet_start(struct puppet *p, enum irqchip_mode mode, const char *path);
void puppet_end(struct puppet *p);

/* Let the guest do one access, and wait for it. */
uint32_t puppet_read(struct puppet *p, uint32_t addr, unsigned width);
void puppet_write(struct puppet *p, uint32_t addr, uint32_t v, unsigned width);
uint32_t puppet_in(struct puppet *p, uint16_t port, unsigned width);
void puppet_out(struct puppet *p, uint16_t port, uint32_t v, unsigned width);

/* The next event, waiting for it; the vector alone, in_service (may be NULL) apart. */
unsigned puppet_event(struct puppet *p, bool *in_service);
bool puppet_quiet(
	struct puppet *p); /* no event that was not asked for, once the guest did one more order */
void puppet_gate(struct puppet *p, enum puppet_gate gate);

#endif
