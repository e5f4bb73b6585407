// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns query-pci: the guest's PCI hierarchy as the guest has numbered it.  Called through the
 * table; looks with the PCI host's lock held and changes nothing.
 */
#include <string.h>

#include "base/err.h"
#include "ctl/pci_names.h"
#include "ctl/qmp_cmds.h"
#include "vm/board.h"
#include "vm/vm.h"

static JsonArray *bus_devices(struct pcibus *bus);

static JsonObject *range(uint64_t base, uint64_t limit)
{
	JsonObject *o = json_object_new();

	json_object_set_int_member(o, "base", (gint64)base);
	json_object_set_int_member(o, "limit", (gint64)limit);
	return o;
}

/* Windows of a type 1 header (PCI-to-PCI Bridge 1.2, 3.2.5.6 to 3.2.5.10). */
static JsonObject *bus_info(const struct pcidev *d)
{
	const uint8_t *c = d->cfg;
	uint64_t pref_base = (uint64_t)(pci_get16(c + PCI_PREF_MEMORY_BASE) & 0xfff0) << 16;
	uint64_t pref_limit = (uint64_t)(pci_get16(c + PCI_PREF_MEMORY_LIMIT) & 0xfff0) << 16;
	JsonObject *o = json_object_new();

	json_object_set_int_member(o, "number", c[PCI_PRIMARY_BUS]);
	json_object_set_int_member(o, "secondary", c[PCI_SECONDARY_BUS]);
	json_object_set_int_member(o, "subordinate", c[PCI_SUBORDINATE_BUS]);
	json_object_set_object_member(
		o, "io_range",
		range((c[PCI_IO_BASE] & 0xf0u) << 8, (c[PCI_IO_LIMIT] & 0xf0u) << 8 | 0xfff));
	json_object_set_object_member(
		o, "memory_range",
		range((uint64_t)(pci_get16(c + PCI_MEMORY_BASE) & 0xfff0) << 16,
		      (uint64_t)(pci_get16(c + PCI_MEMORY_LIMIT) & 0xfff0) << 16 | 0xfffff));
	pref_base |= (uint64_t)pci_get32(c + PCI_PREF_BASE_UPPER32) << 32;
	pref_limit |= (uint64_t)pci_get32(c + PCI_PREF_LIMIT_UPPER32) << 32;
	json_object_set_object_member(o, "prefetchable_range",
				      range(pref_base, pref_limit | 0xfffff));
	return o;
}

static JsonArray *regions_of(const struct pcidev *d)
{
	JsonArray *a = json_array_new();

	for (int i = 0; i <= PCI_ROM_BAR; i++) {
		const struct pcibar *b = &d->bar[i];
		bool io = b->flags & PCI_BASE_ADDRESS_SPACE_IO;
		JsonObject *o;

		if (!b->region)
			continue;
		o = json_object_new();
		json_object_set_int_member(o, "bar", i);
		json_object_set_string_member(o, "type", io ? "io" : "memory");
		json_object_set_int_member(o, "address", (gint64)b->addr); /* -1 = not decoded */
		json_object_set_int_member(o, "size", (gint64)b->size);
		if (!io) {
			json_object_set_boolean_member(o, "prefetch",
						       b->flags & PCI_BASE_ADDRESS_MEM_PREFETCH);
			json_object_set_boolean_member(o, "mem_type_64",
						       b->flags & PCI_BASE_ADDRESS_MEM_TYPE_64);
		}
		json_array_add_object_element(a, o);
	}
	return a;
}

static JsonObject *class_of(struct pcidev *d)
{
	uint32_t class = pcidev_cycle_read(d, PCI_CLASS_DEVICE, 2);
	const char *desc = pci_class_name((uint16_t) class);
	JsonObject *o = json_object_new();

	if (desc)
		json_object_set_string_member(o, "desc", desc);
	json_object_set_int_member(o, "class", class);
	return o;
}

static JsonObject *ids_of(struct pcidev *d)
{
	JsonObject *o = json_object_new();

	json_object_set_int_member(o, "device", pcidev_cycle_read(d, PCI_DEVICE_ID, 2));
	json_object_set_int_member(o, "vendor", pcidev_cycle_read(d, PCI_VENDOR_ID, 2));
	if (!d->child) {
		json_object_set_int_member(o, "subsystem",
					   pcidev_cycle_read(d, PCI_SUBSYSTEM_ID, 2));
		json_object_set_int_member(o, "subsystem-vendor",
					   pcidev_cycle_read(d, PCI_SUBSYSTEM_VENDOR_ID, 2));
	}
	return o;
}

static JsonObject *device_info(struct pcidev *d)
{
	uint32_t pin = pcidev_cycle_read(d, PCI_INTERRUPT_PIN, 1);
	JsonObject *o = json_object_new(), *bridge;

	json_object_set_int_member(o, "bus", pcibus_nr(d->bus));
	json_object_set_int_member(o, "slot", PCI_SLOT(d->devfn));
	json_object_set_int_member(o, "function", PCI_FUNC(d->devfn));
	json_object_set_object_member(o, "class_info", class_of(d));
	json_object_set_object_member(o, "id", ids_of(d));
	if (pin)
		json_object_set_int_member(o, "irq", pcidev_cycle_read(d, PCI_INTERRUPT_LINE, 1));
	json_object_set_int_member(o, "irq_pin", pin);
	json_object_set_string_member(o, "qdev_id", strcmp(d->name, d->ops->model) ? d->name : "");
	if (d->child) {
		bridge = json_object_new();
		json_object_set_object_member(bridge, "bus", bus_info(d));
		if (d->cfg[PCI_SECONDARY_BUS])
			json_object_set_array_member(bridge, "devices", bus_devices(d->child));
		json_object_set_object_member(o, "pci_bridge", bridge);
	}
	json_object_set_array_member(o, "regions", regions_of(d));
	return o;
}

static JsonArray *bus_devices(struct pcibus *bus)
{
	JsonArray *a = json_array_new();

	for (int i = 0; i < 256; i++)
		if (bus->dev[i])
			json_array_add_object_element(a, device_info(bus->dev[i]));
	return a;
}

JsonNode *qmp_query_pci(struct qmp_call *c, struct err **errp)
{
	struct board *b = vm_board(c->vm);
	JsonArray *a = json_array_new();
	JsonObject *o;

	if (board_is_none(b))
		return qmp_array(a);
	o = json_object_new();
	pthread_mutex_lock(&b->pci.lock);
	json_object_set_int_member(o, "bus", 0);
	json_object_set_array_member(o, "devices", bus_devices(&b->pci.root));
	pthread_mutex_unlock(&b->pci.lock);
	json_array_add_object_element(a, o);
	return qmp_array(a);
}
