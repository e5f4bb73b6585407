// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the life of a CPU: the dispatcher, which runs block after block and looks around between
 * them, and reset (docs/cpu.md).  Called by the accelerator; never knows a device.
 */
#include <errno.h>
#include <glib.h>
#include <sched.h>
#include <sys/mman.h>

#include "base/err.h"
#include "cpu/fpu.h"
#include "cpu/seg.h"
#include "cpu/stack.h"
#include "cpu/system.h"
#include "cpu/walk.h"

#define ARENA_SIZE (32u << 20)

/* --- the set --- */

static struct x86_set *set_of(struct aspace_listener *l)
{
	return (void *)((uint8_t *)l - offsetof(struct x86_set, listener));
}

static void ask_for_flush(struct x86_set *s)
{
	__atomic_store_n(&s->flush, true, __ATOMIC_RELEASE);
	for (unsigned n = 0; n < s->conf.cpus; n++)
		if (s->cpu[n])
			x86_kick(s->cpu[n]);
}

static void map_changed(struct aspace_listener *l, const struct mrange *r)
{
	set_of(l)->map_changed |= r->region->host != NULL;
}

/* The new map is in force.  What was taken away may be unmapped when this returns. */
static void map_committed(struct aspace_listener *l)
{
	struct x86_set *s = set_of(l);

	if (!s->map_changed)
		return;
	s->map_changed = false;
	ask_for_flush(s);
	while (__atomic_load_n(&s->flush, __ATOMIC_SEQ_CST) &&
	       __atomic_load_n(&s->inside, __ATOMIC_SEQ_CST))
		sched_yield();
}

struct x86_set *x86_set_new(const struct x86_set_conf *conf, struct err **errp)
{
	struct x86_set *s = g_new0(struct x86_set, 1);

	s->conf = *conf;
	s->cpu = g_new0(struct x86_cpu *, conf->cpus);
	s->ram_first = 1; /* nothing */
	s->arena_size = ARENA_SIZE;
	s->arena = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s->arena == MAP_FAILED) {
		err_set_errno(errp, -ENOMEM, "soft: %u MiB for decoded code", ARENA_SIZE >> 20);
		g_free(s->cpu);
		g_free(s);
		return NULL;
	}
	x86_decode_init(s);
	s->listener = (struct aspace_listener){
		.add = map_changed, .del = map_changed, .end = map_committed};
	aspace_listen(conf->mem, &s->listener);
	return s;
}

void x86_set_free(struct x86_set *s)
{
	if (!s)
		return;
	aspace_unlisten(s->conf.mem, &s->listener);
	for (unsigned n = 0; n < s->conf.cpus; n++) {
		for (unsigned i = 0; s->cpu[n] && i < X86_SCRATCHES; i++)
			g_free(s->cpu[n]->scratch[i].block);
		g_free(s->cpu[n]);
	}
	munmap(s->arena, s->arena_size);
	g_free(s->cpu);
	g_free(s);
}

static void flush_if_asked(struct x86_set *s)
{
	if (!__atomic_load_n(&s->flush, __ATOMIC_ACQUIRE))
		return;
	__atomic_store_n(&s->flush, false, __ATOMIC_RELAXED);
	s->ram_first = 1;
	s->ram_last = 0;
	for (unsigned n = 0; n < s->conf.cpus; n++)
		if (s->cpu[n])
			x86_tlb_flush(s->cpu[n], true);
}

void x86_outside(struct x86_cpu *c)
{
	__atomic_store_n(&c->set->inside, false, __ATOMIC_RELEASE);
}

void x86_inside(struct x86_cpu *c, bool wrote)
{
	if (wrote) { /* maybe a doorbell */
		x86_dma_hint(c->set);
		if (c->env.settle)
			c->env.settle(c->env.opaque);
	}
	__atomic_store_n(&c->set->inside, true, __ATOMIC_SEQ_CST);
	flush_if_asked(c->set);
}

/* --- reset --- */

struct x86_cpu *x86_new(struct x86_set *s, unsigned n, const struct x86_env *env,
			const struct cpuid_table *cpuid)
{
	struct x86_cpu *c = g_new0(struct x86_cpu, 1);

	c->set = s;
	c->id = n;
	c->env = *env;
	c->cpuid = *cpuid;
	c->gen[0] = 1;
	for (unsigned i = 0; i < X86_SCRATCHES; i++)
		c->scratch[i].block =
			g_malloc0(sizeof(struct x86_block) + 4 * sizeof(struct x86_op));
	x86_tlb_reset(c);
	s->cpu[n] = c;
	x86_reset(c, NULL);
	return c;
}

