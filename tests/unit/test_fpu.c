// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The x87 against the CPU that runs this test: every encoding, from the same random state full of
 * edges, natively (FXRSTOR, the instruction, FXSAVE) and by the soft CPU.  Unmasked exceptions too:
 * FXSAVE does not wait, so that nothing traps.
 */
#include "fpu_util.h"

/* state, mem, flags in rdi, rsi, rdx: FXRSTOR64, POPF, the instruction, FXSAVE64, PUSHF, FNINIT. */
static void emit(struct rig *r, struct insn *i)
{
	static const uint8_t before[] = {0x48, 0x0f, 0xae, 0x0f, 0xff, 0x32, 0x9d};
	static const uint8_t after[] = {0x48, 0x0f, 0xae, 0x07, 0x9c, 0x8f, 0x02, 0xdb, 0xe3, 0xc3};
	uint8_t *p = r->code + SLOT * r->insns->len;

	g_assert_cmpuint(sizeof(before) + i->len + sizeof(after), <=, SLOT);
	i->native = (stub *)p;
	memcpy(p, before, sizeof(before));
	memcpy(p + sizeof(before), i->bytes, i->len);
	memcpy(p + sizeof(before) + i->len, after, sizeof(after));
	g_array_append_val(r->insns, *i);
}

static void add(struct rig *r, uint8_t prefix, unsigned first, unsigned modrm)
{
	struct insn i = {0};
	unsigned n = 0;

	memset(i.bytes, 0x90, sizeof(i.bytes));
	if (prefix)
		i.bytes[n++] = prefix;
	i.bytes[n++] = (uint8_t)first;
	i.bytes[n++] = (uint8_t)modrm;
	if (decode(&i, r->c))
		emit(r, &i);
}

static bool has_env(unsigned first, unsigned reg)
{
	return (first == 0xd9 && (reg == 4 || reg == 6)) ||
	       (first == 0xdd && (reg == 4 || reg == 6));
}

/* All encodings that there are; with memory: at (%rsi). */
static void all_insns(struct rig *r)
{
	for (unsigned first = 0xd8; first <= 0xdf; first++) {
		for (unsigned reg = 0; reg < 8; reg++) {
			add(r, 0, first, reg << 3 | 6);
			if (has_env(first, reg))
				add(r, 0x66, first, reg << 3 | 6);
		}
		for (unsigned modrm = 0xc0; modrm <= 0xff; modrm++)
			add(r, 0, first, modrm);
	}
	g_assert_cmpint(mprotect(r->code, 1024 * SLOT, PROT_READ | PROT_EXEC), ==, 0);
}

static bool waits(const struct insn *i)
{
	static const char *const not [] = {"fninit",        "fnclex",       "fnstsw",
					   "fnstcw",        "fnsave",       "fnstenv",
					   "fdisi8087_nop", "feni8087_nop", "fsetpm287_nop"};

	for (size_t k = 0; k < G_N_ELEMENTS(not ); k++)
		if (!strcmp(i->name, not [k]))
			return false;
	return true;
}

static void load_state(struct x86_cpu *c, const struct fx *s)
{
	struct x86_fpu *f = &c->fpu;

	memset(f, 0, sizeof(*f));
	x86_fpu_set_sw(f, s->fsw);
	x86_fpu_set_cw(f, s->fcw);
	f->valid = s->ftw;
	for (unsigned i = 0; i < 8; i++)
		memcpy(f->reg[(f->top + i) & 7].bytes, s->st[i], 10);
}

static void save_state(const struct x86_cpu *c, struct fx *s)
{
	const struct x86_fpu *f = &c->fpu;

	s->fcw = f->fcw;
	s->fsw = x86_fpu_sw(c);
	s->ftw = f->valid;
	for (unsigned i = 0; i < 8; i++)
		memcpy(s->st[i], f->reg[(f->top + i) & 7].bytes, 10);
}

/* --- the same by both --- */

struct outcome {
	struct fx s;
	uint8_t mem[128];
	uint64_t flags, rax;
};

