// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * MSI-X of an assigned device: vectors as the guest wants them and as the host arms them, and
 * nothing lost in between.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "vfio_util.h"

#define IDX VFIO_PCI_MSIX_IRQ_INDEX
#define ON PCI_MSIX_FLAGS_ENABLE
#define ALL PCI_MSIX_FLAGS_MASKALL

static const uint64_t addr = 0x1fee00000;

static void entry(struct vt *t, unsigned nr, uint32_t data)
{
	uint64_t e = AT_BAR0 + STD_TABLE + 16 * nr;

	aspace_write(t->mem, e, (uint32_t)addr, 4);
	aspace_write(t->mem, e + 4, addr >> 32, 4);
	aspace_write(t->mem, e + 8, data, 4);
}

static void mask(struct vt *t, unsigned nr, bool on)
{
	aspace_write(t->mem, AT_BAR0 + STD_TABLE + 16 * nr + 12, on, 4);
}

static void control(struct vt *t, unsigned bits)
{
	vt_set_cfg(t, STD_MSIX + PCI_MSIX_FLAGS, bits, 2);
}

static uint64_t pba(struct vt *t)
{
	return aspace_read(t->mem, AT_BAR0 + STD_PBA, 8);
}

static unsigned got(struct vt *t, uint32_t data)
{
	vt_pump(t);
	return chip_sent(&t->chip, addr, data);
}

/* Vector nr arrives, once, as data. */
static void fires(struct vt *t, unsigned nr, uint32_t data)
{
	unsigned before = got(t, data);

	vt_irq(t, IDX, nr);
	g_assert_cmpuint(got(t, data), ==, before + 1);
}

static void intx_is(struct vt *t, bool on)
{
	g_assert_cmpuint(t->fake.n[VFIO_PCI_INTX_IRQ_INDEX], ==, on);
}

/* --- enable --------------------------------------------------------------------------------- */

static void none_unmasked(struct vt *t)
{
	fake_log_clear(&t->fake);
	control(t, ON | ALL);
	/* The host's MSI-X is on, with one vector that signals nobody; INTx was off before. */
	fake_assert_order(&t->fake, "intx off", "msix 0: -", NULL);
	g_assert_cmpuint(t->fake.n[IDX], ==, 1);
	intx_is(t, false);
	g_assert_cmpuint(chip_routes(&t->chip), ==, 0);
	control(t, ON);
	g_assert_cmpuint(chip_routes(&t->chip), ==, 0);
	fake_log_clear(&t->fake);
	control(t, 0);
	fake_assert_order(&t->fake, "msix off", "intx 0: +", NULL);
	intx_is(t, true);
}

static void some_unmasked(struct vt *t)
{
	unsigned commits = t->chip.commits;

	entry(t, 0, 0x50), entry(t, 3, 0x53), entry(t, 5, 0x55);
	mask(t, 0, false), mask(t, 3, false), mask(t, 5, false);
	g_assert_cmpuint(chip_routes(&t->chip), ==, 0); /* not before it is enabled */
	fake_log_clear(&t->fake);
	control(t, ON);
	g_assert_true(fake_said(&t->fake, "msix 0: + - - + - +"));
	g_assert_cmpuint(t->chip.commits, ==, commits + 1);
	g_assert_cmpuint(t->chip.irqfds->len, ==, 3);
	fires(t, 0, 0x50), fires(t, 3, 0x53), fires(t, 5, 0x55);
	g_assert_cmpuint(t->chip.sent->len, ==, 3);
}

static void enable(void)
{
	vt_run_guest(NULL, none_unmasked);
	vt_run_guest(NULL, some_unmasked);
}

/* --- one by one ----------------------------------------------------------------------------- */

static void resizable(struct vt *t)
{
	t->fake.irq[IDX].flags &= ~(uint32_t)VFIO_IRQ_INFO_NORESIZE;
}

static void one_by_one(struct vt *t)
{
	control(t, ON);
	fake_log_clear(&t->fake);
	for (unsigned i = 0; i < STD_VECTORS; i++) {
		entry(t, i, 0x60 + i);
		mask(t, i, false);
	}
	fake_assert_order(&t->fake, "msix 0: +", "msix 1: +", "msix 7: +", NULL);
	g_assert_false(fake_said(&t->fake, "msix off"));
	for (unsigned i = 0; i < STD_VECTORS; i++)
		fires(t, i, 0x60 + i);
	g_assert_cmpuint(t->chip.sent->len, ==, STD_VECTORS);
	/* Not in order: 7 first. */
	control(t, 0);
	for (unsigned i = 0; i < STD_VECTORS; i++)
		mask(t, i, true);
	control(t, ON);
	fake_log_clear(&t->fake);
	mask(t, 7, false), mask(t, 2, false);
	fake_assert_order(&t->fake, "msix 7: +", "msix 2: +", NULL);
	fires(t, 7, 0x67), fires(t, 2, 0x62);
	/* Masked and unmasked again: the host is not asked. */
	fake_log_clear(&t->fake);
	mask(t, 7, true), mask(t, 7, false);
	g_assert_cmpstr(t->fake.log->str, ==, "");
	fires(t, 7, 0x67);
}

