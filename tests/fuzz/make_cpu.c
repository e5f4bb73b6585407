// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes inputs for fuzz_cpu: a choice of mode, registers, and code that is instructions of the
 * system, of memory and plain noise in turn.  Called by smoke.c.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"

enum { HEAD = 160, CODE_MAX = 600 };
const size_t fuzz_input_max = HEAD + CODE_MAX;

/* What noise alone would seldom hit. */
static const char *const seeds[] = {
	"\x66\x0f\x38",
	"\x66\x0f\x3a",
	"\x66\x0f",
	"\xf2\x0f",
	"\xf3\x0f",
	"\xff\x2d\x38\x81",
	"\xea\x38\x80\x38",
	"\xb8\x38\x01\x8e\xd8",
	"\xcd\x09",
	"\xcd\x01",
	"\x0f\x01\x10",
	"\x0f\x01\x18",
	"\x0f\x22\xc0",
	"\x0f\x22\xe0",
	"\x0f\x22\xd8",
	"\x0f\x30",
	"\x0f\x32",
	"\xcf",
	"\x48\xcf",
	"\xcb",
	"\xca\x08",
	"\xff\x2c\x24",
	"\xff\x1c\x24",
	"\x0f\x05",
	"\x48\x0f\x07",
	"\x0f\x34",
	"\x0f\x35",
	"\xcd\x80",
	"\xcc",
	"\xf1",
	"\x8e\xd8",
	"\x8e\xd0",
	"\x0f\x00\xd0",
	"\x0f\x00\xd8",
	"\x0f\xb2\x24\x24",
	"\xf3\xa4",
	"\xf3\xab",
	"\xf2\xae",
	"\xf3\xa6",
	"\x66\xf3\x67\xa5",
	"\xf3\x6c",
	"\xf3\x6e",
	"\x0f\x23\xf8",
	"\x0f\x23\xc0",
	"\x9d",
	"\x0f\xae\x04",
	"\x0f\xae\x0c",
	"\xdd\x24\x24",
	"\xdd\x34\x24",
	"\x0f\x01\x38",
	"\xf4",
	"\xfb",
	"\xfa",
	"\xc8\xff\xff\x1f",
	"\xc9",
	"\xea",
	"\x9a",
	"\x0f\x20\xc0",
	"\x0f\xa2",
	"\x0f\x31",
	"\xf0\x0f\xc7\x0c\x24",
	"\x48\x0f\xc7\x0c\x24",
	"\x61",
	"\x60",
	"\x62\x04\x24",
};

static size_t put(uint64_t *s, uint8_t *in)
{
	const char *text = seeds[fuzz_next(s) % (sizeof(seeds) / sizeof(seeds[0]))];
	size_t n = strlen(text);

	if (fuzz_next(s) % 2) {
		memcpy(in, text, n);
		return n;
	}
	n = 1 + fuzz_next(s) % 6;
	for (size_t i = 0; i < n; i++)
		in[i] = (uint8_t)(fuzz_next(s) % 5 ? fuzz_next(s) : 0x0f);
	return n;
}

size_t fuzz_make(uint64_t *s, uint8_t *in)
{
	size_t at = HEAD, end = HEAD + fuzz_next(s) % (CODE_MAX - 16);

	for (size_t i = 0; i < HEAD; i++)
		in[i] = (uint8_t)fuzz_next(s);
	while (at < end)
		at += put(s, in + at);
	return at;
}
