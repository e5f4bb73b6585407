// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The one array of device models: name, help, properties, maker.  Called by the board for each
 * -device and by the command line for help; a new model is one row and one maker here.
 */
#include "vm/devs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "accel/accel.h"
#include "base/err.h"
#include "base/names.h"
#include "base/props.h"
#include "cpu/cpuid.h"
#include "hw/dev/dump.h"
#include "hw/dev/edu.h"
#include "hw/dev/nvme.h"
#include "hw/dev/pvpanic.h"
#include "hw/dev/testdev.h"
#include "hw/dev/zoo.h"
#include "hw/pci/slot.h"
#include "vm/backends.h"
#include "vm/board.h"

/* What every PCI device's -device may say about its place. */
struct pci_place {
	char *bus, *addr;
	bool multifunction;
};

struct dev_conf {
	const char *driver;
	char *id;
	struct pcidev *made; /* out: what was plugged in */
	struct pci_place place;
	struct vdev_conf vfio;
	uint32_t port_nr, chassis, slot;
	bool hotplug;
	uint32_t iobase, iosize, readback;
	uint32_t ioport, events;
	char *chardev;
	uint64_t dma_mask, size;
	char *drive, *serial, *pmrdev;
	uint32_t max_ioqpairs, sriov_max_vfs, cmb_size_mb;
	bool readonly, msix;
	char *file, *device;
	uint64_t bar[PCI_BARS];
};

/*
 * create: puts the device on the board.  make: a PCI function that no bus holds yet; the same one
 * goes to the guest's bus or to the emulated host's, where b is NULL.
 */
struct devmodel {
	const char *name, *bus, *help;
	const struct prop *props;
	int (*create)(struct board *b, struct dev_conf *c, struct err **errp);
	int (*make)(struct board *b, struct dev_conf *c, struct pcidev **out, struct err **errp);
};

#define P(field, name_, type_, def_, help_)                                            \
	{                                                                              \
		.name = name_, .type = type_, .off = offsetof(struct dev_conf, field), \
		.def = def_, .help = help_                                             \
	}
#define PLACE_PROPS                                                                               \
	P(place.bus, "bus", PROP_STR, NULL, "bus to plug into: pcie.0 or the id of a port"),      \
		P(place.addr, "addr", PROP_STR, NULL, "slot[.function] on the bus, hexadecimal"), \
		P(place.multifunction, "multifunction", PROP_BOOL, "off",                         \
		  "more functions follow in the slot")

static const struct prop vfio_props[] = {
	P(vfio.host, "host", PROP_STR, NULL, "PCI address on the host, [domain:]bus:slot.function"),
	P(vfio.sysfsdev, "sysfsdev", PROP_STR, NULL, "the device's sysfs path, instead of host"),
	PLACE_PROPS,
	P(vfio.rombar, "rombar", PROP_U32, "4294967295", "0 hides the expansion ROM"),
	P(vfio.romfile, "romfile", PROP_STR, NULL, "file shown as the expansion ROM"),
	P(vfio.no_mmap, "x-no-mmap", PROP_BOOL, "off", "trap every BAR access"),
	P(vfio.no_kvm_intx, "x-no-kvm-intx", PROP_BOOL, "off", "serve INTx in this process"),
	P(vfio.no_kvm_msi, "x-no-kvm-msi", PROP_BOOL, "off", "serve MSI in this process"),
	P(vfio.no_kvm_msix, "x-no-kvm-msix", PROP_BOOL, "off", "serve MSI-X in this process"),
	P(vfio.no_err, "x-no-err", PROP_BOOL, "off", "ignore the host's error event"),
	P(vfio.no_req, "x-no-req", PROP_BOOL, "off", "ignore the host's request for the device"),
	P(vfio.intx_mmap_timeout_ms, "x-intx-mmap-timeout-ms", PROP_U32, "1100",
	  "INTx served here: time after which BARs are mapped again"),
	P(vfio.vendor_id, "x-pci-vendor-id", PROP_U32, "4294967295",
	  "vendor id shown to the guest"),
	P(vfio.device_id, "x-pci-device-id", PROP_U32, "4294967295",
	  "device id shown to the guest"),
	P(vfio.sub_vendor_id, "x-pci-sub-vendor-id", PROP_U32, "4294967295", "subsystem vendor id"),
	P(vfio.sub_device_id, "x-pci-sub-device-id", PROP_U32, "4294967295", "subsystem id"),
	{0},
};

