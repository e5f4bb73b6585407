// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The soft CPU as a whole, on a few instructions each: where its short cuts (TLB, links, blocks,
 * stepping) must not show.  What a flat guest can see on KVM, too, is in tests/guest.
 */
#include <glib.h>
#include <string.h>
#include <sys/mman.h>

#include "cpu/cpu.h"
#include "cpu/cpuid.h"
#include "mem/aspace.h"

#define RAM 0x40800u /* half a page at the end; a device goes on there */
#define DEVICE_VALUE 0xd0d0d0d0u
#define DMA_AT 0x13001u
#define CODE 0x8000u
#define TABLES 0x20000u
#define GDT 0x30000u
#define IDT 0x31000u

struct rig {
	struct aspace *mem, *io;
	struct region ram, device;
	uint8_t *bytes;
	struct x86_set *set;
	struct x86_cpu *c;
	struct x86_regs r;
	unsigned events;
};

static uint64_t device_read(void *opaque, uint64_t off, unsigned len)
{
	return DEVICE_VALUE;
}

/* A doorbell: the device does DMA, as a real one would, seen by nobody. */
static void device_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	((struct rig *)opaque)->bytes[DMA_AT] = (uint8_t)val;
}

static const struct region_ops device_ops = {.read = device_read, .write = device_write};

static unsigned env_events(void *opaque)
{
	return ((struct rig *)opaque)->events;
}

static int env_intack(void *opaque)
{
	return -1;
}

static uint8_t env_taken(void *opaque, unsigned ev)
{
	((struct rig *)opaque)->events &= ~ev;
	return 0;
}

static uint64_t env_zero(void *opaque)
{
	return 0;
}

static void env_set_tsc_offset(void *opaque, int64_t off)
{
}

static int64_t env_now(void *opaque)
{
	return 0;
}

static const struct x86_env env = {
	.events = env_events,
	.intack = env_intack,
	.taken = env_taken,
	.cr8 = env_zero,
	.apic_base = env_zero,
	.set_tsc_offset = env_set_tsc_offset,
	.now = env_now,
};

static void put64(struct rig *s, uint32_t at, uint64_t v)
{
	memcpy(s->bytes + at, &v, 8);
}

static uint32_t get32(struct rig *s, uint32_t at)
{
	uint32_t v;

	memcpy(&v, s->bytes + at, 4);
	return v;
}

static void code(struct rig *s, uint32_t at, const char *bytes, size_t n)
{
	memcpy(s->bytes + at, bytes, n);
}
#define CODE_AT(s, at, text) code(s, at, text, sizeof(text) - 1)

static void setup(struct rig *s, enum x86_mode mode)
{
	struct x86_set_conf conf = {.cpus = 1, .phys_bits = 40, .repeatable = true};
	struct x86_env e = env;
	struct cpuid_table cpuid;

	memset(s, 0, sizeof(*s));
	s->mem = aspace_new("memory", 0);
	s->io = aspace_new("I/O", 0x10000);
	s->bytes = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	region_init_ram(&s->ram, "ram", RAM, s->bytes, -1);
	region_init_io(&s->device, "device", 0x1000, &device_ops, s);
	aspace_map(s->mem, &s->ram, 0, 0, RAM, 0);
	aspace_map(s->mem, &s->device, RAM, 0, 0x1000, 0);
	conf.mem = s->mem;
	conf.io = s->io;
	s->set = x86_set_new(&conf, NULL);
	e.opaque = s;
	x86_cpuid_supported(&cpuid, 40);
	s->c = x86_new(s->set, 0, &e, &cpuid);
	x86_regs_flat(&s->r, mode);
	s->r.rip = CODE;
	s->r.gpr[X86_RSP] = 0x7000;
	s->r.cr3 = TABLES;
	put64(s, TABLES, (TABLES + 0x1000) | 3);
	put64(s, TABLES + 0x1000, (TABLES + 0x2000) | 3);
	put64(s, TABLES + 0x2000, 0x83); /* the first 2 MiB, one to one */
}

