// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the MC146818A: time, alarm, periodic and update interrupts, CMOS bytes.  Created by
 * vm/machine.c; entered by the address space (vCPU threads) and the main loop (timer).  Never
 * reads the host's clock: what it shows at power-on is handed in.
 */
#include "hw/isa/rtc.h"

#include <glib.h>
#include <time.h>

#define NS 1000000000ll
#define TICKS_HZ 32768
#define UIP_NS (8 * NS / TICKS_HZ) /* UIP is up this long before an update: 244 us */
#define DAY 86400

enum {
	SECONDS,
	SECONDS_ALARM,
	MINUTES,
	MINUTES_ALARM,
	HOURS,
	HOURS_ALARM,
	WEEKDAY,
	MDAY,
	MONTH,
	YEAR,
	REG_A,
	REG_B,
	REG_C,
	REG_D,
	CENTURY = 0x32
};

enum { A_UIP = 0x80, A_DIVIDER = 0x70, A_DIVIDER_LAST = 0x20, A_RATE = 0x0f };
enum {
	B_SET = 0x80,
	B_PIE = 0x40,
	B_AIE = 0x20,
	B_UIE = 0x10,
	B_SQWE = 0x08,
	B_BINARY = 0x04,
	B_24H = 0x02
};
enum { C_IRQF = 0x80, C_PF = 0x40, C_AF = 0x20, C_UF = 0x10, C_FLAGS = C_PF | C_AF | C_UF };
enum { D_VALID = 0x80, HOUR_PM = 0x80, DONT_CARE = 0xc0 };

struct rtc {
	pthread_mutex_t lock;
	struct region region;
	struct mmapping *map;
	struct aspace *io;
	struct wire irq;
	bool irq_high;
	struct vclock *clk;
	struct vtimer timer;

	uint8_t cmos[RTC_CMOS_SIZE];
	uint8_t index[2];  /* what 0x70 and 0x72 hold */
	int64_t base_sec;  /* guest's seconds since 1970 at vclock -phase0, while running */
	int64_t phase0;    /* ns into a second at vclock 0: 0 to NS - 1 */
	int64_t seen_sec;  /* UF and AF are known up to this guest second */
	int64_t start_sec; /* what base_sec was in the beginning */
	void (*changed)(void *opaque, int64_t offset);
	void *opaque;
	int64_t period0;   /* vclock time from which periods are counted */
	int64_t seen_tick; /* PF is known up to this one of them */
};

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static bool counting(const struct rtc *r)
{
	return (r->cmos[REG_A] & A_DIVIDER) <= A_DIVIDER_LAST;
}

static bool running(const struct rtc *r)
{
	return counting(r) && !(r->cmos[REG_B] & B_SET);
}

static int64_t guest_sec(const struct rtc *r)
{
	return r->base_sec + (vclock_now(r->clk) + r->phase0) / NS;
}

/* The vclock time at which the guest's second begins. */
static int64_t second_starts(const struct rtc *r, int64_t sec)
{
	return (sec - r->base_sec) * NS - r->phase0;
}

/* Nanoseconds into the current second: the divider chain, which SET does not stop. */
static int64_t phase(const struct rtc *r)
{
	return (vclock_now(r->clk) + r->phase0) % NS;
}

/* --- the time bytes ------------------------------------------------------------------------- */

static uint8_t encode(const struct rtc *r, unsigned val)
{
	return r->cmos[REG_B] & B_BINARY ? val : (val / 10) << 4 | val % 10;
}

static unsigned decode(const struct rtc *r, uint8_t val)
{
	return r->cmos[REG_B] & B_BINARY ? val : (val >> 4) * 10u + (val & 0xf);
}

static uint8_t encode_hour(const struct rtc *r, unsigned hour)
{
	if (r->cmos[REG_B] & B_24H)
		return encode(r, hour);
	return encode(r, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? HOUR_PM : 0);
}

static unsigned decode_hour(const struct rtc *r, uint8_t val)
{
	if (r->cmos[REG_B] & B_24H)
		return decode(r, val);
	return decode(r, val & ~HOUR_PM) % 12 + (val & HOUR_PM ? 12 : 0);
}

