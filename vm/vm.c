// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns a machine's life: build, run, stop, reset, quit.  Called by main and the control plane;
 * knows no device.
 */
#include "vm/vm.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>

#include "accel/vcpu.h"
#include "base/err.h"
#include "mem/aspace.h"
#include "mem/layout.h"
#include "vm/board.h"
#include "vm/chardevs.h"

static const char *const state_names[] = {
#define X(id, name) name,
	VM_STATES(X)
#undef X
};

/* What the board told and the main loop has not looked at yet: bits of struct vm's told. */
enum { TOLD_PANIC = 1, TOLD_CRASH_LOADED = 2, TOLD_WATCHDOG = 4 };

struct vm {
	const struct vm_config *config;
	const struct vm_ops *ops;
	GMainLoop *loop;
	struct chardevs *chardevs;
	struct board board;
	struct vcpus *vcpus;
	enum vm_state state;
	int status;     /* of the process, once quit */
	gint exit_code; /* isa-debug-exit's, + 1; 0 = none; atomic */
	guint told;     /* TOLD_* bits; atomic */
	char *fatal;    /* under fatal_lock */
	GMutex fatal_lock;
	guint signals[3];
	bool stale;      /* devices came or went since the reset, before the guest has run */
	bool crash_said; /* since the last reset */
	bool quitting;
};

/* --- states; main loop's thread --- */

enum vm_state vm_state(const struct vm *vm)
{
	return vm->state;
}

const char *vm_state_name(enum vm_state state)
{
	return state_names[state];
}

const struct vm_config *vm_config(const struct vm *vm)
{
	return vm->config;
}

struct board *vm_board(struct vm *vm)
{
	return &vm->board;
}

struct vcpus *vm_vcpus(struct vm *vm)
{
	return vm->vcpus;
}

static void tell(struct vm *vm, enum vm_event_kind kind, bool guest, const char *reason)
{
	const struct vm_event ev = {.kind = kind, .guest = guest, .reason = reason};

	vm->ops->event(vm->ops->opaque, &ev);
}

/* Not running any more, whatever the reason. */
static void enter(struct vm *vm, enum vm_state state)
{
	bool ran = vm->state == VM_RUNNING;

	vclock_stop(vm->board.clock);
	vm->state = state;
	if (ran)
		tell(vm, VM_EV_STOP, false, NULL);
}

static void stop_as(struct vm *vm, enum vm_state state)
{
	if (vm->state != VM_RUNNING)
		return;
	if (vm->vcpus)
		vcpus_stop(vm->vcpus);
	enter(vm, state);
}

void vm_stop(struct vm *vm)
{
	stop_as(vm, VM_PAUSED);
}

/* The vCPUs were parked for a moment, if the machine runs at all. */
static void resume(struct vm *vm)
{
	struct err *e = NULL;

	if (vm->state == VM_RUNNING && vm->vcpus && vcpus_start(vm->vcpus, &e) < 0) {
		err_report_free(e);
		vm->state = VM_INTERNAL_ERROR;
	}
}

static int reset_machine(struct vm *vm, struct err **errp)
{
	struct x86_regs regs;
	int ret;

	vm->crash_said = false;
	g_atomic_int_and(&vm->told, 0u); /* was said by a guest that is no more */

	if (!vm->vcpus)
		return 0;
	ret = board_reset(&vm->board, &regs, errp);
	return ret < 0 ? ret : vcpus_reset(vm->vcpus, &regs, errp);
}

static void start(struct vm *vm)
{
	vclock_start(vm->board.clock);
	vm->board.live = true;
	vm->state = VM_RUNNING;
	resume(vm);
}

/* What firmware does at the start is done again for devices that were not there then. */
static bool place_devices(struct vm *vm)
{
	struct err *e = NULL;

	vm->stale = false;
	if (reset_machine(vm, &e) >= 0)
		return true;
	err_report_free(e);
	vm->state = VM_INTERNAL_ERROR;
	return false;
}

