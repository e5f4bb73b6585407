/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The q35 board as vm/ builds it.  Everything that a device's maker in devs.c may need is here;
 * devices themselves never see it.
 */
#ifndef VM_BOARD_H
#define VM_BOARD_H

#include <glib.h>

#include "accel/accel.h"
#include "base/vclock.h"
#include "hw/dev/pvpanic.h"
#include "hw/isa/fw_cfg.h"
#include "hw/isa/i8042.h"
#include "hw/isa/ib700.h"
#include "hw/isa/pit.h"
#include "hw/isa/ports.h"
#include "hw/isa/rtc.h"
#include "hw/isa/serial.h"
#include "hw/irq/ioapic.h"
#include "hw/irq/pic.h"
#include "hw/q35/q35.h"
#include "hw/vfio/vfio.h"
#include "mem/aspace.h"
#include "mem/ram.h"
#include "vm/boot.h"
#include "vm/config.h"

enum board_told {
	BOARD_DELETED,        /* a device has left */
	BOARD_UNPLUG_REFUSED, /* the guest keeps it */
	BOARD_HOST_REQUEST,   /* of an assigned one: the host wants it back; path: its BDF there */
	BOARD_HOST_ERROR,     /* ... it has failed */
};

/* One device that the user asked for. */
struct board_device {
	struct vm_device *conf;
	struct pcidev *dev; /* NULL: not PCI */
	char *path;
	bool leaving;      /* the guest was asked to give it back */
	int64_t asked;     /* when, on the machine's clock */
	unsigned requests; /* of the host for it */
};

/* What the board asks of the machine; any thread. */
struct board_ops {
	void (*reset)(void *opaque);
	void (*power_off)(void *opaque);
	void (*exit_with)(void *opaque, int status); /* isa-debug-exit */
	void (*fatal)(void *opaque, const char *text);
	/* The guest's kernel has crashed; crash_loaded: and another one goes on in its place. */
	void (*panicked)(void *opaque, bool crash_loaded);
	void (*watchdog)(void *opaque); /* one of them barked */
	bool (*running)(void *opaque);  /* main loop's thread */
	/* No CPU is in a device between the two; they do not nest.  Main loop's thread. */
	void (*park)(void *opaque);
	void (*unpark)(void *opaque);
	/* A write to the emulated host's sysfs is over: 0 or -errno.  Main loop's thread. */
	void (*host_written)(void *opaque, const char *path, int ret);
	void (*rtc_changed)(void *opaque, int64_t offset); /* seconds off -rtc's base */
	/* Main loop's thread.  id may be NULL; path: the device's in QOM. */
	void (*told)(void *opaque, enum board_told what, const char *id, const char *path);
	struct chardev *(*chardev)(void *opaque, const char *id,
				   struct err **errp); /* a free one */
	void *opaque;
};

struct board {
	const struct vm_config *config;
	struct board_ops ops;
	struct aspace *mem, *io;
	struct ram ram;
	struct vclock *clock;
	struct accel *accel;
	struct wire gsi[GSI_PINS];
	/* Split irqchip: told of each level a pin of the IO-APIC gets; atomic, NULL = nobody. */
	void (*tap)(void *opaque, int pin, bool level);
	void *tap_opaque;
	struct e820_entry e820[16];
	size_t e820_n;
	uint64_t ram_below_4g, ram_above_4g;
	struct pci_windows windows;
	struct pcihost pci;
	struct mch *mch;
	struct lpc *lpc;
	struct pic *pic; /* split irqchip only, as are ioapic and pit */
	struct ioapic *ioapic;
	struct pit *pit;
	struct rtc *rtc;
	struct i8042 *i8042;
	struct port80 *port80;
	struct port92 *port92;
	struct serial *serial[VM_MAX_SERIALS];
	struct testdev *testdev;
	struct debugexit *debugexit;
	struct debugcon *debugcon;
	struct fw_cfg *fw_cfg;
	struct pvpanic *pvpanic; /* -device; NULL where not asked for, as is ib700 */
	struct ib700 *ib700;
	bool booted; /* board_boot_order() was there once */
	struct vfio_ctx *vfio;
	struct host *host; /* the emulated host; NULL where none is configured */
	struct boot_image *boot;
	GPtrArray *backends;    /* memory that devices name (vm/backends.h) */
	GPtrArray *host_writes; /* hostops.c's */
	/* hotplug.c's */
	GPtrArray *plugged; /* of struct board_device */
	unsigned anonymous; /* of them without an id, so far */
	bool live;          /* the guest has run: only slots with hotplug change */
	GMutex slots_lock;  /* the next two */
	GArray *slots;      /* of what the guest did to them */
	guint slots_source;
};

