// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of hw/q35/tco.c. */
#include "hw/q35/tco.h"
#include "board_util.h"

#define PORT 0xb060
#define CCR 0xfed1c000ull
#define TICK TCO_TICK_NS

struct rig {
	struct board b;
	struct tco *t;
	struct mmapping *ports, *rcba;
	unsigned barks;
};

static void bark(void *opaque)
{
	((struct rig *)opaque)->barks++;
}

static void rig_init(struct rig *r, bool strap)
{
	struct tco_conf conf = {.no_reboot = strap, .watchdog = bark, .opaque = r};

	*r = (struct rig){};
	board_init(&r->b);
	conf.clock = r->b.clk;
	r->t = tco_new(&conf);
	r->ports = aspace_map(r->b.io, tco_ports(r->t), PORT, 0, TCO_SIZE, 0);
	r->rcba = aspace_map(r->b.mem, tco_rcba(r->t), CCR, 0, RCBA_SIZE, 0);
}

static void rig_fini(struct rig *r)
{
	aspace_unmap(r->b.io, r->ports);
	aspace_unmap(r->b.mem, r->rcba);
	aspace_sync();
	tco_free(r->t);
	board_fini(&r->b);
}

static uint32_t in(struct rig *r, unsigned off, unsigned len)
{
	return (uint32_t)aspace_read(r->b.io, PORT + off, len);
}

static void out(struct rig *r, unsigned off, uint32_t val, unsigned len)
{
	aspace_write(r->b.io, PORT + off, val, len);
}

static void halt(struct rig *r, bool on)
{
	uint32_t cnt = in(r, TCO1_CNT, 2);

	out(r, TCO1_CNT, on ? cnt | TCO1_CNT_HLT : cnt & ~TCO1_CNT_HLT, 2);
}

/* As a driver starts it: halted, cleared, told whether to reboot, loaded. */
static void start(struct rig *r, uint16_t ticks, bool reboot)
{
	uint32_t gcs = (uint32_t)aspace_read(r->b.mem, CCR + RCBA_GCS, 4);

	halt(r, true);
	out(r, TCO1_STS, 8, 2);
	out(r, TCO2_STS, 2, 2);
	out(r, TCO2_STS, 4, 2);
	gcs = reboot ? gcs & ~RCBA_GCS_NO_REBOOT : gcs | RCBA_GCS_NO_REBOOT;
	aspace_write(r->b.mem, CCR + RCBA_GCS, gcs, 4);
	out(r, TCO_TMR, ticks, 2);
	out(r, TCO_RLD, 4, 2);
	halt(r, false);
}

static void check_defaults(struct rig *r)
{
	g_assert_cmphex(in(r, TCO_RLD, 2), ==, 0);
	g_assert_cmphex(in(r, TCO_DAT_IN, 2), ==, 0);
	g_assert_cmphex(in(r, TCO1_STS, 4), ==, 0);
	g_assert_cmphex(in(r, TCO1_CNT, 4), ==, 0x00080000);
	g_assert_cmphex(in(r, TCO_MESSAGE1, 2), ==, 0);
	g_assert_cmphex(in(r, TCO_WDCNT, 1), ==, 0);
	g_assert_cmphex(in(r, SW_IRQ_GEN, 1), ==, 3);
	g_assert_cmphex(in(r, TCO_TMR, 2), ==, 4);
	g_assert_cmphex(aspace_read(r->b.mem, CCR + RCBA_GCS, 4), ==, RCBA_GCS_NO_REBOOT);
	g_assert_cmpint(vclock_next_deadline(r->b.clk), ==, -1);
}

static void defaults(void)
{
	struct rig r;

	rig_init(&r, true);
	check_defaults(&r);
	rig_fini(&r);
}

static void no_action(void)
{
	struct rig r;

	rig_init(&r, true);
	start(&r, 6, false);
	board_step(&r.b, 6 * TICK - 1);
	g_assert_cmphex(in(&r, TCO1_STS, 2), ==, 0);
	board_step(&r.b, 1);
	g_assert_cmphex(in(&r, TCO1_STS, 2), ==, TCO1_STS_TIMEOUT);
	out(&r, TCO1_STS, TCO1_STS_TIMEOUT, 2);
	g_assert_cmphex(in(&r, TCO1_STS, 4), ==, 0);
	board_step(&r.b, 6 * TICK);
	g_assert_cmphex(in(&r, TCO1_STS, 4), ==, TCO2_STS_SECOND_TO << 16 | TCO1_STS_TIMEOUT);
	g_assert_cmpuint(r.barks, ==, 0);
	rig_fini(&r);
}

