// SPDX-License-Identifier: GPL-2.0-or-later
/* Register values of RESET (SDM 3A, table 10-1) and of the flat modes. */
#include <glib.h>
#include <string.h>

#include "cpu/x86.h"

static void power_on(void)
{
	struct x86_regs r;

	memset(&r, 0xa5, sizeof(r));
	x86_regs_reset(&r);
	g_assert_cmphex(r.seg[X86_CS].base + r.rip, ==, 0xfffffff0);
	g_assert_cmphex(r.seg[X86_CS].sel, ==, 0xf000);
	g_assert_cmphex(r.seg[X86_CS].attrs, ==, 0x9b);
	g_assert_cmphex(r.rflags, ==, 2);
	g_assert_cmphex(r.cr0, ==, 0x60000010);
	g_assert_cmphex(r.cr2 | r.cr3 | r.cr4 | r.cr8 | r.efer, ==, 0);
	for (int i = 0; i < X86_GPRS; i++)
		g_assert_cmphex(r.gpr[i], ==, i == X86_RDX ? 0x600 : 0);
	for (int i = 0; i < X86_SEGS; i++) {
		g_assert_cmphex(r.seg[i].limit, ==, 0xffff);
		if (i == X86_CS)
			continue;
		g_assert_cmphex(r.seg[i].sel | r.seg[i].base, ==, 0);
		g_assert_cmphex(r.seg[i].attrs, ==, 0x93);
	}
	g_assert_cmphex(r.tr.attrs & 0xf, ==, 0xb); /* VM entry wants a busy TSS */
	g_assert_cmphex(r.ldt.attrs & 0xf, ==, 2);
	g_assert_cmphex(r.gdt_base | r.idt_base, ==, 0);
	g_assert_cmphex(r.gdt_limit, ==, 0xffff);
	g_assert_cmphex(r.idt_limit, ==, 0xffff);
}

static void flat(enum x86_mode mode)
{
	struct x86_regs r;
	uint32_t cs;

	memset(&r, 0x5a, sizeof(r));
	x86_regs_flat(&r, mode);
	cs = r.seg[X86_CS].attrs;
	g_assert_cmphex(r.rflags, ==, 2); /* interrupts off */
	g_assert_cmphex(r.seg[X86_CS].sel, ==, 0x10);
	g_assert_cmphex(cs & 0x9f, ==, 0x9b);
	g_assert_cmphex(cs >> 15 & 1, ==, 1);
	g_assert_cmpuint(cs >> 13 & 1, ==, mode == X86_MODE_LONG64);
	g_assert_cmpuint(cs >> 14 & 1, ==,
			 mode == X86_MODE_PROT32); /* L and D exclude each other */
	for (int i = 0; i < X86_SEGS; i++) {
		g_assert_cmphex(r.seg[i].base, ==, 0);
		g_assert_cmphex(r.seg[i].limit, ==, UINT32_MAX);
		if (i != X86_CS) {
			g_assert_cmphex(r.seg[i].sel, ==, 0x18);
			g_assert_cmphex(r.seg[i].attrs, ==, 0xc093);
		}
	}
	g_assert_cmphex(r.cr0 & 0xffffffff, ==, mode == X86_MODE_LONG64 ? 0x80000011 : 0x11);
	g_assert_cmphex(r.cr4, ==, mode == X86_MODE_LONG64 ? 0x20 : 0);
	g_assert_cmphex(r.efer, ==, mode == X86_MODE_LONG64 ? 0x500 : 0);
	g_assert_cmphex(r.cr3, ==, 0); /* the boot protocol's */
}

static void flat_modes(void)
{
	flat(X86_MODE_PROT32);
	flat(X86_MODE_LONG64);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/reset/power-on", power_on);
	g_test_add_func("/reset/flat", flat_modes);
	return g_test_run();
}
