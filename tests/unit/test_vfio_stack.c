// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The life of what VFIO hands out: who keeps what alive, in which order it may go, and what two
 * users of one host (or of two) see of each other.  Single answers are the recordings'
 * (tests/diff).
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
#define NONE VFIO_IRQ_SET_DATA_NONE
#define BOOL VFIO_IRQ_SET_DATA_BOOL

/* --- hosts --- */

static struct vfio_device *device_of(struct host *h, const char *bdf)
{
	return &host_find(h, bdf)->vfio->dev;
}

/* Bound and unused: nothing counts but the registration. */
static void assert_idle(struct host *h, const char *bdf)
{
	const struct vfio_device *d = device_of(h, bdf);

	g_assert_cmpuint(d->users, ==, 0);
	g_assert_cmpuint(d->refs, ==, 1);
	g_assert_false(d->group->opened);
	g_assert_cmpuint(d->group->holders, ==, 0);
	g_assert_cmpuint(d->group->refs, ==, 1);
	g_assert_cmpuint(d->group->container_users, ==, 0);
	g_assert_null(d->group->container);
	g_assert_null(d->group->iommu->owner);
	g_assert_null(d->group->iommu->domain);
	g_assert_cmpuint(g_hash_table_size(h->vfio->files), ==, 0);
}

static void assert_unbound(struct host *h, const char *bdf)
{
	g_assert_null(host_find(h, bdf)->vfio);
	g_assert_null(host_find(h, bdf)->group->vfio);
}

/* --- references --- */

/* The nth order of four things. */
static void order_of(unsigned n, unsigned order[4])
{
	unsigned left[4] = {0, 1, 2, 3};

	for (unsigned i = 0, have = 4; i < 4; i++, have--) {
		unsigned at = n % have;

		n /= have;
		order[i] = left[at];
		memmove(left + at, left + at + 1, (have - at - 1) * sizeof(left[0]));
	}
}

/* Container, group and two files of one device, closed in each order there is. */
static void any_order(void)
{
	struct host *h = host_bound();

	for (unsigned n = 0; n < 24; n++) {
		struct vfio_file *f[4], *again;
		unsigned order[4], open = 2;
		struct hu u;

		g_assert_cmpint(hu_open(&u, h, HU_FIRST), ==, 0);
		f[0] = u.container;
		f[1] = u.group;
		f[2] = u.dev;
		g_assert_cmpint(hu_open_device(&u, HU_FIRST, &f[3]), ==, 0);
		g_assert_cmpuint(device_of(h, HU_FIRST)->users, ==, 2);
		order_of(n, order);
		for (unsigned i = 0; i < 4; i++) {
			vfio_close(f[order[i]]);
			f[order[i]] = NULL;
			open -= order[i] >= 2;
			g_assert_cmpuint(device_of(h, HU_FIRST)->users, ==, open);
			for (unsigned k = 2; k < 4; k++)
				if (f[k])
					g_assert_cmphex(hu_cfg_read(f[k], 0, 4), ==, 0x00101b36);
			if (f[1] || f[2] || f[3])
				g_assert_cmpint(hu_open_group(h, HU_FIRST, &again), ==, -EBUSY);
		}
		assert_idle(h, HU_FIRST);
	}
	g_assert_cmpint(hu_write(h, "drivers/vfio-pci/unbind", HU_FIRST), ==, 0);
	assert_unbound(h, HU_FIRST);
	vfio_host_free(h);
}

