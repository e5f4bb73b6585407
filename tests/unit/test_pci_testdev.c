// SPDX-License-Identifier: GPL-2.0-or-later
/* pci-testdev: its header, its counts, and when its ioeventfds are armed. */
#include <errno.h>
#include <sys/eventfd.h>

#include "hw/dev/testdev.h"
#include "pci_util.h"

#define DEV 0x08
#define MEM 0xc0000000u
#define PORT 0xc000u

struct armed {
	bool on, io, match;
	uint64_t addr, data;
	int fd;
};

struct td {
	struct pciboard b;
	struct pcidev *d;
	struct armed armed[2]; /* by BAR */
	unsigned adds, dels;
	int fail;
};

static int take_eventfd(void *opaque, int fd, bool io, uint64_t addr, unsigned len,
			const uint64_t *match, bool add)
{
	struct td *s = opaque;
	struct armed *a = &s->armed[io];

	g_assert_cmpuint(len, ==, 1);
	g_assert_cmpint(a->on, ==, !add); /* never two, never one that is not there */
	if (add && s->fail)
		return s->fail;
	if (!add) { /* what it takes back is what it gave */
		g_assert_cmphex(a->addr, ==, addr);
		g_assert_cmpint(a->match, ==, match != NULL);
		g_assert_cmpint(a->fd, ==, fd);
	}
	*a = (struct armed){add, io, match, addr, match ? *match : 0, fd};
	s->adds += add;
	s->dels += !add;
	return 0;
}

static void td_init(struct td *s, bool accelerated)
{
	const struct testdev_ops ops = {accelerated ? take_eventfd : NULL, s};

	memset(s, 0, sizeof(*s));
	pb_init(&s->b);
	s->d = pci_testdev_new("td0", &ops);
	g_assert_cmpint(pcidev_plug(s->d, &s->b.host.root, DEV, NULL), ==, 0);
	cfg_w(&s->b, DEV, PCI_BASE_ADDRESS_0, MEM, 4);
	cfg_w(&s->b, DEV, PCI_BASE_ADDRESS_1, PORT, 4);
	cfg_w(&s->b, DEV, PCI_COMMAND, 3, 2);
}

static void td_fini(struct td *s)
{
	pb_fini(&s->b);
	g_assert_cmpuint(s->adds, ==, s->dels);
}

static struct aspace *space(struct td *s, bool io)
{
	return io ? s->b.io : s->b.mem;
}

static uint64_t rd(struct td *s, bool io, unsigned off, unsigned len)
{
	return aspace_read(space(s, io), (io ? PORT : MEM) + off, len);
}

static void wr(struct td *s, bool io, unsigned off, uint64_t val, unsigned len)
{
	aspace_write(space(s, io), (io ? PORT : MEM) + off, val, len);
}

static void identity(void)
{
	struct td s;

	td_init(&s, false);
	g_assert_cmphex(cfg_r(&s.b, DEV, 0, 4), ==, 0x00051b36);
	g_assert_cmphex(cfg_r(&s.b, DEV, PCI_BASE_ADDRESS_1, 4), ==, PORT | 1);
	g_assert_cmpstr(s.d->name, ==, "td0");
	g_assert_cmphex(rd(&s, false, 0, 1), ==, 3); /* nothing selected */
	g_assert_cmphex(rd(&s, false, 1, 1), ==, 0);
	g_assert_cmphex(rd(&s, false, 16, 4), ==, 0);
	td_fini(&s);
}

/* As the test program does it: select, read where and what, write, read the count. */
static void counts(void)
{
	static const char *const names[] = {"no-eventfd", "wildcard-eventfd", "datamatch-eventfd"};
	struct td s;

	td_init(&s, false);
	for (unsigned io = 0; io < 2; io++)
		for (unsigned test = 0; test < 3; test++) {
			g_autofree char *want =
				g_strdup_printf("%s-%s", io ? "portio" : "mmio", names[test]);
			char name[48];
			unsigned at, data;

			wr(&s, io, 0, test, 1);
			at = (unsigned)rd(&s, io, 4, 4);
			data = (unsigned)rd(&s, io, 8, 1);
			g_assert_cmphex(rd(&s, io, 1, 1), ==, 1);
			for (unsigned i = 0; i < sizeof(name); i++)
				name[i] = (char)rd(&s, io, 16 + i, 1);
			g_assert_cmpstr(name, ==, want);
			g_assert_cmphex(at, ==, (io ? 0x80 : 0x800) + 4 * test);
			for (unsigned i = 0; i < 5; i++)
				wr(&s, io, at, data, 1);
			wr(&s, io, at, data ^ 1, 1);
			wr(&s, io, at + 4, data, 1); /* another test's doorbell */
			wr(&s, io, 12, 0, 4);        /* the count is read only */
			g_assert_cmpuint(rd(&s, io, 12, 4), ==, test == 2 ? 5 : 6);
			wr(&s, io, 0, test, 1); /* selected again: from zero */
			g_assert_cmpuint(rd(&s, io, 12, 4), ==, 0);
		}
	wr(&s, false, 0, 200, 1);
	g_assert_cmphex(rd(&s, false, 0, 1), ==, 3);
	wr(&s, false, 0x800, 0xfa, 1);
	td_fini(&s);
}

