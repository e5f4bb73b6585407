// SPDX-License-Identifier: GPL-2.0-or-later
/* What the boot protocol hands over, multiboot's or PVH's, for the runner to judge. */
#include "kit/kit.h"

static void text(const char *label, uint32_t at)
{
	put(label);
	put(" [");
	if (at)
		put((const char *)(uintptr_t)at);
	put("]\n");
}

static void range(const char *label, uint64_t addr, uint64_t size, uint32_t type)
{
	put(label);
	put(" ");
	put_hex(addr);
	put(" ");
	put_hex(size);
	put(" ");
	put_hex(type);
	put("\n");
}

/* Address, length, and a sum that knows the order of the bytes. */
static void module(uint32_t start, uint32_t end)
{
	uint32_t sum = 0;

	for (uint32_t at = start; at < end; at++)
		sum = 31 * sum + read8(at);
	range("module", start, end - start, sum);
}

static void multiboot(uint32_t info)
{
	uint32_t at = read32(info + 48), end = at + read32(info + 44);

	say("flags", read32(info));
	say("mem_lower", read32(info + 4));
	say("mem_upper", read32(info + 8));
	for (; at < end; at += read32(at) + 4)
		range("map", read32(at + 4) | (uint64_t)read32(at + 8) << 32,
		      read32(at + 12) | (uint64_t)read32(at + 16) << 32, read32(at + 20));
	for (uint32_t i = 0; i < read32(info + 20); i++) {
		uint32_t mod = read32(info + 24) + 16 * i;

		module(read32(mod), read32(mod + 4));
		text("string", read32(mod + 8));
	}
	text("cmdline", read32(info + 16));
	text("loader", read32(info + 64));
}

static void pvh(uint32_t info)
{
	uint32_t map = read32(info + 40), mods = read32(info + 16);

	say("version", read32(info + 4));
	for (uint32_t i = 0; i < read32(info + 48); i++)
		range("map", read32(map + 24 * i) | (uint64_t)read32(map + 24 * i + 4) << 32,
		      read32(map + 24 * i + 8) | (uint64_t)read32(map + 24 * i + 12) << 32,
		      read32(map + 24 * i + 16));
	for (uint32_t i = 0; i < read32(info + 12); i++)
		module(read32(mods + 32 * i), read32(mods + 32 * i) + read32(mods + 32 * i + 8));
	text("cmdline", read32(info + 24));
	check("rsdp", (uint64_t)memcmp((void *)(uintptr_t)read32(info + 32), "RSD PTR ", 8), 0);
}

void guest(uint32_t magic, uintptr_t info)
{
	say("magic", magic);
	if (magic == MULTIBOOT_MAGIC)
		multiboot((uint32_t)info);
	else
		pvh((uint32_t)info);
	check_true("magic-known", magic == MULTIBOOT_MAGIC || magic == PVH_MAGIC);
}