static void teardown(struct rig *s)
{
	x86_set_free(s->set);
	aspace_free(s->io);
	aspace_free(s->mem);
	munmap(s->bytes, RAM);
}

/* From CODE until HLT. */
static void go(struct rig *s)
{
	x86_reset(s->c, &s->r);
	for (int i = 0; i < 100; i++)
		if (x86_run(s->c, 1000) == X86_STOP_HALT)
			break;
	x86_get_regs(s->c, &s->r);
	g_assert_false(x86_runnable(s->c));
}

/* RAM ends within a page: what lies behind is the device's, although the page was met as RAM. */
static void half_a_page(void)
{
	struct rig s;

	setup(&s, X86_MODE_PROT32);
	/* mov eax, [407fc]; mov ebx, eax; mov eax, [40900]; hlt */
	CODE_AT(&s, CODE, "\xa1\xfc\x07\x04\x00\x89\xc3\xa1\x00\x09\x04\x00\xf4");
	put64(&s, RAM - 8, 0x1122334455667788);
	go(&s);
	g_assert_cmphex(s.r.gpr[X86_RBX], ==, 0x11223344);
	g_assert_cmphex(s.r.gpr[X86_RAX], ==, DEVICE_VALUE);
	teardown(&s);
}

/* Bit 12 of a 2 MiB entry chooses a memory type, not an address (SDM 3A, table 4-17). */
static void large_page_pat(void)
{
	struct rig s;

	setup(&s, X86_MODE_LONG64);
	put64(&s, TABLES + 0x2008, 0x1083);
	put64(&s, 0x4000, 0x4444);
	put64(&s, 0x5000, 0x5555);
	/* mov rax, [204000]; hlt */
	CODE_AT(&s, CODE, "\x48\xa1\x00\x40\x20\x00\x00\x00\x00\x00\xf4");
	go(&s);
	g_assert_cmphex(s.r.gpr[X86_RAX], ==, 0x4444);
	teardown(&s);
}

/* A page of code at two addresses, with another page behind each. */
static void one_page_twice(void)
{
	struct rig s;

	setup(&s, X86_MODE_LONG64);
	put64(&s, TABLES + 0x2010, (TABLES + 0x3000) | 3); /* 400000 */
	put64(&s, TABLES + 0x3000 + 8 * 0x00, 0x10003);
	put64(&s, TABLES + 0x3000 + 8 * 0x01, 0x11003);
	put64(&s, TABLES + 0x3000 + 8 * 0x10, 0x10003);
	put64(&s, TABLES + 0x3000 + 8 * 0x11, 0x12003);
	CODE_AT(&s, 0x10ff0, "\xe9\x0b\x00\x00\x00"); /* jmp to the next page */
	CODE_AT(&s, 0x11000, "\xb0\x01\xc3");         /* mov al, 1; ret */
	CODE_AT(&s, 0x12000, "\xb0\x02\xc3");
	/* mov esi, 400ff0; call rsi; call rsi; mov bl, al; mov esi, 410ff0; call rsi; hlt */
	CODE_AT(&s, CODE,
		"\xbe\xf0\x0f\x40\x00\xff\xd6\xff\xd6\x88\xc3\xbe\xf0\x0f\x41\x00\xff\xd6\xf4");
	go(&s);
	g_assert_cmphex(s.r.gpr[X86_RBX] & 0xff, ==, 1);
	g_assert_cmphex(s.r.gpr[X86_RAX] & 0xff, ==, 2);
	teardown(&s);
}

static void gate(struct rig *s, unsigned vector, uint32_t at)
{
	put64(s, IDT + 8 * vector, (at & 0xffff) | 0x10 << 16 | 0xee00ull << 32);
}

static void descriptor_tables(struct rig *s)
{
	put64(s, GDT + 0x10, 0x00cf9b000000ffff);
	put64(s, GDT + 0x18, 0x00cf93000000ffff);
	s->r.gdt_base = GDT;
	s->r.idt_base = IDT;
	s->r.gdt_limit = s->r.idt_limit = 0xfff;
}

