// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the lists of instructions by family; asked by the generator; never makes operands. */
#include "family.h"

#include <string.h>

#define FAMILY_NAME(id, name, share, narrow) name,
#define FAMILY_SHARE(id, name, share, narrow) {share, narrow},

const char *family_name(enum family f)
{
	static const char *const names[] = {FAMILIES(FAMILY_NAME)};

	return names[f];
}

unsigned family_share(enum family f, bool narrow)
{
	static const uint8_t shares[][2] = {FAMILIES(FAMILY_SHARE)};

	return shares[f][narrow];
}

/* --- what belongs where --- */

#define MNEMONICS(...)                                     \
	static const ZydisMnemonic list[] = {__VA_ARGS__}; \
	for (unsigned i = 0; i < G_N_ELEMENTS(list); i++)  \
		if (list[i] == m)                          \
			return true;                       \
	return false
#define M(name) ZYDIS_MNEMONIC_##name

/* Always #GP or #UD for a user. */
static bool traps(ZydisMnemonic m)
{
	MNEMONICS(M(CLI), M(STI), M(HLT), M(IN), M(OUT), M(INSB), M(INSW), M(INSD), M(OUTSB),
		  M(OUTSW), M(OUTSD), M(CLTS), M(LMSW), M(LGDT), M(LIDT), M(LLDT), M(LTR), M(RDMSR),
		  M(WRMSR), M(INVD), M(WBINVD), M(INVLPG), M(SWAPGS), M(INT3), M(UD0), M(UD1),
		  M(UD2));
}

/* Of 32-bit code alone; there is more among what is pushed and popped. */
static bool is_narrow(ZydisMnemonic m)
{
	MNEMONICS(M(AAA), M(AAS), M(AAM), M(AAD), M(DAA), M(DAS), M(SALC), M(BOUND), M(INTO),
		  M(ARPL));
}

static bool multiplies(ZydisMnemonic m)
{
	MNEMONICS(M(MUL), M(IMUL), M(DIV), M(IDIV));
}

/* FISTTP and CRC32 are listed under SSE3 and SSE4.2. */
static bool of_bits(ZydisMnemonic m)
{
	MNEMONICS(M(BT), M(BTS), M(BTR), M(BTC), M(BSF), M(BSR), M(POPCNT), M(CRC32));
}

/* LEA, XLAT and others of no category. */
static bool moves(ZydisMnemonic m)
{
	MNEMONICS(M(LEA), M(XLAT), M(BSWAP), M(MOVNTI), M(NOP), M(PAUSE), M(LFENCE), M(MFENCE),
		  M(SFENCE), M(CLFLUSH), M(PREFETCH), M(PREFETCHW), M(PREFETCHNTA), M(PREFETCHT0),
		  M(PREFETCHT1), M(PREFETCHT2), M(CLC), M(STC), M(CMC), M(CLD), M(STD), M(LAHF),
		  M(SAHF));
}

/* Segment registers are the host's; CR and DR trap, MOV from a segment register does not. */
static enum family of_mov(const ZydisDecodedOperand *opnd)
{
	if (opnd[0].type == ZYDIS_OPERAND_TYPE_REGISTER)
		switch (ZydisRegisterGetClass(opnd[0].reg.value)) {
		case ZYDIS_REGCLASS_SEGMENT:
			return FAMILY_NONE;
		case ZYDIS_REGCLASS_CONTROL:
		case ZYDIS_REGCLASS_DEBUG:
			return FAMILY_TRAP;
		default:
			break;
		}
	if (opnd[1].type == ZYDIS_OPERAND_TYPE_REGISTER)
		switch (ZydisRegisterGetClass(opnd[1].reg.value)) {
		case ZYDIS_REGCLASS_CONTROL:
		case ZYDIS_REGCLASS_DEBUG:
			return FAMILY_TRAP;
		default:
			break;
		}
	return FAMILY_MOVE;
}

