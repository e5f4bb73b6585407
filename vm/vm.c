// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns a machine's life: build, run, stop, reset, quit.  Called by main and the control plane;
 * knows no device.
 */
#include "vm/vm.h"

#include <errno.h>
#include <glib-unix.h>
#include <inttypes.h>
#include <string.h>

#include "accel/vcpu.h"
#include "base/err.h"
#include "mem/aspace.h"
#include "vm/board.h"

enum vm_state { VM_PRELAUNCH, VM_RUNNING, VM_PAUSED, VM_SHUTDOWN, VM_FAILED };
static const char *const state_names[] = {"prelaunch", "running", "paused", "shutdown",
					  "internal-error"};

struct port_chardev {
	char *id;
	struct chardev *chr;
	struct chardev_mux *mux;
	bool taken;
};

struct vm {
	const struct vm_config *config;
	GMainLoop *loop;
	GArray *chardevs; /* of struct port_chardev */
	struct board board;
	struct vcpus *vcpus;
	enum vm_state state;
	int status;     /* of the process, once quit */
	gint exit_code; /* isa-debug-exit's, + 1; 0 = none; atomic */
	char *fatal;    /* under fatal_lock */
	GMutex fatal_lock;
	guint signals[3];
	bool quitting;
};

/* --- states; main loop's thread --- */

void vm_stop(struct vm *vm)
{
	if (vm->state != VM_RUNNING)
		return;
	vcpus_stop(vm->vcpus);
	vclock_stop(vm->board.clock);
	vm->state = VM_PAUSED;
}

void vm_cont(struct vm *vm)
{
	struct err *e = NULL;

	if (vm->state == VM_RUNNING || vm->state == VM_FAILED || vm->quitting)
		return;
	if (vm->state == VM_SHUTDOWN)
		vm_system_reset(vm);
	vclock_start(vm->board.clock);
	vm->state = VM_RUNNING;
	if (vcpus_start(vm->vcpus, &e) < 0) {
		err_report_free(e);
		vm->state = VM_FAILED;
	}
}

void vm_quit(struct vm *vm, int status)
{
	if (vm->quitting)
		return;
	vcpus_stop(vm->vcpus);
	vm->quitting = true;
	vm->status = status;
	g_main_loop_quit(vm->loop);
}

static int reset_machine(struct vm *vm, struct err **errp)
{
	struct x86_regs regs;
	int ret = board_reset(&vm->board, &regs, errp);

	return ret < 0 ? ret : vcpus_reset(vm->vcpus, &regs, errp);
}

void vm_system_reset(struct vm *vm)
{
	struct err *e = NULL;
	bool was_running = vm->state == VM_RUNNING || vm->state == VM_FAILED;

	vcpus_stop(vm->vcpus);
	vclock_stop(vm->board.clock);
	vm->state = VM_PAUSED;
	if (reset_machine(vm, &e) < 0) {
		err_prefix(&e, "the guest's reset");
		err_report_free(e);
		vm_quit(vm, 1);
		return;
	}
	if (was_running)
		vm_cont(vm);
}

void vm_powerdown(struct vm *vm)
{
	lpc_power_button(vm->board.lpc);
}

static void guest_reset(struct vm *vm)
{
	if (vm->config->on_reboot == ACTION_SHUTDOWN)
		vm_quit(vm, 0);
	else
		vm_system_reset(vm);
}

static void guest_shutdown(struct vm *vm)
{
	if (vm->config->on_shutdown != ACTION_PAUSE) {
		vm_quit(vm, 0);
		return;
	}
	vclock_stop(vm->board.clock);
	vm->state = VM_SHUTDOWN;
}

static void failed(struct vm *vm)
{
	vclock_stop(vm->board.clock);
	vm->state = VM_FAILED;
	g_mutex_lock(&vm->fatal_lock);
	if (vm->fatal)
		g_critical("%s", vm->fatal);
	g_clear_pointer(&vm->fatal, g_free);
	g_mutex_unlock(&vm->fatal_lock);
	g_critical(
		"The machine is stopped (internal-error); system_reset starts it again, quit or SIGTERM ends it.");
}