static const struct prop port_props[] = {
	PLACE_PROPS,
	P(port_nr, "port", PROP_U32, "0", "port number of the link"),
	P(chassis, "chassis", PROP_U32, "0", "chassis of the slot, unique per port"),
	P(slot, "slot", PROP_U32, "0", "number of the slot in the chassis"),
	P(hotplug, "hotplug", PROP_BOOL, "on", "its device may come and go at run time"),
	{0},
};

static const struct prop edu_props[] = {
	PLACE_PROPS,
	P(dma_mask, "dma_mask", PROP_U64, "0xfffffff", "address bits of its DMA engine"),
	{0},
};

static const struct prop nvme_props[] = {
	PLACE_PROPS,
	P(drive, "drive", PROP_STR, NULL,
	  "id of a -drive or -blockdev, or image file or block device that holds the blocks"),
	P(drive, "file", PROP_STR, NULL, "the same as drive"),
	P(size, "size", PROP_U64, NULL, "bytes of memory that hold them instead, such as 64M"),
	P(serial, "serial", PROP_STR, NULL,
	  "serial number; made from drive and id where not given"),
	P(max_ioqpairs, "max_ioqpairs", PROP_U32, "64", "I/O queue pairs, 1 to 255"),
	P(readonly, "readonly", PROP_BOOL, "off", "the guest may not write"),
	P(sriov_max_vfs, "sriov_max_vfs", PROP_U32, "0", "virtual functions, up to 7"),
	P(msix, "msix", PROP_BOOL, "on", "off: MSI and INTx only"),
	P(cmb_size_mb, "cmb_size_mb", PROP_U32, "0", "MiB of controller memory buffer, BAR 2"),
	P(pmrdev, "pmrdev", PROP_STR, NULL,
	  "id of the -object memory-backend that is the persistent memory region, BAR 4"),
	{0},
};

static const struct prop dump_props[] = {
	PLACE_PROPS,
	P(file, "file", PROP_STR, NULL, "hex dump of real hardware: the output of lspci -xxxx"),
	P(device, "device", PROP_STR, NULL, "address in that file; not given: the first device"),
	P(bar[0], "bar0", PROP_U64, NULL, "bytes of BAR 0, such as 64K; not given: a guess"),
	P(bar[1], "bar1", PROP_U64, NULL, "bytes of BAR 1"),
	P(bar[2], "bar2", PROP_U64, NULL, "bytes of BAR 2"),
	P(bar[3], "bar3", PROP_U64, NULL, "bytes of BAR 3"),
	P(bar[4], "bar4", PROP_U64, NULL, "bytes of BAR 4"),
	P(bar[5], "bar5", PROP_U64, NULL, "bytes of BAR 5"),
	{0},
};

static const struct prop zoo_props[] = {
	PLACE_PROPS,
	P(size, "size", PROP_U64, "1M", "bytes of its shared memory, BAR 2"),
	{0},
};

static const struct prop panic_props[] = {
	P(ioport, "ioport", PROP_U32, "0x505", "port"),
	P(events, "events", PROP_U32, "3", "what it takes: 1 a panic, 2 a crash kernel, 3 both"),
	{0},
};

static const struct prop pci_panic_props[] = {
	PLACE_PROPS,
	P(events, "events", PROP_U32, "3", "what it takes: 1 a panic, 2 a crash kernel, 3 both"),
	{0},
};

