// SPDX-License-Identifier: GPL-2.0-or-later
/* CPU models and CPUID leaves: what -cpu says against what the accelerator offers. */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "base/err.h"
#include "cpu/cpuid.h"

static struct cpuid_leaf *put(struct cpuid_table *t, uint32_t leaf, uint32_t sub, bool indexed)
{
	struct cpuid_leaf *l = &t->leaf[t->n++];

	*l = (struct cpuid_leaf){.leaf = leaf, .sub = sub, .indexed = indexed};
	return l;
}

static void fill(struct cpuid_leaf *l, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		l->reg[i] = v;
}

/* A host that supports every bit of every leaf. */
static struct cpuid_table *everything(void)
{
	static const uint32_t plain[] = {1,          2,          5,          6,          0xa,
					 0x15,       0x80000001, 0x80000007, 0x80000008, 0x8000000a,
					 0x8000001e, 0x80000021, 0x40000001};
	static const uint32_t indexed[][2] = {{4, 0},   {4, 3},   {7, 0},    {7, 1},   {0xb, 0},
					      {0xd, 0}, {0xd, 1}, {0x14, 0}, {0x1f, 0}};
	struct cpuid_table *t = g_new0(struct cpuid_table, 1);
	struct cpuid_leaf *l = put(t, 0, 0, false);

	memcpy(&l->reg[CPUID_EBX], "HostHostHost", 12);
	l->reg[CPUID_EAX] = 0x1f;
	put(t, 0x80000000, 0, false)->reg[CPUID_EAX] = 0x80000021;
	memcpy(put(t, 0x40000000, 0, false)->reg + 1, "KVMKVMKVM", 9);
	for (uint32_t i = 0x80000002; i <= 0x80000004; i++)
		fill(put(t, i, 0, false), 0x41414141);
	for (size_t i = 0; i < G_N_ELEMENTS(plain); i++)
		fill(put(t, plain[i], 0, false), UINT32_MAX);
	for (size_t i = 0; i < G_N_ELEMENTS(indexed); i++)
		fill(put(t, indexed[i][0], indexed[i][1], true), UINT32_MAX);
	cpuid_find(t, 4, 0)->reg[CPUID_EAX] = 0x121 | 0xfc000000; /* L1 data */
	cpuid_find(t, 4, 3)->reg[CPUID_EAX] = 0x163 | 0xfc000000; /* L3 */
	return t;
}

static void build(struct cpuid_table *out, const char *text, const struct cpuid_table *sup,
		  struct cpu_topology topo, unsigned id)
{
	struct cpu_spec spec;
	struct err *e = NULL;

	cpu_spec_parse(&spec, text, &e);
	g_assert_cmpstr(err_text(e), ==, "");
	g_assert_cmpint(cpuid_build(out, &spec, sup, &topo, id, &e), ==, 0);
}

static const struct cpu_topology one = {1, 1, 1};

static void refuse(const char *text, const char *message, const char *hint)
{
	struct cpu_spec spec;
	struct err *e = NULL;

	g_assert_cmpint(cpu_spec_parse(&spec, text, &e), ==, -EINVAL);
	g_assert_cmpstr(err_text(e), ==, message);
	g_assert_nonnull(strstr(err_hints(e), hint));
	err_free(e);
}

static void refused(void)
{
	refuse("hots", "-cpu: unknown model 'hots'", "Did you mean 'host'?");
	refuse("", "-cpu: unknown model ''", "'-cpu help' lists the models.");
	refuse("qemu46,+avx", "-cpu: unknown model 'qemu46'", "'qemu64'");
	refuse("host,+avx22", "-cpu: unknown feature 'avx22'", "'avx2'");
	refuse("host,-xsve", "-cpu: unknown feature 'xsve'", "'xsave'");
	refuse("host,avx=maybe", "-cpu: 'avx' takes on or off, not 'maybe'", "");
	refuse("host,=on", "-cpu: unknown feature ''", "");
	refuse("host,+", "-cpu: unknown feature ''", "");
	refuse("host,", "-cpu: unknown feature ''", "");
}

