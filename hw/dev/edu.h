/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * edu: the educational PCI device (1234:11e8, revision 0x10), after its published register
 * description: identification, liveness, factorial, interrupts, and a DMA engine with 4 KiB of
 * its own.
 *
 * Invariants: factorials and transfers are done in the device's own thread; a register access
 * returns at once.  Accesses are of 4 bytes below 0x80, of 4 or 8 from there; others read ones and
 * write nothing.
 */
#ifndef HW_DEV_EDU_H
#define HW_DEV_EDU_H

#include "hw/pci/pci.h"

#define EDU_DMA_MASK 0x0fffffffull /* 28 bits, as the description has it */

/* Registers, offsets in BAR 0. */
enum {
	EDU_ID = 0x00,
	EDU_LIVE = 0x04,
	EDU_FACTORIAL = 0x08,
	EDU_STATUS = 0x20,
	EDU_IRQ_STATUS = 0x24,
	EDU_IRQ_RAISE = 0x60,
	EDU_IRQ_ACK = 0x64,
	EDU_DMA_SRC = 0x80,
	EDU_DMA_DST = 0x88,
	EDU_DMA_COUNT = 0x90,
	EDU_DMA_CMD = 0x98,
};

#define EDU_ID_VALUE 0x010000edu
#define EDU_BAR_SIZE 0x100000u
#define EDU_BUF 0x40000u /* the internal buffer, as DMA addresses it */
#define EDU_BUF_SIZE 4096u
#define EDU_STATUS_COMPUTING 0x01u
#define EDU_STATUS_IRQ 0x80u /* interrupt when a factorial is done */
#define EDU_IRQ_FACTORIAL 0x001u
#define EDU_IRQ_DMA 0x100u
#define EDU_CMD_START 1u
#define EDU_CMD_TO_RAM 2u /* from the buffer; else into it */
#define EDU_CMD_IRQ 4u    /* interrupt when done */

struct err;

/*
 * A device, not plugged yet.  id: its name, NULL = the model's; dma_mask: the address bits that its
 * DMA engine has.  Fails with the -errno of a thread that cannot be had.
 */
int pci_edu_new(struct pcidev **out, const char *id, uint64_t dma_mask, struct err **errp);

#endif