static void store_time(struct rtc *r, int64_t sec)
{
	time_t t = sec;
	struct tm tm;
	int year;

	gmtime_r(&t, &tm);
	r->cmos[SECONDS] = encode(r, tm.tm_sec);
	r->cmos[MINUTES] = encode(r, tm.tm_min);
	r->cmos[HOURS] = encode_hour(r, tm.tm_hour);
	r->cmos[WEEKDAY] = encode(r, tm.tm_wday + 1);
	r->cmos[MDAY] = encode(r, tm.tm_mday);
	r->cmos[MONTH] = encode(r, tm.tm_mon + 1);
	year = tm.tm_year + 1900;
	r->cmos[YEAR] = encode(r, (year % 100 + 100) % 100);
	r->cmos[CENTURY] = encode(r, year < 0 ? 0 : year / 100);
}

/* Bytes that are no date are carried over into the next unit: 61 seconds are a minute and one. */
static int64_t load_time(const struct rtc *r)
{
	struct tm tm = {
		.tm_sec = decode(r, r->cmos[SECONDS]),
		.tm_min = decode(r, r->cmos[MINUTES]),
		.tm_hour = decode_hour(r, r->cmos[HOURS]),
		.tm_mday = decode(r, r->cmos[MDAY]),
		.tm_mon = (int)decode(r, r->cmos[MONTH]) - 1,
		.tm_year = decode(r, r->cmos[YEAR]) + decode(r, r->cmos[CENTURY]) * 100 - 1900,
	};

	return timegm(&tm);
}

static bool is_time_byte(unsigned i)
{
	return i == SECONDS || i == MINUTES || (i >= HOURS && i <= YEAR && i != HOURS_ALARM) ||
	       i == CENTURY;
}

static void latch_time(struct rtc *r)
{
	if (running(r))
		store_time(r, guest_sec(r));
}

/* Let the clock go on from the time bytes, ns (0 to NS - 1) into their second. */
static void resume_time(struct rtc *r, int64_t ns)
{
	int64_t now = vclock_now(r->clk);

	r->phase0 = (ns - now % NS + NS) % NS;
	r->seen_sec = load_time(r);
	r->base_sec = r->seen_sec - (now + r->phase0) / NS;
	if (r->changed)
		r->changed(r->opaque, r->base_sec - r->start_sec);
}

/* --- flags and interrupt -------------------------------------------------------------------- */

static bool alarm_matches(uint8_t alarm, unsigned decoded, unsigned now)
{
	return alarm >= DONT_CARE || decoded == now;
}

/* The first second after `from` at which the alarm bytes match, or -1: a day holds none. */
static int64_t next_alarm(const struct rtc *r, int64_t from)
{
	const uint8_t *c = r->cmos;
	int64_t t = from + 1;

	while (t <= from + DAY) {
		int64_t tod = t - floor_div(t, DAY) * DAY;

		if (!alarm_matches(c[HOURS_ALARM], decode_hour(r, c[HOURS_ALARM]), tod / 3600))
			t += 3600 - tod % 3600;
		else if (!alarm_matches(c[MINUTES_ALARM], decode(r, c[MINUTES_ALARM]),
					tod / 60 % 60))
			t += 60 - tod % 60;
		else if (!alarm_matches(c[SECONDS_ALARM], decode(r, c[SECONDS_ALARM]), tod % 60))
			t++;
		else
			return t;
	}
	return -1;
}

/* Period in ticks of 32768 Hz (table 5); 0 = none.  The two shortest codes alias 8 and 9. */
static unsigned period_ticks(const struct rtc *r)
{
	unsigned rate = r->cmos[REG_A] & A_RATE;

	if (!rate || !counting(r))
		return 0;
	return 1u << ((rate <= 2 ? rate + 7 : rate) - 1);
}

/* Of 32768 Hz, since periods are counted. */
static int64_t ticks_now(const struct rtc *r)
{
	return (int64_t)((__int128)(vclock_now(r->clk) - r->period0) * TICKS_HZ / NS);
}

static int64_t tick_ns(int64_t tick)
{
	return (int64_t)(((__int128)tick * NS + TICKS_HZ - 1) / TICKS_HZ);
}

/* Another rate: its first period begins with the last one of the old rate (0 = there was none). */
static void restart_period(struct rtc *r, unsigned old)
{
	r->period0 = old ? r->period0 + tick_ns(r->seen_tick * old) : vclock_now(r->clk);
	r->seen_tick = 0;
}

