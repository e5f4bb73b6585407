/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The x87 of a soft CPU, as its neighbours see it: status, tags, when an instruction may run.
 *
 * Invariants: fpu.fsw holds neither TOP nor B (B is a copy of ES); ES is set exactly when a flag of
 * fsw is unmasked in fcw.  Whoever writes fsw or fcw calls x86_fpu_summary().
 */
#ifndef CPU_FPU_H
#define CPU_FPU_H

#include "cpu/access.h"

/* The status word (SDM 1, 8.1.3). */
#define X87_IE 0x0001u
#define X87_DE 0x0002u
#define X87_ZE 0x0004u
#define X87_OE 0x0008u
#define X87_UE 0x0010u
#define X87_PE 0x0020u
#define X87_SF 0x0040u
#define X87_ES 0x0080u
#define X87_C0 0x0100u
#define X87_C1 0x0200u
#define X87_C2 0x0400u
#define X87_C3 0x4000u
#define X87_B 0x8000u
#define X87_TOP_SHIFT 11
#define X87_EXCEPTIONS 0x003fu /* in the status word, and their masks in the control word */
#define X87_CC (X87_C0 | X87_C1 | X87_C2 | X87_C3)

void x86_fpu_init(struct x86_cpu *c);                /* what FNINIT does (SDM 2A) */
uint16_t x86_fpu_sw(const struct x86_cpu *c);        /* FSW with TOP and B */
uint16_t x86_fpu_tag_word(const struct x86_cpu *c);  /* 2 bits a register: SDM 1, 8.1.7 */
void x86_fpu_set_cw(struct x86_fpu *f, uint16_t cw); /* reserved bits read as they must */
void x86_fpu_set_sw(struct x86_fpu *f, uint16_t sw); /* as read by x86_fpu_sw() */
void x86_fpu_summary(struct x86_fpu *f);             /* ES anew */

/* #NM or #MF, whichever is due; comes back where neither is. */
void x86_fpu_stop(struct x86_cpu *c);

/* Before every waiting x87 or MMX instruction (MMX looks at CR0.EM first: #UD). */
static inline void x86_fpu_wait(struct x86_cpu *c)
{
	if (!x86_likely(!((c->cr0 & (X86_CR0_EM | X86_CR0_TS)) | (c->fpu.fsw & X87_ES))))
		x86_fpu_stop(c);
}

/* Before those that do not wait. */
static inline void x86_fpu_no_wait(struct x86_cpu *c)
{
	if (!x86_likely(!(c->cr0 & (X86_CR0_EM | X86_CR0_TS))))
		x86_raise(c, X86_NM, 0);
}

#endif
