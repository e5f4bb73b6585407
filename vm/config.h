/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * struct vm_config: the machine as the user asked for it.  Plain data, no behaviour.
 *
 * Invariants: ctl/ fills it (cli.c from argv; later the XML reader), vm_config_complete() puts the
 * defaults, vm_config_validate() refuses what cannot work, then it is read only.  All strings are
 * owned.  Only the lists of back ends (objects, drives, chardevs) change later: they are what
 * there is now, as object-add, blockdev-add and chardev-add of QMP have it.
 */
#ifndef VM_CONFIG_H
#define VM_CONFIG_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/chardev.h"

struct err;

/* key=value in the order given; value "on" where the user wrote the key alone. */
struct kv {
	char *key, *value;
};

/*
 * One -device (or another "driver,key=value" option); the driver and id are not repeated in props.
 */
struct vm_device {
	char *driver, *id;
	GArray *props; /* of struct kv */
};

/* On a chardev: side 1 of its mux if a serial has it, too. */
struct vm_monitor {
	char *chardev;
	bool control; /* QMP; else for people */
	bool pretty;  /* QMP with line breaks */
};

/* -global DRIVER.PROP=VALUE: a default of one property of all devices of a model. */
struct vm_global {
	char *driver, *prop, *value;
};

enum onoff_auto { AUTO, ON, OFF };

struct vm_accel {
	char *name;      /* kvm, soft, qtest */
	char *irqchip;   /* kernel-irqchip: on, off, split; NULL = on */
	char *clock;     /* host, insn (soft only); NULL = host */
	bool by_default; /* nobody asked for it: it has to be good */
};

enum vm_action {
	ACTION_DEFAULT,
	ACTION_RESET,
	ACTION_SHUTDOWN,
	ACTION_PAUSE,
	ACTION_EXIT_FAILURE,
	ACTION_NONE,
	ACTION_POWEROFF, /* these three: of a watchdog only, whose shutdown is the power button */
	ACTION_INJECT_NMI,
	ACTION_DEBUG,
};

/* -boot: what firmware is told. */
struct vm_boot {
	char *order, *once; /* letters of drives; NULL = "cad"; NULL = no other order at first */
	char *splash;       /* file of a picture (JPEG, or BMP of 24 bits a pixel), NULL = none */
	enum onoff_auto menu, strict; /* AUTO = off; strict has no effect here */
	bool has_reboot_timeout, has_splash_time;
	int64_t reboot_timeout, splash_time; /* ms; reboot_timeout -1 = never */
};

/* One -fw_cfg: a file for firmware and kernels, from exactly one of the two. */
struct vm_fw_file {
	char *name, *file, *string;
};

#define VM_MAX_CPUS 255
#define VM_MAX_SERIALS 4
#define VM_MAX_RAM (4ull << 40)

/* Zero, NULL and AUTO mean "not given"; no field keeps that meaning after vm_config_complete()
 * unless its comment says so. */
