// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns CPU models, feature names and the building of CPUID leaves (SDM 2A, CPUID; AMD APM 3,
 * appendix E).  Called by accelerators when they make a vCPU; never asks the host itself.
 */
#include "cpu/cpuid.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "base/err.h"
#include "base/names.h"

struct feature {
	const char *name;
	uint32_t leaf, sub;
	enum cpuid_reg reg;
	uint8_t bit;
};

#define F1D(name, bit)                     \
	{                                  \
		name, 1, 0, CPUID_EDX, bit \
	}
#define F1C(name, bit)                     \
	{                                  \
		name, 1, 0, CPUID_ECX, bit \
	}
#define F7B(name, bit)                     \
	{                                  \
		name, 7, 0, CPUID_EBX, bit \
	}
#define F7C(name, bit)                     \
	{                                  \
		name, 7, 0, CPUID_ECX, bit \
	}
#define F7D(name, bit)                     \
	{                                  \
		name, 7, 0, CPUID_EDX, bit \
	}
#define FX1A(name, bit)                      \
	{                                    \
		name, 0xd, 1, CPUID_EAX, bit \
	}
#define FE1C(name, bit)                             \
	{                                           \
		name, 0x80000001, 0, CPUID_ECX, bit \
	}
#define FE1D(name, bit)                             \
	{                                           \
		name, 0x80000001, 0, CPUID_EDX, bit \
	}
#define FE7D(name, bit)                             \
	{                                           \
		name, 0x80000007, 0, CPUID_EDX, bit \
	}
#define FE8B(name, bit)                             \
	{                                           \
		name, 0x80000008, 0, CPUID_EBX, bit \
	}
#define FK(name, bit)                               \
	{                                           \
		name, 0x40000001, 0, CPUID_EAX, bit \
	}

static const struct feature features[] = {
	F1D("fpu", 0),
	F1D("vme", 1),
	F1D("de", 2),
	F1D("pse", 3),
	F1D("tsc", 4),
	F1D("msr", 5),
	F1D("pae", 6),
	F1D("mce", 7),
	F1D("cx8", 8),
	F1D("apic", 9),
	F1D("sep", 11),
	F1D("mtrr", 12),
	F1D("pge", 13),
	F1D("mca", 14),
	F1D("cmov", 15),
	F1D("pat", 16),
	F1D("pse36", 17),
	F1D("clflush", 19),
	F1D("mmx", 23),
	F1D("fxsr", 24),
	F1D("sse", 25),
	F1D("sse2", 26),
	F1D("ss", 27),
	F1D("ht", 28),
	F1C("pni", 0),
	F1C("sse3", 0),
	F1C("pclmulqdq", 1),
	F1C("monitor", 3),
	F1C("vmx", 5),
	F1C("ssse3", 9),
	F1C("fma", 12),
	F1C("cx16", 13),
	F1C("pcid", 17),
	F1C("sse4.1", 19),
	F1C("sse4_1", 19),
	F1C("sse4.2", 20),
	F1C("sse4_2", 20),
	F1C("x2apic", 21),
	F1C("movbe", 22),
	F1C("popcnt", 23),
	F1C("tsc-deadline", 24),
	F1C("aes", 25),
	F1C("xsave", 26),
	F1C("avx", 28),
	F1C("f16c", 29),
	F1C("rdrand", 30),
	F1C("hypervisor", 31),
	F7B("fsgsbase", 0),
	F7B("tsc-adjust", 1),
	F7B("bmi1", 3),
	F7B("hle", 4),
	F7B("avx2", 5),
	F7B("smep", 7),
	F7B("bmi2", 8),
	F7B("erms", 9),
	F7B("invpcid", 10),
	F7B("rtm", 11),
	F7B("mpx", 14),
	F7B("avx512f", 16),
	F7B("avx512dq", 17),
	F7B("rdseed", 18),
	F7B("adx", 19),
	F7B("smap", 20),
	F7B("clflushopt", 23),
	F7B("clwb", 24),
	F7B("avx512cd", 28),
	F7B("sha-ni", 29),
	F7B("avx512bw", 30),
	F7B("avx512vl", 31),
	F7C("umip", 2),
	F7C("pku", 3),
	F7C("gfni", 8),
	F7C("vaes", 9),
	F7C("vpclmulqdq", 10),
	F7C("avx512vnni", 11),
	F7C("la57", 16),
	F7C("rdpid", 22),
	F7D("fsrm", 4),
	F7D("md-clear", 10),
	F7D("spec-ctrl", 26),
	F7D("stibp", 27),
	F7D("arch-capabilities", 29),
	F7D("ssbd", 31),
	FX1A("xsaveopt", 0),
	FX1A("xsavec", 1),
	FX1A("xgetbv1", 2),
	FX1A("xsaves", 3),
	FE1C("lahf_lm", 0),
	FE1C("lahf-lm", 0),
	FE1C("svm", 2),
	FE1C("cr8legacy", 4),
	FE1C("abm", 5),
	FE1C("sse4a", 6),
	FE1C("misalignsse", 7),
	FE1C("3dnowprefetch", 8),
	FE1C("topoext", 22),
	FE1D("syscall", 11),
	FE1D("nx", 20),
	FE1D("mmxext", 22),
	FE1D("fxsr-opt", 25),
	FE1D("pdpe1gb", 26),
	FE1D("rdtscp", 27),
	FE1D("lm", 29),
	FE7D("invtsc", 8),
	FE8B("clzero", 0),
	FE8B("ibpb", 12),
	FE8B("virt-ssbd", 25),
	FK("kvmclock", 3),
	FK("kvm-nopiodelay", 1),
	FK("kvm-asyncpf", 4),
	FK("kvm-steal-time", 5),
	FK("kvm-pv-eoi", 6),
	FK("kvm-pv-unhalt", 7),
	FK("kvm-pv-tlb-flush", 9),
	FK("kvm-pv-ipi", 11),
	FK("kvm-poll-control", 12),
	FK("kvm-pv-sched-yield", 13),
	FK("kvmclock-stable-bit", 24),
};
_Static_assert(G_N_ELEMENTS(features) <= 512, "struct cpu_spec has 8 words");