static void load_regs(struct x86_cpu *c, const struct x86_regs *r)
{
	memcpy(c->r, r->gpr, sizeof(r->gpr));
	memcpy(c->seg, r->seg, sizeof(c->seg));
	c->tr = r->tr;
	c->ldt = r->ldt;
	c->rip = r->rip;
	c->gdt_base = r->gdt_base;
	c->idt_base = r->idt_base;
	c->gdt_limit = r->gdt_limit;
	c->idt_limit = r->idt_limit;
	c->cr0 = r->cr0;
	c->cr2 = r->cr2;
	c->cr3 = r->cr3;
	c->cr4 = r->cr4;
	c->efer = r->efer;
	c->cpl = r->cr0 & X86_CR0_PE ? r->seg[X86_CS].attrs >> 5 & 3 : 0;
	x86_set_flags(c, r->rflags);
}

/* SDM 3A, table 9-1 */
void x86_reset_state(struct x86_cpu *c, bool power_on)
{
	const struct cpuid_leaf *l = cpuid_find(&c->cpuid, 1, 0);
	uint64_t caches = c->cr0 & (X86_CR0_CD | X86_CR0_NW);
	struct x86_regs r;

	x86_regs_reset(&r);
	r.gpr[X86_RDX] = l ? l->reg[CPUID_EAX] : 0x600;
	x86_msr_reset(c, power_on);
	if (!power_on)
		r.cr0 = caches | X86_CR0_ET;
	memset(c->dr, 0, sizeof(c->dr));
	c->dr[6] = 0xffff0ff0;
	c->dr[7] = 0x400;
	c->delivering = -1;
	c->nmi_blocked = c->shutdown = false;
	c->shadow = 0;
	c->dr6_pending = 0;
	c->r[X86_R_ZERO] = 0;
	load_regs(c, &r);
	x86_tlb_flush(c, true);
	if (!power_on)
		return;
	memset(c->v, 0, sizeof(c->v));
	memset(&c->fpu, 0, sizeof(c->fpu));
	x86_fpu_init(c);
	c->fpu.fcw = 0x40;
	c->fpu.valid = 0xff;
	c->mxcsr = 0x1f80;
	c->xcr0 = 1;
}

void x86_reset(struct x86_cpu *c, const struct x86_regs *regs)
{
	x86_reset_state(c, true);
	c->halted = false;
	c->wait_sipi = !regs;
	c->icount = 0;
	c->attention = true;
	if (regs)
		load_regs(c, regs);
	x86_tlb_flush(c, true);
	if (c->id == 0)
		x86_blocks_drop(c->set); /* kernels were put into memory */
}

void x86_get_regs(struct x86_cpu *c, struct x86_regs *r)
{
	memset(r, 0, sizeof(*r));
	memcpy(r->gpr, c->r, sizeof(r->gpr));
	memcpy(r->seg, c->seg, sizeof(r->seg));
	r->tr = c->tr;
	r->ldt = c->ldt;
	r->rip = c->rip;
	r->rflags = x86_flags(c);
	r->gdt_base = c->gdt_base;
	r->idt_base = c->idt_base;
	r->gdt_limit = c->gdt_limit;
	r->idt_limit = c->idt_limit;
	r->cr0 = c->cr0;
	r->cr2 = c->cr2;
	r->cr3 = c->cr3;
	r->cr4 = c->cr4;
	r->cr8 = c->env.cr8(c->env.opaque);
	r->efer = c->efer;
}

/* --- other threads --- */

void x86_notice(struct x86_cpu *c)
{
	__atomic_store_n(&c->attention, true, __ATOMIC_SEQ_CST);
	__atomic_store_n(&c->limit, 0, __ATOMIC_SEQ_CST);
}

void x86_kick(struct x86_cpu *c)
{
	__atomic_store_n(&c->kicked, true, __ATOMIC_SEQ_CST);
	x86_notice(c);
}

bool x86_runnable(struct x86_cpu *c)
{
	unsigned ev = c->env.events(c->env.opaque);

	if (c->wait_sipi)
		return ev & (X86_EV_INIT | X86_EV_SIPI);
	if (!c->halted)
		return true;
	return ev & X86_EV_INIT || (ev & X86_EV_NMI && !c->nmi_blocked) ||
	       (ev & X86_EV_INTR && c->rflags & X86_IF);
}

uint64_t x86_icount(const struct x86_cpu *c)
{
	return c->icount - (c->op ? c->op->left : 0);
}

/* --- the dispatcher --- */

static struct x86_block *find_block(struct x86_cpu *c)
{
	uint64_t lin = x86_code64(c) ? c->rip : (c->rip + c->seg[X86_CS].base) & 0xffffffff;
	struct x86_jump *j = &c->jump[x86_jump_slot(lin)];
	struct x86_block *b;

