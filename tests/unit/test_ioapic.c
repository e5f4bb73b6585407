// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of hw/irq/ioapic.c. */
#include "board_util.h"
#include "hw/irq/ioapic.h"
#include "mem/layout.h"

#define LEVEL 0x8000
#define MASKED 0x10000

struct rig {
	struct board b;
	struct ioapic *s;
	unsigned delivered, changes, eois;
	uint64_t addr, changed_addr;
	uint32_t data, changed_data;
	int changed_pin, eoi_pin;
	bool changed_masked;
	bool lower; /* the device lowers its line when it hears of the EOI */
};

static void on_deliver(void *opaque, uint64_t addr, uint32_t data)
{
	struct rig *r = opaque;

	r->delivered++;
	r->addr = addr;
	r->data = data;
}

static void on_changed(void *opaque, int pin, uint64_t addr, uint32_t data, bool masked)
{
	struct rig *r = opaque;

	r->changes++;
	r->changed_pin = pin;
	r->changed_addr = addr;
	r->changed_data = data;
	r->changed_masked = masked;
}

static void on_eoi(void *opaque, int pin)
{
	struct rig *r = opaque;

	r->eois++;
	r->eoi_pin = pin;
	if (r->lower)
		ioapic_set(r->s, pin, false);
}

static const struct ioapic_ops ops = {on_deliver, on_changed, on_eoi};

static void setup(struct rig *r)
{
	*r = (struct rig){};
	board_init(&r->b);
	r->s = ioapic_new(r->b.mem, LAYOUT_IOAPIC, &ops, r);
	g_assert_cmpuint(r->changes, ==, IOAPIC_PINS);
	r->changes = 0;
}

static void teardown(struct rig *r)
{
	ioapic_free(r->s);
	board_fini(&r->b);
}

static uint32_t get(struct rig *r, uint8_t reg)
{
	aspace_write(r->b.mem, LAYOUT_IOAPIC, reg, 4);
	return aspace_read(r->b.mem, LAYOUT_IOAPIC + 0x10, 4);
}

static void set(struct rig *r, uint8_t reg, uint32_t val)
{
	aspace_write(r->b.mem, LAYOUT_IOAPIC, reg, 4);
	aspace_write(r->b.mem, LAYOUT_IOAPIC + 0x10, val, 4);
}

static void entry(struct rig *r, unsigned pin, uint32_t low, uint32_t high)
{
	set(r, 0x11 + 2 * pin, high);
	set(r, 0x10 + 2 * pin, low);
}

static void eoi_register(struct rig *r, uint8_t vector)
{
	aspace_write(r->b.mem, LAYOUT_IOAPIC + 0x40, vector, 4);
}

static void registers(void)
{
	struct rig r;

	setup(&r);
	g_assert_cmphex(get(&r, 1), ==, 0x00170020);
	set(&r, 0, 0xffffffff);
	g_assert_cmphex(get(&r, 0), ==, 0x0f000000);
	g_assert_cmphex(get(&r, 2), ==, 0x0f000000);
	set(&r, 1, 0);
	g_assert_cmphex(get(&r, 1), ==, 0x00170020);
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
		g_assert_cmphex(get(&r, 0x10 + 2 * pin), ==, MASKED);
		g_assert_cmphex(get(&r, 0x11 + 2 * pin), ==, 0);
	}
	set(&r, 0x10, 0xffffffff);
	set(&r, 0x11, 0xffffffff);
	g_assert_cmphex(get(&r, 0x10), ==,
			0x1afff); /* status and remote IRR are not ours to write */
	g_assert_cmphex(get(&r, 0x11), ==, 0xfffe0000);
	g_assert_cmphex(get(&r, 0x40), ==, 0);
	g_assert_cmphex(get(&r, 0x03), ==, 0);
	set(&r, 0x40, 0x55);
	g_assert_cmphex(aspace_read(r.b.mem, LAYOUT_IOAPIC, 4), ==, 0x40);
	g_assert_cmphex(aspace_read(r.b.mem, LAYOUT_IOAPIC + 0x20, 4), ==, 0);
	ioapic_reset(r.s);
	g_assert_cmphex(get(&r, 0x10), ==, MASKED);
	g_assert_cmphex(get(&r, 0), ==, 0);
	teardown(&r);
}

