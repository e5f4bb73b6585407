/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MC146818A real-time clock and its CMOS RAM, with the second bank of Intel's ICH (ports
 * 0x72/0x73).
 *
 * Invariants: the guest's time is a start value plus the virtual clock, so it stands while the
 * machine is stopped.  While the clock runs the time bytes are computed when they are read; while
 * SET or the divider's reset holds it they are plain memory.  Flags of register C are computed
 * when somebody looks; timers run only for interrupts that are enabled.
 */
#ifndef HW_ISA_RTC_H
#define HW_ISA_RTC_H

#include <stdint.h>

#include "base/vclock.h"
#include "hw/irq/wire.h"
#include "mem/aspace.h"

#define RTC_PORT 0x70
#define RTC_CMOS_SIZE 256 /* two banks of 128 bytes */

struct rtc;

struct rtc_conf {
	int64_t start;     /* ns since 1970 that the clock shows at vclock time 0 */
	uint64_t below_4g; /* bytes of RAM below 4 GiB, from 0 */
	uint64_t above_4g; /* bytes of RAM from 4 GiB on */
	unsigned cpus;     /* 1 to 256; for firmware, in CMOS byte 0x5f as count - 1 */
	/*
	 * The guest has set its clock, which now is so many seconds off start + vclock.  With the
	 * lock held: calls nothing here.  NULL = nobody wants to know.
	 */
	void (*changed)(void *opaque, int64_t offset);
	void *opaque;
};

/*
 * The clock at ports 0x70 to 0x73 of io, in 24-hour BCD mode.  irq: IRQ 8.  conf is copied.  CMOS
 * bytes 0x15-0x18, 0x30-0x32, 0x34-0x35, 0x5b-0x5d and 0x5f are filled as PC firmware expects.
 */
struct rtc *rtc_new(struct aspace *io, struct wire irq, struct vclock *clk,
		    const struct rtc_conf *conf);
void rtc_free(struct rtc *r);

/* The RESET pin (MC146818A, "RESET"): interrupt enables and flags go off; time and RAM stay. */
void rtc_reset(struct rtc *r);

/* Put a CMOS byte for the firmware to find; i: 0x0e to 0xff. */
void rtc_set_cmos(struct rtc *r, unsigned i, uint8_t val);

/* Seconds since 1970 that the guest's clock shows now (query of the monitor). */
int64_t rtc_guest_time(struct rtc *r);

#endif
