// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns a fuzz target for the VFIO stack: the first 4096 bytes of an input are the config space of a
 * device, the rest is what a user, the hardware and an administrator do with it and two more.
 * Called by libFuzzer, or by smoke.c:
 *
 *   clang -fsanitize=fuzzer,address,undefined ... tests/fuzz/fuzz_vfio.c
 *
 * Answers are not looked at; there must be one, and it must come from within bounds.
 */
#include "tests/fuzz/fuzz.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/host_util.h"

#define DEVICES 3
#define RAW_BAR 0x10000u
#define RAM 0x10000u
#define VMAS 4
#define FDS 8

/* --- the input --- */

struct input {
	const uint8_t *p;
	size_t left;
};

static uint64_t take(struct input *in, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes && in->left; i++, in->left--)
		v |= (uint64_t)*in->p++ << (8 * i);
	return v;
}

/* A small number mostly, at times one at the far end. */
static uint32_t take_number(struct input *in)
{
	uint8_t b = (uint8_t)take(in, 1);

	return b < 0xf0 ? b : b < 0xf8 ? (uint32_t)take(in, 4) : UINT32_MAX - (uint32_t)(b & 7);
}

static void take_bytes(struct input *in, uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)take(in, 1);
}

/* --- the device whose config space it is --- */

struct raw {
	struct pcidev dev;
	struct region mem, io;
	uint8_t bar[RAW_BAR], ports[32];
};

static void raw_free(struct pcidev *d)
{
	aspace_sync();
	g_free(d->priv);
}

static const struct pcidev_ops raw_ops = {.model = "raw", .free = raw_free};

/* BARs are real ones, so that a scan finds room; everything else is the input's, and writable. */
static struct pcidev *raw_new(struct input *in)
{
	struct raw *r = g_new0(struct raw, 1);
	struct pcidev *d = &r->dev;
	uint8_t cfg[PCI_CFG_EXT];
	unsigned size;

	take_bytes(in, cfg, sizeof(cfg));
	size = take(in, 1) & 1 ? PCI_CFG_CONV : PCI_CFG_EXT;
	d->priv = r;
	pcidev_init(d, &raw_ops, size, 0x1234, 0x5678, 0xff0000, 0);
	memset(cfg + PCI_BASE_ADDRESS_0, 0, 4 * PCI_BARS);
	memset(cfg + PCI_ROM_ADDRESS, 0, 4);
	memset(d->wmask + PCI_STD_HEADER_SIZEOF, take(in, 1) & 1 ? 0xff : 0,
	       PCI_CFG_EXT - PCI_STD_HEADER_SIZEOF);
	memcpy(d->cfg, cfg, size);
	region_init_ram(&r->mem, "raw", RAW_BAR, r->bar, -1);
	region_init_ram(&r->io, "ports", sizeof(r->ports), r->ports, -1);
	pcidev_set_bar(d, 0, &r->mem, RAW_BAR, PCI_BASE_ADDRESS_SPACE_MEMORY);
	pcidev_set_bar(d, 2, &r->io, sizeof(r->ports), PCI_BASE_ADDRESS_SPACE_IO);
	return d;
}

/* --- the machine --- */

struct machine {
	struct input in;
	struct host *h;
	struct pcidev *raw;
	char bdf[DEVICES][16];
	struct hu user[DEVICES]; /* dev NULL: it cannot be opened */
	struct vfio_vma *vma[VMAS];
	int fd[FDS]; /* eventfds, and what is none */
	uint8_t *ram;
};

static struct pcidev *nvme(void)
{
	const struct nvme_conf c = {.id = "nv0", .size = 4096, .max_ioqpairs = 2};
	struct pcidev *d;

	return pci_nvme_new(&d, &c, NULL) < 0 ? NULL : d;
}

static void machine_init(struct machine *m)
{
	m->h = vfio_host_new(NULL);
	m->raw = hu_plug(raw_new(&m->in), hu_port(m->h, 1), 0);
	hu_plug(hu_edu(), hu_port(m->h, 2), 0);
	hu_plug(nvme(), hu_port(m->h, 3), 0);
	for (unsigned i = 0; i < FDS; i++)
		m->fd[i] = i < 5 ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
	m->fd[5] = 1 << 20;
	m->fd[6] = -2;
	m->ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	host_scan(m->h, NULL);
	for (unsigned i = 0; i < DEVICES; i++) {
		g_snprintf(m->bdf[i], sizeof(m->bdf[i]), "0000:%02x:00.0", i + 1);
		hu_bind(m->h, m->bdf[i]);
		hu_open(&m->user[i], m->h, m->bdf[i]);
	}
}

static void machine_fini(struct machine *m)
{
	for (unsigned i = 0; i < VMAS; i++)
		vfio_munmap(m->vma[i]);
	for (unsigned i = 0; i < DEVICES; i++)
		hu_close(&m->user[i]);
	vfio_host_free(m->h);
	for (unsigned i = 0; i < 5; i++)
		close(m->fd[i]);
	munmap(m->ram, RAM);
}

