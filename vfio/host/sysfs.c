// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the host's state as text: the files below /sys/bus/pci that tools and people use.  Called by
 * whoever plays the host's user; every attribute is one row of a table.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vfio/host/private.h"

#define PAGE 4096

/* --- attributes of a function --- */

struct attr {
	const char *name;
	/* Bytes put into buf, or -errno. */
	int (*show)(struct hostdev *d, char *buf);
	int (*store)(struct hostdev *d, const char *text); /* 0 or -errno */
	bool (*visible)(struct hostdev *d);                /* NULL = always */
	bool waits; /* store may wait for users: the host\'s lock is not held */
};

#define SHOW(name, ...)                                      \
	static int show_##name(struct hostdev *d, char *buf) \
	{                                                    \
		return snprintf(buf, PAGE, __VA_ARGS__);     \
	}

SHOW(vendor, "0x%04x\n", d->vendor)
SHOW(device, "0x%04x\n", d->device)
SHOW(subsystem_vendor, "0x%04x\n", d->subvendor)
SHOW(subsystem_device, "0x%04x\n", d->subdevice)
SHOW(class, "0x%06x\n", d->class)
SHOW(revision, "0x%02x\n", d->revision)
SHOW(irq, "%u\n", hd_line_number(d))
SHOW(enable, "%d\n", d->enabled)
SHOW(driver_override, "%s\n", d->override ? d->override : "(null)")
SHOW(msi_bus, "%d\n", !d->msi_bus_off)
SHOW(numa_node, "%d\n", -1)
SHOW(sriov_totalvfs, "%u\n", host_sriov_total(d))
SHOW(sriov_numvfs, "%u\n", d->numvfs)
SHOW(sriov_drivers_autoprobe, "%d\n", !d->autoprobe_off)
SHOW(modalias, "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02x\n", d->vendor, d->device, d->subvendor,
     d->subdevice, d->class >> 16 & 0xff, d->class >> 8 & 0xff, d->class & 0xff)

static int show_power_state(struct hostdev *d, char *buf)
{
	static const char *const name[] = {"D0", "D1", "D2", "D3hot", "D3cold", "unknown"};

	return snprintf(buf, PAGE, "%s\n", name[d->power]);
}

/* --- the link (PCI Express 7.8.6, 7.8.8, 7.8.18) --- */

static const char *speed_name(unsigned code)
{
	static const char *const name[] = {"Unknown",       "2.5 GT/s PCIe",  "5.0 GT/s PCIe",
					   "8.0 GT/s PCIe", "16.0 GT/s PCIe", "32.0 GT/s PCIe",
					   "64.0 GT/s PCIe"};

	return code < G_N_ELEMENTS(name) ? name[code] : name[0];
}

static unsigned max_speed(struct hostdev *d)
{
	unsigned many = 0;

	if ((hd_read(d, d->exp_cap + PCI_EXP_FLAGS, 2) & PCI_EXP_FLAGS_VERS) >= 2)
		many = hd_read(d, d->exp_cap + PCI_EXP_LNKCAP2, 4) >> 1 & 0x7f;
	if (many)
		return 32 - (unsigned)__builtin_clz(many);
	return hd_read(d, d->exp_cap + PCI_EXP_LNKCAP, 4) & PCI_EXP_LNKCAP_SLS;
}

static unsigned link_status(struct hostdev *d)
{
	return hd_read(d, d->exp_cap + PCI_EXP_LNKSTA, 2);
}

SHOW(max_link_speed, "%s\n", speed_name(max_speed(d)))
SHOW(max_link_width, "%u\n", (hd_read(d, d->exp_cap + PCI_EXP_LNKCAP, 4) & PCI_EXP_LNKCAP_MLW) >> 4)
SHOW(current_link_speed, "%s\n", speed_name(link_status(d) & PCI_EXP_LNKSTA_CLS))
SHOW(current_link_width, "%u\n", (link_status(d) & PCI_EXP_LNKSTA_NLW) >> 4)

/* Alternative routing ids: the port above forwards them where function 0 knows of them. */
static bool ari_enabled(struct hostdev *d)
{
	struct pcidev *first = d->pci->bus->dev[0];
	struct hostdev *f = first ? host_at(d->host, first) : NULL;

	return d->parent && f && f->exp_cap && hd_ext_cap(f, PCI_EXT_CAP_ID_ARI);
}

SHOW(ari_enabled, "%d\n", ari_enabled(d))
SHOW(broken_parity_status, "%d\n", 0)
SHOW(d3cold_allowed, "%d\n", d->pm_cap != 0)
SHOW(boot_vga, "%d\n", !!(d->res[HOSTRES_ROM].flags & HOSTRES_ROM_SHADOW))
SHOW(runtime_status, "%s\n", d->suspended ? "suspended" : "active")

