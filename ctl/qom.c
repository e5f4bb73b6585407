// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the view of the machine as a tree of typed objects.  Called by QMP's qom commands and by the
 * monitor; changes nothing.
 */
#include "ctl/qom.h"

#include <errno.h>
#include <string.h>

#include "accel/vcpu.h"
#include "base/err.h"
#include "base/props.h"
#include "vm/board.h"
#include "vm/devs.h"
#include "vm/vm.h"

/* --- types --- */

static const struct qom_type types[] = {
	{"object", NULL, true},
	{"interface", NULL, true},
	{"container", "object", false},
	{"machine", "object", true},
	{"x86-machine", "machine", true},
	{"generic-pc-machine", "x86-machine", true},
	{"pc-q35-7.2-machine", "generic-pc-machine", false},
	{"none-machine", "machine", false},
	{"accel", "object", true},
	{"kvm-accel", "accel", false},
	{"tcg-accel", "accel", false},
	{"qtest-accel", "accel", false},
	{"bus", "object", true},
	{"PCI", "bus", false},
	{"PCIE", "PCI", false},
	{"ISA", "bus", false},
	{"chardev", "object", true},
	{"chardev-file", "chardev", false},
	{"chardev-null", "chardev", false},
	{"chardev-pipe", "chardev", false},
	{"chardev-pty", "chardev", false},
	{"chardev-socket", "chardev", false},
	{"chardev-stdio", "chardev", false},
	{"memory-backend", "object", true},
	{"memory-backend-file", "memory-backend", false},
	{"memory-backend-memfd", "memory-backend", false},
	{"memory-backend-ram", "memory-backend", false},
	{"device", "object", true},
	{"cpu", "device", true},
	{"x86_64-cpu", "cpu", true},
	{"sys-bus-device", "device", true},
	{"ioapic-common", "sys-bus-device", true},
	{"ioapic", "ioapic-common", false},
	{"pcie-host-bridge", "sys-bus-device", true},
	{"q35-pcihost", "pcie-host-bridge", false},
	{"fw_cfg_io", "sys-bus-device", false},
	{"isa-device", "device", true},
	{"mc146818rtc", "isa-device", false},
	{"i8042", "isa-device", false},
	{"isa-pit", "isa-device", false},
	{"isa-serial", "isa-device", false},
	{"port92", "isa-device", false},
	{"pci-device", "device", true},
	{"mch", "pci-device", false},
	{"ICH9-LPC", "pci-device", false},
	{"pcie-slot", "pci-device", true},
	{"pcie-root-port-base", "pcie-slot", true},
};

/* The models of -device, and CPUs: named by other tables. */
static bool model_type(const char *name, struct qom_type *t)
{
	struct devs_model m;

	for (size_t i = 0; devs_model(i, &m); i++)
		if (!strcmp(m.name, name)) {
			bool port = !strcmp(name, "pcie-root-port") || !strcmp(name, "ioh3420");

			*t = (struct qom_type){m.name,
					       port                    ? "pcie-root-port-base"
					       : !strcmp(m.bus, "PCI") ? "pci-device"
								       : "isa-device",
					       false};
			return true;
		}
	return false;
}

#define CPU_SUFFIX "-x86_64-cpu"

static bool cpu_type(const char *name)
{
	for (size_t i = 0; cpu_model_name(i); i++)
		if (g_str_has_prefix(name, cpu_model_name(i)) &&
		    !strcmp(name + strlen(cpu_model_name(i)), CPU_SUFFIX))
			return true;
	return false;
}

static const struct qom_type a_pci_device = {"pci-device-model", "pci-device", false};
static const struct qom_type a_port = {"port-model", "pcie-root-port-base", false};
static const struct qom_type an_isa_device = {"isa-device-model", "isa-device", false};
static const struct qom_type a_cpu = {"cpu-model", "x86_64-cpu", false};

const struct qom_type *qom_type_find(const char *name)
{
	struct qom_type t;

	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		if (!strcmp(types[i].name, name))
			return &types[i];
	if (cpu_type(name))
		return &a_cpu;
	if (!model_type(name, &t))
		return NULL;
	return !strcmp(t.parent, a_port.parent)         ? &a_port
	       : !strcmp(t.parent, a_pci_device.parent) ? &a_pci_device
							: &an_isa_device;
}

bool qom_is_a(const struct qom_type *t, const char *ancestor)
{
	for (; t; t = t->parent ? qom_type_find(t->parent) : NULL)
		if (!strcmp(t->name, ancestor))
			return true;
	return false;
}

void qom_types(void (*fn)(void *opaque, const struct qom_type *t), void *opaque)
{
	struct devs_model m;
	struct qom_type t;

	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		fn(opaque, &types[i]);
	for (size_t i = 0; devs_model(i, &m); i++)
		if (model_type(m.name, &t))
			fn(opaque, &t);
	for (size_t i = 0; cpu_model_name(i); i++) {
		g_autofree char *name = g_strconcat(cpu_model_name(i), CPU_SUFFIX, NULL);

		t = (struct qom_type){name, "x86_64-cpu", false};
		fn(opaque, &t);
	}
}

/* --- objects --- */

static void object_free(gpointer p)
{
	struct qom_object *o = p;

	g_free(o->path);
	g_free(o->type);
	g_ptr_array_free(o->names, TRUE);
	g_ptr_array_free(o->values, TRUE);
	g_free(o);
}

static struct qom_object *add(GPtrArray *tree, const char *path, const char *type)
{
	struct qom_object *o = g_new0(struct qom_object, 1);

	o->path = g_strdup(path);
	o->type = g_strdup(type);
	o->names = g_ptr_array_new_with_free_func(g_free);
	o->values = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(tree, o);
	return o;
}

