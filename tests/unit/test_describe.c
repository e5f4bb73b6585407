// SPDX-License-Identifier: GPL-2.0-or-later
/* Hosts as device trees: what is handed over, what is refused with file and node, the examples. */
#include "vfio/host/describe.h"

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <libfdt.h>
#include <stdarg.h>
#include <string.h>

#include "base/err.h"

#define HOST "/pcie"
#define PORT HOST "/pci@2"
#define DEV PORT "/nvme@0"

struct tree {
	uint64_t blob[1024];
	GString *seen; /* what was called back, a line each */
	int fail;      /* what the callback returns */
};

static void str(struct tree *t, const char *path, const char *name, const char *value)
{
	g_assert_cmpint(fdt_setprop_string(t->blob, fdt_path_offset(t->blob, path), name, value),
			==, 0);
}

/* n cells follow. */
static void cells(struct tree *t, const char *path, const char *name, int n, ...)
{
	fdt32_t v[16];
	va_list ap;

	va_start(ap, n);
	for (int i = 0; i < n; i++)
		v[i] = cpu_to_fdt32(va_arg(ap, unsigned));
	va_end(ap);
	g_assert_cmpint(fdt_setprop(t->blob, fdt_path_offset(t->blob, path), name, v, 4 * n), ==,
			0);
}

static void drop(struct tree *t, const char *path, const char *name)
{
	g_assert_cmpint(fdt_delprop(t->blob, fdt_path_offset(t->blob, path), name), ==, 0);
}

static void node(struct tree *t, const char *parent, const char *name)
{
	g_assert_cmpint(fdt_add_subnode(t->blob, fdt_path_offset(t->blob, parent), name), >=, 0);
}

static void bus(struct tree *t, const char *path, unsigned first, unsigned last)
{
	cells(t, path, "#address-cells", 1, 3u);
	cells(t, path, "#size-cells", 1, 2u);
	cells(t, path, "bus-range", 2, first, last);
}

static void tree_init(struct tree *t)
{
	memset(t, 0, sizeof(*t));
	t->seen = g_string_new(NULL);
	g_assert_cmpint(fdt_create_empty_tree(t->blob, sizeof(t->blob)), ==, 0);
	node(t, "/", "pcie");
	str(t, HOST, "compatible", "pci-host-ecam-generic");
	bus(t, HOST, 0, 255);
	cells(t, HOST, "iommu-map", 4, 0x100u, 1u, 0x100u, 0x100u);
	node(t, HOST, "intc"); /* no place, no model */
	node(t, HOST, "pci@2");
	cells(t, PORT, "reg", 5, 0x1000u, 0u, 0u, 0u, 0u);
	bus(t, PORT, 1, 2);
	node(t, PORT, "nvme@0");
	str(t, DEV, "compatible", "sluice,nvme");
	cells(t, DEV, "reg", 5, 0x10100u, 0u, 0u, 0u, 0u);
	str(t, DEV, "sluice,size", "64M");
	str(t, DEV, "sluice,driver", "vfio-pci");
	cells(t, DEV, "sluice,readonly", 0);
}

static void tree_fini(struct tree *t)
{
	g_string_free(t->seen, TRUE);
}

static int record(void *opaque, const struct hostdesc_dev *d, struct err **errp)
{
	struct tree *t = opaque;

	g_string_append_printf(t->seen, "%s %s", d->path, d->bdf);
	if (d->bridge)
		g_string_append_printf(t->seen, " %u-%u", d->first, d->last);
	else
		g_string_append_printf(t->seen, " %s %s%s", d->model, d->driver ? d->driver : "-",
				       d->iommu ? " iommu" : "");
	for (unsigned i = 0; i < d->nprops; i++)
		g_string_append_printf(t->seen, " %s=%s", d->props[i].name, d->props[i].value);
	g_string_append_c(t->seen, '\n');
	return t->fail ? err_set(errp, t->fail, "refused") : 0;
}

static int walk(struct tree *t, struct err **errp)
{
	return host_describe_tree("f", t->blob, sizeof(t->blob), record, t, errp);
}

/* And frees the tree. */
static void good(struct tree *t, const char *seen)
{
	struct err *e = NULL;

	walk(t, &e);
	g_assert_cmpstr(err_text(e), ==, "");
	g_assert_cmpstr(t->seen->str, ==, seen);
	tree_fini(t);
}

static void bad(struct tree *t, const char *text)
{
	struct err *e = NULL;

	g_assert_cmpint(walk(t, &e), <, 0);
	g_assert_cmpstr(err_text(e), ==, text);
	err_free(e);
	tree_fini(t);
}

