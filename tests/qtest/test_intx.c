// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the tests of INTx over every plug: the pin that a slot leads to, PIRQ routing, EOI and
 * resample, two devices on one line, the interrupt disable bit.
 */
#include "hw/dev/zoo.h"
#include "tests/qtest/libedu.h"
#include "tests/qtest/libirq.h"
#include "tests/qtest/libplug.h"

#define PIRQA 0x60
#define PIRQE 0x68
#define PIRQ_OFF 0x80
#define VECTOR(pin) ((uint8_t)(0x40 + (pin))) /* as qirq_init() has it */

/* --- routing --- */

/* docs/paths.md: slots 0 to 24 have PIRQE to H, 25 to 31 A to D, turned by the slot. */
static void test_slots(void)
{
	static const struct {
		unsigned slot;
		int pin;
	} routes[] = {{1, 21},  {2, 22},  {3, 23},  {4, 20}, {5, 21},
		      {24, 20}, {25, 17}, {26, 18}, {30, 18}};
	g_autoptr(GString) args = g_string_new(NULL);
	struct qtest *q;
	struct qpci *pci;

	for (size_t i = 0; i < G_N_ELEMENTS(routes); i++)
		g_string_append_printf(args, "-device edu,addr=%x ", routes[i].slot);
	q = qtest_init(args->str);
	pci = qpci_init(q);
	qtest_irq_intercept_in(q, "ioapic");
	for (size_t i = 0; i < G_N_ELEMENTS(routes); i++) {
		struct qpci_dev *d = qpci_at(pci, 0, QPCI_DEVFN(routes[i].slot, 0));
		struct qedu e;

		qpci_device_enable(d);
		qedu_init(&e, d);
		g_assert_cmpint(qpci_intx_pin(d), ==, routes[i].pin);
		qedu_raise(&e, 1);
		for (int pin = 16; pin < 24; pin++)
			g_assert_cmpint(qtest_get_irq(q, pin), ==, pin == routes[i].pin);
		qedu_ack(&e);
		g_assert_false(qtest_get_irq(q, routes[i].pin));
	}
	qpci_free(pci);
	qtest_quit(q);
}

/* A function's place in the LPC bridge: the PIRQ's register leads to an ISA line as well. */
static void test_pirq(struct qpci_dev *d)
{
	struct qtest *q = d->pci->q;
	struct qpci_dev *lpc = qpci_at(d->pci, 0, QPCI_DEVFN(31, 0));
	struct qirq irq;
	struct qedu e;
	unsigned reg;

	qedu_init(&e, d);
	qirq_init(&irq, d, QIRQ_INTX);
	reg = irq.pin < 20 ? PIRQA + irq.pin - 16 : PIRQE + irq.pin - 20;
	g_assert_cmphex(qpci_config_readb(lpc, reg), ==, PIRQ_OFF);
	qpci_config_writeb(lpc, reg, 10);
	qedu_raise(&e, 1);
	g_assert_true(qtest_get_irq(q, 10));
	qpci_config_writeb(lpc, reg, 11); /* the line follows while it is high */
	g_assert_false(qtest_get_irq(q, 10));
	g_assert_true(qtest_get_irq(q, 11));
	qpci_config_writeb(lpc, reg, 13); /* reserved: no line */
	g_assert_false(qtest_get_irq(q, 11));
	g_assert_false(qtest_get_irq(q, 13));
	qpci_config_writeb(lpc, reg, 10 | PIRQ_OFF);
	g_assert_false(qtest_get_irq(q, 10));
	qedu_ack(&e);
	qirq_done(&irq);
}

/* --- levels --- */

/* An EOI while the device still asks: the interrupt comes again, as often as that. */
static void test_resample(struct qpci_dev *d)
{
	struct qtest *q = d->pci->q;
	struct qirq irq;
	struct qedu e;

	qedu_init(&e, d);
	qirq_init(&irq, d, QIRQ_INTX);
	qedu_raise(&e, 5);
	for (unsigned i = 0; i < 4; i++) {
		g_assert_true(qirq_fired(&irq));
		g_assert_true(qlapic_pending(q, VECTOR(irq.pin)));
		g_assert_true(qioapic_read(q, (unsigned)irq.pin) & QIOAPIC_IRR);
		qirq_done(&irq);
	}
	qedu_ack(&e);
	qirq_done(&irq);
	g_assert_false(qirq_fired(&irq));
	g_assert_false(qlapic_pending(q, VECTOR(irq.pin)));
	g_assert_false(qioapic_read(q, (unsigned)irq.pin) & QIOAPIC_IRR);
	/* And from the start. */
	qedu_raise(&e, 8);
	g_assert_true(qlapic_pending(q, VECTOR(irq.pin)));
	qedu_ack(&e);
	qirq_done(&irq);
	g_assert_false(qirq_fired(&irq));
}

/* A pin that is masked in the IO-APIC keeps its level and delivers it later. */
static void test_masked_pin(struct qpci_dev *d)
{
	struct qtest *q = d->pci->q;
	struct qirq irq;
	struct qedu e;
	uint32_t entry;

	qedu_init(&e, d);
	qirq_init(&irq, d, QIRQ_INTX);
	entry = VECTOR(irq.pin) | QIOAPIC_LEVEL;
	qioapic_write(q, (unsigned)irq.pin, entry | QIOAPIC_MASKED);
	qedu_raise(&e, 1);
	g_assert_true(qirq_fired(&irq));
	g_assert_false(qlapic_pending(q, VECTOR(irq.pin)));
	qioapic_write(q, (unsigned)irq.pin, entry);
	g_assert_true(qlapic_pending(q, VECTOR(irq.pin)));
	qedu_ack(&e);
	qirq_done(&irq);
	g_assert_false(qirq_fired(&irq));
}

