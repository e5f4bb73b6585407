// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the TCO watchdog and the chip configuration registers.  Mapped by hw/q35/lpc.c, entered by
 * the address space (vCPU threads) and by the clock.  Never decides what a time-out means for the
 * machine.
 */
#include "hw/q35/tco.h"

#include <glib.h>
#include <string.h>

#include "mem/access.h"

#define TMR_MASK 0x3ffu
#define TMR_RESET 4
#define TMR_MIN 2
#define STS1_W1C 0x178eu  /* BIOSWR, NEWCENTURY, DMI*, TIMEOUT, INT, SW_SMI */
#define STS2_W1C 0x0017u  /* SMLINK_SLV_SMI, BOOT, SECOND_TO, INTRD_DET */
#define CNT1_MASK 0x1a00u /* LOCK, HLT, NMI2SMI_EN */
#define CNT2_MASK 0x003eu
#define CNT2_RESET 0x0008u
#define SW_IRQ_MASK 0x0003u

struct tco {
	struct tco_conf conf;
	pthread_mutex_t lock; /* of what follows; also around the regions' functions */
	struct region ports, rcba;
	struct vtimer timer;
	int64_t deadline; /* of the running timer; -1 = it stands */
	uint16_t left;    /* ticks, while it stands */
	uint8_t timeouts; /* since the last reload: 0 or 1 */
	uint16_t reg[TCO_SIZE / 2];
	uint8_t cc[RCBA_SIZE];
};

/* --- the timer; under the lock --- */

static uint16_t *reg(struct tco *t, unsigned off)
{
	return &t->reg[off / 2];
}

static uint16_t ticks_left(const struct tco *t)
{
	int64_t ns = t->deadline - vclock_now(t->conf.clock);

	if (t->deadline < 0)
		return t->left;
	return ns > 0 ? (uint16_t)((ns + TCO_TICK_NS - 1) / TCO_TICK_NS) : 0;
}

static void run(struct tco *t, uint16_t ticks)
{
	t->deadline = vclock_now(t->conf.clock) + ticks * TCO_TICK_NS;
	vtimer_arm(&t->timer, t->deadline);
}

static void halt(struct tco *t)
{
	t->left = ticks_left(t);
	t->deadline = -1;
	vtimer_disarm(&t->timer);
}

static void reload(struct tco *t)
{
	t->timeouts = 0;
	t->left = *reg(t, TCO_TMR);
	if (!(*reg(t, TCO1_CNT) & TCO1_CNT_HLT))
		run(t, t->left);
}

static void write_cnt1(struct tco *t, uint16_t val)
{
	uint16_t *cnt = reg(t, TCO1_CNT);

	*cnt = (uint16_t)((val & CNT1_MASK) | (*cnt & TCO1_CNT_LOCK));
	if (*cnt & TCO1_CNT_HLT)
		halt(t);
	else if (t->deadline < 0)
		run(t, t->left ?: *reg(t, TCO_TMR));
}

/* True: the board is to be told. */
static bool count_timeout(struct tco *t)
{
	if (t->deadline < 0 || vclock_now(t->conf.clock) < t->deadline)
		return false; /* halted or reloaded meanwhile */
	*reg(t, TCO1_STS) |= TCO1_STS_TIMEOUT;
	if (++t->timeouts == 2) {
		t->timeouts = 0;
		*reg(t, TCO2_STS) |= TCO2_STS_SECOND_TO;
		if (!(t->cc[RCBA_GCS] & RCBA_GCS_NO_REBOOT)) {
			t->deadline = -1;
			t->left = 0;
			return true;
		}
	}
	run(t, *reg(t, TCO_TMR));
	return false;
}

static void expired(void *opaque)
{
	struct tco *t = opaque;
	bool tell;

	pthread_mutex_lock(&t->lock);
	tell = count_timeout(t);
	pthread_mutex_unlock(&t->lock);
	if (tell && t->conf.watchdog)
		t->conf.watchdog(t->conf.opaque);
}

/* --- the TCO block: 16 bits at a time, mask says which of them --- */

static uint16_t get(struct tco *t, unsigned off)
{
	return off == TCO_RLD ? ticks_left(t) : *reg(t, off);
}

static void set_masked(struct tco *t, unsigned off, uint16_t val, uint16_t mask)
{
	*reg(t, off) = (uint16_t)((*reg(t, off) & ~mask) | (val & mask));
}

static void write_data(struct tco *t, uint16_t val, uint16_t mask)
{
	set_masked(t, TCO_DAT_IN, val, mask);
	if (mask & 0x00ff)
		*reg(t, TCO1_STS) |= TCO1_STS_SW_SMI;
	if (mask & 0xff00)
		*reg(t, TCO1_STS) |= TCO1_STS_INT;
}

