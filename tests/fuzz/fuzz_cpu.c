// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns a fuzz target for the soft CPU: an input chooses a mode and the registers of two CPUs; the
 * rest of it is code, descriptor tables and page tables at once, executed for some thousand
 * instructions while interrupts of all kinds arrive.  Called by libFuzzer, or by smoke.c.
 *
 * What the guest makes of it is not looked at; sluice must neither crash nor stay.
 */
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cpu/cpu.h"
#include "cpu/cpuid.h"
#include "mem/aspace.h"
#include "tests/fuzz/fuzz.h"

#define RAM 0x40000u
#define CODE 0x8000u
#define TABLES 0x20000u /* identity page tables, where the input does not overwrite them */
#define GDT 0x30000u    /* descriptors of all kinds, for half of the inputs */
#define IDT 0x31000u
#define TSS 0x32000u
#define TURNS 40
#define SLICE 100

struct input {
	const uint8_t *p;
	size_t left;
};

struct cpu {
	struct machine *m;
	struct x86_cpu *c;
	unsigned events;
};

struct machine {
	struct input in;
	struct aspace *mem, *io;
	struct region ram, device, ports;
	uint8_t *bytes;
	struct x86_set *set;
	struct cpu cpu[2];
	int64_t now;
};

static uint64_t take(struct input *in, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes && in->left; i++, in->left--)
		v |= (uint64_t)*in->p++ << (8 * i);
	return v;
}

/* --- surroundings --- */

static uint64_t io_read(void *opaque, uint64_t off, unsigned len)
{
	return off * 0x9e3779b97f4a7c15;
}

static void io_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
}

static const struct region_ops io_ops = {.read = io_read, .write = io_write};

static unsigned env_events(void *opaque)
{
	return ((struct cpu *)opaque)->events;
}

static int env_intack(void *opaque)
{
	struct cpu *c = opaque;

	c->events &= ~(unsigned)X86_EV_INTR;
	return (int)(c->m->now & 0xff);
}

static uint8_t env_taken(void *opaque, unsigned ev)
{
	((struct cpu *)opaque)->events &= ~ev;
	return CODE >> 12;
}

static uint64_t env_cr8(void *opaque)
{
	return 0;
}

static void env_set_cr8(void *opaque, uint64_t v)
{
}

static uint64_t env_apic_base(void *opaque)
{
	return 0xfee00900;
}

static uint32_t env_apic_read(void *opaque, unsigned off)
{
	return off;
}

static void env_apic_write(void *opaque, unsigned off, uint32_t v)
{
}

static bool env_msr_read(void *opaque, uint32_t msr, uint64_t *v)
{
	*v = msr;
	return msr & 1;
}

static bool env_msr_write(void *opaque, uint32_t msr, uint64_t v)
{
	return msr & 1;
}

static void env_set_tsc_offset(void *opaque, int64_t off)
{
}

static int64_t env_now(void *opaque)
{
	return ((struct cpu *)opaque)->m->now++;
}

static const struct x86_env env = {
	.events = env_events,
	.intack = env_intack,
	.taken = env_taken,
	.cr8 = env_cr8,
	.set_cr8 = env_set_cr8,
	.apic_base = env_apic_base,
	.apic_read = env_apic_read,
	.apic_write = env_apic_write,
	.msr_read = env_msr_read,
	.msr_write = env_msr_write,
	.set_tsc_offset = env_set_tsc_offset,
	.now = env_now,
};

/* --- the machine --- */

static void page_tables(uint8_t *at)
{
	uint64_t e;

	e = (TABLES + 0x1000) | 7;
	memcpy(at, &e, 8);
	for (unsigned i = 0; i < 4; i++) {
		e = (TABLES + 0x2000) | 7;
		memcpy(at + 0x1000 + 8 * i, &e, 8);
	}
	for (uint64_t i = 0; i < 512; i++) {
		e = i << 21 | 0x87;
		memcpy(at + 0x2000 + 8 * i, &e, 8);
	}
}

static void machine_init(struct machine *m)
{
	struct x86_set_conf conf = {.cpus = 2, .phys_bits = 40, .repeatable = true};
	struct cpuid_table cpuid;

	m->mem = aspace_new("memory", 0);
	m->io = aspace_new("I/O", 0x10000);
	m->bytes = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	region_init_ram(&m->ram, "ram", RAM, m->bytes, -1);
	region_init_io(&m->device, "device", 0x1000, &io_ops, m);
	region_init_io(&m->ports, "ports", 0x10000, &io_ops, m);
	aspace_map(m->mem, &m->ram, 0, 0, RAM, 0);
	aspace_map(m->mem, &m->device, RAM, 0, 0x1000, 0);
	aspace_map(m->io, &m->ports, 0, 0, 0x10000, 0);
	conf.mem = m->mem;
	conf.io = m->io;
	m->set = x86_set_new(&conf, NULL);
	x86_cpuid_supported(&cpuid, 40);
	for (unsigned n = 0; n < 2; n++) {
		struct x86_env e = env;

		m->cpu[n].m = m;
		e.opaque = &m->cpu[n];
		m->cpu[n].c = x86_new(m->set, n, &e, &cpuid);
	}
}

