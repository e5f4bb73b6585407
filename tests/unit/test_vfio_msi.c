// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * MSI of an assigned device: the guest's capability on one side, SET_IRQS and routes on the
 * other.
 */
#include <errno.h>
#include <string.h>

#include "vfio_util.h"

#define ADDR 0x1fee01000ull
#define DATA 0x40e0u

static void program(struct vt *t)
{
	vt_set_cfg(t, STD_MSI + PCI_MSI_ADDRESS_LO, (uint32_t)ADDR, 4);
	vt_set_cfg(t, STD_MSI + PCI_MSI_ADDRESS_HI, ADDR >> 32, 4);
	vt_set_cfg(t, STD_MSI + PCI_MSI_DATA_64, DATA, 2);
}

static void control(struct vt *t, unsigned log, bool on)
{
	vt_set_cfg(t, STD_MSI + PCI_MSI_FLAGS, log << 4 | on, 2);
}

static void is_intx(struct vt *t)
{
	g_assert_cmpint(t->v->mode, ==, VDEV_INT_INTX);
	g_assert_cmpuint(t->fake.n[VFIO_PCI_INTX_IRQ_INDEX], ==, 1);
	g_assert_cmpuint(t->fake.n[VFIO_PCI_MSI_IRQ_INDEX], ==, 0);
	g_assert_cmpuint(chip_routes(&t->chip), ==, 0);
}

/* n vectors are armed, and each arrives as the message that the guest programmed for it. */
static void delivers(struct vt *t, unsigned n, uint32_t data)
{
	g_assert_cmpint(t->v->mode, ==, VDEV_INT_MSI);
	g_assert_cmpuint(t->fake.n[VFIO_PCI_MSI_IRQ_INDEX], ==, n);
	g_assert_cmpuint(t->v->msi.n, ==, n);
	g_array_set_size(t->chip.sent, 0);
	for (unsigned i = 0; i < n; i++) {
		vt_irq(t, VFIO_PCI_MSI_IRQ_INDEX, i);
		vt_pump(t);
		g_assert_cmpuint(t->chip.sent->len, ==, i + 1);
		g_assert_cmpuint(chip_sent(&t->chip, ADDR, data + i), ==, 1);
	}
}

static void every_width(struct vt *t)
{
	program(t);
	for (unsigned log = 0; log <= 5; log++) {
		unsigned commits = t->chip.commits;

		control(t, log, true);
		g_assert_cmpuint(t->chip.commits, ==, commits + 1); /* one batch */
		g_assert_cmpuint(t->chip.irqfds->len, ==, 1u << log);
		g_assert_cmpuint(t->fake.n[VFIO_PCI_INTX_IRQ_INDEX], ==, 0);
		delivers(t, 1u << log, DATA & ~((1u << log) - 1));
		control(t, log, false);
		is_intx(t);
	}
	/* The low bits of data belong to the vector's number. */
	vt_set_cfg(t, STD_MSI + PCI_MSI_DATA_64, 0x4fff, 2);
	control(t, 2, true);
	delivers(t, 4, 0x4ffc);
}

/* Written in one go with what else lies in the dword; a byte write works, too. */
static void odd_writes(struct vt *t)
{
	program(t);
	vt_set_cfg(t, STD_MSI, 1u << 16 | 1u << 20, 4);
	delivers(t, 2, DATA);
	vt_set_cfg(t, STD_MSI + PCI_MSI_FLAGS, 0, 1);
	is_intx(t);
	/* Asked for more than the device has: 2^7 and 2^6 are reserved. */
	control(t, 7, true);
	g_assert_cmpuint(t->v->msi.n, ==, 32);
}

static void refreshes(struct vt *t)
{
	unsigned commits;

	program(t);
	control(t, 3, true);
	commits = t->chip.commits;
	fake_log_clear(&t->fake);
	vt_set_cfg(t, STD_MSI + PCI_MSI_DATA_64, 0x5550, 2);
	g_assert_cmpuint(t->chip.commits, ==, commits + 1);
	delivers(t, 8, 0x5550);
	g_assert_null(strstr(t->fake.log->str, "msi ")); /* the host is not asked again */
	/* The same once more, and a write of mask bits: no change of routes. */
	vt_set_cfg(t, STD_MSI + PCI_MSI_DATA_64, 0x5550, 2);
	vt_set_cfg(t, STD_MSI + PCI_MSI_MASK_64, 0xff, 4);
	g_assert_cmpuint(t->chip.commits, ==, commits + 1);
}

static void fewer(struct vt *t)
{
	t->fake.limit = 3;
	program(t);
	fake_log_clear(&t->fake);
	control(t, 3, true);
	delivers(t, 3, DATA);
	fake_assert_order(&t->fake, "msi 0: + + + + + + + +", "msi 0: + + +", NULL);
	g_assert_cmpuint(chip_routes(&t->chip), ==, 3);
	control(t, 3, false);
	is_intx(t);
}