static bool is_express(struct hostdev *d)
{
	return d->exp_cap;
}

static bool is_display(struct hostdev *d)
{
	return d->class >> 8 == 0x0300;
}

static int show_resource(struct hostdev *d, char *buf)
{
	int n = 0;

	for (unsigned i = 0; i < HOSTRES_N; i++)
		n += snprintf(buf + n, (size_t)(PAGE - n),
			      "0x%016" PRIx64 " 0x%016" PRIx64 " 0x%016" PRIx64 "\n",
			      d->res[i].start, d->res[i].start ? d->res[i].end : 0,
			      d->res[i].start ? (uint64_t)d->res[i].flags : 0);
	return n;
}

static int show_reset_method(struct hostdev *d, char *buf)
{
	int n = 0;

	for (unsigned i = 0; i < d->resets; i++)
		n += snprintf(buf + n, (size_t)(PAGE - n), "%s%s", i ? " " : "",
			      hd_reset_name(d->reset_order[i]));
	return n + snprintf(buf + n, (size_t)(PAGE - n), "\n");
}

static enum host_reset reset_by_name(const char *name)
{
	for (enum host_reset r = HOST_RESET_FLR; r <= HOST_RESET_BUS; r++)
		if (!strcmp(hd_reset_name(r), name))
			return r;
	return HOST_RESET_NONE;
}

static int store_reset_method(struct hostdev *d, const char *text)
{
	g_auto(GStrv) word = g_strsplit_set(text, " \n", -1);
	enum host_reset order[HOST_RESETS], all[HOST_RESETS];
	unsigned n = 0, have;

	hd_reset_probe(d);
	have = d->resets;
	memcpy(all, d->reset_order, sizeof(all));
	if (!strcmp(g_strstrip(word[0]), "default"))
		return 0;
	for (char **w = word; *w; w++) {
		enum host_reset r = reset_by_name(*w);
		unsigned i;

		if (!**w)
			continue;
		for (i = 0; i < have && all[i] != r; i++)
			;
		if (i == have || n == HOST_RESETS)
			return -EINVAL;
		order[n++] = r;
	}
	d->resets = n;
	memcpy(d->reset_order, order, sizeof(order));
	return 0;
}

static bool is_yes(const char *text)
{
	return strtoul(text, NULL, 0) == 1;
}

static int store_enable(struct hostdev *d, const char *text)
{
	if (d->drv)
		return -EBUSY;
	if (is_yes(text))
		hd_enable(d);
	else if (!d->enabled)
		return -EIO;
	else
		hd_disable(d);
	return 0;
}

static int store_driver_override(struct hostdev *d, const char *text)
{
	size_t len = strcspn(text, "\n");

	if (strlen(text) >= PAGE - 1)
		return -EINVAL;
	host_lock(d->host);
	g_free(d->override);
	d->override = len ? g_strndup(text, len) : NULL;
	host_unlock(d->host);
	return 0;
}

static int store_reset(struct hostdev *d, const char *text)
{
	return is_yes(text) ? hd_try_reset(d) : -EINVAL;
}

static int store_remove(struct hostdev *d, const char *text)
{
	if (is_yes(text))
		host_remove(d);
	return 0;
}

static int store_msi_bus(struct hostdev *d, const char *text)
{
	d->msi_bus_off = !is_yes(text);
	return 0;
}

static int store_autoprobe(struct hostdev *d, const char *text)
{
	d->autoprobe_off = !is_yes(text);
	return 0;
}

static bool has_sriov(struct hostdev *d)
{
	return d->sriov_cap;
}

static bool has_reset(struct hostdev *d)
{
	hd_reset_probe(d);
	return d->resets;
}

static bool can_reset(struct hostdev *d)
{
	return d->resets;
}

