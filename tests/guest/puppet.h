/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The door between a test on the host and the puppet guest, which does what the test says: ports
 * that the test serves.
 *
 * Invariants: the guest polls ORDER, which reads PUPPET_NONE while there is nothing to do; it
 * reads ADDR, VALUE and WIDTH of an order, does it, and writes RESULT.  Interrupts are on all the
 * time; a handler writes the vector to EVENT (with IN_SERVICE where the local APIC shows it so),
 * then polls GATE until the test lets it end.
 */
#ifndef GUEST_PUPPET_H
#define GUEST_PUPPET_H

#define PUPPET_PORT 0x5000
#define PUPPET_SIZE 0x40

enum puppet_port {
	PUPPET_ORDER = 0x00,
	PUPPET_ADDR = 0x04,
	PUPPET_VALUE = 0x08,
	PUPPET_WIDTH = 0x0c, /* 1, 2, 4 */
	PUPPET_RESULT = 0x10,
	PUPPET_EVENT = 0x14,
	PUPPET_GATE = 0x18
};

enum puppet_order { PUPPET_NONE, PUPPET_READ, PUPPET_WRITE, PUPPET_IN, PUPPET_OUT };
enum puppet_gate { GATE_SHUT, GATE_EOI };

#define PUPPET_READY 0x52454459u /* the first RESULT */
#define IN_SERVICE 0x100u

#endif
