/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The q35 chip set: host bridge (MCH), I/O controller (ICH9 LPC), ACPI tables, and what firmware
 * would set up.
 *
 * Invariants: the parts know each other only by wires and by the PCI host; the board (vm/machine.c)
 * makes and joins them.  Every part has reset and free.  Sources: Intel 3 Series Chipset datasheet
 * (316966), Intel ICH9 datasheet (316972), ACPI 6.3, PCI Firmware 3.0.
 */
#ifndef HW_Q35_Q35_H
#define HW_Q35_Q35_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vclock.h"
#include "hw/irq/wire.h"
#include "hw/pci/pci.h"
#include "hw/q35/smram.h"

struct err;

/* --- host bridge (mch.c): 00:00.0, ports 0xcf8-0xcff, PCIEXBAR --- */

#define MCH_PRIO_VGA 2 /* of a display's window at 0xa0000: above the hole, below open SMRAM */

struct mch;

struct mch_conf {
	void (*hard_reset)(void *opaque); /* the reset control register asked for it; any thread */
	void *opaque;
	struct smram_conf smram;
};

/* conf is copied.  -ERANGE for a TSEG that is too large. */
struct mch *mch_new(struct pcihost *host, const struct mch_conf *conf, struct err **errp);
void mch_free(struct mch *m); /* after the PCI host has freed its devices */

/* --- LPC bridge (lpc.c): 00:1f.0, PM block, PIRQ routing, RCBA --- */

#define LPC_PMBASE 0x600
#define LPC_SCI_GSI 9
#define LPC_RCBA 0xfed1c000u /* where firmware puts the chip configuration registers */

struct lpc;

struct lpc_conf {
	struct vclock *clock;
	struct wire gsi[GSI_PINS];
	void (*power_off)(void *opaque); /* the guest entered S5; any thread */
	void (*watchdog)(void *opaque);  /* the TCO timer's second end; any thread */
	bool no_reboot;                  /* the strap that forbids it (tco.h) */
	void *opaque;
};

struct lpc *lpc_new(struct pcihost *host, const struct lpc_conf *conf, struct err **errp);
void lpc_free(struct lpc *l);         /* after the PCI host has freed its devices */
void lpc_power_button(struct lpc *l); /* main loop's thread */

/* The board's part of struct pcihost_ops: opaque is the struct lpc. */
void lpc_intx(void *opaque, unsigned slot, unsigned pin, bool level);
int lpc_intx_gsi(void *opaque, unsigned slot, unsigned pin);

/* --- firmware's work (setup.c, acpi.c) --- */

struct pci_windows {
	uint64_t mem32, mem32_end; /* ends are exclusive */
	uint64_t mem64, mem64_end;
	uint16_t io, io_end;
};

/*
 * Number the buses, place every BAR and bridge window, as firmware does before a kernel starts;
 * decoding of endpoints stays off.  -ENOSPC names the device whose BAR does not fit, with need and
 * window.
 */
int q35_setup_pci(struct pcihost *host, const struct pci_windows *w, struct err **errp);

/* The highest bus number that q35_setup_pci gave out. */
unsigned q35_last_bus(const struct pcihost *host);

struct acpi_facts {
	unsigned cpus;
	/*
	 * Last bus of MCFG, 0..255.  Linux probes every slot of every bus up to it, 8,192 config
	 * cycles for 256 buses: say what there is and some to spare.  Buses beyond are reached by
	 * ports 0xcf8 and 0xcfc.
	 */
	unsigned last_bus;
	struct pci_windows windows;
};

/* Write all tables below 1 MiB; returns the address of the RSDP. */
uint64_t q35_write_acpi(struct aspace *mem, const struct acpi_facts *facts);

#endif
