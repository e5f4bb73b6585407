// SPDX-License-Identifier: GPL-2.0-or-later
/* FXSAVE, XSAVE and XCR0: images against those that the CPU that runs this test makes. */
#include "fpu_util.h"

static void rnd_image(GRand *r, struct fx *s)
{
	rnd_state(r, s);
	s->fsw = (uint16_t)g_rand_int(r); /* pending or not: ES is made anew */
	s->mxcsr = g_rand_int(r) & 0xffff;
	for (unsigned i = 0; i < sizeof(s->xmm); i++)
		s->xmm[i] = (uint8_t)g_rand_int(r);
	if (g_rand_int(r) & 1)
		memset(s->xmm, 0, sizeof(s->xmm));
}

/* What may differ: AMD's CPUs store the pointers only with an exception, MXCSR has a bit more. */
static void same_image(struct fx *a, struct fx *b)
{
	a->fop = b->fop = 0;
	a->fip = b->fip = a->fdp = b->fdp = 0;
	if (a->mxcsr_mask != b->mxcsr_mask)
		a->mxcsr_mask |= 0x20000, b->mxcsr_mask |= 0x20000;
	g_assert_cmpmem(a, sizeof(*a), b, sizeof(*b));
}

typedef void image_stub(void *in, void *out, const uint32_t *mxcsr, unsigned mask);

static image_stub *image_code(struct rig *r, const uint8_t *code, size_t n)
{
	memcpy(r->code, code, n);
	g_assert_cmpint(mprotect(r->code, 4096, PROT_READ | PROT_EXEC), ==, 0);
	return (image_stub *)r->code;
}

static void test_fxsave(void)
{
	/* fxrstor64 (%rdi); fxsave64 (%rsi); ldmxcsr (%rdx); fninit; ret */
	static const uint8_t code[] = {0x48, 0x0f, 0xae, 0x0f, 0x48, 0x0f, 0xae,
				       0x06, 0x0f, 0xae, 0x12, 0xdb, 0xe3, 0xc3};
	static const uint32_t mxcsr = 0x1f80;
	struct insn save, restore;
	image_stub *native;
	struct rig r;

	rig_init(&r);
	native = image_code(&r, code, sizeof(code));
	save = make(&r, "480fae06");
	restore = make(&r, "480fae0e");
	for (unsigned n = 0; n < 20000; n++) {
		struct fx *guest = (struct fx *)r.ram, in, host;

		rnd_image(r.rnd, &in);
		*guest = in;
		memset(&host, 0xcc, sizeof(host));
		native(&in, &host, &mxcsr, 0);
		g_assert_cmpint(run(r.c, &restore), ==, -1);
		memset(guest, 0xcc, sizeof(*guest));
		g_assert_cmpint(run(r.c, &save), ==, -1);
		same_image(&host, guest);
	}
	rig_fini(&r);
}

/* Pointers in both forms, the registers of other modes, what is refused. */
static void test_fxsave_forms(void)
{
	struct insn save64, load64, save, load;
	struct fx *m;
	struct rig r;

	rig_init(&r);
	m = (struct fx *)r.ram;
	save64 = make(&r, "480fae06");
	load64 = make(&r, "480fae0e");
	save = make(&r, "0fae06");
	load = make(&r, "0fae0e");
	rnd_image(r.rnd, m);
	m->fop = 0x7ab;
	m->fip = 0x1122334455667788;
	m->fdp = 0x8877665544332211;
	g_assert_cmpint(run(r.c, &load64), ==, -1);
	m->fip = m->fdp = m->fop = 0;
	g_assert_cmpint(run(r.c, &save64), ==, -1);
	g_assert_cmphex(m->fip, ==, 0x1122334455667788);
	g_assert_cmphex(m->fdp, ==, 0x8877665544332211);
	g_assert_cmphex(m->fop, ==, 0x7ab);
	m->fip = 0x99aa002355667788;
	m->fdp = 0x99aa002b44332211;
	g_assert_cmpint(run(r.c, &load), ==, -1);
	r.c->mode = 1;
	memset(m->xmm, 0xcc, sizeof(m->xmm));
	g_assert_cmpint(run(r.c, &save), ==, -1);
	g_assert_cmphex(m->fip, ==, 0x2355667788);
	g_assert_cmphex(m->fdp, ==, 0x2b44332211);
	g_assert_cmpmem(m->xmm, 128, r.c->v, 128);
	for (unsigned i = 0; i < 128; i++)
		g_assert_cmphex(m->xmm[128 + i], ==, 0xcc);
	m->mxcsr |= 0x10000;
	g_assert_cmpint(run(r.c, &load), ==, X86_GP);
	r.c->r[X86_RSI] += 8;
	g_assert_cmpint(run(r.c, &save), ==, X86_GP);
	g_assert_cmpint(run(r.c, &load), ==, X86_GP);
	r.c->cr0 |= X86_CR0_TS;
	g_assert_cmpint(run(r.c, &save), ==, X86_NM);
	rig_fini(&r);
}

