// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Clocks.  mode=rates: PM timer, PIT and RTC against each other.  mode=count: dots for ever, and
 * the longest time by the PM timer between two of them whenever it grows: the runner stops the
 * machine meanwhile.
 */
#include "kit/kit.h"

static uint8_t seconds(void)
{
	outb(0x70, 0);
	return inb(0x71);
}

/* PM ticks while the PIT's channel 2 counts 0xffff down: 3 to 1 by their crystals. */
static void pit_rate(void)
{
	uint32_t start, ticks;
	bool good = false;

	for (unsigned i = 0; i < 20 && !good; i++) {
		outb(0x61, (uint8_t)((inb(0x61) & ~3) | 1));
		outb(0x43, 0xb0); /* channel 2, both bytes, mode 0 */
		outb(0x42, 0xff);
		outb(0x42, 0xff);
		start = inl(PM_TIMER);
		while (!(inb(0x61) & 0x20))
			;
		ticks = (inl(PM_TIMER) - start) & 0xffffff;
		good = ticks > 3 * 0xffff / 100 * 95 && ticks < 3 * 0xffff / 100 * 105;
	}
	say("pm ticks in 55 ms", ticks);
	check_true("pit-rate", good);
}

/*
 * PM ticks from one second of the RTC to the next; the CPU may have been away when one began, so
 * the best of some is taken.
 */
static void rtc_rate(void)
{
	uint32_t start, ticks = 0;
	uint8_t s = seconds();
	bool good = false;

	while (seconds() == s)
		;
	for (unsigned i = 0; i < 6 && !good; i++) {
		start = inl(PM_TIMER);
		s = seconds();
		while (seconds() == s)
			;
		ticks = (inl(PM_TIMER) - start) & 0xffffff;
		good = ticks > PM_HZ / 100 * 95 && ticks < PM_HZ / 100 * 105;
		say("pm ticks in a second", ticks);
	}
	check_true("rtc-rate", good);
}

static void rates(void)
{
	uint32_t a = inl(PM_TIMER), halves, b;

	pass_ticks(1000);
	check_true("pm-timer-advances", inl(PM_TIMER) != a);
	a = inl(PM_TIMER);
	halves = inw(PM_TIMER);
	b = inl(PM_TIMER);
	check_true("pm-timer-halves", ((halves - a) & 0xffff) <= ((b - a) & 0xffff));
	check("pm-timer-24-bits", b >> 24, 0);
	pit_rate();
	rtc_rate();
}

static void count(void)
{
	uint32_t last = inl(PM_TIMER), longest = 0;

	put("counting\n");
	for (;;) {
		uint32_t now = inl(PM_TIMER), d = (now - last) & 0xffffff;

		last = now;
		if (d > longest)
			say("\nlongest", longest = d);
		put(".");
	}
}

void guest(uint32_t magic, uintptr_t info)
{
	if (arg_is("mode", "count"))
		count();
	else
		rates();
}