static void print(const char *who, const struct outcome *o)
{
	g_test_message("%s: cw %04x sw %04x tw %02x flags %03x", who, o->s.fcw, o->s.fsw, o->s.ftw,
		       (unsigned)o->flags);
	for (int i = 0; i < 8; i++) {
		uint64_t m;
		uint16_t e;

		memcpy(&m, o->s.st[i], 8);
		memcpy(&e, o->s.st[i] + 8, 2);
		g_test_message("  st%d %04x %016lx", i, e, (unsigned long)m);
	}
	for (int i = 0; i < 128; i += 32)
		g_test_message(
			"  %016lx %016lx %016lx %016lx",
			(unsigned long)GUINT64_FROM_LE(*(const uint64_t *)(o->mem + i)),
			(unsigned long)GUINT64_FROM_LE(*(const uint64_t *)(o->mem + i + 8)),
			(unsigned long)GUINT64_FROM_LE(*(const uint64_t *)(o->mem + i + 16)),
			(unsigned long)GUINT64_FROM_LE(*(const uint64_t *)(o->mem + i + 24)));
}

/* The host's and the guest's pointers are not each other's. */
static void forget_pointers(const struct insn *i, uint8_t *mem)
{
	if (i->op->size == 28 || i->op->size == 108)
		memset(mem + 12, 0, 16);
	if (i->op->size == 14 || i->op->size == 94)
		memset(mem + 6, 0, 8);
}

static void by_host(const struct insn *i, struct outcome *o)
{
	struct fx s = o->s;

	o->flags |= 0x202;
	i->native(&s, o->mem, &o->flags);
	o->flags &= X86_ARITH;
	o->s.fcw = s.fcw;
	o->s.fsw = s.fsw;
	o->s.ftw = s.ftw;
	for (int k = 0; k < 8; k++)
		memcpy(o->s.st[k], s.st[k], 10);
	forget_pointers(i, o->mem);
}

/* Sticky flags that somebody has left in the host's x87 are not the guest's. */
static void dirty_host(GRand *r)
{
	uint32_t env[7];

	__asm__ volatile("fnstenv %0" : "=m"(env));
	env[1] = (env[1] & ~X87_EXCEPTIONS) | (g_rand_int(r) & g_rand_int(r) & X87_EXCEPTIONS);
	__asm__ volatile("fldenv %0" : : "m"(env));
}

/* Empty, and the ABI's control word. */
static void check_host(void)
{
	uint32_t env[7];

	__asm__ volatile("fnstenv %0\n\tfldenv %0" : "=m"(env));
	g_assert_cmphex(env[0] & 0xffff, ==, 0x37f);
	g_assert_cmphex(env[2] & 0xffff, ==, 0xffff);
}

static void by_guest(struct rig *r, const struct insn *i, struct outcome *o)
{
	load_state(r->c, &o->s);
	x86_set_arith(r->c, (uint32_t)o->flags);
	memcpy(r->ram, o->mem, sizeof(o->mem));
	dirty_host(r->rnd);
	g_assert_cmpint(run(r->c, i), ==, -1);
	check_host();
	memcpy(o->mem, r->ram, sizeof(o->mem));
	o->flags = x86_arith(r->c);
	save_state(r->c, &o->s);
	forget_pointers(i, o->mem);
}

/* FCOMI and its kin clear C1 (SDM 2A) or leave it alone (AMD's). */
static void forget_c1(const struct insn *i, struct outcome *o)
{
	if ((i->bytes[0] | 4) == 0xdf && i->bytes[1] >= 0xe8)
		o->s.fsw &= (uint16_t)~X87_C1;
}

static bool compare(struct rig *r, const struct insn *i)
{
	struct outcome start = {0}, host, guest;

	rnd_state(r->rnd, &start.s);
	rnd_mem(r->rnd, start.mem);
	if (!waits(i) && g_rand_boolean(r->rnd))
		start.s.fsw |= g_rand_int(r->rnd) & 0x7f; /* pending, perhaps */
	start.flags = g_rand_int(r->rnd) & X86_ARITH;
	host = guest = start;
	by_host(i, &host);
	by_guest(r, i, &guest);
	forget_c1(i, &host);
	forget_c1(i, &guest);
	if (!memcmp(&host, &guest, sizeof(host)))
		return true;
	g_test_message("%s %02x %02x %02x", i->name, i->bytes[0], i->bytes[1], i->bytes[2]);
	print("start", &start);
	print("host", &host);
	print("guest", &guest);
	g_test_fail();
	return false;
}

static void test_random(void)
{
	unsigned rounds = g_test_slow() ? 20000 : 1000;
	struct rig r;

	rig_init(&r);
	all_insns(&r);
	for (guint k = 0; k < r.insns->len; k++)
		for (unsigned n = 0; n < rounds; n++)
			if (!compare(&r, &g_array_index(r.insns, struct insn, k)))
				break;
	g_test_message("%u encodings, %u states each", r.insns->len, rounds);
	rig_fini(&r);
}