/*
 * NORESIZE: all are disarmed and armed again.  What the device sent in between nobody can know,
 * so each vector that was armed is signalled.
 */
static void grows(struct vt *t)
{
	control(t, ON);
	entry(t, 0, 0x60), entry(t, 1, 0x61), entry(t, 3, 0x63);
	mask(t, 0, false); /* within what the host has: nothing is disarmed */
	g_assert_false(fake_said(&t->fake, "msix off"));
	fires(t, 0, 0x60);
	fake_log_clear(&t->fake);
	mask(t, 3, false);
	fake_assert_order(&t->fake, "msix off", "msix 0: + - - +", NULL);
	g_assert_cmpuint(got(t, 0x60), ==, 2);
	g_assert_cmpuint(got(t, 0x63), ==, 0); /* the new one has lost nothing */
	fires(t, 0, 0x60), fires(t, 3, 0x63);
	fake_log_clear(&t->fake);
	mask(t, 1, false); /* a hole */
	g_assert_true(fake_said(&t->fake, "msix 1: +"));
	g_assert_false(fake_said(&t->fake, "msix off"));
	fires(t, 1, 0x61);
	/* A masked vector that was armed waits as pending; what is unmasked comes now. */
	mask(t, 0, true);
	entry(t, 6, 0x66);
	mask(t, 6, false);
	g_assert_cmphex(pba(t), ==, 1);
	g_assert_cmpuint(got(t, 0x61), ==, 2);
	g_assert_cmpuint(got(t, 0x63), ==, 2);
	g_assert_cmpuint(got(t, 0x60), ==, 3);
	mask(t, 0, false);
	g_assert_cmpuint(got(t, 0x60), ==, 4);
	g_assert_cmphex(pba(t), ==, 0);
}

/* The host cannot grow: the vectors that it had go on. */
static void cannot_grow(struct vt *t)
{
	t->fake.limit = 2;
	control(t, ON);
	entry(t, 0, 0x60), entry(t, 1, 0x61), entry(t, 2, 0x62);
	mask(t, 0, false), mask(t, 1, false);
	fires(t, 0, 0x60), fires(t, 1, 0x61);
	mask(t, 2, false);
	vt_assert_said("MSI-X vector 2 of 8: No space left on device");
	g_assert_cmpuint(t->fake.n[IDX], ==, 2);
	g_assert_cmpuint(got(t, 0x60), ==,
			 3); /* as it grew to two, fired, and now for what was lost */
	fires(t, 0, 0x60), fires(t, 1, 0x61);
	/* Later there is room again. */
	t->fake.limit = 0;
	mask(t, 2, true), mask(t, 2, false);
	fires(t, 2, 0x62);
}

static void enable_fails(struct vt *t)
{
	entry(t, 0, 0x60);
	mask(t, 0, false);
	t->fake.fail_at = t->fake.calls + 4; /* forward, unmask fd, INTx trigger, then MSI-X */
	control(t, ON);
	vt_assert_said(
		"vfio-pci,host=0000:17:00.0: enable MSI-X with 1 vectors: Input/output error");
	g_assert_cmpuint(t->fake.n[IDX], ==, 0);
	g_assert_cmpuint(chip_routes(&t->chip), ==, 0);
	/* The next unmask tries again. */
	mask(t, 0, true), mask(t, 0, false);
	fires(t, 0, 0x60);
	control(t, 0);
	intx_is(t, true);
	/*
	 * Off without a host vector: nothing is disarmed that was not armed (the fake would
	 * complain).
	 */
	t->fake.fail_at = t->fake.calls + 4;
	control(t, ON);
	control(t, 0);
	intx_is(t, true);
}

static void arming(void)
{
	vt_run_guest(resizable, one_by_one);
	vt_run_guest(NULL, grows);
	vt_run_guest(NULL, cannot_grow);
	vt_run_guest(NULL, enable_fails);
}

/* --- masks, pending bits, messages ---------------------------------------------------------- */