/* A mapping of a BAR keeps the device open when its file is gone. */
static void mapping_keeps(void)
{
	struct host *h = host_bound();
	struct vfio_vma *m;
	uint32_t v = 0;
	struct hu u;

	g_assert_cmpint(hu_open(&u, h, HU_SECOND), ==, 0);
	hu_cfg_write(u.dev, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	g_assert_cmpint(vfio_mmap(u.dev, 0, 4096, PROT_READ, MAP_SHARED, &m), ==, 0);
	hu_close(&u);
	g_assert_cmpuint(device_of(h, HU_SECOND)->users, ==, 1);
	g_assert_cmpint(vfio_vma_read(m, EDU_ID, &v, 4), ==, 0);
	g_assert_cmphex(v, ==, EDU_ID_VALUE);
	vfio_munmap(m);
	assert_idle(h, HU_SECOND);
	vfio_host_free(h);
}

/* Two groups, one container; it outlives its file, and loses its mappings with the last group. */
static void shared_container(void)
{
	struct host *h = host_bound();
	void *mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct vfio_file *second;
	struct hu u;
	int fd;

	g_assert_cmpint(hu_open(&u, h, HU_FIRST), ==, 0);
	g_assert_cmpint(hu_map(&u, 0x10000, mem, 4096), ==, 0);
	g_assert_cmpint(hu_open_group(h, HU_SECOND, &second), ==, 0);
	fd = vfio_fileno(u.container);
	g_assert_cmpint(vfio_ioctl(second, VFIO_GROUP_SET_CONTAINER, &fd), ==, 0);
	g_assert_cmpint(vfio_ioctl(u.group, VFIO_GROUP_UNSET_CONTAINER, NULL), ==, -EBUSY);
	vfio_close(u.dev);
	g_assert_cmpint(vfio_ioctl(u.group, VFIO_GROUP_UNSET_CONTAINER, NULL), ==, 0);
	g_assert_cmpint(hu_map(&u, 0x10000, mem, 4096), ==, -EEXIST); /* the second holds it */
	g_assert_cmpint(vfio_ioctl(second, VFIO_GROUP_UNSET_CONTAINER, NULL), ==, 0);
	g_assert_cmpint(hu_map(&u, 0x10000, mem, 4096), ==, -EINVAL); /* no IOMMU any more */
	vfio_close(second);
	vfio_close(u.container);
	vfio_close(u.group);
	assert_idle(h, HU_FIRST);
	assert_idle(h, HU_SECOND);
	munmap(mem, 4096);
	vfio_host_free(h);
}

/* --- unbinding --- */

static void *unbind_thread(void *opaque)
{
	return GINT_TO_POINTER(hu_write(opaque, "drivers/vfio-pci/unbind", HU_FIRST));
}

/* Waits for the users, asks them, and lets more come meanwhile. */
static void unbind_waits(void)
{
	struct host *h = host_bound();
	int req = eventfd(0, EFD_CLOEXEC); /* reads wait */
	struct vfio_file *another = NULL;
	char drv[64];
	GThread *t;
	eventfd_t n;
	struct hu u;

	g_assert_cmpint(hu_open(&u, h, HU_FIRST), ==, 0);
	g_assert_cmpint(
		hu_irqs(u.dev, EVENTFD | TRIGGER, VFIO_PCI_REQ_IRQ_INDEX, 0, 1, &req, sizeof(req)),
		==, 0);
	t = g_thread_new("unbind", unbind_thread, h);
	g_assert_cmpint(eventfd_read(req, &n), ==, 0);
	g_assert_cmpstr(hu_link(h, HU_FIRST, "driver", drv), ==, "");
	g_assert_cmpint(hu_open_device(&u, HU_FIRST, &another), ==, 0);
	vfio_close(u.dev);
	g_assert_cmphex(hu_cfg_read(another, 0, 4), ==, 0x00101b36);
	g_assert_nonnull(host_find(h, HU_FIRST)->vfio);
	vfio_close(another);
	g_assert_cmpint(GPOINTER_TO_INT(g_thread_join(t)), ==, 0);
	g_assert_cmpint(hu_open_device(&u, HU_FIRST, &another), ==, -ENODEV);
	vfio_close(u.group);
	vfio_close(u.container);
	close(req);
	assert_unbound(h, HU_FIRST);
	g_assert_cmpint(hu_write(h, "drivers_probe", HU_FIRST), ==, 0);
	assert_idle(h, HU_FIRST);
	vfio_host_free(h);
}

/* A group's file alone keeps nobody from unbinding; it is good for nothing afterwards. */
static void unbind_under_group(void)
{
	struct host *h = host_bound();
	struct vfio_group_status st = {.argsz = sizeof(st)};
	struct vfio_file *group, *again;

	g_assert_cmpint(hu_open_group(h, HU_FIRST, &group), ==, 0);
	g_assert_cmpint(vfio_ioctl(group, VFIO_GROUP_GET_STATUS, &st), ==, 0);
	g_assert_cmpint(hu_write(h, "drivers/vfio-pci/unbind", HU_FIRST), ==, 0);
	g_assert_cmpint(vfio_ioctl(group, VFIO_GROUP_GET_STATUS, &st), ==, -ENODEV);
	g_assert_cmpint(hu_open_group(h, HU_FIRST, &again), ==, -ENOENT);
	g_assert_cmpint(hu_bind(h, HU_FIRST), ==, 0);
	vfio_close(group);
	assert_idle(h, HU_FIRST);
	vfio_host_free(h);
}

/* The function itself goes while a group is open: what is left is closed in peace. */
static void remove_under_group(void)
{
	struct host *h = host_bound();
	struct vfio_group_status st = {.argsz = sizeof(st)};
	struct vfio_file *group;

	g_assert_cmpint(hu_open_group(h, HU_FIRST, &group), ==, 0);
	g_assert_cmpint(hu_attr(h, HU_FIRST, "remove", "1"), ==, 0);
	g_assert_null(host_find(h, HU_FIRST));
	g_assert_cmpint(vfio_ioctl(group, VFIO_GROUP_GET_STATUS, &st), ==, -ENODEV);
	vfio_close(group);
	g_assert_cmpint(hu_write(h, "rescan", "1"), ==, 0);
	g_assert_cmpint(hu_bind(h, HU_FIRST), ==, 0);
	assert_idle(h, HU_FIRST);
	vfio_host_free(h);
}

/* The same with a container: the group leaves it with its last function. */
static void remove_under_container(void)
{
	struct host *h = host_bound();
	struct hu u;

	g_assert_cmpint(hu_open(&u, h, HU_FIRST), ==, 0);
	vfio_close(u.dev);
	u.dev = NULL;
	g_assert_cmpint(hu_attr(h, HU_FIRST, "remove", "1"), ==, 0);
	g_assert_cmpint(vfio_ioctl(u.group, VFIO_GROUP_UNSET_CONTAINER, NULL), ==, -EINVAL);
	g_assert_cmpint(vfio_ioctl(u.container, VFIO_SET_IOMMU, (void *)VFIO_TYPE1v2_IOMMU), ==,
			-EINVAL);
	hu_close(&u);
	g_assert_cmpint(hu_write(h, "rescan", "1"), ==, 0);
	g_assert_cmpint(hu_bind(h, HU_FIRST), ==, 0);
	assert_idle(h, HU_FIRST);
	vfio_host_free(h);
}

static void new_id(void)
{
	struct host *h = vfio_host_new(NULL);
	static const char text[] = "1b36 0010";
	char drv[64];
	struct hu u;

	hu_plug(hu_nvme(), hu_port(h, 1), 0);
	g_assert_cmpint(host_scan(h, NULL), ==, 0);
	g_assert_cmpstr(hu_link(h, HU_FIRST, "driver", drv), ==, "nvme");
	g_assert_cmpint(hu_open(&u, h, HU_FIRST), ==, -ENOENT);
	g_assert_cmpint(hu_write(h, "drivers/nvme/unbind", HU_FIRST), ==, 0);
	g_assert_cmpint(hu_write(h, "drivers/vfio-pci/new_id", text), ==, 0);
	g_assert_true(hu_is_bound(h, HU_FIRST));
	g_assert_cmpint(hu_write(h, "drivers/vfio-pci/new_id", text), ==, -EEXIST);
	g_assert_cmpint(hu_open(&u, h, HU_FIRST), ==, 0);
	g_assert_cmphex(hu_cfg_read(u.dev, 0, 4), ==, 0x00101b36);
	hu_close(&u);
	g_assert_cmpint(hu_write(h, "drivers/vfio-pci/remove_id", text), ==, 0);
	g_assert_cmpint(hu_write(h, "drivers/vfio-pci/remove_id", text), ==, -ENODEV);
	g_assert_cmpint(hu_write(h, "drivers/vfio-pci/unbind", HU_FIRST), ==, 0);
	g_assert_cmpint(hu_write(h, "drivers_probe", HU_FIRST), ==, 0);
	g_assert_cmpstr(hu_link(h, HU_FIRST, "driver", drv), ==, "nvme");
	vfio_host_free(h);
}

/* --- hot reset --- */

struct reset_args {
	uint32_t argsz, flags, count;
	int32_t fd[4];
};

static long hot_reset(struct vfio_file *dev, unsigned count, int a, int b)
{
	struct reset_args r = {sizeof(r), 0, count, {a, b, b, b}};

	return vfio_ioctl(dev, VFIO_DEVICE_PCI_HOT_RESET, &r);
}

/* Two functions of one slot, each with a group of its own: nobody resets the other's. */
static void hot_resets(void)
{
	struct host *h = vfio_host_new(NULL);
	static const char other[] = "0000:01:00.1";
	struct pcibus *bus = hu_port(h, 1);
	struct {
		struct vfio_pci_hot_reset_info i;
		struct vfio_pci_dependent_device d[2];
	} info = {.i.argsz = sizeof(info.i)};
	struct vfio_file *group;
	struct hu u;
	int mine, its;

	hu_plug(hu_nvme(), bus, 0);
	hu_plug(hu_nvme(), bus, 1);
	g_assert_cmpint(host_scan(h, NULL), ==, 0);
	g_assert_cmpint(hu_bind(h, HU_FIRST), ==, 0);
	g_assert_cmpint(hu_open(&u, h, HU_FIRST), ==, 0);
	g_assert_cmpint(vfio_ioctl(u.dev, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info), ==, -ENOSPC);
	g_assert_cmpuint(info.i.count, ==, 2);
	info.i.argsz = sizeof(info);
	g_assert_cmpint(vfio_ioctl(u.dev, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info), ==, 0);
	g_assert_cmpuint(info.i.devices[0].group_id, !=, info.i.devices[1].group_id);
	g_assert_cmphex(info.i.devices[1].devfn, ==, 1);
	mine = vfio_fileno(u.group);
	g_assert_cmpint(hot_reset(u.dev, 1, mine, -1), ==, -EINVAL); /* the host drives the other */
	g_assert_cmpint(hu_bind(h, other), ==, 0);
	g_assert_cmpint(hot_reset(u.dev, 1, mine, -1), ==, -EINVAL);
	g_assert_cmpint(hu_open_group(h, other, &group), ==, 0);
	its = vfio_fileno(group);
	g_assert_cmpint(hot_reset(u.dev, 0, mine, its), ==, -EINVAL);
	g_assert_cmpint(hot_reset(u.dev, 3, mine, its), ==, -EINVAL);
	g_assert_cmpint(hot_reset(u.dev, 2, mine, vfio_fileno(u.container)), ==, -EINVAL);
	g_assert_cmpint(hot_reset(u.dev, 2, mine, 1 << 20), ==, -EBADF);
	g_assert_cmpint(hot_reset(u.dev, 2, mine, -1), ==, -EBADF);
	hu_cfg_write(u.dev, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	g_assert_cmpint(hot_reset(u.dev, 2, mine, its), ==, 0);
	g_assert_cmphex(hu_cfg_read(u.dev, PCI_COMMAND, 2), ==, PCI_COMMAND_MEMORY);
	vfio_close(group);
	hu_close(&u);
	assert_idle(h, HU_FIRST);
	assert_idle(h, other);
	vfio_host_free(h);
}

/* --- SET_IRQS --- */

static void irq_arguments(void)
{
	static const struct {
		uint32_t flags, index, start, count, argsz;
		int ret;
	} bad[] = {
		{NONE | TRIGGER, VFIO_PCI_NUM_IRQS, 0, 0, 20, -EINVAL},
		{NONE | TRIGGER, 0, 0, 0, 19, -EINVAL},
		{NONE | TRIGGER | 1u << 6, 0, 0, 0, 20, -EINVAL},
		{NONE | BOOL | TRIGGER, 0, 0, 1, 24, -EINVAL},
		{TRIGGER, 0, 0, 1, 24, -EINVAL},
		{NONE, 0, 0, 1, 20, -ENOTTY},
		{NONE | TRIGGER | VFIO_IRQ_SET_ACTION_MASK, 0, 0, 1, 20, -ENOTTY},
		{NONE | TRIGGER, 2, 5, 0, 20, -EINVAL}, /* MSI-X has 5 */
		{NONE | TRIGGER, 2, UINT32_MAX, 2, 20, -EINVAL},
		{NONE | TRIGGER, 2, 2, UINT32_MAX - 1, 20, -EINVAL},
		{EVENTFD | TRIGGER, 2, 0, 5, 20 + 16, -EINVAL}, /* data for four */
		{BOOL | TRIGGER, 2, 0, 5, 20 + 4, -EINVAL},
		{EVENTFD | TRIGGER, 2, 0, 0, 20, -ERANGE},
		{NONE | VFIO_IRQ_SET_ACTION_MASK, 2, 0, 1, 20, -ENOTTY},
		{NONE | VFIO_IRQ_SET_ACTION_UNMASK, 1, 0, 1, 20, -ENOTTY},
		{NONE | VFIO_IRQ_SET_ACTION_UNMASK, 0, 0, 1, 20, -EINVAL}, /* not enabled */
		{NONE | TRIGGER, 2, 0, 1, 20, -EINVAL},
		{NONE | TRIGGER, 4, 0, 1, 20, -EINVAL},
	};
	struct host *h = host_bound();
	struct hu u;

	g_assert_cmpint(hu_open(&u, h, HU_FIRST), ==, 0);
	for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
		uint32_t s[16] = {bad[i].argsz, bad[i].flags, bad[i].index, bad[i].start,
				  bad[i].count};

		memset(s + 5, 0xff, sizeof(s) - 20);
		if (vfio_ioctl(u.dev, VFIO_DEVICE_SET_IRQS, s) != bad[i].ret)
			g_error("row %u does not give %d", i, bad[i].ret);
	}
	g_assert_cmpint(vfio_ioctl(u.dev, VFIO_DEVICE_SET_IRQS, NULL), ==, -EFAULT);
	hu_close(&u);
	vfio_host_free(h);
}

/* A descriptor that is none, or no eventfd, undoes the block that it is in. */
static void irq_descriptors(void)
{
	struct host *h = host_bound();
	int fd[5], file = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), pipes[2];
	eventfd_t n;
	struct hu u;

	g_assert_cmpint(pipe(pipes), ==, 0);
	g_assert_cmpint(hu_open(&u, h, HU_FIRST), ==, 0);
	for (unsigned i = 0; i < 5; i++)
		fd[i] = file;
	fd[4] = pipes[0];
	g_assert_cmpint(hu_irqs(u.dev, EVENTFD | TRIGGER, 2, 0, 5, fd, sizeof(fd)), ==, -EINVAL);
	fd[4] = 1 << 20;
	g_assert_cmpint(hu_irqs(u.dev, EVENTFD | TRIGGER, 2, 0, 5, fd, sizeof(fd)), ==, -EBADF);
	fd[4] = -1;
	g_assert_cmpint(hu_irqs(u.dev, EVENTFD | TRIGGER, 2, 0, 3, fd, 3 * sizeof(int)), ==, 0);
	g_assert_cmpint(hu_irqs(u.dev, EVENTFD | TRIGGER, 2, 3, 1, fd, sizeof(int)), ==, -EINVAL);
	g_assert_cmpint(hu_irqs(u.dev, EVENTFD | TRIGGER, 1, 0, 1, fd, sizeof(int)), ==, -EINVAL);
	g_assert_cmpint(hu_irqs(u.dev, EVENTFD | TRIGGER, 0, 0, 1, fd, sizeof(int)), ==, -EINVAL);
	g_assert_cmpint(hu_irqs(u.dev, NONE | TRIGGER, 2, 0, 3, NULL, 0), ==, 0); /* loop back */
	g_assert_cmpint(eventfd_read(file, &n), ==, 0);
	g_assert_cmpuint(n, ==, 3);
	g_assert_cmpint(hu_irqs(u.dev, BOOL | TRIGGER, 2, 0, 3, "\0\1\0", 3), ==, 0);
	g_assert_cmpint(eventfd_read(file, &n), ==, 0);
	g_assert_cmpuint(n, ==, 1);
	close(file); /* the device has its own */
	hu_close(&u);
	assert_idle(h, HU_FIRST);
	close(pipes[0]);
	close(pipes[1]);
	vfio_host_free(h);
}