void vm_cont(struct vm *vm)
{
	if (vm->state == VM_PRECONFIG || vm->state == VM_RUNNING ||
	    vm->state == VM_INTERNAL_ERROR || vm->quitting)
		return;
	if (vm->state == VM_SHUTDOWN)
		vm_system_reset(vm);
	if (vm->stale && !place_devices(vm))
		return;
	start(vm);
	if (vm->state == VM_RUNNING)
		tell(vm, VM_EV_RESUME, false, NULL);
}

static void quit(struct vm *vm, int status, bool guest, const char *reason)
{
	if (vm->quitting)
		return;
	if (vm->vcpus)
		vcpus_stop(vm->vcpus);
	vm->quitting = true;
	vm->status = status;
	tell(vm, VM_EV_SHUTDOWN, guest, reason);
	g_main_loop_quit(vm->loop);
}

void vm_quit(struct vm *vm, int status, const char *reason)
{
	quit(vm, status, false, reason);
}

static void reset(struct vm *vm, bool guest, const char *reason)
{
	struct err *e = NULL;
	bool was_running = vm->state == VM_RUNNING || vm->state == VM_INTERNAL_ERROR;

	if (vm->state == VM_PRECONFIG || vm->quitting)
		return;
	if (vm->vcpus)
		vcpus_stop(vm->vcpus);
	vclock_stop(vm->board.clock);
	vm->state = VM_PRELAUNCH; /* as before the first start, until it goes on */
	if (reset_machine(vm, &e) < 0) {
		err_prefix(&e, "the guest's reset");
		err_report_free(e);
		quit(vm, 1, false, "host-error");
		return;
	}
	tell(vm, VM_EV_RESET, guest, reason);
	if (was_running)
		start(vm);
}

void vm_system_reset(struct vm *vm)
{
	reset(vm, false, "host-qmp-system-reset");
}

void vm_powerdown(struct vm *vm)
{
	if (!vm->board.lpc)
		return;
	lpc_power_button(vm->board.lpc);
	tell(vm, VM_EV_POWERDOWN, false, NULL);
}

static void guest_shutdown(struct vm *vm, const char *reason)
{
	if (vm->config->on_shutdown != ACTION_PAUSE) {
		quit(vm, 0, true, reason);
		return;
	}
	tell(vm, VM_EV_SHUTDOWN, true, reason);
	enter(vm, VM_SHUTDOWN);
}

static void guest_reset(struct vm *vm, const char *reason)
{
	if (vm->config->on_reboot == ACTION_SHUTDOWN)
		guest_shutdown(vm, reason);
	else
		reset(vm, true, reason);
}

static void failed(struct vm *vm)
{
	enter(vm, VM_INTERNAL_ERROR);
	g_mutex_lock(&vm->fatal_lock);
	if (vm->fatal)
		g_critical("%s", vm->fatal);
	g_clear_pointer(&vm->fatal, g_free);
	g_mutex_unlock(&vm->fatal_lock);
	g_critical(
		"The machine is stopped (internal-error); system_reset starts it again, quit or SIGTERM ends it.");
}

/* --- crashes and watchdogs, a function each; all vCPUs are parked, vcpu_event() goes on --- */

static void guest_panicked(struct vm *vm)
{
	enum vm_action action = vm->config->on_panic;

	if (action != ACTION_NONE && vm->config->on_shutdown == ACTION_PAUSE)
		action = ACTION_PAUSE;
	if (!vm->crash_said)
		g_message("the guest says that its kernel has crashed");
	vm->crash_said = true;
	tell(vm, VM_EV_PANICKED, true,
	     action == ACTION_NONE    ? "run"
	     : action == ACTION_PAUSE ? "pause"
				      : "poweroff");
	if (action == ACTION_NONE)
		return;
	stop_as(vm, VM_PANICKED);
	if (action != ACTION_PAUSE)
		quit(vm, action == ACTION_EXIT_FAILURE ? 1 : 0, true, "guest-panic");
}

static void guest_crash_loaded(struct vm *vm)
{
	if (!vm->crash_said)
		g_message(
			"the guest says that its kernel has crashed, and that it runs a crash kernel");
	vm->crash_said = true;
	tell(vm, VM_EV_CRASHLOADED, true, "run");
}