/* Bring register C up to date. */
static void collect_flags(struct rtc *r)
{
	unsigned period = period_ticks(r);
	int64_t sec = guest_sec(r), alarm;

	if (period && ticks_now(r) / period > r->seen_tick) {
		r->seen_tick = ticks_now(r) / period;
		r->cmos[REG_C] |= C_PF;
	}
	if (!running(r) || sec <= r->seen_sec)
		return;
	r->cmos[REG_C] |= C_UF;
	alarm = next_alarm(r, r->seen_sec);
	if (alarm >= 0 && alarm <= sec)
		r->cmos[REG_C] |= C_AF;
	r->seen_sec = sec;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* The vclock time of the next event whose interrupt is enabled and not yet flagged, or -1. */
static int64_t next_event(const struct rtc *r)
{
	uint8_t wanted = r->cmos[REG_B] & ~r->cmos[REG_C];
	unsigned period = period_ticks(r);
	int64_t at = -1, alarm;

	if ((wanted & B_PIE) && period)
		at = r->period0 + tick_ns((r->seen_tick + 1) * period);
	if (!running(r))
		return at;
	if (wanted & B_UIE)
		at = earlier(at, second_starts(r, r->seen_sec + 1));
	alarm = wanted & B_AIE ? next_alarm(r, r->seen_sec) : -1;
	if (alarm >= 0)
		at = earlier(at, second_starts(r, alarm));
	return at;
}

/* Make wire and timer agree with the registers. */
static void settle(struct rtc *r)
{
	int64_t at;
	bool high;

	collect_flags(r);
	if (r->cmos[REG_C] & r->cmos[REG_B] & C_FLAGS)
		r->cmos[REG_C] |= C_IRQF;
	else
		r->cmos[REG_C] &= ~C_IRQF;
	high = r->cmos[REG_C] & C_IRQF;
	if (high != r->irq_high)
		wire_set(&r->irq, high);
	r->irq_high = high;
	at = next_event(r);
	if (at >= 0)
		vtimer_arm(&r->timer, at);
	else
		vtimer_disarm(&r->timer);
}

static void timer_fired(void *opaque)
{
	struct rtc *r = opaque;

	pthread_mutex_lock(&r->lock);
	settle(r);
	pthread_mutex_unlock(&r->lock);
}

/* --- registers ------------------------------------------------------------------------------ */

static void write_a(struct rtc *r, uint8_t val)
{
	unsigned period = period_ticks(r);
	bool held = !counting(r);

	latch_time(r);
	r->cmos[REG_A] = val & ~A_UIP;
	if (period_ticks(r) != period)
		restart_period(r, period);
	if (!held || !counting(r))
		return;
	/* The first update comes half a second after the release ("Divider control"). */
	if (running(r))
		resume_time(r, NS / 2);
	else
		r->phase0 = (NS / 2 - vclock_now(r->clk) % NS + NS) % NS;
}

static void write_b(struct rtc *r, uint8_t val)
{
	bool was_running = running(r);

	latch_time(r);
	if (val & B_SET)
		val &= ~B_UIE;
	r->cmos[REG_B] = val;
	if (was_running && running(r))
		store_time(r, guest_sec(r)); /* the format may have changed */
	else if (running(r))
		resume_time(r, phase(r));
}

static void write_cmos(struct rtc *r, unsigned i, uint8_t val)
{
	collect_flags(r);
	if (i == REG_A) {
		write_a(r, val);
	} else if (i == REG_B) {
		write_b(r, val);
	} else if (is_time_byte(i) && running(r)) {
		latch_time(r);
		r->cmos[i] = val;
		resume_time(r, phase(r));
	} else if (i != REG_C && i != REG_D) {
		r->cmos[i] = val;
	}
	settle(r);
}

static uint8_t read_c(struct rtc *r)
{
	uint8_t val;

	settle(r);
	val = r->cmos[REG_C];
	r->cmos[REG_C] = 0;
	settle(r);
	return val;
}

static uint8_t read_cmos(struct rtc *r, unsigned i)
{
	if (is_time_byte(i))
		latch_time(r);
	if (i == REG_A && running(r) && phase(r) >= NS - UIP_NS)
		return r->cmos[REG_A] | A_UIP;
	if (i == REG_C)
		return read_c(r);
	return r->cmos[i];
}

/* Offsets 0 and 2 are the index registers, 1 and 3 the data of the two banks. */
static uint64_t rtc_read(void *opaque, uint64_t off, unsigned len)
{
	struct rtc *r = opaque;
	unsigned bank = off >> 1;

	return off & 1 ? read_cmos(r, bank * 128 + r->index[bank]) : 0xff;
}

static void rtc_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct rtc *r = opaque;
	unsigned bank = off >> 1;

	if (off & 1)
		write_cmos(r, bank * 128 + r->index[bank], val);
	else
		r->index[bank] = val & 0x7f; /* bit 7 of 0x70 masks NMI, which the board has not */
}

