// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Several CPUs in long mode: what LOCK keeps together, spin locks, IPIs back and forth, a TLB
 * shootdown, code that another CPU changes.  Argument cpus: how many there are.
 */
#include "kit/irq.h"
#include "kit/trap.h"

enum { MAX = 8, ROUNDS = 2000, PINGS = 50, PATCHES = 100, AP_START = 0x9000 };
#define PING 0x70
#define SHOOT 0x71
#define AT 0x10000000000ull

extern const uint8_t ap64_code[], ap64_code_end[];
extern volatile uint32_t ap64_count;
extern uint32_t ap64_cr3;
void ap_main64(unsigned n);

#define NO_16B "the emulator has no CMPXCHG16B with LOCK"

const struct gap kvm_gaps[] = {
	{"cmpxchg16b", NO_16B},
	{NULL, NULL},
};

static volatile uint32_t ready, phase;
static volatile uint64_t total, exchanged, guarded, bits[2];
static volatile uint32_t lock;
static uint64_t pair[2] __attribute__((aligned(16)));
static bool has_16b;

/* --- work for all ----------------------------------------------------------------------------- */

static void add_pair(void)
{
	uint64_t lo = pair[0], hi = pair[1];
	uint8_t ok;

	do {
		ASM("lock cmpxchg16b %1; setz %0"
		    : "=q"(ok), "+m"(pair), "+a"(lo), "+d"(hi)
		    : "b"(lo + 1), "c"(hi + 2)
		    : "memory", "cc");
	} while (!ok);
}

static void take(void)
{
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		while (lock)
			relax();
}

static void work(unsigned n)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t seen = exchanged;

		ASM("lock incq %0" : "+m"(total) : : "memory", "cc");
		while (!__atomic_compare_exchange_n(&exchanged, &seen, seen + 3, false,
						    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			;
		take();
		guarded = guarded + 1;
		__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
		if (has_16b)
			add_pair();
		ASM("lock btcq %1, %0" : "+m"(bits[0]) : "r"((uint64_t)n) : "memory", "cc");
	}
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
}

/* --- IPIs ------------------------------------------------------------------------------------- */

static volatile uint32_t pings[MAX], shot;
static uint64_t pdpt[512] __attribute__((aligned(4096)));
static uint64_t pd[512] __attribute__((aligned(4096)));
static uint64_t pt[512] __attribute__((aligned(4096)));
static uint64_t page[2][512] __attribute__((aligned(4096)));
static uint8_t code[64] __attribute__((aligned(64)));
static volatile uint32_t wanted, did, result, seen_value, watching, reads;

static unsigned self(void)
{
	return lapic_read(LAPIC_ID) >> 24;
}

static bool on_ping(struct trap_frame *f)
{
	unsigned me = self();

	pings[me]++;
	lapic_eoi();
	if (me == 1)
		lapic_ipi(0, PING);
	return true;
}

static bool on_shoot(struct trap_frame *f)
{
	invlpg(AT);
	__atomic_add_fetch(&shot, 1, __ATOMIC_SEQ_CST);
	lapic_eoi();
	return true;
}

static uint32_t call(void)
{
	uint32_t v;

	ASM("call *%1" : "=a"(v) : "r"(code) : "memory");
	return v;
}

void ap_main64(unsigned n)
{
	unsigned me;

	trap_idt_load(sizeof(trap_idt) - 1);
	lapic_enable();
	me = self();
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	while (phase < 1)
		relax();
	work(me);
	sti();
	while (phase < 2) {
		if (watching) {
			uint32_t v = (uint32_t)read64(AT);

			if (me == 1) {
				seen_value = v;
				reads = reads + 1;
			}
		}
		relax();
	}
	while (me == 1 && phase < 3)
		if (wanted != did) {
			cpuid(0, 0); /* serializes */
			result = call();
			did = wanted;
		}
	for (;;)
		ASM("sti; hlt");
}

/* --- CPU 0 ------------------------------------------------------------------------------------ */

static void start(void)
{
	ap64_cr3 = (uint32_t)get_cr3();
	memcpy((void *)AP_START, ap64_code, (size_t)(ap64_code_end - ap64_code));
	lapic_ipi(0, ICR_INIT | ICR_ALL_BUT_SELF);
	pass_ticks(PM_HZ / 100);
	lapic_ipi(0, ICR_SIPI | ICR_ALL_BUT_SELF | AP_START >> 12);
}

static void counting(unsigned cpus)
{
	ready = 0;
	phase = 1;
	work(0);
	check_true("all-counted", wait_for(&ready, cpus));
	check("lock-inc", total, cpus * ROUNDS);
	check("lock-cmpxchg", exchanged, 3 * cpus * ROUNDS);
	check("spin-lock", guarded, cpus * ROUNDS);
	check("lock-btc", bits[0], 0);
	verify("cmpxchg16b", pair[0] == cpus * ROUNDS && pair[1] == 2 * cpus * ROUNDS, 1);
}

static void ping_pong(void)
{
	uint32_t lost = 0;

	sti();
	for (unsigned i = 0; i < PINGS; i++) {
		lapic_ipi(1, PING);
		lost += !wait_for(&pings[0], i + 1);
	}
	cli();
	check("pings-lost", lost, 0);
	check("pings-there", pings[1], PINGS);
	check("pings-back", pings[0], PINGS);
}

static void map(const uint64_t *to)
{
	*(volatile uint64_t *)&pt[0] = (uintptr_t)to | 3;
	invlpg(AT);
}

static void shootdown(unsigned cpus)
{
	uint32_t wrong = 0;

	pd[0] = (uintptr_t)pt | 3;
	pdpt[0] = (uintptr_t)pd | 3;
	page[0][0] = 1000;
	page[1][0] = 1001;
	map(page[0]);
	((volatile uint64_t *)get_cr3())[AT >> 39] = (uintptr_t)pdpt | 3;
	watching = 1;
	for (unsigned i = 1; i <= 20; i++) {
		map(page[i & 1]);
		lapic_ipi(0, SHOOT | ICR_ALL_BUT_SELF);
		wrong += !wait_for(&shot, i * (cpus - 1));
		wrong += !wait_for(&reads, reads + 2); /* one began after this */
		wrong += seen_value != 1000 + (i & 1);
	}
	check("shootdown", wrong, 0);
}

static void patching(void)
{
	uint32_t wrong = 0;

	phase = 2;
	for (uint32_t i = 1; i <= PATCHES; i++) {
		write8((uintptr_t)code, 0xb8);
		write32((uintptr_t)code + 1, i * 0x10001);
		write8((uintptr_t)code + 5, 0xc3);
		wanted = i;
		wrong += !wait_for(&did, i) || result != i * 0x10001;
		wrong += call() != i * 0x10001;
	}
	phase = 3;
	check("code-of-another-cpu", wrong, 0);
}

void guest(uint32_t magic, uintptr_t info)
{
	unsigned cpus = arg_num("cpus", 4);

	trap_init();
	trap_hook_set(PING, on_ping);
	trap_hook_set(SHOOT, on_shoot);
	pic_mask_all();
	lapic_enable();
	has_16b = cpuid(1, 0).c >> 13 & 1 && !arg_is("accel", "kvm");
	start();
	check_true("started", wait_for(&ready, cpus - 1));
	counting(cpus);
	ping_pong();
	shootdown(cpus);
	patching();
}
