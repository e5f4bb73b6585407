// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of hw/isa/ports.c. */
#include <string.h>
#include <sys/mman.h>

#include "base/err.h"
#include "board_util.h"
#include "fake_chardev.h"
#include "hw/isa/ports.h"
#include "mem/ram.h"

struct seen {
	unsigned calls;
	int status;
};

static void exit_with(void *opaque, int status)
{
	struct seen *s = opaque;

	s->calls++;
	s->status = status;
}

static void reset(void *opaque)
{
	struct seen *s = opaque;

	s->calls++;
}

static void post_code(void)
{
	struct board b;
	struct port80 *p;

	board_init(&b);
	p = port80_new(b.io);
	g_assert_cmphex(in8(&b, 0x80), ==, 0);
	out8(&b, 0x80, 0x55);
	g_assert_cmphex(in8(&b, 0x80), ==, 0x55);
	port80_reset(p);
	g_assert_cmphex(in8(&b, 0x80), ==, 0);
	port80_free(p);
	port80_free(NULL);
	g_assert_cmphex(in8(&b, 0x80), ==, 0xff);
	board_fini(&b);
}

static void port_a(void)
{
	struct board b;
	struct seen seen = {};
	struct port92 *p;

	board_init(&b);
	p = port92_new(b.io, board_wire(&b, 20), reset, &seen);
	g_assert_cmphex(in8(&b, 0x92), ==, 2);
	out8(&b, 0x92, 0xfe);
	g_assert_cmphex(in8(&b, 0x92), ==, 2);
	g_assert_true(b.level[20]);
	out8(&b, 0x92, 0);
	g_assert_false(b.level[20]);
	g_assert_cmpuint(seen.calls, ==, 0);
	out8(&b, 0x92, 1);
	g_assert_cmpuint(seen.calls, ==, 1);
	out8(&b, 0x92, 3); /* no new edge */
	g_assert_cmpuint(seen.calls, ==, 1);
	out8(&b, 0x92, 2);
	out8(&b, 0x92, 3);
	g_assert_cmpuint(seen.calls, ==, 2);
	port92_reset(p);
	g_assert_cmphex(in8(&b, 0x92), ==, 2);
	port92_free(p);
	board_fini(&b);
}

static void debug_exit(void)
{
	struct board b;
	struct seen seen = {};
	struct debugexit *d;

	board_init(&b);
	d = debugexit_new(b.io, 0xf4, 4, exit_with, &seen);
	g_assert_cmphex(in8(&b, 0xf4), ==, 0);
	g_assert_cmpuint(seen.calls, ==, 0);
	out8(&b, 0xf4, 0);
	g_assert_cmpint(seen.status, ==, 1);
	aspace_write(b.io, 0xf4, 0x10, 4);
	g_assert_cmpint(seen.status, ==, 0x21);
	aspace_write(b.io, 0xf5, 3, 2);
	g_assert_cmpint(seen.status, ==, 7);
	g_assert_cmpuint(seen.calls, ==, 3);
	out8(&b, 0xf8, 1);
	g_assert_cmpuint(seen.calls, ==, 3);
	debugexit_reset(d);
	debugexit_free(d);
	board_fini(&b);
}

static void debug_console(void)
{
	struct board b;
	struct chardev c;
	struct debugcon *d;

	board_init(&b);
	fake_chardev_init(&c);
	d = debugcon_new(b.io, 0x402, 0xe9, &c);
	g_assert_cmphex(in8(&b, 0x402), ==, 0xe9);
	out8(&b, 0x402, 'o');
	out8(&b, 0x402, 'k');
	fake_chardev_expect(&c, "ok");
	debugcon_reset(d);
	debugcon_free(d);
	d = debugcon_new(b.io, 0xe9, 0x42, NULL);
	out8(&b, 0xe9, 'x');
	g_assert_cmphex(in8(&b, 0xe9), ==, 0x42);
	debugcon_free(d);
	fake_chardev_fini(&c);
	board_fini(&b);
}

static struct testdev *testdev_on(struct board *b)
{
	struct wire irqs[TESTDEV_IRQS];

	for (int i = 0; i < TESTDEV_IRQS; i++)
		irqs[i] = board_wire(b, i);
	return testdev_new(b->io, b->mem, irqs);
}