static bool pops_segment(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *opnd)
{
	return in->mnemonic == ZYDIS_MNEMONIC_POP && opnd[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       ZydisRegisterGetClass(opnd[0].reg.value) == ZYDIS_REGCLASS_SEGMENT;
}

static enum family by_set(const ZydisDecodedInstruction *in)
{
	switch (in->meta.isa_set) {
	case ZYDIS_ISA_SET_X87:
	case ZYDIS_ISA_SET_FCMOV:
	case ZYDIS_ISA_SET_SSE3X87:
		return FAMILY_X87;
	case ZYDIS_ISA_SET_PENTIUMMMX:
	case ZYDIS_ISA_SET_SSE2MMX:
	case ZYDIS_ISA_SET_SSSE3MMX:
		return FAMILY_MMX;
	case ZYDIS_ISA_SET_SSE:
	case ZYDIS_ISA_SET_SSEMXCSR:
	case ZYDIS_ISA_SET_SSE2:
	case ZYDIS_ISA_SET_SSE3:
	case ZYDIS_ISA_SET_SSSE3:
		return FAMILY_SSE;
	case ZYDIS_ISA_SET_SSE4:
	case ZYDIS_ISA_SET_SSE42:
		return FAMILY_SSE4;
	case ZYDIS_ISA_SET_AES:
	case ZYDIS_ISA_SET_PCLMULQDQ:
		return FAMILY_AES;
	case ZYDIS_ISA_SET_FXSAVE:
	case ZYDIS_ISA_SET_FXSAVE64:
		return FAMILY_FXSAVE;
	default:
		return FAMILY_NONE;
	}
}

static enum family by_category(const ZydisDecodedInstruction *in)
{
	switch (in->meta.category) {
	case ZYDIS_CATEGORY_BINARY:
	case ZYDIS_CATEGORY_LOGICAL:
	case ZYDIS_CATEGORY_SEMAPHORE:
		return FAMILY_ALU;
	case ZYDIS_CATEGORY_DATAXFER:
	case ZYDIS_CATEGORY_CMOV:
	case ZYDIS_CATEGORY_SETCC:
	case ZYDIS_CATEGORY_CONVERT:
		return FAMILY_MOVE;
	case ZYDIS_CATEGORY_SHIFT:
	case ZYDIS_CATEGORY_ROTATE:
		return FAMILY_SHIFT;
	case ZYDIS_CATEGORY_STRINGOP:
		return FAMILY_STRING;
	case ZYDIS_CATEGORY_COND_BR:
	case ZYDIS_CATEGORY_UNCOND_BR:
	case ZYDIS_CATEGORY_CALL:
	case ZYDIS_CATEGORY_RET:
		return FAMILY_BRANCH;
	case ZYDIS_CATEGORY_PUSH:
	case ZYDIS_CATEGORY_POP:
		return FAMILY_STACK;
	case ZYDIS_CATEGORY_X87_ALU:
		return FAMILY_X87;
	default:
		return FAMILY_NONE;
	}
}

static bool is_old(ZydisISASet s)
{
	switch (s) {
	case ZYDIS_ISA_SET_I86:
	case ZYDIS_ISA_SET_I186:
	case ZYDIS_ISA_SET_I386:
	case ZYDIS_ISA_SET_I486REAL:
	case ZYDIS_ISA_SET_PENTIUMREAL:
	case ZYDIS_ISA_SET_PPRO:
	case ZYDIS_ISA_SET_CMOV:
	case ZYDIS_ISA_SET_LAHF:
	case ZYDIS_ISA_SET_LONGMODE:
	case ZYDIS_ISA_SET_MOVBE:
	case ZYDIS_ISA_SET_CMPXCHG16B:
		return true;
	default:
		return false;
	}
}

static bool has_prefix(const ZydisDecodedInstruction *in, uint8_t prefix)
{
	for (unsigned i = 0; i < in->raw.prefix_count; i++)
		if (in->raw.prefixes[i].value == prefix)
			return true;
	return false;
}

/* What a newer host or another maker's takes for something else. */
static bool forbidden(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *opnd)
{
	switch (in->mnemonic) {
	case ZYDIS_MNEMONIC_IRET:
	case ZYDIS_MNEMONIC_IRETD:
	case ZYDIS_MNEMONIC_IRETQ:
		return true;
	case ZYDIS_MNEMONIC_BSF: /* TZCNT, LZCNT */
	case ZYDIS_MNEMONIC_BSR:
		return has_prefix(in, 0xf3);
	case ZYDIS_MNEMONIC_LOOPE: /* on AMD's the prefix says which flag, not the opcode */
	case ZYDIS_MNEMONIC_LOOPNE:
		return has_prefix(in, 0xf2) || has_prefix(in, 0xf3);
	case ZYDIS_MNEMONIC_PAUSE: /* with REX.B it is XCHG R8, which Zydis does not know */
		return in->raw.rex.B;
	case ZYDIS_MNEMONIC_NOP: /* 0f 0d with a register: #UD on AMD's */
		return in->opcode_map == ZYDIS_OPCODE_MAP_0F && in->opcode == 0x0d;
	default:
		return in->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR || pops_segment(in, opnd);
	}
}

enum family family_of(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *opnd)
{
	enum family f;

	if (traps(in->mnemonic))
		return FAMILY_TRAP;
	if (forbidden(in, opnd))
		return FAMILY_NONE;
	if (is_narrow(in->mnemonic))
		return FAMILY_NARROW;
	if (in->mnemonic == ZYDIS_MNEMONIC_MOV)
		return of_mov(opnd);
	if (in->mnemonic == ZYDIS_MNEMONIC_ENTER || in->mnemonic == ZYDIS_MNEMONIC_LEAVE)
		return FAMILY_STACK;
	if (in->mnemonic == ZYDIS_MNEMONIC_FISTTP)
		return FAMILY_X87;
	if (multiplies(in->mnemonic))
		return FAMILY_MULDIV;
	if (of_bits(in->mnemonic))
		return FAMILY_BIT;
	if (moves(in->mnemonic))
		return FAMILY_MOVE;
	f = by_set(in);
	if (f == FAMILY_NONE && is_old(in->meta.isa_set))
		f = by_category(in);
	return f;
}

/* --- every opcode there is --- */

/* SIB without a base: Zydis 4.0 makes R13D of it where 67 and REX.B stand before. */
static void correct(const ZydisDecodedInstruction *in, ZydisDecodedOperand *opnd)
{
	if (!(in->attributes & ZYDIS_ATTRIB_HAS_SIB) || in->raw.modrm.mod || in->raw.sib.base != 5)
		return;
	for (unsigned n = 0; n < in->operand_count_visible; n++)
		if (opnd[n].type == ZYDIS_OPERAND_TYPE_MEMORY) {
			opnd[n].mem.base = ZYDIS_REGISTER_NONE;
			opnd[n].mem.disp.value = in->raw.disp.value;
		}
}

bool families_decode(const struct families *f, const uint8_t *code, unsigned len,
		     ZydisDecodedInstruction *in, ZydisDecodedOperand *opnd)
{
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&f->decoder, code, len, in, opnd)))
		return false;
	correct(in, opnd);
	return true;
}

