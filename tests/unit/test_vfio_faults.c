// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each step of the host and of VFIO that can fail does so once: the first, the second, and so on
 * until the whole succeeds.  A failure leaves nothing behind: the next try starts from the same
 * state, and nothing leaks (the sanitizers' build says).
 */
#include <sys/mman.h>

#include "host_util.h"
#include "vfio/device.h"
#include "vfio/host/private.h"
#include "vfio/pci/vpci.h"

/* What is made of a host that can go wrong; 0 or -errno. */
typedef int attempt(struct host *h, void *opaque);
/* What must be so after a failure. */
typedef void check(struct host *h, void *opaque);

#define STEPS_MAX 200

/* How many steps failed before it went well. */
static unsigned until_success(struct host *h, attempt *try, check *nothing_left, void *opaque)
{
	unsigned n;
	int ret = -ENOMEM;

	for (n = 0; ret < 0; n++) {
		g_assert_cmpuint(n, <, STEPS_MAX);
		host_fail_step(h, n + 1);
		ret = try(h, opaque);
		g_assert_cmpint(ret, ==, ret ? -ENOMEM : 0);
		if (ret < 0)
			nothing_left(h, opaque);
	}
	g_assert_cmpuint(h->fault, >, 0); /* it was not the failure that was overlooked */
	host_fail_step(h, 0);
	return n - 1;
}

static struct host *host_with_devices(void)
{
	struct host *h = vfio_host_new(NULL);

	hu_plug(hu_nvme(), hu_port(h, 1), 0);
	hu_plug(hu_edu(), hu_port(h, 2), 0);
	return h;
}

/* --- start-up --- */

static int try_init(struct host *h, void *opaque)
{
	return vfio_pci_init(h);
}

static void no_vfio(struct host *h, void *opaque)
{
	g_assert_null(h->vfio);
	g_assert_null(h->virqfd);
	g_assert_null(host_driver(h, "vfio-pci"));
	vfio_pci_cleanup(h); /* of nothing */
}

static void init(void)
{
	struct host *h = host_new(NULL);

	g_assert_cmpuint(until_success(h, try_init, no_vfio, NULL), >=, 4);
	g_assert_nonnull(host_driver(h, "vfio-pci"));
	vfio_pci_cleanup(h);
	no_vfio(h, NULL);
	g_assert_cmpint(vfio_pci_init(h), ==, 0);
	vfio_host_free(h);
}

/* --- scan --- */

static int try_scan(struct host *h, void *opaque)
{
	struct err *e = NULL;
	int ret = host_scan(h, &e);

	g_assert_cmpint(!e, ==, !ret);
	err_free(e);
	return ret;
}

/* A scan that fails may have found functions; what it says is only that it is not done. */
static void no_driver(struct host *h, void *opaque)
{
	for (guint i = 0; i < h->devs->len; i++)
		g_assert_null(((struct hostdev *)h->devs->pdata[i])->drv);
}

static void scan(void)
{
	struct host *h = host_with_devices();
	char drv[64];
	struct hu u;

	g_assert_cmpuint(until_success(h, try_scan, no_driver, NULL), >=, 4);
	g_assert_cmpuint(h->devs->len, ==, 4);
	g_assert_cmpstr(hu_link(h, HU_FIRST, "driver", drv), ==, "nvme");
	g_assert_cmpint(hu_bind(h, HU_FIRST), ==, 0);
	g_assert_cmpint(hu_open(&u, h, HU_FIRST), ==, 0);
	hu_cfg_write(u.dev, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	hu_close(&u);
	vfio_host_free(h);
}

/* --- bind --- */

static int try_bind(struct host *h, void *opaque)
{
	return hu_write(h, "drivers/vfio-pci/bind", HU_FIRST);
}

static void not_bound(struct host *h, void *opaque)
{
	struct hostdev *d = host_find(h, HU_FIRST);

	g_assert_null(d->drv);
	g_assert_null(d->vfio);
	g_assert_null(d->group->vfio);
	g_assert_cmpuint(d->group->owners, ==, 0);
}

static void bind(void)
{
	struct host *h = host_with_devices();

	g_assert_cmpint(host_scan(h, NULL), ==, 0);
	g_assert_cmpint(hu_attr(h, HU_FIRST, "driver_override", "vfio-pci"), ==, 0);
	g_assert_cmpint(hu_write(h, "drivers/nvme/unbind", HU_FIRST), ==, 0);
	for (unsigned i = 0; i < 2; i++) {
		g_assert_cmpuint(until_success(h, try_bind, not_bound, NULL), >=, 3);
		g_assert_true(hu_is_bound(h, HU_FIRST));
		g_assert_cmpint(hu_write(h, "drivers/vfio-pci/unbind", HU_FIRST), ==, 0);
		not_bound(h, NULL);
	}
	vfio_host_free(h);
}

static int try_new_id(struct host *h, void *opaque)
{
	return hu_write(h, "drivers/vfio-pci/new_id", "1b36 0010");
}

static void no_id(struct host *h, void *opaque)
{
	g_assert_cmpuint(host_driver(h, "vfio-pci")->dynids->len, ==, 0);
	not_bound(h, NULL);
}

static void new_id(void)
{
	struct host *h = host_with_devices();

	g_assert_cmpint(host_scan(h, NULL), ==, 0);
	g_assert_cmpint(hu_write(h, "drivers/nvme/unbind", HU_FIRST), ==, 0);
	host_fail_step(h, 1);
	g_assert_cmpint(try_new_id(h, NULL), ==, -ENOMEM);
	no_id(h, NULL);
	host_fail_step(h, 2); /* the id is there, the probe fails: it can be asked for again */
	g_assert_cmpint(try_new_id(h, NULL), ==, 0);
	not_bound(h, NULL);
	host_fail_step(h, 0);
	g_assert_cmpint(hu_write(h, "drivers_probe", HU_FIRST), ==, 0);
	g_assert_true(hu_is_bound(h, HU_FIRST));
	vfio_host_free(h);
}

/* --- open --- */

static int try_open(struct host *h, void *opaque)
{
	return hu_open(opaque, h, HU_FIRST);
}

static void not_open(struct host *h, void *opaque)
{
	struct hostdev *d = host_find(h, HU_FIRST);
	const struct vfio_group *g = d->group->vfio;

	g_assert_cmpuint(g_hash_table_size(h->vfio->files), ==, 0);
	g_assert_cmpuint(d->vfio->dev.users, ==, 0);
	g_assert_cmpuint(d->vfio->dev.refs, ==, 1);
	g_assert_null(d->vfio->map);
	g_assert_null(d->vfio->vconfig);
	g_assert_cmpint(d->enabled, ==, 0);
	g_assert_cmpuint(g->refs, ==, 1);
	g_assert_false(g->opened);
	g_assert_null(g->container);
	g_assert_null(d->group->owner);
	g_assert_null(d->group->domain);
}

static void open_device(void)
{
	struct host *h = host_with_devices();
	struct hu u;

	g_assert_cmpint(host_scan(h, NULL), ==, 0);
	g_assert_cmpint(hu_bind(h, HU_FIRST), ==, 0);
	for (unsigned i = 0; i < 2; i++) {
		g_assert_cmpuint(until_success(h, try_open, not_open, &u), >=, 10);
		g_assert_cmphex(hu_cfg_read(u.dev, 0, 4), ==, 0x00101b36);
		hu_close(&u);
		not_open(h, NULL);
	}
	vfio_host_free(h);
}

/* A container that fails for its second group serves the first as before. */
static int try_attach(struct host *h, void *opaque)
{
	struct hu *u = opaque;
	int fd = vfio_fileno(u->container);

	return (int)vfio_ioctl(u->dev, VFIO_GROUP_SET_CONTAINER, &fd);
}

static void not_attached(struct host *h, void *opaque)
{
	struct iommu_group *g = host_find(h, HU_SECOND)->group;

	g_assert_null(g->owner);
	g_assert_null(g->domain);
	g_assert_nonnull(host_find(h, HU_FIRST)->group->domain);
}

static void attach(void)
{
	struct host *h = host_with_devices();
	struct hu u, second = {.h = h};

	g_assert_cmpint(host_scan(h, NULL), ==, 0);
	g_assert_cmpint(hu_bind(h, HU_FIRST), ==, 0);
	g_assert_cmpint(hu_bind(h, HU_SECOND), ==, 0);
	g_assert_cmpint(hu_open(&u, h, HU_FIRST), ==, 0);
	second.container = u.container;
	g_assert_cmpint(hu_open_group(h, HU_SECOND, &second.dev), ==, 0);
	g_assert_cmpuint(until_success(h, try_attach, not_attached, &second), >=, 1);
	vfio_close(second.dev);
	hu_close(&u);
	vfio_host_free(h);
}

/* --- MAP_DMA --- */

struct mapping {
	struct hu user;
	void *mem;
};

static int try_map(struct host *h, void *opaque)
{
	struct mapping *m = opaque;

	return (int)hu_map(&m->user, 0x10000, m->mem, 8192);
}

static void not_mapped(struct host *h, void *opaque)
{
	struct mapping *m = opaque;

	g_assert_cmpint(hu_unmap(&m->user, 0x10000, 8192, 0), ==, 0);
}

static void map(void)
{
	struct host *h = host_with_devices();
	struct mapping m;

	m.mem = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	host_set_memlock(h, 8192);
	g_assert_cmpint(host_scan(h, NULL), ==, 0);
	g_assert_cmpint(hu_bind(h, HU_FIRST), ==, 0);
	g_assert_cmpint(hu_open(&m.user, h, HU_FIRST), ==, 0);
	for (unsigned i = 0; i < 2; i++) {
		g_assert_cmpuint(until_success(h, try_map, not_mapped, &m), >=, 1);
		g_assert_cmpint(hu_map(&m.user, 0x20000, m.mem, 4096), ==, -ENOMEM); /* the limit */
		g_assert_cmpint(hu_unmap(&m.user, 0x10000, 8192, 0), ==, 8192);
	}
	munmap(m.mem, 8192);
	g_assert_cmpint(try_map(h, &m), ==, -EFAULT);
	not_mapped(h, &m);
	hu_close(&m.user);
	vfio_host_free(h);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_log_set_always_fatal(G_LOG_FATAL_MASK);
	aspace_thread_enter();
	g_test_add_func("/vfio-faults/init", init);
	g_test_add_func("/vfio-faults/scan", scan);
	g_test_add_func("/vfio-faults/bind", bind);
	g_test_add_func("/vfio-faults/new-id", new_id);
	g_test_add_func("/vfio-faults/open", open_device);
	g_test_add_func("/vfio-faults/attach", attach);
	g_test_add_func("/vfio-faults/map", map);
	return g_test_run();
}
