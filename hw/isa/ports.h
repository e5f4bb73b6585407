/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small things on the I/O bus: POST code (0x80), system control port A (0x92), isa-debug-exit,
 * debugcon, and the ports of pc-testdev that kvm-unit-tests drives.
 *
 * Invariants: each is an object of its own with its own lock.  Callbacks run on a vCPU's thread
 * with that lock held and may only leave word for the main loop.  Port 0xcf9 is not here: the LPC
 * has it.
 */
#ifndef HW_ISA_PORTS_H
#define HW_ISA_PORTS_H

#include <stdint.h>

#include "base/chardev.h"
#include "hw/irq/wire.h"
#include "mem/aspace.h"

/* Port 0x80: swallows POST codes and I/O delays, reads give the last byte written. */
struct port80;
struct port80 *port80_new(struct aspace *io);
void port80_free(struct port80 *p);
void port80_reset(struct port80 *p);

/*
 * Port 0x92 (ICH9 datasheet 13.7.3): bit 0 going from 0 to 1 calls reset(opaque), bit 1 drives
 * a20 (high at reset).  Other bits read 0.
 */
struct port92;
struct port92 *port92_new(struct aspace *io, struct wire a20, void (*reset)(void *opaque),
			  void *opaque);
void port92_free(struct port92 *p);
void port92_reset(struct port92 *p);

/*
 * isa-debug-exit: a write of v to one of iosize (1 to 8, usual 2 or 4) ports from iobase (usual
 * 0x501 or 0xf4) calls exit_with(opaque, v << 1 | 1).  Reads give 0.
 */
struct debugexit;
struct debugexit *debugexit_new(struct aspace *io, uint16_t iobase, uint8_t iosize,
				void (*exit_with)(void *opaque, int status), void *opaque);
void debugexit_free(struct debugexit *d);
void debugexit_reset(struct debugexit *d); /* nothing to forget */

/*
 * isa-debugcon: bytes written to iobase (usual 0xe9) go to c (NULL = nowhere; what it does not
 * take is lost), reads give readback (usual 0xe9, by which guests find it).
 */
struct debugcon;
struct debugcon *debugcon_new(struct aspace *io, uint16_t iobase, uint8_t readback,
			      struct chardev *c);
void debugcon_free(struct debugcon *d);
void debugcon_reset(struct debugcon *d); /* nothing to forget */

/*
 * pc-testdev, as kvm-unit-tests/lib/x86 expects it:
 *   0x2000 + n (n 0 to 23)  byte written: level of irqs[n]
 *   0xe0-0xe3, 0xe8-0xeb    32 bits that keep what was written, for accesses of 1, 2 and 4 bytes
 *                           (at 0xe8: of one byte each)
 *   0xe4                    a guest physical address: the host forgets its mapping of that page
 *   mem 0xff000000, 64 KiB  I/O memory that keeps what was written, accesses of 1 to 8 bytes
 */
#define TESTDEV_IRQS 24
#define TESTDEV_IOMEM 0xff000000ull
#define TESTDEV_IOMEM_SIZE 0x10000

struct testdev;
struct testdev *testdev_new(struct aspace *io, struct aspace *mem,
			    const struct wire irqs[TESTDEV_IRQS]);
void testdev_free(struct testdev *t);
void testdev_reset(struct testdev *t); /* memory is zeroed, lines fall */

#endif
