// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of hw/irq/lapic_timer.c, with a clock that only the test moves. */
#include "lapic_util.h"

#define VECTOR 0x40u
#define PERIODIC 0x20000u
#define DEADLINE 0x40000u
#define BY_1 0xbu

static void timer_start(struct apics *a, uint32_t mode, uint32_t divide)
{
	apics_start(a);
	vclock_step_to(a->clk, 1000000);
	wr(a, 0, LVT_T, mode | VECTOR);
	wr(a, 0, DIVIDE, divide);
}

static void step(struct apics *a, int64_t ns)
{
	vclock_step_to(a->clk, vclock_now(a->clk) + ns);
}

/* Did it fire since the last time? */
static bool fired(struct apics *a)
{
	if (!ev(a, 0))
		return false;
	g_assert_cmpint(ack(a, 0), ==, VECTOR);
	eoi(a, 0);
	return true;
}

static void one_shot(void)
{
	struct apics a;

	timer_start(&a, 0, BY_1);
	wr(&a, 0, INITIAL, 1000);
	g_assert_cmpuint(rd(&a, 0, INITIAL), ==, 1000);
	g_assert_cmpuint(rd(&a, 0, COUNT), ==, 1000);
	step(&a, 999);
	g_assert_cmpuint(rd(&a, 0, COUNT), ==, 1);
	g_assert_false(fired(&a));
	step(&a, 1);
	g_assert_cmpuint(rd(&a, 0, COUNT), ==, 0);
	g_assert_cmpuint(a.kicks[0], ==, 1);
	g_assert_true(fired(&a));
	step(&a, 100000);
	g_assert_false(fired(&a));
	g_assert_cmpuint(rd(&a, 0, INITIAL), ==, 1000);
	wr(&a, 0, INITIAL, 5000);
	wr(&a, 0, INITIAL, 0); /* stops */
	g_assert_cmpint(vclock_next_deadline(a.clk), ==, -1);
	wr(&a, 0, INITIAL, 5000);
	step(&a, 2000);
	wr(&a, 0, INITIAL, 5000); /* from the start */
	step(&a, 4999);
	g_assert_false(fired(&a));
	step(&a, 1);
	g_assert_true(fired(&a));
	apics_fini(&a);
}

static void divide(void)
{
	static const struct {
		uint32_t reg, by;
	} rates[] = {{0, 2}, {1, 4}, {2, 8}, {3, 16}, {8, 32}, {9, 64}, {10, 128}, {11, 1}};

	for (unsigned i = 0; i < G_N_ELEMENTS(rates); i++) {
		struct apics a;
		uint32_t by = rates[i].by;

		timer_start(&a, 0, rates[i].reg);
		wr(&a, 0, INITIAL, 1000);
		step(&a, by - 1);
		g_assert_cmpuint(rd(&a, 0, COUNT), ==, 1000);
		step(&a, 1);
		g_assert_cmpuint(rd(&a, 0, COUNT), ==, 999);
		step(&a, 999 * by - 1);
		g_assert_false(fired(&a));
		step(&a, 1);
		g_assert_true(fired(&a));
		apics_fini(&a);
	}
}

static void longest(void)
{
	struct apics a;
	const int64_t ns = 0xffffffffll * 128;

	timer_start(&a, 0, 10);
	wr(&a, 0, INITIAL, 0xffffffff);
	g_assert_cmphex(rd(&a, 0, COUNT), ==, 0xffffffff);
	step(&a, ns - 1);
	g_assert_false(fired(&a));
	step(&a, 1);
	g_assert_true(fired(&a));
	apics_fini(&a);
}

static void divide_running(void)
{
	struct apics a;

	timer_start(&a, 0, BY_1);
	wr(&a, 0, INITIAL, 1000);
	step(&a, 400);
	wr(&a, 0, DIVIDE, 0);
	g_assert_cmpuint(rd(&a, 0, COUNT), ==, 600);
	step(&a, 1199);
	g_assert_false(fired(&a));
	step(&a, 1);
	g_assert_true(fired(&a));
	wr(&a, 0, DIVIDE, BY_1); /* does not start one that ended */
	step(&a, 100000);
	g_assert_false(fired(&a));
	apics_fini(&a);
}

