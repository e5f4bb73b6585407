// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * INTx of an assigned device: by an irqfd that resamples, and by hand where the controller
 * cannot.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "vfio_util.h"

#define MS 1000000ll

static const char *at_bar2(struct vt *t)
{
	return vt_region_at(t, AT_BAR2, NULL, NULL);
}

/* --- by the controller ---------------------------------------------------------------------- */

static void resample(struct vt *t)
{
	const struct fake_irqfd *i = chip_irqfd_of(&t->chip, t->v->intx.trigger);

	g_assert_nonnull(i);
	g_assert_cmpint(i->gsi, ==, 16);
	g_assert_cmpint(i->resample, >=, 0);
	fake_assert_order(&t->fake, "intx 0: +", "intx unmask-fd on", NULL);
	/* Raise, serve, EOI: the host's unmask comes by eventfd; no code of ours runs. */
	fake_log_clear(&t->fake);
	fake_line(&t->fake, true);
	vt_pump(t);
	g_assert_true(t->chip.line[16]);
	g_assert_true(t->fake.masked);
	fake_line(&t->fake, false);
	chip_eoi(&t->chip, 16);
	vt_pump(t);
	g_assert_false(t->chip.line[16]);
	g_assert_false(t->fake.masked);
	/* Not served: it comes again. */
	fake_line(&t->fake, true);
	vt_pump(t);
	chip_eoi(&t->chip, 16);
	vt_pump(t);
	g_assert_true(t->chip.line[16]);
	g_assert_cmpstr(t->fake.log->str, ==, "");
	g_assert_cmpstr(at_bar2(t), ==, "vfio-bar");
	fake_line(&t->fake, false);
}

static void reroute(struct vt *t, int gsi)
{
	t->gsi = gsi;
	pthread_mutex_lock(&t->host.lock);
	pcihost_intx_rerouted(&t->host);
	pthread_mutex_unlock(&t->host.lock);
}

static void routes(struct vt *t)
{
	unsigned adds = t->chip.irqfd_adds;

	reroute(t, 16); /* the same: nothing is touched */
	g_assert_cmpuint(t->chip.irqfd_adds, ==, adds);
	/* Up and unserved while it changes: it must arrive on the new pin. */
	fake_line(&t->fake, true);
	vt_pump(t);
	fake_log_clear(&t->fake);
	reroute(t, 20);
	fake_assert_order(&t->fake, "intx mask", "intx unmask-fd off", "intx unmask-fd on",
			  "intx unmask", NULL);
	vt_pump(t);
	g_assert_false(t->chip.line[16]);
	g_assert_true(t->chip.line[20]);
	fake_line(&t->fake, false);
	chip_eoi(&t->chip, 20);
	vt_pump(t);
	g_assert_false(t->fake.masked);
	/* No route at all: watched, and back. */
	reroute(t, -1);
	g_assert_cmpuint(t->chip.irqfds->len, ==, 0);
	g_assert_cmpuint(t->v->intx.watch, !=, 0);
	reroute(t, 17);
	g_assert_cmpuint(t->v->intx.watch, ==, 0);
	fake_line(&t->fake, true);
	vt_pump(t);
	g_assert_true(t->chip.line[17]);
	fake_line(&t->fake, false);
}

/* With MSI on, a new route concerns nobody. */
static void routes_elsewhere(struct vt *t)
{
	vt_set_cfg(t, STD_MSI + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE, 2);
	fake_log_clear(&t->fake);
	reroute(t, 20);
	g_assert_cmpstr(t->fake.log->str, ==, "");
	vt_set_cfg(t, STD_MSI + PCI_MSI_FLAGS, 0, 2);
	g_assert_cmpint(t->v->intx.gsi, ==, 20);
}

static void by_irqfd(void)
{
	vt_run_guest(NULL, resample);
	vt_run_guest(NULL, routes);
	vt_run_guest(NULL, routes_elsewhere);
}

/* --- by hand -------------------------------------------------------------------------------- */

static void refuse(struct vt *t)
{
	t->chip.refuse_resample = true;
}

static void no_kvm(struct vt *t)
{
	t->conf.no_kvm_intx = true;
}

