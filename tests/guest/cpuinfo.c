// SPDX-License-Identifier: GPL-2.0-or-later
/* What CPUID says, for the runner to judge: "cpuid LEAF SUB eax ebx ecx edx", hexadecimal. */
#include "kit/kit.h"

static void show(uint32_t leaf, uint32_t sub)
{
	struct cpuid r = cpuid(leaf, sub);
	const uint32_t v[] = {leaf, sub, r.a, r.b, r.c, r.d};

	put("cpuid");
	for (unsigned i = 0; i < 6; i++) {
		put(" ");
		put_hex(v[i]);
	}
	put("\n");
}

void guest(uint32_t magic, uintptr_t info)
{
	uint32_t max = cpuid(0, 0).a, max_ext = cpuid(0x80000000, 0).a;

	show(0, 0);
	show(1, 0);
	for (uint32_t sub = 0; max >= 4 && sub < 4; sub++)
		show(4, sub);
	if (max >= 7)
		show(7, 0);
	for (uint32_t sub = 0; max >= 0xb && sub < 3; sub++)
		show(0xb, sub);
	show(0x40000000, 0);
	for (uint32_t leaf = 0x80000000; leaf <= max_ext && leaf <= 0x80000008; leaf++)
		show(leaf, 0);
	check_true("cpuid-instruction", max >= 1);
}
