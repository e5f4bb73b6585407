// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the making of the emulated host from the configuration: its root ports, the models in their
 * places, their drivers.  Called by the board before any -device; what the models are is devs.c's.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "hw/dev/dump.h"
#include "vfio/host/describe.h"
#include "vfio/pci/driver.h"
#include "vm/board.h"

#define FIRST_PORT 0x10 /* slot of the first root port, where bus 0 has none in the way */

struct place {
	unsigned bus, devfn;
	char bdf[16];
};

static int parse_place(const char *text, struct place *p, struct err **errp)
{
	unsigned domain = 0, bus, slot, fn;
	char end;

	if (sscanf(text, "%x:%x:%x.%x%c", &domain, &bus, &slot, &fn, &end) != 4) {
		domain = 0;
		if (sscanf(text, "%x:%x.%x%c", &bus, &slot, &fn, &end) != 3)
			domain = 1;
	}
	if (domain || bus > 0xff || slot > 0x1f || fn > 7) {
		int ret =
			err_set(errp, -EINVAL, "addr=%s is no address on the emulated host", text);

		err_hint(errp, "Write [0000:]bus:slot.function, such as addr=0000:01:00.0.");
		return ret;
	}
	*p = (struct place){bus, PCI_DEVFN(slot, fn), ""};
	snprintf(p->bdf, sizeof(p->bdf), "0000:%02x:%02x.%x", bus & 0xff, slot & 0x1f, fn & 7);
	return 0;
}

static struct pcibus *port_with(struct pcihost *pci, unsigned bus)
{
	for (unsigned i = 0; i < 256; i++) {
		struct pcidev *d = pci->root.dev[i];

		if (d && d->child && d->cfg[PCI_SECONDARY_BUS] == bus)
			return d->child;
	}
	return NULL;
}

/* The bus below it. */
static struct pcibus *make_port(struct pcihost *pci, unsigned devfn, unsigned bus, unsigned last,
				struct err **errp)
{
	g_autofree char *id = g_strdup_printf("host-rp%u", bus);
	const struct pcie_port_conf conf = {.id = id, .chassis = bus, .slot = bus, .port = bus};
	struct pcidev *port = pcie_root_port_new(&conf);

	port->cfg[PCI_SECONDARY_BUS] = (uint8_t)bus;
	port->cfg[PCI_SUBORDINATE_BUS] = (uint8_t)last;
	if (pcidev_plug(port, &pci->root, (uint8_t)devfn, errp) < 0) {
		port->ops->free(port);
		return NULL;
	}
	return port->child;
}

/* The bus of that number: 0, or the one below a root port, which is made if it is not there. */
static struct pcibus *bus_of(struct pcihost *pci, unsigned bus, struct err **errp)
{
	struct pcibus *b = bus ? port_with(pci, bus) : &pci->root;
	int devfn;

	if (b)
		return b;
	devfn = pcibus_free_slot(&pci->root, FIRST_PORT);
	if (devfn < 0)
		devfn = pcibus_free_slot(&pci->root, 1);
	if (devfn < 0) {
		err_set(errp, -ENOSPC, "the emulated host has no slot for a port to bus %u", bus);
		return NULL;
	}
	return make_port(pci, (unsigned)devfn, bus, bus, errp);
}

/* The host's own properties, taken from those of the model. */
static struct vm_device *without_own(const struct vm_device *d)
{
	struct vm_device *copy = vm_device_new(d->driver);

	copy->id = g_strdup(d->id);
	for (guint i = 0; i < d->props->len; i++) {
		const struct kv *kv = &g_array_index(d->props, struct kv, i);

		if (strcmp(kv->key, "addr") && strcmp(kv->key, "driver"))
			vm_device_set(copy, kv->key, kv->value);
	}
	return copy;
}

/* Into its place, or freed. */
static int plug(struct host *h, struct pcidev *d, const struct place *p, struct err **errp)
{
	struct pcibus *bus = bus_of(host_pci(h), p->bus, errp);
	int ret = bus ? pcidev_plug(d, bus, (uint8_t)p->devfn, errp) : -ENOSPC;
	unsigned first = p->devfn & ~7u;

	if (ret < 0) {
		d->ops->free(d);
		return ret;
	}
	for (unsigned i = first + 1; i < first + 8; i++)
		if (bus->dev[i] && bus->dev[first])
			bus->dev[first]->cfg[PCI_HEADER_TYPE] |= 0x80;
	return 0;
}