static void raise_it(struct vt *t)
{
	fake_line(&t->fake, true);
	vt_pump(t);
	g_assert_true(t->pin[0]);
	g_assert_true(t->v->intx.pending);
}

static void by_hand(struct vt *t)
{
	g_assert_cmpint(t->v->intx.resample, ==, -1);
	g_assert_cmpuint(t->chip.irqfds->len, ==, 0);
	g_assert_cmpstr(at_bar2(t), ==, "vfio-bar");
	raise_it(t);
	/* While the line is up every access traps, and the first one is the EOI. */
	g_assert_cmpstr(at_bar2(t), ==, "vfio-mem");
	g_assert_cmpint(vclock_next_deadline(t->clock), ==, 1100 * MS);
	fake_line(&t->fake, false); /* the driver's read would do it */
	fake_log_clear(&t->fake);
	aspace_read(t->mem, AT_BAR2, 4);
	g_assert_false(t->pin[0]);
	g_assert_true(fake_said(&t->fake, "intx unmask"));
	g_assert_false(t->fake.masked);
	/* The next access is no EOI. */
	fake_log_clear(&t->fake);
	aspace_read(t->mem, AT_BAR2, 4);
	g_assert_cmpstr(t->fake.log->str, ==, "");
	/* Still trapped, until it was quiet for a while. */
	g_assert_cmpstr(at_bar2(t), ==, "vfio-mem");
	vclock_step_to(t->clock, 1100 * MS - 1);
	g_assert_cmpstr(at_bar2(t), ==, "vfio-mem");
	vclock_step_to(t->clock, 1100 * MS);
	g_assert_cmpstr(at_bar2(t), ==, "vfio-bar");
	g_assert_cmpint(vclock_next_deadline(t->clock), ==, -1);
}

/* Not served in time: it stays trapped, or nobody would ever see the EOI. */
static void slow_guest(struct vt *t)
{
	raise_it(t);
	vclock_step_to(t->clock, 5000 * MS);
	g_assert_cmpstr(at_bar2(t), ==, "vfio-mem");
	g_assert_true(t->pin[0]);
	/* By a write to another BAR; the line is still up at the device, so it comes again. */
	aspace_write(t->io, AT_BAR4, 1, 1);
	g_assert_false(t->pin[0]);
	g_assert_true(t->fake.masked);
	vt_pump(t);
	g_assert_true(t->pin[0]);
	fake_line(&t->fake, false);
	aspace_read(t->io, AT_BAR4, 1);
	vclock_step_to(t->clock, 20000 * MS);
	g_assert_cmpstr(at_bar2(t), ==, "vfio-bar");
}

/* A busy device keeps the timer from running out. */
static void busy(struct vt *t)
{
	for (int i = 0; i < 5; i++) {
		raise_it(t);
		fake_line(&t->fake, false);
		aspace_read(t->mem, AT_BAR2, 4);
		vclock_step_to(t->clock, vclock_now(t->clock) + 1000 * MS);
		g_assert_cmpstr(at_bar2(t), ==, "vfio-mem");
	}
	g_assert_cmpuint(t->v->intx.count, ==, 5);
	vclock_step_to(t->clock, vclock_now(t->clock) + 100 * MS);
	g_assert_cmpstr(at_bar2(t), ==, "vfio-bar");
}

static void never(struct vt *t)
{
	no_kvm(t);
	t->conf.intx_mmap_timeout_ms = 0;
}

static void stays_trapped(struct vt *t)
{
	raise_it(t);
	fake_line(&t->fake, false);
	aspace_read(t->mem, AT_BAR2, 4);
	g_assert_cmpint(vclock_next_deadline(t->clock), ==, -1);
	g_assert_cmpstr(at_bar2(t), ==, "vfio-mem");
	/* MSI ends the need for it. */
	vt_set_cfg(t, STD_MSI + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE, 2);
	g_assert_cmpstr(at_bar2(t), ==, "vfio-bar");
}

/* The mode ends while the line is up: it goes down, and the timer with it. */
static void leaves_while_up(struct vt *t)
{
	raise_it(t);
	vt_set_cfg(t, STD_MSI + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE, 2);
	g_assert_false(t->pin[0]);
	g_assert_cmpint(vclock_next_deadline(t->clock), ==, -1);
	g_assert_cmpstr(at_bar2(t), ==, "vfio-bar");
	fake_line(&t->fake, false);
}