struct cpu_model {
	const char *name, *help;
	const char *vendor; /* 12 characters; NULL = everything from the accelerator */
	uint32_t max_leaf, max_ext, signature;
	const char *brand;
	const char *features; /* space separated, beyond nothing */
};

#define QEMU64_BASE                                                                                 \
	"fpu de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse " \
	"sse2 pni cx16 hypervisor x2apic tsc-deadline syscall nx lm lahf_lm "                       \
	"kvmclock kvm-nopiodelay kvm-asyncpf kvm-steal-time kvm-pv-eoi kvmclock-stable-bit "

static const struct cpu_model models[] = {
	{"host", "the processor that the accelerator runs on"},
	{"max", "everything that the accelerator supports"},
	{"qemu64", "a small, portable 64-bit processor", "AuthenticAMD", 0xd, 0x8000000a, 0x60fb1,
	 "sluice virtual CPU", QEMU64_BASE "svm"},
	{"kvm64", "a portable 64-bit processor with an Intel signature", "GenuineIntel", 0xd,
	 0x80000008, 0xf61, "sluice virtual CPU", QEMU64_BASE},
	{"x86-64-v2", "the x86-64-v2 level", "GenuineIntel", 0xd, 0x80000008, 0x6f1,
	 "sluice virtual CPU", QEMU64_BASE "ssse3 sse4.1 sse4.2 popcnt"},
	{"x86-64-v3", "the x86-64-v3 level", "GenuineIntel", 0xd, 0x80000008, 0x6f1,
	 "sluice virtual CPU",
	 QEMU64_BASE
	 "ssse3 sse4.1 sse4.2 popcnt xsave avx avx2 bmi1 bmi2 f16c fma abm movbe xsaveopt"},
};

static int feature_index(const char *name, size_t len)
{
	for (size_t i = 0; i < G_N_ELEMENTS(features); i++)
		if (strlen(features[i].name) == len && !strncmp(features[i].name, name, len))
			return (int)i;
	return -1;
}

static void bit_set(uint64_t *set, int i)
{
	set[i / 64] |= 1ull << (i % 64);
}

static bool bit_test(const uint64_t *set, size_t i)
{
	return set[i / 64] >> (i % 64) & 1;
}

static const char *nearest_feature(const char *name)
{
	const char *known[G_N_ELEMENTS(features) + 1] = {0};

	for (size_t i = 0; i < G_N_ELEMENTS(features); i++)
		known[i] = features[i].name;
	return nearest_name(name, known);
}

static int unknown_feature(const char *name, struct err **errp)
{
	const char *near = nearest_feature(name);

	err_set(errp, -EINVAL, "-cpu: unknown feature '%s'", name);
	if (near)
		err_hint(errp, "Did you mean '%s'?", near);
	return -EINVAL;
}