static int add(struct host *h, const struct vm_device *conf, struct err **errp)
{
	const char *addr = vm_device_get(conf, "addr");
	struct vm_device *model;
	struct pcidev *d;
	struct place p;
	int ret = parse_place(addr ? addr : "", &p, errp);

	if (ret < 0)
		goto out;
	model = without_own(conf);
	ret = devs_make_host(model, &d, errp);
	vm_device_free(model);
	if (ret < 0)
		return ret;
	ret = plug(h, d, &p, errp);
out:
	if (ret < 0)
		err_prefix(errp, "-host-device %s", conf->driver);
	return ret;
}

/* --- whole dumps --- */

static const char *no_place(const struct pcidump_dev *dev)
{
	if (dev->domain)
		return "the emulated host has domain 0 only";
	if (dev->bdf >> 8 && PCI_SLOT(dev->bdf & 0xff))
		return "below a root port there is only slot 0";
	return pcidump_unfit(dev);
}

/* Those on the root bus or those on other buses: ports to these take the slots that are left. */
static int add_dump(struct host *h, const struct pcidump *dump, bool root, struct err **errp)
{
	int ret = 0;

	for (guint i = 0; ret >= 0 && i < dump->devs->len; i++) {
		const struct pcidump_dev *dev = dump->devs->pdata[i];
		const struct place p = {dev->bdf >> 8, dev->bdf & 0xff, ""};
		const char *why = no_place(dev);
		g_autofree char *name = pcidump_name(dev);
		const struct dump_conf conf = {};
		struct pcidev *d;

		if (root != !p.bus)
			continue;
		if (why) {
			g_message("-host-dump %s: %s is left out: %s", dump->file, name, why);
			continue;
		}
		ret = pci_dump_make(&d, &conf, dump, dev, errp);
		if (ret >= 0)
			ret = plug(h, d, &p, errp);
		if (ret < 0)
			err_prefix(errp, "-host-dump");
	}
	return ret;
}

static int add_dumps(struct host *h, const GPtrArray *dumps, bool root, struct err **errp)
{
	int ret = 0;

	for (guint i = 0; ret >= 0 && i < dumps->len; i++)
		ret = add_dump(h, dumps->pdata[i], root, errp);
	return ret;
}

static int read_dumps(const struct vm_config *c, GPtrArray *dumps, struct err **errp)
{
	for (guint i = 0; i < c->host_dumps->len; i++) {
		struct pcidump *dump = pcidump_read(c->host_dumps->pdata[i], errp);

		if (!dump) {
			err_prefix(errp, "-host-dump");
			return -EINVAL;
		}
		g_ptr_array_add(dumps, dump);
	}
	return 0;
}

/* --- device trees --- */

struct described {
	struct host *h;
	GPtrArray *devs; /* of struct vm_device */
};

static int take_described(void *opaque, const struct hostdesc_dev *d, struct err **errp)
{
	struct described *s = opaque;
	struct vm_device *conf;

	if (d->bridge && d->bus)
		return err_set(errp, -EINVAL, "the emulated host has bridges on bus 0 only");
	if (d->bridge)
		return make_port(host_pci(s->h), d->devfn, d->first, d->last, errp) ? 0 : -EBUSY;
	conf = vm_device_new(d->model);
	g_ptr_array_add(s->devs, conf);
	for (unsigned i = 0; i < d->nprops; i++)
		if (strcmp(d->props[i].name, "id"))
			vm_device_set(conf, d->props[i].name, d->props[i].value);
		else
			conf->id = g_strdup(d->props[i].value);
	vm_device_set(conf, "addr", d->bdf);
	if (!d->iommu)
		host_no_iommu(s->h, d->bdf);
	if (d->driver)
		vm_device_set(conf, "driver", d->driver);
	return add(s->h, conf, errp);
}

static int add_described(struct host *h, const struct vm_config *c, GPtrArray *devs,
			 struct err **errp)
{
	struct described s = {h, devs};
	int ret = 0;

	for (guint i = 0; ret >= 0 && i < c->host_dtbs->len; i++)
		ret = host_describe(c->host_dtbs->pdata[i], take_described, &s, errp);
	if (ret < 0)
		err_prefix(errp, "-host-dtb");
	return ret;
}

/* --- drivers --- */

static int write_sysfs(struct host *h, const char *path, const char *text, struct err **errp)
{
	ssize_t ret = host_sysfs_write(h, path, text, strlen(text));

	if (ret >= 0)
		return 0;
	return err_set_errno(errp, (int)ret, "emulated host: write '%s' to %s", text, path);
}