#define PORT_LINE PORT " 0000:00:02.0 1-2\n"
#define DEV_ARGS "readonly=on size=64M\n"

static void test_good(void)
{
	struct tree t;

	tree_init(&t);
	good(&t, PORT_LINE DEV " 0000:01:00.1 nvme vfio-pci iommu " DEV_ARGS);
	tree_init(&t);
	drop(&t, HOST, "iommu-map");
	drop(&t, DEV, "sluice,driver");
	cells(&t, DEV, "reg", 5, 0x100u, 0u, 0u, 0u, 0u); /* bus 0: not said */
	good(&t, PORT_LINE DEV " 0000:01:00.1 nvme - " DEV_ARGS);
	tree_init(&t);
	str(&t, DEV, "status", "disabled");
	good(&t, PORT_LINE);
	tree_init(&t);
	str(&t, PORT, "status", "disabled");
	drop(&t, HOST, "bus-range");
	good(&t, "");
	tree_init(&t);
	cells(&t, HOST, "iommu-map-mask", 1, 0xf8u);
	t.fail = -EBUSY;
	bad(&t, "f: " PORT ": refused");
}

static void test_host(void)
{
	struct tree t;

	tree_init(&t);
	str(&t, HOST, "compatible", "x");
	bad(&t, "f: /: no node is compatible with \"pci-host-ecam-generic\"");
	tree_init(&t);
	str(&t, DEV, "compatible", "pci-host-ecam-generic");
	bad(&t, "f: /: there is more than one \"pci-host-ecam-generic\"");
	tree_init(&t);
	cells(&t, HOST, "bus-range", 2, 1u, 255u);
	bad(&t, "f: " HOST ": bus-range begins with 1: the root bus is 0");
	tree_init(&t);
	cells(&t, HOST, "bus-range", 1, 1u);
	bad(&t, "f: " HOST ": bus-range has 4 bytes: it must have 2 cells");
	tree_init(&t);
	cells(&t, HOST, "#address-cells", 1, 2u);
	bad(&t, "f: " HOST ": a PCI bus has #address-cells = <3> and #size-cells = <2>");
	tree_init(&t);
	cells(&t, HOST, "iommu-map", 3, 0u, 0u, 0u);
	bad(&t, "f: " HOST ": iommu-map has 12 bytes: 4 cells each it must have");
	tree_init(&t);
	cells(&t, HOST, "iommu-map-mask", 0);
	bad(&t, "f: " HOST ": iommu-map-mask has 0 bytes: it must have 1 cell");
}

static void test_bridges(void)
{
	struct tree t;

	tree_init(&t);
	cells(&t, PORT, "bus-range", 2, 2u, 1u);
	bad(&t, "f: " PORT ": bus-range <2 1> is none");
	tree_init(&t);
	cells(&t, PORT, "bus-range", 2, 0u, 1u);
	bad(&t, "f: " PORT ": bus-range <0 1> is not within <1 255>, what is left of its parent's");
	tree_init(&t);
	drop(&t, PORT, "bus-range");
	bad(&t, "f: " PORT ": neither compatible = \"sluice,MODEL\" nor bus-range says what it is");
	tree_init(&t);
	node(&t, HOST, "pci@1"); /* libfdt puts it before pci@2 */
	cells(&t, HOST "/pci@1", "reg", 5, 0x800u, 0u, 0u, 0u, 0u);
	bus(&t, HOST "/pci@1", 2, 3);
	bad(&t, "f: " PORT ": bus 2 is below another bridge, too");
}

/* Each is below the one before: no recursion without end. */
static void test_deep(void)
{
	struct tree t;
	g_autofree char *path = g_strdup(HOST);
	struct err *e = NULL;

	tree_init(&t);
	g_assert_cmpint(fdt_del_node(t.blob, fdt_path_offset(t.blob, PORT)), ==, 0);
	for (unsigned i = 1; i < 12; i++) {
		char *next = g_strdup_printf("%s/b", path);

		node(&t, path, "b");
		cells(&t, next, "reg", 5, 0u, 0u, 0u, 0u, 0u);
		bus(&t, next, i, 255);
		g_free(path);
		path = next;
	}
	g_assert_cmpint(walk(&t, &e), ==, -EINVAL);
	g_assert_nonnull(strstr(err_text(e), ": more than 8 bridges in a row"));
	err_free(e);
	tree_fini(&t);
}

