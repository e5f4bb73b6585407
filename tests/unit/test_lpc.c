// SPDX-License-Identifier: GPL-2.0-or-later
/* The LPC bridge: PM block, SCI, power off, and PIRQ routing with shared lines. */
#include <errno.h>

#include "hw/q35/q35.h"
#include "pci_util.h"

#define LPC 0xf8
#define PM LPC_PMBASE
#define SCI LPC_SCI_GSI
#define HZ 3579545ll
#define SECOND 1000000000ll
#define HALF 0x800000ll /* ticks after which bit 23 changes */

struct lb {
	struct pciboard b;
	struct vclock *clk;
	struct lpc *l;
	bool line[GSI_PINS];
	unsigned calls[GSI_PINS], offs, barks;
};

static void line_set(void *opaque, int n, bool level)
{
	struct lb *s = opaque;

	s->line[n] = level;
	s->calls[n]++;
}

static void power_off(void *opaque)
{
	((struct lb *)opaque)->offs++;
}

static void bark(void *opaque)
{
	((struct lb *)opaque)->barks++;
}

static void lb_intx(void *opaque, unsigned slot, unsigned pin, bool level)
{
	lpc_intx(((struct lb *)opaque)->l, slot, pin, level);
}

static int lb_gsi(void *opaque, unsigned slot, unsigned pin)
{
	return lpc_intx_gsi(((struct lb *)opaque)->l, slot, pin);
}

static const struct pcihost_ops lb_ops = {lb_intx, lb_gsi, pb_msi};

static void lb_init(struct lb *s)
{
	struct lpc_conf conf = {.power_off = power_off, .watchdog = bark, .opaque = s};

	memset(s, 0, sizeof(*s));
	pb_init(&s->b);
	s->b.host.ops = &lb_ops;
	s->b.host.opaque = s;
	s->clk = vclock_new();
	vclock_set_manual(s->clk);
	conf.clock = s->clk;
	for (int i = 0; i < GSI_PINS; i++)
		conf.gsi[i] = (struct wire){line_set, s, i};
	s->l = lpc_new(&s->b.host, &conf, NULL);
	g_assert_nonnull(s->l);
	pcihost_reset(&s->b.host);
}

static void lb_fini(struct lb *s)
{
	pcihost_fini(&s->b.host);
	lpc_free(s->l);
	s->b.host.ops = NULL;
	pb_fini(&s->b);
	vclock_free(s->clk);
}

static uint32_t in(struct lb *s, unsigned off, unsigned len)
{
	return (uint32_t)aspace_read(s->b.io, PM + off, len);
}

static void out(struct lb *s, unsigned off, uint32_t val, unsigned len)
{
	aspace_write(s->b.io, PM + off, val, len);
}

static void to_tick(struct lb *s, int64_t tick)
{
	vclock_step_to(s->clk, (int64_t)((__int128)tick * SECOND / HZ) + 1);
}

/* --- PM block --- */

static void pm_timer(void)
{
	struct lb s;

	lb_init(&s);
	g_assert_cmphex(in(&s, 8, 4), ==, 0);
	vclock_step_to(s.clk, SECOND);
	g_assert_cmpuint(in(&s, 8, 4), ==, 3579545);
	to_tick(&s, 0x123456);
	g_assert_cmphex(in(&s, 8, 4), ==, 3579545); /* time does not go back */
	to_tick(&s, 0xffffff);
	g_assert_cmphex(in(&s, 8, 4), ==, 0xffffff);
	to_tick(&s, 0x1000000); /* 24 bits */
	g_assert_cmphex(in(&s, 8, 4), ==, 0);
	to_tick(&s, 0x1abcdef);
	g_assert_cmphex(in(&s, 8, 2), ==, 0xcdef);
	g_assert_cmphex(in(&s, 10, 2), ==, 0x00ab);
	g_assert_cmphex(in(&s, 9, 1), ==, 0xcd);
	g_assert_cmphex(in(&s, 9, 2), ==, 0xabcd);
	out(&s, 8, 0, 4); /* read only */
	g_assert_cmphex(in(&s, 8, 4), ==, 0xabcdef);
	vclock_step_to(s.clk, 1000000ll * SECOND); /* 11 days: no overflow of the arithmetic */
	g_assert_cmphex(in(&s, 8, 4), ==, (1000000ll * HZ) & 0xffffff);
	lb_fini(&s);
}