static void reads_everywhere(void)
{
	struct td s;

	td_init(&s, false);
	for (unsigned sel = 0; sel < 4; sel++) {
		wr(&s, false, 0, sel, 1);
		for (unsigned len = 1; len <= 8; len++)
			for (unsigned off = 0; off + len <= 4096; off += 3) {
				rd(&s, false, off, len);
				if (off)
					wr(&s, false, off, UINT64_MAX, len);
			}
	}
	g_assert_cmphex(rd(&s, false, 62, 4), ==, 0);
	g_assert_cmphex(rd(&s, false, 0xffe, 2), ==, 0);
	td_fini(&s);
}

/* The doorbell of the selected test is armed exactly while its BAR shows, where it shows. */
static void arming(void)
{
	struct td s;

	td_init(&s, true);
	wr(&s, false, 0, 0, 1); /* the test without */
	g_assert_cmpuint(s.adds, ==, 0);
	wr(&s, false, 0, 1, 1);
	g_assert_true(s.armed[0].on);
	g_assert_cmphex(s.armed[0].addr, ==, MEM + 0x804);
	g_assert_false(s.armed[0].match);
	wr(&s, false, 0, 2, 1);
	g_assert_cmphex(s.armed[0].addr, ==, MEM + 0x808);
	g_assert_cmphex(s.armed[0].data, ==, 0xfa);
	wr(&s, true, 0, 1, 1);
	g_assert_cmphex(s.armed[1].addr, ==, PORT + 0x84);
	cfg_w(&s.b, DEV, PCI_BASE_ADDRESS_0, 0xd0000000, 4); /* live */
	g_assert_cmphex(s.armed[0].addr, ==, 0xd0000808);
	cfg_w(&s.b, DEV, PCI_COMMAND, PCI_COMMAND_IO, 2);
	g_assert_false(s.armed[0].on);
	g_assert_true(s.armed[1].on);
	cfg_w(&s.b, DEV, PCI_COMMAND, 3, 2);
	g_assert_true(s.armed[0].on);
	aspace_write(s.b.mem, 0xd0000000, 9, 1);
	g_assert_false(s.armed[0].on);
	pcihost_reset(&s.b.host);
	g_assert_false(s.armed[0].on || s.armed[1].on);
	cfg_w(&s.b, DEV, PCI_BASE_ADDRESS_0, MEM, 4);
	cfg_w(&s.b, DEV, PCI_COMMAND, 3, 2);
	g_assert_false(s.armed[0].on); /* the reset has forgotten the test */
	wr(&s, false, 0, 1, 1);
	g_assert_true(s.armed[0].on); /* and is taken back when the device goes */
	td_fini(&s);
}

static void eventfd_counts(void)
{
	struct td s;

	td_init(&s, true);
	wr(&s, false, 0, 1, 1);
	for (unsigned i = 0; i < 4; i++) /* the accelerator's part */
		eventfd_write(s.armed[0].fd, 1);
	g_assert_cmpuint(rd(&s, false, 12, 4), ==, 4);
	wr(&s, false, 0x804, 1, 1); /* one that came through all the same */
	eventfd_write(s.armed[0].fd, 2);
	g_assert_cmpuint(rd(&s, false, 12, 4), ==, 7);
	eventfd_write(s.armed[0].fd, 5);
	wr(&s, false, 0, 1, 1); /* late ones of the last run do not count in this one */
	g_assert_cmpuint(rd(&s, false, 12, 4), ==, 0);
	eventfd_write(s.armed[0].fd, 5);
	pcihost_reset(&s.b.host);
	cfg_w(&s.b, DEV, PCI_BASE_ADDRESS_0, MEM, 4);
	cfg_w(&s.b, DEV, PCI_COMMAND, 3, 2);
	wr(&s, false, 0, 1, 1);
	g_assert_cmpuint(rd(&s, false, 12, 4), ==, 0);
	td_fini(&s);
}

/* An accelerator that has no room left: the exits are counted instead. */
static void accelerator_refuses(void)
{
	struct td s;

	td_init(&s, true);
	s.fail = -ENOSPC;
	wr(&s, false, 0, 1, 1);
	wr(&s, false, 0x804, 1, 1);
	g_assert_cmpuint(rd(&s, false, 12, 4), ==, 1);
	wr(&s, false, 0, 2, 1);
	s.fail = 0;
	wr(&s, false, 0, 1, 1);
	g_assert_true(s.armed[0].on);
	td_fini(&s);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/pci-testdev/identity", identity);
	g_test_add_func("/pci-testdev/counts", counts);
	g_test_add_func("/pci-testdev/reads-everywhere", reads_everywhere);
	g_test_add_func("/pci-testdev/arming", arming);
	g_test_add_func("/pci-testdev/eventfd-counts", eventfd_counts);
	g_test_add_func("/pci-testdev/accelerator-refuses", accelerator_refuses);
	return g_test_run();
}
