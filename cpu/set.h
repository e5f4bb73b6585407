/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the soft CPUs of a machine share: decoder, blocks, pages of code.  For cpu/ alone.
 *
 * Invariants: blocks and code pages live in one arena and are given back all together, between
 * blocks (x86_blocks_drop).  A dead block (its code was written) is in no list any more, and each
 * of its ops leaves to the dispatcher, so that a stale link into it, or its being executed at the
 * moment, does no harm.  A page of code is never written by the fast path: no TLB entry allows it.
 * What devices write is found by comparing (stamp) before a page is executed through a new
 * translation, if a device may have written since.
 */
#ifndef CPU_SET_H
#define CPU_SET_H

#include <pthread.h>

#include "cpu/op.h"
#include "mem/aspace.h"

struct x86_block {
	uint64_t phys; /* of the first byte */
	uint32_t key;  /* x86_cpu.mode */
	uint16_t n;    /* instructions */
	uint16_t bytes;
	uint16_t ops_n;
	bool dead;
	bool links;   /* the last of its ops holds them */
	bool one_off; /* an x86_scratch's: in no list, and nothing leads to it */
	struct x86_block *hash_next, *page_next;
	struct x86_op ops[];
};

struct x86_codepage {
	uint64_t page;       /* physical address */
	const uint8_t *host; /* its bytes */
	uint64_t granules;   /* bit n: code in bytes 64 n .. 64 n + 63 */
	uint64_t stamp;      /* of the bytes of the granules */
	uint64_t seq;        /* x86_set.dma_seq when that was true */
	struct x86_block *blocks;
	struct x86_codepage *next;
};

#define X86_BLOCK_HASH (1u << 15)
#define X86_PAGE_HASH (1u << 12)

struct x86_set {
	struct x86_set_conf conf;
	struct x86_cpu **cpu;
	ZydisDecoder decoder[3]; /* by X86_MODE_WIDTH */
	const struct x86_row *row[ZYDIS_MNEMONIC_MAX_VALUE + 1];
	struct aspace_listener listener;

	uint8_t *arena;
	size_t arena_used, arena_size;
	struct x86_block *block[X86_BLOCK_HASH];
	struct x86_codepage *page[X86_PAGE_HASH];
	uint64_t gen;     /* the last one given to a mapping */
	uint64_t dma_seq; /* atomic: devices may have written */
	bool flush;       /* atomic: the memory map changed */
	bool inside;      /* atomic: a CPU may use what its TLB points to */
	bool map_changed; /* within a commit of the memory map, under its lock */
	unsigned drops;   /* times that the arena was full */
	/* The RAM that page walks met last. */
	uint64_t ram_first, ram_last;
	uint8_t *ram_host;
};

/* --- block.c --- */
/* The block at the CPU's rip, made where there is none.  May raise (#PF, #GP, #UD). */
struct x86_block *x86_block_get(struct x86_cpu *c);
/* Bytes [phys, phys + n) of a code page are about to be written.  true: the page has none left. */
bool x86_code_write(struct x86_set *s, uint64_t phys, unsigned n);
struct x86_codepage *x86_codepage_find(struct x86_set *s, uint64_t page);
/* A page is about to be executed through a new translation: is it what was decoded? */
void x86_codepage_check(struct x86_set *s, uint64_t page);
void x86_blocks_drop(struct x86_set *s);

/* --- decode.c --- */
void x86_decode_init(struct x86_set *s);
enum { X86_BLOCK_MAX = 64 /* instructions */, X86_BLOCK_OPS = X86_BLOCK_MAX + 4 };
/*
 * Decode from code[0..len), which starts at page_off in its page, at most `max` instructions, into
 * b->ops.  0 with b filled; -1 where the first instruction does not end within len.
 */
int x86_decode(struct x86_cpu *c, struct x86_block *b, const uint8_t *code, unsigned len,
	       unsigned page_off, unsigned max);

/* --- mmu.c --- */
/* Physical page of code at lin, for execution: host bytes or NULL; may raise #PF. */
const struct x86_itlbe *x86_fetch_page(struct x86_cpu *c, uint64_t lin);
void x86_tlb_flush(struct x86_cpu *c, bool global_too);
void x86_tlb_reset(struct x86_cpu *c); /* whatever was there */
void x86_tlb_flush_page(struct x86_cpu *c, uint64_t lin);
void x86_tlb_select(struct x86_cpu *c); /* CPL, AC or CR4.SMAP changed */
/* No CPU may write the page at full speed any more; or it may again, after its next miss. */
void x86_tlb_protect(struct x86_set *s, uint64_t page);
uint8_t *x86_phys_ptr(struct x86_set *s, uint64_t phys, bool write);

/* --- exec.c --- */
/*
 * Around what leads out of the CPU (devices, their locks): whoever takes memory away waits until no
 * CPU is inside, or has forgotten it.
 */
void x86_outside(struct x86_cpu *c);
void x86_inside(struct x86_cpu *c, bool wrote); /* wrote: devices may have something to do */

/* --- event.c --- */
void x86_deliver_fault(struct x86_cpu *c); /* c->fault; may raise again */
void x86_deliver(struct x86_cpu *c, unsigned vector, bool soft, bool has_error, uint32_t error);
/* Interrupts, NMI, INIT, SIPI, traps.  true: something changed. */
bool x86_check_events(struct x86_cpu *c);

/* Bits that CPUID shows, for instructions that depend on them. */
bool x86_has(const struct x86_cpu *c, uint32_t leaf, enum cpuid_reg reg, unsigned bit);

#endif
