// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the making of the emulated host from the configuration: its root ports, the models in their
 * places, their drivers.  Called by the board before any -device; what the models are is devs.c's.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
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

/* The bus of that number: 0, or the one below a root port, which is made if it is not there. */
static struct pcibus *bus_of(struct pcihost *pci, unsigned bus, struct err **errp)
{
	g_autofree char *id = g_strdup_printf("host-rp%u", bus);
	const struct pcie_port_conf conf = {.id = id, .chassis = bus, .slot = bus, .port = bus};
	struct pcibus *b = bus ? port_with(pci, bus) : &pci->root;
	struct pcidev *port;
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
	port = pcie_root_port_new(&conf);
	port->cfg[PCI_SECONDARY_BUS] = port->cfg[PCI_SUBORDINATE_BUS] = (uint8_t)bus;
	if (pcidev_plug(port, &pci->root, (uint8_t)devfn, errp) < 0) {
		port->ops->free(port);
		return NULL;
	}
	return port->child;
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

static int add(struct host *h, const struct vm_device *conf, struct err **errp)
{
	const char *addr = vm_device_get(conf, "addr");
	struct vm_device *model = NULL;
	struct pcibus *bus;
	struct pcidev *d;
	struct place p;
	int ret = parse_place(addr ? addr : "", &p, errp);

	if (ret < 0)
		goto out;
	bus = bus_of(host_pci(h), p.bus, errp);
	if (!bus) {
		ret = -ENOSPC;
		goto out;
	}
	model = without_own(conf);
	ret = devs_make_host(model, &d, errp);
	vm_device_free(model);
	if (ret < 0)
		return ret;
	if (PCI_FUNC(p.devfn) && bus->dev[p.devfn & ~7u])
		bus->dev[p.devfn & ~7u]->cfg[PCI_HEADER_TYPE] |= 0x80;
	ret = pcidev_plug(d, bus, (uint8_t)p.devfn, errp);
	if (ret < 0)
		d->ops->free(d);
out:
	if (ret < 0)
		err_prefix(errp, "-host-device %s", conf->driver);
	return ret;
}

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
	err_hint(errp,
		 "The emulated host has vfio-pci, pci-stub and drivers for nvme, e1000e, ahci, "
		 "xhci; 'none' leaves it without.");
	return ret;
}

static int fill(struct host *h, const struct vm_config *c, struct err **errp)
{
	int ret = 0;

	/* Function 0 of a slot first, whatever the order on the command line. */
	for (guint i = 0; ret >= 0 && i < c->host_devices->len; i++)
		ret = add(h, c->host_devices->pdata[i], errp);
	if (ret >= 0)
		ret = host_scan(h, errp);
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
	if (!c->host_devices->len && !c->host_sysfs->len)
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