static void by_guest_xsave(struct rig *r, const struct insn *load, const struct insn *save,
			   const struct xs *x, unsigned mask)
{
	struct x86_cpu *c = r->c;

	memcpy(r->ram, x, 3 * sizeof(*x));
	c->r[X86_RDX] = 0;
	c->r[X86_RAX] = 3;
	c->r[X86_RSI] = PAGE;
	g_assert_cmpint(run(c, load), ==, -1);
	c->r[X86_RAX] = mask;
	c->r[X86_RSI] += sizeof(*x);
	g_assert_cmpint(run(c, load), ==, -1);
	c->r[X86_RSI] += sizeof(*x);
	g_assert_cmpint(run(c, save), ==, -1);
}

/* Once its kernel has switched, the host may take the initial state for one in use. */
static void same_bv(const struct xs *host, const struct xs *guest, unsigned mask)
{
	static const uint8_t zero[256];

	g_assert_cmphex(host->header[0] & ~(uint64_t)mask, ==, guest->header[0] & ~(uint64_t)mask);
	g_assert_cmphex(guest->header[0] & mask & ~host->header[0], ==, 0);
	if (mask & 1 & ~guest->header[0])
		g_assert_true(guest->fx.fcw == 0x37f && !guest->fx.fsw && !guest->fx.ftw);
	if (mask & 2 & ~guest->header[0])
		g_assert_cmpmem(guest->fx.xmm, 256, zero, 256);
}

/* A full state, part of another one over it, and what XSAVE makes of that. */
static void test_xsave(void)
{
	static const uint8_t code[] = {
		0xb8, 3,    0,    0,    0,    0x49, 0x89, 0xd0,
		0x31, 0xd2,                                  /* eax = 3, r8 = rdx, edx = 0 */
		0x48, 0x0f, 0xae, 0x2f, 0x89, 0xc8,          /* xrstor64 (%rdi); eax = ecx */
		0x48, 0x0f, 0xae, 0xaf, 0x40, 2,    0,    0, /* xrstor64 0x240(%rdi) */
		0x48, 0x0f, 0xae, 0xa7, 0x80, 4,    0,    0, /* xsave64 0x480(%rdi) */
		0x41, 0x0f, 0xae, 0x10, 0xdb, 0xe3, 0xc3};   /* ldmxcsr (%r8); fninit; ret */
	static const uint32_t mxcsr = 0x1f80;
	struct insn save, load;
	image_stub *native;
	struct rig r;

	if (!__builtin_cpu_supports("avx")) {
		g_test_skip("the host has no XSAVE");
		return;
	}
	rig_init(&r);
	native = image_code(&r, code, sizeof(code));
	save = make(&r, "480fae26");
	load = make(&r, "480fae2e");
	for (unsigned n = 0; n < 20000; n++) {
		unsigned mask = n & 3;
		struct xs x[3], *guest = (struct xs *)r.ram;

		memset(x, 0, sizeof(x));
		rnd_image(r.rnd, &x[0].fx);
		rnd_image(r.rnd, &x[1].fx);
		x[0].header[0] = 3;
		x[1].header[0] = g_rand_int(r.rnd) & 3;
		memset(&x[2], 0xcc, sizeof(x[2]));
		by_guest_xsave(&r, &load, &save, x, mask);
		native(x, NULL, &mxcsr, mask);
		same_image(&x[2].fx, &guest[2].fx);
		g_assert_cmpmem(x[2].header + 1, 56, guest[2].header + 1, 56);
		same_bv(&x[2], &guest[2], mask);
	}
	rig_fini(&r);
}