static const struct prop place_props[] = {PLACE_PROPS, {0}};
static const struct prop no_props[] = {{0}};

static const struct prop exit_props[] = {
	P(iobase, "iobase", PROP_U32, "0x501", "first port"),
	P(iosize, "iosize", PROP_U32, "2", "number of ports"),
	{0},
};

static const struct prop con_props[] = {
	P(iobase, "iobase", PROP_U32, "0xe9", "port"),
	P(readback, "readback", PROP_U32, "0xe9", "what the port reads"),
	P(chardev, "chardev", PROP_STR, NULL, "where the bytes go"),
	{0},
};

/* --- places on the PCI buses --- */

struct find_bus {
	const char *name;
	struct pcibus *bus;
	GPtrArray *known;
};

static void match_bus(void *opaque, struct pcidev *d)
{
	struct find_bus *f = opaque;

	if (!d->child)
		return;
	g_ptr_array_add(f->known, d->name);
	if (!strcmp(d->name, f->name))
		f->bus = d->child;
}

static struct pcibus *find_bus(struct board *b, const char *name, struct err **errp)
{
	g_autoptr(GPtrArray) known = g_ptr_array_new();
	struct find_bus f = {name, NULL, known};

	if (!name || !strcmp(name, "pcie.0"))
		return &b->pci.root;
	g_ptr_array_add(known, (char *)"pcie.0");
	pcihost_foreach(&b->pci, match_bus, &f);
	g_ptr_array_add(known, NULL);
	if (f.bus)
		return f.bus;
	err_set(errp, -ENOENT, "there is no PCI bus '%s'", name);
	err_hint_nearest(errp, name, (const char *const *)known->pdata);
	err_hint(
		errp,
		"A bus is pcie.0 or the id of a pcie-root-port that stands before it on the command line.");
	return NULL;
}

/* No sign and no space, which strtoul would take. */
static bool hex_number(const char *text, char **end, unsigned long *v)
{
	*v = strtoul(text, end, 16);
	return *end != text && g_ascii_isxdigit(text[0]);
}

/* "5", "05.1", "0x5.0x1"; -1 = next free slot. */
static int parse_addr(const char *text, struct err **errp)
{
	char *end;
	unsigned long slot, fn = 0;

	if (!text)
		return -1;
	if (!hex_number(text, &end, &slot) || (*end == '.' && !hex_number(end + 1, &end, &fn)) ||
	    *end || slot > 31 || fn > 7) {
		err_set(errp, -EINVAL, "addr=%s is no PCI slot and function", text);
		err_hint(errp,
			 "Write slot[.function], hexadecimal: 0 to 1f, 0 to 7; such as addr=05.0.");
		return -EINVAL;
	}
	return PCI_DEVFN(slot, fn);
}

/* Bus and devfn (-1 = next free slot) that the user wrote; NULL = one of them is wrong. */
static struct pcibus *find_place(struct board *b, const struct dev_conf *c, int *devfn,
				 struct err **errp)
{
	struct pcibus *bus = find_bus(b, c->place.bus, errp);

	*devfn = parse_addr(c->place.addr, errp);
	if (bus && b->live && !pcislot_hotpluggable(bus)) {
		err_set(errp, -ENOTSUP, "Bus '%s' does not support hotplugging",
			bus->bridge ? bus->bridge->name : "pcie.0");
		err_hint(errp,
			 "Name a port with bus=, one that was there when the machine started.");
	} else if (bus && *devfn >= -1) {
		return bus;
	}
	err_prefix(errp, "-device %s%s%s", c->driver, c->id ? ",id=" : "", c->id ? c->id : "");
	return NULL;
}

static int plug(struct dev_conf *c, struct pcidev *d, struct pcibus *bus, int devfn,
		struct err **errp)
{
	int ret;