/* Every name of the help is understood, in every spelling, and means one bit. */
static void all_names(void)
{
	g_autofree struct cpuid_table *sup = everything(), *out = g_new(struct cpuid_table, 1);
	g_auto(GStrv) names = NULL;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	unsigned n = 0;

	cpu_models_help(f);
	fclose(f);
	names = g_strsplit_set(strstr(text, "flags:\n") + 7, " \n", -1);
	for (char **p = names; *p; p++) {
		static const char *const on[] = {"host,+%s", "host,-%s,%s=on", "host,-%s,+%s",
						 "host,%s"};
		g_autofree char *off = g_strdup_printf("host,%s=off", *p);
		struct cpu_topology two = {2, 2, 1}; /* with one CPU "ht" is off anyhow */

		if (!**p)
			continue;
		n++;
		g_assert_true(cpuid_has(sup, *p));
		build(out, off, sup, two, 0);
		/* the topology owns that bit; hypervisor hides the leaves of its own names, too */
		if (strcmp(*p, "ht"))
			g_assert_false(cpuid_has(out, *p));
		for (unsigned i = 0; i < G_N_ELEMENTS(on); i++) {
			g_autoptr(GString) s = g_string_new(on[i]);

			g_string_replace(s, "%s", *p, 0);
			build(out, s->str, sup, two, 0);
			g_assert_true(cpuid_has(out, *p));
		}
	}
	g_assert_cmpuint(n, >, 90);
	free(text);
}

/* sse4.1 and sse4_1 are one bit: the last word counts. */
static void two_spellings(void)
{
	g_autofree struct cpuid_table *sup = everything(), *out = g_new(struct cpuid_table, 1);

	build(out, "host,-sse4.1,+sse4_1", sup, one, 0);
	g_assert_true(cpuid_has(out, "sse4.1"));
	build(out, "host,-sse4_1,+sse4.1", sup, one, 0);
	g_assert_true(cpuid_has(out, "sse4.1"));
	build(out, "host,+sse4_1,-sse4.1", sup, one, 0);
	g_assert_false(cpuid_has(out, "sse4_1"));
	build(out, "host,-lahf_lm", sup, one, 0);
	g_assert_false(cpuid_has(out, "lahf-lm"));
	g_assert_true(cpuid_has(out, "svm"));
}

/* A named model shows what it names and nothing more, whatever the host has. */
static void named_models(void)
{
	static const char *const list[] = {"qemu64", "kvm64", "x86-64-v2", "x86-64-v3"};
	g_autofree struct cpuid_table *sup = everything(), *out = g_new(struct cpuid_table, 1);

	for (unsigned i = 0; i < G_N_ELEMENTS(list); i++) {
		uint32_t ext, *id;

		build(out, list[i], sup, one, 0);
		id = cpuid_find(out, 0, 0)->reg;
		ext = cpuid_find(out, 0x80000000, 0)->reg[CPUID_EAX];
		g_assert_cmphex(id[CPUID_EAX], ==, 0xd);
		g_assert_cmpmem(&id[CPUID_EBX], 4, i ? "Genu" : "Auth", 4);
		g_assert_cmpmem(&id[CPUID_EDX], 4, i ? "ineI" : "enti", 4);
		g_assert_cmpmem(&id[CPUID_ECX], 4, i ? "ntel" : "cAMD", 4);
		g_assert_cmpmem(cpuid_find(out, 0x80000002, 0)->reg, 16, "sluice virtual C", 16);
		g_assert_cmpmem(cpuid_find(out, 0x80000003, 0)->reg, 3, "PU", 3);
		for (size_t k = 0; k < out->n; k++) {
			const struct cpuid_leaf *l = &out->leaf[k];

			if (l->leaf >> 28 == 4)
				continue;
			g_assert_cmphex(l->leaf, <=, l->leaf & 0x80000000 ? ext : 0xd);
		}
		g_assert_null(cpuid_find(out, 7, 1)); /* newer features than the model knows */
		g_assert_cmphex(cpuid_find(out, 7, 0)->reg[CPUID_EAX], ==, 0);
		g_assert_false(cpuid_has(out, "avx512f"));
		g_assert_false(cpuid_has(out, "vmx"));
		g_assert_true(cpuid_has(out, "lm"));
		g_assert_true(cpuid_has(out, "x2apic"));
		g_assert_cmpint(cpuid_has(out, "ssse3"), ==, i >= 2);
		g_assert_cmpint(cpuid_has(out, "avx2"), ==, i == 3);
		g_assert_cmpint(cpuid_has(out, "bmi2"), ==, i == 3);
		g_assert_cmphex(cpuid_find(out, 0xa, 0)->reg[CPUID_EAX], ==, 0); /* no PMU */
	}
	build(out, "kvm64,+avx512f", sup, one, 0);
	g_assert_true(cpuid_has(out, "avx512f"));
}