static void overflow_interrupts(void)
{
	struct lb s;

	lb_init(&s);
	out(&s, 2, 1, 2);
	g_assert_cmpint(vclock_next_deadline(s.clk), >, 0);
	to_tick(&s, HALF - 1);
	g_assert_cmphex(in(&s, 0, 2), ==, 0);
	g_assert_false(s.line[SCI]);
	to_tick(&s, HALF);
	g_assert_true(s.line[SCI]);
	g_assert_cmphex(in(&s, 0, 2), ==, 1);
	g_assert_cmpint(vclock_next_deadline(s.clk), ==, -1); /* nobody waits */
	out(&s, 0, 1, 2);
	g_assert_false(s.line[SCI]);
	g_assert_cmphex(in(&s, 0, 2), ==, 0);
	to_tick(&s, 2 * HALF);
	g_assert_true(s.line[SCI]);
	out(&s, 2, 0, 1); /* disabled while it stands */
	g_assert_false(s.line[SCI]);
	g_assert_cmphex(in(&s, 0, 2), ==, 1);
	out(&s, 2, 1, 2);
	g_assert_true(s.line[SCI]);
	out(&s, 0, 0xffff, 2);
	g_assert_cmpint(vclock_next_deadline(s.clk), >, 0);
	pcihost_reset(&s.b.host);
	g_assert_cmpint(vclock_next_deadline(s.clk), ==, -1);
	g_assert_cmphex(in(&s, 0, 4), ==, 0);
	lb_fini(&s);
}

/* A guest that polls sees it, too, and enabling it late interrupts at once. */
static void overflow_polled(void)
{
	struct lb s;

	lb_init(&s);
	g_assert_cmpint(vclock_next_deadline(s.clk), ==, -1);
	to_tick(&s, HALF);
	g_assert_cmphex(in(&s, 0, 2), ==, 1);
	g_assert_false(s.line[SCI]);
	out(&s, 2, 1, 2);
	g_assert_true(s.line[SCI]);
	out(&s, 2, 0, 2);
	out(&s, 0, 1, 1);
	g_assert_cmphex(in(&s, 0, 2), ==, 0);
	to_tick(&s, 2 * HALF);
	out(&s, 2, 1, 2); /* it stands already though nobody looked */
	g_assert_true(s.line[SCI]);
	lb_fini(&s);
}

static void power_button(void)
{
	struct lb s;

	lb_init(&s);
	lpc_power_button(s.l);
	g_assert_cmphex(in(&s, 0, 2), ==, 0x100);
	g_assert_false(s.line[SCI]);
	out(&s, 0, 0x01000100, 4); /* cleared, and enabled */
	g_assert_cmphex(in(&s, 0, 4), ==, 0x01000000);
	lpc_power_button(s.l);
	g_assert_true(s.line[SCI]);
	out(&s, 0, 0x0421, 2); /* other bits do not clear it */
	g_assert_true(s.line[SCI]);
	out(&s, 1, 1, 1);
	g_assert_false(s.line[SCI]);
	lpc_power_button(s.l);
	pcihost_reset(&s.b.host);
	g_assert_false(s.line[SCI]);
	g_assert_cmpuint(s.offs, ==, 0);
	lb_fini(&s);
}

static void sleep_states(void)
{
	struct lb s;

	lb_init(&s);
	g_assert_cmphex(in(&s, 4, 2), ==, 1); /* ACPI mode from the start */
	for (unsigned typ = 0; typ < 8; typ++) {
		out(&s, 4, typ << 10, 2); /* without SLP_EN */
		g_assert_cmpuint(s.offs, ==, 0);
		g_assert_cmphex(in(&s, 4, 2), ==, typ << 10 | 1);
		if (typ != 7)
			out(&s, 4, typ << 10 | 0x2000, 2);
		g_assert_cmpuint(s.offs, ==, 0);
	}
	out(&s, 4, 0x3c00, 2);
	g_assert_cmpuint(s.offs, ==, 1);
	g_assert_cmphex(in(&s, 4, 4), ==, 0x1c01); /* SLP_EN reads 0 */
	out(&s, 4, 0, 1);                          /* the low byte does not do it again */
	g_assert_cmpuint(s.offs, ==, 1);
	out(&s, 5, 0x3c, 1); /* the high byte does */
	g_assert_cmpuint(s.offs, ==, 2);
	out(&s, 4, 0x3c01, 4);
	g_assert_cmpuint(s.offs, ==, 3);
	lb_fini(&s);
}