static void translation(void)
{
	struct rig r;

	setup(&r);
	entry(&r, 5, 0x41, 0x03000000);
	g_assert_cmpuint(r.changes, ==, 2);
	g_assert_cmpint(r.changed_pin, ==, 5);
	g_assert_cmphex(r.changed_addr, ==, 0xfee03000);
	g_assert_cmphex(r.changed_data, ==, 0x41);
	g_assert_false(r.changed_masked);
	entry(&r, 6, MASKED | LEVEL | 0x800 | 0x100 | 0x2000 | 0x99, 0xff000000);
	g_assert_cmphex(r.changed_addr, ==, 0xfeeff004);
	g_assert_cmphex(r.changed_data, ==, 0xc199);
	g_assert_true(r.changed_masked);
	entry(&r, 7, 0x400, 0x01fe0000); /* NMI to 255 * 256 + 1 */
	g_assert_cmphex(r.changed_addr, ==, 0xfee01fe0);
	g_assert_cmphex(r.changed_data, ==, 0x400);
	teardown(&r);
}

static void edge(void)
{
	struct rig r;

	setup(&r);
	entry(&r, 4, MASKED | 0x31, 0);
	ioapic_set(r.s, 4, true);
	g_assert_cmpuint(r.delivered, ==, 0);
	set(&r, 0x18, 0x31);
	g_assert_cmpuint(r.delivered, ==, 0); /* the edge came too early */
	ioapic_set(r.s, 4, true);
	g_assert_cmpuint(r.delivered, ==, 0);
	ioapic_set(r.s, 4, false);
	ioapic_set(r.s, 4, true);
	g_assert_cmpuint(r.delivered, ==, 1);
	g_assert_cmphex(r.data, ==, 0x31);
	g_assert_cmphex(get(&r, 0x18), ==, 0x31);
	ioapic_eoi(r.s, 0x31);
	g_assert_cmpuint(r.eois, ==, 0);
	g_assert_cmpuint(r.delivered, ==, 1);
	ioapic_set(r.s, 24, true);
	ioapic_set(r.s, -1, true);
	g_assert_cmpuint(r.delivered, ==, 1);
	teardown(&r);
}

static void level(void)
{
	struct rig r;

	setup(&r);
	entry(&r, 17, LEVEL | 0x62, 0);
	ioapic_set(r.s, 17, true);
	g_assert_cmpuint(r.delivered, ==, 1);
	g_assert_cmphex(r.data, ==, 0xc062);
	g_assert_cmphex(get(&r, 0x32), ==, 0xc062); /* remote IRR */
	ioapic_set(r.s, 17, false);
	ioapic_set(r.s, 17, true);
	g_assert_cmpuint(r.delivered, ==, 1); /* not before the EOI */
	ioapic_eoi(r.s, 0x61);
	g_assert_cmpuint(r.delivered, ==, 1);
	ioapic_eoi(r.s, 0x62);
	g_assert_cmpint(r.eoi_pin, ==, 17);
	g_assert_cmpuint(r.delivered, ==, 2); /* still high */
	r.lower = true;
	eoi_register(&r, 0x62);
	g_assert_cmpuint(r.eois, ==, 2);
	g_assert_cmpuint(r.delivered, ==, 2);
	g_assert_cmphex(get(&r, 0x32), ==, 0x8062);
	ioapic_eoi(r.s, 0x62); /* of an interrupt that went past us */
	g_assert_cmpuint(r.eois, ==, 3);
	g_assert_cmpuint(r.delivered, ==, 2);
	teardown(&r);
}

