/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exceptions as a guest's subject: an IDT whose entries save everything, a GDT with every kind of
 * segment, a TSS with a map of I/O permissions, code at ring 3, and the way back from any fault.
 *
 * Invariants: trap_try() remembers a place, and any exception or interrupt without a hook goes back
 * there, at level 0, interrupts off, whatever stack, segment or mode it came from.  What it was
 * stands in trap.  Nothing here returns with IRET, except behind a hook.
 */
#ifndef GUEST_TRAP_H
#define GUEST_TRAP_H

#include "kit/kit.h"

enum {
	SEL_CODE = 0x08, /* of the guest itself, 32 or 64 bits */
	SEL_DATA = 0x10,
	SEL_CODE32 = 0x18,
	SEL_CODE16 = 0x20, /* 16 bits, 4 GiB */
	SEL_DATA16 = 0x28,
	SEL_UCODE32 = 0x33, /* the three as SYSRET wants them */
	SEL_UDATA = 0x3b,
	SEL_UCODE64 = 0x43,
	SEL_TSS = 0x48,
	SEL_LDT = 0x58,
	SEL_FAST = 0x80, /* six as SYSENTER and SYSEXIT want them */
	SEL_FREE = 0xb0, /* from here: the guest's own */
	GDT_ENTRIES = 64,
};

enum {
	DE = 0,
	DB = 1,
	NMI = 2,
	BP = 3,
	OF = 4,
	BR = 5,
	UD = 6,
	NM = 7,
	DF = 8,
	TS = 10,
	NP = 11,
	SS = 12,
	GP = 13,
	PF = 14,
	MF = 16,
	AC = 17,
	XM = 19,
	BACK = 0x80,  /* int $0x80 may come from ring 3 */
	NONE = 0x100, /* trap.vector: nothing happened */
};

struct trap_gate {
	uint16_t low, sel;
	uint8_t ist, type; /* type: P, DPL and type */
	uint16_t mid;
#ifdef __x86_64__
	uint32_t high, zero;
#endif
} __attribute__((packed));

struct trap_frame {
#ifdef __x86_64__
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, di, si, bp, bx, dx, cx, ax;
	uint64_t vector, error, ip, cs, flags, sp, ss;
#else
	uint32_t gs, fs, es, ds, di, si, bp, unused, bx, dx, cx, ax;
	uint32_t vector, error, ip, cs, flags, sp, ss; /* sp, ss: from an outer ring */
	uint32_t v_es, v_ds, v_fs, v_gs;               /* from virtual-8086 mode */
#endif
};

struct trap {
	uint32_t vector, error;
	uintptr_t cr2;
	struct trap_frame frame;
	uintptr_t frame_at; /* which stack it was on */
};
extern volatile struct trap trap;

/* true: go on with the frame, as changed; false: as if there were no hook. */
typedef bool trap_hook(struct trap_frame *f);

extern struct trap_gate trap_idt[256];
extern uint64_t trap_gdt[GDT_ENTRIES];
extern uint8_t trap_tss[0x68 + 0x2000 + 1]; /* its I/O map forbids all */
extern uint8_t trap_stack[0x4000];          /* for entries from ring 3 */
extern uint8_t trap_ist[0x2000];            /* IST 1 of long mode: #DF */
extern uint8_t trap_user_stack[0x4000];

void trap_init(void);
void trap_hook_set(unsigned vector, trap_hook *hook);
void trap_gate_set(unsigned vector, uintptr_t to, unsigned sel, unsigned type, unsigned ist);
void trap_idt_load(unsigned limit);
void trap_gdt_load(unsigned limit);
void trap_dispatch(struct trap_frame *f);

/* 0, and once more 1 when something trapped. */
int trap_try(void) __attribute__((returns_twice));
void trap_end(void); /* of what was tried */
void trap_back(void) __attribute__((noreturn));