static void gpe_and_the_rest(void)
{
	struct lb s;

	lb_init(&s);
	out(&s, 0x20, UINT32_MAX, 4); /* status: ones clear, never set */
	g_assert_cmphex(in(&s, 0x20, 4), ==, 0);
	out(&s, 0x28, 0x12345678, 4);
	out(&s, 0x2d, 0xab, 1);
	g_assert_cmphex(in(&s, 0x28, 4), ==, 0x12345678);
	g_assert_cmphex(in(&s, 0x2c, 4), ==, 0xab00);
	g_assert_cmphex(in(&s, 0x2e, 4), ==, 0); /* across the end of the block */
	out(&s, 0x30, 0xcafe, 2);
	g_assert_cmphex(in(&s, 0x30, 4), ==, 0xcafe);
	g_assert_false(s.line[SCI]);
	for (unsigned off = 0x38; off < 0x60; off += 4) { /* behind it: tco.c */
		out(&s, off, UINT32_MAX, 4);
		g_assert_cmphex(in(&s, off, 4), ==, 0);
	}
	pcihost_reset(&s.b.host);
	g_assert_cmphex(in(&s, 0x28, 4) | in(&s, 0x30, 4), ==, 0);
	lb_fini(&s);
}

/* Any access anywhere in the block, at any time. */
static void pm_random(void)
{
	GRand *rnd = g_rand_new_with_seed(13);
	struct lb s;

	lb_init(&s);
	for (int i = 0; i < 50000; i++) {
		unsigned len = 1u << g_rand_int_range(rnd, 0, 3);
		unsigned off = (unsigned)g_rand_int_range(rnd, 0, 0x80 - (int)len + 1);

		if (g_rand_boolean(rnd))
			out(&s, off, g_rand_int(rnd), len);
		else
			in(&s, off, len);
		if (!(i % 100))
			vclock_step_to(s.clk, vclock_now(s.clk) + g_rand_int_range(rnd, 0, SECOND));
		g_assert_cmpint(s.line[SCI], ==, (in(&s, 0, 2) & in(&s, 2, 2) & 0x521) != 0);
	}
	lb_fini(&s);
	g_rand_free(rnd);
}

static void block_moves(void)
{
	struct lb s;

	lb_init(&s);
	g_assert_cmphex(cfg_r(&s.b, LPC, 0x40, 4), ==, PM | 1);
	g_assert_cmphex(in(&s, 4, 2), ==, 1);
	cfg_w(&s.b, LPC, 0x40, 0xffffb0ff, 4);
	g_assert_cmphex(cfg_r(&s.b, LPC, 0x40, 4), ==, 0xb081);
	g_assert_cmphex(in(&s, 4, 2), ==, 0xffff);
	g_assert_cmphex(aspace_read(s.b.io, 0xb084, 2), ==, 1);
	cfg_w(&s.b, LPC, 0x44, 0, 1);
	g_assert_cmphex(aspace_read(s.b.io, 0xb084, 2), ==, 0xffff);
	cfg_w(&s.b, LPC, 0x44, 0x80, 1);
	g_assert_cmphex(aspace_read(s.b.io, 0xb084, 2), ==, 1);
	cfg_w(&s.b, LPC, 0x40, 0, 2); /* base 0: nowhere */
	g_assert_cmphex(aspace_read(s.b.io, 4, 2), ==, 0xffff);
	cfg_w(&s.b, LPC, 0x40, 0xff80, 2); /* the last ports */
	g_assert_cmphex(aspace_read(s.b.io, 0xff84, 2), ==, 1);
	pcihost_reset(&s.b.host);
	g_assert_cmphex(in(&s, 4, 2), ==, 1);
	lb_fini(&s);
}

static void rcba_moves(void)
{
	const uint64_t gcs = 0x3410;
	struct lb s;

	lb_init(&s);
	g_assert_cmphex(cfg_r(&s.b, LPC, 0xf0, 4), ==, LPC_RCBA | 1);
	g_assert_cmphex(aspace_read(s.b.mem, LPC_RCBA + gcs, 4), ==, 0x20);
	cfg_w(&s.b, LPC, 0xf0, UINT32_MAX, 4);
	g_assert_cmphex(cfg_r(&s.b, LPC, 0xf0, 4), ==, 0xffffc001);
	g_assert_cmphex(aspace_read(s.b.mem, LPC_RCBA + gcs, 4), ==, UINT32_MAX);
	g_assert_cmphex(aspace_read(s.b.mem, 0xffffc000 + gcs, 4), ==, 0x20);
	cfg_w(&s.b, LPC, 0xf0, 0, 1); /* off */
	g_assert_cmphex(aspace_read(s.b.mem, 0xffffc000 + gcs, 4), ==, UINT32_MAX);
	pcihost_reset(&s.b.host);
	g_assert_cmphex(aspace_read(s.b.mem, LPC_RCBA + gcs, 4), ==, 0x20);
	lb_fini(&s);
}