/* One word after the model: +f, -f, f=on, f=off, f. */
static int parse_word(struct cpu_spec *spec, const char *word, struct err **errp)
{
	bool on = true;
	g_autofree char *name = NULL;
	const char *eq = strchr(word, '=');
	int i;

	if (word[0] == '+' || word[0] == '-') {
		on = word[0] == '+';
		name = g_strdup(word + 1);
	} else {
		name = eq ? g_strndup(word, (gsize)(eq - word)) : g_strdup(word);
		on = !eq || !strcmp(eq + 1, "on");
	}
	if (eq && !strcmp(name, "apic-id") && !strcmp(eq + 1, "0"))
		return 0; /* CPU 0 has it anyhow */
	if (eq && strcmp(eq + 1, "on") && strcmp(eq + 1, "off"))
		return err_set(errp, -EINVAL, "-cpu: '%s' takes on or off, not '%s'", name, eq + 1);
	if (!strcmp(name, "kvm")) {
		spec->hide_kvm = !on;
		return 0;
	}
	if (!strcmp(name, "enforce") || !strcmp(name, "check") || !strcmp(name, "migratable")) {
		if (!strcmp(name, "enforce"))
			spec->enforce = on;
		return 0;
	}
	i = feature_index(name, strlen(name));
	if (i < 0)
		return unknown_feature(name, errp);
	for (size_t k = 0; k < G_N_ELEMENTS(features); k++) /* all spellings of the bit */
		if (features[k].leaf == features[i].leaf && features[k].sub == features[i].sub &&
		    features[k].reg == features[i].reg && features[k].bit == features[i].bit) {
			spec->plus[k / 64] &= ~(1ull << (k % 64));
			spec->minus[k / 64] &= ~(1ull << (k % 64));
		}
	bit_set(on ? spec->plus : spec->minus, i);
	return 0;
}

static int find_model(struct cpu_spec *spec, const char *name, struct err **errp)
{
	const char *known[G_N_ELEMENTS(models) + 1] = {0};
	const char *near;

	for (size_t i = 0; i < G_N_ELEMENTS(models); i++) {
		known[i] = models[i].name;
		if (!strcmp(name, models[i].name)) {
			spec->model = &models[i];
			return 0;
		}
	}
	near = nearest_name(name, known);
	err_set(errp, -EINVAL, "-cpu: unknown model '%s'", name);
	if (near)
		err_hint(errp, "Did you mean '%s'?", near);
	err_hint(errp, "'-cpu help' lists the models.");
	return -EINVAL;
}

int cpu_spec_parse(struct cpu_spec *spec, const char *text, struct err **errp)
{
	g_auto(GStrv) words = g_strsplit(text ? text : "host", ",", -1);
	int ret;

	memset(spec, 0, sizeof(*spec));
	ret = find_model(spec, words[0] ? words[0] : "", errp);
	for (int i = 1; !ret && words[0] && words[i]; i++)
		ret = parse_word(spec, words[i], errp);
	return ret;
}

struct cpuid_leaf *cpuid_find(struct cpuid_table *t, uint32_t leaf, uint32_t sub)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->leaf[i].leaf == leaf && (!t->leaf[i].indexed || t->leaf[i].sub == sub))
			return &t->leaf[i];
	return NULL;
}

static bool has_bit(const struct cpuid_table *t, const struct feature *f)
{
	const struct cpuid_leaf *l = cpuid_find((struct cpuid_table *)t, f->leaf, f->sub);

	return l && (l->reg[f->reg] >> f->bit & 1);
}

bool cpuid_has(const struct cpuid_table *t, const char *feature)
{
	int i = feature_index(feature, strlen(feature));

	return i >= 0 && has_bit(t, &features[i]);
}

static bool in_words(const char *words, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = words; p && (p = strstr(p, name)); p += n)
		if ((p == words || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
			return true;
	return false;
}

/* A leaf all of whose registers are made of named features. */
static uint32_t feature_mask(const struct cpuid_leaf *l, int reg)
{
	uint32_t mask = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(features); i++)
		if (features[i].leaf == l->leaf && features[i].reg == (enum cpuid_reg)reg &&
		    (!l->indexed || features[i].sub == l->sub))
			mask |= 1u << features[i].bit;
	return mask;
}