static void periodic(void)
{
	struct apics a;

	timer_start(&a, PERIODIC, BY_1);
	wr(&a, 0, INITIAL, 100000);
	for (int i = 0; i < 10; i++) {
		step(&a, 99999);
		g_assert_false(fired(&a));
		g_assert_cmpuint(rd(&a, 0, COUNT), ==, 1);
		step(&a, 1);
		g_assert_true(fired(&a));
		g_assert_cmpuint(rd(&a, 0, COUNT), ==, 100000);
	}
	wr(&a, 0, LVT_T, PERIODIC | MASKED | VECTOR);
	step(&a, 150000);
	g_assert_false(fired(&a));
	wr(&a, 0, LVT_T, PERIODIC | VECTOR); /* it went on counting */
	step(&a, 50000);
	g_assert_true(fired(&a));
	wr(&a, 0, LVT_T, VECTOR); /* one-shot: this period is the last */
	step(&a, 100000);
	g_assert_true(fired(&a));
	step(&a, 1000000);
	g_assert_false(fired(&a));
	apics_fini(&a);
}

/* A period of 1 ns must not keep the main loop busy. */
static void periodic_tiny(void)
{
	struct apics a;
	unsigned n = 0;

	timer_start(&a, PERIODIC, BY_1);
	wr(&a, 0, INITIAL, 1);
	for (int i = 0; i < 1000; i++) {
		step(&a, 1000);
		g_assert_cmpuint(rd(&a, 0, COUNT), ==, 1);
		n += fired(&a);
	}
	g_assert_cmpuint(n, ==, 50);
	apics_fini(&a);
}

struct probe {
	struct apics *a;
	struct vtimer t;
	uint32_t count;
};

static void probe(void *opaque)
{
	struct probe *p = opaque;

	p->count = rd(p->a, 0, COUNT);
}

/* Read at the instant of the end, before the clock came round to the timer. */
static void count_at_the_end(void)
{
	static const uint32_t modes[] = {0, PERIODIC};

	for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
		struct apics a;
		struct probe p = {.a = &a, .count = 1};

		timer_start(&a, modes[i], BY_1);
		vtimer_init(&p.t, a.clk, probe, &p);
		vtimer_arm(&p.t, vclock_now(a.clk) + 50000);
		wr(&a, 0, INITIAL, 50000);
		step(&a, 50000);
		g_assert_cmpuint(p.count, ==, modes[i] == PERIODIC ? 50000 : 0);
		g_assert_true(fired(&a));
		apics_fini(&a);
	}
}

static void masked_one_shot(void)
{
	struct apics a;

	timer_start(&a, MASKED, BY_1);
	wr(&a, 0, INITIAL, 100);
	step(&a, 50);
	g_assert_cmpuint(rd(&a, 0, COUNT), ==, 50);
	step(&a, 50);
	wr(&a, 0, LVT_T, VECTOR);
	step(&a, 100000);
	g_assert_false(fired(&a)); /* it ended while masked */
	apics_fini(&a);
}

static void deadline(void)
{
	struct apics a;

	timer_start(&a, 0, BY_1);
	g_assert_true(set_msr(&a, 0, MSR_TSC_DEADLINE, 5000000)); /* ignored in this mode */
	g_assert_cmpuint(get_msr(&a, 0, MSR_TSC_DEADLINE), ==, 0);
	g_assert_cmpint(vclock_next_deadline(a.clk), ==, -1);
	wr(&a, 0, LVT_T, DEADLINE | VECTOR);
	wr(&a, 0, INITIAL, 500); /* ignored in that mode */
	g_assert_cmpuint(rd(&a, 0, INITIAL), ==, 0);
	lapic_set_tsc_offset(a.cpu[0], 10000000); /* TSC 11 ms */
	g_assert_true(set_msr(&a, 0, MSR_TSC_DEADLINE, 12000000));
	g_assert_cmpuint(get_msr(&a, 0, MSR_TSC_DEADLINE), ==, 12000000);
	g_assert_cmpuint(rd(&a, 0, COUNT), ==, 0);
	step(&a, 999999);
	g_assert_false(fired(&a));
	step(&a, 1);
	g_assert_true(fired(&a));
	g_assert_cmpuint(get_msr(&a, 0, MSR_TSC_DEADLINE), ==, 0);
	g_assert_true(set_msr(&a, 0, MSR_TSC_DEADLINE, 12000000)); /* now */
	g_assert_true(fired(&a));
	g_assert_true(set_msr(&a, 0, MSR_TSC_DEADLINE, 1)); /* long ago */
	g_assert_true(fired(&a));
	g_assert_true(set_msr(&a, 0, MSR_TSC_DEADLINE, 13000000));
	g_assert_true(set_msr(&a, 0, MSR_TSC_DEADLINE, 0)); /* disarms */
	step(&a, 10000000);
	g_assert_false(fired(&a));
	apics_fini(&a);
}

