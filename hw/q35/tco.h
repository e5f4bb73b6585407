/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICH9 TCO watchdog (316972, 13.9) and the chip configuration registers behind RCBA (chapter 10),
 * one of which says whether the watchdog may reboot.
 *
 * Invariants: the timer counts down from TCO_TMR in ticks of 0.6 s of the virtual clock.  Its first
 * end sets TIMEOUT, its second without a reload between them SECOND_TO_STS; then, if NO_REBOOT is
 * clear, it stops and the board is told.  Until the guest has written TCO1_CNT or TCO_RLD it
 * stands, though the halt bit reads 0.  SECOND_TO_STS survives the reset that follows (13.9.5).
 * There is no SMM, so nothing raises an SMI; TCO interrupts and NMIs are not raised either, their
 * status bits are kept.  Chip configuration registers but GCS keep what is written.
 */
#ifndef HW_Q35_TCO_H
#define HW_Q35_TCO_H

#include "base/vclock.h"
#include "mem/region.h"

#define TCO_SIZE 0x20
#define TCO_TICK_NS 600000000ll

/* Registers, offsets in the TCO block (13.9). */
enum {
	TCO_RLD = 0x00, /* 10 bits: ticks left; a write reloads */
	TCO_DAT_IN = 0x02,
	TCO_DAT_OUT = 0x03,
	TCO1_STS = 0x04,
	TCO2_STS = 0x06,
	TCO1_CNT = 0x08,
	TCO2_CNT = 0x0a,
	TCO_MESSAGE1 = 0x0c,
	TCO_MESSAGE2 = 0x0d,
	TCO_WDCNT = 0x0e,
	SW_IRQ_GEN = 0x10,
	TCO_TMR = 0x12, /* 10 bits: ticks; 0 and 1 are ignored */
};

#define TCO1_STS_SW_SMI 0x0002u /* TCO_DAT_IN was written */
#define TCO1_STS_INT 0x0004u    /* TCO_DAT_OUT was written */
#define TCO1_STS_TIMEOUT 0x0008u
#define TCO2_STS_SECOND_TO 0x0002u
#define TCO1_CNT_HLT 0x0800u
#define TCO1_CNT_LOCK 0x1000u /* stays until the reset */

#define RCBA_SIZE 0x4000
#define RCBA_GCS 0x3410
#define RCBA_GCS_NO_REBOOT 0x20u /* set by reset */

struct tco;

struct tco_conf {
	struct vclock *clock;
	bool no_reboot; /* the strap: GCS.NO_REBOOT cannot be cleared (chapter 10, GCS) */
	/* The second time-out; on the thread that runs the clock's timers, without a lock. */
	void (*watchdog)(void *opaque);
	void *opaque;
};

/* conf is copied. */
struct tco *tco_new(const struct tco_conf *conf);
/* After both regions were unmapped and aspace_sync(); main loop's thread; NULL is accepted. */
void tco_free(struct tco *t);
void tco_reset(struct tco *t);

/* For the bridge to map: TCO_SIZE bytes of I/O ports, RCBA_SIZE bytes of memory. */
struct region *tco_ports(struct tco *t);
struct region *tco_rcba(struct tco *t);

#endif
