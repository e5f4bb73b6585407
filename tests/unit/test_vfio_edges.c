// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The edges of the user-space VFIO stack: users that do not answer, eventfds that are full,
 * capabilities in the last bytes, functions that go or that the IOMMU does not see.
 */
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include "host_util.h"
#include "vfio/device.h"
#include "vfio/host/private.h"
#include "vfio/pci/vpci.h"

#define TRIGGER VFIO_IRQ_SET_ACTION_TRIGGER
#define EVENTFD VFIO_IRQ_SET_DATA_EVENTFD

static void *unbind_thread(void *opaque)
{
	return GINT_TO_POINTER(hu_write(opaque, "drivers/vfio-pci/unbind", HU_FIRST));
}

/* A function that the IOMMU does not see: the host's driver has it, VFIO does not get it. */
static void no_iommu(void)
{
	struct host *h = vfio_host_new(NULL);
	char group[64];

	host_no_iommu(h, HU_FIRST);
	hu_plug(hu_edu(), hu_port(h, 1), 0);
	hu_plug(hu_edu(), hu_port(h, 2), 0);
	g_assert_cmpint(host_scan(h, NULL), ==, 0);
	g_assert_cmpint(host_scan(h, NULL), ==, 0);
	g_assert_cmpstr(hu_link(h, HU_FIRST, "iommu_group", group), ==, "");
	g_assert_cmpstr(hu_link(h, HU_SECOND, "iommu_group", group), !=, "");
	hu_bind(h, HU_FIRST);
	g_assert_false(hu_is_bound(h, HU_FIRST));
	g_assert_cmpint(hu_write(h, "drivers/vfio-pci/bind", HU_FIRST), ==, -EINVAL);
	g_assert_cmpint(hu_bind(h, HU_SECOND), ==, 0);
	g_assert_true(hu_is_bound(h, HU_SECOND));
	vfio_host_free(h);
}

/* Two that make the group of one IOMMU group: both get the one that was first. */
static void group_race(void)
{
	struct host *h = host_bound();
	struct iommu_group *ig;
	struct vfio_group *g;
	unsigned refs;

	host_lock(h);
	ig = host_find(h, HU_FIRST)->group;
	g = ig->vfio;
	refs = g->refs;
	g_assert_true(vfio_create_group(h, ig) == g);
	g_assert_cmpuint(g->refs, ==, refs + 1);
	vfio_group_put(g);
	g_assert_true(ig->vfio == g);
	host_unlock(h);
	vfio_host_free(h);
}

/* With request_ms the user is asked again and again, though nothing changes. */
static void asked_again(void)
{
	const struct host_conf conf = {.request_ms = 1};
	struct host *h = vfio_host_new(&conf);
	int req = eventfd(0, EFD_CLOEXEC); /* reads wait */
	GThread *t;
	eventfd_t n;
	struct hu u;

	hu_plug(hu_edu(), hu_port(h, 1), 0);
	g_assert_cmpint(host_scan(h, NULL), ==, 0);
	g_assert_cmpint(hu_bind(h, HU_FIRST), ==, 0);
	g_assert_cmpint(hu_open(&u, h, HU_FIRST), ==, 0);
	g_assert_cmpint(
		hu_irqs(u.dev, EVENTFD | TRIGGER, VFIO_PCI_REQ_IRQ_INDEX, 0, 1, &req, sizeof(req)),
		==, 0);
	t = g_thread_new("unbind", unbind_thread, h);
	for (int i = 0; i < 5; i++)
		g_assert_cmpint(eventfd_read(req, &n), ==, 0);
	hu_close(&u);
	g_assert_cmpint(GPOINTER_TO_INT(g_thread_join(t)), ==, 0);
	close(req);
	vfio_host_free(h);
}