/* --- what can happen --- */

/* Most of what does something is in the first 256 bytes. */
static uint64_t take_config(struct machine *m)
{
	uint64_t off = take(&m->in, 2);

	return HU_CONFIG + (off & 0x8000 ? off % PCI_CFG_CONV : off % 4200);
}

static uint64_t take_offset(struct machine *m)
{
	uint64_t region = take(&m->in, 1);

	region = region < 0xe0 ? region % 10 : region;
	if (region == VFIO_PCI_CONFIG_REGION_INDEX)
		return take_config(m);
	return HU_REGION(region) + take(&m->in, 3) % (region == 0 ? 0x12000 : 0xc0010);
}

static void do_read(struct machine *m, struct hu *u, bool config)
{
	uint64_t off = config ? take_config(m) : take_offset(m);
	size_t len = take(&m->in, 1);
	g_autofree uint8_t *buf = g_malloc(len);

	vfio_pread(u->dev, take(&m->in, 1) ? buf : NULL, len, off);
}

static void do_write(struct machine *m, struct hu *u, bool config)
{
	uint64_t off = config ? take_config(m) : take_offset(m);
	size_t len = take(&m->in, 1) % 20;
	g_autofree uint8_t *buf = g_malloc(len);

	take_bytes(&m->in, buf, len);
	vfio_pwrite(u->dev, buf, len, off);
}

static void do_set_irqs(struct machine *m, struct hu *u)
{
	struct vfio_irq_set s = {};
	uint8_t how = (uint8_t)take(&m->in, 1);
	g_autofree uint8_t *buf = NULL;
	size_t size;

	s.argsz = (uint32_t)take(&m->in, 1) * 4;
	s.flags = (uint32_t)take(&m->in, 1);
	s.index = (uint32_t)take(&m->in, 1) % 8;
	s.start = take_number(&m->in);
	s.count = take_number(&m->in);
	if (how & 1) /* what makes sense, else all would end at the first check */
		s.flags = (1u << (how >> 1 & 3) % 3) | (8u << (how >> 3 & 3) % 3);
	if (how & 0x40) {
		s.index %= VFIO_PCI_NUM_IRQS;
		s.start = s.start & 3 ? 0 : s.start & 7;
		s.count %= s.count & 1 ? 6 : 140;
	}
	if (how & 0x80)
		s.argsz = sizeof(s) + 4 * MIN(s.count, 64);
	size = MAX(s.argsz, sizeof(s));
	buf = g_malloc0(size);
	memcpy(buf, &s, sizeof(s));
	for (size_t at = sizeof(s); at + 4 <= size; at += 4) {
		int32_t fd = m->fd[take(&m->in, 1) % FDS];

		memcpy(buf + at, &fd, 4);
	}
	vfio_ioctl(u->dev, VFIO_DEVICE_SET_IRQS, buf);
}

static void do_info(struct machine *m, struct hu *u)
{
	static const unsigned long cmds[] = {VFIO_DEVICE_GET_INFO, VFIO_DEVICE_GET_REGION_INFO,
					     VFIO_DEVICE_GET_IRQ_INFO,
					     VFIO_DEVICE_GET_PCI_HOT_RESET_INFO};
	unsigned long cmd = cmds[take(&m->in, 1) % G_N_ELEMENTS(cmds)];
	uint32_t argsz = (uint32_t)take(&m->in, 1), index = take_number(&m->in);
	g_autofree uint32_t *buf = g_malloc0(MAX(argsz, 32));

	buf[0] = argsz;
	buf[2] = index;
	vfio_ioctl(u->dev, cmd, buf);
}

static void do_mapping(struct machine *m, struct hu *u)
{
	struct vfio_vma **v = &m->vma[take(&m->in, 1) % VMAS];
	unsigned what = (unsigned)take(&m->in, 1) % 4;
	uint64_t off = take(&m->in, 3), val = 0;
	size_t len = take(&m->in, 1) % 9;

	if (!*v) {
		off = HU_REGION(take(&m->in, 1) % 9) + (off & ~0xfffull);
		if (vfio_mmap(u->dev, off, len * 4096, PROT_READ, MAP_SHARED, v) < 0)
			*v = NULL;
	} else if (what == 0) {
		vfio_munmap(*v);
		*v = NULL;
	} else if (what == 1) {
		vfio_vma_read(*v, off, &val, MIN(len, 8));
	} else {
		val = take(&m->in, 8);
		vfio_vma_write(*v, off, &val, MIN(len, 8));
	}
}

static void do_hot_reset(struct machine *m, struct hu *u)
{
	uint32_t count = take_number(&m->in);
	g_autofree uint32_t *buf = g_malloc0(12 + 4 * MIN(count, 255));

	buf[0] = (uint32_t)take(&m->in, 1);
	buf[2] = count;
	for (uint32_t i = 0; i < MIN(count, 255); i++)
		buf[3 + i] = u->group ? (uint32_t)vfio_fileno(u->group) : 0;
	vfio_ioctl(u->dev, VFIO_DEVICE_PCI_HOT_RESET, buf);
}

