/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI of a q35 board by qtest: config space, the walk over all buses, BARs and bridge windows.
 *
 * Invariants: qpci_init() does what firmware does: it numbers the buses and opens a window of each
 * kind in every bridge; whatever the board had set up before is overwritten.  BARs are placed by
 * qpci_iomap(), inside of the windows above them.  Config cycles go by ports 0xcf8 and 0xcfc, or by
 * the PCI Express window where the register needs that or by_ecam asks for it.
 */
#ifndef TESTS_QTEST_LIBPCI_H
#define TESTS_QTEST_LIBPCI_H

#include <linux/pci_regs.h>

#include "tests/qtest/libqtest.h"

#define QPCI_DEVFN(slot, fn) ((uint8_t)((slot) << 3 | (fn)))
#define QPCI_SLOT(devfn) ((devfn) >> 3)
#define QPCI_BARS 6
#define QPCI_ECAM 0xb0000000ull /* where qpci_init() puts the window if it is off */

enum qpci_space { QPCI_IO, QPCI_MEM, QPCI_PREF, QPCI_SPACES };

/* Addresses that are not given out yet: of the board, or of a bridge's window. */
struct qpci_arena {
	uint64_t next, end;
};

struct qpci_bar {
	struct qpci_dev *dev;
	unsigned nr;
	uint64_t addr, size; /* size 0: there is none */
	bool io, wide /* 64 bits */, prefetch;
};

struct qpci_dev {
	struct qpci *pci;
	struct qpci_dev *bridge; /* above it; NULL on bus 0 */
	uint8_t bus, devfn;
	uint16_t vendor, device;
	bool is_bridge;
	struct qpci_bar bar[QPCI_BARS];        /* those that are placed */
	struct qpci_arena window[QPCI_SPACES]; /* of a bridge */
};

struct qpci {
	struct qtest *q;
	uint64_t ecam;
	bool by_ecam;
	GPtrArray *devs; /* of struct qpci_dev, in the order of the walk */
	unsigned last_bus;
	struct qpci_arena arena[QPCI_SPACES];
};

struct qpci *qpci_init(struct qtest *q);
void qpci_free(struct qpci *pci);
struct qpci_dev *qpci_at(struct qpci *pci, unsigned bus, unsigned devfn); /* fails if not there */
struct qpci_dev *qpci_find(struct qpci *pci, uint16_t vendor, uint16_t device); /* or NULL */

/* Any function, also one that the walk did not find; len 1, 2, 4. */
uint32_t qpci_read(struct qpci *pci, unsigned bus, unsigned devfn, unsigned off, unsigned len);
void qpci_write(struct qpci *pci, unsigned bus, unsigned devfn, unsigned off, uint32_t val,
		unsigned len);

uint8_t qpci_config_readb(struct qpci_dev *d, unsigned off);
uint16_t qpci_config_readw(struct qpci_dev *d, unsigned off);
uint32_t qpci_config_readl(struct qpci_dev *d, unsigned off);
void qpci_config_writeb(struct qpci_dev *d, unsigned off, uint8_t val);
void qpci_config_writew(struct qpci_dev *d, unsigned off, uint16_t val);
void qpci_config_writel(struct qpci_dev *d, unsigned off, uint32_t val);

/* Offset of a capability, 0 = there is none; start: search after this one, 0 = from the first. */
unsigned qpci_find_capability(struct qpci_dev *d, uint8_t id, unsigned start);
unsigned qpci_find_ext_capability(struct qpci_dev *d, uint16_t id, unsigned start);

void qpci_device_enable(struct qpci_dev *d); /* decoding and bus mastering */
void qpci_device_disable(struct qpci_dev *d);

/* What BAR nr is; where it was stays.  Decoding is off meanwhile. */
struct qpci_bar qpci_bar_probe(struct qpci_dev *d, unsigned nr);
/* Write an address into the register. */
void qpci_bar_set(struct qpci_bar *bar, uint64_t addr);
/* Place BAR nr, and remember where; fails where there is none. */
struct qpci_bar *qpci_iomap(struct qpci_dev *d, unsigned nr);
/* An address of that size that nobody else gets, behind d's bridges. */
uint64_t qpci_alloc(struct qpci_dev *d, enum qpci_space space, uint64_t size);

/* Accesses to a BAR, in memory or of ports. */
uint8_t qpci_io_readb(const struct qpci_bar *bar, uint64_t off);
uint16_t qpci_io_readw(const struct qpci_bar *bar, uint64_t off);
uint32_t qpci_io_readl(const struct qpci_bar *bar, uint64_t off);
uint64_t qpci_io_readq(const struct qpci_bar *bar, uint64_t off);
void qpci_io_writeb(const struct qpci_bar *bar, uint64_t off, uint8_t val);
void qpci_io_writew(const struct qpci_bar *bar, uint64_t off, uint16_t val);
void qpci_io_writel(const struct qpci_bar *bar, uint64_t off, uint32_t val);
void qpci_io_writeq(const struct qpci_bar *bar, uint64_t off, uint64_t val);

#endif