	if (devfn < 0)
		devfn = pcibus_free_slot(bus, bus->bridge ? 0 : 1);
	ret = devfn < 0 ? err_set(errp, -ENOSPC, "%s: the bus has no free slot", d->name)
			: pcidev_plug(d, bus, (uint8_t)devfn, errp);
	if (ret < 0)
		d->ops->free(d);
	else
		c->made = d;
	return ret;
}

/* --- makers --- */

static int create_vfio(struct board *b, struct dev_conf *c, struct err **errp)
{
	int devfn, ret;
	struct pcibus *bus = find_place(b, c, &devfn, errp);
	struct pcidev *d;

	if (!bus)
		return -EINVAL;
	c->vfio.id = c->id;
	c->vfio.multifunction = c->place.multifunction;
	ret = vdev_new(&d, b->vfio, &c->vfio, pcibus_express(bus), !bus->bridge, errp);
	c->vfio.id = NULL;
	return ret < 0 ? ret : plug(c, d, bus, devfn, errp);
}

static int put_port(struct board *b, struct dev_conf *c,
		    struct pcidev *(*make)(const struct pcie_port_conf *conf), struct err **errp)
{
	int devfn;
	struct pcibus *bus = find_place(b, c, &devfn, errp);
	struct pcie_port_conf port = {c->id, c->chassis, c->slot, c->port_nr, c->hotplug};
	struct pcidev *d;

	if (!bus)
		return -EINVAL;
	if (c->port_nr > 0xff || c->chassis > 0xff || c->slot > 0x1fff)
		return err_set(
			errp, -EINVAL,
			"%s '%s': port=%u, chassis=%u, slot=%u: they end at 255, 255 and 8191",
			c->driver, c->id ? c->id : "", c->port_nr, c->chassis, c->slot);
	if (bus->bridge)
		return err_set(errp, -EINVAL, "%s '%s' can only sit on pcie.0", c->driver,
			       c->id ? c->id : "");
	d = make(&port);
	if (c->place.multifunction)
		d->cfg[PCI_HEADER_TYPE] |= 0x80;
	return plug(c, d, bus, devfn, errp);
}

static int create_port(struct board *b, struct dev_conf *c, struct err **errp)
{
	return put_port(b, c, pcie_root_port_new, errp);
}

static int create_ioh3420(struct board *b, struct dev_conf *c, struct err **errp)
{
	return put_port(b, c, pcie_ioh3420_new, errp);
}

static int testdev_ioeventfd(void *opaque, int fd, bool io, uint64_t addr, unsigned len,
			     const uint64_t *match, bool add)
{
	struct accel *a = opaque;

	return a->ops->ioeventfd ? a->ops->ioeventfd(a, fd, io, addr, len, match, add) : -ENOTSUP;
}

static int make_pci_testdev(struct board *b, struct dev_conf *c, struct pcidev **out,
			    struct err **errp)
{
	const struct testdev_ops ops = {b ? testdev_ioeventfd : NULL, b ? b->accel : NULL};

	*out = pci_testdev_new(c->id, &ops);
	return 0;
}

static int make_edu(struct board *b, struct dev_conf *c, struct pcidev **out, struct err **errp)
{
	return pci_edu_new(out, c->id, c->dma_mask, errp);
}

static int make_nvme(struct board *b, struct dev_conf *c, struct pcidev **out, struct err **errp)
{
	struct disk disk = {c->drive, c->size, c->readonly};
	const struct ram *pmr = NULL;
	struct nvme_conf conf = {
		.id = c->id,
		.serial = c->serial,
		.max_ioqpairs = c->max_ioqpairs,
		.sriov_max_vfs = c->sriov_max_vfs,
		.no_msix = !c->msix,
		.cmb_size_mb = c->cmb_size_mb,
	};

	if (b)
		backends_disk(b->config, c->drive, &disk, NULL); /* validated; else a path */
	if (c->pmrdev) {
		pmr = backends_memory(b ? b->backends : NULL, c->pmrdev, errp);
		if (!pmr)
			return -ENOENT;
		conf.pmr = &pmr->region;
	}
	conf.file = disk.file;
	conf.size = disk.size;
	conf.readonly = disk.readonly || c->readonly;
	return pci_nvme_new(out, &conf, errp);
}

