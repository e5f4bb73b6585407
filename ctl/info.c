// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the table of "info" topics and their texts.  Called by the monitor; machines read QMP
 * instead.
 */
#include "ctl/info.h"

#include <inttypes.h>
#include <string.h>

#include "accel/vcpu.h"
#include "base/err.h"
#include "base/props.h"
#include "ctl/info_vfio.h"
#include "ctl/pci_names.h"
#include "ctl/qom.h"
#include "vm/board.h"
#include "vm/chardevs.h"
#include "vm/devs.h"
#include "vm/vm.h"

/* --- the machine --- */

static void show_status(struct vm *vm, GString *out)
{
	enum vm_state state = vm_state(vm);

	g_string_append_printf(out, "VM status: %s", state == VM_RUNNING ? "running" : "paused");
	if (state != VM_RUNNING && state != VM_PAUSED)
		g_string_append_printf(out, " (%s)", vm_state_name(state));
	g_string_append_c(out, '\n');
}

static void show_name(struct vm *vm, GString *out)
{
	g_string_append_printf(out, "%s\n", vm_config(vm)->name ?: "");
}

static void show_uuid(struct vm *vm, GString *out)
{
	g_string_append_printf(out, "%s\n",
			       vm_config(vm)->uuid ?: "00000000-0000-0000-0000-000000000000");
}

static void show_version(struct vm *vm, GString *out)
{
	g_string_append(out, SLUICE_VERSION "\n");
}

static void show_kvm(struct vm *vm, GString *out)
{
	const struct accel *a = vm_board(vm)->accel;

	g_string_append_printf(out, "kvm support: %s\n",
			       a && a->ops == &kvm_accel_ops ? "enabled" : "disabled");
}

static void show_cpus(struct vm *vm, GString *out)
{
	for (unsigned i = 0; vm_vcpus(vm) && vcpus_get(vm_vcpus(vm), i); i++)
		g_string_append_printf(out, "%s CPU #%u: thread_id=%d\n", i ? " " : "*", i,
				       vcpus_tid(vm_vcpus(vm), i));
}

/* --- PCI --- */

static void pci_bars(const struct pcidev *d, GString *out)
{
	for (int i = 0; i <= PCI_ROM_BAR; i++) {
		const struct pcibar *b = &d->bar[i];
		const char *kind = b->flags & PCI_BASE_ADDRESS_SPACE_IO ? "I/O"
				   : b->flags & PCI_BASE_ADDRESS_MEM_PREFETCH
					   ? "prefetchable memory"
					   : "memory";

		if (!b->region)
			continue;
		g_string_append_printf(out, "      BAR%d: %s", i, kind);
		if (b->addr == UINT64_MAX)
			g_string_append(out, ", not mapped");
		else
			g_string_append_printf(out, " at 0x%" PRIx64, b->addr);
		g_string_append_printf(out, ", 0x%" PRIx64 " bytes\n", b->size);
	}
}

static void pci_one(void *opaque, struct pcidev *d)
{
	GString *out = opaque;
	uint16_t bdf = pcidev_bdf(d), class = pci_get16(d->cfg + PCI_CLASS_DEVICE);

	g_string_append_printf(out, "  %02x:%02x.%x %04x:%04x %s (class %04x)  %s (%s)\n", bdf >> 8,
			       PCI_SLOT(d->devfn), PCI_FUNC(d->devfn),
			       pci_get16(d->cfg + PCI_VENDOR_ID), pci_get16(d->cfg + PCI_DEVICE_ID),
			       pci_class_name(class) ?: "device", class, d->name, d->ops->model);
	if (d->child)
		g_string_append_printf(out, "      bus %u, below it %u to %u\n",
				       d->cfg[PCI_PRIMARY_BUS], d->cfg[PCI_SECONDARY_BUS],
				       d->cfg[PCI_SUBORDINATE_BUS]);
	pci_bars(d, out);
}

static void show_pci(struct vm *vm, GString *out)
{
	if (!board_is_none(vm_board(vm)))
		pcihost_foreach(&vm_board(vm)->pci, pci_one, out);
}

/* --- memory --- */

static void memory_range(void *opaque, const struct mrange *r)
{
	static const char *const kinds[] = {"i/o", "ram", "rom", "-"};

	g_string_append_printf(opaque, "  %016" PRIx64 "-%016" PRIx64 " %s %s%s @%" PRIx64 "\n",
			       r->start, r->last, kinds[r->region->kind], r->region->name,
			       r->region->device ? " (device)" : "", r->off);
}

static void show_mtree(struct vm *vm, GString *out)
{
	g_string_append(out, "memory\n");
	aspace_foreach(vm_board(vm)->mem, memory_range, out);
	g_string_append(out, "I/O\n");
	aspace_foreach(vm_board(vm)->io, memory_range, out);
}

/* --- interrupts and CPUs --- */

static void show_irq(struct vm *vm, GString *out)
{
	for (unsigned i = 0; vm_vcpus(vm) && vcpus_get(vm_vcpus(vm), i); i++) {
		const struct vcpu *v = vcpus_get(vm_vcpus(vm), i);

		g_string_append_printf(out,
				       "CPU %u exits: %" PRIu64 " I/O, %" PRIu64 " MMIO, %" PRIu64
				       " EOI, %" PRIu64 " other\n",
				       i, v->exits[VCPU_EXIT_IO], v->exits[VCPU_EXIT_MMIO],
				       v->exits[VCPU_EXIT_EOI], v->exits[VCPU_EXIT_NONE]);
	}
}

