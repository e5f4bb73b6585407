// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What VFIO costs: the stack in this process (vfio inproc) and Linux's (vfio linux BDF), by the
 * same
 * calls.  Prints "NAME VALUE ns" lines; run by tests/bench/vfio-run, which sets them side by side.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include "base/err.h"
#include "hw/dev/nvme.h"
#include "hw/vfio/sys.h"
#include "vfio/pci/driver.h"

#define BDF "0000:01:00.0"
#define CONFIG ((uint64_t)VFIO_PCI_CONFIG_REGION_INDEX << 40)
#define RANGES 65535u
#define PAGE 4096ull

struct bench {
	const struct vfio_sys *sys;
	struct host *host;
	const char *bdf;
	int container, group, dev;
	uint8_t *mem;
};

static void die(const char *what, int ret)
{
	fprintf(stderr, "vfio bench: %s: %s\n", what, g_strerror(-ret));
	exit(1);
}

static int call(struct bench *b, int fd, unsigned long req, void *arg, const char *what)
{
	int ret = b->sys->ioctl(b->sys->opaque, fd, req, arg);

	if (ret < 0)
		die(what, ret);
	return ret;
}

static void attach(struct bench *b)
{
	struct err *e = NULL;
	char path[64];

	if (b->sys->check(b->sys->opaque, b->bdf, &e) < 0) {
		fprintf(stderr, "%s\n", err_text(e));
		exit(1);
	}
	snprintf(path, sizeof(path), "/dev/vfio/%d", b->sys->group_of(b->sys->opaque, b->bdf));
	b->container = b->sys->open(b->sys->opaque, "/dev/vfio/vfio");
	b->group = b->sys->open(b->sys->opaque, path);
	if (b->container < 0 || b->group < 0)
		die("open", MIN(b->container, b->group));
	call(b, b->group, VFIO_GROUP_SET_CONTAINER, &b->container, "SET_CONTAINER");
	call(b, b->container, VFIO_SET_IOMMU, (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU, "SET_IOMMU");
	b->dev = call(b, b->group, VFIO_GROUP_GET_DEVICE_FD, (void *)b->bdf, "GET_DEVICE_FD");
}

static void report(const char *name, gint64 us, unsigned n)
{
	printf("%-28s %10.1f ns\n", name, (double)us * 1000 / n);
	fflush(stdout);
}

static void reads(struct bench *b, const char *name, uint64_t off, unsigned n)
{
	gint64 start = g_get_monotonic_time();
	uint32_t v;

	for (unsigned i = 0; i < n; i++)
		if (b->sys->pread(b->sys->opaque, b->dev, &v, 4, off) != 4)
			die(name, -EIO);
	report(name, g_get_monotonic_time() - start, n);
}

static int map(struct bench *b, uint64_t iova, uint64_t vaddr)
{
	struct vfio_iommu_type1_dma_map m = {
		.argsz = sizeof(m),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = vaddr,
		.iova = iova,
		.size = PAGE,
	};

	return b->sys->ioctl(b->sys->opaque, b->container, VFIO_IOMMU_MAP_DMA, &m);
}

static void unmap_all(struct bench *b)
{
	struct vfio_iommu_type1_dma_unmap u = {.argsz = sizeof(u),
					       .flags = VFIO_DMA_UNMAP_FLAG_ALL};

	call(b, b->container, VFIO_IOMMU_UNMAP_DMA, &u, "UNMAP_DMA");
}

/* Every second page, so that no two ranges could be one; the same page of memory behind all. */
static void maps(struct bench *b, unsigned total)
{
	const unsigned part = MIN(1000, total / 4);
	gint64 start = g_get_monotonic_time(), mark = start;

	for (unsigned i = 0; i < total; i++) {
		if (i == part) {
			report("MAP_DMA, first of many", g_get_monotonic_time() - start, part);
		} else if (i == total - part) {
			mark = g_get_monotonic_time();
		}
		if (map(b, 2 * PAGE * i, (uintptr_t)b->mem) < 0)
			die("MAP_DMA", -ENOSPC);
	}
	report("MAP_DMA, last of many", g_get_monotonic_time() - mark, part);
	start = g_get_monotonic_time();
	unmap_all(b);
	report("UNMAP_DMA of one among many", g_get_monotonic_time() - start, total);
}

static void map_one(struct bench *b, unsigned n)
{
	gint64 start = g_get_monotonic_time();

	for (unsigned i = 0; i < n; i++) {
		if (map(b, 0x100000, (uintptr_t)b->mem) < 0)
			die("MAP_DMA", -EIO);
		unmap_all(b);
	}
	report("MAP_DMA and UNMAP_DMA of one", g_get_monotonic_time() - start, n);
}

static void interrupts(struct bench *b, unsigned n)
{
	char buf[sizeof(struct vfio_irq_set) + sizeof(int32_t)];
	struct vfio_irq_set *set = (struct vfio_irq_set *)buf;
	int32_t fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct pcidev *model = hostdev_model(host_find(b->host, b->bdf));
	uint32_t command = 0x0506;
	eventfd_t got = 0;
	gint64 start;

	*set = (struct vfio_irq_set){sizeof(buf),
				     VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
				     VFIO_PCI_MSIX_IRQ_INDEX, 0, 1};
	memcpy(set->data, &fd, sizeof(fd));
	b->sys->pwrite(b->sys->opaque, b->dev, &command, 2, CONFIG + PCI_COMMAND);
	call(b, b->dev, VFIO_DEVICE_SET_IRQS, set, "SET_IRQS");
	start = g_get_monotonic_time();
	for (unsigned i = 0; i < n; i++)
		pcimsix_raise(model->msix, 0);
	report("MSI-X, model to eventfd", g_get_monotonic_time() - start, n);
	if (eventfd_read(fd, &got) < 0 || got != n)
		die("an interrupt was lost", -EIO);
	start = g_get_monotonic_time();
	for (unsigned i = 0; i < n; i++)
		eventfd_write(fd, 1);
	report("  of it, write(2) of eventfd", g_get_monotonic_time() - start, n);
	close(fd);
}

static struct host *emulated(void)
{
	const struct nvme_conf nvme = {
		.id = "n", .size = 1 << 20, .serial = "b", .max_ioqpairs = 4};
	const struct pcie_port_conf rp = {.id = "rp"};
	const char id[] = "1b36 0010";
	struct host *h = vfio_host_new(NULL);
	struct pcidev *port = pcie_root_port_new(&rp), *d;

	if (pci_nvme_new(&d, &nvme, NULL) < 0 ||
	    pcidev_plug(port, &host_pci(h)->root, 8, NULL) < 0 ||
	    pcidev_plug(d, port->child, 0, NULL) < 0 || host_scan(h, NULL) < 0)
		die("make the emulated host", -EIO);
	host_sysfs_write(h, "drivers/nvme/unbind", BDF, strlen(BDF));
	if (host_sysfs_write(h, "drivers/vfio-pci/new_id", id, strlen(id)) < 0)
		die("new_id", -EIO);
	return h;
}

int main(int argc, char **argv)
{
	bool linux_host = argc == 3 && !strcmp(argv[1], "linux");
	unsigned n = linux_host ? 20000 : 1000000;
	struct bench b = {.bdf = linux_host ? argv[2] : BDF};
	struct vfio_sys *own = NULL;

	if (!linux_host && (argc != 2 || strcmp(argv[1], "inproc"))) {
		fprintf(stderr, "usage: vfio inproc | vfio linux BDF\n");
		return 1;
	}
	aspace_thread_enter();
	if (!linux_host) {
		b.host = emulated();
		own = vfio_sys_inproc_new(b.host);
	}
	b.sys = linux_host ? &vfio_sys_linux : own;
	b.mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	attach(&b);
	reads(&b, "config read, virtual", CONFIG + PCI_BASE_ADDRESS_0, n);
	reads(&b, "config read, physical", CONFIG + PCI_CLASS_REVISION, n);
	reads(&b, "config read, mixed", CONFIG + PCI_COMMAND, n);
	reads(&b, "region read", 0, n);
	map_one(&b, linux_host ? 200 : 100000);
	maps(&b, linux_host ? 2000 : RANGES);
	if (!linux_host)
		interrupts(&b, n);
	b.sys->close(b.sys->opaque, b.dev);
	b.sys->close(b.sys->opaque, b.group);
	b.sys->close(b.sys->opaque, b.container);
	munmap(b.mem, PAGE);
	vfio_sys_inproc_free(own);
	vfio_host_free(b.host);
	aspace_thread_leave();
	return 0;
}
