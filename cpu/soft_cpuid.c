// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the list of what the soft CPU can do, as CPUID shows it (SDM 2A, CPUID; AMD APM 3, appendix
 * E).  Called when the accelerator opens; a bit is here when the instructions are in the tables.
 */
#include <string.h>

#include "cpu/cpu.h"
#include "cpu/cpuid.h"

#define BIT(n) (1u << (n))

enum {
	SIGNATURE = 0x60fb1, /* family 15, model 107: what qemu64 shows */
	LEAF1_ECX = BIT(0) | BIT(1) | BIT(9) | BIT(13) | BIT(19) | BIT(20) | BIT(21) | BIT(22) |
		    BIT(23) | BIT(24) | BIT(25) | BIT(26) | BIT(30),
	/* FPU DE PSE TSC MSR PAE MCE CX8 APIC, MTRR PGE MCA CMOV PAT PSE36, MMX FXSR */
	COMMON_EDX = 0x3fd | BIT(12) | BIT(13) | BIT(14) | BIT(15) | BIT(16) | BIT(17) | BIT(23) |
		     BIT(24),
	LEAF1_EDX = COMMON_EDX | BIT(11) | BIT(19) | BIT(25) | BIT(26),
	LEAF7_EBX = BIT(0) | BIT(1) | BIT(7) | BIT(9) | BIT(18) | BIT(20),
	LEAF7_ECX = BIT(2),
	EXT1_ECX = BIT(0) | BIT(4) | BIT(8),
	EXT1_EDX = COMMON_EDX | BIT(11) | BIT(20) | BIT(22) | BIT(26) | BIT(27) | BIT(29),
	XSTATE_SIZE = 576,
};
#define HYPERVISOR BIT(31)

static void add(struct cpuid_table *t, uint32_t leaf, int sub, uint32_t a, uint32_t b, uint32_t c,
		uint32_t d)
{
	t->leaf[t->n++] = (struct cpuid_leaf){.leaf = leaf,
					      .sub = sub < 0 ? 0 : (uint32_t)sub,
					      .reg = {a, b, c, d},
					      .indexed = sub >= 0};
}

static void add_text(struct cpuid_table *t, uint32_t leaf, const char *text)
{
	uint32_t reg[4] = {0};

	memcpy(reg, text, strlen(text));
	add(t, leaf, -1, reg[0], reg[1], reg[2], reg[3]);
}

/* SSE runs on the host's own (simd.h): what that lacks, the guest lacks. */
static uint32_t host_lacks(void)
{
	uint32_t bits = 0;

	bits |= __builtin_cpu_supports("sse3") ? 0 : BIT(0);
	bits |= __builtin_cpu_supports("pclmul") ? 0 : BIT(1);
	bits |= __builtin_cpu_supports("ssse3") ? 0 : BIT(9);
	bits |= __builtin_cpu_supports("sse4.1") ? 0 : BIT(19);
	bits |= __builtin_cpu_supports("sse4.2") ? 0 : BIT(20);
	bits |= __builtin_cpu_supports("aes") ? 0 : BIT(25);
	return bits;
}

void x86_cpuid_supported(struct cpuid_table *out, unsigned phys_bits)
{
	const uint32_t vendor[3] = {0x68747541, 0x69746e65, 0x444d4163}; /* AuthenticAMD */

	out->n = 0;
	add(out, 0, -1, 0xd, vendor[0], vendor[2], vendor[1]);
	add(out, 1, -1, SIGNATURE, 8 << 8, (LEAF1_ECX & ~host_lacks()) | HYPERVISOR, LEAF1_EDX);
	add(out, 6, -1, BIT(2), 0, 0, 0); /* the APIC's timer never stops */
	add(out, 7, 0, 0, LEAF7_EBX, LEAF7_ECX, 0);
	add(out, 0xd, 0, 3, XSTATE_SIZE, XSTATE_SIZE, 0);
	add(out, 0xd, 1, 0, 0, 0, 0);
	add(out, 0x80000000, -1, 0x80000008, vendor[0], vendor[2], vendor[1]);
	add(out, 0x80000001, -1, SIGNATURE, 0, EXT1_ECX, EXT1_EDX);
	add_text(out, 0x80000002, "sluice soft CPU");
	add_text(out, 0x80000003, "");
	add_text(out, 0x80000004, "");
	add(out, 0x80000007, -1, 0, 0, 0, BIT(8)); /* the TSC is the machine's clock */
	add(out, 0x80000008, -1, phys_bits | 48 << 8, 0, 0, 0);
}