/* Steps in order; board_free undoes whatever was done. */
bool board_is_none(const struct board *b); /* -machine none: address spaces, nothing in them */
int board_memory(struct board *b, struct err **errp); /* before the accelerator is opened */
int board_devices(struct board *b, struct err **errp);
int board_reset(struct board *b, struct x86_regs *regs, struct err **errp); /* vCPUs parked */
void board_free_devices(struct board *b); /* before the accelerator is closed */
void board_free_memory(struct board *b);
void board_eoi(void *board, uint8_t vector);
void board_set_pin(struct board *b, int pin, bool level); /* of the IO-APIC, where there is one */
void board_untap(struct board *b);  /* on return the tap is not called any more */
void board_settle(struct board *b); /* returns when devices have done all that was asked of them */

/*
 * hotplug.c; main loop's thread but for board_slot_off() and _kept(), which are for struct
 * pcihost_ops, any thread.
 * board_add: as the user's -device or device_add.  board_del: -ENODEV where there is none; else the
 * guest is asked (b->live) or the device goes at once.  board_request: the host wants an assigned
 * device back, whose vdev may be gone on return.
 */
void board_devices_init(struct board *b);
void board_devices_fini(struct board *b);
struct board_device *board_device(struct board *b, const char *id); /* NULL = none */
int board_add(struct board *b, const struct vm_device *conf, struct err **errp);
int board_del(struct board *b, const char *id, struct err **errp);
void board_end_unplugs(struct board *b);
void board_request(struct board *b, struct pcidev *dev, bool running);
void board_slot_off(void *board, struct pcidev *port);
void board_slot_kept(void *board, struct pcidev *port);
bool board_slots_busy(struct board *b); /* devices are about to leave */

/*
 * hostops.c: the emulated host's sysfs, below /sys/bus/pci, while the machine runs.  A write's end
 * is told by board_ops.host_written.  read: also a link.  -ENODEV where there is no such host.
 */
int board_host_write(struct board *b, const char *path, const char *text, struct err **errp);
int board_host_read(struct board *b, const char *path, GString *out, struct err **errp);
void board_host_writes_end(struct board *b); /* all devices are released */

/* fwitems.c: makes fw_cfg and fills it; the RAM is known.  0 or -errno. */
int board_fw_cfg(struct board *b, struct err **errp);
/* ... the order of drives for this reset, after the clock's own. */
void board_boot_order(struct board *b);

/* hostdevs.c: the emulated host as the -host-* options describe it; *out NULL = none. */
int hostdevs_new(const struct vm_config *c, struct host **out, struct err **errp);

/* devs.c: a PCI function for the emulated host, on no bus yet. */
int devs_make_host(const struct vm_device *conf, struct pcidev **out, struct err **errp);
/* devs.c: warns of each -global that is for no device model and no part of the board. */
void devs_check_globals(const struct vm_config *config);
/* devs.c: make one -device; *out: the PCI device that it became, NULL = none. */
int devs_create(struct board *b, const struct vm_device *conf, struct pcidev **out,
		struct err **errp);

#endif