static void set(struct qom_object *o, const char *name, const char *value)
{
	g_ptr_array_add(o->names, g_strdup(name));
	g_ptr_array_add(o->values, g_strdup(value));
}

/* As the user gave it, or the table's default. */
static void set_props(struct qom_object *o, const struct vm_device *conf)
{
	struct devs_model m;

	for (size_t i = 0; devs_model(i, &m); i++) {
		if (strcmp(m.name, conf->driver))
			continue;
		for (const struct prop *p = m.props; p->name; p++)
			set(o, p->name, vm_device_get(conf, p->name) ?: p->def ?: "");
	}
}

static void add_plugged(GPtrArray *tree, struct board *b)
{
	for (guint i = 0; b->plugged && i < b->plugged->len; i++) {
		const struct board_device *d = b->plugged->pdata[i];

		set_props(add(tree, d->path, d->conf->driver), d->conf);
	}
}

static void add_cpus(GPtrArray *tree, struct vm *vm)
{
	struct cpu_spec spec;
	g_autofree char *type = NULL;

	if (cpu_spec_parse(&spec, vm_config(vm)->cpu, NULL) < 0)
		return;
	type = g_strconcat(cpu_spec_model(&spec), CPU_SUFFIX, NULL);
	for (unsigned i = 0; vm_vcpus(vm) && vcpus_get(vm_vcpus(vm), i); i++) {
		g_autofree char *path = g_strdup_printf("/machine/unattached/device[%u]", i);
		g_autofree char *id = g_strdup_printf("%u", i);

		set(add(tree, path, type), "apic-id", id);
	}
}

static void add_board(GPtrArray *tree, struct vm *vm)
{
	struct board *b = vm_board(vm);

	add_cpus(tree, vm);
	add(tree, "/machine/q35", "q35-pcihost");
	add(tree, "/machine/q35/mch", "mch");
	if (b->ioapic)
		add(tree, "/machine/q35/ioapic", "ioapic");
	add(tree, "/machine/q35/pcie.0", "PCIE");
	add(tree, "/machine/unattached/ICH9-LPC", "ICH9-LPC");
	add(tree, "/machine/unattached/ICH9-LPC/isa.0", "ISA");
	add(tree, "/machine/unattached/fw_cfg", "fw_cfg_io");
	add(tree, "/machine/unattached/rtc", "mc146818rtc");
	add(tree, "/machine/unattached/i8042", "i8042");
	if (b->pit)
		add(tree, "/machine/unattached/pit", "isa-pit");
	add(tree, "/machine/unattached/port92", "port92");
	for (unsigned i = 0; i < VM_MAX_SERIALS; i++) {
		g_autofree char *path = g_strdup_printf("/machine/unattached/serial%u", i);

		if (b->serial[i])
			set(add(tree, path, "isa-serial"), "chardev",
			    vm_config(vm)->serials->pdata[i]);
	}
}

static void add_machine(GPtrArray *tree, struct vm *vm)
{
	const struct vm_config *c = vm_config(vm);
	bool none = board_is_none(vm_board(vm));
	struct qom_object *o = add(tree, "/machine", none ? "none-machine" : "pc-q35-7.2-machine");

	set(o, "kernel", c->kernel ?: "");
	set(o, "initrd", c->initrd ?: "");
	set(o, "append", c->append ?: "");
	add(tree, "/machine/peripheral", "container");
	add(tree, "/machine/peripheral-anon", "container");
	add(tree, "/machine/unattached", "container");
	if (!none && vm_state(vm) != VM_PRECONFIG)
		add_board(tree, vm);
	add_plugged(tree, vm_board(vm));
}

GPtrArray *qom_tree(struct vm *vm)
{
	const struct vm_config *c = vm_config(vm);
	GPtrArray *tree = g_ptr_array_new_with_free_func(object_free);

	add(tree, "/", "container");
	add(tree, "/backend", "container");
	add(tree, "/chardevs", "container");
	for (guint i = 0; i < c->chardevs->len; i++) {
		const struct chardev_conf *conf = c->chardevs->pdata[i];
		g_autofree char *path = g_strconcat("/chardevs/", conf->id, NULL);
		g_autofree char *type = g_strconcat("chardev-", conf->backend, NULL);

		add(tree, path, type);
	}
	add(tree, "/objects", "container");
	for (guint i = 0; i < c->objects->len; i++) {
		const struct vm_device *obj = c->objects->pdata[i];
		g_autofree char *path = g_strconcat("/objects/", obj->id, NULL);
		struct qom_object *o = add(tree, path, obj->driver);

		for (guint k = 0; k < obj->props->len; k++) {
			const struct kv *kv = &g_array_index(obj->props, struct kv, k);

			set(o, kv->key, kv->value);
		}
	}
	add_machine(tree, vm);
	return tree;
}

/* "ioapic" is the end of "/machine/q35/ioapic", and "q35/ioapic" is, too. */
static bool ends_with(const char *path, const char *end)
{
	g_autofree char *tail = g_strconcat("/", end, NULL);

	return g_str_has_suffix(path, tail);
}

struct qom_object *qom_find(GPtrArray *tree, const char *path, struct err **errp)
{
	struct qom_object *found = NULL;

	for (guint i = 0; i < tree->len; i++) {
		struct qom_object *o = tree->pdata[i];

		if (*path == '/' ? strcmp(o->path, path) : !ends_with(o->path, path))
			continue;
		if (found) {
			err_set(errp, -EEXIST, "Path '%s' is ambiguous", path);
			return NULL;
		}
		found = o;
	}
	if (!found)
		err_set(errp, -ENODEV, "Device '%s' not found", path);
	return found;
}
