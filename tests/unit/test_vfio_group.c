// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The Linux backend, as far as it goes without a device: answers of the kernel taken apart,
 * requests made, and what a user is told who names a device that is not there.  The rest is
 * tests/e2e's, on a real kernel.
 */
#include <errno.h>
#include <string.h>

#include "vfio_util.h"

/* --- VFIO_DEVICE_GET_REGION_INFO ------------------------------------------------------------ */

struct answer {
	uint8_t buf[512];
	size_t len;
};

static void answer_init(struct answer *a, uint64_t size, uint32_t flags, uint32_t cap)
{
	const struct vfio_region_info info = {
		.argsz = sizeof(a->buf), .flags = flags, .cap_offset = cap, .size = size};

	memset(a, 0, sizeof(*a));
	memcpy(a->buf, &info, sizeof(info));
	a->len = sizeof(info);
}

static void add(struct answer *a, size_t at, const void *data, size_t len)
{
	memcpy(a->buf + at, data, len);
	a->len = MAX(a->len, at + len);
}

static void add_head(struct answer *a, size_t at, uint16_t id, uint32_t next)
{
	const struct vfio_info_cap_header h = {id, 1, next};

	add(a, at, &h, sizeof(h));
}

static void add_sparse(struct answer *a, size_t at, uint32_t n, uint32_t next)
{
	const struct vfio_region_info_cap_sparse_mmap cap = {
		.header = {VFIO_REGION_INFO_CAP_SPARSE_MMAP, 1, next}, .nr_areas = n};

	add(a, at, &cap, sizeof(cap));
}

static void add_area(struct answer *a, uint64_t off, uint64_t size)
{
	const struct vfio_region_sparse_mmap_area area = {off, size};

	add(a, a->len, &area, sizeof(area));
}

/* From a buffer of exactly this size, so that a sanitizer sees a read past it. */
static struct vfio_region parse(const struct answer *a, size_t len)
{
	uint8_t *exact = g_memdup2(a->buf, len);
	struct vfio_region r;

	memset(&r, 0x5a, sizeof(r));
	vfio_region_parse(&r, exact, len);
	g_free(exact);
	return r;
}

#define RW (VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE)
#define MAPPABLE (RW | VFIO_REGION_INFO_FLAG_MMAP)
#define CAPS (MAPPABLE | VFIO_REGION_INFO_FLAG_CAPS)

static void plain(void)
{
	struct answer a;
	struct vfio_region r;

	answer_init(&a, 0x4000, MAPPABLE, 0);
	r = parse(&a, a.len);
	g_assert_cmphex(r.size, ==, 0x4000);
	g_assert_cmphex(r.flags, ==, MAPPABLE);
	g_assert_cmpuint(r.n_areas, ==, 1);
	g_assert_cmphex(r.area[0].off, ==, 0);
	g_assert_cmphex(r.area[0].size, ==, 0x4000);
	g_assert_false(r.sparse);
	g_assert_false(r.msix_mappable);
	answer_init(&a, 0x4000, RW, 0);
	g_assert_cmpuint(parse(&a, a.len).n_areas, ==, 0);
	answer_init(&a, 0, MAPPABLE, 0);
	g_assert_cmpuint(parse(&a, a.len).n_areas, ==, 0);
	/* A capability without the flag is none. */
	answer_init(&a, 0x4000, MAPPABLE, 32);
	add_head(&a, 32, VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, 0);
	g_assert_false(parse(&a, a.len).msix_mappable);
}

static void capabilities(void)
{
	struct answer a;
	struct vfio_region r;

	answer_init(&a, 0x8000, CAPS, 32);
	add_head(&a, 32, 77, 40); /* unknown */
	add_head(&a, 40, VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, 48);
	add_sparse(&a, 48, 4, 0);
	add_area(&a, 0x1000, 0x2000);
	add_area(&a, 0x4000, 0); /* empty */
	add_area(&a, 0x6000, 0x2000);
	add_area(&a, 0x3000, 0x1000);
	r = parse(&a, a.len);
	g_assert_true(r.msix_mappable);
	g_assert_true(r.sparse);
	g_assert_cmpuint(r.n_areas, ==, 3);
	g_assert_cmphex(r.area[0].off, ==, 0x1000);
	g_assert_cmphex(r.area[1].off, ==, 0x6000);
	g_assert_cmphex(r.area[1].size, ==, 0x2000);
	g_assert_cmphex(r.area[2].off, ==, 0x3000);
	/* None at all: nothing may be mapped. */
	answer_init(&a, 0x8000, CAPS, 32);
	add_sparse(&a, 32, 0, 0);
	r = parse(&a, a.len);
	g_assert_true(r.sparse);
	g_assert_cmpuint(r.n_areas, ==, 0);
}