static uint32_t model_features(const struct cpu_model *m, const struct cpuid_leaf *l, int reg)
{
	uint32_t v = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(features); i++)
		if (features[i].leaf == l->leaf && features[i].reg == (enum cpuid_reg)reg &&
		    (!l->indexed || features[i].sub == l->sub) &&
		    in_words(m->features, features[i].name))
			v |= 1u << features[i].bit;
	return v;
}

static void put_text(struct cpuid_table *t, uint32_t leaf, const char *text)
{
	struct cpuid_leaf *l = cpuid_find(t, leaf, 0);
	char buf[17] = "";

	g_strlcpy(buf, text, sizeof(buf));
	if (l)
		memcpy(l->reg, buf, 16);
}

/* Cut what the accelerator offers down to a named model. */
static void apply_model(struct cpuid_table *t, const struct cpu_model *m)
{
	size_t out = 0;
	size_t brand = strlen(m->brand);

	for (size_t i = 0; i < t->n; i++) {
		struct cpuid_leaf *l = &t->leaf[i];
		bool kvm = l->leaf >> 28 == 4;

		if (!kvm && (l->leaf & 0x80000000 ? l->leaf > m->max_ext : l->leaf > m->max_leaf))
			continue;
		if (l->leaf == 7 && l->sub) /* newer features, none of which a model names */
			continue;
		for (int reg = 0; reg < 4; reg++)
			if (feature_mask(l, reg))
				l->reg[reg] &= model_features(m, l, reg);
		t->leaf[out++] = *l;
	}
	t->n = out;
	for (size_t i = 0; i < t->n; i++) {
		struct cpuid_leaf *l = &t->leaf[i];

		if (l->leaf == 0 || l->leaf == 0x80000000) {
			l->reg[CPUID_EAX] =
				MIN(l->reg[CPUID_EAX], l->leaf ? m->max_ext : m->max_leaf);
			memcpy(&l->reg[CPUID_EBX], m->vendor, 4);
			memcpy(&l->reg[CPUID_EDX], m->vendor + 4, 4);
			memcpy(&l->reg[CPUID_ECX], m->vendor + 8, 4);
		} else if (l->leaf == 1 || l->leaf == 0x80000001) {
			l->reg[CPUID_EAX] = m->signature;
		} else if (l->leaf == 7) {
			l->reg[CPUID_EAX] = 0; /* the last sub-leaf */
		} else if (l->leaf == 6 || l->leaf == 0xa) {
			memset(l->reg, 0, sizeof(l->reg));
		}
	}
	for (uint32_t i = 0; i < 3; i++)
		put_text(t, 0x80000002 + i, brand > 16 * i ? m->brand + 16 * i : "");
}

static int apply_wishes(struct cpuid_table *t, const struct cpu_spec *spec,
			const struct cpuid_table *supported, bool warn, struct err **errp)
{
	for (size_t i = 0; i < G_N_ELEMENTS(features); i++) {
		const struct feature *f = &features[i];
		struct cpuid_leaf *l = cpuid_find(t, f->leaf, f->sub);

		if (l && bit_test(spec->minus, i))
			l->reg[f->reg] &= ~(1u << f->bit);
		if (!bit_test(spec->plus, i))
			continue;
		if (l && has_bit(supported, f)) {
			l->reg[f->reg] |= 1u << f->bit;
			continue;
		}
		if (spec->enforce)
			return err_set(errp, -ENOTSUP,
				       "-cpu: feature '%s' is not available on this host", f->name);
		if (warn)
			g_warning("-cpu: feature '%s' is not available on this host; left out",
				  f->name);
	}
	return 0;
}

static unsigned ceil_log2(unsigned n)
{
	unsigned bits = 0;

	while ((1u << bits) < n)
		bits++;
	return bits;
}

