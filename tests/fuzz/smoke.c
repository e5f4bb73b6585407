// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs a fuzz target without libFuzzer: files given as arguments, or so many inputs from a seed,
 * the same each time; their config spaces have chains of capabilities that are wrong more often
 * than right.
 *
 *   fuzz_vfio [-n INPUTS] [-s SEED] | fuzz_vfio FILE..
 */
#include <glib.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

#define CONFIG 4096u
#define INPUT_MAX (CONFIG + 1200u)

static uint32_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 16);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

/* Where a chain goes on: in the right place, or anywhere. */
static uint32_t somewhere(uint64_t *s, uint32_t first, uint32_t last)
{
	uint32_t at = first + next(s) % (last - first);

	return next(s) % 4 ? at & ~3u : at;
}

static void caps(uint64_t *s, uint8_t *c)
{
	uint32_t at = somewhere(s, 0x40, 0x100);

	c[PCI_CAPABILITY_LIST] = (uint8_t)at;
	for (unsigned n = next(s) % 12; n; n--) {
		uint32_t to = n == 1 ? 0 : somewhere(s, 0x40, 0x100);

		c[at] = (uint8_t)(next(s) % 8 ? next(s) % 0x16 : next(s));
		c[at + 1] = (uint8_t)to;
		at = to ? to : 0x40;
	}
}

static void ecaps(uint64_t *s, uint8_t *c)
{
	uint32_t at = 0x100;

	for (unsigned n = next(s) % 16; n; n--) {
		uint32_t to = n == 1 ? 0 : somewhere(s, 0x100, 0xffc) & 0xffc;

		put16(c + at, next(s) % 8 ? next(s) % 0x30 : next(s));
		put16(c + at + 2, 1 | to << 4);
		at = to;
		if (at < 0x100)
			break;
	}
}

static size_t make(uint64_t *s, uint8_t *in)
{
	size_t len = CONFIG + next(s) % (INPUT_MAX - CONFIG);
	uint32_t density = next(s) % 4;

	for (size_t i = 0; i < len; i++)
		in[i] = i >= CONFIG || next(s) % 4 < density ? (uint8_t)next(s) : 0;
	put16(in + PCI_VENDOR_ID, 0x1234);
	in[PCI_HEADER_TYPE] = (uint8_t)(next(s) % 16 ? 0 : next(s));
	put16(in + PCI_STATUS, PCI_STATUS_CAP_LIST);
	in[PCI_CLASS_REVISION + 3] = (uint8_t)(next(s) % 8); /* displays, disks */
	in[PCI_INTERRUPT_PIN] = (uint8_t)(next(s) % 8 ? next(s) % 5 : next(s));
	caps(s, in);
	ecaps(s, in);
	return len;
}

static int run_file(const char *path)
{
	g_autofree char *data = NULL;
	gsize len;

	if (!g_file_get_contents(path, &data, &len, NULL)) {
		fprintf(stderr, "%s cannot be read\n", path);
		return 1;
	}
	return LLVMFuzzerTestOneInput((const uint8_t *)data, len);
}

/* The input that is under way lies in $FUZZ_LAST, if that is a path: what crashed can be seen. */
static void keep(const uint8_t *in, size_t len)
{
	const char *path = g_getenv("FUZZ_LAST");

	if (path)
		g_file_set_contents(path, (const char *)in, (gssize)len, NULL);
}

int main(int argc, char **argv)
{
	unsigned long inputs = 2000;
	uint64_t seed = 1, state;
	int i, ret = 0;

	for (i = 1; i + 1 < argc && argv[i][0] == '-'; i += 2) {
		if (argv[i][1] == 'n')
			inputs = strtoul(argv[i + 1], NULL, 0);
		else
			seed = strtoull(argv[i + 1], NULL, 0);
	}
	for (; i < argc; i++) {
		ret |= run_file(argv[i]);
		inputs = 0;
	}
	for (unsigned long n = 0; n < inputs; n++) {
		uint8_t *in = g_malloc(INPUT_MAX);
		size_t len;

		state = (seed << 32 | n) * 0x9e3779b97f4a7c15ull + 1;
		len = make(&state, in);
		in = g_realloc(in, len); /* so that reads past the end are seen */
		keep(in, len);
		LLVMFuzzerTestOneInput(in, len);
		g_free(in);
	}
	printf("1..1\n%sok 1 - %lu made-up inputs did no harm\n", ret ? "not " : "", inputs);
	return ret;
}