/* --- what surrounds the arithmetic --- */

/* A pending exception stops all that wait, before they change anything. */
static void test_pending(void)
{
	struct outcome o = {0}, after;
	struct rig r;

	rig_init(&r);
	all_insns(&r);
	o.s.fcw = 0x37b;
	o.s.fsw = 0x3884; /* ZE, ES; TOP 7 */
	o.s.ftw = 0xf0;
	for (guint k = 0; k < r.insns->len; k++) {
		const struct insn *i = &g_array_index(r.insns, struct insn, k);

		load_state(r.c, &o.s);
		g_assert_cmphex(x86_fpu_sw(r.c), ==, 0xb884);
		g_assert_cmpint(run(r.c, i), ==, waits(i) ? X86_MF : -1);
		memset(&after, 0, sizeof(after));
		save_state(r.c, &after.s);
		if (waits(i))
			g_assert_cmphex(after.s.fsw, ==, 0xb884);
		if (waits(i))
			g_assert_cmphex(after.s.ftw, ==, 0xf0);
	}
	load_state(r.c, &o.s);
	struct insn fwait = make(&r, "9b");
	g_assert_cmpint(run(r.c, &fwait), ==, X86_MF);
	rig_fini(&r);
}

static void test_not_available(void)
{
	struct insn fwait;
	struct rig r;

	rig_init(&r);
	all_insns(&r);
	fwait = make(&r, "9b");
	for (unsigned bit = X86_CR0_EM; bit <= X86_CR0_TS; bit <<= 1) {
		r.c->cr0 = 0x80000021 | bit;
		for (guint k = 0; k < r.insns->len; k++)
			g_assert_cmpint(run(r.c, &g_array_index(r.insns, struct insn, k)), ==,
					X86_NM);
		g_assert_cmpint(run(r.c, &fwait), ==, -1);
	}
	r.c->cr0 |= X86_CR0_MP;
	g_assert_cmpint(run(r.c, &fwait), ==, X86_NM);
	rig_fini(&r);
}

/* A fault of the operand leaves everything as it was: RSI is not canonical. */
static void test_fault(void)
{
	struct outcome o, after;
	struct rig r;

	rig_init(&r);
	all_insns(&r);
	r.c->r[X86_RSI] = 1ull << 63;
	for (guint k = 0; k < r.insns->len; k++) {
		const struct insn *i = &g_array_index(r.insns, struct insn, k);

		if (!i->op->size)
			continue;
		memset(&o, 0, sizeof(o));
		rnd_state(r.rnd, &o.s);
		o.s.fcw |= 0x3f; /* with an unmasked exception nothing is stored */
		o.s.ftw = 0x7f;
		o.s.fsw &= 0x4700; /* loads and stores both can */
		o.s.mxcsr = 0;
		after = o;
		load_state(r.c, &o.s);
		g_assert_cmpint(run(r.c, i), ==, X86_GP);
		save_state(r.c, &after.s);
		g_assert_cmpmem(&o, sizeof(o), &after, sizeof(after));
	}
	rig_fini(&r);
}

static void test_pointers(void)
{
	struct insn load, add_st, fnop, sw;
	struct rig r;

	rig_init(&r);
	load = make(&r, "dd4608");
	add_st = make(&r, "d8c0");
	fnop = make(&r, "d9d0");
	sw = make(&r, "dfe0");
	g_assert_cmpint(run(r.c, &load), ==, -1);
	g_assert_cmphex(r.c->fpu.fdp, ==, PAGE + 8);
	g_assert_cmphex(r.c->fpu.fip, ==, BLOCK + 0x10);
	g_assert_cmphex(r.c->fpu.fop, ==, 0x546);
	g_assert_cmpint(run(r.c, &add_st), ==, -1);
	g_assert_cmphex(r.c->fpu.fop, ==, 0x0c0);
	g_assert_cmphex(r.c->fpu.fdp, ==, PAGE + 8);
	r.c->r[X86_RAX] = 0x1122334455667788;
	g_assert_cmpint(run(r.c, &sw), ==, -1);
	g_assert_cmphex(r.c->r[X86_RAX], ==, 0x1122334455663800);
	g_assert_cmphex(r.c->fpu.fop, ==, 0x0c0); /* a control instruction */
	g_assert_cmpint(run(r.c, &fnop), ==, -1);
	g_assert_cmphex(r.c->fpu.fop, ==, 0x1d0);
	rig_fini(&r);
}

