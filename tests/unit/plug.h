/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device model plugged in for a driver to use, in one of two ways that must not differ: directly
 * on a bus of the test's, or into an emulated host whose vfio-pci gives it to the test as a user of
 * the VFIO API.
 *
 * Invariants: BAR 0 decodes and the device is bus master from the start; PLUG_RAM_SIZE bytes of
 * memory are at PLUG_RAM of the device's DMA space.  INTx is heard as by vfio-pci: once, then not
 * again before plug_unmask.
 */
#ifndef TESTS_UNIT_PLUG_H
#define TESTS_UNIT_PLUG_H

#include "hw/pci/pci.h"

#define PLUG_RAM 0x100000u
#define PLUG_RAM_SIZE 0x400000u
#define PLUG_VECTORS 16

enum plug_irq { PLUG_INTX, PLUG_MSI, PLUG_MSIX };

struct plug;

struct plug_ops {
	const char *name;
	uint32_t (*cfg_read)(struct plug *p, unsigned off, unsigned len);
	void (*cfg_write)(struct plug *p, unsigned off, uint32_t val, unsigned len);
	uint64_t (*read)(struct plug *p, unsigned off, unsigned len); /* BAR 0 */
	void (*write)(struct plug *p, unsigned off, uint64_t val, unsigned len);
	void (*irq_on)(struct plug *p, enum plug_irq kind, unsigned vectors);
	void (*irq_off)(struct plug *p); /* one kind at a time */
	unsigned (*heard)(struct plug *p, unsigned vector);
	void (*unmask)(struct plug *p);        /* INTx */
	void (*ram)(struct plug *p, bool map); /* does the device see the memory? */
	uint64_t (*faults)(struct plug *p);    /* 0 where nobody counts */
	void (*free)(struct plug *p);
};

struct plug {
	const struct plug_ops *ops;
	struct pcidev *d;
	uint8_t *mem; /* the device's PLUG_RAM; page aligned */
};

/* Both take the model over. */
struct plug *plug_direct(struct pcidev *model);
struct plug *plug_inproc(struct pcidev *model);
void plug_free(struct plug *p);

/* Until a vector was heard n times in all; ten seconds at most. */
void plug_wait(struct plug *p, unsigned vector, unsigned n);

#endif
