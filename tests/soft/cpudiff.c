// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cpudiff [--seed N] [--count N] [--family NAME]: the soft CPU against the CPU that runs this, one
 * random instruction after the other, in random states full of edges; TAP.  CPUDIFF_SEED and
 * CPUDIFF_COUNT stand for the options.  What is compared: all registers, flags, x87, SSE, memory,
 * rip, exceptions with their codes and addresses.  First 64-bit mode, then 32-bit code in
 * compatibility mode, whose families are called alu-32 and so on; --count is of the former.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compare.h"
#include "cpu/state.h"

enum {
	STATES = 8 /* for each instruction */,
	DEFAULT_COUNT = 2500000, /* in 64-bit mode */
	NARROW_PART = 3,         /* a third of it in 32-bit mode */
	REPORTS = 6,
	ENOUGH = 20000 /* to meet each */
};

struct options {
	uint64_t seed, count;
	const char *family;
};

struct run {
	struct gen gen;
	struct families families[2]; /* [1]: of 32-bit code */
	bool narrow;
	const struct options *opt;
	unsigned tests, failed_tests;
	uint64_t cases, faults, failures; /* of one family */
};

static void ok(struct run *r, bool good, const char *what)
{
	r->tests++;
	r->failed_tests += !good;
	printf("%sok %u - %s\n", good ? "" : "not ", r->tests, what);
	fflush(stdout);
}

/* alu: in 64-bit mode; alu-32 */
static const char *name_of(const struct run *r, enum family family)
{
	static char name[32];

	snprintf(name, sizeof(name), "%s%s", family_name(family), r->narrow ? "-32" : "");
	return name;
}

/* --- one case --- */

/* A branch that leads to nothing of ours has worked all the same: there, INT3 or no page. */
static void arrived(const struct insn *i, struct state *s)
{
	bool int3 = s->vector == X86_BP && i->in.mnemonic != ZYDIS_MNEMONIC_INT3;
	bool nowhere = s->vector == X86_PAGE && s->cr2 == s->rip && s->rip != i->at;

	if (!int3 && !nowhere)
		return;
	s->rip -= int3;
	s->vector = BOX_NO_VECTOR;
	s->error = 0;
	s->cr2 = 0;
}

static void execute(struct run *r, const struct insn *i, const struct state *in, struct state *host,
		    struct state *soft)
{
	box_run(in, host, i->at + i->len, i->target);
	arrived(i, host);
	guest_run(r->gen.guest, in, soft, i->setup_n + 1);
}

/* One instruction in some states; false where the machines differ. */
static bool one_insn(struct run *r, enum family family, uint64_t seed)
{
	struct state in = {0}, host, soft;
	struct insn i;

	r->gen.rng.s = seed;
	gen_insn(&r->gen, family, &i);
	value_image(&r->gen.rng, &in.fx);
	for (unsigned n = 0; n < STATES; n++) {
		unsigned diff;

		aim_inputs(&r->gen, &i, &in);
		execute(r, &i, &in, &host, &soft);
		diff = compare(&r->gen, &i, &in, &host, &soft);
		r->cases++;
		i.mnemonic->cases++;
		r->faults += host.vector != BOX_NO_VECTOR;
		if (!diff)
			continue;
		if (r->failures++ < REPORTS) {
			printf("# --family %s --seed 0x%lx --count 1, case %u\n",
			       name_of(r, family), seed, n);
			compare_print(&i, &in, &host, &soft, diff);
		}
		return false;
	}
	return true;
}

/* --- a family --- */