/* Something that only the main loop may do; all vCPUs are parked. */
static void vcpu_event(void *opaque, enum vcpu_event ev, unsigned cpu)
{
	struct vm *vm = opaque;
	int code = g_atomic_int_get(&vm->exit_code);

	if (code) {
		vm_quit(vm, code - 1);
		return;
	}
	switch (ev) {
	case VCPU_EV_TRIPLE:
		g_info("CPU %u: triple fault", cpu);
		guest_reset(vm);
		break;
	case VCPU_EV_RESET:
		guest_reset(vm);
		break;
	case VCPU_EV_SHUTDOWN:
		guest_shutdown(vm);
		break;
	case VCPU_EV_FAIL:
		failed(vm);
		break;
	case VCPU_EV_NONE:
		break;
	}
}

/* --- what the board asks for; any thread --- */

static void ask_reset(void *opaque)
{
	vcpus_raise(((struct vm *)opaque)->vcpus, VCPU_EV_RESET, 0);
}

static void ask_power_off(void *opaque)
{
	vcpus_raise(((struct vm *)opaque)->vcpus, VCPU_EV_SHUTDOWN, 0);
}

static void ask_exit(void *opaque, int status)
{
	struct vm *vm = opaque;

	g_atomic_int_set(&vm->exit_code, status + 1);
	vcpus_raise(vm->vcpus, VCPU_EV_SHUTDOWN, 0);
}

static void ask_fail(void *opaque, const char *text)
{
	struct vm *vm = opaque;

	g_mutex_lock(&vm->fatal_lock);
	g_free(vm->fatal);
	vm->fatal = g_strdup(text);
	g_mutex_unlock(&vm->fatal_lock);
	if (vm->vcpus)
		vcpus_raise(vm->vcpus, VCPU_EV_FAIL, 0);
}

/* --- chardevs --- */

static void mux_quit(void *opaque)
{
	vm_quit(opaque, 0);
}

static int open_chardevs(struct vm *vm, struct err **errp)
{
	for (guint i = 0; i < vm->config->chardevs->len; i++) {
		const struct chardev_conf *conf = vm->config->chardevs->pdata[i];
		struct port_chardev p = {.id = g_strdup(conf->id), .chr = chardev_new(conf, errp)};

		if (p.chr && conf->mux)
			p.mux = chardev_mux_new(p.chr, mux_quit, vm);
		g_array_append_val(vm->chardevs, p);
		if (!p.chr)
			return -EIO;
	}
	return 0;
}

static struct chardev *get_chardev(void *opaque, const char *id, struct err **errp)
{
	struct vm *vm = opaque;

	for (guint i = 0; i < vm->chardevs->len; i++) {
		struct port_chardev *p = &g_array_index(vm->chardevs, struct port_chardev, i);

		if (strcmp(p->id, id))
			continue;
		if (p->taken) {
			err_set(errp, -EBUSY, "chardev '%s' is used by another device", id);
			return NULL;
		}
		p->taken = true;
		return p->mux ? chardev_mux_side(p->mux, 0) : p->chr;
	}
	err_set(errp, -ENOENT, "there is no chardev '%s'", id);
	return NULL;
}

struct chardev *vm_monitor_chardev(struct vm *vm)
{
	const char *id = vm->config->monitor;

	for (guint i = 0; id && i < vm->chardevs->len; i++) {
		struct port_chardev *p = &g_array_index(vm->chardevs, struct port_chardev, i);

		if (!strcmp(p->id, id))
			return p->mux ? chardev_mux_side(p->mux, 1) : p->chr;
	}
	return NULL;
}

static void close_chardevs(struct vm *vm)
{
	for (guint i = 0; i < vm->chardevs->len; i++) {
		struct port_chardev *p = &g_array_index(vm->chardevs, struct port_chardev, i);

		chardev_mux_free(p->mux);
		chardev_free(p->chr);
		g_free(p->id);
	}
	g_array_free(vm->chardevs, TRUE);
}

/* --- build --- */