static const struct attr attrs[] = {
	{"vendor", show_vendor, NULL, NULL},
	{"device", show_device, NULL, NULL},
	{"subsystem_vendor", show_subsystem_vendor, NULL, NULL},
	{"subsystem_device", show_subsystem_device, NULL, NULL},
	{"class", show_class, NULL, NULL},
	{"revision", show_revision, NULL, NULL},
	{"irq", show_irq, NULL, NULL},
	{"enable", show_enable, store_enable, NULL},
	{"max_link_speed", show_max_link_speed, NULL, is_express},
	{"max_link_width", show_max_link_width, NULL, is_express},
	{"current_link_speed", show_current_link_speed, NULL, is_express},
	{"current_link_width", show_current_link_width, NULL, is_express},
	{"ari_enabled", show_ari_enabled, NULL, NULL},
	{"boot_vga", show_boot_vga, NULL, is_display},
	{"broken_parity_status", show_broken_parity_status, NULL, NULL},
	{"d3cold_allowed", show_d3cold_allowed, NULL, NULL},
	{"power/runtime_status", show_runtime_status, NULL, NULL},
	{"driver_override", show_driver_override, store_driver_override, NULL},
	{"modalias", show_modalias, NULL, NULL},
	{"msi_bus", show_msi_bus, store_msi_bus, NULL},
	{"numa_node", show_numa_node, NULL, NULL},
	{"power_state", show_power_state, NULL, NULL},
	{"resource", show_resource, NULL, NULL},
	{"reset", NULL, store_reset, can_reset},
	{"reset_method", show_reset_method, store_reset_method, has_reset},
	{"remove", NULL, store_remove, NULL, true},
	{"sriov_totalvfs", show_sriov_totalvfs, NULL, has_sriov},
	{"sriov_numvfs", show_sriov_numvfs, host_sriov_store, has_sriov, true},
	{"sriov_drivers_autoprobe", show_sriov_drivers_autoprobe, store_autoprobe, has_sriov},
};

static const struct attr *find_attr(struct hostdev *d, const char *name)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(attrs); i++)
		if (!strcmp(attrs[i].name, name))
			return !attrs[i].visible || attrs[i].visible(d) ? &attrs[i] : NULL;
	return NULL;
}

/* --- paths --- */

/* Takes "NAME/" off the front of a path: NULL where there is no slash. */
static const char *cut(const char *path, char *name, size_t size)
{
	size_t n = strcspn(path, "/");

	if (path[n] != '/' || n >= size)
		return NULL;
	memcpy(name, path, n);
	name[n] = 0;
	return path + n + 1;
}

static const char *relative(const char *path)
{
	if (g_str_has_prefix(path, "/sys/bus/pci/"))
		path += strlen("/sys/bus/pci/");
	return path;
}

/* "0000:01:00.0/vendor" or "devices/0000:01:00.0/vendor" */
static struct hostdev *dev_of(struct host *h, const char **path)
{
	const char *p = g_str_has_prefix(*path, "devices/") ? *path + 8 : *path;
	char bdf[32];
	const char *rest = cut(p, bdf, sizeof(bdf));
	struct hostdev *d = rest ? host_find(h, bdf) : NULL;

	if (d)
		*path = rest;
	return d;
}

static struct hostdev *by_text(struct host *h, const char *text)
{
	char bdf[32];
	size_t n = strlen(text);

	if (n && text[n - 1] == '\n')
		n--;
	if (n >= sizeof(bdf))
		return NULL;
	memcpy(bdf, text, n);
	bdf[n] = 0;
	return host_find(h, bdf);
}

/* --- drivers and the bus --- */

static int drv_bind(struct host *h, struct hostdrv *drv, const char *text)
{
	struct hostdev *d = by_text(h, text);

	if (!d || !hostdev_matches(d, drv))
		return -ENODEV;
	return hostdev_bind(d, drv);
}

static int drv_unbind(struct host *h, struct hostdrv *drv, const char *text)
{
	struct hostdev *d = by_text(h, text);

	return d && d->drv == drv ? hostdev_unbind(d) : -ENODEV;
}

static const struct {
	const char *name;
	int (*store)(struct host *h, struct hostdrv *drv, const char *text);
} drv_attrs[] = {
	{"bind", drv_bind},
	{"unbind", drv_unbind},
	{"new_id", hostdrv_new_id},
	{"remove_id", hostdrv_remove_id},
};

static int store_driver(struct host *h, const char *path, const char *text)
{
	char name[64];
	const char *attr = cut(path, name, sizeof(name));
	struct hostdrv *drv = attr ? host_driver(h, name) : NULL;

	for (unsigned i = 0; drv && i < G_N_ELEMENTS(drv_attrs); i++)
		if (!strcmp(drv_attrs[i].name, attr))
			return drv_attrs[i].store(h, drv, text);
	return -ENOENT;
}

static int store_probe(struct host *h, const char *text)
{
	struct hostdev *d = by_text(h, text);
	int ret;

	if (!d)
		return -ENODEV;
	ret = hostdev_attach(d);
	return ret < 0 ? -EINVAL : 0;
}

static int store_module(struct host *h, const char *path, const char *text)
{
	if (strcmp(path, "/sys/module/vfio_pci/parameters/enable_sriov"))
		return -ENOENT;
	h->conf.enable_sriov = text[0] == 'Y' || text[0] == 'y' || text[0] == '1';
	return 0;
}