/* What the host lacks is never shown: not by a model, not by a wish. */
static void limited_host(void)
{
	g_autofree struct cpuid_table *sup = everything(), *out = g_new(struct cpuid_table, 1);
	struct cpu_spec spec;
	struct err *e = NULL;

	cpuid_find(sup, 1, 0)->reg[CPUID_ECX] &= ~(1u << 9); /* ssse3 */
	build(out, "x86-64-v2", sup, one, 0);
	g_assert_false(cpuid_has(out, "ssse3"));
	g_assert_true(cpuid_has(out, "popcnt"));

	g_test_expect_message(NULL, G_LOG_LEVEL_WARNING, "*'ssse3' is not available*left out*");
	build(out, "host,+ssse3", sup, one, 0);
	g_test_assert_expected_messages();
	g_assert_false(cpuid_has(out, "ssse3"));
	build(out, "host,+ssse3", sup, one, 1); /* CPU 0 has said it */

	cpu_spec_parse(&spec, "host,+ssse3,enforce", NULL);
	g_assert_cmpint(cpuid_build(out, &spec, sup, &one, 0, &e), ==, -ENOTSUP);
	g_assert_cmpstr(err_text(e), ==, "-cpu: feature 'ssse3' is not available on this host");
	err_free(e);
}

static void host_model(void)
{
	g_autofree struct cpuid_table *sup = everything(), *out = g_new(struct cpuid_table, 1);

	build(out, NULL, sup, one, 0);
	g_assert_cmpmem(&cpuid_find(out, 0, 0)->reg[CPUID_EBX], 12, "HostHostHost", 12);
	g_assert_nonnull(cpuid_find(out, 7, 1));
	g_assert_nonnull(cpuid_find(out, 0x40000000, 0));
	build(out, "host,kvm=off", sup, one, 0);
	g_assert_null(cpuid_find(out, 0x40000000, 0));
	g_assert_null(cpuid_find(out, 0x40000001, 0));
	g_assert_true(cpuid_has(out, "hypervisor"));
	build(out, "host,-hypervisor", sup, one, 0);
	g_assert_null(cpuid_find(out, 0x40000000, 0));
	build(out, "max,migratable=off,check", sup, one, 0);
	g_assert_nonnull(cpuid_find(out, 0x40000000, 0));
}

