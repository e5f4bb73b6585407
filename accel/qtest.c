// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the accelerator without a CPU (-accel qtest): the board runs, no guest code does, and time
 * belongs to the client of ctl/qtest.c.  Called through qtest_accel_ops; its CPUs have no thread
 * (vcpu_run is NULL).  The local APIC of CPU 0 is in memory for the client, who plays the CPU: IRR
 * shows what came, and a write to EOI takes the highest interrupt and ends it.
 */
#include <errno.h>
#include <glib.h>

#include "accel/vcpu.h"
#include "base/vclock.h"
#include "cpu/cpu.h"
#include "hw/irq/lapic.h"
#include "hw/irq/softirq.h"
#include "mem/access.h"
#include "mem/aspace.h"
#include "mem/layout.h"

enum { PHYS_BITS = 40, APIC_EOI = 0xb0 };

struct qtest {
	struct accel accel;
	struct lapics *lapics;
	struct softirq *irq;
	struct vcpus *set;
	struct cpuid_table supported;
	struct region page;
	struct mmapping *page_map;
};

static struct qtest *qtest_of(struct accel *a)
{
	return (struct qtest *)a;
}

static void no_kick(void *opaque, unsigned cpu)
{
}

static void apic_eoi(void *opaque, uint8_t vector)
{
	struct qtest *q = opaque;

	if (q->set)
		vcpus_eoi(q->set, vector);
}

static const struct lapics_ops lapics_ops = {.kick = no_kick, .eoi = apic_eoi};

/* --- the page of CPU 0's local APIC (SDM 3A, 11.4.1) --- */

static uint64_t page_read(void *opaque, uint64_t off, unsigned len)
{
	return lapic_read(lapics_get(((struct qtest *)opaque)->lapics, 0), (uint32_t)off);
}

static void page_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct lapic *l = lapics_get(((struct qtest *)opaque)->lapics, 0);

	if (off == APIC_EOI && (!(lapic_events(l) & LAPIC_EV_INTR) || lapic_ack(l) < 0))
		return;
	lapic_write(l, (uint32_t)off, (uint32_t)val);
}

static const struct region_ops page_ops = {page_read, page_write, 4, 4, false};

/* --- interrupt lines --- */

static void irq_line(void *opaque, int gsi, bool level)
{
	struct qtest *q = opaque;

	if (q->accel.pin)
		q->accel.pin(q->accel.pin_opaque, gsi, level);
}

/*
 * Test clients let messages go to RAM and look there.  Only to RAM: under softirq's lock no device
 * may be called.
 */
static void irq_msi(void *opaque, struct msi_msg msg)
{
	struct qtest *q = opaque;
	uint64_t len = 4;
	void *p;

	if (msi_is_interrupt(msg)) {
		lapics_msi(q->lapics, msg);
		return;
	}
	p = aspace_ptr(q->accel.mem, msg.addr, &len, true);
	if (p && len >= 4)
		le_store(p, msg.data, 4);
}

static const struct softirq_ops irq_ops = {.line = irq_line, .msi = irq_msi};

static void qtest_extint(struct accel *a, bool level)
{
	lapics_extint(qtest_of(a)->lapics, level);
}

static void qtest_pin_eoi(struct accel *a, int pin)
{
	softirq_eoi(qtest_of(a)->irq, pin);
}

static bool qtest_hear(struct accel *a)
{
	return softirq_settle(qtest_of(a)->irq);
}

static void qtest_close(struct accel *a)
{
	struct qtest *q = qtest_of(a);

	softirq_free(q->irq);
	aspace_unmap(q->accel.mem, q->page_map);
	aspace_sync();
	lapics_free(q->lapics);
	g_free(q);
}

static int qtest_open(struct accel **out, const struct accel_conf *conf, struct err **errp)
{
	struct qtest *q = g_new0(struct qtest, 1);

	q->accel = (struct accel){.ops = &qtest_accel_ops,
				  .irqchip_mode = IRQCHIP_SPLIT,
				  .drives_pins = true,
				  .cpus = conf->cpus,
				  .phys_bits = PHYS_BITS,
				  .mem = conf->mem,
				  .io = conf->io};
	x86_cpuid_supported(&q->supported, PHYS_BITS);
	q->accel.cpuid = &q->supported;
	vclock_set_manual(conf->clock);
	q->lapics = lapics_new(conf->cpus, conf->clock, &lapics_ops, q);
	q->irq = softirq_new(&irq_ops, q, errp);
	if (!q->irq) {
		qtest_close(&q->accel);
		return -EAGAIN;
	}
	q->accel.irq = softirq_chip(q->irq);
	region_init_io(&q->page, "apic", LAPIC_SIZE, &page_ops, q);
	q->page_map = aspace_map(conf->mem, &q->page, LAYOUT_LAPIC, 0, LAPIC_SIZE, 0);
	*out = &q->accel;
	return 0;
}

static int qtest_reset(struct accel *a)
{
	lapics_reset(qtest_of(a)->lapics);
	return 0;
}

static int qtest_vcpu_open(struct vcpu *v, struct err **errp)
{
	qtest_of(v->accel)->set = v->set;
	return 0;
}

static void qtest_vcpu_nothing(struct vcpu *v)
{
}

static int qtest_vcpu_reset(struct vcpu *v, const struct x86_regs *regs, struct err **errp)
{
	return 0;
}

/* They are as after a reset, for ever. */
static int qtest_vcpu_regs(struct vcpu *v, struct x86_regs *regs)
{
	x86_regs_reset(regs);
	return 0;
}

const struct accel_ops qtest_accel_ops = {
	.name = "qtest",
	.help = "runs none, a test client drives the devices",
	.open = qtest_open,
	.close = qtest_close,
	.reset = qtest_reset,
	.extint = qtest_extint,
	.pin_eoi = qtest_pin_eoi,
	.hear = qtest_hear,
	.vcpu_open = qtest_vcpu_open,
	.vcpu_close = qtest_vcpu_nothing,
	.vcpu_kick = qtest_vcpu_nothing,
	.vcpu_reset = qtest_vcpu_reset,
	.vcpu_regs = qtest_vcpu_regs,
};