	/* A dead block would lead back here: the one instruction of run_one() must be one. */
	if (j->lin == lin && j->gen == c->gen[1] && c->rip <= c->rip_max && !j->to->dead)
		return j->to;
	b = x86_block_get(c);
	if (!b->one_off)
		*j = (struct x86_jump){lin, c->gen[1], b};
	return b;
}

static const struct x86_op *next_block(struct x86_cpu *c)
{
	struct x86_block *b = find_block(c);
	struct x86_link *l = c->want;

	if (l && !b->one_off) {
		l->to = b;
		l->gen = x86_link_key(c, c->want_far, c->rip);
	}
	c->via = c->want = NULL;
	return x86_enter(c, b, c->rip);
}

/* Instruction breakpoints (SDM 3B, 18.3.1.1): a fault, before the instruction. */
static void check_breakpoints(struct x86_cpu *c)
{
	uint64_t lin = c->rip + (x86_code64(c) ? 0 : c->seg[X86_CS].base), hit = 0;

	for (int i = 0; i < 4 && !(c->rflags & X86_RF); i++)
		if (c->dr[7] >> (2 * i) & 3 && !(c->dr[7] >> (16 + 4 * i) & 3) && c->dr[i] == lin)
			hit |= 1u << i;
	if (hit) {
		c->dr[6] = (c->dr[6] & ~(uint64_t)15) | hit;
		x86_raise(c, X86_DB, 0);
	}
}

/* The debug trap of the instruction that was just executed. */
static void trap(struct x86_cpu *c, bool tf)
{
	uint64_t why = c->dr6_pending | (tf ? 1u << 14 : 0);

	c->dr6_pending = 0;
	if (!why)
		return;
	c->dr[6] = (c->dr[6] & ~(uint64_t)15) | why;
	x86_raise(c, X86_DB, 0);
}

static void run_blocks(struct x86_cpu *c)
{
	const struct x86_op *op = next_block(c);

	do {
		c->op = op;
		op = op->fn(c, op);
	} while (op);
	c->op = NULL;
}

/* One instruction: for TF, breakpoints, and behind STI. */
static void run_one(struct x86_cpu *c)
{
	bool tf = c->rflags & X86_TF;
	uint8_t shadow = c->shadow;
	uint32_t mode = c->mode;

	if (c->dr[7] & 0xff && shadow != X86_SHADOW_SS)
		check_breakpoints(c);
	c->rflags &= ~(uint64_t)X86_RF;
	c->mode |= X86_MODE_STEP;
	c->gen[1] |= X86_MODE_STEP;
	c->limit = 0;
	c->shadow = 0;
	c->no_step = false;
	c->want = NULL;
	run_blocks(c);
	c->want = NULL;
	if (!(mode & X86_MODE_STEP))
		x86_mode_update(c);
	if (shadow)
		c->attention = true;
	if (c->shadow != X86_SHADOW_SS)
		trap(c, tf && !c->no_step);
}

/* true: come back now. */
static bool look_around(struct x86_cpu *c)
{
	bool kicked;

	__atomic_store_n(&c->attention, false, __ATOMIC_SEQ_CST);
	kicked = __atomic_exchange_n(&c->kicked, false, __ATOMIC_SEQ_CST);
	flush_if_asked(c->set);
	c->want = NULL; /* rip may be another now */
	if (x86_check_events(c))
		c->attention = true; /* there may be more */
	return kicked;
}

static enum x86_stop run(struct x86_cpu *c, uint64_t end)
{
	for (;;) {
		if (c->shutdown)
			return X86_STOP_SHUTDOWN;
		if (__atomic_load_n(&c->attention, __ATOMIC_SEQ_CST) && look_around(c))
			return X86_STOP_SLICE;
		if (c->halted || c->wait_sipi)
			return X86_STOP_HALT;
		if (c->icount >= end || c->yield)
			return X86_STOP_SLICE;
		if (c->mode & X86_MODE_STEP || c->shadow) {
			run_one(c);
			continue;
		}
		__atomic_store_n(&c->limit, end, __ATOMIC_SEQ_CST);
		if (!__atomic_load_n(&c->attention, __ATOMIC_SEQ_CST))
			run_blocks(c);
	}
}

/* After a fault: its delivery may fault again, until it is a shutdown. */
enum x86_stop x86_run(struct x86_cpu *c, uint64_t budget)
{
	volatile uint64_t end = c->icount + budget;
	enum x86_stop why;

	x86_inside(c, false);
	c->yield = false;
	c->op = NULL;
	c->want = NULL;
	if (sigsetjmp(c->escape, 0)) {
		c->op = NULL;
		c->via = c->want = NULL;
		c->dr6_pending = 0; /* its instruction is undone */
		if (c->shadow && !(c->mode & X86_MODE_STEP))
			c->shadow = 0;
		x86_mode_update(c);
		x86_deliver_fault(c);
	}
	why = run(c, end);
	x86_outside(c);
	return why;
}