static void pending(struct vt *t)
{
	control(t, ON);
	entry(t, 2, 0x62);
	mask(t, 2, false);
	mask(t, 2, true);
	g_assert_cmpuint(t->chip.irqfds->len, ==, 0);
	g_assert_cmphex(pba(t), ==, 0);
	vt_irq(t, IDX, 2), vt_irq(t, IDX, 2);
	g_assert_cmpuint(got(t, 0x62), ==, 0);
	g_assert_cmphex(pba(t), ==, 4);
	g_assert_cmphex(aspace_read(t->mem, AT_BAR0 + STD_PBA, 1), ==, 4);
	g_assert_cmphex(aspace_read(t->mem, AT_BAR0 + STD_PBA + 4, 4), ==, 0);
	aspace_write(t->mem, AT_BAR0 + STD_PBA, 0, 8); /* read only */
	g_assert_cmphex(pba(t), ==, 4);
	/* The message changed while it waited: the new one is sent. */
	entry(t, 2, 0x72);
	mask(t, 2, false);
	g_assert_cmpuint(got(t, 0x72), ==, 1);
	g_assert_cmpuint(got(t, 0x62), ==, 0);
	g_assert_cmphex(pba(t), ==, 0);
}

static void function_mask(struct vt *t)
{
	entry(t, 0, 0x60), entry(t, 1, 0x61);
	mask(t, 0, false);
	control(t, ON);
	control(t, ON | ALL);
	g_assert_cmpuint(t->chip.irqfds->len, ==, 0);
	vt_irq(t, IDX, 0);
	g_assert_cmpuint(got(t, 0x60), ==, 0);
	g_assert_cmphex(pba(t), ==, 1);
	mask(t, 1, false); /* takes effect only when the function is unmasked */
	g_assert_cmpuint(t->fake.n[IDX], ==, 1);
	control(t, ON);
	vt_irq(t, IDX, 1);
	g_assert_cmpuint(got(t, 0x61), ==, 1);
	g_assert_cmpuint(got(t, 0x60), ==, 1); /* what waited, and one for growing, in one */
	g_assert_cmphex(pba(t), ==, 0);
}

static void message_change(struct vt *t)
{
	entry(t, 0, 0x60);
	mask(t, 0, false);
	control(t, ON);
	fires(t, 0, 0x60);
	aspace_write(t->mem, AT_BAR0 + STD_TABLE + 8, 0x99, 4); /* unmasked: at once */
	fires(t, 0, 0x99);
	g_assert_cmpuint(chip_routes(&t->chip), ==, 1);
}

static void masks(void)
{
	vt_run_guest(NULL, pending);
	vt_run_guest(NULL, function_mask);
	vt_run_guest(NULL, message_change);
}

/* --- the other modes ------------------------------------------------------------------------ */

static void off_and_on(struct vt *t)
{
	entry(t, 0, 0x60);
	mask(t, 0, false);
	control(t, ON);
	control(t, 0);
	g_assert_cmpint(t->v->mode, ==, VDEV_INT_INTX);
	g_assert_cmpuint(chip_routes(&t->chip), ==, 0);
	g_assert_cmpuint(t->fake.n[IDX], ==, 0);
	/* The table outlives it. */
	control(t, ON);
	fires(t, 0, 0x60);
	pcihost_reset(&t->host);
	g_assert_cmpint(t->v->mode, ==, VDEV_INT_INTX);
	g_assert_cmphex(vt_cfg(t, STD_MSIX + PCI_MSIX_FLAGS, 2), ==, STD_VECTORS - 1);
	vt_place(t);
	g_assert_cmphex(aspace_read(t->mem, AT_BAR0 + STD_TABLE + 12, 4), ==, 1);
	g_assert_cmphex(aspace_read(t->mem, AT_BAR0 + STD_TABLE, 4), ==, 0);
}

/* A guest that turns both on gets the last one; INTx comes back when none is left. */
static void both(struct vt *t)
{
	control(t, ON);
	vt_set_cfg(t, STD_MSI + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE, 2);
	g_assert_cmpint(t->v->mode, ==, VDEV_INT_MSI);
	g_assert_cmpuint(t->fake.n[IDX], ==, 0);
	mask(t, 0, false); /* no mode of its own: nothing happens */
	g_assert_cmpuint(t->fake.n[IDX], ==, 0);
	control(t, 0);
	g_assert_cmpint(t->v->mode, ==, VDEV_INT_MSI);
	vt_set_cfg(t, STD_MSI + PCI_MSI_FLAGS, 0, 2);
	g_assert_cmpint(t->v->mode, ==, VDEV_INT_INTX);
}