/* Segment descriptors.  flags: G, D/B, L, AVL in bits 15 to 12; type with S, DPL, P below. */
uint64_t descriptor(uint32_t base, uint32_t limit, unsigned flags);
void gdt_set(unsigned sel, uint64_t desc);
#ifdef __x86_64__
void trap_ring3(uintptr_t code, unsigned cs, uint64_t flags); /* with IRETQ; ends by a trap */
#else
void trap_ring3(uintptr_t code);                       /* with RETF */
#endif

void check_trap(const char *name, unsigned vector, uint32_t error);

/* What a host's KVM is known not to do; each guest has a list that ends with NULL. */
struct gap {
	const char *name, *why;
};
extern const struct gap kvm_gaps[];
bool gap(const char *name);                                 /* then the check was skipped */
void verify(const char *name, uint64_t got, uint64_t want); /* check() if there is no gap */

/* Run code; the named check is how it ended. */
#define TRAPS(name, vector, error, code)                 \
	do {                                             \
		if (!gap(name)) {                        \
			if (!trap_try()) {               \
				code;                    \
			}                                \
			trap_end();                      \
			check_trap(name, vector, error); \
		}                                        \
	} while (0)
#define TRY(code)                  \
	do {                       \
		if (!trap_try()) { \
			code;      \
		}                  \
		trap_end();        \
	} while (0)
#define ASM(...) __asm__ volatile(__VA_ARGS__)

static inline uintptr_t get_cr0(void)
{
	uintptr_t v;

	ASM("mov %%cr0, %0" : "=r"(v) : : "memory");
	return v;
}

static inline void set_cr0(uintptr_t v)
{
	ASM("mov %0, %%cr0" : : "r"(v) : "memory");
}

static inline uintptr_t get_cr3(void)
{
	uintptr_t v;

	ASM("mov %%cr3, %0" : "=r"(v) : : "memory");
	return v;
}

static inline void set_cr3(uintptr_t v)
{
	ASM("mov %0, %%cr3" : : "r"(v) : "memory");
}

static inline uintptr_t get_cr4(void)
{
	uintptr_t v;

	ASM("mov %%cr4, %0" : "=r"(v) : : "memory");
	return v;
}

static inline void set_cr4(uintptr_t v)
{
	ASM("mov %0, %%cr4" : : "r"(v) : "memory");
}

static inline uintptr_t get_flags(void)
{
	uintptr_t v;

	ASM("pushf; pop %0" : "=r"(v) : : "memory");
	return v;
}

static inline void set_flags(uintptr_t v)
{
	ASM("push %0; popf" : : "r"(v) : "memory", "cc");
}

static inline void invlpg(uintptr_t at)
{
	ASM("invlpg (%0)" : : "r"(at) : "memory");
}

#define MSR_EFER 0xc0000080u
#define CR0_PE 1u
#define CR0_MP 2u
#define CR0_EM 4u
#define CR0_TS 8u
#define CR0_NE 0x20u
#define CR0_WP 0x10000u
#define CR0_AM 0x40000u
#define CR0_NW 0x20000000u
#define CR0_CD 0x40000000u
#define CR0_PG 0x80000000u
#define CR4_VME 1u
#define CR4_TSD 4u
#define CR4_DE 8u
#define CR4_PSE 0x10u
#define CR4_PAE 0x20u
#define CR4_PGE 0x80u
#define CR4_OSFXSR 0x200u
#define CR4_OSXMMEXCPT 0x400u
#define CR4_UMIP 0x800u
#define CR4_FSGSBASE 0x10000u
#define CR4_SMEP 0x100000u
#define CR4_SMAP 0x200000u
#define FL_CF 1u
#define FL_ZF 0x40u
#define FL_TF 0x100u
#define FL_IF 0x200u
#define FL_DF 0x400u
#define FL_IOPL 0x3000u
#define FL_NT 0x4000u
#define FL_RF 0x10000u
#define FL_VM 0x20000u
#define FL_AC 0x40000u

#endif
