// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs a fuzz target without libFuzzer: files given as arguments, or so many inputs from a seed,
 * the same each time, as the target's own fuzz_make() makes them.
 *
 *   fuzz_vfio [-n INPUTS] [-s SEED] | fuzz_vfio FILE..
 */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

uint32_t fuzz_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 16);
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
		uint8_t *in = g_malloc(fuzz_input_max);
		size_t len;

		state = (seed << 32 | n) * 0x9e3779b97f4a7c15ull + 1;
		len = fuzz_make(&state, in);
		in = g_realloc(in, len); /* so that reads past the end are seen */
		keep(in, len);
		LLVMFuzzerTestOneInput(in, len);
		g_free(in);
	}
	printf("1..1\n%sok 1 - %lu made-up inputs did no harm\n", ret ? "not " : "", inputs);
	return ret;
}