static int make_dump(struct board *b, struct dev_conf *c, struct pcidev **out, struct err **errp)
{
	struct dump_conf conf = {.id = c->id, .file = c->file, .device = c->device};
	int ret;

	memcpy(conf.bar, c->bar, sizeof(conf.bar));
	ret = pci_dump_new(out, &conf, errp);
	if (ret < 0)
		err_prefix(errp, "pci-dump%s%s", c->id ? " " : "", c->id ? c->id : "");
	return ret;
}

static int make_zoo(struct board *b, struct dev_conf *c, struct pcidev **out, struct err **errp)
{
	return pci_zoo_new(out, c->id, c->size, errp);
}

static int create_made(struct board *b, struct dev_conf *c, const struct devmodel *m,
		       struct err **errp)
{
	int devfn, ret;
	struct pcibus *bus = find_place(b, c, &devfn, errp);
	struct pcidev *d;

	if (!bus)
		return -EINVAL;
	ret = m->make(b, c, &d, errp);
	if (ret < 0)
		return ret;
	if (c->place.multifunction)
		d->cfg[PCI_HEADER_TYPE] |= 0x80;
	return plug(c, d, bus, devfn, errp);
}

static int create_pc_testdev(struct board *b, struct dev_conf *c, struct err **errp)
{
	if (b->testdev)
		return err_set(errp, -EBUSY, "the machine has one pc-testdev already");
	b->testdev = testdev_new(b->io, b->mem, b->gsi);
	return 0;
}

static int create_debug_exit(struct board *b, struct dev_conf *c, struct err **errp)
{
	if (b->debugexit)
		return err_set(errp, -EBUSY, "the machine has one isa-debug-exit already");
	if (c->iobase > 0xffff || !c->iosize || c->iosize > 8 || c->iobase + c->iosize > 0x10000)
		return err_set(errp, -EINVAL,
			       "isa-debug-exit: %u ports at 0x%x: 1 to 8 below 0x10000 it must be",
			       c->iosize, c->iobase);
	b->debugexit = debugexit_new(b->io, (uint16_t)c->iobase, (uint8_t)c->iosize,
				     b->ops.exit_with, b->ops.opaque);
	return 0;
}

static int create_debugcon(struct board *b, struct dev_conf *c, struct err **errp)
{
	struct chardev *chr;

	if (b->debugcon)
		return err_set(errp, -EBUSY, "the machine has one debug console already");
	if (!c->chardev)
		return err_set(errp, -EINVAL, "isa-debugcon needs chardev=ID of a -chardev");
	if (c->iobase > 0xffff || c->readback > 0xff)
		return err_set(errp, -EINVAL,
			       "isa-debugcon: port 0x%x, readback 0x%x are out of range", c->iobase,
			       c->readback);
	chr = b->ops.chardev(b->ops.opaque, c->chardev, errp);
	if (!chr)
		return -ENOENT;
	b->debugcon = debugcon_new(b->io, (uint16_t)c->iobase, (uint8_t)c->readback, chr);
	return 0;
}

static int check_events(const struct dev_conf *c, struct err **errp)
{
	if (c->events <= 0xff)
		return 0;
	return err_set(errp, -EINVAL, "%s: events=0x%x: it is a byte", c->driver, c->events);
}