/* As a message of mode NMI (SDM 3A, 11.11.1) to each APIC id, which is its CPU's number. */
int vm_nmi(struct vm *vm, struct err **errp)
{
	int ret = 0;

	for (unsigned i = 0; ret >= 0 && vm->vcpus && i < vm->board.accel->cpus; i++)
		ret = irqchip_msi_send(&vm->board.accel->irq,
				       (struct msi_msg){LAYOUT_LAPIC | i << 12, 0x400});
	return ret < 0 ? err_set_errno(errp, ret, "the NMI cannot be sent") : 0;
}

static void inject_nmi(struct vm *vm)
{
	struct err *e = NULL;

	if (vm_nmi(vm, &e) < 0)
		g_warning("the watchdog barked, but %s", err_text(e));
	err_free(e);
}

static const char *const action_names[] = {
	[ACTION_RESET] = "reset",           [ACTION_SHUTDOWN] = "shutdown",
	[ACTION_PAUSE] = "pause",           [ACTION_NONE] = "none",
	[ACTION_POWEROFF] = "poweroff",     [ACTION_DEBUG] = "debug",
	[ACTION_INJECT_NMI] = "inject-nmi",
};

static void watchdog_barked(struct vm *vm)
{
	g_message("the watchdog's time is over");
	tell(vm, VM_EV_WATCHDOG, true, action_names[vm->config->on_watchdog]);
	switch (vm->config->on_watchdog) {
	case ACTION_SHUTDOWN:
		vm_powerdown(vm);
		break;
	case ACTION_POWEROFF:
		quit(vm, 0, false, "none");
		break;
	case ACTION_INJECT_NMI:
		inject_nmi(vm);
		break;
	case ACTION_PAUSE:
		stop_as(vm, VM_WATCHDOG);
		break;
	case ACTION_DEBUG: /* the message was all */
	case ACTION_NONE:
		break;
	default:
		guest_reset(vm, "guest-reset");
		break;
	}
}

/* False: the machine does not run any more, and nothing else that happened counts. */
static bool hear(struct vm *vm)
{
	guint told = g_atomic_int_and(&vm->told, 0u);
	bool running = vm->state == VM_RUNNING;

	if (told & TOLD_CRASH_LOADED)
		guest_crash_loaded(vm);
	if (told & TOLD_PANIC)
		guest_panicked(vm);
	if (told & TOLD_WATCHDOG && !vm->quitting)
		watchdog_barked(vm);
	return !vm->quitting && (vm->state == VM_RUNNING || !running);
}

