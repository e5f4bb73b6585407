/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which instructions are tested, and by which opcodes they are written.
 *
 * Invariants: nothing is listed by hand but what must stay out: every opcode with every mandatory
 * prefix and ModRM is decoded once, and what a user's program may execute, on a CPU as old as the
 * soft one, belongs to a family by its instruction set and category.
 */
#ifndef TESTS_SOFT_FAMILY_H
#define TESTS_SOFT_FAMILY_H

#include <Zydis/Zydis.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* X(id, name, share of the cases in 64-bit mode, in 32-bit mode) */
#define FAMILIES(X)                 \
	X(ALU, "alu", 120, 120)     \
	X(MOVE, "move", 160, 120)   \
	X(SHIFT, "shift", 100, 60)  \
	X(MULDIV, "muldiv", 60, 40) \
	X(BIT, "bit", 80, 60)       \
	X(STRING, "string", 60, 80) \
	X(BRANCH, "branch", 80, 80) \
	X(STACK, "stack", 60, 100)  \
	X(NARROW, "narrow", 0, 120) \
	X(X87, "x87", 120, 60)      \
	X(MMX, "mmx", 100, 30)      \
	X(SSE, "sse", 200, 60)      \
	X(SSE4, "sse4", 90, 20)     \
	X(AES, "aes", 20, 5)        \
	X(FXSAVE, "fxsave", 10, 10) \
	X(TRAP, "trap", 10, 10)

#define FAMILY_ENUM(id, name, share, narrow) FAMILY_##id,
enum family { FAMILIES(FAMILY_ENUM) FAMILY_COUNT, FAMILY_NONE = -1 };

const char *family_name(enum family f);
unsigned family_share(enum family f, bool narrow);

struct form {        /* of an instruction */
	uint8_t map; /* 0: one byte, 1: 0f, 2: 0f 38, 3: 0f 3a */
	uint8_t opcode;
	uint8_t prefix; /* mandatory, or 0 */
	uint8_t modrm;  /* of a memory form: /reg alone */
	bool has_modrm, memory, rex_w;
};

struct mnemonic {
	ZydisMnemonic m;
	GArray *forms[2]; /* of struct form; [1]: with ModRM for memory */
	uint64_t cases;
};

struct families { /* of a mode */
	ZydisDecoder decoder;
	bool narrow;              /* 32-bit code */
	GArray *of[FAMILY_COUNT]; /* of struct mnemonic */
};

void families_init(struct families *f, bool narrow);
void families_fini(struct families *f);
bool families_decode(const struct families *f, const uint8_t *code, unsigned len,
		     ZydisDecodedInstruction *in, ZydisDecodedOperand *opnd);
/* FAMILY_NONE: must not be executed here, or means something else to a newer CPU. */
enum family family_of(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *opnd);
struct mnemonic *families_find(struct families *f, enum family family, ZydisMnemonic m);

#endif
