// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ACPI tables: found as firmware's are found, every pointer followed, every checksum right.
 * Argument cpus: how many MADT must list.
 */
#include "kit/kit.h"

static uint8_t sum(uintptr_t at, uint32_t n)
{
	uint8_t s = 0;

	while (n--)
		s = (uint8_t)(s + read8(at++));
	return s;
}

static bool is(uintptr_t at, const char *sig)
{
	return !memcmp((const void *)at, sig, 4);
}

static uintptr_t find_rsdp(void)
{
	for (uintptr_t at = 0xe0000; at < 0x100000; at += 16)
		if (!memcmp((const void *)at, "RSD PTR ", 8))
			return at;
	return 0;
}

static void fadt(uintptr_t t)
{
	uintptr_t dsdt = read32(t + 140), facs = read32(t + 132);

	check("fadt-length", read32(t + 4), 276);
	check("fadt-dsdt-both", read32(t + 40), dsdt);
	check("fadt-dsdt-high", read32(t + 144), 0);
	check_true("dsdt", is(dsdt, "DSDT"));
	check("dsdt-checksum", sum(dsdt, read32(dsdt + 4)), 0);
	check_true("dsdt-has-code", read32(dsdt + 4) > 1000);
	check_true("facs", is(facs, "FACS"));
	check("facs-aligned", facs & 63, 0);
	check("facs-length", read32(facs + 4), 64);
	check("sci-int", read16(t + 46), 9);
	check("pm1a-event", read32(t + 56), PMBASE);
	check("pm1a-control", read32(t + 64), PMBASE + 4);
	check("pm-timer", read32(t + 76), PM_TIMER);
	check("reset-register", read32(t + 120), 0xcf9);
	check("reset-register-supported", read32(t + 112) >> 10 & 1, 1);
}

static void madt(uintptr_t t)
{
	uint32_t cpus = 0, ioapics = 0, overrides = 0, gsi_of_0 = 0, ids = 0, len = read32(t + 4),
		 at;

	check("madt-lapic", read32(t + 36), 0xfee00000);
	for (at = 44; at < len && read8(t + at + 1); at += read8(t + at + 1)) {
		uint8_t type = read8(t + at);

		if (type == 0 && read32(t + at + 4) & 1) {
			cpus++;
			ids |= 1u << read8(t + at + 3);
		} else if (type == 1) {
			ioapics++;
			check("madt-ioapic-address", read32(t + at + 4), 0xfec00000);
			check("madt-ioapic-gsi-base", read32(t + at + 8), 0);
		} else if (type == 2) {
			overrides++;
			if (!read8(t + at + 3))
				gsi_of_0 = read32(t + at + 4);
		}
	}
	check("madt-walk-ends", at, len);
	check("madt-cpus", cpus, arg_num("cpus", 1));
	check("madt-ids", ids, (1u << arg_num("cpus", 1)) - 1);
	check("madt-ioapics", ioapics, 1);
	check_true("madt-overrides", overrides);
	check("madt-timer", gsi_of_0, 2);
}

static void mcfg(uintptr_t t)
{
	check("mcfg-length", read32(t + 4), 60);
	check("mcfg-base", read32(t + 44), 0xb0000000);
	check("mcfg-buses", read8(t + 54) << 8 | read8(t + 55), 15);
	check("mcfg-answers", read32(read32(t + 44)), 0x29c08086);
}

void guest(uint32_t magic, uintptr_t info)
{
	uintptr_t rsdp = find_rsdp(), xsdt;
	uint32_t n, seen = 0, bad = 0;

	check_true("rsdp-found", rsdp);
	if (!rsdp)
		return;
	check("rsdp-checksum", sum(rsdp, 20), 0);
	check("rsdp-extended-checksum", sum(rsdp, 36), 0);
	check("rsdp-revision", read8(rsdp + 15), 2);
	xsdt = read32(rsdp + 24);
	check_true("xsdt", is(xsdt, "XSDT"));
	check("xsdt-checksum", sum(xsdt, read32(xsdt + 4)), 0);
	n = (read32(xsdt + 4) - 36) / 8;
	for (uint32_t i = 0; i < n; i++) {
		uintptr_t t = read32(xsdt + 36 + 8 * i);

		bad += read32(xsdt + 40 + 8 * i) || sum(t, read32(t + 4));
		if (is(t, "FACP")) {
			fadt(t);
			seen |= 1;
		} else if (is(t, "APIC")) {
			madt(t);
			seen |= 2;
		} else if (is(t, "MCFG")) {
			mcfg(t);
			seen |= 4;
		}
	}
	check("table-checksums", bad, 0);
	check("tables", seen, 7);
}
