/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The x86-64 register file as boot protocols, debug output and accelerators exchange it.
 *
 * Invariants: plain data; attrs of a segment are the descriptor's bits as VMX stores them: type
 * 3:0, S 4, DPL 6:5, P 7, AVL 12, L 13, DB 14, G 15, unusable 16 (Intel SDM 3C, 25.4.1).
 */
#ifndef CPU_X86_H
#define CPU_X86_H

#include <stdint.h>

enum {
	X86_RAX,
	X86_RCX,
	X86_RDX,
	X86_RBX,
	X86_RSP,
	X86_RBP,
	X86_RSI,
	X86_RDI,
	X86_R8,
	X86_GPRS = 16
};
enum { X86_ES, X86_CS, X86_SS, X86_DS, X86_FS, X86_GS, X86_SEGS };

#define X86_CR0_PE (1u << 0)
#define X86_CR0_MP (1u << 1)
#define X86_CR0_EM (1u << 2)
#define X86_CR0_TS (1u << 3)
#define X86_CR0_ET (1u << 4)
#define X86_CR0_NE (1u << 5)
#define X86_CR0_WP (1u << 16)
#define X86_CR0_AM (1u << 18)
#define X86_CR0_NW (1u << 29)
#define X86_CR0_CD (1u << 30)
#define X86_CR0_PG (1u << 31)
#define X86_CR4_TSD (1u << 2)
#define X86_CR4_DE (1u << 3)
#define X86_CR4_PSE (1u << 4)
#define X86_CR4_PAE (1u << 5)
#define X86_CR4_MCE (1u << 6)
#define X86_CR4_PGE (1u << 7)
#define X86_CR4_PCE (1u << 8)
#define X86_CR4_OSFXSR (1u << 9)
#define X86_CR4_OSXMMEXCPT (1u << 10)
#define X86_CR4_UMIP (1u << 11)
#define X86_CR4_FSGSBASE (1u << 16)
#define X86_CR4_OSXSAVE (1u << 18)
#define X86_CR4_SMEP (1u << 20)
#define X86_CR4_SMAP (1u << 21)
#define X86_EFER_SCE (1u << 0)
#define X86_EFER_LME (1u << 8)
#define X86_EFER_LMA (1u << 10)
#define X86_EFER_NXE (1u << 11)

struct x86_seg {
	uint16_t sel;
	uint32_t attrs;
	uint32_t limit; /* in bytes, after scaling */
	uint64_t base;
};

struct x86_regs {
	uint64_t gpr[X86_GPRS];
	uint64_t rip, rflags;
	struct x86_seg seg[X86_SEGS], tr, ldt;
	uint64_t gdt_base, idt_base;
	uint16_t gdt_limit, idt_limit;
	uint64_t cr0, cr2, cr3, cr4, cr8, efer;
};

/* State after RESET (SDM 3A, table 10-1): real mode at f000:fff0. */
void x86_regs_reset(struct x86_regs *r);

/* Flat segments, interrupts off: what the boot protocols ask for. */
enum x86_mode { X86_MODE_PROT32, X86_MODE_LONG64 };
void x86_regs_flat(struct x86_regs *r, enum x86_mode mode);

#endif