static void none(struct vt *t)
{
	program(t);
	fake_log_clear(&t->fake);
	/* Forward, INTx: irqfd off, trigger off, then the arming that fails. */
	t->fake.fail_at = t->fake.calls + 4;
	control(t, 2, true);
	g_assert_true(fake_said(&t->fake, "set_irqs fails"));
	g_assert_cmpint(t->v->mode, ==, VDEV_INT_NONE);
	vt_assert_said("vfio-pci,host=0000:17:00.0: MSI with 4 vectors: Input/output error");
	g_assert_cmpuint(chip_routes(&t->chip), ==, 0);
	g_assert_cmpuint(t->chip.irqfds->len, ==, 0);
	/* It is off for the host, but the guest may disable it, or try again. */
	control(t, 2, false);
	is_intx(t);
	control(t, 2, true);
	delivers(t, 4, DATA);
}

static void watched(struct vt *t)
{
	program(t);
	control(t, 2, true);
	g_assert_cmpuint(t->chip.irqfds->len, ==, 0);
	delivers(t, 4, DATA);
	vt_set_cfg(t, STD_MSI + PCI_MSI_DATA_64, 0x5550, 2);
	delivers(t, 4, 0x5550);
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
	t->conf.no_kvm_msi = true;
}

static void some_routes(struct vt *t)
{
	t->chip.route_limit = 2;
}

static void half_watched(struct vt *t)
{
	program(t);
	control(t, 2, true);
	g_assert_cmpuint(t->chip.irqfds->len, ==, 2);
	delivers(t, 4, DATA);
}

/* 32-bit, no mask bits, 4 vectors. */
static void layout_32(struct vt *t)
{
	pci_set16(t->fake.cfg + STD_MSI + PCI_MSI_FLAGS, 2 << 1);
	pci_set32(t->fake.wmask + STD_MSI + PCI_MSI_MASK_64, 0);
	pci_set32(t->fake.wmask + STD_MSI + 0xc, UINT32_MAX); /* not MSI's any more */
}

static void uses_32(struct vt *t)
{
	g_assert_false(t->v->msi.is_64);
	vt_set_cfg(t, STD_MSI + PCI_MSI_ADDRESS_LO, 0xfee0100f, 4);
	vt_set_cfg(t, STD_MSI + PCI_MSI_DATA_32, 0x4021, 2);
	vt_set_cfg(t, STD_MSI + 0xc, 0x12345678, 4);
	g_assert_cmphex(vt_cfg(t, STD_MSI + 0xc, 4), ==, 0x12345678);
	control(t, 5, true);
	g_assert_cmpuint(t->v->msi.n, ==, 4);
	vt_irq(t, VFIO_PCI_MSI_IRQ_INDEX, 3);
	vt_pump(t);
	/* Asked for 32, so five bits are the number's. */
	g_assert_cmpuint(chip_sent(&t->chip, 0xfee0100c, 0x4023), ==, 1);
	vt_set_cfg(t, STD_MSI + PCI_MSI_DATA_32, 0x4040, 2);
	vt_irq(t, VFIO_PCI_MSI_IRQ_INDEX, 0);
	vt_pump(t);
	g_assert_cmpuint(chip_sent(&t->chip, 0xfee0100c, 0x4040), ==, 1);
}

static void reset_while_on(struct vt *t)
{
	program(t);
	control(t, 4, true);
	pcihost_reset(&t->host);
	is_intx(t);
	g_assert_cmphex(vt_cfg(t, STD_MSI + PCI_MSI_FLAGS, 2), ==, 0x18a);
	control(t, 0, true);
	g_assert_cmpuint(t->v->msi.n, ==, 1);
}

static void no_pin(struct vt *t)
{
	t->fake.cfg[PCI_INTERRUPT_PIN] = 0;
}

static void without_intx(struct vt *t)
{
	g_assert_cmpint(t->v->mode, ==, VDEV_INT_NONE);
	program(t);
	control(t, 0, true);
	delivers(t, 1, DATA);
	control(t, 0, false);
	g_assert_cmpint(t->v->mode, ==, VDEV_INT_NONE);
	g_assert_cmpuint(t->fake.n[VFIO_PCI_INTX_IRQ_INDEX], ==, 0);
}

static void widths(void)
{
	vt_run_guest(NULL, every_width);
	vt_run_guest(NULL, odd_writes);
	vt_run_guest(layout_32, uses_32);
}

static void refresh(void)
{
	vt_run_guest(NULL, refreshes);
}

static void retry(void)
{
	vt_run_guest(NULL, fewer);
	vt_run_guest(NULL, none);
}

static void fallback(void)
{
	vt_run_guest(refuse, watched);
	vt_run_guest(refuse_routes, watched);
	vt_run_guest(no_kvm, watched);
	vt_run_guest(some_routes, half_watched);
}

static void resets(void)
{
	vt_run_guest(NULL, reset_while_on);
	vt_run_guest(no_pin, without_intx);
}

int main(int argc, char **argv)
{
	vt_test_init(&argc, &argv);
	g_test_add_func("/vfio-msi/widths", widths);
	g_test_add_func("/vfio-msi/refresh", refresh);
	g_test_add_func("/vfio-msi/retry", retry);
	g_test_add_func("/vfio-msi/fallback", fallback);
	g_test_add_func("/vfio-msi/resets", resets);
	return g_test_run();
}
