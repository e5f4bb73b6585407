// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the soft side: a soft CPU in 64-bit or compatibility mode at CPL 3, whose page tables show
 * the sandbox, whose IDT leads each exception to an address of its own.  Decodes and executes as a
 * machine would.
 */
#include "box.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cpu/flags.h"
#include "cpu/fpu.h"
#include "cpu/seg.h"
#include "cpu/set.h"
#include "mem/aspace.h"

enum { /* physical addresses; linear ones, for the supervisor, are by LINEAR higher */
       PML4 = 0x1000,
       PDPT = 0x2000,
       PD = 0x3000,
       PT_LOW = 0x4000,
       PT_BOX = 0x5000,
       GDT = 0x6000,
       TSS = 0x6800,
       IDT = 0x7000,
       STACK_TOP = 0x9000,
       HANDLERS = 0xa000, /* 16 bytes for each vector, where nothing ever runs */
       LOW_PAGES = 16,
       SHADOW = 0x200000, /* of the sandbox */
       RAM = 0x400000,
       LINEAR = 0x200000, /* not 0: 16-bit addresses lead to nothing */
};
enum { KERNEL_CS = 0x10, USER_CS = 0x33, USER_CS32 = 0x23, TSS_SEL = 0x40 };
enum { PTE_P = 1, PTE_W = 2, PTE_U = 4 };

struct guest {
	struct aspace *mem, *io;
	struct region ram;
	uint8_t *host;
	struct x86_set *set;
	struct x86_cpu *c;
	struct x86_seg user[X86_SEGS];
	bool narrow;
};

uint8_t *guest_ptr(struct guest *g, uint64_t va)
{
	return g->host + SHADOW + (va - BOX_BASE);
}

/* --- surroundings where nothing happens --- */

static unsigned env_events(void *opaque)
{
	return 0;
}

static uint64_t env_zero(void *opaque)
{
	return 0;
}

static int64_t env_now(void *opaque)
{
	return 0;
}

static void env_tsc_offset(void *opaque, int64_t off)
{
}

static const struct x86_env env = {.events = env_events,
				   .cr8 = env_zero,
				   .apic_base = env_zero,
				   .set_tsc_offset = env_tsc_offset,
				   .now = env_now};

/* --- tables --- */

static void put64(struct guest *g, unsigned at, uint64_t v)
{
	memcpy(g->host + at, &v, sizeof(v));
}

static void show(struct guest *g, uint64_t va, unsigned size, unsigned rights)
{
	for (unsigned off = 0; off < size; off += 0x1000)
		put64(g, PT_BOX + 8 * (unsigned)((va + off - BOX_BASE) >> 12),
		      (SHADOW + (va + off - BOX_BASE)) | PTE_P | PTE_U | rights);
}

static void page_tables(struct guest *g)
{
	const unsigned all = PTE_P | PTE_W | PTE_U;

	put64(g, PML4, PDPT | all);
	put64(g, PDPT, PD | all);
	put64(g, PD + 8 * (LINEAR >> 21), PT_LOW | all);
	put64(g, PD + 8 * (BOX_BASE >> 21), PT_BOX | all);
	for (unsigned n = 0; n < LOW_PAGES; n++)
		put64(g, PT_LOW + 8 * n, n << 12 | PTE_P | PTE_W);
	show(g, BOX_CODE, BOX_CODE_SIZE, 0);
	show(g, BOX_DATA, BOX_DATA_SIZE, PTE_W);
	show(g, BOX_RO, BOX_RO_SIZE, 0);
	show(g, BOX_STACK, BOX_STACK_SIZE, PTE_W);
}