static void disable_bit(struct vt *t)
{
	raise_it(t);
	vt_set_cfg(t, PCI_COMMAND, 0x407, 2);
	g_assert_false(t->pin[0]);
	vt_set_cfg(t, PCI_COMMAND, 0x007, 2);
	g_assert_true(t->pin[0]);
	fake_line(&t->fake, false);
}

/* Sleeping and waking while the line is up must not hide the EOI. */
static void sleeps_while_up(struct vt *t)
{
	raise_it(t);
	vt_set_cfg(t, STD_PM + PCI_PM_CTRL, 3, 2);
	vt_set_cfg(t, STD_PM + PCI_PM_CTRL, 0, 2);
	g_assert_cmpstr(at_bar2(t), ==, "vfio-mem");
	fake_line(&t->fake, false);
	aspace_read(t->mem, AT_BAR2, 4);
	g_assert_false(t->pin[0]);
	/* And the timer does not map a device that sleeps. */
	vt_set_cfg(t, STD_PM + PCI_PM_CTRL, 3, 2);
	vclock_step_to(t->clock, 5000 * MS);
	g_assert_cmpstr(at_bar2(t), ==, "vfio-mem");
	vt_set_cfg(t, STD_PM + PCI_PM_CTRL, 0, 2);
	g_assert_cmpstr(at_bar2(t), ==, "vfio-bar");
}

static void fallback(void)
{
	vt_run_guest(refuse, by_hand);
	vt_run_guest(no_kvm, by_hand);
	vt_run_guest(no_kvm, slow_guest);
	vt_run_guest(no_kvm, busy);
	vt_run_guest(never, stays_trapped);
	vt_run_guest(no_kvm, leaves_while_up);
	vt_run_guest(no_kvm, disable_bit);
	vt_run_guest(no_kvm, sleeps_while_up);
}

/* --- what fails ----------------------------------------------------------------------------- */

/* The host refuses the unmask eventfd: what the controller had taken by then must not be lost. */
static void no_unmask_fd(void)
{
	struct vt t;

	vt_init(&t);
	g_assert_cmpint(vt_try(&t, NULL), ==, 0);
	pcihost_reset(&t.host);
	vt_set_cfg(&t, STD_MSI + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE, 2);
	fake_line(&t.fake, true); /* asserted before it is armed */
	fake_log_clear(&t.fake);
	/* forward, MSI off, trigger, then the unmask eventfd */
	t.fake.fail_at = t.fake.calls + 4;
	vt_set_cfg(&t, STD_MSI + PCI_MSI_FLAGS, 0, 2);
	fake_assert_order(&t.fake, "intx 0: +", "set_irqs fails", "intx unmask", NULL);
	g_assert_cmpuint(t.chip.irqfds->len, ==, 0);
	vt_pump(&t);
	g_assert_true(t.pin[0]);
	fake_line(&t.fake, false);
	vt_fini(&t);
}

static void cannot_arm(struct vt *t)
{
	vt_set_cfg(t, STD_MSI + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE, 2);
	t->fake.fail_err = EBUSY;
	t->fake.fail_at = t->fake.calls + 3;
	vt_set_cfg(t, STD_MSI + PCI_MSI_FLAGS, 0, 2);
	vt_assert_said(
		"vfio-pci,host=0000:17:00.0: arm INTx: Device or resource busy (the device cannot "
		"mask its pin and shares the host's line)");
	g_assert_cmpint(t->v->mode, ==, VDEV_INT_NONE);
	g_assert_cmpint(t->v->intx.trigger, ==, -1);
	/* A reset tries again. */
	pcihost_reset(&t->host);
	g_assert_cmpint(t->v->mode, ==, VDEV_INT_INTX);
}

static void failures(void)
{
	no_unmask_fd();
	vt_run_guest(NULL, cannot_arm);
}

int main(int argc, char **argv)
{
	vt_test_init(&argc, &argv);
	g_test_add_func("/vfio-intx/by-irqfd", by_irqfd);
	g_test_add_func("/vfio-intx/by-hand", fallback);
	g_test_add_func("/vfio-intx/failures", failures);
	return g_test_run();
}
