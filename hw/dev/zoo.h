/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pci-zoo: a PCI Express function with one of each kind of BAR, interrupt and capability, for tests
 * of guests, of VFIO and of whatever else walks and maps what a device shows.
 *
 * Invariants: it does nothing by itself, so all that happens was asked for in a register; it never
 * does DMA.  Register writes take effect before they return.
 *
 * BAR 0    32-bit memory, the registers below, 4 bytes wide
 * BAR 1    I/O ports, the same registers
 * BAR 2    64-bit prefetchable memory: shared memory (memfd) that outlives resets
 * BAR 4    64-bit memory: MSI-X table, PBA at ZOO_PBA, nothing else
 * ROM      one image, valid and empty
 */
#ifndef HW_DEV_ZOO_H
#define HW_DEV_ZOO_H

#include "hw/pci/pci.h"

#define ZOO_VENDOR 0x1234
#define ZOO_DEVICE 0x2005
#define ZOO_MSI_VECTORS 8
#define ZOO_MSIX_VECTORS 16
#define ZOO_PBA 0x2000
#define ZOO_ROM_SIZE 0x1000

/* Registers; others read 0. */
#define ZOO_ID 0x00      /* ZOO_ID_VALUE */
#define ZOO_INTX 0x04    /* bit 0: the pin's level; it shows while MSI and MSI-X are off */
#define ZOO_MSI 0x08     /* write: send this MSI vector */
#define ZOO_MSIX 0x0c    /* write: send this MSI-X vector */
#define ZOO_SCRATCH 0x10 /* 0 after a reset */
#define ZOO_RESETS 0x14  /* how many there were; read-only */
#define ZOO_ID_VALUE 0x314f4f5a

/* Where capabilities are, for tests that do not walk. */
#define ZOO_CAP_PM 0x40
#define ZOO_CAP_MSI 0x48
#define ZOO_CAP_EXP 0x60
#define ZOO_CAP_MSIX 0x9c
#define ZOO_CAP_VPD 0xa8
#define ZOO_CAP_VNDR 0xb0
#define ZOO_CAP_AF 0xc0
#define ZOO_EXT_AER 0x100
#define ZOO_EXT_PWR 0x170
#define ZOO_EXT_LTR 0x1b8

/* size: of BAR 2, a power of two from 4 KiB to 64 GiB.  id: NULL = the model's name. */
int pci_zoo_new(struct pcidev **out, const char *id, uint64_t size, struct err **errp);

#endif