/* #BP and #OF may be asked for by INT3 and INTO. */
static void descriptor_tables(struct guest *g)
{
	put64(g, GDT + KERNEL_CS, 0x00af9b000000ffff);
	put64(g, GDT + (BOX_DS & ~3), 0x00cff3000000ffff);
	put64(g, GDT + (USER_CS & ~3), 0x00affb000000ffff);
	put64(g, GDT + (USER_CS32 & ~3), 0x00cffb000000ffff);
	put64(g, TSS + 4, LINEAR + STACK_TOP);
	put64(g, TSS + 0x60, 0x68ull << 48); /* no map of I/O ports */
	for (unsigned v = 0; v < 32; v++) {
		uint64_t dpl = v == X86_BP || v == X86_OFLOW ? 3 : 0;

		put64(g, IDT + 16 * v,
		      (HANDLERS + 16 * v) | KERNEL_CS << 16 | (uint64_t)LINEAR >> 16 << 48 |
			      (0x8e00ull | dpl << 13) << 32);
	}
}

static struct x86_seg flat(uint16_t sel, uint32_t attrs)
{
	return (struct x86_seg){.sel = sel, .attrs = attrs, .limit = 0xffffffff};
}

/* What a process of Linux has: data segments that are null, TSS and tables that it cannot see. */
static void user_state(struct guest *g)
{
	struct x86_regs r;

	x86_regs_flat(&r, X86_MODE_LONG64);
	for (unsigned i = 0; i < X86_SEGS; i++)
		r.seg[i] = (struct x86_seg){.attrs = X86_ATTR_UNUSABLE};
	r.seg[X86_CS] = flat(USER_CS, 0xa0fb);
	r.seg[X86_SS] = flat(BOX_DS, 0xc0f3);
	r.seg[X86_GS].base = BOX_GS_BASE;
	r.tr = (struct x86_seg){.sel = TSS_SEL, .attrs = 0x8b, .limit = 0x67, .base = LINEAR + TSS};
	r.gdt_base = LINEAR + GDT;
	r.gdt_limit = 0x4f;
	r.idt_base = LINEAR + IDT;
	r.idt_limit = 0x1ff;
	r.cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_MP | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP |
		X86_CR0_AM;
	r.cr3 = PML4;
	r.cr4 = X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT;
	r.efer |= X86_EFER_SCE | X86_EFER_NXE;
	x86_reset(g->c, &r);
	memcpy(g->user, g->c->seg, sizeof(g->user));
}

struct guest *guest_new(void)
{
	struct guest *g = g_new0(struct guest, 1);
	struct x86_set_conf conf = {.cpus = 1, .phys_bits = 40};
	struct cpuid_table cpuid;

	g->host = aligned_alloc(0x1000, RAM);
	memset(g->host, 0, RAM);
	conf.mem = g->mem = aspace_new("memory", 0);
	conf.io = g->io = aspace_new("io", 0x10000);
	region_init_ram(&g->ram, "ram", RAM, g->host, -1);
	aspace_map(g->mem, &g->ram, 0, 0, RAM, 0);
	g->set = x86_set_new(&conf, NULL);
	x86_cpuid_supported(&cpuid, conf.phys_bits);
	g->c = x86_new(g->set, 0, &env, &cpuid);
	page_tables(g);
	descriptor_tables(g);
	user_state(g);
	return g;
}

void guest_free(struct guest *g)
{
	x86_set_free(g->set);
	aspace_free(g->mem);
	aspace_free(g->io);
	free(g->host);
	g_free(g);
}

void guest_new_code(struct guest *g, uint64_t va, unsigned len)
{
	uint64_t phys = SHADOW + (va - BOX_BASE);
	unsigned here = MIN(len, 0x1000 - (unsigned)(phys & 0xfff));

	x86_code_write(g->set, phys, here);
	if (len > here)
		x86_code_write(g->set, phys + here, len - here);
}

/* --- state --- */

static void user_segments(struct guest *g)
{
	memcpy(g->c->seg, g->user, sizeof(g->user));
	g->c->cpl = 3;
	x86_mode_update(g->c);
}

