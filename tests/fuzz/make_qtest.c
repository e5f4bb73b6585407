// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes inputs for fuzz_qtest: BARs are placed and devices enabled first, then come requests at
 * places where something is, with numbers right and wrong, and noise now and then.  Called by
 * smoke.c.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

enum { INPUT_MAX = 6000, LINE_MAX_LEN = 200 };
const size_t fuzz_input_max = INPUT_MAX;

struct out {
	uint64_t *s;
	uint8_t *p;
	size_t n;
};

static void put(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct out *o, const char *fmt, ...)
{
	char line[LINE_MAX_LEN];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || n >= LINE_MAX_LEN || o->n + (size_t)n > INPUT_MAX)
		return;
	memcpy(o->p + o->n, line, (size_t)n);
	o->n += (size_t)n;
}

static uint64_t pick(struct out *o, const uint64_t *list, size_t n)
{
	return list[fuzz_next(o->s) % n];
}

#define PICK(o, list) pick(o, list, sizeof(list) / sizeof(*(list)))

/* Small, a power of two and its neighbours, or anything. */
static uint64_t value(struct out *o)
{
	uint32_t r = fuzz_next(o->s);

	switch (r % 4) {
	case 0:
		return r >> 8 & 0xff;
	case 1:
		return (1ull << (r >> 8 & 63)) - 1 + (r >> 16 & 2);
	default:
		return (uint64_t)fuzz_next(o->s) << 32 | fuzz_next(o->s);
	}
}

static uint64_t address(struct out *o)
{
	static const uint64_t bases[] = {
		0,          0x1000,     0xe0000,        0x100000,   0x3fffff,   0xb0000000,
		0xb0020000, 0xb0028000, 0xb0030000,     0xe0000000, 0xe0000080, 0xe0100000,
		0xe0200000, 0xe0300000, 0xe0301000,     0xe0302000, 0xfec00000, 0xfee00000,
		0xfffffff8, 1ull << 40, UINT64_MAX - 3,
	};
	uint32_t r = fuzz_next(o->s);

	return PICK(o, bases) + (r % 3 ? (r >> 4 & 0xff) & ~3u : r >> 4 & 0xfff);
}

static unsigned port(struct out *o)
{
	static const uint64_t ports[] = {
		0x20,   0x21,   0x40,  0x43,  0x60,  0x61,  0x64,  0x70,  0x71,  0x80,
		0x92,   0xa1,   0x3f8, 0x3f9, 0x3fa, 0x3fc, 0x4d0, 0x600, 0x604, 0x608,
		0xc000, 0xc020, 0xcf8, 0xcf9, 0xcfc, 0xcfe, 0x510, 0x511, 0x514, 0xffff,
	};

	return (unsigned)PICK(o, ports);
}

static void config_write(struct out *o, unsigned slot, unsigned reg, uint32_t val)
{
	put(o, "outl 0xcf8 0x%x\noutl 0xcfc 0x%x\n", 0x80000000u | slot << 11 | reg, val);
}

/* Slots 4 to 6, BAR 0 and what else the zoo has. */
static void set_up(struct out *o)
{
	for (unsigned slot = 4; slot < 7; slot++) {
		config_write(o, slot, 0x10, 0xe0000000 + (slot - 4) * 0x100000);
		config_write(o, slot, 0x14, slot == 5 ? 0xc000 : 0);
		config_write(o, slot, 0x18, 0xe0300000);
		config_write(o, slot, 0x20, 0xe0301000);
		config_write(o, slot, 0x04, 7);
	}
	put(o, "writel 0xfee000f0 0x1ff\nirq_intercept_in ioapic\n");
}

static const char widths[] = "bwlq";

static void request(struct out *o)
{
	uint32_t r = fuzz_next(o->s);
	char w = widths[r >> 8 & 3];

	switch (r % 16) {
	case 0:
	case 1:
		put(o, "in%c 0x%x\n", w, port(o));
		break;
	case 2:
	case 3:
		put(o, "out%c 0x%x 0x%" PRIx64 "\n", w, port(o), value(o));
		break;
	case 4:
		put(o, "read%c 0x%" PRIx64 "\n", w, address(o));
		break;
	case 5:
	case 6:
		put(o, "write%c 0x%" PRIx64 " 0x%" PRIx64 "\n", w, address(o), value(o));
		break;
	case 7:
		put(o, "read 0x%" PRIx64 " %u\n", address(o), r >> 16 & 0x3ff);
		break;
	case 8:
		put(o, "write 0x%" PRIx64 " %u 0x%" PRIx64 "\n", address(o), r >> 16 & 0x1f,
		    value(o));
		break;
	case 9:
		put(o, "memset 0x%" PRIx64 " %u %u\n", address(o), r >> 16 & 0x3ff, r >> 24);
		break;
	case 10:
		put(o, "b64read 0x%" PRIx64 " %u\n", address(o), r >> 16 & 0xff);
		break;
	case 11:
		put(o, "b64write 0x%" PRIx64 " %u QUJDREVGRw=%c\n", address(o), r >> 16 & 0x1f,
		    "=A\t"[r >> 24 & 1]);
		break;
	case 12:
		put(o, r & 0x100 ? "clock_step\n" : "clock_step %u\n", r >> 9 & 0xffffff);
		break;
	case 13:
		put(o, "set_irq_in ioapic unnamed-gpio-in %u %u\n", r >> 16 & 31, r >> 24 & 1);
		break;
	default:
		config_write(o, 3 + (r >> 8) % 4, r >> 16 & (r >> 24 & 1 ? 0xfc : 0xff),
			     (uint32_t)value(o));
	}
}

/* One byte of what is there is another one. */
static void damage(struct out *o, size_t from)
{
	if (o->n > from)
		o->p[from + fuzz_next(o->s) % (o->n - from)] = (uint8_t)fuzz_next(o->s);
}

size_t fuzz_make(uint64_t *s, uint8_t *in)
{
	struct out o = {s, in, 2};
	unsigned requests = fuzz_next(s) % 100;

	in[0] = (uint8_t)fuzz_next(s);
	in[1] = (uint8_t)(fuzz_next(s) % 4 ? 0 : fuzz_next(s));
	if (fuzz_next(s) % 8)
		set_up(&o);
	while (requests--) {
		size_t from = o.n;

		request(&o);
		if (fuzz_next(s) % 16 == 0)
			damage(&o, from);
	}
	return o.n;
}