static void do_doorbell(struct machine *m, struct hu *u)
{
	struct vfio_device_ioeventfd e = {.argsz = sizeof(e)};

	e.flags = 1u << take(&m->in, 1) % 5;
	e.offset = take_offset(m);
	e.data = take(&m->in, 8);
	e.fd = m->fd[take(&m->in, 1) % FDS];
	vfio_ioctl(u->dev, VFIO_DEVICE_IOEVENTFD, &e);
}

static void do_feature(struct machine *m, struct hu *u)
{
	uint32_t argsz = (uint32_t)take(&m->in, 1), flags = (uint32_t)take(&m->in, 1);
	g_autofree uint32_t *buf = g_malloc0(MAX(argsz, sizeof(struct vfio_device_feature)));

	if (argsz >= 8)
		take_bytes(&m->in, (uint8_t *)(buf + 2), argsz - 8);
	buf[0] = argsz;
	buf[1] = (flags & 15) | (flags >> 4) << 16;
	vfio_ioctl(u->dev, VFIO_DEVICE_FEATURE, buf);
}

/* What the device does of itself. */
static void do_interrupt(struct machine *m)
{
	unsigned what = (unsigned)take(&m->in, 1);
	uint32_t data = (uint32_t)take(&m->in, 2);

	if (what & 1)
		pcidev_msi_send(m->raw, (struct msi_msg){0xfee00000, data % 5000});
	else
		pcidev_intx(m->raw, what & 2);
}

/* What an administrator does by sysfs. */
static void do_sysfs(struct machine *m, unsigned n)
{
	struct hostdev *d = host_find(m->h, m->bdf[n]);
	unsigned what = (unsigned)take(&m->in, 1), off = (unsigned)take(&m->in, 2) % 4200;
	uint32_t v = (uint32_t)take(&m->in, 4);

	if (!d)
		return;
	if (what < 64)
		hu_attr(m->h, m->bdf[n], "reset", "1");
	else if (what < 128)
		hu_attr(m->h, m->bdf[n], "reset_method", what & 1 ? "bus" : "flr pm");
	else if (what < 192)
		host_cfg_read(d, off, 1u << what % 3, &v);
	else if (!pci_hits(off, 4, PCI_BASE_ADDRESS_0, 36)) /* who moves BARs gets no answers */
		host_cfg_write(d, off, 1u << what % 3, v);
}

static void do_reopen(struct machine *m, unsigned n)
{
	vfio_close(m->user[n].dev);
	m->user[n].dev = NULL;
	if (m->user[n].group)
		hu_open_device(&m->user[n], m->bdf[n], &m->user[n].dev);
}

static void do_dma(struct machine *m, struct hu *u)
{
	uint64_t iova = take(&m->in, 1) * 0x4000, at = take(&m->in, 1) % 17 * 0x1000;
	uint64_t size = take(&m->in, 1) % 17 * 0x1000;
	uint8_t how = (uint8_t)take(&m->in, 1);

	if (how & 1)
		hu_map(u, iova, m->ram + MIN(at, RAM), MIN(size, RAM - at));
	else
		hu_unmap(u, iova, size, how >> 4);
}

static void act(struct machine *m)
{
	uint8_t op = (uint8_t)take(&m->in, 1);
	unsigned n = (op >> 4) % 4 % DEVICES;
	struct hu *u = &m->user[n];

	switch (u->dev ? op & 15 : 13) {
	case 0:
	case 1:
		do_read(m, u, op & 1);
		break;
	case 2:
	case 3:
		do_write(m, u, op & 1);
		break;
	case 4:
	case 5:
		do_set_irqs(m, u);
		break;
	case 6:
		do_info(m, u);
		break;
	case 7:
		do_mapping(m, u);
		break;
	case 8:
		vfio_ioctl(u->dev, VFIO_DEVICE_RESET, NULL);
		break;
	case 9:
		do_hot_reset(m, u);
		break;
	case 10:
		do_doorbell(m, u);
		break;
	case 11:
		do_feature(m, u);
		break;
	case 12:
		do_interrupt(m);
		break;
	case 13:
		do_reopen(m, n);
		break;
	case 14:
		do_dma(m, u);
		break;
	default:
		do_sysfs(m, n);
		eventfd_write(m->fd[take(&m->in, 1) % 5], 1);
	}
}

static void be_quiet(const char *domain, GLogLevelFlags level, const char *text, void *opaque)
{
	if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
		fprintf(stderr, "%s\n", text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct machine m = {.in = {data, size}};

	g_log_set_default_handler(be_quiet, NULL);
	aspace_thread_enter();
	machine_init(&m);
	while (m.in.left)
		act(&m);
	vfio_virqfd_sync(m.h);
	machine_fini(&m);
	aspace_thread_leave();
	return 0;
}