static int create_pvpanic(struct board *b, struct dev_conf *c, struct err **errp)
{
	const struct pvpanic_ops ops = {b->ops.panicked, b->ops.opaque};

	if (b->pvpanic)
		return err_set(errp, -EBUSY, "the machine has one pvpanic already");
	if (c->ioport > 0xffff)
		return err_set(errp, -EINVAL, "pvpanic: port 0x%x is beyond 0xffff", c->ioport);
	if (check_events(c, errp) < 0)
		return -EINVAL;
	b->pvpanic = pvpanic_new(b->io, (uint16_t)c->ioport, (uint8_t)c->events, &ops);
	return 0;
}

/* On the emulated host nobody looks after a panic. */
static int make_pvpanic(struct board *b, struct dev_conf *c, struct pcidev **out, struct err **errp)
{
	const struct pvpanic_ops ops = {b ? b->ops.panicked : NULL, b ? b->ops.opaque : NULL};

	if (check_events(c, errp) < 0)
		return -EINVAL;
	*out = pci_pvpanic_new(c->id, (uint8_t)c->events, &ops);
	return 0;
}

static int create_ib700(struct board *b, struct dev_conf *c, struct err **errp)
{
	if (b->ib700)
		return err_set(errp, -EBUSY, "the machine has one ib700 already");
	b->ib700 = ib700_new(b->io, b->clock, b->ops.watchdog, b->ops.opaque);
	return 0;
}

static const struct devmodel models[] = {
	{"vfio-pci", "PCI", "a PCI device of the host, assigned", vfio_props, create_vfio},
	{"pcie-root-port", "PCI", "a PCI Express root port: one more bus", port_props, create_port},
	{"ioh3420", "PCI", "the same as Intel's 5520 has it", port_props, create_ioh3420},
	{"pci-testdev", "PCI", "counts accesses, for tests of exits and ioeventfds", place_props,
	 .make = make_pci_testdev},
	{"edu", "PCI", "the educational device: registers, interrupts, DMA", edu_props,
	 .make = make_edu},
	{"nvme", "PCI", "an NVM Express drive on a file or in memory", nvme_props,
	 .make = make_nvme},
	{"pci-dump", "PCI", "registers of real hardware, from a dump that lspci made", dump_props,
	 .make = make_dump},
	{"pci-zoo", "PCI", "one of each kind of BAR, interrupt and capability, for tests",
	 zoo_props, .make = make_zoo},
	{"pvpanic-pci", "PCI", "tells the machine that the guest's kernel has crashed",
	 pci_panic_props, .make = make_pvpanic},
	{"pvpanic", "ISA", "the same, at a port", panic_props, create_pvpanic},
	{"ib700", "ISA", "the iBASE 700 watchdog; see -watchdog-action", no_props, create_ib700},
	{"pc-testdev", "ISA", "ports and memory for CPU test programs", no_props,
	 create_pc_testdev},
	{"isa-debug-exit", "ISA", "a port whose write ends this process", exit_props,
	 create_debug_exit},
	{"isa-debugcon", "ISA", "a port whose bytes go to a chardev", con_props, create_debugcon},
};

static const struct devmodel *find_model(const char *driver, struct err **errp)
{
	const char *known[G_N_ELEMENTS(models) + 1] = {0};

	for (size_t i = 0; i < G_N_ELEMENTS(models); i++) {
		known[i] = models[i].name;
		if (!strcmp(models[i].name, driver))
			return &models[i];
	}
	err_set(errp, -ENOENT, "there is no device model '%s'", driver);
	err_hint_nearest(errp, driver, known);
	err_hint(errp, "'-device help' lists the models.");
	return NULL;
}

/* The user's own defaults; b NULL: a device of the emulated host, which has none. */
static int set_globals(struct board *b, struct dev_conf *c, const struct devmodel *m,
		       struct err **errp)
{
	for (guint i = 0; b && i < b->config->globals->len; i++) {
		const struct vm_global *g = b->config->globals->pdata[i];
		int ret = 0;

		if (!strcmp(g->driver, m->name))
			ret = props_set(c, m->props, g->prop, g->value, errp);
		if (ret < 0) {
			err_prefix(errp, "-global %s.%s=%s", g->driver, g->prop, g->value);
			return ret;
		}
	}
	return 0;
}