/* INT n under TF: neither the handler nor its first instruction is a step (SDM 3B, 18.3.1.4). */
static void step_over_int(void)
{
	struct rig s;

	setup(&s, X86_MODE_PROT32);
	descriptor_tables(&s);
	gate(&s, 1, 0x9000);
	gate(&s, 0x80, 0x9100);
	CODE_AT(&s, 0x9000, "\xff\x05\x00\x50\x00\x00\xcf"); /* inc [5000]; iret */
	CODE_AT(&s, 0x9100, "\xff\x05\x04\x50\x00\x00\xcf"); /* inc [5004]; iret */
	/* push 102; popf; nop; int 80; nop; push 2; popf; hlt */
	CODE_AT(&s, CODE, "\x68\x02\x01\x00\x00\x9d\x90\xcd\x80\x90\x6a\x02\x9d\xf4");
	go(&s);
	g_assert_cmpuint(get32(&s, 0x5004), ==, 1);
	g_assert_cmpuint(get32(&s, 0x5000), ==, 4); /* nop, nop, push, popf */
	teardown(&s);
}

/* An NMI waits for the IRET of the one before, and does not wake a CPU that halted in between. */
static void nmi_in_nmi(void)
{
	struct rig s;

	setup(&s, X86_MODE_PROT32);
	descriptor_tables(&s);
	gate(&s, 2, 0x9000);
	CODE_AT(&s, 0x9000, "\xff\x05\x00\x50\x00\x00\xf4\x90\xf4"); /* inc [5000]; hlt */
	CODE_AT(&s, CODE, "\x90\xf4");
	s.events = X86_EV_NMI;
	go(&s);
	g_assert_cmpuint(get32(&s, 0x5000), ==, 1);
	s.events = X86_EV_NMI;
	x86_kick(s.c);
	g_assert_false(x86_runnable(s.c));
	g_assert_cmpint(x86_run(s.c, 100), ==, X86_STOP_SLICE);
	g_assert_cmpint(x86_run(s.c, 100), ==, X86_STOP_HALT);
	g_assert_cmpuint(get32(&s, 0x5000), ==, 1);
	teardown(&s);
}

/* A device wrote other code into a page; the guest maps it anew, and runs what is there. */
static void code_by_dma(void)
{
	struct rig s;

	setup(&s, X86_MODE_LONG64);
	put64(&s, TABLES + 0x2010, (TABLES + 0x3000) | 3);
	put64(&s, TABLES + 0x3000, 0x13003);
	CODE_AT(&s, 0x13000, "\xb0\x01\xc3");
	/*
	 * mov esi, 400000; call rsi; mov bl, al; inc al; mov [40800], al; mov rax, cr3;
	 * mov cr3, rax; call rsi; hlt
	 */
	CODE_AT(&s, CODE,
		"\xbe\x00\x00\x40\x00\xff\xd6\x88\xc3\xfe\xc0\x88\x04\x25\x00\x08\x04\x00"
		"\x0f\x20\xd8\x0f\x22\xd8\xff\xd6\xf4");
	go(&s);
	g_assert_cmphex(s.r.gpr[X86_RBX] & 0xff, ==, 1);
	g_assert_cmphex(s.r.gpr[X86_RAX] & 0xff, ==, 2);
	teardown(&s);
}

int main(int argc, char **argv)
{
	int ret;

	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/soft-cpu/half-a-page", half_a_page);
	g_test_add_func("/soft-cpu/large-page-pat", large_page_pat);
	g_test_add_func("/soft-cpu/one-page-twice", one_page_twice);
	g_test_add_func("/soft-cpu/step-over-int", step_over_int);
	g_test_add_func("/soft-cpu/nmi-in-nmi", nmi_in_nmi);
	g_test_add_func("/soft-cpu/code-by-dma", code_by_dma);
	ret = g_test_run();
	aspace_thread_leave();
	return ret;
}
