// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the register values of RESET and of flat modes; called by vm/boot_*.c and accel; keeps no
 * state. */
#include "cpu/x86.h"

#include <string.h>

static struct x86_seg seg(uint16_t sel, uint64_t base, uint32_t limit, uint32_t attrs)
{
	return (struct x86_seg){.sel = sel, .base = base, .limit = limit, .attrs = attrs};
}

void x86_regs_reset(struct x86_regs *r)
{
	memset(r, 0, sizeof(*r));
	r->rip = 0xfff0;
	r->rflags = 2;
	r->gpr[X86_RDX] = 0x600; /* family 6; the accelerator may put the model's own value */
	for (int i = 0; i < X86_SEGS; i++)
		r->seg[i] = seg(0, 0, 0xffff, 0x93);
	r->seg[X86_CS] = seg(0xf000, 0xffff0000, 0xffff, 0x9b);
	r->tr = seg(0, 0, 0xffff, 0x8b);
	r->ldt = seg(0, 0, 0xffff, 0x82);
	r->gdt_limit = r->idt_limit = 0xffff;
	r->cr0 = 0x60000010;
}

void x86_regs_flat(struct x86_regs *r, enum x86_mode mode)
{
	x86_regs_reset(r);
	r->seg[X86_CS] = seg(0x10, 0, 0xffffffff, mode == X86_MODE_LONG64 ? 0xa09b : 0xc09b);
	for (int i = 0; i < X86_SEGS; i++)
		if (i != X86_CS)
			r->seg[i] = seg(0x18, 0, 0xffffffff, 0xc093);
	r->cr0 = X86_CR0_PE | X86_CR0_ET;
	if (mode == X86_MODE_LONG64) {
		r->cr0 |= X86_CR0_PG;
		r->cr4 = X86_CR4_PAE;
		r->efer = X86_EFER_LME | X86_EFER_LMA;
	}
}