static void refuse(struct vt *t)
{
	t->chip.refuse_irqfd = true;
}

static void refuse_routes(struct vt *t)
{
	t->chip.commit_err = -EINVAL;
}

static void no_kvm(struct vt *t)
{
	t->conf.no_kvm_msix = true;
}

static void watched(struct vt *t)
{
	entry(t, 0, 0x60);
	mask(t, 0, false);
	control(t, ON);
	g_assert_cmpuint(t->chip.irqfds->len, ==, 0);
	fires(t, 0, 0x60);
	mask(t, 0, true);
	vt_irq(t, IDX, 0);
	g_assert_cmpuint(got(t, 0x60), ==, 1);
	g_assert_cmphex(pba(t), ==, 1);
	mask(t, 0, false);
	g_assert_cmpuint(got(t, 0x60), ==, 2);
}

static void modes(void)
{
	vt_run_guest(NULL, off_and_on);
	vt_run_guest(NULL, both);
	vt_run_guest(refuse, watched);
	vt_run_guest(refuse_routes, watched);
	vt_run_guest(no_kvm, watched);
}

/* --- a table that cannot be ----------------------------------------------------------------- */

static void refused(uint32_t table, uint32_t pba_at, const char *text)
{
	struct err *e = NULL;
	struct vt t;

	vt_init(&t);
	pci_set32(t.fake.cfg + STD_MSIX + PCI_MSIX_TABLE, table);
	pci_set32(t.fake.cfg + STD_MSIX + PCI_MSIX_PBA, pba_at);
	g_assert_cmpint(vt_try(&t, &e), ==, -EINVAL);
	assert_contains(err_text(e), "vfio-pci,host=17:00.0");
	assert_contains(err_text(e), text);
	err_free(e);
	vt_fini(&t);
}

static void out_of_range(void)
{
	refused(0x3f88, STD_PBA, "(8 vectors at 0x3f88) does not fit BAR 0 of 0x4000 bytes");
	refused(0xfffffff8, STD_PBA, "does not fit BAR 0");
	refused(6, STD_PBA, "there is no such BAR");
	refused(STD_TABLE, 7, "there is no such BAR");
	refused(STD_TABLE | 1, STD_PBA, "does not fit BAR 1 of 0x0 bytes");
	refused(STD_TABLE, 0x4000, "PBA (at 0x4000) does not fit BAR 0");
}

static void at_the_end(struct vt *t)
{
	pci_set32(t->fake.cfg + STD_MSIX + PCI_MSIX_TABLE, 0x3f80);
	pci_set32(t->fake.cfg + STD_MSIX + PCI_MSIX_PBA, 0x1ff8);
}

static void table_at_the_end(struct vt *t)
{
	aspace_write(t->mem, AT_BAR0 + 0x3ff8, 0x77, 4);
	g_assert_cmphex(aspace_read(t->mem, AT_BAR0 + 0x3ff8, 4), ==, 0x77);
	g_assert_cmphex(aspace_read(t->mem, AT_BAR0 + 0x1ff8, 8), ==, 0);
}

/* More vectors than one word of the PBA holds. */
static void hundred(struct vt *t)
{
	pci_set16(t->fake.cfg + STD_MSIX + PCI_MSIX_FLAGS, 99);
	t->fake.irq[IDX].count = 100;
}

static void last_of_hundred(struct vt *t)
{
	control(t, ON);
	entry(t, 99, 0x99);
	mask(t, 99, false);
	fires(t, 99, 0x99);
	mask(t, 99, true);
	vt_irq(t, IDX, 99);
	g_assert_cmphex(aspace_read(t->mem, AT_BAR0 + STD_PBA + 8, 8), ==, 1ull << 35);
	g_assert_cmphex(aspace_read(t->mem, AT_BAR0 + STD_PBA + 12, 1), ==, 8);
}

static void shapes(void)
{
	vt_run_guest(at_the_end, table_at_the_end);
	vt_run_guest(hundred, last_of_hundred);
}

int main(int argc, char **argv)
{
	vt_test_init(&argc, &argv);
	g_test_add_func("/vfio-msix/enable", enable);
	g_test_add_func("/vfio-msix/arming", arming);
	g_test_add_func("/vfio-msix/masks", masks);
	g_test_add_func("/vfio-msix/modes", modes);
	g_test_add_func("/vfio-msix/out-of-range", out_of_range);
	g_test_add_func("/vfio-msix/shapes", shapes);
	return g_test_run();
}
