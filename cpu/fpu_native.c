// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any x87 instruction, done by the host: the whole of the guest's x87 is loaded, the instruction
 * runs with the guest's own masks, the whole is stored again by FNSAVE, which does not wait.
 * So stack faults, unmasked exceptions and condition codes are the host's.  Used for whatever
 * fpu.c has no quicker way for; never does the control instructions (fpu_env.c).
 *
 * Invariants: the guest has no exception pending (x86_fpu_wait), so FRSTOR makes none pending here;
 * FNSAVE leaves the host's x87 as the ABI wants it: empty, control word 37f.
 */
#include "cpu/flags.h"
#include "cpu/fpu_int.h"

/* FNSAVE's 32-bit protected mode format (SDM 1, figure 8-9). */
struct image {
	uint32_t cw, sw, tw, ip, cs_op, dp, ds;
	uint8_t st[8][10];
} __attribute__((packed));
_Static_assert(sizeof(struct image) == 108, "SDM 1, 8.1.10");

struct native {
	struct image im;
	uint8_t mem[16];
	uint64_t flags; /* RFLAGS before and after: FCMOVcc, FCOMI */
};

/*
 * Every encoding of D8..DF in 4 bytes: the instruction, RET, INT3.  First the 512 with registers
 * (ModRM c0..ff), then the 64 with memory at (%rsi).  What is undefined has no op that gets here.
 */
__asm__(".pushsection .text\n"
	".balign 16\n"
	"x87_insns:\n"
	".set x87_n, 0\n"
	".rept 512\n"
	".byte 0xd8 + (x87_n >> 6), 0xc0 + (x87_n & 63), 0xc3, 0xcc\n"
	".set x87_n, x87_n + 1\n"
	".endr\n"
	".set x87_n, 0\n"
	".rept 64\n"
	".byte 0xd8 + (x87_n >> 3), (x87_n & 7) << 3 | 6, 0xc3, 0xcc\n"
	".set x87_n, x87_n + 1\n"
	".endr\n"
	".type x87_call, @function\n"
	"x87_call:\n" /* image, mem, insn, flags */
	"	frstor (%rdi)\n"
	"	pushq (%rcx)\n"
	"	popfq\n"
	"	call *%rdx\n"
	"	pushfq\n"
	"	popq (%rcx)\n"
	"	fnsave (%rdi)\n"
	"	ret\n"
	".size x87_call, . - x87_call\n"
	".popsection\n");
extern const uint8_t x87_insns[][4] __attribute__((visibility("hidden")));
void x87_call(struct image *im, void *mem, const void *insn, uint64_t *flags)
	__attribute__((visibility("hidden")));

static const void *insn_of(const struct x86_op *op)
{
	unsigned first = op->imm >> 8 & 7, modrm = op->imm & 0xff;

	if (modrm >= 0xc0)
		return x87_insns[first << 6 | (modrm & 63)];
	return x87_insns[512 + (first << 3 | (modrm >> 3 & 7))];
}

static void image_get(struct image *im, const struct x86_cpu *c)
{
	const struct x86_fpu *f = &c->fpu;

	im->cw = f->fcw;
	im->sw = x86_fpu_sw(c);
	im->tw = 0; /* the CPU only looks whether it is 3 */
	im->ip = im->cs_op = im->dp = im->ds = 0;
	for (unsigned i = 0; i < 8; i++) {
		if (!(f->valid >> i & 1))
			im->tw |= 3u << 2 * i;
		memcpy(im->st[i], f->reg[(f->top + i) & 7].bytes, 10);
	}
}

static void image_put(const struct image *im, struct x86_cpu *c)
{
	struct x86_fpu *f = &c->fpu;

	f->fsw = im->sw & ~(X87_B | 7u << X87_TOP_SHIFT);
	f->top = im->sw >> X87_TOP_SHIFT & 7;
	f->valid = 0;
	for (unsigned i = 0; i < 8; i++) {
		if ((im->tw >> 2 * i & 3) != 3)
			f->valid |= (uint8_t)(1u << i);
		memcpy(f->reg[(f->top + i) & 7].bytes, im->st[i], 10);
	}
}

static void run(struct x86_cpu *c, const struct x86_op *op, struct native *n)
{
	image_get(&n->im, c);
	n->flags = x86_arith(c) | 2;
	x87_call(&n->im, n->mem, insn_of(op), &n->flags);
}

static void commit(struct x86_cpu *c, const struct native *n)
{
	image_put(&n->im, c);
	x86_set_arith(c, n->flags & X86_ARITH);
}

const struct x86_op *x87_native(struct x86_cpu *c, const struct x86_op *op)
{
	struct native n;

	x86_fpu_wait(c);
	run(c, op, &n);
	commit(c, &n);
	return x87_done(c, op);
}

const struct x86_op *x87_native_with(struct x86_cpu *c, const struct x86_op *op, const void *mem)
{
	struct native n;

	memcpy(n.mem, mem, op->size);
	run(c, op, &n);
	commit(c, &n);
	return x87_done_mem(c, op);
}

const struct x86_op *x87_native_load(struct x86_cpu *c, const struct x86_op *op)
{
	uint8_t mem[16];

	x86_fpu_wait(c);
	x86_load_buf(c, x86_ea_r(c, op, op->size), mem, op->size);
	return x87_native_with(c, op, mem);
}

/* Unmasked, all but PE leave memory and the stack alone (SDM 1, 8.5). */
static bool stored(const struct image *im)
{
	return !(im->sw & ~im->cw & (X87_EXCEPTIONS & ~X87_PE));
}

const struct x86_op *x87_native_store(struct x86_cpu *c, const struct x86_op *op)
{
	struct native n;
	uint64_t lin;

	x86_fpu_wait(c);
	lin = x86_ea_w(c, op, op->size);
	x86_probe_write(c, lin, op->size); /* a fault comes first, even if nothing is stored */
	run(c, op, &n);
	if (stored(&n.im))
		x86_store_buf(c, lin, n.mem, op->size);
	commit(c, &n);
	return x87_done_mem(c, op);
}