static void topology(void)
{
	g_autofree struct cpuid_table *sup = everything(), *out = g_new(struct cpuid_table, 1);
	struct cpu_topology topo = {12, 3, 2}; /* 2 sockets of 3 cores of 2 threads */
	uint32_t *r;

	build(out, "host", sup, topo, 9); /* 1 001: second package, core 0, thread 1 */
	r = cpuid_find(out, 1, 0)->reg;
	g_assert_cmphex(r[CPUID_EBX] >> 24, ==, 9);
	g_assert_cmphex(r[CPUID_EBX] >> 16 & 0xff, ==, 6);
	g_assert_true(cpuid_has(out, "ht"));
	r = cpuid_find(out, 0xb, 0)->reg;
	g_assert_cmphex(r[CPUID_EAX], ==, 1);
	g_assert_cmphex(r[CPUID_EBX], ==, 2);
	g_assert_cmphex(r[CPUID_ECX], ==, 0x100);
	g_assert_cmphex(r[CPUID_EDX], ==, 9);
	r = cpuid_find(out, 0xb, 1)->reg;
	g_assert_cmphex(r[CPUID_EAX], ==, 3);
	g_assert_cmphex(r[CPUID_EBX], ==, 6);
	g_assert_cmphex(r[CPUID_ECX], ==, 0x201);
	r = cpuid_find(out, 0xb, 2)->reg; /* the end of the list */
	g_assert_cmphex(r[CPUID_EAX] | r[CPUID_EBX], ==, 0);
	g_assert_null(cpuid_find(out, 0x1f, 0));
	g_assert_cmphex(cpuid_find(out, 4, 0)->reg[CPUID_EAX], ==, 0x121 | 1 << 14 | 3 << 26);
	g_assert_cmphex(cpuid_find(out, 4, 3)->reg[CPUID_EAX], ==, 0x163 | 7 << 14 | 3 << 26);
	g_assert_cmphex(cpuid_find(out, 0x80000008, 0)->reg[CPUID_ECX], ==, 5 | 3 << 12);
	r = cpuid_find(out, 0x8000001e, 0)->reg;
	g_assert_cmphex(r[CPUID_EAX], ==, 9);
	g_assert_cmphex(r[CPUID_EBX], ==, 0 | 1 << 8);
	g_assert_cmphex(r[CPUID_ECX], ==, 1);

	build(out, "host", sup, one, 0);
	g_assert_false(cpuid_has(out, "ht"));
	g_assert_cmphex(cpuid_find(out, 0x80000008, 0)->reg[CPUID_ECX], ==, 0);
	topo = (struct cpu_topology){255, 255, 1}; /* nothing shifts out of its field */
	build(out, "host", sup, topo, 254);
	g_assert_cmphex(cpuid_find(out, 1, 0)->reg[CPUID_EBX] >> 16, ==, 0xfeff);
	g_assert_cmphex(cpuid_find(out, 4, 3)->reg[CPUID_EAX] & 0x3fff, ==, 0x163);
	topo = (struct cpu_topology){0, 0, 0};
	build(out, "host", sup, topo, 0);
}

/* A table that is full or empty: no write past its end. */
static void odd_tables(void)
{
	g_autofree struct cpuid_table *sup = everything(), *out = g_new(struct cpuid_table, 1);

	cpuid_find(sup, 0xb, 0)->leaf = 3;
	cpuid_find(sup, 0x1f, 0)->leaf = 3;
	while (sup->n < G_N_ELEMENTS(sup->leaf))
		put(sup, 0x12, (uint32_t)sup->n, true);
	build(out, "host", sup, one, 0);
	g_assert_cmpuint(out->n, ==, G_N_ELEMENTS(out->leaf));
	g_assert_null(cpuid_find(out, 0xb, 0));
	memset(sup, 0, sizeof(*sup));
	build(out, "host", sup, one, 0);
	g_assert_cmpuint(out->n, ==, 0);
	build(out, "qemu64,-avx", sup, one, 0);
	g_assert_cmpuint(out->n, ==, 0);
	g_assert_false(cpuid_has(out, "avx"));
	g_assert_false(cpuid_has(out, "no such"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/cpuid/refused", refused);
	g_test_add_func("/cpuid/all-names", all_names);
	g_test_add_func("/cpuid/two-spellings", two_spellings);
	g_test_add_func("/cpuid/named-models", named_models);
	g_test_add_func("/cpuid/limited-host", limited_host);
	g_test_add_func("/cpuid/host", host_model);
	g_test_add_func("/cpuid/topology", topology);
	g_test_add_func("/cpuid/odd-tables", odd_tables);
	return g_test_run();
}