static void level_masked(void)
{
	struct rig r;

	setup(&r);
	entry(&r, 10, MASKED | LEVEL | 0x70, 0);
	ioapic_set(r.s, 10, true);
	g_assert_cmpuint(r.delivered, ==, 0);
	set(&r, 0x24, LEVEL | 0x70);
	g_assert_cmpuint(r.delivered, ==, 1);
	set(&r, 0x24, MASKED | LEVEL | 0x70);
	g_assert_cmphex(get(&r, 0x24), ==, MASKED | 0x4000 | LEVEL | 0x70);
	ioapic_eoi(r.s, 0x70);
	g_assert_cmpuint(r.delivered, ==, 1); /* masked now */
	ioapic_set(r.s, 10, false);
	set(&r, 0x24, LEVEL | 0x70);
	g_assert_cmpuint(r.delivered, ==, 1);
	teardown(&r);
}

/* Linux ends an interrupt by turning the pin to edge and back, where there is no EOI register. */
static void edge_clears_remote_irr(void)
{
	struct rig r;

	setup(&r);
	entry(&r, 10, LEVEL | 0x70, 0);
	ioapic_set(r.s, 10, true);
	g_assert_cmpuint(r.delivered, ==, 1);
	set(&r, 0x24, MASKED | 0x70);
	g_assert_cmphex(get(&r, 0x24), ==, MASKED | 0x70);
	set(&r, 0x24, LEVEL | 0x70);
	g_assert_cmpuint(r.delivered, ==, 2);
	teardown(&r);
}

static void shared_vector(void)
{
	struct rig r;

	setup(&r);
	entry(&r, 16, LEVEL | 0x55, 0);
	entry(&r, 19, LEVEL | 0x55, 0);
	ioapic_set(r.s, 16, true);
	ioapic_set(r.s, 19, true);
	g_assert_cmpuint(r.delivered, ==, 2);
	r.lower = true;
	ioapic_eoi(r.s, 0x55);
	g_assert_cmpuint(r.eois, ==, 2);
	g_assert_cmphex(get(&r, 0x30) & 0x4000, ==, 0);
	g_assert_cmphex(get(&r, 0x36) & 0x4000, ==, 0);
	teardown(&r);
}

/* NMI, SMI, INIT and ExtINT are edges whatever bit 15 says: no EOI will ever come. */
static void nmi_is_edge(void)
{
	struct rig r;

	setup(&r);
	entry(&r, 2, LEVEL | 0x400, 0);
	ioapic_set(r.s, 2, true);
	ioapic_set(r.s, 2, false);
	ioapic_set(r.s, 2, true);
	g_assert_cmpuint(r.delivered, ==, 2);
	g_assert_cmphex(get(&r, 0x14) & 0x4000, ==, 0);
	teardown(&r);
}

static void reset_keeps_lines(void)
{
	struct rig r;

	setup(&r);
	ioapic_set(r.s, 9, true);
	ioapic_reset(r.s);
	g_assert_cmpuint(r.changes, ==, IOAPIC_PINS);
	g_assert_true(r.changed_masked);
	entry(&r, 9, LEVEL | 0x44, 0);
	g_assert_cmpuint(r.delivered, ==, 1);
	teardown(&r);
}

int main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/ioapic/registers", registers);
	g_test_add_func("/ioapic/translation", translation);
	g_test_add_func("/ioapic/edge", edge);
	g_test_add_func("/ioapic/level", level);
	g_test_add_func("/ioapic/level-masked", level_masked);
	g_test_add_func("/ioapic/edge-clears-remote-irr", edge_clears_remote_irr);
	g_test_add_func("/ioapic/shared-vector", shared_vector);
	g_test_add_func("/ioapic/nmi-is-edge", nmi_is_edge);
	g_test_add_func("/ioapic/reset-keeps-lines", reset_keeps_lines);
	rc = g_test_run();
	aspace_thread_leave();
	return rc;
}
