// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the reading of device trees that describe a host.  Called before the host is filled; never
 * makes a device: it hands over what it found.
 */
#include "vfio/host/describe.h"

#include <errno.h>
#include <glib.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

#define MAX_FILE (1u << 20)
#define MAX_DEPTH 8
#define MAX_PROPS 32
#define PREFIX "sluice,"
#define HOST_BRIDGE "pci-host-ecam-generic"

struct walk {
	const char *file;
	const void *fdt;
	hostdesc_fn *fn;
	void *opaque;
	/* iommu-map: entries of 4 cells; NULL = there is none. */
	const fdt32_t *map;
	unsigned entries;
	uint32_t map_mask;
};

struct bus {
	const char *path;
	unsigned nr, last; /* its own number; the last one that bridges on it may have */
	unsigned depth;
	bool taken[256]; /* bus numbers of bridges on it */
};

static int bad(const struct walk *w, const char *path, struct err **errp, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int bad(const struct walk *w, const char *path, struct err **errp, const char *fmt, ...)
{
	g_autofree char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	return err_set(errp, -EINVAL, "%s: %s: %s", w->file, path, text);
}

/* --- properties --- */

/* n cells exactly; NULL = it is not there or of another size, which *len tells (-1, bytes). */
static const fdt32_t *cells(const struct walk *w, int node, const char *name, unsigned n, int *len)
{
	const fdt32_t *p = fdt_getprop(w->fdt, node, name, len);

	if (!p)
		*len = -1;
	return p && (unsigned)*len == 4 * n ? p : NULL;
}

/* One string and no more. */
static const char *one_string(const void *p, int len)
{
	const char *s = p;

	return s && len > 0 && strnlen(s, (size_t)len) == (size_t)len - 1 ? s : NULL;
}

static bool disabled(const struct walk *w, int node)
{
	int len;
	const void *p = fdt_getprop(w->fdt, node, "status", &len);
	const char *s = one_string(p, len);

	return s && strcmp(s, "okay") && strcmp(s, "ok");
}

/* The model that compatible names; NULL = none. */
static const char *model_of(const struct walk *w, int node)
{
	int n = fdt_stringlist_count(w->fdt, node, "compatible");

	for (int i = 0; i < n; i++) {
		const char *s = fdt_stringlist_get(w->fdt, node, "compatible", i, NULL);

		if (s && g_str_has_prefix(s, PREFIX) && s[strlen(PREFIX)])
			return s + strlen(PREFIX);
	}
	return NULL;
}

/* Bus 0 in a reg: not said, as is usual in trees that a kernel gets. */
static int place_of(const struct walk *w, int node, const struct bus *bus, struct hostdesc_dev *d,
		    struct err **errp)
{
	int len = 0;
	const fdt32_t *reg = fdt_getprop(w->fdt, node, "reg", &len);
	uint32_t hi;

	if (!reg)
		return bad(w, d->path, errp, "reg is missing: <0x%02x0000 0 0 0 0> is slot 0",
			   bus->nr);
	if (len < 20 || len % 20)
		return bad(w, d->path, errp, "reg has %d bytes: 5 cells each it must have", len);
	hi = fdt32_to_cpu(reg[0]);
	if (hi & 0xff0000ff)
		return bad(w, d->path, errp, "reg 0x%08x is no place in configuration space", hi);
	if (hi >> 16 && hi >> 16 != bus->nr)
		return bad(w, d->path, errp, "reg 0x%08x is on bus %u, but its parent is bus %u",
			   hi, hi >> 16, bus->nr);
	d->bus = bus->nr;
	d->devfn = hi >> 8 & 0xff;
	snprintf(d->bdf, sizeof(d->bdf), "0000:%02x:%02x.%x", d->bus & 0xff, d->devfn >> 3,
		 d->devfn & 7);
	return 0;
}

/* default_last: where bus-range is not needed; -1 = it is. */
static int bus_range(const struct walk *w, int node, const char *path, int default_last,
		     unsigned *first, unsigned *last, struct err **errp)
{
	int len;
	const fdt32_t *p = cells(w, node, "bus-range", 2, &len);

	*first = 0;
	*last = (unsigned)default_last;
	if (len < 0 && default_last >= 0)
		return 0;
	if (len < 0)
		return bad(w, path, errp, "it is a bridge and has no bus-range");
	if (!p)
		return bad(w, path, errp, "bus-range has %d bytes: it must have 2 cells", len);
	*first = fdt32_to_cpu(p[0]);
	*last = fdt32_to_cpu(p[1]);
	if (*first > *last || *last > 255)
		return bad(w, path, errp, "bus-range <%u %u> is none", *first, *last);
	return 0;
}

static int check_cells(const struct walk *w, int node, const char *path, struct err **errp)
{
	if (fdt_address_cells(w->fdt, node) == 3 && fdt_size_cells(w->fdt, node) == 2)
		return 0;
	return bad(w, path, errp, "a PCI bus has #address-cells = <3> and #size-cells = <2>");
}

static bool has_iommu(const struct walk *w, const struct hostdesc_dev *d)
{
	uint32_t rid = (d->bus << 8 | d->devfn) & w->map_mask;

	for (unsigned i = 0; i < w->entries; i++) {
		uint32_t base = fdt32_to_cpu(w->map[4 * i]), len = fdt32_to_cpu(w->map[4 * i + 3]);

		if (rid >= base && rid - base < len)
			return true;
	}
	return false;
}

static int init_map(struct walk *w, int node, const char *path, struct err **errp)
{
	int len;
	const fdt32_t *mask = cells(w, node, "iommu-map-mask", 1, &len);

	if (len >= 0 && !mask)
		return bad(w, path, errp, "iommu-map-mask has %d bytes: it must have 1 cell", len);
	w->map_mask = mask ? fdt32_to_cpu(*mask) : UINT32_MAX;
	w->map = fdt_getprop(w->fdt, node, "iommu-map", &len);
	if (w->map && len % 16)
		return bad(w, path, errp, "iommu-map has %d bytes: 4 cells each it must have", len);
	w->entries = w->map ? (unsigned)len / 16 : 0;
	return 0;
}

/* --- nodes --- */

static int take_prop(const struct walk *w, struct hostdesc_dev *d, struct hostdesc_prop *list,
		     int prop, struct err **errp)
{
	const char *name, *value;
	int len;
	const void *p = fdt_getprop_by_offset(w->fdt, prop, &name, &len);

	if (!p || !g_str_has_prefix(name, PREFIX))
		return 0;
	value = len ? one_string(p, len) : "on";
	if (!value)
		return bad(w, d->path, errp, "%s must be one string, as in %s = \"64M\"", name,
			   name);
	name += strlen(PREFIX);
	if (!*name || !strcmp(name, "addr"))
		return bad(w, d->path, errp, PREFIX "%s: the place is what reg says", name);
	if (!strcmp(name, "driver")) {
		d->driver = value;
		return 0;
	}
	if (d->nprops == MAX_PROPS)
		return bad(w, d->path, errp, "it has more than %d properties", MAX_PROPS);
	list[d->nprops++] = (struct hostdesc_prop){name, value};
	return 0;
}

static int take_device(const struct walk *w, int node, struct hostdesc_dev *d, struct err **errp)
{
	struct hostdesc_prop list[MAX_PROPS];
	int prop, ret = 0;

	d->props = list;
	for (prop = fdt_first_property_offset(w->fdt, node); ret == 0 && prop >= 0;
	     prop = fdt_next_property_offset(w->fdt, prop))
		ret = take_prop(w, d, list, prop, errp);
	if (ret < 0)
		return ret;
	ret = w->fn(w->opaque, d, errp);
	if (ret < 0)
		err_prefix(errp, "%s: %s", w->file, d->path);
	return ret;
}

static int take_bus(const struct walk *w, int node, struct bus *bus, struct err **errp);

static int take_bridge(const struct walk *w, int node, struct bus *bus, struct hostdesc_dev *d,
		       struct err **errp)
{
	struct bus below = {.path = d->path, .depth = bus->depth + 1};
	int ret = bus_range(w, node, d->path, -1, &d->first, &d->last, errp);

	if (ret < 0)
		return ret;
	if (below.depth > MAX_DEPTH)
		return bad(w, d->path, errp, "more than %d bridges in a row", MAX_DEPTH);
	if (d->first <= bus->nr || d->last > bus->last)
		return bad(w, d->path, errp,
			   "bus-range <%u %u> is not within <%u %u>, what is left of its parent's",
			   d->first, d->last, bus->nr + 1, bus->last);
	for (unsigned i = d->first; i <= d->last; i++) {
		if (bus->taken[i])
			return bad(w, d->path, errp, "bus %u is below another bridge, too", i);
		bus->taken[i] = true;
	}
	ret = w->fn(w->opaque, d, errp);
	if (ret < 0) {
		err_prefix(errp, "%s: %s", w->file, d->path);
		return ret;
	}
	below.nr = d->first;
	below.last = d->last;
	return take_bus(w, node, &below, errp);
}

static int take_node(const struct walk *w, int node, struct bus *bus, struct err **errp)
{
	const char *name = fdt_get_name(w->fdt, node, NULL);
	g_autofree char *path = g_strconcat(bus->path, "/", name ? name : "?", NULL);
	struct hostdesc_dev d = {.path = path, .model = model_of(w, node)};
	int ret;

	d.bridge = !d.model && fdt_getprop(w->fdt, node, "bus-range", NULL);
	if (disabled(w, node) || (!d.model && !d.bridge && !fdt_getprop(w->fdt, node, "reg", NULL)))
		return 0;
	if (!d.model && !d.bridge)
		return bad(w, path, errp,
			   "neither compatible = \"" PREFIX
			   "MODEL\" nor bus-range says what it is");
	ret = place_of(w, node, bus, &d, errp);
	if (ret < 0)
		return ret;
	d.iommu = has_iommu(w, &d);
	return d.bridge ? take_bridge(w, node, bus, &d, errp) : take_device(w, node, &d, errp);
}

static int take_bus(const struct walk *w, int node, struct bus *bus, struct err **errp)
{
	int child = fdt_first_subnode(w->fdt, node);
	int ret = child >= 0 ? check_cells(w, node, bus->path, errp) : 0;

	for (; ret == 0 && child >= 0; child = fdt_next_subnode(w->fdt, child))
		ret = take_node(w, child, bus, errp);
	return ret;
}

/* --- the tree --- */

/* The one host bridge; -errno = none, or more. */
static int find_host(const struct walk *w, struct err **errp)
{
	int node = fdt_node_offset_by_compatible(w->fdt, -1, HOST_BRIDGE);

	if (node < 0)
		return bad(w, "/", errp, "no node is compatible with \"" HOST_BRIDGE "\"");
	if (fdt_node_offset_by_compatible(w->fdt, node, HOST_BRIDGE) >= 0)
		return bad(w, "/", errp, "there is more than one \"" HOST_BRIDGE "\"");
	return node;
}

int host_describe_tree(const char *file, const void *fdt, size_t len, hostdesc_fn *fn, void *opaque,
		       struct err **errp)
{
	struct walk w = {.file = file, .fdt = fdt, .fn = fn, .opaque = opaque};
	struct bus root = {};
	char path[512];
	int ret = fdt_check_full(fdt, len), node;

	if (ret < 0)
		return bad(&w, "/", errp, "this is no device tree: %s", fdt_strerror(ret));
	node = find_host(&w, errp);
	if (node < 0)
		return node;
	if (fdt_get_path(fdt, node, path, sizeof(path)) < 0)
		return bad(&w, "/", errp, "the path to \"" HOST_BRIDGE "\" is too long");
	root.path = path;
	ret = bus_range(&w, node, path, 255, &root.nr, &root.last, errp);
	if (ret == 0 && root.nr)
		ret = bad(&w, path, errp, "bus-range begins with %u: the root bus is 0", root.nr);
	if (ret == 0)
		ret = init_map(&w, node, path, errp);
	return ret < 0 ? ret : take_bus(&w, node, &root, errp);
}

int host_describe(const char *file, hostdesc_fn *fn, void *opaque, struct err **errp)
{
	g_autofree void *fdt = g_malloc(MAX_FILE + 1);
	FILE *f = fopen(file, "re");
	size_t len;
	int failed;

	if (!f)
		return err_set_errno(errp, -errno, "open the device tree '%s'", file);
	errno = 0;
	len = fread(fdt, 1, MAX_FILE + 1, f);
	failed = ferror(f) ? errno : len > MAX_FILE ? EFBIG : 0;
	fclose(f);
	if (failed)
		return err_set_errno(errp, -failed, "read the device tree '%s'", file);
	return host_describe_tree(file, fdt, len, fn, opaque, errp);
}