static void testdev_lines(void)
{
	struct board b;
	struct testdev *t;

	board_init(&b);
	t = testdev_on(&b);
	for (unsigned i = 0; i < TESTDEV_IRQS; i++) {
		out8(&b, 0x2000 + i, 1);
		g_assert_true(b.level[i]);
		out8(&b, 0x2000 + i, 0);
		g_assert_false(b.level[i]);
		g_assert_cmpuint(b.rises[i], ==, 1);
	}
	out8(&b, 0x2018, 1);
	out8(&b, 0x2005, 1);
	testdev_reset(t);
	g_assert_false(b.level[5]);
	testdev_free(t);
	board_fini(&b);
}

static void testdev_cells(void)
{
	struct board b;
	struct testdev *t;

	board_init(&b);
	t = testdev_on(&b);
	aspace_write(b.io, 0xe0, 0x12345678, 4);
	g_assert_cmphex(in8(&b, 0xe1), ==, 0x56);
	g_assert_cmphex(aspace_read(b.io, 0xe2, 2), ==, 0x1234);
	out8(&b, 0xe3, 0xab);
	aspace_write(b.io, 0xe1, 0xcdef, 2);
	g_assert_cmphex(aspace_read(b.io, 0xe0, 4), ==, 0xabcdef78);
	aspace_write(b.io, 0xe8, 0x01020304, 4);
	g_assert_cmphex(in8(&b, 0xea), ==, 0x02);
	aspace_write(b.mem, TESTDEV_IOMEM + 8, 0x1122334455667788, 8);
	g_assert_cmphex(aspace_read(b.mem, TESTDEV_IOMEM + 11, 4), ==, 0x22334455);
	aspace_write(b.mem, TESTDEV_IOMEM + 0xffff, 0x77, 1);
	g_assert_cmphex(aspace_read(b.mem, TESTDEV_IOMEM + 0xfffe, 4), ==, 0xffff7700);
	testdev_reset(t);
	g_assert_cmphex(aspace_read(b.mem, TESTDEV_IOMEM + 8, 8), ==, 0);
	g_assert_cmphex(aspace_read(b.io, 0xe0, 4), ==, 0);
	testdev_free(t);
	g_assert_cmphex(aspace_read(b.mem, TESTDEV_IOMEM, 4), ==, 0xffffffff);
	board_fini(&b);
}

/* Memory keeps its content, whatever page the guest names. */
static void testdev_flush(void)
{
	struct board b;
	struct testdev *t;
	struct ram ram = {};
	struct err *err = NULL;
	uint8_t bytes[0x1000], *private;
	const size_t size = 0x3000;
	struct region other;

	board_init(&b);
	t = testdev_on(&b);
	g_assert_cmpint(ram_init(&ram, "ram", 0x10000, &err), ==, 0);
	private = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	g_assert_true(private != MAP_FAILED);
	memset(private, 0x33, size);
	region_init_ram(&other, "private", size, private, -1);
	struct mmapping *m = aspace_map(b.mem, &ram.region, 0x100000, 0, 0x10000, 0);
	struct mmapping *n = aspace_map(b.mem, &other, 0x200000, 0, size, 0);

	memset(ram.region.host, 0x5a, 0x10000);
	for (uint64_t gpa = 0xff000; gpa < 0x112000; gpa += 0xfff)
		aspace_write(b.io, 0xe4, gpa, 4);
	for (uint64_t gpa = 0x1ff000; gpa < 0x205000; gpa += 0x1000)
		aspace_write(b.io, 0xe4, gpa, 4);
	aspace_write(b.io, 0xe4, TESTDEV_IOMEM, 4);
	aspace_read_buf(b.mem, 0x10f000, bytes, 0x1000);
	for (unsigned i = 0; i < 0x1000; i++)
		g_assert_cmphex(bytes[i], ==, 0x5a);
	for (unsigned i = 0; i < size; i++)
		g_assert_cmphex(private[i], ==, 0x33);
	g_assert_cmphex(aspace_read(b.io, 0xe4, 4), ==, 0);
	aspace_unmap(b.mem, m);
	aspace_unmap(b.mem, n);
	testdev_free(t);
	aspace_sync();
	ram_fini(&ram);
	munmap(private, size);
	board_fini(&b);
}

int main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/ports/post-code", post_code);
	g_test_add_func("/ports/port92", port_a);
	g_test_add_func("/ports/debug-exit", debug_exit);
	g_test_add_func("/ports/debugcon", debug_console);
	g_test_add_func("/ports/testdev-lines", testdev_lines);
	g_test_add_func("/ports/testdev-cells", testdev_cells);
	g_test_add_func("/ports/testdev-flush", testdev_flush);
	rc = g_test_run();
	aspace_thread_leave();
	return rc;
}