/* The unmask eventfd: heard by a thread of the host's, once for each write. */
static void unmask_eventfd(void)
{
	struct host *h = host_bound();
	int out = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), in = eventfd(0, EFD_CLOEXEC);
	const uint32_t raise = 1;
	eventfd_t n;
	struct hu u;

	g_assert_cmpint(hu_open(&u, h, HU_SECOND), ==, 0);
	hu_cfg_write(u.dev, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	g_assert_cmpint(hu_irqs(u.dev, EVENTFD | TRIGGER, 0, 0, 1, &out, sizeof(out)), ==, 0);
	g_assert_cmpint(
		hu_irqs(u.dev, EVENTFD | VFIO_IRQ_SET_ACTION_UNMASK, 0, 0, 1, &in, sizeof(in)), ==,
		0);
	g_assert_cmpint(
		hu_irqs(u.dev, EVENTFD | VFIO_IRQ_SET_ACTION_UNMASK, 0, 0, 1, &in, sizeof(in)), ==,
		-EBUSY);
	g_assert_cmpint(vfio_pwrite(u.dev, &raise, 4, EDU_IRQ_RAISE), ==, 4);
	g_assert_cmpint(eventfd_read(out, &n), ==, 0);
	for (unsigned i = 0; i < 100; i++) {
		eventfd_write(in, 1);
		vfio_virqfd_sync(h);
		g_assert_cmpint(eventfd_read(out, &n), ==, 0); /* nobody acknowledged it */
	}
	g_assert_cmpint(vfio_pwrite(u.dev, &raise, 4, EDU_IRQ_ACK), ==, 4);
	eventfd_write(in, 1);
	vfio_virqfd_sync(h);
	g_assert_cmpint(eventfd_read(out, &n), ==, -1);
	hu_close(&u);
	close(in);
	close(out);
	vfio_host_free(h);
}

