// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * RAM where the board says it is, and nothing between: the top below 4 GiB, the hole, the part
 * above 4 GiB.  64 bits; run with more memory than fits below the hole.  Argument mib: what -m
 * says.
 */
#include "kit/kit.h"

#define MIB 0x100000ull
#define LOW_END 0x80000000ull
#define HIGH 0x100000000ull

#define FREE 0x1000000ull /* RAM that holds neither guest nor boot structures */

static void distinct(const uint64_t *at, size_t n)
{
	uint64_t wrong = 0;

	for (size_t i = 0; i < n; i++)
		write64(at[i], 0xabcd000000000000 + at[i]);
	for (size_t i = 0; i < n; i++)
		wrong += read64(at[i]) != 0xabcd000000000000 + at[i];
	check("no-aliases", wrong, 0);
}

void guest(uint32_t magic, uintptr_t info)
{
	uint64_t high_end = HIGH + arg_num("mib", 3072) * MIB - LOW_END;
	const uint64_t spots[] = {
		FREE,        FREE + 0x1000, LOW_END / 2,   LOW_END - 0x1000,   LOW_END - 8,
		HIGH,        HIGH + FREE,   HIGH + 0x1000, HIGH + LOW_END / 4, high_end - 0x1000,
		high_end - 8};

	distinct(spots, sizeof(spots) / sizeof(spots[0]));
	write8(LOW_END - 1, 0x5a);
	check("low-top", read8(LOW_END - 1), 0x5a);
	check("hole-start", read8(LOW_END), 0xff);
	write64(LOW_END, 0);
	check("hole-written", read64(LOW_END), 0xffffffffffffffff);
	write32(LOW_END - 2, 0x44332211); /* half in RAM, half in the hole */
	check("low-top-crossing-write", read16(LOW_END - 2), 0x2211);
	check("low-top-crossing-read", read32(LOW_END - 2), 0xffff2211);
	check("hole-end", read8(HIGH - 1), 0xff);
	write16(HIGH, 0x7766);
	check("high-start", read16(HIGH), 0x7766);
	write32(HIGH - 2, 0x0d0c0b0a);
	check("high-start-crossing-write", read16(HIGH), 0x0d0c);
	check("high-start-crossing-read", read32(HIGH - 2), 0x0d0cffff);
	write8(high_end - 1, 0xa5);
	check("high-top", read8(high_end - 1), 0xa5);
	check("past-the-end", read64(high_end), 0xffffffffffffffff);
	write64(0x9f000, 0x1122334455667788);
	check("low-640k", read64(0x9f000), 0x1122334455667788);
}
