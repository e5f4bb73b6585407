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

struct chardev;
struct err;
struct vm;
struct vm_config;

/* config must live as long as the vm.  0 or -errno. */
int vm_new(struct vm **out, const struct vm_config *config, struct err **errp);
int vm_run(struct vm *vm,
	   struct err **errp); /* the process's exit status, or -errno if it never started */
void vm_free(struct vm *vm);   /* NULL is accepted */

/* Main loop's thread. */
void vm_quit(struct vm *vm, int status);
void vm_stop(struct vm *vm);
void vm_cont(struct vm *vm);
void vm_system_reset(struct vm *vm);
void vm_powerdown(struct vm *vm); /* presses the power button */
bool vm_info(struct vm *vm, const char *topic, GString *out);

/*
 * What a front end may need after vm_new(): the chardev with this id (of a mux: its second side).
 */
struct chardev *vm_monitor_chardev(struct vm *vm);

#endif