/* An eventfd that a write would wait for: the host does not. */
static void full_eventfd(void)
{
	struct host *h = host_bound();
	int fd = eventfd(0, EFD_CLOEXEC);
	eventfd_t n;
	struct hu u;

	g_assert_cmpint(hu_open(&u, h, HU_FIRST), ==, 0);
	g_assert_cmpint(eventfd_write(fd, UINT64_MAX - 1), ==, 0);
	g_assert_cmpint(
		hu_irqs(u.dev, EVENTFD | TRIGGER, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, &fd, sizeof(fd)),
		==, 0);
	g_assert_cmpint(hu_irqs(u.dev, VFIO_IRQ_SET_DATA_NONE | TRIGGER, VFIO_PCI_MSIX_IRQ_INDEX, 0,
				1, NULL, 0),
			==, 0);
	hu_cfg_write(u.dev, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	pcimsix_raise(hostdev_model(host_find(h, HU_FIRST))->msix, 0);
	g_assert_cmpint(eventfd_read(fd, &n), ==, 0);
	g_assert_true(n == UINT64_MAX - 1);
	pcimsix_raise(hostdev_model(host_find(h, HU_FIRST))->msix, 0);
	g_assert_cmpint(eventfd_read(fd, &n), ==, 0);
	g_assert_cmpuint(n, ==, 1);
	hu_close(&u);
	close(fd);
	vfio_host_free(h);
}

static void raw_free(struct pcidev *d)
{
	g_free(d);
}

static const struct pcidev_ops raw_ops = {.model = "raw", .free = raw_free};

/* A conventional device of 256 bytes whose capability begins at `at`. */
static struct host *host_raw(uint8_t at, const uint8_t *bytes, unsigned n)
{
	struct host *h = vfio_host_new(NULL);
	struct pcidev *d = g_new0(struct pcidev, 1);

	pcidev_init(d, &raw_ops, PCI_CFG_CONV, 0x1d6b, 1, 0xff0000, 0);
	d->cfg[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	d->cfg[PCI_CAPABILITY_LIST] = at;
	memcpy(d->cfg + at, bytes, n);
	hu_plug(d, hu_port(h, 1), 0);
	g_assert_cmpint(host_scan(h, NULL), ==, 0);
	g_assert_cmpint(hu_bind(h, HU_FIRST), ==, 0);
	return h;
}

/* Capabilities that begin in the last bytes: their registers would lie behind the space. */
static void last_bytes(void)
{
	static const uint8_t ids[] = {PCI_CAP_ID_PM,  PCI_CAP_ID_VPD, PCI_CAP_ID_MSI,
				      PCI_CAP_ID_EXP, PCI_CAP_ID_AF,  PCI_CAP_ID_VNDR};

	for (unsigned i = 0; i < G_N_ELEMENTS(ids); i++)
		for (unsigned at = 0xfc; at <= 0xff; at++) {
			const uint8_t bytes[] = {ids[i], 0};
			struct host *h = host_raw((uint8_t)at, bytes, at == 0xff ? 1 : 2);
			struct hu u;

			if (hu_open(&u, h, HU_FIRST) == 0) { /* at an odd address it may not */
				for (unsigned off = 0xf8; off < 0x100; off++)
					hu_cfg_write(u.dev, off, 0xff, 1);
				for (unsigned off = 0xf8; off < 0x100; off += 2)
					hu_cfg_write(u.dev, off, 0xffff, 2);
				hu_cfg_write(u.dev, 0xfc, 0xffffffff, 4);
				hu_close(&u);
			}
			vfio_host_free(h);
		}
}

/* A bridge that goes takes along what is below it; its user is asked and waited for first. */
static void bridge_removed(void)
{
	struct host *h = host_bound();

	g_assert_cmpint(hu_write(h, "devices/0000:00:01.0/remove", "1"), ==, 0);
	g_assert_null(host_find(h, HU_FIRST));
	g_assert_null(host_find(h, "0000:00:01.0"));
	g_assert_cmpint(hu_write(h, "rescan", "1"), ==, 0);
	g_assert_nonnull(host_find(h, HU_FIRST));
	vfio_host_free(h);
}

int main(int argc, char **argv)
{
	int ret;

	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/vfio-edges/no-iommu", no_iommu);
	g_test_add_func("/vfio-edges/group-race", group_race);
	g_test_add_func("/vfio-edges/asked-again", asked_again);
	g_test_add_func("/vfio-edges/full-eventfd", full_eventfd);
	g_test_add_func("/vfio-edges/last-bytes", last_bytes);
	g_test_add_func("/vfio-edges/bridge-removed", bridge_removed);
	ret = g_test_run();
	aspace_thread_leave();
	return ret;
}
