/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of a soft CPU: registers, flags, TLBs, blocks.  For cpu/ alone.
 *
 * Invariants: rip is right between blocks; within one the address of an instruction is
 * r[X86_R_BLOCK] + op->ip - op->len.  The arithmetic flags live in fl_res and fl_cv (cpu/flags.h),
 * all other flags in rflags.  mode says what a block depends on; whoever changes CS, SS, CPL, CR0,
 * EFER, RFLAGS.VM or .TF calls x86_mode_update() and ends its block.
 */
#ifndef CPU_STATE_H
#define CPU_STATE_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu/cpu.h"
#include "cpu/cpuid.h"

/* Behind the general registers: what an address may be made of besides them. */
enum { X86_R_ZERO = 16, X86_R_BLOCK = 17, X86_R_SLOTS = 18 };

#define X86_CF (1u << 0)
#define X86_PF (1u << 2)
#define X86_AF (1u << 4)
#define X86_ZF (1u << 6)
#define X86_SF (1u << 7)
#define X86_TF (1u << 8)
#define X86_IF (1u << 9)
#define X86_DF (1u << 10)
#define X86_OF (1u << 11)
#define X86_IOPL (3u << 12)
#define X86_NT (1u << 14)
#define X86_RF (1u << 16)
#define X86_VM (1u << 17)
#define X86_AC (1u << 18)
#define X86_ID (1u << 21)
#define X86_ARITH (X86_CF | X86_PF | X86_AF | X86_ZF | X86_SF | X86_OF)

/* Exceptions (SDM 3A, table 6-1). */
enum {
	X86_DE = 0,
	X86_DB = 1,
	X86_NMI = 2,
	X86_BP = 3,
	X86_OFLOW = 4,
	X86_BR = 5,
	X86_UD = 6,
	X86_NM = 7,
	X86_DFAULT = 8,
	X86_TS = 10,
	X86_NP = 11,
	X86_SS_FAULT = 12,
	X86_GP = 13,
	X86_PAGE = 14,
	X86_MF = 16,
	X86_ALIGN = 17,
	X86_XM = 19,
};

/* A vector register: XMM n, or MMX in its low half. */
union x86_vec {
	uint8_t u8[16];
	int8_t s8[16];
	uint16_t u16[8];
	int16_t s16[8];
	uint32_t u32[4];
	int32_t s32[4];
	uint64_t u64[2];
	int64_t s64[2];
	float f32[4];
	double f64[2];
} __attribute__((aligned(16)));

/* x87 (SDM 1, 8.1).  reg is by physical number: ST(i) is reg[(top + i) & 7]; MMX n is reg[n]. */
struct x86_fpu {
	union {
		uint8_t bytes[16]; /* 10 are the register, little endian */
		uint64_t mant;
		struct {
			uint64_t m;
			uint16_t exp;
		};
	} reg[8];
	uint16_t fcw;
	uint16_t fsw; /* without TOP, which is in top */
	uint8_t top;
	uint8_t valid; /* bit n: reg[n] is not empty (the abridged tag of FXSAVE) */
	uint16_t fop;
	uint64_t fip, fdp;
	uint16_t fcs, fds;
};

#define X86_TLB_BITS 9
#define X86_TLB_SIZE (1u << X86_TLB_BITS)

/* A tag is the page's linear address, plus 1 where the fast path must not take it. */
struct x86_tlbe {
	uint64_t rtag, wtag; /* ~0: nothing */
	uint64_t addend;     /* linear address + this = the host's */
	uint64_t phys;       /* of the page; low bits: X86_TLB_* */
};
enum {
	X86_TLB_GLOBAL = 1,
	X86_TLB_LARGE = 2,
	X86_TLB_IO = 4,
	X86_TLB_CODE = 8,
	X86_TLB_DEVICE = 16
};
/* Which rights: kernel (SMAP heeded), user, kernel with RFLAGS.AC, user with alignment checks. */
enum { X86_TLB_KERNEL, X86_TLB_USER, X86_TLB_KERNEL_AC, X86_TLB_USER_AC, X86_TLBS };

/* Where code is fetched from. */
struct x86_itlbe {
	uint64_t tag; /* linear page; ~0: nothing */
	uint64_t phys;
	const uint8_t *host; /* NULL: not RAM */
	bool global, large;
};
#define X86_ITLB_SIZE 128u

struct x86_op;
struct x86_block;

/* From the end of a block to the next one; valid while gen is the CPU's of that kind. */
struct x86_link {
	struct x86_block *to;
	uint64_t gen;
};

#define X86_INSN_MAX 15u

/* An instruction that cannot be found by its physical address, as it was the last time. */
struct x86_scratch {
	uint64_t lin;
	uint8_t len; /* 0: nothing */
	uint8_t code[X86_INSN_MAX];
	struct x86_block *block;
};
#define X86_SCRATCHES 64u

