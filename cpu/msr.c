// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns model-specific registers (SDM 4, chapter 2; AMD APM 2, appendix A), the time-stamp counter
 * and random numbers.  Called by RDMSR, WRMSR and reset; the local APIC's are asked of the
 * surroundings.
 */
#include <sys/random.h>

#include "cpu/handlers.h"
#include "cpu/system.h"

enum {
	MSR_TSC = 0x10,
	MSR_APIC_BASE = 0x1b,
	MSR_TSC_ADJUST = 0x3b,
	MSR_UCODE_REV = 0x8b,
	MSR_MTRR_CAP = 0xfe,
	MSR_SYSENTER_CS = 0x174,
	MSR_SYSENTER_ESP,
	MSR_SYSENTER_EIP,
	MSR_MCG_CAP = 0x179,
	MSR_MCG_STATUS,
	MSR_MISC_ENABLE = 0x1a0,
	MSR_DEBUGCTL = 0x1d9,
	MSR_MTRR_VAR = 0x200,
	MSR_MTRR_VAR_END = 0x210,
	MSR_PAT = 0x277,
	MSR_MTRR_DEF = 0x2ff,
	MSR_TSC_DEADLINE = 0x6e0,
	MSR_X2APIC = 0x800,
	MSR_X2APIC_END = 0x900,
	MSR_HWCR = 0xc0010015,
	MSR_SYSCFG = 0xc0010010,
	MSR_PATCH_LEVEL_END = 0xc0010020,
};
#define MSR_EFER 0xc0000080u
#define MSR_STAR 0xc0000081u
#define MSR_LSTAR 0xc0000082u
#define MSR_CSTAR 0xc0000083u
#define MSR_FMASK 0xc0000084u
#define MSR_FS_BASE 0xc0000100u
#define MSR_GS_BASE 0xc0000101u
#define MSR_KERNEL_GS 0xc0000102u
#define MSR_TSC_AUX 0xc0000103u

uint64_t x86_tsc(struct x86_cpu *c)
{
	return (uint64_t)(c->env.now(c->env.opaque) + c->msr.tsc_offset);
}

uint64_t x86_random(struct x86_cpu *c)
{
	uint64_t v;

	if (!c->set->conf.repeatable && getrandom(&v, sizeof(v), 0) == sizeof(v))
		return v;
	v = c->rng += 0x9e3779b97f4a7c15; /* splitmix64 */
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9;
	v = (v ^ v >> 27) * 0x94d049bb133111eb;
	return v ^ v >> 31;
}

static bool canonical(uint64_t v)
{
	return (uint64_t)((int64_t)(v << 16) >> 16) == v;
}

/* --- registers that hold what was written, if it is allowed --- */

struct plain {
	uint32_t msr;
	uint16_t offset; /* of a uint64_t in struct x86_cpu */
	bool canonical;
	uint64_t allowed; /* bits */
};

#define AT(field) offsetof(struct x86_cpu, field)
#define ALL (~(uint64_t)0)
static const struct plain plains[] = {
	{MSR_SYSENTER_CS, AT(msr.sysenter_cs), false, ALL},
	{MSR_SYSENTER_ESP, AT(msr.sysenter_esp), true, ALL},
	{MSR_SYSENTER_EIP, AT(msr.sysenter_eip), true, ALL},
	{MSR_MCG_STATUS, AT(msr.mcg_status), false, 7},
	{MSR_MISC_ENABLE, AT(msr.misc_enable), false, ALL},
	{MSR_MTRR_DEF, AT(msr.mtrr_def), false, 0xcff},
	{MSR_STAR, AT(msr.star), false, ALL},
	{MSR_LSTAR, AT(msr.lstar), true, ALL},
	{MSR_CSTAR, AT(msr.cstar), true, ALL},
	{MSR_FMASK, AT(msr.fmask), false, 0xffffffff},
	{MSR_KERNEL_GS, AT(msr.kernel_gs), true, ALL},
	{MSR_TSC_AUX, AT(msr.tsc_aux), false, 0xffffffff},
};

static uint64_t *plain(struct x86_cpu *c, uint32_t msr, const struct plain **found)
{
	for (size_t i = 0; i < sizeof(plains) / sizeof(plains[0]); i++)
		if (plains[i].msr == msr) {
			*found = &plains[i];
			return (uint64_t *)(void *)((uint8_t *)c + plains[i].offset);
		}
	return NULL;
}

/* Of fixed ranges (SDM 3A, 11.11.2.2): 250h, 258h, 259h, 268h to 26fh. */
static int fixed_index(uint32_t msr)
{
	if (msr == 0x250)
		return 0;
	if (msr == 0x258 || msr == 0x259)
		return (int)(msr - 0x258 + 1);
	return msr >= 0x268 && msr <= 0x26f ? (int)(msr - 0x268 + 3) : -1;
}

static bool is_apic(const struct x86_cpu *c, uint32_t msr)
{
	if (msr == MSR_TSC_DEADLINE)
		return x86_has(c, 1, CPUID_ECX, 24);
	return msr == MSR_APIC_BASE || (msr >= MSR_X2APIC && msr < MSR_X2APIC_END);
}

/* AMD's that system software reads without asking; they read as zero and keep nothing. */
static bool is_void(uint32_t msr)
{
	switch (msr) {
	case MSR_DEBUGCTL:
	case MSR_SYSCFG:
	case MSR_HWCR:
	case 0xc001001f: /* NB_CFG */
	case 0xc0010055: /* INTPEND */
	case 0xc0010117: /* VM_HSAVE_PA */
	case 0xc0011029: /* DE_CFG */
		return true;
	default:
		return msr >= 0xc0010000 && msr <= 0xc0010007; /* PERF_CTL, PERF_CTR */
	}
}

