/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine: memory, accelerator, board, loop.
 *
 * Invariants: vm_new() builds everything or nothing; vm_run() returns when the machine has ended;
 * vm_free() leaves no thread, descriptor or binding.  Every change of state (run, stop, reset,
 * quit) happens on the main loop's thread with all vCPUs parked; other threads only ask for it.
 */
#ifndef VM_VM_H
#define VM_VM_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct board;
struct chardevs;
struct err;
struct vcpus;
struct vm;
struct vm_config;
struct vm_device;

/* The states of a machine, as QMP's RunState names them; others of that list never occur. */
#define VM_STATES(X)                        \
	X(PRECONFIG, "prelaunch")           \
	X(PRELAUNCH, "prelaunch")           \
	X(RUNNING, "running")               \
	X(PAUSED, "paused")                 \
	X(SHUTDOWN, "shutdown")             \
	X(INTERNAL_ERROR, "internal-error") \
	X(PANICKED, "guest-panicked")       \
	X(WATCHDOG, "watchdog")

enum vm_state {
#define X(id, name) VM_##id,
	VM_STATES(X)
#undef X
};

/* What front ends are told of, on the main loop's thread but for RTC_CHANGE: any. */
enum vm_event_kind {
	VM_EV_STOP,
	VM_EV_RESUME,
	VM_EV_RESET,     /* guest, reason */
	VM_EV_SHUTDOWN,  /* guest, reason */
	VM_EV_POWERDOWN, /* the button was pressed */
	/* reason: what is done, as QMP's WatchdogAction and GuestPanicAction name it */
	VM_EV_WATCHDOG,
	VM_EV_PANICKED,
	VM_EV_CRASHLOADED,
	VM_EV_RTC_CHANGE, /* offset */
	/* device: its id, may be NULL; path: in QOM, or for VFIO its address on the host */
	VM_EV_DEVICE_DELETED,
	VM_EV_UNPLUG_REFUSED,
	VM_EV_VFIO_REQUEST,
	VM_EV_VFIO_ERROR,
	VM_EV_HOST_WRITTEN, /* path; reason: NULL = it went well */
};

struct vm_event {
	enum vm_event_kind kind;
	bool guest;         /* the guest's doing */
	const char *reason; /* as QMP's ShutdownCause names it */
	const char *device, *path;
	int64_t offset; /* seconds by which the guest's clock is off -rtc's base */
};

struct vm_ops {
	void (*event)(void *opaque, const struct vm_event *ev);
	void *opaque;
	GMainContext *control; /* where the chardevs of QMP monitors live */
};

/*
 * Opens the chardevs; nothing else is there yet (VM_PRECONFIG).  config and ops must live as long
 * as the vm.  0 or -errno.
 */
int vm_new(struct vm **out, const struct vm_config *config, const struct vm_ops *ops,
	   struct err **errp);
int vm_preconfig(struct vm *vm); /* runs the loop; returns at vm_exit_preconfig(), or 1: at quit */
void vm_exit_preconfig(struct vm *vm);
int vm_build(struct vm *vm, struct err **errp);
int vm_run(struct vm *vm);   /* the process's exit status */
void vm_free(struct vm *vm); /* NULL is accepted */

/* Main loop's thread.  reason: QMP's ShutdownCause. */
void vm_quit(struct vm *vm, int status, const char *reason);
void vm_stop(struct vm *vm);
void vm_cont(struct vm *vm);
void vm_system_reset(struct vm *vm);
void vm_powerdown(struct vm *vm);             /* presses the power button */
int vm_nmi(struct vm *vm, struct err **errp); /* to every CPU */
int vm_device_add(struct vm *vm, const struct vm_device *conf, struct err **errp);
int vm_device_del(struct vm *vm, const char *id, struct err **errp); /* -ENODEV: there is none */

enum vm_state vm_state(const struct vm *vm);
const char *vm_state_name(enum vm_state state);
const struct vm_config *vm_config(const struct vm *vm);
struct board *vm_board(struct vm *vm);
struct x86_regs;
/* The CPUs are parked for that long.  -ENOENT: there is no such CPU; or -errno. */
int vm_cpu_regs(struct vm *vm, unsigned cpu, struct x86_regs *regs);
struct vcpus *vm_vcpus(struct vm *vm); /* NULL where there is no board */

/*
 * Returns when the devices have done what was asked of them, interrupts included.
 */
void vm_settle(struct vm *vm);
bool vm_busy(struct vm *vm); /* something (a reset, an end) waits for the main loop */

struct chardevs *vm_chardevs(struct vm *vm);

#endif