struct mnemonic *families_find(struct families *f, enum family family, ZydisMnemonic m)
{
	for (guint i = 0; i < f->of[family]->len; i++) {
		struct mnemonic *e = &g_array_index(f->of[family], struct mnemonic, i);

		if (e->m == m)
			return e;
	}
	return NULL;
}

static void add(struct families *f, enum family family, ZydisMnemonic m, const struct form *form)
{
	struct mnemonic *e = families_find(f, family, m);

	if (!e) {
		struct mnemonic fresh = {.m = m};

		for (unsigned i = 0; i < 2; i++)
			fresh.forms[i] = g_array_new(FALSE, FALSE, sizeof(struct form));
		g_array_append_val(f->of[family], fresh);
		e = families_find(f, family, m);
	}
	g_array_append_vals(e->forms[form->memory], form, 1);
}

static unsigned write_form(const struct form *form, uint8_t *p)
{
	static const uint8_t escape[4] = {0, 0, 0x38, 0x3a};
	unsigned n = 0;

	if (form->prefix)
		p[n++] = form->prefix;
	if (form->rex_w)
		p[n++] = 0x48;
	if (form->map)
		p[n++] = 0x0f;
	if (form->map > 1)
		p[n++] = escape[form->map];
	p[n++] = form->opcode;
	p[n++] = form->modrm;
	return n;
}