bool x86_msr_read(struct x86_cpu *c, uint32_t msr, uint64_t *v)
{
	const struct plain *p;
	uint64_t *reg = plain(c, msr, &p);
	int fixed = fixed_index(msr);

	*v = 0;
	if (reg)
		*v = *reg;
	else if (is_apic(c, msr))
		return c->env.msr_read(c->env.opaque, msr, v);
	else if (fixed >= 0)
		*v = c->msr.mtrr_fixed[fixed];
	else if (msr >= MSR_MTRR_VAR && msr < MSR_MTRR_VAR_END)
		*v = c->msr.mtrr_var[msr - MSR_MTRR_VAR];
	else if (msr == MSR_TSC)
		*v = x86_tsc(c);
	else if (msr == MSR_TSC_ADJUST)
		*v = c->msr.tsc_adjust;
	else if (msr == MSR_MTRR_CAP)
		*v = 0x508; /* 8 ranges, fixed ones, write combining */
	else if (msr == MSR_UCODE_REV)
		*v = 0x1000065;
	else if (msr == MSR_PAT)
		*v = c->msr.pat;
	else if (msr == MSR_EFER)
		*v = c->efer;
	else if (msr == MSR_FS_BASE || msr == MSR_GS_BASE)
		*v = c->seg[msr == MSR_FS_BASE ? X86_FS : X86_GS].base;
	else
		return msr == MSR_MCG_CAP || is_void(msr);
	return true;
}

static bool memory_type(uint64_t t)
{
	return t < 8 && t != 2 && t != 3;
}

static bool set_pat(struct x86_cpu *c, uint64_t v)
{
	for (int i = 0; i < 64; i += 8)
		if (!memory_type(v >> i & 0xff))
			return false;
	c->msr.pat = v;
	return true;
}

static bool set_efer(struct x86_cpu *c, uint64_t v)
{
	uint64_t may = X86_EFER_LME | X86_EFER_LMA;

	if (x86_has(c, 0x80000001, CPUID_EDX, 11))
		may |= X86_EFER_SCE;
	if (x86_has(c, 0x80000001, CPUID_EDX, 20))
		may |= X86_EFER_NXE;
	if (v & ~may || ((v ^ c->efer) & X86_EFER_LME && c->cr0 & X86_CR0_PG))
		return false;
	if ((v ^ c->efer) & X86_EFER_NXE)
		x86_tlb_flush(c, true);
	c->efer = (v & ~(uint64_t)X86_EFER_LMA) | (c->efer & X86_EFER_LMA);
	return true;
}

static void move_tsc(struct x86_cpu *c, int64_t by)
{
	c->msr.tsc_offset += by;
	c->msr.tsc_adjust += (uint64_t)by;
	c->env.set_tsc_offset(c->env.opaque, c->msr.tsc_offset);
}

static bool set_base(struct x86_cpu *c, unsigned seg, uint64_t v)
{
	if (!canonical(v))
		return false;
	c->seg[seg].base = c->sc[seg].base = v;
	return true;
}

bool x86_msr_write(struct x86_cpu *c, uint32_t msr, uint64_t v)
{
	const struct plain *p;
	uint64_t *reg = plain(c, msr, &p);
	int fixed = fixed_index(msr);

	if (reg) {
		if (v & ~p->allowed || (p->canonical && !canonical(v)))
			return false;
		*reg = v;
		return true;
	}
	if (is_apic(c, msr)) {
		bool ok = c->env.msr_write(c->env.opaque, msr, v);

		if (msr == MSR_APIC_BASE)
			x86_tlb_flush(c, true); /* its page may have moved */
		c->attention = true;
		return ok;
	}
	if (fixed >= 0)
		c->msr.mtrr_fixed[fixed] = v;
	else if (msr >= MSR_MTRR_VAR && msr < MSR_MTRR_VAR_END)
		c->msr.mtrr_var[msr - MSR_MTRR_VAR] = v;
	else if (msr == MSR_TSC)
		move_tsc(c, (int64_t)(v - x86_tsc(c)));
	else if (msr == MSR_TSC_ADJUST)
		move_tsc(c, (int64_t)(v - c->msr.tsc_adjust));
	else if (msr == MSR_PAT)
		return set_pat(c, v);
	else if (msr == MSR_EFER)
		return set_efer(c, v);
	else if (msr == MSR_FS_BASE || msr == MSR_GS_BASE)
		return set_base(c, msr == MSR_FS_BASE ? X86_FS : X86_GS, v);
	else
		return msr == MSR_UCODE_REV || msr == 0x79 || is_void(msr);
	return true;
}

/* SDM 3A, table 9-1; INIT keeps all that power-on sets but the segment bases. */
void x86_msr_reset(struct x86_cpu *c, bool power_on)
{
	c->efer = 0;
	c->msr.kernel_gs = 0;
	if (!power_on)
		return;
	memset(&c->msr, 0, sizeof(c->msr));
	c->msr.pat = 0x0007040600070406;
	c->msr.misc_enable = 1; /* fast strings */
	c->msr.tsc_offset = -c->env.now(c->env.opaque);
	c->env.set_tsc_offset(c->env.opaque, c->msr.tsc_offset);
	c->rng = c->id;
}
