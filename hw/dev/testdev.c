// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the pci-testdev model.  The guest selects test n by writing n to the header; the header then
 * says where to write, what, and how wide, and counts the writes that came.  Called through its
 * BARs; never touches anything but its own counters.
 */
#include "hw/dev/testdev.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "mem/access.h"

#define BAR_SIZE 4096
#define DOORBELLS 0x800 /* memory: one dword each */
#define IO_SIZE 256
#define IO_DOORBELLS 0x80

/* Header registers. */
enum { H_TEST = 0, H_WIDTH = 1, H_OFFSET = 4, H_DATA = 8, H_COUNT = 12, H_NAME = 16, H_SIZE = 64 };

struct test {
	const char *name;
	bool eventfd, datamatch;
};

static const struct test tests[] = {{"no-eventfd", false, false},
				    {"wildcard-eventfd", true, false},
				    {"datamatch-eventfd", true, true}};
#define TESTS G_N_ELEMENTS(tests)
#define DATA 0xfa

struct bar {
	struct tdev *t;
	bool io;
	struct region region;
	unsigned selected; /* TESTS = none */
	uint32_t count;
	int fd;
	uint64_t armed_at; /* guest address of the ioeventfd; UINT64_MAX = none */
	unsigned armed;    /* test that it is for */
};

struct tdev {
	struct pcidev dev;
	struct testdev_ops ops;
	pthread_mutex_t lock;
	struct bar bar[2];
};

static uint32_t doorbell(const struct bar *b, unsigned test)
{
	return (b->io ? IO_DOORBELLS : DOORBELLS) + 4 * test;
}

static int ioeventfd(struct bar *b, uint64_t addr, unsigned test, bool add)
{
	static const uint64_t data = DATA;

	if (!b->t->ops.ioeventfd)
		return -ENOTSUP;
	return b->t->ops.ioeventfd(b->t->ops.opaque, b->fd, b->io, addr, 1,
				   tests[test].datamatch ? &data : NULL, add);
}

static void disarm(struct bar *b)
{
	if (b->armed_at == UINT64_MAX)
		return;
	ioeventfd(b, b->armed_at, b->armed, false);
	b->armed_at = UINT64_MAX;
}

static void arm(struct bar *b)
{
	uint64_t base = b->t->dev.bar[b->io].addr;

	disarm(b);
	if (b->selected >= TESTS || !tests[b->selected].eventfd || base == UINT64_MAX || b->fd < 0)
		return;
	if (ioeventfd(b, base + doorbell(b, b->selected), b->selected, true) < 0)
		return;
	b->armed = b->selected;
	b->armed_at = base + doorbell(b, b->selected);
}

/* Writes that the accelerator took are in the eventfd's counter. */
static void collect(struct bar *b)
{
	eventfd_t n;

	if (b->fd >= 0 && eventfd_read(b->fd, &n) == 0)
		b->count += (uint32_t)n;
}

static void header(struct bar *b, uint8_t h[H_SIZE])
{
	memset(h, 0, H_SIZE);
	h[H_TEST] = (uint8_t)b->selected;
	if (b->selected >= TESTS)
		return;
	collect(b);
	h[H_WIDTH] = 1;
	le_store(h + H_OFFSET, doorbell(b, b->selected), 4);
	h[H_DATA] = DATA;
	le_store(h + H_COUNT, b->count, 4);
	g_snprintf((char *)h + H_NAME, H_SIZE - H_NAME, "%s-%s", b->io ? "portio" : "mmio",
		   tests[b->selected].name);
}

static uint64_t bar_read(void *opaque, uint64_t off, unsigned len)
{
	uint8_t h[H_SIZE];

	if (off + len > H_SIZE)
		return 0;
	header(opaque, h);
	return le_load(h + off, len);
}

static void bar_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct bar *b = opaque;

	if (off == H_TEST && len == 1) {
		collect(b);
		b->selected = val < TESTS ? (unsigned)val : TESTS;
		b->count = 0;
		arm(b);
	} else if (b->selected < TESTS && off == doorbell(b, b->selected) &&
		   (!tests[b->selected].datamatch || val == DATA)) {
		b->count++;
	}
}

static const struct region_ops bar_ops = {bar_read, bar_write, 1, 4, false};

static void tdev_reset(struct pcidev *d)
{
	struct tdev *t = d->priv;

	pthread_mutex_lock(&t->lock);
	for (int i = 0; i < 2; i++) {
		disarm(&t->bar[i]);
		collect(&t->bar[i]);
		t->bar[i].selected = TESTS;
		t->bar[i].count = 0;
	}
	pthread_mutex_unlock(&t->lock);
}

static void tdev_bars_moved(struct pcidev *d)
{
	struct tdev *t = d->priv;

	pthread_mutex_lock(&t->lock);
	for (int i = 0; i < 2; i++)
		arm(&t->bar[i]);
	pthread_mutex_unlock(&t->lock);
}

static void tdev_free(struct pcidev *d)
{
	struct tdev *t = d->priv;

	tdev_reset(d);
	aspace_sync();
	for (int i = 0; i < 2; i++)
		if (t->bar[i].fd >= 0)
			close(t->bar[i].fd);
	pthread_mutex_destroy(&t->lock);
	g_free(t);
}

static const struct pcidev_ops tdev_ops = {
	.model = "pci-testdev",
	.reset = tdev_reset,
	.bars_moved = tdev_bars_moved,
	.free = tdev_free,
};

static void init_bar(struct tdev *t, int n)
{
	struct bar *b = &t->bar[n];

	*b = (struct bar){.t = t, .io = n == 1, .selected = TESTS, .armed_at = UINT64_MAX};
	b->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	region_init_io(&b->region, b->io ? "testdev-io" : "testdev-mmio",
		       b->io ? IO_SIZE : BAR_SIZE, &bar_ops, b);
	b->region.lock = &t->lock;
	pcidev_set_bar(&t->dev, (unsigned)n, &b->region, b->region.size,
		       b->io ? PCI_BASE_ADDRESS_SPACE_IO : PCI_BASE_ADDRESS_SPACE_MEMORY);
}

struct pcidev *pci_testdev_new(const char *id, const struct testdev_ops *ops)
{
	struct tdev *t = g_new0(struct tdev, 1);

	t->ops = *ops;
	t->dev.priv = t;
	pthread_mutex_init(&t->lock, NULL);
	if (id)
		g_strlcpy(t->dev.name, id, sizeof(t->dev.name));
	pcidev_init(&t->dev, &tdev_ops, PCI_CFG_CONV, 0x1b36, 0x0005, 0x00ff00, 0);
	init_bar(t, 0);
	init_bar(t, 1);
	return &t->dev;
}