/* The watchdog in its place: seen in the PM block, stopped by a reset. */
static void watchdog(void)
{
	struct lb s;

	lb_init(&s);
	g_assert_cmphex(in(&s, 0x72, 2), ==, 4);
	aspace_write(s.b.mem, LPC_RCBA + 0x3410, 0, 4);
	out(&s, 0x60, 1, 2);
	vclock_step_to(s.clk, 8 * 6 * SECOND / 10);
	g_assert_cmpuint(s.barks, ==, 1);
	g_assert_cmphex(in(&s, 0x64, 4), ==, 0x00020008);
	out(&s, 0x60, 1, 2);
	pcihost_reset(&s.b.host);
	vclock_step_to(s.clk, 100 * SECOND);
	g_assert_cmpuint(s.barks, ==, 1);
	g_assert_cmpuint(s.offs, ==, 0);
	lb_fini(&s);
}

/* --- PIRQ --- */

static unsigned pirq_reg(unsigned pirq)
{
	return pirq < 4 ? 0x60 + pirq : 0x64 + pirq;
}

static void route(struct lb *s, unsigned pirq, uint8_t val)
{
	cfg_w(&s->b, LPC, pirq_reg(pirq), val, 1);
}

static unsigned expect_pirq(unsigned slot, unsigned pin)
{
	return (slot < 25 ? 4 : 0) + (slot + pin - 1) % 4;
}

static void ioapic_mode(void)
{
	struct lb s;

	lb_init(&s);
	for (unsigned i = 0; i < 8; i++)
		g_assert_cmphex(cfg_r(&s.b, LPC, pirq_reg(i), 1), ==, 0x80);
	for (unsigned slot = 0; slot < 32; slot++)
		for (unsigned pin = 1; pin <= 4; pin++) {
			unsigned want = 16 + expect_pirq(slot, pin);

			g_assert_cmpint(lpc_intx_gsi(s.l, slot, pin), ==, (int)want);
			lpc_intx(s.l, slot, pin, true);
			for (unsigned n = 0; n < GSI_PINS; n++)
				g_assert_cmpint(s.line[n], ==, n == want);
			lpc_intx(s.l, slot, pin, false);
			g_assert_false(s.line[want]);
		}
	lb_fini(&s);
}

/* Slots 2 and 6 share each pin's PIRQ: the line falls with the last of them. */
static void shared_pirq(void)
{
	struct lb s;

	lb_init(&s);
	lpc_intx(s.l, 2, 1, true);
	lpc_intx(s.l, 6, 1, true);
	lpc_intx(s.l, 2, 1, false);
	g_assert_true(s.line[22]);
	lpc_intx(s.l, 6, 1, false);
	g_assert_false(s.line[22]);
	lb_fini(&s);
}

/* Which values of a route lead to which ISA line (316972, 13.1.17). */
static void route_values(void)
{
	struct lb s;

	lb_init(&s);
	lpc_intx(s.l, 0, 1, true); /* PIRQE */
	for (unsigned v = 0; v < 256; v++) {
		unsigned irq = v & 15;
		bool led = !(v & 0x80) && irq >= 3 && irq != 8 && irq != 13;

		route(&s, 4, (uint8_t)v);
		g_assert_cmphex(cfg_r(&s.b, LPC, 0x68, 1), ==, v & 0x8f);
		g_assert_true(s.line[20]);
		for (unsigned n = 0; n < 16; n++)
			g_assert_cmpint(s.line[n], ==, led && n == irq);
		g_assert_cmpint(lpc_intx_gsi(s.l, 0, 1), ==, led ? (int)irq : 20);
	}
	lpc_intx(s.l, 0, 1, false);
	g_assert_cmpuint(s.calls[8] + s.calls[13] + s.calls[0] + s.calls[1] + s.calls[2], ==, 0);
	lb_fini(&s);
}

static void shared_isa_line(void)
{
	struct lb s;

	lb_init(&s);
	cfg_w(&s.b, LPC, 0x60, 0x8080800a, 4); /* A to IRQ 10 */
	cfg_w(&s.b, LPC, 0x68, 0x800a0a80, 4); /* F, G, too */
	lpc_intx(s.l, 28, 1, true);            /* PIRQA */
	lpc_intx(s.l, 1, 1, true);             /* PIRQF */
	g_assert_true(s.line[10]);
	lpc_intx(s.l, 28, 1, false);
	g_assert_true(s.line[10]);
	route(&s, 5, 11); /* F leaves: nobody is left on 10 */
	g_assert_false(s.line[10]);
	g_assert_true(s.line[11]);
	lpc_intx(s.l, 28, 1, true);
	route(&s, 0, 11); /* A comes along: both on 11 */
	g_assert_false(s.line[10]);
	g_assert_true(s.line[11]);
	lpc_intx(s.l, 1, 1, false);
	g_assert_true(s.line[11]);
	route(&s, 0, 0x80);
	g_assert_false(s.line[11]);
	g_assert_true(s.line[16]);
	route(&s, 0, 11);
	pcihost_reset(&s.b.host); /* the routes go, and the line with them */
	g_assert_false(s.line[11]);
	lpc_intx(s.l, 28, 1, false);
	g_assert_false(s.line[16]);
	lb_fini(&s);
}

