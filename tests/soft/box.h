/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two machines that execute the same instruction: the host, in a sandbox at fixed addresses
 * below 4 GiB, and a soft CPU whose page tables show a copy of the sandbox at the same addresses.
 *
 * Invariants: the native sandbox lies in reserved address space: what is not code, data or stack
 * faults.  Between two cases the data and the stack of both are equal, byte by byte.  What the
 * signal handler needs lies in the sandbox, too (struct box_rt at BOX_RT).
 */
#ifndef TESTS_SOFT_BOX_H
#define TESTS_SOFT_BOX_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#define BOX_BASE 0x20000000u
#define BOX_SIZE 0x200000u
#define BOX_CODE 0x20010000u
#define BOX_CODE_SIZE 0x2000u
#define BOX_DATA 0x20020000u
#define BOX_DATA_SIZE 0x4000u
#define BOX_RO 0x20024000u /* behind the data, one page that can only be read */
#define BOX_RO_SIZE 0x1000u
#define BOX_STACK 0x20030000u
#define BOX_STACK_SIZE 0x2000u
#define BOX_RT 0x20040000u     /* native only; box.c has the address in its assembly, too */
#define BOX_GS_BASE 0x12340ull /* of the GS segment, on both sides */
/* In 32-bit code: a segment for 16-bit addresses, the data and BOX_RO; CS and SS are flat. */
#define BOX_LOW_BASE BOX_DATA
#define BOX_LOW_LIMIT (BOX_DATA_SIZE + BOX_RO_SIZE - 1)
#define BOX_DS 0x2b /* what else there is for data: flat */

enum { BOX_NO_VECTOR = -1 };

struct fx { /* FXSAVE64 (SDM 1, table 10-2) */
	uint16_t fcw, fsw;
	uint8_t ftw, zero;
	uint16_t fop;
	uint64_t fip, fdp;
	uint32_t mxcsr, mxcsr_mask;
	uint8_t st[8][16], xmm[16][16], rest[96];
} __attribute__((aligned(64)));

struct state {
	struct fx fx;
	uint64_t gpr[16], rip, flags;
	uint64_t cr2; /* of #PF, else 0 */
	int32_t vector;
	uint32_t error; /* code of the exception, else 0 */
	uint16_t ds;    /* DS and ES; in 32-bit code, before it */
};

/* How an instruction is left without an exception: through one of two jumps in the code. */
enum { BOX_EXIT_BYTES = 7 };
void box_put_exit(uint8_t *code, unsigned which); /* 0: behind the instruction; 1: where it leads */

/* NULL, or why this host cannot have a sandbox. */
const char *box_open(void);
void box_protect(void); /* BOX_RO, once it is filled */
/*
 * From here on 32-bit code, in compatibility mode; NULL, or why this host does not execute it.
 * low: the selector of that segment, which GS has, too; 0 where it cannot be had.
 */
const char *box_narrow(uint16_t *low);
void box_close(void);
/* behind, there: what rip is to be where exit 0 or 1 was taken. */
void box_run(const struct state *in, struct state *out, uint64_t behind, uint64_t there);

static inline uint8_t *box_ptr(uint64_t va)
{
	return (uint8_t *)(uintptr_t)va;
}

struct guest;
struct guest *guest_new(void);
void guest_free(struct guest *g);
void guest_narrow(struct guest *g, uint16_t low); /* as box_narrow() */
/* The guest's memory behind an address of the sandbox. */
uint8_t *guest_ptr(struct guest *g, uint64_t va);
/* The code was written through guest_ptr(). */
void guest_new_code(struct guest *g, uint64_t va, unsigned len);
/* n instructions, of which the last may raise an exception. */
void guest_run(struct guest *g, const struct state *in, struct state *out, unsigned n);

#endif