/* false: there is no ModRM, so that the others would be the same. */
static bool try_form(struct families *f, struct form *form)
{
	ZydisDecodedOperand opnd[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction in;
	uint8_t code[24] = {0};
	enum family family;

	write_form(form, code);
	if (!families_decode(f, code, 15, &in, opnd))
		return true;
	form->has_modrm = in.attributes & ZYDIS_ATTRIB_HAS_MODRM;
	family = family_of(&in, opnd);
	if (family != FAMILY_NONE && in.opcode == form->opcode)
		add(f, family, in.mnemonic, form);
	return form->has_modrm;
}

static void try_opcode(struct families *f, unsigned map, unsigned opcode, uint8_t prefix, bool w)
{
	struct form form = {.map = (uint8_t)map,
			    .opcode = (uint8_t)opcode,
			    .prefix = prefix,
			    .rex_w = w,
			    .memory = false};

	for (unsigned modrm = 0xc0; modrm <= 0xff; modrm++) {
		form.modrm = (uint8_t)modrm;
		if (!try_form(f, &form))
			return;
	}
	form.memory = true;
	for (unsigned reg = 0; reg < 8; reg++) {
		form.modrm = (uint8_t)(reg << 3);
		try_form(f, &form);
	}
}

/* Prefixes, escapes, VEX or LES, LDS, EVEX, XOP (8f with a map), 3DNow!. */
static bool is_opcode(unsigned map, unsigned op, bool narrow)
{
	static const uint8_t no[] = {0x0f, 0x26, 0x2e, 0x36, 0x3e, 0x62, 0x64, 0x65,
				     0x66, 0x67, 0xc4, 0xc5, 0xf0, 0xf2, 0xf3};

	if (map == 1)
		return op != 0x0f && op != 0x38 && op != 0x3a;
	if (narrow && !map && (op == 0x62 || (op & 0xf0) == 0x40)) /* BOUND, INC, DEC */
		return true;
	return map || (!memchr(no, (int)op, sizeof(no)) && (op & 0xf0) != 0x40);
}

void families_init(struct families *f, bool narrow)
{
	static const ZydisDecoderMode off[] = {
		ZYDIS_DECODER_MODE_MPX,   ZYDIS_DECODER_MODE_CET,      ZYDIS_DECODER_MODE_LZCNT,
		ZYDIS_DECODER_MODE_TZCNT, ZYDIS_DECODER_MODE_CLDEMOTE, ZYDIS_DECODER_MODE_WBNOINVD};
	static const uint8_t prefix[] = {0, 0x66, 0xf2, 0xf3};
	unsigned n = narrow ? 4 : 8; /* with REX.W, too */

	f->narrow = narrow;
	if (narrow)
		ZydisDecoderInit(&f->decoder, ZYDIS_MACHINE_MODE_LONG_COMPAT_32,
				 ZYDIS_STACK_WIDTH_32);
	else
		ZydisDecoderInit(&f->decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	for (unsigned i = 0; i < G_N_ELEMENTS(off); i++)
		ZydisDecoderEnableMode(&f->decoder, off[i], ZYAN_FALSE);
	for (unsigned i = 0; i < FAMILY_COUNT; i++)
		f->of[i] = g_array_new(FALSE, FALSE, sizeof(struct mnemonic));
	for (unsigned map = 0; map < 4; map++)
		for (unsigned op = 0; op < 256; op++)
			for (unsigned p = 0; p < n && is_opcode(map, op, narrow); p++)
				try_opcode(f, map, op, prefix[p & 3], p & 4);
}

void families_fini(struct families *f)
{
	for (unsigned i = 0; i < FAMILY_COUNT; i++) {
		for (guint k = 0; k < f->of[i]->len; k++)
			for (unsigned n = 0; n < 2; n++)
				g_array_free(g_array_index(f->of[i], struct mnemonic, k).forms[n],
					     TRUE);
		g_array_free(f->of[i], TRUE);
	}
}