static uint64_t cases_of(const struct run *r, enum family family)
{
	uint64_t all = 0, count = r->opt->count;

	if (r->opt->family)
		return count;
	if (r->narrow)
		count /= NARROW_PART;
	for (unsigned f = 0; f < FAMILY_COUNT; f++)
		all += family_share(f, r->narrow);
	return count * family_share(family, r->narrow) / all;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Instructions of the family that chance has left out. */
static unsigned missed(struct run *r, enum family family)
{
	GArray *list = r->gen.families->of[family];
	unsigned n = 0;

	for (guint k = 0; k < list->len; k++)
		n += !g_array_index(list, struct mnemonic, k).cases;
	return n;
}

static void one_family(struct run *r, enum family family)
{
	struct rng seeds = {r->opt->seed};
	uint64_t want = cases_of(r, family);
	double start = now();
	char what[128];

	r->cases = r->faults = r->failures = 0;
	one_insn(r, family, seeds.s);
	while (r->cases < want)
		one_insn(r, family, rnd(&seeds));
	snprintf(what, sizeof(what),
		 "%s: %lu cases of %u instructions (%u left out), %lu exceptions, %.1f s",
		 name_of(r, family), r->cases, r->gen.families->of[family]->len, missed(r, family),
		 r->faults, now() - start);
	ok(r, !r->failures && (want < ENOUGH || !missed(r, family)), what);
}

static void all_families(struct run *r)
{
	for (unsigned f = 0; f < FAMILY_COUNT; f++)
		if (family_share(f, r->narrow) &&
		    (!r->opt->family || !strcmp(r->opt->family, name_of(r, f))))
			one_family(r, f);
}

/* The same random bytes in both. */
static void fill_memory(struct run *r)
{
	static const struct {
		uint32_t at, size;
	} part[] = {{BOX_DATA, BOX_DATA_SIZE + BOX_RO_SIZE}, {BOX_STACK, BOX_STACK_SIZE}};

	r->gen.rng.s = 1;
	for (unsigned n = 0; n < 2; n++) {
		for (uint32_t off = 0; off < part[n].size; off += 16)
			value_vec(&r->gen.rng, box_ptr(part[n].at + off));
		memcpy(guest_ptr(r->gen.guest, part[n].at), box_ptr(part[n].at), part[n].size);
	}
	for (uint32_t off = 0; off < BOX_RO_SIZE; off++) { /* MXCSR's bit 17 is AMD's alone */
		box_ptr(BOX_RO)[off] &= 0xfd;
		guest_ptr(r->gen.guest, BOX_RO)[off] &= 0xfd;
	}
	box_protect();
}

/* --- can it fail? --- */

/* A good case, and one bit of the soft CPU's outcome turned over: each must be reported. */
static void falsify(struct run *r)
{
	struct state in = {0}, host, soft, bad;
	struct insn i;
	struct {
		void *at;
		unsigned diff;
	} bits[] = {{&bad.gpr[13], DIFF_GPR},
		    {&bad.flags, DIFF_FLAGS},
		    {&bad.rip, DIFF_RIP},
		    {&bad.vector, DIFF_VECTOR},
		    {&bad.error, DIFF_VECTOR},
		    {&bad.cr2, DIFF_VECTOR},
		    {bad.fx.st[5], DIFF_X87},
		    {&bad.fx.ftw, DIFF_X87},
		    {&bad.fx.fsw, DIFF_X87},
		    {bad.fx.xmm[15], DIFF_XMM},
		    {&bad.fx.mxcsr, DIFF_MXCSR},
		    {guest_ptr(r->gen.guest, BOX_DATA + 0x3fff), DIFF_MEMORY},
		    {guest_ptr(r->gen.guest, BOX_STACK), DIFF_MEMORY}};
	bool good;

	r->gen.rng.s = r->opt->seed;
	gen_insn(&r->gen, FAMILY_ALU, &i);
	value_image(&r->gen.rng, &in.fx);
	aim_inputs(&r->gen, &i, &in);
	execute(r, &i, &in, &host, &soft);
	good = !compare(&r->gen, &i, &in, &host, &soft);
	for (unsigned n = 0; n < G_N_ELEMENTS(bits); n++) {
		bad = soft;
		*(uint8_t *)bits[n].at ^= 1;
		good &= compare(&r->gen, &i, &in, &host, &bad) == bits[n].diff;
		good &= !compare(&r->gen, &i, &in, &host, &soft);
	}
	ok(r, good,
	   r->narrow ? "a wrong bit anywhere is found, 32-bit code"
		     : "a wrong bit anywhere is found");
}

static void narrow_families(struct run *r)
{
	const char *why = box_narrow(&r->gen.low);

	if (why) {
		printf("ok %u - 32-bit code # SKIP %s\n", ++r->tests, why);
		return;
	}
	if (!r->gen.low)
		printf("# 16-bit addresses of data fault: this kernel has no LDT\n");
	guest_narrow(r->gen.guest, r->gen.low);
	r->narrow = true;
	r->gen.families = &r->families[1];
	falsify(r);
	all_families(r);
}

static int run_all(const struct options *opt)
{
	struct run r = {.opt = opt};
	const char *why = box_open();

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (why) {
		printf("1..0 # SKIP %s\n", why);
		return 0;
	}
	printf("# --seed 0x%lx --count %lu\n", opt->seed, opt->count);
	for (unsigned n = 0; n < 2; n++)
		families_init(&r.families[n], n);
	r.gen.families = &r.families[0];
	r.gen.guest = guest_new();
	fill_memory(&r);
	falsify(&r);
	all_families(&r);
	narrow_families(&r);
	printf("1..%u\n", r.tests);
	guest_free(r.gen.guest);
	for (unsigned n = 0; n < 2; n++)
		families_fini(&r.families[n]);
	box_close();
	return r.failed_tests != 0;
}

int main(int argc, char **argv)
{
	struct options o = {.seed = (uint64_t)time(NULL), .count = DEFAULT_COUNT};
	const char *seed = getenv("CPUDIFF_SEED"), *count = getenv("CPUDIFF_COUNT");

	for (int n = 1; n + 1 < argc; n += 2) {
		if (!strcmp(argv[n], "--seed"))
			seed = argv[n + 1];
		else if (!strcmp(argv[n], "--count"))
			count = argv[n + 1];
		else if (!strcmp(argv[n], "--family"))
			o.family = argv[n + 1];
	}
	if (seed)
		o.seed = strtoull(seed, NULL, 0);
	if (count)
		o.count = strtoull(count, NULL, 0);
	return run_all(&o);
}
