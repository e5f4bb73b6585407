/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts by qtest, where the test plays the CPU.
 *
 * Invariants: an INTx line is watched at the IO-APIC's pin, and ended as a CPU does: first the
 * device is told, then an EOI goes to the local APIC, which is also what opens the line of an
 * assigned device again.  Messages are let go to a word of memory each, or to the local APIC.
 */
#ifndef TESTS_QTEST_LIBIRQ_H
#define TESTS_QTEST_LIBIRQ_H

#include "tests/qtest/libpci.h"

/* --- the chips --- */

#define QIOAPIC_LEVEL (1u << 15)
#define QIOAPIC_MASKED (1u << 16)
#define QIOAPIC_IRR (1u << 14) /* a level interrupt waits for its EOI */
#define QLAPIC_MSI 0xfee00000ull

void qlapic_enable(struct qtest *q);
bool qlapic_pending(struct qtest *q, uint8_t vector);
/* Take and end the highest interrupt that is pending; nothing where none is. */
void qlapic_eoi(struct qtest *q);
void qioapic_write(struct qtest *q, unsigned pin, uint32_t low); /* low: vector and flags */
uint32_t qioapic_read(struct qtest *q, unsigned pin);

/* The IO-APIC's pin that a function's INTx pin leads to, over bridges; q35. */
int qpci_intx_pin(struct qpci_dev *d);

/* --- MSI --- */

/* Enable with this many vectors, a power of two: vector n is the message data + n. */
void qmsi_enable(struct qpci_dev *d, uint64_t addr, uint16_t data, unsigned vectors);
void qmsi_disable(struct qpci_dev *d);
unsigned qmsi_vectors(struct qpci_dev *d);            /* that it can have */
void qmsi_mask(struct qpci_dev *d, uint32_t vectors); /* a bit for each */
uint32_t qmsi_pending(struct qpci_dev *d);

/* --- MSI-X --- */

struct qmsix {
	struct qpci_dev *dev;
	unsigned cap, vectors;
	struct qpci_bar *table, *pba;
	uint32_t table_off, pba_off;
};

void qmsix_enable(struct qmsix *x, struct qpci_dev *d); /* every vector stays as it is: masked */
void qmsix_disable(struct qmsix *x);
void qmsix_mask_all(struct qmsix *x, bool masked); /* the function mask */
void qmsix_set(struct qmsix *x, unsigned vector, uint64_t addr, uint32_t data, bool masked);
void qmsix_mask(struct qmsix *x, unsigned vector, bool masked);
bool qmsix_pending(struct qmsix *x, unsigned vector);

/* --- one interrupt of a device, whatever its kind --- */

enum qirq_kind { QIRQ_INTX, QIRQ_MSI, QIRQ_MSIX };

struct qirq {
	struct qpci_dev *dev;
	enum qirq_kind kind;
	int pin;           /* INTx */
	struct qmsix msix; /* MSI-X */
	uint64_t addr;     /* messages: where, and what, of the first vector */
	uint32_t data;
};

/* Vector 0 of MSI or MSI-X, or the pin. */
void qirq_init(struct qirq *irq, struct qpci_dev *d, enum qirq_kind kind);
/* For MSI-X, one more vector, with a word of its own. */
void qirq_init_vector(struct qirq *irq, const struct qirq *first, unsigned vector);
bool qirq_fired(struct qirq *irq);
void qirq_wait(struct qirq *irq); /* QTEST_WAIT for it */
/* The interrupt has been served, the device told: ready for the next one. */
void qirq_done(struct qirq *irq);

#endif