/* A PIRQ routed to the SCI's own line: neither pulls it down under the other. */
static void shared_with_sci(void)
{
	struct lb s;

	lb_init(&s);
	out(&s, 2, 0x100, 2);
	route(&s, 4, SCI);
	lpc_intx(s.l, 0, 1, true);
	lpc_power_button(s.l);
	g_assert_true(s.line[SCI]);
	lpc_intx(s.l, 0, 1, false);
	g_assert_true(s.line[SCI]);
	lpc_intx(s.l, 0, 1, true);
	out(&s, 0, 0x100, 2);
	g_assert_true(s.line[SCI]);
	lpc_power_button(s.l);
	route(&s, 4, 0x80); /* the PIRQ leaves, the SCI stays */
	g_assert_true(s.line[SCI]);
	out(&s, 0, 0x100, 2);
	g_assert_false(s.line[SCI]);
	lb_fini(&s);
}

static void devices_are_told(void)
{
	struct pcidev *port;
	struct tpci *t;
	struct lb s;
	unsigned n;

	lb_init(&s);
	port = port_plug(&s.b, "p", &s.b.host.root, PCI_DEVFN(3, 0));
	t = tpci_plug(&s.b, 1, port->child, 0);
	t->dev.cfg[PCI_INTERRUPT_PIN] = 2;
	g_assert_cmpint(pcidev_intx_gsi(&t->dev), ==, 16 + 4 + 0); /* slot 3, pin B: PIRQE */
	n = t->routed;
	route(&s, 4, 5);
	g_assert_cmpuint(t->routed, ==, n + 1);
	g_assert_cmpint(pcidev_intx_gsi(&t->dev), ==, 5);
	route(&s, 4, 5); /* the same again */
	cfg_w(&s.b, LPC, 0x64, 0xff, 1);
	g_assert_cmpuint(t->routed, ==, n + 1);
	cfg_w(&s.b, LPC, 0x60, 0x0b0a0b0a, 4); /* four at once: told once */
	g_assert_cmpuint(t->routed, ==, n + 2);
	pcidev_intx(&t->dev, true);
	g_assert_true(s.line[5]);
	cfg_w(&s.b, 0x18, PCI_COMMAND, 0, 2);
	pcidev_unplug(&t->dev);
	g_assert_false(s.line[5]);
	tpci_free(&t->dev);
	lb_fini(&s);
}

static void slot_taken(void)
{
	struct lpc_conf conf = {0};
	struct pciboard b;
	struct err *e = NULL;

	pb_init(&b);
	conf.clock = vclock_new();
	tpci_plug(&b, 1, &b.host.root, LPC);
	g_assert_null(lpc_new(&b.host, &conf, &e));
	g_assert_nonnull(strstr(err_text(e), "1f.0 is taken by dev1"));
	err_free(e);
	lpc_free(NULL);
	pb_fini(&b);
	vclock_free(conf.clock);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/lpc/pm-timer", pm_timer);
	g_test_add_func("/lpc/overflow-interrupts", overflow_interrupts);
	g_test_add_func("/lpc/overflow-polled", overflow_polled);
	g_test_add_func("/lpc/power-button", power_button);
	g_test_add_func("/lpc/sleep-states", sleep_states);
	g_test_add_func("/lpc/gpe", gpe_and_the_rest);
	g_test_add_func("/lpc/pm-random", pm_random);
	g_test_add_func("/lpc/block-moves", block_moves);
	g_test_add_func("/lpc/rcba-moves", rcba_moves);
	g_test_add_func("/lpc/watchdog", watchdog);
	g_test_add_func("/lpc/ioapic-mode", ioapic_mode);
	g_test_add_func("/lpc/shared-pirq", shared_pirq);
	g_test_add_func("/lpc/route-values", route_values);
	g_test_add_func("/lpc/shared-isa-line", shared_isa_line);
	g_test_add_func("/lpc/shared-with-sci", shared_with_sci);
	g_test_add_func("/lpc/devices-are-told", devices_are_told);
	g_test_add_func("/lpc/slot-taken", slot_taken);
	return g_test_run();
}