void devs_check_globals(const struct vm_config *config)
{
	/* Parts of the board; all but the first have what they would be given. */
	static const char *const parts[] = {"mch", "ICH9-LPC", "kvm-pit", "q35-pcihost", NULL};

	for (guint i = 0; i < config->globals->len; i++) {
		const struct vm_global *g = config->globals->pdata[i];

		if (!g_strv_contains(parts, g->driver) && !find_model(g->driver, NULL))
			g_warning("-global %s.%s=%s: there is no device model '%s'", g->driver,
				  g->prop, g->value, g->driver);
	}
}

static int set_props(struct board *b, struct dev_conf *c, const struct devmodel *m,
		     const struct vm_device *dev, const char *option, struct err **errp)
{
	int ret;

	props_defaults(c, m->props);
	ret = set_globals(b, c, m, errp);
	for (guint i = 0; ret >= 0 && i < dev->props->len; i++) {
		const struct kv *kv = &g_array_index(dev->props, struct kv, i);

		ret = props_set(c, m->props, kv->key, kv->value, errp);
	}
	if (ret >= 0)
		return 0;
	err_prefix(errp, "%s %s", option, dev->driver);
	err_hint(errp, "'-device %s,help' lists the properties.", dev->driver);
	return ret;
}

int devs_create(struct board *b, const struct vm_device *dev, struct pcidev **out,
		struct err **errp)
{
	const struct devmodel *m = find_model(dev->driver, errp);
	struct dev_conf c = {.driver = dev->driver, .id = dev->id};
	int ret;

	if (!m) {
		err_prefix(errp, "-device %s", dev->driver);
		return -ENOENT;
	}
	if (b->live && strcmp(m->bus, "PCI"))
		return err_set(errp, -ENOTSUP, "Device '%s' does not support hotplugging", m->name);
	ret = set_props(b, &c, m, dev, "-device", errp);
	if (!ret)
		ret = m->make ? create_made(b, &c, m, errp) : m->create(b, &c, errp);
	props_clear(&c, m->props);
	*out = c.made;
	return ret;
}

int devs_make_host(const struct vm_device *dev, struct pcidev **out, struct err **errp)
{
	const struct devmodel *m = find_model(dev->driver, errp);
	struct dev_conf c = {.driver = dev->driver, .id = dev->id};
	int ret = m ? 0 : -ENOENT;

	if (m && !m->make) {
		ret = err_set(errp, -EINVAL, "%s is no device of a host: it belongs to the guest",
			      m->name);
		err_hint(errp, "A host has endpoints: edu, nvme, pci-dump, pci-testdev, pci-zoo.");
	}
	if (ret < 0) {
		err_prefix(errp, "-host-device %s", dev->driver);
		return ret;
	}
	ret = set_props(NULL, &c, m, dev, "-host-device", errp);
	if (!ret)
		ret = m->make(NULL, &c, out, errp);
	props_clear(&c, m->props);
	return ret;
}

bool devs_model(size_t i, struct devs_model *m)
{
	if (i >= G_N_ELEMENTS(models))
		return false;
	*m = (struct devs_model){models[i].name, models[i].bus, models[i].help, models[i].props};
	return true;
}

void devs_help(FILE *f)
{
	for (size_t i = 0; i < G_N_ELEMENTS(models); i++)
		fprintf(f, "name \"%s\", bus %s, desc \"%s\"\n", models[i].name, models[i].bus,
			models[i].help);
}

int devs_help_model(FILE *f, const char *driver, struct err **errp)
{
	const struct devmodel *m = find_model(driver, errp);

	if (!m)
		return -ENOENT;
	fprintf(f, "%s options:\n", m->name);
	props_help(f, m->props);
	return 0;
}

void cpu_help(FILE *f)
{
	cpu_models_help(f);
}