static void one_cpu(const struct x86_regs *r, GString *out)
{
	static const char *const gpr[] = {"RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
					  "R8 ", "R9 ", "R10", "R11", "R12", "R13", "R14", "R15"};
	static const char *const seg[] = {"ES", "CS", "SS", "DS", "FS", "GS"};

	for (int i = 0; i < X86_GPRS; i++)
		g_string_append_printf(out, "%s=%016" PRIx64 "%c", gpr[i], r->gpr[i],
				       i % 4 == 3 ? '\n' : ' ');
	g_string_append_printf(out, "RIP=%016" PRIx64 " RFL=%08" PRIx64 "\n", r->rip, r->rflags);
	for (int i = 0; i < X86_SEGS; i++)
		g_string_append_printf(out, "%s =%04x %016" PRIx64 " %08x %08x\n", seg[i],
				       r->seg[i].sel, r->seg[i].base, r->seg[i].limit,
				       r->seg[i].attrs);
	g_string_append_printf(out, "LDT=%04x %016" PRIx64 " %08x\nTR =%04x %016" PRIx64 " %08x\n",
			       r->ldt.sel, r->ldt.base, r->ldt.limit, r->tr.sel, r->tr.base,
			       r->tr.limit);
	g_string_append_printf(out, "GDT=     %016" PRIx64 " %08x\nIDT=     %016" PRIx64 " %08x\n",
			       r->gdt_base, r->gdt_limit, r->idt_base, r->idt_limit);
	g_string_append_printf(out,
			       "CR0=%08" PRIx64 " CR2=%016" PRIx64 " CR3=%016" PRIx64
			       " CR4=%08" PRIx64 "\nEFER=%016" PRIx64 "\n",
			       r->cr0, r->cr2, r->cr3, r->cr4, r->efer);
}

static void show_registers(struct vm *vm, GString *out)
{
	for (unsigned i = 0; vm_vcpus(vm) && vcpus_get(vm_vcpus(vm), i); i++) {
		struct x86_regs r;

		if (vm_cpu_regs(vm, i, &r) < 0)
			continue;
		g_string_append_printf(out, "CPU#%u\n", i);
		one_cpu(&r, out);
	}
}

/* --- devices --- */

static void qtree_props(const struct board_device *d, GString *out)
{
	struct devs_model m;

	for (size_t i = 0; devs_model(i, &m); i++) {
		if (strcmp(m.name, d->conf->driver))
			continue;
		for (const struct prop *p = m.props; p->name; p++) {
			const char *v = vm_device_get(d->conf, p->name) ?: p->def;

			g_string_append_printf(out, "        %s = %s\n", p->name, v ?: "\"\"");
		}
	}
}

static void show_qtree(struct vm *vm, GString *out)
{
	const struct board *b = vm_board(vm);

	g_string_append(out, "bus: main-system-bus\n");
	if (board_is_none(b))
		return;
	g_string_append(out, "  dev: q35-pcihost\n    bus: pcie.0\n");
	for (guint i = 0; b->plugged && i < b->plugged->len; i++) {
		const struct board_device *d = b->plugged->pdata[i];

		g_string_append_printf(out, "      dev: %s, id \"%s\"\n", d->conf->driver,
				       d->conf->id ?: "");
		qtree_props(d, out);
	}
}

static void show_qom_tree(struct vm *vm, GString *out)
{
	g_autoptr(GPtrArray) tree = qom_tree(vm);

	for (guint i = 0; i < tree->len; i++) {
		const struct qom_object *o = tree->pdata[i];

		g_string_append_printf(out, "%s (%s)\n", o->path, o->type);
	}
}

static void show_chardev(struct vm *vm, GString *out)
{
	const GPtrArray *all = vm_config(vm)->chardevs;

	for (guint i = 0; i < all->len; i++) {
		const struct chardev_conf *conf = all->pdata[i];

		g_string_append_printf(out, "%s: filename=", conf->id);
		chardevs_describe(vm_chardevs(vm), conf->id, out);
		g_string_append_c(out, '\n');
	}
}

static void show_block(struct vm *vm, GString *out)
{
	const GPtrArray *all = vm_config(vm)->drives;

	for (guint i = 0; i < all->len; i++) {
		const struct vm_device *d = all->pdata[i];

		g_string_append_printf(
			out, "%s: %s (%s)\n", d->id ?: "",
			vm_device_get(d, "file") ?: vm_device_get(d, "filename") ?: "", d->driver);
	}
}

static void show_vfio(struct vm *vm, GString *out)
{
	info_vfio(vm_board(vm)->vfio, out);
}

/* --- the table --- */

static const struct {
	struct info_topic topic;
	void (*show)(struct vm *vm, GString *out);
} rows[] = {
	{{"block", "disks that devices name"}, show_block},
	{{"chardev", "character devices"}, show_chardev},
	{{"cpus", "virtual CPUs"}, show_cpus},
	{{"irq", "exits and interrupts"}, show_irq},
	{{"kvm", "is KVM in use"}, show_kvm},
	{{"mtree", "memory map"}, show_mtree},
	{{"name", "name of the guest"}, show_name},
	{{"pci", "PCI devices"}, show_pci},
	{{"qom-tree", "objects, as QEMU names them"}, show_qom_tree},
	{{"qtree", "devices and their properties"}, show_qtree},
	{{"registers", "registers of all CPUs"}, show_registers},
	{{"status", "is it running"}, show_status},
	{{"uuid", "UUID of the guest"}, show_uuid},
	{{"version", "version of sluice"}, show_version},
	{{"vfio", "assigned devices"}, show_vfio},
};

const struct info_topic *info_topic(size_t i)
{
	return i < G_N_ELEMENTS(rows) ? &rows[i].topic : NULL;
}

bool info_show(struct vm *vm, const char *topic, GString *out)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (!strcmp(rows[i].topic.name, topic)) {
			rows[i].show(vm, out);
			return true;
		}
	return false;
}