static void test_xrstor_checks(void)
{
	struct insn load, save;
	struct xs *m;
	struct rig r;

	rig_init(&r);
	m = (struct xs *)r.ram;
	load = make(&r, "480fae2e");
	save = make(&r, "480fae26");
	r.c->r[X86_RAX] = 3;
	m->fx.mxcsr = 0x1f80;
	g_assert_cmpint(run(r.c, &load), ==, -1);
	for (unsigned i = 0; i < 64 * 3; i++) { /* XSTATE_BV, XCOMP_BV, zero */
		m->header[i / 64] = 1ull << i % 64;
		g_assert_cmpint(run(r.c, &load), ==, i < 2 ? -1 : X86_GP);
		m->header[i / 64] = 0;
	}
	m->fx.mxcsr = 1u << 31;
	g_assert_cmpint(run(r.c, &load), ==, X86_GP);
	r.c->r[X86_RAX] = 1;
	g_assert_cmpint(run(r.c, &load), ==, -1);
	r.c->r[X86_RSI] += 32;
	g_assert_cmpint(run(r.c, &load), ==, X86_GP);
	g_assert_cmpint(run(r.c, &save), ==, X86_GP);
	r.c->cr0 |= X86_CR0_TS;
	g_assert_cmpint(run(r.c, &load), ==, X86_NM);
	r.c->cr4 = 0;
	g_assert_cmpint(run(r.c, &load), ==, X86_UD);
	g_assert_cmpint(run(r.c, &save), ==, X86_UD);
	rig_fini(&r);
}

static int xsetbv(struct rig *r, uint64_t v, uint64_t reg)
{
	struct insn i = make(r, "0f01d1");

	r->c->r[X86_RAX] = (uint32_t)v;
	r->c->r[X86_RDX] = v >> 32;
	r->c->r[X86_RCX] = reg;
	return run(r->c, &i);
}

static void test_xcr0(void)
{
	struct insn get;
	struct rig r;

	rig_init(&r);
	get = make(&r, "0f01d0");
	g_assert_cmpint(xsetbv(&r, 1, 0), ==, -1);
	g_assert_cmpint(run(r.c, &get), ==, -1);
	g_assert_cmphex(r.c->r[X86_RAX], ==, 1);
	g_assert_cmphex(r.c->r[X86_RDX], ==, 0);
	g_assert_cmpint(xsetbv(&r, 3, 0), ==, -1);
	g_assert_cmpint(xsetbv(&r, 2, 0), ==, X86_GP);
	g_assert_cmpint(xsetbv(&r, 7, 0), ==, X86_GP);
	g_assert_cmpint(xsetbv(&r, 1ull << 62 | 3, 0), ==, X86_GP);
	g_assert_cmpint(xsetbv(&r, 1, 1), ==, X86_GP);
	g_assert_cmpint(run(r.c, &get), ==, X86_GP);
	r.c->cpl = 3;
	g_assert_cmpint(xsetbv(&r, 1, 0), ==, X86_GP);
	r.c->cr4 = 0;
	g_assert_cmpint(xsetbv(&r, 1, 0), ==, X86_UD);
	g_assert_cmpint(run(r.c, &get), ==, X86_UD);
	g_assert_cmphex(r.c->xcr0, ==, 3);
	rig_fini(&r);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/fxsave/native", test_fxsave);
	g_test_add_func("/fxsave/forms", test_fxsave_forms);
	g_test_add_func("/xsave/native", test_xsave);
	g_test_add_func("/xsave/checks", test_xrstor_checks);
	g_test_add_func("/xsave/xcr0", test_xcr0);
	return g_test_run();
}