static int open_accel(struct vm *vm, const struct cpu_spec *cpu, struct err **errp)
{
	const struct vm_config *c = vm->config;
	struct accel_conf conf = {
		.cpus = c->cpus,
		.topology = {c->cpus, MAX(c->dies, 1) * MAX(c->cores, 1), MAX(c->threads, 1)},
		.cpu = cpu,
		.mem = vm->board.mem,
		.io = vm->board.io,
		.clock = vm->board.clock,
	};
	struct err *first = NULL;

	for (guint i = 0; i < vm->config->accels->len; i++) {
		const struct vm_accel *a = vm->config->accels->pdata[i];
		struct err *e = NULL;

		conf.must_be_fast = a->by_default;
		conf.insn_clock = a->clock && !strcmp(a->clock, "insn");
		conf.irqchip =
			a->irqchip && !strcmp(a->irqchip, "split") ? IRQCHIP_SPLIT : IRQCHIP_FULL;
		if (a->irqchip && !strcmp(a->irqchip, "off"))
			err_set(&e, -ENOTSUP,
				"%s: kernel-irqchip=off is not supported: on or split", a->name);
		else if (accel_open(&vm->board.accel, a->name, &conf, &e) >= 0) {
			err_free(first);
			return 0;
		}
		if (a->by_default)
			g_message(
				"%s; the soft CPU runs the guest. -accel kvm insists, -accel soft says nothing.",
				err_text(e));
		else if (i + 1 < vm->config->accels->len)
			g_info("accelerator %s: %s", a->name, err_text(e));
		err_move(&first, e);
	}
	err_prefix(&first, "no accelerator can be used");
	err_move(errp, first);
	return -ENODEV;
}

static int build(struct vm *vm, struct err **errp)
{
	const struct vcpus_ops ops = {
		.eoi = board_eoi, .eoi_opaque = &vm->board, .event = vcpu_event, .opaque = vm};
	struct cpu_spec cpu;
	int ret = cpu_spec_parse(&cpu, vm->config->cpu, errp);

	if (ret < 0)
		return ret;
	vm->board.clock = vclock_new();
	if (!vm->board.clock)
		return err_set_errno(errp, -errno, "make the clock");
	ret = open_chardevs(vm, errp);
	if (ret < 0)
		return ret;
	ret = board_memory(&vm->board, errp);
	if (ret < 0)
		return ret;
	ret = open_accel(vm, &cpu, errp);
	if (ret < 0)
		return ret;
	vm->vcpus = vcpus_new(vm->board.accel, &ops, errp);
	if (!vm->vcpus)
		return -EIO;
	return board_devices(&vm->board, errp);
}

int vm_new(struct vm **out, const struct vm_config *config, struct err **errp)
{
	struct vm *vm = g_new0(struct vm, 1);
	int ret;

	aspace_thread_enter();
	vm->config = config;
	vm->loop = g_main_loop_new(NULL, FALSE);
	vm->chardevs = g_array_new(FALSE, TRUE, sizeof(struct port_chardev));
	g_mutex_init(&vm->fatal_lock);
	vm->board.config = config;
	vm->board.ops =
		(struct board_ops){ask_reset, ask_power_off, ask_exit, ask_fail, get_chardev, vm};
	ret = build(vm, errp);
	if (ret < 0) {
		vm_free(vm);
		return ret;
	}
	*out = vm;
	return 0;
}

void vm_free(struct vm *vm)
{
	if (!vm)
		return;
	if (vm->vcpus)
		vcpus_stop(vm->vcpus);
	board_free_devices(&vm->board);
	vcpus_free(vm->vcpus);
	accel_close(vm->board.accel);
	board_free_memory(&vm->board);
	close_chardevs(vm);
	vclock_free(vm->board.clock);
	g_main_loop_unref(vm->loop);
	g_mutex_clear(&vm->fatal_lock);
	g_free(vm->fatal);
	g_free(vm);
	aspace_thread_leave();
}

/* --- run --- */

static gboolean on_signal(gpointer opaque)
{
	vm_quit(opaque, 0);
	return G_SOURCE_CONTINUE;
}

