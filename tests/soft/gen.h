/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random instructions and what they are given: states, memory, addresses that stay in the sandbox.
 *
 * Invariants: all follows from struct rng.  An instruction is written for one address; its memory
 * operands are aimed by choosing base and index registers, or the displacement if there are none.
 */
#ifndef TESTS_SOFT_GEN_H
#define TESTS_SOFT_GEN_H

#include "box.h"
#include "family.h"

struct rng {
	uint64_t s;
};

static inline uint64_t rnd(struct rng *r) /* splitmix64 */
{
	uint64_t z = r->s += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static inline unsigned below(struct rng *r, unsigned n)
{
	return (unsigned)((rnd(r) >> 32) * n >> 32);
}

static inline bool one_in(struct rng *r, unsigned n)
{
	return below(r, n) == 0;
}

struct insn {
	uint8_t code[24]; /* the instruction, then exit 0 */
	unsigned len;
	uint64_t at;       /* address of the first byte */
	uint8_t setup[16]; /* before it: instructions that change flags alone */
	unsigned setup_len, setup_n;
	uint64_t target; /* of a branch: has exit 1 */
	bool low;        /* DS and ES are the segment for 16-bit addresses */
	enum family family;
	struct mnemonic *mnemonic;
	ZydisDecodedInstruction in;
	ZydisDecodedOperand opnd[ZYDIS_MAX_OPERAND_COUNT];
};

struct gen {
	struct rng rng;
	struct families *families; /* of the mode that is tested */
	struct guest *guest;
	uint16_t low; /* selector, in 32-bit code */
};

/* --- gen.c --- */
/* An instruction of the family, and its code in both machines. */
void gen_insn(struct gen *g, enum family family, struct insn *i);
bool gen_uses_stack(const struct insn *i);          /* besides what ModRM says */
static inline bool gen_narrow(const struct insn *i) /* 32-bit code */
{
	return i->in.machine_mode != ZYDIS_MACHINE_MODE_LONG_64;
}

/* --- value.c --- */
uint64_t value_int(struct rng *r);         /* edges of all sizes among others */
void value_vec(struct rng *r, uint8_t *p); /* 16 bytes: integers or floating point */
void value_st(struct rng *r, uint8_t *p);  /* 10 bytes of an x87 register */
void value_state(struct rng *r, struct state *s, enum family family); /* all but rip */
void value_image(struct rng *r, struct fx *fx);

/* --- aim.c --- */
/* Memory at va of both machines, as far as it may be written. */
void aim_poke(struct gen *g, uint64_t va, const void *data, unsigned len);
/* A state in which the instruction does something; memory operands filled. */
void aim_inputs(struct gen *g, const struct insn *i, struct state *s);
/* Before its code is published: an operand without registers gets its address. */
void aim_displacement(struct gen *g, struct insn *i);
/* 32 bits of the stack, of which Intel's CPUs write 16 (SDM 2B, PUSH), AMD's all. */
bool aim_pushes_half(const struct insn *i);
/* A fault for bytes that a mask leaves out is up to the maker: never at an address that faults. */
bool aim_stays_inside(const struct insn *i);
/* Of memory operand n. */
uint64_t aim_address(const struct insn *i, unsigned n, const struct state *s);

#endif
