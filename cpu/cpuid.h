/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU models and CPUID: what -cpu says becomes the leaves that a vCPU shows.
 *
 * Invariants: models and feature names are const tables (names as QEMU spells them); a leaf is only
 * shown as far as the accelerator supports it, and what the user asked for but cannot have is
 * reported by name.
 */
#ifndef CPU_CPUID_H
#define CPU_CPUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct err;

enum cpuid_reg { CPUID_EAX, CPUID_EBX, CPUID_ECX, CPUID_EDX };

struct cpuid_leaf {
	uint32_t leaf, sub;
	uint32_t reg[4]; /* by enum cpuid_reg */
	bool indexed;    /* sub matters */
};

struct cpuid_table {
	size_t n;
	struct cpuid_leaf leaf[256];
};

struct cpu_model;
struct cpu_spec {
	const struct cpu_model *model;
	bool hide_kvm;              /* kvm=off */
	bool enforce;               /* enforce: missing features are an error, not a warning */
	uint64_t plus[8], minus[8]; /* bit sets over the feature table */
};

struct cpu_topology {
	unsigned cpus, cores, threads; /* cores a socket, threads a core */
};

/*
 * text: "model,+feature,-feature,feature=on|off"; NULL = host.  -EINVAL names the nearest spelling.
 */
int cpu_spec_parse(struct cpu_spec *spec, const char *text, struct err **errp);

/*
 * The leaves of CPU `id` (also its APIC id).  supported: what the accelerator can show.  Features
 * that were asked for by name and are missing: a warning each (once, id 0), or -ENOTSUP with
 * enforce.
 */
int cpuid_build(struct cpuid_table *out, const struct cpu_spec *spec,
		const struct cpuid_table *supported, const struct cpu_topology *topo, unsigned id,
		struct err **errp);

struct cpuid_leaf *cpuid_find(struct cpuid_table *t, uint32_t leaf, uint32_t sub);
bool cpuid_has(const struct cpuid_table *t, const char *feature); /* by name */
void cpu_models_help(FILE *f);

/* Model number i: its name, NULL past the last; features it has by itself, "" = the host's. */
const char *cpu_model_name(size_t i);
const char *cpu_model_features(size_t i);
const char *cpu_spec_model(const struct cpu_spec *spec); /* name */
/* Every feature's name in the table's order, NULL past the last. */
const char *cpu_feature_name(size_t i);

#endif