static int store(struct host *h, const char *path, const char *text)
{
	int ret;
	const struct attr *a;
	struct hostdev *d;

	if (g_str_has_prefix(path, "/sys/module/"))
		return store_module(h, path, text);
	path = relative(path);
	if (g_str_has_prefix(path, "drivers/"))
		return store_driver(h, path + 8, text);
	if (!strcmp(path, "drivers_probe"))
		return store_probe(h, text);
	if (!strcmp(path, "rescan"))
		return is_yes(text) ? host_scan(h, NULL) : 0;
	host_lock(h);
	d = dev_of(h, &path);
	a = d ? find_attr(d, path) : NULL;
	ret = !a ? -ENOENT : !a->store ? -EACCES : 0;
	if (!ret && !a->waits)
		ret = a->store(d, text);
	host_unlock(h);
	return !ret && a->waits ? a->store(d, text) : ret;
}

ssize_t host_sysfs_write(struct host *h, const char *path, const char *text, size_t len)
{
	g_autofree char *copy = g_strndup(text, MIN(len, PAGE)); /* one page a write */
	int ret;

	if (!len)
		return 0;
	ret = store(h, path, copy);
	return ret < 0 ? ret : (ssize_t)MIN(len, PAGE);
}

ssize_t host_sysfs_read(struct host *h, const char *path, char *buf, size_t size)
{
	g_autofree char *page = g_malloc0(PAGE + 1);
	const struct attr *a;
	struct hostdev *d;
	int n;

	if (!strcmp(path, "/sys/module/vfio_pci/parameters/enable_sriov")) {
		n = snprintf(page, PAGE, "%c\n", h->conf.enable_sriov ? 'Y' : 'N');
	} else {
		path = relative(path);
		host_lock(h);
		d = dev_of(h, &path);
		a = d ? find_attr(d, path) : NULL;
		n = !a ? -ENOENT : !a->show ? -EACCES : a->show(d, page);
		host_unlock(h);
	}
	if (n < 0)
		return n;
	n = MIN(n, PAGE - 1);
	if (!size)
		return 0;
	n = MIN(n, (int)MIN(size - 1, INT32_MAX));
	memcpy(buf, page, (size_t)n);
	buf[n] = 0;
	return n;
}

int host_sysfs_readlink(struct host *h, const char *path, char *buf, size_t size)
{
	struct hostdev *d;
	int n = -ENOENT;

	path = relative(path);
	d = dev_of(h, &path);
	if (!d)
		return -ENOENT;
	host_lock(h);
	if (!strcmp(path, "driver") && d->drv)
		n = snprintf(buf, size, "%s", d->drv->ops->name);
	else if (!strcmp(path, "iommu_group") && d->group)
		n = snprintf(buf, size, "%u", d->group->id);
	else if (!strcmp(path, "physfn") && d->physfn)
		n = snprintf(buf, size, "%s", d->physfn->bdf);
	host_unlock(h);
	return n;
}

char **host_sysfs_list(struct host *h, const char *path)
{
	GPtrArray *names = g_ptr_array_new();
	unsigned id;
	char bdf[32], tail[16] = "";

	path = relative(path);
	host_lock(h);
	if (!strcmp(path, "devices"))
		for (guint i = 0; i < h->devs->len; i++)
			g_ptr_array_add(names,
					g_strdup(((struct hostdev *)h->devs->pdata[i])->bdf));
	else if (!strcmp(path, "drivers"))
		for (guint i = 0; i < h->drivers->len; i++)
			g_ptr_array_add(
				names,
				g_strdup(((struct hostdrv *)h->drivers->pdata[i])->ops->name));
	else if (sscanf(path, "/sys/kernel/iommu_groups/%u/%15s", &id, tail) == 2 &&
		 !strcmp(tail, "devices"))
		for (guint i = 0; i < h->devs->len; i++) {
			struct hostdev *d = h->devs->pdata[i];

			if (d->group && d->group->id == id)
				g_ptr_array_add(names, g_strdup(d->bdf));
		}
	else if (sscanf(path, "devices/%31s", bdf) == 1 && host_find(h, bdf))
		for (unsigned i = 0; i < G_N_ELEMENTS(attrs); i++)
			if (find_attr(host_find(h, bdf), attrs[i].name))
				g_ptr_array_add(names, g_strdup(attrs[i].name));
	host_unlock(h);
	g_ptr_array_add(names, NULL);
	return (char **)g_ptr_array_free(names, FALSE);
}