static void foreign_areas(void)
{
	struct answer a;
	struct vfio_region r;

	answer_init(&a, 0x8000, CAPS, 32);
	add_sparse(&a, 32, 6, 0);
	add_area(&a, 0x8000, 0x1000);
	add_area(&a, 0x7000, 0x2000);
	add_area(&a, 0x1000, UINT64_MAX);
	add_area(&a, UINT64_MAX - 0xfff, 0x2000);
	add_area(&a, 0x7000, 0x1000);
	add_area(&a, 0, 0x8000);
	r = parse(&a, a.len);
	g_assert_cmpuint(r.n_areas, ==, 2);
	g_assert_cmphex(r.area[0].off, ==, 0x7000);
	g_assert_cmphex(r.area[1].size, ==, 0x8000);
	/* More than there is room for. */
	answer_init(&a, 0x100000, CAPS, 32);
	add_sparse(&a, 32, 20, 0);
	for (unsigned i = 0; i < 20; i++)
		add_area(&a, 0x2000 * i, 0x1000);
	r = parse(&a, a.len);
	g_assert_cmpuint(r.n_areas, ==, 16);
	g_assert_cmphex(r.area[15].off, ==, 0x1e000);
}

static void hostile(void)
{
	struct answer a;
	struct vfio_info_cap_header h;

	answer_init(&a, 0x8000, CAPS, 40);
	add_head(&a, 40, VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, 56);
	add_sparse(&a, 56, UINT32_MAX, 0);
	add_area(&a, 0, 0x1000);
	add_area(&a, 0x2000, 0x1000);
	for (size_t n = 1; n <= a.len; n++) {
		struct vfio_region r = parse(&a, n);

		g_assert_cmpuint(r.n_areas, <=, 2);
		g_assert_true(r.msix_mappable == (n >= 48));
		g_assert_true(r.sparse == (n >= 72));
	}
	g_assert_cmpuint(parse(&a, a.len).n_areas, ==, 2);
	/* Every next pointer: loops, backwards, into the header, odd ones, past the end. */
	for (uint32_t next = 0; next < 300; next++) {
		add_head(&a, 40, VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, next);
		parse(&a, a.len);
	}
	add_head(&a, 40, VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, UINT32_MAX - 3);
	g_assert_true(parse(&a, a.len).msix_mappable);
	g_assert_false(vfio_cap_header(a.buf, a.len, 0, &h));
	g_assert_false(vfio_cap_header(a.buf, a.len, (uint32_t)a.len - 7, &h));
	g_assert_true(vfio_cap_header(a.buf, a.len, (uint32_t)a.len - 8, &h));
	g_assert_false(vfio_cap_header(a.buf, a.len, UINT32_MAX, &h));
}

/* --- VFIO_DEVICE_SET_IRQS ------------------------------------------------------------------- */

static struct vfio_irq_set *seen;
static int seen_ret;

static int record(struct vfio_dev *d, struct vfio_irq_set *set)
{
	g_free(seen);
	seen = g_memdup2(set, set->argsz);
	return seen_ret;
}

static void requests(void)
{
	static const struct vfio_dev_ops ops = {.set_irqs = record};
	struct vfio_dev d = {.ops = &ops};
	const int fds[] = {7, -1, 9};

	seen_ret = 2;
	g_assert_cmpint(vfio_irq_eventfds(&d, VFIO_PCI_MSIX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER,
					  4, 3, fds),
			==, 2);
	g_assert_cmpuint(seen->argsz, ==, sizeof(*seen) + 12);
	g_assert_cmphex(seen->flags, ==, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER);
	g_assert_cmpuint(seen->index, ==, VFIO_PCI_MSIX_IRQ_INDEX);
	g_assert_cmpuint(seen->start, ==, 4);
	g_assert_cmpuint(seen->count, ==, 3);
	g_assert_cmpmem(seen->data, 12, fds, 12);
	seen_ret = -EINVAL;
	g_assert_cmpint(vfio_irq_action(&d, VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_UNMASK),
			==, -EINVAL);
	g_assert_cmphex(seen->flags, ==, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK);
	g_assert_cmpuint(seen->count, ==, 1);
	g_assert_cmpuint(seen->argsz, ==, sizeof(*seen));
	vfio_irq_disarm(&d, VFIO_PCI_MSI_IRQ_INDEX);
	g_assert_cmphex(seen->flags, ==, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER);
	g_assert_cmpuint(seen->count, ==, 0);
	g_clear_pointer(&seen, g_free);
}

/* --- opening -------------------------------------------------------------------------------- */

/* No host has a PCI domain fffe: the first check fails, and nothing is left behind. */
static void not_there(void)
{
	struct err *e = NULL;
	struct vt t;

	vt_init(&t);
	t.env.open = NULL;
	g_free(t.conf.host);
	t.conf.host = g_strdup("fffe:1f:1f.7");
	g_assert_cmpint(vt_try(&t, &e), ==, -ENODEV);
	assert_contains(err_text(e), "-device vfio-pci,host=fffe:1f:1f.7: ");
	assert_contains(err_text(e), "no such PCI device on this host");
	assert_contains(err_hints(e), "lspci -D");
	err_free(e);
	g_assert_cmpuint(t.ctx->groups->len, ==, 0);
	g_assert_cmpuint(t.ctx->containers->len, ==, 0);
	vt_fini(&t);
}

int main(int argc, char **argv)
{
	vt_test_init(&argc, &argv);
	g_test_add_func("/vfio-group/plain", plain);
	g_test_add_func("/vfio-group/capabilities", capabilities);
	g_test_add_func("/vfio-group/foreign-areas", foreign_areas);
	g_test_add_func("/vfio-group/hostile", hostile);
	g_test_add_func("/vfio-group/requests", requests);
	g_test_add_func("/vfio-group/not-there", not_there);
	return g_test_run();
}
