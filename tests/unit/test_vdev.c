// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The life of an assigned device: realize and its failures, reset, the host's events, release,
 * and what is left of it.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "vfio_util.h"

/* --- naming the device ---------------------------------------------------------------------- */

static void refused(const char *host, const char *sysfsdev, int code, const char *text)
{
	struct err *e = NULL;
	struct vt t;

	vt_init(&t);
	g_free(t.conf.host);
	t.conf.host = g_strdup(host);
	t.conf.sysfsdev = g_strdup(sysfsdev);
	g_assert_cmpint(vt_try(&t, &e), ==, code);
	assert_contains(err_text(e), "-device vfio-pci,host=");
	assert_contains(err_text(e), text);
	g_assert_cmpuint(t.opens, ==, 0);
	err_free(e);
	vt_fini(&t);
}

static void by_path(void)
{
	struct vt t;

	vt_init(&t);
	g_clear_pointer(&t.conf.host, g_free);
	t.conf.sysfsdev = g_strdup("/sys/bus/pci/devices/0000:17:00.0/");
	t.conf.id = g_strdup("net0");
	vt_start(&t);
	g_assert_cmpstr(t.v->be->bdf, ==, FAKE_BDF);
	g_assert_cmpstr(t.d->name, ==, "net0");
	vt_fini(&t);
}

static void twice(void)
{
	struct err *e = NULL;
	struct pcidev *d;
	struct vt t;

	vt_init(&t);
	vt_start(&t);
	g_assert_cmpint(vdev_new(&d, t.ctx, &t.conf, true, true, &e), ==, -EBUSY);
	assert_contains(err_text(e), FAKE_BDF " is assigned to this machine already");
	g_assert_cmpuint(t.opens, ==, 1);
	err_free(e);
	/* Once it is gone it can be had again, at once. */
	vt_free_dev(&t);
	vt_assert_clean(&t);
	vt_start(&t);
	vt_fini(&t);
}

static void naming(void)
{
	refused(NULL, NULL, -EINVAL, "which device?");
	refused("17:00.0", "/sys/x/0000:17:00.0", -EINVAL, "twice");
	refused("17:00", NULL, -EINVAL, "host=17:00 is not a PCI address");
	refused(NULL, "/sys/bus/mdev/devices/uuid", -EINVAL, "is not a PCI address");
	by_path();
	twice();
}

/* --- faults --------------------------------------------------------------------------------- */