struct vm_config {
	char *name,
		*machine;  /* machine: q35, none; pc and pc-q35-* become q35; name: NULL = none */
	unsigned version;  /* of QEMU's board asked for, 401 for pc-q35-4.1; 0 = the newest */
	GPtrArray *accels; /* of struct vm_accel, tried in order */
	char *irqchip;     /* -machine kernel-irqchip=; complete() gives it to accels without one */
	char *cpu;         /* "model,+flag,-flag,key=value" as given; NULL = default */
	unsigned cpus, maxcpus, sockets, dies, cores, threads;
	uint64_t ram_size;              /* bytes */
	uint64_t ram_slots, ram_maxmem; /* -m slots=,maxmem=; 0 = no memory hotplug */
	char *kernel, *initrd, *append, *firmware;
	GPtrArray *devices; /* of struct vm_device, in order */
	GPtrArray *globals; /* of struct vm_global, in order */
	/*
	 * What devices name by id, of struct vm_device (vm/backends.h): -object, whose driver is
	 * the type; -drive, whose driver is "drive", and -blockdev, whose id is the node's name.
	 */
	GPtrArray *objects, *drives;
	/*
	 * The emulated host: -host-device (struct vm_device; addr is its place, the property driver
	 * what it is bound to) and -host-sysfs (struct kv: path, text), each in order.
	 */
	GPtrArray *host_devices;
	GArray *host_sysfs;
	GPtrArray *host_dumps, *host_dtbs; /* of char *: files of -host-dump, -host-dtb */
	GPtrArray *chardevs;               /* of struct chardev_conf, by id */
	GPtrArray *serials;      /* of char *: chardev ids, in order of ports; "none" = no device */
	GPtrArray *monitors;     /* of struct vm_monitor */
	bool no_monitor;         /* -monitor none: no default one */
	char *qtest, *qtest_log; /* -qtest: chardev id; -qtest-log: NULL = stderr, "none" = off */
	char *debugcon;          /* chardev id, NULL = none */
	bool nographic, nodefaults, stopped; /* -nographic, -nodefaults, -S */
	bool preconfig;                      /* --preconfig */
	bool no_graphics; /* -machine graphics=off: the firmware's console is the serial port */
	/* -no-reboot, -no-shutdown, -action, -watchdog-action */
	enum vm_action on_reboot, on_shutdown, on_panic, on_watchdog;
	struct vm_boot boot;
	GPtrArray *fw_files;             /* of struct vm_fw_file, in order */
	char *pidfile, *logfile, *debug; /* -pidfile, -D, -d; NULL = none */
	enum onoff_auto usb, vmport; /* accepted for QEMU's command lines, without effect here */
	char *uuid;                  /* canonical text, NULL = none */
	char *rtc_base; /* what the clock shows at the start: utc, localtime, a date; NULL = utc */
	bool daemonize;
};

struct vm_config *vm_config_new(void);
void vm_config_free(struct vm_config *c);

/*
 * Defaults pass: machine q35, 128 MiB, one CPU (missing topology numbers follow from the given
 * ones, cores before sockets), accelerators kvm then soft; with nographic a serial port and the
 * monitor on stdio, whichever of the two is not given; else one serial port to nowhere. nodefaults:
 * neither.
 */
void vm_config_complete(struct vm_config *c);
/*
 * Validation pass: topology, memory limits, files that must exist, unknown names, chardevs that are
 * missing or used twice.  Only what can be said without knowing device models.  0 or -errno.
 */
int vm_config_validate(const struct vm_config *c, struct err **errp);

/*
 * Nanoseconds since 1970 that -rtc base= means, read as UTC; now: the host's.  -EINVAL where it is
 * neither utc nor localtime nor a date such as 2006-06-17 or 2006-06-17T16:01:21.
 */
int vm_rtc_start(const char *base, int64_t now, int64_t *start, struct err **errp);

/* The chardev of this id; NULL if there is none. */
struct chardev_conf *vm_config_chardev(const struct vm_config *c, const char *id);

/* All names of machines and accelerators that validate() accepts, NULL at the end. */
const char *const *vm_machine_names(void);
const char *const *vm_accel_names(void);

void vm_fw_file_free(struct vm_fw_file *f);

struct vm_accel *vm_accel_new(const char *name);
void vm_accel_free(struct vm_accel *a);

struct vm_monitor *vm_monitor_new(const char *chardev, bool control);
void vm_monitor_free(struct vm_monitor *m);

struct vm_device *vm_device_new(const char *driver);
void vm_device_free(struct vm_device *d);
struct vm_device *vm_device_copy(const struct vm_device *d);
void vm_device_set(struct vm_device *d, const char *key, const char *value); /* replaces */
const char *vm_device_get(const struct vm_device *d, const char *key);       /* NULL if absent */

struct vm_global *vm_global_new(const char *driver, const char *prop, const char *value);
void vm_global_free(struct vm_global *g);
/* The last value that was given for a property; NULL if none was. */
const char *vm_config_global(const struct vm_config *c, const char *driver, const char *prop);

#endif