static void longest(void)
{
	struct rig r;

	rig_init(&r, true);
	start(&r, 0xffff, false);
	g_assert_cmphex(in(&r, TCO_TMR, 2), ==, 0x3ff);
	board_step(&r.b, 0x3fe * TICK);
	g_assert_cmphex(in(&r, TCO_RLD, 2), ==, 1);
	g_assert_cmphex(in(&r, TCO1_STS, 2), ==, 0);
	board_step(&r.b, TICK);
	g_assert_cmphex(in(&r, TCO1_STS, 2), ==, TCO1_STS_TIMEOUT);
	rig_fini(&r);
}

static void counter(void)
{
	struct rig r;

	rig_init(&r, true);
	start(&r, 13, false);
	for (unsigned left = 13; left; left--) {
		g_assert_cmphex(in(&r, TCO1_STS, 2), ==, 0);
		g_assert_cmpuint(in(&r, TCO_RLD, 2), ==, left);
		board_step(&r.b, TICK);
	}
	g_assert_cmphex(in(&r, TCO1_STS, 2), ==, TCO1_STS_TIMEOUT);
	g_assert_cmpuint(in(&r, TCO_RLD, 2), ==, 13); /* it goes on */
	rig_fini(&r);
}

static void second_timeout(void)
{
	struct rig r;

	rig_init(&r, false);
	start(&r, 26, true);
	board_step(&r.b, 2 * 26 * TICK - 1);
	g_assert_cmpuint(r.barks, ==, 0);
	board_step(&r.b, 1);
	g_assert_cmpuint(r.barks, ==, 1);
	g_assert_cmphex(in(&r, TCO2_STS, 2), ==, TCO2_STS_SECOND_TO);
	g_assert_cmpint(vclock_next_deadline(r.b.clk), ==, -1);
	tco_reset(r.t); /* what comes of it: the next kernel sees why */
	g_assert_cmphex(in(&r, TCO2_STS, 2), ==, TCO2_STS_SECOND_TO);
	out(&r, TCO2_STS, 0xffff, 2);
	check_defaults(&r);
	rig_fini(&r);
}

/* Each reload puts both time-outs off. */
static void fed(void)
{
	struct rig r;

	rig_init(&r, false);
	start(&r, 10, true);
	for (unsigned i = 0; i < 5; i++) {
		board_step(&r.b, 15 * TICK);
		out(&r, TCO_RLD, 1, 1);
		g_assert_cmpuint(in(&r, TCO_RLD, 2), ==, 10);
	}
	g_assert_cmpuint(r.barks, ==, 0);
	board_step(&r.b, 20 * TICK);
	g_assert_cmpuint(r.barks, ==, 1);
	rig_fini(&r);
}

static void halted(void)
{
	struct rig r;

	rig_init(&r, false);
	start(&r, 10, true);
	board_step(&r.b, 4 * TICK);
	halt(&r, true);
	g_assert_cmpuint(in(&r, TCO_RLD, 2), ==, 6);
	board_step(&r.b, 100 * TICK);
	g_assert_cmpuint(in(&r, TCO_RLD, 2), ==, 6);
	g_assert_cmpint(vclock_next_deadline(r.b.clk), ==, -1);
	halt(&r, false);
	board_step(&r.b, 6 * TICK - 1);
	g_assert_cmphex(in(&r, TCO1_STS, 2), ==, 0);
	board_step(&r.b, 1);
	g_assert_cmphex(in(&r, TCO1_STS, 2), ==, TCO1_STS_TIMEOUT);
	tco_reset(r.t);
	board_step(&r.b, 100 * TICK);
	g_assert_cmpuint(r.barks, ==, 0);
	rig_fini(&r);
}

/* The strap wins over the register. */
static void strapped(void)
{
	struct rig r;

	rig_init(&r, true);
	start(&r, 2, true);
	g_assert_cmphex(aspace_read(r.b.mem, CCR + RCBA_GCS, 1), ==, RCBA_GCS_NO_REBOOT);
	aspace_write(r.b.mem, CCR + RCBA_GCS, 0, 8);
	g_assert_cmphex(aspace_read(r.b.mem, CCR + RCBA_GCS, 1), ==, RCBA_GCS_NO_REBOOT);
	board_step(&r.b, 10 * TICK);
	g_assert_cmpuint(r.barks, ==, 0);
	g_assert_cmphex(in(&r, TCO2_STS, 2), ==, TCO2_STS_SECOND_TO);
	rig_fini(&r);
}