/* For data, in 32-bit code. */
static void data_segments(struct guest *g, uint16_t sel)
{
	if (g->user[X86_DS].sel == sel)
		return;
	g->user[X86_DS] = sel == BOX_DS ? flat(BOX_DS, 0xc0f3) : g->user[X86_GS];
	g->user[X86_ES] = g->user[X86_DS];
	user_segments(g);
}

void guest_narrow(struct guest *g, uint16_t low)
{
	g->narrow = true;
	g->user[X86_CS] = flat(USER_CS32, 0xc0fb);
	g->user[X86_GS] = (struct x86_seg){.attrs = X86_ATTR_UNUSABLE};
	if (low)
		g->user[X86_GS] = (struct x86_seg){
			.sel = low, .attrs = 0x40f3, .limit = BOX_LOW_LIMIT, .base = BOX_LOW_BASE};
	user_segments(g);
}

static void load(struct guest *g, const struct state *s)
{
	struct x86_cpu *c = g->c;

	memcpy(c->r, s->gpr, sizeof(s->gpr));
	memcpy(c->v, s->fx.xmm, sizeof(c->v));
	c->rip = s->rip;
	c->mxcsr = s->fx.mxcsr;
	x86_set_arith(c, (uint32_t)s->flags);
	c->rflags = s->flags & ~(uint64_t)(X86_ARITH | 2);
	x86_fpu_set_sw(&c->fpu, s->fx.fsw);
	x86_fpu_set_cw(&c->fpu, s->fx.fcw);
	c->fpu.valid = s->fx.ftw;
	for (unsigned i = 0; i < 8; i++)
		memcpy(c->fpu.reg[(c->fpu.top + i) & 7].bytes, s->fx.st[i], 10);
	if (g->narrow)
		data_segments(g, s->ds);
	if (c->cpl != 3)
		user_segments(g);
}

static void save_fx(const struct x86_cpu *c, struct fx *fx)
{
	memcpy(fx->xmm, c->v, sizeof(c->v));
	fx->mxcsr = c->mxcsr;
	fx->fcw = c->fpu.fcw;
	fx->fsw = x86_fpu_sw(c);
	fx->ftw = c->fpu.valid;
	for (unsigned i = 0; i < 8; i++)
		memcpy(fx->st[i], c->fpu.reg[(c->fpu.top + i) & 7].bytes, 10);
}

/* In a handler: the rest of the state is on the supervisor's stack. */
static void save_exception(struct guest *g, struct state *s)
{
	const struct x86_cpu *c = g->c;
	uint64_t frame[6];
	const uint64_t *f = frame;

	s->vector = (int32_t)(c->rip - LINEAR - HANDLERS) / 16;
	memcpy(frame, g->host + c->r[X86_RSP] - LINEAR, sizeof(frame));
	if (LINEAR + STACK_TOP - c->r[X86_RSP] == 48)
		s->error = (uint32_t)*f++;
	s->rip = f[0];
	s->flags = f[2];
	s->gpr[X86_RSP] = f[3];
	s->cr2 = s->vector == X86_PAGE ? c->cr2 : 0;
}

/* One instruction alone, as behind STI.  The first time of all it wants to look around first. */
static void step(struct x86_cpu *c)
{
	uint64_t before = c->icount;

	while (c->icount == before) {
		c->shadow = X86_SHADOW_STI;
		x86_run(c, 1);
	}
}

void guest_run(struct guest *g, const struct state *in, struct state *out, unsigned n)
{
	struct x86_cpu *c = g->c;

	load(g, in);
	while (n--)
		step(c);
	memset(out, 0, sizeof(*out));
	save_fx(c, &out->fx);
	memcpy(out->gpr, c->r, sizeof(out->gpr));
	out->rip = c->rip;
	out->flags = x86_flags(c);
	out->vector = BOX_NO_VECTOR;
	if (c->cpl == 0)
		save_exception(g, out);
	for (unsigned i = 0; g->narrow && i < 16; i++)
		out->gpr[i] = i < 8 ? (uint32_t)out->gpr[i] : 0;
}