int vm_run(struct vm *vm, struct err **errp)
{
	static const int sigs[] = {SIGTERM, SIGINT, SIGHUP};
	int ret = reset_machine(vm, errp);

	if (ret < 0)
		return ret;
	for (size_t i = 0; i < G_N_ELEMENTS(sigs); i++)
		vm->signals[i] = g_unix_signal_add(sigs[i], on_signal, vm);
	if (!vm->config->stopped)
		vm_cont(vm);
	g_main_loop_run(vm->loop);
	for (size_t i = 0; i < G_N_ELEMENTS(sigs); i++)
		g_source_remove(vm->signals[i]);
	return vm->status;
}

/* --- views --- */

static void info_pci_one(void *opaque, struct pcidev *d)
{
	GString *out = opaque;
	uint16_t bdf = pcidev_bdf(d);

	g_string_append_printf(out, "  %02x:%02x.%x %04x:%04x class %04x  %s (%s)\n", bdf >> 8,
			       PCI_SLOT(d->devfn), PCI_FUNC(d->devfn),
			       pci_get16(d->cfg + PCI_VENDOR_ID), pci_get16(d->cfg + PCI_DEVICE_ID),
			       pci_get16(d->cfg + PCI_CLASS_DEVICE), d->name, d->ops->model);
	for (int i = 0; i <= PCI_ROM_BAR; i++)
		if (d->bar[i].region && d->bar[i].addr != UINT64_MAX)
			g_string_append_printf(
				out, "      BAR%d at 0x%" PRIx64 ", 0x%" PRIx64 " bytes\n", i,
				d->bar[i].addr, d->bar[i].size);
}

static void info_range(void *opaque, const struct mrange *r)
{
	static const char *const kinds[] = {"i/o", "ram", "rom", "-"};

	g_string_append_printf(opaque, "  %016" PRIx64 "-%016" PRIx64 " %s %s%s @%" PRIx64 "\n",
			       r->start, r->last, kinds[r->region->kind], r->region->name,
			       r->region->device ? " (device)" : "", r->off);
}

static void info_line(void *opaque, const char *text)
{
	g_string_append_printf(opaque, "%s\n", text);
}

static void info_irq(struct vm *vm, GString *out)
{
	for (unsigned i = 0; vcpus_get(vm->vcpus, i); i++) {
		const struct vcpu *v = vcpus_get(vm->vcpus, i);

		g_string_append_printf(out,
				       "CPU %u exits: %" PRIu64 " I/O, %" PRIu64 " MMIO, %" PRIu64
				       " EOI, %" PRIu64 " other\n",
				       i, v->exits[VCPU_EXIT_IO], v->exits[VCPU_EXIT_MMIO],
				       v->exits[VCPU_EXIT_EOI], v->exits[VCPU_EXIT_NONE]);
	}
}

bool vm_info(struct vm *vm, const char *topic, GString *out)
{
	if (!strcmp(topic, "status")) {
		g_string_append_printf(out, "VM status: %s",
				       vm->state == VM_RUNNING ? "running" : "paused");
		if (vm->state != VM_RUNNING && vm->state != VM_PAUSED)
			g_string_append_printf(out, " (%s)", state_names[vm->state]);
		g_string_append_c(out, '\n');
	} else if (!strcmp(topic, "name")) {
		g_string_append_printf(out, "%s\n", vm->config->name ? vm->config->name : "");
	} else if (!strcmp(topic, "pci")) {
		pcihost_foreach(&vm->board.pci, info_pci_one, out);
	} else if (!strcmp(topic, "mtree")) {
		g_string_append(out, "memory\n");
		aspace_foreach(vm->board.mem, info_range, out);
		g_string_append(out, "I/O\n");
		aspace_foreach(vm->board.io, info_range, out);
	} else if (!strcmp(topic, "vfio")) {
		vfio_describe(vm->board.vfio, info_line, out);
	} else if (!strcmp(topic, "irq")) {
		info_irq(vm, out);
	} else {
		return false;
	}
	return true;
}