/* The leaves that differ from CPU to CPU: APIC ids and the shape of the package. */
static void apply_topology(struct cpuid_table *t, const struct cpu_topology *topo, unsigned id)
{
	unsigned threads = MAX(topo->threads, 1), cores = MAX(topo->cores, 1);
	unsigned smt = ceil_log2(threads), package = smt + ceil_log2(cores);

	for (size_t i = 0; i < t->n; i++) {
		struct cpuid_leaf *l = &t->leaf[i];

		switch (l->leaf) {
		case 1:
			l->reg[CPUID_EBX] &= 0x0000ffff;
			l->reg[CPUID_EBX] |= id << 24 | (threads * cores & 0xff) << 16;
			if (threads * cores > 1)
				l->reg[CPUID_EDX] |= 1u << 28;
			else
				l->reg[CPUID_EDX] &= ~(1u << 28);
			break;
		case 4: /* cores in the package, CPUs sharing the cache: L1 and L2 a core, L3 all */
			l->reg[CPUID_EAX] &= 0x3fff;
			l->reg[CPUID_EAX] |= ((1u << (package - smt)) - 1) << 26;
			l->reg[CPUID_EAX] |= ((l->reg[CPUID_EAX] >> 5 & 7) > 2 ? (1u << package) - 1
									       : threads - 1)
					     << 14;
			break;
		case 0xb:
		case 0x1f:
			memset(l->reg, 0, sizeof(l->reg));
			l->reg[CPUID_ECX] = l->sub;
			l->reg[CPUID_EDX] = id;
			if (l->sub == 0) {
				l->reg[CPUID_EAX] = smt;
				l->reg[CPUID_EBX] = threads;
				l->reg[CPUID_ECX] |= 1 << 8;
			} else if (l->sub == 1) {
				l->reg[CPUID_EAX] = package;
				l->reg[CPUID_EBX] = threads * cores;
				l->reg[CPUID_ECX] |= 2 << 8;
			}
			break;
		case 0x80000008:
			l->reg[CPUID_ECX] = threads * cores - 1;
			if (package)
				l->reg[CPUID_ECX] |= package << 12;
			break;
		case 0x8000001e:
			l->reg[CPUID_EAX] = id;
			l->reg[CPUID_EBX] =
				(id >> smt & ((1u << (package - smt)) - 1)) | (threads - 1) << 8;
			l->reg[CPUID_ECX] = id >> package;
			break;
		}
	}
}

/* KVM_GET_SUPPORTED_CPUID gives only the first sub-leaf of 0xb on some hosts: make both. */
static void complete_topology_leaves(struct cpuid_table *t)
{
	size_t out = 0;
	const struct cpuid_leaf *zero = cpuid_find(t, 0, 0);

	for (size_t i = 0; i < t->n; i++)
		if (t->leaf[i].leaf != 0xb && t->leaf[i].leaf != 0x1f)
			t->leaf[out++] = t->leaf[i];
	t->n = out;
	if (!zero || zero->reg[CPUID_EAX] < 0xb || t->n + 3 > G_N_ELEMENTS(t->leaf))
		return;
	for (uint32_t sub = 0; sub < 3; sub++)
		t->leaf[t->n++] = (struct cpuid_leaf){.leaf = 0xb, .sub = sub, .indexed = true};
}

static void hide_hypervisor_leaves(struct cpuid_table *t)
{
	size_t out = 0;

	for (size_t i = 0; i < t->n; i++)
		if (t->leaf[i].leaf >> 28 != 4)
			t->leaf[out++] = t->leaf[i];
	t->n = out;
}

int cpuid_build(struct cpuid_table *out, const struct cpu_spec *spec,
		const struct cpuid_table *supported, const struct cpu_topology *topo, unsigned id,
		struct err **errp)
{
	int ret;

	*out = *supported;
	if (spec->model->vendor)
		apply_model(out, spec->model);
	complete_topology_leaves(out);
	ret = apply_wishes(out, spec, supported, id == 0, errp);
	if (ret < 0)
		return ret;
	if (spec->hide_kvm || !cpuid_has(out, "hypervisor"))
		hide_hypervisor_leaves(out);
	apply_topology(out, topo, id);
	return 0;
}

const char *cpu_model_name(size_t i)
{
	return i < G_N_ELEMENTS(models) ? models[i].name : NULL;
}

const char *cpu_model_features(size_t i)
{
	return models[i].features ?: "";
}

const char *cpu_spec_model(const struct cpu_spec *spec)
{
	return spec->model->name;
}

const char *cpu_feature_name(size_t i)
{
	return i < G_N_ELEMENTS(features) ? features[i].name : NULL;
}

void cpu_models_help(FILE *f)
{
	fprintf(f, "Available CPUs:\n");
	for (size_t i = 0; i < G_N_ELEMENTS(models); i++)
		fprintf(f, "  %-12s %s\n", models[i].name, models[i].help);
	fprintf(f, "\nRecognized CPUID flags:\n");
	for (size_t i = 0; i < G_N_ELEMENTS(features); i++)
		fprintf(f, "%s%s", i % 10 ? " " : (i ? "\n  " : "  "), features[i].name);
	fprintf(f, "\n");
}