static void test_devices(void)
{
	struct tree t;

	tree_init(&t);
	drop(&t, DEV, "reg");
	bad(&t, "f: " DEV ": reg is missing: <0x010000 0 0 0 0> is slot 0");
	tree_init(&t);
	cells(&t, DEV, "reg", 4, 0u, 0u, 0u, 0u);
	bad(&t, "f: " DEV ": reg has 16 bytes: 5 cells each it must have");
	tree_init(&t);
	cells(&t, DEV, "reg", 5, 0x02010010u, 0u, 0u, 0u, 0u);
	bad(&t, "f: " DEV ": reg 0x02010010 is no place in configuration space");
	tree_init(&t);
	cells(&t, DEV, "reg", 5, 0x20000u, 0u, 0u, 0u, 0u);
	bad(&t, "f: " DEV ": reg 0x00020000 is on bus 2, but its parent is bus 1");
	tree_init(&t);
	cells(&t, DEV, "sluice,size", 1, 64u);
	bad(&t, "f: " DEV ": sluice,size must be one string, as in sluice,size = \"64M\"");
	tree_init(&t);
	str(&t, DEV, "sluice,addr", "1:2.3");
	bad(&t, "f: " DEV ": sluice,addr: the place is what reg says");
	tree_init(&t);
	for (unsigned i = 0; i < 40; i++) {
		char name[] = {'s', 'l', 'u', 'i', 'c', 'e', ',', (char)('0' + i), '\0'};

		str(&t, DEV, name, "x");
	}
	bad(&t, "f: " DEV ": it has more than 32 properties");
}

/* Whatever bytes are hit, and wherever it ends: an error or not, never a crash. */
static void test_garbage(void)
{
	struct tree t, u;

	tree_init(&t);
	for (size_t i = 0; i < fdt_totalsize(t.blob); i += 3) {
		struct err *e = NULL;

		u = t;
		((uint8_t *)u.blob)[i] ^= (uint8_t)(0x81 + i);
		if (walk(&u, &e) < 0)
			g_assert_nonnull(e);
		err_free(e);
		g_assert_cmpint(host_describe_tree("f", t.blob, i, record, &t, NULL), <, 0);
	}
	tree_fini(&t);
	g_assert_cmpint(host_describe("/nonexistent", record, &t, NULL), ==, -ENOENT);
}

static void compile(const char *name, struct tree *t)
{
	g_autofree char *dts =
		g_test_build_filename(G_TEST_DIST, "..", "..", "examples", name, NULL);
	g_autofree char *folder = g_dir_make_tmp("describe-XXXXXX", NULL);
	g_autofree char *dtb = g_build_filename(folder, "dtb", NULL);
	const char *argv[] = {"dtc", "-q", "-I", "dts", "-O", "dtb", "-o", dtb, dts, NULL};
	struct err *e = NULL;
	int status;

	g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
				   NULL, &status, NULL));
	g_assert_cmpint(status, ==, 0);
	memset(t, 0, sizeof(*t));
	t->seen = g_string_new(NULL);
	host_describe(dtb, record, t, &e);
	g_assert_cmpstr(err_text(e), ==, "");
	g_unlink(dtb);
	g_rmdir(folder);
}

static void test_examples(void)
{
	g_autofree char *dtc = g_find_program_in_path("dtc");
	struct tree t;

	if (!dtc) {
		g_test_skip("there is no dtc");
		return;
	}
	compile("nvme.dts", &t);
	g_assert_cmpstr(t.seen->str, ==,
			"/pcie@b0000000/pci@2,0 0000:00:02.0 1-1\n"
			"/pcie@b0000000/pci@2,0/nvme@0,0 0000:01:00.0 nvme vfio-pci iommu size=64M "
			"serial=EXAMPLE1\n");
	tree_fini(&t);
	compile("nic.dts", &t);
	g_assert_nonnull(strstr(t.seen->str, "0000:03:00.1 pci-zoo vfio-pci iommu size=16M\n"));
	g_assert_nonnull(strstr(t.seen->str, "0000:00:05.0 edu - dma_mask=0xffffffff\n"));
	tree_fini(&t);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/describe/good", test_good);
	g_test_add_func("/describe/host", test_host);
	g_test_add_func("/describe/bridges", test_bridges);
	g_test_add_func("/describe/deep", test_deep);
	g_test_add_func("/describe/devices", test_devices);
	g_test_add_func("/describe/garbage", test_garbage);
	g_test_add_func("/describe/examples", test_examples);
	return g_test_run();
}