static void deadline_modes(void)
{
	struct apics a;

	timer_start(&a, DEADLINE, BY_1);
	g_assert_true(set_msr(&a, 0, MSR_TSC_DEADLINE, 2000000));
	wr(&a, 0, LVT_T, VECTOR); /* leaving the mode disarms */
	wr(&a, 0, LVT_T, DEADLINE | VECTOR);
	step(&a, 5000000);
	g_assert_false(fired(&a));
	wr(&a, 0, LVT_T, VECTOR);
	wr(&a, 0, INITIAL, 1000);
	wr(&a, 0, LVT_T, DEADLINE | VECTOR); /* so does entering it */
	step(&a, 5000000);
	g_assert_false(fired(&a));
	g_assert_true(set_msr(&a, 0, MSR_TSC_DEADLINE, UINT64_MAX)); /* never */
	g_assert_cmpint(vclock_next_deadline(a.clk), ==, INT64_MAX);
	g_assert_cmphex(get_msr(&a, 0, MSR_TSC_DEADLINE), ==, UINT64_MAX);
	apics_fini(&a);
}

/* The TSC was written: the deadline moves with it. */
static void deadline_offset(void)
{
	struct apics a;
	int64_t now;

	timer_start(&a, DEADLINE, BY_1);
	now = vclock_now(a.clk);
	g_assert_true(set_msr(&a, 0, MSR_TSC_DEADLINE, 9000000));
	g_assert_cmpint(vclock_next_deadline(a.clk), ==, 9000000);
	lapic_set_tsc_offset(a.cpu[0], -now); /* TSC 0 */
	g_assert_cmpint(vclock_next_deadline(a.clk), ==, now + 9000000);
	lapic_set_tsc_offset(a.cpu[0], 1ll << 60);
	g_assert_true(fired(&a));
	g_assert_cmpint(vclock_next_deadline(a.clk), ==, -1);
	lapic_set_tsc_offset(a.cpu[0], -(1ll << 62)); /* a TSC in the upper half */
	g_assert_true(set_msr(&a, 0, MSR_TSC_DEADLINE, (uint64_t)(now - (1ll << 62) + 500)));
	step(&a, 499);
	g_assert_false(fired(&a));
	step(&a, 1);
	g_assert_true(fired(&a));
	apics_fini(&a);
}

static void x2apic_deadline(void)
{
	struct apics a;

	timer_start(&a, DEADLINE, BY_1);
	to_x2apic(&a, 0);
	g_assert_true(set_msr(&a, 0, MSR_TSC_DEADLINE, 1500000));
	step(&a, 500000);
	g_assert_cmpint(ack(&a, 0), ==, VECTOR);
	g_assert_true(set_msr(&a, 0, MSR(EOI), 0));
	g_assert_true(set_msr(&a, 0, MSR_TSC_DEADLINE, 2500000));
	g_assert_true(set_msr(&a, 0, MSR_APIC_BASE, 0xfee00000)); /* all is lost */
	g_assert_cmpuint(get_msr(&a, 0, MSR_TSC_DEADLINE), ==, 0);
	g_assert_cmpint(vclock_next_deadline(a.clk), ==, -1);
	apics_fini(&a);
}

/* The timers of two CPUs fire in order, each into its own APIC. */
static void two_cpus(void)
{
	struct apics a;

	timer_start(&a, 0, BY_1);
	wr(&a, 1, LVT_T, 0x50);
	wr(&a, 1, DIVIDE, BY_1);
	wr(&a, 0, INITIAL, 3000);
	wr(&a, 1, INITIAL, 2000);
	step(&a, 2000);
	g_assert_cmpuint(ev(&a, 0), ==, 0);
	g_assert_cmpint(ack(&a, 1), ==, 0x50);
	step(&a, 1000);
	g_assert_true(fired(&a));
	apics_fini(&a);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/lapic-timer/one-shot", one_shot);
	g_test_add_func("/lapic-timer/divide", divide);
	g_test_add_func("/lapic-timer/longest", longest);
	g_test_add_func("/lapic-timer/divide-running", divide_running);
	g_test_add_func("/lapic-timer/periodic", periodic);
	g_test_add_func("/lapic-timer/periodic-tiny", periodic_tiny);
	g_test_add_func("/lapic-timer/count-at-the-end", count_at_the_end);
	g_test_add_func("/lapic-timer/masked-one-shot", masked_one_shot);
	g_test_add_func("/lapic-timer/deadline", deadline);
	g_test_add_func("/lapic-timer/deadline-modes", deadline_modes);
	g_test_add_func("/lapic-timer/deadline-offset", deadline_offset);
	g_test_add_func("/lapic-timer/x2apic-deadline", x2apic_deadline);
	g_test_add_func("/lapic-timer/two-cpus", two_cpus);
	return g_test_run();
}