struct x86_jump { /* where indirect jumps went */
	uint64_t lin, gen;
	struct x86_block *to;
};
#define X86_JUMPS 2048u

/* Bits of x86_cpu.mode, the key of a block besides its address. */
enum {
	X86_MODE_WIDTH = 3, /* of code: 0 = 16, 1 = 32, 2 = 64 */
	X86_MODE_SS32 = 4,  /* the stack pointer is ESP, not SP */
	X86_MODE_USER = 8,  /* CPL 3 */
	X86_MODE_STEP = 16, /* one instruction a block: TF, breakpoints */
	X86_MODE_REAL = 32, /* real or virtual-8086 mode */
	X86_MODE_VM = 64,
};

/* Behind STI; behind MOV SS and POP SS, which holds debug traps, too (SDM 3A, 6.8.3). */
enum { X86_SHADOW_STI = 1, X86_SHADOW_SS };

struct x86_segcache { /* what an access needs, made from struct x86_seg */
	uint64_t base;
	int64_t rmax, wmax; /* last byte; -1: look closer */
};

struct x86_cpu {
	uint64_t r[X86_R_SLOTS];
	int64_t fl_res;
	uint32_t fl_cv;
	uint32_t mode;
	uint64_t icount, limit; /* limit: any thread may lower it to 0 */
	const struct x86_op *op;
	struct x86_tlbe *tlb; /* the current one of tlbs */
	uint64_t gen[2];      /* [0] is 1: links within a page; [1]: this mapping, this mode */
	struct x86_link *via, *want;
	bool want_far;
	bool no_step;     /* the instruction led into a handler: TF is saved, not taken */
	bool yield;       /* PAUSE: let another CPU run */
	uint64_t cs_base; /* that gen[1] is about */
	uint64_t rip_max; /* of the code segment */
	uint64_t rip;
	uint64_t rflags; /* but X86_ARITH */
	struct x86_segcache sc[X86_SEGS + 1];
	uint8_t cpl;
	bool halted, wait_sipi, shutdown;
	uint8_t shadow; /* interrupts wait for one more instruction: X86_SHADOW_* */
	bool tlb_watch; /* DR7 has data breakpoints: pages are checked */

	union x86_vec v[16];
	uint32_t mxcsr;
	struct x86_fpu fpu;

	struct x86_seg seg[X86_SEGS], tr, ldt;
	uint64_t gdt_base, idt_base;
	uint16_t gdt_limit, idt_limit;
	uint64_t cr0, cr2, cr3, cr4, efer, xcr0;
	uint64_t dr[8];
	uint64_t dr6_pending;
	struct {
		uint64_t star, lstar, cstar, fmask, kernel_gs, tsc_aux;
		uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
		uint64_t pat, misc_enable, mtrr_def, mtrr_fixed[11], mtrr_var[16];
		uint64_t mcg_status, tsc_adjust;
		int64_t tsc_offset;
	} msr;

	bool attention; /* any thread sets it: look at events */
	bool kicked;    /* any thread: and come back */
	bool nmi_blocked;
	/* The event that is being delivered, for double faults (SDM 3A, 6.15). */
	int delivering; /* vector, or -1 */
	struct {
		uint8_t vector;
		bool has_error;
		uint32_t error;
	} fault;
	sigjmp_buf escape;

	struct x86_env env;
	struct x86_set *set;
	unsigned id;
	struct cpuid_table cpuid;
	uint8_t tlbs_used; /* bit k: tlbs[k] has had entries since it was empty */
	uint64_t large;    /* hash of what 1 GiB areas have had large pages */
	uint64_t rng;

	struct x86_tlbe tlbs[X86_TLBS][X86_TLB_SIZE];
	struct x86_itlbe itlb[X86_ITLB_SIZE];
	struct x86_jump jump[X86_JUMPS];
	struct x86_scratch scratch[X86_SCRATCHES];
};

static inline bool x86_long(const struct x86_cpu *c) /* IA-32e mode, 64-bit or compatibility */
{
	return c->efer & X86_EFER_LMA;
}

static inline bool x86_code64(const struct x86_cpu *c)
{
	return (c->mode & X86_MODE_WIDTH) == 2;
}

static inline bool x86_real(const struct x86_cpu *c) /* or virtual-8086 */
{
	return c->mode & X86_MODE_REAL;
}

void x86_mode_update(struct x86_cpu *c);                /* seg.c */
void x86_reset_state(struct x86_cpu *c, bool power_on); /* exec.c: RESET or INIT */

/* --- leaving an instruction: none of these returns (event.c) --- */
void x86_raise(struct x86_cpu *c, unsigned vector, uint32_t error) __attribute__((noreturn));
void x86_ud(struct x86_cpu *c) __attribute__((noreturn));
void x86_gp(struct x86_cpu *c, uint32_t error) __attribute__((noreturn));
void x86_page_fault(struct x86_cpu *c, uint64_t lin, uint32_t error) __attribute__((noreturn));

#endif