/* Something that only the main loop may do; all vCPUs are parked. */
static void vcpu_event(void *opaque, enum vcpu_event ev, unsigned cpu)
{
	struct vm *vm = opaque;
	int code = g_atomic_int_get(&vm->exit_code);

	if (code) {
		quit(vm, code - 1, true, "guest-shutdown");
		return;
	}
	if (!hear(vm))
		return;
	switch (ev) {
	case VCPU_EV_TRIPLE:
		g_info("CPU %u: triple fault", cpu);
		guest_reset(vm, "guest-reset");
		break;
	case VCPU_EV_RESET:
		guest_reset(vm, "guest-reset");
		break;
	case VCPU_EV_SHUTDOWN:
		guest_shutdown(vm, "guest-shutdown");
		break;
	case VCPU_EV_FAIL:
		failed(vm);
		break;
	case VCPU_EV_TOLD:
		resume(vm);
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

static void note(struct vm *vm, guint what)
{
	g_atomic_int_or(&vm->told, what);
	vcpus_raise(vm->vcpus, VCPU_EV_TOLD, 0);
}

static void tell_panicked(void *opaque, bool crash_loaded)
{
	note(opaque, crash_loaded ? TOLD_CRASH_LOADED : TOLD_PANIC);
}

static void tell_watchdog(void *opaque)
{
	note(opaque, TOLD_WATCHDOG);
}

static void board_told(void *opaque, enum board_told what, const char *id, const char *path)
{
	static const enum vm_event_kind kinds[] = {
		[BOARD_DELETED] = VM_EV_DEVICE_DELETED,
		[BOARD_UNPLUG_REFUSED] = VM_EV_UNPLUG_REFUSED,
		[BOARD_HOST_REQUEST] = VM_EV_VFIO_REQUEST,
		[BOARD_HOST_ERROR] = VM_EV_VFIO_ERROR,
	};
	struct vm *vm = opaque;
	const struct vm_event ev = {.kind = kinds[what], .device = id, .path = path};

	vm->ops->event(vm->ops->opaque, &ev);
}

static void park_cpus(void *opaque)
{
	struct vm *vm = opaque;

	if (vm->vcpus)
		vcpus_stop(vm->vcpus);
}

static void unpark_cpus(void *opaque)
{
	resume(opaque);
}

static void rtc_changed(void *opaque, int64_t offset)
{
	struct vm *vm = opaque;
	const struct vm_event ev = {.kind = VM_EV_RTC_CHANGE, .offset = offset};

	vm->ops->event(vm->ops->opaque, &ev);
}

static void host_written(void *opaque, const char *path, int ret)
{
	struct vm *vm = opaque;
	const struct vm_event ev = {
		.kind = VM_EV_HOST_WRITTEN, .path = path, .reason = ret ? g_strerror(-ret) : NULL};

	vm->ops->event(vm->ops->opaque, &ev);
}

static bool is_running(void *opaque)
{
	return ((struct vm *)opaque)->state == VM_RUNNING;
}

/* --- devices that come and go --- */

int vm_device_add(struct vm *vm, const struct vm_device *conf, struct err **errp)
{
	int ret = board_add(&vm->board, conf, errp);

	if (ret >= 0 && !vm->board.live)
		vm->stale = true;
	return ret;
}

int vm_device_del(struct vm *vm, const char *id, struct err **errp)
{
	int ret = board_del(&vm->board, id, errp);

	if (ret >= 0 && !vm->board.live)
		vm->stale = true;
	return ret;
}

/* --- chardevs --- */

static void mux_quit(void *opaque)
{
	vm_quit(opaque, 0, "host-ui");
}

static struct chardev *get_chardev(void *opaque, const char *id, struct err **errp)
{
	return chardevs_take(((struct vm *)opaque)->chardevs, id, errp);
}

struct chardevs *vm_chardevs(struct vm *vm)
{
	return vm->chardevs;
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

static int build_board(struct vm *vm, struct err **errp)
{
	const struct vcpus_ops ops = {
		.eoi = board_eoi, .eoi_opaque = &vm->board, .event = vcpu_event, .opaque = vm};
	struct cpu_spec cpu;
	int ret = cpu_spec_parse(&cpu, vm->config->cpu, errp);

	if (ret >= 0)
		ret = board_memory(&vm->board, errp);
	if (ret >= 0 && board_is_none(&vm->board) && vm->config->devices->len)
		return board_add(&vm->board, vm->config->devices->pdata[0], errp); /* refused */
	if (ret < 0 || board_is_none(&vm->board))
		return ret;
	ret = open_accel(vm, &cpu, errp);
	if (ret < 0)
		return ret;
	vm->vcpus = vcpus_new(vm->board.accel, &ops, errp);
	if (!vm->vcpus)
		return -EIO;
	return board_devices(&vm->board, errp);
}

/* A CPU would run through empty memory for ever; whoever starts it stopped may still fill that. */
static int check_boot(const struct vm *vm, struct err **errp)
{
	if (!vm->vcpus || !vm->board.accel->ops->vcpu_run || vm->config->kernel ||
	    vm->config->stopped)
		return 0;
	err_set(errp, -ENOENT, "there is nothing to boot");
	err_hint(errp, "Give it a kernel: -kernel FILE (bzImage, PVH or multiboot); there is no "
		       "firmware yet.");
	err_hint(errp, "-S starts without one, -accel qtest runs no CPU at all.");
	return -ENOENT;
}

int vm_build(struct vm *vm, struct err **errp)
{
	int ret = build_board(vm, errp);

	if (ret >= 0)
		ret = check_boot(vm, errp);
	if (ret >= 0)
		ret = reset_machine(vm, errp);

	if (ret >= 0)
		vm->state = VM_PRELAUNCH;
	return ret;
}

static gboolean on_signal(gpointer opaque)
{
	vm_quit(opaque, 0, "host-signal");
	return G_SOURCE_CONTINUE;
}

static void watch_signals(struct vm *vm)
{
	static const int sigs[] = {SIGTERM, SIGINT, SIGHUP};

	for (size_t i = 0; i < G_N_ELEMENTS(sigs); i++)
		vm->signals[i] = g_unix_signal_add(sigs[i], on_signal, vm);
}

int vm_new(struct vm **out, const struct vm_config *config, const struct vm_ops *ops,
	   struct err **errp)
{
	struct vm *vm = g_new0(struct vm, 1);
	int ret = 0;

	aspace_thread_enter();
	vm->config = config;
	vm->ops = ops;
	vm->loop = g_main_loop_new(NULL, FALSE);
	vm->chardevs = chardevs_new(config, ops->control);
	g_mutex_init(&vm->fatal_lock);
	vm->board.config = config;
	vm->board.ops = (struct board_ops){
		.reset = ask_reset,
		.power_off = ask_power_off,
		.exit_with = ask_exit,
		.fatal = ask_fail,
		.panicked = tell_panicked,
		.watchdog = tell_watchdog,
		.told = board_told,
		.running = is_running,
		.park = park_cpus,
		.unpark = unpark_cpus,
		.rtc_changed = rtc_changed,
		.host_written = host_written,
		.chardev = get_chardev,
		.opaque = vm,
	};
	vm->board.clock = vclock_new();
	if (!vm->board.clock)
		ret = err_set_errno(errp, -errno, "make the clock");
	if (ret >= 0)
		ret = chardevs_open(vm->chardevs, mux_quit, vm, errp);
	if (ret < 0) {
		vm_free(vm);
		return ret;
	}
	watch_signals(vm);
	*out = vm;
	return 0;
}

void vm_free(struct vm *vm)
{
	if (!vm)
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(vm->signals); i++)
		if (vm->signals[i])
			g_source_remove(vm->signals[i]);
	if (vm->vcpus)
		vcpus_stop(vm->vcpus);
	board_free_devices(&vm->board);
	vcpus_free(vm->vcpus);
	accel_close(vm->board.accel);
	board_free_memory(&vm->board);
	chardevs_free(vm->chardevs);
	vclock_free(vm->board.clock);
	g_main_loop_unref(vm->loop);
	g_mutex_clear(&vm->fatal_lock);
	g_free(vm->fatal);
	g_free(vm);
	aspace_thread_leave();
}

/* --- run --- */

int vm_preconfig(struct vm *vm)
{
	g_main_loop_run(vm->loop);
	return vm->quitting;
}

void vm_exit_preconfig(struct vm *vm)
{
	g_main_loop_quit(vm->loop);
}

int vm_run(struct vm *vm)
{
	if (!vm->config->stopped)
		vm_cont(vm);
	g_main_loop_run(vm->loop);
	return vm->status;
}

int vm_cpu_regs(struct vm *vm, unsigned cpu, struct x86_regs *regs)
{
	struct vcpu *v = vm->vcpus ? vcpus_get(vm->vcpus, cpu) : NULL;
	int ret;

	if (!v)
		return -ENOENT;
	vcpus_stop(vm->vcpus);
	ret = vm->board.accel->ops->vcpu_regs(v, regs);
	resume(vm);
	return ret;
}

void vm_settle(struct vm *vm)
{
	struct accel *a = vm->board.accel;

	if (!a)
		return;
	do {
		board_settle(&vm->board);
	} while (a->ops->hear && a->ops->hear(a));
}

bool vm_busy(struct vm *vm)
{
	return (vm->vcpus && vcpus_raised(vm->vcpus)) || board_slots_busy(&vm->board);
}