static void write_tmr(struct tco *t, uint16_t val, uint16_t mask)
{
	val = (uint16_t)(((*reg(t, TCO_TMR) & ~mask) | (val & mask)) & TMR_MASK);
	if (val >= TMR_MIN)
		*reg(t, TCO_TMR) = val;
}

static void set(struct tco *t, unsigned off, uint16_t val, uint16_t mask)
{
	switch (off) {
	case TCO_RLD:
		reload(t);
		break;
	case TCO_DAT_IN:
		write_data(t, val, mask);
		break;
	case TCO1_STS:
		*reg(t, off) &= (uint16_t) ~(val & mask & STS1_W1C);
		break;
	case TCO2_STS:
		*reg(t, off) &= (uint16_t) ~(val & mask & STS2_W1C);
		break;
	case TCO1_CNT:
		write_cnt1(t, (uint16_t)((*reg(t, off) & ~mask) | (val & mask)));
		break;
	case TCO2_CNT:
		set_masked(t, off, val, mask & CNT2_MASK);
		break;
	case TCO_MESSAGE1:
		set_masked(t, off, val, mask);
		break;
	case TCO_WDCNT:
		set_masked(t, off, val, mask & 0x00ff);
		break;
	case SW_IRQ_GEN:
		set_masked(t, off, val, mask & SW_IRQ_MASK);
		break;
	case TCO_TMR:
		write_tmr(t, val, mask);
		break;
	}
}

static uint64_t ports_read(void *opaque, uint64_t off, unsigned len)
{
	uint16_t word = get(opaque, (unsigned)off & ~1u);

	return len == 1 ? word >> (8 * (off & 1)) & 0xff : word;
}

static void ports_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	unsigned shift = 8 * (off & 1);
	uint16_t mask = len == 1 ? (uint16_t)(0xff << shift) : 0xffff;

	set(opaque, (unsigned)off & ~1u, (uint16_t)(val << shift), mask);
}

static const struct region_ops ports_ops = {ports_read, ports_write, 1, 2, false};

/* --- chip configuration registers --- */

static void strap(struct tco *t)
{
	if (t->conf.no_reboot)
		t->cc[RCBA_GCS] |= RCBA_GCS_NO_REBOOT;
}

static uint64_t rcba_read(void *opaque, uint64_t off, unsigned len)
{
	struct tco *t = opaque;

	return le_load(t->cc + off, len);
}

static void rcba_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct tco *t = opaque;

	le_store(t->cc + off, val, len);
	strap(t);
}

static const struct region_ops rcba_ops = {rcba_read, rcba_write, 1, 8, false};

/* --- life --- */

static void defaults(struct tco *t)
{
	uint16_t sticky = *reg(t, TCO2_STS) & TCO2_STS_SECOND_TO;

	t->deadline = -1;
	t->left = 0;
	t->timeouts = 0;
	memset(t->reg, 0, sizeof(t->reg));
	*reg(t, TCO2_STS) = sticky;
	*reg(t, TCO2_CNT) = CNT2_RESET;
	*reg(t, SW_IRQ_GEN) = SW_IRQ_MASK;
	*reg(t, TCO_TMR) = TMR_RESET;
	memset(t->cc, 0, sizeof(t->cc));
	t->cc[RCBA_GCS] = RCBA_GCS_NO_REBOOT;
}

struct tco *tco_new(const struct tco_conf *conf)
{
	struct tco *t = g_new0(struct tco, 1);

	t->conf = *conf;
	pthread_mutex_init(&t->lock, NULL);
	vtimer_init(&t->timer, conf->clock, expired, t);
	region_init_io(&t->ports, "tco", TCO_SIZE, &ports_ops, t);
	region_init_io(&t->rcba, "rcba", RCBA_SIZE, &rcba_ops, t);
	t->ports.lock = t->rcba.lock = &t->lock;
	defaults(t);
	return t;
}

void tco_free(struct tco *t)
{
	if (!t)
		return;
	vtimer_disarm(&t->timer);
	pthread_mutex_destroy(&t->lock);
	g_free(t);
}

void tco_reset(struct tco *t)
{
	pthread_mutex_lock(&t->lock);
	vtimer_disarm(&t->timer);
	defaults(t);
	pthread_mutex_unlock(&t->lock);
}

struct region *tco_ports(struct tco *t)
{
	return &t->ports;
}

struct region *tco_rcba(struct tco *t)
{
	return &t->rcba;
}
