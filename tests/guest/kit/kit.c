// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the console, the count of checks, the command line and the end of a guest.  Called by
 * start*.S and by the guests.
 */
#include "kit/kit.h"

const char *cmdline = "";

static uint32_t checks, failures;

/* --- console ---------------------------------------------------------------------------------- */

void put(const char *text)
{
	for (; *text; text++)
		outb(DEBUGCON, (uint8_t)*text);
}

void put_hex(uint64_t v)
{
	char buf[19] = "0x";
	int n = 2, shift = 60;

	while (shift && !(v >> shift & 15))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		buf[n++] = "0123456789abcdef"[v >> shift & 15];
	buf[n] = 0;
	put(buf);
}

void put_dec(uint32_t v)
{
	char buf[11];
	int n = 10;

	buf[n] = 0;
	do {
		buf[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	put(buf + n);
}

void say(const char *text, uint64_t v)
{
	put(text);
	put(" ");
	put_hex(v);
	put("\n");
}

void check(const char *name, uint64_t got, uint64_t want)
{
	checks++;
	failures += got != want;
	put(got == want ? "ok " : "not ok ");
	put(name);
	if (got != want) {
		put(" got ");
		put_hex(got);
		put(" want ");
		put_hex(want);
	}
	put("\n");
}

void check_true(const char *name, bool cond)
{
	check(name, cond, 1);
}

void skip(const char *name, const char *why)
{
	checks++;
	put("ok ");
	put(name);
	put(" # SKIP ");
	put(why);
	put("\n");
}

/* --- end -------------------------------------------------------------------------------------- */

void exit_with(uint32_t value)
{
	outl(DEBUG_EXIT, value);
	for (;;)
		__asm__ volatile("cli; hlt");
}

void guest_exit(void)
{
	put("done ");
	put_dec(checks);
	put("\n");
	exit_with(failures != 0);
}

/* --- memory and text -------------------------------------------------------------------------- */

void *memcpy(void *to, const void *from, size_t n)
{
	uint8_t *t = to;
	const uint8_t *f = from;

	while (n--)
		*t++ = *f++;
	return to;
}

void *memset(void *at, int byte, size_t n)
{
	uint8_t *p = at;

	while (n--)
		*p++ = (uint8_t)byte;
	return at;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x < *y ? -1 : 1;
	return 0;
}

bool same_text(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return *a == *b;
}

/* --- command line ----------------------------------------------------------------------------- */

const char *arg(const char *key)
{
	for (const char *s = cmdline; *s;) {
		const char *k = key;

		for (; *k && *s == *k; s++, k++)
			;
		if (!*k && *s == '=')
			return s + 1;
		while (*s && *s != ' ')
			s++;
		while (*s == ' ')
			s++;
	}
	return NULL;
}

uint32_t arg_num(const char *key, uint32_t otherwise)
{
	const char *s = arg(key);
	uint32_t v = 0;

	if (!s)
		return otherwise;
	for (; *s >= '0' && *s <= '9'; s++)
		v = 10 * v + (uint32_t)(*s - '0');
	return v;
}

bool arg_is(const char *key, const char *value)
{
	const char *s = arg(key);

	if (!s)
		return false;
	for (; *value && *s == *value; s++, value++)
		;
	return !*value && (!*s || *s == ' ');
}

static void find_cmdline(uint32_t magic, uintptr_t info)
{
	const char *s = NULL;

	if (magic == MULTIBOOT_MAGIC && read32(info) & 4) {
		s = (const char *)(uintptr_t)read32(info + 16);
		while (*s && *s != ' ') /* the file's name */
			s++;
		while (*s == ' ')
			s++;
	} else if (magic == PVH_MAGIC) {
		s = (const char *)(uintptr_t)read32(info + 24);
	}
	if (s)
		cmdline = s;
}

/* --- time ------------------------------------------------------------------------------------- */

static uint32_t elapsed(uint32_t *last)
{
	uint32_t now = inl(PM_TIMER), passed = (now - *last) & 0xffffff;

	*last = now;
	return passed;
}

bool wait_for(volatile uint32_t *what, uint32_t n)
{
	uint32_t last = inl(PM_TIMER), passed = 0, spins = 0;

	while (*what < n && passed < WAIT_SECONDS * PM_HZ) {
		relax();
		if (!(++spins & 63))
			passed += elapsed(&last);
	}
	return *what >= n;
}

void pass_ticks(uint32_t ticks)
{
	uint32_t last = inl(PM_TIMER), passed = 0;

	while (passed < ticks)
		passed += elapsed(&last);
}

void guest_main(uint32_t magic, uintptr_t info)
{
	find_cmdline(magic, info);
	guest(magic, info);
}