/* Code and data of both rings and all widths, two tasks, an LDT, gates. */
static const uint64_t descriptors[] = {
	0,
	0x00cf9b000000ffff,
	0x00cf93000000ffff,
	0x00af9b000000ffff,
	0x008f9b000000ffff,
	0x0000890320000067, /* TSS */
	0,
	0x0000890330000067, /* another */
	0,
	0x0000820300000fff, /* LDT: the GDT again */
	0,
	0x0000ec0000088010, /* call gate, ring 3 may */
	0,
	0x0000e50000380000, /* task gate */
	0,
	0x00cffb000000ffff,
	0x00cff3000000ffff,
	0x00affb000000ffff,
	0x00cf97000000ffff, /* data that expands down */
};

static void descriptor_tables(uint8_t *ram)
{
	static const uint64_t gate[] = {0x0000ee0000088000, 0x0000ef0000188000, 0x0000e50000380000,
					0x0000860000208000};

	memcpy(ram + GDT, descriptors, sizeof(descriptors));
	for (unsigned v = 0; v < 256; v++)
		memcpy(ram + IDT + 8 * v, &gate[v % 7 < 4 ? v % 7 : 0], 8);
	for (unsigned i = 0; i < 2; i++) {
		uint32_t *tss = (void *)(ram + TSS + 0x1000 * i);

		for (int k = 1; k < 7; k++)
			tss[k] = k & 1 ? 0x7000 : 0x10;
		tss[8] = CODE + 0x40;
		tss[9] = 2;
		for (int k = 18; k < 24; k++)
			tss[k] = k == 19 ? 8 : 0x10;
	}
}

static void machine_reset(struct machine *m)
{
	memset(m->bytes, 0, RAM);
	page_tables(m->bytes + TABLES);
	descriptor_tables(m->bytes);
	m->now = 0;
	for (unsigned n = 0; n < 2; n++) {
		m->cpu[n].events = 0;
		x86_reset(m->cpu[n].c, NULL);
	}
}

enum { REAL, PROTECTED, LONG, COMPAT, MODES };

static void choose(struct machine *m, struct x86_regs *r)
{
	unsigned how = (unsigned)take(&m->in, 1), mode = how % MODES;

	if (mode == REAL) {
		x86_regs_reset(r);
		r->seg[X86_CS].base = 0;
		r->seg[X86_CS].sel = 0;
	} else {
		x86_regs_flat(r, mode == PROTECTED ? X86_MODE_PROT32 : X86_MODE_LONG64);
	}
	if (mode == COMPAT)
		r->seg[X86_CS].attrs = how & 16 ? 0xc09b : 0x809b;
	if (how & 32) { /* ring 3 */
		for (int i = 0; i < X86_SEGS; i++)
			r->seg[i].attrs |= 3 << 5;
		r->seg[X86_CS].sel |= 3;
	}
	r->cr3 = TABLES;
	r->cr4 |= take(&m->in, 4) & 0x3706f0;
	r->efer |= 0x801;
	for (int i = 0; i < X86_GPRS; i++) {
		uint8_t kind = (uint8_t)take(&m->in, 1);

		r->gpr[i] = kind & 1 ? take(&m->in, 8) : take(&m->in, 4) % (RAM + 0x2000);
	}
	r->rip = CODE + (take(&m->in, 1) & 15);
	r->rflags = (take(&m->in, 4) & 0x277fd5) | 2;
	r->gdt_base = CODE + take(&m->in, 1);
	r->idt_base = how & 64 ? CODE + take(&m->in, 1) : 0;
	r->gdt_limit = r->idt_limit = (uint16_t)take(&m->in, 2);
	if (how & 128) {
		r->gdt_base = GDT;
		r->idt_base = IDT;
		r->gdt_limit = r->idt_limit = 0xfff;
		r->tr = (struct x86_seg){.sel = 0x28, .base = TSS, .limit = 0x67, .attrs = 0x8b};
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct machine machine; /* made once: an input costs what it executes */
	struct machine *m = &machine;
	struct x86_regs r;
	unsigned events;

	if (!m->set) {
		aspace_thread_enter();
		machine_init(m);
	}
	machine_reset(m);
	m->in = (struct input){data, size};
	choose(m, &r);
	events = (unsigned)take(&m->in, 1);
	memcpy(m->bytes + CODE, m->in.p, MIN(m->in.left, RAM - CODE));
	x86_reset(m->cpu[0].c, &r);
	for (int i = 0; i < TURNS; i++) {
		struct cpu *c = &m->cpu[i % 5 == 4];

		if (i % 8 == 7) {
			c->events = events >> (i / 8) & 15;
			x86_kick(c->c);
		}
		if (x86_run(c->c, SLICE) == X86_STOP_SHUTDOWN)
			x86_reset(c->c, &r);
	}
	return 0;
}