/* Everything that a guest can set in motion once. */
static void exercise(struct vt *t)
{
	uint64_t e = AT_BAR0 + STD_TABLE;

	vt_place(t);
	aspace_read(t->mem, AT_BAR2, 4);
	aspace_write(t->io, AT_BAR4, 1, 1);
	fake_line(&t->fake, true);
	vt_pump(t);
	aspace_read(t->io, AT_BAR4, 1);
	fake_line(&t->fake, false);
	vt_set_cfg(t, STD_MSI + PCI_MSI_FLAGS, 0x21, 2);
	vt_set_cfg(t, STD_MSI + PCI_MSI_DATA_64, 0x50, 2);
	vt_set_cfg(t, STD_MSI + PCI_MSI_FLAGS, 0, 2);
	for (unsigned i = 0; i < 3; i++)
		aspace_write(t->mem, e + 16 * i + 12, i == 1, 4);
	vt_set_cfg(t, STD_MSIX + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	aspace_write(t->mem, e + 12, 1, 4);
	aspace_write(t->mem, e + 5 * 16 + 12, 0, 4);
	aspace_read(t->mem, AT_BAR0 + STD_PBA, 8);
	vt_pump(t);
	vt_set_cfg(t, STD_PM + PCI_PM_CTRL, 3, 2);
	vt_set_cfg(t, STD_PM + PCI_PM_CTRL, 0, 2);
	pcihost_reset(&t->host);
	vt_pump(t);
}

static void with_rom(struct vt *t)
{
	fake_region(&t->fake, VFIO_PCI_ROM_REGION_INDEX, 0x1000, VFIO_REGION_INFO_FLAG_READ);
}

/*
 * The n-th call to the host fails, from the first of realize to the last of release.  True: n was
 * past the last one.
 */
static bool host_fault(unsigned n, bool by_hand, unsigned *refusals)
{
	struct err *e = NULL;
	struct vt t;
	bool past;

	vt_init(&t);
	with_rom(&t);
	t.conf.no_kvm_intx = by_hand;
	t.chip.refuse_irqfd = by_hand;
	t.fake.fail_at = n;
	t.fake.fail_err = n & 1 ? EIO : EINVAL;
	if (vt_try(&t, &e) < 0) {
		++*refusals;
		assert_contains(err_text(e), "-device vfio-pci,host=17:00.0: ");
		g_assert_cmpint(err_code(e), ==, -t.fake.fail_err);
		err_free(e);
		vt_assert_clean(&t);
		/* The next try, with the same context, works. */
		vt_start(&t);
	} else {
		pcihost_reset(&t.host);
		exercise(&t);
	}
	vt_free_dev(&t);
	past = t.fake.calls < n;
	/* A host that failed to disarm cannot blame us for arming the next mode. */
	if (!past)
		t.fake.violations = 0;
	vt_fini(&t);
	return past;
}

static void host_faults(void)
{
	for (int by_hand = 0; by_hand < 2; by_hand++) {
		unsigned refusals = 0, n = 1;

		while (!host_fault(n, by_hand, &refusals))
			n++;
		/*
		 * Config and six BARs' infos, the snapshot, the MSI-X index: without these there
		 * is no device.
		 */
		g_assert_cmpuint(refusals, ==, 9);
		g_assert_cmpuint(n, >, 60);
	}
}

static void chip_faults(void)
{
	unsigned n = 1;
	bool past = false;

	for (; !past; n++) {
		struct vt t;

		vt_init(&t);
		t.chip.fail_at = n;
		vt_start(&t);
		exercise(&t);
		vt_free_dev(&t);
		past = t.chip.calls < n;
		vt_fini(&t);
	}
	g_assert_cmpuint(n, >, 20);
}

static void cannot_open(void)
{
	struct err *e = NULL;
	struct vt t;

	vt_init(&t);
	t.open_err = -EBUSY;
	g_assert_cmpint(vt_try(&t, &e), ==, -EBUSY);
	assert_contains(err_text(e), "-device vfio-pci,host=17:00.0: open 0000:17:00.0: ");
	err_free(e);
	g_assert_cmpint(vt_try(&t, NULL), ==, -EBUSY);
	vt_fini(&t);
}

/* --- release -------------------------------------------------------------------------------- */

static void in_msi(struct vt *t)
{
	vt_set_cfg(t, STD_MSI + PCI_MSI_FLAGS, 0x51, 2);
}

static void in_msix(struct vt *t)
{
	aspace_write(t->mem, AT_BAR0 + STD_TABLE + 12, 0, 4);
	vt_set_cfg(t, STD_MSIX + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
}

static void in_intx(struct vt *t)
{
	fake_line(&t->fake, true);
	vt_pump(t);
}

static void asleep(struct vt *t)
{
	vt_set_cfg(t, STD_PM + PCI_PM_CTRL, 3, 2);
}

static void by_hand(struct vt *t)
{
	t->conf.no_kvm_intx = t->conf.no_kvm_msi = t->conf.no_kvm_msix = true;
}

/* Whatever mode it is in: all is disarmed before the descriptor is closed. */
static void goes(void (*setup)(struct vt *t), void (*guest)(struct vt *t), const char *off)
{
	struct vt t;

	vt_init(&t);
	if (setup)
		setup(&t);
	vt_start(&t);
	vt_place(&t);
	guest(&t);
	fake_log_clear(&t.fake);
	vt_free_dev(&t);
	fake_assert_order(&t.fake, off, "close", NULL);
	fake_assert_order(&t.fake, "err off", "close", NULL);
	fake_assert_order(&t.fake, "req off", "close", NULL);
	vt_fini(&t);
}

static void release(void)
{
	goes(NULL, in_msi, "msi off");
	goes(NULL, in_msix, "msix off");
	goes(NULL, in_intx, "intx off");
	goes(by_hand, in_msi, "msi off");
	goes(by_hand, in_msix, "msix off");
	goes(by_hand, in_intx, "intx off");
	goes(NULL, asleep, "intx off");
	vt_messages_clear();
}

static void small_bar(struct vt *t)
{
	fake_bar(&t->fake, 1, 0x400, 0);
}

/* The part of a page that was lent to a small BAR must leave before its mapping does. */
static void grown(struct vt *t)
{
	vt_set_cfg(t, PCI_BASE_ADDRESS_1, 0xc2000000, 4);
	g_assert_cmpstr(vt_region_at(t, 0xc2000800, NULL, NULL), ==, "vfio-bar");
	pcidev_unplug(t->d);
	t->d->ops->free(t->d);
	t->d = NULL;
	g_assert_cmpstr(vt_region_at(t, 0xc2000800, NULL, NULL), ==, "");
}

static void small(void)
{
	vt_run_guest(small_bar, grown);
}

/* --- reset ---------------------------------------------------------------------------------- */

static void order(struct vt *t)
{
	in_msix(t);
	asleep(t);
	fake_log_clear(&t->fake);
	pcihost_reset(&t->host);
	fake_assert_order(&t->fake, "msix off", "cfg 0x44 = 0x8/2", "cfg 0x4 = 0x0/2", "reset",
			  "cfg 0x10 = 0x0/4", "cfg 0x18 = 0x0/4", "cfg 0x24 = 0x0/4", "intx 0: +",
			  NULL);
	g_assert_false(fake_said(&t->fake, "hot reset"));
	g_assert_cmphex(pci_get16(t->fake.cfg + PCI_COMMAND), ==, 0);
	g_assert_cmphex(vt_cfg(t, PCI_COMMAND, 2), ==, 0);
	g_assert_cmphex(vt_cfg(t, PCI_BASE_ADDRESS_0, 4), ==, 0);
	g_assert_cmpstr(vt_region_at(t, AT_BAR0, NULL, NULL), ==, "");
}

/* COMMAND keeps what a reset does not concern (parity, SERR). */
static void keeps_rest(struct vt *t)
{
	vt_set_cfg(t, PCI_COMMAND, 0x0547, 2);
	fake_log_clear(&t->fake);
	pcihost_reset(&t->host);
	g_assert_true(fake_said(&t->fake, "cfg 0x4 = 0x140/2"));
}

static void count(struct vt *t, unsigned resets, unsigned hot, const char *last)
{
	unsigned r = 0, h = 0;

	fake_log_clear(&t->fake);
	pcihost_reset(&t->host);
	for (char *p = t->fake.log->str; *p; p = strchr(p, '\n') + 1) {
		r += g_str_has_prefix(p, "reset\n");
		h += g_str_has_prefix(p, "hot reset\n");
	}
	g_assert_cmpuint(r, ==, resets);
	g_assert_cmpuint(h, ==, hot);
	if (last)
		fake_assert_order(&t->fake, hot && resets ? "hot reset" : last, NULL);
	if (hot && resets && !strcmp(last, "reset"))
		fake_assert_order(&t->fake, "hot reset", "reset", NULL);
	g_assert_cmpint(t->v->mode, ==, VDEV_INT_INTX); /* whatever happened, it goes on */
}

static void flr(struct vt *t)
{
	count(t, 1, 0, "reset");
	t->fake.reset_err = -ENOTTY; /* FLR fails: hot, no PM after it worked */
	count(t, 1, 1, "hot reset");
	t->fake.hot_reset_err = -EPERM; /* both fail: once more, then on */
	count(t, 2, 1, "hot reset");
}

static void no_flr(struct vt *t)
{
	pci_set32(t->fake.cfg + STD_EXP + PCI_EXP_DEVCAP, 0);
}

static void pm_resets(struct vt *t)
{
	no_flr(t);
	pci_set16(t->fake.cfg + STD_PM + PCI_PM_CTRL, 0); /* NoSoftRst- */
}

static void hot_before_pm(struct vt *t)
{
	count(t, 0, 1, "hot reset");
	t->fake.hot_reset_err = -EPERM;
	count(t, 1, 1, "reset");
}

static void af_flr(struct vt *t)
{
	pm_resets(t);
	fake_cap(&t->fake, STD_VNDR, PCI_CAP_ID_AF, 0);
	t->fake.cfg[STD_VNDR + PCI_AF_CAP] = PCI_AF_CAP_FLR | PCI_AF_CAP_TP;
}

/* The guest does not see the capability, the reset must. */
static void hidden_flr(struct vt *t)
{
	pci_set16(t->fake.cfg + STD_PM + PCI_PM_CTRL, 0);
	pci_set16(t->fake.cfg + STD_EXP + PCI_EXP_FLAGS, 2 | PCI_EXP_TYPE_LEG_END << 4);
}

static void cannot_reset(struct vt *t)
{
	t->fake.dev.flags &= ~(uint32_t)VFIO_DEVICE_FLAGS_RESET;
}

static void only_hot(struct vt *t)
{
	count(t, 0, 1, "hot reset");
	t->fake.hot_reset_err = -EPERM;
	count(t, 0, 1, NULL);
}

static void one_flr(struct vt *t)
{
	count(t, 1, 0, "reset");
}

static void stuck(struct vt *t)
{
	asleep(t);
	t->fake.wmask[STD_PM + PCI_PM_CTRL] = 0;
	pcihost_reset(&t->host);
	vt_assert_said(
		"vfio-pci,host=0000:17:00.0: stuck in D3; the host may need disable_idle_d3=1");
}

static void reset(void)
{
	vt_run_guest(NULL, order);
	vt_run_guest(NULL, keeps_rest);
	vt_run_guest(NULL, flr);
	vt_run_guest(no_flr,
		     one_flr); /* no PM reset either: the host's word that it can is all there is */
	vt_run_guest(pm_resets, hot_before_pm);
	vt_run_guest(af_flr, one_flr);
	vt_run_guest(hidden_flr, one_flr);
	vt_run_guest(cannot_reset, only_hot);
	vt_run_guest(NULL, stuck);
}

/* --- the host's events ---------------------------------------------------------------------- */

static void error_event(struct vt *t)
{
	vt_irq(t, VFIO_PCI_ERR_IRQ_INDEX, 0);
	vt_pump(t);
	g_assert_cmpuint(t->fatals, ==, 1);
	assert_contains(t->fatal->str, "vfio-pci,host=0000:17:00.0");
	assert_contains(t->fatal->str, "uncorrectable error");
	vt_pump(t);
	g_assert_cmpuint(t->fatals, ==, 1);
	vt_irq(t, VFIO_PCI_ERR_IRQ_INDEX, 0);
	vt_pump(t);
	g_assert_cmpuint(t->fatals, ==, 2);
	g_assert_true(t->fake.open);
}

static void request(struct vt *t)
{
	unsigned bdf = pcidev_bdf(t->d);

	g_assert_cmphex(pcihost_cfg_read(&t->host, bdf, 0, 4), ==, 0x56781234);
	fake_line(&t->fake, true);
	if (t->conf.no_kvm_intx)
		vt_pump(t);
	vt_irq(t, VFIO_PCI_REQ_IRQ_INDEX, 0);
	vt_pump(t);
	vt_assert_said("vfio-pci,host=0000:17:00.0: the host wants the device back");
	t->d = NULL; /* it freed itself */
	vt_assert_clean(t);
	fake_assert_order(&t->fake, "intx off", "close", NULL);
	g_assert_cmphex(pcihost_cfg_read(&t->host, bdf, 0, 4), ==, UINT32_MAX);
	g_assert_cmphex(aspace_read(t->mem, AT_BAR0, 4), ==, UINT32_MAX);
	g_assert_cmphex(aspace_read(t->io, AT_BAR4, 4), ==, UINT32_MAX);
	pcihost_reset(&t->host);
	g_assert_cmpuint(t->fatals, ==, 0);
}

static void no_events(struct vt *t)
{
	t->conf.no_err = t->conf.no_req = true;
}

static void not_armed(struct vt *t)
{
	g_assert_cmpuint(t->fake.n[VFIO_PCI_ERR_IRQ_INDEX], ==, 0);
	g_assert_cmpuint(t->fake.n[VFIO_PCI_REQ_IRQ_INDEX], ==, 0);
}

static void no_aer(struct vt *t)
{
	t->fake.irq[VFIO_PCI_ERR_IRQ_INDEX].count = 0;
}

static void only_request(struct vt *t)
{
	g_assert_cmpint(t->v->err_fd, ==, -1);
	g_assert_cmpuint(t->fake.n[VFIO_PCI_REQ_IRQ_INDEX], ==, 1);
}

/* One event that cannot be had costs the other nothing. */
static void error_refused(void)
{
	struct vt t;

	for (unsigned n = 1;; n++) {
		vt_init(&t);
		t.fake.fail_at = n;
		vt_try(&t, NULL);
		if (t.d && strstr(vt_messages(), "the host's error event cannot be had: "))
			break;
		g_assert_cmpuint(n, <, 100);
		vt_fini(&t);
	}
	only_request(&t);
	vt_fini(&t);
}

static void events(void)
{
	vt_run_guest(NULL, error_event);
	vt_run_guest(NULL, request);
	vt_run_guest(by_hand, request);
	vt_run_guest(no_events, not_armed);
	vt_run_guest(no_aer, only_request);
	error_refused();
}

/* --- the host takes it while vCPUs use it --------------------------------------------------- */

struct user {
	struct vt *t;
	gint stop, in;
};

static gpointer vcpu(gpointer opaque)
{
	struct user *u = opaque;
	unsigned bdf = PCI_DEVFN(3, 0);

	aspace_thread_enter();
	for (unsigned i = 0; !g_atomic_int_get(&u->stop); i++) {
		aspace_read(u->t->mem, AT_BAR2 + 8, 4);
		aspace_write(u->t->io, AT_BAR4, i, 1);
		pcihost_cfg_read(&u->t->host, bdf, 0, 4);
		pcihost_cfg_write(&u->t->host, bdf, STD_MSIX + PCI_MSIX_FLAGS, i & 1 ? 0x8000 : 0,
				  2);
		aspace_write(u->t->mem, AT_BAR0 + STD_TABLE + 12, i & 2, 4);
		g_atomic_int_inc(&u->in);
	}
	aspace_thread_leave();
	return NULL;
}

static void all_by_hand(struct vt *t)
{
	by_hand(t);
	t->conf.no_mmap = true;
}

static void taken(struct vt *t)
{
	struct user u = {.t = t};
	GThread *thread = g_thread_new("vcpu", vcpu, &u);
	int seen;

	while (g_atomic_int_get(&u.in) < 200)
		g_main_context_iteration(NULL, FALSE);
	vt_irq(t, VFIO_PCI_REQ_IRQ_INDEX, 0);
	while (t->fake.open)
		g_main_context_iteration(NULL, TRUE);
	seen = g_atomic_int_get(&u.in);
	while (g_atomic_int_get(&u.in) < seen + 50)
		g_thread_yield();
	g_atomic_int_set(&u.stop, 1);
	g_thread_join(thread);
	t->d = NULL;
	vt_messages_clear();
}

static void threads(void)
{
	for (int i = 0; i < 5; i++)
		vt_run_guest(i & 1 ? all_by_hand : NULL, taken);
}

int main(int argc, char **argv)
{
	vt_test_init(&argc, &argv);
	g_test_add_func("/vdev/naming", naming);
	g_test_add_func("/vdev/host-faults", host_faults);
	g_test_add_func("/vdev/chip-faults", chip_faults);
	g_test_add_func("/vdev/cannot-open", cannot_open);
	g_test_add_func("/vdev/release", release);
	g_test_add_func("/vdev/small-bar", small);
	g_test_add_func("/vdev/reset", reset);
	g_test_add_func("/vdev/events", events);
	g_test_add_func("/vdev/threads", threads);
	return g_test_run();
}