static const struct region_ops rtc_ops = {.read = rtc_read, .write = rtc_write, .min = 1, .max = 1};

/* --- life ----------------------------------------------------------------------------------- */

static void put16(uint8_t *p, uint64_t val)
{
	uint16_t v = MIN(val, 0xffff);

	p[0] = v;
	p[1] = v >> 8;
}

/* Sizes where PC firmware leaves them: in KiB up to 64 MiB, beyond in units of 64 KiB. */
static void fill_sizes(struct rtc *r, const struct rtc_conf *conf)
{
	uint64_t low = conf->below_4g, mib = 1 << 20;
	uint64_t ext_kib = low > mib ? (low - mib) >> 10 : 0;
	uint64_t above_16m = low > 16 * mib ? (low - 16 * mib) >> 16 : 0;
	uint64_t high = MIN(conf->above_4g >> 16, 0xffffff);

	put16(&r->cmos[0x15], MIN(low >> 10, 640));
	put16(&r->cmos[0x17], ext_kib);
	put16(&r->cmos[0x30], ext_kib);
	put16(&r->cmos[0x34], above_16m);
	put16(&r->cmos[0x5b], high & 0xffff);
	r->cmos[0x5d] = high >> 16;
	r->cmos[0x5f] = conf->cpus ? MIN(conf->cpus, 256) - 1 : 0;
}

void rtc_set_cmos(struct rtc *r, unsigned i, uint8_t val)
{
	if (i <= REG_D || i >= RTC_CMOS_SIZE)
		return;
	pthread_mutex_lock(&r->lock);
	write_cmos(r, i, val);
	pthread_mutex_unlock(&r->lock);
}

int64_t rtc_guest_time(struct rtc *r)
{
	int64_t sec;

	pthread_mutex_lock(&r->lock);
	latch_time(r);
	sec = load_time(r);
	pthread_mutex_unlock(&r->lock);
	return sec;
}

void rtc_reset(struct rtc *r)
{
	pthread_mutex_lock(&r->lock);
	collect_flags(r);
	r->cmos[REG_B] &= ~(B_PIE | B_AIE | B_UIE | B_SQWE);
	r->cmos[REG_C] = 0;
	settle(r);
	pthread_mutex_unlock(&r->lock);
}

struct rtc *rtc_new(struct aspace *io, struct wire irq, struct vclock *clk,
		    const struct rtc_conf *conf)
{
	struct rtc *r = g_new0(struct rtc, 1);

	pthread_mutex_init(&r->lock, NULL);
	r->io = io;
	r->irq = irq;
	r->clk = clk;
	vtimer_init(&r->timer, clk, timer_fired, r);
	r->cmos[REG_A] = A_DIVIDER_LAST | 6; /* 32768 Hz, 1024 Hz periodic: as firmware leaves it */
	r->cmos[REG_B] = B_24H;
	r->cmos[REG_D] = D_VALID;
	r->base_sec = floor_div(conf->start, NS);
	r->start_sec = r->base_sec;
	r->changed = conf->changed;
	r->opaque = conf->opaque;
	r->phase0 = conf->start - r->base_sec * NS;
	r->seen_sec = guest_sec(r);
	restart_period(r, 0);
	fill_sizes(r, conf);
	latch_time(r);
	region_init_io(&r->region, "rtc", 4, &rtc_ops, r);
	r->region.lock = &r->lock;
	r->map = aspace_map(io, &r->region, RTC_PORT, 0, 4, 0);
	return r;
}

void rtc_free(struct rtc *r)
{
	if (!r)
		return;
	aspace_unmap(r->io, r->map);
	aspace_sync();
	vtimer_disarm(&r->timer);
	pthread_mutex_destroy(&r->lock);
	g_free(r);
}