static void test_tags(void)
{
	static const struct {
		uint16_t exp;
		uint64_t mant;
		unsigned tag;
	} t[] = {{0, 0, 1},
		 {0x8000, 0, 1},
		 {0x3fff, 1ull << 63, 0},
		 {0x3fff, 1, 2}, /* unnormal */
		 {0, 1, 2},
		 {0, 1ull << 63, 2}, /* pseudo-denormal */
		 {0x7fff, 1ull << 63, 2}};
	struct x86_cpu *c = g_new0(struct x86_cpu, 1);

	for (size_t i = 0; i < G_N_ELEMENTS(t); i++) {
		c->fpu.reg[i].exp = t[i].exp;
		c->fpu.reg[i].mant = t[i].mant;
		c->fpu.valid = 0xff;
		g_assert_cmphex(x86_fpu_tag_word(c) >> 2 * i & 3, ==, t[i].tag);
		c->fpu.valid = (uint8_t) ~(1u << i);
		g_assert_cmphex(x86_fpu_tag_word(c), >=, 3u << 2 * i);
		g_assert_cmphex(x86_fpu_tag_word(c) >> 2 * i & 3, ==, 3);
	}
	g_free(c);
}

/* The four formats of an environment (SDM 1, figures 8-9 to 8-12), there and back. */
static void test_env(void)
{
	static const struct {
		const char *store, *load;
		bool real;
		unsigned words;
		uint32_t at3[4];
	} t[] = {
		{"d936", "d926", false, 7, {0x12345678, 0x02ab0033, 0x9abcdef0, 0xffff002b}},
		{"d936", "d926", true, 7, {0xffff59a8, 0x012342ab, 0xffffe1a0, 0x09abc000}},
		{"66d936", "66d926", false, 0, {0x5678, 0x33, 0xdef0, 0x2b}},
		{"66d936", "66d926", true, 0, {0x59a8, 0x42ab, 0xe1a0, 0xc000}},
	};
	struct rig r;

	rig_init(&r);
	for (size_t k = 0; k < G_N_ELEMENTS(t); k++) {
		struct insn store = make(&r, t[k].store), load = make(&r, t[k].load);
		struct x86_fpu f = {.fcw = 0x27b,
				    .fsw = 0x4101,
				    .top = 3,
				    .valid = 0,
				    .fop = 0x2ab,
				    .fip = 0x12345678,
				    .fdp = 0x9abcdef0,
				    .fcs = 0x33,
				    .fds = 0x2b};

		r.c->fpu = f;
		r.c->mode = 2 | (t[k].real ? X86_MODE_REAL : 0);
		memset(r.ram, 0xee, 64);
		g_assert_cmpint(run(r.c, &store), ==, -1);
		g_assert_cmphex(r.c->fpu.fcw, ==, 0x27b | 0x3f);
		for (unsigned w = 0; w < 7; w++) {
			uint32_t want[3] = {0x27b, 0x5901, 0xffff}, v = 0;
			unsigned size = t[k].words ? 4 : 2;

			memcpy(&v, r.ram + w * size, size);
			if (w < 3)
				g_assert_cmphex(v, ==, want[w] | (size == 4 ? 0xffff0000 : 0));
			else
				g_assert_cmphex(v, ==, t[k].at3[w - 3]);
			g_assert_cmphex(r.ram[7 * size], ==, 0xee);
		}
		x86_fpu_init(r.c);
		g_assert_cmpint(run(r.c, &load), ==, -1);
		g_assert_cmphex(r.c->fpu.fcw, ==, 0x27b);
		g_assert_cmphex(x86_fpu_sw(r.c), ==, 0x5901);
		g_assert_cmphex(r.c->fpu.fop, ==, !t[k].words && !t[k].real ? 0 : 0x2ab);
		memcpy(r.ram + 128, r.ram, 28);
		g_assert_cmpint(run(r.c, &store), ==, -1);
		g_assert_cmpmem(r.ram, 28, r.ram + 128, 28);
	}
	rig_fini(&r);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/fpu/random", test_random);
	g_test_add_func("/fpu/pending", test_pending);
	g_test_add_func("/fpu/not-available", test_not_available);
	g_test_add_func("/fpu/fault", test_fault);
	g_test_add_func("/fpu/pointers", test_pointers);
	g_test_add_func("/fpu/tags", test_tags);
	g_test_add_func("/fpu/env", test_env);
	return g_test_run();
}