/* --- regions --- */

static void zap(void)
{
	struct host *h = host_bound();
	struct vfio_vma *m;
	uint32_t v = 0;
	struct hu u;

	g_assert_cmpint(hu_open(&u, h, HU_SECOND), ==, 0);
	g_assert_cmpint(vfio_mmap(u.dev, 0, 8192, PROT_READ, MAP_SHARED, &m), ==, 0);
	for (unsigned i = 0; i < 3; i++) {
		hu_cfg_write(u.dev, PCI_COMMAND, 0, 2);
		g_assert_cmpint(vfio_vma_read(m, EDU_ID, &v, 4), ==, -EFAULT);
		g_assert_cmpint(vfio_vma_write(m, EDU_LIVE, &v, 4), ==, -EFAULT);
		g_assert_cmpint(vfio_pread(u.dev, &v, 4, EDU_ID), ==, -EIO);
		hu_cfg_write(u.dev, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
		g_assert_cmpint(vfio_vma_read(m, EDU_ID, &v, 4), ==, 0);
		g_assert_cmphex(v, ==, EDU_ID_VALUE);
	}
	g_assert_cmpint(vfio_vma_read(m, 8190, &v, 4), ==, -EFAULT);
	g_assert_null(vfio_vma_ptr(m)); /* registers are no memory */
	g_assert_cmpint(vfio_ioctl(u.dev, VFIO_DEVICE_RESET, NULL), ==, 0);
	g_assert_cmpint(vfio_vma_read(m, EDU_ID, &v, 4), ==, 0);
	vfio_munmap(m);
	g_assert_cmpint(vfio_mmap(u.dev, 0, 2 << 20, PROT_READ, MAP_SHARED, &m), ==, -EINVAL);
	g_assert_cmpint(vfio_mmap(u.dev, 512, 4096, PROT_READ, MAP_SHARED, &m), ==, -EINVAL);
	g_assert_cmpint(vfio_mmap(u.dev, HU_CONFIG, 4096, PROT_READ, MAP_SHARED, &m), ==, -EINVAL);
	g_assert_cmpint(vfio_mmap(u.dev, 0, 4096, PROT_READ, MAP_PRIVATE, &m), ==, -EINVAL);
	hu_close(&u);
	assert_idle(h, HU_SECOND);
	vfio_host_free(h);
}

struct romdev {
	struct pcidev dev;
	struct region rom;
	uint8_t image[4096];
};

static void romdev_free(struct pcidev *d)
{
	aspace_sync();
	g_free(d->priv);
}

static const struct pcidev_ops romdev_ops = {.model = "rom", .free = romdev_free};

/* One image of 1 KiB in a ROM of 4 KiB. */
static struct romdev *romdev_new(void)
{
	struct romdev *r = g_new0(struct romdev, 1);

	r->dev.priv = r;
	pcidev_init(&r->dev, &romdev_ops, PCI_CFG_CONV, 0x1234, 0x0001, 0xff0000, 0);
	for (unsigned i = 0; i < sizeof(r->image); i++)
		r->image[i] = (uint8_t)(i * 3);
	pci_set16(r->image, 0xaa55);
	pci_set16(r->image + 24, 0x40);
	memcpy(r->image + 0x40, "PCIR", 4);
	pci_set16(r->image + 0x40 + 16, 2);
	r->image[0x40 + 21] = 0x80;
	region_init_ram(&r->rom, "rom", sizeof(r->image), r->image, -1);
	pcidev_set_bar(&r->dev, PCI_ROM_BAR, &r->rom, sizeof(r->image), 0);
	return r;
}

static void rom(void)
{
	const uint64_t at = HU_REGION(VFIO_PCI_ROM_REGION_INDEX);
	struct vfio_region_info i = {.argsz = sizeof(i), .index = VFIO_PCI_ROM_REGION_INDEX};
	struct romdev *r = romdev_new();
	struct host *h = vfio_host_new(NULL);
	uint8_t buf[4200];
	struct hu u;

	hu_plug(&r->dev, hu_port(h, 1), 0);
	g_assert_cmpint(host_scan(h, NULL), ==, 0);
	g_assert_cmpint(hu_bind(h, HU_FIRST), ==, 0);
	g_assert_cmpint(hu_open(&u, h, HU_FIRST), ==, 0);
	g_assert_cmpint(vfio_ioctl(u.dev, VFIO_DEVICE_GET_REGION_INFO, &i), ==, 0);
	g_assert_cmpuint(i.size, ==, 4096);
	g_assert_cmphex(i.flags, ==, VFIO_REGION_INFO_FLAG_READ);
	hu_cfg_write(u.dev, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	g_assert_cmpint(vfio_pread(u.dev, buf, sizeof(buf), at), ==, 4096);
	g_assert_cmpmem(buf, 1024, r->image, 1024);
	for (unsigned n = 1024; n < 4096; n++) /* past the image */
		g_assert_cmphex(buf[n], ==, 0xff);
	g_assert_cmpint(vfio_pread(u.dev, buf, 5, at + 3), ==, 5);
	g_assert_cmpmem(buf, 5, r->image + 3, 5);
	g_assert_cmpint(vfio_pread(u.dev, buf, 1, at + 4096), ==, -EINVAL);
	g_assert_cmpint(vfio_pwrite(u.dev, buf, 4, at), ==, -EINVAL);
	r->image[0] = 0;
	i.flags = 0;
	g_assert_cmpint(vfio_ioctl(u.dev, VFIO_DEVICE_GET_REGION_INFO, &i), ==, 0);
	g_assert_cmpuint(i.size, ==, 0);
	g_assert_cmpint(vfio_pread(u.dev, buf, 4, at), ==, -ENOMEM);
	hu_close(&u);
	vfio_host_free(h);
}

/* --- several at once --- */

static void two_hosts(void)
{
	struct host *a = host_bound(), *b = host_bound();
	struct vfio_file *group;
	uint32_t v = 0x1111, w = 0;
	struct hu ua, ub;
	int fd;

	g_assert_cmpint(hu_open(&ua, a, HU_SECOND), ==, 0);
	g_assert_cmpint(hu_open(&ub, b, HU_SECOND), ==, 0);
	g_assert_null(vfio_fget(b, vfio_fileno(ua.dev)));
	g_assert_null(vfio_fget(a, vfio_fileno(ub.dev)));
	g_assert_cmpint(hu_open_group(b, HU_FIRST, &group), ==, 0);
	fd = vfio_fileno(ua.container);
	g_assert_cmpint(vfio_ioctl(group, VFIO_GROUP_SET_CONTAINER, &fd), ==, -EINVAL);
	vfio_close(group);
	hu_cfg_write(ua.dev, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	g_assert_cmpint(vfio_pwrite(ua.dev, &v, 4, EDU_LIVE), ==, 4);
	hu_cfg_write(ub.dev, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	g_assert_cmpint(vfio_pread(ub.dev, &w, 4, EDU_LIVE), ==, 4);
	g_assert_cmphex(w, ==, 0);
	hu_close(&ua);
	vfio_host_free(a);
	g_assert_cmphex(hu_cfg_read(ub.dev, 0, 4), ==, 0x11e81234);
	hu_close(&ub);
	vfio_host_free(b);
}

enum reset_road { BY_IOCTL, BY_SYSFS, BY_BUS, ROADS };

struct resetter {
	struct hu *u;
	enum reset_road road;
	GThread *thread;
	unsigned done;
};

#define RESETS 300

static long reset_by(const struct resetter *r)
{
	switch (r->road) {
	case BY_IOCTL:
		return vfio_ioctl(r->u->dev, VFIO_DEVICE_RESET, NULL);
	case BY_SYSFS:
		return hu_attr(r->u->h, HU_FIRST, "reset", "1");
	default:
		return hot_reset(r->u->dev, 1, vfio_fileno(r->u->group), -1);
	}
}

static void *reset_thread(void *opaque)
{
	struct resetter *r = opaque;

	aspace_thread_enter();
	for (unsigned i = 0; i < RESETS; i++) {
		long ret = reset_by(r);

		if (ret != -EAGAIN) /* another was at it */
			g_assert_cmpint(ret, ==, 0);
	}
	aspace_thread_leave();
	__atomic_store_n(&r->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

static bool all_done(const struct resetter r[ROADS])
{
	bool all = true;

	for (unsigned i = 0; i < ROADS; i++)
		all &= __atomic_load_n(&r[i].done, __ATOMIC_ACQUIRE);
	return all;
}

/* Whoever reads config space by sysfs waits for a reset to end, and sees nothing of it. */
static void config_during_resets(void)
{
	struct host *h = host_bound();
	struct hostdev *d = host_find(h, HU_FIRST);
	struct resetter r[ROADS] = {};
	uint32_t bar, v;
	struct hu u;

	g_assert_cmpint(hu_open(&u, h, HU_FIRST), ==, 0);
	g_assert_cmpint(host_cfg_read(d, PCI_BASE_ADDRESS_0, 4, &bar), ==, 0);
	g_assert_cmphex(bar & ~15u, !=, 0);
	for (unsigned i = 0; i < ROADS; i++) {
		r[i].u = &u;
		r[i].road = i;
		r[i].thread = g_thread_new("reset", reset_thread, &r[i]);
	}
	while (!all_done(r)) {
		g_assert_cmpint(host_cfg_read(d, PCI_BASE_ADDRESS_0, 4, &v), ==, 0);
		g_assert_cmphex(v, ==, bar);
		g_assert_cmphex(hu_cfg_read(u.dev, PCI_VENDOR_ID, 4), ==, 0x00101b36);
		g_assert_cmphex(hu_cfg_read(u.dev, PCI_BASE_ADDRESS_0, 4), ==, bar);
	}
	for (unsigned i = 0; i < ROADS; i++)
		g_thread_join(r[i].thread);
	hu_close(&u);
	assert_idle(h, HU_FIRST);
	vfio_host_free(h);
}

#define MAPS 20000u

/* As a guest with a vIOMMU has them: many, small, in no order. */
static void many_maps(void)
{
	struct host *h = host_bound();
	void *mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct hu u;

	g_assert_cmpint(hu_open(&u, h, HU_FIRST), ==, 0);
	for (unsigned i = 0; i < MAPS; i++) {
		unsigned at = i * 7919u % MAPS;

		g_assert_cmpint(hu_map(&u, 0x100000000 + 8192ull * at, mem, 4096), ==, 0);
	}
	g_assert_cmpint(hu_map(&u, 0x100000000 + 8192 * 77, mem, 4096), ==, -EEXIST);
	g_assert_cmpint(hu_unmap(&u, 0x100000000, 8192 * 100, 0), ==, 4096 * 100);
	g_assert_cmpint(hu_unmap(&u, 0x100000000, 8192 * 100, 0), ==, 0);
	g_assert_cmpint(hu_unmap(&u, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL), ==, 4096 * (MAPS - 100));
	g_assert_cmpint(hu_map(&u, 0x100000000, mem, 4096), ==, 0);
	hu_close(&u); /* with a mapping */
	munmap(mem, 4096);
	vfio_host_free(h);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_log_set_always_fatal(G_LOG_FATAL_MASK); /* the host warns its administrator */
	aspace_thread_enter();
	g_test_add_func("/vfio-stack/any-order", any_order);
	g_test_add_func("/vfio-stack/mapping-keeps", mapping_keeps);
	g_test_add_func("/vfio-stack/shared-container", shared_container);
	g_test_add_func("/vfio-stack/unbind-waits", unbind_waits);
	g_test_add_func("/vfio-stack/unbind-under-group", unbind_under_group);
	g_test_add_func("/vfio-stack/remove-under-group", remove_under_group);
	g_test_add_func("/vfio-stack/remove-under-container", remove_under_container);
	g_test_add_func("/vfio-stack/new-id", new_id);
	g_test_add_func("/vfio-stack/hot-resets", hot_resets);
	g_test_add_func("/vfio-stack/irq-arguments", irq_arguments);
	g_test_add_func("/vfio-stack/irq-descriptors", irq_descriptors);
	g_test_add_func("/vfio-stack/unmask-eventfd", unmask_eventfd);
	g_test_add_func("/vfio-stack/zap", zap);
	g_test_add_func("/vfio-stack/rom", rom);
	g_test_add_func("/vfio-stack/two-hosts", two_hosts);
	g_test_add_func("/vfio-stack/config-during-resets", config_during_resets);
	g_test_add_func("/vfio-stack/many-maps", many_maps);
	return g_test_run();
}
