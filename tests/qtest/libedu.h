/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's driver for the edu device (hw/dev/edu.h has its registers), by qtest.
 *
 * Invariants: each function returns when the device has done what it was asked for; an interrupt
 * that it was asked for is the caller's to wait for and to acknowledge.
 */
#ifndef TESTS_QTEST_LIBEDU_H
#define TESTS_QTEST_LIBEDU_H

#include "hw/dev/edu.h"
#include "tests/qtest/libpci.h"

struct qedu {
	struct qtest *q;
	struct qpci_bar *bar;
};

void qedu_init(struct qedu *e, struct qpci_dev *d);
uint32_t qedu_factorial(struct qedu *e, uint32_t n, bool irq);
void qedu_raise(struct qedu *e, uint32_t bits);
/* The interrupt's causes, which are acknowledged. */
uint32_t qedu_ack(struct qedu *e);
/* off: in the device's buffer. */
void qedu_dma_to_device(struct qedu *e, uint64_t ram, uint32_t off, uint32_t len, bool irq);
void qedu_dma_from_device(struct qedu *e, uint64_t ram, uint32_t off, uint32_t len, bool irq);

#endif