static void test_disable(struct qpci_dev *d)
{
	struct qirq irq;
	struct qedu e;
	uint16_t command = qpci_config_readw(d, PCI_COMMAND);

	qedu_init(&e, d);
	qirq_init(&irq, d, QIRQ_INTX);
	qpci_config_writew(d, PCI_COMMAND, command | PCI_COMMAND_INTX_DISABLE);
	qedu_raise(&e, 1);
	g_assert_false(qirq_fired(&irq));
	g_assert_true(qpci_config_readw(d, PCI_STATUS) & PCI_STATUS_INTERRUPT);
	qpci_config_writew(d, PCI_COMMAND, command);
	g_assert_true(qirq_fired(&irq));
	/* Off while it is high: an EOI ends it, if it has not fallen by itself. */
	qpci_config_writew(d, PCI_COMMAND, command | PCI_COMMAND_INTX_DISABLE);
	qirq_done(&irq);
	g_assert_false(qirq_fired(&irq));
	qpci_config_writew(d, PCI_COMMAND, command);
	g_assert_true(qirq_fired(&irq));
	qedu_ack(&e);
	qirq_done(&irq);
	g_assert_false(qirq_fired(&irq));
	g_assert_false(qpci_config_readw(d, PCI_STATUS) & PCI_STATUS_INTERRUPT);
}

/* MSI takes the pin's place, and gives it back (PCI 3.0, 6.8.1). */
static void test_msi_instead(struct qpci_dev *d)
{
	struct qirq intx, msi;
	struct qedu e;

	qedu_init(&e, d);
	qirq_init(&intx, d, QIRQ_INTX);
	qirq_init(&msi, d, QIRQ_MSI);
	qedu_raise(&e, 1);
	g_assert_true(qirq_fired(&msi));
	g_assert_false(qirq_fired(&intx));
	qmsi_disable(d);
	g_assert_true(qirq_fired(&intx));
	qedu_ack(&e);
	qirq_done(&intx);
	g_assert_false(qirq_fired(&intx));
}

/* --- sharing --- */

struct pair {
	struct qtest *q;
	struct qpci *pci;
	struct qedu a, b;
	struct qirq irq; /* of both */
};

/* Slots 4 and 8 share a line, and so do devices below ports there. */
static void pair_init(struct pair *p, const struct qplug *one, const struct qplug *other)
{
	g_autofree char *first = qplug_args(one, 0, "edu"), *second = qplug_args(other, 4, "edu");
	struct qpci_dev *a, *b;

	p->q = qtest_initf("%s %s", first, second);
	p->pci = qpci_init(p->q);
	a = qplug_find(one, 0, p->pci);
	b = qplug_find(other, 4, p->pci);
	g_assert_cmpint(qpci_intx_pin(a), ==, qpci_intx_pin(b));
	qedu_init(&p->a, a);
	qedu_init(&p->b, b);
	qirq_init(&p->irq, a, QIRQ_INTX);
}

static void check_shared(const struct qplug *one, const struct qplug *other)
{
	struct pair p;

	pair_init(&p, one, other);
	qedu_raise(&p.a, 1);
	g_assert_true(qirq_fired(&p.irq));
	qedu_raise(&p.b, 2);
	g_assert_true(qirq_fired(&p.irq));
	g_assert_cmphex(qedu_ack(&p.a), ==, 1);
	qirq_done(&p.irq);
	g_assert_true(qirq_fired(&p.irq)); /* the other one */
	g_assert_true(qlapic_pending(p.q, VECTOR(p.irq.pin)));
	g_assert_cmphex(qedu_ack(&p.b), ==, 2);
	qirq_done(&p.irq);
	g_assert_false(qirq_fired(&p.irq));
	g_assert_false(qlapic_pending(p.q, VECTOR(p.irq.pin)));
	qedu_raise(&p.b, 4);
	g_assert_true(qirq_fired(&p.irq));
	g_assert_cmphex(qedu_ack(&p.a), ==, 0);
	g_assert_cmphex(qedu_ack(&p.b), ==, 4);
	qirq_done(&p.irq);
	g_assert_false(qirq_fired(&p.irq));
	qpci_free(p.pci);
	qtest_quit(p.q);
}

/* With a device of the same plug, and with an emulated one on bus 0. */
static void test_shared(gconstpointer opaque)
{
	const struct qplug *plug = opaque;

	if (!qplug_usable(plug)) {
		g_test_skip("the VMM has no emulated host");
		return;
	}
	check_shared(plug, plug);
	check_shared(plug, &qplugs[0]);
	check_shared(&qplugs[0], plug);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/intx/slots", test_slots);
	qplug_add("/intx/pirq", "edu", test_pirq);
	qplug_add("/intx/resample", "edu", test_resample);
	qplug_add("/intx/masked-pin", "edu", test_masked_pin);
	qplug_add("/intx/disable", "edu", test_disable);
	qplug_add("/intx/msi-instead", "edu", test_msi_instead);
	qplug_add_raw("/intx/shared", test_shared);
	return g_test_run();
}