static void control_bits(void)
{
	struct rig r;

	rig_init(&r, true);
	out(&r, TCO1_CNT, 0xffff, 2);
	g_assert_cmphex(in(&r, TCO1_CNT, 2), ==, 0x1a00);
	out(&r, TCO1_CNT, 0, 2);
	g_assert_cmphex(in(&r, TCO1_CNT, 2), ==, TCO1_CNT_LOCK);
	tco_reset(r.t);
	out(&r, TCO1_CNT + 1, 0x08, 1);
	g_assert_cmphex(in(&r, TCO1_CNT, 2), ==, TCO1_CNT_HLT);
	out(&r, TCO2_CNT, 0xffff, 2);
	g_assert_cmphex(in(&r, TCO2_CNT, 2), ==, 0x3e);
	out(&r, TCO_TMR, 1, 2); /* ignored */
	g_assert_cmphex(in(&r, TCO_TMR, 2), ==, 4);
	out(&r, TCO_TMR + 1, 0xff, 1);
	g_assert_cmphex(in(&r, TCO_TMR, 2), ==, 0x304);
	out(&r, TCO_MESSAGE1, 0x1234, 2);
	out(&r, TCO_WDCNT, 0xffff, 2);
	g_assert_cmphex(in(&r, TCO_MESSAGE1, 4), ==, 0x00ff1234);
	out(&r, SW_IRQ_GEN, 0xfffe, 2);
	g_assert_cmphex(in(&r, SW_IRQ_GEN, 2), ==, 2);
	out(&r, 0x14, 0xffffffff, 4);
	g_assert_cmphex(in(&r, 0x14, 4), ==, 0);
	rig_fini(&r);
}

static void status_bits(void)
{
	struct rig r;

	rig_init(&r, true);
	out(&r, TCO_DAT_IN, 0x55, 1);
	g_assert_cmphex(in(&r, TCO1_STS, 2), ==, TCO1_STS_SW_SMI);
	out(&r, TCO_DAT_OUT, 0xaa, 1);
	g_assert_cmphex(in(&r, TCO1_STS, 2), ==, TCO1_STS_SW_SMI | TCO1_STS_INT);
	g_assert_cmphex(in(&r, TCO_DAT_IN, 2), ==, 0xaa55);
	out(&r, TCO1_STS, TCO1_STS_INT, 2);
	g_assert_cmphex(in(&r, TCO1_STS, 2), ==, TCO1_STS_SW_SMI);
	out(&r, TCO1_STS, 0xffff, 2);
	g_assert_cmphex(in(&r, TCO1_STS, 2), ==, 0);
	rig_fini(&r);
}

static void chip_configuration(void)
{
	struct rig r;

	rig_init(&r, false);
	aspace_write(r.b.mem, CCR + 0x3140, 0x32100123, 4);
	g_assert_cmphex(aspace_read(r.b.mem, CCR + 0x3140, 4), ==, 0x32100123);
	aspace_write(r.b.mem, CCR + RCBA_SIZE - 8, UINT64_MAX, 8);
	g_assert_cmphex(aspace_read(r.b.mem, CCR + RCBA_SIZE - 4, 4), ==, UINT32_MAX);
	tco_reset(r.t);
	g_assert_cmphex(aspace_read(r.b.mem, CCR + 0x3140, 4), ==, 0);
	rig_fini(&r);
	tco_free(NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/tco/defaults", defaults);
	g_test_add_func("/tco/no-action", no_action);
	g_test_add_func("/tco/longest", longest);
	g_test_add_func("/tco/counter", counter);
	g_test_add_func("/tco/second-timeout", second_timeout);
	g_test_add_func("/tco/fed", fed);
	g_test_add_func("/tco/halted", halted);
	g_test_add_func("/tco/strapped", strapped);
	g_test_add_func("/tco/control-bits", control_bits);
	g_test_add_func("/tco/status-bits", status_bits);
	g_test_add_func("/tco/chip-configuration", chip_configuration);
	return g_test_run();
}
