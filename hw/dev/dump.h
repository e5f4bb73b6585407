/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pci-dump: a PCI function that is the hex dump of a real one, as `lspci -x`, `-xxx` and `-xxxx`
 * print it.
 *
 * Invariants: registers behave as the specifications of their capabilities say (PCI 3.0, PCI PM
 * 1.2, PCI Express 3.0, Advanced Capabilities ECN) and start as after power-on; what has no
 * behaviour here is read-only.  BARs are sparse memory of zeros whose sizes are guessed.  The
 * function never raises an interrupt and never does DMA.  Dumps are not trusted: walks are bounded,
 * and a capability that does not fit is read-only.
 */
#ifndef HW_DEV_DUMP_H
#define HW_DEV_DUMP_H

#include <glib.h>

#include "hw/pci/pci.h"

struct pcidump_dev {
	unsigned domain, line; /* line: of its header in the file */
	uint16_t bdf;
	unsigned size; /* bytes that the file has: 64, 128 (CardBus), 256 or 4096 */
	uint8_t cfg[PCI_CFG_EXT];
};

struct pcidump {
	char *file;
	GPtrArray *devs; /* of struct pcidump_dev, in the file's order; one at least */
};

/* --- the file (dump_text.c) --- */

/* NULL: errp says file and line. */
struct pcidump *pcidump_read(const char *file, struct err **errp);
/* The same on a text of len bytes; file: its name in messages. */
struct pcidump *pcidump_parse(const char *file, const char *text, size_t len, struct err **errp);
void pcidump_free(struct pcidump *dump); /* NULL is accepted */

/* [domain:]bus:slot.function as lspci writes it; NULL = the first.  NULL: none has the address. */
const struct pcidump_dev *pcidump_find(const struct pcidump *dump, const char *addr,
				       struct err **errp);
/* The address as text, the domain only where it is not 0; g_free(). */
char *pcidump_name(const struct pcidump_dev *dev);

/* --- registers (dump_regs.c) --- */

struct dump_regs {
	unsigned size; /* of config space: 256 or 4096 */
	uint8_t init[PCI_CFG_EXT], wmask[PCI_CFG_EXT], w1c[PCI_CFG_EXT];
	uint8_t sticky[PCI_CFG_EXT];          /* bits that a reset keeps */
	unsigned pm, msi, msix, exp, af, vpd; /* capabilities that act; 0 = not there */
};

void dump_regs_init(struct dump_regs *r, const struct pcidump_dev *dev);

/* --- the device (dump.c) --- */

/* Why a model of it cannot be made: it is a bridge, it reads ones; NULL = it can. */
const char *pcidump_unfit(const struct pcidump_dev *dev);

struct dump_conf {
	const char *id;
	const char *file;
	const char *device;     /* address in the file; NULL = the first */
	uint64_t bar[PCI_BARS]; /* bytes, a power of two; 0 = guess */
};

int pci_dump_new(struct pcidev **out, const struct dump_conf *conf, struct err **errp);
/* The same from a file that was read already: dev is one of dump's. */
int pci_dump_make(struct pcidev **out, const struct dump_conf *conf, const struct pcidump *dump,
		  const struct pcidump_dev *dev, struct err **errp);

#endif