static char *driver_of(struct host *h, const char *bdf)
{
	g_autofree char *path = g_strdup_printf("devices/%s/driver", bdf);
	char name[64];

	return host_sysfs_readlink(h, path, name, sizeof(name)) < 0 ? NULL : g_strdup(name);
}

/* By address, as driverctl does: override, let go, probe. */
static int bind(struct host *h, const struct vm_device *conf, struct err **errp)
{
	const char *driver = vm_device_get(conf, "driver");
	g_autofree char *path = NULL, *was = NULL, *now = NULL, *unbind = NULL;
	struct place p;
	char group[32];
	int ret;

	if (!driver)
		return 0;
	ret = parse_place(vm_device_get(conf, "addr"), &p, errp);
	if (ret < 0)
		return ret;
	was = driver_of(h, p.bdf);
	if (was && !strcmp(was, driver))
		return 0;
	path = g_strdup_printf("devices/%s/driver_override", p.bdf);
	ret = write_sysfs(h, path, driver, errp);
	if (ret >= 0 && was) {
		unbind = g_strdup_printf("drivers/%s/unbind", was);
		ret = write_sysfs(h, unbind, p.bdf, errp);
	}
	if (ret >= 0 && strcmp(driver, "none"))
		ret = write_sysfs(h, "drivers_probe", p.bdf, errp);
	if (ret < 0)
		return ret;
	now = driver_of(h, p.bdf);
	if (!strcmp(driver, "none") || (now && !strcmp(now, driver)))
		return 0;
	ret = err_set(errp, -ENODEV, "-host-device %s,addr=%s: its driver is not %s but %s",
		      conf->driver, p.bdf, driver, now ? now : "none");
	g_free(path);
	path = g_strdup_printf("devices/%s/iommu_group", p.bdf);
	if (host_sysfs_readlink(h, path, group, sizeof(group)) < 0)
		err_hint(errp, "It is not behind the IOMMU: its tree's iommu-map leaves it out.");
	err_hint(errp,
		 "The emulated host has vfio-pci, pci-stub and drivers for nvme, e1000e, ahci, "
		 "xhci; 'none' leaves it without.");
	return ret;
}

/* What says where its ports are comes first, what takes any slot for them last. */
static int add_all(struct host *h, const struct vm_config *c, GPtrArray *described,
		   struct err **errp)
{
	g_autoptr(GPtrArray) dumps = g_ptr_array_new_with_free_func((GDestroyNotify)pcidump_free);
	int ret = read_dumps(c, dumps, errp);

	if (ret >= 0)
		ret = add_described(h, c, described, errp);
	if (ret >= 0)
		ret = add_dumps(h, dumps, true, errp);
	for (guint i = 0; ret >= 0 && i < c->host_devices->len; i++)
		ret = add(h, c->host_devices->pdata[i], errp);
	return ret < 0 ? ret : add_dumps(h, dumps, false, errp);
}

static int fill(struct host *h, const struct vm_config *c, struct err **errp)
{
	g_autoptr(GPtrArray) described =
		g_ptr_array_new_with_free_func((GDestroyNotify)vm_device_free);
	int ret = add_all(h, c, described, errp);

	if (ret >= 0)
		ret = host_scan(h, errp);
	for (guint i = 0; ret >= 0 && i < described->len; i++)
		ret = bind(h, described->pdata[i], errp);
	for (guint i = 0; ret >= 0 && i < c->host_devices->len; i++)
		ret = bind(h, c->host_devices->pdata[i], errp);
	for (guint i = 0; ret >= 0 && i < c->host_sysfs->len; i++) {
		const struct kv *kv = &g_array_index(c->host_sysfs, struct kv, i);

		ret = write_sysfs(h, kv->key, kv->value, errp);
	}
	return ret;
}

int hostdevs_new(const struct vm_config *c, struct host **out, struct err **errp)
{
	struct host *h;
	int ret;

	*out = NULL;
	if (!c->host_devices->len && !c->host_sysfs->len && !c->host_dumps->len &&
	    !c->host_dtbs->len)
		return 0;
	h = vfio_host_new(NULL);
	if (!h)
		return err_set(errp, -ENOMEM, "start the emulated host");
	ret = fill(h, c, errp);
	if (ret < 0) {
		vfio_host_free(h);
		return ret;
	}
	*out = h;
	return 0;
}
